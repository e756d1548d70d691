//! Token, rights, configuration, keys and models: what works, and what to do where it does not.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::adapters::agents::Program;
use crate::adapters::github::GitHub;
use crate::adapters::providers::{self, AttemptEnd, Endpoint, Waiting};
use crate::adapters::{Endpoints, Outside};
use crate::domain::config::{self, Config, DEFAULT_PATH, Overrides, Settings, settle};
use crate::domain::lane::{Effort, Lane};
use crate::domain::outcome::ExitCode;
use crate::domain::pass::{End, Feature, Prompt};
use crate::domain::render::doctor::{Examined, Health};
use crate::domain::render::words::sentence;
use crate::domain::units::RepoName;

/// A model that does not say one word in this time will not say many in ten minutes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Room for one word and the thinking before it.
const TINY: u32 = 256;

/// Looks at everything a run needs. Each model is asked one tiny question.
pub async fn examine(
    outside: &Outside,
    repository: Option<&RepoName>,
    given: Option<Config>,
) -> Vec<Examined> {
    let mut examined = Vec::new();
    let config = match (outside.github(), repository) {
        (Err(stop), _) => {
            examined.push(line("token", Health::Bad(stop.exit), &stop.what, &stop.advice));
            given
        }
        (Ok(github), None) => {
            identity(&github, &mut examined).await;
            let advice = "Name one: `counterpoint doctor OWNER/REPO`.";
            examined.push(line(
                "repository",
                Health::Unsure,
                "none was named, so no rights were checked",
                advice,
            ));
            given
        }
        (Ok(github), Some(repository)) => {
            let app = identity(&github, &mut examined).await;
            rights(&github, repository, app, given, &mut examined).await
        }
    };
    let Some(config) = config.or_else(|| repository.is_none().then(Config::default)) else { return examined };
    let settings = match settle(&config, &Overrides::default()) {
        Ok(settings) => settings,
        Err(message) => {
            let advice = "Correct it under `lanes` or `paths`.";
            examined.push(line("configuration", Health::Bad(ExitCode::Usage), &message, advice));
            return examined;
        }
    };
    match outside.endpoints(&settings.lanes, Instant::now() + PATIENCE).await {
        Ok(endpoints) => {
            let asked = settings.lanes.iter().map(|lane| lane_health(outside, lane, &endpoints, &settings));
            examined.extend(join_all(asked).await);
        }
        Err(stop) => examined.push(line("keys", Health::Bad(stop.exit), &stop.what, &stop.advice)),
    }
    examined
}

/// Who posts; whether that is an app, whose rights GitHub does not tell.
async fn identity(github: &GitHub, examined: &mut Vec<Examined>) -> bool {
    let identity = github.identity().await;
    let app = identity.as_ref().is_ok_and(|me| me.bot);
    examined.push(match identity {
        Ok(me) => line("identity", Health::Good, &format!("comments are posted as {}", me.login), ""),
        Err(cause) => {
            let advice = cause.advice().unwrap_or_else(|| "try again later".to_owned());
            line("identity", Health::Bad(ExitCode::Github), &cause.to_string(), &sentence(&advice))
        }
    });
    app
}

/// What the token may do, and the configuration of the default branch.
async fn rights(
    github: &GitHub,
    repository: &RepoName,
    app: bool,
    given: Option<Config>,
    examined: &mut Vec<Examined>,
) -> Option<Config> {
    let access = match github.repository(repository).await {
        Ok(access) => access,
        Err(cause) => {
            let advice = cause.advice().unwrap_or_else(|| "try again later".to_owned());
            let health = Health::Bad(ExitCode::Github);
            examined.push(line(
                "token",
                health,
                &format!("{repository} cannot be read: {cause}"),
                &sentence(&advice),
            ));
            return given;
        }
    };
    let (health, found, advice) = match access.push.filter(|may| *may || !app) {
        Some(true) => (Health::Good, format!("may read and write {repository}"), ""),
        Some(false) => (
            Health::Bad(ExitCode::Github),
            format!("may read {repository}, and not write it"),
            "Give the token `pull-requests: write` and `checks: write`.",
        ),
        None => (
            Health::Unsure,
            format!("may read {repository}; GitHub does not say whether it may write"),
            "In a workflow, give the job `contents: read`, `pull-requests: write` and `checks: write`.",
        ),
    };
    examined.push(line("token", health, &found, advice));
    if given.is_some() {
        return given;
    }
    let branch = &access.default_branch;
    match github.content(repository, DEFAULT_PATH, branch).await {
        Ok(Some(file)) => match config::parse(DEFAULT_PATH, &file.text) {
            Ok(config) => {
                examined.push(line(
                    "configuration",
                    Health::Good,
                    &format!("{DEFAULT_PATH} on {branch} is fine"),
                    "",
                ));
                Some(config)
            }
            Err(error) => {
                let health = Health::Bad(ExitCode::Usage);
                examined.push(line("configuration", health, &error.to_string(), "Correct the file."));
                None
            }
        },
        Ok(None) => {
            let found = format!("{branch} has no {DEFAULT_PATH}: the defaults apply");
            examined.push(line("configuration", Health::Good, &found, ""));
            Some(Config::default())
        }
        Err(cause) => {
            let health = Health::Bad(ExitCode::Github);
            let advice = cause.advice().unwrap_or_default();
            examined.push(line("configuration", health, &cause.to_string(), &sentence(&advice)));
            None
        }
    }
}

