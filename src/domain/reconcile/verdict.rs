//! Where an issue ends, from who raised it and what was said of it. The rules are those of `docs/architecture.md`,
//! verdicts.

use std::collections::BTreeSet;

use super::{Defended, LaneResult, claimants};
use crate::domain::debate::{Answer, Cast, Defence, FindingKey, Hearing, Purpose, Stance};
use crate::domain::finding::{Raised, Severity, Verdict};
use crate::domain::units::LaneName;

/// Where an issue ends, and what that rests on.
pub(super) struct Ruling {
    pub(super) verdict: Verdict,
    pub(super) severity: Severity,
    pub(super) was: Option<Severity>,
    pub(super) votes: Vec<Cast>,
    pub(super) defended: Option<Defended>,
    pub(super) pre_existing: bool,
}

/// An issue that is to be decided.
pub(super) struct Case<'a> {
    /// What was raised, by lane.
    pub(super) members: &'a [Raised],
    /// Whether claims of two lanes exclude each other.
    pub(super) contradicted: bool,
    /// Its file.
    pub(super) path: &'a str,
    /// Everybody, with where they looked.
    pub(super) lanes: &'a [LaneResult],
    /// What they said of each other's findings.
    pub(super) hearings: &'a [Hearing],
}

impl Case<'_> {
    pub(super) fn rule(&self) -> Ruling {
        let votes = self.votes();
        let severity =
            claimants(self.members).map(|member| member.finding.severity).max().unwrap_or(Severity::Low);
        let ruling = |verdict| Ruling {
            verdict,
            severity,
            was: None,
            votes: votes.clone(),
            defended: None,
            pre_existing: false,
        };
        if self.contradicted {
            return ruling(Verdict::Contradiction);
        }
        let blind = self.members.iter().filter(|member| !member.informed);
        if blind.map(|member| &member.lane).collect::<BTreeSet<_>>().len() > 1 {
            return ruling(Verdict::Agreed);
        }
        let counts = |stance: Stance| votes.iter().any(|cast| cast.vote.stands && cast.vote.stance == stance);
        if counts(Stance::Refuted) {
            return self.after_refutation(ruling(Verdict::Disputed), counts(Stance::Confirmed));
        }
        if counts(Stance::Confirmed) {
            let corrected =
                votes.iter().filter(|cast| cast.vote.stands && cast.vote.stance == Stance::Confirmed);
            let corrected = corrected.filter_map(|cast| cast.vote.severity).max();
            // As with two that raised it: ranked and gated at the higher.
            return Ruling {
                severity: severity.max(corrected.unwrap_or(severity)),
                ..ruling(Verdict::Confirmed)
            };
        }
        if counts(Stance::PreExisting) {
            return Ruling { pre_existing: true, ..ruling(Verdict::Solo) };
        }
        ruling(if self.nobody_else_could() { Verdict::Unchecked } else { Verdict::Solo })
    }

    /// What the lane that raised it made of a refutation that counts.
    fn after_refutation(&self, disputed: Ruling, confirmed: bool) -> Ruling {
        let Some(defence) = self.defence() else {
            return Ruling { defended: Some(Defended::NotHeard), ..disputed };
        };
        let withdrawn = defence.answer == Answer::Withdraw || !defence.stands;
        let narrowed = (defence.answer == Answer::Narrow)
            .then_some(defence.severity)
            .flatten()
            .filter(|severity| *severity < disputed.severity && !withdrawn);
        Ruling {
            // What another lane confirmed is not buried by one alone.
            verdict: if withdrawn && !confirmed { Verdict::Withdrawn } else { Verdict::Disputed },
            was: narrowed.map(|_| disputed.severity),
            severity: narrowed.unwrap_or(disputed.severity),
            defended: Some(Defended::Answered(self.within(defence))),
            ..disputed
        }
    }

    /// A defence, with lines only where they narrow what was claimed.
    fn within(&self, defence: &Defence) -> Defence {
        let own = self.members.iter().find(|member| member.key() == defence.target);
        let claimed = own.map(|member| match member.placement.anchor() {
            Some(anchor) => (anchor.start, anchor.end),
            None => (member.finding.line_start, member.finding.line_end),
        });
        let inside = |(start, end): &(u32, u32)| {
            claimed.is_some_and(|claimed| *start >= claimed.0 && *end <= claimed.1)
        };
        Defence { lines: defence.lines.filter(inside), ..defence.clone() }
    }

    /// The answer of a lane that raised it, to whatever speaks against it.
    fn defence(&self) -> Option<&Defence> {
        let own = |hearing: &&Hearing| self.raised_by(&hearing.lane);
        let heard = self.hearings.iter().filter(own).filter(|hearing| hearing.purpose == Purpose::Defend);
        let own =
            heard.flat_map(|hearing| &hearing.defences).filter(|defence| self.is_about(&defence.target));
        // Of several, what says most; their order means nothing.
        own.min_by_key(|defence| (!defence.stands, &defence.target, &defence.claim))
    }

    /// What those say of it who did not raise it, each once.
    fn votes(&self) -> Vec<Cast> {
        let others = self.lanes.iter().filter(|lane| !self.raised_by(&lane.lane));
        others
            .filter_map(|lane| {
                let of_lane = self.challenges().filter(|hearing| hearing.lane == lane.lane);
                let votes = of_lane.flat_map(|hearing| &hearing.votes).filter(|vote| {
                    // A lane never votes on its own words.
                    vote.target.lane != lane.lane && self.is_about(&vote.target)
                });
                // Of several, what says most: a lane may have been asked about duplicates.
                let vote = votes.min_by_key(|vote| {
                    (!vote.stands, weight(vote.stance), &vote.target, &vote.reason, &vote.duplicate_of)
                })?;
                Some(Cast { lane: lane.lane.clone(), vote: vote.clone() })
            })
            .collect()
    }

    /// Whether there are others who should have said something and none of them could: those who were asked about it,
    /// else those who were to read its file.
    fn nobody_else_could(&self) -> bool {
        let asked = self.challenges().filter(|hearing| !self.raised_by(&hearing.lane));
        let mut asked =
            asked.filter(|hearing| hearing.targets.iter().any(|key| self.is_about(key))).peekable();
        if asked.peek().is_some() {
            let silent = |hearing: &Hearing| !hearing.votes.iter().any(|vote| self.is_about(&vote.target));
            return asked.all(|hearing| !hearing.heard && silent(hearing));
        }
        let others = self.lanes.iter().filter(|lane| !self.raised_by(&lane.lane));
        let mut readers = others.filter(|lane| !lane.unasked.contains(self.path)).peekable();
        readers.peek().is_some() && readers.all(|lane| !lane.looked.at(self.path))
    }

    fn challenges(&self) -> impl Iterator<Item = &Hearing> {
        self.hearings.iter().filter(|hearing| hearing.purpose == Purpose::Challenge)
    }

    /// Whether a lane is one of those whose claim it is.
    fn raised_by(&self, lane: &LaneName) -> bool {
        claimants(self.members).any(|member| member.lane == *lane)
    }

    fn is_about(&self, key: &FindingKey) -> bool {
        self.members.iter().any(|member| member.key() == *key)
    }
}

/// A refutation outranks a confirmation.
const fn weight(stance: Stance) -> u8 {
    match stance {
        Stance::Refuted => 0,
        Stance::Confirmed => 1,
        Stance::PreExisting => 2,
        Stance::Plausible => 3,
    }
}

#[cfg(test)]
mod tests;
