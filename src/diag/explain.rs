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
const PAGES: &[(&str, &str)] = pages! {
    "access-denied"
    "address"
    "already-recorded"
    "bad-address"
    "bad-argument"
    "bad-arn"
    "bad-cidr"
    "bad-json"
    "bad-labels"
    "bad-name"
    "bad-number"
    "bad-object"
    "bad-path"
    "bad-reference"
    "bad-template"
    "bad-type"
    "bad-value"
    "bad-variable"
    "bad-yaml"
    "bucket-taken"
    "bug"
    "cannot-purge"
    "check"
    "ci-local-state"
    "cluster-access"
    "computed-attribute"
    "conflicting"
    "credentials-expired"
    "credentials-short"
    "cycle"
    "deferred"
    "deleted-in-use"
    "disabled-reference"
    "duplicate-attribute"
    "duplicate-block"
    "duplicate-key"
    "duplicate-object"
    "each-outside"
    "empty-folder"
    "encrypted"
    "endpoint-mismatch"
    "files-say-otherwise"
    "for-each-list"
    "foreign-resource"
    "format"
    "gone"
    "held-by-process"
    "import-differs"
    "import-missing"
    "import-target"
    "in-use"
    "invalid-move"
    "io"
    "kubeconfig"
    "literal-only"
    "lock-lost"
    "locked"
    "lost-state"
    "missing-argument"
    "missing-attribute"
    "missing-variable"
    "module-cycle"
    "module-not-found"
    "module-source"
    "move-conflict"
    "name-taken"
    "no-cluster"
    "no-count"
    "no-credentials"
    "no-dynamic"
    "no-instance"
    "no-key"
    "no-member"
    "no-objects"
    "no-output"
    "no-run"
    "no-stacks"
    "no-state"
    "no-store"
    "no-such-code"
    "no-such-stack"
    "no-tags"
    "no-version"
    "nobody-to-ask"
    "not-a-block"
    "not-an-attribute"
    "not-confirmed"
    "not-encrypted"
    "not-held"
    "not-in-a-module"
    "not-in-files"
    "not-known"
    "not-recorded"
    "not-settled"
    "not-stored"
    "not-terraform"
    "nothing-tagged"
    "null-value"
    "object-refused"
    "older-state"
    "one-context"
    "open-intents"
    "outside"
    "part-of-another"
    "plan-file-damaged"
    "plan-file-foreign"
    "plan-file-newer"
    "plan-file-other-stack"
    "postcondition"
    "precondition"
    "prevent-destroy"
    "prevent-replace"
    "quota"
    "refused"
    "refused-function"
    "refused-settings"
    "rehearsal"
    "secret-gone"
    "secret-kept"
    "self-outside"
    "sensitive"
    "sensitive-key"
    "sensitive-output"
    "several-lineages"
    "stack-name"
    "stale-plan"
    "state-damaged"
    "state-foreign"
    "state-newer"
    "state-of-another-stack"
    "syntax"
    "table-unfit"
    "throttled"
    "to-be-weighed"
    "too-deep"
    "too-large"
    "too-many-deletes"
    "unanswered"
    "unavailable"
    "unexpected-attribute"
    "unfit-object"
    "unguarded"
    "unknown-address"
    "unknown-argument"
    "unknown-attribute"
    "unknown-block"
    "unknown-function"
    "unknown-reference"
    "unknown-type"
    "unknown-variable"
    "unnoted"
    "unreachable"
    "unreadable"
    "unseen"
    "unsettled"
    "validation"
    "var-file"
    "which-instance"
    "which-stack"
    "would-go-along"
    "wrong-account"
    "wrong-region"
    "wrong-type"
    "wrong-version"
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use regex::Regex;

    use super::*;

    /// The sources of the crate, without this file and without tests.
    fn sources() -> String {
        fn walk(folder: &Path, out: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
                if path.is_dir() && name != "tests" {
                    walk(&path, out);
                } else if name.ends_with(".rs") && !path.ends_with("diag/explain.rs") && name != "tests.rs" {
                    let text = std::fs::read_to_string(&path).unwrap();
                    out.push_str(text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default());
                }
            }
        }
        let mut out = String::new();
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut out);
        out
    }

    #[test]
    fn every_code_that_is_used_has_a_page() {
        // The code is the first argument, or the second behind the place.
        let call = r#"\b(?:Diagnostic::(?:error|warning)|complain|fail|refuse)\(\s*(?:[\w.&*]+(?:\([^()"]*\))?,\s*)?"([a-z][a-z0-9-]*)""#;
        let sources = sources();
        let used: BTreeSet<&str> =
            Regex::new(call).unwrap().captures_iter(&sources).filter_map(|it| Some(it.get(1)?.as_str())).collect();
        assert!(used.len() > 80, "the pattern finds the codes: {used:?}");
        let without: Vec<_> = used.into_iter().filter(|it| page(it).is_none()).collect();
        assert_eq!(without, [""; 0]);
    }

    #[test]
    fn every_page_belongs_to_a_code_that_is_used() {
        let sources = sources();
        let unused: Vec<_> = codes().filter(|it| !sources.contains(&format!("\"{it}\""))).collect();
        assert_eq!(unused, [""; 0]);
    }

    #[test]
    fn pages_are_sorted_and_say_why_and_what_to_do() {
        assert!(PAGES.is_sorted_by(|a, b| a.0 < b.0));
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}\n")), "{code}");
            assert!(page.contains("## Why") && page.contains("## What to do"), "{code}");
        }
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diag/pages")).unwrap().count();
        assert_eq!(files, PAGES.len(), "every file is a page");
    }
}
