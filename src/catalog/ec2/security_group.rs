//! `aws_security_group`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType, SecurityGroup as Live, SecurityGroupRule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::{self, Blocks, Flow, Flows, Peer};
use super::{Listing, ask_by, blockers, filter};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Class, Fault, Id, Objection, Settle, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::{Auto, Fixed, Later};
use crate::value::Value;

/// Who may talk to what is in the group, and whom it may talk to.
///
/// With `ingress` or `egress` blocks, or without any rule at all, the group owns all its rules: those that AWS (which lets a
/// new group talk to everybody) or others add are taken out. With separate `aws_vpc_security_group_ingress_rule` and
/// `…_egress_rule` resources instead, it leaves the rules to them, and takes out only AWS's own. Two groups may name each
/// other: rules are written once both exist.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_security_group" "web" {
///   name        = "web"
///   description = "Web servers"
///   vpc_id      = aws_vpc.main.id
///   ingress {
///     protocol    = "tcp"
///     from_port   = 443
///     to_port     = 443
///     cidr_blocks = ["0.0.0.0/0"]
///   }
///   egress {
///     protocol    = "-1"
///     cidr_blocks = ["0.0.0.0/0"]
///   }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecurityGroup {
    /// Unique in the VPC.
    #[serde(default)]
    #[schemars(length(max = 255))]
    pub name: Fixed<Auto<String>>,
    /// What the group is for.
    #[serde(default = "description")]
    pub description: Fixed<String>,
    /// The account's default VPC when left out.
    #[serde(default)]
    pub vpc_id: Fixed<Auto<String>>,
    /// What is let in.
    #[serde(default)]
    pub ingress: Later<Blocks>,
    /// What is let out.
    #[serde(default)]
    pub egress: Later<Blocks>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

fn description() -> Fixed<String> {
    Fixed("Managed by infra".into())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The account that it belongs to.
    pub owner_id: String,
}

pub(super) const LISTING: Listing<Live> =
    Listing { call: "ec2:DescribeSecurityGroups", id_filter: "group-id", id_of: Live::group_id };

pub(super) async fn list(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    let pages = aws.ec2().describe_security_groups().set_filters(Some(filters)).max_results(super::PAGE).into_paginator();
    Ok(pages.items().send().try_collect().await?)
}

pub(super) async fn list_rules(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<SecurityGroupRule>, Fault> {
    let pages = aws.ec2().describe_security_group_rules().set_filters(Some(filters)).max_results(super::PAGE).into_paginator();
    Ok(pages.items().send().try_collect().await?)
}

/// Rules that infra made in this account and region, whichever stack: of rule resources and of blocks.
pub(super) async fn marked_rules(aws: &Aws) -> Result<std::sync::Arc<Vec<SecurityGroupRule>>, Fault> {
    let marked = vec![filter("tag-key", [tags::ID, tags::LINEAGE])];
    aws.shared(true, "ec2:DescribeSecurityGroupRules".into(), || list_rules(aws, marked)).await
}

/// The rules of one group that carry our marks.
#[derive(Default)]
struct Marked {
    /// Rule resources: they carry a creation token of their own.
    apart: BTreeSet<(bool, Flow)>,
    /// Rules of blocks: marked with the lineage alone.
    of_blocks: bool,
}

async fn marked(aws: &Aws, query: &Query) -> Result<BTreeMap<String, Marked>, Fault> {
    let mut out: BTreeMap<String, Marked> = BTreeMap::new();
    let mut sort = |rules: &[SecurityGroupRule]| {
        for it in rules {
            let (Some(group), Some(flow)) = (it.group_id(), Flow::of_rule(it)) else { continue };
            let marked = out.entry(group.to_owned()).or_default();
            match it.tags().iter().any(|it| it.key() == Some(tags::ID)) {
                true => drop(marked.apart.insert((it.is_egress() == Some(true), flow))),
                false => marked.of_blocks = true,
            }
        }
    };
    if query.shared {
        sort(&marked_rules(aws).await?);
        return Ok(out);
    }
    let carry = async |mark: &'static str, groups: &[&str]| {
        let ask = |of: Vec<Filter>| list_rules(aws, [vec![filter("tag-key", [mark])], of].concat());
        ask_by("group-id", groups, ask).await
    };
    let groups: Vec<&str> = query.ids.iter().map(Id::as_str).collect();
    let apart = carry(tags::ID, &groups).await?;
    // Only beside rule resources does it matter whether there are blocks.
    let shared_out: BTreeSet<&str> = apart.iter().filter_map(SecurityGroupRule::group_id).collect();
    sort(&apart);
    sort(&carry(tags::LINEAGE, &shared_out.into_iter().collect::<Vec<_>>()).await?);
    Ok(out)
}

