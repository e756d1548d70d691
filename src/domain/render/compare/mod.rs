//! A comparison as people read it: where two reviewers exclude each other, what both say, what only one says.

mod html;

use std::fmt::Write as _;

pub use self::html::html;

use crate::domain::compare::{Comparison, FileFinding, FindingFile, Group, Maybe, Pair, Remark};
use crate::domain::finding::{Severity, Verdict};
use crate::domain::reconcile::contradiction::Why;
use crate::domain::redact::log_line;
use crate::domain::render::safe;

/// Longest headline shown.
const HEADLINE: usize = 200;

/// Longest explanation of a match shown: it names words of the findings.
const REASON: usize = 300;

/// What text of the files has to go through before it is shown.
struct Style {
    plain: fn(&str, usize) -> String,
    code: fn(&str) -> String,
}

const TEXT: Style = Style { plain: cut, code: |text| cut(text, HEADLINE) };
const MARKDOWN: Style = Style { plain: safe::inline, code: safe::code };

/// For a terminal: harmless, on one line, and not longer than `most` characters.
fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = log_line(&line);
    if line.chars().count() <= most {
        return line.into_owned();
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The two files and what came of them, ready to be written in one style.
struct View<'a> {
    a: &'a FindingFile,
    b: &'a FindingFile,
    result: &'a Comparison,
    names: (String, String),
    style: &'a Style,
}

impl<'a> View<'a> {
    fn new(a: &'a FindingFile, b: &'a FindingFile, result: &'a Comparison, style: &'a Style) -> Self {
        let name = |file: &FindingFile, letter: &str| {
            if file.reviewer.is_empty() { letter.to_owned() } else { (style.plain)(&file.reviewer, 40) }
        };
        let mut names = (name(a, "A"), name(b, "B"));
        if names.0 == names.1 {
            names = (format!("{} (A)", names.0), format!("{} (B)", names.1));
        }
        Self { a, b, result, names, style }
    }

