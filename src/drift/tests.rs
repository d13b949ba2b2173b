//! Each verdict once, from plans that the planner made.

use super::report;
use super::*;
use crate::plan::testing::{Block, Catalogue, Double, applied, live, sealer};
use crate::plan::{Options, Outcome, Request, plan};
use crate::report::{Nowhere, Style};

struct Case {
    state: State,
    observed: Observed,
}

impl Case {
    /// As after an apply, read again.
    fn after(mut double: Double) -> Self {
        let state = applied(&mut double);
        let seen = state.resources.iter().map(|(address, it)| (address.clone(), Some(live(it.id.as_str(), it.applied.clone()))));
        Self { observed: Observed { live: seen.collect(), ..Observed::default() }, state }
    }
    fn change(mut self, address: &str, name: &str, value: impl Into<Value>) -> Self {
        let live = self.observed.live.get_mut(&address.parse().unwrap()).unwrap().as_mut().unwrap();
        live.settings = live.settings.with(name, value.into());
        self
    }
    fn delete(mut self, address: &str) -> Self {
        self.observed.live.insert(address.parse().unwrap(), None);
        self
    }
    fn findings(&self, mut files: Double, options: Options) -> Vec<Finding> {
        let types = Catalogue::default();
        let request = Request {
            configuration: &mut files,
            types: &types,
            state: &self.state,
            observed: &self.observed,
            options: &options,
            sealer: &sealer(),
            account: "111111111111",
            region: "eu-west-1",
            digest: "d",
        };
        match plan(request) {
            Outcome::Planned(planned) => findings(&planned, &self.state, &self.observed),
            _ => panic!("no plan"),
        }
    }
}

fn net(name: &str) -> Block {
    Block::default().with("cidr", "10.0.0.0/16").with("name", name)
}

fn files() -> Double {
    Double::default().with("net.a", net("a")).with("net.b", net("b"))
}

fn brief(findings: &[Finding]) -> Vec<String> {
    let paths = |it: &Finding| it.attributes.iter().map(|it| it.path.clone()).collect::<Vec<_>>().join(",");
    findings.iter().map(|it| format!("{} {} {}", it.address, it.verdict.name(), paths(it)).trim_end().to_owned()).collect()
}

#[test]
fn nothing_changed_is_no_finding() {
    let findings = Case::after(files()).findings(files(), Options::default());
    assert_eq!(brief(&findings), [""; 0]);
    assert_eq!(report::summary("dev", &findings, 2), "No drift: 2 resources of `dev` are as declared.");
}

#[test]
fn what_someone_else_changed_is_named_to_the_attribute() {
    let case = Case::after(files()).change("net.a", "name", "x");
    assert_eq!(brief(&case.findings(files(), Options::default())), ["net.a changed name"]);
    let guarded = Options { confirm_stack: true, ..Options::default() };
    assert_eq!(brief(&case.findings(files(), guarded)), ["net.a changed name"], "withheld repairs are drift too");
}

#[test]
fn one_thing_can_be_changed_and_pending_at_once() {
    let case = Case::after(files()).change("net.a", "name", "x");
    let newer = Double::default().with("net.a", net("a").with("zones", Value::set([Value::from("z")]))).with("net.c", net("c"));
    let found = brief(&case.findings(newer, Options::default()));
    assert_eq!(found, ["net.a changed name", "net.a pending zones", "net.b pending", "net.c pending"]);
}

#[test]
fn what_is_gone_is_missing() {
    let found = Case::after(files()).delete("net.b").findings(files(), Options::default());
    assert_eq!(brief(&found), ["net.b missing"]);
}

#[test]
fn what_is_left_to_others_is_information() {
    let owned = || {
        let block = net("a").lifecycle(|it| {
            it.owned_elsewhere.insert("name".into());
        });
        Double::default().with("net.a", block)
    };
    let found = Case::after(owned()).change("net.a", "name", "x").findings(owned(), Options::default());
    assert_eq!(brief(&found), ["net.a owned-elsewhere name"]);
    assert!(!found[0].verdict.is_drift());
    assert!(report::summary("dev", &found, 1).starts_with("No drift: 1 owned elsewhere"));
}

#[test]
fn in_every_form() {
    let case = Case::after(files()).change("net.a", "name", "x|`y").delete("net.b");
    let found = case.findings(files(), Options::default());
    insta::assert_snapshot!(report::text("dev", &found, 2, &Nowhere, Style::PLAIN));
    insta::assert_snapshot!(report::markdown("dev", &found, 2));
    insta::assert_snapshot!(format!("{:#}", report::json("dev", &found, 2, &Nowhere)));
}
