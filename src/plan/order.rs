//! From decisions to a program: which step after which, and why.
//!
//! Edges hold more or less (see [`Hold`]). Where they make a circle, those that hold least give way: that is how two security
//! groups that name each other are changed in one plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use super::decide::{Decision, Work};
use super::step::{Act, Need, Step, StepId, Until};
use crate::address::Address;
use crate::graph::{Graph, Loop};
use crate::remote::ConfigName;
use crate::state::Deposed;
use crate::value::Value;

/// What becomes of an edge that is part of a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hold {
    /// Gives way first: what exists is changed before its users are, so that they see it changed.
    Courtesy,
    /// What exists, and waits for no value, is changed after what it names is made.
    Preferred,
    /// Gives way with a warning: the users of what is deleted turn to something else before.
    Expected,
    /// Never gives way: an id is needed, a name must be free, a user must be gone.
    Needed,
}

#[derive(Clone, Debug)]
pub(super) struct Why {
    pub text: String,
    pub hold: Hold,
    pub until: Until,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

const BEFORE: &str = "(deleted before)";
const AFTER: &str = "(after its former step)";

pub(super) struct Draft {
    address: Address,
    config: ConfigName,
    act: Act,
    pub needs: Vec<(usize, Why)>,
}

/// The steps of one address, by what others need of them.
#[derive(Clone, Default)]
pub(super) struct Own {
    /// In the order in which they run.
    all: Vec<usize>,
    /// After it the thing is there, with outputs.
    pub made: Option<usize>,
    /// Changes a thing that was there.
    pub changed: Option<usize>,
    /// Finishes what `made` left.
    configured: Option<usize>,
    /// The live instance is deleted.
    pub gone: Option<usize>,
    /// Whether `gone` comes after `made`.
    create_first: bool,
    deposed: Vec<usize>,
}

pub(super) struct Orderer<'p, 'a> {
    pub(super) decisions: &'p mut [Decision<'a>],
    index: BTreeMap<Address, usize>,
    pub(super) drafts: Vec<Draft>,
    pub(super) own: Vec<Own>,
    /// By decision: whose steps one waits for when it refers to it. Its own, or, where nothing is done to it, those that it
    /// refers to itself.
    fronts: Vec<Rc<[usize]>>,
}

/// How long a step takes, by type and what is done.
pub(super) type Expected<'e> = &'e dyn Fn(&str, &str) -> u64;

/// A finished order.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub steps: Vec<Step>,
    /// Things that are deleted while others may still use them: the thing, and its user.
    pub relaxed: BTreeSet<(Address, Address)>,
}

