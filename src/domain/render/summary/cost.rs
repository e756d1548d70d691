//! What it took: models, passes, tokens, time, money.

use crate::domain::render::{lanes, safe};
use crate::domain::review::Review;
use crate::domain::units::clock_time;

/// Each lane with its model, passes, tokens, time and money, folded.
pub(super) fn table(review: &Review) -> String {
    let mut rows = String::new();
    for report in &review.reports {
        let model = report.resolved_model();
        let tokens = match report.usage() {
            Some(usage) => {
                let cached = if usage.cache_read > 0 {
                    format!(" ({})", thousands(usage.cache_read))
                } else {
                    String::new()
                };
                format!("{}{cached} / {}", thousands(usage.total_input()), thousands(usage.output))
            }
            None if report.attempts() == 0 => "–".to_owned(),
            None => "unknown".to_owned(),
        };
        rows.push_str(&format!(
            "| {} | {} | {} | {tokens} | {} | {} |\n",
            report.lane,
            safe::code(model),
            lanes::passes(report),
            clock_time(report.elapsed),
            report.cost()
        ));
    }
    let problems: Vec<String> = review
        .reports
        .iter()
        .flat_map(|report| {
            report
                .passes
                .iter()
                .flat_map(|pass| &pass.problems)
                .take(5)
                .map(|problem| format!("- {}: {}", report.lane, safe::inline(problem, 240)))
        })
        .collect();
    let problems = if problems.is_empty() { String::new() } else { format!("\n{}\n", problems.join("\n")) };
    let unknown = if review.ledger.has_unknown() {
        " A call whose usage is unknown counts at its full reservation."
    } else {
        ""
    };
    let so_far = if review.snapshot.place.is_some() {
        format!(" This pull request so far: {} of {}.", review.spent(), review.settings.per_pull)
    } else {
        String::new()
    };
    format!(
        "<details><summary>Cost, time, models</summary>\n\n| | model | passes | tokens in (cached) / out | time | cost |\n|---|---|---|---|---|---|\n{rows}{problems}\nWorst case planned: {}. {}{unknown}{so_far}\n\n</details>",
        review.plan.bound,
        lanes::price_basis(&review.reports),
    )
}

/// `850`, `7.5k`, `77k`.
fn thousands(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..10_000 => format!("{}.{}k", tokens / 1_000, tokens % 1_000 / 100),
        _ => format!("{}k", tokens / 1_000),
    }
}

/// How to ask again, and what this was decided by.
pub(super) fn footer(review: &Review) -> String {
    let config = match review.snapshot.config_from.as_str() {
        "defaults" => "default configuration".to_owned(),
        from => format!("configuration from {}", safe::inline(from, 120)),
    };
    format!(
        "<sub>`{}` looks again · {config} · v{}</sub>",
        review.settings.trigger,
        env!("CARGO_PKG_VERSION")
    )
}
