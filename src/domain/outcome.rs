//! How a run ends, in words that machines and people share.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::config::Gate;
use crate::domain::finding::{Class, Severity, Verdict};

/// What became of the review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every lane that the plan asked finished, and all that no rule excludes was read.
    Reviewed,
    /// There is at least one answer, but a planned part is missing.
    Partial,
    /// No model was asked, on purpose.
    Skipped,
    /// A review was due and no lane answered, or nothing could be published.
    Failed,
}

impl Outcome {
    /// The word in outputs and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reviewed => "reviewed",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $code:literal,)*) => {
        /// Why a run ended as it did: one stable code each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Reason {
            /// The code in outputs and records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// All codes, for the documentation's test.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

reasons! {
    /// There is nothing to tell.
    Ok => "ok",
    /// This head was reviewed before under the same configuration.
    AlreadyReviewed => "already-reviewed",
    /// The event gives no keys because the pull request comes from a fork or from Dependabot.
    ForkNoSecrets => "fork-no-secrets",
    /// Drafts are reviewed when somebody asks.
    Draft => "draft",
    /// Pull requests of dependency bots are reviewed when somebody asks.
    DependencyBot => "dependency-bot",
    /// The pull request is closed.
    Closed => "closed",
    /// The comment asks for nothing.
    NoCommand => "no-command",
    /// The comment's command cannot be understood.
    BadCommand => "bad-command",
    /// The person may not ask for a review.
    NotPermitted => "not-permitted",
    /// The event belongs to no pull request.
    NoPullRequest => "no-pull-request",
    /// Nothing changed that could be read.
    NothingToReview => "nothing-to-review",
    /// The budget cannot pay one call.
    Budget => "budget",
    /// A key is missing for one of the lanes.
    MissingKey => "missing-key",
    /// No lane has a key.
    MissingKeys => "missing-keys",
    /// No price is known for a model.
    UnknownPrice => "unknown-price",
    /// The configuration or an input cannot be read.
    BadConfiguration => "bad-configuration",
    /// A lane did not finish.
    LaneFailed => "lane-failed",
    /// No lane finished.
    NoLane => "no-lane",
    /// The time was used up.
    Deadline => "deadline",
    /// Files could not be read or paid.
    FilesUnread => "files-unread",
    /// The head moved while it was being reviewed.
    HeadMoved => "head-moved",
    /// The token may not write.
    ReadOnlyToken => "read-only-token",
    /// An inline comment was not taken.
    CommentsRefused => "comments-refused",
    /// GitHub could not be read.
    GithubUnreadable => "github-unreadable",
    /// GitHub could not be written.
    GithubUnwritable => "github-unwritable",
    /// A provider billed beyond its own limits.
    Overrun => "overrun",
    /// Somebody, or a newer run, cancelled this one.
    Cancelled => "cancelled",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A run that ends before a review could be published: what happened, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Skipped or failed.
    pub outcome: Outcome,
    /// Why, as a code.
    pub reason: Reason,
    /// Why, as one sentence.
    pub what: String,
    /// What a person can do, as one sentence; empty when there is nothing to do.
    pub advice: String,
    /// The exit code this asks for before rights and `on-failure` soften it.
    pub exit: ExitCode,
}

impl Stop {
    /// Nothing is wrong: no model is asked, on purpose.
    #[must_use]
    pub fn skip(reason: Reason, what: impl Into<String>, advice: impl Into<String>) -> Self {
        let (what, advice) = (what.into(), advice.into());
        Self { outcome: Outcome::Skipped, reason, what, advice, exit: ExitCode::Done }
    }

    /// A review was due and cannot be had.
    #[must_use]
    pub fn fail(reason: Reason, exit: ExitCode, what: impl Into<String>, advice: impl Into<String>) -> Self {
        let (what, advice) = (what.into(), advice.into());
        Self { outcome: Outcome::Failed, reason, what, advice, exit }
    }
}

/// What the process tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Nothing that should stop a job.
    Done = 0,
    /// A gate tripped.
    GateTripped = 1,
    /// Usage, configuration, or no key where one could be had.
    Usage = 2,
    /// No lane could review.
    NoReview = 3,
    /// GitHub could not be read or written.
    Github = 4,
}

impl ExitCode {
    /// The one that is looked at first: usage, then lanes, then GitHub, then gates.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        [Self::Usage, Self::NoReview, Self::Github, Self::GateTripped]
            .into_iter()
            .find(|code| *code == self || *code == other)
            .unwrap_or(Self::Done)
    }
}

/// The state of `fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// No gate is set.
    Off,
    /// No gate tripped, and nothing is missing that could have tripped one.
    Passed,
    /// A gate tripped.
    Tripped,
    /// Nothing tripped, but the review is not whole.
    Undecided,
}

impl GateState {
    /// The word in outputs and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Passed => "passed",
            Self::Tripped => "tripped",
            Self::Undecided => "undecided",
        }
    }
}

