//! The emulators behind the gateway: started when first needed, stopped with the gateway.

mod emulator;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::StartError;
use crate::lock;
use crate::python::Python;
use emulator::Emulator;

/// What can stand behind a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One process per account, because moto numbers everything by the account it was started with.
    Moto,
    /// One process; a 12-digit access key selects the account.
    Ministack,
    /// Nobody: the gateway answers by itself.
    Gateway,
}

type Slot = Arc<OnceCell<Emulator>>;

/// All running emulators.
pub struct Backends {
    python: Python,
    logs: PathBuf,
    gateway_port: u16,
    ministack: Slot,
    moto: Mutex<HashMap<String, Slot>>,
}

impl Backends {
    pub fn new(python: Python, logs: PathBuf, gateway_port: u16) -> Self {
        Self { python, logs, gateway_port, ministack: Slot::default(), moto: Mutex::default() }
    }

    /// The port of ministack, started on first use.
    pub async fn ministack(&self) -> Result<u16, StartError> {
        let emulator = self
            .ministack
            .get_or_try_init(|| {
                let environment = vec![
                    ("BIND_HOST", "127.0.0.1".to_owned()),
                    ("MINISTACK_HOST", "127.0.0.1".to_owned()),
                    ("GATEWAY_PORT", self.gateway_port.to_string()),
                    ("IOT_MTLS_ENABLED", "0".to_owned()),
                    ("LOG_LEVEL", "WARNING".to_owned()),
                ];
                self.start("ministack", "ministack".to_owned(), environment)
            })
            .await?;
        Ok(emulator.port)
    }

    /// The port of this account's moto, started on first use.
    pub async fn moto(&self, account: &str) -> Result<u16, StartError> {
        let slot = lock(&self.moto).entry(account.to_owned()).or_default().clone();
        let emulator = slot
            .get_or_try_init(|| {
                let environment = vec![("MOTO_ACCOUNT_ID", account.to_owned())];
                self.start("moto", format!("moto-{account}"), environment)
            })
            .await?;
        Ok(emulator.port)
    }

    /// Stops all of them at once.
    pub fn stop(&self) {
        if let Some(emulator) = self.ministack.get() {
            emulator.stop();
        }
        for slot in lock(&self.moto).values() {
            if let Some(emulator) = slot.get() {
                emulator.stop();
            }
        }
    }

    async fn start(
        &self,
        kind: &'static str,
        name: String,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Emulator, StartError> {
        let python = self.python.clone();
        let log = self.logs.join(format!("{name}.log"));
        tokio::task::spawn_blocking(move || Emulator::start(&python, kind, &log, environment))
            .await
            .map_err(|failure| StartError::Setup(failure.to_string()))?
    }
}
