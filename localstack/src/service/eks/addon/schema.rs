//! JSON schemas of add-on configurations, shaped as EKS's own: draft 6, definitions, nothing that is not named.
//!
//! Source: copies of DescribeAddonConfiguration's answers that are public (gists of rk295 and tufitko), and the add-ons'
//! charts.

use serde_json::{Map, Value, json};

/// Environment variables of the VPC CNI: all are texts, numbers and switches too.
const CNI_ENV: [&str; 42] = [
    "ADDITIONAL_ENI_TAGS",
    "ANNOTATE_POD_IP",
    "AWS_EC2_ENDPOINT",
    "AWS_EXTERNAL_SERVICE_CIDRS",
    "AWS_MANAGE_ENIS_NON_SCHEDULABLE",
    "AWS_VPC_CNI_NODE_PORT_SUPPORT",
    "AWS_VPC_ENI_MTU",
    "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG",
    "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS",
    "AWS_VPC_K8S_CNI_EXTERNALSNAT",
    "AWS_VPC_K8S_CNI_LOGLEVEL",
    "AWS_VPC_K8S_CNI_LOG_FILE",
    "AWS_VPC_K8S_CNI_RANDOMIZESNAT",
    "AWS_VPC_K8S_CNI_VETHPREFIX",
    "AWS_VPC_K8S_PLUGIN_LOG_FILE",
    "AWS_VPC_K8S_PLUGIN_LOG_LEVEL",
    "CLUSTER_ENDPOINT",
    "CLUSTER_NAME",
    "DISABLE_INTROSPECTION",
    "DISABLE_LEAKED_ENI_CLEANUP",
    "DISABLE_METRICS",
    "DISABLE_NETWORK_RESOURCE_PROVISIONING",
    "DISABLE_POD_V6",
    "ENABLE_BANDWIDTH_PLUGIN",
    "ENABLE_IPv4",
    "ENABLE_IPv6",
    "ENABLE_POD_ENI",
    "ENABLE_PREFIX_DELEGATION",
    "ENABLE_SUBNET_DISCOVERY",
    "ENABLE_V4_EGRESS",
    "ENABLE_V6_EGRESS",
    "ENI_CONFIG_ANNOTATION_DEF",
    "ENI_CONFIG_LABEL_DEF",
    "INTROSPECTION_BIND_ADDRESS",
    "IP_COOLDOWN_PERIOD",
    "MAX_ENI",
    "MINIMUM_IP_TARGET",
    "NETWORK_POLICY_ENFORCING_MODE",
    "POD_SECURITY_GROUP_ENFORCING_MODE",
    "WARM_ENI_TARGET",
    "WARM_IP_TARGET",
    "WARM_PREFIX_TARGET",
];

/// The schema of an add-on's configuration.
pub fn of(name: &str) -> Value {
    let properties = match name {
        "vpc-cni" => vpc_cni(),
        "kube-proxy" => json!({
            "ipvs": object(json!({"scheduler": {"type": "string"}})),
            "mode": {"type": "string", "enum": ["iptables", "ipvs", "nftables"]},
            "podAnnotations": open(),
            "podLabels": open(),
            "resources": {"$ref": "#/definitions/Resources"},
        }),
        "coredns" => json!({
            "affinity": {"type": ["object", "null"]},
            "autoScaling": object(json!({
                "enabled": {"type": "boolean"},
                "minReplicas": {"type": "integer"},
                "maxReplicas": {"type": "integer"},
            })),
            "computeType": {"type": "string"},
            "corefile": {"type": "string"},
            "nodeSelector": {"type": "object"},
            "podAnnotations": open(),
            "podDisruptionBudget": {"type": ["object", "null"]},
            "podLabels": open(),
            "replicaCount": {"type": "integer"},
            "resources": {"$ref": "#/definitions/Resources"},
            "tolerations": {"type": "array", "items": {"type": "object"}},
            "topologySpreadConstraints": {"type": "array"},
        }),
        "eks-pod-identity-agent" => json!({
            "affinity": {"type": "object"},
            "agent": object(json!({"additionalArgs": open()})),
            "nodeSelector": {"type": "object"},
            "podAnnotations": open(),
            "podLabels": open(),
            "resources": {"$ref": "#/definitions/Resources"},
            "tolerations": {"type": "array", "items": {"type": "object"}},
            "updateStrategy": {"type": "object"},
        }),
        _ => ebs_csi_driver(),
    };
    json!({
        "$schema": "http://json-schema.org/draft-06/schema#",
        "$ref": "#/definitions/Configuration",
        "definitions": {
            "Configuration": object(properties),
            "Resources": object(json!({
                "limits": {"$ref": "#/definitions/Amounts"},
                "requests": {"$ref": "#/definitions/Amounts"},
            })),
            "Amounts": object(json!({
                "cpu": {"type": ["string", "number"]},
                "memory": {"type": "string"},
            })),
        },
    })
}

