//! Random flows that know where the limits are: orders just below, at and one past them, and reports in
//! every wrong order that a venue can send.

use super::checks::Ask;
use super::genesis::{
    self, ACCOUNTS, CURRENCIES, DESK_SESSIONS, DESKS, INSTRUMENTS, Listed, OPS, RISK, TRADERS,
};
use super::lifecycle::KINDS;
use super::random::Random;
use super::state::{Limit, LimitKey, Model, Order};
use super::value::E8;
use engine::command::{Command, Refused, SessionDown, Started, TimePassed};
use std::collections::BTreeMap;
use wire::{
    CancelOrder, CancelReason, Capacity, DayRoll, ExecType, Flag, LimitKind, LimitMode, MassCancel,
    NewOrder, OrdType, Permit, PositionLoad, Price, Qty, Reconcile, ReconcileWhat, ReplaceOrder,
    Role, Scope, Selector, SetLimit, SetState, Side, Text, Time, TimeInForce, Topology,
    TradingState, Unit, VenueReport,
};

/// One command of a flow, in a form that stays meaningful when others are left out.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Number within the flow; a `Reconcile` names its order by the item that sent it.
    pub(crate) id: u64,
    /// Stamp of the gateway; absolute, so that leaving commands out leaves time as it was.
    pub(crate) t: u64,
    pub(crate) session: u32,
    /// Distance from the inbound number that is expected: 0 is normal.
    pub(crate) seq_shift: i64,
    pub(crate) busy: bool,
    pub(crate) command: Command,
}

/// A source of commands.
#[derive(Debug)]
pub(crate) struct Flow {
    random: Random,
    queue: Vec<Item>,
    next_id: u64,
    cl_ord_ids: BTreeMap<u32, u64>,
    next_execution: u64,
    next_batch: u64,
    last_load: Vec<Command>,
    fills: Vec<(u32, VenueReport)>,
    /// Kinds whose limits are finite in this flow.
    tight: Vec<LimitKind>,
}

