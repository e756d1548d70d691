//! Which passes a file calls for.

use super::risk::{Risk, risk};
use crate::domain::config::{Settings, Strategy};

/// What is done with a file: what a rule of the configuration says, else the run's strategy; where that is `auto`,
/// adversarial if stakes are high. `auto` in the answer means blind passes and a challenge of what weighs something.
#[must_use]
pub fn strategy(path: &str, settings: &Settings) -> Strategy {
    let rule = settings.rules.iter().find(|(paths, _)| paths.is_match(path));
    match rule.map_or(settings.strategy, |(_, strategy)| *strategy) {
        Strategy::Auto if matches!(risk(path, &settings.high_stakes), Risk::HighStakes | Risk::Sensitive) => {
            Strategy::Adversarial
        }
        strategy => strategy,
    }
}

/// Whether a file is there for people to read, and nothing depends on it.
#[must_use]
pub fn is_documentation(path: &str, settings: &Settings) -> bool {
    const TEXT: [&str; 6] = [".md", ".mdx", ".rst", ".txt", ".adoc", ".tex"];
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let is_text = TEXT.iter().any(|end| name.ends_with(end)) || !name.contains('.');
    is_text && risk(path, &settings.high_stakes) == Risk::Prose
}
