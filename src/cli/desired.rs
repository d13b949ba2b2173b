//! What is desired besides what the files say: things that were found and are to be taken in, and what a former version had.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::diag::Diagnostic;
use crate::plan::Former;
use crate::remote::Id;
use crate::stack::Program;
use crate::stack::desired::{Configuration, Evaluation, Host, Import, OutputValue};
use crate::state::Lineage;
use crate::value::Value;

/// What `infra state rebuild` found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub lineage: Option<Lineage>,
    pub imports: BTreeMap<Address, Id>,
    /// What is on record already.
    pub recorded: BTreeSet<Address>,
}

/// What is desired: a former version, or what the files say.
pub fn desired<'a>(former: &'a mut Option<Former>, program: &'a mut Program) -> &'a mut dyn Configuration {
    match former {
        Some(it) => it,
        None => program,
    }
}

/// A configuration with imports that stand in no file.
pub struct WithImports<'a> {
    pub inner: &'a mut dyn Configuration,
    pub imports: &'a BTreeMap<Address, Id>,
}

impl Configuration for WithImports<'_> {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let mut evaluation = self.inner.evaluate(host);
        let imports = self.imports.iter().map(|(to, id)| Import { to: to.clone(), id: id.clone(), span: None });
        evaluation.imports.extend(imports);
        evaluation
    }

    fn reset(&mut self) {
        self.inner.reset();
    }

    fn settings(&mut self, address: &Address, host: &mut dyn Host) -> Result<Value, Vec<Diagnostic>> {
        self.inner.settings(address, host)
    }

    fn outputs(&mut self, host: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        self.inner.outputs(host)
    }

    fn postconditions(&mut self, address: &Address, live: &Value, host: &mut dyn Host) -> Vec<Diagnostic> {
        self.inner.postconditions(address, live, host)
    }
}
