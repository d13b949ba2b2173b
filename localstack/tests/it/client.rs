//! The raw client as tests use it: a call that gets no answer, and an answer that is not the expected one, fail the test.

use std::ops::{Deref, DerefMut};

use localstack::Cloud;
pub use localstack::client::Answer;
use serde_json::Value;

#[derive(Clone)]
pub struct Caller(localstack::client::Caller);

impl Caller {
    pub fn new(cloud: &Cloud, account: &str) -> Self {
        Self(localstack::client::Caller::new(cloud, account))
    }

    pub async fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.0.query(service, action, parameters).await.expect("an answer")
    }

    pub async fn ec2(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.0.ec2(action, parameters).await.expect("an answer")
    }

    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Answer {
        self.0.json(service, target, body).await.expect("an answer")
    }

    pub async fn rest(&self, service: &str, method: &str, path: &str, body: &str) -> Answer {
        self.0.rest(service, method, path, body).await.expect("an answer")
    }

    pub async fn local(&self, method: &str, path: &str, body: &str) -> Answer {
        self.0.local(method, path, body).await.expect("an answer")
    }
}

impl Deref for Caller {
    type Target = localstack::client::Caller;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Caller {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// What an answer must be.
pub trait Expect {
    fn ok(self) -> Self;
    fn refused(self, code: &str) -> Self;
}

impl Expect for Answer {
    #[track_caller]
    fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self:?}");
        self
    }

    #[track_caller]
    fn refused(self, code: &str) -> Self {
        assert_eq!(self.code(), code, "{self:?}");
        self
    }
}
