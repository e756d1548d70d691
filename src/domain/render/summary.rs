//! The one summary comment: what to fix, what to decide, one line of cost, the rest folded.

use super::{MAX_BODY, inline, safe, words};
use crate::domain::diff::Diff;
use crate::domain::finding::{Anchor, Placement, Side, Unanchored, Verdict};
use crate::domain::marker::{self, SummaryMarker};
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::plan::LeftOut;
use crate::domain::reconcile::Issue;
use crate::domain::review::{Listed, Review, Shown};
use crate::domain::units::clock_time;

/// The longest path that is shown whole, in characters.
const MAX_PATH: usize = 200;

/// The longest warning that is shown whole, in characters.
pub const MAX_WARNING: usize = 700;

/// The summary comment, ending in its marker.
#[must_use]
pub fn comment(review: &Review) -> String {
    let marker = memory(review).map(|memory| marker::write(&memory)).unwrap_or_default();
    let room = MAX_BODY.saturating_sub(marker.chars().count() + 2);
    format!("{}\n\n{marker}", markdown(review, room))
}

/// What the summary and the check remember of this run; nothing for a local diff.
#[must_use]
pub fn memory(review: &Review) -> Option<SummaryMarker> {
    Some(SummaryMarker {
        head: review.snapshot.head.clone()?,
        config: review.settings.fingerprint.clone(),
        outcome: review.outcome().0,
        tally: review.tally(),
        inline: review.inline_comments(),
        spent: review.spent(),
        no_check: review.standing.no_check,
    })
}

/// The summary as Markdown of at most `room` characters.
#[must_use]
pub fn markdown(review: &Review, room: usize) -> String {
    let mut parts = vec![format!("### Counterpoint: {}", headline(review)), opening(review)];
    parts.extend(warnings(review).iter().map(|warning| safe::inline(warning, MAX_WARNING)));
    parts.extend(fix(review));
    parts.extend(decide(review));
    parts.extend(not_read(review));
    parts.extend(one_reviewer(review));
    parts.extend(left_out(review));
    let tail = [cost(review), footer(review)];
    let used: usize = parts.iter().chain(&tail).map(|part| part.chars().count() + 2).sum();
    parts.extend(details(review, room.saturating_sub(used + 200)));
    parts.extend(tail);
    let text = parts.join("\n\n");
    match text.char_indices().nth(room) {
        // Hundreds of findings: the end gives way, never the marker that follows.
        Some((end, _)) => {
            let most = text.floor_char_boundary(end.saturating_sub(80));
            let whole_lines = text.get(..most).and_then(|text| text.rsplit_once('\n'));
            format!(
                "{}\n\n… and more than fits here: the record holds all of it.",
                whole_lines.map_or("", |(text, _)| text)
            )
        }
        None => text,
    }
}

/// `3 to fix, 2 for you to decide`.
#[must_use]
pub fn headline(review: &Review) -> String {
    let tally = review.tally();
    let one = tally.solo + tally.unchecked;
    let mut parts = Vec::new();
    if tally.agreed > 0 {
        parts.push(format!("{} to fix", tally.agreed));
    }
    if tally.contradictions > 0 {
        parts.push(format!("{} for you to decide", tally.contradictions));
    }
    if one > 0 {
        parts.push(format!("{one} from one reviewer"));
    }
    match (review.outcome(), parts.is_empty()) {
        ((_, Reason::Cancelled), true) => "cancelled".to_owned(),
        ((_, Reason::Cancelled), false) => format!("cancelled, {} so far", parts.join(", ")),
        ((Outcome::Failed, _), true) => "not reviewed".to_owned(),
        ((Outcome::Reviewed, _), true) => "nothing found".to_owned(),
        (_, true) => "nothing found in what was reviewed".to_owned(),
        (_, false) => parts.join(", "),
    }
}

