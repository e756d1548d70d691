//! Which files, which lanes, at what bound; decided before any model is asked.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::adapters::clock::PUBLISHING;
use crate::adapters::{Endpoints, providers};
use crate::domain::batch::{self, Part};
use crate::domain::budget::{self, Price, PriceBasis};
use crate::domain::config::{Settings, Strategy};
use crate::domain::diff::{Around, FileDiff, NoLines};
use crate::domain::guidelines;
use crate::domain::lane::Lane;
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pass::{End, Feature, Prompt};
use crate::domain::plan::{Batch, BatchFile, Coverage, LeftOut, OUTPUT_CAPS, Plan, PlannedLane, sets};
use crate::domain::prompt::{self, MAX_NAMES, Material};
use crate::domain::render::words::sentence;
use crate::domain::snapshot::Snapshot;
use crate::domain::triage;
use crate::domain::units::MicroUsd;

/// The longest request in bytes, about 70 000 tokens: beyond it models overlook more, some providers charge all of a
/// call at a dearer tier (from 272 000 tokens, which the byte bound counts as bytes), and nothing is gained in money.
const MOST_BYTES: usize = 240_000;

/// A request with less room for files than this spends more on its rules than on the diff.
const FEWEST_BYTES: usize = 24_000;

/// With less room than this nothing worth reading fits.
const LEAST_BYTES: usize = 2_000;

/// Names of files take so many characters at most, of six bytes each where they are escaped.
const MOST_NAME_BYTES: usize = MAX_NAMES * 6;

/// What is to be read.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The riskiest files first, neighbours together.
    pub files: Vec<&'a FileDiff>,
    /// What is left out from the start.
    pub left_out: Coverage,
}

/// Plans a run.
///
/// # Errors
/// How the run ends when no model is to be asked.
pub fn make(
    settings: &Settings,
    snapshot: &Snapshot,
    selection: &Selection<'_>,
    around: &Around,
    endpoints: &Endpoints,
    cap: MicroUsd,
) -> Result<Plan, Stop> {
    let (candidates, mut absent) = candidates(settings, endpoints)?;
    let fitting = Fitting { snapshot, settings, candidates: &candidates, selection, around, cap };
    let Fit { lanes, batches, most_output } = fitting.best().ok_or_else(|| too_dear(cap))?;
    for candidate in &candidates {
        if lanes.iter().all(|planned| planned.lane.name != candidate.lane.name) {
            absent.push((candidate.lane.clone(), End::Unpaid));
        }
    }
    let calls = || batches.iter().flat_map(|batch| lanes.iter().zip(&batch.bytes));
    let bound = calls().map(|(lane, bytes)| lane.bound(*bytes, most_output)).sum::<MicroUsd>().min(cap);
    let usually =
        calls().map(|(lane, bytes)| budget::estimate(*bytes, lane.output(most_output), &lane.price));
    Ok(Plan {
        strategy: if lanes.len() == 1 { Strategy::Single } else { settings.strategy },
        bound,
        estimate: usually.sum::<MicroUsd>().min(cap),
        lanes,
        absent,
        batches,
        most_output,
        left_out: selection.left_out.clone(),
        unexplained: Vec::new(),
        time: settings.max_time.saturating_sub(PUBLISHING.min(settings.max_time / 5)),
    })
}

