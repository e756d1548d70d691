//! How lanes ended and what is missing for it, in words.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{count, lanes, list, sentence};
use crate::domain::budget::{PRICES_DATE, PriceBasis};
use crate::domain::debate::{FindingKey, Purpose};
use crate::domain::finding::Verdict;
use crate::domain::lane::Provider;
use crate::domain::pass::{End, Fallback, LaneReport, PassReport};
use crate::domain::reconcile::{Defended, Issue};
use crate::domain::review::Review;
use crate::domain::units::{LaneName, clock_time};

/// How something ended that was not done, in a few words; empty when it was. It may hold a provider's words: untrusted.
fn why(end: &End) -> String {
    match end {
        End::Done => String::new(),
        End::Refused { category: Some(category) } => format!("the model refused: {category}"),
        End::Refused { category: None } => "the model refused".to_owned(),
        End::Truncated => "its answer was cut at the output limit".to_owned(),
        End::Invalid { why } | End::Unavailable { why } | End::Fatal { why, .. } => {
            why.trim_end_matches('.').to_owned()
        }
        End::Limited => "rate limit".to_owned(),
        End::TimedOut => "out of time".to_owned(),
        End::Cancelled => "cancelled".to_owned(),
        End::NoKey => "no key".to_owned(),
        End::Unpaid => "the budget does not hold it".to_owned(),
    }
}

/// Why a pass was not done, and how often it was tried. Untrusted too.
fn why_not(pass: &PassReport) -> String {
    let tries = match pass.attempts.saturating_sub(pass.turns) {
        tries @ 2.. => format!(", {tries} tries"),
        _ => String::new(),
    };
    format!("{}{tries}", why(&pass.end))
}

/// Why a lane did not read all that it was to read; `None` when it did. Untrusted too.
fn why_unread(report: &LaneReport) -> Option<String> {
    let end = reading_end(report);
    let why = why(end);
    match end {
        End::Done => None,
        End::Cancelled | End::Fatal { .. } | End::NoKey | End::Unpaid => Some(why),
        _ => {
            let tries = match (report.passes.len(), report.tries()) {
                (0 | 1, tries @ 2..) => format!(", {tries} tries"),
                _ => String::new(),
            };
            Some(format!("{why}{tries}, {}", clock_time(report.elapsed)))
        }
    }
}

/// The passes in which a lane looked for defects and was not only asked about findings.
fn readings(report: &LaneReport) -> impl Iterator<Item = &PassReport> {
    report.passes.iter().filter(|pass| pass.purpose == Purpose::Review || pass.targets.is_empty())
}

/// How a lane's reading ended. A lane that was only asked about findings missed nothing.
fn reading_end(report: &LaneReport) -> &End {
    let missing = readings(report).map(|pass| &pass.end).find(|end| !end.is_done());
    missing.unwrap_or(if report.passes.is_empty() { &report.end } else { &End::Done })
}

/// Whether a lane read all that it was to read, whatever it was asked afterwards.
#[must_use]
pub fn has_read(report: &LaneReport) -> bool {
    report.end.is_done() || (readings(report).next().is_some() && reading_end(report).is_done())
}

/// That another model answered than the one configured, and why; `None` where none did. Untrusted too.
#[must_use]
pub fn fallback(report: &LaneReport) -> Option<String> {
    let Fallback { model, because } = report.fallback()?;
    Some(format!(
        "{}'s fallback {model} was asked instead of {} ({}).",
        report.lane,
        report.model,
        why(because)
    ))
}

/// Where the prices come from: `List prices of 2026-11-22, and configured ones for Codex.`
#[must_use]
pub fn price_basis(reports: &[LaneReport]) -> String {
    let of = |wanted: PriceBasis| {
        let has = |report: &&LaneReport| report.passes.iter().any(|pass| pass.price_basis == wanted);
        reports.iter().filter(has).map(|report| &report.lane).collect::<Vec<_>>()
    };
    let mut parts = vec![format!("List prices of {PRICES_DATE}")];
    for (basis, what) in [
        (PriceBasis::Configured, "configured ones for"),
        (PriceBasis::Free, "none for"),
        (PriceBasis::Ceiling, "the configured ceiling of a call for"),
    ] {
        let names = of(basis);
        if !names.is_empty() {
            parts.push(format!("{what} {}", lanes(names.into_iter())));
        }
    }
    format!("{}.", parts.join(", "))
}

