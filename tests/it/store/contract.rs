//! What every store promises. Each promise is a function over a [`Backend`]; [`contract`] makes a test of each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use infra::state::ledger::{RunRecord, RunResult};
use infra::store::lease::attempt_max;
use infra::store::{Session, Store, StoreError};
use tokio::runtime::{Builder, Runtime};

use super::sample::{self, address, adopt, count_in, counter, creation, forget, fresh, owner};

/// A place where a store keeps things, and what others can do to it.
pub trait Backend: Clone + Send + Sync + 'static {
    /// Whether the lock can be taken from a holder that lives but does nothing.
    const TAKES_OVER_FROM_THE_LIVING: bool;
    /// Short, so that tests need not wait long.
    fn lease(&self) -> Duration;
    /// A new client, as another process would have it.
    fn open(&self) -> Arc<dyn Store>;
    async fn document(&self) -> Option<Vec<u8>>;
    async fn overwrite(&self, bytes: Vec<u8>);
    /// The lock's record is deleted.
    async fn lose_lock(&self);
    /// What the journal holds, to be put back later.
    async fn journal(&self) -> Self::Journal;
    async fn restore(&self, journal: Self::Journal);
    type Journal: Send;
}

macro_rules! contract {
    ($backend:expr; $($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            crate::store::contract::$name($backend).await;
        })*
    };
    ($backend:expr) => {
        crate::store::contract::contract! { $backend;
            a_new_stack_begins_with_a_document
            the_journal_and_the_document_tell_the_same_story
            every_acquisition_raises_the_epoch
            one_of_sixteen_gets_the_lock
            sixteen_patient_ones_get_it_in_turn
            a_living_holder_keeps_the_lock_beyond_its_lease
            a_dead_holder_is_followed_and_reported
            a_paused_holder_writes_nothing_once_it_was_followed
            the_epoch_outlives_the_lock_record
            a_crash_between_save_and_tidying_up_changes_nothing
            documents_that_cannot_be_read_stop_everything_and_stay
            an_unlawful_state_is_refused_and_the_former_kept
            history_has_the_former_documents
            runs_are_on_record_newest_first
            what_is_noted_with_entries_or_a_document_is_stored_with_them
            what_a_dead_run_said_last_is_handed_over
            a_state_from_elsewhere_keeps_its_serial_and_epoch
            who_takes_the_lock_has_the_seal_key
            the_seal_key_is_made_once
            readers_without_the_lock_see_whole_commits
            a_session_that_lost_its_lock_says_so
        }
    };
}
pub(crate) use contract;

async fn take(backend: &impl Backend, run: &str) -> Box<dyn Session> {
    backend.open().lock(&owner(run), Some(backend.lease() * 3)).await.unwrap()
}

/// A stack with a first document, and nobody who holds the lock.
async fn begin(backend: &impl Backend) {
    let mut session = take(backend, "first").await;
    session.save(&fresh()).await.unwrap();
    session.release().await.unwrap();
}

pub async fn a_new_stack_begins_with_a_document(backend: impl Backend) {
    let store = backend.open();
    assert!(store.read().await.unwrap().is_none() && store.holder().await.unwrap().is_none());
    let mut session = take(&backend, "run-1").await;
    assert!(session.state().is_none() && session.abandoned_at().is_none());
    assert_eq!((session.epoch(), session.lease()), (1, backend.lease()));
    assert!(matches!(session.append(&[adopt(1)]).await, Err(StoreError::Refused { .. })), "no document to continue");
    assert!(store.read().await.unwrap().is_none());
    session.save(&fresh()).await.unwrap();
    let state = store.read().await.unwrap().unwrap();
    assert_eq!((state.serial, state.epoch, state.run.as_str()), (1, 1, "run-1"));
    assert_eq!(store.holder().await.unwrap().map(|it| it.owner), Some(owner("run-1")));
    session.release().await.unwrap();
    assert!(store.holder().await.unwrap().is_none());
}

