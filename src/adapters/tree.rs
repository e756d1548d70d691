//! The reviewed commit as a tree that lanes may look into: from a repository on this machine that holds the
//! commit, else from GitHub. Nothing outside of the tree can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use globset::GlobSet;
use tokio::sync::OnceCell;

use super::git::{self, Wanted, Workspace};
use super::github::GitHub;
use crate::domain::debate::code::distance;
use crate::domain::redact::Secrets;
use crate::domain::tools::{self, Answer, Listing, Lookup, Searched};
use crate::domain::triage::{self, Risk};
use crate::domain::units::{RepoName, Sha};

/// Longest time for one lookup.
const PATIENCE: Duration = Duration::from_secs(20);

/// A larger file is not read; what reads them has the same limit.
const LARGEST: u64 = 512 * 1024;

/// Most files that one search reads; git finds them first, of GitHub all of them are read.
const MOST_FILES: usize = 300;

/// Most bytes that one search asks GitHub for.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Longest time for the code that may decide findings: a debate goes on without it.
const SOON: Duration = Duration::from_secs(10);

/// Most files that may decide findings.
const DECIDING: usize = 100;

/// Most files that GitHub is asked for to find those.
const ASKED_FILES: usize = 60;

/// Most bytes of them.
const ASKED_BYTES: u64 = 1024 * 1024;

/// Most bytes of files that are kept.
const KEPT: usize = 32 * 1024 * 1024;

/// The tree of one commit. What was read once is kept for all lanes.
#[derive(Debug)]
pub struct Tree {
    commit: Sha,
    workspace: Option<Workspace>,
    github: Option<(GitHub, RepoName)>,
    hidden: GlobSet,
    secrets: Secrets,
    known: OnceCell<Option<Known>>,
    files: Mutex<BTreeMap<String, Option<Bytes>>>,
}

/// The tree, once it is read.
#[derive(Debug)]
struct Known {
    listing: Listing,
    /// Whether the workspace holds it.
    here: bool,
}

impl Tree {
    /// The tree of `commit`, to be looked for in `workspace` and then on GitHub. Paths that `hidden` matches do not
    /// exist in it, and the values in `secrets` are not shown. Nothing is read before the first lookup.
    #[must_use]
    pub fn new(
        commit: Sha,
        workspace: Option<Workspace>,
        github: Option<(GitHub, RepoName)>,
        hidden: GlobSet,
        secrets: Secrets,
    ) -> Self {
        Self { commit, workspace, github, hidden, secrets, known: OnceCell::new(), files: Mutex::default() }
    }

    /// Answers a lookup in at most `room` bytes and twenty seconds.
    pub async fn answer(&self, lookup: &Lookup, room: usize) -> Answer {
        let answer = tokio::time::timeout(PATIENCE, self.look(lookup, room)).await;
        answer.unwrap_or_else(|_| Answer::failed("It could not be read in time."))
    }

    /// The files at the paths `near`, and those that hold any of `words`, the nearest to these paths first: at most
    /// a hundred in all.
    ///
    /// A repository on this machine is searched whole. Of GitHub the nearest files of the same kind are read. What does
    /// not come within ten seconds is left out.
    pub async fn holding(&self, words: &[String], near: &[String]) -> BTreeMap<String, Bytes> {
        if let Ok(Some(files)) = tokio::time::timeout(SOON, self.deciding(words, near)).await {
            return files;
        }
        let kept = self.kept();
        near.iter().filter_map(|path| Some((path.clone(), kept.get(path)?.clone()?))).collect()
    }

