//! Any text is evaluated, or complained about; and every complaint can be shown.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code)]
mod bodies;

libfuzzer_sys::fuzz_target!(|text: &str| bodies::evaluate(text));
