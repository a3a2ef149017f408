//! Owns the second copy of the engine: applies durable records behind the live one, compares what it
//! decides with what was journalled, and answers queries. Leaves out threads and files.

use crate::command::{Command, Sequenced, Started};
use crate::decision::{Decision, Outbox, Outcome, Outgoing};
use crate::journal::End;
use crate::outbound_logs::{Logs, SessionLog};
use crate::risk::{RiskEngine, RoomQuestion};
use crate::snapshot::Restored;
use crate::view::{LimitView, OrderView, ProposalView, RoomView, RowView, SessionView, StateView};
use wire::{
    AdminAck, Amount, Flag, LimitReport, Message, OpenOrderReport, PositionReport, Price,
    ProposalReport, Qty, Query, QueryWhat, RejectCode, Reply, Role, RoomReport, Scope,
    SessionReport, StateReport, Text, Time,
};

/// Rows of a page where the query leaves it to the server, and at most.
const PAGE_ROWS: usize = 1000;
/// Queries that may wait for a sequence that is still to come.
const WAITING_MAX: usize = 256;

/// Where durable records come from.
pub trait RecordSource: Send + 'static {
    /// The next record, if it is durable: its sequence is at most `durable`.
    ///
    /// # Errors
    /// A sentence that says where the journal can't be read.
    fn next(&mut self, durable: u64) -> Result<Option<(Sequenced, Decision)>, String>;

    /// Where the journal stands just behind the record given last; `None` within a frame.
    fn end(&self) -> Option<End> {
        None
    }
}

/// The same command was decided otherwise than the journal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}: the journal says {journalled:?}, this build decides {decided:?}")]
pub struct Difference {
    /// Sequence of the record.
    pub seq: u64,
    /// What the journal says.
    pub journalled: Decision,
    /// What this build decides.
    pub decided: Decision,
}

/// A query that has been journalled, and who asked.
#[derive(Debug, Clone, Copy)]
struct Asked {
    session_id: u32,
    query: Query,
}

/// The second copy.
#[derive(Debug, Default)]
pub struct Follower {
    engine: RiskEngine,
    outbox: Outbox,
    waiting: Vec<Asked>,
    /// The last start, which a snapshot has to know.
    started: Option<Started>,
    /// What the sessions were sent, where that is kept.
    logs: Option<Logs>,
    seq: u64,
    t: u64,
}

impl Follower {
    /// A copy that knows nothing yet: it has to see every record from the first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, keeping up to `retained` outbound messages over all sessions.
    #[must_use]
    pub fn keeping(retained: usize) -> Self {
        Self {
            logs: Some(Logs::new(retained)),
            ..Self::default()
        }
    }

    /// A copy that goes on from a snapshot.
    #[must_use]
    pub fn restored(from: Restored, retained: usize) -> Self {
        let Restored {
            engine,
            mut logs,
            started,
            header,
        } = from;
        logs.retain(retained);
        Self {
            engine,
            started: Some(started),
            logs: Some(logs),
            seq: header.sequence,
            t: header.t,
            ..Self::default()
        }
    }

    /// The last `Started` record.
    #[must_use]
    pub const fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// The sessions' outbound messages that are kept, by ascending session id.
    #[must_use]
    pub fn session_logs(&self) -> Vec<SessionLog> {
        self.logs.as_ref().map(Logs::sessions).unwrap_or_default()
    }

    /// All that a snapshot holds; `None` before the first start, or where no messages are kept.
    pub(crate) fn whole(&self) -> Option<(&Started, &Logs, &RiskEngine)> {
        Some((self.started.as_ref()?, self.logs.as_ref()?, &self.engine))
    }

    /// The engine itself, for the thread that decides; this copy goes on with another of the same state.
    pub(crate) fn split_off(&mut self) -> RiskEngine {
        let copy = self.engine.clone();
        std::mem::replace(&mut self.engine, copy)
    }

    /// Applies a command that the start itself adds, and says what was decided.
    pub(crate) fn decide(&mut self, input: &Sequenced) -> Decision {
        self.outbox.clear();
        let decided = self.engine.apply(input, &mut self.outbox);
        (self.seq, self.t) = (input.seq, input.t);
        if let Some(logs) = &mut self.logs {
            for outgoing in self.outbox.items() {
                logs.add(outgoing);
            }
        }
        if let Command::Started(started) = input.command {
            self.started = Some(started);
        }
        decided
    }

    /// Last sequence applied.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Time of the last record.
    #[must_use]
    pub const fn t(&self) -> u64 {
        self.t
    }

