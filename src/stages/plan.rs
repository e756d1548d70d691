//! Which files, which lanes, at what bound; decided before any model is asked.

use std::collections::BTreeSet;

use crate::adapters::clock::PUBLISHING;
use crate::adapters::{Endpoints, providers};
use crate::domain::budget::{self, Price};
use crate::domain::config::{Lane, Settings, Strategy};
use crate::domain::diff::{self, FileDiff, NoLines};
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pass::{End, Feature, Prompt};
use crate::domain::plan::{Coverage, LeftOut, Plan, PlannedLane};
use crate::domain::prompt::{self, Material};
use crate::domain::snapshot::Snapshot;
use crate::domain::units::MicroUsd;

/// Caps on a lane's output in tokens, thinking included; the first that the budget holds is taken. Above
/// 21 333 a provider wants streaming (`docs/architecture.md`, model calls).
const OUTPUT_CAPS: [u32; 3] = [16_000, 8_000, 4_000];

/// A lane that could be asked, with its price.
struct Candidate<'a> {
    lane: &'a Lane,
    price: Price,
}

impl Candidate<'_> {
    /// The cap on its answer: ours, or the model's own where that is lower.
    fn output(&self, cap: u32) -> u32 {
        self.price.max_output.and_then(|most| u32::try_from(most).ok()).map_or(cap, |most| cap.min(most))
    }
}

/// Plans a run.
///
/// # Errors
/// How the run ends when no model is to be asked.
pub fn make(
    settings: &Settings,
    snapshot: &Snapshot,
    endpoints: &Endpoints,
    cap: MicroUsd,
) -> Result<Plan, Stop> {
    let (files, coverage) = select(settings, snapshot);
    if files.is_empty() {
        return Err(nothing_to_review(&coverage));
    }
    let (candidates, mut absent) = candidates(settings, endpoints)?;
    let fitting = Fitting { snapshot, settings, candidates: &candidates, files: &files, coverage, cap };
    let Fit { reading, lanes: chosen, max_output } = fitting.best().ok_or_else(|| too_dear(cap))?;

    let mut degraded = Vec::new();
    let (most, usual) = (OUTPUT_CAPS.first().copied().unwrap_or(max_output), max_output);
    if usual < most {
        degraded.push(format!("answers are limited to {usual} tokens instead of {most}"));
    }
    for left in candidates.iter().filter(|candidate| chosen.iter().all(|taken| taken.lane != candidate.lane))
    {
        absent.push((left.lane.clone(), End::Unpaid));
    }
    let unpaid = reading.coverage.unread.iter().filter(|file| file.why == UNPAID).count();
    if unpaid > 0 {
        degraded.push(format!("{unpaid} of {} files left out", files.len()));
    }

    let lanes: Vec<PlannedLane> = chosen
        .iter()
        .map(|candidate| PlannedLane {
            lane: candidate.lane.clone(),
            max_output: candidate.output(max_output),
            bound: bound(candidate, &reading.prompt, max_output),
        })
        .collect();
    let usually = |candidate: &&Candidate<'_>| {
        let output = candidate.output(max_output);
        budget::estimate(body(candidate.lane, &reading.prompt, output).len(), output, &candidate.price)
    };
    let estimate = chosen.iter().map(usually).sum();
    Ok(Plan {
        strategy: if lanes.len() == 1 { Strategy::Single } else { settings.strategy },
        bound: lanes.iter().map(|lane| lane.bound).sum(),
        lanes,
        absent,
        prompt: reading.prompt,
        coverage: reading.coverage,
        degraded,
        estimate,
        time: settings.max_time.saturating_sub(PUBLISHING.min(settings.max_time / 5)),
    })
}

const UNPAID: &str = "the budget does not hold it";

const TOO_LARGE: &str = "the models' context does not hold it";

/// The files to read, the most important first, and what is left out from the start.
fn select<'a>(settings: &Settings, snapshot: &'a Snapshot) -> (Vec<&'a FileDiff>, Coverage) {
    let mut coverage = Coverage { unlisted: snapshot.unlisted, ..Coverage::default() };
    let mut files = Vec::new();
    for file in &snapshot.diff.files {
        let left_out = |why: &str| LeftOut { path: file.path.clone(), why: why.to_owned() };
        if settings.exclude.is_match(&file.path) {
            coverage.excluded.push(left_out("excluded by the configuration"));
            continue;
        }
        match file.no_lines {
            None => files.push(file),
            Some(NoLines::Binary) => coverage.excluded.push(left_out("binary")),
            Some(NoLines::NothingToRead) => coverage.excluded.push(left_out("no line changed")),
            Some(NoLines::Withheld) => coverage.unread.push(left_out("GitHub withholds its diff")),
            Some(NoLines::Unreadable) => coverage.unread.push(left_out("its diff cannot be read")),
        }
    }
    files.sort_by_key(|file| !settings.high_stakes.is_match(&file.path));
    (files, coverage)
}

