//! `infra plan [STACK]`: what would change, and why. Changes nothing, not even a lock.

use std::path::PathBuf;

use super::args::{Format, Selection, StackArgs};
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit};
use super::look::Depth;
use super::{planning, stack};
use crate::diag::Diagnostic;
use crate::plan::{Observed, Plan, Planned, Summary, codec};
use crate::report::{Options, fault, json, markdown, plan};
use crate::secrets::envelope::What;
use crate::state::State;
use crate::store::local;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub selection: Selection,
    /// Keep the plan for `infra apply --plan FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let stack = stack::load_whole(call, &args.stack)?;
    call.complain(&stack.warnings);
    let mut connected = connect::connect(call, stack, Purpose::Look).await?;
    let state = connected.read(call).await?;
    call.complain(&open_intents(&state));
    let options = planning::options(&connected, &args.selection)?;
    let sealer = connected.sealer(call).await?;
    let mut observed = Observed::default();
    if args.selection.refresh {
        observed = planning::look(&connected, &state, Depth::Parts).await?;
    }
    let planned = planning::plan(&mut connected, &state, &mut observed, &options, &sealer).await?;
    call.complain(&planned.diagnostics);
    match call.format {
        Format::Json => call.print_json(&json::plan(&planned.plan, &planned.withheld, call, args.selection.all)),
        Format::Markdown => call.print(&markdown::text(&planned.plan, call, shown(&planned, &args.selection))),
        Format::Text => show(call, &planned, &args.selection),
    }
    if let Some(file) = &args.out {
        let bytes = codec::encode(&planned.plan).map_err(|error| Diagnostic::error(error.code(), error.to_string()))?;
        let sealed = connected.store.vault().seal(What::Plan, bytes).await;
        let sealed = sealed.map_err(|it| fault::of_vault(&it, "the plan"))?;
        local::replace(&call.world.dir.join(file), &sealed).map_err(|error| {
            Diagnostic::error("io", format!("the plan cannot be kept in {}", file.display())).detail(error.to_string())
        })?;
        call.tell(&format!("\nTo carry out exactly this: infra apply {} --plan {}\n", planned.plan.stack, file.display()));
    }
    Ok(if args.detailed_exitcode && !is_empty(&planned.plan) { Exit::Changes } else { Exit::Done })
}

/// Whether there is nothing for a person to see in it.
pub fn is_empty(plan: &Plan) -> bool {
    Summary::of(&plan.changes).is_empty() && plan.outputs.is_empty() && plan.deferred.is_empty()
}

/// The plan as text on stdout.
pub fn show(call: &Call, planned: &Planned, selection: &Selection) {
    call.print(&plan::text(&planned.plan, call, shown(planned, selection), call.out_style()));
}

fn shown<'p>(planned: &'p Planned, selection: &Selection) -> Options<'p> {
    Options { all: selection.all, repairs_apart: selection.repair_drift, withheld: &planned.withheld }
}

/// A plan only looks; what a former run left open is for the next apply.
fn open_intents(state: &State) -> Vec<Diagnostic> {
    let open: Vec<_> = state.intents.values().filter(|it| it.watched_until.is_none()).collect();
    let Some(first) = open.first() else { return Vec::new() };
    let others = match open.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let diagnostic = Diagnostic::warning("open-intents", "a former run did not finish, or another one is at work")
        .detail(format!("It had begun to change {}{others}. The plan may look different once that is settled.", first.address))
        .help("infra apply settles it first; infra unlock shows who holds the lock");
    vec![diagnostic]
}
