//! What a server that speaks Chat Completions tells of itself: one question, and for llama.cpp a second one.
//!
//! Fields are those that OpenRouter, vLLM, LM Studio, llama.cpp and GitHub's catalogue document; only llama.cpp was
//! asked. No server need tell anything: any error is "not available", and what is learnt later comes from its 400s.

use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use super::Endpoint;
use crate::adapters::http::read_capped;
use crate::domain::capabilities::{Capabilities, Source, Structured};
use crate::domain::lane::{Provider, Wire};

/// The time that both questions may take together. A review can do without.
const PATIENCE: Duration = Duration::from_secs(4);

/// The most bytes of an answer: OpenRouter's list of all its models has about half a megabyte.
const ANSWER_LIMIT: usize = 4 << 20;

/// What the server of this endpoint can do for this model.
pub async fn probe(http: &reqwest::Client, endpoint: &Endpoint, model: &str) -> Capabilities {
    let assumed = endpoint.capabilities();
    if endpoint.wire() != Wire::Chat {
        return assumed;
    }
    let asked = async {
        let list = ask(http, endpoint, list_address(endpoint)?).await?;
        let entry = entry(&list, model)?;
        // What the model was trained for is not what the server was started with.
        let started = match entry.pointer("/meta/n_ctx_train") {
            Some(_) if entry.pointer("/meta/n_ctx").is_none() => {
                ask(http, endpoint, beside(endpoint, "/v1", "/props")?).await
            }
            _ => None,
        };
        told(assumed, entry, started.as_ref())
    };
    tokio::time::timeout(PATIENCE, asked).await.ok().flatten().unwrap_or(assumed)
}

/// Where the list of models stands.
fn list_address(endpoint: &Endpoint) -> Option<Url> {
    match endpoint.provider() {
        Provider::Github => beside(endpoint, "/inference", "/catalog/models"),
        _ => Url::parse(&format!("{}/models", endpoint.base_url())).ok(),
    }
}

/// `path` in place of the end of the base URL.
fn beside(endpoint: &Endpoint, end: &str, path: &str) -> Option<Url> {
    Url::parse(&format!("{}{path}", endpoint.base_url().strip_suffix(end)?)).ok()
}

async fn ask(http: &reqwest::Client, endpoint: &Endpoint, address: Url) -> Option<Value> {
    let response = http.get(address).headers(endpoint.headers()?).send().await.ok()?;
    let response = response.error_for_status().ok()?;
    serde_json::from_slice(&read_capped(response, ANSWER_LIMIT).await.ok()?).ok()
}

/// The model's entry in a list, or the only one: llama.cpp has one model, whatever it is called.
fn entry<'a>(list: &'a Value, model: &str) -> Option<&'a Value> {
    let entries = list.get("data").unwrap_or(list).as_array()?;
    let named = |entry: &&Value| entry.get("id").and_then(Value::as_str) == Some(model);
    match entries.as_slice() {
        [only] => Some(only),
        many => many.iter().find(named),
    }
}

