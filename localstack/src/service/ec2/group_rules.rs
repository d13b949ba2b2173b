//! Security groups and their rules.
//!
//! moto keeps the rules; the gateway knows them too, because moto forgets descriptions, answers only for the last of
//! several permissions, and stops half-way when one of them exists.

use std::collections::{BTreeMap, HashMap};

use hyper::StatusCode;

use super::error::{dependency, not_found};
use super::{network, pass_on};
use crate::form::Form;
use crate::gateway::{Answer, Call, Local, Refusal, Reply};
use crate::lock;
use crate::xml::Node;

/// The rules of every group that was touched, by group and rule id.
pub type Groups = HashMap<String, Rules>;

type Rules = BTreeMap<String, Rule>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    key: Key,
    description: String,
}

/// What makes two rules of one group the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    egress: bool,
    protocol: String,
    from: String,
    to: String,
    peer: String,
}

impl Key {
    fn new(egress: bool, protocol: &str, from: &str, to: &str, peer: &str) -> Self {
        let protocol = match protocol {
            "1" => "icmp",
            "6" => "tcp",
            "17" => "udp",
            "58" => "icmpv6",
            "all" => "-1",
            other => other,
        };
        let port = |text: &str| {
            if text.is_empty() || protocol == "-1" { "-1".to_owned() } else { text.to_owned() }
        };
        Self { egress, protocol: protocol.to_owned(), from: port(from), to: port(to), peer: peer.to_owned() }
    }

    fn of_item(item: &Node) -> Self {
        let peer = ["cidrIpv4", "cidrIpv6", "prefixListId"]
            .into_iter()
            .map(|name| item.get(name))
            .find(|text| !text.is_empty())
            .or_else(|| item.find(&["referencedGroupInfo", "groupId"]).map(|id| id.text.as_str()));
        Self::new(
            item.get("isEgress") == "true",
            item.get("ipProtocol"),
            item.get("fromPort"),
            item.get("toPort"),
            peer.unwrap_or_default(),
        )
    }

    fn duplicate(&self) -> Refusal {
        let Self { protocol, from, to, peer, .. } = self;
        Refusal::new(
            "InvalidPermission.Duplicate",
            format!(
                "the specified rule \"peer: {peer}, {}, from port: {from}, to port: {to}, ALLOW\" already exists",
                protocol.to_uppercase()
            ),
        )
    }
}

/// Lists of peers in a permission: the list, the field that is the peer, and what DescribeSecurityGroups calls it.
const PEERS: [(&str, &str, &str, &str); 4] = [
    ("IpRanges", "CidrIp", "ipRanges", "cidrIp"),
    ("Ipv6Ranges", "CidrIpv6", "ipv6Ranges", "cidrIpv6"),
    ("PrefixListIds", "PrefixListId", "prefixListIds", "prefixListId"),
    ("Groups", "GroupId", "groups", "groupId"),
];

/// The rules that a permission (`IpPermissions.1`, or the call itself) stands for.
fn rules_of(form: &Form, prefix: &str, egress: bool) -> Vec<Rule> {
    let get = |name: &str| form.get(&format!("{prefix}{name}")).unwrap_or_default();
    let rule = |peer: &str, description: &str| Rule {
        key: Key::new(egress, get("IpProtocol"), get("FromPort"), get("ToPort"), peer),
        description: description.to_owned(),
    };
    let mut rules = Vec::new();
    for name in ["CidrIp", "CidrIpv6"] {
        if !get(name).is_empty() {
            rules.push(rule(get(name), ""));
        }
    }
    for (list, field, ..) in PEERS {
        for index in form.indices(&format!("{prefix}{list}")) {
            let peer = get(&format!("{list}.{index}.{field}"));
            rules.push(rule(peer, get(&format!("{list}.{index}.Description"))));
        }
    }
    rules
}

/// Prefixes of the permissions in a call; the call itself where it has none.
fn permissions(form: &Form) -> Vec<String> {
    let numbered = form.indices("IpPermissions");
    if numbered.is_empty() {
        return vec![String::new()];
    }
    numbered.into_iter().map(|index| format!("IpPermissions.{index}.")).collect()
}

