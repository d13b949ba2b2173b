//! [`Program`]: a stack's files, parsed and checked, and their lazy evaluation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::cycles;
use super::desired::{Configuration, Evaluation, Host, OutputValue};
use super::eval::{self, Evaluator, Facts, Failure, Frame, Memo};
use super::load::Loading;
use super::lower::Lowering;
use super::model::Model;
use super::order;
use super::parse;
use super::reading::Reading;
use super::relations;
use super::resolve;
use super::settings::{self, StackSettings};
use super::source::Source;
use super::variables::{self, Given};
use crate::address::{Address, StackName};
use crate::diag::render::Sources;
use crate::diag::{Diagnostic, Span};
use crate::remote::ConfigName;
use crate::schema::Types;
use crate::value::Value;

/// What is needed to load a stack.
pub struct LoadRequest<'a> {
    pub source: Arc<dyn Source>,
    pub stack: StackName,
    pub variables: Vec<Given>,
    pub types: &'a dyn Types,
    /// The account that the credentials belong to, where somebody asked already.
    pub account: Option<String>,
}

pub struct Loaded {
    pub program: Program,
    pub settings: StackSettings,
    /// Everything that is wrong without a look at any value. With an error among them there is no use in going on.
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug)]
pub struct Program {
    model: Model,
    facts: Facts,
    memo: Memo,
    reading: Reading,
    /// Where loading found an error: what evaluation says about the same places follows from it.
    broken: BTreeSet<Span>,
}

/// Nothing is known yet of anything.
struct Nobody;

impl Host for Nobody {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::unknown(crate::value::Type::Any, address.clone(), "")
    }
    fn data(&mut self, address: &Address, config: &ConfigName, shell: &Value) -> Value {
        self.outputs(address, config, shell)
    }
}

impl Sources for Program {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        let known = self.model.files.iter().find(|it| *it.name == *file).map(|it| it.text.clone());
        // A file of objects is not kept.
        let read = || Some(String::from_utf8(self.reading.source().read(file).ok()?).ok()?.into());
        known.or_else(read)
    }
}

impl Program {
    pub fn load(request: LoadRequest<'_>) -> Loaded {
        let reading = Reading::new(request.source);
        let mut loading = Loading::new(&reading, request.types);
        loading.stack(&format!("stacks/{}", request.stack));
        let (model, mut diagnostics) = (loading.model, loading.diagnostics);
        let variables = variables::read(&model, &request.variables, &mut diagnostics);
        let facts = Facts {
            stack: request.stack.as_str().into(),
            account: request.account.map(Into::into),
            variables,
            ..Facts::default()
        };
        let mut program = Self { model, facts, memo: Memo::new(), reading, broken: BTreeSet::new() };
        let (settings, mut complaints) = program.with(&mut Nobody, |it| settings::read(it, request.stack.as_str()));
        diagnostics.append(&mut complaints);
        // What the settings were evaluated with lacks the settings themselves.
        program.memo = Memo::new();
        program.learn(&settings);
        order::sort(&mut diagnostics);
        program.broken = diagnostics.iter().filter(|it| it.is_error()).filter_map(|it| it.span.clone()).collect();
        Loaded { program, settings, diagnostics }
    }

    fn learn(&mut self, settings: &StackSettings) {
        self.facts.region = Some(settings.region.as_str().into()).filter(|it: &Arc<str>| !it.is_empty());
        if let [only] = settings.accounts.as_slice() {
            self.facts.account.get_or_insert_with(|| only.as_str().into());
        }
        let tags = settings.tags.iter().map(|(key, it)| (key.as_str().into(), Value::string(it.as_str())));
        self.facts.tags = Arc::new(tags.collect());
    }

    /// Tells the account, once it is known.
    pub fn set_account(&mut self, account: &str) {
        self.facts.account = Some(account.into());
        self.memo.next_generation();
    }

