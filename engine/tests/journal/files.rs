//! Owns the journal on real files: creating, rolling, resuming, locking.

use engine::journal::{
    JournalWriter, LockError, Options, PushError, Reader, RealFiles, RecoveryError, SegmentId,
    Verdict, WriteError, segment_holding, segments,
};

use crate::common::{NOW, append, append_durably, open, options, read_all, record, scan_checked};

fn directory() -> (tempfile::TempDir, RealFiles) {
    let directory = tempfile::tempdir().unwrap();
    let files = RealFiles::new(directory.path());
    (directory, files)
}

#[test]
fn records_survive_many_segments_and_many_restarts() {
    let (_directory, files) = directory();
    let mut expected = 0;
    for run in 0..8_u64 {
        let (mut writer, last, verdict) = open(&files);
        assert_eq!(last, expected);
        let ended = if run % 2 == 1 {
            Verdict::Clean
        } else {
            Verdict::Unclean
        };
        assert_eq!(verdict, (run > 0).then_some(ended));
        for _ in 0..20 {
            expected = append_durably(&mut writer, 4);
            writer.prepare_spare().unwrap();
        }
        if run % 2 == 0 {
            assert_eq!(writer.clean_stop(NOW).unwrap(), expected);
        } else {
            drop(writer);
        }
    }
    assert_eq!(expected, 640);
    assert_eq!(read_all(&files).unwrap(), 640);
    assert!(segments(&files).unwrap().len() > 20);
    let (_, scan) = scan_checked(&files).unwrap();
    assert_eq!(scan.end().epoch, 8);
    assert_eq!(scan.end().time_ns, Some(NOW));
}

#[test]
fn an_empty_directory_is_no_journal_and_a_second_create_is_refused() {
    let (_directory, files) = directory();
    assert!(matches!(
        scan_checked(&files),
        Err(RecoveryError::NoJournal)
    ));
    drop(JournalWriter::create(files.clone(), options()).unwrap());
    assert!(matches!(
        JournalWriter::create(files.clone(), options()),
        Err(WriteError::NotEmpty(_))
    ));
    let (last, scan) = scan_checked(&files).unwrap();
    assert_eq!((last, scan.verdict()), (0, Verdict::Unclean));
}

#[test]
fn a_second_writer_is_told_the_pid_of_the_first() {
    let (_directory, files) = directory();
    let writer = JournalWriter::create(files.clone(), options()).unwrap();
    let pid = std::process::id();
    match scan_checked(&files) {
        Err(RecoveryError::Lock(LockError::Held { pid: Some(found) })) => assert_eq!(found, pid),
        other => panic!("{other:?}"),
    }
    drop(writer);
    scan_checked(&files).unwrap();
}

#[test]
fn a_batch_takes_what_fits_and_says_so_when_it_does_not() {
    let (_directory, files) = directory();
    let mut writer = JournalWriter::create(files, options()).unwrap();
    assert!(writer.has_room_for(508) && !writer.has_room_for(509));
    assert_eq!(
        writer.push(1, &[0; 509]),
        Err(PushError::TooLarge { length: 509 })
    );
    assert_eq!(
        writer.push(2, &[]),
        Err(PushError::Sequence {
            expected: 1,
            found: 2
        })
    );
    writer.push(1, &[0; 504]).unwrap();
    writer.push(2, &[]).unwrap();
    assert_eq!(writer.push(3, &[]), Err(PushError::BatchFull));
    assert_eq!(
        (writer.gathered(), writer.written(), writer.durable()),
        (2, 0, 0)
    );
    assert_eq!(writer.write_batch(NOW).unwrap(), 2);
    assert_eq!(
        (writer.gathered(), writer.written(), writer.durable()),
        (0, 2, 0)
    );
    assert_eq!(writer.sync().unwrap(), 2);
    writer.push(3, &[]).unwrap();
}

