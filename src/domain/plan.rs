//! What a run will do, decided before any model is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::budget::{self, Price};
use crate::domain::config::Strategy;
use crate::domain::debate::Purpose;
use crate::domain::finding::Severity;
use crate::domain::lane::Lane;
use crate::domain::pass::{End, LaneReport, PassReport, Prompt};
use crate::domain::units::{LaneName, MicroUsd};

/// Caps on a lane's output in tokens, thinking included; the first that the budget holds is taken. Above 21 333 a
/// provider wants streaming (`docs/architecture.md`, model calls).
pub const OUTPUT_CAPS: [u32; 3] = [16_000, 8_000, 4_000];

/// Caps on the answer to a question of the debate, in tokens, thinking included; the first that the budget holds is taken.
pub const DEBATE_CAPS: [u32; 2] = [8_000, 4_000];

/// Bytes of a long question of the debate, in a serialised request: some twenty findings and the code that may decide them. The
/// ledger reserves what a question really takes; this is for the plan.
const USUAL_TASK: usize = 120_000;

/// Which files, lanes and strategy, at what bound; what is left out and why.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which passes are run.
    pub strategy: Strategy,
    /// The lanes that will be asked.
    pub lanes: Vec<PlannedLane>,
    /// The lanes that will not be asked although they are configured, and how that counts.
    pub absent: Vec<(Lane, End)>,
    /// What the lanes read, the most important first, as far as the budget holds it.
    pub batches: Vec<Batch>,
    /// What is done with each file that is read, by path.
    pub strategies: BTreeMap<String, Strategy>,
    /// From this severity on, what only one lane found is challenged where the strategy is `auto`.
    pub challenged: Severity,
    /// The longest answers that are asked for, in tokens.
    pub most_output: u32,
    /// What is left out from the start.
    pub left_out: Coverage,
    /// What could not be read to explain the change, for the record: a review without it is whole.
    pub unexplained: Vec<String>,
    /// The most that the planned calls can cost.
    pub bound: MicroUsd,
    /// What is usually spent for calls like these.
    pub estimate: MicroUsd,
    /// Time for the models; what is left of the run's time is kept for publishing.
    pub time: Duration,
}

/// A lane that will be asked.
#[derive(Clone, Debug)]
pub struct PlannedLane {
    /// Who, with which model.
    pub lane: Lane,
    /// What its model costs.
    pub price: Price,
    /// The model that is asked when this one cannot answer, and what it costs.
    pub fallback: Option<(String, Price)>,
}

impl PlannedLane {
    /// The cap on its output: this one, or the model's own where that is lower.
    #[must_use]
    pub fn output(&self, cap: u32) -> u32 {
        let most = [self.price.max_output, self.lane.limits.output].into_iter().flatten().min();
        most.and_then(|most| u32::try_from(most).ok()).map_or(cap, |most| cap.min(most))
    }

    /// The longest input, in tokens; none where no limit is known.
    #[must_use]
    pub fn input(&self) -> Option<u64> {
        [self.price.max_input, self.lane.limits.input].into_iter().flatten().min()
    }

    /// The bytes that its context holds, at two and a half a token: fewer than any tokenizer gets out of code. What is
    /// wrong here costs a refusal, not money.
    #[must_use]
    pub fn window(&self) -> usize {
        let bytes = self.input().map(|tokens| tokens.saturating_mul(5) / 2);
        bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX)
    }

    /// The most that a request of this many bytes can cost; for a command line, what a call is said to cost at most.
    #[must_use]
    pub fn bound(&self, bytes: usize, cap: u32) -> MicroUsd {
        let bound = budget::bound(bytes, self.output(cap), &self.price);
        self.lane.max_call.filter(|_| !self.lane.free).unwrap_or(bound)
    }
}

/// What the lanes read in one conversation each.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The text, the same for all lanes.
    pub prompt: Prompt,
    /// The files in it, whole or in part.
    pub files: Vec<BatchFile>,
    /// Bytes of the serialised request, by planned lane.
    pub bytes: Vec<usize>,
    /// Who reviews it, by position among the planned lanes, as far as the budget holds it.
    pub readers: Vec<usize>,
}

