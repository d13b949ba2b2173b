//! The Kubernetes version that a plane is.

use std::fmt;
use std::str::FromStr;

/// The minor version of the build in `kube/`, and the patch version that every plane reports.
const BUILT: u32 = 36;
const PATCH: u32 = 3;

/// The oldest minor version whose API the build can serve in place of its own (`--emulated-version`).
const OLDEST: u32 = 33;

/// A minor version that a plane can be, written as EKS writes it: `1.35`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32);

/// A version that no plane can be.
#[derive(Debug, thiserror::Error)]
#[error("Kubernetes {0:?} is not served here: 1.{OLDEST} to 1.{BUILT} are")]
pub struct NotServed(String);

impl Version {
    /// Is it the version of the build itself, with nothing emulated?
    pub fn is_built(self) -> bool {
        self == Self::default()
    }

    /// All of them, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (OLDEST..=BUILT).map(Self)
    }

    /// What `/version` says: `v1.35.3`.
    pub fn full(self) -> String {
        format!("v{self}.{PATCH}")
    }
}

impl Default for Version {
    fn default() -> Self {
        Self(BUILT)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl FromStr for Version {
    type Err = NotServed;

    fn from_str(text: &str) -> Result<Self, NotServed> {
        let minor = text.strip_prefix("1.").and_then(|minor| minor.parse().ok());
        let served = minor.filter(|minor| (OLDEST..=BUILT).contains(minor));
        served.map(Self).ok_or_else(|| NotServed(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_that_can_be_served_are_versions() {
        let version: Version = "1.35".parse().expect("served");
        assert_eq!((version.to_string(), version.full(), version.is_built()), ("1.35".to_owned(), "v1.35.3".to_owned(), false));
        assert_eq!(Version::default().full(), "v1.36.3");
        for text in ["1.32", "1.37", "2.36", "1.36.3", "1.", ""] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
