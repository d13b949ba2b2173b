//! `aws_vpc_security_group_ingress_rule`, `aws_vpc_security_group_egress_rule`

use std::collections::BTreeMap;
use std::marker::PhantomData;

use aws_sdk_ec2::types::{IpPermission, ResourceType, SecurityGroupRule as Live, SecurityGroupRuleDescription};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask_by;
use super::flow::{self, Flow, Peer};
use super::security_group::{list_rules, marked_rules};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;
use crate::schema::field::{Cidr, Cidr6};

/// Which way a rule lets through: the two resource types are one but for this.
pub trait Direction: Clone + Copy + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    const TYPE: &'static str;
    const EGRESS: bool;
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct In;
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Out;

impl Direction for In {
    const TYPE: &'static str = "aws_vpc_security_group_ingress_rule";
    const EGRESS: bool = false;
}
impl Direction for Out {
    const TYPE: &'static str = "aws_vpc_security_group_egress_rule";
    const EGRESS: bool = true;
}

/// One rule of a security group, with a life of its own: `ingress` says who may talk to the group, `egress` whom it may talk to.
/// Has exactly one peer.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_security_group" "web" {
///   name   = "web"
///   vpc_id = aws_vpc.main.id
/// }
///
/// resource "aws_vpc_security_group_ingress_rule" "https" {
///   security_group_id = aws_security_group.web.id
///   cidr_ipv4         = "0.0.0.0/0"
///   ip_protocol       = "tcp"
///   from_port         = 443
///   to_port           = 443
/// }
///
/// resource "aws_vpc_security_group_egress_rule" "all" {
///   security_group_id = aws_security_group.web.id
///   cidr_ipv4         = "0.0.0.0/0"
///   ip_protocol       = "-1"
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "D: Direction")]
pub struct Rule<D: Direction> {
    /// The group that the rule belongs to.
    pub security_group_id: Fixed<String>,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol's number, or `-1` for all.
    pub ip_protocol: Fixed<Protocol>,
    /// The first port, or the ICMP type; not for `-1`.
    #[serde(default)]
    #[schemars(range(min = -1, max = 65535))]
    pub from_port: Fixed<Option<i32>>,
    /// The last port, or the ICMP code; not for `-1`.
    #[serde(default)]
    #[schemars(range(min = -1, max = 65535))]
    pub to_port: Fixed<Option<i32>>,
    /// The IPv4 range on the other side.
    #[serde(default)]
    pub cidr_ipv4: Fixed<Option<Cidr>>,
    /// The IPv6 range on the other side.
    #[serde(default)]
    pub cidr_ipv6: Fixed<Option<Cidr6>>,
    /// The prefix list on the other side.
    #[serde(default)]
    pub prefix_list_id: Fixed<Option<String>>,
    /// Another group, or the same.
    #[serde(default)]
    pub referenced_security_group_id: Fixed<Option<String>>,
    /// What the rule is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
    #[serde(skip)]
    direction: PhantomData<D>,
}

/// A protocol's name, whose letters' case does not count.
pub type Protocol = crate::schema::field::CaseFold;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// The same as `id`.
    pub security_group_rule_id: String,
    /// Its ARN.
    pub arn: String,
}

