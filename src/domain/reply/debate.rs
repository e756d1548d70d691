//! What a lane answers about findings, its own or others'. Which finding a name means, and whether a quote stands
//! anywhere, is not known here.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    Fields, LONGEST_BODY, LONGEST_ID, MOST_ITEMS, cut, find_answer, one_line, parse_findings_value, shorten,
    shown,
};
use crate::domain::debate::{Answer, Stance};
use crate::domain::finding::{Evidence, Finding, Severity};

/// What a lane says of one finding of another, in its own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What the finding was called in the question.
    pub target: String,
    /// For or against it.
    pub stance: Stance,
    /// What it tried, and what it found.
    pub reason: String,
    /// The code it quotes.
    pub evidence: Vec<Evidence>,
    /// How bad it is, where the lane sees that otherwise.
    pub severity: Option<Severity>,
    /// What the question called the lane's own finding that says the same.
    pub duplicate_of: Option<String>,
    /// 0 to 100.
    pub confidence: Option<u8>,
}

/// An answer to a challenge, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChallengeReply {
    /// At most one for each finding.
    pub challenges: Vec<Challenge>,
    /// What the lane adds.
    pub findings: Vec<Finding>,
    /// Whether there was an object with a list of challenges that is empty or holds at least one.
    pub understood: bool,
    /// What was repaired or left out, in our words.
    pub problems: Vec<String>,
}

/// What a lane says to a refutation of its own finding, in its own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defence {
    /// What the finding was called in the question.
    pub target: String,
    /// Whether it holds.
    pub answer: Answer,
    /// The code it quotes.
    pub evidence: Vec<Evidence>,
    /// How bad what is left of it is.
    pub severity: Option<Severity>,
    /// The lines of what is left of it.
    pub lines: Option<(u32, u32)>,
    /// What is left of it, or why it holds.
    pub claim: String,
}

/// An answer to refutations, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefenceReply {
    /// At most one for each finding.
    pub defences: Vec<Defence>,
    /// Whether there was an object with a list of defences that is empty or holds at least one.
    pub understood: bool,
    /// What was repaired or left out, in our words.
    pub problems: Vec<String>,
}

/// Reads an answer to a challenge, found as [`parse`](super::parse) finds findings.
#[must_use]
pub fn parse_challenges(text: &str) -> ChallengeReply {
    let mut reply = ChallengeReply::default();
    let Some(answer) = find_answer(text, "challenges") else { return reply };
    let items = answer.get("challenges").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    reply.challenges =
        list(items, "challenge", &mut reply.problems, challenge, |challenge| &challenge.target);
    reply.understood = items.is_empty() || !reply.challenges.is_empty();
    if answer.get("findings").is_some_and(|findings| !findings.is_null()) {
        let findings = answer.get("findings").unwrap_or(&Value::Null);
        reply.findings = parse_findings_value(findings, "F", &mut reply.problems);
    }
    shorten(&mut reply.problems);
    reply
}

/// Reads an answer to refutations, found as [`parse`](super::parse) finds findings.
#[must_use]
pub fn parse_defences(text: &str) -> DefenceReply {
    let mut reply = DefenceReply::default();
    let Some(answer) = find_answer(text, "defences") else { return reply };
    let items = answer.get("defences").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    reply.defences = list(items, "defence", &mut reply.problems, defence, |defence| &defence.target);
    reply.understood = items.is_empty() || !reply.defences.is_empty();
    shorten(&mut reply.problems);
    reply
}

/// The usable items of a list. Where two speak of one target differently, neither counts: nobody knows which is meant.
fn list<T: PartialEq>(
    items: &[Value],
    what: &str,
    problems: &mut Vec<String>,
    read: impl Fn(&mut Fields<'_>) -> Option<T>,
    target: impl Fn(&T) -> &String,
) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    let mut torn: HashSet<String> = HashSet::new();
    let nothing = Map::new();
    for (index, item) in items.iter().enumerate().take(MOST_ITEMS) {
        let label = format!("{what} {}", index + 1);
        let object = item.as_object().unwrap_or(&nothing);
        let mut fields = Fields { object, label: &label, problems };
        let Some(item) = read(&mut fields) else { continue };
        match kept.iter().find(|other| target(other) == target(&item)) {
            None => kept.push(item),
            Some(same) if *same == item => {}
            Some(_) => {
                fields.problem("speaks of a target again, and differently: neither counts");
                torn.insert(target(&item).clone());
            }
        }
    }
    kept.retain(|item| !torn.contains(target(item)));
    if items.len() > MOST_ITEMS {
        let rest = items.len() - MOST_ITEMS;
        problems.push(format!("only the first {MOST_ITEMS} {what}s were taken, {rest} were left out"));
    }
    kept
}

fn challenge(fields: &mut Fields<'_>) -> Option<Challenge> {
    let target = name(fields, "target_id")?;
    let stance = match word(fields, "verdict").as_str() {
        "confirmed" | "confirm" | "valid" => Stance::Confirmed,
        "refuted" | "refute" | "invalid" => Stance::Refuted,
        "pre_existing" | "preexisting" => Stance::PreExisting,
        "plausible" => Stance::Plausible,
        _ => {
            fields.problem("has no verdict that is known; taken as plausible");
            Stance::Plausible
        }
    };
    Some(Challenge {
        target,
        stance,
        reason: text(fields, &["attempted_refutation", "reason"]),
        evidence: fields.evidence(),
        severity: severity(fields, "corrected_severity"),
        duplicate_of: reference(fields, "duplicate_of"),
        confidence: fields.confidence(),
    })
}

