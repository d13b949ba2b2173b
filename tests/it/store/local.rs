//! The store in a folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use infra::secrets::envelope::What;
use infra::secrets::vault::Vault;
use infra::store::local::Local;
use infra::store::local::disk::{Act, Disk, Witness};
use infra::store::{Store, StoreError};
use tempfile::TempDir;

use super::contract::{Backend, contract};
use super::sample::{self, adopt, count_in, counter, fresh, owner};

#[derive(Clone)]
struct Folder {
    root: Arc<TempDir>,
    is_encrypted: bool,
}

const LEASE: Duration = Duration::from_millis(600);

impl Folder {
    fn new() -> Self {
        Self { root: Arc::new(TempDir::new().unwrap()), is_encrypted: false }
    }
    fn encrypted() -> Self {
        Self { is_encrypted: true, ..Self::new() }
    }
    /// A new one, as another process has it.
    fn vault(&self) -> Vault {
        if self.is_encrypted { sample::vault(None) } else { Vault::none("dev") }
    }
    fn root(&self) -> PathBuf {
        self.root.path().join(".infra")
    }
    fn file(&self, name: &str) -> PathBuf {
        self.root().join("dev").join(name)
    }
}

impl Backend for Folder {
    const TAKES_OVER_FROM_THE_LIVING: bool = false;
    type Journal = Vec<u8>;

    fn lease(&self) -> Duration {
        LEASE
    }
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(Local::new(&self.root(), "dev".parse().unwrap()).with_lease(LEASE).with_vault(self.vault()))
    }
    async fn document(&self) -> Option<Vec<u8>> {
        let stored = fs::read(self.file("state.json")).ok()?;
        Some(self.vault().open(What::State, &stored).await.unwrap().into_owned())
    }
    async fn overwrite(&self, bytes: Vec<u8>) {
        fs::write(self.file("state.json"), self.vault().seal(What::State, bytes).await.unwrap()).unwrap();
    }
    async fn lose_lock(&self) {
        fs::remove_file(self.file("holder.json")).unwrap();
        fs::remove_file(self.file("lock")).unwrap();
    }
    async fn journal(&self) -> Vec<u8> {
        fs::read(self.file("journal")).unwrap()
    }
    async fn restore(&self, journal: Vec<u8>) {
        fs::write(self.file("journal"), journal).unwrap();
    }
}

contract!(Folder::new());

mod encrypted {
    use super::*;

    contract!(Folder::encrypted());

    #[tokio::test]
    async fn nothing_is_in_clear_and_nobody_else_reads_it() {
        let folder = Folder::encrypted();
        let mut session = folder.open().lock(&owner("run-1"), None).await.unwrap();
        session.save(&fresh()).await.unwrap();
        session.append(&[adopt(1)]).await.unwrap();
        session.save(&fresh()).await.unwrap();
        session.append(&[adopt(2)]).await.unwrap();
        session.release().await.unwrap();
        for name in ["state.json", "journal", "history/000000000001.json"] {
            let bytes = fs::read(folder.file(name)).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.contains("infra_encrypted") && !text.contains("lineage") && !text.contains("aws_vpc"), "{name}: {text}");
        }
        let stranger = Local::new(&folder.root(), "dev".parse().unwrap());
        assert!(matches!(stranger.read().await, Err(StoreError::Encrypted { .. })));
        assert!(matches!(stranger.lock(&owner("run-2"), None).await.err(), Some(StoreError::Encrypted { .. })));
    }

    #[tokio::test]
    async fn a_state_in_clear_is_refused() {
        let folder = Folder::new();
        folder.open().lock(&owner("run-1"), None).await.unwrap().save(&fresh()).await.unwrap();
        let demanding = Folder { is_encrypted: true, ..folder.clone() };
        assert!(matches!(demanding.open().read().await, Err(StoreError::Unencrypted { .. })));
        assert!(matches!(demanding.open().lock(&owner("run-2"), None).await.err(), Some(StoreError::Unencrypted { .. })));
        // A record in clear behind an encrypted state is as bad.
        let clear = fs::read(folder.file("state.json")).unwrap();
        demanding.overwrite(clear).await;
        demanding.open().read().await.unwrap();
        let mut journal = b"infra journal 1\n".to_vec();
        journal.extend(record(b"{\"position\":{\"epoch\":1,\"seq\":1},\"entries\":[]}"));
        fs::write(folder.file("journal"), journal).unwrap();
        assert!(matches!(demanding.open().read().await, Err(StoreError::Unencrypted { .. })));
    }

    /// As the journal frames it.
    fn record(payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let sum = crc32fast::hash(&[&length[..], payload].concat()).to_le_bytes();
        [&length[..], &sum[..], payload].concat()
    }
}

#[tokio::test]
async fn only_the_owner_can_look() {
    let folder = Folder::new();
    let store = folder.open();
    store.seal_key().await.unwrap();
    let mut session = store.lock(&owner("run-1"), None).await.unwrap();
    session.save(&fresh()).await.unwrap();
    session.save(&fresh()).await.unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.root()), 0o700);
    for name in ["", "history"] {
        assert_eq!(mode(folder.file(name)), 0o700, "{name}");
    }
    for name in ["seal.key", "state.json", "journal", "lock", "holder.json", "history/000000000001.json"] {
        assert_eq!(mode(folder.file(name)), 0o600, "{name}");
    }
    assert_eq!(fs::read_to_string(folder.root().join(".gitignore")).unwrap(), "*\n");
    session.release().await.unwrap();
    let names = fs::read_dir(folder.file("")).unwrap().count();
    assert_eq!(names, 6, "no temporary files are left");
}