/// Who finished on what, how much was read, time and money.
fn opening(review: &Review) -> String {
    let finished: Vec<_> =
        review.reports.iter().filter(|report| report.end.is_done()).map(|report| &report.lane).collect();
    let commit =
        review.snapshot.head.as_ref().map(|head| format!(" on `{}`", head.short())).unwrap_or_default();
    let who = match finished.as_slice() {
        [] if review.is_answered() => format!("No reviewer read everything{commit}."),
        [] => format!("No reviewer finished{commit}, so nothing was reviewed."),
        [one] => format!("{one} finished{commit}."),
        two @ [_, _] => format!("{} both finished{commit}.", words::lanes(two.iter().copied())),
        more => format!("{} finished{commit}.", words::lanes(more.iter().copied())),
    };
    let coverage = &review.coverage;
    let lines = |lines: u64| words::count(usize::try_from(lines).unwrap_or(usize::MAX), "changed line");
    let files = if !review.is_answered() {
        String::new()
    } else if coverage.is_whole() {
        format!("{}, {} read · ", words::count(coverage.read.len(), "file"), lines(coverage.lines_read))
    } else {
        let (read, due) = (coverage.read.len(), coverage.due());
        // Of files without lines nobody knows how many there are.
        let of = if coverage.lines_read < coverage.lines_due {
            format!("{} of {}", coverage.lines_read, lines(coverage.lines_due))
        } else {
            lines(coverage.lines_read)
        };
        format!("{read} of {due} files, {of} read · ")
    };
    let unknown = if review.ledger.has_unknown() { " at most" } else { "" };
    format!(
        "{who} {files}{} · **{}{unknown} of {}**",
        words::duration(review.elapsed),
        review.cost(),
        review.ledger.cap()
    )
}

/// What a reader must know before believing the rest: one line each, holding untrusted words.
#[must_use]
pub fn warnings(review: &Review) -> Vec<String> {
    let standing = &review.standing;
    let mut out = Vec::new();
    if standing.cancelled {
        out.push(match review.lanes() {
            (0, _) => "This run was cancelled before a reviewer had finished.".to_owned(),
            _ => "This run was cancelled: what had finished by then is listed, nothing more.".to_owned(),
        });
    }
    if let Some(now) = &standing.head_moved {
        out.push(format!(
            "The head moved to `{}` during the review: this is about the commit before.",
            now.short()
        ));
    }
    if let Some(missing) = words::missing_lanes(&review.reports) {
        let mut advice: Vec<String> =
            review.reports.iter().map(words::advice).filter(|advice| !advice.is_empty()).collect();
        advice.dedup();
        out.push(format!("{missing} {}", advice.join(" ")).trim_end().to_owned());
    }
    out.extend(review.reports.iter().filter_map(words::fallback));
    if standing.read_only {
        out.push("The token may not comment, so nothing stands on the pull request. Give the job `pull-requests: write`.".to_owned());
    }
    if standing.no_check
        && !standing.read_only
        && standing.unwritable.is_none()
        && standing.head_moved.is_none()
    {
        out.push("The check could not be written. Give the job `checks: write`.".to_owned());
    }
    if standing.refused > 0 && !standing.read_only {
        let comments = words::count(standing.refused, "inline comment");
        let they = if standing.refused == 1 { "it stands" } else { "they stand" };
        out.push(format!("GitHub did not take {comments}: {they} in the summary instead."));
    }
    if let Some(what) = &standing.unwritable {
        out.push(format!("Not everything could be written: {what}."));
    }
    if review.ledger.overrun() {
        out.push("A provider billed more than its own limits allow; no further call was started.".to_owned());
    }
    let degraded = review.degraded();
    if !degraded.is_empty() {
        let steps = degraded.join("; ");
        out.push(format!("To stay inside the budget: {steps}."));
    }
    if review.snapshot.redacted > 0 {
        let lines = words::count(review.snapshot.redacted, "line");
        out.push(format!(
            "The diff seems to hold secrets: {lines} were hidden from the reviewers. Rotate what is real."
        ));
    }
    out.extend(review.snapshot.notes.iter().cloned());
    out
}

fn fix(review: &Review) -> Option<String> {
    table(review, "#### Fix: found by both, independently", |issue| issue.verdict == Verdict::Agreed)
}

fn table(review: &Review, heading: &str, wanted: impl Fn(&Issue) -> bool) -> Option<String> {
    let rows: Vec<String> = review
        .listed
        .iter()
        .filter(|listed| wanted(&listed.issue))
        .map(|listed| {
            let what = words::voice(&listed.issue).map(inline::title).unwrap_or_default();
            format!("| {} | {} | {what} |", inline::severity(&listed.issue), place(review, listed))
        })
        .collect();
    let head = "| | where | what goes wrong |\n|---|---|---|";
    (!rows.is_empty()).then(|| format!("{heading}\n{head}\n{}", rows.join("\n")))
}

