//! State documents on their way into a store and out of it: decoded, checked against the laws, stamped.

use crate::address::StackName;
use crate::state::codec::{self, CodecError};
use crate::state::ledger::{self, RunRecord};
use crate::state::{Commit, Entry, Position, State, verify};
use crate::store::StoreError;

/// What the session, not its user, decides about a document.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub serial: u64,
    pub epoch: u64,
    pub run: String,
    pub watermark: Option<Position>,
}

/// Reads a document and refuses one that breaks a law.
pub fn open(place: &str, stack: &StackName, bytes: &[u8]) -> Result<State, StoreError> {
    let place = place.to_owned();
    let state = codec::decode(bytes, stack).map_err(|error| unfit(&place, error))?;
    let problems = problems(&state);
    if problems.is_empty() { Ok(state) } else { Err(StoreError::Unlawful { place, problems }) }
}

fn unfit(place: &str, error: CodecError) -> StoreError {
    let place = place.to_owned();
    match error {
        CodecError::Newer { found, known } => StoreError::Newer { place, found, known },
        CodecError::OtherStack(found) => StoreError::OtherStack { place, found },
        CodecError::Foreign(what) => StoreError::Foreign { place, what },
        CodecError::Empty | CodecError::Truncated(_) | CodecError::Malformed(_) | CodecError::Unwritable(_) => {
            StoreError::Damaged { place, why: error.to_string() }
        }
    }
}

/// Reads the record of a run.
pub fn open_run(place: &str, stack: &StackName, bytes: &[u8]) -> Result<RunRecord, StoreError> {
    ledger::decode(bytes, stack).map_err(|error| unfit(place, error))
}

/// The bytes that are written for a run.
pub fn render_run(place: &str, run: &RunRecord) -> Result<Vec<u8>, StoreError> {
    ledger::encode(run).map_err(|error| unfit(place, error))
}

/// The last that was said: what the document holds open, and what the journal says beyond it.
pub fn last_said(state: &State, journal: &[Commit]) -> Vec<Entry> {
    let open = state.intents.values().cloned().map(Entry::Intent);
    let news = journal.iter().filter(|it| Some(it.position) > state.watermark);
    open.chain(news.flat_map(|it| it.entries.iter().cloned())).collect()
}

/// Takes in the journal behind a document.
pub fn replay(place: &str, state: &mut State, journal: &[Commit]) -> Result<(), StoreError> {
    state.replay(journal).map_err(|gap| StoreError::Damaged { place: place.to_owned(), why: gap.to_string() })
}

/// The document that is written for a state, and its bytes.
pub fn render(place: &str, state: &State, stamp: Stamp) -> Result<(State, Vec<u8>), StoreError> {
    let mut state = state.clone();
    // A state that was brought from elsewhere may be later than all that this store has seen; its own never is.
    state.serial = state.serial.max(stamp.serial);
    state.epoch = state.epoch.max(stamp.epoch);
    state.run = stamp.run;
    state.watermark = stamp.watermark;
    state.tidy();
    let refused = |problems| StoreError::Refused { place: place.to_owned(), problems };
    let problems = problems(&state);
    if !problems.is_empty() {
        return Err(refused(problems));
    }
    let bytes = codec::encode(&state).map_err(|error| refused(vec![error.to_string()]))?;
    Ok((state, bytes))
}

/// The refusal of a journal entry before the first document.
pub fn journal_without_state(place: &str) -> StoreError {
    let problem = "a journal entry came before the first document";
    StoreError::Refused { place: place.to_owned(), problems: vec![problem.to_owned()] }
}

fn problems(state: &State) -> Vec<String> {
    verify::verify(state).iter().map(ToString::to_string).collect()
}
