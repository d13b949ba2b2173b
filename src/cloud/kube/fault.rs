//! From the API server's refusals to [`Fault`]s: one table.
//!
//! Source: `k8s.io/apimachinery/pkg/apis/meta/v1` (`StatusReason`, `CauseType`), `apiserver/pkg/admission/plugin/webhook/errors`.

use serde_json::Value;

use super::ClusterRef;
use crate::object::{items, text};
use crate::remote::{Class, Fault};

/// A call on a cluster, for what is said about its failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub cluster: &'a ClusterRef,
    pub endpoint: &'a str,
    /// `kubernetes:Apply Deployment.apps/hold/web`
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
    let names_namespace = text(body, "/details/kind") == "namespaces";
    match (code, reason) {
        (401, _) => (Class::Credentials, unauthorized(asked.cluster)),
        (403, _) if has_cause("NamespaceTerminating") => {
            (Class::Settling, format!("the namespace is being deleted; it can be used again once it is gone and made anew. {message}"))
        }
        (403, _) if message.contains("exceeded quota") => {
            (Class::Quota, format!("a ResourceQuota of the namespace is used up: {message}"))
        }
        (_, _) if message.contains("denied the request") => (Class::Refused, format!("an admission webhook refused it: {message}")),
        (403, _) if message.contains("violates PodSecurity") || message.contains("is forbidden: ") && !message.contains("cannot") => {
            (Class::Refused, format!("admission refused it: {message}"))
        }
        (403, _) => (Class::Denied, forbidden(asked.cluster, message)),
        // Its own pods are not up yet, as far as this stack goes.
        (500, _) if message.contains("failed calling webhook") => {
            (Class::Settling, format!("an admission webhook does not answer yet: {message}"))
        }
        (404, _) if names_namespace && !asked.is_read => (Class::Settling, format!("its namespace does not exist yet: {message}")),
        (404 | 410, _) => (Class::Missing, message.to_owned()),
        (409, "AlreadyExists") => (Class::Exists, message.to_owned()),
        (409, _) if has_cause("FieldManagerConflict") => (Class::Refused, conflicts(body)),
        (409, _) => (Class::Settling, message.to_owned()),
        (422, _) if is_immutable(message) => (Class::Refused, format!("the change needs a new object: {}", causes(body, message))),
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
    const SAID: &[&str] = &["field is immutable", "may not change once set", "updates to statefulset spec for fields other than"];
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

/// While access spreads, a token that is refused is for trying again.
pub(super) fn judge(fault: Fault, access_spreads: bool) -> Fault {
    match (fault.class, fault.code.as_deref()) {
        (Class::Credentials, Some("Unauthorized" | "401")) if access_spreads => Fault { class: Class::Settling, ..fault },
        _ => fault,
    }
}

fn unauthorized(cluster: &ClusterRef) -> String {
    match cluster {
        ClusterRef::Eks { name, .. } => format!(
            "the EKS cluster {name} does not know the caller: no access entry names its IAM role or user \
             (`aws sts get-caller-identity` shows which it is). Add an aws_eks_access_entry for it"
        ),
        ClusterRef::Context { kubeconfig, .. } => {
            format!("the cluster does not accept the credentials of the context in {kubeconfig}: renew them")
        }
    }
}

fn forbidden(cluster: &ClusterRef, message: &str) -> String {
    let grant = match cluster {
        ClusterRef::Eks { .. } => "an access policy of its access entry (aws_eks_access_policy_association) or a role binding",
        ClusterRef::Context { .. } => "a role binding",
    };
    format!("the cluster knows the caller, who may not do this: {grant} must allow it. It says: {message}")
}

/// `spec.replicas (kubectl-edit), spec.paused (argocd)`
fn conflicts(body: &Value) -> String {
    let one = |it: &Value| {
        let message = text(it, "/message");
        let manager = message.split('"').nth(1).unwrap_or(message);
        format!("{} belongs to {manager}", text(it, "/field").trim_start_matches('.'))
    };
    let causes = items(body, "/details/causes").iter().filter(|it| text(it, "/reason") == "FieldManagerConflict");
    let all: Vec<String> = causes.map(one).collect();
    format!("others manage fields that are declared here: {}. Leave these out, or list the managers in force_conflicts", all.join(", "))
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
            ClusterRef::Eks { .. } => "Its endpoint may be private (a VPN, a host in its network), or its public_access_cidrs leave you out",
            ClusterRef::Context { .. } => "Check the network, and the server that the kubeconfig names",
        };
        let message = format!("{} cannot be reached at {}: {told}. {hint}; nothing was sent", asked.cluster.said(), asked.endpoint);
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
        let asked = Asked { cluster: &cluster, endpoint: "https://e", call: "kubernetes:Apply", is_read: false };
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
            (403, said("Forbidden", "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\""), Class::Refused, "admission"),
            (403, cause("NamespaceTerminating", "", ""), Class::Settling, "being deleted"),
            (400, said("BadRequest", "admission webhook \"w\" denied the request: no"), Class::Refused, "\"w\""),
            (500, said("InternalError", "failed calling webhook \"w\": no endpoints"), Class::Settling, "webhook"),
            (409, cause("FieldManagerConflict", ".spec.replicas", "conflict with \"hpa\" using apps/v1"), Class::Refused, "spec.replicas belongs to hpa"),
            (409, said("AlreadyExists", "x"), Class::Exists, "x"),
            (409, said("Conflict", "modified"), Class::Settling, "modified"),
            (422, cause("FieldValueInvalid", "spec.x", "wrong"), Class::Refused, "spec.x: wrong"),
            (422, said("Invalid", "spec.selector: Invalid value: field is immutable"), Class::Refused, "new object"),
            (404, json!({"reason": "NotFound", "message": "no", "details": {"kind": "namespaces"}}), Class::Settling, "namespace"),
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
    fn a_refused_token_is_tried_again_only_while_access_spreads() {
        let refused = || fault(401, json!({"reason": "Unauthorized", "message": "Unauthorized"}));
        assert_eq!(judge(refused(), true).class, Class::Settling);
        assert_eq!(judge(refused(), false).class, Class::Credentials);
        assert_eq!(judge(fault(403, json!({})), true).class, Class::Denied);
    }
}
