//! Runs the built binary as the Actions runner would, with nothing of the tester's own environment.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a binary that cannot be run or does not end fails the test"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::World;
use super::events::Event;

/// No run takes longer, however much it waits.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A run in the making.
pub struct Run {
    world: World,
    binary: PathBuf,
    arguments: Vec<OsString>,
    event: Option<Event>,
    env: BTreeMap<String, OsString>,
    without: Vec<String>,
    stdin: Option<Vec<u8>>,
    folder: Option<PathBuf>,
}

impl Run {
    /// `binary` is the built program, in tests `env!("CARGO_BIN_EXE_counterpoint")`.
    ///
    /// Most stories are about what lanes say blind, so the strategy is `parallel`. Stories about a debate name
    /// another; an empty one leaves it to the configuration.
    pub fn new(binary: impl AsRef<Path>, world: &World) -> Self {
        let blind = ("INPUT_STRATEGY".to_owned(), "parallel".into());
        let env = world.env().into_iter().map(|(name, value)| (name, value.into())).chain([blind]);
        Self {
            world: world.clone(),
            binary: binary.as_ref().to_owned(),
            arguments: Vec::new(),
            event: None,
            env: env.collect(),
            without: Vec::new(),
            stdin: None,
            folder: None,
        }
    }

    pub fn event(mut self, event: Event) -> Self {
        self.event = Some(event);
        self
    }

    pub fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// An input of the action; the runner writes it in capitals and keeps hyphens.
    pub fn input(self, name: &str, value: &str) -> Self {
        let name = format!("INPUT_{}", name.replace(' ', "_").to_uppercase());
        self.env(&name, value)
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Takes a variable away, also one every run has.
    pub fn without(mut self, name: &str) -> Self {
        self.without.push(name.to_owned());
        self
    }

    /// What the binary reads from standard input, which is empty otherwise.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The current folder, which is the workspace otherwise.
    pub fn inside(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Starts the binary.
    pub fn spawn(self) -> Running {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("workspace")).expect("the workspace can be made");
        for file in ["output", "summary"] {
            fs::write(at(file), "").expect("the file can be made");
        }
        let mut command = Command::new(&self.binary);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("GITHUB_OUTPUT", at("output")).env("GITHUB_STEP_SUMMARY", at("summary"));
        command.env("GITHUB_WORKSPACE", at("workspace"));
        if let Some(event) = &self.event {
            fs::write(at("event.json"), event.payload.to_string()).expect("the event can be written");
            command.env("GITHUB_EVENT_PATH", at("event.json")).env("GITHUB_EVENT_NAME", &event.name);
        }
        command.envs(self.env.iter().filter(|(name, _)| !self.without.contains(name)));
        for name in &self.without {
            command.env_remove(name);
        }
        command.args(&self.arguments).current_dir(self.folder.unwrap_or_else(|| at("workspace")));
        command.stdin(match self.stdin {
            Some(bytes) => {
                fs::write(at("stdin"), bytes).expect("standard input can be written");
                Stdio::from(fs::File::open(at("stdin")).expect("standard input can be read"))
            }
            None => Stdio::null(),
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().expect("the binary can be started");
        Running { child, world: self.world, folder, heard: Vec::new() }
    }

    /// Starts the binary and waits for its end.
    pub async fn finish(self) -> Finished {
        self.spawn().finish().await
    }
}

/// A run under way.
pub struct Running {
    child: Child,
    world: World,
    folder: TempDir,
    /// What was read of standard error so far.
    heard: Vec<u8>,
}

impl Running {
    /// Waits until the log says this.
    pub async fn says(&mut self, text: &str) {
        self.says_times(text, 1).await;
    }

    pub async fn says_times(&mut self, text: &str, count: usize) {
        let heard = async {
            while String::from_utf8_lossy(&self.heard).matches(text).count() < count {
                let stderr = self.child.stderr.as_mut().expect("standard error is piped");
                let read = stderr.read_buf(&mut self.heard).await;
                assert!(read.is_ok_and(|bytes| bytes > 0), "the log ended without {count} × {text:?}");
            }
        };
        let waited = tokio::time::timeout(TIME_LIMIT, heard).await;
        assert!(
            waited.is_ok(),
            "the log never said {count} × {text:?}; what came:\n{}",
            self.world.transcript()
        );
    }

    /// Sends a signal by its short name, such as `TERM` or `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("the run has not ended").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal could not be sent");
    }

    /// Waits for the end, at most a minute.
    pub async fn finish(self) -> Finished {
        let ended = tokio::time::timeout(TIME_LIMIT, self.child.wait_with_output()).await;
        let Ok(ended) = ended else {
            panic!("still running after {TIME_LIMIT:?}; what came:\n{}", self.world.transcript());
        };
        let ended = ended.expect("the run's output can be read");
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let finished = Finished {
            code: ended.status.code(),
            stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&[self.heard, ended.stderr].concat()).into_owned(),
            outputs: read_env_file(&read("output")),
            summary: read("summary"),
            folder: self.folder,
        };
        finished.look_for_leaks(&self.world);
        finished
    }
}

/// A run that ended, with all it left behind.
pub struct Finished {
    /// None if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// By the runner's rules, or what the runner would have complained of.
    pub outputs: Result<BTreeMap<String, String>, String>,
    /// The job summary.
    pub summary: String,
    folder: TempDir,
}

impl Finished {
    /// An output; empty if it was not set, as in a workflow.
    #[track_caller]
    pub fn output(&self, name: &str) -> &str {
        match &self.outputs {
            Ok(outputs) => outputs.get(name).map_or("", String::as_str),
            Err(problem) => panic!("the runner would refuse the outputs: {problem}"),
        }
    }

