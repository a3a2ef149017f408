//! Once its tables stand, the engine allocates nothing: orders, replaces, cancels, fills, refusals,
//! reports, limit changes, prices and states are applied under a counting allocator.

#![allow(clippy::unwrap_used, reason = "a test that meets something else fails")]

use engine::command::{Command, Sequenced};
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use gateway::bench::firm::{
    DATE, RISK_SESSION, Rule, Shape, TWELVE, found, limit, mark, reference,
};
use gateway::bench::firm::{REFERENCE, VENUE, VENUE_SESSION};
use gateway::bench::flow::Flow;
use std::collections::BTreeMap;
use wire::{
    CancelOrder, E8, ExecType, Factor, Flag, LimitKind, MassCancel, NewOrder, OrdType, Price, Qty,
    ReplaceOrder, Scope, SetFx, SetState, Side, Text, Time, TimeInForce, TradingState, VenueReport,
};

/// An engine in its steady state, with a count of allocations for each kind of work.
struct Counted {
    engine: RiskEngine,
    out: Outbox,
    flow: Flow,
    /// Work that allocated → (commands, allocations).
    offenders: BTreeMap<String, (u64, u64)>,
    counts: BTreeMap<&'static str, u64>,
    risk_in: u64,
    steps: u64,
}

impl Counted {
    fn new() -> Self {
        let shape = Shape {
            orders: 2_048,
            rows: 8_192,
            executions: 65_536,
            watched: true,
            ..Shape::small()
        };
        let mut engine = RiskEngine::new();
        let seq = found(&mut engine, &shape, TWELVE);
        let mut counted = Self {
            engine,
            out: Outbox::new(),
            flow: Flow::new(shape, 7, seq, 1_000),
            offenders: BTreeMap::new(),
            counts: BTreeMap::new(),
            risk_in: 0,
            steps: 0,
        };
        for _ in 0..10_000 {
            let work = counted.flow.next();
            counted.engine.apply(&work.input, &mut counted.out);
        }
        counted
    }

    fn apply(&mut self, name: &'static str, input: &Sequenced) -> Outcome {
        let mut outcome = Outcome::Dropped;
        let info = allocation_counter::measure(|| {
            outcome = self.engine.apply(input, &mut self.out).outcome;
        });
        *self.counts.entry(name).or_default() += 1;
        if info.count_total > 0 {
            let entry = self.offenders.entry(name.to_owned()).or_default();
            *entry = (entry.0 + 1, entry.1 + info.count_total);
        }
        outcome
    }

    fn flow(&mut self, commands: usize) {
        for _ in 0..commands {
            let work = self.flow.next();
            self.apply(work.kind.name(), &work.input);
        }
    }

    /// A command from outside the flow.
    fn command(
        &mut self,
        name: &'static str,
        session_id: u32,
        in_seq_no: u64,
        command: impl Into<Command>,
    ) -> Outcome {
        let (seq, t) = self.flow.take_seq();
        let input = Sequenced {
            seq,
            t,
            session_id,
            in_seq_no,
            busy: false,
            command: command.into(),
        };
        self.apply(name, &input)
    }

    fn risk(&mut self, name: &'static str, command: impl Into<Command>) {
        self.risk_in += 1;
        let outcome = self.command(name, RISK_SESSION, self.risk_in, command);
        assert_eq!(outcome, Outcome::Applied, "{name}");
    }

    /// All steps that are due.
    fn steps(&mut self) {
        while self.engine.has_pending_steps() {
            self.steps += 1;
            let step = engine::command::Step::default();
            self.command("step", 0, 0, step);
        }
    }
}

