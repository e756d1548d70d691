//! Reads the bytes of `git diff`. What is malformed costs one file, never the others, and never a panic.

use std::fmt::Write as _;

use bytes::Bytes;

use super::gutter::visible;
use super::hunks::{Lines, OUT_OF_ORDER, hunks, in_order};
use super::path::SideName;
use super::{Diff, FileDiff, Hunk, NoLines, SecondHalf, Status, path};

/// Reads a diff as git writes it. The second value tells in plain sentences what could not be read.
///
/// For a diff that git wrote with its defaults, [`Diff::to_bytes`] gives back every byte.
#[must_use]
pub fn parse(raw: Bytes) -> (Diff, Vec<String>) {
    let mut lines = Lines::new(&raw);
    let mut problems = Vec::new();
    let mut files: Vec<FileDiff> = Vec::new();
    let mut strangers = Strangers::default();
    while let Some(line) = lines.line {
        if !starts_section(line) {
            strangers.meet(line, lines.number, files.is_empty());
            lines.advance();
            continue;
        }
        strangers.in_trailer = false;
        let file = section(&mut lines, &mut problems);
        match files.pop_if(|last| are_halves(last, &file)) {
            Some(deletion) => files.push(joined(deletion, file)),
            None => files.push(file),
        }
    }
    problems.extend(strangers.problem());
    if files.is_empty() && !raw.trim_ascii().is_empty() {
        problems.push("No `diff --git` line was found, so no file of the diff could be read.".to_owned());
    } else if !raw.is_empty() && !raw.ends_with(b"\n") {
        problems.push("The diff does not end in a line end: its last line may be cut off.".to_owned());
    }
    (Diff { files }, problems)
}

/// Reads one row of GitHub's file list: `patch` holds the hunks, and the header that git would have
/// written is made up, so that [`Diff::to_bytes`] gives a diff that [`parse`] reads as the same value.
#[must_use]
pub fn parse_patch(
    path: &str,
    old_path: Option<&str>,
    status: Status,
    patch: &str,
) -> (FileDiff, Vec<String>) {
    of_patch(path, old_path, status, Bytes::copy_from_slice(patch.as_bytes()))
}

/// As [`parse_patch`], for hunks that need not be UTF-8.
pub(super) fn of_patch(
    path: &str,
    old_path: Option<&str>,
    status: Status,
    raw: Bytes,
) -> (FileDiff, Vec<String>) {
    let mut lines = Lines::new(&raw);
    let read = hunks(&mut lines).and_then(|hunks| {
        while lines.line.is_some_and(<[u8]>::is_empty) {
            lines.advance();
        }
        match lines.line {
            Some(_) => Err("there are lines outside its hunks"),
            None if hunks.is_empty() => Err("it has no hunks"),
            None => Ok(hunks),
        }
    });
    let unreadable = |why: &str| {
        let file = without_lines(path, old_path, status, NoLines::Unreadable);
        (file, vec![unread(path, lines.number, why)])
    };
    let hunks = match read {
        Ok(hunks) => hunks,
        Err(why) => return unreadable(why),
    };
    let (status, old_path) = plausible(path, old_path, status);
    let file = |status, header: String, second_half, hunks| FileDiff {
        path: path.to_owned(),
        old_path: old_path.map(str::to_owned),
        status,
        header: Bytes::from(header),
        hunks,
        second_half,
        no_lines: None,
        exact_path: true,
        commentable: true,
    };
    if status == Status::TypeChanged
        && let Some(first_hunk) = type_change(&hunks)
    {
        let shown = |some: bool| if some { Shown::Lines } else { Shown::Nothing };
        let deletion = header(path, path, Status::Deleted, shown(first_hunk > 0));
        let addition = header(path, path, Status::Added, shown(first_hunk < hunks.len()));
        let half = SecondHalf { header: Bytes::from(addition), first_hunk };
        return (file(Status::TypeChanged, deletion, Some(half), hunks), Vec::new());
    }
    if !in_order(&hunks) {
        return unreadable(OUT_OF_ORDER);
    }
    let status = if status == Status::TypeChanged { Status::Modified } else { status };
    let header = header(path, old_path.unwrap_or(path), status, Shown::Lines);
    (file(status, header, None, hunks), Vec::new())
}

