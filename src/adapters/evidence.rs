//! Report files that other tools left in the workspace. Whoever wrote the pull request may have written them, or may
//! have put links in their place: no link is followed, on no part of a path, and nothing outside is opened.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use rustix::fs::{Dir, Mode, OFlags, open, openat};
use rustix::io::Errno;

use crate::domain::evidence::{Found, Unusable};
use crate::domain::sarif::LARGEST;

/// The most files that are read.
const MOST_FILES: usize = 20;

/// The most entries of folders that are looked at for one pattern.
const MOST_ENTRIES: usize = 100_000;

/// Folders are nested no deeper than this for a pattern with `**`.
const DEEPEST: usize = 40;

/// Reads the files of a folder that these patterns name, each once, in the order of the patterns and then of their
/// names. A pattern that names nothing and a file that cannot be read are found too, with the reason.
#[must_use]
pub fn read(workspace: &Path, patterns: &[String]) -> Vec<Found> {
    let folder = match open(workspace, FOLDER, Mode::empty()) {
        Ok(folder) => folder,
        Err(cause) => {
            let unread = |name: &String| Found {
                name: name.clone(),
                text: Err(Unusable::Unreadable(cause.to_string())),
            };
            return patterns.iter().map(unread).collect();
        }
    };
    let mut walk = Walk::default();
    for pattern in patterns {
        (walk.left, walk.has_met) = (MOST_ENTRIES, false);
        let why = match steps(pattern) {
            None => Some(Unusable::Elsewhere),
            Some(steps) => {
                walk.down(&folder, "", &steps, DEEPEST);
                let nothing = (!walk.has_met).then_some(Unusable::Missing);
                (walk.left == 0).then_some(Unusable::TooManyEntries).or(nothing)
            }
        };
        walk.found.extend(why.map(|why| Found { name: pattern.clone(), text: Err(why) }));
    }
    walk.found
}

/// Of a folder, links not followed. The first may be one: the workspace is ours.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// One part of a pattern.
enum Step {
    /// The entry of this name.
    Named(String),
    /// Entries with such names.
    Like(GlobMatcher),
    /// Folders at any depth.
    Below,
}

/// The parts of a pattern; nothing if it leaves the folder or is none.
fn steps(pattern: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for part in pattern.strip_prefix("./").unwrap_or(pattern).split('/') {
        steps.push(match part {
            "" | "." | ".." => return None,
            "**" => Step::Below,
            name if !name.contains(['*', '?', '[', '{', '\\']) => Step::Named(name.to_owned()),
            like => Step::Like(GlobBuilder::new(like).build().ok()?.compile_matcher()),
        });
    }
    Some(steps)
}

/// A search through folders.
#[derive(Default)]
struct Walk {
    /// Entries that may still be looked at for this pattern.
    left: usize,
    /// Whether this pattern names anything.
    has_met: bool,
    found: Vec<Found>,
}

impl Walk {
    fn down(&mut self, folder: &OwnedFd, at: &str, steps: &[Step], depth: usize) {
        let Some((step, behind)) = steps.split_first().filter(|_| depth > 0) else { return };
        let names = match step {
            Step::Named(name) => vec![name.clone()],
            Step::Like(glob) => self.names(folder).into_iter().filter(|name| glob.is_match(name)).collect(),
            Step::Below => {
                self.down(folder, at, behind, depth);
                // What git keeps there is no report, and it is a lot.
                self.names(folder).into_iter().filter(|name| name != ".git").collect()
            }
        };
        for name in names {
            let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
            let steps = if matches!(step, Step::Below) { steps } else { behind };
            if steps.is_empty() {
                self.take(folder, &name, path);
            } else if let Ok(inner) = openat(folder, &name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
                self.down(&inner, &path, steps, depth - 1);
            }
        }
    }

    /// The names in a folder, sorted. Those that are no UTF-8 are left out.
    fn names(&mut self, folder: &OwnedFd) -> Vec<String> {
        let entries = Dir::read_from(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned))
            .filter(|name| name != "." && name != "..")
            .take(self.left)
            .collect();
        self.left -= names.len();
        names.sort_unstable();
        names
    }

    fn take(&mut self, folder: &OwnedFd, name: &str, path: String) {
        if self.found.iter().any(|known| known.name == path) {
            self.has_met = true;
            return;
        }
        // A pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let text = match openat(folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return,
            Err(Errno::LOOP) => Err(Unusable::Link),
            Err(cause) => Err(Unusable::Unreadable(cause.to_string())),
            Ok(_) if self.found.len() >= MOST_FILES => Err(Unusable::TooMany(MOST_FILES)),
            Ok(file) => contents(File::from(file)),
        };
        self.has_met = true;
        self.found.push(Found { name: path, text });
    }
}

