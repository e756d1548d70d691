//! What a lane's server can do, as far as it is known, told, or learnt from what it would not take.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::lane::{Limits, Wire};
use crate::domain::pass::Feature;

/// What a server can do. It stands in the record of each pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// How far it holds an answer to a form.
    pub structured: Structured,
    /// How it reuses what it has read.
    pub cache: Cache,
    /// Whether it takes an effort.
    pub effort: bool,
    /// Whether it tells the tokens of an answer.
    pub usage: bool,
    /// The most tokens of a request and its answer together.
    pub context: Option<u64>,
    /// The most tokens of an answer.
    pub max_output: Option<u64>,
    /// Where this is known from.
    pub source: Source,
}

/// How far a server holds an answer to a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Structured {
    /// To our schema.
    Schema,
    /// To JSON of any form.
    JsonObject,
    /// Not at all: the model is told.
    None,
}

/// How a server reuses what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cache {
    /// Up to marks in the request.
    Breakpoints,
    /// By itself, where the beginning is the same.
    Automatic,
    /// Not at all, as far as requests can tell.
    None,
}

/// Where capabilities are known from; a later one beats those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// From nobody: everything is tried, and left out when it is refused.
    Assumed,
    /// From the vendor's documents.
    Known,
    /// The server told when asked what it can do.
    Probed,
    /// The server refused something, or left it out.
    Learnt,
}

impl Capabilities {
    /// What is known of every server of a wire format before anything is sent.
    #[must_use]
    pub const fn of(wire: Wire) -> Self {
        let (cache, source) = match wire {
            Wire::Messages | Wire::Responses => (Cache::Breakpoints, Source::Known),
            Wire::Chat => (Cache::Automatic, Source::Assumed),
        };
        Self {
            structured: Structured::Schema,
            cache,
            effort: true,
            usage: true,
            context: None,
            max_output: None,
            source,
        }
    }

    /// The features that need not be tried.
    #[must_use]
    pub fn without(&self) -> BTreeSet<Feature> {
        let structured: &[Feature] = match self.structured {
            Structured::Schema => &[],
            Structured::JsonObject => &[Feature::StructuredOutput],
            Structured::None => &[Feature::StructuredOutput, Feature::JsonMode],
        };
        let effort: &[Feature] = if self.effort { &[] } else { &[Feature::Effort] };
        [structured, effort].concat().into_iter().collect()
    }

    /// What one call may hold: what is configured, as far as the server holds that too. Of a context that nobody divides
    /// a quarter is for the answer.
    #[must_use]
    pub fn limits(&self, configured: Limits) -> Limits {
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        let quarter = self.context.map(|context| context / 4);
        let output = least(configured.output.or(quarter), self.max_output);
        let rest = self.context.map(|context| context.saturating_sub(output.unwrap_or_default()));
        Limits { input: least(configured.input, rest), output }
    }

    /// The same server, now known not to take these.
    #[must_use]
    pub fn refusing(mut self, features: &BTreeSet<Feature>) -> Self {
        let before = self;
        for feature in features {
            match feature {
                Feature::StructuredOutput if self.structured == Structured::Schema => {
                    self.structured = Structured::JsonObject;
                }
                Feature::CacheMark if self.cache == Cache::Breakpoints => self.cache = Cache::None,
                Feature::Effort => self.effort = false,
                _ => {}
            }
        }
        if features.contains(&Feature::StructuredOutput) && features.contains(&Feature::JsonMode) {
            self.structured = Structured::None;
        }
        if self != before {
            self.source = Source::Learnt;
        }
        self
    }

    /// The same server, now known to tell no tokens.
    #[must_use]
    pub const fn uncounted(self) -> Self {
        Self { usage: false, source: Source::Learnt, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_refuses_is_learnt_step_by_step_and_not_tried_again() {
        let fresh = Capabilities::of(Wire::Chat);
        assert!(fresh.without().is_empty());
        assert_eq!(fresh.refusing(&BTreeSet::new()), fresh);
        let refused = |features: &[Feature]| fresh.refusing(&features.iter().copied().collect());
        let json = refused(&[Feature::StructuredOutput]);
        assert_eq!((json.structured, json.source), (Structured::JsonObject, Source::Learnt));
        assert_eq!(json.without(), [Feature::StructuredOutput].into());
        let bare = refused(&[Feature::Effort, Feature::JsonMode, Feature::StructuredOutput]);
        assert_eq!((bare.structured, bare.effort), (Structured::None, false));
        assert_eq!(bare.without(), [Feature::StructuredOutput, Feature::JsonMode, Feature::Effort].into());
    }

    #[test]
    fn a_call_holds_what_is_configured_and_the_server_can_hold() {
        let limits = |context, max_output, input, output| {
            let server = Capabilities { context, max_output, ..Capabilities::of(Wire::Chat) };
            let limits = server.limits(Limits { input, output });
            (limits.input, limits.output)
        };
        assert_eq!(limits(None, None, None, None), (None, None));
        assert_eq!(limits(None, None, Some(8), Some(4)), (Some(8), Some(4)));
        assert_eq!(limits(Some(8_000), None, None, None), (Some(6_000), Some(2_000)));
        assert_eq!(limits(Some(8_000), Some(1_000), None, Some(3_000)), (Some(7_000), Some(1_000)));
        assert_eq!(
            limits(Some(1_000_000), Some(32_000), Some(8_000), Some(4_000)),
            (Some(8_000), Some(4_000))
        );
        assert_eq!(limits(Some(3), Some(9), None, Some(9)), (Some(0), Some(9)));
    }
}
