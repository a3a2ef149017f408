//! Small Shanghai logs, message by message.

use super::*;

fn order(biz: u64, number: u64, code: &str, side: u64, price: u64, shares: u64) -> String {
    format!(
        "//SecurityIDSource=101 MsgType=192 MsgLen=64 SecurityID=600519 ChannelNo=6 ApplSeqNum=1 \
         OrderNo={number} Price={price} OrderQty={}   OrdType={code} Side={side} \
         TransactTime=9300000 resv=   BizIndex={biz}   \r\n",
        shares * 1_000
    )
}

fn post(biz: u64, number: u64, side: u64, price: u64, shares: u64) -> String {
    order(biz, number, "65", side, price, shares)
}

fn execution(biz: u64, orders: (u64, u64), kind: u64, price: u64, shares: u64) -> String {
    format!(
        "//MsgType=191 SecurityID=600519 BidApplSeqNum={} OfferApplSeqNum={} LastPx={price} \
         LastQty={} ExecType={kind} TransactTime=9300000 BizIndex={biz}\n",
        orders.0,
        orders.1,
        shares * 1_000
    )
}

fn snapshot(previous_close: u64) -> String {
    format!("//MsgType=111 SecurityID=600519 PrevClosePx={previous_close} LastPx=0 resv= \n")
}

const BUY: u64 = 66;
const SELL: u64 = 83;
const AUCTION: u64 = 78;
const CENT_E8: i64 = 1_000_000;

fn read_text(text: &str) -> Result<Flow, FlowError> {
    let flow = read(Lines::of_text("AX.log", text))?;
    flow.accounting.check();
    Ok(flow)
}

fn kinds(flow: &Flow) -> Vec<FlowKind> {
    flow.events.iter().map(|event| event.kind).collect()
}

fn new(order_ref: u64, side: Side, cents: i64, qty: u64) -> FlowKind {
    FlowKind::New {
        order_ref,
        side,
        price_e8: cents * CENT_E8,
        qty,
    }
}

fn fill(order_ref: u64, side: Side, cents: i64, qty: u64, line: u64) -> FlowKind {
    FlowKind::Fill {
        order_ref,
        side,
        price_e8: cents * CENT_E8,
        qty,
        exec_ref: exec_ref(line, side),
    }
}

#[test]
fn an_aggressor_with_a_remainder_is_opened_whole_at_its_first_execution() {
    let text = [
        post(1, 1, SELL, 10_010, 300),
        post(2, 2, SELL, 10_020, 200),
        execution(3, (9, 1), BUY, 10_010, 300),
        execution(4, (9, 2), BUY, 10_020, 200),
        post(5, 9, BUY, 10_050, 100),
        order(6, 9, "68", BUY, 10_050, 100),
    ]
    .concat();
    let flow = read_text(&text).unwrap();
    assert_eq!(
        kinds(&flow),
        [
            new(1, Side::Sell, 1_001, 300),
            new(2, Side::Sell, 1_002, 200),
            new(9, Side::Buy, 1_005, 600),
            fill(9, Side::Buy, 1_001, 300, 3),
            fill(1, Side::Sell, 1_001, 300, 3),
            fill(9, Side::Buy, 1_002, 200, 4),
            fill(2, Side::Sell, 1_002, 200, 4),
            FlowKind::Cancel { order_ref: 9 },
        ]
    );
    assert_eq!(flow.accounting.used(LineKind::NewOrder), 2);
    assert_eq!(flow.accounting.used(LineKind::Remainder), 1);
    assert_eq!(flow.accounting.orders_from_executions(), 1);
    assert_eq!(flow.accounting.orders(), 3);
}

#[test]
fn an_aggressor_without_a_remainder_is_opened_at_its_worst_fill() {
    let text = [
        post(1, 1, BUY, 10_020, 100),
        post(2, 2, BUY, 10_010, 100),
        execution(3, (1, 9), SELL, 10_020, 100),
        execution(4, (2, 9), SELL, 10_010, 50),
    ]
    .concat();
    let flow = read_text(&text).unwrap();
    assert_eq!(kinds(&flow)[2], new(9, Side::Sell, 1_001, 150));
}

#[test]
fn a_fill_after_the_remainder_comes_out_of_the_remainder() {
    let text = [
        post(1, 1, SELL, 10_010, 100),
        execution(2, (9, 1), BUY, 10_010, 100),
        post(3, 9, BUY, 10_010, 100),
        execution(4, (9, 10), SELL, 10_010, 100),
    ]
    .concat();
    let flow = read_text(&text).unwrap();
    assert_eq!(kinds(&flow)[1], new(9, Side::Buy, 1_001, 200));
    assert_eq!(flow.accounting.unmatched(), 0);
}

#[test]
fn the_file_is_put_in_the_order_of_its_biz_index() {
    let text = [
        execution(3, (1, 2), AUCTION, 10_000, 100),
        post(2, 2, SELL, 10_000, 100),
        post(1, 1, BUY, 10_000, 100),
    ]
    .concat();
    let flow = read_text(&text).unwrap();
    assert_eq!(flow.accounting.unmatched(), 0);
    let lines: Vec<u64> = flow.events.iter().map(|event| event.line).collect();
    assert_eq!(lines, [3, 2, 1, 1]);
    assert_eq!(flow.events[0].time_ns, 34_200_000_000_000);
}

