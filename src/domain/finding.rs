//! The nouns of a review: what a lane claims, where it stands, how it ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::debate::FindingKey;
use crate::domain::units::LaneName;

/// How bad a defect is, as the lane that raised it sees it. Ordered: `Low < Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Wrong in a case that will happen.
    Medium,
    /// Wrong in a case that matters.
    High,
    /// Loss of data, money or control.
    Critical,
}

impl Severity {
    /// The word people and files use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kind of defect. Unknown words become `Other`: a new word from a model is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Wrong results.
    Correctness,
    /// Something an attacker can use.
    Security,
    /// Races, deadlocks, ordering.
    Concurrency,
    /// Data that is lost or corrupted.
    DataLoss,
    /// Callers that break.
    ApiCompat,
    /// Too slow or too large.
    Performance,
    /// Missing or wrong tests.
    Tests,
    /// The repository's own rules.
    Conventions,
    /// Anything else.
    Other,
}

/// Which version of the file a line number counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The file as the pull request leaves it (GitHub's `RIGHT`).
    New,
    /// The file as it was; only deleted lines can be commented there (GitHub's `LEFT`).
    Old,
}

/// Code that a lane quotes to support what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The file, as the lane spelled it.
    pub path: String,
    /// The quoted lines.
    pub quote: String,
}

/// One claimed defect, as a lane raised it. Everything in it is untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Unique within its lane and run.
    pub id: String,
    /// The file, as the lane spelled it; empty when the place is unknown.
    pub path: String,
    /// The version of the file that the lines count in.
    pub side: Side,
    /// First claimed line, counted from 1; 0 when unknown.
    pub line_start: u32,
    /// Last claimed line; at least `line_start`.
    pub line_end: u32,
    /// One to three whole lines copied from the diff: what the anchor is proven with.
    pub quote: String,
    /// Further quotes that support the claim.
    pub evidence: Vec<Evidence>,
    /// The kind of defect, when the lane said.
    pub category: Option<Category>,
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 100, when the lane said. It ranks, it never hides.
    pub confidence: Option<u8>,
    /// One line.
    pub title: String,
    /// The explanation.
    pub body: String,
    /// What happens, to whom, when.
    pub failure_scenario: String,
    /// Replacement text for the quoted lines.
    pub suggestion: Option<String>,
}

/// Risky code that a lane checked and holds sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearance {
    /// The file, as the lane spelled it.
    pub path: String,
    /// The code it speaks of.
    pub quote: String,
    /// Why it holds.
    pub reason: String,
}

/// A place where GitHub accepts a comment, proven by a quote that stands there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Anchor {
    /// The path as the diff spells it.
    pub path: String,
    /// Which version of the file.
    pub side: Side,
    /// First line, in one hunk with `end`.
    pub start: u32,
    /// Last line; equal to `start` for one line.
    pub end: u32,
    /// How the quote was found.
    pub how: Resolution,
}

/// How a quote was found in the diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// Byte for byte, on the claimed lines.
    Exact,
    /// Byte for byte, on other lines than claimed.
    Moved,
    /// With white space normalised.
    Whitespace,
    /// Only one hunk's part of a quote that runs over a gap.
    Collapsed,
    /// Almost as quoted, near the claimed line, and clearly nowhere else so closely.
    Approximate,
}

/// Why a finding has no place in the diff. It is then listed in the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unanchored {
    /// No file was named.
    NoPath,
    /// The file is not part of the diff.
    FileNotInDiff,
    /// The file has no lines in the diff (binary, renamed, mode change).
    NoHunks,
    /// No code was quoted.
    NoQuote,
    /// The quoted code stands nowhere in the file's hunks.
    QuoteNotFound,
    /// The quoted code stands around the change, where it is shown to explain it, and not in it.
    Unchanged,
    /// The quote is too short to be proof away from the claimed line.
    QuoteTooShort,
}

/// Where a finding stands: in the diff, or nowhere and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Placement {
    /// Proven against the diff.
    Anchored(Anchor),
    /// Not provable.
    Unanchored {
        /// Why not.
        why: Unanchored,
    },
}

impl Placement {
    /// The anchor, when there is one.
    #[must_use]
    pub const fn anchor(&self) -> Option<&Anchor> {
        match self {
            Self::Anchored(anchor) => Some(anchor),
            Self::Unanchored { .. } => None,
        }
    }
}

/// A finding of a known lane with its proven place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// Who raised it.
    pub lane: LaneName,
    /// The claim.
    #[serde(flatten)]
    pub finding: Finding,
    /// Where it stands.
    pub placement: Placement,
    /// Whether the lane had seen what others raised when it raised this: then it is not blind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub informed: bool,
}

impl Raised {
    /// The file it is about: where it stands, else as the lane spelled it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.placement.anchor().map_or(&self.finding.path, |anchor| &anchor.path)
    }

    /// What the run knows it by.
    #[must_use]
    pub fn key(&self) -> FindingKey {
        FindingKey { lane: self.lane.clone(), id: self.finding.id.clone() }
    }
}

/// A clearance of a known lane with its proven place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// Who holds the code sound.
    pub lane: LaneName,
    /// The claim.
    #[serde(flatten)]
    pub clearance: Clearance,
    /// Where the quoted code stands.
    pub placement: Placement,
}

/// The class a finding ends in (`docs/architecture.md`, verdicts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Two lanes raised it blind.
    Agreed,
    /// One lane raised it; another checked it and quotes the code that makes it true.
    Confirmed,
    /// One lane raised it; another refuted it with evidence, and the first stands by it or was not heard.
    Disputed,
    /// Two lanes make claims about the same code that exclude each other.
    Contradiction,
    /// One lane raised it; the others were not asked, or could not tell.
    Solo,
    /// One lane raised it; the others failed, were cut off or could not be paid.
    Unchecked,
    /// Refuted, and whoever raised it withdrew it or could show nothing for it.
    Withdrawn,
}

/// Readers see three words, not seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Found by both, or found by one and confirmed by the other.
    Both,
    /// The lanes differ.
    Contested,
    /// One lane says so.
    One,
    /// Nobody says so any more.
    Nobody,
}

impl Verdict {
    /// The word people and files use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Confirmed => "confirmed",
            Self::Disputed => "disputed",
            Self::Contradiction => "contradiction",
            Self::Solo => "solo",
            Self::Unchecked => "unchecked",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What readers see of it.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Agreed | Self::Confirmed => Class::Both,
            Self::Disputed | Self::Contradiction => Class::Contested,
            Self::Solo | Self::Unchecked => Class::One,
            Self::Withdrawn => Class::Nobody,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