#[test]
fn the_engine_allocates_nothing_in_its_steady_state() {
    let mut counted = Counted::new();
    counted.flow(20_000);

    let desk_gross = Rule::new(Scope::Desk, LimitKind::NetLong, 0);
    for round in 0..200_u32 {
        let instrument = round % 50 + 1;
        let rule = Rule {
            value: i64::MAX - i64::from(round) - 1,
            ..desk_gross
        };
        counted.risk("limit change", limit(&rule, round % 10 + 1, 1 + round / 10));
        counted.risk("reference", reference(instrument, REFERENCE));
        counted.risk("mark", mark(instrument, REFERENCE + E8));
        for (offset, state) in [TradingState::ReduceOnly, TradingState::Active]
            .into_iter()
            .enumerate()
        {
            let change = SetState {
                expected_version: (round / 10) * 2 + u32::try_from(offset).unwrap(),
                scope_id: round % 10 + 1,
                scope: Scope::Desk,
                state,
                cancel_open: Flag::No,
                reason: Text::new("test"),
                ..SetState::default()
            };
            counted.risk("state", change);
        }
        counted.steps();
        counted.flow(20);
    }
    sweeps(&mut counted);
    busts(&mut counted);
    refusals(&mut counted);
    unknown_fills(&mut counted);
    replaced_all_day(&mut counted);
    kill_switch(&mut counted);

    assert!(counted.counts.values().sum::<u64>() > 25_000);
    for kind in [
        "new",
        "replace",
        "cancel",
        "fill",
        "venue report",
        "refused new",
        "step",
        "rate",
        "bust",
        "correction",
    ] {
        assert!(counted.counts.contains_key(kind), "{kind} was applied");
    }
    assert!(
        counted.offenders.is_empty(),
        "work → (commands, allocations): {:#?}",
        counted.offenders
    );
}

/// Orders, fills and reports while marks wait for their holders.
fn sweeps(counted: &mut Counted) {
    let mut waited = 0;
    for round in 0..200_u32 {
        let price = REFERENCE + i64::from(round % 7) * E8;
        counted.risk("mark", mark(round % 50 + 1, price));
        let rate = SetFx {
            rate: Factor(E8),
            rate_time: Time(1),
            currency: Text::new("EUR"),
            ..SetFx::default()
        };
        counted.risk("rate", rate);
        waited += u32::from(counted.engine.has_pending_steps());
        counted.flow(20);
        let step = engine::command::Step::default();
        counted.command("step", 0, 0, step);
    }
    assert!(waited > 100, "marks waited for their holders: {waited}");
    counted.steps();
}

/// Fills that are taken back, and fills that are corrected.
fn busts(counted: &mut Counted) {
    let mut fills = Vec::new();
    while fills.len() < 200 {
        let work = counted.flow.next();
        if let Command::VenueReport(fill) = work.input.command
            && fill.exec_type == ExecType::Fill
        {
            fills.push(fill);
        }
        counted.apply(work.kind.name(), &work.input);
    }
    for (nth, fill) in fills.into_iter().enumerate() {
        let corrects = nth % 2 == 0;
        let report = VenueReport {
            seq_no: 0,
            venue_exec_id: if corrects {
                fill.venue_exec_id + (1 << 40)
            } else {
                0
            },
            ref_exec_id: fill.venue_exec_id,
            last_px: Price(REFERENCE + E8),
            exec_type: if corrects {
                ExecType::Correct
            } else {
                ExecType::Bust
            },
            ..fill
        };
        let name = if corrects { "correction" } else { "bust" };
        let outcome = counted.command(name, 0, 0, report);
        assert_eq!(outcome, Outcome::Applied, "{name}");
        counted.steps();
    }
}

/// Messages that no flow of accepted work holds: refused before or by the checks.
fn refusals(counted: &mut Counted) {
    let session = Shape::session_of_desk(1);
    // Far above what the flow has used, so that the flow's own numbers would be dropped: it ends here
    // for this desk.
    for number in 1_000_000..1_000_200 {
        let cancel = CancelOrder {
            cl_ord_id: number,
            orig_cl_ord_id: u64::MAX - number,
            trader_id: 1,
            ..CancelOrder::default()
        };
        let outcome = counted.command("cancel of nothing", session, number * 2, cancel);
        assert_eq!(outcome, Outcome::Rejected);
        let replace = ReplaceOrder {
            cl_ord_id: number,
            orig_cl_ord_id: u64::MAX - number,
            qty: Qty(E8),
            trader_id: 1,
            ..ReplaceOrder::default()
        };
        let outcome = counted.command("replace of nothing", session, number * 2 + 1, replace);
        assert_eq!(outcome, Outcome::Rejected);
    }
}

