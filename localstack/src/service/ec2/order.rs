//! AWS promises no order: lists, and lists within their entries, come as a number decides.

use crate::xml::Node;

/// Puts the entries of every list in `node` in an order of that number's own, the same each time.
pub fn shuffle(node: &mut Node, seed: u64) {
    node.children.iter_mut().for_each(|child| shuffle(child, seed));
    if node.children.iter().all(|child| child.name == "item") {
        let mut keyed: Vec<(u64, Node)> =
            std::mem::take(&mut node.children).into_iter().zip(0..).map(|(child, at)| (mixed(seed ^ at), child)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        node.children = keyed.into_iter().map(|(_, child)| child).collect();
    }
}

/// Of SplitMix64: neighbours come out far apart.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_change_their_order_and_nothing_else() {
        let list = |names: &[&str]| names.iter().fold(Node::new("set"), |set, name| set.with(Node::leaf("item", *name)));
        let names = ["a", "b", "c", "d", "e", "f"];
        let given = Node::new("answer").with(Node::leaf("requestId", "1")).with(list(&names));
        let orders: Vec<Vec<String>> = (0..4)
            .map(|seed| {
                let mut answer = given.clone();
                shuffle(&mut answer, seed);
                assert_eq!(answer.get("requestId"), "1");
                answer.items("set").map(|item| item.text.clone()).collect()
            })
            .collect();
        assert!(orders.iter().any(|order| *order != names), "{orders:?}");
        for mut order in orders {
            order.sort();
            assert_eq!(order, names);
        }
    }
}