    /// SHA-256 over everything that the program was made of: files, what expressions read so far, variables.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        self.reading.digest(&mut hasher);
        for (name, value) in &self.facts.variables {
            hasher.update(name.as_bytes());
            let plain = value.unmark_deep().0.to_json().map(|it| it.to_string()).unwrap_or_default();
            hasher.update(Sha256::digest(plain));
        }
        hex::encode(hasher.finalize())
    }

    fn with<T>(&mut self, host: &mut dyn Host, work: impl FnOnce(&mut Evaluator<'_>) -> T) -> (T, Vec<Diagnostic>) {
        self.memo.next_generation();
        let mut evaluator = Evaluator::new(&self.model, &self.facts, &mut self.memo, &self.reading, host);
        let result = work(&mut evaluator);
        (result, evaluator.diagnostics)
    }

    /// One expression against the stack, as `infra console` reads it.
    pub fn evaluate_text(&mut self, text: &str, host: &mut dyn Host) -> Result<Value, Vec<Diagnostic>> {
        let span = |place: super::expr::Place| Span { file: CONSOLE.into(), start: place.start, end: place.end };
        let file = u32::try_from(self.model.files.len()).unwrap_or(u32::MAX);
        let syntax = parse::expression(text).map_err(|error| vec![error.to_diagnostic(file, &span)])?;
        let mut lowering = Lowering::new(file, text, &span);
        let expr = lowering.expr(&syntax);
        let (calls, mentions) = (std::mem::take(&mut lowering.calls), std::mem::take(&mut lowering.mentions));
        let mut complaints = std::mem::take(&mut lowering.diagnostics);
        // The text becomes a file of the stack's folder for as long as it is evaluated.
        let folder = self.model.definitions.first().map(|it| it.folder.clone()).unwrap_or_default();
        self.model.files.push(super::model::SourceFile { name: CONSOLE.into(), folder, text: text.into() });
        resolve::check_text(&self.model, &calls, &mentions, &mut complaints);
        let result = if complaints.is_empty() {
            let (value, found) = self.with(host, |it| {
                let value = it.eval(&expr, &mut Frame::new(0)).and_then(|value| it.sized([&value], expr.place).map(|_| value));
                it.report(value)
            });
            complaints.extend(found);
            value
        } else {
            None
        };
        self.model.files.pop();
        match result {
            Some(value) if !complaints.iter().any(Diagnostic::is_error) => Ok(value),
            _ => Err(order::sorted(complaints)),
        }
    }
}

/// The name under which an expression from the prompt is shown.
pub const CONSOLE: &str = "console";

impl Configuration for Program {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let (mut evaluation, _) = self.with(host, eval::collect);
        relations::relate(&mut evaluation.instances, &mut evaluation.diagnostics);
        cycles::find(&evaluation.instances, &mut evaluation.diagnostics);
        evaluation.diagnostics.retain(|it| it.span.as_ref().is_none_or(|span| !self.broken.contains(span)));
        order::sort(&mut evaluation.diagnostics);
        evaluation
    }

    fn reset(&mut self) {
        self.memo = Memo::new();
    }

    fn settings(&mut self, address: &Address, host: &mut dyn Host) -> Result<Value, Vec<Diagnostic>> {
        let (value, diagnostics) = self.with(host, |it| match it.find(address) {
            Some(instance) => it.instance_settings(&instance),
            None => Err(Failure::Complaint(Box::new(Diagnostic::error(
                "unknown-reference",
                format!("there is no {address} in the stack"),
            )))),
        });
        finish(value, diagnostics)
    }

    fn outputs(&mut self, host: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        let (outputs, diagnostics) = self.with(host, |it| it.stack_outputs());
        finish(Ok(outputs), diagnostics)
    }

    fn postconditions(&mut self, address: &Address, live: &Value, host: &mut dyn Host) -> Vec<Diagnostic> {
        let ((), diagnostics) = self.with(host, |it| {
            if let Some(instance) = it.find(address) {
                it.postconditions(&instance, live);
            }
        });
        let diagnostics = diagnostics.into_iter().map(|it| it.address(address.clone())).collect();
        order::sorted(diagnostics)
    }
}

fn finish<T>(result: Result<T, Failure>, mut diagnostics: Vec<Diagnostic>) -> Result<T, Vec<Diagnostic>> {
    match result {
        Ok(value) if !diagnostics.iter().any(Diagnostic::is_error) => Ok(value),
        Ok(_) | Err(Failure::Reported) => Err(order::sorted(diagnostics)),
        Err(Failure::Complaint(complaint)) => {
            diagnostics.push(*complaint);
            Err(order::sorted(diagnostics))
        }
    }
}
