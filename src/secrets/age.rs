//! age files for X25519 recipients, read. Source: the age specification (C2SP, `age.md`), version 1.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{derive, hmac};

const INTRO: &str = "age-encryption.org/v1";
const ARMOR_BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const ARMOR_END: &str = "-----END AGE ENCRYPTED FILE-----";
/// Of clear text in a chunk; the tag follows.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const NONCE: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    #[error("it is no age file, or a damaged one")]
    Malformed,
    /// None of the keys at hand is one of its recipients'.
    #[error("none of the keys at hand opens it")]
    NoKey,
    #[error("it was changed after it was encrypted")]
    Tampered,
}

/// A secret key. Says nothing of itself.
#[derive(Clone)]
pub struct Identity(StaticSecret);

impl Identity {
    /// `AGE-SECRET-KEY-1…`
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, bytes) = bech32::decode(text.trim()).ok()?;
        let key: [u8; 32] = bytes.try_into().ok()?;
        kind.as_str().eq_ignore_ascii_case("age-secret-key-").then(|| Self(StaticSecret::from(key)))
    }

    /// All keys in a key file, which may have comments.
    pub fn parse_all(text: &str) -> Vec<Self> {
        text.lines().filter_map(Self::parse).collect()
    }

    /// The file key in a stanza, if it was wrapped for this key.
    fn unwrap(&self, share: &[u8; 32], body: &[u8]) -> Option<Vec<u8>> {
        let shared = self.0.diffie_hellman(&PublicKey::from(*share));
        let own = PublicKey::from(&self.0);
        let salt = [share.as_slice(), own.as_bytes()].concat();
        let key = derive(shared.as_bytes(), &salt, b"age-encryption.org/v1/X25519");
        open(&key, [0; 12], body)
    }
}

/// Opens a file, armoured or not.
pub fn decrypt(file: &[u8], identities: &[Identity]) -> Result<Vec<u8>, AgeError> {
    let binary = match std::str::from_utf8(file) {
        Ok(text) if text.trim_start().starts_with(ARMOR_BEGIN) => without_armor(text).ok_or(AgeError::Malformed)?,
        _ => file.to_vec(),
    };
    let mut lines = Lines { rest: &binary, taken: 0 };
    if lines.next() != Some(INTRO) {
        return Err(AgeError::Malformed);
    }
    let mut file_key = None;
    let (header, mac) = loop {
        let before = lines.taken;
        let line = lines.next().ok_or(AgeError::Malformed)?;
        if let Some(mac) = line.strip_prefix("--- ") {
            let header = binary.get(..before + "---".len()).ok_or(AgeError::Malformed)?;
            break (header, STANDARD_NO_PAD.decode(mac).map_err(|_| AgeError::Malformed)?);
        }
        let arguments = line.strip_prefix("-> ").ok_or(AgeError::Malformed)?;
        let mut body = String::new();
        loop {
            let part = lines.next().ok_or(AgeError::Malformed)?;
            body.push_str(part);
            if part.len() < 64 {
                break;
            }
        }
        // Stanzas of other kinds are for others.
        let Some(share) = arguments.strip_prefix("X25519 ") else { continue };
        let share = STANDARD_NO_PAD.decode(share).map_err(|_| AgeError::Malformed)?;
        let share: [u8; 32] = share.try_into().map_err(|_| AgeError::Malformed)?;
        let body = STANDARD_NO_PAD.decode(body).map_err(|_| AgeError::Malformed)?;
        file_key = file_key.or_else(|| identities.iter().find_map(|it| it.unwrap(&share, &body)));
    };
    let file_key = file_key.ok_or(AgeError::NoKey)?;
    let wanted = hmac(&derive(&file_key, &[], b"header"), &[header]);
    if !is_equal(&wanted, &mac) {
        return Err(AgeError::Tampered);
    }
    payload(&file_key, lines.rest)
}

fn payload(file_key: &[u8], payload: &[u8]) -> Result<Vec<u8>, AgeError> {
    let (nonce, mut rest) = payload.split_at_checked(NONCE).ok_or(AgeError::Malformed)?;
    let key = derive(file_key, nonce, b"payload");
    let (mut clear, mut counter) = (Vec::with_capacity(rest.len()), 0_u64);
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK + TAG));
        let is_last = after.is_empty();
        // Eleven bytes of counter, and one that says whether it is the last.
        let mut nonce = [0; 12];
        for (to, from) in nonce.iter_mut().skip(3).zip(counter.to_be_bytes()) {
            *to = from;
        }
        let [.., last] = &mut nonce;
        *last = u8::from(is_last);
        clear.extend(open(&key, nonce, chunk).ok_or(AgeError::Tampered)?);
        if is_last {
            return Ok(clear);
        }
        (rest, counter) = (after, counter + 1);
    }
}

fn open(key: &[u8; 32], nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let mut bytes = sealed.to_vec();
    let length = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

fn without_armor(text: &str) -> Option<Vec<u8>> {
    let inside = text.trim().strip_prefix(ARMOR_BEGIN)?.strip_suffix(ARMOR_END)?;
    STANDARD.decode(inside.split_whitespace().collect::<String>()).ok()
}

/// In a time that does not depend on where they differ.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// The lines of a header, and what is behind them.
struct Lines<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let end = self.rest.iter().position(|it| *it == b'\n')?;
        let line = self.rest.get(..end)?;
        self.rest = self.rest.get(end + 1..)?;
        self.taken += end + 1;
        std::str::from_utf8(line).ok()
    }
}
