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
use std::path::Path;
use std::process::Stdio;

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

/// The example firm where loosening takes two, with the second risk manager that this needs.
fn firm_of_two() -> String {
    let second = "[[sessions]]\nid = 24\nname = \"bob\"\nrole = \"risk\"\nperson = \"bob\"\nkey_file = \"keys/bob.pub\"\n[journal]";
    EXAMPLE
        .replace("two_person = false ", "two_person = true ")
        .replace("[journal]", second)
}

#[test]
fn check_config_says_whether_loosening_takes_two() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("firm.toml");
    let said = firm_of_two();
    let unsaid: String = said
        .lines()
        .filter(|line| !line.starts_with("two_person = "))
        .map(|line| format!("{line}\n"))
        .collect();
    for (text, on) in [(EXAMPLE, false), (&said, true), (&unsaid, true)] {
        fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let (code, out, err) = portcullis(&["check-config", file]);
        assert_eq!(code, 0, "{err}");
        let word = if on { "on" } else { "off" };
        assert!(
            out.contains(&format!("two-person approval is {word}")),
            "{out}"
        );
        let (_, out, _) = portcullis(&["check-config", "--json", file]);
        let said: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(said["two_person"], on);
    }
}

/// A pipe that nobody reads any more.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_that_has_gone_and_a_full_disk_end_no_command_by_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong.toml");
    fs::write(&wrong, EXAMPLE.replacen("odd_lot_sell", "odd_lots_sell", 1)).unwrap();
    let refused = dir.path().join("refused.toml");
    fs::write(&refused, EXAMPLE.replace("limits = 4096", "limits = 7")).unwrap();
    let (wrong, refused) = (wrong.to_str().unwrap(), refused.to_str().unwrap());
    let data = dir.path().to_str().unwrap();
    let cases: [(&[&str], i32); 12] = [
        (&["limits", "list", "--data", data], 5),
        (&["check-config"], 0),
        (&["check-config", "--example"], 0),
        (&["check-config", "--json"], 0),
        (&["check-config", wrong], 1),
        (&["check-config", "--json", wrong], 1),
        (&["check-config", refused], 1),
        (&["check-config", "--json", refused], 1),
        (&["check-config", "--data", data], 1),
        (
            &["limits", "set", "firm", "MaxOrdrQty", "5", "--reason", "x"],
            2,
        ),
        (&["completions", "bash"], 0),
        (&["man"], 0),
    ];
    for (args, code) in cases {
        for (stdout, stderr) in [
            (unread(), unread()),
            (Stdio::null(), full()),
            (full(), full()),
        ] {
            let status = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
                .args(args)
                .stdout(stdout)
                .stderr(stderr)
                .status()
                .unwrap();
            // What could not be written to a full disk is a failure of a command that had only that to do.
            let told = status.code();
            assert!(
                told == Some(code) || (code == 0 && told == Some(1)),
                "{args:?}: {status}"
            );
        }
    }
}

/// A disk without space.
fn full() -> Stdio {
    let full = fs::File::options().write(true).open("/dev/full");
    full.unwrap().into()
}

/// Key pairs of all sessions of the example firm, below a data directory.
fn make_keys(data: &Path) {
    for file in engine::firm::Firm::example().key_files {
        let stem = data.join(&file.path).with_extension("");
        assert_eq!(portcullis(&["keygen", stem.to_str().unwrap()]).0, 0);
    }
}

#[test]
fn check_config_with_a_data_directory_reads_the_tls_files_as_the_start_does() {
    let data = tempfile::tempdir().unwrap();
    make_keys(data.path());
    let certificate = |name: &str| {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(data.path().join(format!("{name}.pem")), made.cert.pem()).unwrap();
        let key = data.path().join(format!("{name}.key"));
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        key
    };
    let key = certificate("server");
    certificate("other");
    let file = data.path().join("firm.toml");
    let check = |certificate: &str, key: &str| {
        let tls = format!("tls_certificate = \"{certificate}\"\ntls_key = \"{key}\"\n");
        fs::write(
            &file,
            EXAMPLE.replace("[listen]\n", &format!("[listen]\n{tls}")),
        )
        .unwrap();
        let (file, data) = (file.to_str().unwrap(), data.path().to_str().unwrap());
        let (code, _, told) = portcullis(&["check-config", file, "--data", data]);
        if code != 0 {
            let serve = [
                "serve",
                "--config",
                file,
                "--data",
                data,
                "--listen",
                "127.0.0.1:0",
            ];
            let (code, out, err) = portcullis(&serve);
            assert_eq!((code, out.as_str(), err.trim()), (1, "", told.trim()));
        }
        (code, told)
    };
    assert_eq!(check("server.pem", "server.key"), (0, String::new()));
    for (certificate, key, why) in [
        (
            "server.pem",
            "other.key",
            "server.pem: keys may not be consistent",
        ),
        ("server.pem", "gone.key", "cannot read"),
        ("gone.pem", "server.key", "gone.pem"),
        ("server.pem", "keys", "keys: is a directory"),
    ] {
        let (code, told) = check(certificate, key);
        assert_eq!(code, 1);
        assert!(told.contains(why), "{told}");
    }
    fs::set_permissions(key, fs::Permissions::from_mode(0o640)).unwrap();
    let (code, told) = check("server.pem", "server.key");
    assert_eq!(code, 1);
    assert!(told.contains("has mode 0640"), "{told}");
}
