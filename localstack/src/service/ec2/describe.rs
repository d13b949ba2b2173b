//! Reading: ids that do not exist, late visibility, held states, filters and pages.

use hyper::StatusCode;

use crate::form::{Filter, Form};
use crate::gateway::{Answer, Call, Local, Refusal, Reply};
use crate::xml::Node;

use super::pages::Page;
use super::{error, group_rules, interfaces, order, pass_on, tags, templates};

/// What has to be known about a `Describe` action.
pub struct Table {
    action: &'static str,
    /// The list in the answer, and the id in each entry.
    set: &'static str,
    id: &'static str,
    /// The parameter that lists ids.
    ids: &'static str,
    /// Where the state is that the gateway may hold.
    state: Option<&'static str>,
    /// AWS's largest page; 0 where AWS has no pages.
    page: usize,
    /// Filters that the emulator gets wrong or does not know: name and where the value is.
    filters: &'static [(&'static str, &'static [&'static str])],
}

const fn table(action: &'static str, set: &'static str, id: &'static str, ids: &'static str, page: usize) -> Table {
    Table { action, set, id, ids, state: None, page, filters: &[] }
}

/// Page sizes are the upper bounds of `MaxResults` in the API Reference.
static TABLES: [Table; 17] = [
    table("DescribeAddresses", "addressesSet", "allocationId", "AllocationId", 0),
    table("DescribeFlowLogs", "flowLogSet", "flowLogId", "FlowLogId", 1000),
    Table {
        filters: &[("attachment.vpc-id", &["attachmentSet", "item", "vpcId"]), ("internet-gateway-id", &["internetGatewayId"])],
        ..table("DescribeInternetGateways", "internetGatewaySet", "internetGatewayId", "InternetGatewayId", 1000)
    },
    table("DescribeLaunchTemplates", "launchTemplates", "launchTemplateId", "LaunchTemplateId", 200),
    // The versions that are asked for are no ids.
    table("DescribeLaunchTemplateVersions", "launchTemplateVersionSet", "launchTemplateId", "LaunchTemplateVersion", 200),
    table("DescribeManagedPrefixLists", "prefixListSet", "prefixListId", "PrefixListId", 100),
    Table {
        state: Some("state"),
        filters: &[
            ("state", &["state"]),
            ("subnet-id", &["subnetId"]),
            ("vpc-id", &["vpcId"]),
            ("nat-gateway-id", &["natGatewayId"]),
        ],
        ..table("DescribeNatGateways", "natGatewaySet", "natGatewayId", "NatGatewayId", 1000)
    },
    table("DescribeNetworkAcls", "networkAclSet", "networkAclId", "NetworkAclId", 1000),
    Table {
        filters: &[("status", &["status"])],
        ..table("DescribeNetworkInterfaces", "networkInterfaceSet", "networkInterfaceId", "NetworkInterfaceId", 1000)
    },
    Table {
        filters: &[
            ("association.gateway-id", &["associationSet", "item", "gatewayId"]),
            ("association.subnet-id", &["associationSet", "item", "subnetId"]),
        ],
        ..table("DescribeRouteTables", "routeTableSet", "routeTableId", "RouteTableId", 100)
    },
    table("DescribeSecurityGroupRules", "securityGroupRuleSet", "securityGroupRuleId", "SecurityGroupRuleId", 1000),
    table("DescribeSecurityGroups", "securityGroupInfo", "groupId", "GroupId", 1000),
    Table {
        state: Some("state"),
        filters: &[("state", &["state"])],
        ..table("DescribeSubnets", "subnetSet", "subnetId", "SubnetId", 1000)
    },
    Table {
        filters: &[
            ("key", &["key"]),
            ("value", &["value"]),
            ("resource-id", &["resourceId"]),
            ("resource-type", &["resourceType"]),
        ],
        ..table("DescribeTags", "tagSet", "resourceId", "ResourceId", 1000)
    },
    table("DescribeVpcEndpoints", "vpcEndpointSet", "vpcEndpointId", "VpcEndpointId", 1000),
    Table { state: Some("state"), filters: &[("state", &["state"])], ..table("DescribeVpcs", "vpcSet", "vpcId", "VpcId", 1000) },
    table("DescribeVpcPeeringConnections", "vpcPeeringConnectionSet", "vpcPeeringConnectionId", "VpcPeeringConnectionId", 1000),
];

/// More than anybody has.
const MOST: &str = "1000000";

/// The table of an action, if its answers need work.
pub fn table_of(action: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.action == action)
}