/// A file in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchFile {
    /// Its path.
    pub path: String,
    /// Which part of it, from 1.
    pub part: usize,
    /// How many parts it has.
    pub of: usize,
    /// Added and deleted lines in this part.
    pub changed: u64,
    /// Those of them whose ends are not shown, because they are too long.
    pub cut: u64,
}

/// One way to pay a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who is asked, by position among the planned lanes.
    pub lanes: Vec<usize>,
    /// The cap on each answer, in tokens.
    pub max_output: u32,
    /// The bound of each call, in the order of `lanes`.
    pub bounds: Vec<MicroUsd>,
}

impl Offer {
    /// What must be left to start it.
    #[must_use]
    pub fn bound(&self) -> MicroUsd {
        self.bounds.iter().copied().sum()
    }
}

/// What to do with the next batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask these lanes.
    Start(Offer),
    /// Calls in flight will settle below their bounds: what they give back may pay it.
    Wait,
    /// The budget does not hold it in any way.
    GiveUp,
}

impl Batch {
    /// Its reviews: who, and how many bytes are sent.
    pub fn calls<'a>(&'a self, lanes: &'a [PlannedLane]) -> impl Iterator<Item = (&'a PlannedLane, usize)> {
        self.readers.iter().filter_map(|at| Some((lanes.get(*at)?, *self.bytes.get(*at)?)))
    }

    /// The ways to pay it among these lanes, the best first: room for long answers is given up before lanes.
    #[must_use]
    pub fn offers(&self, lanes: &[PlannedLane], among: &[usize], most_output: u32) -> Vec<Offer> {
        let offer = |chosen: &[usize], max_output| {
            let bound = |at: &usize| Some(lanes.get(*at)?.bound(*self.bytes.get(*at)?, max_output));
            let bounds = chosen.iter().filter_map(bound).collect();
            Offer { lanes: chosen.to_vec(), max_output, bounds }
        };
        let caps = || OUTPUT_CAPS.into_iter().filter(|cap| *cap <= most_output);
        sets(among).iter().flat_map(|chosen| caps().map(move |cap| offer(chosen, cap))).collect()
    }

    /// Whether the next batch starts, and how. All that a budget holds now is taken; anything less is taken only
    /// when nothing is in flight that could give money back.
    #[must_use]
    pub fn step(&self, plan: &Plan, among: &[usize], left: MicroUsd, in_flight: bool) -> Step {
        let offers = self.offers(&plan.lanes, among, plan.most_output);
        let best = offers.first().filter(|best| best.bound() <= left);
        match best.or_else(|| offers.iter().find(|offer| !in_flight && offer.bound() <= left)) {
            Some(offer) => Step::Start(offer.clone()),
            None if in_flight => Step::Wait,
            None => Step::GiveUp,
        }
    }
}

/// All of them, then fewer from the end, then each alone.
#[must_use]
pub fn sets(of: &[usize]) -> Vec<Vec<usize>> {
    let several = (2..=of.len()).rev().filter_map(|count| of.get(..count)).map(<[usize]>::to_vec);
    several.chain(of.iter().map(|one| vec![*one])).collect()
}

/// What of the pull request was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Paths of the files that at least one lane read whole.
    pub read: Vec<String>,
    /// Files of which only some parts were read: they do not count as clean.
    pub partly: Vec<LeftOut>,
    /// Files that a rule excludes, or that hold no text: they do not make a review partial.
    pub excluded: Vec<LeftOut>,
    /// Files that should have been read and were not: they do not count as clean.
    pub unread: Vec<LeftOut>,
    /// Files beyond what GitHub lists.
    pub unlisted: u64,
    /// Added and deleted lines that were read.
    pub lines_read: u64,
    /// Added and deleted lines of all files that count, as far as they are known.
    pub lines_due: u64,
}

