//! Texts. A character is what a reader takes for one: a grapheme cluster, as in Terraform.

use unicode_segmentation::UnicodeSegmentation;

use super::function::{Arguments, Body, Function, Parameter, Shape, strings};
use super::limits::{bytes, elements};
use super::{Answer, CallError};
use crate::value::Value;

const TEXT: Parameter = Parameter::new("string", Shape::String);
const PART: Parameter = Parameter::new("substring", Shape::String);

pub(super) const FUNCTIONS: &[Function] = &[
    function("chomp", &[TEXT], chomp, "The text without line breaks at its end."),
    test("endswith", |it| Ok(it.text(0).ends_with(it.text(1)).into()), "Whether the text ends with the other."),
    function(
        "indent",
        &[Parameter::new("spaces", Shape::Number), TEXT],
        indent,
        "The text with every line but the first moved right.",
    ),
    function(
        "join",
        &[Parameter::new("separator", Shape::String)],
        join,
        "The texts of the lists with the separator between them.",
    )
    .variadic(Parameter::new("lists", Shape::Strings)),
    function("lower", &[TEXT], |it| text(it.text(0).to_lowercase()), "The text in small letters."),
    Function::new(
        "split",
        &[Parameter::new("separator", Shape::String), TEXT],
        Shape::Strings,
        Body::Known(split),
        "The parts of the text between the separators.",
    ),
    test("startswith", |it| Ok(it.text(0).starts_with(it.text(1)).into()), "Whether the text starts with the other."),
    test("strcontains", |it| Ok(it.text(0).contains(it.text(1)).into()), "Whether the other occurs in the text."),
    function("strrev", &[TEXT], |it| text(it.text(0).graphemes(true).rev().collect::<String>()), "The characters in reverse."),
    function(
        "substr",
        &[TEXT, Parameter::new("offset", Shape::Number), Parameter::new("length", Shape::Number)],
        substr,
        "A part of the text; a negative offset counts from the end, a negative length takes all that is left.",
    ),
    function("title", &[TEXT], |it| text(title(it.text(0))), "The text with the first letter of every word a capital."),
    function(
        "trim",
        &[TEXT, Parameter::new("characters", Shape::String)],
        |it| text(it.text(0).trim_matches(|c| it.text(1).contains(c))),
        "The text without any of the characters at its start and end.",
    ),
    function(
        "trimprefix",
        &[TEXT, Parameter::new("prefix", Shape::String)],
        |it| text(it.text(0).strip_prefix(it.text(1)).unwrap_or(it.text(0))),
        "The text without the prefix.",
    ),
    function("trimspace", &[TEXT], |it| text(it.text(0).trim()), "The text without space at its start and end."),
    function(
        "trimsuffix",
        &[TEXT, Parameter::new("suffix", Shape::String)],
        |it| text(it.text(0).strip_suffix(it.text(1)).unwrap_or(it.text(0))),
        "The text without the suffix.",
    ),
    function("upper", &[TEXT], |it| text(it.text(0).to_uppercase()), "The text in capitals."),
];

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    body: fn(&Arguments) -> Answer,
    doc: &'static str,
) -> Function {
    Function::new(name, parameters, Shape::String, Body::Known(body), doc)
}

/// A question about two texts.
const fn test(name: &'static str, body: fn(&Arguments) -> Answer, doc: &'static str) -> Function {
    Function::new(name, &[TEXT, PART], Shape::Bool, Body::Known(body), doc)
}

fn text(text: impl Into<std::sync::Arc<str>>) -> Answer {
    Ok(Value::string(text))
}

fn chomp(it: &Arguments) -> Answer {
    text(it.text(0).trim_end_matches(['\r', '\n']))
}

fn indent(it: &Arguments) -> Answer {
    let spaces = it.size(0)?;
    let lines = it.text(1).matches('\n').count();
    bytes(spaces.checked_mul(lines).and_then(|more| more.checked_add(it.text(1).len())))?;
    text(it.text(1).replace('\n', &format!("\n{}", " ".repeat(if lines == 0 { 0 } else { spaces }))))
}

fn join(it: &Arguments) -> Answer {
    let mut texts = Vec::new();
    for at in 1..it.count() {
        texts.extend(it.texts(at)?);
    }
    if it.count() < 2 {
        return Err(CallError::new("at least one list is required"));
    }
    let separators = it.text(0).len().checked_mul(texts.len());
    bytes(separators.and_then(|more| texts.iter().try_fold(more, |sum, it| sum.checked_add(it.len()))))?;
    text(texts.join(it.text(0)))
}

fn split(it: &Arguments) -> Answer {
    let (separator, text) = (it.text(0), it.text(1));
    elements(text.matches(separator).count().checked_add(1))?;
    if separator.is_empty() {
        return Ok(strings(text.chars().map(String::from)));
    }
    Ok(strings(text.split(separator)))
}

fn substr(it: &Arguments) -> Answer {
    let (offset, length) = (it.whole(1)?, it.whole(2)?);
    let distance = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
    let skipped = match offset < 0 {
        true => it.text(0).graphemes(true).count().saturating_sub(distance),
        false => distance,
    };
    let taken = usize::try_from(length).unwrap_or(usize::MAX);
    text(it.text(0).graphemes(true).skip(skipped).take(taken).collect::<String>())
}

/// A word starts behind anything but a letter, a digit or an underscore; beyond ASCII only behind space.
fn title(text: &str) -> String {
    let separates = |c: char| match c.is_ascii() {
        true => !c.is_ascii_alphanumeric() && c != '_',
        false => !c.is_alphanumeric() && c.is_whitespace(),
    };
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match separates(before) {
            true => out.extend(c.to_uppercase()),
            false => out.push(c),
        }
        before = c;
    }
    out
}
