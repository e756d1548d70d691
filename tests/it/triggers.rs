//! Who asked for what, and may they: every event that starts a review, and every one that does not.

use crate::shop::*;
use crate::world::*;

const NO_KEYS: [&str; 2] = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"];

fn without_keys(run: Run) -> Run {
    NO_KEYS.into_iter().fold(run, Run::without)
}

fn model_calls(world: &World) -> usize {
    world.count("POST /anthropic/*") + world.count("POST /openai/*")
}

/// Runs on a comment and says how it ended, what the log said, and which reaction stays.
async fn said(world: &World, by: User, text: &str) -> String {
    let comment = world.comment(7, by, text);
    let run = on(world, world.comment_event(comment)).finish().await;
    assert_no_foreign_commands(&run);
    let reactions: Vec<String> =
        world.published(7).reactions.into_iter().map(|(content, _)| content).collect();
    format!("{} {reactions:?}\n{}", end(&run), run.stdout.lines().next().unwrap_or_default())
}

/// A shop in which Mona may write.
async fn monas_shop() -> World {
    let world = shop().await;
    world.permission("mona", Permission::Write);
    world
}

// Pull request events.

#[tokio::test]
async fn every_action_on_a_pull_request_but_closed_is_a_reason_to_look() {
    for action in
        ["opened", "synchronize", "reopened", "ready_for_review", "labeled", "edited", "review_requested"]
    {
        let world = shop().await;
        both_silent(&world);
        let run = on(&world, world.pull_request_event(7).action(action)).finish().await;
        assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2", "{action}");
        world.assert_clean();
    }
    let world = shop().await;
    let run = on(&world, world.pull_request_event(7).action("closed")).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: skipped closed, gate off, lanes 0/0");
    assert_eq!(world.requests().len(), 0);
}

#[tokio::test]
async fn a_pull_request_that_was_closed_meanwhile_is_not_reviewed() {
    let world = world_with(two_lines().closed()).await;
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), run.stdout), @r"
    exit 0: skipped closed, gate off, lanes 0/0
    The pull request is closed.
    ");
    assert!(world.published(7).is_empty());
}

#[tokio::test]
async fn pull_request_target_reviews_a_fork_with_the_rights_of_the_base() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    both_agree(&world);
    let run = on(&world, world.pull_request_target_event(7)).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).inline.len(), 1);
    world.assert_clean();
}

#[tokio::test]
async fn pull_request_target_without_keys_is_a_mistake_and_not_a_forks_fault() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    let run = without_keys(on(&world, world.pull_request_target_event(7))).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 2: failed missing-keys, gate off, lanes 0/2");
}

#[tokio::test]
async fn the_head_is_resolved_once_and_is_what_gets_reviewed() {
    let world = shop().await;
    let event = world.pull_request_event(7);
    let old = world.head(7);
    let new = world.push(7, &[("src/session.rs", &AFTER.replace("* 2", "* 4"))], OldHead::Stays);
    both_agree(&world);
    let run = on(&world, event).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_ne!(old, new);
    assert!(world.requests_to("POST */reviews").iter().all(|request| request.json()["commit_id"] == new));
    assert_eq!(run.record().unwrap()["head_sha"], new);
    assert!(world.claude().requests()[0].prompt().contains("amount * 4"));
    world.assert_clean();
}

// Forks and Dependabot.

#[tokio::test]
async fn a_fork_without_keys_is_skipped_with_what_a_maintainer_can_do() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    let run = without_keys(opened(&world)).finish().await;
    insta::assert_snapshot!(end(&run), @"exit 0: skipped fork-no-secrets, gate off, lanes 0/0");
    insta::assert_snapshot!(run.summary, @r"
    ### Counterpoint: skipped

    GitHub gives no secrets to this event, because the pull request comes from a fork or from Dependabot.

    A maintainer can comment `/review`: that run has the keys and checks out no code.
    ");
    assert!(world.published(7).is_empty(), "a skip that nobody asked for is not told on the pull request");
    world.assert_clean();
}

#[tokio::test]
async fn a_fork_without_keys_is_skipped_also_where_github_cannot_be_read() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    let run = without_keys(opened(&world)).env("GITHUB_API_URL", "http://127.0.0.1:9").finish().await;
    assert_eq!(end(&run), "exit 0: skipped fork-no-secrets, gate off, lanes 0/0");
    world.assert_clean();
}

