//! The diff as the models read it: every line behind its number, and nothing in it that could pass for ours.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use super::{FileDiff, Hunk, Line, LineKind, NoLines, Status, Surrounding};

/// More characters of one line than this are not shown.
pub(super) const SHOWN_CHARS: usize = 5_000;

/// What stands at the end of a line that was cut, before the number of characters left out.
const CUT: &str = " [counterpoint: ";

/// Writes one file: a line naming it, then its hunks.
///
/// ```text
/// === src/new.rs (renamed from src/old.rs)
/// @@ fn heading()
///   9 :| outside the change, see `render_surrounding`
///   12  | context, with its new number
///   98 -| deleted, with its old number
///   13 +| added, with its new number
/// ```
pub fn render(file: &FileDiff, out: &mut String) {
    let width = number_width(file, &[]);
    heading(file, None, out);
    for hunk in &file.hunks {
        render_hunk_heading(hunk, out);
        render_lines(hunk, 0..hunk.lines.len(), width, out);
    }
}

/// Writes the line that names a file, or the given part of it: `(2, 3, 10)` is the second of three, and its first ten
/// lines stood in the part before.
pub fn heading(file: &FileDiff, part: Option<(usize, usize, usize)>, out: &mut String) {
    let part = match part {
        None => String::new(),
        Some((part, of, 0)) => format!(", part {part} of {of}"),
        Some((part, of, overlap)) => {
            format!(", part {part} of {of}; its first {overlap} lines end the part before")
        }
    };
    // Writing into a string cannot fail.
    let _ = writeln!(out, "=== {} ({}{part})", visible(file.path.as_bytes()), what_happened(file));
}

/// Writes the line that begins a hunk, with the function or section that git names.
pub fn render_hunk_heading(hunk: &Hunk, out: &mut String) {
    let section = visible(section(hunk));
    let _ = if section.is_empty() { writeln!(out, "@@") } else { writeln!(out, "@@ {section}") };
}

/// Writes the lines of a hunk that have these indices, their numbers in `width` columns.
pub fn render_lines(hunk: &Hunk, lines: Range<usize>, width: usize, out: &mut String) {
    let line_ends_differ = line_ends_differ(hunk);
    for line in hunk.lines.get(lines).unwrap_or_default() {
        render_line(line, width, line_ends_differ, out);
    }
}

/// Writes lines that stand around a hunk, `…` where some between them are left out.
pub fn render_surrounding(surrounding: &Surrounding, width: usize, out: &mut String) {
    render_numbered(surrounding.lines.iter().map(|(number, text)| (*number, &**text)), width, out);
}

/// Writes lines of the new version that are no part of the change, `…` where some between them are left out.
pub fn render_numbered<'a>(lines: impl Iterator<Item = (u32, &'a [u8])>, width: usize, out: &mut String) {
    let mut next = None;
    for (number, text) in lines {
        if next.is_some_and(|next| next != number) {
            let _ = writeln!(out, "{:width$} …", "");
        }
        next = number.checked_add(1);
        render_beside(number, text, width, out);
    }
}

/// Writes a line of the new version that is shown for itself, as no part of the change.
pub fn render_beside(number: u32, text: &[u8], width: usize, out: &mut String) {
    write_line(number, ':', &visible(text), width, out);
}

/// The columns that the longest number of a file and of what is shown around its hunks takes.
#[must_use]
pub fn number_width(file: &FileDiff, surroundings: &[Surrounding]) -> usize {
    let around = surroundings.iter().flat_map(|part| &part.lines).map(|(number, _)| *number);
    let most = file.lines().map(shown_number).chain(around).max().unwrap_or(0);
    most.to_string().len()
}

/// Takes the number and the sign off a line that was copied from [`render`]'s text with them.
pub(crate) fn strip_gutter(line: &str) -> Option<&str> {
    let digits = line.trim_start_matches(' ');
    let behind = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.len() == digits.len() {
        return None;
    }
    let behind = behind.trim_start_matches(' ');
    let behind = behind.strip_prefix(['+', '-', ':']).unwrap_or(behind).trim_start_matches(' ');
    let text = behind.strip_prefix('|')?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// Text as the models see it: valid UTF-8, one line, no hidden characters, not endless.
#[must_use]
pub fn visible(text: &[u8]) -> Cow<'_, str> {
    let lossy = String::from_utf8_lossy(text);
    // Fewer bytes than the limit are fewer characters, too.
    if lossy.len() <= SHOWN_CHARS && !lossy.contains(is_hidden) {
        return lossy;
    }
    let mut out = String::new();
    for c in lossy.chars().take(SHOWN_CHARS) {
        match c {
            hidden if !is_hidden(hidden) => out.push(hidden),
            // The pictures that Unicode has for these.
            '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(c))),
            '\x7f' => out.push('␡'),
            other => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(other));
            }
        }
    }
    let left_out = lossy.chars().skip(SHOWN_CHARS).count();
    if left_out > 0 {
        let _ = write!(out, "{CUT}{left_out} more characters of this line are not shown]");
    }
    Cow::Owned(out)
}

