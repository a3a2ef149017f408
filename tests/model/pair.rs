//! Runs model and engine side by side on the same commands, and names the first disagreement.

use super::answers::{Late, compare_answers, compare_decision};
use super::flow::Item;
use super::lifecycle::Expect;
use super::state::Model;
use engine::command::{Command, Sequenced, Step};
use engine::decision::{Decision, Outbox, Outcome};
use engine::record::{MAX_RECORD, decode_record, encode_record};
use engine::risk::RiskEngine;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wire::Reply;

/// Where engine and model part.
#[derive(Debug, Clone)]
pub(crate) struct Disagreement {
    /// What differs, without its numbers: the same fault has the same name.
    pub(crate) what: String,
    pub(crate) engine: String,
    pub(crate) model: String,
    /// The command after which it was seen.
    pub(crate) item: u64,
}

/// A difference before it has its command: what, engine, model.
pub(crate) type Difference = (String, String, String);

/// Engine and model on the same commands.
pub(crate) struct Pair {
    pub(crate) model: Model,
    pub(crate) engine: RiskEngine,
    /// What the engine decided last.
    pub(crate) last: Decision,
    /// All that was sequenced and decided, to be replayed.
    pub(crate) journal: Vec<(Sequenced, Decision)>,
    out: Outbox,
    /// What is told since the steps were last done, by them or before.
    late: Late,
    seq: u64,
    t: u64,
    seq_of_item: BTreeMap<u64, u64>,
    item_of_seq: BTreeMap<u64, u64>,
    since_views: u32,
    views_every: u32,
}

impl Pair {
    /// Both empty; all views are compared every `views_every` commands.
    pub(crate) fn new(views_every: u32) -> Self {
        Self {
            model: Model::default(),
            engine: RiskEngine::new(),
            last: Decision::of(Outcome::NoEffect),
            journal: Vec::new(),
            out: Outbox::new(),
            late: Late::default(),
            seq: 0,
            t: 0,
            seq_of_item: BTreeMap::new(),
            item_of_seq: BTreeMap::new(),
            since_views: 0,
            views_every,
        }
    }

    /// Names orders by the item that sent them, so that they are found when others are left out.
    pub(crate) fn symbolic(&self, item: Item) -> Item {
        renamed(item, &self.item_of_seq)
    }

    /// Applies one item to both and compares; then the steps that the engine asks for.
    pub(crate) fn step(&mut self, item: &Item) -> Result<Vec<String>, Disagreement> {
        let named = |(what, engine, model): Difference| Disagreement {
            what: format!("{what} ({})", item.command.layout().name),
            engine,
            model,
            item: item.id,
        };
        if !lets_steps_wait(&item.command) {
            self.do_steps().map_err(named)?;
        }
        self.t = item.t;
        let (input, expect) = self.model_step(item);
        let mut sent = Vec::new();
        let decision = self.apply(&input, &mut sent).map_err(named)?;
        self.last = decision;
        compare_decision(&expect, &decision).map_err(named)?;
        compare_answers(&input, &expect, &decision, &sent).map_err(named)?;
        let risk_listens = self.model.sessions.contains_key(&super::genesis::RISK);
        self.late.expect(&expect, risk_listens);
        self.late.hear(&sent);
        if !(item.steps_wait && lets_steps_wait(&item.command)) {
            self.do_steps().map_err(named)?;
        }
        self.since_views += 1;
        if self.since_views >= self.views_every {
            self.since_views = 0;
            self.compare_views().map_err(named)?;
        }
        Ok(expect.said.hits)
    }

    /// Takes all steps that the engine asks for, and compares what was told since they were last taken.
    pub(crate) fn do_steps(&mut self) -> Result<(), Difference> {
        let mut sent = Vec::new();
        let mut rounds = 0;
        while self.engine.has_pending_steps() {
            let step = Sequenced {
                seq: self.seq + 1,
                t: self.t,
                session_id: 0,
                in_seq_no: 0,
                busy: false,
                command: Step { reserved: 0 }.into(),
            };
            self.seq += 1;
            let _ = self.model.apply(&step);
            self.apply(&step, &mut sent)?;
            rounds += 1;
            if rounds > 10_000 {
                return Err(differ("steps never end", &rounds, &0));
            }
        }
        self.late.hear(&sent);
        std::mem::take(&mut self.late).compare()
    }

