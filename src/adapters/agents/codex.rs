//! Codex (`codex exec`): how it is called, and what its events mean.
//!
//! Measured with 0.169.0 against scripted servers. It tells a failure in words only, and a refusal not at all: then
//! there is no message.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use super::{Call, Heard, Login, Said};
use crate::adapters::providers::{self, Billing, Stop};
use crate::domain::lane::Provider;
use crate::domain::pass::Usage;
use crate::domain::reply::REPLY_SCHEMA;

/// The variable that holds the key: in the environment of Codex, never in that of the commands it runs.
const KEY: &str = "COUNTERPOINT_AGENT_KEY";

/// The file of a login, in the folder that `CODEX_HOME` names.
const LOGIN: &str = "auth.json";

/// Settings that leave one conversation with one server: nothing of the folder configures it, its commands have no
/// key, no network and nothing to read but programs and that folder, and no tool goes elsewhere. With
/// `--strict-config` a version that does not know one of them refuses to work.
const SETTINGS: [(&str, &str); 27] = [
    ("model_provider", "\"counterpoint\""),
    ("default_permissions", "\"review\""),
    ("shell_environment_policy", "{inherit=\"none\",set={PATH=\"/usr/bin:/bin\"}}"),
    ("allow_login_shell", "false"),
    ("project_doc_max_bytes", "0"),
    ("skills.include_instructions", "false"),
    ("skills.bundled.enabled", "false"),
    ("cloud.skills.enabled", "false"),
    ("include_permissions_instructions", "false"),
    ("include_apps_instructions", "false"),
    ("include_environment_context", "false"),
    ("include_collaboration_mode_instructions", "false"),
    ("tools.experimental_request_user_input.enabled", "false"),
    ("tools.update_plan.enabled", "false"),
    ("web_search", "\"disabled\""),
    ("analytics.enabled", "false"),
    ("check_for_update_on_startup", "false"),
    ("features.apps", "false"),
    ("features.goals", "false"),
    ("features.hooks", "false"),
    ("features.image_generation", "false"),
    ("features.multi_agent", "false"),
    ("features.plugins", "false"),
    ("features.shell_snapshot", "false"),
    ("features.tool_suggest", "false"),
    ("features.unbounded_connection_retries", "false"),
    ("features.view_image", "false"),
];

/// What it logs: errors, and each event of its model, which is how one that thinks is told from one that hangs. On its
/// standard output it is silent for as long as the model thinks.
const LOG: &str = "error,codex_api::sse=trace";

/// Whether a line of its log only says that an event came.
pub(super) fn is_trace(line: &str) -> bool {
    line.contains(" TRACE codex_api::sse")
}

/// Says what to run, and writes the files that it wants as files.
pub(super) fn prepare(command: &mut Command, call: &Call<'_>, home: &Path) -> io::Result<()> {
    let (system, schema) = (home.join("system.md"), home.join("reply.schema.json"));
    fs::write(&system, &call.prompt.system)?;
    fs::write(&schema, REPLY_SCHEMA)?;
    command.env("CODEX_HOME", home).env("RUST_LOG", LOG);
    let mut provider = vec![
        "name=\"counterpoint\"".to_owned(),
        "wire_api=\"responses\"".to_owned(),
        "request_max_retries=0".to_owned(),
        "stream_max_retries=0".to_owned(),
        format!("stream_idle_timeout_ms={}", call.idle.as_millis()),
    ];
    match (call.base_url, call.login) {
        (Some(url), _) => provider.push(format!("base_url={}", json!(url))),
        // A subscription is served elsewhere, which Codex knows.
        (None, Login::Own) => {}
        (None, _) => provider.push(format!("base_url={}", json!(providers::usual_base(Provider::Openai)))),
    }
    match call.login {
        Login::Key(key) | Login::Bearer(key) => {
            command.env(KEY, key);
            provider.push(format!("env_key={}", json!(KEY)));
        }
        Login::Own => {
            lend_login(home)?;
            provider.push("requires_openai_auth=true".to_owned());
        }
    }
    command.args([
        "exec",
        "--json",
        "--strict-config",
        "--ephemeral",
        "--ignore-user-config",
        "--ignore-rules",
    ]);
    command.args(["--skip-git-repo-check", "--color", "never", "--model", call.model]);
    command.arg("--output-schema").arg(schema);
    for (name, value) in SETTINGS {
        command.args(["-c", &format!("{name}={value}")]);
    }
    for (name, value) in [
        ("model_providers.counterpoint", format!("{{{}}}", provider.join(","))),
        ("model_reasoning_effort", json!(call.effort.as_str()).to_string()),
        ("model_instructions_file", json!(system).to_string()),
        ("permissions.review.filesystem", readable(call)),
    ] {
        command.args(["-c", &format!("{name}={value}")]);
    }
    if call.repository.is_none() {
        // There is nothing to read, so nothing is run.
        command.args(["-c", "features.shell_tool=false", "-c", "features.unified_exec=false"]);
    }
    command.arg("-");
    Ok(())
}

