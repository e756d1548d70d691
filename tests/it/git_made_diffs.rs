//! Random trees, real git: what the parser reads from the diff must turn every old file into the new one, say what git's own
//! lists say of it, and take a comment on each of its lines.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use counterpoint::domain::diff::{FileDiff, Hunk, Line, LineKind, NoLines, Status, parse};

use crate::fuzz_findings::checks::check_files;

/// Path to mode and content.
type Tree = BTreeMap<&'static [u8], (&'static str, Vec<u8>)>;

const NAMES: [&[u8]; 20] = [
    b"plain.rs",
    b"two words.txt",
    b"a/x b/x",
    b"b/b b/b",
    b"tab\tname",
    b"quote\"d",
    b"back\\slash",
    "é.txt".as_bytes(),
    b"new\nline",
    b"return\rname",
    b"dev/null",
    b"trailing ",
    b"-dash",
    b"+plus",
    b"x => y",
    b"@@ -1 +1 @@",
    "漢 字/\u{1}".as_bytes(),
    b"diff --git a/q b/q",
    b"latin-\xe9.txt",
    b"\xff/not utf8 \xfe",
];

const LINES: [&[u8]; 16] = [
    b"alpha_beta = 1;",
    b"alpha_beta = 2;",
    b"    indented_line()",
    b"",
    b"}",
    b"-- a/x",
    b"++ b/x",
    b"@@ -1 +1 @@",
    b"diff --git a/x b/x",
    b"\\ No newline at end of file",
    b"carriage\r",
    b"bare\rreturn",
    b"form\x0cfeed",
    b"not utf8 \xff\xfe",
    b"index 1..2 100644",
    b" leading space",
];

/// What minifiers write.
const LONG_LINE: usize = 200_000;

/// A small generator with a fixed seed, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn content(&mut self) -> Vec<u8> {
        let mut lines: Vec<u8> = Vec::new();
        for _ in 0..self.pick(&[0, 1, 3, 12, 40, 90]) {
            lines.extend_from_slice(self.pick(&LINES));
            lines.push(b'\n');
        }
        if self.below(100) == 0 {
            lines.extend(std::iter::repeat_n(b'x', LONG_LINE));
            lines.push(b'\n');
        }
        if self.below(4) == 0 {
            lines.pop();
        }
        if self.below(25) == 0 {
            lines.insert(0, 0);
        }
        lines
    }

    fn edited(&mut self, content: &[u8]) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
        for _ in 0..=self.below(5) {
            let at = self.below(lines.len() + 1);
            match self.below(3) {
                0 if at < lines.len() => drop(lines.remove(at)),
                1 => lines.insert(at, b"value_added_here\n"),
                _ => lines.insert(at, b"another_line\r\n"),
            }
        }
        let mut content = lines.concat();
        match self.below(6) {
            0 => drop(content.pop()),
            1 => content.push(b'\n'),
            _ => {}
        }
        content
    }

    /// Anything that git keeps: a file, a link, a commit of another repository.
    fn entry(&mut self) -> (&'static str, Vec<u8>) {
        match self.pick(&["100644", "100644", "100644", "100755", "120000", "160000"]) {
            "160000" => ("160000", format!("{:040x}", self.below(1 << 30)).into_bytes()),
            mode => (mode, self.content()),
        }
    }

    fn changed(&mut self, mode: &'static str, content: &[u8]) -> (&'static str, Vec<u8>) {
        if mode == "160000" { self.entry() } else { (mode, self.edited(content)) }
    }

    fn change(&mut self, tree: &mut Tree) {
        let name = self.pick(&NAMES);
        let target = self.pick(&NAMES);
        let Some((mode, content)) = tree.get(name).cloned() else {
            tree.insert(name, self.entry());
            return;
        };
        let free = !tree.contains_key(target);
        match self.below(8) {
            0 => drop(tree.remove(name)),
            1 if mode != "160000" => {
                tree.insert(name, (self.pick(&["100644", "100755", "120000"]), content));
            }
            2 if free => {
                tree.remove(name);
                let exact = self.below(2) == 0;
                tree.insert(target, if exact { (mode, content) } else { self.changed(mode, &content) });
            }
            3 if free => {
                tree.insert(target, self.changed(mode, &content));
                tree.insert(name, self.changed(mode, &content));
            }
            4 => drop(tree.insert(name, self.entry())),
            _ => drop(tree.insert(name, self.changed(mode, &content))),
        }
    }
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", OsStr::new("/dev/null"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}

