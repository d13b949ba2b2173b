//! [`Connection`]: single calls on one cluster, on objects of any kind.

use std::sync::{Arc, RwLock};
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::try_join_all;
use http::{Method, Request};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::discovery::{ACCEPT, Catalogue, Kind};
use super::fault::{Asked, no_kind, of_answer, of_silence};
use super::token::{Token, presigner};
use super::{ClusterRef, token::Presigner};
use crate::cloud::aws::{Aws, Fence, MUTATION_ATTEMPT, READ_ATTEMPT};
use crate::object::{Key, MANAGER, text};
use crate::remote::{Class, Fault};