pub async fn the_journal_and_the_document_tell_the_same_story(backend: impl Backend) {
    begin(&backend).await;
    let store = backend.open();
    let mut session = take(&backend, "run-1").await;
    let mut told = session.state().unwrap();
    let mut last = None;
    for number in 1..=4 {
        for entry in creation(session.epoch(), number) {
            told.fold(&entry);
            let position = session.append(std::slice::from_ref(&entry)).await.unwrap();
            assert!(last < Some(position));
            last = Some(position);
            told.watermark = last;
            assert_eq!(store.read().await.unwrap().unwrap(), told);
        }
        if number == 2 {
            session.save(&told).await.unwrap();
            told.serial += 1;
            assert_eq!(store.read().await.unwrap().unwrap(), told);
        }
    }
    drop(session);
    let session = take(&backend, "run-2").await;
    let taken = session.state().unwrap();
    assert_eq!(taken.resources, told.resources);
    assert_eq!((taken.serial, taken.watermark, taken.run.as_str()), (told.serial + 1, last, "run-2"));
    assert_eq!(store.read().await.unwrap().unwrap(), taken, "rewritten under the new epoch");
    session.release().await.unwrap();
}

pub async fn every_acquisition_raises_the_epoch(backend: impl Backend) {
    begin(&backend).await;
    for epoch in 2..5 {
        let session = take(&backend, &format!("run-{epoch}")).await;
        assert_eq!((session.epoch(), session.state().unwrap().epoch), (epoch, epoch));
        assert_eq!(session.abandoned_at(), None);
        session.release().await.unwrap();
    }
}

pub async fn one_of_sixteen_gets_the_lock(backend: impl Backend) {
    begin(&backend).await;
    let tries = (0..16).map(|number| {
        let store = backend.open();
        tokio::spawn(async move { store.lock(&owner(&format!("run-{number}")), None).await })
    });
    let results = futures::future::join_all(tries.collect::<Vec<_>>()).await;
    let (mut held, mut named) = (Vec::new(), Vec::new());
    for result in results {
        match result.unwrap() {
            Ok(session) => held.push(session),
            Err(StoreError::Locked { holder }) => named.push(holder.owner.run),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((held.len(), named.len()), (1, 15));
    let winner = backend.open().holder().await.unwrap().unwrap().owner.run;
    assert!(named.iter().all(|it| *it == winner), "{winner}: {named:?}");
    held.pop().unwrap().release().await.unwrap();
}

pub async fn sixteen_patient_ones_get_it_in_turn(backend: impl Backend) {
    begin(&backend).await;
    let tasks = (0..16).map(|number| {
        let store = backend.open();
        tokio::spawn(async move {
            let run = owner(&format!("run-{number}"));
            let mut session = store.lock(&run, Some(Duration::from_secs(120))).await.unwrap();
            let next = count_in(&session.state().unwrap()) + 1;
            session.append(&[counter(next)]).await.unwrap();
            session.release().await.unwrap();
        })
    });
    for result in futures::future::join_all(tasks.collect::<Vec<_>>()).await {
        result.unwrap();
    }
    let state = backend.open().read().await.unwrap().unwrap();
    assert_eq!((count_in(&state), state.epoch), (16, 17));
}

pub async fn a_living_holder_keeps_the_lock_beyond_its_lease(backend: impl Backend) {
    begin(&backend).await;
    let mut session = take(&backend, "run-1").await;
    let until = Instant::now() + backend.lease() * 5 / 2;
    while Instant::now() < until {
        let refused = backend.open().lock(&owner("run-2"), None).await.err();
        assert!(matches!(refused, Some(StoreError::Locked { .. })), "{refused:?}");
        assert!(session.gate().allows(attempt_max(backend.lease())));
        tokio::time::sleep(backend.lease() / 4).await;
    }
    session.append(&[adopt(1)]).await.unwrap();
    session.release().await.unwrap();
}

pub async fn a_dead_holder_is_followed_and_reported(backend: impl Backend) {
    begin(&backend).await;
    let started = infra_millis();
    let mut session = take(&backend, "run-1").await;
    session.append(&[adopt(1)]).await.unwrap();
    let gate = session.gate();
    drop(session);
    let last_sign = infra_millis();
    let next = take(&backend, "run-2").await;
    assert!(next.state().unwrap().resources.contains_key(&address(1)));
    let abandoned = next.abandoned_at().expect("run-1 did not release it");
    // Looked at from outside, the holder was alive a little longer than it was.
    let slack = 1_000;
    assert!(started <= abandoned && abandoned <= last_sign + slack, "{started} {abandoned} {last_sign}");
    tokio::time::sleep(backend.lease()).await;
    assert!(!gate.allows(Duration::ZERO), "nobody renews it any more");
    next.release().await.unwrap();
}

fn infra_millis() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// A session in a runtime of its own that runs only when asked to: a process that is stopped in between.
struct Paused {
    runtime: Runtime,
    session: Box<dyn Session>,
}

impl Paused {
    fn take(backend: &impl Backend) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let session = runtime.block_on(async { take(backend, "paused").await });
        Self { runtime, session }
    }
}

pub async fn a_paused_holder_writes_nothing_once_it_was_followed(backend: impl Backend) {
    begin(&backend).await;
    let inside = backend.clone();
    let mut paused = tokio::task::spawn_blocking(move || Paused::take(&inside)).await.unwrap();
    let (gate, attempt) = (paused.session.gate(), attempt_max(backend.lease()));
    assert!(gate.allows(attempt));
    tokio::time::sleep(backend.lease()).await;
    assert!(!gate.allows(Duration::ZERO), "the gate closes without anybody closing it");

    if !<_ as Follow>::can(&backend) {
        // Stopped, not dead: nobody follows, and it may go on.
        assert!(matches!(backend.open().lock(&owner("next"), None).await, Err(StoreError::Locked { .. })));
        let written = tokio::task::spawn_blocking(move || {
            let Paused { runtime, mut session } = paused;
            runtime.block_on(async {
                session.append(&[adopt(1)]).await.unwrap();
                session.release().await
            })
        });
        return written.await.unwrap().unwrap();
    }
    let mut next = take(&backend, "next").await;
    next.append(&[adopt(2)]).await.unwrap();
    let before = backend.open().read().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let state = paused.session.state().unwrap();
        let Paused { runtime, session } = &mut paused;
        runtime.block_on(async {
            let saved = session.save(&state).await;
            assert!(matches!(saved, Err(StoreError::LockLost(_))), "{saved:?}");
            let appended = session.append(&[adopt(1)]).await;
            assert!(matches!(appended, Err(StoreError::LockLost(_))), "{appended:?}");
            assert!(!session.gate().allows(Duration::ZERO));
        });
        drop(paused);
    })
    .await
    .unwrap();
    assert_eq!(backend.open().read().await.unwrap(), before);
    next.append(&[adopt(3)]).await.unwrap();
    next.release().await.unwrap();
}

