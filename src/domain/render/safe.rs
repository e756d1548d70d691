//! GitHub Markdown made of text nobody vouches for: what a model or a pull request wrote.
//!
//! Nothing is filtered out of the input's own Markdown. It is parsed, and a small set of constructs is written
//! anew, every character of prose in a form that can only mean itself. What GitHub recognises after rendering,
//! in the text itself (mentions, issue numbers, bare addresses, emoji codes, alerts, task boxes, formulas), is
//! torn by a zero-width space; invisible characters of the input are gone before, so that every one left is ours.

use std::collections::HashMap;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

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
    let mut blocks = Blocks::new(max_chars);
    for event in Parser::new_ext(&text, Options::empty()) {
        if blocks.out.full && blocks.leaf.is_none() {
            break;
        }
        blocks.event(event);
    }
    blocks.finish_leaf();
    blocks.text
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

/// A code span, not yet put together: it may have to be shortened.
struct Span {
    fence: String,
    pad: &'static str,
    units: Vec<String>,
}

impl Span {
    /// Nothing if there is nothing to show.
    fn new(text: &str, in_table: bool) -> Option<Self> {
        let line = code_line(&text.replace(['\n', '\t'], " "));
        let line = line.trim();
        if line.is_empty() {
            return None;
        }
        let fence = fence_for(std::iter::once(line), 1);
        let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
        let mut units = Vec::new();
        let mut before = ' ';
        for c in line.chars() {
            units.push(match c {
                // Behind a backslash GitHub would take `\\` for the pair and the pipe for the end of the cell.
                '|' if in_table && before == '\\' => format!("{TEAR}\\|"),
                '|' if in_table => "\\|".to_owned(),
                c => c.to_string(),
            });
            before = c;
        }
        Some(Self { fence, pad, units })
    }

    fn whole(&self) -> String {
        [&self.fence, self.pad, &self.units.concat(), self.pad, &self.fence].concat()
    }

    /// As much of it as fits, without a mark that it was cut.
    fn cut(mut self, max_chars: usize) -> Option<String> {
        let around = 2 * (self.fence.len() + 1);
        let mut room = max_chars.checked_sub(around)?;
        let fits = self.units.iter().take_while(|unit| {
            let len = unit.chars().count();
            let fits = len <= room;
            room = room.saturating_sub(len);
            fits
        });
        self.units.truncate(fits.count());
        // Cut off within a run of backticks, the code ends in one.
        self.pad = " ";
        (!self.units.is_empty()).then(|| self.whole())
    }
}

/// Counts what is written and stops when it is full. Buffers are stacked: each emphasis opens one, so that it
/// can be trimmed, or dropped when nothing is in it. What closes an emphasis is paid for when it opens.
struct Writer {
    buffers: Vec<(&'static str, String)>,
    left: usize,
    full: bool,
}

impl Writer {
    /// `reserve` is kept for the mark of a cut.
    fn new(max_chars: usize, reserve: usize) -> Self {
        Self { buffers: Vec::new(), left: max_chars.saturating_sub(reserve), full: max_chars < reserve }
    }

    fn open(&mut self) {
        self.buffers.push(("", String::new()));
    }

