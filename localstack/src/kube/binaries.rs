//! The programs of a plane: those of `KUBEBUILDER_ASSETS`, and for what is not there the build of `kube/`, made once and kept
//! outside the clone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::StartError;
use crate::go::go;
use crate::setup::run;

const SOURCE: [(&str, &str); 3] = [
    ("main.go", include_str!("../../kube/main.go")),
    ("go.mod", include_str!("../../kube/go.mod")),
    ("go.sum", include_str!("../../kube/go.sum")),
];

/// Without debug information, and with the version that the parts say they are.
const LINK: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3";

/// What is built: all parts in one.
const PROGRAM: &str = "kube";

/// The parts of a plane, by the names of their programs.
pub const PARTS: [&str; 5] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];

/// Where to find each part.
#[derive(Clone, Debug)]
pub struct Binaries {
    assets: Option<PathBuf>,
    build: Option<PathBuf>,
}

impl Binaries {
    /// Finds them; builds what is missing, which takes minutes.
    pub fn find(cache: &Path) -> Result<Self, StartError> {
        let assets = assets();
        let build = if is_complete(assets.as_deref()) { None } else { Some(build(cache)?) };
        Ok(Self { assets, build })
    }

    /// Whether nothing is left to build.
    pub fn are_there(cache: &Path) -> bool {
        is_complete(assets().as_deref()) || home(cache).join(PROGRAM).is_file()
    }

    /// The program and first arguments of a part.
    pub fn command(&self, part: &str) -> Vec<String> {
        let asset = self.assets.as_ref().map(|folder| folder.join(part)).filter(|program| program.is_file());
        match (asset, &self.build) {
            (None, Some(build)) => vec![build.display().to_string(), part.to_owned()],
            (asset, _) => vec![asset.unwrap_or_else(|| PathBuf::from(part)).display().to_string()],
        }
    }
}

fn assets() -> Option<PathBuf> {
    std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

fn is_complete(assets: Option<&Path>) -> bool {
    assets.is_some_and(|folder| PARTS.iter().all(|part| folder.join(part).is_file()))
}

/// Where the build of exactly this source is kept.
fn home(cache: &Path) -> PathBuf {
    let mut key = Sha256::new();
    for (_, text) in SOURCE {
        key.update(text);
    }
    key.update(LINK);
    cache.join(format!("kube-v1.36.3-{}", &hex::encode(key.finalize())[..16]))
}

/// A file lock keeps two processes from building it at once, and a rename at the end from anyone using half of it.
fn build(cache: &Path) -> Result<PathBuf, StartError> {
    let home = home(cache);
    let program = home.join(PROGRAM);
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(cache)?;
    let lock = File::create(cache.join("kube.lock"))?;
    lock.lock()?;
    if !program.is_file() {
        let go = go(cache)?;
        eprintln!("localstack: building Kubernetes v1.36.3 (once, about 5 minutes on two cores)");
        compile(&go, &home)?;
    }
    Ok(program)
}

fn compile(go: &Path, home: &Path) -> Result<(), StartError> {
    fs::create_dir_all(home)?;
    for (name, text) in SOURCE {
        fs::write(home.join(name), text)?;
    }
    let partial = home.join("kube.partial");
    run(
        Command::new(go)
            .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", LINK, "-o"])
            .arg(&partial)
            .arg(".")
            .env("GOFLAGS", "")
            .env("GOWORK", "off")
            .current_dir(home),
        StartError::Build,
    )?;
    Ok(fs::rename(&partial, home.join(PROGRAM))?)
}