/// A file of which only the name is known, and why.
#[must_use]
pub fn without_lines(path: &str, old_path: Option<&str>, status: Status, why: NoLines) -> FileDiff {
    let (status, old_path) = plausible(path, old_path, status);
    let shown = match why {
        NoLines::Binary | NoLines::CalledBinary => Shown::Binary,
        NoLines::NothingToRead => Shown::Nothing,
        NoLines::Withheld | NoLines::TooLarge | NoLines::Unfetched | NoLines::Unreadable => Shown::Lines,
    };
    let (header, second_half) = if status == Status::TypeChanged {
        let addition = Bytes::from(header(path, path, Status::Added, shown));
        let half = SecondHalf { header: addition, first_hunk: 0 };
        (header(path, path, Status::Deleted, shown), Some(half))
    } else {
        (header(path, old_path.unwrap_or(path), status, shown), None)
    };
    FileDiff {
        path: path.to_owned(),
        old_path: old_path.map(str::to_owned),
        status,
        header: Bytes::from(header),
        hunks: Vec::new(),
        second_half,
        no_lines: Some(why),
        exact_path: true,
        commentable: true,
    }
}

/// A rename or a copy has another name to come from; nothing else has.
fn plausible<'a>(path: &str, old_path: Option<&'a str>, status: Status) -> (Status, Option<&'a str>) {
    match (status, old_path.filter(|old| *old != path)) {
        (Status::Renamed | Status::Copied, None) => (Status::Modified, None),
        (Status::Renamed | Status::Copied, old) => (status, old),
        (other, _) => (other, None),
    }
}

/// What a header that is made up announces.
#[derive(Clone, Copy)]
enum Shown {
    Lines,
    Binary,
    Nothing,
}

/// The header git would write, as far as it is known: modes and object names are not.
fn header(path: &str, old_path: &str, status: Status, shown: Shown) -> String {
    let (old, new) = (path::quoted("a/", old_path), path::quoted("b/", path));
    let mut out = format!("diff --git {old} {new}\n");
    let (from, to) = (path::quoted("", old_path), path::quoted("", path));
    // Writing into a string cannot fail.
    let _ = match status {
        Status::Added => writeln!(out, "new file mode 100644"),
        Status::Deleted => writeln!(out, "deleted file mode 100644"),
        Status::Renamed => writeln!(out, "rename from {from}\nrename to {to}"),
        Status::Copied => writeln!(out, "copy from {from}\ncopy to {to}"),
        Status::Modified | Status::TypeChanged => Ok(()),
    };
    let old = if status == Status::Added { "/dev/null" } else { &old };
    let new = if status == Status::Deleted { "/dev/null" } else { &new };
    let tab = |name: &str| if name.contains(' ') { "\t" } else { "" };
    let _ = match shown {
        Shown::Lines => writeln!(out, "--- {old}{}\n+++ {new}{}", tab(old), tab(new)),
        Shown::Binary => writeln!(out, "Binary files {old} and {new} differ"),
        Shown::Nothing => Ok(()),
    };
    out
}

/// The index of the first hunk of the addition, if these are the hunks of a deletion and an addition.
fn type_change(hunks: &[Hunk]) -> Option<usize> {
    let split = hunks.iter().position(|hunk| hunk.old_len == 0).unwrap_or(hunks.len());
    let (deletion, addition) = hunks.split_at_checked(split)?;
    let fits = deletion.iter().all(|hunk| hunk.new_len == 0)
        && addition.iter().all(|hunk| hunk.old_len == 0)
        && in_order(deletion)
        && in_order(addition);
    fits.then_some(split)
}

