//! States and entries for the stores to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use infra::address::Address;
use infra::remote::{ConfigName, Id, Token};
use infra::secrets::age::Identity;
use infra::secrets::vault::{DataKeys, Rule, Vault};
use infra::stack::Unencrypted;
use infra::state::ledger::{Beginning, RunRecord};
use infra::state::{Entry, Intent, IntentAct, Lineage, OpId, Outcome, Output, Record, Recorded, State};
use infra::store::Owner;
use infra::value::Value;

pub fn owner(run: &str) -> Owner {
    Owner { run: run.into(), who: format!("{run}@host"), command: "infra apply dev".into() }
}

/// What a run was, begun at `at`.
pub fn run(name: &str, at: u64) -> RunRecord {
    RunRecord::begin(Beginning {
        stack: "dev".parse().unwrap(),
        run: name.into(),
        epoch: 1,
        command: "infra apply dev".into(),
        caller: None,
        by: "ann@box".into(),
        commit: None,
        at,
    })
}

/// A state as a run hands it over for the first time.
pub fn fresh() -> State {
    State::new("dev".parse().unwrap(), Lineage("00112233445566778899aabbccddeeff".into()))
}

pub fn address(number: u64) -> Address {
    format!("aws_vpc.v{number}").parse().unwrap()
}

pub fn record(number: u64) -> Record {
    Record {
        config: ConfigName::default(),
        id: Id::new(format!("vpc-{number}")),
        token: None,
        applied: Value::object([("cidr_block", Value::from("10.0.0.0/16"))]),
        outputs: Value::object([("id", Value::from(format!("vpc-{number}")))]),
        dependencies: BTreeSet::new(),
        lifecycle: Recorded::default(),
        unfinished: false,
        deposed: Vec::new(),
    }
}

pub fn adopt(number: u64) -> Entry {
    Entry::Adopt { address: address(number), record: Arc::new(record(number)) }
}

pub fn forget(number: u64) -> Entry {
    Entry::Forget { address: address(number) }
}

pub fn counter(value: i64) -> Entry {
    let output = Output { value: Value::from(value), sensitive: false };
    Entry::Outputs { outputs: BTreeMap::from([("counter".to_owned(), output)]) }
}

pub fn count_in(state: &State) -> i64 {
    let value = state.outputs.get("counter").and_then(|it| it.value.to_json());
    value.and_then(|it| it.as_i64()).unwrap_or(0)
}

/// The life of a thing in the journal: meant, made, ready.
pub fn creation(epoch: u64, number: u64) -> [Entry; 3] {
    let op = OpId(format!("{epoch}.{number}").into());
    let intent = Intent {
        op: op.clone(),
        address: address(number),
        config: ConfigName::default(),
        act: IntentAct::Create {
            token: Token::from_bits(u128::from(number)),
            inputs: Value::object([("cidr_block", Value::from("10.0.0.0/16"))]),
            dependencies: BTreeSet::new(),
            lifecycle: Recorded::default(),
            replaces: None,
        },
        at: 1_800_000_000_000,
        watched_until: None,
    };
    let record = record(number);
    let done = Outcome::Done { applied: record.applied, outputs: record.outputs };
    [
        Entry::Intent(intent),
        Entry::Outcome { op: op.clone(), outcome: Outcome::Created { id: record.id } },
        Entry::Outcome { op, outcome: done },
    ]
}

/// Encrypts with a service's data keys, or for the age key of the tests.
pub fn vault(data_keys: Option<Arc<dyn DataKeys>>) -> Vault {
    let keys = || Identity::parse_all(include_str!("../../secrets/key.txt"));
    let recipients = if data_keys.is_some() { Vec::new() } else { keys().iter().map(Identity::recipient).collect() };
    Vault::new("dev", Rule { recipients, data_keys, unencrypted: Unencrypted::Refused, identities: Arc::new(keys) })
}
