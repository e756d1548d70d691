//! What the doctor found: one line each, and what to do.

use std::fmt::Write as _;

use crate::domain::outcome::ExitCode;
use crate::domain::redact::log_line;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// What was looked at: `token`, `lane claude`, …
    pub subject: String,
    /// How it is.
    pub health: Health,
    /// What was found, as one sentence.
    pub found: String,
    /// What to do, as one sentence; empty when there is nothing to do.
    pub advice: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Good,
    /// It could not be looked at, or works in part.
    Unsure,
    /// It does not work; the exit code that a run would end with.
    Bad(ExitCode),
}

impl Examined {
    /// The exit code this finding asks for.
    #[must_use]
    pub const fn exit(&self) -> ExitCode {
        match self.health {
            Health::Bad(exit) => exit,
            Health::Good | Health::Unsure => ExitCode::Done,
        }
    }
}

/// All findings as text.
#[must_use]
pub fn text(examined: &[Examined]) -> String {
    let mut out = String::new();
    for line in examined {
        let word = match line.health {
            Health::Good => "ok  ",
            Health::Unsure => "?   ",
            Health::Bad(_) => "fix ",
        };
        let _ = writeln!(out, "{word} {}: {}", line.subject, log_line(&line.found));
        if !line.advice.is_empty() {
            let _ = writeln!(out, "      {}", log_line(&line.advice));
        }
    }
    let bad = examined.iter().filter(|line| matches!(line.health, Health::Bad(_))).count();
    out.push_str(match bad {
        0 => "\nReady.\n",
        1 => "\nOne thing to fix.\n",
        _ => "\nSome things to fix.\n",
    });
    out
}
