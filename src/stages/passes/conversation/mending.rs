//! Answers that are asked for once more in another way: with more room, in the right form, of another model.

use super::progress::end_word;
use super::{Next, Pass};
use crate::domain::budget::Reservation;
use crate::domain::lane::Wire;
use crate::domain::pass::{End, Fallback, Prompt, Usage};
use crate::domain::prompt;

/// The longest answer that is asked for after one was cut, in tokens.
const MOST_ROOM: u32 = 32_000;

/// No tokenizer gets so many bytes into the tokens of a diff on average; three to five are usual.
const MOST_BYTES_A_TOKEN: u64 = 8;

/// What was mended once already and is not mended again.
#[derive(Default)]
pub(super) struct Mended {
    truncated: bool,
    invalid: bool,
    open: bool,
}

impl Pass<'_> {
    /// An answer that was cut is asked for once more: with twice the room, or where model or budget have no more, in fewer
    /// words.
    pub(super) fn with_more_room(&mut self) -> Next {
        if std::mem::replace(&mut self.mended.truncated, true) {
            return Next::Elsewhere(End::Truncated);
        }
        let asked = self.room;
        self.room = self.seat.planned.output(asked.saturating_mul(2).min(MOST_ROOM)).max(asked);
        if self.room > asked
            // Not at the price of what was looked up: a shorter answer can still know it.
            && let Some(next) = self.reserve_next("with more room")
        {
            self.mending(&format!(
                "the answer was cut at {asked} tokens; asked again with room for {}",
                self.room
            ));
            return Next::Now(next);
        }
        self.room = asked;
        prompt::briefly(self.task.purpose()).clone_into(&mut self.postscript);
        self.report.brief = self.task.question.is_none();
        self.mending(&format!("the answer was cut at {asked} tokens; asked again for a shorter one"));
        self.at_once("in fewer words", End::Truncated)
    }

    /// An answer that is not what was asked for is asked for once more, with what was wrong.
    pub(super) fn repair(&mut self, answer: &str, why: &str) -> Next {
        let end = End::Invalid { why: why.to_owned() };
        if std::mem::replace(&mut self.mended.invalid, true) {
            return Next::Elsewhere(end);
        }
        self.postscript = prompt::repair(answer, why);
        self.mending(&format!("{why}; asked again for the right form"));
        self.at_once("repaired", end)
    }

    /// An answer that leaves something open is asked for once more; nothing if it was.
    pub(super) fn once_more(&mut self, postscript: String, why: &str, otherwise: End) -> Option<Next> {
        if std::mem::replace(&mut self.mended.open, true) {
            return None;
        }
        self.postscript = postscript;
        self.mending(&format!("{why}; asked again"));
        Some(self.at_once("asked again", otherwise))
    }

    /// Some servers cut a prompt that their context does not hold, and answer as if they had read it all.
    pub(super) fn unread(&self, usage: &Usage) -> Option<End> {
        let Prompt { system, shared, task } = self.task.prompt;
        let (bytes, tokens) = (system.len() + shared.len() + task.len(), usage.total_input());
        let cut = self.seat.endpoint.wire() == Wire::Chat
            && tokens.saturating_mul(MOST_BYTES_A_TOKEN) < bytes as u64;
        cut.then(|| End::Fatal {
            why: format!("its server read {tokens} tokens of a prompt of {bytes} bytes, so not all of it"),
            advice: "give it a larger context, or set `limits` of the lane to the one it has".to_owned(),
        })
    }

    pub(super) fn mending(&mut self, problem: &str) {
        tracing::warn!("{}: {problem}", self.lane().name);
        self.report.problems.push(problem.to_owned());
    }

    /// Turns to the lane's other model, once.
    pub(super) fn fall_back(&mut self, because: &End) -> Option<Reservation> {
        if self.report.fallback.is_some() {
            return None;
        }
        let planned = self.seat.planned;
        let Some((model, price)) = &planned.fallback else {
            if let Some(model) = &planned.lane.fallback {
                self.mending(&format!("no price is known for the fallback {model}, so it was not asked"));
            }
            return None;
        };
        // What one model said is nothing that another goes on from.
        self.forget_lookups();
        self.postscript.clear();
        self.mended = Mended::default();
        self.report.brief = false;
        let before = (self.model, self.price, self.room);
        let most = price.max_output.and_then(|most| u32::try_from(most).ok());
        (self.model, self.price, self.room) =
            (model, price, most.map_or(self.room, |most| self.room.min(most)));
        let Some(next) = self.reserve("by the fallback") else {
            (self.model, self.price, self.room) = before;
            self.mending(&format!("the budget does not hold the fallback {model}"));
            return None;
        };
        self.tries = 0;
        tracing::warn!("{} {}: asking {model} instead", planned.lane.name, end_word(because));
        self.report.fallback = Some(Fallback { model: model.clone(), because: because.clone() });
        self.report.price_basis = price.basis;
        Some(next)
    }
}
