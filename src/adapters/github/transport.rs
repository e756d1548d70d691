//! One request out, one answer in. The only file that names octocrab.
//!
//! octocrab gives authentication, transport and connection reuse; its retries, redirects, models and caches
//! are not used (each of them has lost or doubled a write in trials, `docs/architecture.md`). Its base is set
//! to the bare origin and whole addresses are handed to it, because it prefixes the base's path to every
//! path that does not begin with it, which breaks redirects and GraphQL on GitHub Enterprise Server.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LINK, LOCATION};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use octocrab::{Octocrab, OctocrabBuilder};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::error::{At, Error, tidy};

/// The REST version whose shapes are expected.
const API_VERSION: &str = "2022-11-28";

/// The methods that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What is sent, wherever it goes.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) verb: Verb,
    pub(super) accept: &'static str,
    /// JSON, already written.
    pub(super) body: Option<String>,
    /// Most bytes of an answer that are read.
    pub(super) cap: usize,
}

/// What came back, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) verb: Verb,
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn at(&self) -> Box<At> {
        At::boxed(self.verb, self.url.path(), Some(&self.headers))
    }

    pub(super) fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn is_html(&self) -> bool {
        self.content_type().contains("html") || self.body.trim_ascii_start().starts_with(b"<")
    }

    pub(super) fn is_json(&self) -> bool {
        self.content_type().contains("json")
    }

    pub(super) fn link(&self) -> Option<&str> {
        self.headers.get(LINK)?.to_str().ok()
    }

    /// The address that a redirect names; absent when this is no redirect, or one to nowhere.
    pub(super) fn location(&self) -> Option<Url> {
        if !matches!(self.status.as_u16(), 301 | 302 | 307 | 308) {
            return None;
        }
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        self.url.join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
    }

    /// Reads the body as JSON, whatever its content type says.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let wrong = match serde_json::from_slice(&self.body) {
            Ok(value) => return Ok(value),
            Err(wrong) => wrong,
        };
        let got = if self.body.trim_ascii().is_empty() {
            "an empty body".to_owned()
        } else if self.is_html() {
            "an HTML page".to_owned()
        } else if wrong.is_eof() {
            // A body without a length ends where the connection does, so a cut one shows only here.
            return Err(Error::Cut { at: self.at(), sent: true, cause: "the JSON ends early".to_owned() });
        } else if wrong.is_data() {
            tidy(&format!("JSON of another shape ({wrong})"))
        } else {
            "something that is not JSON".to_owned()
        };
        Err(self.other_than("JSON", got))
    }

    pub(super) fn other_than(&self, wanted: &'static str, got: impl Into<String>) -> Error {
        Error::NotJson { at: self.at(), status: self.status.as_u16(), wanted, got: got.into() }
    }
}

/// Scheme, host and port: what must be equal before a token is sent.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Which of the two configured addresses a call is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Rest,
    Graphql,
}

/// The connections, and how many requests went out over them.
pub(super) struct Transport {
    /// Where paths begin, without a slash at the end.
    pub(super) api: Url,
    pub(super) graphql: Url,
    rest_client: Octocrab,
    graphql_client: Octocrab,
    /// For other origins: no token.
    stranger: Octocrab,
    calls: AtomicUsize,
}