/// What a person can do about a lane that ended so; empty when there is nothing to do. Untrusted too.
fn advice(report: &LaneReport, end: &End) -> String {
    match end {
        End::Fatal { advice, .. } => sentence(advice),
        End::NoKey => match report.provider {
            Provider::Github => {
                "Leave the input `github-token` at its default, or set GITHUB_TOKEN.".to_owned()
            }
            _ => format!("Set {} from a repository secret to hear both.", report.key),
        },
        End::Unpaid => "Raise `max-cost-usd` (or `per_pr_usd` in the configuration) to hear both.".to_owned(),
        End::TimedOut => "Raise `max-minutes` to give it longer.".to_owned(),
        End::Truncated => "Split the pull request, or lower the lane's effort.".to_owned(),
        End::Limited | End::Unavailable { .. } => "Run it again later.".to_owned(),
        End::Refused { .. } if report.fallback().is_none() => {
            "Name a `fallback` model for the lane: it is asked where this one refuses.".to_owned()
        }
        End::Invalid { .. } if report.fallback().is_none() => {
            "Choose a model that keeps to a form, or name a `fallback` for the lane.".to_owned()
        }
        _ => String::new(),
    }
}

/// What lanes did not read, check or answer, why, and what a person can do: one sentence or two for each way in which
/// something is missing. Untrusted too.
#[must_use]
pub fn missing(review: &Review) -> Vec<String> {
    let reports = &review.reports;
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    if let Some(missing) = missing_lanes(reports) {
        told.push((missing, reports.iter().map(|report| advice(report, reading_end(report))).collect()));
    }
    for report in reports {
        for purpose in [Purpose::Challenge, Purpose::Defend] {
            let failed: Vec<&PassReport> = unanswered(report, purpose).collect();
            let Some(first) = failed.first() else { continue };
            let about: Vec<&FindingKey> =
                failed.iter().flat_map(|pass| &pass.targets).map(|target| &target.finding).collect();
            let what = unheard(review, report, purpose, &about, &why_not(first));
            told.push((what, vec![advice(report, &first.end)]));
        }
    }
    // The same advice once, behind the first that calls for it.
    let mut given: Vec<String> = Vec::new();
    let tell = |(what, advice): (String, Vec<String>)| {
        let mut sentences = vec![what];
        for advice in advice {
            if !advice.is_empty() && !given.contains(&advice) {
                given.push(advice.clone());
                sentences.push(advice);
            }
        }
        sentences.join(" ")
    };
    told.into_iter().map(tell).collect()
}

/// The passes about findings that a lane did not answer.
fn unanswered(report: &LaneReport, purpose: Purpose) -> impl Iterator<Item = &PassReport> {
    let failed =
        move |pass: &&PassReport| pass.purpose == purpose && !pass.targets.is_empty() && !pass.end.is_done();
    report.passes.iter().filter(failed)
}

/// `Codex could not check what Claude found (rate limit, 3 tries): 2 findings are unchecked.`
fn unheard(
    review: &Review,
    report: &LaneReport,
    purpose: Purpose,
    about: &[&FindingKey],
    why: &str,
) -> String {
    let open = |wanted: fn(&Issue) -> bool| {
        let issues = review.listed.iter().map(|listed| &listed.issue);
        issues.filter(|issue| wanted(issue) && is_about(issue, about)).count()
    };
    let lane = &report.lane;
    let (what, rest) = if purpose == Purpose::Challenge {
        let mut raisers: Vec<&LaneName> = about.iter().map(|key| &key.lane).collect();
        raisers.sort();
        raisers.dedup();
        let left = open(|issue| issue.verdict == Verdict::Unchecked);
        let are = if left == 1 { "is" } else { "are" };
        let rest = (left > 0).then(|| format!("{} {are} unchecked", count(left, "finding")));
        let found = format!("what {} found", lanes(raisers));
        // Who goes second reads it for the first time.
        let what = match readings(report).next() {
            Some(_) => format!("{lane} could not check {found}"),
            None => format!("{lane} could neither check {found} nor add to it"),
        };
        (what, rest)
    } else {
        let left =
            open(|issue| issue.verdict == Verdict::Disputed && issue.defended == Some(Defended::NotHeard));
        let stay = if left == 1 { "stays" } else { "stay" };
        let rest = (left > 0).then(|| format!("{} {stay} disputed", count(left, "finding")));
        (format!("{lane} could not answer the objections to what it found"), rest)
    };
    format!("{what} ({why}){}.", rest.map(|rest| format!(": {rest}")).unwrap_or_default())
}