/// Whether a line is so long that its end is not shown.
#[must_use]
pub fn is_cut(line: &Line) -> bool {
    let text = bare(&line.text);
    text.len() > SHOWN_CHARS && String::from_utf8_lossy(text).chars().nth(SHOWN_CHARS).is_some()
}

/// A line as [`visible`] gave it, without the remark that it was cut.
pub(crate) fn without_cut(visible: &str) -> &str {
    visible.rsplit_once(CUT).map_or(visible, |(head, _)| head)
}

/// Whether text could have been changed by [`visible`].
pub(super) fn may_be_altered(text: &str) -> bool {
    !text.is_ascii() && text.contains(|c| matches!(c, '\u{fffd}' | '\u{2400}'..='\u{2421}' | '⟨'))
        || text.contains(CUT)
}

/// Characters that do not show, or that change how others show: with them code can read as something
/// that it is not, and text can hide from the people who review it.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}

fn render_line(line: &Line, width: usize, line_ends_differ: bool, out: &mut String) {
    let sign = match line.kind {
        LineKind::Context => ' ',
        LineKind::Added => '+',
        LineKind::Deleted => '-',
    };
    let mut text = visible(bare(&line.text));
    if line_ends_differ && line.text.ends_with(b"\r") {
        text.to_mut().push('␍');
    }
    write_line(shown_number(line), sign, &text, width, out);
    if line.no_newline {
        let _ = writeln!(out, "{:width$} \\ no newline at the end of the file", "");
    }
}

fn write_line(number: u32, sign: char, text: &str, width: usize, out: &mut String) {
    let space = if text.is_empty() { "" } else { " " };
    let _ = writeln!(out, "{number:>width$} {sign}|{space}{text}");
}

