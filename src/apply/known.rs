//! [`Known`]: the user's files, evaluated with what is known by now.

use std::collections::BTreeMap;

use super::event::Failure;
use super::machine::Desired;
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::plan::{Act, DataKey, Observed, Step, answers};
use crate::remote::{ConfigName, Id, Live};
use crate::schema::Types;
use crate::stack::desired::{Configuration, Host, OutputValue};
use crate::state::State;
use crate::value::Value;

/// Evaluates instances again as the outputs of finished steps become known.
pub struct Known<'a> {
    configuration: &'a mut dyn Configuration,
    outputs: Outputs<'a>,
}

/// What exists answers, and what data sources said.
struct Outputs<'a> {
    types: &'a dyn Types,
    by_address: BTreeMap<Address, Value>,
    data: BTreeMap<DataKey, Value>,
}

impl<'a> Known<'a> {
    /// What is known before the first step: the answers of everything that is there and is not made anew by `steps`.
    pub fn new(
        configuration: &'a mut dyn Configuration,
        types: &'a dyn Types,
        state: &State,
        observed: &Observed,
        steps: &[Step],
    ) -> Self {
        let mut by_address = BTreeMap::new();
        for (address, record) in &state.resources {
            let Some(schema) = types.resource(address.type_name()) else { continue };
            let known = match observed.live.get(address).and_then(Option::as_ref) {
                Some(live) => answers::known(schema, &live.settings, &live.outputs),
                // An unfinished creation has nothing on record yet.
                None if record.outputs.is_null() => continue,
                None => answers::recorded(schema, address, &record.applied, &record.outputs),
            };
            by_address.insert(address.clone(), known);
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

    fn expect(&mut self, address: &Address, id: &Id) {
        let Some(schema) = self.outputs.types.resource(address.type_name()) else { return };
        self.outputs.by_address.insert(address.clone(), answers::expected(schema, address, id));
    }

    fn learn(&mut self, address: &Address, settings: &Value, outputs: &Value) {
        let known = match (address.mode(), self.outputs.types.resource(address.type_name())) {
            (Mode::Managed, Some(schema)) => answers::known(schema, settings, outputs),
            (Mode::Managed | Mode::Data, _) => outputs.clone(),
        };
        self.outputs.by_address.insert(address.clone(), known);
    }

    fn check(&mut self, address: &Address, live: &Live) -> Result<(), Failure> {
        let outputs = live.outputs.members().into_iter().flatten();
        let whole = live.settings.with_all(outputs.map(|(name, it)| (name.clone(), it.clone())));
        let complaints = self.configuration.postconditions(address, &whole, &mut self.outputs);
        if complaints.iter().any(Diagnostic::is_error) {
            return Err(Failure::Condition { message: sentence(&complaints) });
        }
        Ok(())
    }
}

impl Host for Outputs<'_> {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        let known = self.by_address.get(address).cloned();
        known.unwrap_or_else(|| answers::unknown(self.types.resource(address.type_name()), address))
    }

    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value {
        let key = || DataKey { type_name: address.type_name().to_owned(), config: config.clone(), arguments: arguments.clone() };
        let known = self.by_address.get(address).or_else(|| self.data.get(&key()));
        known.cloned().unwrap_or_else(|| answers::unknown(self.types.data(address.type_name()), address))
    }
}

fn sentence(complaints: &[Diagnostic]) -> String {
    let errors = complaints.iter().filter(|it| it.is_error());
    let texts = errors.map(|it| if it.detail.is_empty() { it.summary.clone() } else { format!("{}: {}", it.summary, it.detail) });
    texts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::remote::Status;
    use crate::sim::types::SimTypes;
    use crate::sim::wish::Wish;
    use crate::state::{Lineage, Record};

    #[test]
    fn what_the_cloud_chose_is_answered_at_apply_as_it_was_in_the_plan() {
        let (old, new): (Address, Address) = ("sim_instant.old".parse().unwrap(), "sim_instant.new".parse().unwrap());
        let outputs = Value::object([("id", Value::from("i-1")), ("arn", "a".into())]);
        let settings = Value::object([("name", Value::from("old")), ("zone", "z-1".into())]);
        let mut state = State::new("dev".parse().unwrap(), Lineage("l".into()));
        let record = Record {
            config: ConfigName::default(),
            id: Id::new("i-1"),
            token: None,
            applied: Value::object([("name", Value::from("old"))]),
            outputs: outputs.clone(),
            dependencies: Default::default(),
            lifecycle: Default::default(),
            unfinished: false,
            deposed: Vec::new(),
        };
        state.resources.insert(old.clone(), Arc::new(record));
        let live = Live { settings: settings.clone(), outputs: outputs.clone(), status: Status::Ready };
        let observed = Observed { live: [(old.clone(), Some(live))].into(), ..Observed::default() };
        let mut wish = Wish::default();
        let mut known = Known::new(&mut wish, &**SimTypes::shared(), &state, &observed, &[]);
        let ask = |known: &mut Known<'_>, it: &Address| known.outputs.outputs(it, &ConfigName::default(), &Value::Null);
        assert_eq!(ask(&mut known, &old).get("zone"), Value::from("z-1"));
        assert!(ask(&mut known, &new).get("zone").is_unknown());
        known.learn(&new, &settings, &outputs);
        assert_eq!(ask(&mut known, &new).get("zone"), Value::from("z-1"));
        let unseen = &mut Known::new(&mut wish, &**SimTypes::shared(), &state, &Observed::default(), &[]);
        assert!(ask(unseen, &old).get("zone").is_unknown(), "what was not looked at is not taken for nothing");
    }
}
