//! What stands on the pull request in the end: one review, one summary, one check. The only writer.

use std::time::Duration;

use futures_util::future;

use crate::adapters::clock::Clock;
use crate::adapters::github::{Error, GitHub, Reaction, Rejection, ReviewId, ReviewState};
use crate::domain::dismissal::Dismissal;
use crate::domain::event::{Cause, Intent};
use crate::domain::finding::Anchor;
use crate::domain::marker::{self, FindingMarker, ReviewMarker, SummaryMarker};
use crate::domain::outcome::{GateState, Outcome, Stop, Tally};
use crate::domain::pull::{Check, Conclusion, InlineComment, LineComment, PullRequest, TimelineComment};
use crate::domain::render;
use crate::domain::review::{Review, Shown};
use crate::domain::snapshot::{Earlier, Place};
use crate::domain::units::{MicroUsd, RepoName, Sha};

/// The longest wait for GitHub's own limits before a write is tried once more.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Our 👀 under a command, to be taken away at the end.
#[derive(Debug)]
pub struct Eyes {
    comment: u64,
    reaction: u64,
}

/// Shows the commenter that their command was seen.
pub async fn acknowledge(github: &GitHub, intent: &Intent) -> Option<Eyes> {
    let Cause::Comment(comment) = &intent.cause else { return None };
    match github.react(&intent.repo, comment.id, Reaction::Eyes).await {
        Ok(reaction) => Some(Eyes { comment: comment.id, reaction }),
        Err(cause) => {
            tracing::warn!("the command could not be acknowledged: {cause}");
            None
        }
    }
}

/// Takes the 👀 away.
pub async fn release(github: &GitHub, intent: &Intent, eyes: Option<Eyes>) {
    if let Some(eyes) = eyes
        && let Err(cause) = github.unreact(&intent.repo, eyes.comment, eyes.reaction).await
    {
        tracing::warn!("the 👀 could not be taken away: {cause}");
    }
}

/// Shows the commenter that their command is refused.
pub async fn refuse(github: &GitHub, intent: &Intent) {
    if let Cause::Comment(comment) = &intent.cause
        && let Err(cause) = github.react(&intent.repo, comment.id, Reaction::Confused).await
    {
        tracing::warn!("the refusal could not be shown: {cause}");
    }
}

/// Brings the pull request to what the review says, and notes in it what could not be written. A signal in the
/// middle leaves the summary and the check telling of it.
pub async fn review(github: &GitHub, review: &mut Review, clock: &Clock) {
    if review.snapshot.place.is_none() {
        return;
    }
    if clock.unless_cancelled(whole(github, review, clock)).await.is_err() {
        last_words(github, review, clock).await;
    }
}

/// Everything, in the order that makes the check the seal on it.
async fn whole(github: &GitHub, review: &mut Review, clock: &Clock) {
    look_again(github, review).await;
    let Some(place) = review.snapshot.place.clone() else { return };
    inline(github, &place, review).await;
    review.elapsed = clock.elapsed();
    if !is_quiet(review) || place.earlier.summary.is_some() {
        let written = summary(github, &place, review).await;
        note_summary(review, written);
    }
    let written =
        check(github, &place.repo, render::check::of(review, &place.pull.head), place.earlier.check).await;
    note_check(review, written);
    if review.standing.no_check && !review.standing.read_only {
        // Now the summary is the only place that remembers this run, and it says so.
        let written = summary(github, &place, review).await;
        note_summary(review, written);
    }
}

/// A cancelled run: what is written down is that it was cancelled. Lines of this commit are not worth a comment
/// any more, because a newer run may be at work already.
async fn last_words(github: &GitHub, review: &mut Review, clock: &Clock) {
    review.standing.cancelled = true;
    withdraw_inline(review);
    review.elapsed = clock.elapsed();
    let Some(mut place) = review.snapshot.place.clone() else { return };
    // A summary may have been on its way when the signal came.
    if let Ok(timeline) = github.timeline_comments(&place.repo, place.number()).await {
        place.earlier.summary = Earlier::sort(&place.me, &timeline, Vec::new()).summary;
    }
    let (summary, check) = future::join(
        summary(github, &place, review),
        check(github, &place.repo, render::check::of(review, &place.pull.head), place.earlier.check),
    )
    .await;
    note_summary(review, summary);
    note_check(review, check);
}

