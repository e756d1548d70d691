use bytes::Bytes;
use proptest::prelude::*;

use super::super::gutter::strip_gutter;
use super::super::{Beside, Line, LineKind, Status, Surrounding, parse, parse_patch, render};
use super::*;
use crate::domain::finding::Resolution;

fn diff_of(patch: &str) -> Diff {
    let (file, problems) = parse_patch("src/lib.rs", Some("src/old.rs"), Status::Renamed, patch);
    assert_eq!(problems, Vec::<String>::new());
    Diff { files: vec![file] }
}

const NEW: Side = Side::New;
const OLD: Side = Side::Old;

/// Resolves a claim about the one file of a diff.
fn at(
    diff: &Diff,
    side: Side,
    lines: (u32, u32),
    quote: &str,
) -> Result<(Side, u32, u32, Resolution), Unanchored> {
    let claim = Claim { path: "src/lib.rs", side, line_start: lines.0, line_end: lines.1, quote };
    match Resolver::new(diff).resolve(&claim) {
        Placement::Anchored(anchor) => Ok((anchor.side, anchor.start, anchor.end, anchor.how)),
        Placement::Unanchored { why } => Err(why),
    }
}

/// New 10 to 14 and 30 to 33, old 10 to 13 and 29 to 31.
const PATCH: &str = "\
@@ -10,4 +10,5 @@ fn f() {
     let first = 1;
-    let second = 2;
+    let second = 3;
+    let third = 3;
     finish(first);
 }
