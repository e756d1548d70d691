//! The git program, for reviews of a local branch and for what GitHub does not show of a pull request. Nothing of
//! the repository is run: hooks, filters, file monitors, external diffs and text conversions are off.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::domain::context::Texts;
use crate::domain::tools::{Kind, Listing};
use crate::domain::units::Sha;

/// No git command of ours takes longer on a repository that works.
const PATIENCE: Duration = Duration::from_secs(120);

const NO_GIT: &str = "git could not be started: is it installed?";

/// A file of more bytes is not read for a few of its lines.
const LARGEST_TEXT: u64 = 512 * 1024;

/// Longest time for what a workspace can tell: GitHub can be asked instead.
const WORKSPACE_PATIENCE: Duration = Duration::from_secs(30);

/// Most bytes that are read of what git prints.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// git's name for a tree without files: attributes are read from it, so that none apply.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A local branch against its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDiff {
    /// The commit where the branch left its base.
    pub base: Sha,
    /// The branch's commit.
    pub head: Sha,
    /// The diff between them.
    pub diff: Bytes,
}

/// A folder that may hold the commits of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The folder.
    pub folder: PathBuf,
    /// Whether the Actions runner made it. It often belongs to another user then, which git takes for a trap
    /// unless it is told of the folder.
    pub of_runner: bool,
}

/// The changes from one commit to another as GitHub shows them, whatever the repository's configuration and
/// attributes say.
///
/// # Errors
/// A sentence saying what git could not do; one of the commits is not here, as a rule.
pub async fn diff(workspace: &Workspace, base: &Sha, head: &Sha) -> anyhow::Result<Bytes> {
    let mut command = inside(workspace)?;
    // Plumbing: prefixes, context, order and algorithm do not follow the configuration.
    command.args(["-c", "diff.suppressBlankEmpty=false", "-c", "core.bigFileThreshold=512m"]);
    // An option, not the variable: a git that is too old for it says so, and is not believed.
    command.arg("--attr-source").arg(EMPTY_TREE);
    command.args([
        "diff-tree",
        "-r",
        "-p",
        "--find-renames",
        "-l1000",
        "--unified=3",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--submodule=short",
        "--end-of-options",
        base.as_str(),
        head.as_str(),
    ]);
    output(command, WORKSPACE_PATIENCE).await.map(Bytes::from).context("git diff-tree failed")
}

/// The committed changes of the checked-out branch since it left `base`.
///
/// # Errors
/// A sentence saying what git could not do.
pub async fn branch_diff(repository: &Path, base: &str) -> anyhow::Result<LocalDiff> {
    if base.starts_with('-') || base.is_empty() {
        bail!("`{base}` is not the name of a commit");
    }
    let head = commit(repository, "HEAD").await?;
    let tip = commit(repository, base).await?;
    let merge_base = run(repository, &["merge-base", tip.as_str(), head.as_str()])
        .await
        .with_context(|| format!("`{base}` and HEAD have no common commit"))?;
    let base = text(&merge_base).parse::<Sha>().map_err(anyhow::Error::msg)?;
    let here = Workspace { folder: repository.to_owned(), of_runner: false };
    let diff = match diff(&here, &base, &head).await {
        Ok(diff) => diff,
        Err(cause) => {
            tracing::info!("files that attributes call binary are not read: {cause:#}");
            let plain =
                ["diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--unified=3"];
            Bytes::from(run(repository, &[&plain[..], &[base.as_str(), head.as_str()]].concat()).await?)
        }
    };
    Ok(LocalDiff { base, head, diff })
}

