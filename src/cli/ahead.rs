//! A look at what is recorded while the lock is being taken: so that two waits are one.

use super::connect::Connected;
use super::look::Depth;
use super::planning;
use crate::plan::Observed;
use crate::remote::Fault;
use crate::store::Session;

/// What was seen before the lock was taken.
pub enum Ahead {
    /// What is recorded, and beside which document.
    Recorded { serial: u64, observed: Observed },
    /// There was no document: what carries the stack's mark all the same.
    New { owned: Result<Vec<String>, Fault> },
}

/// Nothing comes of it where something is open, or where it fails: a look under the lock says why.
pub async fn look(connected: &Connected, depth: Depth) -> Option<Ahead> {
    let Some(state) = connected.store.glance().await.ok()? else {
        return Some(Ahead::New { owned: connected.clouds.owned(connected.stack.name.as_str()).await });
    };
    if !state.intents.is_empty() {
        return None;
    }
    let observed = planning::look(connected, &state, depth).await.ok()?;
    Some(Ahead::Recorded { serial: state.serial, observed })
}

impl Ahead {
    /// What counts under the lock. What was seen does if nobody can have had the lock since: the document that the taking of it
    /// wrote follows on the one that was read, the former holder had given it back, and left nothing in the journal. What is owned
    /// does if there is no document still: nothing is made before there is one.
    pub fn under(self, session: &dyn Session) -> Option<Self> {
        let taken = session.taken();
        let counts = match &self {
            Self::Recorded { serial, .. } => {
                session.serial() == serial + 1 && taken.abandoned_at.is_none() && taken.inherited.is_empty()
            }
            Self::New { .. } => taken.state.is_none(),
        };
        counts.then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Entry, State, sample};
    use crate::store::memory::Memory;
    use crate::store::{Owner, Store};

    async fn lock(store: &Memory, run: &str) -> Box<dyn Session> {
        let owner = Owner { run: run.into(), who: "ann@box".into(), command: "infra apply dev".into() };
        store.lock(&owner, None).await.unwrap()
    }

    fn state() -> State {
        State { intents: Default::default(), ..sample::state(2) }
    }

    async fn seen(store: &Memory) -> Ahead {
        Ahead::Recorded { serial: store.read().await.unwrap().unwrap().serial, observed: Observed::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_counts_where_nobody_had_the_lock_since() {
        let store = Memory::new("dev".parse().unwrap());
        let mut first = lock(&store, "first").await;
        first.save(&state()).await.unwrap();
        first.release().await.unwrap();

        let ahead = seen(&store).await;
        let session = lock(&store, "second").await;
        assert!(ahead.under(&*session).is_some());
        session.release().await.unwrap();

        let ahead = seen(&store).await;
        lock(&store, "third").await.release().await.unwrap();
        let session = lock(&store, "fourth").await;
        assert!(ahead.under(&*session).is_none(), "somebody had it");
        session.release().await.unwrap();

        let mut dying = lock(&store, "fifth").await;
        let ahead = seen(&store).await;
        let forgotten = state().resources.keys().next().cloned().unwrap();
        dying.append(&[Entry::Forget { address: forgotten }]).await.unwrap();
        drop(dying);
        let session = lock(&store, "sixth").await;
        assert!(ahead.under(&*session).is_none(), "its holder died");
    }
}