/// Reads the constant of a backend behind `impl Backend`.
trait Follow {
    fn can(&self) -> bool;
}

impl<B: Backend> Follow for B {
    fn can(&self) -> bool {
        B::TAKES_OVER_FROM_THE_LIVING
    }
}

pub async fn the_epoch_outlives_the_lock_record(backend: impl Backend) {
    begin(&backend).await;
    let session = take(&backend, "run-1").await;
    assert_eq!(session.epoch(), 2);
    drop(session);
    backend.lose_lock().await;
    let session = take(&backend, "run-2").await;
    assert_eq!(session.epoch(), 3);
    assert!(session.abandoned_at().is_some(), "whoever held it may be alive");
    session.release().await.unwrap();
}

pub async fn a_crash_between_save_and_tidying_up_changes_nothing(backend: impl Backend) {
    begin(&backend).await;
    let mut session = take(&backend, "run-1").await;
    let mut state = session.state().unwrap();
    for entry in [adopt(1), counter(1), forget(1), adopt(2)] {
        state.fold(&entry);
        session.append(&[entry]).await.unwrap();
    }
    let journal = backend.journal().await;
    session.save(&state).await.unwrap();
    let saved = backend.open().read().await.unwrap();
    drop(session);
    backend.restore(journal).await;
    assert_eq!(backend.open().read().await.unwrap(), saved);
    let session = take(&backend, "run-2").await;
    assert_eq!(session.state().unwrap().resources, state.resources);
    session.release().await.unwrap();
}

pub async fn documents_that_cannot_be_read_stop_everything_and_stay(backend: impl Backend) {
    begin(&backend).await;
    let good = backend.document().await.unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let half = text[..text.len() / 2].to_owned();
    type Told = fn(&StoreError) -> bool;
    let cases: [(String, Told); 6] = [
        (half, |it| matches!(it, StoreError::Damaged { .. })),
        (String::new(), |it| matches!(it, StoreError::Damaged { .. })),
        ("{\"terraform_version\":\"1.9\"}".into(), |it| matches!(it, StoreError::Foreign { .. })),
        (text.replace("\"format\":1", "\"format\":99"), |it| matches!(it, StoreError::Newer { found: 99, .. })),
        (text.replace("\"stack\":\"dev\"", "\"stack\":\"prod\""), |it| matches!(it, StoreError::OtherStack { .. })),
        (text.replace("\"serial\":1", "\"serial\":0"), |it| matches!(it, StoreError::Unlawful { .. })),
    ];
    for (bad, told) in cases {
        backend.overwrite(bad.clone().into_bytes()).await;
        let error = backend.open().read().await.unwrap_err();
        assert!(told(&error), "{error}");
        let error = backend.open().lock(&owner("run-1"), Some(backend.lease() * 3)).await.err().unwrap();
        assert!(told(&error), "{error}");
        assert_eq!(backend.document().await.unwrap(), bad.into_bytes());
    }
    backend.overwrite(good).await;
    take(&backend, "run-2").await.release().await.unwrap();
}

