//! What the server tells of limits, positions, states and sessions, template ids 210 to 218.

use crate::messages;
use crate::types::{
    Amount, CodMode, Flag, LimitKind, LimitMode, OrderStatus, Price, ProposalKind, Qty,
    RiskEventKind, Role, Scope, Selector, Severity, Side, Text, Time, Topology, TradingState, Unit,
};

messages! {
    #[doc = "Something a risk manager should know."]
    210 RiskEvent {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Before, or the limit."]
        old_value: i64 [optional],
        #[doc = "After, or the use."]
        new_value: i64 [optional],
        #[doc = "What else it is about, by the event: an order, an execution, a level; else 0."]
        ref_id: u64,
        #[doc = "Session that caused it; 0 for the server."]
        actor: u32,
        #[doc = "Id within the scope."]
        scope_id: u32 [optional],
        #[doc = "Instrument."]
        instrument_id: u32 [optional],
        #[doc = "What happened."]
        event: RiskEventKind,
        #[doc = "Scope."]
        scope: Scope [optional],
        #[doc = "Kind of the limit."]
        limit_kind: LimitKind [optional],
        #[doc = "How urgent it is."]
        severity: Severity,
        #[doc = "Reason given, or a short text."]
        reason: Text<32>,
        #[doc = "What the limit applies to within its scope; null where no limit is meant."]
        selector: Selector [optional],
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Instrument, group or currency of the selector."]
        selector_id: u32 [optional],
        #[doc = "Of the limit or state from now on; else 0."]
        version: u32,
        #[doc = "Zero."]
        reserved3: u32,
        #[doc = "End of a temporary value; 0: none."]
        expires_at: Time,
    }

    #[doc = "One row of positions, in answer to a query."]
    211 PositionReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Signed filled position, saturating."]
        net_qty: Qty,
        #[doc = "Open quantity of live buys."]
        open_buy_qty: Qty,
        #[doc = "Open quantity of live sells."]
        open_sell_qty: Qty,
        #[doc = "Average price of the position in the instrument's currency, for display: what was held at the roll counts at the opening mark; null where nothing is held."]
        avg_px: Price [optional],
        #[doc = "Signed value at the mark."]
        notional: Amount,
        #[doc = "Profit and loss of the day; null without mark or rate."]
        day_pnl: Amount [optional],
        #[doc = "The part of it that later prices can't change."]
        realised_pnl: Amount [optional],
        #[doc = "The rest: the position at the mark against its average price."]
        unrealised_pnl: Amount [optional],
        #[doc = "Reserved value of live buys."]
        reserved_buy: Amount,
        #[doc = "Reserved value of live sells."]
        reserved_sell: Amount,
        #[doc = "Id within the scope; 0 for the firm."]
        scope_id: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Scope of the row."]
        scope: Scope,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Version of the rate that values it: how often it was set; 0 in the base currency."]
        fx_version: u32,
    }

    #[doc = "Answer to a risk or operations message, and end of a query's page."]
    212 AdminAck {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Query: where the next page begins; 0 when there is none."]
        cursor: u64,
        #[doc = "Version now in force."]
        new_version: u32,
        #[doc = "Query: reports sent."]
        count: u32,
        #[doc = "0 applied, else the reject code."]
        code: u16,
        #[doc = "Template of the message."]
        ref_template_id: u16,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "One limit with its use, in answer to a query."]
    213 LimitReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Value in the unit of its kind; i64::MAX is unlimited."]
        value: i64,
        #[doc = "Highest use now, in the same unit; null where the kind has none."]
        used: i64 [optional],
        #[doc = "Length of the window of a rate."]
        window_ns: u64,
        #[doc = "End of a temporary limit; 0 for none."]
        expires_at: Time,
        #[doc = "Id within the scope; 0 for the firm."]
        scope_id: u32,
        #[doc = "Instrument or product group; 0 for all."]
        selector_id: u32,
        #[doc = "Version."]
        version: u32,
        #[doc = "Scope."]
        scope: Scope,
        #[doc = "Kind."]
        limit_kind: LimitKind,
        #[doc = "Selector."]
        selector: Selector,
        #[doc = "Mode."]
        mode: LimitMode,
        #[doc = "Unit of the value."]
        unit: Unit,
        #[doc = "First warn level in per cent."]
        warn1: u8,
        #[doc = "Second warn level in per cent."]
        warn2: u8,
        #[doc = "Third warn level in per cent."]
        warn3: u8,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "One live order, in answer to a query."]
    214 OpenOrderReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "Id of the newest version not rejected."]
        cl_ord_id: u64,
        #[doc = "Price of the version in force."]
        price: Price [optional],
        #[doc = "Its total quantity."]
        qty: Qty,
        #[doc = "Still open."]
        leaves_qty: Qty,
        #[doc = "Filled."]
        cum_qty: Qty,
        #[doc = "Quantity reserved over all versions."]
        reserved_qty: Qty,
        #[doc = "Value reserved over all versions."]
        reserved_value: Amount,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Session that sent it."]
        session_id: u32,
        #[doc = "Trader."]
        trader_id: u16,
        #[doc = "Side."]
        side: Side,
        #[doc = "Status."]
        status: OrderStatus,
    }

    #[doc = "Trading state of a scope or an instrument, in answer to a query."]
    215 StateReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Id within the scope; 0 for the firm."]
        scope_id: u32,
        #[doc = "Version of the state."]
        version: u32,
        #[doc = "Business date as YYYYMMDD; 0 before the first."]
        business_date: u32,
        #[doc = "Scope."]
        scope: Scope,
        #[doc = "State."]
        state: TradingState,
        #[doc = "Whether use of an enforced limit is above it."]
        breached: Flag,
        #[doc = "Firm: reduce only until the restart is reconciled."]
        restricted: Flag,
        #[doc = "Firm: whether the day is open."]
        ready: Flag,
        #[doc = "Firm: whether loosening needs two people."]
        two_person: Flag,
        #[doc = "Zero."]
        reserved1: u16,
        #[doc = "Zero."]
        reserved2: u32,
    }

    #[doc = "One session, in answer to a query."]
    216 SessionReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Highest inbound sequence number applied."]
        last_applied_seq_no: u64,
        #[doc = "Next outbound sequence number."]
        next_seq_no: u64,
        #[doc = "Highest clOrdId accepted for uniqueness."]
        cl_ord_id_mark: u64,
        #[doc = "Session."]
        session_id: u32,
        #[doc = "Key in use."]
        key_id: u32,
        #[doc = "Role."]
        role: Role,
        #[doc = "How a desk stands in the flow; without meaning for other roles."]
        topology: Topology,
        #[doc = "Whether it is logged on."]
        up: Flag,
        #[doc = "Cancel on disconnect."]
        cod_mode: CodMode,
        #[doc = "Venue of a venue session; else 0."]
        venue_id: u16,
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Name."]
        name: Text<16>,
    }

    #[doc = "What an account could still buy and sell now, in answer to a query."]
    217 RoomReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "0: answers to queries carry no sequence number."]
        seq_no: u64,
        #[doc = "Sequence of the last command in the journal that the answer knows of."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Largest quantity a limit buy would pass with now; 0 for none."]
        max_buy: Qty,
        #[doc = "Largest quantity a limit sell would pass with now; 0 for none."]
        max_sell: Qty,
        #[doc = "Limit price that was assumed; null where the instrument has no reference."]
        price: Price [optional],
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Reject code that one step more to buy would meet."]
        buy_code: u16,
        #[doc = "Reject code that one step more to sell would meet."]
        sell_code: u16,
        #[doc = "Trader that was assumed."]
        trader_id: u16,
        #[doc = "Zero."]
        reserved: u16,
    }

    #[doc = "One proposal that waits for a second person, in answer to a query."]
    218 ProposalReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "0: answers to queries carry no sequence number."]
        seq_no: u64,
        #[doc = "Sequence of the last command in the journal that the answer knows of."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Limit: proposed value; null removes the limit."]
        value: i64 [optional],
        #[doc = "Limit: length of the window of a rate; else 0."]
        window_ns: u64,
        #[doc = "Limit: end of a temporary limit; else 0."]
        limit_expires_at: Time,
        #[doc = "When it was proposed."]
        proposed_at: Time,
        #[doc = "When the proposal lapses."]
        expires_at: Time,
        #[doc = "Number of the proposal."]
        proposal_id: u32,
        #[doc = "Version that it is based on."]
        expected_version: u32,
        #[doc = "Id within the scope; 0 for the firm."]
        scope_id: u32,
        #[doc = "Limit: instrument or product group; 0 for all."]
        selector_id: u32,
        #[doc = "Move: the new desk; else 0."]
        desk_id: u32,
        #[doc = "Session that proposed it."]
        session_id: u32,
        #[doc = "What is to change."]
        what: ProposalKind,
        #[doc = "Scope."]
        scope: Scope [optional],
        #[doc = "Limit: kind."]
        limit_kind: LimitKind [optional],
        #[doc = "Limit: selector."]
        selector: Selector [optional],
        #[doc = "Limit: unit of the value."]
        unit: Unit [optional],
        #[doc = "Limit: mode."]
        mode: LimitMode [optional],
        #[doc = "State: proposed state."]
        state: TradingState [optional],
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "The person behind that session."]
        person: Text<16>,
        #[doc = "Why."]
        reason: Text<32>,
    }
}
