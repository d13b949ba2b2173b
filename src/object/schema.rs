//! What is known of kinds without a cluster: the fields of each Kubernetes version, as its API server says them itself
//! (`localstack schemas` makes the data), and those of definitions (CRDs) in the same plan.

mod check;
mod define;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use serde::Deserialize;

pub use check::Wrong;

use crate::value::Value;

/// What a value has to be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    Any,
    String,
    /// A text in base 64.
    Bytes,
    Integer,
    Number,
    Boolean,
    /// Also quantities.
    IntOrString,
    OneOf(Vec<String>),
    /// One of the named types.
    Ref(String),
    List(Box<Type>),
    Map(Box<Type>),
    Object(Fields),
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Fields {
    pub fields: BTreeMap<String, Type>,
    #[serde(default)]
    pub required: Vec<String>,
    /// Others may be there as well.
    #[serde(default)]
    pub open: bool,
}

/// A kind of one version of its group.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    of: String,
    namespaced: bool,
}

/// All built-in kinds of one Kubernetes version.
#[derive(Debug, Deserialize)]
pub struct Schemas {
    version: String,
    /// By `GROUP/VERSION/KIND`; the core group is empty.
    kinds: BTreeMap<String, Kind>,
    types: BTreeMap<String, Type>,
}

/// What is carried of one version, and what it says once it was read.
struct Data {
    version: &'static str,
    packed: &'static [u8],
    read: OnceLock<Option<Schemas>>,
}

macro_rules! data {
    ($($version:literal)*) => {
        [$(Data {
            version: $version,
            packed: include_bytes!(concat!("schemas/", $version, ".json.gz")),
            read: OnceLock::new(),
        }),*]
    };
}

/// The versions that EKS has in support and that a local server can be.
static DATA: [Data; 4] = data! { "1.33" "1.34" "1.35" "1.36" };

impl Schemas {
    /// Nothing for a version of which there is no data. Read once a process.
    pub fn of(version: &str) -> Option<&'static Self> {
        let data = DATA.iter().find(|it| it.version == version)?;
        let read = data.read.get_or_init(|| {
            let mut text = String::new();
            GzDecoder::new(data.packed).read_to_string(&mut text).ok()?;
            serde_json::from_str(&text).ok()
        });
        read.as_ref()
    }
}

/// A kind as a definition has it.
#[derive(Debug)]
struct Defined {
    of: Type,
    namespaced: bool,
}

/// What objects of one cluster can be held against.
#[derive(Debug, Default)]
pub struct Book {
    schemas: Option<&'static Schemas>,
    /// By `GROUP/VERSION/KIND`.
    defined: BTreeMap<String, Defined>,
}

impl Book {
    /// The kinds of a version, if it is known and there is data of it.
    pub fn of(version: Option<&str>) -> Self {
        Self { schemas: version.and_then(Schemas::of), defined: BTreeMap::new() }
    }

    /// Adds what a definition defines; nothing for any other object.
    pub fn define(&mut self, object: &Value) {
        self.defined.extend(define::kinds(object));
    }

    /// All that is wrong with an object, as far as that can be known. What is unknown in it may be anything; a kind that only the
    /// cluster knows is not complained of.
    pub fn check(&self, object: &Value) -> Vec<Wrong> {
        check::object(self, object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_data_of_every_version() {
        for Data { version, packed, .. } in &DATA {
            assert!(packed.len() <= 300_000, "{version}: {} bytes", packed.len());
            let schemas = Schemas::of(version).unwrap_or_else(|| panic!("{version} cannot be read"));
            assert_eq!(schemas.version, *version);
            for kind in ["apps/v1/Deployment", "/v1/Namespace", "batch/v1/CronJob", "gateway/never/Was"] {
                assert_eq!(schemas.kinds.contains_key(kind), !kind.starts_with("gateway"), "{version} {kind}");
            }
            let named = schemas.kinds.values().map(|it| &it.of);
            assert!(named.clone().all(|it| schemas.types.contains_key(it)), "{version}");
        }
        assert!(Schemas::of("1.20").is_none());
    }
}