/// Whether a section is the addition that belongs to the deletion before it.
fn are_halves(last: &FileDiff, next: &FileDiff) -> bool {
    last.status == Status::Deleted && next.status == Status::Added && last.path == next.path
}

/// One file out of the two sections of a type change.
fn joined(mut deletion: FileDiff, addition: FileDiff) -> FileDiff {
    let unread = [&deletion, &addition]
        .into_iter()
        .filter_map(|half| half.no_lines)
        .find(|why| matches!(why, NoLines::Unreadable | NoLines::Withheld));
    let first_hunk = if unread.is_some() { 0 } else { deletion.hunks.len() };
    deletion.hunks.extend(addition.hunks);
    if unread.is_some() {
        deletion.hunks.clear();
    }
    let either =
        if deletion.no_lines == Some(NoLines::Binary) { deletion.no_lines } else { addition.no_lines };
    let no_lines = if deletion.hunks.is_empty() { unread.or(either) } else { None };
    FileDiff {
        status: Status::TypeChanged,
        second_half: Some(SecondHalf { header: addition.header, first_hunk }),
        no_lines,
        ..deletion
    }
}

/// Lines outside every section: a mail's text, a signature, or something that should not be there.
#[derive(Default)]
struct Strangers {
    count: usize,
    first: usize,
    in_trailer: bool,
}

impl Strangers {
    fn meet(&mut self, line: &[u8], number: usize, before_first_file: bool) {
        // `git format-patch` ends a patch in two hyphens, a space and git's version.
        self.in_trailer |= line == b"-- ";
        // Before the first file stands prose, if it does not look like a diff of another form.
        let expected = if before_first_file {
            !line.starts_with(b"@@ -") && !line.starts_with(b"--- ")
        } else {
            self.in_trailer || line.trim_ascii().is_empty()
        };
        if !expected {
            self.count += 1;
            if self.count == 1 {
                self.first = number;
            }
        }
    }

    fn problem(&self) -> Option<String> {
        (self.count > 0).then(|| {
            let (count, first) = (self.count, self.first);
            format!(
                "{count} lines of the diff belong to no file and were not read (the first is line {first})."
            )
        })
    }
}

fn unread(path: &str, number: usize, why: &str) -> String {
    format!("The diff of {} could not be read: {why} (line {number}).", visible(path.as_bytes()))
}

fn starts_section(line: &[u8]) -> bool {
    line.starts_with(b"diff --git ") || starts_combined(line)
}

/// Merges compared with several parents: three or more columns, which are not lines of two sides.
fn starts_combined(line: &[u8]) -> bool {
    line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined ")
}

/// Reads one section, the current line being its first.
fn section(lines: &mut Lines<'_>, problems: &mut Vec<String>) -> FileDiff {
    let start = lines.start;
    let first = lines.line.unwrap_or_default();
    let header = Header::read(lines);
    let header_bytes = lines.since(start);
    let names = header.names();
    let mut read = if starts_combined(first) {
        Err("it compares more than two versions")
    } else if names.is_none() {
        Err("its names could not be told apart")
    } else {
        hunks(lines).and_then(|hunks| if in_order(&hunks) { Ok(hunks) } else { Err(OUT_OF_ORDER) })
    };
    if read.is_ok() && lines.line.is_some_and(looks_like_content) {
        read = Err("it goes on behind its last hunk");
    }
    let (old, new) = names.unwrap_or_else(|| {
        let rest = first.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
        (rest.to_vec(), rest.to_vec())
    });
    let exact_path = std::str::from_utf8(&new).is_ok() && !starts_combined(first);
    let path = String::from_utf8_lossy(&new).into_owned();
    let old_path = (old != new).then(|| String::from_utf8_lossy(&old).into_owned());
    let (hunks, no_lines) = match read {
        Ok(hunks) if !hunks.is_empty() => (hunks, None),
        Ok(_) if header.binary => (Vec::new(), Some(NoLines::Binary)),
        Ok(_) if header.announces_lines => {
            problems.push(unread(&path, lines.number, "its lines are missing"));
            (Vec::new(), Some(NoLines::Withheld))
        }
        Ok(_) => (Vec::new(), Some(NoLines::NothingToRead)),
        Err(why) => {
            problems.push(unread(&path, lines.number, why));
            while lines.line.is_some_and(|line| !starts_section(line)) {
                lines.advance();
            }
            (Vec::new(), Some(NoLines::Unreadable))
        }
    };
    let status = header.status();
    FileDiff {
        path,
        old_path,
        status,
        header: header_bytes,
        hunks,
        second_half: None,
        no_lines,
        exact_path,
        commentable: true,
    }
}

