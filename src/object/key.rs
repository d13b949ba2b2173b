//! [`Key`]: what an object is called in its cluster, and [`ObjectId`]: in which cluster too.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::text;
use crate::remote::Id;

/// `Deployment.apps/hold/web`, `Namespace/hold`: kind and group, namespace where there is one, name. The version is no part of
/// it: an object served as `v1beta1` and as `v1` is one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Empty for the core group.
    pub group: String,
    pub kind: String,
    /// None for what belongs to the whole cluster.
    pub namespace: Option<String>,
    pub name: String,
}

/// A key that cannot be read, or an object that has none; what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoKey(String);

/// The group of an `apiVersion`: `apps` of `apps/v1`, nothing of `v1`.
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Group and kind of the objects that a CustomResourceDefinition is about; nothing of any other object.
pub fn definition(object: &Value) -> Option<(String, String)> {
    let is_one =
        text(object, "/kind") == "CustomResourceDefinition" && group_of(text(object, "/apiVersion")) == "apiextensions.k8s.io";
    is_one.then(|| (text(object, "/spec/group").to_owned(), text(object, "/spec/names/kind").to_owned()))
}

impl Key {
    /// The key of an object as its `apiVersion`, `kind` and `metadata` say. The namespace is taken as it stands: whether the
    /// kind has one, only discovery knows.
    pub fn of(object: &Value) -> Result<Self, NoKey> {
        let part = |pointer: &str, what: &str| match text(object, pointer) {
            "" => Err(NoKey(format!("the object has no `{what}`"))),
            it if it.contains('/') && what != "apiVersion" => Err(NoKey(format!("`{what}` must not contain a `/`: {it}"))),
            it => Ok(it.to_owned()),
        };
        Ok(Self {
            group: group_of(&part("/apiVersion", "apiVersion")?).to_owned(),
            kind: part("/kind", "kind")?,
            namespace: Some(text(object, "/metadata/namespace").to_owned()).filter(|it| !it.is_empty()),
            name: part("/metadata/name", "metadata.name")?,
        })
    }

    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(it) = &self.namespace {
            write!(f, "/{it}")?;
        }
        write!(f, "/{}", self.name)
    }
}

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(from: &str) -> Result<Self, NoKey> {
        let wrong = || NoKey(format!("`{from}` names no object: KIND.GROUP/NAMESPACE/NAME, as in Deployment.apps/hold/web"));
        let parts: Vec<&str> = from.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => return Err(wrong()),
        };
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        if parts.iter().any(|it| it.is_empty()) || kind.is_empty() {
            return Err(wrong());
        }
        Ok(Self { group: group.into(), kind: kind.into(), namespace, name: name.into() })
    }
}

/// `arn:aws:eks:eu-west-1:111122223333:cluster/dev#Deployment.apps/hold/web`: an object and the cluster that it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// What `ClusterRef::identity` says.
    pub cluster: String,
    pub key: Key,
}

impl ObjectId {
    pub fn id(&self) -> Id {
        Id::new(self.to_string())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A context may be named anything; an object's name may contain `#` too, so only the cluster's is escaped.
        write!(f, "{}#{}", self.cluster.replace('%', "%25").replace('#', "%23"), self.key)
    }
}

impl FromStr for ObjectId {
    type Err = NoKey;

    fn from_str(from: &str) -> Result<Self, NoKey> {
        let Some((cluster, key)) = from.split_once('#').filter(|(cluster, _)| !cluster.is_empty()) else {
            return Err(NoKey(format!("`{from}` names no cluster: CLUSTER#KIND.GROUP/NAMESPACE/NAME")));
        };
        Ok(Self { cluster: cluster.replace("%23", "#").replace("%25", "%"), key: key.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["Deployment.apps/hold/web", "Namespace/hold", "ClusterRole.rbac.authorization.k8s.io/system:x", "Pod/a/b.c"]
        {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
            let id = ObjectId { cluster: "a#b%23".into(), key };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in ["", "Pod", "Pod/", "/a/b", "Pod//b", ".apps/a/b", "a/b/c/d"] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
        assert!("Pod/a/b".parse::<ObjectId>().is_err());
    }

    #[test]
    fn an_object_has_one_key_in_every_version() {
        let of = |version: &str| {
            Key::of(&json!({"apiVersion": version, "kind": "HPA", "metadata": {"name": "a", "namespace": "n"}})).unwrap()
        };
        assert_eq!(of("autoscaling/v1"), of("autoscaling/v2"));
        assert_eq!(of("v1").to_string(), "HPA/n/a");
        let nameless = Key::of(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}}));
        assert_eq!(nameless.unwrap_err().to_string(), "the object has no `metadata.name`");
    }
}
