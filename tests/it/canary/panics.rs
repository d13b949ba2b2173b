//! A panic says where, and not what was in hand.

use std::process::Command;
use std::sync::{Arc, Mutex};

use super::seen::{CANARY, told};

/// Set where the other test runs this one, in a process of its own.
const ON_PURPOSE: &str = "INFRA_TEST_FALLS_OVER";

#[test]
fn falls_over_with_a_secret_in_hand() {
    if std::env::var_os(ON_PURPOSE).is_none() {
        return;
    }
    infra::cli::panics::hush(Arc::new(Mutex::new(std::io::stderr())));
    panic!("password = {CANARY}");
}

#[test]
fn a_panic_is_told_without_its_words() {
    let this = std::env::current_exe().unwrap();
    let name = format!("{}::falls_over_with_a_secret_in_hand", module_path!().split_once("::").unwrap().1);
    let mut command = Command::new(this);
    command.args(["--exact", &name, "--nocapture", "--test-threads=1"]).env("RUST_BACKTRACE", "full").env(ON_PURPOSE, "1");
    let done = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(!done.status.success() && said.contains("1 failed"), "{said}");
    assert!(said.contains("error[bug]: this is a bug in infra: it gave up at tests/it/canary/panics.rs:"), "{said}");
    assert_eq!(told(said.as_bytes()), None, "{said}");
}
