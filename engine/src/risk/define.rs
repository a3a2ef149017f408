//! Genesis and reference data: firm, desks, traders, sessions, instruments, prices, rates.

use super::{Done, RiskEngine};
use crate::command::{
    DefineCurrency, DefineDesk, DefineFirm, DefineSession, DefineTrader, Entitle, SessionDown,
    SessionUp, Started,
};
use crate::decision::{Decision, Outcome};
use crate::instrument::Reference;
use crate::state::State;
use wire::{
    CodMode, DefineInstrument, Flag, RejectCode, RiskEvent, RiskEventKind, Scope, SetFx, SetMark,
    SetReference, Severity,
};

const RANGE: RejectCode = RejectCode::LimitRange;

fn applied() -> Decision {
    Decision::of(Outcome::Applied)
}

impl RiskEngine {
    pub(super) fn define_firm(&mut self, m: &DefineFirm) -> Decision {
        if self.defined || !m.is_within_sizes() {
            return Decision::refused(RANGE);
        }
        self.defined = true;
        self.state = State::new(*m);
        applied()
    }

    pub(super) fn define_desk(&mut self, m: &DefineDesk) -> Decision {
        self.define_scope(Scope::Desk, m.desk_id, m.name)
    }

    pub(super) fn define_trader(&mut self, m: &DefineTrader) -> Decision {
        self.define_scope(Scope::Trader, u32::from(m.trader_id), m.name)
    }

    fn define_scope(&mut self, scope: Scope, id: u32, name: wire::Text<24>) -> Decision {
        match self.state.tree.find(scope, id) {
            Some(slot) => self.state.tree.get_mut(slot).name = name,
            None => {
                let slot = self.state.tree.add(scope, id, name, 0);
                self.state.exposure.add_scope(slot);
            }
        }
        applied()
    }

    pub(super) fn define_session(&mut self, m: &DefineSession) -> Decision {
        let is_new = self.state.sessions.find(m.session_id).is_none();
        if m.session_id == 0
            || (is_new && self.state.sessions.len() >= self.state.firm.sessions as usize)
        {
            return Decision::refused(RANGE);
        }
        self.state.sessions.define(*m);
        applied()
    }

    pub(super) fn entitle(&mut self, m: &Entitle) -> Decision {
        let Some(session) = self.state.sessions.find(m.session_id) else {
            return Decision::refused(RejectCode::UnknownSession);
        };
        let allow = m.allow == Flag::Yes;
        let account = self.state.tree.find(Scope::Account, m.account);
        let trader = self.state.tree.find(Scope::Trader, u32::from(m.trader_id));
        let session = self.state.sessions.get_mut(session);
        match (
            m.account != u32::MAX,
            account,
            m.trader_id != u16::MAX,
            trader,
        ) {
            (true, Some(account), false, _) => session.accounts.set(account, allow),
            (false, _, true, Some(trader)) => session.traders.set(trader, allow),
            _ => return Decision::refused(RANGE),
        }
        applied()
    }

    pub(super) fn define_currency(&mut self, m: &DefineCurrency) -> Decision {
        let slot = self.state.instruments.currency(m.currency);
        if slot != 0 {
            self.state.instruments.currencies[slot as usize].max_age_ns =
                (m.max_age_ns != u64::MAX).then_some(m.max_age_ns);
        }
        applied()
    }

    pub(super) fn session_up(&mut self, m: &SessionUp) -> Decision {
        self.session_changed(m.session_id, true, Some(m), 0)
    }

    pub(super) fn session_down(&mut self, m: &SessionDown) -> Decision {
        self.session_changed(m.session_id, false, None, m.code)
    }

    fn session_changed(
        &mut self,
        id: u32,
        up: bool,
        logon: Option<&SessionUp>,
        code: u16,
    ) -> Decision {
        let Some(slot) = self.state.sessions.find(id) else {
            return Decision::refused(RejectCode::UnknownSession);
        };
        let changed = self.state.sessions.set_up(slot, up) != up;
        let session = self.state.sessions.get_mut(slot);
        let before = (session.cod_mode, session.cod_grace_ns);
        if let Some(logon) = logon {
            session.cod_mode = logon.cod_mode;
            session.cod_grace_ns = u64::from(logon.cod_grace_ms).saturating_mul(1_000_000);
        }
        let rearranged = before != (session.cod_mode, session.cod_grace_ns);
        let orderly = code == 0;
        let cancels = match session.cod_mode {
            CodMode::Both => true,
            CodMode::Disconnect => !orderly,
            CodMode::Terminate => orderly,
            _ => false,
        };
        let (deadline, awaits) = (
            self.t.saturating_add(session.cod_grace_ns),
            session.awaits_grace(),
        );
        let begins = !up && ((changed && cancels) || awaits);
        if up {
            self.state.sessions.set_deadline(slot, 0);
        } else if begins {
            self.state.sessions.set_deadline(slot, deadline);
            self.end_graces();
        }
        if changed {
            let event = match up {
                true => RiskEventKind::SessionUp,
                false => RiskEventKind::SessionDown,
            };
            self.tell_session(id, event);
        }
        Decision::of(if changed || rearranged || begins {
            Outcome::Applied
        } else {
            Outcome::NoEffect
        })
    }

    fn tell_session(&mut self, id: u32, event: RiskEventKind) {
        self.alert(RiskEvent {
            ref_id: u64::from(id),
            actor: id,
            event,
            severity: Severity::Info,
            ..RiskEvent::default()
        });
    }

