//! Calls of an API server: HTTPS and JSON, sharing nothing with infra's own client.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

/// A client certificate and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// Somebody who calls an API server. Clones share their connections.
#[derive(Clone)]
pub struct Api {
    endpoint: String,
    token: Option<String>,
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why a call has no answer, or not the one that was needed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("no TLS: {0}")]
    Tls(String),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper_util::client::legacy::Error),
    #[error("the answer broke off: {0}")]
    Cut(#[from] hyper::Error),
    #[error("not a request: {0}")]
    Malformed(#[from] hyper::http::Error),
    #[error("{method} {path} was refused with {status}: {message}")]
    Refused { method: Method, path: String, status: u16, message: String },
}

impl Api {
    /// A caller who shows `identity`, or is nobody.
    pub fn new(endpoint: &str, ca_pem: &str, identity: Option<&Identity>) -> Result<Self, ApiError> {
        let tls = |failure: &dyn fmt::Display| ApiError::Tls(failure.to_string());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|e| tls(&e))?).map_err(|e| tls(&e))?;
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| tls(&e))?
            .with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).map_err(|e| tls(&e))?;
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(|e| tls(&e))?;
                config.with_client_auth_cert(vec![certificate], key).map_err(|e| tls(&e))?
            }
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().build();
        Ok(Self { endpoint: endpoint.to_owned(), token: None, http: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// The same, with a bearer token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sends a request and gives whatever came back: JSON, or else its text as a JSON string.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value), ApiError> {
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.endpoint)).header("content-type", kind);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let (parts, body) = self.http.request(request.body(Full::new(Bytes::from(body)))?).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let value = serde_json::from_slice(&body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body)));
        Ok((parts.status, value))
    }

    /// The same, where only success will do.
    pub async fn expect(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let (status, value) = self.call(method.clone(), path, body).await?;
        if status.is_success() {
            return Ok(value);
        }
        let message = value["message"].as_str().or(value.as_str()).unwrap_or_default().to_owned();
        Err(ApiError::Refused { method, path: path.to_owned(), status: status.as_u16(), message })
    }

    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.expect(Method::GET, path, None).await
    }

    /// Creates `object` in the collection at `path`.
    pub async fn create(&self, path: &str, object: &Value) -> Result<Value, ApiError> {
        self.expect(Method::POST, path, Some(object)).await
    }
}
