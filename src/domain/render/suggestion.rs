//! Which suggested fixes are offered as a block that GitHub applies at a click: those that cannot break the file.

use super::safe;
use crate::domain::diff::{Diff, Line};
use crate::domain::finding::{Anchor, Finding, Resolution, Side};
use crate::domain::review::anchored_lines;

/// Nobody reads a longer fix in a comment, and one that was cut when the answer was read is longer.
const MOST_CHARS: usize = 4_000;

/// Why a fix is shown as a plain diff instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// None was suggested, or what stands there already.
    NoChange,
    /// Its lines are deleted ones.
    OldSide,
    /// The anchored lines are not, byte for byte, all that was quoted.
    NotAsQuoted,
    /// A secret stands in the lines or the fix, of which only a placeholder is known.
    Secret,
    /// The file has carriage returns, or ends in these lines without a line end: neither would surely be kept.
    LineEnds,
    /// It repeats the lines before or behind, which would then stand there twice.
    RepeatsContext,
    /// It is too long, or holds what a comment cannot show as it is.
    NotShowable,
}

/// The replacement text of a finding without line ends behind it.
#[must_use]
pub fn replacement(finding: &Finding) -> Option<&str> {
    let text = finding.suggestion.as_deref()?.trim_end_matches(['\n', '\r']);
    (!text.trim().is_empty() && text.trim() != finding.quote.trim()).then_some(text)
}

/// The block to be applied to the anchored lines, if that changes them to what the lane meant and nothing else.
///
/// # Errors
/// The first rule that the fix does not keep.
pub fn block(finding: &Finding, anchor: &Anchor, diff: &Diff) -> Result<String, Unfit> {
    let text = replacement(finding).ok_or(Unfit::NoChange)?;
    if anchor.side != Side::New {
        return Err(Unfit::OldSide);
    }
    if !matches!(anchor.how, Resolution::Exact | Resolution::Moved) {
        return Err(Unfit::NotAsQuoted);
    }
    let file = diff.file(&anchor.path).ok_or(Unfit::NotAsQuoted)?;
    let lines: Vec<&Line> = anchored_lines(file, anchor).collect();
    if lines.iter().any(|line| line.redacted) || text.contains("[redacted: ") {
        return Err(Unfit::Secret);
    }
    let mut new = file.lines().filter(|line| line.new.is_some());
    if new.any(|line| line.text.contains(&b'\r')) || lines.iter().any(|line| line.no_newline) {
        return Err(Unfit::LineEnds);
    }
    let there: Vec<&[u8]> = lines.iter().map(|line| &*line.text).collect();
    if !finding.quote.trim_matches('\n').split('\n').map(str::as_bytes).eq(there.iter().copied()) {
        return Err(Unfit::NotAsQuoted);
    }
    let fix: Vec<&[u8]> = text.split('\n').map(str::as_bytes).collect();
    if fix == there {
        return Err(Unfit::NoChange);
    }
    let hunk = file.hunks.iter().find(|hunk| hunk.lines.iter().any(|line| line.new == Some(anchor.start)));
    let around = hunk.into_iter().flat_map(|hunk| &hunk.lines);
    let around: Vec<(u32, &[u8])> = around.filter_map(|line| Some((line.new?, &*line.text))).collect();
    let first = around.partition_point(|(number, _)| *number < anchor.start);
    let behind = around.partition_point(|(number, _)| *number <= anchor.end);
    let before: Vec<&[u8]> = around.iter().take(first).map(|(_, text)| *text).collect();
    let behind: Vec<&[u8]> = around.iter().skip(behind).map(|(_, text)| *text).collect();
    if repeats(&fix, &there, &before, &behind) {
        return Err(Unfit::RepeatsContext);
    }
    if text.chars().count() > MOST_CHARS || text.contains(|c: char| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(Unfit::NotShowable);
    }
    safe::suggestion(text).ok_or(Unfit::NotShowable)
}

/// Whether a fix begins with the lines before its range or ends in those behind it, and what it replaces does not.
fn repeats(fix: &[&[u8]], there: &[&[u8]], before: &[&[u8]], behind: &[&[u8]]) -> bool {
    let full = |lines: &[&[u8]]| lines.iter().any(|line| !line.trim_ascii().is_empty());
    let begins = |text: &[&[u8]], with: &[&[u8]]| text.len() >= with.len() && alike(text.iter(), with.iter());
    let ends = |text: &[&[u8]], with: &[&[u8]]| {
        text.len() >= with.len() && alike(text.iter().rev(), with.iter().rev())
    };
    (1..=fix.len()).any(|count| {
        let last = before.len().checked_sub(count).and_then(|from| before.get(from..));
        let next = behind.get(..count);
        last.is_some_and(|last| full(last) && begins(fix, last) && !begins(there, last))
            || next.is_some_and(|next| full(next) && ends(fix, next) && !ends(there, next))
    })
}

