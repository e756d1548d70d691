use proptest::prelude::*;

use super::*;
use crate::domain::diff::visible;
use crate::domain::diff::{number_width, parse_patch, render_hunk_heading, render_lines, render_surrounding};

/// The diff that adds the lines with these numbers to the rest of the text, made as git makes it.
fn added(path: &str, text: &str, numbers: &[u32]) -> FileDiff {
    let lines: Vec<(u32, &str)> = (1..).zip(text.split_terminator('\n')).collect();
    let near = |number: u32| numbers.iter().any(|changed| number.abs_diff(*changed) <= 3);
    let mut patch = String::new();
    for group in lines.chunk_by(|one, next| near(one.0) == near(next.0)).filter(|group| near(group[0].0)) {
        let new = group[0].0;
        let before = u32::try_from(numbers.iter().filter(|number| **number < new).count()).unwrap();
        let added = group.iter().filter(|(number, _)| numbers.contains(number)).count();
        let kept = group.len() - added;
        let old = if kept == 0 { new - before - 1 } else { new - before };
        patch += &format!("@@ -{old},{kept} +{new},{} @@\n", group.len());
        for (number, line) in group {
            patch += &format!("{}{line}\n", if numbers.contains(number) { '+' } else { ' ' });
        }
    }
    let (file, problems) = parse_patch(path, None, Status::Modified, &patch);
    assert_eq!(problems, Vec::<String>::new(), "{patch}");
    file
}

fn around(file: &FileDiff, text: &str) -> Vec<Surrounding> {
    super::around(file, text.as_bytes(), &Secrets::default(), MOST)
}

/// A file as the lanes read it, with what stands around its hunks.
fn shown(file: &FileDiff, surroundings: &[Surrounding]) -> String {
    let width = number_width(file, surroundings);
    let mut out = String::new();
    for (index, hunk) in file.hunks.iter().enumerate() {
        let beside = |side| surroundings.iter().filter(move |s| s.hunk == index && s.beside == side);
        render_hunk_heading(hunk, &mut out);
        beside(Beside::Before).for_each(|surrounding| render_surrounding(surrounding, width, &mut out));
        render_lines(hunk, 0..hunk.lines.len(), width, &mut out);
        beside(Beside::After).for_each(|surrounding| render_surrounding(surrounding, width, &mut out));
    }
    out
}

fn read(path: &str, text: &str, numbers: &[u32]) -> String {
    let file = added(path, text, numbers);
    shown(&file, &around(&file, text))
}

/// `count` lines of a body.
fn body(indent: &str, count: usize) -> String {
    (1..=count).map(|step| format!("{indent}step({step});\n")).collect()
}

