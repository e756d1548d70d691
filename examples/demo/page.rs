//! The pull request as GitHub would show it: one page that stands alone.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use counterpoint::domain::diff::{self, Diff, FileDiff, Hunk, Line, LineKind, Status};

use crate::html::{Html, markdown, marked};
use crate::world::{Published, Pull, Side, User, World};

/// The page, from what stands in the world now.
pub fn of(world: &World, number: u64) -> anyhow::Result<String> {
    let (pull, published) = (world.pull(number), world.published(number));
    let (diff, problems) = diff::parse(Bytes::copy_from_slice(pull.diff()));
    ensure!(problems.is_empty(), "the diff cannot be read: {problems:?}");
    let files: Vec<Html> =
        diff.files.iter().map(|file| changed_file(file, &published)).collect::<anyhow::Result<_>>()?;
    let page = Html::default()
        .raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
        .raw("<title>")
        .text(&pull.title)
        .raw("</title>\n<style>\n")
        .raw(include_str!("page.css"))
        .raw("</style>\n</head>\n<body>\n")
        .add(header(&world.repository(), &pull, &published, &diff))
        .raw("<main>\n<section id=\"conversation\">\n")
        .add(comment(&pull.author, " opened this pull request", pull.body.as_deref().unwrap_or_default()))
        .add(Html::all(published.reviews.iter().map(|review| reviewed(&review.user, &review.body))))
        .add(Html::all(
            published.comments.iter().map(|said| comment(&said.user, " commented", &said.body)),
        ))
        .add(checks(&published))
        .raw("</section>\n<section id=\"files\">\n<h2>Files changed</h2>\n")
        .add(Html::all(files))
        .raw("</section>\n</main>\n</body>\n</html>\n");
    Ok(page.into_string())
}

fn header(repository: &str, pull: &Pull, published: &Published, diff: &Diff) -> Html {
    let (owner, name) = repository.split_once('/').unwrap_or(("", repository));
    let (added, deleted) = sizes(diff.files.iter());
    let said = published.comments.len() + published.reviews.len();
    let count = |count: usize| Html::default().raw(" <i>").text(&count.to_string()).raw("</i></a>\n");
    Html::default()
        .raw("<header>\n<p class=\"repository\"><span>")
        .text(owner)
        .raw(" / <b>")
        .text(name)
        .raw("</b></span> <small>Scripted reviewers; no model was asked. Times and costs are the script’s.</small></p>\n<h1>")
        .text(&pull.title)
        .raw(" <span>#")
        .text(&pull.number.to_string())
        .raw("</span></h1>\n<p class=\"state\">")
        .raw(match (pull.open, pull.draft) {
            (true, false) => "<span class=\"pill open\">Open</span> <b>",
            (true, true) => "<span class=\"pill\">Draft</span> <b>",
            (false, _) => "<span class=\"pill\">Closed</span> <b>",
        })
        .text(&pull.author.login)
        .raw("</b> wants to merge ")
        .text(&match pull.commits.len() {
            1 => "1 commit".to_owned(),
            more => format!("{more} commits"),
        })
        .raw(" into <code>")
        .text(&pull.base_ref)
        .raw("</code> from <code>")
        .text(&pull.head_ref)
        .raw("</code></p>\n<nav><a class=\"here\" href=\"#conversation\">Conversation")
        .add(count(said))
        .raw("<a href=\"#checks\">Checks")
        .add(count(published.checks.len()))
        .raw("<a href=\"#files\">Files changed")
        .add(count(diff.files.len()))
        .add(size(added, deleted))
        .raw("</nav>\n</header>\n")
}

fn comment(user: &User, did: &'static str, body: &str) -> Html {
    Html::default()
        .raw("<article class=\"comment\">\n")
        .add(avatar(user))
        .raw("<div class=\"box\">\n<h3>")
        .add(name(user))
        .raw(did)
        .raw("</h3>\n<div class=\"text\">\n")
        .add(markdown(body, &[]))
        .raw("</div>\n</div>\n</article>\n")
}

fn reviewed(user: &User, body: &str) -> Html {
    Html::default()
        .raw("<div class=\"event\"><span class=\"dot\"></span><div>")
        .add(name(user))
        .raw(" reviewed")
        .raw("<div class=\"text\">")
        .add(markdown(body, &[]))
        .raw("</div></div></div>\n")
}

fn avatar(user: &User) -> Html {
    if user.bot {
        return Html::default().raw("<span class=\"avatar bot\" aria-hidden=\"true\">C</span>\n");
    }
    let first: String = user.login.chars().take(1).flat_map(char::to_uppercase).collect();
    Html::default().raw("<span class=\"avatar\" aria-hidden=\"true\">").text(&first).raw("</span>\n")
}

fn name(user: &User) -> Html {
    let login = user.login.strip_suffix("[bot]").unwrap_or(&user.login);
    let name = Html::default().raw("<b>").text(login).raw("</b>");
    if user.bot { name.raw(" <span class=\"label\">bot</span>") } else { name }
}

fn checks(published: &Published) -> Html {
    let rows = published.checks.iter().map(|check| {
        let (sign, word) = match check.conclusion.as_deref() {
            Some("success") => ("<p><span class=\"sign success\">✓</span> <b>", "Successful"),
            Some("failure") => ("<p><span class=\"sign failure\">✕</span> <b>", "Failing"),
            Some("neutral") => ("<p><span class=\"sign\">■</span> <b>", "Neutral"),
            _ => ("<p><span class=\"sign\">●</span> <b>", "In progress"),
        };
        Html::default()
            .raw(sign)
            .text(&check.name)
            .raw("</b> <span>")
            .raw(word)
            .raw(" — ")
            .text(check.title.as_deref().unwrap_or_default())
            .raw("</span></p>\n")
    });
    Html::default().raw("<div id=\"checks\">\n").add(Html::all(rows)).raw("</div>\n")
}

