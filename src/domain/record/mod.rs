//! One run as one JSON file: enough of it to decide and to render it again. Secrets are replaced before it is written.

mod read;
mod replay;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

pub use self::read::read;
pub use self::replay::{Changes, Policy, changes, replay};
use crate::domain::budget::Entry;
use crate::domain::config::{Gate, InlineConfig, Settings, Strategy};
use crate::domain::debate::{Cast, FindingKey, Stance};
use crate::domain::dismissal::Dismissal;
use crate::domain::evidence::Reports;
use crate::domain::finding::{Anchor, Evidence, Finding, Severity, Verdict};
use crate::domain::lane::{Effort, Provider, Roles};
use crate::domain::marker::{FindingMarker, SummaryMarker};
use crate::domain::outcome::{GateState, Outcome, Reason};
use crate::domain::pass::{LaneReport, PassReport};
use crate::domain::plan::{BatchFile, Coverage, Plan};
use crate::domain::reconcile::contradiction::Why;
use crate::domain::reconcile::similarity::Match;
use crate::domain::reconcile::{Defended, Issue, Possibly, outside};
use crate::domain::redact;
use crate::domain::render::words;
use crate::domain::review::{Dismissed, Listed, Review, Shown, Standing};
use crate::domain::snapshot::Place;
use crate::domain::units::{LaneName, MicroUsd, PullNumber, RepoName, Sha};

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// A run that asked models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    outcome: Outcome,
    reason: Reason,
    gate: GateState,
    repository: Option<RepoName>,
    pull_request: Option<PullNumber>,
    base_sha: Option<Sha>,
    head_sha: Option<Sha>,
    config: Configured,
    diff_base64: String,
    plan: Planned,
    passes: Vec<PassReport>,
    findings: Vec<Told>,
    ledger: Vec<Entry>,
    /// How each lane ended; what it said stands in `passes`.
    lanes: Vec<LaneReport>,
    snapshot: Taken,
    standing: Standing,
    /// The summary comment, once it stands.
    summary_url: Option<String>,
    /// Findings, as `findings` names them, that were due on a line and were not posted there.
    not_posted: Vec<String>,
    milliseconds: u64,
}

