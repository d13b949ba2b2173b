//! EC2 as strict as AWS, on moto.
//!
//! Every call passes the same stations: parameters as AWS reads them, ids that are not visible yet, client tokens,
//! then the rules of the action, and on the way back pages, filters and states.
//! Source throughout: Amazon EC2 API Reference (actions and "Error codes for the Amazon EC2 API").

mod cidr;
mod describe;
mod error;
mod group_rules;
mod interfaces;
mod memory;
mod nat;
mod network;
mod order;
mod pages;
mod tags;
mod templates;
mod tokens;

use std::sync::Arc;

use crate::gateway::{Answer, Call, Local, Refusal, Reply};

pub use error::reword;
pub use memory::Memory;
pub use tags::{living as living_tags, set_as_aws as tag_as_aws};

/// Answers an EC2 call.
pub async fn serve(local: &Local, mut call: Call) -> Answer {
    if call.form.get("DryRun") == Some("true") {
        return Err(Refusal::with_status(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."));
    }
    cidr::canonicalise(&mut call.form);
    // One mutation at a time per account: a check and what it allows must not be torn apart, and nobody reads what is
    // made but not yet remembered.
    let turn = local.ec2.turn(&call.account);
    if nat::is_due(local, &call) {
        let _turn = turn.write().await;
        nat::tidy(local, &call).await?;
    }
    if call.action.starts_with("Describe") || call.action.starts_with("Get") {
        let _turn = turn.read().await;
        return read(local, call).await;
    }
    let _turn = turn.write().await;
    local.ec2.visible(&call.form)?;
    tokens::once(local, call).await
}

async fn read(local: &Local, call: Call) -> Answer {
    match describe::table_of(&call.action) {
        Some(table) => describe::serve(local, call, table).await,
        None => {
            local.ec2.visible(&call.form)?;
            pass_on(local, call).await
        }
    }
}

/// Deletes, and the parameter that names what goes.
const DELETES: [(&str, &str); 11] = [
    ("DeleteInternetGateway", "InternetGatewayId"),
    ("DeleteLaunchTemplate", "LaunchTemplateId"),
    ("DeleteNatGateway", "NatGatewayId"),
    ("DeleteNetworkAcl", "NetworkAclId"),
    ("DeleteNetworkInterface", "NetworkInterfaceId"),
    ("DeleteRouteTable", "RouteTableId"),
    ("DeleteSecurityGroup", "GroupId"),
    ("DeleteSubnet", "SubnetId"),
    ("DeleteVpc", "VpcId"),
    ("DeleteVpcEndpoints", "VpcEndpointId.1"),
    ("ReleaseAddress", "AllocationId"),
];

/// One mutation. Runs under the account's turn.
async fn mutate(local: &Local, call: Call) -> Answer {
    let goes = DELETES
        .iter()
        .find(|(action, _)| *action == call.action)
        .and_then(|(_, parameter)| call.form.get(parameter))
        .map(str::to_owned);
    let reply = by_rule(local, call).await?;
    if let Some(id) = goes.filter(|_| reply.status.is_success()) {
        local.ec2.gone(&id);
    }
    Ok(reply)
}

/// The rules of one action.
async fn by_rule(local: &Local, call: Call) -> Answer {
    match call.action.as_str() {
        "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => group_rules::authorize(local, call).await,
        "RevokeSecurityGroupIngress" | "RevokeSecurityGroupEgress" => group_rules::revoke(local, call).await,
        "UpdateSecurityGroupRuleDescriptionsIngress" | "UpdateSecurityGroupRuleDescriptionsEgress" => {
            group_rules::describe(local, call).await
        }
        "ModifySecurityGroupRules" => group_rules::modify(local, call).await,
        "CreateSecurityGroup" => group_rules::create_group(local, call).await,
        "DeleteSecurityGroup" => group_rules::delete_group(local, call).await,
        "CreateNatGateway" => nat::create(local, call).await,
        "DeleteNatGateway" => nat::delete(local, call).await,
        "DeleteNetworkInterface" => interfaces::delete(local, call).await,
        "ReleaseAddress" => nat::release_address(local, call).await,
        "CreateVpc" | "CreateSubnet" => network::create(local, call).await,
        "DeleteVpc" => network::delete_vpc(local, call).await,
        "DeleteSubnet" => network::delete_subnet(local, call).await,
        "ModifySubnetAttribute" => network::modify_subnet(local, call).await,
        "DetachInternetGateway" => network::detach_gateway(local, call).await,
        "DeleteInternetGateway" => network::delete_gateway(local, call).await,
        "CreateRoute" | "ReplaceRoute" => network::create_route(local, call).await,
        "AssociateRouteTable" => network::associate(local, call).await,
        "DeleteRouteTable" => network::delete_route_table(local, call).await,
        "DeleteLaunchTemplate" => templates::delete(local, call).await,
        "CreateTags" | "DeleteTags" => tags::change(local, call).await,
        _ => pass_on(local, call).await,
    }
}

/// Lets moto answer. What it cannot digest becomes an error that says so.
async fn pass_on(local: &Local, mut call: Call) -> Answer {
    call.rewrite();
    let (action, request_id) = (call.action.clone(), call.request_id.clone());
    let form = call.form.clone();
    let mut reply = local.forward(call).await?;
    let Some(mut document) = reply.take_document().filter(|_| reply.status.as_u16() != 500) else {
        return Err(Refusal::with_status(500, "InternalError", format!("the emulator failed on {action} with these parameters")));
    };
    let refused =
        document.find(&["Errors", "Error"]).and_then(|error| error::reword(error.get("Code"), error.get("Message"), &form));
    if let Some(refusal) = refused {
        return Err(refusal);
    }
    document.set("requestId", request_id);
    reply.set_document(document);
    Ok(reply)
}

/// Reads of an account go side by side, its mutations one after the other.
type Turn = Arc<tokio::sync::RwLock<()>>;

/// Remembers what a successful create made, so that it starts out as AWS starts it.
fn remember(local: &Local, account: &str, reply: &Reply) {
    let Some(document) = reply.document() else {
        return;
    };
    if let Some(id) = memory::created(&document) {
        local.ec2.born(&id, local.control.settings(account).late_reads);
    }
}
