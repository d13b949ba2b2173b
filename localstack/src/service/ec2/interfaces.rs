//! Interfaces that other services of AWS hold: in use although no instance of the caller has them.

use std::collections::HashSet;
use std::sync::Mutex;

use super::pass_on;
use crate::gateway::{Answer, Call, Local, Refusal};
use crate::lock;
use crate::xml::Node;

#[derive(Default)]
pub struct Attached(Mutex<HashSet<String>>);

impl Attached {
    pub fn add(&self, id: &str) {
        lock(&self.0).insert(id.to_owned());
    }

    pub fn remove(&self, id: &str) {
        lock(&self.0).remove(id);
    }

    fn has(&self, id: &str) -> bool {
        lock(&self.0).contains(id)
    }
}

/// Shows which interfaces of a list are in use.
pub fn annotate(local: &Local, set: &mut Node) {
    for interface in &mut set.children {
        if local.ec2.attached.has(interface.get("networkInterfaceId")) {
            interface.set("status", "in-use");
            interface.set("requesterManaged", "true");
        }
    }
}

/// What is in use is not deleted.
pub async fn delete(local: &Local, call: Call) -> Answer {
    let id = call.form.get("NetworkInterfaceId").unwrap_or_default();
    if local.ec2.attached.has(id) {
        return Err(Refusal::new("InvalidNetworkInterface.InUse", format!("Interface '{id}' is currently in use.")));
    }
    pass_on(local, call).await
}
