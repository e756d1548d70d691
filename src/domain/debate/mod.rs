//! Challenge and defence: what is asked of a lane about findings that it did not raise, and what it says.
//!
//! Everything here is untrusted but for the names of lanes and findings, which are ours.

pub mod code;
mod order;
pub mod supplied;
mod turns;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::finding::{Evidence, Severity};
use crate::domain::units::LaneName;

pub use order::{seed, shuffled};
pub use turns::{MOST_TARGETS, Turn, turns};

/// A finding as a run names it: ids are unique within a lane only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingKey {
    /// Who raised it.
    pub lane: LaneName,
    /// Its id within that lane.
    pub id: String,
}

/// A finding that is put before a lane, under a name that does not tell who raised it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What it is called in the question: `T1`, `T2`, …, in the order it is shown in.
    pub id: String,
    /// The finding.
    pub finding: FindingKey,
}

/// What a challenger makes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stance {
    /// It tried to refute it and could not, and quotes the code that makes it true.
    Confirmed,
    /// It cannot tell.
    Plausible,
    /// It quotes the code that makes it false.
    Refuted,
    /// It is true, and was before this change.
    PreExisting,
}

impl fmt::Display for Stance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirmed => "confirmed",
            Self::Plausible => "plausible",
            Self::Refuted => "refuted",
            Self::PreExisting => "pre-existing",
        })
    }
}

/// What one lane says of one finding of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The finding.
    pub target: FindingKey,
    /// For or against it.
    pub stance: Stance,
    /// Why, in the lane's words.
    pub reason: String,
    /// The code it quotes.
    pub evidence: Vec<Evidence>,
    /// Whether some of that stands in the code it was given; a vote without is void and changes nothing.
    pub stands: bool,
    /// How bad it is, where the lane sees that otherwise.
    pub severity: Option<Severity>,
    /// The blind finding of the challenger's own that says the same.
    pub duplicate_of: Option<FindingKey>,
    /// How sure, 0 to 100, when the lane said.
    pub confidence: Option<u8>,
}

/// What a lane other than those that raised it says of an issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cast {
    /// Who.
    pub lane: LaneName,
    /// What it says. It counts only if its evidence stands.
    #[serde(flatten)]
    pub vote: Vote,
}

/// What the lane that raised a finding does about its refutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It holds.
    Stand,
    /// Less of it holds.
    Narrow,
    /// It does not hold.
    Withdraw,
}

/// What the lane that raised a finding says to its refutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defence {
    /// The finding.
    pub target: FindingKey,
    /// Whether it holds.
    pub answer: Answer,
    /// The code it quotes.
    pub evidence: Vec<Evidence>,
    /// Whether some of that stands in the code it was given. Without, after one repair, the finding is withdrawn.
    pub stands: bool,
    /// How bad what is left of it is.
    pub severity: Option<Severity>,
    /// The lines of what is left of it.
    pub lines: Option<(u32, u32)>,
    /// What is left of it, or why it holds, in the lane's words; empty when it gave none.
    pub claim: String,
}

/// One pass of a debate, as far as verdicts depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// Who was asked.
    pub lane: LaneName,
    /// To do what.
    pub purpose: Purpose,
    /// About which findings.
    pub targets: Vec<FindingKey>,
    /// Whether an answer was read. If not, nothing that it did not say counts for or against anything.
    pub heard: bool,
    /// What it says of the findings of others.
    pub votes: Vec<Vote>,
    /// What it says to refutations of its own.
    pub defences: Vec<Defence>,
}

/// What a pass is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To find defects.
    #[default]
    Review,
    /// To check what only others found.
    Challenge,
    /// To answer what others said against its own findings.
    Defend,
}

impl Purpose {
    /// The word of the reply schema, of the ledger and of the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Challenge => "challenge",
            Self::Defend => "defend",
        }
    }
}

/// What is asked of a lane about findings.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who is asked, by position among the planned lanes.
    pub lane: usize,
    /// The batch that it is about, by position in the plan: its text is the beginning of the prompt.
    pub batch: usize,
    /// To do what.
    pub purpose: Purpose,
    /// The findings, in the order they are shown in.
    pub targets: Vec<Target>,
    /// The lane's own findings in that batch, which a target may turn out to repeat.
    pub own: Vec<Target>,
    /// Whether its answer is as long as a review: it reads what it has not read before.
    pub reads: bool,
    /// What the order was drawn with.
    pub seed: u64,
    /// Code that may decide it.
    pub code: Vec<Excerpt>,
    /// What follows on the text of the batch.
    pub task: String,
}

/// Code that is shown with a question because it may decide it. It stands in the reviewed commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The file.
    pub path: String,
    /// Why it is shown, in our words: `fn release`, `calls of release`.
    pub what: String,
    /// Number and text of each line, secrets replaced. Numbers may leave some out.
    pub lines: Vec<(u32, String)>,
}