fn contents(file: File) -> Result<String, Unusable> {
    let unreadable = |cause: std::io::Error| Unusable::Unreadable(cause.to_string());
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(Unusable::NoFile);
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    if about.len() <= most {
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if about.len() > most || bytes.len() > LARGEST {
        return Err(Unusable::TooLarge);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read_all(folder: &Path, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let line = |found: Found| match found.text {
            Ok(text) => format!("{}: {text}", found.name),
            Err(why) => format!("{}! {why}", found.name),
        };
        read(folder, &patterns).into_iter().map(line).collect()
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn patterns_name_files_at_the_root_in_folders_and_at_any_depth() {
        let files = ["a.sarif", "b.sarif", "out/c.sarif", "out/deep/er/d.sarif", "out/e.xml", ".git/f.sarif"];
        let folder = folder(&files.map(|path| (path, "x")));
        let names = |patterns: &[&str]| {
            read_all(folder.path(), patterns)
                .into_iter()
                .map(|line| line.replace(": x", ""))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&["*.sarif"]), ["a.sarif", "b.sarif"]);
        assert_eq!(names(&["./out/*.{sarif,xml}"]), ["out/c.sarif", "out/e.xml"]);
        assert_eq!(names(&["**/*.sarif"]), ["a.sarif", "b.sarif", "out/c.sarif", "out/deep/er/d.sarif"]);
        assert_eq!(names(&["out/**/d.sarif", "**/d.sarif"]), ["out/deep/er/d.sarif"]);
        assert_eq!(
            names(&["out/e.xml", "gone.xml"]),
            ["out/e.xml", "gone.xml! the workspace holds no such file"]
        );
        assert_eq!(names(&["out"]), ["out! it is no file"]);
    }

    #[test]
    fn nothing_leads_out_of_the_workspace() {
        let outside = folder(&[("secret.sarif", "{}")]);
        let inside = folder(&[("real/ok.sarif", "ok")]);
        let at = |name: &str| inside.path().join(name);
        symlink(outside.path().join("secret.sarif"), at("link.sarif")).unwrap();
        symlink("/etc/passwd", at("passwd.xml")).unwrap();
        symlink(outside.path(), at("folder")).unwrap();
        symlink(at("real"), at("near")).unwrap();
        let secret = outside.path().join("secret.sarif");
        let patterns = [
            "**/*.sarif",
            "folder/*",
            "near/ok.sarif",
            "passwd.xml",
            "../*/secret.sarif",
            secret.to_str().unwrap(),
        ];
        let elsewhere = "it leaves the workspace, or is no pattern";
        assert_eq!(
            read_all(inside.path(), &patterns),
            [
                "link.sarif! it is a link, and links are not followed".to_owned(),
                "real/ok.sarif: ok".to_owned(),
                "folder/*! the workspace holds no such file".to_owned(),
                "near/ok.sarif! the workspace holds no such file".to_owned(),
                "passwd.xml! it is a link, and links are not followed".to_owned(),
                format!("../*/secret.sarif! {elsewhere}"),
                format!("{}! {elsewhere}", secret.display()),
            ]
        );
    }

    #[test]
    fn large_files_pipes_and_too_many_are_told_and_not_read() {
        let folder = folder(&[]);
        let large = File::create(folder.path().join("large.xml")).unwrap();
        large.set_len(100 << 20).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.xml")).status();
        assert!(pipe.unwrap().success());
        assert_eq!(
            read_all(folder.path(), &["*.xml"]),
            ["large.xml! it is larger than 10 MiB", "pipe.xml! it is no file"]
        );
        (0..25).for_each(|n| fs::write(folder.path().join(format!("{n:02}.sarif")), "x").unwrap());
        let read = read_all(folder.path(), &["*.sarif"]);
        assert_eq!(read.iter().filter(|line| line.ends_with(": x")).count(), MOST_FILES);
        assert_eq!(read.last().unwrap(), "24.sarif! it is one too many: at most 20 are read");
    }
}
