//! The command as a person runs it, without a server.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

use assert_cmd::Command;
use engine::firm::EXAMPLE;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn portcullis(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(args)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_example_is_printed_checked_and_found_right() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("firm.toml");
    let (code, text, _) = portcullis(&["check-config", "--example"]);
    assert_eq!(code, 0);
    fs::write(&file, text).unwrap();
    let (code, out, err) = portcullis(&["check-config", file.to_str().unwrap()]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.contains("Example Firm (instance example): 2 desks, 6 accounts"),
        "{out}"
    );
    assert!(out.contains("two-person approval is off"), "{out}");
    let (_, out, _) = portcullis(&["check-config", "--json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["defines"]["sessions"], 7);
}

#[test]
fn a_misspelt_key_is_shown_with_its_line_a_caret_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("firm.toml");
    let (_, text, _) = portcullis(&["check-config", "--example"]);
    fs::write(&file, text.replacen("odd_lot_sell", "odd_lots_sell", 1)).unwrap();
    let (code, out, err) = portcullis(&["check-config", file.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("firm.toml:"), "{err}");
    assert!(
        err.contains("[[instruments]] odd_lots_sell: is not a key"),
        "{err}"
    );
    assert!(err.contains("odd_lots_sell = true"), "{err}");
    assert!(err.contains("here"), "{err}");
    assert!(err.contains("did you mean `odd_lot_sell`?"), "{err}");
    assert!(err.contains("1 mistake in"), "{err}");
    let (code, out, _) = portcullis(&["check-config", "--json", file.to_str().unwrap()]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &said["ok"]), (1, &Value::Bool(false)));
    assert!(said["line"].as_u64().unwrap() > 50);
    assert_eq!(said["column"], 1);
}

#[test]
fn keygen_writes_a_secret_and_a_public_file_and_never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().join("keys").join("desk1");
    let (code, out, _) = portcullis(&["keygen", "--json", name.to_str().unwrap()]);
    assert_eq!(code, 0);
    let said: Value = serde_json::from_str(&out).unwrap();
    let key = said["key"].as_str().unwrap();
    assert_eq!(
        fs::metadata(key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let public = fs::read_to_string(said["pub"].as_str().unwrap()).unwrap();
    assert_eq!(public.trim(), said["publicKey"]);
    assert_eq!(public.trim().len(), 64);
    let secret = fs::read_to_string(key).unwrap();
    assert_ne!(secret, public);
    let (code, _, err) = portcullis(&["keygen", name.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(err.contains("never overwritten"), "{err}");
    assert_eq!(fs::read_to_string(key).unwrap(), secret);
}

#[test]
fn missing_key_files_are_named_with_the_command_that_makes_them() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let (code, _, err) = portcullis(&["check-config", "--data", data]);
    assert_eq!(code, 1);
    assert!(err.contains("session 1 desk1: cannot read"), "{err}");
    assert!(err.contains("portcullis keygen"), "{err}");
    assert_eq!(err.lines().count(), 7, "{err}");
}

#[test]
fn a_server_that_is_not_there_is_exit_code_5_and_wrong_usage_2() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let (code, _, err) = portcullis(&["positions", "--data", data]);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("portcullis serve"), "{err}");
    let key = dir.path().join("risk");
    portcullis(&["keygen", key.to_str().unwrap()]);
    let key = format!("{}.key", key.display());
    let (code, _, err) = portcullis(&["sessions", "--connect", "127.0.0.1:1", "--key", &key]);
    assert_eq!(code, 5, "{err}");
    let set = ["limits", "set", "firm", "MaxOrderQty", "5"];
    let (code, _, err) = portcullis(&set);
    assert_eq!(code, 2, "a change needs a reason: {err}");
    let (code, _, err) = portcullis(&["limits", "set", "firm", "MaxOrdrQty", "5", "--reason", "x"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `MaxOrderQty`?"), "{err}");
}

#[test]
fn completions_and_the_man_page_come_from_the_same_definition() {
    let (code, out, _) = portcullis(&["completions", "bash"]);
    assert!(code == 0 && out.contains("check-config"));
    let (code, out, _) = portcullis(&["man"]);
    assert!(code == 0 && out.contains("portcullis"));
}

#[test]
fn check_config_names_what_would_not_fit_or_be_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("firm.toml");
    let position = "\n[[positions]]\naccount = \"EQ-HOUSE\"\ninstrument = \"AAPL\"\nqty = 49.5\n";
    let cases = [
        ("accounts = 1024", "accounts = 2", "2 is too few for the 6"),
        ("limits = 4096", "limits = 7", "7 is too few for the 28"),
        (
            "\n[journal]",
            &format!("{position}\n[journal]"),
            "105 BadQty",
        ),
    ];
    for (from, to, why) in cases {
        let text = EXAMPLE.replace(from, to);
        assert_ne!(text, EXAMPLE, "{from} is there");
        fs::write(&file, text).unwrap();
        let (code, _, err) = portcullis(&["check-config", file.to_str().unwrap()]);
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(why), "{err}");
    }
}
