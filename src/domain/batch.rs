//! A diff in pieces that a model reads in one go: long files cut into parts, parts packed into batches.

use std::ops::Range;

use crate::domain::context;
use crate::domain::diff::{self, Around, Beside, FileDiff, Hunk, Line, LineKind, Surrounding};

/// Lines shown again at the start of a part, so that nobody reads a cut as the beginning of something.
const OVERLAP: usize = 10;

/// What the heading of a part, or of a hunk, takes at most besides names.
const HEADING: usize = 120;

/// What stands around the text of a line besides its number: sign, bar, spaces, an escaped line end, a picture of a
/// carriage return.
const GUTTER: usize = 10;

/// The remark that a file does not end in a line end.
const NO_NEWLINE: usize = 48;

/// A file, or some consecutive lines of its hunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The file.
    pub file: &'a FileDiff,
    /// What stands around its hunks.
    pub around: &'a [Surrounding],
    /// What of its hunks, in order; none twice, overlap aside.
    pub runs: Vec<Run>,
    /// Which part it is, from 1.
    pub number: usize,
    /// How many parts the file has.
    pub of: usize,
    /// Added and deleted lines in it, overlap not counted.
    pub changed: u64,
    /// Those of them that are too long to be shown whole.
    pub cut: u64,
    /// What it adds to a serialised request, at most.
    pub bytes: usize,
}

/// Consecutive lines of one hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The hunk's position in its file.
    pub hunk: usize,
    /// Its lines by position, overlap included.
    pub lines: Range<usize>,
    /// How many of them, from the first, stood in the part before.
    pub overlap: usize,
    /// Whether what stands above and below the hunk is shown with them.
    pub around: (bool, bool),
}

impl Part<'_> {
    /// What is shown above and below a run of this part.
    pub fn surroundings(&self, run: &Run, beside: Beside) -> impl Iterator<Item = &Surrounding> {
        let shown = if beside == Beside::Before { run.around.0 } else { run.around.1 };
        let hunk = run.hunk;
        self.around.iter().filter(move |part| shown && part.hunk == hunk && part.beside == beside)
    }

    /// Its lines that stood in the part before.
    #[must_use]
    pub fn overlap(&self) -> usize {
        self.runs.iter().map(|run| run.overlap).sum()
    }
}

/// Cuts a file into parts of at most `limit` bytes each: between hunks where that is possible, else inside one. A
/// single line that is longer makes a part of its own. What stands around a hunk is shown where there is room.
#[must_use]
pub fn split<'a>(file: &'a FileDiff, around: &'a [Surrounding], limit: usize) -> Vec<Part<'a>> {
    let shown = |path: &str| json_len(&diff::visible(path.as_bytes()));
    let heading = HEADING + shown(&file.path) + file.old_path.as_deref().map_or(0, shown);
    let mut cutter = Cutter {
        file,
        limit,
        heading,
        around,
        width: diff::number_width(file, around),
        parts: Vec::new(),
        runs: Vec::new(),
        bytes: heading,
        changed: 0,
        cut: 0,
    };
    for (index, hunk) in file.hunks.iter().enumerate() {
        cutter.take(index, hunk);
    }
    cutter.close();
    let of = cutter.parts.len();
    cutter.parts.iter_mut().for_each(|part| part.of = of);
    cutter.parts
}

