//! Event files as the Actions runner would write them, made from what stands in the world.

use serde_json::{Value, json};

use super::World;
use super::shapes;
use super::state::{State, User};

/// An event's name and its payload. The payload may be changed before use.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    pub payload: Value,
}

impl Event {
    fn new(name: &str, payload: Value) -> Self {
        Self { name: name.to_owned(), payload }
    }

    /// Sets a key at the top of the payload, such as `action`.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Some(map) = self.payload.as_object_mut() {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    pub fn action(self, action: &str) -> Self {
        self.with("action", action)
    }

    pub fn sent_by(self, user: &User) -> Self {
        self.with("sender", shapes::user(user))
    }
}

impl World {
    /// `pull_request` with the action `opened`, sent by the author. Whether it comes from a fork, is a
    /// draft or by a bot follows from the pull request.
    pub fn pull_request_event(&self, number: u64) -> Event {
        self.with(|state| pull_event(state, "pull_request", number))
    }

    pub fn pull_request_target_event(&self, number: u64) -> Event {
        self.with(|state| pull_event(state, "pull_request_target", number))
    }

    /// `issue_comment` about a comment that stands in the world, on a pull request or an issue.
    pub fn comment_event(&self, comment: u64) -> Event {
        self.with(|state| {
            let found = state.issue_comments.iter().find(|c| c.id == comment);
            let (issue, user, comment) = found.map_or_else(
                || (Value::Null, Value::Null, Value::Null),
                |comment| {
                    let issue = shapes::issue(state, comment.issue);
                    (issue, shapes::user(&comment.user), shapes::issue_comment(state, comment))
                },
            );
            let payload = json!({
                "action": "created",
                "issue": issue,
                "comment": comment,
                "repository": shapes::repository(state, &state.full_name(), false),
                "sender": user,
            });
            Event::new("issue_comment", payload)
        })
    }

    /// `workflow_dispatch`, with the input `pull-request` if a number is given.
    pub fn dispatch_event(&self, number: Option<u64>) -> Event {
        self.with(|state| {
            let inputs = number.map(|number| json!({"pull-request": number.to_string()}));
            let payload = json!({
                "inputs": inputs,
                "ref": format!("refs/heads/{}", state.default_branch),
                "repository": shapes::repository(state, &state.full_name(), false),
                "sender": shapes::user(&User::person("mona")),
                "workflow": ".github/workflows/counterpoint.yml",
            });
            Event::new("workflow_dispatch", payload)
        })
    }

    /// `push`, which has no pull request.
    pub fn push_event(&self) -> Event {
        self.with(|state| {
            let payload = json!({
                "ref": "refs/heads/main",
                "repository": shapes::repository(state, &state.full_name(), false),
                "sender": shapes::user(&User::person("mona")),
            });
            Event::new("push", payload)
        })
    }
}

fn pull_event(state: &State, name: &str, number: u64) -> Event {
    let pull = state.pulls.get(&number);
    let payload = json!({
        "action": "opened",
        "number": number,
        "pull_request": pull.map(|pull| shapes::pull(state, pull)),
        "repository": shapes::repository(state, &state.full_name(), false),
        "sender": pull.map(|pull| shapes::user(&pull.author)),
    });
    Event::new(name, payload)
}
