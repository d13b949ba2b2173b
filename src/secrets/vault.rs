//! [`Vault`]: what a stack stores, encrypted as its `encryption` block demands, and opened again.
//!
//! Each process that writes makes one data key and wraps it for every recipient; what is read tells which data key it needs, and
//! each of them is unwrapped once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;

use super::age::{self, AgeError, Identity, Recipient};
use super::envelope::{DataKey, Envelope, EnvelopeError, What, Wrapped};
use crate::remote::Fault;
use crate::stack::Unencrypted;

/// Keys of a service that never gives them away, and makes data keys.
pub trait DataKeys: Send + Sync {
    fn make(&self) -> BoxFuture<'_, Result<Made, Fault>>;
    /// None when it was wrapped by another key than those that the stack names.
    fn unwrap<'a>(&'a self, sealed: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, Fault>>;
}

/// A data key, in clear and wrapped.
pub struct Made {
    pub clear: DataKey,
    pub sealed: Vec<u8>,
    /// The ARN of the key that wrapped it.
    pub by: String,
}

/// The age keys at hand; read when they are needed.
pub type Identities = Arc<dyn Fn() -> Vec<Identity> + Send + Sync>;

/// What the `encryption` block says.
pub struct Rule {
    pub recipients: Vec<Recipient>,
    pub data_keys: Option<Arc<dyn DataKeys>>,
    pub unencrypted: Unencrypted,
    pub identities: Identities,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    #[error("it is not encrypted, as the stack's `encryption` block demands")]
    Unencrypted,
    #[error("it is encrypted, and the stack has no `encryption` block")]
    Undemanded,
    #[error("none of the keys at hand opens it; it is encrypted for {}", recipients.join(", "))]
    NoKey { recipients: Vec<String> },
    #[error("it belongs to the stack `{0}`")]
    OtherStack(String),
    #[error("it is encrypted in format {found}, this version reads formats up to {known}")]
    Newer { found: u32, known: u32 },
    #[error("{0}")]
    Damaged(&'static str),
    #[error("the system has no random numbers")]
    NoRandom,
    #[error(transparent)]
    Cloud(#[from] Fault),
}

const BAD_KEY: VaultError = VaultError::Damaged("its data key is damaged");

impl From<EnvelopeError> for VaultError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Newer { found, known } => Self::Newer { found, known },
            EnvelopeError::Malformed => Self::Damaged("it is encrypted, and cut off or damaged"),
            EnvelopeError::Tampered => Self::Damaged("it was changed after it was encrypted"),
            EnvelopeError::NoRandom => Self::NoRandom,
        }
    }
}

/// Clones share the data keys that are known.
#[derive(Clone)]
pub struct Vault {
    stack: Arc<str>,
    rule: Option<Arc<Rule>>,
    keys: Arc<Mutex<Keys>>,
}

#[derive(Default)]
struct Keys {
    /// The one that this process writes with, and how it is wrapped.
    own: Option<(DataKey, Vec<Wrapped>)>,
    /// By their wrapping.
    known: BTreeMap<String, DataKey>,
}

impl Vault {
    /// Everything is stored as it is.
    pub fn none(stack: &str) -> Self {
        Self { stack: stack.into(), rule: None, keys: Arc::default() }
    }

    pub fn new(stack: &str, rule: Rule) -> Self {
        Self { stack: stack.into(), rule: Some(Arc::new(rule)), keys: Arc::default() }
    }

    /// Whether what is written is encrypted.
    pub fn seals(&self) -> bool {
        self.sealing().is_some()
    }

    fn sealing(&self) -> Option<&Arc<Rule>> {
        self.rule.as_ref().filter(|it| it.unencrypted != Unencrypted::Written)
    }

    /// The bytes to store.
    pub async fn seal(&self, what: What, clear: Vec<u8>) -> Result<Vec<u8>, VaultError> {
        let Some(rule) = self.sealing() else { return Ok(clear) };
        let (key, wrapped) = self.own(rule).await?;
        Ok(Envelope::seal(what, &self.stack, &key, wrapped, &clear)?.encode())
    }

