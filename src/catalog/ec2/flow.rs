//! The rules of a security group, one by one, and the shapes in which users and AWS put them together.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::builders::IpPermissionBuilder;
use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, UserIdGroupPair};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::schema::rules::protocol;

/// One `ingress` or `egress` block: what is let through, and from or to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol's number, or `-1` for all.
    pub protocol: String,
    /// The first port, or the ICMP type; not for `-1`.
    #[serde(default)]
    #[schemars(range(min = -1, max = 65535))]
    pub from_port: Option<i32>,
    /// The last port, or the ICMP code; not for `-1`.
    #[serde(default)]
    #[schemars(range(min = -1, max = 65535))]
    pub to_port: Option<i32>,
    /// IPv4 ranges on the other side.
    #[serde(default)]
    pub cidr_blocks: BTreeSet<String>,
    /// IPv6 ranges on the other side.
    #[serde(default)]
    pub ipv6_cidr_blocks: BTreeSet<String>,
    /// Prefix lists on the other side.
    #[serde(default)]
    pub prefix_list_ids: BTreeSet<String>,
    /// Ids of groups; `account/sg-…` for those of another account.
    #[serde(default)]
    pub security_groups: BTreeSet<String>,
    /// The group itself is a peer.
    #[serde(default, rename = "self")]
    pub itself: bool,
    /// What the rule is for.
    #[serde(default)]
    pub description: Option<String>,
}

/// Blocks, compared by what they let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blocks(pub BTreeSet<Block>);

impl JsonSchema for Blocks {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "SecurityGroupRules".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = BTreeSet::<Block>::json_schema(generator);
        schema.insert("x-equality".into(), "security-group-rules".into());
        schema
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    Cidr(String),
    Cidr6(String),
    PrefixList(String),
    Group(String),
    Itself,
}

/// One peer, one range of ports: what AWS knows a rule by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    pub protocol: String,
    pub ports: Option<(i32, i32)>,
    pub peer: Peer,
}

/// Rules with their descriptions.
pub type Flows = BTreeMap<Flow, Option<String>>;

impl Flow {
    pub fn new(protocol_text: &str, from: Option<i32>, to: Option<i32>, peer: Peer) -> Self {
        let protocol = protocol(protocol_text);
        let ports = match protocol.as_str() {
            "-1" => None,
            _ => from.zip(to),
        };
        Self { protocol, ports, peer }
    }

    /// What AWS puts into every new group of a VPC.
    pub fn is_default_egress(&self) -> bool {
        let everywhere = match &self.peer {
            Peer::Cidr(it) => it == "0.0.0.0/0",
            Peer::Cidr6(it) => it == "::/0",
            Peer::PrefixList(_) | Peer::Group(_) | Peer::Itself => false,
        };
        self.protocol == "-1" && everywhere
    }

    /// A rule as `DescribeSecurityGroupRules` tells it.
    pub fn of_rule(it: &SecurityGroupRule) -> Option<Self> {
        let group = || {
            let info = it.referenced_group_info()?;
            let id = info.group_id()?;
            Some(group_peer(id, info.user_id(), it.group_id(), it.group_owner_id()))
        };
        let peer = (it.cidr_ipv4().map(|it| Peer::Cidr(it.into())))
            .or(it.cidr_ipv6().map(|it| Peer::Cidr6(it.into())))
            .or(it.prefix_list_id().map(|it| Peer::PrefixList(it.into())))
            .or_else(group)?;
        Some(Self::new(it.ip_protocol()?, it.from_port(), it.to_port(), peer))
    }
}

fn group_peer(id: &str, account: Option<&str>, own: Option<&str>, owner: Option<&str>) -> Peer {
    match (Some(id) == own, account) {
        (true, _) => Peer::Itself,
        (false, Some(other)) if owner.is_some_and(|owner| owner != other) => Peer::Group(format!("{other}/{id}")),
        (false, _) => Peer::Group(id.to_owned()),
    }
}

/// The rules of `own`, as its description tells them.
pub fn of_permissions(permissions: &[IpPermission], own: &str, owner: Option<&str>) -> Flows {
    let mut out = Flows::new();
    for it in permissions {
        let Some(protocol) = it.ip_protocol() else { continue };
        let flow = |peer| Flow::new(protocol, it.from_port(), it.to_port(), peer);
        let said = |text: Option<&str>| text.filter(|it| !it.is_empty()).map(str::to_owned);
        for range in it.ip_ranges() {
            out.extend(range.cidr_ip().map(|cidr| (flow(Peer::Cidr(cidr.into())), said(range.description()))));
        }
        for range in it.ipv6_ranges() {
            out.extend(range.cidr_ipv6().map(|cidr| (flow(Peer::Cidr6(cidr.into())), said(range.description()))));
        }
        for list in it.prefix_list_ids() {
            out.extend(list.prefix_list_id().map(|id| (flow(Peer::PrefixList(id.into())), said(list.description()))));
        }
        for pair in it.user_id_group_pairs() {
            let peer = pair.group_id().map(|id| group_peer(id, pair.user_id(), Some(own), owner));
            out.extend(peer.map(|peer| (flow(peer), said(pair.description()))));
        }
    }
    out
}

