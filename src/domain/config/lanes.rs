//! What a lane may say, and what of it fits together.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::read::{Dollars, Scalar, Word, Worded, named_once};
use super::{LaneConfig, Strategy, one_of};
use crate::domain::lane::{Auth, Effort, Engine, Limits, Provider, Roles, ToolLimits};

/// A longer focus is no focus; the repository's rules have `guidelines`.
const MOST_FOCUS: usize = 1_000;

/// A lane as it is written.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a lane such as `{provider: openai, model: gpt-6.1-sol}`")]
pub(super) struct WireLane {
    engine: Option<Word<Engine>>,
    provider: Option<Word<Provider>>,
    model: Option<String>,
    effort: Option<Word<Effort>>,
    base_url: Option<String>,
    auth: Option<WireAuth>,
    key_env: Option<String>,
    fallback: Option<String>,
    tools: Option<WireTools>,
    timeouts: WireTimeouts,
    limits: WireLimits,
    free: Option<bool>,
    max_call_usd: Option<Dollars>,
    roles: Option<WireRoles>,
    focus: Option<String>,
    #[serde(deserialize_with = "named_once")]
    models: BTreeMap<Word<Strategy>, String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "times such as `{first_byte_seconds: 120, idle_seconds: 90}`"
)]
struct WireTimeouts {
    first_byte_seconds: Option<Seconds>,
    idle_seconds: Option<Seconds>,
}

#[derive(Default, serde::Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "limits such as `{input_tokens: 8000, output_tokens: 4000}`"
)]
struct WireLimits {
    input_tokens: Option<Tokens>,
    output_tokens: Option<Tokens>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "limits such as `{calls: 12, bytes: 120000}`")]
struct WireTools {
    calls: Option<u32>,
    bytes: Option<Bytes>,
}

impl WireLane {
    /// The lane, if all its parts fit together.
    ///
    /// # Errors
    /// A sentence about the lane called `name`.
    pub(super) fn into_config(self, name: &str) -> Result<LaneConfig, String> {
        let text = |value: Option<String>| value.filter(|text| !text.trim().is_empty());
        let tools = self.tools.map(|tools| {
            let usual = ToolLimits::default();
            let bytes = tools.bytes.map_or(usual.bytes, |bytes| bytes.0);
            ToolLimits { calls: tools.calls.unwrap_or(usual.calls), bytes }
        });
        let lane = LaneConfig {
            engine: self.engine.map(|word| word.0),
            provider: self.provider.map(|word| word.0),
            model: text(self.model),
            effort: self.effort.map(|word| word.0),
            base_url: text(self.base_url),
            auth: self.auth.map(|auth| auth.0),
            key_env: text(self.key_env),
            fallback: text(self.fallback),
            tools: tools.filter(|tools| tools.calls > 0),
            first_byte: self.timeouts.first_byte_seconds.map(|seconds| seconds.0),
            idle: self.timeouts.idle_seconds.map(|seconds| seconds.0),
            limits: Limits {
                input: self.limits.input_tokens.map(|tokens| tokens.0),
                output: self.limits.output_tokens.map(|tokens| tokens.0),
            },
            free: self.free,
            max_call: self.max_call_usd.map(|dollars| dollars.0),
            roles: self.roles.map(|roles| roles.0),
            focus: text(self.focus),
            models: self.models.into_iter().map(|(strategy, model)| (strategy.0, model)).collect(),
        };
        if lane.focus.as_ref().is_some_and(|focus| focus.chars().count() > MOST_FOCUS) {
            return Err(format!("the lane `{name}` has a `focus` of more than {MOST_FOCUS} characters"));
        }
        match misfit(name, &lane) {
            Some(misfit) => Err(format!("the lane `{name}` {misfit}")),
            None => Ok(lane),
        }
    }
}

/// What is wrong with a lane as a whole.
fn misfit(name: &str, lane: &LaneConfig) -> Option<String> {
    let engine = lane.engine.unwrap_or_default();
    let usual = super::default_lane(name).map(|(provider, _)| provider);
    let Some(provider) = lane.provider.or(engine.provider()).or(usual) else {
        return Some("needs a `provider` and a `model`".to_owned());
    };
    if lane.model.is_none() && usual != Some(provider) {
        return Some(match lane.provider.or(engine.provider()) {
            Some(_) => format!("needs a `model`: which one does `{}` serve?", provider.as_str()),
            None => "needs a `provider` and a `model`".to_owned(),
        });
    }
    if lane.fallback.is_some() && lane.fallback.as_deref() == lane.model.as_deref() {
        return Some("has its own model as `fallback`".to_owned());
    }
    match engine {
        Engine::Api if lane.max_call.is_some() => Some(
            "has `max_call_usd`, which is for agent command lines: calls over HTTP are bounded".to_owned(),
        ),
        Engine::Api => unreachable_place(provider, lane).or_else(|| wrong_key(lane)),
        _ => misfit_of_agent(engine, lane).or_else(|| wrong_key(lane)),
    }
}

