//! Whom a file of SOPS is encrypted for, and the data key that opens it: with an age key at hand, or as KMS unwrapped it.
//!
//! Source: getsops/sops, `kms/keysource.go`, `stores/stores.go` (the names in the files).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::SopsError;
use crate::secrets::age::{self, AgeError, Identity};

/// A data key that a key of KMS wrapped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrapped {
    pub arn: String,
    /// To be assumed before it is asked for.
    pub role: Option<String>,
    pub profile: Option<String>,
    /// The encryption context.
    pub context: BTreeMap<String, String>,
    pub sealed: Vec<u8>,
}

impl Wrapped {
    /// The region in the key's ARN.
    pub fn region(&self) -> Option<&str> {
        self.arn.strip_prefix("arn:")?.split(':').nth(2).filter(|it| !it.is_empty())
    }

    fn read(entry: &Json) -> Option<Self> {
        let text = |name: &str| Some(entry.get(name)?.as_str()?.to_owned()).filter(|it| !it.is_empty());
        let context = entry.get("context").and_then(Json::as_object);
        let member = |(key, it): (&String, &Json)| Some((key.clone(), it.as_str()?.to_owned()));
        Some(Self {
            arn: text("arn")?,
            role: text("role"),
            profile: text("aws_profile"),
            context: context.into_iter().flatten().filter_map(member).collect(),
            sealed: STANDARD.decode(text("enc")?).ok()?,
        })
    }
}

/// What KMS said when it was asked for a data key: the key, or why not.
pub type Unwrapped = Result<Zeroizing<Vec<u8>>, String>;

/// The keys at hand.
#[derive(Clone, Default)]
pub struct Keys {
    pub identities: Vec<Identity>,
    pub unwrapped: BTreeMap<Wrapped, Unwrapped>,
}

impl Keys {
    /// Age keys alone.
    pub fn of(identities: Vec<Identity>) -> Self {
        Self { identities, ..Self::default() }
    }
}

/// Any recipient is enough; age keys cost no call.
pub(super) fn data_key(about: &Json, keys: &Keys) -> Result<[u8; 32], SopsError> {
    let ages = entries(about, "age");
    for one in &ages {
        let Some(sealed) = one.get("enc").and_then(Json::as_str) else { continue };
        match age::decrypt(sealed.as_bytes(), &keys.identities) {
            Ok(key) => return fitting(&key),
            Err(AgeError::NoKey) => {}
            Err(error) => return Err(SopsError::Tampered(format!("the data key: {error}"))),
        }
    }
    let wrapped: Vec<Wrapped> = entries(about, "kms").into_iter().filter_map(Wrapped::read).collect();
    let mut refusals = Vec::new();
    for it in &wrapped {
        match keys.unwrapped.get(it) {
            Some(Ok(key)) => return fitting(key),
            Some(Err(why)) => refusals.push(format!("{}: {why}", it.arn)),
            None => {}
        }
    }
    if refusals.len() < wrapped.len() {
        let open = wrapped.into_iter().filter(|it| !keys.unwrapped.contains_key(it));
        return Err(SopsError::NotAsked { keys: open.collect() });
    }
    let of_age = ages.iter().filter_map(|it| it.get("recipient")?.as_str()).map(str::to_owned);
    let recipients = of_age.chain(wrapped.iter().map(|it| it.arn.clone())).collect();
    Err(SopsError::NoKey { recipients, refusals })
}

/// Recipients of a sort stand in a list of their own, or in groups of which one key is enough while no threshold is set.
fn entries<'a>(about: &'a Json, sort: &str) -> Vec<&'a Json> {
    let groups = about.get("key_groups").and_then(Json::as_array).into_iter().flatten().map(|it| it.get(sort));
    let lists = std::iter::once(about.get(sort)).chain(groups).flatten().filter_map(Json::as_array);
    lists.flatten().collect()
}

fn fitting(key: &[u8]) -> Result<[u8; 32], SopsError> {
    key.try_into().map_err(|_| SopsError::Tampered("the data key has a wrong length".to_owned()))
}
