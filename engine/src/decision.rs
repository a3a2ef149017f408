//! What the engine decided about a command, and what it sends out because of it.

use wire::bincode::{Decode, Encode};
use wire::layout::{EnumDef, FieldKind, WireField};
use wire::{Flag, LimitKind, RejectCode, Reply, Scope, Time, messages};

/// What became of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Outcome(pub u8);

#[allow(
    non_upper_case_globals,
    reason = "values keep their names in the journal's textual form"
)]
impl Outcome {
    /// An order, replace or cancel request passed.
    pub const Accepted: Self = Self(1);
    /// An order, replace or cancel request was refused.
    pub const Rejected: Self = Self(2);
    /// A report or an administrative command took effect.
    pub const Applied: Self = Self(3);
    /// A report or an administrative command was refused.
    pub const Refused: Self = Self(4);
    /// Nothing had to change: the same was said before.
    pub const NoEffect: Self = Self(5);
    /// The inbound sequence number had been applied before.
    pub const Dropped: Self = Self(6);
    /// Names and values.
    pub const DEF: EnumDef = EnumDef {
        name: "Outcome",
        doc: "What became of a command.",
        values: &[
            ("Accepted", 1, "An order, replace or cancel request passed."),
            (
                "Rejected",
                2,
                "An order, replace or cancel request was refused.",
            ),
            (
                "Applied",
                3,
                "A report or an administrative command took effect.",
            ),
            (
                "Refused",
                4,
                "A report or an administrative command was refused.",
            ),
            (
                "NoEffect",
                5,
                "Nothing had to change: the same was said before.",
            ),
            (
                "Dropped",
                6,
                "The inbound sequence number had been applied before.",
            ),
        ],
    };

    /// The name in the textual form.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::DEF.name_of(self.0).unwrap_or("?")
    }
}

impl WireField for Outcome {
    const SIZE: usize = 1;
    const TYPE_NAME: &'static str = "Outcome";
    const KIND: FieldKind = FieldKind::Enum(&Self::DEF);
    const ZERO: Self = Self(0);
    const NULL: Self = Self(u8::MAX);

    fn is_valid(&self, optional: bool) -> bool {
        matches!(self.0, 1..=6) | (optional & (self.0 == u8::MAX))
    }

    fn get(block: &[u8], at: usize) -> Self {
        Self(<u8 as WireField>::get(block, at))
    }

    fn put(self, block: &mut [u8], at: usize) {
        self.0.put(block, at);
    }
}

messages! {
    #[doc = "What the engine decided about one command."]
    340 Decision {
        #[doc = "Value of the limit that refused."]
        limit: i64 [optional],
        #[doc = "Value that would have been reached."]
        observed: i64 [optional],
        #[doc = "Order that was accepted or changed; 0 for none."]
        order_id: u64,
        #[doc = "Next outbound sequence number of the sending session before this command."]
        out_seq_no: u64,
        #[doc = "Id within the scope."]
        scope_id: u32 [optional],
        #[doc = "Id within the scope of the first shadow limit that would have refused."]
        shadow_scope_id: u32 [optional],
        #[doc = "Version of the limit."]
        version: u32 [optional],
        #[doc = "Reject code; 0 for none."]
        code: u16,
        #[doc = "Tightest use after an accept, in basis points."]
        util_bps: u16 [optional],
        #[doc = "What became of the command."]
        outcome: Outcome,
        #[doc = "Kind of the limit that refused."]
        limit_kind: LimitKind [optional],
        #[doc = "Scope of the limit that refused."]
        scope: Scope [optional],
        #[doc = "Kind of the tightest use."]
        util_limit_kind: LimitKind [optional],
        #[doc = "Scope of the tightest use."]
        util_scope: Scope [optional],
        #[doc = "Kind of the first shadow limit that would have refused."]
        shadow_limit_kind: LimitKind [optional],
        #[doc = "Scope of the first shadow limit that would have refused."]
        shadow_scope: Scope [optional],
        #[doc = "Whether a desk reported on its own orders (sidecar)."]
        self_reported: Flag,
        #[doc = "Reject code of the first shadow limit that would have refused; 0 for none."]
        shadow_code: u16,
        #[doc = "Zero."]
        reserved2: u16,
    }
}

impl Decision {
    /// A decision with this outcome and nothing else to say.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            self_reported: Flag::No,
            ..Self::default()
        }
    }

    /// A refusal of a report or an administrative command.
    #[must_use]
    pub fn refused(code: RejectCode) -> Self {
        Self {
            code: code.number(),
            ..Self::of(Outcome::Refused)
        }
    }
}

/// One message on its way out of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct Outgoing {
    /// Session it goes to.
    pub session_id: u32,
    /// The message, numbered in that session's outbound log.
    pub reply: Reply,
}

/// Where the engine puts what it sends; never grows past [`Outbox::CAPACITY`] for one command.
#[derive(Debug, Clone)]
pub struct Outbox {
    items: Vec<Outgoing>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Outbox {
    /// Most messages that one command may cause. The pipeline keeps this much room downstream.
    pub const CAPACITY: usize = 64;

    /// An empty outbox with all its memory.
    #[must_use]
    pub fn new() -> Self {
        Self {
            items: Vec::with_capacity(Self::CAPACITY),
        }
    }

    /// How many more messages fit.
    #[must_use]
    pub fn room(&self) -> usize {
        Self::CAPACITY.saturating_sub(self.items.len())
    }

    /// Adds a message, stamped with its number and cause.
    #[inline(always)]
    pub fn push(
        &mut self,
        session_id: u32,
        out_seq_no: u64,
        engine_seq: u64,
        t: u64,
        mut reply: Reply,
    ) {
        debug_assert!(self.room() > 0, "one command causes at most 64 messages");
        // Of a known message these settle at compile time.
        reply.set_seq_no(reply.flags(), out_seq_no);
        reply.set_engine(engine_seq, Time(t));
        self.items.push(Outgoing { session_id, reply });
    }

    /// What was sent since the last [`Outbox::clear`].
    #[must_use]
    pub fn items(&self) -> &[Outgoing] {
        &self.items
    }

    /// Forgets what was sent.
    pub fn clear(&mut self) {
        self.items.clear();
    }
}
