//! Everything that may enter the engine.
//!
//! Requests of clients enter as they came over the wire; what the server itself adds (sessions coming
//! and going, refusals of the gateway, time, the genesis of the firm, marks of a restart) is defined
//! here with the same layouts, template ids 300 and up. Nothing else reaches the engine.

use wire::{
    Adjust, AdvanceTime, Approve, CancelOrder, CashLoad, DayOpen, DayRoll, DefineAccount,
    DefineInstrument, LocateLoad, MassCancel, MmpReset, NewOrder, Permit, PositionLoad, Propose,
    Query, Reconcile, ReplaceOrder, SetFx, SetLimit, SetMark, SetReference, SetState, SetTwoPerson,
    VenueReport,
};
use wire::{CodMode, Flag, Request, Role, Text, Time, Topology, message_set, messages};

messages! {
    #[doc = "Genesis: the firm and the sizes of its tables."]
    300 DefineFirm {
        #[doc = "Name of the instance; clients pin it."]
        instance: Text<16>,
        #[doc = "Name of the firm."]
        name: Text<24>,
        #[doc = "Base currency."]
        base_currency: Text<4>,
        #[doc = "Accounts the tables are sized for."]
        accounts: u32,
        #[doc = "Instruments the tables are sized for."]
        instruments: u32,
        #[doc = "Orders, live and lately ended, the tables are sized for."]
        orders: u32,
        #[doc = "Pairs of scope and instrument the tables are sized for."]
        rows: u32,
        #[doc = "Execution ids the tables are sized for."]
        executions: u32,
        #[doc = "Limits the tables are sized for."]
        limits: u32,
        #[doc = "Sessions the tables are sized for."]
        sessions: u32,
        #[doc = "Whether loosening needs two people."]
        two_person: Flag,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
    }

    #[doc = "Genesis: a desk of the firm."]
    301 DefineDesk {
        #[doc = "Desk."]
        desk_id: u32,
        #[doc = "Name."]
        name: Text<24>,
    }

    #[doc = "Genesis: a trader, the person or algorithm behind an order."]
    302 DefineTrader {
        #[doc = "Trader."]
        trader_id: u16,
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Name."]
        name: Text<24>,
    }

    #[doc = "Genesis: a session, its role and the public key that proves it."]
    303 DefineSession {
        #[doc = "Session."]
        session_id: u32,
        #[doc = "Number of its key."]
        key_id: u32,
        #[doc = "Ed25519 public key as 64 hexadecimal digits."]
        public_key: Text<64>,
        #[doc = "Name."]
        name: Text<16>,
        #[doc = "Role."]
        role: Role,
        #[doc = "Topology of a desk's session."]
        topology: Topology [optional],
        #[doc = "Venue of a venue's session; else 0."]
        venue_id: u16,
        #[doc = "The person behind it; where none is named the session is a person of its own."]
        person: Text<16>,
    }

    #[doc = "Genesis: lets a session act for an account or a trader."]
    304 Entitle {
        #[doc = "Session."]
        session_id: u32,
        #[doc = "Account; null where a trader is entitled."]
        account: u32 [optional],
        #[doc = "Trader; null where an account is entitled."]
        trader_id: u16 [optional],
        #[doc = "Granted or withdrawn."]
        allow: Flag,
        #[doc = "Zero."]
        reserved: u8,
    }

    #[doc = "A session has logged on."]
    310 SessionUp {
        #[doc = "Session."]
        session_id: u32,
        #[doc = "Key that proved it."]
        key_id: u32,
        #[doc = "Grace before cancel on disconnect, in milliseconds."]
        cod_grace_ms: u32,
        #[doc = "Cancel on disconnect."]
        cod_mode: CodMode,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Name of the client program."]
        app_name: Text<16>,
        #[doc = "Zero."]
        reserved3: u32,
    }

    #[doc = "A session's connection has ended."]
    311 SessionDown {
        #[doc = "Session."]
        session_id: u32,
        #[doc = "Code of the Terminate, or of the reason; 0 for an orderly end."]
        code: u16,
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Zero."]
        reserved2: u32,
    }

    #[doc = "Somebody tried to log on and was refused."]
    312 LogonRefused {
        #[doc = "Session that was named."]
        session_id: u32,
        #[doc = "Reject code."]
        code: u16,
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Address of the peer."]
        peer: Text<28>,
    }

    #[doc = "The gateway could not take a sequenced message as it is."]
    313 Refused {
        #[doc = "clOrdId or requestId of the message, where it could be read; else 0."]
        ref_id: u64,
        #[doc = "Reject code."]
        code: u16,
        #[doc = "Template of the message."]
        ref_template_id: u16,
        #[doc = "Offset of the offending field in its root block."]
        field_offset: u16 [optional],
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Zero."]
        reserved2: u32,
    }

    #[doc = "Time has passed and nothing else came."]
    314 TimePassed {
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "The next bounded step of wide work: cancels of a kill switch or mass cancel, notices of a day roll."]
    315 Step {
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "The server has started on this journal."]
    320 Started {
        #[doc = "Epoch from here on."]
        epoch: u64,
        #[doc = "Clock at the start."]
        server_time: Time,
        #[doc = "Version of the rules of this build."]
        rules_version: u32,
        #[doc = "Acknowledgement policy: 1 durable, 2 written, 3 memory."]
        ack: u8,
        #[doc = "Whether the stop before it was clean."]
        clean: Flag,
        #[doc = "Whether acknowledged records may have been lost: reduce only until reconciled."]
        restricted: Flag,
        #[doc = "Whether time moves by command only."]
        clock_commanded: Flag,
        #[doc = "Bytes that recovery cut from the end of the journal."]
        cut_bytes: u64,
        #[doc = "Records that the cut may have held."]
        cut_records: u32,
        #[doc = "Segment that was cut."]
        cut_segment: u64,
        #[doc = "Offset of the cut in that segment."]
        cut_offset: u64,
        #[doc = "Build of the server."]
        build: Text<24>,
    }

    #[doc = "From here on another version of the rules decides."]
    321 RulesChanged {
        #[doc = "Version of the rules before."]
        from_version: u32,
        #[doc = "Version of the rules from here on."]
        to_version: u32,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Old segments are removed from the journal's directory."]
    324 SegmentsRemoved {
        #[doc = "First of them."]
        first_segment: u64,
        #[doc = "Last of them."]
        last_segment: u64,
        #[doc = "Last record in them."]
        last_sequence: u64,
        #[doc = "Bytes of their files."]
        bytes: u64,
        #[doc = "Chain hash at the end of the last, in hex: what is left begins there."]
        chain: Text<64>,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "A currency and the age above which its rate is stale."]
    322 DefineCurrency {
        #[doc = "ISO 4217 code."]
        currency: Text<4>,
        #[doc = "Age above which its rate is stale, in nanoseconds; null for never."]
        max_age_ns: u64 [optional],
    }
}

message_set! {
    /// What may enter the engine, in one sequence.
    Command {
        NewOrder, ReplaceOrder, CancelOrder, MassCancel, VenueReport,
        SetLimit, SetState, Query, SetReference, SetMark, SetFx,
        DefineInstrument, DefineAccount, Permit, PositionLoad, DayOpen, DayRoll, Reconcile,
        Adjust, LocateLoad, CashLoad, Propose, Approve, MmpReset, AdvanceTime, SetTwoPerson,
        DefineFirm, DefineDesk, DefineTrader, DefineSession, Entitle,
        SessionUp, SessionDown, LogonRefused, Refused, TimePassed, Step,
        Started, RulesChanged, DefineCurrency, SegmentsRemoved,
    }
}

impl From<Request> for Command {
    fn from(request: Request) -> Self {
        macro_rules! same {
            ($($name:ident)*) => {
                match request { $( Request::$name(message) => Self::$name(message), )* }
            };
        }
        same!(NewOrder ReplaceOrder CancelOrder MassCancel VenueReport SetLimit SetState Query
              SetReference SetMark SetFx DefineInstrument DefineAccount Permit PositionLoad
              DayOpen DayRoll Reconcile Adjust LocateLoad CashLoad Propose Approve MmpReset AdvanceTime SetTwoPerson)
    }
}

impl Command {
    /// Flags of a client's message; 0 for the server's own records.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        macro_rules! prefixed {
            ($($name:ident)*) => {
                match self {
                    $( Self::$name(message) => message.flags, )*
                    Self::DefineFirm(_)
                    | Self::DefineDesk(_)
                    | Self::DefineTrader(_)
                    | Self::DefineSession(_)
                    | Self::Entitle(_)
                    | Self::SessionUp(_)
                    | Self::SessionDown(_)
                    | Self::LogonRefused(_)
                    | Self::Refused(_)
                    | Self::TimePassed(_)
                    | Self::Step(_)
                    | Self::Started(_)
                    | Self::RulesChanged(_)
                    | Self::DefineCurrency(_)
                    | Self::SegmentsRemoved(_) => 0,
                }
            };
        }
        prefixed!(NewOrder ReplaceOrder CancelOrder MassCancel VenueReport SetLimit SetState Query
                  SetReference SetMark SetFx DefineInstrument DefineAccount Permit PositionLoad
                  DayOpen DayRoll Reconcile Adjust LocateLoad CashLoad Propose Approve MmpReset AdvanceTime SetTwoPerson)
    }

    /// The id that its answer repeats: clOrdId or requestId; 0 for the server's own records.
    #[must_use]
    pub const fn ref_id(&self) -> u64 {
        match self {
            Self::NewOrder(m) => m.cl_ord_id,
            Self::ReplaceOrder(m) => m.cl_ord_id,
            Self::CancelOrder(m) => m.cl_ord_id,
            Self::MassCancel(m) => m.cl_ord_id,
            Self::VenueReport(m) => m.cl_ord_id,
            Self::SetLimit(m) => m.request_id,
            Self::SetState(m) => m.request_id,
            Self::Query(m) => m.request_id,
            Self::SetReference(m) => m.request_id,
            Self::SetMark(m) => m.request_id,
            Self::SetFx(m) => m.request_id,
            Self::DefineInstrument(m) => m.request_id,
            Self::DefineAccount(m) => m.request_id,
            Self::Permit(m) => m.request_id,
            Self::PositionLoad(m) => m.request_id,
            Self::DayOpen(m) => m.request_id,
            Self::DayRoll(m) => m.request_id,
            Self::Reconcile(m) => m.request_id,
            Self::Adjust(m) => m.request_id,
            Self::LocateLoad(m) => m.request_id,
            Self::CashLoad(m) => m.request_id,
            Self::MmpReset(m) => m.request_id,
            Self::AdvanceTime(m) => m.request_id,
            Self::Propose(m) => m.request_id,
            Self::Approve(m) => m.request_id,
            Self::SetTwoPerson(m) => m.request_id,
            Self::Refused(m) => m.ref_id,
            Self::DefineFirm(_)
            | Self::DefineDesk(_)
            | Self::DefineTrader(_)
            | Self::DefineSession(_)
            | Self::Entitle(_)
            | Self::DefineCurrency(_)
            | Self::SessionUp(_)
            | Self::SessionDown(_)
            | Self::LogonRefused(_)
            | Self::TimePassed(_)
            | Self::Step(_)
            | Self::Started(_)
            | Self::RulesChanged(_)
            | Self::SegmentsRemoved(_) => 0,
        }
    }

    /// Whether somebody waits for the record of this to be on the disk, whenever replies may leave: queries
    /// are answered from durable records, and a session that comes is told what is durable.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        matches!(
            self,
            Self::Query(_) | Self::SessionUp(_) | Self::SessionDown(_)
        )
    }

    /// Whether it may wait with its client while the last space of the journal is kept: what opens
    /// exposure, what only asks, what the market says, and what is refused anyway. What reports, closes,
    /// restricts or lets a session come and go never waits.
    #[must_use]
    pub const fn may_wait(&self) -> bool {
        matches!(
            self,
            Self::NewOrder(_)
                | Self::ReplaceOrder(_)
                | Self::Query(_)
                | Self::SetReference(_)
                | Self::SetMark(_)
                | Self::SetFx(_)
                | Self::Refused(_)
        )
    }
}

