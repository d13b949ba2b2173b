//! State documents on their way into a store and out of it: decoded, checked against the laws, stamped.

use crate::address::StackName;
use crate::state::codec::{self, CodecError};
use crate::state::{Commit, Position, State, verify};
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
    let state = codec::decode(bytes, stack).map_err(|error| match error {
        CodecError::Newer { found, known } => StoreError::Newer { place: place.clone(), found, known },
        CodecError::OtherStack(found) => StoreError::OtherStack { place: place.clone(), found },
        CodecError::Foreign(what) => StoreError::Foreign { place: place.clone(), what },
        CodecError::Empty | CodecError::Truncated(_) | CodecError::Malformed(_) | CodecError::Unwritable(_) => {
            StoreError::Damaged { place: place.clone(), why: error.to_string() }
        }
    })?;
    let problems = problems(&state);
    if problems.is_empty() { Ok(state) } else { Err(StoreError::Unlawful { place, problems }) }
}

/// Takes in the journal behind a document.
pub fn replay(place: &str, state: &mut State, journal: &[Commit]) -> Result<(), StoreError> {
    state.replay(journal).map_err(|gap| StoreError::Damaged { place: place.to_owned(), why: gap.to_string() })
}

/// The document that is written for a state, and its bytes.
pub fn render(place: &str, state: &State, stamp: Stamp) -> Result<(State, Vec<u8>), StoreError> {
    let mut state = state.clone();
    state.serial = stamp.serial;
    state.epoch = stamp.epoch;
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
