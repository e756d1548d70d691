//! Every line of the changes that can be had, wherever it can be had.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::{future, stream};
use globset::GlobSet;

use crate::adapters::git::{self, Workspace};
use crate::adapters::github::{self, GitHub};
use crate::domain::diff::{self, Diff, FileDiff, NoLines, Status};
use crate::domain::pull::PullRequest;
use crate::domain::render::words;
use crate::domain::triage;
use crate::domain::units::{RepoName, Sha};

/// Most files whose versions are fetched one by one: two calls each, so together a tenth of the 1,000 calls an
/// hour of an Actions token.
const MOST_FETCHED: usize = 50;

/// Files that are fetched at once, both versions of each. GitHub allows 100 concurrent requests and prefers fewer.
const FETCHED_AT_ONCE: usize = 4;

/// Most bytes of a version that is fetched: about what the largest window of a model holds.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// All that could be learnt of the changes.
pub(super) struct Whole {
    pub(super) diff: Diff,
    /// Changed files of which not even the names are known.
    pub(super) unlisted: u64,
    /// What could not be read, as sentences.
    pub(super) notes: Vec<String>,
}

/// The diff in one piece, or file by file where GitHub refuses that; of the files that are `due`, also the lines that
/// GitHub does not show.
pub(super) async fn whole_diff(
    github: &GitHub,
    repo: &RepoName,
    pull: &PullRequest,
    workspace: Option<&Workspace>,
    due: &dyn Fn(&FileDiff) -> bool,
) -> Result<Whole, github::Error> {
    let mut whole = shown(github, repo, pull).await?;
    let hidden = |file: &FileDiff| is_hidden(file) && due(file);
    if whole.unlisted > 0 || whole.diff.files.iter().any(hidden) {
        complete(github, repo, pull, workspace, &hidden, &mut whole).await;
    }
    Ok(whole)
}

/// What GitHub shows.
async fn shown(github: &GitHub, repo: &RepoName, pull: &PullRequest) -> Result<Whole, github::Error> {
    match github.diff(repo, pull.number).await {
        Ok(raw) => {
            let (diff, notes) = diff::parse(raw);
            let known = diff.files.len();
            let missing = pull.changed_files.saturating_sub(known as u64);
            if missing == 0 {
                return Ok(Whole { diff, unlisted: 0, notes });
            }
            tracing::warn!("a diff of {known} files came: reading {} one by one", pull.changed_files);
            match listed(github, repo, pull).await {
                Ok(list) if list.diff.files.len() > known => Ok(list),
                // Counts of GitHub can be older than the diff: what it lists is believed.
                Ok(_) => Ok(Whole { diff, unlisted: 0, notes }),
                Err(cause) if known == 0 => Err(cause),
                Err(cause) => {
                    tracing::warn!("the files could not be listed: {cause}");
                    Ok(Whole { diff, unlisted: missing, notes })
                }
            }
        }
        Err(github::Error::TooLarge { .. }) => {
            tracing::info!("the diff is too large to be sent whole: reading {} files", pull.changed_files);
            listed(github, repo, pull).await
        }
        Err(cause) => Err(cause),
    }
}

/// What GitHub shows file by file.
async fn listed(github: &GitHub, repo: &RepoName, pull: &PullRequest) -> Result<Whole, github::Error> {
    let files = github.files(repo, pull.number, pull.changed_files).await?;
    Ok(Whole { diff: Diff { files: files.files }, unlisted: files.unlisted, notes: files.problems })
}

/// Whether a file may have lines that GitHub does not show: it withholds those of large files, and of files that the
/// pull request's own attributes call binary (`*.rs -diff`), which would hide them from review.
fn is_hidden(file: &FileDiff) -> bool {
    match file.no_lines {
        Some(NoLines::Withheld | NoLines::CalledBinary) => true,
        Some(NoLines::Binary) => !triage::is_binary_by_name(&file.path),
        _ => false,
    }
}

fn is_withheld(file: &FileDiff) -> bool {
    file.no_lines == Some(NoLines::Withheld)
}

