//! Faults on request.

use std::sync::Mutex;

use serde::{Deserialize, Deserializer, Serialize};

use super::Subject;
use crate::gateway::Refusal;
use crate::lock;

/// A rule: which calls it hits, and what happens to them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// `*` at the end matches any rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only these of the matching calls, counted from 1. All of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nth: Vec<u64>,
    /// At random, this part of the matching calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// What the dice of `probability` start from.
    #[serde(default)]
    pub seed: u64,
    pub effect: Effect,
}

impl Fault {
    /// A rule that hits every call of an action of a service.
    pub fn on(service: &str, action: &str, effect: Effect) -> Self {
        Self {
            service: Some(service.to_owned()),
            action: Some(action.to_owned()),
            account: None,
            nth: Vec::new(),
            probability: None,
            seed: 0,
            effect,
        }
    }

    /// The same rule for only the nth matching calls, counted from 1.
    pub fn nth(mut self, nth: &[u64]) -> Self {
        self.nth = nth.to_vec();
        self
    }

    fn matches(&self, subject: &Subject) -> bool {
        let is = |wanted: &Option<String>, given: &str| {
            wanted.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
                Some(start) => given.starts_with(start),
                None => given == wanted,
            })
        };
        is(&self.service, subject.service) && is(&self.action, &subject.action) && is(&self.account, &subject.account)
    }
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The service's own "too many requests".
    Throttle,
    /// Access denied, naming the action.
    Deny,
    /// The action's own "limit exceeded".
    Quota,
    /// Any other error answer, without doing anything.
    #[serde(deserialize_with = "refusal")]
    Refuse(Refusal),
    /// Done after a while.
    LatencyMs(u64),
    /// Done, but the connection drops before the answer.
    LostAnswer,
    /// The connection drops before anything is done.
    LostRequest,
    /// Neither done nor answered, until the caller gives up.
    Hang,
}

/// `{"status": 503, "code": "ServiceUnavailable", "message": "…"}`; all but the status may be left out.
fn refusal<'de, D: Deserializer<'de>>(input: D) -> Result<Refusal, D::Error> {
    #[derive(Deserialize)]
    struct Written {
        status: u16,
        #[serde(default = "unavailable")]
        code: String,
        #[serde(default)]
        message: String,
    }
    fn unavailable() -> String {
        "ServiceUnavailable".to_owned()
    }
    let written = Written::deserialize(input)?;
    Ok(Refusal { status: written.status, code: written.code, message: written.message })
}

/// The rules in force; the first that hits decides.
#[derive(Default)]
pub struct Faults(Mutex<Vec<Armed>>);

struct Armed {
    fault: Fault,
    seen: u64,
    dice: u64,
}

impl Faults {
    /// Replaces all rules; none to stop.
    pub fn set(&self, faults: Vec<Fault>) {
        *lock(&self.0) = faults.into_iter().map(|fault| Armed { seen: 0, dice: fault.seed, fault }).collect();
    }

    pub fn list(&self) -> Vec<Fault> {
        lock(&self.0).iter().map(|armed| armed.fault.clone()).collect()
    }

    pub(crate) fn strike(&self, subject: &Subject) -> Option<Effect> {
        let mut struck = None;
        for armed in lock(&self.0).iter_mut() {
            if !armed.fault.matches(subject) {
                continue;
            }
            armed.seen += 1;
            let due = armed.fault.nth.is_empty() || armed.fault.nth.contains(&armed.seen);
            let lucky = armed.fault.probability.is_none_or(|part| roll(&mut armed.dice) < part);
            if due && lucky && struck.is_none() {
                struck = Some(armed.fault.effect.clone());
            }
        }
        struck
    }
}

/// The next number of SplitMix64, in [0, 1).
fn roll(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(action: &str) -> Subject {
        Subject::new("111111111111", "eu-west-1", "ec2", action)
    }

    #[test]
    fn the_nth_matching_call_is_hit() {
        let faults = Faults::default();
        faults.set(vec![Fault::on("ec2", "Create*", Effect::Throttle).nth(&[2])]);
        let hits: Vec<bool> = ["CreateVpc", "DescribeVpcs", "CreateSubnet", "CreateVpc"]
            .iter()
            .map(|action| faults.strike(&subject(action)).is_some())
            .collect();
        assert_eq!(hits, [false, false, true, false]);
    }

    #[test]
    fn dice_are_fair_and_repeatable() {
        let run = || {
            let faults = Faults::default();
            faults.set(vec![Fault { probability: Some(0.25), seed: 7, ..Fault::on("ec2", "*", Effect::LostAnswer) }]);
            (0..1000).filter(|_| faults.strike(&subject("CreateVpc")).is_some()).count()
        };
        assert_eq!(run(), run());
        assert!((200..300).contains(&run()), "{}", run());
    }

    #[test]
    fn rules_are_read_from_json() {
        let text = r#"[{"service":"ec2","effect":"hang"},{"effect":{"latency_ms":5}},{"effect":{"refuse":{"status":500}}}]"#;
        let faults: Vec<Fault> = serde_json::from_str(text).expect("rules");
        let Effect::Refuse(refusal) = &faults[2].effect else { panic!("{faults:?}") };
        assert_eq!((refusal.status, refusal.code.as_str()), (500, "ServiceUnavailable"));
        assert!(serde_json::from_str::<Vec<Fault>>(r#"[{"efect":"hang"}]"#).is_err());
    }
}
