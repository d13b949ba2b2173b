//! Pages of a list, as AWS cuts them.
//!
//! A list is asked of moto once and cut here: its answers take seconds where there are hundreds of entries.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::gateway::{Call, Refusal};
use crate::xml::Node;
use crate::{ids, lock};

/// Lists with pages still to come; the oldest go first. AWS's tokens expire too.
const KEPT: usize = 64;

/// Lists that were cut, so that any page can be read, and read again.
#[derive(Default)]
pub struct Listings(Mutex<VecDeque<Listing>>);

struct Listing {
    id: String,
    question: String,
    items: Vec<Node>,
}

/// Which part of a list is asked for.
pub struct Page {
    size: usize,
    pub token: Option<String>,
    /// Who asks for what; a token is good only for the same question.
    question: String,
}

impl Page {
    /// Takes the paging parameters out of a call. `largest` is AWS's largest page, 0 where AWS has none.
    pub fn asked(call: &mut Call, largest: usize, limit: Option<usize>) -> Result<Self, Refusal> {
        let said = call.form.canonical(&["MaxResults", "NextToken", "Version"]);
        let question = format!("{}/{}/{said}", call.account, call.region);
        let asked = call.form.take("MaxResults").filter(|_| largest > 0);
        let token = call.form.take("NextToken").filter(|token| !token.is_empty());
        let mut size = match largest {
            0 => usize::MAX,
            largest => limit.unwrap_or(largest).clamp(1, largest),
        };
        if let Some(text) = asked {
            let asked = text.parse().ok().filter(|asked| (5..=largest.max(1000)).contains(asked));
            let asked = asked.ok_or_else(|| {
                Refusal::new(
                    "InvalidParameterValue",
                    format!("Value ( {text} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."),
                )
            })?;
            size = size.min(asked);
        }
        Ok(Self { size, token, question })
    }
}

impl Listings {
    /// The first page of a list, and the token of the next.
    pub fn first(&self, items: Vec<Node>, page: &Page) -> (Vec<Node>, Option<String>) {
        if items.len() <= page.size {
            return (items, None);
        }
        let id = ids::request_id();
        let first = items[..page.size].to_vec();
        let mut listings = lock(&self.0);
        if listings.len() == KEPT {
            listings.pop_front();
        }
        let next = token(&id, page.size);
        listings.push_back(Listing { id, question: page.question.clone(), items });
        (first, Some(next))
    }

    /// The page that a token stands for, and the token of the next.
    pub fn page(&self, given: &str, page: &Page) -> Result<(Vec<Node>, Option<String>), Refusal> {
        let found = || {
            let (id, from) = read(given)?;
            let listings = lock(&self.0);
            let listing = listings.iter().find(|listing| listing.id == id && listing.question == page.question)?;
            let rest = listing.items.get(from..)?;
            let size = page.size.min(rest.len());
            let next = (size < rest.len()).then(|| token(&id, from + size));
            Some((rest[..size].to_vec(), next))
        };
        found().ok_or_else(|| Refusal::new("InvalidNextToken", format!("Invalid token: {given}")))
    }
}

fn token(id: &str, from: usize) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{id}/{from}"))
}

fn read(token: &str) -> Option<(String, usize)> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(token).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, from) = text.split_once('/')?;
    Some((id.to_owned(), from.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_can_be_read_twice_and_by_the_same_question_only() {
        let page = |question: &str| Page { size: 2, token: None, question: question.to_owned() };
        let items = ["a", "b", "c", "d", "e"].map(Node::new).to_vec();
        let listings = Listings::default();
        let (first, next) = listings.first(items, &page("mine"));
        let next = next.expect("more");
        let names = |items: &[Node]| items.iter().map(|item| item.name.clone()).collect::<String>();
        assert_eq!(names(&first), "ab");
        for _ in 0..2 {
            let (second, last) = listings.page(&next, &page("mine")).expect("a page");
            assert_eq!(names(&second), "cd");
            let (third, none) = listings.page(&last.expect("more"), &page("mine")).expect("a page");
            assert_eq!((names(&third).as_str(), none), ("e", None));
        }
        assert!(listings.page(&next, &page("yours")).is_err());
        assert!(listings.page("banana", &page("mine")).is_err());
    }
}
