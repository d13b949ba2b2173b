//! What the gateway remembers about EC2: ids that are not visible yet, states that are held, NAT gateways,
//! security group rules, client tokens.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::group_rules::Groups;
use super::nat::Nat;
use super::tokens::Tokens;
use super::{Turn, error};
use crate::control::Settings;
use crate::form::Form;
use crate::gateway::Refusal;
use crate::lock;
use crate::xml::Node;

#[derive(Default)]
pub struct Memory {
    late: Mutex<HashMap<String, u32>>,
    held: Mutex<HashMap<String, Held>>,
    turns: Mutex<HashMap<String, Turn>>,
    pub nats: Mutex<BTreeMap<String, Nat>>,
    /// VPCs that are known to exist.
    pub vpcs: Mutex<HashSet<String>>,
    pub groups: Mutex<Groups>,
    pub tokens: Tokens,
}

/// A state that AWS shows for a while.
#[derive(Clone, Debug)]
struct Held {
    state: &'static str,
    until: Instant,
    reads: u32,
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

    /// Refuses a call that names an id which is not visible yet.
    pub fn visible(&self, form: &Form) -> Result<(), Refusal> {
        let mut late = lock(&self.late);
        if late.is_empty() {
            return Ok(());
        }
        match form.values().find(|value| late.contains_key(*value)) {
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

    /// Shows `state` for as long as `settings` make AWS's `usual` time.
    pub fn hold(&self, id: &str, state: &'static str, usual: Duration, settings: Settings) {
        let held = Held { state, until: Instant::now() + usual.mul_f64(settings.slow.max(0.0)), reads: settings.held_reads };
        lock(&self.held).insert(id.to_owned(), held);
    }

    /// The state to show instead of the emulator's. Looking counts as a read.
    pub fn held(&self, id: &str) -> Option<&'static str> {
        let mut held = lock(&self.held);
        let entry = held.get_mut(id)?;
        if entry.reads == 0 && entry.until <= Instant::now() {
            held.remove(id);
            return None;
        }
        entry.reads = entry.reads.saturating_sub(1);
        Some(entry.state)
    }

    /// Is no state held any more? Asking does not count as a read.
    pub fn is_settled(&self, id: &str) -> bool {
        lock(&self.held).get(id).is_none_or(|held| held.reads == 0 && held.until <= Instant::now())
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
