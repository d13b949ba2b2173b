//! Which stack is meant, and its files, loaded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::address::{Address, StackName};
use crate::catalog::Catalog;
use crate::cli::args::{Inputs, StackArgs};
use crate::cli::call::Call;
use crate::cli::exit::{Ended, Exit, Stop};
use crate::cli::secrets::{KmsKeys, Repository};
use crate::cli::texts::Texts;
use crate::diag::{Diagnostic, nearest};
use crate::remote::ConfigName;
use crate::stack::desired::Instance;
use crate::stack::source::Source;
use crate::stack::variables::{self, Given, GivenValue};
use crate::stack::{Configuration, Host, LoadRequest, Program, StackSettings};
use crate::value::{Type, Value};

/// A stack's files, without errors.
pub struct Stack {
    pub name: StackName,
    /// The folder that holds `stacks/`.
    pub root: PathBuf,
    pub settings: StackSettings,
    pub program: Program,
    pub catalog: Arc<Catalog>,
    /// What the files want said; nothing that stops.
    pub warnings: Vec<Diagnostic>,
    /// What is known of its resources without a look at the cloud; empty before somebody asks.
    pub declared: BTreeMap<Address, Declared>,
    /// Of files that only KMS can open.
    pub kms: Arc<KmsKeys>,
    /// Things of the stack without a state are no reason to stop.
    pub may_lack_state: bool,
}

/// What the files say of one resource.
pub struct Declared {
    pub config: ConfigName,
    pub settings: Value,
}

impl From<Instance> for Declared {
    fn from(it: Instance) -> Self {
        Self { config: it.config, settings: it.settings }
    }
}

/// Loads the stack that is meant, and checks every value that is known without a look at the cloud: nothing is called for files
/// with errors in them.
pub fn load_whole(call: &mut Call, args: &StackArgs) -> Ended<Stack> {
    let mut stack = load(call, args)?;
    stack.evaluate()?;
    Ok(stack)
}

/// Loads the stack that is meant. Errors in its files end the command, all of them shown; its values are not looked at, so that
/// a mistake in one of them keeps nobody from looking at the state.
pub fn load(call: &mut Call, args: &StackArgs) -> Ended<Stack> {
    let (stack, diagnostics) = inspect(call, args)?;
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics.into());
    }
    Ok(Stack { warnings: diagnostics, ..stack })
}

/// The stack with everything that is wrong with it: errors in the files are for the caller to judge.
pub fn inspect(call: &mut Call, args: &StackArgs) -> Ended<(Stack, Vec<Diagnostic>)> {
    let root = call.root()?;
    let name = choose(&root, args.stack.as_deref())?;
    let kms = Arc::new(KmsKeys::default());
    let source: Arc<dyn Source> = Arc::new(
        Repository::open(&root, &call.world, kms.clone())
            .map_err(|error| Diagnostic::error("io", format!("{} cannot be read", root.display())).detail(error.to_string()))?,
    );
    call.know(Texts::new(source.clone()));
    let catalog = Arc::new(Catalog::new());
    let request =
        LoadRequest { source, stack: name.clone(), variables: given(call, &args.inputs)?, types: &*catalog, account: None };
    let loaded = Program::load(request);
    let stack = Stack {
        name,
        root,
        settings: loaded.settings,
        program: loaded.program,
        catalog,
        warnings: Vec::new(),
        declared: BTreeMap::new(),
        kms,
        may_lack_state: false,
    };
    Ok((stack, loaded.diagnostics))
}

impl Stack {
    /// Evaluates what can be known without a look at the cloud.
    pub fn evaluate(&mut self) -> Ended<()> {
        let evaluation = self.program.evaluate(&mut Unseen);
        if evaluation.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(evaluation.diagnostics.into());
        }
        self.declared = evaluation.instances.into_iter().map(|(address, it)| (address, it.into())).collect();
        Ok(())
    }
}

/// The stack of that name; without a name, the only one.
fn choose(root: &Path, name: Option<&str>) -> Ended<StackName> {
    let all = names(root);
    let list = all.join(", ");
    match name {
        Some(text) => {
            let name: StackName = text.parse().map_err(|error: crate::address::NameError| {
                Stop::usage(Diagnostic::error("stack-name", error.to_string()).note("nothing was read or changed"))
            })?;
            if root.join("stacks").join(name.as_str()).is_dir() {
                return Ok(name);
            }
            let diagnostic = Diagnostic::error("no-such-stack", format!("there is no stack `{name}`"))
                .did_you_mean(nearest(name.as_str(), all.iter().map(String::as_str)))
                .note(format!("the stacks are: {list}"));
            Err(Stop::usage(diagnostic))
        }
        None => match all.as_slice() {
            [only] => only
                .parse()
                .map_err(|error: crate::address::NameError| Stop::usage(Diagnostic::error("stack-name", error.to_string()))),
            [] => Err(Stop::usage(
                Diagnostic::error("no-such-stack", "there is no stack yet")
                    .detail("A stack is a folder below stacks/ with *.hcl files in it; `modules` is for modules."),
            )),
            _ => Err(Stop::usage(
                Diagnostic::error("which-stack", "there are several stacks: name one").note(format!("the stacks are: {list}")),
            )),
        },
    }
}

