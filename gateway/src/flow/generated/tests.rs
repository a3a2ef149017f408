//! Generated days, held to what the module promises.

use super::*;
use crate::flow::{count_outside_collar, live::LiveOrders};

fn day(seed: u64, orders: u64) -> Flow {
    generate(&GeneratedParams::new(seed, orders)).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_day_and_another_seed_another() {
    assert_eq!(day(7, 2_000), day(7, 2_000));
    assert_ne!(day(7, 2_000).events, day(8, 2_000).events);
}

#[test]
fn every_order_is_on_a_tick_in_lots_and_within_three_percent() {
    for seed in 0..5 {
        let flow = day(seed, 5_000);
        for event in &flow.events {
            let index = usize::try_from(event.instrument).unwrap();
            let instrument = &flow.instruments[index];
            let (FlowKind::New { price_e8, qty, .. } | FlowKind::Replace { price_e8, qty, .. }) =
                event.kind
            else {
                continue;
            };
            let day_start = instrument.day_start.price_e8().unwrap();
            assert_eq!(price_e8 % instrument.tick_e8, 0, "seed {seed}: {event:?}");
            assert_eq!(qty % instrument.lot, 0, "seed {seed}: {event:?}");
            assert!(qty <= LOTS_MAX * instrument.lot, "seed {seed}: {event:?}");
            assert!(
                (price_e8 - day_start).abs() * 100 <= day_start * 3,
                "seed {seed}: {event:?}"
            );
        }
        for (instrument, index) in flow.instruments.iter().zip(0..) {
            let day_start = instrument.day_start.price_e8().unwrap();
            assert_eq!(count_outside_collar(&flow.events, index, day_start, 300), 0);
        }
    }
}

#[test]
fn every_order_lives_a_consistent_life() {
    for seed in 0..5 {
        let mut orders = LiveOrders::default();
        let mut sides = std::collections::HashMap::new();
        for event in day(seed, 5_000).events {
            let outcome = match event.kind {
                FlowKind::New {
                    order_ref,
                    side,
                    price_e8,
                    qty,
                } => {
                    sides.insert(order_ref, side);
                    orders.open(order_ref, side, price_e8, qty)
                }
                FlowKind::Replace {
                    order_ref,
                    qty,
                    leaves,
                    ..
                } => {
                    let side = sides[&order_ref];
                    let order = orders.reduce(order_ref, side, 0).unwrap();
                    assert_eq!(order.qty - order.leaves, qty - leaves, "seed {seed}");
                    orders.resize(order_ref, qty, leaves);
                    Ok(())
                }
                FlowKind::Cancel { order_ref } => {
                    let side = sides[&order_ref];
                    let left = orders.reduce(order_ref, side, 0).unwrap().leaves;
                    orders.cancel(order_ref, side, left)
                }
                FlowKind::Fill {
                    order_ref,
                    side,
                    qty,
                    ..
                } => {
                    assert!(qty > 0);
                    orders.fill(order_ref, side, qty)
                }
                FlowKind::ReferencePrice { .. } | FlowKind::Halt | FlowKind::Resume => Ok(()),
            };
            assert_eq!(outcome, Ok(()), "seed {seed}: {event:?}");
        }
    }
}

#[test]
fn a_day_is_mixed_and_stays_within_the_day() {
    let flow = day(1, 20_000);
    let accounting = &flow.accounting;
    assert_eq!(accounting.used(LineKind::NewOrder), 20_000);
    for kind in [LineKind::Replace, LineKind::Cancel, LineKind::Execution] {
        assert!(accounting.used(kind) > 4_000, "{kind}: {accounting:?}");
    }
    assert!(accounting.used(LineKind::ReferencePrice) > 400);
    let out_of_order = flow
        .events
        .windows(2)
        .filter(|pair| pair[0].time_ns >= pair[1].time_ns);
    assert_eq!(out_of_order.count(), 0, "time stands still or runs back");
    assert!(
        flow.events
            .iter()
            .all(|event| event.time_ns < 86_400_000_000_000)
    );
}

#[test]
fn the_book_does_not_grow_past_its_bound() {
    let mut generator = Generator::new(&GeneratedParams::new(3, 200_000)).unwrap();
    let mut live_max = 0;
    while generator.next().is_some() {
        live_max = live_max.max(generator.live.len());
    }
    assert!(live_max <= LIVE_ORDERS_MAX, "{live_max}");
}

#[test]
fn no_orders_is_an_empty_day() {
    assert_eq!(day(1, 0).events, []);
}

#[test]
fn instruments_without_room_to_trade_are_refused_by_name() {
    type Change = fn(&mut FlowInstrument);
    let spoil = |change: Change| {
        let mut params = GeneratedParams::new(1, 10);
        change(&mut params.instruments[1]);
        generate(&params).unwrap_err().to_string()
    };
    let prefix = "instrument BRCH cannot be traded in generated flow: ";
    let table: [(Change, &str); 5] = [
        (|i| i.tick_e8 = 0, "its tick is not positive"),
        (|i| i.lot = 0, "its lot is not from 1 to 4294967295"),
        (
            |i| i.day_start = DayStartPrice::Unknown,
            "it has no day-start price",
        ),
        (
            |i| i.day_start = DayStartPrice::PreviousClose { price_e8: i64::MAX },
            "its day-start price is too large",
        ),
        (
            |i| i.tick_e8 = 1_000_000_000,
            "its day-start price is under 100 ticks",
        ),
    ];
    for (change, expected) in table {
        assert_eq!(spoil(change), format!("{prefix}{expected}"));
    }
    let mut params = GeneratedParams::new(1, 10);
    params.instruments.clear();
    assert_eq!(generate(&params), Err(GeneratedError::NoInstruments));
}
