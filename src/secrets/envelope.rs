//! [`Envelope`]: bytes encrypted with a data key, which is wrapped for each of those who may open it. `docs/encryption.md`
//! describes the format, and how to open it without infra.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::{aead, derive, random};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;
/// What every envelope begins with, and nothing else that is stored.
const START: &[u8] = b"{\"infra_encrypted\":";
/// More recipients than any stack has.
const KEYS_MAX: usize = 100;
const SALT: usize = 32;

/// What is encrypted: one is never taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    State,
    Journal,
    Run,
    Plan,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Journal => "journal",
            Self::Run => "run",
            Self::Plan => "plan",
        }
    }
}

/// Forgotten when it is dropped. Says nothing of itself.
#[derive(Clone)]
pub struct DataKey([u8; 32]);

impl Drop for DataKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl DataKey {
    pub fn random() -> Option<Self> {
        random().map(Self)
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A data key, for one of those who may open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrapped {
    /// An age file in base64.
    Age { recipient: String, sealed: String },
    /// A ciphertext of KMS in base64, and the ARN of the key.
    Kms { key: String, sealed: String },
}

impl Wrapped {
    pub fn sealed(&self) -> &str {
        match self {
            Self::Age { sealed, .. } | Self::Kms { sealed, .. } => sealed,
        }
    }

    pub fn recipient(&self) -> String {
        match self {
            Self::Age { recipient: it, .. } | Self::Kms { key: it, .. } => it.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("it has format {found}, this version reads formats up to {known}")]
    Newer { found: u32, known: u32 },
    #[error("it is cut off or damaged")]
    Malformed,
    #[error("it was changed after it was encrypted")]
    Tampered,
    #[error("the system has no random numbers")]
    NoRandom,
}

#[derive(Serialize, Deserialize)]
pub struct Envelope {
    infra_encrypted: u32,
    stack: String,
    keys: Vec<Wrapped>,
    salt: String,
    data: String,
}

#[derive(Deserialize)]
struct Version {
    infra_encrypted: u32,
}

impl Envelope {
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(START)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let version: Version = serde_json::from_slice(bytes).map_err(|_| EnvelopeError::Malformed)?;
        if version.infra_encrypted > FORMAT {
            return Err(EnvelopeError::Newer { found: version.infra_encrypted, known: FORMAT });
        }
        let envelope: Self = serde_json::from_slice(bytes).map_err(|_| EnvelopeError::Malformed)?;
        let is_good = envelope.infra_encrypted == FORMAT && envelope.keys.len() <= KEYS_MAX;
        if is_good { Ok(envelope) } else { Err(EnvelopeError::Malformed) }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_else(|_| unreachable!("texts and numbers are always written"));
        bytes.push(b'\n');
        bytes
    }

    pub fn stack(&self) -> &str {
        &self.stack
    }

    pub fn keys(&self) -> &[Wrapped] {
        &self.keys
    }

    pub fn seal(what: What, stack: &str, key: &DataKey, keys: Vec<Wrapped>, clear: &[u8]) -> Result<Self, EnvelopeError> {
        let salt: [u8; SALT] = random().ok_or(EnvelopeError::NoRandom)?;
        let own = derive(key.bytes(), &salt, INFO);
        let data = STANDARD.encode(aead::seal(&own, [0; 12], &bound_to(what, stack), clear));
        Ok(Self { infra_encrypted: FORMAT, stack: stack.to_owned(), keys, salt: STANDARD.encode(salt), data })
    }

    pub fn open(&self, what: What, key: &DataKey) -> Result<Vec<u8>, EnvelopeError> {
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| EnvelopeError::Malformed);
        let (salt, data) = (decode(&self.salt)?, decode(&self.data)?);
        if salt.len() != SALT {
            return Err(EnvelopeError::Malformed);
        }
        let own = derive(key.bytes(), &salt, INFO);
        aead::open(&own, [0; 12], &bound_to(what, &self.stack), data).ok_or(EnvelopeError::Tampered)
    }
}

/// Each envelope has a key of its own, made of the data key and the salt; so the nonce may be zero.
const INFO: &[u8] = b"infra encryption 1";

/// What cannot be changed without being noticed, beside the data.
fn bound_to(what: What, stack: &str) -> Vec<u8> {
    format!("infra encryption {FORMAT}\n{}\n{stack}", what.name()).into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> DataKey {
        DataKey([7; 32])
    }

    #[test]
    fn the_format_is_what_it_was() {
        // Made by the first version that wrote envelopes; kept for as long as format 1 is read.
        let kept = include_bytes!("../../tests/secrets/envelope-1.json");
        assert_eq!(Envelope::parse(kept).unwrap().open(What::State, &key()).unwrap(), b"{\"format\":1}\n");
    }

    #[test]
    fn a_newer_format_is_told() {
        let newer = Envelope::parse(b"{\"infra_encrypted\":2,\"wrapped\":{}}").err();
        assert_eq!(newer, Some(EnvelopeError::Newer { found: 2, known: 1 }));
        assert_eq!(Envelope::parse(b"{\"infra_encrypted\":0}").err(), Some(EnvelopeError::Malformed));
    }

    proptest! {
        #[test]
        fn any_change_is_noticed(clear in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let bytes = Envelope::seal(What::Plan, "dev", &key(), Vec::new(), &clear).unwrap().encode();
            prop_assert_eq!(Envelope::parse(&bytes).unwrap().open(What::Plan, &key()).unwrap(), clear.clone());
            let mut changed = bytes;
            let at = at.index(changed.len() - 1);
            changed[at] ^= 1 << bit;
            if let Ok(envelope) = Envelope::parse(&changed) {
                prop_assert!(envelope.open(What::Plan, &key()).is_err());
            }
        }
    }
}
