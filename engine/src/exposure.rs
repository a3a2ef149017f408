//! Exposure: what is held, what is open and what is reserved, summed through the tree.
//!
//! A *row* is (scope, instrument). Each row adds to two *sums*: that of its scope over its product
//! group and that of its scope over all instruments. An account's row leads to the desk's and the
//! firm's row of the same instrument; filled positions net on the way up, open buys and sells never do.
//!
//! Invariant: a sum equals the fold of its rows' contributions; [`Exposure::check`] recomputes it.

use crate::instrument::Instruments;
use crate::limits::{Limits, SetKey};
use crate::table::Table;
use crate::tree::{CHAIN, FIRM, Tree};
use wire::{Scope, Selector};

/// Position and open exposure of one scope in one instrument. Quantities in 10⁻⁸, values in 10⁻⁴.
///
/// What every order reads and writes stands in the first two cache lines, what fills move behind it.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Row {
    /// Signed filled position.
    pub(crate) position: i128,
    /// Open quantity of live buys.
    pub(crate) open_buy: i128,
    /// Open quantity of live sells.
    pub(crate) open_sell: i128,
    /// Reserved value of live buys.
    pub(crate) reserved_buy: i128,
    /// Reserved value of live sells.
    pub(crate) reserved_sell: i128,
    /// Signed value of the position at the mark; 0 where mark or rate is missing.
    pub(crate) value: i128,
    /// Live orders.
    pub(crate) live: i64,
    /// Limits of this scope on this instrument.
    pub(crate) limits: u32,
    /// Sum over the product group.
    pub(crate) group: u32,
    /// Sum over all instruments.
    pub(crate) all: u32,
    /// Rows of desk and firm in the same instrument (accounts only).
    pub(crate) desk_row: u32,
    pub(crate) firm_row: u32,
    pub(crate) scope: u32,
    /// Value of today's buys and sells at their fill prices, each rounded up, 10⁻⁴.
    pub(crate) bought: i128,
    pub(crate) sold: i128,
    /// Position at the roll, and Σ ±quantity · price of today's fills (buys +) in 10⁻¹⁶.
    pub(crate) opening: i128,
    pub(crate) traded: i128,
    /// Profit and loss of the day in 10⁻⁴; 0 where mark or rate is missing.
    pub(crate) profit: i128,
    /// Fills since the roll (accounts only): a position load is `loaded + fills since the roll`.
    pub(crate) day_fills: i128,
    pub(crate) instrument: u32,
    next_of_instrument: Option<u32>,
    next_of_scope: Option<u32>,
    unmarked: bool,
    unrated: bool,
    pub(crate) saturated: bool,
}

impl Row {
    /// Worst case of the value: |V + OB| or |V − OS|.
    pub(crate) fn gross(&self) -> i128 {
        gross(self.value, self.reserved_buy, self.reserved_sell)
    }

    /// What the row adds to its sums.
    pub(crate) fn contribution(&self) -> Sums {
        Sums {
            gross: self.gross(),
            long: self.value + self.reserved_buy,
            short: self.reserved_sell - self.value,
            live: self.live,
            buying: self.bought + self.reserved_buy,
            selling: self.sold + self.reserved_sell,
            profit: self.profit,
            unmarked: i64::from(self.unmarked),
            unrated: i64::from(self.unrated),
        }
    }
}

/// max(|V + OB|, |V − OS|).
pub(crate) fn gross(value: i128, reserved_buy: i128, reserved_sell: i128) -> i128 {
    (value + reserved_buy)
        .abs()
        .max((value - reserved_sell).abs())
}

/// Totals of a scope over a product group or over all instruments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Σ max(|V + OB|, |V − OS|).
    pub(crate) gross: i128,
    /// Σ (V + OB).
    pub(crate) long: i128,
    /// −Σ (V − OS).
    pub(crate) short: i128,
    /// Live orders.
    pub(crate) live: i64,
    /// Σ of today's buys and live buys.
    pub(crate) buying: i128,
    /// Σ of today's sells and live sells.
    pub(crate) selling: i128,
    /// Σ of the day's profit and loss.
    pub(crate) profit: i128,
    /// Held instruments without mark.
    pub(crate) unmarked: i64,
    /// Held instruments without rate.
    pub(crate) unrated: i64,
}

/// A sum with its place and the limits on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Total {
    pub(crate) sums: Sums,
    pub(crate) limits: u32,
}

