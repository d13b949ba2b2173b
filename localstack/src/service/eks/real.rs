//! Real control planes, as EKS hands them out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use base64::Engine as _;
use hyper::Method;
use serde_json::{Map, Value, json};

use super::plane::{NewNode, Order, Outcome, Plane, Planes};
use crate::kube::{Api, ApiError, ControlPlane, Node, Options, Taint, Version};
use crate::lock;

/// Starts control planes that ask the gateway who somebody is.
pub struct Real {
    pub gateway_port: u16,
    pub started: Arc<Mutex<Vec<Weak<dyn Plane>>>>,
}

impl Planes for Real {
    fn start(&self, order: Order) -> Outcome<'static, Arc<dyn Plane>> {
        let Order { account, region, cluster, version, service_cidr, issuer } = order;
        let (port, started) = (self.gateway_port, self.started.clone());
        Box::pin(async move {
            let token_webhook = Some(format!("http://127.0.0.1:{port}/_local/eks/{account}/{region}/{cluster}/token"));
            let options = Options { folder: None, service_cidr, token_webhook, issuer, version: served(&version) };
            let plane = ControlPlane::start(options).await.map_err(|failure| failure.to_string())?;
            let plane: Arc<dyn Plane> = Arc::new(plane);
            lock(&started).push(Arc::downgrade(&plane));
            Ok(plane)
        })
    }
}

/// A version that is too new to be served is the newest that is.
fn served(version: &str) -> Version {
    version.parse().unwrap_or_default()
}

impl Plane for ControlPlane {
    fn endpoint(&self) -> String {
        self.endpoint()
    }

    fn authority(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(self.ca_pem())
    }

    fn add_nodes(&self, nodes: Vec<NewNode>) -> Outcome<'_> {
        Box::pin(async move {
            let nodes: Vec<Node> = nodes.into_iter().map(node).collect();
            self.add_nodes(&nodes).await.map_err(said)
        })
    }

    fn change_nodes(&self, nodes: Vec<NewNode>, removed: Vec<String>) -> Outcome<'_> {
        Box::pin(async move {
            for node in nodes {
                let mut labels: Map<String, Value> = removed.iter().map(|key| (key.clone(), Value::Null)).collect();
                labels.extend(node.labels.iter().map(|(key, value)| (key.clone(), json!(value))));
                let taints = node.taints.iter().map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect}));
                let change = json!({"metadata": {"labels": labels}, "spec": {"taints": taints.collect::<Vec<_>>()}});
                let path = format!("/api/v1/nodes/{}", node.name);
                self.admin().expect(Method::PATCH, &path, Some(&change)).await.map_err(said)?;
            }
            Ok(())
        })
    }

    fn remove_nodes(&self, names: Vec<String>) -> Outcome<'_> {
        Box::pin(async move { self.remove_nodes(&names).await.map_err(said) })
    }

    fn apply(&self, objects: Vec<Value>) -> Outcome<'_> {
        Box::pin(async move {
            for object in objects {
                let collection = collection(&object)?;
                match self.admin().create(&collection, &object).await {
                    Err(ApiError::Refused { status: 409, .. }) => {
                        let path = format!("{collection}/{}", name(&object));
                        self.admin().expect(Method::PATCH, &path, Some(&object)).await.map_err(said)?;
                    }
                    answer => {
                        answer.map_err(said)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn delete(&self, objects: Vec<Value>) -> Outcome<'_> {
        Box::pin(async move {
            for object in objects {
                let path = format!("{}/{}", collection(&object)?, name(&object));
                match self.admin().expect(Method::DELETE, &path, None).await {
                    Ok(_) | Err(ApiError::Refused { status: 404, .. }) => {}
                    Err(failure) => return Err(said(failure)),
                }
            }
            Ok(())
        })
    }

    fn namespaces(&self) -> Outcome<'_, Vec<String>> {
        Box::pin(async move {
            let list = self.admin().get("/api/v1/namespaces").await.map_err(said)?;
            Ok(items(&list).map(|item| name(item).to_owned()).collect())
        })
    }

    fn update(&self, version: String) -> Outcome<'_> {
        Box::pin(async move { self.update(served(&version)).await.map_err(|failure| failure.to_string()) })
    }

    fn unevictable(&self, nodes: Vec<String>) -> Outcome<'_, Vec<String>> {
        Box::pin(async move { unevictable(self.admin(), &nodes).await.map_err(said) })
    }

    fn stop(&self) {
        self.stop();
    }
}

fn said(failure: ApiError) -> String {
    failure.to_string()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Where objects of this kind are: only of those that EKS makes.
fn collection(object: &Value) -> Result<String, String> {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("kube-system");
    let kind = object["kind"].as_str().unwrap_or_default();
    Ok(match kind {
        "DaemonSet" => format!("/apis/apps/v1/namespaces/{namespace}/daemonsets"),
        "Deployment" => format!("/apis/apps/v1/namespaces/{namespace}/deployments"),
        "ClusterRole" => "/apis/rbac.authorization.k8s.io/v1/clusterroles".to_owned(),
        "ClusterRoleBinding" => "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings".to_owned(),
        "RoleBinding" => format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"),
        other => return Err(format!("EKS makes no {other}")),
    })
}

fn node(new: NewNode) -> Node {
    Node {
        name: new.name,
        labels: new.labels,
        taints: new.taints.into_iter().map(|(key, value, effect)| Taint { key, value, effect }).collect(),
        zone: new.zone,
        provider_id: new.provider_id,
        architecture: new.architecture,
        cpu: "2".to_owned(),
        memory: "8Gi".to_owned(),
        pods: 110,
        instance_type: new.instance_type,
        kubelet_version: new.version,
    }
}

/// Pods that a budget with nothing to spare selects by its labels.
async fn unevictable(api: &Api, nodes: &[String]) -> Result<Vec<String>, ApiError> {
    let budgets = api.get("/apis/policy/v1/poddisruptionbudgets").await?;
    let mut found = Vec::new();
    for budget in items(&budgets).filter(|budget| budget["status"]["disruptionsAllowed"] == 0) {
        let namespace = budget["metadata"]["namespace"].as_str().unwrap_or_default();
        let wanted: BTreeMap<&str, &Value> = labels(&budget["spec"]["selector"]["matchLabels"]);
        let pods = api.get(&format!("/api/v1/namespaces/{namespace}/pods")).await?;
        let held = items(&pods).filter(|pod| {
            let own = labels(&pod["metadata"]["labels"]);
            let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
            nodes.iter().any(|name| name == node) && wanted.iter().all(|(key, value)| own.get(key) == Some(value))
        });
        found.extend(held.map(|pod| format!("{namespace}/{}", name(pod))));
    }
    Ok(found)
}

fn labels(map: &Value) -> BTreeMap<&str, &Value> {
    map.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect()
}
