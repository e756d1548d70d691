//! Which names a finding speaks of, so that what they stand for can be looked up.

use std::collections::BTreeMap;

use crate::domain::finding::Finding;

/// Names looked up for one finding.
const MOST: usize = 6;

/// A name of fewer letters stands everywhere.
const LETTERS: usize = 3;

/// Names that no repository defines, or every one: keywords, and what comes with common languages.
const COMMON: &str = " abstract and any args array as assert async auto await bool boolean break byte case catch char \
    class clone collect const constructor continue crate def default defer delete del dict do double dyn elif else elsif \
    end endif enum err error except export extends extern false final finally float fn for foreach format from func \
    function get global goto guard has if impl implements import in include init inline instanceof int integer interface \
    internal into is iter key lambda len length let list long loop map match mod module move mut name namespace native \
    new next nil none not null number object ok operator option or override package panic pass print println printf \
    private protected pub public push raise readonly ref require rescue result return select self set short signed size \
    sizeof some static str string struct super switch synchronized template test then this throw throws to_owned \
    to_string trait true try type typedef typeof undefined union unless unsafe unsigned until unwrap use using usize val \
    value var vec virtual void volatile when where while with yield ";

/// Types and values that every program of their language names.
const STANDARD: &str = " Array Boolean Box Class Date Default Err Error Exception Exit False HashMap Integer List Map None Null \
    Number Object Ok Option Optional Promise Result Self Set Some String True Undefined Vec Void ";

/// A name where it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name<'a> {
    text: &'a str,
    /// Marked as code, or written as only code is.
    code: bool,
    /// A bracket opens behind it.
    called: bool,
}

/// The names worth looking up to judge a finding, the best first, at most six: those of its quote and those that
/// its text marks as code or spells as code is spelled.
#[must_use]
pub fn words(finding: &Finding) -> Vec<String> {
    let quote = without_literals(&finding.quote);
    let sources = [
        (&*finding.title, 3, false),
        (&*quote, 2, true),
        (&*finding.body, 2, false),
        (&*finding.failure_scenario, 1, false),
    ];
    // By name: how much it matters, and where it stood first.
    let mut ranks: BTreeMap<&str, (u32, usize)> = BTreeMap::new();
    let mut seen = 0;
    for (text, weight, all_code) in sources {
        let mut here: BTreeMap<&str, (u32, usize)> = BTreeMap::new();
        for name in names(text).filter(|name| (all_code || name.code) && is_telling(name.text)) {
            let rank = weight + u32::from(name.called) + u32::from(is_shaped(name.text));
            let best = here.entry(name.text).or_insert((rank, seen));
            best.0 = best.0.max(rank);
            seen += 1;
        }
        for (name, (rank, first)) in here {
            ranks.entry(name).or_insert((0, first)).0 += rank;
        }
    }
    let mut ranked: Vec<_> = ranks.into_iter().collect();
    ranked.sort_by_key(|(_, (rank, first))| (std::cmp::Reverse(*rank), *first));
    ranked.into_iter().take(MOST).map(|(name, _)| name.to_owned()).collect()
}

/// Every name in a text with how it is written. A path of a file names no code.
fn names(text: &str) -> impl Iterator<Item = Name<'_>> {
    let mut rest = text;
    let mut before = "";
    let mut in_ticks = false;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(is_part)?;
            let (gap, tail) = rest.split_at_checked(start)?;
            let end = tail.find(|c| !is_part(c)).unwrap_or(tail.len());
            let (name, after) = tail.split_at_checked(end)?;
            in_ticks ^= gap.matches('`').count() % 2 == 1;
            let joined_before = !before.is_empty() && matches!(gap, "." | "::" | "->");
            let joins = ["::", "->", "."].into_iter().filter_map(|sign| after.strip_prefix(sign));
            let joined_after = joins.take(1).any(|next| next.starts_with(char::is_alphabetic));
            let called = after.starts_with('(') || after.starts_with("!(");
            let in_path = gap.ends_with('/') || after.starts_with('/');
            (before, rest) = (name, after);
            if !in_path {
                let code = in_ticks || joined_before || joined_after || called || is_shaped(name);
                return Some(Name { text: name, code, called });
            }
        }
    })
}

/// Whether a name is told from prose by its look: `snake_case`, `camelCase`, `PascalCase`.
fn is_shaped(name: &str) -> bool {
    let inner = name.trim_matches('_');
    let hump =
        name.chars().zip(name.chars().skip(1)).any(|(one, next)| one.is_lowercase() && next.is_uppercase());
    hump || inner.contains('_')
}

fn is_telling(name: &str) -> bool {
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let in_list = |list: &str| list.split(' ').any(|word| word == name);
    letters >= LETTERS
        && !name.starts_with(|c: char| c.is_numeric())
        // A keyword in capitals is one of SQL; with one capital it is a type.
        && !in_list(COMMON)
        && !in_list(STANDARD)
        && !COMMON.split(' ').any(|word| word.to_uppercase() == name)
}

/// What names are made of, here and where they are searched.
pub(super) fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Code without what stands in double quotes and behind `//`: that is prose.
fn without_literals(code: &str) -> String {
    let mut out = String::new();
    for line in code.lines() {
        let outside = line.split('"').step_by(2).collect::<Vec<_>>().join("\" \"");
        out.push_str(outside.split("//").next().unwrap_or_default());
        out.push('\n');
    }
    out
}
