//! The digest key for secrets: 256 random bits, as text in hexadecimal.

use crate::store::StoreError;

pub fn random(place: &str) -> Result<[u8; 32], StoreError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| StoreError::Io { place: place.to_owned(), source: std::io::Error::other(error) })?;
    Ok(key)
}

pub fn vanished(place: String) -> StoreError {
    StoreError::Damaged { place, why: "it vanished as soon as it was made".to_owned() }
}

pub fn from_text(place: &str, text: &str) -> Result<[u8; 32], StoreError> {
    let mut key = [0; 32];
    let damaged = |_| StoreError::Damaged { place: place.to_owned(), why: "it is not a key of 64 hexadecimal digits".to_owned() };
    hex::decode_to_slice(text.trim_ascii(), &mut key).map_err(damaged)?;
    Ok(key)
}
