//! Owns the proof that a finished segment is the one the server wrote: a small
//! file beside it, signed with the server's key. Leaves out when that is made
//! (the follower's clerk) and the walk over all of them (`chain`).
//!
//! ```text
//! offset size field
//!      0    8 magic "PCSEALED"
//!      8    4 format version (1)
//!     12    4 zero
//!     16    8 segment id
//!     24    8 sequence of the last record in it
//!     32    8 time of signing, nanoseconds since 1970-01-01 UTC
//!     40   32 chain hash at its end
//!     72   32 Ed25519 public key
//!    104   64 signature over "portcullis-segment-v1" and bytes 0..104
//!    168    4 zero
//!    172    4 CRC32C of bytes 0..172
//! ```

use std::io;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::cursor::open_segment;
use super::format::{ChainHash, Fields, SegmentId, put, seal, sealed};
use super::reader::segments;
use super::storage::{Storage, StorageFile};

const MAGIC: [u8; 8] = *b"PCSEALED";
const FORMAT: u32 = 1;
const BYTES: usize = 176;
const SIGNED: usize = 104;
const CONTEXT: &[u8] = b"portcullis-segment-v1";
pub(super) const SEAL_TEMPORARY: &str = "seal.tmp";

/// What a seal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The segment.
    pub segment: SegmentId,
    /// Last record in it, or before it when it holds none.
    pub last_sequence: u64,
    /// When it was signed.
    pub time_ns: u64,
    /// Chain hash at its end.
    pub chain: ChainHash,
    /// The key that signed.
    pub key: [u8; 32],
}

impl SegmentId {
    /// The file that seals this segment, `000000000007.seal`.
    #[must_use]
    pub fn seal_name(self) -> String {
        format!("{:012}.seal", self.0)
    }

    /// The segment that a file of this name seals.
    #[must_use]
    pub(super) fn from_seal_name(name: &str) -> Option<Self> {
        let id = name.strip_suffix(".seal")?.parse().ok().map(Self)?;
        (id.seal_name() == name).then_some(id)
    }
}

