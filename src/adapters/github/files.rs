//! The changed files one by one: what is left when a diff is too large to be sent whole.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use super::error::Error;
use super::page::{AT_ONCE, set_page};
use super::{GitHub, wire, with_query};
use crate::domain::diff::{FileDiff, NoLines, Status, parse_patch, without_lines};
use crate::domain::units::{PullNumber, RepoName};

/// GitHub lists at most 3,000 files, a hundred a page.
const PAGES: u64 = 30;

/// Rows of a page of this many lines or more may have lost theirs without a mark. GitHub's budget is about
/// 20,000 lines (`community` discussion 213491) and not documented, so the doubt begins far below it; under
/// it, a file without lines has none.
const DOUBT: u64 = 1_000;

/// The page sizes at which a doubtful row is asked for again. Alone on its page a row shares no budget.
const SMALLER: [usize; 3] = [30, 10, 1];

/// Most pages that are asked for again at one size: all of them together are under a sixth of the 1,000 calls
/// an hour of an Actions token.
const MOST_AGAIN: usize = 50;

/// git's name for an empty file.
const EMPTY_BLOB: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

/// The changed files that GitHub lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Every listed file, with its lines as far as GitHub sends them.
    pub files: Vec<FileDiff>,
    /// Changed files that GitHub does not list: those after the 3,000th.
    pub unlisted: u64,
    /// What could not be read in the patches, as fragments.
    pub problems: Vec<String>,
}

impl GitHub {
    /// The changed files of a pull request; `changed_files` is the count it names itself.
    ///
    /// A file without lines says why: `Withheld` when GitHub counts changes but sends none or does not tell,
    /// `NothingToRead` for empty files and those only renamed, else `Binary` (which here includes changes of the
    /// mode alone: the list does not tell them apart).
    ///
    /// # Errors
    /// A failed call.
    pub async fn files(
        &self,
        repo: &RepoName,
        number: PullNumber,
        changed_files: u64,
    ) -> Result<Files, Error> {
        let url = self.repo_url(repo, &["pulls", &number.to_string(), "files"])?;
        let mut rows = self.list::<Vec<wire::File>>(url.clone(), PAGES).await?;
        let mut doubtful = BTreeSet::new();
        for (page, chunk) in rows.chunks(100).enumerate() {
            doubtful.extend(doubts(chunk).into_iter().map(|at| page * 100 + at));
        }
        for size in SMALLER {
            let pages: BTreeSet<usize> = doubtful.iter().map(|at| at / size).collect();
            // Where each row would take a page of its own, it is better asked for alone.
            if size == 1 || pages.len() < doubtful.len() {
                doubtful = self.look_closer(&url, size, &mut rows, &doubtful, pages).await;
            }
        }
        if !doubtful.is_empty() {
            tracing::warn!(files = doubtful.len(), "GitHub lists files without saying what changed in them");
        }
        let unlisted = changed_files.saturating_sub(rows.len() as u64);
        let mut all = Files { unlisted, ..Files::default() };
        for (at, row) in rows.into_iter().enumerate() {
            if let Some((file, problems)) = file_diff(row, doubtful.contains(&at)) {
                all.files.push(file);
                all.problems.extend(problems);
            }
        }
        Ok(all)
    }

    /// Asks for the doubtful rows in pages of another size, keeps whatever tells more, and says which rows are
    /// still in doubt. A page that cannot be read leaves its rows in doubt.
    async fn look_closer(
        &self,
        url: &reqwest::Url,
        size: usize,
        rows: &mut [wire::File],
        doubtful: &BTreeSet<usize>,
        pages: BTreeSet<usize>,
    ) -> BTreeSet<usize> {
        let sized = with_query(url.clone(), &[("per_page", &size.to_string())]);
        let reads = pages.into_iter().take(MOST_AGAIN).map(|page| {
            let url = set_page(&sized, page as u64 + 1);
            async move { (page, self.object::<Vec<wire::File>>(&url).await) }
        });
        let answers: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
        let mut still = doubtful.clone();
        for (page, closer) in answers {
            let closer = closer.unwrap_or_else(|error| {
                tracing::warn!(%error, "files in doubt could not be asked for again");
                Vec::new()
            });
            let doubts = doubts(&closer);
            // By name: the pull request may have moved meanwhile.
            let mut found: BTreeMap<Option<String>, wire::File> = closer
                .into_iter()
                .enumerate()
                .filter(|(at, _)| !doubts.contains(at))
                .map(|(_, row)| (row.filename.clone(), row))
                .collect();
            for at in doubtful.range(page * size..(page + 1) * size) {
                if let Some(row) = rows.get_mut(*at)
                    && let Some(better) = found.remove(&row.filename)
                {
                    *row = better;
                    still.remove(at);
                }
            }
        }
        still
    }
}

/// The rows of one page that may have lost their lines to the page's budget: from there on GitHub sends zeros
/// and no patch, as for a binary file.
fn doubts(page: &[wire::File]) -> BTreeSet<usize> {
    let lines = |row: &wire::File| {
        let sent = row.patch.as_ref().map_or(0, |patch| patch.lines().count() as u64);
        sent.max(row.changes.unwrap_or(0))
    };
    if page.iter().map(lines).sum::<u64>() < DOUBT {
        return BTreeSet::new();
    }
    let silent = |row: &wire::File| row.patch.is_none() && row.changes.unwrap_or(0) == 0 && !is_empty(row);
    page.iter().enumerate().filter(|(_, row)| silent(row)).map(|(at, _)| at).collect()
}

/// Whether the row is an empty file, which has no lines in any diff.
fn is_empty(row: &wire::File) -> bool {
    row.sha.as_deref() == Some(EMPTY_BLOB) && matches!(row.status.as_deref(), Some("added" | "removed"))
}

fn file_diff(row: wire::File, doubtful: bool) -> Option<(FileDiff, Vec<String>)> {
    let path = row.filename.as_deref()?;
    let status = match row.status.as_deref() {
        Some("added") => Status::Added,
        Some("removed") => Status::Deleted,
        Some("renamed") => Status::Renamed,
        Some("copied") => Status::Copied,
        Some("changed") => Status::TypeChanged,
        _ => Status::Modified,
    };
    let old_path = row.previous_filename.as_deref().filter(|old| *old != path);
    if let Some(patch) = row.patch.as_deref().filter(|patch| !patch.is_empty()) {
        return Some(parse_patch(path, old_path, status, patch));
    }
    let reason = if doubtful || row.changes.unwrap_or(0) > 0 {
        NoLines::Withheld
    } else if is_empty(&row)
        || matches!(row.status.as_deref(), Some("renamed" | "copied" | "changed" | "unchanged"))
    {
        NoLines::NothingToRead
    } else {
        NoLines::Binary
    };
    Some((without_lines(path, old_path, status, reason), Vec::new()))
}