/// A power failure leaves any prefix of what was written since the last `fsync`, or garbage in its place.
#[tokio::test]
async fn every_torn_end_of_the_journal_reads_as_what_was_stored() {
    torn(Folder::new()).await;
}

#[tokio::test]
async fn every_torn_end_of_an_encrypted_journal_too() {
    torn(Folder::encrypted()).await;
}

async fn torn(folder: Folder) {
    let store = folder.open();
    let mut session = store.lock(&owner("run-1"), None).await.unwrap();
    session.save(&fresh()).await.unwrap();
    let mut ends = vec![fs::read(folder.file("journal")).unwrap().len()];
    for number in 1..=3 {
        session.append(&[adopt(number), counter(i64::try_from(number).unwrap())]).await.unwrap();
        ends.push(fs::read(folder.file("journal")).unwrap().len());
    }
    session.release().await.unwrap();
    let (state, journal) = (fs::read(folder.file("state.json")).unwrap(), fs::read(folder.file("journal")).unwrap());
    for end in 0..=journal.len() {
        let stored = ends.iter().skip(1).filter(|it| **it <= end).count();
        for tail in [&[][..], &[0; 20], b"garbage"] {
            fs::write(folder.file("state.json"), &state).unwrap();
            fs::write(folder.file("journal"), [&journal[..end], tail].concat()).unwrap();
            if end < ends[0] && !tail.is_empty() {
                continue; // The header is stored before the first commit is.
            }
            let read = store.read().await.unwrap().unwrap();
            assert_eq!((read.resources.len(), count_in(&read)), (stored, i64::try_from(stored).unwrap()), "{end}");
        }
    }
    // What is appended behind a torn record must be found again.
    fs::write(folder.file("journal"), &journal[..journal.len() - 1]).unwrap();
    let mut session = store.lock(&owner("run-2"), None).await.unwrap();
    session.append(&[adopt(9)]).await.unwrap();
    drop(session);
    let names: Vec<_> = store.read().await.unwrap().unwrap().resources.into_keys().map(|it| it.to_string()).collect();
    assert_eq!(names, ["aws_vpc.v1", "aws_vpc.v2", "aws_vpc.v9"]);
}

#[tokio::test]
async fn a_journal_without_its_state_is_not_ignored() {
    let folder = Folder::new();
    let store = folder.open();
    let mut session = store.lock(&owner("run-1"), None).await.unwrap();
    session.save(&fresh()).await.unwrap();
    session.append(&[adopt(1)]).await.unwrap();
    session.release().await.unwrap();
    fs::remove_file(folder.file("state.json")).unwrap();
    let error = store.read().await.unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { .. }) && error.to_string().contains("history"), "{error}");
    assert!(store.lock(&owner("run-2"), None).await.is_err());
}

#[tokio::test]
async fn a_journal_of_somebody_else_is_left_alone() {
    let folder = Folder::new();
    let store = folder.open();
    store.lock(&owner("run-1"), None).await.unwrap().release().await.unwrap();
    fs::write(folder.file("journal"), "systemd").unwrap();
    assert!(matches!(store.lock(&owner("run-2"), None).await, Err(StoreError::Damaged { .. })));
    assert_eq!(fs::read(folder.file("journal")).unwrap(), b"systemd");
}

#[tokio::test]
async fn history_keeps_the_newest() {
    let folder = Folder::new();
    let store = folder.open();
    let mut session = store.lock(&owner("run-1"), None).await.unwrap();
    for _ in 0..40 {
        session.save(&fresh()).await.unwrap();
    }
    let serials: Vec<_> = store.history().await.unwrap().iter().map(|it| it.serial).collect();
    assert_eq!(serials, (10..40).rev().collect::<Vec<_>>());
    assert_eq!(store.version("39").await.unwrap().serial, 39);
    session.release().await.unwrap();
}

#[derive(Default)]
struct Written(Mutex<Vec<Act>>);

impl Witness for Written {
    fn hear(&self, act: Act) {
        self.0.lock().unwrap().push(act);
    }
}

/// One record at the end of the journal, and one sync: whatever is on record already.
#[tokio::test]
async fn a_commit_costs_what_it_says_and_not_what_the_state_holds() {
    let (folder, written) = (Folder::new(), Arc::new(Written::default()));
    let store = Local::new(&folder.root(), "dev".parse().unwrap()).with_disk(Disk::watched(written.clone()));
    let mut session = store.lock(&owner("run-1"), None).await.unwrap();
    let mut large = fresh();
    (1..=10_000).for_each(|it| large.fold(&adopt(it)));
    session.save(&large).await.unwrap();
    written.0.lock().unwrap().clear();
    session.append(&[adopt(10_001)]).await.unwrap();
    let acts = written.0.lock().unwrap().clone();
    let [Act::Appended { file, bytes }, Act::Synced(synced)] = &acts[..] else { panic!("{acts:?}") };
    assert!(file.ends_with("journal") && file == synced && bytes.len() < 2_048, "{acts:?}");
    session.release().await.unwrap();
}
