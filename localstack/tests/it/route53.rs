//! Route 53: zones, changes, names.

use crate::client::Expect;
use crate::{ANYONE, Caller, caller};

async fn zone(caller: &Caller, name: &str, reference: &str) -> crate::client::Answer {
    let body = format!(
        "<CreateHostedZoneRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Name>{name}</Name>\
         <CallerReference>{reference}</CallerReference></CreateHostedZoneRequest>"
    );
    caller.rest("route53", "POST", "/2013-04-01/hostedzone", &body).await
}

async fn change(caller: &Caller, zone: &str, action: &str, name: &str, value: &str) -> crate::client::Answer {
    let body = format!(
        "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes><Change>\
         <Action>{action}</Action><ResourceRecordSet><Name>{name}</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord>\
         <Value>{value}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>\
         </ChangeResourceRecordSetsRequest>"
    );
    caller.rest("route53", "POST", &format!("/2013-04-01{zone}/rrset/"), &body).await
}

#[tokio::test]
async fn a_reference_is_used_once() {
    let caller = caller(ANYONE).await;
    zone(&caller, "once.example", "the same").await.ok();
    zone(&caller, "once.example", "the same").await.refused("HostedZoneAlreadyExists");
    zone(&caller, "once.example", "another").await.ok();
}

#[tokio::test]
async fn changes_are_pending_first() {
    let caller = caller(ANYONE).await;
    let made = zone(&caller, "pending.example", "pending").await.ok();
    assert_eq!(made.text("Status"), "PENDING");
    let id = made.texts("Id").into_iter().find(|id| id.starts_with("/change/")).expect("a change").to_owned();
    let status = async || {
        let answer = caller.rest("route53", "GET", &format!("/2013-04-01{id}"), "").await.ok();
        answer.text("Status").to_owned()
    };
    assert_eq!(status().await, "PENDING");
    tokio::time::sleep(std::time::Duration::from_millis(40)).await;
    assert_eq!(status().await, "INSYNC");
}

#[tokio::test]
async fn records_are_checked_and_named_as_route53_names_them() {
    let caller = caller(ANYONE).await;
    let id = zone(&caller, "records.example", "records").await.ok().text("Id").to_owned();
    change(&caller, &id, "CREATE", "*.Records.example", "10.0.0.1").await.ok();
    for (action, name, value) in [
        ("CREATE", "\\052.records.example", "10.0.0.1"),
        ("CREATE", "a.elsewhere.example", "10.0.0.1"),
        ("CREATE", "a.records.example", "banana"),
        ("DELETE", "a.records.example", "10.0.0.1"),
    ] {
        change(&caller, &id, action, name, value).await.refused("InvalidChangeBatch");
    }
    let listed =
        caller.rest("route53", "GET", &format!("/2013-04-01{id}/rrset?name=%5C052.records.example&type=A"), "").await.ok();
    assert_eq!(listed.text("Name"), "\\052.records.example.");
    caller.rest("route53", "DELETE", &format!("/2013-04-01{id}"), "").await.refused("HostedZoneNotEmpty");
    change(&caller, &id, "DELETE", "\\052.records.example.", "10.0.0.1").await.ok();
    caller.rest("route53", "DELETE", &format!("/2013-04-01{id}"), "").await.ok();
}

#[tokio::test]
async fn tags_of_several_zones_are_read_at_once() {
    let caller = caller(ANYONE).await;
    let mut ids = Vec::new();
    for name in ["one.example", "two.example"] {
        let made = zone(&caller, name, name).await.ok();
        let id = made.text("Id").trim_start_matches("/hostedzone/").to_owned();
        let body = format!(
            "<ChangeTagsForResourceRequest><AddTags><Tag><Key>name</Key><Value>{name}</Value></Tag></AddTags></ChangeTagsForResourceRequest>"
        );
        caller.rest("route53", "POST", &format!("/2013-04-01/tags/hostedzone/{id}"), &body).await.ok();
        ids.push(id);
    }
    let list: String = ids.iter().map(|id| format!("<ResourceId>{id}</ResourceId>")).collect();
    let body = format!("<ListTagsForResourcesRequest><ResourceIds>{list}</ResourceIds></ListTagsForResourcesRequest>");
    let answer = caller.rest("route53", "POST", "/2013-04-01/tags/hostedzone", &body).await.ok();
    assert_eq!(answer.texts("ResourceId"), ids);
    assert_eq!(answer.texts("Value"), ["one.example", "two.example"]);
}
