//! Where a provider is reached, with which key, and what people call the things they set for it.

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::anthropic::VERSION;
use crate::adapters::http::one_line;
use crate::domain::pass::Provider;

/// What a provider's things are called where people set them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// The environment variable of the key, as the vendor's SDKs read it.
    pub key_variable: &'static str,
    /// The action's input for the key.
    pub key_input: &'static str,
    /// The environment variable of the base URL, as the vendor's SDKs read it.
    pub base_variable: &'static str,
    /// The base URL without that variable.
    pub base_default: &'static str,
    /// The action's input for the model of the default lane.
    pub model_input: &'static str,
    /// What is appended to the base URL.
    pub(super) path: &'static str,
}

/// What `provider`'s things are called (`docs/architecture.md`, environment and inputs).
#[must_use]
pub const fn names(provider: Provider) -> Names {
    match provider {
        Provider::Anthropic => Names {
            key_variable: "ANTHROPIC_API_KEY",
            key_input: "anthropic-api-key",
            base_variable: "ANTHROPIC_BASE_URL",
            base_default: "https://api.anthropic.com",
            model_input: "claude-model",
            path: "/v1/messages",
        },
        Provider::Openai => Names {
            key_variable: "OPENAI_API_KEY",
            key_input: "openai-api-key",
            base_variable: "OPENAI_BASE_URL",
            base_default: "https://api.openai.com/v1",
            model_input: "codex-model",
            path: "/responses",
        },
    }
}

/// Where a provider is reached, and with which key. `Debug` does not show the key.
#[derive(Clone, Debug)]
pub struct Endpoint {
    provider: Provider,
    base_url: String,
    url: Url,
    key: SecretString,
}

impl Endpoint {
    /// Takes the key and the base URL as people set them; without a base URL it is the vendor's.
    ///
    /// # Errors
    /// A sentence that names the variable: an empty key, one that no header can carry, or a base URL that is none.
    pub fn new(provider: Provider, base_url: Option<&str>, key: &str) -> Result<Self, String> {
        let names = names(provider);
        let key = key.trim();
        let whose = format!("{} (input `{}`)", names.key_variable, names.key_input);
        if key.is_empty() {
            return Err(format!("{whose} is empty"));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "{whose} holds a blank, a line break or another character that no key has: copy the key again"
            ));
        }
        let base_url = base_url.map(str::trim).filter(|url| !url.is_empty()).unwrap_or(names.base_default);
        let base_url = base_url.trim_end_matches('/').to_owned();
        let wrong = |what: &str| format!("{} {what}", names.base_variable);
        let example = names.base_default;
        let parsed = Url::parse(&base_url).and_then(|_| Url::parse(&format!("{base_url}{}", names.path)));
        let url = parsed.map_err(|error| wrong(&format!("is not a URL such as {example}: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !base_url.contains("://") {
            return Err(wrong(&format!("must begin with https:// or http:// and a host, as {example} does")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not hold a user or password: the key is sent in a header"));
        }
        if base_url.contains(['?', '#']) {
            return Err(wrong("must not hold a query or fragment"));
        }
        Ok(Self { provider, base_url, url, key: SecretString::from(key) })
    }

    /// Whose wire format is spoken.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// The base URL, without trailing slashes.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Host and port as people read them.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The full address of requests.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// The headers of a request; none when the key fits no header, which [`Endpoint::new`] rules out.
    pub(super) fn headers(&self) -> Option<HeaderMap> {
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let key = self.key.expose_secret();
        let mut headers = HeaderMap::new();
        match self.provider {
            Provider::Anthropic => {
                headers.insert("x-api-key", secret(key)?);
                headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
            }
            Provider::Openai => {
                headers.insert(AUTHORIZATION, secret(&format!("Bearer {key}"))?);
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Some(headers)
    }

    /// A vendor's words on one line, without the key should the vendor repeat it.
    pub(super) fn clean(&self, text: &str, limit: usize) -> String {
        one_line(&text.replace(self.key.expose_secret(), "[key]"), limit)
    }
}
