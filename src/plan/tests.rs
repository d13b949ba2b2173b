//! The planner on small configurations without a language.

mod laws;

use std::sync::Arc;

use super::testing::*;
use super::*;
use crate::diag::Diagnostic;
use crate::remote::Id;
use crate::stack::desired::{Import, Moved, Removed, Trigger};
use crate::state::{Deposed, State};

/// A plan in a few lines: changes with reasons and attributes, then steps with what they need.
pub(super) fn brief(plan: &Plan) -> String {
    let mut out = String::new();
    for it in plan.changes.iter().filter(|it| it.action != Action::Noop) {
        out.push_str(&format!("{:?} {}", it.action, it.address));
        out.push_str(if it.create_first { " create-first" } else { "" });
        let reasons: Vec<String> = it.reasons.iter().map(reason).collect();
        out.push_str(&format!(": {}\n", reasons.join(", ")));
        if it.action != Action::Create && it.action != Action::Delete {
            for it in &it.attributes {
                let forces = if it.forces_replacement { " !" } else { "" };
                out.push_str(&format!("  {}: {:?} -> {:?}{forces}\n", it.path, it.before, it.after));
            }
        }
    }
    for (at, it) in plan.steps.iter().enumerate() {
        let needs: Vec<String> = it.needs.iter().map(|it| format!("{} {}", it.step.0, it.why)).collect();
        let after = if needs.is_empty() { String::new() } else { format!(" <- {}", needs.join(", ")) };
        let shell = if it.act.is_shell() { " shell" } else { "" };
        out.push_str(&format!("{at} {}{shell} {}{after}\n", doing(&it.act), it.address));
    }
    out
}

fn reason(it: &Reason) -> String {
    match it {
        Reason::Configuration { path } => format!("configuration {path}"),
        Reason::Drift { path } => format!("drift {path}"),
        Reason::ConfigurationAndDrift { path } => format!("both {path}"),
        Reason::Follows { path, address } => format!("{path} follows {address}"),
        Reason::Fixed { path } => format!("fixed {path}"),
        it => format!("{it:?}").to_lowercase(),
    }
}

#[derive(Default)]
struct Case {
    double: Double,
    state: Option<State>,
    observed: Observed,
    options: Options,
}

impl Case {
    fn of(double: Double) -> Self {
        Self { double, ..Self::default() }
    }
    /// As after an apply of `before`, read again.
    fn after(before: Double, now: Double) -> Self {
        let mut before = before;
        let state = applied(&mut before);
        let mut case = Self { double: now, state: Some(state), ..Self::default() };
        case.read();
        case
    }
    fn read(&mut self) {
        for (address, it) in &self.state.as_ref().unwrap().resources {
            self.observed.live.insert(address.clone(), Some(live(it.id.as_str(), it.applied.clone())));
        }
    }
    fn drift(&mut self, address: &str, name: &str, value: impl Into<Value>) {
        let live = self.observed.live.get_mut(&address.parse().unwrap()).unwrap().as_mut().unwrap();
        live.settings = live.settings.with(name, value.into());
    }
    fn run(&mut self) -> Outcome {
        let empty = empty_state();
        let types = self.double.types.clone();
        let state = self.state.as_ref().unwrap_or(&empty);
        let outcome = plan(Request {
            configuration: &mut self.double,
            types: &types,
            state,
            observed: &self.observed,
            options: &self.options,
            sealer: &sealer(),
            account: "111111111111",
            region: "eu-west-1",
            digest: "d",
        });
        if let Outcome::Planned(it) = &outcome {
            assert_eq!(verify::check(&it.plan, state), [], "{}", brief(&it.plan));
        }
        outcome
    }
    fn plan(&mut self) -> Plan {
        match self.run() {
            Outcome::Planned(it) => it.plan,
            Outcome::Refused(it) => panic!("{it:?}"),
            _ => panic!("it needs reads"),
        }
    }
    fn brief(&mut self) -> String {
        brief(&self.plan())
    }
    fn refused(&mut self) -> Vec<&'static str> {
        match self.run() {
            Outcome::Refused(it) => it.iter().filter(|it| it.is_error()).map(|it: &Diagnostic| it.code).collect(),
            Outcome::Planned(it) => panic!("{}", brief(&it.plan)),
            _ => panic!("it needs reads"),
        }
    }
}

