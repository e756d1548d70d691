//! What a repository wants: `.github/counterpoint.yml` of the base branch, inputs, defaults.

mod effective;
mod lanes;
mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::budget::Rates;
use crate::domain::finding::Severity;
use crate::domain::lane::{Auth, Effort, Engine, Limits, Provider, ToolLimits};
use crate::domain::units::MicroUsd;

pub use effective::{DEFAULT_MAX_TIME, Overrides, Settings, minutes, settle};
pub use lanes::holds_a_secret;
pub use read::{ConfigError, parse};

/// The path of the configuration in the base branch, unless the input `config` names another.
pub const DEFAULT_PATH: &str = ".github/counterpoint.yml";

/// What the configuration file says. Absent keys are `None` or empty: defaults are applied by `settle`,
/// where inputs are known too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Lanes that the file names, by name; `None` switches a default lane off.
    pub lanes: BTreeMap<String, Option<LaneConfig>>,
    /// The strategy.
    pub strategy: Option<Strategy>,
    /// The gates.
    pub fail_on: Option<Vec<Gate>>,
    /// What a run that could not review does to the job.
    pub on_failure: Option<OnFailure>,
    /// Money for one run.
    pub max_cost: Option<MicroUsd>,
    /// Time for one run.
    pub max_time: Option<Duration>,
    /// Money for one pull request over all its runs.
    pub per_pull: Option<MicroUsd>,
    /// What is shown inline.
    pub inline: InlineConfig,
    /// Globs of files that are not reviewed.
    pub exclude: Vec<String>,
    /// Globs of files that are read first when not all can be, and even if they are generated or vendored.
    pub high_stakes: Vec<String>,
    /// The comment that asks for a review.
    pub trigger: Option<String>,
    /// Whether drafts are reviewed without being asked.
    pub drafts: bool,
    /// Logins of bots whose pull requests are reviewed all the same.
    pub bots: Vec<String>,
    /// The repository's own rules for reviewers.
    pub guidelines: String,
    /// Prices that replace or complete the list.
    pub prices: BTreeMap<String, Rates>,
}

/// What the file says of one lane; absent parts come from the default lane of that name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneConfig {
    /// What asks the model.
    pub engine: Option<Engine>,
    /// Who serves it.
    pub provider: Option<Provider>,
    /// The model's name.
    pub model: Option<String>,
    /// How hard it thinks.
    pub effort: Option<Effort>,
    /// Where it is served.
    pub base_url: Option<String>,
    /// How the lane proves who it is.
    pub auth: Option<Auth>,
    /// The variable that holds its key.
    pub key_env: Option<String>,
    /// The model that is asked instead.
    pub fallback: Option<String>,
    /// How far it may look around in the repository.
    pub tools: Option<ToolLimits>,
    /// How long its server may be silent until the first byte.
    pub first_byte: Option<Duration>,
    /// How long it may be silent afterwards.
    pub idle: Option<Duration>,
    /// What one call may hold.
    pub limits: Limits,
    /// Whether its calls cost nothing.
    pub free: Option<bool>,
    /// What one call of an agent command line may cost.
    pub max_call: Option<MicroUsd>,
}

/// Provider and model of the lanes that are there without a word.
fn default_lane(name: &str) -> Option<(Provider, &'static str)> {
    match name {
        "claude" => Some((Provider::Anthropic, "claude-sonnet-5-5")),
        "codex" => Some((Provider::Openai, "gpt-6.1-sol")),
        _ => None,
    }
}

/// Which passes are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// One lane.
    Single,
    /// All lanes, blind, at the same time.
    Parallel,
}

impl Strategy {
    /// The words that a configuration, an input or a command may use. `auto` chooses `parallel` for as long
    /// as there is nothing else to choose from.
    pub const WORDS: [&str; 3] = ["auto", "single", "parallel"];

    /// Reads one of `WORDS`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "single" => Some(Self::Single),
            "parallel" | "auto" => Some(Self::Parallel),
            _ => None,
        }
    }

    /// The word people use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Parallel => "parallel",
        }
    }
}

/// What makes the check fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Any finding of high or critical severity.
    AnyHigh,
    /// A finding of high or critical severity that both lanes raised.
    AgreedHigh,
    /// Any contradiction.
    Contradiction,
    /// A review that was due and did not happen whole.
    Incomplete,
}

impl Gate {
    /// The words that `fail-on` knows; `never` stands for no gate.
    pub const WORDS: [&str; 5] = ["never", "any-high", "agreed-high", "contradiction", "incomplete"];

    /// Reads a comma list of `WORDS`.
    ///
    /// # Errors
    /// A sentence fragment naming the word and what was expected.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let mut gates = Vec::new();
        let mut never = false;
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let gate = match word {
                "never" => {
                    never = true;
                    continue;
                }
                "any-high" => Self::AnyHigh,
                "agreed-high" => Self::AgreedHigh,
                "contradiction" => Self::Contradiction,
                "incomplete" => Self::Incomplete,
                _ => return Err(format!("expected {}, got `{word}`", one_of(&Self::WORDS))),
            };
            if !gates.contains(&gate) {
                gates.push(gate);
            }
        }
        if never && !gates.is_empty() {
            return Err("expected `never` alone, or a list of gates without it".to_owned());
        }
        Ok(gates)
    }

    /// The word people use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnyHigh => "any-high",
            Self::AgreedHigh => "agreed-high",
            Self::Contradiction => "contradiction",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What a run that could not review does to the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The check says neutral and the job stays green.
    #[default]
    Neutral,
    /// The job fails.
    Fail,
}

impl OnFailure {
    /// The words that `on-failure` knows.
    pub const WORDS: [&str; 2] = ["neutral", "fail"];

    /// Reads one of `WORDS`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "neutral" => Some(Self::Neutral),
            "fail" => Some(Self::Fail),
            _ => None,
        }
    }
}

/// The lowest severity shown inline by class, and how many comments at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InlineConfig {
    /// At most so many inline comments; the rest stands in the summary.
    pub max: usize,
    /// For what both lanes raised.
    pub both: Severity,
    /// For contradictions.
    pub contested: Severity,
    /// For what one lane raised.
    pub one: Severity,
}

impl Default for InlineConfig {
    fn default() -> Self {
        Self { max: 10, both: Severity::Medium, contested: Severity::Medium, one: Severity::High }
    }
}

/// `a, b or c` in code spans' clothes, for messages.
#[must_use]
pub fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}
