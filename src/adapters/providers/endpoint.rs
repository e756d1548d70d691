//! Where a lane's model is reached, with which proof, and what people call the things they set for it.

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::anthropic::VERSION;
use crate::adapters::http::one_line;
use crate::domain::capabilities::Capabilities;
use crate::domain::lane::{Auth, Lane, Provider, Wire};

/// The environment variable of a provider's base URL, as the vendor's SDKs read it, where there is one.
#[must_use]
pub const fn base_variable(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Anthropic => Some("ANTHROPIC_BASE_URL"),
        Provider::Openai => Some("OPENAI_BASE_URL"),
        _ => None,
    }
}

/// The base URL of a provider where nobody sets one; a look of it where somebody has to.
const fn usual_base(provider: Provider) -> &'static str {
    match provider {
        Provider::Anthropic => "https://api.anthropic.com",
        Provider::Openai => "https://api.openai.com/v1",
        Provider::Azure => "https://RESOURCE.openai.azure.com/openai/v1",
        Provider::Bedrock => "https://bedrock-mantle.REGION.api.aws/anthropic",
        Provider::Vertex => {
            "https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION/publishers/anthropic/models"
        }
        Provider::Github => "https://models.github.ai/inference",
        Provider::Compatible => "http://localhost:11434/v1",
    }
}

/// What is appended to a base URL.
const fn path(wire: Wire) -> &'static str {
    match wire {
        Wire::Messages => "/v1/messages",
        Wire::Responses => "/responses",
        Wire::Chat => "/chat/completions",
    }
}

/// What people set for a lane, in the words of sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Called {
    /// Its key.
    pub(super) key: String,
    /// Its base URL.
    pub(super) base: String,
    /// Its model.
    pub(super) model: String,
}

impl Called {
    fn of(lane: &Lane) -> Self {
        let name = lane.name.as_str();
        let base = match base_variable(lane.provider).filter(|_| lane.base_url.is_none()) {
            Some(variable) => variable.to_owned(),
            None => format!("`base_url` of the lane `{name}`"),
        };
        let in_file = "in .github/counterpoint.yml";
        let model = match name {
            "claude" | "codex" => format!("input `{name}-model`, or `model` of the lane {in_file}"),
            _ => format!("`model` of the lane `{name}` {in_file}"),
        };
        Self { key: lane.key().to_string(), base, model }
    }
}

/// How a request proves whose it is.
#[derive(Clone, Debug)]
enum Proof {
    /// Not at all.
    Nothing,
    /// By a key in a header of its own.
    Key(HeaderName, SecretString),
    /// By `Authorization: Bearer`.
    Bearer(SecretString),
}

/// Where a lane's model is reached, and with which proof. `Debug` does not show the key.
#[derive(Clone, Debug)]
pub struct Endpoint {
    provider: Provider,
    base_url: String,
    url: Url,
    proof: Proof,
    called: Called,
    capabilities: Capabilities,
}

impl Endpoint {
    /// Takes the key and the base URL as people set them: the lane's own, else the environment's, else the provider's.
    ///
    /// # Errors
    /// A sentence that names what is wrong: an empty key, one that no header can carry, or a base URL that is none.
    pub fn new(lane: &Lane, base_of_env: Option<&str>, key: Option<&str>) -> Result<Self, String> {
        let (provider, called) = (lane.provider, Called::of(lane));
        let base_url = [lane.base_url.as_deref(), base_of_env].into_iter().flatten().map(str::trim);
        let base_url = base_url.into_iter().find(|url| !url.is_empty()).unwrap_or(usual_base(provider));
        let base_url = base_url.trim_end_matches('/').to_owned();
        let url = address(&base_url, provider, &called)?;
        let proof = match key.map(str::trim) {
            None => Proof::Nothing,
            Some(key) => proof(lane, carried(key, &called)?),
        };
        let capabilities = Capabilities::of(provider.wire());
        Ok(Self { provider, base_url, url, proof, called, capabilities })
    }

    /// The wire format that is spoken.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.provider.wire()
    }

    /// What its server can do, as far as anybody told.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The same, of whose server more is known.
    #[must_use]
    pub fn knowing(self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// Whether requests prove nothing.
    pub(super) const fn is_keyless(&self) -> bool {
        matches!(self.proof, Proof::Nothing)
    }

    /// Who serves the model.
    pub(super) const fn provider(&self) -> Provider {
        self.provider
    }

    /// What people set for this lane.
    pub(super) const fn called(&self) -> &Called {
        &self.called
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
        let mut headers = HeaderMap::new();
        match &self.proof {
            Proof::Nothing => {}
            Proof::Key(name, key) => {
                headers.insert(name.clone(), secret(key.expose_secret())?);
            }
            Proof::Bearer(key) => {
                headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose_secret()))?);
            }
        }
        if self.wire() == Wire::Messages {
            headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accepted = match self.provider {
            // As its documentation asks, for models too.
            Provider::Github => "application/vnd.github+json",
            _ => "application/json",
        };
        headers.insert(ACCEPT, HeaderValue::from_static(accepted));
        Some(headers)
    }

    /// A vendor's words on one line, without the key should the vendor repeat it.
    pub(super) fn clean(&self, text: &str, limit: usize) -> String {
        match &self.proof {
            Proof::Nothing => one_line(text, limit),
            Proof::Key(_, key) | Proof::Bearer(key) => {
                one_line(&text.replace(key.expose_secret(), "[key]"), limit)
            }
        }
    }
}

/// A key that a header can carry.
fn carried(key: &str, called: &Called) -> Result<SecretString, String> {
    if key.is_empty() {
        return Err(format!("{} is empty", called.key));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "{} holds a blank, a line break or another character that no key has: copy the key again",
            called.key
        ));
    }
    Ok(SecretString::from(key))
}

fn proof(lane: &Lane, key: SecretString) -> Proof {
    match (&lane.auth, lane.provider) {
        (Auth::None, _) => Proof::Nothing,
        (Auth::ApiKey, Provider::Anthropic | Provider::Bedrock) => {
            Proof::Key(HeaderName::from_static("x-api-key"), key)
        }
        (Auth::ApiKey, Provider::Azure) => Proof::Key(HeaderName::from_static("api-key"), key),
        _ => Proof::Bearer(key),
    }
}

/// The full address of requests below a base URL.
fn address(base_url: &str, provider: Provider, called: &Called) -> Result<Url, String> {
    let wrong = |what: &str| format!("{} {what}", called.base);
    let example = usual_base(provider);
    let path = path(provider.wire());
    let parsed = Url::parse(base_url).and_then(|_| Url::parse(&format!("{base_url}{path}")));
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
    Ok(url)
}
