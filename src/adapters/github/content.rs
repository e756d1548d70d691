//! Single files of a repository, and the tree that they stand in.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::call::{JSON, JSON_CAP};
use super::error::Error;
use super::transport::Answer;
use super::{GitHub, wire, with_query};
use crate::domain::tools::{Kind, Listing};
use crate::domain::units::{RepoName, Sha};

/// GitHub's base64 is wrapped and padded; a server that leaves the padding out is understood too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Asks for a file as it is, up to 100 MB.
const RAW: &str = "application/vnd.github.raw+json";

/// A text file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// Its text.
    pub text: String,
    /// Its git blob, which names this content for good.
    pub sha: String,
}

impl GitHub {
    /// A text file at a commit, branch or tag; absent when there is none. Links inside the repository are
    /// followed by GitHub.
    ///
    /// # Errors
    /// [`Error::NotAFile`] for a directory, a submodule, a link to elsewhere, over 1 MB or not UTF-8;
    /// [`Error::BadUrl`] for a path that leaves the repository; any other failed call.
    pub async fn content(
        &self,
        repo: &RepoName,
        path: &str,
        git_ref: &str,
    ) -> Result<Option<FileContent>, Error> {
        let mut segments = vec!["contents"];
        segments.extend(path.split('/').filter(|segment| !matches!(*segment, "" | ".")));
        let url = with_query(self.repo_url(repo, &segments)?, &[("ref", git_ref)]);
        match self.read(&url, JSON, JSON_CAP, |answer| file(&answer)).await {
            Ok(file) => Ok(Some(file)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every path of a commit. GitHub sends the first 100,000 of them, or 7 MB.
    ///
    /// # Errors
    /// A failed call.
    pub async fn tree(&self, repo: &RepoName, commit: &Sha) -> Result<Listing, Error> {
        let url = self.repo_url(repo, &["git", "trees", commit.as_str()])?;
        let answer: wire::Tree = self.object(&with_query(url, &[("recursive", "1")])).await?;
        let mut listing = Listing::default();
        listing.incomplete = answer.truncated == Some(true);
        for entry in answer.tree.unwrap_or_default() {
            let kind = Kind::of_mode(entry.mode.as_deref().unwrap_or_default(), entry.size);
            if let (Some(path), Some(kind)) = (&entry.path, kind) {
                listing.add(path, kind);
            }
        }
        Ok(listing)
    }

    /// The bytes of a file at a commit, at most `cap` of them. A link inside the repository is followed by
    /// GitHub.
    ///
    /// # Errors
    /// [`Error::TooLarge`] over `cap`; [`Error::NotAFile`] for a directory or a submodule;
    /// [`Error::NotFound`] when it is not there; any other failed call.
    pub async fn bytes(&self, repo: &RepoName, path: &str, commit: &Sha, cap: usize) -> Result<Bytes, Error> {
        let mut segments = vec!["contents"];
        segments.extend(path.split('/'));
        let url = with_query(self.repo_url(repo, &segments)?, &[("ref", commit.as_str())]);
        self.read(&url, RAW, cap, |answer| {
            // What is no file is told about as JSON, whatever was asked for.
            if answer.content_type().starts_with("application/json") {
                let what = "this is a directory or a submodule, not a file".to_owned();
                return Err(Error::NotAFile { at: answer.at(), what });
            }
            Ok(answer.body)
        })
        .await
    }
}

fn file(answer: &Answer) -> Result<FileContent, Error> {
    let none = |what: &str| Error::NotAFile { at: answer.at(), what: what.to_owned() };
    if answer.body.trim_ascii_start().starts_with(b"[") {
        return Err(none("this is a directory, not a file"));
    }
    let file = answer.json::<wire::ContentFile>()?;
    match file.kind.as_deref() {
        // Old servers list a submodule as a file.
        _ if file.submodule_git_url.is_some() => return Err(none("this is a submodule, not a file")),
        Some("file") | None => {}
        Some("submodule") => return Err(none("this is a submodule, not a file")),
        Some("symlink") => return Err(none("this is a link that leads to no file of the repository")),
        Some("dir") => return Err(none("this is a directory, not a file")),
        Some(_) => return Err(none("this is not a file")),
    }
    // An object that is no file must not be read as an empty one.
    let content = file.content.ok_or_else(|| answer.other_than("a file", "JSON without content"))?;
    let encoding = file.encoding.as_deref().unwrap_or("base64");
    if encoding == "none" || (content.is_empty() && file.size.is_some_and(|size| size > 0)) {
        return Err(none("this file is larger than the 1 MB that GitHub sends"));
    }
    let bytes = if encoding == "base64" {
        let wrapped = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>();
        BASE64.decode(wrapped).map_err(|_| answer.other_than("a file in base64", "something else"))?
    } else {
        content.as_bytes().to_vec()
    };
    let text = String::from_utf8(bytes).map_err(|_| none("this file is not UTF-8 text"))?;
    Ok(FileContent { text, sha: file.sha.unwrap_or_default() })
}
