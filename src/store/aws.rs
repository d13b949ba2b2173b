//! [`Aws`]: the document in S3, lock and journal in DynamoDB.
//!
//! | Where | What |
//! |---|---|
//! | the object `key` of the bucket | the document; versioned, encrypted, written under the condition that it is the one last seen |
//! | the objects `<key without .json>.runs/<name>.json` | what each run did (see `state::ledger`) |
//! | the table's items with `Stack` = the stack, `Item` = … | |
//! | … `lock` | who may write: epoch, lease, a random version with every write; outlives its holders |
//! | … `journal#<epoch>#<seq>` | a commit; written in one transaction with the check and renewal of `lock` |
//! | … `seal-key` | the digest key for secrets |
//!
//! Fencing: a holder that was followed cannot write to the journal, because `lock` names somebody else; nor the document, because
//! its follower rewrote it first. Every write is conditional, so sending it again is safe, and an answer that was lost is settled
//! by reading back whose write is there.
//!
//! Clients come from outside. They must not be gated by this store's own lease, and must bound each attempt.

pub mod bootstrap;
pub mod data_key;
mod journal;
mod lock;
mod object;
mod open;
mod retry;
mod runs;
mod seal;
mod session;
mod table;
mod writer;

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::address::StackName;
use crate::secrets::vault::Vault;
use crate::state::State;
use crate::state::ledger::{RunName, RunRecord};
use crate::store::lease::LEASE;
use crate::store::lock::LockRecord;
use crate::store::{Holder, Owner, Session, Store, StoreError, Version, document, sealed};
pub use open::open;

use object::Object;
use table::Table;

/// How often a reader looks again when a writer was faster.
const READS_MAX: u32 = 10;
const READ_PAUSE: Duration = Duration::from_millis(50);

/// Where the state of one stack is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub stack: StackName,
    pub bucket: String,
    /// `dev/state.json`
    pub key: String,
    /// With the partition key `Stack` and the sort key `Item`, both strings.
    pub table: String,
    /// The ARN of the key that encrypts the object, never an alias: an alias may come to mean another key. None leaves it to the
    /// bucket's own setting.
    pub kms_key_arn: Option<String>,
}

#[derive(Clone)]
pub struct Aws {
    stack: StackName,
    object: Object,
    table: Table,
    vault: Vault,
    lease: Duration,
}

impl Aws {
    pub fn new(s3: aws_sdk_s3::Client, dynamodb: aws_sdk_dynamodb::Client, place: Place) -> Self {
        let Place { stack, bucket, key, table, kms_key_arn } = place;
        let table = Table { client: dynamodb, name: table, stack: stack.clone() };
        let vault = Vault::none(stack.as_str());
        Self { stack, object: Object { client: s3, bucket, key, kms_key_arn }, table, vault, lease: LEASE }
    }

    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    pub fn with_vault(self, vault: Vault) -> Self {
        Self { vault, ..self }
    }

    /// Journal first, then the document: what the journal had lost by then, the document contains. A writer that is faster
    /// shows as a gap between them; then both are read again.
    async fn read_beside_writer(&self) -> Result<Option<State>, StoreError> {
        let mut looks = 0;
        loop {
            let journal = journal::read(&self.table, &self.vault).await?;
            let read = self.object.read().await?;
            let place = self.object.place();
            let Some(read) = read else {
                return if journal.commits.is_empty() { Ok(None) } else { Err(self.without_state()) };
            };
            let mut state = sealed::open(&self.vault, &place, &self.stack, &read.bytes).await?;
            match document::replay(&place, &mut state, &journal.commits) {
                Ok(()) => return Ok(Some(state)),
                Err(_) if looks < READS_MAX => {}
                Err(error) => return Err(error),
            }
            looks += 1;
            tokio::time::sleep(READ_PAUSE * looks).await;
        }
    }

    fn without_state(&self) -> StoreError {
        let why = format!("it is gone, and the journal in the table {} continues it: restore a former version", self.table.name);
        StoreError::Damaged { place: self.object.place(), why }
    }
}

impl Store for Aws {
    fn place(&self) -> String {
        self.object.place()
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<State>, StoreError>> {
        self.read_beside_writer().boxed()
    }

    fn glance(&self) -> BoxFuture<'_, Result<Option<State>, StoreError>> {
        async { Ok(session::find(self).await?.map(|(state, _)| state)) }.boxed()
    }

    fn known_seal_key(&self) -> BoxFuture<'_, Result<Option<[u8; 32]>, StoreError>> {
        seal::read(&self.table).boxed()
    }

    fn seal_key(&self) -> BoxFuture<'_, Result<[u8; 32], StoreError>> {
        async { seal::known_or_made(&self.table, seal::read(&self.table).await?).await }.boxed()
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        async { Ok(lock::read(&self.table).await?.as_ref().and_then(LockRecord::holder)) }.boxed()
    }

    fn lock<'a>(&'a self, owner: &'a Owner, patience: Option<Duration>) -> BoxFuture<'a, Result<Box<dyn Session>, StoreError>> {
        async move { Ok(Box::new(session::take(self, owner, patience).await?) as Box<dyn Session>) }.boxed()
    }

    fn unlock<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        lock::break_open(&self.table, run).boxed()
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Version>, StoreError>> {
        self.object.history().boxed()
    }

    fn version<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<State, StoreError>> {
        async move {
            let bytes = self.object.read_version(id).await?;
            sealed::open(&self.vault, &format!("{} version {id}", self.object.place()), &self.stack, &bytes).await
        }
        .boxed()
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunName>, StoreError>> {
        runs::list(&self.object).boxed()
    }

    fn run<'a>(&'a self, name: &'a RunName) -> BoxFuture<'a, Result<Option<RunRecord>, StoreError>> {
        runs::read(self, name).boxed()
    }
}
