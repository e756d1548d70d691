//! Arguments, tracing, exit code.

use std::process::ExitCode as ProcessExit;

use clap::Parser as _;
use counterpoint::adapters::actions::Environment;
use counterpoint::adapters::clock::Clock;
use counterpoint::adapters::terminal::Terminal;
use counterpoint::adapters::{Outside, agents, http};
use counterpoint::cli::{Cli, Command, ReviewFlags};
use counterpoint::commands;
use counterpoint::domain::outcome::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ProcessExit {
    let cli = Cli::parse();
    let env = Environment::of_process();
    let terminal = Terminal::new(env.in_actions());
    terminal.hide(commands::secrets(&env));
    watch(&terminal);
    let command = match cli.command {
        Some(command) => command,
        None if env.in_actions() => Command::Action(ReviewFlags::default()),
        None => {
            tracing::error!("say what to do: `counterpoint review`, `compare`, `doctor`, or `--help`");
            return ProcessExit::from(ExitCode::Usage as u8);
        }
    };
    match &command {
        Command::Compare(command) => return finish(commands::compare(&terminal, command)),
        Command::Replay(command) => return finish(commands::replay(&terminal, command)),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let result = runtime.block_on(run(env, terminal, command));
        // A call that was cut off is not waited for.
        runtime.shutdown_background();
        agents::end_all();
        result
    });
    finish(result)
}

fn finish(result: anyhow::Result<ExitCode>) -> ProcessExit {
    match result {
        Ok(exit) => ProcessExit::from(exit as u8),
        Err(cause) => {
            tracing::error!("{cause:#}");
            ProcessExit::from(ExitCode::Usage as u8)
        }
    }
}

async fn run(env: Environment, terminal: Terminal, command: Command) -> anyhow::Result<ExitCode> {
    let clock = Clock::start();
    #[expect(clippy::exit, reason = "a second signal means that nobody waits for anything")]
    clock.listen(|| {
        agents::end_all();
        std::process::exit(130)
    })?;
    let outside = Outside { env, terminal, clock, http: http::client()? };
    match command {
        Command::Action(flags) => commands::action(&outside, &flags).await,
        Command::Review(command) => commands::review(&outside, &command).await,
        Command::Compare(command) => commands::compare(&outside.terminal, &command),
        Command::Replay(command) => commands::replay(&outside.terminal, &command),
        Command::Doctor(command) => commands::doctor(&outside, &command).await,
    }
}

/// The log goes to standard error; `COUNTERPOINT_LOG=debug` tells more.
fn watch(terminal: &Terminal) {
    let filter =
        EnvFilter::try_from_env("COUNTERPOINT_LOG").unwrap_or_else(|_| EnvFilter::new("counterpoint=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(terminal.clone())
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}