/// Merged issues by class, and what the gates look at. A pair is one issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Raised by two lanes, blind.
    pub agreed: usize,
    /// Raised by one, checked and confirmed by another.
    pub confirmed: usize,
    /// Refuted, and stood by.
    pub disputed: usize,
    /// Claims that exclude each other.
    pub contradictions: usize,
    /// Raised by one; the others finished.
    pub solo: usize,
    /// Raised by one; no other lane finished.
    pub unchecked: usize,
    /// Refuted, and given up by whoever raised it. It is no finding any more.
    pub withdrawn: usize,
    /// Of all findings, those of high or critical severity that this change brought.
    pub high: usize,
    /// Of the agreed and confirmed, those of high or critical severity.
    pub agreed_high: usize,
}

impl Tally {
    /// The tally of one issue.
    #[must_use]
    pub fn of(verdict: Verdict, severity: Severity, pre_existing: bool) -> Self {
        let class = verdict.class();
        let high = severity >= Severity::High && !pre_existing && class != Class::Nobody;
        let mut tally = Self {
            high: usize::from(high),
            agreed_high: usize::from(high && class == Class::Both),
            ..Self::default()
        };
        *match verdict {
            Verdict::Agreed => &mut tally.agreed,
            Verdict::Confirmed => &mut tally.confirmed,
            Verdict::Disputed => &mut tally.disputed,
            Verdict::Contradiction => &mut tally.contradictions,
            Verdict::Solo => &mut tally.solo,
            Verdict::Unchecked => &mut tally.unchecked,
            Verdict::Withdrawn => &mut tally.withdrawn,
        } = 1;
        tally
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.each(other, usize::saturating_add)
    }

    /// Without these.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.each(other, usize::saturating_sub)
    }

    fn each(&self, other: &Self, join: fn(usize, usize) -> usize) -> Self {
        Self {
            agreed: join(self.agreed, other.agreed),
            confirmed: join(self.confirmed, other.confirmed),
            disputed: join(self.disputed, other.disputed),
            contradictions: join(self.contradictions, other.contradictions),
            solo: join(self.solo, other.solo),
            unchecked: join(self.unchecked, other.unchecked),
            withdrawn: join(self.withdrawn, other.withdrawn),
            high: join(self.high, other.high),
            agreed_high: join(self.agreed_high, other.agreed_high),
        }
    }

    /// Every issue that stands.
    #[must_use]
    pub const fn findings(&self) -> usize {
        self.both() + self.contested() + self.one()
    }

    /// Found by both, or found by one and confirmed by another.
    #[must_use]
    pub const fn both(&self) -> usize {
        self.agreed + self.confirmed
    }

    /// On which the lanes differ.
    #[must_use]
    pub const fn contested(&self) -> usize {
        self.disputed + self.contradictions
    }

    /// From one lane only.
    #[must_use]
    pub const fn one(&self) -> usize {
        self.solo + self.unchecked
    }
}

/// Whether one issue of this class and severity trips a gate by itself. What was there before the change, and what was
/// withdrawn, never does.
#[must_use]
pub fn trips(gates: &[Gate], verdict: Verdict, severity: Severity, pre_existing: bool) -> bool {
    if pre_existing || verdict == Verdict::Withdrawn {
        return false;
    }
    let high = severity >= Severity::High;
    gates.iter().any(|gate| match gate {
        Gate::AnyHigh => high,
        Gate::AgreedHigh => high && verdict.class() == Class::Both,
        Gate::Disputed => verdict == Verdict::Disputed,
        Gate::Contradiction => verdict == Verdict::Contradiction,
        Gate::Incomplete => false,
    })
}

/// Decides the gates. What was found can trip one even when the review is not whole; that nothing was
/// found passes one only when it is.
#[must_use]
pub fn gate(gates: &[Gate], outcome: Outcome, tally: &Tally) -> GateState {
    if gates.is_empty() {
        return GateState::Off;
    }
    let whole = outcome == Outcome::Reviewed;
    let tripped = gates.iter().any(|gate| match gate {
        Gate::AnyHigh => tally.high > 0,
        Gate::AgreedHigh => tally.agreed_high > 0,
        Gate::Disputed => tally.disputed > 0,
        Gate::Contradiction => tally.contradictions > 0,
        Gate::Incomplete => !whole,
    });
    if tripped {
        GateState::Tripped
    } else if whole {
        GateState::Passed
    } else {
        GateState::Undecided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_knows_three_truths() {
        let found = Tally { solo: 1, high: 1, ..Tally::default() };
        let check = |gates: &[Gate], outcome, tally: &Tally, expected| {
            assert_eq!(gate(gates, outcome, tally), expected, "{gates:?} {outcome}");
        };
        let none = Tally::default();
        check(&[], Outcome::Failed, &found, GateState::Off);
        check(&[Gate::AnyHigh], Outcome::Partial, &found, GateState::Tripped);
        check(&[Gate::AnyHigh], Outcome::Partial, &none, GateState::Undecided);
        check(&[Gate::AnyHigh], Outcome::Reviewed, &none, GateState::Passed);
        check(&[Gate::AgreedHigh], Outcome::Reviewed, &found, GateState::Passed);
        check(&[Gate::AgreedHigh], Outcome::Failed, &none, GateState::Undecided);
        check(&[Gate::AgreedHigh, Gate::Incomplete], Outcome::Failed, &none, GateState::Tripped);
    }
}