/// The branch that `origin` calls its default, when it is known here.
pub async fn default_base(repository: &Path) -> Option<String> {
    let name =
        run(repository, &["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]).await.ok()?;
    Some(text(&name)).filter(|name| !name.is_empty())
}

/// The content of a file at a commit; `None` when it is not there.
pub async fn file(repository: &Path, commit: &Sha, path: &str) -> Option<String> {
    let bytes = run(repository, &["cat-file", "blob", &format!("{commit}:{path}")]).await.ok()?;
    String::from_utf8(bytes).ok()
}

/// The files with these paths at a commit. Missing ones, and those too large to be read for a few of their
/// lines, are left out without a word; where git fails, with one.
pub async fn texts(repository: &Path, commit: &Sha, paths: &[&str]) -> Texts {
    // git reads one name a line, and cannot be asked for a path that holds a line end.
    let paths: Vec<&str> = paths.iter().copied().filter(|path| !path.contains('\n')).collect();
    let mut texts = Texts::default();
    let read =
        tokio::time::timeout(PATIENCE, read_texts(command(repository), commit, &paths, &mut texts.files))
            .await;
    if let Err(error) = read.context("git did not answer within two minutes").flatten() {
        let problem = format!("What stands around the hunks of some files could not be read: {error:#}.");
        texts.problems.push(problem);
    }
    texts
}

/// Every path of a commit, if the workspace holds it.
///
/// # Errors
/// A sentence saying what git could not do; the commit is not here, as a rule.
pub async fn tree(workspace: &Workspace, commit: &Sha) -> anyhow::Result<Listing> {
    let mut command = inside(workspace)?;
    command.args(["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit.as_str()]);
    let raw = output(command, WORKSPACE_PATIENCE).await.context("git ls-tree failed")?;
    let mut listing = Listing::default();
    for entry in raw.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let entry = std::str::from_utf8(entry).ok().and_then(|entry| entry.split_once('\t'));
        match entry {
            Some((about, path)) => {
                let mode = about.split(' ').next().unwrap_or_default();
                Kind::of_mode(mode, None).into_iter().for_each(|kind| listing.add(path, kind));
            }
            None => listing.incomplete = true,
        }
    }
    Ok(listing)
}

/// The files with these paths at a commit, links not followed. Missing ones and those too large to be read are
/// left out.
///
/// # Errors
/// A sentence saying what git could not do.
pub async fn blobs(
    workspace: &Workspace,
    commit: &Sha,
    paths: &[&str],
) -> anyhow::Result<BTreeMap<String, Bytes>> {
    let paths: Vec<&str> = paths.iter().copied().filter(|path| !path.contains('\n')).collect();
    let mut found = BTreeMap::new();
    read_texts(inside(workspace)?, commit, &paths, &mut found).await?;
    Ok(found)
}

/// What files are searched for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// A text, wherever it stands.
    Text(&'a str),
    /// Any of some words, each as a whole.
    Words(&'a [String]),
}

/// The paths at a commit, inside a folder (empty for all), of files that hold what is wanted.
///
/// # Errors
/// A sentence saying what git could not do.
pub async fn holding(
    workspace: &Workspace,
    commit: &Sha,
    wanted: Wanted<'_>,
    folder: &str,
) -> anyhow::Result<BTreeSet<String>> {
    let mut command = inside(workspace)?;
    // As text: attributes that call a file binary would hide it.
    command.args(["grep", "--files-with-matches", "--null", "--text", "--fixed-strings", "--full-name"]);
    command.args(["--no-recurse-submodules", "--no-textconv", "--no-color"]);
    match wanted {
        Wanted::Text(text) => {
            command.args(["-e", text]);
        }
        Wanted::Words(words) => {
            command.arg("--word-regexp").args(words.iter().flat_map(|word| ["-e", word]));
        }
    }
    command.args([commit.as_str(), "--", &format!(":(top,literal){folder}")]);
    let Ended { out, err, status } = ended(command, WORKSPACE_PATIENCE).await?;
    let nothing_found = status.code() == Some(1) && err.is_empty();
    if !status.success() && !nothing_found {
        bail!("git grep failed: {}", first_line(&err));
    }
    let name = |entry: &[u8]| Some(std::str::from_utf8(entry).ok()?.split_once(':')?.1.to_owned());
    Ok(out.split(|byte| *byte == 0).filter_map(name).collect())
}

async fn read_texts(
    mut command: Command,
    commit: &Sha,
    paths: &[&str],
    found: &mut BTreeMap<String, Bytes>,
) -> anyhow::Result<()> {
    command.args(["cat-file", "--batch"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context(NO_GIT)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (mut input, output) = input.zip(output).context(NO_GIT)?;
    let names: String = paths.iter().map(|path| format!("{commit}:{path}\n")).collect();
    let ask = async move {
        input.write_all(names.as_bytes()).await?;
        input.shutdown().await
    };
    let hear = async {
        let mut output = BufReader::new(output);
        for path in paths {
            let mut head = Vec::new();
            if output.read_until(b'\n', &mut head).await? == 0 {
                return Err(std::io::Error::other("it ended early"));
            }
            let head = text(&head);
            // `NAME missing` and the like, after which no content comes, end in no number.
            let Some((size, kind)) = object(&head) else { continue };
            let mut content = (&mut output).take(size + 1);
            if kind == "blob" && size <= LARGEST_TEXT {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes).await?;
                bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
                found.insert((*path).to_owned(), bytes.into());
            } else {
                tokio::io::copy(&mut content, &mut tokio::io::sink()).await?;
            }
        }
        Ok(())
    };
    tokio::try_join!(ask, hear).context("git could not show the files")?;
    Ok(())
}

/// Size and kind from the line that git writes before an object's content.
fn object(line: &str) -> Option<(u64, &str)> {
    let (_, rest) = line.split_once(' ')?;
    let (kind, size) = rest.split_once(' ')?;
    Some((size.parse().ok()?, kind))
}

async fn commit(repository: &Path, name: &str) -> anyhow::Result<Sha> {
    let found = run(
        repository,
        &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")],
    )
    .await
    .with_context(|| format!("`{name}` is not a commit of this repository"))?;
    text(&found).parse().map_err(anyhow::Error::msg)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

async fn run(repository: &Path, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = command(repository);
    command.args(args);
    output(command, PATIENCE).await.with_context(|| format!("git {} failed", args.first().unwrap_or(&"")))
}

/// git in a repository, with all that would run something else switched off.
fn command(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.args([
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.attributesFile=/dev/null",
        "-c",
        "diff.external=",
        "--no-pager",
    ]);
    command.arg("-C").arg(repository).kill_on_drop(true).env_clear();
    // Keys and tokens are nobody's business but ours.
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    // A partial clone would fetch what it lacks, by a command that its own configuration names.
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
    command
}

/// git in a workspace that is nobody's home: of its configuration only the repository's own counts.
fn inside(workspace: &Workspace) -> anyhow::Result<Command> {
    let folder = workspace.folder.canonicalize().context("the workspace is not there")?;
    let mut command = command(&folder);
    if workspace.of_runner {
        let mut safe = std::ffi::OsString::from("safe.directory=");
        safe.push(&folder);
        command.arg("-c").arg(safe);
        // What lies above the workspace is not the runner's.
        command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(&folder));
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_NO_REPLACE_OBJECTS", "1");
    Ok(command)
}

/// What a command prints, if it ends well in time.
async fn output(command: Command, patience: Duration) -> anyhow::Result<Vec<u8>> {
    let Ended { out, err, status } = ended(command, patience).await?;
    if !status.success() {
        bail!("{}", first_line(&err));
    }
    Ok(out)
}

fn first_line(said: &[u8]) -> String {
    text(said).lines().next().unwrap_or("no message").to_owned()
}

/// A command that ended.
struct Ended {
    out: Vec<u8>,
    err: Vec<u8>,
    status: ExitStatus,
}

async fn ended(mut command: Command, patience: Duration) -> anyhow::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut git = command.spawn().context(NO_GIT)?;
    let (out, err) = (git.stdout.take(), git.stderr.take());
    let ended = async {
        let (out, err) = futures_util::future::join(read(out), read(err)).await;
        let (out, err) = (out?, err?);
        anyhow::Ok(Ended { out, err, status: git.wait().await? })
    };
    let ended = tokio::time::timeout(patience, ended).await;
    ended.with_context(|| format!("no answer within {} seconds", patience.as_secs()))?
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(MOST_BYTES + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > MOST_BYTES {
        bail!("more than {} MiB came", MOST_BYTES / 1024 / 1024);
    }
    Ok(bytes)
}