/// Decides what is to be read.
///
/// # Errors
/// How the run ends when that is nothing.
pub fn select<'a>(settings: &Settings, snapshot: &'a Snapshot) -> Result<Selection<'a>, Stop> {
    let mut coverage = Coverage { unlisted: snapshot.unlisted, ..Coverage::default() };
    let mut files = Vec::new();
    for file in &snapshot.diff.files {
        let left_out = |why: &str| LeftOut { path: file.path.clone(), why: why.to_owned() };
        if let Some(why) = triage::left_out(file, settings, &snapshot.attributes) {
            coverage.excluded.push(left_out(why.as_str()));
            continue;
        }
        match file.no_lines {
            None if file.hides_a_half() && !triage::is_binary_by_name(&file.path) => {
                coverage.unread.push(left_out("it became another kind of file, and half of it is not shown"));
            }
            None => files.push((triage::risk(&file.path, &settings.high_stakes), file)),
            Some(NoLines::Binary) => coverage.excluded.push(left_out("binary")),
            Some(NoLines::NothingToRead) => coverage.excluded.push(left_out("no line changed")),
            Some(NoLines::CalledBinary) => coverage.unread.push(left_out("called binary, and not read")),
            Some(NoLines::Withheld) => coverage.unread.push(left_out("GitHub withholds its diff")),
            Some(NoLines::TooLarge) => {
                coverage
                    .unread
                    .push(left_out("GitHub withholds its diff, and it is too large to be compared"));
            }
            Some(NoLines::Unfetched) => {
                coverage
                    .unread
                    .push(left_out("GitHub withholds its diff, and its content could not be fetched"));
            }
            Some(NoLines::Unreadable) => coverage.unread.push(left_out("its diff cannot be read")),
        }
    }
    files.sort_by(|(risk, file), (other, next)| (risk, &file.path).cmp(&(other, &next.path)));
    if files.is_empty() {
        return Err(nothing_to_review(&coverage));
    }
    Ok(Selection { files: files.into_iter().map(|(_, file)| file).collect(), left_out: coverage })
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
        "Nothing is left to review: every changed file is generated, vendored, binary, unchanged in content, or \
         excluded."
    };
    Stop::skip(Reason::NothingToReview, what, "")
}

/// Lanes that are not asked, and how that counts.
type Absent = Vec<(Lane, End)>;

