//! Standard output and the log: the only place that writes to either.

use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use tracing_subscriber::fmt::MakeWriter;

use super::actions;
use crate::domain::redact::{self, Secrets};

/// What every line that leaves the process is made harmless with.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    in_actions: bool,
    secrets: Arc<RwLock<Secrets>>,
}

impl Terminal {
    /// A terminal; inside Actions, no line of it becomes a workflow command but our own.
    #[must_use]
    pub fn new(in_actions: bool) -> Self {
        Self { in_actions, secrets: Arc::default() }
    }

    /// The values that are hidden by now.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on these values are hidden too, wherever they would appear; the runner hides them in what other steps
    /// print.
    pub fn hide(&self, values: impl IntoIterator<Item = String>) {
        for value in values {
            actions::mask_commands(&value).iter().for_each(|line| self.command(line));
            self.secrets.write().unwrap_or_else(PoisonError::into_inner).add(value);
        }
    }

    /// Starts a group in the Actions log; elsewhere nothing.
    pub fn group(&self, name: &str) {
        if self.in_actions {
            self.error_bytes(format!("::group::{name}\n").as_bytes());
        }
    }

    /// Ends the group.
    pub fn end_group(&self) {
        if self.in_actions {
            self.error_bytes(b"::endgroup::\n");
        }
    }

    /// Writes one of the runner's own commands.
    pub fn command(&self, line: &str) {
        if self.in_actions {
            self.error_bytes(format!("{line}\n").as_bytes());
        }
    }

    /// Writes a result to standard output, made harmless inside Actions.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn result(&self, text: &str) -> io::Result<()> {
        let masked = self.masked(text);
        let safe = if self.in_actions { redact::log_line(&masked).into_owned() } else { masked };
        let mut out = io::stdout().lock();
        out.write_all(safe.as_bytes())?;
        if !safe.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    fn masked(&self, text: &str) -> String {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).mask(text).into_owned()
    }

    fn error_bytes(&self, bytes: &[u8]) {
        // A closed standard error is no reason to lose a review.
        let _ = io::stderr().lock().write_all(bytes);
    }
}

/// One log event at a time, so that a line is masked whole.
pub struct LogLine<'a> {
    terminal: &'a Terminal,
    buffer: Vec<u8>,
}

impl Write for LogLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine<'_> {
    fn drop(&mut self) {
        let text = self.terminal.masked(&String::from_utf8_lossy(&self.buffer));
        let safe = redact::log_line(text.trim_end_matches('\n'));
        self.terminal.error_bytes(format!("{safe}\n").as_bytes());
    }
}

impl<'a> MakeWriter<'a> for Terminal {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> LogLine<'a> {
        LogLine { terminal: self, buffer: Vec::new() }
    }
}
