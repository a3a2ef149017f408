//! Marks and rates reach accounts in bounded steps, and nobody can tell: decisions, views and digest are
//! those of an engine whose every change reaches everyone at once.

#![allow(clippy::unwrap_used, reason = "a test that meets something else fails")]

use engine::command::{Command, Sequenced, Step};
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use gateway::bench::firm::{REFERENCE, Rule, Shape, TWELVE, found, instrument, mark};
use gateway::bench::flow::Flow;
use gateway::bench::random::Random;
use wire::{E4, E8, ExecType, Factor, LimitKind, Price, RejectCode, Scope, SetFx, Text, Time};

const INSTRUMENTS: u32 = 5;

fn shape() -> Shape {
    Shape {
        accounts: 200,
        desks: 4,
        traders: 8,
        instruments: INSTRUMENTS,
        groups: 2,
        orders: 4_096,
        rows: 8_192,
        executions: 1 << 16,
        ..Shape::small()
    }
}

/// The same commands to two engines: one steps now and then, the other never has anything to wait for.
struct Pair {
    lazy: RiskEngine,
    prompt: RiskEngine,
    out: Outbox,
    /// Commands after which something waited; orders refused by a latch, and for want of a mark or rate; fills.
    waited: u64,
    latched: u64,
    unvalued: u64,
    fills: u64,
}

impl Pair {
    /// Under these limits and twelve more.
    fn new(rules: &[Rule]) -> (Self, u64) {
        let rules = [TWELVE, rules].concat();
        let (mut lazy, mut prompt) = (RiskEngine::new(), RiskEngine::new());
        let seq = found(&mut lazy, &shape(), &rules);
        found(&mut prompt, &shape(), &rules);
        let pair = Self {
            lazy,
            prompt,
            out: Outbox::new(),
            waited: 0,
            latched: 0,
            unvalued: 0,
            fills: 0,
        };
        (pair, seq)
    }

    fn apply(&mut self, input: &Sequenced) {
        let lazy = self.lazy.apply(input, &mut self.out);
        let prompt = self.prompt.apply(input, &mut self.out);
        self.prompt.finish_valuation();
        assert_eq!(lazy, prompt, "record {}: {:?}", input.seq, input.command);
        self.waited += u64::from(self.lazy.has_pending_steps());
        let refused = |codes: [RejectCode; 2]| {
            let codes = codes.map(RejectCode::number);
            u64::from(lazy.outcome == Outcome::Rejected && codes.contains(&lazy.code))
        };
        self.latched += refused([RejectCode::ReduceOnly, RejectCode::Halted]);
        self.unvalued += refused([RejectCode::ReferenceMissing, RejectCode::FxMissing]);
        self.fills += u64::from(
            lazy.outcome == Outcome::Applied
                && matches!(input.command, Command::VenueReport(m) if m.exec_type == ExecType::Fill),
        );
    }

    /// From outside the flow, by the server itself.
    fn tell(&mut self, flow: &mut Flow, command: impl Into<Command>) {
        let (seq, t) = flow.take_seq();
        self.apply(&Sequenced {
            seq,
            t,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command: command.into(),
        });
    }

    fn compare(&self) {
        assert!(self.lazy.rows().eq(self.prompt.rows()), "rows");
        assert!(self.lazy.limits().eq(self.prompt.limits()), "limits");
        assert_eq!(self.lazy.risk_digest(), self.prompt.risk_digest(), "digest");
        self.lazy.check_invariants();
    }
}

fn rate(currency: &str, rate: i64, t: u64) -> SetFx {
    SetFx {
        currency: Text::new(currency),
        rate: Factor(rate),
        rate_time: Time(t),
        ..SetFx::default()
    }
}

/// Orders and fills of a day, with marks, rates and steps between them; of `per_mille` commands so many take a
/// mark or the rate away.
fn play(pair: &mut Pair, flow: &mut Flow, (steps, per_mille): (u32, u32)) {
    let mut random = Random::new(12);
    // Two of the instruments are in another currency, so that one rate moves both.
    for id in [2, 4] {
        let foreign = wire::DefineInstrument {
            currency: Text::new("EUR"),
            ..instrument(id, id % 2 + 1)
        };
        pair.tell(flow, foreign);
    }
    pair.tell(flow, rate("EUR", E8, 0));
    for step in 0..steps {
        if per_mille > 0 && random.below(1_000) < per_mille {
            match random.between(0, INSTRUMENTS) {
                0 => pair.tell(flow, rate("EUR", Factor::NULL.0, 0)),
                id => pair.tell(flow, mark(id, Price::NULL.0)),
            }
        }
        match random.below(100) {
            0..80 => {
                let work = flow.next();
                pair.apply(&work.input);
            }
            80..84 => {
                let ticks = i64::from(random.below(3_000)) - 1_500;
                let id = random.between(1, INSTRUMENTS);
                pair.tell(flow, mark(id, REFERENCE + ticks * (E8 / 100)));
            }
            84..85 => {
                let moved = E8 + i64::from(random.below(20_000_000)) - 10_000_000;
                pair.tell(flow, rate("EUR", moved, 0));
            }
            _ => pair.tell(flow, Step::default()),
        }
        if step % 2_000 == 1_999 {
            pair.compare();
        }
    }
    while pair.lazy.has_pending_steps() {
        pair.tell(flow, Step::default());
    }
    pair.compare();
}

#[test]
fn p11_a_mark_that_reaches_holders_in_steps_decides_as_if_it_reached_them_at_once() {
    let (mut pair, seq) = Pair::new(&[
        Rule::new(Scope::Account, LimitKind::DailyLoss, 20_000 * E4),
        Rule::new(Scope::Trader, LimitKind::DailyLoss, 900_000 * E4),
        Rule::new(Scope::Trader, LimitKind::GrossNotional, 40_000_000 * E4),
        Rule::new(Scope::Desk, LimitKind::DailyLoss, 4_000_000 * E4),
    ]);
    let mut flow = Flow::new(shape(), 11, seq, 1_500);
    play(&mut pair, &mut flow, (40_000, 0));
    assert!(pair.waited > 10_000, "changes waited: {}", pair.waited);
    assert!(pair.latched > 50, "orders met a latch: {}", pair.latched);
}

#[test]
fn marks_and_rates_that_go_missing_in_steps_decide_as_if_they_went_at_once() {
    // No limit asks for the day's loss, so that fills go the short way while other rows of their scopes have no mark.
    let (mut pair, seq) = Pair::new(&[]);
    let mut flow = Flow::new(shape(), 13, seq, 1_500);
    play(&mut pair, &mut flow, (20_000, 2));
    assert!(pair.waited > 5_000, "changes waited: {}", pair.waited);
    assert!(pair.unvalued > 500, "orders refused: {}", pair.unvalued);
    assert!(pair.fills > 1_000, "fills: {}", pair.fills);
}
