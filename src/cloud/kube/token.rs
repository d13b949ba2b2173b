//! Tokens of EKS clusters: a presigned `sts:GetCallerIdentity`, which the cluster sends to STS to learn who calls.
//!
//! Source: `kubernetes-sigs/aws-iam-authenticator`, `pkg/token`: the prefix, the signed header that binds a token to one cluster,
//! and that a token is taken for 15 minutes after it was signed, whatever `X-Amz-Expires` says.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::cloud::aws::Signer;
use crate::remote::Fault;

const CALL: &str = "sts:GetCallerIdentity";
/// Seconds; the one value that the authenticator takes.
const EXPIRES: Duration = Duration::from_secs(60);
/// A minute less than the cluster takes it for, as `aws eks get-token` says too.
const GOOD_FOR: Duration = Duration::from_secs(14 * 60);
/// A token is used for so long and then signed anew.
const REFRESHED_AFTER: Duration = Duration::from_secs(10 * 60);

/// Who we are, for one cluster. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// `k8s-aws-v1.…`
    pub text: String,
    pub signed_at: SystemTime,
}

impl Token {
    pub fn ends_at(&self) -> SystemTime {
        self.signed_at + GOOD_FOR
    }

    /// Whether it is to be signed anew before the next call.
    pub fn is_old(&self, now: SystemTime) -> bool {
        now.duration_since(self.signed_at).map_or(true, |age| age >= REFRESHED_AFTER)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Signer {
    /// A token for the cluster of this name. Sends nothing but what credentials need.
    pub async fn eks_token(&self, cluster: &str, region: &str) -> Result<Token, Fault> {
        let (credentials, now) = (self.credentials().await?, SystemTime::now());
        let endpoint = self.sts.clone().unwrap_or_else(|| regional(region));
        let text = presigned(&credentials, &endpoint, cluster, region, now).map_err(|it| Fault::bug(CALL, it))?;
        Ok(Token { text, signed_at: now })
    }
}

/// STS of one region; its name's end says the partition.
fn regional(region: &str) -> String {
    let end = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://sts.{region}.{end}/")
}

fn presigned(credentials: &Credentials, endpoint: &str, cluster: &str, region: &str, now: SystemTime) -> Result<String, String> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.clone().into();
    let signing = v4::SigningParams::builder().identity(&identity).region(region).name("sts").time(now).settings(settings);
    let signing = signing.build().map_err(|it| it.to_string())?.into();
    let url = format!("{}/?Action=GetCallerIdentity&Version=2011-06-15", endpoint.trim_end_matches('/'));
    let headers = [("x-k8s-aws-id", cluster)];
    let request = SignableRequest::new("GET", &url, headers.into_iter(), SignableBody::Bytes(&[]));
    let signed = sign(request.map_err(|it| it.to_string())?, &signing).map_err(|it| it.to_string())?;
    let mut request = http::Request::get(&url).body(()).map_err(|it| it.to_string())?;
    signed.into_parts().0.apply_to_request_http1x(&mut request);
    Ok(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(request.uri().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_presigned_url_bound_to_its_cluster() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session/+".into()), None, "test");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let token = presigned(&credentials, &regional("eu-west-1"), "dev", "eu-west-1", now).unwrap();
        let url = URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.").unwrap()).unwrap();
        let url = String::from_utf8(url).unwrap();
        for part in [
            "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Date=20260101T000000Z",
            "X-Amz-Security-Token=session%2F%2B",
            "X-Amz-Signature=",
        ] {
            assert!(url.contains(part), "{part} in {url}");
        }
        assert!(!url.contains("secret"));
        assert_ne!(token, presigned(&credentials, &regional("eu-west-1"), "prod", "eu-west-1", now).unwrap());
    }

    #[test]
    fn a_token_is_renewed_well_before_it_ends() {
        let token = Token { text: String::new(), signed_at: SystemTime::UNIX_EPOCH };
        let after = |minutes: u64| token.is_old(SystemTime::UNIX_EPOCH + Duration::from_secs(minutes * 60));
        assert!(!after(9) && after(10));
        assert_eq!(regional("cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn/");
    }
}
