//! Pull requests and configurations that are not what one expects: nothing to read, too much, or not as text.

use crate::shop::*;
use crate::world::*;

const CONFIG: &str = ".github/counterpoint.yml";

fn models(world: &World) -> usize {
    world.count("POST /anthropic/*") + world.count("POST /openai/*")
}

// Nothing to read.

#[tokio::test]
async fn an_empty_diff_is_skipped_and_the_check_says_why() {
    let world = world_with(Pull::from_diff("")).await;
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), run.stdout), @r"
    exit 0: skipped nothing-to-review, gate off, lanes 0/0
    The pull request changes nothing.
    ");
    insta::assert_snapshot!(told(&world), @r"
    --- check Counterpoint neutral on <head>: Not reviewed (nothing-to-review)
    The pull request changes nothing.

    <!-- counterpoint:v1 -->
    ");
    world.assert_clean();
}

#[tokio::test]
async fn binary_files_renames_and_modes_leave_nothing_to_review() {
    let world = world_with(Pull::from_git(
        |repo| {
            repo.write("logo.png", b"\x89PNG\0old");
            repo.write("a.txt", "the same\nin every\nline\n");
        },
        |repo| {
            repo.write("logo.png", b"\x89PNG\0new\xff");
            repo.rename("a.txt", "b.txt");
        },
    ))
    .await;
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), run.stdout), @r"
    exit 0: skipped nothing-to-review, gate off, lanes 0/0
    Nothing is left to review: every changed file is generated, vendored, binary, unchanged in content, or excluded.
    ");
    assert_eq!(check(&world).0, "neutral");
    world.assert_clean();
}

#[tokio::test]
async fn a_binary_file_beside_code_is_no_hole_in_the_review() {
    let world = world_with(Pull::from_git(
        |repo| repo.write("a.rs", "fn a() {}\n"),
        |repo| {
            repo.write("a.rs", "fn a() { b() }\n");
            repo.write("logo.png", b"\x89PNG\0\xff");
        },
    ))
    .await;
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert!(world.claude().requests()[0].prompt().contains("logo.png"), "the reviewers know of it");
    world.assert_clean();
}

#[tokio::test]
async fn a_pull_request_whose_every_file_is_excluded_has_nothing_to_review() {
    let world = shop().await;
    world.base_file(CONFIG, "paths: {exclude: [\"src/**\"]}\n");
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), run.stdout), @r"
    exit 0: skipped nothing-to-review, gate off, lanes 0/0
    Nothing is left to review: every changed file is generated, vendored, binary, unchanged in content, or excluded.
    ");
    assert_eq!(models(&world), 0);
    world.assert_clean();
}

#[tokio::test]
async fn excluded_paths_never_reach_a_model_and_do_not_make_the_review_partial() {
    let world = world_with(Pull::from_files(
        &[("README.md", "shop\n")],
        &[
            ("src/a.rs", "fn shown() {}\n"),
            ("gen/b.rs", "fn generated() {}\n"),
            ("deep/gen/c.rs", "fn deeper() {}\n"),
        ],
    ))
    .await;
    world.base_file(CONFIG, "paths: {exclude: [\"**/gen/**\"]}\n");
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    for lane in [world.claude(), world.codex()] {
        let prompt = lane.requests()[0].prompt();
        assert!(
            prompt.contains("shown()") && !prompt.contains("generated()") && !prompt.contains("deeper()"),
            "{prompt}"
        );
    }
    world.assert_clean();
}

// Too much.

/// A pull request of so many files of one added line each, as GitHub lists them.
fn many_files(count: usize) -> Pull {
    let file = |n: usize| {
        format!(
            "diff --git a/f{n:04}.rs b/f{n:04}.rs\nnew file mode 100644\nindex 0000000..e69de29\n--- /dev/null\n+++ b/f{n:04}.rs\n@@ -0,0 +1 @@\n+fn f{n:04}() {{}}\n"
        )
    };
    Pull::from_diff((0..count).map(file).collect::<String>())
}

