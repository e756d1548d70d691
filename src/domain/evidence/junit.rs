//! Test results in JUnit XML: no standard, but what Maven's Surefire began and every runner writes today.
//!
//! Everything read is untrusted text. Entities that a file declares itself are not expanded.

use std::sync::LazyLock;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::domain::sarif::{LARGEST, one_line, start};

/// The most tests that are taken from one file.
pub const MOST_TESTS: usize = 50_000;

/// Elements are nested no deeper than this by any runner.
const DEEPEST: usize = 60;

/// The most places that are taken from one trace: the frames behind are those of the runner.
const MOST_PLACES: usize = 30;

/// The longest texts kept, in characters.
const LONGEST_NAME: usize = 300;
const LONGEST_MESSAGE: usize = 600;
const LONGEST_TRACE: usize = 8_000;

/// One test that ran. Empty and `None` mean unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// The suite it stands in.
    pub suite: String,
    /// The class, module or package it belongs to.
    pub class: String,
    /// Its name.
    pub name: String,
    /// The file it is written in.
    pub file: String,
    /// The line it begins at, counted from 1.
    pub line: Option<u32>,
    /// How it failed; nothing if it passed.
    pub failure: Option<Failure>,
}

/// How a test failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the runner says, on one line.
    pub message: String,
    /// How its report begins, on one line.
    pub text: String,
    /// The places that the report names, in its order, each once.
    pub places: Vec<Spot>,
}

/// A line of a file, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The file, with `/` between folders.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// Reads the text of a JUnit file: the tests that passed or failed, in order, and what could not be used. Tests that
/// were skipped are left out.
#[must_use]
pub fn parse(text: &str) -> (Vec<Test>, Vec<String>) {
    if text.len() > LARGEST {
        return (Vec::new(), vec![format!("it is larger than {} MiB", LARGEST >> 20)]);
    }
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.allow_dangling_amp = true;
    let mut file = File::default();
    let problem = loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                file.open(&element);
                if file.depth > DEEPEST {
                    break Some(format!("its elements are nested more than {DEEPEST} deep"));
                }
            }
            Ok(Event::End(element)) => file.close(element.local_name().as_ref()),
            Ok(Event::Text(text)) => file.text(&text),
            Ok(Event::CData(text)) => file.text(&text),
            Ok(Event::GeneralRef(name)) => match name.resolve_char_ref() {
                Ok(Some(letter)) => file.text(letter.encode_utf8(&mut [0; 4])),
                _ => file.text(predefined(&name)),
            },
            Ok(Event::Eof) => break (file.depth > 0).then(|| "it ends in the middle".to_owned()),
            Ok(_) => {}
            Err(_) => break Some(format!("it is not XML from byte {} on", reader.error_position())),
        }
    };
    let mut problems: Vec<String> = problem.into_iter().collect();
    if problems.is_empty() && !file.is_report {
        problems.push("it holds no test suite".to_owned());
    }
    if file.more > 0 {
        problems.push(format!("only {MOST_TESTS} tests were taken, {} were left out", file.more));
    }
    (file.tests, problems)
}

fn predefined(entity: &str) -> &'static str {
    match entity {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => "\u{fffd}",
    }
}

/// What has been read so far.
#[derive(Default)]
struct File {
    tests: Vec<Test>,
    /// Tests beyond the most that are taken.
    more: usize,
    depth: usize,
    is_report: bool,
    /// Name and file of the suites that are open.
    suites: Vec<(String, String)>,
    test: Option<Test>,
    is_skipped: bool,
    /// The text of the failure that is open.
    trace: Option<String>,
}

