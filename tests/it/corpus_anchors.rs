//! The corpus of real diffs against an oracle made from git: which lines take a comment, and what they say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use counterpoint::domain::diff::{Claim, Diff, FileDiff, LineKind, NoLines, Resolver, Status, parse};
use counterpoint::domain::finding::{Placement, Resolution, Side};
use sha1::{Digest, Sha1};

struct Case {
    name: String,
    raw: Bytes,
    diff: Diff,
    problems: Vec<String>,
    oracle: Option<String>,
    meta: serde_json::Value,
}

/// All cases, or none where the shared folder is not there.
fn cases() -> Vec<Case> {
    let Some(shared) = std::env::var_os("COUNTERPOINT_SHARED") else {
        eprintln!("COUNTERPOINT_SHARED is not set: the corpus is not read");
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(PathBuf::from(shared).join("corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let cases: Vec<_> = folders
        .into_iter()
        .filter(|folder| folder.join("pr.diff").exists())
        .map(|folder| {
            let raw = Bytes::from(std::fs::read(folder.join("pr.diff")).unwrap());
            let (diff, problems) = parse(raw.clone());
            Case {
                name: folder.file_name().unwrap().to_string_lossy().into_owned(),
                raw,
                diff,
                problems,
                oracle: std::fs::read_to_string(folder.join("oracle.tsv")).ok(),
                meta: serde_json::from_slice(&std::fs::read(folder.join("meta.json")).unwrap()).unwrap(),
            }
        })
        .collect();
    assert!(cases.len() > 40, "the corpus is not complete");
    cases
}

/// The oracle's rows as our model has them. Modes, similarity and the text of binaries are in no model.
fn rows(diff: &Diff) -> String {
    let mut out = String::new();
    for file in &diff.files {
        let (added, deleted) = file.changed_lines();
        let status = match file.status {
            Status::Added => 'A',
            Status::Deleted => 'D',
            Status::Modified => 'M',
            Status::Renamed => 'R',
            Status::Copied => 'C',
            Status::TypeChanged => 'T',
        };
        let path = &file.path;
        let old_path = file.old_path.as_ref().unwrap_or(path);
        let content = if file.no_lines == Some(NoLines::Binary) { "binary" } else { "text" };
        let hunks = file.hunks.len();
        writeln!(out, "F\t{path}\t{old_path}\t{status}\t{content}\t{added}\t{deleted}\t{hunks}").unwrap();
        for (number, hunk) in (1..).zip(&file.hunks) {
            let (old, old_len, new, new_len) = (hunk.old_start, hunk.old_len, hunk.new_start, hunk.new_len);
            writeln!(out, "H\t{path}\t{number}\t{old}\t{old_len}\t{new}\t{new_len}").unwrap();
            for line in &hunk.lines {
                let (side, at, kind) = match line.kind {
                    LineKind::Context => ("RIGHT", line.new.unwrap(), "ctx"),
                    LineKind::Added => ("RIGHT", line.new.unwrap(), "add"),
                    LineKind::Deleted => ("LEFT", line.old.unwrap(), "del"),
                };
                let sha = Sha1::digest(&line.text);
                let sha: String = sha.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
                writeln!(out, "A\t{path}\t{side}\t{at}\t{kind}\t{sha}\t{number}").unwrap();
            }
        }
    }
    out
}

/// Takes modes and similarity out of the `F` rows.
fn comparable(oracle: &str) -> String {
    let mut out = String::new();
    for row in oracle.lines() {
        let mut columns: Vec<_> = row.split('\t').collect();
        if columns[0] == "F" {
            columns.drain(4..7);
        }
        out += &columns.join("\t");
        out.push('\n');
    }
    out
}

#[test]
fn the_lines_that_take_a_comment_are_the_oracles_in_every_case() {
    let (mut checked, mut anchors) = (0, 0);
    for case in cases() {
        let Some(oracle) = &case.oracle else { continue };
        let (ours, theirs) = (rows(&case.diff), comparable(oracle));
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            assert_eq!(ours, theirs, "{}", case.name);
        }
        assert_eq!(ours.lines().count(), theirs.lines().count(), "{}", case.name);
        checked += 1;
        anchors += theirs.lines().filter(|row| row.starts_with('A')).count();
    }
    println!("{checked} cases with {anchors} anchors agree with the oracle");
}

#[test]
fn every_case_comes_back_byte_for_byte_and_has_the_counts_of_git() {
    for case in cases() {
        assert_eq!(case.problems, Vec::<String>::new(), "{}", case.name);
        assert!(case.diff.to_bytes() == case.raw, "{} does not come back", case.name);
        let (mut added, mut deleted) = (0, 0);
        for file in &case.diff.files {
            added += file.changed_lines().0;
            deleted += file.changed_lines().1;
        }
        let count = |key: &str| case.meta[key].as_u64().unwrap() as usize;
        assert_eq!(case.diff.files.len(), count("files"), "{}", case.name);
        assert_eq!((added, deleted), (count("additions"), count("deletions")), "{}", case.name);
    }
}

/// The lines of one version of a hunk: side, number and text, as a reviewer can quote them.
fn quotable(file: &FileDiff) -> Vec<Vec<(Side, u32, String)>> {
    let mut runs = Vec::new();
    for hunk in &file.hunks {
        let text = |text: &Bytes| String::from_utf8_lossy(text).into_owned();
        let new = hunk.lines.iter().filter_map(|line| Some((Side::New, line.new?, text(&line.text))));
        runs.push(new.collect());
        // Runs of deleted lines: where a context line stands between, there is no old range.
        let deleted = hunk.lines.split(|line| line.kind == LineKind::Context);
        runs.extend(deleted.map(|run| {
            let run = run.iter().filter(|line| line.kind == LineKind::Deleted);
            run.map(|line| (Side::Old, line.old.unwrap(), text(&line.text))).collect::<Vec<_>>()
        }));
    }
    runs
}

#[test]
fn every_quote_of_one_to_three_lines_is_found_where_it_was_taken() {
    let (mut quotes, mut blank, start) = (0, 0, Instant::now());
    for case in cases() {
        if case.oracle.is_none() {
            continue;
        }
        let mut resolver = Resolver::new(&case.diff);
        for file in &case.diff.files {
            let runs = quotable(file);
            let windows = |length| runs.iter().flat_map(move |run| run.windows(length));
            let all: Vec<_> = (1..=3).flat_map(windows).collect();
            for lines in sample(&all) {
                let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
                if first.2.trim().is_empty() || last.2.trim().is_empty() {
                    blank += 1;
                    continue;
                }
                let quote = lines.iter().map(|line| line.2.as_str()).collect::<Vec<_>>().join("\n");
                let claim = Claim {
                    path: &file.path,
                    side: first.0,
                    line_start: first.1,
                    line_end: last.1,
                    quote: &quote,
                };
                let placement = resolver.resolve(&claim);
                let found =
                    placement.anchor().map(|anchor| (anchor.side, anchor.start, anchor.end, anchor.how));
                let taken = (first.0, first.1, last.1, Resolution::Exact);
                assert_eq!(found, Some(taken), "{}: {claim:?}: {placement:?}", case.name);
                quotes += 1;
            }
        }
    }
    println!("{quotes} quotes found, {blank} with a blank end not asked, in {:?}", start.elapsed());
}

/// Changes a path, a quote and a line in a way that lanes do; the last number is random.
type Perturbation = fn(&mut String, &mut String, &mut u32, u32);

const PERTURBATIONS: [(&str, Perturbation); 9] = [
    ("line off by up to 200", |_, _, line, by| {
        *line = line.saturating_add_signed(by.cast_signed() % 401 - 200).max(1);
    }),
    ("trimmed quote", |_, quote, _, _| *quote = quote.trim().to_owned()),
    ("re-indented quote", |_, quote, _, by| {
        *quote = format!("{:1$}{2}", "", by as usize % 13, quote.trim_start());
    }),
    ("trimmed quote, line off by up to 2", |_, quote, line, by| {
        *quote = quote.trim().to_owned();
        *line = line.saturating_add_signed(by.cast_signed() % 5 - 2).max(1);
    }),
    ("carriage return dropped", |_, quote, _, _| *quote = quote.trim_end_matches('\r').to_owned()),
    ("b/ before the path", |path, _, _, _| path.insert_str(0, "b/")),
    ("absolute path", |path, _, _, _| path.insert_str(0, "/home/runner/work/x/x/")),
    ("Windows separators", |path, _, _, _| *path = format!(".\\{}", path.replace('/', "\\"))),
    ("number and sign in the quote", |_, quote, line, _| *quote = format!(" {line} +| {quote}")),
];

#[test]
fn a_perturbed_claim_about_a_line_that_stands_once_lands_on_that_line() {
    let mut tally: BTreeMap<&str, [(usize, usize); 2]> = BTreeMap::new();
    let mut random = 1_u32;
    for case in cases().iter().filter(|case| case.oracle.is_some()) {
        let mut resolver = Resolver::new(&case.diff);
        for file in &case.diff.files {
            let lines: Vec<_> = quotable(file).into_iter().flatten().collect();
            let mut times = BTreeMap::new();
            for (_, _, text) in &lines {
                *times.entry(words(text)).or_insert(0) += 1;
            }
            for (side, number, text) in sample(&lines) {
                if text.chars().filter(|c| c.is_alphanumeric() || *c == '_').count() < 6 {
                    continue;
                }
                for (name, perturb) in PERTURBATIONS {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let (mut path, mut quote, mut line) = (file.path.clone(), text.clone(), *number);
                    perturb(&mut path, &mut quote, &mut line, random >> 8);
                    let claim =
                        Claim { path: &path, side: *side, line_start: line, line_end: line, quote: &quote };
                    let Placement::Anchored(anchor) = resolver.resolve(&claim) else {
                        panic!("{}: {name}: {claim:?} is nowhere", case.name);
                    };
                    let hit = (anchor.side, anchor.start, anchor.end) == (*side, *number, *number);
                    let once = times[&words(text)] == 1;
                    assert!(hit || !once, "{}: {name}: {claim:?} landed on {anchor:?}", case.name);
                    let (hits, all) = &mut tally.entry(name).or_default()[usize::from(once)];
                    *all += 1;
                    *hits += usize::from(hit);
                }
            }
        }
    }
    for (name, [(hits, all), (_, once)]) in tally {
        let rate = 100.0 * hits as f64 / all as f64;
        println!("{name}: all {once} lines that stand once, {rate:.1} % of {all} that stand more often");
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All of a usual file, some of a huge one: in debug builds this would take minutes.
fn sample<T>(all: &[T]) -> impl Iterator<Item = &T> {
    all.iter().step_by(all.len() / 150 + 1)
}
