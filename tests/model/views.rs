//! State by state: every row, live order, limit, state, session, instrument and the firm.

use super::book::Row;
use super::pair::{Difference, Pair, differ, same};
use super::state::At;
use std::collections::BTreeMap;
use std::fmt::Debug;
use wire::{LimitKind, Propose, Side};

impl Pair {
    /// Everything that the engine's views show.
    pub(crate) fn compare_views(&self) -> Result<(), Difference> {
        self.compare_rows()?;
        self.compare_orders()?;
        self.compare_limits()?;
        self.compare_states()?;
        self.compare_prices()?;
        self.compare_cash_and_covers()?;
        let model: Vec<_> = self
            .model
            .sessions
            .iter()
            .map(|(id, s)| (*id, s.up, s.last_applied, s.mark))
            .collect();
        let engine: Vec<_> = self
            .engine
            .sessions()
            .filter(|v| v.session_id != 0)
            .map(|v| (v.session_id, v.up, v.last_applied_seq_no, v.cl_ord_id_mark))
            .collect();
        same("sessions", &engine, &model)?;
        let deadlines = self
            .model
            .sessions
            .values()
            .filter_map(|s| s.deadline)
            .chain(self.model.limits.values().filter_map(|l| l.expires))
            .chain(self.model.proposals.iter().map(|p| p.expires))
            .min();
        same("deadline", &self.engine.next_deadline(), &deadlines)?;
        let seen =
            |id: u32, session: u32, expires: u64, change: &Propose| (id, session, expires, *change);
        let model = self.model.proposals.iter();
        let model: Vec<_> = model
            .map(|p| seen(p.id, p.session, p.expires, &p.change))
            .collect();
        let engine = self.engine.proposals();
        let engine: Vec<_> = engine
            .map(|v| seen(v.id, v.session_id, v.expires_at, &v.change))
            .collect();
        same("proposals", &engine, &model)?;
        let firm = self.engine.firm();
        let engine = firm.map(|f| {
            let day = (f.business_date, f.ready);
            (day, f.restricted, f.live_orders, f.two_person)
        });
        let live = self.model.orders.iter().filter(|o| !o.terminal).count() as u64;
        let model = &self.model;
        let model = (
            (model.business_date, model.ready),
            model.restricted,
            live,
            model.two_person,
        );
        match engine {
            Some(engine) => same("firm", &engine, &model),
            None => Ok(()),
        }
    }

    fn compare_rows(&self) -> Result<(), Difference> {
        type Facts = (Row, Option<i128>, Option<i128>);
        let empty = |r: &Row| {
            (r.position, r.open_buy, r.open_sell) == (0, 0, 0)
                && (r.reserved_buy, r.reserved_sell) == (0, 0)
                && (r.bought, r.sold) == (0, 0)
        };
        let mut model: BTreeMap<(At, u32), Facts> = BTreeMap::new();
        for at in self.model.scopes() {
            for (instrument, row) in self.model.rows(at) {
                let value = (row.position != 0)
                    .then(|| self.model.value_of(instrument, row.position))
                    .flatten();
                let profit = self.model.profit_of(instrument, &row);
                let seen = Row {
                    live: 0,
                    today: 0,
                    traded: 0,
                    filled: 0,
                    ..row
                };
                if !empty(&seen) {
                    model.insert((at, instrument), (seen, value, profit));
                }
            }
        }
        let engine: BTreeMap<(At, u32), Facts> = self
            .engine
            .rows()
            .map(|v| {
                let row = Row {
                    position: v.position,
                    open_buy: v.open_buy,
                    open_sell: v.open_sell,
                    reserved_buy: v.reserved_buy,
                    reserved_sell: v.reserved_sell,
                    bought: v.bought,
                    sold: v.sold,
                    ..Row::default()
                };
                let value = v.value.filter(|_| v.position != 0);
                let at = ((v.scope, v.scope_id), v.instrument_id);
                (at, (row, value, v.day_pnl))
            })
            .filter(|(_, (row, ..))| !empty(row))
            .collect();
        same_entries("rows", &engine, &model)
    }

