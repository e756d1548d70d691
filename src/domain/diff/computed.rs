//! Hunks computed from both versions of a file, for files whose lines GitHub does not show.

use std::ops::Range;

use bytes::Bytes;
use gix_imara_diff::{Algorithm, Diff, InternedInput, Token};

use super::parse::{of_patch, without_lines};
use super::{FileDiff, NoLines, Status};

/// Lines around a change, as git and GitHub show them.
const CONTEXT: u32 = 3;

/// Where git looks for a zero byte, to tell what is not text.
const PROBED: usize = 8_000;

/// Most lines of a version that are compared with another. Myers' algorithm needs half a second for this many in
/// the worst case, and half a minute for 20 times as many.
const MOST_LINES: usize = 100_000;

/// Most bytes of a function line that git repeats in the header of a hunk.
const HEADING: usize = 80;

/// What git would show of a file that was `old` and is `new`: nothing for binary content, else hunks with three
/// lines of context. Where several smallest diffs exist, it need not be the one that git takes.
#[must_use]
pub fn computed(path: &str, old_path: Option<&str>, status: Status, old: &[u8], new: &[u8]) -> FileDiff {
    let binary = |content: &[u8]| content.iter().take(PROBED).any(|byte| *byte == 0);
    let lines = |content: &[u8]| content.iter().filter(|byte| **byte == b'\n').count();
    let none = if binary(old) || binary(new) {
        NoLines::Binary
    } else if old == new {
        NoLines::NothingToRead
    } else if lines(old).max(lines(new)) > MOST_LINES {
        NoLines::TooLarge
    } else {
        return of_patch(path, old_path, status, Bytes::from(patch(old, new))).0;
    };
    without_lines(path, old_path, status, none)
}

/// The hunks as git writes them.
fn patch(old: &[u8], new: &[u8]) -> Vec<u8> {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    let changes: Vec<_> = diff.hunks().collect();
    let end = u32::try_from(input.before.len()).unwrap_or(u32::MAX);
    let lines = |tokens: &[Token], range: Range<u32>| -> Vec<&[u8]> {
        let tokens = tokens.get(range.start as usize..range.end as usize).unwrap_or_default();
        tokens.iter().map(|token| input.interner[*token]).collect()
    };
    let mut out = Vec::new();
    let mut heading = Vec::new();
    let mut searched = 0;
    for group in changes.chunk_by(|one, next| next.before.start - one.before.end <= 2 * CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let lead = first.before.start.min(CONTEXT);
        let trail = (end - last.before.end).min(CONTEXT);
        let before = first.before.start - lead..last.before.end + trail;
        let after = first.after.start - lead..last.after.end + trail;
        let above = lines(&input.before, searched..before.start);
        if let Some(line) = above.into_iter().rfind(|line| names_function(line)) {
            heading = [b" ", line.get(..HEADING).unwrap_or(line).trim_ascii_end()].concat();
        }
        searched = before.start;
        out.extend_from_slice(format!("@@ -{} +{} @@", span(&before), span(&after)).as_bytes());
        out.extend_from_slice(&heading);
        out.push(b'\n');
        let mut at = before.start;
        for change in group {
            write(&mut out, b' ', lines(&input.before, at..change.before.start));
            write(&mut out, b'-', lines(&input.before, change.before.clone()));
            write(&mut out, b'+', lines(&input.after, change.after.clone()));
            at = change.before.end;
        }
        write(&mut out, b' ', lines(&input.before, at..before.end));
    }
    out
}

/// Whether git takes a line for the beginning of a function, when nothing tells it the language.
fn names_function(line: &[u8]) -> bool {
    line.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
}

