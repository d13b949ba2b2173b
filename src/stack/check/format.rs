//! Texts that have a form of their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Source: IAM user guide, "IAM and AWS STS quotas"; white space does not count.
const MANAGED_POLICY: usize = 6_144;

#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub code: &'static str,
    /// Completes a sentence that begins with the text.
    pub message: String,
    pub did_you_mean: Option<String>,
}

/// Whether the text has the form of that name. Forms that are not listed are anything.
pub fn check(format: &str, text: &str) -> Result<(), Wrong> {
    match format {
        "cidr" => match text.parse::<Ipv4Net>() {
            Ok(net) => canonical(net.into()),
            Err(_) => wrong("bad-cidr", "is not an IPv4 range like 10.0.0.0/16"),
        },
        "cidr6" => match text.parse::<Ipv6Net>() {
            Ok(net) => canonical(net.into()),
            Err(_) => wrong("bad-cidr", "is not an IPv6 range like fd00::/56"),
        },
        "ipv4" => holds(text.parse::<Ipv4Addr>().is_ok(), "bad-value", "is not an IPv4 address"),
        "ipv6" => holds(text.parse::<Ipv6Addr>().is_ok(), "bad-value", "is not an IPv6 address"),
        "ip" => holds(text.parse::<IpAddr>().is_ok(), "bad-value", "is not an IP address"),
        "arn" => arn(text),
        "json" => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Ok(()),
            Err(error) => wrong("bad-json", format!("is not a JSON document: {error}")),
        },
        "managed-policy" => {
            check("json", text)?;
            let length = text.chars().filter(|it| !it.is_whitespace()).count();
            let message = format!("has {length} characters besides white space; a managed policy may have {MANAGED_POLICY}");
            if length > MANAGED_POLICY { wrong("bad-value", message) } else { Ok(()) }
        }
        "dns-name" => holds(is_dns_name(text), "bad-value", "is not a domain name"),
        "uri" => holds(text.contains("://") || text.starts_with("arn:"), "bad-value", "is not a URL"),
        _ => Ok(()),
    }
}

fn wrong(code: &'static str, message: impl Into<String>) -> Result<(), Wrong> {
    Err(Wrong { code, message: message.into(), did_you_mean: None })
}

fn holds(it: bool, code: &'static str, message: &str) -> Result<(), Wrong> {
    if it { Ok(()) } else { wrong(code, message) }
}

/// AWS cuts host bits off, and then what is there never is what was asked for.
fn canonical(net: IpNet) -> Result<(), Wrong> {
    let meant = net.trunc().to_string();
    if net.trunc() == net {
        return Ok(());
    }
    let message = format!("has host bits: the first address of the range is {}", net.network());
    Err(Wrong { code: "bad-cidr", message, did_you_mean: Some(meant) })
}

/// `arn:partition:service:region:account:resource`
fn arn(text: &str) -> Result<(), Wrong> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [prefix, partition, service, _, account, resource] = parts.as_slice() else {
        return wrong("bad-arn", "is not an ARN: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE");
    };
    let account_fits =
        account.is_empty() || *account == "aws" || (account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit()));
    let fits = *prefix == "arn" && partition.starts_with("aws") && !service.is_empty() && !resource.is_empty() && account_fits;
    holds(fits, "bad-arn", "is not an ARN: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE")
}

/// Labels of at most 63 characters, 255 in all; `*` and `_` occur in records.
fn is_dns_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'*' | b'\\' | b'/'))
    };
    !name.is_empty() && name.len() <= 255 && name.split('.').all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_from_what_only_looks_like_them() {
        for (format, good) in [
            ("cidr", "10.0.0.0/16"),
            ("cidr6", "fd00::/56"),
            ("arn", "arn:aws:iam::111111111111:role/x:y"),
            ("arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            ("arn", "arn:aws:s3:::bucket"),
            ("json", "{\"a\": [1]}"),
            ("dns-name", "*.example.com."),
            ("dns-name", "_acme.example.com"),
        ] {
            assert_eq!(check(format, good), Ok(()), "{good}");
        }
        for (format, bad) in [
            ("cidr", "10.0.0.0"),
            ("cidr", "10.0.0.0/33"),
            ("cidr", "fd00::/56"),
            ("arn", "arn:aws:iam"),
            ("arn", "arn:aws:iam::1234:role/x"),
            ("json", "{a: 1}"),
            ("dns-name", "a..b"),
            ("dns-name", "exa mple.com"),
        ] {
            assert!(check(format, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_bits_are_found_and_the_range_is_suggested() {
        let wrong = check("cidr", "10.0.0.1/16").unwrap_err();
        assert_eq!((wrong.code, wrong.did_you_mean.as_deref()), ("bad-cidr", Some("10.0.0.0/16")));
        assert!(wrong.message.contains("host bits"));
    }
}