    /// The state as of [`Self::seq`].
    #[must_use]
    pub const fn engine(&self) -> &RiskEngine {
        &self.engine
    }

    /// What the last record sent to sessions.
    #[must_use]
    pub fn sent(&self) -> &[Outgoing] {
        self.outbox.items()
    }

    /// Applies a record without answering: for the past, whose askers are gone.
    ///
    /// # Errors
    /// [`Difference`]: this build decides otherwise. The copy is of no use any more.
    pub fn replay(
        &mut self,
        input: &Sequenced,
        journalled: &Decision,
    ) -> Result<(), Box<Difference>> {
        let decided = self.decide(input);
        if decided != *journalled {
            return Err(Box::new(Difference {
                seq: input.seq,
                journalled: *journalled,
                decided,
            }));
        }
        Ok(())
    }

    /// Applies a record and adds to `out` the answers that are due now.
    ///
    /// # Errors
    /// [`Difference`]: this build decides otherwise. The copy is of no use any more.
    pub fn apply(
        &mut self,
        input: &Sequenced,
        journalled: &Decision,
        out: &mut Vec<Outgoing>,
    ) -> Result<(), Box<Difference>> {
        self.replay(input, journalled)?;
        if !self.waiting.is_empty() {
            let seq = self.seq;
            let due: Vec<Asked> = self
                .waiting
                .extract_if(.., |asked| asked.query.min_engine_seq <= seq)
                .collect();
            for asked in due {
                self.answer(asked.session_id, &asked.query, out);
            }
        }
        if let Command::Query(query) = input.command {
            let asked = Asked {
                session_id: input.session_id,
                query,
            };
            if journalled.outcome == Outcome::Refused {
                // The engine has said why, in sequence.
            } else if query.min_engine_seq <= self.seq {
                self.answer(input.session_id, &query, out);
            } else if self.waiting.len() < WAITING_MAX {
                self.waiting.push(asked);
            } else {
                self.end_page(&asked, 0, 0, RejectCode::Busy.number(), out);
            }
        }
        Ok(())
    }

    /// Adds the page that `query` asks for to `out`, ended by an `AdminAck`: as of [`Self::seq`], and
    /// only what the session may see. Desks and venues see the firm's and the instruments' states,
    /// their entitled accounts and themselves; risk, ops and audit see all.
    pub fn answer(&self, session_id: u32, query: &Query, out: &mut Vec<Outgoing>) {
        let asked = Asked {
            session_id,
            query: *query,
        };
        let sight = Sight::of(&self.engine, session_id);
        let wanted = |scope: Scope, scope_id: u32| {
            (query.scope.is_null() || query.scope == scope)
                && (query.scope_id == u32::MAX || query.scope_id == scope_id)
        };
        let instrument = |id: u32| query.instrument_id == u32::MAX || query.instrument_id == id;
        let engine = &self.engine;
        match query.what {
            QueryWhat::Positions => {
                let rows = engine.rows().filter(|row| {
                    wanted(row.scope, row.scope_id)
                        && instrument(row.instrument_id)
                        && sight.scope(row.scope, row.scope_id)
                });
                self.page(&asked, rows.map(|row| position_report(&row)), out);
            }
            QueryWhat::Limits => {
                let limits = engine.limits().filter(|limit| {
                    wanted(limit.scope, limit.scope_id) && sight.scope(limit.scope, limit.scope_id)
                });
                self.page(&asked, limits.map(|limit| limit_report(&limit)), out);
            }
            QueryWhat::OpenOrders => {
                let orders = engine.live_orders().filter(|order| {
                    order_is_wanted(query, order)
                        && instrument(order.instrument_id)
                        && sight.scope(Scope::Account, order.account)
                });
                self.page(&asked, orders.map(|order| order_report(&order)), out);
            }
            QueryWhat::Sessions => {
                let sessions = engine
                    .sessions()
                    .filter(|session| sight.all || session.session_id == session_id);
                self.page(
                    &asked,
                    sessions.map(|session| session_report(&session)),
                    out,
                );
            }
            QueryWhat::States => {
                let firm = engine.firm();
                let states = engine.states().filter(|state| {
                    wanted(state.scope, state.scope_id)
                        && (sight.scope(state.scope, state.scope_id)
                            || matches!(state.scope, Scope::Firm | Scope::Instrument))
                });
                let report = |state: StateView| state_report(&state, firm.as_ref());
                self.page(&asked, states.map(report), out);
            }
            QueryWhat::Room => {
                let question = RoomQuestion {
                    session_id,
                    account: query.scope_id,
                    instrument_id: query.instrument_id,
                    trader_id: (query.trader_id != u16::MAX).then_some(query.trader_id),
                    price: (!query.price.is_null()).then_some(query.price.0),
                };
                match engine.room(&question, self.t) {
                    Ok(room) => self.page(&asked, std::iter::once(room_report(&room)), out),
                    Err(code) => self.end_page(&asked, 0, 0, code.number(), out),
                }
            }
            QueryWhat::Proposals => {
                let proposals = engine.proposals().filter(|_| sight.all);
                self.page(&asked, proposals.map(|view| proposal_report(&view)), out);
            }
            _ => self.end_page(&asked, 0, 0, RejectCode::MalformedField.number(), out),
        }
    }

