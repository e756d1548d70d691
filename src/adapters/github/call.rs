//! Which calls are repeated, followed and given up. Reads may be repeated; a write is sent once, because a
//! 502 may come after it was carried out: whoever wrote has to look before writing again.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::GitHub;
use super::error::Error;
use super::transport::{Answer, Call, Door, Verb, same_origin};
use reqwest::Url;

/// Longest that one request may take, its body included.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(30);

/// How long a read is repeated when the caller named no deadline.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Requests for one read, the first included.
const TRIES: u32 = 3;

/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// Most bytes of a JSON answer.
pub(super) const JSON_CAP: usize = 32 * 1024 * 1024;

/// What GitHub asks to send with calls for JSON.
pub(super) const JSON: &str = "application/vnd.github+json";

impl GitHub {
    /// A read, repeated while the budget lasts. `understand` runs inside, because a body that was cut may show
    /// only when it is read.
    pub(super) async fn read<T>(
        &self,
        url: &Url,
        accept: &'static str,
        cap: usize,
        understand: impl Fn(Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let call = Call { verb: Verb::Get, accept, body: None, cap };
        let until = self.until.unwrap_or_else(|| Instant::now() + PATIENCE);
        let mut tries = 0;
        loop {
            let failed = match self.follow(Door::Rest, &call, url, until).await.and_then(&understand) {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            tries += 1;
            let again = pause(&failed, tries).and_then(|pause| Instant::now().checked_add(pause));
            match again.filter(|again| tries < TRIES && *again < until) {
                Some(again) => sleep_until(again).await,
                None => return Err(failed),
            }
        }
    }

    /// A write: sent once.
    pub(super) async fn write<B: Serialize + Sync>(
        &self,
        verb: Verb,
        url: &Url,
        body: Option<&B>,
    ) -> Result<Answer, Error> {
        let until = self.until.unwrap_or_else(|| Instant::now() + CALL_LIMIT);
        self.once(Door::Rest, verb, url, body, until).await
    }

    /// Any call with a body, sent once.
    pub(super) async fn once<B: Serialize + Sync>(
        &self,
        door: Door,
        verb: Verb,
        url: &Url,
        body: Option<&B>,
        until: Instant,
    ) -> Result<Answer, Error> {
        let body = body.map(serde_json::to_string).transpose();
        // Our own structs of strings and numbers cannot fail here.
        let body = body.map_err(|error| Error::BadUrl { text: error.to_string() })?;
        let call = Call { verb, accept: JSON, body, cap: JSON_CAP };
        self.follow(door, &call, url, until).await
    }

    /// Sends, follows where that is safe, and turns a status that is not 2xx into an error.
    pub(super) async fn follow(
        &self,
        door: Door,
        call: &Call,
        url: &Url,
        until: Instant,
    ) -> Result<Answer, Error> {
        let mut url = url.clone();
        let mut left = REDIRECTS;
        loop {
            let ends = until.min(Instant::now() + CALL_LIMIT);
            let answer = self.transport.send(door, call, &url, ends).await?;
            let Some(to) = answer.location() else {
                return Error::of(&answer).map_or(Ok(answer), Err);
            };
            if left == 0 || !may_follow(call.verb, &answer, &to) {
                let status = answer.status.as_u16();
                let to = format!("{}{}", to.origin().ascii_serialization(), to.path());
                return Err(Error::Moved { at: answer.at(), status, to });
            }
            left -= 1;
            url = to;
        }
    }
}

/// A read may go anywhere (without the token, unless at home) but from https to http. A write may only be
/// repeated as it is, at the same origin: after a 301 or 302 the habit of clients is to turn it into a GET.
fn may_follow(verb: Verb, answer: &Answer, to: &Url) -> bool {
    if verb == Verb::Get {
        answer.url.scheme() == "http" || to.scheme() == "https"
    } else {
        matches!(answer.status.as_u16(), 307 | 308) && same_origin(&answer.url, to)
    }
}

/// How long to wait before a read is sent again; absent when that cannot help.
fn pause(failed: &Error, tries: u32) -> Option<Duration> {
    let doubled = |first: Duration| first.checked_mul(1 << tries.saturating_sub(1).min(8));
    match failed {
        Error::Server { .. } | Error::Cut { .. } | Error::TimedOut { .. } => {
            doubled(Duration::from_millis(500))
        }
        Error::RateLimited { retry_after: Some(wait), .. } => Some(*wait),
        // GitHub: at least a minute, then longer each time.
        Error::RateLimited { retry_after: None, .. } => doubled(Duration::from_mins(1)),
        _ => None,
    }
}