fn net(cidr: &str) -> Block {
    Block::default().with("cidr", cidr)
}

fn network(cidr: &str) -> Double {
    Double::default()
        .with("net.main", net(cidr))
        .with("part.a", Block::default().with("net", output("net.main.id")).with("name", "a"))
}

#[test]
fn what_is_new_is_made_after_what_it_refers_to() {
    assert_eq!(
        Case::of(network("10/8")).brief(),
        "Create net.main: new\nCreate part.a: new\n0 create net.main\n1 create part.a <- 0 net\n"
    );
}

#[test]
fn what_is_as_desired_needs_nothing() {
    assert_eq!(Case::after(network("10/8"), network("10/8")).brief(), "");
}

#[test]
fn what_is_gone_from_the_files_goes_after_its_users() {
    assert_eq!(
        Case::after(network("10/8"), Double::default()).brief(),
        "Delete net.main: notinconfiguration\nDelete part.a: notinconfiguration\n\
         0 delete part.a\n1 delete net.main <- 0 (deleted before)\n"
    );
}

#[test]
fn a_change_says_whether_the_files_or_the_cloud_changed() {
    let with = |name: &str| Double::default().with("net.n", net("10/8").with("name", name));
    let mut case = Case::after(with("a"), with("b"));
    assert_eq!(case.brief(), "Update net.n: configuration name\n  name: \"a\" -> \"b\"\n0 update net.n\n");
    case.drift("net.n", "name", "x");
    assert_eq!(case.brief(), "Update net.n: both name\n  name: \"x\" -> \"b\"\n0 update net.n\n");
    case.drift("net.n", "name", "b");
    let plan = case.plan();
    assert!(Summary::of(&plan.changes).is_empty() && matches!(plan.steps[0].act, Act::Refresh { .. }));
    let mut case = Case::after(with("a"), with("a"));
    case.drift("net.n", "name", "x");
    assert_eq!(case.brief(), "Update net.n: drift name\n  name: \"x\" -> \"a\"\n0 update net.n\n");
}

#[test]
fn a_fixed_attribute_replaces_and_what_is_built_on_it_follows() {
    assert_eq!(
        Case::after(network("10/8"), network("11/8")).brief(),
        "Replace net.main: fixed cidr, configuration cidr\n  cidr: \"10/8\" -> \"11/8\" !\n\
         Replace part.a: net follows net.main\n  net: \"net.main#1\" -> (known after net.main) !\n\
         0 delete part.a\n1 delete net.main <- 0 (deleted before)\n2 create net.main <- 1 (after its former step)\n\
         3 create part.a <- 0 (after its former step), 2 net\n"
    );
}

#[test]
fn create_first_spreads_to_what_it_is_built_on() {
    let with = |cidr: &str| {
        let mut it = network(cidr);
        let block = it.blocks.get_mut(&"part.a".parse().unwrap()).unwrap();
        block.lifecycle.create_before_destroy = true;
        it
    };
    assert_eq!(
        Case::after(with("10/8"), with("11/8")).brief(),
        "Replace net.main create-first: fixed cidr, configuration cidr\n  cidr: \"10/8\" -> \"11/8\" !\n\
         Replace part.a create-first: net follows net.main\n  net: \"net.main#1\" -> (known after net.main) !\n\
         0 create net.main\n1 create part.a <- 0 net\n2 delete part.a <- 1 (after its former step)\n\
         3 delete net.main <- 0 (after its former step), 1 (turned away before), 2 (deleted before)\n"
    );
}

