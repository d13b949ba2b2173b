//! [`Connection`]: single calls on one cluster, on objects of any kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::try_join;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::discovery::{ACCEPT, Catalogue, Kind, encoded};
use super::fault::{conflicts, no_kind, silent_group};
use super::foresee::{Foreseen, of_refusal};
use super::send::{Ask, Refusal, Sender};
use super::watch::{Following, Watches};
use super::{Access, ClusterRef};
use crate::cloud::aws::Aws;
use crate::object::{Key, MANAGER, text};
use crate::remote::{Class, Fault};

/// A cluster, and what is known of it.
pub struct Connection {
    sender: Sender,
    catalogue: Mutex<Option<Arc<Catalogue>>>,
    watches: Watches,
}

/// Which objects of a kind are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Select<'a> {
    /// All of them when there is none.
    pub namespace: Option<&'a str>,
    /// `infra/lineage=…`
    pub labels: &'a str,
    /// `involvedObject.name=…`
    pub fields: &'a str,
}

impl Connection {
    pub(super) async fn open(cluster: ClusterRef, aws: &Aws, access: Arc<Access>) -> Result<Self, Fault> {
        Ok(Self { sender: Sender::new(cluster, aws, access).await?, catalogue: Mutex::default(), watches: Watches::default() })
    }

    pub fn cluster(&self) -> &ClusterRef {
        &self.sender.cluster
    }

    /// The kind in exactly this version. One that the cluster does not serve may be on its way: class `Settling`.
    pub async fn served(&self, api_version: &str, kind: &str) -> Result<Kind, Fault> {
        let found = self.version(api_version, kind).await?;
        found.ok_or_else(|| no_kind(self.sender.asked("kubernetes:Discover", true), api_version, kind))
    }

    /// The kind in exactly this version, if the cluster serves it.
    pub async fn version(&self, api_version: &str, kind: &str) -> Result<Option<Kind>, Fault> {
        Ok(self.look_up(|it| it.served(api_version, kind).cloned()).await?.0)
    }

    /// The kind in the version that the cluster prefers, if it serves it at all. One that is gone serves nothing.
    pub async fn kind(&self, group: &str, kind: &str) -> Result<Option<Kind>, Fault> {
        let found = match self.look_up(|it| it.kind(group, kind).cloned()).await {
            Err(fault) if fault.class == Class::Missing => return Ok(None),
            found => found?,
        };
        match found {
            (None, catalogue) if catalogue.is_silent(group) => {
                Err(silent_group(self.sender.asked("kubernetes:Discover", true), group))
            }
            (found, _) => Ok(found),
        }
    }

    /// Looks into the catalogue, and where nothing is found, once into a new one.
    async fn look_up(&self, find: impl Fn(&Catalogue) -> Option<Kind>) -> Result<(Option<Kind>, Arc<Catalogue>), Fault> {
        let known = self.catalogue(None).await?;
        if let Some(it) = find(&known) {
            return Ok((Some(it), known));
        }
        let newer = self.catalogue(Some(&known)).await?;
        Ok((find(&newer), newer))
    }

    /// What the cluster serves; asked anew when what is known is `outdated`.
    async fn catalogue(&self, outdated: Option<&Arc<Catalogue>>) -> Result<Arc<Catalogue>, Fault> {
        let mut known = self.catalogue.lock().await;
        match &*known {
            Some(it) if !outdated.is_some_and(|old| Arc::ptr_eq(old, it)) => Ok(it.clone()),
            _ => {
                let ask = |path: &str| Ask { accept: ACCEPT, ..Ask::read("Discover", path.to_owned()) };
                let (core, groups) = (ask("/api"), ask("/apis"));
                let (core, groups) = try_join(self.sender.send(&core), self.sender.send(&groups)).await?;
                let made = Arc::new(Catalogue::of(&[core, groups]));
                *known = Some(made.clone());
                Ok(made)
            }
        }
    }

    /// The object as it is now. One that does not exist is a fault of class `Missing`.
    pub async fn get(&self, kind: &Kind, key: &Key) -> Result<Value, Fault> {
        Ok(self.sender.send(&Ask::read("Get", kind.path(key))).await?)
    }

