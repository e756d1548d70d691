//! A pull request's diff as a value: files, hunks, lines. Bytes in, model out; UTF-8 is never assumed.
//!
//! The model keeps slices of the bytes it was read from, so that reading a large diff copies nothing
//! and `Diff::to_bytes` gives back what was read (secrets replaced, once `redact` has run).

mod anchor;
mod around;
mod computed;
mod gutter;
mod hunks;
mod parse;
mod path;

use bytes::Bytes;

pub use anchor::{Claim, Resolver, ends_with, named_file, spelled};
pub(in crate::domain) use around::cost;
pub use around::{Around, Beside, Surrounding};
pub use computed::computed;
pub(crate) use gutter::{bare, strip_gutter, without_cut};
pub use gutter::{
    heading, is_cut, number_width, render, render_beside, render_hunk_heading, render_lines, render_numbered,
    render_surrounding, visible,
};
pub use parse::{parse, parse_patch, without_lines};
pub(in crate::domain) use path::unquote;

/// All files of one diff, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Every file, read or not.
    pub files: Vec<FileDiff>,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content or mode changed.
    Modified,
    /// It has another name, and perhaps other content.
    Renamed,
    /// It was made from another file.
    Copied,
    /// It became another kind of thing (a link became a file): two sections of the diff, one file.
    TypeChanged,
}

/// Why a file has no lines although it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLines {
    /// Its content is not text.
    Binary,
    /// It is called binary, and under its name that is not to be believed.
    CalledBinary,
    /// Only its name, mode or emptiness changed: there is nothing to read.
    NothingToRead,
    /// GitHub does not send its lines, and nothing else was asked for them.
    Withheld,
    /// GitHub does not send its lines, and it is too large to be compared here.
    TooLarge,
    /// GitHub does not send its lines, and its content could not be fetched.
    Unfetched,
    /// Its section of the diff could not be understood.
    Unreadable,
}

/// One file of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The path in the head (in the base for a deletion). Bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The path in the base, when it differs.
    pub old_path: Option<String>,
    /// What happened.
    pub status: Status,
    /// The header bytes from `diff --git` to the first hunk, as read.
    pub header: Bytes,
    /// The changed regions; empty exactly when `no_lines` says why.
    pub hunks: Vec<Hunk>,
    /// Where the addition begins when the file became another kind of thing.
    pub second_half: Option<SecondHalf>,
    /// Why there are no hunks.
    pub no_lines: Option<NoLines>,
    /// Whether `path` is the path byte for byte, so that a comment can name it.
    pub exact_path: bool,
    /// Whether GitHub shows these lines. Where it does not, it refuses comments on them, and with one of those a
    /// whole review.
    pub commentable: bool,
}

/// The second of the two sections that git writes for a type change: first a deletion, then an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondHalf {
    /// Its header bytes, as read.
    pub header: Bytes,
    /// The index of its first hunk in the file's hunks (their number when it has none).
    pub first_hunk: usize,
}

/// One `@@` region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The `@@ … @@` line as read, without its line end.
    pub header: Bytes,
    /// First old line; git writes 0 when there is none.
    pub old_start: u32,
    /// Number of old lines.
    pub old_len: u32,
    /// First new line; git writes 0 when there is none.
    pub new_start: u32,
    /// Number of new lines.
    pub new_len: u32,
    /// The lines in the order of the diff.
    pub lines: Vec<Line>,
}

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// In both versions.
    Context,
    /// Only in the new version.
    Added,
    /// Only in the old version.
    Deleted,
}

/// One line of a hunk. Lines end at `\n` only; a carriage return belongs to the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it does.
    pub kind: LineKind,
    /// Its number in the old file, for context and deleted lines.
    pub old: Option<u32>,
    /// Its number in the new file, for context and added lines.
    pub new: Option<u32>,
    /// Its bytes without sign and line end.
    pub text: Bytes,
    /// Whether it is the last line of a file that does not end in a line end.
    pub no_newline: bool,
    /// Whether a secret in it was replaced.
    pub redacted: bool,
}

impl Diff {
    /// The file that a path names: as the head or the base spells it.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileDiff> {
        self.files
            .iter()
            .find(|file| file.path == path)
            .or_else(|| self.files.iter().find(|file| file.old_path.as_deref() == Some(path)))
    }

    /// The diff as git would write it, secrets replaced where they were.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for file in &self.files {
            let (first, second) = file.halves();
            out.extend_from_slice(&file.header);
            first.iter().for_each(|hunk| hunk.write(&mut out));
            if let Some(half) = &file.second_half {
                out.extend_from_slice(&half.header);
            }
            second.iter().for_each(|hunk| hunk.write(&mut out));
        }
        out
    }
}

impl FileDiff {
    /// The hunks of a type change's deletion and of its addition; of any other file, all and none.
    fn halves(&self) -> (&[Hunk], &[Hunk]) {
        let split = self.second_half.as_ref().map_or(self.hunks.len(), |half| half.first_hunk);
        self.hunks.split_at_checked(split).unwrap_or((&self.hunks, &[]))
    }

    /// Number of added and deleted lines.
    #[must_use]
    pub fn changed_lines(&self) -> (usize, usize) {
        let count = |kind| self.lines().filter(|line| line.kind == kind).count();
        (count(LineKind::Added), count(LineKind::Deleted))
    }

    /// Whether it became another kind of thing and one of the two has no lines: then the lines are not all there is.
    #[must_use]
    pub fn hides_a_half(&self) -> bool {
        let says_binary = |header: &Bytes| {
            let mut lines = header.split(|byte| *byte == b'\n');
            lines.any(|line| line.starts_with(b"Binary files ") || line == b"GIT binary patch")
        };
        let second = self.second_half.as_ref();
        !self.hunks.is_empty()
            && second.is_some_and(|half| says_binary(&self.header) || says_binary(&half.header))
    }

    /// Every line of every hunk.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.hunks.iter().flat_map(|hunk| &hunk.lines)
    }
}

impl Hunk {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
        out.push(b'\n');
        for line in &self.lines {
            out.push(match line.kind {
                LineKind::Context => b' ',
                LineKind::Added => b'+',
                LineKind::Deleted => b'-',
            });
            out.extend_from_slice(&line.text);
            out.push(b'\n');
            if line.no_newline {
                out.extend_from_slice(b"\\ No newline at end of file\n");
            }
        }
    }
}
