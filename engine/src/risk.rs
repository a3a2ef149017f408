//! The risk engine: `apply` is the only way in.

use crate::command::Sequenced;
use crate::decision::{Decision, Outbox};
use crate::view::{
    CurrencyView, FirmView, InstrumentView, LimitView, OrderView, RowView, SessionView, StateView,
};

/// The middle office: all state, one entrance.
#[derive(Debug, Default)]
pub struct RiskEngine {}

impl RiskEngine {
    /// An engine that knows nothing; the genesis commands of the journal build the firm.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }

    /// Applies one command and says what was decided; messages to sessions go to `out`.
    pub fn apply(&mut self, _input: &Sequenced, _out: &mut Outbox) -> Decision {
        Decision::default()
    }

    /// Whether the session's message was applied before: it must be dropped without a record.
    #[must_use]
    pub fn already_applied(&self, _session_id: u32, _in_seq_no: u64) -> bool {
        false
    }

    /// Whether a `Step` command is due (cancels of a kill switch, notices of a day roll).
    #[must_use]
    pub fn has_pending_steps(&self) -> bool {
        false
    }

    /// When the next deadline is due: a `TimePassed` must enter then if nothing else does.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        None
    }

    /// Digest of all that decides, except time, sequence numbers and clOrdId marks.
    #[must_use]
    pub fn risk_digest(&self) -> [u8; 32] {
        [0; 32]
    }

    /// Digest of time, sequence numbers and clOrdId marks.
    #[must_use]
    pub fn session_digest(&self) -> [u8; 32] {
        [0; 32]
    }

    /// The firm as a whole.
    #[must_use]
    pub fn firm(&self) -> Option<FirmView> {
        None
    }

    /// All rows in ascending order of scope, id and instrument.
    pub fn rows(&self) -> impl Iterator<Item = RowView> + '_ {
        std::iter::empty()
    }

    /// All live orders in ascending order of order id.
    pub fn live_orders(&self) -> impl Iterator<Item = OrderView> + '_ {
        std::iter::empty()
    }

    /// All limits in ascending order of scope, id, kind, selector and selector id.
    pub fn limits(&self) -> impl Iterator<Item = LimitView> + '_ {
        std::iter::empty()
    }

    /// All scopes and instruments with their trading states, in ascending order of scope and id.
    pub fn states(&self) -> impl Iterator<Item = StateView> + '_ {
        std::iter::empty()
    }

    /// All sessions in ascending order of id.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView> + '_ {
        std::iter::empty()
    }

    /// Accounts a session may act for, ascending.
    pub fn entitled_accounts(&self, _session_id: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::empty()
    }

    /// All instruments in ascending order of id.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentView> + '_ {
        std::iter::empty()
    }

    /// All currencies in ascending order of code.
    pub fn currencies(&self) -> impl Iterator<Item = CurrencyView> + '_ {
        std::iter::empty()
    }
}
