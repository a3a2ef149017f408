//! What a flow says of orders, and of terms of orders, that the input accepted and the firm refuses: the firm
//! takes at most 50,000,000 in one order, 85,470 shares at 585.

use super::{lines, replay};
use serde_json::{Value, json};

/// Merges `more` into an object.
fn with(mut line: Value, more: &Value) -> String {
    let object = line.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    format!("{line}\n")
}

fn order(id: u64, qty: &str) -> String {
    let line = json!({"cmd": "NewOrder", "session": 2, "seq": 100, "t": 1_790_000_000_000_000_000_u64, "clOrdId": id,
        "account": 4, "instrumentId": 1, "traderId": 3, "side": "Buy", "ordType": "Limit", "price": "585",
        "qty": qty, "capacity": "Principal", "decision": "Accepted", "orderId": 100});
    format!("{line}\n")
}

fn replace(id: u64, orig: u64, qty: &str) -> String {
    let line = json!({"cmd": "ReplaceOrder", "session": 2, "clOrdId": id, "origClOrdId": orig, "price": "585",
        "qty": qty, "traderId": 3, "decision": "Accepted", "orderId": 100});
    format!("{line}\n")
}

fn report(exec_type: &str, more: &Value) -> String {
    let line = json!({"cmd": "VenueReport", "session": 2, "clOrdId": 0, "execType": exec_type, "side": "Buy",
        "liquidity": "Removed", "account": 4, "instrumentId": 1, "venueId": 1, "tradeDate": 20_260_921,
        "lastQty": "0"});
    with(line, more)
}

fn fill(exec_id: u64, qty: &str, more: &Value) -> String {
    let line = json!({"venueExecId": exec_id, "lastPx": "585", "lastQty": qty});
    let mut more = more.clone();
    more.as_object_mut()
        .unwrap()
        .extend(line.as_object().unwrap().clone());
    report("Fill", &more)
}

/// What was decided, how many reports were left out, and the account's position.
fn decided(flow: &[String]) -> (Vec<Value>, u64, String) {
    let (code, out, err) = replay(&["simulate", "--state"], &flow.concat());
    assert_eq!(code, 0, "{err}");
    let left_out = err.lines().find(|line| line.contains("reports left out"));
    let count = left_out.map_or(0, |line| {
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    });
    let (state, lines): (Vec<Value>, Vec<Value>) = lines(&out)
        .into_iter()
        .partition(|line| line["is"].is_string());
    let row = state
        .iter()
        .find(|row| row["is"] == "row" && row["scope"] == "Account" && row["scopeId"] == 4);
    let position = row.map_or("0", |row| row["netQty"].as_str().unwrap());
    (lines, count, position.to_owned())
}

/// Why each line was refused, or else what became of it.
fn reasons(lines: &[Value]) -> Vec<&str> {
    let said = |line: &'_ Value| {
        let reports = line["cmd"] == "VenueReport";
        if reports { "decisionReason" } else { "reason" }
    };
    lines
        .iter()
        .map(|line| {
            line[said(line)]
                .as_str()
                .or(line["decision"].as_str())
                .unwrap()
        })
        .collect()
}

#[test]
fn all_reports_of_a_refused_order_are_left_out_by_whichever_id_they_name() {
    let (lines, left_out, position) = decided(&[
        order(1, "90000"),
        replace(2, 1, "80000"),
        report("Replaced", &json!({"clOrdId": 2})),
        fill(1, "5000", &json!({"clOrdId": 2})),
        fill(2, "5000", &json!({"clOrdId": 1})),
        fill(3, "10", &json!({"orderId": 100})),
        // The same again without an order, and what becomes of the fills.
        fill(3, "10", &json!({})),
        report(
            "Correct",
            &json!({"refExecId": 3, "venueExecId": 4, "lastPx": "584", "lastQty": "9000"}),
        ),
        report("Bust", &json!({"refExecId": 4})),
        report("Cancelled", &json!({"clOrdId": 2})),
    ]);
    assert_eq!(reasons(&lines), ["MaxOrderNotional", "UnknownOrder"]);
    assert_eq!((left_out, position.as_str()), (8, "0"));
}

