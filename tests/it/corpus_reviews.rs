//! The main job on real pull requests: every comment stands where the oracle says it must, and nothing is lost.
//!
//! Two scripted reviewers say right and wrong things about the diffs of the corpus; the built binary, driven
//! through its environment alone, publishes; what stands on the pull request is compared in both directions
//! with what the oracle, made from git and not by a parser of diffs, allows.

mod claims;
mod expected;
mod oracle;

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::{StreamExt as _, stream};

use self::claims::{Issue, KINDS, Kind, Said, script};
use self::expected::Spot;
use self::oracle::{Case, Side, cases};
use crate::world::{Finished, Pull, Run, World, clearance, finding, reply};

/// Everything that has a place is posted, and money is no matter.
const CONFIGURATION: &str = "\
inline: {max: 1000, both: low, contested: low, one: low}
budget: {max_cost_usd: 1000, per_pr_usd: 1000}
";

/// What one run came to.
#[derive(Default)]
struct Counts {
    findings: usize,
    right: usize,
    issues: usize,
    pairs: usize,
    /// Issues whose quote stands in several places, equally near: any of them will do.
    ties: usize,
    expected_inline: usize,
    posted: usize,
    expected_summary: usize,
    in_summary: usize,
    unprocessable: usize,
}

struct Reviewed {
    name: String,
    counts: Counts,
    /// Findings of each kind, and how many of them may be posted.
    kinds: BTreeMap<Kind, (usize, usize)>,
    mismatches: Vec<String>,
}

/// A world with one case as its pull request.
async fn world_of(pull: Pull) -> World {
    let world = World::start().await;
    world.add(pull);
    world.base_file(".github/counterpoint.yml", CONFIGURATION);
    // Lock files and the like are as good a test of places as any file.
    world.base_file(".gitattributes", "* -linguist-generated -linguist-vendored\n");
    world
}

async fn run(world: &World) -> Finished {
    let run =
        Run::new(env!("CARGO_BIN_EXE_counterpoint"), world).event(world.pull_request_event(7)).finish().await;
    world.assert_clean();
    run
}

/// Has one case reviewed and compares.
async fn review(case: &Case, pull: Pull) -> Reviewed {
    let issues = script(case);
    let world = world_of(pull).await;
    let said = |lane: fn(&Issue) -> Option<&Said>| reply(issues.iter().filter_map(lane).map(Said::finding));
    // A large diff is read in several batches: each lane says all it has to say about the first.
    world.claude().answers(said(|issue| issue.claude.as_ref())).otherwise(reply([]));
    world.codex().answers(said(|issue| issue.codex.as_ref())).otherwise(reply([]));
    let run = run(&world).await;

    let mut reviewed = compare(case, &issues, &world);
    let counts = &reviewed.counts;
    let pairs = counts.pairs.to_string();
    let outputs = [
        ("outcome", "reviewed".to_owned()),
        ("reason", "ok".to_owned()),
        ("lanes", "2/2".to_owned()),
        ("findings", counts.issues.to_string()),
        ("agreed", pairs.clone()),
        ("solo", (counts.issues - counts.pairs).to_string()),
        ("contradictions", "0".to_owned()),
        ("inline-comments", counts.posted.to_string()),
    ];
    for (name, wanted) in outputs {
        if run.output(name) != wanted {
            reviewed.mismatches.push(format!("the output {name} is {}, not {wanted}", run.output(name)));
        }
    }
    if run.code != Some(0) || !reviewed.mismatches.is_empty() {
        reviewed.mismatches.push(format!("exit code {:?}; the log:\n{}", run.code, run.stderr));
    }
    reviewed
}

