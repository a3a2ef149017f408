//! libFuzzer's door to `targets/session.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::session::run(data));
