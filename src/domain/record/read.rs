//! From a record back to the run, as far as deciding and rendering need it. The file is untrusted.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;

use super::{BASE64, Configured, Planned, Record, Taken, TakenPull, VERSION};
use crate::domain::budget::{Ledger, Price};
use crate::domain::config::{Config, Overrides, Settings, is_trigger, settle};
use crate::domain::diff;
use crate::domain::guidelines::Guideline;
use crate::domain::lane::{Lane, Limits, Provider};
use crate::domain::pass::{LaneReport, PassReport, Prompt};
use crate::domain::plan::{Batch, Coverage, Plan, PlannedLane};
use crate::domain::pull::{Account, LineComment, PullRequest, TimelineComment};
use crate::domain::review::{Review, Standing};
use crate::domain::snapshot::{Earlier, Place, Snapshot, Thread};
use crate::domain::triage::Attributes;
use crate::domain::units::LaneName;

/// More findings than any run raises; beyond this a table of all pairs does not fit a small machine.
const MOST_FINDINGS: usize = 20_000;

/// More requests than any pass sends, and more passes than any run has: their sums stay far from where numbers end.
const MOST_PASSES: usize = 10_000;

/// Reads a record.
///
/// # Errors
/// A sentence saying why it is none that can be decided again.
pub fn read(text: &str) -> Result<Record, String> {
    let record: Record = serde_json::from_str(text).map_err(|cause| {
        let older = if cause.to_string().starts_with("missing field") {
            ", as in records of versions that had no `replay`"
        } else {
            ""
        };
        format!("expected the record of a run: {cause}{older}")
    })?;
    let told = |what: &str| Err(format!("expected the record of a run: {what}"));
    if record.version != VERSION {
        return Err(format!("expected a record of version {VERSION}, got version {}", record.version));
    }
    if record.passes.len() > MOST_PASSES
        || record.passes.iter().any(|pass| pass.attempts.max(pass.turns) as usize > MOST_PASSES)
    {
        return told("no run sends so many requests");
    }
    if record.passes.iter().map(|pass| pass.findings.len()).sum::<usize>() > MOST_FINDINGS {
        return told("no run raises so many findings");
    }
    let mut files = record.plan.batches.iter().flat_map(|batch| &batch.files);
    let Coverage { lines_read, lines_due, .. } = record.plan.left_out;
    let most = u64::from(u32::MAX);
    if lines_read.max(lines_due) > most || files.any(|file| file.cut > file.changed || file.changed > most) {
        return told("no file changes so many lines");
    }
    let lanes: BTreeSet<&LaneName> = record.lanes.iter().map(|report| &report.lane).collect();
    if lanes.len() < record.lanes.len() {
        return told("two lanes have one name");
    }
    if !is_trigger(&record.config.trigger) {
        return told("its trigger is none");
    }
    Ok(record)
}

impl Record {
    /// The run without its issues, which are to be decided.
    ///
    /// # Errors
    /// A sentence saying what of it cannot be read.
    pub(super) fn undecided(&self) -> Result<Review, String> {
        let standing = Standing {
            summary: self.summary_url.as_ref().map(|url| TimelineComment {
                id: 0,
                author: None,
                body: String::new(),
                url: url.clone(),
            }),
            ..self.standing.clone()
        };
        let plan = self.plan.plan()?;
        let reports: Vec<LaneReport> = self.lanes.iter().map(|report| self.with_passes(report)).collect();
        Ok(Review {
            snapshot: self.snapshot()?,
            settings: self.config.settings()?,
            coverage: plan.coverage(&reports),
            plan,
            reports,
            listed: Vec::new(),
            dismissed: Vec::new(),
            ledger: Ledger::of(self.plan.cap_usd, self.ledger.clone()),
            standing,
            elapsed: Duration::from_millis(self.milliseconds),
        })
    }

    fn with_passes(&self, report: &LaneReport) -> LaneReport {
        let passes: Vec<PassReport> =
            self.passes.iter().filter(|pass| pass.lane == report.lane).cloned().collect();
        LaneReport { passes, ..report.clone() }
    }

