//! Agent command lines as engines: one call is one conversation of `claude` or `codex` with its model, and ends as a
//! request of ours would. Retries, deadlines and money are the caller's.
//!
//! They are run as what they are, programs that do what a stranger's text talks their model into: in a process group,
//! a folder and an environment of their own, with read-only tools at most, and nothing of the repository obeyed.

mod claude_code;
mod codex;
mod folder;
mod live;
mod process;
mod repository;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::process::Command;

use self::folder::Folder;
use crate::adapters::http::one_line;
use crate::adapters::providers::{self, Attempt, AttemptEnd, Billing, Endpoint, Request, Retry, Stop};
use crate::domain::lane::{Auth, Effort, Engine, Lane, Patience};
use crate::domain::pass::{Prompt, Usage};
use crate::domain::units::MicroUsd;
pub use live::end_all;
pub use repository::Repository;

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most characters of a program's own words that are repeated.
const WORDS: usize = 200;

/// All that a command line is made from.
struct Call<'a> {
    program: &'a Path,
    /// Where the server is, unless that goes without saying.
    base_url: Option<&'a str>,
    login: Login<'a>,
    model: &'a str,
    effort: Effort,
    prompt: &'a Prompt,
    max_output: u32,
    max_call: MicroUsd,
    /// How long the server may be silent before an answer, and in it.
    first_byte: Duration,
    idle: Duration,
    repository: Option<&'a Path>,
}

/// How the program proves whose it is.
#[derive(Clone, Copy)]
enum Login<'a> {
    /// By an API key.
    Key(&'a str),
    /// By a token.
    Bearer(&'a str),
    /// By what whoever runs us has logged in with.
    Own,
}

/// What a program told when it ended.
struct Said {
    heard: Heard,
    billing: Billing,
    /// Its id of the conversation.
    id: Option<String>,
    first_byte: Option<Duration>,
}

enum Heard {
    /// The model answered, or would not.
    Answer { text: String, stop: Stop, model: Option<String> },
    /// The server did not answer; the status where it is known.
    Error { status: Option<u16>, message: String },
    /// The program stopped at the most that a call may cost.
    Ceiling,
}

/// A command line that can ask a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `claude`.
    Claude,
    /// `codex`.
    Codex,
}

impl Program {
    /// The one that an engine is, if it is one.
    #[must_use]
    pub const fn of(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Api => None,
            Engine::ClaudeCode => Some(Self::Claude),
            Engine::Codex => Some(Self::Codex),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    /// How to come by it.
    const fn install(self) -> &'static str {
        match self {
            Self::Claude => {
                "Install it in a step before (`npm install -g @anthropic-ai/claude-code@2.1.330`), or use the lane \
                 without `engine`; docs/agents.md says how."
            }
            Self::Codex => {
                "Install it in a step before (`npm install -g @openai/codex@0.169.0`), or use the lane without \
                 `engine`; docs/agents.md says how."
            }
        }
    }

    /// How long it may print nothing. Codex prints what it hears from its model, and leaves a stream that is silent, but
    /// waits for its begin; Claude Code prints at its end only, and has been told how long to wait.
    fn silence(self, patience: Patience) -> Option<Duration> {
        match self {
            Self::Claude => None,
            Self::Codex => Some(patience.first_byte.saturating_add(patience.idle)),
        }
    }

    /// Where it is.
    fn find(self) -> Result<PathBuf, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // A relative folder would be one of the repository, as a rule.
        let mut places = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        let found = places.find_map(|folder| {
            let program = folder.join(self.name());
            let executable = std::fs::metadata(&program).is_ok_and(|file| {
                file.is_file() && std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o111 != 0
            });
            executable.then_some(program)
        });
        found.ok_or_else(|| format!("`{}` is not installed: no folder of PATH holds it", self.name()))
    }

    /// Its version, in its own words.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub async fn version(self) -> Result<String, (String, &'static str)> {
        let program = self.find().map_err(|why| (why, self.install()))?;
        let asked = async {
            let home = Folder::new()?;
            let mut command = process::command(program.as_os_str());
            command.arg("--version").env("HOME", home.path()).current_dir(home.path());
            process::run(command, Vec::new(), None).await
        };
        let broken = |what: String| (format!("`{}` does not work: {what}", self.name()), self.install());
        match tokio::time::timeout(PATIENCE, asked).await {
            Err(_) => {
                Err(broken(format!("it did not tell its version within {} seconds", PATIENCE.as_secs())))
            }
            Ok(Err(error)) => Err(broken(error.to_string())),
            Ok(Ok(ended)) if !ended.status.success() => Err(broken(ended.status.to_string())),
            Ok(Ok(ended)) => Ok(one_line(&String::from_utf8_lossy(&ended.stdout), WORDS)),
        }
    }
}

