//! What each control costs alone: firms that differ from a `base` firm in one finite limit, each given
//! the same order and the venue's refusal of it, through `RiskEngine::apply`.
//!
//! The base firm says "unlimited" wherever something must be said, so that it runs every check that any
//! firm runs. Criterion gives a figure for each firm; the table after it measures every firm beside the
//! base in turns, and prints the median of the differences.

use criterion::Criterion;
use engine::command::Sequenced;
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use gateway::bench::figures::{self, Request, nanos};
use gateway::bench::firm::{
    DATE, QTY_MAX, REFERENCE, Rule, START, Shape, UNLIMITED, VENUE, VENUE_SESSION, WIDE_QTY,
    WIDE_VALUE, found,
};
use std::time::{Duration, Instant};
use wire::{
    Capacity, E4, E8, ExecType, LimitKind, NewOrder, OrdType, Price, Qty, Scope, Selector, Side,
    TimeInForce, VenueReport,
};

/// The firms: a name and what they add to the base.
fn firms() -> Vec<(&'static str, Vec<Rule>)> {
    let firm = |kind, value| vec![Rule::new(Scope::Firm, kind, value)];
    let each = |scope, kind, value| Rule::new(scope, kind, value);
    let grouped = |rule: Rule| Rule {
        selector: Selector::Group,
        ..rule
    };
    vec![
        ("base", vec![]),
        ("C1 MaxOrderQty", firm(LimitKind::MaxOrderQty, QTY_MAX)),
        (
            "C2 MaxOrderNotional",
            firm(LimitKind::MaxOrderNotional, 10_000_000 * E4),
        ),
        ("C3 PriceCollar", firm(LimitKind::PriceCollar, 1_000)),
        (
            "C4 ReferenceMaxAge",
            firm(LimitKind::ReferenceMaxAge, i64::MAX - 1),
        ),
        ("C5 OrderRate", firm(LimitKind::OrderRate, 1_000_000_000)),
        ("C8 MaxOpenOrders", firm(LimitKind::MaxOpenOrders, 1_000)),
        ("C9 MaxLong", firm(LimitKind::MaxLong, WIDE_QTY)),
        ("C9 MaxShort", firm(LimitKind::MaxShort, WIDE_QTY)),
        (
            "C10 GrossNotional",
            firm(LimitKind::GrossNotional, WIDE_VALUE),
        ),
        ("C11 NetLong", firm(LimitKind::NetLong, WIDE_VALUE)),
        ("C11 NetShort", firm(LimitKind::NetShort, WIDE_VALUE)),
        (
            "C10 in all four scopes",
            [Scope::Account, Scope::Desk, Scope::Firm, Scope::Trader]
                .map(|scope| each(scope, LimitKind::GrossNotional, WIDE_VALUE))
                .to_vec(),
        ),
        (
            "C10 on a group",
            vec![grouped(each(
                Scope::Firm,
                LimitKind::GrossNotional,
                WIDE_VALUE,
            ))],
        ),
    ]
}

/// An engine with one firm, and where its sequence stands.
struct Desk {
    engine: RiskEngine,
    out: Outbox,
    seq: u64,
    /// Inbound number and clOrdId of the desk, inbound number of the venue.
    number: u64,
}

impl Desk {
    fn new(added: &[Rule]) -> Self {
        let shape = Shape {
            orders: 1_024,
            executions: 1_024,
            groups: 1,
            ..Shape::small()
        };
        let differs = |base: &&Rule| {
            added.iter().all(|rule| {
                (rule.scope, rule.kind, rule.selector) != (base.scope, base.kind, base.selector)
            })
        };
        let rules: Vec<Rule> = UNLIMITED
            .iter()
            .filter(differs)
            .chain(added)
            .copied()
            .collect();
        let mut engine = RiskEngine::new();
        let seq = found(&mut engine, &shape, &rules);
        Self {
            engine,
            out: Outbox::new(),
            seq,
            number: 0,
        }
    }

    fn apply(&mut self, session_id: u32, command: engine::command::Command, wanted: Outcome) {
        self.seq += 1;
        let input = Sequenced {
            seq: self.seq,
            t: START + self.seq * 1_000,
            session_id,
            in_seq_no: self.number,
            busy: false,
            command,
        };
        let decision = self.engine.apply(&input, &mut self.out);
        assert_eq!(decision.outcome, wanted, "{input:?}: {decision:?}");
    }

    /// An order and the venue's refusal: the state is as before, apart from one more ended order.
    fn round(&mut self) {
        self.number += 1;
        let order = NewOrder {
            cl_ord_id: self.number,
            price: Price(REFERENCE + E8),
            qty: Qty(5 * E8),
            account: 1,
            instrument_id: 1,
            trader_id: 1,
            side: Side::Buy,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        };
        self.apply(Shape::session_of_desk(1), order.into(), Outcome::Accepted);
        let report = VenueReport {
            order_id: self.seq,
            cl_ord_id: self.number,
            trade_date: DATE,
            account: 1,
            instrument_id: 1,
            order_session_id: Shape::session_of_desk(1),
            venue_id: VENUE,
            exec_type: ExecType::Rejected,
            side: Side::Buy,
            ..VenueReport::default()
        };
        self.apply(VENUE_SESSION, report.into(), Outcome::Applied);
    }

    fn rounds(&mut self, count: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..count {
            self.round();
        }
        start.elapsed()
    }
}

/// Every firm beside the base in turns, in the order A B B A.
fn table(request: Request) {
    let rounds = request.pick(2_000, 50);
    let turns = request.pick(40, 2);
    let mut base = Desk::new(&[]);
    base.rounds(rounds);
    println!("\ncontrol alone, as the difference from the base firm (order + venue's refusal)");
    for (name, added) in firms() {
        let mut firm = Desk::new(&added);
        firm.rounds(rounds);
        let (mut of_base, mut differences) = (Vec::new(), Vec::new());
        for turn in 0..turns {
            let ns = |time: Duration| nanos(time) as f64 / rounds as f64;
            let (a, b) = if turn % 2 == 0 {
                let a = ns(base.rounds(rounds));
                (a, ns(firm.rounds(rounds)))
            } else {
                let b = ns(firm.rounds(rounds));
                (ns(base.rounds(rounds)), b)
            };
            of_base.push(a);
            differences.push(b - a);
        }
        println!(
            "  {name:<24} {:>+7.1} ns   (base {:.0} ns, {turns} pairs)",
            figures::median(&mut differences),
            figures::median(&mut of_base),
        );
    }
}

fn main() {
    let request = Request::from_args();
    figures::open("controls", request);
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("controls");
    for (name, added) in firms() {
        let mut desk = Desk::new(&added);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| desk.rounds(count));
        });
    }
    group.finish();
    criterion.final_summary();
    table(request);
}
