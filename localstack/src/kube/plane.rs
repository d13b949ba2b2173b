//! A control plane as a value: starts, is asked, and stops when dropped.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api::{Api, ApiError, Identity};
use super::binaries::Binaries;
use super::certificates::{self, Authority};
use super::node::{self, Node};
use super::part::Part;
use super::parts::{Ports, Setting};
use super::version::Version;
use crate::{StartError, cloud, lock, python};

/// How nodes and pods live.
const STAGES: &str = include_str!("../../kube/stages.yaml");

/// How long a plane may take to become ready on a busy machine; on an idle one it takes under 10 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// How to start a plane.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it keeps its data and logs, which go with it; a folder of its own in the cache unless given.
    pub folder: Option<PathBuf>,
    /// The addresses of Services.
    pub service_cidr: String,
    /// Answers TokenReviews (`authentication.k8s.io/v1`) for tokens that are none of the cluster's own.
    pub token_webhook: Option<String>,
    /// The `iss` of service account tokens: the OIDC issuer of an EKS cluster.
    pub issuer: String,
    pub version: Version,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: None,
            service_cidr: "172.20.0.0/16".to_owned(),
            token_webhook: None,
            issuer: "https://kubernetes.default.svc.cluster.local".to_owned(),
            version: Version::default(),
        }
    }
}

/// A running control plane.
pub struct ControlPlane {
    options: Options,
    binaries: Binaries,
    folder: PathBuf,
    ports: Ports,
    ca_pem: String,
    kubeconfig: String,
    admin: Api,
    state: Mutex<State>,
}

/// What runs, in the order of start, and as which version.
struct State {
    parts: Vec<Part>,
    version: Version,
}

impl ControlPlane {
    /// Builds what is missing (once), starts, and returns when objects are taken and looked after.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (cache, ports) = (python::cache_folder()?, free_ports()?);
        let folder = match &options.folder {
            Some(folder) => folder.clone(),
            None => cloud::run_folder(&cache, ports.api)?,
        };
        fs::create_dir_all(&folder)?;
        let binaries = tokio::task::spawn_blocking(move || Binaries::find(&cache))
            .await
            .map_err(|failure| StartError::Setup(failure.to_string()))??;
        let endpoint = format!("https://127.0.0.1:{}", ports.api);

        let authority = Authority::new(&folder)?;
        authority.server(first_address(&options.service_cidr)?)?;
        authority.service_accounts()?;
        let config = |identity: &Identity| certificates::kubeconfig(&endpoint, &authority.pem, identity);
        for (name, user, group) in [
            ("kube-controller-manager", "system:kube-controller-manager", None),
            ("kube-scheduler", "system:kube-scheduler", None),
            ("kwok", "kwok", Some("system:masters")),
        ] {
            certificates::write(&folder.join(format!("{name}.yaml")), &config(&authority.client(user, group)?))?;
        }
        let identity = authority.client("kubernetes-admin", Some("system:masters"))?;
        certificates::write(&folder.join("admin.yaml"), &config(&identity))?;
        fs::write(folder.join("stages.yaml"), STAGES)?;
        if let Some(url) = &options.token_webhook {
            fs::write(folder.join("webhook.yaml"), webhook(url))?;
        }

