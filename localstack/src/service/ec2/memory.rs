//! What the gateway remembers about EC2: ids that are not visible yet, NAT gateways,
//! security group rules, client tokens.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use super::group_rules::Groups;
use super::interfaces::Attached;
use super::nat::Nat;
use super::pages::Listings;
use super::tokens::Tokens;
use super::{Turn, error};
use crate::form::Form;
use crate::gateway::Refusal;
use crate::lock;
use crate::xml::Node;

#[derive(Default)]
pub struct Memory {
    late: Mutex<HashMap<String, u32>>,
    /// What was deleted: moto keeps tags of it, and ACLs of deleted VPCs.
    gone: Mutex<HashSet<String>>,
    turns: Mutex<HashMap<String, Turn>>,
    pub nats: Mutex<BTreeMap<String, Nat>>,
    /// VPCs that are known to exist.
    pub vpcs: Mutex<HashSet<String>>,
    pub groups: Mutex<Groups>,
    /// Interfaces that other services hold.
    pub attached: Attached,
    pub tokens: Tokens,
    pub listings: Listings,
}

impl Memory {
    /// The right of one mutation of an account to run alone.
    pub fn turn(&self, account: &str) -> Turn {
        lock(&self.turns).entry(account.to_owned()).or_default().clone()
    }

    /// A new id: it is not seen for the first `reads` that ask for it.
    pub fn born(&self, id: &str, reads: u32) {
        if reads > 0 {
            lock(&self.late).insert(id.to_owned(), reads);
        }
    }

    /// An id that whoever made it goes on to use: another service of AWS, which does not look it up first.
    pub fn seen(&self, id: &str) {
        lock(&self.late).remove(id);
    }

    /// An id that was deleted.
    pub fn gone(&self, id: &str) {
        lock(&self.gone).insert(id.to_owned());
    }

    pub fn is_gone(&self, id: &str) -> bool {
        lock(&self.gone).contains(id)
    }

    /// Refuses a call that names an id which is not visible yet. A filter finds nothing, and is no failure.
    pub fn visible(&self, form: &Form) -> Result<(), Refusal> {
        let mut late = lock(&self.late);
        if late.is_empty() {
            return Ok(());
        }
        match form.named_values().find(|value| late.contains_key(*value)) {
            Some(id) => {
                count_down(&mut late, id);
                Err(error::not_found(id))
            }
            None => Ok(()),
        }
    }

    /// Is this id to be left out of a list? Being left out counts as a read.
    pub fn is_hidden(&self, id: &str) -> bool {
        count_down(&mut lock(&self.late), id)
    }
}

fn count_down(late: &mut HashMap<String, u32>, id: &str) -> bool {
    match late.get_mut(id) {
        None => false,
        Some(1) => {
            late.remove(id);
            true
        }
        Some(reads) => {
            *reads -= 1;
            true
        }
    }
}

/// The id of what a create answers with: `<vpc><vpcId>` or, for security groups, `<groupId>` at the top.
pub fn created(document: &Node) -> Option<String> {
    let own = |node: &Node| {
        node.children.iter().find(|child| child.children.is_empty() && error::is_id(&child.text)).map(|child| child.text.clone())
    };
    own(document).or_else(|| {
        document.children.iter().find_map(|child| {
            let id = format!("{}Id", child.name);
            child.child(&id).filter(|node| error::is_id(&node.text)).map(|node| node.text.clone())
        })
    })
}
