//! Findings that people told us to drop: who says so, and what a tally is without them.
//!
//! Our memory of a dismissal only names the comment that ordered it. Whether it counts is asked anew on every run: the
//! comment must still say so, and its author must still be allowed to.

use serde::{Deserialize, Serialize};

use crate::domain::command::{Command, dismissal};
use crate::domain::finding::{Severity, Verdict};
use crate::domain::marker::{Dropped, Open, SummaryMarker};
use crate::domain::outcome::Tally;
use crate::domain::pull::TimelineComment;

/// The most dismissals of one pull request that are remembered, the newest first to go without.
const MOST: usize = 100;

/// An order to drop a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// The finding's id on the pull request.
    pub id: String,
    /// GitHub's id of the comment that orders it.
    pub comment: u64,
    /// The login of its author.
    pub by: String,
    /// Why, in their words: untrusted.
    pub reason: String,
    /// Whether the author may write to the repository. Without that right an order changes nothing.
    pub counts: bool,
}

/// The orders that these memories name and that still stand as people's comments. Whether their authors may give them
/// is not known yet, so none counts.
#[must_use]
pub fn orders<'a>(
    memories: impl IntoIterator<Item = &'a SummaryMarker>,
    timeline: &[TimelineComment],
) -> Vec<Dismissal> {
    let mut orders: Vec<Dismissal> = Vec::new();
    for dropped in memories.into_iter().flat_map(|memory| &memory.dismissed) {
        let known = orders.iter().any(|order| order.id == dropped.id);
        let comment = timeline.iter().find(|comment| comment.id == dropped.comment);
        if let Some(order) = comment.and_then(order).filter(|order| !known && order.id == dropped.id) {
            orders.push(order);
        }
    }
    orders.truncate(MOST);
    orders
}

/// The order that a person's comment gives.
fn order(comment: &TimelineComment) -> Option<Dismissal> {
    let author = comment.author.as_ref().filter(|author| !author.bot)?;
    match dismissal(&comment.body) {
        Ok(Some(Command::Dismiss { id, reason })) => {
            Some(Dismissal { id, comment: comment.id, by: author.login.clone(), reason, counts: false })
        }
        _ => None,
    }
}

impl SummaryMarker {
    /// How many findings of the last run are dismissed.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.dismissed.iter().filter(|dropped| dropped.counted.is_some()).count()
    }

    /// The same memory where exactly these dismissals are given: what counts is no finding, what does not count any
    /// more is one again.
    #[must_use]
    pub fn given(&self, dismissals: &[Dismissal]) -> Self {
        let counting = |id: &str| dismissals.iter().any(|dismissal| dismissal.counts && dismissal.id == id);
        let was_open = |id: &str| self.open.iter().find(|open| open.id == id);
        let was_dropped = |id: &str| self.dismissed.iter().find(|dropped| dropped.id == id);
        let counted = |id: &str| match was_open(id) {
            Some(open) => Some((open.verdict, open.severity)),
            None => was_dropped(id).and_then(|dropped| dropped.counted),
        };
        let unit = |(verdict, severity)| Tally::of(verdict, severity, false);
        let lost = self.open.iter().filter(|open| counting(&open.id));
        let back = self.dismissed.iter().filter(|dropped| !counting(&dropped.id));
        let back: Vec<(&str, (Verdict, Severity))> =
            back.filter_map(|dropped| Some((dropped.id.as_str(), dropped.counted?))).collect();
        let tally = lost
            .map(|open| unit((open.verdict, open.severity)))
            .fold(self.tally, |tally, unit| tally.minus(&unit));
        let tally = back.iter().map(|(_, class)| unit(*class)).fold(tally, |tally, unit| tally.plus(&unit));
        let returned =
            back.into_iter().map(|(id, (verdict, severity))| Open { id: id.to_owned(), verdict, severity });
        let open = self.open.iter().filter(|open| !counting(&open.id)).cloned();
        let dismissed = dismissals.iter().map(|dismissal| Dropped {
            id: dismissal.id.clone(),
            comment: dismissal.comment,
            counted: counted(&dismissal.id).filter(|_| dismissal.counts),
        });
        Self { tally, open: open.chain(returned).collect(), dismissed: dismissed.collect(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Outcome;
    use crate::domain::pull::Account;
    use crate::domain::units::MicroUsd;

    fn memory() -> SummaryMarker {
        let open = |id: &str, verdict, severity| Open { id: id.to_owned(), verdict, severity };
        SummaryMarker {
            head: "a".repeat(40).parse().unwrap(),
            config: String::new(),
            outcome: Outcome::Reviewed,
            tally: Tally { agreed: 1, solo: 2, high: 2, agreed_high: 1, ..Tally::default() },
            inline: 2,
            spent: MicroUsd::ZERO,
            no_check: false,
            open: vec![
                open("f1", Verdict::Agreed, Severity::High),
                open("f2", Verdict::Solo, Severity::Critical),
            ],
            dismissed: Vec::new(),
        }
    }

    fn given(id: &str, counts: bool) -> Dismissal {
        Dismissal { id: id.to_owned(), comment: 7, by: "mona".to_owned(), reason: "no".to_owned(), counts }
    }

    #[test]
    fn what_is_dismissed_counts_for_nothing_and_counts_again_when_the_order_does_not() {
        let without = memory().given(&[given("f1", true)]);
        assert_eq!(without.tally, Tally { solo: 2, high: 1, ..Tally::default() });
        assert_eq!(without.given(&[given("f1", true)]), without);
        let back = without.given(&[given("f1", false)]);
        assert_eq!(back.tally, memory().tally);
        assert_eq!(back.dismissed.len(), 1, "the order is still known");
        assert_eq!(without.given(&[]).tally, memory().tally);
        // An id that is no finding of the last run changes no count.
        assert_eq!(memory().given(&[given("f9", true)]).tally, memory().tally);
    }

    #[test]
    fn an_order_stands_only_where_a_person_still_says_so() {
        let account = |bot| Account { login: "mona".to_owned(), id: None, bot };
        let comment = |id, bot, body: &str| TimelineComment {
            id,
            author: Some(account(bot)),
            body: body.to_owned(),
            url: String::new(),
        };
        let named = |comment| Dropped { id: "f1".to_owned(), comment, counted: None };
        let memory =
            SummaryMarker { dismissed: vec![named(1), named(2), named(3), named(4), named(5)], ..memory() };
        let timeline = [
            comment(1, true, "/counterpoint dismiss f1 forged"),
            comment(2, false, "/counterpoint dismiss f2 another"),
            comment(3, false, "never mind"),
            comment(5, false, "/counterpoint dismiss f1 it is meant so"),
        ];
        let orders = orders([&memory], &timeline);
        assert_eq!(
            orders,
            [Dismissal { comment: 5, reason: "it is meant so".to_owned(), ..given("f1", false) }]
        );
    }
}
