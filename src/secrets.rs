//! What is kept encrypted: files of SOPS in the repository, read with age keys; and what a stack stores, if it says so (`vault`).
//!
//! The parts that are used (X25519, HKDF, ChaCha20-Poly1305, AES-GCM) come from `ring` and small crates; the formats on top of
//! them are `age`, `sops` and `envelope`.

mod aead;
pub mod age;
pub mod envelope;
pub mod sops;
pub mod vault;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any key length is fine"));
    parts.iter().for_each(|it| mac.update(it));
    mac.finalize().into_bytes().into()
}

/// HKDF with SHA-256 (RFC 5869), 32 bytes.
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    hmac(&hmac(salt, &[secret]), &[info, &[1]])
}

/// None when the system has no random numbers.
fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}