/// What changed on the pull request while the lanes were reading: its head, and what another run wrote.
async fn look_again(github: &GitHub, review: &mut Review) {
    let Some(place) = review.snapshot.place.as_mut() else { return };
    let (repo, number) = (place.repo.clone(), place.number());
    let (pull, timeline, lines) = future::join3(
        github.pull(&repo, number),
        github.timeline_comments(&repo, number),
        github.line_comments(&repo, number),
    )
    .await;
    match pull {
        Ok(now) if now.head != place.pull.head => review.standing.head_moved = Some(now.head),
        Ok(_) => {}
        Err(cause) => tracing::warn!("nobody could say whether the head moved: {cause}"),
    }
    if let (Ok(timeline), Ok(lines)) = (timeline, lines) {
        let now = Earlier::sort(&place.me, &timeline, lines);
        let known = &mut place.earlier;
        (known.summary, known.threads, known.summary_marker) = (now.summary, now.threads, now.summary_marker);
        known.dismissals = github.permitted(&repo, now.dismissals).await;
        review.show_again();
    }
}

/// Whether the check says all there is to say.
fn is_quiet(review: &Review) -> bool {
    review.outcome().0 == Outcome::Reviewed
        && review.listed.is_empty()
        && review.dismissed.is_empty()
        && render::summary::warnings(review).is_empty()
}

/// Posts the inline comments as one review, all or none, and reads back what stands there.
async fn inline(github: &GitHub, place: &Place, review: &mut Review) {
    let head = &place.pull.head;
    let comments: Vec<(String, InlineComment)> = review
        .listed
        .iter()
        .filter_map(|listed| {
            let Shown::ToPost(anchor) = &listed.shown else { return None };
            let body = render::inline::body(review, listed, anchor, head);
            Some((listed.id.clone(), InlineComment { anchor: anchor.clone(), body }))
        })
        .collect();
    if comments.is_empty() {
        return;
    }
    let body = format!(
        "Counterpoint left {}; the summary comment tells the rest.\n\n{}",
        render::words::count(comments.len(), "comment"),
        marker::write(&ReviewMarker { review: head.clone() })
    );
    let (sent, comments): (Vec<String>, Vec<InlineComment>) = comments.into_iter().unzip();
    match post_review(github, place, &body, &comments, &sent).await {
        Ok(()) => review.standing.published = true,
        Err(Error::Rejected { kind: Rejection::CommitGone, message, .. }) => {
            tracing::warn!("the reviewed commit left the pull request: {message}");
            if review.standing.head_moved.is_none() {
                review.standing.refused = comments.len();
            }
        }
        Err(cause) => {
            tracing::warn!("the inline comments were not taken: {cause}");
            review.standing.refused = comments.len();
            if !matches!(cause, Error::Rejected { .. } | Error::Forbidden { .. }) {
                review.standing.unwritable = Some(cause.to_string());
            }
        }
    }
    if review.standing.published {
        match standing_comments(github, place).await {
            Ok(standing) => settle_inline(review, &standing),
            // That they cannot be read back is no reason to say otherwise.
            Err(cause) => {
                tracing::warn!("the posted comments could not be read back: {cause}");
                believe_inline(review);
            }
        }
    }
    withdraw_inline(review);
}

