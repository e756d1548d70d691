//! Random trees, real git: what the parser reads from the diff must turn every old file into the new one.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use counterpoint::domain::diff::{
    Claim, Diff, FileDiff, Hunk, Line, LineKind, NoLines, Resolver, Status, parse,
};
use counterpoint::domain::finding::Side;

/// Path to mode and content.
type Tree = BTreeMap<&'static str, (&'static str, Vec<u8>)>;

const NAMES: [&str; 18] = [
    "plain.rs",
    "two words.txt",
    "a/x b/x",
    "b/b b/b",
    "tab\tname",
    "quote\"d",
    "back\\slash",
    "é.txt",
    "new\nline",
    "return\rname",
    "dev/null",
    "trailing ",
    "-dash",
    "+plus",
    "x => y",
    "@@ -1 +1 @@",
    "漢 字/\u{1}",
    "diff --git a/q b/q",
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

    fn mode(&mut self) -> &'static str {
        self.pick(&["100644", "100644", "100644", "100755", "120000"])
    }

    fn change(&mut self, tree: &mut Tree) {
        let name = self.pick(&NAMES);
        let target = self.pick(&NAMES);
        let Some((mode, content)) = tree.get(name).cloned() else {
            let (mode, content) = (self.mode(), self.content());
            tree.insert(name, (mode, content));
            return;
        };
        match self.below(8) {
            0 => drop(tree.remove(name)),
            1 => drop(tree.insert(name, (self.mode(), content))),
            2 if !tree.contains_key(target) => {
                tree.remove(name);
                tree.insert(target, (mode, if self.below(2) == 0 { content } else { self.edited(&content) }));
            }
            3 if !tree.contains_key(target) => {
                let copy = self.edited(&content);
                tree.insert(target, (mode, copy));
                tree.insert(name, (mode, self.edited(&content)));
            }
            4 => drop(tree.insert(name, (self.mode(), self.content()))),
            _ => drop(tree.insert(name, (mode, self.edited(&content)))),
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
            let path: String = path.bytes().map(|byte| format!("\\{byte:03o}")).collect();
            write!(out, "M {mode} inline \"{path}\"\ndata {}\n", content.len()).unwrap();
            out.extend_from_slice(content);
            out.push(b'\n');
        }
    }
    out
}

/// What git prints for each commit, behind the commit's name on a line of its own; nothing for none.
fn by_commit(printed: &[u8], commits: &[&str]) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new(); commits.len()];
    let mut current = 0;
    for line in printed.split_inclusive(|byte| *byte == b'\n') {
        // Every line of a diff starts with a sign or a word, so that none is a commit's name.
        match commits
            .iter()
            .position(|commit| line.len() == commit.len() + 1 && line.starts_with(commit.as_bytes()))
        {
            Some(commit) => current = commit,
            None => parts[current].extend_from_slice(line),
        }
    }
    parts
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

/// Checks one diff against the two trees.
fn check(diff: &Diff, before: &Tree, after: &Tree) {
    let mut seen = BTreeMap::new();
    for file in &diff.files {
        let content =
            |tree: &Tree, path: &str| tree.get(path).map(|entry| entry.1.clone()).unwrap_or_default();
        let old = content(before, file.old_path.as_deref().unwrap_or(&file.path));
        let new = content(after, &file.path);
        assert!(seen.insert(file.path.clone(), ()).is_none(), "{} twice", file.path);
        assert!(file.exact_path);
        if file.status == Status::TypeChanged {
            let halves = (
                &bytes_on(file.hunks.iter(), LineKind::Added),
                &bytes_on(file.hunks.iter(), LineKind::Deleted),
            );
            let text = |bytes: &Vec<u8>| !bytes.contains(&0);
            assert!((halves.0 == &old || !text(&old)) && (halves.1 == &new || !text(&new)), "{}", file.path);
            continue;
        }
        match file.no_lines {
            Some(NoLines::Binary) => assert!(old.contains(&0) || new.contains(&0), "{}", file.path),
            Some(NoLines::NothingToRead) => assert_eq!(old, new, "{}", file.path),
            Some(_) => panic!("{} was not read", file.path),
            None => assert_eq!(applied(file, &old), new, "{}", file.path),
        }
        for line in file.lines().filter(|line| line.kind == LineKind::Added && line.text.len() > 12).take(5) {
            let quote = String::from_utf8_lossy(&line.text);
            let number = line.new.unwrap();
            let claim = Claim {
                path: &file.path,
                side: Side::New,
                line_start: number,
                line_end: number,
                quote: &quote,
            };
            let placement = Resolver::new(diff).resolve(&claim);
            assert_eq!(
                placement.anchor().map(|a| (a.side, a.start, a.end)),
                Some((Side::New, number, number))
            );
        }
    }
    for (path, entry) in after {
        assert!(before.get(path) == Some(entry) || seen.contains_key(*path), "{path} changed unseen");
    }
}

#[test]
fn hunks_of_random_histories_turn_every_old_file_into_the_new_one() {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("git is not installed: nothing was checked");
        return;
    }
    let commits = std::env::var("COUNTERPOINT_GIT_COMMITS").ok().and_then(|n| n.parse().ok()).unwrap_or(150);
    let mut random = Random(commits as u64);
    let mut trees = vec![Tree::new()];
    for _ in 0..commits {
        let mut tree = trees.last().unwrap().clone();
        for _ in 0..=random.below(6) {
            random.change(&mut tree);
        }
        trees.push(tree);
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    git(folder, &["init", "--quiet", "--bare", "."], b"");
    git(folder, &["fast-import", "--quiet"], &stream(&trees[1..]));
    let list = git(folder, &["rev-list", "--reverse", "main"], b"");
    let names: Vec<&str> = std::str::from_utf8(&list).unwrap().lines().collect();
    let of_each = |form| {
        let printed =
            git(folder, &["diff-tree", "--stdin", "--root", "-r", "-M", "-C", "--full-index", form], &list);
        by_commit(&printed, &names)
    };
    let (patches, counts) = (of_each("-p"), of_each("--numstat"));
    let (mut files, mut changed) = (0, 0);
    for (index, pair) in trees.windows(2).enumerate() {
        let raw = Bytes::from(patches[index].clone());
        let (diff, problems) = parse(raw.clone());
        assert_eq!(problems, Vec::<String>::new(), "commit {index}");
        assert!(diff.to_bytes() == raw, "commit {index} does not come back");
        check(&diff, &pair[0], &pair[1]);
        let count = String::from_utf8_lossy(&counts[index]);
        assert_eq!(diff.files.len(), count.lines().count(), "commit {index}");
        for (file, row) in diff.files.iter().zip(count.lines()) {
            let mut columns = row.split('\t').map(|column| column.parse().unwrap_or(0));
            let theirs = (columns.next().unwrap(), columns.next().unwrap());
            let ours = file.changed_lines();
            // git counts a type change as if both were files.
            assert!(ours == theirs || file.status == Status::TypeChanged, "commit {index}: {row}: {ours:?}");
            changed += ours.0 + ours.1;
        }
        files += diff.files.len();
    }
    assert!(files > commits, "the histories are too dull");
    println!("{commits} commits, {files} files, {changed} changed lines agree with git");
}
