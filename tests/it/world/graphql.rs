//! The two questions that the fake GitHub's GraphQL interface understands; everything else is a mistake.

use serde_json::{Map, Value, json};

use super::state::State;

/// GitHub shows no more of a blob's text than this.
const BLOB_TEXT: usize = 512 * 1024;

/// Who the token is.
pub fn viewer(state: &State, body: &Value) -> Option<Value> {
    let known = ["query", "viewer", "login", "databaseId", "Viewer", "WhoAmI", "id", "__typename"];
    let query = body["query"].as_str()?;
    let mut words = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    if !query.contains("viewer") || words.any(|word| !known.contains(&word)) {
        return None;
    }
    let viewer = &state.viewer;
    let id = format!("U_{}", viewer.id);
    Some(json!({
        "viewer": {"login": viewer.login, "databaseId": viewer.id, "id": id, "__typename": "User"},
    }))
}

/// The blobs that variables name as `commit:path`, by alias. The query is the one for so many variables, so
/// that nothing of a pull request can stand in it.
pub fn blobs(state: &State, body: &Value) -> Option<Value> {
    let variables = body["variables"].as_object()?;
    let count = variables.keys().filter(|name| name.starts_with('e')).count();
    let declared: String = (0..count).map(|at| format!(", $e{at}: String!")).collect();
    let fields: String = (0..count)
        .map(|at| {
            format!(" f{at}: object(expression: $e{at}) {{ ... on Blob {{ text isTruncated byteSize }} }}")
        })
        .collect();
    let query = format!(
        "query($owner: String!, $name: String!{declared}) {{ repository(owner: $owner, name: $name) {{{fields} }} }}"
    );
    if body["query"] != query.as_str() || variables.len() != count + 2 || count > 100 {
        return None;
    }
    if variables["owner"] != state.owner.as_str() || variables["name"] != state.repo.as_str() {
        return Some(json!({"repository": null}));
    }
    let mut answer = Map::new();
    for at in 0..count {
        let (commit, path) = variables[&format!("e{at}")].as_str()?.split_once(':')?;
        let content = state.tree(Some(commit)).and_then(|tree| tree.get(path));
        answer.insert(format!("f{at}"), content.map_or(Value::Null, |content| blob(content)));
    }
    Some(json!({ "repository": answer }))
}

/// A blob with a NUL counts as binary; other encodings are shown as UTF-8.
fn blob(content: &[u8]) -> Value {
    let shown = content.get(..BLOB_TEXT).unwrap_or(content);
    let text = (!content.contains(&0)).then(|| String::from_utf8_lossy(shown).into_owned());
    json!({"text": text, "isTruncated": content.len() > BLOB_TEXT, "byteSize": content.len()})
}
