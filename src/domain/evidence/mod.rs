//! What tools other than the lanes report about the reviewed code: scanners and linters in SARIF, tests in JUnit XML.
//!
//! It stands beside findings and decides nothing: whoever wrote the pull request may have written these files too.

pub mod junit;
mod place;
mod told;

use serde::{Deserialize, Serialize};

use self::junit::Test;
use self::place::Places;
use crate::domain::diff::Diff;
use crate::domain::sarif::{self, Kind};

pub use self::told::{MAX_BYTES, most_bytes, told};

/// The most results on files of the diff that are kept.
const MOST_RESULTS: usize = 1_000;

/// The most failed tests that are kept: where more fail, what is broken is not this change alone.
const MOST_FAILED: usize = 200;

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

/// Reads report files, each with the name that people know it by, and keeps what is about the files of this diff, under
/// their names in it. `roots` are the folders that the repository was checked out to when the tools ran. The second
/// value tells people what could not be used, one sentence a file.
#[must_use]
pub fn gather(files: &[(String, String)], diff: &Diff, roots: &[String]) -> (Reports, Vec<String>) {
    let places = Places::new(diff, roots);
    let mut reports = Reports::default();
    let mut problems = Vec::new();
    for (name, text) in files {
        let told = match text.trim_start_matches('\u{feff}').trim_start().chars().next() {
            Some('{') => {
                let (results, told) = sarif::parse(text);
                let is_about = |result: &sarif::Result| {
                    matches!(result.kind, Kind::Fail | Kind::Pass | Kind::Review) && !result.path.is_empty()
                };
                reports.results.extend(results.into_iter().filter(is_about).filter_map(|r| places.result(r)));
                told
            }
            Some('<') => {
                let (tests, told) = junit::parse(text);
                for test in tests {
                    match test.failure {
                        Some(_) => reports.failed.push(places.test(test)),
                        None => reports.passed.push(plain_name(&test.name).to_owned()),
                    }
                }
                told
            }
            _ => vec!["it is neither SARIF nor JUnit XML".to_owned()],
        };
        if let [first, more @ ..] = told.as_slice() {
            let more = if more.is_empty() { String::new() } else { format!("; {} more", more.len()) };
            problems.push(format!("The evidence `{name}` could not be used whole: {first}{more}."));
        }
    }
    problems.extend(reports.tidy());
    (reports, problems)
}

impl Reports {
    /// Takes each thing once, in an order that does not depend on the files', and not more than can be of use.
    fn tidy(&mut self) -> Option<String> {
        let results = &mut self.results;
        results.sort_by(|a, b| result_key(a).cmp(&result_key(b)));
        results.dedup_by(|later, earlier| result_key(later) == result_key(earlier));
        // A name may stand for several tests: where one of them fails, the name says nothing.
        let failed: std::collections::BTreeSet<&str> =
            self.failed.iter().map(|test| plain_name(&test.name)).collect();
        self.passed.retain(|name| !failed.contains(name.as_str()));
        self.passed.sort_unstable();
        self.passed.dedup();
        let (most_results, most_failed) =
            (self.results.len() > MOST_RESULTS, self.failed.len() > MOST_FAILED);
        self.results.truncate(MOST_RESULTS);
        self.failed.truncate(MOST_FAILED);
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
    let worst_first = std::cmp::Reverse(result.level);
    (worst_first, &result.path, result.lines, &result.tool, &result.rule, &result.message, result.suppressed)
}

#[cfg(test)]
mod tests;