/// What covers the sells of one account in one instrument (C18). Quantities in 10⁻⁸.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ShortBook {
    /// Settled position as loaded today.
    pub(crate) settled: i64,
    /// Today's fills of plain sells; busted ones still count.
    pub(crate) sold: i64,
    /// Located quantity as loaded today, and what accepted short sells have used of it.
    pub(crate) locates: i64,
    pub(crate) located_used: i64,
    /// Leaves of live plain sells.
    pub(crate) live_sells: i64,
}

/// A change of open exposure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) buy: bool,
    pub(crate) qty: i128,
    pub(crate) value: i128,
    pub(crate) live: i64,
    /// Signed change of the filled position.
    pub(crate) position: i128,
    /// Value of a fill of today on the delta's side, 10⁻⁴.
    pub(crate) turnover: i128,
    /// Change of the position at the roll: what moves P without profit or loss.
    pub(crate) opening: i128,
    /// Σ ±quantity · price of today's fills, 10⁻¹⁶.
    pub(crate) traded: i128,
}

/// All rows and sums.
#[derive(Debug, Clone)]
pub(crate) struct Exposure {
    rows: Vec<Row>,
    /// One book for each row, used for accounts only.
    shorts: Vec<ShortBook>,
    by_place: Table<u64>,
    totals: Vec<Total>,
    /// (scope, group) → total.
    groups: Table<u64>,
    /// scope → total over all instruments.
    alls: Vec<u32>,
    /// scope → head of the list of its rows.
    first_of_scope: Vec<Option<u32>>,
    capacity: usize,
}

fn place(scope: u32, other: u32) -> u64 {
    (u64::from(scope) << 32) | u64::from(other)
}

impl Exposure {
    pub(crate) fn with_capacity(rows: usize, scopes: usize) -> Self {
        let totals = rows.saturating_add(scopes);
        Self {
            rows: Vec::with_capacity(rows),
            shorts: Vec::with_capacity(rows),
            by_place: Table::with_capacity(rows, 0),
            totals: Vec::with_capacity(totals),
            groups: Table::with_capacity(rows, 0),
            alls: Vec::with_capacity(scopes),
            first_of_scope: Vec::with_capacity(scopes),
            capacity: rows,
        }
    }

    /// Prepares the sums of a new scope. Scopes are added in order of their slots.
    pub(crate) fn add_scope(&mut self, scope: u32) {
        debug_assert_eq!(self.alls.len(), scope as usize, "scopes come in order");
        let total = self.push_total();
        self.alls.push(total);
        self.first_of_scope.push(None);
    }

    fn push_total(&mut self) -> u32 {
        let slot = u32::try_from(self.totals.len()).unwrap_or(u32::MAX);
        self.totals.push(Total {
            sums: Sums::default(),
            limits: 0,
        });
        slot
    }

    pub(crate) fn is_nearly_full(&self) -> bool {
        self.rows.len().saturating_mul(10) >= self.capacity.saturating_mul(9)
    }

