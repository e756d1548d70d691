//! One model conversation and how it ends. A lane that fails is a value, not an error.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::budget::PriceBasis;
use crate::domain::capabilities::Capabilities;
use crate::domain::debate::{Defence, Hearing, Purpose, Target, Vote};
use crate::domain::finding::{Cleared, Raised};
use crate::domain::lane::{Engine, Lane, Provider};
use crate::domain::tools::Looked;
use crate::domain::units::{LaneName, MicroUsd};

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
    /// The reply held to JSON of any form, where the schema is not sent.
    JsonMode,
    /// The explicit effort.
    Effort,
    /// The mark that makes the shared block reusable.
    CacheMark,
    /// The explicit service tier.
    ServiceTier,
    /// An answer in pieces.
    Stream,
    /// The tokens at the end of a stream.
    StreamUsage,
    /// The cap on the answer under its older name.
    MaxTokens,
    /// Looking into the repository.
    Tools,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StructuredOutput => "structured output",
            Self::StrictSchema => "strict schema",
            Self::JsonMode => "JSON mode",
            Self::Effort => "effort",
            Self::CacheMark => "cache mark",
            Self::ServiceTier => "service tier",
            Self::Stream => "streaming",
            Self::StreamUsage => "token counts in the stream",
            Self::MaxTokens => "the older name of the output limit",
            Self::Tools => "tools",
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
    /// How much of the output was reasoning; absent when the provider does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// What the provider says it charged for them; absent when it does not tell, as most do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<MicroUsd>,
}

impl Usage {
    /// All input, as people understand it.
    #[must_use]
    pub const fn total_input(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// Kind by kind.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: match (self.reasoning, other.reasoning) {
                (Some(here), Some(there)) => Some(here.saturating_add(there)),
                (here, there) => here.or(there),
            },
            charged: [self.charged, other.charged].into_iter().flatten().reduce(MicroUsd::plus),
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

/// That another model answered than the one configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The model that was asked instead.
    pub model: String,
    /// How the configured model ended.
    pub because: End,
}

/// One pass of one lane: what came of it, and what it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassReport {
    /// Who.
    pub lane: LaneName,
    /// What asked the model.
    pub engine: Engine,
    /// Who served it.
    pub provider: Provider,
    /// The model as configured.
    pub model: String,
    /// The model as the provider named it in its answer.
    pub resolved_model: Option<String>,
    /// The model that was asked instead of the configured one.
    pub fallback: Option<Fallback>,
    /// What it was for.
    #[serde(default)]
    pub purpose: Purpose,
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
    /// The findings of others, or the refuted ones of its own, that it was asked about, in the order it was shown them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// What that order was drawn with; none where nothing was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What it says of the findings of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// What it says to refutations of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defences: Vec<Defence>,
    /// Whether its answer is the short one that is asked for after one was cut: it holds the most severe findings only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub brief: bool,
    /// What was wrong with the answer and repaired or left out, in our words.
    pub problems: Vec<String>,
    /// Requests sent, retries included.
    pub attempts: u32,
    /// Requests that were answered with calls of tools.
    #[serde(default)]
    pub turns: u32,
    /// What it looked up in the repository.
    #[serde(default)]
    pub lookups: Vec<Looked>,
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
    /// From the last request to the first byte of its answer; absent when none came.
    #[serde(
        rename = "first_byte_milliseconds",
        serialize_with = "maybe_as_millis",
        deserialize_with = "maybe_from_millis"
    )]
    pub first_byte: Option<Duration>,
    /// Where the price of its tokens comes from.
    pub price_basis: PriceBasis,
    /// What the server can do, as far as it was known at the end; absent where nothing was asked.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// SHA-256 of the prompt, hexadecimal.
    pub prompt_hash: String,
}

impl PassReport {
    /// The report of a pass that sent nothing.
    #[must_use]
    pub fn unasked(lane: &Lane, batch: Option<usize>, end: End) -> Self {
        Self {
            lane: lane.name.clone(),
            engine: lane.engine,
            provider: lane.provider,
            model: lane.model.clone(),
            resolved_model: None,
            fallback: None,
            purpose: Purpose::Review,
            batch,
            max_output: None,
            end,
            findings: Vec::new(),
            clearances: Vec::new(),
            targets: Vec::new(),
            seed: None,
            votes: Vec::new(),
            defences: Vec::new(),
            brief: false,
            problems: Vec::new(),
            attempts: 0,
            turns: 0,
            lookups: Vec::new(),
            left_out: Vec::new(),
            request_ids: Vec::new(),
            usage: None,
            cost: MicroUsd::ZERO,
            elapsed: Duration::ZERO,
            first_byte: None,
            capabilities: None,
            price_basis: PriceBasis::default(),
            prompt_hash: String::new(),
        }
    }
}

impl PassReport {
    /// What verdicts depend on, where it is a pass of a debate.
    #[must_use]
    pub fn hearing(&self) -> Option<Hearing> {
        (self.purpose != Purpose::Review).then(|| Hearing {
            lane: self.lane.clone(),
            purpose: self.purpose,
            targets: self.targets.iter().map(|target| target.finding.clone()).collect(),
            heard: self.end.is_done(),
            votes: self.votes.clone(),
            defences: self.defences.clone(),
        })
    }
}

/// Everything one lane did in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneReport {
    /// Who.
    pub lane: LaneName,
    /// Who serves its model.
    pub provider: Provider,
    /// Where people set its key: the input and the variable, or the variable alone.
    pub key: String,
    /// The model as configured.
    pub model: String,
    /// How it ended: done only if all of its passes are.
    #[serde(flatten)]
    pub end: End,
    /// Its passes, in the order of the batches. The record holds those of all lanes in one list.
    #[serde(skip)]
    pub passes: Vec<PassReport>,
    /// From the start of all passes to its last answer.
    #[serde(rename = "milliseconds", serialize_with = "as_millis", deserialize_with = "from_millis")]
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
            key: lane.key().to_string(),
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

    /// Requests sent for one question: those that only went on after a lookup do not count.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.attempts().saturating_sub(self.passes.iter().map(|pass| pass.turns).sum())
    }

    /// Lookups in the repository, those that failed included.
    #[must_use]
    pub fn lookups(&self) -> usize {
        self.passes.iter().map(|pass| pass.lookups.len()).sum()
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

    /// The first pass that another model answered than the one configured.
    #[must_use]
    pub fn fallback(&self) -> Option<&Fallback> {
        self.passes.iter().find_map(|pass| pass.fallback.as_ref())
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

fn maybe_as_millis<S: serde::Serializer>(
    elapsed: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    elapsed.map(|elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}

fn maybe_from_millis<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
}

fn from_millis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}
