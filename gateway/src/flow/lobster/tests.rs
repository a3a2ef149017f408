//! Small LOBSTER files, line by line.

use super::*;

fn read_text(text: &str) -> Result<Flow, FlowError> {
    let flow = read(Lines::of_text("AAPL.csv", text), "AAPL")?;
    flow.accounting.check();
    Ok(flow)
}

fn kinds(text: &str) -> Vec<FlowKind> {
    let flow = read_text(text).unwrap();
    flow.events.into_iter().map(|event| event.kind).collect()
}

#[test]
fn seconds_become_nanoseconds_exactly() {
    let table = [
        ("34200.004241176", 34_200_004_241_176),
        ("34200.00426064", 34_200_004_260_640),
        ("34200.5", 34_200_500_000_000),
        ("34200", 34_200_000_000_000),
        ("0.000000001", 1),
        ("86399.999999999", 86_399_999_999_999),
        ("35821.088778456004", 35_821_088_778_456),
        ("35821.0887784559996", 35_821_088_778_456),
        ("35821.9999999995", 35_822_000_000_000),
        ("35821.99999999949", 35_821_999_999_999),
    ];
    for (text, expected) in table {
        let flow = read_text(&format!("{text},1,7,10,1000000,1")).unwrap();
        assert_eq!(flow.events[0].time_ns, expected, "{text}");
    }
}

#[test]
fn times_that_are_no_times_are_refused() {
    for text in [
        "",
        ".",
        "1.",
        ".5",
        "-1.5",
        "1e5",
        "86399.9999999995",
        "99999999999999999999",
        "18446744073709551615",
        "86400",
        "1.2.3",
    ] {
        let error = read_text(&format!("{text},1,7,10,1000000,1")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("AAPL.csv line 1, field time: "),
            "{error}"
        );
    }
}

#[test]
fn an_orders_life_keeps_its_leaves() {
    let text = "\
1.0,1,7,100,5853300,-1
2.0,4,7,30,5853300,-1
3.0,2,7,50,5853300,-1
4.0,4,7,20,5853300,-1
";
    assert_eq!(
        kinds(text),
        [
            FlowKind::New {
                order_ref: 7,
                side: Side::Sell,
                price_e8: 58_533_000_000,
                qty: 100,
            },
            FlowKind::Fill {
                order_ref: 7,
                side: Side::Sell,
                price_e8: 58_533_000_000,
                qty: 30,
                exec_ref: 5,
            },
            // 30 filled and 20 left: the order's total is now 50.
            FlowKind::Replace {
                order_ref: 7,
                price_e8: 58_533_000_000,
                qty: 50,
                leaves: 20,
            },
            FlowKind::Fill {
                order_ref: 7,
                side: Side::Sell,
                price_e8: 58_533_000_000,
                qty: 20,
                exec_ref: 9,
            },
        ]
    );
}

#[test]
fn a_partial_cancel_of_everything_is_a_cancel() {
    let last = kinds("1.0,1,7,100,10000,1\n2.0,2,7,100,10000,1\n").pop();
    assert_eq!(last, Some(FlowKind::Cancel { order_ref: 7 }));
}

#[test]
fn lines_without_their_order_are_counted_with_the_reason_and_give_no_event() {
    let text = "\
1.0,1,7,100,10000,1
1.0,3,8,100,10000,1
1.0,4,8,100,10000,1
1.0,4,7,101,10000,1
1.0,3,7,99,10000,1
1.0,4,7,1,10000,-1
1.0,3,7,100,10000,1
1.0,2,7,1,10000,1
1.0,1,7,5,10000,1
";
    let flow = read_text(text).unwrap();
    assert_eq!(flow.events.len(), 2);
    let unmatched: Vec<_> = flow.accounting.unmatched_by_reason().collect();
    assert_eq!(
        unmatched,
        [
            (LineKind::NewOrder, UnmatchedReason::DuplicateOrder, 1),
            (LineKind::PartialCancel, UnmatchedReason::OrderClosed, 1),
            (LineKind::Cancel, UnmatchedReason::OrderNotInFile, 1),
            (LineKind::Cancel, UnmatchedReason::NotWhatIsLeft, 1),
            (LineKind::Execution, UnmatchedReason::OrderNotInFile, 1),
            (LineKind::Execution, UnmatchedReason::OtherSide, 1),
            (LineKind::Execution, UnmatchedReason::NotWhatIsLeft, 1),
        ]
    );
    assert_eq!(flow.accounting.lines_read(), 9);
}