fn misfit_of_agent(engine: Engine, lane: &LaneConfig) -> Option<String> {
    let name = engine.as_str();
    if let (Some(wanted), Some(other)) = (engine.provider(), lane.provider)
        && wanted != other
    {
        return Some(format!("has the engine `{name}`, which speaks to `{}` only", wanted.as_str()));
    }
    if lane.max_call.is_none() {
        return Some(format!(
            "needs `max_call_usd`: what `{name}` spends in one call can be bounded in no other way"
        ));
    }
    if lane.tools.is_some() {
        return Some(format!("has `tools`, which does nothing with the engine `{name}`: it has its own"));
    }
    if engine == Engine::ClaudeCode && lane.idle.is_some() {
        return Some(format!(
            "has `timeouts.idle_seconds`, which does nothing with the engine `{name}`: it prints nothing before its end"
        ));
    }
    let known = match (engine, &lane.auth) {
        (_, None | Some(Auth::ApiKey | Auth::Bearer)) => true,
        // The login of whoever runs it is a file that can be lent; that of Claude Code is renewed as it is used.
        (Engine::Codex, Some(Auth::None)) => true,
        _ => false,
    };
    (!known).then(|| format!("has an `auth` that the engine `{name}` does not know"))
}

/// A place that the provider has none of, or an identity that it does not know.
fn unreachable_place(provider: Provider, lane: &LaneConfig) -> Option<String> {
    let word = provider.as_str();
    let region = matches!(lane.auth, Some(Auth::Aws { .. }));
    let placeless = match provider {
        Provider::Azure | Provider::Vertex | Provider::Compatible => lane.base_url.is_none(),
        Provider::Bedrock => lane.base_url.is_none() && !region,
        Provider::Anthropic | Provider::Openai | Provider::Github => false,
    };
    if placeless {
        return Some(format!("needs a `base_url`: where does `{word}` serve the model?"));
    }
    let at_home = match lane.auth {
        None | Some(Auth::ApiKey | Auth::Bearer) => true,
        Some(Auth::None) => provider == Provider::Compatible,
        Some(Auth::Aws { .. }) => provider == Provider::Bedrock,
        Some(Auth::Azure { .. }) => provider == Provider::Azure,
        Some(Auth::Google { .. }) => provider == Provider::Vertex,
    };
    (!at_home).then(|| format!("has an `auth` that `{word}` does not know"))
}

/// Whatever may hold a key is never shown, and that goes by its name.
fn wrong_key(lane: &LaneConfig) -> Option<String> {
    let name = lane.key_env.as_deref()?;
    if !matches!(lane.auth, None | Some(Auth::ApiKey | Auth::Bearer)) {
        return Some(format!(
            "has the `key_env` `{name}`, which does nothing with its `auth`: that needs no key"
        ));
    }
    let plain = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    (!plain || !holds_a_secret(name)).then(|| {
        format!(
            "has the `key_env` `{name}`: expected a variable in capitals whose name ends in `_KEY`, `_TOKEN`, `_SECRET` \
             or `_PASSWORD`"
        )
    })
}

/// Whether a variable of this name is taken for a secret, which is never shown.
#[must_use]
pub fn holds_a_secret(name: &str) -> bool {
    ["_KEY", "_TOKEN", "_SECRET", "_PASSWORD"].iter().any(|end| name.ends_with(end))
}

struct WireRoles(Roles);

impl<'de> Deserialize<'de> for WireRoles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = format!("a list of {}", one_of(&Roles::WORDS));
        deserializer.deserialize_any(Scalar::word(expecting, |list| Roles::parse_list(list).map(Self)))
    }
}

impl Worded for Engine {
    const WORDS: &'static [&'static str] = &Self::WORDS;
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.as_str() == word)
    }
}

impl Worded for Provider {
    const WORDS: &'static [&'static str] = &Self::WORDS;
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == word)
    }
}

impl Worded for Effort {
    const WORDS: &'static [&'static str] = &["low", "medium", "high", "xhigh", "max"];
    fn from_word(word: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max]
            .into_iter()
            .find(|effort| effort.as_str() == word)
    }
}

/// Whole seconds above zero, at most an hour.
struct Seconds(Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar::number("a number of seconds such as 90", |number| {
            let seconds: u64 = number.parse().unwrap_or(0);
            let wrong = || format!("expected whole seconds from 1 to 3600, got {number}");
            (1..=3600).contains(&seconds).then(|| Self(Duration::from_secs(seconds))).ok_or_else(wrong)
        }))
    }
}

