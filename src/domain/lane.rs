//! A lane: one reviewer, and how its model is reached.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::units::{LaneName, MicroUsd};

/// What a request and its answer look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wire {
    /// Anthropic Messages.
    Messages,
    /// OpenAI Responses.
    Responses,
    /// OpenAI Chat Completions, which most other servers speak.
    Chat,
}

/// Who serves a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Anthropic.
    Anthropic,
    /// OpenAI.
    Openai,
    /// OpenAI's models on Azure.
    Azure,
    /// Claude on Amazon Bedrock.
    Bedrock,
    /// Claude on Google Vertex AI.
    Vertex,
    /// GitHub Models: the job's own token is the key.
    Github,
    /// Any server that speaks Chat Completions: Ollama, LM Studio, llama.cpp, vLLM, `OpenRouter`, …
    Compatible,
}

impl Provider {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 7] = [
        Self::Anthropic,
        Self::Openai,
        Self::Azure,
        Self::Bedrock,
        Self::Vertex,
        Self::Github,
        Self::Compatible,
    ];

    /// The words that a configuration may use, in the order of `ALL`.
    pub const WORDS: [&str; 7] =
        ["anthropic", "openai", "azure", "bedrock", "vertex", "github", "compatible"];

    /// The word in configurations and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Azure => "azure",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
            Self::Github => "github",
            Self::Compatible => "compatible",
        }
    }

    /// The wire format it is spoken to in.
    #[must_use]
    pub const fn wire(self) -> Wire {
        match self {
            Self::Anthropic | Self::Bedrock | Self::Vertex => Wire::Messages,
            Self::Openai | Self::Azure => Wire::Responses,
            Self::Github | Self::Compatible => Wire::Chat,
        }
    }

    /// Where people set its key unless a lane names another variable.
    #[must_use]
    pub const fn key(self) -> KeyName<'static> {
        let (input, variable) = match self {
            Self::Anthropic => (Some("anthropic-api-key"), "ANTHROPIC_API_KEY"),
            Self::Openai => (Some("openai-api-key"), "OPENAI_API_KEY"),
            Self::Azure => (None, "AZURE_OPENAI_API_KEY"),
            Self::Bedrock => (None, "AWS_BEARER_TOKEN_BEDROCK"),
            Self::Vertex => (None, "GOOGLE_ACCESS_TOKEN"),
            Self::Github => (Some("github-token"), "GITHUB_TOKEN"),
            Self::Compatible => (None, "OPENAI_COMPATIBLE_API_KEY"),
        };
        KeyName { input, variable }
    }
}

/// What asks the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Counterpoint itself, over HTTP.
    #[default]
    Api,
    /// The command line `claude` (Claude Code).
    ClaudeCode,
    /// The command line `codex`.
    Codex,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Api, Self::ClaudeCode, Self::Codex];

    /// The words that a configuration may use, in the order of `ALL`.
    pub const WORDS: [&str; 3] = ["api", "claude-code", "codex"];

    /// The word in configurations and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
        }
    }

    /// The only provider that this engine speaks to, if there is only one.
    #[must_use]
    pub const fn provider(self) -> Option<Provider> {
        match self {
            Self::Api => None,
            Self::ClaudeCode => Some(Provider::Anthropic),
            Self::Codex => Some(Provider::Openai),
        }
    }
}

/// How hard a model thinks. Always sent: the vendors' defaults differ from model to model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Quick.
    Low,
    /// The default.
    Medium,
    /// Slow.
    High,
    /// Slower.
    Xhigh,
    /// As much as the model can.
    Max,
}

impl Effort {
    /// The word on the wire, the same for all vendors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// How a lane proves who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// A key in the header that the provider's own clients use.
    #[default]
    ApiKey,
    /// A key or token as `Authorization: Bearer`.
    Bearer,
    /// Not at all.
    None,
    /// AWS: a role taken on with the job's OIDC identity, or the keys of the environment.
    Aws {
        /// The role's ARN; without it, the keys that stand in the environment.
        role: Option<String>,
        /// The region.
        region: String,
    },
    /// Entra ID, by the job's OIDC identity.
    Azure {
        /// The directory.
        tenant: String,
        /// The application with the federated credential.
        client: String,
    },
    /// Google Cloud's workload identity federation, by the job's OIDC identity.
    Google {
        /// `projects/N/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
        provider: String,
        /// The service account to act as; without it, the federated identity itself.
        service_account: Option<String>,
    },
}

