//! `room`: what an order may still have.

use super::serving::{Serving, key_of};
use portcullis_client::{Client, Credentials, Event, Options, keys};
use std::fs;
use std::time::Duration;
use wire::{
    CancelOrder, Capacity, E8, NewOrder, OrdType, Price, Qty, ReplaceOrder, Reply, Role, Side,
    TimeInForce, WHAT_IF,
};

#[test]
fn room_is_what_an_order_may_still_have_and_one_lot_more_is_refused() {
    let server = Serving::start();
    assert_eq!(server.run(&["day", "load"]).0, 0);
    assert_eq!(server.run(&["day", "open"]).0, 0);
    let key = key_of(&server, "desk2");
    let room = |more: &[&str]| {
        let args = [
            "room",
            "--account",
            "4",
            "--instrument",
            "1",
            "--session",
            "2",
            "--key",
            &key,
        ];
        server.lines(&[&args, more].concat())[0].clone()
    };
    let now = room(&[]);
    assert_eq!(
        (&now["price"], &now["traderId"], &now["nextBuyMeets"]),
        (&"585.33".into(), &3.into(), &"MaxOrderNotional".into()),
        "{now}"
    );
    let most: i64 = now["maxBuy"].as_str().unwrap().parse().unwrap();
    let credentials = Credentials {
        session_id: 2,
        role: Role::Desk,
        key: keys::load(std::path::Path::new(&key)).unwrap(),
        key_id: 1,
        expected_instance: Some("example".to_owned()),
    };
    let address = fs::read_to_string(server.data.path().join("address")).unwrap();
    let mut client = Client::connect(address.trim(), credentials, Options::default()).unwrap();
    let order = |cl_ord_id: u64, qty: i64| NewOrder {
        cl_ord_id,
        price: Price(58_533_000_000),
        qty: Qty(qty * E8),
        account: 4,
        instrument_id: 1,
        trader_id: 3,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Principal,
        ..NewOrder::default()
    };
    // Asking takes nothing: the same clOrdId is asked about again and then used.
    for _ in 0..2 {
        let answer = client.what_if(order(1, most)).unwrap();
        assert!(
            matches!(answer, Reply::OrderAccepted(m) if m.flags & WHAT_IF != 0 && m.cl_ord_id == 1),
            "{answer:?}"
        );
        let answer = client.what_if(order(1, most + 1)).unwrap();
        assert!(
            matches!(answer, Reply::OrderRejected(m) if m.flags & WHAT_IF != 0 && m.code == 210),
            "{answer:?}"
        );
    }
    client.send(order(1, most)).unwrap();
    let accepted = loop {
        match client.recv(Duration::from_secs(5)).unwrap() {
            Some(Event::Reply(Reply::OrderAccepted(m))) => break m,
            Some(_) => {}
            None => panic!("no answer"),
        }
    };
    assert_eq!((accepted.flags & WHAT_IF, accepted.cl_ord_id), (0, 1));
    let replace = ReplaceOrder {
        cl_ord_id: 2,
        orig_cl_ord_id: 1,
        price: Price(58_533_000_000),
        qty: Qty((most + 1) * E8),
        trader_id: 3,
        ..ReplaceOrder::default()
    };
    let answer = client.what_if_replaced(replace).unwrap();
    assert!(
        matches!(answer, Reply::OrderRejected(m) if m.code == 210),
        "{answer:?}"
    );
    // On anything else whatIf is refused in sequence.
    let cancel = CancelOrder {
        flags: WHAT_IF,
        cl_ord_id: 3,
        orig_cl_ord_id: 1,
        ..CancelOrder::default()
    };
    client.send(cancel).unwrap();
    let code = loop {
        match client.recv(Duration::from_secs(5)).unwrap() {
            Some(Event::Reply(Reply::BusinessReject(m))) => break m.code,
            Some(_) => {}
            None => panic!("no answer"),
        }
    };
    assert_eq!(code, 52);
    client.terminate().unwrap();
    assert_eq!(room(&["--price", "700"])["maxBuy"], "0", "above the collar");
    let (code, _, err) = server.run(&[
        "room",
        "--account",
        "1",
        "--instrument",
        "1",
        "--session",
        "2",
        "--key",
        &key,
    ]);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("NotEntitled"), "{err}");
}
