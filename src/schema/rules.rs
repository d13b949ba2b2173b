//! Security group rules. A block may name many peers, and AWS puts those of one port together as it likes: two sets of blocks
//! mean the same when they let the same through.

use std::sync::Arc;

use crate::value::{Members, Value};

/// The members of a block that name peers.
pub const PEERS: &[&str] = &["cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups"];
/// The member that names the group itself as a peer.
pub const ITSELF: &str = "self";

/// AWS's own name of a protocol: it takes numbers too and answers with names, and `-1` is all of them.
pub fn protocol(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "all" => "-1",
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "icmpv6",
        other => return other.to_owned(),
    }
    .to_owned()
}

/// One rule for each peer of each block, with nothing in it that does not count.
pub fn one_by_one(blocks: impl Iterator<Item = Value>) -> Value {
    Value::set(blocks.flat_map(|it| match it.members() {
        Some(block) => split(block),
        None => vec![it],
    }))
}

fn split(block: &Members) -> Vec<Value> {
    let mut common = block.clone();
    common.retain(|key, it| !PEERS.contains(&&**key) && &**key != ITSELF && it.as_str() != Some(""));
    if let Some(name) = common.get("protocol").and_then(Value::as_str).map(protocol) {
        if name == "-1" {
            common.retain(|key, _| &**key != "from_port" && &**key != "to_port");
        }
        common.insert("protocol".into(), Value::string(name));
    }
    let with = |peer: &str, it: &Value| {
        let mut one = common.clone();
        one.insert(peer.into(), it.clone());
        Value::Object(Arc::new(one))
    };
    let mut out = Vec::new();
    for name in PEERS {
        let Some(peers) = block.get(*name) else { continue };
        match peers.items() {
            Some(items) => out.extend(items.into_iter().map(|it| with(name, it))),
            None => out.push(with(name, peers)),
        }
    }
    match block.get(ITSELF) {
        None | Some(Value::Bool(false)) => {}
        Some(it) => out.push(with(ITSELF, it)),
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(blocks: serde_json::Value) -> Value {
        let blocks = Value::from_json(&blocks);
        one_by_one(blocks.items().unwrap().into_iter().cloned())
    }

    #[test]
    fn blocks_that_let_the_same_through_are_equal() {
        let together =
            json!([{ "protocol": "6", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8", "192.168.0.0/16"] }]);
        let apart = json!([
            { "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["192.168.0.0/16"], "self": false },
            { "protocol": "TCP", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"], "description": "" },
        ]);
        assert_eq!(rules(together.clone()), rules(apart));
        let other =
            json!([{ "protocol": "tcp", "from_port": 80, "to_port": 443, "cidr_blocks": ["10.0.0.0/8", "192.168.0.0/16"] }]);
        assert_ne!(rules(together), rules(other));
    }

    #[test]
    fn all_protocols_have_no_ports_and_a_group_may_name_itself() {
        let zero = json!([{ "protocol": "-1", "from_port": 0, "to_port": 0, "self": true }]);
        let none = json!([{ "protocol": "all", "self": true }]);
        assert_eq!(rules(zero.clone()), rules(none));
        assert_ne!(rules(zero), rules(json!([])));
        assert_eq!(rules(json!([{ "protocol": "-1" }])), rules(json!([])), "without a peer nothing is let through");
    }
}
