//! What was typed: commands and flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::adapters::actions::Environment;
use crate::domain::config::{Gate, OnFailure, Overrides, Strategy, minutes, one_of};
use crate::domain::units::{MicroUsd, PullNumber, RepoName};

/// Two reviewers from two providers read a pull request; people see where they agree and where they differ.
#[derive(Debug, Parser)]
#[command(name = "counterpoint", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do; inside GitHub Actions it is `action` when nothing is given.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What `uses:` runs: read the event, decide, review, publish, set outputs.
    Action(ReviewFlags),
    /// Review a pull request or a local branch; nothing is posted without `--post`.
    Review(ReviewCommand),
    /// Compare the findings of two reviewers, from any tools.
    Compare(CompareCommand),
    /// Decide and print a recorded run again, without asking a model or GitHub.
    Replay(ReplayCommand),
    /// Check token, keys, models and configuration, and say what to do.
    Doctor(DoctorCommand),
}

/// Flags of `action` and `review`.
#[derive(Clone, Debug, Default, Args)]
pub struct ReviewFlags {
    /// `auto`, `single`, `sequential`, `parallel` or `adversarial`.
    #[arg(long, value_name = "STRATEGY")]
    pub strategy: Option<String>,
    /// The most this run may cost, in US dollars.
    #[arg(long, value_name = "USD")]
    pub max_cost_usd: Option<String>,
    /// The longest this run may take, in minutes.
    #[arg(long, value_name = "MINUTES")]
    pub max_minutes: Option<String>,
    /// What fails the run: a comma list of `never`, `any-high`, `agreed-high`, `disputed`, `contradiction`, `incomplete`.
    #[arg(long, value_name = "GATES")]
    pub fail_on: Option<String>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the result goes instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where the record of the run goes.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The model of the Claude lane.
    #[arg(long, value_name = "MODEL")]
    pub claude_model: Option<String>,
    /// The model of the Codex lane.
    #[arg(long, value_name = "MODEL")]
    pub codex_model: Option<String>,
}

/// `counterpoint review`.
#[derive(Debug, Args)]
pub struct ReviewCommand {
    /// OWNER/REPO#N or the address of a pull request; without it, the local branch.
    pub target: Option<String>,
    /// Post the review on the pull request.
    #[arg(long, requires = "target", conflicts_with_all = ["base", "diff"])]
    pub post: bool,
    /// The commit or branch that the local branch is compared with.
    #[arg(long, value_name = "REF", conflicts_with_all = ["target", "diff"])]
    pub base: Option<String>,
    /// Review this diff; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    pub diff: Option<PathBuf>,
    /// A configuration file to use instead of the base branch's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The flags it shares with `action`.
    #[command(flatten)]
    pub flags: ReviewFlags,
}

