//! Access policies of entries, and what they allow in the cluster.
//!
//! Source: Amazon EKS User Guide, "Review access policy permissions". EKS decides with an authorizer of its own; here the
//! same is written down as role bindings, which differs only in what `kubectl get clusterrolebindings` shows.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::entry;
use super::input::{Input, texts};
use super::place::{Cluster, Place};
use super::refuse;
use super::thing::now;
use crate::gateway::{Call, Local, Refusal};

const PREFIX: &str = "arn:aws:eks::aws:cluster-access-policy/";

/// Policies and the cluster roles that allow the same; none for those that are not for people.
const POLICIES: [(&str, Option<&str>); 8] = [
    ("AmazonEKSAdminPolicy", Some("admin")),
    ("AmazonEKSAdminViewPolicy", Some("eks:admin-view")),
    ("AmazonEKSAutoNodePolicy", None),
    ("AmazonEKSBlockStoragePolicy", None),
    ("AmazonEKSClusterAdminPolicy", Some("cluster-admin")),
    ("AmazonEKSEditPolicy", Some("edit")),
    ("AmazonEKSSecretReaderPolicy", Some("eks:secret-reader")),
    ("AmazonEKSViewPolicy", Some("view")),
];

pub const CLUSTER_ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";

fn role_of(arn: &str) -> Option<Option<&'static str>> {
    let name = arn.strip_prefix(PREFIX)?;
    POLICIES.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
}

pub fn list_all(local: &Local, call: &Call, input: &Input) -> Result<Value, Refusal> {
    let all = POLICIES.iter().map(|(name, _)| ((*name).to_owned(), json!({"name": name, "arn": format!("{PREFIX}{name}")})));
    input.page_answer(local, call, "accessPolicies", all.collect())
}

pub async fn associate(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let arn = input.required("policyArn")?;
    if role_of(arn).is_none() {
        return Err(refuse::parameter(format!("The policyArn parameter value is not valid: {arn}")));
    }
    let scope = scope(&input.body["accessScope"])?;
    let found = entry::find(place, input)?;
    if found.shown["type"] != "STANDARD" {
        return Err(refuse::request("Access policies can only be associated with access entries of type STANDARD"));
    }
    let since = found.policies.get(arn).map_or_else(|| json!(now()), |known| known["associatedAt"].clone());
    let shown = json!({"policyArn": arn, "accessScope": scope, "associatedAt": since, "modifiedAt": now()});
    let cluster = place.cluster(input.segment(1))?;
    remove(cluster, input.segment(3), arn).await?;
    add(cluster, input.segment(3), shown.clone()).await?;
    Ok(json!({"clusterName": input.segment(1), "principalArn": input.segment(3), "associatedAccessPolicy": shown}))
}

fn scope(given: &Value) -> Result<Value, Refusal> {
    let namespaces = texts(&given["namespaces"]);
    match (given["type"].as_str(), namespaces.is_empty()) {
        (Some("cluster"), true) => Ok(json!({"type": "cluster", "namespaces": []})),
        (Some("namespace"), false) => Ok(json!({"type": "namespace", "namespaces": namespaces})),
        (Some("cluster"), false) => Err(refuse::parameter("namespaces cannot be given for an access scope of type cluster")),
        (Some("namespace"), true) => Err(refuse::parameter("namespaces are required for an access scope of type namespace")),
        _ => Err(refuse::parameter("accessScope.type must be cluster or namespace")),
    }
}

pub async fn disassociate(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let arn = input.segment(5);
    let found = entry::find(place, input)?;
    if !found.policies.contains_key(arn) {
        return Err(refuse::not_found(format!("The policy {arn} is not associated with this access entry")));
    }
    let cluster = place.cluster(input.segment(1))?;
    remove(cluster, input.segment(3), arn).await?;
    Ok(json!({}))
}

pub fn list(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let found = entry::find(place, input)?;
    let all = found.policies.iter().map(|(arn, shown)| (arn.clone(), shown.clone())).collect();
    let mut answer = input.page_answer(local, call, "associatedAccessPolicies", all)?;
    answer["clusterName"] = json!(input.segment(1));
    answer["principalArn"] = json!(input.segment(3));
    Ok(answer)
}

