//! Trying again, for calls that are safe to send twice: reads, and writes under a condition that the first one voids.

use std::time::Duration;

use crate::remote::{Class, Fault};

const TRIES_MAX: u32 = 9;
/// An endpoint that cannot be reached is rather wrong than busy.
const UNREACHABLE_TRIES_MAX: u32 = 3;
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The pauses between tries: doubling, each a random part of itself so that runs do not march in step.
#[derive(Default)]
pub struct Tries {
    failed: u32,
}

impl Tries {
    /// Waits before the next try; gives the fault back when trying again cannot help, or has not helped.
    pub async fn again(&mut self, fault: Fault) -> Result<(), Fault> {
        self.failed += 1;
        let tries_max = match fault.class {
            Class::Busy | Class::Unknown | Class::Settling => TRIES_MAX,
            Class::Unreachable => UNREACHABLE_TRIES_MAX,
            _ if is_conflict(&fault) => TRIES_MAX,
            _ => 0,
        };
        if self.failed >= tries_max {
            return Err(fault);
        }
        tokio::time::sleep(self.pause()).await;
        Ok(())
    }

    fn pause(&self) -> Duration {
        let whole = (PAUSE_FIRST * 2_u32.pow(self.failed.min(10))).min(PAUSE_MAX);
        let mut dice = [0];
        // Without chance the pause is only less random.
        let _ = getrandom::fill(&mut dice);
        whole.mul_f64(0.5 + f64::from(dice[0]) / 512.0)
    }
}

/// Two writers met; one of them has to come again.
fn is_conflict(fault: &Fault) -> bool {
    const CODES: &[&str] = &[
        "ConditionalRequestConflict",
        "OperationAborted",
        "ReplicatedWriteConflictException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    ];
    fault.code.as_deref().is_some_and(|it| CODES.contains(&it))
}

/// Repeats a call until it is answered.
pub async fn answered<T, F: Future<Output = Result<T, Fault>>>(mut call: impl FnMut() -> F) -> Result<T, Fault> {
    let mut tries = Tries::default();
    loop {
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(fault) => tries.again(fault).await?,
        }
    }
}

pub fn has_code(fault: &Fault, code: &str) -> bool {
    fault.code.as_deref() == Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_what_cannot_is_not() {
        let count = async |class: Class, code: Option<&str>| {
            let mut calls = 0;
            let result: Result<(), _> = answered(|| {
                calls += 1;
                let code = code.map(str::to_owned);
                std::future::ready(Err(Fault { code, ..Fault::new(class, "dynamodb:PutItem", "no") }))
            })
            .await;
            assert!(result.is_err());
            calls
        };
        assert_eq!(count(Class::Busy, None).await, 9);
        assert_eq!(count(Class::Unknown, None).await, 9);
        assert_eq!(count(Class::Unreachable, None).await, 3);
        assert_eq!(count(Class::Denied, None).await, 1);
        assert_eq!(count(Class::Refused, Some("ConditionalCheckFailedException")).await, 1);
        assert_eq!(count(Class::Refused, Some("TransactionInProgressException")).await, 9);
    }
}
