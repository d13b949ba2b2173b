//! [`Catalogue`]: which kinds a cluster serves, and at which paths.
//!
//! Source: "Aggregated Discovery" (`apidiscovery.k8s.io/v2`): two calls tell all groups, versions and resources.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::key::group_of;
use crate::object::{Key, items, text};

/// The media type of aggregated discovery.
pub(super) const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// One kind in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    pub group: String,
    pub version: String,
    pub kind: String,
    /// `deployments`
    pub plural: String,
    pub namespaced: bool,
}

impl Kind {
    /// `apps/v1`, `v1`
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Where all objects of the kind are listed.
    pub(super) fn everywhere(&self) -> String {
        let root = if self.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", self.group) };
        format!("{root}/{}/{}", self.version, self.plural)
    }

    /// Where objects of the kind are, in a namespace where they have one.
    pub(super) fn folder(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", self.group) };
        match namespace.filter(|_| self.namespaced) {
            Some(it) => format!("{root}/{}/namespaces/{}/{}", self.version, encoded(it), self.plural),
            None => self.everywhere(),
        }
    }

    pub(super) fn path(&self, key: &Key) -> String {
        format!("{}/{}", self.folder(key.namespace.as_deref().or(Some("default"))), encoded(&key.name))
    }
}

/// A part of a path or of a query, with everything escaped that may mean something there.
pub(super) fn encoded(part: &str) -> String {
    let one = |it: u8| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => char::from(it).to_string(),
        other => format!("%{other:02X}"),
    };
    part.bytes().map(one).collect()
}

/// All kinds that a cluster serves, the version that it prefers first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    kinds: BTreeMap<(String, String), Vec<Kind>>,
    /// Groups of aggregated APIs that do not answer now: what kinds they have is not known.
    silent: BTreeSet<String>,
}

impl Catalogue {
    /// Out of the answers of `/api` and `/apis`.
    pub fn of(answers: &[Value]) -> Self {
        let mut out = Self::default();
        for group in answers.iter().flat_map(|it| items(it, "/items")) {
            for version in items(group, "/versions") {
                if text(version, "/freshness") == "Stale" {
                    out.silent.insert(text(group, "/metadata/name").to_owned());
                }
                for resource in items(version, "/resources") {
                    let kind = Kind {
                        group: text(group, "/metadata/name").to_owned(),
                        version: text(version, "/version").to_owned(),
                        kind: text(resource, "/responseKind/kind").to_owned(),
                        plural: text(resource, "/resource").to_owned(),
                        namespaced: text(resource, "/scope") == "Namespaced",
                    };
                    out.kinds.entry((kind.group.clone(), kind.kind.clone())).or_default().push(kind);
                }
            }
        }
        out
    }

    /// The kind in the version that the cluster prefers.
    pub fn kind(&self, group: &str, kind: &str) -> Option<&Kind> {
        self.kinds.get(&(group.to_owned(), kind.to_owned()))?.first()
    }

    /// The kind in exactly this version, as an object names it.
    pub fn served(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        let group = group_of(api_version);
        let all = self.kinds.get(&(group.to_owned(), kind.to_owned()))?;
        all.iter().find(|it| it.api_version() == api_version)
    }

    /// Whether the group's own server does not answer, so that a kind that is not there proves nothing.
    pub fn is_silent(&self, group: &str) -> bool {
        self.silent.contains(group)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_have_their_paths() {
        let resource =
            |plural: &str, kind: &str, scope: &str| json!({"resource": plural, "responseKind": {"kind": kind}, "scope": scope});
        let core = json!({"items": [{"metadata": {}, "versions": [{"version": "v1", "resources": [
            resource("namespaces", "Namespace", "Cluster"), resource("pods", "Pod", "Namespaced")]}]}]});
        let groups = json!({"items": [{"metadata": {"name": "autoscaling"}, "versions": [
            {"version": "v2", "resources": [resource("hpas", "HPA", "Namespaced")]},
            {"version": "v1", "resources": [resource("hpas", "HPA", "Namespaced")]}]}]});
        let all = Catalogue::of(&[core, groups]);
        let path = |group: &str, kind: &str, key: &str| all.kind(group, kind).unwrap().path(&key.parse().unwrap());
        assert_eq!(path("", "Namespace", "Namespace/hold"), "/api/v1/namespaces/hold");
        assert_eq!(path("", "Pod", "Pod/a/b"), "/api/v1/namespaces/a/pods/b");
        assert_eq!(path("", "Pod", "Pod/b"), "/api/v1/namespaces/default/pods/b");
        assert_eq!(path("autoscaling", "HPA", "HPA.autoscaling/a/b"), "/apis/autoscaling/v2/namespaces/a/hpas/b");
        assert_eq!(all.served("autoscaling/v1", "HPA").unwrap().everywhere(), "/apis/autoscaling/v1/hpas");
        assert!(all.served("autoscaling/v3", "HPA").is_none());
        assert_eq!(path("", "Pod", "Pod/a/b?c d"), "/api/v1/namespaces/a/pods/b%3Fc%20d");
    }

    #[test]
    fn an_aggregated_api_may_be_silent() {
        let group = json!({"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]});
        let all = Catalogue::of(&[json!({"items": [group]})]);
        assert!(all.is_silent("metrics.k8s.io") && !all.is_silent("apps"));
    }
}
