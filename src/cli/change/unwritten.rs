//! What a run could not store any more because its store went away: kept in a file beside the stacks, and taken in by the next
//! run there, where it is still open.

use std::path::PathBuf;

use crate::cli::call::Call;
use crate::cli::connect::Connected;
use crate::cli::exit::Ended;
use crate::diag::Diagnostic;
use crate::report::value;
use crate::state::hint::Hint;
use crate::state::{Entry, State};
use crate::store::{Session, local};

/// Beside the local states, and as they not for version control.
const FOLDER: &str = ".infra";

fn folder(connected: &Connected) -> PathBuf {
    connected.stack.root.join(FOLDER)
}

fn name(connected: &Connected) -> String {
    format!("{}.unwritten.json", connected.stack.name)
}

/// Keeps the ids of what was made and could not be stored, and says so.
pub fn keep(call: &Call, connected: &Connected, state: &State, unwritten: &[Entry]) {
    let Some(hint) = Hint::new(state, unwritten) else { return };
    let (folder, name) = (folder(connected), name(connected));
    let file = folder.join(&name);
    let names: Vec<String> = hint.made.iter().map(|it| format!("{} ({})", it.address, it.id)).collect();
    let said = Diagnostic::error("not-stored", format!("{} could not take in what became of this run", connected.store.place()))
        .detail(format!(
            "What was begun is on record there, how it ended is not. Made meanwhile, and not on record: {}.",
            value::few(&names)
        ))
        .help(format!(
            "repeat the command when the state can be written again; it looks for what was begun before it makes anything: infra \
             apply {}",
            connected.stack.name
        ));
    let written = serde_json::to_vec_pretty(&hint).map_err(|it| it.to_string());
    let written = written.and_then(|it| local::replace_unversioned(&folder, &name, &it).map_err(|it| it.to_string()));
    call.complain(&[match written {
        Ok(()) => said.note(format!("the ids are kept in {}, which the next run here takes as a hint", file.display())),
        Err(error) => said.note(format!("the ids could not be kept here either: {error}")),
    }]);
}

/// Takes in what the last run here could not store, as far as it is open still, and removes the file. A file that cannot be read
/// is none: what is open is found without it.
pub async fn take_in(call: &Call, connected: &Connected, session: &mut dyn Session, mut state: State) -> Ended<State> {
    let file = folder(connected).join(name(connected));
    let Ok(bytes) = std::fs::read(&file) else { return Ok(state) };
    let entries = serde_json::from_slice::<Hint>(&bytes).map(|it| it.of(&state)).unwrap_or_default();
    if !entries.is_empty() {
        session.append(&entries).await.map_err(|it| connected.refused(call, &it))?;
        state.fold_all(&entries);
        call.tell(&format!("Taken in from {}: what the last run here had made and could not store.\n", file.display()));
    }
    if let Err(error) = std::fs::remove_file(&file) {
        tracing::warn!(%error, file = %file.display(), "it is not needed any more and could not be removed");
    }
    Ok(state)
}
