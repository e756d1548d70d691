//! Chat Completions: what is sent, and how an answer reads.

use serde_json::{Value, json};

use super::{Assemble, Parsed, Reading, Request, sse};

/// The body of `POST /chat/completions`.
pub(super) fn body(request: &Request<'_>) -> Value {
    json!({"model": request.model})
}

/// Reads a complete message.
pub(super) fn read(_message: &Value) -> Reading {
    Reading { parsed: Parsed::Odd("not a chat completion".to_owned()), usage: None }
}

/// Puts a streamed message together.
#[derive(Debug, Default)]
pub(super) struct Stream;

impl Assemble for Stream {
    fn event(&mut self, _event: &sse::Event) -> Option<Value> {
        None
    }

    fn written(&self) -> usize {
        0
    }
}