#[test]
fn prints_and_halts_are_events_of_the_instrument() {
    let text = "\
1.0,1,7,100,10000,1
2.0,5,0,10,10050,-1
3.0,6,-1,500,10100,-1
4.0,7,0,0,-1,-1
5.0,7,0,0,0,-1
6.0,7,0,0,1,-1

";
    assert_eq!(
        kinds(text)[1..],
        [
            FlowKind::ReferencePrice {
                price_e8: 100_500_000
            },
            FlowKind::ReferencePrice {
                price_e8: 101_000_000
            },
            FlowKind::Halt,
            FlowKind::Resume,
        ]
    );
    let flow = read_text(text).unwrap();
    assert_eq!(flow.accounting.used(LineKind::Halt), 3);
    assert_eq!(flow.accounting.used(LineKind::Blank), 1);
    assert_eq!(
        flow.instruments[0].day_start,
        DayStartPrice::FirstExecution {
            price_e8: 100_500_000
        }
    );
}

#[test]
fn the_tick_is_a_cent_unless_an_order_is_finer() {
    let tick = |text| read_text(text).unwrap().instruments[0].tick_e8;
    assert_eq!(tick("1.0,1,7,100,10100,1\n1.0,5,0,1,10150,1\n"), TICK_E8);
    assert_eq!(tick("1.0,1,7,100,9999,1\n"), SUB_DOLLAR_TICK_E8);
}

#[test]
fn a_broken_line_is_named_by_line_field_and_value() {
    let table = [
        ("1.0,1,7,10,12x,1", "field price: `12x` is not an integer"),
        ("1.0,1,7,10,0,1", "field price: `0` is not a positive price"),
        (
            "1.0,1,7,0,10000,1",
            "field size: `0` is not a positive quantity",
        ),
        (
            "1.0,1,x,10,10000,1",
            "field order id: `x` is not a whole number",
        ),
        (
            "1.0,1,7,10,10000,0",
            "field direction: `0` is neither 1 nor -1",
        ),
        (
            "1.0,9,7,10,10000,1",
            "field type: `9` is not a message type from 1 to 7",
        ),
        (
            "1.0,7,0,0,2,-1",
            "field price: `2` is not a halt's -1, 0 or 1",
        ),
        ("1.0,1,7,10", "field price: is missing"),
        (
            "1.0,1,7,10,10000,1,x",
            "field direction: `x` is a column too many",
        ),
    ];
    for (line, expected) in table {
        let error = read_text(&format!("1.0,1,1,1,10000,1\n{line}\n")).unwrap_err();
        assert_eq!(error.to_string(), format!("AAPL.csv line 2, {expected}"));
    }
}

#[test]
fn a_file_without_an_order_is_refused() {
    let error = read_text("1.0,5,0,10,10000,1\n\n").unwrap_err();
    assert_eq!(error.to_string(), "AAPL.csv: holds no order (2 lines read)");
}

#[test]
fn the_symbol_is_what_the_file_name_begins_with() {
    let table = [
        ("x/AAPL_2012-06-21_message_50.csv.gz", "AAPL"),
        ("MSFT.csv", "MSFT"),
        ("_message.csv", "LOBSTER"),
    ];
    for (path, symbol) in table {
        assert_eq!(symbol_of(Path::new(path)), symbol);
    }
}
