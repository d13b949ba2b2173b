//! The real `age` and `sops`: what they encrypt is read, and what is written they open.

use std::fs;
use std::path::Path;
use std::process::Command;

use infra::secrets::age::{self, Identity};
use infra::secrets::sops::{self, Form, Keys};

pub const KEY: &str = include_str!("../../secrets/key.txt");
const OTHER: &str = include_str!("../../secrets/other.txt");

pub fn recipient(key: &str) -> String {
    Identity::parse_all(key)[0].recipient().to_string()
}

fn run(tool: &Path, arguments: &[&str], folder: &Path) -> Vec<u8> {
    let key = folder.join("key.txt");
    fs::write(&key, KEY).unwrap();
    let output = Command::new(tool).args(arguments).current_dir(folder).env("SOPS_AGE_KEY_FILE", key).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn files_of_age_go_both_ways() {
    let tool = localstack::tools::age().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let here = folder.path();
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let clear: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        fs::write(here.join("clear"), &clear).unwrap();
        for armor in [&["-e"][..], &["-e", "-a"]] {
            let (one, other) = (recipient(KEY), recipient(OTHER));
            let theirs = run(&tool, &[armor, &["-r", &other, "-r", &one, "clear"]].concat(), here);
            assert_eq!(age::decrypt(&theirs, &Identity::parse_all(KEY)).as_ref(), Ok(&clear), "{length}");
        }
        let recipients: Vec<_> = [OTHER, KEY].into_iter().flat_map(Identity::parse_all).map(|it| it.recipient()).collect();
        fs::write(here.join("ours"), age::encrypt(&recipients, &clear).unwrap()).unwrap();
        assert_eq!(run(&tool, &["-d", "-i", "key.txt", "ours"], here), clear, "{length}");
    }
}

#[test]
fn files_of_sops_are_read() {
    let tool = localstack::tools::sops().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let files = [
        (
            "a.yaml",
            "db:\n  password: hunter2\n  port: 5432\nlist: [a, true, 1.5]\n",
            r#"{"db":{"password":"hunter2","port":5432},"list":["a",true,1.5]}"#,
        ),
        ("a.json", r#"{"a":{"b":[1,"x",null]}}"#, r#"{"a":{"b":[1,"x",null]}}"#),
        ("a.env", "USER=ann\nPASSWORD=hunter2=\n", "USER=ann\nPASSWORD=hunter2=\n"),
        ("a.ini", "top = 1\n; why\n[db]\nuser = ann\nempty =\n", "top = 1\n[db]\nuser = ann\nempty = \n"),
        ("a.txt", "any text\n", "any text\n"),
    ];
    for (name, clear, wanted) in files {
        fs::write(folder.path().join(name), clear).unwrap();
        let sealed = run(&tool, &["encrypt", "--age", &recipient(KEY), name], folder.path());
        assert_eq!(sops::decrypt(Form::of(name), &sealed, &Keys::of(Identity::parse_all(KEY))).as_deref(), Ok(wanted), "{name}");
        assert!(sops::decrypt(Form::of(name), &sealed, &Keys::of(Identity::parse_all(OTHER))).is_err(), "{name}");
    }
}
