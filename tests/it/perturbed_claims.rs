//! Claims that are true but for a slip: they land on their line or nowhere, on diffs that git made and on the corpus.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use counterpoint::domain::diff::{Claim, Resolver, parse};
use counterpoint::domain::finding::{Anchor, Placement, Resolution, Side};

use crate::shop::{opened, shop};
use crate::world::{finding, reply};

/// SplitMix64: a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Lines of which some stand twice and many are alike.
    fn line(&mut self) -> String {
        let indent = "    ".repeat(self.below(4));
        let name = self.pick(&["alpha", "beta", "total", "index", "refund", "session_key"]);
        let call = self.pick(&["compute", "fetch_all", "write_to", "is_valid"]);
        let number = self.below(40);
        match self.below(9) {
            0 => format!("{indent}}}"),
            1 => String::new(),
            2 => format!("{indent}if {name}_{number} {{"),
            3 => format!("{indent}return {name};"),
            4 => format!("{indent}// {call} needs {name} and {number} of the others, see {call}"),
            _ => format!("{indent}let {name}_{number} = {call}({name}, {});", self.below(9)),
        }
    }

    fn lines(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.line()).collect()
    }

    fn edited(&mut self, lines: &[String]) -> Vec<String> {
        let mut lines = lines.to_vec();
        for _ in 0..1 + self.below(8) {
            let at = self.below(lines.len() + 1);
            match self.below(4) {
                0 => drop(lines.drain(at..(at + 3).min(lines.len()))),
                1 if at < lines.len() => lines[at] = lines[at].replace("compute", "recompute"),
                2 if at < lines.len() => lines[at] = self.line(),
                _ => drop(lines.splice(at..at, (0..4).map(|_| self.line()).collect::<Vec<_>>())),
            }
        }
        lines
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}

/// Diffs between random trees; none where git is not installed.
fn git_made() -> Vec<Vec<u8>> {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("git is not installed: its diffs were not checked");
        return Vec::new();
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    git(folder, &["init", "--quiet", "."]);
    let mut random = Random(3);
    let tree = |write: &mut dyn FnMut(usize) -> Vec<String>| {
        for (at, name) in ["src/main.rs", "src/deep/lib.rs", "lib.rs", "two words.txt"].iter().enumerate() {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, write(at).join("\n") + "\n").unwrap();
        }
        git(folder, &["add", "--all"]);
        String::from_utf8(git(folder, &["write-tree"])).unwrap().trim().to_owned()
    };
    let round = |_| {
        let old: Vec<_> = [5, 60, 200, 500].map(|count| random.lines(count)).into();
        let new: Vec<_> = old.iter().map(|lines| random.edited(lines)).collect();
        let (old, new) = (tree(&mut |at| old[at].clone()), tree(&mut |at| new[at].clone()));
        git(folder, &["diff-tree", "-p", "-r", &old, &new])
    };
    (0..30).map(round).collect()
}

fn corpus() -> Vec<Vec<u8>> {
    let Some(shared) = std::env::var_os("COUNTERPOINT_SHARED") else {
        eprintln!("COUNTERPOINT_SHARED is not set: the corpus is not read");
        return Vec::new();
    };
    let folders = fs::read_dir(Path::new(&shared).join("corpus")).unwrap();
    let mut paths: Vec<_> = folders.map(|folder| folder.unwrap().path().join("pr.diff")).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// A line of a hunk, read from git's text by eye and not by the product.
struct Line {
    hunk: usize,
    old: Option<u32>,
    new: Option<u32>,
    text: String,
}

impl Line {
    fn on(&self, side: Side) -> Option<u32> {
        if side == Side::New { self.new } else { self.old }
    }

    /// Where GitHub takes a comment on it.
    fn place(&self) -> (Side, u32) {
        self.new.map_or_else(|| (Side::Old, self.old.unwrap()), |number| (Side::New, number))
    }
}

/// The lines of every file; those with names or sections that need more than a look are left out.
fn read(diff: &[u8]) -> BTreeMap<String, Vec<Line>> {
    let mut files: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    let text = String::from_utf8_lossy(diff);
    for section in format!("\n{text}").split("\ndiff --git ").skip(1) {
        let name = |line: &str| Some(line.strip_prefix("+++ b/")?.trim_end_matches('\t').to_owned());
        let Some(path) = section.lines().find_map(name) else { continue };
        if section.contains("\nsimilarity index") || section.contains('\r') || files.contains_key(&path) {
            files.insert(path, Vec::new());
            continue;
        }
        let lines = files.entry(path).or_default();
        let (mut hunk, mut old, mut new) = (0, 0, 0);
        for line in section.split('\n').skip_while(|line| !line.starts_with("@@ -")) {
            if let Some(header) = line.strip_prefix("@@ -") {
                let start = |text: &str| text.split([',', ' ']).next().unwrap().parse::<u32>().unwrap();
                (hunk, old, new) = (hunk + 1, start(header), start(header.split_once(" +").unwrap().1));
                continue;
            }
            let Some(sign @ ('+' | '-' | ' ')) = line.chars().next() else { continue };
            let (is_old, is_new) = (sign != '+', sign != '-');
            let text = line[1..].to_owned();
            lines.push(Line { hunk, old: is_old.then_some(old), new: is_new.then_some(new), text });
            (old, new) = (old + u32::from(is_old), new + u32::from(is_new));
        }
    }
    files
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_short(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric() || *c == '_').count() < 6
}

/// Levenshtein distance by its definition, over the whole table.
pub fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
                }
            };
        }
    }
    table[a.len()][b.len()]
}

