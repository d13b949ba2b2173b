//! `coverage.toml` names tests that exist.

use std::fs;
use std::path::Path;

#[test]
fn every_check_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("coverage.toml")).expect("coverage.toml");
    let coverage: toml::Table = text.parse().expect("TOML");
    for (kind, row) in &coverage {
        let list = |name: &str| {
            let values = row.get(name).and_then(toml::Value::as_array).cloned().unwrap_or_default();
            values.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(row.get("served_by").is_some_and(toml::Value::is_str), "{kind}");
        assert!(list("differs").is_empty() || !list("checks").is_empty(), "{kind} differs and nothing checks it");
        for check in list("checks") {
            let (module, test) = check.split_once("::").expect("module::test");
            let source = fs::read_to_string(root.join(format!("tests/it/{module}.rs"))).expect(&check);
            assert!(source.contains(&format!("fn {test}(")), "{kind}: there is no {check}");
        }
    }
}
