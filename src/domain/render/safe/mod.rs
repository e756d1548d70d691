//! GitHub Markdown made of text nobody vouches for: what a model or a pull request wrote.
//!
//! Nothing is filtered out of the input's own Markdown. It is parsed, and a small set of constructs is written
//! anew, every character of prose in a form that can only mean itself. What GitHub recognises after rendering,
//! in the text itself (mentions, issue numbers, bare addresses, emoji codes, alerts, task boxes, formulas), is
//! torn by a zero-width space; invisible characters of the input are gone before, so that every one left is ours.

mod blocks;
mod writer;

use std::collections::HashMap;

use self::blocks::Blocks;
use self::writer::{Span, Writer};
use crate::domain::redact::{break_command, is_invisible};

const TEAR: &str = "\u{200b}";
/// cmark reads no code span with a fence above 80 and counts block fences in one byte. Runs of backticks in
/// code are torn at this length, so that every fence stays far below both.
const LONGEST_RUN: usize = 8;
/// Lists and quotes nest this deep; what lies deeper is shown at this depth.
const DEEPEST: usize = 3;
/// Emphasis nests this deep; more markers are dropped.
const DEEPEST_MARK: usize = 4;
/// Longest code span or fenced block made of one piece of text, in characters.
const LONGEST_CODE: usize = 60_000;

/// One line for a title or a table cell, at most `max_chars` characters of Markdown. Blanks are collapsed, code
/// spans kept, everything else is literal; what does not fit is cut with `…`, never within an entity or a span.
#[must_use]
pub fn inline(text: &str, max_chars: usize) -> String {
    let text = one_line(text, enough(max_chars));
    let mut out = Writer::new(max_chars, 1);
    out.open();
    for piece in pieces(&text) {
        match piece {
            Piece::Prose(prose) => write_prose(prose, &mut out),
            Piece::Code(code) => out.code(code, true),
        }
    }
    out.close().unwrap_or_default()
}

/// Paragraphs, emphasis, code, lists and quotes of a text, at most `max_chars` characters of Markdown. Headings
/// become bold paragraphs, links their text, images their description; HTML is shown, not meant. A line break
/// within a paragraph becomes a blank.
#[must_use]
pub fn block(text: &str, max_chars: usize) -> String {
    if max_chars < 4 {
        return if text.trim().is_empty() || max_chars == 0 { String::new() } else { "…".to_owned() };
    }
    let text = visible(text, enough(max_chars));
    Blocks::read(&text, max_chars)
}

/// One code span for a path or a name, also within a table. Empty text gives nothing.
#[must_use]
pub fn code(text: &str) -> String {
    let text = one_line(text, LONGEST_CODE);
    Span::new(&text, true).map(|span| span.whole()).unwrap_or_default()
}

/// A fenced code block without a line end behind it; `info` is ours. Zero-width spaces keep markers and commands
/// in it from being read, so text that must stay byte for byte goes through [`suggestion`].
#[must_use]
pub fn fenced(text: &str, info: &str) -> String {
    let text = visible(text, LONGEST_CODE);
    let lines = code_lines(text.strip_suffix('\n').unwrap_or(&text));
    let fence = fence_for(lines.iter().map(String::as_str), 3);
    format!("{fence}{}\n{}\n{fence}", info_string(info), lines.join("\n"))
}

/// A block that GitHub offers to apply, if the text can be shown safely without changing a byte of it.
#[must_use]
pub fn suggestion(text: &str) -> Option<String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let lines = code_lines(&visible(text, LONGEST_CODE));
    let same = lines.iter().map(String::as_str).eq(text.split('\n'));
    let fence = fence_for(lines.iter().map(String::as_str), 3);
    same.then(|| format!("{fence}suggestion\n{text}\n{fence}"))
}

/// A path within a repository as part of a web address: everything but letters, digits, `-_.~/` in percent form.
#[must_use]
pub fn link_path(path: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(path.len());
    let digit = |value: u8| HEX.get(usize::from(value & 15)).copied().map_or('0', char::from);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte)]);
        }
    }
    out
}

