//! Fits the weights of the matcher on labelled pairs of review comments, and measures it and simpler methods.
//!
//! ```text
//! cargo run --release --example fit -- PAIRS [--write]
//! ```
//!
//! PAIRS is a folder with `comments.jsonl` and `pairs.tsv`; without it, `$COUNTERPOINT_SHARED/pairs`. `--write` puts the
//! weights and the figures that they reached into `src/domain/reconcile/weights.rs`. The same data print the
//! same text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a tool for developers, which should stop at once when something is wrong"
)]

mod baselines;
mod data;
mod measure;
mod regression;
mod report;

use std::path::PathBuf;

use data::Data;

fn main() {
    let (mut folder, mut write) = (None, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--write" => write = true,
            path => folder = Some(PathBuf::from(path)),
        }
    }
    let shared = || std::env::var_os("COUNTERPOINT_SHARED").map(|shared| PathBuf::from(shared).join("pairs"));
    let folder = folder.or_else(shared).expect("the folder of the pairs, or COUNTERPOINT_SHARED");
    let data = Data::read(&folder);
    let report = report::Report::of(&data);
    print!("{report}");
    if write {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/domain/reconcile/weights.rs");
        std::fs::write(&file, report.weights_file()).expect("the weights can be written");
        println!("\nwritten to {}", file.display());
    }
}
