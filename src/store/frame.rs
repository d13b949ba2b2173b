//! Records in a journal file: after a header, `length (u32, little-endian) · CRC-32 of length and payload · payload`.
//!
//! A record is stored whole or not at all: a crash can tear only the last one, which was never reported as stored.

/// The first bytes of a journal file; the number is the format of its records.
pub const HEADER: &[u8] = b"infra journal 1\n";

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("it is no journal of this version of infra")]
    Foreign,
    #[error("the record at byte {0} is damaged, and others follow it")]
    Damaged(usize),
    #[error("{0} bytes are too many for one record")]
    TooLong(usize),
}

/// Appends one record.
pub fn write(out: &mut Vec<u8>, payload: &[u8]) -> Result<(), FrameError> {
    let length = u32::try_from(payload.len()).map_err(|_| FrameError::TooLong(payload.len()))?.to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(length, payload).to_le_bytes());
    out.extend_from_slice(payload);
    Ok(())
}

/// All whole records of a file. A torn last one is left out.
pub fn read(bytes: &[u8]) -> Result<Vec<&[u8]>, FrameError> {
    if is_torn_header(bytes) {
        return Ok(Vec::new());
    }
    let Some(mut rest) = bytes.strip_prefix(HEADER) else { return Err(FrameError::Foreign) };
    let mut payloads = Vec::new();
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        match split(rest) {
            Record::Whole { payload, after } => {
                payloads.push(payload);
                rest = after;
            }
            Record::Broken { after } if matches!(split(after), Record::Whole { .. }) => return Err(FrameError::Damaged(at)),
            Record::Broken { .. } => break,
        }
    }
    Ok(payloads)
}

/// Whether no more than a header was ever written: a power failure leaves less of it, or zeros where its bytes should be.
fn is_torn_header(bytes: &[u8]) -> bool {
    bytes.len() <= HEADER.len() && bytes.iter().zip(HEADER).all(|(is, should)| is == should || *is == 0)
}

enum Record<'a> {
    Whole {
        payload: &'a [u8],
        after: &'a [u8],
    },
    /// What follows the length that the record claims to have.
    Broken {
        after: &'a [u8],
    },
}

fn split(bytes: &[u8]) -> Record<'_> {
    let broken = Record::Broken { after: &[] };
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return broken };
    let Some((sum, rest)) = rest.split_first_chunk::<4>() else { return broken };
    let Ok(payload_bytes) = usize::try_from(u32::from_le_bytes(*length)) else { return broken };
    let Some((payload, after)) = rest.split_at_checked(payload_bytes) else { return broken };
    match checksum(*length, payload) == u32::from_le_bytes(*sum) {
        true => Record::Whole { payload, after },
        false => Record::Broken { after },
    }
}

/// Covers the length too: a block of zeros is no record.
fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn commit(seq: u8) -> Vec<u8> {
        format!("{{\"seq\":{seq}}}").into_bytes()
    }

    fn file(commits: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = HEADER.to_vec();
        let mut ends = vec![bytes.len()];
        for commit in commits {
            write(&mut bytes, commit).unwrap();
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn every_prefix_reads_as_the_records_that_are_whole_in_it() {
        let commits: Vec<_> = (1..=3).map(commit).collect();
        let (bytes, ends) = file(&commits);
        for end in 0..=bytes.len() {
            let whole = ends.iter().skip(1).filter(|it| **it <= end).count();
            assert_eq!(read(&bytes[..end]).unwrap(), commits[..whole], "{end}");
        }
    }

    #[test]
    fn damage_in_the_middle_is_not_mistaken_for_a_torn_end() {
        let (bytes, ends) = file(&[commit(1), commit(2)]);
        let mut damaged = bytes.clone();
        damaged[ends[0] + 11] ^= 1;
        assert_eq!(read(&damaged), Err(FrameError::Damaged(ends[0])));
        let mut torn = bytes.clone();
        torn[ends[1] + 11] ^= 1;
        assert_eq!(read(&torn).unwrap().len(), 1);
        let mut zeros = bytes;
        zeros.extend([0; 64]);
        assert_eq!(read(&zeros).unwrap().len(), 2, "blocks that were allocated and never written");
        assert_eq!(read(b"infra jour\0\0\0").unwrap().len(), 0, "the same, of the header");
        assert_eq!(read(b"something else entirely"), Err(FrameError::Foreign));
        assert_eq!(read(b"infra journal 2\n"), Err(FrameError::Foreign));
    }

    proptest! {
        #[test]
        fn records_read_back(commits in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5)) {
            let bytes = file(&commits).0;
            prop_assert_eq!(read(&bytes).unwrap(), commits);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
            let _ = read(&[HEADER, &bytes].concat());
        }

        #[test]
        fn a_garbled_end_never_costs_what_was_stored_before(
            commits in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..4),
            garbage in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut bytes = file(&commits).0;
            bytes.extend(garbage);
            prop_assert_eq!(&read(&bytes).unwrap()[..commits.len()], &commits[..]);
        }
    }
}
