//! `infra console [STACK]`: expressions against the stack. A prompt on a terminal, else one expression a line.

use rustyline::error::ReadlineError;

use super::args::StackArgs;
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit};
use super::stack;
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::diag::render::{self, Sources};
use crate::remote::ConfigName;
use crate::stack::print::print;
use crate::stack::{Host, Program};
use crate::state::State;
use crate::value::{Type, Value};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
}

/// What the state says of resources; what it does not is unknown.
struct Recorded(Option<State>);

impl Host for Recorded {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        let record = self.0.as_ref().and_then(|it| it.resources.get(address));
        let outputs = record.map(|it| it.outputs.clone()).filter(|it| !it.is_null());
        outputs.unwrap_or_else(|| Value::unknown(Type::Any, address.clone(), ""))
    }
    fn data(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::unknown(Type::Any, address.clone(), "")
    }
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let mut stack = stack::load(call, &args.stack)?;
    let store = connect::store(call, &stack, Purpose::Look).await?;
    let state = store.read().await.map_err(|it| connect::refused(call, &stack, &it))?;
    let mut host = Recorded(state);
    if call.world.terminal.stdin && call.world.terminal.stdout {
        return prompt(call, &mut stack.program, &mut host);
    }
    let mut line = String::new();
    loop {
        line.clear();
        let read = call.world.stdin.read_line(&mut line);
        let read = read.map_err(|error| Diagnostic::error("io", "the expressions cannot be read").detail(error.to_string()))?;
        if read == 0 {
            return Ok(Exit::Done);
        }
        if line.trim().is_empty() {
            continue;
        }
        match stack.program.evaluate_text(line.trim(), &mut host) {
            Ok(value) => call.print(&format!("{}\n", print(&value))),
            Err(diagnostics) => {
                complain(call, line.trim(), &diagnostics);
                return Ok(Exit::Failed);
            }
        }
    }
}

fn prompt(call: &Call, program: &mut Program, host: &mut Recorded) -> Ended {
    let broken = |error: ReadlineError| Diagnostic::error("io", "the prompt cannot be shown").detail(error.to_string());
    let mut editor = rustyline::DefaultEditor::new().map_err(broken)?;
    loop {
        match editor.readline("> ") {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) if matches!(line.trim(), "exit" | "quit") => return Ok(Exit::Done),
            Ok(line) => {
                // A history that cannot be kept is no reason to stop.
                let _ = editor.add_history_entry(line.trim());
                match program.evaluate_text(line.trim(), host) {
                    Ok(value) => call.print(&format!("{}\n", print(&value))),
                    Err(diagnostics) => complain(call, line.trim(), &diagnostics),
                }
            }
            Err(ReadlineError::Eof) => return Ok(Exit::Done),
            Err(ReadlineError::Interrupted) => return Ok(Exit::Interrupted),
            Err(error) => return Err(broken(error).into()),
        }
    }
}

/// With the line itself as the source.
fn complain(call: &Call, line: &str, diagnostics: &[Diagnostic]) {
    struct Typed<'a>(&'a str, &'a dyn Sources);
    impl Sources for Typed<'_> {
        fn text(&self, file: &str) -> Option<std::sync::Arc<str>> {
            if file == crate::stack::program::CONSOLE { Some(self.0.into()) } else { self.1.text(file) }
        }
    }
    let sources = Typed(line, call.sources());
    call.tell(&render::render(diagnostics, &sources, call.err_style().colour));
}
