//! The findings by class: what to fix, what to decide, what one reviewer says, what was withdrawn.

use crate::domain::debate::FindingKey;
use crate::domain::diff::Diff;
use crate::domain::finding::{Anchor, Class, Placement, Unanchored, Verdict};
use crate::domain::reconcile::Issue;
use crate::domain::render::sides::{self, Act, Reader};
use crate::domain::render::{inline, outside, place, provenance, safe, words};
use crate::domain::review::{Listed, Review, Shown};

/// The longest claim or answer in a list, in characters.
const MAX_SAID: usize = 300;

/// The longest note behind a title, in characters.
const MAX_NOTE: usize = 240;

fn of_class(review: &Review, class: Class) -> impl Iterator<Item = &Listed> {
    review.listed.iter().filter(move |listed| listed.issue.verdict.class() == class)
}

/// What both say: raised by both, or raised by one and confirmed by another.
pub(super) fn fix(review: &Review) -> Option<String> {
    let both: Vec<&Listed> = of_class(review, Class::Both).collect();
    let independently = both.iter().all(|listed| listed.issue.verdict == Verdict::Agreed);
    let heading = if independently { "found by both, independently" } else { "found by both" };
    Some(format!("#### Fix: {heading}\n{}", table(review, &both)?))
}

fn table(review: &Review, listed: &[&Listed]) -> Option<String> {
    let row = |listed: &&Listed| {
        let issue = &listed.issue;
        let what = words::voice(issue).map(inline::title).unwrap_or_default();
        let note = provenance::note(review, issue);
        let note =
            if note.is_empty() { note } else { format!(" <sub>{}</sub>", safe::inline(&note, MAX_NOTE)) };
        let outside = outside::markdown(issue).map(|line| format!(" · {line}")).unwrap_or_default();
        format!(
            "| {} | {} | {what}{outside}{note} |",
            severity(review, issue, ", blocks"),
            place::of(review, listed)
        )
    };
    let rows: Vec<String> = listed.iter().map(row).collect();
    (!rows.is_empty()).then(|| format!("| | where | what goes wrong |\n|---|---|---|\n{}", rows.join("\n")))
}

/// The severity, and whether the check fails for it.
fn severity(review: &Review, issue: &Issue, blocks: &str) -> String {
    format!("{}{}", inline::severity(issue), if provenance::blocks(review, issue) { blocks } else { "" })
}

/// The disagreements: what each side says and rests on, and what would settle it.
pub(super) fn decide(review: &Review) -> Option<String> {
    let parts: Vec<String> =
        of_class(review, Class::Contested).filter_map(|listed| disagreement(review, listed)).collect();
    (!parts.is_empty()).then(|| format!("#### Decide: the reviewers differ\n{}", parts.join("\n\n")))
}

fn disagreement(review: &Review, listed: &Listed) -> Option<String> {
    let issue = &listed.issue;
    let main = words::voice(issue)?;
    let head = format!(
        "**{} {}** · {} · {}{}",
        place::of(review, listed),
        inline::title(main),
        inline::severity(issue),
        issue.verdict,
        if provenance::blocks(review, issue) { " · blocks" } else { "" },
    );
    let finding = &main.finding;
    let says = if finding.body.trim().is_empty() { &finding.failure_scenario } else { &finding.body };
    let claim = format!("**{}:** {}", main.lane, safe::inline(says, MAX_SAID));
    let turns = sides::turns(review, issue);
    let turns = turns.iter().map(|turn| turn.item(review, main, MAX_SAID));
    let outside = outside::markdown(issue);
    let settle =
        sides::question(review, issue, Reader::GitHub).map(|question| format!("**Settle it:** {question}"));
    let items: Vec<String> = [head, claim].into_iter().chain(turns).chain(outside).chain(settle).collect();
    Some(items.join("\n- "))
}

/// What one reviewer says, as far as nobody should have to unfold it: all of it when there is nothing else to read,
/// else what makes the check fail. The rest stands inline where it is severe, and folded below.
pub(super) fn from_one(review: &Review) -> Option<String> {
    let open: Vec<&Listed> = of_class(review, Class::One).filter(|listed| is_open(review, listed)).collect();
    Some(format!("#### From one reviewer\n{}", table(review, &open)?))
}

fn is_open(review: &Review, listed: &Listed) -> bool {
    let tally = review.tally();
    let alone = tally.both() + tally.contested() == 0;
    alone && !listed.issue.pre_existing || provenance::blocks(review, &listed.issue)
}

