//! [`Watches`]: objects that somebody waits for, kept as the API server tells of them, so that waiting asks for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{Stream, StreamExt};
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::task::AbortHandle;

use super::discovery::Kind;
use crate::object::key::group_of;
use crate::object::{Key, text};

/// What is watched through one connection.
#[derive(Default)]
pub(super) struct Watches {
    all: Mutex<Vec<(Kind, String, Slot)>>,
    /// What was looked at before: whoever looks at it again waits for it.
    seen: Mutex<BTreeSet<Key>>,
}

/// The watch on one kind, in one version, of what carries some labels; none before the first look. Held while it is made, so
/// that what is made meanwhile is not missed.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Following>>>;

impl Watches {
    /// Whether any of these was looked at before.
    pub fn are_awaited<'a>(&self, keys: impl Iterator<Item = &'a Key>) -> bool {
        let mut seen = lock(&self.seen);
        // Each is remembered, also after the first that was known.
        keys.filter(|it| !seen.insert((*it).clone())).count() > 0
    }

    pub fn slot(&self, kind: &Kind, labels: &str) -> Slot {
        let mut all = lock(&self.all);
        if let Some((.., slot)) = all.iter().find(|(of, with, _)| of == kind && with == labels) {
            return slot.clone();
        }
        let slot = Slot::default();
        all.push((kind.clone(), labels.to_owned(), slot.clone()));
        slot
    }

    /// What a mutation of ours has made of an object: no older one may be seen from here on.
    pub async fn made(&self, object: &Value) {
        let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
        let concerns = |it: &Kind| it.kind == kind && it.group == group_of(version);
        let slots: Vec<_> = lock(&self.all).iter().filter(|(of, ..)| concerns(of)).cloned().collect();
        for (of, _, slot) in slots {
            let mut following = slot.lock().await;
            match &*following {
                Some(it) if of.api_version() == version => lock(&it.objects).made(object),
                // What it is in another version is not known.
                _ => *following = None,
            }
        }
    }
}

/// The objects of a kind, kept up to date for as long as this lives.
pub(super) struct Following {
    objects: Arc<Mutex<Objects>>,
    task: AbortHandle,
}

#[derive(Default)]
struct Objects {
    by_place: BTreeMap<(String, String), Arc<Value>>,
    /// The version that the server has told of everything up to. Versions of one kind can be compared (Kubernetes API concepts,
    /// "Resource versions").
    told: u64,
    ended: bool,
}

impl Following {
    /// Goes on from a list, with what the server tells from its version on.
    pub fn new(
        listed: Vec<Arc<Value>>,
        version: &str,
        events: impl Stream<Item = kube::Result<WatchEvent<Value>>> + Send + 'static,
    ) -> Self {
        let by_place = listed.into_iter().map(|it| (place(&it), it)).collect();
        let objects = Objects { by_place, told: number(version), ended: false };
        let objects = Arc::new(Mutex::new(objects));
        let told = objects.clone();
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(events);
            while let Some(Ok(event)) = events.next().await {
                if !lock(&told).hear(event) {
                    break;
                }
            }
            lock(&told).ended = true;
        });
        Self { objects, task: task.abort_handle() }
    }

    /// All objects as far as the server has told; nothing when it does not tell any more.
    pub fn objects(&self) -> Option<Vec<Arc<Value>>> {
        let objects = lock(&self.objects);
        (!objects.ended).then(|| objects.by_place.values().cloned().collect())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Objects {
    /// False when nothing more can be made of what comes.
    fn hear(&mut self, event: WatchEvent<Value>) -> bool {
        match event {
            WatchEvent::Added(it) | WatchEvent::Modified(it) => {
                self.told = self.told.max(version(&it));
                if self.is_news(&it) {
                    self.by_place.insert(place(&it), Arc::new(it));
                }
            }
            WatchEvent::Deleted(it) => {
                self.told = self.told.max(version(&it));
                if self.is_news(&it) {
                    self.by_place.remove(&place(&it));
                }
            }
            WatchEvent::Bookmark(it) => self.told = self.told.max(number(&it.metadata.resource_version)),
            WatchEvent::Error(_) => return false,
        }
        true
    }

    /// The answer to a mutation may come before the server tells of it, or after it told of what came later.
    fn made(&mut self, object: &Value) {
        let is_told = !self.by_place.contains_key(&place(object)) && version(object) <= self.told;
        if !is_told && self.is_news(object) {
            self.by_place.insert(place(object), Arc::new(object.clone()));
        }
    }

    fn is_news(&self, object: &Value) -> bool {
        self.by_place.get(&place(object)).is_none_or(|known| version(known) < version(object))
    }
}

fn place(object: &Value) -> (String, String) {
    (text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned())
}

fn version(object: &Value) -> u64 {
    number(text(object, "/metadata/resourceVersion"))
}

fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, version: u64) -> Value {
        json!({"metadata": {"namespace": "a", "name": name, "resourceVersion": version.to_string()}, "v": version})
    }

    fn seen(objects: &Objects) -> Vec<u64> {
        objects.by_place.values().filter_map(|it| it.get("v")?.as_u64()).collect()
    }

    #[test]
    fn nothing_older_is_seen_than_what_was_made() {
        let mut objects = Objects { told: 5, ..Objects::default() };
        objects.made(&object("x", 9));
        assert!(objects.hear(WatchEvent::Added(object("x", 7))));
        assert_eq!(seen(&objects), [9], "what came before it is told late");
        assert!(objects.hear(WatchEvent::Modified(object("x", 12))));
        objects.made(&object("x", 11));
        assert_eq!(seen(&objects), [12], "an answer comes late");
        assert!(objects.hear(WatchEvent::Deleted(object("x", 13))));
        objects.made(&object("x", 12));
        assert_eq!(seen(&objects), [0u64; 0], "it is gone, however late an answer comes");
    }

    #[tokio::test]
    async fn a_watch_that_ended_tells_nothing() {
        let following = Following::new(vec![Arc::new(object("x", 1))], "1", futures::stream::pending());
        assert_eq!(following.objects().map(|it| it.len()), Some(1));
        let following = Following::new(vec![Arc::new(object("x", 1))], "1", futures::stream::empty());
        while following.objects().is_some() {
            tokio::task::yield_now().await;
        }
    }
}