impl Transport {
    pub(super) fn new(
        client: reqwest::Client,
        api_url: &str,
        graphql_url: &str,
        token: Option<SecretString>,
    ) -> anyhow::Result<Self> {
        if tokio::runtime::Handle::try_current().is_err() {
            bail!("the GitHub client has to be made inside a Tokio runtime"); // octocrab would panic
        }
        let api = address(api_url).context("GITHUB_API_URL")?;
        let graphql = address(graphql_url).context("GITHUB_GRAPHQL_URL")?;
        let token = token.map(checked).transpose()?.flatten();
        Ok(Self {
            rest_client: octocrab(client.clone(), &api, token.clone())?,
            graphql_client: octocrab(client.clone(), &graphql, token)?,
            stranger: octocrab(client, &api, None)?,
            api,
            graphql,
            calls: AtomicUsize::new(0),
        })
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Sends once and reads the whole answer, whatever its status, until `ends`. The token goes along only to
    /// the origin of the door.
    pub(super) async fn send(
        &self,
        door: Door,
        call: &Call,
        url: &Url,
        ends: Instant,
    ) -> Result<Answer, Error> {
        let at = || At::boxed(call.verb, url.path(), None);
        let began = Instant::now();
        if began >= ends {
            return Err(Error::TimedOut { at: at(), sent: false });
        }
        let (client, home) = match door {
            Door::Rest => (&self.rest_client, &self.api),
            Door::Graphql => (&self.graphql_client, &self.graphql),
        };
        let client = if same_origin(url, home) { client } else { &self.stranger };
        let request = http::Request::builder()
            .method(call.verb.as_str())
            .uri(url.as_str())
            .header(ACCEPT, call.accept)
            .header("x-github-api-version", API_VERSION);
        let request = match &call.body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.clone()),
            None => request.body(String::new()),
        };
        let request = request.map_err(|_| Error::BadUrl { text: tidy(url.path()) })?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let exchange = exchange(client, call, url, request);
        let ended = timeout_at(ends, exchange).await;
        let result = ended.unwrap_or_else(|_| Err(Error::TimedOut { at: at(), sent: true }));
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (method, path) = (call.verb.as_str(), url.path());
        match &result {
            Ok(answer) => tracing::debug!(method, path, status = answer.status.as_u16(), ms, "github"),
            Err(error) => tracing::debug!(method, path, ms, %error, "github"),
        }
        result
    }
}

async fn exchange(
    client: &Octocrab,
    call: &Call,
    url: &Url,
    request: http::Request<String>,
) -> Result<Answer, Error> {
    let response = client.execute(request).await.map_err(|error| broken(call, url, &error))?;
    let (parts, body) = response.into_parts();
    let at = || At::boxed(call.verb, url.path(), Some(&parts.headers));
    let body = match Limited::new(body, call.cap).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            let message = format!("its answer has more than {} MiB", call.cap / (1024 * 1024));
            return Err(Error::TooLarge { at: at(), message });
        }
        Err(error) => {
            let timed_out = error.downcast_ref::<octocrab::Error>().and_then(reqwest_error);
            return Err(if timed_out.is_some_and(reqwest::Error::is_timeout) {
                Error::TimedOut { at: at(), sent: true }
            } else {
                Error::Cut { at: at(), sent: true, cause: innermost(error.as_ref()) }
            });
        }
    };
    let (status, headers) = (parts.status, parts.headers);
    Ok(Answer { verb: call.verb, url: url.clone(), status, headers, body })
}

fn broken(call: &Call, url: &Url, error: &octocrab::Error) -> Error {
    let at = At::boxed(call.verb, url.path(), None);
    let source = reqwest_error(error);
    let sent = !source.is_some_and(|source| source.is_connect() || source.is_builder());
    if source.is_some_and(reqwest::Error::is_timeout) {
        Error::TimedOut { at, sent }
    } else {
        Error::Cut { at, sent, cause: innermost(error) }
    }
}

/// octocrab's own `Display` hides what happened; reqwest's error stands somewhere below it.
fn reqwest_error(error: &octocrab::Error) -> Option<&reqwest::Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The last reason of the chain, which names no address.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    tidy(&last.to_string())
}

fn octocrab(client: reqwest::Client, home: &Url, token: Option<SecretString>) -> anyhow::Result<Octocrab> {
    let origin = home.origin().ascii_serialization();
    // Both addresses must be ours: octocrab also sends the token to the host for uploads.
    let builder =
        OctocrabBuilder::new().base_uri(origin.as_str()).and_then(|b| b.upload_uri(origin.as_str()));
    let builder = builder.map_err(|_| anyhow!("{origin} is not an address"))?;
    let builder = match token {
        Some(token) => builder.personal_token(token),
        None => builder,
    };
    builder.build_with_reqwest(client).map_err(|error| anyhow!("{}", innermost(&error)))
}

/// An http or https address without anything that does not belong there, and without a slash at the end.
fn address(text: &str) -> anyhow::Result<Url> {
    let mut url = Url::parse(text.trim()).with_context(|| format!("`{}` is not an address", tidy(text)))?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
        bail!("expected an address such as https://api.github.com, without user or password");
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// A token without the line break that secrets often end in; none when nothing is left.
fn checked(token: SecretString) -> anyhow::Result<Option<SecretString>> {
    let text = token.expose_secret().trim();
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("the GitHub token holds a blank or a character that no token has: was it copied whole?");
    }
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}
