//! What clusters, node groups and add-ons have in common: a description, a state that takes time, and updates.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::control::Settings;
use crate::gateway::Local;
use crate::ids;

/// Something with states.
#[derive(Debug, Default)]
pub struct Thing {
    /// As AWS describes it.
    pub shown: Value,
    /// What it is on the way to.
    pub pending: Option<Pending>,
    /// Oldest first.
    pub updates: Vec<Value>,
    /// Under which its states are held.
    pub held_as: String,
}

/// What is going on, and what comes of it.
#[derive(Clone, Debug)]
pub enum Pending {
    Create,
    Update {
        id: String,
        /// The members of the description that change.
        change: Map<String, Value>,
        /// The update's `errors`; it fails with any.
        errors: Vec<Value>,
    },
    Delete,
}

/// A parameter as an update lists it.
pub fn param(kind: &str, value: impl ToString) -> Value {
    json!({"type": kind, "value": value.to_string()})
}

/// Seconds since 1970, as restJson writes times.
pub fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1000.0).round() / 1000.0
}

impl Thing {
    pub fn new(held_as: String, shown: Value) -> Self {
        Self { shown, held_as, ..Self::default() }
    }

    pub fn status(&self) -> &str {
        self.shown["status"].as_str().unwrap_or_default()
    }

    pub fn set_status(&mut self, status: &str) {
        self.shown["status"] = json!(status);
    }

    pub fn text(&self, name: &str) -> &str {
        self.shown[name].as_str().unwrap_or_default()
    }

    /// Goes over into a state that is held for as long as `settings` make AWS's `usual` time.
    pub fn start(&mut self, local: &Local, pending: Pending, usual: Duration, settings: Settings) {
        let state = match pending {
            Pending::Create => "CREATING",
            Pending::Update { .. } => "UPDATING",
            Pending::Delete => "DELETING",
        };
        self.set_status(state);
        local.held.hold(&self.held_as, state, usual, settings);
        self.pending = Some(pending);
    }

    /// An update of this kind begins; the answer is the update as AWS describes it.
    pub fn update(&mut self, local: &Local, plan: Plan, usual: Duration, settings: Settings) -> Value {
        let id = ids::request_id();
        let update = json!({
            "id": id,
            "status": "InProgress",
            "type": plan.kind,
            "params": plan.params,
            "createdAt": now(),
            "errors": [],
        });
        self.updates.push(update.clone());
        self.start(local, Pending::Update { id, change: plan.change, errors: plan.errors }, usual, settings);
        update
    }

    /// What has come to its end, if anything has.
    pub fn due(&mut self, local: &Local) -> Option<Pending> {
        if self.pending.is_some() && local.held.is_over(&self.held_as) { self.pending.take() } else { None }
    }

    /// Somebody reads it, which is one of the reads that its state is held for.
    pub fn look(&self, local: &Local) {
        local.held.look(&self.held_as);
    }

    /// An update has come to its end.
    pub fn updated(&mut self, id: &str, change: Map<String, Value>, errors: Vec<Value>) {
        let failed = !errors.is_empty();
        if let Some(update) = self.updates.iter_mut().find(|update| update["id"] == id) {
            update["status"] = json!(if failed { "Failed" } else { "Successful" });
            update["errors"] = json!(errors);
        }
        if !failed {
            self.change(change);
        }
    }

    /// Members of the description change.
    pub fn change(&mut self, change: Map<String, Value>) {
        if let Value::Object(shown) = &mut self.shown {
            shown.extend(change);
            if shown.contains_key("modifiedAt") {
                shown.insert("modifiedAt".to_owned(), json!(now()));
            }
        }
    }
}

/// An update to begin.
#[derive(Debug, Default)]
pub struct Plan {
    pub kind: &'static str,
    pub params: Vec<Value>,
    pub change: Map<String, Value>,
    pub errors: Vec<Value>,
}

impl Plan {
    pub fn new(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    /// A member of the description becomes `value`.
    pub fn set(&mut self, name: &str, value: Value) {
        self.change.insert(name.to_owned(), value);
    }

    pub fn param(&mut self, kind: &str, value: impl ToString) {
        self.params.push(param(kind, value));
    }
}
