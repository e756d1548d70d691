//! Counterpoint's own formats: the finding file, and the record of a run.

use serde_json::{Map, Value};

use super::fields::{Fields, Wrong, ordered};
use super::{FileFinding, Remark};

/// Refuses a version that is not known.
pub(super) fn version(file: &Map<String, Value>) -> Result<(), Wrong> {
    match file.get("version") {
        None | Some(Value::Null) => Ok(()),
        Some(version) if version.as_u64() == Some(1) => Ok(()),
        Some(version) => Err(Wrong::new("version", format!("expected 1, got {version}"))),
    }
}

/// A finding of a finding file.
pub(super) fn finding(fields: &Fields) -> Result<FileFinding, Wrong> {
    let finding = FileFinding {
        id: fields.text("id")?.trim().to_owned(),
        path: fields.text("path")?,
        side: fields.word("side")?,
        lines: fields.lines("line_start", "line_end")?,
        quote: fields.text("quote")?,
        category: fields.word("category")?,
        severity: fields.word("severity")?,
        remark: None,
        title: fields.text("title")?,
        body: fields.text("body")?,
        failure_scenario: fields.text("failure_scenario")?,
        advice: String::new(),
        suggestion: Some(fields.text("suggestion")?).filter(|fix| !fix.trim().is_empty()),
    };
    finding.with_words(fields)
}

/// A finding of a record: an issue, told by the lane that speaks for it. Its anchor is proven, its lines are claimed.
pub(super) fn issue(fields: &Fields) -> Result<FileFinding, Wrong> {
    let mut finding = finding(fields)?;
    let anchor = fields.inside("anchor")?;
    let path = anchor.text("path")?;
    if let (false, Some(lines)) = (path.is_empty(), ordered(anchor.line("start")?, anchor.line("end")?)) {
        (finding.path, finding.side, finding.lines) = (path, anchor.word("side")?, Some(lines));
    }
    finding.remark = (fields.text("verdict")? == "withdrawn").then_some(Remark::Withdrawn);
    Ok(finding)
}
