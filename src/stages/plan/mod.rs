//! Which files, which lanes, at what bound; decided before any model is asked.

mod selection;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

pub use self::selection::{Selection, select};
use crate::adapters::clock::PUBLISHING;
use crate::adapters::{Endpoints, providers};
use crate::domain::batch::{self, Part};
use crate::domain::budget::{self, Price, PriceBasis};
use crate::domain::config::{Settings, Strategy};
use crate::domain::diff::{self, Around, FileDiff};
use crate::domain::evidence;
use crate::domain::finding::Severity;
use crate::domain::guidelines;
use crate::domain::lane::Lane;
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::pass::{End, Feature, Prompt};
use crate::domain::plan::{Batch, BatchFile, OUTPUT_CAPS, Plan, PlannedLane, sets};
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

/// In so many requests at most a lane whose context has less room than [`FEWEST_BYTES`] reads beside one that has more:
/// all of them read what the smallest context holds, and each request brings the rules again.
const MOST_NARROW_REQUESTS: usize = 4;

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
    let strategies: BTreeMap<String, Strategy> = selection
        .files
        .iter()
        .map(|file| (file.path.clone(), triage::strategy(&file.path, settings)))
        .collect();
    let strategy = selection.strategy(settings);
    let fitting = Fitting { snapshot, settings, selection, around, strategies: &strategies, strategy, cap };
    let (candidates, mut absent) = candidates(settings, endpoints);
    let candidates = fitting.wide_enough(candidates, &mut absent)?;
    let (readers, checkers): (Vec<Candidate>, Vec<Candidate>) =
        candidates.into_iter().partition(|candidate| candidate.planned.lane.roles.review);
    if readers.is_empty() {
        return Err(no_candidate(settings, &absent));
    }
    let Fit { lanes, batches, most_output } =
        fitting.best(&readers, &checkers).ok_or_else(|| too_dear(cap))?;
    for Candidate { planned: PlannedLane { lane, .. }, .. } in readers {
        if lanes.iter().all(|planned| planned.lane.name != lane.name) {
            absent.push((lane, End::Unpaid));
        }
    }
    let calls = || batches.iter().flat_map(|batch| batch.calls(&lanes));
    let usually = calls().map(|(lane, bytes)| budget::estimate(bytes, lane.output(most_output), &lane.price));
    let estimate = usually.sum::<MicroUsd>().min(cap);
    // Where a diff is so large that its parts are read one after the other, money is short for what weighs little.
    let parts = batches.iter().filter(|batch| batch.readers.len() > 1).count();
    let challenged = if parts > 1 { Severity::High } else { Severity::Medium };
    let plan = Plan {
        strategy: if lanes.len() == 1 { Strategy::Single } else { strategy },
        strategies,
        challenged,
        bound: MicroUsd::ZERO,
        estimate,
        lanes,
        absent,
        batches,
        most_output,
        left_out: selection.left_out.clone(),
        unexplained: Vec::new(),
        time: settings.max_time.saturating_sub(PUBLISHING.min(settings.max_time / 5)),
    };
    Ok(Plan { bound: plan.bound_from(0).plus(plan.debate_bound()).min(cap), ..plan })
}

/// Lanes that are not asked, and how that counts.
type Absent = Vec<(Lane, End)>;

/// The lanes that have a key and a price; for the others, how that counts.
fn candidates(settings: &Settings, endpoints: &Endpoints) -> (Vec<PlannedLane>, Absent) {
    let mut candidates = Vec::new();
    let mut absent = Vec::new();
    for lane in &settings.lanes {
        let (limits, base_url) = match endpoints.get(&lane.name) {
            Some(Err(end)) => {
                absent.push((lane.clone(), end.clone()));
                continue;
            }
            Some(Ok(endpoint)) => {
                (endpoint.capabilities().limits(lane.limits), Some(endpoint.base_url().to_owned()))
            }
            None => (lane.limits, lane.base_url.clone()),
        };
        // The environment may name the address.
        let reached = Lane { base_url, ..lane.clone() };
        match price(settings, &reached, &lane.model) {
            Some(known) => {
                let fallback = lane.fallback.as_ref();
                let fallback =
                    fallback.and_then(|model| Some((model.clone(), price(settings, &reached, model)?)));
                let lane = Lane { limits, ..lane.clone() };
                candidates.push(PlannedLane { lane, price: known, fallback });
            }
            None => absent.push((lane.clone(), no_price(&lane.model))),
        }
    }
    (candidates, absent)
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

/// The end of a lane whose model takes so little input that it cannot take part.
fn too_narrow(candidate: &Candidate, because: &str) -> End {
    let (model, tokens) = (&candidate.planned.lane.model, candidate.tokens);
    End::Fatal {
        why: format!("`{model}` takes at most {tokens} tokens of input, {because}"),
        advice: "give it a larger context, or correct `limits` of the lane".to_owned(),
    }
}

/// The end of a run in which lanes cannot be asked for another reason than a key or a price, if that is so.
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
    let told = format!("No reviewer can be asked, so nothing was reviewed: {}.", what.join("; "));
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
    selection: &'a Selection<'a>,
    around: &'a Around,
    strategies: &'a BTreeMap<String, Strategy>,
    strategy: Strategy,
    cap: MicroUsd,
}