fn is_about(issue: &Issue, keys: &[&FindingKey]) -> bool {
    issue.members.iter().any(|member| keys.contains(&&member.key()))
}

/// Who was asked about an issue and could not answer, and why: a lane that was to check it, or one of those that
/// raised it and were to answer an objection. Untrusted too.
#[must_use]
pub fn silent<'a>(review: &'a Review, issue: &Issue, purpose: Purpose) -> Option<(&'a LaneName, String)> {
    let keys: Vec<FindingKey> = issue.members.iter().map(crate::domain::finding::Raised::key).collect();
    review.reports.iter().find_map(|report| {
        let mut failed = unanswered(report, purpose);
        let about = |pass: &&PassReport| pass.targets.iter().any(|target| keys.contains(&target.finding));
        failed.find(about).map(|pass| (&report.lane, why_not(pass)))
    })
}

/// Whether a lane looked for defects in a file and was heard.
#[must_use]
pub fn read(review: &Review, report: &LaneReport, path: &str) -> bool {
    let batches = review.plan.batches.iter().enumerate();
    let mut holding = batches
        .filter(|(_, batch)| batch.files.iter().any(|file| file.path == path))
        .map(|(at, _)| at)
        .peekable();
    let mut heard =
        report.passes.iter().filter(|pass| pass.end.is_done() && pass.purpose != Purpose::Defend).peekable();
    if holding.peek().is_none() {
        return heard.peek().is_some();
    }
    let heard: Vec<Option<usize>> = heard.map(|pass| pass.batch).collect();
    holding.all(|at| heard.contains(&Some(at)))
}

/// `Codex did not finish (rate limit, 3 tries, 0:41): this is one reviewer's view.`; `None` when all did.
fn missing_lanes(reports: &[LaneReport]) -> Option<String> {
    let missing = absences(reports, |report| why_unread(report).map(|why| format!(" ({why})")));
    let answered = reports.iter().filter(|report| report.answered() > 0).count();
    let view = if answered == 1 { ": this is one reviewer's view." } else { "." };
    (!missing.is_empty()).then(|| format!("{missing}{view}"))
}

/// `Codex did not finish`, for a place that has no room for the reasons; a lane that did and answered in brief did not
/// look at everything either.
#[must_use]
pub fn missing_in_short(reports: &[LaneReport]) -> String {
    let missing = absences(reports, |report| (!reading_end(report).is_done()).then(String::new));
    let is_brief =
        |report: &&LaneReport| reading_end(report).is_done() && report.passes.iter().any(|pass| pass.brief);
    let brief = lanes(reports.iter().filter(is_brief).map(|report| &report.lane));
    let brief = (!brief.is_empty()).then(|| format!("{brief} named only what is most severe"));
    list(&Some(missing).filter(|missing| !missing.is_empty()).into_iter().chain(brief).collect::<Vec<_>>())
}

