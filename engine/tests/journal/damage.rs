//! Owns damage: torn tails are cut and reported, everything else is refused
//! with its file and offset, and nothing is accepted silently.

use engine::journal::sim::{Fault, SimFiles};
use engine::journal::{
    Defect, JournalWriter, Options, ReadError, RecoveryError, Refusal, SegmentId, Verdict,
};

use crate::common::{NOW, append, append_durably, open, options, read_all, scan_checked};

/// Three segments and a bit; the last frames by `finish`.
fn journal(finish: impl FnOnce(JournalWriter<SimFiles>)) -> SimFiles {
    let files = SimFiles::new(7);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    while writer.head().0.segment < SegmentId(3) {
        append_durably(&mut writer, 5);
    }
    finish(writer);
    files
}

fn flip(files: &SimFiles, name: &str, bit: usize) -> SimFiles {
    let damaged = files.fork();
    let mut bytes = files.contents(name).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    damaged.replace(name, &bytes);
    damaged
}

fn refusal(files: &SimFiles) -> Refusal {
    match scan_checked(files) {
        Err(RecoveryError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn every_flipped_bit_after_a_clean_stop_is_refused_or_cut_behind_the_end() {
    let files = journal(|writer| {
        writer.clean_stop(NOW).unwrap();
    });
    let (whole, scan) = scan_checked(&files).unwrap();
    let end = scan.end().position;
    for segment in [1, 2, 3].map(SegmentId) {
        let name = segment.file_name();
        for bit in 0..files.contents(&name).unwrap().len() * 8 {
            let at = u64::try_from(bit / 8).unwrap();
            match scan_checked(&flip(&files, &name, bit)) {
                Err(RecoveryError::Refused(refusal)) => {
                    assert_eq!(refusal.position().segment, segment, "bit {bit} of {name}");
                    assert!(refusal.position().offset <= at, "bit {bit} of {name}");
                }
                Ok((last, scan)) => {
                    // Only behind everything that was ever written.
                    assert!(
                        segment == end.segment && at >= end.offset,
                        "bit {bit} of {name}"
                    );
                    assert_eq!(last, whole);
                    assert!(matches!(scan.verdict(), Verdict::TornTail(torn)
                        if matches!(torn.defect, Defect::HeaderChecksum | Defect::Stray { .. })));
                }
                Err(other) => panic!("bit {bit} of {name}: {other}"),
            }
        }
    }
}

#[test]
fn every_flipped_bit_below_a_restated_watermark_costs_no_record_silently() {
    let files = journal(|mut writer| {
        append_durably(&mut writer, 3);
        writer.restate(NOW).unwrap();
    });
    let (whole, _) = scan_checked(&files).unwrap();
    for segment in [1, 2, 3].map(SegmentId) {
        let name = segment.file_name();
        for bit in 0..files.contents(&name).unwrap().len() * 8 {
            match scan_checked(&flip(&files, &name, bit)) {
                Err(RecoveryError::Refused(_)) => {}
                Ok((last, scan)) => {
                    assert_eq!(last, whole, "bit {bit} of {name}");
                    assert!(matches!(scan.verdict(), Verdict::TornTail(_)));
                }
                Err(other) => panic!("bit {bit} of {name}: {other}"),
            }
        }
    }
}

#[test]
fn a_byte_flipped_in_an_early_segment_is_refused_by_rule_1_with_its_offset() {
    let files = journal(drop);
    let damaged = flip(&files, "000000000001.seg", (128 + 110) * 8);
    let refused = refusal(&damaged);
    assert_eq!(refused.rule(), 1);
    assert_eq!(
        refused.to_string(),
        "000000000001.seg, byte 128: payload checksum mismatch; \
         the journal goes on to 000000000003.seg, so this is not a torn tail"
    );
    assert!(matches!(read_all(&damaged), Err(ReadError::Damage(_))));
}

#[test]
fn a_damaged_frame_with_an_intact_one_behind_it_is_refused_by_rule_2() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 2);
    append_durably(&mut writer, 2);
    let refused = refusal(&flip(&files, "000000000001.seg", (128 + 9) * 8));
    assert_eq!(refused.rule(), 2);
    assert_eq!(refused.position().offset, 128);
}

#[test]
fn a_frame_that_went_astray_over_the_one_it_proves_is_refused_by_rule_2() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 20);
    let end = usize::try_from(writer.head().0.offset).unwrap();
    writer.restate(NOW).unwrap();
    let mut bytes = files.contents("000000000001.seg").unwrap();
    let (frame, proof) = (128, bytes[end..end + 128].to_vec());
    assert!(end > frame + 256, "the frame is larger than what hits it");
    bytes[end..].fill(0);
    bytes[frame + 128..frame + 256].copy_from_slice(&proof);
    files.replace("000000000001.seg", &bytes);
    let refused = refusal(&files);
    assert_eq!(refused.rule(), 2);
    assert_eq!(refused.position().offset, 128);
}

