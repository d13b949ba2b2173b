//! What a run costs its store: as much as it changes, however much is on record already.

use std::collections::BTreeMap;

use super::*;
use crate::state::ledger::{RunName, RunRecord};
use crate::state::{Entry, IntentAct, Outcome, Position};
use crate::store::Taken;

/// Beside its inputs, and what they became.
const OPERATION_BYTES: usize = 2_048;

/// A session that keeps what it is told, before it passes it on.
pub(super) struct Counting {
    pub inner: Box<dyn Session>,
    pub entries: Vec<Entry>,
    pub saves: usize,
    /// Once so many intents are stored, the store takes nothing any more.
    pub takes: usize,
}

impl Counting {
    pub fn new(inner: Box<dyn Session>) -> Self {
        Self { inner, entries: Vec::new(), saves: 0, takes: usize::MAX }
    }

    fn check(&self) -> Result<(), StoreError> {
        let gone = || StoreError::Io { place: "store".into(), source: std::io::Error::other("it is gone") };
        let intents = self.entries.iter().filter(|it| matches!(it, Entry::Intent(_))).count();
        if intents >= self.takes { Err(gone()) } else { Ok(()) }
    }
}

impl Session for Counting {
    fn taken(&self) -> &Taken {
        self.inner.taken()
    }
    fn serial(&self) -> u64 {
        self.inner.serial()
    }
    fn append<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, Result<Position, StoreError>> {
        assert!(self.serial() > 0, "the journal continues a document");
        let taken = self.check();
        self.entries.extend(entries.iter().cloned());
        match taken {
            Ok(()) => self.inner.append(entries),
            Err(error) => std::future::ready(Err(error)).boxed(),
        }
    }
    fn save<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<(), StoreError>> {
        let taken = self.check();
        self.saves += 1;
        if self.serial() == 0 {
            // What is said first is in the first document.
            self.entries.extend(state.intents.values().cloned().map(Entry::Intent));
        }
        match taken {
            Ok(()) => self.inner.save(state),
            Err(error) => std::future::ready(Err(error)).boxed(),
        }
    }
    fn note<'a>(&'a mut self, run: &'a RunRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.note(run)
    }
    fn forget<'a>(&'a mut self, run: &'a RunName) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.forget(run)
    }
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.inner.release()
    }
}

/// Makes `new` things beside `recorded` ones.
async fn grow(recorded: usize, new: usize) -> Counting {
    let (store, cloud) = (store(), SimCloud::new(None));
    let owner = Owner { run: "r".into(), who: "test".into(), command: "apply".into() };
    let mut session = Counting::new(store.lock(&owner, None).await.unwrap());
    let (types, sealer) = (SimTypes::default(), Sealer::new([7; 32]));
    let block = |at: usize| Block {
        settings: [("name", Value::from(format!("n{at}"))), ("size", Value::from(3)), ("secret", Value::from("hunter2"))].into(),
        ..Block::default()
    };
    let mut wish = Wish::new((0..new).map(|at| (format!("sim_instant.n{at}").parse().unwrap(), block(at))).collect());
    let mut state = State::new("dev".parse().unwrap(), Lineage("l".into()));
    let observed = Observed::default();
    let planned = plan(&mut wish, &types, &state, &observed, &sealer);
    state.resources = crate::state::sample::state(recorded).resources;
    let (_, mut interrupts) = mpsc::unbounded_channel();
    let mut mint = Mint::new(session.epoch(), [1; 32]);
    let mut edge = Edge {
        cloud: &cloud,
        session: &mut session,
        types: &types,
        settles: settles(),
        pace: Pace::default(),
        interrupts: &mut interrupts,
        tell: &mut |_| {},
    };
    let run = Run {
        steps: planned.plan.steps,
        instances: planned.instances,
        configuration: &mut wish,
        observed,
        state,
        sealer: &sealer,
        mint: &mut mint,
        opening: None,
        waits_for_twins: false,
    };
    let ended = drive(&mut edge, run).await.unwrap();
    assert_eq!((ended.outcome.done, ended.outcome.failed.len()), (new, 0), "{:?}", ended.outcome);
    assert_eq!(store.read().await.unwrap().unwrap().resources.len(), recorded + new);
    session
}

fn bytes(entry: &Entry) -> usize {
    serde_json::to_vec(entry).unwrap().len()
}

/// What is not inputs, nor what they became.
fn bare(entry: &Entry) -> Entry {
    let mut bare = entry.clone();
    match &mut bare {
        Entry::Intent(it) => match &mut it.act {
            IntentAct::Create { inputs, .. } | IntentAct::Update { inputs, .. } => *inputs = Value::Null,
            IntentAct::Delete { .. } => {}
        },
        Entry::Outcome { outcome: Outcome::Done { applied, outputs }, .. } => (*applied, *outputs) = (Value::Null, Value::Null),
        _ => {}
    }
    bare
}

#[tokio::test(start_paused = true)]
async fn the_journal_grows_with_what_changes_and_not_with_what_is_there() {
    let (few, many) = (grow(10, 40).await, grow(10_000, 40).await);
    let told = |it: &Counting| it.entries.iter().map(bytes).sum::<usize>();
    // Numbers in them differ in length.
    assert!(told(&few).abs_diff(told(&many)) < 40, "{} {}", told(&few), told(&many));
    assert_eq!(few.entries.len(), many.entries.len());
    // Once because the stack is new, and once at the end; at most each minute in between.
    assert_eq!((few.saves, many.saves), (2, 2), "the document is not written for each step");
    let twice = grow(10, 80).await;
    assert!(told(&twice) < 2 * told(&few) + told(&few) / 10, "{} {}", told(&few), told(&twice));
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_told_in_two_kilobytes_beside_its_inputs() {
    let run = grow(0, 20).await;
    let mut by_op: BTreeMap<String, usize> = BTreeMap::new();
    let mut others = 0;
    for entry in &run.entries {
        match entry {
            Entry::Intent(it) => *by_op.entry(it.op.0.to_string()).or_default() += bytes(&bare(entry)),
            Entry::Outcome { op, .. } => *by_op.entry(op.0.to_string()).or_default() += bytes(&bare(entry)),
            _ => others += bytes(entry),
        }
    }
    assert_eq!(by_op.len(), 20);
    let most = by_op.values().max().copied().unwrap_or_default() + others / by_op.len();
    assert!(most <= OPERATION_BYTES, "{most} bytes");
}
