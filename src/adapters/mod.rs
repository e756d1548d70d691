//! Everything outside: GitHub, model providers, the Actions runner, git, the terminal, the clock. Wire
//! shapes live here and nowhere else.

pub mod actions;
pub mod clock;
pub mod git;
pub mod github;
pub mod http;
mod outside;
pub mod providers;
pub mod terminal;

pub use outside::Outside;

/// The providers that can be reached, each with its key.
pub type Endpoints = std::collections::BTreeMap<crate::domain::pass::Provider, providers::Endpoint>;