/// An object that takes nothing but these.
fn object(properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// An object with any texts.
fn open() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn vpc_cni() -> Value {
    let env: Map<String, Value> = CNI_ENV.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    let switch = json!({"type": "string", "format": "boolean"});
    json!({
        "affinity": {"type": ["object", "null"]},
        "enableNetworkPolicy": switch,
        "enableWindowsIpam": switch,
        "enableWindowsPrefixDelegation": switch,
        "eniConfig": {"type": "object"},
        "env": object(Value::Object(env)),
        "init": object(json!({"env": open(), "resources": {"$ref": "#/definitions/Resources"}})),
        "livenessProbeTimeoutSeconds": {"type": "integer"},
        "minimumWindowsIPTarget": {"type": "string"},
        "nodeAgent": object(json!({
            "conntrackCacheCleanupPeriod": {"type": "string"},
            "enableCloudWatchLogs": switch,
            "enablePolicyEventLogs": switch,
            "healthProbeBindAddr": {"type": "string"},
            "metricsBindAddr": {"type": "string"},
            "networkPolicyAgentLogFileLocation": {"type": "string"},
            "resources": {"$ref": "#/definitions/Resources"},
        })),
        "podAnnotations": open(),
        "podLabels": open(),
        "readinessProbeTimeoutSeconds": {"type": "integer"},
        "resources": {"$ref": "#/definitions/Resources"},
        "tolerations": {"type": "array", "items": {"type": "object"}},
        "warmWindowsIPTarget": {"type": "string"},
        "warmWindowsPrefixTarget": {"type": "string"},
    })
}

fn ebs_csi_driver() -> Value {
    let component = json!({
        "additionalArgs": {"type": "array", "items": {"type": "string"}},
        "affinity": {"type": ["object", "null"]},
        "defaultFsType": {"type": "string"},
        "enableMetrics": {"type": "boolean"},
        "extraVolumeTags": open(),
        "k8sTagClusterId": {"type": "string"},
        "logLevel": {"type": "integer"},
        "loggingFormat": {"type": "string"},
        "nodeSelector": {"type": "object"},
        "podAnnotations": open(),
        "podLabels": open(),
        "region": {"type": "string"},
        "replicaCount": {"type": "integer"},
        "resources": {"$ref": "#/definitions/Resources"},
        "tolerations": {"type": "array", "items": {"type": "object"}},
        "updateStrategy": {"type": "object"},
        "volumeAttachLimit": {"type": "integer"},
    });
    json!({
        "controller": object(component.clone()),
        "defaultStorageClass": object(json!({"enabled": {"type": "boolean"}})),
        "node": object(component),
        "sidecars": {"type": "object"},
    })
}

/// What is wrong with a configuration, as EKS words it; nothing when it is right.
pub fn violation(name: &str, configuration: &Value) -> Option<String> {
    let schema = of(name);
    check(&schema, &schema, configuration, "$")
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(pointer) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        return check(root, root.pointer(pointer)?, value, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
        return Some(format!("{at}: {} found, {} expected", kind(value), types.join(" or ")));
    }
    if schema["format"] == "boolean" && !matches!(value.as_str(), Some("true" | "false")) {
        return Some(format!("{at}: does not match the format boolean"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Some(format!("{at}: does not have a value in the enumeration {}", schema["enum"]));
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let below = format!("{at}.{name}");
        let found = match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(known), _) => check(root, known, member, &below),
            (None, Value::Bool(false)) => {
                Some(format!("{below}: is not defined in the schema and the schema does not allow additional properties"))
            }
            (None, rest @ Value::Object(_)) => check(root, rest, member, &below),
            (None, _) => None,
        };
        if found.is_some() {
            return found;
        }
    }
    let items = value.as_array().into_iter().flatten().enumerate();
    items
        .filter(|_| schema["items"].is_object())
        .find_map(|(index, item)| check(root, &schema["items"], item, &format!("{at}[{index}]")))
}

fn is(wanted: &str, value: &Value) -> bool {
    kind(value) == wanted || (wanted == "number" && kind(value) == "integer")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strangers_are_refused() {
        let right = json!({"enableNetworkPolicy": "true", "env": {"WARM_PREFIX_TARGET": "1"}});
        assert_eq!(violation("vpc-cni", &right), None);
        let number = violation("vpc-cni", &json!({"env": {"WARM_PREFIX_TARGET": 1}}));
        assert_eq!(number.as_deref(), Some("$.env.WARM_PREFIX_TARGET: integer found, string expected"));
        assert!(violation("vpc-cni", &json!({"envs": {}})).is_some_and(|said| said.starts_with("$.envs: is not defined")));
        let scaling = json!({"autoScaling": {"enabled": true, "minReplicas": 2, "maxReplicas": 8}});
        assert_eq!(violation("coredns", &scaling), None);
        let tags = json!({"controller": {"extraVolumeTags": {"infra:stack": "dev"}}});
        assert_eq!(violation("aws-ebs-csi-driver", &tags), None);
    }
}
