//! Errors of model providers: what they mean, whether asking again can help, and what a person can do.
//!
//! The rules are those of the vendors' SDKs (`@anthropic-ai/sdk` 1.12.0, `openai` 7.57.0); no real server was asked.
//! What servers say that imitate OpenAI is from what people report of them.

use std::collections::BTreeSet;
use std::time::SystemTime;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::echo::without_prompt;
use super::{AttemptEnd, Endpoint, Retry, Stop, word};
use crate::adapters::http::{one_line, retry_after};
use crate::domain::lane::{Provider, Wire};
use crate::domain::pass::Feature;

/// The most characters of a vendor's message that are repeated.
const MESSAGE_LIMIT: usize = 200;

/// An error in a vendor's words; whatever is absent is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VendorError {
    /// `error.type`.
    pub(super) kind: String,
    /// `error.code`, or Anthropic's `error.details.error_code`.
    pub(super) code: String,
    /// The field of the request that is wrong.
    pub(super) param: String,
    /// For people.
    pub(super) message: String,
    /// The request's id, when the body tells it.
    pub(super) request_id: Option<String>,
}

impl VendorError {
    /// Whether the body was an error in the vendor's own form.
    pub(super) const fn is_told(&self) -> bool {
        !self.kind.is_empty() || !self.code.is_empty()
    }

    /// Reads any body: JSON of a known shape, else its text when it is short and no page.
    pub(super) fn from_body(bytes: &[u8]) -> Self {
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            return Self::read(&value);
        }
        let text = String::from_utf8_lossy(bytes).trim().to_owned();
        let message =
            if text.starts_with('<') { "an HTML page instead of an error".to_owned() } else { text };
        Self { message, ..Self::default() }
    }

    /// Both vendors put an object under `error`; servers that imitate them put a string there, or nothing around it,
    /// or FastAPI's `detail`.
    pub(super) fn read(value: &Value) -> Self {
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let text = |key: &str| match error.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let details = error.pointer("/details/error_code").and_then(Value::as_str).map(str::to_owned);
        let message = error.as_str().map(str::to_owned).unwrap_or_else(|| text("message"));
        Self {
            kind: text("type"),
            code: details.unwrap_or_else(|| text("code")),
            param: text("param"),
            message: if message.is_empty() { detail(value) } else { message },
            request_id: word(value.get("request_id")),
        }
    }

    /// The HTTP status this error has when it comes as one; 500 for errors we do not know.
    pub(super) fn status(&self) -> u16 {
        let by_name = |name: &str| match name {
            "invalid_request_error" | "invalid_prompt" | "context_length_exceeded" => Some(400),
            "authentication_error" | "invalid_api_key" => Some(401),
            "billing_error" => Some(402),
            "permission_error" => Some(403),
            "not_found_error" | "model_not_found" => Some(404),
            "request_too_large" => Some(413),
            "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => Some(429),
            "timeout_error" => Some(504),
            "overloaded_error" => Some(529),
            _ => None,
        };
        // Servers that imitate OpenAI put the status where it has a code.
        let numeric = || self.code.parse().ok().filter(|status| (400..600).contains(status));
        by_name(&self.code).or_else(|| by_name(&self.kind)).or_else(numeric).unwrap_or(500)
    }

    fn is(&self, name: &str) -> bool {
        self.code == name || self.kind == name
    }

    /// Whether the vendor, not the model, will not have this text worked on.
    fn refusal(&self) -> Option<&str> {
        // OpenRouter, with a plain 403.
        if self.message.to_ascii_lowercase().contains("input was flagged") {
            return Some("moderation");
        }
        let code = self.code.as_str();
        let policy =
            code.ends_with("_policy") || matches!(code, "content_filter" | "content_policy_violation");
        let flagged = code == "invalid_prompt" && self.message.to_ascii_lowercase().contains("policy");
        (policy || flagged).then_some(code)
    }
}

