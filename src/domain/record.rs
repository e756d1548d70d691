//! One run as one JSON file. Secrets are replaced before it is written.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::domain::finding::Raised;
use crate::domain::render::words;
use crate::domain::review::{Listed, Review, Shown};

/// The record of a run that asked models.
#[must_use]
pub fn of(review: &Review) -> Value {
    let (outcome, reason) = review.outcome();
    let snapshot = &review.snapshot;
    let place = snapshot.place.as_ref();
    json!({
        "version": 1,
        "outcome": outcome,
        "reason": reason,
        "gate": review.gate(),
        "repository": place.map(|place| place.repo.to_string()),
        "pull_request": place.map(|place| place.number()),
        "base_sha": snapshot.base,
        "head_sha": snapshot.head,
        "config": config(review),
        "diff_base64": base64::engine::general_purpose::STANDARD.encode(snapshot.diff.to_bytes()),
        "plan": plan(review),
        "passes": review.reports.iter().flat_map(|report| &report.passes).collect::<Vec<_>>(),
        "findings": review.listed.iter().map(finding).collect::<Vec<_>>(),
        "ledger": review.ledger.entries(),
    })
}

fn config(review: &Review) -> Value {
    let settings = &review.settings;
    let lanes: serde_json::Map<String, Value> = settings
        .lanes
        .iter()
        .map(|lane| {
            let value = json!({"provider": lane.provider, "model": lane.model, "effort": lane.effort});
            (lane.name.as_str().to_owned(), value)
        })
        .collect();
    json!({
        "fingerprint": settings.fingerprint,
        "lanes": lanes,
        "strategy": settings.strategy,
        "fail_on": settings.fail_on,
        "max_cost_usd": settings.max_cost.six_decimals(),
        "max_minutes": settings.max_time.as_secs_f64() / 60.0,
        "per_pr_usd": settings.per_pull.six_decimals(),
        "inline": {
            "max": settings.inline.max,
            "both": settings.inline.both,
            "contested": settings.inline.contested,
            "one": settings.inline.one,
        },
    })
}

fn plan(review: &Review) -> Value {
    let plan = &review.plan;
    let lanes: Vec<Value> = plan
        .lanes
        .iter()
        .map(|planned| {
            json!({
                "lane": planned.lane.name,
                "model": planned.lane.model,
            })
        })
        .collect();
    json!({
        "strategy": plan.strategy,
        "lanes": lanes,
        "batches": plan.batches.iter().map(|batch| json!({"files": batch.files, "bytes": batch.bytes})).collect::<Vec<_>>(),
        "coverage": review.coverage,
        "degraded": review.degraded(),
        "unexplained": plan.unexplained,
        "bound_usd": plan.bound.six_decimals(),
        "estimate_usd": plan.estimate.six_decimals(),
        "seconds": plan.time.as_secs_f64(),
    })
}

/// A merged issue: the finding that stands for it, and everything that makes up its verdict.
fn finding(listed: &Listed) -> Value {
    let issue = &listed.issue;
    let Some(main) = words::voice(issue) else { return Value::Null };
    let mut value = serde_json::to_value(&main.finding).unwrap_or_default();
    let Value::Object(fields) = &mut value else { return value };
    // Ids of two lanes may be the same word; with the lane's name they are not.
    let id = |raised: &Raised| format!("{}:{}", raised.lane.as_str(), raised.finding.id);
    let votes: Vec<Value> = issue
        .members
        .iter()
        .map(|member| json!({"lane": member.lane, "vote": "raised", "blind": true, "finding": id(member), "severity": member.finding.severity}))
        .chain(words::opponent(issue).map(|opponent| {
            json!({"lane": opponent.lane, "vote": "opposed", "blind": true, "says": opponent.says, "why": opponent.why})
        }))
        .collect();
    let inline = match &listed.shown {
        Shown::Inline { url, earlier, .. } => json!({"id": listed.id, "url": url, "earlier": earlier}),
        Shown::ToPost(_) => json!({"id": listed.id}),
        Shown::Summary => Value::Null,
    };
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    set("id", id(main).into());
    set("severity", json!(issue.severity));
    set("verdict", json!(issue.verdict));
    set("raised_by", json!(issue.raised_by()));
    set("votes", votes.into());
    set("match", json!(issue.matched));
    set("anchor", json!(main.placement.anchor()));
    set("inline", inline);
    value
}
