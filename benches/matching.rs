//! How matching grows: two lanes of n findings each, from text to issues.
//!
//! ```text
//! cargo bench --bench matching
//! ```
//!
//! Prints medians of some runs, and the fastest, which a busy machine disturbs least. All findings stand in one file,
//! which is the slowest case: those of different files are not compared.

#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "a tool for developers")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use counterpoint::domain::reconcile::align::align;
use counterpoint::domain::reconcile::similarity::{Corpus, Subject};

const SIZES: [usize; 5] = [10, 50, 100, 200, 400];

const RUNS: usize = 9;

/// One of as many claims as there are findings: names and faults repeat, as in a large pull request.
fn claim(n: usize, lane: usize) -> String {
    const THINGS: [&str; 8] = ["pool", "cache", "session", "parser", "index", "token", "queue", "ledger"];
    const FAULTS: [&str; 6] = [
        "is not released when {} returns early, so every later caller waits",
        "may be null after {} failed, and is read without a check",
        "is written by two threads at once, {} takes no lock",
        "grows without bound, as {} never drops old entries",
        "is compared with the wrong unit in {}, so nothing ever expires",
        "ends one element too early in {}: the last record is lost",
    ];
    let thing = THINGS[n % THINGS.len()];
    let name = format!("{thing}_{}", n / 3);
    let mut text =
        format!("`{name}` {}", FAULTS[n % FAULTS.len()].replace("{}", &format!("load_{thing}_{n}")));
    // The lanes do not say it in the same words.
    let _ = match lane {
        0 => write!(text, ". Seen with {} callers; the error is silent.", n % 17),
        _ => write!(text, ". A caller that repeats the request makes it worse ({n})."),
    };
    text
}

/// The fastest and the median.
fn of(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[0], times[times.len() / 2])
}

fn main() {
    // `cargo test --all-targets` runs benches too, with this flag.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!(
        "{:>9}  {:>8}  {:>10}  {:>7}  {:>11}",
        "findings", "text, ms", "issues, ms", "all, ms", "fastest, ms"
    );
    for n in SIZES {
        let claims: Vec<(String, String)> =
            (0..2 * n).map(|i| (format!("F{i}"), claim(i % n, i / n))).collect();
        let subjects: Vec<Subject> = claims
            .iter()
            .enumerate()
            .map(|(i, (id, text))| {
                let line = u32::try_from(i % n).unwrap_or_default() * 7 + 1;
                Subject { id, path: "src/a.rs", lines: Some((line, line + 2)), text, ..Subject::default() }
            })
            .collect();
        let lane_of: Vec<usize> = (0..2 * n).map(|i| i / n).collect();
        let (mut texts, mut issues) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let began = Instant::now();
            let corpus = black_box(Corpus::new(black_box(&subjects)));
            texts.push(began.elapsed());
            let began = Instant::now();
            black_box(align(&corpus, &subjects, &lane_of, &|_, _| false));
            issues.push(began.elapsed());
        }
        let ((text_at_best, text), (issues_at_best, issue)) = (of(texts), of(issues));
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
        println!(
            "{:>9}  {:>8}  {:>10}  {:>7}  {:>11}",
            format!("{n} x {n}"),
            ms(text),
            ms(issue),
            ms(text + issue),
            ms(text_at_best + issues_at_best)
        );
    }
}
