//! Whatever happens to orders, each id that is kept finds its order, no other id finds any, and no place is lost.

use super::*;
use crate::index::alike;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use wire::{Capacity, OrdType, Price, Qty, Side, TimeInForce};

const CAPACITY: usize = 8;
const SESSION: u32 = 3;
const NOTHING: Worth = Worth { value: 0, cash: 0 };

fn add(orders: &mut Orders, session: u32, id: u64) -> u32 {
    let accepted = Accepted {
        // Several share a list.
        order_id: id * 4,
        session,
        account: 0,
        trader: 0,
        instrument: 0,
        account_row: 0,
        trader_row: 0,
        inline: false,
    };
    let message = wire::NewOrder {
        cl_ord_id: id,
        price: Price(1),
        qty: Qty(10),
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..wire::NewOrder::default()
    };
    orders.add(accepted, &message, NOTHING)
}

/// Ids of an order that are kept.
fn ids(orders: &Orders, slot: u32) -> BTreeSet<u64> {
    orders
        .versions(slot)
        .map(|version| version.cl_ord_id)
        .chain([orders.first_cl_ord_id(slot)])
        .collect()
}

/// Everything that must hold between two commands; `given` are all ids ever given.
fn check(orders: &Orders, given: &[u64]) {
    let mut known = BTreeMap::new();
    for (slot, order) in orders.remembered() {
        for id in ids(orders, slot) {
            assert!(known.insert(id, slot).is_none(), "{id} is one order's");
        }
        assert_eq!(orders.find_by_order_id(order.order_id), Some(slot));
    }
    for id in given {
        assert_eq!(
            orders.find(SESSION, *id),
            known.get(id).copied(),
            "clOrdId {id}"
        );
        assert_eq!(orders.find(SESSION + 1, *id), None);
    }
    assert_eq!(orders.by_id.len(), known.len(), "no entry is left behind");
    let listed: usize = (0..orders.by_order_id.len())
        .map(|list| {
            let first = orders.by_order_id[list];
            std::iter::successors(orders.aside.get(first as usize), |aside| {
                orders.aside.get(aside.next as usize)
            })
            .count()
        })
        .sum();
    assert_eq!(
        listed,
        orders.remembered().count(),
        "each order is in one list"
    );
    let chained: usize = orders
        .remembered()
        .map(|(slot, _)| orders.others(slot).count())
        .sum();
    assert_eq!(
        chained + orders.free_versions.len(),
        orders.versions.len(),
        "each place is in a chain or free"
    );
    assert!(orders.versions.len() <= CAPACITY);
    for (slot, order) in orders.remembered() {
        let versions: Vec<Version> = orders.versions(slot).collect();
        assert!(
            versions.is_sorted_by(|a, b| a.number < b.number),
            "oldest first"
        );
        let at = versions
            .iter()
            .position(|version| version.cl_ord_id == order.cl_ord_id)
            .unwrap();
        assert_eq!(versions[at].state, VersionState::InForce);
        // R10: what is older than the version in force has been dropped, what is newer waits or was refused.
        assert!(versions[..at].iter().all(|older| !older.is_live()));
        let newer = &versions[at + 1..];
        assert!(
            newer
                .iter()
                .all(|newer| newer.state != VersionState::Superseded)
        );
        let waiting = newer.iter().filter(|newer| newer.is_live()).count();
        assert_eq!(orders.pending(slot), waiting);
    }
}

#[test]
fn ids_and_sessions_that_look_alike_are_told_apart() {
    let [id, other] = alike(|n| id_tag(SESSION, n.into())).map(u64::from);
    let [session, another] = alike(|n| id_tag(n, 1));
    for [(session, id), (other_session, other_id)] in [
        [(SESSION, id), (SESSION, other)],
        [(session, 1), (another, 1)],
    ] {
        let mut orders = Orders::with_capacity(CAPACITY);
        let slot = add(&mut orders, session, id);
        assert_eq!(orders.find(session, id), Some(slot));
        assert_eq!(orders.find(other_session, other_id), None);
        let second = add(&mut orders, other_session, other_id);
        assert_eq!(orders.find(session, id), Some(slot));
        assert_eq!(orders.find(other_session, other_id), Some(second));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn ids_find_their_orders_and_places_are_not_lost(
        steps in proptest::collection::vec((0_u8..8, any::<prop::sample::Index>()), 1..300)
    ) {
        let mut orders = Orders::with_capacity(CAPACITY);
        let mut given: Vec<u64> = Vec::new();
        for (what, which) in steps {
            let live: Vec<u32> = orders.live().map(|(slot, _)| slot).collect();
            let id = given.len() as u64 + 1;
            if live.is_empty() || (what == 0 && !orders.is_nearly_full()) {
                add(&mut orders, SESSION, id);
                given.push(id);
                check(&orders, &given);
                continue;
            }
            let slot = live[which.index(live.len())];
            let asked: Vec<u64> = orders
                .others(slot)
                .filter(|other| other.state == VersionState::Pending)
                .map(|other| other.cl_ord_id)
                .collect();
            let pending = (!asked.is_empty()).then(|| asked[which.index(asked.len())]);
            match (what, pending) {
                (1..=3, _)
                    if orders.has_room_for_replace() && orders.pending(slot) < PENDING_MAX =>
                {
                    let largest = orders.largest_qty(slot);
                    let qty = i64::try_from(id % 30).unwrap();
                    orders.add_replace(slot, version(id, Price(1), (qty, qty), NOTHING));
                    prop_assert_eq!(orders.largest_qty(slot), largest.max(qty));
                    given.push(id);
                }
                (4 | 5, Some(asked)) => {
                    prop_assert!(orders.put_in_force(slot, asked));
                    prop_assert_eq!(orders.in_force(slot).cl_ord_id, asked);
                }
                (6, Some(asked)) => prop_assert!(orders.refuse_version(slot, asked)),
                (7, _) => orders.end(slot),
                _ => {}
            }
            check(&orders, &given);
        }
    }
}

#[test]
fn an_id_whose_tag_is_anothers_finds_nothing() {
    let mut seen = BTreeMap::new();
    let (session, id, twin) = (0..)
        .flat_map(|id| [(SESSION, id), (SESSION + 1, id)])
        .find_map(|(session, id)| {
            let twin = seen.insert(id_tag(session, id).bits(), (session, id));
            twin.map(|twin| (session, id, twin))
        })
        .unwrap();
    let mut orders = Orders::with_capacity(CAPACITY);
    let slot = add(&mut orders, session, id);
    assert_eq!(orders.find(session, id), Some(slot));
    assert_eq!(orders.find(twin.0, twin.1), None);
}

#[test]
fn an_order_that_a_step_has_still_to_speak_of_is_not_forgotten() {
    let mut orders = Orders::with_capacity(2);
    let first = add(&mut orders, SESSION, 1);
    let second = add(&mut orders, SESSION, 2);
    let due = Marks { matched: 1, due: 1 };
    orders.set_marks(first, due);
    orders.end(first);
    orders.end(second);
    assert_eq!(add(&mut orders, SESSION, 3), second);
    assert_eq!(orders.find(SESSION, 1), Some(first));
    orders.set_marks(first, Marks { due: 0, ..due });
    orders.end(second);
    assert_eq!(add(&mut orders, SESSION, 4), first);
    assert_eq!(orders.find(SESSION, 1), None);
}
