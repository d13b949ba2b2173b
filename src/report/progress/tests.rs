//! Progress as a log, a script and a terminal see it.

use std::time::Duration;

use super::*;
use crate::address::Address;
use crate::apply::event::Failure;
use crate::remote::{Class, Fault, Id};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn seconds(it: u64) -> Duration {
    Duration::from_secs(it)
}

fn failure() -> Failure {
    let mut fault = Fault::new(Class::Denied, "ec2:CreateSubnet", "You are not authorized to perform this operation");
    fault.code = Some("UnauthorizedOperation".into());
    fault.request_id = Some("59dbff89".into());
    Failure::Fault { fault }
}

fn events() -> Vec<Event> {
    let (vpc, subnet, route) = (address("module.network.aws_vpc.main"), address("aws_subnet.a"), address("aws_route.a"));
    vec![
        Event::Started { at: seconds(0), address: vpc.clone(), doing: Doing::Create, remaining: 3 },
        Event::Waiting { at: seconds(1), address: vpc.clone(), doing: Doing::Create, status: "pending".into() },
        Event::Waiting { at: seconds(31), address: vpc.clone(), doing: Doing::Create, status: "pending".into() },
        Event::Done { at: seconds(32), address: vpc, doing: Doing::Create, id: Some(Id::new("vpc-1")), took: seconds(32) },
        Event::Started { at: seconds(32), address: subnet.clone(), doing: Doing::Create, remaining: 2 },
        Event::Failed { at: seconds(33), address: subnet.clone(), doing: Doing::Create, failure: failure() },
        Event::Skipped { at: seconds(33), address: route, because: subnet },
        Event::Stopping { at: seconds(33), in_flight: 0 },
    ]
}

fn outcome() -> Outcome {
    let subnet = address("aws_subnet.a");
    let skipped = (0..8).map(|at| (address(&format!("aws_route.r{at}")), subnet.clone())).collect();
    Outcome { done: 1, failed: vec![(subnet, failure())], skipped, stopped: false, took: seconds(33) }
}

fn told(make: impl FnOnce(Sink) -> Progress) -> String {
    let buffer = Arc::new(Mutex::new(Vec::new()));
    let sink: Sink = buffer.clone();
    let mut progress = make(sink);
    for event in events() {
        progress.tell(&event);
    }
    progress.finish();
    let bytes = buffer.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn in_a_log() {
    insta::assert_snapshot!(told(|sink| Progress::plain(sink, Style::PLAIN)));
}

#[test]
fn for_a_script_every_line_is_an_event_and_the_last_one_the_summary() {
    let buffer = Arc::new(Mutex::new(Vec::new()));
    let sink: Sink = buffer.clone();
    write_summary(&sink, &outcome());
    let text = told(Progress::json) + &String::from_utf8(buffer.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!(lines.len(), events().len() + 1);
    assert_eq!(lines[3]["took"], 32.0);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["event"], &last["done"], &last["skipped"][0]["because"]),
        (&"summary".into(), &1.into(), &"aws_subnet.a".into())
    );
    insta::assert_snapshot!(text);
}

#[test]
fn on_a_terminal_what_is_over_stays_and_what_runs_is_drawn() {
    let text = told(|sink| Progress::live(sink, Style { width: 100, colour: false }));
    assert!(text.contains("module.network.aws_vpc.main: created vpc-1 32s"), "{text}");
    assert!(text.contains("aws_route.a: skipped, because it needs aws_subnet.a"), "{text}");
    assert!(text.contains("2 to go"), "{text}");
}

#[test]
fn the_summary_names_causes_first() {
    insta::assert_snapshot!(summary("Applied", &outcome(), Style::PLAIN));
    let good = Outcome { done: 1, took: seconds(2), ..Outcome::default() };
    assert_eq!(summary("Applied", &good, Style::PLAIN), "Applied: 1 step done, in 2s.\n");
}
