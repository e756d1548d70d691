//! How a call to GitHub fails, in the classes that callers branch on.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::transport::{Answer, Verb};

/// Longest piece of a server's own words that an error repeats, in characters.
const MESSAGE_MAX: usize = 400;

/// Longest wait that is believed, so that a mad header cannot overflow a clock.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// Which call an error speaks of. The query is left out: it may hold what nobody should read in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path as sent, without host and query.
    pub path: String,
    /// GitHub's `x-github-request-id`, which its support asks for.
    pub request_id: Option<String>,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        self.request_id.as_ref().map_or(Ok(()), |id| write!(f, " (request {id})"))
    }
}

/// What a 422 means for whoever wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A line or path is not part of the diff. All of a review is then refused, and GitHub does not say
    /// which comment it was.
    Anchor,
    /// The commit is not part of the pull request any more.
    CommitGone,
    /// We have a pending review, and there can be only one.
    Pending,
    /// Too many comments at once.
    TooQuick,
    /// A body is too long or empty.
    Body,
    /// Anything else.
    Other,
}

/// How a call ended without what was asked for. Displays as a lower-case fragment that begins with the
/// call; [`Error::advice`] says what to do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// 401: the token is missing, wrong or expired.
    #[error("{at}: GitHub did not accept the token")]
    Unauthorized {
        /// The call.
        at: Box<At>,
    },
    /// 403 that is not a limit: the token may not do this.
    #[error("{at}: GitHub refused: {message}")]
    Forbidden {
        /// The call.
        at: Box<At>,
        /// What `X-Accepted-GitHub-Permissions` says is needed, as sent (`pull_requests=write`).
        permission: Option<String>,
        /// GitHub's words.
        message: String,
    },
    /// 429, or a 403 whose headers or words tell of a primary or secondary rate limit.
    #[error("{at}: GitHub's rate limit was reached{}", told(*retry_after))]
    RateLimited {
        /// The call.
        at: Box<At>,
        /// How long to wait, when GitHub said.
        retry_after: Option<Duration>,
    },
    /// 404 or 410. GitHub says so too where a token may not even know that something exists.
    #[error("{at}: GitHub knows no such thing, or does not show it to this token")]
    NotFound {
        /// The call.
        at: Box<At>,
    },
    /// 406 for a diff over GitHub's limits (300 files, 20,000 lines), or one over ours.
    #[error("{at}: the diff is too large to be sent whole: {message}")]
    TooLarge {
        /// The call.
        at: Box<At>,
        /// GitHub's words.
        message: String,
    },
    /// 422: understood and refused. Nothing was written.
    #[error("{at}: GitHub rejected the request: {message}")]
    Rejected {
        /// The call.
        at: Box<At>,
        /// What that means.
        kind: Rejection,
        /// GitHub's words, all of them on one line.
        message: String,
    },
    /// 5xx.
    #[error("{at}: GitHub answered with an error of its own ({status})")]
    Server {
        /// The call.
        at: Box<At>,
        /// The status.
        status: u16,
    },
    /// Any other status.
    #[error("{at}: unexpected status {status}: {message}")]
    Refused {
        /// The call.
        at: Box<At>,
        /// The status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The answer is not what was asked for: an HTML page, an empty body, JSON of another shape.
    #[error("{at}: {wanted} was expected, {got} came (status {status})")]
    NotJson {
        /// The call.
        at: Box<At>,
        /// The status.
        status: u16,
        /// `JSON` or `a diff`.
        wanted: &'static str,
        /// What came instead, such as `an HTML page`.
        got: String,
    },
    /// The connection could not be made or broke.
    #[error("{at}: the connection {}: {cause}", if *sent { "broke" } else { "could not be made" })]
    Cut {
        /// The call.
        at: Box<At>,
        /// Whether the request may have reached the server.
        sent: bool,
        /// The innermost reason.
        cause: String,
    },
    /// No whole answer in time.
    #[error("{at}: no whole answer came in time")]
    TimedOut {
        /// The call.
        at: Box<At>,
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// A redirect that is not followed: a write to elsewhere, too many, or from https to http.
    #[error("{at}: the server points to {to} instead (status {status}), and that is not followed")]
    Moved {
        /// The call.
        at: Box<At>,
        /// The status.
        status: u16,
        /// Where it points, without query.
        to: String,
    },
    /// A path that was asked for as a file is none that can be read.
    #[error("{at}: {what}")]
    NotAFile {
        /// The call.
        at: Box<At>,
        /// A fragment such as `this is a directory`.
        what: String,
    },
    /// No address can be made of this.
    #[error("`{text}` cannot be part of an address")]
    BadUrl {
        /// The piece in question.
        text: String,
    },
}

impl Error {
    /// Whether a write that ended like this may have been carried out all the same, so that one has to look
    /// before writing again. GitHub has answered 502 to reviews that it posted.
    #[must_use]
    pub const fn may_have_happened(&self) -> bool {
        match self {
            Self::Cut { sent, .. } | Self::TimedOut { sent, .. } => *sent,
            Self::Server { .. } => true,
            Self::NotJson { status, .. } => *status < 300,
            _ => false,
        }
    }

    /// What the reader can do about it, as a fragment; absent where there is nothing but trying again later.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let fixed = match self {
            Self::Unauthorized { .. } => {
                "check that the token is whole and not expired; in a workflow the input `github-token` is best \
                 left at its default"
            }
            Self::Forbidden { permission: Some(needed), .. } => return Some(grant(needed)),
            Self::Forbidden { .. } => {
                "give the token more rights: `contents: read`, `pull-requests: write` and `checks: write` under \
                 `permissions:` in the workflow; pull requests from forks and Dependabot always get a \
                 read-only token"
            }
            Self::RateLimited { retry_after: Some(wait), .. } => {
                return Some(format!("run again in {} s", wait.as_secs().max(1)));
            }
            Self::RateLimited { .. } => "run again in a few minutes",
            Self::NotFound { .. } => {
                "check the name and number, and that the token may see the repository (`contents: read`)"
            }
            Self::NotJson { .. } | Self::Moved { .. } => {
                "check GITHUB_API_URL and any proxy in between; GitHub's own address is https://api.github.com"
            }
            Self::Cut { sent: false, .. } => "check the network, HTTPS_PROXY and GITHUB_API_URL",
            _ => return None,
        };
        Some(fixed.to_owned())
    }

    /// The error that an answer's status tells of; absent for 2xx.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let status = answer.status;
        if status.is_success() {
            return None;
        }
        let at = answer.at();
        let code = status.as_u16();
        if status.is_server_error() {
            return Some(Self::Server { at, status: code });
        }
        // A proxy's page must not be taken for GitHub's word about rights or existence.
        if answer.is_html() {
            let got = "an HTML page".to_owned();
            return Some(Self::NotJson { at, status: code, wanted: "JSON", got });
        }
        let said = Said::of(&answer.body);
        let limited = said.tells_of_a_limit() || has_limit_headers(&answer.headers);
        Some(match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized { at },
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited { at, retry_after: wait(&answer.headers) },
            StatusCode::FORBIDDEN if limited => Self::RateLimited { at, retry_after: wait(&answer.headers) },
            StatusCode::FORBIDDEN => {
                let permission = text_header(&answer.headers, "x-accepted-github-permissions");
                Self::Forbidden { at, permission, message: said.message() }
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::NotFound { at },
            StatusCode::NOT_ACCEPTABLE => Self::TooLarge { at, message: said.message() },
            StatusCode::UNPROCESSABLE_ENTITY => {
                Self::Rejected { at, kind: said.rejection(), message: said.message() }
            }
            _ => Self::Refused { at, status: code, message: said.message() },
        })
    }
}