/// Sends the review; on doubt looks first, and tries once more only if nothing stands there.
async fn post_review(
    github: &GitHub,
    place: &Place,
    body: &str,
    comments: &[InlineComment],
    sent: &[String],
) -> Result<(), Error> {
    let (repo, number, head) = (&place.repo, place.number(), &place.pull.head);
    let Err(cause) = github.review(repo, number, head, body, comments).await else { return Ok(()) };
    match &cause {
        Error::Rejected { kind: Rejection::Pending, .. } => {
            if !clear_pending(github, place).await {
                return Err(cause);
            }
        }
        Error::RateLimited { retry_after, .. } => {
            if !waited(github, retry_after.unwrap_or(LONGEST_WAIT)).await {
                return Err(cause);
            }
        }
        Error::Rejected { kind: Rejection::TooQuick, .. } => {
            if !waited(github, LONGEST_WAIT).await {
                return Err(cause);
            }
        }
        _ if cause.may_have_happened() => match standing_comments(github, place).await {
            Ok(standing)
                if standing.iter().any(|(marker, comment)| {
                    sent.contains(&marker.id)
                        && comment.author.as_ref().is_some_and(|author| author.is(&place.me))
                }) =>
            {
                return Ok(());
            }
            Ok(_) => {}
            // Nobody can say whether it stands there: a second one would be worse than none.
            Err(_) => return Err(cause),
        },
        _ => return Err(cause),
    }
    github.review(repo, number, head, body, comments).await.map(|_| ())
}

/// Waits for a limit of GitHub's, if the run has the time.
async fn waited(github: &GitHub, wait: Duration) -> bool {
    let fits = wait <= LONGEST_WAIT && github.has_time_for(wait);
    if fits {
        tokio::time::sleep(wait).await;
    }
    fits
}

/// Waits as long as an answer asks for.
async fn waited_for(github: &GitHub, cause: &Error) -> bool {
    match cause {
        Error::RateLimited { retry_after, .. } => waited(github, retry_after.unwrap_or(LONGEST_WAIT)).await,
        _ => false,
    }
}

/// Deletes a pending review of ours that an earlier run left behind; another's is left alone.
async fn clear_pending(github: &GitHub, place: &Place) -> bool {
    let Ok(reviews) = github.reviews(&place.repo, place.number()).await else { return false };
    let ours = reviews.into_iter().find(|review| {
        review.state == ReviewState::Pending
            && review.author.as_ref().is_some_and(|author| author.is(&place.me))
            && marker::is_ours(&review.body)
    });
    match ours {
        Some(review) => {
            github.delete_pending_review(&place.repo, place.number(), ReviewId(review.id)).await.is_ok()
        }
        None => false,
    }
}

/// Findings on this head as GitHub shows them now, whoever it names as their author: right after a review was
/// taken, that tells whether its comments stand even if the token posts under another name than we believed.
async fn standing_comments(
    github: &GitHub,
    place: &Place,
) -> Result<Vec<(FindingMarker, LineComment)>, Error> {
    let comments = github.line_comments(&place.repo, place.number()).await?;
    let ours = comments
        .into_iter()
        .filter_map(|comment| Some((marker::read::<FindingMarker>(&comment.body)?, comment)))
        .filter(|(marker, _)| marker.head == place.pull.head);
    Ok(ours.collect())
}

/// Takes the posted comments for standing, at the page of the pull request.
fn believe_inline(review: &mut Review) {
    let Some(page) = review.snapshot.place.as_ref().map(|place| place.pull.url.clone()) else { return };
    for listed in &mut review.listed {
        if let Shown::ToPost(anchor) = &listed.shown {
            listed.shown = Shown::Inline { anchor: anchor.clone(), url: page.clone(), earlier: false };
        }
    }
}

/// Believes what is read back, not what was sent.
fn settle_inline(review: &mut Review, standing: &[(FindingMarker, LineComment)]) {
    for listed in &mut review.listed {
        let Shown::ToPost(anchor) = &listed.shown else { continue };
        if let Some((_, comment)) = standing.iter().find(|(marker, _)| marker.id == listed.id) {
            let (anchor, url): (Anchor, String) = (anchor.clone(), comment.url.clone());
            listed.shown = Shown::Inline { anchor, url, earlier: false };
        } else {
            review.standing.refused += 1;
        }
    }
}

