//! What must not turn up: keys anywhere; what the models read and what they said, in the log and in the record of a failure.
//!
//! The world itself looks for its keys in whatever a run leaves behind (`world.assert_clean`).

use serde_json::{Value, json};

use crate::ends::server::{Played, Then};
use crate::ends::wire::{Form, Wire, answer, errors, plain, rejection};
use crate::ends::{LOCAL_KEY, run};
use crate::shop::*;
use crate::world::*;

/// A line of the change, and so of the prompt.
const READ: &str = "// the kestrel hovers over plover, snipe and dunlin until noon";

/// The beginning of what every model is told.
const RULES: &str = "You review one pull request.";

/// What a model said where it should have said something else.
const SAID: &str = "the heron stands still";

/// A pull request whose prompt can be told from everything else.
async fn birds() -> World {
    let after = format!("{AFTER}{READ}\n");
    world_with(Pull::from_files(&[("src/session.rs", BEFORE)], &[("src/session.rs", &after)])).await
}

fn key(world: &World, wire: Wire) -> String {
    match wire {
        Wire::Messages => world.claude().key.clone(),
        Wire::Responses => world.codex().key.clone(),
        Wire::Chat => LOCAL_KEY.to_owned(),
    }
}

/// The same bytes in one piece, with the key in place of the model's name, of ids and of the category of a refusal.
fn renamed(answer: Played, key: &str) -> Played {
    let text = String::from_utf8(answer.bytes).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let streamed = text.contains("transfer-encoding: chunked");
    // Without the borders of HTTP's chunks, which may stand inside a name.
    let lines = body.split("\r\n");
    let body: String = if streamed { lines.skip(1).step_by(2).collect() } else { body.to_owned() };
    let names = ["claude-sonnet-5-5", "gpt-6.1-sol", "qwen3", "cyber"];
    let body =
        names.iter().fold(body, |body, name| body.replace(&format!("\"{name}\""), &format!("\"{key}\"")));
    assert!(body.contains(key), "{body}");
    plain(200, if streamed { "text/event-stream" } else { "application/json" }, &[], &body)
}

/// Everything a run leaves behind but the pull request, by name.
fn left(run: &Finished) -> Vec<(String, String)> {
    let outputs = run.outputs.clone().unwrap_or_default();
    let mut left: Vec<_> =
        outputs.into_iter().map(|(name, value)| (format!("the output {name}"), value)).collect();
    left.push(("standard output".to_owned(), run.stdout.clone()));
    // The runner takes these lines out of the log and masks what they name.
    let masking = |line: &&str| line.starts_with("::add-mask::");
    let log: Vec<_> = run.stderr.lines().filter(|line| !masking(line)).collect();
    left.push(("the log".to_owned(), log.join("\n")));
    left.push(("the job summary".to_owned(), run.summary.clone()));
    left.push(("the record".to_owned(), run.record().map(|record| record.to_string()).unwrap_or_default()));
    left
}

/// Where any of these texts stands, as lines.
fn found(places: &[(String, String)], texts: &[&str]) -> Vec<String> {
    let holding = |text: &str| {
        let line = |place: &str, line: &str| format!("{place} holds {text:?}: {line}");
        let lines = places.iter().flat_map(|(place, said)| said.lines().map(move |line| (place, line)));
        lines
            .filter(|(_, said)| said.contains(text))
            .map(|(place, said)| line(place, said))
            .collect::<Vec<_>>()
    };
    texts.iter().flat_map(|text| holding(text)).collect()
}

/// Runs all of these ends of a lane and says what any of them leaks of key, prompt and reply.
async fn leaks(wire: Wire, ends: Vec<(String, Vec<Played>)>) -> Vec<String> {
    let leaks = ends.into_iter().map(|(name, answers)| async move {
        let world = birds().await;
        let (run, server) = run(&world, wire, answers).await;
        world.assert_clean();
        assert!(server.requests().iter().all(|request| request.contains(READ) && request.contains(RULES)));
        let mut places = left(&run);
        let key = key(&world, wire);
        let mut leaks = found(&places, &[RULES, READ, SAID, &key]);
        places.push(("the pull request".to_owned(), world.published(7).to_string()));
        leaks.extend(found(&places[places.len() - 1..], &[RULES, &key, SAID]));
        leaks.into_iter().map(|leak| format!("{}, {name}: {leak}", wire.name())).collect::<Vec<_>>()
    });
    futures_util::future::join_all(leaks).await.concat()
}

#[tokio::test]
async fn no_end_tells_the_key_the_prompt_or_the_reply() {
    for wire in Wire::ALL {
        let mut ends: Vec<(String, Vec<Played>)> =
            errors(wire).iter().map(|(name, error)| (name.clone(), vec![rejection(error)])).collect();
        for name in ["done", "truncated", "refused", "refused-with-category"] {
            for form in [Form::Plain, Form::Streamed] {
                let whole = answer(wire, form, name, SAID);
                ends.push((format!("{name} {form:?}"), vec![whole.clone()]));
                ends.push((format!("{name} {form:?}, cut"), vec![whole.clone().half(Then::Close)]));
            }
        }
        ends.push(("broken".to_owned(), vec![answer(wire, Form::Streamed, "broken", SAID)]));
        let told = leaks(wire, ends).await;
        assert!(told.is_empty(), "{told:#?}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_what_it_was_sent_is_not_repeated() {
    for wire in Wire::ALL {
        let key = key(&World::start().await, wire);
        let echo = format!("cannot take {key} with \"{READ}\" after {RULES}");
        let mut ends = Vec::new();
        for (name, mut error) in errors(wire) {
            let message = error["body"]["error"]["message"].as_str().unwrap().to_owned();
            error["body"]["error"]["message"] = Value::from(format!("{message}: {echo}"));
            ends.push((name, vec![rejection(&error)]));
        }
        // What is not of the vendor's form, and where nobody would look for it.
        ends.push(("text".to_owned(), vec![plain(500, "text/plain", &[], &echo)]));
        ends.push((
            "as JSON".to_owned(),
            vec![plain(400, "application/json", &[], &json!({"detail": echo}).to_string())],
        ));
        let id = [("request-id".to_owned(), key.clone()), ("x-request-id".to_owned(), key.clone())];
        ends.push(("id".to_owned(), vec![plain(401, "application/json", &id, "{}")]));
        ends.push(("as a code".to_owned(), vec![plain(
            400,
            "application/json",
            &[],
            &json!({"type": "error", "error": {"type": key, "code": key, "param": key, "message": echo}, "request_id": key}).to_string(),
        )]));
        let told = leaks(wire, ends).await;
        assert!(told.is_empty(), "{told:#?}");
    }
}

#[tokio::test]
async fn a_server_that_says_the_key_in_its_answer_is_not_repeated() {
    for wire in Wire::ALL {
        let key = key(&World::start().await, wire);
        let finding = expiry().title(&format!("Key {key}")).body(&format!("Body {key}")).scenario(&key);
        let told = reply([finding]).value().to_string();
        let mut ends = Vec::new();
        for form in [Form::Plain, Form::Streamed] {
            ends.push((format!("{form:?}: a finding"), vec![answer(wire, form, "done", &told)]));
            // The model's name, the answer's id and whatever else is a word of the server's own.
            for name in ["done", "refused-with-category"] {
                let echoing = renamed(answer(wire, form, name, &told), &key);
                ends.push((format!("{form:?}: {name} by a model of that name"), vec![echoing]));
            }
        }
        let told = leaks(wire, ends).await;
        assert!(told.is_empty(), "{told:#?}");
    }
}
