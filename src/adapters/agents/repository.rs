//! What a program may read of the reviewed commit: a copy of its text files, and nothing else of the workspace, where
//! credentials lie about (`.git/config` holds the job's token after most checkouts).

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use globset::GlobSet;

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
    let folder = Folder::new()?;
    let mut bytes = 0;
    for paths in wanted.chunks(AT_A_TIME) {
        for (path, content) in git::blobs(workspace, commit, paths).await? {
            bytes += content.len();
            if bytes > MOST_BYTES {
                tracing::info!("the repository is large: command lines read a part of it");
                return Ok(folder);
            }
            write(folder.path(), &path, &content, secrets)
                .with_context(|| format!("{path} cannot be copied"))?;
        }
    }
    Ok(folder)
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
