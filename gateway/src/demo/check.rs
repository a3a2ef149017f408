//! The server's answers to queries against the clients' own books.

use super::tally::Place;
use super::world::World;
use std::collections::{BTreeMap, BTreeSet};
use wire::{OpenOrderReport, PositionReport, Query, QueryWhat, Reply, Scope, Side};

/// The result of one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) positions: usize,
    pub(super) open_orders: usize,
    pub(super) equal: bool,
}

impl World {
    /// Compares positions, open quantities and live orders of every account; whatever differs is noted.
    pub(super) fn compare(&mut self, when: &str) -> anyhow::Result<Compared> {
        let before = self.tally.wrong.len();
        let rows = self.query_positions()?;
        let orders = self.query_orders()?;
        let told = &self.tally.told;
        let differ = told != &self.tally.reported;
        self.tally.expect(!differ, || {
            format!("{when}: fills reported and fills told to the desks differ")
        });

        let mine = self.tally.positions();
        let theirs: BTreeMap<Place, i128> = rows
            .iter()
            .filter(|row| row.net_qty.0 != 0)
            .map(|row| ((row.scope_id, row.instrument_id), i128::from(row.net_qty.0)))
            .collect();
        self.tally.expect(mine == theirs, || {
            format!("{when}: positions differ: clients {mine:?}, server {theirs:?}")
        });

        let (mut buys, mut sells) = (BTreeMap::new(), BTreeMap::new());
        let mut own = BTreeSet::new();
        for order in self.live().map(|index| &self.orders[index]) {
            let open = if order.side == Side::Buy {
                &mut buys
            } else {
                &mut sells
            };
            let sum: &mut i64 = open.entry((order.account, order.instrument)).or_default();
            *sum += order.leaves_e8();
            own.insert((
                order.order_id,
                order.account,
                order.leaves_e8(),
                order.cum_e8,
            ));
        }
        for row in &rows {
            let place = (row.scope_id, row.instrument_id);
            let open = |side: &BTreeMap<Place, i64>| side.get(&place).copied().unwrap_or(0);
            let (buy, sell) = (open(&buys), open(&sells));
            let equal = (row.open_buy_qty.0, row.open_sell_qty.0) == (buy, sell);
            self.tally.expect(equal, || {
                format!(
                    "{when}: open quantities of {place:?}: clients {buy} and {sell}, server {} and {}",
                    row.open_buy_qty.0, row.open_sell_qty.0
                )
            });
        }
        let theirs: BTreeSet<_> = orders
            .iter()
            .map(|o| (o.order_id, o.account, o.leaves_qty.0, o.cum_qty.0))
            .collect();
        let difference = own.symmetric_difference(&theirs).count();
        self.tally.expect(difference == 0, || {
            let some: Vec<_> = own.symmetric_difference(&theirs).take(4).collect();
            format!("{when}: live orders differ in {difference} places, such as {some:?}")
        });
        Ok(Compared {
            positions: mine.len(),
            open_orders: own.len(),
            equal: self.tally.wrong.len() == before,
        })
    }

    fn query_positions(&mut self) -> anyhow::Result<Vec<PositionReport>> {
        let query = Query {
            what: QueryWhat::Positions,
            scope: Scope::Account,
            ..everything()
        };
        let rows = self.risk.query(query)?.into_iter();
        Ok(rows.filter_map(position).collect())
    }

    pub(super) fn query_orders(&mut self) -> anyhow::Result<Vec<OpenOrderReport>> {
        let query = Query {
            what: QueryWhat::OpenOrders,
            ..everything()
        };
        let rows = self.risk.query(query)?.into_iter();
        Ok(rows.filter_map(open_order).collect())
    }
}

fn position(reply: Reply) -> Option<PositionReport> {
    if let Reply::PositionReport(row) = reply {
        Some(row)
    } else {
        None
    }
}

fn open_order(reply: Reply) -> Option<OpenOrderReport> {
    if let Reply::OpenOrderReport(row) = reply {
        Some(row)
    } else {
        None
    }
}

/// A query without filters.
pub(super) fn everything() -> Query {
    Query {
        scope_id: u32::MAX,
        instrument_id: u32::MAX,
        scope: Scope::NULL,
        ..Query::default()
    }
}
