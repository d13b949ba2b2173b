//! Every function against the results that Terraform documents for it.

mod collections;
mod encoding;
mod files;
mod hostile;
mod marks;
mod network;
mod numbers;
mod text;

use std::collections::BTreeSet;

use super::super::files::Files;
use super::{CallError, call, names, signature};
use crate::value::{Type, Value};

/// A function, its arguments, its result.
type Case = (&'static str, Vec<Value>, Value);

fn s(text: &str) -> Value {
    Value::from(text)
}
fn n(number: i64) -> Value {
    Value::from(number)
}
fn d(decimal: &str) -> Value {
    Value::Number(decimal.parse().unwrap())
}
fn b(it: bool) -> Value {
    Value::from(it)
}
/// A list of strings.
fn ls<const N: usize>(texts: [&str; N]) -> Value {
    Value::list(texts.map(s))
}
/// A tuple of strings: what a user's `["a", "b"]` is.
fn ts<const N: usize>(texts: [&str; N]) -> Value {
    Value::tuple(texts.map(s))
}
/// A set of strings.
fn ss<const N: usize>(texts: [&str; N]) -> Value {
    Value::set(texts.map(s))
}
fn l<const N: usize>(items: [Value; N]) -> Value {
    Value::list(items)
}
fn t<const N: usize>(items: [Value; N]) -> Value {
    Value::tuple(items)
}
fn o<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::object(members)
}
fn m<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::map(members)
}
fn unknown(ty: Type) -> Value {
    Value::unknown(ty, "aws_vpc.main".parse().unwrap(), "id")
}

/// A repository of two files.
struct Repository;

impl Files for Repository {
    fn decrypt(&self, path: &str) -> Result<Option<String>, String> {
        match path {
            "secret.yaml" => Ok(Some("{\"password\":\"x\"}".to_owned())),
            "later.yaml" => Ok(None),
            _ => Err(format!("no key opens {path}")),
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "hello.txt" => Ok(b"Hello World".to_vec()),
            "binary" => Ok(vec![0xff, 0x00]),
            _ => Err(format!("there is no file {path}")),
        }
    }
    fn exists(&self, path: &str) -> Result<bool, String> {
        Ok(self.read(path).is_ok())
    }
    fn glob(&self, dir: &str, pattern: &str) -> Result<Vec<String>, String> {
        match (dir, pattern) {
            (".", "*.txt") => Ok(vec!["hello.txt".into()]),
            _ => Ok(Vec::new()),
        }
    }
    fn absolute(&self, path: &str) -> Result<String, String> {
        Ok(format!("/repository/stacks/dev/{path}"))
    }
}

fn run(name: &str, arguments: &[Value]) -> Result<Value, CallError> {
    call(name, arguments, &Repository)
}

/// Asserts that the call fails at the argument, with a message that contains `problem`.
fn refuses(name: &str, arguments: &[Value], argument: Option<usize>, problem: &str) {
    let error = run(name, arguments).expect_err(name);
    assert!(error.message.contains(problem), "{name}{arguments:?}: {error}");
    assert_eq!(error.argument, argument, "{name}{arguments:?}: {error}");
}

fn cases() -> Vec<Case> {
    [collections::cases(), encoding::cases(), files::cases(), network::cases(), numbers::cases(), text::cases()].concat()
}

#[test]
fn documented_results() {
    let mut wrong = Vec::new();
    for (name, arguments, expected) in cases() {
        let result = run(name, &arguments);
        if result.as_ref() != Ok(&expected) {
            wrong.push(format!("{name}{arguments:?}\n  expected {expected:?} ({})\n  is {result:?}", expected.type_of()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_has_a_documented_result() {
    let shown: BTreeSet<_> = cases().into_iter().map(|(name, ..)| name).collect();
    let missing: Vec<_> = names().filter(|it| !shown.contains(it)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_function_is_described() {
    for name in names() {
        let signature = signature(name).unwrap();
        assert!(signature.doc.ends_with('.') && signature.doc.len() < 140, "{name}: {}", signature.doc);
        assert!(signature.optional <= signature.parameters.len());
        assert!(signature.variadic.is_none() || signature.optional == 0);
    }
    assert_eq!(signature("lookup").unwrap().to_string(), "lookup(map: map(any), key: string, default?: any) → any");
    assert_eq!(signature("join").unwrap().to_string(), "join(separator: string, lists...: list(string)) → string");
}

#[test]
fn what_is_refused_says_why() {
    for name in ["timestamp", "plantimestamp", "uuid", "bcrypt", "rsadecrypt", "list", "map"] {
        refuses(name, &[], None, &format!("{name} cannot be used: "));
    }
    refuses("provider::aws::arn_parse", &[], None, "there are no providers");
    refuses("frobnicate", &[], None, "there is no function named \"frobnicate\"");
}

#[test]
fn wrong_arguments_are_named() {
    refuses("upper", &[], None, "1 argument required, 0 given: upper(string: string) → string");
    refuses("upper", &[s("a"), s("b")], Some(1), "1 argument required, 2 given");
    refuses("lookup", &[o([])], None, "2 to 3 arguments required");
    refuses("max", &[], None, "at least 1 argument required");
    refuses("upper", &[Value::Null], Some(0), "string must not be null");
    refuses("upper", &[t([])], Some(0), "a string is required, this is a list");
    refuses("abs", &[s("x")], Some(0), "a number is required");
    refuses("keys", &[ls(["a"])], Some(0), "a map or an object is required");
    refuses("join", &[s(","), unknown(Type::String)], Some(1), "a list of strings is required");
    refuses("upper", &[unknown(Type::list(Type::String))], Some(0), "a string is required");
}
