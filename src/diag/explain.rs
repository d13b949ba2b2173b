//! The pages behind the codes: `infra explain stale-plan`.

/// The page of a code, Markdown.
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.binary_search_by_key(&code, |(it, _)| it).ok().and_then(|at| PAGES.get(at)).map(|(_, page)| *page)
}

/// All codes, sorted.
pub fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(($code, include_str!(concat!("pages/", $code, ".md")))),*]
    };
}

/// Sorted by code.
const PAGES: &[(&str, &str)] = pages! {};
