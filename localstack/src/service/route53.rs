//! Route 53: changes take time, references are used once, names are written as Route 53 writes them.
//!
//! Source: Amazon Route 53 API Reference; "DNS domain name format" in the Developer Guide for `\052`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use hyper::{Method, StatusCode};

use crate::control::Settings;
use crate::gateway::{Answer, Call, Local, Question, Refusal, Reply};
use crate::lock;
use crate::xml::Node;

/// "Changes generally propagate to all Route 53 name servers managing the hosted zone within 60 seconds."
const PROPAGATION: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct Memory {
    /// Caller references that were used, by account.
    references: Mutex<HashSet<(String, String)>>,
    /// Names of zones by id.
    zones: Mutex<HashMap<String, String>>,
}

pub async fn serve(local: &Local, call: Call) -> Answer {
    match call.action.as_str() {
        "CreateHostedZone" => create_zone(local, call).await,
        "ChangeResourceRecordSets" => change(local, call).await,
        "ListResourceRecordSets" => list(local, call).await,
        "ListTagsForResources" => list_tags(local, call).await,
        "GetChange" => {
            let id = call.path().pop().unwrap_or_default();
            let status = local.held.look(&format!("route53/{id}"));
            let mut reply = local.forward(call).await?;
            if let Some(mut document) = reply.document()
                && let Some(info) = document.child_mut("ChangeInfo")
            {
                info.set("Status", status.unwrap_or("INSYNC"));
                reply.set_document(document);
            }
            Ok(reply)
        }
        _ => {
            let settings = local.control.settings(&call.account);
            let reply = local.forward(call).await?;
            hold(local, settings, &reply);
            Ok(reply)
        }
    }
}

/// Starts the clock of whatever change an answer tells of.
fn hold(local: &Local, settings: Settings, reply: &Reply) {
    let Some(document) = reply.document() else {
        return;
    };
    if let Some(id) = document.find(&["ChangeInfo", "Id"]) {
        let id = id.text.rsplit('/').next().unwrap_or_default();
        local.held.hold(&format!("route53/{id}"), "PENDING", PROPAGATION, settings);
    }
}

async fn create_zone(local: &Local, call: Call) -> Answer {
    let settings = local.control.settings(&call.account);
    let input = Node::parse(call.body.bytes()).unwrap_or_default();
    let reference = (call.account.clone(), input.get("CallerReference").to_owned());
    if !lock(&local.route53.references).insert(reference.clone()) {
        return Err(Refusal::with_status(
            409,
            "HostedZoneAlreadyExists",
            format!("A hosted zone has already been created with the specified caller reference: {}.", reference.1),
        ));
    }
    let reply = local.forward(call).await?;
    if !reply.status.is_success() {
        lock(&local.route53.references).remove(&reference);
        return Ok(reply);
    }
    hold(local, settings, &reply);
    if let Some(document) = reply.document()
        && let Some(zone) = document.child("HostedZone")
    {
        let id = zone.get("Id").rsplit('/').next().unwrap_or_default();
        lock(&local.route53.zones).insert(id.to_owned(), zone.get("Name").to_owned());
    }
    Ok(reply)
}

async fn change(local: &Local, mut call: Call) -> Answer {
    let Some(mut input) = Node::parse(call.body.bytes()) else {
        return Err(Refusal::new("MalformedXML", "The XML you provided was not well-formed."));
    };
    let id = call.path().get(2).cloned().unwrap_or_default();
    let zone = lock(&local.route53.zones).get(&id).cloned();
    let mut complaints = Vec::new();
    for name in record_names(&mut input) {
        name.text = plain(&name.text);
        if let Some(zone) = &zone
            && !is_within(&name.text, zone)
        {
            complaints.push(format!("RRSet with DNS name {}. is not permitted in zone {zone}", name.text.trim_end_matches('.')));
        }
    }
    complaints.extend(records(&input).filter_map(illegal_address));
    if !complaints.is_empty() {
        let list = complaints.join(", ");
        return Err(Refusal::new("InvalidChangeBatch", format!("[{list}]")));
    }
    call.set_body(input.to_document());
    let settings = local.control.settings(&call.account);
    let reply = local.forward(call).await?;
    hold(local, settings, &reply);
    Ok(reply)
}

