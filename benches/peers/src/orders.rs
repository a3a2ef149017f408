//! What Redis and PostgreSQL are asked: new orders drawn as the desk of a measurement draws them, two in
//! a hundred larger than allowed, each with the answer that it must get.

use gateway::bench::desk::{ACCOUNTS, LOTS_MAX, REFUSED_ONE_IN};
use gateway::bench::random::Random;

/// Desks of the firm, and so the clients that can ask at the same time.
pub(crate) const DESKS: u32 = 16;
/// Accounts of the firm.
pub(crate) const ALL_ACCOUNTS: u32 = ACCOUNTS * DESKS;
/// Instruments.
pub(crate) const INSTRUMENTS: u32 = 50;
/// Largest quantity of an order, in lots.
pub(crate) const QTY_MAX: i64 = 10_000;
/// Reference price of every instrument, in cents.
pub(crate) const REFERENCE: i64 = 10_000;
/// Largest value of an order, in cents.
pub(crate) const VALUE_MAX: i64 = 1_000_000_000;
/// How far a price may be from the reference, in basis points.
pub(crate) const COLLAR: i64 = 1_000;
/// Limit of a position, in lots: checked, and never reached.
pub(crate) const POSITION_MAX: i64 = 10_000_000;
/// Limit of a gross value, in cents: checked, and never reached. A Lua number holds it exactly.
pub(crate) const GROSS_MAX: i64 = 1_000_000_000_000_000;
/// The code of an order that is too large.
const TOO_LARGE: i64 = 208;

/// An order in whole cents and lots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    /// 1 buys, 2 sells.
    pub(crate) side: i32,
    pub(crate) price: i64,
    pub(crate) qty: i64,
    pub(crate) id: u64,
    /// What must be answered: 0, or the code of the refusal.
    pub(crate) code: i64,
}

impl Order {
    /// What it reserves, in cents.
    pub(crate) fn reserves(&self) -> i64 {
        match self.code {
            0 => self.price * self.qty,
            _ => 0,
        }
    }
}

/// The orders of one client, which trades for the accounts of one desk.
#[derive(Debug)]
pub(crate) struct Orders {
    random: Random,
    desk: u32,
    next_id: u64,
    /// What its orders have reserved since it was last asked, in cents.
    reserved: i64,
    accepted: i64,
}

impl Orders {
    pub(crate) fn new(desk: u32) -> Self {
        Self {
            random: Random::new(u64::from(desk)),
            desk,
            // No run sends as many.
            next_id: u64::from(desk) << 40,
            reserved: 0,
            accepted: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Order {
        self.next_id += 1;
        let account = self.random.below(ACCOUNTS) * DESKS + self.desk;
        let too_large = self.random.one_in(REFUSED_ONE_IN);
        let lots = i64::from(self.random.between(1, LOTS_MAX));
        let order = Order {
            account,
            instrument: self.random.below(INSTRUMENTS) + 1,
            side: if self.random.one_in(2) { 1 } else { 2 },
            price: REFERENCE - 100 + i64::from(self.random.below(200)),
            qty: if too_large { QTY_MAX + 1 } else { lots },
            id: self.next_id,
            code: if too_large { TOO_LARGE } else { 0 },
        };
        self.reserved += order.reserves();
        self.accepted += i64::from(order.code == 0);
        order
    }

    /// Orders accepted, and what they reserve in cents, since this was last asked: what the server must
    /// hold by then.
    pub(crate) fn take_books(&mut self) -> (i64, i64) {
        (
            std::mem::take(&mut self.accepted),
            std::mem::take(&mut self.reserved),
        )
    }
}
