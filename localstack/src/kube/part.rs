//! One running process of a plane.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::StartError;
use crate::setup::last_line;

/// Runs the command that follows, and ends it as soon as standard input does: that is when this process stops or dies,
/// however it dies. It returns when the command is gone, port and all. (A death signal of the kernel would come with the end of
/// the *thread* that started the child.)
const WITH_PARENT: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
part=$!
(read -r _ <&3; kill -9 $part) &
reader=$!
exec 3<&-
wait $part
kill $reader 2>/dev/null
wait $reader
"#;

/// A process and all that it started. It ends when this is dropped.
pub struct Part {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Part {
    /// Starts `command`, whose output goes to `folder/NAME.log`. Its environment is what `environment` says and nothing else,
    /// so that no setting of the person at the keyboard changes what a plane is.
    pub fn start(
        name: &'static str,
        command: &[String],
        environment: &[(&str, String)],
        folder: &Path,
    ) -> Result<Self, StartError> {
        let log = folder.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log)?;
        let child = Command::new("/bin/sh")
            .args(["-c", WITH_PARENT, "sh"])
            .args(command)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        Ok(Self { name, child, log })
    }

    /// Fails, with what it said last, if it has ended.
    pub fn check(&mut self) -> Result<(), StartError> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(_) => Err(self.failed()),
        }
    }

    /// The error of this part having ended.
    fn failed(&self) -> StartError {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        StartError::Emulator { name: self.name.to_owned(), said: last_line(&said).to_owned() }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The process group, for tests.
    pub fn group(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Closes standard input first, which ends it. It fails only when everything is gone already, which is what is wanted.
        let _ = self.child.wait();
    }
}