#[test]
fn things_that_name_each_other_are_configured_once_both_exist() {
    let double = Double::default()
        .with("part.a", Block::default().with("peers", Expr::List(vec![output("part.b.id")])))
        .with("part.b", Block::default().with("peers", Expr::List(vec![output("part.a.id")])));
    assert_eq!(
        Case::of(double.clone()).brief(),
        "Create part.a: new\nCreate part.b: new\n0 create shell part.a\n1 create shell part.b\n\
         2 configure part.a <- 0 (after its former step), 1 peers\n3 configure part.b <- 0 peers, 1 (after its former step)\n"
    );
    let mut half = Case::after(double.clone(), double.clone());
    half.state.as_mut().unwrap().record_mut(&"part.a".parse().unwrap()).unwrap().unfinished = true;
    half.state.as_mut().unwrap().resources.remove(&"part.b".parse::<Address>().unwrap());
    assert_eq!(
        half.brief(),
        "Update part.a: unfinished, peers follows part.b\n  peers: {\"part.b#1\"} -> {(known after part.b)}\n\
         Create part.b: new\n0 update shell part.a\n1 create part.b <- 0 peers\n\
         2 configure part.a <- 0 (after its former step), 1 peers\n",
        "what uses it waits until it is as far as it can be"
    );
    let named = |name: &str| {
        let mut it = double.clone();
        it.blocks.values_mut().for_each(|block| *block = std::mem::take(block).with("name", name));
        it
    };
    assert_eq!(Case::after(named("x"), named("y")).plan().steps.len(), 2);
    assert_eq!(Case::after(double.clone(), double.clone()).brief(), "");
    assert_eq!(Case::after(double, Double::default()).plan().steps.len(), 2);
}

#[test]
fn what_vanished_is_made_again() {
    let mut case = Case::after(network("10/8"), network("10/8"));
    case.observed.live.insert("part.a".parse().unwrap(), None);
    assert_eq!(case.brief(), "Create part.a: missing\n0 create part.a\n");
    case.double = Double::default().with("net.main", net("10/8"));
    assert_eq!(case.brief(), "Forget part.a: notinconfiguration, missing\n0 record part.a\n");
}

#[test]
fn what_is_left_to_others_is_left_alone() {
    let block = || net("10/8").with("name", "a").with("tags", Value::map([("k", Value::from("v"))]));
    let ignoring = |path: &str| {
        let path = path.to_owned();
        Double::default().with("net.n", block().lifecycle(|it| it.ignore_changes = [path].into()))
    };
    for (path, name, value) in [
        ("name", "name", Value::from("x")),
        ("cidr", "cidr", Value::from("11/8")),
        ("tags[\"k\"]", "tags", Value::map([("k", Value::from("x"))])),
    ] {
        let mut case = Case::after(ignoring(path), ignoring(path));
        case.drift("net.n", name, value);
        assert_eq!(Summary::of(&case.plan().changes).update, 0, "{path}");
    }
    let mut case = Case::after(ignoring("name"), ignoring("name"));
    case.drift("net.n", "zone", "eu-west-1b");
    assert_eq!(case.brief(), "", "what the cloud chose is not drift");
    let theirs = [("k", "v"), ("infra:id", "1"), ("aws:cloudformation:x", "y"), ("kubernetes.io/cluster", "z")];
    case.drift("net.n", "tags", Value::map(theirs.map(|(k, v)| (k, Value::from(v)))));
    assert_eq!(case.brief(), "");
    case.drift("net.n", "tags", Value::map([("k", Value::from("v")), ("extra", Value::from("w"))]));
    assert_eq!(case.brief(), "Update net.n: drift tags[\"extra\"]\n  tags[\"extra\"]: \"w\" -> null\n0 update net.n\n");
}

#[test]
fn sets_have_no_order_and_documents_are_compared_by_what_they_say() {
    let written = r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}"#;
    let answered = r#"{"Statement":[{"Resource":["*"],"Action":["a:b"],"Effect":"Allow"}]}"#;
    let double = Double::default()
        .with(
            "net.n",
            net("10/8").with("zones", Value::set(["b".into(), "a".into()])).with("rule", rules(&[(1, None), (2, None)])),
        )
        .with("part.p", Block::default().with("policy", written));
    let mut case = Case::after(double.clone(), double);
    case.drift("net.n", "zones", Value::tuple(["b".into(), "a".into()]));
    case.drift("net.n", "rule", rules(&[(2, Some("chosen")), (1, Some("too"))]));
    case.drift("part.p", "policy", answered);
    assert_eq!(Summary::of(&case.plan().changes).update, 0);
    case.drift("net.n", "rule", rules(&[(2, Some("chosen")), (3, None)]));
    assert_eq!(Summary::of(&case.plan().changes).update, 1);
}