    /// The finished line, unless nothing is on it. Open emphasis is closed.
    fn close(&mut self) -> Option<String> {
        while self.buffers.len() > 1 {
            self.unmark();
        }
        let (_, line) = self.buffers.pop()?;
        let line = line.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// Whether nothing stands on the line yet.
    fn is_blank(&self) -> bool {
        self.buffers.iter().all(|(_, buffer)| buffer.trim().is_empty())
    }

    fn push(&mut self, text: &str) {
        if let Some((_, buffer)) = self.buffers.last_mut() {
            buffer.push_str(text);
        }
    }

    /// Takes room if there is enough.
    fn charge_quietly(&mut self, chars: usize) -> bool {
        let left = self.left.checked_sub(chars).filter(|_| !self.full);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Takes room, or writes `…` once and takes nothing any more.
    fn charge(&mut self, chars: usize) -> bool {
        let paid = self.charge_quietly(chars);
        if !paid && !self.full {
            self.full = true;
            self.push("…");
        }
        paid
    }

    fn put(&mut self, unit: &str) {
        if self.charge(unit.chars().count()) {
            self.push(unit);
        }
    }

    fn code(&mut self, text: &str, in_table: bool) {
        let Some(span) = Span::new(text, in_table) else {
            // What stands around nothing must not become one word: `#` and `1`.
            if !self.is_blank() {
                self.put(TEAR);
            }
            return;
        };
        if self.full {
            return;
        }
        // A backtick just before would lengthen the fence.
        if self.buffers.last().is_some_and(|(_, buffer)| buffer.ends_with('`')) {
            self.put(TEAR);
        }
        let whole = span.whole();
        if whole.chars().count() <= self.left {
            self.put(&whole);
        } else {
            if let Some(cut) = span.cut(self.left) {
                self.put(&cut);
            }
            self.charge(usize::MAX);
        }
    }

    /// Opens an emphasis; whether there was room and depth for it.
    fn mark(&mut self, marker: &'static str) -> bool {
        // One more for the zero-width space that `unmark` may need.
        if self.buffers.len() > DEEPEST_MARK || !self.charge(2 * marker.len() + 1) {
            return false;
        }
        self.buffers.push((marker, String::new()));
        true
    }

    fn unmark(&mut self) {
        let Some((marker, inner)) = self.buffers.pop() else { return };
        let Some((_, outer)) = self.buffers.last_mut() else { return };
        let text = inner.trim();
        if inner.starts_with(' ') {
            outer.push(' ');
        }
        if !text.is_empty() {
            if outer.ends_with('*') {
                outer.push_str(TEAR);
            }
            outer.extend([marker, text, marker]);
        }
        if inner.ends_with(' ') && !text.is_empty() {
            outer.push(' ');
        }
        // As in `code`.
        if text.is_empty() && !outer.trim().is_empty() {
            outer.push_str(TEAR);
        }
    }
}

/// A container that text stands in.
struct Container {
    kind: ContainerKind,
    /// Whether a block was written in it already.
    used: bool,
}

enum ContainerKind {
    Quote,
    /// The next number, or none for bullets.
    List(Option<u64>),
    /// What stands before its first block.
    Item(String),
}

/// The document being written.
struct Blocks {
    text: String,
    containers: Vec<Container>,
    /// For each container of the input, whether it is one of the output.
    shown: Vec<bool>,
    out: Writer,
    /// What stands before the paragraph being written; none between paragraphs.
    leaf: Option<String>,
    /// Text not yet escaped: neighbours must be seen together.
    pending: String,
    /// For each emphasis of the input, whether it is one of the output.
    marks: Vec<bool>,
    in_heading: bool,
    /// The language and the text of the code block being read.
    code: Option<(String, String)>,
}

impl Blocks {
    fn new(max_chars: usize) -> Self {
        Self {
            text: String::new(),
            containers: Vec::new(),
            shown: Vec::new(),
            // A mark of a cut may need a paragraph of its own.
            out: Writer::new(max_chars, 3),
            leaf: None,
            pending: String::new(),
            marks: Vec::new(),
            in_heading: false,
            code: None,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.pending.push_str(&text),
            },
            Event::Code(text) => {
                self.flush();
                self.begin_leaf();
                self.out.code(&text, false);
            }
            Event::SoftBreak | Event::HardBreak => self.pending.push(' '),
            // Rules are dropped; the other events belong to extensions that are off.
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.finish_leaf();
                self.begin_leaf();
                self.in_heading = true;
                let shown = self.out.mark("**");
                self.marks.push(shown);
            }
            Tag::Emphasis => self.mark("*"),
            Tag::Strong => self.mark("**"),
            Tag::CodeBlock(kind) => {
                self.finish_leaf();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info_string(&info),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((info, String::new()));
            }
            Tag::BlockQuote(_) => {
                self.finish_leaf();
                self.contain(|kind| matches!(kind, ContainerKind::Quote), ContainerKind::Quote);
            }
            Tag::List(number) => {
                self.finish_leaf();
                self.contain(|kind| matches!(kind, ContainerKind::List(_)), ContainerKind::List(number));
            }
            Tag::Item => {
                self.finish_leaf();
                self.item();
            }
            // Links and images leave their text, which joins its neighbours.
            Tag::Link { .. } | Tag::Image { .. } => {}
            _ => self.finish_leaf(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong => self.unmark(),
            TagEnd::Heading(_) => {
                self.unmark();
                self.in_heading = false;
                self.finish_leaf();
            }
            TagEnd::CodeBlock => {
                if let Some((info, code)) = self.code.take() {
                    self.code_block(&info, &code);
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => {
                self.finish_leaf();
                if self.shown.pop() == Some(true) {
                    self.containers.pop();
                }
            }
            TagEnd::Link | TagEnd::Image => {}
            _ => self.finish_leaf(),
        }
    }

    fn contain(&mut self, same: fn(&ContainerKind) -> bool, kind: ContainerKind) {
        let depth = self.containers.iter().filter(|container| same(&container.kind)).count();
        let shown = depth < DEEPEST;
        self.shown.push(shown);
        if shown {
            self.containers.push(Container { kind, used: false });
        }
    }

    fn item(&mut self) {
        // In a list that lies too deep, the item follows as the next one of the deepest list shown.
        let list_shown = self.shown.last() == Some(&true);
        self.shown.push(list_shown);
        let in_item = self.containers.last().is_some_and(|c| matches!(c.kind, ContainerKind::Item(_)));
        if !list_shown {
            if !in_item {
                return;
            }
            self.containers.pop();
        }
        let marker = self.next_marker();
        self.containers.push(Container { kind: ContainerKind::Item(marker), used: false });
    }

    fn next_marker(&mut self) -> String {
        let list = self.containers.iter_mut().rev().find_map(|container| match &mut container.kind {
            ContainerKind::List(number) => Some(number),
            _ => None,
        });
        match list {
            Some(Some(number)) => {
                let marker = format!("{}. ", (*number).min(999_999_999));
                *number = number.saturating_add(1);
                marker
            }
            _ => "- ".to_owned(),
        }
    }

    fn mark(&mut self, marker: &'static str) {
        // Deep in emphasis nothing is flushed either: text around a dropped marker stays together.
        let wanted = !(self.in_heading && marker == "**") && self.out.buffers.len() <= DEEPEST_MARK;
        if wanted {
            self.flush();
            self.begin_leaf();
        }
        let shown = wanted && self.out.mark(marker);
        self.marks.push(shown);
    }

    fn unmark(&mut self) {
        if self.marks.pop() == Some(true) {
            self.flush();
            self.out.unmark();
        }
    }

    /// Escapes and writes the text collected so far.
    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() || (self.leaf.is_none() && pending.trim().is_empty()) {
            return;
        }
        self.begin_leaf();
        let mut text = String::with_capacity(pending.len());
        for c in pending.chars() {
            let c = if c.is_whitespace() { ' ' } else { c };
            if !(c == ' ' && text.ends_with(' ')) {
                text.push(c);
            }
        }
        write_prose(&text, &mut self.out);
    }

    /// Pays for what stands before the next block, unless one is open.
    fn begin_leaf(&mut self) {
        if self.leaf.is_some() {
            return;
        }
        let lead = self.lead();
        self.out.open();
        if self.out.charge(lead.chars().count()) {
            self.leaf = Some(lead);
        } else {
            // `…` was written: on its own, as what went before may be a closing fence.
            self.leaf = Some(if self.text.is_empty() { String::new() } else { "\n\n".to_owned() });
        }
    }

    fn finish_leaf(&mut self) {
        self.flush();
        let Some(lead) = self.leaf.take() else { return };
        self.marks.iter_mut().for_each(|shown| *shown = false);
        if let Some(line) = self.out.close() {
            self.text.extend([lead, line]);
            self.containers.iter_mut().for_each(|container| container.used = true);
        }
    }

    fn code_block(&mut self, info: &str, code: &str) {
        if self.out.full {
            return;
        }
        let lines = code_lines(code.strip_suffix('\n').unwrap_or(code));
        let fence = fence_for(lines.iter().map(String::as_str), 3);
        let lead = self.lead();
        let indent: String = self.containers.iter().map(Container::indent).collect();
        // Both fences and, in case of a cut, the start of its line.
        let room = lead.len() + info.len() + 2 * (fence.len() + indent.len() + 1);
        self.out.open();
        if !self.out.charge(room) {
            // As in `begin_leaf`.
            self.leaf = Some(if self.text.is_empty() { String::new() } else { "\n\n".to_owned() });
            self.finish_leaf();
            return;
        }
        self.text.extend([&lead, &fence, info]);
        self.containers.iter_mut().for_each(|container| container.used = true);
        for line in lines {
            self.text.push('\n');
            self.text.push_str(if line.is_empty() { indent.trim_end() } else { &indent });
            let len = line.chars().count();
            if self.out.charge_quietly(len + indent.len() + 1) {
                self.text.push_str(&line);
                continue;
            }
            self.text.extend(line.chars().take(self.out.left));
            self.text.push('…');
            self.out.full = true;
            break;
        }
        self.text.extend(["\n", &indent, &fence]);
        self.out.buffers.clear();
    }

    /// What stands between the block before and the next one's first character.
    fn lead(&self) -> String {
        let fresh = self.containers.iter().position(|container| !container.used);
        let (open, new) =
            self.containers.split_at_checked(fresh.unwrap_or(self.containers.len())).unwrap_or_default();
        let indent: String = open.iter().map(Container::indent).collect();
        let mut lead = String::new();
        if !self.text.is_empty() {
            let tight = match new.first().map(|container| &container.kind) {
                Some(ContainerKind::Item(_)) => true,
                // A list that starts at another number cannot interrupt the item's paragraph.
                Some(ContainerKind::List(number)) => {
                    matches!(open.last().map(|c| &c.kind), Some(ContainerKind::Item(_)))
                        && number.is_none_or(|next| next == 2)
                }
                _ => false,
            };
            lead.push('\n');
            if !tight {
                lead.push_str(indent.trim_end());
                lead.push('\n');
            }
            lead.push_str(&indent);
        }
        lead.extend(new.iter().map(|container| match &container.kind {
            ContainerKind::Quote => "> ",
            ContainerKind::List(_) => "",
            ContainerKind::Item(marker) => marker,
        }));
        lead
    }
}

impl Container {
    /// What stands before each further line in it.
    fn indent(&self) -> String {
        match &self.kind {
            ContainerKind::Quote => "> ".to_owned(),
            ContainerKind::List(_) => String::new(),
            ContainerKind::Item(marker) => " ".repeat(marker.len()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;
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
            prop_assert!(prose.trim().is_empty(), "{:?}", prose);

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
