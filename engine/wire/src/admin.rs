//! Risk management: limits, states, prices, queries, and the rule of two people. Each is answered by
//! AdminAck.

use crate::messages;
use crate::types::{
    ApprovalAction, Factor, Flag, LimitKind, LimitMode, OrdType, Price, ProposalKind, QueryWhat,
    Scope, Selector, Text, Time, TradingState, Unit,
};

messages! {
    #[doc = "Sets, changes or removes one limit; it binds from the next order in the sequence."]
    120 SetLimit {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "New value: quantities in 1e-8, amounts in 1e-4, counts, nanoseconds, basis points or ticks as the kind says; i64::MAX is unlimited; null removes the limit."]
        value: i64 [optional],
        #[doc = "Length of the window of a rate."]
        window_ns: u64,
        #[doc = "End of a temporary limit; 0 for a permanent one."]
        expires_at: Time,
        #[doc = "Version that the change is based on; 0 where there is none yet."]
        expected_version: u32,
        #[doc = "Id within the scope; 0 for the firm."]
        scope_id: u32,
        #[doc = "Instrument or product group; 0 for all."]
        selector_id: u32,
        #[doc = "Where the limit stands."]
        scope: Scope,
        #[doc = "What it limits."]
        limit_kind: LimitKind,
        #[doc = "What it applies to."]
        selector: Selector,
        #[doc = "Unit of the value."]
        unit: Unit,
        #[doc = "Whether it refuses."]
        mode: LimitMode,
        #[doc = "First warn level in per cent; 0 for the default."]
        warn1: u8,
        #[doc = "Second warn level in per cent; 0 for the default."]
        warn2: u8,
        #[doc = "Third warn level in per cent; 0 for the default."]
        warn3: u8,
        #[doc = "Why, for the journal."]
        reason: Text<32>,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Sets the trading state of a scope or an instrument: kill switch, reduce only, release."]
    121 SetState {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Version that the change is based on; 0 where there is none yet."]
        expected_version: u32,
        #[doc = "Id within the scope; 0 for the firm."]
        scope_id: u32,
        #[doc = "Where the state stands."]
        scope: Scope,
        #[doc = "New state."]
        state: TradingState,
        #[doc = "Whether to ask for the cancel of every live order in scope."]
        cancel_open: Flag,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Why, for the journal."]
        reason: Text<32>,
        #[doc = "Zero."]
        reserved2: u32,
    }

    #[doc = "Asks for a page of reports about the durable state; AdminAck ends the page."]
    122 Query {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Answer only when at least this sequence is durable."]
        min_engine_seq: u64,
        #[doc = "0, or the cursor of the AdminAck that ended the page before."]
        cursor: u64,
        #[doc = "Only the scope of this id; Room: the account."]
        scope_id: u32 [optional],
        #[doc = "Only this instrument; of limits those that apply to it."]
        instrument_id: u32 [optional],
        #[doc = "What is asked for."]
        what: QueryWhat,
        #[doc = "Only this kind of scope; of open orders those of the scope."]
        scope: Scope [optional],
        #[doc = "Rows of a page; 0 for the server's choice."]
        max_rows: u16,
        #[doc = "Room: only for this trader; else null."]
        trader_id: u16 [optional],
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Room: limit price of the order in mind; null for the reference price."]
        price: Price [optional],
    }

    #[doc = "Sets the reference price that serves the collar and market orders."]
    123 SetReference {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Reference price; null removes it."]
        price: Price [optional],
        #[doc = "Time of the feed."]
        feed_time: Time,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Sets the price that values filled positions."]
    124 SetMark {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Mark; null removes it."]
        price: Price [optional],
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Sets the rate of a currency: base currency for one unit of it."]
    125 SetFx {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Rate; null removes it."]
        rate: Factor [optional],
        #[doc = "Time of the rate."]
        rate_time: Time,
        #[doc = "Age above which the rate is stale; null keeps the age in force."]
        max_age_ns: u64 [optional],
        #[doc = "ISO 4217 code."]
        currency: Text<4>,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Allows or forbids a scope to trade an instrument, a group or an order type."]
    128 Permit {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Id within the scope; 0 for the firm."]
        scope_id: u32,
        #[doc = "Instrument or product group; 0 for all."]
        selector_id: u32,
        #[doc = "Account or desk."]
        scope: Scope,
        #[doc = "What it applies to."]
        selector: Selector,
        #[doc = "Only this order type."]
        ord_type: OrdType [optional],
        #[doc = "Allowed or forbidden."]
        allow: Flag,
        #[doc = "Why, for the journal."]
        reason: Text<32>,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Proposes a change that loosens a control: another person has to approve it. AdminAck's newVersion is the number of the proposal."]
    136 Propose {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Limit: as in SetLimit; null removes the limit."]
        value: i64 [optional],
        #[doc = "Limit: length of the window of a rate; else 0."]
        window_ns: u64,
        #[doc = "Limit: end of a temporary limit; else 0."]
        limit_expires_at: Time,
        #[doc = "When the proposal lapses; 0 for eight hours from now, at most seven days from now."]
        expires_at: Time,
        #[doc = "Limit, state: version that the change is based on; 0 where there is none yet."]
        expected_version: u32,
        #[doc = "Limit, state: id within the scope; 0 for the firm. Move: the account."]
        scope_id: u32,
        #[doc = "Limit: instrument or product group; 0 for all."]
        selector_id: u32,
        #[doc = "Move: the desk that the account is to belong to; else 0."]
        desk_id: u32,
        #[doc = "What is to change."]
        what: ProposalKind,
        #[doc = "Limit, state: where it stands. Move: the account's scope."]
        scope: Scope [optional],
        #[doc = "Limit: what it limits; else null."]
        limit_kind: LimitKind [optional],
        #[doc = "Limit: what it applies to; else null."]
        selector: Selector [optional],
        #[doc = "Limit: unit of the value; else null."]
        unit: Unit [optional],
        #[doc = "Limit: whether it refuses; else null."]
        mode: LimitMode [optional],
        #[doc = "State: new state; else null."]
        state: TradingState [optional],
        #[doc = "Limit: first warn level in per cent; 0 for the default."]
        warn1: u8,
        #[doc = "Limit: second warn level in per cent; 0 for the default."]
        warn2: u8,
        #[doc = "Limit: third warn level in per cent; 0 for the default."]
        warn3: u8,
        #[doc = "Zero."]
        reserved1: u16,
        #[doc = "Why, for the journal; must be said."]
        reason: Text<32>,
        #[doc = "Zero."]
        reserved2: u32,
    }

    #[doc = "Approves a proposal, as another person than the one who made it, or withdraws one."]
    137 Approve {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Number of the proposal."]
        proposal_id: u32,
        #[doc = "Approve or withdraw."]
        action: ApprovalAction,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Why, for the journal; must be said."]
        reason: Text<32>,
    }

    #[doc = "Resets market-maker protection of an account in a product group; sent by its desk."]
    138 MmpReset {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Account."]
        account: u32,
        #[doc = "Product group."]
        product_group: u32,
    }

    #[doc = "Says whether loosening takes two people. One may switch it on; switching it off is proposed and approved."]
    140 SetTwoPerson {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Whether loosening takes two people from here on."]
        on: Flag,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Why, for the journal."]
        reason: Text<32>,
        #[doc = "Zero."]
        reserved3: u32,
    }
}
