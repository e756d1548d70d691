//! The world's own reader of git diffs, for the one rule everything hangs on: where a comment may stand.
//!
//! It shares nothing with the project's parser, so that a mistake in one cannot hide in the other.

/// One file of a diff. The two halves of a type change are one file, as in GitHub's file list.
#[derive(Clone, Debug)]
pub struct FileDiff {
    pub path: String,
    pub old_path: String,
    pub status: FileStatus,
    pub binary: bool,
    /// Object names of the `index` line, abbreviated as git printed them.
    pub blobs: Option<(String, String)>,
    pub hunks: Vec<Hunk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    Added,
    Removed,
    Modified,
    Renamed,
    Copied,
    /// A type change, such as a file that becomes a symbolic link.
    Changed,
}

#[derive(Clone, Debug)]
pub struct Hunk {
    /// Header and lines as they stand in the diff, without the last line end.
    pub raw: Vec<u8>,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub kind: Kind,
    pub old: u32,
    pub new: u32,
    pub text: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Context,
    Deleted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Left,
    Right,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "LEFT",
            Self::Right => "RIGHT",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "LEFT" => Some(Self::Left),
            "RIGHT" => Some(Self::Right),
            _ => None,
        }
    }
}

impl Line {
    /// Where this line takes a comment: deleted lines on the left, all others on the right.
    pub fn anchor(&self) -> (Side, u32) {
        match self.kind {
            Kind::Deleted => (Side::Left, self.old),
            Kind::Added | Kind::Context => (Side::Right, self.new),
        }
    }
}

impl FileDiff {
    pub fn additions(&self) -> usize {
        self.count(Kind::Added)
    }

    pub fn deletions(&self) -> usize {
        self.count(Kind::Deleted)
    }

    fn count(&self, kind: Kind) -> usize {
        let lines = self.hunks.iter().flat_map(|hunk| &hunk.lines);
        lines.filter(|line| line.kind == kind).count()
    }

    /// The hunk (from 0) and the line at which a comment on this side and number would stand.
    pub fn line_at(&self, side: Side, number: u32) -> Option<(usize, &Line)> {
        self.hunks.iter().enumerate().find_map(|(index, hunk)| {
            let line = hunk.lines.iter().find(|l| l.anchor() == (side, number));
            line.map(|line| (index, line))
        })
    }

    /// The hunks alone, as the file list shows them under `patch`.
    pub fn patch(&self) -> Option<String> {
        if self.hunks.is_empty() {
            return None;
        }
        let hunks: Vec<_> = self.hunks.iter().map(|h| h.raw.as_slice()).collect();
        Some(String::from_utf8_lossy(&hunks.join(&b'\n')).into_owned())
    }
}

/// Reads a diff as git writes it.
pub fn read(diff: &[u8]) -> Vec<FileDiff> {
    let mut lines = diff
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        .peekable();
    let mut files: Vec<FileDiff> = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(names) = line.strip_prefix(b"diff --git ") {
            files.push(FileDiff::headed(names));
            continue;
        }
        let Some(file) = files.last_mut() else {
            continue;
        };
        let Some((mut old, old_len, mut new, new_len)) = hunk_header(line) else {
            file.read_header(line);
            continue;
        };
        let mut raw = line.to_vec();
        let mut body = Vec::new();
        let (old_end, new_end) = (old + old_len, new + new_len);
        while old < old_end || new < new_end || lines.peek().is_some_and(|l| l.starts_with(b"\\")) {
            let Some(line) = lines.next() else { break };
            raw.push(b'\n');
            raw.extend_from_slice(line);
            let (kind, text) = match line.split_first() {
                Some((b'+', text)) => (Kind::Added, text),
                Some((b'-', text)) => (Kind::Deleted, text),
                Some((b' ', text)) => (Kind::Context, text),
                // "\ No newline at end of file" is a remark about the line before it.
                Some((b'\\', _)) => continue,
                _ => (Kind::Context, line),
            };
            let text = text.to_vec();
            body.push(Line { kind, old, new, text });
            old += u32::from(kind != Kind::Added);
            new += u32::from(kind != Kind::Deleted);
        }
        file.hunks.push(Hunk { raw, lines: body });
    }
    join_type_changes(files)
}

impl FileDiff {
    /// A file known by the names of its `diff --git` line only, which suffices when nothing else follows.
    fn headed(names: &[u8]) -> Self {
        let (old_path, path) = header_paths(names);
        Self { path, old_path, status: FileStatus::Modified, binary: false, blobs: None, hunks: Vec::new() }
    }

