//! The ledger: no call starts unless `settled + reserved <= cap`.

use serde::{Deserialize, Serialize};

use crate::domain::units::{LaneName, MicroUsd};

/// A reservation that has not been settled yet.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation is held until it is settled"]
pub struct Reservation(usize);

/// Money kept for a call that may have to be made.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is held is kept from all other calls until it is used or released"]
pub struct Hold(usize);

/// How a call ended, as far as money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The provider told its usage, and it costs this much.
    Cost(MicroUsd),
    /// The provider did not take the call, or it was never sent.
    Free,
    /// The call may have been billed and nobody told how much: it counts in full.
    Unknown,
}

/// One HTTP call in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose call.
    pub lane: LaneName,
    /// What for.
    pub purpose: String,
    /// The bound it was reserved at.
    pub reserved: MicroUsd,
    /// What it cost; absent until it is settled.
    pub settled: Option<MicroUsd>,
    /// Whether `settled` is the reservation because the usage is unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

/// Why a set of calls cannot be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaffordable {
    /// It would need this much, and only that much is left.
    Short {
        /// The sum of the bounds.
        needed: MicroUsd,
        /// What the cap leaves.
        left: MicroUsd,
    },
    /// A provider billed beyond its own limits: nothing further starts.
    Overrun,
}