    pub fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// The record the output of that name points to.
    pub fn record(&self) -> Option<Value> {
        let path = self.output("record");
        let bytes = fs::read(self.workspace().join(path)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Fails the test, with all that was said, unless the run ended with this code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
    }

    /// The lines the runner would take for commands, on both streams.
    ///
    /// It trims blanks before `::`, and finds the older `##[` anywhere in a line. Between
    /// `::stop-commands::TOKEN` and `::TOKEN::` it takes none.
    pub fn workflow_commands(&self) -> Vec<String> {
        let mut commands = Vec::new();
        for stream in [&self.stdout, &self.stderr] {
            let mut stopped: Option<String> = None;
            for line in stream.lines() {
                if let Some(token) = &stopped {
                    if line.trim() == format!("::{token}::") {
                        stopped = None;
                    }
                } else if let Some(token) = line.trim().strip_prefix("::stop-commands::") {
                    stopped = Some(token.to_owned());
                } else if line.trim_start().starts_with("::") || line.contains("##[") {
                    commands.push(line.to_owned());
                }
            }
        }
        commands
    }

    fn look_for_leaks(&self, world: &World) {
        let masking = |line: &&str| line.starts_with("::add-mask::");
        let lines = self.stdout.lines().chain(self.stderr.lines()).filter(|line| !masking(line));
        let said = lines.chain(self.summary.lines());
        let values = self.outputs.iter().flat_map(BTreeMap::values);
        let record = self.outputs.as_ref().ok().and_then(|_| self.record()).map(|record| record.to_string());
        let texts: Vec<String> =
            said.chain(values.map(String::as_str)).map(str::to_owned).chain(record).collect();
        for secret in world.secrets() {
            if let Some(text) = texts.iter().find(|text| text.contains(&secret)) {
                let text = text.replace(&secret, "***");
                world.with(|state| state.violation(format!("the run gave away a secret: {text}")));
            }
        }
    }
}

/// Reads an output file as the runner does: `name=value`, or `name<<END` and lines up to `END`. Whichever
/// of `=` and `<<` comes first in a line decides.
pub fn read_env_file(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let equals = line.find('=').unwrap_or(usize::MAX);
        let heredoc = line.find("<<").unwrap_or(usize::MAX);
        if equals < heredoc {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            insert(&mut values, line, name, value)?;
        } else if heredoc < equals {
            let (name, end) = line.split_once("<<").unwrap_or((line, ""));
            if end.is_empty() {
                return Err(format!("no delimiter in {line:?}"));
            }
            let mut value = Vec::new();
            loop {
                match lines.next() {
                    Some(line) if line == end => break,
                    Some(line) => value.push(line),
                    None => return Err(format!("the delimiter {end:?} never comes")),
                }
            }
            insert(&mut values, line, name, &value.join("\n"))?;
        } else {
            return Err(format!("invalid line {line:?}"));
        }
    }
    Ok(values)
}

fn insert(values: &mut BTreeMap<String, String>, line: &str, name: &str, value: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("no name in {line:?}"));
    }
    values.insert(name.to_owned(), value.to_owned());
    Ok(())
}