/// The history as `git fast-import` reads it.
fn stream(trees: &[Tree]) -> Vec<u8> {
    let mut out = Vec::new();
    for tree in trees {
        out.extend_from_slice(b"commit refs/heads/main\ncommitter t <t@t> 0 +0000\ndata 0\ndeleteall\n");
        for (path, (mode, content)) in tree {
            let path: String = path.iter().map(|byte| format!("\\{byte:03o}")).collect();
            if *mode == "160000" {
                writeln!(out, "M {mode} {} \"{path}\"", str::from_utf8(content).unwrap()).unwrap();
                continue;
            }
            write!(out, "M {mode} inline \"{path}\"\ndata {}\n", content.len()).unwrap();
            out.extend_from_slice(content);
            out.push(b'\n');
        }
    }
    out
}

fn bytes_of(line: &Line) -> Vec<u8> {
    let mut text = line.text.to_vec();
    text.extend(if line.no_newline { None } else { Some(b'\n') });
    text
}

fn bytes_on<'a>(hunks: impl Iterator<Item = &'a Hunk>, absent: LineKind) -> Vec<u8> {
    hunks.flat_map(|hunk| &hunk.lines).filter(|line| line.kind != absent).flat_map(bytes_of).collect()
}

/// Applies hunks, checking every number and every old line on the way.
fn applied(file: &FileDiff, old: &[u8]) -> Vec<u8> {
    let old: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut at, mut new): (usize, Vec<Vec<u8>>) = (0, Vec::new());
    for hunk in &file.hunks {
        let start = hunk.old_start as usize - usize::from(hunk.old_len > 0);
        new.extend(old[at..start].iter().map(|line| line.to_vec()));
        at = start;
        for line in &hunk.lines {
            if line.kind != LineKind::Added {
                assert_eq!(line.old, Some(at as u32 + 1));
                assert_eq!(old[at], bytes_of(line));
                at += 1;
            }
            if line.kind != LineKind::Deleted {
                new.push(bytes_of(line));
                assert_eq!(line.new, Some(new.len() as u32));
            }
        }
    }
    new.extend(old[at..].iter().map(|line| line.to_vec()));
    new.concat()
}

/// The lines of a patch by the commit whose name stands before them on a line of its own.
fn by_commit<'a>(printed: &'a [u8], commits: &[&str]) -> BTreeMap<&'a str, Vec<u8>> {
    let names: BTreeSet<&str> = commits.iter().copied().collect();
    let mut parts = BTreeMap::new();
    let mut current = None;
    for line in printed.split_inclusive(|byte| *byte == b'\n') {
        // Every line of a diff starts with a sign or a word, so that none is a commit's name.
        match str::from_utf8(line).ok().map(str::trim_end).filter(|line| names.contains(line)) {
            Some(commit) => current = Some(parts.entry(commit).or_insert_with(Vec::new)),
            None => current.as_mut().unwrap().extend_from_slice(line),
        }
    }
    parts
}

/// The fields that end in NUL, by the commit whose name is a field of its own.
fn fields_by_commit<'a>(printed: &'a [u8], commits: &[&str]) -> BTreeMap<&'a str, Vec<&'a [u8]>> {
    let names: BTreeSet<&str> = commits.iter().copied().collect();
    let mut parts = BTreeMap::new();
    let mut current = None;
    for field in printed.split(|byte| *byte == 0) {
        match str::from_utf8(field).ok().filter(|field| names.contains(field)) {
            Some(commit) => current = Some(parts.entry(commit).or_insert_with(Vec::new)),
            None => current.iter_mut().for_each(|fields: &mut &mut Vec<_>| fields.push(field)),
        }
    }
    parts
}

