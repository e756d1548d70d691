//! Many files of one commit in few calls, for what stands around the hunks. It is help and never needed: what
//! does not come soon, and in moderate size, is done without.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::call::JSON;
use super::error::Error;
use super::transport::{Call, Door, Verb};
use super::{GitHub, wire};
use crate::domain::context::Texts;
use crate::domain::render::words::count as count_of;
use crate::domain::units::{RepoName, Sha};

/// Files of one query.
const BATCH: usize = 100;

/// Queries in flight together.
const TOGETHER: usize = 4;

/// A larger file is not read for a few of its lines; GitHub cuts the text of a blob at this size, too.
const LARGEST: u64 = 512 * 1024;

/// Most bytes of one answer.
const ANSWER_CAP: usize = 8 * 1024 * 1024;

/// Most bytes of all texts that are kept.
const ALL_CAP: usize = 32 * 1024 * 1024;

/// Most time for one query.
const SOON: Duration = Duration::from_secs(15);

impl GitHub {
    /// The text files with these paths at a commit. Binary, cut and missing ones are left out without a word,
    /// those of a call that failed with one.
    pub async fn texts(&self, repo: &RepoName, commit: &Sha, paths: &[&str]) -> Texts {
        let queries = paths
            .chunks(BATCH)
            .map(|paths| async move { (paths.len(), self.some_texts(repo, commit, paths).await) });
        let mut queries = stream::iter(queries).buffered(TOGETHER);
        let mut all = Texts::default();
        let mut spare = ALL_CAP;
        while let Some((count, answer)) = queries.next().await {
            match answer {
                Ok(files) => {
                    for (path, text) in files {
                        let Some(rest) = spare.checked_sub(text.len()) else { continue };
                        spare = rest;
                        all.files.insert(path, text);
                    }
                }
                Err(error) => {
                    let files = count_of(count, "file");
                    all.problems
                        .push(format!("What stands around the hunks of {files} could not be read: {error}."));
                }
            }
        }
        all
    }

    async fn some_texts(
        &self,
        repo: &RepoName,
        commit: &Sha,
        paths: &[&str],
    ) -> Result<BTreeMap<String, Bytes>, Error> {
        let body = serde_json::to_string(&Question::of(repo, commit, paths));
        let body = body.map_err(|error| Error::BadUrl { text: error.to_string() })?;
        let call = Call { verb: Verb::Post, accept: JSON, body: Some(body), cap: ANSWER_CAP };
        let soon = Instant::now() + SOON;
        let until = self.until.map_or(soon, |until| until.min(soon));
        let answer = self.follow(Door::Graphql, &call, &self.transport.graphql, until).await?;
        let repository = answer.json::<wire::Blobs>()?.data.and_then(|data| data.repository);
        let mut blobs = repository
            .ok_or_else(|| answer.other_than("the files of the repository", "JSON without them"))?;
        let mut found = BTreeMap::new();
        for (at, path) in paths.iter().enumerate() {
            let Some(blob) = blobs.remove(&format!("f{at}")).flatten() else { continue };
            let whole = blob.is_truncated != Some(true) && blob.byte_size.is_none_or(|size| size <= LARGEST);
            if let Some(text) = blob.text.filter(|_| whole) {
                found.insert((*path).to_owned(), Bytes::from(text));
            }
        }
        Ok(found)
    }
}

/// One query with its variables. Paths come from a pull request: they travel as variables, never in the query.
#[derive(Debug, Serialize)]
struct Question {
    query: String,
    variables: Map<String, Value>,
}

impl Question {
    fn of(repo: &RepoName, commit: &Sha, paths: &[&str]) -> Self {
        let mut query = "query($owner: String!, $name: String!".to_owned();
        let mut fields = String::new();
        let mut variables = Map::new();
        variables.insert("owner".to_owned(), repo.owner().into());
        variables.insert("name".to_owned(), repo.name().into());
        for (at, path) in paths.iter().enumerate() {
            let _ = write!(query, ", $e{at}: String!"); // writing into a string cannot fail
            let _ = write!(
                fields,
                " f{at}: object(expression: $e{at}) {{ ... on Blob {{ text isTruncated byteSize }} }}"
            );
            variables.insert(format!("e{at}"), format!("{commit}:{path}").into());
        }
        let _ = write!(query, ") {{ repository(owner: $owner, name: $name) {{{fields} }} }}");
        Self { query, variables }
    }
}
