//! Terraform's functions, by name and with its semantics. All are pure: the same arguments, and the same files, give the same
//! result. What depends on the clock, on chance or on the machine is refused, with the reason.
//!
//! Unknown arguments make the result unknown, sensitive ones make it sensitive; see `function::Body` for who sees to that.
//! No argument makes a function panic, hang or fill the memory: see `limits`.

mod charset;
mod collections;
mod convert;
mod dates;
mod decode_json;
mod encoding;
mod files;
mod format;
mod function;
mod hashes;
mod json;
mod limits;
mod maps;
mod members;
mod network;
mod numbers;
mod pattern;
mod refused;
mod sets;
mod text;
mod timestamp;
mod unify;
mod verbs;
mod write_yaml;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

pub use function::{Parameter, Shape, Signature};
pub use unify::unify;

use super::files::Files;
use crate::value::Value;
use function::Function;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Which argument is to blame, counted from 0; nothing when it is the call as a whole.
    pub argument: Option<usize>,
    /// A clause without a capital or a full stop; never contains a secret, because sensitive arguments are not quoted.
    pub message: String,
}

impl CallError {
    fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into() }
    }

    fn at(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), message: message.into() }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

type Answer = Result<Value, CallError>;

static FUNCTIONS: LazyLock<BTreeMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let families = [
        collections::FUNCTIONS,
        convert::FUNCTIONS,
        dates::FUNCTIONS,
        encoding::FUNCTIONS,
        files::FUNCTIONS,
        format::FUNCTIONS,
        hashes::FUNCTIONS,
        json::FUNCTIONS,
        maps::FUNCTIONS,
        members::FUNCTIONS,
        network::FUNCTIONS,
        numbers::FUNCTIONS,
        pattern::FUNCTIONS,
        sets::FUNCTIONS,
        text::FUNCTIONS,
        yaml::FUNCTIONS,
    ];
    families.into_iter().flatten().map(|it| (it.signature.name, it)).collect()
});

/// Calls the function `name`. An argument's index in the error is its index in `arguments`.
pub fn call(name: &str, arguments: &[Value], files: &dyn Files) -> Result<Value, CallError> {
    let Some(function) = FUNCTIONS.get(name) else {
        return Err(CallError::new(match refusal(name) {
            Some(reason) => format!("{name} cannot be used: {reason}"),
            None => format!("there is no function named {name:?}"),
        }));
    };
    function.call(arguments, files)
}

/// The functions that can be called, sorted. Those that take expressions rather than values (`try`, `can`, `templatefile`,
/// `templatestring`) belong to the evaluator and are not among them.
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.keys().copied()
}

/// Why a function of Terraform's is not offered, and what to do instead; nothing for any other name.
pub fn refusal(name: &str) -> Option<&'static str> {
    refused::reason(name)
}

/// What `name` takes and gives.
pub fn signature(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.get(name).map(|it| &it.signature)
}