fn records(input: &Node) -> impl Iterator<Item = &Node> {
    let batch = input.child("ChangeBatch");
    batch.into_iter().flat_map(|batch| batch.items("Changes")).filter_map(|change| change.child("ResourceRecordSet"))
}

fn record_names(input: &mut Node) -> impl Iterator<Item = &mut Node> {
    let changes = input.child_mut("ChangeBatch").and_then(|batch| batch.child_mut("Changes"));
    changes
        .into_iter()
        .flat_map(|changes| &mut changes.children)
        .filter_map(|change| change.child_mut("ResourceRecordSet"))
        .filter_map(|record| record.child_mut("Name"))
}

fn is_within(name: &str, zone: &str) -> bool {
    let (name, zone) = (name.trim_end_matches('.'), zone.trim_end_matches('.'));
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn illegal_address(record: &Node) -> Option<String> {
    let is_legal = |value: &str| match record.get("Type") {
        "A" => value.parse::<std::net::Ipv4Addr>().is_ok(),
        "AAAA" => value.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => true,
    };
    let family = if record.get("Type") == "A" { "4" } else { "6" };
    let bad = record.items("ResourceRecords").map(|value| value.get("Value")).find(|value| !is_legal(value))?;
    Some(format!(
        "Invalid Resource Record: 'FATAL problem: {}RRDATAIllegalIPv{family}Address \
         (Value is not a valid IPv{family} address) encountered with '{bad}''",
        record.get("Type")
    ))
}

async fn list(local: &Local, mut call: Call) -> Answer {
    // The emulator knows only the plain form of a name to start from.
    let uri = call.parts.uri.to_string().replace("%5C052", "%2A");
    if let Ok(uri) = uri.parse() {
        call.parts.uri = uri;
    }
    let mut reply = local.forward(call).await?;
    if let Some(mut document) = reply.document().filter(|_| reply.status.is_success()) {
        let sets = document.child_mut("ResourceRecordSets");
        let names = sets.into_iter().flat_map(|sets| &mut sets.children).filter_map(|record| record.child_mut("Name"));
        for name in names {
            name.text = escaped(&name.text);
        }
        if let Some(next) = document.child_mut("NextRecordName") {
            next.text = escaped(&next.text);
        }
        reply.set_document(document);
    }
    Ok(reply)
}

/// Names come in either form and in any case.
fn plain(name: &str) -> String {
    name.replace("\\052", "*").to_ascii_lowercase()
}

/// "If you're using the Route 53 API, use `\052`" for an asterisk; that is also how answers write it.
fn escaped(name: &str) -> String {
    name.replace('*', "\\052")
}

/// The emulator answers for one zone at a time only.
async fn list_tags(local: &Local, call: Call) -> Answer {
    let input = Node::parse(call.body.bytes()).unwrap_or_default();
    let kind = call.path().get(2).cloned().unwrap_or_default();
    let mut sets = Node::new("ResourceTagSets");
    for id in input.items("ResourceIds") {
        let path = format!("/2013-04-01/tags/{kind}/{}", id.text);
        let question = Question { method: Method::GET, path: &path, ..Question::default() };
        let reply = local.question(&call, call.service, question).await?;
        let document = reply.document().filter(|_| reply.status.is_success());
        match document.and_then(|document| document.child("ResourceTagSet").cloned()) {
            Some(set) => sets.children.push(set),
            None => return Ok(reply),
        }
    }
    let answer = Node::new("ListTagsForResourcesResponse").with(sets);
    Ok(Reply::xml(StatusCode::OK, &answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_with_their_zone() {
        assert!(is_within("example.com", "example.com."));
        assert!(is_within("*.a.example.com.", "example.com."));
        assert!(!is_within("badexample.com", "example.com."));
        assert!(!is_within("example.org.", "example.com."));
    }
}
