//! From what each lane says to issues with a verdict: duplicates grouped, findings of different lanes
//! matched, claims that exclude each other told, everything ranked.
//!
//! Every finding stands in exactly one issue. A lane that failed opposes nothing and consents to nothing.

pub mod align;
pub mod assignment;
pub mod contradiction;
mod faults;
#[cfg(test)]
mod opposites;
pub mod outside;
pub mod place;
mod polarity;
pub mod similarity;
mod text;
mod verdict;
pub mod weights;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use self::align::{Cluster, Link, align};
use self::contradiction::{Claims, Why, clears};
use self::outside::Voice;
use self::place::Place;
use self::similarity::{Corpus, Match, Subject, Zone};
use self::verdict::{Case, Ruling};
use crate::domain::debate::{Cast, Defence, FindingKey, Hearing, Purpose, Stance};
use crate::domain::finding::{Class, Cleared, Raised, Severity, Verdict};
use crate::domain::units::LaneName;

/// What one lane said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneResult {
    /// Who.
    pub lane: LaneName,
    /// Where it looked. Only there does it mean anything that it did not raise something.
    pub looked: Looked,
    /// The paths that it was not to read: that it said nothing of them is nobody's failure.
    pub unasked: BTreeSet<String>,
    /// What it raised.
    pub findings: Vec<Raised>,
    /// What it checked and holds sound.
    pub clearances: Vec<Cleared>,
}

/// Of what a lane finished its review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Of nothing.
    Nowhere,
    /// Of everything but these paths.
    Except(BTreeSet<String>),
}

impl Looked {
    /// Whether it looked at a file whole. Where no file is named, only a lane that looked everywhere did.
    fn at(&self, path: &str) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Except(paths) if path.is_empty() => paths.is_empty(),
            Self::Except(paths) => !paths.contains(path),
        }
    }
}

/// What became of a refutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "heard")]
pub enum Defended {
    /// Whoever raised the finding answered.
    Answered(Defence),
    /// It could not be asked, or gave no answer: nothing is buried because a lane died.
    NotHeard,
}

/// What all lanes said, those that failed included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// Every lane that is part of the run, in the order of the configuration.
    pub lanes: Vec<LaneResult>,
    /// What they said of each other's findings.
    pub hearings: Vec<Hearing>,
}

/// Who speaks against an issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Against {
    /// A lane that checked the same code and holds it sound.
    Clearance(Cleared),
    /// Another member of the issue, by position.
    Member {
        /// Its position among the members.
        index: usize,
    },
}

/// Claims of two lanes that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// Position among the members of the claim that is opposed.
    pub claim: usize,
    /// Who opposes it.
    pub against: Against,
    /// Why both cannot hold.
    pub why: Why,
}

/// A finding of another issue that is possibly the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Possibly {
    /// Who raised the other one.
    pub lane: LaneName,
    /// Its id within that lane.
    pub id: String,
    /// How alike the two are.
    pub matched: Match,
}

/// Findings that are one issue, and where it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// What was raised, by lane in the order of the lanes; within a lane, duplicates behind the finding that
    /// stands for them.
    pub members: Vec<Raised>,
    /// The class it ends in.
    pub verdict: Verdict,
    /// What it is ranked and gated at: the highest that anybody who claims or confirms it gives it, or what whoever raised it
    /// lowered it to.
    pub severity: Severity,
    /// Why members of different lanes are one issue; the strongest pair.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none", default)]
    pub matched: Option<Match>,
    /// Claims that exclude each other, when there are any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contradiction: Option<Contradiction>,
    /// The severity before whoever raised it lowered it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub was: Option<Severity>,
    /// What lanes that did not raise it say of it, void votes included, in the order of the lanes.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub votes: Vec<Cast>,
    /// What became of its refutation, where there is one that counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub defended: Option<Defended>,
    /// Whether a lane showed that it was there before this change: never inline, never gating.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub pre_existing: bool,
    /// Findings of other issues that are possibly the same, most alike first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub possibly: Vec<Possibly>,
    /// What other tools say beside it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub outside: Vec<Voice>,
}

impl Issue {
    /// The finding that stands for the issue: the first lane's among the most severe.
    #[must_use]
    pub fn lead(&self) -> Option<&Raised> {
        let most = claimants(&self.members).map(|member| member.finding.severity).max()?;
        claimants(&self.members).find(|member| member.finding.severity == most)
    }

    /// Whose claim it is where one lane's is: who raised it blind, before who repeated it.
    #[must_use]
    pub fn raiser(&self) -> Option<&Raised> {
        claimants(&self.members).next()
    }

    /// The lanes that raised it, in the order of the lanes.
    #[must_use]
    pub fn raised_by(&self) -> Vec<&LaneName> {
        let mut lanes: Vec<&LaneName> = claimants(&self.members).map(|member| &member.lane).collect();
        lanes.dedup();
        lanes
    }
}

