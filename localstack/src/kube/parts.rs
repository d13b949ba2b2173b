//! What each part of a plane is started with. All flags are upstream's; "Component tools", Kubernetes reference.

use std::path::Path;

use super::version::Version;

/// The ports of one plane, all on the loopback address.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub etcd: u16,
    pub peer: u16,
    pub api: u16,
}

/// What differs from plane to plane.
pub struct Setting<'a> {
    pub folder: &'a Path,
    pub ports: Ports,
    pub service_cidr: &'a str,
    pub issuer: &'a str,
    pub has_webhook: bool,
    pub version: Version,
}

impl Setting<'_> {
    pub fn etcd(&self) -> Vec<String> {
        let (client, peer) = (http(self.ports.etcd), http(self.ports.peer));
        vec![
            "--log-level=error".to_owned(),
            // What a crash loses is thrown away anyway.
            "--unsafe-no-fsync".to_owned(),
            format!("--data-dir={}", self.path("etcd")),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
        ]
    }

    pub fn apiserver(&self) -> Vec<String> {
        let mut flags = vec![
            format!("--etcd-servers={}", http(self.ports.etcd)),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.ports.api),
            // A loopback address cannot be the endpoint of a Service.
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--service-cluster-ip-range={}", self.service_cidr),
            format!("--client-ca-file={}", self.path("ca.crt")),
            format!("--tls-cert-file={}", self.path("apiserver.crt")),
            format!("--tls-private-key-file={}", self.path("apiserver.key")),
            format!("--service-account-issuer={}", self.issuer),
            format!("--service-account-key-file={}", self.path("sa.pub")),
            format!("--service-account-signing-key-file={}", self.path("sa.key")),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--profiling=false".to_owned(),
        ];
        if self.has_webhook {
            flags.push(format!("--authentication-token-webhook-config-file={}", self.path("webhook.yaml")));
            flags.push("--authentication-token-webhook-version=v1".to_owned());
            // A test that changes an access entry must not wait for long.
            flags.push("--authentication-token-webhook-cache-ttl=1s".to_owned());
        }
        self.emulated(flags)
    }

    pub fn controllers(&self) -> Vec<String> {
        self.emulated(vec![
            format!("--kubeconfig={}", self.path("kube-controller-manager.yaml")),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            "--profiling=false".to_owned(),
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={}", self.path("sa.key")),
            format!("--root-ca-file={}", self.path("ca.crt")),
            format!("--cluster-signing-cert-file={}", self.path("ca.crt")),
            format!("--cluster-signing-key-file={}", self.path("ca.key")),
            // KWOK's heartbeats are up to 45 s apart; a busy machine must not lose nodes.
            "--node-monitor-grace-period=5m".to_owned(),
            // At the default, 20 calls a second, hundreds of objects wait for their controllers; a managed plane is given more.
            "--kube-api-qps=200".to_owned(),
            "--kube-api-burst=400".to_owned(),
        ])
    }

    pub fn scheduler(&self) -> Vec<String> {
        self.emulated(vec![
            format!("--kubeconfig={}", self.path("kube-scheduler.yaml")),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            "--profiling=false".to_owned(),
        ])
    }

    pub fn kubelets(&self) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.path("kwok.yaml")),
            "--manage-all-nodes=true".to_owned(),
            format!("--config={}", self.path("stages.yaml")),
        ]
    }

    fn emulated(&self, mut flags: Vec<String>) -> Vec<String> {
        if !self.version.is_built() {
            flags.push(format!("--emulated-version={}", self.version));
        }
        flags
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn http(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
