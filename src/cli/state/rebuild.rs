//! `infra state rebuild [STACK]`: records anew what the account holds of a stack whose state is lost.
//!
//! The ownership tags say which things are the stack's, under which address and by which creation token. What a type cannot tag
//! is found by what is unique to it, once all that it refers to is found. Everything that is found is imported: looked at, and
//! compared with what the files say, by an ordinary plan that is shown and asked about.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::address::Address;
use crate::apply::ownership;
use crate::cli::args::{Carrying, Selection, StackArgs};
use crate::cli::call::Call;
use crate::cli::change::{self, Change, Goal};
use crate::cli::connect::{self, Connected, Purpose};
use crate::cli::exit::{Ended, Stop};
use crate::cli::{planning, stack};
use crate::cloud::owned::Marked;
use crate::cloud::{Cloud, Query};
use crate::diag::Diagnostic;
use crate::plan::{Action, Observed, Planned};
use crate::remote::{Class, Id, Target, Token, tags};
use crate::report::fault;
use crate::schema::Types;
use crate::stack::desired::Instance;
use crate::state::{Lineage, State};
use crate::value::Value;

/// Things that refer to each other are found one after the other; no stack nests so deep.
const ROUNDS_MAX: usize = 64;
const LOOKS_AT_ONCE: usize = 16;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub carrying: Carrying,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let mut stack = stack::load_whole(call, &args.stack)?;
    stack.may_lack_state = true;
    let mut connected = connect::connect(call, stack, Purpose::Change).await?;
    let name = connected.stack.name.to_string();
    let marked = connected.clouds.marked(&name).await.map_err(|it| fault::of_cloud(&it))?;
    let recorded = connected.store.read().await.map_err(|it| connected.refused(call, &it))?;
    connected.found.lineage = lineage(&name, &marked, recorded.as_ref())?;
    let state = connected.read(call).await?;
    connected.found.recorded = state.resources.keys().cloned().collect();
    let ours: BTreeMap<Address, &Marked> = marked.iter().filter_map(|it| Some((it.address()?, it))).collect();
    find(call, &mut connected, &state, &ours).await?;
    report(call, &connected, &marked);
    if connected.found.imports.is_empty() {
        call.print("Nothing was found that is not on record.\n");
        return Ok(crate::cli::exit::Exit::Done);
    }
    let targets = connected.found.imports.keys().map(ToString::to_string).collect();
    let selection = Selection { targets, refresh: true, ..Selection::default() };
    change::run(call, connected, Change { goal: Goal::Found, selection, carrying: args.carrying }).await
}

impl Marked {
    /// None when it was cut because it was too long.
    fn address(&self) -> Option<Address> {
        ownership::decode(self.address.as_deref()?)?.parse().ok()
    }
}

/// The lineage that the things carry, when they agree.
fn lineage(stack: &str, marked: &[Marked], recorded: Option<&State>) -> Ended<Option<Lineage>> {
    if recorded.is_some() {
        return Ok(None);
    }
    let all: BTreeSet<&str> = marked.iter().filter_map(|it| it.lineage.as_deref()).collect();
    let mut each = all.iter();
    match (each.next(), each.next()) {
        (None, _) => Err(Diagnostic::error("nothing-tagged", format!("the account holds nothing of the stack `{stack}`"))
            .detail("No thing in this account and region carries the tag `infra:stack` with its name.")
            .help("check that these are the account and the region that the stack was applied in")
            .into()),
        (Some(one), None) => Ok(Some(Lineage((*one).into()))),
        (Some(_), Some(_)) => {
            let names: Vec<&str> = all.into_iter().collect();
            Err(Diagnostic::error("several-lineages", format!("the account holds things of several stacks named `{stack}`"))
                .detail(format!(
                    "Their tags `infra:lineage` are {}. It cannot be told which of them this one is.",
                    names.join(", ")
                ))
                .help("push a former state with `infra state push`, or delete what is left of the others")
                .into())
        }
    }
}

/// Finds the ids of what would be created, round by round: what is found makes more settings known.
async fn find(call: &Call, connected: &mut Connected, state: &State, ours: &BTreeMap<Address, &Marked>) -> Ended<()> {
    let options = planning::options(connected, &Selection { refresh: true, ..Selection::default() })?;
    let options = crate::plan::Options { max_deletes: None, ..options };
    let sealer = connected.sealer(call).await?;
    let mut observed: Observed = planning::look(connected, state, crate::cli::look::Depth::Parts).await?;
    for _ in 0..ROUNDS_MAX {
        let planned = planning::plan(connected, state, &mut observed, &options, &sealer).await?;
        let known = &*connected;
        let types = &*known.stack.catalog;
        let looks = missing(&planned).filter(|it| can_be_compared(types, it)).map(|it| async move {
            let id = look_for(known, state, it, ours.get(&it.address).copied()).await?;
            Ended::Ok(id.map(|id| (it.address.clone(), id)))
        });
        let found: Vec<Option<(Address, Id)>> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
        let before = connected.found.imports.len();
        connected.found.imports.extend(found.into_iter().flatten());
        if connected.found.imports.len() == before {
            break;
        }
    }
    Ok(())
}

