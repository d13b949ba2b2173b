//! `infra state list|show|pull`: the recorded state, as it is, with the journal folded in.

use clap::Subcommand;
use serde_json::json;

use super::args::{Format, StackArgs};
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit, Stop};
use super::stack::{self, Stack};
use crate::address::Address;
use crate::diag::{Diagnostic, nearest};
use crate::report::json::shown_value;
use crate::report::style::{Line, Tone, columns, pad, render};
use crate::report::value;
use crate::state::{Record, State};
use crate::value::Value;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what is recorded
    List {
        #[command(flatten)]
        stack: StackArgs,
    },
    /// Show one record
    #[command(allow_missing_positional = true)]
    Show {
        #[command(flatten)]
        stack: StackArgs,
        /// Of the resource
        #[arg(value_name = "ADDRESS", required = true)]
        address: String,
    },
    /// Print the whole document
    Pull {
        #[command(flatten)]
        stack: StackArgs,
    },
}

pub async fn run(call: &mut Call, command: Command) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    match command {
        Command::List { stack } => {
            let (stack, state) = read(call, &stack).await?;
            list(call, &stack, state.as_ref());
        }
        Command::Show { address, stack } => {
            let address = stack::address(&address)?;
            let (stack, state) = read(call, &stack).await?;
            let state = state.ok_or_else(|| nothing(&stack))?;
            let record = state.resources.get(&address).ok_or_else(|| unrecorded(&address, &state))?;
            show(call, &address, record);
        }
        Command::Pull { stack } => {
            let (stack, state) = read(call, &stack).await?;
            let state = state.ok_or_else(|| nothing(&stack))?;
            let bytes = crate::state::codec::encode(&state);
            let bytes =
                bytes.map_err(|error| Diagnostic::error("bug", "the state cannot be written").detail(error.to_string()))?;
            call.print(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(Exit::Done)
}

async fn read(call: &mut Call, args: &StackArgs) -> Ended<(Stack, Option<State>)> {
    let stack = stack::load(call, args)?;
    let store = connect::store(call, &stack, Purpose::Look).await?;
    let state = store.read().await.map_err(|it| connect::refused(call, &stack, &it))?;
    Ok((stack, state))
}

fn nothing(stack: &Stack) -> Stop {
    Diagnostic::error("no-state", format!("the stack `{}` has no state yet", stack.name))
        .detail("A state is made by the first apply.")
        .into()
}

fn unrecorded(address: &Address, state: &State) -> Stop {
    let names: Vec<String> = state.resources.keys().map(ToString::to_string).collect();
    Diagnostic::error("not-recorded", format!("{address} is not in the state"))
        .did_you_mean(nearest(&address.to_string(), names.iter().map(String::as_str)))
        .help("infra state list")
        .into()
}

fn list(call: &Call, stack: &Stack, state: Option<&State>) {
    let resources = state.map(|it| &it.resources);
    if call.format == Format::Json {
        let all = resources.into_iter().flatten().map(|(address, it)| {
            json!({
                "address": address,
                "type": address.type_name(),
                "id": it.id,
                "unfinished": it.unfinished,
                "deposed": it.deposed.iter().map(|it| &it.id).collect::<Vec<_>>(),
            })
        });
        let all: Vec<_> = all.collect();
        let serial = state.map_or(0, |it| it.serial);
        return call.print_json(&json!({ "format_version": 1, "stack": stack.name, "serial": serial, "resources": all }));
    }
    let widest = resources.into_iter().flatten().map(|(address, _)| columns(&address.to_string())).max().unwrap_or(0);
    for (address, it) in resources.into_iter().flatten() {
        let mut line = format!("{}  {}", pad(&address.to_string(), widest), it.id);
        if it.unfinished {
            line.push_str("  (unfinished)");
        }
        for old in &it.deposed {
            line.push_str(&format!("  (replaced, not yet deleted: {})", old.id));
        }
        call.print(&format!("{line}\n"));
    }
}

fn show(call: &Call, address: &Address, it: &Record) {
    if call.format == Format::Json {
        return call.print_json(&json!({
            "format_version": 1,
            "address": address,
            "type": address.type_name(),
            "id": it.id,
            "aws": it.config,
            "unfinished": it.unfinished,
            "lifecycle": it.lifecycle,
            "dependencies": it.dependencies,
            "applied": shown_value(&it.applied, false),
            "outputs": shown_value(&it.outputs, false),
        }));
    }
    let style = call.out_style();
    let mut lines = vec![Line::new(0).and(Tone::Strong, address.to_string()).and(Tone::Faint, format!("  {}", it.id))];
    let mut part = |title: &str, of: &Value| {
        let members: Vec<_> = of.members().into_iter().flatten().filter(|(_, it)| !it.is_null()).collect();
        if members.is_empty() {
            return;
        }
        lines.push(Line::default());
        lines.push(Line::new(0).and(Tone::Note, title));
        let widest = members.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
        for (name, it) in members {
            let mut shown = value::block(it, style.width.saturating_sub(widest + 5)).into_iter();
            lines.push(Line::new(2).plain(format!("{} = {}", pad(name, widest), shown.next().unwrap_or_default())));
            lines.extend(shown.map(|line| Line::new(2).plain(line)));
        }
    };
    part("applied", &it.applied);
    part("outputs", &it.outputs);
    if !it.dependencies.is_empty() {
        lines.push(Line::default());
        lines.push(Line::new(0).and(Tone::Note, "after"));
        lines.extend(it.dependencies.iter().map(|it| Line::new(2).plain(it.to_string())));
    }
    call.print(&render(&lines, style));
}
