//! YAML to `Config`. Errors stand as `FILE:LINE:COLUMN: message`, as editors and people read them.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, IntoDeserializer as _, Visitor};

use super::lanes::WireLane;
use super::{Config, Gate, InlineConfig, OnFailure, PathRule, Strategy, is_trigger, one_of};
use crate::domain::budget::Rates;
use crate::domain::finding::Severity;
use crate::domain::units::{LaneName, MicroUsd};

/// A file longer than this is not a configuration.
const MAX_BYTES: usize = 64 * 1024;

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as the reader knows it.
    pub file: String,
    /// Line and column, counted from 1.
    pub at: (usize, usize),
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.at.0, self.at.1, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Reads a configuration. An empty file is the defaults.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
    let error = |at, message| ConfigError { file: file.to_owned(), at, message };
    if text.len() > MAX_BYTES {
        return Err(error((1, 1), format!("expected at most {MAX_BYTES} bytes, got {}", text.len())));
    }
    let wire: Option<Wire> = serde_yaml::from_str(text).map_err(|cause| {
        let at = cause.location().map_or((1, 1), |place| (place.line(), place.column()));
        error(at, without_place(&cause.to_string()))
    })?;
    wire.unwrap_or_default().into_config().map_err(|(key, message)| error(place_of(text, &key), message))
}

/// The library repeats the place at the end of its message.
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message).to_owned()
}

/// Where a key stands, for mistakes that only the whole file shows.
fn place_of(text: &str, key: &str) -> (usize, usize) {
    text.lines()
        .enumerate()
        .find_map(|(index, line)| {
            let found = line.find(key).filter(|_| !line.trim_start().starts_with('#'))?;
            line.get(found + key.len()..)?.trim_start().starts_with(':').then_some((index + 1, found + 1))
        })
        .unwrap_or((1, 1))
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "settings such as `strategy: parallel`")]
struct Wire {
    version: Option<Version>,
    #[serde(deserialize_with = "named_once")]
    lanes: BTreeMap<String, Option<WireLane>>,
    strategy: Option<Word<Strategy>>,
    fail_on: Option<GateList>,
    on_failure: Option<Word<OnFailure>>,
    budget: WireBudget,
    inline: WireInline,
    paths: WirePaths,
    evidence: Vec<Glob>,
    trigger: WireTrigger,
    guidelines: Option<String>,
    #[serde(deserialize_with = "named_once")]
    prices: BTreeMap<String, WirePrice>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "amounts such as `{max_cost_usd: 1.00}`")]
struct WireBudget {
    max_cost_usd: Option<Dollars>,
    max_minutes: Option<Minutes>,
    per_pr_usd: Option<Dollars>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "thresholds such as `{max: 10, one: high}`")]
struct WireInline {
    max: Option<u16>,
    both: Option<Severity>,
    contested: Option<Severity>,
    one: Option<Severity>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "globs such as `{exclude: [docs/**]}`")]
