//! libFuzzer's door to `targets/config.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::config::run(data));
