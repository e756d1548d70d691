//! Pull requests that GitHub does not show whole: what is missing is read from elsewhere, or named.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use counterpoint::domain::diff::{Diff, FileDiff, computed, parse};

use crate::shop::*;
use crate::world::*;

const OLD: &str = "fn total(prices: &[u64]) -> u64 {\n    prices.iter().sum()\n}\n";
const NEW: &str = "fn total(prices: &[u64]) -> u64 {\n    prices.iter().sum::<u64>() - 1\n}\n";

/// Two changed files, of which GitHub shows one.
fn one_withheld() -> Pull {
    Pull::from_files(
        &[("big.rs", OLD), ("src/session.rs", BEFORE)],
        &[("big.rs", NEW), ("src/session.rs", AFTER)],
    )
    .withheld(["big.rs"])
}

/// What both lanes find in the file that is withheld.
fn off_by_one() -> Finding {
    finding("big.rs", 2, "    prices.iter().sum::<u64>() - 1")
        .title("The total is one too small")
        .body("One is taken off every total.")
}

fn contents(world: &World) -> usize {
    let of_base =
        ["*/contents/.github/*", "*/contents/.gitattributes", "*/contents/AGENTS.md", "*/contents/CLAUDE.md"];
    let of_base = of_base.map(|path| world.count(&format!("GET {path}"))).iter().sum::<usize>();
    world.count("GET */contents/*") - of_base
}

/// The story that is told of files GitHub does not name the lines of: they count as unread, and as nothing else.
fn not_read(world: &World) -> String {
    lines_with(&told(world), &["**Not read:**"]).join("\n")
}

