//! `simulate` and `explain` as a person runs them.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should stop"
)]

use assert_cmd::Command;
use engine::command::{Command as Input, Sequenced, SessionUp, Started, Step};
use engine::decision::{Decision, Outbox};
use engine::firm::{EXAMPLE, Firm, auto_day};
use engine::journal::{Build, JournalWriter, Options, RealFiles};
use engine::record::{MAX_RECORD, encode_record};
use engine::risk::RiskEngine;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use wire::{
    Capacity, CodMode, E8, ExecType, Flag, Liquidity, MassCancel, NewOrder, OrdType, Price, Qty,
    ReplaceOrder, Scope, SetState, Side, Text, Time, TimeInForce, TradingState, VenueReport,
};

const T: u64 = 1_790_000_000_000_000_000;

/// Exit code, stdout and stderr.
fn replay(args: &[&str], stdin: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-replay"))
        .args(args)
        .write_stdin(stdin.to_owned())
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn simulate(args: &[&str], flow: &str) -> Vec<Value> {
    let (code, out, err) = replay(&[&["simulate"], args].concat(), flow);
    assert_eq!(code, 0, "{err}");
    lines(&out)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A hand-written order of the sidecar desk, few fields.
fn order(id: u64, side: &str, price: &str, qty: &str) -> String {
    format!(
        "{{\"cmd\":\"NewOrder\",\"clOrdId\":{id},\"account\":4,\"instrumentId\":1,\"traderId\":3,\
         \"side\":\"{side}\",\"ordType\":\"Limit\",\"price\":\"{price}\",\"qty\":\"{qty}\",\
         \"capacity\":\"Agency\"}}\n"
    )
}

/// A file with another text in place of one of the example's.
fn changed(dir: &Path, from: &str, to: &str) -> PathBuf {
    let text = EXAMPLE.replacen(from, to, 1);
    assert_ne!(text, EXAMPLE, "{from} is not there");
    let path = dir.join("firm.toml");
    fs::write(&path, text).unwrap();
    path
}

/// A small server: applies commands and adds steps one between two others, as the pipeline does.
struct Server {
    engine: RiskEngine,
    outbox: Outbox,
    writer: JournalWriter<RealFiles>,
    seq: u64,
    t: u64,
    numbers: [u64; 32],
}

impl Server {
    fn push(&mut self, session_id: u32, in_seq_no: u64, command: Input) -> Decision {
        self.seq += 1;
        let input = Sequenced {
            seq: self.seq,
            t: self.t,
            session_id,
            in_seq_no,
            busy: false,
            command,
        };
        let decision = self.engine.apply(&input, &mut self.outbox);
        let mut record = [0; MAX_RECORD];
        let length = encode_record(&input, &decision, &mut record);
        self.writer.push(self.seq, &record[..length]).unwrap();
        decision
    }

    fn own(&mut self, command: impl Into<Input>) -> Decision {
        self.push(0, 0, command.into())
    }

    fn send(&mut self, session_id: u32, command: impl Into<Input>) -> Decision {
        if self.engine.has_pending_steps() {
            self.own(Step::default());
        }
        self.t += 1_000;
        let place = usize::try_from(session_id).unwrap();
        self.numbers[place] += 1;
        let number = self.numbers[place];
        let decision = self.push(session_id, number, numbered(command.into(), number));
        self.writer.write_batch(self.t).unwrap();
        decision
    }
}

/// Clients number their messages; the journal holds them as they came.
fn numbered(command: Input, seq_no: u64) -> Input {
    match command {
        Input::NewOrder(m) => NewOrder { seq_no, ..m }.into(),
        Input::ReplaceOrder(m) => ReplaceOrder { seq_no, ..m }.into(),
        Input::MassCancel(m) => MassCancel { seq_no, ..m }.into(),
        Input::VenueReport(m) => VenueReport { seq_no, ..m }.into(),
        Input::SetState(m) => SetState { seq_no, ..m }.into(),
        other => other,
    }
}

fn limit_order(id: u64, account: u32, trader_id: u16, side: Side, qty: i64) -> NewOrder {
    NewOrder {
        cl_ord_id: id,
        price: Price(585 * E8),
        qty: Qty(qty * E8),
        account,
        instrument_id: 1,
        trader_id,
        side,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}

/// A journal of the example firm: orders of both desks, fills, a replace, a kill switch over many live
/// orders with its steps, a release.
fn journal() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 4 << 20,
        ..Options::new(Build::new("test").unwrap(), 1)
    };
    let mut server = Server {
        engine: RiskEngine::new(),
        outbox: Outbox::new(),
        writer: JournalWriter::create(RealFiles::new(dir.path()), options).unwrap(),
        seq: 0,
        t: T,
        numbers: [0; 32],
    };
    for command in Firm::example().genesis(Time(T)) {
        server.own(command);
    }
    server.own(Started {
        epoch: 1,
        server_time: Time(T),
        ack: 1,
        clean: Flag::Yes,
        restricted: Flag::No,
        clock_commanded: Flag::No,
        ..Started::default()
    });
    for command in auto_day(20_260_921) {
        server.own(command);
    }
    for session_id in [1, 2, 11, 21] {
        server.own(SessionUp {
            session_id,
            cod_mode: CodMode::Off,
            ..SessionUp::default()
        });
    }
    for id in 1..=200_u64 {
        let (session, account, trader) = if id % 2 == 0 { (1, 1, 1) } else { (2, 4, 3) };
        let qty = i64::try_from(id * 7 % 900 + 1).unwrap();
        let side = if id % 3 == 0 { Side::Sell } else { Side::Buy };
        let decision = server.send(session, limit_order(id, account, trader, side, qty));
        if id % 4 == 0 && decision.order_id != 0 {
            let fill = VenueReport {
                order_id: decision.order_id,
                cl_ord_id: id,
                venue_exec_id: id,
                last_px: Price(584 * E8),
                last_qty: Qty(E8),
                transact_time: Time(server.t),
                trade_date: 20_260_921,
                account,
                instrument_id: 1,
                order_session_id: session,
                venue_id: 1,
                exec_type: ExecType::Fill,
                side,
                liquidity: Liquidity::Removed,
                ..VenueReport::default()
            };
            server.send(11, fill);
        }
    }
    for state in [TradingState::Halted, TradingState::Active] {
        let version = u32::from(state == TradingState::Active);
        let set = SetState {
            request_id: 1,
            expected_version: version,
            scope: Scope::Firm,
            state,
            cancel_open: Flag::Yes,
            reason: Text::new("drill"),
            ..SetState::default()
        };
        server.send(21, set);
        for id in 1..=5 {
            let id = 300 + u64::from(version) * 10 + id;
            server.send(2, limit_order(id, 4, 3, Side::Buy, 5));
        }
    }
    let t = server.t;
    server.writer.write_batch(t).unwrap();
    server.writer.sync().unwrap();
    server.writer.clean_stop(t).unwrap();
    dir
}

fn dump(dir: &Path) -> String {
    let (code, out, err) = replay(&["dump", "--json", dir.to_str().unwrap()], "");
    assert_eq!(code, 0, "{err}");
    out
}

/// What an order, report or administrative command came to; numbers of outbound messages depend on
/// where a server put its steps.
fn decided(line: &Value) -> Value {
    let mut line = line.clone();
    line.as_object_mut().unwrap().remove("outSeqNo");
    line
}

#[test]
fn a_dump_under_the_same_file_is_decided_the_same_up_to_steps() {
    let dir = journal();
    let dumped = dump(dir.path());
    let (code, out, err) = replay(&["simulate", "--state"], &dumped);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("definitions of the server skipped"), "{err}");
    assert!(err.contains("steps and passings of time dropped"), "{err}");
    let is_flow = |line: &Value| {
        let genesis = line["t"] == T && line["session"] == 0;
        line["cmd"] != "Step"
            && (!genesis
                || ["Started", "PositionLoad", "DayOpen", "SessionUp"]
                    .contains(&line["cmd"].as_str().unwrap()))
    };
    let before: Vec<Value> = lines(&dumped)
        .iter()
        .filter(|l| is_flow(l))
        .map(decided)
        .collect();
    let (after, state): (Vec<Value>, Vec<Value>) = lines(&out)
        .into_iter()
        .partition(|line| line["is"].is_null());
    let after: Vec<Value> = after.iter().map(decided).collect();
    assert!(before.len() > 250);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(before.len(), after.len());
    // The state is the journal's own.
    let (_, verified, _) = replay(&["verify", "--json", dir.path().to_str().unwrap()], "");
    let verified: Value = serde_json::from_str(&verified).unwrap();
    let digest = state.iter().find(|row| row["is"] == "digest").unwrap();
    let rows = state.iter().filter(|row| row["is"] == "row").count();
    assert!(rows > 3);
    assert_eq!(digest["risk"].as_str().unwrap().len(), 64);
    let (_, own, _) = replay(&["state", "--json", dir.path().to_str().unwrap()], "");
    let part = |rows: &[Value], what: &str| -> Vec<Value> {
        rows.iter()
            .filter(|row| row["is"] == what)
            .cloned()
            .collect()
    };
    for what in ["row", "order", "limit", "state", "instrument", "currency"] {
        assert_eq!(part(&state, what), part(&lines(&own), what), "{what}");
    }
    assert_eq!(verified["verified"], true);
}

