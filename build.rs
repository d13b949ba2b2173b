//! Tells the linker of a release to keep the program small: without symbols; and where rustc links with the lld that it brings,
//! which knows how, with equal functions once, and what the loader has to relocate in a hundredth of the space.

use std::env;

const TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    if !is("PROFILE", "release") || !is("CARGO_CFG_TARGET_OS", "linux") {
        return;
    }
    // A package with settings of its own does not get the profile's `strip`.
    println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    let another_linker =
        env::var_os("RUSTC_LINKER").is_some() || env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|it| it.contains("link"));
    if is("TARGET", TARGET) && is("HOST", TARGET) && !another_linker {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all,-z,pack-relative-relocs");
    }
}
