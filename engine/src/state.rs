//! Everything the engine knows, in one place, without behaviour of its own.

use crate::cash::Cash;
use crate::command::DefineFirm;
use crate::day_buys::DayBuys;
use crate::executions::Executions;
use crate::exposure::Exposure;
use crate::instrument::Instruments;
use crate::limits::Limits;
use crate::orders::Orders;
use crate::peers::Peers;
use crate::proposals::Proposals;
use crate::sessions::Sessions;
use crate::tree::Tree;
use crate::windows::{AcceptedOrders, FillLogs};
use bincode::{Decode, Encode};
use std::collections::{BTreeMap, BTreeSet};
use wire::Flag;

/// A position that a batch of a business date gave to an account (R22).
pub(crate) type LoadKey = (u64, u32, u32, u32);

/// The trading day.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub(crate) struct Day {
    /// Business date, 0 before the first.
    pub(crate) date: u32,
    /// Whether orders are decided.
    pub(crate) ready: bool,
    /// Business dates so far, newest last, at most five: executions are kept as long (R13).
    pub(crate) dates: Vec<u32>,
    /// Date whose positions were loaded completely last.
    pub(crate) loaded: u32,
    /// (batch, date, account, instrument) → quantity.
    pub(crate) loads: BTreeMap<LoadKey, i64>,
}

/// All state that decides.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct State {
    pub(crate) firm: DefineFirm,
    pub(crate) tree: Tree,
    pub(crate) instruments: Instruments,
    pub(crate) limits: Limits,
    pub(crate) exposure: Exposure,
    /// For showing realised and unrealised profit.
    pub(crate) day_buys: DayBuys,
    pub(crate) orders: Orders,
    pub(crate) executions: Executions,
    pub(crate) sessions: Sessions,
    pub(crate) cash: Cash,
    pub(crate) peers: Peers,
    /// C6: accepted new orders.
    pub(crate) accepted_orders: AcceptedOrders,
    /// C7: fills by trader (group 0).
    pub(crate) trader_fills: FillLogs,
    /// C15: fills by account and product group.
    pub(crate) account_fills: FillLogs,
    /// R24: adjustments that were made.
    pub(crate) adjusted: BTreeSet<u64>,
    /// Changes that wait for a second person.
    pub(crate) proposals: Proposals,
    pub(crate) day: Day,
    pub(crate) epoch: u64,
    /// Reduce only until a lossy restart is reconciled.
    pub(crate) restricted: bool,
    pub(crate) clock_commanded: bool,
    /// Some table is full.
    pub(crate) full: bool,
    /// The last segment of the journal that a record has removed, 0 for none.
    pub(crate) removed_segments: u64,
    /// Fills that could not be booked: sequence numbers of their records, for ops to list (R15).
    pub(crate) unbooked: Vec<u64>,
}

impl DefineFirm {
    /// Sizes of its tables by the names that a firm's file has for them.
    #[must_use]
    pub const fn table_sizes(&self) -> [(&'static str, u32); 7] {
        [
            ("accounts", self.accounts),
            ("instruments", self.instruments),
            ("orders", self.orders),
            ("rows", self.rows),
            ("executions", self.executions),
            ("limits", self.limits),
            ("sessions", self.sessions),
        ]
    }

    /// Bytes that the tables of one engine of this firm take at most; no more than a fifth less, where tables of
    /// whole powers of two are full.
    #[must_use]
    pub const fn table_bytes(&self) -> u64 {
        // Of each, with its places in the indexes; `tests/table_sizes.rs` holds them against what is taken.
        const FIXED: u64 = 3 << 19;
        const ACCOUNT: u64 = 272;
        const INSTRUMENT: u64 = 640;
        const ORDER: u64 = 413;
        const ROW: u64 = 1_018;
        const EXECUTION: u64 = 92;
        const LIMIT: u64 = 484;
        const SESSION: u64 = 450;
        FIXED
            + self.accounts as u64 * ACCOUNT
            + self.instruments as u64 * INSTRUMENT
            + self.orders as u64 * ORDER
            + self.rows as u64 * ROW
            + self.executions as u64 * EXECUTION
            + self.limits as u64 * LIMIT
            + self.sessions as u64 * SESSION
    }
}

impl State {
    /// Empty tables of the sizes that the firm asks for.
    pub(crate) fn new(firm: DefineFirm) -> Self {
        let (accounts, rows) = (firm.accounts as usize, firm.rows as usize);
        let scopes = accounts.saturating_add(1_024);
        let mut exposure = Exposure::with_capacity(rows, scopes);
        exposure.add_scope(crate::tree::FIRM);
        Self {
            firm,
            tree: Tree::with_capacity(accounts),
            instruments: Instruments::with_capacity(firm.instruments as usize, firm.base_currency),
            limits: Limits::with_capacity(firm.limits as usize),
            exposure,
            day_buys: DayBuys::with_capacity(rows),
            orders: Orders::with_capacity(firm.orders as usize),
            executions: Executions::with_capacity(firm.executions as usize),
            sessions: Sessions::with_capacity(firm.sessions as usize),
            cash: Cash::with_capacity(rows),
            peers: Peers::with_capacity(rows.saturating_mul(2)),
            accepted_orders: AcceptedOrders::with_capacity(firm.orders as usize),
            trader_fills: FillLogs::with_capacity(1_024),
            account_fills: FillLogs::with_capacity(rows),
            adjusted: BTreeSet::new(),
            proposals: Proposals::new(),
            day: Day::default(),
            epoch: 0,
            restricted: false,
            clock_commanded: false,
            full: false,
            removed_segments: 0,
            unbooked: Vec::new(),
        }
    }

    /// Takes the memory again that [`Self::new`] takes: a snapshot holds entries, not room for more.
    pub(crate) fn make_room(&mut self) {
        let firm = self.firm;
        let (accounts, rows) = (firm.accounts as usize, firm.rows as usize);
        self.tree.make_room(accounts);
        self.instruments.make_room(firm.instruments as usize);
        self.limits.make_room();
        self.exposure.make_room(accounts.saturating_add(1_024));
        self.orders.make_room();
        self.executions.make_room();
        self.sessions.make_room(firm.sessions as usize);
        self.cash.make_room(rows);
        self.day_buys.make_room(rows);
        self.proposals.make_room();
        self.peers.make_room(rows.saturating_mul(2));
        self.accepted_orders.make_room();
        self.trader_fills.make_room(1_024);
        self.account_fills.make_room(rows);
    }

    /// The tables before the genesis: they hold nothing.
    pub(crate) fn empty() -> Self {
        Self::new(DefineFirm {
            two_person: Flag::No,
            ..DefineFirm::default()
        })
    }
}
