use std::os::unix::process::ExitStatusExt as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::lane::Provider;
use crate::domain::pass::Usage;

fn lane(auth: Auth) -> Lane {
    Lane { engine: Engine::Codex, auth, ..Lane::new("codex", Provider::Openai, "gpt-6.1-sol") }
}

/// What 2.1.330 printed, without what is not read.
fn claude(changes: Value) -> Option<Said> {
    let mut result = json!({
        "type": "result", "subtype": "success", "is_error": false, "result": "{}", "stop_reason": "tool_use",
        "terminal_reason": "completed", "api_error_status": null, "session_id": "s-1", "total_cost_usd": 0.000753,
        "structured_output": null, "ttft_stream_ms": 120,
        "modelUsage": {"claude-sonnet-5-5": {"inputTokens": 100, "outputTokens": 50, "cacheReadInputTokens": 30,
            "cacheCreationInputTokens": 20}},
    });
    result.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claude_code::read(result.to_string().as_bytes())
}

const FAILED: &str = "is_error";

fn told(said: Option<Said>) -> String {
    let Some(Said { heard, billing, .. }) = said else { return "nothing".to_owned() };
    let heard = match heard {
        Heard::Answer { text, stop, model } => format!("answer {text:?}, {stop:?}, {model:?}"),
        Heard::Error { status, message } => format!("error {status:?}, {message:?}"),
        Heard::Ceiling => "ceiling".to_owned(),
    };
    let billing = match billing {
        Billing::None => "free".to_owned(),
        Billing::Unknown => "unknown".to_owned(),
        Billing::Used(Usage { input, cache_read, cache_write, output, .. }) => {
            format!("{input} + {cache_read} read + {cache_write} written, {output} out")
        }
    };
    format!("{heard}; {billing}")
}

