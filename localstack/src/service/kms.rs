//! KMS: what a key that is pending deletion refuses, ciphertexts of other keys, and policies that are none.
//!
//! Source: AWS KMS Developer Guide, "Key states of AWS KMS keys".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::gateway::{Answer, Call, Local, Refusal};

/// Actions that answer KMSInvalidStateException for a key that is pending deletion.
const NOT_PENDING: [&str; 11] = [
    "CreateAlias",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "GetKeyRotationStatus",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
];

pub async fn serve(local: &Local, call: Call) -> Answer {
    let input = call.json();
    if let Some(policy) = input["Policy"].as_str()
        && !is_policy(policy)
    {
        return Err(Refusal::new("MalformedPolicyDocumentException", "The new key policy is not a valid policy document."));
    }
    let key = ["KeyId", "TargetKeyId"].into_iter().find_map(|name| input[name].as_str());
    if let Some(key) = key.filter(|_| NOT_PENDING.contains(&call.action.as_str())) {
        let described = local.ask_json(&call, call.service, "TrentService.DescribeKey", &json!({"KeyId": key})).await?;
        let metadata = &described["KeyMetadata"];
        if metadata["KeyState"] == "PendingDeletion" {
            let arn = metadata["Arn"].as_str().unwrap_or(key);
            return Err(Refusal::new("KMSInvalidStateException", format!("{arn} is pending deletion.")));
        }
    }
    if call.action == "Decrypt"
        && let (Some(key), Some(sealed)) = (input["KeyId"].as_str(), input["CiphertextBlob"].as_str())
    {
        let described = local.ask_json(&call, call.service, "TrentService.DescribeKey", &json!({"KeyId": key})).await?;
        let wanted = described["KeyMetadata"]["KeyId"].as_str();
        if wanted.is_some() && sealing_key(sealed).as_deref() != wanted {
            let said = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(Refusal::new("IncorrectKeyException", said));
        }
    }
    local.forward(call).await
}

/// The id of the key that made a ciphertext: the emulator writes it in front.
fn sealing_key(ciphertext: &str) -> Option<String> {
    let bytes = STANDARD.decode(ciphertext).ok()?;
    String::from_utf8(bytes.get(..36)?.to_vec()).ok()
}

fn is_policy(text: &str) -> bool {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    match &document["Statement"] {
        Value::Array(statements) => !statements.is_empty(),
        Value::Object(_) => true,
        _ => false,
    }
}
