//! Debates that reach beyond one text: a pull request in several parts, and code that a challenger looks up.

use serde_json::json;

use super::*;

/// A file of about 100 kB whose lines all differ: two of them fit into one conversation.
fn long(name: &str) -> String {
    (1..=1_300).map(|number| line(name, number) + "\n").collect()
}

fn line(name: &str, number: usize) -> String {
    format!("let {name}_{number:04} = compute(&input, limit + {number}, &options);")
}

/// Two parts: the first holds `alpha` and `beta`, the second `gamma`. Claude raises one finding in each.
async fn two_parts() -> World {
    let texts = ["alpha", "beta", "gamma"].map(|name| (format!("src/{name}.rs"), long(name)));
    let head: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let world = world_with(Pull::from_files(&[], &head)).await;
    let wrong = |name: &'static str, title: &'static str, body: &str| {
        finding(&format!("src/{name}.rs"), 700, &line(name, 700)).title(title).body(body).scenario("")
    };
    let beta = wrong("beta", LIMIT, "Adding wraps around at the maximum.");
    let gamma = wrong("gamma", STALE, "Nobody refreshes them after a restart.");
    world.claude().otherwise(Answer::consider(move |request| match request.pass() {
        Pass::Review => reply([if shows(request, "gamma") { gamma.clone() } else { beta.clone() }]).into(),
        _ => answers(request.targets().iter().map(|title| {
            let name = if shows(request, "gamma") { "gamma" } else { "beta" };
            defence(title, "stand", &format!("src/{name}.rs"), &line(name, 700)).claim("It can.")
        }))
        .into(),
    }));
    world
}

const LIMIT: &str = "The limit overflows for the largest region";
const STALE: &str = "Options of an earlier request are used";

/// Whether the part that a request is about holds a file; code of others may be shown with a question.
fn shows(request: &ModelRequest, name: &str) -> bool {
    request.prompt().replace(&request.task(), "").contains(&line(name, 1))
}

/// Codex refutes what it is asked about, but for one part.
fn refutes_but(failing: Option<&'static str>) -> Answer {
    Answer::consider(move |request| {
        let name = if shows(request, "gamma") { "gamma" } else { "beta" };
        match request.pass() {
            Pass::Review => reply([]).into(),
            _ if failing == Some(name) => Answer::refusal(),
            _ => votes(request.targets().iter().map(|title| {
                challenge(
                    title,
                    "refuted",
                    "The caller sees to it.",
                    &format!("src/{name}.rs"),
                    &line(name, 3),
                )
            }))
            .into(),
        }
    })
}

#[tokio::test]
async fn each_part_is_debated_on_its_own_text() {
    let world = two_parts().await;
    world.codex().otherwise(refutes_but(None));
    let run = adversarial(&world).input("max-cost-usd", "50").finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: reviewed ok, gate off, lanes 2/2
    2 disputed of 2, 2 inline
    ");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"
    The limit overflows for the largest region: disputed, high
    Options of an earlier request are used: disputed, high
    ");
    for lane in [world.claude(), world.codex()] {
        let requests = lane.requests();
        let asked: Vec<&ModelRequest> =
            requests.iter().filter(|request| request.pass() != Pass::Review).collect();
        assert_eq!(asked.len(), 2);
        for request in asked {
            let expected = if shows(request, "gamma") { STALE } else { LIMIT };
            assert_eq!(request.targets(), [expected]);
        }
    }
    world.assert_clean();
}

#[tokio::test]
async fn a_check_that_fails_in_one_part_leaves_only_that_part_unchecked() {
    let world = two_parts().await;
    world.codex().otherwise(refutes_but(Some("gamma")));
    let run = adversarial(&world).input("max-cost-usd", "50").finish().await;
    insta::assert_snapshot!(ended(&run), @"
    exit 0: partial lane-failed, gate off, lanes 1/2
    1 disputed, 1 unchecked of 2, 2 inline
    ");
    insta::assert_snapshot!(verdicts(&run).join("\n"), @"
    The limit overflows for the largest region: disputed, high
    Options of an earlier request are used: unchecked, high
    ");
    world.assert_clean();
}

const SHOP: &str =
    "use crate::session::refund;\n\npub fn pay_back(amount: u64) -> u64 {\n    refund(amount / 2, true)\n}\n";

/// What a refutation makes of the refund when the challenger looks up the caller, or only says so.
async fn refuted_by_the_caller(looks: bool) -> String {
    // An ending of its own: nobody finds it who looks for code like the changed file.
    let with = |text| [(FILE, text), ("calls/pay.txt", SHOP)];
    let world = world_with(Pull::from_files(&with(BEFORE), &with(AFTER))).await;
    world.base_file(".github/counterpoint.yml", "lanes:\n  codex: {tools: {}}\n");
    world.claude().reviews(reply([refund()]));
    world.codex().reviews(reply([]));
    if looks {
        let read = json!({"path": "calls/pay.txt", "line_start": null, "line_end": null});
        world.codex().challenges(Answer::calls([("read_file", read)]));
    }
    let caller = "    refund(amount / 2, true)";
    world.codex().challenges(votes([challenge(
        REFUND,
        "refuted",
        "The caller halves it.",
        "calls/pay.txt",
        caller,
    )]));
    if looks {
        world.claude().defends(answers([defence(REFUND, "withdraw", FILE, "")]));
    }
    let run = adversarial(&world).finish().await;
    world.assert_clean();
    verdicts(&run).join("; ")
}

#[tokio::test]
async fn a_challenger_with_tools_may_quote_what_it_looked_up_and_nothing_that_it_did_not() {
    insta::assert_snapshot!(refuted_by_the_caller(true).await, @"A retried refund is paid twice: withdrawn, critical");
    insta::assert_snapshot!(refuted_by_the_caller(false).await, @"A retried refund is paid twice: solo, critical");
}
