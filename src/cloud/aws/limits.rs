//! Token buckets per account, region, service and action: start at AWS's published rates, adapt to what AWS says.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::Call;

/// Whose bucket a call draws from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub account: String,
    pub region: String,
    pub service: String,
    /// Empty where the service limits all its actions together.
    pub action: String,
}

/// A burst, and what flows in each second after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub burst: f64,
    pub per_second: f64,
}

const fn rate(burst: f64, per_second: f64) -> Rate {
    Rate { burst, per_second }
}

/// What AWS publishes, and whether the service counts each action apart.
///
/// - EC2: "Request throttling for the Amazon EC2 API" in the EC2 developer guide: each action apart, 100 tokens and 20 a
///   second for reads that are filtered or paged, 50 and 5 for mutations.
/// - Route 53: "Quotas" in its developer guide: five requests a second for the whole account.
/// - CloudWatch Logs: "CloudWatch Logs quotas" in its user guide: ten a second for each call about log groups.
/// - Systems Manager: "AWS Systems Manager endpoints and quotas" in the General Reference: 40 a second for `GetParameter`.
/// - EKS: "View and manage Amazon EKS and Fargate service quotas" in its user guide has no rate of its API.
/// - IAM: "IAM and AWS STS quotas" in its user guide has none; AWS says only that there is one for each account that cannot be
///   raised (Knowledge Center, "API throttling or Rate exceeded errors for IAM and AWS STS").
/// - ECR: "Amazon ECR service quotas" in its user guide lists rates of pushing and pulling alone; "Troubleshooting Amazon ECR
///   error messages" there says that every operation has a bucket, without the figures of those that are used here.
/// - DynamoDB, KMS, S3, STS publish no rate of their control calls that this tool could reach, or one far above it.
///
/// Where nothing is published, the figures are what is known to pass, and adapt.
pub fn published(call: &Call) -> (Rate, bool) {
    match (call.service.as_str(), call.is_read()) {
        ("ec2", true) => (rate(100.0, 20.0), true),
        ("ec2", false) => (rate(50.0, 5.0), true),
        ("route53", _) => (rate(5.0, 5.0), false),
        ("eks", _) => (rate(10.0, 5.0), false),
        ("dynamodb" | "kms" | "ecr" | "tag" | "sts", _) => (rate(20.0, 10.0), true),
        ("logs", _) => (rate(10.0, 10.0), true),
        ("ssm", _) => (rate(40.0, 40.0), true),
        ("s3", _) => (rate(100.0, 50.0), true),
        _ => (rate(10.0, 5.0), true),
    }
}

/// All buckets of a process.
#[derive(Debug)]
pub struct Limits {
    enabled: bool,
    buckets: Mutex<HashMap<Scope, Bucket>>,
}

impl Limits {
    pub fn published() -> Self {
        Self { enabled: true, buckets: Mutex::default() }
    }

    /// Waits for nothing: for measuring, and for clouds that do not throttle.
    pub fn off() -> Self {
        Self { enabled: false, buckets: Mutex::default() }
    }

    /// Returns when the call may be sent.
    pub async fn wait(&self, account: &str, region: &str, call: &Call) {
        if !self.enabled {
            return;
        }
        let pause = self.with_bucket(account, region, call, |bucket| bucket.take(Instant::now()));
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// AWS refused the call as one too many.
    pub fn slow_down(&self, account: &str, region: &str, call: &Call) {
        if self.enabled {
            self.with_bucket(account, region, call, |bucket| bucket.slow_down(Instant::now()));
        }
    }

    /// AWS took the call.
    pub fn speed_up(&self, account: &str, region: &str, call: &Call) {
        if self.enabled {
            self.with_bucket(account, region, call, |bucket| bucket.speed_up(Instant::now()));
        }
    }

    fn with_bucket<T>(&self, account: &str, region: &str, call: &Call, with: impl FnOnce(&mut Bucket) -> T) -> T {
        let (rate, apart) = published(call);
        let action = if apart { call.action.clone() } else { String::new() };
        let scope = Scope { account: account.into(), region: region.into(), service: call.service.clone(), action };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        with(buckets.entry(scope).or_insert_with(|| Bucket::full(rate, Instant::now())))
    }
}

/// Never slower than this part of the published rate.
const SLOWEST: f64 = 1.0 / 16.0;
/// How much of the published rate comes back with each call that passes.
const RECOVERY: f64 = 1.0 / 64.0;

/// May go below nothing: callers that must wait queue up by the time that they are told.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Part of the published rate that is in force.
    factor: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { rate, factor: 1.0, tokens: rate.burst, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate.per_second * self.factor).min(self.rate.burst);
        self.at = now;
    }

    fn take(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / (self.rate.per_second * self.factor))
    }

    fn slow_down(&mut self, now: Instant) {
        self.refill(now);
        self.factor = (self.factor / 2.0).max(SLOWEST);
        self.tokens = self.tokens.min(0.0);
    }

    fn speed_up(&mut self, now: Instant) {
        self.refill(now);
        self.factor = (self.factor + RECOVERY).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(service: &str, action: &str) -> Call {
        Call { service: service.into(), action: action.into() }
    }

    async fn time_of(limits: &Limits, call: &Call, count: usize) -> f64 {
        let start = Instant::now();
        for _ in 0..count {
            limits.wait("1", "eu-west-1", call).await;
        }
        start.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate_holds() {
        let limits = Limits::published();
        assert_eq!(time_of(&limits, &call("ec2", "CreateSubnet"), 50).await, 0.0);
        assert!((time_of(&limits, &call("ec2", "CreateSubnet"), 10).await - 2.0).abs() < 0.1);
        assert_eq!(time_of(&limits, &call("ec2", "CreateVpc"), 50).await, 0.0, "each action has its own bucket");
    }

    #[tokio::test(start_paused = true)]
    async fn route_53_counts_all_actions_together() {
        let limits = Limits::published();
        time_of(&limits, &call("route53", "ListHostedZones"), 5).await;
        assert!(time_of(&limits, &call("route53", "GetHostedZone"), 1).await > 0.1);
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_halves_the_rate_and_success_brings_it_back() {
        let (limits, create) = (Limits::published(), call("ec2", "CreateSubnet"));
        limits.slow_down("1", "eu-west-1", &create);
        assert!((time_of(&limits, &create, 5).await - 2.0).abs() < 0.1);
        for _ in 0..32 {
            limits.speed_up("1", "eu-west-1", &create);
        }
        assert!((time_of(&limits, &create, 5).await - 1.0).abs() < 0.1);
    }

    #[tokio::test(start_paused = true)]
    async fn switched_off_it_never_waits() {
        assert_eq!(time_of(&Limits::off(), &call("ec2", "CreateSubnet"), 1000).await, 0.0);
    }
}