/// `pull_requests=write` in the words of a workflow. GitHub joins with a comma what is needed together and
/// with a semicolon what is enough alone.
fn grant(needed: &str) -> String {
    let one = |pair: &str| {
        let (name, level) = pair.trim().split_once('=').unwrap_or((pair.trim(), "write"));
        format!("`{}: {level}`", name.replace('_', "-"))
    };
    let all = |set: &str| set.split(',').map(one).collect::<Vec<_>>().join(" and ");
    let ways = needed.split(';').map(all).collect::<Vec<_>>().join(" or ");
    format!(
        "give the token {ways} (under `permissions:` in the workflow); pull requests from forks and Dependabot \
         always get a read-only token"
    )
}

fn told(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(" (it asks to wait {} s)", wait.as_secs()))
}

/// What GitHub's JSON says about a failure: a message and details, as strings or as objects.
struct Said {
    lines: Vec<String>,
}

#[derive(Deserialize)]
struct Refusal {
    message: Option<Value>,
    errors: Option<Value>,
}

impl Said {
    fn of(body: &[u8]) -> Self {
        let mut lines = Vec::new();
        match serde_json::from_slice::<Refusal>(body) {
            Ok(refusal) => {
                lines.extend(refusal.message.as_ref().and_then(Value::as_str).map(str::to_owned));
                match refusal.errors {
                    Some(Value::Array(errors)) => lines.extend(errors.iter().map(detail)),
                    Some(Value::Null) | None => {}
                    Some(other) => lines.push(detail(&other)),
                }
            }
            Err(_) => lines.push(String::from_utf8_lossy(body).into_owned()),
        }
        lines.retain(|line| !line.trim().is_empty());
        Self { lines }
    }

