//! What a plan does to one thing, and why: for people.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::diag::Span;
use crate::remote::{Content, Id};
use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Create,
    Update,
    Replace,
    Delete,
    Read,
    Import,
    Forget,
    Move,
    Noop,
}

/// One change of one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub address: Address,
    #[serde(rename = "type")]
    pub type_name: String,
    pub action: Action,
    /// For a replacement: the new one is made before the old one goes.
    #[serde(default)]
    pub create_first: bool,
    /// Of the live thing, if there is one.
    pub id: Option<Id>,
    pub reasons: Vec<Reason>,
    /// By path. For a creation: everything that is set.
    pub attributes: Vec<AttributeChange>,
    /// Would only undo what somebody did by hand: listed apart, and on a guarded stack only with `--repair-drift`.
    #[serde(default)]
    pub repairs_drift: bool,
    #[serde(skip)]
    pub span: Option<Span>,
}

/// Why. The first reason is the one that decided the action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Reason {
    /// In the files and not in the state.
    New,
    /// Recorded, and gone from the cloud.
    Missing,
    /// The files say something else than what was last applied.
    Configuration {
        path: String,
    },
    /// The cloud says something else than what was last applied.
    Drift {
        path: String,
    },
    /// Both.
    ConfigurationAndDrift {
        path: String,
    },
    /// Follows from the change of another thing.
    Follows {
        path: String,
        address: Address,
    },
    /// A fixed attribute changes.
    Fixed {
        path: String,
    },
    /// `--replace`, or `replace_triggered_by`.
    Asked,
    Triggered {
        address: Address,
    },
    /// A former run made it and did not finish it.
    Unfinished,
    /// It became what it cannot leave, in the cloud's words: only a new one helps.
    Failed {
        status: String,
    },
    /// A former run replaced it, and the old one is still there.
    Deposed {
        id: Id,
    },
    /// Its block, key or module is gone from the files.
    NotInConfiguration,
    /// `enabled = false`
    Disabled,
    /// The whole stack is being destroyed.
    Destroy,
    /// `--purge` allows to lose what lies in it.
    Purge {
        contents: Vec<Content>,
    },
    /// An `import`, `moved` or `removed` block, or the command of that name.
    Block,
    /// Lifecycle protection is put on or lifted.
    Protection {
        prevent_destroy: bool,
        prevent_replace: bool,
    },
    /// It depends on something that is replaced, and cannot outlive it.
    Dependency {
        address: Address,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributeChange {
    /// `ingress[0].from_port`, `tags["Name"]`
    pub path: String,
    /// Live now; null when there is nothing.
    pub before: Value,
    /// As it will be; unknown values say what they wait for.
    pub after: Value,
    pub sensitive: bool,
    pub forces_replacement: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub read: usize,
    pub forget: usize,
    pub import: usize,
    #[serde(rename = "move")]
    pub moved: usize,
    pub noop: usize,
}

impl Summary {
    pub fn of<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut sum = Self::default();
        for change in changes {
            *match change.action {
                Action::Create => &mut sum.create,
                Action::Update => &mut sum.update,
                Action::Replace => &mut sum.replace,
                Action::Delete => &mut sum.delete,
                Action::Read => &mut sum.read,
                Action::Forget => &mut sum.forget,
                Action::Import => &mut sum.import,
                Action::Move => &mut sum.moved,
                Action::Noop => &mut sum.noop,
            } += 1;
        }
        sum
    }

    /// Whether anything would be done.
    pub fn is_empty(&self) -> bool {
        Self { noop: 0, ..*self } == Self::default()
    }
}