/// At most so many characters of text, without invisible ones and carriage returns.
fn visible(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut chars = text.chars().take(most).peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// How much to read for so much output. What is dropped (blanks, link targets) leaves room for more, but what a
/// parser reads stays bounded.
fn enough(max_chars: usize) -> usize {
    max_chars.saturating_mul(8).max(4096)
}

fn one_line(text: &str, most: usize) -> String {
    let text = visible(text, most);
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

enum Piece<'a> {
    Prose(&'a str),
    Code(&'a str),
}

/// Splits one line at its code spans, by the rule of CommonMark: a run of backticks closes the span that a run of
/// the same length opened; a run without such a partner is text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut escaped = false;
    let mut opener_at: Vec<bool> = Vec::new();
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        if c == '`' {
            match runs.last_mut() {
                Some((start, len)) if last == '`' && *start + *len == at => *len += 1,
                _ => {
                    runs.push((at, 1));
                    opener_at.push(!escaped);
                }
            }
        }
        escaped = c == '\\' && !escaped;
        last = c;
    }
    let mut closers: HashMap<usize, Vec<usize>> = HashMap::new();
    for &(at, len) in runs.iter().rev() {
        closers.entry(len).or_default().push(at);
    }
    let mut pieces = Vec::new();
    let mut done = 0;
    for (&(at, len), opens) in runs.iter().zip(opener_at) {
        // An escaped backtick is text; the rest of its run opens nothing either, which is stricter than the rule.
        if at < done || !opens {
            continue;
        }
        let Some(ends) = closers.get_mut(&len) else { continue };
        while ends.last().is_some_and(|&end| end <= at) {
            ends.pop();
        }
        let Some(&end) = ends.last() else { continue };
        pieces.push(Piece::Prose(text.get(done..at).unwrap_or_default()));
        pieces.push(Piece::Code(text.get(at + len..end).unwrap_or_default()));
        done = end + len;
    }
    pieces.push(Piece::Prose(text.get(done..).unwrap_or_default()));
    pieces
}

/// Writes prose so that each character means itself.
fn write_prose(text: &str, out: &mut Writer) {
    let at_start = out.is_blank();
    let text = if at_start { text.trim_start() } else { text };
    let mut before: Option<char> = None;
    let mut word = String::new();
    // Digits at the start of a line may be the number of a list item.
    let mut number = at_start;
    let mut first = at_start;
    let mut skip = 0;
    for (at, c) in text.char_indices() {
        if at < skip {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let next = rest.chars().nth(1);
        let mut unit = String::new();
        match c {
            '<' => unit.push_str("&lt;"),
            '>' => unit.push_str("&gt;"),
            '&' => unit.push_str("&amp;"),
            '\\' | '`' | '*' | ']' | '|' | '~' => unit.extend(['\\', c]),
            '_' => {
                let within = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                unit.push_str(if within(before) && within(next) { "_" } else { "\\_" });
            }
            '[' => {
                unit.push_str("\\[");
                // `[!NOTE]`, `[^1]`, `[ ]`, `[x]`
                let boxed = matches!(next, Some(' ' | 'x' | 'X')) && rest.chars().nth(2) == Some(']');
                if boxed || matches!(next, Some('!' | '^')) {
                    unit.push_str(TEAR);
                }
            }
            '$' => unit.extend(["&#36;", TEAR]),
            '@' => unit.extend(["@", TEAR]),
            '#' => {
                unit.push_str(if first { "\\#" } else { "#" });
                if next.is_some_and(char::is_numeric) {
                    unit.push_str(TEAR);
                }
            }
            ':' => {
                unit.push_str(if first { "\\:" } else { ":" });
                if rest.starts_with("://") || opens_emoji(rest) {
                    unit.push_str(TEAR);
                }
            }
            '-' => {
                unit.push_str(if first { "\\-" } else { "-" });
                if word.eq_ignore_ascii_case("gh") && next.is_some_and(char::is_numeric) {
                    unit.push_str(TEAR);
                }
            }
            '+' | '=' if first => unit.extend(['\\', c]),
            '.' | ')' if number && !first => unit.extend(['\\', c]),
            'w' | 'W' if rest.get(..4).is_some_and(|four| four.eq_ignore_ascii_case("www.")) => {
                unit.extend([rest.get(..3).unwrap_or_default(), TEAR, "."]);
                skip = at + 4;
            }
            c => unit.push(c),
        }
        out.put(&unit);
        if out.full {
            return;
        }
        number &= c.is_ascii_digit();
        first = false;
        before = Some(if skip > at { '.' } else { c });
        if c.is_alphanumeric() && skip <= at { word.push(c) } else { word.clear() }
    }
}

/// Whether this begins like `:name:`; no emoji has a longer name.
fn opens_emoji(text: &str) -> bool {
    let name =
        text.bytes().skip(1).take(80).take_while(|b| b.is_ascii_alphanumeric() || b"_+-".contains(b)).count();
    name > 0 && text.as_bytes().get(1 + name) == Some(&b':')
}

/// Code on its way out, line by line: no HTML comment, no command of the runner, no long run of backticks.
fn code_lines(text: &str) -> Vec<String> {
    text.split('\n').map(|line| code_line(&break_command(line))).collect()
}

fn code_line(line: &str) -> String {
    let line = line.replace("<!--", "<\u{200b}!--").replace("-->", "--\u{200b}>").replace("##[", "## [");
    let mut out = String::with_capacity(line.len());
    let mut run = 0;
    for c in line.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        if run > LONGEST_RUN {
            out.push_str(TEAR);
            run = 1;
        }
        out.push(c);
    }
    out
}

/// A run of backticks longer than any in the code.
fn fence_for<'a>(code: impl Iterator<Item = &'a str>, shortest: usize) -> String {
    let longest = code.flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    "`".repeat((longest + 1).max(shortest))
}