#[derive(Clone)]
struct Said {
    path: String,
    side: Side,
    line: u32,
    quote: String,
}

fn land(resolver: &mut Resolver<'_>, said: &Said) -> Option<Anchor> {
    let Said { path, side, line, quote } = said;
    let end = *line + quote.matches('\n').count() as u32;
    match resolver.resolve(&Claim { path, side: *side, line_start: *line, line_end: end, quote }) {
        Placement::Anchored(anchor) => Some(anchor),
        Placement::Unanchored { .. } => None,
    }
}

/// What an anchor covers; fails where GitHub would not take it.
#[track_caller]
fn covered<'a>(lines: &'a [Line], anchor: &Anchor) -> Vec<&'a Line> {
    let inside = |line: &&Line| {
        let (side, number) = line.place();
        side == anchor.side && (anchor.start..=anchor.end).contains(&number)
    };
    let found: Vec<&Line> = lines.iter().filter(inside).collect();
    assert_eq!(found.len() as u32, anchor.end - anchor.start + 1, "{anchor:?} is not in the diff");
    assert!(found.iter().all(|line| line.hunk == found[0].hunk), "{anchor:?} is in two hunks");
    found
}

/// Quotes of one to three lines that follow one another on the side that takes a comment.
fn truths(path: &str, lines: &[Line], most: usize) -> Vec<Said> {
    let mut all = Vec::new();
    for (at, first) in lines.iter().enumerate() {
        let (side, line) = first.place();
        let run = lines[at..].iter().filter(|line| side == Side::Old || line.new.is_some());
        let run = run.take_while(|line| line.hunk == first.hunk && line.place().0 == side);
        let run: Vec<&Line> = run.take(1 + at % 3).collect();
        let quote = run.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        let blank = |line: &Line| line.text.trim().is_empty();
        let plain = !quote.contains(|c: char| c.is_control() && c != '\n' && c != '\t' || !c.is_ascii());
        if plain && !blank(first) && !blank(run[run.len() - 1]) && quote.len() < 900 {
            all.push(Said { path: path.to_owned(), side, line, quote });
        }
    }
    let step = all.len() / most + 1;
    all.into_iter().step_by(step).collect()
}

type Perturbation = fn(&mut Said, &mut Random);

fn off(said: &mut Said, random: &mut Random) {
    said.line = (said.line + random.below(401) as u32).saturating_sub(200).max(1);
}

fn trimmed(said: &mut Said, _: &mut Random) {
    said.quote = said.quote.lines().map(str::trim).collect::<Vec<_>>().join("\n");
}

fn reindented(said: &mut Said, random: &mut Random) {
    let indent = random.pick(&["\t", "  ", "      ", "            "]);
    let lines: Vec<String> =
        said.quote.lines().map(|line| format!("{indent}{}", line.trim_start())).collect();
    said.quote = lines.join("\n");
}

fn one_changed(said: &mut Said, random: &mut Random) {
    let places: Vec<usize> =
        (0..said.quote.len()).filter(|at| !said.quote.as_bytes()[*at].is_ascii_whitespace()).collect();
    let at = random.pick(&places);
    let new = random.pick(&["q", "Z", "7", "_", "#"]);
    let new = if said.quote[at..].starts_with(new) { "x" } else { new };
    said.quote.replace_range(at..=at, new);
}

