//! The real world for [`infra::cli`]: arguments, environment, streams, signals, clock. Nothing else touches them.

use std::io::{self, BufReader, IsTerminal};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use infra::cli::World;
use infra::cli::world::{Nature, Terminal};
use tokio::sync::mpsc;

fn main() -> ExitCode {
    // The one TLS stack; that one is installed already is the only way to fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread decides, one more carries the connections and keeps the lock; others would only wake each other.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // There is nothing yet that could say it better.
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("error: no threads can be started: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    // A stream of its own: the world's may be held when something falls over.
    infra::cli::panics::hush(Arc::new(Mutex::new(io::stderr())));
    let exit = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { infra::cli::run(world()).await })));
    // What still runs (a blocked read, a heartbeat) must not keep the process.
    runtime.shutdown_background();
    exit.map_or(ExitCode::FAILURE, |it| ExitCode::from(it.code()))
}

fn world() -> World {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let width = terminal_size::terminal_size_of(&stdout).or_else(|| terminal_size::terminal_size_of(&stderr));
    let terminal = Terminal {
        stdin: stdin.is_terminal(),
        stdout: stdout.is_terminal(),
        stderr: stderr.is_terminal(),
        width: width.map(|(terminal_size::Width(columns), _)| usize::from(columns)),
    };
    World {
        args: std::env::args_os().collect(),
        // A variable that is no text is none that infra knows.
        env: std::env::vars_os().filter_map(|(key, it)| Some((key.into_string().ok()?, it.into_string().ok()?))).collect(),
        dir: std::env::current_dir().unwrap_or_else(|_| ".".into()),
        stdin: Box::new(BufReader::new(stdin)),
        stdout: Arc::new(Mutex::new(stdout)),
        stderr: Arc::new(Mutex::new(stderr)),
        terminal,
        interrupts: interrupts(),
        nature: Arc::new(Real),
    }
}

/// Ctrl-C and SIGTERM, which are the same to a run.
fn interrupts() -> mpsc::UnboundedReceiver<()> {
    let (heard, interrupts) = mpsc::unbounded_channel();
    #[cfg(unix)]
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
            return;
        };
        loop {
            tokio::select! {
                it = interrupt.recv() => if it.is_none() { return },
                it = terminate.recv() => if it.is_none() { return },
            }
            if heard.send(()).is_err() {
                return;
            }
        }
    });
    #[cfg(not(unix))]
    tokio::spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && heard.send(()).is_ok() {} });
    interrupts
}

struct Real;

impl Nature for Real {
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn random(&self) -> Option<u128> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).ok()?;
        Some(u128::from_be_bytes(bits))
    }

    fn commit(&self, folder: &Path) -> Option<String> {
        let git = |args: &[&str]| {
            let asked = Command::new("git").arg("-C").arg(folder).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output();
            asked.ok().filter(|it| it.status.success()).map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
        };
        let commit = git(&["rev-parse", "HEAD"]).filter(|it| !it.is_empty())?;
        let clean = git(&["status", "--porcelain", "--", "."]).is_some_and(|it| it.is_empty());
        Some(if clean { commit } else { format!("{commit}-dirty") })
    }

    fn whoami(&self) -> String {
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "someone".into());
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        format!("{user}@{host}")
    }
}