/// The disagreements, both sides in a sentence each.
fn decide(review: &Review) -> Option<String> {
    let mut parts = Vec::new();
    for listed in review.listed.iter().filter(|listed| listed.issue.verdict == Verdict::Contradiction) {
        let issue = &listed.issue;
        let Some(main) = words::voice(issue) else { continue };
        let mut part = format!(
            "**{} {}** · {} · contradiction",
            place(review, listed),
            inline::title(main),
            inline::severity(issue)
        );
        let says = if main.finding.body.trim().is_empty() {
            &main.finding.failure_scenario
        } else {
            &main.finding.body
        };
        part.push_str(&format!("\n- **{}:** {}", main.lane, safe::inline(says, 300)));
        if let Some(opponent) = words::opponent(issue) {
            let sound = if opponent.cleared { "checked, sound: " } else { "" };
            part.push_str(&format!("\n- **{}:** {sound}{}", opponent.lane, safe::inline(opponent.says, 300)));
            part.push_str(&format!("\n- **Settle it:** {}", inline::question(main, &opponent)));
        }
        parts.push(part);
    }
    (!parts.is_empty()).then(|| format!("#### Decide: the reviewers differ\n{}", parts.join("\n\n")))
}

/// Files that count and were not read.
fn not_read(review: &Review) -> Option<String> {
    let coverage = &review.coverage;
    if coverage.is_whole() || !review.is_answered() {
        return None;
    }
    let files: Vec<&LeftOut> = coverage.partly.iter().chain(&coverage.unread).collect();
    let mut named = names(&files, 20);
    if coverage.unlisted > 0 {
        named.push(format!("{} that GitHub does not list", coverage.unlisted));
    }
    let (it, counts) =
        if coverage.due() - coverage.read.len() as u64 == 1 { ("It", "does") } else { ("They", "do") };
    Some(format!("**Not read:** {}. {it} {counts} not count as clean.", named.join(", ")))
}

/// Files by the reason they share, so many of each.
fn names(files: &[&LeftOut], most: usize) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for file in files {
        match groups.iter_mut().find(|(why, _)| *why == file.why) {
            Some((_, paths)) => paths.push(&file.path),
            None => groups.push((&file.why, vec![&file.path])),
        }
    }
    let group = |(why, paths): (&str, Vec<&str>)| {
        let name = |path: &&str| safe::code(&path.chars().take(MAX_PATH).collect::<String>());
        let named: Vec<String> = paths.iter().take(most).map(name).collect();
        let more = paths.len().saturating_sub(most);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more} ({})", named.join(", "), safe::inline(why, 120))
    };
    groups.into_iter().map(group).take(most).collect()
}

/// Files that a rule leaves out, folded: they do not make the review partial, but nobody looked at them.
fn left_out(review: &Review) -> Option<String> {
    let files: Vec<&LeftOut> = review.coverage.excluded.iter().collect();
    let number = words::count(files.len(), "file");
    (!files.is_empty()).then(|| {
        format!(
            "<details><summary>{number} left out by rule</summary>\n\n{}.\n\n</details>",
            names(&files, 100).join(", ")
        )
    })
}

/// What only one reviewer raised: open when there is nothing else to read, else folded.
fn one_reviewer(review: &Review) -> Option<String> {
    let tally = review.tally();
    let alone = tally.agreed + tally.contradictions == 0;
    let number = tally.solo + tally.unchecked;
    let wanted = |issue: &Issue| matches!(issue.verdict, Verdict::Solo | Verdict::Unchecked);
    let table = table(review, "", wanted)?;
    let table = table.trim_start();
    Some(if alone {
        format!("#### From one reviewer\n{table}")
    } else {
        format!("<details><summary>{number} from one reviewer only</summary>\n\n{table}\n\n</details>")
    })
}

