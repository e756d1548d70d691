//! SARIF, in which scanners and linters report.

use serde_json::Value;

use super::fields::Wrong;
use super::{FileFinding, FindingFile};
use crate::domain::finding::{Category, Severity};
use crate::domain::sarif::{self, Kind, Level};

/// Whether a value is a SARIF file.
pub(super) fn is_sarif(value: &Value) -> bool {
    value.get("runs").is_some()
}

/// The results of a file that are problems.
pub(super) fn read(text: &str) -> Result<FindingFile, Wrong> {
    let (results, mut notes) = sarif::parse(text);
    if results.is_empty() && !notes.is_empty() {
        return Err(Wrong::new("", format!("this SARIF file could not be read: {}", notes.join("; "))));
    }
    let mut tools: Vec<&str> = Vec::new();
    for result in &results {
        if !result.tool.is_empty() && !tools.contains(&result.tool.as_str()) {
            tools.push(&result.tool);
        }
    }
    let reviewer = tools.join(", ");
    let total = results.len();
    let told = |result: &sarif::Result| {
        let found = matches!(result.kind, Kind::Fail | Kind::Open | Kind::Review);
        found && !result.suppressed && !result.message.trim().is_empty()
    };
    let findings: Vec<FileFinding> = results.iter().filter(|result| told(result)).map(finding).collect();
    if findings.len() < total {
        let left_out = total - findings.len();
        notes.push(format!("{left_out} of {total} results are suppressed or no problems, and are left out"));
    }
    Ok(FindingFile { reviewer, findings, notes })
}

fn finding(result: &sarif::Result) -> FileFinding {
    let message = result.message.trim();
    let title = message.lines().next().unwrap_or_default();
    let rule: Vec<&str> =
        [result.rule.trim(), result.rule_text.trim()].into_iter().filter(|text| !text.is_empty()).collect();
    let rest = message.get(title.len()..).unwrap_or_default().trim();
    FileFinding {
        path: result.path.clone(),
        lines: result.lines,
        quote: result.snippet.clone(),
        category: result.tags.iter().any(|tag| tag == "security").then_some(Category::Security),
        severity: match result.level {
            Level::Error => Some(Severity::High),
            Level::Warning => Some(Severity::Medium),
            Level::Note => Some(Severity::Low),
            Level::None => None,
        },
        title: title.to_owned(),
        body: [rest, &rule.join(": ")].join("\n\n").trim().to_owned(),
        ..FileFinding::default()
    }
}
