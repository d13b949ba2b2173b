//! ChaCha20-Poly1305 (RFC 8439), the tag behind the text.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).unwrap_or_else(|_| unreachable!("keys have 32 bytes")))
}

/// A key must not be used twice with one nonce.
pub fn seal(key: &[u8; 32], nonce: [u8; 12], bound_to: &[u8], clear: &[u8]) -> Vec<u8> {
    let mut bytes = clear.to_vec();
    let sealed = cipher(key).seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut bytes);
    sealed.unwrap_or_else(|_| unreachable!("a text has less than 256 GB"));
    bytes
}

/// None when it was changed, or sealed with another key or for another purpose.
pub fn open(key: &[u8; 32], nonce: [u8; 12], bound_to: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let opened = cipher(key).open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut sealed);
    let length = opened.ok()?.len();
    sealed.truncate(length);
    Some(sealed)
}