/// `START,LENGTH` as a hunk's header counts: from 1, from the line before when there are none, and one unsaid.
fn span(lines: &Range<u32>) -> String {
    match lines.end - lines.start {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

fn write(out: &mut Vec<u8>, sign: u8, lines: Vec<&[u8]>) {
    for line in lines {
        out.push(sign);
        out.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Diff, Hunk, Line, LineKind, parse};
    use super::*;

    fn of(old: &[u8], new: &[u8]) -> FileDiff {
        computed("f.rs", None, Status::Modified, old, new)
    }

    fn text(file: &FileDiff) -> String {
        String::from_utf8(Diff { files: vec![file.clone()] }.to_bytes()).unwrap()
    }

    #[test]
    fn hunks_are_written_as_git_writes_them() {
        let old = "fn a() {\n    1\n    2\n    3\n    4\n}\n\nfn b() {\n    1\n    2\n    3\n    4\n    5\n}";
        let new = old.replacen("    2", "    two", 1).replace("    5\n}", "    five\n}\n");
        insta::assert_snapshot!(text(&of(old.as_bytes(), new.as_bytes())), @r"
        diff --git a/f.rs b/f.rs
        --- a/f.rs
        +++ b/f.rs
        @@ -1,6 +1,6 @@
         fn a() {
             1
        -    2
        +    two
             3
             4
         }
        @@ -10,5 +10,5 @@ fn b() {
             2
             3
             4
        -    5
        -}
        \ No newline at end of file
        +    five
        +}
        ");
    }

    #[test]
    fn a_new_and_a_deleted_file_have_one_side() {
        let new = computed("f", None, Status::Added, b"", b"one\ntwo\n");
        assert_eq!((new.status, new.hunks[0].header.as_ref()), (Status::Added, b"@@ -0,0 +1,2 @@".as_ref()));
        let gone = computed("f", None, Status::Deleted, b"one", b"");
        assert_eq!(
            (gone.status, gone.hunks[0].header.as_ref()),
            (Status::Deleted, b"@@ -1 +0,0 @@".as_ref())
        );
    }

    #[test]
    fn what_has_no_lines_to_compare_says_why() {
        let late = [vec![b'x'; PROBED], vec![0]].concat();
        let many = |n: usize| (0..n).flat_map(|line| format!("{line}\n").into_bytes()).collect::<Vec<u8>>();
        let cases: [(&[u8], &[u8], Option<NoLines>); 6] = [
            (b"a\0", b"b", Some(NoLines::Binary)),
            (b"a", b"b\0", Some(NoLines::Binary)),
            (b"a", &late, None),
            (b"same\n", b"same\n", Some(NoLines::NothingToRead)),
            (b"0\n", &many(MOST_LINES + 1), Some(NoLines::TooLarge)),
            (b"", &many(MOST_LINES + 1), Some(NoLines::TooLarge)),
        ];
        for (old, new, why) in cases {
            assert_eq!(of(old, new).no_lines, why);
        }
    }

    #[test]
    fn sixty_thousand_changed_lines_are_compared_at_once() {
        let old: String = (0..60_000).map(|n| format!("let value_{n} = {n};\n")).collect();
        let new: String = (0..60_000)
            .map(|n| format!("let value_{n} = {n}{};\n", if n % 2 == 0 { "" } else { " + 1" }))
            .collect();
        assert_eq!(of(old.as_bytes(), new.as_bytes()).changed_lines(), (30_000, 30_000));
    }

    fn bytes(line: &Line) -> Vec<u8> {
        [line.text.as_ref(), if line.no_newline { b"" } else { b"\n" }].concat()
    }

    /// Applies hunks to the old version, checking its lines on the way.
    fn applied(hunks: &[Hunk], old: &[u8]) -> Vec<u8> {
        let old: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
        let (mut at, mut new) = (0, Vec::new());
        for hunk in hunks {
            let start = hunk.old_start as usize - usize::from(hunk.old_len > 0);
            new.extend_from_slice(&old[at..start].concat());
            at = start;
            for line in &hunk.lines {
                if line.kind != LineKind::Added {
                    assert_eq!((old[at], line.old), (bytes(line).as_slice(), Some(at as u32 + 1)));
                    at += 1;
                }
                if line.kind != LineKind::Deleted {
                    new.extend_from_slice(&bytes(line));
                }
            }
        }
        new.extend_from_slice(&old[at..].concat());
        new
    }

    /// Files of a few kinds of lines, so that versions share some; what looks like a diff is among them.
    fn version() -> impl Strategy<Value = Vec<u8>> {
        let line = prop::sample::select(vec![
            b"a\n".to_vec(),
            b"b\n".to_vec(),
            b"\n".to_vec(),
            b"  indented\r\n".to_vec(),
            b"bare\rreturn\n".to_vec(),
            b"not utf8 \xff\xfe\n".to_vec(),
            b"@@ -1 +1 @@\n".to_vec(),
            b"-- a/x\n".to_vec(),
            b"\\ No newline at end of file\n".to_vec(),
            b"diff --git a/x b/x\n".to_vec(),
        ]);
        (prop::collection::vec(line, 0..40), any::<bool>()).prop_map(|(lines, cut)| {
            let mut content = lines.concat();
            if cut {
                content.pop();
            }
            content
        })
    }

    proptest! {
        #[test]
        fn hunks_turn_the_old_version_into_the_new_and_read_back_equal(old in version(), new in version()) {
            let file = of(&old, &new);
            prop_assert_eq!(file.hunks.is_empty(), old == new);
            prop_assert_eq!(&applied(&file.hunks, &old), &new);
            for hunk in &file.hunks {
                let context = |lines: &mut dyn Iterator<Item = &Line>| {
                    lines.take_while(|line| line.kind == LineKind::Context).count()
                };
                prop_assert!(context(&mut hunk.lines.iter()) <= 3 && context(&mut hunk.lines.iter().rev()) <= 3);
            }
            let diff = Diff { files: vec![file] };
            let (again, problems) = parse(Bytes::from(diff.to_bytes()));
            prop_assert_eq!(problems, Vec::<String>::new());
            if old != new {
                prop_assert_eq!(again, diff);
            }
        }

        #[test]
        fn any_bytes_are_compared_without_panic(
            old in prop::collection::vec(any::<u8>(), 0..200),
            new in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let file = of(&old, &new);
            prop_assert_eq!(file.hunks.is_empty(), file.no_lines.is_some());
        }
    }
}
