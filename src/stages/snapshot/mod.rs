//! One immutable picture of the pull request, read with as few waits as its parts allow.

mod whole;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future;

use self::whole::{Whole, whole_diff};
use crate::adapters::evidence;
use crate::adapters::git::{self, Workspace};
use crate::adapters::github::{self, GitHub};
use crate::domain::config::{self, Config, DEFAULT_PATH, Settings};
use crate::domain::diff::{self, FileDiff};
use crate::domain::event::{EventComment, Intent};
use crate::domain::evidence::{Reports, gather};
use crate::domain::guidelines::{self, Guideline};
use crate::domain::marker;
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pull::{Account, CheckRun, PullRequest};
use crate::domain::redact::{self, Secrets};
use crate::domain::render::words::sentence;
use crate::domain::snapshot::{Earlier, Place, Snapshot};
use crate::domain::triage::{self, Attributes};
use crate::domain::units::{RepoName, Sha};

/// What is known before anything is decided.
#[derive(Debug)]
pub struct Opened {
    /// The pull request; its head is resolved here, once.
    pub pull: PullRequest,
    /// The identity that posts.
    pub me: Account,
    /// The configuration of the base branch.
    pub config: Config,
    /// Where it came from, for people.
    pub config_from: String,
    /// What else the base branch says.
    pub rules: BaseRules,
}

/// What the base branch says besides the configuration.
#[derive(Debug)]
pub struct BaseRules {
    /// What is generated or vendored.
    pub attributes: Attributes,
    /// The rules for whoever works on it.
    pub guidelines: Vec<Guideline>,
    /// What could not be read, for people.
    pub notes: Vec<String>,
}

/// The file that marks what is generated or vendored. Only the one at the root is read.
const ATTRIBUTES: &str = ".gitattributes";

/// Rules beside the configuration are not waited for as long as what a review cannot do without.
const RULES_LIMIT: Duration = Duration::from_secs(20);

/// Reads the pull request, the identity that posts, the configuration of the base branch, unless one is given,
/// and its other rules. The pull request is noted in `seen` as soon as it is known: what goes wrong after that
/// can be told on it.
///
/// # Errors
/// How the run ends when one of them cannot be read.
pub async fn open(
    github: &GitHub,
    intent: &Intent,
    config_path: &str,
    given: Option<Config>,
    secrets: &Secrets,
    seen: &mut Option<PullRequest>,
) -> Result<Opened, Stop> {
    let pull = async { github.pull(&intent.repo, intent.pull).await.map_err(|cause| unreadable(&cause)) };
    let (pull, me) = future::join(pull, github.identity()).await;
    let pull = seen.insert(pull?).clone();
    let me = me.map_err(|cause| unreadable(&cause))?;
    let configuration = configuration(github, intent, config_path, given, &pull.base_ref);
    let rules = base_rules(github, &intent.repo, &pull.base_ref, secrets);
    let (configuration, rules) = future::join(configuration, rules).await;
    let (config, config_from) = configuration?;
    Ok(Opened { pull, me, config, config_from, rules })
}

/// The configuration, and where it came from.
async fn configuration(
    github: &GitHub,
    intent: &Intent,
    config_path: &str,
    given: Option<Config>,
    base_ref: &str,
) -> Result<(Config, String), Stop> {
    if let Some(config) = given {
        return Ok((config, "a local file".to_owned()));
    }
    let path = config_path.trim_start_matches("./");
    let file = github.content(&intent.repo, path, base_ref).await;
    let file = file.map_err(|cause| match cause {
        github::Error::NotAFile { .. } => bad_configuration(format!("`{path}` on `{base_ref}`: {cause}.")),
        github::Error::BadUrl { .. } => {
            bad_configuration(format!("`{path}` cannot be the path of a configuration: {cause}."))
        }
        _ => unreadable(&cause),
    })?;
    match file {
        Some(file) => {
            let config = config::parse(path, &file.text).map_err(|error| {
                bad_configuration(format!("The configuration on `{base_ref}` has a mistake: {error}."))
            })?;
            Ok((config, format!("`{base_ref}`")))
        }
        None if path == DEFAULT_PATH => Ok((Config::default(), "defaults".to_owned())),
        None => {
            let what = format!("The configuration `{path}` does not stand on the base branch `{base_ref}`.");
            Err(bad_configuration(what))
        }
    }
}