/// Marks the one group that load balancer controllers of a cluster change.
const OF_CLUSTER: &str = "kubernetes.io/cluster/";

impl SecurityGroup {
    /// With the rules that AWS puts into a new group: nobody gets in, everything gets out.
    fn as_made(&self) -> Self {
        let everywhere = Flow::new("-1", None, None, Peer::Cidr("0.0.0.0/0".into()));
        let egress = flow::to_blocks(&[(everywhere, None)].into());
        Self { ingress: Later(Blocks::default()), egress: Later(egress), ..self.clone() }
    }
}

impl Resource for SecurityGroup {
    const TYPE: &'static str = "aws_security_group";
    // The provider's time-outs: interfaces of load balancers and functions hold a group for minutes.
    const SETTLE: Settle = Settle { create: Duration::from_secs(600), delete: Duration::from_secs(900), ..super::SETTLE };
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let call = aws
            .ec2()
            .create_security_group()
            .group_name((**self.name).clone().unwrap_or_else(|| format!("infra-{}", token.as_str())))
            .description(&*self.description)
            .set_vpc_id((**self.vpc_id).clone())
            .set_tag_specifications(super::specification(ResourceType::SecurityGroup, &self.tags));
        let id = super::named("ec2:CreateSecurityGroup", call.send().await?.group_id)?;
        // At once, not after a read. Whatever is refused here is found missing by that read, and refused to the update, which says so.
        let made = self.as_made();
        let _refused = futures::join!(
            change_rules(aws, &id, Direction::Ingress, &made.ingress, &self.ingress, &self.tags),
            change_rules(aws, &id, Direction::Egress, &made.egress, &self.egress, &self.tags),
        );
        Ok(id)
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let groups = super::describe(aws, query, LISTING, |filters| list(aws, filters));
        let marks = async { if query.presence || query.fresh { Ok(BTreeMap::new()) } else { marked(aws, query).await } };
        let (found, mut marked) = futures::try_join!(groups, marks)?;
        let mut seen = BTreeMap::new();
        for (id, it) in found {
            let arn = aws.arn("ec2", &format!("security-group/{id}")).await?;
            let marked = marked.remove(id.as_str()).unwrap_or_default();
            seen.insert(id, see(it, &marked, arn));
        }
        Ok(seen)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        change_rules(aws, id, Direction::Ingress, &was.ingress, &self.ingress, &self.tags).await?;
        change_rules(aws, id, Direction::Egress, &was.egress, &self.egress, &self.tags).await?;
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    /// First lets go of other groups: two that name each other could not be deleted in any order.
    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        for (direction, blocks) in [(Direction::Ingress, &self.ingress), (Direction::Egress, &self.egress)] {
            let mut flows = flow::of_blocks(blocks);
            flows.retain(|it, _| matches!(it.peer, Peer::Group(_)));
            match revoke(aws, id, direction, &flows).await {
                // A former attempt has got this far already.
                Err(fault) if fault.class != Class::Missing => return Err(fault),
                _ => {}
            }
        }
        aws.ec2().delete_security_group().group_id(id.as_str()).send().await?;
        Ok(())
    }

    async fn object(_: &Aws, _: Option<&crate::remote::Live>, settings: &Value) -> Result<Vec<Objection>, Fault> {
        let tags = settings.get("tags");
        let key = tags.members().and_then(|it| it.keys().find(|it| it.starts_with(OF_CLUSTER)));
        let objection = |key: &std::sync::Arc<str>| Objection {
            path: format!("tags[\"{key}\"]"),
            message:
                "EKS tags the group that it makes for a cluster so, and the load balancer controller fails where it finds two"
                    .into(),
            help: Some("leave the tag out: rules on the cluster's own group are resources of their own".into()),
            stops: true,
        };
        Ok(key.map(objection).into_iter().collect())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        let (interfaces, rules) =
            tokio::try_join!(blockers::interfaces_in(aws, "group-id", id), blockers::rules_naming(aws, id))?;
        Ok([interfaces, rules].concat())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::group_id))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