        let plane = Self {
            kubeconfig: config(&identity),
            admin: Api::new(&endpoint, &authority.pem, Some(&identity)).map_err(|failure| failed(&failure))?,
            ca_pem: authority.pem.clone(),
            state: Mutex::new(State { parts: Vec::new(), version: options.version }),
            options,
            binaries,
            folder,
            ports,
        };
        plane.launch(&["etcd", "kube-apiserver"])?;
        plane.until_ready("/readyz").await?;
        plane.launch(&["kube-controller-manager", "kube-scheduler", "kwok"])?;
        // The controllers make it: from then on pods can be created.
        plane.until_ready("/api/v1/namespaces/default/serviceaccounts/default").await?;
        Ok(plane)
    }

    /// `https://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A kubeconfig with a client certificate of `system:masters`.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// The file with the same text. It goes with the plane.
    pub fn kubeconfig_file(&self) -> PathBuf {
        self.folder.join("admin.yaml")
    }

    /// Calls as an administrator.
    pub fn admin(&self) -> &Api {
        &self.admin
    }

    /// Calls as nobody; with a token, as whoever it stands for.
    pub fn anonymous(&self) -> Result<Api, ApiError> {
        Api::new(&self.endpoint(), &self.ca_pem, None)
    }

    pub fn version(&self) -> Version {
        lock(&self.state).version
    }

    /// Restarts all but etcd as another version, on the same data and at the same address.
    pub async fn update(&self, version: Version) -> Result<(), StartError> {
        {
            let mut state = lock(&self.state);
            state.parts.retain(|part| part.name() == "etcd");
            state.version = version;
        }
        self.launch(&["kube-apiserver"])?;
        self.until_ready("/readyz").await?;
        self.launch(&["kube-controller-manager", "kube-scheduler", "kwok"])
    }

    /// Registers nodes, which become Ready by themselves within seconds.
    pub async fn add_nodes(&self, nodes: &[Node]) -> Result<(), ApiError> {
        node::add(&self.admin, nodes).await
    }

    /// Evicts the pods of these nodes for up to 30 s, then removes the nodes. Nodes that do not exist are fine.
    pub async fn remove_nodes(&self, names: &[String]) -> Result<(), ApiError> {
        node::remove(&self.admin, names).await
    }

    /// The process groups of all parts.
    pub fn processes(&self) -> Vec<u32> {
        lock(&self.state).parts.iter().map(Part::group).collect()
    }

    /// Ends all processes and removes the folder. Dropping does the same.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        while state.parts.pop().is_some() {}
        drop(state);
        let _ = fs::remove_dir_all(&self.folder);
    }

    fn launch(&self, names: &[&'static str]) -> Result<(), StartError> {
        let mut state = lock(&self.state);
        let setting = Setting {
            folder: &self.folder,
            ports: self.ports,
            service_cidr: &self.options.service_cidr,
            issuer: &self.options.issuer,
            has_webhook: self.options.token_webhook.is_some(),
            version: state.version,
        };
        let environment = [("KUBE_VERSION", state.version.full())];
        for &name in names {
            let mut command = self.binaries.command(name);
            command.extend(match name {
                "etcd" => setting.etcd(),
                "kube-apiserver" => setting.apiserver(),
                "kube-controller-manager" => setting.controllers(),
                "kube-scheduler" => setting.scheduler(),
                _ => setting.kubelets(),
            });
            state.parts.push(Part::start(name, &command, &environment, &self.folder)?);
        }
        Ok(())
    }

    /// Waits until a GET of `path` succeeds. Fails as soon as a part has ended.
    async fn until_ready(&self, path: &str) -> Result<(), StartError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.admin.get(path).await;
            let Err(failure) = answer else { return Ok(()) };
            lock(&self.state).parts.iter_mut().try_for_each(Part::check)?;
            if Instant::now() >= end {
                return Err(failed(&failure));
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.stop();
    }
}

fn failed(failure: &ApiError) -> StartError {
    StartError::Emulator { name: "kube-apiserver".to_owned(), said: failure.to_string() }
}

/// Ports that nobody has at this moment.
fn free_ports() -> Result<Ports, StartError> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (etcd, peer, api) = (listen()?, listen()?, listen()?);
    Ok(Ports { etcd: etcd.local_addr()?.port(), peer: peer.local_addr()?.port(), api: api.local_addr()?.port() })
}

/// The address of the Service `kubernetes`: the first of the range.
fn first_address(cidr: &str) -> Result<Ipv4Addr, StartError> {
    let base = cidr.split('/').next().and_then(|base| base.parse::<Ipv4Addr>().ok());
    let first = base.and_then(|base| base.to_bits().checked_add(1)).map(Ipv4Addr::from_bits);
    first.ok_or_else(|| StartError::Kubernetes(format!("{cidr:?} is no range of IPv4 addresses")))
}

/// The kubeconfig that names a webhook.
fn webhook(url: &str) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         current-context: webhook\n\
         contexts: [{{name: webhook, context: {{cluster: webhook, user: webhook}}}}]\n\
         clusters: [{{name: webhook, cluster: {{server: \"{url}\"}}}}]\n\
         users: [{{name: webhook, user: {{}}}}]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_kubernetes_has_the_first_address() {
        assert_eq!(first_address("10.100.0.0/16").expect("a range"), Ipv4Addr::new(10, 100, 0, 1));
        assert!(first_address("ten").is_err());
    }
}
