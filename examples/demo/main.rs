//! The main job with nothing set up: the real pipeline reviews one pull request over HTTP, against the small GitHub
//! and the two scripted reviewers that the tests use. It prints the review, and writes the pull request as a page.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a program of its own, which talks to a person"
)]

mod html;
mod page;
mod story;
#[path = "../../tests/it/world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use counterpoint::adapters::actions::Environment;
use counterpoint::adapters::clock::Clock;
use counterpoint::adapters::terminal::Terminal;
use counterpoint::adapters::{Outside, http};
use counterpoint::cli::ReviewFlags;
use counterpoint::commands;
use counterpoint::domain::outcome::ExitCode as Ended;
use tracing_subscriber::EnvFilter;

use crate::world::{World, read_env_file};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let shown = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(show()));
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("the demo failed: {cause:#}");
            ExitCode::FAILURE
        }
    }
}

async fn show() -> anyhow::Result<()> {
    println!(
        "Both reviewers are scripted: no model is asked and no money is spent. Everything else is the real program,\n\
         reviewing a real git diff over HTTP. Its times and costs are those of the script.\n"
    );
    let world = World::start().await;
    let number = story::set(&world);

    let runner = tempfile::tempdir().context("no temporary folder")?;
    let outputs = review(&world, number, runner.path()).await?;

    let outcome = outputs.get("outcome").map_or("none", String::as_str);
    ensure!(outcome == "reviewed", "the outcome is {outcome}, not reviewed");
    let violations = world.violations();
    ensure!(violations.is_empty(), "the program did what GitHub or a vendor would not take: {violations:#?}");
    let unused = world.claude().unused() + world.codex().unused();
    ensure!(unused == 0, "{unused} scripted answers were never asked for");

    let path = target().join("demo/counterpoint.html");
    fs::create_dir_all(path.parent().unwrap_or(&path)).context("the folder of the page cannot be made")?;
    fs::write(&path, page::of(&world, number)?)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    println!("\nThe pull request as GitHub would show it: {}", nearest(&path).display());
    Ok(())
}

/// Runs `counterpoint action` in this process, with what the Actions runner would give it, and returns its outputs.
async fn review(world: &World, number: u64, runner: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let event = world.pull_request_event(number);
    fs::write(runner.join("event.json"), event.payload.to_string())?;
    fs::create_dir(runner.join("workspace"))?;
    let files = [
        ("GITHUB_EVENT_PATH", "event.json"),
        ("GITHUB_WORKSPACE", "workspace"),
        ("GITHUB_OUTPUT", "output"),
        ("GITHUB_STEP_SUMMARY", "summary"),
    ];
    let files = files.map(|(name, file)| (name.to_owned(), runner.join(file).to_string_lossy().into_owned()));
    let name = ("GITHUB_EVENT_NAME".to_owned(), event.name);
    let env: Environment = world.env().into_iter().chain(files).chain([name]).collect();

    // A person reads along, not the Actions log: no groups, no masks.
    let terminal = Terminal::new(false);
    terminal.hide(commands::secrets(&env));
    let filter =
        EnvFilter::try_from_env("COUNTERPOINT_LOG").unwrap_or_else(|_| EnvFilter::new("counterpoint=info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(terminal.clone());
    log.with_ansi(false).with_target(false).without_time().init();

    let outside = Outside { env, terminal, clock: Clock::start(), http: http::client()? };
    let ended = commands::action(&outside, &ReviewFlags::default()).await?;
    ensure!(ended == Ended::Done, "the run ended with {ended:?}");
    let outputs = fs::read_to_string(runner.join("output")).context("the run left no outputs")?;
    read_env_file(&outputs).map_err(anyhow::Error::msg)
}

/// Cargo's folder for what is built.
fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
    }
}

/// The path as one would type it here.
fn nearest(path: &Path) -> &Path {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path)
}
