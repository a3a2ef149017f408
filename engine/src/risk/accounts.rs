//! Accounts and what they may trade: definition, move to another desk, permissions.

use super::{Done, RiskEngine, Turn};
use crate::exposure::Delta;
use crate::tree::Forbidden;
use wire::{DefineAccount, Flag, Permit, RejectCode, Scope, Selector};

impl RiskEngine {
    pub(super) fn define_account(&mut self, turn: &Turn, m: &DefineAccount) -> Done {
        if self.move_takes_two(turn, m) {
            return Done::refused(RejectCode::NeedsApproval, 0);
        }
        let state = &mut self.state;
        let Some(desk) = state.tree.find(Scope::Desk, m.desk_id) else {
            return Done::refused(RejectCode::LimitRange, 0);
        };
        let slot = match state.tree.find(Scope::Account, m.account) {
            Some(slot) => {
                self.move_account(slot, desk);
                slot
            }
            None => {
                if state.tree.accounts() >= state.firm.accounts as usize {
                    return Done::refused(RejectCode::CapacityExceeded, 0);
                }
                let slot = state.tree.add(Scope::Account, m.account, m.name, desk);
                state.exposure.add_scope(slot);
                slot
            }
        };
        let node = self.state.tree.get_mut(slot);
        node.name = m.name;
        let regrouped = node.self_match_group != m.self_match_group;
        node.self_match_group = m.self_match_group;
        node.self_match_off = m.self_match_off == Flag::Yes;
        if m.suspense == Flag::Yes {
            self.state.tree.suspense = Some(slot);
        } else if self.state.tree.suspense == Some(slot) {
            self.state.tree.suspense = None;
        }
        if regrouped {
            self.relist_peers(slot);
        }
        Done::APPLIED
    }

    /// R28: everything the account holds and has open leaves one desk and reaches the other at once.
    pub(super) fn move_account(&mut self, account: u32, desk: u32) {
        let from = self.state.tree.get(account).desk;
        if from == desk {
            return;
        }
        self.finish_valuation();
        self.state.tree.get_mut(account).desk = desk;
        let rows: Vec<u32> = self.state.exposure.rows_of_scope(account).collect();
        for slot in rows {
            let [from_row, _] = self.state.exposure.uppers(slot);
            let instrument = self.state.exposure.instrument_of_row(slot);
            let state = &mut self.state;
            let to_row = state.exposure.row_or_new(
                desk,
                instrument,
                &state.tree,
                &mut state.instruments,
                &state.limits,
            );
            let apply = |state: &mut crate::state::State, row: u32, deltas: [Delta; 2]| {
                for delta in deltas {
                    state.exposure.apply(row, &delta, &state.instruments);
                }
            };
            state.day_buys.transfer(slot, from_row, to_row);
            let away = state.exposure.transfer(slot, -1, -1);
            apply(state, from_row, away);
            let brought = state.exposure.transfer(slot, 1, 1);
            apply(state, to_row, brought);
            state.exposure.set_desk_row(slot, to_row);
        }
        self.refresh_all();
    }

    pub(super) fn permit(&mut self, m: &Permit) -> Done {
        let slot = self
            .state
            .tree
            .find(m.scope, m.scope_id)
            .filter(|_| matches!(m.scope, Scope::Account | Scope::Desk));
        let Some(slot) = slot else {
            return Done::refused(RejectCode::LimitRange, 0);
        };
        let known = match m.selector {
            Selector::Instrument => self.state.instruments.find(m.selector_id).is_some(),
            Selector::Group => true,
            Selector::All => m.selector_id == 0,
            _ => false,
        };
        if !known {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        let entry = Forbidden {
            selector: m.selector,
            selector_id: m.selector_id,
            ord_type: m.ord_type,
        };
        let forbidden = &mut self.state.tree.get_mut(slot).forbidden;
        match (forbidden.binary_search(&entry), m.allow == Flag::Yes) {
            (Err(at), false) => forbidden.insert(at, entry),
            (Ok(at), true) => {
                forbidden.remove(at);
            }
            (Ok(_), false) | (Err(_), true) => return Done::NO_EFFECT,
        }
        Done::APPLIED
    }
}