impl Seal {
    fn signed(&self) -> [u8; SIGNED] {
        let mut bytes = [0; SIGNED];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, MAGIC);
        put(&mut rest, FORMAT.to_le_bytes());
        put(&mut rest, [0; 4]);
        put(&mut rest, self.segment.0.to_le_bytes());
        put(&mut rest, self.last_sequence.to_le_bytes());
        put(&mut rest, self.time_ns.to_le_bytes());
        put(&mut rest, self.chain.0);
        put(&mut rest, self.key);
        bytes
    }

    fn encode(&self, key: &SigningKey) -> [u8; BYTES] {
        let signed = self.signed();
        let signature = key.sign(&message(CONTEXT, &signed));
        let mut bytes = [0; BYTES];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, signed);
        put(&mut rest, signature.to_bytes());
        seal(&mut bytes);
        bytes
    }

    /// Reads a seal whose signature is by the key that it names.
    fn decode(bytes: &[u8; BYTES]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if !sealed(bytes) || fields.take() != MAGIC || fields.u32() != FORMAT || fields.u32() != 0 {
            return None;
        }
        let seal = Self {
            segment: SegmentId(fields.u64()),
            last_sequence: fields.u64(),
            time_ns: fields.u64(),
            chain: ChainHash(fields.take()),
            key: fields.take(),
        };
        let signature: [u8; 64] = fields.take();
        signed_by(&seal.key, CONTEXT, &seal.signed(), &signature).then_some(seal)
    }

    /// The seal of a segment; `None` when there is none.
    ///
    /// # Errors
    /// `InvalidData` for one that no server's key has made; else what the system says.
    pub fn load(storage: &impl Storage, segment: SegmentId) -> io::Result<Option<Self>> {
        let file = match storage.open(&segment.seal_name()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = [0; BYTES];
        let whole = file.read_at(&mut bytes, 0)? == BYTES;
        match Self::decode(&bytes) {
            Some(seal) if whole && seal.segment == segment => Ok(Some(seal)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The last segment that has a seal, from one on: a segment is sealed when another one follows it. A seal that can't
/// be read proves nothing.
pub(super) fn sealed_from(storage: &impl Storage, from: SegmentId) -> io::Result<Option<Seal>> {
    let mut sealed: Option<Seal> = None;
    for name in storage.list()? {
        if let Some(id) = SegmentId::from_seal_name(&name).filter(|id| *id >= from)
            && let Ok(Some(seal)) = Seal::load(storage, id)
            && sealed.is_none_or(|other| other.segment < id)
        {
            sealed = Some(seal);
        }
    }
    Ok(sealed)
}

fn message(context: &[u8], signed: &[u8]) -> Vec<u8> {
    [context, signed].concat()
}

/// Whether `signature` over `context` and `bytes` was made by `key`.
pub(super) fn signed_by(
    key: &[u8; 32],
    context: &[u8],
    bytes: &[u8],
    signature: &[u8; 64],
) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(&message(context, bytes), &Signature::from_bytes(signature))
            .is_ok()
    })
}

/// Signs under a context of its own, so that one thing's signature is never another's.
pub(super) fn sign(key: &SigningKey, context: &[u8], bytes: &[u8]) -> [u8; 64] {
    key.sign(&message(context, bytes)).to_bytes()
}

/// Seals the finished segments of one journal.
#[derive(Debug)]
pub struct Seals<S> {
    storage: S,
    key: SigningKey,
}

impl<S: Storage> Seals<S> {
    /// With the server's key.
    #[must_use]
    pub fn new(storage: S, key: SigningKey) -> Self {
        Self { storage, key }
    }

    /// Seals every segment before `current` that has no seal yet: the one just
    /// left, and those that a crash left without. Each is followed by a segment
    /// whose header holds the chain hash at its end.
    ///
    /// # Errors
    /// What the system says; what was not sealed is sealed the next time.
    pub fn seal_before(&self, current: SegmentId, now_ns: u64) -> io::Result<()> {
        let names = self.storage.list()?;
        for segment in segments(&self.storage)? {
            if segment >= current || names.contains(&segment.seal_name()) {
                continue;
            }
            let (_, next) =
                open_segment(&self.storage, segment.next()).map_err(io::Error::other)?;
            let made = Seal {
                segment,
                last_sequence: next.first_sequence.saturating_sub(1),
                time_ns: now_ns,
                chain: next.previous,
                key: self.key.verifying_key().to_bytes(),
            };
            let file = self.storage.create(SEAL_TEMPORARY)?;
            file.write_at(&made.encode(&self.key), 0)?;
            file.sync()?;
            self.storage.rename(SEAL_TEMPORARY, &segment.seal_name())?;
            self.storage.sync_directory()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_comes_back_and_every_flipped_bit_is_noticed() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let seal = Seal {
            segment: SegmentId(7),
            last_sequence: 41,
            time_ns: 5,
            chain: ChainHash([9; 32]),
            key: key.verifying_key().to_bytes(),
        };
        let bytes = seal.encode(&key);
        assert_eq!(Seal::decode(&bytes), Some(seal));
        for bit in 0..BYTES * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Seal::decode(&bytes), None, "bit {bit}");
        }
    }

    #[test]
    fn a_seal_with_an_honest_checksum_and_another_keys_signature_is_none() {
        let (key, other) = (
            SigningKey::from_bytes(&[7; 32]),
            SigningKey::from_bytes(&[8; 32]),
        );
        let seal = Seal {
            segment: SegmentId(7),
            last_sequence: 41,
            time_ns: 5,
            chain: ChainHash([9; 32]),
            key: key.verifying_key().to_bytes(),
        };
        assert_eq!(Seal::decode(&seal.encode(&other)), None);
    }
}
