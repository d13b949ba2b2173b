//! [`Sealer`]: keyed digests in the place of secrets, for everything that is stored.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Value;

/// Makes HMAC-SHA-256 digests with a random key that is kept apart from what it seals, so that equality can be seen and
/// nothing else.
#[derive(Clone)]
pub struct Sealer {
    keyed: Hmac<Sha256>,
}

impl Sealer {
    pub fn new(key: [u8; 32]) -> Self {
        let keyed = <Hmac<Sha256> as KeyInit>::new_from_slice(&key);
        Self { keyed: keyed.unwrap_or_else(|_| unreachable!("any key length is fine")) }
    }

    /// The value with every secret replaced by its digest: what may be stored. What is a digest already stays as it is.
    pub fn seal(&self, value: &Value) -> Value {
        value.map_leaves(&mut |it| match it {
            Value::Sensitive(inner) if inner.is_unknown() => (**inner).clone(),
            Value::Sensitive(inner) if matches!(**inner, Value::Digest(_)) => (**inner).clone(),
            Value::Sensitive(inner) => Value::Digest(self.digest(inner)),
            it => it.clone(),
        })
    }

    /// The digest of a clear value; the same for values that are stored alike.
    pub fn digest(&self, clear: &Value) -> Arc<str> {
        let text = clear.unmark_deep().0.to_json().unwrap_or_default().to_string();
        let mut mac = self.keyed.clone();
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_values_tell_equality_only() {
        let sealer = Sealer::new([7; 32]);
        let clear = Value::object([("p", Value::from("hunter2").sensitive()), ("q", Value::from(1))]);
        let sealed = sealer.seal(&clear);
        assert!(!serde_json::to_string(&sealed).unwrap().contains("hunter2"));
        assert_eq!(sealed.get("p"), Value::Digest(sealer.digest(&Value::from("hunter2"))));
        assert_ne!(Sealer::new([8; 32]).seal(&clear), sealed);
    }

    #[test]
    fn what_holds_no_secret_is_shared() {
        let sealer = Sealer::new([7; 32]);
        let open = Value::object([("q", Value::list([Value::from(1), Value::from("a")])), ("r", Value::Null)]);
        let mixed = Value::object([("open", open.clone()), ("p", Value::from("hunter2").sensitive())]);
        for (sealed, clear) in [(sealer.seal(&open), open.clone()), (sealer.seal(&mixed).get("open"), open)] {
            let (Value::Object(sealed), Value::Object(clear)) = (sealed, clear) else { panic!("objects stay objects") };
            assert!(Arc::ptr_eq(&sealed, &clear));
        }
    }
}
