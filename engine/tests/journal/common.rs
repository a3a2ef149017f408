//! Owns what the journal tests share: options for tiny segments, records whose
//! content follows from their sequence, and opening a journal whatever state it is in.

use engine::journal::{
    Build, JournalWriter, Options, PushError, Reader, RecoveryError, SegmentId, Storage, Verdict,
    scan,
};

pub(crate) const NOW: u64 = 1_700_000_000_000_000_000;

/// Segments of 2 KiB, batches of 512 bytes: rolls come after a few batches.
pub(crate) fn options() -> Options {
    Options {
        segment_bytes: 2048,
        batch_bytes_max: 512,
        ..Options::new(Build::new("test-build").unwrap(), 1)
    }
}

/// A record whose length and bytes depend on its sequence and nothing else.
pub(crate) fn record(sequence: u64) -> Vec<u8> {
    let length = sequence.wrapping_mul(37) % 90;
    (0..length)
        .map(|at| u8::try_from((sequence.wrapping_mul(131) + at * 7) % 251).unwrap())
        .collect()
}

/// Pushes the next record, writing the batch first when it is full.
pub(crate) fn append<S: Storage>(
    writer: &mut JournalWriter<S>,
) -> Result<(), engine::journal::WriteError> {
    let sequence = writer.next_sequence();
    match writer.push(sequence, &record(sequence)) {
        Err(PushError::BatchFull) => {
            writer.write_batch(NOW)?;
            writer.push(sequence, &record(sequence)).unwrap();
        }
        Err(PushError::Stopped(failure)) => return Err(failure.into()),
        other => other.unwrap(),
    }
    Ok(())
}

/// Appends `count` records, writes and syncs them.
pub(crate) fn append_durably<S: Storage>(writer: &mut JournalWriter<S>, count: u64) -> u64 {
    for _ in 0..count {
        append(writer).unwrap();
    }
    writer.write_batch(NOW).unwrap();
    writer.sync().unwrap()
}

/// Reads everything back; checks each record's content and the order.
pub(crate) fn scan_checked<S: Storage>(
    storage: &S,
) -> Result<(u64, engine::journal::Scan<S>), RecoveryError> {
    let mut last = 0;
    let scan = scan(storage.clone(), SegmentId::FIRST, |found| {
        assert_eq!(found.sequence, last + 1, "records come in order");
        assert_eq!(found.bytes, record(found.sequence), "records come whole");
        last = found.sequence;
    })?;
    Ok((last, scan))
}

/// Opens the journal for writing as a start would: creates or recovers it.
pub(crate) fn open<S: Storage>(storage: &S) -> (JournalWriter<S>, u64, Option<Verdict>) {
    match scan_checked(storage) {
        Err(RecoveryError::NoJournal) => {
            let writer = JournalWriter::create(storage.clone(), options()).unwrap();
            (writer, 0, None)
        }
        Err(error) => panic!("refused: {error}"),
        Ok((last, scan)) => {
            let verdict = scan.verdict();
            let epoch = scan.end().epoch + 1;
            let recovered = scan.repair().unwrap();
            let options = Options { epoch, ..options() };
            let writer = JournalWriter::resume(recovered, options, NOW).unwrap();
            (writer, last, Some(verdict))
        }
    }
}

/// Reads a journal nobody writes with the plain reader; the last sequence.
pub(crate) fn read_all<S: Storage>(storage: &S) -> Result<u64, engine::journal::ReadError> {
    let mut reader = Reader::open(storage.clone(), SegmentId::FIRST)?;
    while let Some(frame) = reader.next_frame()? {
        for found in frame.records() {
            assert_eq!(found.bytes, record(found.sequence));
        }
    }
    Ok(reader.end().next_sequence - 1)
}
