//! Where an issue comes from, in one line: who raised it and how, who checked it, whether it blocks.

use super::{lanes, words};
use crate::domain::debate::{Purpose, Stance};
use crate::domain::finding::{Class, Verdict};
use crate::domain::outcome::trips;
use crate::domain::pass::LaneReport;
use crate::domain::reconcile::Issue;
use crate::domain::review::Review;
use crate::domain::units::LaneName;

/// The line under a comment. It may hold a provider's words: untrusted.
#[must_use]
pub fn line(review: &Review, issue: &Issue) -> String {
    let standing = standing(review, issue);
    match (review.settings.fail_on.is_empty(), blocks(review, issue)) {
        (true, _) => format!("{standing}."),
        (false, true) => format!("{standing} · blocks"),
        (false, false) => format!("{standing} · does not block"),
    }
}

/// Whether an issue makes the check fail.
#[must_use]
pub fn blocks(review: &Review, issue: &Issue) -> bool {
    trips(&review.settings.fail_on, issue.verdict, issue.severity, issue.pre_existing)
}

/// Who raised it and who checked it, without a full stop. Untrusted too.
#[must_use]
pub fn standing(review: &Review, issue: &Issue) -> String {
    let raised = raised(review, issue);
    match issue.verdict {
        Verdict::Agreed => format!("{raised}, independently"),
        Verdict::Confirmed => format!("{raised}{}", confirmed(issue, ", checked and confirmed by")),
        Verdict::Disputed => {
            let contested = words::lanes(voters(issue, Stance::Refuted));
            format!("{raised}{}, contested by {contested}", confirmed(issue, ", confirmed by"))
        }
        Verdict::Contradiction => match words::opponent(issue) {
            Some(opponent) if opponent.cleared => {
                format!("{raised}, contradicted blind by {}", opponent.lane)
            }
            _ => format!("{raised}, who contradict each other"),
        },
        Verdict::Solo => format!("{raised}; {}", alone(review, issue)),
        Verdict::Unchecked => format!("{raised}; {}", unchecked(review, issue)),
        Verdict::Withdrawn => {
            let refuted = words::lanes(voters(issue, Stance::Refuted));
            format!("{raised}, refuted by {refuted}, and given up")
        }
    }
}

/// Who says so in the few words that a table has room for; empty where the section says it all. Untrusted too.
#[must_use]
pub fn note(review: &Review, issue: &Issue) -> String {
    let raisers = words::lanes(issue.raised_by());
    match (issue.verdict.class(), aside(review, issue)) {
        (Class::One, aside) if !aside.is_empty() => format!("{raisers}; {aside}"),
        (Class::One, _) => raisers,
        _ if issue.verdict == Verdict::Confirmed => {
            format!("{raisers}{}", confirmed(issue, ", confirmed by"))
        }
        _ => String::new(),
    }
}

/// What others make of an issue that one lane raised, where there is more to tell than that they did not raise it.
/// Untrusted too.
#[must_use]
pub fn aside(review: &Review, issue: &Issue) -> String {
    match issue.verdict {
        Verdict::Solo if issue.pre_existing || !issue.votes.is_empty() => alone(review, issue),
        Verdict::Unchecked => unchecked(review, issue),
        _ => String::new(),
    }
}

/// `Raised blind by Claude and Codex`, `Added by Codex, who had read what Claude found`.
fn raised(review: &Review, issue: &Issue) -> String {
    let by = |informed: bool| {
        let raisers = issue.raised_by().into_iter();
        // A lane that raised it blind did not need to be told.
        let blind =
            |lane: &LaneName| issue.members.iter().any(|member| member.lane == *lane && !member.informed);
        raisers.filter(|lane| blind(lane) != informed).collect::<Vec<_>>()
    };
    let (blind, informed) = (by(false), by(true));
    let added = || {
        let others = review.reports.iter().map(|report| &report.lane).filter(|lane| !informed.contains(lane));
        format!(
            "{}, who had read what {} found",
            words::lanes(informed.iter().copied()),
            words::lanes(others)
        )
    };
    match (blind.as_slice(), informed.is_empty()) {
        ([], _) => format!("Added by {}", added()),
        (blind, true) => format!("Raised blind by {}", words::lanes(blind.iter().copied())),
        (blind, false) => {
            format!("Raised blind by {}, then by {}", words::lanes(blind.iter().copied()), added())
        }
    }
}

