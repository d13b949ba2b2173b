//! What was stored is read for ever, and what is no longer what was stored is told as such: the documents that each format wrote,
//! and the fuzz targets over them and their mutations.

use std::fs;
use std::path::Path;

use infra::address::StackName;
use infra::plan;
use infra::state::codec::{self, CodecError};
use infra::state::{Commit, FORMAT};
use infra::store::frame::{self, FrameError};

#[path = "../../fuzz/stored.rs"]
mod targets;

const STATE: &[u8] = include_bytes!("../stored/state-1.json");
const JOURNAL: &[u8] = include_bytes!("../stored/journal-1");
const PLAN: &[u8] = include_bytes!("../stored/plan-1");

fn dev() -> StackName {
    "dev".parse().unwrap()
}

#[test]
fn every_format_of_a_state_is_read() {
    for format in 1..=FORMAT {
        let file = format!("{}/tests/stored/state-{format}.json", env!("CARGO_MANIFEST_DIR"));
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("format {format} keeps a document: {file}: {error}"));
        let state = codec::decode(&bytes, &dev()).unwrap();
        assert_eq!(state.format, FORMAT);
        assert_eq!(state.resources.keys().map(ToString::to_string).collect::<Vec<_>>(), ["aws_vpc.v1", "aws_vpc.v2"]);
    }
}

#[test]
fn the_journal_and_the_plan_of_format_1_are_read() {
    let mut state = codec::decode(STATE, &dev()).unwrap();
    let commits: Vec<Commit> = frame::read(JOURNAL).unwrap().into_iter().map(|it| serde_json::from_slice(it).unwrap()).collect();
    state.replay(&commits).unwrap();
    assert!(state.resources.keys().any(|it| it.to_string() == "aws_vpc.v3"), "the journal continues the state");
    let plan = plan::codec::decode_new(PLAN, &dev()).unwrap();
    assert_eq!(plan.changes.len(), 3);
}

#[test]
fn what_is_wrong_is_told_apart() {
    let state = |bytes: &[u8]| codec::decode(bytes, &dev()).unwrap_err();
    assert!(matches!(state(&STATE[..STATE.len() / 2]), CodecError::Truncated(_)));
    assert!(matches!(state(PLAN), CodecError::Malformed(_) | CodecError::Foreign(_)), "a plan is no state");
    assert!(matches!(state(JOURNAL), CodecError::Malformed(_) | CodecError::Foreign(_)), "a journal is no state");
    let newer = String::from_utf8_lossy(STATE).replacen("\"format\":1", "\"format\":2", 1);
    assert_eq!(state(newer.as_bytes()), CodecError::Newer { found: 2, known: 1 });
    assert_eq!(frame::read(STATE), Err(FrameError::Foreign));
    assert_eq!(frame::read(b"infra journal 2\nxxxx"), Err(FrameError::Foreign));
    let code = |bytes: &[u8]| plan::codec::decode_new(bytes, &dev()).unwrap_err().code();
    assert_eq!(code(STATE), "plan-file-foreign");
    assert_eq!(code(&PLAN[..PLAN.len() - 1]), "plan-file-damaged");
}

/// Flips, cuts and doublings, from a generator that is the same every time.
fn mutation(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap()
    };
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + next(3) {
        let (a, b) = (next(bytes.len() + 1), next(bytes.len() + 1));
        let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 40));
        match next(4) {
            0 => drop(bytes.drain(a..b)),
            1 => {
                let part = bytes[a..b].to_vec();
                bytes.splice(a..a, part);
            }
            2 => bytes[a..b].iter_mut().take(1).for_each(|it| *it ^= 1 << (seed % 8)),
            _ => bytes.truncate(b),
        }
    }
    bytes
}

#[test]
fn no_bytes_make_anything_fall_over() {
    for folder in ["tests/stored", "tests/secrets"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for path in fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            let bytes = fs::read(&path).unwrap();
            for seed in 0..40 {
                let bytes = if seed == 0 { bytes.clone() } else { mutation(&bytes, seed) };
                targets::state(&bytes);
                targets::journal(&bytes);
                targets::plan(&bytes);
                targets::sops(&bytes);
            }
        }
    }
}
