//! Tools that ran in two places spell one file in two ways. Where the findings of both name absolute paths, or one
//! absolute and the other relative ones, the folders that both count from are found over all of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::FindingFile;

/// Longer paths and paths of more parts are left as they are: no repository has them.
const LONGEST: usize = 4_096;
const MOST_PARTS: usize = 128;

/// A path that ends in so many parts of another names the same file even where the folders above share names.
const SURE: usize = 3;

/// Spells paths of both files from the folder that each was written in, where these folders can be told.
pub fn meet(a: &mut FindingFile, b: &mut FindingFile) {
    for finding in a.findings.iter_mut().chain(&mut b.findings) {
        finding.path = plain(&finding.path);
    }
    let Some((root_a, root_b)) = roots(&paths(a), &paths(b)) else { return };
    for (file, root) in [(a, root_a), (b, root_b)] {
        for finding in &mut file.findings {
            if let Some(rest) = finding.path.strip_prefix(&root).filter(|rest| !rest.is_empty()) {
                finding.path = rest.to_owned();
            }
        }
    }
}

/// A path with `/` between its parts and without `./` and `file://`.
fn plain(path: &str) -> String {
    let path = path.trim().replace('\\', "/");
    let path = path.strip_prefix("file://").unwrap_or(&path);
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

fn paths(file: &FindingFile) -> BTreeSet<&str> {
    let usable = |path: &&str| !path.is_empty() && path.len() <= LONGEST && parts(path).count() <= MOST_PARTS;
    file.findings.iter().map(|finding| finding.path.as_str()).filter(usable).collect()
}

/// The parts of a path, the last one first. That of `/` is empty.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit('/')
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.get(1..3) == Some(":/")
}

/// The folders of both, each with its last `/`, below which most paths of both are the same; of equals, those with the
/// longest path in common. Relative paths count from nowhere.
fn roots(a: &BTreeSet<&str>, b: &BTreeSet<&str>) -> Option<(String, String)> {
    let mut votes: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let pairs = closest(a, b).into_iter().chain(closest(b, a).into_iter().map(|(y, x)| (x, y)));
    for (x, y) in pairs {
        if !is_absolute(x) && !is_absolute(y) {
            continue;
        }
        let (end, common) = common_end(x, y);
        let (above_x, above_y) = (x.strip_suffix(end)?, y.strip_suffix(end)?);
        let whole = |path: &str, above: &str| is_absolute(path) || above.is_empty();
        let fits =
            whole(x, above_x) && whole(y, above_y) && (common >= SURE || !meet_again(above_x, above_y));
        if common > 0 && fits {
            votes.entry((above_x, above_y)).or_default().insert(end);
        }
    }
    // What decides must not depend on which file is the first.
    let best = votes.iter().max_by_key(|((x, y), ends)| {
        let longest = ends.iter().map(|end| parts(end).count()).max();
        (ends.len(), longest, Reverse((ends.first(), x.min(y), x.max(y))))
    });
    best.map(|((x, y), _)| ((*x).to_owned(), (*y).to_owned()))
}

/// For each path the one of the others that ends most like it; of equals the first by name.
fn closest<'p>(of: &BTreeSet<&'p str>, among: &BTreeSet<&'p str>) -> Vec<(&'p str, &'p str)> {
    let mut tree = Tree::default();
    for path in among {
        tree.add(path);
    }
    of.iter().filter_map(|path| Some((*path, tree.closest(path)?))).collect()
}

/// Paths by their parts, the last one first.
#[derive(Default)]
struct Tree<'p> {
    below: BTreeMap<&'p str, Tree<'p>>,
    first: Option<&'p str>,
}

impl<'p> Tree<'p> {
    fn add(&mut self, path: &'p str) {
        let mut at = self;
        for part in parts(path) {
            at = at.below.entry(part).or_default();
            at.first = at.first.or(Some(path));
        }
    }

    fn closest(&self, path: &str) -> Option<&'p str> {
        let mut at = self;
        for part in parts(path) {
            let Some(below) = at.below.get(part) else { break };
            at = below;
        }
        at.first
    }
}

/// The end that two paths have in common, in whole parts, and how many.
fn common_end<'p>(x: &'p str, y: &str) -> (&'p str, usize) {
    let same = parts(x).zip(parts(y)).take_while(|(x, y)| x == y);
    let (count, length) =
        same.fold((0, 0), |(count, length), (part, _)| (count + 1, length + part.len() + 1));
    let length = length.saturating_sub(1);
    (x.get(x.len().saturating_sub(length)..).unwrap_or_default(), count)
}

fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// Whether two folders that begin differently have a name in common further down: then they part inside of one
/// repository, and the same name in both is that of two files.
fn meet_again(x: &str, y: &str) -> bool {
    let (x, y) = (names(x), names(y));
    let same = x.iter().zip(&y).take_while(|(x, y)| x == y).count();
    x.iter().skip(same).any(|name| y.iter().skip(same).any(|other| other == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compare::FileFinding;

    fn file(paths: &[&str]) -> FindingFile {
        let finding = |path: &&str| FileFinding { path: (*path).to_owned(), ..FileFinding::default() };
        FindingFile { findings: paths.iter().map(finding).collect(), ..FindingFile::default() }
    }

    /// The paths of both after they met, which must not depend on which comes first.
    fn met(a: &[&str], b: &[&str]) -> (String, String) {
        let all = |file: &FindingFile| {
            file.findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>().join(" ")
        };
        let (mut first, mut second) = (file(a), file(b));
        meet(&mut first, &mut second);
        let (mut swapped_b, mut swapped_a) = (file(b), file(a));
        meet(&mut swapped_b, &mut swapped_a);
        assert_eq!((&first, &second), (&swapped_a, &swapped_b), "{a:?} {b:?}");
        (all(&first), all(&second))
    }

    #[test]
    fn paths_of_two_places_are_spelled_from_what_they_have_in_common() {
        let check = |a: &[&str], b: &[&str], expect_a: &str, expect_b: &str| {
            assert_eq!(met(a, b), (expect_a.to_owned(), expect_b.to_owned()), "{a:?} {b:?}");
        };
        // Two machines.
        check(
            &["/home/me/shop/src/a.rs", "/home/me/shop/src/b.rs", "/home/me/shop/Cargo.toml"],
            &["/work/src/a.rs", "/work/src/b.rs", "/work/tests/c.rs"],
            "src/a.rs src/b.rs Cargo.toml",
            "src/a.rs src/b.rs tests/c.rs",
        );
        check(
            &["/home/runner/work/shop/shop/src/a.rs"],
            &["/home/me/shop/src/a.rs"],
            "shop/src/a.rs",
            "shop/src/a.rs",
        );
        check(&["/work/main.rs"], &["/home/me/shop/main.rs"], "main.rs", "main.rs");
        check(&["C:\\shop\\src\\a.rs"], &["/work/src/a.rs"], "src/a.rs", "src/a.rs");
        // One absolute, one relative: the whole of the relative path has to fit.
        check(
            &["/w/repo/src/mod.rs", "/w/repo/mod.rs"],
            &["./src/mod.rs"],
            "src/mod.rs mod.rs",
            "src/mod.rs",
        );
        check(&["/w/repo/src/mod.rs"], &["tests/mod.rs"], "/w/repo/src/mod.rs", "tests/mod.rs");
        check(&["file:///w/repo/src/a.rs"], &["src/a.rs", "a.rs"], "src/a.rs", "src/a.rs a.rs");
        // The same machine, nothing in common, nothing absolute.
        check(
            &["/w/src/a.rs", "/w/tests/a.rs"],
            &["/w/src/a.rs", "/w/doc/a.rs"],
            "/w/src/a.rs /w/tests/a.rs",
            "/w/src/a.rs /w/doc/a.rs",
        );
        check(&["/w/src/a.rs"], &["/v/src/b.rs"], "/w/src/a.rs", "/v/src/b.rs");
        check(&["src/a.rs", ""], &["b/src/a.rs", "/"], "src/a.rs ", "b/src/a.rs /");
    }

    #[test]
    fn files_of_one_name_in_two_folders_of_a_repository_do_not_meet() {
        let a = ["/home/me/shop/api/mod.rs"];
        let b = ["/ci/shop/web/mod.rs"];
        assert_eq!(met(&a, &b), (a[0].to_owned(), b[0].to_owned()));
        let (a, _) = met(
            &["/home/me/shop/api/mod.rs", "/home/me/shop/web/mod.rs"],
            &["/ci/shop/web/mod.rs", "/ci/shop/src/lib.rs"],
        );
        assert_eq!(a, "/home/me/shop/api/mod.rs /home/me/shop/web/mod.rs".replace("/home/me/", ""));
    }

    #[test]
    fn hostile_paths_take_no_time() {
        let deep = "a/".repeat(50_000);
        let long: Vec<String> = (0..500).map(|i| format!("/{i}/{deep}x")).collect();
        let same: Vec<String> = (0..500).map(|i| format!("/{i}/{}x", "a/".repeat(100))).collect();
        for paths in [long, same] {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            met(&paths, &paths.iter().rev().copied().collect::<Vec<_>>());
        }
    }
}
