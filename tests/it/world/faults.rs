//! What goes wrong on purpose: which request, which time, and how.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use super::World;
use super::http::Outgoing;
use super::log::{self, PATIENCE};

/// Something to do when a request arrives, before it is answered.
pub type Hook = Arc<dyn Fn(&World) + Send + Sync>;

/// One way to answer badly.
#[derive(Clone)]
pub enum Fault {
    /// This answer instead of the real one, and nothing is changed.
    Answer(Outgoing),
    /// The change is made, and then this happens all the same.
    AfterCommit(Box<Fault>),
    /// The real answer, of which half arrives.
    Cut,
    /// No answer at all.
    Hang,
    /// The real answer, later.
    Delay(Duration),
    /// The real answer, when the test opens the gate.
    Hold(Gate),
    /// The real answer, after something else happened.
    Meanwhile(Hook),
}

impl Fault {
    /// A status with GitHub's usual error body.
    pub fn status(status: u16) -> Self {
        let message = match status {
            401 => "Bad credentials",
            403 => "Resource not accessible by integration",
            404 => "Not Found",
            410 => "This resource is gone",
            _ => "Server Error",
        };
        Self::Answer(Outgoing::error(status, message))
    }

    /// A proxy's page with a success status.
    pub fn html() -> Self {
        let page = "<!DOCTYPE html><html><body><h1>Unicorn!</h1></body></html>";
        Self::Answer(Outgoing::bytes(200, "text/html; charset=utf-8", page))
    }

    /// A success that is called JSON and is not.
    pub fn garbage() -> Self {
        Self::Answer(Outgoing::bytes(200, "application/json; charset=utf-8", "{\"id\": 1, \"body\": \"unfin"))
    }

    /// The limit on writing too fast, which looks like a refusal but for its message and header.
    pub fn secondary_limit(retry_after: Option<u64>) -> Self {
        let message =
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        Self::limit(403, message, retry_after)
    }

    pub fn too_many_requests(retry_after: Option<u64>) -> Self {
        Self::limit(429, "Too many requests", retry_after)
    }

    /// The hourly limit: nothing remains until the reset.
    pub fn primary_limit(reset: u64) -> Self {
        let message = "API rate limit exceeded for installation ID 1.";
        let answer = Outgoing::error(403, message).header("x-ratelimit-remaining", "0");
        Self::Answer(answer.header("x-ratelimit-reset", reset.to_string()))
    }

    fn limit(status: u16, message: &str, retry_after: Option<u64>) -> Self {
        let answer = Outgoing::error(status, message);
        Self::Answer(match retry_after {
            Some(seconds) => answer.header("retry-after", seconds.to_string()),
            None => answer,
        })
    }

    /// GitHub's 422 with a list of sentences.
    pub fn unprocessable(errors: &[&str]) -> Self {
        Self::Answer(Outgoing::unprocessable("Unprocessable Entity", &json!(errors)))
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::Answer(Outgoing::error(status, "Moved Permanently").header("location", location))
    }

    pub fn after_commit(self) -> Self {
        Self::AfterCommit(Box::new(self))
    }
}

#[derive(Clone, Copy, Debug)]
pub enum When {
    Always,
    /// Only this time, counted from 1.
    Nth(usize),
    /// This time and every time after.
    From(usize),
}

/// A fault and the requests it meets.
pub struct Rule {
    pub pattern: String,
    pub when: When,
    pub fault: Fault,
    pub seen: usize,
    pub fired: usize,
}

impl Rule {
    /// Counts a request and returns the fault if it is one of those to be met.
    pub fn meets(&mut self, method: &str, path: &str) -> Option<Fault> {
        if !log::matches(&self.pattern, method, path) {
            return None;
        }
        self.seen += 1;
        let fires = match self.when {
            When::Always => true,
            When::Nth(n) => self.seen == n,
            When::From(n) => self.seen >= n,
        };
        self.fired += usize::from(fires);
        fires.then(|| self.fault.clone())
    }
}

/// The beginning of a sentence: `world.on("POST */reviews").once().answer(Fault::status(502))`.
pub struct On<'a> {
    pub(super) world: &'a World,
    pub(super) pattern: String,
    pub(super) when: When,
}

impl On<'_> {
    /// The first time only.
    pub fn once(self) -> Self {
        self.nth(1)
    }

    pub fn nth(mut self, n: usize) -> Self {
        self.when = When::Nth(n);
        self
    }

    pub fn from(mut self, n: usize) -> Self {
        self.when = When::From(n);
        self
    }

    pub fn answer(self, fault: Fault) {
        self.world.add_rule(Rule { pattern: self.pattern, when: self.when, fault, seen: 0, fired: 0 });
    }

    pub fn hang(self) {
        self.answer(Fault::Hang);
    }

    pub fn cut(self) {
        self.answer(Fault::Cut);
    }

    pub fn delay(self, time: Duration) {
        self.answer(Fault::Delay(time));
    }

    /// Keeps the answer back until the gate is opened.
    pub fn hold(self) -> Gate {
        let gate = Gate::new();
        self.answer(Fault::Hold(gate.clone()));
        gate
    }

    /// Lets something else happen in the world before the answer.
    pub fn meanwhile(self, hook: impl Fn(&World) + Send + Sync + 'static) {
        self.answer(Fault::Meanwhile(Arc::new(hook)));
    }
}

/// A closed door: the test learns when somebody stands before it, and opens it.
#[derive(Clone)]
pub struct Gate {
    reached: Arc<watch::Sender<bool>>,
    open: Arc<watch::Sender<bool>>,
}

impl Gate {
    pub fn new() -> Self {
        Self { reached: Arc::new(watch::Sender::new(false)), open: Arc::new(watch::Sender::new(false)) }
    }

    /// Waits until a request stands before the gate.
    pub async fn reached(&self) {
        let mut reached = self.reached.subscribe();
        let waited = tokio::time::timeout(PATIENCE, reached.wait_for(|reached| *reached)).await;
        assert!(waited.is_ok(), "no request reached the gate");
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub(super) async fn pass(&self) {
        self.reached.send_replace(true);
        // The sender lives as long as this gate, so the wait ends only when it is opened.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
