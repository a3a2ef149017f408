//! What must hold when the killing is over.

use std::collections::BTreeMap;
use std::fs;

use engine::command::Command;
use engine::journal::{Reader, RealFiles, SegmentId};
use engine::record::decode_record;
use engine::verify::verify;
use portcullis_client::{Client, Options};
use wire::{Query, QueryWhat, Reply, Request, Role, Scope};

use super::adapter::Adapter;
use super::desk::{Desk, Inline, Sidecar};
use super::party::{Memory, Party};
use super::process::credentials;
use super::world::{RISK, World};

/// Compares; returns a sentence of figures.
pub(crate) fn judge(mut world: World) -> String {
    world.settle();
    let sidecar = Memory::<Sidecar>::open(world.path());
    let inline = Memory::<Inline>::open(world.path());
    let adapter = Memory::<Adapter>::open(world.path());
    each_request_has_one_answer(&sidecar);
    each_request_has_one_answer(&inline);
    without_gaps(&adapter.heard);
    same_books(&world, &sidecar.party, &inline.party);
    same_market(&inline.party, &adapter.party);
    world.stop_server();
    let report = verify(&world.journal(), |_| {}).unwrap();
    each_number_has_one_record(&world, &sidecar);
    each_number_has_one_record(&world, &inline);
    each_number_has_one_record(&world, &adapter);
    let sent = adapter.party.orders.values().filter(|o| o.is_new).count();
    format!(
        "{} requests and {} replies of the desk in sidecar, {} and {} of the inline desk, {} orders routed \
         to the adapter, {} of them sent to its market once and {} refused as stale; {} records, and the \
         journal decides the same again; every request answered once, every number journalled once, \
         positions and open orders of desks, adapter and server equal",
        sidecar.requests.len(),
        sidecar.heard.len(),
        inline.requests.len(),
        inline.heard.len(),
        adapter.party.orders.len(),
        sent,
        adapter.party.orders.len() - sent,
        report.records
    )
}

fn without_gaps(heard: &[Reply]) {
    for (at, reply) in (1..).zip(heard) {
        assert_eq!(reply.seq_no(), at, "what was heard has no gaps");
    }
}

fn each_request_has_one_answer<const INLINE: bool>(memory: &Memory<Desk<INLINE>>) {
    without_gaps(&memory.heard);
    let desk = &memory.party;
    let once = |count: &u32| *count == 1;
    assert!(desk.answers.values().all(once), "an order doubled");
    assert!(desk.report_answers.values().all(once), "a report doubled");
    let answers = desk.answers.len() + desk.report_answers.len();
    assert_eq!(answers, memory.requests.len(), "an order lost");
}

/// The server's positions and open orders are what the desks' books say.
fn same_books(world: &World, sidecar: &Sidecar, inline: &Inline) {
    let address = fs::read_to_string(world.path().join("address")).unwrap();
    let mut risk = Client::connect(
        address,
        credentials(world.path(), "risk", RISK, Role::Risk),
        Options::default(),
    )
    .unwrap();
    assert_eq!(positions(&mut risk, Sidecar::ACCOUNT), sidecar.positions());
    assert_eq!(positions(&mut risk, Inline::ACCOUNT), inline.positions());
    let open: BTreeMap<u64, i64> = risk
        .query(Query {
            what: QueryWhat::OpenOrders,
            ..all()
        })
        .unwrap()
        .iter()
        .map(|reply| match reply {
            Reply::OpenOrderReport(m) => (m.order_id, m.leaves_qty.0),
            other => panic!("{other:?}"),
        })
        .collect();
    let orders = sidecar.orders.values().chain(inline.orders.values());
    let ours: BTreeMap<u64, i64> = orders
        .filter(|order| order.is_open)
        .map(|order| (order.order_id, order.qty - order.cum))
        .collect();
    assert_eq!(open, ours, "open orders");
    risk.terminate().unwrap();
}

fn positions(risk: &mut Client, account: u32) -> BTreeMap<u32, i64> {
    let query = Query {
        what: QueryWhat::Positions,
        scope: Scope::Account,
        scope_id: account,
        ..all()
    };
    let reports = risk.query(query).unwrap();
    reports
        .iter()
        .map(|reply| match reply {
            Reply::PositionReport(m) => (m.instrument_id, m.net_qty.0),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn all() -> Query {
    Query {
        scope: Scope::NULL,
        scope_id: u32::MAX,
        instrument_id: u32::MAX,
        trader_id: u16::MAX,
        ..Query::default()
    }
}

/// Every accepted order was routed once, and what happened to it at the market is what its desk knows.
fn same_market(inline: &Inline, adapter: &Adapter) {
    assert_eq!(inline.orders.len(), adapter.orders.len(), "orders routed");
    for order in inline.orders.values() {
        let there = &adapter.orders[&order.order_id];
        assert_eq!(order.cum, there.cum, "fills of {order:?}");
        assert_eq!(order.is_open, !there.is_over, "the end of {order:?}");
        assert!(there.is_new || there.is_over, "never handled: {order:?}");
        assert!(there.is_new || there.cum == 0, "{order:?}");
    }
}

fn each_number_has_one_record<P: Party>(world: &World, memory: &Memory<P>) {
    let mut reader = Reader::open(RealFiles::new(world.journal()), SegmentId::FIRST).unwrap();
    let mut asked = memory.requests.iter();
    let mut number = 0;
    while let Some(frame) = reader.next_frame().unwrap() {
        for record in frame.records() {
            let (input, _) = decode_record(record.bytes).unwrap();
            if input.session_id != P::SESSION {
                continue;
            }
            number += 1;
            assert_eq!(input.in_seq_no, number, "each number once and in order");
            let mut request: Request = *asked.next().unwrap();
            request.set_seq_no(input.command.flags(), number);
            assert_eq!(input.command, Command::from(request));
        }
    }
    assert_eq!(asked.next(), None, "every request is in the journal");
}
