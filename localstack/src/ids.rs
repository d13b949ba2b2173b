//! Identifiers as AWS makes them.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// 64 bits that nobody guesses and that never repeat within a process.
fn random() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(COUNTER.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}

/// A number without any meaning.
pub fn number() -> u64 {
    random()
}

/// So many hexadecimal digits, in capitals.
pub fn hex(digits: usize) -> String {
    pick(b"0123456789ABCDEF", digits)
}

/// So many small letters and digits.
pub fn letters(count: usize) -> String {
    pick(b"abcdefghijklmnopqrstuvwxyz0123456789", count)
}

fn pick(from: &[u8], count: usize) -> String {
    let one = || from.get(usize::try_from(random() % from.len() as u64).unwrap_or_default()).copied().map(char::from);
    (0..count).filter_map(|_| one()).collect()
}

/// A request id: a UUID.
pub fn request_id() -> String {
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff,
    )
}
