//! Everything that needs no outside: pure, synchronous, deterministic.

pub mod batch;
pub mod budget;
pub mod command;
pub mod compare;
pub mod config;
pub mod context;
pub mod diff;
pub mod event;
pub mod finding;
pub mod guidelines;
pub mod lane;
pub mod marker;
pub mod outcome;
pub mod pass;
pub mod plan;
pub mod prompt;
pub mod pull;
pub mod reconcile;
pub mod record;
pub mod redact;
pub mod render;
pub mod reply;
pub mod review;
pub mod snapshot;
pub mod triage;
pub mod units;
