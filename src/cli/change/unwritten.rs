//! What a run could not store any more because its store went away: kept in a file beside the stacks, and taken in by the next
//! run there, where it is still open.

use std::path::{Path, PathBuf};

use crate::cli::call::Call;
use crate::cli::connect::Connected;
use crate::cli::exit::Ended;
use crate::cli::private;
use crate::diag::Diagnostic;
use crate::report::value;
use crate::state::hint::Hint;
use crate::state::{Entry, State};
use crate::store::Session;

/// Beside the local states, and as they not for version control.
const FOLDER: &str = ".infra";

fn file(connected: &Connected) -> PathBuf {
    connected.stack.root.join(FOLDER).join(format!("{}.unwritten.json", connected.stack.name))
}

/// Keeps the ids of what was made and could not be stored, and says so.
pub fn keep(call: &Call, connected: &Connected, state: &State, unwritten: &[Entry]) {
    let Some(hint) = Hint::new(state, unwritten) else { return };
    let file = file(connected);
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
    let written = serde_json::to_vec_pretty(&hint).map_err(std::io::Error::from).and_then(|bytes| write(&file, &bytes));
    call.complain(&[match written {
        Ok(()) => said.note(format!("the ids are kept in {}, which the next run here takes as a hint", file.display())),
        Err(error) => said.note(format!("{} could not be written either: {error}", file.display())),
    }]);
}

fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            private::write(&ignore, b"*\n")?;
        }
    }
    private::write(file, bytes)
}

/// Takes in what the last run here could not store, as far as it is open still, and removes the file. A file that cannot be read
/// is none: what is open is found without it.
pub async fn take_in(call: &Call, connected: &Connected, session: &mut dyn Session, mut state: State) -> Ended<State> {
    let file = file(connected);
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