#[test]
fn claude_codes_results_are_what_they_are_and_not_what_their_subtype_says() {
    let none = json!({});
    let results = [
        json!({"structured_output": {"pass": "review"}}),
        json!({"result": "I looked. Nothing."}),
        json!({"structured_output": {"a": 1}, "modelUsage": none}),
        json!({FAILED: true, "api_error_status": 401, "result": "API Error: 401 no", "modelUsage": none}),
        json!({FAILED: true, "api_error_status": 429, "result": "API Error: 429 slow"}),
        json!({FAILED: true, "result": "Request timed out.", "modelUsage": none}),
        json!({FAILED: true, "terminal_reason": "prompt_too_long", "result": "Prompt is too long", "modelUsage": none}),
        json!({FAILED: true, "stop_reason": "refusal", "result": "API Error: safeguards"}),
        json!({FAILED: true, "stop_reason": "stop_sequence",
            "result": "API Error: Claude's response exceeded the 16000 output token maximum."}),
        json!({FAILED: true, "subtype": "error_max_budget_usd", "result": null}),
        json!({FAILED: true, "subtype": "error_max_structured_output_retries", "result": null}),
        json!({"type": "system"}),
    ];
    let told: Vec<String> = results.into_iter().map(|result| told(claude(result))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    answer "{\"pass\":\"review\"}", Complete, Some("claude-sonnet-5-5"); 100 + 30 read + 20 written, 50 out
    answer "I looked. Nothing.", Complete, Some("claude-sonnet-5-5"); 100 + 30 read + 20 written, 50 out
    answer "{\"a\":1}", Complete, None; unknown
    error Some(401), "API Error: 401 no"; free
    error Some(429), "API Error: 429 slow"; 100 + 30 read + 20 written, 50 out
    error None, "Request timed out."; unknown
    error Some(413), "Prompt is too long"; free
    answer "", Refused { category: None }, Some("claude-sonnet-5-5"); 100 + 30 read + 20 written, 50 out
    answer "", Truncated, Some("claude-sonnet-5-5"); 100 + 30 read + 20 written, 50 out
    ceiling; 100 + 30 read + 20 written, 50 out
    answer "", Complete, Some("claude-sonnet-5-5"); 100 + 30 read + 20 written, 50 out
    nothing
    "#);
}

#[test]
fn all_models_that_claude_code_asked_are_counted() {
    let usage = |input, output| json!({"inputTokens": input, "outputTokens": output});
    let said = claude(json!({"modelUsage": {"small": usage(10, 1), "large": usage(100, 20)}}));
    assert_eq!(told(said), "answer \"{}\", Complete, Some(\"large\"); 110 + 0 read + 0 written, 21 out");
}

/// What 0.169.0 printed after `thread.started` and `turn.started`.
fn codex(events: &[Value]) -> Option<Said> {
    let begun = [json!({"type": "thread.started", "thread_id": "t-1"}), json!({"type": "turn.started"})];
    let lines: Vec<String> = begun.iter().chain(events).map(Value::to_string).collect();
    codex::read(lines.join("\n").as_bytes())
}

fn completed(input: u64, output: u64) -> Value {
    json!({"type": "turn.completed", "usage": {"input_tokens": input, "cached_input_tokens": 30,
        "cache_write_input_tokens": 20, "output_tokens": output, "reasoning_output_tokens": 10}})
}

fn failed(message: &str) -> Value {
    json!({"type": "turn.failed", "error": {"message": message}})
}

fn item(kind: &str, text: &str) -> Value {
    json!({"type": "item.completed", "item": {"id": "item_0", "type": kind, "text": text}})
}

#[test]
fn codexs_events_are_put_together_and_a_turn_without_a_message_is_a_refusal() {
    let message = || item("agent_message", "{}");
    let turns = [
        vec![item("reasoning", "hm"), message(), completed(150, 50)],
        vec![message(), completed(0, 0)],
        vec![completed(150, 50)],
        vec![
            item("error", "Model metadata not found."),
            failed("unexpected status 401 Unauthorized: no, url: x"),
        ],
        vec![failed("exceeded retry limit, last status: 429 Too Many Requests, request id: req_1")],
        vec![
            item("command_execution", ""),
            failed("exceeded retry limit, last status: 429 Too Many Requests"),
        ],
        vec![failed("{\"error\": {\"message\": \"bad\", \"code\": \"context_length_exceeded\"}}")],
        vec![failed("The model `gpt-x` does not exist or you do not have access to it.")],
        vec![failed("We’re currently experiencing high demand, which may cause temporary errors.")],
        vec![failed("You've hit your usage limit. Try again at 5 PM.")],
        vec![message(), failed("Incomplete response returned, reason: max_output_tokens")],
        vec![failed(
            "stream disconnected before completion: Incomplete response returned, reason: content_filter",
        )],
        vec![failed("stream disconnected before completion: stream closed before response.completed")],
        vec![json!({"type": "error", "message": "odd"})],
        vec![],
    ];
    let told: Vec<String> = turns.iter().map(|events| told(codex(events))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    answer "{}", Complete, None; 100 + 30 read + 20 written, 50 out
    answer "{}", Complete, None; unknown
    answer "", Refused { category: None }, None; 100 + 30 read + 20 written, 50 out
    error Some(401), "unexpected status 401 Unauthorized: no, url: x"; free
    error Some(429), "exceeded retry limit, last status: 429 Too Many Requests, request id: req_1"; free
    error Some(429), "exceeded retry limit, last status: 429 Too Many Requests"; unknown
    error Some(400), "{\"error\": {\"message\": \"bad\", \"code\": \"context_length_exceeded\"}}"; free
    error Some(404), "The model `gpt-x` does not exist or you do not have access to it."; free
    error Some(503), "We’re currently experiencing high demand, which may cause temporary errors."; unknown
    error Some(402), "You've hit your usage limit. Try again at 5 PM."; free
    answer "", Truncated, None; unknown
    answer "", Refused { category: Some("content_filter") }, None; unknown
    error None, "stream disconnected before completion: stream closed before response.completed"; unknown
    error None, "odd"; unknown
    nothing
    "#);
}

#[test]
fn what_a_program_repeats_of_the_question_is_not_told() {
    let line = "    if now <= expires_at { return Ok(session); }";
    let prompt =
        Prompt { system: String::new(), shared: format!("first\n{line}\nlast"), task: String::new() };
    let endpoint = |auth| Endpoint::new(&lane(auth), None, Some("sk-dummy-0123456789")).unwrap();
    let lines = |events: &[Value]| events.iter().map(|event| format!("{event}\n")).collect::<String>();
    let began = json!({"type": "thread.started", "thread_id": "t-1"});
    let body =
        json!({"error": {"message": format!("cannot read {line}: sorry"), "type": "invalid_request_error"}});
    let (echo, keyed) = (format!("status 401: cannot read {line}: sorry"), Auth::ApiKey);
    let endings = [
        (lines(&[began.clone(), failed(&body.to_string())]), keyed.clone()),
        (lines(&[began.clone(), failed(&echo)]), keyed.clone()),
        (lines(&[began.clone(), failed(&echo)]), Auth::None),
        (lines(&[began.clone(), failed(&echo.replace("status 401", "usage limit"))]), Auth::None),
        (lines(&[began, failed(&echo.replace("status 401", "odd"))]), keyed.clone()),
        (String::new(), keyed),
    ];
    let told = endings.map(|(stdout, auth)| {
        let (stdout, stderr) = (stdout.into_bytes(), echo.clone().into_bytes());
        let ended = process::Ended { status: std::process::ExitStatus::from_raw(256), stdout, stderr };
        let endpoint = endpoint(auth.clone());
        let asked = Asked::new(&endpoint, &prompt);
        match understood(Program::Codex, &ended, &lane(auth), &asked).end {
            AttemptEnd::Rejected { why, .. } | AttemptEnd::Broken { why, .. } => why,
            end => panic!("{end:?}"),
        }
    });
    insta::assert_snapshot!(told.join("\n"), @r"
    api.openai.com did not take the request (HTTP 400): invalid_request_error: cannot read […]: sorry
    api.openai.com did not accept the key (HTTP 401): status 401: cannot read […]: sorry
    the login of `codex` is not accepted: status 401: cannot read […]: sorry
    the login of `codex` is used up: usage limit: cannot read […]: sorry
    `codex`: odd: cannot read […]: sorry
    `codex` ended without a result (exit status: 1): status 401: cannot read […]: sorry
    ");
}

/// What becomes of a shell script.
async fn shell(script: &str, silence: Option<Duration>) -> io::Result<process::Ended> {
    let mut command = process::command(OsStr::new("/bin/sh"));
    command.args(["-c", script]);
    process::run(command, b"question".to_vec(), silence).await
}

#[tokio::test]
async fn a_program_that_prints_nothing_is_not_waited_for() {
    let silence = Some(Duration::from_secs(1));
    let ended = shell("echo begun; sleep 1000", silence).await;
    assert_eq!(ended.unwrap_err().to_string(), "it was silent for 1 s");
}

#[tokio::test]
async fn a_program_that_has_closed_its_output_is_not_waited_for() {
    let ended = shell("echo said; exec >&-; sleep 1000", None).await.unwrap();
    assert_eq!((ended.stdout.as_slice(), ended.status.signal()), (b"said\n".as_slice(), Some(9)));
}

proptest! {
    #[test]
    fn no_output_makes_a_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        message in "\\PC{0,40}status.{0,8}",
        kind in "(thread.started|item.completed|turn.completed|turn.failed|error|result)",
        field in "(item|error|usage|result|modelUsage|message|api_error_status)",
        value in prop_oneof![Just(json!(null)), Just(json!([1])), Just(json!(-1)), Just(json!({"type": 1}))],
    ) {
        claude_code::read(&bytes);
        codex::read(&bytes);
        let event = json!({"type": kind, field: value}).to_string();
        claude_code::read(event.as_bytes());
        codex::read(event.as_bytes());
        codex(&[failed(&message)]);
    }
}
