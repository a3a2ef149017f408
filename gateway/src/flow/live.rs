//! The orders a source has opened, and what each has left.
//!
//! This is what makes a flow trustworthy: whatever a file claims, no event
//! leaves a reader that would take an order below zero or name one that is
//! not there. Closed orders are remembered, to tell *closed* from *unknown*.

use std::collections::HashMap;

use super::{Side, accounting::UnmatchedReason};

/// An order as the source has left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LiveOrder {
    pub(super) side: Side,
    pub(super) price_e8: i64,
    /// Total order quantity. Invariant: filled + leaves = qty while live.
    pub(super) qty: u64,
    /// What is left; zero once closed.
    pub(super) leaves: u64,
}

/// All orders of a flow by number. Only looked up, never iterated: the map's
/// order cannot reach an event.
#[derive(Debug, Default)]
pub(super) struct LiveOrders {
    orders: HashMap<u64, LiveOrder>,
}

impl LiveOrders {
    pub(super) fn open(
        &mut self,
        order_ref: u64,
        side: Side,
        price_e8: i64,
        qty: u64,
    ) -> Result<(), UnmatchedReason> {
        if self.orders.contains_key(&order_ref) {
            return Err(UnmatchedReason::DuplicateOrder);
        }
        let order = LiveOrder {
            side,
            price_e8,
            qty,
            leaves: qty,
        };
        self.orders.insert(order_ref, order);
        Ok(())
    }

    /// Takes `by` off a live order and returns it as it is afterwards. Taking
    /// all that is left closes it.
    pub(super) fn reduce(
        &mut self,
        order_ref: u64,
        side: Side,
        by: u64,
    ) -> Result<LiveOrder, UnmatchedReason> {
        let order = self.live(order_ref, side)?;
        if by > order.leaves {
            return Err(UnmatchedReason::NotWhatIsLeft);
        }
        order.leaves -= by;
        order.qty -= by;
        Ok(*order)
    }

    /// Closes a live order of which the source says that `left` was left.
    pub(super) fn cancel(
        &mut self,
        order_ref: u64,
        side: Side,
        left: u64,
    ) -> Result<(), UnmatchedReason> {
        let order = self.live(order_ref, side)?;
        if left != order.leaves {
            return Err(UnmatchedReason::NotWhatIsLeft);
        }
        order.leaves = 0;
        Ok(())
    }

    pub(super) fn fill(
        &mut self,
        order_ref: u64,
        side: Side,
        qty: u64,
    ) -> Result<(), UnmatchedReason> {
        let order = self.live(order_ref, side)?;
        if qty > order.leaves {
            return Err(UnmatchedReason::NotWhatIsLeft);
        }
        order.leaves -= qty;
        Ok(())
    }

    /// Gives a live order another size, up or down.
    #[cfg(test)]
    pub(super) fn resize(&mut self, order_ref: u64, qty: u64, leaves: u64) {
        if let Some(order) = self.orders.get_mut(&order_ref) {
            (order.qty, order.leaves) = (qty, leaves);
        }
    }

    fn live(&mut self, order_ref: u64, side: Side) -> Result<&mut LiveOrder, UnmatchedReason> {
        let order = self
            .orders
            .get_mut(&order_ref)
            .ok_or(UnmatchedReason::OrderNotInFile)?;
        if order.side != side {
            return Err(UnmatchedReason::OtherSide);
        }
        if order.leaves == 0 {
            return Err(UnmatchedReason::OrderClosed);
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_order() -> LiveOrders {
        let mut orders = LiveOrders::default();
        orders.open(1, Side::Buy, 100, 10).unwrap();
        orders
    }

    #[test]
    fn a_fill_of_all_that_is_left_is_taken_and_one_more_is_not() {
        let mut orders = one_order();
        orders.fill(1, Side::Buy, 4).unwrap();
        assert_eq!(
            orders.fill(1, Side::Buy, 7),
            Err(UnmatchedReason::NotWhatIsLeft)
        );
        orders.fill(1, Side::Buy, 6).unwrap();
        assert_eq!(
            orders.fill(1, Side::Buy, 1),
            Err(UnmatchedReason::OrderClosed)
        );
    }

    #[test]
    fn a_reduction_keeps_what_is_filled_in_the_total() {
        let mut orders = one_order();
        orders.fill(1, Side::Buy, 4).unwrap();
        let order = orders.reduce(1, Side::Buy, 5).unwrap();
        assert_eq!((order.qty, order.leaves), (5, 1));
        assert_eq!(
            orders.reduce(1, Side::Buy, 2),
            Err(UnmatchedReason::NotWhatIsLeft)
        );
    }

    #[test]
    fn unknown_closed_repeated_and_other_sided_are_told_apart() {
        let mut orders = one_order();
        assert_eq!(
            orders.cancel(2, Side::Buy, 10),
            Err(UnmatchedReason::OrderNotInFile)
        );
        assert_eq!(
            orders.cancel(1, Side::Sell, 10),
            Err(UnmatchedReason::OtherSide)
        );
        assert_eq!(
            orders.cancel(1, Side::Buy, 9),
            Err(UnmatchedReason::NotWhatIsLeft)
        );
        orders.cancel(1, Side::Buy, 10).unwrap();
        assert_eq!(
            orders.cancel(1, Side::Buy, 10),
            Err(UnmatchedReason::OrderClosed)
        );
        assert_eq!(
            orders.open(1, Side::Buy, 100, 10),
            Err(UnmatchedReason::DuplicateOrder)
        );
    }
}
