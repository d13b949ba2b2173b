//! Reading: ids that do not exist, late visibility, held states, filters and pages.

use crate::control::Settings;
use crate::form::{Filter, Form};
use crate::gateway::{Answer, Call, Local, Refusal};
use crate::xml::Node;

use super::{error, group_rules, pass_on, tags};

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
static TABLES: [Table; 15] = [
    table("DescribeAddresses", "addressesSet", "allocationId", "AllocationId", 0),
    table("DescribeFlowLogs", "flowLogSet", "flowLogId", "FlowLogId", 1000),
    Table {
        filters: &[("attachment.vpc-id", &["attachmentSet", "item", "vpcId"]), ("internet-gateway-id", &["internetGatewayId"])],
        ..table("DescribeInternetGateways", "internetGatewaySet", "internetGatewayId", "InternetGatewayId", 1000)
    },
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
    table("DescribeNetworkInterfaces", "networkInterfaceSet", "networkInterfaceId", "NetworkInterfaceId", 1000),
    table("DescribeRouteTables", "routeTableSet", "routeTableId", "RouteTableId", 100),
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

/// The table of an action, if its answers need work.
pub fn table_of(action: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.action == action)
}

pub async fn serve(local: &Local, mut call: Call, table: &Table) -> Answer {
    local.ec2.visible(&call.form)?;
    let settings = local.control.settings(&call.account);
    let page = Page::asked(&mut call, table, settings)?;
    let (ours, theirs) = split(&call.form, table);
    call.form.set_filters(&theirs);
    let wanted = call.form.list(table.ids);
    let (action, account) = (call.action.clone(), call.account.clone());
    let everything = everything(&call, table);
    let mut reply = match pass_on(local, call).await {
        Err(refusal) if wanted.len() > 1 && refusal.code.contains("NotFound") => {
            // moto names all ids that were asked for, AWS those that are missing.
            let all = pass_on(local, everything).await?.document();
            let set = all.as_ref().and_then(|document| document.child(table.set));
            set.map_or(Ok(()), |set| missing(table, &wanted, set))?;
            return Err(refusal);
        }
        answer => answer?,
    };
    let Some(mut document) = reply.document().filter(|_| reply.status.is_success()) else {
        return Ok(reply);
    };
    if let Some(set) = document.child_mut(table.set) {
        missing(table, &wanted, set)?;
        set.children.retain(|item| !local.ec2.is_hidden(item.get(table.id)));
        for item in &mut set.children {
            if let Some(field) = table.state
                && let Some(state) = local.held.look(item.get(table.id))
            {
                item.set(field, state);
            }
        }
        match action.as_str() {
            "DescribeSecurityGroupRules" => group_rules::annotate_rules(local, &account, set),
            "DescribeSecurityGroups" => group_rules::annotate_groups(local, set),
            "DescribeTags" => set.children = tags::living(local, set),
            "DescribeNetworkAcls" => {
                set.children.retain(|item| !local.ec2.is_gone(item.get("vpcId")));
            }
            _ => {}
        }
        set.children.retain(|item| ours.iter().all(|filter| passes(item, filter, table)));
        let next = page.cut(set);
        document.children.retain(|child| child.name != "nextToken");
        if let Some(next) = next {
            document.children.push(Node::leaf("nextToken", next));
        }
    }
    reply.set_document(&document);
    Ok(reply)
}

/// The same question without naming ids.
fn everything(call: &Call, table: &Table) -> Call {
    let mut all = call.without_body();
    all.form.remove_all(table.ids);
    all.form.remove_all("Filter");
    all
}

/// moto leaves unknown NAT gateways out where AWS refuses.
fn missing(table: &Table, wanted: &[String], set: &Node) -> Result<(), Refusal> {
    let found = |id: &String| set.children.iter().any(|item| item.get(table.id) == id);
    if table.action == "DescribeTags" {
        return Ok(());
    }
    let lost: Vec<&str> = wanted.iter().filter(|id| error::is_id(id) && !found(id)).map(String::as_str).collect();
    match lost.as_slice() {
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

/// Which part of a list is asked for.
struct Page {
    from: usize,
    size: usize,
    /// What the list was asked for; a token is good only for the same question.
    question: String,
}

impl Page {
    fn asked(call: &mut Call, table: &Table, settings: Settings) -> Result<Self, Refusal> {
        let question = call.form.canonical(&["MaxResults", "NextToken", "Version"]);
        let limit = match table.page {
            0 => usize::MAX,
            size => settings.page_size.unwrap_or(size).min(size).max(1),
        };
        let mut size = limit;
        if let Some(text) = call.form.get("MaxResults").filter(|_| table.page > 0) {
            let asked: usize = text.parse().unwrap_or_default();
            if !(5..=table.page.max(1000)).contains(&asked) {
                return Err(Refusal::new(
                    "InvalidParameterValue",
                    format!("Value ( {text} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."),
                ));
            }
            size = asked.min(limit);
        }
        let from = match call.form.get("NextToken").filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => {
                read_token(token, &question).ok_or_else(|| Refusal::new("InvalidNextToken", format!("Invalid token: {token}")))?
            }
        };
        call.form.remove("MaxResults");
        call.form.remove("NextToken");
        Ok(Self { from, size, question })
    }

    /// Leaves only this page in the list; returns the token of the next.
    fn cut(&self, set: &mut Node) -> Option<String> {
        let all = std::mem::take(&mut set.children);
        let end = self.from.saturating_add(self.size);
        let more = end < all.len();
        set.children = all.into_iter().skip(self.from).take(self.size).collect();
        more.then(|| write_token(end, &self.question))
    }
}

fn write_token(from: usize, question: &str) -> String {
    use base64::Engine as _;
    let text = format!("{from}/{:016x}", digest(question));
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn read_token(token: &str, question: &str) -> Option<usize> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(token).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (from, check) = text.split_once('/')?;
    (check == format!("{:016x}", digest(question))).then_some(())?;
    from.parse().ok()
}

fn digest(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
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

    #[test]
    fn a_token_is_good_for_one_question_only() {
        let token = write_token(40, "a");
        assert_eq!(read_token(&token, "a"), Some(40));
        assert_eq!(read_token(&token, "b"), None);
        assert_eq!(read_token("banana", "a"), None);
    }
}
