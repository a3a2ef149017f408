//! Random flows that know where the limits are: orders just below, at and one past them, times at the
//! ends of windows, and reports in every wrong order that a venue can send.

mod approvals;
mod changes;
mod cures;
mod day;
mod limits;
mod office;
mod orders;
mod reports;
mod squeezes;

use super::genesis::{self, ACCOUNTS, INSTRUMENTS, Listed, Traits};
use super::random::Random;
use super::state::Model;
use engine::command::{Command, TimePassed};
use limits::KINDS;
use std::collections::BTreeMap;
use wire::{LimitKind, VenueReport};

/// One command of a flow, in a form that stays meaningful when others are left out.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Number within the flow; reports and reconciliations name their order by the item that sent it.
    pub(crate) id: u64,
    /// Stamp of the gateway; absolute, so that leaving commands out leaves time as it was.
    pub(crate) t: u64,
    pub(crate) session: u32,
    /// Distance from the inbound number that is expected: 0 is normal.
    pub(crate) seq_shift: i64,
    pub(crate) busy: bool,
    /// Whether the next command may come between this one and the steps that follow it.
    pub(crate) steps_wait: bool,
    pub(crate) command: Command,
}

/// A source of commands.
#[derive(Debug)]
pub(crate) struct Flow {
    random: Random,
    traits: Traits,
    queue: Vec<Item>,
    /// When the next command is to come, instead of at random.
    aim: Option<u64>,
    next_id: u64,
    cl_ord_ids: BTreeMap<u32, u64>,
    next_execution: u64,
    next_batch: u64,
    next_adjustment: u64,
    last_load: Vec<Command>,
    fills: Vec<(u32, VenueReport)>,
    /// Kinds whose limits are finite in this flow.
    tight: Vec<LimitKind>,
}