@@ -29,3 +30,4 @@ fn g() {
 fn g_starts() {
+    let third = 3;
     finish(first);
 }
";

#[test]
fn a_quote_on_the_claimed_lines_is_exact_and_elsewhere_it_is_moved() {
    let diff = diff_of(PATCH);
    assert_eq!(at(&diff, NEW, (11, 11), "    let second = 3;"), Ok((NEW, 11, 11, Resolution::Exact)));
    assert_eq!(at(&diff, NEW, (10, 14), "\n    let second = 3;\r\n\n"), Ok((NEW, 11, 11, Resolution::Exact)));
    assert_eq!(at(&diff, NEW, (99, 99), "    let second = 3;"), Ok((NEW, 11, 11, Resolution::Moved)));
    assert_eq!(
        at(&diff, NEW, (11, 12), "    let second = 3;\n    let third = 3;\n    finish(first);"),
        Ok((NEW, 11, 13, Resolution::Exact))
    );
}

#[test]
fn of_several_places_the_nearest_is_meant_and_of_two_as_near_the_changed_one() {
    let diff = diff_of(PATCH);
    let third = "    let third = 3;";
    assert_eq!(at(&diff, NEW, (21, 21), third), Ok((NEW, 12, 12, Resolution::Moved)));
    assert_eq!(at(&diff, NEW, (22, 22), third), Ok((NEW, 31, 31, Resolution::Moved)));
    assert_eq!(at(&diff, NEW, (0, 0), third), Ok((NEW, 12, 12, Resolution::Moved)));
    let twins = diff_of("@@ -1,2 +1,3 @@\n same_line\n other\n+same_line\n");
    assert_eq!(at(&twins, NEW, (2, 2), "same_line"), Ok((NEW, 3, 3, Resolution::Moved)));
}

#[test]
fn only_deleted_lines_stand_on_the_old_side() {
    let diff = diff_of(PATCH);
    let deleted = "    let second = 2;";
    assert_eq!(at(&diff, OLD, (11, 11), deleted), Ok((OLD, 11, 11, Resolution::Exact)));
    assert_eq!(at(&diff, NEW, (11, 11), deleted), Ok((OLD, 11, 11, Resolution::Moved)));
    let partly = format!("    let first = 1;\n{deleted}\n    finish(first);");
    assert_eq!(at(&diff, OLD, (10, 12), &partly), Ok((OLD, 11, 11, Resolution::Exact)));
    // A context line has no place on the old side; on the new one its number is another.
    assert_eq!(at(&diff, OLD, (12, 12), "    finish(first);"), Ok((NEW, 13, 13, Resolution::Exact)));
    assert_eq!(at(&diff, OLD, (29, 29), "fn g_starts() {"), Ok((NEW, 30, 30, Resolution::Exact)));
    assert_eq!(at(&diff, OLD, (30, 30), "fn g_starts() {"), Ok((NEW, 30, 30, Resolution::Exact)));
    // Between these two, the new version has a line that was not quoted.
    let parted = "fn g_starts() {\n    finish(first);";
    assert_eq!(at(&diff, OLD, (29, 30), parted), Ok((NEW, 30, 30, Resolution::Exact)));
}

#[test]
fn deleted_and_added_lines_quoted_together_stand_on_the_added_ones() {
    let diff = diff_of(PATCH);
    let joined = "    let second = 2;\n    let second = 3;\n    let third = 3;";
    assert_eq!(at(&diff, NEW, (11, 12), joined), Ok((NEW, 11, 12, Resolution::Exact)));
    let signs = "-    let second = 2;\n+    let second = 3;";
    assert_eq!(at(&diff, NEW, (11, 11), signs), Ok((NEW, 11, 11, Resolution::Exact)));
    assert_eq!(at(&diff, NEW, (11, 11), "+    let second = 2;"), Err(Unanchored::QuoteNotFound));
}

#[test]
fn white_space_is_forgiven_and_nothing_else_is() {
    let diff = diff_of(PATCH);
    assert_eq!(at(&diff, NEW, (11, 11), "let  second\t= 3;"), Ok((NEW, 11, 11, Resolution::Whitespace)));
    for wrong in ["    let second = 4;", "let second", "    let second = 3;\nfn g_starts() {"] {
        assert_eq!(at(&diff, NEW, (11, 11), wrong), Err(Unanchored::QuoteNotFound), "{wrong}");
    }
}

#[test]
fn a_short_quote_stands_only_where_it_is_claimed() {
    let diff = diff_of(PATCH);
    assert_eq!(at(&diff, NEW, (14, 14), "}"), Ok((NEW, 14, 14, Resolution::Exact)));
    assert_eq!(at(&diff, NEW, (14, 14), "  }  "), Ok((NEW, 14, 14, Resolution::Whitespace)));
    assert_eq!(at(&diff, OLD, (13, 13), "}"), Ok((NEW, 14, 14, Resolution::Exact)));
    for (side, lines) in
        [(NEW, (13, 13)), (NEW, (31, 33)), (NEW, (15, 32)), (NEW, (10, 40)), (NEW, (0, 0)), (OLD, (14, 14))]
    {
        assert_eq!(at(&diff, side, lines, "}"), Err(Unanchored::QuoteTooShort), "{side:?} {lines:?}");
    }
    assert_eq!(at(&diff, NEW, (14, 14), "{"), Err(Unanchored::QuoteNotFound));
}

#[test]
fn a_quote_over_the_gap_between_hunks_keeps_the_part_at_the_claimed_line() {
    let diff = diff_of(PATCH);
    let over = "    finish(first);\n}\nfn g_starts() {\n    let third = 3;";
    assert_eq!(at(&diff, NEW, (13, 31), over), Ok((NEW, 13, 14, Resolution::Collapsed)));
    assert_eq!(at(&diff, NEW, (31, 31), over), Ok((NEW, 30, 31, Resolution::Collapsed)));
    let backwards = "    finish(first);\n}\n    let first = 1;\n    let second = 3;";
    assert_eq!(at(&diff, NEW, (13, 13), backwards), Err(Unanchored::QuoteNotFound));
    let with_a_hole = "    let third = 3;\n    finish(first);\nfn g_starts() {";
    assert_eq!(at(&diff, NEW, (12, 30), with_a_hole), Err(Unanchored::QuoteNotFound));
}

#[test]
fn what_models_put_around_a_path_is_taken_off() {
    let mut diff = diff_of(PATCH);
    diff.files.push(parse_patch("lib.rs", None, Status::Added, "@@ -0,0 +1 @@\n+other_file\n").0);
    let file = |path: &str| named_file(&diff, path).map(|file| file.path.as_str());
    for path in [
        "src/lib.rs",
        "b/src/lib.rs",
        "./src/lib.rs",
        " src/lib.rs\n",
        "src\\lib.rs",
        "src/old.rs",
        "a/src/old.rs",
        "/home/me/repo/src/lib.rs",
        "C:\\repo\\src\\lib.rs",
        "C:\\work\\repo\\src\\old.rs",
        "repo/src/old.rs",
    ] {
        assert_eq!(file(path), Some("src/lib.rs"), "{path}");
    }
    assert_eq!(file("/repo/lib.rs"), Some("lib.rs"));
    for path in ["xsrc/lib.rsx", "other/xlib.rs", "src", "rs"] {
        assert_eq!(file(path), None, "{path}");
    }
}

#[test]
fn a_claim_without_a_place_says_why() {
    let mut diff = diff_of(PATCH);
    diff.files
        .extend(parse(Bytes::from_static(b"diff --git a/p b/p\nBinary files a/p and b/p differ\n")).0.files);
    let why = |path: &str, quote: &str| {
        let claim = Claim { path, side: NEW, line_start: 1, line_end: 1, quote };
        let Placement::Unanchored { why } = Resolver::new(&diff).resolve(&claim) else {
            panic!("{path} {quote} is anchored")
        };
        why
    };
    assert_eq!(why(" ", "some_code"), Unanchored::NoPath);
    assert_eq!(why("src/none.rs", "some_code"), Unanchored::FileNotInDiff);
    assert_eq!(why("p", "some_code"), Unanchored::NoHunks);
    assert_eq!(why("src/lib.rs", " \n\n"), Unanchored::NoQuote);
    assert_eq!(why("src/lib.rs", "some_code"), Unanchored::QuoteNotFound);
    assert_eq!(why("src/lib.rs", &"some_code\n".repeat(1000)), Unanchored::QuoteNotFound);
    assert_eq!(why("src/lib.rs", "+|"), Unanchored::QuoteNotFound);
}

/// Code that looks alike, now and then with bytes that do not show as they are.
fn any_line() -> impl Strategy<Value = (char, String)> {
    let text = prop_oneof![
        4 => "[ ]{0,4}(let|return|value_one|[}])",
        1 => "[^\n]{0,6}",
        1 => "[-+|0-9 ]{1,5}",
        1 => "[a-c]{6}[\r\0\u{c}\u{202e}⟨␍]{0,2}",
        1 => "x{1990,2030}",
    ];
    (prop::sample::select(vec![' ', '+', '-']), text)
}

fn any_patch() -> impl Strategy<Value = String> {
    prop::collection::vec(any_line(), 1..12).prop_map(|lines| {
        let count = |sign: char| lines.iter().filter(|line| line.0 == sign || line.0 == ' ').count();
        let (old, new) = (count('-'), count('+'));
        let start = |length: usize| if length == 0 { 0 } else { 5 };
        let mut out = format!("@@ -{},{old} +{},{new} @@\n", start(old), start(new));
        lines.iter().for_each(|(sign, text)| out += &format!("{sign}{text}\n"));
        out
    })
}

#[test]
fn a_quote_that_is_almost_right_lands_near_its_line_where_nothing_else_is_as_likely() {
    let diff = diff_of(PATCH);
    let close = Ok((NEW, 10, 10, Resolution::Approximate));
    for quote in ["    let frist = 1;", "let first == 1;", "10  | let fist = 1;", "letfirst = 1;"] {
        assert_eq!(at(&diff, NEW, (10, 10), quote), close, "{quote}");
    }
    assert_eq!(at(&diff, NEW, (40, 40), "let first = 1"), close);
    assert_eq!(at(&diff, OLD, (11, 11), "let second = 2 ;"), Ok((OLD, 11, 11, Resolution::Approximate)));
    for (lines, quote, why) in [
        ((41, 41), "let first = 1", "beyond 30 lines"),
        ((0, 0), "let first = 1", "no line is claimed"),
        ((10, 10), "let fist = one;", "less than .85"),
        ((11, 11), "let second = 4;", "the deleted line is as close"),
        ((13, 13), "finish(frist);", "two lines say so"),
        ((12, 12), "let thirty = 3;", "two lines say almost so"),
    ] {
        assert_eq!(at(&diff, NEW, lines, quote), Err(Unanchored::QuoteNotFound), "{why}");
    }
    assert_eq!(at(&diff, NEW, (14, 14), "};"), Err(Unanchored::QuoteNotFound));
}

#[test]
fn white_space_is_forgiven_on_the_claimed_line_before_other_lines_are_looked_at() {
    let diff = diff_of("@@ -0,0 +1,3 @@\n+same_line\n+other\n+    same_line\n");
    assert_eq!(at(&diff, NEW, (1, 1), "    same_line"), Ok((NEW, 1, 1, Resolution::Whitespace)));
    assert_eq!(at(&diff, NEW, (2, 2), "    same_line"), Ok((NEW, 3, 3, Resolution::Moved)));
    assert_eq!(at(&diff, NEW, (3, 3), "    same_line"), Ok((NEW, 3, 3, Resolution::Exact)));
}

proptest! {
    #[test]
    fn every_line_is_found_as_the_lanes_see_it_with_and_without_its_number(patch in any_patch()) {
        let diff = diff_of(&patch);
        let mut text = String::new();
        render(&diff.files[0], &mut text);
        for (line, shown) in diff.files[0].lines().zip(text.split('\n').skip(2)) {
            let (side, number) = if line.kind == LineKind::Deleted { (OLD, line.old) } else { (NEW, line.new) };
            let number = number.unwrap();
            let code = strip_gutter(shown).unwrap();
            let raw = String::from_utf8_lossy(&line.text);
            if code.trim().is_empty() || raw.trim_start_matches('\u{feff}').trim().is_empty() {
                continue;
            }
            for quote in [code, shown, &raw] {
                let found = at(&diff, side, (number, number), quote);
                prop_assert_eq!(found.map(|f| (f.0, f.1, f.2)), Ok((side, number, number)), "{:?}", quote);
            }
        }
    }

    #[test]
    fn whatever_is_found_is_a_place_in_one_hunk_where_the_quote_stands(
        patch in any_patch(),
        quote in "([ ]{0,2}(let|return|value_one|[}])\n){1,3}|[^\0]{0,10}",
        (side, start, length) in (prop::sample::select(vec![NEW, OLD]), 0..12_u32, 0..4_u32),
    ) {
        let diff = diff_of(&patch);
        let Ok((side, start, end, how)) = at(&diff, side, (start, start + length), &quote) else { return Ok(()) };
        prop_assert!(start <= end);
        for number in start..=end {
            let stands = |line: &&Line| match side {
                NEW => line.new == Some(number),
                OLD => line.old == Some(number) && line.kind == LineKind::Deleted,
            };
            let line = diff.files[0].lines().find(stands);
            prop_assert!(line.is_some());
            if how == Resolution::Approximate {
                continue;
            }
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<String>();
            let text = words(&visible(&line.unwrap().text));
            let all = words(&visible(quote.replace('\n', "").as_bytes()));
            prop_assert!(all.contains(&text), "{text:?} {all:?}");
        }
    }
}

#[test]
fn a_quote_from_around_the_change_is_not_dragged_into_it() {
    let diff = diff_of(PATCH);
    let shown = |hunk, number, text: &str| Surrounding {
        hunk,
        beside: Beside::Before,
        lines: vec![(number, Bytes::from(text.to_owned()))],
    };
    let around = Around::from([(
        "src/lib.rs".to_owned(),
        vec![shown(0, 9, "fn f(first: u64) {"), shown(1, 29, "    let thirds = 3;")],
    )]);
    let at = |lines: (u32, u32), quote: &str| {
        let claim = Claim { path: "src/lib.rs", side: NEW, line_start: lines.0, line_end: lines.1, quote };
        match Resolver::new(&diff).knowing(&around).resolve(&claim) {
            Placement::Anchored(anchor) => Ok((anchor.start, anchor.end, anchor.how)),
            Placement::Unanchored { why } => Err(why),
        }
    };
    // Without knowing it, this is almost `let third = 3;`.
    assert_eq!(at((29, 29), "    let thirds = 3;"), Err(Unanchored::Unchanged));
    assert_eq!(at((29, 29), "   29 :|     let thirds = 3;"), Err(Unanchored::Unchanged));
    // Under its own number it is meant, even where the change says the same.
    let twin = Around::from([("src/lib.rs".to_owned(), vec![shown(0, 2, "    let third = 3;")])]);
    let claim =
        Claim { path: "src/lib.rs", side: NEW, line_start: 2, line_end: 2, quote: "    let third = 3;" };
    let placement = Resolver::new(&diff).knowing(&twin).resolve(&claim);
    assert_eq!(placement, Placement::Unanchored { why: Unanchored::Unchanged });
    let over_the_border = "fn f(first: u64) {\n    let first = 1;\n    let second = 3;";
    assert_eq!(at((9, 11), over_the_border), Ok((10, 11, Resolution::Collapsed)));
    assert_eq!(at((11, 11), "    let seconds = 3;"), Ok((11, 11, Resolution::Approximate)));
}