#[test]
fn a_fill_that_fits_no_refused_order_is_booked_as_in_the_input() {
    let (lines, left_out, position) = decided(&[
        order(1, "90000"),
        fill(1, "5", &json!({"clOrdId": 9})),
        fill(2, "5", &json!({"clOrdId": 1, "side": "Sell"})),
        fill(3, "5", &json!({"clOrdId": 1, "orderId": 99})),
    ]);
    assert_eq!(reasons(&lines)[1..], ["Applied"; 3]);
    assert_eq!((left_out, position.as_str()), (0, "5"));
}

#[test]
fn reports_of_a_refused_replace_are_left_out_and_those_of_the_order_count() {
    let (lines, left_out, position) = decided(&[
        order(1, "100"),
        replace(2, 1, "90000"),
        report("Replaced", &json!({"orderId": 100, "clOrdId": 2})),
        fill(1, "80000", &json!({"orderId": 100, "clOrdId": 2})),
        // Names the order alone; one more than it has left is no fill of the order that stands here.
        fill(2, "101", &json!({"orderId": 100})),
        fill(3, "40", &json!({"orderId": 100})),
        fill(4, "60", &json!({"clOrdId": 1})),
        fill(5, "1", &json!({"clOrdId": 1})),
    ]);
    assert_eq!(
        reasons(&lines),
        ["Accepted", "MaxOrderNotional", "Applied", "Applied"]
    );
    assert_eq!((left_out, position.as_str()), (4, "100"));
    let alerts = lines.iter().filter(|line| line["decision"] == "Applied");
    assert!(alerts.clone().all(|line| line["decisionOrderId"] == 100));
}

#[test]
fn what_is_booked_here_is_busted_and_corrected_here_and_made_no_larger_than_the_order() {
    let bust = |exec_id: u64, more: &Value| {
        let line = report("Bust", &json!({"refExecId": exec_id}));
        with(serde_json::from_str(&line).unwrap(), more)
    };
    let correct = |exec_id: u64, new_id: u64, qty: &str, more: &Value| {
        let line = report(
            "Correct",
            &json!({"refExecId": exec_id, "venueExecId": new_id, "lastPx": "585", "lastQty": qty}),
        );
        with(serde_json::from_str(&line).unwrap(), more)
    };
    let (lines, left_out, position) = decided(&[
        order(1, "100"),
        fill(1, "10", &json!({"clOrdId": 1})),
        fill(2, "20", &json!({"clOrdId": 1})),
        replace(2, 1, "90000"),
        report("Replaced", &json!({"clOrdId": 2})),
        // 70 are left: 20 may become 90, not 91. At 80 there are 10.
        bust(1, &json!({"clOrdId": 2})),
        correct(2, 3, "91", &json!({})),
        correct(2, 5, "80", &json!({"clOrdId": 2})),
        // A fill that was not seen, of more than is left.
        correct(7, 7, "11", &json!({"clOrdId": 1})),
        correct(8, 8, "10", &json!({"clOrdId": 1})),
    ]);
    assert_eq!(
        reasons(&lines),
        [
            "Accepted",
            "Applied",
            "Applied",
            "MaxOrderNotional",
            "Applied",
            "Applied",
            "Applied"
        ]
    );
    assert_eq!((left_out, position.as_str()), (3, "90"));
}

#[test]
fn a_fill_that_is_told_twice_is_still_the_one_that_a_bust_takes_back() {
    let again = fill(1, "60", &json!({"clOrdId": 1}));
    let (lines, left_out, position) = decided(&[
        order(1, "100"),
        replace(2, 1, "90000"),
        again.clone(),
        // More than is left, and nothing new.
        again,
        report("Bust", &json!({"refExecId": 1})),
    ]);
    assert_eq!(
        reasons(&lines)[2..],
        ["Applied", "NoEffect", "Applied"],
        "{lines:?}"
    );
    assert_eq!((left_out, position.as_str()), (0, "0"));
}

#[test]
fn what_takes_back_a_correction_that_was_left_out_takes_back_the_fill_that_stands() {
    let (lines, left_out, position) = decided(&[
        order(1, "100"),
        fill(1, "60", &json!({"clOrdId": 1})),
        replace(2, 1, "90000"),
        report(
            "Correct",
            &json!({"refExecId": 1, "venueExecId": 2, "lastPx": "585", "lastQty": "120"}),
        ),
        report("Bust", &json!({"refExecId": 2})),
    ]);
    assert_eq!(
        reasons(&lines)[1..],
        ["Applied", "MaxOrderNotional", "Applied"]
    );
    assert_eq!((left_out, position.as_str()), (1, "0"));
}

