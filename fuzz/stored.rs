//! What the fuzz targets do with bytes that anybody may have put where something of ours is expected; the tests do the same over
//! what former versions wrote, and its mutations.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use infra::address::StackName;
use infra::plan;
use infra::secrets::age::{self, Identity};
use infra::secrets::envelope::{DataKey, Envelope, What};
use infra::secrets::sops::{self, Form, Keys};
use infra::state::{Commit, codec};
use infra::store::frame;

const KEY: &str = include_str!("../tests/secrets/key.txt");

fn dev() -> StackName {
    "dev".parse().unwrap()
}

/// A document that is read is written as it is read again.
pub fn state(bytes: &[u8]) {
    let Ok(state) = codec::decode(bytes, &dev()) else { return };
    let written = codec::encode(&state).unwrap();
    assert_eq!(codec::decode(&written, &dev()).unwrap(), state);
}

/// Records, or an error; and what is appended to the good ones is found again.
pub fn journal(bytes: &[u8]) {
    let Ok(payloads) = frame::read(bytes) else { return };
    let mut again = frame::HEADER.to_vec();
    for payload in &payloads {
        let _ = serde_json::from_slice::<Commit>(payload);
        frame::write(&mut again, payload).unwrap();
    }
    assert_eq!(frame::read(&again).unwrap(), payloads);
}

/// The bytes as a file, and as what is in a file whose sums are right.
pub fn plan(bytes: &[u8]) {
    let _ = plan::codec::decode_new(bytes, &dev());
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    for body in [encoder.finish().unwrap().as_slice(), bytes] {
        let mut file = b"\x89infra\r\n".to_vec();
        file.extend(plan::codec::FORMAT.to_be_bytes());
        file.extend(crc32fast::hash(body).to_be_bytes());
        file.extend_from_slice(body);
        if let Ok(plan) = plan::codec::decode_new(&file, &dev()) {
            plan::codec::decode_new(&plan::codec::encode(&plan).unwrap(), &dev()).unwrap();
        }
    }
}

/// Files of SOPS and of age, and envelopes.
pub fn sops(bytes: &[u8]) {
    let keys = Identity::parse_all(KEY);
    for form in [Form::Yaml, Form::Json, Form::Dotenv, Form::Binary] {
        let _ = sops::decrypt(form, bytes, &Keys::of(keys.clone()));
    }
    let _ = age::decrypt(bytes, &keys);
    if let (Ok(envelope), Some(key)) = (Envelope::parse(bytes), DataKey::from_bytes(&[7; 32])) {
        let _ = envelope.open(What::State, &key);
    }
}