/// Folders below `stacks/` that hold stack files, sorted. `modules` is for what stacks share.
fn names(root: &Path) -> Vec<String> {
    let holds_files = |folder: &Path| {
        let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.any(|it| it.path().extension().is_some_and(|it| it == "hcl"))
    };
    let entries = std::fs::read_dir(root.join("stacks")).into_iter().flatten().flatten();
    let folders = entries.filter(|it| it.file_name() != "modules" && holds_files(&it.path()));
    let mut names: Vec<String> = folders.filter_map(|it| it.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Splits what was typed into the stack and the rest: the first word is the stack when there is one of that name.
pub fn leading(call: &Call, words: Vec<String>) -> Ended<(Option<String>, Vec<String>)> {
    let all = names(&call.root()?);
    match words.split_first() {
        Some((first, rest)) if all.contains(first) => Ok((Some(first.clone()), rest.to_vec())),
        _ => Ok((None, words)),
    }
}

/// Variables from outside, the weakest first: environment, files, command line.
fn given(call: &Call, inputs: &Inputs) -> Ended<Vec<Given>> {
    let text = |name: &str, value: &str, origin: String| Given {
        name: name.to_owned(),
        value: GivenValue::Text(value.to_owned()),
        origin,
    };
    let environment = call.variables_of_environment();
    let mut out: Vec<Given> = environment.iter().map(|(name, value)| text(name, value, format!("INFRA_VAR_{name}"))).collect();
    for file in &inputs.var_files {
        let shown = file.display().to_string();
        let content = std::fs::read_to_string(call.world.dir.join(file));
        let content = content.map_err(|error| {
            Stop::usage(Diagnostic::error("var-file", format!("{shown} cannot be read")).detail(error.to_string()))
        })?;
        out.extend(read_var_file(&shown, &content)?);
    }
    for it in &inputs.vars {
        let (name, value) = it.split_once('=').ok_or_else(|| {
            let diagnostic = Diagnostic::error("bad-variable", format!("`--var {it}` has no `=`")).help("--var name=value");
            Stop::usage(diagnostic)
        })?;
        out.push(text(name.trim(), value, "--var".to_owned()));
    }
    Ok(out)
}

fn read_var_file(name: &str, content: &str) -> Ended<Vec<Given>> {
    if !name.ends_with(".json") {
        return variables::read_file(name, content).map_err(Stop::from);
    }
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(content).map_err(|error| {
        Diagnostic::error("var-file", format!("{name} is not an object of variables in JSON")).detail(error.to_string())
    })?;
    let given = members.into_iter().map(|(key, it)| Given {
        name: key,
        value: GivenValue::Value(Value::from_json(&it)),
        origin: name.to_owned(),
    });
    Ok(given.collect())
}

/// An address, as typed on the command line.
pub fn address(text: &str) -> Ended<Address> {
    text.parse().map_err(|error: crate::address::NameError| Stop {
        exit: Exit::Usage,
        diagnostics: vec![Diagnostic::error("address", error.to_string())],
    })
}

/// Knows nothing of anything: for what is done without a look at the cloud or the state.
pub struct Unseen;

impl Host for Unseen {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::unknown(Type::Any, address.clone(), "")
    }
    fn data(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::unknown(Type::Any, address.clone(), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(stacks: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for name in stacks {
            let folder = root.path().join("stacks").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("stack.hcl"), "").unwrap();
        }
        root
    }

    fn code(it: Ended<StackName>) -> &'static str {
        let stop = it.unwrap_err();
        assert_eq!(stop.exit, Exit::Usage);
        stop.diagnostics[0].code
    }

    #[test]
    fn the_only_stack_needs_no_name() {
        let one = repository(&["dev", "modules"]);
        assert_eq!(choose(one.path(), None).unwrap().as_str(), "dev");
        let two = repository(&["dev", "prod"]);
        assert_eq!(code(choose(two.path(), None)), "which-stack");
        assert_eq!(choose(two.path(), Some("prod")).unwrap().as_str(), "prod");
        assert_eq!(code(choose(repository(&["modules"]).path(), None)), "no-such-stack");
    }

    #[test]
    fn a_stack_cannot_lie_elsewhere() {
        let root = repository(&["dev"]);
        for name in ["..", "../dev", "/etc", "Dev", ""] {
            assert_eq!(code(choose(root.path(), Some(name))), "stack-name", "{name}");
        }
        assert_eq!(code(choose(root.path(), Some("de"))), "no-such-stack");
    }
}
