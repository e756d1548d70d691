//! One request of a pass, by whatever asks the lane's model.

use std::borrow::Cow;

use super::Pass;
use super::progress::Progress;
use crate::adapters::agents;
use crate::adapters::providers::{self, Attempt, Waiting};
use crate::domain::lane::{Engine, Lane};
use crate::domain::pass::{Feature, Prompt};

/// What people are told of a lane whose calls nothing bounds beforehand.
pub(super) fn unbounded(lane: &Lane) -> Option<String> {
    let most = lane.max_call?;
    let program = lane.engine.as_str();
    Some(format!(
        "no bound holds what {program} spends: {most} is set aside for each call, and it may spend more"
    ))
}

impl<'a> Pass<'a> {
    /// Sends it. Dropped, it is not sent on, and no program it started lives.
    pub(super) async fn attempt(&self) -> Attempt {
        let lane = self.lane();
        if lane.engine != Engine::Api {
            let question = agents::Question {
                model: self.model,
                prompt: &self.prompt(),
                max_output: self.room,
                repository: self.bench.matter.repository,
            };
            return agents::run(lane, self.seat.endpoint, &question).await;
        }
        let progress = Progress::of(&lane.name);
        let heard = |written| progress.heard(written);
        let streamed = !self.without.contains(&Feature::Stream);
        let waiting = Waiting { patience: streamed.then_some(lane.patience), heard: &heard };
        providers::send(self.bench.http, self.seat.endpoint, self.body(), &waiting).await
    }

    /// What is asked, and what is said after that. Once something was looked up, that stands elsewhere.
    fn prompt(&self) -> Cow<'a, Prompt> {
        let asked = self.question.prompt;
        if self.postscript.is_empty() || self.has_looked_up() {
            return Cow::Borrowed(asked);
        }
        Cow::Owned(Prompt { task: format!("{}\n\n{}", asked.task, self.postscript), ..asked.clone() })
    }

    /// The body of a request over HTTP.
    pub(super) fn body(&self) -> Vec<u8> {
        let talk = self.lookups.as_ref().and_then(|lookups| lookups.talk(&self.postscript));
        let request = providers::Request {
            model: self.model,
            effort: self.lane().effort,
            prompt: &self.prompt(),
            max_output: self.room,
            without: &self.without,
            // A mark costs a quarter more: it pays where another turn reads the prompt again.
            mark_cache: talk.is_some(),
            cache_key: self.question.prompt_hash.get(..32).unwrap_or_default(),
            talk,
        };
        providers::body(self.seat.endpoint.wire(), &request)
    }
}
