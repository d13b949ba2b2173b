//! Changes of a node group: its settings first, then what its nodes are made from. EKS takes one update at a time.
//!
//! Source: Amazon EKS API Reference, UpdateNodegroupConfig, UpdateNodegroupVersion.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eks::types as sdk;

use super::{LaunchTemplate, NodeGroup, NodeRepair, Scaling, Taint, UpdateConfig};
use crate::cloud::aws::Aws;
use crate::remote::Fault;

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Config {
        labels: Option<sdk::UpdateLabelsPayload>,
        taints: Option<sdk::UpdateTaintsPayload>,
        scaling: Option<sdk::NodegroupScalingConfig>,
        update: Option<sdk::NodegroupUpdateConfig>,
        repair: Option<sdk::NodeRepairConfig>,
    },
    Version {
        version: Option<String>,
        release: Option<String>,
        template: Option<sdk::LaunchTemplateSpecification>,
        force: bool,
    },
}

/// What is declared and is not what was.
fn new<'a, T: PartialEq>(want: Option<&'a T>, was: Option<&T>) -> Option<&'a T> {
    want.filter(|it| Some(*it) != was)
}

impl Change {
    /// The first that is still to be made.
    pub fn next(was: &NodeGroup, want: &NodeGroup) -> Option<Self> {
        let config = Self::Config {
            labels: labels(&was.labels, &want.labels),
            taints: taints(&was.taint, &want.taint),
            scaling: scaling(&was.scaling_config, &want.scaling_config),
            update: new(want.update_config.as_ref(), was.update_config.as_ref()).map(UpdateConfig::to_sdk),
            repair: new(want.node_repair_config.as_ref(), was.node_repair_config.as_ref()).map(NodeRepair::to_sdk),
        };
        let nothing = Self::Config { labels: None, taints: None, scaling: None, update: None, repair: None };
        if config != nothing {
            return Some(config);
        }
        let version = new(want.version.as_ref(), was.version.as_ref()).cloned();
        let release = new(want.release_version.as_ref(), was.release_version.as_ref()).cloned();
        let number = |it: &NodeGroup| it.launch_template.as_ref().map(|it| it.version.clone());
        let template = want.launch_template.as_ref().filter(|it| Some(&it.version) != number(was).as_ref());
        let template = template.map(LaunchTemplate::to_sdk);
        let any = version.is_some() || release.is_some() || template.is_some();
        any.then(|| Self::Version { version, release, template, force: *want.force_update_version })
    }

    /// Asks for it; what EKS makes of it is told by the update.
    pub async fn ask(self, aws: &Aws, cluster: &str, name: &str) -> Result<Option<sdk::Update>, Fault> {
        match self {
            Self::Config { labels, taints, scaling, update, repair } => {
                let call = aws.eks().update_nodegroup_config().cluster_name(cluster).nodegroup_name(name);
                let call = call.set_labels(labels).set_taints(taints).set_scaling_config(scaling);
                Ok(call.set_update_config(update).set_node_repair_config(repair).send().await?.update)
            }
            Self::Version { version, release, template, force } => {
                let call = aws.eks().update_nodegroup_version().cluster_name(cluster).nodegroup_name(name).force(force);
                let call = call.set_version(version).set_release_version(release).set_launch_template(template);
                Ok(call.send().await?.update)
            }
        }
    }
}

