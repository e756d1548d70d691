//! What comes out otherwise where a recorded run is decided again.

use super::words;
use crate::domain::record::Changes;
use crate::domain::redact::log_line;

/// The most findings that are named in one sentence.
const MOST: usize = 20;

/// `3 verdicts differ: claude:F2 solo → agreed, …`, or `nothing changed`: one line for a terminal.
#[must_use]
pub fn changes(changes: &Changes) -> String {
    let Changes { verdicts, moved, gate } = changes;
    let mut parts = Vec::new();
    if !verdicts.is_empty() {
        let differ = if verdicts.len() == 1 { "verdict differs" } else { "verdicts differ" };
        let named = verdicts.iter().map(|(id, before, now)| format!("{id} {before} → {now}"));
        parts.push(format!("{} {differ}: {}", verdicts.len(), some(named)));
    }
    for (inline, how) in [(true, "on a line now"), (false, "only in the summary now")] {
        let named: Vec<&String> =
            moved.iter().filter(|(_, shown)| *shown == inline).map(|(id, _)| id).collect();
        if !named.is_empty() {
            let stand = if named.len() == 1 { "stands" } else { "stand" };
            let number = words::count(named.len(), "finding");
            parts.push(format!("{number} {stand} {how}: {}", some(named.into_iter().cloned())));
        }
    }
    if let Some((before, now)) = gate {
        parts.push(format!("the gate was {} and is {}", before.as_str(), now.as_str()));
    }
    if parts.is_empty() {
        return "nothing changed".to_owned();
    }
    log_line(&parts.join("; ")).into_owned()
}

/// The first of them, and that there are more.
fn some(named: impl ExactSizeIterator<Item = String>) -> String {
    let more = if named.len() > MOST { ", …" } else { "" };
    format!("{}{more}", named.take(MOST).collect::<Vec<_>>().join(", "))
}