/// A lane that may be asked, and what one request to it holds.
struct Candidate {
    planned: PlannedLane,
    /// The longest input, in tokens.
    tokens: u64,
    /// Bytes of a request without files.
    rules: usize,
    /// Bytes of files that its context holds beside them.
    window: usize,
}

/// What one request has room for.
struct Room {
    /// Bytes of files.
    limit: usize,
    /// The longest answers that are asked for.
    most_output: u32,
    /// Whether that includes what stands around the hunks: it is given up before anything else.
    explained: bool,
    /// Whether money keeps it smaller than what is worth its rules.
    tight: bool,
}

impl Fitting<'_> {
    /// The lanes whose context holds enough of the diff; for the others, how that counts.
    ///
    /// # Errors
    /// How the run ends when there is none.
    fn wide_enough(&self, planned: Vec<PlannedLane>, absent: &mut Absent) -> Result<Vec<Candidate>, Stop> {
        // Where there are several batches, each names files of the others: all of them here, and others of them may be
        // written in letters that take more bytes.
        let empty = self.prompt(&[], 2);
        let paths = self.selection.files.iter().map(|file| diff::visible(file.path.as_bytes()));
        let surplus: usize = paths.map(|path| batch::json_len(&path) - path.chars().count()).sum();
        let reported = evidence::most_bytes(&self.snapshot.evidence);
        let measured = |planned: PlannedLane| {
            let tokens = planned.input().unwrap_or(u64::MAX);
            let rules = body_len(&planned.lane, &empty) + surplus.min(MAX_NAMES * 3) + reported;
            let window = planned.window().min(MOST_BYTES).saturating_sub(rules);
            Candidate { planned, tokens, rules, window }
        };
        let (mut wide, narrow): (Vec<_>, Vec<_>) =
            planned.into_iter().map(measured).partition(|candidate| candidate.window >= LEAST_BYTES);
        let end = |candidate: Candidate, because: &str| {
            let end = too_narrow(&candidate, because);
            (candidate.planned.lane, end)
        };
        absent.extend(narrow.into_iter().map(|candidate| end(candidate, "too few for the rules and a diff")));
        if wide.is_empty() {
            return Err(no_candidate(self.settings, absent));
        }
        if self.strategy == Strategy::Single {
            wide.retain(|candidate| candidate.planned.lane.roles.review);
            wide.truncate(1);
            absent.clear();
        }
        let bare = self.bytes(&Around::new());
        let several = bare.min(FEWEST_BYTES);
        let other_is_wider = wide.iter().any(|candidate| candidate.window >= several);
        let (wide, slow): (Vec<_>, Vec<_>) = wide.into_iter().partition(|candidate| {
            let few = bare.div_ceil(candidate.window) <= MOST_NARROW_REQUESTS;
            few || candidate.window >= several || !other_is_wider
        });
        absent.extend(slow.into_iter().map(|candidate| {
            let because = format!("too few to read this diff in {MOST_NARROW_REQUESTS} parts");
            end(candidate, &because)
        }));
        Ok(wide)
    }

    /// The lanes to ask and the batches they read: all in one where the budget holds that with as many lanes as
    /// possible, else in batches of which the budget holds about two at a time. What the calls give back when they
    /// settle below their bounds pays for the batches behind.
    fn best(&self, candidates: &[Candidate], checkers: &[Candidate]) -> Option<Fit> {
        let nothing = Around::new();
        let (all, bare) = (self.bytes(self.around), self.bytes(&nothing));
        let positions: Vec<usize> = (0..candidates.len()).collect();
        let (roomy, mut tight): (Vec<_>, Vec<_>) = sets(&positions)
            .into_iter()
            .map(|set| set.iter().filter_map(|at| candidates.get(*at)).collect::<Vec<_>>())
            .filter_map(|lanes| Some((self.room(&lanes, all, bare)?, lanes)))
            .partition(|(room, _)| !room.tight);
        // Where the budget is tight for all, whoever gets most of the diff for it.
        tight.sort_by_key(|(room, _)| Reverse(room.limit));
        roomy.into_iter().chain(tight).find_map(|(room, lanes)| {
            let around = if room.explained { self.around } else { &nothing };
            let lanes = lanes.into_iter().chain(checkers);
            let lanes: Vec<PlannedLane> = lanes.map(|candidate| candidate.planned.clone()).collect();
            let batches = self.batches(&lanes, around, room.limit);
            let affordable = |batch: &Batch| {
                let offers = batch.offers(&lanes, &batch.readers, room.most_output);
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
    fn room(&self, lanes: &[&Candidate], all: usize, bare: usize) -> Option<Room> {
        let most = lanes.iter().map(|candidate| candidate.window).min()?;
        // More money than for what the contexts hold would not help.
        let enough = most.min(FEWEST_BYTES);
        let spare = |money: MicroUsd, cap: u32| {
            let rules: MicroUsd = lanes.iter().map(|lane| lane.planned.bound(lane.rules, cap)).sum();
            // What a command line may cost does not depend on what it reads.
            let by_bytes = lanes.iter().map(|lane| &lane.planned).filter(|lane| lane.lane.max_call.is_none());
            let rate: u64 = by_bytes.map(|lane| lane.price.dearest(MOST_BYTES as u64, 0).0).sum();
            let Some(left) = money.0.checked_sub(rules.0) else { return 0 };
            let affordable = (u128::from(left) * (MOST_BYTES as u128)).checked_div(u128::from(rate));
            affordable.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX)
        };
        let [longest, ..] = OUTPUT_CAPS;
        let whole =
            OUTPUT_CAPS.map(|cap| most.min(spare(self.cap, cap))).into_iter().find(|spare| *spare >= bare);
        if let Some(limit) = whole {
            return Some(Room { limit, most_output: longest, explained: limit >= all, tight: false });
        }
        // Two at a time, even if their answers are shorter for it: one after the other they would take too long.
        let pairs = OUTPUT_CAPS.map(|cap| (cap, spare(MicroUsd(self.cap.0 / 2), cap)));
        if let Some((most_output, limit)) = pairs.into_iter().find(|(_, limit)| *limit >= enough) {
            return Some(Room { limit: limit.min(most), most_output, explained: true, tight: false });
        }
        let limit = OUTPUT_CAPS.map(|cap| spare(self.cap, cap)).into_iter().max()?.min(most);
        let tight = limit < bare.min(enough);
        (limit >= LEAST_BYTES).then_some(Room { limit, most_output: longest, explained: true, tight })
    }

    /// The files that the same lanes read, packed together: what is read together is understood together.
    fn batches(&self, lanes: &[PlannedLane], around: &Around, limit: usize) -> Vec<Batch> {
        let reviewers: Vec<usize> = lanes
            .iter()
            .enumerate()
            .filter_map(|(at, planned)| planned.lane.roles.review.then_some(at))
            .collect();
        let mut groups: Vec<(Strategy, Vec<&FileDiff>)> = Vec::new();
        for file in &self.selection.files {
            let kind = match self.strategies.get(&file.path) {
                Some(Strategy::Single) => Strategy::Single,
                Some(Strategy::Sequential) => Strategy::Sequential,
                // Whether and what is challenged is decided finding by finding.
                _ => Strategy::Parallel,
            };
            match groups.iter_mut().find(|(of, _)| *of == kind) {
                Some((_, files)) => files.push(file),
                None => groups.push((kind, vec![file])),
            }
        }
        let packed: Vec<_> = groups
            .iter()
            .flat_map(|(kind, files)| {
                batch::pack(files, around, limit).into_iter().map(move |parts| (*kind, parts))
            })
            .collect();
        let of = packed.len();
        let batches = packed.iter().map(|(kind, parts)| {
            let prompt = self.prompt(parts, of);
            let bytes = lanes.iter().map(|planned| body_len(&planned.lane, &prompt)).collect();
            let file = |part: &Part<'_>| BatchFile {
                path: part.file.path.clone(),
                part: part.number,
                of: part.of,
                changed: part.changed,
                cut: part.cut,
            };
            let first = *kind != Strategy::Parallel;
            let readers = reviewers.iter().copied().take(if first { 1 } else { usize::MAX }).collect();
            Batch { prompt, files: parts.iter().map(file).collect(), bytes, readers }
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
            evidence: &evidence::told(&self.snapshot.evidence, parts),
        })
    }
}

/// Bytes of the request that asks a lane with the longest answer, whichever way it is told the form of its reply.
fn body_len(lane: &Lane, prompt: &Prompt) -> usize {
    let empty = Prompt { shared: String::new(), ..prompt.clone() };
    let in_words = BTreeSet::from([Feature::StructuredOutput, Feature::MaxTokens]);
    let surplus =
        request_len(lane, &empty, &in_words).saturating_sub(request_len(lane, &empty, &BTreeSet::new()));
    let focus = lane.focus.as_deref().map_or(0, |focus| batch::json_len(&prompt::focus(focus)) + 4);
    request_len(lane, prompt, &BTreeSet::new()) + surplus + focus
}

fn request_len(lane: &Lane, prompt: &Prompt, without: &BTreeSet<Feature>) -> usize {
    let [max_output, ..] = OUTPUT_CAPS;
    let request = providers::Request {
        model: &lane.model,
        effort: lane.effort,
        prompt,
        max_output,
        without,
        // Whether a debate follows is known later; without the mark it is shorter.
        mark_cache: true,
        // As long as the one that is sent.
        cache_key: "00000000000000000000000000000000",
        talk: lane.tools.map(|_| providers::Talk { turns: &[], open: true, closing: "" }),
    };
    providers::body(lane.provider.wire(), &request).len()
}

fn too_dear(cap: MicroUsd) -> Stop {
    Stop::skip(
        Reason::Budget,
        format!("The budget left for this run ({cap}) cannot pay a single call, so no model was asked."),
        "Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.",
    )
}