#[tokio::test]
async fn four_thousand_files_are_read_as_far_as_github_lists_them_and_the_rest_is_named() {
    let world = world_with(many_files(4_000)).await;
    world.claude().otherwise(reply([]));
    world.codex().otherwise(reply([]));
    let run = opened(&world).input("max-cost-usd", "20").finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: partial files-unread, gate off, lanes 2/2");
    let summary = told(&world);
    insta::assert_snapshot!(lines_with(&summary, &["lines read"]).join("\n"), @"Claude and Codex both finished on `<head>`. 3000 of 4000 files, 3000 changed lines read · <time> · **<usd> of $3.00**");
    insta::assert_snapshot!(lines_with(&summary, &["**Not read:**"]).join("\n").chars().take(400).collect::<String>(), @"**Not read:** 1000 that GitHub does not list. They do not count as clean.");
    assert_eq!(check(&world).0, "neutral");
    world.assert_clean();
}

#[tokio::test]
async fn a_diff_that_github_refuses_is_read_file_by_file_and_anchors_as_before() {
    let world = world_with(two_lines().diff_refused()).await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).places(), ["src/session.rs:2 RIGHT"]);
    world.assert_clean();
}

#[tokio::test]
async fn a_description_of_64_kib_is_read_and_costs_no_failure() {
    let body = "An explanation with 100% of the details & more. ".repeat(1_400);
    let world = world_with(two_lines().body(&body[..65_536]).title(&"A long title ".repeat(20))).await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
}

#[tokio::test]
async fn a_pull_request_without_a_description_is_reviewed() {
    let world = world_with(two_lines().without_body()).await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
}

#[tokio::test]
async fn two_hundred_findings_stay_inside_githubs_limits() {
    let lines: String = (1..=200).map(|n| format!("let value_{n} = source_{n} / 0;\n")).collect();
    let world = world_with(Pull::from_files(&[("README.md", "shop\n")], &[("m.rs", lines.as_str())])).await;
    let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"];
    let all = |seed: usize| {
        (1..=200_i64).map(move |n| {
            let at = usize::try_from(n).unwrap();
            let (one, two) = (words[at % 10], words[at / 10 % 10]);
            finding("m.rs", n, &format!("let value_{n} = source_{n} / 0;"))
                .title(&format!("Division of {one} {two} number {n} by zero"))
                .body(&format!("Case {seed}: source_{n} is divided by zero. {}", "It panics. ".repeat(150)))
        })
    };
    world.claude().answers(reply(all(1)));
    world.codex().answers(reply([]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), counts(&run)), @r"
    exit 0: reviewed ok, gate off, lanes 2/2
    100 findings: 0 agreed, 0 contradictions, 100 solo, 0 unchecked; 10 inline
    ");
    let published = world.published(7);
    let summary = published.summary().unwrap();
    assert!(
        summary.chars().count() <= 65_536 && summary.trim_end().ends_with("-->"),
        "{}",
        summary.chars().count()
    );
    assert_eq!(summary.matches("<details>").count(), summary.matches("</details>").count());
    assert_eq!(published.inline.len(), 10);
    insta::assert_snapshot!(lines_with(summary, &["left out"]).join("\n"), @"- Claude: only the first 100 findings were taken, 100 were left out");
    world.assert_clean();
}

// Not as text.

