//! libFuzzer's door to `targets/decoder.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::decoder::run(data));
