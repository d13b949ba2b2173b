//! Planted mistakes: each is one that an engine could make, spoils what passes between the machine and the world, and must be
//! caught by the laws. So the laws are known to be able to fail.

use std::collections::BTreeMap;
use std::time::Duration;

use infra::apply::{Answer, Effect, NotStored};
use infra::plan::{Act, Step};
use infra::remote::{Class, Settle, Status, Token, tags};
use infra::sim::run::Watcher;
use infra::sim::story;
use infra::state::{Entry, Outcome, Position};

/// Within so many seeds each must be caught.
const SEEDS: u64 = 3_000;

fn assert_caught<W: Watcher>(mistake: impl Fn() -> W) {
    let caught = (0..SEEDS).find(|seed| story::play(*seed, &mistake).is_err());
    assert!(caught.is_some(), "nobody noticed");
}

/// The call goes out first, the intent is written with the next commit.
#[derive(Default)]
struct IntentAfterCall(Vec<Entry>);
impl Watcher for IntentAfterCall {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Append(entries) = effect {
            let late = std::mem::take(&mut self.0);
            self.0 = entries.iter().filter(|it| matches!(it, Entry::Intent(_))).cloned().collect();
            entries.retain(|it| !matches!(it, Entry::Intent(_)));
            entries.splice(0..0, late);
        }
    }
}

#[test]
fn intent_after_call() {
    assert_caught(IntentAfterCall::default);
}

/// Each attempt has a token of its own.
#[derive(Default)]
struct TokenNotReused(u128);
impl Watcher for TokenNotReused {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Create { token, .. } = effect {
            self.0 += 1;
            *token = Token::from_bits(self.0);
        }
    }
}

#[test]
fn token_not_reused() {
    assert_caught(TokenNotReused::default);
}

struct TokenNotTagged;
impl Watcher for TokenNotTagged {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Create { settings, .. } = effect
            && let Some(all) = settings.get("tags").members().cloned()
        {
            let kept = all.into_iter().filter(|(name, _)| &**name != tags::ID);
            *settings = settings.with("tags", infra::value::Value::map(kept));
        }
    }
}

#[test]
fn token_not_tagged() {
    assert_caught(|| TokenNotTagged);
}

struct AbsentTooEarly;
impl Watcher for AbsentTooEarly {
    fn settles(&mut self, settles: &mut BTreeMap<String, Settle>) {
        settles.values_mut().for_each(|it| it.hidden = Duration::ZERO);
    }
}

#[test]
fn not_found_taken_as_absent_too_early() {
    assert_caught(|| AbsentTooEarly);
}

struct OutcomeLost;
impl Watcher for OutcomeLost {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Append(entries) = effect {
            entries.retain(|it| !matches!(it, Entry::Outcome { outcome: Outcome::Created { .. }, .. }));
        }
    }
}

#[test]
fn outcome_lost() {
    assert_caught(|| OutcomeLost);
}

struct NoOrderOfDeletions;
impl Watcher for NoOrderOfDeletions {
    fn steps(&mut self, steps: &mut Vec<Step>) {
        let deletes = steps.iter_mut().filter(|it| matches!(it.act, Act::Delete { .. } | Act::DeleteReplaced { .. }));
        deletes.for_each(|it| it.needs.clear());
    }
}

#[test]
fn delete_before_dependants() {
    assert_caught(|| NoOrderOfDeletions);
}

struct NoEpochCheck;
impl Watcher for NoEpochCheck {
    fn checks_epoch(&self) -> bool {
        false
    }
}

#[test]
fn no_epoch_check() {
    assert_caught(|| NoEpochCheck);
}

struct ReadyTooEarly;
impl Watcher for ReadyTooEarly {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Read(Ok(found)) = answer {
            found.values_mut().for_each(|it| it.status = Status::Ready);
        }
    }
}

#[test]
fn not_waited_until_ready() {
    assert_caught(|| ReadyTooEarly);
}

struct UnknownIsNo;
impl Watcher for UnknownIsNo {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Created(Err(fault)) = answer
            && fault.class == Class::Unknown
        {
            fault.class = Class::Refused;
        }
    }
}

#[test]
fn no_answer_taken_for_no() {
    assert_caught(|| UnknownIsNo);
}

struct UnknownIsBusy;
impl Watcher for UnknownIsBusy {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Created(Err(fault)) = answer
            && fault.class == Class::Unknown
        {
            fault.class = Class::Busy;
        }
    }
}

#[test]
fn no_answer_answered_with_another_creation() {
    assert_caught(|| UnknownIsBusy);
}

struct NothingSettled;
impl Watcher for NothingSettled {
    fn settles_open(&self) -> bool {
        false
    }
}

#[test]
fn open_intents_not_settled() {
    assert_caught(|| NothingSettled);
}

/// A commit is taken for stored when it was not.
struct StoreBelieved;
impl Watcher for StoreBelieved {
    fn hears(&mut self, effect: &Effect, answer: &mut Answer) {
        if let (Effect::Append(_), Answer::Appended(result @ Err(NotStored::Failed(_)))) = (effect, answer) {
            *result = Ok(Position { epoch: 1, seq: 1 });
        }
    }
}

#[test]
fn a_commit_that_failed_taken_for_stored() {
    assert_caught(|| StoreBelieved);
}

/// What was replaced is not deleted.
struct DeposedForgotten;
impl Watcher for DeposedForgotten {
    fn steps(&mut self, steps: &mut Vec<Step>) {
        if let Some(last) = steps.last()
            && matches!(last.act, Act::DeleteReplaced { .. })
        {
            steps.pop();
        }
    }
}

#[test]
fn the_replaced_one_left_behind() {
    assert_caught(|| DeposedForgotten);
}
