//! Who is asked what under each strategy, and how `auto` chooses.

use super::*;

/// The passes of a run under a strategy, when Claude raises one finding of this severity in this file.
async fn chosen(run: impl Fn(&World) -> Run, path: &str, severity: &str, configuration: &str) -> String {
    let world = world_with(Pull::from_files(&[(path, BEFORE)], &[(path, AFTER)])).await;
    if !configuration.is_empty() {
        world.base_file(".github/counterpoint.yml", configuration);
    }
    world.claude().otherwise(reply([finding(path, 2, COMPARISON).title(EXPIRY).severity(severity)]));
    let codex = |request: &ModelRequest| match request.pass() {
        Pass::Review => reply([]).into(),
        _ => votes([challenge(EXPIRY, "plausible", "It depends.", "", "")]).into(),
    };
    world.codex().otherwise(Answer::consider(codex));
    let run = run(&world).finish().await;
    world.assert_clean();
    format!("{}; {}", passes(&run).join(", "), verdicts(&run).join(", "))
}

#[tokio::test]
async fn each_strategy_asks_what_it_says() {
    let mut told = String::new();
    for strategy in ["single", "parallel", "sequential", "adversarial", "auto"] {
        let passes =
            chosen(|world| opened(world).input("strategy", strategy), "src/list.rs", "medium", "").await;
        told.push_str(&format!("{strategy}: {passes}\n"));
    }
    insta::assert_snapshot!(told, @"
    single: claude review done; A token is accepted in the second it expires: solo, medium
    parallel: claude review done, codex review done; A token is accepted in the second it expires: solo, medium
    sequential: claude review done, codex challenge done; A token is accepted in the second it expires: solo, medium
    adversarial: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, medium
    auto: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, medium
    ");
}

#[tokio::test]
async fn auto_asks_less_about_what_weighs_little_and_more_where_stakes_are_high() {
    let mut told = String::new();
    for (path, severity) in [
        ("src/list.rs", "low"),
        ("src/list.rs", "medium"),
        ("src/session.rs", "low"),
        ("migrations/0007_users.sql", "low"),
        (".github/workflows/deploy.yml", "low"),
        ("docs/guide.md", "high"),
    ] {
        let passes = chosen(as_configured, path, severity, "").await;
        told.push_str(&format!("{path}, {severity}: {passes}\n"));
    }
    insta::assert_snapshot!(told, @"
    src/list.rs, low: claude review done, codex review done; A token is accepted in the second it expires: solo, low
    src/list.rs, medium: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, medium
    src/session.rs, low: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, low
    migrations/0007_users.sql, low: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, low
    .github/workflows/deploy.yml, low: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, low
    docs/guide.md, high: claude review done; A token is accepted in the second it expires: solo, high
    ");
}

#[tokio::test]
async fn what_the_configuration_calls_high_stakes_is_attacked_and_its_rules_choose_by_path() {
    let mut told = String::new();
    for (name, configuration) in [
        ("nothing", ""),
        ("high stakes", "paths: {high_stakes: ['src/list.rs']}\n"),
        ("a rule", "paths: {rules: [{paths: ['src/**'], strategy: adversarial}]}\n"),
        (
            "the first rule that fits",
            "paths:\n  rules:\n    - {paths: ['src/list.rs'], strategy: single}\n    - {paths: ['src/**'], strategy: adversarial}\n",
        ),
        (
            "a rule beats high stakes",
            "paths: {high_stakes: ['src/**'], rules: [{paths: ['src/**'], strategy: parallel}]}\n",
        ),
        ("a rule for others", "paths: {rules: [{paths: ['lib/**'], strategy: adversarial}]}\n"),
        ("a strategy for all", "strategy: sequential\n"),
        (
            "a rule beats it",
            "strategy: sequential\npaths: {rules: [{paths: ['src/**'], strategy: single}]}\n",
        ),
    ] {
        let passes = chosen(as_configured, "src/list.rs", "low", configuration).await;
        told.push_str(&format!("{name}: {passes}\n"));
    }
    insta::assert_snapshot!(told, @"
    nothing: claude review done, codex review done; A token is accepted in the second it expires: solo, low
    high stakes: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, low
    a rule: claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, low
    the first rule that fits: claude review done; A token is accepted in the second it expires: solo, low
    a rule beats high stakes: claude review done, codex review done; A token is accepted in the second it expires: solo, low
    a rule for others: claude review done, codex review done; A token is accepted in the second it expires: solo, low
    a strategy for all: claude review done, codex challenge done; A token is accepted in the second it expires: solo, low
    a rule beats it: claude review done; A token is accepted in the second it expires: solo, low
    ");
}

#[tokio::test]
async fn whoever_names_a_strategy_for_a_run_means_all_of_it() {
    let rules = "paths: {rules: [{paths: ['src/**'], strategy: single}], high_stakes: ['src/**']}\n";
    let passes =
        chosen(|world| opened(world).input("strategy", "parallel"), "src/list.rs", "high", rules).await;
    insta::assert_snapshot!(passes, @"claude review done, codex review done; A token is accepted in the second it expires: solo, high");
}

#[tokio::test]
async fn files_of_one_pull_request_are_read_as_their_rules_say() {
    let paths = ["docs/guide.md", "src/list.rs", "src/session.rs"];
    let (base, head) = (paths.map(|path| (path, BEFORE)), paths.map(|path| (path, AFTER)));
    let world = world_with(Pull::from_files(&base, &head)).await;
    let rules = "paths: {rules: [{paths: ['docs/**'], strategy: single}, {paths: ['src/session.rs'], strategy: sequential}]}\n";
    world.base_file(".github/counterpoint.yml", rules);
    for lane in [world.claude(), world.codex()] {
        lane.otherwise(Answer::consider(|request| match request.pass() {
            Pass::Review => reply([]).into(),
            _ => votes([]).into(),
        }));
    }
    let run = as_configured(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    let reads = |lane: &Lane| -> Vec<String> {
        let read = |request: &ModelRequest| {
            let prompt = request.prompt();
            let shown = paths.into_iter().filter(|path| prompt.contains(&format!("=== {path} ")));
            format!("{:?} {}", request.pass(), shown.collect::<Vec<_>>().join(" "))
        };
        let mut reads: Vec<String> = lane.requests().iter().map(read).collect();
        reads.sort();
        reads
    };
    insta::assert_snapshot!(format!("claude: {:?}\ncodex: {:?}", reads(world.claude()), reads(world.codex())), @r#"
    claude: ["Review docs/guide.md", "Review src/list.rs", "Review src/session.rs"]
    codex: ["Challenge src/session.rs", "Review src/list.rs"]
    "#);
    world.assert_clean();
}

#[tokio::test]
async fn who_does_what_is_told_lane_by_lane() {
    let mut told = String::new();
    for (name, lanes) in [
        ("codex leads", "  codex: {roles: 'lead,review,challenge'}\n"),
        ("codex only checks", "  codex: {roles: challenge}\n"),
        ("codex only reviews", "  codex: {roles: review}\n"),
        ("codex has another model for it", "  codex: {models: {sequential: gpt-6.1-terra}}\n"),
    ] {
        for strategy in ["sequential", "adversarial"] {
            let world =
                world_with(Pull::from_files(&[("src/list.rs", BEFORE)], &[("src/list.rs", AFTER)])).await;
            world.base_file(".github/counterpoint.yml", &format!("lanes:\n{lanes}"));
            let expiry = expiry().with("path", "src/list.rs");
            let refund = refund().with("path", "src/list.rs");
            for (lane, own) in [(world.claude(), expiry), (world.codex(), refund)] {
                lane.otherwise(Answer::consider(move |request| match request.pass() {
                    Pass::Review => reply([own.clone()]).into(),
                    _ => votes([]).into(),
                }));
            }
            let run = opened(&world).input("strategy", strategy).finish().await;
            let models: Vec<String> = world.codex().requests().iter().map(|r| r.model().to_owned()).collect();
            told.push_str(&format!(
                "{name}, {strategy}: {}; codex asked as {models:?}\n",
                passes(&run).join(", ")
            ));
            world.assert_clean();
        }
    }
    insta::assert_snapshot!(told, @r#"
    codex leads, sequential: codex review done, claude challenge done; codex asked as ["gpt-6.1-sol"]
    codex leads, adversarial: codex review done, codex challenge done, claude review done, claude challenge done; codex asked as ["gpt-6.1-sol", "gpt-6.1-sol"]
    codex only checks, sequential: claude review done, codex challenge done; codex asked as ["gpt-6.1-sol"]
    codex only checks, adversarial: claude review done, codex challenge done; codex asked as ["gpt-6.1-sol"]
    codex only reviews, sequential: claude review done; codex asked as []
    codex only reviews, adversarial: claude review done, claude challenge done, codex review done; codex asked as ["gpt-6.1-sol"]
    codex has another model for it, sequential: claude review done, codex challenge done; codex asked as ["gpt-6.1-terra"]
    codex has another model for it, adversarial: claude review done, claude challenge done, codex review done, codex challenge done; codex asked as ["gpt-6.1-sol", "gpt-6.1-sol"]
    "#);
}

#[tokio::test]
async fn one_lane_for_all_but_what_a_rule_names_asks_the_other_about_that() {
    let rules = "strategy: single\npaths: {rules: [{paths: ['src/**'], strategy: adversarial}]}\n";
    let passes = chosen(as_configured, "src/list.rs", "high", rules).await;
    insta::assert_snapshot!(passes, @"claude review done, codex review done, codex challenge done; A token is accepted in the second it expires: solo, high");
}
