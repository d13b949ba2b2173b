//! The local cloud: one loopback endpoint that behaves like AWS, for people without an account and for tests.
//!
//! A gateway takes every call, finds out whose it is and which service it is for, and passes it to the emulator
//! that serves the service best (`service`). On the way there and back it adds what emulators leave out:
//! states that take time, refusals, pages, client tokens, throttling and faults on request ([`control`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), localstack::StartError> {
//! let cloud = localstack::Cloud::start(localstack::Options::default()).await?;
//! println!("{} {:?}", cloud.endpoint(), cloud.env("111111111111"));
//! # Ok(())
//! # }
//! ```

mod backend;
pub mod client;
mod cloud;
pub mod control;
pub mod dice;
mod form;
mod gateway;
mod go;
mod ids;
pub mod kube;
mod python;
mod service;
mod setup;
pub mod sigv4;
pub mod tools;
pub mod torture;
mod xml;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use cloud::{Cloud, Options, REGION, SECRET};

/// Why the local cloud did not start. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("Python 3.10 or newer (with venv) is needed for the emulators, and none was found on PATH")]
    NoPython,
    #[error("neither INFRA_CACHE nor a home directory says where to keep the emulators")]
    NoCacheFolder,
    #[error("the emulators could not be installed: {0}")]
    Setup(String),
    #[error("{name} did not start: {said}")]
    Emulator { name: String, said: String },
    #[error("what is built from source could not be built: {0}")]
    Build(String),
    #[error("Kubernetes could not be set up: {0}")]
    Kubernetes(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A panic elsewhere does not make plain data unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
