//! The real `age` and `sops`, for tests of what is exchanged with them: built once from released sources, kept outside the clone.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use crate::go::go;
use crate::setup::run;
use crate::{StartError, python};

pub fn age() -> Result<PathBuf, StartError> {
    installed("age", "filippo.io/age/cmd/age", "v1.2.1")
}

pub fn sops() -> Result<PathBuf, StartError> {
    installed("sops", "github.com/getsops/sops/v3/cmd/sops", "v3.9.4")
}

/// A file lock keeps two processes from building it at once, and a rename at the end from anyone using half of it.
fn installed(name: &str, package: &str, version: &str) -> Result<PathBuf, StartError> {
    let cache = python::cache_folder()?;
    let home = cache.join(format!("{name}-{version}"));
    let program = home.join(name);
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&cache)?;
    let lock = File::create(cache.join(format!("{name}.lock")))?;
    lock.lock()?;
    if !program.is_file() {
        let go = go(&cache)?;
        eprintln!("localstack: building {name} {version} (once)");
        let partial = cache.join(format!("{name}-{version}.partial"));
        let mut install = Command::new(go);
        install.args(["install", "-trimpath"]).arg(format!("{package}@{version}"));
        run(install.env("GOBIN", &partial).env("GOFLAGS", "").env("GOWORK", "off").current_dir(&cache), StartError::Build)?;
        fs::rename(&partial, &home)?;
    }
    Ok(program)
}
