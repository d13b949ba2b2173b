//! `infra state push`: a document in the place of the state, after everything about it was checked.

use std::path::Path;

use super::mend::{self, Edit, Mend, read_file};
use crate::cli::args::{Mending, StackArgs};
use crate::cli::call::Call;
use crate::cli::connect;
use crate::cli::exit::{Ended, Stop};
use crate::cli::stack::{self, Stack};
use crate::diag::Diagnostic;
use crate::report::value;
use crate::state::State;

pub async fn run(call: &mut Call, args: StackArgs, file: &Path, allow_older: bool, mending: Mending) -> Ended {
    let stack = stack::load(call, &args)?;
    let shown = file.display().to_string();
    let bytes = read_file(&call.world.dir.join(file))?;
    let new = crate::store::parse(&shown, &stack.name, &bytes).map_err(|it| connect::refused(call, &stack, &it))?;
    let decide = |state: Option<&State>| {
        if let Some(state) = state {
            fits(state, &new, &shown, allow_older, &stack)?;
        }
        let shown = compared(state, &new);
        Ok(Mend { shown, change: Edit::Whole(Box::new(new.clone())), steps: Vec::new() })
    };
    mend::run(call, &stack, "state push", &mending, decide).await
}

/// Whether `new` may take the place of `state`.
fn fits(state: &State, new: &State, file: &str, allow_older: bool, stack: &Stack) -> Result<(), Stop> {
    if new.lineage != state.lineage {
        return Err(Diagnostic::error("state-of-another-stack", format!("{file} is not a version of this state"))
            .detail(format!(
                "Its lineage is {}, the state's {}: it was made by another stack, or by one of the same name before this one. \
                 Nothing was changed.",
                new.lineage.0, state.lineage.0
            ))
            .into());
    }
    if new.serial < state.serial && !allow_older {
        return Err(Diagnostic::error("older-state", format!("{file} is older than the state"))
            .detail(format!(
                "Its serial is {}, the state's {}: what was recorded since would be lost, and made again by the next apply. \
                 Nothing was changed.",
                new.serial, state.serial
            ))
            .help(format!("infra rollback {} brings the things themselves back to a former version", stack.name))
            .help("--allow-older, if the record since is wrong and the things are as the file says")
            .into());
    }
    let lost: Vec<String> =
        state.intents.iter().filter(|(op, _)| !new.intents.contains_key(*op)).map(|(_, it)| it.address.to_string()).collect();
    if !lost.is_empty() {
        return Err(Diagnostic::error("open-intents", format!("{file} does not know what is still looked for"))
            .detail(format!("A former run may have made {}; only the state says so. Nothing was changed.", value::few(&lost)))
            .help("wait some minutes and run `infra apply`, which settles it; then pull the state anew")
            .into());
    }
    Ok(())
}

/// What the record gains and loses.
fn compared(state: Option<&State>, new: &State) -> String {
    let mut out = format!("serial {} will be put in the place of {}\n", new.serial, state.map_or(0, |it| it.serial));
    let mut differs = false;
    for (address, record) in &new.resources {
        let sign = match state.and_then(|it| it.resources.get(address)) {
            None => "+",
            Some(was) if was != record => "~",
            Some(_) => continue,
        };
        differs = true;
        out.push_str(&format!("  {sign} {address}  {}\n", record.id));
    }
    for (address, record) in state.into_iter().flat_map(|it| &it.resources) {
        if !new.resources.contains_key(address) {
            differs = true;
            out.push_str(&format!("  - {address}  {}\n", record.id));
        }
    }
    if !differs {
        out.push_str("  the records are the same\n");
    }
    out
}