/// Whether a line behind the last hunk can only be the rest of a hunk that said it was shorter.
fn looks_like_content(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'+' | b'-' | b'\\' | b'@')) && line != b"-- "
}

/// What the lines between `diff --git` and the first hunk say.
#[derive(Default)]
struct Header<'a> {
    git_line: &'a [u8],
    /// What `---` and `+++` name.
    sides: (Option<SideName>, Option<SideName>),
    /// The names of `rename from` and `rename to`, or of a copy.
    moved: (Option<Vec<u8>>, Option<Vec<u8>>),
    copied: bool,
    added: bool,
    deleted: bool,
    binary: bool,
    announces_lines: bool,
}

impl<'a> Header<'a> {
    /// Reads up to the first line that cannot belong to a header.
    fn read(lines: &mut Lines<'a>) -> Self {
        let mut header = Self {
            git_line: lines.line.and_then(|line| line.strip_prefix(b"diff --git ")).unwrap_or_default(),
            ..Self::default()
        };
        lines.advance();
        while let Some(line) = lines.line {
            if !header.take(line) {
                break;
            }
            lines.advance();
            if line == b"GIT binary patch" {
                // Its lines are encoded without spaces, so that none can look like a section.
                while lines.line.is_some_and(|line| !starts_section(line)) {
                    lines.advance();
                }
            }
        }
        header
    }

    /// Takes one line in; `false` if it is none of a header's.
    fn take(&mut self, line: &'a [u8]) -> bool {
        const SILENT: [&[u8]; 4] =
            [b"old mode ", b"new mode ", b"similarity index ", b"dissimilarity index "];
        let after = |prefix: &[u8]| line.strip_prefix(prefix);
        if SILENT.iter().any(|prefix| line.starts_with(prefix)) {
        } else if let Some(objects) = after(b"index ") {
            self.announces_lines |= names_content(objects);
        } else if line.starts_with(b"new file mode ") {
            self.added = true;
        } else if line.starts_with(b"deleted file mode ") {
            self.deleted = true;
        } else if let Some(from) = after(b"rename from ") {
            self.moved.0 = path::name(from);
        } else if let Some(to) = after(b"rename to ") {
            self.moved.1 = path::name(to);
        } else if let Some(from) = after(b"copy from ") {
            self.moved.0 = path::name(from);
            self.copied = true;
        } else if let Some(to) = after(b"copy to ") {
            self.moved.1 = path::name(to);
        } else if let Some(old) = after(b"--- ") {
            self.sides.0 = path::side_name(old);
            self.announces_lines = true;
        } else if let Some(new) = after(b"+++ ") {
            self.sides.1 = path::side_name(new);
            self.announces_lines = true;
        } else {
            let binary = line == b"GIT binary patch"
                || (line.starts_with(b"Binary files ") && line.ends_with(b" differ"));
            self.binary |= binary;
            return binary;
        }
        true
    }