#[test]
fn an_unknown_order_at_rest_is_not_made_up_but_its_counterpart_is_filled() {
    let text = [
        post(1, 1, BUY, 10_000, 100),
        execution(2, (1, 5), AUCTION, 10_000, 40),
        execution(3, (9, 6), BUY, 10_000, 100),
        order(4, 7, "68", BUY, 10_000, 100),
        order(5, 1, "68", BUY, 10_000, 100),
        order(6, 1, "68", BUY, 10_000, 60),
    ]
    .concat();
    let flow = read_text(&text).unwrap();
    assert_eq!(
        kinds(&flow),
        [
            new(1, Side::Buy, 1_000, 100),
            fill(1, Side::Buy, 1_000, 40, 2),
            new(9, Side::Buy, 1_000, 100),
            fill(9, Side::Buy, 1_000, 100, 3),
            FlowKind::Cancel { order_ref: 1 },
        ]
    );
    let unmatched: Vec<_> = flow.accounting.unmatched_by_reason().collect();
    assert_eq!(
        unmatched,
        [
            (LineKind::Cancel, UnmatchedReason::OrderNotInFile, 1),
            (LineKind::Cancel, UnmatchedReason::NotWhatIsLeft, 1),
            (LineKind::Execution, UnmatchedReason::OrderNotInFile, 2),
        ]
    );
}

#[test]
fn a_number_published_twice_is_a_duplicate_also_for_an_aggressor() {
    let text = [
        post(1, 1, SELL, 10_010, 100),
        post(2, 1, SELL, 10_010, 100),
        execution(3, (9, 1), BUY, 10_010, 100),
        post(4, 9, BUY, 10_010, 100),
        post(5, 9, BUY, 10_010, 100),
    ]
    .concat();
    let flow = read_text(&text).unwrap();
    assert_eq!(kinds(&flow)[1], new(9, Side::Buy, 1_001, 200));
    let unmatched: Vec<_> = flow.accounting.unmatched_by_reason().collect();
    assert_eq!(
        unmatched,
        [(LineKind::NewOrder, UnmatchedReason::DuplicateOrder, 2)]
    );
}

#[test]
fn snapshots_give_the_previous_close_and_must_agree_on_it() {
    let post = post(1, 1, BUY, 10_000, 100);
    let flow = read_text(&[snapshot(0), snapshot(1_795_000), post.clone()].concat()).unwrap();
    assert_eq!(
        flow.instruments[0].day_start,
        DayStartPrice::PreviousClose {
            price_e8: 179_500_000_000
        }
    );
    assert_eq!(flow.accounting.used(LineKind::Snapshot), 2);

    let error = read_text(&[snapshot(1_795_000), post, snapshot(1_795_001)].concat()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AX.log line 3, field PrevClosePx: `1795001` is not the previous close of the snapshots \
         before"
    );
}

#[test]
fn other_messages_and_blank_lines_are_counted() {
    let text = [
        "//MsgType=103 SecurityID=600519\n\r\n".to_owned(),
        post(1, 1, BUY, 10_000, 100),
    ]
    .concat();
    let flow = read_text(&text).unwrap();
    assert_eq!(flow.accounting.used(LineKind::Other), 1);
    assert_eq!(flow.accounting.used(LineKind::Blank), 1);
    assert_eq!(flow.accounting.lines_read(), 3);
}

#[test]
fn a_broken_field_is_named_by_line_field_and_value() {
    let good = post(2, 2, BUY, 10_000, 100);
    let table = [
        (
            "Price=10000",
            "Price=1x",
            "field Price: `1x` is not an integer",
        ),
        ("Price=10000", "Prix=10000", "field Price: is missing"),
        (
            "OrderQty=100000",
            "OrderQty=100500",
            "field OrderQty: `100500` is not a whole number of shares",
        ),
        (
            "Side=66",
            "Side=67",
            "field Side: `67` is neither 66 nor 83",
        ),
        (
            "OrdType=65",
            "OrdType=85",
            "field OrdType: `85` is neither 65 nor 68",
        ),
        (
            "TransactTime=9300000",
            "TransactTime=9600000",
            "field TransactTime: `9600000` is not a time of day (HHMMSScc)",
        ),
        (
            "BizIndex=2",
            "BizIndex=",
            "field BizIndex: `` is not a whole number",
        ),
        (
            "SecurityID=600519",
            "SecurityID=600520",
            "field SecurityID: `600520` is a second security in one file",
        ),
        (
            "MsgType=192",
            "MsgType=order",
            "field MsgType: `order` is not a whole number",
        ),
        ("MsgType=192", "", "field MsgType: is missing"),
    ];
    for (part, broken, expected) in table {
        let text = [post(1, 1, BUY, 10_000, 100), good.replace(part, broken)].concat();
        let error = read_text(&text).unwrap_err();
        assert_eq!(error.to_string(), format!("AX.log line 2, {expected}"));
    }
}

#[test]
fn a_file_without_an_order_is_refused() {
    let error = read_text(&snapshot(1_795_000)).unwrap_err();
    assert_eq!(error.to_string(), "AX.log: holds no order (1 lines read)");
}
