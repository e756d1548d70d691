//! What a debate costs where vendors keep prompts: each later pass of a lane reads the text of the first from the cache.

use std::fmt::Write as _;

use serde_json::Value;

use super::*;

/// What is wrong in the change: the function that is called, the title, the text. Claude raises the first half of those
/// that a story takes, Codex the second.
const WRONG: [(&str, &str, &str); 8] = [
    ("add_limit", "The limit overflows for the largest region", "Adding wraps around at its maximum."),
    (
        "lock_pool",
        "Two workers wait for each other",
        "The pool is taken before the queue, elsewhere after it.",
    ),
    ("drop_rows", "Rows of other tenants are deleted", "The filter on the tenant is missing."),
    ("read_page", "The last page is never shown", "The loop ends one short of the total."),
    ("parse_date", "Dates before 1970 panic", "A negative number of seconds is not expected."),
    ("send_mail", "A bounced mail is sent for ever", "Failures are put back without a count."),
    ("open_door", "Anyone may open the vault", "The answer of the permission check is thrown away."),
    ("hash_name", "Umlauts make two users one", "Letters beyond ASCII become question marks."),
];

const PATH: &str = "src/quota.rs";

/// A line of the change, from 1.
fn line(number: usize) -> String {
    // Every hundredth line calls one of the functions.
    let (function, ..) = WRONG[number / 100 % WRONG.len()];
    let function = if number.is_multiple_of(100) { function } else { "compute" };
    format!("let quota_{number:04} = {function}(&input, limit + {number}, &options, \"region-{number}\");")
}

/// The functions that the change calls, each of a page, and files that call them too.
fn rest_of_repository() -> Vec<(String, String)> {
    let mut ledger = String::new();
    for (function, ..) in WRONG {
        let _ = writeln!(
            ledger,
            "pub fn {function}(input: &Input, limit: u64, options: &Options, region: &str) -> u64 {{"
        );
        for step in 0..40 {
            let _ = writeln!(
                ledger,
                "    let step_{step} = input.{function}_{step}(limit, options, region) + {step};"
            );
        }
        ledger.push_str("    limit\n}\n\n");
    }
    let caller = |at: usize| {
        let body: String = WRONG.iter().fold(String::new(), |mut body, (function, ..)| {
            let _ = writeln!(body, "    {function}(&job.input, {at}, &job.options, job.region);");
            body
        });
        (format!("src/job_{at}.rs"), format!("pub fn run(job: &Job) {{\n{body}}}\n"))
    };
    let ledger = ("src/ledger.rs".to_owned(), ledger);
    std::iter::once(ledger).chain((0..12).map(caller)).collect()
}

/// Finding `at` of those that are wrong.
fn wrong(at: usize) -> Finding {
    let number = (at + WRONG.len()) * 100;
    let (function, title, body) = WRONG[at];
    let body = format!("`{function}`: {body}");
    finding(PATH, i64::try_from(number).unwrap(), &line(number)).title(title).body(&body).scenario("")
}

/// What a lane says, and about how long it thinks about it: the others' findings are refuted, its own hold.
fn says(request: &ModelRequest, own: std::ops::Range<usize>) -> Answer {
    let targets = request.targets();
    match request.pass() {
        Pass::Review => Answer::reply(reply(own.map(wrong))).thinks(4_000),
        Pass::Challenge => {
            let refute = |title: &String| {
                challenge(title, "refuted", "It cannot happen: the caller sees to it.", PATH, &line(3))
            };
            Answer::reply(votes(targets.iter().map(refute))).thinks(2_500)
        }
        Pass::Defend => {
            let stand = |title: &String| {
                defence(title, "stand", PATH, &line(3)).claim("No caller in this change does.")
            };
            Answer::reply(answers(targets.iter().map(stand))).thinks(2_500)
        }
    }
}

/// What a run costs, and its passes, when each lane raises so many findings in a diff of about so many tokens.
async fn costs(strategy: &str, lines: usize, each: usize) -> (f64, Vec<Value>) {
    let text: String = (1..=lines).map(|number| line(number) + "\n").collect();
    let rest = rest_of_repository();
    let rest: Vec<(&str, &str)> = rest.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let head: Vec<(&str, &str)> = rest.iter().copied().chain([(PATH, text.as_str())]).collect();
    let world = world_with(Pull::from_files(&rest, &head)).await;
    world.claude().caches().otherwise(Answer::consider(move |request| says(request, 0..each)));
    world.codex().caches().otherwise(Answer::consider(move |request| says(request, each..2 * each)));
    let run = opened(&world).input("strategy", strategy).input("max-cost-usd", "20").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
    let record = run.record().unwrap();
    (run.output("cost-usd").parse().unwrap(), record["passes"].as_array().unwrap().clone())
}

/// Compares a debate with two reviews and fails where it is not worth its money.
async fn debate_is_cheap(lines: usize, each: usize) {
    let tokens = (1..=lines).map(|number| line(number).len() + 2).sum::<usize>() / 4;
    assert!(tokens >= 25_000, "{tokens} tokens are too few to tell");
    let ((parallel, _), (adversarial, passes)) =
        tokio::join!(costs("parallel", lines, each), costs("adversarial", lines, each));
    println!("a diff of {tokens} tokens, {each} findings of each lane");
    let count = |pass: &Value, key: &str| pass["usage"][key].as_u64().unwrap();
    for pass in &passes {
        let (new, read, written) =
            (count(pass, "input"), count(pass, "cache_read"), count(pass, "cache_write"));
        let share = 100.0 * read as f64 / (new + read + written) as f64;
        let (lane, purpose) = (pass["lane"].as_str().unwrap(), pass["purpose"].as_str().unwrap());
        println!(
            "{lane:6} {purpose:9} {new:6} new, {read:6} read ({share:4.1} %), {written:6} written, {} µ$",
            pass["cost"]
        );
    }
    println!("parallel ${parallel}, adversarial ${adversarial}: {:.2} times", adversarial / parallel);
    assert_eq!(passes.len(), 6, "{passes:#?}");
    for pass in passes.iter().filter(|pass| pass["purpose"] != "review") {
        let all = ["input", "cache_read", "cache_write"].map(|key| count(pass, key)).iter().sum::<u64>();
        assert!(10 * count(pass, "cache_read") >= 9 * all, "less than nine tenths is read: {pass}");
    }
    assert!(adversarial < 2.0 * parallel, "{adversarial} against {parallel}");
}

#[tokio::test]
async fn a_later_pass_reads_nine_tenths_of_its_prompt_from_the_cache_and_a_debate_costs_less_than_two_reviews()
 {
    debate_is_cheap(1_400, 1).await;
}

#[tokio::test]
async fn so_it_does_where_much_is_found_and_the_code_that_decides_it_is_shown_with_it() {
    debate_is_cheap(1_400, 4).await;
}