#[tokio::test]
async fn a_withheld_file_whose_content_cannot_be_fetched_is_named_and_the_review_is_partial() {
    let world = world_with(one_withheld()).await;
    world.on("GET */contents/big.rs").answer(Fault::status(403));
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** `big.rs` (GitHub withholds its diff, and its content could not be fetched). It does not count as clean.");
    insta::assert_snapshot!(lines_with(&told(&world), &["could not be fetched:"]).join("\n"), @r"
    The content of 1 file could not be fetched: GET /api/repos/acme/shop/contents/big.rs: GitHub refused: Resource not accessible by integration.
    The content of 1 file could not be fetched: GET /api/repos/acme/shop/contents/big.rs: GitHub refused: Resource not accessible by integration.
    ");
    assert_eq!(world.published(7).places(), ["src/session.rs:2 RIGHT"]);
    world.assert_clean();
}

#[tokio::test]
async fn a_withheld_file_of_many_megabytes_is_named_and_not_read_to_its_end() {
    let huge = "0123456789abcde\n".repeat(300_000);
    let world = world_with(
        Pull::from_files(
            &[("huge.sql", "0\n"), ("src/session.rs", BEFORE)],
            &[("huge.sql", huge.as_str()), ("src/session.rs", AFTER)],
        )
        .withheld(["huge.sql"]),
    )
    .await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** `huge.sql` (GitHub withholds its diff, and it is too large to be compared). It does not count as clean.");
    world.assert_clean();
}

#[tokio::test]
async fn without_the_common_commit_a_withheld_file_stays_unread() {
    let world = world_with(one_withheld()).await;
    world.on("GET */compare/*").answer(Fault::Answer(Outgoing::not_found()));
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** `big.rs` (GitHub withholds its diff). It does not count as clean.");
    insta::assert_snapshot!(lines_with(&told(&world), &["What GitHub does not show"]).join("\n"), @r"
    What GitHub does not show could not be read: GET /api/repos/acme/shop/compare/<base>...<head>: GitHub knows no such thing, or does not show it to this token.
    What GitHub does not show could not be read: GET /api/repos/acme/shop/compare/<base>...<head>: GitHub knows no such thing, or does not show it to this token.
    ");
    assert_eq!(contents(&world), 0);
    world.assert_clean();
}

#[tokio::test]
async fn of_many_withheld_files_fifty_are_fetched_a_few_at_a_time_and_the_rest_is_named() {
    let names: Vec<String> = (0..53).map(|n| format!("f{n:02}.rs")).collect();
    let files = |text| names.iter().map(|name| (name.as_str(), text)).collect::<Vec<_>>();
    let pull = Pull::from_files(&files(OLD), &files(NEW)).withheld(names.iter().map(String::as_str));
    let world = world_with(pull).await;
    both_silent(&world);
    world.on("GET */contents/f*").delay(Duration::from_millis(20));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** `f50.rs`, `f51.rs`, `f52.rs` (GitHub withholds its diff). They do not count as clean.");
    assert_eq!(contents(&world), 100);
    assert_eq!(world.max_in_flight("GET */contents/f*"), 8);
    world.assert_clean();
}

#[tokio::test]
async fn a_withheld_file_is_reviewed_and_its_finding_stands_in_the_summary_with_a_link_to_the_line() {
    let world = world_with(one_withheld()).await;
    world.claude().answers(reply([off_by_one(), expiry()]));
    world.codex().answers(reply([off_by_one(), boundary()]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.published(7).places(), ["src/session.rs:2 RIGHT"]);
    let summary = told(&world);
    insta::assert_snapshot!(lines_with(&summary, &["big.rs:2"]).join("\n"), @r"
    | high | [`big.rs:2`](https://github.com/acme/shop/blob/<head>/big.rs#L2) | The total is one too small |
    [`big.rs:2`](https://github.com/acme/shop/blob/<head>/big.rs#L2) **The total is one too small** · high · found by both
    ");
    insta::assert_snapshot!(lines_with(&summary, &["GitHub does not show"]).join("\n"), @"<sub>Raised blind by Claude and Codex, independently · GitHub does not show these lines, so they take no comment</sub>");
    assert_eq!((world.count("GET */compare/*"), contents(&world)), (1, 2));
    for lane in [world.claude(), world.codex()] {
        let prompt = lane.requests()[0].prompt();
        assert!(prompt.contains("prices.iter().sum::<u64>() - 1") && prompt.contains("prices.iter().sum()"));
    }
    world.assert_clean();
}

#[tokio::test]
async fn new_deleted_renamed_and_binary_files_that_are_withheld_are_read_as_what_they_are() {
    let world = world_with(
        Pull::from_git(
            |repo| {
                repo.write("gone.rs", "fn gone() {}\n");
                repo.write("old name.rs", OLD.repeat(9));
                repo.write("logo.png", b"\x89PNG\0old");
            },
            |repo| {
                repo.remove("gone.rs");
                repo.write("new.rs", "fn fresh() {}\n");
                repo.rename("old name.rs", "new näme.rs");
                repo.write("new näme.rs", OLD.repeat(9) + "fn appended() {}\n");
                repo.write("logo.png", b"\x89PNG\0new");
            },
        )
        .withheld(["gone.rs", "new.rs", "new näme.rs"]),
    )
    .await;
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(contents(&world), 4, "a new file has no old version, a deleted one no new");
    let prompt = world.claude().requests()[0].prompt();
    for wanted in ["fn gone()", "fn fresh()", "fn appended()", "old name.rs"] {
        assert!(prompt.contains(wanted), "{wanted}: {prompt}");
    }
    world.assert_clean();
}

/// The action with the pull request's own repository as its workspace.
fn in_checkout(world: &World) -> Run {
    let git = world.pull(7).git.expect("the pull request was made by git");
    opened(world).env("GITHUB_WORKSPACE", git.path())
}

#[tokio::test]
async fn a_checkout_with_both_commits_is_read_instead_of_single_files() {
    let world = world_with(one_withheld()).await;
    world.claude().answers(reply([off_by_one()]));
    world.codex().answers(reply([off_by_one()]));
    let run = in_checkout(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(contents(&world), 0);
    assert!(world.published(7).places().is_empty(), "GitHub would refuse a comment there");
    insta::assert_snapshot!(lines_with(&told(&world), &["big.rs:2"]).join("\n"), @r"
    | high | [`big.rs:2`](https://github.com/acme/shop/blob/<head>/big.rs#L2) | The total is one too small |
    [`big.rs:2`](https://github.com/acme/shop/blob/<head>/big.rs#L2) **The total is one too small** · high · found by both
    ");
    world.assert_clean();
}

#[tokio::test]
async fn a_checkout_that_belongs_to_another_user_is_read_as_the_runner_leaves_it() {
    let world = world_with(one_withheld()).await;
    let git = world.pull(7).git.unwrap();
    let given_away = std::process::Command::new("chown").args(["-R", "65534"]).arg(git.path()).status();
    if !given_away.is_ok_and(|status| status.success()) {
        eprintln!("only root can give a folder away: nothing was checked");
        return;
    }
    both_silent(&world);
    let run = in_checkout(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(contents(&world), 0);
    // Somebody's terminal trusts nobody.
    both_silent(&world);
    let run = Run::new(BINARY, &world).arguments(["review", "acme/shop#7"]).inside(git.path());
    let run = run.without("GITHUB_ACTIONS").without("GITHUB_WORKSPACE").finish().await;
    run.assert_code(0);
    assert_eq!(contents(&world), 2);
    world.assert_clean();
}

#[tokio::test]
async fn a_checkout_without_the_commits_or_without_git_is_no_hindrance() {
    let stranger = GitRepo::new();
    stranger.commit("something else");
    let folder = tempfile::tempdir().unwrap();
    for (workspace, path) in [
        (stranger.path(), std::env::var_os("PATH").unwrap()),
        (folder.path(), std::env::var_os("PATH").unwrap()),
        (std::path::Path::new("/nowhere/at/all"), std::env::var_os("PATH").unwrap()),
        (stranger.path(), folder.path().into()),
    ] {
        let world = world_with(one_withheld()).await;
        both_silent(&world);
        let run = opened(&world).env("GITHUB_WORKSPACE", workspace).env("PATH", path).finish().await;
        assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
        assert_eq!(contents(&world), 2);
        world.assert_clean();
    }
}

#[tokio::test]
async fn nothing_that_a_checkout_names_is_run_and_its_attributes_hide_nothing() {
    let world = world_with(Pull::from_files(
        &[(".gitattributes", "* diff=evil filter=evil merge=evil\n"), ("big.rs", OLD), ("more.rs", OLD)],
        &[(".gitattributes", "* diff=evil filter=evil\n"), ("big.rs", NEW), ("more.rs", NEW)],
    ))
    .await;
    world.with(|state| {
        let pull = state.pulls.get_mut(&7).unwrap();
        pull.withheld = ["big.rs", "more.rs"].map(str::to_owned).into();
        pull.diff_refused = true;
    });
    let git = world.pull(7).git.unwrap();
    let proof = tempfile::tempdir().unwrap();
    let evil = proof.path().join("evil");
    std::fs::write(&evil, format!("#!/bin/sh\ntouch {}/ran-$1\nexit 1\n", proof.path().display())).unwrap();
    git.git(&["config", "core.filemode", "true"]);
    make_executable(&evil);
    for name in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "pager.diff-tree",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "credential.helper",
    ] {
        git.git(&["config", name, &format!("{} {name}", evil.display())]);
    }
    git.git(&["config", "alias.diff-tree", &format!("!{} alias", evil.display())]);
    for (name, value) in [
        ("diff.noprefix", "true"),
        ("diff.context", "0"),
        ("diff.renames", "false"),
        ("diff.suppressBlankEmpty", "true"),
        ("core.bigFileThreshold", "1"),
        ("core.attributesFile", ".gitattributes"),
        ("diff.orderFile", "big.rs"),
    ] {
        git.git(&["config", name, value]);
    }
    git.write(".gitattributes", "*.rs -diff\n");
    let info = git.path().join(".git/info");
    std::fs::create_dir_all(&info).unwrap();
    std::fs::write(info.join("attributes"), "more.rs diff=evil filter=evil\n").unwrap();
    let shown =
        std::process::Command::new("git").current_dir(git.path()).args(["diff", "HEAD~1"]).output().unwrap();
    assert!(std::fs::read_dir(proof.path()).unwrap().count() > 1, "the trap works: {shown:?}");
    for entry in std::fs::read_dir(proof.path()).unwrap().flatten().filter(|entry| entry.path() != evil) {
        std::fs::remove_file(entry.path()).unwrap();
    }

    both_silent(&world);
    let run = in_checkout(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(contents(&world), 0, "git has told");
    let ran: Vec<_> =
        std::fs::read_dir(proof.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(ran, ["evil"]);
    let prompt = world.claude().requests()[0].prompt();
    assert!(prompt.contains("prices.iter().sum::<u64>() - 1"), "{prompt}");
    world.assert_clean();
}

fn make_executable(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn files_beyond_githubs_list_are_read_from_a_checkout() {
    let world = world_with(Pull::from_git(
        |repo| repo.write("README.md", "shop\n"),
        |repo| (0..3_004).for_each(|n| repo.write(&format!("f{n:04}.rs"), format!("fn f{n:04}() {{}}\n"))),
    ))
    .await;
    let beyond = || finding("f3003.rs", 1, "fn f3003() {}").title("This does nothing").body("It is empty.");
    world.claude().answers(reply([beyond()])).otherwise(reply([]));
    world.codex().answers(reply([beyond()])).otherwise(reply([]));
    let run = in_checkout(&world).input("max-cost-usd", "20").finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert!(world.published(7).places().is_empty());
    insta::assert_snapshot!(lines_with(&told(&world), &["f3003"]).join("\n"), @r"
    | high | [`f3003.rs:1`](https://github.com/acme/shop/blob/<head>/f3003.rs#L1) | This does nothing |
    [`f3003.rs:1`](https://github.com/acme/shop/blob/<head>/f3003.rs#L1) **This does nothing** · high · found by both
    ");
    let calls = world.requests().iter().filter(|exchange| exchange.path.starts_with("/repo")).count();
    assert_eq!((world.count("GET */pulls/7/files"), calls), (30, 45));
    world.assert_clean();
}

#[tokio::test]
async fn the_same_pull_request_has_the_same_lines_whichever_way_it_is_read() {
    let code: String = (1..=120).map(|n| format!("fn item_{n}() {{\n    work({n});\n}}\n\n")).collect();
    let edited =
        code.replace("work(7)", "work(70)").replace("work(9)", "work(90)").replace("work(80)", "work(0)");
    let edited = edited.replace("fn item_60() {", "fn item_60() {\n    check();") + "fn last() {}";
    let pull = || {
        Pull::from_git(
            |repo| {
                repo.write("a.rs", &code);
                repo.write("b.rs", code.replace("item", "thing"));
                repo.write("crlf.txt", "one\r\ntwo\r\nthree\r\n");
                repo.write("gone.txt", "gone\n");
                repo.write("end.txt", "no line end");
                repo.write("logo.png", b"\x89PNG\0old");
            },
            |repo| {
                repo.write("a.rs", &edited);
                repo.rename("b.rs", "c d.rs");
                repo.write("c d.rs", edited.replace("item", "thing"));
                repo.write("crlf.txt", "one\r\ntwo\nthree\r\n");
                repo.remove("gone.txt");
                repo.write("end.txt", "no line end, still");
                repo.write("logo.png", b"\x89PNG\0new");
                repo.write("new.txt", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n");
            },
        )
    };
    let all = ["a.rs", "c d.rs", "crlf.txt", "gone.txt", "end.txt", "new.txt"];
    let media = lines_of(pull(), false).await;
    assert_eq!(media.len(), 7);
    assert_eq!(lines_of(pull().diff_refused(), false).await, media, "the file list");
    assert_eq!(lines_of(pull().withheld(all), true).await, media, "a checkout");
    assert_eq!(lines_of(pull().withheld(all), false).await, media, "both versions");
}

/// Names, status and hunks of every file as a run's record keeps them.
async fn lines_of(pull: Pull, checkout: bool) -> Vec<String> {
    let world = world_with(pull).await;
    both_silent(&world);
    let record = tempfile::tempdir().unwrap();
    let file = record.path().join("record.json");
    let run = if checkout { in_checkout(&world) } else { opened(&world) };
    let run =
        run.arguments(["action".into(), "--record".into(), file.clone().into_os_string()]).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2", "{}", run.stderr);
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(record["diff_base64"].as_str().unwrap()).unwrap();
    let (Diff { files }, problems) = parse(Bytes::from(bytes));
    assert_eq!(problems, Vec::<String>::new());
    let mut told: Vec<String> = files
        .iter()
        .map(|file| {
            format!(
                "{} {:?} {:?} {:?} {:#?}",
                file.path, file.old_path, file.status, file.no_lines, file.hunks
            )
        })
        .collect();
    told.sort();
    told
}

/// Random files and edits of them: ours against git's own, which need not be the same where several fit.
#[test]
fn computed_hunks_change_hardly_more_lines_than_those_of_git() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let line = |n: usize| match n % 5 {
        0 => "\n".to_owned(),
        1 => "    }\n".to_owned(),
        2 => format!("fn item_{n}() {{\n"),
        _ => format!("    let value_{n} = {n};\n"),
    };
    let pairs: Vec<(String, String)> = (0..120)
        .map(|_| {
            let old: Vec<String> = (0..below(300)).map(|_| line(below(60))).collect();
            let mut new = old.clone();
            for _ in 0..below(20) {
                let at = below(new.len() + 1);
                match below(3) {
                    0 if at < new.len() => drop(new.remove(at)),
                    1 if at < new.len() => new[at] = line(below(60)),
                    _ => new.insert(at, line(below(60))),
                }
            }
            (old.concat(), new.concat())
        })
        .collect();
    let name = |at: usize| format!("f{at:03}.rs");
    let write = |repo: &GitRepo, pick: fn(&(String, String)) -> &String| {
        for (at, pair) in pairs.iter().enumerate() {
            repo.write(&name(at), pick(pair));
        }
    };
    let pull = Pull::from_git(|repo| write(repo, |pair| &pair.0), |repo| write(repo, |pair| &pair.1));
    let (theirs, problems) = parse(Bytes::copy_from_slice(pull.diff()));
    assert_eq!(problems, Vec::<String>::new());
    let (mut same, mut ours_changed, mut theirs_changed) = (0, 0, 0);
    for file in &theirs.files {
        let at: usize = file.path[1..4].parse().unwrap();
        let (old, new) = &pairs[at];
        let ours = computed(&file.path, None, file.status, old.as_bytes(), new.as_bytes());
        let changed = |file: &FileDiff| file.changed_lines().0 + file.changed_lines().1;
        same += usize::from(ours.hunks == file.hunks);
        ours_changed += changed(&ours);
        theirs_changed += changed(file);
    }
    let files = theirs.files.len();
    println!(
        "{same} of {files} files have git's very hunks; changed lines: {ours_changed}, git {theirs_changed}"
    );
    assert!(files > 100 && same * 10 > files * 9 && ours_changed * 100 <= theirs_changed * 101);
}

#[tokio::test]
async fn code_that_the_pull_request_calls_binary_is_read_all_the_same() {
    let world = world_with(Pull::from_files(
        &[("src/session.rs", BEFORE)],
        &[("src/session.rs", AFTER), (".gitattributes", "*.rs -diff\n")],
    ))
    .await;
    world.claude().answers(reply([expiry()]));
    world.codex().answers(reply([boundary()]));
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!((run.output("agreed"), run.output("inline-comments")), ("1", "0"));
    insta::assert_snapshot!(lines_with(&told(&world), &["| high |"]).join("\n"), @"| high | [`src/session.rs:2`](https://github.com/acme/shop/blob/<head>/src/session.rs#L2) | A token is accepted in the second it expires |");
    assert!(world.claude().requests()[0].prompt().contains("now <= expires_at"));
    world.assert_clean();
}

#[tokio::test]
async fn what_is_binary_by_its_content_or_its_name_stays_so() {
    let world = world_with(Pull::from_git(
        |repo| repo.write("src/session.rs", BEFORE),
        |repo| {
            repo.write("src/session.rs", AFTER);
            repo.write("logo.png", b"\x89PNG\0\0");
            repo.write("state", b"\0\x01\x02");
        },
    ))
    .await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(contents(&world), 1, "a name like `logo.png` is believed, a new file has one version");
    insta::assert_snapshot!(lines_with(&told(&world), &["logo.png"]).join("\n"), @"`logo.png`, `state` (binary).");
    world.assert_clean();
}

#[tokio::test]
async fn more_files_called_binary_than_are_looked_into_leave_the_review_partial_and_code_is_looked_into_first()
 {
    let decoys: Vec<String> = (0..60).map(|n| format!("a/decoy{n:02}")).collect();
    let mut files: Vec<(&str, &str)> = decoys.iter().map(|path| (path.as_str(), "text\n")).collect();
    files.extend([("src/session.rs", AFTER), (".gitattributes", "* -diff\n.gitattributes diff\n")]);
    let world = world_with(Pull::from_files(&[("src/session.rs", BEFORE)], &files)).await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    assert!(world.claude().requests()[0].prompt().contains("now <= expires_at"));
    assert!(not_read(&world).contains("(called binary, and not read)"), "{}", not_read(&world));
    world.assert_clean();
}

#[tokio::test]
async fn a_file_called_binary_that_cannot_be_fetched_is_no_clean_file() {
    let world = world_with(Pull::from_files(
        &[("src/session.rs", BEFORE), ("notes.md", "a\n")],
        &[("src/session.rs", AFTER), ("notes.md", "b\n"), (".gitattributes", "*.rs -diff\n")],
    ))
    .await;
    world.on("GET */contents/src/session.rs").answer(Fault::Answer(Outgoing::error(500, "Server error")));
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** `src/session.rs` (called binary, and not read). It does not count as clean.");
    world.assert_clean();
}

#[tokio::test]
async fn code_with_a_zero_byte_and_a_link_that_becomes_half_shown_code_do_not_pass_for_binary_files() {
    let world = world_with(Pull::from_git(
        |repo| {
            repo.write("notes.md", "a\n");
            repo.symlink("src/auth.js", "x");
        },
        |repo| {
            repo.write("notes.md", "b\n");
            repo.write("src/hidden.js", b"// \0\nevil();\n");
            repo.remove("src/auth.js");
            repo.write("src/auth.js", b"// \0\nevil();\n");
        },
    ))
    .await;
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** `src/auth.js` (it became another kind of file, and half of it is not shown), `src/hidden.js` (called binary, and not read). They do not count as clean.");
    world.assert_clean();
}

#[tokio::test]
async fn a_line_that_is_not_shown_to_its_end_does_not_count_as_read() {
    let long = format!("let a = 1;{}evil();\n", " ".repeat(6_000));
    let world =
        world_with(Pull::from_files(&[], &[("src/app.js", long.as_str()), ("src/b.js", "b();\n")])).await;
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** `src/app.js` (1 of its lines too long to be shown whole). It does not count as clean.");
    world.assert_clean();
}

/// A world whose diff ends behind the first of three files.
async fn cut_short() -> World {
    let pull = Pull::from_files(&[], &[("a.rs", "a();\n"), ("b.rs", "b();\n"), ("src/session.rs", AFTER)]);
    let whole = String::from_utf8(pull.diff().to_vec()).unwrap();
    let cut = whole[..whole.find("diff --git a/b.rs").unwrap()].to_owned();
    let world = world_with(pull).await;
    let body = Outgoing::bytes(200, "application/vnd.github.v3.diff; charset=utf-8", cut);
    world.on("GET */pulls/7").nth(2).answer(Fault::Answer(body));
    world
}

#[tokio::test]
async fn a_diff_that_ends_early_is_partial_where_the_files_cannot_be_listed() {
    let world = cut_short().await;
    world.on("GET */pulls/7/files").answer(Fault::Answer(Outgoing::not_found()));
    both_silent(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial files-unread, gate off, lanes 2/2");
    insta::assert_snapshot!(not_read(&world), @"**Not read:** 2 that GitHub does not list. They do not count as clean.");
    world.assert_clean();
}

#[tokio::test]
async fn a_diff_that_ends_early_is_noticed_by_the_number_of_files() {
    let world = cut_short().await;
    both_agree(&world);
    let run = opened(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2");
    assert_eq!(world.count("GET */pulls/7/files"), 1);
    assert!(world.claude().requests()[0].prompt().contains("now <= expires_at"));
    world.assert_clean();
}