    async fn deciding(&self, words: &[String], near: &[String]) -> Option<BTreeMap<String, Bytes>> {
        let known = self.known.get_or_init(|| self.list()).await.as_ref()?;
        let near: BTreeSet<&str> = near.iter().filter_map(|path| known.listing.file(path).ok()).collect();
        let here = self.workspace.as_ref().filter(|_| known.here && !words.is_empty());
        let holding = match here {
            Some(workspace) => git::holding(workspace, &self.commit, Wanted::Words(words), "")
                .await
                .inspect_err(|cause| tracing::info!("a search in the workspace failed: {cause:#}"))
                .ok(),
            None => None,
        };
        let of_a_kind = |path: &str| near.iter().any(|near| ending(near) == ending(path));
        let wanted = |path: &str, size: Option<u64>| {
            let readable = size.is_none_or(|size| size <= LARGEST) && !triage::is_binary_by_name(path);
            let may_hold = match &holding {
                Some(holding) => holding.contains(path),
                None => !words.is_empty() && of_a_kind(path),
            };
            near.contains(path) || readable && may_hold
        };
        let mut files: Vec<(&str, Option<u64>)> =
            known.listing.files("").filter(|(path, size)| wanted(path, *size)).collect();
        files.sort_by_cached_key(|(path, _)| {
            let late = triage::risk(path, &GlobSet::empty()) >= Risk::Test;
            let apart = near.iter().map(|near| distance(near, path)).min();
            (!near.contains(path), late, apart, *path)
        });
        if holding.is_none() {
            self.keep_affordable(&mut files);
        }
        let paths: Vec<&str> = files.into_iter().map(|(path, _)| path).take(DECIDING).collect();
        let mut found = self.read(known, &paths).await;
        found.retain(|path, text| {
            let text = String::from_utf8_lossy(text);
            near.contains(path.as_str()) || words.iter().any(|word| text.contains(&**word))
        });
        Some(found)
    }

    /// Leaves out what one question to GitHub should not ask for; what was read before costs nothing.
    fn keep_affordable(&self, files: &mut Vec<(&str, Option<u64>)>) {
        let kept = self.kept();
        let (mut count, mut bytes) = (0, 0);
        files.retain(|(path, size)| {
            if kept.contains_key(*path) {
                return true;
            }
            let (next, sum) = (count + 1, bytes + size.unwrap_or(0));
            let affordable = next <= ASKED_FILES && sum <= ASKED_BYTES;
            if affordable {
                (count, bytes) = (next, sum);
            }
            affordable
        });
    }

    async fn look(&self, lookup: &Lookup, room: usize) -> Answer {
        let Some(known) = self.known.get_or_init(|| self.list()).await else {
            return Answer::failed("The files of this commit cannot be read.");
        };
        match lookup {
            Lookup::Read { path, first, last } => {
                let path = match known.listing.file(path) {
                    Ok(path) => path,
                    Err(why) => return Answer::failed(why),
                };
                match self.read(known, &[path]).await.remove(path) {
                    Some(content) => tools::content(path, &content, (*first, *last), &self.secrets, room),
                    None => Answer::failed("This file is binary, larger than 512 kB, or cannot be read."),
                }
            }
            Lookup::List { prefix } => tools::list(&known.listing, prefix, &self.secrets, room),
            Lookup::Search { text, prefix } => {
                let searched = self.candidates(known, text, prefix).await;
                tools::search(text, &searched, &self.secrets, room)
            }
        }
    }

    async fn list(&self) -> Option<Known> {
        let mut known = None;
        if let Some(workspace) = &self.workspace {
            match git::tree(workspace, &self.commit).await {
                Ok(listing) => known = Some(Known { listing, here: true }),
                Err(cause) => tracing::info!("the workspace does not hold the reviewed commit: {cause:#}"),
            }
        }
        if let (None, Some((github, repo))) = (&known, &self.github) {
            match github.within(PATIENCE).tree(repo, &self.commit).await {
                Ok(listing) => known = Some(Known { listing, here: false }),
                Err(cause) => tracing::warn!("lanes cannot look into the repository: {cause}"),
            }
        }
        if let Some(known) = &mut known {
            known.listing.hide(|path| self.hidden.is_match(path));
        }
        known
    }