/// What stands in no inline comment, in full, folded.
fn details(review: &Review, room: usize) -> Option<String> {
    let mut used = 0;
    let mut left_out = 0;
    let mut texts = Vec::new();
    for listed in review.listed.iter().filter(|listed| !matches!(listed.shown, Shown::Inline { .. })) {
        let issue = &listed.issue;
        let lanes = words::lanes(issue.raised_by());
        let text = format!(
            "{} {}\n\n<sub>{lanes}{}</sub>",
            place(review, listed),
            inline::issue(issue, &review.snapshot.diff, None),
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

/// A link to where an issue stands: its comment, else its file, else the bare path.
fn place(review: &Review, listed: &Listed) -> String {
    let Some(main) = words::voice(&listed.issue) else { return String::new() };
    let (path, line) = match (&listed.shown, main.placement.anchor()) {
        (Shown::Inline { anchor, .. } | Shown::ToPost(anchor), _) | (Shown::Summary, Some(anchor)) => {
            (anchor.path.as_str(), Some(anchor.end))
        }
        (Shown::Summary, None) => (main.finding.path.as_str(), None),
    };
    if path.trim().is_empty() {
        return "no file".to_owned();
    }
    let name: String = path.chars().take(MAX_PATH).collect();
    let label = safe::code(&line.map_or_else(|| name.clone(), |line| format!("{name}:{line}")));
    let url = match &listed.shown {
        Shown::Inline { url, .. } => Some(url.clone()),
        _ if review.snapshot.diff.file(path).is_some() => {
            let old = main.placement.anchor().is_some_and(|anchor| anchor.side == Side::Old);
            file_url(review, path, line, old)
        }
        _ => None,
    };
    match url.filter(|url| is_plain_url(url)) {
        Some(url) => format!("[{label}]({url})"),
        None => label,
    }
}

/// The page of a file at the reviewed commit, or at the base for what was deleted.
fn file_url(review: &Review, path: &str, line: Option<u32>, old: bool) -> Option<String> {
    let place = review.snapshot.place.as_ref()?;
    let (repository, _) = place.pull.url.rsplit_once("/pull/")?;
    let fragment = line.map(|line| format!("#L{line}")).unwrap_or_default();
    let commit = if old { &place.pull.base } else { &place.pull.head };
    Some(format!("{repository}/blob/{commit}/{}{fragment}", safe::link_path(path)))
}

/// Addresses come from GitHub's answers: only those that cannot break out of a link are used.
pub(super) fn is_plain_url(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>[]\"'`|\\".contains(&byte))
}

fn cost(review: &Review) -> String {
    let mut rows = String::new();
    for report in &review.reports {
        let model = report.resolved_model();
        let tokens = match report.usage() {
            Some(usage) => {
                let cached = if usage.cache_read > 0 {
                    format!(" ({})", thousands(usage.cache_read))
                } else {
                    String::new()
                };
                format!("{}{cached} / {}", thousands(usage.total_input()), thousands(usage.output))
            }
            None if report.attempts() == 0 => "–".to_owned(),
            None => "unknown".to_owned(),
        };
        rows.push_str(&format!(
            "| {} | {} | {} | {tokens} | {} | {} |\n",
            report.lane,
            safe::code(model),
            words::end(report),
            clock_time(report.elapsed),
            report.cost()
        ));
    }
    let problems: Vec<String> = review
        .reports
        .iter()
        .flat_map(|report| {
            report
                .passes
                .iter()
                .flat_map(|pass| &pass.problems)
                .take(5)
                .map(|problem| format!("- {}: {}", report.lane, safe::inline(problem, 240)))
        })
        .collect();
    let problems = if problems.is_empty() { String::new() } else { format!("\n{}\n", problems.join("\n")) };
    let unknown = if review.ledger.has_unknown() {
        " A call whose usage is unknown counts at its full reservation."
    } else {
        ""
    };
    let so_far = if review.snapshot.place.is_some() {
        format!(" This pull request so far: {} of {}.", review.spent(), review.settings.per_pull)
    } else {
        String::new()
    };
    format!(
        "<details><summary>Cost, time, models</summary>\n\n| | model | passes | tokens in (cached) / out | time | cost |\n|---|---|---|---|---|---|\n{rows}{problems}\nWorst case planned: {}. {}{unknown}{so_far}\n\n</details>",
        review.plan.bound,
        words::price_basis(&review.reports),
    )
}

/// `850`, `7.5k`, `77k`.
fn thousands(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..10_000 => format!("{}.{}k", tokens / 1_000, tokens % 1_000 / 100),
        _ => format!("{}k", tokens / 1_000),
    }
}

fn footer(review: &Review) -> String {
    let config = match review.snapshot.config_from.as_str() {
        "defaults" => "default configuration".to_owned(),
        from => format!("configuration from {}", safe::inline(from, 120)),
    };
    format!(
        "<sub>`{}` looks again · {config} · v{}</sub>",
        review.settings.trigger,
        env!("CARGO_PKG_VERSION")
    )
}
