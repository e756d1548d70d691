//! Every request in the order of its arrival, and ways to wait for one without sleeping.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::http::Call;

/// How long a test waits for something before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One request and how it ended.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Since the world began.
    pub at: Duration,
    pub method: String,
    /// GitHub's REST paths without `/api`; `/graphql`, `/anthropic/…` and `/openai/…` as sent.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// None while unanswered, and for ever if the client went away first.
    pub status: Option<u16>,
    pub took: Option<Duration>,
}

impl Exchange {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let pair = self.headers.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// Method and path with the query, as one reads them in a log.
    pub fn line(&self) -> String {
        let query: Vec<_> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        match query.is_empty() {
            true => format!("{} {}", self.method, self.path),
            false => format!("{} {}?{}", self.method, self.path, query.join("&")),
        }
    }

    /// Whether a pattern such as `POST /repos/*/reviews` names this request.
    pub fn matches(&self, pattern: &str) -> bool {
        matches(pattern, &self.method, &self.path)
    }
}

/// A pattern is a method and a path; `*` stands for any text, also across slashes.
pub fn matches(pattern: &str, method: &str, path: &str) -> bool {
    glob(pattern, &format!("{method} {path}"))
}

fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.into_iter().any(|at| text.get(at..).is_some_and(|tail| glob(rest, tail)))
}

/// The log of a world.
pub struct Log {
    started: Instant,
    exchanges: Mutex<Vec<Exchange>>,
    arrivals: watch::Sender<usize>,
}

impl Log {
    pub fn new() -> Self {
        Self { started: Instant::now(), exchanges: Mutex::new(Vec::new()), arrivals: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn all(&self) -> Vec<Exchange> {
        self.lock().clone()
    }

    pub fn matching(&self, pattern: &str) -> Vec<Exchange> {
        self.lock().iter().filter(|exchange| exchange.matches(pattern)).cloned().collect()
    }

    /// Notes an arrival. The visit marks the end of it when it is dropped, however the request ended.
    pub fn arrive(self: &Arc<Self>, call: &Call) -> Visit {
        let headers = call.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let mut exchanges = self.lock();
        exchanges.push(Exchange {
            at: self.started.elapsed(),
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers: headers.collect(),
            body: call.body.clone(),
            status: None,
            took: None,
        });
        let count = exchanges.len();
        drop(exchanges);
        self.arrivals.send_replace(count);
        Visit { log: self.clone(), index: count - 1, status: None }
    }

    /// Waits until `count` requests that match have arrived. False when patience ran out.
    pub async fn wait_for(&self, pattern: &str, count: usize) -> bool {
        let mut arrivals = self.arrivals.subscribe();
        let enough = async {
            while self.matching(pattern).len() < count {
                if arrivals.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.is_ok()
    }

    /// The most requests of this kind that were open at one moment.
    pub fn max_in_flight(&self, pattern: &str) -> usize {
        let exchanges = self.matching(pattern);
        let open_at = |moment: Duration| {
            let open = |e: &&Exchange| e.at <= moment && e.took.is_none_or(|took| e.at + took > moment);
            exchanges.iter().filter(open).count()
        };
        exchanges.iter().map(|exchange| open_at(exchange.at)).max().unwrap_or(0)
    }
}

/// One request while it is being answered.
pub struct Visit {
    log: Arc<Log>,
    index: usize,
    status: Option<u16>,
}

impl Visit {
    pub fn answered(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let now = self.log.started.elapsed();
        if let Some(exchange) = self.log.lock().get_mut(self.index) {
            exchange.status = self.status;
            exchange.took = Some(now.saturating_sub(exchange.at));
        }
    }
}
