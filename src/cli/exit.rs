//! How a command ends: exit codes, and what stopped it.

use crate::diag::Diagnostic;

/// Scripts rely on these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    Failed,
    /// `plan --detailed-exitcode` found changes, or `drift` found drift.
    Changes,
    /// Some of the plan was carried out, the rest was not.
    Partly,
    /// The command line cannot be understood.
    Usage,
    Interrupted,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Partly => 3,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }
}

/// A command that ended early, and all that is to be said about it.
#[derive(Debug)]
pub struct Stop {
    pub exit: Exit,
    pub diagnostics: Vec<Diagnostic>,
}

pub type Ended<T = Exit> = Result<T, Stop>;

impl Stop {
    /// What was typed cannot be done as typed.
    pub fn usage(diagnostic: Diagnostic) -> Self {
        Self { exit: Exit::Usage, diagnostics: vec![diagnostic] }
    }
}

impl From<Diagnostic> for Stop {
    fn from(it: Diagnostic) -> Self {
        Self::from(vec![it])
    }
}

impl From<Vec<Diagnostic>> for Stop {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self { exit: Exit::Failed, diagnostics }
    }
}
