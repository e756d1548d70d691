//! What made a run start, as values; and the rules that need nothing but the event.

use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pull::Account;
use crate::domain::units::{PullNumber, RepoName};

/// A GitHub event as far as Counterpoint looks at it. Everything in it is untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `pull_request`, `issue_comment`, …
    pub name: String,
    /// `opened`, `created`, …
    pub action: String,
    /// Who caused it.
    pub sender: Option<Account>,
    /// The pull request, on pull request events.
    pub pull: Option<EventPull>,
    /// The comment, on comment events.
    pub comment: Option<EventComment>,
    /// The number given by hand, on dispatch.
    pub dispatched: Option<String>,
}

/// The pull request of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPull {
    /// Its number.
    pub number: PullNumber,
    /// Whether its head lives in the repository of its base.
    pub same_repository: bool,
}

/// The comment of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventComment {
    /// GitHub's id.
    pub id: u64,
    /// The number of the issue or pull request it stands under.
    pub number: PullNumber,
    /// Whether that is a pull request.
    pub on_pull_request: bool,
    /// Who wrote it.
    pub author: Option<Account>,
    /// Its text.
    pub body: String,
}

/// What a run was asked to do, by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The repository of the pull request.
    pub repo: RepoName,
    /// The pull request.
    pub pull: PullNumber,
    /// What made the run start.
    pub cause: Cause,
}

/// What made a run start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something happened to the pull request.
    Automatic {
        /// Whether the event may carry no keys and no right to write: a fork, or Dependabot.
        restricted: bool,
    },
    /// Somebody named the pull request: a dispatch, or a terminal.
    Asked,
    /// Somebody wrote a comment, which may or may not be a command.
    Comment(EventComment),
}

impl Cause {
    /// The comment that may be a command.
    #[must_use]
    pub const fn comment(&self) -> Option<&EventComment> {
        match self {
            Self::Comment(comment) => Some(comment),
            Self::Automatic { .. } | Self::Asked => None,
        }
    }

    /// Whether the event gives neither keys nor rights, whatever the workflow says.
    #[must_use]
    pub const fn is_restricted(&self) -> bool {
        matches!(self, Self::Automatic { restricted: true })
    }
}

/// Reads what a run is asked to do. `given` is the input `pull-request`, which names the pull request for
/// events that do not.
///
/// # Errors
/// How the run ends when the event asks for nothing.
pub fn intent(event: &Event, repo: RepoName, given: Option<&str>) -> Result<Intent, Stop> {
    let number = |text: &str| {
        text.parse::<PullNumber>().map_err(|message| {
            let advice = "Set it to a number such as 7.";
            let what = format!("The input `pull-request` cannot be read: {message}.");
            Stop::fail(Reason::BadConfiguration, ExitCode::Usage, what, advice)
        })
    };
    let given = given.map(number).transpose()?;
    let (pull, cause) = match event.name.as_str() {
        "pull_request" | "pull_request_target" => {
            let Some(pull) = &event.pull else { return Err(no_pull_request(event)) };
            if event.action == "closed" {
                return Err(Stop::skip(Reason::Closed, "The pull request was closed.", ""));
            }
            let from_dependabot =
                event.sender.as_ref().is_some_and(|sender| sender.login == "dependabot[bot]");
            // `pull_request_target` runs with the rights of the base branch, wherever the head lives.
            let restricted = event.name == "pull_request" && (!pull.same_repository || from_dependabot);
            (pull.number, Cause::Automatic { restricted })
        }
        "issue_comment" => {
            let Some(comment) = &event.comment else { return Err(no_pull_request(event)) };
            if !comment.on_pull_request {
                let what = "The comment stands under an issue, not under a pull request.";
                return Err(Stop::skip(Reason::NoPullRequest, what, ""));
            }
            if event.action != "created" {
                let what = "Only a new comment is a command; this one was edited or deleted.";
                return Err(Stop::skip(Reason::NoCommand, what, ""));
            }
            if comment.author.as_ref().is_none_or(|author| author.bot) {
                return Err(Stop::skip(Reason::NoCommand, "Comments by bots are not commands.", ""));
            }
            (comment.number, Cause::Comment(comment.clone()))
        }
        "workflow_dispatch" => {
            let dispatched = || event.dispatched.as_deref().map(number).transpose();
            let Some(number) = given.map_or_else(dispatched, |given| Ok(Some(given)))? else {
                let what = "The workflow was started by hand without the number of a pull request.";
                let advice = "Give the workflow an input `pull-request` and pass it on, or set the action's \
                              input `pull-request`.";
                return Err(Stop::fail(Reason::NoPullRequest, ExitCode::Usage, what, advice));
            };
            (number, Cause::Asked)
        }
        _ => match given {
            Some(number) => (number, Cause::Asked),
            None => return Err(no_pull_request(event)),
        },
    };
    Ok(Intent { repo, pull, cause })
}

fn no_pull_request(event: &Event) -> Stop {
    let name: String =
        event.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
    let what = match name.as_str() {
        "" => "The event file names no event.".to_owned(),
        name => format!("The event `{name}` holds no pull request."),
    };
    let advice = "Run Counterpoint on `pull_request`, `issue_comment` or `workflow_dispatch`, or set the input \
                  `pull-request`.";
    Stop::fail(Reason::NoPullRequest, ExitCode::Usage, what, advice)
}

/// Accounts that keep dependencies up to date. Their pull requests are reviewed when somebody asks;
/// coding agents' are reviewed like anybody's.
const DEPENDENCY_BOTS: [&str; 8] = [
    "dependabot[bot]",
    "dependabot-preview[bot]",
    "renovate[bot]",
    "renovate-bot",
    "greenkeeper[bot]",
    "depfu[bot]",
    "pyup-bot",
    "snyk-bot",
];

/// Whether the account only keeps dependencies up to date.
#[must_use]
pub fn is_dependency_bot(login: &str) -> bool {
    DEPENDENCY_BOTS.iter().any(|bot| bot.eq_ignore_ascii_case(login))
}
