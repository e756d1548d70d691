//! The questions of the debate, each on the text of the batch that its lane knows already.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

use super::conversation::{Bench, Pass, Task};
use super::seat::Seat;
use super::{MOST_IN_FLIGHT, Passes, lost};
use crate::domain::budget::Unaffordable;
use crate::domain::debate::{Purpose, Question};
use crate::domain::pass::{End, PassReport, Prompt};
use crate::domain::plan::{DEBATE_CAPS, OUTPUT_CAPS};
use crate::domain::prompt;

/// One round of questions.
pub(super) struct Debate<'r> {
    pub(super) bench: &'r Bench<'r>,
    pub(super) passes: &'r Passes<'r>,
}

/// A pass, by lane, with the time at which it ended.
type Answer = (usize, PassReport, Duration);

impl<'r> Debate<'r> {
    /// Asks in the order of the questions, each as soon as there is money and room for it.
    pub(super) async fn run(&self, questions: &[Question]) -> Vec<Answer> {
        let prompts: Vec<Option<Prompt>> = questions.iter().map(|question| self.prompt(question)).collect();
        let most = MOST_IN_FLIGHT * self.passes.seats.len().max(1);
        let mut in_flight: FuturesUnordered<LocalBoxFuture<'_, Answer>> = FuturesUnordered::new();
        let mut answers: Vec<Answer> = Vec::new();
        let mut waiting = questions.iter().zip(&prompts).peekable();
        loop {
            while let Some((question, prompt)) = waiting.peek().copied()
                && in_flight.len() < most
            {
                let (Some(seat), Some(prompt)) = (self.passes.seats.get(question.lane), prompt) else {
                    waiting.next();
                    continue;
                };
                let before =
                    self.passes.ended.get(&question.lane).into_iter().flatten().map(|(pass, _)| pass);
                let now = answers.iter().filter(|(lane, ..)| *lane == question.lane).map(|(_, pass, _)| pass);
                match lost(before.chain(now)).or_else(|| self.passes.too_late()) {
                    Some(end) => answers.push(skipped(seat, question, end)),
                    None => match self.start(question, prompt, seat) {
                        Some(pass) => in_flight.push(pass),
                        // What is in flight may give money back.
                        None if !in_flight.is_empty() => break,
                        None => answers.push(skipped(seat, question, End::Unpaid)),
                    },
                }
                waiting.next();
            }
            match in_flight.next().await {
                Some(answer) => answers.push(answer),
                None => break,
            }
        }
        answers
    }

    /// The same beginning as the review of that batch had, and the question.
    fn prompt(&self, question: &Question) -> Option<Prompt> {
        let batch = self.passes.plan.batches.get(question.batch)?;
        let task = match question.purpose {
            Purpose::Review => batch.prompt.task.clone(),
            Purpose::Challenge | Purpose::Defend => question.task.clone(),
        };
        Some(Prompt { task, ..batch.prompt.clone() })
    }

    /// Reserves a question with the longest answer that the budget holds.
    fn start<'q>(
        &self,
        question: &'q Question,
        prompt: &'q Prompt,
        seat: &'r Seat<'r>,
    ) -> Option<LocalBoxFuture<'q, Answer>>
    where
        'r: 'q,
    {
        let (bench, passes) = (self.bench, self.passes);
        let batch = passes.plan.batches.get(question.batch)?;
        let caps = if question.reads { &OUTPUT_CAPS[..] } else { &DEBATE_CAPS[..] };
        for cap in caps {
            let task = Task {
                batch: (question.batch, passes.plan.batches.len()),
                prompt,
                prompt_hash: prompt::hash(prompt),
                cache_key: passes.cache_keys.get(question.batch)?,
                is_shared: passes.plan.debates(batch),
                max_output: seat.planned.output(*cap),
                files: &batch.files,
                question: Some(question).filter(|question| question.purpose != Purpose::Review),
            };
            let pass = Pass::new(bench, seat, task);
            let call =
                (seat.planned.lane.name.clone(), question.purpose.as_str().to_owned(), pass.opening_bound());
            match passes.ledger().reserve(&[call]) {
                Ok(mut reserved) => {
                    let (lane, started, reservation) = (question.lane, passes.started, reserved.pop()?);
                    return Some(Box::pin(async move {
                        let report = pass.run(reservation).await;
                        (lane, report, started.elapsed())
                    }));
                }
                Err(Unaffordable::Overrun) => return None,
                Err(Unaffordable::Short { .. }) => {}
            }
        }
        None
    }
}

fn skipped(seat: &Seat<'_>, question: &Question, end: End) -> Answer {
    (question.lane, seat.unasked(question.batch, Some(question), end), Duration::ZERO)
}
