//! [`readiness`]: how far an object is on its way, by its kind, in the words of the cluster.

mod pods;

use serde_json::Value;

use super::key::group_of;
use super::{items, number, text};
use crate::remote::Status;

/// What a user waits for in place of what the kind means by ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// A condition of this type has this status: `Ready`, `True`.
    Condition { name: String, status: String },
    /// What a path of members and places (`.status.phase`, `.status.items[0].ip`) leads to: this value, or anything at all.
    Path { path: String, value: Option<String> },
}

/// Whether its deletion was asked for.
pub fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string)
}

/// Whether an object of this kind that failed stays so: no change in place makes it try again.
pub fn is_final(object: &Value) -> bool {
    matches!((group_of(text(object, "/apiVersion")), text(object, "/kind")), ("batch", "Job") | ("", "Pod"))
}

/// How far `object` is. `pods` and `events` are those that belong to it, in any order; they only add words.
pub fn readiness(object: &Value, pods: &[Value], events: &[Value], wait_for: Option<&WaitFor>) -> Status {
    if is_going(object) {
        return Status::Pending(terminating(object));
    }
    let status = match wait_for {
        Some(it) => wanted(object, it),
        None => by_kind(object),
    };
    let more = || pods::trouble(pods).or_else(|| pods::last_event(events));
    match status {
        Status::Ready => Status::Ready,
        Status::Pending(why) => Status::Pending(joined(why, more())),
        Status::Failed(why) => Status::Failed(joined(why, more())),
    }
}

fn joined(why: String, more: Option<String>) -> String {
    match more {
        Some(more) => format!("{why}: {more}"),
        None => why,
    }
}

fn by_kind(object: &Value) -> Status {
    match (group_of(text(object, "/apiVersion")), text(object, "/kind")) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => established(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") if text(object, "/spec/type") == "LoadBalancer" => balanced(object),
        ("networking.k8s.io", "Ingress") => balanced(object),
        ("", "Pod") => pod(object),
        ("apiregistration.k8s.io", "APIService") => by_condition(object, "Available"),
        ("cert-manager.io", "Certificate" | "Issuer" | "ClusterIssuer") => by_condition(object, "Ready"),
        _ => by_conditions(object),
    }
}

fn pending(why: impl Into<String>) -> Status {
    Status::Pending(why.into())
}

/// Whether the controller has seen the newest version of the object.
fn is_observed(object: &Value) -> bool {
    match (number(object, "/status/observedGeneration"), number(object, "/metadata/generation")) {
        (Some(seen), Some(newest)) => seen >= newest,
        (None, _) | (_, None) => false,
    }
}

fn condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    items(object, "/status/conditions").iter().find(|it| text(it, "/type") == name)
}

fn is_true(object: &Value, name: &str) -> bool {
    condition(object, name).is_some_and(|it| text(it, "/status") == "True")
}

/// `DoesNotExist: no such issuer`
fn told(condition: &Value) -> String {
    match (text(condition, "/reason"), text(condition, "/message")) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

fn deployment(object: &Value) -> Status {
    if !is_observed(object) {
        return pending("not seen by its controller yet");
    }
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Status::Ready;
    }
    let count = |name: &str| number(object, &format!("/status/{name}")).unwrap_or(0);
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let (all, updated, available) = (count("replicas"), count("updatedReplicas"), count("availableReplicas"));
    if updated >= wanted && all <= updated && available >= updated {
        return Status::Ready;
    }
    if let Some(it) = condition(object, "Progressing").filter(|it| text(it, "/reason") == "ProgressDeadlineExceeded") {
        return Status::Failed(format!("{available}/{wanted} ready, {}", told(it)));
    }
    match () {
        () if updated < wanted => pending(format!("{available}/{wanted} ready, {updated}/{wanted} updated")),
        () if all > updated => pending(format!("{available}/{wanted} ready, {} old to go", all - updated)),
        () => pending(format!("{available}/{wanted} ready")),
    }
}

fn stateful_set(object: &Value) -> Status {
    if !is_observed(object) {
        return pending("not seen by its controller yet");
    }
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let ready = number(object, "/status/readyReplicas").unwrap_or(0);
    let updated = number(object, "/status/updatedReplicas").unwrap_or(0);
    let on_delete = text(object, "/spec/updateStrategy/type") == "OnDelete";
    let to_update = if on_delete { 0 } else { (wanted - partition).max(0) };
    let finished =
        partition > 0 || on_delete || text(object, "/status/currentRevision") == text(object, "/status/updateRevision");
    if ready >= wanted && updated >= to_update && finished {
        return Status::Ready;
    }
    pending(format!("{ready}/{wanted} ready, {updated}/{to_update} updated"))
}

fn daemon_set(object: &Value) -> Status {
    if !is_observed(object) {
        return pending("not seen by its controller yet");
    }
    let count = |name: &str| number(object, &format!("/status/{name}")).unwrap_or(0);
    let (wanted, ready, updated) = (count("desiredNumberScheduled"), count("numberAvailable"), count("updatedNumberScheduled"));
    let on_delete = text(object, "/spec/updateStrategy/type") == "OnDelete";
    if ready >= wanted && (on_delete || updated >= wanted) {
        return Status::Ready;
    }
    pending(format!("{ready}/{wanted} ready, {updated}/{wanted} updated"))
}

