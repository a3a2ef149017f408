//! Runs model and engine side by side on the same commands, and names the first disagreement.

use super::checks::Refusal;
use super::flow::Item;
use super::lifecycle::Expect;
use super::state::{Alert, Model};
use engine::command::{Command, Sequenced, Step};
use engine::decision::{Decision, Outbox, Outcome};
use engine::risk::RiskEngine;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wire::{RejectCode, Reply, RiskEventKind, Scope, Selector};

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
    /// All that was sequenced, to be replayed.
    pub(crate) journal: Vec<Sequenced>,
    out: Outbox,
    seq: u64,
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
            journal: Vec::new(),
            out: Outbox::new(),
            seq: 0,
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
        let (input, expect) = self.model_step(item);
        let mut sent = Vec::new();
        let decision = self.apply(&input, &mut sent).map_err(named)?;
        compare_decision(&expect, &decision).map_err(named)?;
        let stamp = input.t;
        let mut rounds = 0;
        while self.engine.has_pending_steps() {
            let step = Sequenced {
                seq: self.seq + 1,
                t: stamp,
                session_id: 0,
                in_seq_no: 0,
                busy: false,
                command: Step { reserved: 0 }.into(),
            };
            self.seq += 1;
            let _ = self.model.apply(&step);
            self.apply(&step, &mut sent).map_err(named)?;
            rounds += 1;
            if rounds > 10_000 {
                return Err(named(differ("steps never end", &rounds, &0)));
            }
        }
        let risk_listens = self.model.sessions.contains_key(&super::genesis::RISK);
        compare_replies(risk_listens, &input, &expect, &decision, &sent).map_err(named)?;
        self.since_views += 1;
        if self.since_views >= self.views_every {
            self.since_views = 0;
            self.compare_views().map_err(named)?;
        }
        Ok(expect.said.hits)
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
            self.journal.push(*input);
        }
        Ok(decision)
    }

    /// R33: the same commands give the same digests.
    pub(crate) fn replay(&self) -> Result<(), Difference> {
        let mut again = RiskEngine::new();
        let mut out = Outbox::new();
        for input in &self.journal {
            again.apply(input, &mut out);
        }
        let digests = |engine: &RiskEngine| (engine.risk_digest(), engine.session_digest());
        same(
            "digests of a replay",
            &digests(&self.engine),
            &digests(&again),
        )
    }
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

/// Alerts that the model tells; of others the documents say too little.
const ALERTS: &[RiskEventKind] = &[
    RiskEventKind::Warning,
    RiskEventKind::Breach,
    RiskEventKind::StateChanged,
    RiskEventKind::LateFill,
    RiskEventKind::Overfill,
    RiskEventKind::UnknownOrderFill,
    RiskEventKind::UnknownInstrumentFill,
    RiskEventKind::ExecutionMismatch,
    RiskEventKind::OrderUnresolved,
    RiskEventKind::Reconciled,
    RiskEventKind::Restricted,
    RiskEventKind::Capacity,
    RiskEventKind::TemporaryEnded,
    RiskEventKind::RepeatedExecution,
    RiskEventKind::DailyLoss,
    RiskEventKind::MarketMakerProtection,
    RiskEventKind::Busted,
    RiskEventKind::Adjusted,
];

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only a few of the messages are looked for"
)]
fn compare_replies(
    risk_listens: bool,
    input: &Sequenced,
    expect: &Expect,
    decision: &Decision,
    sent: &[(u32, Reply)],
) -> Result<(), Difference> {
    if expect.outcomes == [Outcome::Dropped] {
        return same("replies to a dropped message", &sent.len(), &0);
    }
    let mine = || {
        let to_me = sent.iter().filter(|(to, _)| *to == input.session_id);
        to_me.map(|(_, reply)| reply)
    };
    let gaps: Vec<(u64, u64)> = mine()
        .filter_map(|reply| match reply {
            Reply::NotApplied(m) => Some((m.from_seq_no, m.count)),
            _ => None,
        })
        .collect();
    let missing = expect.not_applied.into_iter().collect();
    same("NotApplied", &gaps, &missing)?;
    let (cl_ord_id, is_order) = match &input.command {
        Command::NewOrder(m) => (m.cl_ord_id, true),
        Command::ReplaceOrder(m) => (m.cl_ord_id, true),
        Command::CancelOrder(m) => (m.cl_ord_id, true),
        _ => (0, false),
    };
    if is_order {
        let answers: Vec<u16> = mine()
            .filter_map(|reply| match reply {
                Reply::OrderAccepted(m) if m.cl_ord_id == cl_ord_id => Some(0),
                Reply::OrderRejected(m) if m.cl_ord_id == cl_ord_id => Some(m.code),
                Reply::BusinessReject(m) => Some(m.code),
                _ => None,
            })
            .collect();
        same("answers to an order", &answers, &vec![decision.code])?;
    }
    let mut reports = Vec::new();
    let mut alerts = Vec::new();
    for (to, reply) in sent {
        match reply {
            Reply::MassCancelReport(m) => {
                let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
                let (requested, outstanding) = (number(m.requested), number(m.outstanding));
                reports.push((*to, m.cl_ord_id, requested, outstanding));
            }
            Reply::RiskEvent(m) if *to == super::genesis::RISK && ALERTS.contains(&m.event) => {
                alerts.push(alert_of(m));
            }
            _ => {}
        }
    }
    let mut expected = expect.said.reports.clone();
    reports.sort_unstable();
    expected.sort_unstable();
    same("progress of mass cancels", &reports, &expected)?;
    let mut expected = expect.said.alerts.clone();
    if !risk_listens {
        expected.clear();
    }
    for alert in &mut expected {
        // The event names an instrument, but neither a group nor a currency.
        if let Some((key, ..)) = &mut alert.about
            && key.selector != Selector::Instrument
        {
            (key.selector, key.selector_id) = (Selector::All, u32::MAX);
        }
    }
    alerts.sort_unstable();
    expected.sort_unstable();
    let only = |these: &[Alert], those: &[Alert]| {
        let only = these.iter().find(|alert| !those.contains(alert));
        only.map_or("-", |alert| alert.event.name())
    };
    let what = format!(
        "alerts: engine {}, model {}",
        only(&alerts, &expected),
        only(&expected, &alerts)
    );
    same(&what, &alerts, &expected)
}

