//! `infra runs [STACK] [ID]`: who changed what, when, from which files and why.

use futures::stream::{StreamExt, TryStreamExt};
use serde_json::json;

use super::args::{Format, Inputs, StackArgs};
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit, Stop};
use super::{ledger, stack};
use crate::diag::Diagnostic;
use crate::report::runs;
use crate::state::ledger::RunRecord;
use crate::store::{Store, StoreError};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One run, by the beginning of its id; the stack before it may be left out where there is only one
    #[arg(value_name = "[STACK] ID", num_args = 0..=2)]
    pub words: Vec<String>,
    /// Only what was done to this address, block or module
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    pub inputs: Inputs,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let (name, rest) = stack::leading(call, args.words)?;
    let stack = stack::load(call, &StackArgs { stack: name, inputs: args.inputs })?;
    let store = connect::store(call, &stack, Purpose::Look).await?;
    let refused = |it| connect::refused(call, &stack, &it);
    match rest.as_slice() {
        [] => {}
        [id] => {
            let run = one(&*store, id).await.map_err(refused)?.ok_or_else(|| no_run(id))?;
            match call.format {
                Format::Json => call.print_json(&json!({ "format_version": 1, "run": run })),
                Format::Text | Format::Markdown => call.print(&runs::one(&run, call.out_style())),
            }
            return Ok(Exit::Done);
        }
        [id, ..] => return Err(Stop::usage(no_run(id))),
    }
    let found = match &args.address {
        Some(address) => about(&*store, address, args.limit).await.map_err(refused)?,
        None => ledger::recent(&*store, args.limit).await.map_err(refused)?,
    };
    match (call.format, &args.address) {
        (Format::Json, _) => call.print_json(&json!({ "format_version": 1, "stack": stack.name, "runs": found })),
        (_, Some(_)) => call.print(&runs::steps(&found, call.out_style())),
        (_, None) => call.print(&runs::list(&found)),
    }
    Ok(Exit::Done)
}

/// The run whose id begins so; the newest of several.
async fn one(store: &dyn Store, id: &str) -> Result<Option<RunRecord>, StoreError> {
    match store.runs().await?.into_iter().find(|it| it.run.starts_with(id)) {
        Some(name) => store.run(&name).await,
        None => Ok(None),
    }
}

/// Runs that did something to what is meant, with those steps alone, newest first. Looks no further than it must.
async fn about(store: &dyn Store, wanted: &str, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
    let names = store.runs().await?;
    let matching = ledger::records(store, &names).try_filter_map(|mut run| {
        run.steps.retain(|it| is_within(&it.address.to_string(), wanted));
        std::future::ready(Ok((!run.steps.is_empty()).then_some(run)))
    });
    matching.take(limit).try_collect().await
}

/// An instance lies within its block, everything of a module within it.
fn is_within(address: &str, wanted: &str) -> bool {
    address.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}

fn no_run(id: &str) -> Diagnostic {
    Diagnostic::error("no-run", format!("there is no record of a run `{id}`"))
        .detail("Runs that changed nothing leave no record, and old ones are taken away: `runs_kept` in the `state` block.")
        .help("infra runs lists them")
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn a_block_has_its_instances_and_no_others() {
        assert!(is_within("aws_vpc.a[\"x\"]", "aws_vpc.a") && is_within("module.m.aws_vpc.a", "module.m"));
        assert!(!is_within("aws_vpc.ab", "aws_vpc.a") && is_within("aws_vpc.a", "aws_vpc.a"));
    }
}