impl<D: Direction> Resource for Rule<D> {
    const TYPE: &'static str = D::TYPE;
    const SETTLE: Settle = super::SETTLE;
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] =
        &[(&["cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id"], true)];
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let tags = super::specification(ResourceType::SecurityGroupRule, &self.tags);
        let (group, permissions) = (&*self.security_group_id, Some(self.permissions()));
        let made = if D::EGRESS {
            let call = aws.ec2().authorize_security_group_egress().group_id(group).set_ip_permissions(permissions);
            call.set_tag_specifications(tags).send().await?.security_group_rules
        } else {
            let call = aws.ec2().authorize_security_group_ingress().group_id(group).set_ip_permissions(permissions);
            call.set_tag_specifications(tags).send().await?.security_group_rules
        };
        let id = made.into_iter().flatten().next().and_then(|it| it.security_group_rule_id);
        super::named("ec2:AuthorizeSecurityGroup", id)
    }

    /// In a plan from the one list of all rules that carry our marks, which the groups need too; what is not in it by id.
    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let mut missing: BTreeMap<&str, &Id> = query.ids.iter().map(|it| (it.as_str(), it)).collect();
        let mut seen = BTreeMap::new();
        let mut take = |rules: &[Live], missing: &mut BTreeMap<&str, &Id>| {
            for it in rules.iter().filter(|it| it.is_egress() == Some(D::EGRESS)) {
                if let Some(id) = it.security_group_rule_id().and_then(|it| missing.remove(it)) {
                    seen.insert(id.clone(), see(it));
                }
            }
        };
        if query.shared {
            take(&marked_rules(aws).await?, &mut missing);
        }
        let rest: Vec<&str> = missing.keys().copied().collect();
        take(&ask_by("security-group-rule-id", &rest, |filters| list_rules(aws, filters)).await?, &mut missing);
        Ok(seen)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        if self.description != was.description {
            let said = SecurityGroupRuleDescription::builder()
                .security_group_rule_id(id.as_str())
                .description(self.description.clone().unwrap_or_default())
                .build();
            let group = &*self.security_group_id;
            if D::EGRESS {
                let call = aws.ec2().update_security_group_rule_descriptions_egress().group_id(group);
                call.security_group_rule_descriptions(said).send().await?;
            } else {
                let call = aws.ec2().update_security_group_rule_descriptions_ingress().group_id(group);
                call.security_group_rule_descriptions(said).send().await?;
            }
        }
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let group = &*self.security_group_id;
        if D::EGRESS {
            aws.ec2().revoke_security_group_egress().group_id(group).security_group_rule_ids(id.as_str()).send().await?;
        } else {
            aws.ec2().revoke_security_group_ingress().group_id(group).security_group_rule_ids(id.as_str()).send().await?;
        }
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        let found = list_rules(aws, super::by_token(token)).await?;
        Ok(super::ids(found, Live::security_group_rule_id))
    }
}

impl<D: Direction> Rule<D> {
    fn permissions(&self) -> Vec<IpPermission> {
        let peer = (self.cidr_ipv4.as_ref().map(|it| Peer::Cidr(it.0.clone())))
            .or(self.cidr_ipv6.as_ref().map(|it| Peer::Cidr6(it.0.clone())))
            .or(self.prefix_list_id.as_ref().map(|it| Peer::PrefixList(it.clone())))
            .or(self.referenced_security_group_id.as_ref().map(|it| Peer::Group(it.clone())));
        let flow = peer.map(|peer| Flow::new(&self.ip_protocol, *self.from_port, *self.to_port, peer));
        let flows = flow.into_iter().map(|it| (it, self.description.clone())).collect();
        flow::to_permissions(&flows, &self.security_group_id)
    }
}

fn see<D: Direction>(it: &Live) -> Seen<Rule<D>> {
    let group = it.group_id().unwrap_or_default();
    let flow = Flow::of_rule(it);
    let ports = flow.as_ref().and_then(|it| it.ports);
    let peer = flow.as_ref().map(|it| &it.peer);
    let mut settings = Rule {
        security_group_id: Fixed(group.to_owned()),
        ip_protocol: Fixed(flow.as_ref().map_or("", |it| it.protocol.as_str()).into()),
        from_port: Fixed(ports.map(|it| it.0)),
        to_port: Fixed(ports.map(|it| it.1)),
        cidr_ipv4: Fixed::default(),
        cidr_ipv6: Fixed::default(),
        prefix_list_id: Fixed::default(),
        referenced_security_group_id: Fixed::default(),
        description: it.description().filter(|it| !it.is_empty()).map(str::to_owned),
        tags: super::read_tags(it.tags()),
        direction: PhantomData,
    };
    match peer {
        Some(Peer::Cidr(it)) => settings.cidr_ipv4 = Fixed(Some(it.as_str().into())),
        Some(Peer::Cidr6(it)) => settings.cidr_ipv6 = Fixed(Some(it.as_str().into())),
        Some(Peer::PrefixList(it)) => settings.prefix_list_id = Fixed(Some(it.clone())),
        Some(Peer::Group(it)) => settings.referenced_security_group_id = Fixed(Some(it.clone())),
        Some(Peer::Itself) => settings.referenced_security_group_id = Fixed(Some(group.to_owned())),
        None => {}
    }
    let id = it.security_group_rule_id().unwrap_or_default().to_owned();
    let arn = it.security_group_rule_arn().unwrap_or_default().to_owned();
    Seen { settings, outputs: Outputs { security_group_rule_id: id.clone(), id, arn }, status: Status::Ready }
}
