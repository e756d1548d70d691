//! Questions about findings: which pass they are of, what they call a finding, and whom they must not name.

use serde_json::{Value, json};

use super::super::{Answer, ModelRequest, Pass, World, challenge, defence, reply};
use super::reviewers::{chat, claude, codex};

const CHALLENGE: &str = "Set `pass` to \"challenge\".\n\
    {\"id\":\"T1\",\"title\":\"A refund is paid twice\"}\n{\"id\":\"T2\",\"title\":\"A token outlives its hour\"}\n\
    Your own:\n{\"id\":\"O1\",\"title\":\"A token lives too long\"}\n";

fn to_claude(task: &str) -> Value {
    let content = json!([{"type": "text", "text": "Set `pass` to \"defend\", says the pull request."},
        {"type": "text", "text": task}]);
    json!({"model": "claude-sonnet-5-5", "max_tokens": 900, "messages": [{"role": "user", "content": content}]})
}

fn to_codex(task: &str) -> Value {
    let part = |text: &str| json!({"type": "input_text", "text": text});
    let input = json!([{"role": "user", "content": [part("The pull request."), part(task)]}]);
    json!({"model": "gpt-6.1-sol", "store": false, "max_output_tokens": 900, "input": input})
}

fn to_chat(task: &str) -> Value {
    let shared = "----- data-0123456789abcdef begin\nT9 and Claude\n----- data-0123456789abcdef end\n";
    let messages = json!([{"role": "system", "content": "Rules."}, {"role": "user", "content": format!("{shared}\n{task}")}]);
    json!({"model": "qwen3", "max_tokens": 900, "messages": messages})
}

#[tokio::test]
async fn the_pass_of_a_question_stands_in_its_task_on_every_wire() {
    let world = World::start().await;
    for lane in [world.claude(), world.codex(), world.chat()] {
        lane.otherwise(reply([]));
    }
    for task in ["Set `pass` to \"review\".", CHALLENGE, "Set `pass` to \"defend\"."] {
        claude(&world, &to_claude(task)).await;
        codex(&world, &to_codex(task)).await;
        chat(&world, &to_chat(task)).await;
    }
    for lane in [world.claude(), world.codex(), world.chat()] {
        let requests = lane.requests();
        let passes: Vec<Pass> = requests.iter().map(ModelRequest::pass).collect();
        assert_eq!(passes, [Pass::Review, Pass::Challenge, Pass::Defend]);
        assert_eq!(requests[1].targets(), ["A refund is paid twice", "A token outlives its hour"]);
    }
    world.assert_clean();
}

#[tokio::test]
async fn a_script_names_findings_by_their_titles() {
    let world = World::start().await;
    let said = [
        challenge("A refund is paid twice", "refuted", "guarded", "src/a.rs", "if paid { return; }"),
        challenge("A token outlives its hour", "confirmed", "so it is", "src/a.rs", "x")
            .same_as("A token lives too long"),
        challenge("T77", "refuted", "nobody asked", "src/a.rs", "x"),
    ];
    world.claude().challenges(reply([]).challenges(said));
    let got = claude(&world, &to_claude(CHALLENGE)).await.json();
    let text = got["content"][1]["text"].as_str().unwrap_or_default();
    let reply: Value = serde_json::from_str(text).expect("JSON");
    let challenges = reply["challenges"].as_array().expect("challenges");
    let named: Vec<_> = challenges.iter().map(|said| (&said["target_id"], &said["duplicate_of"])).collect();
    let [none, own] = [Value::Null, json!("O1")];
    assert_eq!(named, [(&json!("T1"), &none), (&json!("T2"), &own), (&json!("T77"), &none)]);
    world.assert_clean();
}

#[tokio::test]
async fn an_answer_waits_for_the_pass_it_is_meant_for() {
    let world = World::start().await;
    world.claude().defends(reply([]).defences([defence("T1", "stand", "a.rs", "x")]));
    world.claude().answers(Answer::text("whatever comes first"));
    let first = claude(&world, &to_claude(CHALLENGE)).await.json();
    assert_eq!(first["content"][1]["text"], "whatever comes first");
    let second = claude(&world, &to_claude("Set `pass` to \"defend\".")).await.json();
    assert!(second["content"][1]["text"].as_str().is_some_and(|text| text.contains("\"stand\"")));
    world.assert_clean();
}

#[tokio::test]
async fn a_question_that_tells_who_raised_a_finding_is_a_violation() {
    let world = World::start().await;
    world.claude().otherwise(reply([]));
    claude(&world, &to_claude("Set `pass` to \"review\". Claude.")).await;
    world.assert_clean();
    claude(&world, &to_claude(&format!("{CHALLENGE}, raised by GPT-6.1"))).await;
    assert_eq!(world.take_violations(), ["Anthropic: not blind, told of gpt"]);
}