/// The attributes and guidelines of the base branch. A review can do without any of them, so what cannot be read
/// is noted.
async fn base_rules(github: &GitHub, repo: &RepoName, base_ref: &str, secrets: &Secrets) -> BaseRules {
    let github = github.within(RULES_LIMIT);
    let reads = rule_files().map(|path| {
        let github = &github;
        async move { (path, github.content(repo, path, base_ref).await) }
    });
    let mut files = Vec::new();
    let mut notes = Vec::new();
    for (path, file) in future::join_all(reads).await {
        match file {
            Ok(Some(file)) => files.push((path, file.text)),
            Ok(None) => {}
            Err(cause) => {
                notes.push(format!(
                    "`{path}` on `{base_ref}` could not be read and was not followed: {cause}."
                ));
            }
        }
    }
    BaseRules { notes, ..rules_from(files, secrets) }
}

/// The same from a local repository, at the commit where the branch left its base.
pub async fn local_rules(repository: &Path, base: &Sha, secrets: &Secrets) -> BaseRules {
    let reads =
        rule_files().map(|path| async move { Some((path, git::file(repository, base, path).await?)) });
    rules_from(future::join_all(reads).await.into_iter().flatten().collect(), secrets)
}

fn rule_files() -> impl Iterator<Item = &'static str> {
    std::iter::once(ATTRIBUTES).chain(guidelines::FILES)
}