/// Fills of orders nobody knows (R15), for accounts that have a row in the instrument.
fn unknown_fills(counted: &mut Counted) {
    for number in 0..200_u64 {
        let report = VenueReport {
            venue_exec_id: u64::MAX - number,
            last_px: Price(REFERENCE),
            last_qty: Qty(E8),
            trade_date: DATE,
            account: 1,
            instrument_id: u32::try_from(number % 50).unwrap() + 1,
            venue_id: VENUE,
            exec_type: ExecType::Fill,
            side: Side::Buy,
            ..VenueReport::default()
        };
        let outcome = counted.command(
            "fill without order",
            VENUE_SESSION,
            10_000_000 + number,
            report,
        );
        assert_eq!(outcome, Outcome::Applied);
        counted.steps();
    }
}

/// One order, replaced more often than the table has places for versions: answered, and every other time
/// refused by the venue.
fn replaced_all_day(counted: &mut Counted) {
    let account = 1;
    let desk = Shape::small().desk_of(account);
    let session = Shape::session_of_desk(desk);
    let trader_id = Shape::small().trader_of(account);
    let first = 30_000_000;
    let order = NewOrder {
        cl_ord_id: first,
        account,
        instrument_id: 1,
        price: Price(REFERENCE),
        qty: Qty(E8),
        trader_id,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        ..NewOrder::default()
    };
    let outcome = counted.command("order to replace", session, first, order);
    assert_eq!(outcome, Outcome::Accepted);
    let order_id = counted.flow.take_seq().0 - 1;
    let mut newest = first;
    for cl_ord_id in first + 1..first + 5_000 {
        let replace = ReplaceOrder {
            cl_ord_id,
            orig_cl_ord_id: newest,
            price: Price(REFERENCE),
            qty: Qty(E8),
            trader_id,
            ..ReplaceOrder::default()
        };
        let outcome = counted.command("replace of one order", session, cl_ord_id, replace);
        assert_eq!(outcome, Outcome::Accepted);
        let in_force = cl_ord_id % 2 == 0;
        let report = VenueReport {
            order_id,
            cl_ord_id,
            exec_type: if in_force {
                ExecType::Replaced
            } else {
                ExecType::ReplaceRejected
            },
            instrument_id: 1,
            order_session_id: session,
            venue_id: VENUE,
            side: Side::Buy,
            ..VenueReport::default()
        };
        let outcome = counted.command("answer to it", VENUE_SESSION, cl_ord_id, report);
        assert_eq!(outcome, Outcome::Applied, "{:?}", counted.out.items());
        if in_force {
            newest = cl_ord_id;
        }
    }
}

/// A mass cancel and a kill switch with their steps.
fn kill_switch(counted: &mut Counted) {
    let mass = MassCancel {
        cl_ord_id: 20_000_000,
        trader_id: u16::MAX,
        account: u32::MAX,
        instrument_id: u32::MAX,
        strategy_id: u16::MAX,
        ..MassCancel::default()
    };
    let session = Shape::session_of_desk(2);
    let outcome = counted.command("mass cancel", session, 20_000_000, mass);
    assert_eq!(outcome, Outcome::Accepted);
    counted.steps();
    let kill = SetState {
        expected_version: 0,
        scope_id: 0,
        scope: Scope::Firm,
        state: TradingState::Halted,
        cancel_open: Flag::Yes,
        reason: Text::new("test"),
        ..SetState::default()
    };
    counted.risk("kill switch", kill);
    counted.steps();
    assert!(counted.steps > 20, "a thousand cancels take many steps");
}