fn labels(was: &BTreeMap<String, String>, want: &BTreeMap<String, String>) -> Option<sdk::UpdateLabelsPayload> {
    let put: Vec<_> = want.iter().filter(|(key, it)| was.get(*key) != Some(it)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let gone: Vec<String> = was.keys().filter(|key| !want.contains_key(*key)).cloned().collect();
    (was != want).then(|| {
        sdk::UpdateLabelsPayload::builder()
            .set_add_or_update_labels((!put.is_empty()).then(|| put.into_iter().collect()))
            .set_remove_labels((!gone.is_empty()).then_some(gone))
            .build()
    })
}

/// Key and effect say which taint it is.
fn taints(was: &BTreeSet<Taint>, want: &BTreeSet<Taint>) -> Option<sdk::UpdateTaintsPayload> {
    let same = |a: &Taint, b: &Taint| (&a.key, &a.effect) == (&b.key, &b.effect);
    let put: Vec<_> = want.difference(was).map(Taint::to_sdk).collect();
    let gone: Vec<_> = was.iter().filter(|it| !want.iter().any(|other| same(it, other))).map(Taint::to_sdk).collect();
    (was != want).then(|| {
        sdk::UpdateTaintsPayload::builder()
            .set_add_or_update_taints((!put.is_empty()).then_some(put))
            .set_remove_taints((!gone.is_empty()).then_some(gone))
            .build()
    })
}

/// A desired size that nobody changes here goes along with its bounds: EKS refuses bounds that leave it outside.
fn scaling(was: &Scaling, want: &Scaling) -> Option<sdk::NodegroupScalingConfig> {
    let now = was.desired_size.unwrap_or(was.min_size);
    let desired = match *want.desired_size {
        Some(size) if size != now => size,
        Some(_) | None => now.min(want.max_size).max(want.min_size),
    };
    let bounds = |it: &Scaling| (it.min_size, it.max_size);
    (bounds(was) != bounds(want) || desired != now).then(|| want.to_sdk(desired))
}

impl Scaling {
    pub fn to_sdk(&self, desired: i32) -> sdk::NodegroupScalingConfig {
        let sizes = sdk::NodegroupScalingConfig::builder().min_size(self.min_size).max_size(self.max_size);
        sizes.desired_size(desired).build()
    }
}

impl Taint {
    pub fn to_sdk(&self) -> sdk::Taint {
        let effect = sdk::TaintEffect::from(self.effect.as_str());
        sdk::Taint::builder().key(&self.key).value(&self.value).effect(effect).build()
    }
}

impl UpdateConfig {
    pub fn to_sdk(&self) -> sdk::NodegroupUpdateConfig {
        sdk::NodegroupUpdateConfig::builder()
            .set_max_unavailable(self.max_unavailable)
            .set_max_unavailable_percentage(self.max_unavailable_percentage)
            .build()
    }
}

impl NodeRepair {
    pub fn to_sdk(&self) -> sdk::NodeRepairConfig {
        sdk::NodeRepairConfig::builder().enabled(self.enabled).build()
    }
}

impl LaunchTemplate {
    /// EKS takes its id or its name, not both.
    pub fn to_sdk(&self) -> sdk::LaunchTemplateSpecification {
        let by_id = self.id.0.0.clone();
        let by_name = self.name.0.0.clone().filter(|_| by_id.is_none());
        sdk::LaunchTemplateSpecification::builder().set_id(by_id).set_name(by_name).version(&self.version).build()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group(members: serde_json::Value) -> NodeGroup {
        let mut all = json!({
            "cluster_name": "c", "node_group_name": "g", "node_role_arn": "arn:aws:iam::1:role/r", "subnet_ids": ["a"],
            "scaling_config": { "min_size": 1, "max_size": 3, "desired_size": 2 }, "labels": { "a": "1" },
        });
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn sizes(was: serde_json::Value, want: serde_json::Value) -> Option<(i32, i32, i32)> {
        let of = |it: serde_json::Value| serde_json::from_value::<Scaling>(it).unwrap();
        let it = scaling(&of(was), &of(want))?;
        Some((it.min_size()?, it.max_size()?, it.desired_size()?))
    }

    #[test]
    fn the_autoscalers_size_stays_and_goes_along_with_its_bounds() {
        let was = json!({ "min_size": 1, "max_size": 6, "desired_size": 5 });
        assert_eq!(sizes(was.clone(), json!({ "min_size": 1, "max_size": 6 })), None);
        assert_eq!(sizes(was.clone(), json!({ "min_size": 1, "max_size": 8 })), Some((1, 8, 5)));
        assert_eq!(sizes(was.clone(), json!({ "min_size": 1, "max_size": 4 })), Some((1, 4, 4)));
        assert_eq!(sizes(was.clone(), json!({ "min_size": 6, "max_size": 9, "desired_size": 5 })), Some((6, 9, 6)));
        assert_eq!(sizes(was.clone(), json!({ "min_size": 1, "max_size": 6, "desired_size": 2 })), Some((1, 6, 2)));
        let refused = json!({ "min_size": 1, "max_size": 4, "desired_size": 9 });
        assert_eq!(sizes(was, refused), Some((1, 4, 9)), "what the user asks for is EKS's to refuse");
    }

    #[test]
    fn settings_come_before_what_nodes_are_made_from() {
        let was = group(json!({ "version": "1.35", "launch_template": { "id": "lt-1", "name": "n", "version": "1" } }));
        let want = group(json!({
            "version": "1.36", "launch_template": { "id": "lt-1", "version": "2" }, "labels": { "b": "2" },
            "taint": [{ "key": "k", "value": "v", "effect": "NO_SCHEDULE" }],
        }));
        let Some(Change::Config { labels, taints, scaling, .. }) = Change::next(&was, &want) else { panic!() };
        let labels = labels.unwrap();
        assert_eq!((labels.add_or_update_labels().unwrap().len(), labels.remove_labels()), (1, &["a".to_owned()][..]));
        assert_eq!((taints.unwrap().add_or_update_taints().len(), scaling), (1, None));

        let now = NodeGroup { labels: want.labels.clone(), taint: want.taint.clone(), ..was };
        let Some(Change::Version { version, release, template, force }) = Change::next(&now, &want) else { panic!() };
        let template = template.unwrap();
        assert_eq!((version.as_deref(), release, force), (Some("1.36"), None, false));
        assert_eq!((template.id(), template.name(), template.version()), (Some("lt-1"), None, Some("2")));
        assert_eq!(Change::next(&want, &want), None);
    }

    #[test]
    fn a_taint_with_another_value_is_the_same_taint() {
        let of = |value: &str| BTreeSet::from([Taint { key: "k".into(), value: value.into(), effect: "NO_EXECUTE".into() }]);
        let payload = taints(&of("a"), &of("b")).unwrap();
        assert_eq!((payload.add_or_update_taints().len(), payload.remove_taints().len()), (1, 0));
        let payload = taints(&of("a"), &BTreeSet::new()).unwrap();
        assert_eq!((payload.add_or_update_taints().len(), payload.remove_taints().len()), (0, 1));
    }
}
