//! Each command from its flags to its exit code.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

use crate::adapters::terminal::Terminal;
use crate::adapters::{Outside, actions, git};
use crate::cli::{
    self, CompareCommand, CompareFormat, DoctorCommand, Format, ReplayCommand, ReviewCommand, ReviewFlags,
};
use crate::domain::compare;
use crate::domain::config::{self, Config, DEFAULT_PATH, Gate};
use crate::domain::event::{Cause, Intent};
use crate::domain::outcome::{ExitCode, GateState};
use crate::domain::record::{self, Policy};
use crate::domain::redact::SHORTEST_KEY;
use crate::domain::render;
use crate::domain::review::Review;
use crate::domain::snapshot::Snapshot;
use crate::pipeline::{self, Source, Wishes};
use crate::stages::report::Ending;
use crate::stages::{doctor, report, snapshot};

/// The longest record that is read, in bytes.
const MOST_RECORD: u64 = 100_000_000;

/// A mistake of whoever typed or configured it: exit code 2.
pub type Usage = anyhow::Error;

/// `counterpoint action`.
///
/// # Errors
/// A flag or input that cannot be read, or a result that cannot be written.
pub async fn action(outside: &Outside, flags: &ReviewFlags) -> Result<ExitCode, Usage> {
    let env = &outside.env;
    let config_path = env.input("config").unwrap_or(DEFAULT_PATH).to_owned();
    let wishes = cli::overrides(flags, env)
        .and_then(|overrides| Ok(Wishes { overrides, config_path, config: None, post: cli::post(env)? }));
    let (ending, review) = match wishes {
        Ok(wishes) => pipeline::action(outside, &wishes).await,
        Err(message) => (pipeline::misconfigured(outside, &message), None),
    };
    finish(outside, flags, &ending, review.as_ref())
}

/// `counterpoint review`.
///
/// # Errors
/// A flag that cannot be read, a diff or configuration that is not there, or a result that cannot be written.
pub async fn review(outside: &Outside, command: &ReviewCommand) -> Result<ExitCode, Usage> {
    let flags = &command.flags;
    let overrides = cli::overrides(flags, &outside.env).map_err(anyhow::Error::msg)?;
    if let Some(target) = &command.target {
        let (repo, pull) = cli::target(target).map_err(anyhow::Error::msg)?;
        let config = command.config.as_deref().map(read_config).transpose()?;
        let intent = Intent { repo, pull, cause: Cause::Asked };
        let wishes = Wishes { overrides, config_path: DEFAULT_PATH.to_owned(), config, post: command.post };
        let (ending, review) = pipeline::pull_request(outside, &intent, &wishes).await;
        return finish(outside, flags, &ending, review.as_ref());
    }
    let read = outside.clock.unless_cancelled(local(outside, command)).await;
    let (snapshot, config, folder) = read.map_err(|_| anyhow::anyhow!("cancelled"))??;
    let source = folder.as_deref().map_or(Source::Diff, Source::Repository);
    let (ending, review) = pipeline::local(outside, source, snapshot, &config, &overrides).await;
    finish(outside, flags, &ending, review.as_ref())
}

