//! libFuzzer's door to `targets/records.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::records::run(data));
