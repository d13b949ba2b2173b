//! `infra eks-token NAME`: who we are, as an EKS cluster takes it. What `infra kubeconfig` makes kubectl call.
//!
//! Source: "client-go credential plugins" in the Kubernetes documentation: the `ExecCredential` of
//! `client.authentication.k8s.io/v1`.

use serde_json::{Value as Json, json};

use super::args::Format;
use super::call::Call;
use super::exit::{Ended, Exit};
use crate::cloud::aws::limits::Limits;
use crate::cloud::aws::{AssumeRole, Aws, Fence, Settings, Wire};
use crate::cloud::kube::Token;
use crate::report::fault;

/// What the credential is read as.
pub const API_VERSION: &str = "client.authentication.k8s.io/v1";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The cluster's name
    pub cluster: String,
    /// The cluster's region
    #[arg(long)]
    pub region: String,
    /// The profile to sign with, in place of what the environment says
    #[arg(long)]
    pub profile: Option<String>,
    /// The role to assume before
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role_arn")]
    pub external_id: Option<String>,
}

impl Args {
    /// The command line that comes to this, without the program's name.
    pub fn line(&self) -> Vec<&str> {
        let options = [("--profile", &self.profile), ("--role-arn", &self.role_arn), ("--external-id", &self.external_id)];
        let options = options.into_iter().filter_map(|(name, it)| Some([name, it.as_deref()?]));
        ["eks-token", &self.cluster, "--region", &self.region].into_iter().chain(options.flatten()).collect()
    }
}

pub async fn run(call: &Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let assume_role = args.role_arn.map(|role_arn| AssumeRole { role_arn, external_id: args.external_id, session_name: None });
    let settings = Settings { region: args.region.clone(), profile: args.profile, assume_role, ..Settings::default() };
    let aws = Aws::connect(&settings, &Wire::new(Limits::off(), Fence::shut())).await;
    let signed = async { aws.signer()?.eks_token(&args.cluster, &args.region).await };
    let token = signed.await.map_err(|it| fault::of_cloud(&it))?;
    call.print_json(&credential(&token));
    Ok(Exit::Done)
}

fn credential(token: &Token) -> Json {
    let end = jiff::Timestamp::try_from(token.ends_at()).map(|it| it.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    json!({
        "apiVersion": API_VERSION,
        "kind": "ExecCredential",
        "spec": { "interactive": false },
        // One whose end cannot be told is used once.
        "status": { "expirationTimestamp": end.ok(), "token": token.text },
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_credential_says_when_to_ask_again() {
        let signed_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_572_708_900);
        let it = credential(&Token { text: "k8s-aws-v1.x".into(), signed_at });
        assert_eq!(it["status"], json!({ "expirationTimestamp": "2026-11-25T02:25:48Z", "token": "k8s-aws-v1.x" }));
    }

    #[test]
    fn a_line_says_only_what_is_asked_for() {
        let text = |it: &str| Some(it.to_owned());
        let plain = Args { cluster: "dev".into(), region: "eu-west-1".into(), profile: None, role_arn: None, external_id: None };
        assert_eq!(plain.line(), ["eks-token", "dev", "--region", "eu-west-1"]);
        let more = Args { profile: text("ops"), role_arn: text("arn"), ..plain };
        assert_eq!(more.line()[4..], ["--profile", "ops", "--role-arn", "arn"]);
    }
}
