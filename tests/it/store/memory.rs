//! The store in memory.

use std::sync::Arc;
use std::time::Duration;

use infra::state::Commit;
use infra::store::Store;
use infra::store::memory::Memory;

use super::contract::{Backend, contract};

#[derive(Clone)]
struct InMemory(Memory);

const LEASE: Duration = Duration::from_millis(600);

impl Backend for InMemory {
    const TAKES_OVER_FROM_THE_LIVING: bool = true;
    type Journal = Vec<Commit>;

    fn lease(&self) -> Duration {
        LEASE
    }
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
    async fn document(&self) -> Option<Vec<u8>> {
        self.0.document()
    }
    async fn overwrite(&self, bytes: Vec<u8>) {
        self.0.overwrite(bytes);
    }
    async fn lose_lock(&self) {
        self.0.lose_lock();
    }
    async fn journal(&self) -> Vec<Commit> {
        self.0.journal()
    }
    async fn restore(&self, journal: Vec<Commit>) {
        self.0.set_journal(journal);
    }
}

contract!(InMemory(Memory::new("dev".parse().unwrap()).with_lease(LEASE)));

/// An hour asleep takes no time in a rehearsal.
#[tokio::test(start_paused = true)]
async fn leases_run_out_in_virtual_time() {
    let store = Memory::new("dev".parse().unwrap());
    let session = store.lock(&super::sample::owner("run-1"), None).await.unwrap();
    let gate = session.gate();
    assert!(gate.allows(Duration::from_secs(20)));
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(gate.allows(Duration::from_secs(20)), "renewed all the while");
    drop(session);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!gate.allows(Duration::ZERO));
    store.lock(&super::sample::owner("run-2"), None).await.unwrap();
}
