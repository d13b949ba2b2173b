//! The local cloud against raw calls: each check would pass on AWS and fails on an emulator that is too kind.

mod access;
mod client;
mod control;
mod coverage;
mod dynamodb;
mod ec2_groups;
mod ec2_network;
mod ec2_reads;
mod eks;
mod eks_access;
mod eks_addons;
mod eks_cluster;
mod eks_groups;
mod eks_plane;
mod iam;
mod keys;
mod kube;
mod logs;
mod route53;
mod s3;
mod tagging;

use client::Caller;
use localstack::{Cloud, REGION};

/// One cloud for all tests; each takes an account that no other changes the settings of.
async fn cloud() -> &'static Cloud {
    Cloud::shared().await.expect("the local cloud starts")
}

async fn caller(account: &str) -> Caller {
    Caller::new(cloud().await, account)
}

/// The account of all tests that need nothing special.
const ANYONE: &str = "111111111111";