impl File {
    fn open(&mut self, element: &BytesStart<'_>) {
        self.depth += 1;
        match element.local_name().as_ref() {
            "testsuites" => self.is_report = true,
            "testsuite" => {
                self.is_report = true;
                let suite = (attribute(element, "name"), attribute(element, "file"));
                self.suites.push((one_line(&suite.0, LONGEST_NAME), suite.1));
            }
            "testcase" => {
                self.is_skipped = false;
                let (suite, file) = self.suites.last().cloned().unwrap_or_default();
                let own = attribute(element, "file");
                self.test = Some(Test {
                    suite,
                    class: one_line(&attribute(element, "classname"), LONGEST_NAME),
                    name: one_line(&attribute(element, "name"), LONGEST_NAME),
                    file: if own.is_empty() { file } else { own },
                    line: attribute(element, "line").trim().parse().ok().filter(|line| *line > 0),
                    failure: None,
                });
            }
            // What failed and then passed when it was run again has elements of other names.
            "failure" | "error" => {
                if let Some(test) = &mut self.test {
                    let message = attribute(element, "message");
                    let failure = test.failure.get_or_insert_default();
                    if failure.message.is_empty() {
                        failure.message = one_line(&message, LONGEST_MESSAGE);
                    }
                    self.trace = Some(message + "\n");
                }
            }
            "skipped" => self.is_skipped = true,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(trace) = self.trace.as_mut().filter(|trace| trace.len() < 4 * LONGEST_TRACE) {
            trace.push_str(start(text, LONGEST_TRACE));
        }
    }

    fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        match name {
            "testsuite" => drop(self.suites.pop()),
            "failure" | "error" => {
                let failure = self.test.as_mut().and_then(|test| test.failure.as_mut());
                if let (Some(trace), Some(failure)) = (self.trace.take(), failure) {
                    failure.read(&trace);
                }
            }
            "testcase" => {
                let Some(test) = self.test.take() else { return };
                if self.is_skipped && test.failure.is_none() || test.name.is_empty() {
                } else if self.tests.len() < MOST_TESTS {
                    self.tests.push(test);
                } else {
                    self.more += 1;
                }
            }
            _ => {}
        }
    }
}

/// The value of an attribute, or nothing. One that cannot be unescaped is taken as it stands.
fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|one| one.key.local_name().as_ref() == name);
    found.map_or_else(String::new, |one| {
        one.normalized_value(XmlVersion::Implicit1_0).unwrap_or(one.value).into_owned()
    })
}

impl Failure {
    /// Takes from a report what it says and which places it names.
    fn read(&mut self, report: &str) {
        let report = start(report, LONGEST_TRACE);
        for spot in places(report) {
            if self.places.len() < MOST_PLACES && !self.places.contains(&spot) {
                self.places.push(spot);
            }
        }
        let body = report.split_once('\n').map_or("", |(_, body)| body);
        if self.text.is_empty() {
            self.text = one_line(body, LONGEST_MESSAGE);
        }
        if self.message.is_empty() {
            let first = body.lines().find(|line| !line.trim().is_empty());
            self.message = one_line(first.unwrap_or_default(), LONGEST_MESSAGE);
        }
    }
}

/// The places that a text names, in its order.
fn places(text: &str) -> impl Iterator<Item = Spot> {
    static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        // A frame of the JVM, which names the package before the file; a frame of Python; any other `path:line`.
        let forms = [
            r#"([\w$.]+)\(([\w$-]+\.\w+):(\d+)\)"#,
            r#"File "([^"\n]+)", line (\d+)"#,
            r#"((?:[A-Za-z]:[\\/])?[^\s"'`()\[\]<>|:*?,;]+\.\w+):(?:line )?(\d+)\b"#,
        ];
        Regex::new(&forms.join("|")).ok()
    });
    PLACE.iter().flat_map(|place| place.captures_iter(text)).filter_map(|found| {
        let group = |index| found.get(index).map(|group| group.as_str());
        let (path, line) = match (group(1), group(2)) {
            (Some(method), Some(file)) => (jvm_path(method, file), group(3)),
            _ => (group(4).or(group(6))?.replace('\\', "/"), group(5).or(group(7))),
        };
        let line = line?.parse().ok().filter(|line| *line > 0)?;
        Some(Spot { path: path.strip_prefix("./").map_or(path.clone(), str::to_owned), line })
    })
}

