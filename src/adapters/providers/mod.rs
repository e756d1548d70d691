//! The model providers: one request, one typed answer. Retries, deadlines and money are the caller's.
//!
//! Wire formats are hand-written: what a budgeted reviewer needs (raw usage, retry headers, request ids, stop reasons)
//! is what client libraries hide, and their closed enums break on values that servers add.

mod anthropic;
mod chat;
mod echo;
mod endpoint;
mod openai;
mod probe;
mod rejection;
mod silence;
pub mod sse;
mod talk;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use crate::adapters::http::{Capped, one_line, read_capped, reason};
use crate::domain::lane::{Effort, Wire};
use crate::domain::pass::{Feature, Prompt, Usage};
use crate::domain::reply::REPLY_SCHEMA;
use crate::domain::tools::Call;
pub(super) use chat::dollars;
pub(super) use echo::without_prompt;
pub(super) use endpoint::usual_base;
pub use endpoint::{Endpoint, base_variable};
pub use probe::probe;
pub(super) use rejection::by_program;
use rejection::{Told, VendorError};
use silence::Silence;
pub use silence::Waiting;
pub use talk::{Talk, Turn};

/// The most bytes an answer may have: far above what 128k output tokens can fill.
const ANSWER_LIMIT: usize = 16 << 20;

/// The most bytes an error may have; a longer one is an error without words.
const ERROR_LIMIT: usize = 256 << 10;

/// The name that the reply's schema goes by on the wire.
const SCHEMA_NAME: &str = "counterpoint_reply";

/// What a model is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The model's name on the wire.
    pub model: &'a str,
    /// How hard it thinks.
    pub effort: Effort,
    /// The text. Empty parts are left out.
    pub prompt: &'a Prompt,
    /// The most output tokens, thinking included. Without a stream, Anthropic's SDK takes at most 21 333.
    pub max_output: u32,
    /// Optional features to leave out, because the server would not take them.
    pub without: &'a BTreeSet<Feature>,
    /// Whether a later pass will read `prompt.shared` again: writing a cache costs a quarter more.
    pub mark_cache: bool,
    /// What cached text is filed under (OpenAI).
    pub cache_key: &'a str,
    /// The tools that the model may use, and what it did with them so far; none where it has none.
    pub talk: Option<Talk<'a>>,
}

impl Request<'_> {
    fn sends(&self, feature: Feature) -> bool {
        !self.without.contains(&feature)
    }

    /// The task, with the reply's schema in words where nothing else holds the answer to it.
    fn task(&self) -> Cow<'_, str> {
        let task = self.prompt.task.as_str();
        if task.is_empty() || self.sends(Feature::StructuredOutput) {
            return Cow::Borrowed(task);
        }
        // On one line: its white space would be paid for.
        let schema: Value = serde_json::from_str(REPLY_SCHEMA).unwrap_or_default();
        Cow::Owned(format!("{task}\n\nAnswer with JSON of this schema and nothing else:\n{schema}"))
    }

    /// The conversation with tools, unless the server would not take them.
    fn talk(&self) -> Option<Talk<'_>> {
        self.talk.filter(|_| self.sends(Feature::Tools))
    }
}

/// The JSON body, byte for byte as it is sent: its length bounds the input.
#[must_use]
pub fn body(wire: Wire, request: &Request<'_>) -> Vec<u8> {
    let body = match wire {
        Wire::Messages => anthropic::body(request),
        Wire::Responses => openai::body(request),
        Wire::Chat => chat::body(request),
    };
    body.to_string().into_bytes()
}

/// One request and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended.
    pub end: AttemptEnd,
    /// The provider's id of the request, for its support.
    pub request_id: Option<String>,
    /// What is known of its cost.
    pub billing: Billing,
    /// From sending it to the first byte of the answer's body.
    pub first_byte: Option<Duration>,
}

