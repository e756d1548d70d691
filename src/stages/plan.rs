//! Which files, which lanes, at what bound; decided before any model is asked.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::adapters::{Endpoints, providers};
use crate::domain::budget::{self, Price};
use crate::domain::config::{Lane, Settings, Strategy};
use crate::domain::diff::{FileDiff, NoLines};
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pass::{End, Feature, Prompt};
use crate::domain::plan::{Coverage, LeftOut, Plan, PlannedLane};
use crate::domain::prompt::{self, Material};
use crate::domain::snapshot::Snapshot;
use crate::domain::units::MicroUsd;

/// Caps on a lane's output in tokens, thinking included; the first that the budget holds is taken. Above
/// 21 333 a provider wants streaming (`docs/architecture.md`, model calls).
const OUTPUT_CAPS: [u32; 3] = [16_000, 8_000, 4_000];

/// Time kept back for publishing: a fifth of the run, at most this.
const PUBLISHING: Duration = Duration::from_secs(20);

/// A lane that could be asked, with its price.
struct Candidate<'a> {
    lane: &'a Lane,
    price: Price,
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
    for left in candidates.iter().skip(chosen) {
        absent.push((left.lane.clone(), End::Unpaid));
    }
    let unpaid = reading.coverage.unread.iter().filter(|file| file.why == UNPAID).count();
    if unpaid > 0 {
        degraded
            .push(format!("{unpaid} of {} files are not read: the budget does not hold them", files.len()));
    }

    let lanes: Vec<PlannedLane> = candidates
        .iter()
        .take(chosen)
        .map(|candidate| PlannedLane {
            lane: candidate.lane.clone(),
            max_output,
            bound: bound(candidate, &reading.prompt, max_output),
        })
        .collect();
    let estimate = candidates
        .iter()
        .take(chosen)
        .map(|candidate| {
            let size = body(candidate.lane, &reading.prompt, max_output).len();
            budget::estimate(size, max_output, &candidate.price)
        })
        .sum();
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
    let what = if !coverage.is_whole() {
        "Nothing could be read: GitHub withholds the diff of every file that counts."
    } else if coverage.excluded.is_empty() {
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

/// What the budget holds: these files, so many of the lanes, so long an answer.
struct Fit {
    reading: Reading,
    lanes: usize,
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

impl Fitting<'_> {
    /// Gives up, in this order: room for long answers, lanes, files.
    fn best(&self) -> Option<Fit> {
        let everything = vec![true; self.files.len()];
        let whole = self.read(&everything);
        for lanes in (1..=self.candidates.len()).rev() {
            for max_output in OUTPUT_CAPS {
                if self.holds(&whole.prompt, lanes, max_output) {
                    return Some(Fit { reading: whole, lanes, max_output });
                }
            }
        }
        let max_output = OUTPUT_CAPS.last().copied()?;
        let reading = self.fewer_files(max_output)?;
        Some(Fit { reading, lanes: 1, max_output })
    }

    fn holds(&self, prompt: &Prompt, lanes: usize, max_output: u32) -> bool {
        let lanes = self.candidates.iter().take(lanes);
        let bounds: MicroUsd = lanes.clone().map(|lane| bound(lane, prompt, max_output)).sum();
        bounds <= self.cap && lanes.clone().all(|lane| fits_window(lane, prompt))
    }

    /// One pass over the files in their order: each is taken if the budget still holds it.
    fn fewer_files(&self, max_output: u32) -> Option<Reading> {
        let mut taken = vec![false; self.files.len()];
        let mut spare = self.spare_bytes(&self.read(&taken).prompt, max_output)?;
        for (file, taken) in self.files.iter().zip(&mut taken) {
            let size = self.bytes_of(file);
            if size <= spare {
                spare -= size;
                *taken = true;
            }
        }
        // Names of files that are left out take room too: what does not hold after all gives way from the end.
        loop {
            let reading = self.read(&taken);
            if reading.coverage.read.is_empty() {
                return None;
            }
            if self.holds(&reading.prompt, 1, max_output) {
                return Some(reading);
            }
            if let Some(last) = taken.iter_mut().rev().find(|taken| **taken) {
                *last = false;
            }
        }
    }

    /// The bytes that the budget leaves beside a prompt without files.
    fn spare_bytes(&self, empty: &Prompt, max_output: u32) -> Option<usize> {
        let candidate = self.candidates.first()?;
        let rate = candidate.price.dearest(1_000_000, 0).0.max(1);
        let left = self.cap.0.checked_sub(bound(candidate, empty, max_output).0)?;
        let affordable = u128::from(left) * 1_000_000 / u128::from(rate);
        let window = candidate.price.max_input.map_or(u64::MAX, |tokens| tokens.saturating_mul(5) / 2);
        usize::try_from(affordable.min(u128::from(window))).ok()
    }

    /// What a file adds to the serialised request.
    fn bytes_of(&self, file: &FileDiff) -> usize {
        let mut text = String::new();
        crate::domain::diff::render(file, &mut text);
        serde_json::to_string(&text).map_or(text.len() * 2, |json| json.len())
    }

    fn read(&self, taken: &[bool]) -> Reading {
        let chosen = |wanted: bool| {
            let pairs = self.files.iter().zip(taken);
            pairs.filter(move |(_, taken)| **taken == wanted).map(|(file, _)| *file)
        };
        let files: Vec<&FileDiff> = chosen(true).collect();
        let mut coverage = self.coverage.clone();
        coverage.read = files.iter().map(|file| file.path.clone()).collect();
        coverage
            .unread
            .extend(chosen(false).map(|file| LeftOut { path: file.path.clone(), why: UNPAID.to_owned() }));
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
    budget::bound(body(candidate.lane, prompt, max_output).len(), max_output, &candidate.price)
}

/// Whether the model can take the prompt, at two and a half bytes a token: more than any tokenizer needs
/// for code. What is wrong here costs a refusal, not money.
fn fits_window(candidate: &Candidate<'_>, prompt: &Prompt) -> bool {
    let bytes = prompt.system.len() + prompt.shared.len() + prompt.task.len();
    let tokens = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(2) / 5;
    candidate.price.max_input.is_none_or(|most| tokens <= most)
}

fn too_dear(cap: MicroUsd) -> Stop {
    Stop::skip(
        Reason::Budget,
        format!("The budget left for this run ({cap}) cannot pay a single call, so no model was asked."),
        "Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.",
    )
}