fn rules(all: &[(i64, Option<&str>)]) -> Value {
    let one = |(port, note): &(i64, Option<&str>)| {
        Value::object([("port", Value::from(*port)), ("note", note.map(Value::from).unwrap_or_default())])
    };
    Value::tuple(all.iter().map(one))
}

#[test]
fn secrets_are_compared_by_digest_and_shown_nowhere() {
    let with = |secret: &str| Double::default().with("part.p", Block::default().with("secret", secret));
    let mut case = Case::after(with("hunter2"), with("hunter2"));
    case.drift("part.p", "secret", Value::Null);
    assert_eq!(case.brief(), "", "what the cloud never tells is not drift");
    case.double = with("hunter3");
    let plan = case.plan();
    assert!(plan.changes[0].attributes[0].sensitive);
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("hunter"), "{text}");
    case.drift("part.p", "secret", "hunter3");
    assert_eq!(Summary::of(&case.plan().changes).update, 0);
}

#[test]
fn protection_outlives_its_block_and_is_lifted_alone() {
    let guarded = |on: Option<bool>, cidr: &str| {
        Double::default().with("net.n", net(cidr).lifecycle(|it| (it.prevent_destroy, it.prevent_replace) = (on, on)))
    };
    let mut case = Case::after(guarded(Some(true), "10/8"), guarded(Some(true), "10/8"));
    assert_eq!(case.brief().lines().next().unwrap(), "Update net.n: protection { prevent_destroy: true, prevent_replace: true }");
    let record = case.state.as_mut().unwrap().resources.values_mut().next().unwrap();
    let lifecycle = &mut Arc::make_mut(record).lifecycle;
    (lifecycle.prevent_destroy, lifecycle.prevent_replace) = (true, true);
    assert_eq!(case.brief(), "");
    for (double, code) in [
        (Double::default(), "prevent-destroy"),
        (guarded(None, "11/8"), "prevent-replace"),
        (guarded(Some(false), "11/8"), "prevent-replace"),
    ] {
        case.double = double;
        assert_eq!(case.refused(), [code]);
    }
    case.double = guarded(Some(false), "10/8");
    assert_eq!(case.brief(), "Update net.n: protection { prevent_destroy: false, prevent_replace: false }\n0 record net.n\n");
    case.options = Options { destroy: true, ..Options::default() };
    assert_eq!(case.refused(), ["prevent-destroy"]);
}

#[test]
fn precious_types_of_a_guarded_stack_are_protected_by_default() {
    let mut case = Case::after(Double::default().with("net.n", net("10/8")), Double::default().with("net.n", net("11/8")));
    case.options = Options { confirm_stack: true, precious: ["net".to_owned()].into(), ..Options::default() };
    assert_eq!(case.refused(), ["prevent-replace"]);
}

#[test]
fn what_only_undoes_somebodys_change_is_withheld_on_a_guarded_stack() {
    let double = || Double::default().with("net.n", net("10/8").with("name", "a"));
    let mut case = Case::after(double(), double());
    case.drift("net.n", "name", "x");
    case.options.confirm_stack = true;
    let Outcome::Planned(it) = case.run() else { panic!() };
    assert_eq!((it.plan.steps.len(), it.withheld.len()), (0, 1));
    case.options.repair_drift = true;
    assert_eq!(case.plan().steps.len(), 1);
}

#[test]
fn too_many_deletions_are_refused() {
    let mut case = Case::after(network("10/8"), Double::default());
    case.options.max_deletes = Some(1);
    assert_eq!(case.refused(), ["too-many-deletes"]);
    case.options.max_deletes = Some(2);
    assert_eq!(case.plan().steps.len(), 2);
}

#[test]
fn what_another_stack_owns_is_left_alone() {
    let mut case = Case::after(network("10/8"), Double::default().with("net.main", net("10/8")));
    let tags = [("infra:lineage", Value::from("l-2")), ("infra:stack", Value::from("prod"))];
    case.drift("part.a", "tags", Value::map(tags));
    assert_eq!(case.refused(), ["foreign-resource"]);
}