/// Associates a policy with an entry, and binds its role.
pub async fn add(cluster: &mut Cluster, principal: &str, shown: Value) -> Result<(), Refusal> {
    let arn = shown["policyArn"].as_str().unwrap_or_default().to_owned();
    if let Some(entry) = cluster.entries.get_mut(principal) {
        entry.policies.insert(arn.clone(), shown);
    }
    bind(cluster, principal, &arn).await
}

async fn remove(cluster: &mut Cluster, principal: &str, arn: &str) -> Result<(), Refusal> {
    if let Some(plane) = cluster.plane() {
        let namespaces = plane.namespaces().await.map_err(Refusal::internal)?;
        plane.delete(bindings(cluster, principal, arn, &namespaces)).await.map_err(Refusal::internal)?;
    }
    if let Some(entry) = cluster.entries.get_mut(principal) {
        entry.policies.remove(arn);
    }
    Ok(())
}

pub async fn remove_all(cluster: &mut Cluster, principal: &str) -> Result<(), Refusal> {
    let policies: Vec<String> =
        cluster.entries.get(principal).into_iter().flat_map(|entry| entry.policies.keys().cloned()).collect();
    for arn in policies {
        remove(cluster, principal, &arn).await?;
    }
    Ok(())
}

/// Binds all policies of an entry: a namespace that a pattern fits may be new.
pub async fn apply_all(cluster: &Cluster, principal: &str) -> Result<(), Refusal> {
    let policies = cluster.entries.get(principal).into_iter().flat_map(|entry| entry.policies.keys());
    for arn in policies {
        bind(cluster, principal, arn).await?;
    }
    Ok(())
}

async fn bind(cluster: &Cluster, principal: &str, arn: &str) -> Result<(), Refusal> {
    let Some(plane) = cluster.plane() else {
        return Ok(());
    };
    let namespaces = plane.namespaces().await.map_err(Refusal::internal)?;
    plane.apply(bindings(cluster, principal, arn, &namespaces)).await.map_err(Refusal::internal)
}

/// The group that everybody with this entry is in besides those that it names: what the bindings are for.
pub fn own_group(principal: &str) -> String {
    let hash = hex::encode(Sha256::digest(principal.as_bytes()));
    format!("eks:access-entry:{}", hash.get(..20).unwrap_or_default())
}

/// One binding for the cluster, or one in each of these namespaces that the policy is for.
fn bindings(cluster: &Cluster, principal: &str, arn: &str, namespaces: &[String]) -> Vec<Value> {
    let policy = cluster.entries.get(principal).and_then(|entry| entry.policies.get(arn));
    let (Some(policy), Some(Some(role))) = (policy, role_of(arn)) else {
        return Vec::new();
    };
    let group = own_group(principal);
    let name = format!("{group}:{role}");
    let binding = |kind: &str, metadata: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
        })
    };
    match policy["accessScope"]["type"].as_str() {
        Some("namespace") => {
            let patterns = texts(&policy["accessScope"]["namespaces"]);
            let fits = |namespace: &&String| patterns.iter().any(|pattern| matches(pattern, namespace));
            let bound = namespaces.iter().filter(fits);
            bound.map(|namespace| binding("RoleBinding", json!({"name": name, "namespace": namespace}))).collect()
        }
        _ => vec![binding("ClusterRoleBinding", json!({"name": name}))],
    }
}

/// `dev-*` fits every namespace that begins so.
fn matches(pattern: &str, namespace: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == namespace,
        Some((start, end)) => namespace.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
    }
}

/// Roles that Kubernetes does not bring along.
pub fn roles() -> Vec<Value> {
    let role = |name: &str, groups: &[&str], resources: &[&str]| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [{"apiGroups": groups, "resources": resources, "verbs": ["get", "list", "watch"]}],
        })
    };
    vec![role("eks:admin-view", &["*"], &["*"]), role("eks:secret-reader", &[""], &["secrets"])]
}
