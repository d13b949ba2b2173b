//! Looks at everything that a stack has recorded: each type at all its ids at once, types side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use crate::address::Address;
use crate::cli::stack::Declared;
use crate::cloud::{Cloud, Clouds, Query};
use crate::diag::Diagnostic;
use crate::plan::{Act, DataRead, ImportKey, Observed, Plan, PreviewRead, Previewed};
use crate::remote::{Class, Content, Fault, Found, Id, Target};
use crate::report::fault;
use crate::state::State;

/// Types that are read at the same time; within one, the type decides.
const READS_AT_ONCE: usize = 32;

/// How closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Whether it is there: of what is to go.
    Presence,
    /// The parts that are declared or recorded.
    Parts,
    /// All parts, declared or not.
    Whole,
}

/// What is asked of one type in one configuration.
#[derive(Default)]
struct Wanted {
    ids: Vec<(Address, Id)>,
    parts: BTreeSet<Arc<str>>,
}

/// Reads what is recorded, in the parts that are on record or `declared`.
pub async fn recorded(
    cloud: &dyn Cloud,
    state: &State,
    declared: &BTreeMap<Address, Declared>,
    depth: Depth,
    into: &mut Observed,
) -> Result<(), Vec<Diagnostic>> {
    let mut wanted: BTreeMap<Target, Wanted> = BTreeMap::new();
    for (address, record) in &state.resources {
        let target = Target::of(address, &record.config);
        let Wanted { ids, parts } = wanted.entry(target).or_default();
        ids.push((address.clone(), record.id.clone()));
        let settings = [Some(&record.applied), declared.get(address).map(|it| &it.settings)];
        let members = settings.into_iter().flatten().filter_map(|it| it.members()).flatten();
        parts.extend(members.filter(|(_, it)| !it.is_null()).map(|(name, _)| name.clone()));
    }
    let lineage = Some(state.lineage.0.to_string());
    let reads = wanted.into_iter().map(|(target, Wanted { ids, parts })| {
        let query = Query {
            ids: ids.iter().map(|(_, id)| id.clone()).collect(),
            lineage: lineage.clone(),
            whole: depth == Depth::Whole,
            parts,
            shared: true,
            presence: depth == Depth::Presence,
            fresh: false,
        };
        async move { (cloud.read(&target, &query).await, ids) }
    });
    let take = |ids: Vec<(Address, Id)>, mut found: Found| {
        into.live.extend(ids.into_iter().map(|(address, id)| (address, found.remove(&id))));
    };
    each(reads, take).await
}

