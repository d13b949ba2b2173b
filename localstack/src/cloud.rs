//! The local cloud as a value: starts, is asked and steered, and stops when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{OnceCell, oneshot, watch};

use crate::backend::Backends;
use crate::control::{Control, Counts, Entry, Fault, Settings};
use crate::gateway::{self, Local};
use crate::{StartError, python};

/// The secret of every account's access key.
pub const SECRET: &str = "test";

/// The region that [`Cloud::env`] sets: that of the stacks of this repository.
pub const REGION: &str = "eu-west-1";

/// How to start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// 0 takes a free port.
    pub port: u16,
    pub settings: Settings,
}

/// A running local cloud. It has threads of its own, so that it outlives the runtime that started it.
pub struct Cloud {
    local: Arc<Local>,
    endpoint: String,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    folder: PathBuf,
}

impl Cloud {
    /// Sets up what is missing, starts, and returns once calls are answered.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (sender, started) = oneshot::channel();
        std::thread::spawn(move || {
            // The receiver is gone only when the caller gave up waiting: then the cloud stops by being dropped.
            let _ = sender.send(Self::start_blocking(options));
        });
        started.await.map_err(|_| StartError::Setup("the start was interrupted".to_owned()))?
    }

    /// One cloud for a whole process. It is never dropped; its emulators end with the process.
    pub async fn shared() -> Result<&'static Self, StartError> {
        static SHARED: OnceCell<Cloud> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Options::default())).await
    }

    fn start_blocking(options: Options) -> Result<Self, StartError> {
        let cache = python::cache_folder()?;
        let python = python::environment(&cache)?;
        let listener = gateway::bind(options.port)?;
        let port = listener.local_addr()?.port();
        let folder = run_folder(&cache, port)?;
        let control = Control::default();
        control.set(None, options.settings);
        let backends = Backends::new(python, folder.clone(), port);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("localstack").enable_all().build()?;
        let local = Arc::new(Local::new(backends, control, port));
        let (stop, stopped) = watch::channel(false);
        let served = local.clone();
        let thread = std::thread::spawn(move || {
            // Ends when told to; a listener that cannot be listened to shows in the first call.
            let _ = runtime.block_on(gateway::serve(served, listener, stopped));
            runtime.shutdown_background();
        });
        Ok(Self { local, endpoint: format!("http://127.0.0.1:{port}"), stop, thread: Some(thread), folder })
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A folder for what belongs to this run: the emulators' logs are there. It goes with the cloud.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The environment in which AWS clients talk to this cloud as `account`.
    pub fn env(&self, account: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", account.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ]
    }

    /// How often what was called since the last reset.
    pub fn calls(&self) -> Counts {
        self.local.control.calls.counts()
    }

    pub fn reset_calls(&self) {
        self.local.control.calls.reset();
    }

    /// Replaces all fault rules; an empty list stops them.
    pub fn faults(&self, faults: Vec<Fault>) {
        self.local.control.faults.set(faults);
    }

    /// Replaces the fault rules that hit one account alone, so that tests side by side do not disturb each other.
    pub fn account_faults(&self, account: &str, faults: Vec<Fault>) {
        self.local.control.faults.set_account(account, faults);
    }

    /// How many calls were hit by the rules that hit this account alone.
    pub fn hits(&self, account: &str) -> u64 {
        self.local.control.faults.hits(account)
    }

    /// How many calls of an account are being carried out, whether or not somebody still waits for the answer.
    pub fn under_way(&self, account: &str) -> u64 {
        self.local.control.calls.under_way(account)
    }

    /// The settings of accounts that have none of their own.
    pub fn settings(&self) -> Settings {
        self.local.control.common()
    }

    pub fn set_settings(&self, settings: Settings) {
        self.local.control.set(None, settings);
    }

    /// Settings for one account, so that tests side by side do not disturb each other.
    pub fn set_account_settings(&self, account: &str, settings: Settings) {
        self.local.control.set(Some(account), settings);
    }

    /// The last requests, oldest first.
    pub fn log(&self) -> Vec<Entry> {
        self.local.control.log.entries()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // Connections that are still open keep their share of `local`; the emulators must end now all the same.
            let _ = thread.join();
        }
        self.local.eks.stop();
        self.local.backends.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder for the logs of this run. Those of runs that died without tidying up are removed.
pub fn run_folder(cache: &Path, port: u16) -> Result<PathBuf, StartError> {
    let runs = cache.join("runs");
    fs::create_dir_all(&runs)?;
    for entry in fs::read_dir(&runs)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.split('-').next().and_then(|pid| pid.parse().ok());
        let alive =
            process.and_then(rustix::process::Pid::from_raw).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
        if !alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = runs.join(format!("{}-{port}", std::process::id()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