    /// On one line, without control characters, cut where it is long.
    fn message(&self) -> String {
        let message = tidy(&self.lines.join("; "));
        if message.is_empty() { "it gave no reason".to_owned() } else { message }
    }

    fn tells_of_a_limit(&self) -> bool {
        self.lines.iter().any(|line| {
            let line = line.to_ascii_lowercase();
            line.contains("rate limit") || line.contains("abuse detection")
        })
    }

    /// The order matters: a commit that is gone and a pending review make every anchor fail as well, and
    /// "too quickly" comes in the words of a wrong thread.
    fn rejection(&self) -> Rejection {
        let text = self.lines.join("\n").to_ascii_lowercase().replace('’', "'");
        let any = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
        if any(&["pending review"]) {
            Rejection::Pending
        } else if any(&["submitted too quickly", "review comments is invalid and review threads is invalid"])
        {
            Rejection::TooQuick
        } else if any(&["not part of the pull request", "no commit found for sha", "field commit_id"]) {
            Rejection::CommitGone
        } else if any(&[
            "part of the diff",
            "diff hunk can't be blank",
            "part of the same hunk",
            "review_thread.line",
            "review_thread.start_line",
            "review_thread.side",
            "review_thread.path",
            "review_thread.position",
            "review_thread.diff_hunk",
            "could not be resolved",
        ]) {
            Rejection::Anchor
        } else if any(&[
            "body is too long",
            "body is too short",
            "body can't be blank",
            "body cannot be blank",
        ]) {
            Rejection::Body
        } else {
            Rejection::Other
        }
    }
}

/// One entry of `errors`: a string, or an object whose fields say where and what.
fn detail(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    match (error.as_str(), text("message"), text("field"), text("code")) {
        (Some(text), ..) => text.to_owned(),
        (None, Some(message), Some(field), _) if !message.contains(field) => {
            format!("field {field}: {message}")
        }
        (None, Some(message), ..) => message.to_owned(),
        (None, None, Some(field), code) => format!("field {field}: {}", code.unwrap_or("invalid")),
        (None, None, None, code) => code.unwrap_or_default().to_owned(),
    }
}

/// A server's words on one line, without control characters, at most 400 characters.
pub(super) fn tidy(text: &str) -> String {
    let mut words = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    match words.char_indices().nth(MESSAGE_MAX) {
        Some((cut, _)) => format!("{}…", words.get(..cut).unwrap_or_default()),
        None => words,
    }
}

/// A header as text, when it is there and is text.
pub(super) fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| tidy(text))
}

fn has_limit_headers(headers: &HeaderMap) -> bool {
    headers.contains_key("retry-after")
        || text_header(headers, "x-ratelimit-remaining").is_some_and(|left| left == "0")
}

/// How long a limited answer asks to wait: `Retry-After` in seconds or as a date, else until
/// `x-ratelimit-reset` where nothing remains. Dates are measured by the server's own clock when it shows one.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let now = || {
        let date = text_header(headers, "date").and_then(|date| httpdate::parse_http_date(&date).ok());
        date.unwrap_or_else(SystemTime::now)
    };
    let until = |moment: SystemTime| moment.duration_since(now()).unwrap_or_default();
    let wait = match text_header(headers, "retry-after") {
        Some(text) => match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => until(httpdate::parse_http_date(&text).ok()?),
        },
        None => {
            text_header(headers, "x-ratelimit-remaining").filter(|left| left == "0")?;
            let reset: u64 = text_header(headers, "x-ratelimit-reset")?.parse().ok()?;
            // The reset is cut to whole seconds: without one more the next call may come too early.
            let reset = Duration::from_secs(reset).checked_add(Duration::from_secs(1))?;
            until(SystemTime::UNIX_EPOCH.checked_add(reset)?)
        }
    };
    Some(wait.min(WAIT_MAX))
}

impl At {
    pub(super) fn boxed(verb: Verb, path: &str, headers: Option<&HeaderMap>) -> Box<Self> {
        let request_id = headers.and_then(|headers| text_header(headers, "x-github-request-id"));
        Box::new(Self { method: verb.as_str(), path: path.to_owned(), request_id })
    }
}
