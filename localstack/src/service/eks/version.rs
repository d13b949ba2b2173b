//! Kubernetes versions that EKS has.
//!
//! Source: Amazon EKS User Guide, "Understand the Kubernetes version lifecycle on EKS": 14 months of standard support,
//! 12 more of extended support.

use serde_json::{Value, json};

use super::input::Input;
use super::refuse;
use crate::gateway::{Call, Local, Refusal};

/// A minor version on EKS. Dates are seconds since 1970.
#[derive(Debug)]
pub struct Version {
    pub name: &'static str,
    pub minor: u32,
    pub platform: &'static str,
    pub patch: &'static str,
    /// Of the newest AMI.
    pub ami: &'static str,
    released: u64,
    standard_until: u64,
    extended_until: u64,
    pub kind: Support,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Standard,
    Extended,
}

pub static VERSIONS: [Version; 5] = [
    Version {
        name: "1.33",
        minor: 33,
        platform: "eks.42",
        patch: "1.33.12",
        ami: "1.33.12-20260714",
        released: 1_748_476_800,
        standard_until: 1_785_283_200,
        extended_until: 1_816_819_200,
        kind: Support::Extended,
    },
    Version {
        name: "1.34",
        minor: 34,
        platform: "eks.27",
        patch: "1.34.9",
        ami: "1.34.9-20260714",
        released: 1_759_363_200,
        standard_until: 1_796_169_600,
        extended_until: 1_827_705_600,
        kind: Support::Standard,
    },
    Version {
        name: "1.35",
        minor: 35,
        platform: "eks.15",
        patch: "1.35.6",
        ami: "1.35.6-20260714",
        released: 1_769_472_000,
        standard_until: 1_806_105_600,
        extended_until: 1_837_641_600,
        kind: Support::Standard,
    },
    Version {
        name: "1.36",
        minor: 36,
        platform: "eks.8",
        patch: "1.36.3",
        ami: "1.36.3-20260714",
        released: 1_780_358_400,
        standard_until: 1_817_164_800,
        extended_until: 1_848_787_200,
        kind: Support::Standard,
    },
    Version {
        name: "1.37",
        minor: 37,
        platform: "eks.2",
        patch: "1.37.1",
        ami: "1.37.1-20261013",
        released: 1_790_812_800,
        standard_until: 1_827_619_200,
        extended_until: 1_859_155_200,
        kind: Support::Standard,
    },
];

/// What a cluster gets that asks for none.
pub const DEFAULT: &str = "1.37";

/// The release of the newest image of a minor version.
pub fn newest_ami(name: &str) -> Option<&'static str> {
    VERSIONS.iter().find(|version| version.name == name).map(|version| version.ami)
}

pub fn find(name: &str) -> Result<&'static Version, Refusal> {
    VERSIONS
        .iter()
        .find(|version| version.name == name)
        .ok_or_else(|| refuse::parameter(format!("unsupported Kubernetes version {name}")))
}

pub fn describe(local: &Local, call: &Call, input: &Input) -> Result<Value, Refusal> {
    let wanted: Vec<&str> = input.query.get("clusterVersions").into_iter().flat_map(|list| list.split(',')).collect();
    let status = input.query.get("versionStatus").map(str::to_uppercase);
    let only_default = input.query.get("defaultOnly") == Some("true");
    let all = VERSIONS.iter().rev().filter(|version| {
        (wanted.is_empty() || wanted.contains(&version.name))
            && status.as_ref().is_none_or(|status| status == version.status())
            && (!only_default || version.name == DEFAULT)
    });
    // Newest first; a token names the place of the last one.
    let all = all.map(|version| (format!("{:03}", 999 - version.minor), version.to_json())).collect();
    input.page_answer(local, call, "clusterVersions", all)
}

impl Version {
    fn status(&self) -> &'static str {
        match self.kind {
            Support::Standard => "STANDARD_SUPPORT",
            Support::Extended => "EXTENDED_SUPPORT",
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "clusterVersion": self.name,
            "clusterType": "eks",
            "defaultPlatformVersion": self.platform,
            "defaultVersion": self.name == DEFAULT,
            "releaseDate": self.released,
            "endOfStandardSupportDate": self.standard_until,
            "endOfExtendedSupportDate": self.extended_until,
            "status": self.status().to_lowercase(),
            "versionStatus": self.status(),
            "kubernetesPatchVersion": self.patch,
        })
    }
}
