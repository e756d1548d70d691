//! What a comment on a pull request asks for.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::domain::units::MicroUsd;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `/review`: look at the pull request.
    Review {
        /// At everything, not only at what changed since the last review.
        full: bool,
        /// The strategy asked for.
        strategy: Option<String>,
        /// The only lane asked for.
        lane: Option<String>,
        /// A lower cap for this run.
        max_usd: Option<MicroUsd>,
    },
    /// `/counterpoint dismiss`: a finding is to count no more.
    Dismiss {
        /// Its id on the pull request.
        id: String,
        /// Why, in the person's words.
        reason: String,
    },
}

/// What commands about findings begin with.
const COUNTERPOINT: &str = "/counterpoint";

/// Reads the first command of a comment. It stands at the start of a line of the comment's own prose: not in
/// code, quotes, lists, tables or HTML, where people show a command or repeat somebody else's.
///
/// # Errors
/// A sentence for whoever wrote the comment, when the line is a command but cannot be understood.
pub fn parse(
    comment: &str,
    trigger: &str,
    lanes: &[&str],
    strategies: &[&str],
) -> Result<Option<Command>, String> {
    if trigger.trim().is_empty() {
        return Ok(None);
    }
    let words = match command_words(comment, &[trigger.trim(), COUNTERPOINT]) {
        None => return Ok(None),
        Some((1, words)) => return about_finding(&words).map(Some),
        Some((_, words)) => words,
    };
    let usage = || {
        let choice =
            |names: &[&str]| if names.is_empty() { String::new() } else { format!(" [{}]", names.join("|")) };
        let (strategies, lanes) = (choice(strategies), choice(lanes));
        format!("Use `{} [full]{strategies}{lanes} [max=USD]`.", trigger.trim())
    };
    let (mut full, mut strategy, mut lane, mut max_usd) = (false, None, None, None);
    for word in &words {
        let named = |names: &[&str]| {
            names.iter().find(|name| name.eq_ignore_ascii_case(word)).map(|name| (*name).to_owned())
        };
        let once = |slot: &mut Option<String>, name: String, what: &str| match slot.replace(name) {
            Some(before) if slot.as_ref() != Some(&before) => Err(format!(
                "A command can name only one {what}, and `{}` is a second one. {}",
                shown(word),
                usage()
            )),
            _ => Ok(()),
        };
        if word.eq_ignore_ascii_case("full") {
            full = true;
        } else if let Some(name) = named(lanes) {
            once(&mut lane, name, "reviewer")?;
        } else if let Some(name) = named(strategies) {
            once(&mut strategy, name, "strategy")?;
        } else if let Some(amount) =
            word.get(..4).filter(|key| key.eq_ignore_ascii_case("max=")).and(word.get(4..))
        {
            let amount = amount.strip_prefix('$').unwrap_or(amount);
            let amount = MicroUsd::parse_usd(amount).map_err(|_| {
                format!("`{}` is not an amount in US dollars such as `max=0.50`. {}", shown(word), usage())
            })?;
            // For every cap the lowest wins.
            max_usd = Some(max_usd.map_or(amount, |before: MicroUsd| before.min(amount)));
        } else {
            return Err(format!("I do not know the word `{}`. {}", shown(word), usage()));
        }
    }
    Ok(Some(Command::Review { full, strategy, lane, max_usd }))
}

/// Reads the first command of a comment where that is one about a finding.
///
/// # Errors
/// As [`parse`].
pub fn dismissal(comment: &str) -> Result<Option<Command>, String> {
    command_words(comment, &[COUNTERPOINT]).map(|(_, words)| about_finding(&words)).transpose()
}

fn about_finding(words: &[String]) -> Result<Command, String> {
    let usage = "Use `/counterpoint dismiss ID REASON` with the id under the finding, such as `f1`.";
    let [verb, rest @ ..] = words else { return Err(usage.to_owned()) };
    if verb.eq_ignore_ascii_case("help") {
        return Err(usage.to_owned());
    }
    if !verb.eq_ignore_ascii_case("dismiss") {
        return Err(format!("I do not know the word `{}`. {usage}", shown(verb)));
    }
    let [id, reason @ ..] = rest else { return Err(format!("A dismissal names a finding. {usage}")) };
    let id = id.to_ascii_lowercase();
    let number = id.strip_prefix('f').filter(|number| (1..=9).contains(&number.len()));
    if !number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("`{}` is no id of a finding. {usage}", shown(&id)));
    }
    if reason.is_empty() {
        return Err(format!("A dismissal needs a reason. {usage}"));
    }
    Ok(Command::Dismiss { id, reason: reason.join(" ") })
}

