//! Whether bytes tell the secret: in the ways in which a careless writer would have put it there.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What all planted secrets begin with.
pub const CANARY: &str = "Zx9-canary-Qw7";

/// A form of it, if one is there.
pub fn told(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    forms().into_iter().find(|it| text.contains(it.as_str()))
}

/// As it is, without its dashes, in other cases, in hexadecimal, and in Base64 at each of the three places where it may begin.
fn forms() -> Vec<String> {
    let plain = [CANARY.to_owned(), CANARY.replace('-', ""), CANARY.to_uppercase(), CANARY.to_lowercase()];
    let hexadecimal = [hex::encode(CANARY), hex::encode_upper(CANARY)];
    let mut out: Vec<String> = plain.into_iter().chain(hexadecimal).collect();
    for shift in 0..3 {
        let padded = format!("{}{CANARY}", "x".repeat(shift));
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            // What neighbours decide at either end is left out.
            let encoded = engine.encode(&padded);
            out.push(encoded[if shift == 0 { 0 } else { 4 }..encoded.len() - 4].to_owned());
        }
    }
    out
}

#[test]
fn every_form_is_recognised_and_nothing_else() {
    for shift in 0..6 {
        let text = format!("{}export PASSWORD={CANARY}-first\n", "#".repeat(shift));
        assert!(told(STANDARD_NO_PAD.encode(&text).as_bytes()).is_some(), "{shift}");
        assert!(told(hex::encode(&text).as_bytes()).is_some());
    }
    assert_eq!(told(b"Zx9 sings, and Qw7 is a canary"), None);
    assert!(forms().iter().all(|it| it.len() > 10), "{:?}", forms());
}
