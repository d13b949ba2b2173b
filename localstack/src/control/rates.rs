//! Token buckets at the rates that AWS publishes; off unless asked for.
//!
//! Sources: "Request throttling for the Amazon EC2 API" (a bucket per action; the rates of non-mutating and mutating
//! actions, without the few actions that have their own), and the "Quotas" pages of Route 53 (five requests a second
//! and account) and of API Gateway (management API). Other services publish nothing that is served here.

use std::collections::HashMap;
use std::time::Instant;

use super::Subject;

/// How much a bucket holds, and how much flows in each second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    burst: f64,
    per_second: f64,
}

/// Who shares a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// Every action has its own.
    Action,
    /// All actions of the service draw from one.
    Service,
}

const fn rate(burst: f64, per_second: f64) -> Rate {
    Rate { burst, per_second }
}

fn limit(subject: &Subject) -> Option<(Share, Rate)> {
    let action = subject.action.as_str();
    Some(match subject.service {
        "ec2" if action.starts_with("Describe") || action.starts_with("Get") => (Share::Action, rate(100.0, 20.0)),
        "ec2" => (Share::Action, rate(50.0, 5.0)),
        "route53" => (Share::Service, rate(5.0, 5.0)),
        "apigateway" => (Share::Service, rate(40.0, 10.0)),
        _ => return None,
    })
}

#[derive(Default)]
pub struct Rates(HashMap<(String, String, String), (f64, Instant)>);

impl Rates {
    /// Takes a token; false when there is none.
    pub fn take(&mut self, subject: &Subject) -> bool {
        self.take_at(subject, Instant::now())
    }

    fn take_at(&mut self, subject: &Subject, now: Instant) -> bool {
        let Some((share, rate)) = limit(subject) else {
            return true;
        };
        let name = match share {
            Share::Action => format!("{}.{}", subject.service, subject.action),
            Share::Service => subject.service.to_owned(),
        };
        let key = (subject.account.clone(), subject.region.clone(), name);
        let (tokens, last) = self.0.entry(key).or_insert((rate.burst, now));
        let gained = now.saturating_duration_since(*last).as_secs_f64() * rate.per_second;
        *tokens = (*tokens + gained).min(rate.burst);
        *last = now;
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let subject = Subject::new("111111111111", "eu-west-1", "ec2", "CreateVpc");
        let mut rates = Rates::default();
        let start = Instant::now();
        let taken = (0..60).filter(|_| rates.take_at(&subject, start)).count();
        assert_eq!(taken, 50);
        let later = start + Duration::from_secs(2);
        let taken = (0..60).filter(|_| rates.take_at(&subject, later)).count();
        assert_eq!(taken, 10);
    }
}
