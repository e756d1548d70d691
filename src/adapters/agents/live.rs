//! What must not outlive us: process groups and folders, known in one place for an end that runs no destructor.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Pid;

use super::{folder, process};

/// All that is there now.
pub(super) struct Live {
    pub(super) groups: Vec<Pid>,
    pub(super) folders: Vec<PathBuf>,
}

/// What is there now; to be held for a moment only.
pub(super) fn live() -> MutexGuard<'static, Live> {
    static LIVE: Mutex<Live> = Mutex::new(Live { groups: Vec::new(), folders: Vec::new() });
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the programs that still run and removes the folders that are still there: what a process does right before it
/// ends.
pub fn end_all() {
    let (groups, folders) = {
        let live = live();
        (live.groups.clone(), live.folders.clone())
    };
    groups.into_iter().for_each(process::kill);
    folders.iter().for_each(|path| folder::remove(path));
}
