//! The order of objects of one cluster that do not name each other: what others stand on first, webhooks last, and what is pruned
//! once all that is new has come to its end.
//!
//! Such an edge orders and does not depend: it is met when the other's call is answered, or when the other has ended in whatever
//! way, and gives way in a circle. One of each wave waits for all of the wave before it, the others of the wave for that one: so
//! there are as many edges as objects, and not as many as pairs.

use std::collections::BTreeMap;

use super::decide::Work;
use super::order::{Draft, Hold, Orderer, Why};
use super::step::Until;
use crate::object::order::{WAVES, WEBHOOKS, wave};
use crate::value::Value;

const WHY: &str = "(order of kinds)";
const PRUNED: &str = "(pruned after)";

/// The steps of one cluster's objects, by wave.
#[derive(Default)]
struct Steps {
    made: [Vec<usize>; WAVES],
    gone: [Vec<usize>; WAVES],
}

impl Orderer<'_, '_> {
    pub(super) fn waves(&mut self) {
        let mut homes: BTreeMap<&Value, Steps> = BTreeMap::new();
        for (it, own) in self.decisions.iter().zip(&self.own) {
            let Some(placed) = &it.object else { continue };
            let steps = homes.entry(&placed.home).or_default();
            let at = wave(&placed.key, placed.balances);
            match (&it.work, own.made.or(own.changed), own.gone) {
                (Work::Delete { .. }, _, Some(step)) => steps.gone[at].push(step),
                (_, Some(step), _) => steps.made[at].push(step),
                (_, None, _) => {}
            }
        }
        for steps in homes.into_values() {
            let Steps { made, gone } = steps;
            let all: Vec<usize> = made[..WEBHOOKS].concat();
            follow(&mut self.drafts, &made[..WEBHOOKS], Until::Called, WHY);
            follow(&mut self.drafts, &[all.clone(), made[WEBHOOKS].clone()], Until::Ended, WHY);
            let gone: Vec<Vec<usize>> = gone.into_iter().rev().filter(|it| !it.is_empty()).collect();
            follow(&mut self.drafts, &gone, Until::Ended, WHY);
            let first = gone.into_iter().next().unwrap_or_default();
            follow(&mut self.drafts, &[[all, made[WEBHOOKS].clone()].concat(), first], Until::Ended, PRUNED);
        }
    }
}

/// Each wave after the one before it.
fn follow(drafts: &mut [Draft], waves: &[Vec<usize>], until: Until, text: &str) {
    let waves: Vec<&Vec<usize>> = waves.iter().filter(|it| !it.is_empty()).collect();
    for pair in waves.windows(2) {
        let [before, after] = pair else { continue };
        // The others wait for it, so it is one that waits for little else.
        let Some(first) = after.iter().copied().min_by_key(|it| drafts[*it].needs.len()) else { continue };
        let why = |until| Why { text: text.to_owned(), hold: Hold::Courtesy, until };
        drafts[first].needs.extend(before.iter().map(|it| (*it, why(until))));
        for it in after.iter().filter(|it| **it != first) {
            drafts[*it].needs.push((first, why(Until::Called)));
        }
    }
}