    fn find<'f>(file: &'f FindingFile, id: &str) -> Option<&'f FileFinding> {
        file.findings.iter().find(|finding| finding.id == id)
    }

    fn pair(&self, a: &str, b: &str) -> Option<(&'a FileFinding, &'a FileFinding)> {
        Some((Self::find(self.a, a)?, Self::find(self.b, b)?))
    }

    fn pairs(&self, verdict: Verdict) -> Vec<(&'a Pair, &'a FileFinding, &'a FileFinding)> {
        let of = |pair: &'a Pair| self.pair(&pair.a, &pair.b).map(|(a, b)| (pair, a, b));
        let mut pairs: Vec<_> =
            self.result.pairs.iter().filter(|p| p.verdict == verdict).filter_map(of).collect();
        // Stable: equals stay in the order of the first file.
        pairs.sort_by_key(|(_, a, b)| std::cmp::Reverse(a.severity.max(b.severity)));
        pairs
    }

    fn maybe(&self) -> Vec<(&'a Maybe, &'a FileFinding, &'a FileFinding)> {
        let of = |maybe: &'a Maybe| self.pair(&maybe.a, &maybe.b).map(|(a, b)| (maybe, a, b));
        self.result.maybe.iter().filter_map(of).collect()
    }

    /// What only one says. Whoever says a thing twice says it once here: the rest stands under repetitions.
    fn only(&self) -> [(&str, Vec<&'a FileFinding>); 2] {
        let of = |file: &'a FindingFile, ids: &[String], in_b: bool| {
            let repeats = |id: &String| {
                let mut groups = self.result.groups.iter().filter(|group| group.in_b == in_b);
                let group = groups.find(|group| group.ids.contains(id)).map_or(&[][..], |group| &group.ids);
                let first = group.iter().find(|member| ids.contains(member));
                let paired = group.iter().any(|member| !ids.contains(member));
                paired || first.is_some_and(|first| first != id)
            };
            let once = ids.iter().filter(|id| !repeats(id));
            let mut only: Vec<_> = once.filter_map(|id| Self::find(file, id)).collect();
            only.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            only
        };
        let (a, b) = (of(self.a, &self.result.only_a, false), of(self.b, &self.result.only_b, true));
        [(&self.names.0, a), (&self.names.1, b)]
    }

    /// What stands in one file more than once: who says it, under which ids, and what it is.
    fn repeated(&self) -> Vec<String> {
        let line = |group: &Group| {
            let (name, file) = if group.in_b { (&self.names.1, self.b) } else { (&self.names.0, self.a) };
            let ids: Vec<String> = group.ids.iter().map(|id| (self.style.code)(id)).collect();
            let said =
                group.ids.first().and_then(|id| Self::find(file, id)).map(|finding| self.headline(finding));
            format!("{name} ({}): {}", ids.join(", "), said.unwrap_or_default())
        };
        self.result.groups.iter().map(line).collect()
    }

    fn headline(&self, finding: &FileFinding) -> String {
        (self.style.plain)(finding.headline(), HEADLINE)
    }

    fn place(&self, finding: &FileFinding) -> String {
        let path = finding.path.trim();
        if path.is_empty() {
            return "no place given".to_owned();
        }
        let lines = match finding.lines {
            Some((start, end)) if start == end => format!(":{start}"),
            Some((start, end)) => format!(":{start}-{end}"),
            None => String::new(),
        };
        (self.style.code)(&format!("{path}{lines}"))
    }

    /// Both places, or one if they are the same.
    fn places(&self, a: &FileFinding, b: &FileFinding) -> String {
        let known = |finding: &FileFinding| !finding.path.trim().is_empty();
        let (first, second) = (self.place(a), self.place(b));
        match (known(a), known(b)) {
            (true, true) if first != second => format!("{first} and {second}"),
            (false, true) => second,
            _ => first,
        }
    }

    /// The higher severity, and who differs.
    fn severity(&self, a: &FileFinding, b: &FileFinding) -> String {
        let (first, second) = (standing(a), standing(b));
        if first == second {
            return first;
        }
        let (higher, lower, who) = if a.severity < b.severity {
            (second, first, &self.names.0)
        } else {
            (first, second, &self.names.1)
        };
        match (higher.as_str(), lower.as_str()) {
            ("", only) | (only, "") => only.to_owned(),
            _ => format!("{higher} ({who}: {lower})"),
        }
    }

    fn summary(&self) -> String {
        let count = |verdict| self.result.pairs.iter().filter(|pair| pair.verdict == verdict).count();
        let (contested, both) = (count(Verdict::Contradiction), count(Verdict::Agreed));
        let (a, b) = (&self.names.0, &self.names.1);
        let [only_a, only_b] = self.only().map(|(_, only)| only.len());
        let exclude =
            if contested == 1 { "1 contradiction".to_owned() } else { format!("{contested} contradictions") };
        format!("{exclude}, {both} from both, {only_a} from {a} only, {only_b} from {b} only")
    }

    fn why(&self, why: &Why) -> String {
        let say = |text: &str| (self.style.code)(text);
        let (first, second) = (&self.names.0, &self.names.1);
        match why {
            Why::Cleared => "one holds this code sound".to_owned(),
            Why::Denial { words } => format!("one says that the code holds: {}", say(words)),
            Why::Fixes { original, a, b } => {
                format!(
                    "the fixes exclude each other: {first} puts {} where {} stands, {second} puts {}",
                    say(a),
                    say(original),
                    say(b)
                )
            }
            Why::Advice { object, a, b } => {
                format!(
                    "opposite advice on {}: {first} says {}, {second} says {}",
                    say(object),
                    say(a),
                    say(b)
                )
            }
        }
    }

    /// What would settle it.
    fn settle(&self, why: &Why) -> String {
        let say = |text: &str| (self.style.code)(text);
        match why {
            Why::Cleared | Why::Denial { .. } => {
                "can what one describes happen, or does the other's reason rule it out?".to_owned()
            }
            Why::Fixes { original, a, b } => {
                format!("{} can become {} or {}, not both: which is meant?", say(original), say(a), say(b))
            }
            Why::Advice { object, .. } => format!("which way is {} meant to change?", say(object)),
        }
    }
}

/// How bad, and what else the file says about how much it counts.
fn standing(finding: &FileFinding) -> String {
    let severity = finding.severity.map_or("", Severity::as_str);
    joined(&[severity, finding.remark.map_or("", Remark::as_str)], ", ")
}