/// FastAPI's validation errors: text, or a list of places and messages.
fn detail(value: &Value) -> String {
    match value.get("detail") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let item = |item: &Value| {
                let place = item.get("loc").and_then(Value::as_array).into_iter().flatten();
                let place: Vec<&str> = place.filter_map(Value::as_str).collect();
                let message = item.get("msg").and_then(Value::as_str).unwrap_or_default();
                format!("{}: {message}", place.join("."))
            };
            items.iter().map(item).collect::<Vec<_>>().join("; ")
        }
        _ => String::new(),
    }
}

/// How the error arrived.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told<'a> {
    /// As an HTTP status.
    Status {
        /// The response's headers.
        headers: &'a HeaderMap,
        /// To count from when a wait is given as a date.
        now: SystemTime,
    },
    /// Inside an answer that had begun well.
    InAnswer,
}

/// What kind of error it is, as far as it matters to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Redirect,
    Key,
    Credit,
    Permission,
    Model,
    Address,
    TooLong,
    Output,
    Request,
    RateLimit,
    Overloaded,
    Gateway,
    Server,
}

impl Class {
    fn of(status: u16, error: &VendorError) -> Self {
        let message = error.message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        let spent = [
            "insufficient_quota",
            "billing_error",
            "enforced_spend_limit_reached",
            "contract_spend_limit_reached",
        ];
        // Credit that ran out came as a plain 400 from Anthropic for years.
        if spent.iter().any(|name| error.is(name)) || status == 402 || says(&["credit balance"]) {
            return Self::Credit;
        }
        match status {
            300..=399 => Self::Redirect,
            401 => Self::Key,
            403 => Self::Permission,
            // Without a vendor's error it is not the vendor's API that answers there.
            404 if !(error.is_told() || says(&["model"]) && says(&["not found"])) => Self::Address,
            404 => Self::Model,
            405 => Self::Address,
            413 => Self::TooLong,
            400 | 422 if says(&ROOM) && says(&TOO_MUCH) => Self::Output,
            400 | 422 if error.is("context_length_exceeded") || says(&TOO_LONG) => Self::TooLong,
            400 | 422
                if error.is("model_not_found") || error.is("unknown_model") || error.param == "model" =>
            {
                Self::Model
            }
            408 | 502 | 504 | 520..=527 => Self::Gateway,
            429 => Self::RateLimit,
            503 | 529 => Self::Overloaded,
            500..=599 => Self::Server,
            _ => Self::Request,
        }
    }

    /// Whether another model of the same provider may do.
    const fn is_of_the_model(self) -> bool {
        match self {
            Self::Model | Self::Permission | Self::TooLong | Self::Output => true,
            Self::RateLimit | Self::Overloaded | Self::Gateway | Self::Server => true,
            Self::Redirect | Self::Key | Self::Credit | Self::Address | Self::Request => false,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Redirect => "sends the request elsewhere",
            Self::Key => "did not accept the key",
            Self::Credit => "wants to be paid first",
            Self::Permission => "does not allow this to the key",
            Self::Model => "does not know the model",
            Self::Address => "has no such address",
            Self::TooLong => "finds the request too long",
            Self::Output => "gives no answers that long",
            Self::Request => "did not take the request",
            Self::RateLimit => "limits the rate of requests",
            Self::Overloaded => "is overloaded",
            Self::Gateway => "ran into a time-out or a bad gateway",
            Self::Server => "had an error",
        }
    }