/// Holds what stands on the pull request against what must stand there, both ways.
fn compare(case: &Case, issues: &[Issue], world: &World) -> Reviewed {
    let published = world.published(7);
    let summary = published.summary().unwrap_or_default();
    let mut counts = Counts {
        issues: issues.len(),
        posted: published.inline.len(),
        unprocessable: world.count_status(422),
        ..Counts::default()
    };
    let mut kinds: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
    let mut mismatches = Vec::new();
    let places = published.inline.iter().map(|comment| {
        let place = comment.place.as_ref().expect("no comment is about a whole file");
        let (from, start) = place.start.unwrap_or((place.side, place.line));
        assert_eq!(from, place.side, "a comment from one side to the other");
        let side = if from.name() == "LEFT" { Side::Old } else { Side::New };
        Spot { path: comment.path.clone(), side, start, end: place.line }
    });
    let places: Vec<Spot> = places.collect();
    for issue in issues {
        let tells = |text: &str| issue.said().any(|said| text.contains(&said.token));
        for said in issue.said() {
            counts.findings += 1;
            counts.right += usize::from(said.claim.kind.is_right());
            let (all, anchored) = kinds.entry(said.claim.kind).or_default();
            *all += 1;
            *anchored += usize::from(!expected::places(case, &said.claim).is_empty());
        }
        let comments: Vec<&Spot> = published
            .inline
            .iter()
            .zip(&places)
            .filter(|(c, _)| tells(&c.body))
            .map(|(_, place)| place)
            .collect();
        counts.pairs += usize::from(issue.is_pair());
        counts.ties += usize::from(issue.places.len() > 1);
        counts.in_summary += usize::from(comments.is_empty() && tells(summary));
        if issue.places.is_empty() {
            counts.expected_summary += 1;
        } else {
            counts.expected_inline += 1;
        }
        let claims: Vec<_> = issue.said().map(|said| &said.claim).collect();
        match (issue.places.as_slice(), comments.as_slice()) {
            ([], []) => {}
            ([_, ..], [place]) if issue.places.contains(place) => {}
            (wanted, found) => {
                mismatches.push(format!("{claims:?}\n    belongs on {wanted:?}\n    stands on {found:?}"));
            }
        }
        if !tells(summary) {
            mismatches.push(format!("{claims:?}\n    is not in the summary"));
        }
    }
    for (comment, place) in published.inline.iter().zip(&places) {
        let speaks = |issue: &&Issue| issue.said().any(|said| comment.body.contains(&said.token));
        let about = issues.iter().filter(speaks).count();
        if about != 1 {
            mismatches.push(format!("the comment on {place:?} speaks of {about} issues"));
        }
    }
    Reviewed { name: case.name.clone(), counts, kinds, mismatches }
}

fn print(all: &[Reviewed]) {
    let mut total = Counts::default();
    println!(
        "{:<29} findings right issues pairs ties | expected posted | expected in-summary | mismatches 422",
        "case"
    );
    for Reviewed { name, counts, mismatches, .. } in all {
        print_row(name, counts, mismatches.len());
        total.findings += counts.findings;
        total.right += counts.right;
        total.issues += counts.issues;
        total.pairs += counts.pairs;
        total.ties += counts.ties;
        total.expected_inline += counts.expected_inline;
        total.posted += counts.posted;
        total.expected_summary += counts.expected_summary;
        total.in_summary += counts.in_summary;
        total.unprocessable += counts.unprocessable;
    }
    print_row(&format!("{} cases", all.len()), &total, all.iter().map(|case| case.mismatches.len()).sum());
    println!("\n{:<50} findings with-place", "kind");
    for (kind, name) in KINDS {
        let of = all.iter().filter_map(|case| case.kinds.get(&kind));
        let (findings, placed) = of.fold((0, 0), |sum, (all, placed)| (sum.0 + all, sum.1 + placed));
        println!("{name:<50} {findings:>8} {placed:>10}");
    }
}

fn print_row(name: &str, counts: &Counts, mismatches: usize) {
    let Counts { findings, right, issues, pairs, ties, .. } = counts;
    println!(
        "{name:<29} {findings:>8} {right:>5} {issues:>6} {pairs:>5} {ties:>4} | {:>8} {:>6} | {:>8} {:>10} | {mismatches:>10} {:>3}",
        counts.expected_inline,
        counts.posted,
        counts.expected_summary,
        counts.in_summary,
        counts.unprocessable
    );
}

/// All cases, or none where the shared folder is not there.
fn corpus() -> Vec<Case> {
    let Some(shared) = std::env::var_os("COUNTERPOINT_SHARED") else {
        println!("COUNTERPOINT_SHARED is not set: no real pull request is reviewed");
        return Vec::new();
    };
    let cases = cases(Path::new(&shared));
    assert!(cases.len() >= 40, "the corpus is not complete");
    cases
}

