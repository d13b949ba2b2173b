//! The wrappers that say how a field behaves, and the texts that have a form of their own.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

macro_rules! behaviour {
    ($(#[$doc:meta])* $name:ident, $key:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name<T>(pub T);

        impl<T> Deref for $name<T> {
            type Target = T;
            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> From<T> for $name<T> {
            fn from(it: T) -> Self {
                Self(it)
            }
        }

        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                format!(concat!(stringify!($name), "_{}"), T::schema_name()).into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut schema = T::json_schema(generator);
                schema.insert($key.into(), true.into());
                schema
            }
            fn _schemars_private_is_option() -> bool {
                T::_schemars_private_is_option()
            }
        }
    };
}

behaviour! {
    /// AWS has no call that changes this: a new value means a new resource.
    Fixed, "x-fixed"
}
behaviour! {
    /// Not needed to create the thing: applied once it exists, so that things may name each other.
    Later, "x-later"
}
behaviour! {
    /// Known to infra alone: the cloud takes it along with some call and never tells it. Compared with what was last applied.
    Local, "x-local"
}
behaviour! {
    /// An output that may be another one after any change of the thing: what refers to it waits for the change.
    Moving, "x-moving"
}
behaviour! {
    /// Never printed, and stored only as a keyed digest.
    Secret, "x-secret"
}

behaviour! {
    /// The cloud takes it as a whole and may answer in another form: an object of Kubernetes, with what its server adds.
    Applied, "x-applied"
}
behaviour! {
    /// An output: a digest of the parts of the live thing that are ours. It covers secrets, so it is kept as one.
    Imprint, "x-imprint"
}

/// May be left out, and then AWS chooses; what it chose is not drift.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Auto<T>(pub Option<T>);

impl<T> Default for Auto<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Auto<T> {
    type Target = Option<T>;
    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl<T> From<T> for Auto<T> {
    fn from(it: T) -> Self {
        Self(Some(it))
    }
}

impl<T: JsonSchema> JsonSchema for Auto<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Auto_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("x-auto".into(), true.into());
        schema
    }
    fn _schemars_private_is_option() -> bool {
        true
    }
}

/// A text with a form of its own: checked before any call, compared by meaning.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $format:literal $(, $equality:literal)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schemars::json_schema!({ "type": "string", "format": $format $(, "x-equality": $equality)? })
            }
        }
    };
}

text! {
    /// A JSON document, compared by meaning. Written as `jsonencode(…)` or as an object.
    Json, "json", "json"
}
text! {
    /// An IAM policy document, compared by meaning.
    Policy, "json", "policy"
}
text! {
    /// The document of a managed IAM policy: a policy of limited length, compared by meaning.
    ManagedPolicy, "managed-policy", "policy"
}
text! {
    /// An ECR lifecycle policy, compared by meaning.
    EcrLifecycle, "json", "ecr-lifecycle"
}
text! {
    /// An IPv4 range in canonical form: `10.0.0.0/16`.
    Cidr, "cidr"
}
text! {
    /// An IPv6 range.
    Cidr6, "cidr6"
}
text! {
    Arn, "arn"
}
text! {
    /// A domain name; case and a trailing dot do not count.
    DnsName, "dns-name", "dns-name"
}
text! {
    /// A text whose letters' case does not count.
    CaseFold, "", "case-fold"
}