#[test]
fn moved_things_keep_their_ids() {
    let double = |name: &str| {
        Double::default().with(&format!("net.{name}"), net("10/8")).with(
            "part.a",
            match name {
                "main" => Block::default().with("net", output("net.main.id")),
                _ => Block::default().with("net", output("net.other.id")),
            },
        )
    };
    let mut case = Case::after(double("main"), double("other"));
    case.double.extra.moved = vec![Moved { from: "net.main".into(), to: "net.other".into(), span: None }];
    assert_eq!(case.brief(), "Move net.other: block\n0 record net.other\n");
    case.double.extra.moved[0].to = "part.x".into();
    assert_eq!(case.refused(), ["invalid-move"]);
}

#[test]
fn removed_things_are_forgotten_or_destroyed() {
    for (destroy, expected) in [(false, "Forget net.n: block\n0 record net.n\n"), (true, "Delete net.n: block\n0 delete net.n\n")]
    {
        let mut case = Case::after(Double::default().with("net.n", net("10/8")), Double::default());
        case.double.extra.removed = vec![Removed { from: "net.n".into(), destroy, span: None }];
        assert_eq!(case.brief(), expected);
    }
    let mut case = Case::after(Double::default().with("net.n", net("10/8")), Double::default());
    let record = case.state.as_mut().unwrap().resources.values_mut().next().unwrap();
    Arc::make_mut(record).lifecycle.retain_on_delete = true;
    assert_eq!(case.brief(), "Forget net.n: notinconfiguration\n0 record net.n\n");
}

#[test]
fn imports_take_what_is_there_and_then_change_it() {
    let mut case = Case::of(network("10/8"));
    case.double.blocks.get_mut(&"net.main".parse().unwrap()).unwrap().settings.insert("name", "a".into());
    case.double.extra.imports = vec![Import { to: "net.main".parse().unwrap(), id: Id::new("n-1"), span: None }];
    let Outcome::NeedsImports(needs) = case.run() else { panic!() };
    let key = needs[0].1.clone();
    case.observed.imports.insert(key.clone(), Some(live("n-1", Value::object([("cidr", Value::from("10/8"))]))));
    assert_eq!(
        case.brief(),
        "Import net.main: block, configuration name\n  name: null -> \"a\"\nCreate part.a: new\n\
         0 import net.main\n1 update net.main <- 0 (after its former step)\n2 create part.a <- 0 net, 1 net\n"
    );
    case.observed.imports.insert(key.clone(), Some(live("n-1", Value::object([("cidr", Value::from("11/8"))]))));
    assert_eq!(case.refused(), ["import-differs"]);
    case.observed.imports.insert(key, None);
    assert_eq!(case.refused(), ["import-missing"]);
}

#[test]
fn data_sources_are_read_as_soon_as_their_arguments_are_known() {
    let double = |of: Expr| {
        Double::default()
            .with("net.main", net("10/8"))
            .with("data.look.up", Block::default().with("of", of))
            .with("part.a", Block::default().with("name", output("data.look.up.id")))
    };
    let mut case = Case::of(double("x".into()));
    let Outcome::NeedsData(needs) = case.run() else { panic!() };
    case.observed.data.insert(needs[0].key.clone(), Value::object([("id", Value::from("found"))]));
    assert_eq!(case.plan().changes.len(), 2);
    assert_eq!(
        Case::of(double(output("net.main.id"))).brief(),
        "Create net.main: new\nCreate part.a: new\nRead data.look.up: of follows net.main\n  of: null -> (known after net.main)\n\
         0 create net.main\n1 read data.look.up <- 0 of\n2 create part.a <- 1 name\n"
    );
}

#[test]
fn replacement_can_be_asked_for_and_triggered() {
    let double = |name: &str| {
        network("10/8")
            .with("part.b", Block::default().with("uses", Expr::List(vec![output("part.c.id")])))
            .with(
                "part.c",
                Block::default().lifecycle(|it| {
                    it.replace_triggered_by = vec![Trigger { address: "part.d".parse().unwrap(), path: "name".into() }]
                }),
            )
            .with("part.d", Block::default().with("name", name))
    };
    assert_eq!(
        Case::after(double("a"), double("b")).brief(),
        "Update part.b: uses follows part.c\n  uses: [\"part.c#1\"] -> [(known after part.c)]\n\
         Replace part.c: triggered { address: part.d }\n\
         Update part.d: configuration name\n  name: \"a\" -> \"b\"\n\
         0 delete part.c\n1 create part.c <- 0 (after its former step)\n2 update part.b <- 1 uses\n3 update part.d\n"
    );
    let mut case = Case::after(network("10/8"), network("10/8"));
    case.options.replace = vec!["part.a".parse().unwrap()];
    assert_eq!(case.brief(), "Replace part.a: asked\n0 delete part.a\n1 create part.a <- 0 (after its former step)\n");
    case.options.replace = vec!["part.z".parse().unwrap()];
    assert_eq!(case.refused(), ["unknown-address"]);
}

