//! Recorded days read as they are, checked against counts made from the raw
//! text by other means than the readers'.
//!
//! The files are not part of the product. They are looked for in
//! `../shared/data` beside the repository, or where `PORTCULLIS_DATA` points;
//! a test that does not find its file says so and passes.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do: with the place"
)]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env,
    fs::File,
    io::{Read, Write, stderr},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use flate2::read::MultiGzDecoder;
use gateway::flow::{
    self, Attribution, DayStartPrice, Flow, FlowKind, Format, LineKind, PositionKey, Side,
    count_outside_collar, expected_positions,
};

const LOBSTER: &str = "lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz";
const SSE: &str = "sse/AX_sbe_sse_600519.zip";

const PREVIOUS_CLOSE_E8: i64 = 179_500_000_000;

/// The file, or `None` with the reason on the terminal.
fn find(name: &str) -> Option<PathBuf> {
    let folder = env::var_os("PORTCULLIS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    // Straight to the terminal: the test harness keeps what a passing test prints.
    let _ = writeln!(
        stderr(),
        "SKIPPED: {} is not there; set PORTCULLIS_DATA to the folder that holds {name}",
        path.display()
    );
    None
}

/// A day, read once for all tests.
fn lobster() -> Option<(&'static Path, &'static Flow)> {
    static DAY: LazyLock<Option<(PathBuf, Flow)>> =
        LazyLock::new(|| read(LOBSTER, Format::Lobster));
    DAY.as_ref().map(|(path, flow)| (path.as_path(), flow))
}

fn sse() -> Option<(&'static Path, &'static Flow)> {
    static DAY: LazyLock<Option<(PathBuf, Flow)>> = LazyLock::new(|| read(SSE, Format::Sse));
    DAY.as_ref().map(|(path, flow)| (path.as_path(), flow))
}

fn read(name: &str, format: Format) -> Option<(PathBuf, Flow)> {
    let path = find(name)?;
    let flow = flow::open(&path, format).unwrap();
    Some((path, flow))
}

fn firm() -> Attribution {
    Attribution {
        accounts: NonZeroU32::new(12).unwrap(),
        desks: NonZeroU32::new(3).unwrap(),
        traders: NonZeroU32::new(9).unwrap(),
    }
}

/// Follows every order through the day by the events alone.
fn assert_every_order_lives_a_consistent_life(flow: &Flow) {
    #[derive(Default)]
    struct Order {
        qty: u64,
        filled: u64,
        done: bool,
    }
    let mut orders: HashMap<u64, Order> = HashMap::new();
    let mut exec_refs = HashSet::new();
    let mut time_ns = 0;
    for event in &flow.events {
        assert!(event.time_ns >= time_ns, "time runs back: {event:?}");
        time_ns = event.time_ns;
        let instrument = &flow.instruments[usize::try_from(event.instrument).unwrap()];
        match event.kind {
            FlowKind::New {
                order_ref,
                price_e8,
                qty,
                ..
            } => {
                assert_eq!(price_e8 % instrument.tick_e8, 0, "off tick: {event:?}");
                let order = Order {
                    qty,
                    ..Order::default()
                };
                assert!(orders.insert(order_ref, order).is_none(), "{event:?}");
            }
            FlowKind::Replace {
                order_ref,
                qty,
                leaves,
                ..
            } => {
                let order = orders.get_mut(&order_ref).unwrap();
                assert!(!order.done && leaves > 0 && qty < order.qty, "{event:?}");
                assert_eq!(order.filled + leaves, qty, "{event:?}");
                order.qty = qty;
            }
            FlowKind::Cancel { order_ref } => {
                let order = orders.get_mut(&order_ref).unwrap();
                assert!(!order.done, "{event:?}");
                order.done = true;
            }
            FlowKind::Fill {
                order_ref,
                qty,
                exec_ref,
                ..
            } => {
                let order = orders.get_mut(&order_ref).unwrap();
                assert!(!order.done && qty > 0, "{event:?}");
                order.filled += qty;
                assert!(order.filled <= order.qty, "overfilled: {event:?}");
                order.done = order.filled == order.qty;
                assert!(exec_refs.insert(exec_ref), "repeated: {event:?}");
            }
            FlowKind::ReferencePrice { .. } | FlowKind::Halt | FlowKind::Resume => {}
        }
    }
    let opened = u64::try_from(orders.len()).unwrap();
    assert_eq!(opened, flow.accounting.orders());
}

#[test]
fn every_line_of_the_lobster_hour_is_accounted_for() {
    let Some((_, flow)) = lobster() else { return };
    let accounting = &flow.accounting;
    accounting.check();
    assert_eq!(accounting.lines_read(), 91_997);
    assert_eq!(accounting.orders(), 44_256);
    assert_eq!(accounting.used(LineKind::NewOrder), 44_256);
    assert_eq!(accounting.used(LineKind::PartialCancel), 469);
    assert_eq!(accounting.used(LineKind::Cancel), 40_932);
    assert_eq!(accounting.used(LineKind::Execution), 4_055);
    assert_eq!(accounting.used(LineKind::HiddenExecution), 2_201);
    assert_eq!(accounting.unmatched(), 84);
    assert!(accounting.unmatched_is_within(20));
    assert_eq!(flow.instruments[0].symbol, "AAPL");
    assert_every_order_lives_a_consistent_life(flow);
}

#[test]
fn lobster_positions_are_the_sum_of_the_files_own_executions() {
    let Some((path, flow)) = lobster() else {
        return;
    };
    let mut text = String::new();
    MultiGzDecoder::new(File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();

    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let opened: HashSet<&str> = rows
        .iter()
        .filter(|row| row[1] == "1")
        .map(|row| row[2])
        .collect();
    let mut positions: BTreeMap<PositionKey, i128> = BTreeMap::new();
    for row in rows
        .iter()
        .filter(|row| row[1] == "4" && opened.contains(row[2]))
    {
        let key = PositionKey {
            account: firm().attribute(row[2].parse().unwrap()).account,
            instrument: 0,
        };
        let direction: i128 = row[5].parse().unwrap();
        *positions.entry(key).or_default() += direction * row[3].parse::<i128>().unwrap();
    }
    assert_eq!(expected_positions(&flow.events, &firm()), positions);
    assert_eq!(positions.len(), 12);
    assert_eq!(positions.values().sum::<i128>(), -43_978);
}

#[test]
fn every_line_of_the_shanghai_day_is_accounted_for() {
    let Some((_, flow)) = sse() else { return };
    let accounting = &flow.accounting;
    accounting.check();
    assert_eq!(accounting.lines_read(), 69_595);
    let posted = accounting.used(LineKind::NewOrder);
    let folded = accounting.used(LineKind::Remainder);
    assert_eq!((posted, folded), (30_926, 686));
    assert_eq!(posted + folded, 31_612);
    assert_eq!(accounting.used(LineKind::Cancel), 14_152);
    assert_eq!(accounting.used(LineKind::Execution), 18_685);
    assert_eq!(accounting.used(LineKind::Snapshot), 5_146);
    assert_eq!(accounting.orders_from_executions(), 13_352);
    assert_eq!(accounting.orders(), 44_278);
    assert_eq!(accounting.unmatched(), 0);

    let instrument = &flow.instruments[0];
    assert_eq!(instrument.symbol, "600519");
    assert_eq!(
        instrument.day_start,
        DayStartPrice::PreviousClose {
            price_e8: PREVIOUS_CLOSE_E8
        }
    );
    assert_every_order_lives_a_consistent_life(flow);
    let mut odd_lots = Vec::new();
    for event in &flow.events {
        if let FlowKind::New { side, qty, .. } = event.kind
            && qty % instrument.lot != 0
        {
            odd_lots.push(side);
        }
    }
    assert_eq!(odd_lots, [Side::Sell; 58]);
}

#[test]
fn what_shanghai_bought_is_what_it_sold() {
    let Some((_, flow)) = sse() else { return };
    let mut bought = 0;
    let mut sold = 0;
    for event in &flow.events {
        if let FlowKind::Fill { side, qty, .. } = event.kind {
            match side {
                Side::Buy => bought += qty,
                Side::Sell => sold += qty,
            }
        }
    }
    // The exchange's own total: TotalVolumeTrade of the last snapshot.
    assert_eq!((bought, sold), (2_432_171, 2_432_171));
    let positions = expected_positions(&flow.events, &firm());
    assert_eq!(positions.values().sum::<i128>(), 0);
}

#[test]
fn nothing_in_shanghai_is_outside_ten_percent_and_some_is_outside_five() {
    let Some((path, flow)) = sse() else { return };
    let outside = |bps| count_outside_collar(&flow.events, 0, PREVIOUS_CLOSE_E8, bps);
    assert_eq!(outside(1_000), 0);
    assert_eq!(outside(500), 139);

    // Straight from the text: published orders alone come to the same number,
    // because no aggressor traded that far away.
    let mut text = String::new();
    zip::ZipArchive::new(File::open(path).unwrap())
        .unwrap()
        .by_index(0)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let published = text.lines().filter(|line| line.contains(" OrdType=65 "));
    let far = published.filter(|line| {
        let after = line.split(" Price=").nth(1).unwrap();
        let price: i64 = after.split(' ').next().unwrap().parse().unwrap();
        if line.contains(" Side=66 ") {
            price * 100 > 1_795_000 * 105
        } else {
            price * 100 < 1_795_000 * 95
        }
    });
    assert_eq!(far.count(), 139);
}

#[test]
fn a_file_read_as_the_other_format_is_refused_at_its_first_line() {
    for (name, format) in [(LOBSTER, Format::Sse), (SSE, Format::Lobster)] {
        let Some(path) = find(name) else { return };
        let error = flow::open(&path, format).unwrap_err().to_string();
        assert!(error.contains(" line 1, field "), "{error}");
    }
}
