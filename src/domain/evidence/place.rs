//! Which file of the diff a tool means: tools name files from where they ran, on the machine where they ran.

use std::collections::BTreeMap;

use super::junit::{Spot, Test};
use super::told::NEAR;
use crate::domain::diff::{Diff, FileDiff};
use crate::domain::sarif::{self, is_absolute, normal};

/// The files that reports can be about.
pub(super) struct Places<'a> {
    files: BTreeMap<&'a str, &'a FileDiff>,
    roots: Vec<String>,
}

impl<'a> Places<'a> {
    pub(super) fn new(diff: &'a Diff, roots: &[String]) -> Self {
        let files = diff.files.iter().map(|file| (file.path.as_str(), file)).collect();
        let roots =
            roots.iter().map(|root| normal(&root.replace('\\', "/"))).filter(|root| is_absolute(root));
        Self { files, roots: roots.map(|root| format!("{}/", root.trim_end_matches('/'))).collect() }
    }

    /// The result under the name that the diff has for its file, if it is in the diff.
    pub(super) fn result(&self, mut result: sarif::Result) -> Option<sarif::Result> {
        let whole = if result.root.is_empty() {
            result.path.clone()
        } else {
            format!("{}/{}", result.root.trim_end_matches('/'), result.path)
        };
        result.path = self.find(&whole)?.to_owned();
        result.root.clear();
        // The diff has these lines.
        result.snippet.clear();
        Some(result)
    }

    /// The test with those places of its failure that are in the diff, under the names they have there.
    pub(super) fn test(&self, mut test: Test) -> Test {
        test.file = self.find(&test.file).map_or(test.file, str::to_owned);
        if let Some(failure) = &mut test.failure {
            let placed = failure
                .places
                .iter()
                .filter_map(|spot| Some(Spot { path: self.find(&spot.path)?.to_owned(), line: spot.line }));
            failure.places = placed.collect();
        }
        test
    }

    /// The file of the diff that a path names. Below a known root only the whole rest counts. Elsewhere an absolute path
    /// names the file with the longest path that it ends with, and a relative one with a folder may lack the folders
    /// that its tool ran in, if one file alone can be meant.
    fn find(&self, path: &str) -> Option<&'a str> {
        let path = normal(path);
        if path.is_empty() {
            return None;
        }
        if let Some(rest) = self.roots.iter().find_map(|root| path.strip_prefix(root.as_str())) {
            return self.exact(rest);
        }
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        if is_absolute(&path) {
            let known = self.files.keys().copied().filter(|known| ends(&path, known));
            return known.max_by_key(|known| known.len());
        }
        self.exact(&path).or_else(|| {
            let mut known =
                self.files.keys().copied().filter(|known| path.contains('/') && ends(known, &path));
            known.next().filter(|_| known.next().is_none())
        })
    }
    fn exact(&self, path: &str) -> Option<&'a str> {
        self.files.get_key_value(path).map(|(known, _)| *known)
    }

    /// Whether a result stands on or near a hunk.
    pub(super) fn is_near(&self, result: &sarif::Result) -> bool {
        let Some((first, last)) = result.lines else { return false };
        self.files.get(result.path.as_str()).is_some_and(|file| {
            file.hunks.iter().any(|hunk| {
                let end = hunk.new_start.saturating_add(hunk.new_len);
                first <= end.saturating_add(NEAR) && hunk.new_start <= last.saturating_add(NEAR)
            })
        })
    }
}