pub async fn serve(local: &Local, mut call: Call, table: &Table) -> Answer {
    local.ec2.visible(&call.form)?;
    let settings = local.control.settings(&call.account);
    let page = Page::asked(&mut call, table.page, settings.page_size)?;
    if let Some(token) = &page.token {
        let (set, next) = local.ec2.listings.page(token, &page)?;
        let root = Node::new(&format!("{}Response", call.action)).with(Node::leaf("requestId", &call.request_id));
        return Ok(Reply::xml(StatusCode::OK, &finish(root, table.set, set, next)));
    }
    let (ours, theirs) = split(&call.form, table);
    call.form.set_filters(&theirs);
    if table.action.starts_with("DescribeLaunchTemplate") {
        // Without it moto shows fifteen.
        call.form.set("MaxResults", MOST);
    }
    let (action, account, again) = (call.action.clone(), call.account.clone(), call.without_body());
    let mut reply = ask(local, call, table).await?;
    if !reply.status.is_success() {
        return Ok(reply);
    }
    let Some(mut document) = reply.take_document() else {
        return Ok(reply);
    };
    if let Some(mut set) = document.take(table.set) {
        set.children.retain(|item| !local.ec2.is_hidden(item.get(table.id)));
        show_held(local, table, &mut set);
        match action.as_str() {
            "DescribeSecurityGroupRules" => group_rules::annotate_rules(local, &account, &mut set),
            "DescribeSecurityGroups" => group_rules::annotate_groups(local, &mut set),
            "DescribeNetworkInterfaces" => interfaces::annotate(local, &mut set),
            "DescribeLaunchTemplates" => templates::tag(local, &again, &mut set).await?,
            "DescribeLaunchTemplateVersions" => templates::tidy(&mut set),
            "DescribeTags" => set.children = tags::living(local, &mut set),
            "DescribeNetworkAcls" => set.children.retain(|item| !local.ec2.is_gone(item.get("vpcId"))),
            _ => {}
        }
        set.children.retain(|item| ours.iter().all(|filter| passes(item, filter, table)));
        if let Some(seed) = settings.shuffle {
            order::shuffle(&mut set, seed);
        }
        let (set, next) = local.ec2.listings.first(set.children, &page);
        document = finish(document, table.set, set, next);
    }
    reply.set_document(document);
    Ok(reply)
}

/// moto's answer; ids that it does not know are refused as AWS refuses them.
async fn ask(local: &Local, call: Call, table: &Table) -> Answer {
    let wanted = call.form.list(table.ids);
    let everything = everything(&call, table);
    let reply = match pass_on(local, call).await {
        Err(refusal) if wanted.len() > 1 && refusal.code.contains("NotFound") => {
            // moto names all ids that were asked for, AWS those that are missing.
            missing(table, &wanted, &pass_on(local, everything).await?)?;
            return Err(refusal);
        }
        answer => answer?,
    };
    if reply.status.is_success() {
        missing(table, &wanted, &reply)?;
    }
    Ok(reply)
}

fn show_held(local: &Local, table: &Table, set: &mut Node) {
    let Some(field) = table.state else {
        return;
    };
    for item in &mut set.children {
        if let Some(state) = local.held.look(item.get(table.id)) {
            item.set(field, state);
        }
    }
}

fn finish(mut document: Node, name: &str, items: Vec<Node>, next: Option<String>) -> Node {
    let mut set = Node::new(name);
    set.children = items;
    document.children.retain(|child| child.name != "nextToken");
    document.children.push(set);
    document.children.extend(next.map(|next| Node::leaf("nextToken", next)));
    document
}

/// The same question without naming ids.
fn everything(call: &Call, table: &Table) -> Call {
    let mut all = call.without_body();
    all.form.remove_all(table.ids);
    all.form.remove_all("Filter");
    all
}

/// moto leaves unknown NAT gateways out where AWS refuses.
fn missing(table: &Table, wanted: &[String], reply: &Reply) -> Result<(), Refusal> {
    if wanted.is_empty() || table.action == "DescribeTags" {
        return Ok(());
    }
    let document = reply.document().unwrap_or_default();
    let found = |id: &String| document.items(table.set).any(|item| item.get(table.id) == id);
    let lost = wanted.iter().filter(|id| error::is_id(id) && !found(id)).map(String::as_str);
    match lost.collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        ids => Err(error::all_not_found(ids)),
    }
}

/// Filters that the gateway applies, and those that the emulator does right.
fn split(form: &Form, table: &Table) -> (Vec<Filter>, Vec<Filter>) {
    form.filters().into_iter().partition(|filter| {
        let name = filter.name.as_str();
        let is_tag = name.starts_with("tag:") || name == "tag-key";
        is_tag || table.filters.iter().any(|(known, _)| *known == name)
    })
}

fn passes(item: &Node, filter: &Filter, table: &Table) -> bool {
    let any = |value: &str| filter.values.iter().any(|pattern| matches(pattern, value));
    if let Some(key) = filter.name.strip_prefix("tag:") {
        if table.action == "DescribeTags" {
            return item.get("key") == key && any(item.get("value"));
        }
        return item.items("tagSet").any(|tag| tag.get("key") == key && any(tag.get("value")));
    }
    if filter.name == "tag-key" {
        return item.items("tagSet").any(|tag| any(tag.get("key")));
    }
    let path = table.filters.iter().find(|(name, _)| *name == filter.name).map(|(_, path)| *path);
    path.is_none_or(|path| texts(item, path).iter().any(|value| any(value)))
}

/// All texts at a path; a list on the way fans out.
fn texts<'a>(node: &'a Node, path: &[&str]) -> Vec<&'a str> {
    match path {
        [] => vec![node.text.as_str()],
        [name, rest @ ..] => {
            node.children.iter().filter(|child| child.name == *name).flat_map(|child| texts(child, rest)).collect()
        }
    }
}

/// Wildcards of EC2 filters: `*` for any text, `?` for one character, a backslash before either takes it literally.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern_chars.as_str();
            text.char_indices().map(|(at, _)| &text[at..]).chain([""]).any(|tail| matches(rest, tail))
        }
        Some(first) => {
            let literal = if first == '\\' { pattern_chars.next() } else { Some(first) };
            let mut chars = text.chars();
            match (chars.next(), literal) {
                (Some(_), Some('?')) if first == '?' => matches(pattern_chars.as_str(), chars.as_str()),
                (Some(given), Some(wanted)) => given == wanted && matches(pattern_chars.as_str(), chars.as_str()),
                _ => false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a\\*c", "a*c", true),
            ("a\\*c", "abc", false),
            ("ä*", "äb", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