/// `com.acme.Shop.refund` in `Shop.java` is `com/acme/Shop.java`.
fn jvm_path(method: &str, file: &str) -> String {
    let package = method.rsplitn(3, '.').nth(2).unwrap_or_default();
    if package.is_empty() { file.to_owned() } else { format!("{}/{file}", package.replace('.', "/")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spots(text: &str) -> Vec<String> {
        places(text).map(|spot| format!("{}:{}", spot.path, spot.line)).collect()
    }

    #[test]
    fn a_report_is_read_with_its_failures_errors_and_passes() {
        let (tests, problems) = parse(
            r#"<?xml version="1.0"?><testsuites><testsuite name="shop" file="tests/refund.rs">
              <testcase classname="shop::refund" name="once" time="0.1"/>
              <testcase classname="shop::refund" name="twice &amp; more" file="tests/own.rs" line="7">
                <failure message="left == right&#10;failed" type="panic"><![CDATA[
                  thread 'x' panicked at src/refund.rs:12:5:
                  note]]> &lt;at&gt; &#x74;ests/refund.rs:30 &unknown;</failure>
                <system-out>src/noise.rs:1</system-out>
              </testcase>
              <testcase name="broken"><error>
                  boom
                  in y</error></testcase>
              <testcase name="left out"><skipped/></testcase>
              <testcase name="flaky"><flakyFailure message="once"/></testcase>
              <testcase/>
            </testsuite></testsuites>"#,
        );
        assert_eq!(problems, Vec::<String>::new());
        let names: Vec<(&str, bool)> = tests.iter().map(|t| (t.name.as_str(), t.failure.is_some())).collect();
        assert_eq!(names, [("once", false), ("twice & more", true), ("broken", true), ("flaky", false)]);
        let [once, twice, broken, _] = tests.as_slice() else { panic!("{tests:?}") };
        assert_eq!((once.suite.as_str(), once.file.as_str(), once.line), ("shop", "tests/refund.rs", None));
        assert_eq!((twice.file.as_str(), twice.line), ("tests/own.rs", Some(7)));
        let failure = twice.failure.as_ref().unwrap();
        assert_eq!(failure.message, "left == right failed");
        let places: Vec<String> = failure.places.iter().map(|s| format!("{}:{}", s.path, s.line)).collect();
        assert_eq!(places, ["src/refund.rs:12", "tests/refund.rs:30"]);
        assert_eq!(broken.failure.as_ref().unwrap().message, "boom");
        assert_eq!(broken.failure.as_ref().unwrap().text, "boom in y");
    }

    #[test]
    fn places_are_found_in_the_traces_of_many_languages() {
        assert_eq!(spots("panicked at src/a.rs:3:9:\n"), ["src/a.rs:3"]);
        assert_eq!(spots("  File \"/w/shop/a b.py\", line 12, in f"), ["/w/shop/a b.py:12"]);
        assert_eq!(spots("tests/test_a.py:4: AssertionError"), ["tests/test_a.py:4"]);
        assert_eq!(spots("    at Object.<anonymous> (/w/src/a.test.ts:3:5)"), ["/w/src/a.test.ts:3"]);
        assert_eq!(spots("at com.acme.Shop.refund(Shop.java:42)"), ["com/acme/Shop.java:42"]);
        assert_eq!(spots("at Main.main(Main.kt:2)"), ["Main.kt:2"]);
        assert_eq!(spots("   at A.B() in C:\\w\\A.cs:line 9"), ["C:/w/A.cs:9"]);
        assert_eq!(spots("./lib/a.rb:1:in `x'"), ["lib/a.rb:1"]);
        assert_eq!(spots("at 12:30:15 with 3.5:1 odds of x.y:0"), ["3.5:1"]);
    }

    #[test]
    fn what_is_no_report_is_told_and_what_stood_before_a_break_is_kept() {
        for (text, problem) in [
            ("", "it holds no test suite"),
            ("<html><body>404</body></html>", "it holds no test suite"),
            ("<a", "it is not XML from byte 0 on"),
            (&"<a>".repeat(1_000_000), "its elements are nested more than 60 deep"),
            (&" ".repeat(LARGEST + 1), "it is larger than 10 MiB"),
        ] {
            assert_eq!(parse(text), (Vec::new(), vec![problem.to_owned()]));
        }
        let (tests, problems) = parse("<testsuite><testcase name='a'/><testcase name='b'></testsuite>");
        assert_eq!((tests.len(), problems.len()), (1, 1), "{problems:?}");
        let (tests, problems) = parse("<testsuite><testcase name='a'/>");
        assert_eq!((tests.len(), problems), (1, vec!["it ends in the middle".to_owned()]));
    }

    #[test]
    fn a_bomb_of_entities_stays_as_small_as_it_came() {
        let mut bomb = String::from("<!DOCTYPE x [<!ENTITY a0 \"boom\">");
        for n in 1..40 {
            let before = format!("&a{};", n - 1).repeat(10);
            bomb.push_str(&format!("<!ENTITY a{n} \"{before}\">"));
        }
        bomb.push_str("<!ENTITY file SYSTEM \"file:///etc/passwd\">]>");
        bomb.push_str("<testsuite><testcase name='&a39;'><failure message='&file;'>&a39;&file;</failure></testcase></testsuite>");
        let (tests, problems) = parse(&bomb);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(tests[0].name, "&a39;");
        let failure = tests[0].failure.as_ref().unwrap();
        assert_eq!((failure.message.as_str(), failure.text.as_str()), ("&file;", "\u{fffd}\u{fffd}"));
    }

    #[test]
    fn many_tests_and_long_texts_are_held_to_bounds() {
        let many = format!("<testsuite>{}</testsuite>", "<testcase name='a'/>".repeat(MOST_TESTS + 3));
        let (tests, problems) = parse(&many);
        assert_eq!(tests.len(), MOST_TESTS);
        assert_eq!(problems, ["only 50000 tests were taken, 3 were left out"]);
        let places: String = (1..5_000).map(|n| format!("a{n}.rs:{n} ")).collect();
        let long = "x".repeat(100_000);
        let text = format!(
            "<testsuite><testcase name='{long}'><failure message='{long}'>{places}{long}</failure><failure>{places}</failure></testcase></testsuite>"
        );
        let (tests, _) = parse(&text);
        let failure = tests[0].failure.as_ref().unwrap();
        assert_eq!((tests[0].name.len(), failure.message.len()), (LONGEST_NAME, LONGEST_MESSAGE));
        assert!(failure.places.len() <= MOST_PLACES && failure.text.len() <= LONGEST_MESSAGE);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_file_is_read(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "<testsuites>", "</testsuites>", "<testsuite name='s'>", "</testsuite>", "<testcase name='t'>",
                        "<testcase name=\"t\"/>", "</testcase>", "<failure message='m'>", "</failure>", "<error/>",
                        "<skipped/>", "<![CDATA[", "]]>", "&amp;", "&#0;", "&#x1F600;", "&x;", "<!DOCTYPE a [", "]>",
                        "<!--", "-->", "<?xml version='1.0'?>", "src/a.rs:3", "at a.b.c(d.java:1)",
                    ]).prop_map(str::to_owned),
                    any::<String>(),
                ],
                0..40,
            ),
        ) {
            let (tests, problems) = parse(&parts.concat());
            prop_assert!(problems.len() <= 2);
            for test in tests {
                prop_assert!(!test.name.is_empty());
                let failure = test.failure.unwrap_or_default();
                prop_assert!(failure.places.iter().all(|spot| spot.line > 0 && !spot.path.is_empty()));
                prop_assert!(!failure.message.contains(char::is_control));
            }
        }
    }
}