/// The steps that carry out `decisions`, which are sorted by address. May turn a replacement create-first where one that
/// depends on it is.
pub(super) fn steps(decisions: &mut [Decision<'_>], expected: Expected<'_>) -> Result<Order, Loop<String>> {
    if decisions.iter().all(|it| it.work == Work::Nothing && it.moved_from.is_none() && it.deposed.is_empty()) {
        return Ok(Order::default());
    }
    let index = decisions.iter().enumerate().map(|(at, it)| (it.address().clone(), at)).collect();
    let mut it = Orderer { own: vec![Own::default(); decisions.len()], decisions, index, drafts: Vec::new(), fronts: Vec::new() };
    it.fronts = it.fronts()?;
    let users = it.users();
    it.spread_create_first();
    for at in 0..it.decisions.len() {
        it.draft(at);
    }
    it.make_way();
    it.forward();
    it.backward(&users);
    it.waves();
    it.finish(expected)
}

impl Orderer<'_, '_> {
    /// Who depends on whom, as recorded and as desired: both count while something goes.
    /// Users by what is used; true where it is on record, which the cloud may insist on.
    fn users(&self) -> Vec<BTreeMap<usize, bool>> {
        let mut users = vec![BTreeMap::new(); self.decisions.len()];
        for (at, it) in self.decisions.iter().enumerate() {
            let recorded = it.recorded_dependencies.iter().map(|it| (it, true));
            let desired = it.instance.into_iter().flat_map(|it| &it.references).filter(|it| !it.later);
            for (to, recorded) in recorded.chain(desired.map(|it| (&it.to, false))) {
                if let Some(to) = self.index.get(to).copied().filter(|to| *to != at) {
                    users[to].entry(at).or_insert(recorded);
                }
            }
        }
        users
    }

    /// What a create-first replacement was built on goes later than the new one is made, so what is replaced of it must be
    /// made first as well: its old instance cannot go before its user does.
    fn spread_create_first(&mut self) {
        let is_first = |it: &Decision<'_>| matches!(it.work, Work::Replace { create_first: true, .. });
        let mut queue: Vec<usize> = (0..self.decisions.len()).filter(|at| is_first(&self.decisions[*at])).collect();
        let mut late = vec![false; self.decisions.len()];
        while let Some(at) = queue.pop() {
            if std::mem::replace(&mut late[at], true) {
                continue;
            }
            let it = &self.decisions[at];
            let desired = it.instance.into_iter().flat_map(|it| it.references.iter().map(|it| &it.to));
            let all = it.recorded_dependencies.iter().chain(desired);
            let on: Vec<usize> = all.filter_map(|it| self.index.get(it).copied()).collect();
            for to in on {
                let it = &mut self.decisions[to];
                match &mut it.work {
                    Work::Replace { .. } if it.object.is_some() => {}
                    Work::Replace { create_first, .. } => {
                        if !*create_first {
                            *create_first = true;
                            it.change.create_first = true;
                        }
                        queue.push(to);
                    }
                    Work::Delete { .. } => queue.push(to),
                    Work::Nothing | Work::Create | Work::Update { .. } | Work::Import { .. } | Work::Forget => {}
                    Work::Read | Work::Protect | Work::Refresh(_) => {}
                }
            }
        }
    }

    fn push(&mut self, at: usize, config: ConfigName, act: Act) -> usize {
        let id = self.drafts.len();
        let needs = match self.own[at].all.last() {
            Some(before) => vec![(*before, hard(AFTER))],
            None => Vec::new(),
        };
        self.drafts.push(Draft { address: self.decisions[at].address().clone(), config, act, needs });
        self.own[at].all.push(id);
        id
    }

    /// The steps of one decision, each after the one before it.
    fn draft(&mut self, at: usize) {
        let it = &self.decisions[at];
        let (config, planned, lifecycle) = (it.config.clone(), it.planned.clone(), it.lifecycle.clone());
        let dependencies = it.dependencies.clone();
        let (work, deposed, moved) = (it.work.clone(), it.deposed, it.moved_from.clone());
        let (old_config, old_settings) = match it.record {
            Some(record) => (record.config.clone(), record.applied.clone()),
            None => (config.clone(), Value::Null),
        };
        let unfinished = it.record.is_some_and(|it| it.unfinished);
        let shell = (it.is_made() || unfinished) && self.waits_later(at);
        if let Some(from) = moved {
            self.push(at, config.clone(), Act::Move { from });
        }
        // Former instances are on record with the live one: they go before the record does.
        let record_goes = matches!(work, Work::Delete { .. } | Work::Forget | Work::Replace { create_first: false, .. });
        if record_goes {
            self.draft_deposed(at, deposed);
        }
        match work {
            Work::Nothing => {}
            Work::Create | Work::Replace { .. } => {
                let mut replaces = None;
                let mut after = None;
                if let Work::Replace { id, create_first } = work {
                    if create_first {
                        replaces = Some(id.clone());
                        after = Some(Act::DeleteReplaced { id, settings: old_settings });
                    } else {
                        let act = Act::Delete { id, deposed: false, settings: old_settings, goes_along: false, purge: false };
                        self.own[at].gone = Some(self.push(at, old_config.clone(), act));
                    }
                }
                let act = Act::Create {
                    planned: planned.clone(),
                    dependencies: dependencies.clone(),
                    lifecycle: lifecycle.clone(),
                    replaces,
                    shell,
                };
                self.own[at].made = Some(self.push(at, config.clone(), act));
                if shell {
                    self.own[at].configured = Some(self.push(at, config, Act::Configure { planned, dependencies, lifecycle }));
                }
                if let Some(act) = after {
                    self.own[at].gone = Some(self.push(at, old_config, act));
                    self.own[at].create_first = true;
                }
            }
            // What uses it may need it finished as far as it can be before.
            Work::Update { id } if shell => {
                let act = Act::Update {
                    id,
                    planned: planned.clone(),
                    dependencies: dependencies.clone(),
                    lifecycle: lifecycle.clone(),
                    shell,
                };
                self.own[at].made = Some(self.push(at, config.clone(), act));
                // What it waits for may have to wait for these to go.
                self.draft_deposed(at, deposed);
                self.own[at].configured = Some(self.push(at, config, Act::Configure { planned, dependencies, lifecycle }));
            }
            Work::Update { id } => {
                let act = Act::Update { id, planned, dependencies, lifecycle, shell };
                self.own[at].changed = Some(self.push(at, config, act));
            }
            Work::Import { id, update } => {
                let act = Act::Import { id: id.clone(), lifecycle: lifecycle.clone(), dependencies: dependencies.clone() };
                self.own[at].made = Some(self.push(at, config.clone(), act));
                if update {
                    let act = Act::Update { id, planned, dependencies, lifecycle, shell };
                    self.own[at].changed = Some(self.push(at, config, act));
                }
            }
            Work::Delete { id, purge } => {
                let goes_along = self.whole(at).is_some();
                let act = Act::Delete { id, deposed: false, settings: old_settings, goes_along, purge };
                self.own[at].gone = Some(self.push(at, old_config, act));
            }
            Work::Forget => {
                self.push(at, config, Act::Forget);
            }
            Work::Read => self.own[at].made = Some(self.push(at, config, Act::Read)),
            Work::Protect => {
                self.push(at, config, Act::Protect { lifecycle, dependencies });
            }
            Work::Refresh(record) => {
                self.push(at, config, Act::Refresh { record });
            }
        }
        if !record_goes && self.own[at].deposed.is_empty() {
            self.draft_deposed(at, deposed);
        }
    }

    fn draft_deposed(&mut self, at: usize, deposed: &[Deposed]) {
        for it in deposed {
            let act =
                Act::Delete { id: it.id.clone(), deposed: true, settings: it.applied.clone(), goes_along: false, purge: false };
            let step = self.push(at, it.config.clone(), act);
            self.own[at].deposed.push(step);
        }
    }

    /// What is recorded under an address moves away before anything is done under it: else its record would be overwritten.
    fn make_way(&mut self) {
        for at in 0..self.decisions.len() {
            let from = self.decisions[at].moved_from.as_ref().and_then(|it| self.index.get(it)).filter(|to| **to != at);
            let next = from.and_then(|it| self.own[*it].all.first().copied());
            if let (Some(next), Some(moves)) = (next, self.own[at].all.first().copied()) {
                self.drafts[next].needs.push((moves, hard("(moved away before)")));
            }
        }
    }

    /// Whether something that is only needed to configure it is being made in this plan.
    fn waits_later(&self, at: usize) -> bool {
        let references = self.decisions[at].instance.into_iter().flat_map(|it| &it.references).filter(|it| it.later);
        let mut on = references.filter_map(|it| self.index.get(&it.to)).flat_map(|to| self.fronts[*to].iter());
        on.any(|on| *on != at && matches!(self.decisions[*on].work, Work::Create | Work::Replace { .. } | Work::Read))
    }

    /// Makes and changes come after what they refer to.
    fn forward(&mut self) {
        for at in 0..self.decisions.len() {
            let own = self.own[at].clone();
            let Some(instance) = self.decisions[at].instance else { continue };
            let Some(first) = own.made.or(own.changed) else { continue };
            let last = own.configured.or(own.changed).unwrap_or(first);
            for it in &instance.references {
                let Some(to) = self.index.get(&it.to).copied().filter(|to| *to != at) else { continue };
                let step = if it.later { last } else { first };
                for on in self.fronts[to].clone().iter().filter(|on| **on != at) {
                    let other = &self.own[*on];
                    let whole = &*it.from == "(depends_on)";
                    let changes = own.made.is_none() || matches!(self.decisions[at].work, Work::Update { .. });
                    let known = changes && self.decisions[at].planned.get(&it.from).is_wholly_known();
                    let made = if known { Hold::Preferred } else { Hold::Needed };
                    let awaits = self.decisions[at].planned.get(&it.from).waits_for();
                    let moved = awaits.iter().any(|it| it.address == *self.decisions[*on].address());
                    let edges = [
                        (other.made, made),
                        (other.changed, if moved { Hold::Needed } else { Hold::Courtesy }),
                        (other.configured.filter(|_| whole), Hold::Courtesy),
                    ];
                    for (target, hold) in edges {
                        if let Some(target) = target {
                            self.drafts[step].needs.push((target, Why { text: it.from.to_string(), hold, until: Until::Done }));
                        }
                    }
                }
            }
        }
    }

    fn fronts(&self) -> Result<Vec<Rc<[usize]>>, Loop<String>> {
        let mut graph: Graph<usize> = Graph::default();
        for (at, it) in self.decisions.iter().enumerate() {
            graph.add(at);
            for reference in it.instance.into_iter().flat_map(|it| &it.references).filter(|it| !it.later) {
                if let Some(to) = self.index.get(&reference.to).filter(|to| **to != at) {
                    graph.need(at, *to, reference.from.to_string());
                }
            }
        }
        let order = graph
            .order()
            .map_err(|it| Loop(it.0.into_iter().map(|(at, why)| (self.decisions[at].address().to_string(), why)).collect()))?;
        let mut out: Vec<Rc<[usize]>> = vec![[].into(); self.decisions.len()];
        for at in order {
            out[at] = match self.decisions[at].work {
                Work::Create | Work::Replace { .. } | Work::Update { .. } | Work::Import { .. } | Work::Read => [at].into(),
                Work::Nothing | Work::Delete { .. } | Work::Forget | Work::Protect | Work::Refresh(_) => {
                    let references = self.decisions[at].instance.into_iter().flat_map(|it| &it.references);
                    let on = references.filter(|it| !it.later).filter_map(|it| self.index.get(&it.to));
                    let all: BTreeSet<usize> = on.flat_map(|to| out[*to].iter().copied()).collect();
                    all.into_iter().collect()
                }
            };
        }
        Ok(out)
    }

    /// What `at` is a part of, if that is deleted in this plan: its deletion takes both along.
    fn whole(&self, at: usize) -> Option<usize> {
        let whole = *self.index.get(self.decisions[at].part_of.as_ref()?)?;
        matches!(self.decisions[whole].work, Work::Delete { .. }).then_some(whole)
    }

    /// Things go after their users have gone, or have turned to something else; parts after what takes them along.
    fn backward(&mut self, users: &[BTreeMap<usize, bool>]) {
        for (at, users) in users.iter().enumerate() {
            let own = self.own[at].clone();
            let stays = own.made.is_some() && !own.create_first;
            // What takes it along waits for its users as well.
            let ends: Vec<usize> = own.gone.into_iter().chain(self.whole(at).and_then(|it| self.own[it].gone)).collect();
            let after = |drafts: &mut Vec<Draft>, step: usize, why: &Why| {
                for end in ends.iter().filter(|end| **end != step) {
                    drafts[*end].needs.push((step, why.clone()));
                }
            };
            for (user, recorded) in users {
                let deleted = || Why {
                    text: BEFORE.to_owned(),
                    hold: if *recorded { Hold::Needed } else { Hold::Courtesy },
                    until: Until::Done,
                };
                let turned_away = || Why { text: "(turned away before)".to_owned(), hold: Hold::Expected, until: Until::Done };
                let other = self.own[*user].clone();
                if let Some(gone) = own.gone {
                    // The users of what is deleted first turn to the new one afterwards.
                    let turned = [other.made, other.changed].into_iter().flatten().filter(|_| !stays);
                    let left = other.gone.into_iter().filter(|_| !(stays && other.create_first));
                    for step in left {
                        match self.whole(*user) == Some(at) {
                            true => self.drafts[step].needs.push((gone, hard("(goes along with it)"))),
                            false => after(&mut self.drafts, step, &deleted()),
                        }
                    }
                    for step in turned {
                        after(&mut self.drafts, step, &turned_away());
                    }
                    // Its former instances still use what they were made with, and turn to nothing else.
                    for step in other.deposed.iter().copied() {
                        after(&mut self.drafts, step, &deleted());
                    }
                }
                for deposed in &own.deposed {
                    for step in other.all.iter().filter(|it| !other.deposed.contains(it)) {
                        self.drafts[*deposed].needs.push((*step, turned_away()));
                    }
                    for step in &other.deposed {
                        self.drafts[*deposed].needs.push((*step, deleted()));
                    }
                }
            }
        }
    }

    fn finish(mut self, expected: Expected<'_>) -> Result<Order, Loop<String>> {
        let mut graph: Graph<usize, Why> = Graph::default();
        for at in 0..self.drafts.len() {
            graph.add(at);
        }
        for (at, draft) in self.drafts.iter().enumerate() {
            for (to, why) in &draft.needs {
                graph.need(at, *to, why.clone());
            }
        }
        let mut relaxed = BTreeSet::new();
        let mut order = graph.order();
        if order.is_err() {
            self.separate(&mut graph);
            self.let_former_go_first(&mut graph);
            order = graph.order();
        }
        for hold in [Hold::Courtesy, Hold::Preferred, Hold::Expected] {
            if order.is_err() {
                self.relax(&mut graph, hold, &mut relaxed);
                order = graph.order();
            }
        }
        let named = |it: Loop<usize, Why>| {
            Loop(it.0.into_iter().map(|(at, why)| (self.drafts[at].address.to_string(), why.text)).collect())
        };
        let order = order.map_err(named)?;
        let mut place = vec![0u32; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = u32::try_from(new).unwrap_or(u32::MAX);
        }
        let mut drafts: Vec<Option<Draft>> = self.drafts.into_iter().map(Some).collect();
        let steps = order.iter().filter_map(|old| {
            let draft = drafts[*old].take()?;
            // Of several reasons the one that asks for most.
            let mut needs: BTreeMap<StepId, &Why> = BTreeMap::new();
            for (to, why) in graph.needs(old) {
                let known = needs.entry(StepId(place[*to])).or_insert(why);
                if why.until > known.until {
                    *known = why;
                }
            }
            let expected_millis = match draft.act {
                Act::Delete { goes_along: true, .. } => 0,
                _ => expected(draft.address.type_name(), doing(&draft.act)),
            };
            Some(Step {
                address: draft.address,
                config: draft.config,
                act: draft.act,
                needs: needs.into_iter().map(|(step, why)| Need { step, why: why.text.clone(), until: why.until }).collect(),
                expected_millis,
            })
        });
        Ok(Order { steps: steps.collect(), relaxed })
    }

    /// A part that what it is a part of waits for by another way cannot go along: it is deleted by itself, before.
    fn separate(&mut self, graph: &mut Graph<usize, Why>) {
        let knot_of = knots(graph);
        let mut separated = BTreeSet::new();
        for at in 0..self.decisions.len() {
            let whole = self.whole(at).and_then(|it| self.own[it].gone);
            let (Some(part), Some(whole)) = (self.own[at].gone, whole) else { continue };
            if let Act::Delete { goes_along, .. } = &mut self.drafts[part].act
                && knot_of.get(&part).is_some_and(|it| knot_of.get(&whole) == Some(it))
            {
                *goes_along = false;
                graph.need(whole, part, hard(BEFORE));
                separated.insert((part, whole));
            }
        }
        graph.retain(|from, to, _| !separated.contains(&(*from, *to)));
    }

    /// Former instances go once the live one is as wanted; unless that waits for what waits for them: then they go before.
    fn let_former_go_first(&self, graph: &mut Graph<usize, Why>) {
        let knot_of = knots(graph);
        let mut turned = BTreeSet::new();
        for own in &self.own {
            let (Some(former), Some(last_former)) = (own.deposed.first(), own.deposed.last()) else { continue };
            let live: Vec<usize> = own.all.iter().copied().filter(|it| !own.deposed.contains(it)).collect();
            // A record has moved before anything of it goes.
            let is_move = |it: &&usize| matches!(self.drafts[**it].act, Act::Move { .. });
            let (moved, rest) = live.split_at(live.iter().take_while(is_move).count());
            let (Some(first), Some(last)) = (rest.first(), rest.last()) else { continue };
            let is_tied = knot_of.get(former).is_some_and(|it| knot_of.get(last) == Some(it));
            if is_tied && own.all.last() == Some(last_former) {
                turned.insert((*former, *last));
                graph.need(*first, *last_former, hard(AFTER));
                if let Some(moved) = moved.last() {
                    graph.need(*former, *moved, hard(AFTER));
                }
            }
        }
        graph.retain(|from, to, _| !turned.contains(&(*from, *to)));
    }

    /// Takes the edges of circles away that hold no more than that.
    fn relax(&self, graph: &mut Graph<usize, Why>, hold: Hold, relaxed: &mut BTreeSet<(Address, Address)>) {
        let knot_of = knots(graph);
        graph.retain(|from, to, why| {
            let tied = knot_of.get(from).is_some_and(|it| knot_of.get(to) == Some(it));
            let gives_way = tied && why.hold <= hold;
            if gives_way && why.hold == Hold::Expected {
                relaxed.insert((self.drafts[*from].address.clone(), self.drafts[*to].address.clone()));
            }
            !gives_way
        });
    }
}

/// Which circles the nodes are part of, by number.
fn knots(graph: &Graph<usize, Why>) -> BTreeMap<usize, usize> {
    let knots = graph.knots();
    knots.into_iter().enumerate().flat_map(|(knot, it)| it.into_iter().map(move |node| (node, knot))).collect()
}

fn hard(text: &str) -> Why {
    Why { text: text.to_owned(), hold: Hold::Needed, until: Until::Done }
}

/// The word for a step in `type/action`, under which durations are learned.
pub fn doing(act: &Act) -> &'static str {
    match act {
        Act::Create { .. } => "create",
        Act::Configure { .. } => "configure",
        Act::Update { .. } => "update",
        Act::Delete { .. } | Act::DeleteReplaced { .. } => "delete",
        Act::Import { .. } => "import",
        Act::Read => "read",
        Act::Forget | Act::Move { .. } | Act::Protect { .. } | Act::Refresh { .. } => "record",
    }
}
