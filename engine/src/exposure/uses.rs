//! What is used of a limit, as the lines of a row and of one of its sums tell it.

use super::{Exposure, Line, SumLine};
use wire::LimitKind;

/// A row with the sum that a limit looks at; without one it looks at the row alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uses<'a> {
    exposure: &'a Exposure,
    slot: u32,
    line: &'a Line,
    sums: Option<&'a SumLine>,
}

impl Exposure {
    /// Uses in a row and in its sums over group and all; `None` where one has outgrown its line.
    #[inline(always)]
    pub(crate) fn uses(&self, slot: u32) -> Option<[Uses<'_>; 3]> {
        let line = self.line(slot);
        let (group, all) = (self.group_line(line.group), self.all_line(line.scope));
        if line.is_beside() || group.is_beside() || all.is_beside() {
            return None;
        }
        Some([None, Some(group), Some(all)].map(|sums| Uses {
            exposure: self,
            slot,
            line,
            sums,
        }))
    }
}

impl Uses<'_> {
    /// Set of the limits that look here.
    #[inline(always)]
    pub(crate) fn set(&self) -> u32 {
        self.sums.map_or(self.line.limits, |sums| sums.limits)
    }

    /// Use of a limit of this kind; `None` for kinds that are not used up. What one order adds does not
    /// overflow it.
    #[inline(always)]
    pub(crate) fn of(&self, kind: LimitKind) -> Option<i64> {
        let line = self.line;
        Some(match (kind, self.sums) {
            // One bound for each instrument: this row alone can raise the highest use.
            (LimitKind::MaxLong, _) => line.position + line.open_buy,
            (LimitKind::MaxShort, _) => line.open_sell - line.position,
            (LimitKind::MaxOpenOrders, Some(sums)) => i64::from(sums.live),
            (LimitKind::MaxOpenOrders, None) => i64::from(line.live),
            (LimitKind::GrossNotional, Some(sums)) => sums.gross,
            (LimitKind::GrossNotional, None) => line.gross(),
            (LimitKind::NetLong, Some(sums)) => sums.long,
            (LimitKind::NetLong, None) => line.value + line.reserved_buy,
            (LimitKind::NetShort, Some(sums)) => sums.short,
            (LimitKind::NetShort, None) => line.reserved_sell - line.value,
            (LimitKind::DailyBuyTurnover, Some(sums)) => sums.buying,
            (LimitKind::DailySellTurnover, Some(sums)) => sums.selling,
            (LimitKind::DailyTurnover, Some(sums)) => sums.buying + sums.selling,
            (LimitKind::DailyLoss, Some(sums)) => -sums.profit,
            _ => return self.of_day(kind),
        })
    }

    /// The rest: what the row's fills of the day used.
    fn of_day(&self, kind: LimitKind) -> Option<i64> {
        let tail = &self.exposure.rows.tails[self.slot as usize];
        let buying = tail.bought + i128::from(self.line.reserved_buy);
        let selling = tail.sold + i128::from(self.line.reserved_sell);
        let used = match kind {
            LimitKind::DailyBuyTurnover => buying,
            LimitKind::DailySellTurnover => selling,
            LimitKind::DailyTurnover => buying + selling,
            LimitKind::DailyLoss => -tail.profit,
            _ => return None,
        };
        i64::try_from(used).ok().filter(|used| super::fit([*used]))
    }
}