/// What was asked of whom: neither the key nor the question belongs in what people are told of an answer.
struct Asked<'a> {
    endpoint: &'a Endpoint,
    /// The texts, as JSON.
    texts: Vec<u8>,
}

impl<'a> Asked<'a> {
    fn new(endpoint: &'a Endpoint, Prompt { system, shared, task }: &Prompt) -> Self {
        Self { endpoint, texts: json!([system, shared, task]).to_string().into_bytes() }
    }

    /// A program's words as they may be told.
    fn told(&self, words: &str) -> String {
        let words = self.endpoint.clean(words, usize::MAX);
        one_line(&providers::without_prompt(&words, &self.texts, 2 * WORDS), WORDS)
    }
}

/// Asks once, by a lane's program; without a `repository` there is nothing that it may read. It has no time limit of
/// its own: the caller drops it at the deadline, which kills all that was started (and then owes its reservation).
pub async fn run(
    program: Program,
    lane: &Lane,
    endpoint: &Endpoint,
    request: &Request<'_>,
    repository: Option<&Repository>,
) -> Attempt {
    let name = program.name();
    let path = match program.find() {
        Ok(path) => path,
        Err(why) => return impossible(why, program.install()),
    };
    let login = match (endpoint.secret().map(|secret| secret.expose_secret()), &lane.auth) {
        (Some(token), Auth::Bearer) => Login::Bearer(token),
        (Some(key), _) => Login::Key(key),
        (None, _) => Login::Own,
    };
    let call = Call {
        program: &path,
        base_url: Some(endpoint.base_url()).filter(|url| *url != providers::usual_base(lane.provider)),
        login,
        model: request.model,
        effort: request.effort,
        prompt: request.prompt,
        max_output: request.max_output,
        max_call: lane.max_call.unwrap_or_default(),
        first_byte: lane.patience.first_byte,
        idle: lane.patience.idle,
        repository: repository.map(Repository::path),
    };
    // Declared first, so that it goes last: what is in it is in use until the program is dead.
    let (_home, command) = match prepared(program, &call) {
        Ok(prepared) => prepared,
        Err(error) => {
            let advice =
                "Check the login of this lane, and that the folder for temporary files can be written.";
            return impossible(format!("`{name}` cannot be prepared: {error}"), advice);
        }
    };
    let input = format!("{}\n{}\n", call.prompt.shared, call.prompt.task);
    match process::run(command, input.into_bytes(), program.silence(lane.patience)).await {
        Ok(ended) => understood(program, &ended, lane, &Asked::new(endpoint, call.prompt)),
        // What is not there, its interpreter included, was never started.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
            impossible(format!("`{name}` cannot be started: {error}"), program.install())
        }
        Err(error) => Attempt {
            end: AttemptEnd::Broken { why: format!("`{name}`: {error}"), sent: true },
            request_id: None,
            billing: Billing::Unknown,
            first_byte: None,
        },
    }
}

/// The command, and the folder that is its home.
fn prepared(program: Program, call: &Call<'_>) -> io::Result<(Folder, Command)> {
    let folder = Folder::new()?;
    let (home, temporary) = (folder.with("home")?, folder.with("tmp")?);
    let mut command = process::command(OsStr::new(call.program));
    command.current_dir(match call.repository {
        Some(repository) => repository.to_owned(),
        None => folder.with("nothing")?,
    });
    // Codex takes no home in the folder for temporary files, so that folder is another one here.
    command.env("HOME", &home).env("TMPDIR", temporary);
    match program {
        Program::Claude => claude_code::prepare(&mut command, call, &home),
        Program::Codex => codex::prepare(&mut command, call, &home)?,
    }
    Ok((folder, command))
}