/// Prints what all runs came to, and fails where anything stands elsewhere than it must.
fn judge(all: &[Reviewed]) {
    print(all);
    let sum = |of: fn(&Counts) -> usize| all.iter().map(|case| of(&case.counts)).sum::<usize>();
    let mismatches: Vec<String> = all
        .iter()
        .flat_map(|case| case.mismatches.iter().map(|what| format!("{}: {what}", case.name)))
        .collect();
    assert!(mismatches.is_empty(), "{} mismatches:\n{}", mismatches.len(), mismatches.join("\n"));
    assert_eq!(sum(|counts| counts.unprocessable), 0);
    assert_eq!(sum(|counts| counts.expected_inline), sum(|counts| counts.posted));
    assert_eq!(sum(|counts| counts.expected_summary), sum(|counts| counts.in_summary));
    let (right, findings) = (sum(|counts| counts.right), sum(|counts| counts.findings));
    assert!(right * 10 <= findings * 6, "{right} of {findings} are right: too easy");
}

#[tokio::test]
async fn on_real_pull_requests_every_comment_stands_where_the_oracle_says_and_nothing_is_lost() {
    // Two at a time: the binary waits for the world while the world works for the other.
    let cases = corpus();
    let runs = stream::iter(&cases).map(|case| review(case, Pull::from_diff(&case.diff)));
    judge(&runs.buffered(2).collect::<Vec<_>>().await);
}

#[tokio::test]
async fn where_the_diff_is_only_to_be_had_file_by_file_comments_stand_on_the_same_lines() {
    // Every third case. The file list has no bytes that are not UTF-8 and no patch of a very large file, and the
    // world does not escape paths in the addresses it lists.
    let plain = |path: &str| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    let mut cases = corpus();
    cases.retain(|case| {
        let text = std::str::from_utf8(&case.diff).is_ok() && case.diff.len() < 60_000;
        text && case.files.iter().all(|file| plain(&file.path))
    });
    let runs = stream::iter(cases.iter().step_by(3));
    let runs = runs.map(|case| review(case, Pull::from_diff(&case.diff).diff_refused()));
    judge(&runs.buffered(2).collect::<Vec<_>>().await);
}

/// The corpus holds one secret, encrypted and long revoked; its line was replaced by another such line.
const SECRET: (&str, &str) = ("14-submodules-remove-merge", claims::HOLDS_A_SECRET);

#[tokio::test]
async fn a_line_that_holds_a_secret_takes_a_comment_by_what_reviewers_see_of_it_and_the_secret_goes_nowhere()
{
    let cases = corpus();
    let Some(case) = cases.iter().find(|case| case.name == SECRET.0) else { return };
    let lines = &case.files.iter().find(|file| file.path == SECRET.1).unwrap().lines;
    let secret = &lines.iter().find(|line| !line.is_deleted()).unwrap().text;

    let world = world_of(Pull::from_diff(&case.diff)).await;
    world.claude().answers(reply([]));
    world.codex().answers(reply([]));
    run(&world).await.assert_code(0);
    let prompt = world.claude().requests()[0].prompt();
    let (_, section) = prompt.split_once(SECRET.1).unwrap();
    let seen = section.lines().find(|line| line.contains("[redacted")).unwrap();
    let (_, seen) = seen.split_once("| ").unwrap();

    let world = world_of(Pull::from_diff(&case.diff)).await;
    world.claude().answers(reply([finding(SECRET.1, 1, seen).title("The key is committed")]));
    let known = finding(SECRET.1, 1, secret).title(secret).body(secret).scenario(secret).suggestion(secret);
    world.codex().answers(reply([known]).clears([clearance(SECRET.1, secret, secret)]));
    let run = run(&world).await;
    run.assert_code(0);
    let published = world.published(7);
    // Who quotes the secret itself quotes the line as well: it is hidden before the quote is looked for.
    let place = format!("{}:1 RIGHT", SECRET.1);
    assert_eq!(published.places(), [place.clone(), place]);
    let record = run.record().unwrap().to_string();
    let requests = world.requests();
    let sent = requests.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned());
    let texts = sent.chain([run.stdout, run.stderr, run.summary, record]);
    // The parts of the token by which it could be used: a prefix that all such tokens share is none.
    let parts: Vec<&str> = secret.split('.').skip(1).collect();
    for text in texts {
        assert!(!parts.iter().any(|part| text.contains(part)), "the secret stands in {text}");
    }
}
