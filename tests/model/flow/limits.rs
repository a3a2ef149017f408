//! Limits of a size that orders reach, and changes to them at what is used now.

use super::{Flow, Item};
use crate::model::genesis::{ACCOUNTS, CURRENCIES, DESKS, INSTRUMENTS, Listed, RISK, TRADERS};
use crate::model::limits::LimitKey;
use crate::model::state::Model;
use crate::model::value::E8;
use engine::command::Command;
use wire::{LimitKind, LimitMode, Scope, Selector, SetLimit, Text, Time, Unit};

/// The kinds of limit, with `●` where one must be said.
pub(crate) const KINDS: &[(LimitKind, bool)] = &[
    (LimitKind::MaxOrderQty, true),
    (LimitKind::MaxOrderNotional, true),
    (LimitKind::PriceCollar, true),
    (LimitKind::ReferenceMaxAge, false),
    (LimitKind::OrderRate, true),
    (LimitKind::DuplicateOrder, false),
    (LimitKind::RepeatedExecution, false),
    (LimitKind::MaxOpenOrders, false),
    (LimitKind::MaxLong, true),
    (LimitKind::MaxShort, true),
    (LimitKind::GrossNotional, true),
    (LimitKind::NetLong, false),
    (LimitKind::NetShort, false),
    (LimitKind::DailyBuyTurnover, false),
    (LimitKind::DailySellTurnover, false),
    (LimitKind::DailyTurnover, false),
    (LimitKind::DailyLoss, false),
    (LimitKind::MaxOrderVsAdv, false),
    (LimitKind::MarketMakerProtection, false),
    (LimitKind::BuyingPower, false),
];

/// What a limit is set to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft {
    pub(crate) value: i64,
    pub(crate) unit: Unit,
    pub(crate) window: u64,
    pub(crate) mode: LimitMode,
    pub(crate) expires: u64,
    pub(crate) warn: [u8; 3],
}

impl Draft {
    /// An enforced permanent limit in the usual unit of its kind.
    pub(crate) fn plain(kind: LimitKind, value: i64) -> Self {
        let unit = match kind {
            LimitKind::PriceCollar => Unit::BasisPoints,
            LimitKind::MarketMakerProtection => Unit::Fills,
            _ => Unit::Natural,
        };
        Self {
            value,
            unit,
            window: 1_000_000_000,
            mode: LimitMode::Enforced,
            expires: 0,
            warn: [0; 3],
        }
    }

    pub(crate) fn command(self, key: &LimitKey, version: u32) -> Command {
        SetLimit {
            value: self.value,
            window_ns: self.window,
            expires_at: Time(self.expires),
            expected_version: version,
            scope_id: key.scope_id,
            selector_id: key.selector_id,
            scope: key.scope,
            limit_kind: key.kind,
            selector: key.selector,
            unit: self.unit,
            mode: self.mode,
            warn1: self.warn[0],
            warn2: self.warn[1],
            warn3: self.warn[2],
            reason: Text::new("model"),
            ..SetLimit::default()
        }
        .into()
    }
}

/// The firm's limit on all.
pub(crate) fn of_firm(kind: LimitKind) -> LimitKey {
    LimitKey {
        scope: Scope::Firm,
        scope_id: 0,
        kind,
        selector: Selector::All,
        selector_id: 0,
    }
}

impl Flow {
    pub(crate) fn genesis_limits(&mut self, out: &mut Vec<Command>) {
        let mut set = std::collections::BTreeMap::new();
        for (kind, must_be_set) in KINDS {
            if *must_be_set && !self.random.chance(2) {
                let key = of_firm(*kind);
                set.insert(key, Draft::plain(*kind, i64::MAX).command(&key, 0));
            }
        }
        for _ in 0..self.random.between(1, 20) {
            if self.tight.is_empty() {
                break;
            }
            let kind = self.random.pick(&self.tight.clone());
            let key = self.random_key(kind);
            let draft = self.typical(&key);
            set.insert(key, draft.command(&key, 0));
        }
        // Windows of fills are seldom met by chance: several of them at once.
        for kind in [
            LimitKind::MarketMakerProtection,
            LimitKind::RepeatedExecution,
            LimitKind::DuplicateOrder,
        ] {
            let times = if self.tight.contains(&kind) { 10 } else { 0 };
            for _ in 0..times {
                let key = self.random_key(kind);
                let draft = self.typical(&key);
                set.insert(key, draft.command(&key, 0));
            }
        }
        out.extend(set.into_values());
    }

    pub(crate) fn random_key(&mut self, kind: LimitKind) -> LimitKey {
        let scope = match kind {
            LimitKind::MarketMakerProtection | LimitKind::BuyingPower => Scope::Account,
            LimitKind::RepeatedExecution if self.random.chance(70) => Scope::Trader,
            _ => self
                .random
                .pick(&[Scope::Account, Scope::Desk, Scope::Firm, Scope::Trader]),
        };
        let scope_id = match scope {
            Scope::Account => self.random.pick(&ACCOUNTS).0,
            Scope::Desk => self.random.pick(&DESKS),
            Scope::Firm => 0,
            _ => u32::from(self.random.pick(&TRADERS)),
        };
        let selector = match kind {
            LimitKind::MarketMakerProtection => Selector::Group,
            LimitKind::BuyingPower => Selector::Currency,
            _ => self
                .random
                .pick(&[Selector::Instrument, Selector::Group, Selector::All]),
        };
        let selector_id = match selector {
            Selector::Instrument => self.listed().id,
            Selector::Group => self.listed().group,
            Selector::Currency => currency_id(self.listed().currency),
            _ => 0,
        };
        LimitKey {
            scope,
            scope_id,
            kind,
            selector,
            selector_id,
        }
    }

