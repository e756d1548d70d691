//! Server-sent events, as far as model providers use them (WHATWG HTML, 9.2.6).

/// One event: its name (empty when the server gave none) and its data, lines joined by `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The field `event`.
    pub name: String,
    /// The fields `data`.
    pub data: String,
}

/// Takes a stream in pieces of any size and gives the events that are complete.
#[derive(Debug, Default)]
pub struct Parser {
    /// The line that has begun.
    line: Vec<u8>,
    /// A carriage return ended the last line: a line feed that follows belongs to it.
    after_return: bool,
    /// The event that has begun.
    event: Event,
    /// Whether the event has data; an empty `data:` is data.
    has_data: bool,
    /// A byte order mark is allowed before the first line.
    begun: bool,
}

impl Parser {
    /// The events that `bytes` completes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut complete = Vec::new();
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => complete.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        complete
    }

    /// What is left when the stream ends. The standard drops an event without its closing blank line; a provider's
    /// last event is worth more than that, and one that was cut is no JSON and falls away with its reader.
    pub fn finish(mut self) -> Option<Event> {
        let last = self.end_line();
        last.or_else(|| self.take_event())
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&bytes).into_owned();
        if !std::mem::replace(&mut self.begun, true)
            && let Some(rest) = line.strip_prefix('\u{feff}')
        {
            line = rest.to_owned();
        }
        if line.is_empty() {
            return self.take_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            // Comments have an empty field name; `id` and `retry` are for clients that reconnect.
            _ => {}
        }
        None
    }

    fn take_event(&mut self) -> Option<Event> {
        let event = std::mem::take(&mut self.event);
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(chunks: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut all: Vec<Event> = chunks.iter().flat_map(|chunk| parser.push(chunk)).collect();
        all.extend(parser.finish());
        all
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned() }
    }

    const STREAM: &[u8] = "\u{feff}: hello\r\nevent: a\r\ndata: one\r\ndata:two\r\n\r\nid: 7\nretry: 3\n\n\
        event: ping\n\ndata\n\nevent: b\rdata:  é\r\rdata: last"
        .as_bytes();

    #[test]
    fn every_line_end_comments_and_data_of_many_lines_are_read() {
        let read = events(&[STREAM]);
        assert_eq!(read, [event("a", "one\ntwo"), event("", ""), event("b", " é"), event("", "last")]);
    }

    #[test]
    fn a_stream_chopped_at_any_byte_gives_the_same_events() {
        let whole = events(&[STREAM]);
        for at in 0..=STREAM.len() {
            let (head, tail) = STREAM.split_at(at);
            assert_eq!(events(&[head, tail]), whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(events(&single), whole);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_events(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..80),
            piece in 1_usize..9,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
            prop_assert_eq!(events(&pieces), events(&[&bytes]));
        }
    }
}
