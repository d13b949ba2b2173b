//! The `infra` of this repository: built here, run as a person would run it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use localstack::Cloud;
use tokio::process::Command;

use crate::Failure;

/// The account of `stacks/dev`, whose environment is printed, and in which everything is run.
pub const ACCOUNT: &str = "111111111111";

/// What would lead the AWS SDK elsewhere than to the local cloud.
const ELSEWHERE: [&str; 7] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// How it is built: with the whole workspace, so that cargo need not build its crates again with other features.
pub const BUILD: [&str; 2] = ["--workspace", "--locked"];

/// A built `infra`.
pub struct Infra {
    program: PathBuf,
}

/// The folder that holds `stacks/` and this package.
pub fn repository() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Is this program built with optimisations? `infra` is then built so too.
pub const fn is_release() -> bool {
    !cfg!(debug_assertions)
}

impl Infra {
    /// Builds with cargo, whose progress is shown. The program is the one beside this program: same target folder, same profile.
    pub async fn build() -> Result<Self, Failure> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut build = Command::new(cargo);
        build.arg("build").args(BUILD).current_dir(repository()).kill_on_drop(true);
        if is_release() {
            build.arg("--release");
        }
        let status = build.status().await.map_err(|failure| format!("cargo cannot be run: {failure}"))?;
        if !status.success() {
            return Err("infra could not be built; cargo says why above".into());
        }
        let program = std::env::current_exe()?.with_file_name("infra");
        if !program.is_file() {
            return Err(format!("cargo built no {}", program.display()).into());
        }
        Ok(Self { program })
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    /// An invocation in `folder`, in which AWS is `cloud` and nobody can be asked anything. It is killed when its future is dropped.
    pub fn command(&self, cloud: &Cloud, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(folder).envs(cloud.env(ACCOUNT)).stdin(Stdio::null()).kill_on_drop(true);
        for name in ELSEWHERE {
            command.env_remove(name);
        }
        command
    }
}

/// How an invocation ended, for people.
pub fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was stopped ({status})"),
    }
}
