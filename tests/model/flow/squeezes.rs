//! Limits, losses, cash and covers set to exactly what comes next, to one unit more, or to one less.

use super::limits::{Draft, currency_id, lot_value};
use super::office::cover;
use super::{Flow, Item};
use crate::model::checks::{Ask, Judgement};
use crate::model::genesis::{INSTRUMENTS, OPS, RISK};
use crate::model::limits::{Limit, LimitKey};
use crate::model::state::Model;
use engine::command::Command;
use wire::{
    Amount, CashLoad, Flag, LimitKind, LimitMode, LocateWhat, Scope, Selector, Side, Text, Unit,
};

impl Flow {
    /// A limit of the day's loss at what is lost now, at one unit more, or at one less.
    pub(crate) fn squeeze_loss(&mut self, model: &Model) -> Item {
        let lost = (0..8).find_map(|_| {
            let key = self.random_key(LimitKind::DailyLoss);
            let rows = model.rows((key.scope, key.scope_id));
            let loss = i64::try_from(model.used(&key, &rows)?).ok()?;
            (loss > 0).then_some((key, loss))
        });
        let Some((key, loss)) = lost else {
            return self.price(model);
        };
        let mut draft = Draft::plain(key.kind, loss + self.random.between(-1, 1));
        draft.unit = self.random.pick(&[Unit::Natural, Unit::Halt]);
        self.item(RISK, draft.command(&key, model.limit_version(&key)))
    }

    /// Credit and cash that just pay the order, with one unit more, or with one less.
    pub(crate) fn squeeze_cash(&mut self, model: &Model, ask: &Ask) -> Option<Vec<Command>> {
        let listed = INSTRUMENTS.iter().find(|i| i.id == ask.instrument)?;
        let currency = Text::new(listed.currency);
        model.accounts.get(&ask.account)?;
        let key = LimitKey {
            scope: Scope::Account,
            scope_id: ask.account,
            kind: LimitKind::BuyingPower,
            selector: Selector::Currency,
            selector_id: currency_id(listed.currency),
        };
        let mut open = model.clone();
        open.limits.remove(&key);
        let rows = open.chain_rows(ask.account, ask.trader);
        let plan = open.judge(ask, &rows, &mut Judgement::default()).ok()?;
        let needed = model.reserved_cash(ask.account, currency) + plan.cash;
        let needed = i64::try_from(needed).ok()?;
        let credit = self.random.between(0, 5) * lot_value(listed);
        let version = model.limit_version(&key);
        let cash = CashLoad {
            amount: Amount(needed - credit + self.random.between(-1, 1)),
            account: ask.account,
            currency,
            business_date: model.business_date,
            ..CashLoad::default()
        };
        let limit = Draft::plain(LimitKind::BuyingPower, credit).command(&key, version);
        Some(vec![limit, cash.into()])
    }

    /// A limit set to exactly what the order would reach, to one unit more, or to one less.
    pub(crate) fn squeeze(&mut self, model: &Model, ask: &Ask) -> Option<Item> {
        let desk = model.accounts.get(&ask.account)?.desk;
        let instrument = model.instruments.get(&ask.instrument)?;
        let buy = ask.is_buy();
        let of_side = |buys, sells| if buy { buys } else { sells };
        let kind = self.random.pick(&[
            LimitKind::MaxOrderQty,
            LimitKind::MaxOrderNotional,
            LimitKind::MaxOpenOrders,
            of_side(LimitKind::MaxLong, LimitKind::MaxShort),
            LimitKind::GrossNotional,
            of_side(LimitKind::NetLong, LimitKind::NetShort),
            LimitKind::MaxOrderVsAdv,
            LimitKind::DailyTurnover,
            of_side(LimitKind::DailyBuyTurnover, LimitKind::DailySellTurnover),
            LimitKind::BuyingPower,
        ]);
        let (scope, scope_id) = match kind {
            LimitKind::BuyingPower => (Scope::Account, ask.account),
            _ => self.random.pick(&[
                (Scope::Account, ask.account),
                (Scope::Desk, desk),
                (Scope::Firm, 0),
                (Scope::Trader, u32::from(ask.trader)),
            ]),
        };
        let (selector, selector_id) = match kind {
            LimitKind::BuyingPower => (
                Selector::Currency,
                u32::from_le_bytes(instrument.def.currency.0),
            ),
            _ => self
                .random
                .pick(&[(Selector::Instrument, ask.instrument), (Selector::All, 0)]),
        };
        let key = LimitKey {
            scope,
            scope_id,
            kind,
            selector,
            selector_id,
        };
        let mut shut = model.clone();
        shut.limits.insert(key, shut_limit());
        let rows = shut.chain_rows(ask.account, ask.trader);
        let refusal = shut
            .judge(ask, &rows, &mut Judgement::default())
            .err()
            .filter(|refusal| refusal.version == Some(u32::MAX))?;
        let value = refusal
            .observed?
            .saturating_add(self.random.between(-1, 1))
            .max(0);
        let version = model.limit_version(&key);
        let draft = Draft::plain(kind, value);
        Some(self.item(RISK, draft.command(&key, version)))
    }

    /// What just covers the sale, with one step more, or with one less.
    pub(crate) fn squeeze_cover(&mut self, model: &Model, ask: &Ask) -> Option<Item> {
        let def = model.instruments.get(&ask.instrument)?.def;
        if ask.is_buy() || def.short_sale_check != Flag::Yes {
            return None;
        }
        model.accounts.get(&ask.account)?;
        let place = (ask.account, ask.instrument);
        let book = model.shorts.get(&place).copied().unwrap_or_default();
        let (what, used) = if ask.side == Side::Sell {
            let live = model.live_sells(ask.account, ask.instrument);
            (LocateWhat::Settled, book.sold + live)
        } else {
            (LocateWhat::Locates, book.used)
        };
        let needed = i64::try_from(used + ask.qty).ok()?;
        let more = def.qty_step.0 * self.random.between(-1, 1);
        let load = cover(
            place,
            what,
            needed.saturating_add(more),
            model.business_date,
        );
        Some(self.item(OPS, load))
    }
}

/// A limit that nothing passes, with a version by which its refusal is known.
fn shut_limit() -> Limit {
    Limit {
        value: 0,
        permanent: 0,
        expires: None,
        window: 0,
        unit: Unit::Natural,
        mode: LimitMode::Enforced,
        version: u32::MAX,
        warn: [70, 80, 90],
        arrival: 0,
        warned: [false; 3],
        breached: false,
        last_loss: None,
    }
}
