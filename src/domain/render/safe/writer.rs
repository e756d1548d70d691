//! Markdown on its way out: counted, cut where it is full, emphasis and code spans closed.

use super::{DEEPEST_MARK, TEAR, code_line, fence_for};

/// A code span, not yet put together: it may have to be shortened.
pub(super) struct Span {
    fence: String,
    pad: &'static str,
    units: Vec<String>,
}

impl Span {
    /// Nothing if there is nothing to show.
    pub(super) fn new(text: &str, in_table: bool) -> Option<Self> {
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

    pub(super) fn whole(&self) -> String {
        [&self.fence, self.pad, &self.units.concat(), self.pad, &self.fence].concat()
    }

    /// As much of it as fits, without a mark that it was cut.
    pub(super) fn cut(mut self, max_chars: usize) -> Option<String> {
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
pub(super) struct Writer {
    pub(super) buffers: Vec<(&'static str, String)>,
    pub(super) left: usize,
    pub(super) full: bool,
}

impl Writer {
    /// `reserve` is kept for the mark of a cut.
    pub(super) fn new(max_chars: usize, reserve: usize) -> Self {
        Self { buffers: Vec::new(), left: max_chars.saturating_sub(reserve), full: max_chars < reserve }
    }

    pub(super) fn open(&mut self) {
        self.buffers.push(("", String::new()));
    }

    /// The finished line, unless nothing is on it. Open emphasis is closed.
    pub(super) fn close(&mut self) -> Option<String> {
        while self.buffers.len() > 1 {
            self.unmark();
        }
        let (_, line) = self.buffers.pop()?;
        let line = line.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// Whether nothing stands on the line yet.
    pub(super) fn is_blank(&self) -> bool {
        self.buffers.iter().all(|(_, buffer)| buffer.trim().is_empty())
    }

    pub(super) fn push(&mut self, text: &str) {
        if let Some((_, buffer)) = self.buffers.last_mut() {
            buffer.push_str(text);
        }
    }

    /// Takes room if there is enough.
    pub(super) fn charge_quietly(&mut self, chars: usize) -> bool {
        let left = self.left.checked_sub(chars).filter(|_| !self.full);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Takes room, or writes `…` once and takes nothing any more.
    pub(super) fn charge(&mut self, chars: usize) -> bool {
        let paid = self.charge_quietly(chars);
        if !paid && !self.full {
            self.full = true;
            self.push("…");
        }
        paid
    }

    pub(super) fn put(&mut self, unit: &str) {
        if self.charge(unit.chars().count()) {
            self.push(unit);
        }
    }

    pub(super) fn code(&mut self, text: &str, in_table: bool) {
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
    pub(super) fn mark(&mut self, marker: &'static str) -> bool {
        // One more for the zero-width space that `unmark` may need.
        if self.buffers.len() > DEEPEST_MARK || !self.charge(2 * marker.len() + 1) {
            return false;
        }
        self.buffers.push((marker, String::new()));
        true
    }

    pub(super) fn unmark(&mut self) {
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
