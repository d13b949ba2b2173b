//! The planner as prose: `tests/plans/*.md`.
//!
//! A case is a heading and the blocks below it: ` ```stack ` (HCL; the `stack` block is added), ` ```state ` and ` ```live `
//! (YAML, see [`case`]), ` ```options `, and ` ```plan `, the plan that must come out, or ` ```refused `, the complaints.
//! `INFRA_UPDATE_PLANS=1 cargo test plans` writes what comes out into the files, to be read before it is committed.

mod case;
mod objects;
mod show;
mod types;

use std::path::{Path, PathBuf};

use case::Case;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "md"));
    files.sort();
    files
}

#[test]
fn plans_are_as_the_prose_says() {
    let update = std::env::var_os("INFRA_UPDATE_PLANS").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut now = String::new();
        for part in case::parts(&text) {
            let Some(case) = Case::read(part) else {
                now.push_str(part);
                continue;
            };
            count += 1;
            let out = case.run();
            if case.expected != out {
                wrong.push(format!("{}: {}\n--- expected\n{}\n--- came out\n{}", file.display(), case.title, case.expected, out));
            }
            now.push_str(&case.with_expected(part, &out));
        }
        if update {
            std::fs::write(&file, now).unwrap();
        }
    }
    assert!(count > 0, "no cases were found");
    assert!(update || wrong.is_empty(), "{}", wrong.join("\n\n"));
}
