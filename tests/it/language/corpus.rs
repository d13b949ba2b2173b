//! The corpus: `tests/language/NAME.hcl`, and what each comes to in `NAME.txt`.

use super::*;

/// The parts of a corpus file: `# file: NAME` begins another one.
fn parts(text: &str) -> Vec<(String, String)> {
    let mut files = vec![("stacks/dev/main.hcl".to_owned(), String::new())];
    for line in text.lines() {
        match (line.strip_prefix("# file: "), files.last_mut()) {
            (Some(name), _) => files.push((name.to_owned(), String::new())),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    if !text.contains("stack {\n") {
        files.push(("stacks/dev/a.hcl".to_owned(), STACK.to_owned()));
    }
    files
}

/// What a stack comes to, for people: its complaints, or its instances and outputs.
fn outcome(text: &str) -> String {
    let files = parts(text);
    let mut loaded = load(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    let evaluation = loaded.program.evaluate(&mut World::default());
    let mut all = loaded.diagnostics;
    all.extend(evaluation.diagnostics);
    if !all.is_empty() {
        return show(&loaded.program, &all);
    }
    let mut out = String::new();
    for (address, it) in &evaluation.instances {
        out += &format!("{address} {}\n", print::print(&it.settings));
        for it in &it.references {
            out += &format!("  {} -> {} ({})\n", it.from, it.to, it.expression);
        }
    }
    for (name, it) in &evaluation.outputs {
        out += &format!("output {name} = {}\n", print::print(&it.value));
    }
    out
}

/// Each `tests/language/NAME.hcl` comes to `NAME.txt`. `INFRA_BLESS=1` writes them anew.
#[test]
fn the_corpus_comes_to_what_is_on_record() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language");
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    names.retain(|it| it.extension().is_some_and(|it| it == "hcl"));
    names.sort();
    let mut wrong = Vec::new();
    for path in names {
        let shown = outcome(&std::fs::read_to_string(&path).unwrap());
        let record = path.with_extension("txt");
        if std::env::var_os("INFRA_BLESS").is_some() {
            std::fs::write(&record, &shown).unwrap();
        } else if std::fs::read_to_string(&record).unwrap_or_default() != shown {
            wrong.push(format!("{}:\n{shown}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
