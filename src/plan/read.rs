//! Digests of what was read: a saved plan is checked against them, thing by thing.

use sha2::{Digest, Sha256};

use super::diff::without_foreign;
use crate::remote::{Live, Status};
use crate::schema::Schema;
use crate::schema::equal::canonical_settings;
use crate::value::{Sealer, Value};

/// The digest of what a read said of one thing; the same for reads that mean the same. Outputs and the tags of others do not
/// count: they may change without anybody touching the thing.
pub fn digest(schema: &Schema, live: Option<&Live>, sealer: &Sealer) -> String {
    let mut hasher = Sha256::new();
    match live {
        None => hasher.update(b"gone"),
        Some(live) => {
            let failed = matches!(live.status, Status::Failed(_));
            hasher.update(if failed { b"failed:" as &[u8] } else { b"there:" });
            let tags = live.settings.get("tags");
            let settings = match tags.is_null() {
                true => live.settings.clone(),
                false => live.settings.with("tags", without_foreign(&tags, &Value::Null)),
            };
            let settings = canonical_settings(&schema.attributes, &settings);
            // Keyed, so that nothing can be guessed from it.
            hasher.update(sealer.digest(&settings).as_bytes());
        }
    }
    hex::encode(hasher.finalize())
}