    fn advice(self, endpoint: &Endpoint) -> String {
        let called = endpoint.called();
        let (key, base, model) = (&called.key, &called.base, &called.model);
        let holder = match &called.identity {
            Some((identity, _)) => identity.clone(),
            None => format!("the key in {key}"),
        };
        if let (Self::Key | Self::Permission, Some((identity, right))) = (self, &called.identity) {
            return format!(
                "Check that {base} is of the same account and region, and that {identity} may use this model{right}."
            );
        }
        match self {
            // With a key of the lane's own, rights of the job change nothing.
            Self::Key | Self::Permission if *key == Provider::Github.key().to_string() => {
                "Give the job the right `models: read` under `permissions` in the workflow, and see that the organisation \
                 allows GitHub Models."
                    .to_owned()
            }
            Self::Key | Self::Permission if endpoint.is_keyless() => {
                format!("The server at {} wants a key: give the lane `auth: bearer` and a `key_env`.", endpoint.host())
            }
            Self::Model if endpoint.is_keyless() => {
                format!("Check the model's name ({model}), and that the server has it.")
            }
            Self::Redirect | Self::Address => {
                let tail = match (endpoint.provider(), endpoint.wire()) {
                    (Provider::Anthropic, _) => " It is given without `/v1` at its end.",
                    (Provider::Github, _) | (_, Wire::Messages) => "",
                    _ => " It is given with `/v1` at its end.",
                };
                format!("Check {base}: the API is not there.{tail}")
            }
            Self::Key => {
                format!("Check the secret given to {key}: it is wrong, revoked or of another provider.")
            }
            Self::Credit => {
                format!("Add credit, or raise the spending limit, of the account that {holder} belongs to.")
            }
            Self::Permission => {
                format!("Allow the key in {key} to use this model in its project or workspace, or use another key.")
            }
            Self::Model => format!(
                "Check the model's name ({model}), and that {holder} may use it."
            ),
            Self::TooLong => format!(
                "Leave files out with `paths.exclude` in .github/counterpoint.yml, or choose a model with a larger \
                 context ({model})."
            ),
            Self::Output => {
                "Say under `limits: {output_tokens: …}` of the lane how long its answers can be.".to_owned()
            }
            Self::Request => format!(
                "Check the model ({model}) and {base}; if both are right, please report this; the record holds the request's id."
            ),
            Self::RateLimit | Self::Overloaded | Self::Gateway | Self::Server => {
                "The provider says that asking again does not help; see its status page, or run the review later."
                    .to_owned()
            }
        }
    }
}

/// What the room for an answer is called.
const ROOM: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];

/// What servers say of more room than there is.
const TOO_MUCH: [&str; 4] = ["too large", "too high", "at most", "maximum allowed"];

/// What servers say of a prompt that does not fit; with both vendors it is a 400.
const TOO_LONG: [&str; 7] = [
    "prompt is too long",
    "context length",
    "context window",
    "context size",
    "maximum context",
    "too many tokens",
    "exceeds the maximum number of tokens",
];

/// Judges an error. `body` is what was sent: only a feature that stands in it can be what the server did not take.
pub(super) fn classify(
    endpoint: &Endpoint,
    body: &[u8],
    status: u16,
    told: Told<'_>,
    error: &VendorError,
) -> AttemptEnd {
    if let Some(category) = error.refusal() {
        let stop = Stop::Refused { category: Some(endpoint.clean(category, 100)) };
        return AttemptEnd::Answer { text: String::new(), stop, model: None };
    }
    let class = Class::of(status, error);
    let unsupported = match (status, class) {
        (400 | 422, Class::Request) => unsupported(&features(endpoint.wire(), body), error),
        // Ollama and llama.cpp say so of a schema or a thinking effort that they cannot follow.
        (500 | 501, Class::Server) if endpoint.wire() == Wire::Chat => {
            unsupported(&features(Wire::Chat, body), error)
        }
        _ => None,
    };
    // Many a server that imitates OpenAI does not say what it did not take: at last it is asked in plain words.
    let nameless = endpoint.wire() == Wire::Chat && matches!((status, class), (400 | 422, Class::Request));
    let unsupported = unsupported.or_else(|| {
        let sent = if nameless { features(Wire::Chat, body) } else { BTreeSet::new() };
        [Feature::StructuredOutput, Feature::JsonMode].into_iter().find(|form| sent.contains(form))
    });
    // Without a tier OpenAI takes the project's own, which may cost twice as much.
    let vendor = endpoint.provider() == Provider::Openai && endpoint.is_at_home();
    let unsupported = unsupported.filter(|feature| !(vendor && *feature == Feature::ServiceTier));
    let retry = if unsupported.is_some() { Retry::Never } else { retry(status, told, error) };
    let place = match told {
        Told::Status { .. } => format!("HTTP {status}"),
        Told::InAnswer => "inside its answer".to_owned(),
    };
    let said = [error.kind.as_str(), error.code.as_str(), error.message.as_str()];
    let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
    let said = without_prompt(&endpoint.clean(&said.join(": "), usize::MAX), body, 2 * MESSAGE_LIMIT);
    let said = one_line(&said, MESSAGE_LIMIT);
    let mut why = format!("{} {} ({place})", endpoint.host(), class.words());
    if !said.is_empty() {
        why = format!("{why}: {said}");
    }
    let advice = (retry == Retry::Never && unsupported.is_none()).then(|| class.advice(endpoint));
    AttemptEnd::Rejected { status, retry, unsupported, why, advice, by_model: class.is_of_the_model() }
}

