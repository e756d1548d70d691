//! libFuzzer's entry: one binary, and the environment variable `TARGET` names the check that it feeds.

#![no_main]

use std::sync::LazyLock;

mod checks;

static CHECK: LazyLock<checks::Check> = LazyLock::new(|| {
    let name = std::env::var("TARGET").unwrap_or_default();
    let named = checks::TARGETS.iter().find(|(target, _)| *target == name);
    named.unwrap_or_else(|| panic!("TARGET={name} is no target of fuzz/checks.rs")).1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (*CHECK)(bytes));
