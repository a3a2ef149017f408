//! What the outbound log lets out, and when.

use super::*;
use wire::{AdminAck, Frame, Time};

const MAX: usize = 1 << 20;

fn accepted(seq_no: u64, engine_seq: u64) -> Reply {
    OrderAccepted {
        seq_no,
        engine_seq,
        engine_time: Time(5),
        cl_ord_id: seq_no * 10,
        ..OrderAccepted::default()
    }
    .into()
}

fn ack(seq_no: u64, engine_seq: u64) -> Reply {
    AdminAck {
        seq_no,
        engine_seq,
        ..AdminAck::default()
    }
    .into()
}

fn at(monotonic: u64) -> Now {
    Now {
        monotonic,
        stale_before: 100,
    }
}

/// Reads everything that may leave.
fn read(log: &OutboundLog, cursor: &mut Cursor, monotonic: u64) -> Vec<Reply> {
    let mut out = Vec::new();
    assert!(log.copy(cursor, u64::MAX, &mut out, usize::MAX, at(monotonic)));
    let mut rest = out.as_slice();
    let mut replies = Vec::new();
    while let Some(Frame {
        template_id,
        block,
        len,
        ..
    }) = codec::split_frame(rest).unwrap()
    {
        replies.push(Reply::decode_block(template_id, block).unwrap().unwrap());
        rest = &rest[len..];
    }
    assert!(rest.is_empty());
    replies
}

#[test]
fn nothing_leaves_before_the_watermark_has_passed_it() {
    let mut log = OutboundLog::new(1, MAX);
    log.append(&ack(1, 10), 0);
    log.append(&ack(2, 10), 0);
    log.append(&ack(3, 11), 0);
    let mut cursor = Cursor {
        next: 1,
        live_from: 1,
    };
    log.release(9);
    assert_eq!(read(&log, &mut cursor, 0), []);
    log.release(10);
    assert_eq!(read(&log, &mut cursor, 0), [ack(1, 10), ack(2, 10)]);
    assert_eq!(read(&log, &mut cursor, 0), []);
    log.release(u64::MAX);
    assert_eq!(read(&log, &mut cursor, 0), [ack(3, 11)]);
}

#[test]
fn an_accept_tells_its_decision_time_when_live_and_none_when_sent_again() {
    let mut log = OutboundLog::new(1, MAX);
    log.append(&accepted(1, 1), 1_000);
    log.append(&accepted(2, 2), 2_000);
    log.release(2);
    let mut cursor = Cursor {
        next: 1,
        live_from: 2,
    };
    let read = read(&log, &mut cursor, 2_750);
    let [Reply::OrderAccepted(again), Reply::OrderAccepted(live)] = read[..] else {
        panic!("two accepts: {read:?}")
    };
    assert_eq!((again.flags, again.decision_nanos), (POSS_DUP, u32::MAX));
    assert_eq!((live.flags, live.decision_nanos), (0, 750));
    assert_eq!(live.cl_ord_id, 20);
}

#[test]
fn a_routed_request_that_is_too_old_leaves_marked_as_stale_whether_again_or_not() {
    let routed = |seq_no, time| {
        RoutedCancel {
            seq_no,
            engine_seq: seq_no,
            engine_time: Time(time),
            side: wire::Side::Buy,
            ..RoutedCancel::default()
        }
        .into()
    };
    let mut log = OutboundLog::new(1, MAX);
    log.append(&routed(1, 99), 0);
    log.append(&routed(2, 100), 0);
    log.append(&routed(3, 99), 0);
    log.append(&accepted(4, 4), 0);
    log.release(4);
    let mut cursor = Cursor {
        next: 1,
        live_from: 3,
    };
    let flags: Vec<u32> = read(&log, &mut cursor, 0)
        .iter()
        .map(Reply::flags)
        .collect();
    assert_eq!(flags, [POSS_DUP | STALE, POSS_DUP, STALE, 0]);
}

#[test]
fn the_oldest_make_room_and_a_cursor_on_them_is_told() {
    let frame = 12 + AdminAck::LAYOUT.block_length + size_of::<Entry>();
    let mut log = OutboundLog::new(1, 3 * frame);
    for n in 1..=5 {
        log.append(&ack(n, n), 0);
        log.release(n);
    }
    assert_eq!((log.first(), log.next()), (3, 6));
    let mut late = Cursor {
        next: 2,
        live_from: 1,
    };
    assert!(!log.copy(&mut late, u64::MAX, &mut Vec::new(), usize::MAX, at(0)));
    let mut cursor = Cursor {
        next: 3,
        live_from: 1,
    };
    assert_eq!(
        read(&log, &mut cursor, 0),
        [ack(3, 3), ack(4, 4), ack(5, 5)]
    );
}

#[test]
fn what_may_not_leave_yet_gives_way_to_nothing() {
    let mut log = OutboundLog::new(1, 1);
    for n in 1..=5 {
        log.append(&ack(n, n), 0);
    }
    assert_eq!((log.first(), log.next()), (1, 6));
    log.release(4);
    log.append(&ack(6, 6), 0);
    assert_eq!((log.first(), log.unreleased()), (5, 5));
}

#[test]
fn a_log_that_wraps_in_memory_gives_every_frame_whole() {
    let mut log = OutboundLog::new(1, 1000);
    let mut cursor = Cursor {
        next: 1,
        live_from: 1,
    };
    for n in 1..=500 {
        let reply = match n % 3 {
            0 => accepted(n, n),
            _ => ack(n, n),
        };
        log.append(&reply, 0);
        log.release(n);
        assert_eq!(read(&log, &mut cursor, 0), [reply]);
    }
}

#[test]
fn output_is_cut_at_whole_frames() {
    let mut log = OutboundLog::new(1, MAX);
    for n in 1..=10 {
        log.append(&ack(n, n), 0);
    }
    log.release(10);
    let mut cursor = Cursor {
        next: 1,
        live_from: 1,
    };
    let mut out = Vec::new();
    let frame = 12 + AdminAck::LAYOUT.block_length;
    assert!(log.copy(&mut cursor, u64::MAX, &mut out, 2 * frame, at(0)));
    assert_eq!((out.len(), cursor.next), (2 * frame, 3));
}

#[test]
#[should_panic(expected = "outbound message 3 follows 1 in the log")]
fn a_number_left_out_by_the_engine_is_a_broken_invariant() {
    OutboundLog::new(1, MAX).append(&ack(3, 1), 0);
}