#[test]
fn a_dump_under_a_tighter_limit_refuses_what_is_above_it_and_leaves_its_reports_out() {
    let dir = journal();
    let dumped = dump(dir.path());
    let file = changed(
        dir.path(),
        "kind = \"MaxOrderQty\"\nvalue = \"100000\"",
        "kind = \"MaxOrderQty\"\nvalue = \"500\"",
    );
    let (code, out, err) = replay(&["simulate", "--config", file.to_str().unwrap()], &dumped);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("reports left out"), "{err}");
    let mut refused = 0;
    for line in lines(&out) {
        if line["cmd"] != "NewOrder" || line["reason"] == "Halted" {
            continue;
        }
        let qty: i64 = line["qty"].as_str().unwrap().parse().unwrap();
        assert_eq!(line["reason"] == "MaxOrderQty", qty > 500, "{line}");
        if qty > 500 {
            refused += 1;
            assert_eq!(line["limit"], "500");
            assert_eq!(line["observed"], qty.to_string());
        }
    }
    assert!(refused > 20, "{refused}");
    assert!(
        !out.contains("UnknownOrder"),
        "no fill of a refused order is booked elsewhere"
    );
}

#[test]
fn the_same_flow_gives_the_same_bytes() {
    let dir = journal();
    let dumped = dump(dir.path());
    let args = ["simulate", "--state", "--all"];
    assert_eq!(replay(&args, &dumped), replay(&args, &dumped));
}

