//! What an object is waited for, as the files say it and as the object itself remembers it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::object;

/// A condition, or what a path leads to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitFor {
    /// A condition of this type: `Ready`.
    #[serde(default)]
    pub condition: Option<String>,
    /// The status that it shall have.
    #[serde(default = "on")]
    pub status: String,
    /// A path in the object: `.status.phase`.
    #[serde(default)]
    pub path: Option<String>,
    /// What it shall lead to; anything at all when left out.
    #[serde(default)]
    pub value: Option<String>,
}

fn on() -> String {
    "True".to_owned()
}

const NOTHING: &str = "nothing";
const CONDITION: &str = "condition:";
const PATH: &str = "path:";

/// In words that fit an annotation; nothing where the kind decides.
pub(super) fn said(wait: bool, wait_for: Option<&WaitFor>) -> Option<String> {
    match (wait, wait_for) {
        (false, _) => Some(NOTHING.to_owned()),
        (true, None) => None,
        (true, Some(WaitFor { condition: Some(name), status, .. })) => Some(format!("{CONDITION}{name}={status}")),
        (true, Some(WaitFor { path: Some(path), value: Some(value), .. })) => Some(format!("{PATH}{path}={value}")),
        (true, Some(WaitFor { path: Some(path), value: None, .. })) => Some(format!("{PATH}{path}")),
        (true, Some(WaitFor { condition: None, path: None, .. })) => None,
    }
}

/// What an annotation says, as settings.
pub(super) fn heard(text: &str) -> (bool, Option<WaitFor>) {
    if text == NOTHING {
        return (false, None);
    }
    if let Some((name, status)) = text.strip_prefix(CONDITION).and_then(|it| it.split_once('=')) {
        let it = WaitFor { condition: Some(name.to_owned()), status: status.to_owned(), path: None, value: None };
        return (true, Some(it));
    }
    let path = text.strip_prefix(PATH).map(|it| match it.split_once('=') {
        Some((path, value)) => (path.to_owned(), Some(value.to_owned())),
        None => (it.to_owned(), None),
    });
    (true, path.map(|(path, value)| WaitFor { condition: None, status: on(), path: Some(path), value }))
}

impl WaitFor {
    /// As readiness is judged by it.
    pub(super) fn rule(&self) -> Option<object::WaitFor> {
        match (&self.condition, &self.path) {
            (Some(name), _) => Some(object::WaitFor::Condition { name: name.clone(), status: self.status.clone() }),
            (None, Some(path)) => Some(object::WaitFor::Path { path: path.clone(), value: self.value.clone() }),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let condition = WaitFor { condition: Some("Ready".into()), status: "False".into(), ..WaitFor::default() };
        let path = |value: Option<&str>| WaitFor {
            path: Some(".status.phase".into()),
            value: value.map(str::to_owned),
            status: on(),
            condition: None,
        };
        for (wait, it) in
            [(false, None), (true, None), (true, Some(condition)), (true, Some(path(Some("a=b")))), (true, Some(path(None)))]
        {
            assert_eq!(heard(&said(wait, it.as_ref()).unwrap_or_default()), (wait, it));
        }
    }
}
