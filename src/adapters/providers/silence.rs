//! How long a server may be silent, and how long it has been.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::lane::Patience;

/// How a request is waited for.
pub struct Waiting<'a> {
    /// How long the server may be silent; none where it answers in one piece, whenever it is done.
    pub patience: Option<Patience>,
    /// Told of each piece of a stream: the bytes of the answer's text so far, which are none while the model thinks.
    pub heard: &'a (dyn Fn(usize) + Sync),
}

/// How long a server has been silent, and whether that is too long.
pub(super) struct Silence {
    patience: Option<Patience>,
    sent: Instant,
    /// From the request to the first byte.
    pub(super) first_byte: Option<Duration>,
    until: Option<Instant>,
}

impl Silence {
    pub(super) fn begin(patience: Option<Patience>) -> Self {
        let sent = Instant::now();
        let until = patience.and_then(|patience| sent.checked_add(patience.first_byte));
        Self { patience, sent, first_byte: None, until }
    }

    /// Something was heard.
    pub(super) fn broken(&mut self) {
        let now = Instant::now();
        self.first_byte.get_or_insert(now - self.sent);
        self.until = self.patience.and_then(|patience| now.checked_add(patience.idle));
    }

    /// Waits for something from the server.
    ///
    /// # Errors
    /// How long it was silent, in words.
    pub(super) async fn within<T>(&self, something: impl Future<Output = T>) -> Result<T, String> {
        match (self.until, self.patience) {
            (Some(until), Some(patience)) => {
                tokio::time::timeout_at(until, something).await.map_err(|_| match self.first_byte {
                    None => format!("{} s before its first byte", patience.first_byte.as_secs()),
                    Some(_) => format!("{} s in the middle of its answer", patience.idle.as_secs()),
                })
            }
            _ => Ok(something.await),
        }
    }
}