/// How one request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The model answered.
    Answer {
        /// All text of the answer; may be empty.
        text: String,
        /// Why it ended there.
        stop: Stop,
        /// The model as the provider named it.
        model: Option<String>,
    },
    /// The provider answered with an error.
    Rejected {
        /// The HTTP status; the one that belongs to the error when it came inside a 200.
        status: u16,
        /// Whether the same request may succeed later.
        retry: Retry,
        /// The optional feature the server would not take, sent in this request. Asking without it may succeed.
        unsupported: Option<Feature>,
        /// What happened, on one line: our words, then the provider's.
        why: String,
        /// What a person can do; given whenever `retry` is `Never` and nothing is `unsupported`.
        advice: Option<String>,
        /// Whether another model of the same provider may do.
        by_model: bool,
    },
    /// No answer that can be read.
    Broken {
        /// What happened, on one line.
        why: String,
        /// Whether the request may have reached the provider.
        sent: bool,
    },
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model had said all; also any reason we do not know.
    Complete,
    /// The output limit or the context window cut it.
    Truncated,
    /// The model would not answer.
    Refused {
        /// The provider's word for why, when it gave one.
        category: Option<String>,
    },
    /// The model wants to use tools before it goes on.
    Calls {
        /// The whole answer, in the shape of its wire.
        said: Value,
        /// At least one call.
        calls: Vec<Call>,
    },
}

/// Whether to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot help.
    Never,
    /// It may help, after the wait the provider named, else after one of the caller's choice.
    After(Option<Duration>),
}

/// What is known of a request's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// It never arrived, or ended in a complete error: nothing to pay.
    None,
    /// The provider counted these tokens.
    Used(Usage),
    /// It may have been worked on, and nobody told how much: to be settled at its reservation.
    Unknown,
}

impl Billing {
    /// The tokens, when the provider told.
    #[must_use]
    pub const fn usage(self) -> Option<Usage> {
        match self {
            Self::Used(usage) => Some(usage),
            Self::None | Self::Unknown => None,
        }
    }
}

/// Sends one request, and never a second one. It has no time limit of its own but the server's silence: the caller drops
/// it at the deadline (and then owes its reservation).
pub async fn send(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    body: Vec<u8>,
    waiting: &Waiting<'_>,
) -> Attempt {
    let host = endpoint.host();
    let broken = |why: String, sent: bool| Attempt {
        end: AttemptEnd::Broken { why, sent },
        request_id: None,
        billing: if sent { Billing::Unknown } else { Billing::None },
        first_byte: None,
    };
    let Some((url, headers, body)) = endpoint.request(body, SystemTime::now()) else {
        return broken(format!("{} cannot be sent in a header", endpoint.called().key), false);
    };
    let request = http.post(url).headers(headers).body(body.clone());
    let mut silence = Silence::begin(waiting.patience);
    let response = match silence.within(request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if error.is_connect() || error.is_builder() => {
            return broken(format!("no connection to {host}: {}", reason(&error)), false);
        }
        Ok(Err(error)) => return broken(format!("no answer from {host}: {}", reason(&error)), true),
        Err(silent) => return broken(format!("{host} was silent for {silent}"), true),
    };
    let status = response.status();
    let headers = response.headers().clone();
    let mut attempt = if status.is_success() {
        answered(endpoint, &body, response, &mut silence, waiting.heard).await
    } else {
        rejected(endpoint, &body, status, response, &mut silence).await
    };
    let known = ["request-id", "x-request-id"].into_iter().find_map(|name| headers.get(name));
    if let Some(id) =
        known.and_then(|id| id.to_str().ok()).map(|id| one_line(id, 100)).filter(|id| !id.is_empty())
    {
        attempt.request_id = Some(id);
    }
    attempt.first_byte = silence.first_byte;
    attempt.without_keys(endpoint)
}

impl Attempt {
    /// A server knows the key and may say it anywhere; all that it says may be shown.
    fn without_keys(mut self, endpoint: &Endpoint) -> Self {
        let mut said = vec![&mut self.request_id];
        if let AttemptEnd::Answer { text, stop, model } = &mut self.end {
            *text = endpoint.without_keys(text);
            said.push(model);
            if let Stop::Refused { category } = stop {
                said.push(category);
            }
        }
        said.into_iter().flatten().for_each(|words| *words = endpoint.without_keys(words));
        self
    }
}

