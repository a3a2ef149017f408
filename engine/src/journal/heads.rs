//! Owns the file of chain heads: one line of JSON each minute and at each roll,
//! to be carried off to where nobody who can write the journal can write.
//! Leaves out when a line is due, and the comparison (`chain`).
//!
//! `{"time":…,"segment":7,"offset":640,"sequence":99,"chain":"hex","key":"hex","signature":"hex"}`
//!
//! The signature is over "portcullis-head-v1" and time, segment, offset,
//! sequence (8 bytes each, little-endian) and the chain hash.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::format::{ChainHash, Position, SegmentId, put};
use super::seal::{sign, signed_by};

const CONTEXT: &[u8] = b"portcullis-head-v1";

/// A point of the journal and the hash of everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// When it was noted, nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// Between two frames.
    pub position: Position,
    /// The last record before it.
    pub sequence: u64,
    /// Chain hash there.
    pub chain: ChainHash,
}

/// The file of heads.
#[derive(Debug)]
pub struct Heads {
    path: PathBuf,
    key: Option<SigningKey>,
}

impl Heads {
    /// Lines go to the end of `path`, signed if there is a key.
    #[must_use]
    pub fn new(path: PathBuf, key: Option<SigningKey>) -> Self {
        Self { path, key }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line, on the disk when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn append(&self, head: &Head) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)?;
        let mut line = json!({
            "time": head.time_ns,
            "segment": head.position.segment.0,
            "offset": head.position.offset,
            "sequence": head.sequence,
            "chain": head.chain.to_string(),
        });
        if let Some(key) = &self.key {
            line["key"] = json!(hex(&key.verifying_key().to_bytes()));
            line["signature"] = json!(hex(&sign(key, CONTEXT, &head.signed())));
        }
        // One write: a line is there whole or not at all, unless the disk is full or the power fails. What that has
        // left of one must not take the next with it.
        let begin = if ends_within_a_line(&self.path)? {
            "\n"
        } else {
            ""
        };
        file.write_all(format!("{begin}{line}\n").as_bytes())?;
        file.sync_data()
    }
}

/// Whether the last byte of a file is another than the end of a line.
fn ends_within_a_line(path: &Path) -> io::Result<bool> {
    let mut file = fs::File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl Head {
    fn signed(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, self.time_ns.to_le_bytes());
        put(&mut rest, self.position.segment.0.to_le_bytes());
        put(&mut rest, self.position.offset.to_le_bytes());
        put(&mut rest, self.sequence.to_le_bytes());
        put(&mut rest, self.chain.0);
        bytes
    }

    /// Reads a line. With `key` its signature must be by that key.
    ///
    /// # Errors
    /// What is wrong with the line, in a sentence.
    pub fn parse(line: &str, key: Option<&[u8; 32]>) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("it is not JSON: {error}"))?;
        let number = |name: &str| {
            value[name]
                .as_u64()
                .ok_or_else(|| format!("`{name}` is not a number"))
        };
        let bytes = |name: &str| value[name].as_str().and_then(unhex);
        let chain = bytes("chain")
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or("`chain` is not a hash")?;
        let head = Self {
            time_ns: number("time")?,
            position: Position {
                segment: SegmentId(number("segment")?),
                offset: number("offset")?,
            },
            sequence: number("sequence")?,
            chain: ChainHash(chain),
        };
        if let Some(key) = key {
            let signature = bytes("signature")
                .and_then(|bytes| <[u8; 64]>::try_from(bytes).ok())
                .ok_or("it is not signed")?;
            if !signed_by(key, CONTEXT, &head.signed(), &signature) {
                return Err("its signature is not by the key given".to_owned());
            }
        }
        Ok(head)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at.saturating_add(2))?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_and_one_that_was_changed_is_not_the_servers() {
        let directory = tempfile::tempdir().unwrap();
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key().to_bytes();
        let head = Head {
            time_ns: 5,
            position: Position {
                segment: SegmentId(7),
                offset: 640,
            },
            sequence: 99,
            chain: ChainHash([9; 32]),
        };
        let path = directory.path().join("heads");
        Heads::new(path.clone(), Some(key)).append(&head).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(Head::parse(text.trim(), Some(&public)), Ok(head));
        let moved = text.replace("640", "704");
        assert!(Head::parse(moved.trim(), Some(&public)).is_err());
        assert_eq!(
            Head::parse(moved.trim(), None).unwrap().position.offset,
            704
        );
    }
}
