//! The power fails: every prefix of what the store did to its disk, with all that was not made durable there, gone, cut off or
//! zeros. What then lies on the disk must read as what was acknowledged last, or as what was just being done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use infra::state::State;
use infra::store::local::Local;
use infra::store::local::disk::{Act, Disk, Witness};
use infra::store::{Session, Store};
use tempfile::TempDir;

use super::sample::{self, adopt, counter, creation, forget, fresh, owner};

#[derive(Default)]
struct Recorder(Mutex<Vec<Act>>);

impl Witness for Recorder {
    fn hear(&self, act: Act) {
        self.0.lock().unwrap().push(act);
    }
}

/// What a reader sees of a state, but for what says who wrote it when.
fn seen(state: Option<State>) -> Option<String> {
    state.map(|it| format!("{:?} {:?} {:?}", it.resources, it.outputs, it.intents))
}

/// A life of a store, its disk recorded.
struct Life {
    root: PathBuf,
    acts: Arc<Recorder>,
    /// What had been acknowledged when so many acts were done.
    acknowledged: Vec<(usize, Option<String>)>,
    key: Option<(usize, [u8; 32])>,
}

impl Life {
    fn store(&self) -> Local {
        let disk = Disk::watched(self.acts.clone());
        Local::new(&self.root, "dev".parse().unwrap()).with_disk(disk)
    }

    fn acts(&self) -> usize {
        self.acts.0.lock().unwrap().len()
    }

    fn acknowledge(&mut self, state: &State) {
        self.acknowledged.push((self.acts(), seen(Some(state.clone()))));
    }

    /// Begins a state, adds to it, saves it, runs twice more, once without giving the lock back.
    async fn live(folder: &Path) -> Self {
        let mut it = Self {
            root: folder.join("deep").join("down").join(".infra"),
            acts: Arc::default(),
            acknowledged: vec![(0, None)],
            key: None,
        };
        let key = it.store().seal_key().await.unwrap();
        it.key = Some((it.acts(), key));
        let mut number = 0;
        for run in ["run-1", "run-2", "run-3"] {
            let mut session = it.store().lock(&owner(run), None).await.unwrap();
            let mut told = session.state().unwrap_or_else(fresh);
            if run == "run-1" {
                session.save(&told).await.unwrap();
            }
            it.acknowledge(&told);
            for _ in 0..2 {
                number += 1;
                for entry in creation(session.epoch(), number) {
                    it.append(&mut *session, &mut told, &[entry]).await;
                }
                it.append(&mut *session, &mut told, &[adopt(10 + number), counter(i64::try_from(number).unwrap())]).await;
                session.save(&told).await.unwrap();
                it.acknowledge(&told);
                it.append(&mut *session, &mut told, &[forget(10 + number)]).await;
                session.note(&sample::run(run, number)).await.unwrap();
            }
            match run {
                "run-2" => drop(session),
                _ => session.release().await.unwrap(),
            }
        }
        it
    }

    async fn append(&mut self, session: &mut dyn Session, told: &mut State, entries: &[infra::state::Entry]) {
        session.append(entries).await.unwrap();
        entries.iter().for_each(|it| told.fold(it));
        self.acknowledge(told);
    }
}

/// What becomes of bytes that were written and not synced.
#[derive(Clone, Copy, PartialEq)]
enum Unsynced {
    Kept,
    Gone,
    /// The length was stored, the blocks were not.
    Zeros,
}

#[derive(Clone, Default)]
struct File {
    now: Vec<u8>,
    durable: Vec<u8>,
}

/// What a change of names says.
#[derive(Clone)]
enum Name {
    Is(PathBuf, usize),
    IsNot(PathBuf),
    IsFolder(PathBuf),
}

#[derive(Clone, Default)]
struct Names {
    files: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
}

impl Names {
    fn take_in(&mut self, change: &[Name]) {
        for name in change.iter().cloned() {
            match name {
                Name::Is(path, file) => drop(self.files.insert(path, file)),
                Name::IsNot(path) => drop(self.files.remove(&path)),
                Name::IsFolder(path) => drop(self.folders.insert(path)),
            }
        }
    }
}

/// What lies on a disk.
type Image = BTreeMap<PathBuf, Vec<u8>>;

/// A disk as POSIX allows it to be: names and bytes are durable when they were synced, and not before.
#[derive(Clone, Default)]
struct Model {
    files: Vec<File>,
    names: Names,
    durable: Names,
    /// Changes that no sync of their folder made durable yet. Each is whole or not at all.
    pending: Vec<(PathBuf, Vec<Name>)>,
}

impl Model {
    fn perform(&mut self, act: &Act) {
        match act {
            Act::Made(path) => {
                self.files.push(File::default());
                self.rename(path, vec![Name::Is(path.clone(), self.files.len() - 1)]);
            }
            Act::MadeFolder(path) => self.rename(path, vec![Name::IsFolder(path.clone())]),
            Act::Renamed { from, to } => {
                let is = Name::Is(to.clone(), self.names.files[from]);
                self.rename(to, vec![Name::IsNot(from.clone()), is]);
            }
            Act::Linked { from, to } => self.rename(to, vec![Name::Is(to.clone(), self.names.files[from])]),
            Act::Removed(path) => self.rename(path, vec![Name::IsNot(path.clone())]),
            Act::Appended { file, bytes } => self.file(file).now.extend(bytes),
            Act::Cut { file, length } => self.file(file).now.truncate(usize::try_from(*length).unwrap()),
            Act::Synced(path) => {
                let file = self.file(path);
                file.durable.clone_from(&file.now);
            }
            Act::SyncedFolder(folder) => {
                let (stored, pending) = std::mem::take(&mut self.pending).into_iter().partition(|(it, _)| it == folder);
                self.pending = pending;
                let stored: Vec<(PathBuf, Vec<Name>)> = stored;
                stored.iter().for_each(|(_, change)| self.durable.take_in(change));
            }
        }
    }