/// The settings that decide and render.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Configured {
    fingerprint: String,
    /// Where they came from, for people.
    from: String,
    lanes: BTreeMap<LaneName, ConfiguredLane>,
    strategy: Strategy,
    fail_on: Vec<Gate>,
    #[serde(with = "usd")]
    max_cost_usd: MicroUsd,
    max_minutes: f64,
    #[serde(with = "usd")]
    per_pr_usd: MicroUsd,
    inline: InlineConfig,
    trigger: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ConfiguredLane {
    provider: Provider,
    model: String,
    effort: Effort,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Planned {
    strategy: Strategy,
    lanes: Vec<PlannedLane>,
    batches: Vec<PlannedBatch>,
    /// What was done with each file, by path.
    strategies: BTreeMap<String, Strategy>,
    /// From this severity on, what one lane found is challenged under `auto`.
    challenged: Severity,
    coverage: Coverage,
    /// What was left out before anything was read.
    left_out: Coverage,
    degraded: Vec<String>,
    unexplained: Vec<String>,
    most_output: u32,
    #[serde(with = "usd")]
    bound_usd: MicroUsd,
    #[serde(with = "usd")]
    estimate_usd: MicroUsd,
    #[serde(with = "usd")]
    cap_usd: MicroUsd,
    seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PlannedLane {
    lane: LaneName,
    model: String,
    roles: Roles,
    /// The longest answer that the model or the configuration allows, in tokens.
    max_output: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct PlannedBatch {
    files: Vec<BatchFile>,
    /// Who reviews it, by position among the planned lanes.
    readers: Vec<usize>,
    bytes: Vec<usize>,
}

/// What was reviewed, besides its diff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Taken {
    title: String,
    notes: Vec<String>,
    /// Lines that had a secret replaced.
    redacted: usize,
    /// Files whose lines GitHub does not show, so that they take no comment.
    uncommentable: Vec<String>,
    /// What other tools reported.
    #[serde(default)]
    evidence: Reports,
    /// What stood on the pull request before; absent for a local diff.
    pull: Option<TakenPull>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TakenPull {
    url: String,
    base_ref: String,
    summary: Option<SummaryMarker>,
    check: Option<SummaryMarker>,
    threads: Vec<TakenThread>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dismissals: Vec<Dismissal>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TakenThread {
    url: String,
    marker: FindingMarker,
}

/// A merged issue: the finding that stands for it, and everything that makes up its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    #[serde(flatten)]
    finding: Finding,
    verdict: Verdict,
    raised_by: Vec<LaneName>,
    votes: Vec<Voice>,
    #[serde(rename = "match")]
    matched: Option<Match>,
    anchor: Option<Anchor>,
    inline: Option<Inline>,
    /// By whom it is dismissed, and why: then it counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dismissed: Option<Dismissal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was: Option<Severity>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pre_existing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    defended: Option<Defended>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    possibly: Vec<Possibly>,
    /// What other tools say beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outside: Vec<outside::Voice>,
}

/// What one lane has to do with an issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Voice {
    lane: LaneName,
    vote: Said,
    blind: bool,
    /// The finding that it raised, or that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    says: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    /// What it quotes, and whether that stands in the code it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<Vec<Evidence>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stands: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    Raised,
    Opposed,
    #[serde(untagged)]
    Checked(Stance),
}

/// The comment on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Inline {
    /// Its id on the pull request.
    id: String,
    /// Its page, once it stands, and whether it stood there before this run.
    #[serde(flatten)]
    posted: Option<Posted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Posted {
    url: String,
    earlier: bool,
}

/// The record of a run that asked models.
#[must_use]
pub fn of(review: &Review) -> Record {
    let (outcome, reason) = review.outcome();
    let snapshot = &review.snapshot;
    let place = snapshot.place.as_ref();
    let refused = |listed: &&Listed| listed.shown == Shown::Summary && !listed.id.is_empty();
    Record {
        version: VERSION,
        outcome,
        reason,
        gate: review.gate(),
        repository: place.map(|place| place.repo.clone()),
        pull_request: place.map(Place::number),
        base_sha: snapshot.base.clone(),
        head_sha: snapshot.head.clone(),
        config: Configured::of(&review.settings, &snapshot.config_from),
        diff_base64: BASE64.encode(snapshot.diff.to_bytes()),
        plan: Planned::of(&review.plan, review),
        passes: review.reports.iter().flat_map(|report| report.passes.clone()).collect(),
        findings: review
            .listed
            .iter()
            .filter_map(Told::listed)
            .chain(review.dismissed.iter().filter_map(Told::dismissed))
            .collect(),
        ledger: review.ledger.entries().to_vec(),
        lanes: review.reports.clone(),
        snapshot: Taken::of(review),
        standing: review.standing.clone(),
        summary_url: review.standing.summary.as_ref().map(|comment| comment.url.clone()),
        not_posted: review.listed.iter().filter(refused).filter_map(name).collect(),
        milliseconds: u64::try_from(review.elapsed.as_millis()).unwrap_or(u64::MAX),
    }
}

/// What the record calls an issue: ids of two lanes may be the same word; with the lane's name they are not.
fn name(listed: &Listed) -> Option<String> {
    words::voice(&listed.issue).map(|main| named(&main.key()))
}

fn named(key: &FindingKey) -> String {
    format!("{}:{}", key.lane.as_str(), key.id)
}

impl Configured {
    fn of(settings: &Settings, from: &str) -> Self {
        let lanes = settings.lanes.iter().map(|lane| {
            let configured =
                ConfiguredLane { provider: lane.provider, model: lane.model.clone(), effort: lane.effort };
            (lane.name.clone(), configured)
        });
        Self {
            fingerprint: settings.fingerprint.clone(),
            from: from.to_owned(),
            lanes: lanes.collect(),
            strategy: settings.strategy,
            fail_on: settings.fail_on.clone(),
            max_cost_usd: settings.max_cost,
            max_minutes: minutes(settings.max_time),
            per_pr_usd: settings.per_pull,
            inline: settings.inline,
            trigger: settings.trigger.clone(),
        }
    }
}

fn minutes(time: Duration) -> f64 {
    time.as_secs_f64() / 60.0
}

impl Planned {
    fn of(plan: &Plan, review: &Review) -> Self {
        let lanes = plan.lanes.iter().map(|planned| PlannedLane {
            lane: planned.lane.name.clone(),
            model: planned.lane.model.clone(),
            roles: planned.lane.roles,
            max_output: planned.output(u32::MAX),
        });
        let batches = plan.batches.iter().map(|batch| PlannedBatch {
            files: batch.files.clone(),
            readers: batch.readers.clone(),
            bytes: batch.bytes.clone(),
        });
        Self {
            strategy: plan.strategy,
            lanes: lanes.collect(),
            batches: batches.collect(),
            strategies: plan.strategies.clone(),
            challenged: plan.challenged,
            coverage: review.coverage.clone(),
            left_out: plan.left_out.clone(),
            degraded: review.degraded(),
            unexplained: plan.unexplained.clone(),
            most_output: plan.most_output,
            bound_usd: plan.bound,
            estimate_usd: plan.estimate,
            cap_usd: review.ledger.cap(),
            seconds: plan.time.as_secs_f64(),
        }
    }
}

impl Taken {
    fn of(review: &Review) -> Self {
        let snapshot = &review.snapshot;
        let findings =
            review.reports.iter().flat_map(|report| &report.passes).flat_map(|pass| &pass.findings);
        let uncommentable = snapshot.diff.files.iter().filter(|file| !file.commentable);
        let pull = snapshot.place.as_ref().map(|place| TakenPull {
            url: place.pull.url.clone(),
            base_ref: place.pull.base_ref.clone(),
            dismissals: place.earlier.dismissals.clone(),
            summary: place.earlier.summary_marker.clone(),
            check: place.earlier.check_marker.clone(),
            threads: place
                .earlier
                .threads
                .iter()
                .map(|thread| TakenThread { url: thread.comment.url.clone(), marker: thread.marker.clone() })
                .collect(),
        });
        Self {
            title: redact::text(&snapshot.title).into_owned(),
            notes: snapshot.notes.clone(),
            redacted: snapshot.redacted,
            uncommentable: uncommentable.map(|file| file.path.clone()).collect(),
            evidence: outside::about(&snapshot.evidence, findings),
            pull,
        }
    }
}

impl Told {
    fn listed(listed: &Listed) -> Option<Self> {
        let posted = match &listed.shown {
            Shown::Inline { url, earlier, .. } => Some(Some(Posted { url: url.clone(), earlier: *earlier })),
            Shown::ToPost(_) => Some(None),
            Shown::Summary => None,
        };
        let inline = posted.map(|posted| Inline { id: listed.id.clone(), posted });
        Some(Self { inline, ..Self::of(&listed.issue)? })
    }

    fn dismissed(Dismissed { issue, dismissal, url }: &Dismissed) -> Option<Self> {
        let posted = Some(Posted { url: url.clone(), earlier: true });
        let inline = Some(Inline { id: dismissal.id.clone(), posted });
        Some(Self { inline, dismissed: Some(dismissal.clone()), ..Self::of(issue)? })
    }

    fn of(issue: &Issue) -> Option<Self> {
        let main = words::voice(issue)?;
        Some(Self {
            finding: Finding { id: named(&main.key()), severity: issue.severity, ..main.finding.clone() },
            verdict: issue.verdict,
            raised_by: issue.raised_by().into_iter().cloned().collect(),
            votes: votes(issue),
            matched: issue.matched.clone(),
            anchor: main.placement.anchor().cloned(),
            inline: None,
            dismissed: None,
            was: issue.was,
            pre_existing: issue.pre_existing,
            defended: issue.defended.clone(),
            possibly: issue.possibly.clone(),
            outside: issue.outside.clone(),
        })
    }
}

/// Who raised an issue, who opposes it, and what the others say who checked it.
fn votes(issue: &Issue) -> Vec<Voice> {
    let raised = issue.members.iter().map(|member| Voice {
        blind: !member.informed,
        finding: Some(named(&member.key())),
        severity: Some(member.finding.severity),
        ..Voice::new(&member.lane, Said::Raised)
    });
    let opposed = words::opponent(issue).map(|opponent| Voice {
        says: Some(opponent.says.to_owned()),
        why: Some(opponent.why.clone()),
        ..Voice::new(opponent.lane, Said::Opposed)
    });
    let checked = issue.votes.iter().map(|Cast { lane, vote }| Voice {
        blind: false,
        finding: Some(named(&vote.target)),
        severity: vote.severity,
        says: Some(vote.reason.clone()),
        evidence: Some(vote.evidence.clone()),
        stands: Some(vote.stands),
        duplicate_of: vote.duplicate_of.as_ref().map(named),
        confidence: vote.confidence,
        ..Voice::new(lane, Said::Checked(vote.stance))
    });
    raised.chain(opposed).chain(checked).collect()
}

impl Voice {
    fn new(lane: &LaneName, vote: Said) -> Self {
        Self {
            lane: lane.clone(),
            vote,
            blind: true,
            finding: None,
            severity: None,
            says: None,
            why: None,
            evidence: None,
            stands: None,
            duplicate_of: None,
            confidence: None,
        }
    }
}

/// Dollars as a string with six decimals.
mod usd {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::domain::units::MicroUsd;

    pub(super) fn serialize<S: Serializer>(amount: &MicroUsd, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&amount.six_decimals())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MicroUsd, D::Error> {
        MicroUsd::parse_usd(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