/// The diff to review from this machine, its configuration, and the repository if it comes from one.
async fn local(
    outside: &Outside,
    command: &ReviewCommand,
) -> Result<(Snapshot, Config, Option<PathBuf>), Usage> {
    let given = command.config.as_deref().map(read_config).transpose()?;
    if let Some(path) = &command.diff {
        let raw = if path == Path::new("-") {
            let mut raw = Vec::new();
            tokio::io::stdin().read_to_end(&mut raw).await.context("standard input cannot be read")?;
            raw
        } else {
            fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
        };
        let from = if given.is_some() { "a local file" } else { "defaults" };
        let empty = raw.trim_ascii().is_empty();
        let snapshot = snapshot::of_local(Bytes::from(raw), "", from, &outside.terminal.secrets());
        if snapshot.diff.files.is_empty() && !empty {
            bail!("{} holds no diff as git writes it", path.display());
        }
        return Ok((snapshot, given.unwrap_or_default(), None));
    }
    let here = std::env::current_dir().context("the current directory is gone")?;
    let base = match &command.base {
        Some(base) => base.clone(),
        None => git::default_base(&here).await.context(
            "name what to review: OWNER/REPO#N, `--base REF` for the local branch, or `--diff FILE`",
        )?,
    };
    let branch = git::branch_diff(&here, &base).await?;
    let (config, from) = match given {
        Some(config) => (config, "a local file".to_owned()),
        None => match git::file(&here, &branch.base, DEFAULT_PATH).await {
            Some(text) => (config::parse(DEFAULT_PATH, &text)?, format!("`{base}`")),
            None => (Config::default(), "defaults".to_owned()),
        },
    };
    let secrets = outside.terminal.secrets();
    let rules = snapshot::local_rules(&here, &branch.base, &secrets).await;
    let mut snapshot = snapshot::of_local(branch.diff, "", &from, &secrets);
    (snapshot.attributes, snapshot.guidelines) = (rules.attributes, rules.guidelines);
    (snapshot.base, snapshot.head) = (Some(branch.base), Some(branch.head));
    Ok((snapshot, config, Some(here)))
}

fn read_config(path: &Path) -> Result<Config, Usage> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(config::parse(&path.display().to_string(), &text)?)
}

