//! States for tests: small fixed ones, and random ones that keep every law.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Deposed, Intent, IntentAct, Lineage, OpId, Output, Position, Record, Recorded, State};
use crate::address::Address;
use crate::remote::{ConfigName, Id, Token};
use crate::value::Value;

pub fn lineage() -> Lineage {
    Lineage("00112233445566778899aabbccddeeff".into())
}

pub fn address(number: usize) -> Address {
    format!("aws_vpc.v{number}").parse().unwrap()
}

pub fn record(number: usize) -> Record {
    Record {
        config: ConfigName::default(),
        id: Id::new(format!("vpc-{number:08x}")),
        token: Some(Token::from_bits(number as u128)),
        applied: Value::object([("cidr_block", Value::from(format!("10.{}.0.0/16", number % 256)))]),
        outputs: Value::object([("id", Value::from(format!("vpc-{number:08x}")))]),
        dependencies: (number > 0).then(|| address(number - 1)).into_iter().collect(),
        lifecycle: Recorded::default(),
        unfinished: false,
        deposed: Vec::new(),
    }
}

/// A written state of the stack `dev` with `count` resources, each depending on the one before.
pub fn state(count: usize) -> State {
    let mut state = State::new("dev".parse().unwrap(), lineage());
    (state.serial, state.epoch, state.run) = (7, 3, "run-1".into());
    state.watermark = Some(Position { epoch: 2, seq: 9 });
    state.resources = (0..count).map(|it| (address(it), Arc::new(record(it)))).collect();
    state.outputs.insert("vpc".into(), Output { value: Value::from("vpc-1"), sensitive: false });
    state
}

/// Values in the form that storage gives them.
pub fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (any::<i32>(), 0u32..9).prop_map(|(digits, scale)| {
            let text = format!("{digits}e-{scale}");
            Value::Number(text.parse().unwrap())
        }),
        ".{0,12}".prop_map(Value::from),
        "[0-9a-f]{8}".prop_map(|it| Value::Digest(it.into())),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::tuple),
            prop::collection::btree_map("[a-z$]{1,6}|\\$infra", inner, 0..4).prop_map(Value::object),
        ]
    })
}

fn objects() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-z_]{1,8}", values(), 0..5).prop_map(Value::object)
}

prop_compose! {
    fn records(number: usize)(
        applied in objects(),
        outputs in objects(),
        prevent_destroy in any::<bool>(),
        unfinished in any::<bool>(),
        deposed in prop::option::of(objects()),
    ) -> Record {
        let lifecycle = Recorded { prevent_destroy, ..Recorded::default() };
        let former = |applied| Deposed {
            id: Id::new(format!("vpc-former-{number}")),
            config: ConfigName::default(),
            applied,
            outputs: Value::Null,
        };
        Record { applied, outputs, lifecycle, unfinished, deposed: deposed.map(former).into_iter().collect(), ..record(number) }
    }
}

prop_compose! {
    /// Random states of the stack `dev`.
    pub fn states()(count in 0usize..6)(
        records in (0..count).map(records).collect::<Vec<_>>(),
        inputs in objects(),
        serial in 1u64..,
        timings in prop::collection::btree_map("[a-z_]{1,8}/create", any::<u64>(), 0..3),
    ) -> State {
        let mut state = state(0);
        state.serial = serial;
        state.timings = timings.into_iter().map(|(key, millis)| (key.into(), millis)).collect();
        state.resources = records.into_iter().enumerate().map(|(at, record)| (address(at), Arc::new(record))).collect();
        state.intents = BTreeMap::from([(OpId("3.1".into()), creation("3.1", 99, inputs))]);
        state
    }
}

/// An open intent to create the thing of that number.
pub fn creation(op: &str, number: usize, inputs: Value) -> Intent {
    Intent {
        op: OpId(op.into()),
        address: address(number),
        config: ConfigName::default(),
        act: IntentAct::Create {
            token: Token::from_bits(number as u128),
            inputs,
            dependencies: BTreeSet::new(),
            lifecycle: Recorded::default(),
            replaces: None,
        },
        at: 1_800_000_000_000,
        watched_until: None,
    }
}
