//! The Actions runner: environment, inputs, event file, outputs, job summary, masks.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::domain::event::{Event, EventComment, EventPull};
use crate::domain::pull::Account;
use crate::domain::units::PullNumber;

/// GitHub caps event payloads at 25 MB.
const MAX_EVENT_BYTES: u64 = 32 * 1024 * 1024;

/// Above 1 MiB the runner drops a job summary whole.
const MAX_SUMMARY_BYTES: usize = 1_000_000;

/// The environment of the process, read once. Empty variables are absent.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process; variables that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// A variable, unless it is absent or empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The variables whose names are of this kind, unless they are empty.
    pub fn named(&self, kind: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        self.0.keys().filter(move |name| kind(name)).filter_map(|name| self.var(name))
    }

    /// An input of the action. The runner keeps hyphens; some wrappers turn them into underscores.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_uppercase();
        self.var(&format!("INPUT_{name}")).or_else(|| self.var(&format!("INPUT_{}", name.replace('-', "_"))))
    }

    /// An input, or else a variable: inputs beat environment variables.
    #[must_use]
    pub fn input_or(&self, input: &str, variable: &str) -> Option<&str> {
        self.input(input).or_else(|| self.var(variable))
    }

    /// Whether this process runs inside GitHub Actions.
    #[must_use]
    pub fn in_actions(&self) -> bool {
        self.var("GITHUB_ACTIONS") == Some("true") || self.var("GITHUB_EVENT_PATH").is_some()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(vars: T) -> Self {
        Self(vars.into_iter().collect())
    }
}

/// Names only: values may be secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads the event file.
///
/// # Errors
/// A sentence saying what is missing or cannot be read.
pub fn event(env: &Environment) -> anyhow::Result<Event> {
    let name = env.var("GITHUB_EVENT_NAME").context("GITHUB_EVENT_NAME is not set")?;
    let path = env.var("GITHUB_EVENT_PATH").context("GITHUB_EVENT_PATH is not set")?;
    let size = fs::metadata(path).with_context(|| format!("the event file {path} cannot be read"))?.len();
    if size > MAX_EVENT_BYTES {
        bail!("the event file {path} has {size} bytes, more than GitHub sends");
    }
    let bytes = fs::read(path).with_context(|| format!("the event file {path} cannot be read"))?;
    read_event(name, &bytes).with_context(|| format!("the event file {path} is not an event of GitHub"))
}

/// Reads an event from its JSON.
///
/// # Errors
/// The JSON is broken, or a part that is needed has another type.
pub fn read_event(name: &str, json: &[u8]) -> anyhow::Result<Event> {
    let wire: WireEvent = serde_json::from_slice(json)?;
    let pull = wire.pull_request.map(|pull| EventPull {
        number: PullNumber(pull.number),
        same_repository: match (pull.head.and_then(|end| end.repo), pull.base.and_then(|end| end.repo)) {
            (Some(head), Some(base)) => head.full_name.eq_ignore_ascii_case(&base.full_name),
            // A deleted fork, or a payload we do not understand: no rights are assumed.
            _ => false,
        },
    });
    let comment = match (wire.comment, wire.issue) {
        (Some(comment), Some(issue)) => Some(EventComment {
            id: comment.id,
            number: PullNumber(issue.number),
            on_pull_request: issue.pull_request.is_some_and(|pull| !pull.is_null()),
            author: comment.user.map(WireUser::into_account),
            body: comment.body.unwrap_or_default(),
        }),
        _ => None,
    };
    let dispatched = wire.inputs.as_ref().and_then(|inputs| inputs.get("pull-request")).and_then(|value| {
        value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
    });
    Ok(Event {
        name: name.to_owned(),
        action: wire.action.unwrap_or_default(),
        sender: wire.sender.map(WireUser::into_account),
        pull,
        comment,
        dispatched: dispatched.filter(|number| !number.trim().is_empty()),
    })
}