    /// The old and the new name; the same twice unless the file moved.
    fn names(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        if let (Some(from), Some(to)) = &self.moved {
            return (!from.is_empty() && !to.is_empty()).then(|| (from.clone(), to.clone()));
        }
        // Without a rename both names are equal, and the halves of the first line tell whether git
        // was told to write prefixes; the lines with three signs alone cannot.
        if let Some(name) = path::same_name_twice(self.git_line) {
            return Some((name.clone(), name));
        }
        let bare = |name: &[u8], prefix: &[u8]| name.strip_prefix(prefix).unwrap_or(name).to_vec();
        let (old, new) = match &self.sides {
            (Some(SideName::File(old)), Some(SideName::File(new))) => {
                let (old, new) = path::without_prefixes(old, new);
                (old.to_vec(), new.to_vec())
            }
            (Some(SideName::Nothing), Some(SideName::File(new))) => (bare(new, b"b/"), bare(new, b"b/")),
            (Some(SideName::File(old)), Some(SideName::Nothing)) => (bare(old, b"a/"), bare(old, b"a/")),
            _ => return None,
        };
        (!old.is_empty() && !new.is_empty()).then_some((old, new))
    }

    fn status(&self) -> Status {
        if self.added || self.sides.0 == Some(SideName::Nothing) {
            Status::Added
        } else if self.deleted || self.sides.1 == Some(SideName::Nothing) {
            Status::Deleted
        } else if self.moved.0.is_none() {
            Status::Modified
        } else if self.copied {
            Status::Copied
        } else {
            Status::Renamed
        }
    }
}

