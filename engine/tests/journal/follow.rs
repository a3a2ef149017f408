//! Owns the follower's view: a journal read while it is being written.

use engine::journal::sim::SimFiles;
use engine::journal::{JournalWriter, ReadError, RealFiles, SegmentId, Storage, Tail, TailStep};

use crate::common::{NOW, append, append_durably, options, record};

/// Reads all that is durable; the last sequence seen.
fn drain<S: Storage>(tail: &mut Tail<S>, durable: u64) -> Result<u64, ReadError> {
    while let TailStep::Frame(frame) = tail.next_frame(durable)? {
        for found in frame.records() {
            assert_eq!(found.bytes, record(found.sequence));
        }
    }
    Ok(tail.end().next_sequence - 1)
}

#[test]
fn a_follower_sees_what_is_durable_and_nothing_beyond_across_segments() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    let mut tail = Tail::open(files, SegmentId::FIRST).unwrap();
    for round in 0..60 {
        append(&mut writer).unwrap();
        append(&mut writer).unwrap();
        writer.write_batch(NOW).unwrap();
        assert_eq!(
            drain(&mut tail, writer.durable()).unwrap(),
            writer.durable()
        );
        if round % 3 == 0 {
            writer.restate(NOW).unwrap();
        }
        writer.sync().unwrap();
        assert_eq!(
            drain(&mut tail, writer.durable()).unwrap(),
            writer.durable()
        );
    }
    assert!(tail.end().position.segment > SegmentId(3));
}

#[test]
fn bytes_beyond_the_watermark_are_not_yet_and_below_it_they_are_damage() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 2);
    let next = usize::try_from(writer.head().0.offset).unwrap();
    let mut bytes = files.contents("000000000001.seg").unwrap();
    bytes[next] = 0xff;
    files.replace("000000000001.seg", &bytes);
    let mut tail = Tail::open(files, SegmentId::FIRST).unwrap();
    assert_eq!(drain(&mut tail, 2).unwrap(), 2);
    assert!(matches!(tail.next_frame(2), Ok(TailStep::NotYet)));
    let damage = drain(&mut tail, 3).unwrap_err();
    assert_eq!(
        damage.to_string(),
        format!("000000000001.seg, byte {next}: frame header checksum mismatch")
    );
}

#[test]
fn a_watermark_inside_a_batch_shows_none_of_it() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 3);
    let mut tail = Tail::open(files, SegmentId::FIRST).unwrap();
    assert!(matches!(tail.next_frame(2), Ok(TailStep::NotYet)));
    assert!(matches!(tail.next_frame(3), Ok(TailStep::Frame(_))));
}

#[test]
fn a_follower_on_another_thread_keeps_up_with_real_files() {
    let directory = tempfile::tempdir().unwrap();
    let files = RealFiles::new(directory.path());
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let follower = std::thread::spawn(move || {
        let mut tail = Tail::open(files, SegmentId::FIRST).unwrap();
        let mut last = 0;
        for durable in receiver {
            last = drain(&mut tail, durable).unwrap();
            assert_eq!(last, durable);
        }
        last
    });
    for _ in 0..100 {
        sender.send(append_durably(&mut writer, 3)).unwrap();
    }
    drop(sender);
    assert_eq!(follower.join().unwrap(), 300);
}
