//! The laws of a plan, on random worlds.

use proptest::prelude::*;

use super::*;

/// What a random configuration is grown from: one row a block.
#[derive(Clone, Debug)]
struct Row {
    present: bool,
    cidr: u8,
    name: u8,
    /// Earlier blocks that it refers to.
    fixed: Option<prop::sample::Index>,
    uses: Vec<prop::sample::Index>,
    after: Option<prop::sample::Index>,
    /// Any block.
    peers: Vec<prop::sample::Index>,
    create_first: bool,
}

fn row() -> impl Strategy<Value = Row> {
    use prop::sample::Index;
    let some = || prop::option::weighted(0.4, any::<Index>());
    let many = || prop::collection::vec(any::<Index>(), 0..3);
    let switches = (prop::bool::weighted(0.8), prop::bool::weighted(0.3));
    (switches, 0u8..2, 0u8..2, some(), many(), some(), many()).prop_map(
        |((present, create_first), cidr, name, fixed, uses, after, peers)| Row {
            present,
            cidr,
            name,
            fixed,
            uses,
            after,
            peers,
            create_first,
        },
    )
}

fn address(at: usize) -> &'static str {
    const NAMES: [&str; 12] =
        ["net.a", "part.b", "part.c", "net.d", "part.e", "part.f", "part.g", "net.h", "part.i", "part.j", "part.k", "part.l"];
    NAMES[at]
}

fn id_of(at: usize) -> Expr {
    Expr::Output(address(at).parse().unwrap(), "id")
}

fn grow(rows: &[Row]) -> Double {
    let mut out = Double::default();
    let there = |at: usize| rows.get(at).is_some_and(|it| it.present);
    let pick = |index: &prop::sample::Index, most: usize| (most > 0).then(|| index.index(most)).filter(|at| there(*at));
    for (at, row) in rows.iter().enumerate().filter(|(_, it)| it.present) {
        let mut block = Block::default().with("name", format!("n{}", row.name).as_str());
        block.lifecycle.create_before_destroy = row.create_first;
        if let Some(on) = row.after.as_ref().and_then(|it| pick(it, at)) {
            block = block.after(address(on));
        }
        if address(at).starts_with("net") {
            block = block.with("cidr", format!("{}/8", row.cidr).as_str());
        } else {
            if let Some(on) = row.fixed.as_ref().and_then(|it| pick(it, at)) {
                block = block.with("net", id_of(on));
            }
            let uses = row.uses.iter().filter_map(|it| pick(it, at)).map(id_of).collect();
            let peers = row.peers.iter().filter_map(|it| pick(it, rows.len())).filter(|it| *it != at).map(id_of).collect();
            block = block.with("uses", Expr::List(uses)).with("peers", Expr::List(peers));
        }
        out = out.with(address(at), block);
    }
    out
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 1..12)
}

#[test]
fn a_former_instance_goes_before_the_new_one_that_waits_for_it() {
    let net = |cidr: &str| Block::default().with("name", "n").with("cidr", cidr);
    let part = || Block::default().with("name", "n");
    let before = Double::default()
        .with("net.d", net("0/8"))
        .with("part.f", part().with("net", id_of(3)))
        .with("part.g", part().after("part.f"));
    let now = Double::default().with("net.d", net("1/8")).with("part.g", part().with("uses", Expr::List(vec![id_of(3)])));
    let mut case = Case::after(before, now);
    let lost: Address = "part.g".parse().unwrap();
    case.observed.live.insert(lost.clone(), None);
    let old = Deposed { id: Id::new("old"), config: Default::default(), applied: Value::Null, outputs: Value::Null };
    case.state.as_mut().unwrap().record_mut(&lost).unwrap().deposed.push(old);
    // What is deleted waits for the former instance, what replaces it for the deletion, and the new instance for that.
    let plan = case.plan();
    let place = |of: fn(&Act) -> bool| plan.steps.iter().position(|it| it.address == lost && of(&it.act)).unwrap();
    assert!(place(|it| matches!(it, Act::Delete { .. })) < place(|it| matches!(it, Act::Create { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_any_world_has_a_lawful_plan(before in rows(), now in rows(), gone in 0usize..24, replace in 0usize..24) {
        let mut case = Case::after(grow(&before), grow(&now));
        if let Some(address) = case.observed.live.keys().nth(gone).cloned() {
            case.observed.live.insert(address, None);
        }
        case.options.replace = case.double.blocks.keys().nth(replace).cloned().into_iter().collect();
        // `run` checks every law.
        let plan = case.plan();
        for (at, step) in plan.steps.iter().enumerate() {
            prop_assert!(step.needs.iter().all(|it| (it.step.0 as usize) < at));
        }
    }

    #[test]
    fn a_plan_that_is_carried_out_leaves_nothing_to_do(before in rows(), now in rows(), gone in 0usize..24, old in 0usize..24) {
        let mut case = Case::after(grow(&before), grow(&now));
        if let Some(address) = case.observed.live.keys().nth(gone).cloned() {
            case.observed.live.insert(address, None);
        }
        if let Some(record) = case.state.as_mut().unwrap().resources.values_mut().nth(old) {
            Arc::make_mut(record).deposed.push(Deposed {
                id: Id::new("old"),
                config: Default::default(),
                applied: Value::Null,
                outputs: Value::Null,
            });
        }
        let Outcome::Planned(planned) = case.run() else { panic!() };
        let plan = planned.plan;
        let state = case.state.clone().unwrap();
        let things = state.resources.iter().filter_map(|(address, record)| {
            Some((record.id.clone(), case.observed.live.get(address)?.clone()?))
        });
        let things = things.collect();
        let mut performance = Performance::new(&plan, &mut case.double, state, things);
        performance.run();
        let (state, complaints) = (performance.state, performance.complaints);
        prop_assert!(state.resources.values().all(|it| it.deposed.is_empty()));
        let warned = planned.diagnostics.iter().any(|it| it.code == "deleted-in-use");
        prop_assert!(complaints.iter().all(|it| warned && it.contains("goes while")), "{complaints:#?}\n{}", brief(&plan));
        case.state = Some(state);
        case.observed = Observed::default();
        case.read();
        let again = case.plan();
        prop_assert!(again.steps.is_empty(), "{}\nthen\n{}", brief(&plan), brief(&again));
    }

    #[test]
    fn what_has_converged_needs_nothing(rows in rows()) {
        let mut case = Case::after(grow(&rows), grow(&rows));
        prop_assert!(Summary::of(&case.plan().changes).is_empty());
    }

    #[test]
    fn everything_goes_before_what_it_was_built_on(rows in rows()) {
        let mut case = Case::after(grow(&rows), Double::default());
        let plan = case.plan();
        let place = |address: &Address| plan.steps.iter().position(|it| it.address == *address).unwrap();
        for (user, record) in &case.state.as_ref().unwrap().resources {
            for on in &record.dependencies {
                prop_assert!(place(user) < place(on), "{user} {on}");
            }
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer(before in rows(), now in rows()) {
        let mut case = Case::after(grow(&before), grow(&now));
        prop_assert_eq!(case.plan(), case.plan());
    }
}