/// Asks data sources.
pub async fn data(cloud: &dyn Cloud, wanted: Vec<DataRead>, into: &mut Observed) -> Result<(), Vec<Diagnostic>> {
    let reads = wanted.into_iter().map(|it| async move {
        let target = Target { type_name: it.key.type_name.clone(), config: it.key.config.clone() };
        (cloud.data(&target, &it.key.arguments).await, it)
    });
    let mut refused = Vec::new();
    for (answer, it) in answers(reads).await {
        match answer {
            Ok(outputs) => drop(into.data.insert(it.key, outputs)),
            Err(error) => refused.push(fault::of_cloud(&error).address(it.address)),
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

/// Asks the types of what is made or changed whether anything speaks against it. What people are to weigh is in the answer.
pub async fn objections(clouds: &Clouds, plan: &Plan, observed: &Observed) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let asks = plan.steps.iter().filter_map(|step| match &step.act {
        Act::Create { planned, .. } | Act::Update { planned, .. } => Some(async move {
            let target = Target::of(&step.address, &step.config);
            let changes = matches!(step.act, Act::Update { .. });
            let is = observed.live.get(&step.address).and_then(Option::as_ref).filter(|_| changes);
            (&step.address, clouds.objections(&target, is, planned).await)
        }),
        Act::Configure { .. } | Act::Delete { .. } | Act::DeleteReplaced { .. } | Act::Import { .. } | Act::Forget => None,
        Act::Move { .. } | Act::Protect { .. } | Act::Read | Act::Refresh { .. } => None,
    });
    let (mut refused, mut weighed) = (Vec::new(), Vec::new());
    for (address, answer) in answers(asks.collect::<Vec<_>>()).await {
        let span = || plan.changes.iter().find(|it| it.address == *address).and_then(|it| it.span.clone());
        match answer {
            Ok(found) => {
                for it in found {
                    let said = match it.stops {
                        true => Diagnostic::error("refused-settings", format!("{address} cannot have this `{}`", it.path)),
                        false => Diagnostic::warning("to-be-weighed", format!("{address}: a change of `{}` may fail", it.path)),
                    };
                    let said = said.address(address.clone()).at(span()).detail(it.message);
                    let said = it.help.into_iter().fold(said, Diagnostic::help);
                    if said.is_error() { refused.push(said) } else { weighed.push(said) }
                }
            }
            Err(error) => refused.push(fault::of_cloud(&error).address(address.clone()).at(span())),
        }
    }
    if refused.is_empty() { Ok(weighed) } else { Err(refused) }
}

/// Looks at what `import` blocks name.
pub async fn imports(cloud: &dyn Cloud, wanted: Vec<ImportKey>, into: &mut Observed) -> Result<(), Vec<Diagnostic>> {
    let reads = wanted.into_iter().map(|key| async move {
        let target = Target { type_name: key.type_name.clone(), config: key.config.clone() };
        let query = Query { ids: vec![key.id.clone()], whole: true, shared: true, ..Query::default() };
        (cloud.read(&target, &query).await, key)
    });
    each(reads, |key, mut found| drop(into.imports.insert(key.clone(), found.remove(&key.id)))).await
}

/// Counts what lies in what shall be emptied. What is not on record, or cannot be emptied, the planner complains of.
pub async fn contents(
    clouds: &Clouds,
    state: &State,
    wanted: &BTreeSet<Address>,
    into: &mut Observed,
) -> Result<(), Vec<Diagnostic>> {
    let reads = wanted.iter().filter_map(|it| Some((it, state.resources.get(it)?))).map(|(address, record)| async move {
        let target = Target::of(address, &record.config);
        let found = match clouds.contents(&target, &record.id).await {
            Err(error) if error.class == Class::Missing => Ok(None),
            other => other.map(Some),
        };
        (found, address)
    });
    let take = |address: &Address, found: Option<Vec<Content>>| into.contents.extend(found.map(|it| (address.clone(), it)));
    each(reads.collect::<Vec<_>>(), take).await
}

/// Asks what would come of objects.
pub async fn previews(clouds: &Clouds, wanted: Vec<PreviewRead>, into: &mut Observed) -> Result<(), Vec<Diagnostic>> {
    let reads = wanted.into_iter().map(|it| async move {
        let target = Target::of(&it.address, &it.config);
        (clouds.preview(&target, it.id.as_ref(), &it.settings).await, it)
    });
    let take = |it: PreviewRead, preview| {
        into.previews.insert(it.address, Previewed { settings: it.settings, preview });
    };
    each(reads, take).await
}

/// All answers, as they come.
async fn answers<T>(asks: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(asks).buffer_unordered(READS_AT_ONCE).collect().await
}

/// Takes each answer with what was asked.
async fn each<K, T>(
    reads: impl IntoIterator<Item = impl Future<Output = (Result<T, Fault>, K)>>,
    mut take: impl FnMut(K, T),
) -> Result<(), Vec<Diagnostic>> {
    let mut refused = Vec::new();
    for (answer, asked) in answers(reads).await {
        match answer {
            Ok(found) => take(asked, found),
            Err(error) => refused.push(error),
        }
    }
    finish(refused)
}

/// One diagnostic for each kind of refusal: a hundred calls that are denied alike are one problem.
fn finish(mut refused: Vec<Fault>) -> Result<(), Vec<Diagnostic>> {
    refused.sort_by(|a, b| (a.class, &a.call).cmp(&(b.class, &b.call)));
    refused.dedup_by(|a, b| a.class == b.class && a.call == b.call);
    if refused.is_empty() { Ok(()) } else { Err(refused.iter().map(fault::of_cloud).collect()) }
}