#[test]
fn damage_is_refused_by_rule_3_while_the_file_that_could_excuse_it_is_damaged_too() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 2);
    writer.store_watermark().unwrap();
    append(&mut writer).unwrap();
    writer.write_batch(NOW).unwrap();
    let torn = usize::try_from(writer.head().0.offset).unwrap() - 64;
    let files = flip(&files, "000000000001.seg", torn * 8);
    let (_, scan) = scan_checked(&files).unwrap();
    assert!(
        matches!(scan.verdict(), Verdict::TornTail(_)),
        "a torn tail"
    );
    drop(scan);
    for empty in [true, false] {
        let mut bytes = files.contents("durable").unwrap();
        bytes[40] ^= 1;
        bytes.truncate(if empty { 0 } else { bytes.len() });
        let damaged = files.fork();
        damaged.replace("durable", &bytes);
        let refused = refusal(&damaged);
        assert!(matches!(refused, Refusal::NothingKnown { .. }), "{refused}");
        assert_eq!(refused.rule(), 3);
    }
}

#[test]
fn a_last_batch_known_durable_is_refused_by_rule_3() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 2);
    let tail = usize::try_from(writer.head().0.offset).unwrap();
    writer.clean_stop(NOW).unwrap();
    // The last batch and the frame behind it both go: only the file `durable` knows.
    let mut bytes = files.contents("000000000001.seg").unwrap();
    bytes[tail..].fill(0);
    let short = files.fork();
    short.replace("000000000001.seg", &bytes);
    assert!(matches!(
        refusal(&short),
        Refusal::EndsEarly { durable: 2, .. }
    ));
    bytes[130] ^= 1;
    short.replace("000000000001.seg", &bytes);
    let refused = refusal(&short);
    assert!(matches!(refused, Refusal::KnownDurable { durable: 2, .. }));
    assert_eq!(refused.rule(), 3);
}

#[test]
fn a_last_batch_cut_at_every_byte_is_cut_off_and_reported() {
    let files = SimFiles::new(3);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 3);
    let start = usize::try_from(writer.head().0.offset).unwrap();
    append_durably(&mut writer, 4);
    let stop = usize::try_from(writer.head().0.offset).unwrap();
    drop(writer);
    let name = "000000000001.seg";
    let whole = files.contents(name).unwrap();
    let last_byte = whole.iter().rposition(|byte| *byte != 0).unwrap();
    for cut in start..stop {
        let torn = files.fork();
        let mut bytes = whole.clone();
        bytes[cut..].fill(0);
        torn.replace(name, &bytes);
        let (last, scan) = scan_checked(&torn).unwrap();
        if cut > last_byte {
            assert_eq!(
                (last, scan.verdict()),
                (7, Verdict::Unclean),
                "cut at {cut}"
            );
            continue;
        }
        assert_eq!(last, 3, "cut at {cut}");
        if bytes[start..].iter().all(|byte| *byte == 0) {
            assert_eq!(scan.verdict(), Verdict::Unclean);
            continue;
        }
        let Verdict::TornTail(tail) = scan.verdict() else {
            panic!("cut at {cut}: {:?}", scan.verdict());
        };
        assert_eq!(tail.position.offset, u64::try_from(start).unwrap());
        assert_eq!(tail.first_sequence, 4);
        // Four records, as long as the header is whole.
        assert_eq!(tail.records_maybe, (cut >= start + 104).then_some(4));
        let kept = scan.repair().unwrap().kept_tail.unwrap();
        assert_eq!(kept, format!("{name}.torn-{start}"));
        let copy = torn.contents(&kept).unwrap();
        assert_eq!(copy, bytes[start..start + copy.len()]);
        assert!(bytes[start + copy.len()..].iter().all(|byte| *byte == 0));
        torn.power_loss();
        assert_eq!(read_all(&torn).unwrap(), 3);
        assert_eq!(torn.contents(&kept), Some(copy), "the copy is durable");
    }
}

