//! Launch templates.

use super::{error, pass_on};
use crate::form::Form;
use crate::gateway::{Answer, Call, Local, Refusal};
use crate::xml::Node;

/// moto writes the tags of the template itself into its first version.
pub fn tidy(versions: &mut Node) {
    for version in &mut versions.children {
        let data = version.child_mut("launchTemplateData");
        if let Some(set) = data.and_then(|data| data.child_mut("tagSpecificationSet")) {
            set.children.retain(|item| item.get("resourceType") != "launch-template");
        }
    }
}

/// moto shows the tags that a template was made with, whatever became of them.
pub async fn tag(local: &Local, call: &Call, templates: &mut Node) -> Result<(), Refusal> {
    let all = local.ask(call, &Form::of("DescribeTags", &[])).await?;
    for template in &mut templates.children {
        let mine = all.items("tagSet").filter(|tag| tag.get("resourceId") == template.get("launchTemplateId"));
        let pair =
            |tag: &Node| Node::new("item").with(Node::leaf("key", tag.get("key"))).with(Node::leaf("value", tag.get("value")));
        let set = mine.map(pair).fold(Node::new("tagSet"), Node::with);
        template.take("tagSet");
        template.children.push(set);
    }
    Ok(())
}

/// moto names no id when there is no such template.
pub async fn delete(local: &Local, call: Call) -> Answer {
    let id = call.form.get("LaunchTemplateId").unwrap_or_default().to_owned();
    match pass_on(local, call).await {
        Err(refusal) if refusal.code.contains("NotFound") && error::is_id(&id) => Err(error::not_found(&id)),
        Ok(reply) if !reply.status.is_success() && error::is_id(&id) => Err(error::not_found(&id)),
        answer => answer,
    }
}
