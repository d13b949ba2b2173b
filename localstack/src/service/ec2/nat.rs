//! NAT gateways: slow to come, slow to go, and in the way of everything below them meanwhile.

use std::time::Duration;

use super::{error, network, pass_on};
use crate::form::Form;
use crate::gateway::{Answer, Call, Local, Refusal};
use crate::lock;

/// What AWS takes, roughly, to make and to delete one.
const CREATE: Duration = Duration::from_secs(110);
const DELETE: Duration = Duration::from_secs(60);

/// A NAT gateway that somebody made here.
#[derive(Clone, Debug)]
pub struct Nat {
    subnet: String,
    vpc: String,
    account: String,
    region: String,
    /// Allocation, association and interface of each address.
    addresses: Vec<Mapping>,
    deleting: bool,
}

#[derive(Clone, Debug)]
struct Mapping {
    allocation: String,
    association: String,
    interface: String,
}

pub async fn create(local: &Local, call: Call) -> Answer {
    let is_public = call.form.get("ConnectivityType") != Some("private");
    if is_public && call.form.get("AllocationId").is_none() {
        return Err(Refusal::new(
            "MissingParameter",
            "The request must include the AllocationId parameter. Add the required parameter and retry the request.",
        ));
    }
    let settings = local.control.settings(&call.account);
    let (account, region) = (call.account.clone(), call.region.clone());
    let mut reply = pass_on(local, call).await?;
    let Some(mut document) = reply.document() else {
        return Ok(reply);
    };
    let Some(nat) = document.child_mut("natGateway") else {
        return Ok(reply);
    };
    let text = |name: &str| nat.get(name).to_owned();
    let addresses = nat.items("natGatewayAddressSet").map(|address| Mapping {
        allocation: address.get("allocationId").to_owned(),
        association: address.get("associationId").to_owned(),
        interface: address.get("networkInterfaceId").to_owned(),
    });
    let made =
        Nat { subnet: text("subnetId"), vpc: text("vpcId"), account, region, addresses: addresses.collect(), deleting: false };
    let id = text("natGatewayId");
    nat.set("state", "pending");
    local.held.hold(&id, "pending", CREATE, settings);
    lock(&local.ec2.nats).insert(id, made);
    reply.set_document(document);
    Ok(reply)
}

pub async fn delete(local: &Local, call: Call) -> Answer {
    let id = call.form.get("NatGatewayId").unwrap_or_default().to_owned();
    let known = lock(&local.ec2.nats).get(&id).is_some_and(|nat| !nat.deleting);
    if !known {
        return Err(error::not_found(&id));
    }
    let settings = local.control.settings(&call.account);
    let reply = pass_on(local, call).await?;
    if reply.status.is_success() {
        if let Some(nat) = lock(&local.ec2.nats).get_mut(&id) {
            nat.deleting = true;
        }
        local.held.hold(&id, "deleting", DELETE, settings);
    }
    Ok(reply)
}

/// Is there a NAT gateway of the caller's that is gone but not yet tidied up after?
pub fn is_due(local: &Local, call: &Call) -> bool {
    !due(local, call).is_empty()
}

fn due(local: &Local, call: &Call) -> Vec<(String, Nat)> {
    let is_due =
        |id: &str, nat: &Nat| nat.deleting && nat.account == call.account && nat.region == call.region && local.held.is_over(id);
    let nats = lock(&local.ec2.nats);
    nats.iter().filter(|(id, nat)| is_due(id, nat)).map(|(id, nat)| (id.clone(), nat.clone())).collect()
}

/// Frees what a deleted NAT gateway held, once it is really gone. moto keeps it for good.
pub async fn tidy(local: &Local, call: &Call) -> Result<(), Refusal> {
    for (id, nat) in due(local, call) {
        lock(&local.ec2.nats).remove(&id);
        for mapping in &nat.addresses {
            if !mapping.association.is_empty() {
                let association = [("AssociationId", mapping.association.as_str())];
                let form = Form::of("DisassociateAddress", &association);
                local.ask(call, &form).await?;
            }
            let interface = [("NetworkInterfaceId", mapping.interface.as_str())];
            let form = Form::of("DeleteNetworkInterface", &interface);
            local.ask(call, &form).await?;
        }
    }
    Ok(())
}

pub async fn release_address(local: &Local, call: Call) -> Answer {
    let allocation = call.form.get("AllocationId").unwrap_or_default();
    let of_nat = is_used(local, |nat| nat.addresses.iter().any(|mapping| mapping.allocation == allocation));
    if of_nat || network::is_associated(local, &call, allocation).await? {
        return Err(Refusal::new(
            "InvalidIPAddress.InUse",
            format!("The address with allocation id [{allocation}] is in use and cannot be released."),
        ));
    }
    pass_on(local, call).await
}

/// Does a NAT gateway sit in this subnet?
pub fn uses_subnet(local: &Local, subnet: &str) -> bool {
    is_used(local, |nat| nat.subnet == subnet)
}

/// Does a NAT gateway map a public address in this VPC?
pub fn maps_address(local: &Local, vpc: &str) -> bool {
    is_used(local, |nat| nat.vpc == vpc && nat.addresses.iter().any(|mapping| !mapping.allocation.is_empty()))
}

pub fn exists(local: &Local, id: &str) -> bool {
    lock(&local.ec2.nats).get(id).is_some_and(|nat| !nat.deleting)
}

/// Something is in use until its NAT gateway is gone. Being refused counts as a look at the state.
fn is_used(local: &Local, test: impl Fn(&Nat) -> bool) -> bool {
    let users: Vec<String> = lock(&local.ec2.nats).iter().filter(|(_, nat)| test(nat)).map(|(id, _)| id.clone()).collect();
    for id in &users {
        local.held.look(id);
    }
    !users.is_empty()
}
