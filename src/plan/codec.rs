//! Plan files: `infra plan --out FILE`, `infra apply --plan FILE`.
//!
//! Eight bytes of magic, the format (four bytes, big endian), the CRC-32 of the rest (four bytes), and the plan as JSON,
//! deflated. Secrets are in it as digests only; where it must not be read at all, the caller encrypts the whole.

use std::io::{BufWriter, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};

use super::Plan;
use crate::address::StackName;
use crate::state::Lineage;

const MAGIC: &[u8; 8] = b"\x89infra\r\n";

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// A plan of 100,000 resources has some 100 MB; a file that unfolds into more is not one of ours.
const SIZE_MAX: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    #[error("this is not a plan file of infra")]
    Foreign,
    #[error("the plan file has format {found}; this version of infra reads up to {FORMAT}")]
    Newer { found: u32 },
    #[error("the plan file is incomplete or was changed: {0}")]
    Damaged(String),
    #[error("the plan file belongs to the stack `{found}`, not to `{wanted}`")]
    OtherStack { found: StackName, wanted: StackName },
    /// Same name, another state: made anew, or another account's.
    #[error("the plan file was made for another state of the stack `{stack}`")]
    OtherState { stack: StackName },
    #[error("the plan cannot be stored: {0}")]
    Unstorable(String),
}

impl PlanFileError {
    /// The code of the diagnostic that tells it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Foreign => "plan-file-foreign",
            Self::Newer { .. } => "plan-file-newer",
            Self::Damaged(_) | Self::Unstorable(_) => "plan-file-damaged",
            Self::OtherStack { .. } | Self::OtherState { .. } => "plan-file-other-stack",
        }
    }
}

pub fn encode(plan: &Plan) -> Result<Vec<u8>, PlanFileError> {
    let unstorable = |why: &dyn std::fmt::Display| PlanFileError::Unstorable(why.to_string());
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let json = serde_json::to_vec(plan).map_err(|it| unstorable(&it))?;
    encoder.write_all(&json).map_err(|it| unstorable(&it))?;
    let body = encoder.finish().map_err(|it| unstorable(&it))?;
    let mut out = Vec::with_capacity(body.len() + 16);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&FORMAT.to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
    out.extend_from_slice(&body);
    Ok(out)
}

/// The SHA-256 of a plan as JSON, in hexadecimal; nothing for one that cannot be stored.
pub fn digest(plan: &Plan) -> Option<String> {
    let mut digesting = BufWriter::new(Digesting(Sha256::new()));
    serde_json::to_writer(&mut digesting, plan).ok()?;
    let Digesting(digest) = digesting.into_inner().ok()?;
    Some(hex::encode(digest.finalize()))
}

/// Keeps nothing of what is written but its digest.
struct Digesting(Sha256);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A plan of `stack`, whose state has `lineage`.
pub fn decode(bytes: &[u8], stack: &StackName, lineage: &Lineage) -> Result<Plan, PlanFileError> {
    let plan = decode_new(bytes, stack)?;
    if plan.lineage != *lineage {
        return Err(PlanFileError::OtherState { stack: plan.stack });
    }
    Ok(plan)
}

/// A plan of `stack`, which has no state yet.
pub fn decode_new(bytes: &[u8], stack: &StackName) -> Result<Plan, PlanFileError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(PlanFileError::Foreign)?;
    let incomplete = || PlanFileError::Damaged("it ends too early".to_owned());
    let (format, rest) = rest.split_first_chunk::<4>().ok_or_else(incomplete)?;
    let found = u32::from_be_bytes(*format);
    if found > FORMAT {
        return Err(PlanFileError::Newer { found });
    }
    let (sum, body) = rest.split_first_chunk::<4>().ok_or_else(incomplete)?;
    if crc32fast::hash(body) != u32::from_be_bytes(*sum) {
        return Err(PlanFileError::Damaged("its checksum does not fit".to_owned()));
    }
    let mut json = Vec::new();
    let mut unfolded = DeflateDecoder::new(body).take(SIZE_MAX);
    unfolded.read_to_end(&mut json).map_err(|it| PlanFileError::Damaged(it.to_string()))?;
    let plan: Plan = serde_json::from_slice(&json).map_err(|it| PlanFileError::Damaged(it.to_string()))?;
    if plan.stack != *stack {
        return Err(PlanFileError::OtherStack { found: plan.stack, wanted: stack.clone() });
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::example;
    use super::*;

    fn names() -> (StackName, Lineage) {
        let plan = example();
        (plan.stack, plan.lineage)
    }

    #[test]
    fn a_plan_survives_its_file() {
        let plan = example();
        let (stack, lineage) = names();
        let back = decode(&encode(&plan).unwrap(), &stack, &lineage).unwrap();
        // Lists and tuples, maps and objects are one in JSON.
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(&plan).unwrap());
        assert_eq!(back.steps.len(), plan.steps.len());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_apart() {
        let (stack, lineage) = names();
        let good = encode(&example()).unwrap();
        let code = |bytes: &[u8], stack: &StackName, lineage: &Lineage| decode(bytes, stack, lineage).unwrap_err().code();
        assert_eq!(code(b"{\"terraform\": 1}", &stack, &lineage), "plan-file-foreign");
        assert_eq!(code(&[], &stack, &lineage), "plan-file-foreign");
        let mut newer = good.clone();
        newer[11] = 9;
        assert_eq!(code(&newer, &stack, &lineage), "plan-file-newer");
        assert_eq!(code(&good[..good.len() / 2], &stack, &lineage), "plan-file-damaged");
        assert_eq!(code(&good[..10], &stack, &lineage), "plan-file-damaged");
        assert_eq!(code(&good, &"prod".parse().unwrap(), &lineage), "plan-file-other-stack");
        assert_eq!(code(&good, &stack, &Lineage("other".into())), "plan-file-other-stack");
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_refused(at in 0usize..10_000, bit in 0u8..8) {
            let (stack, lineage) = names();
            let mut bytes = encode(&example()).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes, &stack, &lineage).is_err() || (8..12).contains(&at));
        }

        #[test]
        fn any_bytes_are_refused_without_a_panic(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let (stack, lineage) = names();
            let mut bytes = MAGIC.to_vec();
            bytes.extend(FORMAT.to_be_bytes());
            bytes.extend(crc32fast::hash(&tail).to_be_bytes());
            bytes.extend(tail);
            prop_assert!(decode(&bytes, &stack, &lineage).is_err());
        }
    }
}
