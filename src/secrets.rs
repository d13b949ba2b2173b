//! Secrets that are kept encrypted in the repository: files of SOPS, read with age keys.
//!
//! The parts that are used (X25519, HKDF, ChaCha20-Poly1305, AES-GCM) come from `ring` and small crates; the formats on top of
//! them are `age` and `sops`.

pub mod age;
pub mod sops;

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