    fn snapshot(&self) -> Result<Snapshot, String> {
        let Taken { title, notes, redacted, uncommentable, evidence, pull } = &self.snapshot;
        let raw = BASE64.decode(&self.diff_base64).map_err(|cause| format!("`diff_base64`: {cause}"))?;
        // What was wrong with the diff stands in the notes.
        let (mut diff, _) = diff::parse(Bytes::from(raw));
        let silent: BTreeSet<&str> = uncommentable.iter().map(String::as_str).collect();
        for file in &mut diff.files {
            file.commentable = !silent.contains(file.path.as_str());
        }
        let place = pull.as_ref().map(|pull| self.place(pull)).transpose()?;
        Ok(Snapshot {
            place,
            head: self.head_sha.clone(),
            base: self.base_sha.clone(),
            title: title.clone(),
            description: String::new(),
            diff,
            redacted: *redacted,
            evidence: evidence.clone(),
            unlisted: self.plan.left_out.unlisted,
            config_from: self.config.from.clone(),
            attributes: Attributes::default(),
            guidelines: Vec::<Guideline>::new(),
            notes: notes.clone(),
        })
    }

    fn place(&self, taken: &TakenPull) -> Result<Place, String> {
        let missing = |what: &str| format!("a pull request needs `{what}`");
        let number = self.pull_request.ok_or_else(|| missing("pull_request"))?;
        let pull = PullRequest {
            number,
            title: self.snapshot.title.clone(),
            body: String::new(),
            author: None,
            draft: false,
            closed: false,
            head: self.head_sha.clone().ok_or_else(|| missing("head_sha"))?,
            head_repo: None,
            base_ref: taken.base_ref.clone(),
            base: self.base_sha.clone().ok_or_else(|| missing("base_sha"))?,
            changed_files: 0,
            url: taken.url.clone(),
        };
        let threads = taken.threads.iter().map(|thread| {
            let marker = thread.marker.clone();
            let comment = LineComment {
                id: 0,
                author: None,
                body: String::new(),
                url: thread.url.clone(),
                path: marker.path.clone(),
                line: None,
                side: marker.side,
                review: None,
                in_reply_to: None,
            };
            Thread { comment, marker }
        });
        let earlier = Earlier {
            threads: threads.collect(),
            summary_marker: taken.summary.clone(),
            check_marker: taken.check.clone(),
            dismissals: taken.dismissals.clone(),
            ..Earlier::default()
        };
        let repo = self.repository.clone().ok_or_else(|| missing("repository"))?;
        Ok(Place { repo, pull, me: Account { login: String::new(), id: None, bot: false }, earlier })
    }
}

impl Configured {
    fn settings(&self) -> Result<Settings, String> {
        let lanes = self.lanes.iter().map(|(name, lane)| Lane {
            effort: lane.effort,
            ..Lane::new(name.as_str(), lane.provider, &lane.model)
        });
        Ok(Settings {
            lanes: lanes.collect(),
            strategy: self.strategy,
            fail_on: self.fail_on.clone(),
            max_cost: self.max_cost_usd,
            max_time: seconds("max_minutes", self.max_minutes * 60.0)?,
            per_pull: self.per_pr_usd,
            inline: self.inline,
            trigger: self.trigger.clone(),
            fingerprint: self.fingerprint.clone(),
            // What else there is decides what is read, and that has happened.
            ..settle(&Config::default(), &Overrides::default())?
        })
    }
}

impl Planned {
    /// Prompts and prices are not needed any more.
    fn plan(&self) -> Result<Plan, String> {
        let lanes = self.lanes.iter().map(|planned| {
            let limits = Limits { input: None, output: Some(planned.max_output.into()) };
            PlannedLane {
                lane: Lane {
                    limits,
                    roles: planned.roles,
                    ..Lane::new(planned.lane.as_str(), Provider::Compatible, &planned.model)
                },
                price: Price::free(None),
                fallback: None,
            }
        });
        let nothing = Prompt { system: String::new(), shared: String::new(), task: String::new() };
        let batches = self.batches.iter().map(|batch| Batch {
            prompt: nothing.clone(),
            files: batch.files.clone(),
            readers: batch.readers.clone(),
            bytes: batch.bytes.clone(),
        });
        Ok(Plan {
            strategy: self.strategy,
            lanes: lanes.collect(),
            absent: Vec::new(),
            batches: batches.collect(),
            strategies: self.strategies.clone(),
            challenged: self.challenged,
            most_output: self.most_output,
            left_out: self.left_out.clone(),
            unexplained: self.unexplained.clone(),
            bound: self.bound_usd,
            estimate: self.estimate_usd,
            time: seconds("plan.seconds", self.seconds)?,
        })
    }
}

fn seconds(key: &str, number: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number)
        .map_err(|_| format!("`{key}`: expected a length of time, got {number}"))
}
