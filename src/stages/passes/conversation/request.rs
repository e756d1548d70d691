//! One request of a pass, by whatever asks the lane's model.

use std::borrow::Cow;

use crate::adapters::agents::{self, Program, Repository};
use crate::adapters::providers::{self, Attempt, Endpoint, Request, Waiting};
use crate::domain::lane::Lane;
use crate::domain::pass::{Feature, Prompt};
use crate::domain::prompt;

/// Sends a request. Dropped, it goes no further, and no program that it started lives.
pub(super) async fn send(
    http: &reqwest::Client,
    (lane, endpoint): (&Lane, &Endpoint),
    request: &Request<'_>,
    repository: Option<&Repository>,
    heard: &(dyn Fn(usize) + Sync),
) -> Attempt {
    if let Some(program) = Program::of(lane.engine) {
        return agents::run(program, lane, endpoint, request, repository).await;
    }
    let streamed = !request.without.contains(&Feature::Stream);
    let waiting = Waiting { patience: streamed.then_some(lane.patience), heard };
    providers::send(http, endpoint, providers::body(endpoint.wire(), request), &waiting).await
}

/// A task, with what is said after it.
pub(super) fn worded<'a>(task: &'a Prompt, focus: Option<&str>, postscript: &str) -> Cow<'a, Prompt> {
    let focus = focus.map(prompt::focus);
    let after = [focus.as_deref().unwrap_or_default(), postscript];
    let after: Vec<&str> = after.into_iter().filter(|text| !text.is_empty()).collect();
    if after.is_empty() {
        return Cow::Borrowed(task);
    }
    Cow::Owned(Prompt { task: format!("{}\n\n{}", task.task, after.join("\n\n")), ..task.clone() })
}

/// What people are told of a lane whose calls nothing bounds beforehand.
pub(super) fn unbounded(lane: &Lane) -> Option<String> {
    let most = lane.max_call.filter(|_| !lane.free)?;
    let program = lane.engine.as_str();
    Some(format!(
        "no bound holds what {program} spends: {most} is set aside for each call, and it may spend more"
    ))
}
