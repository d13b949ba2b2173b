//! Any bytes are a file of SOPS or age that the key opens, or refused.
#![no_main]

#[path = "../stored.rs"]
#[allow(dead_code)]
mod stored;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stored::sops(bytes));
