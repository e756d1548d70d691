//! Folders that nobody else has, and that do not outlive the call they are made for.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::live::live;

/// A program that was just killed may hold its files for a moment: so often, and so long in between, is it tried to
/// remove them.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(10);

/// An empty folder that only this user can enter; removed with all it holds when this value is dropped, or soon after.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one under the system's folder for temporary files.
    pub(super) fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Programs resolve links before they compare paths.
        let parent = std::env::temp_dir().canonicalize()?;
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("counterpoint-{}-{count}", std::process::id()));
            // It is refused where something has that name already, a link of a stranger included.
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    live().folders.push(path.clone());
                    return Ok(Self(path));
                }
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a folder in it.
    pub(super) fn with(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !is_removed(&self.0) {
            // By a thread that may wait, which one that runs futures may not. Where there is none, the end does it.
            let path = self.0.clone();
            let _ = thread::Builder::new().spawn(move || remove(&path));
        }
    }
}

/// Removes a folder, as soon as nothing holds it any more.
pub(super) fn remove(path: &Path) {
    for _ in 0..TRIES {
        if is_removed(path) {
            return;
        }
        thread::sleep(BETWEEN);
    }
    tracing::warn!("{} could not be removed", path.display());
}

fn is_removed(path: &Path) -> bool {
    let removed = fs::remove_dir_all(path).is_ok() || !path.exists();
    if removed {
        live().folders.retain(|folder| folder != path);
    }
    removed
}
