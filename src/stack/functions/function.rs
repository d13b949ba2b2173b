//! [`Function`]: a signature, and a body that is spared what all functions have in common.

use std::fmt;

use super::limits::Contents;
use super::unify::{to_list, to_set};
use super::{Answer, CallError, Files};
use crate::value::{Number, Type, Value};

/// What a parameter takes, or a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Any,
    Bool,
    Number,
    String,
    /// A list of one type; tuples and sets are converted.
    List,
    /// `list(string)`
    Strings,
    /// `list(bool)`
    Bools,
    /// `map(list(string))`
    StringLists,
    /// A set of one type; lists and tuples are converted.
    Set,
    /// `set(string)`
    StringSet,
    /// A list, tuple or set, as it is.
    Sequence,
    /// A map or an object, as it is.
    Map,
}

impl Shape {
    pub fn as_type(self) -> Type {
        match self {
            Self::Any | Self::Sequence | Self::Map => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List => Type::list(Type::Any),
            Self::Strings => Type::list(Type::String),
            Self::Bools => Type::list(Type::Bool),
            Self::StringLists => Type::map(Type::list(Type::String)),
            Self::Set => Type::set(Type::Any),
            Self::StringSet => Type::set(Type::String),
        }
    }

    /// The value in this shape. Unknown values keep their provenance and take the type, if it can become that one.
    fn fit(self, value: &Value) -> Result<Value, String> {
        let wrong = || format!("{} is required, this is {}", self.friendly(), value.kind());
        match (self, value) {
            (_, Value::Unknown(unknown)) if !self.admits(&unknown.ty) => Err(wrong()),
            (_, Value::Unknown(_) | Value::Digest(_)) | (Self::Any, _) => Ok(value.clone()),
            (Self::Sequence, Value::List(_) | Value::Tuple(_) | Value::Set(_)) => Ok(value.clone()),
            (Self::Map, Value::Map(_) | Value::Object(_)) => Ok(value.clone()),
            (Self::Sequence | Self::Map, _) => Err(wrong()),
            (Self::List, _) => to_list(value),
            (Self::Set, _) => to_set(value),
            (Self::Bool | Self::Number | Self::String, Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                value.convert(&self.as_type()).map_err(|e| e.to_string())
            }
            (Self::Bool | Self::Number | Self::String, _) => Err(wrong()),
            (Self::Strings | Self::Bools | Self::StringLists | Self::StringSet, _) => {
                Contents::of([value]).map_err(|e| e.message)?;
                value.convert(&self.as_type()).map_err(|e| e.to_string())
            }
        }
    }

    /// Whether a value that will have the type `ty` can be used.
    fn admits(self, ty: &Type) -> bool {
        let scalar = matches!(ty, Type::Bool | Type::Number | Type::String);
        let keyed = matches!(ty, Type::Map(_) | Type::Object(_));
        match self {
            _ if *ty == Type::Any => true,
            Self::Any => true,
            Self::Bool | Self::Number => scalar && (*ty == self.as_type() || *ty == Type::String),
            Self::String => scalar,
            Self::List | Self::Strings | Self::Bools | Self::Set | Self::StringSet | Self::Sequence => !scalar && !keyed,
            Self::StringLists | Self::Map => keyed,
        }
    }

    fn friendly(self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List | Self::Sequence => "a list, tuple or set",
            Self::Strings => "a list of strings",
            Self::Bools => "a list of bools",
            Self::StringLists => "a map of lists of strings",
            Self::Set | Self::StringSet => "a set",
            Self::Map => "a map or an object",
        }
    }
}

/// As in a stack file's type expressions.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::List | Self::Sequence => "list(any)",
            Self::Strings => "list(string)",
            Self::Bools => "list(bool)",
            Self::StringLists => "map(list(string))",
            Self::Set => "set(any)",
            Self::StringSet => "set(string)",
            Self::Map => "map(any)",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub shape: Shape,
    /// Whether null may be given.
    pub null: bool,
}