    fn read_header(&mut self, line: &[u8]) {
        let after = |prefix: &str| line.strip_prefix(prefix.as_bytes());
        if let Some(path) = after("--- ").and_then(side_path) {
            self.old_path = path;
        } else if let Some(path) = after("+++ ").and_then(side_path) {
            self.path = path;
        } else if after("new file mode ").is_some() {
            self.status = FileStatus::Added;
        } else if after("deleted file mode ").is_some() {
            self.status = FileStatus::Removed;
        } else if let Some(path) = after("rename from ").or(after("copy from ")) {
            self.old_path = unquote(path);
        } else if let Some(path) = after("rename to ") {
            self.path = unquote(path);
            self.status = FileStatus::Renamed;
        } else if let Some(path) = after("copy to ") {
            self.path = unquote(path);
            self.status = FileStatus::Copied;
        } else if after("Binary files ").is_some() || line == b"GIT binary patch" {
            self.binary = true;
        } else if let Some(names) = after("index ") {
            let names = String::from_utf8_lossy(names);
            let names = names.split(' ').next().unwrap_or_default();
            self.blobs = names.split_once("..").map(|(old, new)| (old.into(), new.into()));
        }
    }
}

/// Git writes a type change as a deletion followed by an addition of the same path.
fn join_type_changes(files: Vec<FileDiff>) -> Vec<FileDiff> {
    let mut joined: Vec<FileDiff> = Vec::new();
    for file in files {
        match joined.last_mut() {
            Some(last)
                if last.path == file.path
                    && last.status == FileStatus::Removed
                    && file.status == FileStatus::Added =>
            {
                last.status = FileStatus::Changed;
                last.binary |= file.binary;
                last.hunks.extend(file.hunks);
            }
            _ => joined.push(file),
        }
    }
    joined
}

/// `@@ -1,2 +3,4 @@` as (1, 2, 3, 4); a missing length is 1.
///
/// Git numbers an empty side from the line before it, which no line of the hunk uses.
fn hunk_header(line: &[u8]) -> Option<(u32, u32, u32, u32)> {
    let text = String::from_utf8_lossy(line.strip_prefix(b"@@ -")?);
    let (ranges, _) = text.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(u32, u32)> {
        match text.split_once(',') {
            Some((start, len)) => Some((start.parse().ok()?, len.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let (old, new) = (range(old)?, range(new)?);
    Some((old.0, old.1, new.0, new.1))
}

/// The two paths of a `diff --git` line. Unquoted names are told apart by being equal, as they are
/// whenever no other header line names them.
fn header_paths(names: &[u8]) -> (String, String) {
    if names.starts_with(b"\"") {
        let both = unquote(names);
        let path = both.strip_prefix("a/").unwrap_or(&both).to_owned();
        return (path.clone(), path);
    }
    let half = names.len() / 2;
    let old = names.get(..half).unwrap_or_default();
    let old = String::from_utf8_lossy(old.strip_prefix(b"a/").unwrap_or(old)).into_owned();
    (old.clone(), old)
}

/// The path of a `---` or `+++` line; none for `/dev/null`.
fn side_path(text: &[u8]) -> Option<String> {
    if text == b"/dev/null" {
        return None;
    }
    // Git ends a name that holds a blank with a tab, for the sake of `patch`.
    let path = unquote(text.strip_suffix(b"\t").unwrap_or(text));
    let stripped = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/"));
    stripped.map(str::to_owned)
}

/// Undoes git's C-style quoting; an unquoted name is returned as it is.
fn unquote(text: &[u8]) -> String {
    let Some(inner) = text.strip_prefix(b"\"") else {
        return String::from_utf8_lossy(text).into_owned();
    };
    let mut bytes = Vec::new();
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => break,
            b'\\' => match rest.next() {
                Some(digit @ b'0'..=b'7') => {
                    let mut value = u32::from(digit - b'0');
                    for digit in rest.by_ref().take(2) {
                        value = value * 8 + u32::from(digit.saturating_sub(b'0'));
                    }
                    bytes.push(u8::try_from(value).unwrap_or(b'?'));
                }
                Some(b'n') => bytes.push(b'\n'),
                Some(b't') => bytes.push(b'\t'),
                Some(b'r') => bytes.push(b'\r'),
                Some(b'a') => bytes.push(7),
                Some(b'b') => bytes.push(8),
                Some(b'v') => bytes.push(11),
                Some(b'f') => bytes.push(12),
                Some(other) => bytes.push(other),
                None => break,
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
