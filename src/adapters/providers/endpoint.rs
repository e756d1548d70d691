//! Where a lane's model is reached, with which proof, and what people call the things they set for it.

use std::time::SystemTime;

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::anthropic::{self, VERSION};
use crate::adapters::cloud::{Credential, Keys, Scope};
use crate::adapters::http::one_line;
use crate::domain::capabilities::{Capabilities, Structured};
use crate::domain::lane::{Auth, Lane, Provider, Wire};
use crate::domain::redact::SHORTEST_KEY;

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
pub(in crate::adapters) const fn usual_base(provider: Provider) -> &'static str {
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

/// What is appended to a base URL. On Vertex that is the model, which each request names.
const fn path(provider: Provider) -> &'static str {
    match (provider, provider.wire()) {
        (Provider::Vertex, _) => "",
        (_, Wire::Messages) => "/v1/messages",
        (_, Wire::Responses) => "/responses",
        (_, Wire::Chat) => "/chat/completions",
    }
}

/// What people set for a lane, in the words of sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Called {
    /// Its key.
    pub(super) key: String,
    /// Who it is in a cloud, and the right that is usually missing, where it proves who it is without a key.
    pub(super) identity: Option<(String, &'static str)>,
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
        Self { key: lane.key().to_string(), identity: identity(&lane.auth), base, model }
    }
}

