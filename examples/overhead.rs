//! What Counterpoint itself costs: processor time, memory, calls to GitHub, and the time around them.
//!
//! ```text
//! .ci/overhead            builds all of it and runs this
//! overhead BINARY [RUNS]  measures a built binary; RUNS of each kind, of which the median counts (5)
//! ```
//!
//! A GitHub on loopback and two scripted reviewers answer at once, so what is left is our own. The binary is
//! started and measured by a few lines of Python, because only a parent may ask the kernel what its child used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a tool for developers, which should stop at once when something is wrong"
)]

#[path = "../tests/it/world/mod.rs"]
mod world;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use world::{Finding, Pull, Run, World, finding, reply};

/// Runs its arguments after the first and writes what they used to the file that the first one names.
///
/// Peak memory is `VmHWM`, read every millisecond: the kernel's `ru_maxrss` of a child begins at what its
/// parent used before the child became another program.
const METER: &str = r"
import json, os, subprocess, sys, time
began = time.monotonic()
child = subprocess.Popen(sys.argv[2:])
peak = 0
while True:
    pid, status, used = os.wait4(child.pid, os.WNOHANG)
    wall = time.monotonic() - began
    if pid: break
    try:
        with open(f'/proc/{child.pid}/status') as lines:
            peak = max([peak] + [int(line.split()[1]) for line in lines if line.startswith('VmHWM')])
    except OSError:
        pass
    time.sleep(0.001)
json.dump({'cpu': used.ru_utime + used.ru_stime, 'peak': peak / 1024, 'wall': wall}, open(sys.argv[1], 'w'))
sys.exit(os.waitstatus_to_exitcode(status))
";

/// The caps of a repository that wants everything read, whatever it costs.
const NO_CAPS: &str = "budget: {max_cost_usd: 1000, per_pr_usd: 1000}\n";

/// One row of the table.
struct Scene {
    name: &'static str,
    files: usize,
    /// Added lines of each file; none stands for two small hunks.
    lines: usize,
    /// Whether GitHub withholds the lines, so that both versions of each file are fetched.
    withheld: bool,
    configuration: &'static str,
    /// Time that every answer of GitHub takes.
    latency: Duration,
    /// Measure the second run on the same head instead of the first.
    again: bool,
}

const SCENES: [Scene; 11] = [
    scene("3 files", 3, ""),
    scene("5 files", 5, ""),
    Scene { again: true, ..scene("5 files, run again", 5, "") },
    Scene { latency: Duration::from_millis(100), ..scene("5 files, 100 ms a call", 5, "") },
    scene("31 files", 31, ""),
    scene("300 files, default $1.00", 300, ""),
    scene("300 files, no caps", 300, NO_CAPS),
    scene("2,400 files, default $1.00", 2_400, ""),
    scene("2,400 files, no caps", 2_400, NO_CAPS),
    Scene { lines: 800, ..scene("75 files of 800 lines", 75, NO_CAPS) },
    Scene { lines: 60_000, withheld: true, ..scene("one file of 60,000 lines", 1, NO_CAPS) },
];

const fn scene(name: &'static str, files: usize, configuration: &'static str) -> Scene {
    Scene { name, files, lines: 0, withheld: false, configuration, latency: Duration::ZERO, again: false }
}

/// What one run used.
struct Used {
    cpu: f64,
    peak: f64,
    wall: f64,
    calls: usize,
    at_once: usize,
    model_bytes: usize,
    outcome: String,
    read: String,
}