impl Coverage {
    /// Every file that counts, read or not.
    #[must_use]
    pub fn due(&self) -> u64 {
        let files = self.read.len() + self.partly.len() + self.unread.len();
        u64::try_from(files).unwrap_or(u64::MAX).saturating_add(self.unlisted)
    }

    /// Whether all that no rule excludes is read.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.unread.is_empty() && self.partly.is_empty() && self.unlisted == 0
    }

    /// Whether anybody was shown something of a file.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        self.read.iter().any(|read| read == path) || self.partly.iter().any(|file| file.path == path)
    }
}

/// A file that is not read, or not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// Why, in a few words.
    pub why: String,
}

/// Why a batch was read by nobody.
const UNPAID: &str = "the budget does not hold it";

impl Plan {
    /// The most that the reviews of the batches from this one on can cost.
    #[must_use]
    pub fn bound_from(&self, batch: usize) -> MicroUsd {
        let batches = self.batches.get(batch..).unwrap_or_default();
        let calls = batches.iter().flat_map(|batch| batch.calls(&self.lanes));
        calls.map(|(lane, bytes)| lane.bound(bytes, self.most_output)).sum()
    }

    /// What all questions of the debate cost at the dearest, as far as it can be told before anything is found: one challenge
    /// and one answer a lane and batch, each of [`USUAL_TASK`] bytes.
    #[must_use]
    pub fn debate_bound(&self) -> MicroUsd {
        let ([answer, ..], [review, ..]) = (DEBATE_CAPS, OUTPUT_CAPS);
        let mut bound = MicroUsd::ZERO;
        for batch in self.batches.iter().filter(|batch| self.debates(batch)) {
            for (at, (planned, bytes)) in self.lanes.iter().zip(&batch.bytes).enumerate() {
                let roles = planned.lane.roles;
                // Who has not read it before says what is missing, which is as long as a review.
                let challenge = if batch.readers.contains(&at) { answer } else { review };
                let asked = [(roles.challenge, challenge), (roles.review, answer)];
                let caps = asked.into_iter().filter(|(asked, _)| *asked).map(|(_, cap)| cap);
                let calls = caps.map(|cap| planned.bound(bytes.saturating_add(USUAL_TASK), cap));
                bound = bound.plus(calls.sum());
            }
        }
        bound
    }

    /// What is done with a file.
    #[must_use]
    pub fn strategy_of(&self, path: &str) -> Strategy {
        self.strategies.get(path).copied().unwrap_or(self.strategy)
    }

    /// Whether anybody may be asked about the findings of others in a batch.
    #[must_use]
    pub fn debates(&self, batch: &Batch) -> bool {
        let debated =
            |file: &BatchFile| !matches!(self.strategy_of(&file.path), Strategy::Single | Strategy::Parallel);
        let challenged = self.lanes.iter().any(|planned| planned.lane.roles.challenge);
        self.lanes.len() > 1 && challenged && batch.files.iter().any(debated)
    }

    /// The paths that a lane was not to review.
    #[must_use]
    pub fn unasked(&self, lane: &LaneName) -> BTreeSet<String> {
        let Some(position) = self.lanes.iter().position(|planned| planned.lane.name == *lane) else {
            return BTreeSet::new();
        };
        let others = self.batches.iter().filter(|batch| !batch.readers.contains(&position));
        others.flat_map(|batch| &batch.files).map(|file| file.path.clone()).collect()
    }

