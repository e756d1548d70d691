//! Where things stand: links to comments, files and lines.

use super::{safe, words};
use crate::domain::diff::{named_file, strip_gutter, visible};
use crate::domain::finding::{Evidence, Raised, Side};
use crate::domain::review::{Listed, Review, Shown};

/// The longest path that is shown whole, in characters.
const MAX_PATH: usize = 200;

/// The longest line of quoted code that is shown whole, in characters.
const MAX_CODE: usize = 100;

/// Fewer letters, digits and underscores say nothing.
const WORD_CHARS: usize = 6;

/// A path of any length, cut for people.
#[must_use]
pub fn path(path: &str) -> String {
    safe::code(&path.chars().take(MAX_PATH).collect::<String>())
}

/// A link to where an issue stands: its comment, else its file, else the bare path.
#[must_use]
pub fn of(review: &Review, listed: &Listed) -> String {
    let Some(main) = words::voice(&listed.issue) else { return String::new() };
    let (path, line) = match (&listed.shown, main.placement.anchor()) {
        (Shown::Inline { anchor, .. } | Shown::ToPost(anchor), _) | (Shown::Summary, Some(anchor)) => {
            (anchor.path.as_str(), Some(anchor.end))
        }
        (Shown::Summary, None) => (main.finding.path.as_str(), None),
    };
    if path.trim().is_empty() {
        return "no file".to_owned();
    }
    let name: String = path.chars().take(MAX_PATH).collect();
    let label = safe::code(&line.map_or_else(|| name.clone(), |line| format!("{name}:{line}")));
    let url = match &listed.shown {
        Shown::Inline { url, .. } => Some(url.clone()),
        _ if review.snapshot.diff.file(path).is_some() => {
            let side = main.placement.anchor().map_or(Side::New, |anchor| anchor.side);
            file_url(review, path, line, side)
        }
        _ => None,
    };
    match url.filter(|url| is_plain_url(url)) {
        Some(url) => format!("[{label}]({url})"),
        None => label,
    }
}

/// The page of a file at the reviewed commit, or at the base for what was deleted.
fn file_url(review: &Review, path: &str, line: Option<u32>, side: Side) -> Option<String> {
    let place = review.snapshot.place.as_ref()?;
    let (repository, _) = place.pull.url.rsplit_once("/pull/")?;
    let fragment = line.map(|line| format!("#L{line}")).unwrap_or_default();
    let commit = if side == Side::Old { &place.pull.base } else { &place.pull.head };
    Some(format!("{repository}/blob/{commit}/{}{fragment}", safe::link_path(path)))
}

/// Addresses come from GitHub's answers: only those that cannot break out of a link are used.
pub(super) fn is_plain_url(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>[]\"'`|\\".contains(&byte))
}

/// Code that a lane quotes: one line of it, and where that stands as far as the diff tells. The text is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// The file, as the diff spells it if it is in it, else as the lane does; empty when none was named.
    path: &'a str,
    /// The version of the file and the number of the line.
    line: Option<(Side, u32)>,
    /// The line, without its indentation.
    text: String,
}

impl<'a> Quoted<'a> {
    /// The first line of a quote that says something.
    #[must_use]
    pub fn read(review: &'a Review, path: &'a str, quote: &str) -> Option<Self> {
        let mut lines = quote
            .lines()
            .map(|line| strip_gutter(line).unwrap_or(line).trim())
            .filter(|line| says_something(line));
        let text = lines.next()?.to_owned();
        let file = named_file(&review.snapshot.diff, path).filter(|_| !path.trim().is_empty());
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted = squeezed(&text);
        let holding = file.into_iter().flat_map(|file| file.lines()).filter(|line| {
            let there = visible(&line.text);
            // Most lines do not hold the word that the wanted one begins with.
            wanted.split(' ').next().is_some_and(|word| there.contains(word))
                && squeezed(&there).contains(&wanted)
        });
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for line in holding {
            match (line.new, line.old) {
                (Some(number), _) => new.push(number),
                (None, Some(number)) => old.push(number),
                (None, None) => {}
            }
        }
        // Where the same stands twice nobody knows which is meant.
        let line = match (new.as_slice(), old.as_slice()) {
            ([number], _) => Some((Side::New, *number)),
            ([], [number]) => Some((Side::Old, *number)),
            _ => None,
        };
        Some(Self { path: file.map_or(path, |file| file.path.as_str()), line, text })
    }

    /// What a lane rests on: of its quotes the first that the diff shows, else the first.
    #[must_use]
    pub fn best(review: &'a Review, evidence: &'a [Evidence]) -> Option<Self> {
        let mut read: Vec<Self> = evidence
            .iter()
            .take(5)
            .filter_map(|quoted| Self::read(review, &quoted.path, &quoted.quote))
            .collect();
        let shown = read.iter().position(|quoted| quoted.line.is_some()).unwrap_or(0);
        (shown < read.len()).then(|| read.swap_remove(shown))
    }

    /// For GitHub: the code and, where it is known, a link to its place.
    #[must_use]
    pub fn markdown(&self, review: &Review, issue: &Raised) -> String {
        let known = review.snapshot.diff.file(self.path).is_some();
        let (side, line) = self.line.map_or((Side::New, None), |(side, line)| (side, Some(line)));
        let url = file_url(review, self.path, line, side).filter(|url| known && is_plain_url(url));
        let label = self.label(issue, safe::code).map(|label| match url {
            Some(url) => format!("[{label}]({url})"),
            None => label,
        });
        self.at(label, safe::code)
    }

    /// For GitHub, without the link.
    #[must_use]
    pub fn unlinked(&self, issue: &Raised) -> String {
        self.at(self.label(issue, safe::code), safe::code)
    }

    /// For a terminal: still untrusted.
    #[must_use]
    pub fn text(&self, issue: &Raised) -> String {
        self.at(self.label(issue, str::to_owned), |text| format!("`{text}`"))
    }

    fn at(&self, place: Option<String>, code: fn(&str) -> String) -> String {
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        format!("{}{place}", code(&cut(&self.text, MAX_CODE)))
    }

    /// `line 49` in the issue's own file, a path such as `db/guard.rs:12` in another.
    fn label(&self, issue: &Raised, path_as: fn(&str) -> String) -> Option<String> {
        let path = cut(&self.path.split_whitespace().collect::<Vec<_>>().join(" "), MAX_PATH);
        let here = issue.path() == self.path;
        match self.line {
            _ if path.is_empty() => None,
            Some((Side::New, line)) if here => Some(format!("line {line}")),
            Some((Side::Old, line)) if here => Some(format!("line {line} before the change")),
            None if here => None,
            Some((Side::New, line)) => Some(path_as(&format!("{path}:{line}"))),
            Some((Side::Old, line)) => {
                Some(format!("{} before the change", path_as(&format!("{path}:{line}"))))
            }
            None => Some(path_as(&path)),
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn says_something(line: &str) -> bool {
    line.chars().filter(|c| c.is_alphanumeric() || *c == '_').count() >= WORD_CHARS
}