pub async fn an_unlawful_state_is_refused_and_the_former_kept(backend: impl Backend) {
    begin(&backend).await;
    let mut session = take(&backend, "run-1").await;
    let before = backend.document().await;
    let mut bad = session.state().unwrap();
    bad.fold(&adopt(1));
    let twin = bad.resources[&address(1)].clone();
    bad.resources.insert(address(2), twin);
    let error = session.save(&bad).await.unwrap_err();
    assert!(matches!(&error, StoreError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("law 4") && error.to_string().contains("aws_vpc.v2"), "{error}");
    assert_eq!(backend.document().await, before);
    bad.fold(&forget(2));
    session.save(&bad).await.unwrap();
    session.release().await.unwrap();
}

pub async fn history_has_the_former_documents(backend: impl Backend) {
    begin(&backend).await;
    let mut session = take(&backend, "run-1").await;
    let mut state = session.state().unwrap();
    for number in 1..=3 {
        state.fold(&adopt(number));
        session.append(&[adopt(number)]).await.unwrap();
        session.save(&state).await.unwrap();
    }
    session.release().await.unwrap();
    let store = backend.open();
    let history = store.history().await.unwrap();
    let serials: Vec<_> = history.iter().map(|it| it.serial).collect();
    assert_eq!(serials, [4, 3, 2, 1]);
    for version in &history {
        let state = store.version(&version.id).await.unwrap();
        assert_eq!((state.serial, state.resources.len() as u64), (version.serial, version.serial.saturating_sub(2)));
        assert!(version.size > 0 && version.at > 1_600_000_000_000, "{version:?}");
    }
    let error = store.version("no-such-version").await.unwrap_err();
    assert!(matches!(error, StoreError::NoVersion { .. }), "{error}");
}

pub async fn runs_are_on_record_newest_first(backend: impl Backend) {
    begin(&backend).await;
    let mut session = take(&backend, "run-1").await;
    for (run, at) in [("a", 1_000), ("c", 3_000), ("b", 2_000)] {
        session.note(&sample::run(run, at)).await.unwrap();
    }
    let done = RunRecord { result: Some(RunResult::Done), ..sample::run("c", 3_000) };
    session.note(&done).await.unwrap();
    let store = backend.open();
    let names = store.runs().await.unwrap();
    assert_eq!(names.iter().map(|it| it.run.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    assert_eq!(store.run(&names[0]).await.unwrap(), Some(done));
    session.forget(&names[2]).await.unwrap();
    session.forget(&names[2]).await.unwrap();
    assert_eq!(store.run(&names[2]).await.unwrap(), None);
    assert_eq!(store.runs().await.unwrap(), names[..2]);
    session.release().await.unwrap();
    assert_eq!(store.history().await.unwrap().iter().map(|it| it.serial).collect::<Vec<_>>(), [1], "runs are no versions");
}

pub async fn what_is_noted_with_entries_or_a_document_is_stored_with_them(backend: impl Backend) {
    let mut session = take(&backend, "run-1").await;
    let (saved, noted) = session.save_noting(&fresh(), &sample::run("a", 1_000)).await;
    assert!(saved.is_ok() && noted.is_ok());
    let (appended, noted) = session.append_noting(&[adopt(1)], &sample::run("b", 2_000)).await;
    assert_eq!((appended.unwrap().seq, noted.is_ok()), (1, true));
    drop(session);
    let store = backend.open();
    assert_eq!(store.runs().await.unwrap().iter().map(|it| it.run.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert!(store.read().await.unwrap().unwrap().resources.contains_key(&address(1)));
}

pub async fn who_takes_the_lock_has_the_seal_key(backend: impl Backend) {
    let session = take(&backend, "run-1").await;
    let key = session.taken().seal_key;
    session.release().await.unwrap();
    let session = take(&backend, "run-2").await;
    assert_eq!((session.taken().seal_key, backend.open().known_seal_key().await.unwrap()), (key, Some(key)));
    session.release().await.unwrap();
}

pub async fn what_a_dead_run_said_last_is_handed_over(backend: impl Backend) {
    begin(&backend).await;
    let mut session = take(&backend, "run-1").await;
    let mut state = session.state().unwrap();
    let [begun, ..] = creation(2, 4);
    for entry in [&adopt(1), &begun] {
        state.fold(entry);
        session.append(std::slice::from_ref(entry)).await.unwrap();
    }
    session.save(&state).await.unwrap();
    session.append(&[adopt(2)]).await.unwrap();
    session.append(&[adopt(3)]).await.unwrap();
    drop(session);
    let next = take(&backend, "run-2").await;
    assert_eq!(next.taken().inherited, [begun.clone(), adopt(2), adopt(3)], "what the document holds open, and the journal");
    let serial = next.serial();
    assert_eq!(backend.open().read().await.unwrap().unwrap().serial, serial);
    next.release().await.unwrap();
    let last = take(&backend, "run-3").await;
    assert_eq!((last.taken().inherited.as_slice(), last.serial()), (&[begun][..], serial + 1));
    last.release().await.unwrap();
}

pub async fn a_state_from_elsewhere_keeps_its_serial_and_epoch(backend: impl Backend) {
    let mut session = take(&backend, "run-1").await;
    let mut from_elsewhere = fresh();
    (from_elsewhere.serial, from_elsewhere.epoch, from_elsewhere.run) = (40, 17, "run-9".into());
    session.save(&from_elsewhere).await.unwrap();
    assert_eq!(session.serial(), 40);
    session.release().await.unwrap();
    let mut next = take(&backend, "run-2").await;
    assert_eq!((next.epoch(), next.serial()), (18, 41));
    next.append(&[adopt(1)]).await.unwrap();
    next.release().await.unwrap();
    assert_eq!(backend.open().read().await.unwrap().unwrap().resources.len(), 1);
}

pub async fn the_seal_key_is_made_once(backend: impl Backend) {
    let stores: Vec<_> = (0..8).map(|_| backend.open()).collect();
    let keys = futures::future::try_join_all(stores.iter().map(|it| it.seal_key())).await.unwrap();
    assert!(keys.iter().all(|it| *it == keys[0]) && keys[0] != [0; 32]);
    assert_eq!(backend.open().seal_key().await.unwrap(), keys[0]);
}

pub async fn readers_without_the_lock_see_whole_commits(backend: impl Backend) {
    begin(&backend).await;
    let writer = {
        let backend = backend.clone();
        tokio::spawn(async move {
            let mut session = take(&backend, "run-1").await;
            let mut state = session.state().unwrap();
            for number in 1..=40_i64 {
                let commit = [adopt(number.unsigned_abs()), counter(number)];
                commit.iter().for_each(|it| state.fold(it));
                session.append(&commit).await.unwrap();
                if number % 7 == 0 {
                    session.save(&state).await.unwrap();
                }
            }
            session.release().await.unwrap();
        })
    };
    let store = backend.open();
    let mut last = 0;
    while last < 40 {
        let state = store.read().await.unwrap().unwrap();
        let count = count_in(&state);
        assert_eq!(state.resources.len() as i64, count);
        assert!(last <= count, "{last} was seen before {count}");
        last = count;
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

pub async fn a_session_that_lost_its_lock_says_so(backend: impl Backend) {
    begin(&backend).await;
    let store = backend.open();
    let mut session = take(&backend, "run-1").await;
    let error = store.unlock("somebody-else").await.unwrap_err();
    assert!(matches!(&error, StoreError::NotHeldBy { found: Some(it), .. } if it == "run-1"), "{error}");
    if !<_ as Follow>::can(&backend) {
        let error = store.unlock("run-1").await.unwrap_err();
        assert!(matches!(error, StoreError::HeldByProcess { pid } if pid == std::process::id()), "{error}");
        session.append(&[adopt(1)]).await.unwrap();
        return session.release().await.unwrap();
    }
    store.unlock("run-1").await.unwrap();
    let error = session.append(&[adopt(1)]).await.unwrap_err();
    assert!(matches!(error, StoreError::LockLost(_)), "{error}");
    assert!(!session.gate().allows(Duration::ZERO));
    assert!(session.release().await.is_err());
    let next = backend.open().lock(&owner("run-2"), Some(Duration::ZERO)).await.unwrap();
    assert!(next.abandoned_at().is_some(), "run-1 may have been sending a moment ago");
    assert!(!next.state().unwrap().resources.contains_key(&address(1)));
    next.release().await.unwrap();
}