fn nothing_to_review(coverage: &Coverage) -> Stop {
    if !coverage.is_whole() {
        let what = "Nothing could be read: the diff of every file that counts is withheld or cannot be read.";
        let advice = "Review it by hand, or split the pull request.";
        return Stop::fail(Reason::FilesUnread, ExitCode::NoReview, what, advice);
    }
    let what = if coverage.excluded.is_empty() {
        "The pull request changes nothing."
    } else {
        "Nothing is left to review: every changed file is binary, unchanged in content, or excluded."
    };
    Stop::skip(Reason::NothingToReview, what, "")
}

/// Lanes that are not asked, and how that counts.
type Absent = Vec<(Lane, End)>;

/// The lanes that have a key and a price; for the others, how that counts.
fn candidates<'a>(
    settings: &'a Settings,
    endpoints: &Endpoints,
) -> Result<(Vec<Candidate<'a>>, Absent), Stop> {
    let mut candidates = Vec::new();
    let mut absent = Vec::new();
    for lane in &settings.lanes {
        if !endpoints.contains_key(&lane.provider) {
            absent.push((lane.clone(), End::NoKey));
            continue;
        }
        match settings.prices.of(&lane.model) {
            Some(price) => candidates.push(Candidate { lane, price }),
            None => absent.push((lane.clone(), no_price(&lane.model))),
        }
    }
    if settings.strategy == Strategy::Single && !candidates.is_empty() {
        candidates.truncate(1);
        absent.clear();
    }
    if candidates.is_empty() {
        return Err(no_candidate(settings, &absent));
    }
    Ok((candidates, absent))
}

fn no_price(model: &str) -> End {
    End::Fatal {
        why: format!("no price is known for the model `{model}`"),
        advice: format!("add `{model}: {{input: …, output: …}}` in USD per million tokens under `prices`"),
    }
}

fn no_candidate(settings: &Settings, absent: &[(Lane, End)]) -> Stop {
    if absent.iter().all(|(_, end)| *end == End::NoKey) {
        let mut wanted: Vec<String> = Vec::new();
        for lane in &settings.lanes {
            let names = providers::names(lane.provider);
            let name = format!("`{}` (or {})", names.key_input, names.key_variable);
            if !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        return Stop::fail(
            Reason::MissingKeys,
            ExitCode::Usage,
            "No reviewer has a key, so nothing was reviewed.",
            format!("Set the input {} from a repository secret.", wanted.join(" and the input ")),
        );
    }
    let models: Vec<String> = settings.lanes.iter().map(|lane| format!("`{}`", lane.model)).collect();
    Stop::fail(
        Reason::UnknownPrice,
        ExitCode::Usage,
        format!("No price is known for {}, so no budget could be kept.", models.join(" or ")),
        "Add the model under `prices` in the configuration, in USD per million tokens, or choose a listed one.",
    )
}

/// A choice of files with the prompt they make.
struct Reading {
    prompt: Prompt,
    coverage: Coverage,
}

/// What the budget holds: these files, these lanes, so long an answer.
struct Fit<'a> {
    reading: Reading,
    lanes: Vec<&'a Candidate<'a>>,
    max_output: u32,
}

/// Everything that a run is fitted into its budget from.
struct Fitting<'a> {
    snapshot: &'a Snapshot,
    settings: &'a Settings,
    candidates: &'a [Candidate<'a>],
    files: &'a [&'a FileDiff],
    coverage: Coverage,
    cap: MicroUsd,
}

/// For each file why it is not read, if it is not.
type LeaveOut = Vec<Option<&'static str>>;

