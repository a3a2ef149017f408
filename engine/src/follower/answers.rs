//! Owns the answers to queries: which rows a session may see, a page of them, and what each row says.

use super::{Asked, Follower};
use crate::decision::Outgoing;
use crate::risk::{RiskEngine, RoomQuestion};
use crate::view::{LimitView, OrderView, ProposalView, RoomView, RowView, SessionView, StateView};
use wire::{
    AdminAck, Amount, Flag, LimitReport, Message, OpenOrderReport, PositionReport, Price,
    ProposalReport, Qty, Query, QueryWhat, RejectCode, Reply, Role, RoomReport, Scope,
    SessionReport, StateReport, Text, Time,
};

/// Rows of a page where the query leaves it to the server, and at most.
const PAGE_ROWS: usize = 1000;

impl Follower {
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
                    wanted(limit.scope, limit.scope_id)
                        && (query.instrument_id == u32::MAX
                            || engine.limit_selects(limit, query.instrument_id))
                        && sight.scope(limit.scope, limit.scope_id)
                });
                self.page(&asked, limits.map(|limit| limit_report(&limit)), out);
            }
            QueryWhat::OpenOrders => {
                let orders = engine.live_orders().filter(|order| {
                    scopes_of(engine, order)
                        .into_iter()
                        .any(|(scope, id)| wanted(scope, id))
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
                        && (query.instrument_id == u32::MAX
                            || (state.scope == Scope::Instrument && instrument(state.scope_id)))
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
                let proposals = engine.proposals().filter(|proposal| {
                    let change = &proposal.change;
                    sight.all && wanted(change.scope, change.scope_id)
                });
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

    pub(super) fn end_page(
        &self,
        asked: &Asked,
        cursor: u64,
        count: u32,
        code: u16,
        out: &mut Vec<Outgoing>,
    ) {
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

/// The scopes that an order counts in, and its instrument.
fn scopes_of(engine: &RiskEngine, order: &OrderView) -> [(Scope, u32); 5] {
    [
        (Scope::Account, order.account),
        (
            Scope::Desk,
            engine.desk_of(order.account).unwrap_or(u32::MAX),
        ),
        (Scope::Firm, 0),
        (Scope::Trader, u32::from(order.trader_id)),
        (Scope::Instrument, order.instrument_id),
    ]
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