/// Judges an error that a program passed on: its status, and the vendor's words or body. `texts` is the JSON of what the
/// program was given to ask.
pub(in crate::adapters) fn by_program(
    endpoint: &Endpoint,
    texts: &[u8],
    status: u16,
    message: &str,
) -> AttemptEnd {
    let mut error = VendorError::from_body(message.as_bytes());
    if status == 404 && !error.is_told() {
        // The program has found the API, or it would not speak of a model.
        "not_found_error".clone_into(&mut error.kind);
    }
    classify(
        endpoint,
        texts,
        status,
        Told::Status { headers: &HeaderMap::new(), now: SystemTime::UNIX_EPOCH },
        &error,
    )
}

/// The SDKs' rule: `x-should-retry` decides; else 408, 409, 429 and 5xx are asked again. A spending limit is not a rate
/// limit, whatever the status.
fn retry(status: u16, told: Told<'_>, error: &VendorError) -> Retry {
    let (should, wait) = match told {
        Told::Status { headers, now } => (headers.get("x-should-retry"), retry_after(headers, now)),
        Told::InAnswer => (None, None),
    };
    let limited = ["enforced_spend_limit_reached", "contract_spend_limit_reached"];
    if error.is("insufficient_quota") || wait.is_none() && limited.iter().any(|name| error.is(name)) {
        return Retry::Never;
    }
    let again = match should.map(reqwest::header::HeaderValue::as_bytes) {
        Some(b"true") => true,
        Some(b"false") => false,
        _ => matches!(status, 408 | 409 | 429 | 500..),
    };
    if again { Retry::After(wait) } else { Retry::Never }
}

/// The optional features that stand in a request.
pub(super) fn features(wire: Wire, body: &[u8]) -> BTreeSet<Feature> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let has = |pointer: &str| body.pointer(pointer).is_some();
    let marked = |block: &Value| block.get("cache_control").is_some();
    let content = body.pointer("/messages/0/content").and_then(Value::as_array);
    let is_true = |pointer: &str| body.pointer(pointer) == Some(&Value::Bool(true));
    let schemas = ["/output_config/format", "/text/format", "/response_format/json_schema"];
    let efforts = ["/output_config/effort", "/reasoning/effort", "/reasoning_effort"];
    let stricts = [
        "/text/format/strict",
        "/response_format/json_schema/strict",
        "/tools/0/strict",
        "/tools/0/function/strict",
    ];
    let found = [
        (Feature::StructuredOutput, schemas.into_iter().any(has)),
        (Feature::StrictSchema, stricts.into_iter().any(is_true)),
        (Feature::JsonMode, has("/response_format") && !has("/response_format/json_schema")),
        (Feature::Effort, efforts.into_iter().any(has)),
        (Feature::MaxTokens, wire == Wire::Chat && has("/max_tokens")),
        (Feature::StreamUsage, has("/stream_options")),
        (
            Feature::CacheMark,
            has("/prompt_cache_key") || content.is_some_and(|blocks| blocks.iter().any(marked)),
        ),
        (Feature::ServiceTier, has("/service_tier")),
        (Feature::Tools, has("/tools")),
        (Feature::Stream, is_true("/stream")),
    ];
    found.into_iter().filter_map(|(feature, present)| present.then_some(feature)).collect()
}

