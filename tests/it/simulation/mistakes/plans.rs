//! Mistakes with what is planned, how long one waits, and who may do anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use infra::apply::Time;
use infra::plan::{Act, Step};
use infra::remote::Settle;
use infra::sim::run::Watcher;

#[derive(Default)]
pub struct AbsentTooEarly;
impl Watcher for AbsentTooEarly {
    fn settles(&mut self, settles: &mut BTreeMap<Arc<str>, Settle>) {
        settles.values_mut().for_each(|it| it.hidden = Duration::ZERO);
    }
}

#[derive(Default)]
pub struct CreationsUnordered;
impl Watcher for CreationsUnordered {
    fn steps(&mut self, steps: &mut Vec<Step>) {
        steps.iter_mut().filter(|it| matches!(it.act, Act::Create { .. })).for_each(|it| it.needs.clear());
    }
}

#[derive(Default)]
pub struct DeletionsUnordered;
impl Watcher for DeletionsUnordered {
    fn steps(&mut self, steps: &mut Vec<Step>) {
        let deletes = steps.iter_mut().filter(|it| matches!(it.act, Act::Delete { .. } | Act::DeleteReplaced { .. }));
        deletes.for_each(|it| it.needs.clear());
    }
}

#[derive(Default)]
pub struct ReplacedOneKept;
impl Watcher for ReplacedOneKept {
    fn steps(&mut self, steps: &mut Vec<Step>) {
        if let Some(last) = steps.last()
            && matches!(last.act, Act::DeleteReplaced { .. })
        {
            steps.pop();
        }
    }
}

#[derive(Default)]
pub struct NoEpochCheck;
impl Watcher for NoEpochCheck {
    fn checks_epoch(&self) -> bool {
        false
    }
}

#[derive(Default)]
pub struct NothingSettled;
impl Watcher for NothingSettled {
    fn settles_open(&self) -> bool {
        false
    }
}

#[derive(Default)]
pub struct LastSignForgotten;
impl Watcher for LastSignForgotten {
    fn last_sign(&self, _: Time) -> Time {
        Time::ZERO
    }
}