#[test]
fn rust_shows_the_impl_the_signature_the_branches_and_the_nearest_lines() {
    let text = format!(
        "impl Shop {{\n    fn other(&self) {{\n        nothing();\n    }}\n\n    pub(crate) fn pay(\n        &self,\n        amount: u64,\n    ) -> Result<(), Error> {{\n{}        if amount > 0 {{\n{}            changed();\n            step();\n        }}\n{}    }}\n\n    fn next() {{}}\n}}\n",
        body("        ", 12),
        body("            ", 25),
        body("        ", 12),
    );
    insta::assert_snapshot!(read("a.rs", &text, &[48]), @r"
    @@
     1 :| impl Shop {
       …
     6 :|     pub(crate) fn pay(
     7 :|         &self,
     8 :|         amount: u64,
     9 :|     ) -> Result<(), Error> {
       …
    22 :|         if amount > 0 {
       …
    25 :|             step(3);
    26 :|             step(4);
    27 :|             step(5);
    28 :|             step(6);
    29 :|             step(7);
    30 :|             step(8);
    31 :|             step(9);
    32 :|             step(10);
    33 :|             step(11);
    34 :|             step(12);
    35 :|             step(13);
    36 :|             step(14);
    37 :|             step(15);
    38 :|             step(16);
    39 :|             step(17);
    40 :|             step(18);
    41 :|             step(19);
    42 :|             step(20);
    43 :|             step(21);
    44 :|             step(22);
    45  |             step(23);
    46  |             step(24);
    47  |             step(25);
    48 +|             changed();
    49  |             step();
    50  |         }
    51  |         step(1);
    52 :|         step(2);
    53 :|         step(3);
    54 :|         step(4);
    55 :|         step(5);
    56 :|         step(6);
    57 :|         step(7);
    58 :|         step(8);
    59 :|         step(9);
    60 :|         step(10);
    61 :|         step(11);
    ");
}

#[test]
fn python_shows_the_class_and_the_def() {
    let text = "class Shop:\n    \"\"\"Sells.\n\nThings.\n    \"\"\"\n\n    @cached\n    def price(self,\n              name):\n        query = \"\"\"\nSELECT price\nFROM shop\n\"\"\"\n        rows = []\n        for row in self.run(query):\n            rows.append(row)\n            x = 1\n            y = 2\n        else:\n            a = 1\n            b = 2\n            c = 3\n            changed = 1\n            d = 4\n        return rows\n\n    def other(self):\n        pass\n";
    insta::assert_snapshot!(read("a.py", text, &[23]), @r#"
    @@
     1 :| class Shop:
       …
     8 :|     def price(self,
     9 :|               name):
    10 :|         query = """
    11 :| SELECT price
    12 :| FROM shop
    13 :| """
    14 :|         rows = []
    15 :|         for row in self.run(query):
    16 :|             rows.append(row)
    17 :|             x = 1
    18 :|             y = 2
    19 :|         else:
    20  |             a = 1
    21  |             b = 2
    22  |             c = 3
    23 +|             changed = 1
    24  |             d = 4
    25  |         return rows
    26  |
    "#);
}

#[test]
fn a_function_of_c_is_known_by_its_bracket_whatever_stands_in_the_first_column() {
    let text = format!(
        "#include <a.h>\n\nstatic int\npay(struct shop *s,\n    int amount)\n{{\n    int x;\n{}#ifdef DEBUG\n    log();\n#endif\n    switch (x) {{\n    case 1:\n        one();\n    case 2:\n        a();\n        b();\n        c();\n        changed();\n        break;\n    }}\nout:\n    release();\n    return x;\n}}\n\nint other(void)\n{{\n    return 0;\n}}\n",
        body("    ", 30),
    );
    insta::assert_snapshot!(read("a.c", &text, &[48]), @r"
    @@
     4 :| pay(struct shop *s,
     5 :|     int amount)
       …
    25 :|     step(18);
    26 :|     step(19);
    27 :|     step(20);
    28 :|     step(21);
    29 :|     step(22);
    30 :|     step(23);
    31 :|     step(24);
    32 :|     step(25);
    33 :|     step(26);
    34 :|     step(27);
    35 :|     step(28);
    36 :|     step(29);
    37 :|     step(30);
    38 :| #ifdef DEBUG
    39 :|     log();
    40 :| #endif
    41 :|     switch (x) {
    42 :|     case 1:
    43 :|         one();
    44 :|     case 2:
    45  |         a();
    46  |         b();
    47  |         c();
    48 +|         changed();
    49  |         break;
    50  |     }
    51  | out:
    52 :|     release();
    53 :|     return x;
    54 :| }
    ");
}

#[test]
fn ruby_yaml_and_callbacks_have_blocks_too() {
    let ruby = "module Shop\n  class Till\n    def pay(amount)\n      a\n      b\n      c\n      items.each do |item|\n        d\n        e\n        f\n        changed\n        g\n      end\n    end\n\n    def other\n    end\n  end\nend\n";
    let yaml = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n      - name: Test\n        env:\n          A: 1\n          B: 2\n          C: 3\n          D: 4\n          E: changed\n          F: 6\n  other:\n    steps: []\n";
    let calls = "describe('shop', () => {\n  it('pays', async () => {\n    const a = 1;\n    const b = 2;\n    const c = 3;\n    const d = 4;\n    if (a) {\n      changed();\n    }\n  });\n\n  it('sells', () => {});\n});\n";
    insta::assert_snapshot!(read("a.rb", ruby, &[11]), @r"
    @@
     1 :| module Shop
     2 :|   class Till
     3 :|     def pay(amount)
     4 :|       a
     5 :|       b
     6 :|       c
     7 :|       items.each do |item|
     8  |         d
     9  |         e
    10  |         f
    11 +|         changed
    12  |         g
    13  |       end
    14  |     end
    ");
    insta::assert_snapshot!(read("a.yml", yaml, &[13]), @r"
    @@
     2 :| jobs:
     3 :|   test:
       …
     5 :|     steps:
       …
     7 :|       - name: Test
     8 :|         env:
     9 :|           A: 1
    10  |           B: 2
    11  |           C: 3
    12  |           D: 4
    13 +|           E: changed
    14  |           F: 6
    15  |   other:
    16  |     steps: []
    ");
    insta::assert_snapshot!(read("a.js", calls, &[8]), @r"
    @@
     1 :| describe('shop', () => {
     2 :|   it('pays', async () => {
     3 :|     const a = 1;
     4 :|     const b = 2;
     5  |     const c = 3;
     6  |     const d = 4;
     7  |     if (a) {
     8 +|       changed();
     9  |     }
    10  |   });
    11  |
    ");
}

#[test]
fn a_changed_signature_shows_what_follows_and_two_hunks_share_their_function() {
    let text = format!(
        "fn one() {{\n    a();\n}}\n\nfn pay(amount: u64) {{\n{}    last();\n}}\n\nfn two() {{}}\n",
        body("    ", 24)
    );
    insta::assert_snapshot!(read("a.rs", &text, &[5, 22]), @r"
    @@
     2  |     a();
     3  | }
     4  |
     5 +| fn pay(amount: u64) {
     6  |     step(1);
     7  |     step(2);
     8  |     step(3);
     9 :|     step(4);
    10 :|     step(5);
    11 :|     step(6);
    12 :|     step(7);
    13 :|     step(8);
    14 :|     step(9);
    15 :|     step(10);
    16 :|     step(11);
    17 :|     step(12);
    18 :|     step(13);
    @@
    19  |     step(14);
    20  |     step(15);
    21  |     step(16);
    22 +|     step(17);
    23  |     step(18);
    24  |     step(19);
    25  |     step(20);
    26 :|     step(21);
    27 :|     step(22);
    28 :|     step(23);
    29 :|     step(24);
    30 :|     last();
    31 :| }
    ");
}

#[test]
fn what_holds_its_function_or_stands_in_none_has_no_surroundings() {
    for (text, numbers) in [
        ("fn f() {\n    a();\n    b();\n    c();\n}\n", vec![3]),
        ("one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n", vec![5]),
        ("a\n\n\n\n\nfn new() {\n    b();\n}\n\n\n\n\nc\n", vec![6, 7, 8]),
    ] {
        let file = added("a.rs", text, &numbers);
        assert_eq!(around(&file, text), [], "{text}");
    }
}

#[test]
fn another_version_of_the_file_is_no_context() {
    let text = format!("fn f() {{\n{}}}\n", body("    ", 30));
    let file = added("a.rs", &text, &[20]);
    assert_eq!(around(&file, &text).len(), 2);
    assert_eq!(around(&file, &text.replace('\n', "\r\n")).len(), 2);
    for wrong in
        [text.replace("step(19)", "step(0)"), text.replacen('\n', "\n\n", 1), body("    ", 15), String::new()]
    {
        assert_eq!(around(&file, &wrong), []);
    }
    for status in [Status::Added, Status::Deleted, Status::TypeChanged] {
        assert_eq!(around(&FileDiff { status, ..file.clone() }, &text), []);
    }
}

#[test]
fn secrets_in_the_surroundings_are_replaced_and_hidden_characters_shown() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    let key: String = (0..4).map(|_| format!("    {}\n", "QmFzZTY0".repeat(8))).collect();
    let text = format!(
        "fn f() {{\n    let key = \"-----BEGIN RSA {} KEY-----\n{key}    -----END RSA PRIVATE KEY-----\";\n    let t = \"{token}\";\n    known_value();\n    x\u{202e}y();\n    a();\n    b();\n    c();\n    changed();\n}}\n",
        "PRIVATE"
    );
    let number = u32::try_from(text.lines().count()).unwrap() - 1;
    let file = added("a.rs", &text, &[number]);
    let secrets = Secrets::new(["known_value".to_owned()]);
    let found = super::around(&file, text.as_bytes(), &secrets, MOST);
    insta::assert_snapshot!(shown(&file, &found), @r#"
    @@
     1 :| fn f() {
     2 :|     let key = "[redacted: private key]
     3 :|     [redacted: private key]
     4 :|     [redacted: private key]
     5 :|     [redacted: private key]
     6 :|     [redacted: private key]
     7 :|     -----END RSA PRIVATE KEY-----";
     8 :|     let t = "[redacted: GitHub token]";
     9 :|     ***();
    10 :|     x⟨U+202E⟩y();
    11  |     a();
    12  |     b();
    13  |     c();
    14 +|     changed();
    15  | }
    "#);
}

#[test]
fn the_budget_is_kept_and_shared_and_spent_on_the_nearest_first() {
    let function = format!("fn f() {{\n{}}}\n", body("    ", 60));
    let text = function.repeat(2);
    let file = added("a.rs", &text, &[40, 100]);
    let found = super::around(&file, text.as_bytes(), &Secrets::default(), 200);
    assert!(found.iter().map(Surrounding::cost).sum::<usize>() <= 200);
    let numbers = |found: &[Surrounding]| -> Vec<Vec<u32>> {
        found.iter().map(|part| part.lines.iter().map(|(number, _)| *number).collect()).collect()
    };
    assert_eq!(numbers(&found), vec![vec![1, 34, 35, 36], vec![44], vec![63, 94, 95, 96], vec![104]]);
    assert_eq!(super::around(&file, text.as_bytes(), &Secrets::default(), 10), []);
    let texts = Texts { files: BTreeMap::from([("a.rs".to_owned(), Bytes::from(text))]), ..Texts::default() };
    let other = FileDiff { path: "b.rs".to_owned(), ..file.clone() };
    let found = of_files(&[&file, &other], &texts, &Secrets::default());
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a.rs"]);
    assert!(found["a.rs"].iter().map(Surrounding::cost).sum::<usize>() <= LEAST);
}

#[test]
fn nonsense_is_read_in_no_time_and_shown_sparingly() {
    let deep: String = (0..900).map(|depth| format!("{}{{\n", " ".repeat(depth))).collect();
    let minified = format!("{}\n", "function f(){return 1};".repeat(2_000)).repeat(9);
    let blank = "\n".repeat(100_000);
    let open = "f(\n".repeat(50_000);
    for text in [deep, minified, blank, open, "\u{feff}\t \t}{\0\r\n".repeat(30_000)] {
        let lines = u32::try_from(text.lines().count()).unwrap();
        let numbers: Vec<u32> = (1..lines).step_by(500.min(lines as usize / 3)).collect();
        let file = added("a", &text, &numbers);
        let cost: usize = around(&file, &text).iter().map(Surrounding::cost).sum();
        assert!(cost <= MOST);
    }
}

proptest! {
    #[test]
    fn surroundings_are_lines_of_the_text_outside_all_hunks_in_order_within_the_budget(
        lines in prop::collection::vec("[ ]{0,6}(fn f\\(\\) \\{|\\}|if x:|end|\\)|x\\(|out:|#if|case 1:|value|é\u{1}|)\r?", 1..80),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        budget in 0..600_usize,
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let mut numbers: Vec<u32> =
            picks.iter().map(|pick| u32::try_from(pick.index(lines.len()) + 1).unwrap()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let file = added("f", &text, &numbers);
        let found = super::around(&file, text.as_bytes(), &Secrets::default(), budget);
        let mut cost = 0;
        let mut last = 0;
        for part in &found {
            prop_assert!(!part.lines.is_empty() && part.lines.len() <= 60);
            let (start, end) = extent(&file.hunks[part.hunk]);
            let mut out = String::new();
            render_surrounding(part, 3, &mut out);
            let stripped: Vec<&str> = out.lines().filter_map(crate::domain::diff::strip_gutter).collect();
            prop_assert_eq!(stripped.len(), part.lines.len());
            for ((number, line), stripped) in part.lines.iter().zip(stripped) {
                let at = *number as usize - 1;
                prop_assert_eq!(&line[..], bare(lines[at].as_bytes()));
                prop_assert_eq!(stripped, visible(line));
                prop_assert!(*number > last, "in order and never twice");
                prop_assert!(file.lines().all(|line| line.new != Some(*number)));
                prop_assert_eq!(part.beside == Beside::Before, at < start);
                prop_assert!(at < start || at >= end);
                last = *number;
                cost += super::cost(line);
            }
        }
        prop_assert!(cost <= budget);
    }
}
