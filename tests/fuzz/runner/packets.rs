//! libFuzzer's entry to `packets`.

#![no_main]

#[path = "../mod.rs"]
mod fuzz;

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::packets::check(input));
