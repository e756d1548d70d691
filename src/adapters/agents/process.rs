//! A child that nobody trusts: a process group of its own, an environment made from nothing, bounded output, and no
//! way to outlive us but a session of its own (`setsid`), which nothing here takes from it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::live::live;

/// The most bytes of standard output that are read: as much as an answer of a provider may have.
const MOST_OUTPUT: usize = 16 << 20;

/// The most bytes of standard error that are kept; the rest is read and forgotten.
const MOST_COMPLAINTS: usize = 64 << 10;

/// The most bytes of it that are read at a time.
const PIECE: usize = 16 << 10;

/// How long what is left may take: of the output once the program is gone, of the program once its output ended.
const DRAIN: Duration = Duration::from_secs(2);

/// Variables that a child gets from ours: how to find programs and get through to the network. The last lets the
/// Actions runner find and end what is left of a job.
const PASSED: [&str; 13] = [
    "PATH",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "RUNNER_TRACKING_ID",
];

/// A program that ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    /// The beginning of it.
    pub(super) stderr: Vec<u8>,
}

/// A command with nothing of our environment but [`PASSED`].
pub(super) fn command(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    let passed = PASSED.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    command.env_clear().envs(passed).env("LC_ALL", "C.UTF-8");
    command
}

/// Runs a command to its end, with `input` on its standard input. It and all it started are killed when the future
/// is dropped, when it ends, when it says too much, and when it is silent for longer than `silence`.
///
/// # Errors
/// It could not be started, was silent for too long, or said more than [`MOST_OUTPUT`] bytes.
pub(super) async fn run(
    mut command: Command,
    input: Vec<u8>,
    silence: Option<Duration>,
) -> io::Result<Ended> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let group = Group::of(leader.ok_or_else(|| io::Error::other("it ended at once"))?);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // Both end when the group is dead.
    tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            // One that does not want to hear all of it will say why.
            let _ = stdin.write_all(&input).await;
        }
    });
    let stirs = Arc::new(Notify::new());
    let complaining = tokio::spawn(complaints(stderr, Arc::clone(&stirs)));
    let mut hearing = std::pin::pin!(hear(stdout, &stirs, silence));
    let left_open = |_| io::Error::other("its output stayed open after its end");
    let (stdout, status) = tokio::select! {
        stdout = &mut hearing => {
            let stdout = stdout?;
            // It has nothing more to say, whether it goes or not.
            let status = match timeout(DRAIN, child.wait()).await {
                Ok(status) => status?,
                Err(_) => {
                    group.kill();
                    child.wait().await?
                }
            };
            (stdout, status)
        }
        status = child.wait() => {
            // What it leaves behind would keep its output open.
            group.kill();
            (timeout(DRAIN, hearing).await.map_err(left_open)??, status?)
        }
    };
    group.kill();
    let stderr = timeout(DRAIN, complaining).await.map_err(left_open)?.map_err(io::Error::other)??;
    Ok(Ended { status, stdout, stderr })
}

/// Reads standard output, until neither it nor standard error, which `stirs`, tells anything for longer than `silence`.
async fn hear(
    stream: Option<impl AsyncRead + Unpin>,
    stirs: &Notify,
    silence: Option<Duration>,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut stream) = stream else { return Ok(bytes) };
    let most = silence.unwrap_or_default();
    loop {
        let read = tokio::select! {
            read = stream.read_buf(&mut bytes) => read?,
            () = stirs.notified() => continue,
            () = tokio::time::sleep(most), if silence.is_some() => {
                return Err(io::Error::other(format!("it was silent for {} s", most.as_secs())));
            }
        };
        if read == 0 {
            return Ok(bytes);
        }
        if bytes.len() > MOST_OUTPUT {
            return Err(io::Error::other(format!("it printed more than {} MiB", MOST_OUTPUT >> 20)));
        }
    }
}

/// Reads standard error, and says so each time.
async fn complaints(stream: Option<impl AsyncRead + Unpin>, stirs: Arc<Notify>) -> io::Result<Vec<u8>> {
    let (mut kept, mut piece) = (Vec::new(), Vec::with_capacity(PIECE));
    let Some(mut stream) = stream else { return Ok(kept) };
    while stream.read_buf(&mut piece).await? > 0 {
        stirs.notify_one();
        kept.extend(piece.iter().take(MOST_COMPLAINTS - kept.len()));
        piece.clear();
    }
    Ok(kept)
}

/// A process group that does not outlive this value.
struct Group(Pid);

impl Group {
    fn of(leader: Pid) -> Self {
        live().groups.push(leader);
        Self(leader)
    }

    fn kill(&self) {
        kill(self.0);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        live().groups.retain(|group| *group != self.0);
    }
}

/// Kills a process group.
pub(super) fn kill(group: Pid) {
    // Nobody is left, as a rule.
    let _ = kill_process_group(group, Signal::KILL);
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_program_whose_log_goes_on_is_waited_for() {
        let (mut program, stdout) = tokio::io::duplex(64);
        let stirs = Notify::new();
        let thinking = async {
            for _ in 0..3 {
                sleep(Duration::from_secs(200)).await;
                stirs.notify_one();
            }
            program.write_all(b"said").await.unwrap();
            drop(program);
        };
        let (said, ()) =
            futures_util::future::join(hear(Some(stdout), &stirs, Some(Duration::from_secs(210))), thinking)
                .await;
        assert_eq!(said.unwrap(), b"said");
    }
}
