//! Tags of EC2 resources.

use super::{error, pass_on};
use crate::gateway::{Answer, Call, Local, Refusal};
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

/// AWS names the kinds in DescribeTags as in TagSpecifications.
pub fn name_kinds(set: &mut Node) {
    for tag in &mut set.children {
        let name = match tag.get("resourceType") {
            "vpc-elastic-ip" => "elastic-ip",
            "nat-gateway" => "natgateway",
            _ => continue,
        };
        tag.set("resourceType", name);
    }
}