struct WirePaths {
    exclude: Vec<Glob>,
    high_stakes: Vec<Glob>,
    rules: Vec<WireRule>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a rule such as `{paths: [docs/**], strategy: single}`")]
struct WireRule {
    paths: Vec<Glob>,
    strategy: Word<Strategy>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map such as `{drafts: true}`")]
struct WireTrigger {
    command: Option<String>,
    drafts: bool,
    bots: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "prices such as `{input: 2, output: 10}`")]
struct WirePrice {
    input: Dollars,
    output: Dollars,
    cache_read: Option<Dollars>,
    cache_write: Option<Dollars>,
}

impl Wire {
    /// The mistakes that need more than one value to see are named by the key they stand at.
    fn into_config(self) -> Result<Config, (String, String)> {
        let mut lanes = BTreeMap::new();
        for (name, lane) in self.lanes {
            if let Err(message) = name.parse::<LaneName>() {
                return Err((name, message));
            }
            let lane = match lane.map(|lane| lane.into_config(&name)).transpose() {
                Ok(lane) => lane,
                Err(message) => return Err((name, message)),
            };
            lanes.insert(name, lane);
        }
        let trigger = self.trigger.command;
        if let Some(command) = trigger.as_ref().filter(|command| !is_trigger(command)) {
            let message = format!("expected one word beginning with `/`, got `{command}`");
            return Err(("command".to_owned(), message));
        }
        let mut prices = BTreeMap::new();
        for (model, price) in self.prices {
            let rate = |dollars: Dollars| dollars.0.0;
            let (input, output) = (rate(price.input), rate(price.output));
            if input == 0 || output == 0 {
                let message =
                    format!("the price of `{model}` must be more than zero: a price of zero is unknown");
                return Err((model, message));
            }
            let rates = Rates {
                input,
                output,
                cache_read: price.cache_read.map_or(input, rate),
                cache_write: price.cache_write.map_or(input, rate),
            };
            prices.insert(model, rates);
        }
        let defaults = InlineConfig::default();
        Ok(Config {
            lanes,
            strategy: self.strategy.map(|word| word.0),
            fail_on: self.fail_on.map(|list| list.0),
            on_failure: self.on_failure.map(|word| word.0),
            max_cost: self.budget.max_cost_usd.map(|dollars| dollars.0),
            max_time: self.budget.max_minutes.map(|minutes| minutes.0),
            per_pull: self.budget.per_pr_usd.map(|dollars| dollars.0),
            inline: InlineConfig {
                max: self.inline.max.map_or(defaults.max, usize::from),
                both: self.inline.both.unwrap_or(defaults.both),
                contested: self.inline.contested.unwrap_or(defaults.contested),
                one: self.inline.one.unwrap_or(defaults.one),
            },
            exclude: self.paths.exclude.into_iter().map(|glob| glob.0).collect(),
            high_stakes: self.paths.high_stakes.into_iter().map(|glob| glob.0).collect(),
            rules: self
                .paths
                .rules
                .into_iter()
                .map(|rule| PathRule {
                    paths: rule.paths.into_iter().map(|glob| glob.0).collect(),
                    strategy: rule.strategy.0,
                })
                .collect(),
            evidence: self.evidence.into_iter().map(|glob| glob.0).collect(),
            trigger,
            drafts: self.trigger.drafts,
            bots: self.trigger.bots,
            guidelines: self.guidelines.unwrap_or_default(),
            prices,
        })
    }
}

/// A map in which no name stands twice: which of the two is meant, nobody knows.
pub(super) fn named_once<'de, D, N, T>(deserializer: D) -> Result<BTreeMap<N, T>, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de> + Ord,
    T: Deserialize<'de>,
{
    struct Names<N, T>(PhantomData<(N, T)>);
    impl<'de, N: Deserialize<'de> + Ord, T: Deserialize<'de>> Visitor<'de> for Names<N, T> {
        type Value = BTreeMap<N, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("names with their settings")
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut named = BTreeMap::new();
            while let Some(name) = map.next_key::<String>()? {
                let twice = format!("`{name}` stands twice");
                let name = N::deserialize(name.as_str().into_deserializer())?;
                if named.insert(name, map.next_value()?).is_some() {
                    return Err(de::Error::custom(twice));
                }
            }
            Ok(named)
        }
    }
    deserializer.deserialize_any(Names(PhantomData))
}

/// A value that is read while the parser still knows where it stands, so that its mistakes have a place.
pub(super) struct Scalar<T> {
    expecting: String,
    words: bool,
    read: fn(&str) -> Result<T, String>,
}

impl<T> Scalar<T> {
    pub(super) fn number(expecting: &str, read: fn(&str) -> Result<T, String>) -> Self {
        Self { expecting: expecting.to_owned(), words: false, read }
    }

    pub(super) fn word(expecting: String, read: fn(&str) -> Result<T, String>) -> Self {
        Self { expecting, words: true, read }
    }