impl Flow {
    /// A new firm with its genesis waiting in the queue.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let tight = KINDS
            .iter()
            .map(|(kind, _)| *kind)
            .filter(|_| random.chance(60))
            .collect();
        let mut flow = Self {
            random,
            queue: Vec::new(),
            next_id: 1,
            cl_ord_ids: BTreeMap::new(),
            next_execution: 1,
            next_batch: 2,
            last_load: Vec::new(),
            fills: Vec::new(),
            tight,
        };
        let mut genesis = genesis::firm();
        flow.genesis_limits(&mut genesis);
        let load = genesis::load(&mut flow.random, 1, genesis::FIRST_DATE);
        genesis.extend(load.iter().copied());
        flow.last_load = load;
        genesis.push(genesis::day_open(genesis::FIRST_DATE));
        for command in genesis {
            let item = flow.item(0, command);
            flow.queue.push(item);
        }
        flow.queue.reverse();
        flow
    }

    fn item(&mut self, session: u32, command: Command) -> Item {
        let id = self.next_id;
        self.next_id += 1;
        Item {
            id,
            t: genesis::START,
            session,
            seq_shift: 0,
            busy: false,
            command,
        }
    }

    fn genesis_limits(&mut self, out: &mut Vec<Command>) {
        let mut set: BTreeMap<LimitKey, Command> = BTreeMap::new();
        for (kind, must_be_set) in KINDS {
            if *must_be_set && !self.random.chance(2) {
                let key = key(Scope::Firm, 0, *kind, Selector::All, 0);
                set.insert(
                    key,
                    limit_command(&key, i64::MAX, Unit::Natural, 1_000_000_000, 0),
                );
            }
        }
        for _ in 0..self.random.between(1, 16) {
            let kinds = self.tight.clone();
            if kinds.is_empty() {
                break;
            }
            let kind = self.random.pick(&kinds);
            let key = self.random_key(kind);
            let (value, unit) = self.typical(&key);
            let window = self.window();
            set.insert(key, limit_command(&key, value, unit, window, 0));
        }
        out.extend(set.into_values());
    }

    fn window(&mut self) -> u64 {
        self.random
            .pick(&[1_000_000_000, 100_000_000, 999_999_999, 7])
    }

    fn random_key(&mut self, kind: LimitKind) -> LimitKey {
        let scope = self
            .random
            .pick(&[Scope::Account, Scope::Desk, Scope::Firm, Scope::Trader]);
        let scope_id = match scope {
            Scope::Account => self.random.pick(&ACCOUNTS).0,
            Scope::Desk => self.random.pick(&DESKS),
            Scope::Firm => 0,
            _ => u32::from(self.random.pick(&TRADERS)),
        };
        let selector = self
            .random
            .pick(&[Selector::Instrument, Selector::Group, Selector::All]);
        let selector_id = match selector {
            Selector::Instrument => self.listed().id,
            Selector::Group => self.listed().group,
            _ => 0,
        };
        key(scope, scope_id, kind, selector, selector_id)
    }

    fn listed(&mut self) -> &'static Listed {
        let i = usize::try_from(self.random.below(5)).unwrap_or(0);
        &INSTRUMENTS[i]
    }

    /// A limit of a size that orders reach.
    fn typical(&mut self, key: &LimitKey) -> (i64, Unit) {
        let listed = match key.selector {
            Selector::Instrument => INSTRUMENTS
                .iter()
                .find(|i| i.id == key.selector_id)
                .unwrap_or(&INSTRUMENTS[0]),
            // A bound for many instruments that only the largest of them reach.
            _ if self.random.chance(70) => &INSTRUMENTS[0],
            _ => self.listed(),
        };
        let lots = self.random.between(2, 25);
        let lot_value = i64::try_from(
            i128::from(listed.lot) * i128::from(listed.price) / i128::from(E8) / 10_000,
        )
        .unwrap_or(1);
        let value = match key.kind {
            LimitKind::MaxOrderQty | LimitKind::MaxLong | LimitKind::MaxShort => {
                listed.lot * lots + self.random.between(0, 1) * listed.step
            }
            LimitKind::MaxOrderNotional => lot_value * lots + self.random.between(-1, 1),
            LimitKind::GrossNotional | LimitKind::NetLong | LimitKind::NetShort => {
                lot_value * lots * 4 + self.random.between(0, 9_999)
            }
            LimitKind::PriceCollar => {
                if self.random.chance(40) {
                    return (self.random.between(0, 60), Unit::Ticks);
                }
                return (
                    self.random.pick(&[1, 50, 333, 500, 1_000, 12_000]),
                    Unit::BasisPoints,
                );
            }
            LimitKind::ReferenceMaxAge => self.random.between(0, 6_000_000_000),
            LimitKind::OrderRate => self.random.pick(&[1, 2, 3, 7, 10, 20, 50]),
            _ => self.random.between(1, 25),
        };
        let value = if self.random.chance(3) { 0 } else { value };
        (value, Unit::Natural)
    }

    /// The next command, made from what the model knows.
    pub(crate) fn next(&mut self, model: &Model) -> Item {
        if let Some(mut item) = self.queue.pop() {
            item.t = model.t.max(genesis::START);
            return item;
        }
        let dt = match self.random.below(100) {
            0..=39 => 0,
            40..=89 => self.random.between(1, 40_000_000),
            90..=97 => self.random.between(1, 800_000_000),
            98 => -self.random.between(1, 1_000_000_000),
            _ => self.random.between(1, 8_000_000_000),
        };
        let mut item = self.choose(model);
        item.t = model.t.saturating_add_signed(dt);
        if item.session != 0 {
            match self.random.below(200) {
                0 => item.seq_shift = self.random.between(1, 3),
                1 => item.seq_shift = -self.random.between(1, 3),
                _ => {}
            }
        }
        item
    }

    fn choose(&mut self, model: &Model) -> Item {
        if self.random.chance(14)
            && let Some(item) = self.heal(model)
        {
            return item;
        }
        match self.random.below(1000) {
            0..=399 => self.new_order(model),
            400..=519 => self.replace(model),
            520..=579 => self.cancel(model),
            580..=849 => self.report(model),
            850..=854 => self.mass_cancel(model),
            855..=904 => self.change_limit(model),
            905..=909 => self.change_state(model),
            910..=932 => self.price(model),
            933..=947 => self.currency(model),
            948..=952 => self.session_change(),
            953..=957 => self.permit(),
            958..=961 => {
                let account = self.random.pick(&ACCOUNTS).0;
                let desk = self.random.pick(&DESKS);
                self.item(OPS, genesis::account_at(account, desk))
            }
            962..=964 => self.roll(model),
            965..=968 => self.repeat_load(model),
            969..=982 => self.reconcile(model),
            983..=984 => self.restart(),
            985..=989 => self.wrong_role(model),
            990..=992 => {
                let session = self.random.pick(&DESK_SESSIONS).0;
                let refused = Refused {
                    ref_id: 0,
                    code: 50,
                    ref_template_id: 100,
                    ..Refused::default()
                };
                self.item(session, refused.into())
            }
            993..=995 => self.entitlement(),
            _ => self.item(0, TimePassed { reserved: 0 }.into()),
        }
    }

    /// Undoes one of the things that keep orders out.
    fn heal(&mut self, model: &Model) -> Option<Item> {
        let mut cures: Vec<(u32, Command)> = Vec::new();
        for (at, (state, version)) in &model.states {
            if *state != TradingState::Active {
                let release = SetState {
                    expected_version: *version,
                    scope_id: at.1,
                    scope: at.0,
                    state: TradingState::Active,
                    cancel_open: Flag::No,
                    ..SetState::default()
                };
                cures.push((RISK, release.into()));
            }
        }
        for i in &INSTRUMENTS {
            let known = model.instruments.get(&i.id)?;
            let old = known
                .reference
                .is_none_or(|(_, feed_time)| feed_time + 1_000_000_000 < model.t);
            if old && self.random.chance(70) {
                cures.push((RISK, genesis::reference(i.id, Some(i.price), model.t)));
            }
            if known.mark.is_none() {
                cures.push((RISK, genesis::mark(i.id, Some(i.price))));
            }
        }
        for (currency, rate) in CURRENCIES {
            let known = model.currencies.get(&Text::new(currency))?;
            if known
                .rate
                .is_none_or(|(_, time)| time + 20_000_000_000 < model.t)
            {
                cures.push((RISK, genesis::fx(currency, Some(rate), model.t)));
            }
        }
        for (kind, must_be_set) in KINDS {
            let key = key(Scope::Firm, 0, *kind, Selector::All, 0);
            if *must_be_set && !model.limits.contains_key(&key) && self.random.chance(20) {
                let version = model.limit_version(&key);
                let command = limit_command(&key, i64::MAX, Unit::Natural, 1_000_000_000, version);
                cures.push((RISK, command));
            }
        }
        for session in genesis::sessions() {
            if !model.sessions.get(&session)?.up {
                cures.push((0, genesis::up(session)));
            }
        }
        if !model.ready {
            if !model
                .batches
                .keys()
                .any(|(_, date)| *date == model.business_date)
            {
                let batch = self.next_batch;
                self.next_batch += 1;
                let load = genesis::load(&mut self.random, batch, model.business_date);
                self.last_load.clone_from(&load);
                return Some(self.enqueue(OPS, load));
            }
            cures.push((OPS, genesis::day_open(model.business_date)));
        }
        if model.restricted {
            let reconciled = Reconcile {
                what: ReconcileWhat::Restart,
                reason: Text::new("model"),
                ..Reconcile::default()
            };
            cures.push((OPS, reconciled.into()));
        }
        for (scope, id, selector, selector_id, ord_type) in &model.forbidden {
            let permit =
                permit_command(*scope, *id, (*selector, *selector_id), *ord_type, Flag::Yes);
            cures.push((RISK, permit));
        }
        if cures.is_empty() {
            return None;
        }
        let i = usize::try_from(self.random.below(cures.len() as u64)).ok()?;
        let (session, command) = cures[i];
        Some(self.item(session, command))
    }

    /// Puts commands in front of what comes next and returns the first.
    fn enqueue(&mut self, session: u32, commands: Vec<Command>) -> Item {
        let items: Vec<Item> = commands
            .into_iter()
            .map(|command| self.item(session, command))
            .collect();
        self.queue.extend(items.into_iter().rev());
        match self.queue.pop() {
            Some(item) => item,
            None => self.item(0, TimePassed { reserved: 0 }.into()),
        }
    }

    fn next_cl_ord_id(&mut self, session: u32) -> u64 {
        let repeated = self.random.chance(1);
        let id = self.cl_ord_ids.entry(session).or_insert(0);
        if repeated && *id > 0 {
            return *id;
        }
        *id += 1;
        *id
    }

    fn new_order(&mut self, model: &Model) -> Item {
        let (session, _, accounts, traders) = self.random.pick(&DESK_SESSIONS);
        let listed = self.listed();
        let market = self.random.chance(12) && listed.ord_types & 1 != 0;
        let mut m = NewOrder {
            price: if market {
                Price::NULL
            } else {
                Price(self.order_price(model, listed))
            },
            qty: Qty(self.order_qty(listed)),
            account: self.random.pick(accounts),
            instrument_id: listed.id,
            trader_id: self.random.pick(traders),
            strategy_id: u16::try_from(self.random.below(3)).unwrap_or(0),
            side: self.random.pick(&[
                Side::Buy,
                Side::Sell,
                Side::Buy,
                Side::Sell,
                Side::SellShort,
            ]),
            ord_type: if market {
                OrdType::Market
            } else {
                OrdType::Limit
            },
            tif: self.random.pick(&[
                TimeInForce::Day,
                TimeInForce::GoodTillCancel,
                TimeInForce::GoodTillCancel,
                TimeInForce::ImmediateOrCancel,
                TimeInForce::FillOrKill,
            ]),
            capacity: Capacity::Principal,
            ..NewOrder::default()
        };
        if self.random.chance(8) {
            self.spoil(&mut m, listed);
        } else if self.random.chance(30) {
            let mut ask = ask_of(session, &m);
            let (qty, price) = self.at_the_edge(model, &mut ask, listed);
            m.qty = Qty(qty);
            m.price = price.map_or(Price::NULL, Price);
        }
        m.cl_ord_id = self.next_cl_ord_id(session);
        let busy = self.random.chance(1);
        let mut item = self.item(session, m.into());
        item.busy = busy;
        if self.random.chance(10)
            && let Some(limit) = self.squeeze(model, &ask_of(session, &m))
        {
            self.queue.push(item);
            return limit;
        }
        item
    }

    /// A limit set to exactly what the order would reach, or to one unit less.
    fn squeeze(&mut self, model: &Model, ask: &Ask) -> Option<Item> {
        let desk = *model.accounts.get(&ask.account)?;
        if !model.instruments.contains_key(&ask.instrument) {
            return None;
        }
        let (scope, scope_id) = self.random.pick(&[
            (Scope::Account, ask.account),
            (Scope::Desk, desk),
            (Scope::Firm, 0),
            (Scope::Trader, u32::from(ask.trader)),
        ]);
        let kind = self.random.pick(&[
            LimitKind::MaxOrderQty,
            LimitKind::MaxOrderNotional,
            LimitKind::MaxOpenOrders,
            if ask.buy {
                LimitKind::MaxLong
            } else {
                LimitKind::MaxShort
            },
            LimitKind::GrossNotional,
            if ask.buy {
                LimitKind::NetLong
            } else {
                LimitKind::NetShort
            },
        ]);
        let (selector, selector_id) = self
            .random
            .pick(&[(Selector::Instrument, ask.instrument), (Selector::All, 0)]);
        let key = key(scope, scope_id, kind, selector, selector_id);
        let version = model.limit_version(&key);
        let mut shut = model.clone();
        shut.limits.insert(
            key,
            Limit {
                value: 0,
                window: 0,
                unit: Unit::Natural,
                version: u32::MAX,
            },
        );
        let rows = shut.chain_rows(ask.account, ask.trader);
        let refusal = shut.judge(ask, &rows).answer.err()?;
        if refusal.version != Some(u32::MAX) {
            return None;
        }
        let value = refusal.observed?.saturating_sub(self.random.between(0, 1));
        Some(self.item(RISK, limit_command(&key, value, Unit::Natural, 0, version)))
    }

    fn order_price(&mut self, model: &Model, listed: &Listed) -> i64 {
        let reference = model
            .instruments
            .get(&listed.id)
            .and_then(|i| i.last_reference)
            .unwrap_or(listed.price);
        let ticks = self.random.between(-40, 40);
        reference / listed.tick * listed.tick + ticks * listed.tick
    }

    fn order_qty(&mut self, listed: &Listed) -> i64 {
        listed.lot * self.random.between(1, 8)
    }

    /// Makes one field wrong, or enormous.
    fn spoil(&mut self, m: &mut NewOrder, listed: &Listed) {
        match self.random.below(16) {
            0 => m.instrument_id = 77,
            1 => m.account = 77,
            2 => m.ord_type = self.random.pick(&[OrdType::Stop, OrdType::StopLimit]),
            3 => {
                m.ord_type = OrdType::Market;
                m.price = Price::NULL;
            }
            4 => m.qty = Qty(self.random.pick(&[0, -listed.lot])),
            5 => m.qty.0 += listed.step / 2,
            6 => m.qty.0 += listed.step,
            7 => m.price = Price::NULL,
            8 => m.price.0 = m.price.0.saturating_add(1),
            9 => {
                m.ord_type = OrdType::Market;
                m.price = Price(listed.price);
            }
            10 => m.trader_id = 77,
            11 => m.trader_id = self.random.pick(&TRADERS),
            12 => m.account = self.random.pick(&ACCOUNTS).0,
            13 | 14 => {
                let lots = i64::MAX / listed.lot;
                m.qty = Qty(lots / self.random.between(1, 50) * listed.lot);
                if !m.price.is_null() && self.random.chance(30) {
                    m.price = Price(i64::MAX / listed.tick * listed.tick);
                }
            }
            _ => {
                // Exactly at the largest value that can be told.
                m.price = Price(listed.price);
                m.qty = Qty(self.random.between(1, i64::MAX / listed.lot) * listed.lot);
            }
        }
    }

    /// The largest quantity, or the most aggressive price, that passes now: or one step past it.
    fn at_the_edge(&mut self, model: &Model, ask: &mut Ask, listed: &Listed) -> (i64, Option<i64>) {
        let rows = model.chain_rows(ask.account, ask.trader);
        let here = i64::try_from(ask.qty).unwrap_or(listed.lot);
        if model.judge(ask, &rows).answer.is_err() && self.random.chance(60) {
            ask.qty = i128::from(listed.lot);
        }
        if model.judge(ask, &rows).answer.is_err() {
            return (here, ask.price);
        }
        let by_price = ask.price.is_some() && self.random.chance(35);
        let away = if ask.buy { listed.tick } else { -listed.tick };
        let from = (i64::try_from(ask.qty).unwrap_or(0), ask.price);
        let at = |n: i64| {
            if by_price {
                (from.0, from.1.map(|px| px + n * away))
            } else {
                (from.0 + n * listed.lot, from.1)
            }
        };
        let mut passes = |n: i64| {
            let (qty, price) = at(n);
            ask.qty = i128::from(qty);
            ask.price = price;
            model.judge(ask, &rows).answer.is_ok()
        };
        let (mut low, mut high) = (0_i64, 1_i64);
        while high < 1 << 14 && passes(high) {
            low = high;
            high *= 2;
        }
        if high >= 1 << 14 {
            return (here, from.1);
        }
        while high - low > 1 {
            let middle = i64::midpoint(low, high);
            if passes(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        if self.random.chance(50) {
            at(low)
        } else {
            at(high)
        }
    }

    fn pick_order<'m>(&mut self, model: &'m Model, live_percent: u64) -> Option<&'m Order> {
        let live = self.random.chance(live_percent);
        let orders: Vec<&Order> = model
            .orders
            .iter()
            .filter(|o| !live || !o.terminal)
            .collect();
        let i = usize::try_from(self.random.below(orders.len() as u64)).ok()?;
        orders.get(i).copied()
    }

    fn replace(&mut self, model: &Model) -> Item {
        let Some(order) = self.pick_order(model, 92) else {
            return self.new_order(model);
        };
        let Some(listed) = INSTRUMENTS.iter().find(|i| i.id == order.instrument) else {
            return self.new_order(model);
        };
        let newest = order.newest();
        let session = order.session;
        let mut m = ReplaceOrder {
            orig_cl_ord_id: newest.cl_ord_id,
            price: newest.price.map_or(Price::NULL, Price),
            qty: Qty(i64::try_from(newest.qty).unwrap_or(listed.lot)),
            trader_id: order.trader,
            strategy_id: order.strategy,
            ..ReplaceOrder::default()
        };
        if newest.price.is_some() && self.random.chance(50) {
            m.price = Price(self.order_price(model, listed));
        }
        if self.random.chance(60) {
            m.qty = Qty(self.order_qty(listed) + self.random.between(0, 3) * listed.lot);
        }
        if self.random.chance(12) {
            match self.random.below(8) {
                0 => m.qty = Qty(self.random.pick(&[0, -1])),
                1 => m.orig_cl_ord_id = 999_999_999,
                2 => m.qty.0 += listed.step / 2,
                3 => m.price.0 = m.price.0.wrapping_add(1),
                4 => m.trader_id = self.random.pick(&TRADERS),
                5 => m.orig_cl_ord_id = order.versions[0].cl_ord_id,
                6 => m.price = Price::NULL,
                _ => m.qty = Qty(i64::MAX / listed.lot * listed.lot),
            }
        } else if self.random.chance(35) && !m.price.is_null() {
            let mut ask = Ask {
                session,
                account: order.account,
                instrument: order.instrument,
                trader: order.trader,
                buy: order.is_buy(),
                price: Some(m.price.0),
                qty: i128::from(m.qty.0),
                busy: false,
                replaces: model.find(session, newest.cl_ord_id),
            };
            let (qty, price) = self.at_the_edge(model, &mut ask, listed);
            m.qty = Qty(qty);
            m.price = price.map_or(Price::NULL, Price);
        }
        m.cl_ord_id = self.next_cl_ord_id(session);
        let from = if self.random.chance(2) {
            self.random.pick(&DESK_SESSIONS).0
        } else {
            session
        };
        let busy = self.random.chance(1);
        let mut item = self.item(from, m.into());
        item.busy = busy;
        if self.random.chance(6) {
            self.pile_up(&item, &m);
        } else if let Some(replaces) = model.find(session, m.orig_cl_ord_id)
            && from == session
            && self.random.chance(10)
        {
            let ask = Ask {
                session,
                account: order.account,
                instrument: order.instrument,
                trader: order.trader,
                buy: order.is_buy(),
                price: (!m.price.is_null()).then_some(m.price.0),
                qty: i128::from(m.qty.0),
                busy: false,
                replaces: Some(replaces),
            };
            if let Some(limit) = self.squeeze(model, &ask) {
                self.queue.push(item);
                return limit;
            }
        }
        item
    }

    /// Many replaces in a row, none of them answered.
    fn pile_up(&mut self, first: &Item, m: &ReplaceOrder) {
        let mut m = *m;
        let mut items = Vec::new();
        for _ in 0..self.random.between(2, 10) {
            m.orig_cl_ord_id = m.cl_ord_id;
            m.cl_ord_id = self.next_cl_ord_id(first.session);
            items.push(self.item(first.session, m.into()));
        }
        self.queue.extend(items.into_iter().rev());
    }

    fn cancel(&mut self, model: &Model) -> Item {
        let Some(order) = self.pick_order(model, 88) else {
            return self.new_order(model);
        };
        let session = if self.random.chance(3) {
            self.random.pick(&DESK_SESSIONS).0
        } else {
            order.session
        };
        let mut ids: Vec<u64> = order.versions.iter().map(|v| v.cl_ord_id).collect();
        if self.random.chance(3) {
            ids = vec![999_999_999];
        }
        let m = CancelOrder {
            cl_ord_id: self.next_cl_ord_id(session),
            orig_cl_ord_id: self.random.pick(&ids),
            trader_id: order.trader,
            ..CancelOrder::default()
        };
        let busy = self.random.chance(2);
        let mut item = self.item(session, m.into());
        item.busy = busy;
        item
    }

    fn mass_cancel(&mut self, model: &Model) -> Item {
        let (session, _, accounts, traders) = self.random.pick(&DESK_SESSIONS);
        let mut m = MassCancel {
            cl_ord_id: self.next_cl_ord_id(session),
            ..MassCancel::default()
        };
        let entitled = &model.sessions[&session];
        let account = self.random.pick(accounts);
        if self.random.chance(50) && entitled.accounts.contains(&account) {
            m.account = account;
        }
        if self.random.chance(30) {
            m.instrument_id = self.listed().id;
        }
        let trader = self.random.pick(traders);
        if self.random.chance(30) && entitled.traders.contains(&trader) {
            m.trader_id = trader;
        }
        if self.random.chance(30) {
            m.side = self.random.pick(&[Side::Buy, Side::Sell]);
        }
        if self.random.chance(30) {
            m.strategy_id = 1;
        }
        self.item(session, m.into())
    }

    fn change_limit(&mut self, model: &Model) -> Item {
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
        let now = model.limits.get(&key);
        let mut version = model.limit_version(&key);
        let (mut value, mut unit) = self.typical(&key);
        if let Some(used) = used_now(model, &key)
            && self.random.chance(50)
        {
            value = used.saturating_add(self.random.between(-1, 1)).max(0);
        }
        match self.random.below(100) {
            0..=4 => version += 1,
            5..=6 => value = -5,
            7..=11 if now.is_some() => value = i64::MIN,
            12..=35 => value = i64::MAX,
            _ => {}
        }
        if key.kind == LimitKind::PriceCollar && unit == Unit::Natural {
            unit = Unit::BasisPoints;
        }
        let window = self.window();
        self.item(RISK, limit_command(&key, value, unit, window, version))
    }

    fn change_state(&mut self, model: &Model) -> Item {
        let mut at = {
            let key = self.random_key(LimitKind::MaxLong);
            (key.scope, key.scope_id)
        };
        if self.random.chance(20) {
            at = (Scope::Instrument, self.listed().id);
        }
        let (now, mut version) = model
            .states
            .get(&at)
            .copied()
            .unwrap_or((TradingState::Active, 0));
        let states: Vec<TradingState> = [
            TradingState::Active,
            TradingState::ReduceOnly,
            TradingState::Halted,
        ]
        .into_iter()
        .filter(|state| *state != now)
        .collect();
        if self.random.chance(8) {
            version += 1;
        }
        let state = self.random.pick(&states);
        let cancel = state == TradingState::Halted && self.random.chance(25);
        let m = SetState {
            expected_version: version,
            scope_id: if self.random.chance(3) { 77 } else { at.1 },
            scope: at.0,
            state,
            cancel_open: if cancel { Flag::Yes } else { Flag::No },
            ..SetState::default()
        };
        self.item(RISK, m.into())
    }

    fn price(&mut self, model: &Model) -> Item {
        let listed = self.listed();
        let now = model.instruments[&listed.id]
            .last_reference
            .unwrap_or(listed.price);
        let mut px = now + self.random.between(-5, 5) * listed.tick + self.random.between(-3, 3);
        if listed.id == 4 && self.random.chance(30) {
            px = self.random.between(-4, 4) * E8;
        } else if listed.id != 4 {
            px = px.max(listed.tick);
        }
        let missing = self.random.chance(6);
        let command = if self.random.chance(60) {
            let age = self.random.pick(&[0, 0, 1, 500_000_000, 3_000_000_000]);
            let feed_time = if self.random.chance(10) {
                model.t + age
            } else {
                model.t - age
            };
            genesis::reference(listed.id, (!missing).then_some(px), feed_time)
        } else {
            genesis::mark(listed.id, (!missing).then_some(px))
        };
        self.item(RISK, command)
    }

    fn currency(&mut self, model: &Model) -> Item {
        let (currency, rate) = self.random.pick(&CURRENCIES);
        let rate = rate + self.random.between(-rate / 20, rate / 20);
        let missing = self.random.chance(12);
        let old = if self.random.chance(15) {
            30_000_000_001
        } else {
            0
        };
        let command = genesis::fx(currency, (!missing).then_some(rate), model.t - old);
        self.item(RISK, command)
    }

    fn session_change(&mut self) -> Item {
        let (session_id, _) = self.random.pick(&genesis::VENUE_SESSIONS);
        if self.random.chance(50) {
            return self.item(0, genesis::up(session_id));
        }
        let down = SessionDown {
            session_id,
            ..SessionDown::default()
        };
        self.item(0, down.into())
    }

    fn permit(&mut self) -> Item {
        let key = self.random_key(LimitKind::MaxLong);
        let scope = if self.random.chance(50) {
            (Scope::Account, self.random.pick(&ACCOUNTS).0)
        } else {
            (Scope::Desk, self.random.pick(&DESKS))
        };
        let ord_type = self
            .random
            .pick(&[OrdType::NULL, OrdType::Market, OrdType::Limit]);
        let selector = (key.selector, key.selector_id);
        self.item(
            RISK,
            permit_command(scope.0, scope.1, selector, ord_type, Flag::No),
        )
    }

    fn entitlement(&mut self) -> Item {
        let (session, _, accounts, traders) = self.random.pick(&DESK_SESSIONS);
        let (account, trader) = if self.random.chance(50) {
            (Some(self.random.pick(accounts)), None)
        } else {
            (None, Some(self.random.pick(traders)))
        };
        let away = self.item(0, genesis::entitle(session, account, trader, Flag::No));
        let back = self.item(0, genesis::entitle(session, account, trader, Flag::Yes));
        let at = self.queue.len();
        self.queue.insert(at, back);
        away
    }

    fn roll(&mut self, model: &Model) -> Item {
        let business_date = if self.random.chance(15) {
            model.business_date
        } else {
            model.business_date + 1
        };
        let m = DayRoll {
            business_date,
            ..DayRoll::default()
        };
        self.item(OPS, m.into())
    }

    fn repeat_load(&mut self, model: &Model) -> Item {
        let mut load = self.last_load.clone();
        if self.random.chance(50) {
            self.next_batch += 1;
            load = genesis::load(&mut self.random, self.next_batch, model.business_date);
            self.last_load.clone_from(&load);
        } else if let Some(Command::PositionLoad(first)) = load.first_mut()
            && self.random.chance(40)
            && first.last == Flag::No
        {
            *first = PositionLoad {
                qty: Qty(first.qty.0 + E8),
                ..*first
            };
        }
        self.enqueue(OPS, load)
    }

    fn reconcile(&mut self, model: &Model) -> Item {
        let unresolved: Vec<&Order> = model
            .orders
            .iter()
            .filter(|o| o.unresolved && !o.terminal)
            .collect();
        let order = if self.random.chance(85) {
            let i = usize::try_from(self.random.below(unresolved.len() as u64)).unwrap_or(0);
            unresolved.get(i).copied()
        } else {
            self.pick_order(model, 50)
        };
        let Some(order) = order else {
            return self.new_order(model);
        };
        let step = i128::from(model.instruments[&order.instrument].def.qty_step.0);
        let steps = i64::try_from(order.reserved_qty() / step).unwrap_or(0);
        let leaves = match self.random.below(10) {
            0..=3 => 0,
            4..=5 => steps,
            6 => steps + 1,
            _ => self.random.between(0, steps),
        };
        let m = Reconcile {
            order_id: order.order_id,
            leaves_qty: Qty(leaves.saturating_mul(i64::try_from(step).unwrap_or(1))),
            what: ReconcileWhat::Order,
            reason: Text::new(if self.random.chance(95) { "model" } else { "" }),
            ..Reconcile::default()
        };
        self.item(OPS, m.into())
    }

    fn restart(&mut self) -> Item {
        let started = Started {
            epoch: 1,
            restricted: if self.random.chance(80) {
                Flag::Yes
            } else {
                Flag::No
            },
            clean: Flag::No,
            clock_commanded: Flag::No,
            ack: 1,
            ..Started::default()
        };
        let mut commands: Vec<Command> = vec![started.into()];
        for session_id in genesis::sessions() {
            let down = SessionDown {
                session_id,
                ..SessionDown::default()
            };
            commands.push(down.into());
        }
        commands.extend(genesis::sessions().map(genesis::up));
        self.enqueue(0, commands)
    }

    fn wrong_role(&mut self, model: &Model) -> Item {
        let (session, command) = match self.random.below(4) {
            0 => {
                let key = self.random_key(LimitKind::MaxLong);
                let command = limit_command(&key, 5, Unit::Natural, 0, 0);
                (self.random.pick(&DESK_SESSIONS).0, command)
            }
            1 => (21, self.new_order(model).command),
            2 => (RISK, genesis::day_open(model.business_date)),
            _ => (11, self.report(model).command),
        };
        self.item(session, command)
    }

    fn report(&mut self, model: &Model) -> Item {
        if self.random.chance(5)
            && let Some((session, mut again)) = self.earlier_fill()
        {
            if self.random.chance(30) {
                again.last_px.0 += 1;
            }
            return self.item(session, again.into());
        }
        if self.random.chance(4) {
            return self.stray_fill(model);
        }
        let Some(order) = self.pick_order(model, 85) else {
            return self.new_order(model);
        };
        let Some(listed) = INSTRUMENTS.iter().find(|i| i.id == order.instrument) else {
            return self.new_order(model);
        };
        let inline = model.sessions[&order.session].topology == Topology::Inline;
        let mut session = if inline {
            genesis::VENUE_SESSIONS
                .iter()
                .find(|(_, venue)| *venue == listed.venue)
                .map_or(21, |(id, _)| *id)
        } else {
            order.session
        };
        if self.random.chance(1) {
            session = self.random.pick(&[12, 21, 22]);
        }
        let ids: Vec<u64> = order.versions.iter().map(|v| v.cl_ord_id).collect();
        let pending: Vec<u64> = order
            .versions
            .iter()
            .filter(|v| v.pending && !v.dropped)
            .map(|v| v.cl_ord_id)
            .collect();
        let mut m = VenueReport {
            cl_ord_id: self.random.pick(&ids),
            transact_time: Time(model.t),
            trade_date: model.business_date,
            account: order.account,
            instrument_id: order.instrument,
            order_session_id: order.session,
            venue_id: listed.venue,
            side: order.side,
            liquidity: wire::Liquidity::Added,
            reopen: Flag::No,
            reason: CancelReason::Unsolicited,
            ..VenueReport::default()
        };
        let answers = !pending.is_empty() && self.random.chance(45);
        if answers {
            m.cl_ord_id = if self.random.chance(90) {
                self.random.pick(&pending)
            } else {
                self.random.pick(&ids)
            };
            m.exec_type = self.random.pick(&[
                ExecType::Replaced,
                ExecType::Replaced,
                ExecType::ReplaceRejected,
            ]);
            return self.item(session, m.into());
        }
        match self.random.below(100) {
            0..=19 => m.exec_type = ExecType::New,
            20..=64 => self.fill_of(&mut m, order, listed),
            65..=79 => {
                m.exec_type = self.random.pick(&[
                    ExecType::Cancelled,
                    ExecType::Cancelled,
                    ExecType::Cancelled,
                    ExecType::Expired,
                ]);
                m.cum_qty = Qty(i64::try_from(order.cum).unwrap_or(0));
                match self.random.below(10) {
                    0..=2 => m.cum_qty.0 += listed.step * self.random.between(1, 50),
                    3 => m.cum_qty.0 = (m.cum_qty.0 - listed.step).max(0),
                    4 => m.cum_qty = Qty::NULL,
                    5 if m.exec_type == ExecType::Cancelled => {
                        m.reason = CancelReason::UnknownAtVenue;
                    }
                    _ => {}
                }
                if !order.cancel_ids.is_empty() && self.random.chance(50) {
                    m.cl_ord_id = self.random.pick(&order.cancel_ids);
                    m.order_id = order.order_id;
                }
            }
            80..=86 => {
                m.exec_type = ExecType::Rejected;
                m.reason = CancelReason::VenueRejected;
            }
            _ => {
                m.exec_type = ExecType::CancelRejected;
                if !order.cancel_ids.is_empty() && self.random.chance(50) {
                    m.cl_ord_id = self.random.pick(&order.cancel_ids);
                    m.order_id = order.order_id;
                }
                if self.random.chance(25) {
                    m.reason = CancelReason::UnknownAtVenue;
                }
            }
        }
        if m.exec_type == ExecType::Fill {
            self.fills.push((session, m));
        }
        self.item(session, m.into())
    }

    fn earlier_fill(&mut self) -> Option<(u32, VenueReport)> {
        let i = usize::try_from(self.random.below(self.fills.len() as u64)).ok()?;
        self.fills.get(i).copied()
    }

    fn fill_of(&mut self, m: &mut VenueReport, order: &Order, listed: &Listed) {
        let leaves = order.reserved_qty().max(i128::from(listed.step));
        let steps = i64::try_from(leaves / i128::from(listed.step)).unwrap_or(1);
        let qty = match self.random.below(100) {
            0..=29 => steps,
            30..=34 => steps.min(1_000_000) + self.random.between(1, 50),
            _ => self.random.between(1, steps),
        };
        m.exec_type = ExecType::Fill;
        m.last_qty = Qty(qty.min(1_000_000_000).saturating_mul(listed.step));
        if self.random.below(300) == 0 {
            m.last_qty.0 += listed.step / 2;
        }
        m.last_px = Price(listed.price + self.random.between(-9, 9));
        m.cum_qty = Qty(i64::try_from(order.cum)
            .unwrap_or(0)
            .saturating_add(m.last_qty.0));
        self.number(m);
    }

    /// Gives the fill its execution id, at times of an earlier trade date.
    fn number(&mut self, m: &mut VenueReport) {
        m.venue_exec_id = self.next_execution;
        self.next_execution += 1;
        if self.random.chance(6) {
            m.trade_date -= 1;
        }
    }

    /// A fill for an order or an instrument that nobody knows.
    fn stray_fill(&mut self, model: &Model) -> Item {
        let listed = self.listed();
        let session = self.random.pick(&[21, 22, 12]);
        let accounts: Vec<u32> = ACCOUNTS.iter().map(|(a, _)| *a).chain([77]).collect();
        let mut m = VenueReport {
            cl_ord_id: 888_888_888,
            last_px: Price(listed.price),
            last_qty: Qty(listed.step * self.random.between(1, 300)),
            transact_time: Time(model.t),
            trade_date: model.business_date,
            account: self.random.pick(&accounts),
            instrument_id: listed.id,
            order_session_id: 0,
            venue_id: listed.venue,
            exec_type: ExecType::Fill,
            side: self.random.pick(&[Side::Buy, Side::Sell]),
            liquidity: wire::Liquidity::Unknown,
            reopen: Flag::No,
            reason: CancelReason::Requested,
            ..VenueReport::default()
        };
        self.number(&mut m);
        if self.random.chance(6) && model.sessions[&session].role == Role::Venue {
            m.instrument_id = 77;
        }
        if self.random.chance(10) {
            m.exec_type = ExecType::Cancelled;
        }
        self.fills.push((session, m));
        self.item(session, m.into())
    }
}

