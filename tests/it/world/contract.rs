//! GitHub's own description of its interface as a judge of both sides, where it is at hand.
//!
//! It is not part of the project: `COUNTERPOINT_SHARED` names the folder it stands in.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Option<Arc<Validator>>>>,
}

impl Contract {
    /// The contract, read once for all worlds of the process.
    pub fn at_hand() -> Option<&'static Self> {
        static CONTRACT: OnceLock<Option<Contract>> = OnceLock::new();
        let read = || {
            let shared = std::env::var_os("COUNTERPOINT_SHARED")?;
            let path = Path::new(&shared).join("contract/github-contract.schema.json");
            let document = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
            let validators = Mutex::new(HashMap::new());
            Some(Contract { document, validators })
        };
        CONTRACT.get_or_init(read).as_ref()
    }

    /// What is wrong with a request's body. Unknown keys are wrong, as they are for GitHub.
    pub fn request(&self, method: &str, path: &str, body: &Value) -> Vec<String> {
        let key = self.template("requests", method, path, "");
        key.map_or_else(Vec::new, |key| self.check("requests", &key, body))
    }

    /// What is wrong with an answer of the world. Absent properties are not: GitHub keeps adding some,
    /// and a reader has to do without.
    pub fn response(&self, method: &str, path: &str, status: u16, body: &Value) -> Vec<String> {
        let key = self.template("responses", method, path, &format!(" {status}"));
        let body = without_nulls(body);
        key.map_or_else(Vec::new, |key| self.check("responses", &key, &body))
    }

    /// The key of the operation: the fitting template with the fewest placeholders.
    fn template(&self, part: &str, method: &str, path: &str, suffix: &str) -> Option<String> {
        let keys = self.document.get(part)?.as_object()?.keys();
        let fitting = keys.filter(|key| {
            let template = key.strip_prefix(method).and_then(|key| key.strip_suffix(suffix));
            template.is_some_and(|template| fits(template.trim(), path))
        });
        fitting.min_by_key(|key| key.matches('{').count()).cloned()
    }

    fn check(&self, part: &str, key: &str, body: &Value) -> Vec<String> {
        let Some(validator) = self.validator(part, key) else {
            return Vec::new();
        };
        let errors = validator.iter_errors(body);
        errors.map(|error| format!("{key}: {} at {}", error, error.instance_path())).take(3).collect()
    }

    fn validator(&self, part: &str, key: &str) -> Option<Arc<Validator>> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = validators.entry(format!("{part} {key}"));
        slot.or_insert_with(|| {
            let mut schema = self.document.get(part)?.get(key)?.clone();
            let definitions = self.document.get("definitions")?.clone();
            schema.as_object_mut()?.insert("definitions".to_owned(), definitions);
            if part == "responses" {
                relax(&mut schema);
            }
            jsonschema::draft7::new(&schema).ok().map(Arc::new)
        })
        .clone()
    }
}

fn fits(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for wanted in template.split('/') {
        // These two may hold slashes.
        if wanted == "{path}" || wanted == "{basehead}" {
            return parts.next().is_some();
        }
        match parts.next() {
            Some(part) if wanted == part || (wanted.starts_with('{') && !part.is_empty()) => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

/// Takes out what asks for presence. Without it several branches of a `oneOf` may fit.
fn relax(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("required").is_some_and(Value::is_array) {
                map.remove("required");
            }
            if let Some(branches) = map.get("oneOf").filter(|branches| branches.is_array()).cloned() {
                map.remove("oneOf");
                map.insert("anyOf".to_owned(), branches);
            }
            map.values_mut().for_each(relax);
        }
        Value::Array(items) => items.iter_mut().for_each(relax),
        _ => {}
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            let kept: Map<_, _> = kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect();
            Value::Object(kept)
        }
        Value::Array(items) => json!(items.iter().map(without_nulls).collect::<Vec<_>>()),
        other => other.clone(),
    }
}
