//! What is used of a limit, as the lines of a row and of its sums tell it.

use super::{BUY, Exposure, Line, SELL, SumLine, fit};
use wire::LimitKind;

/// A row that stands in its line, with its sums over group and all that stand in theirs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines<'a> {
    pub(crate) row: &'a Line,
    /// Kept where a limit looks at it.
    pub(crate) group: Option<&'a SumLine>,
    pub(crate) all: &'a SumLine,
}

/// A row with the sum that a limit looks at; without one it looks at the row alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uses<'a> {
    pub(crate) slot: u32,
    pub(crate) row: &'a Line,
    pub(crate) sums: Option<&'a SumLine>,
}

impl Exposure {
    /// What orders read of a row; `None` where there is no such row.
    #[inline(always)]
    pub(crate) fn find_line(&self, slot: u32) -> Option<&Line> {
        self.rows.lines.get(slot as usize)
    }

    /// The lines of a row and its sums; `None` where one has outgrown its line.
    #[inline(always)]
    pub(crate) fn lines<'a>(&'a self, row: &'a Line) -> Option<Lines<'a>> {
        let (group, all) = (self.group_line(row.group), self.all_line(row.scope));
        let beside = row.is_beside() | all.is_beside() | group.is_some_and(SumLine::is_beside);
        (!beside).then_some(Lines { row, group, all })
    }

    /// Use of a limit of this kind; `None` for kinds that are not used up. What one order adds does not
    /// overflow it.
    #[inline(always)]
    pub(crate) fn used(&self, uses: &Uses<'_>, kind: LimitKind) -> Option<i64> {
        let row = uses.row;
        Some(match (kind, uses.sums) {
            // One bound for each instrument: this row alone can raise the highest use.
            (LimitKind::MaxLong, _) => row.position + row.open[BUY],
            (LimitKind::MaxShort, _) => row.open[SELL] - row.position,
            (LimitKind::MaxOpenOrders, Some(sums)) => i64::from(sums.live),
            (LimitKind::MaxOpenOrders, None) => i64::from(row.live),
            (LimitKind::GrossNotional, Some(sums)) => sums.gross,
            (LimitKind::GrossNotional, None) => row.gross(),
            (LimitKind::NetLong, Some(sums)) => sums.net[BUY],
            (LimitKind::NetLong, None) => row.value + row.reserved[BUY],
            (LimitKind::NetShort, Some(sums)) => sums.net[SELL],
            (LimitKind::NetShort, None) => row.reserved[SELL] - row.value,
            (LimitKind::DailyBuyTurnover, Some(sums)) => sums.turnover[BUY],
            (LimitKind::DailySellTurnover, Some(sums)) => sums.turnover[SELL],
            (LimitKind::DailyTurnover, Some(sums)) => sums.turnover[BUY] + sums.turnover[SELL],
            (LimitKind::DailyLoss, Some(sums)) => -sums.profit,
            _ => return self.used_by_fills(uses, kind),
        })
    }

    /// The rest: what the row's fills of the day used.
    #[cold]
    fn used_by_fills(&self, uses: &Uses<'_>, kind: LimitKind) -> Option<i64> {
        // An order may be the first in its row.
        let tail = self.rows.tails.get(uses.slot as usize).copied();
        let tail = tail.unwrap_or_default();
        let buying = tail.bought + i128::from(uses.row.reserved[BUY]);
        let selling = tail.sold + i128::from(uses.row.reserved[SELL]);
        let used = match kind {
            LimitKind::DailyBuyTurnover => buying,
            LimitKind::DailySellTurnover => selling,
            LimitKind::DailyTurnover => buying + selling,
            LimitKind::DailyLoss => -tail.profit,
            _ => return None,
        };
        i64::try_from(used).ok().filter(|used| fit([*used]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposure::links::Links;
    use crate::exposure::{NO_GROUP, Sums};

    #[test]
    fn lines_are_only_used_while_a_row_and_both_its_sums_fit_theirs() {
        let huge = Sums {
            gross: 1 << 90,
            ..Sums::default()
        };
        for which in 0..8 {
            let mut exposure = Exposure::with_capacity(4, 4);
            exposure.add_scope(0);
            let group = exposure.groups.push();
            let links = Links::of(0, [u32::MAX; 2], (None, None));
            exposure.rows.push((0, 0, group), links);
            if which & 1 != 0 {
                let mut row = exposure.rows.get(0);
                row.position = 1 << 90;
                exposure.rows.put(0, &row);
            }
            if which & 2 != 0 {
                exposure.groups.add(group, &huge);
            }
            if which & 4 != 0 {
                exposure.alls.add(0, &huge);
            }
            assert_eq!(
                exposure.lines(exposure.line(0)).is_some(),
                which == 0,
                "{which}"
            );
        }
    }
    #[test]
    fn a_days_loss_of_one_row_is_told_as_long_as_a_line_could_hold_it() {
        let mut exposure = Exposure::with_capacity(1, 1);
        let links = Links::of(0, [u32::MAX; 2], (None, None));
        exposure.rows.push((0, 0, NO_GROUP), links);
        let most: i128 = (1 << 61) - 1;
        for (profit, told) in [
            (0, Some(0)),
            (-7, Some(7)),
            (7, Some(-7)),
            (-most, Some((1 << 61) - 1)),
            (-most - 1, None),
            (most + 1, Some(-(1 << 61))),
            (most + 2, None),
            (i128::from(i64::MIN) - 7, None),
        ] {
            exposure.rows.tails[0].profit = profit;
            let uses = Uses {
                slot: 0,
                row: exposure.line(0),
                sums: None,
            };
            assert_eq!(exposure.used(&uses, LimitKind::DailyLoss), told, "{profit}");
        }
    }
}
