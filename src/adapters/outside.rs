//! Everything outside that a run is given, and how it is reached.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::providers::{self, Endpoint};
use super::{Endpoints, actions, clock, cloud, git, github::GitHub, terminal};
use crate::domain::lane::{Auth, Engine, Lane};
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pass::End;
use crate::domain::render::words::sentence;

/// The longest time for exchanging identities.
const EXCHANGE: Duration = Duration::from_secs(15);

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

    /// The folders that the workspace is or was for other steps: in a container it has another name than on the runner,
    /// where it is a folder of its parent's name.
    #[must_use]
    pub fn workspace_names(&self) -> Vec<String> {
        let on_runner = self.env.var("RUNNER_WORKSPACE").and_then(|parent| {
            let name = parent.trim_end_matches('/').rsplit('/').next()?;
            Some(format!("{parent}/{name}"))
        });
        let here = self.workspace().map(|workspace| workspace.folder.display().to_string());
        here.into_iter().chain(on_runner).collect()
    }

    /// How the model of each of these lanes is reached. Identities are exchanged until this moment; one that the cloud
    /// does not accept is the end of its lanes.
    ///
    /// # Errors
    /// What is wrong with a key or a base URL that somebody set.
    pub async fn endpoints(&self, lanes: &[Lane], until: Instant) -> Result<Endpoints, Stop> {
        // Lanes that need no exchange wait for it too.
        let until = until.min(Instant::now() + EXCHANGE);
        let exchanged = cloud::credentials(self, lanes.iter().map(|lane| &lane.auth), until).await;
        let reached = |lane: &Lane| {
            let endpoint = match exchanged.iter().find(|(auth, _)| **auth == lane.auth) {
                Some((_, Ok(credential))) => Ok(Endpoint::in_cloud(lane, credential)),
                Some((_, Err(cloud::Refusal { why, advice }))) => {
                    Err(End::Fatal { why: why.clone(), advice: advice.clone() })
                }
                None => self.by_key(lane),
            };
            let wrong = |message: String| {
                let advice = "Correct it where the workflow or the configuration sets it.";
                Stop::fail(Reason::BadConfiguration, ExitCode::Usage, sentence(&message), advice)
            };
            let endpoint = match endpoint {
                Ok(endpoint) => Ok(endpoint.map_err(wrong)?),
                Err(end) => Err(end),
            };
            Ok((lane.name.clone(), endpoint))
        };
        let endpoints: Endpoints = lanes.iter().map(reached).collect::<Result<_, Stop>>()?;
        Ok(self.probed(lanes, endpoints).await)
    }

    /// Asks the servers of these lanes what they can do, all at the same time and for a few seconds at most.
    async fn probed(&self, lanes: &[Lane], endpoints: Endpoints) -> Endpoints {
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

    fn by_key(&self, lane: &Lane) -> Result<Result<Endpoint, String>, End> {
        let key = self.key(lane);
        if key.is_none() && lane.auth != Auth::None {
            return Err(End::NoKey);
        }
        // The login that a command line brings is not for the server that somebody set for a key.
        let own_login = lane.engine != Engine::Api && lane.auth == Auth::None;
        let base = providers::base_variable(lane.provider).filter(|_| !own_login);
        let base = base.and_then(|name| self.env.var(name));
        Ok(Endpoint::new(lane, base, key))
    }

    /// The key that was set for a lane.
    fn key(&self, lane: &Lane) -> Option<&str> {
        let name = lane.key();
        match name.input {
            Some(input) => self.env.input_or(input, name.variable),
            None => self.env.var(name.variable),
        }
    }

    /// Whether there is anything that this lane could prove itself with; a server of one's own may want nothing.
    #[must_use]
    pub fn can_reach(&self, lane: &Lane) -> bool {
        match &lane.auth {
            Auth::None => true,
            Auth::ApiKey | Auth::Bearer => self.key(lane).is_some(),
            Auth::Aws { role: None, .. } => self.env.var("AWS_ACCESS_KEY_ID").is_some(),
            Auth::Aws { .. } | Auth::Azure { .. } | Auth::Google { .. } => cloud::has_identity(&self.env),
        }
    }
}