    /// One page of `rows` from the query's cursor, and its end.
    fn page(&self, asked: &Asked, rows: impl Iterator<Item = Reply>, out: &mut Vec<Outgoing>) {
        let most = match usize::from(asked.query.max_rows) {
            0 => PAGE_ROWS,
            rows => rows.min(PAGE_ROWS),
        };
        let skip = usize::try_from(asked.query.cursor).unwrap_or(usize::MAX);
        let mut rows = rows.skip(skip);
        let mut count = 0_u32;
        for row in rows.by_ref().take(most) {
            self.send(asked, row, out);
            count = count.saturating_add(1);
        }
        let more = rows.next().is_some();
        let cursor = if more {
            asked.query.cursor.saturating_add(u64::from(count))
        } else {
            0
        };
        self.end_page(asked, cursor, count, 0, out);
    }

    fn end_page(&self, asked: &Asked, cursor: u64, count: u32, code: u16, out: &mut Vec<Outgoing>) {
        let end = AdminAck {
            cursor,
            count,
            code,
            ref_template_id: Query::LAYOUT.template_id,
            ..AdminAck::default()
        };
        self.send(asked, Reply::AdminAck(end), out);
    }

    /// Adds a report, stamped with what was asked and the sequence that it was read at.
    fn send(&self, asked: &Asked, mut reply: Reply, out: &mut Vec<Outgoing>) {
        set_request_id(&mut reply, asked.query.request_id);
        reply.set_engine(self.seq, Time(self.t));
        out.push(Outgoing {
            session_id: asked.session_id,
            reply,
        });
    }
}

/// What a session may see.
struct Sight {
    all: bool,
    accounts: Vec<u32>,
}

impl Sight {
    fn of(engine: &RiskEngine, session_id: u32) -> Self {
        let role = engine
            .sessions()
            .find(|session| session.session_id == session_id)
            .map(|session| session.role);
        Self {
            all: matches!(role, Some(Role::Risk | Role::Ops | Role::Audit)),
            accounts: engine.entitled_accounts(session_id).collect(),
        }
    }

    fn scope(&self, scope: Scope, scope_id: u32) -> bool {
        self.all || (scope == Scope::Account && self.accounts.contains(&scope_id))
    }
}

/// Orders belong to an account and a trader; desk and firm have no filter of their own here.
fn order_is_wanted(query: &Query, order: &OrderView) -> bool {
    match query.scope {
        Scope::Account => query.scope_id == u32::MAX || query.scope_id == order.account,
        Scope::Trader => query.scope_id == u32::MAX || query.scope_id == u32::from(order.trader_id),
        _ => true,
    }
}

fn room_report(room: &RoomView) -> Reply {
    Reply::RoomReport(RoomReport {
        max_buy: Qty(room.max_buy),
        max_sell: Qty(room.max_sell),
        price: room.price.map_or(Price::NULL, Price),
        account: room.account,
        instrument_id: room.instrument_id,
        buy_code: room.buy_code.number(),
        sell_code: room.sell_code.number(),
        trader_id: room.trader_id,
        ..RoomReport::default()
    })
}

fn proposal_report(proposal: &ProposalView) -> Reply {
    let change = &proposal.change;
    Reply::ProposalReport(ProposalReport {
        value: change.value,
        window_ns: change.window_ns,
        limit_expires_at: change.limit_expires_at,
        proposed_at: Time(proposal.proposed_at),
        expires_at: Time(proposal.expires_at),
        proposal_id: proposal.id,
        expected_version: change.expected_version,
        scope_id: change.scope_id,
        selector_id: change.selector_id,
        desk_id: change.desk_id,
        session_id: proposal.session_id,
        what: change.what,
        scope: change.scope,
        limit_kind: change.limit_kind,
        selector: change.selector,
        unit: change.unit,
        mode: change.mode,
        state: change.state,
        person: Text::new(&proposal.person),
        reason: change.reason,
        ..ProposalReport::default()
    })
}

