//! The helper that runs the binary, tried with a shell in its place, and the transcript of a result.

use serde_json::json;

use super::super::{Run, World, read_env_file};
use super::{github, review, two_hunks};

fn shell(world: &World, script: &str) -> Run {
    Run::new("sh", world).arguments(["-c", script])
}

#[tokio::test]
async fn a_run_has_the_environment_of_the_runner_and_nothing_else() {
    let world = two_hunks().await;
    let script = "printf 'outcome=%s\\n' \"$GITHUB_EVENT_NAME\" >> \"$GITHUB_OUTPUT\"; \
        echo '# Done' >> \"$GITHUB_STEP_SUMMARY\"; printf 'record<<E\\nr/run.json\\nE\\n' >> \"$GITHUB_OUTPUT\"; \
        mkdir r; echo '{\"version\":1}' > r/run.json; cat \"$GITHUB_EVENT_PATH\"; env >&2; exit 3";
    let script = format!("{script} ");
    let run = shell(&world, &script.replace("env >&2", "env | cut -d= -f1 >&2"))
        .event(world.pull_request_event(7))
        .input("max-minutes", "2")
        .without("OPENAI_API_KEY");
    let run = run.finish().await;
    run.assert_code(3);
    assert_eq!(
        (run.output("outcome"), run.output("none"), run.summary.as_str()),
        ("pull_request", "", "# Done\n")
    );
    assert_eq!(run.record(), Some(json!({"version": 1})));
    assert!(run.stdout.contains("\"action\":\"opened\""));
    assert!(run.stderr.contains("GITHUB_API_URL") && !run.stderr.contains("OPENAI_API_KEY"));
    assert!(!run.stderr.contains("CARGO"), "the tester's own environment: {}", run.stderr);
    world.assert_clean();
}

#[tokio::test]
async fn a_run_can_be_signalled_and_watched_for_secrets() {
    let world = two_hunks().await;
    let running = shell(&world, "exec sleep 30").spawn();
    running.signal("TERM");
    assert_eq!(running.finish().await.code, None);
    shell(&world, "echo \"::add-mask::$GITHUB_TOKEN\"").finish().await;
    world.assert_clean();
    shell(&world, "echo \"key: $OPENAI_API_KEY\" >&2").finish().await;
    assert_eq!(world.take_violations(), ["the run gave away a secret: key: ***"]);
}

#[tokio::test]
async fn workflow_commands_are_found_as_the_runner_finds_them() {
    let world = two_hunks().await;
    let script = "echo '  ::warning::one'; echo 'text ##[error]two'; echo '::stop-commands::abc'; \
        echo '::error::hidden'; echo '::abc::'; echo 'plain ::notice::'";
    let run = shell(&world, script).finish().await;
    assert_eq!(run.workflow_commands(), ["  ::warning::one", "text ##[error]two"]);
}

#[test]
fn output_files_are_read_by_the_runners_rule() {
    let read = |text: &str| read_env_file(text).map(|values| values.into_iter().collect::<Vec<_>>());
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read("a=1\nb=x<<y=z\n\n"), Ok(vec![pair("a", "1"), pair("b", "x<<y=z")]));
    assert_eq!(read("a<<E=F\n1\n2\nE=F\n"), Ok(vec![pair("a", "1\n2")]));
    assert!(read("a<<E\n1\n").is_err() && read("nothing\n").is_err() && read("=1\n").is_err());
}

#[tokio::test]
async fn the_transcript_reads_the_same_in_each_run() {
    let world = two_hunks().await;
    let comments = json!([{"path": "a.txt", "body": "**Wrong** <!-- counterpoint:v1 id=1 -->", "start_line": 29, "line": 30}]);
    let posted = github(&world, "POST", "/pulls/7/reviews", &review(&comments)).await.json();
    let body = format!("Read at {}, see {}.", world.head(7), posted["html_url"].as_str().unwrap_or_default());
    github(&world, "POST", "/issues/7/comments", &json!({"body": body})).await;
    let check = json!({"name": "Counterpoint", "head_sha": world.head(7), "conclusion": "neutral",
        "status": "completed", "output": {"title": "Half read", "summary": "One reviewer."}});
    github(&world, "POST", "/check-runs", &check).await;
    insta::assert_snapshot!(world.published(7), @r"
    --- review COMMENTED on <head>
    One finding.

    --- inline a.txt:29-30 RIGHT
    **Wrong** <!-- counterpoint:v1 -->

    --- comment
    Read at <head>, see https://github.com/acme/shop/pull/7#pullrequestreview-<id>.

    --- check Counterpoint neutral on <head>: Half read
    One reviewer.
    ");
    world.assert_clean();
}