#[test]
fn a_torn_first_frame_of_a_fresh_segment_leaves_just_the_header() {
    let files = SimFiles::new(3);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 3);
    writer.roll().unwrap();
    append_durably(&mut writer, 1);
    drop(writer);
    let torn = flip(&files, "000000000002.seg", (128 + 20) * 8);
    let (last, scan) = scan_checked(&torn).unwrap();
    assert_eq!(last, 3);
    assert!(matches!(scan.verdict(), Verdict::TornTail(tail) if tail.position.offset == 128));
    drop(scan);
    let (mut writer, ..) = open(&torn);
    assert_eq!(append_durably(&mut writer, 1), 4);
}

#[test]
fn a_tail_torn_twice_at_the_same_place_keeps_both_copies() {
    let files = SimFiles::new(3);
    let writer = JournalWriter::create(files.clone(), options()).unwrap();
    drop(writer);
    for byte in [1, 2] {
        let mut bytes = files.contents("000000000001.seg").unwrap();
        bytes[128] = byte;
        files.replace("000000000001.seg", &bytes);
        let (_, scan) = scan_checked(&files).unwrap();
        scan.repair().unwrap();
    }
    assert_eq!(files.contents("000000000001.seg.torn-128"), Some(vec![1]));
    assert_eq!(files.contents("000000000001.seg.torn-128-2"), Some(vec![2]));
}

#[test]
fn a_power_failure_anywhere_in_a_repair_never_costs_the_torn_bytes() {
    let files = SimFiles::new(3);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    append_durably(&mut writer, 3);
    let start = usize::try_from(writer.head().0.offset).unwrap();
    drop(writer);
    let name = "000000000001.seg";
    let mut bytes = files.contents(name).unwrap();
    bytes[start..start + 700].fill(0xee);
    files.replace(name, &bytes);
    for at in 0..12 {
        for seed in 0..20 {
            let torn = files.fork_with_seed(seed);
            let (_, scan) = scan_checked(&torn).unwrap();
            torn.fail_at(torn.operations() + at, Fault::Crash);
            let done = scan.repair().is_ok();
            torn.power_loss();
            let kept = torn.contents(&format!("{name}.torn-{start}"));
            let what = format!("operation {at}, seed {seed}");
            match kept {
                Some(copy) => assert_eq!(copy, vec![0xee; 700], "{what}"),
                None => assert_eq!(torn.contents(name).unwrap(), bytes, "{what}"),
            }
            let (last, scan) = scan_checked(&torn).unwrap();
            assert_eq!(last, 3, "{what}");
            assert!(!done || scan.verdict() == Verdict::Unclean, "{what}");
        }
    }
}

#[test]
fn a_damaged_last_segment_header_is_never_a_torn_tail() {
    let files = journal(drop);
    for bit in 0..128 * 8 {
        let refused = refusal(&flip(&files, "000000000003.seg", bit));
        assert!(
            matches!(refused, Refusal::NotTorn { .. }),
            "bit {bit}: {refused}"
        );
        assert_eq!(refused.position().offset, 0);
    }
}

