//! Synthetic attribution of real flow: which account an order is played for.
//!
//! No public feed names accounts. To drive a firm with accounts, desks and
//! traders, an order is given to one of each by a hash of its number: the same
//! file gives the same attribution on every machine, in every run, whatever
//! else is in the file. It says nothing about who really traded.

use std::num::NonZeroU32;

use super::random::splitmix64;

/// The size of the firm that flow is attributed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribution {
    /// How many accounts there are.
    pub accounts: NonZeroU32,
    /// How many desks the accounts are spread over.
    pub desks: NonZeroU32,
    /// How many traders sit at the desks.
    pub traders: NonZeroU32,
}

/// For whom an order is played: indices from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributed {
    /// Index of the account.
    pub account: u32,
    /// Index of the account's desk.
    pub desk: u32,
    /// Index of the trader.
    pub trader: u32,
}

impl Attribution {
    /// Attributes an order, once and for all its life.
    ///
    /// account = splitmix64(order) mod accounts, desk = account mod desks (an
    /// account has one desk), and the trader is one of those at the desk
    /// (trader mod desks = desk), chosen by hashing once more. With fewer
    /// traders than desks, some trader serves several desks.
    #[must_use]
    pub fn attribute(&self, order_ref: u64) -> Attributed {
        let hash = splitmix64(order_ref);
        let account = below(hash, self.accounts);
        let desk = self.desk_of(account);
        let (desks, traders) = (self.desks.get(), self.traders.get());
        let seats = traders / desks + u32::from(desk < traders % desks);
        let trader = match NonZeroU32::new(seats) {
            Some(seats) => desk + desks * below(splitmix64(hash), seats),
            None => desk % traders,
        };
        Attributed {
            account,
            desk,
            trader,
        }
    }

    /// The desk an account belongs to.
    #[must_use]
    pub fn desk_of(&self, account: u32) -> u32 {
        account % self.desks.get()
    }
}

/// A hash brought below `bound`. The bias of a remainder is under 2⁻³² here.
fn below(hash: u64, bound: NonZeroU32) -> u32 {
    // A remainder by a u32 fits a u32, so that the fallback is never taken.
    u32::try_from(hash % u64::from(bound.get())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn firm(accounts: u32, desks: u32, traders: u32) -> Attribution {
        Attribution {
            accounts: NonZeroU32::new(accounts).unwrap(),
            desks: NonZeroU32::new(desks).unwrap(),
            traders: NonZeroU32::new(traders).unwrap(),
        }
    }

    #[test]
    fn an_order_goes_to_the_same_place_every_time() {
        let firm = firm(8, 3, 10);
        // Pinned: a change here would silently re-attribute every recorded run.
        let table = [
            (16_113_575, 0, 0, 9),
            (16_113_584, 4, 1, 7),
            (30, 6, 0, 9),
            (1, 1, 1, 7),
        ];
        for (order_ref, account, desk, trader) in table {
            let pinned = Attributed {
                account,
                desk,
                trader,
            };
            assert_eq!(firm.attribute(order_ref), pinned, "order {order_ref}");
        }
    }

    #[test]
    fn an_account_has_one_desk_and_a_trader_sits_at_it() {
        let firm = firm(8, 3, 10);
        for order_ref in 0..10_000 {
            let to = firm.attribute(order_ref);
            assert!(to.account < 8 && to.desk < 3 && to.trader < 10);
            assert_eq!(to.desk, to.account % 3);
            assert_eq!(to.trader % 3, to.desk);
        }
    }

    #[test]
    fn fewer_traders_than_desks_still_gives_a_trader() {
        let firm = firm(8, 4, 2);
        assert!((0..1_000).all(|order_ref| firm.attribute(order_ref).trader < 2));
    }

    #[test]
    fn neighbouring_orders_spread_evenly_over_accounts() {
        let firm = firm(10, 2, 4);
        let mut orders = BTreeMap::new();
        for order_ref in 0..10_000 {
            *orders.entry(firm.attribute(order_ref).account).or_insert(0) += 1;
        }
        assert_eq!(orders.len(), 10);
        assert!(
            orders.values().all(|&n| (850..1_150).contains(&n)),
            "{orders:?}"
        );
    }
}
