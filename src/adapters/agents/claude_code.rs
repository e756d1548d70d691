//! Claude Code (`claude -p`): how it is called, and what its result means.
//!
//! Measured with 2.1.330 against scripted servers. Its `subtype` says `success` of every error of the API; what counts
//! is `is_error`, `api_error_status` and `stop_reason`.

use serde_json::Value;
use tokio::process::Command;

use super::{Call, Heard, Login, Said};
use crate::adapters::providers::{self, Billing, Stop};
use crate::domain::pass::Usage;
use crate::domain::reply::REPLY_SCHEMA;

/// Switches that leave one conversation with one server: no calls home, no updates, no second attempts of its own (a
/// retry is ours to decide and to pay), and no `@path` in a stranger's text that would bring in a file.
const SWITCHES: [(&str, &str); 12] = [
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1"),
    ("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1"),
    ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
    ("CLAUDE_CODE_DISABLE_ATTACHMENTS", "1"),
    ("CLAUDE_CODE_DISABLE_FILE_MENTIONS", "1"),
    ("CLAUDE_CODE_DISABLE_CLAUDE_MDS", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "0"),
    ("MAX_STRUCTURED_OUTPUT_RETRIES", "1"),
];

/// Says what to run. `--restricted` and `--safe-mode` are what keeps a repository from configuring it.
pub(super) fn prepare(command: &mut Command, call: &Call<'_>, home: &std::path::Path) {
    command.env("CLAUDE_CONFIG_DIR", home).envs(SWITCHES);
    if let Some(url) = call.base_url {
        command.env("ANTHROPIC_BASE_URL", url);
    }
    command.env("CLAUDE_CODE_MAX_OUTPUT_TOKENS", call.max_output.to_string());
    command.env("API_TIMEOUT_MS", call.first_byte.as_millis().to_string());
    // The same authorities that we trust; it reads another variable.
    if let (None, Some(file)) = (std::env::var_os("NODE_EXTRA_CA_CERTS"), std::env::var_os("SSL_CERT_FILE")) {
        command.env("NODE_EXTRA_CA_CERTS", file);
    }
    match call.login {
        Login::Key(key) => command.env("ANTHROPIC_API_KEY", key),
        // What `claude setup-token` makes is a login; any other token is a gateway's.
        Login::Bearer(token) if token.starts_with("sk-ant-oat") => {
            command.env("CLAUDE_CODE_OAUTH_TOKEN", token)
        }
        Login::Bearer(token) => command.env("ANTHROPIC_AUTH_TOKEN", token),
        Login::Own => command,
    };
    command.args(["-p", "--restricted", "--safe-mode", "--disable-slash-commands", "--strict-mcp-config"]);
    command.args(["--permission-mode", "dontAsk", "--no-session-persistence", "--output-format", "json"]);
    command.args(["--tools", if call.repository.is_some() { "Read,Grep,Glob" } else { "" }]);
    command.args(["--model", call.model, "--effort", call.effort.as_str()]);
    command.args(["--max-budget-usd", &call.max_call.six_decimals()]);
    command.args(["--json-schema", REPLY_SCHEMA, "--system-prompt", &call.prompt.system]);
}

/// What its one line of JSON says; nothing if that is not there.
pub(super) fn read(stdout: &[u8]) -> Option<Said> {
    let text = String::from_utf8_lossy(stdout);
    let results = text.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let result = results.into_iter().find(|line| line.get("type").is_some_and(|kind| kind == "result"))?;
    let field = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let (message, subtype) = (field("result"), field("subtype"));
    let status = result.get("api_error_status").and_then(Value::as_u64);
    let usage = usage(&result);
    let failed = result.get("is_error").is_some_and(|error| error == true) || subtype != "success";
    let answer = |text: String, stop| Heard::Answer { text, stop, model: model(&result) };
    let heard = if !failed {
        let structured = result.get("structured_output").filter(|output| !output.is_null());
        answer(structured.map_or_else(|| message.to_owned(), Value::to_string), Stop::Complete)
    } else if field("stop_reason") == "refusal" {
        answer(String::new(), Stop::Refused { category: None })
    } else if field("stop_reason") == "max_tokens" || message.contains("output token maximum") {
        answer(String::new(), Stop::Truncated)
    } else if subtype == "error_max_budget_usd" {
        Heard::Ceiling
    } else if subtype == "error_max_structured_output_retries" {
        answer(message.to_owned(), Stop::Complete)
    } else {
        let too_long = (field("terminal_reason") == "prompt_too_long").then_some(413);
        let status = status.and_then(|status| u16::try_from(status).ok()).or(too_long);
        Heard::Error { status, message: message.to_owned() }
    };
    let billing = match (&heard, usage) {
        (_, Some(usage)) if usage.output > 0 => Billing::Used(usage),
        (Heard::Error { status: Some(_), .. }, None) => Billing::None,
        _ => Billing::Unknown,
    };
    let first_byte = result.get("ttft_stream_ms").and_then(Value::as_u64);
    Some(Said {
        heard,
        billing,
        id: Some(field("session_id").to_owned()).filter(|id| !id.is_empty()),
        first_byte: first_byte.map(std::time::Duration::from_millis),
    })
}

/// Tokens of all turns and all models, and the bill that it makes of them; none if nothing was counted.
fn usage(result: &Value) -> Option<Usage> {
    let models = result.get("modelUsage")?.as_object()?.values();
    let usage = models.fold(Usage::default(), |sum, model| {
        let count = |name: &str| model.get(name).and_then(Value::as_u64).unwrap_or_default();
        sum.plus(Usage {
            input: count("inputTokens"),
            cache_read: count("cacheReadInputTokens"),
            cache_write: count("cacheCreationInputTokens"),
            output: count("outputTokens"),
            reasoning: model.get("thinkingTokens").and_then(Value::as_u64),
            charged: None,
        })
    });
    let charged = result.get("total_cost_usd").and_then(providers::dollars);
    (usage.total_input() > 0).then_some(Usage { charged, ..usage })
}

/// The model that did most of the work.
fn model(result: &Value) -> Option<String> {
    let models = result.get("modelUsage")?.as_object()?;
    let output = |usage: &Value| usage.get("outputTokens").and_then(Value::as_u64).unwrap_or_default();
    models.iter().max_by_key(|(_, usage)| output(usage)).map(|(name, _)| name.clone())
}