/// A diff of so many files, each with two hunks of six added and four deleted lines.
fn diff(files: usize) -> String {
    let mut diff = String::new();
    for file in 0..files {
        let path = path(file);
        let _ = write!(
            diff,
            "diff --git a/{path} b/{path}\nindex 1f3c5d7..2a4b6c8 100644\n--- a/{path}\n+++ b/{path}\n"
        );
        for hunk in 0..2 {
            let (old, new) = (1 + hunk * 40, 1 + hunk * 42);
            let _ = writeln!(diff, "@@ -{old},10 +{new},12 @@ fn settle_{file}()");
            for line in 0..16 {
                let (sign, text) = match line {
                    0..3 | 13.. => (' ', format!("    let before_{line} = ledger.entry({line});")),
                    3..7 => ('-', format!("    total_{line} += before_{line}.amount * rate_of({file});")),
                    _ => ('+', format!("    {}", added(file, hunk, line))),
                };
                let _ = writeln!(diff, "{sign}{text}");
            }
        }
    }
    diff
}

/// Files that grow by so many lines, in full.
fn long(files: usize, lines: usize) -> Pull {
    let text = |file: usize| -> String {
        // As long as lines of code are on average: a version over 4 MiB is not fetched.
        (0..lines).map(|line| format!("    total_{line} += rate_of({file}, {line});\n")).collect()
    };
    let files: Vec<(String, String)> = (0..files).map(|file| (path(file), text(file))).collect();
    let base: Vec<(&str, &str)> = files.iter().map(|(path, _)| (path.as_str(), "start();\n")).collect();
    let head: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Pull::from_files(&base, &head)
}

fn path(file: usize) -> String {
    format!("src/module_{}/part_{file}.rs", file / 20)
}

fn added(file: usize, hunk: usize, line: usize) -> String {
    format!("total_{hunk}_{line} = total_{line}.checked_add(rate_of({file})).unwrap_or(limit);")
}

/// Ten findings of one lane on the first five files; `shift` tells the lanes apart where they differ.
fn findings(shift: usize) -> Vec<Finding> {
    const WORDS: [&str; 10] = [
        "overflow", "currency", "rounding", "retry", "lock", "cache", "timeout", "index", "session",
        "encoding",
    ];
    let number = |at: usize, word: &str| {
        let (file, hunk, line) = (at % 5, at / 5, if at.is_multiple_of(2) { 8 } else { 8 + shift });
        let said = finding(&path(file), (4 + hunk * 42 + line - 7) as i64, &added(file, hunk, line));
        let title = format!("The {word} of part {file} is not handled");
        said.title(&title)
            .body(&format!("The {word} goes wrong when the {word} of part {file} meets its limit."))
    };
    WORDS.iter().enumerate().map(|(at, word)| number(at, word)).collect()
}

async fn measure(binary: &Path, scene: &Scene) -> Used {
    let world = World::start().await;
    let pull = match scene.lines {
        0 => Pull::from_diff(diff(scene.files)),
        lines => long(scene.files, lines),
    };
    let paths: Vec<String> = (0..scene.files).map(path).collect();
    let withheld = paths.iter().map(String::as_str).filter(|_| scene.withheld);
    world.add(pull.withheld(withheld));
    if !scene.configuration.is_empty() {
        world.base_file(".github/counterpoint.yml", scene.configuration);
    }
    // What is read in several parts is told about with the first.
    world.claude().answers(reply(findings(0))).otherwise(reply([]));
    world.codex().answers(reply(findings(1))).otherwise(reply([]));
    if scene.again {
        run(&world, binary).await;
    }
    if !scene.latency.is_zero() {
        world.on("* /repos/*").delay(scene.latency);
        world.on("* /graphql").delay(scene.latency);
    }
    let before = world.requests().len();
    let (used, outcome) = run(&world, binary).await;
    world.assert_clean();
    let requests = world.requests().split_off(before);
    let (models, github): (Vec<_>, Vec<_>) = requests
        .iter()
        .partition(|request| request.path.starts_with("/anthropic") || request.path.starts_with("/openai"));
    let open_at = |moment: Duration| {
        let open =
            |at: Duration, took: Option<Duration>| at <= moment && at + took.unwrap_or_default() > moment;
        github.iter().filter(|request| open(request.at, request.took)).count()
    };
    let number = |key: &str| used.get(key).and_then(Value::as_f64).expect("the meter wrote it");
    let summary = world.published(7).summary().unwrap_or_default().to_owned();
    let read = summary.lines().find_map(|line| {
        let (_, rest) = line.split_once("finished on `")?;
        rest.split_once(". ")?.1.split_once(" changed lines read").map(|(files, _)| files.to_owned())
    });
    Used {
        cpu: number("cpu"),
        peak: number("peak"),
        wall: number("wall"),
        calls: github.len(),
        at_once: github.iter().map(|request| open_at(request.at)).max().unwrap_or_default(),
        model_bytes: models.iter().map(|request| request.body.len()).sum(),
        outcome,
        read: read.unwrap_or_default(),
    }
}

