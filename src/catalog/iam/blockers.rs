//! What is attached to a role, or what a policy is attached to: IAM deletes neither before ("DeleteRole", "DeletePolicy", IAM
//! API reference).

use tokio::try_join;

use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault};

pub(super) async fn of_role(aws: &Aws, role: &str) -> Result<Vec<Blocker>, Fault> {
    let iam = aws.iam();
    let attached = async {
        let found = iam.list_attached_role_policies().role_name(role).into_paginator().items().send().try_collect().await?;
        let arns = found.into_iter().filter_map(|it| it.policy_arn).map(|arn| {
            let help = format!("aws iam detach-role-policy --role-name {role} --policy-arn {arn}");
            Blocker::new(format!("the attached policy {arn}")).help(help)
        });
        Ok::<Vec<_>, Fault>(arns.collect())
    };
    let inline = async {
        let found = iam.list_role_policies().role_name(role).into_paginator().items().send().try_collect().await?;
        let names = found.into_iter().map(|name| {
            let help = format!("aws iam delete-role-policy --role-name {role} --policy-name {name}");
            Blocker::new(format!("the inline policy {name}")).help(help)
        });
        Ok(names.collect::<Vec<_>>())
    };
    let profiles = async {
        let call = iam.list_instance_profiles_for_role().role_name(role);
        let found = call.into_paginator().items().send().try_collect().await?;
        let names = found.into_iter().map(|it| it.instance_profile_name).map(|name| {
            let remove = "aws iam remove-role-from-instance-profile";
            let help = format!("{remove} --instance-profile-name {name} --role-name {role}");
            Blocker::new(format!("the instance profile {name}")).help(help)
        });
        Ok(names.collect::<Vec<_>>())
    };
    let (attached, inline, profiles) = try_join!(attached, inline, profiles)?;
    Ok([attached, inline, profiles].concat())
}

pub(super) async fn of_policy(aws: &Aws, arn: &str) -> Result<Vec<Blocker>, Fault> {
    let mut out = Vec::new();
    let mut pages = aws.iam().list_entities_for_policy().policy_arn(arn).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page?;
        let roles = page.policy_roles().iter().filter_map(|it| Some(("role", it.role_name()?)));
        let users = page.policy_users().iter().filter_map(|it| Some(("user", it.user_name()?)));
        let groups = page.policy_groups().iter().filter_map(|it| Some(("group", it.group_name()?)));
        out.extend(roles.chain(users).chain(groups).map(|(what, name)| {
            let help = format!("aws iam detach-{what}-policy --{what}-name {name} --policy-arn {arn}");
            Blocker::new(format!("the {what} {name}, which it is attached to")).help(help)
        }));
    }
    Ok(out)
}