/// An HTTP error: classified by status, headers and the vendor's words, as far as they can be read.
async fn rejected(
    endpoint: &Endpoint,
    body: &[u8],
    status: StatusCode,
    response: reqwest::Response,
    silence: &mut Silence,
) -> Attempt {
    let headers = response.headers().clone();
    let read = silence.within(read_capped(response, ERROR_LIMIT)).await.ok().and_then(Result::ok);
    // Bad gateways and time-outs tell nothing of what happened behind them.
    let settled = status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
        || status.is_redirection()
        || matches!(status.as_u16(), 500 | 503 | 529);
    let settled = settled && read.is_some();
    let error = read.map(|bytes| VendorError::from_body(&bytes)).unwrap_or_default();
    // A server error in words that are not the vendor's comes from something in between, which knows no bill.
    let settled = settled && (!status.is_server_error() || error.is_told());
    let billing = if settled { Billing::None } else { Billing::Unknown };
    let told = Told::Status { headers: &headers, now: SystemTime::now() };
    Attempt {
        request_id: error.request_id.clone(),
        end: rejection::classify(endpoint, body, status.as_u16(), told, &error),
        billing,
        first_byte: None,
    }
}

/// A success: one JSON object or a stream of events, whatever was asked for.
async fn answered(
    endpoint: &Endpoint,
    body: &[u8],
    response: reqwest::Response,
    silence: &mut Silence,
    heard: &(dyn Fn(usize) + Sync),
) -> Attempt {
    let declared = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let stream_declared = declared.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"));
    let host = endpoint.host();
    let broken = |why: String| Attempt {
        end: AttemptEnd::Broken { why, sent: true },
        request_id: None,
        billing: Billing::Unknown,
        first_byte: None,
    };
    let mut reader = Capped::new(response, ANSWER_LIMIT);
    let mut raw = Vec::new();
    let mut stream: Option<Stream> = None;
    let mut message = None;
    // A stream is left at its last event: some servers keep the connection open after it.
    while message.is_none() {
        let chunk = match silence.within(reader.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return broken(format!("{host}: {error}")),
            Err(silent) => {
                // Some servers have said all and do not say so.
                message = stream.take().and_then(Stream::finish);
                match message {
                    Some(_) => break,
                    None => return broken(format!("{host} was silent for {silent}")),
                }
            }
        };
        silence.broken();
        if let Some(stream) = &mut stream {
            message = stream.push(&chunk);
            heard(stream.assembly.written());
            continue;
        }
        raw.extend_from_slice(&chunk);
        if shape(&raw, stream_declared) == Shape::Stream {
            let mut begun = Stream::new(endpoint.wire());
            message = begun.push(&raw);
            stream = Some(begun);
        }
    }
    if let (None, Some(stream)) = (&message, stream.take()) {
        message = stream.finish();
        if message.is_none() {
            return broken(format!("the stream from {host} ended before the answer did"));
        }
    }
    let message = match message.or_else(|| serde_json::from_slice(without_mark(&raw)).ok()) {
        Some(message) => message,
        None => return broken(unreadable(&host, &raw, stream_declared)),
    };
    finished(endpoint, body, &message)
}

/// Turns a whole message into an attempt.
fn finished(endpoint: &Endpoint, body: &[u8], message: &Value) -> Attempt {
    let Reading { parsed, usage } = match endpoint.wire() {
        Wire::Messages => anthropic::read(message),
        Wire::Responses => openai::read(message),
        Wire::Chat => chat::read(message),
    };
    let has_text = matches!(&parsed, Parsed::Answer { text, .. } if !text.is_empty());
    // A prompt has tokens, and so has text: a count of zero is a server that does not count.
    let usage = usage.filter(|usage| usage.total_input() > 0 && (usage.output > 0 || !has_text));
    // Of a dearer tier than was asked for, the prices are not known.
    let dearer = ["priority", "fast", "ultrafast"];
    let tier = message.get("service_tier").and_then(Value::as_str);
    let usage = usage.filter(|_| !tier.is_some_and(|tier| dearer.contains(&tier)));
    let end = match parsed {
        Parsed::Answer { text, stop, model } => AttemptEnd::Answer { text, stop, model },
        Parsed::Error(error) => rejection::classify(endpoint, body, error.status(), Told::InAnswer, &error),
        Parsed::Odd(why) => AttemptEnd::Broken { why: format!("{}: {why}", endpoint.host()), sent: true },
    };
    Attempt {
        end,
        request_id: word(message.get("request_id")),
        billing: usage.map_or(Billing::Unknown, Billing::Used),
        first_byte: None,
    }
}

