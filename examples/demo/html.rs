//! HTML that is safe by construction: markup is written in this program, everything else goes through `text`.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, html::push_html};

/// A piece of a page.
#[derive(Default)]
pub struct Html(String);

impl Html {
    /// Markup of this program: it cannot be made at run time.
    pub fn raw(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Text of anybody, also within a quoted attribute.
    pub fn text(mut self, text: &str) -> Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    pub fn add(mut self, more: Self) -> Self {
        self.0.push_str(&more.0);
        self
    }

    pub fn all(pieces: impl IntoIterator<Item = Self>) -> Self {
        pieces.into_iter().fold(Self::default(), Self::add)
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// A comment's Markdown as GitHub would show it. `replaced` are the lines that a suggestion would replace.
pub fn markdown(text: &str, replaced: &[String]) -> Html {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut code: Option<(String, String)> = None;
    let mut links: Vec<bool> = Vec::new();
    let events = Parser::new_ext(text, options).filter_map(|event| match event {
        Event::Start(Tag::CodeBlock(kind)) => {
            let info = if let CodeBlockKind::Fenced(info) = kind { info.to_string() } else { String::new() };
            code = Some((info, String::new()));
            None
        }
        Event::Text(text) if code.is_some() => {
            code.as_mut()?.1.push_str(&text);
            None
        }
        Event::End(TagEnd::CodeBlock) => {
            let (info, text) = code.take()?;
            Some(Event::Html(block(&info, &text, replaced).into_string().into()))
        }
        // The page stands alone: a link leads to another place of it, or nowhere.
        Event::Start(Tag::Link { dest_url, .. }) => {
            let target = dest_url.split_once("#discussion_r").map(|(_, id)| id.to_owned());
            links.push(target.is_some());
            let link = Html::default().raw("<a href=\"#discussion_r").text(&target?).raw("\">");
            Some(Event::InlineHtml(link.into_string().into()))
        }
        Event::End(TagEnd::Link) => links.pop()?.then(|| Event::InlineHtml("</a>".into())),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Html(markup) => Some(Event::Html(harmless(&markup).into())),
        Event::InlineHtml(markup) => Some(Event::InlineHtml(harmless(&markup).into())),
        event => Some(event),
    });
    let mut html = String::new();
    push_html(&mut html, events);
    Html(html)
}

/// The markup that GitHub's users may write and Counterpoint writes; all other markup becomes text, and comments go.
fn harmless(markup: &str) -> String {
    const ALLOWED: [&str; 6] = ["<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"];
    let mut out = String::new();
    let mut rest = markup;
    while let Some(first) = rest.chars().next() {
        if let Some(tag) = ALLOWED.iter().find(|tag| rest.starts_with(**tag)) {
            out.push_str(tag);
            rest = rest.get(tag.len()..).unwrap_or_default();
        } else if rest.starts_with("<!--") {
            rest = rest.split_once("-->").map_or("", |(_, rest)| rest);
        } else {
            match first {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                // An ampersand stays: an entity is a character, and never markup.
                c => out.push(c),
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// A block of code: a suggestion as the change it would make, a diff in its colours.
fn block(info: &str, text: &str, replaced: &[String]) -> Html {
    match info {
        "suggestion" => suggestion(text, replaced),
        "diff" => {
            let lines = text.lines().map(|line| {
                let class = match line.as_bytes().first() {
                    Some(b'+') => "<span class=\"added\">",
                    Some(b'-') => "<span class=\"deleted\">",
                    _ => "<span>",
                };
                Html::default().raw(class).text(line).raw("\n</span>")
            });
            Html::default().raw("<pre><code>").add(Html::all(lines)).raw("</code></pre>\n")
        }
        _ => Html::default().raw("<pre><code>").text(text).raw("</code></pre>\n"),
    }
}

fn suggestion(text: &str, replaced: &[String]) -> Html {
    let proposed: Vec<&str> = text.lines().collect();
    let row = |open: &'static str, line: &str, other: Option<&str>| {
        Html::default().raw(open).add(marked(line, other)).raw("</td></tr>\n")
    };
    let one = |index: usize, lines: usize, other: usize| (lines == other).then_some(index);
    let old = replaced.iter().enumerate().map(|(index, line)| {
        let other = one(index, replaced.len(), proposed.len()).and_then(|index| proposed.get(index).copied());
        row("<tr class=\"deleted\"><td class=\"sign\">-</td><td class=\"code\">", line, other)
    });
    let new = proposed.iter().enumerate().map(|(index, line)| {
        let other = one(index, proposed.len(), replaced.len()).and_then(|index| replaced.get(index));
        row(
            "<tr class=\"added\"><td class=\"sign\">+</td><td class=\"code\">",
            line,
            other.map(String::as_str),
        )
    });
    Html::default()
        .raw("<div class=\"suggestion\"><p>Suggested change</p><table>\n")
        .add(Html::all(old))
        .add(Html::all(new))
        .raw("</table></div>\n")
}

/// A line with what differs from its counterpart marked, where enough is alike for that to help.
pub fn marked(line: &str, other: Option<&str>) -> Html {
    let Some(other) = other else { return Html::default().text(line) };
    let (a, b) = (tokens(line), tokens(other));
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = a.get(same..a.len() - tail).unwrap_or_default().concat();
    if middle.is_empty() || middle.len() * 3 > line.trim().len() * 2 {
        return Html::default().text(line);
    }
    Html::default()
        .text(&a.get(..same).unwrap_or_default().concat())
        .raw("<mark>")
        .text(&middle)
        .raw("</mark>")
        .text(&a.get(a.len() - tail..).unwrap_or_default().concat())
}

/// Words, runs of blanks, and every other character alone.
fn tokens(line: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut last = 0;
    for c in line.chars() {
        match tokens.last_mut() {
            Some(token) if kind(c) != 0 && kind(c) == last => token.push(c),
            _ => tokens.push(c.to_string()),
        }
        last = kind(c);
    }
    tokens
}