fn defence(fields: &mut Fields<'_>) -> Option<Defence> {
    let target = name(fields, "target_id")?;
    let answer = match word(fields, "answer").as_str() {
        "stand" | "stands" => Answer::Stand,
        "narrow" | "narrowed" => Answer::Narrow,
        "withdraw" | "withdrawn" => Answer::Withdraw,
        _ => {
            let value = fields.get(&["answer"]).map_or_else(|| "nothing".to_owned(), shown);
            fields.problem(&format!("answers {value}, which is not known, and was left out"));
            return None;
        }
    };
    let start = fields.line(&["narrowed_line_start"]);
    let end = fields.line(&["narrowed_line_end"]);
    let lines = match (start, end) {
        (0, 0) => None,
        (0, only) | (only, 0) => Some((only, only)),
        (start, end) => Some((start.min(end), start.max(end))),
    };
    Some(Defence {
        target,
        answer,
        evidence: fields.evidence(),
        severity: severity(fields, "narrowed_severity"),
        lines,
        claim: text(fields, &["narrowed_claim"]),
    })
}

/// The finding that an item is about; without one it says nothing.
fn name(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let target = reference(fields, key);
    if target.is_none() {
        fields.problem(&format!("names no `{key}` and was left out"));
    }
    target
}

fn reference(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let name = match fields.get(&[key]) {
        Some(Value::Number(number)) => number.to_string(),
        _ => one_line(&fields.text(&[key]), LONGEST_ID),
    };
    Some(name).filter(|name| !name.is_empty())
}

fn word(fields: &mut Fields<'_>, key: &str) -> String {
    fields.text(&[key]).trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

fn text(fields: &mut Fields<'_>, keys: &[&str]) -> String {
    cut(fields.text(keys).trim(), LONGEST_BODY)
}

fn severity(fields: &mut Fields<'_>, key: &'static str) -> Option<Severity> {
    match word(fields, key).as_str() {
        "" => None,
        "critical" => Some(Severity::Critical),
        "high" => Some(Severity::High),
        "medium" => Some(Severity::Medium),
        "low" => Some(Severity::Low),
        _ => {
            fields.problem(&format!("has a `{key}` that is not known; it was ignored"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_challenge_is_read_with_what_is_usable_of_it() {
        let reply = parse_challenges(
            &json!({"challenges": [
                {"target_id": "T1", "attempted_refutation": "the guard", "evidence": [{"path": "a", "quote": "x"}],
                 "verdict": "refuted", "corrected_severity": "low", "duplicate_of": "O1", "confidence": 75},
                {"target_id": "T1", "verdict": "confirmed"},
                {"target_id": 2, "verdict": "Pre-existing", "corrected_severity": "huge"},
                {"target_id": "T3", "verdict": "maybe"},
                {"verdict": "confirmed"},
                7,
            ], "findings": null})
            .to_string(),
        );
        assert!(reply.understood);
        let read: Vec<(&str, Stance)> =
            reply.challenges.iter().map(|challenge| (challenge.target.as_str(), challenge.stance)).collect();
        assert_eq!(read, [("2", Stance::PreExisting), ("T3", Stance::Plausible)]);
        insta::assert_snapshot!(reply.problems.join("\n"), @"
        challenge 2 speaks of a target again, and differently: neither counts
        challenge 3 has a `corrected_severity` that is not known; it was ignored
        challenge 4 has no verdict that is known; taken as plausible
        challenge 5 names no `target_id` and was left out
        challenge 6 names no `target_id` and was left out
        ");
    }

    #[test]
    fn a_defence_is_read_and_what_is_no_answer_is_left_out() {
        let reply = parse_defences(
            &json!({"defences": [
                {"target_id": "T1", "answer": "narrow", "evidence": [], "narrowed_severity": "medium",
                 "narrowed_line_start": 9, "narrowed_line_end": 7, "narrowed_claim": "only on retry"},
                {"target_id": "T2", "answer": "shrug"},
            ]})
            .to_string(),
        );
        let [defence] = reply.defences.as_slice() else { panic!("{reply:?}") };
        assert_eq!((defence.answer, defence.lines), (Answer::Narrow, Some((7, 9))));
        assert_eq!(reply.problems, ["defence 2 answers `shrug`, which is not known, and was left out"]);
    }

    #[test]
    fn a_list_of_which_nothing_can_be_read_is_no_answer_and_an_empty_one_is() {
        assert!(!parse_challenges("").understood && !parse_defences("[]").understood);
        assert!(!parse_challenges("{\"challenges\":[{}]}").understood);
        assert!(parse_challenges("{\"challenges\":[]}").understood);
        assert!(!parse_defences("{\"findings\":[]}").understood);
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "\\PC*", items in prop::collection::vec("[a-z\"\\[\\]{}:,0-9]{0,30}", 0..8)) {
            let text = format!("{text}{{\"challenges\":[{}],\"defences\":[]}}", items.join(","));
            let _ = (parse_challenges(&text), parse_defences(&text));
        }
    }
}
