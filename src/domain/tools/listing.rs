//! The tree of a commit by its paths: what is not in here cannot be read.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::domain::diff::visible;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, with its size as far as it is told.
    File {
        /// Bytes.
        size: Option<u64>,
    },
    /// A symbolic link; it is not followed.
    Link,
    /// Another repository's commit.
    Submodule,
}

impl Kind {
    /// The kind that git's mode names, as in `100644`; absent for folders and what git does not know.
    #[must_use]
    pub fn of_mode(mode: &str, size: Option<u64>) -> Option<Self> {
        match mode {
            "100644" | "100755" | "100664" => Some(Self::File { size }),
            "120000" => Some(Self::Link),
            "160000" => Some(Self::Submodule),
            _ => None,
        }
    }
}

/// Every path of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    paths: BTreeMap<String, Kind>,
    /// Whether some are missing: too many for the server, not UTF-8, or not to be read.
    pub incomplete: bool,
}

impl Listing {
    /// Adds what stands at a path, unless git could not have it there.
    pub fn add(&mut self, path: &str, kind: Kind) {
        let odd = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
        if path.contains('\0') || path.split('/').any(odd) {
            self.incomplete = true;
        } else {
            self.paths.insert(path.to_owned(), kind);
        }
    }

    /// The file at a path, spelled as in the tree or as prompts show it.
    ///
    /// # Errors
    /// Why it cannot be read, for the model. The path is not repeated.
    pub fn file(&self, path: &str) -> Result<&str, String> {
        let shown = || self.paths.iter().find(|(known, _)| visible(known.as_bytes()) == path);
        match self.paths.get_key_value(path).or_else(shown) {
            Some((path, Kind::File { .. })) => Ok(path),
            Some((_, Kind::Link)) => Err("This is a symbolic link. Links are not followed.".to_owned()),
            Some((_, Kind::Submodule)) => {
                Err("This is a submodule. Its files are not part of this repository.".to_owned())
            }
            None if self.below(&format!("{}/", path.trim_end_matches('/'))).next().is_some() => {
                Err("This is a folder: use list_files.".to_owned())
            }
            None if self.incomplete => {
                Err("There is no such file in the part of the tree that is known.".to_owned())
            }
            None => Err("There is no such file in this commit.".to_owned()),
        }
    }

    /// What stands at the paths that begin with `prefix`, in their order.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, Kind)> + Clone {
        self.paths
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(prefix))
            .map(|(path, kind)| (path.as_str(), *kind))
    }

    /// The files whose paths begin with `prefix`, with their sizes.
    pub fn files<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, Option<u64>)> + Clone {
        self.below(prefix).filter_map(|(path, kind)| match kind {
            Kind::File { size } => Some((path, size)),
            Kind::Link | Kind::Submodule => None,
        })
    }

    /// Leaves out the paths that are not to be read.
    pub fn hide(&mut self, is_hidden: impl Fn(&str) -> bool) {
        let all = self.paths.len();
        self.paths.retain(|path, _| !is_hidden(path));
        self.incomplete |= self.paths.len() < all;
    }
}
