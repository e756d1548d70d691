//! One model conversation and how it ends. A lane that fails is a value, not an error.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::config::Lane;
use crate::domain::finding::{Cleared, Raised};
use crate::domain::units::{LaneName, MicroUsd};

/// A wire format and its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Responses.
    Openai,
}

impl Provider {
    /// The word in configurations and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
        }
    }
}

/// How hard a model thinks. Always sent: the vendors' defaults differ from model to model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Quick.
    Low,
    /// The default.
    Medium,
    /// Slow.
    High,
    /// Slower.
    Xhigh,
    /// As much as the model can.
    Max,
}

impl Effort {
    /// The word on the wire, the same for both vendors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// The text of one pass, in the order that lets providers cache it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Role and rules; the same for every run.
    pub system: String,
    /// The pull request: the same for every pass of a run.
    pub shared: String,
    /// What this pass is to do.
    pub task: String,
}

/// Optional features of a request. A server that refuses one is asked once more without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// The reply held to our schema by the server.
    StructuredOutput,
    /// The vendor's strict reading of that schema.
    StrictSchema,
    /// The explicit effort.
    Effort,
    /// The mark that makes the shared block reusable.
    CacheMark,
    /// The explicit service tier.
    ServiceTier,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StructuredOutput => "structured output",
            Self::StrictSchema => "strict schema",
            Self::Effort => "effort",
            Self::CacheMark => "cache mark",
            Self::ServiceTier => "service tier",
        })
    }
}

/// Tokens by kind, normalised: the three inputs do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input that was neither read from nor written to a cache.
    pub input: u64,
    /// Input read from a cache.
    pub cache_read: u64,
    /// Input written to a cache.
    pub cache_write: u64,
    /// Output, reasoning included.
    pub output: u64,
}

impl Usage {
    /// All input, as people understand it.
    #[must_use]
    pub const fn total_input(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// Kind by kind.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
        }
    }
}

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum End {
    /// It answered, and the answer was understood.
    Done,
    /// The model would not answer.
    Refused {
        /// The provider's word for why, when it gave one.
        category: Option<String>,
    },
    /// The answer was cut at the output limit.
    Truncated,
    /// The answer was not what was asked for.
    Invalid {
        /// What was wrong, in our words.
        why: String,
    },
    /// The provider's rate limit outlasted our time.
    Limited,
    /// The provider was overloaded or broken, also when asked again.
    Unavailable {
        /// The last error, in a few words.
        why: String,
    },
    /// The run's deadline came first.
    TimedOut,
    /// The run was cancelled.
    Cancelled,
    /// Asking again cannot help: key, model, credit, or a request the server will never take.
    Fatal {
        /// What happened, in a few words.
        why: String,
        /// What a person can do.
        advice: String,
    },
    /// No key was given for it.
    NoKey,
    /// The budget did not hold it.
    Unpaid,
}

impl End {
    /// Whether the lane's answer counts.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// One pass of one lane: what came of it, and what it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassReport {
    /// Who.
    pub lane: LaneName,
    /// Which wire format.
    pub provider: Provider,
    /// The model as configured.
    pub model: String,
    /// The model as the provider named it in its answer.
    pub resolved_model: Option<String>,
    /// Which batch of the plan it read, from 0; none for a lane that was not part of the plan.
    pub batch: Option<usize>,
    /// The cap on its answer, in tokens; none where nothing was asked.
    pub max_output: Option<u32>,
    /// How it ended.
    #[serde(flatten)]
    pub end: End,
    /// What it raised, with proven places.
    pub findings: Vec<Raised>,
    /// What it checked and holds sound.
    pub clearances: Vec<Cleared>,
    /// What was wrong with the answer and repaired or left out, in our words.
    pub problems: Vec<String>,
    /// Requests sent, retries included.
    pub attempts: u32,
    /// Features the server would not take, left out of the last request.
    pub left_out: Vec<Feature>,
    /// The provider's ids of our requests, for its support.
    pub request_ids: Vec<String>,
    /// Tokens; absent when no answer told.
    pub usage: Option<Usage>,
    /// What it cost, unknown usage at its full reservation.
    pub cost: MicroUsd,
    /// From the first request to the end.
    #[serde(rename = "milliseconds", serialize_with = "as_millis", deserialize_with = "from_millis")]
    pub elapsed: Duration,
    /// SHA-256 of the prompt, hexadecimal.
    pub prompt_hash: String,
}

/// Everything one lane did in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneReport {
    /// Who.
    pub lane: LaneName,
    /// Which wire format.
    pub provider: Provider,
    /// The model as configured.
    pub model: String,
    /// How it ended: done only if all of its passes are.
    pub end: End,
    /// Its passes, in the order of the batches.
    pub passes: Vec<PassReport>,
    /// From the start of all passes to its last answer.
    pub elapsed: Duration,
}

impl LaneReport {
    /// The report of a lane with these passes. Of several ends that are not done the first one counts; a lane that was
    /// asked nothing was not paid.
    #[must_use]
    pub fn new(lane: &Lane, mut passes: Vec<PassReport>, elapsed: Duration) -> Self {
        passes.sort_by_key(|pass| pass.batch);
        let missing = passes.iter().map(|pass| &pass.end).find(|end| !end.is_done());
        let end = missing.cloned().unwrap_or(if passes.is_empty() { End::Unpaid } else { End::Done });
        Self {
            lane: lane.name.clone(),
            provider: lane.provider,
            model: lane.model.clone(),
            end,
            passes,
            elapsed,
        }
    }

    /// Passes that were answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.passes.iter().filter(|pass| pass.end.is_done()).count()
    }

    /// Requests sent, retries included.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.passes.iter().map(|pass| pass.attempts).sum()
    }

    /// Tokens of all passes; absent when no answer told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.passes.iter().filter_map(|pass| pass.usage).reduce(Usage::plus)
    }

    /// What all passes cost, unknown usage at its full reservation.
    #[must_use]
    pub fn cost(&self) -> MicroUsd {
        self.passes.iter().map(|pass| pass.cost).sum()
    }

    /// The model as the provider named it, else as configured.
    #[must_use]
    pub fn resolved_model(&self) -> &str {
        self.passes.iter().find_map(|pass| pass.resolved_model.as_deref()).unwrap_or(&self.model)
    }
}

fn as_millis<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

fn from_millis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}
