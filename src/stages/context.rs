//! What stands around the hunks, read at the reviewed commit. It is help: what cannot be had is done without.

use std::path::Path;
use std::time::Duration;

use crate::adapters::git;
use crate::adapters::github::GitHub;
use crate::domain::context::{self, Texts};
use crate::domain::diff::{Around, FileDiff};
use crate::domain::redact::Secrets;
use crate::domain::units::{RepoName, Sha};

/// Longest time for all of it: a review is worth more than its explanation.
const PATIENCE: Duration = Duration::from_secs(20);

/// The surroundings of the hunks of a review.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// By path, secrets replaced.
    pub around: Around,
    /// What could not be read, for the record: a review without it is whole.
    pub problems: Vec<String>,
}

/// Reads what stands around the hunks of these files of a pull request, the first served first.
pub async fn read(
    github: &GitHub,
    repo: &RepoName,
    head: &Sha,
    files: &[&FileDiff],
    secrets: &Secrets,
) -> Context {
    let paths = wanted(files);
    settle(files, github.within(PATIENCE).texts(repo, head, &paths).await, secrets)
}

/// Reads what stands around the hunks of these files of a local branch.
pub async fn read_local(repository: &Path, head: &Sha, files: &[&FileDiff], secrets: &Secrets) -> Context {
    let paths = wanted(files);
    settle(files, git::texts(repository, head, &paths).await, secrets)
}

fn wanted<'a>(files: &[&'a FileDiff]) -> Vec<&'a str> {
    files.iter().filter(|file| context::is_wanted(file)).map(|file| file.path.as_str()).collect()
}

fn settle(files: &[&FileDiff], texts: Texts, secrets: &Secrets) -> Context {
    for problem in &texts.problems {
        tracing::warn!("{problem}");
    }
    Context { around: context::of_files(files, &texts, secrets), problems: texts.problems }
}
