//! Taking the lock, and a state that fits the place.

use std::time::Duration;

use super::{Connected, random};
use crate::cli::ahead::{self, Ahead};
use crate::cli::args::Carrying;
use crate::cli::call::Call;
use crate::cli::exit::Ended;
use crate::cli::guard;
use crate::cli::look::Depth;
use crate::diag::Diagnostic;
use crate::plan::Observed;
use crate::remote::{Class, Fault};
use crate::report::{fault, time};
use crate::state::ledger::RunName;
use crate::state::{Lineage, State};
use crate::store::{Owner, Session, StoreError};

/// What there is under the lock.
pub struct Locked {
    pub session: Box<dyn Session>,
    /// As taken over: it still has the open intents of former runs.
    pub state: State,
    /// By a look ahead, if nobody had the lock since.
    pub seen: Option<Observed>,
    /// Those on record, newest first.
    pub runs: Result<Vec<RunName>, StoreError>,
}

impl Connected {
    /// Takes the lock, while it is looked ahead as deep as is said.
    pub async fn lock(&mut self, call: &Call, command: &str, carrying: &Carrying, ahead: Option<Depth>) -> Ended<Locked> {
        let owner = Owner {
            run: self.run.clone(),
            who: call.world.nature.whoami(),
            command: format!("infra {command} {}", self.stack.name),
        };
        let look = async {
            match ahead {
                Some(depth) => ahead::look(self, depth).await,
                None => None,
            }
        };
        let locking = self.wait_for_lock(call, &owner, carrying.lock_timeout);
        let (session, ahead, runs) = futures::join!(locking, look, self.store.runs());
        let session = session.map_err(|it| self.refused(call, &it))?;
        self.seal_key = Some(session.taken().seal_key);
        let (seen, owned) = match ahead.and_then(|it| it.under(&*session)) {
            Some(Ahead::Recorded { observed, .. }) => (Some(observed), None),
            Some(Ahead::New { owned }) => (None, Some(owned)),
            None => (None, None),
        };
        if seen.is_none() {
            // Somebody else may have been at work since these were given.
            self.clouds.forget_answers();
        }
        match self.adopt(call, session.state(), owned).await {
            Ok(state) => Ok(Locked { session, state, seen, runs }),
            Err(stop) => {
                session.release().await.map_err(|it| self.refused(call, &it))?;
                Err(stop)
            }
        }
    }

    /// Takes the lock if it is free; else says who holds it and waits: a minute without a word looks like a hang.
    async fn wait_for_lock(
        &self,
        call: &Call,
        owner: &Owner,
        patience: Option<Duration>,
    ) -> Result<Box<dyn Session>, StoreError> {
        match self.store.lock(owner, Some(Duration::ZERO)).await {
            Err(StoreError::Locked { holder }) if !patience.is_some_and(|it| it.is_zero()) => {
                let (by, since) = (&holder.owner, time::point(holder.since));
                call.tell(&format!(
                    "The lock is held by {} (`{}`, since {since}): waiting until it is given back, or silent for {} s.\n",
                    by.who, by.command, holder.lease_seconds
                ));
                self.store.lock(owner, patience).await
            }
            other => other,
        }
    }

    /// A state that fits this place; for a stack without one, a new one, unless things of the stack say that it had one: those that
    /// are owned, if that was asked already.
    pub(super) async fn adopt(
        &self,
        call: &Call,
        state: Option<State>,
        owned: Option<Result<Vec<String>, Fault>>,
    ) -> Ended<State> {
        if let Some(state) = state {
            guard::same_place(&state, &self.account, &self.region, self.endpoint.as_deref())?;
            return Ok(State {
                account: Some(self.account.clone()),
                region: Some(self.region.clone()),
                endpoint: self.endpoint.clone(),
                ..state
            });
        }
        let owned = match owned {
            _ if self.stack.may_lack_state => Ok(Vec::new()),
            Some(owned) => owned,
            None => self.clouds.owned(self.stack.name.as_str()).await,
        };
        match owned {
            Ok(found) => guard::lost_state(self.stack.name.as_str(), &self.store.place(), &found)?,
            Err(error) if error.class == Class::Credentials => return Err(fault::of_cloud(&error).into()),
            // What may not be seen cannot stop anybody, but it is said.
            Err(error) => {
                call.complain(&[Diagnostic::warning("unseen", "it could not be checked whether the stack had a state before")
                    .detail(error.to_string())
                    .note("it would show by things with the tag infra:stack")])
            }
        }
        let mut state = State::new(self.stack.name.clone(), self.lineage(call)?);
        state.account = Some(self.account.clone());
        state.region = Some(self.region.clone());
        state.endpoint = self.endpoint.clone();
        Ok(state)
    }

    /// The lineage of a new state.
    fn lineage(&self, call: &Call) -> Ended<Lineage> {
        match &self.found.lineage {
            Some(lineage) => Ok(lineage.clone()),
            None => Ok(Lineage(random(call)?.into())),
        }
    }
}
