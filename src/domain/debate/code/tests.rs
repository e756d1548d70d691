use proptest::prelude::*;

use super::*;
use crate::domain::diff::{Status, parse_patch};
use crate::domain::finding::{Anchor, Finding, Placement, Resolution, Severity, Unanchored};
use crate::domain::units::LaneName;

fn finding(path: &str, line: u32, quote: &str, title: &str, body: &str) -> Raised {
    let finding = Finding {
        id: "1".to_owned(),
        path: path.to_owned(),
        side: Side::New,
        line_start: line,
        line_end: line,
        quote: quote.to_owned(),
        evidence: Vec::new(),
        category: None,
        severity: Severity::High,
        confidence: None,
        title: title.to_owned(),
        body: body.to_owned(),
        failure_scenario: String::new(),
        suggestion: None,
    };
    let placement = Placement::Unanchored { why: Unanchored::Unchanged };
    Raised { lane: LaneName::new("one"), finding, placement, informed: false }
}

fn texts(files: &[(&str, &str)]) -> BTreeMap<String, Bytes> {
    files.iter().map(|(path, text)| ((*path).to_owned(), Bytes::from((*text).to_owned()))).collect()
}

const SHOP: &str = "use crate::till::Till;\n\n/// Gives the goods back.\n///\n/// Never twice.\npub fn release(order: u64) -> bool {\n    let kept = hold(order);\n    if kept {\n        log(order);\n    }\n    unlock(order)\n}\n\nfn unlock(order: u64) -> bool {\n    order > 0\n}\n";
const HOLD: &str = "pub fn hold(order: u64) -> bool {\n    // hold(order) is cheap\n    order != LIMIT\n}\n\nconst LIMIT: u64 = 3;\n";
const CLOSE: &str = "use crate::shop::release;\n\nimpl Day {\n    fn close(&mut self) {\n        for order in self.orders() {\n            self.count(order);\n            self.count(order);\n            if release(order) {\n                self.done(order);\n            }\n            self.count(order);\n        }\n    }\n}\n";

fn files() -> BTreeMap<String, Bytes> {
    texts(&[
        ("src/shop.rs", SHOP),
        ("src/store/hold.rs", HOLD),
        ("src/day.rs", CLOSE),
        ("src/day_test.rs", "fn test_release() {\n    assert!(release(3));\n}\n"),
        ("other/far/away.rs", "fn far() {\n    release(4);\n}\n"),
    ])
}

fn target() -> Raised {
    finding("src/shop.rs", 8, "    if kept {", "`release` unlocks what `hold` kept", "The order is lost.")
}

