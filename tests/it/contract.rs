//! Every resource type against the local cloud: what the engine relies on, whatever the type.
//!
//! Create → read = desired · each changeable attribute updated → read · one token = one thing · found after a lost answer ·
//! read in bulk and whole · disappears behind our back · deleted twice.

mod bench;
mod bulk;
mod clusters;
mod data;
mod identity;
mod launch;
mod logs;
mod network;
mod security;
mod storage;
mod zones;