    /// The bytes that were given to be stored.
    pub async fn open<'a>(&self, what: What, stored: &'a [u8]) -> Result<Cow<'a, [u8]>, VaultError> {
        let demanded = self.rule.as_ref();
        if !Envelope::is_one(stored) {
            return match demanded {
                Some(rule) if rule.unencrypted == Unencrypted::Refused && !stored.is_empty() => Err(VaultError::Unencrypted),
                Some(_) | None => Ok(Cow::Borrowed(stored)),
            };
        }
        let envelope = Envelope::parse(stored)?;
        if envelope.stack() != &*self.stack {
            return Err(VaultError::OtherStack(envelope.stack().to_owned()));
        }
        let rule = demanded.ok_or(VaultError::Undemanded)?;
        let key = self.key_of(rule, envelope.keys()).await?;
        Ok(Cow::Owned(envelope.open(what, &key)?))
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn own(&self, rule: &Rule) -> Result<(DataKey, Vec<Wrapped>), VaultError> {
        if let Some(own) = &self.keys().own {
            return Ok(own.clone());
        }
        let mut wrapped = Vec::new();
        let key = match &rule.data_keys {
            Some(service) => {
                let made = service.make().await?;
                wrapped.push(Wrapped::Kms { key: made.by, sealed: STANDARD.encode(made.sealed) });
                made.clear
            }
            None => DataKey::random().ok_or(VaultError::NoRandom)?,
        };
        for recipient in &rule.recipients {
            let sealed = age::encrypt(std::slice::from_ref(recipient), key.bytes());
            let sealed = STANDARD.encode(sealed.map_err(|_| VaultError::NoRandom)?);
            wrapped.push(Wrapped::Age { recipient: recipient.to_string(), sealed });
        }
        let mut keys = self.keys();
        for it in &wrapped {
            keys.known.insert(it.sealed().to_owned(), key.clone());
        }
        Ok(keys.own.get_or_insert((key, wrapped)).clone())
    }

    async fn key_of(&self, rule: &Rule, wrapped: &[Wrapped]) -> Result<DataKey, VaultError> {
        if let Some(known) = wrapped.iter().find_map(|it| self.keys().known.get(it.sealed()).cloned()) {
            return Ok(known);
        }
        let found = self.unwrap(rule, wrapped).await?;
        let Some((sealed, clear)) = found else {
            return Err(VaultError::NoKey { recipients: wrapped.iter().map(Wrapped::recipient).collect() });
        };
        let key = DataKey::from_bytes(&clear).ok_or(BAD_KEY)?;
        self.keys().known.insert(sealed, key.clone());
        Ok(key)
    }

    /// Keys at hand first, then those that a service has to be asked for.
    async fn unwrap(&self, rule: &Rule, wrapped: &[Wrapped]) -> Result<Option<(String, Vec<u8>)>, VaultError> {
        let decode = |sealed: &str| STANDARD.decode(sealed).map_err(|_| BAD_KEY);
        let mut identities = None;
        for it in wrapped {
            let Wrapped::Age { sealed, .. } = it else { continue };
            match age::decrypt(&decode(sealed)?, identities.get_or_insert_with(|| (rule.identities)())) {
                Ok(clear) => return Ok(Some((sealed.clone(), clear))),
                Err(AgeError::NoKey) => {}
                Err(_) => return Err(BAD_KEY),
            }
        }
        let Some(service) = &rule.data_keys else { return Ok(None) };
        for it in wrapped {
            let Wrapped::Kms { sealed, .. } = it else { continue };
            if let Some(clear) = service.unwrap(&decode(sealed)?).await? {
                return Ok(Some((sealed.clone(), clear)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../tests/secrets/key.txt");
    const OTHER: &str = include_str!("../../tests/secrets/other.txt");

    fn vault(stack: &str, key: &'static str, recipients: &[&str], unencrypted: Unencrypted) -> Vault {
        let recipients = recipients.iter().flat_map(|it| Identity::parse_all(it)).map(|it| it.recipient()).collect();
        let identities: Identities = Arc::new(move || Identity::parse_all(key));
        Vault::new(stack, Rule { recipients, data_keys: None, unencrypted, identities })
    }

    fn plain(key: &'static str, recipients: &[&str]) -> Vault {
        vault("dev", key, recipients, Unencrypted::Refused)
    }

    #[tokio::test]
    async fn what_was_sealed_is_opened_by_every_recipient() {
        let writer = plain("", &[KEY, OTHER]);
        let sealed = writer.seal(What::State, b"{\"a\":1}".to_vec()).await.unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("{\"a\""));
        assert_eq!(*writer.open(What::State, &sealed).await.unwrap(), *b"{\"a\":1}", "its own data key it knows");
        for key in [KEY, OTHER] {
            assert_eq!(*plain(key, &[KEY]).open(What::State, &sealed).await.unwrap(), *b"{\"a\":1}");
        }
    }

    #[tokio::test]
    async fn keys_are_rotated_by_naming_others() {
        let old = plain(KEY, &[KEY]).seal(What::State, b"x".to_vec()).await.unwrap();
        let both: &'static str =
            concat!(include_str!("../../tests/secrets/key.txt"), include_str!("../../tests/secrets/other.txt"));
        let turning = plain(both, &[OTHER]);
        let new = turning.open(What::State, &old).await.unwrap().into_owned();
        let new = turning.seal(What::State, new).await.unwrap();
        assert!(plain(OTHER, &[OTHER]).open(What::State, &new).await.is_ok());
        let refused = plain(KEY, &[KEY]).open(What::State, &new).await.unwrap_err();
        assert!(matches!(&refused, VaultError::NoKey { recipients } if recipients.len() == 1), "{refused}");
    }

    #[tokio::test]
    async fn what_was_moved_or_changed_is_refused() {
        let vault = plain(KEY, &[KEY]);
        let sealed = vault.seal(What::State, b"{}".to_vec()).await.unwrap();
        let told = |it: Result<Cow<'_, [u8]>, VaultError>| it.unwrap_err();
        assert!(matches!(told(vault.open(What::Run, &sealed).await), VaultError::Damaged(_)), "a state is no record of a run");
        let other = self::vault("prod", KEY, &[KEY], Unencrypted::Refused);
        assert!(matches!(told(other.open(What::State, &sealed).await), VaultError::OtherStack(it) if it == "dev"));
        let renamed = String::from_utf8(sealed.clone()).unwrap().replace("\"dev\"", "\"prod\"");
        assert!(matches!(told(other.open(What::State, renamed.as_bytes()).await), VaultError::Damaged(_)));
        for end in 20..sealed.len() - 1 {
            assert!(vault.open(What::State, &sealed[..end]).await.is_err(), "{end}");
        }
    }

    #[tokio::test]
    async fn what_is_not_encrypted_is_read_only_where_the_stack_says_so() {
        let refused = plain(KEY, &[KEY]);
        assert!(matches!(refused.open(What::State, b"{}").await, Err(VaultError::Unencrypted)));
        let going_in = vault("dev", KEY, &[KEY], Unencrypted::Read);
        assert_eq!(*going_in.open(What::State, b"{}").await.unwrap(), *b"{}");
        let sealed = going_in.seal(What::State, b"{}".to_vec()).await.unwrap();
        assert!(Envelope::is_one(&sealed));
        let going_out = vault("dev", KEY, &[KEY], Unencrypted::Written);
        let clear = going_out.open(What::State, &sealed).await.unwrap().into_owned();
        assert_eq!(going_out.seal(What::State, clear).await.unwrap(), b"{}");
        assert!(matches!(Vault::none("dev").open(What::State, &sealed).await, Err(VaultError::Undemanded)));
    }
}