fn job(object: &Value) -> Status {
    if let Some(it) = condition(object, "Failed").filter(|it| text(it, "/status") == "True") {
        return Status::Failed(told(it));
    }
    if is_true(object, "Complete") || object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        return Status::Ready;
    }
    let (done, wanted) = (number(object, "/status/succeeded").unwrap_or(0), number(object, "/spec/completions").unwrap_or(1));
    pending(format!("{done}/{wanted} completed"))
}

fn established(object: &Value) -> Status {
    match condition(object, "NamesAccepted").filter(|it| text(it, "/status") == "False") {
        Some(it) => Status::Failed(told(it)),
        None if is_true(object, "Established") => Status::Ready,
        None => pending("not established yet"),
    }
}

fn claim(object: &Value) -> Status {
    match text(object, "/status/phase") {
        "Bound" => Status::Ready,
        "Lost" => Status::Failed("its volume is lost".into()),
        // Only its first pod binds it (`WaitForFirstConsumer`, what EKS's storage classes do); the class is another object.
        "Pending" if text(object, "/spec/volumeName").is_empty() => Status::Ready,
        phase => pending(phase),
    }
}

fn balanced(object: &Value) -> Status {
    match items(object, "/status/loadBalancer/ingress").is_empty() {
        true => pending("has no address yet"),
        false => Status::Ready,
    }
}

fn pod(object: &Value) -> Status {
    match text(object, "/status/phase") {
        "Succeeded" => Status::Ready,
        "Failed" => Status::Failed(text(object, "/status/message").to_owned()),
        _ if is_true(object, "Ready") => Status::Ready,
        phase => pending(phase),
    }
}

/// An object whose controller says by this condition whether it is ready, and has not looked at one that says nothing.
fn by_condition(object: &Value, name: &str) -> Status {
    match condition(object, name) {
        None => pending("not seen by its controller yet"),
        Some(it) => judged(object, it),
    }
}

/// An object that says by conditions whether it is ready; one that says nothing is as soon as it exists.
fn by_conditions(object: &Value) -> Status {
    ["Ready", "Available"].iter().find_map(|it| condition(object, it)).map_or(Status::Ready, |it| judged(object, it))
}

/// What a condition says, if it is about the newest version of the object.
fn judged(object: &Value, condition: &Value) -> Status {
    let newest = number(object, "/metadata/generation");
    let seen = number(condition, "/observedGeneration").or(number(object, "/status/observedGeneration"));
    match text(condition, "/status") {
        _ if seen.zip(newest).is_some_and(|(seen, newest)| seen < newest) => pending("not seen by its controller yet"),
        "True" => Status::Ready,
        _ => pending(told(condition)),
    }
}

fn wanted(object: &Value, wait_for: &WaitFor) -> Status {
    match wait_for {
        WaitFor::Condition { name, status } => match condition(object, name) {
            Some(it) if text(it, "/status") == status => Status::Ready,
            Some(it) => pending(format!("{name} is {}: {}", text(it, "/status"), told(it))),
            None => pending(format!("has no condition {name} yet")),
        },
        WaitFor::Path { path, value } => match (object.pointer(&pointer(path)), value) {
            (None | Some(Value::Null), _) => pending(format!("has no {path} yet")),
            (Some(_), None) => Status::Ready,
            (Some(found), Some(wanted)) => {
                let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                if found == *wanted { Status::Ready } else { pending(format!("{path} is {found}, not {wanted}")) }
            }
        },
    }
}

/// `.status.items[0].ip`, with or without `{…}` around it, as a JSON pointer.
fn pointer(path: &str) -> String {
    let path = path.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
    let parts = path.split(['.', '[', ']']).filter(|it| !it.is_empty());
    parts.map(|it| format!("/{}", it.trim_matches(['\'', '"']).replace('~', "~0").replace('/', "~1"))).collect()
}

/// What keeps an object that is being deleted: its finalizers, or what is left in a namespace.
fn terminating(object: &Value) -> String {
    let left: Vec<String> = ["NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure"]
        .iter()
        .filter_map(|it| condition(object, it).filter(|it| text(it, "/status") == "True"))
        .map(|it| text(it, "/message").to_owned())
        .collect();
    let finalizers = items(object, "/metadata/finalizers").iter().filter_map(Value::as_str);
    let finalizers: Vec<&str> = finalizers.map(|it| if it == "foregroundDeletion" { "what it owns" } else { it }).collect();
    match (left.is_empty(), finalizers.is_empty()) {
        (false, _) => format!("terminating: {}", left.join("; ")),
        (true, false) => format!("terminating: waits for {}", finalizers.join(", ")),
        (true, true) => "terminating".to_owned(),
    }
}

#[cfg(test)]
mod tests;
