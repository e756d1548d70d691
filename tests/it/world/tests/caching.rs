//! The vendors' prompt caches: what is read again, what is not, and how each vendor tells it.

use serde_json::{Value, json};

use super::super::{Answer, Gate, World, reply};
use super::reviewers::{claude, codex};

/// A text of so many tokens as the world counts them.
fn long(tokens: usize) -> String {
    "abcd".repeat(tokens)
}

fn to_claude(shared: &str, task: &str) -> Value {
    let shared = json!({"type": "text", "text": shared, "cache_control": {"type": "ephemeral"}});
    let content = json!([shared, {"type": "text", "text": task}]);
    json!({"model": "claude-sonnet-5-5", "max_tokens": 900, "system": "Rules.",
        "messages": [{"role": "user", "content": content}],
        "output_config": {"effort": "medium", "format": {"type": "json_schema", "schema": {"type": "object"}}}})
}

fn to_codex(shared: &str, task: &str) -> Value {
    let shared =
        json!({"type": "input_text", "text": shared, "prompt_cache_breakpoint": {"mode": "explicit"}});
    let input = json!([{"role": "user", "content": [shared, {"type": "input_text", "text": task}]}]);
    json!({"model": "gpt-6.1-sol", "store": false, "max_output_tokens": 900, "instructions": "Rules.",
        "input": input, "reasoning": {"effort": "medium"}, "prompt_cache_key": "one",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"}})
}

/// New, read and written tokens, as each vendor tells them.
async fn billed(world: &World, body: &Value) -> [u64; 3] {
    let count = |usage: &Value, key: &str| usage.pointer(key).and_then(Value::as_u64).expect("a count");
    if body.get("input").is_some() {
        let usage = &codex(world, body).await.json()["usage"];
        let details = |key| count(usage, &format!("/input_tokens_details/{key}"));
        let (read, written) = (details("cached_tokens"), details("cache_write_tokens"));
        return [count(usage, "/input_tokens") - read - written, read, written];
    }
    let usage = &claude(world, body).await.json()["usage"];
    ["/input_tokens", "/cache_read_input_tokens", "/cache_creation_input_tokens"].map(|key| count(usage, key))
}

async fn world() -> World {
    let world = World::start().await;
    world.claude().caches().otherwise(reply([]));
    world.codex().caches().otherwise(reply([]));
    world
}

fn change(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).expect("something to change") = value;
    body
}

#[tokio::test]
async fn another_task_behind_the_mark_reads_all_that_stands_before_it() {
    let world = world().await;
    for to in [to_claude, to_codex] {
        let first = billed(&world, &to(&long(2_000), "Review.")).await;
        let second = billed(&world, &to(&long(2_000), "Challenge what others found.")).await;
        let [_, read, written] = first;
        assert!(read == 0 && written > 2_000, "{first:?}");
        assert_eq!([second[1], second[2]], [written, 0]);
        assert!(second[0] > first[0], "a longer task: {first:?} {second:?}");
    }
    world.assert_clean();
}

#[tokio::test]
async fn all_that_was_sent_is_counted_once() {
    let world = world().await;
    let body = to_claude(&long(2_000), "Review.");
    let [new, read, written] = billed(&world, &body).await;
    let texts = [json!("Rules."), body["output_config"]["format"].clone(), json!("user")];
    let blocks = [json!({"type": "text", "text": long(2_000)}), json!({"type": "text", "text": "Review."})];
    let bytes: usize = texts.iter().chain(&blocks).map(|part| part.to_string().len()).sum();
    assert_eq!(new + read + written, (bytes / 4) as u64);
    world.assert_clean();
}

#[tokio::test]
async fn whatever_differs_before_the_mark_or_beside_the_messages_reads_nothing() {
    let world = world().await;
    let shared = long(2_000);
    let (mine, other) = (to_claude(&shared, "Review."), format!("{shared}x"));
    let tools = json!([{"name": "search", "description": "", "input_schema": {"type": "object"}}]);
    let mut with_tools = mine.clone();
    with_tools["tools"] = tools;
    let schema = json!({"type": "array"});
    let of_claude = [
        with_tools,
        change(&mine, "/model", json!("claude-opus-5-5")),
        change(&mine, "/output_config/effort", json!("high")),
        change(&mine, "/output_config/format/schema", schema.clone()),
        change(&mine, "/system", json!("Other rules.")),
        change(&mine, "/messages/0/content/0/text", json!(other)),
    ];
    let mine = to_codex(&shared, "Review.");
    let format = json!({"format": {"type": "json_schema", "name": "reply", "schema": {"type": "object"}}});
    let mut with_schema = mine.clone();
    with_schema["text"] = format;
    let of_codex = [
        with_schema,
        change(&mine, "/model", json!("gpt-6.1-terra")),
        change(&mine, "/reasoning/effort", json!("high")),
        change(&mine, "/instructions", json!("Other rules.")),
        change(&mine, "/prompt_cache_key", json!("two")),
        change(&mine, "/input/0/content/0/text", json!(other)),
    ];
    for (mine, others) in [(to_claude(&shared, "Review."), of_claude), (mine, of_codex)] {
        billed(&world, &mine).await;
        for other in others {
            let [_, read, written] = billed(&world, &other).await;
            assert!(read == 0 && written > 2_000, "{read} read, {written} written: {other}");
        }
        assert!(billed(&world, &mine).await[1] > 2_000, "the first one is not kept");
    }
    world.assert_clean();
}

#[tokio::test]
async fn a_prompt_below_the_vendors_minimum_is_not_kept() {
    let world = world().await;
    for (body, least) in [
        (to_claude(&long(400), "Review."), false),
        (to_claude(&long(600), "Review."), true),
        (change(&to_claude(&long(600), "Review."), "/model", json!("claude-sonnet-5")), false),
        (to_codex(&long(900), "Review."), false),
        (to_codex(&long(1_100), "Review."), true),
    ] {
        assert_eq!(billed(&world, &body).await[2] > 0, least);
        assert_eq!(billed(&world, &body).await[1] > 0, least);
    }
    world.assert_clean();
}

#[tokio::test]
async fn without_a_mark_claude_keeps_nothing_and_codex_only_the_very_same_prompt() {
    let world = world().await;
    let mut unmarked = to_claude(&long(2_000), "Review.");
    unmarked["messages"][0]["content"][0] = json!({"type": "text", "text": long(2_000)});
    for _ in 0..2 {
        let [new, read, written] = billed(&world, &unmarked).await;
        assert!(new > 2_000 && read == 0 && written == 0, "{new} {read} {written}");
    }
    let implicit = |task| {
        let mut body = to_codex(&long(2_000), task);
        body["prompt_cache_options"] = json!({"mode": "implicit"});
        body
    };
    for (task, reads) in [("Review.", false), ("Challenge.", false), ("Review.", true)] {
        assert_eq!(billed(&world, &implicit(task)).await[1] > 0, reads, "{task}");
    }
    world.assert_clean();
}

#[tokio::test]
async fn what_is_written_can_be_read_when_its_answer_has_begun_and_not_before() {
    let world = World::start().await;
    let gate = Gate::new();
    world.claude().caches().answers(Answer::reply(reply([])).held(&gate)).otherwise(reply([]));
    let body = to_claude(&long(2_000), "Review.");
    let first = billed(&world, &body);
    let meanwhile = async {
        gate.reached().await;
        let meanwhile = billed(&world, &body).await;
        gate.open();
        meanwhile
    };
    let (first, meanwhile) = tokio::join!(first, meanwhile);
    assert_eq!((first[1], meanwhile[1]), (0, 0));
    assert_eq!(billed(&world, &body).await[1], first[2]);
    world.assert_clean();
}

#[tokio::test]
async fn an_answer_that_never_began_leaves_nothing() {
    let world = World::start().await;
    world.claude().caches().answers(Answer::overloaded()).answers(reply([])).answers(reply([]));
    let body = to_claude(&long(2_000), "Review.");
    assert_eq!(claude(&world, &body).await.status, 529);
    assert_eq!(billed(&world, &body).await[1], 0);
    assert!(billed(&world, &body).await[1] > 2_000);
    world.assert_clean();
}

#[tokio::test]
async fn a_conversation_that_goes_on_reads_its_beginning_and_the_nearest_mark_wins() {
    let world = world().await;
    let mut body = to_claude(&long(2_000), "Review.");
    let written = billed(&world, &body).await[2];
    let said = json!([{"type": "thinking", "thinking": "", "signature": "c2lnbmF0dXJl"},
        {"type": "text", "text": "Let me look."}]);
    let mark = json!({"type": "ephemeral"});
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.push(json!({"role": "assistant", "content": said}));
    messages.push(
        json!({"role": "user", "content": [{"type": "text", "text": long(100), "cache_control": mark}]}),
    );
    let [_, read, more] = billed(&world, &body).await;
    assert_eq!(read, written);
    assert!(more > 100, "{more}");
    assert_eq!(billed(&world, &body).await, [0, written + more, 0]);
    world.assert_clean();
}