/// Whether an `index` line names an object that is not empty, so that there must be lines to read.
fn names_content(objects: &[u8]) -> bool {
    const EMPTY: [&[u8]; 2] = [
        b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    ];
    let names = objects.split(|byte| *byte == b' ').next().unwrap_or_default();
    names
        .split(|byte| *byte == b'.')
        .filter(|name| !name.is_empty())
        .any(|name| !name.iter().all(|byte| *byte == b'0') && !EMPTY.iter().any(|id| id.starts_with(name)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::diff::LineKind;

    /// Reads a diff that must be well-formed: no problems, and every byte comes back.
    fn read(diff: &str) -> Vec<FileDiff> {
        let (parsed, problems) = parse(Bytes::copy_from_slice(diff.as_bytes()));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(String::from_utf8_lossy(&parsed.to_bytes()), diff);
        parsed.files
    }

    /// Reads a diff that must have problems: what each file became, and their number.
    fn broken(diff: &str) -> (Vec<(String, Option<NoLines>)>, usize) {
        let (parsed, problems) = parse(Bytes::copy_from_slice(diff.as_bytes()));
        (parsed.files.into_iter().map(|file| (file.path, file.no_lines)).collect(), problems.len())
    }

    fn name(path: &str, why: Option<NoLines>) -> (String, Option<NoLines>) {
        (path.to_owned(), why)
    }

    const SOUND: &str = "diff --git a/ok b/ok\nindex 1..2 100644\n--- a/ok\n+++ b/ok\n@@ -1 +1 @@\n-x\n+y\n";

    #[test]
    fn lines_carry_the_numbers_of_their_sides() {
        let files = read(
            "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -3,3 +5,4 @@ fn f()\n a\n-b\n+B\n+C\n c\n",
        );
        let numbers: Vec<_> = files[0].lines().map(|line| (line.kind, line.old, line.new)).collect();
        assert_eq!(
            numbers,
            [
                (LineKind::Context, Some(3), Some(5)),
                (LineKind::Deleted, Some(4), None),
                (LineKind::Added, None, Some(6)),
                (LineKind::Added, None, Some(7)),
                (LineKind::Context, Some(5), Some(8)),
            ]
        );
    }

    #[test]
    fn counts_and_not_looks_decide_where_a_hunk_ends() {
        let files = read(
            "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1,4 +1,3 @@\n--- a/x\n-diff --git a/y b/y\n+++ b/x\n \n-@@ -1 +1 @@\n+@@ -9 +9 @@\ndiff --git a/g b/g\nold mode 100644\nnew mode 100755\n",
        );
        assert_eq!(files[0].changed_lines(), (2, 3));
        assert_eq!((files[1].path.as_str(), files[1].no_lines), ("g", Some(NoLines::NothingToRead)));
    }

    #[test]
    fn carriage_returns_form_feeds_and_nul_belong_to_the_line() {
        let files = read(
            "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@ h\r\n-a\r\n-b\rc\n+a\x0c\n+b\0c\n",
        );
        let texts: Vec<_> = files[0].lines().map(|line| line.text.as_ref()).collect();
        assert_eq!(texts, [&b"a\r"[..], b"b\rc", b"a\x0c", b"b\0c"]);
    }

    #[test]
    fn both_sides_can_lack_the_last_line_end() {
        let end = "\\ No newline at end of file\n";
        let files = read(&format!(
            "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n{end}+b\n{end}{SOUND}"
        ));
        assert!(files[0].lines().all(|line| line.no_newline));
        assert!(files[1].lines().all(|line| !line.no_newline));
    }

    #[test]
    fn names_are_told_apart_in_every_spelling() {
        let files = read(
            "diff --git a/old name b/new name\nsimilarity index 100%\nrename from old name\nrename to new name\n\
             diff --git \"a/caf\\303\\251\" b/plain\nsimilarity index 90%\ncopy from \"caf\\303\\251\"\ncopy to plain\n\
             diff --git a/b c b/b c\nindex 1..2 100644\n--- a/b c\t\n+++ b/b c\t\n@@ -1 +1 @@\n-x\n+y\n\
             diff --git a/e b/e b/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n\
             diff --git \"a/bad\\377\" \"b/bad\\377\"\ndeleted file mode 100644\nindex e69de29..0000000\n",
        );
        let names: Vec<_> =
            files.iter().map(|f| (f.path.as_str(), f.old_path.as_deref(), f.status, f.exact_path)).collect();
        assert_eq!(
            names,
            [
                ("new name", Some("old name"), Status::Renamed, true),
                ("plain", Some("café"), Status::Copied, true),
                ("b c", None, Status::Modified, true),
                ("e b/e", None, Status::Added, true),
                ("bad\u{fffd}", None, Status::Deleted, false),
            ]
        );
        assert_eq!(files[2].no_lines, None);
        assert!(
            files.iter().filter(|f| f.hunks.is_empty()).all(|f| f.no_lines == Some(NoLines::NothingToRead))
        );
    }

    #[test]
    fn binary_files_have_no_lines_in_either_form() {
        let files = read(
            "diff --git a/p b/p\nindex 1..2 100644\nBinary files a/p and b/p differ\n\
             diff --git a/q b/q\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQ\n\nliteral 0\nHcmV?d00001\n\n\
             diff --git a/m b/m\nindex 1..2 160000\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n",
        );
        let why: Vec<_> = files.iter().map(|file| file.no_lines).collect();
        assert_eq!(why, [Some(NoLines::Binary), Some(NoLines::Binary), None]);
    }

    #[test]
    fn the_two_sections_of_a_type_change_are_one_file() {
        let deletion = "diff --git a/l b/l\ndeleted file mode 120000\nindex 1..0\n--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-t\n\\ No newline at end of file\n";
        let addition = "diff --git a/l b/l\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n";
        let binary =
            "diff --git a/l b/l\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/l differ\n";
        let empty = "diff --git a/l b/l\ndeleted file mode 100644\nindex e69de29..0\n";
        for (diff, hunks, first_hunk) in [
            (format!("{deletion}{addition}{SOUND}"), 2, 1),
            (format!("{deletion}{binary}{SOUND}"), 1, 1),
            (format!("{empty}{addition}{SOUND}"), 1, 0),
            (format!("{empty}{binary}{SOUND}"), 0, 0),
        ] {
            let files = read(&diff);
            assert_eq!((files.len(), files[0].status), (2, Status::TypeChanged));
            assert_eq!(files[0].hunks.len(), hunks);
            assert_eq!(files[0].second_half.as_ref().unwrap().first_hunk, first_hunk);
            assert_eq!(files[0].no_lines, (hunks == 0).then_some(NoLines::Binary));
        }
    }

    #[test]
    fn a_malformed_file_costs_only_itself() {
        let head = "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n";
        for hunk in [
            "@@ -1,9 +1 @@\n-x\n+y\n",
            "@@ -1 +1 @@\n-x\n+y\n+z\n",
            "@@ -1 +1 @@\n+x\n+y\n",
            "@@ -1 +1 @@\n",
            "@@ -1 +1\n-x\n+y\n",
            "@@ -4294967295 +1 @@\n-x\n+y\n",
            "@@ -99999999999 +1 @@\n-x\n+y\n",
            "@@ -1,4294967295 +1,4294967295 @@\n-x\n+y\n",
            "@@ -0 +1 @@\n-x\n+y\n",
            "@@ -0,0 +0,0 @@\n",
            "@@ -5 +5 @@\n-x\n+y\n@@ -5 +6 @@\n-x\n+y\n",
            "@@ -1 +1 @@\n\\ No newline at end of file\n-x\n+y\n",
        ] {
            let (files, problems) = broken(&format!("{head}{hunk}{SOUND}"));
            assert_eq!(files, [name("f", Some(NoLines::Unreadable)), name("ok", None)], "{hunk}");
            assert_eq!(problems, 1, "{hunk}");
        }
        let (files, problems) = broken(&format!("{head}{SOUND}"));
        assert_eq!(files, [name("f", Some(NoLines::Withheld)), name("ok", None)]);
        assert_eq!(problems, 1);
        let (files, _) = broken(&format!(
            "diff --cc f\nindex 1,2..3\n--- a/f\n+++ b/f\n@@@ -1,1 -1,1 +1,2 @@@\n+ x\n{SOUND}"
        ));
        assert_eq!(files, [name("f", Some(NoLines::Unreadable)), name("ok", None)]);
        let (files, _) = broken(&format!("diff --git a/one b/other\n{SOUND}"));
        assert_eq!(files, [name("a/one b/other", Some(NoLines::Unreadable)), name("ok", None)]);
    }

    #[test]
    fn what_is_no_diff_is_told_and_what_surrounds_a_patch_is_not() {
        assert_eq!(broken("hello\n"), (vec![], 1));
        assert_eq!(broken("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n").1, 2);
        assert_eq!(broken("\n"), (vec![], 0));
        assert_eq!(broken(&format!("From 1\nSubject: x\n---\n f | 2 +-\n\n{SOUND}-- \n2.47.3\n\n")).1, 0);
        assert_eq!(broken(&format!("{SOUND}(cut off by a tool)\n")), (vec![name("ok", None)], 1));
        assert_eq!(broken(SOUND.trim_end()), (vec![name("ok", None)], 1));
    }

    #[test]
    fn a_type_change_in_githubs_list_becomes_two_sections() {
        let patch = "@@ -1 +0,0 @@\n-t\n\\ No newline at end of file\n@@ -0,0 +1 @@\n+x";
        let (file, problems) = parse_patch("a b", None, Status::TypeChanged, patch);
        assert_eq!((problems, file.hunks.len()), (vec![], 2));
        let header = "diff --git a/a b b/a b\ndeleted file mode 100644\n--- a/a b\t\n+++ /dev/null\n";
        assert_eq!(file.header, header, "git ends a name with spaces by a tab");
        let diff = Diff { files: vec![file] };
        assert_eq!(parse(Bytes::from(diff.to_bytes())), (diff, vec![]));
    }

    #[test]
    fn a_patch_that_is_not_one_is_unreadable_and_a_withheld_one_stays_withheld() {
        for patch in [
            "",
            "x",
            "@@ -1 +1 @@\n-x",
            "@@ -1 +1 @@\n-x\n+y\nz",
            "@@ -1 +1 @@\n-x\n+y\n\n@@ -5 +5 @@\n-x\n+y",
            "@@ -5 +5 @@\n-x\n+y\n@@ -1 +1 @@\n-x\n+y",
        ] {
            let (file, problems) = parse_patch("f", None, Status::Modified, patch);
            assert_eq!((file.no_lines, problems.len()), (Some(NoLines::Unreadable), 1), "{patch}");
        }
        for why in [NoLines::Withheld, NoLines::Binary, NoLines::NothingToRead] {
            for status in STATUSES {
                let file = without_lines("dir/new", Some("old"), status, why);
                let diff = Diff { files: vec![file] };
                assert_eq!(parse(Bytes::from(diff.to_bytes())).0, diff);
            }
        }
    }

    const STATUSES: [Status; 6] = [
        Status::Added,
        Status::Deleted,
        Status::Modified,
        Status::Renamed,
        Status::Copied,
        Status::TypeChanged,
    ];

    /// Hunks with any content, their headers agreeing with them.
    fn any_hunks() -> impl Strategy<Value = String> {
        let line = ("[ +-]", "[^\n]{0,8}|-- a/x|@@ -1 [+]1 @@|diff --git a/x b/x|", any::<bool>());
        prop::collection::vec((0..3_u32, prop::collection::vec(line, 1..6)), 1..4).prop_map(|hunks| {
            let (mut old, mut new, mut out) = (1, 1, String::new());
            for (gap, lines) in hunks {
                let count = |sign: &str| lines.iter().filter(|line| line.0 == sign || line.0 == " ").count();
                let (olds, news) = (count("-") as u32, count("+") as u32);
                (old, new) = (old + gap, new + gap);
                let start = |at: u32, length: u32| at - u32::from(length == 0);
                out += &format!("@@ -{},{olds} +{},{news} @@ h\n", start(old, olds), start(new, news));
                for (sign, text, ends) in &lines {
                    out += &format!(
                        "{sign}{text}\n{}",
                        if *ends { "" } else { "\\ No newline at end of file\n" }
                    );
                }
                (old, new) = (old + olds, new + news);
            }
            out
        })
    }

    proptest! {
        #[test]
        fn a_row_of_githubs_list_reads_back_equal(
            path in "[^\0]{1,9}|a/[a-z ]{1,4}|[a-z] b/[a-z]",
            old in prop::option::of("[^\0]{1,9}"),
            status in prop::sample::select(&STATUSES[..]),
            patch in any_hunks(),
        ) {
            let (file, problems) = parse_patch(&path, old.as_deref(), status, &patch);
            prop_assert_eq!(problems, Vec::<String>::new());
            let diff = Diff { files: vec![file] };
            let bytes = diff.to_bytes();
            prop_assert!(bytes.ends_with(patch.as_bytes()) || status == Status::TypeChanged);
            let (again, problems) = parse(Bytes::from(bytes));
            prop_assert_eq!(problems, Vec::<String>::new());
            prop_assert_eq!(again, diff);
        }

        #[test]
        fn damaged_diffs_are_read_without_panic_and_what_is_read_reads_back(
            patch in any_hunks(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..4),
        ) {
            let (file, _) = parse_patch("new name", Some("old"), Status::Renamed, &patch);
            let mut bytes = Diff { files: vec![file] }.to_bytes();
            bytes.extend_from_slice(SOUND.as_bytes());
            for (at, byte, how) in damage {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => { bytes.remove(at); }
                    _ => bytes.insert(at, b'\n'),
                }
            }
            let (read, _) = parse(Bytes::from(bytes));
            for file in &read.files {
                prop_assert_eq!(file.hunks.is_empty(), file.no_lines.is_some());
            }
            let (again, _) = parse(Bytes::from(read.to_bytes()));
            prop_assert_eq!(again.to_bytes(), read.to_bytes());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(Bytes::from(bytes.clone()));
            let patch = String::from_utf8_lossy(&bytes);
            let _ = parse_patch(&patch, Some(&patch), Status::Renamed, &patch);
        }
    }
}