/// All calls of one run against one cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    cap: MicroUsd,
    entries: Vec<Entry>,
    held: Vec<MicroUsd>,
    set_aside: MicroUsd,
    overrun: bool,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub const fn new(cap: MicroUsd) -> Self {
        Self { cap, entries: Vec::new(), held: Vec::new(), set_aside: MicroUsd::ZERO, overrun: false }
    }

    /// The ledger of a run that is over.
    #[must_use]
    pub fn of(cap: MicroUsd, entries: Vec<Entry>) -> Self {
        let overrun = entries.iter().any(|entry| entry.settled > Some(entry.reserved));
        Self { entries, overrun, ..Self::new(cap) }
    }

    /// Reserves all of these calls or none: a lane's name, what the call is for, and its bound.
    ///
    /// # Errors
    /// What is missing, or that a provider broke its own limit earlier.
    pub fn reserve(
        &mut self,
        calls: &[(LaneName, String, MicroUsd)],
    ) -> Result<Vec<Reservation>, Unaffordable> {
        if self.overrun {
            return Err(Unaffordable::Overrun);
        }
        let needed: MicroUsd = calls.iter().map(|(_, _, bound)| *bound).sum();
        if needed > self.left() {
            return Err(Unaffordable::Short { needed, left: self.left() });
        }
        let first = self.entries.len();
        self.entries.extend(calls.iter().map(|(lane, purpose, bound)| Entry {
            lane: lane.clone(),
            purpose: purpose.clone(),
            reserved: *bound,
            settled: None,
            unknown: false,
        }));
        Ok((first..self.entries.len()).map(Reservation).collect())
    }

    /// Keeps so much for a call that may have to be made, if there is as much to spare.
    pub fn hold(&mut self, amount: MicroUsd) -> Option<Hold> {
        let affordable = !self.overrun && amount <= self.spare();
        affordable.then(|| {
            self.held.push(amount);
            Hold(self.held.len() - 1)
        })
    }

    /// Gives back what is held.
    #[expect(clippy::needless_pass_by_value, reason = "a hold is released once")]
    pub fn release(&mut self, hold: Hold) {
        if let Some(held) = self.held.get_mut(hold.0) {
            *held = MicroUsd::ZERO;
        }
    }

    /// Says what calls that are planned need: [`Self::spare`] is what is left beside it.
    pub const fn set_aside(&mut self, amount: MicroUsd) {
        self.set_aside = amount;
    }

    /// Settles one call and returns what it cost. A cost above the reservation is an overrun.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is settled once")]
    pub fn settle(&mut self, reservation: Reservation, settlement: Settlement) -> MicroUsd {
        let Some(entry) = self.entries.get_mut(reservation.0) else { return MicroUsd::ZERO };
        let cost = match settlement {
            Settlement::Cost(cost) => cost,
            Settlement::Free => MicroUsd::ZERO,
            Settlement::Unknown => {
                entry.unknown = true;
                entry.reserved
            }
        };
        entry.settled = Some(cost);
        self.overrun |= cost > entry.reserved;
        cost
    }

    /// Settles at its full reservation whatever is still open: calls that were cut off.
    pub fn close(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.settled.is_none()) {
            entry.settled = Some(entry.reserved);
            entry.unknown = true;
        }
    }

    /// What has been spent.
    #[must_use]
    pub fn settled(&self) -> MicroUsd {
        self.entries.iter().filter_map(|entry| entry.settled).sum()
    }

    /// What open calls may still cost.
    #[must_use]
    pub fn reserved(&self) -> MicroUsd {
        self.entries.iter().filter(|entry| entry.settled.is_none()).map(|entry| entry.reserved).sum()
    }

    /// What the cap leaves for further calls.
    #[must_use]
    pub fn left(&self) -> MicroUsd {
        let held = self.held.iter().copied().sum();
        self.cap.minus(self.settled().plus(self.reserved()).plus(held))
    }

    /// What the cap leaves for calls that nobody planned.
    #[must_use]
    pub fn spare(&self) -> MicroUsd {
        self.left().minus(self.set_aside)
    }

    /// The cap of this run.
    #[must_use]
    pub const fn cap(&self) -> MicroUsd {
        self.cap
    }

    /// Whether a provider billed more than its own limits allow.
    #[must_use]
    pub const fn overrun(&self) -> bool {
        self.overrun
    }

    /// Whether any settled amount is a reservation because the usage is unknown.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.entries.iter().any(|entry| entry.unknown)
    }

    /// Every call so far, in the order of reservation.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lane() -> LaneName {
        LaneName::new("claude")
    }

    #[test]
    fn a_set_of_calls_is_reserved_whole_or_not_at_all() {
        let mut ledger = Ledger::new(MicroUsd(100));
        let calls =
            [(lane(), "review".to_owned(), MicroUsd(60)), (lane(), "review".to_owned(), MicroUsd(50))];
        assert_eq!(
            ledger.reserve(&calls),
            Err(Unaffordable::Short { needed: MicroUsd(110), left: MicroUsd(100) })
        );
        assert!(ledger.entries().is_empty());
    }

    #[test]
    fn after_an_overrun_nothing_starts() {
        let mut ledger = Ledger::new(MicroUsd(100));
        let reservation = ledger.reserve(&[(lane(), "review".to_owned(), MicroUsd(10))]).unwrap().remove(0);
        ledger.settle(reservation, Settlement::Cost(MicroUsd(11)));
        assert!(ledger.overrun());
        assert_eq!(ledger.reserve(&[(lane(), "review".to_owned(), MicroUsd(1))]), Err(Unaffordable::Overrun));
    }

    #[test]
    fn a_call_that_was_cut_off_counts_in_full() {
        let mut ledger = Ledger::new(MicroUsd(100));
        let _open = ledger.reserve(&[(lane(), "review".to_owned(), MicroUsd(70))]).unwrap();
        ledger.close();
        assert_eq!((ledger.settled(), ledger.reserved()), (MicroUsd(70), MicroUsd(0)));
        assert!(ledger.has_unknown());
    }

    #[test]
    fn what_is_held_is_no_money_for_others_and_nothing_is_held_of_what_planned_calls_need() {
        let mut ledger = Ledger::new(MicroUsd(100));
        let call = |bound| [(lane(), "review".to_owned(), MicroUsd(bound))];
        ledger.set_aside(MicroUsd(30));
        assert_eq!(ledger.hold(MicroUsd(71)), None);
        let hold = ledger.hold(MicroUsd(60)).unwrap();
        assert_eq!((ledger.left(), ledger.spare()), (MicroUsd(40), MicroUsd(10)));
        assert!(ledger.reserve(&call(41)).is_err());
        ledger.release(hold);
        assert!(ledger.reserve(&call(100)).is_ok());
        assert_eq!((ledger.left(), ledger.entries().len()), (MicroUsd(0), 1));
    }

    proptest! {
        #[test]
        fn no_call_ever_starts_beyond_the_cap(
            cap in 0_u64..1_000,
            steps in prop::collection::vec((0_u64..400, 0_u8..6, 0_u64..500), 0..60),
        ) {
            let mut ledger = Ledger::new(MicroUsd(cap));
            let mut open = Vec::new();
            let mut holds = Vec::new();
            for (bound, what, cost) in steps {
                match (what, open.pop()) {
                    (4, other) => {
                        open.extend(other);
                        let left = ledger.left();
                        holds.extend(ledger.hold(MicroUsd(bound)));
                        prop_assert!(ledger.left() <= left);
                    }
                    (5, other) => {
                        open.extend(other);
                        holds.pop().into_iter().for_each(|hold| ledger.release(hold));
                    }
                    (0, Some(reservation)) => { ledger.settle(reservation, Settlement::Cost(MicroUsd(cost.min(bound)))); }
                    (1, Some(reservation)) => { ledger.settle(reservation, Settlement::Unknown); }
                    (2, Some(reservation)) => { ledger.settle(reservation, Settlement::Free); }
                    (_, other) => {
                        open.extend(other);
                        let overrun = ledger.overrun();
                        if let Ok(reserved) = ledger.reserve(&[(lane(), "review".to_owned(), MicroUsd(bound))]) {
                            prop_assert!(!overrun);
                            prop_assert!(ledger.settled().plus(ledger.reserved()) <= ledger.cap());
                            open.extend(reserved);
                        }
                    }
                }
            }
        }
    }
}
