//! The bearer tokens of EKS: a presigned `sts:GetCallerIdentity` whose signature covers the name of the cluster.
//!
//! Source: "API Authorization from Outside a Cluster", AWS IAM Authenticator for Kubernetes; `aws eks get-token`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::http::request::Parts;
use hyper::{Method, Request, Uri};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::sigv4::{Claim, Signer};

const PREFIX: &str = "k8s-aws-v1.";
const CLUSTER: &str = "x-k8s-aws-id";

/// A token is good for so many seconds after it was signed, whatever `X-Amz-Expires` says.
const LIFETIME: i64 = 15 * 60;

/// How many seconds a caller's clock may be ahead.
const SKEW: i64 = 5 * 60;

/// The parameters that a token's URL may have, in lower case.
const PARAMETERS: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The form of times in signatures.
const FORM: &str = "%Y%m%dT%H%M%SZ";

/// Why a token is not taken: EKS answers 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    #[error("it does not start with {PREFIX}")]
    Prefix,
    #[error("it is no presigned URL in base64")]
    Encoding,
    #[error("its URL leads elsewhere than to sts:GetCallerIdentity")]
    Elsewhere,
    #[error("its signature does not cover {CLUSTER}")]
    Uncovered,
    #[error("it asks to be good for longer than 15 minutes")]
    Lasting,
    #[error("it has expired, or is from the future")]
    Expired,
    #[error("nobody has its access key")]
    UnknownKey,
    #[error("its signature is wrong: tampered with, signed with another secret, or made for another cluster")]
    Signature,
}

/// What to hold a token against.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The name of the cluster that it must be made for.
    pub cluster: &'a str,
    /// Where STS answers beside AWS's own addresses: `127.0.0.1:4566`.
    pub sts: &'a str,
    pub now: Timestamp,
}

impl Check<'_> {
    /// The signer of `token`, if it is good. `secret` looks up the secret of an access key.
    pub fn claim(&self, token: &str, secret: impl Fn(&Claim) -> Option<String>) -> Result<Claim, BadToken> {
        let encoded = token.strip_prefix(PREFIX).ok_or(BadToken::Prefix)?;
        let url = BASE64_URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|_| BadToken::Encoding)?;
        let url: Uri = String::from_utf8(url).ok().and_then(|url| url.parse().ok()).ok_or(BadToken::Encoding)?;
        let parts = self.request(url)?;
        let claim = Claim::of(&parts).ok_or(BadToken::Encoding)?;
        if !claim.covers(CLUSTER) || !claim.covers("host") {
            return Err(BadToken::Uncovered);
        }
        if claim.service != "sts" {
            return Err(BadToken::Elsewhere);
        }
        let age = self.now.as_second() - time(claim.signed_at()).ok_or(BadToken::Encoding)?.as_second();
        if !(-SKEW..LIFETIME).contains(&age) {
            return Err(BadToken::Expired);
        }
        let secret = secret(&claim).ok_or(BadToken::UnknownKey)?;
        if claim.is_signed_with(&secret, &parts, None) { Ok(claim) } else { Err(BadToken::Signature) }
    }

    /// The request that the URL was signed for, if it is one that a token may hold.
    fn request(&self, url: Uri) -> Result<Parts, BadToken> {
        let host = url.authority().map(|authority| authority.as_str().to_owned()).ok_or(BadToken::Encoding)?;
        if url.path() != "/" || !self.is_sts(&host, url.scheme_str()) {
            return Err(BadToken::Elsewhere);
        }
        let mut seen = Vec::new();
        for pair in url.query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
            let is_right = match name.as_str() {
                "action" => value == "GetCallerIdentity",
                "x-amz-expires" if value.parse().is_ok_and(|seconds: i64| (0..=LIFETIME).contains(&seconds)) => true,
                "x-amz-expires" => return Err(BadToken::Lasting),
                name => PARAMETERS.contains(&name),
            };
            if !is_right || seen.contains(&name) {
                return Err(BadToken::Elsewhere);
            }
            seen.push(name);
        }
        if !seen.iter().any(|name| name == "action") {
            return Err(BadToken::Elsewhere);
        }
        let request = Request::builder().method(Method::GET).uri(url).header("host", host).header(CLUSTER, self.cluster);
        request.body(()).map(|request| request.into_parts().0).map_err(|_| BadToken::Encoding)
    }

    fn is_sts(&self, host: &str, scheme: Option<&str>) -> bool {
        let is_aws = host == "sts.amazonaws.com" || (host.starts_with("sts.") && host.ends_with(".amazonaws.com"));
        host == self.sts || (is_aws && scheme == Some("https"))
    }
}

/// Makes a token, as clients do. `sts` is the address of STS (`https://sts.eu-west-1.amazonaws.com`).
pub fn mint(signer: &Signer<'_>, sts: &str, cluster: &str, at: Timestamp) -> Option<String> {
    let url = format!("{sts}/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60");
    let host = sts.split_once("://")?.1;
    let request = Request::builder().uri(url).header("host", host).header(CLUSTER, cluster).body(()).ok()?;
    let (mut parts, ()) = request.into_parts();
    signer.presign(&mut parts, &at.strftime(FORM).to_string())?;
    Some(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(parts.uri.to_string())))
}