#[test]
fn a_flow_by_hand_needs_few_fields() {
    let flow = [
        order(1, "Buy", "585", "10"),
        "\n".to_owned(),
        order(2, "Buy", "700", "10"),
    ]
    .concat();
    let out = simulate(&[], &flow);
    assert_eq!(out.len(), 2);
    let place =
        |line: &Value| ["seq", "t", "session", "inSeqNo", "seqNo"].map(|name| line[name].as_u64());
    assert_eq!(place(&out[0]), [Some(1), Some(0), Some(2), Some(1), None]);
    assert_eq!(place(&out[1]), [Some(2), Some(0), Some(2), Some(2), None]);
    assert_eq!(out[0]["decision"], "Accepted", "{}", out[0]);
    assert_eq!(out[1]["reason"], "PriceCollar", "{}", out[1]);
}

#[test]
fn what_is_added_is_printed_when_asked_for() {
    let out = simulate(&["--all"], &order(1, "Buy", "585", "10"));
    let count = |name: &str| out.iter().filter(|line| line["cmd"] == name).count();
    assert_eq!(count("DefineFirm"), 1);
    assert_eq!(count("SessionUp"), 7);
    assert_eq!(count("DayOpen"), 1);
    assert_eq!(out.last().unwrap()["cmd"], "NewOrder");
}

#[test]
fn sessions_that_the_flow_brings_up_are_its_own() {
    let up = "{\"cmd\":\"SessionUp\",\"sessionId\":1,\"keyId\":1,\"codMode\":\"Off\"}\n";
    let inline = order(1, "Buy", "585", "10")
        .replace("\"account\":4", "\"account\":1")
        .replace("\"traderId\":3", "\"traderId\":1");
    let out = simulate(&[], &format!("{up}{inline}"));
    assert_eq!(out[1]["reason"], "VenueDown", "{}", out[1]);
    let out = simulate(&[], &inline);
    assert_eq!(out[0]["decision"], "Accepted", "{}", out[0]);
}