/// What is known, on one line.
fn joined(parts: &[&str], between: &str) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(between)
}

/// For a terminal.
#[must_use]
pub fn text(a: &FindingFile, b: &FindingFile, result: &Comparison) -> String {
    let view = View::new(a, b, result, &TEXT);
    let (first, second) = (&view.names.0, &view.names.1);
    let mut out = format!("{}\n", view.summary());
    let mut both = |title: &str, verdict: Verdict| {
        let pairs = view.pairs(verdict);
        if !pairs.is_empty() {
            let _ = writeln!(out, "\n{title}");
        }
        for (pair, a, b) in pairs {
            let _ = writeln!(out, "\n  {}", joined(&[&view.severity(a, b), &view.places(a, b)], "  "));
            let _ = writeln!(out, "    {first}: {}", view.headline(a));
            let _ = writeln!(out, "    {second}: {}", view.headline(b));
            if let Some(why) = &pair.why {
                let _ = writeln!(out, "    {}", view.why(why));
                let _ = writeln!(out, "    Settle it: {}", view.settle(why));
            }
            let _ = writeln!(out, "    [{}]", cut(&pair.matched.explain(), REASON));
        }
    };
    both("They contradict each other", Verdict::Contradiction);
    both("Both say", Verdict::Agreed);
    for (name, only) in view.only() {
        if !only.is_empty() {
            let _ = writeln!(out, "\nOnly {name} says\n");
        }
        for finding in only {
            let _ = writeln!(out, "  {}", joined(&[&standing(finding), &view.place(finding)], "  "));
            let _ = writeln!(out, "    {}", view.headline(finding));
        }
    }
    let maybe = view.maybe();
    if !maybe.is_empty() {
        out.push_str("\nPossibly the same\n");
    }
    for (pair, a, b) in maybe {
        let _ = writeln!(out, "\n  {}", view.places(a, b));
        let _ = writeln!(out, "    {first}: {}", view.headline(a));
        let _ = writeln!(out, "    {second}: {}", view.headline(b));
        let _ = writeln!(out, "    [{}]", cut(&pair.matched.explain(), REASON));
    }
    if !result.groups.is_empty() {
        out.push_str("\nSaid more than once in one file\n\n");
    }
    for line in view.repeated() {
        let _ = writeln!(out, "  {line}");
    }
    out
}