impl Flow {
    /// A new firm with its genesis waiting in the queue.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let often = random.pick(&[15, 40, 60]);
        let tight = KINDS
            .iter()
            .map(|(kind, _)| *kind)
            .filter(|_| random.chance(often))
            .collect();
        let traits = Traits::of(seed, &mut random);
        let mut flow = Self {
            random,
            traits,
            queue: Vec::new(),
            aim: None,
            next_id: 1,
            cl_ord_ids: BTreeMap::new(),
            next_execution: 1,
            next_batch: 2,
            next_adjustment: 1,
            last_load: Vec::new(),
            fills: Vec::new(),
            tight,
        };
        let mut genesis = genesis::firm(&flow.traits);
        flow.genesis_limits(&mut genesis);
        let load = genesis::load(&mut flow.random, 1, genesis::FIRST_DATE);
        genesis.extend(load.iter().copied());
        flow.last_load = load;
        genesis.push(genesis::day_open(genesis::FIRST_DATE));
        flow.covers_and_cash(&mut genesis);
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
            steps_wait: false,
            command,
        }
    }

    fn listed(&mut self) -> &'static Listed {
        let i = usize::try_from(self.random.below(5)).unwrap_or(0);
        &INSTRUMENTS[i]
    }

    /// The next command, made from what the model knows.
    pub(crate) fn next(&mut self, model: &Model) -> Item {
        if let Some(mut item) = self.queue.pop() {
            item.t = self.aim.take().unwrap_or(model.t).max(genesis::START);
            return item;
        }
        let dt = match self.random.below(100) {
            0..=39 => 0,
            40..=89 => self.random.between(1, 40_000_000),
            90..=97 => self.random.between(1, 800_000_000),
            98 => -self.random.between(1, 1_000_000_000),
            _ => self.random.between(1, 8_000_000_000),
        };
        let under_way = model.orders.iter().any(|o| o.cancel_due);
        let mut item = if under_way && self.random.chance(40) {
            self.replace(model)
        } else {
            let item = self.choose(model);
            self.by_two(model, item)
        };
        let now = model.t.max(genesis::START);
        // What the command is aimed at decides its time, if it comes first.
        item.t = match self.aim.take() {
            Some(t) => t,
            None => now.saturating_add_signed(dt),
        };
        let is_wide = matches!(item.command, Command::MassCancel(_) | Command::SetState(_));
        item.steps_wait = self
            .random
            .chance(if is_wide || under_way { 75 } else { 5 });
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
        if self.random.chance(18)
            && let Some(item) = self.heal(model)
        {
            return item;
        }
        if self.random.below(1000) < if model.two_person { 40 } else { 1 } {
            return self.judge(model);
        }
        match self.random.below(1000) {
            0..=349 => self.new_order(model),
            350..=379 => self.repeat_order(model),
            380..=479 => self.replace(model),
            480..=529 => self.cancel(model),
            530..=809 => self.report(model),
            810..=814 => self.mass_cancel(),
            815..=874 => self.change_limit(model),
            875..=880 => self.change_state(model),
            881..=885 => self.squeeze_loss(model),
            886..=903 => self.price(model),
            904..=916 => self.currency(model),
            917..=926 => self.session_change(model),
            927..=930 => self.permit(),
            931..=935 => self.account(model),
            936..=939 => self.roll(model),
            940..=943 => self.repeat_load(model),
            944..=956 => self.reconcile(model),
            957..=960 => self.restart(),
            961..=963 => self.wrong_role(model),
            964..=966 => self.gateway_refuses(),
            967..=969 => self.entitlement(),
            970..=977 => self.adjust(),
            978..=985 => self.cover(model),
            986..=988 => self.instrument(),
            989..=993 => self.aim_deadline(model),
            _ => self.item(0, TimePassed { reserved: 0 }.into()),
        }
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

    /// Lets the next command come at `t`, one nanosecond before or one after, if that is not long from now.
    fn aim_at(&mut self, model: &Model, t: u64) {
        let t = t.saturating_add_signed(self.random.between(-1, 1));
        if t >= model.t && t - model.t < 20_000_000_000 {
            self.aim = Some(t);
        }
    }

    /// Aims an order at the end of something that it is checked against: a bucket's wait, an age.
    fn aim_order(&mut self, model: &Model, instrument: u32) {
        let Some(known) = model.instruments.get(&instrument) else {
            return;
        };
        let mut ends: Vec<u64> = Vec::new();
        for (key, limit) in &model.limits {
            let value = u64::try_from(limit.value).unwrap_or(0);
            match key.kind {
                LimitKind::OrderRate if limit.finite() && value > 0 => {
                    let spacing = limit.window.div_ceil(value);
                    ends.push((limit.arrival + spacing).saturating_sub(value * spacing));
                }
                LimitKind::ReferenceMaxAge if limit.finite() => {
                    ends.extend(known.reference.map(|(_, t)| t + value));
                }
                _ => {}
            }
        }
        if let Some(currency) = model.currencies.get(&known.def.currency) {
            let rate = currency.rate.zip(currency.max_age);
            ends.extend(rate.map(|((_, t), age)| t.saturating_add(age)));
        }
        ends.retain(|t| *t >= model.t);
        if !ends.is_empty() {
            let end = self.random.pick(&ends);
            self.aim_at(model, end);
        }
    }

    /// Something at the end of a temporary limit or of a session's grace.
    fn aim_deadline(&mut self, model: &Model) -> Item {
        let limits = model.limits.values().filter_map(|l| l.expires);
        let graces = model.sessions.values().filter_map(|s| s.deadline);
        let ends: Vec<u64> = limits.chain(graces).collect();
        let item = self.new_order(model);
        if !ends.is_empty() {
            let end = self.random.pick(&ends);
            self.aim_at(model, end);
        }
        item
    }

    /// An account of the firm, or none.
    fn account_or_none(&mut self) -> u32 {
        let accounts: Vec<u32> = ACCOUNTS.iter().map(|(a, _)| *a).chain([77]).collect();
        self.random.pick(&accounts)
    }
}
