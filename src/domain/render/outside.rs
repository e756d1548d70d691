//! What other tools say beside an issue, in a sentence each.

use super::safe;
use crate::domain::reconcile::Issue;
use crate::domain::reconcile::outside::Voice;
use crate::domain::redact::log_line;

/// That a pull request was reviewed where nobody ran the tools on it.
pub const ELSEWHERE: &str =
    "The configured evidence was not read: it is read in a workflow, or beside a local diff.";

/// The longest name that is shown whole, in characters.
const MAX_NAME: usize = 80;

/// One line of Markdown, also within a table; nothing where no tool says anything.
#[must_use]
pub fn markdown(issue: &Issue) -> Option<String> {
    let name = |text: &str| safe::inline(text, MAX_NAME);
    let code = |text: &str| safe::code(&cut(text));
    one_line(issue, name, code)
}

/// One line for a terminal.
#[must_use]
pub fn text(issue: &Issue) -> Option<String> {
    let plain = |text: &str| log_line(&cut(text)).into_owned();
    one_line(issue, plain, plain)
}

fn one_line(issue: &Issue, name: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> Option<String> {
    let tool = |tool: &str| if tool.is_empty() { "A scanner".to_owned() } else { name(tool) };
    let rule = |rule: &str| if rule.is_empty() { String::new() } else { format!(" ({})", code(rule)) };
    let say = |voice: &Voice| match voice {
        Voice::Reported { tool: who, rule: what } => {
            format!("{} reports the same here{}", tool(who), rule(what))
        }
        Voice::Suppressed { tool: who, rule: what } => {
            format!("{} reports the same here{}, and that is suppressed", tool(who), rule(what))
        }
        Voice::Passed { tool: who, rule: what } => {
            format!("{} checks for this here{} and passes it", tool(who), rule(what))
        }
        Voice::TestFails { test } => format!("Test {} fails here", code(test)),
        Voice::TestPasses { test } => format!("Test {} passes", code(test)),
    };
    let said: Vec<String> = issue.outside.iter().map(say).collect();
    (!said.is_empty()).then(|| format!("{}.", said.join("; ")))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
