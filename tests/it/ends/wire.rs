//! What the vendors' servers send: the files in `wire/`, which `.ci/sdk` holds against the types of the vendors' SDKs.
//!
//! In them `@TEXT@` stands for the whole text of an answer, an event with `@PIECE@` for one event for each piece of it, and
//! `@NUMBER@` for the number of the event.

use serde_json::Value;

use super::server::{Borders, Played, Then};

/// What a request looks like, and so does its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Messages,
    Responses,
    Chat,
}

impl Wire {
    pub const ALL: [Self; 3] = [Self::Messages, Self::Responses, Self::Chat];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Responses => "responses",
            Self::Chat => "chat",
        }
    }
}

/// How an answer comes. A client has to read both, whatever it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    Streamed,
}

fn file(wire: Wire, name: &str) -> String {
    let path = format!("{}/tests/it/ends/wire/{}/{name}", env!("CARGO_MANIFEST_DIR"), wire.name());
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A text as it stands inside a JSON string.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// An answer that is whole: `done`, `truncated`, `refused` and the like, with this text.
pub fn answer(wire: Wire, form: Form, name: &str, text: &str) -> Played {
    match form {
        Form::Plain => {
            let body = file(wire, &format!("{name}.json")).replace("@TEXT@", &escaped(text));
            plain(200, "application/json", &[], body.trim_end())
        }
        Form::Streamed => streamed(&events(&file(wire, &format!("{name}.sse")), text)),
    }
}

/// The names and errors of the wire's `errors.json`.
pub fn errors(wire: Wire) -> serde_json::Map<String, Value> {
    serde_json::from_str(&file(wire, "errors.json")).unwrap()
}

/// An error of the wire's `errors.json`.
pub fn error(wire: Wire, name: &str) -> Played {
    rejection(&errors(wire)[name])
}

/// An answer as `errors.json` describes it.
pub fn rejection(error: &Value) -> Played {
    let headers = error["headers"].as_object().unwrap().iter();
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let status = u16::try_from(error["status"].as_u64().unwrap()).unwrap();
    plain(status, "application/json", &headers, &error["body"].to_string())
}

/// Any answer of a known length.
pub fn plain(status: u16, kind: &str, headers: &[(String, String)], body: &str) -> Played {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let bytes = format!(
        "HTTP/1.1 {status} As Scripted\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{more}connection: close\r\n\r\n{body}"
    );
    Played { bytes: bytes.into_bytes(), then: Then::Close }
}

/// A stream of events in HTTP chunks, whose borders have nothing to do with those of the events.
fn streamed(events: &str) -> Played {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\
                connection: close\r\n\r\n";
    let mut bytes = head.as_bytes().to_vec();
    for chunk in Borders::new(events.len() as u64).split(events.as_bytes()) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    Played { bytes, then: Then::Close }
}

fn events(template: &str, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> =
        letters.chunks((letters.len() / 7).max(1)).map(|piece| piece.iter().collect()).collect();
    let mut number = 0;
    let mut all = String::new();
    for event in template.split_inclusive("\n\n") {
        let repeated = if event.contains("@PIECE@") { pieces.as_slice() } else { &[String::new()] };
        for piece in repeated {
            let event = event.replace("@PIECE@", &escaped(piece)).replace("@TEXT@", &escaped(text));
            all.push_str(&event.replace("@NUMBER@", &number.to_string()));
            number += 1;
        }
    }
    all
}