    /// The object as it is now, if there is one.
    pub async fn find(&self, kind: &Kind, key: &Key) -> Result<Option<Value>, Fault> {
        match self.get(kind, key).await {
            Ok(object) => Ok(Some(object)),
            Err(fault) if fault.class == Class::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The same by its key alone; a kind that is not served has no objects.
    pub async fn object(&self, key: &Key) -> Result<Option<Value>, Fault> {
        match self.kind(&key.group, &key.kind).await? {
            Some(kind) => self.find(&kind, key).await,
            None => Ok(None),
        }
    }

    /// All objects of a kind that are selected, in one call.
    pub async fn list(&self, kind: &Kind, select: Select<'_>) -> Result<Vec<Value>, Fault> {
        Ok(self.listed(kind, select).await?.0)
    }

    /// Whether any of these objects was looked at before, with this question: then somebody waits for it.
    pub fn are_awaited<'a>(&self, keys: impl Iterator<Item = &'a Key>) -> bool {
        self.watches.are_awaited(keys)
    }

    /// All objects of a kind that carry these labels, as the server has told of them up to now, and none older than what was
    /// applied here. The first to ask lists and begins to watch; so does whoever asks after a watch has ended.
    pub async fn follow(&self, kind: &Kind, labels: &str) -> Result<Vec<Arc<Value>>, Fault> {
        let slot = self.watches.slot(kind, labels);
        let mut following = slot.lock().await;
        if let Some(objects) = following.as_ref().and_then(Following::objects) {
            return Ok(objects);
        }
        let select = Select { labels, ..Select::default() };
        let (listed, version) = self.listed(kind, select).await?;
        let listed: Vec<Arc<Value>> = listed.into_iter().map(Arc::new).collect();
        let watch = format!("{}&watch=true&allowWatchBookmarks=true&resourceVersion={version}", path(kind, select));
        let events = self.sender.events(watch).await;
        *following = events.map(|it| Following::new(listed.clone(), &version, it));
        Ok(listed)
    }

    /// With the version of the list.
    async fn listed(&self, kind: &Kind, select: Select<'_>) -> Result<(Vec<Value>, String), Fault> {
        let mut answer = self.sender.send(&Ask::read("List", path(kind, select))).await?;
        let version = text(&answer, "/metadata/resourceVersion").to_owned();
        let found = answer.get_mut("items").map(Value::take);
        let Some(Value::Array(mut list)) = found else { return Ok((Vec::new(), version)) };
        // The items of a list do not say what they are.
        for item in list.iter_mut().filter_map(Value::as_object_mut) {
            item.insert("apiVersion".to_owned(), kind.api_version().into());
            item.insert("kind".to_owned(), kind.kind.clone().into());
        }
        Ok((list, version))
    }

    /// Server-side apply under [`MANAGER`]: makes the object or changes it. Answers with the whole object. Fields are taken from
    /// other managers only where all that are in the way are listed, or were set by hand.
    pub async fn apply(&self, object: &Value, take_from: &BTreeSet<String>) -> Result<Value, Fault> {
        let made = self.send_applied(object, take_from, false).await?;
        self.watches.made(&made).await;
        Ok(made)
    }

    /// What would come of it. Nothing is changed, so no lock is needed.
    pub async fn foresee(&self, object: &Value, take_from: &BTreeSet<String>) -> Result<Foreseen, Fault> {
        match self.send_applied(object, take_from, true).await {
            Ok(answer) => Ok(Foreseen::Taken(answer)),
            Err(refused) => of_refusal(object, refused),
        }
    }

    async fn send_applied(&self, object: &Value, take_from: &BTreeSet<String>, dry_run: bool) -> Result<Value, Refusal> {
        let key = Key::of(object).map_err(|error| Fault::bug("kubernetes:Apply", error.to_string()))?;
        let kind = self.served(text(object, "/apiVersion"), &key.kind).await?;
        let path = kind.path(&key);
        let ask = |force: bool| Ask {
            verb: if dry_run { "DryRun" } else { "Apply" },
            method: Method::PATCH,
            path: format!(
                "{path}?fieldManager={MANAGER}&fieldValidation=Strict&force={force}{}",
                if dry_run { "&dryRun=All" } else { "" }
            ),
            accept: "application/json",
            content_type: "application/apply-patch+yaml",
            body: object.to_string().into_bytes(),
            is_read: dry_run,
        };
        let refused = match self.sender.send(&ask(false)).await {
            Ok(answer) => return Ok(answer),
            Err(refused) => refused,
        };
        let conflicts = conflicts(&refused.answer);
        let may_take = conflicts.iter().all(|it| it.is_by_hand() || take_from.contains(&it.manager));
        // The first was refused as a whole, so this is no second attempt.
        if !conflicts.is_empty() && may_take { self.sender.send(&ask(true)).await } else { Err(refused) }
    }

    /// Asks to delete the object of this uid, after all that it owns. It is gone once its finalizers are.
    pub async fn delete(&self, kind: &Kind, key: &Key, uid: Option<&str>) -> Result<(), Fault> {
        let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"});
        if let (Some(uid), Some(options)) = (uid, options.as_object_mut()) {
            options.insert("preconditions".to_owned(), json!({"uid": uid}));
        }
        let ask = Ask {
            verb: "Delete",
            method: Method::DELETE,
            path: kind.path(key),
            accept: "application/json",
            content_type: "application/json",
            body: options.to_string().into_bytes(),
            is_read: false,
        };
        self.sender.send(&ask).await?;
        Ok(())
    }

    /// The pods that a workload's selector matches and the events about the object: what explains why it is not ready.
    pub async fn surroundings(&self, object: &Value) -> Result<(Vec<Value>, Vec<Value>), Fault> {
        let Some(namespace) = object.pointer("/metadata/namespace").and_then(Value::as_str) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let core = |kind: &'static str| self.kind("", kind);
        let (Some(pod), Some(event)) = try_join(core("Pod"), core("Event")).await? else { return Ok((Vec::new(), Vec::new())) };
        let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
        let labels: Vec<String> =
            labels.into_iter().flatten().map(|(name, it)| format!("{name}={}", it.as_str().unwrap_or_default())).collect();
        let labels = labels.join(",");
        let fields = format!("involvedObject.uid={}", text(object, "/metadata/uid"));
        let pods = async {
            match labels.is_empty() {
                true => Ok(Vec::new()),
                false => self.list(&pod, Select { namespace: Some(namespace), labels: &labels, fields: "" }).await,
            }
        };
        let events = self.list(&event, Select { namespace: Some(namespace), labels: "", fields: &fields });
        try_join(pods, events).await
    }
}

/// Where what is selected is listed.
fn path(kind: &Kind, select: Select<'_>) -> String {
    let folder = select.namespace.map_or_else(|| kind.everywhere(), |it| kind.folder(Some(it)));
    let query = [("labelSelector", select.labels), ("fieldSelector", select.fields)];
    let query = query.iter().filter(|(_, it)| !it.is_empty()).map(|(name, it)| format!("{name}={}", encoded(it)));
    format!("{folder}?{}", query.collect::<Vec<_>>().join("&"))
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.sender.cluster.identity())
    }
}