fn changed_file(file: &FileDiff, published: &Published) -> anyhow::Result<Html> {
    let (added, deleted) = sizes([file]);
    let mut rows = Html::default();
    for hunk in &file.hunks {
        let header = String::from_utf8_lossy(&hunk.header);
        rows = rows
            .raw("<tr class=\"hunk\"><td colspan=\"2\"></td><td colspan=\"2\">")
            .text(header.trim_end())
            .raw("</td></tr>\n");
        for (index, line) in hunk.lines.iter().enumerate() {
            rows = rows.add(row(line, counterpart(hunk, index)));
            for said in published.inline.iter().filter(|said| said.path == file.path) {
                let place = said.place.as_ref().context("a comment on a whole file")?;
                if stands_at(line, place.side, place.line) {
                    let start = place.start.map_or(place.line, |(_, start)| start);
                    rows = rows.add(thread(
                        &said.user,
                        said.id,
                        file,
                        (place.side, start, place.line),
                        &said.body,
                    ));
                }
            }
        }
    }
    let renamed = file.old_path.as_ref().filter(|_| file.status == Status::Renamed);
    let from = renamed.map(|old| Html::default().text(old).raw(" → ")).unwrap_or_default();
    Ok(Html::default()
        .raw("<article class=\"file\">\n<h3><code>")
        .add(from)
        .text(&file.path)
        .raw("</code> ")
        .add(size(added, deleted))
        .raw("</h3>\n<table>\n<colgroup><col class=\"number\"><col class=\"number\"><col class=\"sign\"><col></colgroup>\n")
        .add(rows)
        .raw("</table>\n</article>\n"))
}

fn row(line: &Line, other: Option<&Line>) -> Html {
    let text = |line: &Line| String::from_utf8_lossy(&line.text).into_owned();
    let number = |number: Option<u32>| {
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        Html::default().raw("<td class=\"number\">").text(&number).raw("</td>")
    };
    let (class, sign) = match line.kind {
        LineKind::Context => ("<tr>", "<td class=\"sign\"></td><td class=\"code\">"),
        LineKind::Added => ("<tr class=\"added\">", "<td class=\"sign\">+</td><td class=\"code\">"),
        LineKind::Deleted => ("<tr class=\"deleted\">", "<td class=\"sign\">-</td><td class=\"code\">"),
    };
    Html::default()
        .raw(class)
        .add(number(line.old))
        .add(number(line.new))
        .raw(sign)
        .add(marked(&text(line), other.map(text).as_deref()))
        .raw("</td></tr>\n")
}

/// The line that this one replaces or that replaces it, where as many are added as were deleted.
fn counterpart(hunk: &Hunk, index: usize) -> Option<&Line> {
    let kind = |at: usize| hunk.lines.get(at).map(|line| line.kind);
    let run = |mut from: usize, of: LineKind| {
        let start = from;
        while kind(from) == Some(of) {
            from += 1;
        }
        from - start
    };
    if !matches!(kind(index)?, LineKind::Deleted | LineKind::Added) {
        return None;
    }
    let mut start = index;
    while start > 0 && kind(start - 1).is_some_and(|kind| kind != LineKind::Context) {
        start -= 1;
    }
    let deleted = run(start, LineKind::Deleted);
    let added = run(start + deleted, LineKind::Added);
    if deleted != added {
        return None;
    }
    let at = if index < start + deleted { index + deleted } else { index.checked_sub(deleted)? };
    hunk.lines.get(at).filter(|_| at < start + deleted + added)
}

fn stands_at(line: &Line, side: Side, number: u32) -> bool {
    match side {
        Side::Left => line.kind == LineKind::Deleted && line.old == Some(number),
        Side::Right => line.new == Some(number),
    }
}

/// A comment under its line, `(side, start, end)` being what it speaks of.
fn thread(user: &User, id: u64, file: &FileDiff, (side, start, end): (Side, u32, u32), body: &str) -> Html {
    let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
    let replaced = lines.filter(|line| (start..=end).any(|number| stands_at(line, side, number)));
    let replaced: Vec<String> =
        replaced.map(|line| String::from_utf8_lossy(&line.text).into_owned()).collect();
    let on = if start < end {
        let lines = format!("{start} to {end}");
        Html::default().raw("<span class=\"lines\">on lines ").text(&lines).raw("</span>")
    } else {
        Html::default()
    };
    Html::default()
        .raw("<tr class=\"thread\"><td colspan=\"4\"><div class=\"box\" id=\"discussion_r")
        .text(&id.to_string())
        .raw("\">\n<h4>")
        .add(avatar(user))
        .add(name(user))
        .add(on)
        .raw("</h4>\n<div class=\"text\">\n")
        .add(markdown(body, &replaced))
        .raw("</div>\n</div></td></tr>\n")
}

fn sizes<'a>(files: impl IntoIterator<Item = &'a FileDiff>) -> (usize, usize) {
    let lines = files.into_iter().flat_map(|file| &file.hunks).flat_map(|hunk| &hunk.lines);
    lines.fold((0, 0), |(added, deleted), line| match line.kind {
        LineKind::Added => (added + 1, deleted),
        LineKind::Deleted => (added, deleted + 1),
        LineKind::Context => (added, deleted),
    })
}

fn size(added: usize, deleted: usize) -> Html {
    Html::default()
        .raw("<span class=\"size\"><b class=\"plus\">+")
        .text(&added.to_string())
        .raw("</b> <b class=\"minus\">−")
        .text(&deleted.to_string())
        .raw("</b></span>\n")
}
