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
use crate::xml::Node;

#[derive(Default)]
pub struct Memory {
    /// By account and name: how many more calls will not see it.
    late: Mutex<HashMap<(String, String), u32>>,
    providers: providers::Providers,
}

/// Calls that make something, and the parameter that names it.
const CREATES: [(&str, &str); 3] =
    [("CreateInstanceProfile", "InstanceProfileName"), ("CreatePolicy", "PolicyName"), ("CreateRole", "RoleName")];

/// Calls that list what exists.
const LISTS: [&str; 4] = ["GetAccountAuthorizationDetails", "ListInstanceProfiles", "ListPolicies", "ListRoles"];

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
    let (account, lists) = (call.account.clone(), LISTS.contains(&call.action.as_str()));
    let mut reply = sts::serve(local, call).await?;
    if lists && let Some(mut document) = reply.document() {
        local.iam.hide(&account, &mut document);
        reply.set_document(document);
    }
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
            if count_down(&mut late, &key) {
                return Err(no_such(format!("{name} cannot be found.")));
            }
        }
        Ok(())
    }

    /// Leaves out of a list what is not visible yet, which counts too.
    fn hide(&self, account: &str, document: &mut Node) {
        let mut late = lock(&self.late);
        for list in document.children.iter_mut().flat_map(|result| result.children.iter_mut()) {
            list.children.retain(|member| {
                let name = ["RoleName", "PolicyName", "InstanceProfileName"]
                    .into_iter()
                    .map(|it| member.get(it))
                    .find(|it| !it.is_empty());
                name.is_none_or(|name| !count_down(&mut late, &(account.to_owned(), name.to_owned())))
            });
        }
    }
}

/// Is it hidden still?
fn count_down(late: &mut HashMap<(String, String), u32>, key: &(String, String)) -> bool {
    let Some(left) = late.get_mut(key) else { return false };
    *left -= 1;
    if *left == 0 {
        late.remove(key);
    }
    true
}

fn no_such(message: String) -> Refusal {
    Refusal::with_status(404, "NoSuchEntity", message)
}
