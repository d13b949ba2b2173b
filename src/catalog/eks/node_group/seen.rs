//! A node group as EKS describes it.

use aws_sdk_eks::types as sdk;

use super::super::about;
use super::{LaunchTemplate, NodeGroup, NodeRepair, Outputs, Resources, Scaling, Taint, UpdateConfig};
use crate::remote::Status;
use crate::resource::Seen;
use crate::schema::field::{Arn, Auto, Fixed, Local};

pub fn seen(it: &sdk::Nodegroup) -> Seen<NodeGroup> {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let types = it.instance_types();
    let settings = NodeGroup {
        cluster_name: Fixed(owned(it.cluster_name())),
        node_group_name: Fixed(Auto(it.nodegroup_name().map(str::to_owned))),
        node_group_name_prefix: Local(Fixed(None)),
        node_role_arn: Fixed(Arn(owned(it.node_role()))),
        subnet_ids: Fixed(it.subnets().iter().cloned().collect()),
        ami_type: Fixed(Auto(it.ami_type().map(|it| it.as_str().to_owned()))),
        capacity_type: Fixed(Auto(it.capacity_type().map(|it| it.as_str().to_owned()))),
        disk_size: Fixed(Auto(it.disk_size())),
        instance_types: Fixed(Auto((!types.is_empty()).then(|| types.to_vec()))),
        labels: it.labels().cloned().unwrap_or_default().into_iter().collect(),
        launch_template: it.launch_template().map(|it| LaunchTemplate {
            id: Fixed(Auto(it.id().map(str::to_owned))),
            name: Fixed(Auto(it.name().map(str::to_owned))),
            version: owned(it.version()),
        }),
        release_version: Auto(it.release_version().map(str::to_owned)),
        scaling_config: it.scaling_config().map_or(Scaling { min_size: 0, max_size: 0, desired_size: Auto(None) }, |it| {
            Scaling {
                min_size: it.min_size().unwrap_or_default(),
                max_size: it.max_size().unwrap_or_default(),
                desired_size: Auto(it.desired_size()),
            }
        }),
        taint: it.taints().iter().map(Taint::seen).collect(),
        update_config: Auto(it.update_config().map(|it| UpdateConfig {
            max_unavailable: it.max_unavailable(),
            max_unavailable_percentage: it.max_unavailable_percentage(),
        })),
        node_repair_config: Auto(it.node_repair_config().and_then(|it| it.enabled()).map(|enabled| NodeRepair { enabled })),
        version: Auto(it.version().map(str::to_owned)),
        force_update_version: Local(false),
        tags: it.tags().cloned().unwrap_or_default().into_iter().collect(),
    };
    let groups = it.resources().map(|it| it.auto_scaling_groups()).unwrap_or_default();
    let outputs = Outputs {
        id: format!("{}:{}", it.cluster_name().unwrap_or_default(), it.nodegroup_name().unwrap_or_default()),
        arn: owned(it.nodegroup_arn()),
        resources: Resources { autoscaling_groups: groups.iter().filter_map(|it| it.name()).map(str::to_owned).collect() },
    };
    Seen { settings, outputs, status: status(it) }
}

impl Taint {
    fn seen(it: &sdk::Taint) -> Self {
        let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
        Self { key: text(it.key()), value: text(it.value()), effect: text(it.effect().map(|it| it.as_str())) }
    }
}

/// One that was made and has trouble since (`DEGRADED`) is there, and can be changed: what ails it is no failure of a change.
fn status(it: &sdk::Nodegroup) -> Status {
    match it.status() {
        Some(sdk::NodegroupStatus::Active | sdk::NodegroupStatus::Degraded) => Status::Ready,
        Some(failed @ (sdk::NodegroupStatus::CreateFailed | sdk::NodegroupStatus::DeleteFailed)) => {
            let issues = it.health().map(|it| it.issues()).unwrap_or_default().iter().map(issue);
            Status::Failed([failed.as_str().to_owned()].into_iter().chain(issues).collect::<Vec<_>>().join(": "))
        }
        other => Status::Pending(other.map_or("unknown", |it| it.as_str()).to_owned()),
    }
}

fn issue(it: &sdk::Issue) -> String {
    let code = it.code().map_or("unknown", |it| it.as_str());
    format!("{code}: {}{}", it.message().unwrap_or_default(), about(it.resource_ids()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_group_says_why() {
        let issue = sdk::Issue::builder()
            .code(sdk::NodegroupIssueCode::NodeCreationFailure)
            .message("Instances failed to join the kubernetes cluster")
            .resource_ids("i-1")
            .build();
        let group = |status| {
            let health = sdk::NodegroupHealth::builder().issues(issue.clone()).build();
            sdk::Nodegroup::builder().status(status).health(health).build()
        };
        let failed = "CREATE_FAILED: NodeCreationFailure: Instances failed to join the kubernetes cluster (i-1)";
        assert_eq!(status(&group(sdk::NodegroupStatus::CreateFailed)), Status::Failed(failed.into()));
        assert_eq!(status(&group(sdk::NodegroupStatus::Degraded)), Status::Ready);
        assert_eq!(status(&group(sdk::NodegroupStatus::Updating)), Status::Pending("UPDATING".into()));
    }
}
