//! Who asked for what, and may they?

use crate::adapters::Outside;
use crate::adapters::actions::{self, Environment};
use crate::adapters::github::GitHub;
use crate::domain::command::{self, Command};
use crate::domain::config::{Config, Overrides, Settings, Strategy, settle};
use crate::domain::dismissal::Dismissal;
use crate::domain::event::{self, Cause, EventComment, Intent};
use crate::domain::lane::Lane;
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pull::{Permission, PullRequest};
use crate::domain::render::words::sentence;
use crate::domain::units::RepoName;

/// Reads the event and what it asks for.
///
/// # Errors
/// How the run ends when there is nothing to do, or no telling what.
pub fn intent(env: &Environment) -> Result<Intent, Stop> {
    let event = actions::event(env).map_err(|cause| {
        let advice = "Run this inside GitHub Actions, or use `counterpoint review` from a terminal.";
        Stop::fail(
            Reason::NoPullRequest,
            ExitCode::Usage,
            format!("The event cannot be read: {cause:#}."),
            advice,
        )
    })?;
    let named = env.var("GITHUB_REPOSITORY").ok_or_else(|| "it is not set".to_owned());
    let repo: RepoName = named.and_then(str::parse).map_err(|message| {
        let advice = "GitHub Actions sets GITHUB_REPOSITORY; elsewhere set it to OWNER/NAME.";
        Stop::fail(
            Reason::BadConfiguration,
            ExitCode::Usage,
            format!("GITHUB_REPOSITORY: {message}."),
            advice,
        )
    })?;
    event::intent(&event, repo, env.input("pull-request"))
}

/// What a run may do once the pull request and its configuration are known.
#[derive(Debug)]
pub struct Admission {
    /// Everything the run is decided by.
    pub settings: Settings,
    /// Whether a head that was reviewed before is reviewed again.
    pub again: bool,
    /// The finding that is to be dropped instead of a review.
    pub dismissal: Option<Dismissal>,
}

/// Decides whether this pull request is reviewed for this cause.
///
/// # Errors
/// How the run ends when it is not.
pub async fn admit(
    github: &GitHub,
    intent: &Intent,
    pull: &PullRequest,
    config: &Config,
    overrides: &Overrides,
) -> Result<Admission, Stop> {
    let mut overrides = overrides.clone();
    let (mut again, mut dismissal) = (false, None);
    match &intent.cause {
        Cause::Automatic { .. } => automatic(pull, config)?,
        Cause::Asked => {}
        Cause::Comment(comment) => {
            let asked = read_command(comment, config)?;
            may_ask(github, intent, comment).await?;
            match asked {
                Command::Review { full, strategy, lane, max_usd } => {
                    again = full;
                    let strategy = strategy.as_deref().and_then(Strategy::parse);
                    overrides.strategy = strategy.or(overrides.strategy);
                    overrides.max_cost = [overrides.max_cost, max_usd].into_iter().flatten().min();
                    overrides.only_lane = lane.or(overrides.only_lane.take());
                }
                Command::Dismiss { id, reason } => {
                    let by = comment.author.as_ref().map(|author| author.login.clone()).unwrap_or_default();
                    dismissal = Some(Dismissal { id, comment: comment.id, by, reason, counts: true });
                }
            }
        }
    }
    if pull.closed {
        return Err(Stop::skip(Reason::Closed, "The pull request is closed.", ""));
    }
    let settings = settle(config, &overrides).map_err(|message| {
        let advice = "Correct the configuration, the input or the command.";
        Stop::fail(Reason::BadConfiguration, ExitCode::Usage, sentence(&message), advice)
    })?;
    Ok(Admission { settings: settings.against(&pull.base_ref), again, dismissal })
}

/// Drafts and dependency bots are not reviewed unless somebody asks or the configuration says so.
fn automatic(pull: &PullRequest, config: &Config) -> Result<(), Stop> {
    let advice = "Comment `/review` to have it reviewed all the same.";
    if pull.draft && !config.drafts {
        return Err(Stop::skip(Reason::Draft, "Drafts are not reviewed until they are ready.", advice));
    }
    let login = pull.author.as_ref().map_or("", |author| author.login.as_str());
    let wanted = config.bots.iter().any(|bot| bot.eq_ignore_ascii_case(login));
    if event::is_dependency_bot(login) && !wanted {
        let what = "Pull requests of dependency bots are not reviewed on their own.";
        return Err(Stop::skip(Reason::DependencyBot, what, advice));
    }
    Ok(())
}

fn read_command(comment: &EventComment, config: &Config) -> Result<Command, Stop> {
    let trigger = config.trigger.as_deref().unwrap_or("/review");
    let settings = settle(config, &Overrides::default()).map(|settings| settings.lanes).unwrap_or_default();
    let lanes: Vec<&str> = settings.iter().map(|lane| lane.name.as_str()).collect();
    match command::parse(&comment.body, trigger, &lanes, &Strategy::WORDS) {
        Ok(Some(command)) => Ok(command),
        Ok(None) => Err(Stop::skip(
            Reason::NoCommand,
            format!("The comment does not ask for a review with `{trigger}`."),
            "",
        )),
        Err(message) => Err(Stop::skip(
            Reason::BadCommand,
            sentence(&message),
            "Write the command again in a new comment.",
        )),
    }
}

/// Only people who may write to the repository may spend its money. The permission endpoint decides; a
/// login or an association does not.
async fn may_ask(github: &GitHub, intent: &Intent, comment: &EventComment) -> Result<(), Stop> {
    let login = comment.author.as_ref().map_or("", |author| author.login.as_str());
    let refused = |what: &str| {
        let advice = "Ask somebody with write access to comment.";
        Err(Stop::skip(Reason::NotPermitted, what.to_owned(), advice))
    };
    match github.permission(&intent.repo, login).await {
        Ok(Permission::Write) => Ok(()),
        Ok(Permission::Less) => refused("Only people with write access may ask for a review."),
        Err(cause) => {
            let what = format!("Nobody could say whether the commenter may ask for a review: {cause}.");
            let advice = cause.advice().unwrap_or_else(|| "Try again later.".to_owned());
            Err(Stop::fail(Reason::GithubUnreadable, ExitCode::Github, what, sentence(&advice)))
        }
    }
}

/// Whether any lane can be reached with what the event gives.
///
/// # Errors
/// How the run ends when that is nothing.
pub fn keys(outside: &Outside, intent: &Intent, lanes: &[Lane]) -> Result<(), Stop> {
    if intent.cause.is_restricted() && !lanes.iter().any(|lane| outside.can_reach(lane)) {
        let what = "GitHub gives no secrets to this event, because the pull request comes from a fork or from \
                    Dependabot.";
        let advice = "A maintainer can comment `/review`: that run has the keys and checks out no code.";
        return Err(Stop::skip(Reason::ForkNoSecrets, what, advice));
    }
    Ok(())
}