/// Packs files, in their order, into batches of at most `limit` bytes: each part goes into the first batch that has
/// room for it, so that what comes first is read first.
#[must_use]
pub fn pack<'a>(files: &[&'a FileDiff], around: &'a Around, limit: usize) -> Vec<Vec<Part<'a>>> {
    let mut batches: Vec<(usize, Vec<Part<'a>>)> = Vec::new();
    // Batches before this one are as good as full: without it, thousands of files would be tried everywhere.
    let mut open = 0;
    let around = |file: &FileDiff| around.get(&file.path).map_or(&[][..], Vec::as_slice);
    for part in files.iter().flat_map(|file| split(file, around(file), limit)) {
        while batches.get(open).is_some_and(|(used, _)| limit.saturating_sub(*used) < HEADING * 2) {
            open += 1;
        }
        let room = batches.iter_mut().skip(open).find(|(used, _)| used.saturating_add(part.bytes) <= limit);
        match room {
            Some((used, parts)) => {
                *used += part.bytes;
                parts.push(part);
            }
            None => batches.push((part.bytes, vec![part])),
        }
    }
    let mut batches: Vec<Vec<Part<'a>>> = batches.into_iter().map(|(_, parts)| parts).collect();
    batches.iter_mut().for_each(|parts| keep_lean(parts));
    batches
}

/// Takes away the surroundings that come when a batch has as many of them as help; what is small may still fit.
fn keep_lean(parts: &mut [Part<'_>]) {
    let mut spare = context::MOST;
    for part in parts {
        let around = part.around;
        for run in &mut part.runs {
            for (shown, beside) in [(&mut run.around.0, Beside::Before), (&mut run.around.1, Beside::After)] {
                let beside = around.iter().filter(|lines| lines.hunk == run.hunk && lines.beside == beside);
                let cost = beside.map(Surrounding::cost).sum();
                *shown = *shown && spare.checked_sub(cost).map(|left| spare = left).is_some();
            }
        }
    }
}

/// What a line adds to a serialised request, at most.
fn line_len(line: &Line, width: usize) -> usize {
    let remark = if line.no_newline { NO_NEWLINE + width } else { 0 };
    GUTTER + width + json_len(&diff::visible(&line.text)) + remark
}

/// What the surroundings of a hunk add to a serialised request, at most.
fn around_len(around: &Surrounding, width: usize) -> usize {
    // Any line may have a mark before it that others are left out.
    around.lines.iter().map(|(_, text)| 2 * (GUTTER + width) + json_len(&diff::visible(text))).sum()
}

/// Bytes of a text inside a JSON string.
#[must_use]
pub fn json_len(text: &str) -> usize {
    text.bytes().map(|byte| if byte < 0x20 { 6 } else { 1 + usize::from(matches!(byte, b'"' | b'\\')) }).sum()
}

struct Cutter<'a> {
    file: &'a FileDiff,
    around: &'a [Surrounding],
    limit: usize,
    heading: usize,
    /// The digits of its longest line number.
    width: usize,
    parts: Vec<Part<'a>>,
    runs: Vec<Run>,
    bytes: usize,
    changed: u64,
    cut: u64,
}

impl<'a> Cutter<'a> {
    fn take(&mut self, index: usize, hunk: &Hunk) {
        let sizes: Vec<usize> = hunk.lines.iter().map(|line| line_len(line, self.width)).collect();
        let around = |beside| {
            let parts = self.around.iter().filter(move |part| part.hunk == index && part.beside == beside);
            parts.map(|part| around_len(part, self.width)).sum::<usize>()
        };
        let (above, below) = (around(Beside::Before), around(Beside::After));
        let mut section = String::new();
        diff::render_hunk_heading(hunk, &mut section);
        let heading = HEADING + json_len(&section);
        let whole = heading + above + sizes.iter().sum::<usize>() + below;
        if self.bytes + whole > self.limit && !self.runs.is_empty() {
            self.close();
            self.repeat_before(index);
        }
        self.bytes += heading;
        let room = self.bytes + above <= self.limit / 2 || self.bytes + whole <= self.limit;
        let mut run = Run { hunk: index, lines: 0..0, overlap: 0, around: (above > 0 && room, false) };
        self.bytes += if run.around.0 { above } else { 0 };
        for (at, (line, size)) in hunk.lines.iter().zip(&sizes).enumerate() {
            if self.bytes + size > self.limit && run.lines.len() > run.overlap {
                self.runs.push(run);
                self.close();
                let from = at.saturating_sub(OVERLAP);
                let again: usize = sizes.get(from..at).unwrap_or_default().iter().sum();
                // Where lines are so long that the overlap alone fills the part, there is none.
                let room = again <= self.limit / 4 && self.heading + heading + again + size <= self.limit;
                let (from, again) = if room { (from, again) } else { (at, 0) };
                run = Run { hunk: index, lines: from..at, overlap: at - from, around: (false, false) };
                self.bytes += heading + again;
            }
            run.lines.end = at + 1;
            self.bytes += size;
            if line.kind != LineKind::Context {
                self.changed += 1;
                self.cut += u64::from(diff::is_cut(line));
            }
        }
        if below > 0 && self.bytes + below <= self.limit {
            run.around.1 = true;
            self.bytes += below;
        }
        self.runs.push(run);
    }

    /// The end of the hunk before, shown again.
    fn repeat_before(&mut self, index: usize) {
        let Some((before, hunk)) = index.checked_sub(1).and_then(|at| Some((at, self.file.hunks.get(at)?)))
        else {
            return;
        };
        let (from, end) = (hunk.lines.len().saturating_sub(OVERLAP), hunk.lines.len());
        let lines = hunk.lines.get(from..).unwrap_or_default();
        let mut section = String::new();
        diff::render_hunk_heading(hunk, &mut section);
        let again =
            HEADING + json_len(&section) + lines.iter().map(|line| line_len(line, self.width)).sum::<usize>();
        if again <= self.limit / 4 {
            let around = (false, false);
            self.runs.push(Run { hunk: before, lines: from..end, overlap: end - from, around });
            self.bytes += again;
        }
    }

    fn close(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        self.parts.push(Part {
            file: self.file,
            around: self.around,
            runs,
            number: self.parts.len() + 1,
            of: 0,
            changed: std::mem::take(&mut self.changed),
            cut: std::mem::take(&mut self.cut),
            bytes: std::mem::replace(&mut self.bytes, self.heading),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::diff::{Diff, parse};

    /// A diff of files with hunks of so many added lines of such a length each.
    fn diff(files: &[Vec<(usize, usize)>]) -> Diff {
        let mut raw = String::new();
        for (file, hunks) in files.iter().enumerate() {
            raw.push_str(&format!("diff --git a/f{file} b/f{file}\n--- a/f{file}\n+++ b/f{file}\n"));
            let mut start = 1;
            for (lines, length) in hunks {
                raw.push_str(&format!("@@ -{start},1 +{start},{} @@ fn heading()\n context\n", lines + 1));
                (0..*lines).for_each(|_| raw.push_str(&format!("+{}\n", "\"x\\".repeat(length / 3 + 1))));
                start += lines + 10;
            }
        }
        let (diff, problems) = parse(Bytes::from(raw));
        assert!(problems.is_empty(), "{problems:?}");
        diff
    }

    fn shown(part: &Part<'_>) -> String {
        let mut text = String::new();
        crate::domain::prompt::show(part, &mut text);
        text
    }

    /// So many lines above and below every hunk, every second one left out.
    fn surroundings(file: &FileDiff, lines: usize) -> Vec<Surrounding> {
        let lines: Vec<(u32, Bytes)> =
            (1..=lines).map(|n| (2 * n as u32, Bytes::from_static(b"if \"x\" {"))).collect();
        (0..file.hunks.len())
            .flat_map(|hunk| [Beside::Before, Beside::After].map(|beside| (hunk, beside)))
            .map(|(hunk, beside)| Surrounding { hunk, beside, lines: lines.clone() })
            .collect()
    }

    #[test]
    fn what_stands_around_a_hunk_gives_way_to_lines() {
        let diff = diff(&[vec![(30, 60)]]);
        let file = &diff.files[0];
        let around = surroundings(file, 20);
        let all = split(file, &around, usize::MAX)[0].bytes;
        let shown = |limit| -> Vec<(bool, bool)> {
            let parts = split(file, &around, limit);
            parts.iter().flat_map(|part| part.runs.iter().map(|run| run.around)).collect()
        };
        assert_eq!(shown(all), [(true, true)]);
        assert_eq!(shown(all - 1), [(true, false)]);
    }

    #[test]
    fn a_file_that_fits_is_not_cut() {
        let diff = diff(&[vec![(3, 20), (4, 20)]]);
        let parts = split(&diff.files[0], &[], 10_000);
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].number, parts[0].of, parts[0].changed), (1, 1, 7));
    }

    #[test]
    fn a_long_file_is_cut_between_hunks_and_begins_with_the_end_of_the_part_before() {
        let diff = diff(&[vec![(30, 60), (30, 60)]]);
        let parts = split(&diff.files[0], &[], 6_400);
        let runs: Vec<Vec<Run>> = parts.into_iter().map(|part| part.runs).collect();
        let run = |hunk, lines, overlap| Run { hunk, lines, overlap, around: (false, false) };
        assert_eq!(runs, [vec![run(0, 0..31, 0)], vec![run(0, 21..31, 10), run(1, 0..31, 0)]]);
    }

    #[test]
    fn a_hunk_that_is_longer_than_a_part_is_cut_inside() {
        let diff = diff(&[vec![(120, 60)]]);
        let parts = split(&diff.files[0], &[], 6_400);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts.iter().map(|part| part.changed).sum::<u64>(), 120);
        assert!(parts[1..].iter().all(|part| part.runs[0].overlap == 10));
    }

    #[test]
    fn what_comes_first_is_read_first_and_small_files_fill_the_gaps() {
        let diff = diff(&[vec![(40, 60)], vec![(40, 60)], vec![(1, 1)]]);
        let files: Vec<&FileDiff> = diff.files.iter().collect();
        let around = Around::new();
        let packed = pack(&files, &around, 8_000);
        let names: Vec<Vec<&str>> =
            packed.iter().map(|parts| parts.iter().map(|part| part.file.path.as_str()).collect()).collect();
        assert_eq!(names, [vec!["f0", "f2"], vec!["f1"]]);
    }

    proptest! {
        #[test]
        fn every_line_is_read_once_and_no_batch_is_longer_than_it_says(
            files in prop::collection::vec(prop::collection::vec((1_usize..60, 0_usize..200), 1..5), 1..12),
            limit in 1_000_usize..12_000,
            explained in 0_usize..40,
        ) {
            let diff = diff(&files);
            let all: Vec<&FileDiff> = diff.files.iter().collect();
            let around: Around =
                all.iter().map(|file| (file.path.clone(), surroundings(file, explained))).collect();
            let packed = pack(&all, &around, limit);
            let mut seen: BTreeMap<(&str, usize, usize), usize> = BTreeMap::new();
            for parts in &packed {
                let said: usize = parts.iter().map(|part| part.bytes).sum();
                let real: usize = parts.iter().map(|part| json_len(&shown(part))).sum();
                prop_assert!(real <= said, "{real} bytes where {said} were planned");
                let lines: usize = parts.iter().flat_map(|part| &part.runs).map(|run| run.lines.len()).sum();
                let explained = parts.iter().flat_map(|part| {
                    part.runs.iter().flat_map(|run| {
                        part.surroundings(run, Beside::Before).chain(part.surroundings(run, Beside::After))
                    })
                });
                prop_assert!(explained.map(Surrounding::cost).sum::<usize>() <= context::MOST);
                prop_assert!(said <= limit || lines == 1, "{said} bytes of {limit} for {lines} lines");
                for part in parts {
                    for run in &part.runs {
                        for line in run.lines.clone().skip(run.overlap) {
                            *seen.entry((&part.file.path, run.hunk, line)).or_default() += 1;
                        }
                    }
                }
            }
            let lines: usize = diff.files.iter().map(|file| file.lines().count()).sum();
            prop_assert_eq!(seen.len(), lines);
            prop_assert!(seen.values().all(|times| *times == 1));
        }
    }
}