/// What commands may read: the system's programs without its configuration, Codex itself (it is its own sandbox), and
/// the folder they start in.
fn readable(call: &Call<'_>) -> String {
    let own = call.program.canonicalize().unwrap_or_else(|_| call.program.to_owned());
    // npm installs a script, `@openai/codex/bin/codex.js`, and the program itself in a package beside that one.
    let npm = own.ancestors().find(|folder| folder.ends_with("@openai"));
    let own = npm.or_else(|| own.parent()).unwrap_or(&own);
    format!(
        "{{\":minimal\"=\"read\",\"/etc\"=\"deny\",\":workspace_roots\"={{\".\"=\"read\"}},{}=\"read\"}}",
        json!(own)
    )
}

/// Copies the login of whoever runs us, for reading only: were it renewed here, the original would end.
fn lend_login(home: &Path) -> io::Result<()> {
    let folder = std::env::var_os("CODEX_HOME")
        .map(Into::into)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".codex")));
    let lent = folder.map(|folder: std::path::PathBuf| fs::read(folder.join(LOGIN)));
    let content = lent.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())).map_err(|error| {
        io::Error::new(error.kind(), "there is no login: neither CODEX_HOME nor ~/.codex holds an auth.json")
    })?;
    let copy = home.join(LOGIN);
    fs::write(&copy, content)?;
    fs::set_permissions(copy, std::os::unix::fs::PermissionsExt::from_mode(0o400))
}

/// What its events say; nothing if it never began.
pub(super) fn read(stdout: &[u8]) -> Option<Said> {
    let text = String::from_utf8_lossy(stdout);
    let (mut said, mut thread, mut usage, mut failure) = (None, None, None, None);
    let (mut worked, mut completed) = (false, false);
    for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let word = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        match word("/type") {
            Some("thread.started") => thread = word("/thread_id").map(str::to_owned),
            Some("item.completed") => match word("/item/type") {
                Some("agent_message") => (said, worked) = (word("/item/text").map(str::to_owned), true),
                kind => worked |= kind != Some("error"),
            },
            Some("turn.completed") => (completed, usage) = (true, event.get("usage").and_then(tokens)),
            Some("turn.failed") => failure = word("/error/message").map(str::to_owned),
            Some("error") => failure = failure.or_else(|| word("/message").map(str::to_owned)),
            _ => {}
        }
    }
    let answer =
        |text: Option<String>, stop| Heard::Answer { text: text.unwrap_or_default(), stop, model: None };
    let heard = match (completed, failure) {
        (true, _) if said.is_some() => answer(said, Stop::Complete),
        (true, _) => answer(None, Stop::Refused { category: None }),
        (false, Some(message)) if message.ends_with("reason: max_output_tokens") => {
            answer(None, Stop::Truncated)
        }
        (false, Some(message)) if message.ends_with("reason: content_filter") => {
            answer(None, Stop::Refused { category: Some("content_filter".to_owned()) })
        }
        (false, Some(message)) => Heard::Error { status: status(&message), message },
        (false, None) => return None,
    };
    let billing = match (&heard, usage) {
        (_, Some(usage)) => Billing::Used(usage),
        // The first request was refused. Of a later one nobody knows what came before, nor of a server's own failure
        // how far it had come: Codex says the same of one in the middle of an answer.
        (Heard::Error { status: Some(400..=499), .. }, None) if !worked => Billing::None,
        _ => Billing::Unknown,
    };
    Some(Said { heard, billing, id: thread, first_byte: None })
}

/// Tokens by kind; none if nothing was counted.
fn tokens(usage: &Value) -> Option<Usage> {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (cache_read, cache_write) = (count("cached_input_tokens"), count("cache_write_input_tokens"));
    let input = count("input_tokens").saturating_sub(cache_read).saturating_sub(cache_write);
    let reasoning = usage.get("reasoning_output_tokens").and_then(Value::as_u64);
    let usage =
        Usage { input, cache_read, cache_write, output: count("output_tokens"), reasoning, charged: None };
    (usage.total_input() > 0 && usage.output > 0).then_some(usage)
}

/// The HTTP status that a failure in words stands for.
fn status(message: &str) -> Option<u16> {
    const WORDS: [(&str, u16); 7] = [
        ("usage limit", 402),
        ("quota", 402),
        ("high demand", 503),
        ("at capacity", 503),
        ("context window", 413),
        ("does not exist", 404),
        ("model is not supported", 404),
    ];
    // It hands on the body of a 400 as it came.
    if message.starts_with('{') {
        return Some(400);
    }
    let (_, after) = message.split_once("status").unwrap_or_default();
    let digits = after.trim_start_matches([':', ' ']).get(..3).and_then(|digits| digits.parse().ok());
    let lower = message.to_lowercase();
    digits
        .filter(|status| (400..600).contains(status))
        .or_else(|| WORDS.iter().find(|(word, _)| lower.contains(word)).map(|(_, status)| *status))
}
