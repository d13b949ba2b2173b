//! Signature Version 4, as much as a server needs: whose call is this, and is it signed with the right secret?
//!
//! Source: "Signature Version 4 signing process", AWS General Reference.

use hmac::{Hmac, KeyInit, Mac};
use hyper::http::request::Parts;
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::form::STRICT;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a request says about who signed it and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub access_key: String,
    pub region: String,
    pub service: String,
    pub session_token: Option<String>,
    date: String,
    signed_at: String,
    signed_headers: Vec<String>,
    signature: String,
    presigned: bool,
}

impl Claim {
    /// Reads the `Authorization` header or a presigned query. `None` for an unsigned or unintelligible request.
    pub fn of(parts: &Parts) -> Option<Self> {
        match header(parts, "authorization") {
            Some(value) => Self::of_header(parts, value),
            None => Self::of_query(parts.uri.query()?),
        }
    }

    fn of_header(parts: &Parts, value: &str) -> Option<Self> {
        let fields = value.strip_prefix(ALGORITHM)?;
        let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        Self::assemble(
            field("Credential")?,
            header(parts, "x-amz-date")?,
            field("SignedHeaders")?,
            field("Signature")?,
            header(parts, "x-amz-security-token").map(str::to_owned),
            false,
        )
    }

    fn of_query(query: &str) -> Option<Self> {
        let pairs = query_pairs(query);
        let field = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        Self::assemble(
            field("X-Amz-Credential")?,
            field("X-Amz-Date")?,
            field("X-Amz-SignedHeaders")?,
            field("X-Amz-Signature")?,
            field("X-Amz-Security-Token").map(str::to_owned),
            true,
        )
    }

    fn assemble(
        credential: &str,
        signed_at: &str,
        signed_headers: &str,
        signature: &str,
        session_token: Option<String>,
        presigned: bool,
    ) -> Option<Self> {
        let mut scope = credential.split('/');
        let (access_key, date) = (scope.next()?, scope.next()?);
        let (region, service) = (scope.next()?, scope.next()?);
        Some(Self {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            session_token,
            date: date.to_owned(),
            signed_at: signed_at.to_owned(),
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            signature: signature.to_owned(),
            presigned,
        })
    }

    /// `20260131T120000Z`
    pub fn signed_at(&self) -> &str {
        &self.signed_at
    }

    /// Does the signature cover this header? Its name is in lower case.
    pub fn covers(&self, header: &str) -> bool {
        self.signed_headers.iter().any(|name| name == header)
    }

    /// Was this request signed with `secret`? `body` is needed only where no header gives its hash.
    pub fn is_signed_with(&self, secret: &str, parts: &Parts, body: Option<&[u8]>) -> bool {
        let hash = match (header(parts, "x-amz-content-sha256"), body) {
            (Some(hash), _) => hash.to_owned(),
            (None, _) if self.presigned && self.service == "s3" => "UNSIGNED-PAYLOAD".to_owned(),
            (None, Some(body)) => hex::encode(Sha256::digest(body)),
            (None, None) => hex::encode(Sha256::digest(b"")),
        };
        self.compute(secret, parts, &hash) == self.signature
    }

    fn compute(&self, secret: &str, parts: &Parts, payload_hash: &str) -> String {
        let mut request = format!(
            "{}\n{}\n{}\n",
            parts.method,
            self.canonical_path(parts.uri.path()),
            canonical_query(parts.uri.query().unwrap_or_default()),
        );
        for name in &self.signed_headers {
            let values: Vec<String> = parts
                .headers
                .get_all(name.as_str())
                .iter()
                .map(|value| single_spaced(&String::from_utf8_lossy(value.as_bytes())))
                .collect();
            request.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        request.push_str(&format!("\n{}\n{payload_hash}", self.signed_headers.join(";")));
        let scope = format!("{}/{}/{}/aws4_request", self.date, self.region, self.service);
        let hashed = hex::encode(Sha256::digest(request.as_bytes()));
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{hashed}", self.signed_at);
        let mut key = mac(format!("AWS4{secret}").as_bytes(), self.date.as_bytes());
        for part in [self.region.as_str(), self.service.as_str(), "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        hex::encode(mac(&key, to_sign.as_bytes()))
    }

    /// S3 takes the path as it was sent; everyone else encodes it a second time.
    fn canonical_path(&self, path: &str) -> String {
        if self.service == "s3" {
            return path.to_owned();
        }
        let segments = path.split('/').map(|segment| utf8_percent_encode(segment, STRICT).to_string());
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Who signs, and for where.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    pub access_key: &'a str,
    pub secret: &'a str,
    pub session_token: Option<&'a str>,
    pub region: &'a str,
    pub service: &'a str,
}

impl Signer<'_> {
    /// Adds the headers of a signed request. `signed_at` is `20260131T120000Z`.
    pub fn sign(&self, parts: &mut Parts, body: &[u8], signed_at: &str) -> Option<()> {
        let hash = hex::encode(Sha256::digest(body));
        let mut signed = vec!["host".to_owned(), "x-amz-content-sha256".to_owned(), "x-amz-date".to_owned()];
        parts.headers.insert("x-amz-date", signed_at.parse().ok()?);
        parts.headers.insert("x-amz-content-sha256", hash.parse().ok()?);
        if let Some(token) = self.session_token {
            parts.headers.insert("x-amz-security-token", token.parse().ok()?);
            signed.push("x-amz-security-token".to_owned());
        }
        let claim = Claim {
            access_key: self.access_key.to_owned(),
            region: self.region.to_owned(),
            service: self.service.to_owned(),
            session_token: None,
            date: signed_at.get(..8)?.to_owned(),
            signed_at: signed_at.to_owned(),
            signed_headers: signed,
            signature: String::new(),
            presigned: false,
        };
        let value = format!(
            "{ALGORITHM} Credential={}/{}/{}/{}/aws4_request, SignedHeaders={}, Signature={}",
            self.access_key,
            claim.date,
            self.region,
            self.service,
            claim.signed_headers.join(";"),
            claim.compute(self.secret, parts, &hash),
        );
        parts.headers.insert("authorization", value.parse().ok()?);
        Some(())
    }

    /// Signs a request in its query instead; the signature covers all headers that are there.
    pub fn presign(&self, parts: &mut Parts, signed_at: &str) -> Option<()> {
        let mut names: Vec<&str> = parts.headers.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        let credential = format!("{}/{}/{}/{}/aws4_request", self.access_key, signed_at.get(..8)?, self.region, self.service);
        let mut url = format!(
            "{}&X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={signed_at}&X-Amz-SignedHeaders={}",
            parts.uri,
            strict(&credential),
            strict(&names.join(";")),
        );
        if let Some(token) = self.session_token {
            url.push_str(&format!("&X-Amz-Security-Token={}", strict(token)));
        }
        parts.uri = format!("{url}&X-Amz-Signature=").parse().ok()?;
        let claim = Claim::of_query(parts.uri.query()?)?;
        let signature = claim.compute(self.secret, parts, &hex::encode(Sha256::digest(b"")));
        parts.uri = format!("{url}&X-Amz-Signature={signature}").parse().ok()?;
        Some(())
    }
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query_pairs(query)
        .into_iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (strict(&name), strict(&value)))
        .collect();
    pairs.sort();
    let joined = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    joined.collect::<Vec<_>>().join("&")
}

fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn strict(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mut mac| {
            mac.update(data);
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default()
}
