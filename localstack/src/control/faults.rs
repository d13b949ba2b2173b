//! Faults on request.

use std::sync::Mutex;

use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::watch;

use super::Subject;
use crate::dice::Dice;
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
    /// A rule that hits every call.
    pub fn on_any(effect: Effect) -> Self {
        Self { service: None, action: None, account: None, nth: Vec::new(), probability: None, seed: 0, effect }
    }

    /// A rule that hits every call of an action of a service.
    pub fn on(service: &str, action: &str, effect: Effect) -> Self {
        Self { service: Some(service.to_owned()), action: Some(action.to_owned()), ..Self::on_any(effect) }
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
    /// Refused with an answer that quotes the whole call, as services quote the values that they do not like.
    Quote,
    /// Done after a while.
    LatencyMs(u64),
    /// Done, but the connection drops before the answer.
    LostAnswer,
    /// The connection drops before anything is done.
    LostRequest,
    /// Neither done nor answered, until the caller gives up.
    Hang,
    /// Done, and never answered.
    Unanswered,
    /// Held on its way until the rule is taken away, and done only then, whoever still waits for the answer.
    Detain,
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
    hits: u64,
    dice: Dice,
    in_force: watch::Sender<()>,
}

impl Armed {
    fn new(fault: Fault) -> Self {
        Self { seen: 0, hits: 0, dice: Dice::new(fault.seed), in_force: watch::Sender::new(()), fault }
    }
}

/// A call was hit by a rule.
pub(crate) struct Hit {
    pub effect: Effect,
    in_force: watch::Receiver<()>,
}

impl Hit {
    /// Comes back when the rule is taken away.
    pub async fn until_lifted(mut self) {
        while self.in_force.changed().await.is_ok() {}
    }
}

impl Faults {
    /// Replaces all rules; none to stop.
    pub fn set(&self, faults: Vec<Fault>) {
        *lock(&self.0) = faults.into_iter().map(Armed::new).collect();
    }

    /// Replaces the rules that hit one account alone.
    pub fn set_account(&self, account: &str, faults: Vec<Fault>) {
        let own = |it: &Armed| it.fault.account.as_deref() == Some(account);
        let mut rules = lock(&self.0);
        rules.retain(|it| !own(it));
        rules.extend(faults.into_iter().map(|fault| Armed::new(Fault { account: Some(account.to_owned()), ..fault })));
    }

    /// How many calls were hit by the rules that hit this account alone.
    pub fn hits(&self, account: &str) -> u64 {
        let rules = lock(&self.0);
        rules.iter().filter(|it| it.fault.account.as_deref() == Some(account)).map(|it| it.hits).sum()
    }

    pub fn list(&self) -> Vec<Fault> {
        lock(&self.0).iter().map(|armed| armed.fault.clone()).collect()
    }

    pub(crate) fn strike(&self, subject: &Subject) -> Option<Hit> {
        let mut struck = None;
        for armed in lock(&self.0).iter_mut() {
            if !armed.fault.matches(subject) {
                continue;
            }
            armed.seen += 1;
            let due = armed.fault.nth.is_empty() || armed.fault.nth.contains(&armed.seen);
            let lucky = armed.fault.probability.is_none_or(|part| armed.dice.part() < part);
            if due && lucky && struck.is_none() {
                armed.hits += 1;
                struck = Some(Hit { effect: armed.fault.effect.clone(), in_force: armed.in_force.subscribe() });
            }
        }
        struck
    }
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

    #[tokio::test]
    async fn an_accounts_rules_are_its_own() {
        let faults = Faults::default();
        let account = "111111111111";
        faults.set(vec![Fault::on("ec2", "*", Effect::Throttle)]);
        faults.set_account(account, vec![Fault::on_any(Effect::Detain).nth(&[1])]);
        assert_eq!(faults.strike(&subject("CreateVpc")).map(|it| it.effect), Some(Effect::Throttle));
        faults.set(Vec::new());
        faults.set_account(account, vec![Fault::on_any(Effect::Detain).nth(&[2])]);
        assert!(faults.strike(&subject("CreateVpc")).is_none());
        let hit = faults.strike(&subject("CreateSubnet")).expect("the second call");
        assert_eq!((faults.hits(account), faults.hits("222222222222")), (1, 0));
        let lifted = tokio::spawn(hit.until_lifted());
        tokio::task::yield_now().await;
        assert!(!lifted.is_finished());
        faults.set_account(account, Vec::new());
        lifted.await.expect("lifted with its rule");
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
