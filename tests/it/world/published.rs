//! What people get to see on a pull request, as data and as a transcript.

use std::fmt::{self, Display, Formatter};

use super::shapes::is_outdated;
use super::state::{CheckRun, IssueComment, Place, Review, ReviewComment, State, Subject, User};

/// Everything the token's identity left on one pull request, oldest first.
#[derive(Clone, Debug)]
pub struct Published {
    pub reviews: Vec<Review>,
    pub inline: Vec<ReviewComment>,
    pub comments: Vec<IssueComment>,
    pub checks: Vec<CheckRun>,
    /// The reaction and the text it is attached to.
    pub reactions: Vec<(String, String)>,
    /// Inline comments whose line a later push changed.
    outdated: Vec<u64>,
    /// What to write instead of texts that differ from run to run.
    names: Vec<(String, String)>,
}

impl Published {
    pub(super) fn of(state: &State, number: u64) -> Self {
        let ours = |user: &User| *user == state.viewer;
        let mut names = Vec::new();
        let pull = state.pulls.get(&number);
        for (name, sha) in pull.iter().flat_map(|pull| [("head", &pull.head_sha), ("base", &pull.base_sha)]) {
            names.push((sha.clone(), format!("<{name}>")));
            let short = sha.get(..7).unwrap_or(sha).to_owned();
            names.push((short, format!("<{name}>")));
        }
        let subject = |subject: Subject| match subject {
            Subject::IssueComment(id) => {
                state.issue_comments.iter().find(|c| c.id == id).map(|c| (c.issue, c.body.clone()))
            }
            Subject::ReviewComment(id) => {
                state.review_comments.iter().find(|c| c.id == id).map(|c| (c.pull, c.body.clone()))
            }
            Subject::Issue(issue) => Some((issue, "the pull request".to_owned())),
        };
        let reactions = state.reactions.iter().filter(|reaction| ours(&reaction.user));
        let reactions = reactions.filter_map(|reaction| {
            let (issue, text) = subject(reaction.subject)?;
            (issue == number).then(|| (reaction.content.clone(), text))
        });
        let inline = state.review_comments.iter().filter(|c| c.pull == number && ours(&c.user));
        let inline: Vec<_> = inline.cloned().collect();
        let is_outdated = |comment: &&ReviewComment| pull.is_some_and(|pull| is_outdated(pull, comment));
        Self {
            reviews: state.reviews.iter().filter(|r| r.pull == number && ours(&r.user)).cloned().collect(),
            outdated: inline.iter().filter(is_outdated).map(|comment| comment.id).collect(),
            inline,
            comments: state
                .issue_comments
                .iter()
                .filter(|c| c.issue == number && ours(&c.user))
                .cloned()
                .collect(),
            checks: state.checks.iter().filter(|check| is_of(pull, &check.head_sha)).cloned().collect(),
            reactions: reactions.collect(),
            names,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.reviews.is_empty()
            && self.inline.is_empty()
            && self.comments.is_empty()
            && self.checks.is_empty()
    }

    /// The places of the inline comments in words, sorted: `src/a.rs:3-5 RIGHT`.
    pub fn places(&self) -> Vec<String> {
        let mut places: Vec<_> =
            self.inline.iter().map(|comment| place_in_words(&comment.path, comment.place.as_ref())).collect();
        places.sort();
        places
    }

    /// The text of the one comment on the timeline, or nothing when there are none or several.
    pub fn summary(&self) -> Option<&str> {
        match self.comments.as_slice() {
            [comment] => Some(&comment.body),
            _ => None,
        }
    }

    /// Adds a text to be written differently in the transcript, such as a duration.
    pub fn naming(mut self, text: &str, name: &str) -> Self {
        self.names.push((text.to_owned(), name.to_owned()));
        self
    }

    fn tidy(&self, text: &str) -> String {
        let mut text = hide_markers(&hide_ids(text));
        for (from, to) in &self.names {
            text = text.replace(from, to);
        }
        text
    }
}

fn is_of(pull: Option<&super::pulls::Pull>, sha: &str) -> bool {
    pull.is_some_and(|pull| pull.diffs.contains_key(sha) || pull.commits.iter().any(|commit| commit == sha))
}

impl Display for Published {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<(String, &str)> = Vec::new();
        for review in &self.reviews {
            parts.push((format!("review {} on {}", review.state, review.commit_id), &review.body));
        }
        for comment in &self.inline {
            let place = place_in_words(&comment.path, comment.place.as_ref());
            let outdated = if self.outdated.contains(&comment.id) { " outdated" } else { "" };
            let reply = if comment.in_reply_to.is_some() { "reply" } else { "inline" };
            parts.push((format!("{reply} {place}{outdated}"), &comment.body));
        }
        for comment in &self.comments {
            parts.push(("comment".to_owned(), &comment.body));
        }
        for check in &self.checks {
            let end = check.conclusion.as_deref().unwrap_or(&check.status);
            let title = check.title.as_deref().unwrap_or_default();
            let head = format!("check {} {end} on {}: {title}", check.name, check.head_sha);
            parts.push((head, check.summary.as_deref().unwrap_or_default()));
            if let Some(text) = &check.text {
                parts.push((format!("check {} text", check.name), text));
            }
            if !check.annotations.is_empty() {
                parts.push((format!("check {} annotations: {}", check.name, check.annotations.len()), ""));
            }
        }
        for (content, subject) in &self.reactions {
            parts.push((format!("reaction {content} on {subject}"), ""));
        }
        if parts.is_empty() {
            return write!(f, "nothing");
        }
        for (index, (head, body)) in parts.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(f, "--- {}", self.tidy(head))?;
            for line in self.tidy(body).lines() {
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}

/// Ids are long numbers of one length, in links and in markers alike.
fn hide_ids(text: &str) -> String {
    let mut tidy = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("900000") {
        let (before, from) = rest.split_at(at);
        tidy.push_str(before);
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = from.split_at(digits);
        tidy.push_str(if digits == 10 { "<id>" } else { number });
        rest = after;
    }
    tidy.push_str(rest);
    tidy
}

/// The hidden comments at the end of a body hold state, not text.
fn hide_markers(text: &str) -> String {
    let mut tidy = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!-- counterpoint:v1") {
        tidy.push_str(before);
        let Some((_, after)) = after.split_once("-->") else {
            break;
        };
        tidy.push_str("<!-- counterpoint:v1 -->");
        rest = after;
    }
    tidy.push_str(rest);
    tidy
}

/// The place of an inline comment in words, `path:line SIDE`.
fn place_in_words(path: &str, place: Option<&Place>) -> String {
    let Some(Place { side, line, start, .. }) = place else {
        return path.to_owned();
    };
    let (side, line) = (side.name(), line);
    match start {
        None => format!("{path}:{line} {side}"),
        Some((start_side, start)) if start_side.name() == side => format!("{path}:{start}-{line} {side}"),
        Some((start_side, start)) => format!("{path}:{start} {} to {line} {side}", start_side.name()),
    }
}