/// An attempt that never began.
fn impossible(why: String, advice: &str) -> Attempt {
    Attempt { end: rejected(400, why, advice), request_id: None, billing: Billing::None, first_byte: None }
}

fn rejected(status: u16, why: String, advice: &str) -> AttemptEnd {
    let advice = Some(advice.to_owned());
    AttemptEnd::Rejected { status, retry: Retry::Never, unsupported: None, why, advice, by_model: false }
}

/// What came of a program that ended.
fn understood(program: Program, ended: &process::Ended, lane: &Lane, asked: &Asked<'_>) -> Attempt {
    let said = match program {
        Program::Claude => claude_code::read(&ended.stdout),
        Program::Codex => codex::read(&ended.stdout),
    };
    let Some(said) = said else { return wordless(program, ended, asked) };
    let (name, keyless) = (program.name(), asked.endpoint.secret().is_none());
    let end = match said.heard {
        Heard::Answer { text, stop, model } => {
            AttemptEnd::Answer { text, stop, model: model.map(|model| one_line(&model, 100)) }
        }
        Heard::Error { status: Some(401 | 403), message } if keyless => rejected(
            401,
            format!("the login of `{name}` is not accepted: {}", asked.told(&message)),
            "Log in again with the program itself, or give the lane a key.",
        ),
        Heard::Error { status: Some(402), message } if keyless => rejected(
            402,
            format!("the login of `{name}` is used up: {}", asked.told(&message)),
            "Wait until its limit is lifted, or give the lane a key.",
        ),
        Heard::Error { status: Some(status), message } => {
            providers::by_program(asked.endpoint, &asked.texts, status, &message)
        }
        Heard::Error { status: None, message } => {
            AttemptEnd::Broken { why: format!("`{name}`: {}", asked.told(&message)), sent: true }
        }
        Heard::Ceiling => {
            let most = lane.max_call.unwrap_or_default();
            rejected(
                402,
                format!("`{name}` came to its ceiling of {most} before it answered"),
                "Raise `max_call_usd` of this lane, lower its effort, or leave files out with `paths.exclude`.",
            )
        }
    };
    Attempt {
        end,
        request_id: said.id.map(|id| one_line(&id, 100)),
        billing: match said.billing {
            // Where nothing is to pay, a bill by the list would be one that nobody gets.
            Billing::Used(usage) if lane.free => Billing::Used(Usage { charged: None, ..usage }),
            billing => billing,
        },
        first_byte: said.first_byte,
    }
}

/// What came of a program that printed nothing we know.
fn wordless(program: Program, ended: &process::Ended, asked: &Asked<'_>) -> Attempt {
    // What both print of a command line or a setting that they do not take, before they ask anything.
    const NEVER_BEGAN: [&str; 3] = ["error: ", "Error loading config", "Error parsing"];
    let complaint = String::from_utf8_lossy(&ended.stderr);
    let complaint = complaint
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !codex::is_trace(line))
        .unwrap_or("no message");
    let (name, said) = (program.name(), asked.told(complaint));
    // 126 and 127 are a shell's words for a program that is not there.
    let missing = matches!(ended.status.code(), Some(126 | 127));
    if missing || !ended.status.success() && NEVER_BEGAN.iter().any(|begin| complaint.starts_with(begin)) {
        return impossible(format!("`{name}` did not begin: {said}"), program.install());
    }
    let why = match ended.status.success() {
        true => format!("`{name}` ended without a result"),
        false => format!("`{name}` ended without a result ({}): {said}", ended.status),
    };
    Attempt {
        end: AttemptEnd::Broken { why, sent: true },
        request_id: None,
        billing: Billing::Unknown,
        first_byte: None,
    }
}

#[cfg(test)]
mod tests;