fn alert_of(m: &wire::RiskEvent) -> Alert {
    let tells_use = matches!(m.event, RiskEventKind::Warning | RiskEventKind::Breach);
    let key = super::limits::LimitKey {
        scope: m.scope,
        scope_id: m.scope_id,
        kind: m.limit_kind,
        selector: if m.instrument_id == u32::MAX {
            Selector::All
        } else {
            Selector::Instrument
        },
        selector_id: m.instrument_id,
    };
    Alert {
        event: m.event,
        about: tells_use.then_some((key, m.ref_id, m.old_value, m.new_value)),
    }
}

fn compare_decision(expect: &Expect, decision: &Decision) -> Result<(), Difference> {
    if !expect.outcomes.contains(&decision.outcome) {
        let code = |code: u16| RejectCode::from_number(code).map_or("-", RejectCode::name);
        let refusal = expect.refusal.as_ref();
        let what = format!(
            "outcome: engine {} {}, model {} {}",
            decision.outcome.name(),
            code(decision.code),
            expect.outcomes.first().map_or("?", |o| o.name()),
            refusal.map_or("", |r| r.code.name()),
        );
        let model = format!("{:?} {refusal:?} {:?}", expect.outcomes, expect.code);
        return Err((what, format!("{decision:?}"), model));
    }
    if let Some(code) = expect.code {
        same("code of a refusal", &decision.code, &code.number())?;
    }
    if let Some(refusal) = &expect.refusal {
        compare_refusal(refusal, decision)?;
    }
    if let Some(order_id) = expect.order_id {
        same("order id", &decision.order_id, &order_id)?;
    }
    if let Some(version) = expect.version {
        same("version", &decision.version, &version)?;
    }
    if let Some(plan) = &expect.plan {
        let engine = (
            decision.util_bps,
            decision.util_limit_kind,
            decision.util_scope,
        );
        let none = (0, wire::LimitKind::NULL, Scope::NULL);
        same("utilisation", &engine, &plan.util.unwrap_or(none))?;
    }
    if let Some(shadow) = &expect.shadow {
        let engine = (
            decision.shadow_code,
            decision.shadow_limit_kind,
            decision.shadow_scope,
            decision.shadow_scope_id,
        );
        let model =
            shadow
                .as_ref()
                .map_or((0, wire::LimitKind::NULL, Scope::NULL, u32::MAX), |r| {
                    let kind = r.kind.unwrap_or(wire::LimitKind::NULL);
                    let at = r.at.unwrap_or((Scope::NULL, u32::MAX));
                    (r.code.number(), kind, at.0, at.1)
                });
        same("shadow", &engine, &model)?;
    }
    Ok(())
}

fn compare_refusal(refusal: &Refusal, decision: &Decision) -> Result<(), Difference> {
    if decision.code != refusal.code.number() {
        let engine = RejectCode::from_number(decision.code).map_or("?", RejectCode::name);
        return Err((
            format!("code: engine {engine}, model {}", refusal.code.name()),
            format!("{decision:?}"),
            format!("{refusal:?}"),
        ));
    }
    let name = refusal.code.name();
    if let Some(kind) = refusal.kind {
        same(&format!("kind of {name}"), &decision.limit_kind, &kind)?;
    }
    if let Some(at) = refusal.at {
        let engine = (decision.scope, decision.scope_id);
        same(&format!("scope of {name}"), &engine, &at)?;
    }
    let nowhere = matches!(
        refusal.code,
        RejectCode::ReferenceMissing
            | RejectCode::FxMissing
            | RejectCode::FxStale
            | RejectCode::LimitNotSet
    );
    if nowhere {
        same(&format!("scope of {name}"), &decision.scope, &Scope::NULL)?;
    }
    if let Some(limit) = refusal.limit {
        same(&format!("limit of {name}"), &decision.limit, &limit)?;
    }
    if let Some(observed) = refusal.observed {
        let what = format!("observed of {name}");
        same(&what, &decision.observed, &observed)?;
    }
    if let Some(version) = refusal.version {
        same(&format!("version of {name}"), &decision.version, &version)?;
    }
    Ok(())
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
