//! The story of a run, and nothing else.

use std::path::Path;

use futures_util::future::join;

use crate::adapters::Outside;
use crate::adapters::agents::Repository;
use crate::adapters::git::Workspace;
use crate::adapters::github::GitHub;
use crate::adapters::tree::Tree;
use crate::domain::budget::Ledger;
use crate::domain::config::{Config, DEFAULT_MAX_TIME, Gate, OnFailure, Overrides, Settings, settle};
use crate::domain::debate;
use crate::domain::diff::{Diff, FileDiff};
use crate::domain::dismissal::Dismissal;
use crate::domain::event::{Cause, Intent};
use crate::domain::lane::Engine;
use crate::domain::marker::SummaryMarker;
use crate::domain::outcome::{ExitCode, GateState, Outcome, Reason, Stop, Tally, gate};
use crate::domain::plan::Plan;
use crate::domain::pull::PullRequest;
use crate::domain::reconcile;
use crate::domain::render;
use crate::domain::review::{self, Review, Standing};
use crate::domain::snapshot::{Place, Snapshot};
use crate::domain::units::MicroUsd;
use crate::stages::context::{self, Context};
use crate::stages::publish::Eyes;
use crate::stages::report::{Circumstances, Ending};
use crate::stages::{challenge, passes, plan, publish, report, snapshot, trigger};

/// What is to be done besides what the event says.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// What inputs and flags say above the configuration.
    pub overrides: Overrides,
    /// The path of the configuration in the base branch.
    pub config_path: String,
    /// A configuration that is used instead of the base branch's.
    pub config: Option<Config>,
    /// Whether anything is written to GitHub.
    pub post: bool,
}

