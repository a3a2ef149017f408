//! The tree of scopes: firm, desks, accounts, and traders beside it.
//!
//! Every scope has a slot; an order's *chain* is the slots of its account, desk, firm and trader, in
//! that order. Trading states and permissions live here; limits and exposure refer to the slots.

use crate::ids::Ids;
use crate::table::room_for;
use bincode::{Decode, Encode};
use wire::{OrdType, Scope, Selector, Text, TradingState};

/// Slot of the firm.
pub(crate) const FIRM: u32 = 0;
/// Scopes of a chain, in the order in which they are checked.
pub(crate) const CHAIN: usize = 4;

/// Scopes besides accounts that there is room for from the start.
const OTHERS: usize = 1_024;

/// Something a scope may not trade (C19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(crate) struct Forbidden {
    pub(crate) selector: Selector,
    pub(crate) selector_id: u32,
    /// Only this order type; null for all.
    pub(crate) ord_type: OrdType,
}

/// One scope. What orders read stands in the first cache line.
#[derive(Debug, Clone, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct Node {
    pub(crate) id: u32,
    /// Desk of an account; the node's own slot otherwise.
    pub(crate) desk: u32,
    pub(crate) self_match_group: u32,
    pub(crate) state_version: u32,
    pub(crate) scope: Scope,
    pub(crate) state: TradingState,
    pub(crate) self_match_off: bool,
    pub(crate) forbidden: Vec<Forbidden>,
    pub(crate) name: Text<24>,
}

/// All scopes.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    desks: Ids,
    accounts: Ids,
    traders: Ids,
    /// Where fills of unknown orders go that name no account (R15).
    pub(crate) suspense: Option<u32>,
    account_count: usize,
}

impl Tree {
    pub(crate) fn with_capacity(accounts: usize) -> Self {
        let capacity = accounts.saturating_add(OTHERS);
        let mut tree = Self {
            nodes: Vec::with_capacity(capacity),
            desks: Ids::with_capacity(OTHERS),
            accounts: Ids::with_capacity(accounts),
            traders: Ids::with_capacity(OTHERS),
            suspense: None,
            account_count: 0,
        };
        tree.add(Scope::Firm, 0, Text::default(), FIRM);
        tree
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, accounts: usize) {
        room_for(&mut self.nodes, accounts.saturating_add(OTHERS));
    }

    /// Adds a scope; `desk` matters for accounts only.
    pub(crate) fn add(&mut self, scope: Scope, id: u32, name: Text<24>, desk: u32) -> u32 {
        let slot = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if let Some(ids) = self.ids_mut(scope) {
            ids.insert(id, slot);
        }
        self.nodes.push(Node {
            scope,
            id,
            name,
            desk: if scope == Scope::Account { desk } else { slot },
            state: TradingState::Active,
            state_version: 0,
            forbidden: Vec::new(),
            self_match_group: 0,
            self_match_off: false,
        });
        if scope == Scope::Account {
            self.account_count = self.account_count.saturating_add(1);
        }
        slot
    }

    /// Ids of a kind of scope of which there are many.
    fn ids_mut(&mut self, scope: Scope) -> Option<&mut Ids> {
        match scope {
            Scope::Desk => Some(&mut self.desks),
            Scope::Account => Some(&mut self.accounts),
            Scope::Trader => Some(&mut self.traders),
            _ => None,
        }
    }

    #[inline(always)]
    pub(crate) fn find(&self, scope: Scope, id: u32) -> Option<u32> {
        match scope {
            Scope::Firm => (id == 0).then_some(FIRM),
            Scope::Desk => self.desks.get(id),
            Scope::Account => self.accounts.get(id),
            Scope::Trader => self.traders.get(id),
            _ => None,
        }
    }

    /// Looks at a scope, so that it comes.
    #[inline(always)]
    pub(crate) fn look_at(&self, slot: u32) {
        crate::touch::look_at(&self.nodes[slot as usize].scope);
    }

    pub(crate) fn get(&self, slot: u32) -> &Node {
        &self.nodes[slot as usize]
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Node {
        &mut self.nodes[slot as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    pub(crate) fn accounts(&self) -> usize {
        self.account_count
    }

    /// The chain of an order: account, desk, firm, trader.
    pub(crate) fn chain(&self, account: u32, trader: u32) -> [u32; CHAIN] {
        [account, self.nodes[account as usize].desk, FIRM, trader]
    }
}