#[tokio::test]
async fn a_fork_is_reviewed_without_secrets_by_a_lane_that_needs_none() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    world.bring_local(&["auth: none", "free: true"], "  claude: null\n  codex: null\n", "");
    world.chat().keyless();
    world.chat().answers(reply([expiry()]));
    let run = without_keys(opened(&world)).finish().await;
    assert_eq!(run.output("lanes"), "1/1", "{}", run.stderr);
    world.assert_clean();
}

#[tokio::test]
async fn a_deleted_fork_without_keys_is_skipped_and_with_keys_it_is_reviewed() {
    let world = world_with(two_lines().fork_deleted()).await;
    let run = without_keys(opened(&world)).finish().await;
    assert_eq!(end(&run), "exit 0: skipped fork-no-secrets, gate off, lanes 0/0");
    both_agree(&world);
    let run = on(&world, world.dispatch_event(Some(7))).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
}

#[tokio::test]
async fn a_run_sent_by_dependabot_without_keys_is_skipped_whoever_opened_the_pull_request() {
    let world = shop().await;
    let event = world.pull_request_event(7).sent_by(&User::bot("dependabot[bot]"));
    let run = without_keys(on(&world, event)).finish().await;
    assert_eq!(end(&run), "exit 0: skipped fork-no-secrets, gate off, lanes 0/0");
    world.assert_clean();
}

#[tokio::test]
async fn a_fork_with_one_key_is_reviewed_by_one_lane() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    world.claude().answers(reply([expiry()]));
    let run = opened(&world).without("OPENAI_API_KEY").finish().await;
    assert_eq!(end(&run), "exit 0: partial missing-key, gate off, lanes 1/2");
    world.assert_clean();
}

#[tokio::test]
async fn a_fork_of_the_same_name_in_other_letters_is_the_same_repository() {
    let world = shop().await;
    let mut event = world.pull_request_event(7);
    event.payload["pull_request"]["head"]["repo"]["full_name"] = "ACME/Shop".into();
    let run = without_keys(on(&world, event)).finish().await;
    assert_eq!(end(&run), "exit 2: failed missing-keys, gate off, lanes 0/2");
}

// Drafts and bots.

#[tokio::test]
async fn a_draft_waits_until_it_is_ready_or_somebody_asks() {
    let world = world_with(two_lines().draft()).await;
    world.permission("mona", Permission::Write);
    let run = opened(&world).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), run.stdout), @r"
    exit 0: skipped draft, gate off, lanes 0/0
    Drafts are not reviewed until they are ready. Comment `/review` to have it reviewed all the same.
    ");
    assert!(world.published(7).is_empty());
    assert_eq!(model_calls(&world), 0);
    both_silent(&world);
    let run = on(&world, world.dispatch_event(Some(7))).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    both_silent(&world);
    let asked = said(&world, User::person("mona"), "/review full").await;
    assert!(asked.starts_with("exit 0: reviewed ok"), "{asked}");
    world.assert_clean();
}

#[tokio::test]
async fn drafts_are_reviewed_where_the_configuration_wants_it() {
    let world = world_with(two_lines().draft()).await;
    world.base_file(".github/counterpoint.yml", "trigger: {drafts: true}\n");
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
}

#[tokio::test]
async fn dependency_bots_wait_for_somebody_to_ask_and_coding_agents_do_not() {
    for (login, expected) in [
        ("dependabot[bot]", "exit 0: skipped dependency-bot, gate off, lanes 0/0"),
        ("renovate[bot]", "exit 0: skipped dependency-bot, gate off, lanes 0/0"),
        ("copilot-swe-agent[bot]", "exit 0: reviewed ok, gate off, lanes 2/2"),
        ("claude[bot]", "exit 0: reviewed ok, gate off, lanes 2/2"),
        ("chatgpt-codex-connector[bot]", "exit 0: reviewed ok, gate off, lanes 2/2"),
    ] {
        let world = world_with(two_lines().by(User::bot(login))).await;
        if expected.contains("reviewed") {
            both_silent(&world);
        }
        let run = opened(&world).finish().await;
        assert_eq!(end(&run), expected, "{login}");
        both_silent(&world);
        let run = on(&world, world.dispatch_event(Some(7))).finish().await;
        assert_eq!(run.output("outcome"), "reviewed", "{login}");
        world.claude().otherwise(reply([]));
    }
}

