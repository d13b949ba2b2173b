//! Kubernetes objects as plain data: what names them, in which order they come and go, which of their fields are ours, and how
//! far they are on their way. No I/O: the planner and the edge (`cloud::kube`) both stand on it.

pub mod drain;
pub mod key;
pub mod managed;
pub mod marks;
pub mod order;
pub mod readiness;
pub mod schema;
pub mod secret;

pub use key::{Key, ObjectId};
pub use managed::managed;
pub use order::rank;
pub use readiness::{WaitFor, readiness};

use serde_json::Value;

/// The field manager under which every field that a stack declares is applied.
pub const MANAGER: &str = "infra";

/// The label that every object of a stack has, with the state's lineage as its value (32 hexadecimal digits, a valid label):
/// one list per kind with this selector finds all that are ours. `app.kubernetes.io/managed-by` stays the user's.
pub const LINEAGE_LABEL: &str = "infra/lineage";

/// The text at a JSON pointer; empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer.
pub(crate) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// The items of the list at a JSON pointer; none where there is no list.
pub(crate) fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
