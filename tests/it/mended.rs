//! Answers that are mended: cut ones, unreadable ones, and those that another model has to give.

use serde_json::{Value, json};

use crate::shop::*;
use crate::world::*;

/// A shop whose base branch holds this configuration.
async fn configured(yaml: &str) -> World {
    let world = shop().await;
    world.base_file(".github/counterpoint.yml", yaml);
    world
}

fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// What the ledger says of a lane's calls: purpose and whether it cost anything.
fn calls(run: &Finished, lane: &str) -> Vec<String> {
    let record = run.record().unwrap();
    let ledger = record["ledger"].as_array().unwrap();
    let of_lane = ledger.iter().filter(|entry| entry["lane"] == lane);
    of_lane.map(|entry| entry["purpose"].as_str().unwrap().to_owned()).collect()
}

fn pass(run: &Finished, lane: &str) -> Value {
    let record = run.record().unwrap();
    record["passes"].as_array().unwrap().iter().find(|pass| pass["lane"] == lane).unwrap().clone()
}

#[tokio::test]
async fn an_answer_that_was_cut_is_asked_for_once_more_with_twice_the_room() {
    let world = shop().await;
    world.claude().answers(Answer::truncated("{\"findings\": [")).answers(reply([expiry()]));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).input("max-cost-usd", "5").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let room: Vec<_> = world.claude().requests().iter().map(ModelRequest::max_output).collect();
    assert_eq!(room, [Some(16_000), Some(32_000)]);
    assert_eq!(calls(&run, "claude"), ["review", "review, with more room"]);
    let told = told(&world);
    let told = lines_with(&told, &["cut at"]);
    assert_eq!(told, ["- Claude: the answer was cut at 16000 tokens; asked again with room for 32000"]);
    world.assert_clean();
}

#[tokio::test]
async fn where_the_budget_holds_no_longer_answer_a_shorter_one_is_asked_for() {
    let world = shop().await;
    let cut = Answer::truncated("{\"findings\": [").usage(Usage::new(5_000, 16_000));
    world.claude().answers(cut).answers(reply([expiry()]));
    let run = opened(&world).input("max-cost-usd", "0.45").input("strategy", "single").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1", "{}", run.stderr);
    let requests = world.claude().requests();
    let [first, second] = requests.as_slice() else { panic!("{}", requests.len()) };
    assert_eq!(first.max_output(), second.max_output());
    assert!(second.prompt().starts_with(&first.prompt()), "the prefix stays as it was");
    assert!(second.prompt().contains("briefly"));
    assert_eq!(calls(&run, "claude"), ["review", "review, in fewer words"]);
    world.assert_clean();
}

#[tokio::test]
async fn an_answer_in_prose_is_given_back_once_to_be_put_into_form() {
    let world = shop().await;
    world.claude().answers(Answer::text("Line 2 accepts an expired token.")).answers(reply([expiry()]));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let requests = world.claude().requests();
    let [first, second] = requests.as_slice() else { panic!("{}", requests.len()) };
    assert!(second.prompt().starts_with(&first.prompt()), "the prefix stays as it was");
    assert!(second.prompt().contains("Line 2 accepts an expired token."));
    assert_eq!((first.schema(), first.effort()), (second.schema(), second.effort()));
    assert_eq!(
        pass(&run, "claude")["problems"],
        json!(["the answer holds no list of findings; asked again for the right form"])
    );
    world.assert_clean();
}

const WITH_FALLBACK: &str = "lanes: {claude: {fallback: claude-haiku-5-5}}\n";

