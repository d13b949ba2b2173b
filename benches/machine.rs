//! The machine at 100 to 100,000 steps: every creation answered at once, so that only the machine's own work counts. Time per
//! step must stay the same: nothing in it looks at all steps.

use std::collections::BTreeMap;

use divan::Bencher;
use infra::address::Address;
use infra::apply::event::Failure;
use infra::apply::{Answer, Desired, Effect, Machine, Mint, Pace, Setup, Time};
use infra::plan::{Act, Need, Step, StepId, Until};
use infra::remote::{Emptied, Id, Live, Status};
use infra::sim::types::SimTypes;
use infra::state::{Lineage, Position, State};
use infra::value::{Sealer, Value};

fn main() {
    divan::main();
}

fn settings() -> Value {
    Value::object([("name", Value::from("n")), ("size", Value::from(1))])
}

struct Same;
impl Desired for Same {
    fn settings(&mut self, _: &Address) -> Result<Value, Failure> {
        Ok(settings())
    }
    fn expect(&mut self, _: &Address, _: &Id) {}
    fn learn(&mut self, _: &Address, _: &Value, _: &Value) {}
    fn check(&mut self, _: &Address, _: &Live) -> Result<(), Failure> {
        Ok(())
    }
}

/// Each step needs the one a tenth of the way before it.
fn steps(count: usize) -> Vec<Step> {
    let one = |at: usize| {
        let need = (at >= count / 10 && count >= 10).then(|| Need {
            step: StepId((at - count / 10) as u32),
            why: "x".into(),
            until: Until::Done,
        });
        Step {
            address: format!("sim_instant.n{at}").parse().unwrap_or_else(|_| unreachable!("a good address")),
            config: Default::default(),
            act: Act::Create {
                planned: settings(),
                dependencies: Default::default(),
                lifecycle: Default::default(),
                replaces: None,
                shell: false,
            },
            needs: need.into_iter().collect(),
            expected_millis: 1_000,
        }
    };
    (0..count).map(one).collect()
}

fn carry_out(steps: Vec<Step>) -> usize {
    let (types, sealer) = (SimTypes::default(), Sealer::new([1; 32]));
    let (mut mint, mut desired) = (Mint::new(1, [1; 32]), Same);
    let setup = Setup {
        steps,
        state: State::new("bench".parse().unwrap_or_else(|_| unreachable!("a good name")), Lineage("l".into())),
        types: &types,
        desired: &mut desired,
        sealer: &sealer,
        settles: BTreeMap::new(),
        timeouts: BTreeMap::new(),
        lifecycles: BTreeMap::new(),
        mint: &mut mint,
        pace: Pace::default(),
        began: 0,
    };
    let Ok(mut machine) = Machine::new(setup) else { return 0 };
    let (mut now, mut made, mut commits) = (Time::ZERO, 0u64, 0u64);
    while !machine.finished() {
        let effects = machine.poll(now);
        if effects.is_empty() {
            now = machine.wake_at().unwrap_or(now);
        }
        for (id, effect) in effects {
            let answer = match effect {
                Effect::Append(_) => {
                    commits += 1;
                    Answer::Appended(Ok(Position { epoch: 1, seq: commits }))
                }
                Effect::Create { .. } => {
                    made += 1;
                    Answer::Created(Ok(Id::new(made.to_string())))
                }
                Effect::Read { query, .. } => {
                    let live = Live { settings: settings(), outputs: Value::object([("id", "x".into())]), status: Status::Ready };
                    Answer::Read(Ok(query.ids.into_iter().map(|id| (id, live.clone())).collect()))
                }
                Effect::Find { .. } => Answer::Found(Ok(Vec::new())),
                Effect::Update { .. } => Answer::Updated(Ok(())),
                Effect::Delete { .. } => Answer::Deleted(Ok(())),
                Effect::Empty { .. } => Answer::Emptied(Ok(Emptied::default())),
                Effect::Blockers { .. } => Answer::Blockers(Ok(Vec::new())),
                Effect::Data { .. } => Answer::Data(Ok(Value::Null)),
            };
            machine.answer(now, id, answer);
        }
        machine.events();
    }
    machine.end().0.done
}

#[divan::bench(args = [100, 1_000, 10_000, 100_000], sample_count = 5)]
fn create(bencher: Bencher<'_, '_>, count: usize) {
    bencher.with_inputs(|| steps(count)).bench_values(|steps| assert_eq!(carry_out(steps), count));
}