/// One tiny question to one model.
async fn lane_health(outside: &Outside, lane: &Lane, endpoints: &Endpoints, settings: &Settings) -> Examined {
    let subject = format!("lane {}", lane.name.as_str());
    let endpoint = match endpoints.get(&lane.name) {
        Some(Ok(endpoint)) => endpoint,
        Some(Err(End::Fatal { why, advice })) => {
            return line(&subject, Health::Bad(ExitCode::NoReview), why, &sentence(advice));
        }
        _ => {
            let found = format!("{} has no key", lane.model);
            let advice = format!("Set {}.", lane.key());
            return line(&subject, Health::Bad(ExitCode::Usage), &found, &advice);
        }
    };
    if !lane.free && settings.prices.in_lane(lane, &lane.model).is_none() {
        let found = format!("no price is known for {}", lane.model);
        let advice = format!(
            "Add `{}` under `prices`, in USD per million tokens, or say `free: true` in the lane if its calls cost nothing.",
            lane.model
        );
        return line(&subject, Health::Bad(ExitCode::Usage), &found, &advice);
    }
    if let Some(program) = Program::of(lane.engine) {
        return match program.version().await {
            Ok(version) => {
                let found = format!("{version} is installed; {} was not asked", lane.model);
                line(&subject, Health::Good, &found, "")
            }
            Err((why, advice)) => line(&subject, Health::Bad(ExitCode::NoReview), &why, advice),
        };
    }
    match tokio::time::timeout(PATIENCE, ask(outside, lane, endpoint)).await {
        Err(_) => {
            let found = format!("{} did not answer within a minute", lane.model);
            line(&subject, Health::Bad(ExitCode::NoReview), &found, "Try again later.")
        }
        Ok(AttemptEnd::Answer { model, .. }) => {
            let found = format!("{} answers", model.as_deref().unwrap_or(&lane.model));
            line(&subject, Health::Good, &found, "")
        }
        Ok(AttemptEnd::Rejected { unsupported: Some(feature), why, .. }) => {
            let found = format!("{} answers, but not with {feature}: {why}", lane.model);
            line(&subject, Health::Unsure, &found, "A review asks once more without it.")
        }
        Ok(AttemptEnd::Rejected { why, advice, .. }) => {
            let advice =
                advice.map(|advice| sentence(&advice)).unwrap_or_else(|| "Try again later.".to_owned());
            line(&subject, Health::Bad(ExitCode::NoReview), &why, &advice)
        }
        Ok(AttemptEnd::Broken { why, .. }) => {
            let advice = match providers::base_variable(lane.provider).filter(|_| lane.base_url.is_none()) {
                Some(variable) => format!("Check the network, and {variable} if it is set."),
                None => format!("Check the network, and `base_url` of the lane `{}`.", lane.name.as_str()),
            };
            line(&subject, Health::Bad(ExitCode::NoReview), &why, &advice)
        }
    }
}

async fn ask(outside: &Outside, lane: &Lane, endpoint: &Endpoint) -> AttemptEnd {
    let prompt = Prompt {
        system: String::new(),
        shared: String::new(),
        task: "This is a test of the connection. Answer with a review that has no findings.".to_owned(),
    };
    // One word needs no pieces.
    let mut without = endpoint.capabilities().without();
    without.insert(Feature::Stream);
    let request = providers::Request {
        model: &lane.model,
        effort: Effort::Low,
        prompt: &prompt,
        max_output: TINY,
        without: &without,
        mark_cache: false,
        cache_key: "",
        talk: None,
    };
    let waiting = Waiting { patience: None, heard: &|_| {} };
    let body = providers::body(endpoint.wire(), &request);
    providers::send(&outside.http, endpoint, body, &waiting).await.end
}

fn line(subject: &str, health: Health, found: &str, advice: &str) -> Examined {
    Examined { subject: subject.to_owned(), health, found: found.to_owned(), advice: advice.to_owned() }
}
