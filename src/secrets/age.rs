//! age files for X25519 recipients, read and written. Source: the age specification (C2SP, `age.md`), version 1.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bech32::Bech32;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::{aead, derive, hmac, random};

const INTRO: &str = "age-encryption.org/v1";
const ARMOR_BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const ARMOR_END: &str = "-----END AGE ENCRYPTED FILE-----";
/// Of clear text in a chunk; the tag follows.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const NONCE: usize = 16;
const FILE_KEY: usize = 16;
const X25519: &[u8] = b"age-encryption.org/v1/X25519";
/// Of text in a line of a stanza's body; a shorter line ends it.
const LINE: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    #[error("it is no age file, or a damaged one")]
    Malformed,
    /// None of the keys at hand is one of its recipients'.
    #[error("none of the keys at hand opens it")]
    NoKey,
    #[error("it was changed after it was encrypted")]
    Tampered,
    #[error("the system has no random numbers")]
    NoRandom,
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

    pub fn recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.0))
    }

    /// The file key in a stanza, if it was wrapped for this key.
    fn unwrap(&self, share: &[u8; 32], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = wrapping_key(&self.0, &PublicKey::from(*share), share, self.recipient().0.as_bytes())?;
        let file_key = Zeroizing::new(aead::open(&key, [0; 12], &[], body.to_vec())?);
        (file_key.len() == FILE_KEY).then_some(file_key)
    }
}

/// A public key: whoever has the secret one can open what is encrypted for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient(PublicKey);

impl Recipient {
    /// `age1…`
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, bytes) = bech32::decode(text.trim()).ok()?;
        let key: [u8; 32] = bytes.try_into().ok()?;
        (kind.as_str() == "age").then(|| Self(PublicKey::from(key)))
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = bech32::encode::<Bech32>(bech32::Hrp::parse_unchecked("age"), self.0.as_bytes());
        f.write_str(&text.map_err(|_| std::fmt::Error)?)
    }
}

/// None for a public key that would make the key known to everybody.
fn wrapping_key(secret: &StaticSecret, theirs: &PublicKey, share: &[u8], recipient: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let shared = secret.diffie_hellman(theirs);
    let salt = [share, recipient].concat();
    shared.was_contributory().then(|| Zeroizing::new(derive(shared.as_bytes(), &salt, X25519)))
}

/// A file that each of the recipients can open; not armoured.
pub fn encrypt(recipients: &[Recipient], clear: &[u8]) -> Result<Vec<u8>, AgeError> {
    let file_key = Zeroizing::new(random::<FILE_KEY>().ok_or(AgeError::NoRandom)?);
    let mut header = format!("{INTRO}\n");
    for Recipient(recipient) in recipients {
        let ephemeral = StaticSecret::from(random::<32>().ok_or(AgeError::NoRandom)?);
        let share = PublicKey::from(&ephemeral);
        let key = wrapping_key(&ephemeral, recipient, share.as_bytes(), recipient.as_bytes()).ok_or(AgeError::Malformed)?;
        let body = STANDARD_NO_PAD.encode(aead::seal(&key, [0; 12], &[], &*file_key));
        header.push_str(&format!("-> X25519 {}\n{body}\n", STANDARD_NO_PAD.encode(share.as_bytes())));
    }
    header.push_str("---");
    let mac = hmac(&derive(&*file_key, &[], b"header"), &[header.as_bytes()]);
    let mut file = format!("{header} {}\n", STANDARD_NO_PAD.encode(mac)).into_bytes();
    let nonce = random::<NONCE>().ok_or(AgeError::NoRandom)?;
    file.extend_from_slice(&nonce);
    let key = Zeroizing::new(derive(&*file_key, &nonce, b"payload"));
    let (mut rest, mut counter) = (clear, 0);
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        file.extend(aead::seal(&key, chunk_nonce(counter, after.is_empty()), &[], chunk));
        if after.is_empty() {
            return Ok(file);
        }
        (rest, counter) = (after, counter + 1);
    }
}

/// Eleven bytes of counter, and one that says whether it is the last.
fn chunk_nonce(counter: u64, is_last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    for (to, from) in nonce.iter_mut().skip(3).zip(counter.to_be_bytes()) {
        *to = from;
    }
    let [.., last] = &mut nonce;
    *last = u8::from(is_last);
    nonce
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
            if part.len() < LINE {
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
    let key = Zeroizing::new(derive(file_key, nonce, b"payload"));
    let (mut clear, mut counter) = (Vec::with_capacity(rest.len()), 0_u64);
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK + TAG));
        let is_last = after.is_empty();
        let chunk = aead::open(&key, chunk_nonce(counter, is_last), &[], chunk.to_vec()).ok_or(AgeError::Tampered)?;
        // Only a file without any content ends in an empty chunk.
        if chunk.is_empty() && counter > 0 {
            return Err(AgeError::Malformed);
        }
        clear.extend(chunk);
        if is_last {
            return Ok(clear);
        }
        (rest, counter) = (after, counter + 1);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../tests/secrets/key.txt");
    const OTHER: &str = include_str!("../../tests/secrets/other.txt");

    fn keys(text: &str) -> Vec<Identity> {
        Identity::parse_all(text)
    }

    #[test]
    fn what_was_encrypted_is_opened_by_every_recipient_and_nobody_else() {
        let recipients: Vec<Recipient> = [KEY, OTHER].into_iter().flat_map(keys).map(|it| it.recipient()).collect();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5] {
            let clear = vec![b'x'; length];
            let file = encrypt(&recipients, &clear).unwrap();
            assert!([KEY, OTHER].into_iter().all(|it| decrypt(&file, &keys(it)).as_ref() == Ok(&clear)), "{length}");
        }
        let file = encrypt(&recipients[..1], b"x").unwrap();
        assert_eq!(decrypt(&file, &keys(OTHER)), Err(AgeError::NoKey));
    }

    #[test]
    fn recipients_are_written_as_age_writes_them() {
        let written = KEY.lines().find_map(|it| it.strip_prefix("# public key: ")).unwrap();
        let recipient = keys(KEY)[0].recipient();
        assert_eq!(recipient.to_string(), written);
        assert_eq!(Recipient::parse(written), Some(recipient));
        assert_eq!(Recipient::parse(&written.replace("age1", "agf1")), None);
    }

    #[test]
    fn nothing_can_be_changed_or_cut_off() {
        let recipient = keys(KEY)[0].recipient();
        let file = encrypt(std::slice::from_ref(&recipient), b"hunter2").unwrap();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(decrypt(&changed, &keys(KEY)).is_err(), "{at}");
            assert!(decrypt(&file[..at], &keys(KEY)).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_public_key_that_leads_to_a_known_secret_is_refused() {
        assert_eq!(encrypt(&[Recipient(PublicKey::from([0; 32]))], b"x"), Err(AgeError::Malformed));
        assert!(keys(KEY)[0].unwrap(&[0; 32], &[0; 32]).is_none());
    }
}
