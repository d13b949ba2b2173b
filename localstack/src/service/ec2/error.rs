//! NotFound, in the words of each kind of resource.

use crate::form::Form;
use crate::gateway::Refusal;

/// Prefix of the id, error code, what the message calls it.
const KINDS: [(&str, &str, &str); 13] = [
    ("acl-", "InvalidNetworkAclID.NotFound", "networkAcl ID"),
    ("eipalloc-", "InvalidAllocationID.NotFound", "allocation ID"),
    ("eni-", "InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
    ("igw-", "InvalidInternetGatewayID.NotFound", "internetGateway ID"),
    ("lt-", "InvalidLaunchTemplateId.NotFound", "launch template ID"),
    ("nat-", "NatGatewayNotFound", "NAT gateway"),
    ("rtb-", "InvalidRouteTableID.NotFound", "routeTable ID"),
    ("rtbassoc-", "InvalidAssociationID.NotFound", "association ID"),
    ("sg-", "InvalidGroup.NotFound", "security group"),
    ("sgr-", "InvalidSecurityGroupRuleId.NotFound", "security group rule ID"),
    ("subnet-", "InvalidSubnetID.NotFound", "subnet ID"),
    ("vpc-", "InvalidVpcID.NotFound", "vpc ID"),
    ("vpce-", "InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
];

/// Is this an id whose kind is known?
pub fn is_id(text: &str) -> bool {
    KINDS.iter().any(|(prefix, ..)| text.starts_with(prefix))
}

pub fn not_found(id: &str) -> Refusal {
    all_not_found(&[id])
}

/// One refusal for all ids, which are of one kind.
pub fn all_not_found(ids: &[&str]) -> Refusal {
    let first = ids.first().copied().unwrap_or_default();
    let kind = KINDS.iter().find(|(prefix, ..)| first.starts_with(prefix));
    let (code, what) = kind.map_or(("InvalidID", "ID"), |(_, code, what)| (*code, *what));
    let message = match ids {
        [id] => format!("The {what} '{id}' does not exist"),
        _ => format!("The {what}s '{}' do not exist", ids.join(", ")),
    };
    Refusal::new(code, message)
}

/// moto's NotFound in AWS's words: moto prints Python sets and lists.
pub fn reword(code: &str, message: &str, form: &Form) -> Option<Refusal> {
    let id = form.values().find(|value| is_id(value) && message.contains(*value))?;
    let refusal = not_found(id);
    (refusal.code == code).then_some(refusal)
}

pub fn dependency(message: String) -> Refusal {
    Refusal::new("DependencyViolation", message)
}