/// Where the files of a review stand.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// On GitHub.
    GitHub(&'a GitHub),
    /// In a repository on this machine.
    Repository(&'a Path),
    /// Nowhere: there is only a diff.
    Diff,
}

/// What a run has seen by the time it has to stop.
#[derive(Default)]
struct Seen {
    pull: Option<PullRequest>,
    place: Option<Place>,
    eyes: Option<Eyes>,
    settings: Option<Settings>,
}

/// A run inside GitHub Actions: read the event, decide, review, publish, report.
pub async fn action(outside: &Outside, wishes: &Wishes) -> (Ending, Option<Review>) {
    match trigger::intent(&outside.env) {
        Ok(intent) => pull_request(outside, &intent, wishes).await,
        Err(stop) => (unstarted(outside, &stop), None),
    }
}

/// A run whose inputs cannot be read.
pub fn misconfigured(outside: &Outside, message: &str) -> Ending {
    let what = format!("The inputs cannot be read: {message}.");
    let advice = "Correct the input in the workflow.";
    unstarted(outside, &Stop::fail(Reason::BadConfiguration, ExitCode::Usage, what, advice))
}

fn unstarted(outside: &Outside, stop: &Stop) -> Ending {
    let circumstances = Circumstances { restricted: false, on_failure: OnFailure::Neutral, check: None };
    let (secrets, elapsed) = (outside.terminal.secrets(), outside.clock.elapsed());
    report::stop(&outside.env, stop, 0, GateState::Off, &secrets, elapsed, circumstances)
}

/// A review of a pull request on GitHub, whoever asked for it. The review itself is handed on where models
/// were asked.
pub async fn pull_request(outside: &Outside, intent: &Intent, wishes: &Wishes) -> (Ending, Option<Review>) {
    let mut seen = Seen::default();
    let github = match outside.github() {
        Ok(github) => github,
        Err(stop) => return (stopped(outside, None, intent, wishes, &seen, &stop).await, None),
    };
    let told = tell(outside, &github, intent, wishes, &mut seen).await;
    let (ending, review) = match told {
        Ok((ending, review)) => (ending, review.map(|review| *review)),
        Err(stop) => (stopped(outside, Some(&github), intent, wishes, &seen, &stop).await, None),
    };
    let release = publish::release(&github, intent, seen.eyes.take());
    outside.clock.with_grace(release).await;
    tracing::debug!("{} requests to GitHub", github.calls());
    (ending, review)
}

/// The story itself.
async fn tell(
    outside: &Outside,
    github: &GitHub,
    intent: &Intent,
    wishes: &Wishes,
    seen: &mut Seen,
) -> Result<(Ending, Option<Box<Review>>), Stop> {
    let time = wishes.overrides.max_time.unwrap_or(DEFAULT_MAX_TIME);
    let reader = github.until(outside.clock.after_start(time));

    // What is it about, and may it be reviewed?
    outside.terminal.group("Reading the pull request");
    let given = wishes.config.clone();
    let secrets = outside.terminal.secrets();
    let opening = snapshot::open(&reader, intent, &wishes.config_path, given, &secrets, &mut seen.pull);
    let opened = uncancelled(outside, opening).await?.map_err(|stop| {
        // Where there are no keys, it does not matter that the lanes could not be read either.
        let usual = settle(&Config::default(), &wishes.overrides).ok();
        usual.and_then(|usual| trigger::keys(outside, intent, &usual.lanes).err()).unwrap_or(stop)
    })?;
    let admitted = trigger::admit(&reader, intent, &opened.pull, &opened.config, &wishes.overrides);
    let admitted = uncancelled(outside, admitted).await??;
    seen.settings = Some(admitted.settings.clone());
    if let Some(order) = &admitted.dismissal {
        if wishes.post {
            seen.eyes = uncancelled(outside, publish::acknowledge(github, intent)).await?;
        }
        let command = intent.cause.comment();
        let place = snapshot::place(&reader, &intent.repo, &opened, command);
        let place = uncancelled(outside, place).await??;
        let writer = github.until(outside.clock.for_publishing(admitted.settings.max_time));
        let ending = dismiss(outside, &writer, order, &place, &admitted.settings, wishes.post).await?;
        return Ok((ending, None));
    }
    trigger::keys(outside, intent, &admitted.settings.lanes)?;
    if wishes.post {
        seen.eyes = uncancelled(outside, publish::acknowledge(github, intent)).await?;
    }

    // What does it hold, and what did we say about it before?
    let (workspace, settings) = (outside.workspace(), admitted.settings);
    let taken = snapshot::take(
        &reader,
        &intent.repo,
        &opened,
        &settings,
        &wishes.config_path,
        workspace.as_ref(),
        &secrets,
    );
    let snapshot = uncancelled(outside, taken).await??;
    seen.place = snapshot.place.clone();
    outside.terminal.end_group();
    if wishes.post
        && !admitted.again
        && let Some(ending) = reviewed_before(outside, github, &snapshot, &settings).await
    {
        return Ok((ending, None));
    }

    // Ask the lanes, and publish what they say.
    let mut review = ask(outside, Source::GitHub(&reader), snapshot, settings).await?;
    if wishes.post {
        outside.terminal.group("Publishing");
        let writer = github.until(outside.clock.for_publishing(review.settings.max_time));
        let published = outside.clock.with_grace(publish::review(&writer, &mut review, &outside.clock)).await;
        review.standing.cancelled |= published.is_none();
        outside.terminal.end_group();
    }
    let circumstances = Circumstances {
        restricted: intent.cause.is_restricted(),
        on_failure: review.settings.on_failure,
        check: review.standing.check,
    };
    let ending = report::review(&outside.env, &review, &outside.terminal.secrets(), circumstances);
    Ok((ending, Some(Box::new(review))))
}

/// Drops a finding because somebody who may write says so. The gates are decided anew from what is left; no model is
/// asked.
async fn dismiss(
    outside: &Outside,
    github: &GitHub,
    order: &Dismissal,
    place: &Place,
    settings: &Settings,
    post: bool,
) -> Result<Ending, Stop> {
    let earlier = &place.earlier;
    let advice = "Write the command again in a new comment.";
    let unknown = |what: String| Stop::skip(Reason::BadCommand, what, advice);
    let thread = earlier.thread(&order.id);
    let thread = thread.ok_or_else(|| unknown(format!("No finding here has the id `{}`.", order.id)))?;
    let summary = earlier.summary.as_ref().zip(earlier.summary_marker.as_ref());
    let (summary, remembered) = summary.ok_or_else(|| {
        unknown("There is no summary comment that could remember the dismissal.".to_owned())
    })?;
    let others = earlier.dismissals.iter().filter(|other| other.id != order.id).cloned();
    let dismissals: Vec<Dismissal> = others.chain([order.clone()]).collect();
    let remembered = remembered.given(&dismissals);
    // What is not known for a review of this head decides nothing.
    let memory = earlier.review_of(&place.pull.head).map(|memory| memory.given(&dismissals));
    let outcome = memory.as_ref().map_or(Outcome::Partial, |memory| memory.outcome);
    let decided = memory.unwrap_or_else(|| SummaryMarker { outcome, ..remembered.clone() });
    let state = gate(&settings.fail_on, decided.outcome, &decided.tally);
    if post {
        let body =
            render::dismissal::on_summary(&summary.body, &remembered, &settings.fail_on, order, thread);
        let known = earlier.check.filter(|_| earlier.review_of(&place.pull.head).is_some());
        let check = known.map(|_| render::check::decided_again(&decided, state, &settings.fail_on));
        let written = publish::dismiss(github, place, order, summary, &body, check);
        let written = outside.clock.with_grace(written).await.unwrap_or(Ok(()));
        written.map_err(|cause| {
            let what = format!("The dismissal could not be written down: {cause}.");
            Stop::fail(Reason::GithubUnwritable, ExitCode::Github, what, advice)
        })?;
    }
    let what = format!("`{}` is dismissed, so it counts no more. No model was asked.", order.id);
    let told = ("a finding was dismissed", what);
    let url = Some(summary.url.clone());
    Ok(report::remembered(
        &outside.env,
        &decided,
        state,
        settings.lanes.len(),
        url,
        outside.clock.elapsed(),
        told,
    ))
}

/// A review of a diff that stands on no GitHub.
pub async fn local(
    outside: &Outside,
    source: Source<'_>,
    snapshot: Snapshot,
    config: &Config,
    overrides: &Overrides,
) -> (Ending, Option<Review>) {
    let settings = settle(config, overrides).map_err(|message| {
        let advice = "Correct the configuration or the flag.";
        Stop::fail(Reason::BadConfiguration, ExitCode::Usage, message, advice)
    });
    let asked = async { ask(outside, source, snapshot, settings?).await };
    match asked.await {
        Ok(mut review) => {
            review.elapsed = outside.clock.elapsed();
            let circumstances = Circumstances { restricted: false, on_failure: OnFailure::Fail, check: None };
            let secrets = outside.terminal.secrets();
            (report::review(&outside.env, &review, &secrets, circumstances), Some(review))
        }
        Err(stop) => (unstarted(outside, &stop), None),
    }
}

/// Plan, passes, verdicts: from a snapshot to a review that nobody has seen yet.
async fn ask(
    outside: &Outside,
    source: Source<'_>,
    snapshot: Snapshot,
    settings: Settings,
) -> Result<Review, Stop> {
    let spent = snapshot.place.as_ref().map(|place| place.earlier.spent()).unwrap_or_default();
    let cap = settings.max_cost.min(settings.per_pull.minus(spent));
    let snapshot = uncancelled(outside, with_evidence(outside, snapshot, &settings)).await?;
    let selection = plan::select(&settings, &snapshot)?;
    let reached = outside.endpoints(&settings.lanes, outside.clock.after_start(settings.max_time));
    let explained = explain(source, &snapshot, &selection.files, outside);
    let (endpoints, context) = uncancelled(outside, join(reached, explained)).await?;
    let endpoints = endpoints?;
    let plan = plan::make(&settings, &snapshot, &selection, &context.around, &endpoints, cap)?;
    let plan = Plan { unexplained: context.problems.clone(), ..plan };
    let parts = render::words::count(plan.batches.len(), "part");
    tracing::info!("{parts} to read, worst case {}, usually about {}", plan.bound, plan.estimate);

    let repository = uncancelled(outside, lend(outside, &snapshot, &plan, &settings)).await?;
    outside.terminal.group("Reviewing");
    let ledger = Ledger::new(cap);
    let tree = tree(source, &snapshot, &settings, outside);
    let (diff, around) = (&snapshot.diff, &context.around);
    let matter = passes::Matter { diff, around, tree: tree.as_ref(), repository: repository.as_ref() };
    let mut passes = passes::Passes::new(&outside.http, &endpoints, &plan, matter, ledger, &outside.clock);
    passes.review().await;
    debate(outside, &plan, &mut passes, diff, tree.as_ref()).await;
    let passes::Finished { reports, ledger } = passes.finish();
    outside.terminal.end_group();

    let coverage = plan.coverage(&reports);
    let standing = Standing { cancelled: outside.clock.is_cancelled(), ..Standing::default() };
    let elapsed = outside.clock.elapsed();
    let (listed, dismissed) = (Vec::new(), Vec::new());
    let mut review =
        Review { snapshot, settings, plan, reports, coverage, listed, dismissed, ledger, standing, elapsed };
    review.decide();
    Ok(review)
}

/// What other tools say about it, where their reports are about what is reviewed: in a workflow, or beside a local diff.
async fn with_evidence(outside: &Outside, mut snapshot: Snapshot, settings: &Settings) -> Snapshot {
    let workspace = outside.workspace().filter(|here| here.of_runner || snapshot.place.is_none());
    match workspace {
        _ if settings.evidence.is_empty() => {}
        Some(workspace) => {
            let (names, secrets) = (outside.workspace_names(), outside.terminal.secrets());
            return snapshot::with_evidence(snapshot, &settings.evidence, workspace, names, secrets).await;
        }
        None => snapshot.notes.push(render::outside::ELSEWHERE.to_owned()),
    }
    snapshot
}

/// Lets each lane check what only others found, and answer for what is refuted, until nothing is left to ask.
async fn debate(
    outside: &Outside,
    plan: &Plan,
    passes: &mut passes::Passes<'_>,
    diff: &Diff,
    tree: Option<&Tree>,
) {
    loop {
        let reports = passes.reports();
        let issues = reconcile::reconcile(&review::said(plan, &reports));
        let turns = debate::turns(plan, &reports, &issues);
        if turns.is_empty() {
            return;
        }
        let said = challenge::Said { plan, reports: &reports, issues: &issues };
        let secrets = outside.terminal.secrets();
        let looking_up = challenge::questions(turns.clone(), said, diff, tree, &secrets);
        let until = outside.clock.after_start(plan.time);
        let questions = match outside.clock.limit(until, looking_up).await {
            Ok(questions) => questions,
            // They are told as not asked.
            Err(_) => challenge::questions(turns, said, diff, None, &secrets).await,
        };
        passes.debate(&questions).await;
    }
}

/// What stands around the changes, as far as it can be had.
async fn explain(source: Source<'_>, snapshot: &Snapshot, files: &[&FileDiff], outside: &Outside) -> Context {
    let secrets = outside.terminal.secrets();
    match (source, &snapshot.head, &snapshot.place) {
        (Source::GitHub(github), Some(head), Some(place)) => {
            context::read(github, &place.repo, head, files, &secrets).await
        }
        (Source::Repository(folder), Some(head), _) => {
            context::read_local(folder, head, files, &secrets).await
        }
        _ => Context::default(),
    }
}

/// The reviewed commit, for lanes that may look into it.
fn tree(source: Source<'_>, snapshot: &Snapshot, settings: &Settings, outside: &Outside) -> Option<Tree> {
    let head = snapshot.head.clone()?;
    let (workspace, github) = match source {
        Source::GitHub(github) => {
            (outside.workspace(), Some((github.clone(), snapshot.place.as_ref()?.repo.clone())))
        }
        Source::Repository(folder) => (Some(Workspace { folder: folder.to_owned(), of_runner: false }), None),
        Source::Diff => return None,
    };
    Some(Tree::new(head, workspace, github, settings.exclude.clone(), outside.terminal.secrets()))
}

/// What agent command lines may look into, where there is one and the workspace holds the reviewed commit.
async fn lend(
    outside: &Outside,
    snapshot: &Snapshot,
    plan: &Plan,
    settings: &Settings,
) -> Option<Repository> {
    let (workspace, head) = (outside.workspace()?, snapshot.head.as_ref()?);
    let asked = plan.lanes.iter().any(|planned| planned.lane.engine != Engine::Api);
    if !asked {
        return None;
    }
    let secrets = outside.terminal.secrets();
    let copying = Repository::copy(&workspace, head, &settings.exclude, &secrets);
    outside.clock.limit(outside.clock.after_start(settings.max_time), copying).await.ok().flatten()
}

/// A head that was reviewed whole under the same configuration is not reviewed again.
async fn reviewed_before(
    outside: &Outside,
    github: &GitHub,
    snapshot: &Snapshot,
    settings: &Settings,
) -> Option<Ending> {
    let place = snapshot.place.as_ref()?;
    let memory = place.earlier.whole_review_of(&place.pull.head, &settings.fingerprint)?;
    let memory = memory.given(&place.earlier.dismissals);
    let state = gate(&settings.fail_on, Outcome::Reviewed, &memory.tally);
    let check = render::check::decided_again(&memory, state, &settings.fail_on);
    outside.clock.with_grace(publish::decide_again(github, place, &memory, check)).await;
    let url = place.earlier.summary.as_ref().map(|comment| comment.url.clone());
    let what = format!(
        "`{}` was reviewed before under the same configuration, so no model was asked. Comment `/review full` to have it \
         reviewed again.",
        memory.head.short()
    );
    let (lanes, elapsed) = (settings.lanes.len(), outside.clock.elapsed());
    Some(report::remembered(&outside.env, &memory, state, lanes, url, elapsed, ("already reviewed", what)))
}

/// A run without a review: told on the pull request where one was due, and reported.
async fn stopped(
    outside: &Outside,
    github: Option<&GitHub>,
    intent: &Intent,
    wishes: &Wishes,
    seen: &Seen,
    stop: &Stop,
) -> Ending {
    outside.terminal.end_group();
    let chosen = seen.settings.as_ref();
    let fail_on: Vec<Gate> = match chosen {
        Some(settings) => settings.fail_on.clone(),
        None => wishes.overrides.fail_on.clone().unwrap_or_default(),
    };
    let on_failure =
        chosen.map_or(wishes.overrides.on_failure.unwrap_or_default(), |settings| settings.on_failure);
    let due =
        stop.outcome == Outcome::Failed || matches!(stop.reason, Reason::Budget | Reason::NothingToReview);
    // Where there is nothing to review, nothing is missing either.
    let state = match stop.reason {
        Reason::NothingToReview if !fail_on.is_empty() => GateState::Passed,
        _ if due => gate(&fail_on, stop.outcome, &Tally::default()),
        _ => GateState::Off,
    };
    let mut check = None;
    if let Some(github) = github.filter(|_| wishes.post) {
        if matches!(stop.reason, Reason::NotPermitted | Reason::BadCommand | Reason::Closed) {
            outside.clock.with_grace(publish::refuse(github, intent)).await;
        }
        // A comment leaves no trace until it is known for a command of somebody who may give it.
        let heard = chosen.is_some() || !matches!(intent.cause, Cause::Comment(_));
        if let Some(pull) = seen.pull.as_ref().filter(|_| due && heard) {
            let spent = seen.place.as_ref().map_or(MicroUsd::ZERO, |place| place.earlier.spent());
            let told = publish::tell(github, &intent.repo, pull, seen.place.as_ref(), stop, state, spent);
            check = outside.clock.with_grace(told).await.flatten();
        }
    }
    let restricted = intent.cause.is_restricted();
    let circumstances = Circumstances { restricted, on_failure, check };
    let asked = chosen.filter(|_| stop.outcome == Outcome::Failed).map_or(0, |settings| settings.lanes.len());
    report::stop(
        &outside.env,
        stop,
        asked,
        state,
        &outside.terminal.secrets(),
        outside.clock.elapsed(),
        circumstances,
    )
}

async fn uncancelled<T>(outside: &Outside, future: impl Future<Output = T>) -> Result<T, Stop> {
    outside.clock.unless_cancelled(future).await.map_err(|_| {
        let advice = "Run it again when you want the review.";
        Stop::fail(
            Reason::Cancelled,
            ExitCode::NoReview,
            "The run was cancelled before a model was asked.",
            advice,
        )
    })
}