/// Those of an issue's members whose claim it is: who repeated it after reading it only where nobody raised it blind.
fn claimants(members: &[Raised]) -> impl Iterator<Item = &Raised> {
    let blind = members.iter().any(|member| !member.informed);
    members.iter().filter(move |member| !(blind && member.informed))
}

/// Sorts what all lanes raised into issues, most pressing first.
#[must_use]
pub fn reconcile(input: &Input) -> Vec<Issue> {
    let raised: Vec<&Raised> = input.lanes.iter().flat_map(|lane| &lane.findings).collect();
    let lane_of: Vec<usize> =
        input.lanes.iter().enumerate().flat_map(|(i, lane)| vec![i; lane.findings.len()]).collect();
    let subjects: Vec<Subject> = raised.iter().map(|raised| subject(raised)).collect();
    let corpus = Corpus::new(&subjects);
    let run = Run { input, raised, corpus: &corpus, claims: Claims::new(&subjects) };
    let opposed = |x: usize, y: usize| run.opposes(x, y).is_some();
    let mut alignment = align(&corpus, &subjects, &lane_of, &opposed);
    run.join_duplicates(&mut alignment.clusters);

    let mut issues: Vec<(BTreeSet<usize>, Issue)> = alignment
        .clusters
        .iter()
        .map(|cluster| (cluster.groups.iter().flatten().copied().collect(), run.issue(cluster)))
        .collect();
    let apart = |link: &Link| {
        !issues.iter().any(|(members, _)| members.contains(&link.a) && members.contains(&link.b))
    };
    for link in alignment.maybe.into_iter().filter(apart).collect::<Vec<_>>() {
        for (here, other) in [(link.a, link.b), (link.b, link.a)] {
            if let Some((_, issue)) = issues.iter_mut().find(|(members, _)| members.contains(&here)) {
                issue.possibly.extend(run.possibly(here, other));
            }
        }
    }
    let mut issues: Vec<Issue> = issues.into_iter().map(|(_, issue)| issue).collect();
    issues.sort_by(|a, b| rank(a).cmp(&rank(b)));
    issues
}

/// What the matcher reads of a finding: its proven place if there is one, else what it claims.
pub fn subject(raised: &Raised) -> Subject<'_> {
    let finding = &raised.finding;
    let claimed = (finding.line_start > 0).then_some((finding.line_start, finding.line_end));
    let (path, side, lines) = match raised.placement.anchor() {
        Some(anchor) => (anchor.path.as_str(), anchor.side, Some((anchor.start, anchor.end))),
        None => (finding.path.as_str(), finding.side, claimed),
    };
    let body = if finding.body.trim().is_empty() { &finding.failure_scenario } else { &finding.body };
    Subject {
        id: &finding.id,
        path,
        side: Some(side),
        lines,
        unproven: raised.placement.anchor().is_none(),
        quote: &finding.quote,
        category: finding.category,
        title: &finding.title,
        text: body,
        suggestion: finding.suggestion.as_deref(),
    }
}

/// Contested and critical first, then by severity, then what both say before what one says, then what a tool supports,
/// then by place.
fn rank(issue: &Issue) -> impl Ord + '_ {
    let contested = issue.verdict.class() == Class::Contested && issue.severity == Severity::Critical;
    let class = match issue.verdict.class() {
        Class::Both => 0,
        Class::Contested => 1,
        Class::One => 2,
        Class::Nobody => 3,
    };
    // The least of the members, not the first: which lane comes first must not matter.
    let place = issue.members.iter().map(|member| {
        let Subject { path, lines, title, text, id, .. } = subject(member);
        // The lane last: two may say the same of the same place without it being one issue.
        (path, lines, title, text, id, &member.lane)
    });
    (!contested, Reverse(issue.severity), class, !issue.is_supported(), place.min())
}

/// One run while it is decided. Findings are named by position among all lanes'.
struct Run<'a> {
    input: &'a Input,
    raised: Vec<&'a Raised>,
    corpus: &'a Corpus<'a>,
    claims: Claims<'a>,
}