#[test]
fn restating_writes_once_and_only_when_there_is_something_to_state() {
    let (_directory, files) = directory();
    let mut writer = JournalWriter::create(files, options()).unwrap();
    assert!(!writer.needs_restate());
    append_durably(&mut writer, 1);
    assert!(writer.needs_restate());
    assert_eq!(writer.restate(NOW).unwrap(), 1);
    let head = writer.head();
    assert!(!writer.needs_restate());
    writer.restate(NOW).unwrap();
    assert_eq!(writer.head(), head);
}

#[test]
fn another_build_or_rules_version_begins_its_own_segment() {
    let (_directory, files) = directory();
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 1);
    writer.clean_stop(NOW).unwrap();
    let (_, scan) = scan_checked(&files).unwrap();
    let newer = Options {
        rules_version: 2,
        ..options()
    };
    let writer = JournalWriter::resume(scan.repair().unwrap(), newer, NOW).unwrap();
    assert_eq!(writer.head().0.segment, SegmentId(2));
    drop(writer);
    let (last, scan) = scan_checked(&files).unwrap();
    assert_eq!((last, scan.end().segment.rules_version), (1, 2));
}

#[test]
fn an_epoch_never_goes_back() {
    let (_directory, files) = directory();
    let first = Options {
        epoch: 5,
        ..options()
    };
    drop(JournalWriter::create(files.clone(), first).unwrap());
    let (_, scan) = scan_checked(&files).unwrap();
    let refused = JournalWriter::resume(scan.repair().unwrap(), options(), NOW).unwrap_err();
    assert_eq!(refused.to_string(), "epoch 1 is below the journal's 5");
}

#[test]
fn reading_can_begin_at_the_segment_that_holds_a_sequence() {
    let (_directory, files) = directory();
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    for _ in 0..30 {
        append_durably(&mut writer, 4);
    }
    let id = segment_holding(&files, 60).unwrap().unwrap();
    assert!(id > SegmentId::FIRST);
    let mut reader = Reader::open(files.clone(), id).unwrap();
    let mut found = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        found.extend(
            frame
                .records()
                .map(|one| (one.sequence, one.bytes.to_vec())),
        );
    }
    assert!(found[0].0 <= 60);
    assert!(found.contains(&(60, record(60))));
    assert_eq!(found.last().unwrap().0, 120);
    assert_eq!(segment_holding(&files, 0).unwrap(), None);
}

#[test]
fn a_spare_prepared_on_another_thread_serves_the_next_roll() {
    let (_directory, files) = directory();
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    let task = writer.spare_task();
    let spare = std::thread::spawn(|| task.run()).join().unwrap().unwrap();
    writer.install_spare(spare);
    assert!(writer.spare_ready());
    append(&mut writer).unwrap();
    writer.write_batch(NOW).unwrap();
    writer.roll().unwrap();
    assert!(!writer.spare_ready());
    append_durably(&mut writer, 1);
    assert_eq!(read_all(&files).unwrap(), 2);
}

#[test]
fn neither_restating_nor_a_clean_stop_begins_a_segment() {
    // Frames end on multiples of 64 bytes: in 64 lengths every way to end before the segment's end.
    for records in 1..64 {
        let (_directory, files) = directory();
        let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
        for _ in 0..records {
            append(&mut writer).unwrap();
            writer.write_batch(NOW).unwrap();
        }
        let begun = writer.head().0.segment;
        writer.restate(NOW).unwrap();
        writer.clean_stop(NOW).unwrap();
        assert_eq!(segments(&files).unwrap().last(), Some(&begun), "{records}");
        assert_eq!(read_all(&files).unwrap(), records);
    }
}

#[test]
fn options_that_cannot_work_are_refused_before_anything_is_written() {
    let (_directory, files) = directory();
    let tight = Options {
        segment_bytes: 640,
        ..options()
    };
    let refused = JournalWriter::create(files.clone(), tight).unwrap_err();
    assert!(matches!(refused, WriteError::Options(_)));
    assert!(segments(&files).unwrap().is_empty());
}
