//! From the API server's refusals to [`Fault`]s: one table.
//!
//! Source: `k8s.io/apimachinery/pkg/apis/meta/v1` (`StatusReason`, `CauseType`), `apiserver/pkg/admission/plugin/webhook/errors`.

use serde_json::Value;

use super::ClusterRef;
use crate::object::managed::is_by_hand;
use crate::object::{items, text};
use crate::remote::{Class, Fault};

/// A call on a cluster, for what is said about its failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub cluster: &'a ClusterRef,
    pub endpoint: &'a str,
    /// Who calls, where that is known: an ARN.
    pub caller: Option<&'a str>,
    /// `kubernetes:Apply`
    pub call: &'a str,
    pub is_read: bool,
}

/// What an answer that is no success means.
pub(super) fn of_answer(asked: Asked<'_>, code: u16, body: &Value, audit: Option<String>) -> Fault {
    let (reason, message) = (text(body, "/reason"), text(body, "/message"));
    let message = if message.is_empty() { format!("the answer is {code} without a word") } else { message.to_owned() };
    let (class, said) = judged(asked, code, reason, &message, body);
    let reason = if reason.is_empty() { code.to_string() } else { reason.to_owned() };
    Fault { code: Some(reason), request_id: audit, ..Fault::new(class, asked.call, said) }
}

fn judged(asked: Asked<'_>, code: u16, reason: &str, message: &str, body: &Value) -> (Class, String) {
    let has_cause = |wanted: &str| items(body, "/details/causes").iter().any(|it| text(it, "/reason") == wanted);
    let is_applied = matches!(asked.call, "kubernetes:Apply" | "kubernetes:DryRun");
    let names_namespace = text(body, "/details/kind") == "namespaces";
    match (code, reason) {
        (401, _) => (Class::Credentials, unauthorized(asked)),
        (403, _) if has_cause("NamespaceTerminating") => (
            Class::Settling,
            format!("the namespace is being deleted; it can be used again once it is gone and made anew. {message}"),
        ),
        (403, _) if message.contains("exceeded quota") => {
            (Class::Quota, format!("a ResourceQuota of the namespace is used up: {message}"))
        }
        (_, _) if message.contains("denied the request") => {
            (Class::Refused, format!("an admission webhook refused it: {message}"))
        }
        (403, _)
            if message.contains("violates PodSecurity") || message.contains("is forbidden: ") && !message.contains("cannot") =>
        {
            (Class::Refused, format!("admission refused it: {message}"))
        }
        (403, _) => (Class::Denied, forbidden(asked.cluster, message)),
        // Its own pods are not up yet, as far as this stack goes.
        (500, _) if message.contains("failed calling webhook") => {
            (Class::Settling, format!("an admission webhook does not answer yet: {message}"))
        }
        // A field that the kind does not have, or of another type: the server says 500, as of an error of its own.
        (500, _) if message.contains("failed to create typed patch object") => {
            (Class::Refused, format!("the API server does not take it: {message}"))
        }
        (404, _) if names_namespace && is_applied => (Class::Settling, format!("its namespace does not exist yet: {message}")),
        (404 | 410, _) => (Class::Missing, message.to_owned()),
        (409, "AlreadyExists") => (Class::Exists, message.to_owned()),
        (409, _) if has_cause(CONFLICT) => (Class::Refused, conflicting(body)),
        (409, _) => (Class::Settling, message.to_owned()),
        (422, _) if is_immutable(message) => {
            (Class::Refused, format!("the change needs a new object: {}", causes(body, message)))
        }
        (422, _) => (Class::Refused, format!("the API server does not take it: {}", causes(body, message))),
        (429, _) => (Class::Busy, format!("the API server asks for patience: {message}")),
        (503, _) => (Class::Busy, message.to_owned()),
        (504, _) | (500.., _) if asked.is_read => (Class::Busy, message.to_owned()),
        (500.., _) => (Class::Unknown, message.to_owned()),
        _ => (Class::Refused, message.to_owned()),
    }
}

/// Whether the API server refused a change of a field that cannot change: the object must be replaced.
pub fn is_immutable(message: &str) -> bool {
    // Of StatefulSets, claims, bindings and storage classes, in `k8s.io/kubernetes/pkg/apis/*/validation`; rules of CRDs say the first.
    const SAID: &[&str] = &[
        "immutable",
        "may not change once set",
        "updates to statefulset spec for fields other than",
        "cannot change roleRef",
        "updates to parameters are forbidden",
        "updates to provisioner are forbidden",
        "updates to reclaimPolicy are forbidden",
        "updates to volumeBindingMode are forbidden",
    ];
    SAID.iter().any(|it| message.contains(it))
}