    /// Whether the table has grown past its size.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= self.capacity
    }

    pub(crate) fn find(&self, scope: u32, instrument: u32) -> Option<u32> {
        self.by_place.get(place(scope, instrument))
    }

    pub(crate) fn row(&self, slot: u32) -> &Row {
        &self.rows[slot as usize]
    }

    pub(crate) fn row_mut(&mut self, slot: u32) -> &mut Row {
        &mut self.rows[slot as usize]
    }

    pub(crate) fn short(&self, slot: u32) -> &ShortBook {
        &self.shorts[slot as usize]
    }

    pub(crate) fn short_mut(&mut self, slot: u32) -> &mut ShortBook {
        &mut self.shorts[slot as usize]
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub(crate) fn total(&self, slot: u32) -> &Total {
        &self.totals[slot as usize]
    }

    pub(crate) fn total_mut(&mut self, slot: u32) -> &mut Total {
        &mut self.totals[slot as usize]
    }

    /// Total of a scope over all instruments.
    pub(crate) fn all_of(&self, scope: u32) -> u32 {
        self.alls[scope as usize]
    }

    /// Total of a scope over a product group, if there ever was a row or a limit there.
    pub(crate) fn group_of(&self, scope: u32, group: u32) -> Option<u32> {
        self.groups.get(place(scope, group))
    }

    /// Total of a scope over a product group, made if need be.
    pub(crate) fn group_or_new(&mut self, scope: u32, group: u32) -> u32 {
        self.groups.get(place(scope, group)).unwrap_or_else(|| {
            let total = self.push_total();
            self.groups.insert(place(scope, group), total);
            total
        })
    }

    /// The row of (scope, instrument), made if need be.
    pub(crate) fn row_or_new(
        &mut self,
        scope: u32,
        instrument: u32,
        tree: &Tree,
        instruments: &mut Instruments,
        limits: &Limits,
    ) -> u32 {
        if let Some(slot) = self.find(scope, instrument) {
            return slot;
        }
        let node = tree.get(scope);
        let (mut desk_row, mut firm_row) = (u32::MAX, u32::MAX);
        if node.scope == Scope::Account {
            desk_row = self.row_or_new(node.desk, instrument, tree, instruments, limits);
            firm_row = self.row_or_new(FIRM, instrument, tree, instruments, limits);
        }
        let group_id = instruments.get(instrument).definition.product_group;
        let group = self.group_or_new(scope, group_id);
        let all = self.all_of(scope);
        let slot = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let head = instruments.get_mut(instrument);
        self.rows.push(Row {
            scope,
            instrument,
            position: 0,
            open_buy: 0,
            open_sell: 0,
            reserved_buy: 0,
            reserved_sell: 0,
            value: 0,
            live: 0,
            bought: 0,
            sold: 0,
            opening: 0,
            traded: 0,
            profit: 0,
            day_fills: 0,
            limits: limits.set_of(SetKey {
                scope,
                selector: Selector::Instrument,
                selector_id: head.id,
            }),
            group,
            all,
            desk_row,
            firm_row,
            next_of_instrument: head.first_row,
            next_of_scope: self.first_of_scope[scope as usize],
            unmarked: false,
            unrated: false,
            saturated: false,
        });
        self.shorts.push(ShortBook::default());
        head.first_row = Some(slot);
        self.first_of_scope[scope as usize] = Some(slot);
        self.by_place.insert(place(scope, instrument), slot);
        slot
    }

    /// The rows of a chain, from the account's and the trader's: account, desk, firm, trader.
    pub(crate) fn chain_rows(&self, account_row: u32, trader_row: u32) -> [u32; CHAIN] {
        let row = self.row(account_row);
        [account_row, row.desk_row, row.firm_row, trader_row]
    }

    /// Applies a change to one row and to its two sums.
    pub(crate) fn apply(&mut self, slot: u32, delta: Delta, instruments: &Instruments) {
        if delta.position != 0 || delta.traded != 0 || delta.opening != 0 {
            self.apply_fill(slot, delta, instruments);
            return;
        }
        let row = &mut self.rows[slot as usize];
        let gross = row.gross();
        if delta.buy {
            row.open_buy += delta.qty;
            row.reserved_buy += delta.value;
            row.bought += delta.turnover;
        } else {
            row.open_sell += delta.qty;
            row.reserved_sell += delta.value;
            row.sold += delta.turnover;
        }
        row.live += delta.live;
        let change = row.gross() - gross;
        for total in [row.group, row.all] {
            let sums = &mut self.totals[total as usize].sums;
            sums.gross += change;
            sums.live += delta.live;
            if delta.buy {
                sums.long += delta.value;
                sums.buying += delta.value + delta.turnover;
            } else {
                sums.short += delta.value;
                sums.selling += delta.value + delta.turnover;
            }
        }
    }

    /// Applies a change that moves what is valued at the mark.
    fn apply_fill(&mut self, slot: u32, delta: Delta, instruments: &Instruments) {
        let row = &mut self.rows[slot as usize];
        let before = row.contribution();
        if delta.buy {
            row.open_buy += delta.qty;
            row.reserved_buy += delta.value;
            row.bought += delta.turnover;
        } else {
            row.open_sell += delta.qty;
            row.reserved_sell += delta.value;
            row.sold += delta.turnover;
        }
        row.live += delta.live;
        row.position += delta.position;
        row.opening += delta.opening;
        row.traded += delta.traded;
        revalue(row, instruments);
        self.settle(slot, before);
    }

    /// Values a row's position anew, after a change of mark or rate.
    pub(crate) fn remark(&mut self, slot: u32, instruments: &Instruments) {
        let row = &mut self.rows[slot as usize];
        let before = row.contribution();
        revalue(row, instruments);
        self.settle(slot, before);
    }

    /// Carries what changed in a row into its sums.
    fn settle(&mut self, slot: u32, before: Sums) {
        let row = &self.rows[slot as usize];
        let (after, group, all) = (row.contribution(), row.group, row.all);
        for total in [group, all] {
            let sums = &mut self.totals[total as usize].sums;
            sums.gross += after.gross - before.gross;
            sums.long += after.long - before.long;
            sums.short += after.short - before.short;
            sums.live += after.live - before.live;
            sums.buying += after.buying - before.buying;
            sums.selling += after.selling - before.selling;
            sums.profit += after.profit - before.profit;
            sums.unmarked += after.unmarked - before.unmarked;
            sums.unrated += after.unrated - before.unrated;
        }
    }

    /// Slots of an instrument's rows.
    pub(crate) fn rows_of_instrument(&self, first: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(first, |slot| self.row(*slot).next_of_instrument)
    }

    /// Slots of a scope's rows.
    pub(crate) fn rows_of_scope(&self, scope: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.first_of_scope[scope as usize], |slot| {
            self.row(*slot).next_of_scope
        })
    }

    /// Fills, turnover and profit of the day begin anew; what is held is the day's opening.
    pub(crate) fn start_day(&mut self, instruments: &Instruments) {
        for slot in 0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX) {
            let row = &mut self.rows[slot as usize];
            let before = row.contribution();
            (row.day_fills, row.bought, row.sold) = (0, 0, 0);
            (row.opening, row.traded) = (row.position, 0);
            revalue(row, instruments);
            self.settle(slot, before);
        }
        for book in &mut self.shorts {
            *book = ShortBook {
                live_sells: book.live_sells,
                ..ShortBook::default()
            };
        }
    }

    /// What an account's row would take away from or bring to a desk (R28).
    pub(crate) fn transfer(&self, account_row: u32, sign: i128, live_sign: i64) -> [Delta; 2] {
        let row = self.row(account_row);
        [
            Delta {
                buy: true,
                qty: sign * row.open_buy,
                value: sign * row.reserved_buy,
                live: live_sign * row.live,
                position: sign * row.position,
                turnover: sign * row.bought,
                opening: sign * row.opening,
                traded: sign * row.traded,
            },
            Delta {
                qty: sign * row.open_sell,
                value: sign * row.reserved_sell,
                turnover: sign * row.sold,
                ..Delta::default()
            },
        ]
    }

    /// Recomputes every sum from its rows.
    ///
    /// # Panics
    /// If one differs: the engine must stop closed.
    pub(crate) fn check(&self) {
        let mut totals = vec![Sums::default(); self.totals.len()];
        for slot in 0..self.rows.len() {
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let part = self.row(slot).contribution();
            for total in [self.row(slot).group, self.row(slot).all] {
                let sums = &mut totals[total as usize];
                sums.gross += part.gross;
                sums.long += part.long;
                sums.short += part.short;
                sums.live += part.live;
                sums.buying += part.buying;
                sums.selling += part.selling;
                sums.profit += part.profit;
                sums.unmarked += part.unmarked;
                sums.unrated += part.unrated;
            }
        }
        for (have, want) in self.totals.iter().zip(&totals) {
            assert_eq!(&have.sums, want, "a sum equals the fold of its rows");
        }
    }
}

fn revalue(row: &mut Row, instruments: &Instruments) {
    let instrument = instruments.get(row.instrument);
    let held = row.position != 0;
    row.unmarked = held && instrument.mark.is_none();
    row.unrated = held && instrument.factor.is_none();
    (row.value, row.saturated) = match (instrument.mark, instrument.factor) {
        (Some(mark), Some(factor)) if held => factor.position_value(row.position, mark),
        _ => (0, false),
    };
    row.profit = day_profit(row, instruments).unwrap_or(0);
}

/// P·mark − P₀·mark₀ − Σ(±q·px of today's fills), times k, rounded once toward −∞.
pub(crate) fn day_profit(row: &Row, instruments: &Instruments) -> Option<i128> {
    let instrument = instruments.get(row.instrument);
    let worth = |position: i128, mark: Option<i64>| {
        if position == 0 {
            return Some(0);
        }
        crate::units::product(position, mark?)
    };
    let now = worth(row.position, instrument.mark)?;
    let opening = worth(row.opening, instrument.opening_mark)?;
    let sum = now.checked_sub(opening)?.checked_sub(row.traded)?;
    Some(instrument.factor?.profit(sum))
}