/// The lanes that confirm it behind these words; nothing where whoever raised it too is all there is.
fn confirmed(issue: &Issue, words: &str) -> String {
    let voters = voters(issue, Stance::Confirmed);
    if voters.is_empty() { String::new() } else { format!("{words} {}", words::lanes(voters)) }
}

/// The lanes whose vote of this kind counts.
fn voters(issue: &Issue, stance: Stance) -> Vec<&LaneName> {
    let votes = issue.votes.iter();
    votes.filter(|cast| cast.vote.stance == stance && cast.vote.stands).map(|cast| &cast.lane).collect()
}

/// What the others make of an issue that one lane raised.
fn alone(review: &Review, issue: &Issue) -> String {
    let older = voters(issue, Stance::PreExisting);
    if issue.pre_existing && !older.is_empty() {
        return format!("it was there before this change, as {} shows", words::lanes(older));
    }
    let unsure = issue.votes.iter().filter(|cast| cast.vote.stance == Stance::Plausible);
    let unsure: Vec<&LaneName> = unsure.map(|cast| &cast.lane).collect();
    let void = |stance: Stance| {
        let votes = issue.votes.iter().filter(move |cast| cast.vote.stance == stance && !cast.vote.stands);
        votes.map(|cast| &cast.lane).collect::<Vec<_>>()
    };
    let mut clauses = Vec::new();
    if !unsure.is_empty() {
        clauses.push(format!("{} checked it and could not tell", words::lanes(unsure)));
    }
    for (stance, does) in [
        (Stance::Confirmed, "confirmed it"),
        (Stance::Refuted, "objected"),
        (Stance::PreExisting, "called it older"),
    ] {
        let lanes = void(stance);
        if !lanes.is_empty() {
            clauses.push(format!(
                "{} {does} without code to show for it, which does not count",
                words::lanes(lanes)
            ));
        }
    }
    if clauses.is_empty() {
        clauses.push(not_raised(review, issue));
    }
    clauses.join("; ")
}

/// Who read the same and did not raise it.
fn not_raised(review: &Review, issue: &Issue) -> String {
    let path = issue.members.first().map_or("", |member| member.path());
    let raisers = issue.raised_by();
    let others: Vec<&LaneReport> =
        review.reports.iter().filter(|report| !raisers.contains(&&report.lane)).collect();
    let read: Vec<&LaneName> =
        others.iter().filter(|report| lanes::read(review, report, path)).map(|report| &report.lane).collect();
    let asked = |report: &&&LaneReport| {
        let questions =
            report.passes.iter().filter(|pass| pass.purpose == Purpose::Challenge && pass.end.is_done());
        let mut targets = questions.flat_map(|pass| &pass.targets);
        targets.any(|target| issue.members.iter().any(|member| member.key() == target.finding))
    };
    let silent: Vec<&LaneName> = others.iter().filter(asked).map(|report| &report.lane).collect();
    if !silent.is_empty() {
        return format!("{} did not answer when asked about it", words::lanes(silent));
    }
    match (others.is_empty(), read.is_empty()) {
        (true, _) => "no other reviewer was asked".to_owned(),
        (false, true) => "no other reviewer was asked about this file".to_owned(),
        (false, false) => format!("{} read the same and did not raise it", words::lanes(read)),
    }
}

/// Why nobody else looked at an issue.
fn unchecked(review: &Review, issue: &Issue) -> String {
    let why = match lanes::silent(review, issue, Purpose::Challenge) {
        Some((lane, why)) => format!("{lane} could not check it ({why})"),
        None => lanes::missing_in_short(&review.reports),
    };
    format!("unchecked, because {why}")
}