/// A cluster that does not serve a kind: its CRD may be on its way in the same plan.
pub(super) fn no_kind(asked: Asked<'_>, api_version: &str, kind: &str) -> Fault {
    let message = format!(
        "{} serves no {kind} in {api_version}: its CustomResourceDefinition is missing, not established yet, or of another version",
        asked.cluster.said()
    );
    Fault { code: Some("NoKindMatch".into()), ..Fault::new(Class::Settling, asked.call, message) }
}

/// The group's own server does not answer: whether there is such a kind cannot be told.
pub(super) fn silent_group(asked: Asked<'_>, group: &str) -> Fault {
    let message = format!("{} does not get an answer of the API {group}: its APIService is not available", asked.cluster.said());
    Fault::new(Class::Busy, asked.call, message)
}

fn unauthorized(asked: Asked<'_>) -> String {
    match asked.cluster {
        ClusterRef::Eks { name, .. } => {
            let caller = asked.caller.map_or_else(|| "the caller".to_owned(), principal);
            format!(
                "the EKS cluster {name} does not know {caller}: no access entry is for this principal. Add an \
                 aws_eks_access_entry with it, or use credentials that have one"
            )
        }
        ClusterRef::Context { kubeconfig, .. } => {
            format!("the cluster does not accept the credentials of the context in {kubeconfig}: renew them")
        }
    }
}

/// The principal that an access entry must name: of a session, its role.
fn principal(arn: &str) -> String {
    let session = arn.split_once(":sts::").zip(arn.split_once(":assumed-role/"));
    let role = session.and_then(|((partition, rest), (_, named))| {
        let (account, name) = (rest.split(':').next()?, named.split('/').next()?);
        Some(format!("{partition}:iam::{account}:role/{name}"))
    });
    role.unwrap_or_else(|| arn.to_owned())
}

fn forbidden(cluster: &ClusterRef, message: &str) -> String {
    let grant = match cluster {
        ClusterRef::Eks { .. } => "an access policy of its access entry (aws_eks_access_policy_association) or a role binding",
        ClusterRef::Context { .. } => "a role binding",
    };
    format!("the cluster knows the caller, who may not do this: {grant} must allow it. It says: {message}")
}

/// A field that another manager has, and who that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    pub field: String,
    pub manager: String,
    /// Whether the other one set it without declaring that it shall stay so.
    pub by_update: bool,
}

impl Conflict {
    /// What was changed by hand is drift.
    pub fn is_by_hand(&self) -> bool {
        self.by_update && is_by_hand(&self.manager)
    }
}

const CONFLICT: &str = "FieldManagerConflict";

/// The conflicts in a refusal; none in one for another reason.
pub(super) fn conflicts(body: &Value) -> Vec<Conflict> {
    let one = |it: &Value| {
        // `conflict with "kubectl-edit" using apps/v1` after an update, `conflict with "argocd"` after an apply:
        // `k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go`
        let message = text(it, "/message");
        let manager = message.split('"').nth(1).unwrap_or(message).to_owned();
        Conflict { field: text(it, "/field").trim_start_matches('.').to_owned(), manager, by_update: message.contains(" using ") }
    };
    items(body, "/details/causes").iter().filter(|it| text(it, "/reason") == CONFLICT).map(one).collect()
}

fn conflicting(body: &Value) -> String {
    let all: Vec<String> = conflicts(body).iter().map(|it| format!("{} belongs to {}", it.field, it.manager)).collect();
    format!("others manage fields that are declared here: {}. {RESOLVED_BY}", all.join(", "))
}

const RESOLVED_BY: &str = "Leave these out, or list the managers in force_conflicts";

/// The same of one field.
pub(super) fn owners(it: &Conflict) -> String {
    format!("the field belongs to {}. {RESOLVED_BY}", it.manager)
}

fn causes(body: &Value, message: &str) -> String {
    let one = |it: &Value| match text(it, "/field") {
        "" => text(it, "/message").to_owned(),
        field => format!("{field}: {}", text(it, "/message")),
    };
    let all: Vec<String> = items(body, "/details/causes").iter().map(one).collect();
    if all.is_empty() { message.to_owned() } else { all.join("; ") }
}

