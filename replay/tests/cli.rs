//! The command as a person runs it, on a journal that a firm's first minute wrote.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

mod support;

use engine::command::{Command as Input, Sequenced};
use engine::decision::{Decision, Outbox};
use engine::firm::{Firm, auto_day};
use engine::journal::{Build, JournalWriter, Options, RealFiles};
use engine::record::{MAX_RECORD, encode_record};
use engine::risk::RiskEngine;
use engine::text::{parse_line, write_line};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::replay;
use tempfile::TempDir;
use wire::{Capacity, E8, NewOrder, OrdType, Price, Qty, Side, Time, TimeInForce};

const T: u64 = 1_790_000_000_000_000_000;

/// A journal of the example firm with some orders, and what it should say line by line.
fn journal() -> (TempDir, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 4 << 20,
        ..Options::new(Build::new("test").unwrap(), 1)
    };
    let mut writer = JournalWriter::create(RealFiles::new(dir.path()), options).unwrap();
    let mut engine = RiskEngine::new();
    let mut outbox = Outbox::new();
    let mut lines = Vec::new();
    let mut firm = Firm::example();
    for file in firm.key_files.clone() {
        firm.set_public_key(file.session_id, &"ab".repeat(32))
            .unwrap();
    }
    let server = firm
        .genesis(Time(T))
        .into_iter()
        .chain(auto_day(20_261_122));
    let orders = [(50, 1), (30_000, 2), (70, 3)].map(|(qty, id)| {
        Input::NewOrder(NewOrder {
            seq_no: id,
            cl_ord_id: id,
            price: Price(585 * E8),
            qty: Qty(qty * E8),
            account: 4,
            instrument_id: 1,
            trader_id: 3,
            side: Side::Buy,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        })
    });
    let inputs = server
        .map(|c| (0, 0, c))
        .chain(orders.into_iter().zip(1..).map(|(c, n)| (2, n, c)));
    for ((session_id, in_seq_no, command), seq) in inputs.zip(1..) {
        let input = Sequenced {
            seq,
            t: T + seq,
            session_id,
            in_seq_no,
            busy: false,
            command,
        };
        outbox.clear();
        let decision: Decision = engine.apply(&input, &mut outbox);
        let mut record = [0; MAX_RECORD];
        let length = encode_record(&input, &decision, &mut record);
        writer.push(seq, &record[..length]).unwrap();
        let mut line = String::new();
        write_line(&input, &decision, &mut line);
        lines.push(line);
    }
    writer.write_batch(T).unwrap();
    writer.sync().unwrap();
    writer.clean_stop(T).unwrap();
    (dir, lines)
}

#[test]
fn dump_as_json_is_the_textual_form_of_every_record() {
    let (dir, lines) = journal();
    let (code, out, err) = replay(&["dump", "--json"], dir.path());
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out.lines().collect::<Vec<_>>(), lines);
    assert!(out.lines().all(|line| parse_line(line).is_ok()));
    let (_, part, _) = replay(&["dump", "--json", "--from", "3", "--to", "5"], dir.path());
    assert_eq!(part.lines().collect::<Vec<_>>(), lines[2..5]);
}

#[test]
fn dump_for_people_has_a_line_a_record_and_the_reason_of_a_refusal() {
    let (dir, lines) = journal();
    let (code, out, _) = replay(&["dump"], dir.path());
    assert_eq!((code, out.lines().count()), (0, lines.len()));
    assert!(out.contains("NewOrder clOrdId=1 price=585"), "{out}");
    assert!(
        out.contains("-> Rejected code=210 MaxOrderNotional"),
        "{out}"
    );
}

