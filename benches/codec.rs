//! What a frame costs: encode and decode of every message on the hot path, beside a `base` case that
//! copies the same 64 bytes and shows what the harness itself takes.

use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use wire::codec::{MAX_FRAME, decode_block, encode_frame, split_frame};
use wire::{
    CancelOrder, CancelReason, Capacity, E8, ExecType, LimitKind, Message, NewOrder, OrdType,
    OrderAccepted, OrderCancelled, OrderFilled, OrderRejected, Price, Qty, ReplaceOrder,
    RoutedOrder, Scope, Side, TimeInForce, VenueReport,
};

/// Encode, and split with decode, of one message.
fn message<M: Message>(criterion: &mut Criterion, message: &M) {
    let name = M::LAYOUT.name;
    let mut bytes = [0; MAX_FRAME];
    let len = encode_frame(message, &mut bytes);
    let frame = bytes[..len].to_vec();
    let decoded = |frame: &[u8]| -> Option<M> {
        let frame = split_frame(frame).ok()??;
        decode_block(frame.block).ok()
    };
    assert_eq!(
        decoded(&frame).as_ref(),
        Some(message),
        "{name} round trips"
    );

    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Bytes(len as u64));
    group.bench_function(BenchmarkId::new("encode", name), |bencher| {
        bencher.iter(|| encode_frame(black_box(message), black_box(&mut bytes)));
    });
    group.bench_function(BenchmarkId::new("decode", name), |bencher| {
        bencher.iter(|| decoded(black_box(&frame)));
    });
    group.finish();
}

fn base(criterion: &mut Criterion) {
    let from = [7_u8; 64];
    let mut to = [0_u8; 64];
    criterion.bench_function("codec/base/copy 64 bytes", |bencher| {
        bencher.iter(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    base(&mut criterion);
    let order = NewOrder {
        seq_no: 1,
        cl_ord_id: 1,
        price: Price(101 * E8),
        qty: Qty(5 * E8),
        account: 1,
        instrument_id: 2,
        trader_id: 3,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    };
    message(&mut criterion, &order);
    message(
        &mut criterion,
        &ReplaceOrder {
            cl_ord_id: 2,
            orig_cl_ord_id: 1,
            price: Price(102 * E8),
            qty: Qty(6 * E8),
            trader_id: 3,
            ..ReplaceOrder::default()
        },
    );
    message(
        &mut criterion,
        &CancelOrder {
            cl_ord_id: 3,
            orig_cl_ord_id: 2,
            trader_id: 3,
            ..CancelOrder::default()
        },
    );
    message(
        &mut criterion,
        &VenueReport {
            order_id: 9,
            cl_ord_id: 1,
            venue_exec_id: 77,
            last_px: Price(101 * E8),
            last_qty: Qty(5 * E8),
            exec_type: ExecType::Fill,
            side: Side::Buy,
            reason: CancelReason::Requested,
            ..VenueReport::default()
        },
    );
    message(
        &mut criterion,
        &OrderAccepted {
            cl_ord_id: 1,
            order_id: 9,
            util_bps: 4_200,
            util_limit_kind: LimitKind::GrossNotional,
            util_scope: Scope::Desk,
            ..OrderAccepted::default()
        },
    );
    message(
        &mut criterion,
        &OrderRejected {
            cl_ord_id: 1,
            limit_value: 5,
            observed_value: 6,
            code: 208,
            ref_template_id: 100,
            ..OrderRejected::default()
        },
    );
    message(
        &mut criterion,
        &OrderFilled {
            cl_ord_id: 1,
            order_id: 9,
            last_px: Price(101 * E8),
            last_qty: Qty(5 * E8),
            exec_type: ExecType::Fill,
            side: Side::Buy,
            ..OrderFilled::default()
        },
    );
    message(
        &mut criterion,
        &OrderCancelled {
            cl_ord_id: 3,
            orig_cl_ord_id: 1,
            order_id: 9,
            reason: CancelReason::Requested,
            ..OrderCancelled::default()
        },
    );
    message(
        &mut criterion,
        &RoutedOrder {
            order_id: 9,
            cl_ord_id: order.cl_ord_id,
            price: order.price,
            qty: order.qty,
            side: order.side,
            ord_type: order.ord_type,
            tif: order.tif,
            capacity: order.capacity,
            ..RoutedOrder::default()
        },
    );
    criterion.final_summary();
}