/// No answer came. When no connection was made, nothing was sent.
pub(super) fn of_silence(asked: Asked<'_>, error: &(dyn std::error::Error + 'static)) -> Fault {
    let mut told: Vec<String> = Vec::new();
    for it in std::iter::successors(Some(error), |&it| it.source()) {
        let text = it.to_string();
        if !told.last().is_some_and(|last| last.contains(&text)) {
            told.push(text);
        }
    }
    let told = told.join(": ");
    if told.contains("client error (Connect)") || told.contains("deadline has elapsed") && asked.is_read {
        let hint = match asked.cluster {
            ClusterRef::Eks { .. } => {
                "Its endpoint may be private (a VPN, a host in its network), or its public_access_cidrs leave you out"
            }
            ClusterRef::Context { .. } => "Check the network, and the server that the kubeconfig names",
        };
        let message =
            format!("{} cannot be reached at {}: {told}. {hint}; nothing was sent", asked.cluster.said(), asked.endpoint);
        return Fault::new(Class::Unreachable, asked.call, message);
    }
    let class = if asked.is_read { Class::Busy } else { Class::Unknown };
    Fault::new(class, asked.call, format!("{} at {} gave no answer: {told}", asked.cluster.said(), asked.endpoint))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster() -> ClusterRef {
        let text = |it: &str| it.to_owned();
        ClusterRef::Eks {
            name: text("dev"),
            region: text("eu-west-1"),
            endpoint: text("https://e"),
            certificate_authority: text(""),
            arn: text("arn"),
        }
    }

    fn fault(code: u16, body: Value) -> Fault {
        let cluster = cluster();
        let asked = Asked {
            cluster: &cluster,
            endpoint: "https://e",
            caller: Some("arn:aws:iam::1:role/r"),
            call: "kubernetes:Apply",
            is_read: false,
        };
        of_answer(asked, code, &body, Some("audit".into()))
    }

    #[test]
    fn refusals_say_what_to_do() {
        let said = |reason: &str, message: &str| json!({"reason": reason, "message": message});
        let cause = |reason: &str, field: &str, message: &str| json!({"reason": "R", "message": "m", "details": {"causes": [{"reason": reason, "field": field, "message": message}]}});
        for (code, body, class, words) in [
            (401, said("Unauthorized", "Unauthorized"), Class::Credentials, "aws_eks_access_entry"),
            (403, said("Forbidden", "pods is forbidden: User \"x\" cannot create resource"), Class::Denied, "User \"x\""),
            (403, said("Forbidden", "pods \"a\" is forbidden: exceeded quota: q"), Class::Quota, "ResourceQuota"),
            (
                403,
                said("Forbidden", "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\""),
                Class::Refused,
                "admission",
            ),
            (403, cause("NamespaceTerminating", "", ""), Class::Settling, "being deleted"),
            (400, said("BadRequest", "admission webhook \"w\" denied the request: no"), Class::Refused, "\"w\""),
            (500, said("InternalError", "failed calling webhook \"w\": no endpoints"), Class::Settling, "webhook"),
            (
                409,
                cause("FieldManagerConflict", ".spec.replicas", "conflict with \"hpa\" using apps/v1"),
                Class::Refused,
                "spec.replicas belongs to hpa",
            ),
            (409, said("AlreadyExists", "x"), Class::Exists, "x"),
            (409, said("Conflict", "modified"), Class::Settling, "modified"),
            (422, cause("FieldValueInvalid", "spec.x", "wrong"), Class::Refused, "spec.x: wrong"),
            (422, said("Invalid", "spec.selector: Invalid value: field is immutable"), Class::Refused, "new object"),
            (
                404,
                json!({"reason": "NotFound", "message": "no", "details": {"kind": "namespaces"}}),
                Class::Settling,
                "namespace",
            ),
            (404, said("NotFound", "no"), Class::Missing, "no"),
            (429, said("TooManyRequests", "later"), Class::Busy, "later"),
            (500, said("InternalError", "etcd"), Class::Unknown, "etcd"),
        ] {
            let it = fault(code, body);
            assert!(it.class == class && it.message.contains(words), "{code}: {it:?}");
            assert_eq!(it.request_id.as_deref(), Some("audit"));
        }
    }

    #[test]
    fn who_needs_an_entry_is_named() {
        assert_eq!(principal("arn:aws:sts::111122223333:assumed-role/deploy/ci-7"), "arn:aws:iam::111122223333:role/deploy");
        assert_eq!(principal("arn:aws:iam::111122223333:user/a/b"), "arn:aws:iam::111122223333:user/a/b");
        assert!(fault(401, json!({})).message.contains("does not know arn:aws:iam::1:role/r"));
    }
}
