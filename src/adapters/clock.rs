//! The only clock, and the two things that end a run early: its deadline and a signal.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Time that a cancelled run may still take: the runner kills what lives longer.
pub const GRACE: Duration = Duration::from_millis(4_000);

/// Time kept back for publishing: a fifth of the run, at most this. Where GitHub is slow, publishing may take
/// this long even if the run is over: what is finished is posted.
pub const PUBLISHING: Duration = Duration::from_secs(20);

/// Why something was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Its time was used up.
    Deadline,
    /// A signal came.
    Cancelled,
}

/// When a run started, and whether somebody wants it to end.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    cancel: CancellationToken,
    cancelled_at: Arc<OnceLock<Instant>>,
}

impl Clock {
    /// A run that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now(), cancel: CancellationToken::new(), cancelled_at: Arc::default() }
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The moment this long after the start.
    #[must_use]
    pub fn after_start(&self, duration: Duration) -> Instant {
        self.started + duration
    }

    /// The moment by which a run of this length has to have published.
    #[must_use]
    pub fn for_publishing(&self, max_time: Duration) -> Instant {
        self.after_start(max_time).max(Instant::now() + PUBLISHING)
    }

    /// Asks the run to end. The second time it is called, it returns `false`: nobody waits any longer.
    pub fn cancel(&self) -> bool {
        let first = self.cancelled_at.set(Instant::now()).is_ok();
        self.cancel.cancel();
        first
    }

    /// Whether the run was asked to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Runs a future until it is done, its time is up, or the run is cancelled, whichever comes first.
    ///
    /// # Errors
    /// What cut it off; the future is dropped then.
    pub async fn limit<T>(&self, until: Instant, future: impl Future<Output = T>) -> Result<T, Cut> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Cut::Cancelled),
            done = tokio::time::timeout_at(until, future) => done.map_err(|_| Cut::Deadline),
        }
    }

    /// Like `limit`, without a deadline.
    ///
    /// # Errors
    /// `Cut::Cancelled`; the future is dropped then.
    pub async fn unless_cancelled<T>(&self, future: impl Future<Output = T>) -> Result<T, Cut> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Cut::Cancelled),
            done = future => Ok(done),
        }
    }

    /// Lets a future finish, but only until `GRACE` after a cancellation.
    pub async fn with_grace<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = future => Some(done),
            () = async {
                self.cancel.cancelled().await;
                let since = self.cancelled_at.get().copied().unwrap_or_else(Instant::now);
                tokio::time::sleep_until(since + GRACE).await;
            } => None,
        }
    }

    /// Listens for SIGINT and SIGTERM until the process ends, as process 1 of a container too. The first
    /// ends the run as its deadline would; the second ends the process.
    ///
    /// # Errors
    /// The system does not let us listen.
    pub fn listen(&self, exit_at_once: impl Fn() + Send + 'static) -> anyhow::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let clock = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if clock.cancel() {
                    tracing::warn!("cancelled: finishing what can be finished within five seconds");
                } else {
                    exit_at_once();
                }
            }
        });
        Ok(())
    }
}
