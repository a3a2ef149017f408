//! Journal recovery: a journal is written and then damaged, both as the script says.
//!
//! Recovery shows a prefix of what was written and nothing else, or refuses. What the watermark file proves
//! to be durable is in that prefix, or it refuses. A recovered journal goes on and is then whole. Damage whose
//! checksums were made to fit again (`reseal`) may say anything and must only never panic.

use super::script::Script;
use engine::journal::sim::SimFiles;
use engine::journal::watermark::WATERMARK_FILE;
use engine::journal::{Build, JournalWriter, Options, Scan, SegmentId, Storage, Verdict, scan};

const NOW: u64 = 1_700_000_000_000_000_000;
const SEGMENT_HEADER: usize = 128;
const FRAME_HEADER: usize = 104;

fn options(epoch: u64) -> Options {
    Options {
        segment_bytes: 2048,
        batch_bytes_max: 512,
        epoch,
        ..Options::new(Build::new("fuzz").unwrap(), 1)
    }
}

pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let files = SimFiles::new(1);
    let mut written = Vec::new();
    let (durable, clean) = write(&files, &mut script, &mut written);
    let proof = files.contents(WATERMARK_FILE);
    let damage = Damage::of(&files, &mut script);
    let mut shown = Vec::new();
    let Ok(found) = scan(files.clone(), SegmentId::FIRST, |record| {
        shown.push(record.bytes.to_vec());
    }) else {
        assert!(damage.is_some(), "an undamaged journal was refused");
        return;
    };
    match damage {
        None => {
            assert!(shown == written, "an undamaged journal is whole");
            assert_eq!(found.verdict() == Verdict::Clean, clean);
        }
        Some(Damage::Checksums) => {}
        Some(Damage::Bytes) => {
            assert!(shown.len() <= written.len() && shown == written[..shown.len()]);
            let proven = files.contents(WATERMARK_FILE) == proof;
            let gone = proven && shown.len() < durable;
            assert!(!gone, "what was durable is gone unnoticed");
        }
    }
    goes_on(found, &files, &shown);
}

/// Writes records, batches and syncs; how many records the watermark file proves, and whether it stopped
/// cleanly.
fn write(files: &SimFiles, script: &mut Script<'_>, written: &mut Vec<Vec<u8>>) -> (usize, bool) {
    let mut writer = JournalWriter::create(files.clone(), options(1)).unwrap();
    let mut proved = 0;
    for _ in 0..script.byte() % 24 {
        match script.byte() % 8 {
            0..=2 => {
                let length = usize::from(script.byte() % 96);
                let record = script.take(length);
                if writer.has_room_for(record.len()) {
                    writer.push(writer.next_sequence(), record).unwrap();
                    written.push(record.to_vec());
                }
            }
            3 | 4 => drop(writer.write_batch(NOW).unwrap()),
            5 => drop(writer.sync().unwrap()),
            6 => drop(writer.restate(NOW).unwrap()),
            _ => {
                writer.store_watermark().unwrap();
                proved = usize::try_from(writer.durable()).unwrap();
            }
        }
    }
    writer.write_batch(NOW).unwrap();
    if script.byte() & 1 == 1 {
        writer.clean_stop(NOW).unwrap();
        (written.len(), true)
    } else {
        (proved, false)
    }
}

/// What was done to the files.
enum Damage {
    /// Bytes were changed or cut.
    Bytes,
    /// And checksums made to fit.
    Checksums,
}

impl Damage {
    fn of(files: &SimFiles, script: &mut Script<'_>) -> Option<Self> {
        let names = files.list().unwrap();
        let mut damage = None;
        for _ in 0..script.byte() % 6 {
            let name = &names[usize::from(script.byte()) % names.len()];
            let before = files.contents(name).unwrap();
            let mut bytes = before.clone();
            if bytes.is_empty() {
                continue;
            }
            let at = usize::from(script.u16()) % bytes.len();
            let kind = script.byte() % 6;
            match kind {
                0 => bytes[at] ^= script.byte(),
                1 => bytes.truncate(at),
                2 => bytes[at..].fill(0),
                3 => {
                    let given = script.take(8);
                    let end = bytes.len().min(at + given.len());
                    bytes[at..end].copy_from_slice(&given[..end - at]);
                }
                4 => {
                    let from = usize::from(script.u16()) % bytes.len();
                    let length = 64.min(bytes.len() - at).min(bytes.len() - from);
                    let copy = bytes[from..from + length].to_vec();
                    bytes[at..at + length].copy_from_slice(&copy);
                }
                _ => {
                    bytes[at] = script.byte();
                    reseal(&mut bytes, at);
                }
            }
            if bytes != before {
                damage = Some(match (kind, damage) {
                    (5, _) | (_, Some(Self::Checksums)) => Self::Checksums,
                    _ => Self::Bytes,
                });
                files.replace(name, &bytes);
            }
        }
        damage
    }
}

/// Makes the checksum of the header that holds byte `at` fit again.
fn reseal(bytes: &mut [u8], at: usize) {
    let (start, length) = if at < SEGMENT_HEADER {
        (0, SEGMENT_HEADER)
    } else {
        (at / 64 * 64, FRAME_HEADER)
    };
    if let Some(header) = bytes.get_mut(start..start + length) {
        let (body, crc) = header.split_last_chunk_mut::<4>().unwrap();
        *crc = crc32c(body).to_le_bytes();
    }
}

/// Castagnoli, bit by bit: small, and not the one under test.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82F6_3B78 * (crc & 1))
        })
    })
}

/// A recovered journal takes another record, stops, and is whole.
fn goes_on(found: Scan<SimFiles>, files: &SimFiles, shown: &[Vec<u8>]) {
    let end = *found.end();
    if end.segment.size < 2048 || end.epoch == u64::MAX || end.next_sequence > u64::MAX - 2 {
        return;
    }
    let Ok(recovered) = found.repair() else {
        return;
    };
    let Ok(mut writer) = JournalWriter::resume(recovered, options(end.epoch + 1), NOW) else {
        return;
    };
    writer.push(writer.next_sequence(), b"one more").unwrap();
    writer.write_batch(NOW).unwrap();
    writer.clean_stop(NOW).unwrap();
    let mut again = Vec::new();
    let whole = scan(files.clone(), SegmentId::FIRST, |record| {
        again.push(record.bytes.to_vec());
    })
    .unwrap();
    assert_eq!(whole.verdict(), Verdict::Clean);
    let (last, before) = again.split_last().unwrap();
    assert_eq!((last.as_slice(), before), (&b"one more"[..], shown));
}
