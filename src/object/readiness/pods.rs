//! The pod that is in trouble, and what happened last, in a few words.

use serde_json::Value;

use crate::object::{items, text};

/// `web-7c9f ImagePullBackOff: Back-off pulling image "x"`: of the first pod by name that is not well.
pub fn trouble(pods: &[Value]) -> Option<String> {
    let mut all: Vec<(&str, String)> = pods.iter().filter_map(|pod| Some((text(pod, "/metadata/name"), of_pod(pod)?))).collect();
    all.sort();
    all.into_iter().next().map(|(name, why)| format!("{name} {why}"))
}

fn of_pod(pod: &Value) -> Option<String> {
    let containers = ["/status/initContainerStatuses", "/status/containerStatuses"];
    containers.iter().flat_map(|it| items(pod, it)).find_map(of_container).or_else(|| unscheduled(pod))
}

fn of_container(container: &Value) -> Option<String> {
    // What every pod passes through says nothing.
    const USUAL: &[&str] = &["", "ContainerCreating", "PodInitializing", "Completed"];
    ["/state/waiting", "/state/terminated"].iter().find_map(|state| {
        let state = container.pointer(state)?;
        let reason = text(state, "/reason");
        (!USUAL.contains(&reason)).then(|| worded(reason, text(state, "/message")))
    })
}

fn unscheduled(pod: &Value) -> Option<String> {
    let it = items(pod, "/status/conditions").iter().find(|it| text(it, "/type") == "PodScheduled")?;
    (text(it, "/status") == "False").then(|| worded(text(it, "/reason"), text(it, "/message")))
}

fn worded(reason: &str, message: &str) -> String {
    match message {
        "" => reason.to_owned(),
        message => format!("{reason}: {message}"),
    }
}

/// The newest warning, else nothing: normal events repeat what the status says.
pub fn last_event(events: &[Value]) -> Option<String> {
    let time = |it: &Value| {
        let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        times.iter().map(|at| text(it, at)).find(|it| !it.is_empty()).unwrap_or_default().to_owned()
    };
    let newest = events.iter().filter(|it| text(it, "/type") == "Warning").max_by_key(|it| time(it))?;
    Some(worded(text(newest, "/reason"), text(newest, "/message")))
}