/// Whom a good token stands for in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
}

/// The token in a `TokenReview` that kube-apiserver asks with.
pub fn asked(review: &Value) -> Option<&str> {
    review["spec"]["token"].as_str()
}

/// The answer to a `TokenReview` (`authentication.k8s.io/v1`): the user, or why there is none.
pub fn review(outcome: Result<User, String>) -> Value {
    let status = match outcome {
        Ok(user) => {
            let user = json!({"username": user.name, "uid": user.uid, "groups": user.groups});
            json!({"authenticated": true, "user": user})
        }
        Err(why) => json!({"authenticated": false, "error": why}),
    };
    json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status})
}

fn time(signed_at: &str) -> Option<Timestamp> {
    let time = DateTime::strptime(FORM, signed_at).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: i64 = 1_769_860_800;
    const STS: &str = "https://sts.eu-west-1.amazonaws.com";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn signer<'a>() -> Signer<'a> {
        Signer { access_key: "111111111111", secret: "test", session_token: None, region: "eu-west-1", service: "sts" }
    }

    fn minted(sts: &str) -> String {
        mint(&signer(), sts, "dev", at(SIGNED)).expect("a token")
    }

    fn check(token: &str, cluster: &str, now: i64) -> Result<String, BadToken> {
        let check = Check { cluster, sts: "127.0.0.1:4566", now: at(now) };
        let secret = |claim: &Claim| (claim.access_key == "111111111111").then(|| "test".to_owned());
        check.claim(token, secret).map(|claim| claim.access_key)
    }

    fn changed(token: &str, from: &str, to: &str) -> String {
        let encoded = token.strip_prefix(PREFIX).expect("prefix");
        let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).expect("base64")).expect("UTF-8");
        assert!(url.contains(from), "{url}");
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(url.replace(from, to)))
    }

    #[test]
    fn a_good_token_names_its_signer_for_15_minutes() {
        for sts in [STS, "https://sts.amazonaws.com", "http://127.0.0.1:4566"] {
            let token = minted(sts);
            assert_eq!(check(&token, "dev", SIGNED).as_deref(), Ok("111111111111"), "{sts}");
            assert!(check(&token, "dev", SIGNED + LIFETIME - 1).is_ok());
            assert_eq!(check(&token, "dev", SIGNED + LIFETIME), Err(BadToken::Expired));
            assert_eq!(check(&token, "dev", SIGNED - SKEW - 1), Err(BadToken::Expired));
        }
    }

    #[test]
    fn a_token_is_for_one_cluster_and_cannot_be_changed() {
        let token = minted(STS);
        assert_eq!(check(&token, "prod", SIGNED), Err(BadToken::Signature));
        let later = changed(&token, "X-Amz-Expires=60", "X-Amz-Expires=600");
        assert_eq!(check(&later, "dev", SIGNED), Err(BadToken::Signature));
        let longer = changed(&token, "X-Amz-Expires=60", "X-Amz-Expires=6000");
        assert_eq!(check(&longer, "dev", SIGNED), Err(BadToken::Lasting));
        let somebody = changed(&token, "111111111111", "222222222222");
        assert_eq!(check(&somebody, "dev", SIGNED), Err(BadToken::UnknownKey));
        let uncovered = changed(&token, "x-k8s-aws-id", "x-other");
        assert_eq!(check(&uncovered, "dev", SIGNED), Err(BadToken::Uncovered));
    }

    #[test]
    fn a_token_leads_nowhere_but_to_sts() {
        let token = minted(STS);
        for (from, to) in [
            ("sts.eu-west-1.amazonaws.com", "sts.example.com"),
            ("https://", "http://"),
            ("GetCallerIdentity", "GetSessionToken"),
            ("Version=2011-06-15", "Version=2011-06-15&Action=GetCallerIdentity"),
            ("amazonaws.com/?", "amazonaws.com/other?"),
            ("Version=", "Other="),
        ] {
            assert_eq!(check(&changed(&token, from, to), "dev", SIGNED), Err(BadToken::Elsewhere), "{to}");
        }
        assert_eq!(check("e30.e30.e30", "dev", SIGNED), Err(BadToken::Prefix));
        assert_eq!(check("k8s-aws-v1.%%%", "dev", SIGNED), Err(BadToken::Encoding));
    }

    #[test]
    fn an_answer_is_a_token_review() {
        let user =
            User { name: "arn:aws:iam::111111111111:role/admin".to_owned(), uid: "1".to_owned(), groups: vec!["g".to_owned()] };
        let answer = review(Ok(user));
        assert_eq!(answer["status"]["user"]["groups"], json!(["g"]));
        assert_eq!(answer["status"]["authenticated"], true);
        assert_eq!(review(Err("no".to_owned()))["status"]["authenticated"], false);
    }
}
