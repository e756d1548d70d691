//! What a repository wants: `.github/counterpoint.yml` of the base branch, inputs, defaults.

mod effective;
mod lanes;
mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::budget::Rates;
use crate::domain::finding::Severity;
use crate::domain::lane::{Auth, Effort, Engine, Limits, Provider, Roles, ToolLimits};
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
    /// Which strategy files call for, the first that fits.
    pub rules: Vec<PathRule>,
    /// Globs of files in the workspace that other tools left: SARIF, JUnit XML.
    pub evidence: Vec<String>,
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

/// The strategy for files that a glob matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRule {
    /// Which files.
    pub paths: Vec<String>,
    /// What is done with them.
    pub strategy: Strategy,
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
    /// What the lane does.
    pub roles: Option<Roles>,
    /// What it looks at most.
    pub focus: Option<String>,
    /// The model it uses where a run's strategy is this one.
    pub models: BTreeMap<Strategy, String>,
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
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// What the files and the budget call for: single for documentation only, adversarial where stakes are high, else
    /// blind passes and a challenge of what only one lane found, from medium severity up.
    #[default]
    Auto,
    /// One lane.
    Single,
    /// One lane, then the others check what it found and add what it missed, and it answers.
    Sequential,
    /// All lanes, blind, at the same time.
    Parallel,
    /// All lanes, blind; then each attacks what only others found, and whoever raised it answers.
    Adversarial,
}

impl Strategy {
    /// The words that a configuration, an input or a command may use.
    pub const WORDS: [&str; 5] = ["auto", "single", "sequential", "parallel", "adversarial"];

    /// Reads one of `WORDS`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Self::Auto),
            "single" => Some(Self::Single),
            "sequential" => Some(Self::Sequential),
            "parallel" => Some(Self::Parallel),
            "adversarial" => Some(Self::Adversarial),
            _ => None,
        }
    }

    /// The word people use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Single => "single",
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
            Self::Adversarial => "adversarial",
        }
    }
}

/// What makes the check fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Any finding of high or critical severity.
    AnyHigh,
    /// A finding of high or critical severity that both lanes raised, or one raised and the other confirmed.
    AgreedHigh,
    /// Any finding that one lane refuted and the other stands by.
    Disputed,
    /// Any contradiction.
    Contradiction,
    /// A review that was due and did not happen whole.
    Incomplete,
}

impl Gate {
    /// The words that `fail-on` knows; `never` stands for no gate.
    pub const WORDS: [&str; 6] =
        ["never", "any-high", "agreed-high", "disputed", "contradiction", "incomplete"];

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
                "disputed" => Self::Disputed,
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
            Self::Disputed => "disputed",
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// Whether a comment can begin with this word to ask for a review.
#[must_use]
pub fn is_trigger(word: &str) -> bool {
    let plain = word.bytes().all(|byte| byte.is_ascii_graphic());
    plain && word.starts_with('/') && (2..=40).contains(&word.len())
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
