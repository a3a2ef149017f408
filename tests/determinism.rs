//! The same commands give the same decisions, messages and digests, whatever is thrown at the engine.
//!
//! Two engines are fed the same random streams side by side. `PORTCULLIS_STREAMS` sets how many; the
//! seed of a stream that differs is in the failure, and it alone makes the stream again.

#![allow(clippy::unwrap_used, reason = "a test that meets something else fails")]

use engine::command::{Command, Sequenced, SessionDown, SessionUp, Step, TimePassed};
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use engine::snapshot::STATE_LAYOUT;
use engine::snapshot::stream::{engine_bytes, engine_from};
use gateway::bench::firm::{
    DATE, FIRST_DESK_SESSION, OPS_SESSION, REFERENCE, RISK_SESSION, Rule, START, Shape, TWELVE,
    VENUE, VENUE_SESSION, found, limit, mark, reference,
};
use gateway::bench::random::Random;
use wire::{
    CancelOrder, CancelReason, Capacity, CodMode, DayOpen, DayRoll, E4, E8, ExecType, Flag,
    LimitKind, MassCancel, NewOrder, OrdType, PositionLoad, Price, Qty, ReplaceOrder, Scope,
    SetState, Side, Text, Time, TimeInForce, TradingState, VenueReport,
};

/// Commands of one stream.
const COMMANDS: usize = 600;

fn shape() -> Shape {
    Shape {
        accounts: 6,
        desks: 2,
        traders: 4,
        instruments: 4,
        groups: 2,
        orders: 64,
        rows: 128,
        executions: 512,
        watched: true,
        ..Shape::small()
    }
}

/// A stream: every choice comes from the seed, hardly any from what was decided.
struct Stream {
    random: Random,
    seq: u64,
    t: u64,
    /// Inbound numbers by session.
    numbers: [u64; 16],
    cl_ord_id: u64,
    day: u32,
}

impl Stream {
    fn new(seed: u64, seq: u64) -> Self {
        Self {
            random: Random::new(seed),
            seq,
            t: START,
            numbers: [0; 16],
            cl_ord_id: 0,
            day: DATE,
        }
    }

    fn next(&mut self) -> Sequenced {
        self.seq += 1;
        self.t += u64::from(self.random.below(2_000_000));
        let desk = FIRST_DESK_SESSION + self.random.below(2);
        let (session_id, command) = match self.random.below(100) {
            0..40 => (desk, self.order()),
            40..50 => (desk, self.replace()),
            50..58 => (desk, self.cancel()),
            58..84 => (VENUE_SESSION, self.report()),
            84..88 => (RISK_SESSION, self.limit()),
            88..90 => (RISK_SESSION, self.state()),
            90..94 => (RISK_SESSION, self.price()),
            94..95 => (desk, self.mass_cancel()),
            95..98 => (0, Step::default().into()),
            98..99 => (OPS_SESSION, self.day()),
            _ => (0, self.session(desk)),
        };
        let number = &mut self.numbers[session_id as usize];
        // Now and then a number is repeated or skipped.
        *number += u64::from(self.random.below(40) != 0) + u64::from(self.random.one_in(40));
        Sequenced {
            seq: self.seq,
            t: self.t - u64::from(self.random.below(3)),
            session_id,
            in_seq_no: if session_id == 0 { 0 } else { *number },
            busy: self.random.one_in(50),
            command,
        }
    }

    /// A clOrdId, mostly new.
    fn new_id(&mut self) -> u64 {
        self.cl_ord_id += u64::from(!self.random.one_in(50));
        self.cl_ord_id
    }

    /// A clOrdId that was lately given.
    fn old_id(&mut self) -> u64 {
        self.cl_ord_id
            .saturating_sub(u64::from(self.random.below(30)))
    }

    fn account(&mut self) -> u32 {
        self.random.between(1, 7)
    }

    fn instrument(&mut self) -> u32 {
        if self.random.one_in(60) {
            99
        } else {
            self.random.between(1, 4)
        }
    }

    fn trader(&mut self) -> u16 {
        u16::try_from(self.random.between(1, 4)).unwrap()
    }

    fn qty(&mut self) -> Qty {
        let qty = i64::from(self.random.between(1, 300)) * E8;
        Qty(if self.random.one_in(60) { qty + 1 } else { qty })
    }

    fn side(&mut self) -> Side {
        [Side::Buy, Side::Sell, Side::SellShort][self.random.index(3)]
    }

    fn limit_price(&mut self) -> Price {
        let ticks = i64::from(self.random.below(2_600)) - 1_300;
        Price(REFERENCE + ticks * (E8 / 100))
    }

    fn order(&mut self) -> Command {
        let market = self.random.one_in(10);
        NewOrder {
            cl_ord_id: self.new_id(),
            price: if market {
                Price::NULL
            } else {
                self.limit_price()
            },
            qty: self.qty(),
            account: self.account(),
            instrument_id: self.instrument(),
            trader_id: self.trader(),
            side: self.side(),
            ord_type: if market {
                OrdType::Market
            } else {
                OrdType::Limit
            },
            tif: [TimeInForce::Day, TimeInForce::GoodTillCancel][self.random.index(2)],
            capacity: Capacity::Agency,
            ..NewOrder::default()
        }
        .into()
    }