/// What git lists of one file of a commit.
#[derive(Debug)]
struct Row<'a> {
    modes: [&'a str; 2],
    objects: [&'a str; 2],
    letter: &'a str,
    old_path: &'a [u8],
    path: &'a [u8],
    /// Added and deleted lines; none of what git holds for binary.
    counts: Option<(usize, usize)>,
}

/// Reads `--raw -z` and `--numstat -z` of one commit.
fn rows<'a>(raw: &[&'a [u8]], numstat: &[&'a [u8]]) -> Vec<Row<'a>> {
    let text = |field: &'a [u8]| str::from_utf8(field).unwrap();
    let (mut raw, mut numstat) = (raw.iter().copied(), numstat.iter().copied());
    let mut rows = Vec::new();
    while let Some(head) = raw.next().filter(|head| !head.is_empty()) {
        let columns: Vec<&str> = text(head).trim_start_matches(':').split(' ').collect();
        let [old_mode, new_mode, old, new, letter] = columns[..] else { panic!("{columns:?}") };
        let old_path = raw.next().unwrap();
        let moved = letter.starts_with(['R', 'C']);
        let path = if moved { raw.next().unwrap() } else { old_path };
        let mut counted = numstat.next().unwrap().splitn(3, |byte| *byte == b'\t');
        let mut count = || text(counted.next().unwrap()).parse().ok();
        let counts = count().zip(count());
        let named = if moved { numstat.nth(1).unwrap() } else { counted.next().unwrap() };
        assert_eq!(named, path, "the lists have another order");
        rows.push(Row {
            modes: [old_mode, new_mode],
            objects: [old, new],
            letter: &letter[..1],
            old_path,
            path,
            counts,
        });
    }
    rows
}

/// The content of every object that rows name; of a submodule what git shows for it.
fn contents<'a>(folder: &Path, rows: impl Iterator<Item = &'a Row<'a>>) -> BTreeMap<&'a str, Vec<u8>> {
    let mut contents = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    for (mode, object) in rows.flat_map(|row| row.modes.into_iter().zip(row.objects)) {
        match mode {
            "000000" => drop(contents.insert(object, Vec::new())),
            "160000" => drop(contents.insert(object, format!("Subproject commit {object}\n").into_bytes())),
            _ => drop(wanted.insert(object)),
        }
    }
    let list: Vec<&str> = wanted.iter().copied().collect();
    let printed = git(folder, &["cat-file", "--batch"], list.join("\n").as_bytes());
    let mut rest = printed.as_slice();
    for object in wanted {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let length: usize =
            str::from_utf8(&rest[..end]).unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        contents.insert(object, rest[end + 1..end + 1 + length].to_vec());
        rest = &rest[end + length + 2..];
    }
    contents
}

/// Checks one file against what git lists of it and against both of its contents.
fn check(file: &FileDiff, row: &Row<'_>, old: &[u8], new: &[u8]) {
    let lossy = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let status = match file.status {
        Status::Added => "A",
        Status::Deleted => "D",
        Status::Modified => "M",
        Status::Renamed => "R",
        Status::Copied => "C",
        Status::TypeChanged => "T",
    };
    let old_path = file.old_path.as_ref().unwrap_or(&file.path);
    assert_eq!((status, &file.path, old_path), (row.letter, &lossy(row.path), &lossy(row.old_path)));
    assert_eq!(file.exact_path, str::from_utf8(row.path).is_ok(), "{row:?}");
    let ours = file.changed_lines();
    if file.status == Status::TypeChanged {
        let sides = [(LineKind::Added, old), (LineKind::Deleted, new)];
        for (absent, content) in sides {
            assert!(bytes_on(file.hunks.iter(), absent) == content || content.contains(&0), "{row:?}");
        }
        // git counts a type change as if it had one section.
        let more = |(added, deleted): (usize, usize)| added as i64 - deleted as i64;
        assert!(row.counts.is_none_or(|theirs| more(theirs) == more(ours)), "{row:?}");
        return;
    }
    assert_eq!(ours, row.counts.unwrap_or_default(), "{row:?}");
    match file.no_lines {
        Some(NoLines::Binary) => assert_eq!(row.counts, None, "{row:?}"),
        Some(NoLines::NothingToRead) => assert!(old == new, "{row:?}"),
        Some(why) => panic!("{why:?}: {row:?}"),
        None => assert!(applied(file, old) == new, "{row:?}"),
    }
}

/// What was checked.
#[derive(Default)]
struct Tally {
    commits: usize,
    files: usize,
    hunks: usize,
    lines: usize,
    changed: usize,
    /// Letters, modes and shapes that were met.
    seen: BTreeSet<String>,
}

/// Checks commits as git writes them under these settings (`-c`), with these options for its lists and its diff, and this form
/// of the diff.
fn check_history(
    folder: &Path,
    commits: &[&str],
    settings: &[&str],
    options: &[&str],
    patch: &[&str],
) -> Tally {
    let list = commits.join("\n");
    let print = |form: &[&str]| {
        let diff_tree = ["diff-tree", "--stdin", "--root", "-r", "--no-abbrev"];
        git(folder, &[settings, &diff_tree, options, form].concat(), list.as_bytes())
    };
    let (patches, raw, numstat) = (print(patch), print(&["--raw", "-z"]), print(&["--numstat", "-z"]));
    let raw = fields_by_commit(&raw, commits);
    let numstat = fields_by_commit(&numstat, commits);
    let rows: BTreeMap<&str, Vec<Row<'_>>> =
        raw.iter().map(|(commit, fields)| (*commit, rows(fields, &numstat[commit]))).collect();
    let contents = contents(folder, rows.values().flatten());
    let mut tally = Tally { commits: commits.len(), ..Tally::default() };
    for (commit, printed) in by_commit(&patches, commits) {
        let raw = Bytes::from(printed);
        let (diff, problems) = parse(raw.clone());
        assert_eq!(problems, Vec::<String>::new(), "{settings:?} {options:?} {patch:?} {commit}");
        // Under this setting git leaves out the space of an empty line, which is put back.
        let exact = settings != ["-c", "diff.suppressBlankEmpty=true"];
        assert!(!exact || diff.to_bytes() == raw, "{options:?} {patch:?}: {commit} does not come back");
        check_files(&diff);
        let rows = &rows[commit];
        assert_eq!(diff.files.len(), rows.len(), "{settings:?} {options:?} {patch:?} {commit}");
        for (file, row) in diff.files.iter().zip(rows) {
            check(file, row, &contents[row.objects[0]], &contents[row.objects[1]]);
            tally.files += 1;
            tally.hunks += file.hunks.len();
            tally.lines += file.lines().count();
            tally.changed += file.changed_lines().0 + file.changed_lines().1;
            tally.seen.extend([row.letter, row.modes[0], row.modes[1]].map(str::to_owned));
            tally.seen.extend(file.no_lines.map(|why| format!("{why:?}")));
            let shapes = [
                ("a long line", file.lines().any(|line| line.text.len() >= LONG_LINE)),
                ("a carriage return", file.lines().any(|line| line.text.contains(&b'\r'))),
                ("no newline", file.lines().any(|line| line.no_newline)),
                ("a line that is not UTF-8", file.lines().any(|line| str::from_utf8(&line.text).is_err())),
                ("a path that is not UTF-8", !file.exact_path),
            ];
            tally.seen.extend(shapes.iter().filter(|(_, met)| *met).map(|(shape, _)| (*shape).to_owned()));
        }
    }
    tally
}

impl Tally {
    fn tell(&self, what: &str) {
        let Self { commits, files, hunks, lines, changed, .. } = self;
        println!(
            "{what}: {commits} commits, {files} files, {hunks} hunks, {lines} lines ({changed} of them changed)"
        );
    }
}

/// A history of random trees and its commits, the first one first.
fn random_history(folder: &Path, commits: usize) -> String {
    let mut random = Random(commits as u64);
    let mut trees = vec![Tree::new()];
    for _ in 0..commits {
        let mut tree = trees.last().unwrap().clone();
        for _ in 0..=random.below(6) {
            random.change(&mut tree);
        }
        trees.push(tree);
    }
    git(folder, &["init", "--quiet", "--bare", "."], b"");
    git(folder, &["fast-import", "--quiet"], &stream(&trees[1..]));
    String::from_utf8(git(folder, &["rev-list", "--reverse", "main"], b"")).unwrap()
}

fn git_is_here() -> bool {
    let here = Command::new("git").arg("--version").output().is_ok();
    if !here {
        println!("git is not installed: nothing was checked");
    }
    here
}

#[test]
fn hunks_of_random_histories_turn_every_old_file_into_the_new_one() {
    if !git_is_here() {
        return;
    }
    let commits =
        std::env::var("COUNTERPOINT_GIT_COMMITS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let folder = tempfile::tempdir().unwrap();
    let list = random_history(folder.path(), commits);
    let names: Vec<&str> = list.lines().collect();
    let tally = check_history(folder.path(), &names, &[], &["-M", "-C"], &["-p"]);
    tally.tell("random trees");
    for shape in [
        "A",
        "C",
        "D",
        "M",
        "R",
        "T",
        "100644",
        "100755",
        "120000",
        "160000",
        "Binary",
        "NothingToRead",
        "a long line",
        "a carriage return",
        "no newline",
        "a line that is not UTF-8",
        "a path that is not UTF-8",
    ] {
        assert!(tally.seen.contains(shape), "the histories have no {shape}");
    }
}

#[test]
fn diffs_written_under_other_settings_say_the_same() {
    if !git_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let list = random_history(folder.path(), 150);
    let names: Vec<&str> = list.lines().collect();
    for (settings, options, form) in [
        (&["-c", "core.quotePath=false"][..], &["-M", "-C"][..], &["-p"][..]),
        (&["-c", "diff.suppressBlankEmpty=true"], &["-M"], &["-p"]),
        (&[], &["-M", "-C"], &["-p", "--no-prefix"]),
        (&[], &["-M", "-C"], &["-p", "--src-prefix=i/", "--dst-prefix=w/"]),
        (&[], &["-M", "-C"], &["-p", "--src-prefix=c/", "--dst-prefix=i/"]),
        (&[], &["-M", "-C"], &["-p", "--src-prefix=1/", "--dst-prefix=2/"]),
        (&[], &["--no-renames", "--histogram"], &["-p"]),
        (&[], &["-M", "-C", "--find-copies-harder"], &["-U0"]),
        (&[], &["-M20%"], &["-U1", "--inter-hunk-context=9"]),
        (&[], &["-M"], &["-p", "--binary"]),
    ] {
        check_history(folder.path(), &names, settings, options, form);
    }
}

#[test]
fn hunks_of_this_projects_history_turn_every_old_file_into_the_new_one() {
    if !git_is_here() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = Command::new("git")
        .current_dir(folder)
        .args(["rev-parse", "--is-shallow-repository"])
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"false"));
    if !whole {
        println!("no whole history is here: nothing was checked");
        return;
    }
    let list = String::from_utf8(git(folder, &["rev-list", "--no-merges", "HEAD"], b"")).unwrap();
    let names: Vec<&str> = list.lines().collect();
    check_history(folder, &names, &[], &["-M", "-C"], &["-p"]).tell("this project");
}