    fn file(&mut self, path: &Path) -> &mut File {
        &mut self.files[self.names.files[path]]
    }

    fn rename(&mut self, path: &Path, change: Vec<Name>) {
        self.names.take_in(&change);
        self.pending.push((path.parent().unwrap().to_owned(), change));
    }

    /// What is found after the power failed: of the changes of names that were not durable, the first so many came through.
    fn left(&self, names_kept: usize, unsynced: Unsynced) -> Image {
        let mut names = self.durable.clone();
        self.pending.iter().take(names_kept).for_each(|(_, change)| names.take_in(change));
        let within = |path: &Path| path.ancestors().all(|it| names.folders.contains(it) || !self.names.folders.contains(it));
        let bytes = |File { now, durable }: &File| match unsynced {
            Unsynced::Kept => now.clone(),
            Unsynced::Zeros if now.len() > durable.len() => [&durable[..], &vec![0; now.len() - durable.len()]].concat(),
            Unsynced::Gone | Unsynced::Zeros => durable.clone(),
        };
        let found = names.files.iter().filter(|(path, _)| path.parent().is_some_and(within));
        found.map(|(path, file)| (path.clone(), bytes(&self.files[*file]))).collect()
    }

    /// Everything that may be found after a failure now, while `next` was being done.
    fn all_left(&self, next: Option<&Act>) -> BTreeSet<Image> {
        let mut all = BTreeSet::new();
        for names_kept in 0..=self.pending.len() {
            all.extend([Unsynced::Kept, Unsynced::Gone, Unsynced::Zeros].map(|it| self.left(names_kept, it)));
        }
        if let Some(Act::Appended { file, bytes }) = next {
            let cuts = (1..bytes.len()).step_by(1 + bytes.len() / TORN_MAX);
            all.extend(cuts.map(|cut| {
                let mut torn = self.clone();
                torn.perform(&Act::Appended { file: file.clone(), bytes: bytes[..cut].to_owned() });
                torn.left(torn.pending.len(), Unsynced::Kept)
            }));
        }
        all
    }
}

/// So many torn lengths of one write at most, evenly.
const TORN_MAX: usize = 24;

/// In memory where there is such a place: syncs are played here, and need not be waited for.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// Lays an image out in the place of the folder in which the life was lived.
fn lay_out(image: &Image, lived: &Path, here: &Path) {
    for (path, bytes) in image {
        let path = here.join(path.strip_prefix(lived).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let lived = folder();
    let life = Life::live(lived.path()).await;
    let acts = life.acts.0.lock().unwrap().clone();
    let (mut model, mut looks) = (Model::default(), 0);
    for done in 0..=acts.len() {
        let before = life.acknowledged.iter().rposition(|(at, _)| *at <= done).unwrap();
        // What was acknowledged, or what was being done.
        let wanted: Vec<_> = life.acknowledged.iter().skip(before).take(2).map(|(_, it)| it).collect();
        for (number, image) in model.all_left(acts.get(done)).iter().enumerate() {
            let here = folder();
            lay_out(image, lived.path(), here.path());
            let root = here.path().join(life.root.strip_prefix(lived.path()).unwrap());
            let store = Local::new(&root, "dev".parse().unwrap());
            let story = || format!("after {done} acts, before {:?}: {:#?}", acts.get(done), image.keys());
            let read = store.read().await.unwrap_or_else(|error| panic!("{error}\n{}", story()));
            let found = seen(read);
            assert!(wanted.contains(&&found), "{found:?}\n{wanted:?}\n{}", story());
            if let Some((_, key)) = life.key.filter(|(at, _)| *at <= done) {
                assert_eq!(store.seal_key().await.unwrap(), key, "{}", story());
            }
            // The next run takes it over and goes on.
            if number == 0 {
                let mut session = store.lock(&owner("next"), None).await.unwrap_or_else(|error| panic!("{error}\n{}", story()));
                assert_eq!(seen(session.state()), found);
                if found.is_some() {
                    session.append(&[counter(77)]).await.unwrap();
                }
            }
            looks += 1;
        }
        acts.get(done).iter().for_each(|it| model.perform(it));
    }
    assert!(acts.len() > 150 && looks > 500, "{} acts, {looks} looks", acts.len());
    // Nothing was done to the disk that the recorder did not hear.
    let recorded = model.left(model.pending.len(), Unsynced::Kept);
    for (path, bytes) in &recorded {
        assert_eq!(fs::read(path).unwrap(), *bytes, "{}", path.display());
    }
    assert_eq!(recorded.len(), crate::bad_input::contents(lived.path()).len());
}
