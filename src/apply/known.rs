//! [`Known`]: the user's files, evaluated with what is known by now.

use std::collections::BTreeMap;

use super::compare::mark_secrets;
use super::event::Failure;
use super::machine::Desired;
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::plan::{Act, DataKey, Observed, Step};
use crate::remote::{ConfigName, Live};
use crate::schema::{Schema, Types};
use crate::stack::desired::{Configuration, Host, OutputValue};
use crate::state::State;
use crate::value::Value;

/// Evaluates instances again as the outputs of finished steps become known.
pub struct Known<'a> {
    configuration: &'a mut dyn Configuration,
    outputs: Outputs<'a>,
}

/// What exists, and what data sources said.
struct Outputs<'a> {
    types: &'a dyn Types,
    by_address: BTreeMap<Address, Value>,
    data: BTreeMap<DataKey, Value>,
}

impl<'a> Known<'a> {
    /// What is known before the first step: the outputs of everything that is there and is not made anew by `steps`.
    pub fn new(
        configuration: &'a mut dyn Configuration,
        types: &'a dyn Types,
        state: &State,
        observed: &Observed,
        steps: &[Step],
    ) -> Self {
        let mut by_address = BTreeMap::new();
        for (address, record) in &state.resources {
            let live = observed.live.get(address).and_then(Option::as_ref).map(|it| &it.outputs);
            let outputs = live.unwrap_or(&record.outputs);
            if let Some(schema) = types.resource(address.type_name())
                && !outputs.is_null()
            {
                by_address.insert(address.clone(), mark_secrets(schema, outputs));
            }
        }
        for step in steps {
            match &step.act {
                Act::Move { from } => {
                    if let Some(outputs) = by_address.remove(from) {
                        by_address.insert(step.address.clone(), outputs);
                    }
                }
                Act::Create { .. } => {
                    by_address.remove(&step.address);
                }
                Act::Configure { .. } | Act::Update { .. } | Act::Delete { .. } | Act::DeleteReplaced { .. } => {}
                Act::Import { .. } | Act::Forget | Act::Protect { .. } | Act::Read | Act::Refresh { .. } => {}
            }
        }
        Self { configuration, outputs: Outputs { types, by_address, data: observed.data.clone() } }
    }

    /// The stack's outputs as they are now.
    pub fn stack_outputs(&mut self) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        self.configuration.outputs(&mut self.outputs)
    }
}

impl Desired for Known<'_> {
    fn settings(&mut self, address: &Address) -> Result<Value, Failure> {
        self.configuration
            .settings(address, &mut self.outputs)
            .map_err(|complaints| Failure::Evaluation { message: sentence(&complaints) })
    }

    fn learn(&mut self, address: &Address, outputs: &Value) {
        self.outputs.by_address.insert(address.clone(), outputs.clone());
    }

    fn check(&mut self, address: &Address, live: &Live) -> Result<(), Failure> {
        let outputs = live.outputs.members().into_iter().flatten();
        let whole = outputs.fold(live.settings.clone(), |whole, (name, it)| whole.with(name, it.clone()));
        let complaints = self.configuration.postconditions(address, &whole, &mut self.outputs);
        if complaints.iter().any(Diagnostic::is_error) {
            return Err(Failure::Condition { message: sentence(&complaints) });
        }
        Ok(())
    }
}

impl Host for Outputs<'_> {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        match self.by_address.get(address) {
            Some(known) => of_schema(self.types.resource(address.type_name()), known),
            None => unknown(self.types.resource(address.type_name()), address),
        }
    }

    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value {
        let key = || DataKey { type_name: address.type_name().to_owned(), config: config.clone(), arguments: arguments.clone() };
        let known = self.by_address.get(address).or_else(|| self.data.get(&key()));
        known.cloned().unwrap_or_else(|| unknown(self.types.data(address.type_name()), address))
    }
}

/// Every output by name; one that the cloud left out is null.
fn of_schema(schema: Option<&Schema>, known: &Value) -> Value {
    let outputs = schema.into_iter().flat_map(Schema::outputs);
    Value::object(outputs.map(|(name, _)| (name.clone(), known.get(name))))
}

fn unknown(schema: Option<&Schema>, address: &Address) -> Value {
    let outputs = schema.into_iter().flat_map(Schema::outputs);
    Value::object(outputs.map(|(name, it)| {
        let value = Value::unknown(it.shape.ty(), address.clone(), name.clone());
        (name.clone(), value.mark(it.secret))
    }))
}

fn sentence(complaints: &[Diagnostic]) -> String {
    let errors = complaints.iter().filter(|it| it.is_error());
    let texts = errors.map(|it| if it.detail.is_empty() { it.summary.clone() } else { format!("{}: {}", it.summary, it.detail) });
    texts.collect::<Vec<_>>().join("; ")
}