    /// What was read in the end: a batch counts when at least one lane answered it.
    #[must_use]
    pub fn coverage(&self, reports: &[LaneReport]) -> Coverage {
        let passes: Vec<&PassReport> = reports.iter().flat_map(|report| &report.passes).collect();
        let mut files: BTreeMap<&str, Reading> = BTreeMap::new();
        let mut order = Vec::new();
        for (at, batch) in self.batches.iter().enumerate() {
            let why = unanswered(&passes, at);
            for file in &batch.files {
                let reading = files.entry(&file.path).or_insert_with(|| {
                    order.push(file.path.as_str());
                    Reading::default()
                });
                reading.due += file.changed;
                match why {
                    None => {
                        reading.read += file.changed;
                        reading.cut += file.cut;
                        reading.parts += 1;
                    }
                    Some(why) => reading.why = Some(why),
                }
            }
        }
        let mut coverage = self.left_out.clone();
        for path in order {
            let Some(reading) = files.get(path) else { continue };
            coverage.lines_read += reading.read - reading.cut;
            coverage.lines_due += reading.due;
            let left_out = |why: String| LeftOut { path: path.to_owned(), why };
            match reading.why {
                None if reading.cut > 0 => {
                    let cut = reading.cut;
                    coverage.partly.push(left_out(format!("{cut} of its lines too long to be shown whole")));
                }
                None => coverage.read.push(path.to_owned()),
                Some(why) if reading.parts == 0 => coverage.unread.push(left_out(why.to_owned())),
                Some(why) => {
                    let (read, due) = (reading.read, reading.due);
                    coverage
                        .partly
                        .push(left_out(format!("{read} of {due} changed lines read; the rest: {why}")));
                }
            }
        }
        coverage
    }

    /// The paths of which a lane did not say all that it holds: where it is silent, that means nothing.
    #[must_use]
    pub fn unread_by(&self, report: &LaneReport) -> BTreeSet<String> {
        // A batch that nobody was asked about has no passes, and no findings either.
        let reviews = || report.passes.iter().filter(|pass| pass.purpose == Purpose::Review);
        let of = |at: usize| reviews().filter(move |pass| pass.batch == Some(at));
        let failed = |at: usize| of(at).any(|pass| !pass.end.is_done() || pass.brief);
        let open = self.batches.iter().enumerate().filter(|(at, _)| failed(*at));
        open.flat_map(|(_, batch)| &batch.files).map(|file| file.path.clone()).collect()
    }

    /// Every step that was taken to fit the budget, in words.
    #[must_use]
    pub fn degraded(&self, reports: &[LaneReport], coverage: &Coverage) -> Vec<String> {
        let mut steps = Vec::new();
        let [most, ..] = OUTPUT_CAPS;
        let limited = self.lanes.iter().flat_map(|planned| {
            let passes = reports
                .iter()
                .filter(|report| report.lane == planned.lane.name)
                .flat_map(|report| &report.passes);
            let reviews = passes.filter(|pass| pass.purpose == Purpose::Review);
            reviews.filter_map(|pass| pass.max_output).filter(|cap| *cap < planned.output(most))
        });
        if let Some(least) = limited.min() {
            steps.push(format!("answers are limited to {least} tokens instead of {most}"));
        }
        let files = coverage.partly.iter().chain(&coverage.unread);
        let unpaid = files.filter(|file| file.why.ends_with(UNPAID)).count();
        if unpaid > 0 {
            steps.push(format!("{unpaid} of {} files not read whole", coverage.due()));
        }
        steps
    }
}

/// How much of a file was read.
#[derive(Default)]
struct Reading {
    due: u64,
    read: u64,
    cut: u64,
    parts: usize,
    why: Option<&'static str>,
}

