//! Owns cancel-on-disconnect over a restart: the grace begins when the server listens again, however long that takes.

use std::thread;
use std::time::{Duration, Instant};

use portcullis_client::{Client, Event, Options};
use wire::{
    Capacity, CodMode, E8, NewOrder, OrdType, Price, Qty, Reply, RoutedCancel, Side, TimeInForce,
};

use crate::server::{DESK, Firm, Server};

const GRACE: Duration = Duration::from_secs(2);

fn connect(firm: &Firm, server: &Server) -> Client {
    let options = Options {
        cod_mode: CodMode::Both,
        cod_grace_ms: u16::try_from(GRACE.as_millis()).unwrap(),
        next_expected: 1,
        ..Options::default()
    };
    firm.connect_with(server, DESK, firm.key(DESK), options)
        .unwrap()
}

fn place_order(client: &mut Client) {
    client
        .send(NewOrder {
            cl_ord_id: 1,
            price: Price(100 * E8),
            qty: Qty(E8),
            account: 1,
            instrument_id: 1,
            trader_id: 1,
            side: Side::Buy,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        })
        .unwrap();
}

/// What the desk is asked to cancel within so long.
fn asked(client: &mut Client, within: Duration) -> Option<RoutedCancel> {
    let until = Instant::now() + within;
    loop {
        let left = until.checked_duration_since(Instant::now())?;
        if let Some(Event::Reply(Reply::RoutedCancel(cancel))) = client.recv(left).unwrap() {
            return Some(cancel);
        }
    }
}

/// A desk with a live order whose server was killed longer ago than its grace.
fn killed(firm: &Firm) {
    let server = firm.serve();
    let mut client = connect(firm, &server);
    place_order(&mut client);
    while !matches!(
        client.recv(Duration::from_secs(30)).unwrap(),
        Some(Event::Reply(Reply::OrderAccepted(_)))
    ) {}
    server.signal("-KILL");
    server.ended();
    thread::sleep(GRACE + Duration::from_millis(500));
}

#[test]
fn who_is_back_within_the_grace_after_a_restart_keeps_its_orders() {
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    killed(&firm);
    let server = firm.serve();
    let mut client = connect(&firm, &server);
    assert_eq!(asked(&mut client, 2 * GRACE), None);
    server.stop();
}

#[test]
fn who_is_not_back_within_it_is_asked_to_cancel() {
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    killed(&firm);
    let server = firm.serve();
    thread::sleep(2 * GRACE);
    let mut client = connect(&firm, &server);
    assert!(asked(&mut client, Duration::from_secs(30)).is_some());
    server.stop();
}