#[tokio::test]
async fn a_model_that_refuses_is_replaced_by_its_fallback_and_that_is_told() {
    let world = configured(WITH_FALLBACK).await;
    world.claude().answers(Answer::refusal()).answers(reply([expiry()]));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let models: Vec<_> = world.claude().requests().iter().map(|request| request.model().to_owned()).collect();
    assert_eq!(models, ["claude-sonnet-5-5", "claude-haiku-5-5"]);
    let told = told(&world);
    let told: Vec<_> = lines_with(&told, &["haiku"]);
    insta::assert_snapshot!(told.join("\n"), @"
    Claude's fallback claude-haiku-5-5 was asked instead of claude-sonnet-5-5 (the model refused: cyber).
    | Claude | `claude-haiku-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |
    Claude's fallback claude-haiku-5-5 was asked instead of claude-sonnet-5-5 (the model refused: cyber).
    ");
    assert_eq!(pass(&run, "claude")["fallback"]["model"], "claude-haiku-5-5");
    world.assert_clean();
}

#[tokio::test]
async fn a_model_that_is_not_served_or_stays_overloaded_is_replaced_and_a_wrong_key_is_not() {
    for (answer, asked, ends) in [
        (
            Answer::status(404, error("not_found_error", "model: claude-sonnet-5-5")),
            2,
            "exit 0: reviewed ok, gate off, lanes 2/2",
        ),
        (Answer::overloaded(), 4, "exit 0: reviewed ok, gate off, lanes 2/2"),
        (
            Answer::status(401, error("authentication_error", "invalid x-api-key")),
            1,
            "exit 0: partial lane-failed, gate off, lanes 1/2",
        ),
    ] {
        let world = configured(WITH_FALLBACK).await;
        world.claude().otherwise(Answer::choose(move |body| {
            if body["model"] == "claude-haiku-5-5" { reply([expiry()]).into() } else { answer.clone() }
        }));
        world.codex().answers(reply([boundary()]));
        let run = opened(&world).finish().await;
        assert_eq!(end(&run), ends);
        assert_eq!(world.claude().requests().len(), asked);
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_model_that_wants_more_patience_than_there_is_time_is_replaced_at_once() {
    let world = configured(WITH_FALLBACK).await;
    world.claude().otherwise(Answer::choose(|body| match body["model"].as_str() {
        Some("claude-haiku-5-5") => reply([expiry()]).into(),
        _ => Answer::rate_limited(Some(3600)),
    }));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.claude().requests().len(), 2);
    assert!(told(&world).contains("instead of claude-sonnet-5-5 (rate limit)"));
    world.assert_clean();
}

#[tokio::test]
async fn a_model_whose_answers_stay_cut_or_unreadable_is_replaced_and_that_is_told() {
    for (answer, why) in [
        (Answer::truncated("{\"findings\": ["), "its answer was cut at the output limit"),
        (Answer::text("Looks fine."), "the answer holds no list of findings"),
    ] {
        let world = configured(WITH_FALLBACK).await;
        world.claude().otherwise(Answer::choose(move |body| match body["model"].as_str() {
            Some("claude-haiku-5-5") => reply([expiry()]).into(),
            _ => answer.clone(),
        }));
        world.codex().answers(reply([boundary()]));
        let run = opened(&world).finish().await;
        assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
        assert_eq!(world.claude().requests().len(), 3);
        assert!(told(&world).contains(&format!("instead of claude-sonnet-5-5 ({why})")), "{}", told(&world));
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_fallback_without_a_price_is_not_asked_and_that_is_told() {
    let world = configured("lanes: {claude: {fallback: claude-unheard-of}}\n").await;
    world.claude().answers(Answer::refusal());
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial lane-failed, gate off, lanes 1/2");
    let told = told(&world);
    let told = lines_with(&told, &["unheard-of"]);
    assert_eq!(told, ["- Claude: no price is known for the fallback claude-unheard-of, so it was not asked"]);
    world.assert_clean();
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_asked_for_the_whole_answer() {
    let world = shop().await;
    world.claude().otherwise(Answer::choose(|body| match body.get("stream") {
        Some(_) => Answer::unsupported("stream"),
        None => reply([expiry()]).into(),
    }));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(pass(&run, "claude")["left_out"], json!(["stream"]));
    world.assert_clean();
}

#[tokio::test]
async fn what_an_answer_took_and_where_it_comes_from_stands_in_the_record() {
    let world = shop().await;
    world.claude().answers(
        Answer::reply(reply([expiry()]))
            .usage(Usage::new(3_000, 400).reasoning(250))
            .header("request-id", "req_7"),
    );
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    let pass = pass(&run, "claude");
    assert_eq!(pass["usage"]["reasoning"], 250);
    assert_eq!(
        (&pass["price_basis"], &pass["engine"], &pass["attempts"]),
        (&json!("list"), &json!("api"), &json!(1))
    );
    assert!(pass["first_byte_milliseconds"].as_u64().unwrap() <= pass["milliseconds"].as_u64().unwrap());
    assert_eq!(pass["prompt_hash"].as_str().unwrap().len(), 64);
    assert_eq!(pass["request_ids"], json!(["req_7"]));
    world.assert_clean();
}