/// Which lanes are missing; those that are missing in the same words share one clause.
fn absences(reports: &[LaneReport], why: impl Fn(&LaneReport) -> Option<String>) -> String {
    let mut groups: Vec<(String, String, Vec<&LaneName>)> = Vec::new();
    for report in reports {
        let Some(why) = why(report) else { continue };
        let (answered, parts) =
            (readings(report).filter(|pass| pass.end.is_done()).count(), readings(report).count());
        let how = match (answered, readings(report).map(|pass| pass.attempts).sum()) {
            (0, 0_u32) => "not asked".to_owned(),
            (0, _) => "did not finish".to_owned(),
            _ => format!("finished {answered} of {}", count(parts, "part")),
        };
        match groups.iter_mut().find(|(same, words, _)| *same == how && *words == why) {
            Some((_, _, names)) => names.push(&report.lane),
            None => groups.push((how, why, vec![&report.lane])),
        }
    }
    let clauses = groups.into_iter().map(|(how, why, names)| {
        let verb = match (how.as_str(), names.len()) {
            ("not asked", 1) => "was ",
            ("not asked", _) => "were ",
            _ => "",
        };
        format!("{} {verb}{how}{why}", lanes(names))
    });
    list(&clauses.collect::<Vec<_>>())
}

/// What a lane did and how that ended, in the few words that a table has room for: `review, challenge, answer`.
#[must_use]
pub fn passes(report: &LaneReport) -> String {
    let kinds = [(Purpose::Review, "review"), (Purpose::Challenge, "challenge"), (Purpose::Defend, "answer")];
    let mut done: Vec<String> = kinds
        .iter()
        .filter_map(|(purpose, word)| {
            let passes = report.passes.iter().filter(|pass| pass.purpose == *purpose);
            let passes: Vec<&PassReport> = passes.collect();
            (!passes.is_empty()).then(|| kind(word, &passes))
        })
        .collect();
    if done.is_empty() {
        done.push(end(&report.end).to_owned());
    }
    let (parts, requests) = (report.passes.len(), report.attempts() as usize);
    if requests > parts {
        done.push(format!("{requests} requests"));
    }
    if report.lookups() > 0 {
        done.push(count(report.lookups(), "lookup"));
    }
    done.join(", ")
}

/// Passes of one purpose. That a lane was to review goes without saying, also where it did not.
fn kind(word: &str, passes: &[&PassReport]) -> String {
    let batches: BTreeSet<Option<usize>> = passes.iter().map(|pass| pass.batch).collect();
    let failed: BTreeMap<Option<usize>, &End> =
        passes.iter().filter(|pass| !pass.end.is_done()).map(|pass| (pass.batch, &pass.end)).collect();
    let (parts, answered) = (batches.len(), batches.len() - failed.len());
    let ended = failed.values().next().map_or("", |ended| end(ended));
    match (answered, word) {
        (1, _) if parts == 1 => word.to_owned(),
        _ if answered == parts => format!("{word} of {parts} parts"),
        (0, "review") => ended.to_owned(),
        (0, _) => format!("{word}: {ended}"),
        (_, "review") => format!("{answered} of {parts} parts, then {ended}"),
        _ => format!("{word} of {answered} of {parts} parts, then {ended}"),
    }
}

const fn end(end: &End) -> &'static str {
    match end {
        End::Done => "nothing",
        End::Refused { .. } => "refused",
        End::Truncated => "cut at the output limit",
        End::Invalid { .. } => "no readable answer",
        End::Limited => "rate limit",
        End::Unavailable { .. } => "not available",
        End::TimedOut => "out of time",
        End::Cancelled => "cancelled",
        End::Fatal { .. } => "could not be asked",
        End::NoKey => "no key",
        End::Unpaid => "not paid for",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::lane::Lane;

    #[test]
    fn a_lane_that_answered_in_brief_is_told_where_a_finding_is_unchecked() {
        let report = |name: &str, brief: bool, end: End| {
            let lane = Lane::new(name, Provider::Openai, "m");
            let pass = PassReport { brief, attempts: 1, ..PassReport::unasked(&lane, Some(0), end) };
            LaneReport::new(&lane, vec![pass], Duration::ZERO)
        };
        let (whole, brief) = (report("claude", false, End::Done), report("codex", true, End::Done));
        let failed = report("local", false, End::Limited);
        let told = missing_in_short(&[whole.clone(), brief.clone(), failed]);
        assert_eq!(told, "Local did not finish and Codex named only what is most severe");
        assert_eq!(missing_in_short(&[brief]), "Codex named only what is most severe");
        assert_eq!(missing_in_short(&[whole]), "");
    }
}