/// `counterpoint compare`.
#[derive(Debug, Args)]
pub struct CompareCommand {
    /// Findings of the first reviewer: a finding file or record, Claude Code's or Codex's review, or SARIF.
    pub a: PathBuf,
    /// Findings of the second reviewer.
    pub b: PathBuf,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
    /// Where the result goes instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `counterpoint replay`.
#[derive(Debug, Args)]
pub struct ReplayCommand {
    /// The record of a run.
    pub record: PathBuf,
    /// A configuration file whose gates and inline thresholds are used instead of the recorded ones.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What fails it: a comma list as for `review`.
    #[arg(long, value_name = "GATES")]
    pub fail_on: Option<String>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Where the result goes instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `counterpoint doctor`.
#[derive(Debug, Args)]
pub struct DoctorCommand {
    /// The repository whose rights and configuration are checked, as OWNER/REPO.
    pub repository: Option<String>,
    /// A configuration file to check instead of the repository's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// As on the pull request.
    Markdown,
    /// For programs.
    Json,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For a terminal.
    #[default]
    Text,
    /// For a comment.
    Markdown,
    /// For programs.
    Json,
    /// One page for a browser.
    Html,
}

/// Joins flags and inputs: a flag beats an input.
///
/// # Errors
/// A sentence naming the flag or input and what was expected.
pub fn overrides(flags: &ReviewFlags, env: &Environment) -> Result<Overrides, String> {
    let pick = |flag: &Option<String>, input: &str| {
        let given = flag.clone().filter(|value| !value.trim().is_empty());
        given.or_else(|| env.input(input).map(str::to_owned)).map(|value| value.trim().to_owned())
    };
    let wrong = |name: &str, message: String| format!("`{name}`: {message}");
    let read = |flag: &Option<String>, name: &'static str| pick(flag, name).map(|value| (name, value));

    let strategy = read(&flags.strategy, "strategy")
        .map(|(name, word)| {
            let expected = || wrong(name, format!("expected {}, got `{word}`", one_of(&Strategy::WORDS)));
            Strategy::parse(&word).ok_or_else(expected)
        })
        .transpose()?;
    let max_cost = read(&flags.max_cost_usd, "max-cost-usd")
        .map(|(name, amount)| MicroUsd::parse_usd(&amount).map_err(|message| wrong(name, message)))
        .transpose()?;
    let max_time = read(&flags.max_minutes, "max-minutes")
        .map(|(name, number)| minutes(&number).map_err(|message| wrong(name, message)))
        .transpose()?;
    let fail_on = read(&flags.fail_on, "fail-on")
        .map(|(name, list)| Gate::parse_list(&list).map_err(|message| wrong(name, message)))
        .transpose()?;
    let on_failure = read(&None, "on-failure")
        .map(|(name, word)| {
            let expected = || wrong(name, format!("expected {}, got `{word}`", one_of(&OnFailure::WORDS)));
            OnFailure::parse(&word).ok_or_else(expected)
        })
        .transpose()?;
    Ok(Overrides {
        strategy,
        max_cost,
        max_time,
        fail_on,
        on_failure,
        claude_model: pick(&flags.claude_model, "claude-model"),
        codex_model: pick(&flags.codex_model, "codex-model"),
        only_lane: None,
        evidence: env.input("evidence").map(globs),
    })
}

/// A list of globs, one a line or with commas between them; those within braces belong to a glob.
fn globs(list: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let between = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == '\n' || (c == ',' && depth <= 0)
    };
    list.split(between).map(str::trim).filter(|glob| !glob.is_empty()).map(str::to_owned).collect()
}

/// Whether the action posts; the input `post` can switch that off.
///
/// # Errors
/// A sentence naming what was expected.
pub fn post(env: &Environment) -> Result<bool, String> {
    match env.input("post").map(str::to_ascii_lowercase).as_deref() {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(format!("`post`: expected `true` or `false`, got `{other}`")),
    }
}

/// Reads `OWNER/REPO#N` or the address of a pull request.
///
/// # Errors
/// A sentence naming what was expected.
pub fn target(text: &str) -> Result<(RepoName, PullNumber), String> {
    let expected = || format!("expected OWNER/REPO#N or the address of a pull request, got `{text}`");
    let (repo, number) = if let Some((_, rest)) = text.split_once("://") {
        let rest = rest.split(['#', '?']).next().unwrap_or_default();
        let mut parts = rest.trim_end_matches('/').split('/').skip(1);
        let (owner, name) = (parts.next().ok_or_else(expected)?, parts.next().ok_or_else(expected)?);
        if parts.next() != Some("pull") {
            return Err(expected());
        }
        (format!("{owner}/{name}"), parts.next().ok_or_else(expected)?.to_owned())
    } else {
        let (repo, number) = text.split_once('#').ok_or_else(expected)?;
        (repo.to_owned(), number.to_owned())
    };
    Ok((repo.parse().map_err(|_| expected())?, number.parse().map_err(|_| expected())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_pull_request_is_named_in_short_or_by_its_address() {
        let expected = Ok(("octo/repo".parse().unwrap(), PullNumber(7)));
        for text in [
            "octo/repo#7",
            "https://github.com/octo/repo/pull/7",
            "https://github.example/octo/repo/pull/7/",
            "https://github.com/octo/repo/pull/7#discussion_r1",
        ] {
            assert_eq!(target(text), expected, "{text}");
        }
        for text in ["octo/repo", "#7", "https://github.com/octo/repo/issues/7", "octo/repo#x", "octo/repo#0"]
        {
            assert!(target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_of_globs_has_one_a_line_or_commas_between_them() {
        assert_eq!(
            globs("a.sarif, out/*.{xml,sarif}\n\n  b.xml\n"),
            ["a.sarif", "out/*.{xml,sarif}", "b.xml"]
        );
    }

    #[test]
    fn a_flag_beats_an_input_and_a_mistake_names_both_name_and_expectation() {
        let env: Environment = [
            ("INPUT_STRATEGY".to_owned(), "single".to_owned()),
            ("INPUT_MAX-COST-USD".to_owned(), "0.5".to_owned()),
        ]
        .into_iter()
        .collect();
        let flags = ReviewFlags { strategy: Some("parallel".into()), ..ReviewFlags::default() };
        let read = overrides(&flags, &env).unwrap();
        assert_eq!((read.strategy, read.max_cost), (Some(Strategy::Parallel), Some(MicroUsd(500_000))));
        let flags = ReviewFlags { strategy: Some("thorough".into()), ..ReviewFlags::default() };
        let expected = "`strategy`: expected `auto`, `single`, `sequential`, `parallel` or `adversarial`, got `thorough`";
        assert_eq!(overrides(&flags, &env), Err(expected.to_owned()));
    }
}
