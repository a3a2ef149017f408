//! New orders and replaces: the checks of their fields, the decision, and what acceptance reserves.

use super::checks::{Ask, Judgement, Plan, Refusal};
use super::lifecycle::Expect;
use super::orders::{Order, Version};
use super::state::{Instrument, Model};
use engine::command::Sequenced;
use engine::decision::Outcome;
use wire::{Flag, NewOrder, OrdType, Price, RejectCode, ReplaceOrder, Scope, Selector, Side};

/// A request that has passed the checks of its fields.
struct Entered {
    ask: Ask,
    cl_ord_id: u64,
    what_if: bool,
}

impl Model {
    pub(crate) fn new_order(&mut self, input: &Sequenced, m: &NewOrder) -> Expect {
        let entered = self.enter_new(input.session_id, m, input.busy);
        self.decide(entered, |model, entered, plan| {
            if entered.what_if {
                return 0;
            }
            let ask = &entered.ask;
            model.orders.push(Order {
                order_id: input.seq,
                accepted_at: model.t,
                session: ask.session,
                account: ask.account,
                instrument: ask.instrument,
                trader: ask.trader,
                strategy: m.strategy_id,
                side: m.side,
                ord_type: m.ord_type,
                tif: m.tif,
                cum: 0,
                versions: vec![version_of(entered, plan, false)],
                cancel_ids: Vec::new(),
                acknowledged: false,
                cancel_pending: false,
                cancel_due: false,
                unresolved: false,
                terminal: false,
            });
            if ask.side == Side::SellShort {
                model.use_locates(ask, ask.qty);
            }
            model.hit("R1 reserved at accept");
            input.seq
        })
    }

    pub(crate) fn replace_order(&mut self, input: &Sequenced, m: &ReplaceOrder) -> Expect {
        let entered = self.enter_replace(input.session_id, m, input.busy);
        self.decide(entered, |model, entered, plan| {
            let index = entered.ask.replaces.unwrap_or(0);
            let order_id = model.orders[index].order_id;
            if entered.what_if {
                return order_id;
            }
            let more = entered.ask.qty - model.orders[index].largest_qty();
            let order = &mut model.orders[index];
            order.forget_done();
            order.versions.push(version_of(entered, plan, true));
            let pending = order.pending_replaces();
            if entered.ask.side == Side::SellShort && more > 0 {
                model.use_locates(&entered.ask, more);
            }
            model.hit(if pending > 1 {
                "R10 replace accepted with others under way"
            } else {
                "R10 replace accepted"
            });
            order_id
        })
    }

    fn use_locates(&mut self, ask: &Ask, qty: i128) {
        let place = (ask.account, ask.instrument);
        self.shorts.entry(place).or_default().used += qty;
        self.hit("R21 locates are used up");
    }

    /// The clOrdId's check, then all the others, then what becomes of an accepted request.
    fn decide(
        &mut self,
        entered: Result<Entered, RejectCode>,
        accept: impl FnOnce(&mut Self, &Entered, &Plan) -> u64,
    ) -> Expect {
        let entered = match entered {
            Ok(entered) => entered,
            Err(code) => return Expect::rejected(Refusal::of(code)),
        };
        let session = entered.ask.session;
        let what_if = entered.what_if;
        if !self.is_above_mark(session, entered.cl_ord_id) {
            return Expect::rejected(Refusal::of(RejectCode::DuplicateClOrdId));
        }
        if !what_if {
            self.raise_mark(session, entered.cl_ord_id);
        }
        let rows = self.chain_rows(entered.ask.account, entered.ask.trader);
        let mut found = Judgement::default();
        let judged = self.judge(&entered.ask, &rows, &mut found);
        if what_if {
            self.hit("R35 asked what if");
        } else {
            for (key, arrival) in found.advance {
                if let Some(limit) = self.limits.get_mut(&key) {
                    limit.arrival = arrival;
                }
            }
        }
        let shadow = found.shadow;
        if shadow.is_some() {
            self.hit("a shadow limit would have refused");
        }
        self.said.hits.extend(found.edges);
        let chain = self.chain(entered.ask.account, entered.ask.trader);
        let breached = self.limits.iter().any(|(key, l)| {
            l.breached && !l.shadow() && chain.contains(&(key.scope, key.scope_id))
        });
        let own = rows[0].get(&entered.ask.instrument).copied();
        let own = own.unwrap_or_default();
        let expect = match judged {
            Err(refusal) => Expect::rejected(refusal),
            Ok(plan) => {
                let order_id = accept(self, &entered, &plan);
                if own.open_buy > 0 && own.open_sell > 0 {
                    self.hit("R2 accepted with both sides open");
                }
                if breached && own.reducing(entered.ask.is_buy(), plan.leaves) {
                    self.hit("R3 reduces while something is breached");
                } else if breached {
                    self.hit("R25 an order passes while something is breached");
                }
                Expect {
                    order_id: Some(order_id),
                    plan: Some(plan),
                    ..Expect::of(Outcome::Accepted)
                }
            }
        };
        Expect {
            shadow: Some(shadow),
            ..expect
        }
    }

    pub(crate) fn is_above_mark(&self, session_id: u32, cl_ord_id: u64) -> bool {
        self.sessions
            .get(&session_id)
            .is_none_or(|session| cl_ord_id > session.mark)
    }

    pub(crate) fn raise_mark(&mut self, session_id: u32, cl_ord_id: u64) {
        if let Some(session) = self.sessions.get_mut(&session_id) {
            session.mark = cl_ord_id;
        }
    }

