//! Documents as they lie in a store: encrypted if the stack demands it.

use crate::address::StackName;
use crate::secrets::envelope::What;
use crate::secrets::vault::{Vault, VaultError};
use crate::state::State;
use crate::state::ledger::RunRecord;
use crate::store::StoreError;
use crate::store::document::{self, Stamp};

/// What a vault refuses, said of a place.
pub fn refused(place: &str, error: VaultError) -> StoreError {
    let place = place.to_owned();
    match error {
        VaultError::Newer { found, known } => StoreError::Newer { place, found, known },
        VaultError::OtherStack(found) => StoreError::OtherStack { place, found },
        VaultError::Damaged(why) => StoreError::Damaged { place, why: why.to_owned() },
        VaultError::Cloud(fault) => StoreError::Cloud(fault),
        VaultError::NoRandom => StoreError::Io { place, source: std::io::Error::other(error.to_string()) },
        VaultError::Unencrypted => StoreError::Unencrypted { place },
        VaultError::Undemanded => StoreError::Encrypted { place },
        VaultError::NoKey { recipients } => StoreError::NoKey { place, recipients },
    }
}

/// Reads a document and refuses one that breaks a law.
pub async fn open(vault: &Vault, place: &str, stack: &StackName, bytes: &[u8]) -> Result<State, StoreError> {
    let clear = vault.open(What::State, bytes).await.map_err(|it| refused(place, it))?;
    document::open(place, stack, &clear)
}

/// The document that is written for a state, and its bytes.
pub async fn render(vault: &Vault, place: &str, state: &State, stamp: Stamp) -> Result<(State, Vec<u8>), StoreError> {
    let (state, clear) = document::render(place, state, stamp)?;
    let bytes = vault.seal(What::State, clear).await.map_err(|it| refused(place, it))?;
    Ok((state, bytes))
}

/// Reads the record of a run.
pub async fn open_run(vault: &Vault, place: &str, stack: &StackName, bytes: &[u8]) -> Result<RunRecord, StoreError> {
    let clear = vault.open(What::Run, bytes).await.map_err(|it| refused(place, it))?;
    document::open_run(place, stack, &clear)
}

/// The bytes that are written for a run.
pub async fn render_run(vault: &Vault, place: &str, run: &RunRecord) -> Result<Vec<u8>, StoreError> {
    let clear = document::render_run(place, run)?;
    vault.seal(What::Run, clear).await.map_err(|it| refused(place, it))
}
