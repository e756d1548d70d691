//! Files that nobody read, and why.

use crate::domain::plan::LeftOut;
use crate::domain::render::{place, safe, words};
use crate::domain::review::Review;

/// Files that count and were not read.
pub(super) fn not_read(review: &Review) -> Option<String> {
    let coverage = &review.coverage;
    if coverage.is_whole() || !review.is_answered() {
        return None;
    }
    let files: Vec<&LeftOut> = coverage.partly.iter().chain(&coverage.unread).collect();
    let mut named = names(&files, 20);
    if coverage.unlisted > 0 {
        named.push(format!("{} that GitHub does not list", coverage.unlisted));
    }
    let (it, counts) =
        if coverage.due() - coverage.read.len() as u64 == 1 { ("It", "does") } else { ("They", "do") };
    Some(format!("**Not read:** {}. {it} {counts} not count as clean.", named.join(", ")))
}

/// Files by the reason they share, so many of each.
fn names(files: &[&LeftOut], most: usize) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for file in files {
        match groups.iter_mut().find(|(why, _)| *why == file.why) {
            Some((_, paths)) => paths.push(&file.path),
            None => groups.push((&file.why, vec![&file.path])),
        }
    }
    let group = |(why, paths): (&str, Vec<&str>)| {
        let named: Vec<String> = paths.iter().take(most).map(|path| place::path(path)).collect();
        let more = paths.len().saturating_sub(most);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more} ({})", named.join(", "), safe::inline(why, 120))
    };
    groups.into_iter().map(group).take(most).collect()
}

/// Files that a rule leaves out, folded: they do not make the review partial, but nobody looked at them.
pub(super) fn left_out(review: &Review) -> Option<String> {
    let files: Vec<&LeftOut> = review.coverage.excluded.iter().collect();
    let number = words::count(files.len(), "file");
    (!files.is_empty()).then(|| {
        format!(
            "<details><summary>{number} left out by rule</summary>\n\n{}.\n\n</details>",
            names(&files, 100).join(", ")
        )
    })
}
