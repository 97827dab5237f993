//! Fuzzes `ragstone_ingest::fuzz::docx`, which says what the bytes mean.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ragstone_ingest::fuzz::docx(bytes));
