//! Everything outside that a run is given, and how it is reached.

use futures_util::future::join_all;

use super::providers::{self, Endpoint};
use super::{Endpoints, actions, clock, git, github::GitHub, terminal};
use crate::domain::lane::{Auth, Lane, Provider};
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pass::End;
use crate::domain::render::words::sentence;

/// Everything outside that a run is given.
#[derive(Debug)]
pub struct Outside {
    /// The environment, read once.
    pub env: actions::Environment,
    /// Standard output and the log.
    pub terminal: terminal::Terminal,
    /// The only clock.
    pub clock: clock::Clock,
    /// The only HTTP client.
    pub http: reqwest::Client,
}

impl Outside {
    /// The connection to GitHub, with the token of the input or the environment.
    ///
    /// # Errors
    /// What to set, when there is no token that could be sent.
    pub fn github(&self) -> Result<GitHub, Stop> {
        let env = &self.env;
        let Some(token) = env.input_or("github-token", "GITHUB_TOKEN") else {
            let advice = "Leave the input `github-token` at its default, or set GITHUB_TOKEN.";
            let what = "There is no token for GitHub.";
            return Err(Stop::fail(Reason::BadConfiguration, ExitCode::Usage, what, advice));
        };
        let api = env.var("GITHUB_API_URL").unwrap_or("https://api.github.com");
        let graphql = match env.var("GITHUB_GRAPHQL_URL") {
            Some(url) => url.to_owned(),
            None => format!("{}/graphql", api.trim_end_matches('/').trim_end_matches("/v3")),
        };
        GitHub::new(self.http.clone(), api, &graphql, Some(token.to_owned().into())).map_err(|cause| {
            let advice = "Check the input `github-token` and GITHUB_API_URL.";
            Stop::fail(
                Reason::BadConfiguration,
                ExitCode::Usage,
                format!("GitHub cannot be reached: {cause:#}."),
                advice,
            )
        })
    }

    /// Where a checkout of the pull request may stand: in the runner's workspace, or where the command was typed.
    #[must_use]
    pub fn workspace(&self) -> Option<git::Workspace> {
        let of_runner = self.env.in_actions();
        let folder = if of_runner {
            self.env.var("GITHUB_WORKSPACE").map(Into::into)
        } else {
            std::env::current_dir().ok()
        };
        Some(git::Workspace { folder: folder?, of_runner })
    }

    /// How the model of each of these lanes is reached.
    ///
    /// # Errors
    /// What is wrong with a key or a base URL that somebody set.
    pub fn endpoints(&self, lanes: &[Lane]) -> Result<Endpoints, Stop> {
        let reached = |lane: &Lane| {
            let key = self.key(lane);
            if key.is_none() && lane.auth != Auth::None {
                return Ok((lane.name.clone(), Err(End::NoKey)));
            }
            let base = providers::base_variable(lane.provider).and_then(|name| self.env.var(name));
            let endpoint = Endpoint::new(lane, base, key).map_err(|message| {
                let advice = "Correct it where the workflow sets it.";
                Stop::fail(Reason::BadConfiguration, ExitCode::Usage, sentence(&message), advice)
            })?;
            Ok((lane.name.clone(), Ok(endpoint)))
        };
        lanes.iter().map(reached).collect()
    }

    /// Asks the servers of these lanes what they can do, all at the same time and for a few seconds at most.
    pub async fn probe(&self, lanes: &[Lane], endpoints: Endpoints) -> Endpoints {
        let known = endpoints.into_iter().map(|(name, reached)| async {
            let lane = lanes.iter().find(|lane| lane.name == name);
            let reached = match (reached, lane) {
                (Ok(endpoint), Some(lane)) => {
                    let capabilities = providers::probe(&self.http, &endpoint, &lane.model).await;
                    Ok(endpoint.knowing(capabilities))
                }
                (reached, _) => reached,
            };
            (name, reached)
        });
        join_all(known).await.into_iter().collect()
    }

    /// The key that was set for a lane.
    fn key(&self, lane: &Lane) -> Option<&str> {
        let name = lane.key();
        match name.input {
            Some(input) => self.env.input_or(input, name.variable),
            None => self.env.var(name.variable),
        }
    }

    /// Whether there is a key for any model but the job's own token.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        let set = |provider: Provider| {
            let name = provider.key();
            name.input.and_then(|input| self.env.input(input)).or_else(|| self.env.var(name.variable))
        };
        Provider::ALL
            .into_iter()
            .filter(|provider| *provider != Provider::Github)
            .any(|provider| set(provider).is_some())
    }
}