#[test]
fn verify_reaches_every_decision_again_and_tells_the_digests() {
    let (dir, lines) = journal();
    let (code, out, err) = replay(&["verify", "--json"], dir.path());
    assert_eq!((code, err.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["verified"], true);
    assert_eq!(report["records"], lines.len());
    assert_eq!(report["riskDigest"].as_str().unwrap().len(), 64);
    assert_eq!(report["refused"]["MaxOrderNotional"], 1);
    assert_eq!(report["decisions"]["Accepted"], 2);
    let (code, out, _) = replay(&["verify"], dir.path());
    assert_eq!(code, 0);
    assert!(out.starts_with("verified: "), "{out}");
    // With the proof of order beside it, it is one object still.
    let elsewhere = tempfile::tempdir().unwrap();
    let key = elsewhere.path().join("server.pub");
    fs::write(&key, "ab".repeat(32)).unwrap();
    let both = ["verify", "--json", "--key", key.to_str().unwrap()];
    let (code, out, err) = replay(&both, dir.path());
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["verified"], &report["chain"]["complete"]),
        (&true.into(), &true.into())
    );
}

#[test]
fn a_byte_changed_in_the_middle_is_named_with_segment_and_offset_and_exits_3() {
    let (dir, _) = journal();
    let segment = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "seg"))
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    for command in ["verify", "dump", "state", "stats"] {
        let (code, _, err) = replay(&[command], dir.path());
        assert_eq!(code, 3, "{command}: {err}");
        assert!(
            err.contains(name) && err.contains("byte "),
            "{command}: {err}"
        );
    }
    let (_, out, _) = replay(&["verify", "--json"], dir.path());
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["verified"], false);
    assert_eq!(report["segment"], name);
    assert!(report["offset"].is_u64());
}

#[test]
fn state_shows_rows_orders_limits_and_digests_at_any_sequence() {
    let (dir, lines) = journal();
    let (code, out, _) = replay(&["state", "--json"], dir.path());
    assert_eq!(code, 0);
    let rows: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |what: &str| {
        rows.iter()
            .filter(|row| row["is"] == what)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("order").len(), 2);
    let account = of("row")
        .into_iter()
        .find(|row| row["scope"] == "Account")
        .unwrap();
    assert_eq!(account["openBuyQty"], "120");
    assert_eq!(account["reservedBuy"], "70200");
    let gross = of("limit")
        .into_iter()
        .find(|row| row["scope"] == "Firm" && row["limitKind"] == "GrossNotional")
        .unwrap();
    assert_eq!(
        (&gross["used"], &gross["value"]),
        (&"70200".into(), &"2000000000".into())
    );
    let (_, verified, _) = replay(&["verify", "--json"], dir.path());
    let report: Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(of("digest")[0]["risk"], report["riskDigest"]);

    let before = (lines.len() - 3).to_string();
    let (_, out, _) = replay(&["state", "--json", "--at", &before], dir.path());
    assert!(!out.contains("\"is\":\"order\""), "{out}");
    let (code, _, err) = replay(&["state", "--at", "100000"], dir.path());
    assert_eq!(code, 1);
    assert!(err.contains("the journal ends at sequence"), "{err}");
    let (code, out, _) = replay(&["state"], dir.path());
    assert_eq!(code, 0);
    assert!(
        out.contains("Example Firm") && out.contains("twoPerson"),
        "{out}"
    );
}

#[test]
fn stats_count_commands_decisions_and_codes() {
    let (dir, lines) = journal();
    let (code, out, _) = replay(&["stats", "--json"], dir.path());
    assert_eq!(code, 0);
    let stats: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(stats["records"], lines.len());
    assert_eq!(stats["commands"]["NewOrder"]["Accepted"], 2);
    assert_eq!(stats["commands"]["NewOrder"]["Rejected"], 1);
    assert_eq!(stats["sessions"]["2"], 3);
    let (code, out, _) = replay(&["stats"], dir.path());
    assert_eq!(code, 0);
    assert!(out.contains("MaxOrderNotional"), "{out}");
}

#[test]
fn a_directory_without_a_journal_and_wrong_usage_have_their_own_exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, err) = replay(&["verify"], dir.path());
    assert_eq!(code, 1);
    assert!(err.contains("there is no journal in"), "{err}");
    let (code, _, _) = replay(&["verify", "--no-such-flag"], dir.path());
    assert_eq!(code, 2);
}