/// Leaves the result where and how a person asked for it.
fn finish(
    outside: &Outside,
    flags: &ReviewFlags,
    ending: &Ending,
    review: Option<&Review>,
) -> Result<ExitCode, Usage> {
    let secrets = outside.terminal.secrets();
    if let (Some(path), Some(review)) = (&flags.record, review) {
        let json = report::record_json(review, &secrets);
        fs::write(path, json).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let text = match (flags.format, review) {
        (Format::Text, _) | (Format::Markdown, None) => ending.text.clone(),
        (Format::Markdown, Some(review)) => render::summary::markdown(review, render::MAX_BODY * 4),
        (Format::Json, Some(review)) => report::record_json(review, &secrets),
        (Format::Json, None) => ending.json.to_string(),
    };
    out(&outside.terminal, flags.output.as_deref(), &text)?;
    Ok(ending.exit)
}

fn out(terminal: &Terminal, path: Option<&Path>, text: &str) -> Result<(), Usage> {
    match path {
        Some(path) => {
            let masked = terminal.secrets().mask(text).into_owned();
            fs::write(path, masked).with_context(|| format!("{} cannot be written", path.display()))
        }
        None => Ok(terminal.result(text)?),
    }
}

/// `counterpoint compare`.
///
/// # Errors
/// A file that cannot be read or holds findings in no known form, with the place.
pub fn compare(terminal: &Terminal, command: &CompareCommand) -> Result<ExitCode, Usage> {
    let (mut a, mut b) = (findings(&command.a, 'a')?, findings(&command.b, 'b')?);
    compare::meet(&mut a, &mut b);
    let comparison = compare::compare(&a, &b);
    let text = match command.format {
        CompareFormat::Text => render::compare::text(&a, &b, &comparison),
        CompareFormat::Markdown => render::compare::markdown(&a, &b, &comparison),
        CompareFormat::Json => serde_json::to_string(&comparison)?,
        CompareFormat::Html => render::compare::html(&a, &b, &comparison),
    };
    out(terminal, command.output.as_deref(), &text)?;
    Ok(ExitCode::Done)
}

/// `counterpoint replay`.
///
/// # Errors
/// A file that is no record, a gate or configuration that cannot be read, or a result that cannot be written.
pub fn replay(terminal: &Terminal, command: &ReplayCommand) -> Result<ExitCode, Usage> {
    let path = command.record.display();
    let mut text = String::new();
    let file = fs::File::open(&command.record).with_context(|| format!("{path} cannot be read"))?;
    file.take(MOST_RECORD + 1).read_to_string(&mut text).with_context(|| format!("{path} cannot be read"))?;
    if text.len() as u64 > MOST_RECORD {
        bail!("{path}: expected the record of a run: it is longer than {} MB", MOST_RECORD / 1_000_000);
    }
    let of_file = |message: String| anyhow::anyhow!("{path}: {message}");
    let before = record::read(&text).map_err(of_file)?;
    let fail_on = command.fail_on.as_deref().map(Gate::parse_list).transpose();
    let fail_on = fail_on.map_err(|message| anyhow::anyhow!("`fail-on`: {message}"))?;
    let config = command.config.as_deref().map(read_config).transpose()?;
    let review = record::replay(&before, &Policy { config, fail_on }).map_err(of_file)?;
    let now = record::of(&review);
    let text = match command.format {
        Format::Text => render::text::review(&review),
        Format::Markdown => render::summary::markdown(&review, render::MAX_BODY * 4),
        Format::Json => serde_json::to_string(&now)?,
    };
    out(terminal, command.output.as_deref(), &text)?;
    tracing::info!("{}", render::replay::changes(&record::changes(&before, &now)));
    Ok(if review.gate() == GateState::Tripped { ExitCode::GateTripped } else { ExitCode::Done })
}

/// The findings in a file; what could not be used of it is logged.
fn findings(path: &Path, prefix: char) -> Result<compare::FindingFile, Usage> {
    let name = path.display();
    let mut text = String::new();
    // Not by its size on the disk: a pipe has none, and a device no end.
    let file = fs::File::open(path).with_context(|| format!("{name} cannot be read"))?;
    file.take(compare::LARGEST + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{name} cannot be read"))?;
    if text.len() as u64 > compare::LARGEST {
        bail!("{name} is too large to compare; expected at most {} MiB", compare::LARGEST >> 20);
    }
    let read = compare::read(&name.to_string(), &text, prefix).map_err(anyhow::Error::msg)?;
    read.notes.iter().for_each(|note| tracing::warn!("{name}: {note}"));
    Ok(read)
}

/// The values that are never shown: inputs that are keys, and variables that are secrets by their name.
#[must_use]
pub fn secrets(env: &actions::Environment) -> Vec<String> {
    let inputs = ["github-token", "anthropic-api-key", "openai-api-key"].into_iter();
    let inputs = inputs.filter_map(|input| env.input(input)).map(str::to_owned);
    // The one variable of a key that has the word in its middle.
    let named = |name: &str| config::holds_a_secret(name) || name == "AWS_BEARER_TOKEN_BEDROCK";
    let variables = env.named(named).filter(|value| value.len() >= SHORTEST_KEY).map(str::to_owned);
    inputs.chain(variables).chain(proxy_passwords(env)).collect()
}

/// The passwords in the addresses of proxies, as they stand there and as they are meant.
fn proxy_passwords(env: &actions::Environment) -> Vec<String> {
    let names = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];
    let set = names.iter().flat_map(|name| [env.var(name), env.var(&name.to_lowercase())]).flatten();
    let passwords = set.filter_map(|url| {
        let (user, _) = url.rsplit_once('@')?;
        let (_, password) = user.split_once("://").map_or(user, |(_, user)| user).split_once(':')?;
        let meant = percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned();
        Some([password.to_owned(), meant])
    });
    passwords.flatten().collect()
}

/// `counterpoint doctor`.
///
/// # Errors
/// A repository name or configuration file that cannot be read.
pub async fn doctor(outside: &Outside, command: &DoctorCommand) -> Result<ExitCode, Usage> {
    let config = command.config.as_deref().map(read_config).transpose()?;
    let named = command.repository.as_deref().or_else(|| outside.env.var("GITHUB_REPOSITORY"));
    let repository = named.map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let examining = doctor::examine(outside, repository.as_ref(), config);
    let examined =
        outside.clock.unless_cancelled(examining).await.map_err(|_| anyhow::anyhow!("cancelled"))?;
    outside.terminal.result(&render::doctor::text(&examined))?;
    Ok(examined.iter().fold(ExitCode::Done, |worst, line| worst.worse(line.exit())))
}
