//! `simulate` and `explain` as a person runs them.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should stop"
)]

mod explain;
mod journal;
mod left_out;
mod people;

use assert_cmd::Command;
use engine::firm::EXAMPLE;
use journal::journal;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

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
            good.replace('{', "{\"cmd\":\"CancelOrder\","),
            "line 2: field `cmd`: is given twice",
        ),
        (
            "{\"cmd\":\"NewOrder\",\n".to_owned(),
            "stdin: line 2: no JSON object: EOF while parsing a value at column 18",
        ),
        (
            "[]\n".to_owned(),
            "stdin: line 2: no JSON object: invalid type: sequence, expected a JSON object",
        ),
        (
            good.replace('{', "\u{feff}{"),
            "stdin: line 2: no JSON object: ",
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
            "stdin: line 2: no JSON object: expected ident at column 2",
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
fn a_firm_whose_own_definition_the_engine_refuses_is_not_simulated() {
    let dir = tempfile::tempdir().unwrap();
    let position =
        "[[positions]]\naccount = \"EQ-HOUSE\"\ninstrument = \"AAPL\"\nqty = 49.5\n\n[journal]";
    let config = changed(dir.path(), "[journal]", position);
    let args = ["simulate", "--config", config.to_str().unwrap(), "-"];
    let (code, out, err) = replay(&args, &order(1, "Buy", "100", "1"));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("the firm's own definition is refused:\n105 BadQty"),
        "{err}"
    );
    assert!(err.contains("PositionLoad"), "{err}");
}

#[test]
fn a_grace_that_ended_while_the_server_was_down_begins_anew_as_it_does_live() {
    let secs = |t: u64| t * 1_000_000_000;
    let up = |t: u64| {
        format!(
            "{{\"cmd\":\"SessionUp\",\"t\":{t},\"sessionId\":2,\"keyId\":1,\"codMode\":\"Both\",\"codGraceMs\":5000}}\n"
        )
    };
    let down =
        |t: u64| format!("{{\"cmd\":\"SessionDown\",\"t\":{t},\"sessionId\":2,\"code\":12}}\n");
    let started = format!(
        "{{\"cmd\":\"Started\",\"t\":{},\"epoch\":1,\"ack\":\"durable\"}}\n",
        secs(60)
    );
    let cancels = |back: u64| {
        let flow = [
            up(secs(1)),
            order(1, "Buy", "585", "10").replace('{', &format!("{{\"t\":{},", secs(1))),
            down(secs(2)),
            started.clone(),
            down(secs(61)),
            up(back),
            order(2, "Buy", "585", "10").replace('{', &format!("{{\"t\":{back},")),
        ];
        let out = simulate(&["--all"], &flow.concat());
        assert_eq!(out.last().unwrap()["cmd"], "NewOrder");
        let steps = out.iter().filter(|line| line["cmd"] == "Step");
        steps.count()
    };
    assert_eq!(cancels(secs(66) - 1), 0);
    assert_eq!(cancels(secs(66)), 1);
}

#[test]
fn a_flow_that_can_not_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().to_str().unwrap();
    let (code, _, err) = replay(&["simulate", place], "");
    assert_eq!(code, 1);
    assert!(err.contains(&format!("cannot read {place}: ")), "{err}");
}

#[test]
fn a_query_without_a_session_is_refused_and_all_who_can_have_asked_are_named() {
    let query = "{\"cmd\":\"Query\",\"t\":1790000000000000000,\"what\":\"Positions\"}\n";
    let (code, _, err) = replay(&["simulate"], query);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains(
            "line 1: field `session`: is missing, and sessions 1, 2, 21, 22, 23 can have sent this"
        ),
        "{err}"
    );
    let said = query.replace("{\"cmd\"", "{\"session\":22,\"cmd\"");
    let out = simulate(&[], &said);
    assert_eq!(out[0]["session"], 22);
}
