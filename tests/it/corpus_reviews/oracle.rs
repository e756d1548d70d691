//! A case of the corpus as its oracle tells it. The product's parser has no part in this.

use std::fs;
use std::path::Path;

use sha1::{Digest, Sha1};

/// Which version of a file a claim or a comment counts its lines in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Old,
    New,
}

/// One row `A`: a line that takes a comment, with the text that `pr.diff` has for it.
pub struct Line {
    /// The number of its hunk within the file.
    pub hunk: usize,
    pub side: Side,
    pub changed: bool,
    /// Its number in the old file; context lines have both.
    pub old: Option<u32>,
    pub new: Option<u32>,
    /// What a reviewer can copy: valid UTF-8, otherwise as it stands in the file.
    pub text: String,
    /// What a reviewer is shown in its place where the two differ.
    pub shown: String,
}

/// One row `F` with the lines of its hunks, in the order of the diff.
pub struct File {
    pub path: String,
    pub old_path: String,
    pub lines: Vec<Line>,
}

/// One real pull request.
pub struct Case {
    pub name: String,
    pub diff: Vec<u8>,
    pub files: Vec<File>,
}

impl Line {
    pub fn is_deleted(&self) -> bool {
        self.side == Side::Old
    }

    /// Its number where it takes a comment.
    pub fn number(&self) -> u32 {
        if self.is_deleted() { self.old.unwrap() } else { self.new.unwrap() }
    }
}

/// The first characters of a long line are all that a reviewer sees of it.
const SHOWN_CHARS: usize = 2_000;

/// A line without what belongs to the file: the carriage return of its end, a byte order mark at its start.
pub fn bare(text: &str) -> &str {
    let text = text.strip_suffix('\r').unwrap_or(text);
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A line as a reviewer sees it: control characters as their pictures, and not endless.
pub fn shown(text: &str) -> String {
    let picture = |c: char| match c {
        '\t' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap(),
        '\x7f' => '␡',
        c => c,
    };
    bare(text).chars().take(SHOWN_CHARS).map(picture).collect()
}

/// Reads the cases that have an oracle, in the order of their names.
pub fn cases(shared: &Path) -> Vec<Case> {
    let folders = fs::read_dir(shared.join("corpus")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders.filter(|folder| folder.join("oracle.tsv").exists()).collect();
    folders.sort();
    folders.iter().map(|folder| read(folder)).collect()
}

fn read(folder: &Path) -> Case {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let oracle = fs::read_to_string(folder.join("oracle.tsv")).unwrap();
    let diff = fs::read(folder.join("pr.diff")).unwrap();
    let mut raw = diff.split(|byte| *byte == b'\n');
    let mut files: Vec<File> = Vec::new();
    // The numbers that the next line of the hunk has on each side.
    let (mut old, mut new) = (0, 0);
    for row in oracle.lines() {
        let columns: Vec<&str> = row.split('\t').collect();
        match columns[..] {
            ["F", path, old_path, ..] => {
                files.push(File { path: path.to_owned(), old_path: old_path.to_owned(), lines: Vec::new() });
            }
            ["H", _, _, old_start, _, new_start, _] => {
                (old, new) = (old_start.parse().unwrap(), new_start.parse().unwrap());
                raw.find(|line| line.starts_with(b"@@ -")).expect("pr.diff has every hunk of the oracle");
            }
            ["A", path, _, number, kind, sha, hunk] => {
                let remark = |line: &&[u8]| line.starts_with(b"\\");
                let (sign, text) = raw.find(|line| !remark(line)).unwrap().split_first().unwrap();
                let digest: String =
                    Sha1::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(digest, sha, "{name}: {row}");
                let (side, sign_of_kind) = match kind {
                    "del" => (Side::Old, b'-'),
                    "add" => (Side::New, b'+'),
                    _ => (Side::New, b' '),
                };
                assert_eq!(*sign, sign_of_kind, "{name}: {row}");
                let text = String::from_utf8_lossy(text).into_owned();
                let line = Line {
                    hunk: hunk.parse().unwrap(),
                    side,
                    changed: kind != "ctx",
                    old: (kind != "add").then_some(old),
                    new: (kind != "del").then_some(new),
                    shown: shown(&text),
                    text,
                };
                assert_eq!(line.number().to_string(), number, "{name}: {row}");
                old += u32::from(kind != "add");
                new += u32::from(kind != "del");
                let file = files.last_mut().unwrap();
                assert_eq!(file.path, path, "{name}: {row}");
                file.lines.push(line);
            }
            _ => panic!("{name}: a row of another kind: {row}"),
        }
    }
    Case { name, diff, files }
}