#[test]
fn missing_shortened_and_exchanged_segments_are_refused() {
    let files = journal(drop);
    let missing = files.fork();
    engine::journal::Storage::remove(&missing, "000000000002.seg").unwrap();
    assert!(
        refusal(&missing)
            .to_string()
            .starts_with("000000000002.seg, byte 0: the segment is missing")
    );

    let last_missing = files.fork();
    engine::journal::Storage::remove(&last_missing, "000000000003.seg").unwrap();
    assert!(matches!(refusal(&last_missing), Refusal::EndsEarly { .. }));

    let short = files.fork();
    let bytes = files.contents("000000000002.seg").unwrap();
    short.replace("000000000002.seg", &bytes[..1024]);
    assert!(refusal(&short).to_string().contains("has 1024 bytes"));

    let exchanged = files.fork();
    exchanged.replace("000000000001.seg", &bytes);
    assert!(
        refusal(&exchanged)
            .to_string()
            .contains("the header is that of segment")
    );

    let gone = files.fork();
    for name in [1, 2, 3].map(|id| SegmentId(id).file_name()) {
        engine::journal::Storage::remove(&gone, &name).unwrap();
    }
    assert!(matches!(refusal(&gone), Refusal::EndsEarly { .. }));
    let refused = JournalWriter::create(gone, options()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is already a journal here (durable)"
    );
}

#[test]
fn frames_exchanged_with_those_of_a_twin_journal_are_refused() {
    let files = journal(drop);
    let twin = SimFiles::new(7);
    let other = Options {
        epoch: 2,
        ..options()
    };
    let mut writer = JournalWriter::create(twin.clone(), other).unwrap();
    while writer.head().0.segment < SegmentId(3) {
        append_durably(&mut writer, 5);
    }
    // Same places, same sequences, valid checksums: only the chain can tell.
    for segment in [1, 2, 3].map(|id| SegmentId(id).file_name()) {
        let mixed = files.fork();
        let mut bytes = files.contents(&segment).unwrap();
        let foreign = twin.contents(&segment).unwrap();
        bytes[128..].copy_from_slice(&foreign[128..]);
        mixed.replace(&segment, &bytes);
        let refused = refusal(&mixed).to_string();
        assert!(refused.contains("chain hash mismatch"), "{refused}");
    }
}

#[test]
fn a_watermark_that_names_another_history_is_refused() {
    let files = journal(drop);
    let twin = SimFiles::new(7);
    let other = Options {
        epoch: 2,
        ..options()
    };
    let mut writer = JournalWriter::create(twin.clone(), other).unwrap();
    while writer.head().0.segment < SegmentId(3) {
        append_durably(&mut writer, 5);
    }
    files.replace("durable", &twin.contents("durable").unwrap());
    assert!(matches!(refusal(&files), Refusal::OtherHistory { .. }));
}

#[test]
fn a_lost_or_damaged_watermark_is_reported_and_not_fatal() {
    let files = journal(drop);
    let damaged = flip(&files, "durable", 300);
    let (_, scan) = scan_checked(&damaged).unwrap();
    assert_eq!(scan.watermark(), engine::journal::WatermarkFile::Damaged);
    engine::journal::Storage::remove(&damaged, "durable").unwrap();
    let (_, scan) = scan_checked(&damaged).unwrap();
    assert_eq!(scan.watermark(), engine::journal::WatermarkFile::Missing);
    drop(open(&damaged));
    let (_, scan) = scan_checked(&damaged).unwrap();
    assert!(scan.watermark().watermark().is_some());
}

#[test]
fn a_segment_of_a_newer_format_is_refused_by_name() {
    let files = journal(drop);
    let mut bytes = files.contents("000000000001.seg").unwrap();
    bytes[8] = 9;
    bytes[12] = 9;
    let crc = crc32c::crc32c(&bytes[..124]).to_le_bytes();
    bytes[124..128].copy_from_slice(&crc);
    files.replace("000000000001.seg", &bytes);
    let refused = scan_checked(&files).unwrap_err().to_string();
    assert_eq!(
        refused,
        "000000000001.seg: written in format 9, which needs a reader of version 9; \
         this build reads version 1"
    );
}

#[test]
fn leftovers_of_an_interrupted_start_are_removed_and_strangers_kept() {
    let files = journal(drop);
    files.replace("spare-9.tmp", &[1; 100]);
    files.replace("durable.tmp", &[1; 10]);
    files.replace("torn.tmp", &[1; 10]);
    files.replace("notes.txt", b"by an operator");
    let (mut writer, ..) = open(&files);
    append(&mut writer).unwrap();
    for name in ["spare-9.tmp", "durable.tmp", "torn.tmp"] {
        assert_eq!(files.contents(name), None, "{name}");
    }
    assert!(files.contents("notes.txt").is_some());
}
