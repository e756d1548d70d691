//! Small sentences: numbers, times, lanes and how they ended.

use std::time::Duration;

use crate::domain::budget::{PRICES_DATE, PriceBasis};
use crate::domain::finding::Raised;
use crate::domain::lane::Provider;
use crate::domain::pass::{End, Fallback, LaneReport};
use crate::domain::reconcile::contradiction::Why;
use crate::domain::reconcile::{Against, Issue};
use crate::domain::units::{LaneName, clock_time};

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

/// Why a lane did not finish, in a few words; `None` when it did. It may hold a provider's words: untrusted.
#[must_use]
pub fn why_not(report: &LaneReport) -> Option<String> {
    let asked = |why: &str| {
        let tries = match (report.passes.len(), report.tries()) {
            (0 | 1, tries @ 2..) => format!(", {tries} tries"),
            _ => String::new(),
        };
        format!("{}{tries}, {}", why.trim_end_matches('.'), clock_time(report.elapsed))
    };
    Some(match &report.end {
        End::Done => return None,
        End::Refused { category: Some(category) } => asked(&format!("the model refused: {category}")),
        End::Refused { category: None } => asked("the model refused"),
        End::Truncated => asked("its answer was cut at the output limit"),
        End::Invalid { why } => asked(why),
        End::Limited => asked("rate limit"),
        End::Unavailable { why } => asked(why),
        End::TimedOut => asked("out of time"),
        End::Cancelled => "cancelled".to_owned(),
        End::Fatal { why, .. } => why.trim_end_matches('.').to_owned(),
        End::NoKey => "no key".to_owned(),
        End::Unpaid => "the budget does not hold it".to_owned(),
    })
}

/// That another model answered than the one configured, and why; `None` where none did. Untrusted too.
#[must_use]
pub fn fallback(report: &LaneReport) -> Option<String> {
    let Fallback { model, because } = report.fallback()?;
    let why = match because {
        End::Refused { category: Some(category) } => format!("refused: {category}"),
        End::Refused { category: None } => "refused".to_owned(),
        End::Limited => "rate limit".to_owned(),
        End::Unavailable { why } | End::Fatal { why, .. } | End::Invalid { why } => {
            why.trim_end_matches('.').to_owned()
        }
        End::Truncated => "its answer was cut twice".to_owned(),
        _ => "did not finish".to_owned(),
    };
    Some(format!("{}'s fallback {model} was asked instead of {} ({why}).", report.lane, report.model))
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

/// What a person can do about a lane that did not finish; empty when there is nothing to do. Untrusted too.
#[must_use]
pub fn advice(report: &LaneReport) -> String {
    match &report.end {
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

/// `Codex did not finish (rate limit, 3 tries, 0:41): this is one reviewer's view.`; `None` when all did.
#[must_use]
pub fn missing_lanes(reports: &[LaneReport]) -> Option<String> {
    let missing = absences(reports, |report| why_not(report).map(|why| format!(" ({why})")));
    let answered = reports.iter().filter(|report| report.answered() > 0).count();
    let view = if answered == 1 { ": this is one reviewer's view." } else { "." };
    (!missing.is_empty()).then(|| format!("{missing}{view}"))
}

/// `Codex did not finish`, for a place that has no room for the reasons; a lane that did and answered in brief did not
/// look at everything either.
#[must_use]
pub fn missing_lanes_in_short(reports: &[LaneReport]) -> String {
    let missing = absences(reports, |report| (!report.end.is_done()).then(String::new));
    let is_brief = |report: &&LaneReport| report.end.is_done() && report.passes.iter().any(|pass| pass.brief);
    let brief = lanes(reports.iter().filter(is_brief).map(|report| &report.lane));
    let brief = (!brief.is_empty()).then(|| format!("{brief} named only what is most severe"));
    list(&Some(missing).filter(|missing| !missing.is_empty()).into_iter().chain(brief).collect::<Vec<_>>())
}

/// Which lanes are missing; those that are missing in the same words share one clause.
fn absences(reports: &[LaneReport], why: impl Fn(&LaneReport) -> Option<String>) -> String {
    let mut groups: Vec<(String, String, Vec<&LaneName>)> = Vec::new();
    for report in reports {
        let Some(why) = why(report) else { continue };
        let how = match (report.answered(), report.attempts()) {
            (0, 0) => "not asked".to_owned(),
            (0, _) => "did not finish".to_owned(),
            (answered, _) => format!("finished {answered} of {}", count(report.passes.len(), "part")),
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

/// How a lane ended, in the few words that a table has room for.
#[must_use]
pub fn end(report: &LaneReport) -> String {
    let word = match &report.end {
        End::Done => "review",
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
    };
    let (parts, requests) = (report.passes.len(), report.attempts() as usize);
    let mut requests = if requests > parts { format!(", {requests} requests") } else { String::new() };
    if report.lookups() > 0 {
        requests.push_str(&format!(", {}", count(report.lookups(), "lookup")));
    }
    match report.answered() {
        answered if parts > 1 && answered == parts => format!("{word} of {parts} parts{requests}"),
        answered @ 1.. if answered < parts => format!("{answered} of {parts} parts, then {word}{requests}"),
        _ => format!("{word}{requests}"),
    }
}

/// The finding that speaks for an issue: the claim that is opposed, else the most severe.
#[must_use]
pub fn voice(issue: &Issue) -> Option<&Raised> {
    let opposed =
        issue.contradiction.as_ref().and_then(|contradiction| issue.members.get(contradiction.claim));
    opposed.or_else(|| issue.lead()).or_else(|| issue.members.first())
}

/// Who speaks against an issue, and how.
#[derive(Clone, Copy, Debug)]
pub struct Opponent<'a> {
    /// The lane.
    pub lane: &'a LaneName,
    /// Its words: untrusted.
    pub says: &'a str,
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
        Against::Clearance(cleared) => {
            Opponent { lane: &cleared.lane, says: &cleared.clearance.reason, cleared: true, why }
        }
        Against::Member { index } => {
            let raised = issue.members.get(*index)?;
            let finding = &raised.finding;
            let says = if finding.body.trim().is_empty() { &finding.title } else { &finding.body };
            Opponent { lane: &raised.lane, says, cleared: false, why }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lane::{Lane, Provider};
    use crate::domain::pass::PassReport;

    #[test]
    fn numbers_and_lists_read_as_people_write_them() {
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
        assert_eq!(duration(Duration::from_secs(161)), "2 min 41 s");
        assert_eq!(duration(Duration::from_millis(3)), "1 s");
        assert_eq!(lanes([&LaneName::new("claude"), &LaneName::new("codex")]), "Claude and Codex");
        assert_eq!(sentence("check the key"), "Check the key.");
    }

    #[test]
    fn a_lane_that_answered_in_brief_is_told_where_a_finding_is_unchecked() {
        let report = |name: &str, brief: bool, end: End| {
            let lane = Lane::new(name, Provider::Openai, "m");
            let pass = PassReport { brief, attempts: 1, ..PassReport::unasked(&lane, Some(0), end) };
            LaneReport::new(&lane, vec![pass], Duration::ZERO)
        };
        let (whole, brief) = (report("claude", false, End::Done), report("codex", true, End::Done));
        let failed = report("local", false, End::Limited);
        let told = missing_lanes_in_short(&[whole.clone(), brief.clone(), failed]);
        assert_eq!(told, "Local did not finish and Codex named only what is most severe");
        assert_eq!(missing_lanes_in_short(&[brief]), "Codex named only what is most severe");
        assert_eq!(missing_lanes_in_short(&[whole]), "");
    }
}