/// The lanes that have a key and a price; for the others, how that counts.
fn candidates(settings: &Settings, endpoints: &Endpoints) -> Result<(Vec<PlannedLane>, Absent), Stop> {
    let mut candidates = Vec::new();
    let mut absent = Vec::new();
    for lane in &settings.lanes {
        let limits = match endpoints.get(&lane.name) {
            Some(Err(end)) => {
                absent.push((lane.clone(), end.clone()));
                continue;
            }
            Some(Ok(endpoint)) => endpoint.capabilities().limits(lane.limits),
            None => lane.limits,
        };
        match price(settings, lane, &lane.model) {
            Some(known) => {
                let fallback = lane.fallback.as_ref();
                let fallback =
                    fallback.and_then(|model| Some((model.clone(), price(settings, lane, model)?)));
                let lane = Lane { limits, ..lane.clone() };
                candidates.push(PlannedLane { lane, price: known, fallback });
            }
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

/// What a model costs in a lane.
fn price(settings: &Settings, lane: &Lane, model: &str) -> Option<Price> {
    let known = settings.prices.in_lane(lane, model);
    if lane.free {
        return Some(Price::free(known));
    }
    let basis = |price: Price| if lane.max_call.is_some() { PriceBasis::Ceiling } else { price.basis };
    known.map(|price| Price { basis: basis(price), ..price })
}

fn no_price(model: &str) -> End {
    End::Fatal {
        why: format!("no price is known for the model `{model}`"),
        advice: format!(
            "add `{model}: {{input: …, output: …}}` in USD per million tokens under `prices`, or say `free: true` in the \
             lane if its calls cost nothing"
        ),
    }
}

fn no_candidate(settings: &Settings, absent: &[(Lane, End)]) -> Stop {
    if absent.iter().all(|(_, end)| *end == End::NoKey) {
        let mut wanted: Vec<String> = Vec::new();
        for lane in &settings.lanes {
            let name = lane.key().to_string();
            if !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        return Stop::fail(
            Reason::MissingKeys,
            ExitCode::Usage,
            "No reviewer has a key, so nothing was reviewed.",
            format!("Set {} from a repository secret.", wanted.join(" and ")),
        );
    }
    if let Some(stop) = unreachable(absent) {
        return stop;
    }
    let unknown = absent.iter().filter(|(lane, end)| *end == no_price(&lane.model));
    let models: Vec<String> = unknown.map(|(lane, _)| format!("`{}`", lane.model)).collect();
    Stop::fail(
        Reason::UnknownPrice,
        ExitCode::Usage,
        format!("No price is known for {}, so no budget could be kept.", models.join(" or ")),
        "Add the model under `prices` in the configuration, in USD per million tokens, or choose a listed one; or say \
         `free: true` in the lane if its calls cost nothing.",
    )
}

/// The end of a run in which lanes cannot be reached for another reason than a key or a price, if that is so.
fn unreachable(absent: &[(Lane, End)]) -> Option<Stop> {
    let (mut what, mut advice) = (Vec::new(), Vec::new());
    for (lane, end) in absent {
        if let End::Fatal { why, advice: more } = end
            && *end != no_price(&lane.model)
            && !what.contains(why)
        {
            what.push(why.clone());
            advice.push(sentence(more));
        }
    }
    advice.dedup();
    let told = format!("No reviewer can be reached, so nothing was reviewed: {}.", what.join("; "));
    (!what.is_empty()).then(|| Stop::fail(Reason::NoLane, ExitCode::NoReview, told, advice.join(" ")))
}

/// What the budget holds: these lanes read these batches, with answers of at most so many tokens.
struct Fit {
    lanes: Vec<PlannedLane>,
    batches: Vec<Batch>,
    most_output: u32,
}

/// Everything that a run is fitted into its budget from.
struct Fitting<'a> {
    snapshot: &'a Snapshot,
    settings: &'a Settings,
    candidates: &'a [PlannedLane],
    selection: &'a Selection<'a>,
    around: &'a Around,
    cap: MicroUsd,
}

/// What one request has room for.
struct Room {
    /// Bytes of files.
    limit: usize,
    /// The longest answers that are asked for.
    most_output: u32,
    /// Whether that includes what stands around the hunks: it is given up before anything else.
    explained: bool,
}

impl Fitting<'_> {
    /// The lanes to ask and the batches they read: all in one where the budget holds that with as many lanes as
    /// possible, else in batches of which the budget holds about two at a time. What the calls give back when they
    /// settle below their bounds pays for the batches behind.
    fn best(&self) -> Option<Fit> {
        let nothing = Around::new();
        let (all, bare) = (self.bytes(self.around), self.bytes(&nothing));
        let positions: Vec<usize> = (0..self.candidates.len()).collect();
        let (roomy, mut tight): (Vec<_>, Vec<_>) = sets(&positions)
            .into_iter()
            .map(|set| set.iter().filter_map(|at| self.candidates.get(*at)).cloned().collect::<Vec<_>>())
            .filter_map(|lanes| Some((self.room(&lanes, all, bare)?, lanes)))
            .partition(|(room, _)| room.limit >= bare.min(FEWEST_BYTES));
        // Where the budget is tight for all, whoever gets most of the diff for it.
        tight.sort_by_key(|(room, _)| Reverse(room.limit));
        roomy.into_iter().chain(tight).find_map(|(room, lanes)| {
            let around = if room.explained { self.around } else { &nothing };
            let batches = self.batches(&lanes, around, room.limit);
            let everyone: Vec<usize> = (0..lanes.len()).collect();
            let affordable = |batch: &Batch| {
                let offers = batch.offers(&lanes, &everyone, room.most_output);
                offers.iter().any(|offer| offer.bound() <= self.cap)
            };
            batches.iter().any(affordable).then_some(Fit { lanes, batches, most_output: room.most_output })
        })
    }

    /// What all files take in one request, with what stands around their hunks.
    fn bytes(&self, around: &Around) -> usize {
        batch::pack(&self.selection.files, around, usize::MAX).iter().flatten().map(|part| part.bytes).sum()
    }

    /// The room in one request to each of these lanes, for `all` bytes with what stands around the hunks or `bare`
    /// ones without; nothing if there is none worth having.
    fn room(&self, lanes: &[PlannedLane], all: usize, bare: usize) -> Option<Room> {
        let empty = self.prompt(&[], 1);
        // Where there are several batches, each names the files of the others.
        let names: usize = self.selection.files.iter().map(|file| file.path.len() + 2).sum();
        let names = MOST_NAME_BYTES.min(names * 6);
        let rules = |lane: &PlannedLane| body_len(&lane.lane, &empty) + names;
        let window = |lane: &PlannedLane| {
            let most = [lane.price.max_input, lane.lane.limits.input].into_iter().flatten().min();
            let most = most.map_or(usize::MAX, bytes);
            most.min(MOST_BYTES).saturating_sub(rules(lane))
        };
        let most = lanes.iter().map(window).min()?;
        let spare = |money: MicroUsd, cap: u32| {
            let rules: MicroUsd = lanes.iter().map(|lane| lane.bound(rules(lane), cap)).sum();
            // What a command line may cost does not depend on what it reads.
            let by_bytes = lanes.iter().filter(|lane| lane.lane.max_call.is_none());
            let rate: u64 = by_bytes.map(|lane| lane.price.dearest(MOST_BYTES as u64, 0).0).sum();
            let Some(left) = money.0.checked_sub(rules.0) else { return 0 };
            let affordable = (u128::from(left) * (MOST_BYTES as u128)).checked_div(u128::from(rate));
            affordable.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX)
        };
        let [longest, ..] = OUTPUT_CAPS;
        let whole =
            OUTPUT_CAPS.map(|cap| most.min(spare(self.cap, cap))).into_iter().find(|spare| *spare >= bare);
        if let Some(limit) = whole {
            return Some(Room { limit, most_output: longest, explained: limit >= all });
        }
        // Two at a time, even if their answers are shorter for it: one after the other they would take too long.
        let pairs = OUTPUT_CAPS.map(|cap| (cap, spare(MicroUsd(self.cap.0 / 2), cap)));
        if let Some((most_output, limit)) = pairs.into_iter().find(|(_, limit)| *limit >= FEWEST_BYTES) {
            return Some(Room { limit: limit.min(most), most_output, explained: true });
        }
        let limit = OUTPUT_CAPS.map(|cap| spare(self.cap, cap)).into_iter().max()?.min(most);
        (limit >= LEAST_BYTES).then_some(Room { limit, most_output: longest, explained: true })
    }

    fn batches(&self, lanes: &[PlannedLane], around: &Around, limit: usize) -> Vec<Batch> {
        let packed = batch::pack(&self.selection.files, around, limit);
        let of = packed.len();
        let batches = packed.iter().map(|parts| {
            let prompt = self.prompt(parts, of);
            let bytes = lanes.iter().map(|planned| body_len(&planned.lane, &prompt)).collect();
            let file = |part: &Part<'_>| BatchFile {
                path: part.file.path.clone(),
                part: part.number,
                of: part.of,
                changed: part.changed,
                cut: part.cut,
            };
            Batch { prompt, files: parts.iter().map(file).collect(), bytes }
        });
        batches.collect()
    }

    fn prompt(&self, parts: &[Part<'_>], of: usize) -> Prompt {
        let here: BTreeSet<&str> = parts.iter().map(|part| part.file.path.as_str()).collect();
        let elsewhere: Vec<&str> = match of {
            1 => Vec::new(),
            _ => self
                .selection
                .files
                .iter()
                .map(|file| file.path.as_str())
                .filter(|path| !here.contains(path))
                .collect(),
        };
        prompt::review(&Material {
            title: &self.snapshot.title,
            description: &self.snapshot.description,
            guidelines: &guidelines::told(&self.settings.guidelines, &self.snapshot.guidelines),
            parts,
            elsewhere: &elsewhere,
            left_out: &self.selection.left_out,
        })
    }
}

/// Bytes of the request that asks a lane with the longest answer, whichever way it is told the form of its reply.
fn body_len(lane: &Lane, prompt: &Prompt) -> usize {
    let empty = Prompt { shared: String::new(), ..prompt.clone() };
    let in_words = BTreeSet::from([Feature::StructuredOutput, Feature::MaxTokens]);
    let surplus =
        request_len(lane, &empty, &in_words).saturating_sub(request_len(lane, &empty, &BTreeSet::new()));
    request_len(lane, prompt, &BTreeSet::new()) + surplus
}

fn request_len(lane: &Lane, prompt: &Prompt, without: &BTreeSet<Feature>) -> usize {
    let [max_output, ..] = OUTPUT_CAPS;
    let request = providers::Request {
        model: &lane.model,
        effort: lane.effort,
        prompt,
        max_output,
        without,
        mark_cache: lane.tools.is_some(),
        // As long as the one that is sent.
        cache_key: "00000000000000000000000000000000",
        talk: lane.tools.map(|_| providers::Talk { turns: &[], open: true, closing: "" }),
    };
    providers::body(lane.provider.wire(), &request).len()
}

/// The bytes that a window of this many tokens holds, at two and a half bytes a token: fewer than any tokenizer gets
/// out of code. What is wrong here costs a refusal, not money.
fn bytes(tokens: u64) -> usize {
    usize::try_from(tokens.saturating_mul(5) / 2).unwrap_or(usize::MAX)
}

fn too_dear(cap: MicroUsd) -> Stop {
    Stop::skip(
        Reason::Budget,
        format!("The budget left for this run ({cap}) cannot pay a single call, so no model was asked."),
        "Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.",
    )
}