/// Which of the features sent the error speaks of, if any. The field that the server names counts before the words of
/// its message, the full name of a field before a single word. Generous: a review without a nicety is better than none.
fn unsupported(sent: &BTreeSet<Feature>, error: &VendorError) -> Option<Feature> {
    use Feature::{
        CacheMark, Effort, JsonMode, MaxTokens, ServiceTier, Stream, StreamUsage, StrictSchema,
        StructuredOutput, Tools,
    };
    const NAMES: [(&str, Feature); 39] = [
        ("cache_control", CacheMark),
        ("prompt_cache", CacheMark),
        ("cache_breakpoint", CacheMark),
        ("service_tier", ServiceTier),
        ("service tier", ServiceTier),
        ("output_config.effort", Effort),
        ("reasoning.effort", Effort),
        ("reasoning_effort", Effort),
        // Ollama, of a model that does not think, or not as hard.
        ("does not support thinking", Effort),
        ("think value", Effort),
        // OpenAI names the other field in its advice; a limit that is merely too high is spoken of without it.
        ("max_completion_tokens", MaxTokens),
        ("'strict'", StrictSchema),
        ("`strict`", StrictSchema),
        (".strict", StrictSchema),
        ("strict schema", StrictSchema),
        ("strict mode", StrictSchema),
        // A schema that is understood and found wrong may do when it is not read strictly.
        ("invalid schema", StrictSchema),
        ("output_config.format", StructuredOutput),
        ("text.format", StructuredOutput),
        ("response_format", StructuredOutput),
        ("response_format", JsonMode),
        ("response format", StructuredOutput),
        ("response format", JsonMode),
        ("json_object", JsonMode),
        ("json_schema", StructuredOutput),
        ("structured output", StructuredOutput),
        ("structured_output", StructuredOutput),
        ("stream_options", StreamUsage),
        ("tools", Tools),
        ("tool_choice", Tools),
        ("tool use", Tools),
        ("function call", Tools),
        ("encrypted_content", Tools),
        ("'stream'", Stream),
        ("`stream`", Stream),
        ("streaming", Stream),
        ("grammar", StructuredOutput),
        ("grammar", JsonMode),
        ("schema", StructuredOutput),
    ];
    // Words that other errors use too.
    const WORDS: [(&str, Feature); 9] = [
        ("effort", Effort),
        ("reasoning", Effort),
        ("strict", StrictSchema),
        // The whole object is not known: its parts go one after the other.
        ("output_config", Effort),
        ("output_config", StructuredOutput),
        ("output format", StructuredOutput),
        ("cache", CacheMark),
        ("tool", Tools),
        ("max_tokens", MaxTokens),
    ];
    let find = |text: &str, list: &[(&str, Feature)]| {
        let text = text.to_ascii_lowercase();
        list.iter()
            .find(|(name, feature)| sent.contains(feature) && text.contains(name))
            .map(|(_, feature)| *feature)
    };
    let by_param = find(&error.param, &NAMES).or_else(|| find(&error.param, &WORDS));
    let stream = error.param == "stream" || error.message.to_ascii_lowercase().starts_with("stream");
    let whole_stream = || (stream && sent.contains(&Stream)).then_some(Stream);
    let whole_text =
        || (error.param == "text" && sent.contains(&StructuredOutput)).then_some(StructuredOutput);
    by_param
        // `text.format.schema` is where both kinds of schema errors are: the message tells them apart.
        .filter(|feature| *feature != StructuredOutput)
        .or_else(|| find(&error.message, &NAMES))
        .or(by_param)
        .or_else(whole_text)
        .or_else(whole_stream)
        .or_else(|| find(&error.message, &WORDS))
}