#[test]
fn a_temporary_limit_ends_before_the_first_line_at_its_end() {
    let set = "{\"cmd\":\"SetLimit\",\"t\":1000,\"value\":\"5\",\"expiresAt\":2000,\"expectedVersion\":1,\
               \"scope\":\"Firm\",\"limitKind\":\"MaxOrderQty\",\"selector\":\"All\",\"unit\":\"Natural\",\
               \"mode\":\"Enforced\",\"reason\":\"news\"}\n";
    let at = |t: u64, id: u64| order(id, "Buy", "585", "10").replace('{', &format!("{{\"t\":{t},"));
    let out = simulate(
        &["--all"],
        &[set.to_owned(), at(1_999, 1), at(2_000, 2)].concat(),
    );
    let tail: Vec<_> = out
        .iter()
        .skip_while(|line| line["cmd"] != "SetLimit" || line["session"] != 21)
        .filter(|line| ["NewOrder", "TimePassed"].contains(&line["cmd"].as_str().unwrap()))
        .map(|line| {
            (
                line["cmd"].clone(),
                line["t"].clone(),
                line["reason"].clone(),
            )
        })
        .collect();
    assert_eq!(
        tail,
        [
            ("NewOrder".into(), 1_999.into(), "MaxOrderQty".into()),
            ("TimePassed".into(), 2_000.into(), Value::Null),
            ("NewOrder".into(), 2_000.into(), Value::Null),
        ]
    );
}

#[test]
fn a_bad_line_is_named_with_its_number_and_field_and_exits_2() {
    let good = order(1, "Buy", "585", "10");
    for (bad, says) in [
        (
            good.replace("\"qty\":\"10\"", "\"qty\":\"ten\""),
            "stdin: line 2: field `qty`: `ten` is not",
        ),
        (
            good.replace("\"qty\"", "\"qtty\""),
            "line 2: field `qtty`: NewOrder has no such field; did you mean `qty`?",
        ),
        (
            good.replace("\"account\":4", "\"account\":77"),
            "line 2: field `session`: is missing, and no session of role Desk",
        ),
        (
            good.replace('{', "{\"seq\":1,"),
            "line 2: field `seq`: 1 is not above 1",
        ),
        (
            "{\"cmd\":\"CancelOrder\",\"clOrdId\":9,\"origClOrdId\":1}\n".to_owned(),
            "line 2: field `session`: is missing, and sessions 1, 2 of role Desk",
        ),
        (
            "nonsense\n".to_owned(),
            "line 2: field ``: not one JSON object",
        ),
    ] {
        let (code, out, err) = replay(&["simulate"], &format!("{good}{bad}{good}"));
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says), "{err}");
        assert_eq!(out.lines().count(), 1, "what was decided before stands");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = changed(
        dir.path(),
        "kind = \"MaxOrderQty\"",
        "kind = \"MaxOrdrQty\"",
    );
    let (code, _, err) = replay(&["simulate", "--config", file.to_str().unwrap()], &good);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `MaxOrderQty`?"), "{err}");
}

#[test]
fn a_shadow_limit_of_the_file_is_recorded_and_refuses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = changed(
        dir.path(),
        "[[permissions]]",
        "[[limits]]\nscope = \"account:4\"\nkind = \"MaxOrderQty\"\nvalue = 5\nmode = \"shadow\"\n\n[[permissions]]",
    );
    let args = ["--config", file.to_str().unwrap()];
    let out = simulate(&args, &order(1, "Buy", "585", "10"));
    assert_eq!(out[0]["decision"], "Accepted");
    assert_eq!(
        [
            &out[0]["shadowReason"],
            &out[0]["shadowScope"],
            &out[0]["shadowScopeId"]
        ],
        [&Value::from("MaxOrderQty"), &"Account".into(), &4.into()]
    );
}

