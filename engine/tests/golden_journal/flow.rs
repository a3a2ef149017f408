//! Owns what happens to the golden firm: at each limit an order that just passes and one that does not,
//! then the rest of an order's life.

use std::collections::BTreeMap;

use engine::command::{Command, Sequenced};
use engine::decision::Outbox;
use engine::pipeline::Sink;
use engine::record::{MAX_RECORD, encode_record};
use engine::recover::Opened;
use engine::risk::RiskEngine;
use wire::{
    CancelOrder, CancelReason, Capacity, E8, ExecType, Flag, MassCancel, NewOrder, OrdType, Price,
    Qty, ReplaceOrder, Scope, SetMark, SetReference, SetState, Side, Text, Time, TimeInForce,
    TradingState, VenueReport,
};

use crate::firm::SELF_MATCH;

pub(crate) const START: u64 = 1_780_000_000_000_000_000;
/// Time between two commands, nanoseconds.
const STEP: u64 = 1_000;
pub(crate) const TRADE_DATE: u32 = 20_260_528;
const DESK: u32 = 1;
const RISK: u32 = 2;
const SECOND: u64 = 1_000_000_000;

/// Decides and journals.
pub(crate) struct Scribe {
    engine: RiskEngine,
    sink: Box<dyn Sink>,
    seq: u64,
    t: u64,
    step: u64,
    numbers: BTreeMap<u32, u64>,
    cl_ord_id: u64,
    exec_id: u64,
    outbox: Outbox,
}

impl Scribe {
    pub(crate) fn new(opened: Opened) -> Self {
        Self {
            engine: opened.engine,
            sink: opened.sink,
            seq: opened.seq,
            t: opened.t,
            step: STEP,
            numbers: BTreeMap::new(),
            cl_ord_id: 0,
            exec_id: 0,
            outbox: Outbox::new(),
        }
    }

    fn send(&mut self, session_id: u32, command: impl Into<Command>) {
        let number = self.numbers.entry(session_id).or_insert(0);
        *number += 1;
        self.seq += 1;
        self.t += self.step;
        let input = Sequenced {
            seq: self.seq,
            t: self.t,
            session_id,
            in_seq_no: *number,
            busy: false,
            command: command.into(),
        };
        self.outbox.clear();
        let decision = self.engine.apply(&input, &mut self.outbox);
        let mut bytes = [0; MAX_RECORD];
        let length = encode_record(&input, &decision, &mut bytes);
        if !self.sink.has_room_for(MAX_RECORD) || self.seq.is_multiple_of(7) {
            self.sink.write(self.t).unwrap();
            self.sink.sync().unwrap();
        }
        self.sink.push(self.seq, &bytes[..length]).unwrap();
    }

    /// A limit order; its clOrdId.
    fn order(&mut self, account: u32, side: Side, qty: i64, cents: i64) -> u64 {
        self.order_by(1, account, 1, side, qty, cents)
    }

    fn order_by(
        &mut self,
        trader_id: u16,
        account: u32,
        instrument_id: u32,
        side: Side,
        qty: i64,
        cents: i64,
    ) -> u64 {
        self.cl_ord_id += 1;
        self.send(
            DESK,
            NewOrder {
                cl_ord_id: self.cl_ord_id,
                price: Price(cents * (E8 / 100)),
                qty: Qty(qty * E8),
                account,
                instrument_id,
                trader_id,
                side,
                ord_type: OrdType::Limit,
                tif: TimeInForce::Day,
                capacity: Capacity::Agency,
                ..NewOrder::default()
            },
        );
        self.cl_ord_id
    }

    fn buys(&mut self, account: u32, orders: &[(i64, i64)]) {
        for (qty, cents) in orders {
            self.order(account, Side::Buy, *qty, *cents);
        }
    }

    fn sells(&mut self, account: u32, orders: &[(i64, i64)]) {
        for (qty, cents) in orders {
            self.order(account, Side::Sell, *qty, *cents);
        }
    }

