//! A build that decides one thing otherwise is found out: in a copy of the source one comparison of one
//! control is flipped, and `portcullis-replay verify` of that build ends with exit code 4 on the golden
//! journal, naming the record.
//!
//! Each flip is a build of its own, so this runs only when asked for:
//! ```sh
//! cargo test -p replay --test flipped_comparison -- --ignored --nocapture
//! ```

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `(control, file, comparison, flipped)`; the comparison stands in the file exactly once.
const FLIPS: [(&str, &str, &str, &str); 8] = [
    (
        "C1 MaxOrderQty",
        "size.rs",
        "order.qty > value",
        "order.qty >= value",
    ),
    (
        "C2 MaxOrderNotional",
        "size.rs",
        "value > bound",
        "value >= bound",
    ),
    (
        "C3 PriceCollar",
        "price.rs",
        "price * BPS > reference * (BPS + collar)",
        "price * BPS >= reference * (BPS + collar)",
    ),
    ("C5 OrderRate", "rate.rs", "<= burst", "< burst"),
    (
        "C8 MaxOpenOrders",
        "open_orders.rs",
        "after > value",
        "after >= value",
    ),
    (
        "C9 MaxLong and MaxShort",
        "position.rs",
        "worst > i128::from(value)",
        "worst >= i128::from(value)",
    ),
    (
        "C10 GrossNotional",
        "notional.rs",
        "after.gross <= i128::from(value)",
        "after.gross < i128::from(value)",
    ),
    (
        "C12 DailyTurnover",
        "turnover.rs",
        "after > i128::from(value)",
        "after >= i128::from(value)",
    ),
];

/// Orders exactly at a limit would be let through on the short way, before the flipped control is asked:
/// with this they go to the controls, which decide as before where they are not flipped.
const SHORT_WAY: [(&str, &str); 2] = [
    (
        "if !check.is_quiet(used) {",
        "if !check.is_quiet(used) || used >= check.value {",
    ),
    (
        "used > check.value && self.may_refuse(check)",
        "used >= check.value && self.may_refuse(check)",
    ),
];
const SHORT_WAY_FILE: &str = "fast.rs";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn checks(root: &Path, file: &str) -> PathBuf {
    root.join("engine/src/checks").join(file)
}

fn flip(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` once");
    text.replace(from, to)
}

#[test]
fn every_comparison_to_be_flipped_stands_in_the_source_once() {
    let short_way = SHORT_WAY.map(|(from, to)| ("the short way", SHORT_WAY_FILE, from, to));
    for (_, file, from, to) in FLIPS.into_iter().chain(short_way) {
        let text = fs::read_to_string(checks(root(), file)).unwrap();
        assert_ne!(flip(&text, from, to), text);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (name, path) = (entry.file_name(), entry.path());
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Builds the copy and lets it verify the golden journal: exit code and what it said.
fn verify(source: &Path) -> (Option<i32>, String) {
    let target = root().join("target/flipped");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "replay"])
        .current_dir(source)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTC_WRAPPER")
        .status()
        .unwrap();
    assert!(built.success(), "the copy does not build");
    let output = Command::new(target.join("debug/portcullis-replay"))
        .arg("verify")
        .arg(root().join("engine/tests/golden_journal/journal-v1"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), told)
}

#[test]
#[ignore = "nine builds"]
fn a_build_with_one_comparison_flipped_ends_with_exit_code_4_on_the_golden_journal() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("portcullis");
    copy(root(), &source);
    let (code, told) = verify(&source);
    assert_eq!(code, Some(0), "the source as it is: {told}");
    let place = checks(&source, SHORT_WAY_FILE);
    let text = fs::read_to_string(&place).unwrap();
    let text = SHORT_WAY
        .iter()
        .fold(text, |text, (from, to)| flip(&text, from, to));
    fs::write(&place, text).unwrap();
    for (control, file, from, to) in FLIPS {
        let place = checks(&source, file);
        let text = fs::read_to_string(&place).unwrap();
        fs::write(&place, flip(&text, from, to)).unwrap();
        let (code, told) = verify(&source);
        let first = told.lines().next().unwrap_or_default();
        println!("{control}: `{to}`: exit {code:?}: {first}");
        assert_eq!(code, Some(4), "{control}: {told}");
        fs::write(&place, text).unwrap();
    }
}
