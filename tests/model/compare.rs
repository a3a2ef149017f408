//! Runs model and engine side by side, names the first disagreement, and makes its history short.

use super::checks::Refusal;
use super::flow::{Flow, Item};
use super::lifecycle::Expect;
use super::state::{At, Model, Row};
use engine::command::{Command, Sequenced, Step};
use engine::decision::{Decision, Outbox, Outcome};
use engine::risk::RiskEngine;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use wire::{LimitKind, LimitMode, RejectCode, Reply, Scope};

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

/// Engine and model on the same commands.
pub(crate) struct Pair {
    pub(crate) model: Model,
    engine: RiskEngine,
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
            out: Outbox::new(),
            seq: 0,
            seq_of_item: BTreeMap::new(),
            item_of_seq: BTreeMap::new(),
            since_views: 0,
            views_every,
        }
    }

    /// Names a reconciled order by the item that sent it.
    pub(crate) fn symbolic(&self, mut item: Item) -> Item {
        if let Command::Reconcile(m) = &mut item.command {
            m.order_id = self.item_of_seq.get(&m.order_id).copied().unwrap_or(0);
        }
        if let Command::VenueReport(m) = &mut item.command {
            m.order_id = self.item_of_seq.get(&m.order_id).copied().unwrap_or(0);
        }
        item
    }

    /// Applies one item to both and compares; then the steps that the engine asks for.
    pub(crate) fn step(&mut self, item: &Item) -> Result<Vec<String>, Disagreement> {
        let named = |(what, engine, model): (String, String, String)| Disagreement {
            what: format!("{what} ({})", item.command.layout().name),
            engine,
            model,
            item: item.id,
        };
        let (input, expect) = self.model_step(item);
        let decision = self.apply(&input).map_err(named)?;
        compare_decision(&expect, &decision).map_err(named)?;
        self.compare_replies(&input, &expect, &decision)
            .map_err(named)?;
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
            self.apply(&step).map_err(named)?;
            rounds += 1;
            if rounds > 10_000 {
                return Err(named(differ("steps never end", &rounds, &0)));
            }
        }
        self.since_views += 1;
        if self.since_views >= self.views_every {
            self.since_views = 0;
            self.compare_views().map_err(named)?;
        }
        Ok(expect.hits)
    }

    /// Gives the item its place in the sequence and applies it to the model.
    fn model_step(&mut self, item: &Item) -> (Sequenced, Expect) {
        let mut command = item.command;
        if let Command::Reconcile(m) = &mut command {
            m.order_id = self.seq_of_item.get(&m.order_id).copied().unwrap_or(0);
        }
        if let Command::VenueReport(m) = &mut command {
            m.order_id = self.seq_of_item.get(&m.order_id).copied().unwrap_or(0);
        }
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

    fn apply(&mut self, input: &Sequenced) -> Result<Decision, (String, String, String)> {
        self.out.clear();
        let (engine, out) = (&mut self.engine, &mut self.out);
        catch_unwind(AssertUnwindSafe(|| engine.apply(input, out))).map_err(|panic| {
            let said = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_default();
            ("the engine panicked".to_owned(), said, String::new())
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only a few of the messages are looked for"
    )]
    fn compare_replies(
        &self,
        input: &Sequenced,
        expect: &Expect,
        decision: &Decision,
    ) -> Result<(), (String, String, String)> {
        let mine = || {
            self.out
                .items()
                .iter()
                .filter(|o| o.session_id == input.session_id)
                .map(|o| &o.reply)
        };
        if expect.outcomes == [Outcome::Dropped] {
            return same("replies to a dropped message", &self.out.items().len(), &0);
        }
        let gaps: Vec<(u64, u64)> = mine()
            .filter_map(|reply| match reply {
                Reply::NotApplied(m) => Some((m.from_seq_no, m.count)),
                _ => None,
            })
            .collect();
        same(
            "NotApplied",
            &gaps,
            &expect.not_applied.into_iter().collect(),
        )?;
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
        if let Some(requested) = expect.requested {
            let reported: Vec<u32> = mine()
                .filter_map(|reply| match reply {
                    Reply::MassCancelReport(m) => Some(m.requested),
                    _ => None,
                })
                .take(1)
                .collect();
            let requested = u32::try_from(requested).unwrap_or(u32::MAX);
            same("requested of a mass cancel", &reported, &vec![requested])?;
        }
        Ok(())
    }

    /// Every row, live order, limit, state and session.
    pub(crate) fn compare_views(&self) -> Result<(), (String, String, String)> {
        self.compare_rows()?;
        self.compare_orders()?;
        self.compare_limits()?;
        let model: BTreeMap<At, u8> = self
            .model
            .states
            .iter()
            .filter(|(_, (state, _))| state.0 != 0)
            .map(|(at, (state, _))| (*at, state.0))
            .collect();
        let engine: BTreeMap<At, u8> = self
            .engine
            .states()
            .filter(|v| v.state.0 != 0)
            .map(|v| ((v.scope, v.scope_id), v.state.0))
            .collect();
        same("trading states", &engine, &model)?;
        let model: Vec<_> = self
            .model
            .sessions
            .iter()
            .map(|(id, s)| (*id, s.up, s.last_applied, s.mark))
            .collect();
        let engine: Vec<_> = self
            .engine
            .sessions()
            .filter(|v| v.session_id != 0)
            .map(|v| (v.session_id, v.up, v.last_applied_seq_no, v.cl_ord_id_mark))
            .collect();
        same("sessions", &engine, &model)
    }

    fn compare_rows(&self) -> Result<(), (String, String, String)> {
        let mut scopes: Vec<At> = vec![(Scope::Firm, 0)];
        scopes.extend(self.model.accounts.keys().map(|a| (Scope::Account, *a)));
        scopes.extend(self.model.desks.iter().map(|d| (Scope::Desk, *d)));
        scopes.extend(
            self.model
                .traders
                .iter()
                .map(|t| (Scope::Trader, u32::from(*t))),
        );
        let mut model: BTreeMap<(At, u32), (Row, Option<i128>)> = BTreeMap::new();
        for at in scopes {
            for (instrument, row) in self.model.rows(at) {
                if !row.is_empty() {
                    let value = (row.position != 0)
                        .then(|| self.model.value_of(instrument, row.position))
                        .flatten();
                    model.insert((at, instrument), (row, value));
                }
            }
        }
        let engine: BTreeMap<(At, u32), (Row, Option<i128>)> = self
            .engine
            .rows()
            .map(|v| {
                let row = Row {
                    position: v.position,
                    open_buy: v.open_buy,
                    open_sell: v.open_sell,
                    reserved_buy: v.reserved_buy,
                    reserved_sell: v.reserved_sell,
                };
                let value = v.value.filter(|_| v.position != 0);
                (((v.scope, v.scope_id), v.instrument_id), (row, value))
            })
            .filter(|(_, (row, _))| !row.is_empty())
            .collect();
        same_entries("rows", &engine, &model)
    }

    fn compare_orders(&self) -> Result<(), (String, String, String)> {
        let model: BTreeMap<u64, String> = self
            .model
            .orders
            .iter()
            .filter(|o| !o.terminal)
            .map(|o| {
                let v = o.in_force();
                let facts = [
                    o.status().name().to_owned(),
                    format!("price {:?}", v.price),
                    format!("qty {}", v.qty),
                    format!("cum {}", o.cum),
                    format!("leaves {}", o.leaves(v)),
                    format!("reserved {} for {}", o.reserved_qty(), o.reserved_value()),
                    format!("newest {}", o.newest().cl_ord_id),
                ];
                (o.order_id, facts.join(", "))
            })
            .collect();
        let engine: BTreeMap<u64, String> = self
            .engine
            .live_orders()
            .map(|v| {
                let facts = [
                    v.status.name().to_owned(),
                    format!("price {:?}", v.price),
                    format!("qty {}", v.qty),
                    format!("cum {}", v.cum_qty),
                    format!("leaves {}", v.leaves_qty),
                    format!("reserved {} for {}", v.reserved_qty, v.reserved_value),
                    format!("newest {}", v.newest_cl_ord_id),
                ];
                (v.order_id, facts.join(", "))
            })
            .collect();
        same_entries("live orders", &engine, &model)
    }

    fn compare_limits(&self) -> Result<(), (String, String, String)> {
        let mut model = BTreeMap::new();
        for (key, limit) in &self.model.limits {
            let rows = self.model.rows((key.scope, key.scope_id));
            let used = match key.kind {
                LimitKind::MaxOpenOrders => Some(self.model.live_count(key)),
                LimitKind::GrossNotional => Some(self.model.sums(key, &rows).0),
                _ => None,
            };
            let key = (
                key.scope,
                key.scope_id,
                key.kind,
                key.selector,
                key.selector_id,
            );
            model.insert(key, (limit.value, limit.version, LimitMode::Enforced, used));
        }
        let engine: BTreeMap<_, _> = self
            .engine
            .limits()
            .map(|v| {
                let compared = [LimitKind::MaxOpenOrders, LimitKind::GrossNotional];
                let used = v.used.filter(|_| compared.contains(&v.kind));
                let key = (v.scope, v.scope_id, v.kind, v.selector, v.selector_id);
                (key, (v.value, v.version, v.mode, used.map(i128::from)))
            })
            .collect();
        same_entries("limits", &engine, &model)
    }
}

fn compare_decision(expect: &Expect, decision: &Decision) -> Result<(), (String, String, String)> {
    if !expect.outcomes.contains(&decision.outcome) {
        let code = |code: u16| RejectCode::from_number(code).map_or("-", RejectCode::name);
        let model = expect
            .refusal
            .as_ref()
            .map_or(String::new(), |r| format!("{r:?}"));
        return Err((
            format!(
                "outcome: engine {} {}, model {} {}",
                decision.outcome.name(),
                code(decision.code),
                expect.outcomes.first().map_or("?", |o| o.name()),
                expect.refusal.as_ref().map_or("", |r| r.code.name()),
            ),
            format!("{decision:?}"),
            format!("{:?} {model} {:?}", expect.outcomes, expect.code),
        ));
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
    if let Some(plan) = &expect.plan {
        let engine = (
            decision.util_bps,
            decision.util_limit_kind,
            decision.util_scope,
        );
        let model = (plan.util_bps, plan.util_kind, plan.util_scope);
        same("utilisation", &engine, &model)?;
    }
    Ok(())
}

fn compare_refusal(refusal: &Refusal, decision: &Decision) -> Result<(), (String, String, String)> {
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
        same(
            &format!("limit kind of {name}"),
            &decision.limit_kind,
            &kind,
        )?;
    }
    match refusal.at {
        Some(at) => {
            let engine = (decision.scope, decision.scope_id);
            same(&format!("scope of {name}"), &engine, &at)?;
        }
        None if matches!(
            refusal.code,
            RejectCode::ReferenceMissing
                | RejectCode::FxMissing
                | RejectCode::FxStale
                | RejectCode::LimitNotSet
        ) =>
        {
            same(&format!("scope of {name}"), &decision.scope, &Scope::NULL)?;
        }
        None => {}
    }
    if let Some(limit) = refusal.limit {
        same(&format!("limit of {name}"), &decision.limit, &limit)?;
    }
    if let Some(observed) = refusal.observed {
        same(
            &format!("observed of {name}"),
            &decision.observed,
            &observed,
        )?;
    }
    if let Some(version) = refusal.version {
        same(&format!("version of {name}"), &decision.version, &version)?;
    }
    Ok(())
}

fn differ(what: &str, engine: &impl Debug, model: &impl Debug) -> (String, String, String) {
    (what.to_owned(), format!("{engine:?}"), format!("{model:?}"))
}

fn same<T: Debug + PartialEq>(
    what: &str,
    engine: &T,
    model: &T,
) -> Result<(), (String, String, String)> {
    if engine == model {
        Ok(())
    } else {
        Err(differ(what, engine, model))
    }
}

/// The first entry that is not the same in both.
fn same_entries<K: Ord + Debug, V: Debug + PartialEq>(
    what: &str,
    engine: &BTreeMap<K, V>,
    model: &BTreeMap<K, V>,
) -> Result<(), (String, String, String)> {
    for key in engine.keys().chain(model.keys()) {
        let (e, m) = (engine.get(key), model.get(key));
        if e != m {
            return Err(differ(what, &(key, e), &(key, m)));
        }
    }
    Ok(())
}

/// Runs one random firm; on a disagreement gives its shortened history as text.
pub(crate) fn run_case(
    seed: u64,
    steps: usize,
    views_every: u32,
    hits: &mut BTreeMap<String, u64>,
) -> Result<(), String> {
    let mut flow = Flow::new(seed);
    let mut pair = Pair::new(views_every);
    let mut history = Vec::new();
    for _ in 0..steps {
        let item = pair.symbolic(flow.next(&pair.model));
        history.push(item.clone());
        match pair.step(&item) {
            Ok(new) => {
                for hit in new {
                    *hits.entry(hit).or_default() += 1;
                }
            }
            Err(found) => return Err(report(seed, history, found)),
        }
    }
    if let Err((what, engine, model)) = pair.compare_views() {
        let item = history.last().map_or(0, |i| i.id);
        let found = Disagreement {
            what,
            engine,
            model,
            item,
        };
        return Err(report(seed, history, found));
    }
    Ok(())
}

/// Runs the model without an engine: what do the flows reach?
pub(crate) fn run_alone(seed: u64, steps: usize, hits: &mut BTreeMap<String, u64>) {
    let mut flow = Flow::new(seed);
    let mut pair = Pair::new(u32::MAX);
    for _ in 0..steps {
        let item = pair.symbolic(flow.next(&pair.model));
        for hit in pair.model_step(&item).1.hits {
            *hits.entry(hit).or_default() += 1;
        }
    }
}

/// The first disagreement of a history, with all views compared every so many commands.
fn replay(history: &[Item], views_every: u32) -> Option<Disagreement> {
    let mut pair = Pair::new(views_every);
    history.iter().find_map(|item| pair.step(item).err())
}

/// Time that one history is shortened for.
const SHRINK_FOR: Duration = Duration::from_secs(40);
/// Disagreements that only show in the views.
const VIEWS: &[&str] = &[
    "rows",
    "live orders",
    "limits",
    "trading states",
    "sessions",
];

/// Leaves out what is not needed for the same disagreement, in ever smaller pieces.
fn shrink(mut history: Vec<Item>, mut found: Disagreement) -> (Vec<Item>, Disagreement) {
    let started = Instant::now();
    if let Some(earlier) = replay(&history, 1) {
        found = earlier;
    }
    let views_every = if VIEWS.iter().any(|view| found.what.starts_with(view)) {
        1
    } else {
        u32::MAX
    };
    let end = history.iter().position(|i| i.id == found.item);
    history.truncate(end.map_or(history.len(), |i| i + 1));
    let mut size = history.len() / 2;
    while size > 0 {
        let mut start = 0;
        let mut shorter = false;
        while start < history.len() && started.elapsed() < SHRINK_FOR {
            let end = (start + size).min(history.len());
            let mut candidate = history.clone();
            candidate.drain(start..end);
            let again = replay_quietly(&candidate, views_every);
            match again.filter(|d| d.what == found.what) {
                Some(again) => {
                    let end = candidate.iter().position(|i| i.id == again.item);
                    candidate.truncate(end.map_or(candidate.len(), |i| i + 1));
                    history = candidate;
                    found = again;
                    shorter = true;
                }
                None => start = end,
            }
        }
        if !(shorter && size == 1) || started.elapsed() >= SHRINK_FOR {
            size /= 2;
        }
    }
    (history, found)
}

/// As `replay`; a history that the model itself can't follow is none.
fn replay_quietly(history: &[Item], views_every: u32) -> Option<Disagreement> {
    catch_unwind(AssertUnwindSafe(|| replay(history, views_every)))
        .ok()
        .flatten()
}

fn report(seed: u64, history: Vec<Item>, found: Disagreement) -> String {
    let before = history.len();
    std::panic::set_hook(Box::new(|_| {}));
    let (history, found) = shrink(history, found);
    let _ = std::panic::take_hook();
    let mut text = format!(
        "seed {seed}: {}\n  engine: {}\n  model:  {}\n{} of {before} commands are needed:\n",
        found.what,
        found.engine,
        found.model,
        history.len(),
    );
    for item in &history {
        let said = brief(&item.command);
        let busy = if item.busy { " busy" } else { "" };
        let _ = writeln!(
            text,
            "  [{}] {}{} ns, session {}{busy} {said}",
            item.id,
            if item.t < super::genesis::START {
                "-"
            } else {
                "+"
            },
            item.t.abs_diff(super::genesis::START),
            item.session
        );
    }
    text
}

/// A command without its fields of routine.
fn brief(command: &Command) -> String {
    let text = format!("{command:?}");
    let (head, rest) = text.split_once(" { ").unwrap_or((&text, ""));
    let name = head.split('(').next().unwrap_or(head);
    let dull = [
        "flags: ",
        "seq_no: 0",
        "request_id: ",
        "reserved",
        "name: ",
        "public_key: ",
        "reason: \"",
        "symbol: ",
        "warn",
        "transact_time: ",
        "app_name",
        "key_id",
    ];
    let fields: Vec<&str> = rest
        .trim_end_matches([')', '}', ' '])
        .split(", ")
        .filter(|f| !dull.iter().any(|d| f.starts_with(d)))
        .collect();
    format!("{name} {}", fields.join(", "))
}
