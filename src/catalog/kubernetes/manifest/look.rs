//! Looks at many objects at once: one list a kind, or what a watch has told, and what that does not show one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{Cluster, Manifest, ManifestOutputs, wait};
use crate::catalog::each::side_by_side;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::kube::{Connection, Kind, Select, Troubles};
use crate::object::managed::{applied_in, touched};
use crate::object::marks::{Marks, without_marks};
use crate::object::{Key, LINEAGE_LABEL, MANAGER, ObjectId, managed, readiness, text};
use crate::remote::{Class, Fault, Id, Status};
use crate::resource::Seen;

/// So few of a kind are asked for one by one.
const FEW: usize = 2;

type Found = BTreeMap<Id, Seen<Manifest>>;
/// By group and kind.
type Wanted = BTreeMap<(String, String), Vec<(Id, Key)>>;

/// An id that names no object is a mistake of whoever typed it.
pub(super) fn read_id(id: &Id) -> Result<ObjectId, Fault> {
    id.as_str()
        .parse()
        .map_err(|error: crate::object::key::NoKey| Fault::new(Class::Refused, "kubernetes:Get", error.to_string()))
}

pub(super) async fn look(aws: &Aws, query: &Query) -> Result<Found, Fault> {
    let mut clusters: BTreeMap<String, Wanted> = BTreeMap::new();
    for id in &query.ids {
        let ObjectId { cluster, key } = read_id(id)?;
        let kinds = clusters.entry(cluster).or_default();
        kinds.entry((key.group.clone(), key.kind.clone())).or_default().push((id.clone(), key));
    }
    let looks = clusters.into_iter().map(|(identity, kinds)| async move {
        let connection = match aws.kube().connection_of(&identity, aws).await {
            Ok(it) => it,
            // Its objects went with it.
            Err(fault) if fault.class == Class::Missing => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        let kinds = kinds.into_iter().map(|((group, kind), wanted)| {
            let connection = connection.clone();
            async move { of_kind(aws, &connection, &group, &kind, wanted, query).await }
        });
        Ok(try_join_all(kinds).await?.into_iter().flatten().collect())
    });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

async fn of_kind(
    aws: &Aws,
    connection: &Arc<Connection>,
    group: &str,
    kind: &str,
    wanted: Vec<(Id, Key)>,
    query: &Query,
) -> Result<Vec<(Id, Seen<Manifest>)>, Fault> {
    // A kind that is not served any more has no objects.
    let Some(kind) = connection.kind(group, kind).await? else { return Ok(Vec::new()) };
    let awaited = !query.shared && connection.are_awaited(wanted.iter().map(|(_, key)| key));
    let listed = match &query.lineage {
        Some(lineage) if awaited || wanted.len() > FEW => match list(connection, &kind, lineage, awaited).await {
            Err(fault) if fault.class == Class::Missing => return Ok(Vec::new()),
            listed => listed?,
        },
        _ => BTreeMap::new(),
    };
    let (kind, listed) = (&kind, &listed);
    let looks = wanted.into_iter().map(|(id, key)| async move {
        let single;
        let live = match listed.get(&placed(kind, key.clone())) {
            Some(it) => it,
            None => match get(connection, kind, &key).await? {
                Some(it) => {
                    single = it;
                    &single
                }
                None if query.shared => return Ok(None),
                None => return Ok(volume_left(connection, kind, &id, &key).await?.map(|seen| (id, seen))),
            },
        };
        let seen = seen(aws, connection, &id, live, query).await;
        Ok::<_, Fault>(Some((id, seen)))
    });
    Ok(side_by_side(looks.collect()).await?.into_iter().flatten().collect())
}

/// A key as the cluster knows it: what has a namespace and names none is in `default`.
fn placed(kind: &Kind, key: Key) -> Key {
    let namespace = kind.namespaced.then(|| key.namespace.unwrap_or_else(|| "default".to_owned()));
    Key { namespace, ..key }
}

/// All of a kind that carry the lineage, each in the version that we applied it in. What is awaited is watched, not listed with
/// every look.
async fn list(connection: &Connection, kind: &Kind, lineage: &str, awaited: bool) -> Result<BTreeMap<Key, Arc<Json>>, Fault> {
    let labels = format!("{LINEAGE_LABEL}={lineage}");
    let ours = async |kind: &Kind| match awaited {
        true => connection.follow(kind, &labels).await,
        false => {
            let listed = connection.list(kind, Select { labels: &labels, ..Select::default() }).await?;
            Ok(listed.into_iter().map(Arc::new).collect())
        }
    };
    let mut all = by_key(ours(kind).await?);
    let mut others: Vec<String> =
        all.values().filter_map(|it| applied_in(it)).filter(|it| *it != kind.api_version()).map(str::to_owned).collect();
    others.sort_unstable();
    others.dedup();
    for version in others {
        // What is not served any more is seen as it is served now.
        let Some(kind) = connection.version(&version, &kind.kind).await? else { continue };
        let fitting = by_key(ours(&kind).await?);
        all.extend(fitting.into_iter().filter(|(_, it)| applied_in(it) == Some(version.as_str())));
    }
    Ok(all)
}

fn by_key(all: Vec<Arc<Json>>) -> BTreeMap<Key, Arc<Json>> {
    all.into_iter().filter_map(|it| Some((Key::of(&it).ok()?, it))).collect()
}

async fn get(connection: &Connection, kind: &Kind, key: &Key) -> Result<Option<Json>, Fault> {
    let Some(live) = connection.find(kind, key).await? else { return Ok(None) };
    match applied_in(&live).filter(|it| *it != kind.api_version()) {
        Some(version) => match connection.version(version, &kind.kind).await? {
            Some(kind) => connection.get(&kind, key).await.map(Some),
            None => Ok(Some(live)),
        },
        None => Ok(Some(live)),
    }
}

/// A claim that is gone while the volume that goes with it is not: whoever deletes it waits for that too, or what could delete the
/// volume is taken away before.
async fn volume_left(connection: &Connection, kind: &Kind, id: &Id, key: &Key) -> Result<Option<Seen<Manifest>>, Fault> {
    if !kind.group.is_empty() || kind.kind != "PersistentVolumeClaim" {
        return Ok(None);
    }
    let Some(volumes) = connection.kind("", "PersistentVolume").await? else { return Ok(None) };
    let claim = placed(kind, key.clone());
    let is_its = |it: &&Json| {
        text(it, "/spec/persistentVolumeReclaimPolicy") == "Delete"
            && text(it, "/spec/claimRef/name") == claim.name
            && Some(text(it, "/spec/claimRef/namespace")) == claim.namespace.as_deref()
    };
    let all = connection.follow(&volumes, "").await?;
    Ok(all.iter().map(Arc::as_ref).find(is_its).map(|it| {
        let status = Status::Pending(format!("its volume {} is being deleted", text(it, "/metadata/name")));
        shown(connection, id, &Json::Null, (true, None), status)
    }))
}

/// What of an object is ours or was set by hand, as a file would have it.
pub(super) fn declared(live: &Json) -> Json {
    without_marks(touched(live, MANAGER))
}

async fn seen(aws: &Aws, connection: &Connection, id: &Id, live: &Json, query: &Query) -> Seen<Manifest> {
    let (wait, wait_for) = wait::heard(Marks::of(live).wait_for);
    let status = match status(live, wait, wait_for.as_ref(), (&[], &[])) {
        // Whoever waits wants to know why.
        Status::Pending(_) if !query.shared => {
            let (pods, events) = aws.kept::<Troubles>().of(connection, id, live).await;
            self::status(live, wait, wait_for.as_ref(), (&pods, &events))
        }
        // An object that failed and can be mended in place is not to be made anew.
        Status::Failed(why) if query.shared && !readiness::is_final(live) => Status::Pending(why),
        status => status,
    };
    shown(connection, id, live, (wait, wait_for), status)
}

fn shown(
    connection: &Connection,
    id: &Id,
    live: &Json,
    (wait, wait_for): (bool, Option<wait::WaitFor>),
    status: Status,
) -> Seen<Manifest> {
    Seen {
        settings: Manifest {
            cluster: Cluster::from(connection.cluster()),
            manifest: declared(live),
            file: None,
            folder: None,
            glob: None,
            vars: Json::Null,
            wait,
            wait_for,
            force_conflicts: Default::default(),
        },
        outputs: ManifestOutputs {
            id: id.to_string(),
            uid: text(live, "/metadata/uid").to_owned(),
            imprint: hex::encode(Sha256::digest(managed(live, MANAGER).to_string())).into(),
            status: live.get("status").cloned().unwrap_or(Json::Null),
        },
        status,
    }
}

fn status(live: &Json, wait: bool, wait_for: Option<&wait::WaitFor>, (pods, events): (&[Json], &[Json])) -> Status {
    let rule = wait_for.and_then(wait::WaitFor::rule);
    match readiness(live, pods, events, rule.as_ref()) {
        Status::Pending(_) | Status::Failed(_) if !wait && !readiness::is_going(live) => Status::Ready,
        status => status,
    }
}
