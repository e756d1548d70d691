//! Short-lived credentials for models in a cloud: the job's OIDC identity, exchanged for what that cloud accepts, so
//! that no long-lived key is stored anywhere.
//!
//! Every token that comes in is hidden on the terminal before it is used. What went wrong is a [`Refusal`]: a
//! sentence for people and what to look at, never a token.

mod aws;
mod azure;
mod google;
mod oidc;
mod sigv4;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;

pub use aws::Keys;
pub use sigv4::Scope;

use super::Outside;
use super::actions::Environment;
use super::http::{backoff, one_line, read_capped, reason};
use crate::domain::lane::Auth;

/// How long a token service may take for one answer. They answer in well under a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a token service is asked: an exchange changes nothing, so what failed in passing is asked again.
const ATTEMPTS: u32 = 3;

/// The most bytes of an answer; tokens have a few thousand.
const ANSWER_LIMIT: usize = 256 << 10;

/// The longest error text of a token service that is told, in characters.
const LONGEST_WORDS: usize = 300;

/// What helps against what passes.
const LATER: &str = "Try again later.";

/// What a request to a model is authenticated with. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token for `Authorization: Bearer`.
    Bearer(SecretString),
    /// What signs each request to AWS.
    Aws {
        /// The keys.
        keys: Keys,
        /// The region that a signature is good for.
        region: String,
    },
}

/// Why there is no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What happened, on one line.
    pub why: String,
    /// Which permission or setting to look at.
    pub advice: String,
}

/// What the identities among these were exchanged for, each once and all at the same time, until this moment.
pub async fn credentials<'a>(
    outside: &Outside,
    auths: impl Iterator<Item = &'a Auth>,
    until: Instant,
) -> Vec<(&'a Auth, Result<Credential, Refusal>)> {
    let mut distinct: Vec<&Auth> = Vec::new();
    for auth in auths {
        if !distinct.contains(&auth) {
            distinct.push(auth);
        }
    }
    let exchanges = distinct.into_iter().map(|auth| async move {
        let exchanged = tokio::time::timeout_at(until, credential(outside, auth)).await;
        let late = || Refusal::new("the exchange of the job's identity took all the time of this run", LATER);
        Some((auth, exchanged.unwrap_or_else(|_| Some(Err(late())))?))
    });
    join_all(exchanges).await.into_iter().flatten().collect()
}

/// Whether this job has an identity to exchange.
#[must_use]
pub fn has_identity(env: &Environment) -> bool {
    oidc::has_identity(env)
}

/// What an identity is exchanged for; none where `auth` is no identity but a key.
async fn credential(outside: &Outside, auth: &Auth) -> Option<Result<Credential, Refusal>> {
    Some(match auth {
        Auth::Aws { role: Some(role), region } => {
            let keys = aws::assume(outside, role, region).await;
            keys.map(|keys| Credential::Aws { keys, region: region.clone() })
        }
        Auth::Aws { role: None, region } => aws::of_environment(&outside.env, region),
        Auth::Azure { tenant, client } => azure::token(outside, tenant, client).await.map(Credential::Bearer),
        Auth::Google { provider, service_account } => {
            google::token(outside, provider, service_account.as_deref()).await.map(Credential::Bearer)
        }
        Auth::ApiKey | Auth::Bearer | Auth::None => return None,
    })
}

/// What a token service said.
struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A token in the JSON, hidden from now on.
    fn token(&self, outside: &Outside, field: &str) -> Option<SecretString> {
        let json = self.json();
        let token = json.get(field)?.as_str().filter(|token| fits_header(token))?;
        Some(hidden(outside, token))
    }
}

/// Asks a token service, again where it failed in passing.
async fn ask(service: &str, request: RequestBuilder) -> Result<Answer, Refusal> {
    let mut attempt = 0;
    loop {
        let copy = request.try_clone().ok_or_else(|| Refusal::new("the request cannot be built", ""))?;
        let (why, advice) = match copy.timeout(PATIENCE).send().await {
            Err(error) => (
                format!("no answer from {service}: {}", reason(&error)),
                "Check the network: from this job it must be reachable, through a proxy if there is one.",
            ),
            Ok(response) => {
                let status = response.status();
                match read_capped(response, ANSWER_LIMIT).await {
                    Ok(body) if !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                        return Ok(Answer { status, body });
                    }
                    Ok(_) => (format!("{service} is unwell (HTTP {})", status.as_u16()), LATER),
                    Err(error) => (format!("{service}: {error}"), LATER),
                }
            }
        };
        attempt += 1;
        if attempt == ATTEMPTS {
            return Err(Refusal::new(why, advice));
        }
        tracing::debug!("{why}; asking again");
        tokio::time::sleep(backoff(attempt - 1, u64::from(attempt))).await;
    }
}

impl Refusal {
    fn new(why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { why: why.into(), advice: advice.into() }
    }

    /// A service that said no, in words of ours and then its own.
    fn told(outside: &Outside, ours: &str, words: &str, advice: String) -> Self {
        let words = outside.terminal.secrets().mask(words).into_owned();
        let words = one_line(&words, LONGEST_WORDS);
        let why = if words.is_empty() { ours.to_owned() } else { format!("{ours}: {words}") };
        Self { why, advice }
    }
}

/// A secret that no line of output shows from now on.
fn hidden(outside: &Outside, value: &str) -> SecretString {
    outside.terminal.hide([value.to_owned()]);
    SecretString::from(value)
}

/// Whether a token can be sent in a header.
fn fits_header(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}