impl Parameter {
    pub(super) const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, null: false }
    }
    pub(super) const fn or_null(self) -> Self {
        Self { null: true, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: &'static str,
    pub parameters: &'static [Parameter],
    /// How many of `parameters` may be left out at the end.
    pub optional: usize,
    /// What any number of further arguments are.
    pub variadic: Option<Parameter>,
    pub returns: Shape,
    /// One sentence.
    pub doc: &'static str,
}

/// `substr(string: string, offset: number, length: number) → string`
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let required = self.parameters.len() - self.optional;
        let mut shown = Vec::new();
        for (at, it) in self.parameters.iter().enumerate() {
            shown.push(format!("{}{}: {}", it.name, if at < required { "" } else { "?" }, it.shape));
        }
        shown.extend(self.variadic.iter().map(|it| format!("{}...: {}", it.name, it.shape)));
        write!(f, "{}({}) → {}", self.name, shown.join(", "), self.returns)
    }
}

/// What a function does, and how much of the common rules it leaves to the caller.
pub(super) enum Body {
    /// Gets arguments that are known and clear at every depth. The result of others is unknown or sensitive as a whole.
    Known(fn(&Arguments) -> Answer),
    /// As `Known`, and may read files.
    Reads(fn(&Arguments, &dyn Files) -> Answer),
    /// Gets arguments that are themselves known and clear; their members may not be, and are passed on as they are.
    Members(fn(&Arguments) -> Answer),
    /// Gets the arguments as they are.
    Raw(fn(&Arguments) -> Answer),
}

pub(super) struct Function {
    pub signature: Signature,
    body: Body,
}

impl Function {
    pub const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: Shape,
        body: Body,
        doc: &'static str,
    ) -> Self {
        Self { signature: Signature { name, parameters, optional: 0, variadic: None, returns, doc }, body }
    }

    pub const fn optional(mut self, count: usize) -> Self {
        self.signature.optional = count;
        self
    }

    pub const fn variadic(mut self, parameter: Parameter) -> Self {
        self.signature.variadic = Some(parameter);
        self
    }

    pub fn call(&self, arguments: &[Value], files: &dyn Files) -> Answer {
        self.check_count(arguments.len())?;
        let unknown = |it: &[Value]| Value::unknown_from(self.signature.returns.as_type(), it);
        match self.body {
            Body::Known(body) => self.with_known(arguments, body),
            Body::Reads(body) => self.with_known(arguments, |it| body(it, files)),
            Body::Raw(body) => body(&Arguments(self.fitted(arguments)?)),
            Body::Members(body) => {
                let marked = arguments.iter().any(|it| matches!(it, Value::Sensitive(_) | Value::Digest(_)));
                let clear: Vec<_> = arguments.iter().map(|it| it.unmark().0.clone()).collect();
                let fitted = self.fitted(&clear).map_err(|e| hide(e, marked))?;
                let waits = fitted.iter().any(|it| matches!(it, Value::Unknown(_) | Value::Digest(_)));
                let result = match waits {
                    true => Contents::of(&fitted).map(|_| unknown(&fitted)),
                    false => body(&Arguments(fitted)),
                };
                Ok(result.map_err(|e| hide(e, marked))?.mark(marked))
            }
        }
    }

    fn with_known(&self, arguments: &[Value], body: impl FnOnce(&Arguments) -> Answer) -> Answer {
        let contents = Contents::of(arguments)?;
        let clear: Vec<_> = match contents.sensitive {
            true => arguments.iter().map(|it| it.unmark_deep().0).collect(),
            false => arguments.to_vec(),
        };
        let result = self.fitted(&clear).and_then(|fitted| match contents.unknown {
            true => Ok(Value::unknown_from(self.signature.returns.as_type(), &fitted)),
            false => body(&Arguments(fitted)),
        });
        Ok(result.map_err(|e| hide(e, contents.sensitive))?.mark(contents.sensitive))
    }

    fn check_count(&self, count: usize) -> Result<(), CallError> {
        let Signature { parameters, optional, variadic, .. } = &self.signature;
        let least = parameters.len() - optional;
        if count < least || count > parameters.len() && variadic.is_none() {
            let plural = |count: usize| if count == 1 { "" } else { "s" };
            let wanted = match (variadic.is_some(), *optional) {
                (true, _) => format!("at least {least} argument{}", plural(least)),
                (false, 0) => format!("{least} argument{}", plural(least)),
                (false, _) => format!("{least} to {} arguments", parameters.len()),
            };
            let argument = (count > parameters.len()).then_some(parameters.len());
            return Err(CallError { argument, message: format!("{wanted} required, {count} given: {}", self.signature) });
        }
        Ok(())
    }

    fn fitted(&self, arguments: &[Value]) -> Result<Vec<Value>, CallError> {
        let parameters = self.signature.parameters.iter().chain(self.signature.variadic.iter().cycle());
        let fit = |(at, (value, parameter)): (usize, (&Value, &Parameter))| {
            let (clear, marked) = value.unmark();
            if *clear == Value::Null {
                let problem = || CallError::at(at, format!("{} must not be null", parameter.name));
                return parameter.null.then(|| value.clone()).ok_or_else(problem);
            }
            let fitted = parameter.shape.fit(clear).map_err(|e| {
                let secret = marked || Contents::of([clear]).is_ok_and(|it| it.sensitive);
                hide(CallError::at(at, e), secret)
            });
            Ok(fitted?.mark(marked))
        };
        arguments.iter().zip(parameters).enumerate().map(fit).collect()
    }
}