#[tokio::test]
async fn a_dependency_bot_that_the_configuration_names_is_reviewed() {
    let world = world_with(two_lines().by(User::bot("renovate[bot]"))).await;
    world.base_file(".github/counterpoint.yml", "trigger: {bots: [\"renovate[bot]\"]}\n");
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
}

// By hand.

#[tokio::test]
async fn a_dispatch_takes_the_number_from_the_input_before_the_event() {
    let world = shop().await;
    world.add(Pull::from_files(&[("a.rs", "old\n")], &[("a.rs", "new\n")]).number(9));
    both_silent(&world);
    let run = on(&world, world.dispatch_event(Some(9))).input("pull-request", "7").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert!(!world.published(7).is_empty() && world.published(9).is_empty());
    both_silent(&world);
    let run = on(&world, world.dispatch_event(Some(9))).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert!(!world.published(9).is_empty());
    world.assert_clean();
}

#[tokio::test]
async fn a_dispatch_without_a_number_says_where_to_put_one() {
    let world = shop().await;
    let mut told = String::new();
    let mut nonsense = world.dispatch_event(Some(7));
    nonsense.payload["inputs"]["pull-request"] = "seven".into();
    for run in [
        on(&world, world.dispatch_event(None)),
        on(&world, nonsense),
        on(&world, world.dispatch_event(None)).input("pull-request", "seven"),
        on(&world, world.dispatch_event(None)).input("pull-request", "0"),
    ] {
        let run = run.finish().await;
        told.push_str(&format!("{}\n{}\n", end(&run), run.stdout));
    }
    insta::assert_snapshot!(told, @r"
    exit 2: failed no-pull-request, gate off, lanes 0/0
    The workflow was started by hand without the number of a pull request. Give the workflow an input `pull-request` and pass it on, or set the action's input `pull-request`.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The input `pull-request` cannot be read: expected the number of a pull request, got `seven`. Set it to a number such as 7.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The input `pull-request` cannot be read: expected the number of a pull request, got `seven`. Set it to a number such as 7.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The input `pull-request` cannot be read: expected the number of a pull request, got `0`. Set it to a number such as 7.
    ");
    assert_eq!(world.requests().len(), 0);
}

#[tokio::test]
async fn a_dispatch_without_keys_is_a_mistake_even_for_a_fork() {
    let world = world_with(two_lines().forked("eve/shop")).await;
    let run = without_keys(on(&world, world.dispatch_event(Some(7)))).finish().await;
    assert_eq!(end(&run), "exit 2: failed missing-keys, gate off, lanes 0/2");
}

#[tokio::test]
async fn an_event_without_a_pull_request_needs_the_number_as_an_input() {
    let world = shop().await;
    let run = on(&world, world.push_event()).finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), run.stdout), @r"
    exit 2: failed no-pull-request, gate off, lanes 0/0
    The event `push` holds no pull request. Run Counterpoint on `pull_request`, `issue_comment` or `workflow_dispatch`, or set the input `pull-request`.
    ");
    both_silent(&world);
    let run = on(&world, world.push_event()).input("pull-request", "7").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    world.assert_clean();
}

// Comments.

#[tokio::test]
async fn a_command_shows_eyes_while_it_works_and_takes_them_away() {
    let world = monas_shop().await;
    let gate = Gate::new();
    world.claude().answers(Answer::reply(reply([expiry()])).held(&gate));
    world.codex().answers(reply([boundary()]));
    let comment = world.comment(7, User::person("mona"), "Please look again.\n\n/review\n");
    let running = on(&world, world.comment_event(comment)).spawn();
    gate.reached().await;
    assert_eq!(
        world.published(7).reactions.iter().map(|(content, _)| content.as_str()).collect::<Vec<_>>(),
        ["eyes"]
    );
    gate.open();
    let run = running.finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).reactions, []);
    assert_eq!(world.published(7).inline.len(), 1);
    world.assert_clean();
}

