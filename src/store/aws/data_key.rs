//! Data keys from KMS, bound to the stack.

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::cloud::aws::limits::Limits;
use crate::cloud::aws::{Fence, Settings, Wire};
use crate::cloud::fault::from_sdk;
use crate::remote::{Class, Fault};
use crate::secrets::envelope::DataKey;
use crate::secrets::vault::{DataKeys, Made};
use crate::store::aws::retry::{answered, has_code};

/// The member of the encryption context that a key's policy can ask for.
const CONTEXT: &str = "infra:stack";

/// Wrapped by another key, for another stack, or the key is gone. Source: AWS KMS API Reference, "Decrypt", Errors.
const NOT_ITS_KEY: [&str; 3] = ["IncorrectKeyException", "InvalidCiphertextException", "NotFoundException"];

pub struct Kms {
    client: Client,
    stack: String,
    /// An alias, id or ARN.
    key: String,
    /// Further ones, for reading only.
    previous: Vec<String>,
}

impl Kms {
    pub fn new(client: Client, stack: &str, key: String, previous: Vec<String>) -> Self {
        Self { client, stack: stack.to_owned(), key, previous }
    }

    /// Over a client of its own, as a store has it.
    pub async fn connect(settings: &Settings, stack: &str, key: String, previous: Vec<String>) -> Self {
        let aws = crate::cloud::aws::Aws::connect(settings, &Wire::new(Limits::off(), Fence::open())).await;
        Self::new(aws.kms().clone(), stack, key, previous)
    }

    async fn make(&self) -> Result<Made, Fault> {
        const CALL: &str = "kms:GenerateDataKey";
        let made = answered(|| {
            let request = self.client.generate_data_key().key_id(&self.key).key_spec(DataKeySpec::Aes256);
            let request = request.encryption_context(CONTEXT, &self.stack);
            async { request.send().await.map_err(|error| from_sdk(CALL, &error)) }
        })
        .await?;
        let clear = made.plaintext.as_ref().and_then(|it| DataKey::from_bytes(it.as_ref()));
        match (clear, made.ciphertext_blob) {
            (Some(clear), Some(sealed)) => {
                Ok(Made { clear, sealed: sealed.into_inner(), by: made.key_id.unwrap_or_else(|| self.key.clone()) })
            }
            _ => Err(Fault::new(Class::Unknown, CALL, "the answer has no key")),
        }
    }

    /// Each key in turn: what another one wrapped is refused, also if this account may use that one.
    async fn unwrap(&self, sealed: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        for key in std::iter::once(&self.key).chain(&self.previous) {
            let answer = answered(|| {
                let request = self.client.decrypt().key_id(key).ciphertext_blob(Blob::new(sealed));
                let request = request.encryption_context(CONTEXT, &self.stack);
                async { request.send().await.map_err(|error| from_sdk("kms:Decrypt", &error)) }
            });
            match answer.await {
                Ok(answer) => return Ok(answer.plaintext.map(Blob::into_inner)),
                Err(fault) if NOT_ITS_KEY.iter().any(|it| has_code(&fault, it)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }
}

impl DataKeys for Kms {
    fn make(&self) -> BoxFuture<'_, Result<Made, Fault>> {
        self.make().boxed()
    }

    fn unwrap<'a>(&'a self, sealed: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, Fault>> {
        self.unwrap(sealed).boxed()
    }
}
