//! The layers, and what must be registered or documented.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(below: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries.map(|it| it.unwrap().path()) {
            match entry.is_dir() {
                true => walk(&entry, out),
                false if entry.extension().is_some_and(|it| it == "rs") => out.push(entry),
                false => {}
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join(below), &mut paths);
    paths.sort();
    let relative = |it: &Path| it.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    paths.iter().map(|it| (relative(it), fs::read_to_string(it).unwrap())).collect()
}

/// Whether the whole file is tests: `tests.rs`, or what lies in a folder `tests`.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The code without its tests (everything from the first `#[cfg(test)]` on), comments and texts: what a message says about
/// `aws_vpc` is the user's language, not a crate.
fn product(text: &str) -> String {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    let not_code = Regex::new(r##"//[^\n]*|(?s:r#".*?"#)|'(?:\\.|[^\\'])'|(?s:"(?:\\.|[^"\\])*")"##).unwrap();
    not_code.replace_all(&text[..end], "").into_owned()
}

/// Whether the code names `path` (`crate::plan`, `tokio`) as a whole word, alone or in a `use crate::{…}`.
fn mentions(code: &str, path: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let plainly = code.match_indices(path).any(|(at, _)| {
        let after = code[at + path.len()..].chars().next();
        let open_end = path.ends_with('_') || !word(after);
        !word(code[..at].chars().next_back()) && open_end
    });
    let Some(module) = path.strip_prefix("crate::") else { return plainly };
    let grouped = code.split("use crate::{").skip(1).filter_map(|it| it.split("};").next());
    plainly || grouped.into_iter().any(|it| mentions(it, module))
}

/// `architecture.md` §2: who must never see what.
#[test]
fn layers_look_down_only() {
    let words: &[&str] = &["address", "value", "schema", "diag", "remote", "graph", "object"];
    let forbidden: &[(&[&str], &[&str])] = &[
        (words, &["tokio", "std::fs", "std::env", "std::time::SystemTime", "std::time::Instant", "kube"]),
        (
            words,
            &["crate::stack", "crate::state", "crate::plan", "crate::apply", "crate::cloud", "crate::store", "crate::catalog"],
        ),
        (&["stack"], &["crate::plan", "crate::apply", "crate::catalog", "crate::state", "crate::cloud", "crate::store", "tokio"]),
        (&["state"], &["crate::plan", "crate::apply", "crate::catalog", "crate::stack", "crate::cloud", "crate::store", "tokio"]),
        (&["plan"], &["crate::apply", "crate::cloud", "crate::store", "crate::catalog", "tokio", "std::fs", "std::env"]),
        (&["apply"], &["crate::cloud", "crate::store", "crate::catalog", "tokio"]),
        (&["cloud", "store", "resource", "secrets", "apply/drive"], &["crate::cli", "crate::report"]),
        (&["catalog"], &["crate::stack", "crate::state", "crate::plan", "crate::apply", "crate::store", "crate::cli"]),
        (&["report", "drift"], &["crate::catalog"]),
        (&["sim"], &["crate::catalog", "kube"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src").into_iter().filter(|(path, _)| !is_test(path)) {
        let place = path.trim_start_matches("src/").trim_end_matches(".rs");
        let within = |module: &str| place == module || place.starts_with(&format!("{module}/"));
        let code = product(&text);
        for (modules, names) in forbidden {
            // The driver is the one part of `apply` that lives at the edge.
            let edge = within("apply/drive") && *modules == ["apply"];
            if edge || !modules.iter().any(|it| within(it)) {
                continue;
            }
            wrong.extend(names.iter().filter(|it| mentions(&code, it)).map(|it| format!("{path} mentions {it}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_test_itself_sees_grouped_uses() {
    assert!(mentions("use crate::{address::Address, plan::Plan};", "crate::plan"));
    assert!(mentions("use aws_sdk_s3::Client;", "aws_"));
    assert!(!mentions("use crate::planet;", "crate::plan"));
}

#[test]
fn the_test_itself_reads_code_only() {
    let text = "use a::b; // tokio\nlet c = '\"'; say(\"aws_vpc \\\" tokio\", r#\"kube \"x\" \"#);\nuse d::e;";
    let code = product(text);
    assert!(code.contains("use a::b;") && code.contains("use d::e;"), "{code}");
    assert!(["tokio", "aws_", "kube"].iter().all(|it| !code.contains(it)), "{code}");
}

/// AWS and Kubernetes are named where they are reached, and nowhere else.
#[test]
fn only_the_edges_know_the_sdks() {
    // The SDK's crates by name: resource types are called `aws_…` too.
    let sdk = ["aws_config", "aws_credential_types", "aws_sdk_", "aws_sigv4", "aws_smithy_", "aws_types"];
    let may_aws = |path: &str| ["src/catalog", "src/cloud", "src/store"].iter().any(|it| path.starts_with(it));
    let may_kube = |path: &str| path.starts_with("src/cloud/kube") || path.starts_with("src/catalog/kubernetes");
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        let code = product(&text);
        if sdk.iter().any(|it| mentions(&code, it)) && !may_aws(&path) {
            wrong.push(format!("{path} names an AWS SDK crate"));
        }
        if mentions(&code, "kube::") && !may_kube(&path) {
            wrong.push(format!("{path} names kube"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing prints but the writers that `main` made.
#[test]
fn nothing_prints_by_itself() {
    let prints = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    let wrong: Vec<_> = rust_files("src")
        .into_iter()
        .filter(|(path, _)| path != "src/main.rs")
        .filter(|(_, text)| prints.iter().any(|it| mentions(&product(text), it)))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every file says in its first line what it is for.
#[test]
fn every_file_has_a_headline() {
    let bare: Vec<_> = rust_files("src")
        .into_iter()
        .chain(rust_files("localstack/src"))
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

/// One type, one file, one line in the catalogue.
#[test]
fn every_type_is_registered() {
    let registered = fs::read_to_string(root().join("src/catalog.rs")).unwrap();
    let missing: Vec<_> = rust_files("src/catalog")
        .into_iter()
        .filter(|(_, text)| {
            text.contains("const TYPE: &'static str") && (text.contains("impl Resource for") || text.contains("impl Data for"))
        })
        .filter(|(path, _)| {
            let module = path.trim_start_matches("src/catalog/").trim_end_matches(".rs").replace('/', "::");
            !registered.contains(&module)
        })
        .map(|(path, _)| path)
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Two TLS stacks would be twice the build time, and advisories (see `deny.toml`).
#[test]
fn there_is_one_tls_stack() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages: BTreeSet<(&str, &str)> = lock
        .split("[[package]]")
        .skip(1)
        .filter_map(|it| {
            let field =
                |name: &str| it.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'));
            Some((field("name")?, field("version")?))
        })
        .collect();
    for unwanted in ["openssl", "openssl-sys", "native-tls", "aws-lc-sys", "aws-lc-rs"] {
        assert!(!packages.iter().any(|(name, _)| *name == unwanted), "{unwanted} is in Cargo.lock");
    }
    assert!(!packages.iter().any(|(name, version)| *name == "hyper" && version.starts_with("0.")), "hyper 0.x is in Cargo.lock");
}
