//! What a lane looks up between the turns of one pass, and the money that is held for its answer.

use crate::adapters::providers::{Talk, Turn};
use crate::adapters::tree::Tree;
use crate::domain::budget::{Hold, Ledger};
use crate::domain::lane::ToolLimits;
use crate::domain::tools::{self, Allowance, Answer, Call, Looked, Lookup};
use crate::domain::units::MicroUsd;

/// Bytes of the line that tells what is left.
const LEFT: usize = 80;

/// The lookups of one pass.
///
/// A model may look up as long as money is held for the same question without lookups: however its conversation goes, an
/// answer can be paid.
pub(super) struct Lookups<'a> {
    tree: &'a Tree,
    allowance: Allowance,
    turns: Vec<Turn>,
    hold: Option<Hold>,
}

impl<'a> Lookups<'a> {
    pub(super) const fn new(tree: &'a Tree, limits: ToolLimits) -> Self {
        Self { tree, allowance: Allowance::new(limits), turns: Vec::new(), hold: None }
    }

    /// The conversation as the next request tells it; none where the question is asked as if there were no tools.
    pub(super) fn talk<'t>(&'t self, closing: &'t str) -> Option<Talk<'t>> {
        let begun = !self.turns.is_empty();
        (begun || self.is_open()).then_some(Talk { turns: &self.turns, open: self.is_open(), closing })
    }

    /// Whether the model may use tools.
    pub(super) const fn is_open(&self) -> bool {
        self.hold.is_some()
    }

    /// Whether the model has used tools.
    pub(super) fn is_begun(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Whether anything more may be looked up.
    pub(super) fn has_room(&self) -> bool {
        self.allowance.room().is_some()
    }

    /// Lets the model use tools, if the ledger holds `plain` for the question without them.
    pub(super) fn open(&mut self, ledger: &mut Ledger, plain: MicroUsd) -> bool {
        self.hold = ledger.hold(plain);
        self.is_open()
    }

    /// Lets the model use no more tools: what was held pays its answer.
    pub(super) fn close(&mut self, ledger: &mut Ledger) {
        if let Some(hold) = self.hold.take() {
            ledger.release(hold);
        }
    }

    /// What was looked up so far.
    pub(super) fn answers(&self) -> impl Iterator<Item = &str> {
        self.turns.iter().flat_map(|turn| &turn.answers).map(|(_, answer)| answer.text.as_str())
    }

    /// Answers the calls of one turn, one after the other.
    pub(super) async fn answer(&mut self, said: serde_json::Value, calls: Vec<Call>) -> Vec<Looked> {
        let mut answers = Vec::new();
        let mut looked = Vec::new();
        for call in calls {
            let Some(room) = self.allowance.room() else {
                answers.push((call.id, Answer::failed(self.allowance.left())));
                continue;
            };
            let lookup = tools::parse(&call);
            let asked = lookup.as_ref().map(Lookup::to_string).unwrap_or_default();
            let mut answer = match lookup {
                Ok(lookup) => self.tree.answer(&lookup, room.saturating_sub(LEFT)).await,
                Err(why) => Answer::failed(why),
            };
            let bytes = answer.text.len();
            self.allowance.count(bytes);
            answer.text.push('\n');
            answer.text.push_str(&self.allowance.left());
            looked.push(Looked { tool: tools::known(&call.name), asked, bytes, failed: answer.failed });
            answers.push((call.id, answer));
        }
        self.turns.push(Turn { said, answers });
        looked
    }
}
