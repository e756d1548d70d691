//! The labelled pairs: two reviewers' comments on one pull request, and which of them are the same issue.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

/// One review comment.
#[derive(Deserialize)]
pub struct Comment {
    pub id: String,
    pr: String,
    tool: String,
    pub text: String,
}

/// All comments of two reviewers on one pull request.
pub struct Case {
    /// Its position among the pull requests, which is what splits are made by.
    pub pull: usize,
    /// Who they are.
    pub tools: [String; 2],
    /// Their comments, by position in [`Data::comments`].
    pub rows: Vec<usize>,
    pub columns: Vec<usize>,
    /// Row by row, whether the two are the same; nobody knows of some.
    pub same: Vec<Option<bool>>,
}

impl Case {
    /// The two comments of the pair at a position in `same`.
    pub fn pair(&self, at: usize) -> (usize, usize) {
        (self.rows[at / self.columns.len()], self.columns[at % self.columns.len()])
    }

    pub fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }
}

pub struct Data {
    pub comments: Vec<Comment>,
    pub pulls: usize,
    pub cases: Vec<Case>,
}

impl Data {
    /// Reads `comments.jsonl` and `pairs.tsv`. Every two reviewers of a pull request make a case if anything is
    /// known of their pairs.
    pub fn read(folder: &Path) -> Self {
        let file = |name: &str| {
            std::fs::read_to_string(folder.join(name))
                .unwrap_or_else(|e| panic!("{}: {e}", folder.join(name).display()))
        };
        let comments: Vec<Comment> = file("comments.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a comment has id, pr, tool and text"))
            .collect();
        let mut known: HashMap<(String, String), bool> = HashMap::new();
        for line in file("pairs.tsv").lines().skip(1) {
            let [a, b, same, ..] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not a pair: {line}")
            };
            known.insert((a.to_owned(), b.to_owned()), same == "1");
            known.insert((b.to_owned(), a.to_owned()), same == "1");
        }
        let pulls = in_order(comments.iter().map(|comment| comment.pr.as_str()));
        let mut cases = Vec::new();
        for (pull, name) in pulls.iter().enumerate() {
            let here = || comments.iter().enumerate().filter(|(_, comment)| comment.pr == *name);
            let tools = in_order(here().map(|(_, comment)| comment.tool.as_str()));
            let of = |tool: &str| here().filter(|(_, c)| c.tool == tool).map(|(i, _)| i).collect::<Vec<_>>();
            for (i, first) in tools.iter().enumerate() {
                for second in &tools[i + 1..] {
                    let (rows, columns) = (of(first), of(second));
                    let label = |a: usize, b: usize| {
                        known.get(&(comments[a].id.clone(), comments[b].id.clone())).copied()
                    };
                    let same: Vec<_> =
                        rows.iter().flat_map(|a| columns.iter().map(|b| label(*a, *b))).collect();
                    if same.iter().any(Option::is_some) {
                        let tools = [(*first).to_owned(), (*second).to_owned()];
                        cases.push(Case { pull, tools, rows, columns, same });
                    }
                }
            }
        }
        Self { pulls: pulls.len(), comments, cases }
    }
}

/// Each name once, in the order of the file.
fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