    /// A limit of a size that orders reach.
    pub(crate) fn typical(&mut self, key: &LimitKey) -> Draft {
        let listed = match key.selector {
            Selector::Instrument => INSTRUMENTS
                .iter()
                .find(|i| i.id == key.selector_id)
                .unwrap_or(&INSTRUMENTS[0]),
            // A bound for many instruments that only the largest of them reach.
            Selector::All if self.random.chance(70) => &INSTRUMENTS[0],
            _ => self.listed(),
        };
        let mut draft = Draft::plain(key.kind, 0);
        draft.value = self.typical_value(key, listed, &mut draft.unit);
        draft.window = self.random.pick(&match key.kind {
            LimitKind::RepeatedExecution | LimitKind::MarketMakerProtection => {
                [1_000_000_000, 5_000_000_000, 999_999_999, 200_000_000]
            }
            _ => [1_000_000_000, 100_000_000, 999_999_999, 7],
        });
        if self.random.chance(3) {
            draft.value = 0;
        }
        if self.random.chance(15) {
            draft.mode = LimitMode::Shadow;
        }
        if self.random.chance(15) {
            draft.warn = self.random.pick(&[[50, 60, 95], [0, 0, 100], [10, 0, 0]]);
        }
        draft
    }

    fn typical_value(&mut self, key: &LimitKey, listed: &Listed, unit: &mut Unit) -> i64 {
        let lots = self.random.between(2, 25);
        let lot_value = lot_value(listed);
        match key.kind {
            LimitKind::MaxOrderQty | LimitKind::MaxLong | LimitKind::MaxShort => {
                listed.lot * lots + self.random.between(0, 1) * listed.step
            }
            LimitKind::MaxOrderNotional => lot_value * lots + self.random.between(-1, 1),
            LimitKind::GrossNotional | LimitKind::NetLong | LimitKind::NetShort => {
                lot_value * lots * 4 + self.random.between(0, 9_999)
            }
            LimitKind::DailyBuyTurnover
            | LimitKind::DailySellTurnover
            | LimitKind::DailyTurnover => lot_value * lots * 12 + self.random.between(0, 9_999),
            LimitKind::BuyingPower => lot_value * lots * 2,
            LimitKind::DailyLoss => {
                *unit = self.random.pick(&[Unit::Natural, Unit::Halt]);
                lot_value * lots / 8
            }
            LimitKind::PriceCollar if self.random.chance(40) => {
                *unit = Unit::Ticks;
                self.random.between(0, 60)
            }
            LimitKind::PriceCollar => self.random.pick(&[1, 50, 333, 500, 1_000, 12_000]),
            LimitKind::ReferenceMaxAge => self.random.between(0, 6_000_000_000),
            LimitKind::OrderRate => self.random.pick(&[1, 2, 3, 7, 10, 20, 50]),
            LimitKind::DuplicateOrder => self.random.between(1, 3),
            LimitKind::RepeatedExecution => self.random.between(2, 6),
            LimitKind::MaxOrderVsAdv => self.random.pick(&[10, 25, 100, 333, 1_000]),
            LimitKind::MarketMakerProtection if self.random.chance(50) => {
                *unit = Unit::Quantity;
                listed.lot * self.random.between(2, 12)
            }
            LimitKind::MarketMakerProtection => self.random.between(2, 6),
            _ => self.random.between(1, 25),
        }
    }

    pub(crate) fn change_limit(&mut self, model: &Model) -> Item {
        let kinds: Vec<LimitKind> = if self.tight.is_empty() || self.random.chance(5) {
            KINDS.iter().map(|(kind, _)| *kind).collect()
        } else {
            self.tight.clone()
        };
        let kind = self.random.pick(&kinds);
        let existing: Vec<LimitKey> = model.limits.keys().copied().collect();
        let key = if !existing.is_empty() && self.random.chance(65) {
            self.random.pick(&existing)
        } else {
            self.random_key(kind)
        };
        let known = model.limits.get(&key);
        let mut version = model.limit_version(&key);
        let mut draft = self.typical(&key);
        let rows = model.rows((key.scope, key.scope_id));
        if let Some(used) = model.used(&key, &rows)
            && self.random.chance(50)
        {
            let used = i64::try_from(used).unwrap_or(0);
            draft.value = used.saturating_add(self.random.between(-1, 1)).max(0);
        }
        match self.random.below(100) {
            0..=4 => version += 1,
            5..=6 => draft.value = -5,
            7..=11 if known.is_some() => draft.value = i64::MIN,
            12..=30 => draft.value = i64::MAX,
            31..=48 if known.is_some() => {
                draft.expires = model.t + self.random.pick(&[1, 20_000_000, 500_000_000]);
                if let Some(limit) = known.filter(|_| self.random.chance(90)) {
                    (draft.unit, draft.window) = (limit.unit, limit.window);
                }
            }
            49 => draft.expires = model.t,
            _ => {}
        }
        self.item(RISK, draft.command(&key, version))
    }
}

/// What a lot is worth, in 10⁻⁴ of about the base currency.
pub(crate) fn lot_value(listed: &Listed) -> i64 {
    let in_currency = i128::from(listed.lot) * i128::from(listed.price) / i128::from(E8) / 10_000;
    let rate = CURRENCIES.iter().find(|(c, _)| *c == listed.currency);
    let rate = i128::from(rate.map_or(E8, |(_, rate)| *rate));
    let value = in_currency * rate * i128::from(listed.multiplier) / i128::from(E8).pow(2);
    i64::try_from(value).unwrap_or(1).max(1)
}

/// How a currency is written as the id of a selector.
pub(crate) fn currency_id(currency: &str) -> u32 {
    u32::from_le_bytes(Text::<4>::new(currency).0)
}
