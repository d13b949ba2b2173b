//! From the `encryption` block to the vault of a stack.

use std::sync::Arc;

use super::call::Call;
use super::exit::Ended;
use super::secrets::AgeKeys;
use super::stack::Stack;
use crate::cloud::aws::Settings;
use crate::diag::Diagnostic;
use crate::secrets::age::Recipient;
use crate::secrets::vault::{DataKeys, Rule, Vault};
use crate::store::aws::data_key::Kms;

/// Opens no key yet: each is asked for when it is needed. `settings` are those of the place where the state is kept.
pub async fn vault(call: &Call, stack: &Stack, settings: &Settings) -> Ended<Vault> {
    let name = stack.name.as_str();
    let Some(demanded) = &stack.settings.encryption else { return Ok(Vault::none(name)) };
    let mut recipients = Vec::new();
    for text in &demanded.recipients {
        recipients.push(Recipient::parse(text).ok_or_else(|| unknown(text))?);
    }
    let mut data_keys: Option<Arc<dyn DataKeys>> = None;
    if let Some(kms) = &demanded.kms {
        let settings = match region_of(&kms.key) {
            Some(region) => Settings { region: region.to_owned(), ..settings.clone() },
            None => settings.clone(),
        };
        data_keys = Some(Arc::new(Kms::connect(&settings, name, kms.key.clone(), kms.previous.clone()).await));
    }
    let unencrypted = demanded.unencrypted;
    let keys = AgeKeys::of(&call.world);
    Ok(Vault::new(name, Rule { recipients, data_keys, unencrypted, identities: Arc::new(move || keys.read()) }))
}

fn unknown(recipient: &str) -> Diagnostic {
    Diagnostic::error("bad-value", format!("`{recipient}` is no public key of age"))
        .detail("Its checksum does not fit: a character is wrong, or one is missing.")
        .help("age-keygen -y KEYFILE prints the public key of a secret one")
}

/// The region in an ARN.
fn region_of(key: &str) -> Option<&str> {
    key.strip_prefix("arn:")?.split(':').nth(2).filter(|it| !it.is_empty())
}