    /// The files that may hold a text, as many as there is time for.
    async fn candidates<'a>(&self, known: &'a Known, text: &str, prefix: &'a str) -> Searched<'a> {
        if let Some(workspace) = self.workspace.as_ref().filter(|_| known.here) {
            let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
            match git::holding(workspace, &self.commit, Wanted::Text(text), folder).await {
                Ok(holding) => {
                    let found = known.listing.files(prefix).map(|(path, _)| path);
                    let found: Vec<&str> = found.filter(|path| holding.contains(*path)).collect();
                    let unsearched = (found.len() > MOST_FILES)
                        .then(|| "It stands in more files: ask with a path_prefix.".to_owned());
                    return self
                        .searched(known, found.into_iter().take(MOST_FILES).collect(), unsearched)
                        .await;
                }
                Err(cause) => tracing::info!("a search in the workspace failed: {cause:#}"),
            }
        }
        let readable = |(path, size): &(&str, Option<u64>)| {
            size.is_none_or(|size| size <= LARGEST) && !triage::is_binary_by_name(path)
        };
        let mut files: Vec<(&str, Option<u64>)> = known.listing.files(prefix).filter(readable).collect();
        files.sort_by_key(|(path, _)| (triage::risk(path, &GlobSet::empty()), *path));
        let all = files.len();
        let mut bytes = 0;
        let within = files.into_iter().take(MOST_FILES).take_while(|(_, size)| {
            bytes += size.unwrap_or(0);
            bytes <= MOST_BYTES
        });
        let chosen: Vec<&str> = within.map(|(path, _)| path).collect();
        let unsearched = (chosen.len() < all).then(|| {
            format!("Only {} of {all} files were looked into: ask with a path_prefix.", chosen.len())
        });
        self.searched(known, chosen, unsearched).await
    }

    async fn searched<'a>(
        &self,
        known: &Known,
        paths: Vec<&'a str>,
        unsearched: Option<String>,
    ) -> Searched<'a> {
        let mut contents = self.read(known, &paths).await;
        let files = paths.into_iter().filter_map(|path| Some((path, contents.remove(path)?))).collect();
        Searched { files, unsearched }
    }

    /// The files at these paths, as far as they are text of moderate size. The paths stand in the listing.
    async fn read(&self, known: &Known, paths: &[&str]) -> BTreeMap<String, Bytes> {
        let (kept, missing): (Vec<_>, Vec<_>) = {
            let kept = self.kept();
            paths.iter().map(|path| (*path, kept.get(*path).cloned())).partition(|(_, kept)| kept.is_some())
        };
        let kept = kept.into_iter().filter_map(|(path, kept)| Some((path.to_owned(), kept??)));
        let mut files: BTreeMap<String, Bytes> = kept.collect();
        if missing.is_empty() {
            return files;
        }
        let missing: Vec<&str> = missing.into_iter().map(|(path, _)| path).collect();
        let (found, all_told) = self.fetch(known, &missing).await;
        let mut kept = self.kept();
        if kept.values().flatten().map(Bytes::len).sum::<usize>() > KEPT {
            kept.clear();
        }
        for path in missing {
            let file = found.get(path).cloned();
            if file.is_some() || all_told {
                kept.insert(path.to_owned(), file);
            }
        }
        files.extend(found);
        files
    }

    /// What could be read, and whether all else is known not to be text of moderate size.
    async fn fetch(&self, known: &Known, paths: &[&str]) -> (BTreeMap<String, Bytes>, bool) {
        let mut found = BTreeMap::new();
        if let Some(workspace) = self.workspace.as_ref().filter(|_| known.here) {
            match git::blobs(workspace, &self.commit, paths).await {
                Ok(blobs) => found = blobs,
                Err(cause) => tracing::warn!("files of the workspace could not be read: {cause:#}"),
            }
        }
        // A partial clone knows paths whose content it does not have.
        let missing: Vec<&str> = paths.iter().copied().filter(|path| !found.contains_key(*path)).collect();
        let Some((github, repo)) = self.github.as_ref().filter(|_| !missing.is_empty()) else {
            return (found, true);
        };
        let texts = github.within(PATIENCE).texts(repo, &self.commit, &missing).await;
        for problem in &texts.problems {
            tracing::debug!("a lookup: {problem}");
        }
        found.extend(texts.files);
        (found, texts.problems.is_empty())
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Option<Bytes>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands behind the last dot of a path's name: the kind of a file, as a rule.
fn ending(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.rsplit_once('.').map(|(_, ending)| ending)
}