/// What nobody needs to read before merging: the rest of what one reviewer says, pairs that are possibly the same, and
/// what was withdrawn.
pub(super) fn folded(review: &Review) -> Option<String> {
    let all_of_one = of_class(review, Class::One).count();
    let one: Vec<&Listed> = of_class(review, Class::One).filter(|listed| !is_open(review, listed)).collect();
    let more = if one.len() < all_of_one { " more" } else { "" };
    let withdrawn: Vec<String> =
        of_class(review, Class::Nobody).filter_map(|listed| withdrawal(review, listed)).collect();
    let pairs = possibly_the_same(review);
    let mut counts = Vec::new();
    let mut parts = Vec::new();
    if let Some(table) = table(review, &one) {
        counts.push(format!("{}{more} from one reviewer only", one.len()));
        parts.push(table);
    }
    if !pairs.is_empty() {
        counts.push(format!("{} possibly the same", words::count(pairs.len(), "pair")));
        parts.push(format!("**Possibly the same**\n- {}", pairs.join("\n- ")));
    }
    if !withdrawn.is_empty() {
        counts.push(format!("{} withdrawn", withdrawn.len()));
        parts.push(format!("**Withdrawn**\n- {}", withdrawn.join("\n- ")));
    }
    (!parts.is_empty()).then(|| {
        format!("<details><summary>{}</summary>\n\n{}\n\n</details>", counts.join(", "), parts.join("\n\n"))
    })
}

/// Who raised it, who refuted it with which code, and that nobody stands by it.
fn withdrawal(review: &Review, listed: &Listed) -> Option<String> {
    let issue = &listed.issue;
    let main = words::voice(issue)?;
    let head = format!("{} {} · {}", place::of(review, listed), inline::title(main), issue.severity);
    let told = |act: &Act| matches!(act, Act::Objects | Act::Withdraws | Act::ShowsNothing);
    let turns = sides::turns(review, issue);
    let turns = turns.iter().filter(|turn| told(&turn.act)).map(|turn| turn.item(review, main, MAX_SAID));
    let raised = format!("Raised by {}.", words::lanes(issue.raised_by()));
    let items: Vec<String> = [head, raised].into_iter().chain(turns).collect();
    Some(items.join("\n  - "))
}

/// Findings of different issues that are alike, each pair once.
fn possibly_the_same(review: &Review) -> Vec<String> {
    let holder = |key: &FindingKey| {
        review.listed.iter().position(|listed| listed.issue.members.iter().any(|member| member.key() == *key))
    };
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (here, listed) in review.listed.iter().enumerate() {
        for other in &listed.issue.possibly {
            let key = FindingKey { lane: other.lane.clone(), id: other.id.clone() };
            let Some(there) = holder(&key).filter(|there| *there != here) else { continue };
            let pair = (here.min(there), here.max(there));
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    let name = |at: usize| {
        let listed = review.listed.get(at)?;
        let main = words::voice(&listed.issue)?;
        let lanes = words::lanes(listed.issue.raised_by());
        Some(format!("{} {} ({lanes})", place::of(review, listed), inline::title(main)))
    };
    pairs.into_iter().filter_map(|(a, b)| Some(format!("{} and {}", name(a)?, name(b)?))).collect()
}

/// What stands in no inline comment, in full, folded.
pub(super) fn details(review: &Review, room: usize) -> Option<String> {
    let mut used = 0;
    let mut left_out = 0;
    let mut texts = Vec::new();
    let standing = review.listed.iter().filter(|listed| listed.issue.verdict.class() != Class::Nobody);
    for listed in standing.filter(|listed| !matches!(listed.shown, Shown::Inline { .. })) {
        let issue = &listed.issue;
        let text = format!(
            "{} {}\n\n<sub>{}{}</sub>",
            place::of(review, listed),
            inline::issue(review, issue, None),
            safe::inline(&provenance::standing(review, issue), MAX_NOTE * 2),
            why_not_inline(issue, &review.snapshot.diff)
        );
        used += text.chars().count() + 8;
        if used > room {
            left_out += 1;
        } else {
            texts.push(text);
        }
    }
    let number = words::count(texts.len(), "finding");
    if left_out > 0 {
        texts.push(format!("{left_out} more in the record."));
    }
    (!texts.is_empty()).then(|| {
        format!(
            "<details><summary>{number} without an inline comment, in full</summary>\n\n{}\n\n</details>",
            texts.join("\n\n---\n\n")
        )
    })
}

/// Why a finding has no place on a line, when that is the reason.
fn why_not_inline(issue: &Issue, diff: &Diff) -> &'static str {
    let mut places = issue.members.iter().filter_map(|member| member.placement.anchor()).peekable();
    let anchored = places.peek().is_some();
    let shown = |place: &Anchor| diff.file(&place.path).is_none_or(|file| file.commentable);
    if anchored && !places.any(shown) {
        return " · GitHub does not show these lines, so they take no comment";
    }
    match issue.members.first().map(|member| &member.placement) {
        Some(Placement::Unanchored { why }) if !anchored => match why {
            Unanchored::NoPath => " · names no file",
            Unanchored::FileNotInDiff => " · the file is not part of this pull request",
            Unanchored::NoHunks => " · the file has no changed lines to comment on",
            Unanchored::NoQuote => " · quotes no code, so no line is proven",
            Unanchored::QuoteNotFound => " · the quoted code does not stand in the diff",
            Unanchored::Unchanged => " · the quoted code is not part of the change",
            Unanchored::QuoteTooShort => " · the quoted code is too short to prove a line",
        },
        _ => "",
    }
}