    fn replace(&mut self) -> Command {
        ReplaceOrder {
            orig_cl_ord_id: self.old_id(),
            cl_ord_id: self.new_id(),
            price: self.limit_price(),
            qty: self.qty(),
            trader_id: self.trader(),
            ..ReplaceOrder::default()
        }
        .into()
    }

    fn cancel(&mut self) -> Command {
        CancelOrder {
            orig_cl_ord_id: self.old_id(),
            cl_ord_id: self.new_id(),
            trader_id: self.trader(),
            ..CancelOrder::default()
        }
        .into()
    }

    fn report(&mut self) -> Command {
        let exec_type = match self.random.below(20) {
            0..10 => ExecType::Fill,
            10..12 => ExecType::New,
            12..14 => ExecType::Replaced,
            14..17 => ExecType::Cancelled,
            17 => ExecType::Expired,
            18 => ExecType::CancelRejected,
            _ => ExecType::ReplaceRejected,
        };
        let reason = if self.random.one_in(12) {
            CancelReason::UnknownAtVenue
        } else {
            CancelReason::Requested
        };
        VenueReport {
            cl_ord_id: self.old_id(),
            venue_exec_id: u64::from(self.random.below(400)),
            last_px: self.limit_price(),
            last_qty: self.qty(),
            cum_qty: if self.random.one_in(2) {
                Qty::NULL
            } else {
                self.qty()
            },
            transact_time: Time(self.t),
            trade_date: DATE,
            account: self.account(),
            instrument_id: self.instrument(),
            order_session_id: FIRST_DESK_SESSION + self.random.below(2),
            venue_id: VENUE,
            exec_type,
            side: self.side(),
            reason,
            ..VenueReport::default()
        }
        .into()
    }

    fn limit(&mut self) -> Command {
        let kinds = [
            (LimitKind::MaxLong, 2_000 * E8),
            (LimitKind::MaxShort, 2_000 * E8),
            (LimitKind::GrossNotional, 300_000 * E4),
            (LimitKind::NetLong, 200_000 * E4),
            (LimitKind::MaxOpenOrders, 20),
            (LimitKind::OrderRate, 300),
            (LimitKind::PriceCollar, 1_500),
        ];
        let (kind, most) = kinds[self.random.index(kinds.len())];
        let value = match self.random.below(20) {
            0 => i64::MIN,
            1 => i64::MAX,
            _ => most / i64::from(self.random.between(1, 20)),
        };
        let scopes = [Scope::Firm, Scope::Desk, Scope::Account, Scope::Trader];
        let scope = scopes[self.random.index(4)];
        let id = u32::from(scope != Scope::Firm) * self.random.between(1, 2);
        let version = self.random.below(4);
        limit(&Rule::new(scope, kind, value), id, version).into()
    }

    fn state(&mut self) -> Command {
        let states = [
            TradingState::Active,
            TradingState::Active,
            TradingState::ReduceOnly,
            TradingState::Halted,
        ];
        let scopes = [
            Scope::Desk,
            Scope::Account,
            Scope::Instrument,
            Scope::Trader,
        ];
        SetState {
            expected_version: self.random.below(4),
            scope_id: self.random.between(1, 2),
            scope: scopes[self.random.index(4)],
            state: states[self.random.index(4)],
            cancel_open: if self.random.one_in(2) {
                Flag::Yes
            } else {
                Flag::No
            },
            reason: Text::new("random"),
            ..SetState::default()
        }
        .into()
    }

    fn price(&mut self) -> Command {
        let instrument = self.instrument();
        let price = self.limit_price().0;
        if self.random.one_in(2) {
            reference(instrument, price).into()
        } else {
            mark(instrument, price).into()
        }
    }

    fn mass_cancel(&mut self) -> Command {
        MassCancel {
            cl_ord_id: self.new_id(),
            trader_id: u16::MAX,
            account: if self.random.one_in(2) {
                u32::MAX
            } else {
                self.account()
            },
            instrument_id: u32::MAX,
            strategy_id: u16::MAX,
            ..MassCancel::default()
        }
        .into()
    }

    /// A roll, a load or an open: a day that has rolled is soon open again.
    fn day(&mut self) -> Command {
        match self.random.below(8) {
            0 => {
                self.day += 1;
                DayRoll {
                    business_date: self.day,
                    ..DayRoll::default()
                }
                .into()
            }
            1..5 => PositionLoad {
                batch_id: u64::from(self.day),
                qty: self.qty(),
                business_date: self.day,
                account: self.account(),
                instrument_id: self.instrument(),
                last: Flag::Yes,
                ..PositionLoad::default()
            }
            .into(),
            _ => DayOpen {
                business_date: self.day,
                ..DayOpen::default()
            }
            .into(),
        }
    }