fn rules_from(files: Vec<(&'static str, String)>, secrets: &Secrets) -> BaseRules {
    let (marks, rules): (Vec<_>, Vec<_>) = files.into_iter().partition(|(path, _)| *path == ATTRIBUTES);
    let (attributes, problems) = triage::parse(marks.first().map_or("", |(_, text)| text));
    // Git's own rules may be wider than ours, and what is not marked is read: nothing that a review must tell.
    for problem in problems {
        tracing::warn!("{ATTRIBUTES} of the base branch, {problem}");
    }
    BaseRules { attributes, guidelines: guidelines::gather(&rules, secrets), notes: Vec::new() }
}

/// Reads the diff and what we wrote earlier, all at the same time. Lines that GitHub does not show are looked for
/// in the workspace first.
///
/// # Errors
/// How the run ends when the diff or the comments cannot be read.
pub async fn take(
    github: &GitHub,
    repo: &RepoName,
    opened: &Opened,
    settings: &Settings,
    config_path: &str,
    workspace: Option<&Workspace>,
    secrets: &Secrets,
) -> Result<Snapshot, Stop> {
    let pull = &opened.pull;
    let hidden = |file: &FileDiff| triage::left_out(file, settings, &opened.rules.attributes).is_none();
    let read = whole_diff(github, repo, pull, workspace, &hidden);
    let (read, place) = future::join(read, place(github, repo, opened, None)).await;
    let Whole { mut diff, unlisted, mut notes } = read.map_err(|cause| unreadable(&cause))?;
    let place = place?;
    let path = config_path.trim_start_matches("./");
    if diff.file(path).is_some() {
        notes.push(changed_configuration(github, repo, pull, path).await);
    }
    notes.extend(opened.rules.notes.iter().cloned());
    let redacted = redact::diff(&mut diff) + redact::known(&mut diff, secrets);
    Ok(Snapshot {
        head: Some(pull.head.clone()),
        base: Some(pull.base.clone()),
        title: pull.title.clone(),
        description: pull.body.clone(),
        diff,
        redacted,
        unlisted,
        config_from: opened.config_from.clone(),
        attributes: opened.rules.attributes.clone(),
        guidelines: opened.rules.guidelines.clone(),
        evidence: Reports::default(),
        notes,
        place: Some(place),
    })
}

/// Reads what we wrote on the pull request earlier, and what people told us since; for a command also whether its
/// comment still says what it said.
///
/// # Errors
/// How the run ends when the comments cannot be read, or the command was changed.
pub async fn place(
    github: &GitHub,
    repo: &RepoName,
    opened: &Opened,
    command: Option<&EventComment>,
) -> Result<Place, Stop> {
    let pull = &opened.pull;
    let (timeline, lines, checks) = future::join3(
        github.timeline_comments(repo, pull.number),
        github.line_comments(repo, pull.number),
        github.check_runs(repo, &pull.head, crate::domain::render::CHECK_NAME),
    )
    .await;
    let timeline = timeline.map_err(|cause| unreadable(&cause))?;
    let lines = lines.map_err(|cause| unreadable(&cause))?;
    if let Some(said) = command
        && !timeline.iter().any(|comment| comment.id == said.id && comment.body == said.body)
    {
        let what = "The comment with the command was changed or deleted since.";
        return Err(Stop::skip(Reason::BadCommand, what, "Write the command again in a new comment."));
    }
    let mut earlier = Earlier::sort(&opened.me, &timeline, lines);
    earlier.dismissals = github.permitted(repo, std::mem::take(&mut earlier.dismissals)).await;
    // A token without the right to read checks can still review.
    let ours = checks.unwrap_or_default().into_iter().filter(|check| is_ours(check, &opened.me));
    if let Some(check) = ours.max_by_key(|check| check.id) {
        earlier.check = Some(check.id);
        earlier.check_marker = marker::read(&check.summary);
        earlier.check_conclusion = check.conclusion;
    }
    Ok(Place { repo: repo.clone(), pull: pull.clone(), me: opened.me.clone(), earlier })
}

/// A picture of a diff that stands on no GitHub, without rules of a base.
#[must_use]
pub fn of_local(raw: Bytes, title: &str, config_from: &str, secrets: &Secrets) -> Snapshot {
    let (mut diff, notes) = diff::parse(raw);
    let redacted = redact::diff(&mut diff) + redact::known(&mut diff, secrets);
    Snapshot {
        place: None,
        head: None,
        base: None,
        title: title.to_owned(),
        description: String::new(),
        diff,
        redacted,
        unlisted: 0,
        config_from: config_from.to_owned(),
        attributes: Attributes::default(),
        guidelines: Vec::new(),
        evidence: Reports::default(),
        notes,
    }
}

/// Adds what other tools left in the workspace. `roots` are the names that the workspace has for them. A review can do
/// without it, so what cannot be used is noted.
pub async fn with_evidence(
    mut snapshot: Snapshot,
    patterns: &[String],
    workspace: Workspace,
    roots: Vec<String>,
    secrets: Secrets,
) -> Snapshot {
    let (patterns, diff) = (patterns.to_vec(), snapshot.diff.clone());
    // Large files take seconds, in which a signal must be heard.
    let reading = tokio::task::spawn_blocking(move || {
        let mut found = evidence::read(&workspace.folder, &patterns);
        for text in found.iter_mut().filter_map(|found| found.text.as_mut().ok()) {
            if let Cow::Owned(masked) = secrets.mask(text) {
                *text = masked;
            }
        }
        gather(&found, &diff, &roots)
    });
    if let Ok((reports, problems)) = reading.await {
        snapshot.evidence = reports;
        snapshot.notes.extend(problems);
    }
    snapshot
}

/// Another app can make a check of our name: its memory is not ours.
fn is_ours(check: &CheckRun, me: &Account) -> bool {
    check.app.as_deref().is_none_or(|app| app.eq_ignore_ascii_case(me.login.trim_end_matches("[bot]")))
}

/// A configuration that the pull request changes is validated, not applied: the author of a change does
/// not choose how it is judged.
async fn changed_configuration(github: &GitHub, repo: &RepoName, pull: &PullRequest, path: &str) -> String {
    let proposed = github.content(repo, path, pull.head.as_str()).await;
    let fine = format!("This pull request changes `{path}`: the change applies once it is merged.");
    match proposed {
        Ok(Some(file)) => match config::parse(path, &file.text) {
            Ok(_) => fine,
            Err(error) => {
                format!("This pull request changes `{path}`, and the new version has a mistake: {error}.")
            }
        },
        _ => fine,
    }
}

fn bad_configuration(what: String) -> Stop {
    let advice = "Correct the file on the base branch; `counterpoint doctor` checks it.";
    Stop::fail(Reason::BadConfiguration, ExitCode::Usage, what, advice)
}

/// GitHub could not be read.
fn unreadable(cause: &github::Error) -> Stop {
    let advice = cause.advice().unwrap_or_else(|| "run it again; GitHub may be unwell".to_owned());
    let what = format!("GitHub could not be read: {cause}.");
    Stop::fail(Reason::GithubUnreadable, ExitCode::Github, what, sentence(&advice))
}