    fn take<E: de::Error>(&self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }
}

impl<'de, T> Visitor<'de> for Scalar<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expecting)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        if self.words { self.take(text) } else { Err(E::invalid_type(de::Unexpected::Str(text), &self)) }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        if self.words {
            Err(E::invalid_type(de::Unexpected::Unsigned(number), &self))
        } else {
            self.take(&number.to_string())
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        if self.words {
            Err(E::invalid_type(de::Unexpected::Signed(number), &self))
        } else {
            self.take(&number.to_string())
        }
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        if self.words {
            Err(E::invalid_type(de::Unexpected::Float(number), &self))
        } else {
            self.take(&number.to_string())
        }
    }

    /// A list of words is read like the words with commas between them.
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        if !self.words {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let mut words = Vec::new();
        while let Some(word) = list.next_element::<String>()? {
            words.push(word);
        }
        self.take(&words.join(","))
    }
}

struct Version;

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar::number("version 1", |number| match number {
            "1" => Ok(Self),
            other => Err(format!("expected version 1, got {other}")),
        }))
    }
}

/// A word out of a closed list.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word<T>(pub(super) T);

pub(super) trait Worded: Sized {
    const WORDS: &'static [&'static str];
    fn from_word(word: &str) -> Option<Self>;
}

impl<'de, T: Worded> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar::word(one_of(T::WORDS), |word| {
            let expected = || format!("expected {}, got `{word}`", one_of(T::WORDS));
            T::from_word(word).map(Self).ok_or_else(expected)
        }))
    }
}

impl Worded for Strategy {
    const WORDS: &'static [&'static str] = &Self::WORDS;
    fn from_word(word: &str) -> Option<Self> {
        Self::parse(word)
    }
}

impl Worded for OnFailure {
    const WORDS: &'static [&'static str] = &Self::WORDS;
    fn from_word(word: &str) -> Option<Self> {
        Self::parse(word)
    }
}

/// `fail_on`, as a comma list or a YAML list.
struct GateList(Vec<Gate>);

impl<'de> Deserialize<'de> for GateList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = format!("{}, alone or as a list", one_of(&Gate::WORDS));
        deserializer.deserialize_any(Scalar::word(expecting, |list| Gate::parse_list(list).map(Self)))
    }
}

/// An amount of US dollars, kept as it was written so that nothing is rounded.
pub(super) struct Dollars(pub(super) MicroUsd);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "an amount in US dollars such as 0.50";
        deserializer
            .deserialize_any(Scalar::number(expecting, |amount| MicroUsd::parse_usd(amount).map(Self)))
    }
}

/// A number of minutes above zero, at most a day.
struct Minutes(Duration);

impl<'de> Deserialize<'de> for Minutes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a number of minutes such as 8";
        deserializer.deserialize_any(Scalar::number(expecting, |number| super::minutes(number).map(Self)))
    }
}

