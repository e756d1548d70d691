//! What a program may read of the reviewed commit: a copy of its text files, and nothing else of the workspace, where
//! credentials lie about (`.git/config` holds the job's token after most checkouts).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use globset::GlobSet;
use tokio_util::sync::CancellationToken;

use super::folder::Folder;
use crate::adapters::git::{self, Workspace};
use crate::domain::redact::{self, Secrets};
use crate::domain::units::Sha;

/// Longest time for the copy: a review can do without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Most files, and most bytes, that are copied.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: usize = 128 * 1024 * 1024;

/// Files that are read at a time.
const AT_A_TIME: usize = 500;

/// Names of files and folders by which a repository tells a program what to do. The reviewed one does not get to.
const ORDERS: [&str; 8] = [
    "agents.md",
    "agents.override.md",
    "claude.md",
    "claude.local.md",
    ".agents",
    ".claude",
    ".codex",
    ".mcp.json",
];

/// The text files of one commit in a folder of their own, without secrets, links, submodules and whatever would
/// configure a program. Removed with this value.
#[derive(Debug)]
pub struct Repository(Folder);

impl Repository {
    /// Copies what `workspace` holds of `commit`, except for paths that `hidden` matches; nothing if it does not have
    /// the commit or the copy takes too long, which the log tells.
    pub async fn copy(
        workspace: &Workspace,
        commit: &Sha,
        hidden: &GlobSet,
        secrets: &Secrets,
    ) -> Option<Self> {
        let copied = tokio::time::timeout(PATIENCE, copied(workspace, commit, hidden, secrets)).await;
        match copied.context("it took too long").flatten() {
            Ok(folder) => Some(Self(folder)),
            Err(cause) => {
                tracing::info!("command lines read nothing but the diff: {cause:#}");
                None
            }
        }
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

async fn copied(
    workspace: &Workspace,
    commit: &Sha,
    hidden: &GlobSet,
    secrets: &Secrets,
) -> anyhow::Result<Folder> {
    let listing = git::tree(workspace, commit).await?;
    let wanted = listing.files("").map(|(path, _)| path);
    let wanted: Vec<&str> =
        wanted.filter(|path| !is_order(path) && !hidden.is_match(path)).take(MOST_FILES).collect();
    let mut draft = Draft { folder: Folder::new()?, bytes: 0, secrets: secrets.clone() };
    // What is being written when nobody waits any more is not written on.
    let given_up = CancellationToken::new();
    let _guard = given_up.clone().drop_guard();
    for paths in wanted.chunks(AT_A_TIME) {
        let files = git::blobs(workspace, commit, paths).await?;
        let given_up = given_up.clone();
        draft = tokio::task::spawn_blocking(move || draft.with(files, &given_up)).await??;
        if draft.bytes > MOST_BYTES {
            tracing::info!("the repository is large: command lines read a part of it");
            break;
        }
    }
    Ok(draft.folder)
}

/// A copy under way.
struct Draft {
    folder: Folder,
    /// Of all files so far.
    bytes: usize,
    secrets: Secrets,
}

impl Draft {
    /// Writes files, until there are too many bytes or nobody waits for them.
    fn with(mut self, files: BTreeMap<String, Bytes>, given_up: &CancellationToken) -> anyhow::Result<Self> {
        for (path, content) in files {
            self.bytes += content.len();
            if self.bytes > MOST_BYTES || given_up.is_cancelled() {
                break;
            }
            write(self.folder.path(), &path, &content, &self.secrets)
                .with_context(|| format!("{path} cannot be copied"))?;
        }
        Ok(self)
    }
}

/// Whether a path is one by which repositories configure these programs.
fn is_order(path: &str) -> bool {
    path.split('/').any(|part| ORDERS.iter().any(|order| part.eq_ignore_ascii_case(order)))
}

/// Writes a text file; anything else is not for reading.
fn write(folder: &Path, path: &str, content: &Bytes, secrets: &Secrets) -> io::Result<()> {
    let Some(text) = std::str::from_utf8(content).ok().filter(|text| !text.contains('\0')) else {
        return Ok(());
    };
    let text = redact::text(text);
    let text = secrets.mask(&text);
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::File::create_new(file)?.write_all(text.as_bytes())
}