/// From one set of rules to another: what is new is let in before what is old is taken out, a call each.
pub(super) async fn change_rules(
    aws: &Aws,
    id: &Id,
    direction: Direction,
    was: &Blocks,
    want: &Blocks,
    tags: &Tags,
) -> Result<(), Fault> {
    let (was, want) = (flow::of_blocks(was), flow::of_blocks(want));
    let only_in = |a: &Flows, b: &Flows| -> Flows {
        a.iter().filter(|(flow, _)| !b.contains_key(*flow)).map(|(flow, said)| (flow.clone(), said.clone())).collect()
    };
    authorize(aws, id, direction, &only_in(&want, &was), tags).await?;
    revoke(aws, id, direction, &only_in(&was, &want)).await?;
    let told_anew: Flows = want.into_iter().filter(|(flow, said)| was.get(flow).is_some_and(|old| old != said)).collect();
    describe_anew(aws, id, direction, &told_anew).await
}

async fn authorize(aws: &Aws, id: &Id, direction: Direction, flows: &Flows, tags: &Tags) -> Result<(), Fault> {
    if flows.is_empty() {
        return Ok(());
    }
    let permissions = Some(flow::to_permissions(flows, id.as_str()));
    // Marks them as the group's own, apart from those of rule resources.
    let mark: Tags = tags.iter().filter(|(key, _)| *key == tags::LINEAGE).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mark = super::specification(ResourceType::SecurityGroupRule, &mark);
    let ec2 = aws.ec2();
    match direction {
        Direction::Ingress => {
            let call = ec2.authorize_security_group_ingress().group_id(id.as_str()).set_ip_permissions(permissions);
            call.set_tag_specifications(mark).send().await?;
        }
        Direction::Egress => {
            let call = ec2.authorize_security_group_egress().group_id(id.as_str()).set_ip_permissions(permissions);
            call.set_tag_specifications(mark).send().await?;
        }
    }
    Ok(())
}

async fn revoke(aws: &Aws, id: &Id, direction: Direction, flows: &Flows) -> Result<(), Fault> {
    if flows.is_empty() {
        return Ok(());
    }
    let permissions = Some(flow::to_permissions(flows, id.as_str()));
    let ec2 = aws.ec2();
    match direction {
        Direction::Ingress => {
            ec2.revoke_security_group_ingress().group_id(id.as_str()).set_ip_permissions(permissions).send().await?;
        }
        Direction::Egress => {
            ec2.revoke_security_group_egress().group_id(id.as_str()).set_ip_permissions(permissions).send().await?;
        }
    }
    Ok(())
}

async fn describe_anew(aws: &Aws, id: &Id, direction: Direction, flows: &Flows) -> Result<(), Fault> {
    if flows.is_empty() {
        return Ok(());
    }
    let permissions = Some(flow::to_permissions(flows, id.as_str()));
    let ec2 = aws.ec2();
    match direction {
        Direction::Ingress => {
            let call = ec2.update_security_group_rule_descriptions_ingress().group_id(id.as_str());
            call.set_ip_permissions(permissions).send().await?;
        }
        Direction::Egress => {
            let call = ec2.update_security_group_rule_descriptions_egress().group_id(id.as_str());
            call.set_ip_permissions(permissions).send().await?;
        }
    }
    Ok(())
}

/// The rules that count as the group's own: none of rule resources; where there are such and no block was ever written, of the
/// rest only what AWS itself put there.
fn own(permissions: &[aws_sdk_ec2::types::IpPermission], direction: Direction, it: &Live, marked: &Marked) -> Blocks {
    let egress = direction == Direction::Egress;
    let mut flows = flow::of_permissions(permissions, it.group_id().unwrap_or_default(), it.owner_id());
    let left_to_others = !marked.apart.is_empty() && !marked.of_blocks;
    flows.retain(|flow, _| {
        let apart = marked.apart.contains(&(egress, flow.clone()));
        !apart && (!left_to_others || egress && flow.is_default_egress())
    });
    flow::to_blocks(&flows)
}

fn see(it: Live, marked: &Marked, arn: String) -> Seen<SecurityGroup> {
    let settings = SecurityGroup {
        ingress: Later(own(it.ip_permissions(), Direction::Ingress, &it, marked)),
        egress: Later(own(it.ip_permissions_egress(), Direction::Egress, &it, marked)),
        tags: super::read_tags(it.tags()),
        name: Fixed(Auto(it.group_name)),
        description: Fixed(it.description.unwrap_or_default()),
        vpc_id: Fixed(Auto(it.vpc_id)),
    };
    let outputs = Outputs { id: it.group_id.unwrap_or_default(), arn, owner_id: it.owner_id.unwrap_or_default() };
    Seen { settings, outputs, status: Status::Ready }
}
