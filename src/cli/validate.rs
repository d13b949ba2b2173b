//! `infra validate [STACK]`: the files alone, without calling anything.

use serde_json::{Value as Json, json};

use super::args::{Format, StackArgs};
use super::call::Call;
use super::exit::{Ended, Exit};
use super::stack::{self, Unseen};
use crate::diag::{Diagnostic, Hint, Severity, render};
use crate::plan;
use crate::report::Places;
use crate::stack::Configuration;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
}

pub fn run(call: &mut Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let (mut it, mut diagnostics) = stack::inspect(call, &args.stack)?;
    let mut instances = 0;
    if !diagnostics.iter().any(Diagnostic::is_error) {
        let evaluation = it.program.evaluate(&mut Unseen);
        instances = evaluation.instances.len();
        diagnostics.extend(plan::unfit_objects(&evaluation.instances));
        diagnostics.extend(evaluation.diagnostics);
    }
    let errors = diagnostics.iter().filter(|it| it.is_error()).count();
    let warnings = diagnostics.len() - errors;
    match call.format {
        Format::Json => call.print_json(&json!({
            "format_version": 1,
            "stack": it.name,
            "valid": errors == 0,
            "errors": errors,
            "warnings": warnings,
            "diagnostics": diagnostics.iter().map(|it| document(it, call)).collect::<Vec<_>>(),
        })),
        Format::Text | Format::Markdown => {
            call.complain(&diagnostics);
            let warned = match warnings {
                0 => String::new(),
                1 => ", 1 warning".to_owned(),
                count => format!(", {count} warnings"),
            };
            match errors {
                0 => call.print(&format!("The stack `{}` is valid: {instances} resources and data sources{warned}.\n", it.name)),
                1 => call.tell(&format!("1 error{warned}. `infra explain CODE` says more about it.\n")),
                count => call.tell(&format!("{count} errors{warned}. `infra explain CODE` says more about each.\n")),
            }
        }
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::Failed })
}

fn document(it: &Diagnostic, call: &Call) -> Json {
    let hint = |it: &Hint| match it {
        Hint::DidYouMean(name) => json!({ "kind": "did-you-mean", "text": name }),
        Hint::Help(text) => json!({ "kind": "help", "text": text }),
        Hint::Note(text) => json!({ "kind": "note", "text": text }),
    };
    json!({
        "severity": match it.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "code": it.code,
        "summary": it.summary,
        "detail": it.detail,
        "source": it.span.as_ref().and_then(|span| call.place(span)),
        "bytes": it.span.as_ref().map(|span| [span.start, span.end]),
        "address": it.address,
        "hints": it.hints.iter().map(hint).collect::<Vec<_>>(),
        "text": render::render(std::slice::from_ref(it), call.sources(), false),
    })
}
