//! Names of things: [`StackName`] and [`Address`], parsed once and printed the same.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// The name of a stack: the folder under `stacks/`. Lower-case letters, digits and dashes, 40 characters at most, so that
/// it is safe in paths, S3 keys, tags and DynamoDB keys alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(Arc<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("`{0}` is not a stack name: lower-case letters, digits and dashes, a letter first, 40 characters at most")]
    Stack(String),
    #[error("`{0}` is not an address: {1}")]
    Address(String, &'static str),
}

impl StackName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StackName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = text.len() <= 40 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(inside);
        if good { Ok(Self(text.into())) } else { Err(NameError::Stack(text.to_owned())) }
    }
}

impl TryFrom<String> for StackName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<StackName> for String {
    fn from(name: StackName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One call of a module on the way from the stack to a thing: `module.network`, `module.tenant["a"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    pub name: Arc<str>,
    pub key: Option<Arc<str>>,
}

/// Whether a block makes a thing or only looks one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    Managed,
    Data,
}

/// The one name of a resource instance within its stack: `module.network.aws_subnet.private["eu-west-1a"]`.
///
/// Cheap to clone. Ordered by module, then mode, type, name and key, which is the order in which things are shown.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(Arc<Parts>);

/// Most comparisons are with a clone, as one looks up what one holds.
impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    module: Vec<ModuleStep>,
    mode: Mode,
    type_name: Arc<str>,
    name: Arc<str>,
    key: Option<Arc<str>>,
}

impl Address {
    pub fn new(
        module: Vec<ModuleStep>,
        mode: Mode,
        type_name: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        key: Option<Arc<str>>,
    ) -> Self {
        Self(Arc::new(Parts { module, mode, type_name: type_name.into(), name: name.into(), key }))
    }

    pub fn module(&self) -> &[ModuleStep] {
        &self.0.module
    }
    pub fn mode(&self) -> Mode {
        self.0.mode
    }
    pub fn type_name(&self) -> &str {
        &self.0.type_name
    }
    pub fn name(&self) -> &str {
        &self.0.name
    }
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The same block, without the instance key.
    pub fn block(&self) -> Self {
        let mut parts = (*self.0).clone();
        parts.key = None;
        Self(Arc::new(parts))
    }

    /// `module.network`, or an empty text for the stack itself.
    pub fn module_path(&self) -> String {
        self.spelled(Self::write_module)
    }

    /// The address without its modules: `aws_subnet.private["a"]`.
    pub fn local(&self) -> String {
        self.spelled(Self::write_local)
    }

    fn spelled(&self, write: impl FnOnce(&Self, &mut String) -> fmt::Result) -> String {
        let mut out = String::new();
        // A string takes whatever is written to it.
        let _ = write(self, &mut out);
        out
    }

    fn write_module(&self, out: &mut impl fmt::Write) -> fmt::Result {
        for (at, step) in self.0.module.iter().enumerate() {
            out.write_str(if at == 0 { "module." } else { ".module." })?;
            out.write_str(&step.name)?;
            write_key(out, step.key.as_deref())?;
        }
        Ok(())
    }

    fn write_local(&self, out: &mut impl fmt::Write) -> fmt::Result {
        if self.0.mode == Mode::Data {
            out.write_str("data.")?;
        }
        out.write_str(&self.0.type_name)?;
        out.write_char('.')?;
        out.write_str(&self.0.name)?;
        write_key(out, self.0.key.as_deref())
    }

    fn write_whole(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.write_module(out)?;
        if !self.0.module.is_empty() {
            out.write_char('.')?;
        }
        self.write_local(out)
    }

    /// Whether `self` is `scope` or lies within it: `module.a` covers all below it, a block all its instances.
    pub fn is_within(&self, scope: &str) -> bool {
        let text = self.to_string();
        text == scope || text.strip_prefix(scope).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('['))
    }
}

fn write_key(out: &mut impl fmt::Write, key: Option<&str>) -> fmt::Result {
    key.map_or(Ok(()), |key| write!(out, "[{}]", serde_json::Value::from(key)))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.width().or(f.precision()) {
            None => self.write_whole(f),
            Some(_) => f.pad(&self.spelled(Self::write_whole)),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Address {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl FromStr for Address {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |why| NameError::Address(text.to_owned(), why);
        let mut parts = split(text).ok_or_else(|| wrong("a quoted key is not closed or not a text"))?.into_iter().peekable();
        let mut module = Vec::new();
        while parts.peek().is_some_and(|(name, key)| *name == "module" && key.is_none()) {
            parts.next();
            let (name, key) = parts.next().ok_or_else(|| wrong("a module has a name: module.NAME"))?;
            module.push(ModuleStep { name: name.into(), key: key.map(Into::into) });
        }
        let data = parts.peek().is_some_and(|(name, key)| *name == "data" && key.is_none());
        if data {
            parts.next();
        }
        let (Some((type_name, None)), Some((name, key)), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it reads TYPE.NAME or TYPE.NAME[\"KEY\"], with module.NAME before it"));
        };
        let mode = if data { Mode::Data } else { Mode::Managed };
        Ok(Self::new(module, mode, type_name, name, key.map(Into::into)))
    }
}

/// Splits at dots outside of quoted keys into names and their keys.
fn split(text: &str) -> Option<Vec<(&str, Option<String>)>> {
    let identifier = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c| !identifier(c)).unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        let name = &rest[..end];
        rest = &rest[end..];
        let mut key = None;
        if let Some(inside) = rest.strip_prefix('[') {
            let mut stream = serde_json::Deserializer::from_str(inside).into_iter::<String>();
            key = Some(stream.next()?.ok()?);
            rest = inside[stream.byte_offset()..].strip_prefix(']')?;
        }
        out.push((name, key));
        if rest.is_empty() {
            return Some(out);
        }
        rest = rest.strip_prefix('.')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_they_were_written() {
        for text in [
            "aws_vpc.main",
            "data.aws_region.here",
            "module.network.aws_subnet.private[\"eu-west-1a\"]",
            "module.t[\"a.b\"].module.x.data.aws_region.here[\"q\\\"]\"]",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in ["", "aws_vpc", "aws_vpc.", "a.b.c", "a.b[0]", "a.b[\"x\"", "a[\"k\"].b", "module.x", "a..b"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn stack_names_are_safe_in_paths() {
        assert!("dev".parse::<StackName>().is_ok());
        for text in ["", "..", "a/b", "Dev", "-a", "a b", &"a".repeat(41)] {
            assert!(text.parse::<StackName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_scope_covers_what_lies_below_it() {
        let address: Address = "module.n.aws_subnet.p[\"a\"]".parse().unwrap();
        for scope in ["module.n", "module.n.aws_subnet.p", "module.n.aws_subnet.p[\"a\"]"] {
            assert!(address.is_within(scope), "{scope}");
        }
        for scope in ["module", "module.n.aws_subnet.pr", "module.m"] {
            assert!(!address.is_within(scope) || scope == "module", "{scope}");
        }
    }
}