fn set_request_id(reply: &mut Reply, request_id: u64) {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other replies do not answer queries"
    )]
    match reply {
        Reply::PositionReport(report) => report.request_id = request_id,
        Reply::LimitReport(report) => report.request_id = request_id,
        Reply::OpenOrderReport(report) => report.request_id = request_id,
        Reply::StateReport(report) => report.request_id = request_id,
        Reply::SessionReport(report) => report.request_id = request_id,
        Reply::RoomReport(report) => report.request_id = request_id,
        Reply::ProposalReport(report) => report.request_id = request_id,
        Reply::AdminAck(report) => report.request_id = request_id,
        _ => {}
    }
}

/// The wire's 64 bits; beyond them it saturates, and never at the null value.
fn saturated(value: i128) -> i64 {
    let bounded = value.clamp(i128::from(-i64::MAX), i128::from(i64::MAX));
    i64::try_from(bounded).unwrap_or(i64::MAX)
}

const fn flag(yes: bool) -> Flag {
    if yes { Flag::Yes } else { Flag::No }
}

fn amount(value: Option<i128>) -> Amount {
    value.map_or(Amount::NULL, |value| Amount(saturated(value)))
}

fn position_report(row: &RowView) -> Reply {
    Reply::PositionReport(PositionReport {
        avg_px: row.average_price.map_or(Price::NULL, Price),
        realised_pnl: amount(row.realised_pnl),
        unrealised_pnl: amount(row.unrealised_pnl),
        fx_version: row.fx_version,
        net_qty: Qty(saturated(row.position)),
        open_buy_qty: Qty(saturated(row.open_buy)),
        open_sell_qty: Qty(saturated(row.open_sell)),
        notional: Amount(saturated(row.value.unwrap_or(0))),
        day_pnl: amount(row.day_pnl),
        reserved_buy: Amount(saturated(row.reserved_buy)),
        reserved_sell: Amount(saturated(row.reserved_sell)),
        scope_id: row.scope_id,
        instrument_id: row.instrument_id,
        scope: row.scope,
        ..PositionReport::default()
    })
}

fn limit_report(limit: &LimitView) -> Reply {
    let [warn1, warn2, warn3] = limit.warn;
    Reply::LimitReport(LimitReport {
        value: limit.value,
        used: limit.used.unwrap_or(i64::MIN),
        window_ns: limit.window_ns,
        expires_at: Time(limit.expires_at),
        scope_id: limit.scope_id,
        selector_id: limit.selector_id,
        version: limit.version,
        scope: limit.scope,
        limit_kind: limit.kind,
        selector: limit.selector,
        mode: limit.mode,
        unit: limit.unit,
        warn1,
        warn2,
        warn3,
        ..LimitReport::default()
    })
}

fn order_report(order: &OrderView) -> Reply {
    Reply::OpenOrderReport(OpenOrderReport {
        order_id: order.order_id,
        cl_ord_id: order.newest_cl_ord_id,
        price: order.price.map_or(Price::NULL, Price),
        qty: Qty(order.qty),
        leaves_qty: Qty(order.leaves_qty),
        cum_qty: Qty(order.cum_qty),
        reserved_qty: Qty(order.reserved_qty),
        reserved_value: Amount(order.reserved_value),
        account: order.account,
        instrument_id: order.instrument_id,
        session_id: order.session_id,
        trader_id: order.trader_id,
        side: order.side,
        status: order.status,
        ..OpenOrderReport::default()
    })
}

fn session_report(session: &SessionView) -> Reply {
    Reply::SessionReport(SessionReport {
        last_applied_seq_no: session.last_applied_seq_no,
        next_seq_no: session.next_out_seq_no,
        cl_ord_id_mark: session.cl_ord_id_mark,
        session_id: session.session_id,
        key_id: session.key_id,
        role: session.role,
        topology: session.topology,
        up: flag(session.up),
        cod_mode: session.cod_mode,
        venue_id: session.venue_id,
        name: Text::new(&session.name),
        ..SessionReport::default()
    })
}

fn state_report(state: &StateView, firm: Option<&crate::view::FirmView>) -> Reply {
    Reply::StateReport(StateReport {
        scope_id: state.scope_id,
        version: state.version,
        business_date: firm.map_or(0, |firm| firm.business_date),
        scope: state.scope,
        state: state.state,
        breached: flag(state.breached),
        restricted: flag(firm.is_some_and(|firm| firm.restricted)),
        ready: flag(firm.is_some_and(|firm| firm.ready)),
        two_person: flag(firm.is_some_and(|firm| firm.two_person)),
        ..StateReport::default()
    })
}
