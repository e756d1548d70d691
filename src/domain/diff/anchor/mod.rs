//! From a claim to a place: a comment stands only where its quote does.

mod index;
mod quote;
mod search;
mod similar;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::index::Index;
use self::quote::{Quote, Reading};
use self::search::Search;
use super::gutter::visible;
use super::{Around, Diff, FileDiff};
use crate::domain::finding::{Anchor, Placement, Resolution, Side, Unanchored};

/// Where a lane says that something stands, and the code it quotes from there. All of it is untrusted.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The file, as the lane spelled it.
    pub path: &'a str,
    /// The version of the file that the lines count in.
    pub side: Side,
    /// First line; 0 when unknown.
    pub line_start: u32,
    /// Last line.
    pub line_end: u32,
    /// Whole lines of code.
    pub quote: &'a str,
}

/// Finds the places of claims in one diff. It remembers what it learnt of a file, so one is made for all
/// the claims of a reply.
#[derive(Debug)]
pub struct Resolver<'a> {
    diff: &'a Diff,
    around: Option<&'a Around>,
    indexes: BTreeMap<&'a str, Index<'a>>,
    /// What may still be spent on places that are almost what was quoted.
    effort: usize,
}

impl<'a> Resolver<'a> {
    /// For the claims about one diff.
    #[must_use]
    pub const fn new(diff: &'a Diff) -> Self {
        Self { diff, around: None, indexes: BTreeMap::new(), effort: similar::EFFORT }
    }

    /// Knows what was shown around the hunks: a quote from there is no slip in quoting the change.
    #[must_use]
    pub fn knowing(self, around: &'a Around) -> Self {
        Self { around: Some(around), ..self }
    }

    /// Finds the place that a claim's quote proves, the nearest to the claimed line if there are several.
    ///
    /// The quote decides, the claimed line only chooses: first byte for byte, then with white space
    /// normalised, each on the claimed side, on the other, and over deleted and added lines as they stand
    /// in the diff; then as the end of one hunk and the start of a later one; last the one place near the
    /// claimed line that is almost what was quoted.
    pub fn resolve(&mut self, claim: &Claim<'_>) -> Placement {
        match self.place(claim) {
            Ok(anchor) => Placement::Anchored(anchor),
            Err(why) => Placement::Unanchored { why },
        }
    }

    fn place(&mut self, claim: &Claim<'_>) -> Result<Anchor, Unanchored> {
        if claim.path.trim().is_empty() {
            return Err(Unanchored::NoPath);
        }
        let file = named_file(self.diff, claim.path).ok_or(Unanchored::FileNotInDiff)?;
        if file.hunks.is_empty() {
            return Err(Unanchored::NoHunks);
        }
        if claim.quote.trim().is_empty() {
            return Err(Unanchored::NoQuote);
        }
        let index = self.indexes.entry(&file.path).or_insert_with(|| Index::of(file));
        let around = self.around.and_then(|around| around.get(&file.path)).map_or(&[][..], Vec::as_slice);
        let code = [Reading::WithGutter, Reading::AsIs]
            .into_iter()
            .find_map(|reading| Quote::read(claim.quote, reading));
        // What stands around the change, under its own number, is meant even if the change says the same.
        let from_around = claim.side == Side::New
            && code.as_ref().is_some_and(|code| code.begins(around, claim.line_start));
        let readings = [Reading::AsIs, Reading::WithGutter, Reading::WithSigns];
        let mut why = Unanchored::QuoteNotFound;
        for reading in readings.into_iter().filter(|_| !from_around) {
            let Some(quote) = Quote::read(claim.quote, reading) else { continue };
            match Search::new(index, claim, &quote).run() {
                Ok(anchor) => return Ok(anchor),
                Err(Unanchored::QuoteTooShort) => why = Unanchored::QuoteTooShort,
                Err(_) => {}
            }
        }
        let Some(mut code) = code else { return Err(why) };
        if !code.leave(around) {
            return Search::new(index, claim, &code).approximate(&mut self.effort).ok_or(why);
        }
        let inside = (!code.lines.is_empty()).then(|| Search::new(index, claim, &code).run().ok()).flatten();
        inside.map(|anchor| Anchor { how: Resolution::Collapsed, ..anchor }).ok_or(Unanchored::Unchanged)
    }
}

/// The file that a lane means: as the diff spells it, or with what models like to put around that.
#[must_use]
pub fn named_file<'a>(diff: &'a Diff, path: &str) -> Option<&'a FileDiff> {
    let shown = |path: &str| diff.files.iter().find(|file| visible(file.path.as_bytes()) == path);
    spelled(path, |path| diff.file(path), |path| suffix_of(diff, path).or_else(|| shown(path)))
}

/// What a lane means by a path: what has it, or has it without what models like to put before it, or else what
/// `ending` finds at the end of it.
pub fn spelled<T>(
    path: &str,
    having: impl Fn(&str) -> Option<T>,
    ending: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    if let Some(found) = having(path) {
        return Some(found);
    }
    let slashes = path.trim().replace('\\', "/");
    let mut path = slashes.as_str();
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    let unprefixed = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/"));
    having(path).or_else(|| having(unprefixed?)).or_else(|| ending(path))
}

/// Whether a path is `name` inside of some folder, as an absolute one is.
#[must_use]
pub fn ends_with(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'))
}

/// The file whose whole path ends the given one. Of two such, the longer is meant: the shorter one
/// would need the checkout to lie in a directory that is called like one of the repository's.
fn suffix_of<'a>(diff: &'a Diff, path: &str) -> Option<&'a FileDiff> {
    let by = |name: fn(&FileDiff) -> Option<&str>| {
        diff.files
            .iter()
            .filter_map(|file| Some((name(file).filter(|name| ends_with(path, name))?.len(), file)))
            .max_by_key(|(length, _)| *length)
    };
    by(|file| Some(&file.path)).or_else(|| by(|file| file.old_path.as_deref())).map(|(_, file)| file)
}
