//! What must hold when the killing is over.

use std::collections::BTreeMap;
use std::fs;

use engine::command::Command;
use engine::journal::{Reader, RealFiles, SegmentId};
use engine::record::decode_record;
use engine::verify::verify;
use portcullis_client::{Client, Options};
use wire::{Query, QueryWhat, Reply, Role, Scope};

use super::desk::{Memory, Order, credentials};
use super::world::{ACCOUNT, DESK, RISK, World};

/// Compares; returns a sentence of figures.
pub(crate) fn judge(mut world: World) -> String {
    world.settle();
    let memory = Memory::open(world.path());
    each_request_has_one_answer(&memory);
    same_books(&world, &memory);
    world.stop_server();
    let records = each_number_has_one_record(&world, &memory);
    format!(
        "{} requests, {} replies, {records} records; every request answered once, every number \
         journalled once, books equal, the journal decides the same again",
        memory.requests.len(),
        memory.heard.len()
    )
}

fn each_request_has_one_answer(memory: &Memory) {
    for (at, reply) in (1..).zip(&memory.heard) {
        assert_eq!(reply.seq_no(), at, "what was heard has no gaps");
    }
    let once = |count: &u32| *count == 1;
    assert!(memory.book.answers.values().all(once), "an order doubled");
    assert!(
        memory.book.report_answers.values().all(once),
        "a report doubled"
    );
    let answers = memory.book.answers.len() + memory.book.report_answers.len();
    assert_eq!(answers, memory.requests.len(), "an order lost");
}

fn same_books(world: &World, memory: &Memory) {
    let address = fs::read_to_string(world.path().join("address")).unwrap();
    let mut risk = Client::connect(
        address,
        credentials(world.path(), "risk", RISK, Role::Risk),
        Options::default(),
    )
    .unwrap();
    let positions: BTreeMap<u32, i64> = risk
        .query(Query {
            what: QueryWhat::Positions,
            scope: Scope::Account,
            scope_id: ACCOUNT,
            ..all()
        })
        .unwrap()
        .iter()
        .map(|reply| match reply {
            Reply::PositionReport(m) => (m.instrument_id, m.net_qty.0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(positions, memory.book.positions(), "positions");
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
    let ours: BTreeMap<u64, i64> = memory
        .book
        .orders
        .values()
        .filter(|order| order.is_open)
        .map(
            |Order {
                 order_id, qty, cum, ..
             }| (*order_id, qty - cum),
        )
        .collect();
    assert_eq!(open, ours, "open orders");
    risk.terminate().unwrap();
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

fn each_number_has_one_record(world: &World, memory: &Memory) -> u64 {
    let report = verify(&world.journal(), |_| {}).unwrap();
    let mut reader = Reader::open(RealFiles::new(world.journal()), SegmentId::FIRST).unwrap();
    let mut asked = memory.requests.iter();
    let mut number = 0;
    while let Some(frame) = reader.next_frame().unwrap() {
        for record in frame.records() {
            let (input, _) = decode_record(record.bytes).unwrap();
            if input.session_id != DESK {
                continue;
            }
            number += 1;
            assert_eq!(input.in_seq_no, number, "each number once and in order");
            let mut request = *asked.next().unwrap();
            request.set_seq_no(input.command.flags(), number);
            assert_eq!(input.command, Command::from(request));
        }
    }
    assert_eq!(asked.next(), None, "every request is in the journal");
    report.records
}
