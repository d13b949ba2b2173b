//! Tokens of EKS clusters: a presigned `GetCallerIdentity` in base64, good for 15 minutes.
//!
//! Source: aws-iam-authenticator, `pkg/token`: prefix, parameters that are allowed, hosts, and the header that binds a token to
//! one cluster.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Request;
use hyper::http::request::Parts;

use crate::form::Form;
use crate::gateway::{Local, Protocol};
use crate::sigv4::Claim;

const PREFIX: &str = "k8s-aws-v1.";

/// The header that names the cluster. It is signed, and not sent along.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// Seconds that a token is good for, whatever it says itself.
const LIFETIME: i64 = 15 * 60;

/// What a token's address may say, in small letters.
const ALLOWED: [&str; 9] = [
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

/// Who signed.
#[derive(Debug, PartialEq, Eq)]
pub struct Signer {
    pub account: String,
    pub access_key: String,
}

/// The signer of a token for `cluster`, or what is wrong with it.
pub fn signer(local: &Local, cluster: &str, token: &str) -> Result<Signer, String> {
    let encoded = token.strip_prefix(PREFIX).ok_or("token is missing expected \"k8s-aws-v1.\" prefix")?;
    let decoded = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|failure| failure.to_string())?;
    let address = String::from_utf8(decoded).map_err(|failure| failure.to_string())?;
    let parts = request(cluster, &address)?;
    let query = Form::parse(parts.uri.query().unwrap_or_default());
    check_query(&query, now())?;
    let claim = Claim::of(&parts).ok_or("the address is not presigned")?;
    if claim.service != "sts" {
        return Err(format!("signed for {} and not for sts", claim.service));
    }
    if !query.get("X-Amz-SignedHeaders").unwrap_or_default().split(';').any(|name| name == CLUSTER_HEADER) {
        return Err(format!("{CLUSTER_HEADER} is not signed"));
    }
    let account = local.keys.account(&claim, &parts, None, Protocol::Query).map_err(|refusal| refusal.message)?;
    Ok(Signer { account, access_key: claim.access_key })
}

/// The request that was signed.
fn request(cluster: &str, address: &str) -> Result<Parts, String> {
    let uri: hyper::Uri = address.parse().map_err(|_| "the token holds no address".to_owned())?;
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let name = uri.host().unwrap_or_default();
    let is_sts = name.starts_with("sts.") && (name.ends_with(".amazonaws.com") || name.ends_with(".api.aws"));
    // The local cloud is its own STS.
    if !is_sts && !matches!(name, "127.0.0.1" | "localhost") {
        return Err(format!("unexpected hostname {name:?} in pre-signed URL"));
    }
    if uri.path() != "/" {
        return Err("unexpected path in pre-signed URL".to_owned());
    }
    let request = Request::get(uri).header("host", host).header(CLUSTER_HEADER, cluster).body(());
    Ok(request.map_err(|failure| failure.to_string())?.into_parts().0)
}

fn check_query(query: &Form, now: i64) -> Result<(), String> {
    if let Some(name) = query.names().find(|name| !ALLOWED.contains(&name.to_ascii_lowercase().as_str())) {
        return Err(format!("non-allowed query parameter {name:?}"));
    }
    if query.get("Action") != Some("GetCallerIdentity") {
        return Err("unexpected action parameter in pre-signed URL".to_owned());
    }
    let signed_at = query.get("X-Amz-Date").and_then(seconds).ok_or("X-Amz-Date parameter must be present")?;
    if now - signed_at > LIFETIME || signed_at - now > LIFETIME {
        return Err(format!("X-Amz-Date parameter is expired ({LIFETIME} seconds)"));
    }
    Ok(())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Seconds since 1970 of `20260131T120000Z`.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z')?.replace('T', "");
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    // Howard Hinnant's days_from_civil: years begin in March, so that a leap day comes last.
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_expire_and_say_nothing_else() {
        assert_eq!(seconds("19700101T000000Z"), Some(0));
        assert_eq!(seconds("20240229T120000Z"), Some(1_709_208_000));
        let query = |more: &str| Form::parse(&format!("Action=GetCallerIdentity&X-Amz-Date=20240229T120000Z{more}"));
        assert!(check_query(&query(""), 1_709_208_000 + LIFETIME).is_ok());
        assert!(check_query(&query(""), 1_709_208_001 + LIFETIME).is_err());
        assert!(check_query(&query("&RoleArn=x"), 1_709_208_000).is_err());
    }

    #[test]
    fn a_token_is_for_sts() {
        assert!(request("dev", "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity").is_ok());
        assert!(request("dev", "https://sts.example.com/?Action=GetCallerIdentity").is_err());
    }
}