/// Runs the binary under the meter; what it used, and the outcome.
async fn run(world: &World, binary: &Path) -> (Value, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("used.json");
    let arguments = ["-c".as_ref(), METER.as_ref(), file.as_os_str(), binary.as_os_str()];
    let run =
        Run::new("python3", world).arguments(arguments).event(world.pull_request_event(7)).finish().await;
    run.assert_code(0);
    let used = std::fs::read(file).expect("the meter wrote a file");
    (
        serde_json::from_slice(&used).expect("the meter wrote JSON"),
        format!("{}, {}", run.output("outcome"), run.output("reason")),
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// What others used for pull requests of like size on the same kind of machine, measured once and in the same
/// way: models and GitHub answering at once. CPU seconds, peak MiB, GitHub calls, tokens.
const OTHERS: &str = "\
others, same measure, from earlier measurements (CPU s / peak MiB / GitHub calls / tokens)
                              5 files              31 files              274 files               2,454 files
PR-Agent 0.49 review          7.2 / 298 / 37 / 6k  6.3 / 299 / 88 / 28k  7.3 / 313 / 121 / 31k   11.8 / 499 / 142 / 31k
PR-Agent as its Action        6.3 / 300 / 78 / 21k 7.0 / 303 / 231 / 99k 8.6 / 338 / 333 / 243k  -
Gito 4.5                      4.5 / 186 / 3 / 31k  5.4 / 190 / 3 / 141k  8.5 / 207 / 3 / 968k    31.8 / 377 / 3 / 10.9M
PR-Agent with 100 ms a GitHub call: 20 s. It read 28 % of the added lines of the 274 files, 5.5 % of the 2,454.";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().map(PathBuf::from).and_then(|path| path.canonicalize().ok());
    let binary = binary.expect("the first argument is the binary to measure");
    let runs: usize =
        arguments.next().map_or(5, |runs| runs.parse().expect("the second argument is a number"));
    let size = std::fs::metadata(&binary).map_or(0, |file| file.len());
    println!(
        "{:.1} MB of binary, median of {runs} runs each, tokens of both lanes at four bytes a token",
        size as f64 / 1e6
    );
    println!(
        "{:<26} {:>6} {:>8} {:>6} {:>12} {:>7} {:>8}  files, lines read; outcome",
        "", "CPU s", "peak MiB", "wall s", "GitHub calls", "at once", "tokens"
    );
    for scene in &SCENES {
        let mut all = Vec::new();
        for _ in 0..runs {
            all.push(measure(&binary, scene).await);
        }
        let of = |value: fn(&Used) -> f64| median(all.iter().map(value).collect());
        let Some(last) = all.last() else { return };
        println!(
            "{:<26} {:>6.3} {:>8.1} {:>6.2} {:>12} {:>7} {:>7}k  {}; {}",
            scene.name,
            of(|used| used.cpu),
            of(|used| used.peak),
            of(|used| used.wall),
            last.calls,
            last.at_once,
            last.model_bytes / 4_000,
            last.read,
            last.outcome
        );
    }
    println!("\n{OTHERS}");
}