#[test]
fn a_fill_without_a_date_that_was_left_out_is_one_of_its_day_only() {
    let other = with(
        serde_json::from_str(&order(3, "50")).unwrap(),
        &json!({"seq": 200, "orderId": 200}),
    );
    let (lines, left_out, position) = decided(&[
        order(1, "90000"),
        fill(5, "10", &json!({"clOrdId": 1, "tradeDate": 0})),
        other,
        fill(5, "20", &json!({"clOrdId": 3, "tradeDate": 20_260_918})),
    ]);
    assert_eq!(reasons(&lines), ["MaxOrderNotional", "Accepted", "Applied"]);
    assert_eq!((left_out, position.as_str()), (1, "20"));
}

#[test]
fn a_replace_that_the_inputs_venue_refused_leaves_the_order_as_it_was() {
    let (lines, left_out, position) = decided(&[
        order(1, "100"),
        replace(2, 1, "90000"),
        report("ReplaceRejected", &json!({"clOrdId": 2})),
        fill(1, "120", &json!({"clOrdId": 1})),
    ]);
    assert_eq!(reasons(&lines), ["Accepted", "MaxOrderNotional", "Applied"]);
    assert_eq!((left_out, position.as_str()), (1, "120"));
}

#[test]
fn a_cancel_that_the_inputs_venue_refused_is_refused_here() {
    let cancel =
        json!({"cmd": "CancelOrder", "session": 2, "clOrdId": 3, "origClOrdId": 1, "traderId": 3});
    let (lines, left_out, _) = decided(&[
        order(1, "100"),
        replace(2, 1, "90000"),
        format!("{cancel}\n"),
        report("CancelRejected", &json!({"clOrdId": 2})),
        replace(4, 1, "10"),
    ]);
    assert_eq!(
        reasons(&lines),
        [
            "Accepted",
            "MaxOrderNotional",
            "Accepted",
            "Applied",
            "Accepted"
        ]
    );
    assert_eq!(left_out, 0);
}

#[test]
fn what_ends_the_order_in_the_input_ends_it_here() {
    for exec_type in ["Cancelled", "Expired", "Rejected"] {
        let (lines, left_out, _) = decided(&[
            order(1, "100"),
            replace(2, 1, "90000"),
            replace(3, 2, "70000"),
            report("Replaced", &json!({"clOrdId": 3})),
            fill(1, "80", &json!({"clOrdId": 3})),
            report(exec_type, &json!({"clOrdId": 3, "cumQty": "80"})),
            replace(4, 1, "10"),
        ]);
        assert_eq!(
            reasons(&lines),
            [
                "Accepted",
                "MaxOrderNotional",
                "UnknownOrder",
                "Applied",
                "TooLate"
            ],
            "{exec_type}"
        );
        assert_eq!(left_out, 2);
        assert_eq!(
            (&lines[3]["orderId"], &lines[3]["cumQty"]),
            (&100.into(), &Value::Null)
        );
    }
}

#[test]
fn an_order_goes_on_with_a_later_replace_that_passes_here_too() {
    let (lines, left_out, position) = decided(&[
        order(1, "100"),
        replace(2, 1, "90000"),
        replace(3, 1, "200"),
        report("Replaced", &json!({"clOrdId": 3})),
        fill(1, "150", &json!({"clOrdId": 3})),
    ]);
    assert_eq!(
        reasons(&lines),
        [
            "Accepted",
            "MaxOrderNotional",
            "Accepted",
            "Applied",
            "Applied"
        ]
    );
    assert_eq!((left_out, position.as_str()), (0, "150"));
}

#[test]
fn an_overfill_of_the_input_stays_one() {
    let (lines, left_out, position) =
        decided(&[order(1, "100"), fill(1, "120", &json!({"clOrdId": 1}))]);
    assert_eq!(reasons(&lines), ["Accepted", "Applied"]);
    assert_eq!((left_out, position.as_str()), (0, "120"));
}

#[test]
fn a_what_if_that_is_refused_here_parts_nothing() {
    let asks = with(
        serde_json::from_str(&replace(2, 1, "90000")).unwrap(),
        &json!({"flags": 2}),
    );
    let (lines, left_out, _) = decided(&[
        order(1, "100"),
        asks,
        fill(1, "120", &json!({"clOrdId": 1})),
    ]);
    assert_eq!(reasons(&lines), ["Accepted", "MaxOrderNotional", "Applied"]);
    assert_eq!(left_out, 0);
}
