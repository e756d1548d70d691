//! A comparison as a page for a browser.

use std::fmt::Write as _;

use super::{HEADLINE, REASON, Style, View, joined, standing};
use crate::domain::compare::{Comparison, FileFinding, FindingFile};
use crate::domain::finding::Verdict;
use crate::domain::reconcile::contradiction::Why;
use crate::domain::reconcile::similarity::Match;
use crate::domain::render::html::{escape, page};

/// Longest explanation, and longest piece of code, shown.
const TEXT: usize = 4_000;
const CODE: usize = 2_000;

const HTML: Style = Style { plain, code };

/// On one line.
fn plain(text: &str, most: usize) -> String {
    escape(&text.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text, HEADLINE))
}

/// One page that needs nothing else.
#[must_use]
pub fn html(a: &FindingFile, b: &FindingFile, result: &Comparison) -> String {
    let view = View::new(a, b, result, &HTML);
    let (first, second) = (&view.names.0, &view.names.1);
    let mut out = format!("<h1>{first} and {second}</h1>\n<p>{}</p>\n", view.summary());
    for (title, class, verdict) in [
        ("They contradict each other", "contested", Verdict::Contradiction),
        ("Both say", "both", Verdict::Agreed),
    ] {
        let pairs = view.pairs(verdict);
        let articles = pairs.iter().map(|(pair, a, b)| view.article(a, b, pair.why.as_ref(), &pair.matched));
        section(&mut out, title, class, articles.collect());
    }
    for (name, only) in view.only() {
        let rows: String = only.iter().map(|finding| view.row(finding)).collect();
        if !rows.is_empty() {
            let head = "<thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">Where</th><th scope=\"col\">What</th></tr></thead>";
            let table = format!("<table>\n{head}\n<tbody>\n{rows}</tbody>\n</table>\n");
            section(&mut out, &format!("Only {name} says"), "only", table);
        }
    }
    let maybe = view.maybe();
    let articles = maybe.iter().map(|(pair, a, b)| view.article(a, b, None, &pair.matched));
    section(&mut out, "Possibly the same", "maybe", articles.collect());
    let repeated: String = view.repeated().iter().map(|line| format!("<li>{line}</li>\n")).collect();
    let list = if repeated.is_empty() { repeated } else { format!("<ul>\n{repeated}</ul>\n") };
    section(&mut out, "Said more than once in one file", "repeated", list);
    page(&format!("{first} and {second}"), &out)
}

/// A part of the page, if there is something in it.
fn section(out: &mut String, title: &str, class: &str, inner: String) {
    if !inner.is_empty() {
        let _ = write!(out, "<section class=\"{class}\">\n<h2>{title}</h2>\n{inner}</section>\n");
    }
}

impl View<'_> {
    /// What two findings say, side by side; open where both have to be read.
    fn article(&self, a: &FileFinding, b: &FileFinding, why: Option<&Why>, matched: &Match) -> String {
        let heading = joined(&[&self.places(a, b), &self.severity(a, b)], " · ");
        let side = |name: &str, finding| {
            let (claim, more) = (self.claim(finding), more(finding, why.is_some()));
            format!("<div>\n<h4>{name}</h4>\n{claim}{more}</div>\n")
        };
        let (first, second) = (side(&self.names.0, a), side(&self.names.1, b));
        let mut out =
            format!("<article>\n<h3>{heading}</h3>\n<div class=\"sides\">\n{first}{second}</div>\n");
        if let Some(why) = why {
            let _ = writeln!(out, "<p><strong>Why:</strong> {}</p>", self.why(why));
            let _ = writeln!(out, "<p><strong>Settle it:</strong> {}</p>", self.settle(why));
        }
        let _ = write!(out, "<p class=\"dim\">{}</p>\n</article>\n", plain(&matched.explain(), REASON));
        out
    }

    /// A row for what only one says.
    fn row(&self, finding: &FileFinding) -> String {
        let (severity, place) = (standing(finding), self.place(finding));
        let (claim, more) = (self.claim(finding), more(finding, false));
        format!("<tr><td>{severity}</td><td>{place}</td><td>{claim}{more}</td></tr>\n")
    }

    fn claim(&self, finding: &FileFinding) -> String {
        format!("<p class=\"claim\" dir=\"auto\">{}</p>\n", self.headline(finding))
    }
}

/// Everything else that a finding says.
fn more(finding: &FileFinding, open: bool) -> String {
    let mut out = String::new();
    let body = finding.body.trim();
    let told = if body == finding.headline() { "" } else { body };
    for (label, text) in [
        ("", told),
        ("<strong>What happens:</strong> ", &finding.failure_scenario),
        ("<strong>Recommended:</strong> ", &finding.advice),
    ] {
        if !text.trim().is_empty() {
            let text = escape(text.trim(), TEXT);
            let _ = writeln!(out, "<p class=\"text\" dir=\"auto\">{label}{text}</p>");
        }
    }
    for (label, code) in [
        ("The code", finding.quote.as_str()),
        ("Suggested", finding.suggestion.as_deref().unwrap_or_default()),
    ] {
        if !code.trim().is_empty() {
            let code = escape(code.trim_matches('\n'), CODE);
            let _ = writeln!(out, "<p class=\"dim\">{label}</p>\n<pre><code>{code}</code></pre>");
        }
    }
    if out.is_empty() {
        return out;
    }
    let open = if open { " open" } else { "" };
    format!("<details{open}>\n<summary>In full</summary>\n{out}</details>\n")
}