/// For a comment or a page.
#[must_use]
pub fn markdown(a: &FindingFile, b: &FindingFile, result: &Comparison) -> String {
    let view = View::new(a, b, result, &MARKDOWN);
    let (first, second) = (&view.names.0, &view.names.1);
    let mut out = format!("### {first} and {second}\n\n{}\n", view.summary());
    let mut both = |title: &str, verdict: Verdict| {
        let pairs = view.pairs(verdict);
        if !pairs.is_empty() {
            let _ = writeln!(out, "\n#### {title}");
        }
        for (pair, a, b) in pairs {
            let _ = writeln!(
                out,
                "\n{}",
                joined(&[&format!("**{}**", view.places(a, b)), &view.severity(a, b)], " · ")
            );
            let _ = writeln!(out, "- **{first}:** {}", view.headline(a));
            let _ = writeln!(out, "- **{second}:** {}", view.headline(b));
            if let Some(why) = &pair.why {
                let _ = writeln!(out, "- **Why:** {}", view.why(why));
                let _ = writeln!(out, "- **Settle it:** {}", view.settle(why));
            }
            let _ = writeln!(out, "- <sub>{}</sub>", safe::inline(&pair.matched.explain(), REASON));
        }
    };
    both("They contradict each other", Verdict::Contradiction);
    both("Both say", Verdict::Agreed);
    for (name, only) in view.only() {
        if !only.is_empty() {
            let _ = writeln!(out, "\n#### Only {name} says\n");
        }
        for finding in only {
            let (standing, place, headline) =
                (standing(finding), view.place(finding), view.headline(finding));
            let _ = writeln!(out, "- {}", joined(&[&standing, &place, &headline], " · "));
        }
    }
    let maybe = view.maybe();
    if !maybe.is_empty() {
        let _ = writeln!(out, "\n<details><summary>{} possibly the same</summary>", maybe.len());
        for (pair, a, b) in maybe {
            let _ = writeln!(out, "\n**{}**", view.places(a, b));
            let _ = writeln!(out, "- **{first}:** {}", view.headline(a));
            let _ = writeln!(out, "- **{second}:** {}", view.headline(b));
            let _ = writeln!(out, "- <sub>{}</sub>", safe::inline(&pair.matched.explain(), REASON));
        }
        out.push_str("\n</details>\n");
    }
    if !result.groups.is_empty() {
        let _ = writeln!(
            out,
            "\n<details><summary>{} said more than once in one file</summary>\n",
            result.groups.len()
        );
        for line in view.repeated() {
            let _ = writeln!(out, "- {line}");
        }
        out.push_str("\n</details>\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compare::{compare, read};

    const A: &str = r#"{"version":1,"reviewer":"claude","findings":[
        {"path":"src/pool.rs","line_start":57,"severity":"high","title":"Connection leaks when connect() returns early before release()"},
        {"path":"src/net.rs","line_start":4,"severity":"medium","title":"The connect timeout is too short"},
        {"path":"src/auth.rs","line_start":9,"line_end":12,"severity":"low","title":"A token is accepted in the second it expires"},
        {"body":"Passwords are written\nto the log"},
        {"path":"src/pool.rs","line_start":57,"severity":"high","title":"Connection leaks when connect() returns early before release()"}]}"#;
    const B: &str = r#"{"version":1,"reviewer":"codex","findings":[
        {"path":"src/pool.rs","line_start":58,"severity":"medium","title":"Early return from connect() skips release(), so the connection leaks"},
        {"path":"src/net.rs","line_start":4,"severity":"medium","title":"The connect timeout is too long"},
        {"title":"Typo in the changelog"}]}"#;

    fn sides(a: &str, b: &str) -> (FindingFile, FindingFile, Comparison) {
        let (a, b) = (read("a.json", a, 'a').unwrap(), read("b.json", b, 'b').unwrap());
        let result = compare(&a, &b);
        (a, b, result)
    }

    #[test]
    fn the_terminal_shows_contradictions_first_then_both_then_one() {
        let (a, b, result) = sides(A, B);
        insta::assert_snapshot!(text(&a, &b, &result), @"
        1 contradiction, 1 from both, 2 from claude only, 1 from codex only

        They contradict each other

          medium  src/net.rs:4
            claude: The connect timeout is too short
            codex: The connect timeout is too long
            opposite advice on connect timeout: claude says too short, codex says too long
            Settle it: which way is connect timeout meant to change?
            [same 0.94: overlapping lines (2.20), terms timeout, connect (0.54), wording (0.77), words (0.67), both about retries (1.00), against the others (+0.65)]

        Both say

          high (codex: medium)  src/pool.rs:57 and src/pool.rs:58
            claude: Connection leaks when connect() returns early before release()
            codex: Early return from connect() skips release(), so the connection leaks
            [same 0.94: 1 line apart (1.20), terms connect, release, early, leaks (0.89), wording (0.48), words (0.77), both about leaks of resources (1.00), against the others (+0.28)]

        Only claude says

          low  src/auth.rs:9-12
            A token is accepted in the second it expires
          no place given
            Passwords are written

        Only codex says

          no place given
            Typo in the changelog

        Said more than once in one file

          claude (a1, a5): Connection leaks when connect() returns early before release()
        ");
    }

    #[test]
    fn markdown_says_the_same() {
        let (a, b, result) = sides(A, B);
        insta::assert_snapshot!(markdown(&a, &b, &result), @r#"
        ### claude and codex

        1 contradiction, 1 from both, 2 from claude only, 1 from codex only

        #### They contradict each other

        **`src/net.rs:4`** · medium
        - **claude:** The connect timeout is too short
        - **codex:** The connect timeout is too long
        - **Why:** opposite advice on `connect timeout`: claude says `too short`, codex says `too long`
        - **Settle it:** which way is `connect timeout` meant to change?
        - <sub>same 0.94: overlapping lines (2.20), terms timeout, connect (0.54), wording (0.77), words (0.67), both about retries (1.00), against the others (+0.65)</sub>

        #### Both say

        **`src/pool.rs:57` and `src/pool.rs:58`** · high (codex: medium)
        - **claude:** Connection leaks when connect() returns early before release()
        - **codex:** Early return from connect() skips release(), so the connection leaks
        - <sub>same 0.94: 1 line apart (1.20), terms connect, release, early, leaks (0.89), wording (0.48), words (0.77), both about leaks of resources (1.00), against the others (+0.28)</sub>

        #### Only claude says

        - low · `src/auth.rs:9-12` · A token is accepted in the second it expires
        - no place given · Passwords are written

        #### Only codex says

        - no place given · Typo in the changelog

        <details><summary>1 said more than once in one file</summary>

        - claude (`a1`, `a5`): Connection leaks when connect() returns early before release()

        </details>
        "#);
    }

    #[test]
    fn text_of_the_files_cannot_order_or_ping() {
        let evil = r#"{"reviewer":"::error::x","findings":[{"id":"::warning::x","path":"::set-output::x","title":"::error::x\n::error::y @octocat ![x](http://e/x.png) <img src=x>"}]}"#;
        let (a, b, result) = sides(evil, evil);
        for shown in [text(&a, &b, &result), markdown(&a, &b, &result)] {
            assert!(!shown.lines().any(|line| line.trim_start().starts_with("::")), "{shown}");
        }
        let page = html(&a, &b, &result);
        assert!(!page.contains("<img") && page.contains("&lt;img src=x&gt;"), "{page}");
        let shown = markdown(&a, &b, &result);
        assert!(!shown.contains("@octocat") && !shown.contains("<img") && !shown.contains("![x]"), "{shown}");
    }

    #[test]
    fn what_both_files_call_the_same_is_no_repetition_in_both() {
        let twice = r#"{"findings":[{"id":"1","title":"Typo in the changelog"},{"id":"2","title":"Typo in the changelog"}]}"#;
        let other = r#"{"findings":[{"id":"1","path":"a.rs","title":"The lock is held over the call"},{"id":"2","path":"b.rs","title":"No limit on the body"}]}"#;
        let (a, b, result) = sides(other, twice);
        let shown = text(&a, &b, &result);
        assert!(shown.contains("The lock is held") && shown.contains("No limit on the body"), "{shown}");
        assert!(shown.contains("  B (1, 2): Typo in the changelog"), "{shown}");
    }

    #[test]
    fn the_page_is_well_formed_and_shows_no_markup_of_the_files() {
        let evil = r#"</p><script>alert(1)</script><!-- ]]> "'&lt;"#;
        let finding = |line: u32, says: &str| {
            serde_json::json!({"id": evil, "path": format!("{evil}/a.rs"), "line_start": line, "title": format!("{evil} {says}"),
                "body": format!("{evil}\n{says}"), "failure_scenario": evil, "quote": evil, "suggestion": evil, "severity": "high"})
        };
        let file =
            |says: &str| serde_json::json!({"reviewer": evil, "findings": [finding(4, says)]}).to_string();
        let one = serde_json::json!({"reviewer": evil, "findings": [finding(4, "x"), {"id": "2", "title": evil}, {"id": "3", "title": evil}]});
        for (a, b) in [
            (file("The timeout is too short"), file("The timeout is too long")),
            (file("leaks early"), file("leaks early")),
            (one.to_string(), file("nothing of the kind")),
        ] {
            let (a, b, result) = sides(&a, &b);
            let page = html(&a, &b, &result);
            let mut open: Vec<&str> = Vec::new();
            for tag in page.split('<').skip(1) {
                let name = tag.split(['>', ' ', '\n']).next().unwrap();
                match name.strip_prefix('/') {
                    _ if matches!(name, "!doctype" | "meta") => {}
                    Some(name) => assert_eq!(open.pop(), Some(name), "{page}"),
                    None => open.push(name),
                }
            }
            assert!(open.is_empty(), "{open:?} {page}");
            let script = page.to_lowercase().contains("<script") || page.contains("<!--");
            assert!(!script && page.contains("&lt;script&gt;"), "{page}");
        }
    }

    #[test]
    fn reviewers_of_one_name_are_told_apart() {
        let (a, b, result) = sides(A, A);
        assert!(text(&a, &b, &result).contains("claude (B): "));
    }
}