/// A word of a stranger in a sentence of ours: short, and nothing that Markdown or a terminal would read.
fn shown(word: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.=/$,".contains(c) { c } else { '?' };
    let mut out: String = word.chars().take(40).map(plain).collect();
    if word.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

/// The words on the first line that begins with one of these, and with which of them.
fn command_words(comment: &str, triggers: &[&str]) -> Option<(usize, Vec<String>)> {
    let prose = Prose::read(comment);
    prose.paragraphs.iter().find_map(|paragraph| {
        let mut start = paragraph.start;
        comment.get(paragraph.clone())?.split_inclusive('\n').find_map(|line| {
            let range = start..start + line.len();
            start = range.end;
            let text = line.trim_start();
            let at = range.start + (line.len() - text.len());
            let begins = |trigger: &&str| {
                let (said, rest) = text.split_at_checked(trigger.len()).unwrap_or_default();
                said.eq_ignore_ascii_case(trigger) && rest.chars().next().is_none_or(char::is_whitespace)
            };
            let which = triggers.iter().position(begins)?;
            let said = triggers.get(which)?.len();
            (!prose.hidden_at(at)).then(|| (which, prose.shown_words(comment, at + said..range.end)))
        })
    })
}

/// Which parts of a comment are its author's own running text.
struct Prose {
    /// Paragraphs (and underlined headings) that stand in nothing else, in order.
    paragraphs: Vec<Range<usize>>,
    /// Code, HTML and images within them, in order.
    hidden: Vec<(Range<usize>, bool)>,
}

impl Prose {
    fn read(comment: &str) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
        let (mut paragraphs, mut hidden) = (Vec::new(), Vec::new());
        let mut depth = 0_usize;
        for (event, range) in Parser::new_ext(comment, options).into_offset_iter() {
            match event {
                Event::Start(Tag::Paragraph | Tag::Heading { .. }) if depth == 0 => paragraphs.push(range),
                Event::Code(_) => hidden.push((range, false)),
                Event::InlineHtml(_) => hidden.push((range, true)),
                Event::Start(Tag::Image { .. }) => hidden.push((range, false)),
                Event::Start(tag) if contains_blocks(tag.to_end()) => depth += 1,
                Event::End(tag) if contains_blocks(tag) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Self { paragraphs, hidden }
    }

    fn hidden_at(&self, at: usize) -> bool {
        self.hidden.iter().any(|(range, _)| range.contains(&at))
    }

    /// The words of a line as a reader sees them: HTML in it shows nothing.
    fn shown_words(&self, comment: &str, line: Range<usize>) -> Vec<String> {
        let mut seen = String::new();
        let mut at = line.start;
        for (range, _) in self.hidden.iter().filter(|(range, html)| *html && range.start < line.end) {
            if range.end > at {
                seen.push_str(comment.get(at..range.start).unwrap_or_default());
                seen.push(' ');
                at = range.end;
            }
        }
        seen.push_str(comment.get(at..line.end).unwrap_or_default());
        seen.split_whitespace().map(str::to_owned).collect()
    }
}

fn contains_blocks(tag: TagEnd) -> bool {
    !matches!(
        tag,
        TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Image
    )
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    const LANES: &[&str] = &["claude", "codex"];
    const STRATEGIES: &[&str] = &["auto", "parallel", "single"];

    fn read(comment: &str) -> Result<Option<Command>, String> {
        parse(comment, "/review", LANES, STRATEGIES)
    }

    fn review(full: bool, strategy: Option<&str>, lane: Option<&str>, max_usd: Option<u64>) -> Command {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        Command::Review { full, strategy: owned(strategy), lane: owned(lane), max_usd: max_usd.map(MicroUsd) }
    }

    fn check(cases: &[(&str, Option<Command>)]) {
        for (comment, expected) in cases {
            assert_eq!(read(comment), Ok(expected.clone()), "{comment:?}");
        }
    }

    #[test]
    fn the_words_of_a_command_stand_in_any_order_and_case() {
        check(&[
            ("/review", Some(review(false, None, None, None))),
            ("  /REVIEW  ", Some(review(false, None, None, None))),
            ("/review full", Some(review(true, None, None, None))),
            (
                "/review max=0.50 Claude PARALLEL full",
                Some(review(true, Some("parallel"), Some("claude"), Some(500_000))),
            ),
            ("/review max=$2 max=1", Some(review(false, None, None, Some(1_000_000)))),
            ("/review codex codex", Some(review(false, None, Some("codex"), None))),
            ("Thanks!\r\n\r\n/review full\r\n", Some(review(true, None, None, None))),
            ("Thanks!\n/review\nand more text", Some(review(false, None, None, None))),
            ("/review full\n/review nonsense", Some(review(true, None, None, None))),
            ("/review <!-- full -->", Some(review(false, None, None, None))),
            ("> quoted\n\n/review", Some(review(false, None, None, None))),
            ("<details>\n\nx\n\n</details>\n\n/review", Some(review(false, None, None, None))),
        ]);
    }

    #[test]
    fn a_trigger_anywhere_but_at_the_start_of_a_line_of_prose_is_no_command() {
        check(&[
            ("", None),
            ("please /review", None),
            ("/reviewer full", None),
            ("/review, please", None),
            ("/counterpoints dismiss f1 wrong", None),
            ("\\/review", None),
            ("\u{200b}/review", None),
            ("`/review`", None),
            ("`a\n/review\nb`", None),
            ("    /review", None),
            ("```\n/review\n```", None),
            ("~~~~\n~~~\n/review", None),
            ("> /review", None),
            ("> quoted\n/review", None),
            ("- /review", None),
            ("1. a\n\n   /review", None),
            ("- a\n/review", None),
            ("# /review", None),
            ("<!-- \n/review\n-->", None),
            ("text <!--\n/review\n--> text", None),
            ("<details>\n/review\n</details>", None),
            ("![\n/review\n](x)", None),
            ("[x]:\n/review", None),
            ("/review | x\n--- | ---\n1 | 2", None),
            ("a | b\n--- | ---\n/review | 2", None),
            ("[^1]: a\n/review\n\n[^1]", None),
        ]);
    }

    #[test]
    fn a_command_that_is_not_understood_is_answered_with_the_word_and_the_grammar() {
        for (comment, word) in [
            ("/review harder", "harder"),
            ("/review adversarial", "adversarial"),
            ("/review max=", "max="),
            ("/review max=lots", "max=lots"),
            ("/review max=-1", "max=-1"),
            ("/review claude codex", "codex"),
            ("/review single parallel", "parallel"),
            ("/review `full`", "?full?"),
            ("/review @octocat", "?octocat"),
            ("/review ](javascript:alert(1))", "??javascript?alert?1??"),
        ] {
            let error = read(comment).expect_err(comment);
            assert!(error.contains(&format!("`{word}`")), "{comment}: {error}");
            assert!(
                error.ends_with("Use `/review [full] [auto|parallel|single] [claude|codex] [max=USD]`."),
                "{error}"
            );
        }
        let long = read(&format!("/review {}", "x".repeat(70_000))).expect_err("unknown");
        assert!(long.len() < 300, "{long}");
    }

    #[test]
    fn a_dismissal_names_a_finding_and_a_reason() {
        let dismiss =
            |id: &str, reason: &str| Some(Command::Dismiss { id: id.to_owned(), reason: reason.to_owned() });
        check(&[
            ("/counterpoint dismiss f1 meant so", dismiss("f1", "meant so")),
            ("Thanks!\n\n/Counterpoint DISMISS F12 `x` is <!-- not --> mine ", dismiss("f12", "`x` is mine")),
            ("/counterpoint dismiss f1 no\n/review full", dismiss("f1", "no")),
            ("/review full\n/counterpoint dismiss f1 no", Some(review(true, None, None, None))),
            ("> /counterpoint dismiss f1 no", None),
        ]);
        for (comment, word) in [
            ("/counterpoint explain f1", "I do not know the word `explain`."),
            ("/counterpoint dismiss", "A dismissal names a finding."),
            ("/counterpoint dismiss f1", "A dismissal needs a reason."),
            ("/counterpoint dismiss @octocat no", "`?octocat` is no id of a finding."),
            ("/counterpoint help", "Use `/counterpoint dismiss ID REASON`"),
        ] {
            let error = read(comment).expect_err(comment);
            assert!(error.starts_with(word), "{comment}: {error}");
        }
    }

    #[test]
    fn the_trigger_is_configurable_and_never_empty() {
        assert_eq!(parse("!check full", "!check", LANES, &[]), Ok(Some(review(true, None, None, None))));
        assert_eq!(parse("/review", "!check", LANES, &[]), Ok(None));
        assert_eq!(parse("anything", "", LANES, &[]), Ok(None));
        let error = parse("!check auto", "!check", &[], &[]).expect_err("unknown");
        assert!(error.ends_with("Use `!check [full] [max=USD]`."), "{error}");
    }

    #[test]
    fn no_comment_is_slow_to_read() {
        for part in ["<b>", "`\n/review\n`", "> ", "[", "/review <b>", "- ", "*_", "![", "<!--", "|a\n-|-\n"]
        {
            let comment: String = part.chars().cycle().take(65_536).collect();
            let begun = std::time::Instant::now();
            let _ = read(&comment);
            assert!(begun.elapsed().as_secs_f64() < 3.0, "{part:?}: {:?}", begun.elapsed());
        }
    }
}
