//! A command that goes on while the test looks at it, and gets signals.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use localstack::Cloud;
use rustix::process::{Pid, Signal, kill_process};

use super::person::Repository;

/// Longer than any line is waited for that comes at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run whose progress is read as it goes on. Killed when it is dropped before its end.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    heard: String,
}

impl Running {
    /// The binary, as `account` of a cloud, with more in its environment.
    pub fn start(here: &Repository, cloud: &Cloud, account: &str, env: &[(&str, &str)], line: &str) -> Self {
        let mut command = here.command(line);
        command.envs(cloud.env(account)).envs(env.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|it| sender.send(it)));
        Self { child, lines, heard: String::new() }
    }

    /// Reads on until a line holds `text`.
    #[track_caller]
    pub fn until(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("no line with `{text}`:\n{}", self.heard) };
            self.heard.push_str(&line);
            self.heard.push('\n');
            if line.contains(text) {
                return;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The exit code, and what was printed and told.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let code = self.child.wait().unwrap().code();
        self.heard.extend(self.lines.iter().map(|it| it + "\n"));
        (code, format!("{out}\n{}", self.heard))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
