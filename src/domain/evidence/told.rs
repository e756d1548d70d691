//! What the lanes are told of it: only what touches the files they read, a line each.

use std::ops::RangeInclusive;

use super::Reports;
use super::junit::Test;
use crate::domain::batch::{Part, json_len};
use crate::domain::diff;
use crate::domain::sarif::{Kind, Level, Result, start};

/// The most that is told in one prompt, in bytes of a serialised request.
pub const MAX_BYTES: usize = 8_000;

/// What stands above the lines.
const HEADING: &str = "\nReported by other tools:\n";

/// The longest line, in characters.
const LONGEST_LINE: usize = 400;

/// So near to the lines of a hunk a result is about the change.
pub(super) const NEAR: u32 = 3;

/// Failed tests that name no file of the diff are told where they are no more than this.
const FEW: usize = 10;

/// What tools report about the files of these parts, a line each under a heading: what stands on or near the hunks first,
/// then tests that name the files, then the rest. Nothing where there is nothing.
#[must_use]
pub fn told(reports: &Reports, parts: &[Part<'_>]) -> String {
    let results =
        reports.results.iter().filter_map(|result| Some((distance(result, parts)?, line_of(result))));
    let tests = reports.failed.iter().filter_map(|test| {
        let named = parts.iter().any(|part| names(test, &part.file.path));
        (named || reports.failed.len() <= FEW).then(|| (if named { 1 } else { 3 }, line_of_test(test)))
    });
    let mut lines: Vec<(u8, String)> = results.chain(tests).collect();
    lines.sort_by_key(|(rank, _)| *rank);
    let mut room = MAX_BYTES - json_len(HEADING);
    let fits = |line: &String| {
        room = room.saturating_sub(json_len(line));
        room > 0
    };
    let lines: String = lines.into_iter().map(|(_, line)| line).take_while(fits).collect();
    if lines.is_empty() { lines } else { format!("{HEADING}{lines}") }
}

/// The most that `told` adds to a serialised request for any parts, in bytes.
#[must_use]
pub fn most_bytes(reports: &Reports) -> usize {
    let results = reports.results.iter().map(line_of);
    let lines = results.chain(reports.failed.iter().map(line_of_test));
    let all: usize = lines.map(|line| json_len(&line)).sum();
    if all == 0 { 0 } else { MAX_BYTES.min(json_len(HEADING) + all) }
}

/// 0 on or near a hunk that is shown, 2 elsewhere in a file of which something is shown.
fn distance(result: &Result, parts: &[Part<'_>]) -> Option<u8> {
    let mut here = parts.iter().filter(|part| part.file.path == result.path).peekable();
    here.peek()?;
    let (first, last) = result.lines.unwrap_or_default();
    let is_near = |lines: RangeInclusive<u32>| {
        first <= lines.end().saturating_add(NEAR) && lines.start().saturating_sub(NEAR) <= last
    };
    Some(if here.flat_map(shown).any(is_near) { 0 } else { 2 })
}

/// The new lines of each run of a part.
fn shown<'a>(part: &'a Part<'_>) -> impl Iterator<Item = RangeInclusive<u32>> + 'a {
    part.runs.iter().filter_map(|run| {
        let lines = part.file.hunks.get(run.hunk)?.lines.get(run.lines.clone())?;
        let mut numbers = lines.iter().filter_map(|line| line.new);
        let first = numbers.next()?;
        Some(first..=numbers.last().unwrap_or(first))
    })
}

fn names(test: &Test, path: &str) -> bool {
    let failure = test.failure.iter();
    test.file == path || failure.flat_map(|failure| &failure.places).any(|spot| spot.path == path)
}

fn line_of(result: &Result) -> String {
    let place = match result.lines {
        Some((first, last)) if first < last => format!("{}:{first}-{last}", result.path),
        Some((first, _)) => format!("{}:{first}", result.path),
        None => result.path.clone(),
    };
    let level = match (result.kind, result.level) {
        (Kind::Pass, _) => "checked, holds",
        (Kind::Review, _) => "to be looked at",
        (_, Level::Error) => "error",
        (_, Level::Warning) => "warning",
        (_, Level::Note) => "note",
        (_, Level::None) => "report",
    };
    let suppressed = if result.suppressed { ", suppressed" } else { "" };
    let message = if result.message.is_empty() { &result.rule_text } else { &result.message };
    one_line(&format!("{place} {} {} ({level}{suppressed}): {message}", result.tool, result.rule))
}

fn line_of_test(test: &Test) -> String {
    let failure = test.failure.clone().unwrap_or_default();
    let places: Vec<String> =
        failure.places.iter().take(5).map(|spot| format!("{}:{}", spot.path, spot.line)).collect();
    let at = if places.is_empty() { String::new() } else { format!(", at {}", places.join(", ")) };
    let file = if test.file.is_empty() { String::new() } else { format!(" in {}", test.file) };
    one_line(&format!("failed test {} {}{file}{at}: {}", test.class, test.name, failure.message))
}

/// A line as it is shown: nothing in it can make a second one or hide itself.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let shown = diff::visible(start(&words.join(" "), LONGEST_LINE).as_bytes()).into_owned();
    format!("{shown}\n")
}
