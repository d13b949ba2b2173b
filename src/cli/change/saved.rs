//! A plan that was kept: carried out as it was shown, or not at all.

use std::collections::BTreeMap;
use std::path::Path;

use crate::address::Address;
use crate::cli::connect::Connected;
use crate::cli::exit::{Ended, Exit, Stop};
use crate::cli::look::Depth;
use crate::cli::planning;
use crate::diag::Diagnostic;
use crate::plan::{Act, Observed, Options, Plan, Planned, codec, read};
use crate::report::fault;
use crate::schema::Types;
use crate::secrets::envelope::What;
use crate::state::State;
use crate::value::Sealer;

/// Reads a kept plan and checks that it still holds: the files as they were, and every thing that it touches as it was read.
pub async fn load(
    connected: &mut Connected,
    state: &mut State,
    file: &Path,
    options: &Options,
    sealer: &Sealer,
) -> Ended<(Box<Planned>, Observed)> {
    let bytes = std::fs::read(file).map_err(|error| {
        Stop::usage(Diagnostic::error("io", format!("the plan {} cannot be read", file.display())).detail(error.to_string()))
    })?;
    let anew = format!("make a new one: infra plan {} --out {}", connected.stack.name, file.display());
    let refused = |error: codec::PlanFileError| {
        let diagnostic = Diagnostic::error(error.code(), error.to_string());
        diagnostic.help(anew.clone()).note("nothing was changed")
    };
    let opened = connected.store.vault().open(What::Plan, &bytes).await;
    let bytes = opened.map_err(|error| fault::of_vault(&error, &format!("the plan {}", file.display())))?;
    let plan = if is_new(state) {
        let plan = codec::decode_new(&bytes, &connected.stack.name).map_err(refused)?;
        state.lineage = plan.lineage.clone();
        plan
    } else {
        codec::decode(&bytes, &connected.stack.name, &state.lineage).map_err(refused)?
    };
    let mut observed = planning::look(connected, state, Depth::Parts).await?;
    // What the files desire now is what secrets are taken from; limits were the concern of whoever made the plan.
    let options = Options { max_deletes: None, ..options.clone() };
    let now = planning::plan(connected, state, &mut observed, &options, sealer).await?;
    let mut stale = Vec::new();
    if now.plan.configuration != plan.configuration {
        stale.push("the stack's files or variables have changed".to_owned());
    }
    if (&plan.account, &plan.region) != (&connected.account, &connected.region) {
        stale.push(format!("it was made for the account {} in {}", plan.account, plan.region));
    }
    stale.extend(touched(&plan, state, &observed, &*connected.stack.catalog, sealer));
    if !stale.is_empty() {
        let diagnostic = Diagnostic::error("stale-plan", format!("the plan {} does not hold any more", file.display()))
            .detail(format!("Since it was made: {}. Nothing was changed.", stale.join("; ")))
            .help(anew);
        return Err(Stop { exit: Exit::Failed, diagnostics: vec![diagnostic] });
    }
    // A file does not keep where things are written.
    let mut plan = plan;
    for it in &mut plan.changes {
        it.span = now.instances.get(&it.address).and_then(|it| it.span.clone());
    }
    Ok((Box::new(Planned { plan, withheld: Vec::new(), ..*now }), observed))
}

/// Nothing was recorded yet, so the plan brings its lineage along.
fn is_new(state: &State) -> bool {
    state.serial == 0 && state.resources.is_empty() && state.intents.is_empty()
}

/// What is not as it was read when the plan was made.
fn touched(plan: &Plan, state: &State, observed: &Observed, types: &dyn Types, sealer: &Sealer) -> Vec<String> {
    let moved: BTreeMap<&Address, &Address> = plan
        .steps
        .iter()
        .filter_map(|it| match &it.act {
            Act::Move { from } => Some((&it.address, from)),
            _ => None,
        })
        .collect();
    let recorded_at = |address: &Address| moved.get(address).map_or_else(|| address.clone(), |it| (*it).clone());
    let mut out = Vec::new();
    for (address, was) in &plan.read {
        let live = observed.live.get(&recorded_at(address));
        let schema = types.resource(address.type_name());
        match (live, schema) {
            (Some(live), Some(schema)) if read::digest(schema, live.as_ref(), sealer) == *was => {}
            (Some(_), Some(_)) => out.push(format!("{address} has changed")),
            (None, _) => out.push(format!("{address} is not recorded any more")),
            (_, None) => out.push(format!("{address} is of an unknown type")),
        }
    }
    for step in &plan.steps {
        let creates = matches!(step.act, Act::Create { .. });
        if creates && !plan.read.contains_key(&step.address) && state.resources.contains_key(&step.address) {
            out.push(format!("{} has been made", step.address));
        }
    }
    out
}
