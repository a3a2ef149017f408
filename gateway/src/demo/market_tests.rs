//! What the simulated market says, one sentence a test.

use super::*;
use wire::{Capacity, E8, OrdType};

const NOW: u64 = 1_772_442_000_000_000_000;

fn market() -> Market {
    let stock = Stock {
        tick: Price(E8 / 100),
        step: Qty(E8),
        begins: Price(100 * E8),
    };
    Market::new(1, BTreeMap::from([(7, stock)]), 5)
}

fn order(order_id: u64, side: Side, price: i64, qty: i64, tif: TimeInForce) -> RoutedOrder {
    RoutedOrder {
        order_id,
        cl_ord_id: order_id * 10,
        engine_time: Time(NOW),
        price: Price(price),
        qty: Qty(qty * E8),
        account: 1,
        instrument_id: 7,
        order_session_id: 1,
        side,
        ord_type: OrdType::Limit,
        tif,
        capacity: Capacity::Agency,
        ..RoutedOrder::default()
    }
}

fn said(reports: &[VenueReport]) -> Vec<(ExecType, i64)> {
    let of = |r: &VenueReport| (r.exec_type, r.last_qty.0 / E8);
    reports.iter().map(of).collect()
}

#[test]
fn an_order_through_the_price_fills_half_at_once_and_half_later() {
    let mut market = market();
    let buy = order(1, Side::Buy, 101 * E8, 9, TimeInForce::Day);
    let reports = market.take(&buy.into(), NOW);
    assert_eq!(said(&reports), [(ExecType::New, 0), (ExecType::Fill, 4)]);
    assert_eq!(reports[1].last_px, Price(100 * E8));
    let reports = market.step(NOW);
    assert_eq!(said(&reports), [(ExecType::Fill, 5)]);
    assert_eq!(reports[0].leaves_qty, Qty(0));
    assert_eq!(market.resting(), 0);
}

#[test]
fn an_order_that_is_not_reached_rests_until_it_is_cancelled() {
    let mut market = market();
    let sell = order(2, Side::Sell, 200 * E8, 3, TimeInForce::Day);
    assert_eq!(said(&market.take(&sell.into(), NOW)), [(ExecType::New, 0)]);
    assert_eq!(market.step(NOW), []);
    let cancel = RoutedCancel {
        order_id: 2,
        reason: CancelReason::KillSwitch,
        ..RoutedCancel::default()
    };
    let reports = market.take(&cancel.into(), NOW);
    assert_eq!(said(&reports), [(ExecType::Cancelled, 0)]);
    assert_eq!(reports[0].reason, CancelReason::KillSwitch);
    assert_eq!(market.resting(), 0);
}

#[test]
fn what_does_not_fill_at_once_is_cancelled_if_that_was_asked_for() {
    let mut market = market();
    let ioc = order(3, Side::Buy, 100 * E8, 8, TimeInForce::ImmediateOrCancel);
    let expected = [
        (ExecType::New, 0),
        (ExecType::Fill, 4),
        (ExecType::Cancelled, 0),
    ];
    assert_eq!(said(&market.take(&ioc.into(), NOW)), expected);
    let fok = order(4, Side::Buy, 100 * E8, 8, TimeInForce::FillOrKill);
    let expected = [(ExecType::New, 0), (ExecType::Fill, 8)];
    assert_eq!(said(&market.take(&fok.into(), NOW)), expected);
    let fok = order(5, Side::Buy, 99 * E8, 8, TimeInForce::FillOrKill);
    let expected = [(ExecType::New, 0), (ExecType::Cancelled, 0)];
    assert_eq!(said(&market.take(&fok.into(), NOW)), expected);
}

#[test]
fn a_replace_takes_the_price_and_quantity_and_not_less_than_was_filled() {
    let mut market = market();
    let buy = order(6, Side::Buy, 50 * E8, 8, TimeInForce::Day);
    market.take(&buy.into(), NOW);
    let replace = |cl_ord_id, price, qty| RoutedReplace {
        order_id: 6,
        cl_ord_id,
        price: Price(price),
        qty: Qty(qty * E8),
        ..RoutedReplace::default()
    };
    let reports = market.take(&replace(61, 100 * E8, 4).into(), NOW);
    assert_eq!(
        said(&reports),
        [(ExecType::Replaced, 0), (ExecType::Fill, 2)]
    );
    assert_eq!(
        (reports[0].cl_ord_id, reports[1].last_px),
        (61, Price(100 * E8))
    );
    let reports = market.take(&replace(62, 10 * E8, 2).into(), NOW);
    assert_eq!(said(&reports)[0], (ExecType::ReplaceRejected, 0));
    assert_eq!(reports[0].cl_ord_id, 62);
}

#[test]
fn an_old_order_is_never_taken_as_if_it_were_new() {
    let mut market = market();
    let buy = order(8, Side::Buy, 101 * E8, 9, TimeInForce::Day);
    let later = NOW + STALE_NS + 1;
    assert_eq!(
        said(&market.take(&buy.into(), later)),
        [(ExecType::Rejected, 0)]
    );
    assert_eq!(market.resting(), 0);
}
