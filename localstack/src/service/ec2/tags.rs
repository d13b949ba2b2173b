//! Tags of EC2 resources.

use super::{error, pass_on};
use crate::form::Form;
use crate::gateway::{Answer, Call, Local, Refusal};
use crate::service;
use crate::xml::Node;

/// CreateTags and DeleteTags.
pub async fn change(local: &Local, call: Call) -> Answer {
    for index in call.form.indices("Tag") {
        let key = call.form.get(&format!("Tag.{index}.Key")).unwrap_or_default();
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Refusal::new(
                "InvalidParameterValue",
                format!("Tag keys starting with 'aws:' are reserved for internal use: {key}"),
            ));
        }
    }
    let resources = call.form.list("ResourceId");
    let reply = pass_on(local, call).await?;
    let refused = reply.document().and_then(|document| {
        let message = document.find(&["Errors", "Error"])?.get("Message").to_owned();
        resources.into_iter().find(|id| message.contains(id.as_str()))
    });
    match refused {
        // moto calls an id that it cannot find malformed.
        Some(id) if error::is_id(&id) => Err(error::not_found(&id)),
        _ => Ok(reply),
    }
}

/// Sets tags that only services of AWS may set. `call` is any call of the account.
pub async fn set_as_aws(local: &Local, call: &Call, id: &str, tags: &[(&str, &str)]) -> Result<(), Refusal> {
    let mut asker = call.without_body();
    asker.service = service::find("ec2").ok_or_else(|| Refusal::internal("ec2 is not served"))?;
    let mut form = Form::of("CreateTags", &[("ResourceId.1", id)]);
    for (index, (key, value)) in tags.iter().enumerate() {
        form.set(&format!("Tag.{}.Key", index + 1), *key);
        form.set(&format!("Tag.{}.Value", index + 1), *value);
    }
    local.ask(&asker, &form).await.map(|_| ())
}

/// The entries of DescribeTags that AWS would list, with the kinds named as in TagSpecifications.
pub fn living(local: &Local, set: &mut Node) -> Vec<Node> {
    let mut tags = std::mem::take(&mut set.children);
    tags.retain(|tag| !local.ec2.is_gone(tag.get("resourceId")));
    for tag in &mut tags {
        match tag.get("resourceType") {
            "vpc-elastic-ip" => tag.set("resourceType", "elastic-ip"),
            "nat-gateway" => tag.set("resourceType", "natgateway"),
            _ => {}
        }
    }
    tags
}
