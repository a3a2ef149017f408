//! The instrument measures what it says: the desk's books are those of the engine, a wrong answer is
//! found, a run that could not keep its schedule has no percentiles, a debug build has no figures.

#![allow(clippy::unwrap_used, reason = "a test that meets something else fails")]

use std::time::Duration;

use assert_cmd::Command;
use engine::pipeline::AckPolicy;
use gateway::bench::Settings;
use gateway::bench::desk::{Answer, Desk, Mix};
use gateway::bench::line::Waiting;
use gateway::bench::servers::{EchoServer, RealServer, Start};
use wire::{Message, OrderAccepted, OrderRejected, RejectCode, Reply};

#[test]
fn a_desk_trades_with_the_server_and_its_books_are_the_engines() {
    let directory = tempfile::tempdir().unwrap();
    let server = RealServer::start(directory.path(), Start::small(AckPolicy::Memory)).unwrap();
    let mut line = server.line(Waiting::Yielding, Mix::TRADING, 64).unwrap();
    let run = line.open_loop(2_000, Duration::from_millis(500)).unwrap();
    assert_eq!(
        (run.sent + run.unsent, run.latency.len()),
        (1_000, run.sent)
    );
    let mut books = line.books();
    assert_eq!((books.right, books.sent), (run.sent, run.sent), "{books:?}");
    assert!(books.live > 0 && !books.positions.is_empty(), "{books:?}");
    drop(line);

    // The session goes on over another connection, which blocks and has one order under way.
    let mut line = server.line(Waiting::Blocking, Mix::TRADING, 64).unwrap();
    for _ in 0..50 {
        line.order().unwrap();
    }
    line.end_orders_above(0).unwrap();
    assert_eq!(line.books().live, 0);
    books.merge(&line.books());
    drop(line);
    let proof = server.stop(&books).unwrap();
    assert!(proof.records > books.sent, "{proof:?}");
}

#[test]
fn books_that_are_not_the_engines_end_a_measurement() {
    let directory = tempfile::tempdir().unwrap();
    let server = RealServer::start(directory.path(), Start::small(AckPolicy::Memory)).unwrap();
    let mut line = server.line(Waiting::Yielding, Mix::TRADING, 64).unwrap();
    line.open_loop(2_000, Duration::from_millis(300)).unwrap();
    let mut books = line.books();
    drop(line);
    *books.positions.entry((1, 1)).or_default() += 1;
    let error = server.stop(&books).unwrap_err().to_string();
    assert!(error.contains("by the desk's books"), "{error}");
}

#[test]
fn the_echo_gives_everything_back_and_throughput_counts_answers() {
    let echo = EchoServer::start().unwrap();
    let mut line = echo.line(Waiting::Yielding, Mix::TRADING, 64).unwrap();
    let run = line.open_loop(2_000, Duration::from_millis(200)).unwrap();
    assert_eq!((run.sent + run.unsent, run.latency.len()), (400, run.sent));
    let reached = line.throughput(64, Duration::from_millis(100)).unwrap();
    assert!(reached > 0.0);
    let books = line.books();
    assert!(books.sent > run.sent);
    drop(line);
    echo.stop(&books).unwrap();
}

#[test]
fn a_run_faster_than_its_generator_is_invalid() {
    let echo = EchoServer::start().unwrap();
    let mut line = echo.line(Waiting::Yielding, Mix::TRADING, 64).unwrap();
    let run = line
        .open_loop(50_000_000, Duration::from_millis(20))
        .unwrap();
    let reason = run.invalid().unwrap();
    assert!(reason.contains("not made in time"), "{reason}");
    let books = line.books();
    drop(line);
    echo.stop(&books).unwrap();
}

/// What a desk makes of one answer to its first order.
fn first_order_answered_by(answer: impl FnOnce(u64) -> Reply) -> gateway::bench::books::Books {
    let mut desk = Desk::new(Mix::TRADING, 8, 1, 77);
    let mut out = Vec::new();
    let asked = desk.order(&mut out);
    let reply = answer(77);
    let mut block = [0; 512];
    let len = reply.encode_block(&mut block);
    let answer = Answer {
        template_id: reply.layout().template_id,
        block: &block[..len],
    };
    desk.answered(&asked, answer);
    desk.books()
}

#[test]
fn only_the_answer_that_must_come_is_right() {
    let accepted = |cl_ord_id| -> Reply {
        OrderAccepted {
            cl_ord_id,
            ..OrderAccepted::default()
        }
        .into()
    };
    let rejected = |code: RejectCode| {
        move |cl_ord_id| -> Reply {
            OrderRejected {
                cl_ord_id,
                code: code.number(),
                ..OrderRejected::default()
            }
            .into()
        }
    };
    let right = first_order_answered_by(accepted);
    assert_eq!((right.right, right.live), (1, 1), "{right:?}");
    let of_another = first_order_answered_by(|id| accepted(id + 1));
    assert_eq!((of_another.right, of_another.wrong.len()), (0, 1));
    let refused = first_order_answered_by(rejected(RejectCode::PriceCollar));
    let told: Vec<&String> = refused.wrong.keys().collect();
    assert_eq!((refused.right, refused.live), (0, 0));
    assert!(told[0].contains("code 207 PriceCollar"), "{told:?}");
    let busy = first_order_answered_by(rejected(RejectCode::Busy));
    assert_eq!((busy.busy, busy.live, busy.wrong.len()), (1, 0, 0));
    assert_eq!(OrderRejected::LAYOUT.template_id, 201);
}

#[test]
fn a_debug_build_prints_no_figures() {
    if !cfg!(debug_assertions) {
        return;
    }
    let output = Command::cargo_bin("portcullis")
        .unwrap()
        .args(["bench", "round-trip", "--quick"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("a debug build has no figures"), "{told}");
}

#[test]
fn a_directory_that_does_not_do_is_named_with_the_flag_that_names_another() {
    let settings = Settings {
        quick: true,
        pairs: 1,
        rate: None,
        disk: "/no/such/place".into(),
        out: "/no/such/place".into(),
    };
    let error = settings.directory().unwrap_err().to_string();
    assert!(error.starts_with("/no/such/place: "), "{error}");
    assert!(
        error.contains("with --disk, or by PORTCULLIS_BENCH_DIR"),
        "{error}"
    );
}