/// An error about a sensitive argument must not quote it.
fn hide(error: CallError, secret: bool) -> CallError {
    match secret {
        true => {
            CallError { message: "the arguments do not fit; the reason is not shown, because one is sensitive".into(), ..error }
        }
        false => error,
    }
}

/// Arguments in the shapes that the signature demands, so that asking for another one is a mistake in the signature.
pub(super) struct Arguments(Vec<Value>);

impl Arguments {
    pub fn all(&self) -> &[Value] {
        &self.0
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// From the argument `at` on: the variadic ones.
    pub fn rest(&self, at: usize) -> &[Value] {
        self.0.get(at..).unwrap_or_default()
    }

    pub fn value(&self, at: usize) -> &Value {
        self.0.get(at).unwrap_or(&Value::Null)
    }

    pub fn text(&self, at: usize) -> &str {
        self.value(at).as_str().unwrap_or_default()
    }

    pub fn number(&self, at: usize) -> Number {
        match self.value(at) {
            Value::Number(number) => number.clone(),
            _ => 0.into(),
        }
    }

    pub fn whole(&self, at: usize) -> Result<i64, CallError> {
        self.number(at).as_i64().ok_or_else(|| CallError::at(at, "a whole number is required"))
    }

    /// A whole number that is not negative.
    pub fn size(&self, at: usize) -> Result<usize, CallError> {
        let problem = || CallError::at(at, "a whole number that is not negative is required");
        self.number(at).as_i64().and_then(|it| usize::try_from(it).ok()).ok_or_else(problem)
    }

    pub fn items(&self, at: usize) -> Vec<&Value> {
        self.value(at).items().unwrap_or_default()
    }

    /// The texts of a list of strings, none of which may be null.
    pub fn texts(&self, at: usize) -> Result<Vec<&str>, CallError> {
        let text = |(index, it): (usize, &'_ Value)| match it {
            Value::String(_) => Ok(()),
            _ => Err(CallError::at(at, format!("element {index} is null"))),
        };
        let items = self.items(at);
        items.iter().enumerate().try_for_each(|(index, it)| text((index, it)))?;
        Ok(items.into_iter().filter_map(Value::as_str).collect())
    }
}

/// `list(string)` of texts.
pub(super) fn strings<T: Into<std::sync::Arc<str>>>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::list(texts.into_iter().map(|it| Value::string(it)))
}