fn windows(said: &mut Said, _: &mut Random) {
    said.path = format!("C:\\work\\repo\\{}", said.path.replace('/', "\\"));
}

const PERTURBATIONS: [(&str, f64, Perturbation); 12] = [
    ("none", 100.0, |_, _| {}),
    ("line off by up to 200", 75.0, off),
    ("trimmed", 99.0, trimmed),
    ("re-indented", 99.0, reindented),
    ("one changed character", 75.0, one_changed),
    ("a/ before the path", 100.0, |said, _| said.path.insert_str(0, "a/")),
    ("absolute path", 100.0, |said, _| said.path.insert_str(0, "/home/runner/work/repo/repo/")),
    ("Windows path", 100.0, windows),
    ("trimmed, line off by up to 200", 65.0, |said, random| {
        trimmed(said, random);
        off(said, random);
    }),
    ("re-indented, Windows path", 99.0, |said, random| {
        reindented(said, random);
        windows(said, random);
    }),
    ("one changed character, re-indented, line off by up to 20", 75.0, |said, random| {
        one_changed(said, random);
        reindented(said, random);
        said.line = (said.line + random.below(41) as u32).saturating_sub(20).max(1);
    }),
    ("one changed character, line off by up to 200", 10.0, |said, random| {
        one_changed(said, random);
        off(said, random);
    }),
];

#[derive(Default)]
struct Tally {
    right: usize,
    twin: usize,
    nowhere: usize,
}

/// Perturbs every claim in every way, counts where it lands and fails if that is other code.
fn tally(diffs: &[Vec<u8>], most: usize) -> Vec<Tally> {
    let mut random = Random(11);
    let mut tallies: Vec<Tally> = PERTURBATIONS.iter().map(|_| Tally::default()).collect();
    for raw in diffs {
        let (diff, problems) = parse(Bytes::from(raw.clone()));
        assert_eq!(problems, Vec::<String>::new());
        let mut resolver = Resolver::new(&diff);
        for (path, lines) in read(raw).iter().take(40) {
            for truth in truths(path, lines, most).into_iter().filter(|truth| !is_short(&truth.quote)) {
                for ((name, _, perturb), tally) in PERTURBATIONS.iter().zip(&mut tallies) {
                    let mut said = truth.clone();
                    perturb(&mut said, &mut random);
                    let Some(anchor) = land(&mut resolver, &said) else {
                        tally.nowhere += 1;
                        continue;
                    };
                    let landed: Vec<&str> =
                        covered(lines, &anchor).iter().map(|line| line.text.as_str()).collect();
                    let landed = words(&landed.join("\n"));
                    let end = truth.line + truth.quote.matches('\n').count() as u32;
                    if (anchor.side, anchor.start, anchor.end) == (truth.side, truth.line, end) {
                        tally.right += 1;
                    } else {
                        let twin = words(&truth.quote) == landed || words(&said.quote).contains(&landed);
                        assert!(twin, "{name}: {:?} at {} landed on {anchor:?}", said.quote, said.line);
                        tally.twin += 1;
                    }
                }
            }
        }
    }
    tallies
}

#[test]
fn a_claim_with_a_slip_lands_on_its_line_or_on_its_twin_or_nowhere() {
    for (from, diffs) in [("made by git", git_made()), ("corpus", corpus())] {
        if diffs.is_empty() {
            continue;
        }
        println!("{from}: on the line, on one with the same text, nowhere");
        for (tally, (name, floor, _)) in tally(&diffs, 25).iter().zip(PERTURBATIONS) {
            let all = tally.right + tally.twin + tally.nowhere;
            let share = |count: usize| 100.0 * count as f64 / all as f64;
            let (right, twin, nowhere) = (share(tally.right), share(tally.twin), share(tally.nowhere));
            println!("  {name}: {right:.1} %, {twin:.1} %, {nowhere:.1} % of {all}");
            assert!(right >= floor, "{from}: {name}: {right}");
        }
    }
}

#[test]
fn every_line_that_takes_a_comment_is_reached() {
    let mut reached = 0;
    for raw in git_made() {
        let diff = parse(Bytes::from(raw.clone())).0;
        let mut resolver = Resolver::new(&diff);
        for (path, lines) in read(&raw) {
            for line in lines.iter().filter(|line| !line.text.trim().is_empty()) {
                let (side, number) = line.place();
                let said = Said { path: path.clone(), side, line: number, quote: line.text.clone() };
                let landed = land(&mut resolver, &said).unwrap();
                let wanted = (side, number, number, Resolution::Exact);
                assert_eq!((landed.side, landed.start, landed.end, landed.how), wanted, "{path}");
                reached += 1;
            }
        }
    }
    println!("{reached} lines reached");
}