/// Whether all is known of it that cannot change in place: what is taken in must have it so. What it waits for may be found in
/// this round, and it in the next.
fn can_be_compared(types: &dyn Types, instance: &Instance) -> bool {
    let schema = types.resource(instance.address.type_name());
    schema.is_some_and(|it| it.home(&instance.settings).is_wholly_known())
}

fn missing(planned: &Planned) -> impl Iterator<Item = &Instance> {
    let created = planned.plan.changes.iter().filter(|it| it.action == Action::Create);
    created.filter_map(|it| planned.instances.get(&it.address))
}

/// The id of what is the stack's under this address, if there is such a thing.
async fn look_for(connected: &Connected, state: &State, instance: &Instance, marked: Option<&Marked>) -> Ended<Option<Id>> {
    let address = &instance.address;
    let target = Target::of(address, &instance.config);
    let is_tagged = connected.stack.catalog.resource(address.type_name()).is_some_and(|it| it.has_tags());
    // What waits for something else is not needed to find a thing; what is, the type itself misses.
    let settings = instance.settings.map_leaves(&mut |it| if it.is_unknown() { Value::Null } else { it.clone() });
    let settings = settings.unmark_deep().0;
    match (marked.and_then(|it| it.token.clone()), is_tagged) {
        (Some(token), _) => asked(connected, &target, &settings, &token).await,
        (None, false) if instance.settings.is_wholly_known() => {
            asked(connected, &target, &settings, &Token(connected.run().into())).await
        }
        (None, false) => Ok(None),
        (None, true) => by_name(connected, state, &target, address, &settings).await,
    }
}

/// Asks the type. That it cannot find without more is no reason to stop, nor that what it found is somebody else's.
async fn asked(connected: &Connected, target: &Target, settings: &Value, token: &Token) -> Ended<Option<Id>> {
    match connected.clouds.find(target, settings, token).await {
        Ok(found) => Ok(found.into_iter().next()),
        Err(it) if matches!(it.class, Class::Bug | Class::Missing | Class::Exists | Class::Refused) => Ok(None),
        Err(it) => Err(Stop::from(fault::of_cloud(&it))),
    }
}

/// A thing that the Tagging API does not list: looked at by its name, and ours when its own tags say so.
async fn by_name(
    connected: &Connected,
    state: &State,
    target: &Target,
    address: &Address,
    settings: &Value,
) -> Ended<Option<Id>> {
    const NAMES: &[&str] = &["name", "bucket", "id"];
    let named = || NAMES.iter().filter_map(|it| settings.get(it).as_str().map(Id::new)).collect();
    let names: BTreeSet<Id> = match connected.clouds.namesakes(target, settings).await {
        Ok(none) if none.is_empty() => named(),
        Ok(found) => found.into_iter().collect(),
        Err(it) if matches!(it.class, Class::Bug | Class::Missing | Class::Refused) => return Ok(None),
        Err(it) => return Err(Stop::from(fault::of_cloud(&it))),
    };
    if names.is_empty() {
        return Ok(None);
    }
    let query = Query { ids: names.into_iter().collect(), whole: true, shared: true, ..Query::default() };
    let found = match connected.clouds.read(target, &query).await {
        Ok(found) => found,
        Err(it) if matches!(it.class, Class::Bug | Class::Missing | Class::Refused) => return Ok(None),
        Err(it) => return Err(Stop::from(fault::of_cloud(&it))),
    };
    let own = ownership::encode(&address.to_string());
    let is_ours = |live: &Value| {
        let all = live.get("tags");
        all.get(tags::LINEAGE).as_str() == Some(&state.lineage.0) && all.get(tags::ADDRESS).as_str() == Some(&own)
    };
    Ok(found.into_iter().find(|(_, live)| is_ours(&live.settings)).map(|(id, _)| id))
}

/// What was found without tags, and what carries tags and is in no file.
fn report(call: &Call, connected: &Connected, marked: &[Marked]) {
    let tagged = |it: &Address| connected.stack.catalog.resource(it.type_name()).is_some_and(|it| it.has_tags());
    let untagged: Vec<String> =
        connected.found.imports.iter().filter(|(it, _)| !tagged(it)).map(|(it, id)| format!("{it} ({id})")).collect();
    if !untagged.is_empty() {
        call.complain(&[Diagnostic::warning("no-tags", "some of what was found carries no tags").detail(format!(
            "It has the name that the files give it, on things that are the stack's; that it was made by this stack cannot be \
                 seen: {}.",
            untagged.join(", ")
        ))]);
    }
    let found = &connected.found;
    let known = |it: &&Marked| it.address().is_some_and(|it| found.imports.contains_key(&it) || found.recorded.contains(&it));
    let orphans: Vec<String> = marked.iter().filter(|it| !known(it)).map(|it| it.arn.clone()).collect();
    if !orphans.is_empty() {
        call.complain(&[Diagnostic::warning("not-in-files", "the account holds more of the stack than its files declare")
            .detail(format!(
                "These carry its tags, and will not be on record: no file declares them, or what they need was not found: {}.",
                orphans.join(", ")
            ))
            .help("declare them and repeat the command, or delete them by hand")]);
    }
}