fn wanted(form: &Form, egress: bool) -> Vec<Rule> {
    permissions(form).iter().flat_map(|prefix| rules_of(form, prefix, egress)).collect()
}

fn group_of(call: &Call) -> String {
    call.form.get("GroupId").unwrap_or_default().to_owned()
}

fn is_egress(call: &Call) -> bool {
    call.action.ends_with("Egress")
}

/// What is known of a group's rules. Of a group that was made here only the rule it was born with is not known: if a
/// call is about that one, [`all_rules`] finds it.
async fn rules(local: &Local, call: &Call, group: &str) -> Result<Rules, Refusal> {
    if let Some(known) = lock(&local.ec2.groups).get(group) {
        return Ok(known.clone());
    }
    let form = Form::of("DescribeSecurityGroups", &[("GroupId.1", group)]);
    local.ask(call, &form).await?;
    all_rules(local, call, group).await
}

/// The rules as moto has them, with the descriptions that the gateway knows.
async fn all_rules(local: &Local, call: &Call, group: &str) -> Result<Rules, Refusal> {
    let form = Form::of("DescribeSecurityGroupRules", &[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", group)]);
    let found = local.ask(call, &form).await?;
    let mut groups = lock(&local.ec2.groups);
    let known = groups.entry(group.to_owned()).or_default();
    for item in found.items("securityGroupRuleSet") {
        let id = item.get("securityGroupRuleId").to_owned();
        known.entry(id).or_insert_with(|| Rule { key: Key::of_item(item), description: item.get("description").to_owned() });
    }
    Ok(known.clone())
}

/// AuthorizeSecurityGroupIngress and -Egress: all rules or none.
pub async fn authorize(local: &Local, call: Call) -> Answer {
    let group = group_of(&call);
    let egress = is_egress(&call);
    let known = rules(local, &call, &group).await?;
    let wanted = wanted(&call.form, egress);
    for (index, rule) in wanted.iter().enumerate() {
        let twice = wanted[..index].iter().any(|other| other.key == rule.key);
        if twice || known.values().any(|other| other.key == rule.key) {
            return Err(rule.key.duplicate());
        }
    }
    let mut made: Vec<Node> = Vec::new();
    for prefix in permissions(&call.form) {
        let answered = local.ask(&call, &one_permission(&call.form, &prefix)).await;
        match answered {
            Ok(document) => made.extend(document.items("securityGroupRuleSet").cloned()),
            Err(refusal) => {
                undo(local, &call, &group, egress, &made).await?;
                return Err(refusal);
            }
        }
    }
    let mut groups = lock(&local.ec2.groups);
    let all = groups.entry(group).or_default();
    let mut set = Node::new("securityGroupRuleSet");
    for mut item in made {
        let key = Key::of_item(&item);
        let asked = wanted.iter().find(|rule| rule.key == key);
        let rule = Rule { description: asked.map_or_else(String::new, |rule| rule.description.clone()), key };
        complete(&mut item, &rule, &call.account);
        all.insert(item.get("securityGroupRuleId").to_owned(), rule);
        set.children.push(item);
    }
    Ok(success(&call, Some(set)))
}

/// The call with only one of its permissions.
fn one_permission(form: &Form, prefix: &str) -> Form {
    if prefix.is_empty() {
        return form.clone();
    }
    let mut one = form.clone();
    one.remove_all("IpPermissions");
    for name in form.names().filter(|name| name.starts_with(prefix)) {
        let rest = name.strip_prefix(prefix).unwrap_or_default();
        let value = form.get(name).unwrap_or_default();
        one.set(&format!("IpPermissions.1.{rest}"), value);
    }
    one
}

async fn undo(local: &Local, call: &Call, group: &str, egress: bool, made: &[Node]) -> Result<(), Refusal> {
    if made.is_empty() {
        return Ok(());
    }
    let direction = if egress { "Egress" } else { "Ingress" };
    let action = format!("RevokeSecurityGroup{direction}");
    let mut form = Form::of(&action, &[("GroupId", group)]);
    for (index, item) in made.iter().enumerate() {
        form.set(&format!("SecurityGroupRuleId.{}", index + 1), item.get("securityGroupRuleId"));
    }
    local.ask(call, &form).await.map(|_| ())
}

/// RevokeSecurityGroupIngress and -Egress: all rules or none.
pub async fn revoke(local: &Local, call: Call) -> Answer {
    let group = group_of(&call);
    let known = all_rules(local, &call, &group).await?;
    let mut ids = call.form.list("SecurityGroupRuleId");
    if let Some(id) = ids.iter().find(|id| !known.contains_key(*id)) {
        return Err(not_found(id));
    }
    if ids.is_empty() {
        for rule in wanted(&call.form, is_egress(&call)) {
            ids.push(find(&known, &rule.key)?);
        }
    }
    let mut form = Form::of(&call.action, &[("GroupId", &group)]);
    for (index, id) in ids.iter().enumerate() {
        form.set(&format!("SecurityGroupRuleId.{}", index + 1), id.clone());
    }
    local.ask(&call, &form).await?;
    if let Some(rules) = lock(&local.ec2.groups).get_mut(&group) {
        rules.retain(|id, _| !ids.contains(id));
    }
    ids.iter().for_each(|id| local.ec2.gone(id));
    Ok(success(&call, None))
}

fn find(known: &Rules, key: &Key) -> Result<String, Refusal> {
    let found = known.iter().find(|(_, rule)| rule.key == *key);
    found
        .map(|(id, _)| id.clone())
        .ok_or_else(|| Refusal::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group."))
}

/// UpdateSecurityGroupRuleDescriptionsIngress and -Egress.
pub async fn describe(local: &Local, call: Call) -> Answer {
    let group = group_of(&call);
    let known = all_rules(local, &call, &group).await?;
    let mut changes: Vec<(String, String)> = Vec::new();
    for index in call.form.indices("SecurityGroupRuleDescription") {
        let get = |name: &str| {
            let name = format!("SecurityGroupRuleDescription.{index}.{name}");
            call.form.get(&name).unwrap_or_default().to_owned()
        };
        let id = get("SecurityGroupRuleId");
        if !known.contains_key(&id) {
            return Err(not_found(&id));
        }
        changes.push((id, get("Description")));
    }
    if changes.is_empty() {
        for rule in wanted(&call.form, is_egress(&call)) {
            changes.push((find(&known, &rule.key)?, rule.description));
        }
    }
    let mut groups = lock(&local.ec2.groups);
    let rules = groups.entry(group).or_default();
    for (id, description) in changes {
        if let Some(rule) = rules.get_mut(&id) {
            rule.description = description;
        }
    }
    Ok(success(&call, None))
}

/// ModifySecurityGroupRules replaces whole rules and keeps their ids.
pub async fn modify(local: &Local, call: Call) -> Answer {
    let group = group_of(&call);
    let mut after = all_rules(local, &call, &group).await?;
    for index in call.form.indices("SecurityGroupRule") {
        let prefix = format!("SecurityGroupRule.{index}.");
        let get = |name: &str| call.form.get(&format!("{prefix}{name}")).unwrap_or_default();
        let id = get("SecurityGroupRuleId").to_owned();
        let Some(old) = after.get(&id) else {
            return Err(not_found(&id));
        };
        let peer = ["CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId"]
            .into_iter()
            .map(|name| get(&format!("SecurityGroupRule.{name}")))
            .find(|text| !text.is_empty());
        let key = Key::new(
            old.key.egress,
            get("SecurityGroupRule.IpProtocol"),
            get("SecurityGroupRule.FromPort"),
            get("SecurityGroupRule.ToPort"),
            peer.unwrap_or_default(),
        );
        if after.iter().any(|(other, rule)| *other != id && rule.key == key) {
            return Err(key.duplicate());
        }
        let description = get("SecurityGroupRule.Description").to_owned();
        after.insert(id, Rule { key, description });
    }
    let reply = pass_on(local, call).await?;
    if reply.status.is_success() {
        lock(&local.ec2.groups).insert(group, after);
    }
    Ok(reply)
}

pub async fn create_group(local: &Local, call: Call) -> Answer {
    let name = call.form.get("GroupName").unwrap_or_default();
    if name.eq_ignore_ascii_case("default") {
        return Err(Refusal::new("InvalidParameterValue", "Cannot use reserved security group name: default"));
    }
    if let Some(vpc) = call.form.get("VpcId") {
        network::require_vpc(local, &call, vpc).await?;
    }
    let reply = pass_on(local, call).await?;
    if let Some(document) = reply.document().filter(|_| reply.status.is_success()) {
        let group = document.get("groupId").to_owned();
        lock(&local.ec2.groups).insert(group, Rules::new());
    }
    Ok(reply)
}

pub async fn delete_group(local: &Local, call: Call) -> Answer {
    let group = group_of(&call);
    // A group that was made here is not a default group.
    if !lock(&local.ec2.groups).contains_key(&group) {
        refuse_default(local, &call, &group).await?;
    }
    let form = Form::of("DescribeNetworkInterfaces", &[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", &group)]);
    let interfaces = local.ask(&call, &form).await?;
    let referenced =
        lock(&local.ec2.groups).iter().any(|(other, rules)| *other != group && rules.values().any(|rule| rule.key.peer == group));
    if referenced || interfaces.items("networkInterfaceSet").next().is_some() {
        return Err(dependency(format!("resource {group} has a dependent object")));
    }
    let reply = pass_on(local, call).await?;
    if reply.status.is_success() {
        let rules = lock(&local.ec2.groups).remove(&group);
        rules.iter().flat_map(Rules::keys).for_each(|id| local.ec2.gone(id));
    }
    Ok(reply)
}

async fn refuse_default(local: &Local, call: &Call, group: &str) -> Result<(), Refusal> {
    let form = Form::of("DescribeSecurityGroups", &[("GroupId.1", group)]);
    let found = local.ask(call, &form).await?;
    let is_default = found.items("securityGroupInfo").any(|item| item.get("groupName") == "default");
    if is_default {
        return Err(Refusal::new(
            "CannotDelete",
            format!("the specified group: \"{group}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    Ok(())
}

/// What moto leaves out of the entries of DescribeSecurityGroupRules.
pub fn annotate_rules(local: &Local, account: &str, set: &mut Node) {
    let groups = lock(&local.ec2.groups);
    for item in &mut set.children {
        let known = groups.get(item.get("groupId")).and_then(|rules| rules.get(item.get("securityGroupRuleId")));
        let rule =
            known.cloned().unwrap_or_else(|| Rule { key: Key::of_item(item), description: item.get("description").to_owned() });
        complete(item, &rule, account);
    }
}

/// Descriptions in DescribeSecurityGroups.
pub fn annotate_groups(local: &Local, set: &mut Node) {
    let groups = lock(&local.ec2.groups);
    for item in &mut set.children {
        let Some(rules) = groups.get(item.get("groupId")) else {
            continue;
        };
        for (list, egress) in [("ipPermissions", false), ("ipPermissionsEgress", true)] {
            let permissions = item.child_mut(list);
            for permission in permissions.into_iter().flat_map(|list| &mut list.children) {
                annotate_permission(permission, egress, rules);
            }
        }
    }
}

fn annotate_permission(permission: &mut Node, egress: bool, rules: &Rules) {
    let text = |name: &str| permission.get(name).to_owned();
    let (protocol, from, to) = (text("ipProtocol"), text("fromPort"), text("toPort"));
    for (_, _, list, field) in PEERS {
        let peers = permission.child_mut(list);
        for peer in peers.into_iter().flat_map(|list| &mut list.children) {
            let key = Key::new(egress, &protocol, &from, &to, peer.get(field));
            if let Some(rule) = rules.values().find(|rule| rule.key == key) {
                describe_node(peer, &rule.description);
            }
        }
    }
}

fn complete(item: &mut Node, rule: &Rule, account: &str) {
    item.set("groupOwnerId", account);
    item.set("fromPort", rule.key.from.clone());
    item.set("toPort", rule.key.to.clone());
    describe_node(item, &rule.description);
}

fn describe_node(node: &mut Node, description: &str) {
    node.children.retain(|child| child.name != "description");
    if !description.is_empty() {
        node.children.push(Node::leaf("description", description));
    }
}

fn success(call: &Call, rules: Option<Node>) -> Reply {
    let mut document = Node::new(&format!("{}Response", call.action))
        .with(Node::leaf("requestId", &call.request_id))
        .with(Node::leaf("return", "true"));
    document.children.extend(rules);
    Reply::xml(StatusCode::OK, &document)
}
