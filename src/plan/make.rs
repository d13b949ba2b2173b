//! The planner: from a request to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::Reason;
use super::decide::{self, Decision, Work};
use super::previews::Previews;
use super::request::{ImportKey, Outcome, Planned, Request};
use super::sight::{Learned, Seen, Sight};
use super::{Action, Change, Deferred, OutputChange, Plan, contents, guard, moves, order, purge, read, select};
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::graph::Graph;
use crate::stack::desired::{Evaluation, Import, Instance, lifecycles};
use crate::state::Record;
use crate::value::{Value, path};

/// How often the files are evaluated again because a rule in them changed what they see. Each round follows one more link of
/// a chain of rules.
const ROUNDS: usize = 64;

/// Plans. Pure: the same request gives the same answer.
pub fn plan(request: Request<'_>) -> Outcome {
    let Request { configuration, types, state, observed, options, sealer, account, region, digest } = request;
    let mut sight = Sight::new(types, state, observed, options, sealer);
    let mut rounds = 0;
    // What a former attempt was told may not hold any more.
    configuration.reset();
    let (evaluation, mut complaints) = loop {
        let mut evaluation = configuration.evaluate(&mut sight);
        let mut complaints = std::mem::take(&mut evaluation.diagnostics);
        if complaints.iter().any(Diagnostic::is_error) {
            return Outcome::Refused(complaints);
        }
        let wanted = sight.wanted();
        if !wanted.is_empty() {
            return Outcome::NeedsData(wanted);
        }
        let mut learned = Learned {
            lifecycles: lifecycles(&evaluation.instances),
            moves: moves::resolve(&evaluation.moved, state, &mut complaints),
            imports: imports(&evaluation),
            triggered: sight.learned.triggered.clone(),
        };
        if !options.destroy {
            let missing = unread_imports(&sight, &evaluation, &learned);
            if !missing.is_empty() {
                return Outcome::NeedsImports(missing);
            }
        }
        learned.triggered.extend(triggered(&sight, &evaluation, &learned.triggered));
        rounds += 1;
        if !sight.learn(learned) || rounds == ROUNDS {
            break (evaluation, complaints);
        }
        sight.forget_told();
        configuration.reset();
    };
    check_imports(&sight, &evaluation, &mut complaints);
    select::check_replace(&options.replace, &evaluation, state, &mut complaints);

    let removed = removals(&sight, &evaluation);
    let dependencies: BTreeMap<Address, &BTreeSet<Address>> =
        removed.iter().map(|it| (it.address().clone(), &it.recorded_dependencies)).collect();
    let none = BTreeMap::new();
    let instances = if options.destroy { &none } else { &evaluation.instances };
    let selected = select::select(&options.targets, instances, &evaluation.deferred, &dependencies, &mut complaints);
    let is_selected = |address: &Address| selected.as_ref().is_none_or(|it| it.contains(address));

    let chosen: Vec<&Instance> = instances.values().filter(|it| is_selected(&it.address)).collect();
    let previews = Previews::new(&sight, &chosen, instances);
    let wanted = previews.wanted(&sight);
    if !wanted.is_empty() {
        return Outcome::NeedsPreviews(wanted);
    }
    previews.complain(&sight, &mut complaints);

    let mut decisions: Vec<Decision<'_>> = Vec::with_capacity(instances.len() + removed.len());
    let mut all = if options.destroy { BTreeMap::new() } else { dependency_sets(&evaluation) };
    for (address, instance) in instances.iter().filter(|(address, _)| is_selected(address)) {
        let schema = match address.mode() {
            Mode::Managed => types.resource(address.type_name()),
            Mode::Data => types.data(address.type_name()),
        };
        // The language has complained of a type that does not exist.
        let Some(schema) = schema else { continue };
        let dependencies = all.remove(address).unwrap_or_default();
        decisions.push(decide::instance(&sight, schema, instance, dependencies));
    }
    decisions.extend(removed.into_iter().filter(|it| is_selected(it.address())));
    decisions.sort_by(|a, b| a.address().cmp(b.address()));
    guard::check(&sight, &decisions, &mut complaints);
    purge::check(&sight, &decisions, &mut complaints);
    contents::check(&decisions, &mut complaints);

    let mut withheld = Vec::new();
    if options.confirm_stack && !options.repair_drift {
        let withhold = |it: &Decision<'_>| it.change.repairs_drift && matches!(it.work, Work::Update { .. });
        for it in decisions.iter_mut().filter(|it| withhold(it)) {
            withheld.push(it.change.clone());
            it.work = Work::Nothing;
            it.change.reasons.retain(|it| *it == Reason::Block);
            it.change.action = if it.moved_from.is_some() { Action::Move } else { Action::Noop };
            it.change.attributes.clear();
            it.change.repairs_drift = false;
        }
    }
    let expected = |type_name: &str, doing: &str| match state.timings.get(&*format!("{type_name}/{doing}")) {
        Some(millis) => *millis,
        None if doing == "record" => 0,
        None => options.typical.get(type_name).map_or(1_000, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
    };
    let steps = match order::steps(&mut decisions, &expected) {
        Ok(order) => {
            complaints.extend(order.relaxed.iter().map(|(gone, user)| relaxed(gone, user)));
            order.steps
        }
        Err(cycle) => {
            complaints.push(
                Diagnostic::error("cycle", "these changes need each other")
                    .detail(format!("No order satisfies all of them: {cycle}."))
                    .help("take one of the references away, or make the change in two applies"),
            );
            Vec::new()
        }
    };
    if complaints.iter().any(Diagnostic::is_error) {
        return Outcome::Refused(complaints);
    }
    let touched: BTreeSet<&Address> = steps.iter().map(|it| &it.address).collect();
    let digests = touched.into_iter().filter_map(|address| {
        let schema = types.resource(address.type_name())?;
        let live = observed.live.get(sight.recorded_at(address))?;
        Some((address.clone(), read::digest(schema, live.as_ref(), sealer)))
    });
    let plan = Plan {
        stack: state.stack.clone(),
        account: account.to_owned(),
        region: region.to_owned(),
        lineage: state.lineage.clone(),
        serial: state.serial,
        configuration: digest.to_owned(),
        read: digests.collect(),
        outputs: if options.targets.is_empty() { outputs(&sight, &evaluation) } else { BTreeMap::new() },
        changes: changes(decisions),
        steps,
        deferred: if options.destroy { Vec::new() } else { deferred(&evaluation) },
    };
    Outcome::Planned(Box::new(Planned { plan, diagnostics: complaints, instances: evaluation.instances, withheld }))
}

fn relaxed(gone: &Address, user: &Address) -> Diagnostic {
    Diagnostic::warning("deleted-in-use", format!("{gone} is deleted before {user} has turned away from it"))
        .address(gone.clone())
        .detail(
            "The user waits for something that is replaced, and whose old instance cannot go before this one does. The cloud \
             may refuse the deletion while it is in use.",
        )
        .help("`lifecycle { create_before_destroy = true }` on what is replaced avoids it, or make the change in two applies")
}

fn changes(decisions: Vec<Decision<'_>>) -> Vec<Change> {
    let mut out = Vec::with_capacity(decisions.len());
    for it in decisions {
        let deposed: Vec<Change> = it.deposed.iter().map(|old| decide::deposed(it.address(), old)).collect();
        if it.change.address.mode() == Mode::Managed || it.change.action != Action::Noop {
            out.push(it.change);
        }
        out.extend(deposed);
    }
    out
}

fn deferred(evaluation: &Evaluation) -> Vec<Deferred> {
    let one = |it: &crate::stack::desired::DeferredBlock| Deferred {
        address: it.address.clone(),
        waits_for: it.waits_for.iter().cloned().collect(),
    };
    evaluation.deferred.iter().map(one).collect()
}

fn imports(evaluation: &Evaluation) -> BTreeMap<Address, ImportKey> {
    let key = |it: &Import| {
        let config = evaluation.instances.get(&it.to)?.config.clone();
        Some((it.to.clone(), ImportKey { type_name: it.to.type_name().to_owned(), config, id: it.id.clone() }))
    };
    evaluation.imports.iter().filter_map(key).collect()
}

/// Imports whose live values are not at hand. What is recorded already is not imported again.
fn unread_imports(sight: &Sight<'_>, evaluation: &Evaluation, learned: &Learned) -> Vec<(Import, ImportKey)> {
    let blocks = evaluation.imports.iter().filter(|it| {
        let at = learned.moves.get(&it.to).unwrap_or(&it.to);
        !sight.state.resources.contains_key(at)
    });
    let keyed = blocks.filter_map(|it| Some((it.clone(), learned.imports.get(&it.to)?.clone())));
    keyed.filter(|(_, key)| !sight.observed.imports.contains_key(key)).collect()
}

fn check_imports(sight: &Sight<'_>, evaluation: &Evaluation, out: &mut Vec<Diagnostic>) {
    for it in &evaluation.imports {
        if !evaluation.instances.contains_key(&it.to) {
            out.push(
                Diagnostic::error("import-target", format!("there is no {} to import into", it.to))
                    .at(it.span.clone())
                    .detail("An `import` block needs the resource block that says how the thing shall be."),
            );
        } else if sight.record(&it.to).is_none() && matches!(sight.see(&it.to), Seen::Nothing) && !sight.options.destroy {
            out.push(
                Diagnostic::error("import-missing", format!("there is no {} with the id `{}`", it.to.type_name(), it.id))
                    .at(it.span.clone())
                    .address(it.to.clone())
                    .detail("It does not exist in this account and region, or these credentials cannot see it."),
            );
        }
    }
}

/// What the files' `replace_triggered_by` newly sets off, links of links included.
fn triggered(sight: &Sight<'_>, evaluation: &Evaluation, known: &BTreeMap<Address, Address>) -> BTreeMap<Address, Address> {
    let mut out: BTreeMap<Address, Address> = BTreeMap::new();
    let with_triggers: Vec<&Instance> =
        evaluation.instances.values().filter(|it| !it.lifecycle.replace_triggered_by.is_empty()).collect();
    let mut changed = BTreeMap::new();
    loop {
        let before = out.len();
        for it in &with_triggers {
            let exists = matches!(sight.see(&it.address), Seen::There(_));
            if !exists || known.contains_key(&it.address) || out.contains_key(&it.address) {
                continue;
            }
            for trigger in &it.lifecycle.replace_triggered_by {
                let by = meant(evaluation, &trigger.address).find(|by| {
                    out.contains_key(&by.address)
                        || changed
                            .entry((by.address.clone(), trigger.path.clone()))
                            .or_insert_with(|| is_changed(sight, by, &trigger.path))
                            .to_owned()
                });
                if let Some(by) = by {
                    out.insert(it.address.clone(), by.address.clone());
                    break;
                }
            }
        }
        if out.len() == before {
            return out;
        }
    }
}

/// The instance of that address, or all instances of the block. Addresses of one block lie side by side.
fn meant<'e>(evaluation: &'e Evaluation, named: &'e Address) -> impl Iterator<Item = &'e Instance> {
    let of_block = move |it: &&Instance| it.address == *named || named.key().is_none() && it.address.block() == *named;
    evaluation.instances.range(named..).map(|(_, it)| it).take_while(of_block)
}

fn is_changed(sight: &Sight<'_>, instance: &Instance, path: &str) -> bool {
    let Some(schema) = sight.types.resource(instance.address.type_name()) else { return false };
    let it = decide::instance(sight, schema, instance, BTreeSet::new());
    match it.work {
        Work::Replace { .. } => true,
        Work::Update { .. } => path.is_empty() || it.change.attributes.iter().any(|it| path::is_within(&it.path, path)),
        Work::Nothing | Work::Create | Work::Import { .. } | Work::Delete { .. } => false,
        Work::Forget | Work::Read | Work::Protect | Work::Refresh(_) => false,
    }
}

/// By managed instance: what had to exist before it. Through data sources too; `later` references that run in a circle are
/// left out, because neither side had to be first.
fn dependency_sets(evaluation: &Evaluation) -> BTreeMap<Address, BTreeSet<Address>> {
    let mut graph: Graph<&Address, ()> = Graph::default();
    // Without `later` references nothing runs in a circle.
    let any_later = evaluation.instances.values().any(|it| it.references.iter().any(|it| it.later));
    for (address, instance) in evaluation.instances.iter().filter(|_| any_later) {
        for it in instance.references.iter().filter(|it| it.to != *address) {
            if let Some((to, _)) = evaluation.instances.get_key_value(&it.to) {
                graph.need(address, to, ());
            }
        }
    }
    let knots = graph.knots();
    let knot_of: BTreeMap<&Address, usize> =
        knots.iter().enumerate().flat_map(|(knot, it)| it.iter().map(move |address| (*address, knot))).collect();
    let mut out = BTreeMap::new();
    for (address, instance) in evaluation.instances.iter().filter(|(it, _)| it.mode() == Mode::Managed) {
        let tied = |to: &Address| knot_of.get(address).is_some_and(|it| knot_of.get(to) == Some(it));
        let mut set = BTreeSet::new();
        let mut queue: Vec<&Instance> = vec![instance];
        let mut passed: BTreeSet<&Address> = BTreeSet::new();
        while let Some(at) = queue.pop() {
            for it in at.references.iter().filter(|it| it.to != *address && !(it.later && tied(&it.to))) {
                match it.to.mode() {
                    Mode::Managed => {
                        set.insert(it.to.clone());
                    }
                    Mode::Data if passed.insert(&it.to) => queue.extend(evaluation.instances.get(&it.to)),
                    Mode::Data => {}
                }
            }
        }
        out.insert(address.clone(), set);
    }
    out
}

/// What is recorded and not desired.
fn removals<'a>(sight: &Sight<'a>, evaluation: &Evaluation) -> Vec<Decision<'a>> {
    let deferred: BTreeSet<String> = match sight.options.destroy {
        true => BTreeSet::new(),
        false => evaluation.deferred.iter().map(|it| without_keys(&it.address)).collect(),
    };
    let blocks: BTreeMap<&str, bool> = evaluation.removed.iter().map(|it| (it.from.as_str(), it.destroy)).collect();
    let one = |(recorded, record): (&'a Address, &'a Arc<Record>)| {
        let address = sight.renamed(recorded);
        if sight.options.destroy {
            return Some(decide::removal(sight, address, record, Reason::Destroy, true));
        }
        if evaluation.instances.contains_key(address) || (!deferred.is_empty() && deferred.contains(&without_keys(address))) {
            return None;
        }
        let text = if blocks.is_empty() && evaluation.disabled.is_empty() { String::new() } else { address.to_string() };
        let block = moves::scopes(&text).find_map(|it| blocks.get(it));
        Some(match block {
            Some(destroy) => decide::removal(sight, address, record, Reason::Block, *destroy),
            None if moves::scopes(&text).any(|it| evaluation.disabled.contains(it)) => {
                decide::removal(sight, address, record, Reason::Disabled, true)
            }
            None => decide::removal(sight, address, record, Reason::NotInConfiguration, true),
        })
    };
    sight.state.resources.iter().filter_map(one).collect()
}