/// What was not posted stands in the summary.
fn withdraw_inline(review: &mut Review) {
    for listed in &mut review.listed {
        if matches!(listed.shown, Shown::ToPost(_)) {
            listed.shown = Shown::Summary;
        }
    }
}

/// Writes the summary comment: the one that stands is edited, on doubt about a new one it is looked for. What
/// an earlier run found stays when nobody answered this one.
async fn summary(github: &GitHub, place: &Place, review: &Review) -> Result<TimelineComment, Error> {
    let standing = review.standing.summary.as_ref().or(place.earlier.summary.as_ref());
    let kept = standing
        .filter(|_| !review.is_answered())
        .and_then(|comment| render::stop::failed_on_top(&comment.body, review));
    let body = kept.unwrap_or_else(|| render::summary::comment(review));
    write_summary(github, place, standing, &body).await
}

async fn write_summary(
    github: &GitHub,
    place: &Place,
    standing: Option<&TimelineComment>,
    body: &str,
) -> Result<TimelineComment, Error> {
    if let Some(comment) = standing {
        match github.edit_comment(&place.repo, comment.id, body).await {
            Ok(_) => return Ok(comment.clone()),
            // Somebody deleted it since it was read.
            Err(Error::NotFound { .. }) => {}
            Err(cause) if cause.may_have_happened() => {
                // An edit may be repeated: it says the same.
                return github.edit_comment(&place.repo, comment.id, body).await.map(|_| comment.clone());
            }
            Err(cause) => return Err(cause),
        }
    }
    match github.comment(&place.repo, place.number(), body).await {
        Ok(comment) => Ok(comment),
        Err(cause) if cause.may_have_happened() => {
            let timeline = github.timeline_comments(&place.repo, place.number()).await?;
            match Earlier::sort(&place.me, &timeline, Vec::new()).summary {
                Some(comment) => Ok(comment),
                None => github.comment(&place.repo, place.number(), body).await,
            }
        }
        Err(cause @ Error::RateLimited { .. }) => {
            if !waited_for(github, &cause).await {
                return Err(cause);
            }
            github.comment(&place.repo, place.number(), body).await
        }
        Err(cause) => Err(cause),
    }
}

/// Notes a dismissal in the summary comment, which is to read as `body` now, then in the check, and shows whoever
/// ordered it that it is done.
///
/// # Errors
/// Why the comment could not be written: then nothing is dismissed.
pub async fn dismiss(
    github: &GitHub,
    place: &Place,
    order: &Dismissal,
    summary: &TimelineComment,
    body: &str,
    check: Option<Check>,
) -> Result<(), Error> {
    write_summary(github, place, Some(summary), body).await?;
    if let Some(check) = check {
        write_again(github, place, check).await;
    }
    if let Err(cause) = github.react(&place.repo, order.comment, Reaction::Done).await {
        tracing::warn!("that the finding is dismissed could not be shown: {cause}");
    }
    Ok(())
}

/// Writes the check of a commit that was reviewed before, where the gates decide otherwise now.
pub async fn decide_again(github: &GitHub, place: &Place, memory: &SummaryMarker, now: Check) {
    let earlier = &place.earlier;
    let same = earlier.check_conclusion.as_deref() == Some(now.conclusion.as_str())
        && earlier.check_marker.as_ref() == Some(memory);
    if earlier.check.is_some() && !same {
        write_again(github, place, now).await;
    }
}

async fn write_again(github: &GitHub, place: &Place, now: Check) {
    if let Err(cause) = check(github, &place.repo, now, place.earlier.check).await {
        tracing::warn!("the check could not be decided again: {cause}");
    }
}