#[test]
fn a_data_directory_may_be_named_instead_of_its_journal() {
    let (dir, lines) = journal();
    let data = tempfile::tempdir().unwrap();
    fs::rename(dir.path(), data.path().join("journal")).unwrap();
    let (code, out, _) = replay(&["dump", "--json"], data.path());
    assert_eq!((code, out.lines().count()), (0, lines.len()));
}

#[test]
fn a_session_is_released_once_with_a_reason_and_its_command_is_kept() {
    let (dir, _) = journal();
    let (code, _, err) = replay(
        &["release", "--session", "2", "--reason", "mended"],
        dir.path(),
    );
    assert_eq!(code, 1);
    assert!(err.contains("session 2 is not refused"), "{err}");
    let name = engine::pipeline::in_hand_file(2);
    let command = "{\"panic\":\"index out of bounds\",\"command\":{}}\n";
    std::fs::write(dir.path().join(&name), command).unwrap();
    let (code, _, err) = replay(&["release", "--session", "2", "--reason", " "], dir.path());
    assert_eq!(code, 2, "{err}");
    let (code, out, _) = replay(
        &["release", "--session", "2", "--reason", "mended"],
        dir.path(),
    );
    assert_eq!(code, 0);
    assert!(out.contains("session 2 may log on again"), "{out}");
    assert!(!dir.path().join(&name).exists());
    let kept = dir.path().join(format!("{name}.released"));
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.starts_with(command), "{kept}");
    assert!(kept.contains("\"released\":\"mended\""), "{kept}");
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect()
}

#[test]
fn a_reader_that_has_gone_ends_no_command_by_a_signal_and_hides_no_damage() {
    let (dir, _) = journal();
    let (damaged, _) = journal();
    let segment = segments(damaged.path()).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let (dir, damaged) = (
        dir.path().to_str().unwrap(),
        damaged.path().to_str().unwrap(),
    );
    let cases: [(&[&str], i32); 10] = [
        (&["verify", dir], 0),
        (&["verify", "--json", damaged], 3),
        (&["verify", "--chain", "--json", damaged], 3),
        (&["verify", damaged], 3),
        (&["dump", dir], 0),
        (&["dump", "--json", damaged], 3),
        (&["state", dir], 0),
        (&["stats", "/no/such/place"], 1),
        (&["completions", "bash"], 0),
        (&["man"], 0),
    ];
    for (args, code) in cases {
        let unread = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        };
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis-replay"))
            .args(args)
            .stdout(unread())
            .stderr(unread())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}: {status}");
    }
}

#[test]
fn where_every_segment_is_gone_it_is_said_what_is_left_what_that_proves_and_what_to_do() {
    let (dir, lines) = journal();
    for segment in segments(dir.path()) {
        fs::remove_file(segment).unwrap();
    }
    let data = tempfile::tempdir().unwrap();
    let inside = data.path().join("journal");
    fs::rename(dir.path(), &inside).unwrap();
    for command in [&["verify"][..], &["repair", "--reason", "x"], &["dump"]] {
        let (code, out, err) = replay(command, data.path());
        assert_eq!((code, out.as_str()), (3, ""), "{err}");
        let proof = format!("had been durable (up to sequence {})", lines.len());
        assert!(err.contains(&proof), "{err}");
        assert!(err.contains("left:  durable"), "{err}");
        assert!(err.contains("next:  copy the segments back"), "{err}");
    }
    // A snapshot alone proves that there was something, too.
    fs::rename(inside.join("durable"), inside.join("000000000093.snapshot")).unwrap();
    let (code, _, err) = replay(&["verify"], data.path());
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("left:  000000000093.snapshot"), "{err}");
}

#[test]
fn an_anchor_without_a_head_proves_nothing_and_is_refused() {
    let (dir, _) = journal();
    let anchor = dir.path().join("heads.ndjson");
    for nothing in ["", "\n \n"] {
        fs::write(&anchor, nothing).unwrap();
        let args = ["verify", "--anchor", anchor.to_str().unwrap()];
        let (code, out, err) = replay(&args, dir.path());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("heads.ndjson: no head is in it"), "{err}");
    }
}
