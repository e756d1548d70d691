//! The changed files one by one: what is left when a diff is too large to be sent whole.

use std::collections::{BTreeMap, BTreeSet};

use super::call::{JSON, JSON_CAP};
use super::error::Error;
use super::page::set_page;
use super::{GitHub, wire, with_query};
use crate::domain::diff::{FileDiff, NoLines, Status, parse_patch, without_lines};
use crate::domain::units::{PullNumber, RepoName};

/// GitHub lists at most 3,000 files, a hundred a page.
const PAGES: u64 = 30;

/// Rows of a page of this many lines or more may have lost theirs without a mark. GitHub's budget is about
/// 20,000 lines (`community` discussion 213491) and not documented, so the doubt begins far below it; under
/// it, a file without lines has none.
const DOUBT: u64 = 1_000;

/// The page sizes at which a doubtful row is asked for again.
const SMALLER: [u64; 2] = [30, 10];

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
    /// A file without lines says why: `Withheld` when GitHub counts changes but sends none, `NothingToRead` for
    /// empty files and those only renamed, else `Binary` (which here includes changes of the mode alone: the
    /// list does not tell them apart).
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
            if doubtful.is_empty() {
                break;
            }
            doubtful = self.look_closer(&url, size, &mut rows, &doubtful).await?;
        }
        if !doubtful.is_empty() {
            tracing::warn!(files = doubtful.len(), "GitHub lists files without saying what changed in them");
        }
        let unlisted = changed_files.saturating_sub(rows.len() as u64);
        let mut all = Files { unlisted, ..Files::default() };
        for row in rows {
            if let Some((file, problems)) = file_diff(row) {
                all.files.push(file);
                all.problems.extend(problems);
            }
        }
        Ok(all)
    }

    /// Asks for the doubtful rows in pages of another size, keeps whatever tells more, and says which rows are
    /// still in doubt.
    async fn look_closer(
        &self,
        url: &reqwest::Url,
        size: u64,
        rows: &mut [wire::File],
        doubtful: &BTreeSet<usize>,
    ) -> Result<BTreeSet<usize>, Error> {
        let step = usize::try_from(size).unwrap_or(1);
        let pages: BTreeSet<usize> = doubtful.iter().map(|at| at / step).collect();
        let mut still = BTreeSet::new();
        for page in pages {
            let sized = with_query(url.clone(), &[("per_page", &size.to_string())]);
            let sized = set_page(&sized, page as u64 + 1);
            let closer: Vec<wire::File> = self.read(&sized, JSON, JSON_CAP, |answer| answer.json()).await?;
            let doubts = doubts(&closer);
            // By name: the pull request may have moved meanwhile.
            let mut found: BTreeMap<Option<String>, (bool, wire::File)> = closer
                .into_iter()
                .enumerate()
                .map(|(at, row)| (row.filename.clone(), (doubts.contains(&at), row)))
                .collect();
            for at in doubtful.iter().filter(|at| **at / step == page) {
                let Some(row) = rows.get_mut(*at) else { continue };
                match found.remove(&row.filename) {
                    Some((true, _)) => {
                        still.insert(*at);
                    }
                    Some((false, better)) => *row = better,
                    None => {}
                }
            }
        }
        Ok(still)
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

fn file_diff(row: wire::File) -> Option<(FileDiff, Vec<String>)> {
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
    let reason = if row.changes.unwrap_or(0) > 0 {
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
