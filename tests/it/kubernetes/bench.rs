//! A cluster and one who calls as the machine does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use infra::catalog::Catalog;
use infra::cloud::aws::limits::Limits;
use infra::cloud::aws::{Aws, Settings, StandIn};
use infra::cloud::{Cloud, Clouds, Query, Target};
use infra::remote::{Class, ConfigName, Fault, Id, Live, Token};
use infra::value::Value;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, Config};
use localstack::client::Caller;
use serde_json::{Value as Json, json};

use super::edge::{Open, cluster, enter, permit};

const ACCOUNT: &str = "760000000003";
pub const LINEAGE: &str = "0123456789abcdef0123456789abcdef";

pub struct Bench {
    pub clouds: Clouds,
    pub arn: String,
    pub cluster: Json,
}

impl Bench {
    pub async fn new(name: &str) -> Self {
        let local = super::cloud().await;
        let caller = Caller::new(local, ACCOUNT);
        let cluster = cluster(&caller, name).await;
        enter(&caller, ACCOUNT, name).await;
        permit(&caller, ACCOUNT, name, "AmazonEKSClusterAdminPolicy").await;
        let stand_in = StandIn {
            endpoint: local.endpoint().to_owned(),
            access_key_id: ACCOUNT.into(),
            secret_access_key: localstack::SECRET.into(),
        };
        let settings = Settings { region: localstack::REGION.into(), stand_in: Some(stand_in), ..Settings::default() };
        let settings = BTreeMap::from([(ConfigName::default(), settings)]);
        let clouds = Clouds::connect(Arc::new(Catalog::new()), &settings, Limits::off()).await;
        clouds.fence().guard(Arc::new(Open), Duration::from_secs(20));
        let it = Self { clouds, arn: cluster["arn"].as_str().unwrap().to_owned(), cluster };
        it.aws().kube().access_changed(name);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hold"}});
        it.make("namespace", namespace).await;
        it
    }

    pub fn aws(&self) -> &Aws {
        self.clouds.config(&ConfigName::default()).unwrap()
    }

    pub fn target(&self) -> Target {
        Target { type_name: "kubernetes_manifest".into(), config: ConfigName::default() }
    }

    /// As the machine hands it over, with marks.
    pub fn settings(&self, token: &str, object: Json) -> Json {
        let mut object = object;
        object["metadata"]["labels"]["infra/lineage"] = LINEAGE.into();
        object["metadata"]["annotations"] = json!({"infra/token": token, "infra/stack": "dev", "infra/address": "a.b"});
        let cluster = json!({
            "arn": self.arn,
            "endpoint": self.cluster["endpoint"],
            "certificate_authority": {"data": self.cluster["certificateAuthority"]["data"]},
        });
        json!({"cluster": cluster, "manifest": object})
    }

    pub async fn create(&self, token: &str, settings: &Json) -> Result<Id, Fault> {
        let token = Token(token.into());
        patient(|| async { self.clouds.create(&self.target(), &Value::from_json(settings), &token).await }).await
    }

    pub async fn make(&self, token: &str, object: Json) -> Id {
        self.create(token, &self.settings(token, object)).await.unwrap()
    }

    pub async fn update(&self, id: &Id, settings: &Json) -> Result<(), Fault> {
        let settings = Value::from_json(settings);
        patient(|| async { self.clouds.update(&self.target(), id, &settings, &settings).await }).await
    }

    pub async fn delete(&self, id: &Id) -> Result<(), Fault> {
        let settings = Value::from_json(&self.settings("", json!({})));
        self.clouds.delete(&self.target(), id, &settings).await
    }

    pub async fn read(&self, query: Query) -> BTreeMap<Id, Live> {
        self.clouds.read(&self.target(), &query).await.unwrap()
    }

    pub async fn look(&self, id: &Id) -> Option<Live> {
        self.read(Query { ids: vec![id.clone()], ..Query::default() }).await.remove(id)
    }

    /// As one looks who waits.
    pub async fn awaited(&self, id: &Id) -> Option<Live> {
        self.read(Query { ids: vec![id.clone()], lineage: Some(LINEAGE.into()), ..Query::default() }).await.remove(id)
    }

    pub async fn until(&self, id: &Id, done: impl Fn(Option<&Live>) -> bool) {
        let mut seen = None;
        // The collector looks for new kinds twice a minute.
        for _ in 0..300 {
            seen = self.awaited(id).await;
            if done(seen.as_ref()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("{id}: {seen:?}");
    }

    /// Somebody else, with the same rights.
    pub async fn stranger(&self) -> Client {
        let name = self.cluster["name"].as_str().unwrap();
        let token = self.aws().signer().unwrap().eks_token(name, localstack::REGION).await.unwrap();
        let mut config = Config::new(self.cluster["endpoint"].as_str().unwrap().parse().unwrap());
        config.accept_invalid_certs = true;
        config.auth_info.token = Some(token.text.into());
        Client::try_from(config).unwrap()
    }

    /// The same with configuration in the namespace of the tests.
    pub async fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.stranger().await, "hold")
    }

    pub fn object(&self, live: &Live) -> Json {
        live.settings.get("manifest").to_json().unwrap()
    }
}

pub async fn patient<T>(call: impl AsyncFn() -> Result<T, Fault>) -> Result<T, Fault> {
    for _ in 0..100 {
        match call().await {
            Err(fault) if matches!(fault.class, Class::Settling | Class::Busy) => {}
            answer => return answer,
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    call().await
}

pub fn config_map(name: &str, data: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "hold"}, "data": data})
}

pub fn class<T: std::fmt::Debug>(it: Result<T, Fault>) -> Class {
    it.unwrap_err().class
}
