//! Fields of a finding as other tools write them: each may be absent, null or empty, and what is there must be
//! of its kind.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde_json::{Map, Value};

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The place: `7:3` in text, `findings[2].line` in JSON, `line 7, item.text` in lines of JSON; empty where the whole
    /// file is meant.
    place: String,
    what: String,
}

impl Wrong {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    /// That something else was expected than what stands there.
    fn expected(place: String, kind: &str, got: &Value) -> Self {
        Self { place, what: format!("expected {kind}, got {}", shown(got)) }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.trim_end_matches(", ") {
            "" => f.write_str(&self.what),
            place => write!(f, "{place}: {}", self.what),
        }
    }
}

/// A place within a place: `findings[0]` and `title` are `findings[0].title`.
pub(super) fn joined(outer: &str, inner: &str) -> String {
    if outer.is_empty() || outer.ends_with(", ") || inner.starts_with('[') {
        return format!("{outer}{inner}");
    }
    format!("{outer}.{inner}")
}

/// A line of what stands at a place, which another place can follow.
pub(super) fn at_line(outer: &str, number: usize) -> String {
    let outer = outer.trim_end_matches(", ");
    if outer.is_empty() { format!("line {number}, ") } else { format!("{outer}, line {number}, ") }
}

/// A value in a few words for an error message.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => format!("\"{}\"", beginning(text, 40)),
        other => other.to_string(),
    }
}

/// At most so many characters of a text, on one line.
pub(super) fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An object, and where it stands.
pub(super) struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    place: String,
}

impl<'a> Fields<'a> {
    /// The fields of an object.
    pub(super) const fn new(object: &'a Map<String, Value>, place: String) -> Self {
        Self { object: Some(object), place }
    }

    /// The fields of a value that has to be an object.
    pub(super) fn of(value: &'a Value, place: String) -> Result<Self, Wrong> {
        match value {
            Value::Object(object) => Ok(Self::new(object, place)),
            other => Err(Wrong::expected(place, "an object", other)),
        }
    }

    /// What is wrong with the object itself.
    pub(super) fn wrong(&self, what: &str) -> Wrong {
        Wrong::new(self.place.clone(), what)
    }

    fn get(&self, name: &str) -> &'a Value {
        self.object.and_then(|object| object.get(name)).unwrap_or(&Value::Null)
    }

    /// The fields of the object in a field; null has none.
    pub(super) fn inside(&self, name: &str) -> Result<Self, Wrong> {
        let place = joined(&self.place, name);
        match self.get(name) {
            Value::Null => Ok(Self { object: None, place }),
            value => Self::of(value, place),
        }
    }

    /// Text, or a number as text.
    pub(super) fn text(&self, name: &str) -> Result<String, Wrong> {
        match self.get(name) {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(Wrong::expected(joined(&self.place, name), "text", other)),
        }
    }

    /// A line number, also in quotes. Zero and less are none.
    pub(super) fn line(&self, name: &str) -> Result<Option<u32>, Wrong> {
        let value = self.get(name);
        let number = match value {
            Value::Null => return Ok(None),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            // What no line number can hold is none, as zero is.
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Some(number.as_i64().unwrap_or_default())
            }
            _ => None,
        };
        let number =
            number.ok_or_else(|| Wrong::expected(joined(&self.place, name), "a line number", value))?;
        Ok(u32::try_from(number).ok().filter(|line| *line > 0))
    }

    /// First and last line. One known line stands for both; lines in the wrong order are turned.
    pub(super) fn lines(&self, start: &str, end: &str) -> Result<Option<(u32, u32)>, Wrong> {
        let (start, end) = (self.line(start)?, self.line(end)?);
        Ok(ordered(start.or(end), end.or(start)))
    }

    /// A word of a closed list. Another tool's word is unknown, not an error.
    pub(super) fn word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Wrong> {
        Ok(word(&self.text(name)?))
    }
}

/// Two ends of a range in the right order, if both are known.
pub(super) fn ordered(start: Option<u32>, end: Option<u32>) -> Option<(u32, u32)> {
    start.zip(end).map(|(start, end)| (start.min(end), start.max(end)))
}

/// A word of a closed list, if the text is one.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    let lower = text.trim().to_ascii_lowercase();
    let word: StrDeserializer<'_, serde::de::value::Error> = lower.as_str().into_deserializer();
    T::deserialize(word).ok()
}
