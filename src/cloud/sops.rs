//! Data keys of SOPS files, unwrapped by KMS with the credentials that the file asks for.
//!
//! Source: AWS KMS API Reference, "Decrypt"; getsops/sops, `kms/keysource.go`.

use aws_sdk_kms::primitives::Blob;
use zeroize::Zeroizing;

use super::aws::limits::Limits;
use super::aws::{AssumeRole, Aws, Fence, Settings, Wire};
use crate::remote::{Class, Fault};
use crate::secrets::sops::Wrapped;

/// `own` are the stack's own settings, which count where the file names no profile and no role.
pub async fn unwrap(own: &Settings, key: &Wrapped) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let role = |it: &String| AssumeRole { role_arn: it.clone(), external_id: None, session_name: None };
    let settings = Settings {
        region: key.region().unwrap_or(&own.region).to_owned(),
        profile: key.profile.clone().or_else(|| own.profile.clone()),
        assume_role: key.role.as_ref().map(role).or_else(|| own.assume_role.clone()),
        stand_in: own.stand_in.clone(),
    };
    let aws = Aws::connect(&settings, &Wire::new(Limits::off(), Fence::open())).await;
    let ask = aws.kms().decrypt().key_id(&key.arn).ciphertext_blob(Blob::new(key.sealed.as_slice()));
    let context = Some(key.context.clone().into_iter().collect()).filter(|it: &std::collections::HashMap<_, _>| !it.is_empty());
    let answer = ask.set_encryption_context(context).send().await?;
    let clear = answer.plaintext.map(|it| Zeroizing::new(it.into_inner()));
    clear.ok_or_else(|| Fault::new(Class::Unknown, "kms:Decrypt", "the answer has no key"))
}