impl<'a> Fitting<'a> {
    /// What no model's window holds is left out first; then, for the budget, room for long answers, lanes and
    /// files, in this order.
    fn best(&self) -> Option<Fit<'a>> {
        let (leave_out, whole) = self.within_windows();
        for lanes in self.sets_of_lanes() {
            for max_output in OUTPUT_CAPS {
                if self.pays(&whole.prompt, &lanes, max_output) {
                    return Some(Fit { reading: whole, lanes, max_output });
                }
            }
        }
        let max_output = OUTPUT_CAPS.last().copied()?;
        self.candidates.iter().find_map(|lane| {
            let reading = self.fewer_files(leave_out.clone(), lane, max_output)?;
            Some(Fit { reading, lanes: vec![lane], max_output })
        })
    }

    /// All lanes, then fewer of them, then each alone.
    fn sets_of_lanes(&self) -> impl Iterator<Item = Vec<&'a Candidate<'a>>> {
        let candidates = self.candidates;
        let several = (2..=candidates.len()).rev().map(|count| candidates.iter().take(count).collect());
        several.chain(candidates.iter().map(|lane| vec![lane]))
    }

    fn pays(&self, prompt: &Prompt, lanes: &[&Candidate<'_>], max_output: u32) -> bool {
        lanes.iter().map(|lane| bound(lane, prompt, max_output)).sum::<MicroUsd>() <= self.cap
    }

    /// The files that every lane's window holds, each taken in its order if there is room for it still.
    fn within_windows(&self) -> (LeaveOut, Reading) {
        let mut leave_out: LeaveOut = vec![None; self.files.len()];
        let whole = self.read(&leave_out);
        let window = self.candidates.iter().filter_map(|lane| lane.price.max_input).min().unwrap_or(u64::MAX);
        if tokens_of(&whole.prompt) <= window {
            return (leave_out, whole);
        }
        let empty = self.read(&vec![Some(TOO_LARGE); self.files.len()]);
        let mut spare = window.saturating_sub(tokens_of(&empty.prompt));
        for (file, why) in self.files.iter().zip(&mut leave_out) {
            let mut text = String::new();
            diff::render(file, &mut text);
            match spare.checked_sub(tokens(text.len())) {
                Some(left) => spare = left,
                None => *why = Some(TOO_LARGE),
            }
        }
        let reading = self.read(&leave_out);
        (leave_out, reading)
    }

    /// One pass over the files in their order: each is taken if the budget still holds it.
    fn fewer_files(&self, mut leave_out: LeaveOut, lane: &Candidate<'_>, max_output: u32) -> Option<Reading> {
        let nothing: LeaveOut = leave_out.iter().map(|why| why.or(Some(UNPAID))).collect();
        let mut spare = self.spare_bytes(lane, &self.read(&nothing).prompt, max_output)?;
        for (file, why) in self.files.iter().zip(&mut leave_out).filter(|(_, why)| why.is_none()) {
            match spare.checked_sub(self.bytes_of(file)) {
                Some(left) => spare = left,
                None => *why = Some(UNPAID),
            }
        }
        // Names of files that are left out take room too: what does not hold after all gives way from the end.
        loop {
            let reading = self.read(&leave_out);
            if reading.coverage.read.is_empty() {
                return None;
            }
            if self.pays(&reading.prompt, &[lane], max_output) {
                return Some(reading);
            }
            if let Some(last) = leave_out.iter_mut().rev().find(|why| why.is_none()) {
                *last = Some(UNPAID);
            }
        }
    }

    /// The bytes that the budget leaves beside a prompt without files.
    fn spare_bytes(&self, candidate: &Candidate<'_>, empty: &Prompt, max_output: u32) -> Option<usize> {
        let rate = candidate.price.dearest(1_000_000, 0).0.max(1);
        let left = self.cap.0.checked_sub(bound(candidate, empty, max_output).0)?;
        let affordable = u128::from(left) * 1_000_000 / u128::from(rate);
        usize::try_from(affordable).ok()
    }

    /// What a file adds to the serialised request.
    fn bytes_of(&self, file: &FileDiff) -> usize {
        let mut text = String::new();
        diff::render(file, &mut text);
        serde_json::to_string(&text).map_or(text.len() * 2, |json| json.len())
    }

    fn read(&self, leave_out: &[Option<&str>]) -> Reading {
        let mut coverage = self.coverage.clone();
        let mut files: Vec<&FileDiff> = Vec::new();
        for (file, why) in self.files.iter().zip(leave_out) {
            match why {
                None => files.push(file),
                Some(why) => {
                    coverage.unread.push(LeftOut { path: file.path.clone(), why: (*why).to_owned() })
                }
            }
        }
        coverage.read = files.iter().map(|file| file.path.clone()).collect();
        let material = Material {
            title: &self.snapshot.title,
            description: &self.snapshot.description,
            guidelines: &self.settings.guidelines,
            files: &files,
            coverage: &coverage,
        };
        Reading { prompt: prompt::review(&material), coverage }
    }
}

fn body(lane: &Lane, prompt: &Prompt, max_output: u32) -> Vec<u8> {
    let without: BTreeSet<Feature> = BTreeSet::new();
    let request = providers::Request {
        model: &lane.model,
        effort: lane.effort,
        prompt,
        max_output,
        without: &without,
        mark_cache: false,
        cache_key: "",
    };
    providers::body(lane.provider, &request)
}

fn bound(candidate: &Candidate<'_>, prompt: &Prompt, max_output: u32) -> MicroUsd {
    let output = candidate.output(max_output);
    budget::bound(body(candidate.lane, prompt, output).len(), output, &candidate.price)
}

/// The tokens of a prompt at two and a half bytes each: more than any tokenizer needs for code. What is wrong
/// here costs a refusal, not money.
fn tokens_of(prompt: &Prompt) -> u64 {
    tokens(prompt.system.len() + prompt.shared.len() + prompt.task.len())
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(2) / 5
}

fn too_dear(cap: MicroUsd) -> Stop {
    Stop::skip(
        Reason::Budget,
        format!("The budget left for this run ({cap}) cannot pay a single call, so no model was asked."),
        "Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.",
    )
}