#[derive(Deserialize)]
struct WireEvent {
    action: Option<String>,
    sender: Option<WireUser>,
    pull_request: Option<WirePull>,
    issue: Option<WireIssue>,
    comment: Option<WireComment>,
    inputs: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct WireUser {
    #[serde(default)]
    login: String,
    id: Option<u64>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl WireUser {
    fn into_account(self) -> Account {
        Account { bot: self.kind.as_deref() == Some("Bot"), login: self.login, id: self.id }
    }
}

#[derive(Deserialize)]
struct WirePull {
    number: u64,
    head: Option<WireEnd>,
    base: Option<WireEnd>,
}

#[derive(Deserialize)]
struct WireEnd {
    repo: Option<WireRepo>,
}

#[derive(Deserialize)]
struct WireRepo {
    full_name: String,
}

#[derive(Deserialize)]
struct WireIssue {
    number: u64,
    pull_request: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct WireComment {
    id: u64,
    user: Option<WireUser>,
    body: Option<String>,
}

/// The folder of this run's files, made fresh inside the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    workspace: PathBuf,
    name: String,
}

impl RunFolder {
    /// Makes `counterpoint-RUN_ID-ATTEMPT/`, or the same with `-2`, `-3`, … when an earlier step of the
    /// job made it. An existing name is never entered, so a planted link leads nowhere.
    ///
    /// # Errors
    /// There is no workspace, or it cannot be written.
    pub fn create(env: &Environment) -> anyhow::Result<Self> {
        let workspace = PathBuf::from(env.var("GITHUB_WORKSPACE").context("GITHUB_WORKSPACE is not set")?);
        let digits =
            |name| env.var(name).filter(|v| v.bytes().all(|b| b.is_ascii_alphanumeric())).unwrap_or("0");
        let stem = format!("counterpoint-{}-{}", digits("GITHUB_RUN_ID"), digits("GITHUB_RUN_ATTEMPT"));
        for count in 1..=20 {
            let name = if count == 1 { stem.clone() } else { format!("{stem}-{count}") };
            match fs::create_dir(workspace.join(&name)) {
                Ok(()) => return Ok(Self { workspace, name }),
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => {
                    return Err(cause)
                        .with_context(|| format!("cannot make {name} in {}", workspace.display()));
                }
            }
        }
        bail!("{stem} stands in the workspace twenty times already")
    }

    /// Writes a new file and returns its path relative to the workspace.
    ///
    /// # Errors
    /// The file exists or cannot be written.
    pub fn write(&self, file: &str, content: &[u8]) -> anyhow::Result<String> {
        let path = self.workspace.join(&self.name).join(file);
        let mut file_handle = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        file_handle.write_all(content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(format!("{}/{file}", self.name))
    }
}

/// Appends the outputs of the step. Values are one line each.
///
/// # Errors
/// The runner's file cannot be written.
pub fn write_outputs(env: &Environment, outputs: &[(&str, String)]) -> anyhow::Result<()> {
    let Some(path) = env.var("GITHUB_OUTPUT") else { return Ok(()) };
    let mut text = String::new();
    for (name, value) in outputs {
        let value = value.replace(['\r', '\n'], " ");
        text.push_str(&format!("{name}={value}\n"));
    }
    append(Path::new(path), text.as_bytes())
}

/// Appends to the job summary, cut before the size at which the runner would drop it.
///
/// # Errors
/// The runner's file cannot be written.
pub fn write_summary(env: &Environment, markdown: &str) -> anyhow::Result<()> {
    let Some(path) = env.var("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let end = markdown.floor_char_boundary(MAX_SUMMARY_BYTES);
    append(Path::new(path), format!("{}\n", markdown.get(..end).unwrap_or_default()).as_bytes())
}

fn append(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The runner's command that hides a value in the log, one for each line of it.
#[must_use]
pub fn mask_commands(secret: &str) -> Vec<String> {
    let escape = |line: &str| line.replace('%', "%25").replace('\r', "%0D");
    secret
        .lines()
        .filter(|line| line.trim().len() >= 4)
        .map(|line| format!("::add-mask::{}", escape(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &str)]) -> Environment {
        vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn inputs_keep_their_hyphens_and_beat_variables() {
        let env = env(&[
            ("INPUT_GITHUB-TOKEN", "from-input"),
            ("GITHUB_TOKEN", "from-env"),
            ("INPUT_MAX_MINUTES", "3"),
            ("INPUT_STRATEGY", "  "),
        ]);
        assert_eq!(env.input_or("github-token", "GITHUB_TOKEN"), Some("from-input"));
        assert_eq!(env.input("max-minutes"), Some("3"));
        assert_eq!(env.input("strategy"), None);
    }

    #[test]
    fn a_deleted_fork_is_not_the_same_repository() {
        let json = br#"{"action":"opened","pull_request":{"number":7,"head":{"repo":null},"base":{"repo":{"full_name":"o/r"}}}}"#;
        let event = read_event("pull_request", json).unwrap();
        assert_eq!(event.pull, Some(EventPull { number: PullNumber(7), same_repository: false }));
    }

    #[test]
    fn a_planted_folder_or_link_is_not_entered() {
        let workspace = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), workspace.path().join("counterpoint-5-1")).unwrap();
        let env = env(&[
            ("GITHUB_WORKSPACE", workspace.path().to_str().unwrap()),
            ("GITHUB_RUN_ID", "5"),
            ("GITHUB_RUN_ATTEMPT", "1"),
        ]);
        let folder = RunFolder::create(&env).unwrap();
        assert_eq!(folder.write("record.json", b"{}").unwrap(), "counterpoint-5-1-2/record.json");
        assert!(fs::read_dir(elsewhere.path()).unwrap().next().is_none());
    }
}