#[test]
fn a_claim_comes_with_its_function_its_definitions_and_its_callers() {
    let code = excerpts(&[&target()], &files(), &[], &Secrets::default(), 10_000);
    insta::assert_snapshot!(render(&code), @"
    === other/far/away.rs
    @@ uses of release
    1 :| fn far() {
    2 :|     release(4);
    3 :| }
    === src/day.rs
    @@ uses of release
     4 :|     fn close(&mut self) {
     5 :|         for order in self.orders() {
     6 :|             self.count(order);
     7 :|             self.count(order);
     8 :|             if release(order) {
     9 :|                 self.done(order);
    10 :|             }
    === src/day_test.rs
    @@ uses of release
    1 :| fn test_release() {
    2 :|     assert!(release(3));
    3 :| }
    === src/shop.rs
    @@ the function from line 6
     3 :| /// Gives the goods back.
     4 :| ///
     5 :| /// Never twice.
     6 :| pub fn release(order: u64) -> bool {
     7 :|     let kept = hold(order);
     8 :|     if kept {
     9 :|         log(order);
    10 :|     }
    11 :|     unlock(order)
    12 :| }
    === src/store/hold.rs
    @@ definition of hold
    1 :| pub fn hold(order: u64) -> bool {
    2 :|     // hold(order) is cheap
    3 :|     order != LIMIT
    4 :| }
    ");
}

#[test]
fn what_the_diff_shows_already_is_not_shown_again() {
    let patch = "@@ -6,4 +6,4 @@\n pub fn release(order: u64) -> bool {\n     let kept = hold(order);\n-    if !kept {\n+    if kept {\n         log(order);\n";
    let (file, _) = parse_patch("src/shop.rs", None, Status::Modified, patch);
    let mut raised = target();
    raised.placement = Placement::Anchored(Anchor {
        path: "src/shop.rs".to_owned(),
        side: Side::Old,
        start: 8,
        end: 8,
        how: Resolution::Exact,
    });
    let only = texts(&[("src/shop.rs", SHOP)]);
    let code = excerpts(&[&raised, &raised], &only, &[&file], &Secrets::default(), 10_000);
    insta::assert_snapshot!(render(&code), @"
    === src/shop.rs
    @@ the function from line 6
     3 :| /// Gives the goods back.
     4 :| ///
     5 :| /// Never twice.
       …
    10 :|     }
    11 :|     unlock(order)
    12 :| }
    ");
}

#[test]
fn a_long_function_shows_its_head_its_end_and_what_stands_around_the_claim() {
    let steps: String = (1..=400).map(|at| format!("    step_{at}();\n")).collect();
    let text = format!("fn long(\n    order: u64,\n) {{\n{steps}}}\n");
    let raised = finding("a.rs", 200, "", "x", "");
    let code = excerpts(&[&raised], &texts(&[("a.rs", &text)]), &[], &Secrets::default(), 100_000);
    let numbers: Vec<u32> = code[0].lines.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers.len(), 120);
    assert_eq!((&numbers[..3], numbers[3], numbers[111]), (&[1, 2, 3][..], 146, 254));
    assert_eq!(numbers[112..], [397, 398, 399, 400, 401, 402, 403, 404]);
    let tight = excerpts(&[&raised], &texts(&[("a.rs", &text)]), &[], &Secrets::default(), 400);
    assert!(tight[0].lines.iter().any(|(number, _)| *number == 200), "{tight:?}");
}

#[test]
fn secrets_are_replaced_and_long_lines_cut() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    let text = format!(
        "fn pay() {{\n    let key = \"{token}\";\n    known_value();\n    x\u{202e}y();\n    {}\n    here();\n}}\n",
        "long ".repeat(100)
    );
    let raised = finding("a.rs", 6, "here()", "x", "");
    let secrets = Secrets::new(["known_value".to_owned()]);
    let code = excerpts(&[&raised], &texts(&[("a.rs", &text), ("b.png", "here()\0")]), &[], &secrets, 10_000);
    let shown = render(&code).replace(&"long ".repeat(59), "long … long ");
    insta::assert_snapshot!(shown, @r#"
    === a.rs
    @@ the function from line 1
    1 :| fn pay() {
    2 :|     let key = "[redacted: GitHub token]";
    3 :|     ***();
    4 :|     x⟨U+202E⟩y();
    5 :|     long … long l …
    6 :|     here();
    7 :| }
    "#);
}

#[test]
fn whoever_guesses_at_a_secret_learns_nothing() {
    let text = "fn pay() {\n    a();\n}\n\nfn other() {\n    take(known_value);\n}\n";
    let raised = finding("a.rs", 2, "", "`known_value` leaks", "");
    let secrets = Secrets::new(["known_value".to_owned()]);
    let code = excerpts(&[&raised], &texts(&[("a.rs", text)]), &[], &secrets, 10_000);
    assert!(!render(&code).contains("take"), "{code:?}");
}

#[test]
fn names_come_from_code_and_from_what_is_marked_as_code() {
    let names = |quote: &str, title: &str, body: &str| words(&finding("a.rs", 1, quote, title, body).finding);
    assert_eq!(
        names(
            "    let total = sum_of(items, \"not a name\"); // nor this",
            "`sum_of` overflows when the order is large",
            "OrderList::checked_sum() is what callers of computeTotal() in `src/shop.rs` rely on. It returns None."
        ),
        ["sum_of", "checked_sum", "computeTotal", "OrderList", "total", "items"]
    );
    assert_eq!(names("", "wrong in `src/shop.rs` and `src/pay/mod.rs`", ""), [""; 0], "these are files");
    assert_eq!(
        names("if (x) return self.fn;", "The `if` is wrong", "e.g. this is prose. Nothing else."),
        [""; 0]
    );
}

#[test]
fn files_are_near_that_share_their_folders() {
    assert_eq!(distance("src/a/b.rs", "src/a/b.rs"), 0);
    assert_eq!(distance("src/a/b.rs", "src/a/c.rs"), 1);
    assert_eq!(distance("src/a/b.rs", "src/c.rs"), 2);
    assert_eq!(distance("src/a/b.rs", "lib/c.rs"), 4);
}

proptest! {
    #[test]
    fn excerpts_are_lines_of_the_files_none_twice_none_of_the_diff_within_the_budget(
        lines in prop::collection::vec("[ ]{0,6}(fn pay\\(\\) \\{|\\}|pay\\(\\);|if hold:|end|\\)|hold = 1|#if|é|)", 1..60),
        picks in prop::collection::vec((any::<prop::sample::Index>(), "[a-z `]{0,9}(pay|`hold`)"), 1..4),
        budget in 0..3_000_usize,
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let patch = format!("@@ -0,0 +1,1 @@\n+{}\n", lines[0]);
        let (file, _) = parse_patch("a/a.rs", None, Status::Modified, &patch);
        let files = texts(&[("a/a.rs", &text), ("b.rs", &text)]);
        let raised: Vec<Raised> = picks
            .iter()
            .map(|(pick, title)| finding("a/a.rs", u32::try_from(pick.index(lines.len())).unwrap(), "pay()", title, ""))
            .collect();
        let raised: Vec<&Raised> = raised.iter().collect();
        let code = excerpts(&raised, &files, &[&file], &Secrets::default(), budget);
        prop_assert!(render(&code).len() <= budget);
        prop_assert_eq!(&code, &excerpts(&raised, &files, &[&file], &Secrets::default(), budget));
        let mut told = BTreeSet::new();
        for excerpt in &code {
            prop_assert!(excerpt.lines.is_sorted_by(|one, next| one.0 < next.0));
            for (number, line) in &excerpt.lines {
                prop_assert_eq!(line, &lines[*number as usize - 1]);
                prop_assert!(told.insert((&excerpt.path, number)), "twice");
                prop_assert!((&*excerpt.path, *number) != ("a/a.rs", 1), "in the diff");
            }
        }
    }

    #[test]
    fn no_file_and_no_finding_is_too_odd(text in "\\PC{0,200}", quote in "(.|\n){0,40}", line in any::<u32>()) {
        let raised = finding("a.rs", line, &quote, &quote, &text);
        let files = texts(&[("a.rs", &text), ("b.py", &quote)]);
        let _ = render(&excerpts(&[&raised], &files, &[], &Secrets::default(), 1_000));
    }
}
