//! Lines of a file that stand around its hunks and are shown to explain them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::visible;

/// What number and sign of a line take, in bytes, about.
const GUTTER: usize = 8;

/// The bytes that a line takes when it is shown, about.
pub(in crate::domain) fn cost(text: &[u8]) -> usize {
    visible(text).len() + GUTTER
}

/// What stands around the hunks, by path.
pub type Around = BTreeMap<String, Vec<Surrounding>>;

/// Which side of a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Above its first line.
    Before,
    /// Below its last line.
    After,
}

/// Lines outside all hunks that are shown beside one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surrounding {
    /// The index of the hunk in its file.
    pub hunk: usize,
    /// On which side of it they stand.
    pub beside: Beside,
    /// New line number and text, secrets replaced, in the order of the file. Numbers that do not follow each
    /// other tell of lines left out.
    pub lines: Vec<(u32, Bytes)>,
}

impl Surrounding {
    /// How many bytes it takes when it is shown, about.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.lines.iter().map(|(_, text)| cost(text)).sum()
    }
}
