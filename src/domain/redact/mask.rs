//! Secrets whose value is known, and text that no runner takes for a command.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// No key or token that protects anything is shorter. What is set in its place (`ollama`, `none`) stands in code, and hiding
/// it would tear answers up.
pub const SHORTEST_KEY: usize = 12;

/// Secrets whose value is known: the keys and tokens of this run.
#[derive(Clone, Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Takes the values, as [`Secrets::add`] does.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut secrets = Self::default();
        values.into_iter().for_each(|value| secrets.add(value));
        secrets
    }

    /// Takes one more. Under six characters it is left out, as masking it would tear up everything.
    pub fn add(&mut self, value: impl AsRef<str>) {
        let value = value.as_ref();
        // A key pasted with its line end, or of several lines, is printed in parts as well.
        for part in std::iter::once(value.trim()).chain(value.lines().map(str::trim)) {
            if part.chars().count() >= 6 {
                self.0.insert(part.to_owned());
            }
        }
    }

    /// The text with every known value replaced by `***`, values that overlap by one.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for value in &self.0 {
            let step = value.chars().next().map_or(1, char::len_utf8);
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(value.as_str())) {
                ranges.push(from + at..from + at + value.len());
                from += at + step;
            }
        }
        if ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        ranges.sort_by_key(|range| range.start);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut ranges = ranges.into_iter().peekable();
        while let Some(mut range) = ranges.next() {
            while let Some(more) = ranges.next_if(|more| more.start < range.end) {
                range.end = range.end.max(more.end);
            }
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str("***");
            at = range.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Cow::Owned(out)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} hidden)", self.0.len())
    }
}

/// Makes text harmless on the runner's output.
///
/// The runner reads `::command` at the start of a line (after blanks) and `##[command` anywhere. Both are broken
/// by a visible blank, `: :` and `## [`: the runner compares by culture, where invisible characters count for
/// nothing, so one of these between the signs would not stop it, and one in the input must not hide them.
/// Everything invisible except tab and line feed is therefore written out (`\u{1b}`); carriage returns go.
#[must_use]
pub fn log_line(input: &str) -> Cow<'_, str> {
    let plain = |c: char| matches!(c, '\n' | '\t') || !is_invisible(c);
    if input.chars().all(plain) && !input.contains("::") && !input.contains("##[") {
        return Cow::Borrowed(input);
    }
    let mut visible = String::with_capacity(input.len() + 16);
    for c in input.chars().filter(|&c| c != '\r') {
        if plain(c) { visible.push(c) } else { visible.extend(c.escape_unicode()) }
    }
    let mut out = String::with_capacity(visible.len() + 16);
    for (index, line) in visible.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&break_command(line));
    }
    Cow::Owned(out)
}

/// One line without anything that the runner takes for a command. The line holds nothing invisible.
#[must_use]
pub fn break_command(line: &str) -> Cow<'_, str> {
    let text = line.trim_start();
    let blanks = line.get(..line.len() - text.len()).unwrap_or_default();
    let line = match text.strip_prefix("::") {
        Some(rest) => Cow::Owned(format!("{blanks}: :{rest}")),
        None => Cow::Borrowed(line),
    };
    if line.contains("##[") { Cow::Owned(line.replace("##[", "## [")) } else { line }
}

/// Characters that show nothing and change how others are read: controls, zero-width and bidirectional marks,
/// fillers, variation selectors, tags. Line and paragraph separators as well; blanks, tab and line feed not.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
