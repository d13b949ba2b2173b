//! [`Troubles`]: what surrounds objects that take their time, asked for not with every look.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Connection;
use crate::remote::Id;

/// What is well is ready before this.
const FIRST: Duration = Duration::from_secs(3);
/// From one question to the next.
const EVERY: Duration = Duration::from_secs(5);

/// Pods and events by object.
#[derive(Default)]
pub struct Troubles(Mutex<BTreeMap<Id, Known>>);

#[derive(Clone)]
struct Known {
    due: Instant,
    /// Another generation of the object is another wait.
    generation: Option<i64>,
    pods: Vec<Value>,
    events: Vec<Value>,
}

impl Troubles {
    /// Pods and events of an object that is not ready. They only add words: what cannot be asked is not known.
    pub async fn of(&self, connection: &Connection, id: &Id, object: &Value) -> (Vec<Value>, Vec<Value>) {
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
        let now = Instant::now();
        let known = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let it = all.entry(id.clone()).or_insert_with(|| Known::new(now, generation));
            if it.generation != generation {
                *it = Known::new(now, generation);
            }
            let known = it.clone();
            if it.due <= now {
                it.due = now + EVERY;
            }
            known
        };
        if known.due > now {
            return (known.pods, known.events);
        }
        let (pods, events) = connection.surroundings(object).await.unwrap_or((known.pods, known.events));
        if let Some(it) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(id) {
            (it.pods, it.events) = (pods.clone(), events.clone());
        }
        (pods, events)
    }
}

impl Known {
    fn new(now: Instant, generation: Option<i64>) -> Self {
        Self { due: now + FIRST, generation, pods: Vec::new(), events: Vec::new() }
    }
}