    fn report(&mut self, cl_ord_id: u64, account: u32, side: Side, exec_type: ExecType, qty: i64) {
        let fill = exec_type == ExecType::Fill;
        self.exec_id += u64::from(fill);
        self.send(
            DESK,
            VenueReport {
                cl_ord_id,
                venue_exec_id: if fill { self.exec_id } else { 0 },
                last_px: if fill { Price(100 * E8) } else { Price::NULL },
                last_qty: if fill { Qty(qty * E8) } else { Qty::NULL },
                cum_qty: Qty::NULL,
                leaves_qty: Qty::NULL,
                transact_time: Time(self.t),
                trade_date: TRADE_DATE,
                account,
                instrument_id: 1,
                venue_id: 1,
                exec_type,
                side,
                reason: CancelReason::Requested,
                ..VenueReport::default()
            },
        );
    }

    fn reference(&mut self, cents: i64) {
        self.send(
            RISK,
            SetReference {
                request_id: self.seq,
                price: Price(cents * (E8 / 100)),
                feed_time: Time(self.t),
                instrument_id: 1,
                ..SetReference::default()
            },
        );
    }

    pub(crate) fn finish(self) {
        self.sink.clean_stop(self.t).unwrap();
    }
}

/// All of it.
pub(crate) fn play(scribe: &mut Scribe) {
    scribe.reference(10_000);
    at_the_limits(scribe);
    windows(scribe);
    life_of_an_order(scribe);
    by_hand(scribe);
}

/// At each limit one order that just passes and one beyond.
fn at_the_limits(s: &mut Scribe) {
    s.buys(1, &[(100, 10_000), (101, 10_000)]);
    s.buys(2, &[(100, 10_000), (100, 10_001), (101, 10_000)]);
    s.buys(3, &[(1, 11_000), (1, 11_001)]);
    s.sells(3, &[(1, 9_000), (1, 8_999)]);
    s.buys(6, &[(1, 10_000), (1, 10_000), (1, 10_000)]);
    s.buys(7, &[(10, 10_000), (1, 10_000)]);
    s.sells(7, &[(10, 10_000), (1, 10_000)]);
    s.buys(8, &[(10, 10_000), (1, 10_000)]);
    s.buys(9, &[(10, 10_000), (1, 10_000)]);
    s.sells(9, &[(10, 10_000), (1, 10_000)]);
    s.buys(10, &[(9, 10_000), (1, 10_000), (1, 10_000)]);
    s.buys(11, &[(10, 10_000), (11, 10_000)]);
    s.buys(13, &[(10, 10_000), (1, 10_000)]);
    s.sells(13, &[(10, 10_000), (1, 10_000)]);
    s.buys(SELF_MATCH, &[(1, 10_000)]);
    s.sells(SELF_MATCH, &[(1, 10_000), (1, 10_001)]);
    for (side, qty) in [
        (Side::Sell, 10),
        (Side::Sell, 1),
        (Side::SellShort, 5),
        (Side::SellShort, 1),
    ] {
        s.order_by(1, 16, 2, side, qty, 10_000);
    }
    s.buys(17, &[(10, 10_000), (1, 10_000)]);
    s.buys(19, &[(1, 10_500), (1, 10_501)]);
    s.order_by(1, 20, 2, Side::Buy, 1, 10_000);
    s.order_by(1, 1, 3, Side::Buy, 10, 10_000);
    s.order_by(1, 1, 3, Side::Buy, 5, 10_000);
    s.order_by(1, 1, 9, Side::Buy, 1, 10_000);
    s.order_by(1, 77, 1, Side::Buy, 1, 10_000);
    s.order_by(7, 1, 1, Side::Buy, 1, 10_000);
    s.order_by(1, 1, 1, Side::Buy, 0, 10_000);
}