    /// The server has started: nobody is logged on, and the day must be opened (R22).
    pub(super) fn started(&mut self, m: &Started) -> Decision {
        self.state.epoch = m.epoch;
        self.state.clock_commanded = m.clock_commanded == Flag::Yes;
        self.state.day.ready = false;
        // A restart breaks every connection, and each grace begins anew with the `SessionDown` that the gateway
        // sends when it listens: nobody can come back before.
        let sessions = u32::try_from(self.state.sessions.len()).unwrap_or(u32::MAX);
        for slot in 0..sessions {
            let was_up = self.state.sessions.set_up(slot, false);
            let session = self.state.sessions.get(slot);
            let id = session.id();
            let breaks = matches!(session.cod_mode, CodMode::Disconnect | CodMode::Both);
            if session.cod_deadline != 0 || (was_up && breaks) {
                self.state.sessions.await_grace(slot);
            }
            if was_up {
                self.tell_session(id, RiskEventKind::SessionDown);
            }
        }
        if m.restricted == Flag::Yes {
            self.state.restricted = true;
            self.alert(RiskEvent {
                new_value: 1,
                event: RiskEventKind::Restricted,
                severity: Severity::Critical,
                ..RiskEvent::default()
            });
        }
        applied()
    }

    pub(super) fn define_instrument(&mut self, m: &DefineInstrument) -> Done {
        let step = m.qty_step.0;
        let positive = [m.tick.0, m.lot.0, step, m.multiplier.0]
            .iter()
            .all(|value| *value > 0);
        if !positive || m.lot.0.checked_rem(step) != Some(0) || m.ord_types > 3 {
            return Done::refused(RANGE, 0);
        }
        let Some(slot) = self.state.instruments.find(m.instrument_id) else {
            if self.state.instruments.len() >= self.state.firm.instruments as usize {
                return Done::refused(RejectCode::CapacityExceeded, 0);
            }
            self.state.instruments.add(*m);
            return Done::APPLIED;
        };
        let instrument = self.state.instruments.get(slot);
        let old = instrument.definition;
        let reshapes = old.qty_step != m.qty_step
            || old.multiplier != m.multiplier
            || old.currency != m.currency
            || old.product_group != m.product_group
            || old.venue_id != m.venue_id;
        // What is held and reserved was computed with these: they change with a corporate action only.
        if reshapes && (instrument.first_row.is_some() || instrument.first_upper_row.is_some()) {
            return Done::refused(RANGE, 0);
        }
        let currency = self.state.instruments.currency(m.currency);
        let instrument = self.state.instruments.get_mut(slot);
        instrument.definition = *m;
        instrument.currency = currency;
        self.state.instruments.refresh_factor(slot);
        Done::APPLIED
    }

    pub(super) fn set_reference(&mut self, m: &SetReference) -> Done {
        let Some(slot) = self.state.instruments.find(m.instrument_id) else {
            return Done::refused(RejectCode::UnknownInstrument, 0);
        };
        let instrument = self.state.instruments.get_mut(slot);
        if m.price.is_null() {
            instrument.reference = None;
        } else {
            instrument.reference = Some(Reference {
                price: m.price.0,
                feed_time: m.feed_time.0,
            });
            instrument.last_reference = Some(m.price.0);
        }
        Done::APPLIED
    }

    pub(super) fn set_mark(&mut self, m: &SetMark) -> Done {
        let Some(slot) = self.state.instruments.find(m.instrument_id) else {
            return Done::refused(RejectCode::UnknownInstrument, 0);
        };
        let mark = (!m.price.is_null()).then_some(m.price.0);
        let instrument = self.state.instruments.get_mut(slot);
        instrument.mark = mark;
        instrument.opening_mark = instrument.opening_mark.or(mark);
        self.remark(slot..slot.saturating_add(1), |_| true);
        Done::APPLIED
    }

    pub(super) fn set_fx(&mut self, m: &SetFx) -> Done {
        if m.currency == self.state.instruments.base_currency
            || (!m.rate.is_null() && m.rate.0 <= 0)
        {
            return Done::refused(RANGE, 0);
        }
        let currency = self.state.instruments.currency(m.currency);
        let entry = &mut self.state.instruments.currencies[currency as usize];
        entry.rate = (!m.rate.is_null()).then_some(m.rate.0);
        entry.rate_time = m.rate_time.0;
        entry.version = entry.version.saturating_add(1);
        let version = entry.version;
        if m.max_age_ns != u64::MAX {
            entry.max_age_ns = Some(m.max_age_ns);
        }
        let slots = 0..u32::try_from(self.state.instruments.len()).unwrap_or(u32::MAX);
        for slot in slots.clone() {
            if self.state.instruments.get(slot).currency == currency {
                self.state.instruments.refresh_factor(slot);
            }
        }
        self.remark(slots, |instrument| instrument.currency == currency);
        Done::version(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Sequenced};
    use crate::decision::Outbox;

    #[test]
    fn a_genesis_that_asks_for_more_than_the_largest_tables_is_refused_and_takes_no_memory() {
        let define = |firm: DefineFirm| {
            let input = Sequenced {
                seq: 1,
                t: 1,
                session_id: 0,
                in_seq_no: 0,
                busy: false,
                command: Command::DefineFirm(firm),
            };
            RiskEngine::new().apply(&input, &mut Outbox::new()).outcome
        };
        assert_eq!(define(DefineFirm::default()), Outcome::Applied);
        let largest = DefineFirm::LARGEST;
        for firm in [
            DefineFirm {
                instruments: largest.instruments + 1,
                ..DefineFirm::default()
            },
            DefineFirm {
                orders: u32::MAX,
                ..DefineFirm::default()
            },
            DefineFirm {
                sessions: largest.sessions + 1,
                ..DefineFirm::default()
            },
        ] {
            assert_eq!(define(firm), Outcome::Refused);
        }
    }
}
