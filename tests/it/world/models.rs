//! The scripted reviewers, each behind its vendor's interface.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::cache::{Cache, Counted};
use super::debates::Pass;
use super::http::{Call, Outgoing};
use super::script::{Answer, Usage, What};
use super::vendors::{self, Vendor};
use super::{anthropic, chat, openai};

/// A request to a model, as the test may want to look at it.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    pub vendor: Vendor,
    pub body: Value,
    pub headers: Vec<(String, String)>,
}

impl ModelRequest {
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }

    /// Everything the model gets to read: instructions first, then each message.
    pub fn prompt(&self) -> String {
        let parts = match self.vendor {
            Vendor::Anthropic => [&self.body["system"], &self.body["messages"]],
            Vendor::OpenAi => [&self.body["instructions"], &self.body["input"]],
            Vendor::Chat => [&Value::Null, &self.body["messages"]],
        };
        let mut texts = Vec::new();
        for part in parts {
            gather_text(part, &mut texts);
        }
        texts.join("\n")
    }

    pub fn effort(&self) -> Option<&str> {
        match self.vendor {
            Vendor::Anthropic => self.body["output_config"]["effort"].as_str(),
            Vendor::OpenAi => self.body["reasoning"]["effort"].as_str(),
            Vendor::Chat => self.body["reasoning_effort"].as_str(),
        }
    }

    /// The schema the answer is bound to, if structured output is asked for.
    pub fn schema(&self) -> Option<&Value> {
        match self.vendor {
            Vendor::Anthropic => self.body["output_config"]["format"].get("schema"),
            Vendor::OpenAi => self.body["text"]["format"].get("schema"),
            Vendor::Chat => self.body["response_format"]["json_schema"].get("schema"),
        }
    }

    pub fn max_output(&self) -> Option<u64> {
        match self.vendor {
            Vendor::Anthropic => self.body["max_tokens"].as_u64(),
            Vendor::OpenAi => self.body["max_output_tokens"].as_u64(),
            Vendor::Chat => self.body["max_tokens"].as_u64().or(self.body["max_completion_tokens"].as_u64()),
        }
    }
}

fn gather_text(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| gather_text(item, texts)),
        Value::Object(map) => {
            for key in ["text", "content"] {
                gather_text(map.get(key).unwrap_or(&Value::Null), texts);
            }
        }
        _ => {}
    }
}

#[derive(Default)]
struct Script {
    /// Each for any call, or for one of this purpose.
    answers: VecDeque<(Option<Pass>, Answer)>,
    otherwise: Option<Answer>,
    counts_tokens: bool,
    told: BTreeMap<String, Value>,
    keyless: bool,
    cache: Option<Cache>,
    requests: Vec<ModelRequest>,
}

/// One scripted reviewer. A call nobody scripted is a violation, an answer nobody asked for too.
pub struct Lane {
    pub vendor: Vendor,
    pub key: String,
    script: Mutex<Script>,
}

