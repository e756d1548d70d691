//! The one HTML comment that every comment of ours ends in: what we know about it when we read it again.
//!
//! A marker is trusted only when the author of its comment is the identity that posts, and it is never
//! sufficient for anything that removes or silences.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::domain::finding::{Severity, Side, Verdict};
use crate::domain::outcome::{Outcome, Tally};
use crate::domain::units::{MicroUsd, Sha};

const OPEN: &str = "<!-- counterpoint:v1 ";
const CLOSE: &str = " -->";

/// What the summary comment and the check remember of the last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryMarker {
    /// The commit that was reviewed.
    pub head: Sha,
    /// The configuration it was reviewed under.
    pub config: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was found.
    pub tally: Tally,
    /// Inline comments of that run.
    pub inline: usize,
    /// All that was spent on this pull request so far.
    pub spent: MicroUsd,
    /// Whether no check could be written, so that nothing but this remembers the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_check: bool,
    /// The findings of that run that stand in comments and count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Open>,
    /// The findings that somebody told us to drop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dismissed: Vec<Dropped>,
}

/// A finding that stands in a comment, as it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its id.
    pub id: String,
    /// The class it ended in.
    pub verdict: Verdict,
    /// How bad.
    pub severity: Severity,
}

/// A finding that a comment orders to drop. Not to be believed without that comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Its id.
    pub id: String,
    /// GitHub's id of the comment.
    pub comment: u64,
    /// What it would count as; absent where the last run did not find it, or where it counts after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<(Verdict, Severity)>,
}

/// What an inline comment remembers of its finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingMarker {
    /// The finding's id, given once.
    pub id: String,
    /// The commit it was found on.
    pub head: Sha,
    /// The file.
    pub path: String,
    /// The version of the file.
    pub side: Side,
    /// First line on that commit.
    pub start: u32,
    /// Last line on that commit.
    pub end: u32,
    /// How bad.
    pub severity: Severity,
    /// The class it ended in.
    pub verdict: Verdict,
    /// Its title, for matching.
    pub title: String,
    /// The beginning of its explanation, for matching.
    #[serde(default)]
    pub text: String,
    /// Hash of the anchored lines, which outlives moved lines.
    pub code: String,
}

/// What the one-line body of a review remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewMarker {
    /// The commit it stands on.
    pub review: Sha,
}

/// Writes a marker. The JSON inside can neither end the comment nor start another.
#[must_use]
pub fn write<T: Serialize>(marker: &T) -> String {
    let json = serde_json::to_string(marker).unwrap_or_default();
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace("--", "\\u002d\\u002d");
    format!("{OPEN}{json}{CLOSE}")
}

/// Reads the marker that a body ends in. Anything else, an older or newer form included, is none.
#[must_use]
pub fn read<T: DeserializeOwned>(body: &str) -> Option<T> {
    let (_, marker) = body.trim_end().rsplit_once(OPEN)?;
    // Ours have no two hyphens inside, so that nothing in them can begin or end a comment.
    let json = marker.strip_suffix(CLOSE).filter(|json| !json.contains("--"))?;
    serde_json::from_str(json).ok()
}

/// Whether a body ends in a marker of ours, of whatever form.
#[must_use]
pub fn is_ours(body: &str) -> bool {
    let body = body.trim_end();
    body.ends_with("-->")
        && body.rsplit_once("<!--").is_some_and(|(_, last)| last.starts_with(" counterpoint:v"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(title: &str) -> FindingMarker {
        FindingMarker {
            id: "f1".into(),
            head: "a".repeat(40).parse().unwrap(),
            path: "src/a.rs".into(),
            side: Side::New,
            start: 1,
            end: 2,
            severity: Severity::High,
            verdict: Verdict::Agreed,
            title: title.into(),
            text: String::new(),
            code: "abc".into(),
        }
    }

    #[test]
    fn what_is_written_is_read_back_whatever_the_title_holds() {
        for title in ["plain", "--> <!-- counterpoint:v1 {}", "---", "<script>", "\" \\ \n"] {
            let body = format!("text\n\n{}", write(&marker(title)));
            assert_eq!(body.matches("-->").count(), 1, "{body}");
            assert_eq!(body.matches("<!--").count(), 1, "{body}");
            assert_eq!(read::<FindingMarker>(&body), Some(marker(title)));
        }
    }

    #[test]
    fn only_a_marker_at_the_end_counts() {
        let written = write(&marker("x"));
        assert_eq!(read::<FindingMarker>(&format!("{written}\nmore")), None);
        assert_eq!(read::<FindingMarker>("<!-- counterpoint:v2 {} -->"), None);
        assert!(is_ours(&written) && is_ours("x <!-- counterpoint:v2 {} -->"));
        assert!(!is_ours("<!-- counterpoint:v1 {} --> and more"));
    }
}