#[test]
fn a_short_quote_never_lands_away_from_the_claimed_line() {
    let mut random = Random(5);
    for raw in git_made() {
        let diff = parse(Bytes::from(raw.clone())).0;
        let mut resolver = Resolver::new(&diff);
        for (path, lines) in read(&raw) {
            for line in lines.iter().filter(|line| is_short(&line.text)) {
                let (side, number) = line.place();
                let mut said = Said { path: path.clone(), side, line: number, quote: line.text.clone() };
                off(&mut said, &mut random);
                if let Some(anchor) = land(&mut resolver, &said) {
                    let there = covered(&lines, &anchor);
                    assert_eq!(there[0].on(side), Some(said.line), "{path}: {:?}", said.quote);
                    assert_eq!(words(&there[0].text), words(&said.quote));
                }
            }
        }
    }
}

/// How far one line of a file is from a quote: edits, and the length that they are measured by.
fn compared(line: &Line, quote: &str) -> (usize, usize) {
    let (line, quote) = (words(&line.text), words(quote));
    (edits(&line, &quote), line.chars().count().max(quote.chars().count()))
}

#[test]
fn nothing_lands_below_a_similarity_of_85_or_beside_a_place_that_is_as_likely() {
    let mut random = Random(9);
    let (mut approximate, mut refused) = (0, 0);
    for raw in git_made().iter().take(12) {
        let diff = parse(Bytes::from(raw.clone())).0;
        let mut resolver = Resolver::new(&diff);
        for (path, lines) in read(raw) {
            let single = |said: &Said| !said.quote.contains('\n') && !is_short(&said.quote);
            for mut said in truths(&path, &lines, 40).into_iter().filter(single) {
                for _ in 0..random.below(12) {
                    one_changed(&mut said, &mut random);
                }
                said.line = (said.line + random.below(80) as u32).saturating_sub(40).max(1);
                if is_short(&said.quote) {
                    continue;
                }
                let all: Vec<(usize, usize)> = lines.iter().map(|line| compared(line, &said.quote)).collect();
                let similar = |(edits, length): &(usize, usize)| 100 * edits <= 15 * length;
                let anchor = land(&mut resolver, &said);
                if !all.iter().any(similar) {
                    assert_eq!(anchor, None, "{path}: {:?}", said.quote);
                    refused += 1;
                }
                let Some(anchor) = anchor.filter(|anchor| anchor.how == Resolution::Approximate) else {
                    continue;
                };
                let at = lines.iter().position(|line| line.place() == (anchor.side, anchor.start)).unwrap();
                assert!(similar(&all[at]), "{path}: {:?} on {anchor:?}", said.quote);
                let near = [lines[at].old, lines[at].new].into_iter().flatten();
                assert!(near.into_iter().any(|number| number.abs_diff(said.line) <= 30));
                let beside = all.iter().enumerate().filter(|(other, _)| *other != at);
                assert!(
                    beside.into_iter().all(|(_, (edits, _))| *edits >= 2 * all[at].0),
                    "{:?}",
                    said.quote
                );
                approximate += 1;
            }
        }
    }
    println!("{approximate} quotes landed approximately, {refused} were too far from everything");
    assert!(approximate > 50 && refused > 50 || git_made().is_empty());
}

#[tokio::test]
async fn a_comment_on_an_approximate_place_shows_the_real_line_and_offers_nothing_to_apply() {
    let world = shop().await;
    let quote = "    if retried { amunt * 2 } else { amount }";
    let said =
        finding("src/session.rs", 4, quote).title("Paid twice").body("It doubles.").suggestion("    amount");
    world.claude().answers(reply([said]));
    world.codex().answers(reply([]));
    opened(&world).finish().await;
    let published = world.published(7);
    let [comment] = published.inline.as_slice() else { panic!("not one comment: {published}") };
    assert_eq!(comment.place.as_ref().unwrap().line, 6);
    let real = "if retried { amount * 2 } else { amount }";
    let shown = format!("The quote was approximate; here stands:\n\n```\n    {real}\n```\n");
    assert!(comment.body.contains(&shown), "{}", comment.body);
    assert!(comment.body.contains(&format!("```diff\n-    {real}\n+    amount\n```")), "{}", comment.body);
    assert!(!comment.body.contains("```suggestion"), "{}", comment.body);
    world.assert_clean();
}