impl Lane {
    pub(super) fn new(vendor: Vendor, key: &str) -> Self {
        Self { vendor, key: key.to_owned(), script: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to the next call nobody has an answer for yet.
    pub fn answers(&self, answer: impl Into<Answer>) -> &Self {
        self.expects(None, answer.into())
    }

    /// The answer to the next blind review, whatever else is asked before.
    pub fn reviews(&self, answer: impl Into<Answer>) -> &Self {
        self.expects(Some(Pass::Review), answer.into())
    }

    /// The answer to the next question about what others found.
    pub fn challenges(&self, answer: impl Into<Answer>) -> &Self {
        self.expects(Some(Pass::Challenge), answer.into())
    }

    /// The answer to the next question about what others refuted.
    pub fn defends(&self, answer: impl Into<Answer>) -> &Self {
        self.expects(Some(Pass::Defend), answer.into())
    }

    fn expects(&self, pass: Option<Pass>, answer: Answer) -> &Self {
        self.lock().answers.push_back((pass, answer));
        self
    }

    /// The answer to every call beyond the scripted ones. It need not be used.
    pub fn otherwise(&self, answer: impl Into<Answer>) -> &Self {
        self.lock().otherwise = Some(answer.into());
        self
    }

    /// Makes the endpoint that counts tokens work; without this it answers 404.
    pub fn counts_tokens(&self) -> &Self {
        self.lock().counts_tokens = true;
        self
    }

    /// Makes the vendor count what it is sent and keep what is marked in it, as `cache.rs` tells; without this all input
    /// is new. Servers that speak Chat Completions differ too much to be played.
    pub fn caches(&self) -> &Self {
        assert!(self.vendor != Vendor::Chat, "no cache is played for servers of one's own");
        self.lock().cache = Some(Cache::default());
        self
    }

    /// What a `GET` of this path below the server's address says, such as `/v1/models`; without this it answers 404.
    pub fn tells(&self, path: &str, value: Value) -> &Self {
        self.lock().told.insert(path.to_owned(), value);
        self
    }

    /// Makes the server take requests without a key, and complain of one.
    pub fn keyless(&self) -> &Self {
        self.lock().keyless = true;
        self
    }

    pub fn requests(&self) -> Vec<ModelRequest> {
        self.lock().requests.clone()
    }

    /// Scripted answers that nobody asked for yet.
    pub fn unused(&self) -> usize {
        self.lock().answers.len()
    }

    /// Answers a call to the vendor's server; `path` is below the base address.
    pub(super) async fn serve(&self, call: &Call, path: &str, violations: &mut Vec<String>) -> Outgoing {
        let (create, count): (&[&str], _) = match self.vendor {
            Vendor::Anthropic => (&["/v1/messages"], "/v1/messages/count_tokens"),
            Vendor::OpenAi => (&["/v1/responses"], "/v1/responses/input_tokens"),
            Vendor::Chat => (&["/v1/chat/completions", "/inference/chat/completions"], ""),
        };
        let not_found = vendors::error(self.vendor, 404, "not_found_error", "Not found", None);
        if call.method == "GET" && vendors::may_be_told(self.vendor, path) {
            let told = self.lock().told.get(path).cloned();
            return told.map_or(not_found, |value| Outgoing::json(200, &value));
        }
        if call.method == "POST" && path == count {
            return match self.lock().counts_tokens {
                true => Outgoing::json(
                    200,
                    &json!({"object": "response.input_tokens", "input_tokens": call.body.len() / 4}),
                ),
                false => not_found,
            };
        }
        if call.method != "POST" || !create.contains(&path) {
            violations.push(format!("no such endpoint: {} {}", call.method, call.path));
            return not_found;
        }
        let key = Some(self.key.as_str()).filter(|_| !self.lock().keyless);
        if let Err(refusal) = vendors::authorised(self.vendor, call, key, violations) {
            return refusal;
        }
        let Some(body) = call.json() else {
            violations.push(format!("{}: a body that is not JSON", self.vendor.name()));
            return vendors::error(self.vendor, 400, "invalid_request_error", "Not JSON", None);
        };
        violations.extend(vendors::complaints(self.vendor, &body));
        let headers = call.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let request = ModelRequest { vendor: self.vendor, body, headers: headers.collect() };
        let told = request.tells_who().into_iter();
        violations.extend(told.map(|word| format!("{}: not blind, told of {word}", self.vendor.name())));
        let Some(answer) = self.next_answer(&request) else {
            let pass = request.pass();
            violations.push(format!("{}: a call that nobody scripted: {pass:?}", self.vendor.name()));
            return vendors::error(self.vendor, 500, "api_error", "Nobody scripted this call", None);
        };
        self.play(answer, call, &request).await
    }

    fn next_answer(&self, request: &ModelRequest) -> Option<Answer> {
        let mut script = self.lock();
        script.requests.push(request.clone());
        let meant = |(pass, _): &(Option<Pass>, Answer)| pass.is_none_or(|pass| pass == request.pass());
        let next = script.answers.iter().position(meant);
        let next = next.and_then(|at| script.answers.remove(at)).map(|(_, answer)| answer);
        next.or_else(|| script.otherwise.clone())
    }

    async fn play(&self, answer: Answer, call: &Call, request: &ModelRequest) -> Outgoing {
        let mut answer = answer;
        let body = &request.body;
        let counted = self.lock().cache.as_ref().map(|cache| cache.count(self.vendor, body));
        // A choice may lead to another one; a script that never decides is ended by the test's own limit.
        loop {
            if let Some(gate) = &answer.gate {
                gate.pass().await;
            }
            tokio::time::sleep(answer.delay).await;
            match &answer.what {
                What::Choose(choose) => answer = choose(request),
                What::Reply(reply) => {
                    answer.what = What::Text(request.in_its_names(reply).to_string());
                    break;
                }
                What::Hang => return std::future::pending().await,
                _ => break,
            }
        }
        if let Some(counted) = counted {
            self.bill(&mut answer, body, counted);
        }
        let mut outgoing = match self.vendor {
            Vendor::Anthropic => anthropic::render(&answer, body, call.body.len()),
            Vendor::OpenAi => openai::render(&answer, body, call.body.len()),
            Vendor::Chat => chat::render(&answer, body, call.body.len()),
        };
        outgoing.cut = answer.cut;
        outgoing.chopped = answer.chopped;
        let headers = answer.headers.into_iter();
        headers.fold(outgoing, |outgoing, (name, value)| outgoing.header(&name, value))
    }

    /// What the cache says an answer costs, unless the script says it; what it leaves can be read from now on.
    fn bill(&self, answer: &mut Answer, body: &Value, counted: Counted) {
        let Some(text) = answer.what.text() else { return };
        let Counted { uncached, read, written, .. } = counted;
        let billed = answer.billed(body, 0, text);
        answer.usage.get_or_insert(Usage { uncached, ..billed }.cached(read, written));
        if let Some(cache) = &mut self.lock().cache {
            cache.keep(counted);
        }
    }
}
