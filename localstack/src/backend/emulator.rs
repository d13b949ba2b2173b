//! One emulator process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use crate::StartError;
use crate::lock;
use crate::python::Python;

/// A running emulator. It ends when this is dropped, and also when this process dies without dropping anything:
/// the child watches its standard input, which the kernel closes with us.
pub struct Emulator {
    child: Mutex<Child>,
    pub port: u16,
}

impl Emulator {
    /// Starts `kind` and returns once its port accepts connections.
    pub fn start(python: &Python, kind: &str, log: &Path, environment: Vec<(&'static str, String)>) -> Result<Self, StartError> {
        let mut child = Command::new(&python.interpreter)
            .arg("-u")
            .arg(&python.launcher)
            .arg(kind)
            .envs(environment)
            .env_remove("AWS_ENDPOINT_URL")
            .env_remove("AWS_PROFILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()?;
        let output = child.stdout.take();
        let mut emulator = Self { child: Mutex::new(child), port: 0 };
        let mut line = String::new();
        if let Some(output) = output {
            BufReader::new(output).read_line(&mut line)?;
        }
        emulator.port = line.trim().parse().map_err(|_| {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            StartError::Emulator { name: kind.to_owned(), said: said.lines().last().unwrap_or("no output").to_owned() }
        })?;
        Ok(emulator)
    }

    /// Ends the process and waits until it is gone.
    pub fn stop(&self) {
        let mut child = lock(&self.child);
        // Either may fail only because the process is gone already, which is what is wanted.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}
