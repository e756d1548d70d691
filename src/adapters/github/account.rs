//! Who we are, who others are, and what a token may do.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::call::{JSON, JSON_CAP};
use super::error::{Error, text_header};
use super::transport::{Door, Verb};
use super::{GitHub, wire};
use crate::domain::dismissal::Dismissal;
use crate::domain::pull::{Account, Permission};
use crate::domain::units::RepoName;

/// The account behind the token of every workflow run.
const ACTIONS_BOT: (&str, u64) = ("github-actions[bot]", 41_898_282);

/// GraphQL is only asked for a name, and there is another way: it is not waited for as long as other calls.
const VIEWER_LIMIT: Duration = Duration::from_secs(10);

/// What a repository says to this token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryAccess {
    /// Whether it is private.
    pub private: bool,
    /// Whether the token may push, when GitHub says. A workflow's token is described by its `permissions:`
    /// instead.
    pub push: Option<bool>,
    /// The branch that configuration and commands are read from.
    pub default_branch: String,
    /// The scopes of a classic personal token (`x-oauth-scopes`), as sent; absent for all other tokens.
    pub scopes: Option<String>,
}

/// The hourly budget of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls an hour.
    pub limit: u64,
    /// Calls left.
    pub remaining: u64,
    /// When the hour ends, in seconds since 1970.
    pub reset: u64,
}

impl GitHub {
    /// The account that our comments will carry, so that our earlier ones are found.
    ///
    /// GraphQL's `viewer` knows it for every kind of token. Where GraphQL fails, `GET /user` knows it for
    /// personal tokens. Where that is refused too, the token is an installation's, and the one in a workflow
    /// belongs to `github-actions[bot]`. An app of one's own behind a server without GraphQL is therefore taken
    /// for that bot.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when there is no valid token; a limit or a broken connection, because a wrong
    /// guess would post everything a second time.
    pub async fn identity(&self) -> Result<Account, Error> {
        match self.viewer().await {
            Ok(Some(account)) => return Ok(account),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "GraphQL does not tell who we are"),
        }
        match self.object::<wire::User>(&self.url(&["user"])?).await {
            Ok(user) => Ok(user.account().unwrap_or_else(actions_bot)),
            Err(
                error @ (Error::Unauthorized { .. }
                | Error::RateLimited { .. }
                | Error::Cut { .. }
                | Error::TimedOut { .. }
                | Error::BadUrl { .. }),
            ) => Err(error),
            Err(error) => {
                tracing::debug!(%error, "GET /user does not tell who we are: the Actions bot, then");
                Ok(actions_bot())
            }
        }
    }

    /// The account that GraphQL names, when its answer names one.
    async fn viewer(&self) -> Result<Option<Account>, Error> {
        let query = wire::Query { query: "query { viewer { login databaseId } }" };
        let soon = Instant::now() + VIEWER_LIMIT;
        let until = self.until.map_or(soon, |until| until.min(soon));
        let url = self.transport.graphql.clone();
        let answer = self.once(Door::Graphql, Verb::Post, &url, Some(&query), until).await?;
        let viewer = answer.json::<wire::Viewer>()?.data.and_then(|data| data.viewer);
        let named = viewer.and_then(|viewer| Some((viewer.login?, viewer.database_id)));
        Ok(named.filter(|(login, _)| !login.is_empty()).map(|(login, id)| {
            // GraphQL may leave the suffix out, and a person may have the bare name: the number tells.
            if id == Some(ACTIONS_BOT.1) {
                return actions_bot();
            }
            let bot = login.ends_with("[bot]");
            Account { login, id, bot }
        }))
    }

    /// What a person may do in a repository. Whatever the endpoint refuses to tell is `Less`: it answers 403 to
    /// tokens without push access and 404 for unknown people.
    ///
    /// # Errors
    /// A call that failed in any other way.
    pub async fn permission(&self, repo: &RepoName, login: &str) -> Result<Permission, Error> {
        let url = self.repo_url(repo, &["collaborators", login, "permission"])?;
        match self.object::<wire::Collaborator>(&url).await {
            Ok(row) => Ok(rank(&row)),
            Err(Error::Forbidden { .. } | Error::NotFound { .. }) => Ok(Permission::Less),
            Err(error) => Err(error),
        }
    }

    /// The orders with those counting whose authors may write to the repository. Where nobody can say so, they may not.
    pub async fn permitted(&self, repo: &RepoName, mut orders: Vec<Dismissal>) -> Vec<Dismissal> {
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        for order in &mut orders {
            order.counts = match known.get(&order.by) {
                Some(may) => *may,
                None => {
                    let may = matches!(self.permission(repo, &order.by).await, Ok(Permission::Write));
                    *known.entry(order.by.clone()).or_insert(may)
                }
            };
        }
        orders
    }

    /// What a repository says to this token.
    ///
    /// # Errors
    /// A failed call.
    pub async fn repository(&self, repo: &RepoName) -> Result<RepositoryAccess, Error> {
        self.read(&self.repo_url(repo, &[])?, JSON, JSON_CAP, |answer| {
            let row = answer.json::<wire::Repository>()?;
            Ok(RepositoryAccess {
                private: row.private.unwrap_or(false),
                push: row.permissions.and_then(|permissions| permissions.push),
                default_branch: row.default_branch.unwrap_or_default(),
                scopes: text_header(&answer.headers, "x-oauth-scopes"),
            })
        })
        .await
    }

    /// The hourly budget of calls; absent on servers without limits. Asking is free.
    ///
    /// # Errors
    /// A failed call.
    pub async fn rate_limit(&self) -> Result<Option<RateLimit>, Error> {
        let limits = match self.object::<wire::Limits>(&self.url(&["rate_limit"])?).await {
            Ok(limits) => limits,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let core = limits.resources.and_then(|resources| resources.core).or(limits.rate);
        Ok(core.and_then(|core| {
            Some(RateLimit { limit: core.limit?, remaining: core.remaining?, reset: core.reset? })
        }))
    }
}

fn actions_bot() -> Account {
    Account { login: ACTIONS_BOT.0.to_owned(), id: Some(ACTIONS_BOT.1), bot: true }
}

/// `permission` decides; `role_name`, which old servers lack and new ones may fill with a custom role, only
/// where it is absent.
fn rank(row: &wire::Collaborator) -> Permission {
    let said = row.permission.as_deref().filter(|word| !word.is_empty());
    match said.or(row.role_name.as_deref()) {
        Some("admin" | "maintain" | "write") => Permission::Write,
        _ => Permission::Less,
    }
}
