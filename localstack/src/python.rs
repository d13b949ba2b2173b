//! The Python environment that the emulators run in: made once, kept outside the clone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::StartError;
use crate::setup::run;

const REQUIREMENTS: &str = include_str!("../python/requirements.txt");
const LAUNCHER: &str = include_str!("../python/emulator.py");

/// Interpreters in the order they are tried; the first that is new enough wins.
const INTERPRETERS: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/// A ready environment: an interpreter that can import the emulators, and the script that starts them.
#[derive(Clone, Debug)]
pub struct Python {
    pub interpreter: PathBuf,
    pub launcher: PathBuf,
}

/// Where set-up is kept between runs: `INFRA_CACHE`, else `~/.cache/infra`.
pub fn cache_folder() -> Result<PathBuf, StartError> {
    if let Some(folder) = std::env::var_os("INFRA_CACHE").filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    std::env::home_dir().map(|home| home.join(".cache").join("infra")).ok_or(StartError::NoCacheFolder)
}

/// Finds the environment of exactly these versions, or makes it.
///
/// A file lock keeps two processes from building it at once, and a rename at the end from anyone using half of it.
pub fn environment(cache: &Path) -> Result<Python, StartError> {
    let (interpreter, version) =
        INTERPRETERS.iter().find_map(|name| version(name).map(|version| (*name, version))).ok_or(StartError::NoPython)?;
    let key = hex::encode(Sha256::digest(format!("{version}\n{REQUIREMENTS}\n{LAUNCHER}").as_bytes()));
    let home = cache.join(format!("emulators-{}", &key[..16]));
    let ready = Python { interpreter: home.join("bin").join("python"), launcher: home.join("emulator.py") };
    if home.is_dir() {
        return Ok(ready);
    }
    fs::create_dir_all(cache)?;
    let lock = File::create(cache.join("emulators.lock"))?;
    lock.lock()?;
    if !home.is_dir() {
        let partial = cache.join(format!("emulators-{}.partial", &key[..16]));
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        eprintln!("localstack: installing the emulators (once, about 20 s)");
        build(interpreter, &partial)?;
        fs::rename(&partial, &home)?;
    }
    Ok(ready)
}

/// `3.11.7` if `name` is an interpreter of 3.10 or newer.
fn version(name: &str) -> Option<String> {
    let output = Command::new(name)
        .args([
            "-c",
            "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3]); sys.exit(sys.version_info < (3, 10))",
        ])
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn build(interpreter: &str, folder: &Path) -> Result<(), StartError> {
    run(Command::new(interpreter).args(["-m", "venv"]).arg(folder), StartError::Setup)?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    fs::write(folder.join("emulator.py"), LAUNCHER)?;
    run(
        Command::new(folder.join("bin").join("python"))
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--disable-pip-version-check", "--requirement"])
            .arg(&requirements),
        StartError::Setup,
    )
}
