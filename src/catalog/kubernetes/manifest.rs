//! `kubernetes_manifest`

mod look;
mod preview;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::cluster::Cluster;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::kube::{Connection, Select};
use crate::object::key::definition;
use crate::object::marks::{self, Marks};
use crate::object::{Key, ObjectId};
use crate::remote::{Class, Fault, Id, Preview, Settle, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Imprint, Local};
use crate::value::Value;

pub use wait::WaitFor;

/// Objects of a Kubernetes cluster, each a thing of its own: `kubernetes_manifest.web["Deployment.apps/hold/web"]`.
///
/// They are written out (`manifest`) or in files (`file`, `folder`, `glob`), which are templates where `vars` is set. What is
/// applied is what is declared, no more: fields that others set stay theirs. A field that kubectl changed by hand is taken back.
///
/// ```stack
/// data "kubernetes_cluster" "home" {
///   kubeconfig = "~/.kube/config"
///   context    = "home"
/// }
///
/// resource "kubernetes_manifest" "hold" {
///   cluster = data.kubernetes_cluster.home
///   manifest = {
///     apiVersion = "v1"
///     kind       = "Namespace"
///     metadata   = { name = "hold", labels = { "pod-security.kubernetes.io/enforce" = "restricted" } }
///   }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The cluster: an `aws_eks_cluster`, or a data `kubernetes_cluster`.
    #[schemars(extend("x-picks" = true))]
    pub cluster: Cluster,
    /// An object, or a list of them.
    #[serde(default)]
    #[schemars(extend("x-source" = "objects", "x-applied" = true))]
    pub manifest: Json,
    /// A YAML or JSON file of objects.
    #[serde(default)]
    #[schemars(extend("x-source" = "file"))]
    pub file: Option<String>,
    /// A folder of such files; those of folders within it are not taken.
    #[serde(default)]
    #[schemars(extend("x-source" = "folder"))]
    pub folder: Option<String>,
    /// Such files by a pattern: `k8s/**/*.yaml`.
    #[serde(default)]
    #[schemars(extend("x-source" = "glob"))]
    pub glob: Option<String>,
    /// What the files, as templates, may name.
    #[serde(default)]
    #[schemars(extend("x-source" = "variables"))]
    pub vars: Json,
    /// Whether to wait until an object is ready.
    #[serde(default = "yes")]
    pub wait: bool,
    /// What to wait for in place of what the kind means by ready.
    #[serde(default)]
    pub wait_for: Option<WaitFor>,
    /// Managers from whom fields that are declared here are taken. Of any other it is an error.
    #[serde(default)]
    pub force_conflicts: Local<BTreeSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestOutputs {
    /// The cluster and the object: `arn:…:cluster/dev#Deployment.apps/hold/web`.
    pub id: String,
    /// The cluster's own name for it, which no other object ever has.
    pub uid: String,
    /// Tells whether anything that is ours was changed.
    pub imprint: Imprint<String>,
    /// What its controller says of it.
    pub status: Json,
}

fn yes() -> bool {
    true
}

impl Manifest {
    /// The id of the object that the settings describe.
    fn object_id(&self) -> Result<ObjectId, Fault> {
        let key = Key::of(&self.manifest).map_err(|error| Fault::bug("kubernetes", error.to_string()))?;
        Ok(ObjectId { cluster: self.cluster.reference()?.identity(), key })
    }

    /// What is applied: the object, and what it is waited for, so that every later read knows.
    fn body(&self) -> Json {
        match wait::said(self.wait, self.wait_for.as_ref()) {
            Some(it) => marks::annotated(self.manifest.clone(), marks::WAIT_FOR, &it),
            None => self.manifest.clone(),
        }
    }

    async fn apply(&self, aws: &Aws) -> Result<Json, Fault> {
        let connection = aws.kube().connection(&self.cluster.reference()?, aws).await?;
        connection.apply(&self.body(), &self.force_conflicts).await
    }

    /// What has the name already; nothing where it is free. Of another owner, a fault of class `Exists`.
    async fn holder(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let id = self.object_id()?;
        let connection = aws.kube().connection(&self.cluster.reference()?, aws).await?;
        let Some(live) = connection.object(&id.key).await? else { return Ok(None) };
        let (has, wants) = (Marks::of(&live), Marks::of(&self.manifest));
        if has.token == token.as_str() && has.lineage == wants.lineage {
            return Ok(Some(id.id()));
        }
        Err(Fault::new(Class::Exists, "kubernetes:Get", in_the_way(&id.key, &live, &connection)))
    }
}

impl Resource for Manifest {
    const TYPE: &'static str = "kubernetes_manifest";
    const SETTLE: Settle = Settle {
        every: Duration::from_millis(250),
        // A look costs nothing while the API server tells of changes by itself.
        every_max: Duration::from_secs(1),
        hidden: Duration::from_secs(5),
        create: Duration::from_secs(600),
        update: Duration::from_secs(600),
        delete: Duration::from_secs(600),
        typical: Duration::from_secs(1),
    };
    type Outputs = ManifestOutputs;
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] = &[(&["wait_for.condition", "wait_for.path"], true)];

    /// Server-side apply makes or changes, whatever is there: what is there is looked at before.
    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        self.holder(aws, token).await?;
        self.apply(aws).await?;
        Ok(self.object_id()?.id())
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        look::look(aws, query).await
    }

    async fn update(&self, aws: &Aws, _: &Id, _: &Self) -> Result<(), Fault> {
        self.apply(aws).await?;
        Ok(())
    }

    /// Foreground: the object is there until all that it owns is gone. A definition is never deleted over objects of its kind.
    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let id = look::read_id(id)?;
        let connection = aws.kube().connection_of(&id.cluster, aws).await?;
        let gone = || Fault::new(Class::Missing, "kubernetes:Delete", format!("there is no {}", id.key));
        let kind = connection.kind(&id.key.group, &id.key.kind).await?.ok_or_else(gone)?;
        let live = connection.get(&kind, &id.key).await?;
        if let Some((group, kind)) = definition(&live)
            && let Some(kind) = connection.kind(&group, &kind).await?
        {
            let left = connection.list(&kind, Select::default()).await?;
            if !left.is_empty() {
                return Err(Fault::new(Class::InUse, "kubernetes:Delete", in_use(&id.key, &left)));
            }
        }
        connection.delete(&kind, &id.key, live.pointer("/metadata/uid").and_then(Json::as_str)).await
    }

    async fn preview(aws: &Aws, id: Option<&Id>, settings: &Value) -> Result<Preview, Fault> {
        preview::preview(aws, id, settings).await
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        self.holder(aws, token).await
    }
}

/// What is said of an object that has the name already.
fn in_the_way(key: &Key, live: &Json, connection: &Connection) -> String {
    let marks = Marks::of(live);
    let whose = match marks.lineage {
        "" => "no stack made it".to_owned(),
        _ => format!("it is {} of the stack `{}`", marks.address, marks.stack),
    };
    format!("{key} exists already in {}: {whose}", connection.cluster().said())
}

fn in_use(key: &Key, left: &[Json]) -> String {
    const SHOWN: usize = 5;
    let names = left.iter().filter_map(|it| Some(Key::of(it).ok()?.to_string()));
    let mut names: Vec<String> = names.take(SHOWN).collect();
    if left.len() > SHOWN {
        names.push(format!("{} more", left.len() - SHOWN));
    }
    format!("{key} has objects, which would be deleted with it: {}", names.join(", "))
}