/// The language of a code block. Some names make GitHub draw, run or apply what is in it: these are dropped.
fn info_string(info: &str) -> String {
    const ACTIVE: &[&str] = &["suggestion", "mermaid", "math", "geojson", "topojson", "stl"];
    let word: String = info
        .trim()
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "+#-".contains(*c))
        .take(20)
        .collect();
    let lower = word.to_ascii_lowercase();
    if ACTIVE.iter().any(|active| lower.contains(active)) { String::new() } else { word }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;
    use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
    use regex::Regex;

    use super::*;

    /// What GitHub would find in a text: the names of the constructs, and the text of prose and of code.
    fn look(markdown: &str) -> (Vec<String>, String, String) {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_GFM
            | Options::ENABLE_MATH;
        let (mut found, mut prose, mut code) = (Vec::new(), String::new(), String::new());
        let mut in_code = false;
        for event in Parser::new_ext(markdown, options) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    in_code = true;
                    found.push(match kind {
                        CodeBlockKind::Fenced(info) => format!("fence {info}"),
                        CodeBlockKind::Indented => "indented".to_owned(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Start(Tag::BlockQuote(kind)) => {
                    found.push(if kind.is_some() { "alert" } else { "quote" }.to_owned());
                }
                Event::Start(tag) => {
                    // Text on either side of a tag is never read as one.
                    prose.push('\u{1}');
                    found.push(format!("{tag:?}").split(['(', ' ', '{']).next().unwrap_or("").to_owned());
                }
                Event::End(_) => prose.push('\n'),
                Event::Text(text) if in_code => code.push_str(&text),
                Event::Text(text) => prose.push_str(&text),
                Event::Code(text) => {
                    prose.push('\u{1}');
                    code.push_str(&text);
                    code.push('\n');
                    found.push("span".to_owned());
                }
                Event::SoftBreak => prose.push('\n'),
                other => found.push(format!("{other:?}").split(['(', ' ']).next().unwrap_or("").to_owned()),
            }
        }
        (found, prose, code)
    }

    fn assert_harmless(markdown: &str) {
        let (found, prose, _) = look(markdown);
        const HARMLESS: &[&str] = &["Paragraph", "Emphasis", "Strong", "quote", "List", "Item", "span"];
        for name in &found {
            let harmless = HARMLESS.contains(&name.as_str()) || name.starts_with("fence ");
            assert!(harmless, "{name} in {markdown:?}");
            assert!(!name.to_ascii_lowercase().contains("suggestion"), "{name} in {markdown:?}");
        }
        for pattern in [
            r"@[\w-]",
            r"#\d",
            r"(?i)\bgh-\d",
            "://",
            r"(?i)www\.",
            r":[A-Za-z0-9_+-]+:",
            r"\$[^\u{200b}]",
            r"\[[!^]",
            r"\[[ xX]\]",
        ] {
            let pattern = Regex::new(pattern).expect("a pattern");
            assert!(!pattern.is_match(&prose), "{pattern} in {prose:?} of {markdown:?}");
        }
        assert!(!markdown.contains("<!--") && !markdown.contains("-->"), "{markdown:?}");
        assert!(!markdown.contains("##["), "{markdown:?}");
        assert!(markdown.lines().all(|line| !line.trim_start().starts_with("::")), "{markdown:?}");
        assert!(markdown.chars().all(|c| c == '\u{200b}' || !is_invisible(c)), "{markdown:?}");
    }

    fn assert_one_cell(inline: &str) {
        assert!(!inline.contains('\n'), "{inline:?}");
        for table in [format!("| h |\n|---|\n| {inline} |\n"), format!("| {inline} |\n|---|\n| x |\n")] {
            let (found, _, _) = look(&table);
            assert_eq!(found.iter().filter(|name| *name == "TableCell").count(), 2, "{table:?}: {found:?}");
            assert_eq!(found.first().map(String::as_str), Some("Table"), "{table:?}");
        }
        // The cell rule of cmark-gfm: a backslash takes the sign behind it along.
        let mut escaped = false;
        for c in inline.chars() {
            assert!(c != '|' || escaped, "{inline:?}");
            escaped = c == '\\' && !escaped;
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let parts = [
            "`",
            "``",
            "```",
            "````",
            "~~~",
            "<!--",
            "-->",
            "<!",
            "--",
            "@a",
            "@",
            "a",
            "b",
            "1",
            "#",
            "#1",
            "![",
            "[",
            "]",
            "](javascript:x)",
            "(",
            ")",
            "<img",
            "<b>",
            "</b>",
            "<",
            ">",
            "&",
            "&lt;",
            "&#58;",
            "|",
            "\n",
            "\n\n",
            "::",
            ":",
            "##[",
            "##",
            "error",
            " ",
            "  ",
            "    ",
            "\t",
            "*",
            "**",
            "_",
            "~",
            "~~",
            "\\",
            "- ",
            "+ ",
            "1. ",
            "> ",
            "> [!NOTE]\n",
            "[^1]",
            "[^1]: x",
            "[a]: x",
            "[ ] ",
            "[x]",
            "$",
            "$x$",
            "http",
            "://",
            "www",
            ".",
            "gh-",
            "GH-1",
            ":a:",
            "=",
            "===",
            "---",
            "-",
            "# ",
            "suggestion",
            "math",
            "\u{200b}",
            "\u{202e}",
            "\r",
            "\u{0}",
            "é",
            "\u{e0041}",
            "<!-- counterpoint:v1 -->",
            "x@y.z",
            "</details>",
            "\u{a0}",
        ];
        proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..40)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_becomes_more_than_harmless_blocks(text in prop_oneof![3 => hostile(), 1 => any::<String>()], max in 0_usize..300) {
            for max in [max, 10_000] {
                let out = block(&text, max);
                prop_assert!(out.chars().count() <= max, "{:?}", out);
                assert_harmless(&out);
            }
        }

        #[test]
        fn no_text_leaves_its_line_or_its_cell(text in prop_oneof![3 => hostile(), 1 => any::<String>()], max in 0_usize..60) {
            for max in [max, 10_000] {
                let out = inline(&text, max);
                prop_assert!(out.chars().count() <= max, "{:?}", out);
                assert_harmless(&out);
                assert_one_cell(&out);
            }
        }

        #[test]
        fn no_text_leaves_its_code(text in prop_oneof![3 => hostile(), 1 => any::<String>()]) {
            let span = code(&text);
            assert_harmless(&span);
            assert_one_cell(&span);
            let (found, prose, _) = look(&span);
            prop_assert!(found == ["Paragraph", "span"] || span.is_empty(), "{:?}: {:?}", span, found);
            prop_assert!(prose.chars().all(|c| "\u{1}\n".contains(c)), "{:?}", prose);

            let fence = fenced(&text, "diff");
            assert_harmless(&fence);
            prop_assert_eq!(look(&fence).0, ["fence diff"]);

            if let Some(suggestion) = suggestion(&text) {
                let (found, _, code) = look(&suggestion);
                prop_assert_eq!(found, ["fence suggestion"]);
                prop_assert_eq!(code.strip_suffix('\n').unwrap_or(&code), text.strip_suffix('\n').unwrap_or(&text));
            }
        }
    }

    fn check(write: fn(&str) -> String, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(write(text).replace('\u{200b}', "·"), *expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_literal_but_for_its_code() {
        check(
            |text| inline(text, 200),
            &[
                ("", ""),
                ("  A  title\nof two lines ", "A title of two lines"),
                ("`a|b` or a|b", r"`a\|b` or a\|b"),
                (r"`a\|b`", r"`a\·\|b`"),
                ("use ``a`b`` and `", r"use ``a`b`` and \`"),
                ("`a``b`", "```a``b```"),
                ("*a* _b_ snake_case", r"\*a\* \_b\_ snake_case"),
                ("# 1. heading", r"\# 1. heading"),
                ("1. item", r"1\. item"),
                ("- item - x", r"\- item - x"),
                ("::error::x ::warning x", r"\::·error::x ::warning x"),
                ("` ` ::error x", r"\::error x"),
                ("a ##[error] #12 a#b", r"a ##\[error\] #·12 a#b"),
                ("see @octo, x@y.org, o/r#1, GH-7", "see @·octo, x@·y.org, o/r#·1, GH-·7"),
                ("https://a.b www.a.b WWW.x", "https:·//a.b www·.a.b WWW·.x"),
                ("a :tada: std::vec 10:30", "a :·tada: std::vec 10:30"),
                ("<b>&amp;</b>", "&lt;b&gt;&amp;amp;&lt;/b&gt;"),
                ("$a$ ~~b~~", r"&#36;·a&#36;· \~\~b\~\~"),
                ("![i](y) [a](b)", r"!\[i\](y) \[a\](b)"),
                ("a\u{202e}b\u{200b}c\u{7}d", "abcd"),
                ("`<!-- x -->`", "`<·!-- x --·>`"),
            ],
        );
    }

    #[test]
    fn blocks_keep_the_shape_of_plain_reviews() {
        check(
            |text| block(text, 2000),
            &[
                ("", ""),
                ("One\ntwo.\n\nThree *four* **five `six`**.", "One two.\n\nThree *four* **five `six`**."),
                ("# Title **x**\ntext", "**Title x**\n\ntext"),
                ("- a\n- b\n  - c\n\n  d\n- e", "- a\n- b\n  - c\n\n  d\n- e"),
                (
                    "3. a\n4. b\n\n   ```rust,ignore\n   x\n\n   y\n   ```",
                    "3. a\n4. b\n\n   ```rust\n   x\n\n   y\n   ```",
                ),
                ("> a\n> > b\n\nc", "> a\n>\n> > b\n\nc"),
                (
                    "- a\n  1. b\n     - c\n       - d\n       - e\n- f",
                    "- a\n  1. b\n     - c\n     - d\n     - e\n- f",
                ),
                ("[text](http://x) ![alt](http://y) <http://z>", "text alt http:·//z"),
                ("a\n\n---\n\n[x]: http://y\n\nb", "a\n\nb"),
                ("<b>x</b> <!-- counterpoint:v1 -->", "&lt;b&gt;x&lt;/b&gt; &lt;!-- counterpoint:v1 --&gt;"),
                ("<div>\n@a\n</div>", "&lt;div&gt; @·a &lt;/div&gt;"),
                ("> [!WARNING]\n> x", r"> \[·!WARNING\] x"),
                ("- [ ] a", r"- \[· \] a"),
                ("```suggestion\nx\n```", "```\nx\n```"),
                ("```Sug!gestion\nx\n```", "```Sug\nx\n```"),
                ("~~~suggestion:-0+0\nx\n~~~", "```\nx\n```"),
                ("```mermaid\nx\n```", "```\nx\n```"),
                ("````\n```\nx\n```\n````", "````\n```\nx\n```\n````"),
                (
                    "```\n  ::error::x\n##[group]\n<!-- m -->\n```",
                    "```\n  : :error::x\n## [group]\n<·!-- m --·>\n```",
                ),
                ("@[user](x) #[1](x)", "@·user #·1"),
                ("http:*![](x)*//a", "http:·//a"),
                ("`$`x`$` $`x`$", "`$`x`$` &#36;·`x`&#36;·"),
                ("***a** b*", "***a** b*"),
                ("**a***b*", "**a**·*b*"),
                ("a | b\n--- | ---\n1 | 2", r"a \| b --- \| --- 1 \| 2"),
            ],
        );
    }

    #[test]
    fn what_is_cut_says_so_and_stays_whole() {
        for (text, max, expected) in [
            ("abcdef", 6, "abcde…"),
            ("a<b", 4, "a…"),
            ("`abcdefghijkl` x", 12, "` abcdefg `…"),
            ("`ab`", 3, "…"),
        ] {
            assert_eq!(inline(text, max), expected, "{text} {max}");
        }
        for (text, max, expected) in [
            ("**abc def**", 12, "**abc …**"),
            ("- abc\n- def", 11, "- abc\n- …"),
            ("- abc\n- def", 8, "- abc\n\n…"),
            ("```\nabc\ndef\n```", 16, "```\nabc\nd…\n```"),
            ("abc", 3, "…"),
            ("", 3, ""),
        ] {
            assert_eq!(block(text, max), expected, "{text} {max}");
        }
    }

    #[test]
    fn no_fence_is_too_long_for_github() {
        let ticks = "`".repeat(65_536);
        for out in [
            code(&ticks),
            fenced(&ticks, ""),
            block(&format!("~~~\n{ticks}\n~~~"), 300_000),
            inline(&format!("`` {ticks} ``"), 300_000),
        ] {
            let longest = out.split(|c| c != '`').map(str::len).max();
            assert!(longest <= Some(LONGEST_RUN + 1), "{longest:?}");
        }
    }

    #[test]
    fn a_suggestion_is_exact_or_absent() {
        assert_eq!(suggestion("  let a = b::c;\n").as_deref(), Some("```suggestion\n  let a = b::c;\n```"));
        assert_eq!(suggestion("```\n").as_deref(), Some("````suggestion\n```\n````"));
        for text in ["::std::mem::drop(x)", "<!-- x -->", "a\u{202e}b", "a\r\nb", "##[x]"] {
            assert_eq!(suggestion(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_path_is_safe_in_an_address() {
        assert_eq!(link_path("src/a b(1)#é@?%|`.rs"), "src/a%20b%281%29%23%C3%A9%40%3F%25%7C%60.rs");
    }

    #[test]
    fn bombs_are_read_in_linear_time() {
        for part in [
            ">", "> ", "*", "**a", "_a*", "[", "![", "](", "`", "`a", "``a`", "- ", "* a\n", ">\n", "<",
            "<!--", "&", "\\", "1. ", "*a `", "[a](", "<b>", "\n  ", "|", "@", ":", "$", "- a\n ", "a**b",
            "[^1]", "~~~\n", "#\n", "> - ", "[a]: b\n", "www.", "*a_b",
        ] {
            let text: String = part.chars().cycle().take(65_536).collect();
            for max in [2000, 65_000] {
                let begun = Instant::now();
                let written = block(&text, max);
                let line = inline(&text, max);
                let spent = begun.elapsed();
                assert!(written.chars().count() <= max && line.chars().count() <= max, "{part:?}");
                assert!(spent.as_secs_f64() < 3.0, "{part:?}: {spent:?}");
            }
        }
    }
}