pub fn of_blocks(blocks: &Blocks) -> Flows {
    let mut out = Flows::new();
    for it in &blocks.0 {
        let peers = (it.cidr_blocks.iter().cloned().map(Peer::Cidr))
            .chain(it.ipv6_cidr_blocks.iter().cloned().map(Peer::Cidr6))
            .chain(it.prefix_list_ids.iter().cloned().map(Peer::PrefixList))
            .chain(it.security_groups.iter().cloned().map(Peer::Group))
            .chain(it.itself.then_some(Peer::Itself));
        out.extend(peers.map(|peer| (Flow::new(&it.protocol, it.from_port, it.to_port, peer), it.description.clone())));
    }
    out
}

/// One block for the peers that share ports and description.
pub fn to_blocks(flows: &Flows) -> Blocks {
    let mut by_ports: BTreeMap<_, Block> = BTreeMap::new();
    for (flow, description) in flows {
        let block = by_ports.entry((&flow.protocol, flow.ports, description)).or_insert_with(|| Block {
            protocol: flow.protocol.clone(),
            from_port: flow.ports.map(|it| it.0),
            to_port: flow.ports.map(|it| it.1),
            description: description.clone(),
            ..Block::default()
        });
        match &flow.peer {
            Peer::Cidr(it) => drop(block.cidr_blocks.insert(it.clone())),
            Peer::Cidr6(it) => drop(block.ipv6_cidr_blocks.insert(it.clone())),
            Peer::PrefixList(it) => drop(block.prefix_list_ids.insert(it.clone())),
            Peer::Group(it) => drop(block.security_groups.insert(it.clone())),
            Peer::Itself => block.itself = true,
        }
    }
    Blocks(by_ports.into_values().collect())
}

/// As a call takes them, for the group `own`.
pub fn to_permissions(flows: &Flows, own: &str) -> Vec<IpPermission> {
    let mut by_ports: BTreeMap<_, IpPermissionBuilder> = BTreeMap::new();
    for (flow, said) in flows {
        let key = (&flow.protocol, flow.ports);
        let (from, to) = flow.ports.unzip();
        let open = by_ports
            .remove(&key)
            .unwrap_or_else(|| IpPermission::builder().ip_protocol(&flow.protocol).set_from_port(from).set_to_port(to));
        by_ports.insert(key, with_peer(open, &flow.peer, said.clone(), own));
    }
    by_ports.into_values().map(IpPermissionBuilder::build).collect()
}

fn with_peer(open: IpPermissionBuilder, peer: &Peer, said: Option<String>, own: &str) -> IpPermissionBuilder {
    match peer {
        Peer::Cidr(it) => open.ip_ranges(IpRange::builder().cidr_ip(it).set_description(said).build()),
        Peer::Cidr6(it) => open.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(it).set_description(said).build()),
        Peer::PrefixList(it) => open.prefix_list_ids(PrefixListId::builder().prefix_list_id(it).set_description(said).build()),
        Peer::Group(it) => open.user_id_group_pairs(group_pair(it, said)),
        Peer::Itself => open.user_id_group_pairs(group_pair(own, said)),
    }
}

/// `sg-…`, or `account/sg-…`
fn group_pair(group: &str, said: Option<String>) -> UserIdGroupPair {
    let (account, id) = group.split_once('/').map_or((None, group), |(account, id)| (Some(account.to_owned()), id));
    UserIdGroupPair::builder().set_user_id(account).group_id(id).set_description(said).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        Block {
            protocol: "6".into(),
            from_port: Some(443),
            to_port: Some(443),
            cidr_blocks: ["10.0.0.0/8".into(), "0.0.0.0/0".into()].into(),
            security_groups: ["sg-2".into(), "222222222222/sg-3".into()].into(),
            itself: true,
            description: Some("web".into()),
            ..Block::default()
        }
    }

    #[test]
    fn what_is_written_comes_back_from_aws_the_same() {
        let flows = of_blocks(&Blocks([block()].into()));
        assert_eq!(flows.len(), 5);
        let sent = to_permissions(&flows, "sg-1");
        assert_eq!(sent.len(), 1, "one permission a protocol and port range");
        let back = of_permissions(&sent, "sg-1", Some("111111111111"));
        assert_eq!(back, flows);
        assert_eq!(to_blocks(&back).0, [Block { protocol: "tcp".into(), ..block() }].into());
    }

    #[test]
    fn all_protocols_have_no_ports() {
        let all = Block {
            protocol: "-1".into(),
            from_port: Some(0),
            to_port: Some(0),
            cidr_blocks: ["0.0.0.0/0".into()].into(),
            ..Block::default()
        };
        let flows = of_blocks(&Blocks([all].into()));
        let (flow, _) = flows.first_key_value().unwrap();
        assert_eq!((flow.ports, flow.is_default_egress()), (None, true));
    }
}
