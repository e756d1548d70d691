//! GitHub: our verbs in, our types out. Nothing outside this folder names octocrab or a wire shape.
//!
//! Reads are repeated inside a deadline; writes are sent once and their errors say whether they may have been
//! carried out ([`Error::may_have_happened`]). Every call needs at most 30 seconds and follows redirects and
//! page links only where that is safe: the token never leaves the configured origin.

mod account;
mod call;
mod content;
mod error;
mod files;
mod page;
mod read;
mod texts;
mod transport;
mod wire;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use reqwest::Url;
use secrecy::SecretString;
use tokio::time::Instant;

pub use account::{RateLimit, RepositoryAccess};
pub use content::FileContent;
pub use error::{At, Error, Rejection};
pub use files::Files;
pub use read::{Review, ReviewState};
pub use write::{Reaction, ReviewId};

use crate::domain::units::RepoName;
use transport::Transport;

/// A connection to one GitHub server. Clones share it and count their calls together.
#[derive(Clone)]
pub struct GitHub {
    transport: Arc<Transport>,
    until: Option<Instant>,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let api = self.transport.api.as_str();
        f.debug_struct("GitHub").field("api", &api).field("until", &self.until).finish_non_exhaustive()
    }
}

impl GitHub {
    /// Prepares calls to `api_url` (`GITHUB_API_URL`; a path such as `/api/v3` is kept) and `graphql_url`
    /// (`GITHUB_GRAPHQL_URL`, which cannot be derived from the other on GitHub Enterprise Server). Sends
    /// nothing. `client` must not follow redirects by itself. The token loses blanks around it; an empty one
    /// is none.
    ///
    /// # Errors
    /// An address that is none, a token with characters that no token has, or no Tokio runtime.
    pub fn new(
        client: reqwest::Client,
        api_url: &str,
        graphql_url: &str,
        token: Option<SecretString>,
    ) -> anyhow::Result<Self> {
        let transport = Transport::new(client, api_url, graphql_url, token)?;
        Ok(Self { transport: Arc::new(transport), until: None })
    }

    /// The same connection, every call of which ends by `until`, repetitions included. Without a deadline a
    /// read is repeated for at most 60 seconds.
    #[must_use]
    pub fn until(&self, until: Instant) -> Self {
        Self { transport: Arc::clone(&self.transport), until: Some(until) }
    }

    /// The same connection for calls that are not worth more than `limit`, nor more than the time that
    /// [`Self::until`] set.
    #[must_use]
    pub fn within(&self, limit: std::time::Duration) -> Self {
        let soon = Instant::now() + limit;
        self.until(self.until.map_or(soon, |until| until.min(soon)))
    }

    /// Whether a wait of this length ends before the time that [`Self::until`] set.
    #[must_use]
    pub fn has_time_for(&self, wait: std::time::Duration) -> bool {
        self.until.is_none_or(|until| Instant::now().checked_add(wait).is_some_and(|then| then < until))
    }

    /// How many requests were sent so far: repetitions, redirects and pages count each.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.transport.calls()
    }

    /// The address of a path below the API's, each segment encoded.
    fn url(&self, segments: &[&str]) -> Result<Url, Error> {
        // The URL rules drop dot segments and would so lead somewhere else.
        if let Some(wrong) = segments.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(Error::BadUrl { text: (*wrong).to_owned() });
        }
        let mut url = self.transport.api.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments); // never Err: an http address has segments
        }
        Ok(url)
    }

    /// The address of something in a repository.
    fn repo_url(&self, repo: &RepoName, rest: &[&str]) -> Result<Url, Error> {
        let mut segments = vec!["repos", repo.owner(), repo.name()];
        segments.extend_from_slice(rest);
        self.url(&segments)
    }
}

/// The address with a query.
fn with_query(mut url: Url, pairs: &[(&str, &str)]) -> Url {
    url.query_pairs_mut().extend_pairs(pairs);
    url
}