/// What an entry says, if it says anything; `props` is llama.cpp's account of how it was started.
fn told(assumed: Capabilities, entry: &Value, props: Option<&Value>) -> Option<Capabilities> {
    let least = |pointers: &[&str]| {
        let numbers = pointers.iter().filter_map(|pointer| entry.pointer(pointer).and_then(Value::as_u64));
        numbers.filter(|number| *number > 0).min()
    };
    let started = props.and_then(|props| props.pointer("/default_generation_settings/n_ctx"));
    let context = least(&[
        "/context_length",
        "/top_provider/context_length",
        "/max_model_len",
        "/loaded_context_length",
        "/meta/n_ctx",
    ]);
    let context = context.or(started.and_then(Value::as_u64).filter(|number| *number > 0));
    let max_output = least(&["/top_provider/max_completion_tokens", "/limits/max_output_tokens"]);
    // GitHub tells the two apart.
    let both = || Some(least(&["/limits/max_input_tokens"])?.saturating_add(max_output.unwrap_or_default()));
    let mut capabilities = Capabilities { context: context.or_else(both), max_output, ..assumed };
    let parameters = entry.get("supported_parameters").and_then(Value::as_array);
    if let Some(parameters) = parameters {
        let takes = |name: &str| parameters.iter().any(|parameter| parameter.as_str() == Some(name));
        capabilities.structured = if takes("structured_outputs") {
            Structured::Schema
        } else if takes("response_format") {
            Structured::JsonObject
        } else {
            Structured::None
        };
        capabilities.effort = takes("reasoning") || takes("reasoning_effort");
    }
    let told = capabilities != assumed || parameters.is_some();
    told.then_some(Capabilities { source: Source::Probed, ..capabilities })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fresh() -> Capabilities {
        Capabilities::of(Wire::Chat)
    }

    fn of(list: &Value) -> Option<Capabilities> {
        told(fresh(), entry(list, "m")?, None)
    }

    #[test]
    fn every_known_server_tells_its_limits_in_its_own_way() {
        let held = |list: Value| of(&list).map(|told| (told.context, told.max_output, told.source));
        let other = json!({"id": "other", "max_model_len": 1});
        let router = json!({"id": "m", "context_length": 200_000, "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_000}});
        let probed = Source::Probed;
        assert_eq!(held(json!({"data": [other, router]})), Some((Some(128_000), Some(16_000), probed)));
        assert_eq!(
            held(json!({"data": [other, {"id": "m", "max_model_len": 8192}]})),
            Some((Some(8192), None, probed))
        );
        let studio = json!({"id": "m", "max_context_length": 131_072, "loaded_context_length": 4096});
        assert_eq!(held(json!({"data": [studio]})), Some((Some(4096), None, probed)));
        let github =
            json!([other, {"id": "m", "limits": {"max_input_tokens": 100, "max_output_tokens": 40}}]);
        assert_eq!(held(github), Some((Some(140), Some(40), probed)));
        // One model under any name, and what it was started with stands elsewhere.
        let cpp = json!({"data": [{"id": "/models/x.gguf", "meta": {"n_ctx_train": 131_072}}]});
        assert_eq!(held(cpp.clone()), None);
        let props = json!({"default_generation_settings": {"n_ctx": 4096}});
        let started = told(fresh(), entry(&cpp, "m").unwrap(), Some(&props)).unwrap();
        assert_eq!(started.context, Some(4096));
    }

    #[test]
    fn parameters_tell_how_far_an_answer_is_held_to_a_form() {
        let of = |parameters: &[&str]| {
            let told = of(&json!({"data": [{"id": "m", "supported_parameters": parameters}]})).unwrap();
            (told.structured, told.effort)
        };
        assert_eq!(of(&["structured_outputs", "response_format", "reasoning"]), (Structured::Schema, true));
        assert_eq!(of(&["response_format"]), (Structured::JsonObject, false));
        assert_eq!(of(&["max_tokens"]), (Structured::None, false));
    }

    #[test]
    fn a_server_that_says_nothing_of_use_is_one_that_said_nothing() {
        for list in [
            json!(null),
            json!({"data": []}),
            json!({"data": [{"id": "a"}, {"id": "b"}]}),
            json!({"data": [{"id": "m", "object": "model", "owned_by": "library"}]}),
            json!({"data": [{"id": "m", "context_length": -5, "max_model_len": 0, "supported_parameters": "all"}]}),
        ] {
            assert_eq!(of(&list), None, "{list}");
        }
    }

    proptest! {
        #[test]
        fn no_list_makes_the_reader_panic(number in any::<i64>(), text in "\\PC{0,20}") {
            let inner = json!({"id": text, "context_length": number, "meta": number, "limits": {"max_input_tokens": u64::MAX,
                "max_output_tokens": number}, "supported_parameters": [number, text]});
            for list in [json!({"data": [inner]}), json!([inner]), json!({"data": inner}), inner.clone()] {
                if let Some(told) = of(&list) {
                    let _ = told.limits(crate::domain::lane::Limits { input: Some(1), output: Some(u64::MAX) });
                }
            }
        }
    }
}