fn unreadable(host: &str, raw: &[u8], stream_declared: bool) -> String {
    match shape(raw, stream_declared) {
        Shape::Html => format!(
            "{host} answered with an HTML page instead of JSON: is a proxy or a login page in between?"
        ),
        Shape::Json => format!("{host} answered with JSON that is not complete"),
        Shape::Undecided if raw.iter().all(u8::is_ascii_whitespace) => format!("{host} gave an empty answer"),
        _ => format!("{host} answered with something that is neither JSON nor an event stream"),
    }
}

/// What an answer begins like. Content types are not to be trusted: proxies rewrite them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Too little has arrived.
    Undecided,
    Json,
    Stream,
    Html,
    Other,
}

fn shape(raw: &[u8], stream_declared: bool) -> Shape {
    const FIELDS: [&[u8]; 5] = [b"event:", b"data:", b"id:", b"retry:", b":"];
    let begin = without_mark(raw).trim_ascii_start();
    match begin.first() {
        Some(b'{') => Shape::Json,
        Some(b'<') => Shape::Html,
        _ if FIELDS.iter().any(|field| begin.starts_with(field)) => Shape::Stream,
        _ if FIELDS.iter().any(|field| field.starts_with(begin)) => Shape::Undecided,
        _ if stream_declared => Shape::Stream,
        _ => Shape::Other,
    }
}

/// Without a UTF-8 byte order mark, or the part of one that has arrived.
fn without_mark(raw: &[u8]) -> &[u8] {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if MARK.starts_with(raw) { &[] } else { raw.strip_prefix(MARK).unwrap_or(raw) }
}

/// A stream being read.
struct Stream {
    parser: sse::Parser,
    assembly: Box<dyn Assemble + Send>,
}

/// Puts a vendor's events together.
trait Assemble {
    /// The whole message in the shape of an unstreamed one, once `event` completes it.
    fn event(&mut self, event: &sse::Event) -> Option<Value>;

    /// Bytes of the answer's text so far.
    fn written(&self) -> usize;

    /// The same when the stream ends without an event that says so; nothing if the answer was not complete.
    fn ended(&mut self) -> Option<Value> {
        None
    }
}

impl Stream {
    fn new(wire: Wire) -> Self {
        let assembly: Box<dyn Assemble + Send> = match wire {
            Wire::Messages => Box::new(anthropic::Stream::default()),
            Wire::Responses => Box::new(openai::Stream::default()),
            Wire::Chat => Box::new(chat::Stream::default()),
        };
        Self { parser: sse::Parser::default(), assembly }
    }

    fn push(&mut self, bytes: &[u8]) -> Option<Value> {
        self.parser.push(bytes).iter().find_map(|event| self.assembly.event(event))
    }

    fn finish(mut self) -> Option<Value> {
        let last = self.parser.finish().and_then(|event| self.assembly.event(&event));
        last.or_else(|| self.assembly.ended())
    }
}

/// A whole message, read.
struct Reading {
    parsed: Parsed,
    /// Tokens as told; not yet judged.
    usage: Option<Usage>,
}

enum Parsed {
    Answer { text: String, stop: Stop, model: Option<String> },
    Error(VendorError),
    Odd(String),
}

/// A number of tokens. Anything but a natural number is no count.
fn count(value: Option<&Value>) -> Option<u64> {
    value?.as_u64()
}

/// As [`count`], where absent and null are zero.
fn optional_count(value: Option<&Value>) -> Option<u64> {
    value.filter(|value| !value.is_null()).map_or(Some(0), Value::as_u64)
}

/// A vendor's identifier, as it may stand in logs and tables: one line, at most 100 characters, not empty.
fn word(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(|text| one_line(text, 100)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