#[test]
fn an_order_of_the_past_is_explained_control_by_control() {
    let dir = journal();
    let path = dir.path().to_str().unwrap();
    let all = lines(&dump(dir.path()));
    let accepted = all
        .iter()
        .find(|l| l["cmd"] == "NewOrder" && l["decision"] == "Accepted")
        .unwrap();
    let refused = all.iter().find(|l| l["reason"] == "Halted").unwrap();
    let seq = accepted["seq"].to_string();
    let (code, out, err) = replay(&["explain", path, &seq, "--json"], "");
    assert_eq!(code, 0, "{err}");
    let rows = lines(&out);
    let (decision, controls) = rows.split_last().unwrap();
    assert_eq!(
        (&decision["is"], &decision["decision"]),
        (&"decision".into(), &"Accepted".into())
    );
    let kinds: Vec<_> = controls
        .iter()
        .map(|row| row["limitKind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"OrderRate"));
    let gross = controls
        .iter()
        .find(|row| row["limitKind"] == "GrossNotional" && row["scope"] == "Firm")
        .unwrap();
    assert_eq!(gross["limit"], "2000000000");
    assert!(gross["reached"].is_string() && gross["headroom"].is_string() && gross["version"] == 1);
    assert!(controls.iter().all(|row| row["refuses"].is_null()));
    // The same by its order id, for people.
    let (code, table, _) = replay(&["explain", path, "--order-id", &seq], "");
    assert_eq!(code, 0);
    assert!(
        table.starts_with("control") || table.trim_start().starts_with("control"),
        "{table}"
    );
    assert!(
        table.contains(&format!("NewOrder {seq}: Accepted")),
        "{table}"
    );
    let (code, out, _) = replay(&["explain", path, &refused["seq"].to_string()], "");
    assert_eq!(code, 0);
    assert!(out.contains("Rejected, Halted by firm"), "{out}");
}

#[test]
fn what_cannot_be_explained_is_said_with_exit_code_1_and_nothing_asked_with_2() {
    let dir = journal();
    let path = dir.path().to_str().unwrap();
    let (code, _, err) = replay(&["explain", path, "1"], "");
    assert_eq!(code, 1);
    assert!(err.contains("record 1 is a DefineFirm"), "{err}");
    let (code, _, err) = replay(&["explain", path, "99999"], "");
    assert_eq!(code, 1);
    assert!(err.contains("has no record 99999; it ends at"), "{err}");
    assert_eq!(replay(&["explain", path, "--order-id", "1"], "").0, 1);
    assert_eq!(replay(&["explain", path], "").0, 2);
    assert_eq!(replay(&["explain", path, "3", "--order-id", "1"], "").0, 2);
}

/// The guide's example: its flow, and the decisions that it promises. `REWRITE=1` rewrites the guide.
#[test]
fn the_guides_example_is_what_the_simulator_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/simulate.md");
    let guide = fs::read_to_string(&path).unwrap();
    let block = |name: &str| {
        let begin = guide.find(&format!("<!-- {name} -->\n```\n")).unwrap();
        let begin = begin + format!("<!-- {name} -->\n```\n").len();
        begin..begin + guide[begin..].find("```").unwrap()
    };
    let (code, out, err) = replay(&["simulate"], &guide[block("flow")]);
    assert_eq!(code, 0, "{err}");
    // Only what is decided is shown: what a line asks is read above.
    let shown: String = lines(&out)
        .iter()
        .map(|line| {
            let object = line.as_object().unwrap();
            let from = object.keys().position(|name| name == "decision").unwrap();
            let fields = object
                .iter()
                .skip(from)
                .filter(|(name, _)| *name != "outSeqNo");
            let fields: serde_json::Map<String, Value> = fields
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            format!("{}\n", Value::Object(fields))
        })
        .collect();
    let example = path.with_file_name("simulate-example.ndjson");
    if std::env::var_os("REWRITE").is_some() {
        let mut text = guide.clone();
        text.replace_range(block("decisions"), &shown);
        fs::write(&path, text).unwrap();
        fs::write(&example, &guide[block("flow")]).unwrap();
        return;
    }
    assert_eq!(
        &guide[block("decisions")],
        shown,
        "REWRITE=1 cargo test -p replay --test simulate"
    );
    assert_eq!(&guide[block("flow")], fs::read_to_string(example).unwrap());
}

#[test]
fn loosening_takes_two_people_offline_as_it_does_live() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("two.toml");
    let second = "[[sessions]]\nid = 24\nname = \"bob\"\nrole = \"risk\"\nkey_file = \"keys/bob.pub\"\n[journal]";
    let text = engine::firm::EXAMPLE
        .replace("two_person = false", "two_person = true ")
        .replace("[journal]", second);
    std::fs::write(&file, text).unwrap();
    let set = |value: &str, version: u32| {
        format!(
            r#""scope":"Firm","limitKind":"MaxOrderQty","selector":"All","unit":"Natural","mode":"Enforced","value":"{value}","expectedVersion":{version},"reason":"x""#
        )
    };
    let flow = [
        format!(
            r#"{{"t":1790000000000000000,"cmd":"SetLimit","session":21,{}}}"#,
            set("200000", 1)
        ),
        format!(
            r#"{{"cmd":"Propose","session":21,"what":"Limit",{}}}"#,
            set("200000", 1)
        ),
        r#"{"cmd":"Approve","session":24,"proposalId":1,"action":"Approve","reason":"y"}"#
            .to_owned(),
        format!(r#"{{"cmd":"SetLimit","session":21,{}}}"#, set("100000", 2)),
    ]
    .join("\n");
    let (code, out, err) = replay(&["simulate", "--config", file.to_str().unwrap()], &flow);
    assert_eq!(code, 0, "{err}");
    let decisions: Vec<&str> = out
        .lines()
        .map(|line| line.split("\"decision\":\"").nth(1).unwrap())
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(decisions, ["Refused", "Applied", "Applied", "Applied"]);
}