fn key(
    scope: Scope,
    scope_id: u32,
    kind: LimitKind,
    selector: Selector,
    selector_id: u32,
) -> LimitKey {
    LimitKey {
        scope,
        scope_id,
        kind,
        selector,
        selector_id,
    }
}

/// What a limit's use is now, where a new limit near it makes a good test.
fn used_now(model: &Model, key: &LimitKey) -> Option<i64> {
    let rows = model.rows((key.scope, key.scope_id));
    let (gross, long, short) = model.sums(key, &rows);
    let worst = |buy| {
        rows.iter()
            .filter(|(id, _)| model.selects(key, **id))
            .map(|(_, row)| super::checks::worst_case(buy, row))
            .max()
    };
    let used = match key.kind {
        LimitKind::MaxOpenOrders => model.live_count(key),
        LimitKind::MaxLong => worst(true)?,
        LimitKind::MaxShort => worst(false)?,
        LimitKind::GrossNotional => gross,
        LimitKind::NetLong => long,
        LimitKind::NetShort => short,
        _ => return None,
    };
    i64::try_from(used).ok()
}

fn ask_of(session: u32, m: &NewOrder) -> Ask {
    Ask {
        session,
        account: m.account,
        instrument: m.instrument_id,
        trader: m.trader_id,
        buy: m.side == Side::Buy,
        price: (!m.price.is_null()).then_some(m.price.0),
        qty: i128::from(m.qty.0),
        busy: false,
        replaces: None,
    }
}

fn limit_command(key: &LimitKey, value: i64, unit: Unit, window: u64, version: u32) -> Command {
    let unit = if key.kind == LimitKind::PriceCollar && unit == Unit::Natural {
        Unit::BasisPoints
    } else {
        unit
    };
    SetLimit {
        value,
        window_ns: if key.kind == LimitKind::OrderRate {
            window
        } else {
            0
        },
        expires_at: Time(0),
        expected_version: version,
        scope_id: key.scope_id,
        selector_id: key.selector_id,
        scope: key.scope,
        limit_kind: key.kind,
        selector: key.selector,
        unit,
        mode: LimitMode::Enforced,
        reason: Text::new("model"),
        ..SetLimit::default()
    }
    .into()
}

fn permit_command(
    scope: Scope,
    scope_id: u32,
    selector: (Selector, u32),
    ord_type: OrdType,
    allow: Flag,
) -> Command {
    Permit {
        scope_id,
        selector_id: selector.1,
        scope,
        selector: selector.0,
        ord_type,
        allow,
        reason: Text::new("model"),
        ..Permit::default()
    }
    .into()
}