/// Where a key is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyName<'a> {
    /// The action's input, where there is one.
    pub input: Option<&'static str>,
    /// The environment variable.
    pub variable: &'a str,
}

impl fmt::Display for KeyName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.input {
            Some(input) => write!(f, "the input `{input}` (or {})", self.variable),
            None => write!(f, "the variable {}", self.variable),
        }
    }
}

/// How long a server may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until the first byte of an answer that is streamed.
    pub first_byte: Duration,
    /// Between two pieces of it.
    pub idle: Duration,
}

impl Patience {
    /// The patience with a provider that nobody set another for. A server of one's own may read a prompt for minutes
    /// before its first word.
    #[must_use]
    pub const fn with(provider: Provider) -> Self {
        let (first_byte, idle) = match provider {
            Provider::Compatible => (600, 300),
            _ => (120, 90),
        };
        Self { first_byte: Duration::from_secs(first_byte), idle: Duration::from_secs(idle) }
    }
}

/// What one call may hold, in tokens, where the price list does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The longest input.
    pub input: Option<u64>,
    /// The longest output.
    pub output: Option<u64>,
}

/// How far a lane may look around in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ToolLimits {
    /// Calls in one conversation.
    pub calls: u32,
    /// Bytes that all calls of a conversation together may return.
    pub bytes: usize,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self { calls: 12, bytes: 120_000 }
    }
}

/// A lane with all its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: LaneName,
    /// What asks the model.
    pub engine: Engine,
    /// Who serves it.
    pub provider: Provider,
    /// The model's name.
    pub model: String,
    /// How hard it thinks.
    pub effort: Effort,
    /// Where it is served, if not where the provider or the environment says.
    pub base_url: Option<String>,
    /// How it proves who it is.
    pub auth: Auth,
    /// The environment variable that holds its key, if not the provider's.
    pub key_env: Option<String>,
    /// The model that is asked when this one refuses, is not served or is not available.
    pub fallback: Option<String>,
    /// How far it may look around in the repository; not at all without.
    pub tools: Option<ToolLimits>,
    /// How long its server may be silent.
    pub patience: Patience,
    /// What one call may hold.
    pub limits: Limits,
    /// Whether its calls cost nothing.
    pub free: bool,
    /// What one call of an agent command line may cost: it cannot be bounded otherwise.
    pub max_call: Option<MicroUsd>,
    /// What it does in a run.
    pub roles: Roles,
    /// What it is asked to look at most, from the base branch.
    pub focus: Option<String>,
}

/// What a lane does in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// It goes first where one lane does: in `single` and `sequential`.
    pub lead: bool,
    /// It reviews.
    pub review: bool,
    /// It checks what others found.
    pub challenge: bool,
}

impl Default for Roles {
    fn default() -> Self {
        Self { lead: false, review: true, challenge: true }
    }
}

impl Roles {
    /// The words of `roles`.
    pub const WORDS: [&str; 3] = ["lead", "review", "challenge"];

    /// Reads a comma list of `WORDS`. Whoever leads reviews.
    ///
    /// # Errors
    /// The word that is none, or that there is none.
    pub fn parse_list(text: &str) -> Result<Self, String> {
        let mut roles = Self { lead: false, review: false, challenge: false };
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "lead" => (roles.lead, roles.review) = (true, true),
                "review" => roles.review = true,
                "challenge" => roles.challenge = true,
                other => return Err(format!("expected `lead`, `review` or `challenge`, got `{other}`")),
            }
        }
        let some = roles.review || roles.challenge;
        some.then_some(roles)
            .ok_or_else(|| "expected at least one of `lead`, `review` and `challenge`".to_owned())
    }
}

impl Lane {
    /// A lane with nothing but defaults around its model.
    #[must_use]
    pub fn new(name: &str, provider: Provider, model: &str) -> Self {
        Self {
            name: LaneName::new(name),
            engine: Engine::Api,
            provider,
            model: model.to_owned(),
            effort: Effort::Medium,
            base_url: None,
            auth: Auth::default(),
            key_env: None,
            fallback: None,
            tools: None,
            patience: Patience::with(provider),
            limits: Limits::default(),
            free: false,
            max_call: None,
            roles: Roles::default(),
            focus: None,
        }
    }

    /// Where people set its key.
    #[must_use]
    pub fn key(&self) -> KeyName<'_> {
        match &self.key_env {
            Some(variable) => KeyName { input: None, variable },
            None => self.provider.key(),
        }
    }
}
