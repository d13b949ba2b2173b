//! How long documents and journal records take, by the number of resources: `cargo bench --bench state`.

use std::collections::BTreeSet;
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use infra::address::{Address, StackName};
use infra::remote::{ConfigName, Id, Token};
use infra::state::{Commit, Entry, Lineage, Position, Record, Recorded, State, codec, verify};
use infra::value::Value;

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

fn stack() -> StackName {
    "bench".parse().unwrap_or_else(|error| panic!("{error}"))
}

fn address(number: usize) -> Address {
    format!("module.network.aws_security_group.group[\"{number}\"]").parse().unwrap_or_else(|error| panic!("{error}"))
}

/// As large as the record of a security group with five tags.
fn record(number: usize) -> Record {
    let id = format!("sg-{number:017x}");
    let tags = ["Name", "Environment", "Team", "CostCentre", "Service"];
    Record {
        config: ConfigName::default(),
        id: Id::new(id.as_str()),
        token: Some(Token::from_bits(number as u128)),
        applied: Value::object([
            ("name", Value::from(format!("group-{number}"))),
            ("description", Value::from("Nodes of the cluster")),
            ("vpc_id", Value::from("vpc-0123456789abcdef0")),
            ("tags", Value::object(tags.map(|it| (it, Value::from(format!("{it} of {number}")))))),
        ]),
        outputs: Value::object([
            ("id", Value::from(id.as_str())),
            ("arn", Value::from(format!("arn:aws:ec2:eu-west-1:111111111111:security-group/{id}"))),
            ("owner_id", Value::from("111111111111")),
        ]),
        dependencies: (number > 0).then(|| address(number / 2)).into_iter().collect::<BTreeSet<_>>(),
        lifecycle: Recorded::default(),
        unfinished: false,
        deposed: Vec::new(),
    }
}

fn state(size: usize) -> State {
    let mut state = State::new(stack(), Lineage("00112233445566778899aabbccddeeff".into()));
    (state.serial, state.epoch, state.run) = (1, 1, "bench".into());
    state.resources = (0..size).map(|it| (address(it), Arc::new(record(it)))).collect();
    state
}

fn encoded(state: &State) -> Vec<u8> {
    codec::encode(state).unwrap_or_else(|error| panic!("{error}"))
}

#[divan::bench(args = SIZES, max_time = 2)]
fn encode(bencher: Bencher, size: usize) {
    let state = state(size);
    let bytes = encoded(&state).len();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| black_box(encoded(&state)));
}

#[divan::bench(args = SIZES, max_time = 2)]
fn decode(bencher: Bencher, size: usize) {
    let (bytes, stack) = (encoded(&state(size)), stack());
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| black_box(codec::decode(&bytes, &stack)));
}

#[divan::bench(args = SIZES, max_time = 2)]
fn check_the_laws(bencher: Bencher, size: usize) {
    let state = state(size);
    bencher.bench_local(|| black_box(verify::verify(&state)));
}

/// A crashed run's whole journal, one entry a commit.
#[divan::bench(args = SIZES, max_time = 2)]
fn replay(bencher: Bencher, size: usize) {
    let commit = |number: usize| Commit {
        position: Position { epoch: 1, seq: number as u64 + 1 },
        entries: vec![Entry::Adopt { address: address(number), record: Arc::new(record(number)) }],
    };
    let commits: Vec<_> = (0..size).map(commit).collect();
    bencher.with_inputs(|| state(0)).bench_local_values(|mut state| {
        black_box(state.replay(&commits)).unwrap_or_else(|gap| panic!("{gap}"));
        state
    });
}
