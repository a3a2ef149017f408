//! libFuzzer's door to `targets/journal.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::journal::run(data));