/// Limits that look back in time.
fn windows(s: &mut Scribe) {
    // Three at one moment fill the bucket to its brim; the fourth is one too many.
    s.step = 0;
    s.buys(4, &[(1, 10_000), (1, 10_001), (1, 10_002), (1, 10_003)]);
    s.step = STEP;
    s.buys(5, &[(3, 10_000), (3, 10_000), (3, 10_000)]);
    // Exactly ten seconds old passes, a moment later does not.
    let feed_time = s.t;
    s.reference(10_000);
    s.t = feed_time + 10 * SECOND - STEP;
    s.buys(14, &[(1, 10_000), (1, 10_000)]);
    s.reference(10_000);
    for (account, trader) in [(18, 1), (1, 2)] {
        for _ in 0..3 {
            let id = s.order_by(trader, account, 1, Side::Buy, 2, 10_000);
            s.report(id, account, Side::Buy, ExecType::Fill, 1);
        }
    }
    // A loss of exactly the limit: ten at 100, marked down by 10.
    let id = s.order(15, Side::Buy, 10, 10_000);
    s.report(id, 15, Side::Buy, ExecType::Fill, 10);
    for cents in [9_001, 9_000] {
        s.send(
            RISK,
            SetMark {
                request_id: s.seq,
                price: Price(cents * (E8 / 100)),
                instrument_id: 1,
                ..SetMark::default()
            },
        );
        s.sells(15, &[(1, 10_000)]);
        s.buys(15, &[(1, 10_000)]);
    }
}

/// Fills, a replace, cancels, a late fill, an overfill, a duplicate.
fn life_of_an_order(s: &mut Scribe) {
    let first = s.order(1, Side::Buy, 50, 10_000);
    s.report(first, 1, Side::Buy, ExecType::New, 0);
    s.report(first, 1, Side::Buy, ExecType::Fill, 20);
    s.exec_id -= 1;
    s.report(first, 1, Side::Buy, ExecType::Fill, 20);
    for qty in [100, 101] {
        s.cl_ord_id += 1;
        s.send(
            DESK,
            ReplaceOrder {
                cl_ord_id: s.cl_ord_id,
                orig_cl_ord_id: first,
                price: Price(101 * E8),
                qty: Qty(qty * E8),
                trader_id: 1,
                ..ReplaceOrder::default()
            },
        );
    }
    s.report(s.cl_ord_id - 1, 1, Side::Buy, ExecType::Replaced, 0);
    s.cl_ord_id += 1;
    s.send(
        DESK,
        CancelOrder {
            cl_ord_id: s.cl_ord_id,
            orig_cl_ord_id: first,
            trader_id: 1,
            ..CancelOrder::default()
        },
    );
    s.report(first, 1, Side::Buy, ExecType::Cancelled, 0);
    s.report(first, 1, Side::Buy, ExecType::Fill, 5);
    let second = s.order(1, Side::Sell, 30, 10_000);
    s.report(second, 1, Side::Sell, ExecType::Fill, 31);
    s.report(9_999, 1, Side::Buy, ExecType::Fill, 3);
    s.cl_ord_id -= 1;
    s.order(1, Side::Buy, 1, 10_000);
}

/// The kill switch, what still passes, and a mass cancel in steps.
fn by_hand(s: &mut Scribe) {
    let state = |state, expected_version| SetState {
        request_id: 1,
        expected_version,
        scope_id: 1,
        scope: Scope::Account,
        state,
        cancel_open: Flag::No,
        reason: Text::new("golden"),
        ..SetState::default()
    };
    s.send(RISK, state(TradingState::ReduceOnly, 0));
    s.sells(1, &[(1, 10_000), (100, 10_000)]);
    s.buys(1, &[(1, 10_000)]);
    s.send(RISK, state(TradingState::Halted, 1));
    s.buys(1, &[(1, 10_000)]);
    s.send(RISK, state(TradingState::Active, 1));
    s.cl_ord_id += 1;
    let cancel = MassCancel {
        cl_ord_id: s.cl_ord_id,
        scope: Scope::NULL,
        side: Side::NULL,
        trader_id: u16::MAX,
        account: 6,
        instrument_id: u32::MAX,
        strategy_id: u16::MAX,
        ..MassCancel::default()
    };
    s.send(DESK, cancel);
}