/// A glob that compiles.
struct Glob(String);

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar::word("a glob such as `src/**/*.rs`".to_owned(), |glob| {
            let wrong =
                |cause: globset::Error| format!("expected a glob such as `src/**/*.rs`: {}", cause.kind());
            globset::Glob::new(glob).map(|_| Self(glob.to_owned())).map_err(wrong)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = match parse("counterpoint.yml", text) {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        for text in ["", "# nothing\n", "version: 1\n", "---\n"] {
            assert_eq!(parse("f", text), Ok(Config::default()), "{text:?}");
        }
    }

    #[test]
    fn the_documented_defaults_are_a_valid_file() {
        let text = "version: 1\nlanes:\n  claude: {provider: anthropic, model: claude-sonnet-5-5, effort: medium}\n  codex:  {provider: openai, model: gpt-6.1-sol, effort: medium}\nstrategy: auto\nfail_on: never\non_failure: neutral\nbudget: {max_cost_usd: 1.00, max_minutes: 8, per_pr_usd: 3.00}\ninline: {max: 10, both: medium, contested: medium, one: high}\npaths: {exclude: [], high_stakes: [], rules: []}\ntrigger: {command: /review, drafts: false, bots: []}\nguidelines: \"\"\nprices: {}\n";
        let config = parse("f", text).unwrap();
        assert_eq!(config.max_cost, Some(MicroUsd(1_000_000)));
        assert_eq!(config.max_time, Some(Duration::from_secs(480)));
        assert_eq!(config.inline, InlineConfig::default());
    }

    #[test]
    fn every_mistake_is_told_with_its_place_and_what_was_expected() {
        check(
            "strategi: auto\n",
            "counterpoint.yml:1:1: unknown field `strategi`, expected one of `version`, `lanes`, `strategy`, `fail_on`, `on_failure`, `budget`, `inline`, `paths`, `evidence`, `trigger`, `guidelines`, `prices`",
        );
        check(
            "budget:\n  max_cost_usd: lots\n",
            "counterpoint.yml:2:17: budget.max_cost_usd: invalid type: string \"lots\", expected an amount in US dollars such as 0.50",
        );
        check(
            "strategy: thorough\n",
            "counterpoint.yml:1:11: strategy: expected `auto`, `single`, `sequential`, `parallel` or `adversarial`, got `thorough`",
        );
        check(
            "lanes:\n  claude: {effort: low}\n  claude: null\n",
            "counterpoint.yml:2:3: lanes: `claude` stands twice",
        );
        check(
            "lanes:\n  claude: 5\n",
            "counterpoint.yml:2:11: lanes.claude: invalid type: integer `5`, expected a lane such as `{provider: openai, model: gpt-6.1-sol}`",
        );
        check("lanes:\nprices:\n", "fine");
        check("paths: {rules: [{paths: [docs/**], strategy: single}]}\n", "fine");
        check(
            "lanes: {claude: {roles: [lead], focus: locks, models: {adversarial: claude-opus-5-5}}}\n",
            "fine",
        );
        check(
            "paths:\n  rules: [{paths: [docs/**]}]\n",
            "counterpoint.yml:2:11: paths.rules[0]: missing field `strategy`",
        );
        check(
            "lanes:\n  claude: {roles: [boss]}\n",
            "counterpoint.yml:2:19: lanes.claude.roles: expected `lead`, `review` or `challenge`, got `boss`",
        );
        check(
            "lanes:\n  claude:\n    models: {harsh: x}\n",
            "counterpoint.yml:3:13: lanes.claude.models: expected `auto`, `single`, `sequential`, `parallel` or `adversarial`, got `harsh`",
        );
        check("version: 2\n", "counterpoint.yml:1:10: version: expected version 1, got 2");
        check(
            "fail_on: [any-high, sometimes]\n",
            "counterpoint.yml:1:10: fail_on: expected `never`, `any-high`, `agreed-high`, `disputed`, `contradiction` or `incomplete`, got `sometimes`",
        );
        check(
            "lanes:\n  gemini: {effort: low}\n",
            "counterpoint.yml:2:3: the lane `gemini` needs a `provider` and a `model`",
        );
        check(
            "prices:\n  own-model: {input: 0, output: 1}\n",
            "counterpoint.yml:2:3: the price of `own-model` must be more than zero: a price of zero is unknown",
        );
        check(
            "trigger: {command: review}\n",
            "counterpoint.yml:1:11: expected one word beginning with `/`, got `review`",
        );
    }

    #[test]
    fn a_bomb_of_aliases_is_an_error_and_not_a_hang() {
        let mut text = String::from("a: &a [x]\n");
        for (previous, name) in ('a'..='y').zip('b'..='z') {
            text.push_str(&format!("{name}: &{name} [*{previous},*{previous},*{previous},*{previous},*{previous},*{previous},*{previous},*{previous}]\n"));
        }
        text.push_str("guidelines: *z\n");
        assert!(parse("f", &text).is_err());
    }
}