/// Whether lines are the same, those with words in them also if they are indented otherwise: several closing
/// braces in a row are usual, and only their indentation tells them apart.
fn alike<'a>(a: impl Iterator<Item = &'a &'a [u8]>, b: impl Iterator<Item = &'a &'a [u8]>) -> bool {
    let words = |line: &[u8]| line.iter().any(u8::is_ascii_alphanumeric);
    a.zip(b).all(|(a, b)| a == b || (words(a) && a.trim_ascii() == b.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::diff::{Claim, Resolver, Status, parse_patch};
    use crate::domain::finding::{Placement, Severity};

    fn diff_of(patch: &str) -> Diff {
        let (file, problems) = parse_patch("a.rs", None, Status::Modified, patch);
        assert_eq!(problems, Vec::<String>::new());
        Diff { files: vec![file] }
    }

    /// What becomes of a fix for quoted lines, claimed from a line of one side on, and where they stand.
    fn offered(
        diff: &Diff,
        (side, line): (Side, u32),
        quote: &str,
        fix: &str,
    ) -> Option<(Anchor, Result<String, Unfit>)> {
        let finding = Finding {
            id: "f".to_owned(),
            path: "a.rs".to_owned(),
            side,
            line_start: line,
            line_end: line,
            quote: quote.to_owned(),
            evidence: Vec::new(),
            category: None,
            severity: Severity::High,
            confidence: None,
            title: String::new(),
            body: String::new(),
            failure_scenario: String::new(),
            suggestion: Some(fix.to_owned()),
        };
        let claim = Claim { path: "a.rs", side, line_start: line, line_end: line, quote };
        let Placement::Anchored(anchor) = Resolver::new(diff).resolve(&claim) else { return None };
        let block = block(&finding, &anchor, diff);
        Some((anchor, block))
    }

    #[test]
    fn a_fix_is_offered_as_a_block_only_where_every_rule_holds() {
        let diff = diff_of(
            "@@ -1,5 +1,5 @@\n first_line();\n {\n-    old_code();\n+    new_code();\n }\n last_line();\n",
        );
        let new = |quote: &str, fix: &str| offered(&diff, (Side::New, 3), quote, fix).unwrap().1;
        assert_eq!(
            new("    new_code();", "    right();\n").as_deref(),
            Ok("```suggestion\n    right();\n```")
        );
        for (quote, fix, why) in [
            ("    new_code();", "new_code();", Unfit::NoChange),
            ("new_code();", "right();", Unfit::NotAsQuoted),
            ("    new_cude();", "    right();", Unfit::NotAsQuoted),
            ("    new_code();", "{\n    right();", Unfit::RepeatsContext),
            ("    new_code();", "first_line();\n{\n    right();", Unfit::RepeatsContext),
            ("    new_code();", "    right();\n}\n  last_line();", Unfit::RepeatsContext),
            ("    new_code();", "    a();\r\n    b();", Unfit::NotShowable),
            ("    new_code();", "    a(\u{202e});", Unfit::NotShowable),
            ("    new_code();", "    a(\"[redacted: GitHub token]\");", Unfit::Secret),
        ] {
            assert_eq!(new(quote, fix), Err(why), "{fix:?}");
        }
        assert_eq!(new("    new_code();", &"x".repeat(8_000)), Err(Unfit::NotShowable));
        assert!(new("    new_code();", "    {\n        right();\n    }").is_ok(), "other braces");
        assert_eq!(offered(&diff, (Side::Old, 3), "    old_code();", "x").unwrap().1, Err(Unfit::OldSide));
        for patch in [
            "@@ -1 +1,2 @@\n+some_code();\n other\r\n",
            "@@ -1 +1,2 @@\n other\n+some_code();\n\\ No newline at end of file\n",
        ] {
            let line = if patch.contains('\r') { 1 } else { 2 };
            let why = offered(&diff_of(patch), (Side::New, line), "some_code();", "right();").unwrap().1;
            assert_eq!(why, Err(Unfit::LineEnds), "{patch:?}");
        }
    }

    fn any_lines() -> impl Strategy<Value = Vec<(char, String)>> {
        let text = "(    )?(let_one|let_two|return_it|[}]|)[\r]?";
        prop::collection::vec((prop::sample::select(vec![' ', '+', '-']), text), 1..9)
    }

    proptest! {
        /// What GitHub does when a block is applied: the lines of the range make way for those of the block.
        #[test]
        fn an_applied_block_changes_the_quoted_lines_alone_and_repeats_nothing(
            lines in any_lines(),
            (from, count) in (0..8_usize, 1..3_usize),
            fix in "((    )?(let_one|let_two|return_it|new_one|[}])\r?\n){1,3}",
        ) {
            let mut patch = String::new();
            lines.iter().for_each(|(sign, text)| patch += &format!("{sign}{text}\n"));
            let of = |gone| lines.iter().filter(|line| line.0 != gone).map(|line| line.1.as_str()).collect::<Vec<_>>();
            let (old, new) = (of('+'), of('-'));
            let start = |lines: &[&str]| usize::from(!lines.is_empty());
            let header = format!("@@ -{},{} +{},{} @@\n", start(&old), old.len(), start(&new), new.len());
            let Some(quoted) = new.get(from..from + count) else { return Ok(()) };
            let diff = diff_of(&(header + &patch));
            let found = offered(&diff, (Side::New, from as u32 + 1), &quoted.join("\n"), &fix);
            let Some((anchor, Ok(block))) = found else { return Ok(()) };
            let inside = block.strip_prefix("```suggestion\n").and_then(|rest| rest.strip_suffix("\n```")).unwrap();
            let (first, last) = (anchor.start as usize - 1, anchor.end as usize);
            // Blank lines around a quote are no part of it.
            let quote = quoted.join("\n");
            prop_assert_eq!(new[first..last].join("\n"), quote.trim_matches('\n'));
            let applied: Vec<&str> =
                new[..first].iter().copied().chain(inside.split('\n')).chain(new[last..].iter().copied()).collect();
            prop_assert_ne!(&applied, &new);
            prop_assert!(applied.iter().all(|line| !line.contains('\r')));
            let edge = inside.split('\n').next().filter(|line| line.contains('_'));
            let before = first.checked_sub(1).map(|at| new[at].trim());
            prop_assert!(edge.is_none() || edge.map(str::trim) != before || new[first].trim() == before.unwrap());
        }
    }
}
