//! What EKS looks up and makes in EC2: subnets, security groups, interfaces.

use super::{ask, refuse};
use crate::gateway::{Call, Local, Refusal};
use crate::service::ec2;
use crate::xml::Node;

/// A subnet as far as EKS cares.
#[derive(Clone, Debug)]
pub struct Subnet {
    pub id: String,
    pub zone: String,
    pub vpc: String,
}

/// The subnets of these ids, in their order.
pub async fn subnets(local: &Local, call: &Call, ids: &[String]) -> Result<Vec<Subnet>, Refusal> {
    let found = describe(local, call, "DescribeSubnets", ("SubnetId", "subnetSet"), ids).await?;
    let mut subnets: Vec<Subnet> = found
        .iter()
        .map(|item| Subnet {
            id: item.get("subnetId").to_owned(),
            zone: item.get("availabilityZone").to_owned(),
            vpc: item.get("vpcId").to_owned(),
        })
        .collect();
    subnets.sort_by_key(|subnet| ids.iter().position(|id| *id == subnet.id));
    Ok(subnets)
}

/// The VPCs of these security groups.
pub async fn group_vpcs(local: &Local, call: &Call, ids: &[String]) -> Result<Vec<String>, Refusal> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = describe(local, call, "DescribeSecurityGroups", ("GroupId", "securityGroupInfo"), ids).await?;
    Ok(found.iter().map(|item| item.get("vpcId").to_owned()).collect())
}

/// Asks for some ids, page by page; EC2's refusal becomes EKS's.
async fn describe(
    local: &Local,
    call: &Call,
    action: &str,
    (parameter, set): (&str, &str),
    ids: &[String],
) -> Result<Vec<Node>, Refusal> {
    let named = ids.iter().enumerate().map(|(index, id)| (format!("{parameter}.{}", index + 1), id.clone()));
    let mut parameters: Vec<(String, String)> = named.collect();
    let mut found = Vec::new();
    loop {
        let mut answer = ask::ec2(local, call, action, &borrowed(&parameters)).await.map_err(|refusal| match refusal.status {
            500.. => refusal,
            _ => refuse::parameter(format!(
                "{} (Service: AmazonEC2; Status Code: {}; Error Code: {})",
                refusal.message, refusal.status, refusal.code
            )),
        })?;
        found.extend(answer.take(set).unwrap_or_default().children);
        match answer.get("nextToken") {
            "" => return Ok(found),
            next => {
                parameters.retain(|(name, _)| name != "NextToken");
                parameters.push(("NextToken".to_owned(), next.to_owned()));
            }
        }
    }
}

/// The tags of what EKS makes for a cluster.
fn tag_parameters(kind: &str, tags: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut parameters = vec![("TagSpecification.1.ResourceType".to_owned(), kind.to_owned())];
    for (index, (key, value)) in tags.iter().enumerate() {
        parameters.push((format!("TagSpecification.1.Tag.{}.Key", index + 1), (*key).to_owned()));
        parameters.push((format!("TagSpecification.1.Tag.{}.Value", index + 1), (*value).to_owned()));
    }
    parameters
}

/// The cluster security group: everything from itself, everything to everywhere.
///
/// Source: Amazon EKS User Guide, "View Amazon EKS security group requirements for clusters".
pub async fn make_group(local: &Local, call: &Call, cluster: &str, vpc: &str) -> Result<String, Refusal> {
    let suffix = crate::ids::number() % 1_000_000_000;
    let name = format!("eks-cluster-sg-{cluster}-{suffix}");
    let owned = format!("kubernetes.io/cluster/{cluster}");
    let mut parameters = vec![
        ("GroupName".to_owned(), name.clone()),
        (
            "GroupDescription".to_owned(),
            "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed \
             workloads."
                .to_owned(),
        ),
        ("VpcId".to_owned(), vpc.to_owned()),
    ];
    parameters.extend(tag_parameters("security-group", &[("Name", &name), (&owned, "owned")]));
    let made = ask::ec2(local, call, "CreateSecurityGroup", &borrowed(&parameters)).await?;
    let group = made.get("groupId").to_owned();
    local.ec2.seen(&group);
    // Nobody but AWS may set a tag that starts with `aws:`, so it is set behind the rule that says so.
    ec2::tag_as_aws(local, call, &group, &[("aws:eks:cluster-name", cluster)]).await?;
    let rule = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "-1"),
        ("IpPermissions.1.UserIdGroupPairs.1.GroupId", &group),
    ];
    ask::ec2(local, call, "AuthorizeSecurityGroupIngress", &rule).await?;
    Ok(group)
}

pub async fn delete_group(local: &Local, call: &Call, group: &str) -> Result<(), Refusal> {
    ask::ec2(local, call, "DeleteSecurityGroup", &[("GroupId", group)]).await.map(|_| ())
}

/// An interface that belongs to EKS or a node: in use until [`release`]. Returns its id and address.
pub async fn make_interface(
    local: &Local,
    call: &Call,
    subnet: &str,
    groups: &[String],
    description: &str,
    tags: &[(&str, &str)],
) -> Result<(String, String), Refusal> {
    let mut parameters = vec![("SubnetId".to_owned(), subnet.to_owned()), ("Description".to_owned(), description.to_owned())];
    for (index, group) in groups.iter().enumerate() {
        parameters.push((format!("SecurityGroupId.{}", index + 1), group.clone()));
    }
    parameters.extend(tag_parameters("network-interface", tags));
    let made = ask::ec2(local, call, "CreateNetworkInterface", &borrowed(&parameters)).await?;
    let interface = made.child("networkInterface").cloned().unwrap_or_default();
    let id = interface.get("networkInterfaceId").to_owned();
    local.ec2.seen(&id);
    local.ec2.attached.add(&id);
    Ok((id, interface.get("privateIpAddress").to_owned()))
}

/// The interface is no longer in use; its owner lets it go.
pub async fn delete_interface(local: &Local, call: &Call, id: &str) -> Result<(), Refusal> {
    local.ec2.attached.remove(id);
    ask::ec2(local, call, "DeleteNetworkInterface", &[("NetworkInterfaceId", id)]).await.map(|_| ())
}

fn borrowed(parameters: &[(String, String)]) -> Vec<(&str, &str)> {
    parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
