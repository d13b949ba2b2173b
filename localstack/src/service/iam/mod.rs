//! IAM: what is new and not seen yet, documents that are none, principals that do not exist, and identity providers.
//!
//! Source: IAM API Reference; IAM User Guide, "Changes that I make are not always immediately visible" and "AWS JSON policy
//! elements: Principal".

mod documents;
mod providers;

use std::collections::HashMap;
use std::sync::Mutex;

use crate::gateway::{Answer, Call, Local, Refusal};
use crate::lock;
use crate::service::sts;

#[derive(Default)]
pub struct Memory {
    /// By account and name: how many more calls will not see it.
    late: Mutex<HashMap<(String, String), u32>>,
    providers: providers::Providers,
}

/// Calls that make something, and the parameter that names it.
const CREATES: [(&str, &str); 3] =
    [("CreateInstanceProfile", "InstanceProfileName"), ("CreatePolicy", "PolicyName"), ("CreateRole", "RoleName")];

/// Parameters that name what exists.
const NAMES: [&str; 3] = ["InstanceProfileName", "PolicyArn", "RoleName"];

pub async fn serve(local: &Local, call: Call) -> Answer {
    let makes = CREATES.iter().find(|(action, _)| *action == call.action).and_then(|(_, name)| call.form.get(name));
    let makes = makes.map(|name| (call.account.clone(), name.to_owned()));
    if makes.is_none() {
        local.iam.visible(&call)?;
    }
    documents::check(local, &call).await?;
    if providers::is_about(&call.action) {
        return local.iam.providers.serve(&call);
    }
    let late = local.control.settings(&call.account).late_reads;
    let reply = sts::serve(local, call).await?;
    if let Some(made) = makes.filter(|_| late > 0 && reply.status.is_success()) {
        lock(&local.iam.late).insert(made, late);
    }
    Ok(reply)
}

impl Memory {
    /// Refuses a call that names what is not visible yet, and counts it.
    fn visible(&self, call: &Call) -> Result<(), Refusal> {
        let mut late = lock(&self.late);
        for name in NAMES.iter().filter_map(|name| call.form.get(name)) {
            let key = (call.account.clone(), name.rsplit('/').next().unwrap_or(name).to_owned());
            let Some(left) = late.get_mut(&key) else { continue };
            *left -= 1;
            if *left == 0 {
                late.remove(&key);
            }
            return Err(no_such(format!("{name} cannot be found.")));
        }
        Ok(())
    }
}

fn no_such(message: String) -> Refusal {
    Refusal::with_status(404, "NoSuchEntity", message)
}