    fn compare_orders(&self) -> Result<(), Difference> {
        let model: BTreeMap<u64, String> = self
            .model
            .orders
            .iter()
            .filter(|o| !o.terminal)
            .map(|o| {
                let v = o.in_force();
                let facts = [
                    o.status().name().to_owned(),
                    format!("price {:?}", v.price),
                    format!("qty {}", v.qty),
                    format!("cum {}", o.cum),
                    format!("leaves {}", o.leaves(v)),
                    format!("reserved {} for {}", o.reserved_qty(), o.reserved_value()),
                    format!("newest {}", o.newest().cl_ord_id),
                    format!("pending {}", o.pending_replaces()),
                ];
                (o.order_id, facts.join(", "))
            })
            .collect();
        let engine: BTreeMap<u64, String> = self
            .engine
            .live_orders()
            .map(|v| {
                let facts = [
                    v.status.name().to_owned(),
                    format!("price {:?}", v.price),
                    format!("qty {}", v.qty),
                    format!("cum {}", v.cum_qty),
                    format!("leaves {}", v.leaves_qty),
                    format!("reserved {} for {}", v.reserved_qty, v.reserved_value),
                    format!("newest {}", v.newest_cl_ord_id),
                    format!("pending {}", v.pending_replaces),
                ];
                (v.order_id, facts.join(", "))
            })
            .collect();
        same_entries("live orders", &engine, &model)
    }

    fn compare_limits(&self) -> Result<(), Difference> {
        let uses = self.model.uses();
        let mut model = BTreeMap::new();
        for (key, limit) in &self.model.limits {
            let used = uses.get(key).map(|used| seen(key.kind, *used));
            let expires = limit.expires.unwrap_or(0);
            let facts = (limit.value, limit.version, limit.mode, used, expires);
            model.insert(*key, (facts, limit.warn, limit.unit));
        }
        let engine: BTreeMap<_, _> = self
            .engine
            .limits()
            .map(|v| {
                let key = super::limits::LimitKey {
                    scope: v.scope,
                    scope_id: v.scope_id,
                    kind: v.kind,
                    selector: v.selector,
                    selector_id: v.selector_id,
                };
                let used = v.used.map(|used| seen(v.kind, i128::from(used)));
                let facts = (v.value, v.version, v.mode, used, v.expires_at);
                (key, (facts, v.warn, v.unit))
            })
            .collect();
        same_entries("limits", &engine, &model)
    }

    fn compare_cash_and_covers(&self) -> Result<(), Difference> {
        let mut model: BTreeMap<_, (Option<i128>, i128)> = BTreeMap::new();
        for (place, cash) in &self.model.cash {
            model.entry(*place).or_default().0 = Some(*cash);
        }
        for order in self.model.orders.iter().filter(|o| o.reserved_cash() > 0) {
            let def = &self.model.instruments[&order.instrument].def;
            let book = model.entry((order.account, def.currency)).or_default();
            book.1 += order.reserved_cash();
        }
        let engine: BTreeMap<_, _> = self
            .engine
            .cash_books()
            .map(|v| ((v.account, v.currency), (v.cash, v.reserved)))
            .filter(|(_, book)| *book != (None, 0))
            .collect();
        same_entries("cash", &engine, &model)?;
        let mut model: BTreeMap<(u32, u32), [i128; 5]> = BTreeMap::new();
        for (place, b) in &self.model.shorts {
            let live = self.model.live_sells(place.0, place.1);
            // What is used up is never given back within the day, and covers nothing from the largest load on:
            // the engine counts it no further.
            let used_up = |qty: i128| qty.min(i128::from(i64::MAX));
            let (sold, used) = (used_up(b.sold), used_up(b.used));
            model.insert(*place, [b.settled, sold, b.locates, used, live]);
        }
        for order in self.model.orders.iter().filter(|o| o.side == Side::Sell) {
            let place = (order.account, order.instrument);
            let live = self.model.live_sells(place.0, place.1);
            model.entry(place).or_default()[4] = live;
        }
        model.retain(|_, book| *book != [0; 5]);
        let engine: BTreeMap<_, _> = self
            .engine
            .covers()
            .map(|v| {
                let loaded = [v.settled, v.sold, v.locates, v.located_used];
                let [settled, sold, locates, used] = loaded.map(i128::from);
                let book = [settled, sold, locates, used, v.live_sells];
                ((v.account, v.instrument_id), book)
            })
            .filter(|(_, book)| *book != [0; 5])
            .collect();
        same_entries("covers", &engine, &model)
    }