#[tokio::test]
async fn a_diff_that_is_not_utf_8_is_reviewed_and_commented_on() {
    let world = world_with(Pull::from_git(
        |repo| repo.write("latin.c", b"/* Gr\xfc\xdfe */\nint a = 1;\nint b = 1;\n"),
        |repo| repo.write("latin.c", b"/* Gr\xfc\xdfe */\nint a = 2;\nint b = 1;\nchar *s = \"\xe9\xff\";\n"),
    ))
    .await;
    let found = || {
        finding("latin.c", 2, "int a = 2;")
            .title("The start value changed")
            .body("It was 1 and callers count on it.")
    };
    world.claude().answers(reply([
        found(),
        finding("latin.c", 4, "char *s = \"\u{fffd}\u{fffd}\";").title("Odd bytes"),
    ]));
    world.codex().answers(reply([found()]));
    let run = opened(&world).finish().await;
    assert_eq!(run.output("outcome"), "reviewed", "{}", run.stderr);
    assert!(
        world.published(7).places().contains(&"latin.c:2 RIGHT".to_owned()),
        "{:?}",
        world.published(7).places()
    );
    world.assert_clean();
}

#[tokio::test]
async fn a_page_in_the_place_of_the_diff_does_not_make_the_pull_request_look_empty() {
    let world = shop().await;
    both_agree(&world);
    let greeting = Outgoing::bytes(200, "text/plain", "Welcome to the company network.\n");
    world.on("GET */pulls/7").nth(2).answer(Fault::Answer(greeting));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.count("GET */pulls/7/files*"), 1, "the files are read one by one instead");
    assert_eq!(world.published(7).places(), ["src/session.rs:2 RIGHT"]);
    world.assert_clean();
}

#[tokio::test]
async fn paths_with_blanks_quotes_and_other_alphabets_are_commented_on() {
    let paths = ["a file.rs", "日本語/コード.rs", "q\"uote.rs", "tab\there.rs", "b/a b/c.rs"];
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (*path, "let x = 1 / 0;\n")).collect();
    let world = world_with(Pull::from_files(&[("README.md", "shop\n")], &files)).await;
    let found = |path: &str| finding(path, 1, "let x = 1 / 0;").title("Division by zero").body("It panics.");
    world.claude().answers(reply(paths.map(found)));
    world.codex().answers(reply(paths.map(found)));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), counts(&run)), @r"
    exit 0: reviewed ok, gate off, lanes 2/2
    5 findings: 5 agreed, 0 contradictions, 0 solo, 0 unchecked; 5 inline
    ");
    insta::assert_snapshot!(world.published(7).places().join("\n"), @r#"
    a file.rs:1 RIGHT
    b/a b/c.rs:1 RIGHT
    q"uote.rs:1 RIGHT
    tab	here.rs:1 RIGHT
    日本語/コード.rs:1 RIGHT
    "#);
    world.assert_clean();
}

// Configuration.

