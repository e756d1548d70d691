//! Decides a recorded run again, and tells what comes out otherwise.

use std::collections::BTreeMap;

use super::{Inline, Posted, Record, Said, Told, name};
use crate::domain::config::{Config, Gate};
use crate::domain::finding::Verdict;
use crate::domain::outcome::GateState;
use crate::domain::review::{Listed, Review, Shown};

/// What is decided by instead of the recorded settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// A configuration: its gates and what it shows inline.
    pub config: Option<Config>,
    /// The gates, before those of the configuration.
    pub fail_on: Option<Vec<Gate>>,
}

/// Decides a recorded run again by what every lane said then: matching, verdicts, what is shown where, gates.
///
/// # Errors
/// A sentence saying what of the record cannot be read.
pub fn replay(record: &Record, policy: &Policy) -> Result<Review, String> {
    let mut review = record.undecided()?;
    if let Some(Config { inline, fail_on, .. }) = &policy.config {
        review.settings.inline = *inline;
        review.settings.fail_on = fail_on.clone().unwrap_or_default();
        review.snapshot.config_from = "a local file".to_owned();
    }
    if let Some(gates) = &policy.fail_on {
        review.settings.fail_on.clone_from(gates);
    }
    review.decide();
    record.settle(&mut review.listed);
    Ok(review)
}

impl Record {
    /// What the run posted stands where it stood, what it could not post does not, and what would be posted now gets
    /// an id that is free.
    fn settle(&self, listed: &mut [Listed]) {
        let told =
            self.findings.iter().filter_map(|told| Some((told.finding.id.as_str(), told.inline.as_ref()?)));
        let told: BTreeMap<&str, &Inline> = told.collect();
        let threads = self.snapshot.pull.iter().flat_map(|pull| &pull.threads);
        let ids = told.values().map(|inline| &inline.id).chain(threads.map(|thread| &thread.marker.id));
        let mut last: u64 = ids.filter_map(|id| id.strip_prefix('f')?.parse().ok()).max().unwrap_or_default();
        for listed in listed {
            let Shown::ToPost(anchor) = &listed.shown else { continue };
            let name = name(listed).unwrap_or_default();
            match told.get(name.as_str()) {
                Some(Inline { id, posted }) => {
                    if let Some(Posted { url, earlier }) = posted.clone() {
                        listed.shown = Shown::Inline { anchor: anchor.clone(), url, earlier };
                    }
                    listed.id.clone_from(id);
                }
                None if self.not_posted.contains(&name) => listed.shown = Shown::Summary,
                None => {
                    last = last.saturating_add(1);
                    listed.id = format!("f{last}");
                }
            }
        }
    }
}

/// What came out otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Raised findings whose issue ends in another verdict.
    pub verdicts: Vec<(String, Verdict, Verdict)>,
    /// Raised findings that are shown on a line now, or only in the summary.
    pub moved: Vec<(String, bool)>,
    /// The gate, where it decides otherwise.
    pub gate: Option<(GateState, GateState)>,
}

/// Compares a record with the one of the same run decided again.
#[must_use]
pub fn changes(before: &Record, now: &Record) -> Changes {
    let earlier: BTreeMap<&str, (Verdict, bool)> = before.findings.iter().flat_map(Told::ends).collect();
    let mut changes =
        Changes { gate: (before.gate != now.gate).then_some((before.gate, now.gate)), ..Changes::default() };
    for (finding, (verdict, inline)) in now.findings.iter().flat_map(Told::ends) {
        let Some((verdict_before, inline_before)) = earlier.get(finding).copied() else { continue };
        if verdict != verdict_before {
            changes.verdicts.push((finding.to_owned(), verdict_before, verdict));
        }
        if inline != inline_before {
            changes.moved.push((finding.to_owned(), inline));
        }
    }
    changes
}

impl Told {
    /// How each finding of the issue ends: its verdict, and whether it stands on a line.
    fn ends(&self) -> impl Iterator<Item = (&str, (Verdict, bool))> {
        let raised = self.votes.iter().filter(|voice| voice.vote == Said::Raised);
        raised.filter_map(|voice| Some((voice.finding.as_deref()?, (self.verdict, self.inline.is_some()))))
    }
}