/// The tables of a firm, at most.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Accounts.
    pub accounts: u32,
    /// Instruments.
    pub instruments: u32,
    /// Orders, live and lately ended.
    pub orders: u32,
    /// Pairs of scope and instrument.
    pub rows: u32,
    /// Execution ids.
    pub executions: u32,
    /// Limits.
    pub limits: u32,
    /// Sessions.
    pub sessions: u32,
}

impl DefineFirm {
    /// The largest tables that a firm may ask for.
    pub const LARGEST: Sizes = Sizes {
        accounts: 1 << 24,
        instruments: 1 << 20,
        orders: 1 << 26,
        rows: 1 << 26,
        executions: 1 << 27,
        limits: 1 << 24,
        sessions: 1 << 16,
    };

    /// Whether no table is larger than that: a record that says otherwise is not one of ours.
    #[must_use]
    pub const fn is_within_sizes(&self) -> bool {
        let most = Self::LARGEST;
        self.accounts <= most.accounts
            && self.instruments <= most.instruments
            && self.orders <= most.orders
            && self.rows <= most.rows
            && self.executions <= most.executions
            && self.limits <= most.limits
            && self.sessions <= most.sessions
    }
}

/// A command with its place in the one sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequenced {
    /// Place in the journal, from 1, without gaps.
    pub seq: u64,
    /// Stamp of the gateway in nanoseconds since the epoch; the engine never lets time run backwards.
    pub t: u64,
    /// Session that sent it; 0 for the server itself.
    pub session_id: u32,
    /// Sequence number of that session's message; 0 for the server's own records.
    pub in_seq_no: u64,
    /// Whether there was too little room downstream for new orders when the command was taken.
    pub busy: bool,
    /// What is asked.
    pub command: Command,
}
