//! [`Vault`]: the simulated store: a document, a journal behind it, a lock with an epoch; kept as bytes, like a real one.

use crate::apply::{NotStored, Time};
use crate::state::{Commit, Entry, Position, State, codec};

/// What was written last.
#[derive(Clone, Debug)]
enum Document {
    Bytes(Vec<u8>),
    /// As it was taken over, which is made into bytes when somebody reads it: where the holder died.
    Taken(Box<State>),
}

#[derive(Clone, Debug)]
pub struct Vault {
    document: Document,
    /// As text: read when somebody needs it, which is after a crash.
    journal: Vec<(Position, String)>,
    /// What document and journal say together.
    pub folded: State,
    epoch: u64,
    last: Option<Position>,
    /// When the holder was last heard of, while it has not given the lock back.
    held: Option<Time>,
    /// What no run may ever do, and one did.
    pub violations: Vec<String>,
    /// Off only where the mistake of not checking is planted.
    pub checks_epoch: bool,
}

/// The lock, taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub epoch: u64,
    pub state: State,
    /// The former holder's last sign of life, if it did not give the lock back.
    pub abandoned: Option<Time>,
}

impl Vault {
    pub fn new(state: &State) -> Self {
        let mut vault = Self {
            document: Document::Bytes(Vec::new()),
            journal: Vec::new(),
            folded: state.clone(),
            epoch: state.epoch,
            last: state.watermark,
            held: None,
            violations: Vec::new(),
            checks_epoch: true,
        };
        vault.write(state);
        vault
    }

    /// The state with the journal folded in, as readers see it. What nothing was added to since it was written is what was
    /// written: that documents read back is shown elsewhere, and here after every run that came to no good end.
    pub fn read(&mut self) -> Option<State> {
        if self.journal.is_empty() {
            return Some(self.folded.clone());
        }
        let bytes = match self.document.clone() {
            Document::Bytes(bytes) => bytes,
            Document::Taken(state) => self.encode(&state)?,
        };
        let mut state = match codec::decode(&bytes, &self.folded.stack) {
            Ok(state) => state,
            Err(error) => {
                self.violations.push(format!("the state cannot be read: {error}"));
                return None;
            }
        };
        let mut commits = Vec::new();
        for (position, text) in &self.journal {
            match serde_json::from_str(text) {
                Ok(entries) => commits.push(Commit { position: *position, entries }),
                Err(error) => self.violations.push(format!("an entry that cannot be read again: {error}")),
            }
        }
        if let Err(gap) = state.replay(&commits) {
            self.violations.push(gap.to_string());
        }
        Some(state)
    }

    /// Takes the lock over; whether the time has come for that, the caller knows.
    pub fn take(&mut self, now: Time) -> Option<Taken> {
        let mut state = self.read()?;
        let abandoned = self.held.replace(now);
        self.epoch = self.epoch.max(state.epoch) + 1;
        state.epoch = self.epoch;
        state.run = format!("run-{}", self.epoch);
        state.serial += 1;
        self.last = None;
        state.watermark = None;
        self.journal.clear();
        self.document = Document::Taken(Box::new(state.clone()));
        self.folded = state.clone();
        Some(Taken { epoch: self.epoch, state, abandoned })
    }

    /// A run that is dead left this state, and did not give the lock back.
    pub fn leave(&mut self, state: &State, now: Time) {
        self.journal.clear();
        self.held = Some(now);
        self.write(state);
    }

    pub fn give_back(&mut self, epoch: u64) {
        if epoch == self.epoch {
            self.held = None;
        }
    }

    /// Whether somebody has the lock, alive or not.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The holder has given a sign of life.
    pub fn renew(&mut self, epoch: u64, now: Time) {
        if epoch == self.epoch {
            self.held = Some(now);
        }
    }

    pub fn holder(&self) -> u64 {
        self.epoch
    }

    pub fn append(&mut self, epoch: u64, entries: &[Entry]) -> Result<Position, NotStored> {
        if epoch != self.epoch && self.checks_epoch {
            return Err(NotStored::LockLost(format!("epoch {} has the lock now", self.epoch)));
        }
        let text = match serde_json::to_string(entries) {
            Ok(text) => text,
            Err(error) => {
                self.violations.push(format!("an entry that must not be stored: {error}"));
                return Err(NotStored::Failed(error.to_string()));
            }
        };
        if text.contains(super::story::SECRET) {
            self.violations.push("a secret in clear in the journal".into());
        }
        let position = Position::next(self.last, self.epoch);
        self.folded.fold_all(entries);
        self.journal.push((position, text));
        self.last = Some(position);
        Ok(position)
    }

    pub fn save(&mut self, epoch: u64, state: &State) -> Result<(), NotStored> {
        if epoch != self.epoch && self.checks_epoch {
            return Err(NotStored::LockLost(format!("epoch {} has the lock now", self.epoch)));
        }
        let mut state = state.clone();
        state.watermark = self.last;
        state.epoch = self.epoch;
        state.serial = self.folded.serial + 1;
        self.journal.clear();
        self.write(&state);
        Ok(())
    }

    fn write(&mut self, state: &State) {
        if let Some(bytes) = self.encode(state) {
            self.document = Document::Bytes(bytes);
            self.folded = state.clone();
        }
    }

    fn encode(&mut self, state: &State) -> Option<Vec<u8>> {
        let bytes = match codec::encode(state) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.violations.push(format!("a state that must not be stored: {error}"));
                return None;
            }
        };
        if std::str::from_utf8(&bytes).is_ok_and(|it| it.contains(super::story::SECRET)) {
            self.violations.push("a secret in clear in the state".into());
        }
        Some(bytes)
    }
}
