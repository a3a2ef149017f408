//! Who is who offline: keys that the input brings, and two people to loosen.

use super::journal::journal_of_two_people;
use super::{decided, dump, lines, replay};
use engine::firm::{EXAMPLE, Firm};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The example firm with a second risk session, 24, where two people must agree.
fn two_people(dir: &Path) -> (PathBuf, String) {
    let file = dir.join("two.toml");
    let second = "[[sessions]]\nid = 24\nname = \"bob\"\nrole = \"risk\"\nkey_file = \"keys/bob.pub\"\n[journal]";
    let text = EXAMPLE
        .replace("two_person = false", "two_person = true ")
        .replace("[journal]", second);
    fs::write(&file, &text).unwrap();
    (file, text)
}

#[test]
fn keys_of_key_files_are_those_of_the_input() {
    let dir = tempfile::tempdir().unwrap();
    let (file, text) = two_people(dir.path());
    let journal = journal_of_two_people(&Firm::parse("two.toml", &text).unwrap());
    let dumped = dump(journal.path());
    let args = ["simulate", "--state", "--config", file.to_str().unwrap()];
    let (code, out, err) = replay(&args, &dumped);
    assert_eq!(code, 0, "{err}");
    assert!(!err.contains("no key"), "{err}");
    let flow = |text: &str| -> Vec<Value> {
        let of_clients = lines(text)
            .into_iter()
            .filter(|line| line["cmd"].is_string() && line["session"] != 0);
        of_clients.map(|line| decided(&line)).collect()
    };
    let (before, after) = (flow(&dumped), flow(&out));
    assert_eq!(before, after);
    assert_eq!(
        before
            .iter()
            .filter(|line| line["cmd"] == "Approve")
            .count(),
        2
    );
    let digest = |text: &str| {
        lines(text)
            .into_iter()
            .find(|line| line["is"] == "digest")
            .unwrap()
    };
    let (_, own, _) = replay(&["state", "--json", journal.path().to_str().unwrap()], "");
    assert_eq!(digest(&out)["risk"], digest(&own)["risk"]);
    // Without those lines nobody has a key, and that is said.
    let without: String = dumped
        .lines()
        .filter(|line| !line.contains("\"DefineSession\""))
        .map(|line| format!("{line}\n"))
        .collect();
    let (code, other, err) = replay(&args, &without);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("no key for sessions 1, 2, 11, 12, 21, 22, 23, 24: key files are not read"),
        "{err}"
    );
    assert_ne!(digest(&other)["risk"], digest(&own)["risk"]);
}

#[test]
fn loosening_takes_two_people_offline_as_it_does_live() {
    let dir = tempfile::tempdir().unwrap();
    let (file, _) = two_people(dir.path());
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