/// Why no lane answered a batch; `None` when one did.
fn unanswered(passes: &[&PassReport], batch: usize) -> Option<&'static str> {
    let reviews = passes.iter().filter(|pass| pass.purpose == Purpose::Review && pass.batch == Some(batch));
    let mut ends = reviews.map(|pass| &pass.end).peekable();
    if ends.peek().is_none() {
        return Some(UNPAID);
    }
    let ends: Vec<&End> = ends.collect();
    if ends.iter().any(|end| end.is_done()) {
        return None;
    }
    Some(if ends.contains(&&End::Cancelled) {
        "the run was cancelled"
    } else if ends.contains(&&End::TimedOut) {
        "the time was used up"
    } else {
        "no reviewer finished it"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::budget::Rates;
    use crate::domain::lane::Provider;

    fn lane(name: &str) -> PlannedLane {
        let rates = Rates { input: 1_000_000, output: 10_000_000, cache_read: 0, cache_write: 0 };
        PlannedLane {
            lane: Lane::new(name, Provider::Anthropic, name),
            fallback: None,
            price: Price {
                basis: budget::PriceBasis::List,
                base: rates,
                tier: None,
                max_input: None,
                max_output: None,
            },
        }
    }

    /// What would start, in words.
    fn next(left: u64, in_flight: bool) -> String {
        let prompt = Prompt { system: String::new(), shared: String::new(), task: String::new() };
        let batch = Batch { prompt, files: Vec::new(), bytes: vec![8_000, 8_000], readers: vec![0, 1] };
        match batch.step(&plan(), &[0, 1], MicroUsd(left), in_flight) {
            Step::Start(offer) => {
                format!("{:?} with {} tokens for {}", offer.lanes, offer.max_output, offer.bound().0)
            }
            Step::Wait => "waits".to_owned(),
            Step::GiveUp => "gives up".to_owned(),
        }
    }

    /// Two lanes and nothing to read.
    fn plan() -> Plan {
        Plan {
            strategy: Strategy::Parallel,
            lanes: vec![lane("a"), lane("b")],
            absent: Vec::new(),
            batches: Vec::new(),
            strategies: BTreeMap::new(),
            challenged: Severity::Medium,
            most_output: 16_000,
            left_out: Coverage::default(),
            unexplained: Vec::new(),
            bound: MicroUsd::ZERO,
            estimate: MicroUsd::ZERO,
            time: Duration::ZERO,
        }
    }

    #[test]
    fn a_batch_takes_what_it_wants_or_waits_and_takes_less_only_when_nothing_can_come_back() {
        let steps = [
            (340_000, true),
            (339_999, true),
            (339_999, false),
            (179_999, false),
            (99_999, false),
            (9_999, false),
        ];
        let steps = steps.map(|(left, in_flight)| format!("{left}: {}", next(left, in_flight)));
        insta::assert_snapshot!(steps.join("\n"), @"
        340000: [0, 1] with 16000 tokens for 340000
        339999: waits
        339999: [0, 1] with 8000 tokens for 180000
        179999: [0, 1] with 4000 tokens for 100000
        99999: [0] with 8000 tokens for 90000
        9999: gives up
        ");
    }

    #[test]
    fn a_brief_answer_covers_what_it_read_and_its_silence_means_nothing() {
        let file = |path: &str| BatchFile { path: path.to_owned(), part: 1, of: 1, changed: 3, cut: 0 };
        let mut plan = plan();
        let prompt = Prompt { system: String::new(), shared: String::new(), task: String::new() };
        let batch = |path: &str| Batch {
            prompt: prompt.clone(),
            files: vec![file(path)],
            bytes: vec![8_000, 8_000],
            readers: vec![0, 1],
        };
        plan.batches = vec![batch("a.rs"), batch("b.rs"), batch("c.rs")];
        let lane = &plan.lanes[0].lane;
        let pass = |at, end| PassReport::unasked(lane, Some(at), end);
        let brief = PassReport { brief: true, ..pass(1, End::Done) };
        let report =
            LaneReport::new(lane, vec![pass(0, End::Done), brief, pass(2, End::Truncated)], Duration::ZERO);
        assert_eq!(plan.unread_by(&report), ["b.rs", "c.rs"].map(str::to_owned).into());
        assert_eq!(plan.coverage(&[report]).read, ["a.rs", "b.rs"]);
    }

    #[test]
    fn lanes_are_given_up_from_the_end_and_then_each_is_tried_alone() {
        assert_eq!(sets(&[0, 1, 2]), [vec![0, 1, 2], vec![0, 1], vec![0], vec![1], vec![2]]);
        assert_eq!(sets(&[]), Vec::<Vec<usize>>::new());
    }
}