    /// Gives the item its place in the sequence and applies it to the model.
    pub(crate) fn model_step(&mut self, item: &Item) -> (Sequenced, Expect) {
        let command = renamed(item.clone(), &self.seq_of_item).command;
        let in_seq_no = self.model.sessions.get(&item.session).map_or(0, |session| {
            (session.last_applied + 1)
                .saturating_add_signed(item.seq_shift)
                .max(1)
        });
        let input = Sequenced {
            seq: self.seq + 1,
            t: item.t,
            session_id: item.session,
            in_seq_no,
            busy: item.busy,
            command,
        };
        let expect = self.model.apply(&input);
        if expect.outcomes != [Outcome::Dropped] {
            self.seq += 1;
            self.seq_of_item.insert(item.id, self.seq);
            self.item_of_seq.insert(self.seq, item.id);
        }
        (input, expect)
    }

    fn apply(
        &mut self,
        input: &Sequenced,
        sent: &mut Vec<(u32, Reply)>,
    ) -> Result<Decision, Difference> {
        let (engine, out) = (&mut self.engine, &mut self.out);
        let applied = catch_unwind(AssertUnwindSafe(|| engine.apply(input, out)));
        let decision = applied.map_err(|panic| {
            let said = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_default();
            ("the engine panicked".to_owned(), said, String::new())
        })?;
        sent.extend(self.out.items().iter().map(|o| (o.session_id, o.reply)));
        if decision.outcome != Outcome::Dropped {
            self.journal.push((*input, decision));
        }
        Ok(decision)
    }

    /// Place of the next command in the sequence.
    pub(crate) fn next_seq(&self) -> u64 {
        self.seq + 1
    }

    /// R33: the same commands, from the bytes of their records, are decided the same and give the same digests.
    pub(crate) fn replay(&self) -> Result<(), Difference> {
        let mut again = RiskEngine::new();
        let mut out = Outbox::new();
        let mut bytes = [0; MAX_RECORD];
        for (input, decision) in &self.journal {
            let length = encode_record(input, decision, &mut bytes);
            let decoded = decode_record(&bytes[..length]);
            let (input, decided) = decoded.map_err(|e| differ("bytes of a record", &e, input))?;
            same("decision in its bytes", &decided, decision)?;
            same(
                "decision of a replay",
                &again.apply(&input, &mut out),
                decision,
            )?;
        }
        let digests = |engine: &RiskEngine| (engine.risk_digest(), engine.session_digest());
        same(
            "digests of a replay",
            &digests(&self.engine),
            &digests(&again),
        )
    }
}

/// Whether the steps of what came before may wait until after this command. What moves prices or limits has
/// steps of its own, whose alerts may lag and fall together.
fn lets_steps_wait(command: &Command) -> bool {
    matches!(
        command,
        Command::NewOrder(_)
            | Command::ReplaceOrder(_)
            | Command::CancelOrder(_)
            | Command::MassCancel(_)
            | Command::VenueReport(_)
            | Command::Reconcile(_)
            | Command::SetState(_)
            | Command::TimePassed(_)
    )
}

/// The item with the orders it names found in a table.
fn renamed(mut item: Item, names: &BTreeMap<u64, u64>) -> Item {
    let named = |id: u64| names.get(&id).copied().unwrap_or(0);
    if let Command::Reconcile(m) = &mut item.command {
        m.order_id = named(m.order_id);
    }
    if let Command::VenueReport(m) = &mut item.command {
        m.order_id = named(m.order_id);
    }
    item
}

pub(crate) fn differ(what: &str, engine: &impl Debug, model: &impl Debug) -> Difference {
    (what.to_owned(), format!("{engine:?}"), format!("{model:?}"))
}

pub(crate) fn same<T: Debug + PartialEq>(
    what: &str,
    engine: &T,
    model: &T,
) -> Result<(), Difference> {
    if engine == model {
        Ok(())
    } else {
        Err(differ(what, engine, model))
    }
}
