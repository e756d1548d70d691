//! From a terminal: a pull request without posting, a diff, a branch, and the doctor.

use std::path::Path;

use crate::shop::*;
use crate::world::*;

/// The binary outside of Actions, with what a person has in their environment.
fn typed<const N: usize>(world: &World, arguments: [&str; N]) -> Run {
    let actions = ["GITHUB_ACTIONS", "CI", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"];
    let files = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"];
    actions.into_iter().chain(files).fold(Run::new(BINARY, world).arguments(arguments), Run::without)
}

/// A diff as `git diff` prints it.
fn diff() -> Vec<u8> {
    two_lines().diff().to_vec()
}

fn models(world: &World) -> usize {
    world.count("POST /anthropic/*") + world.count("POST /openai/*")
}

// A pull request.

#[tokio::test]
async fn a_pull_request_is_reviewed_on_the_terminal_and_nothing_is_posted() {
    let world = shop().await;
    world.claude().answers(reply([expiry(), refund()]));
    world.codex().answers(reply([boundary()]).clears([clearance(
        "src/session.rs",
        "    if retried { amount * 2 } else { amount }",
        "The caller halves it.",
    )]));
    let run = typed(&world, ["review", "acme/shop#7"]).finish().await;
    run.assert_code(0);
    insta::assert_snapshot!(tidy(&run.stdout), @"
    Counterpoint: 1 to fix, 1 for you to decide

    critical · contested (Claude) · src/session.rs:6
      A retried refund is paid twice
      With `retried` the amount doubles.
      Codex checked it and holds it sound: The caller halves it.
      To settle it: can what Claude describes happen, or does Codex's reason rule it out?

    high · both (Claude and Codex) · src/session.rs:2
      A token is accepted in the second it expires
      `<=` lets a token pass at `expires_at` itself; it was `<` before.

    1 file read · 2 of 2 reviewers · <time> · <usd> of $1.00 (worst case planned <usd>)
    ");
    assert!(!run.stderr.contains("::"), "no runner's commands in a terminal: {}", run.stderr);
    assert!(world.published(7).is_empty());
    assert_eq!(world.writes(), Vec::<String>::new());
    world.assert_clean();
}

#[tokio::test]
async fn with_post_the_review_stands_on_the_pull_request_as_if_the_action_had_run() {
    let world = shop().await;
    both_agree(&world);
    let run = typed(&world, ["review", "https://github.com/acme/shop/pull/7", "--post"]).finish().await;
    run.assert_code(0);
    let published = world.published(7);
    assert_eq!(
        (published.inline.len(), published.comments.len(), published.checks.len()),
        (1, 1, 1),
        "{published}"
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_draft_of_a_bot_from_a_fork_is_reviewed_because_a_person_asks() {
    let world = world_with(two_lines().draft().forked("eve/shop").by(User::bot("renovate[bot]"))).await;
    both_silent(&world);
    let run = typed(&world, ["review", "acme/shop#7"]).finish().await;
    run.assert_code(0);
    insta::assert_snapshot!(tidy(&run.stdout), @r"
    Counterpoint: nothing found

    1 file read · 2 of 2 reviewers · <time> · <usd> of $1.00 (worst case planned <usd>)
    ");
    world.assert_clean();
}

#[tokio::test]
async fn what_was_reviewed_before_is_shown_again_without_post() {
    let world = shop().await;
    both_agree(&world);
    opened(&world).finish().await.assert_code(0);
    both_agree(&world);
    let run = typed(&world, ["review", "acme/shop#7"]).finish().await;
    insta::assert_snapshot!(run.stdout.lines().next().unwrap_or_default(), @"Counterpoint: 1 to fix");
    run.assert_code(0);
}

#[tokio::test]
async fn a_local_configuration_replaces_that_of_the_base_branch() {
    let world = shop().await;
    world.base_file(".github/counterpoint.yml", "lanes: {claude: null}\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.yml"), "lanes: {codex: null}\nfail_on: any-high\n").unwrap();
    world.claude().answers(reply([expiry()]));
    let run =
        typed(&world, ["review", "acme/shop#7", "--config", "mine.yml"]).inside(folder.path()).finish().await;
    run.assert_code(1);
    assert!(
        run.stdout.contains("The gate any-high tripped: 1 finding of high or critical severity."),
        "{}",
        run.stdout
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_pull_request_that_cannot_be_read_or_reviewed_ends_with_the_contracts_code() {
    let world = shop().await;
    let missing = typed(&world, ["review", "acme/shop#8"]).finish().await;
    let keyless = typed(&world, ["review", "acme/shop#7"])
        .without("ANTHROPIC_API_KEY")
        .without("OPENAI_API_KEY")
        .finish()
        .await;
    let tokenless = typed(&world, ["review", "acme/shop#7"]).without("GITHUB_TOKEN").finish().await;
    world.claude().answers(Answer::refusal());
    world.codex().answers(Answer::refusal());
    let refused = typed(&world, ["review", "acme/shop#7"]).finish().await;
    let told = [missing, keyless, tokenless, refused]
        .map(|run| format!("{:?}\n{}", run.code.unwrap(), tidy(&run.stdout)));
    insta::assert_snapshot!(told.join("\n"), @"
    4
    GitHub could not be read: GET /api/repos/acme/shop/pulls/8 (request C0DE:1:2:3:4): GitHub knows no such thing, or does not show it to this token. Check the name and number, and that the token may see the repository (`contents: read`).

    2
    No reviewer has a key, so nothing was reviewed. Set the input `anthropic-api-key` (or ANTHROPIC_API_KEY) and the input `openai-api-key` (or OPENAI_API_KEY) from a repository secret.

    2
    There is no token for GitHub. Leave the input `github-token` at its default, or set GITHUB_TOKEN.

    3
    Counterpoint: not reviewed
    failed (no-lane)
    ! Claude did not finish (the model refused: cyber, <m:ss>) and Codex did not finish (the model refused, <m:ss>). Name a fallback model for the lane: it is asked where this one refuses.

    0 files read · 0 of 2 reviewers · <time> · <usd> of $1.00 (worst case planned <usd>)
    ");
    world.assert_clean();
}

// A diff.

#[tokio::test]
async fn a_diff_from_a_file_needs_no_github() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my.diff"), diff()).unwrap();
    both_agree(&world);
    let run = typed(&world, ["review", "--diff", "my.diff"])
        .without("GITHUB_TOKEN")
        .inside(folder.path())
        .finish()
        .await;
    run.assert_code(0);
    insta::assert_snapshot!(tidy(&run.stdout), @r"
    Counterpoint: 1 to fix

    high · both (Claude and Codex) · src/session.rs:2
      A token is accepted in the second it expires
      `<=` lets a token pass at `expires_at` itself; it was `<` before.

    1 file read · 2 of 2 reviewers · <time> · <usd> of $1.00 (worst case planned <usd>)
    ");
    assert_eq!(world.requests().len(), 2);
    world.assert_clean();
}

#[tokio::test]
async fn a_diff_is_read_from_standard_input() {
    let world = World::start().await;
    both_agree(&world);
    let run = typed(&world, ["review", "--diff", "-"]).stdin(diff()).finish().await;
    run.assert_code(0);
    assert!(run.stdout.starts_with("Counterpoint: 1 to fix\n"), "{}", run.stdout);
    world.assert_clean();
}

#[tokio::test]
async fn an_empty_diff_and_a_missing_file_are_told_apart() {
    let world = World::start().await;
    let empty = typed(&world, ["review", "--diff", "-"]).finish().await;
    let missing = typed(&world, ["review", "--diff", "none.diff"]).finish().await;
    let told = [empty, missing].map(|run| format!("{:?}\n{}{}", run.code.unwrap(), run.stdout, run.stderr));
    insta::assert_snapshot!(told.join("\n"), @r"
    0
    The pull request changes nothing.

    2
    ERROR none.diff cannot be read: No such file or directory (os error 2)
    ");
    assert_eq!(models(&world), 0);
}

#[tokio::test]
async fn a_text_that_is_no_diff_is_a_usage_error() {
    let world = World::start().await;
    let run =
        typed(&world, ["review", "--diff", "-"]).stdin("Dear reader,\nthis is a letter.\n").finish().await;
    run.assert_code(2);
    assert_eq!(models(&world), 0);
}

// A branch.

fn git(folder: &Path, arguments: &[&str]) {
    let done = std::process::Command::new("git")
        .args([
            "-c",
            "user.name=Mona",
            "-c",
            "user.email=mona@example.com",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A repository with `main`, and a branch on top of it that changes two lines.
fn branch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    git(here, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::create_dir_all(here.join("src")).unwrap();
    std::fs::create_dir_all(here.join(".github")).unwrap();
    std::fs::write(here.join("src/session.rs"), BEFORE).unwrap();
    std::fs::write(here.join(".github/counterpoint.yml"), "guidelines: Money is counted in cents.\n")
        .unwrap();
    git(here, &["add", "--all"]);
    git(here, &["commit", "--quiet", "-m", "base"]);
    git(here, &["checkout", "--quiet", "-b", "refunds"]);
    std::fs::write(here.join("src/session.rs"), AFTER).unwrap();
    std::fs::write(here.join(".github/counterpoint.yml"), "lanes: {claude: null, codex: null}\n").unwrap();
    git(here, &["commit", "--quiet", "--all", "-m", "refunds"]);
    folder
}

#[tokio::test]
async fn a_local_branch_is_reviewed_against_its_base_with_the_bases_configuration() {
    let world = World::start().await;
    let folder = branch();
    both_agree(&world);
    let run = typed(&world, ["review", "--base", "main"])
        .without("GITHUB_TOKEN")
        .inside(folder.path())
        .finish()
        .await;
    run.assert_code(0);
    assert!(run.stdout.starts_with("Counterpoint: 1 to fix\n"), "{}", run.stdout);
    assert!(world.claude().requests()[0].prompt().contains("Money is counted in cents."));
    world.assert_clean();
}

#[tokio::test]
async fn a_base_that_does_not_exist_and_a_folder_without_git_say_what_to_name() {
    let world = World::start().await;
    let folder = branch();
    let wrong = typed(&world, ["review", "--base", "nowhere"]).inside(folder.path()).finish().await;
    let option = typed(&world, ["review", "--base=--output=/tmp/pwned"]).inside(folder.path()).finish().await;
    let bare = tempfile::tempdir().unwrap();
    let no_git = typed(&world, ["review", "--base", "main"]).inside(bare.path()).finish().await;
    let nothing = typed(&world, ["review"]).inside(bare.path()).finish().await;
    let told = [wrong, option, no_git, nothing].map(|run| {
        let said = run
            .stderr
            .replace(bare.path().to_str().unwrap(), "<folder>")
            .replace(folder.path().to_str().unwrap(), "<repository>");
        format!("{:?}\n{}{said}", run.code.unwrap(), run.stdout)
    });
    insta::assert_snapshot!(told.join("\n"), @r"
    2
    ERROR `nowhere` is not a commit of this repository: git rev-parse failed: no message

    2
    ERROR `--output=/tmp/pwned` is not the name of a commit

    2
    ERROR `HEAD` is not a commit of this repository: git rev-parse failed: fatal: not a git repository (or any of the parent directories): .git

    2
    ERROR name what to review: OWNER/REPO#N, `--base REF` for the local branch, or `--diff FILE`
    ");
    assert_eq!(world.requests().len(), 0);
}

// Formats and files.

#[tokio::test]
async fn the_same_review_is_printed_as_text_markdown_or_json_and_written_where_asked() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my.diff"), diff()).unwrap();
    for format in ["text", "markdown", "json"] {
        both_agree(&world);
        let name = format!("review.{format}");
        let arguments =
            ["review", "--diff", "my.diff", "--format", format, "--output", &name, "--record", "record.json"];
        let run = typed(&world, arguments).inside(folder.path()).finish().await;
        run.assert_code(0);
        assert_eq!(run.stdout, "", "the result goes to the file");
        let written = std::fs::read_to_string(folder.path().join(&name)).unwrap();
        let record: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(folder.path().join("record.json")).unwrap())
                .unwrap();
        assert_eq!((&record["version"], &record["outcome"]), (&1.into(), &"reviewed".into()));
        match format {
            "text" => assert!(written.starts_with("Counterpoint: 1 to fix\n"), "{written}"),
            "markdown" => assert!(written.starts_with("### Counterpoint: 1 to fix\n"), "{written}"),
            _ => assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), record),
        }
    }
    world.assert_clean();
}

#[tokio::test]
async fn a_record_holds_everything_the_contract_names() {
    let world = World::start().await;
    both_agree(&world);
    let run = typed(&world, ["review", "--diff", "-", "--format", "json"]).stdin(diff()).finish().await;
    let record: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let keys: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    insta::assert_snapshot!(keys.join(" "), @"version outcome reason gate repository pull_request base_sha head_sha config diff_base64 plan passes findings ledger lanes snapshot standing summary_url not_posted milliseconds");
    let finding: Vec<&str> = record["findings"][0].as_object().unwrap().keys().map(String::as_str).collect();
    insta::assert_snapshot!(finding.join(" "), @"id path side line_start line_end quote evidence category severity confidence title body failure_scenario suggestion verdict raised_by votes match anchor inline");
    world.assert_clean();
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_a_usage_error_that_names_it() {
    let world = World::start().await;
    both_agree(&world);
    let run = typed(&world, ["review", "--diff", "-", "--output", "no/such/folder.txt"])
        .stdin(diff())
        .finish()
        .await;
    run.assert_code(2);
    insta::assert_snapshot!(lines_with(&run.stderr, &["ERROR"]).join("\n"), @"ERROR no/such/folder.txt cannot be written: No such file or directory (os error 2)");
    world.assert_clean();
}

// Usage.

#[tokio::test]
async fn what_is_typed_wrong_ends_with_two_and_says_what_was_expected() {
    let world = World::start().await;
    let mut told = String::new();
    let wrong: [&[&str]; 14] = [
        &[],
        &["frobnicate"],
        &["publish", "record.json"],
        &["review", "acme/shop"],
        &["review", "acme/shop#x"],
        &["review", "https://github.com/acme/shop/issues/7"],
        &["review", "--post"],
        &["review", "acme/shop#7", "--diff", "x"],
        &["review", "acme/shop#7", "--format", "sarif"],
        &["review", "acme/shop#7", "--strategy", "thorough"],
        &["review", "acme/shop#7", "--max-cost-usd", "much"],
        &["review", "acme/shop#7", "--fail-on", "budget"],
        &["review", "acme/shop#7", "--config", "none.yml"],
        &["compare", "a.json"],
    ];
    for arguments in wrong {
        let run = typed(&world, []).arguments(arguments.iter().copied()).finish().await;
        let first = run.stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        told.push_str(&format!("{arguments:?}: {} {first}\n", run.code.unwrap()));
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
    insta::assert_snapshot!(told, @r#"
    []: 2 ERROR say what to do: `counterpoint review`, `compare`, `doctor`, or `--help`
    ["frobnicate"]: 2 error: unrecognized subcommand 'frobnicate'
    ["publish", "record.json"]: 2 error: unrecognized subcommand 'publish'
    ["review", "acme/shop"]: 2 ERROR expected OWNER/REPO#N or the address of a pull request, got `acme/shop`
    ["review", "acme/shop#x"]: 2 ERROR expected OWNER/REPO#N or the address of a pull request, got `acme/shop#x`
    ["review", "https://github.com/acme/shop/issues/7"]: 2 ERROR expected OWNER/REPO#N or the address of a pull request, got `https://github.com/acme/shop/issues/7`
    ["review", "--post"]: 2 error: the following required arguments were not provided:
    ["review", "acme/shop#7", "--diff", "x"]: 2 error: the argument '[TARGET]' cannot be used with '--diff <FILE>'
    ["review", "acme/shop#7", "--format", "sarif"]: 2 error: invalid value 'sarif' for '--format <FORMAT>'
    ["review", "acme/shop#7", "--strategy", "thorough"]: 2 ERROR `strategy`: expected `auto`, `single`, `sequential`, `parallel` or `adversarial`, got `thorough`
    ["review", "acme/shop#7", "--max-cost-usd", "much"]: 2 ERROR `max-cost-usd`: expected an amount in US dollars such as 0.50, got `much`
    ["review", "acme/shop#7", "--fail-on", "budget"]: 2 ERROR `fail-on`: expected `never`, `any-high`, `agreed-high`, `disputed`, `contradiction` or `incomplete`, got `budget`
    ["review", "acme/shop#7", "--config", "none.yml"]: 2 ERROR none.yml cannot be read: No such file or directory (os error 2)
    ["compare", "a.json"]: 2 error: the following required arguments were not provided:
    "#);
    assert_eq!(world.requests().len(), 0);
}

#[tokio::test]
async fn help_and_version_are_results() {
    let world = World::start().await;
    let help = typed(&world, ["--help"]).finish().await;
    help.assert_code(0);
    for word in ["action", "review", "compare", "doctor"] {
        assert!(help.stdout.contains(word), "{}", help.stdout);
    }
    let version = typed(&world, ["--version"]).finish().await;
    version.assert_code(0);
    assert_eq!(version.stdout.trim(), format!("counterpoint {}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn inside_actions_no_command_means_action_and_the_word_means_the_same() {
    let world = shop().await;
    for arguments in [vec![], vec!["action"]] {
        both_silent(&world);
        let comment_free =
            opened(&world).arguments(arguments).input("claude-model", "claude-sonnet-5-5").finish().await;
        assert_eq!(comment_free.code, Some(0), "{}", comment_free.stderr);
    }
    assert_eq!(models(&world), 2, "the second time it was reviewed before");
}

#[tokio::test]
async fn a_broken_pipe_is_no_panic() {
    let world = World::start().await;
    both_agree(&world);
    let run = typed(&world, ["review", "--diff", "-", "--output", "/dev/full"]).stdin(diff()).finish().await;
    run.assert_code(2);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

// The doctor.

async fn doctor(world: &World, change: impl FnOnce(Run) -> Run) -> String {
    let run = change(typed(world, ["doctor", "acme/shop"])).finish().await;
    assert_eq!(world.writes(), Vec::<String>::new(), "a doctor changes nothing");
    format!("{}\n{}", run.code.unwrap(), tidy(&run.stdout))
}

/// What the doctor says of everything but the token's rights, of which GitHub tells a workflow's token nothing.
async fn besides_rights(world: &World, change: impl FnOnce(Run) -> Run) -> String {
    let said = doctor(world, change).await;
    let rights = said.lines().position(|line| line.contains("may read acme/shop"));
    let kept = said.lines().enumerate().filter(|(at, line)| {
        let of_rights = rights.is_some_and(|rights| *at == rights || *at == rights + 1);
        !of_rights && !line.ends_with("to fix.") && *line != "Ready."
    });
    kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[tokio::test]
async fn the_doctor_says_that_all_is_well() {
    let world = shop().await;
    both_silent(&world);
    let said = doctor(&world, |run| run).await;
    assert!(said.starts_with("0\n") && said.ends_with("Ready.\n"), "{said}");
    world.assert_clean();
}

#[tokio::test]
async fn the_doctor_asks_each_model_one_tiny_question() {
    let world = shop().await;
    both_silent(&world);
    doctor(&world, |run| run).await;
    for lane in [world.claude(), world.codex()] {
        let requests = lane.requests();
        let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
        assert!(request.prompt().len() < 500 && request.max_output() <= Some(1_000), "{request:?}");
    }
}

#[tokio::test]
async fn the_doctor_says_of_each_thing_that_is_wrong_what_to_do() {
    let mut told = String::new();
    let mut add = |name: &str, said: String| told.push_str(&format!("## {name}: {said}\n"));

    let world = shop().await;
    both_silent(&world);
    add("no token", besides_rights(&world, |run| run.without("GITHUB_TOKEN")).await);

    let world = shop().await;
    both_silent(&world);
    add("wrong token", besides_rights(&world, |run| run.env("GITHUB_TOKEN", "ghs_wrong")).await);

    let world = shop().await;
    world.claude().answers(reply([]));
    add("one key missing", besides_rights(&world, |run| run.without("OPENAI_API_KEY")).await);

    let world = shop().await;
    add(
        "no keys",
        besides_rights(&world, |run| run.without("OPENAI_API_KEY").without("ANTHROPIC_API_KEY")).await,
    );

    let world = shop().await;
    world.codex().answers(reply([]));
    add("wrong key", besides_rights(&world, |run| run.env("ANTHROPIC_API_KEY", "nobody-knows-it")).await);

    let world = shop().await;
    world.base_file(".github/counterpoint.yml", "strategi: auto\n");
    add("configuration", besides_rights(&world, |run| run).await);

    let world = shop().await;
    world.base_file(".github/counterpoint.yml", "lanes: {claude: {model: claude-of-tomorrow}}\n");
    world.codex().answers(Answer::overloaded());
    add("price and overload", besides_rights(&world, |run| run).await);

    let world = shop().await;
    world.claude().answers(Answer::unsupported("output_config.format"));
    world.codex().answers(Answer::html());
    add("no structured output, a proxy", besides_rights(&world, |run| run).await);

    let world = shop().await;
    let at = world.url();
    let lanes = format!("lanes: {{claude: {{base_url: {at}/anthropic}}, codex: null}}\n");
    world.base_file(".github/counterpoint.yml", &lanes);
    world.claude().answers(Answer::html());
    add("a proxy before a lane's own address", besides_rights(&world, |run| run).await);

    insta::assert_snapshot!(told, @"
    ## no token: 2
    fix  token: There is no token for GitHub.
          Leave the input `github-token` at its default, or set GITHUB_TOKEN.
    ## wrong token: 4
    fix  identity: GET /api/user: GitHub did not accept the token
          Check that the token is whole and not expired; in a workflow the input `github-token` is best left at its default.
    fix  token: acme/shop cannot be read: GET /api/repos/acme/shop: GitHub did not accept the token
          Check that the token is whole and not expired; in a workflow the input `github-token` is best left at its default.
    ## one key missing: 2
    ok   identity: comments are posted as github-actions[bot]
    ok   configuration: main has no .github/counterpoint.yml: the defaults apply
    ok   lane claude: claude-sonnet-5-5 answers
    fix  lane codex: gpt-6.1-sol has no key
          Set the input `openai-api-key` (or OPENAI_API_KEY).
    ## no keys: 2
    ok   identity: comments are posted as github-actions[bot]
    ok   configuration: main has no .github/counterpoint.yml: the defaults apply
    fix  lane claude: claude-sonnet-5-5 has no key
          Set the input `anthropic-api-key` (or ANTHROPIC_API_KEY).
    fix  lane codex: gpt-6.1-sol has no key
          Set the input `openai-api-key` (or OPENAI_API_KEY).
    ## wrong key: 3
    ok   identity: comments are posted as github-actions[bot]
    ok   configuration: main has no .github/counterpoint.yml: the defaults apply
    fix  lane claude: 127.0.0.1:<port> did not accept the key (HTTP 401): authentication_error: invalid x-api-key
          Check the secret given to the input `anthropic-api-key` (or ANTHROPIC_API_KEY): it is wrong, revoked or of another provider.
    ok   lane codex: gpt-6.1-sol answers
    ## configuration: 2
    ok   identity: comments are posted as github-actions[bot]
    fix  configuration: .github/counterpoint.yml:1:1: unknown field `strategi`, expected one of `version`, `lanes`, `strategy`, `fail_on`, `on_failure`, `budget`, `inline`, `paths`, `evidence`, `trigger`, `guidelines`, `prices`
          Correct the file.
    ## price and overload: 2
    ok   identity: comments are posted as github-actions[bot]
    ok   configuration: .github/counterpoint.yml on main is fine
    fix  lane claude: no price is known for claude-of-tomorrow
          Add `claude-of-tomorrow` under `prices`, in USD per million tokens, or say `free: true` in the lane if its calls cost nothing.
    fix  lane codex: 127.0.0.1:<port> is overloaded (HTTP 503): server_error: server_error: The server is overloaded.
          Try again later.
    ## no structured output, a proxy: 3
    ok   identity: comments are posted as github-actions[bot]
    ok   configuration: main has no .github/counterpoint.yml: the defaults apply
    ?    lane claude: claude-sonnet-5-5 answers, but not with structured output: 127.0.0.1:<port> did not take the request (HTTP 400): invalid_request_error: output_config.format: Extra inputs are not permitted
          A review asks once more without it.
    fix  lane codex: 127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?
          Check the network, and OPENAI_BASE_URL if it is set.
    ## a proxy before a lane's own address: 3
    ok   identity: comments are posted as github-actions[bot]
    ok   configuration: .github/counterpoint.yml on main is fine
    fix  lane claude: 127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?
          Check the network, and `base_url` of the lane `claude`.
    ");
}

#[tokio::test]
async fn the_doctor_without_a_repository_checks_the_keys_and_says_what_is_missing() {
    let world = shop().await;
    both_silent(&world);
    let run = typed(&world, ["doctor"]).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", run.code.unwrap(), run.stdout), @r"
    0
    ok   identity: comments are posted as github-actions[bot]
    ?    repository: none was named, so no rights were checked
          Name one: `counterpoint doctor OWNER/REPO`.
    ok   lane claude: claude-sonnet-5-5 answers
    ok   lane codex: gpt-6.1-sol answers

    Ready.
    ");
    let run = typed(&world, ["doctor", "not a repository"]).finish().await;
    run.assert_code(2);
    world.assert_clean();
}

#[tokio::test]
async fn no_output_of_a_terminal_shows_a_key() {
    let world = shop().await;
    let key = world.claude().key.clone();
    world.claude().otherwise(Answer::status(401, serde_json::json!({"type": "error", "error": {"type": "authentication_error", "message": format!("no such key {key}")}})));
    world.codex().answers(reply([]));
    doctor(&world, |run| run.env("COUNTERPOINT_LOG", "trace")).await;
    world.codex().answers(reply([]));
    typed(&world, ["review", "acme/shop#7"]).env("COUNTERPOINT_LOG", "trace").finish().await;
    world.assert_clean();
}