    fn compare_states(&self) -> Result<(), Difference> {
        let model: BTreeMap<At, (u8, u32)> = self
            .model
            .states
            .iter()
            .map(|(at, (state, version))| (*at, (state.0, *version)))
            .collect();
        let engine: BTreeMap<At, (u8, u32)> = self
            .engine
            .states()
            .filter(|v| v.version != 0)
            .map(|v| ((v.scope, v.scope_id), (v.state.0, v.version)))
            .collect();
        same_entries("trading states", &engine, &model)?;
        // BREACHED is shown of what is enforced; C13's latch is a state.
        let mut model: Vec<At> = Vec::new();
        let mut lossy: Vec<At> = Vec::new();
        for (key, limit) in &self.model.limits {
            let at = (key.scope, key.scope_id);
            if key.kind == LimitKind::DailyLoss {
                lossy.push(at);
            } else if limit.breached {
                model.push(at);
            }
        }
        let plain = |at: &At| !lossy.contains(at);
        let mut engine: Vec<At> = self
            .engine
            .states()
            .filter(|v| v.breached)
            .map(|v| (v.scope, v.scope_id))
            .filter(plain)
            .collect();
        model.retain(plain);
        model.sort_unstable();
        model.dedup();
        engine.sort_unstable();
        same("BREACHED", &engine, &model)
    }

    fn compare_prices(&self) -> Result<(), Difference> {
        let model: BTreeMap<u32, _> = self
            .model
            .instruments
            .iter()
            .map(|(id, i)| (*id, (i.reference, i.mark)))
            .collect();
        let engine: BTreeMap<u32, _> = self
            .engine
            .instruments()
            .map(|v| (v.definition.instrument_id, (v.reference, v.mark)))
            .collect();
        same_entries("prices", &engine, &model)?;
        let model: BTreeMap<u32, u32> = self
            .model
            .accounts
            .iter()
            .map(|(account, a)| (*account, a.desk))
            .collect();
        let engine: BTreeMap<u32, u32> = self
            .engine
            .accounts()
            .filter(|(_, account)| *account != u32::MAX)
            .map(|(desk, account)| (account, desk))
            .collect();
        same_entries("tree", &engine, &model)
    }
}

/// A use as it is compared: of the worst case on the other side, only that there is none.
fn seen(kind: LimitKind, used: i128) -> i64 {
    let used = super::value::saturate(used);
    if matches!(kind, LimitKind::MaxLong | LimitKind::MaxShort) {
        used.max(0)
    } else {
        used
    }
}

/// The first entry that is not the same in both.
fn same_entries<K: Ord + Debug, V: Debug + PartialEq>(
    what: &str,
    engine: &BTreeMap<K, V>,
    model: &BTreeMap<K, V>,
) -> Result<(), Difference> {
    for key in engine.keys().chain(model.keys()) {
        let (e, m) = (engine.get(key), model.get(key));
        if e != m {
            return Err(differ(what, &(key, e), &(key, m)));
        }
    }
    Ok(())
}

/// Whether a disagreement only shows in the views.
pub(crate) fn is_of_views(what: &str) -> bool {
    [
        "rows",
        "live orders",
        "limits",
        "trading states",
        "BREACHED",
        "prices",
        "cash",
        "covers",
        "tree",
        "sessions",
        "proposals",
        "deadline",
        "firm",
    ]
    .iter()
    .any(|view| what.starts_with(view))
}
