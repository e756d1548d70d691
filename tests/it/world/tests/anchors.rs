//! The anchor rule, against the oracle that was made from git and not from a parser.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::diff::{self, Kind};

/// Path, side, line, kind and hunk of every place where a comment may stand.
type Anchors = BTreeSet<(String, String, u32, String, usize)>;

fn read(diff: &[u8]) -> Anchors {
    let mut anchors = Anchors::new();
    for file in diff::read(diff) {
        for (index, hunk) in file.hunks.iter().enumerate() {
            for line in &hunk.lines {
                let (side, number) = line.anchor();
                let kind = match line.kind {
                    Kind::Added => "add",
                    Kind::Context => "ctx",
                    Kind::Deleted => "del",
                };
                anchors.insert((file.path.clone(), side.name().into(), number, kind.into(), index + 1));
            }
        }
    }
    anchors
}

fn oracle(rows: &[u8]) -> Anchors {
    let rows = String::from_utf8_lossy(rows);
    let anchor = |row: &str| {
        let mut columns = row.split('\t');
        let is_anchor = columns.next()? == "A";
        let (path, side) = (columns.next()?.to_owned(), columns.next()?.to_owned());
        let (line, kind) = (columns.next()?.parse().ok()?, columns.next()?.to_owned());
        let hunk = columns.nth(1)?.parse().ok()?;
        is_anchor.then_some((path, side, line, kind, hunk))
    };
    rows.lines().filter_map(anchor).collect()
}

#[test]
fn the_anchors_of_every_real_diff_are_those_of_the_oracle() {
    let Some(shared) = std::env::var_os("COUNTERPOINT_SHARED") else {
        return;
    };
    let mut cases = 0;
    let folders = std::fs::read_dir(Path::new(&shared).join("corpus")).expect("the corpus is there");
    for folder in folders.flatten() {
        let (Ok(diff), Ok(rows)) =
            (std::fs::read(folder.path().join("pr.diff")), std::fs::read(folder.path().join("oracle.tsv")))
        else {
            continue;
        };
        let (found, expected) = (read(&diff), oracle(&rows));
        let missing: Vec<_> = expected.difference(&found).take(3).collect();
        let invented: Vec<_> = found.difference(&expected).take(3).collect();
        let name = folder.file_name();
        assert!(
            missing.is_empty() && invented.is_empty(),
            "{name:?}: missing {missing:?}, invented {invented:?}"
        );
        assert!(!expected.is_empty(), "{name:?} has no anchors");
        cases += 1;
    }
    assert!(cases > 40, "only {cases} cases");
}

#[test]
fn names_are_unquoted_and_headers_inside_hunks_are_text() {
    let diff = b"diff --git \"a/\\303\\251 1.txt\" \"b/\\303\\251 1.txt\"\n--- \"a/\\303\\251 1.txt\"\t\n\
        +++ \"b/\\303\\251 1.txt\"\t\n@@ -1,2 +1,2 @@\n--- a/x\n+++ b/x\n same\n\\ No newline at end of file\n";
    let anchors: Vec<_> =
        read(diff).into_iter().map(|(path, side, line, kind, _)| (path, side, line, kind)).collect();
    let name = || "é 1.txt".to_owned();
    assert_eq!(
        anchors,
        [
            (name(), "LEFT".to_owned(), 1, "del".to_owned()),
            (name(), "RIGHT".to_owned(), 1, "add".to_owned()),
            (name(), "RIGHT".to_owned(), 2, "ctx".to_owned()),
        ]
    );
}
