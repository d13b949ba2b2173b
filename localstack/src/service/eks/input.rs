//! What all EKS actions do with their input: required members, client tokens, pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::place::Place;
use super::refuse;
use crate::form::Form;
use crate::gateway::{Call, Local, Refusal};

const LARGEST_PAGE: usize = 100;

/// One call, read.
pub struct Input {
    /// The body; null without one.
    pub body: Value,
    pub path: Vec<String>,
    pub query: Form,
}

impl Input {
    pub fn of(call: &Call) -> Self {
        Self { body: call.json(), path: call.path(), query: Form::parse(call.parts.uri.query().unwrap_or_default()) }
    }

    /// A segment of the path; empty where there is none.
    pub fn segment(&self, index: usize) -> &str {
        self.path.get(index).map_or("", String::as_str)
    }

    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// A text member that must be there.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        match self.body[name].as_str() {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(refuse::parameter(format!("{name} is required."))),
        }
    }

    pub fn tags(&self) -> Value {
        self.body.get("tags").filter(|tags| tags.is_object()).cloned().unwrap_or_else(|| json!({}))
    }

    /// The answer to the same call made before with the same client token, while what it made is there.
    pub fn repeated_create(
        &self,
        place: &Place,
        action: &str,
        is_there: impl Fn(&Place) -> bool,
    ) -> Result<Option<Value>, Refusal> {
        if is_there(place) { self.repeated(place, action) } else { Ok(None) }
    }

    /// The answer to the same call made before with the same client token.
    pub fn repeated(&self, place: &Place, action: &str) -> Result<Option<Value>, Refusal> {
        let Some(token) = self.body["clientRequestToken"].as_str() else {
            return Ok(None);
        };
        match place.tokens.get(&self.token_key(action, token)) {
            None => Ok(None),
            Some((said, answer)) if *said == self.body => Ok(Some(answer.clone())),
            Some(_) => Err(refuse::parameter(format!("The client request token {token} was used before with other parameters."))),
        }
    }

    /// Remembers the answer for the case that the call comes again.
    pub fn remember(&self, place: &mut Place, action: &str, answer: &Value) {
        if let Some(token) = self.body["clientRequestToken"].as_str() {
            place.tokens.insert(self.token_key(action, token), (self.body.clone(), answer.clone()));
        }
    }

    fn token_key(&self, action: &str, token: &str) -> (String, String) {
        (format!("{action} {}", self.path.join("/")), token.to_owned())
    }

    /// One page of `all`, which are in the order of their keys. A token names the last one of the page before.
    pub fn page<T>(&self, local: &Local, call: &Call, all: Vec<(String, T)>) -> Result<(Vec<T>, Option<String>), Refusal> {
        let asked = match self.query.get("maxResults").map(str::parse::<usize>) {
            None => LARGEST_PAGE,
            Some(Ok(size @ 1..=LARGEST_PAGE)) => size,
            Some(_) => return Err(refuse::parameter(format!("maxResults must be between 1 and {LARGEST_PAGE}"))),
        };
        let size = asked.min(local.control.settings(&call.account).page_size.unwrap_or(usize::MAX)).max(1);
        let after = match self.query.get("nextToken") {
            None => None,
            Some(token) => Some(read_token(token)?),
        };
        let mut rest = all.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).peekable();
        let mut page = Vec::new();
        let mut last = String::new();
        while page.len() < size
            && let Some((key, value)) = rest.next()
        {
            page.push(value);
            last = key;
        }
        let next = rest.peek().is_some().then(|| URL_SAFE_NO_PAD.encode(&last));
        Ok((page, next))
    }

    /// A page as an answer with the list under `name`.
    pub fn page_answer<T: Into<Value>>(
        &self,
        local: &Local,
        call: &Call,
        name: &str,
        all: Vec<(String, T)>,
    ) -> Result<Value, Refusal> {
        let (page, next) = self.page(local, call, all)?;
        let page: Vec<Value> = page.into_iter().map(Into::into).collect();
        let mut answer = json!({name: page});
        if let Some(next) = next {
            answer["nextToken"] = json!(next);
        }
        Ok(answer)
    }
}

fn read_token(token: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| refuse::parameter("nextToken is not valid"))
}

/// The texts of a list.
pub fn texts(list: &Value) -> Vec<String> {
    let all = list.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}
