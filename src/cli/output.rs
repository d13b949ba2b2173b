//! `infra output [STACK] [NAME]`: the outputs as they were recorded last.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::args::{Format, StackArgs};
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit, Stop};
use super::stack;
use crate::diag::{Diagnostic, nearest};
use crate::report::json::shown_value;
use crate::report::style::{columns, pad};
use crate::report::value::inline;
use crate::state::Output;
use crate::value::Value;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Only this one; a text is printed as it is, without quotes
    pub name: Option<String>,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let stack = stack::load(call, &args.stack)?;
    let store = connect::store(call, &stack, Purpose::Look).await?;
    let state = store.read().await.map_err(|it| connect::refused(call, &stack, &it))?;
    let outputs = state.map(|it| it.outputs).unwrap_or_default();
    if let Some(name) = args.name {
        let output = outputs.get(&name).ok_or_else(|| {
            let diagnostic = Diagnostic::error("no-output", format!("no output `{name}` is recorded"));
            let known = diagnostic.did_you_mean(nearest(&name, outputs.keys().map(String::as_str)));
            Stop::from(known.note("outputs are recorded by `infra apply`"))
        })?;
        print_one(call, &name, output)?;
        return Ok(Exit::Done);
    }
    match call.format {
        Format::Json => {
            let all: Map<String, Json> = outputs.iter().map(|(name, it)| (name.clone(), document(it))).collect();
            call.print_json(&json!({ "format_version": 1, "stack": stack.name, "outputs": all }));
        }
        Format::Text | Format::Markdown => {
            call.print(&listed(&outputs));
        }
    }
    Ok(Exit::Done)
}

/// One a line, aligned, secrets hidden.
pub fn listed(outputs: &BTreeMap<String, Output>) -> String {
    let widest = outputs.keys().map(|it| columns(it)).max().unwrap_or(0);
    let shown = |it: &Output| if it.sensitive { "(sensitive)".to_owned() } else { inline(&it.value) };
    outputs.iter().map(|(name, it)| format!("{} = {}\n", pad(name, widest), shown(it))).collect()
}

fn print_one(call: &Call, name: &str, output: &Output) -> Ended<()> {
    if output.sensitive {
        return Err(Diagnostic::error("sensitive", format!("the output `{name}` is sensitive"))
            .detail("The state holds only a digest of it, so it cannot be printed.")
            .into());
    }
    match (call.format, &output.value) {
        (Format::Json, value) => call.print_json(&shown_value(value, false)),
        (_, Value::String(text)) => call.print(&format!("{text}\n")),
        (_, value) => call.print(&format!("{}\n", inline(value))),
    }
    Ok(())
}

fn document(it: &Output) -> Json {
    json!({ "value": shown_value(&it.value, it.sensitive), "sensitive": it.sensitive })
}