impl Run<'_> {
    fn opposes(&self, x: usize, y: usize) -> Option<Why> {
        self.claims.between(x, y, self.corpus.place(x, y))
    }

    fn possibly(&self, here: usize, other: usize) -> Option<Possibly> {
        let raised = self.raised.get(other)?;
        let matched = self.corpus.compare(here, other);
        Some(Possibly { lane: raised.lane.clone(), id: raised.finding.id.clone(), matched })
    }

    fn issue(&self, cluster: &Cluster) -> Issue {
        let at: Vec<usize> = cluster.groups.iter().flatten().copied().collect();
        let members: Vec<Raised> =
            at.iter().filter_map(|i| self.raised.get(*i)).map(|raised| (*raised).clone()).collect();
        let contradiction = self.contradiction(&at, &members);
        let case = Case {
            members: &members,
            contradicted: contradiction.is_some(),
            path: members.first().map_or("", |member| subject(member).path),
            lanes: &self.input.lanes,
            hearings: &self.input.hearings,
        };
        let Ruling { verdict, severity, was, votes, defended, pre_existing } = case.rule();
        let strongest =
            cluster.links.iter().reduce(|best, link| if link.evidence > best.evidence { link } else { best });
        Issue {
            verdict,
            severity,
            matched: strongest.map(|link| self.corpus.compare(link.a, link.b)),
            contradiction,
            was,
            votes,
            defended,
            pre_existing,
            possibly: Vec::new(),
            outside: Vec::new(),
            members,
        }
    }

    /// Joins issues that a challenger names as the same, one of them its own: it decides where the matcher is in doubt,
    /// and not where that is sure that two are different.
    fn join_duplicates(&self, clusters: &mut Vec<Cluster>) {
        let position = |key: &FindingKey| {
            self.raised.iter().position(|raised| raised.lane == key.lane && raised.finding.id == key.id)
        };
        let challenges = self.input.hearings.iter().filter(|hearing| hearing.purpose == Purpose::Challenge);
        let votes =
            challenges.flat_map(|hearing| hearing.votes.iter().map(move |vote| (&hearing.lane, vote)));
        let mut same: Vec<Link> = votes
            .filter(|(_, vote)| vote.stands && vote.stance != Stance::Refuted)
            .filter_map(|(lane, vote)| {
                let own = vote.duplicate_of.as_ref().filter(|own| own.lane == *lane)?;
                let (x, y) = (position(&vote.target)?, position(own)?);
                self.doubtful(x, y).then_some(Link {
                    a: x.min(y),
                    b: x.max(y),
                    evidence: self.corpus.evidence(x, y)?,
                })
            })
            .collect();
        // Votes come in no order that means anything, and neither do lanes.
        let content = |i: usize| {
            let raised = self.raised.get(i)?;
            let finding = &raised.finding;
            Some((
                &finding.path,
                finding.line_start,
                &finding.title,
                &finding.body,
                &finding.id,
                &raised.lane,
            ))
        };
        same.sort_by_key(|link| {
            let (a, b) = (content(link.a), content(link.b));
            (Reverse(link.evidence), a.min(b), a.max(b))
        });
        for link in same {
            let holding = |i: usize| {
                clusters.iter().position(|cluster| cluster.groups.iter().flatten().any(|member| *member == i))
            };
            let Some((x, y)) = holding(link.a).zip(holding(link.b)).filter(|(x, y)| x != y) else { continue };
            let lanes = |cluster: usize| -> BTreeSet<&LaneName> {
                let groups =
                    clusters.get(cluster).into_iter().flat_map(|cluster| cluster.groups.iter().flatten());
                groups.filter_map(|i| self.raised.get(*i)).map(|raised| &raised.lane).collect()
            };
            if lanes(x).is_disjoint(&lanes(y)) {
                let joined = clusters.remove(x.max(y));
                if let Some(cluster) = clusters.get_mut(x.min(y)) {
                    cluster.groups.extend(joined.groups);
                    // Positions go by lane.
                    cluster.groups.sort();
                    cluster.links.extend(joined.links);
                    cluster.links.push(link);
                }
            }
        }
    }

    /// Whether two findings may well be the same: the matcher cannot tell, or they stand on the same lines.
    fn doubtful(&self, x: usize, y: usize) -> bool {
        match self.corpus.place(x, y) {
            Place::OtherFile => false,
            Place::Overlapping(_) | Place::Apart(0..=3) => true,
            _ => self.corpus.compare(x, y).zone >= Zone::Grey,
        }
    }

    /// Tested before agreement: two members that exclude each other, or a lane that checked the code and
    /// raised nothing like it.
    fn contradiction(&self, at: &[usize], members: &[Raised]) -> Option<Contradiction> {
        for (claim, x) in at.iter().enumerate() {
            for (index, y) in at.iter().enumerate().skip(claim + 1) {
                let lane = |i: usize| members.get(i).map(|member| &member.lane);
                if lane(claim) != lane(index)
                    && let Some(why) = self.opposes(*x, *y)
                {
                    return Some(Contradiction { claim, against: Against::Member { index }, why });
                }
            }
        }
        // What two found blind is not undone by a third that holds it sound.
        let blind: BTreeSet<&LaneName> =
            members.iter().filter(|member| !member.informed).map(|member| &member.lane).collect();
        if blind.len() > 1 {
            return None;
        }
        let others = self.input.lanes.iter().filter(|lane| members.iter().all(|m| m.lane != lane.lane));
        let mut cleared: Vec<(usize, &Cleared)> = others
            .flat_map(|lane| &lane.clearances)
            .filter_map(|cleared| Some((members.iter().position(|member| clears(cleared, member))?, cleared)))
            .collect();
        // The choice among several must not depend on the order in which they were given.
        cleared.sort_by_key(|(claim, cleared)| (*claim, &cleared.clearance.quote, &cleared.clearance.reason));
        let (claim, cleared) = cleared.first()?;
        let against = Against::Clearance((*cleared).clone());
        Some(Contradiction { claim: *claim, against, why: Why::Cleared })
    }
}

#[cfg(test)]
mod tests;