#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_with_file_line_and_column() {
    let mut told_all = String::new();
    for text in [
        "strategi: auto\n",
        "version: 1\nbudget:\n  max_cost_usd: lots\n",
        "strategy: thorough\n",
        "fail_on: sometimes\n",
        "inline: {one: urgent}\n",
        "lanes:\n  claude:\n    provider: google\n",
        "paths:\n  exclude: [\"src/[\"]\n",
        "budget: [1, 2\n",
        "lanes: {claude: null, codex: null}\n",
        "- a\n- list\n",
        "version: 7\n",
    ] {
        let world = shop().await;
        world.base_file(CONFIG, text);
        let run = opened(&world).finish().await;
        assert_eq!(end(&run), "exit 2: failed bad-configuration, gate off, lanes 0/0", "{text}");
        assert_eq!(models(&world), 0);
        assert_eq!(check(&world), ("neutral".to_owned(), "Not reviewed (bad-configuration)".to_owned()));
        told_all.push_str(&run.stdout);
        world.assert_clean();
    }
    insta::assert_snapshot!(told_all, @r#"
    The configuration on `main` has a mistake: .github/counterpoint.yml:1:1: unknown field `strategi`, expected one of `version`, `lanes`, `strategy`, `fail_on`, `on_failure`, `budget`, `inline`, `paths`, `evidence`, `trigger`, `guidelines`, `prices`. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:3:17: budget.max_cost_usd: invalid type: string "lots", expected an amount in US dollars such as 0.50. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:1:11: strategy: expected `auto`, `single`, `sequential`, `parallel` or `adversarial`, got `thorough`. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:1:10: fail_on: expected `never`, `any-high`, `agreed-high`, `disputed`, `contradiction` or `incomplete`, got `sometimes`. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:1:15: inline.one: unknown variant `urgent`, expected one of `low`, `medium`, `high`, `critical`. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:3:15: lanes.claude.provider: expected `anthropic`, `openai`, `azure`, `bedrock`, `vertex`, `github` or `compatible`, got `google`. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:2:13: paths.exclude[0]: expected a glob such as `src/**/*.rs`: unclosed character class; missing ']'. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:1:9: budget: invalid type: sequence, expected amounts such as `{max_cost_usd: 1.00}`. Correct the file on the base branch; `counterpoint doctor` checks it.
    No lane is configured: switch `claude` or `codex` on, or name another under `lanes`. Correct the configuration, the input or the command.
    The configuration on `main` has a mistake: .github/counterpoint.yml:1:1: invalid type: sequence, expected settings such as `strategy: parallel`. Correct the file on the base branch; `counterpoint doctor` checks it.
    The configuration on `main` has a mistake: .github/counterpoint.yml:1:10: version: expected version 1, got 7. Correct the file on the base branch; `counterpoint doctor` checks it.
    "#);
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_not_told_to_every_comment() {
    let world = shop().await;
    world.base_file(CONFIG, "strategi: auto\n");
    let comment = world.comment(7, User::person("eve"), "Nice work!");
    let run = on(&world, world.comment_event(comment)).finish().await;
    assert_eq!(run.output("reason"), "bad-configuration");
    assert!(world.published(7).is_empty(), "{}", world.published(7));
}

#[tokio::test]
async fn a_configuration_under_another_name_is_read_from_the_base_branch() {
    let world = shop().await;
    world.base_file("ci/review.yml", "lanes: {codex: null}\n");
    world.head_file(7, "ci/review.yml", "lanes: {claude: null}\n");
    world.claude().answers(reply([]));
    let run = opened(&world).input("config", "./ci/review.yml").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 1/1");
    world.assert_clean();
}

#[tokio::test]
async fn a_configuration_that_the_pull_request_changes_is_reported_and_not_applied() {
    let mut told_all = String::new();
    for proposed in ["lanes: {claude: null, codex: null}\nfail_on: never\n", "strategi: auto\n"] {
        let old = "fail_on: any-high\n";
        let world = world_with(Pull::from_files(
            &[(CONFIG, old), ("src/session.rs", BEFORE)],
            &[(CONFIG, proposed), ("src/session.rs", AFTER)],
        ))
        .await;
        both_agree(&world);
        let run = opened(&world).finish().await;
        assert_eq!(end(&run), "exit 1: reviewed ok, gate tripped, lanes 2/2");
        let summary = tidy(world.published(7).summary().unwrap_or_default());
        told_all.push_str(&format!("{}\n", lines_with(&summary, &["This pull request changes"]).join("\n")));
        world.assert_clean();
    }
    insta::assert_snapshot!(told_all, @"
    This pull request changes `.github/counterpoint.yml`: the change applies once it is merged.
    This pull request changes `.github/counterpoint.yml`, and the new version has a mistake: .github/counterpoint.yml:1:1: unknown field `strategi`, expected one of `version`, `lanes`, `strategy`, `fail_on`, `on_failure`, `budget`, `inline`, `paths`, `evidence`, `trigger`, `guidelines`, `prices`.
    ");
}

// Gates.

#[tokio::test]
async fn each_gate_trips_on_what_it_is_named_after_and_passes_on_what_it_is_not() {
    let disagree = || {
        let sound = clearance(
            "src/session.rs",
            "    if retried { amount * 2 } else { amount }",
            "The caller halves it.",
        );
        (reply([refund()]), reply([]).clears([sound]))
    };
    let mut table = String::new();
    for (what, answers) in [
        ("nothing", (reply([]), reply([]))),
        ("one high", (reply([expiry()]), reply([]))),
        ("both medium", (reply([expiry().severity("medium")]), reply([boundary().severity("medium")]))),
        ("both high", (reply([expiry()]), reply([boundary().severity("low")]))),
        ("contradiction", disagree()),
    ] {
        table.push_str(&format!("{what}:"));
        for gate in
            ["never", "any-high", "agreed-high", "contradiction", "incomplete", "agreed-high,contradiction"]
        {
            let world = shop().await;
            world.claude().answers(answers.0.clone());
            world.codex().answers(answers.1.clone());
            let run = opened(&world).input("fail-on", gate).finish().await;
            let expected =
                if run.output("gate") == "tripped" { (Some(1), "failure") } else { (Some(0), "success") };
            assert_eq!((run.code, check(&world).0.as_str()), expected, "{what} {gate}");
            table.push_str(&format!(" {gate} {}", run.output("gate")));
            world.assert_clean();
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table, @r"
    nothing: never off any-high passed agreed-high passed contradiction passed incomplete passed agreed-high,contradiction passed
    one high: never off any-high tripped agreed-high passed contradiction passed incomplete passed agreed-high,contradiction passed
    both medium: never off any-high passed agreed-high passed contradiction passed incomplete passed agreed-high,contradiction passed
    both high: never off any-high tripped agreed-high tripped contradiction passed incomplete passed agreed-high,contradiction tripped
    contradiction: never off any-high tripped agreed-high passed contradiction tripped incomplete passed agreed-high,contradiction tripped
    ");
}

#[tokio::test]
async fn a_gate_on_half_a_review_is_undecided_unless_what_was_found_is_enough() {
    let mut table = String::new();
    for (what, answer) in [("nothing", reply([])), ("one high", reply([expiry()]))] {
        table.push_str(&format!("{what}, one lane down:"));
        for gate in ["any-high", "agreed-high", "contradiction", "incomplete", "agreed-high,incomplete"] {
            let world = shop().await;
            world.claude().answers(answer.clone());
            world.codex().answers(Answer::refusal());
            let run = opened(&world).input("fail-on", gate).finish().await;
            table.push_str(&format!(
                " {gate} {} ({}, {})",
                run.output("gate"),
                run.code.unwrap_or(-1),
                check(&world).0
            ));
            world.assert_clean();
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table, @r"
    nothing, one lane down: any-high undecided (0, neutral) agreed-high undecided (0, neutral) contradiction undecided (0, neutral) incomplete tripped (1, failure) agreed-high,incomplete tripped (1, failure)
    one high, one lane down: any-high tripped (1, failure) agreed-high undecided (0, neutral) contradiction undecided (0, neutral) incomplete tripped (1, failure) agreed-high,incomplete tripped (1, failure)
    ");
}

#[tokio::test]
async fn the_summary_and_the_comments_say_what_blocks() {
    let world = shop().await;
    world.base_file(CONFIG, "fail_on: [agreed-high]\n");
    world.claude().answers(reply([expiry(), refund()]));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 1: reviewed ok, gate tripped, lanes 2/2");
    let told = told(&world);
    insta::assert_snapshot!(lines_with(&told, &["block"]).join("\n"), @"
    <sub>Raised blind by Claude; Codex read the same and did not raise it · does not block · `/counterpoint dismiss f1 reason`</sub>
    <sub>Raised blind by Claude and Codex, independently · blocks · `/counterpoint dismiss f2 reason`</sub>
    | high, blocks | [`src/session.rs:2`](https://github.com/acme/shop/pull/7#discussion_r<id>) | A token is accepted in the second it expires |
    ");
    insta::assert_snapshot!(lines_with(&told, &["gate"]).join("\n"), @"
    The gate `agreed-high` tripped: 1 finding of high or critical severity, found by both.
    The gate `agreed-high` tripped: 1 finding of high or critical severity, found by both.
    ");
    world.assert_clean();
}

// Secrets.

/// Secrets of each kind, made at run time so that none stands in this file.
fn secrets() -> Vec<String> {
    let letters = |seed: u64, count: usize| -> String {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let alphabet = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(alphabet[usize::try_from(state % 57).unwrap()])
        };
        (0..count).map(|_| next()).collect()
    };
    vec![
        format!("{}-ant-api03-{}", "sk", letters(1, 93)),
        format!("{}-proj-{}", "sk", letters(2, 64)),
        format!("{}_{}", "ghp", letters(3, 36)),
        format!("github_{}_{}_{}", "pat", letters(4, 22), letters(5, 59)),
        format!("{}IA{}", "AK", letters(6, 16).to_uppercase()),
        format!("xox{}-{}-{}", "b", "123456789012", letters(7, 24)),
    ]
}

#[tokio::test]
async fn a_secret_in_the_diff_reaches_no_model_no_comment_no_record_and_no_log() {
    let secrets = secrets();
    let key_lines: Vec<String> =
        (0..6).map(|n| secrets[n % 6].replace(['-', '_'], "A").chars().cycle().take(64).collect()).collect();
    let pem =
        format!("-----BEGIN {0} KEY-----\n{1}\n-----END {0} KEY-----\n", "RSA PRIVATE", key_lines.join("\n"));
    let mut code = String::from("fn connect() {\n");
    for (n, secret) in secrets.iter().enumerate() {
        code.push_str(&format!("    let key_{n} = \"{secret}\";\n"));
    }
    code.push_str("    open(key_0);\n}\n");
    let world = world_with(
        Pull::from_files(
            &[("a.rs", "fn connect() {}\n")],
            &[("a.rs", code.as_str()), ("id_rsa", pem.as_str())],
        )
        .title(&format!("Use {}", secrets[0]))
        .body(&format!("The key is {}", secrets[2])),
    )
    .await;
    // A model that has seen it elsewhere repeats it.
    let leak = finding("a.rs", 2, "    let key_0 =")
        .title(&format!("Key {} is committed", secrets[0]))
        .body(&format!("Anybody can use `{}`.", secrets[1]))
        .suggestion(&format!("    let key_0 = \"{}\";", secrets[0]));
    world.claude().answers(reply([
        leak,
        finding("a.rs", 8, "    open(key_0);").title("Opened without a timeout").body("It hangs."),
    ]));
    world.codex().answers(reply([]).clears([clearance("a.rs", "    open(key_0);", &secrets[3])]));
    let run = opened(&world).env("COUNTERPOINT_LOG", "debug").finish().await;
    assert_eq!(run.output("outcome"), "reviewed", "{}", run.stderr);
    let record = run.record().unwrap();
    let diff = record["diff_base64"].as_str().unwrap();
    let diff = String::from_utf8_lossy(&decode(diff)).into_owned();
    let mut places = vec![
        ("stdout", run.stdout.clone()),
        ("log", run.stderr.clone()),
        ("job summary", run.summary.clone()),
        ("record", record.to_string()),
        ("diff of the record", diff),
        ("pull request", world.published(7).to_string()),
    ];
    for request in world.requests() {
        places.push(("request", String::from_utf8_lossy(&request.body).into_owned()));
    }
    for secret in secrets.iter().chain(&key_lines) {
        for (name, text) in &places {
            assert!(!text.contains(secret.as_str()), "{name} holds {secret}:\n{text}");
        }
    }
    insta::assert_snapshot!(lines_with(&told(&world), &["seems to hold secrets"]).join("\n"), @r"
    The diff seems to hold secrets: 13 lines were hidden from the reviewers. Rotate what is real.
    The diff seems to hold secrets: 13 lines were hidden from the reviewers. Rotate what is real.
    ");
    assert!(
        world.published(7).places().contains(&"a.rs:8 RIGHT".to_owned()),
        "lines count as before: {}",
        world.published(7)
    );
    world.assert_clean();
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