/// A number of tokens above zero.
struct Tokens(u64);

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar::number("a number of tokens such as 8000", |number| {
            let tokens: u64 = number.parse().unwrap_or(0);
            (tokens > 0)
                .then_some(Self(tokens))
                .ok_or_else(|| format!("expected a number of tokens above 0, got {number}"))
        }))
    }
}

/// The fewest bytes that lookups may return: with less, not even the list of a folder fits.
const FEWEST_BYTES: usize = 1000;

/// A number of bytes for lookups.
struct Bytes(usize);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar::number("a number of bytes such as 120000", |number| {
            let bytes: usize = number.parse().unwrap_or(0);
            (bytes >= FEWEST_BYTES)
                .then_some(Self(bytes))
                .ok_or_else(|| format!("expected at least {FEWEST_BYTES} bytes, got {number}"))
        }))
    }
}

/// A name that becomes a part of an address as it is: letters, digits, dots and hyphens.
struct AddressPart(String);

impl<'de> Deserialize<'de> for AddressPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(de::Error::custom(format!(
                "expected a name of letters, digits, dots and hyphens, got `{name}`"
            )));
        }
        Ok(Self(name))
    }
}

/// A word, or a map with one key that is the cloud's name.
struct WireAuth(Auth);

const CLOUDS: [&str; 3] = ["aws", "azure", "google"];

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map such as `{role: arn:…, region: eu-central-1}`")]
struct WireAws {
    role: Option<String>,
    region: AddressPart,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map with `tenant` and `client`")]
struct WireAzure {
    tenant: AddressPart,
    client: AddressPart,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map with `provider`, and `service_account` if one is acted as")]
struct WireGoogle {
    provider: String,
    service_account: Option<String>,
}

impl<'de> Deserialize<'de> for WireAuth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = WireAuth;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`api-key`, `bearer`, `none`, or a map with one of `aws`, `azure` and `google`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<WireAuth, E> {
                match word {
                    "api-key" => Ok(WireAuth(Auth::ApiKey)),
                    "bearer" => Ok(WireAuth(Auth::Bearer)),
                    "none" => Ok(WireAuth(Auth::None)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireAuth, A::Error> {
                let Some(cloud) = map.next_key::<String>()? else {
                    return Err(de::Error::invalid_length(0, &self));
                };
                let auth = match cloud.as_str() {
                    "aws" => {
                        let WireAws { role, region } = map.next_value()?;
                        Auth::Aws { role, region: region.0 }
                    }
                    "azure" => {
                        let WireAzure { tenant, client } = map.next_value()?;
                        Auth::Azure { tenant: tenant.0, client: client.0 }
                    }
                    "google" => {
                        let WireGoogle { provider, service_account } = map.next_value()?;
                        Auth::Google { provider, service_account }
                    }
                    other => {
                        return Err(de::Error::custom(format!(
                            "expected {}, got `{other}`",
                            one_of(&CLOUDS)
                        )));
                    }
                };
                match map.next_key::<String>()? {
                    Some(_) => Err(de::Error::invalid_length(2, &self)),
                    None => Ok(WireAuth(auth)),
                }
            }
        }
        deserializer.deserialize_any(Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::parse;

    fn lane(yaml: &str) -> Result<LaneConfig, String> {
        let config = parse("f", &format!("lanes:\n  local: {yaml}\n")).map_err(|error| error.to_string())?;
        Ok(config.lanes.into_values().flatten().next().unwrap())
    }

    #[test]
    fn every_part_of_a_lane_is_read() {
        let read = lane(
            "{provider: bedrock, model: m, effort: high, base_url: https://b, auth: {aws: {role: r, region: eu}}, \
             fallback: n, tools: {calls: 3}, timeouts: {first_byte_seconds: 5}, limits: {input_tokens: 7}, free: true}",
        );
        let expected = LaneConfig {
            provider: Some(Provider::Bedrock),
            model: Some("m".into()),
            effort: Some(Effort::High),
            base_url: Some("https://b".into()),
            auth: Some(Auth::Aws { role: Some("r".into()), region: "eu".into() }),
            fallback: Some("n".into()),
            tools: Some(ToolLimits { calls: 3, ..ToolLimits::default() }),
            first_byte: Some(Duration::from_secs(5)),
            limits: Limits { input: Some(7), output: None },
            free: Some(true),
            ..LaneConfig::default()
        };
        assert_eq!(read, Ok(expected));
        let agent = lane("{engine: claude-code, model: m, max_call_usd: 0.5}").unwrap();
        assert_eq!((agent.engine, agent.max_call.unwrap().0), (Some(Engine::ClaudeCode), 500_000));
    }

    #[test]
    fn what_does_not_fit_together_is_a_mistake_with_its_place() {
        let wrong = [
            "{model: m}",
            "{provider: openai}",
            "{provider: compatible, model: m}",
            "{provider: bedrock, model: m}",
            "{provider: openai, model: m, auth: none}",
            "{provider: openai, model: m, auth: {azure: {tenant: t, client: c}}}",
            "{provider: openai, model: m, max_call_usd: 1}",
            "{engine: codex, model: m}",
            "{engine: codex, provider: anthropic, model: m, max_call_usd: 1}",
            "{engine: codex, model: m, max_call_usd: 1, tools: {calls: 1}}",
            "{engine: claude-code, model: m, max_call_usd: 1, auth: none}",
            "{engine: claude-code, model: m, max_call_usd: 1, timeouts: {idle_seconds: 9}}",
            "{engine: codex, model: m, max_call_usd: 1, auth: none, key_env: MY_KEY}",
            "{provider: compatible, model: m, base_url: http://h, auth: none, key_env: MY_KEY}",
            "{provider: bedrock, model: m, auth: {aws: {region: eu}}, key_env: MY_KEY}",
            "{provider: openai, model: m, key_env: PATH}",
            "{provider: bedrock, model: m, auth: {aws: {region: evil.example/}}}",
            "{provider: azure, model: m, base_url: https://a, auth: {azure: {tenant: ../x, client: c}}}",
            "{provider: azure, model: m, base_url: https://a, auth: {azure: {tenant: t, client: \"\"}}}",
            "{provider: openai, model: m, tools: {bytes: 999}}",
            "{provider: openai, model: m, auth: {gcp: {}}}",
            "{provider: openai, model: m, auth: basic}",
            "{provider: openai, model: m, timeouts: {idle_seconds: 0}}",
            "{provider: gemini, model: m}",
        ];
        let told: Vec<String> = wrong.iter().map(|yaml| lane(yaml).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        f:2:3: the lane `local` needs a `provider` and a `model`
        f:2:3: the lane `local` needs a `model`: which one does `openai` serve?
        f:2:3: the lane `local` needs a `base_url`: where does `compatible` serve the model?
        f:2:3: the lane `local` needs a `base_url`: where does `bedrock` serve the model?
        f:2:3: the lane `local` has an `auth` that `openai` does not know
        f:2:3: the lane `local` has an `auth` that `openai` does not know
        f:2:3: the lane `local` has `max_call_usd`, which is for agent command lines: calls over HTTP are bounded
        f:2:3: the lane `local` needs `max_call_usd`: what `codex` spends in one call can be bounded in no other way
        f:2:3: the lane `local` has the engine `codex`, which speaks to `openai` only
        f:2:3: the lane `local` has `tools`, which does nothing with the engine `codex`: it has its own
        f:2:3: the lane `local` has an `auth` that the engine `claude-code` does not know
        f:2:3: the lane `local` has `timeouts.idle_seconds`, which does nothing with the engine `claude-code`: it prints nothing before its end
        f:2:3: the lane `local` has the `key_env` `MY_KEY`, which does nothing with its `auth`: that needs no key
        f:2:3: the lane `local` has the `key_env` `MY_KEY`, which does nothing with its `auth`: that needs no key
        f:2:3: the lane `local` has the `key_env` `MY_KEY`, which does nothing with its `auth`: that needs no key
        f:2:3: the lane `local` has the `key_env` `PATH`: expected a variable in capitals whose name ends in `_KEY`, `_TOKEN`, `_SECRET` or `_PASSWORD`
        f:2:52: lanes.local.auth.aws: expected a name of letters, digits, dots and hyphens, got `evil.example/`
        f:2:73: lanes.local.auth.azure: expected a name of letters, digits, dots and hyphens, got `../x`
        f:2:73: lanes.local.auth.azure: expected a name of letters, digits, dots and hyphens, got ``
        f:2:54: lanes.local.tools.bytes: expected at least 1000 bytes, got 999
        f:2:45: lanes.local.auth: expected `aws`, `azure` or `google`, got `gcp`
        f:2:45: lanes.local.auth: invalid value: string "basic", expected `api-key`, `bearer`, `none`, or a map with one of `aws`, `azure` and `google`
        f:2:64: lanes.local.timeouts.idle_seconds: expected whole seconds from 1 to 3600, got 0
        f:2:21: lanes.local.provider: expected `anthropic`, `openai`, `azure`, `bedrock`, `vertex`, `github` or `compatible`, got `gemini`
        "#);
    }
}
