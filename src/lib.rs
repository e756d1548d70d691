//! Counterpoint: two reviewers from two providers read a pull request, and people see where they agree and
//! where they differ.
//!
//! | floor | module | may use |
//! |---|---|---|
//! | 5 | `main` | all below |
//! | 4 | `commands`, `cli` | all below |
//! | 3 | `pipeline` | `stages`, `adapters`, `domain` |
//! | 2 | `stages` | `adapters`, `domain`; not each other |
//! | 1 | `adapters` | `domain` |
//! | 0 | `domain` | `domain` |
//!
//! `tests/it/floors.rs` reads every `use` and fails when one looks upwards.

pub mod adapters;
pub mod cli;
pub mod commands;
pub mod domain;
pub mod pipeline;
pub mod stages;