/// A line's text without what belongs to the file rather than the line: a carriage return at its
/// end, a byte order mark at its start.
pub(crate) fn bare(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Whether some lines of a hunk end in a carriage return and others do not: only then it is news.
fn line_ends_differ(hunk: &Hunk) -> bool {
    let mut ends = hunk.lines.iter().filter(|line| !line.no_newline).map(|line| line.text.ends_with(b"\r"));
    let first = ends.next();
    ends.any(|end| Some(end) != first)
}

/// The number people know a line by: the new one, for deleted lines the old one.
fn shown_number(line: &Line) -> u32 {
    line.new.or(line.old).unwrap_or(0)
}

/// The function or section that git names behind the line numbers.
fn section(hunk: &Hunk) -> &[u8] {
    let header = hunk.header.strip_prefix(b"@@").unwrap_or_default();
    let end = header.windows(3).position(|window| window == b" @@").unwrap_or(header.len());
    header.get(end + 3..).unwrap_or_default().trim_ascii()
}

fn what_happened(file: &FileDiff) -> String {
    let old = visible(file.old_path.as_deref().unwrap_or_default().as_bytes());
    let mut text = match file.status {
        Status::Added => "added".to_owned(),
        Status::Deleted => "deleted".to_owned(),
        Status::Modified => "modified".to_owned(),
        Status::Renamed => format!("renamed from {old}"),
        Status::Copied => format!("copied from {old}"),
        Status::TypeChanged => "became another kind of file".to_owned(),
    };
    text.push_str(match file.no_lines {
        None => "",
        Some(NoLines::Binary) => ", binary",
        Some(NoLines::NothingToRead) => ", no lines changed",
        Some(
            NoLines::CalledBinary
            | NoLines::Withheld
            | NoLines::TooLarge
            | NoLines::Unfetched
            | NoLines::Unreadable,
        ) => ", its lines are not available",
    });
    text
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::Beside;
    use super::super::{parse, parse_patch, without_lines};
    use super::*;

    fn rendered(diff: &[u8]) -> String {
        let (diff, _) = parse(Bytes::copy_from_slice(diff));
        let mut out = String::new();
        diff.files.iter().for_each(|file| render(file, &mut out));
        out
    }

    #[test]
    fn every_line_stands_behind_its_number_and_sign() {
        let text = rendered(
            b"diff --git a/o b/n\nrename from o\nrename to n\n--- a/o\n+++ b/n\n@@ -98,2 +99,3 @@ fn f() {\n a\n-  b\n+\n+c\n\\ No newline at end of file\n",
        );
        assert_eq!(
            text,
            "=== n (renamed from o)\n@@ fn f() {\n 99  | a\n 99 -|   b\n100 +|\n101 +| c\n    \\ no newline at the end of the file\n"
        );
    }

    #[test]
    fn nothing_in_a_line_can_pass_for_another_line_or_hide() {
        let text = rendered(
            "diff --git \"a/x\\n=== y\" \"b/x\\n=== y\"\n--- /dev/null\n+++ \"b/x\\n=== y\"\n@@ -0,0 +1,3 @@ h\u{1b}[0m\n+\u{feff}a\rb\u{2028}\0\n+if \u{202e}x\u{e0041}\n+\tok é 漢 👍🏽\n"
                .as_bytes(),
        );
        assert_eq!(
            text,
            "=== x␊=== y (added)\n@@ h␛[0m\n1 +| a␍b⟨U+2028⟩␀\n2 +| if ⟨U+202E⟩x⟨U+E0041⟩\n3 +| \tok é 漢 👍🏽\n"
        );
        assert_eq!(visible(b"caf\xe9"), "caf\u{fffd}");
    }

    #[test]
    fn carriage_returns_show_only_where_line_ends_differ() {
        let head = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n";
        let text = |hunk: &str| rendered(format!("{head}{hunk}").as_bytes()).split_off(20);
        assert_eq!(text(" a\r\n-b\r\n+c\r\n"), "1  | a\n2 -| b\n2 +| c\n");
        assert_eq!(text(" a\n-b\r\n+b\n"), "1  | a\n2 -| b␍\n2 +| b\n");
    }

    #[test]
    fn a_very_long_line_is_cut_and_says_by_how_much() {
        let line = format!("{}{}", "ä".repeat(SHOWN_CHARS), "b".repeat(198_000));
        let shown = visible(line.as_bytes());
        assert!(shown.ends_with("ä [counterpoint: 198000 more characters of this line are not shown]"));
        assert_eq!(without_cut(&shown), "ä".repeat(SHOWN_CHARS));
        assert_eq!(visible("ä".repeat(SHOWN_CHARS).as_bytes()), "ä".repeat(SHOWN_CHARS));
    }

    #[test]
    fn a_file_without_lines_says_why() {
        let line = |why| {
            let mut out = String::new();
            render(&without_lines("f", None, Status::Deleted, why), &mut out);
            out
        };
        assert_eq!(line(NoLines::Binary), "=== f (deleted, binary)\n");
        assert_eq!(line(NoLines::Withheld), "=== f (deleted, its lines are not available)\n");
        assert_eq!(line(NoLines::NothingToRead), "=== f (deleted, no lines changed)\n");
    }

    #[test]
    fn a_hunk_is_shown_in_parts_between_what_stands_around_it() {
        let patch = "@@ -9,2 +9,2 @@ f\n a\n-b\n+c\r";
        let (file, _) = parse_patch("f", None, Status::Modified, patch);
        let lines = vec![(8, Bytes::new()), (11, Bytes::from("x\u{202e}")), (100, Bytes::from("y"))];
        let around = Surrounding { hunk: 0, beside: Beside::After, lines };
        let width = number_width(&file, std::slice::from_ref(&around));
        let mut out = String::new();
        heading(&file, Some((2, 3, 0)), &mut out);
        render_hunk_heading(&file.hunks[0], &mut out);
        render_lines(&file.hunks[0], 1..3, width, &mut out);
        render_lines(&file.hunks[0], 3..9, width, &mut out);
        render_surrounding(&around, width, &mut out);
        assert_eq!(
            out,
            "=== f (modified, part 2 of 3)\n@@ f\n 10 -| b\n 10 +| c␍\n  8 :|\n    …\n 11 :| x⟨U+202E⟩\n    …\n100 :| y\n"
        );
    }

    #[test]
    fn only_a_gutter_is_stripped() {
        for (line, code) in [
            ("  123  |   code", "  code"),
            ("124 +| code", "code"),
            ("98 - | | code", "| code"),
            ("  9 :|   code", "  code"),
            ("7 |", ""),
            ("7  |\tcode", "\tcode"),
        ] {
            assert_eq!(strip_gutter(line), Some(code), "{line}");
        }
        for code in ["code", "| code", "+| code", "12 code", "12 +code", "", "  ", "a 12 | b"] {
            assert_eq!(strip_gutter(code), None, "{code}");
        }
        let (file, _) = parse_patch("f", None, Status::Modified, "@@ -9 +9 @@\n-1 | 2\n+x");
        let mut out = String::new();
        render(&file, &mut out);
        assert_eq!(out.lines().filter_map(strip_gutter).collect::<Vec<_>>(), ["1 | 2", "x"]);
    }
}