/// Who a lane is in a cloud, and the right that it needs there.
fn identity(auth: &Auth) -> Option<(String, &'static str)> {
    match auth {
        Auth::Aws { role: Some(role), .. } => Some((format!("the role {role}"), "")),
        Auth::Aws { role: None, .. } => Some(("whoever the variables AWS_… name".to_owned(), "")),
        Auth::Azure { client, .. } => Some((
            format!("the application {client}"),
            ": it needs the role `Cognitive Services OpenAI User` on the resource",
        )),
        Auth::Google { provider, service_account } => Some((
            service_account.clone().unwrap_or_else(|| format!("the job's identity in {provider}")),
            ": it needs `roles/aiplatform.user` in the project",
        )),
        Auth::ApiKey | Auth::Bearer | Auth::None => None,
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
    /// By a signature over each request, for one region of AWS.
    Signature(Keys, String),
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
        let proof = match key.map(str::trim) {
            None => Proof::Nothing,
            Some(key) => proof(lane, carried(key, &Called::of(lane))?),
        };
        Self::with(lane, base_of_env, proof)
    }

    /// As [`Endpoint::new`], with what the lane's identity was exchanged for.
    ///
    /// # Errors
    /// A sentence that names what is wrong with the base URL.
    pub fn in_cloud(lane: &Lane, credential: &Credential) -> Result<Self, String> {
        let proof = match credential {
            Credential::Bearer(token) => Proof::Bearer(token.clone()),
            Credential::Aws { keys, region } => Proof::Signature(keys.clone(), region.clone()),
        };
        Self::with(lane, None, proof)
    }

    fn with(lane: &Lane, base_of_env: Option<&str>, proof: Proof) -> Result<Self, String> {
        let (provider, called) = (lane.provider, Called::of(lane));
        let regional = match (provider, &lane.auth) {
            (Provider::Bedrock, Auth::Aws { region, .. }) => {
                Some(format!("https://bedrock-mantle.{region}.api.aws/anthropic"))
            }
            _ => None,
        };
        let base_url = [lane.base_url.as_deref(), base_of_env, regional.as_deref()];
        let base_url = base_url.into_iter().flatten().map(str::trim).find(|url| !url.is_empty());
        let base_url = base_url.unwrap_or(usual_base(provider)).trim_end_matches('/').to_owned();
        let url = address(&base_url, provider, &called)?;
        let known = Capabilities::of(provider.wire());
        let capabilities = match provider {
            // A Google Cloud organisation has it switched off unless it sets `allowedPartnerModelFeatures`, and what the
            // refusal looks like is not known.
            Provider::Vertex => Capabilities { structured: Structured::None, ..known },
            _ => known,
        };
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

    /// Whether it is the provider's own address, and no other that people set.
    pub(super) fn is_at_home(&self) -> bool {
        self.base_url == usual_base(self.provider)
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

    /// A request as this server wants it: its full address, its headers, and the body, which is another one on Vertex.
    /// None when a key fits no header, which [`Endpoint::new`] rules out.
    pub(super) fn request(&self, body: Vec<u8>, now: SystemTime) -> Option<(Url, HeaderMap, Bytes)> {
        let (url, body) = match self.provider {
            Provider::Vertex => anthropic::for_vertex(&self.url, &body)?,
            _ => (self.url.clone(), body),
        };
        let mut headers = self.headers()?;
        if let Proof::Signature(keys, region) = &self.proof {
            let scope = Scope { keys, region, service: service(&url) };
            headers.extend(scope.sign(&url, &headers, &body, now)?);
        }
        Some((url, headers, Bytes::from(body)))
    }

    /// The headers that any request has, whatever it asks.
    pub(super) fn headers(&self) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accepted = match self.provider {
            // As its documentation asks, for models too.
            Provider::Github => "application/vnd.github+json",
            _ => "application/json",
        };
        headers.insert(ACCEPT, HeaderValue::from_static(accepted));
        if self.wire() == Wire::Messages && self.provider != Provider::Vertex {
            headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        }
        match &self.proof {
            Proof::Nothing | Proof::Signature(..) => {}
            Proof::Key(name, key) => {
                headers.insert(name.clone(), secret(key.expose_secret())?);
            }
            Proof::Bearer(key) => {
                headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose_secret()))?);
            }
        }
        Some(headers)
    }

    /// The key or token, for a program that sends it itself.
    pub(in crate::adapters) const fn secret(&self) -> Option<&SecretString> {
        match &self.proof {
            Proof::Nothing | Proof::Signature(..) => None,
            Proof::Key(_, key) | Proof::Bearer(key) => Some(key),
        }
    }

    /// A vendor's words on one line, without the key should the vendor repeat it.
    pub(in crate::adapters) fn clean(&self, text: &str, limit: usize) -> String {
        one_line(&self.without_keys(text), limit)
    }

    /// What a server said, without the key should it repeat it.
    pub(super) fn without_keys(&self, text: &str) -> String {
        let secrets = match &self.proof {
            Proof::Nothing => Vec::new(),
            Proof::Key(_, key) | Proof::Bearer(key) => vec![key],
            Proof::Signature(keys, _) => keys.secrets(),
        };
        // `ollama` or `none` is no secret, and stands in code.
        let secrets = secrets.into_iter().filter(|secret| secret.expose_secret().len() >= SHORTEST_KEY);
        let without = |text: String, secret: &SecretString| text.replace(secret.expose_secret(), "[key]");
        secrets.fold(text.to_owned(), without)
    }
}

/// The service that a signature is for: `bedrock-mantle` as in `@anthropic-ai/bedrock-sdk` 1.1.3, unless the address is that
/// of the older runtime. No real server was asked.
fn service(url: &Url) -> &'static str {
    match url.host_str() {
        Some(host) if host.starts_with("bedrock-runtime.") => "bedrock",
        _ => "bedrock-mantle",
    }
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
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
        (Auth::ApiKey, Provider::Anthropic) => Proof::Key(HeaderName::from_static("x-api-key"), key),
        (Auth::ApiKey, Provider::Azure) => Proof::Key(HeaderName::from_static("api-key"), key),
        _ => Proof::Bearer(key),
    }
}

/// The full address of requests below a base URL.
fn address(base_url: &str, provider: Provider, called: &Called) -> Result<Url, String> {
    let wrong = |what: &str| format!("{} {what}", called.base);
    let example = usual_base(provider);
    let path = path(provider);
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
