//! `infra rollback [STACK] [VERSION]`: plans back to what a former version of the state had applied, asks, and makes it so.

use super::args::{Carrying, Inputs, Selection, StackArgs};
use super::call::Call;
use super::change::{self, Change, Goal};
use super::connect::{self, Connected, Purpose};
use super::exit::{Ended, Stop};
use super::state::find_version;
use super::{ledger, stack};
use crate::diag::Diagnostic;
use crate::report::runs;
use crate::state::State;
use crate::state::ledger::RunRecord;
use crate::store::StoreError;

/// How many runs are looked through for the one before the last.
const RUNS_MAX: usize = 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A serial, or an id that `state history` shows [default: what the run before the last one left]; the stack before it may be
    /// left out where there is only one
    #[arg(value_name = "[STACK] VERSION", num_args = 0..=2)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub inputs: Inputs,
    /// Only this address, block or module, and what it needs; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<String>,
    /// Allow this many deletions and replacements
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<usize>,
    #[command(flatten)]
    pub carrying: Carrying,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let (name, rest) = stack::leading(call, args.words)?;
    let stack = stack::load(call, &StackArgs { stack: name, inputs: args.inputs })?;
    let connected = connect::connect(call, stack, Purpose::Change).await?;
    let refused = |it: StoreError| connected.refused(call, &it);
    let runs = ledger::recent(&*connected.store, RUNS_MAX).await;
    let wanted = match rest.as_slice() {
        [] => before_the_last(&connected, runs.as_deref().map_err(|it| connected.refused(call, it))?)?,
        [version] => version.clone(),
        [version, ..] => {
            return Err(Stop::usage(Diagnostic::error("which-stack", format!("there is no stack `{version}`"))));
        }
    };
    let found = find_version(&*connected.store, &wanted).await.map_err(refused)?;
    let version = connected.store.version(&found.id).await.map_err(refused)?;
    say(call, &connected, &version, &runs.unwrap_or_default());
    let selection = Selection {
        targets: args.targets,
        max_deletes: args.max_deletes,
        refresh: true,
        repair_drift: true,
        ..Selection::default()
    };
    let goal = Goal::Former(Box::new(version));
    change::run(call, connected, Change { goal, selection, carrying: args.carrying }).await
}

/// The serial that the run before the last one left.
fn before_the_last(connected: &Connected, runs: &[RunRecord]) -> Ended<String> {
    let former = runs.iter().skip(1).find_map(|it| it.serial);
    former.map(|it| it.to_string()).ok_or_else(|| {
        Stop::usage(
            Diagnostic::error("no-version", "there is no run on record before the last one")
                .detail("Without a VERSION, what that run had left would be brought back.")
                .help(format!("infra state history {} shows the versions that are kept", connected.stack.name)),
        )
    })
}

/// What it goes back to, and that the files do not.
fn say(call: &Call, connected: &Connected, version: &State, runs: &[RunRecord]) {
    let stack = &connected.stack.name;
    let left_by = runs.iter().find(|it| it.serial == Some(version.serial));
    let left_by = left_by.map(|it| format!(", left by {}", runs::brief(it))).unwrap_or_default();
    call.tell(&format!("Back to serial {}{left_by}.\n", version.serial));
    let files = Diagnostic::warning("files-say-otherwise", "the stack's files are not rolled back")
        .detail("They still say what they say now: the next `infra apply` goes forward to that again.");
    let files = match version.commit.as_deref().map(|it| it.split_once('-').unwrap_or((it, ""))) {
        Some((commit, mark)) => {
            let help = format!("git checkout {commit} -- stacks/{stack}, if they are to follow");
            let dirty = "that version was applied from files that differed from this commit";
            if mark.is_empty() { files.help(help) } else { files.help(help).note(dirty) }
        }
        None => files.note("the version does not say from which commit it was applied"),
    };
    call.complain(&[files]);
}
