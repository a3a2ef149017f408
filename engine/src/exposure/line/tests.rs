//! Numbers that outgrow their lines stay exact.

use super::*;
use crate::exposure::Exposure;

const MOST: i128 = (1 << 61) - 1;

fn tail() -> Tail {
    Tail {
        bought: 0,
        sold: 0,
        opening: 0,
        traded: 0,
        profit: 0,
        day_fills: 0,
        instrument: 0,
        next_of_instrument: None,
        next_of_scope: None,
        unmarked: false,
        unrated: false,
        saturated: false,
    }
}

#[test]
fn a_row_that_outgrows_its_line_keeps_every_number_and_comes_back() {
    let mut rows = Rows::with_capacity(1);
    rows.push((3, 0, 7), tail());
    for (position, beside) in [
        (MOST, false),
        (MOST + 1, true),
        (i128::MAX, true),
        (-MOST - 1, false),
        (-MOST - 2, true),
        (5, false),
    ] {
        let mut row = rows.get(0);
        (row.position, row.value, row.live) = (position, -position / 2, 2);
        rows.put(0, &row);
        let kept = rows.get(0);
        assert_eq!(
            (kept.position, kept.value, kept.live, kept.scope, kept.group),
            (position, -position / 2, 2, 3, 7)
        );
        assert_eq!(rows.lines[0].is_beside(), beside, "{position}");
        assert_eq!(rows.beside.len(), usize::from(beside), "{position}");
    }
}

#[test]
fn a_sum_that_outgrows_its_line_stays_exact_and_comes_back() {
    let mut sums = SumTable::with_capacity(1);
    sums.push();
    let step = (1_i64 << 61) - 1;
    let (mut gross, mut long) = (0_i128, 0_i128);
    for sign in [1, 1, 1, -1, -1, -1, -1] {
        sums.fill(0, [sign * step, -sign * step, 3, 1, 2], 1);
        gross += i128::from(sign * step);
        long -= i128::from(sign * step);
        let kept = sums.get(0);
        assert_eq!((kept.gross, kept.long), (gross, long));
        let fits = (-MOST - 1..=MOST).contains(&gross) && (-MOST - 1..=MOST).contains(&long);
        assert_eq!(sums.lines[0].is_beside(), !fits, "{gross}");
    }
    let kept = sums.get(0);
    let rest = (kept.live, kept.buying, kept.selling, kept.short);
    assert_eq!(rest, (7, 7, 14, 21));
}

#[test]
fn an_order_at_a_sum_that_has_outgrown_its_line_is_counted_on_its_side() {
    let mut sums = SumTable::with_capacity(1);
    sums.push();
    let huge = Sums {
        gross: 1 << 90,
        ..Sums::default()
    };
    sums.add(0, &huge);
    for (buy, value) in [(true, 10), (false, 7)] {
        let moved = Moved {
            qty: 1,
            value,
            live: 1,
            position: 0,
            turnover: 0,
            buy,
        };
        sums.open(0, value, &moved);
    }
    let kept = sums.get(0);
    assert_eq!(
        (kept.gross, kept.long, kept.short, kept.live),
        ((1 << 90) + 17, 10, 7, 2)
    );
    assert_eq!((kept.buying, kept.selling), (10, 7));
}

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
        exposure.rows.push((0, 0, group), tail());
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
        assert_eq!(exposure.lines(0).is_some(), which == 0, "{which}");
    }
}
