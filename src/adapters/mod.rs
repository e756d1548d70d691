//! Everything outside: GitHub, model providers, the Actions runner, git, the terminal, the clock. Wire
//! shapes live here and nowhere else.

pub mod actions;
pub mod agents;
pub mod clock;
pub mod cloud;
pub mod evidence;
pub mod git;
pub mod github;
pub mod http;
mod outside;
pub mod providers;
pub mod terminal;
pub mod tree;

pub use outside::Outside;

use crate::domain::pass::End;

/// How each lane's model is reached; how the lane ends where it cannot be.
pub type Endpoints =
    std::collections::BTreeMap<crate::domain::units::LaneName, Result<providers::Endpoint, End>>;