/// Writes the check: the one that stands is completed anew, else a new one is made.
async fn check(
    github: &GitHub,
    repo: &RepoName,
    check: Check,
    existing: Option<u64>,
) -> Result<Conclusion, Error> {
    let written = match github.check(repo, &check, existing).await {
        // Another app's check of the same name cannot be edited.
        Err(Error::Forbidden { .. } | Error::NotFound { .. }) if existing.is_some() => {
            github.check(repo, &check, None).await
        }
        Err(cause @ Error::RateLimited { .. }) => {
            if !waited_for(github, &cause).await {
                return Err(cause);
            }
            github.check(repo, &check, existing).await
        }
        // A check may be written twice: the newest of a name is the one that counts.
        Err(cause) if cause.may_have_happened() => github.check(repo, &check, existing).await,
        written => written,
    };
    written.map(|_| check.conclusion)
}

fn note_summary(review: &mut Review, written: Result<TimelineComment, Error>) {
    let standing = &mut review.standing;
    match written {
        Ok(comment) => {
            standing.published = true;
            standing.summary = Some(comment);
        }
        Err(Error::Forbidden { .. }) => standing.read_only = true,
        Err(cause) => standing.unwritable = Some(cause.to_string()),
    }
}

fn note_check(review: &mut Review, written: Result<Conclusion, Error>) {
    let standing = &mut review.standing;
    match written {
        Ok(conclusion) => {
            standing.published = true;
            standing.check = Some(conclusion);
        }
        Err(Error::Forbidden { .. } | Error::NotFound { .. }) => standing.no_check = true,
        // A commit that left the pull request takes no check; the summary tells of it.
        Err(Error::Rejected { .. }) if standing.head_moved.is_some() => standing.no_check = true,
        Err(cause) => {
            standing.no_check = true;
            standing.unwritable = Some(cause.to_string());
        }
    }
}

/// Tells on the pull request that a review which was due did not happen. Returns how the check ended, when
/// it could be written.
pub async fn tell(
    github: &GitHub,
    repo: &RepoName,
    pull: &PullRequest,
    known: Option<&Place>,
    stop: &Stop,
    gate: GateState,
    spent: MicroUsd,
) -> Option<Conclusion> {
    let existing = known.and_then(|place| place.earlier.check);
    let memory = not_reviewed(&pull.head, stop.outcome, spent);
    let written = check(github, repo, render::stop::check(stop, &pull.head, gate, &memory), existing).await;
    let conclusion = match written {
        Ok(conclusion) => Some(conclusion),
        Err(cause) => {
            tracing::warn!("the check could not be written: {cause}");
            None
        }
    };
    let place = match known {
        Some(place) => Some(place.clone()),
        None if conclusion.is_none() => read_place(github, repo, pull).await,
        None => None,
    };
    if let Some(place) = place
        && (conclusion.is_none() || place.earlier.summary.is_some())
    {
        let body = match &place.earlier.summary {
            Some(comment) => render::stop::on_top(&comment.body, stop, &pull.head),
            None => render::stop::comment(stop, &memory),
        };
        if let Err(cause) = write_summary(github, &place, place.earlier.summary.as_ref(), &body).await {
            tracing::warn!("the reason could not be told on the pull request: {cause}");
        }
    }
    conclusion
}

async fn read_place(github: &GitHub, repo: &RepoName, pull: &PullRequest) -> Option<Place> {
    let (me, timeline) = future::join(github.identity(), github.timeline_comments(repo, pull.number)).await;
    let me = me.ok()?;
    let earlier = Earlier::sort(&me, &timeline.ok()?, Vec::new());
    Some(Place { repo: repo.clone(), pull: pull.clone(), me, earlier })
}

fn not_reviewed(head: &Sha, outcome: Outcome, spent: MicroUsd) -> SummaryMarker {
    SummaryMarker {
        head: head.clone(),
        config: String::new(),
        outcome,
        tally: Tally::default(),
        inline: 0,
        spent,
        no_check: false,
        open: Vec::new(),
        dismissed: Vec::new(),
    }
}
