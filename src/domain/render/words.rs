//! Small words: numbers, times, names, and who speaks for and against an issue.

use std::time::Duration;

use crate::domain::finding::{Cleared, Raised};
use crate::domain::reconcile::contradiction::Why;
use crate::domain::reconcile::{Against, Contradiction, Issue, subject};
use crate::domain::units::LaneName;

/// `1 file`, `3 files`.
#[must_use]
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// `2 min 41 s`, `7 s`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = (time.as_millis().saturating_add(500) / 1000).max(1);
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// `Claude`, `Claude and Codex`, `A, B and C`.
#[must_use]
pub fn lanes<'a>(names: impl IntoIterator<Item = &'a LaneName>) -> String {
    list(&names.into_iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The first letter upper-case and a full stop at the end.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let Some(first) = letters.next() else { return String::new() };
    let text = format!("{}{}", first.to_uppercase(), letters.as_str());
    if text.ends_with(['.', '?', '!']) { text } else { format!("{text}.") }
}

/// The finding that speaks for an issue: the claim that is opposed, else the most severe.
#[must_use]
pub fn voice(issue: &Issue) -> Option<&Raised> {
    let opposed = issue.contradiction.as_ref().and_then(|contradiction| claims(issue, contradiction).0);
    opposed.or_else(|| issue.lead()).or_else(|| issue.members.first())
}

/// The claim that is opposed and, where that is another finding, the one that opposes it.
fn claims<'a>(issue: &'a Issue, contradiction: &Contradiction) -> (Option<&'a Raised>, Option<&'a Raised>) {
    let claim = issue.members.get(contradiction.claim);
    let Against::Member { index } = contradiction.against else { return (claim, None) };
    let other = issue.members.get(index);
    // Whoever says that the code holds is the one that objects, whichever lane comes first.
    let denies = |raised: &Raised, words: &str| {
        let said = subject(raised);
        said.title.contains(words) || said.text.contains(words)
    };
    match (&contradiction.why, claim, other) {
        (Why::Denial { words }, Some(first), Some(second))
            if denies(first, words) && !denies(second, words) =>
        {
            (other, claim)
        }
        _ => (claim, other),
    }
}

/// Who speaks against an issue, and how.
#[derive(Clone, Copy, Debug)]
pub struct Opponent<'a> {
    /// The lane.
    pub lane: &'a LaneName,
    /// Its words: untrusted.
    pub says: &'a str,
    /// The code it speaks of: untrusted too.
    pub quote: &'a str,
    /// Whether it checked the code and holds it sound, rather than claiming something else.
    pub cleared: bool,
    /// Why both cannot hold.
    pub why: &'a Why,
}

/// The other side of a contradiction.
#[must_use]
pub fn opponent(issue: &Issue) -> Option<Opponent<'_>> {
    let contradiction = issue.contradiction.as_ref()?;
    let why = &contradiction.why;
    Some(match &contradiction.against {
        Against::Clearance(Cleared { lane, clearance, .. }) => {
            let (says, quote) = (&clearance.reason, &clearance.quote);
            Opponent { lane, says, quote, cleared: true, why }
        }
        Against::Member { .. } => {
            let Raised { lane, finding, .. } = claims(issue, contradiction).1?;
            let says = if finding.body.trim().is_empty() { &finding.title } else { &finding.body };
            Opponent { lane, says, quote: &finding.quote, cleared: false, why }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_read_as_people_write_them() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
        assert_eq!(duration(Duration::from_secs(161)), "2 min 41 s");
        assert_eq!(duration(Duration::from_millis(3)), "1 s");
        assert_eq!(lanes([&LaneName::new("claude"), &LaneName::new("codex")]), "Claude and Codex");
        assert_eq!(sentence("check the key"), "Check the key.");
    }
}
