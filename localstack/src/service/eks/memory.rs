//! What the gateway remembers about EKS, and who starts its control planes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use super::place::Place;
use super::plane::{Light, Plane, Planes};
use super::real::Real;
use crate::lock;

type Places = HashMap<(String, String), Arc<tokio::sync::Mutex<Place>>>;

pub struct Memory {
    gateway_port: u16,
    places: Mutex<Places>,
    /// Everything that was started, to be stopped with the gateway.
    started: Arc<Mutex<Vec<Weak<dyn Plane>>>>,
}

impl Memory {
    pub fn new(gateway_port: u16) -> Self {
        Self { gateway_port, places: Mutex::default(), started: Arc::default() }
    }

    /// Where the gateway is, which is its own STS.
    pub fn gateway(&self) -> String {
        format!("127.0.0.1:{}", self.gateway_port)
    }

    /// What an account has in a region.
    pub fn place(&self, account: &str, region: &str) -> Arc<tokio::sync::Mutex<Place>> {
        lock(&self.places).entry((account.to_owned(), region.to_owned())).or_default().clone()
    }

    /// Who starts control planes: real ones or none.
    pub fn planes(&self, real: bool) -> Arc<dyn Planes> {
        if real { Arc::new(Real { gateway_port: self.gateway_port, started: self.started.clone() }) } else { Arc::new(Light) }
    }

    /// Stops all control planes.
    pub fn stop(&self) {
        let started = std::mem::take(&mut *lock(&self.started));
        started.iter().filter_map(Weak::upgrade).for_each(|plane| plane.stop());
    }
}
