//! A document written anew from the events of a parser: paragraphs, lists, quotes, code, nothing else.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::writer::Writer;
use super::{DEEPEST, DEEPEST_MARK, code_lines, fence_for, info_string, write_prose};

/// A container that text stands in.
pub(super) struct Container {
    kind: ContainerKind,
    /// Whether a block was written in it already.
    used: bool,
}

pub(super) enum ContainerKind {
    Quote,
    /// The next number, or none for bullets.
    List(Option<u64>),
    /// What stands before its first block.
    Item(String),
}

/// The document being written.
pub(super) struct Blocks {
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
    /// The whole document, at most `max_chars` characters.
    pub(super) fn read(text: &str, max_chars: usize) -> String {
        let mut blocks = Self::new(max_chars);
        for event in Parser::new_ext(text, Options::empty()) {
            if blocks.out.full && blocks.leaf.is_none() {
                break;
            }
            blocks.event(event);
        }
        blocks.finish_leaf();
        blocks.text
    }

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
