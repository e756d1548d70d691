//! Which of the changed files are read.

use crate::domain::config::{Settings, Strategy};
use crate::domain::diff::{FileDiff, NoLines};
use crate::domain::outcome::{ExitCode, Reason, Stop};
use crate::domain::plan::{Coverage, LeftOut};
use crate::domain::snapshot::Snapshot;
use crate::domain::triage;

/// What is to be read.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The riskiest files first, neighbours together.
    pub files: Vec<&'a FileDiff>,
    /// What is left out from the start.
    pub left_out: Coverage,
}

/// Decides what is to be read.
///
/// # Errors
/// How the run ends when that is nothing.
pub fn select<'a>(settings: &Settings, snapshot: &'a Snapshot) -> Result<Selection<'a>, Stop> {
    let mut coverage = Coverage { unlisted: snapshot.unlisted, ..Coverage::default() };
    let mut files = Vec::new();
    for file in &snapshot.diff.files {
        let left_out = |why: &str| LeftOut { path: file.path.clone(), why: why.to_owned() };
        if let Some(why) = triage::left_out(file, settings, &snapshot.attributes) {
            coverage.excluded.push(left_out(why.as_str()));
            continue;
        }
        match file.no_lines {
            None if file.hides_a_half() && !triage::is_binary_by_name(&file.path) => {
                coverage.unread.push(left_out("it became another kind of file, and half of it is not shown"));
            }
            None => files.push((triage::risk(&file.path, &settings.high_stakes), file)),
            Some(NoLines::Binary) => coverage.excluded.push(left_out("binary")),
            Some(NoLines::NothingToRead) => coverage.excluded.push(left_out("no line changed")),
            Some(NoLines::CalledBinary) => coverage.unread.push(left_out("called binary, and not read")),
            Some(NoLines::Withheld) => coverage.unread.push(left_out("GitHub withholds its diff")),
            Some(NoLines::TooLarge) => {
                coverage
                    .unread
                    .push(left_out("GitHub withholds its diff, and it is too large to be compared"));
            }
            Some(NoLines::Unfetched) => {
                coverage
                    .unread
                    .push(left_out("GitHub withholds its diff, and its content could not be fetched"));
            }
            Some(NoLines::Unreadable) => coverage.unread.push(left_out("its diff cannot be read")),
        }
    }
    files.sort_by(|(risk, file), (other, next)| (risk, &file.path).cmp(&(other, &next.path)));
    if files.is_empty() {
        return Err(nothing_to_review(&coverage));
    }
    Ok(Selection { files: files.into_iter().map(|(_, file)| file).collect(), left_out: coverage })
}

fn nothing_to_review(coverage: &Coverage) -> Stop {
    if !coverage.is_whole() {
        let what = "Nothing could be read: the diff of every file that counts is withheld or cannot be read.";
        let advice = "Review it by hand, or split the pull request.";
        return Stop::fail(Reason::FilesUnread, ExitCode::NoReview, what, advice);
    }
    let what = if coverage.excluded.is_empty() {
        "The pull request changes nothing."
    } else {
        "Nothing is left to review: every changed file is generated, vendored, binary, unchanged in content, or \
         excluded."
    };
    Stop::skip(Reason::NothingToReview, what, "")
}

impl Selection<'_> {
    /// The strategy of a run: one lane for documentation only, where the choice is free.
    pub(super) fn strategy(&self, settings: &Settings) -> Strategy {
        let plain = |file: &&FileDiff| {
            triage::strategy(&file.path, settings) == Strategy::Auto
                && triage::is_documentation(&file.path, settings)
        };
        if settings.strategy == Strategy::Auto && self.files.iter().all(plain) {
            return Strategy::Single;
        }
        // One lane alone is planned only where no rule asks for more.
        let more = self.files.iter().map(|file| triage::strategy(&file.path, settings));
        more.into_iter().find(|strategy| *strategy != Strategy::Single).map_or(settings.strategy, |more| {
            if settings.strategy == Strategy::Single { more } else { settings.strategy }
        })
    }
}