#[tokio::test]
async fn a_comment_that_only_shows_or_repeats_a_command_is_none() {
    for text in [
        "```\n/review\n```",
        "> /review",
        "`/review`",
        "    /review",
        "try /review maybe",
        "<!--\n/review\n-->",
        "/reviewer",
        "Nice work!",
    ] {
        let world = monas_shop().await;
        let told = said(&world, User::person("mona"), text).await;
        assert_eq!(
            told,
            "exit 0: skipped no-command, gate off, lanes 0/0 []\nThe comment does not ask for a review with `/review`.",
            "{text:?}"
        );
        assert_eq!((model_calls(&world), world.writes()), (0, vec![]), "{text:?}");
        world.assert_clean();
    }
}

#[tokio::test]
async fn only_a_new_comment_by_a_person_is_a_command() {
    let world = monas_shop().await;
    let mut told = String::new();
    let comment = world.comment(7, User::person("mona"), "/review");
    for action in ["edited", "deleted"] {
        let run = on(&world, world.comment_event(comment).action(action)).finish().await;
        told.push_str(&format!("{action}: {}\n", end(&run)));
    }
    world.permission("helper[bot]", Permission::Admin);
    let by_bot = world.comment(7, User::bot("helper[bot]"), "/review");
    let run = on(&world, world.comment_event(by_bot)).finish().await;
    told.push_str(&format!("by a bot: {}\n", end(&run)));
    let mut ghost = world.comment_event(comment);
    ghost.payload["comment"]["user"] = serde_json::Value::Null;
    let run = on(&world, ghost).finish().await;
    told.push_str(&format!("by a deleted account: {}\n", end(&run)));
    world.add_issue(12);
    let on_issue = world.comment(12, User::person("mona"), "/review");
    let run = on(&world, world.comment_event(on_issue)).finish().await;
    told.push_str(&format!("under an issue: {}\n", end(&run)));
    insta::assert_snapshot!(told, @r"
    edited: exit 0: skipped no-command, gate off, lanes 0/0
    deleted: exit 0: skipped no-command, gate off, lanes 0/0
    by a bot: exit 0: skipped no-command, gate off, lanes 0/0
    by a deleted account: exit 0: skipped no-command, gate off, lanes 0/0
    under an issue: exit 0: skipped no-pull-request, gate off, lanes 0/0
    ");
    assert_eq!(world.requests().len(), 0);
}

#[tokio::test]
async fn only_people_who_may_write_may_ask_and_others_see_a_confused_face() {
    let mut told = String::new();
    for permission in [
        Permission::Admin,
        Permission::Maintain,
        Permission::Write,
        Permission::Triage,
        Permission::Read,
        Permission::None,
        Permission::Nobody,
        Permission::Hidden,
    ] {
        let world = shop().await;
        world.permission("eve", permission);
        let may = matches!(permission, Permission::Admin | Permission::Maintain | Permission::Write);
        if may {
            both_silent(&world);
        }
        let line = said(&world, User::person("eve"), "/review").await;
        let line = if may { line.lines().next().unwrap_or_default().to_owned() } else { line };
        told.push_str(&format!("{permission:?}: {line}\n"));
        assert_eq!(model_calls(&world), if may { 2 } else { 0 });
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @r#"
    Admin: exit 0: reviewed ok, gate off, lanes 2/2 []
    Maintain: exit 0: reviewed ok, gate off, lanes 2/2 []
    Write: exit 0: reviewed ok, gate off, lanes 2/2 []
    Triage: exit 0: skipped not-permitted, gate off, lanes 0/0 ["confused"]
    Only people with write access may ask for a review. Ask somebody with write access to comment.
    Read: exit 0: skipped not-permitted, gate off, lanes 0/0 ["confused"]
    Only people with write access may ask for a review. Ask somebody with write access to comment.
    None: exit 0: skipped not-permitted, gate off, lanes 0/0 ["confused"]
    Only people with write access may ask for a review. Ask somebody with write access to comment.
    Nobody: exit 0: skipped not-permitted, gate off, lanes 0/0 ["confused"]
    Only people with write access may ask for a review. Ask somebody with write access to comment.
    Hidden: exit 0: skipped not-permitted, gate off, lanes 0/0 ["confused"]
    Only people with write access may ask for a review. Ask somebody with write access to comment.
    "#);
}

#[tokio::test]
async fn when_github_cannot_say_who_may_ask_nobody_may() {
    let world = monas_shop().await;
    world.on("GET */permission").answer(Fault::html());
    let told = said(&world, User::person("mona"), "/review").await;
    insta::assert_snapshot!(told, @r"
    exit 4: failed github-unreadable, gate off, lanes 0/0 []
    Nobody could say whether the commenter may ask for a review: GET /api/repos/acme/shop/collaborators/mona/permission: JSON was expected, an HTML page came (status 200). Check GITHUB_API_URL and any proxy in between; GitHub's own address is https://api.github.com.
    ");
    assert_eq!(model_calls(&world), 0);
}

#[tokio::test]
async fn the_words_of_a_command_choose_what_is_asked() {
    let mut told = String::new();
    for (text, lanes) in [
        ("/review full", "both"),
        ("/review single", "claude"),
        ("/review claude", "claude"),
        ("/review codex max=0.30", "codex"),
        ("/review parallel max=$0.50", "both"),
        ("/review auto", "both"),
    ] {
        let world = monas_shop().await;
        if lanes != "codex" {
            world.claude().answers(reply([]));
        }
        if lanes != "claude" {
            world.codex().answers(reply([]));
        }
        let comment = world.comment(7, User::person("mona"), text);
        let run = on(&world, world.comment_event(comment)).finish().await;
        let record = run.record().unwrap();
        told.push_str(&format!("{text}: {}, cap {}\n", end(&run), record["config"]["max_cost_usd"]));
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @r#"
    /review full: exit 0: reviewed ok, gate off, lanes 2/2, cap "1.000000"
    /review single: exit 0: reviewed ok, gate off, lanes 1/1, cap "1.000000"
    /review claude: exit 0: reviewed ok, gate off, lanes 1/1, cap "1.000000"
    /review codex max=0.30: exit 0: reviewed ok, gate off, lanes 1/1, cap "0.300000"
    /review parallel max=$0.50: exit 0: reviewed ok, gate off, lanes 2/2, cap "0.500000"
    /review auto: exit 0: reviewed ok, gate off, lanes 2/2, cap "1.000000"
    "#);
}

#[tokio::test]
async fn a_command_can_lower_the_cap_and_never_raise_it() {
    let world = monas_shop().await;
    both_silent(&world);
    let comment = world.comment(7, User::person("mona"), "/review max=50");
    let run = on(&world, world.comment_event(comment)).input("max-cost-usd", "0.60").finish().await;
    assert_eq!(run.record().unwrap()["config"]["max_cost_usd"], "0.600000");
    let told = said(&world, User::person("mona"), "/review full max=0").await;
    insta::assert_snapshot!(told, @r"
    exit 0: skipped budget, gate off, lanes 0/0 []
    The budget left for this run ($0.00) cannot pay a single call, so no model was asked. Raise `max-cost-usd` (or `per_pr_usd` in the configuration), or choose a cheaper model.
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_command_nobody_understands_is_answered_with_a_confused_face_and_the_grammar() {
    let mut told = String::new();
    for text in [
        "/review harder",
        "/review thorough",
        "/review max=lots",
        "/review claude codex",
        "/review ::error::x",
    ] {
        let world = monas_shop().await;
        told.push_str(&format!("{}\n", said(&world, User::person("mona"), text).await));
        assert_eq!(model_calls(&world), 0);
        world.assert_clean();
    }
    insta::assert_snapshot!(told, @r#"
    exit 0: skipped bad-command, gate off, lanes 0/0 ["confused"]
    I do not know the word `harder`. Use `/review [full] [auto|single|sequential|parallel|adversarial] [claude|codex] [max=USD]`. Write the command again in a new comment.
    exit 0: skipped bad-command, gate off, lanes 0/0 ["confused"]
    I do not know the word `thorough`. Use `/review [full] [auto|single|sequential|parallel|adversarial] [claude|codex] [max=USD]`. Write the command again in a new comment.
    exit 0: skipped bad-command, gate off, lanes 0/0 ["confused"]
    `max=lots` is not an amount in US dollars such as `max=0.50`. Use `/review [full] [auto|single|sequential|parallel|adversarial] [claude|codex] [max=USD]`. Write the command again in a new comment.
    exit 0: skipped bad-command, gate off, lanes 0/0 ["confused"]
    A command can name only one reviewer, and `codex` is a second one. Use `/review [full] [auto|single|sequential|parallel|adversarial] [claude|codex] [max=USD]`. Write the command again in a new comment.
    exit 0: skipped bad-command, gate off, lanes 0/0 ["confused"]
    I do not know the word `??error??x`. Use `/review [full] [auto|single|sequential|parallel|adversarial] [claude|codex] [max=USD]`. Write the command again in a new comment.
    "#);
}

#[tokio::test]
async fn a_command_on_a_forks_pull_request_is_reviewed_with_the_base_repositorys_keys() {
    let world = world_with(two_lines().forked("eve/shop").by(User::person("eve"))).await;
    world.permission("mona", Permission::Maintain);
    both_agree(&world);
    let told = said(&world, User::person("mona"), "/review").await;
    assert!(told.starts_with("exit 0: reviewed ok, gate off, lanes 2/2 []"), "{told}");
    assert_eq!(world.published(7).inline.len(), 1);
    world.assert_clean();
}

#[tokio::test]
async fn another_word_can_be_the_command_and_then_review_is_none() {
    let world = monas_shop().await;
    world.base_file(".github/counterpoint.yml", "trigger: {command: /counterpoint-review}\n");
    let told = said(&world, User::person("mona"), "/review").await;
    insta::assert_snapshot!(told, @r"
    exit 0: skipped no-command, gate off, lanes 0/0 []
    The comment does not ask for a review with `/counterpoint-review`.
    ");
    both_silent(&world);
    let told = said(&world, User::person("mona"), "/counterpoint-review").await;
    assert!(told.starts_with("exit 0: reviewed ok"), "{told}");
    world.assert_clean();
}

#[tokio::test]
async fn a_stranger_cannot_see_from_a_reaction_that_a_plain_comment_was_read() {
    let world = shop().await;
    let told = said(&world, User::person("eve"), "I like it.").await;
    assert!(told.starts_with("exit 0: skipped no-command, gate off, lanes 0/0 []"), "{told}");
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_posted_when_the_input_post_is_false() {
    let world = shop().await;
    both_agree(&world);
    let run = opened(&world).input("post", "false").finish().await;
    insta::assert_snapshot!(format!("{}\n{}", end(&run), counts(&run)), @r"
    exit 0: reviewed ok, gate off, lanes 2/2
    1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 0 inline
    ");
    assert_eq!(world.writes(), Vec::<String>::new());
    assert!(run.summary.contains("A token is accepted"), "{}", run.summary);
    world.assert_clean();
}

#[tokio::test]
async fn an_input_nobody_understands_names_the_input_and_what_was_expected() {
    let world = shop().await;
    let mut told = String::new();
    for (name, value) in [
        ("strategy", "thorough"),
        ("max-cost-usd", "a dollar"),
        ("max-cost-usd", "-1"),
        ("max-minutes", "0"),
        ("fail-on", "any-high,sometimes"),
        ("fail-on", "never,any-high"),
        ("on-failure", "explode"),
        ("post", "perhaps"),
        ("config", "../../etc/passwd"),
        ("config", "settings/none.yml"),
    ] {
        let run = opened(&world).input(name, value).finish().await;
        assert_no_foreign_commands(&run);
        told.push_str(&format!("{}\n{}\n", end(&run), run.stdout));
    }
    insta::assert_snapshot!(told, @"
    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `strategy`: expected `auto`, `single`, `sequential`, `parallel` or `adversarial`, got `thorough`. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `max-cost-usd`: expected an amount in US dollars such as 0.50, got `a dollar`. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `max-cost-usd`: expected an amount in US dollars such as 0.50, got `-1`. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `max-minutes`: expected a number of minutes above 0 and at most 1440, got `0`. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `fail-on`: expected `never`, `any-high`, `agreed-high`, `disputed`, `contradiction` or `incomplete`, got `sometimes`. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `fail-on`: expected `never` alone, or a list of gates without it. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `on-failure`: expected `neutral` or `fail`, got `explode`. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The inputs cannot be read: `post`: expected `true` or `false`, got `perhaps`. Correct the input in the workflow.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    `../../etc/passwd` cannot be the path of a configuration: `..` cannot be part of an address. Correct the file on the base branch; `counterpoint doctor` checks it.

    exit 2: failed bad-configuration, gate off, lanes 0/0
    The configuration `settings/none.yml` does not stand on the base branch `main`. Correct the file on the base branch; `counterpoint doctor` checks it.
    ");
    assert_eq!(model_calls(&world), 0);
}
