//! What a debate costs where vendors keep prompts: each pass of a lane reads the text of the first from the cache.

use serde_json::Value;

use super::*;

/// A new file of about 130 kB whose lines all differ.
fn long() -> String {
    (0..1_700)
        .map(|n| format!("let quota_{n:04} = compute(&input, limit + {n}, &options, \"region-{n}\");\n"))
        .collect()
}

fn on_line(line: i64, title: &str, body: &str) -> Finding {
    let n = line - 1;
    let quote = format!("let quota_{n:04} = compute(&input, limit + {n}, &options, \"region-{n}\");");
    finding("src/quota.rs", line, &quote).title(title).body(body)
}

const OVERFLOW: &str = "The limit overflows for the largest region";
const STALE: &str = "Options of an earlier request are used";

/// What a lane says, and about how long it thinks about it.
fn says(request: &ModelRequest, own: &Finding, theirs: &'static str) -> Answer {
    let quote = "let quota_0003 = compute(&input, limit + 3, &options, \"region-3\");";
    let title = own.value()["title"].as_str().unwrap_or_default();
    match request.pass() {
        Pass::Review => Answer::reply(reply([own.clone()])).thinks(4_000),
        Pass::Challenge => {
            Answer::reply(votes([challenge(theirs, "refuted", "It cannot.", "src/quota.rs", quote)]))
                .thinks(2_500)
        }
        Pass::Defend => {
            Answer::reply(answers([defence(title, "stand", "src/quota.rs", quote).claim("It can.")]))
                .thinks(2_500)
        }
    }
}

async fn costs(strategy: &str) -> (f64, Vec<Value>) {
    let text = long();
    let world = world_with(Pull::from_files(&[], &[("src/quota.rs", &text)])).await;
    let mine = on_line(100, OVERFLOW, "Adding to `limit` wraps around at its maximum.");
    let other = on_line(1_200, STALE, "Nobody refreshes what was parsed at the start.").scenario("");
    world.claude().caches().otherwise(Answer::consider({
        let mine = mine.clone();
        move |request| says(request, &mine, STALE)
    }));
    world.codex().caches().otherwise(Answer::consider(move |request| says(request, &other, OVERFLOW)));
    let run = opened(&world).input("strategy", strategy).input("max-cost-usd", "20").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
    let record = run.record().unwrap();
    (run.output("cost-usd").parse().unwrap(), record["passes"].as_array().unwrap().clone())
}

#[tokio::test]
async fn every_later_pass_reads_nine_tenths_of_its_prompt_from_the_cache_and_a_debate_costs_less_than_two_reviews()
 {
    let ((parallel, _), (adversarial, passes)) = tokio::join!(costs("parallel"), costs("adversarial"));
    let count = |pass: &Value, key: &str| pass["usage"][key].as_u64().unwrap();
    for pass in &passes {
        let (new, read, written) =
            (count(pass, "input"), count(pass, "cache_read"), count(pass, "cache_write"));
        let all = new + read + written;
        let share = 100.0 * read as f64 / all as f64;
        println!(
            "{} {}: {all} tokens in, {read} read from the cache ({share:.1} %), {written} written, cost {}",
            pass["lane"], pass["purpose"], pass["cost"]
        );
        assert!(all >= 25_000, "{all} tokens are too few to tell");
        if pass["purpose"] != "review" {
            assert!(share >= 90.0, "{share:.1} % from the cache: {pass}");
        }
    }
    println!("parallel {parallel} USD, adversarial {adversarial} USD: {:.2} times", adversarial / parallel);
    assert_eq!(passes.len(), 6, "{passes:#?}");
    assert!(adversarial < 2.0 * parallel, "{adversarial} against {parallel}");
}
