//! Systems Manager: the parameters that AWS publishes for EKS's images.
//!
//! Source: Amazon EKS User Guide, "Retrieve recommended Amazon Linux AMI IDs" and `release_version` beside it.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::eks;
use crate::gateway::{Answer, Call, Local, Reply};

const PREFIX: &str = "/aws/service/eks/optimized-ami/";

pub async fn serve(local: &Local, call: Call) -> Answer {
    let name = call.json()["Name"].as_str().unwrap_or_default().to_owned();
    match (call.action.as_str(), published(&name)) {
        ("GetParameter", Some(value)) => Ok(Reply::json(StatusCode::OK, &parameter(&call, &name, &value))),
        _ => local.forward(call).await,
    }
}

fn parameter(call: &Call, name: &str, value: &str) -> Value {
    json!({"Parameter": {
        "ARN": format!("arn:aws:ssm:{}::parameter{name}", call.region),
        "DataType": "text",
        "LastModifiedDate": 1_783_987_200,
        "Name": name,
        "Type": "String",
        "Value": value,
        "Version": 1,
    }})
}

/// `…/1.36/amazon-linux-2023/x86_64/standard/recommended/release_version`
fn published(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix(PREFIX)?.split('/');
    let release = eks::newest_ami(parts.next()?)?;
    let rest: Vec<&str> = parts.collect();
    match rest.as_slice() {
        ["amazon-linux-2023", "x86_64" | "arm64", "standard", "recommended", "release_version"] => Some(release.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::published;

    #[test]
    fn releases_are_those_of_the_version() {
        let name = |version: &str| {
            format!("/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/x86_64/standard/recommended/release_version")
        };
        assert!(published(&name("1.36")).is_some_and(|it| it.starts_with("1.36.")));
        assert_eq!(published(&name("1.2")), None);
        assert_eq!(published("/mine"), None);
    }
}
