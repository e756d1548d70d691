//! What follows the prompt where a model uses tools, whatever the wire.

use serde_json::Value;

use crate::domain::tools::Answer;

/// A conversation in which the model may use tools. The tools are the same in all of its turns.
#[derive(Clone, Copy, Debug)]
pub struct Talk<'a> {
    /// What was said after the prompt.
    pub turns: &'a [Turn],
    /// Whether the model may call tools again; else it has to answer.
    pub open: bool,
    /// What is said after all turns; may be empty.
    pub closing: &'a str,
}

/// Calls of a model and what it was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What the model said, in the shape of its wire: it is given back unchanged.
    pub said: Value,
    /// For each call its id and its answer.
    pub answers: Vec<(String, Answer)>,
}