/// Reads what GitHub does not show: from the workspace, else from both versions of each file. No comment can
/// stand there, but a reviewer can read it.
async fn complete(
    github: &GitHub,
    repo: &RepoName,
    pull: &PullRequest,
    workspace: Option<&Workspace>,
    hidden: &dyn Fn(&FileDiff) -> bool,
    whole: &mut Whole,
) {
    // Until somebody has looked.
    for file in whole.diff.files.iter_mut().filter(|file| hidden(file)) {
        if file.no_lines == Some(NoLines::Binary) {
            file.no_lines = Some(NoLines::CalledBinary);
        }
    }
    // GitHub knows the whole history; a checkout is often shallow, and would find another base or none.
    let base = match github.merge_base(repo, &pull.base, &pull.head).await {
        Ok(base) => base,
        Err(cause) => {
            let unknown = matches!(cause, github::Error::NotFound { .. });
            for file in whole.diff.files.iter_mut().filter(|_| unknown) {
                // A server that knows no commits: GitHub's word stands that it is binary.
                if file.no_lines == Some(NoLines::CalledBinary) {
                    file.no_lines = Some(NoLines::Binary);
                }
            }
            if !unknown || whole.unlisted > 0 || whole.diff.files.iter().any(is_withheld) {
                whole.notes.push(format!("What GitHub does not show could not be read: {cause}."));
            }
            return;
        }
    };
    if let Some(workspace) = workspace {
        match git::diff(workspace, &base, &pull.head).await {
            Ok(raw) => take_from_git(whole, raw, hidden),
            Err(cause) => tracing::info!("the workspace does not tell what GitHub does not show: {cause:#}"),
        }
    }
    let open = |file: &FileDiff| matches!(file.no_lines, Some(NoLines::Withheld | NoLines::CalledBinary));
    let wanted = whole.diff.files.iter_mut().filter(|file| open(file) && hidden(file));
    // A file that became another kind of thing has no two versions to compare.
    let mut comparable: Vec<_> = wanted.filter(|file| file.status != Status::TypeChanged).collect();
    comparable.sort_by_key(|file| triage::risk(&file.path, &GlobSet::empty()));
    let reads = comparable.into_iter().take(MOST_FETCHED).map(|file| async {
        let compared = compared(github, repo, &base, &pull.head, file).await;
        (file, compared)
    });
    let mut causes = Vec::new();
    let reads: Vec<_> = stream::iter(reads).buffered(FETCHED_AT_ONCE).collect().await;
    for (file, compared) in reads {
        match compared {
            Ok(read) if is_withheld(file) || read.no_lines.is_none() => *file = read,
            // Binary after all. Under a name of code that is no reason to pass over it.
            Ok(read) if read.no_lines != Some(NoLines::TooLarge) && !triage::is_code_by_name(&file.path) => {
                file.no_lines = Some(NoLines::Binary);
            }
            Ok(_) => {}
            // A server that does not know the file: GitHub's word stands that it is binary.
            Err(github::Error::NotFound { .. }) if !is_withheld(file) => {
                file.no_lines = Some(NoLines::Binary)
            }
            Err(github::Error::TooLarge { .. }) if is_withheld(file) => {
                file.no_lines = Some(NoLines::TooLarge);
            }
            Err(cause) => {
                if is_withheld(file) {
                    file.no_lines = Some(NoLines::Unfetched);
                }
                causes.push(cause);
            }
        }
    }
    if let Some(cause) = causes.first() {
        let files = words::count(causes.len(), "file");
        whole.notes.push(format!("The content of {files} could not be fetched: {cause}."));
    }
}

/// Takes what git shows of the hidden files and of those that GitHub does not list.
fn take_from_git(whole: &mut Whole, raw: Bytes, hidden: &dyn Fn(&FileDiff) -> bool) {
    let (diff, problems) = diff::parse(raw);
    let named = |file: FileDiff| (file.path.clone(), FileDiff { commentable: false, ..file });
    let mut local: BTreeMap<String, FileDiff> = diff.files.into_iter().map(named).collect();
    let listed = &mut whole.diff.files;
    for file in listed.iter_mut() {
        // Of a file without lines GitHub's word is the better: nobody here can change it.
        if let Some(found) = local.remove(&file.path)
            && hidden(file)
        {
            match found.no_lines {
                None => *file = found,
                // git has looked at its bytes, and at nobody's attributes.
                Some(NoLines::Binary) if !is_withheld(file) && !triage::is_code_by_name(&file.path) => {
                    file.no_lines = Some(NoLines::Binary);
                }
                Some(_) => {}
            }
        }
    }
    if whole.unlisted > 0 {
        // The old name of a file that GitHub knows to be moved is listed with the new one.
        for old in listed.iter().filter_map(|file| file.old_path.as_ref()) {
            local.remove(old);
        }
        listed.extend(local.into_values());
        whole.unlisted = 0;
    }
    whole.notes.extend(problems);
}

/// A file as both its versions tell.
async fn compared(
    github: &GitHub,
    repo: &RepoName,
    base: &Sha,
    head: &Sha,
    file: &FileDiff,
) -> Result<FileDiff, github::Error> {
    let old_path = file.old_path.as_ref().unwrap_or(&file.path);
    let version = |path, commit, there| async move {
        if there { github.bytes(repo, path, commit, MOST_BYTES).await } else { Ok(Bytes::new()) }
    };
    let (old, new) = future::try_join(
        version(old_path, base, file.status != Status::Added),
        version(&file.path, head, file.status != Status::Deleted),
    )
    .await?;
    let read = diff::computed(&file.path, file.old_path.as_deref(), file.status, &old, &new);
    Ok(FileDiff { commentable: false, ..read })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::diff::{parse, without_lines};

    #[test]
    fn git_adds_what_github_does_not_list_and_no_half_of_what_it_does() {
        let section = |path: &str, mode: &str, sides: &str, hunk: &str| {
            format!("diff --git a/{path} b/{path}\n{mode} file mode 100644\n{sides}\n{hunk}\n")
        };
        let raw = [
            section("old", "deleted", "--- a/old\n+++ /dev/null", "@@ -1 +0,0 @@\n-x"),
            section("new", "new", "--- /dev/null\n+++ b/new", "@@ -0,0 +1 @@\n+x"),
            section("late", "new", "--- /dev/null\n+++ b/late", "@@ -0,0 +1 @@\n+x"),
        ];
        let listed = without_lines("new", Some("old"), Status::Renamed, NoLines::NothingToRead);
        let known = parse(Bytes::from(raw[1].clone())).0.files.remove(0);
        for (file, unlisted, wanted) in [
            (listed.clone(), 1, vec![("new", true), ("late", false)]),
            (listed, 0, vec![("new", true)]),
            (known, 1, vec![("new", true), ("late", false), ("old", false)]),
        ] {
            let mut whole = Whole { diff: Diff { files: vec![file] }, unlisted, notes: Vec::new() };
            take_from_git(&mut whole, Bytes::from(raw.concat()), &is_hidden);
            let files: Vec<_> =
                whole.diff.files.iter().map(|file| (file.path.as_str(), file.commentable)).collect();
            assert_eq!((files, whole.unlisted, whole.notes), (wanted, 0, Vec::new()));
        }
    }
}