    fn session(&mut self, session_id: u32) -> Command {
        match self.random.below(4) {
            0 => SessionDown {
                session_id,
                ..SessionDown::default()
            }
            .into(),
            1 => TimePassed::default().into(),
            _ => SessionUp {
                session_id,
                key_id: 1,
                cod_mode: CodMode::Off,
                ..SessionUp::default()
            }
            .into(),
        }
    }
}

fn digests(engine: &RiskEngine) -> ([u8; 32], [u8; 32]) {
    (engine.risk_digest(), engine.session_digest())
}

#[test]
fn the_same_stream_twice_gives_the_same_decisions_messages_and_digests() {
    let streams = std::env::var("PORTCULLIS_STREAMS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(300);
    let (mut accepted, mut rejected, mut differing) = (0_u64, 0_u64, 0_u64);
    let mut last = None;
    for seed in 0..streams {
        let mut engines = [RiskEngine::new(), RiskEngine::new()];
        let [a, b] = &mut engines;
        let seq = found(a, &shape(), TWELVE);
        assert_eq!(seq, found(b, &shape(), TWELVE));
        let mut stream = Stream::new(seed, seq);
        let (mut out_a, mut out_b) = (Outbox::new(), Outbox::new());
        let inputs: Vec<Sequenced> = (0..COMMANDS).map(|_| stream.next()).collect();
        for (at, input) in inputs.iter().enumerate() {
            let decision = a.apply(input, &mut out_a);
            // What the other one knows of the commands to come changes nothing.
            b.look_ahead(|by| {
                let next = inputs.get(at + by)?;
                Some((next.session_id, &next.command))
            });
            assert_eq!(
                decision,
                b.apply(input, &mut out_b),
                "seed {seed}: {input:?}"
            );
            assert_eq!(out_a.items(), out_b.items(), "seed {seed}: {input:?}");
            accepted += u64::from(decision.outcome == Outcome::Accepted);
            rejected += u64::from(decision.outcome == Outcome::Rejected);
            if at % 100 == 99 {
                assert_eq!(digests(a), digests(b), "seed {seed} after {at}");
            }
        }
        a.check_invariants();
        let now = digests(a);
        assert_eq!(now, digests(b), "seed {seed}");
        differing += u64::from(last.replace(now) != Some(now));
    }
    assert!(
        accepted > streams * 20,
        "{accepted} of {streams} streams accepted"
    );
    assert!(
        rejected > streams * 20,
        "{rejected} of {streams} streams rejected"
    );
    assert_eq!(differing, streams, "other streams end in other states");
}

#[test]
fn an_engine_read_from_a_snapshot_has_the_same_digests_and_decides_the_same_from_there_on() {
    let (mut pending, mut accepted) = (0_u64, 0_u64);
    for seed in 0..60 {
        let mut engine = RiskEngine::new();
        let seq = found(&mut engine, &shape(), TWELVE);
        let mut stream = Stream::new(seed, seq);
        let mut out = Outbox::new();
        // At another place of every stream.
        for _ in 0..100 + 7 * seed {
            engine.apply(&stream.next(), &mut out);
        }
        // For every other seed, the moment that wide work begins.
        for _ in 0..2_000 {
            if seed % 2 == 0 || engine.has_pending_steps() {
                break;
            }
            engine.apply(&stream.next(), &mut out);
        }
        pending += u64::from(engine.has_pending_steps());
        let bytes = engine_bytes(&engine).unwrap();
        let mut again = engine_from(&bytes).unwrap();
        assert_eq!(digests(&engine), digests(&again), "seed {seed}");
        let mut out_again = Outbox::new();
        for _ in 0..COMMANDS {
            let input = stream.next();
            let decision = engine.apply(&input, &mut out);
            let decided_again = again.apply(&input, &mut out_again);
            assert_eq!(decision, decided_again, "seed {seed}: {input:?}");
            assert_eq!(out.items(), out_again.items(), "seed {seed}: {input:?}");
            accepted += u64::from(decision.outcome == Outcome::Accepted);
        }
        again.check_invariants();
        assert_eq!(digests(&engine), digests(&again), "seed {seed}");
    }
    assert!(
        pending > 0,
        "some snapshot stands in the middle of wide work"
    );
    assert!(accepted > 300, "{accepted} accepted after the snapshots");
}

#[test]
fn the_layout_of_the_state_has_a_version_that_rises_with_it() {
    let mut engine = RiskEngine::new();
    found(&mut engine, &shape(), TWELVE);
    let hash = blake3::hash(&engine_bytes(&engine).unwrap()).to_hex();
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/state_layouts.txt"
    );
    let line = format!("{STATE_LAYOUT} {hash}");
    let known = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        let version = format!("{STATE_LAYOUT} ");
        let others = known.lines().filter(|known| !known.starts_with(&version));
        let mut lines: Vec<&str> = others.collect();
        lines.push(&line);
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
        return;
    }
    assert!(
        known.lines().any(|known| known == line),
        "the engine's tables are laid out otherwise than version {STATE_LAYOUT} was: a snapshot of \
         another build would be misread. Raise `STATE_LAYOUT` in engine/src/snapshot/header.rs, then \
         PORTCULLIS_BLESS=1 (before a release, blessing alone will do)"
    );
}