#[test]
fn targets_bring_what_they_depend_on() {
    let mut case = Case::of(network("10/8").with("net.other", net("12/8")));
    case.options.targets = vec!["part.a".into()];
    assert_eq!(case.plan().changes.iter().map(|it| it.address.to_string()).collect::<Vec<_>>(), ["net.main", "part.a"]);
    case.options.targets = vec!["part.x".into()];
    assert_eq!(case.refused(), ["unknown-address"]);
    let mut case = Case::after(network("10/8"), Double::default());
    case.options.targets = vec!["net.main".into()];
    assert_eq!(case.plan().steps.len(), 2, "what is built on it goes too");
    case.options = Options { destroy: true, targets: vec!["part.a".into()], ..Options::default() };
    assert_eq!(case.plan().steps.len(), 1, "what it is built on stays");
}

#[test]
fn what_a_former_run_left_is_finished() {
    let mut case = Case::after(network("10/8"), network("10/8"));
    let part = case.state.as_mut().unwrap().record_mut(&"part.a".parse().unwrap()).unwrap();
    part.unfinished = true;
    part.deposed = vec![Deposed { id: Id::new("old"), config: Default::default(), applied: Value::Null, outputs: Value::Null }];
    assert_eq!(
        case.brief(),
        "Update part.a: unfinished\nDelete part.a: deposed { id: id(\"old\") }\n\
         0 update part.a\n1 delete part.a <- 0 (after its former step)\n"
    );
    let status = crate::remote::Status::Failed("CREATE_FAILED".into());
    case.observed.live.get_mut(&"part.a".parse().unwrap()).unwrap().as_mut().unwrap().status = status;
    assert!(case.brief().starts_with("Replace part.a: failed"));
}

#[test]
fn what_has_failed_goes_before_the_new_one_is_made() {
    let first = |it: Double| {
        let block = Block::default().with("net", output("net.main.id")).lifecycle(|it| it.create_before_destroy = true);
        it.with("part.a", block)
    };
    let mut case = Case::after(first(network("10/8")), first(network("10/8")));
    case.options.replace = vec!["part.a".parse().unwrap()];
    let creates_first = |plan: &Plan| plan.changes.iter().any(|it| it.create_first);
    assert!(creates_first(&case.plan()));
    let status = crate::remote::Status::Failed("CREATE_FAILED".into());
    case.observed.live.get_mut(&"part.a".parse().unwrap()).unwrap().as_mut().unwrap().status = status;
    let plan = case.plan();
    assert!(!creates_first(&plan));
    assert!(matches!(plan.steps[0].act, Act::Delete { .. }), "{:?}", plan.steps);
}

#[test]
fn destroying_takes_everything_in_reverse() {
    let mut case = Case::after(network("10/8"), network("10/8"));
    case.options.destroy = true;
    assert_eq!(
        case.brief(),
        "Delete net.main: destroy\nDelete part.a: destroy\n0 delete part.a\n1 delete net.main <- 0 (deleted before)\n"
    );
}

#[test]
fn without_a_refresh_the_record_stands_for_what_is_there() {
    let mut case = Case::after(network("10/8"), network("10/8"));
    case.observed.live.clear();
    assert_eq!(case.brief(), "");
    case.double = network("11/8");
    assert_eq!(Summary::of(&case.plan().changes).replace, 2);
}

/// A replacement, what follows from it, a secret that changes, and something that stays.
pub(super) fn example() -> Plan {
    let with = |cidr: &str, secret: &str| {
        Double::default()
            .with("net.main", net(cidr))
            .with("net.other", net("12/8"))
            .with("part.a", Block::default().with("net", output("net.main.id")).with("secret", secret))
    };
    Case::after(with("10/8", "hunter2"), with("11/8", "hunter3")).plan()
}
