//! What tools other than the lanes report about the reviewed code: scanners and linters in SARIF, tests in JUnit XML.
//!
//! It stands beside findings and decides nothing: whoever wrote the pull request may have written these files too.

pub mod junit;
mod place;
mod told;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use self::junit::Test;
use self::place::Places;
use crate::domain::diff::Diff;
use crate::domain::sarif::{self, Kind};

pub use self::told::{MAX_BYTES, most_bytes, told};

/// The most results on files of the diff that are kept.
const MOST_RESULTS: usize = 5_000;

/// The most failed tests that are kept: where more fail, what is broken is not this change alone.
const MOST_FAILED: usize = 200;

/// The most names of passed tests that are kept.
const MOST_PASSED: usize = 100_000;

/// The most problems that are told one by one.
const MOST_PROBLEMS: usize = 4;

/// What tools reported. All of it is untrusted text, secrets replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// What scanners and linters say.
    pub results: Vec<sarif::Result>,
    /// The tests that failed.
    pub failed: Vec<Test>,
    /// The names, without parameters, of the tests that passed and did not fail anywhere.
    pub passed: Vec<String>,
}

impl Reports {
    /// Whether nothing was reported.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.results.is_empty() && self.failed.is_empty() && self.passed.is_empty()
    }
}

/// A file that the configuration or an input names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path in the workspace; the pattern, where that names nothing.
    pub name: String,
    /// What it holds.
    pub text: Result<String, Unusable>,
}

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Nothing has such a name.
    Missing,
    /// The pattern leads out of the workspace, or is none.
    Elsewhere,
    /// It is a link.
    Link,
    /// It is a folder, a pipe or a device.
    NoFile,
    /// It is larger than `sarif::LARGEST`.
    TooLarge,
    /// This many were read before.
    TooMany(usize),
    /// The folders hold too many entries for the pattern.
    TooManyEntries,
    /// The system's reason.
    Unreadable(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the workspace holds no such file"),
            Self::Elsewhere => f.write_str("it leaves the workspace, or is no pattern"),
            Self::Link => f.write_str("it is a link, and links are not followed"),
            Self::NoFile => f.write_str("it is no file"),
            Self::TooLarge => write!(f, "it is larger than {} MiB", sarif::LARGEST >> 20),
            Self::TooMany(most) => write!(f, "it is one too many: at most {most} are read"),
            Self::TooManyEntries => f.write_str("there are too many files to look through"),
            Self::Unreadable(why) => f.write_str(why),
        }
    }
}

/// Reads report files and keeps what is about the files of this diff, under their names in it. `roots` are the folders
/// that the repository was checked out to when the tools ran. The second value tells people what could not be used, a
/// sentence a file.
#[must_use]
pub fn gather(files: &[Found], diff: &Diff, roots: &[String]) -> (Reports, Vec<String>) {
    let places = Places::new(diff, roots);
    let mut reports = Reports::default();
    let mut problems = Vec::new();
    for Found { name, text } in files {
        let (used, told) = match text {
            Ok(text) => reports.read(text, &places),
            Err(why) => (false, vec![why.to_string()]),
        };
        if let [first, more @ ..] = told.as_slice() {
            let how = if used { "could not be used whole" } else { "was not used" };
            let more = if more.is_empty() { String::new() } else { format!("; {} more", more.len()) };
            problems.push(format!("The evidence `{name}` {how}: {first}{more}."));
        }
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    if more > 0 {
        problems.truncate(MOST_PROBLEMS);
        problems.push(format!("More of the evidence could not be used: {more} files."));
    }
    problems.extend(reports.tidy(&places));
    (reports, problems)
}

impl Reports {
    /// Adds what a file holds. Tells whether it holds anything, and what of it could not be used.
    fn read(&mut self, text: &str, places: &Places<'_>) -> (bool, Vec<String>) {
        match text.trim_start_matches('\u{feff}').trim_start().chars().next() {
            Some('{') => {
                let (results, told) = sarif::parse(text);
                let used = !results.is_empty();
                let judges =
                    |result: &sarif::Result| matches!(result.kind, Kind::Fail | Kind::Pass | Kind::Review);
                self.results.extend(results.into_iter().filter(judges).filter_map(|r| places.result(r)));
                (used, told)
            }
            Some('<') => {
                let (tests, told) = junit::parse(text);
                let used = !tests.is_empty();
                for test in tests {
                    match test.failure {
                        Some(_) => self.failed.push(places.test(test)),
                        None => self.passed.push(plain_name(&test.name).to_owned()),
                    }
                }
                (used, told)
            }
            _ => (false, vec!["it is neither SARIF nor JUnit XML".to_owned()]),
        }
    }

    /// Takes each thing once, in an order that does not depend on the files', what is near the hunks first, and not more
    /// than can be of use.
    fn tidy(&mut self, places: &Places<'_>) -> Option<String> {
        let (near, far): (Vec<_>, Vec<_>) = self.results.drain(..).partition(|result| places.is_near(result));
        for mut results in [near, far] {
            results.sort_by(|a, b| result_key(a).cmp(&result_key(b)));
            results.dedup_by(|later, earlier| result_key(later) == result_key(earlier));
            self.results.append(&mut results);
        }
        // A name may stand for several tests: where one of them fails, the name says nothing.
        let failed: BTreeSet<&str> = self.failed.iter().map(|test| plain_name(&test.name)).collect();
        self.passed.retain(|name| !failed.contains(name.as_str()));
        self.passed.sort_unstable();
        self.passed.dedup();
        let (most_results, most_failed) =
            (self.results.len() > MOST_RESULTS, self.failed.len() > MOST_FAILED);
        self.results.truncate(MOST_RESULTS);
        self.failed.truncate(MOST_FAILED);
        self.passed.truncate(MOST_PASSED);
        (most_results || most_failed).then(|| {
            format!("Of the evidence only the first {MOST_RESULTS} results and {MOST_FAILED} failed tests were used.")
        })
    }
}

/// The name of a test without its parameters: `refund[twice]` and `refund()` are `refund`.
fn plain_name(name: &str) -> &str {
    name.split(['[', '(']).next().unwrap_or(name).trim()
}

fn result_key(result: &sarif::Result) -> impl Ord + '_ {
    let worst_first = Reverse(result.level);
    (worst_first, &result.path, result.lines, &result.tool, &result.rule, &result.message, result.suppressed)
}

#[cfg(test)]
mod tests;
