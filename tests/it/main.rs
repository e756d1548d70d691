//! Stories of what people see: events in, comments out. One binary, so that it links once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::invisible_characters,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod again;
mod agents;
mod batches;
mod chat;
mod clouds;
mod code;
mod compare;
mod context;
mod corpus_anchors;
mod corpus_reviews;
mod debates;
mod degraded;
mod dismiss;
mod ends;
mod evidence;
mod first_review;
mod floors;
mod fuzz_findings;
mod git_made_diffs;
mod hostile;
mod leaks;
mod left_out;
mod mended;
mod networks;
mod odd_pulls;
mod perturbed_claims;
mod real_agents;
mod replay;
mod shop;
mod surface;
mod terminal;
mod tools;
mod triggers;
mod whole_diff;
mod world;