    fn enter_new(&self, session_id: u32, m: &NewOrder, busy: bool) -> Result<Entered, RejectCode> {
        let instrument = self
            .instruments
            .get(&m.instrument_id)
            .ok_or(RejectCode::UnknownInstrument)?;
        if !self.accounts.contains_key(&m.account) {
            return Err(RejectCode::UnknownAccount);
        }
        let allowed = match m.ord_type {
            OrdType::Market => instrument.def.ord_types & 1 != 0,
            OrdType::Limit => instrument.def.ord_types & 2 != 0,
            _ => false,
        };
        if !allowed {
            return Err(RejectCode::UnsupportedOrderType);
        }
        fits_lot(instrument, m.side, m.qty.0)?;
        fits_tick(instrument, m.ord_type, m.price)?;
        self.entitled(session_id, m.account, m.trader_id)?;
        self.permitted(m.account, m.instrument_id, m.ord_type)?;
        Ok(Entered {
            ask: Ask {
                session: session_id,
                account: m.account,
                instrument: m.instrument_id,
                trader: m.trader_id,
                side: m.side,
                price: known(m.price),
                qty: i128::from(m.qty.0),
                busy,
                replaces: None,
            },
            cl_ord_id: m.cl_ord_id,
            what_if: m.flags & wire::WHAT_IF != 0,
        })
    }

    fn enter_replace(
        &self,
        session_id: u32,
        m: &ReplaceOrder,
        busy: bool,
    ) -> Result<Entered, RejectCode> {
        if m.qty.0 <= 0 {
            return Err(RejectCode::BadQty);
        }
        let index = self
            .find(session_id, m.orig_cl_ord_id)
            .ok_or(RejectCode::UnknownOrder)?;
        let order = &self.orders[index];
        let instrument = &self.instruments[&order.instrument];
        fits_lot(instrument, order.side, m.qty.0)?;
        fits_tick(instrument, order.ord_type, m.price)?;
        if order.terminal
            || order.cancel_pending
            || order.cancel_due
            || order.unresolved
            || order.newest().cl_ord_id != m.orig_cl_ord_id
        {
            return Err(RejectCode::TooLate);
        }
        if order.trader != m.trader_id {
            return Err(RejectCode::NotEntitled);
        }
        self.entitled(session_id, order.account, m.trader_id)?;
        self.permitted(order.account, order.instrument, order.ord_type)?;
        Ok(Entered {
            ask: Ask {
                session: session_id,
                account: order.account,
                instrument: order.instrument,
                trader: order.trader,
                side: order.side,
                price: known(m.price),
                qty: i128::from(m.qty.0),
                busy,
                replaces: Some(index),
            },
            cl_ord_id: m.cl_ord_id,
            what_if: m.flags & wire::WHAT_IF != 0,
        })
    }

    /// The order of a session that had this id.
    pub(crate) fn find(&self, session_id: u32, cl_ord_id: u64) -> Option<usize> {
        self.orders
            .iter()
            .position(|o| o.session == session_id && o.had_id(cl_ord_id))
    }

    fn entitled(&self, session_id: u32, account: u32, trader: u16) -> Result<(), RejectCode> {
        let session = &self.sessions[&session_id];
        if session.accounts.contains(&account)
            && session.traders.contains(&trader)
            && self.traders.contains(&trader)
        {
            Ok(())
        } else {
            Err(RejectCode::NotEntitled)
        }
    }

    fn permitted(
        &self,
        account: u32,
        instrument: u32,
        ord_type: OrdType,
    ) -> Result<(), RejectCode> {
        let desk = self.accounts[&account].desk;
        let group = self.instruments[&instrument].def.product_group;
        let forbidden = self
            .forbidden
            .iter()
            .any(|(scope, id, selector, what, only)| {
                let scope_matches = match *scope {
                    Scope::Account => *id == account,
                    _ => *id == desk,
                };
                let selector_matches = match *selector {
                    Selector::Instrument => *what == instrument,
                    Selector::Group => *what == group,
                    _ => true,
                };
                scope_matches && selector_matches && (only.is_null() || *only == ord_type)
            });
        if forbidden {
            Err(RejectCode::NotPermitted)
        } else {
            Ok(())
        }
    }
}

fn version_of(entered: &Entered, plan: &Plan, pending: bool) -> Version {
    Version {
        cl_ord_id: entered.cl_ord_id,
        qty: entered.ask.qty,
        price: entered.ask.price,
        accepted_leaves: plan.leaves,
        accepted_value: plan.value,
        accepted_cash: plan.cash,
        gone: 0,
        pending,
        dropped: false,
        rejected: false,
        forgotten: false,
    }
}

pub(crate) fn known(price: Price) -> Option<i64> {
    (!price.is_null()).then_some(price.0)
}

fn fits_lot(instrument: &Instrument, side: Side, qty: i64) -> Result<(), RejectCode> {
    let def = &instrument.def;
    let odd = qty % def.lot.0 != 0;
    let odd_allowed = def.odd_lot_sell == Flag::Yes && side != Side::Buy;
    if qty <= 0 || qty % def.qty_step.0 != 0 || (odd && !odd_allowed) {
        return Err(RejectCode::BadQty);
    }
    Ok(())
}

fn fits_tick(instrument: &Instrument, ord_type: OrdType, price: Price) -> Result<(), RejectCode> {
    let fits = match known(price) {
        None => ord_type == OrdType::Market,
        Some(px) => ord_type == OrdType::Limit && px % instrument.def.tick.0 == 0,
    };
    if fits {
        Ok(())
    } else {
        Err(RejectCode::BadPrice)
    }
}