/// The address of the block, whatever the keys of its modules.
fn without_keys(address: &Address) -> String {
    let mut out = String::new();
    for it in address.module() {
        out.push_str(&format!("module.{}.", it.name));
    }
    format!("{out}{}.{}", address.type_name(), address.name())
}

fn outputs(sight: &Sight<'_>, evaluation: &Evaluation) -> BTreeMap<String, OutputChange> {
    let mut out = BTreeMap::new();
    let desired = if sight.options.destroy { &BTreeMap::new() } else { &evaluation.outputs };
    for (name, it) in desired {
        let value = if it.sensitive { it.value.clone().sensitive() } else { it.value.clone() };
        let after = sight.sealer.seal(&value);
        let before = sight.state.outputs.get(name).map(|it| it.value.clone()).unwrap_or_default();
        // Stored values have lost the difference between a list and a tuple.
        if stored(&after) != stored(&before) || !after.is_wholly_known() {
            out.insert(name.clone(), OutputChange { before, after, sensitive: it.sensitive || value.has_secret() });
        }
    }
    for (name, it) in sight.state.outputs.iter().filter(|(name, _)| !desired.contains_key(*name)) {
        out.insert(name.clone(), OutputChange { before: it.value.clone(), after: Value::Null, sensitive: it.sensitive });
    }
    out
}

fn stored(value: &Value) -> Option<serde_json::Value> {
    serde_json::to_value(value).ok()
}
