//! Command over input over file over default; for every cap the lowest of those given wins.

use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use sha2::{Digest, Sha256};

use super::{Config, Gate, InlineConfig, LaneConfig, OnFailure, Strategy, default_lane};
use crate::domain::budget::Prices;
use crate::domain::lane::{Effort, Lane, Limits, Patience, Provider, Roles};
use crate::domain::units::{LaneName, MicroUsd};

const DEFAULT_MAX_COST: MicroUsd = MicroUsd(1_000_000);
const DEFAULT_PER_PULL: MicroUsd = MicroUsd(3_000_000);
/// Time for a run when nobody says otherwise.
pub const DEFAULT_MAX_TIME: Duration = Duration::from_secs(8 * 60);

/// What inputs, flags or a comment say, above the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The strategy.
    pub strategy: Option<Strategy>,
    /// A cap on money for this run.
    pub max_cost: Option<MicroUsd>,
    /// A cap on time for this run.
    pub max_time: Option<Duration>,
    /// The gates.
    pub fail_on: Option<Vec<Gate>>,
    /// What a run that could not review does to the job.
    pub on_failure: Option<OnFailure>,
    /// The model of the lane `claude`.
    pub claude_model: Option<String>,
    /// The model of the lane `codex`.
    pub codex_model: Option<String>,
    /// The one lane to run.
    pub only_lane: Option<String>,
    /// Globs of files in the workspace that other tools left.
    pub evidence: Option<Vec<String>>,
}

/// Everything a run is decided by, complete and checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The lanes in the order of their names, who leads before the others.
    pub lanes: Vec<Lane>,
    /// The strategy.
    pub strategy: Strategy,
    /// The gates; empty means `never`.
    pub fail_on: Vec<Gate>,
    /// What a run that could not review does to the job.
    pub on_failure: OnFailure,
    /// Money for this run.
    pub max_cost: MicroUsd,
    /// Time for this run, publishing included.
    pub max_time: Duration,
    /// Money for this pull request over all its runs.
    pub per_pull: MicroUsd,
    /// What is shown inline.
    pub inline: InlineConfig,
    /// Files that are not reviewed.
    pub exclude: GlobSet,
    /// Files that are read first, and whatever their names say.
    pub high_stakes: GlobSet,
    /// Which strategy files call for, the first that fits.
    pub rules: Vec<(GlobSet, Strategy)>,
    /// Globs of files in the workspace that other tools left.
    pub evidence: Vec<String>,
    /// The comment that asks for a review.
    pub trigger: String,
    /// The repository's own rules for reviewers.
    pub guidelines: String,
    /// What models cost.
    pub prices: Prices,
    /// Changes exactly when configuration and inputs ask for another review: lanes, strategy, paths, guidelines.
    /// Files of the base branch (`AGENTS.md`, `.gitattributes`) are not in it, as its commits are not: they change
    /// for many reasons, and one that could not be read once would have the review paid for twice.
    pub fingerprint: String,
}

/// Joins what the file and the overrides say.
///
/// # Errors
/// A sentence saying which values exclude each other.
pub fn settle(config: &Config, overrides: &Overrides) -> Result<Settings, String> {
    let mut strategy = overrides.strategy.or(config.strategy).unwrap_or_default();
    let mut lanes = lanes(config, overrides, strategy);
    if let Some(only) = &overrides.only_lane {
        lanes.retain(|lane| lane.name.as_str() == only);
        strategy = Strategy::Single;
    }
    if lanes.is_empty() {
        return Err(
            "no lane is configured: switch `claude` or `codex` on, or name another under `lanes`".to_owned()
        );
    }
    if !lanes.iter().any(|lane| lane.roles.review) {
        return Err("no lane reviews: give one of them the role `review`".to_owned());
    }
    let cap = |given: [Option<MicroUsd>; 2], default| given.into_iter().flatten().min().unwrap_or(default);
    let max_time = [overrides.max_time, config.max_time].into_iter().flatten().min();
    let evidence = overrides.evidence.as_ref().unwrap_or(&config.evidence);
    Ok(Settings {
        fingerprint: fingerprint(&lanes, strategy, config, evidence),
        lanes,
        strategy,
        fail_on: overrides.fail_on.clone().or_else(|| config.fail_on.clone()).unwrap_or_default(),
        on_failure: overrides.on_failure.or(config.on_failure).unwrap_or_default(),
        max_cost: cap([overrides.max_cost, config.max_cost], DEFAULT_MAX_COST),
        max_time: max_time.unwrap_or(DEFAULT_MAX_TIME),
        per_pull: config.per_pull.unwrap_or(DEFAULT_PER_PULL),
        inline: config.inline,
        exclude: globs(&config.exclude)?,
        high_stakes: globs(&config.high_stakes)?,
        // Whoever names a strategy for this run means all of it.
        rules: match overrides.strategy {
            Some(strategy) if strategy != Strategy::Auto => Vec::new(),
            _ if overrides.only_lane.is_some() => Vec::new(),
            _ => config
                .rules
                .iter()
                .map(|rule| Ok((globs(&rule.paths)?, rule.strategy)))
                .collect::<Result<_, String>>()?,
        },
        evidence: evidence.clone(),
        trigger: config.trigger.clone().unwrap_or_else(|| "/review".to_owned()),
        guidelines: config.guidelines.clone(),
        prices: Prices::new(config.prices.clone()),
    })
}

impl Settings {
    /// Notes the branch that the pull request is to be merged into: against another one it is another change.
    #[must_use]
    pub fn against(mut self, base_ref: &str) -> Self {
        let hash = Sha256::digest(format!("{}\n{base_ref}", self.fingerprint));
        self.fingerprint = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        self
    }
}

/// Reads a number of minutes, `8` or `0.5`.
///
/// # Errors
/// A sentence fragment naming what was expected.
pub fn minutes(text: &str) -> Result<Duration, String> {
    let number: f64 = text.trim().parse().unwrap_or(f64::NAN);
    if number > 0.0 && number <= 1440.0 {
        Ok(Duration::from_secs_f64(number * 60.0))
    } else {
        Err(format!("expected a number of minutes above 0 and at most 1440, got `{text}`"))
    }
}

fn lanes(config: &Config, overrides: &Overrides, strategy: Strategy) -> Vec<Lane> {
    let mut named: std::collections::BTreeMap<&str, Option<LaneConfig>> =
        ["claude", "codex"].into_iter().map(|name| (name, Some(LaneConfig::default()))).collect();
    named.extend(config.lanes.iter().map(|(name, lane)| (name.as_str(), lane.clone())));
    let mut lanes: Vec<Lane> = named
        .into_iter()
        .filter_map(|(name, lane)| {
            let lane = lane?;
            let engine = lane.engine.unwrap_or_default();
            let (provider, model) = default_lane(name).unwrap_or((Provider::Compatible, ""));
            let provider = lane.provider.or(engine.provider()).unwrap_or(provider);
            let patience = Patience::with(provider);
            let given = match name {
                "claude" => overrides.claude_model.clone(),
                "codex" => overrides.codex_model.clone(),
                _ => None,
            };
            let model_of_strategy = lane.models.get(&strategy).cloned();
            Some(Lane {
                name: LaneName::new(name),
                engine,
                provider,
                model: given.or(model_of_strategy).or(lane.model).unwrap_or_else(|| model.to_owned()),
                effort: lane.effort.unwrap_or(Effort::Medium),
                base_url: lane.base_url,
                auth: lane.auth.unwrap_or_default(),
                key_env: lane.key_env,
                fallback: lane.fallback,
                tools: lane.tools,
                patience: Patience {
                    first_byte: lane.first_byte.unwrap_or(patience.first_byte),
                    idle: lane.idle.unwrap_or(patience.idle),
                },
                limits: limits(provider, lane.limits),
                free: lane.free.unwrap_or(provider == Provider::Github),
                max_call: lane.max_call,
                roles: lane.roles.unwrap_or_default(),
                focus: lane.focus,
            })
        })
        .collect();
    // Who leads goes first; all others keep the order of their names.
    lanes.sort_by_key(|lane| !lane.roles.lead);
    lanes
}

/// GitHub Models takes little in one call (a preview; its limits are not published for every model).
fn limits(provider: Provider, given: Limits) -> Limits {
    let usual = match provider {
        Provider::Github => Limits { input: Some(8_000), output: Some(4_000) },
        _ => Limits::default(),
    };
    Limits { input: given.input.or(usual.input), output: given.output.or(usual.output) }
}

fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|cause| format!("the glob `{pattern}` cannot be read: {}", cause.kind()))?);
    }
    set.build().map_err(|cause| format!("the globs under `paths` cannot be read: {}", cause.kind()))
}

fn fingerprint(lanes: &[Lane], strategy: Strategy, config: &Config, evidence: &[String]) -> String {
    let mut hash = Sha256::new();
    let mut feed = |part: &str| {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    };
    for lane in lanes {
        feed(lane.name.as_str());
        feed(lane.engine.as_str());
        feed(lane.provider.as_str());
        feed(&lane.model);
        feed(lane.effort.as_str());
        feed(lane.base_url.as_deref().unwrap_or_default());
        feed(lane.fallback.as_deref().unwrap_or_default());
        feed(if lane.tools.is_some() { "tools" } else { "" });
        let Roles { lead, review, challenge } = lane.roles;
        feed(&format!("{lead} {review} {challenge}"));
        feed(lane.focus.as_deref().unwrap_or_default());
    }
    for rule in &config.rules {
        feed(rule.strategy.as_str());
        rule.paths.iter().for_each(|glob| feed(glob));
    }
    feed(strategy.as_str());
    feed(&config.guidelines);
    for globs in [&config.exclude[..], &config.high_stakes, evidence] {
        feed(&globs.len().to_string());
        globs.iter().for_each(|glob| feed(glob));
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_every_cap_the_lowest_that_was_given_wins() {
        let file = Config { max_cost: Some(MicroUsd(5_000_000)), ..Config::default() };
        let input = |cost| Overrides { max_cost: Some(MicroUsd(cost)), ..Overrides::default() };
        assert_eq!(settle(&file, &Overrides::default()).unwrap().max_cost, MicroUsd(5_000_000));
        assert_eq!(settle(&file, &input(2_000_000)).unwrap().max_cost, MicroUsd(2_000_000));
        assert_eq!(settle(&file, &input(9_000_000)).unwrap().max_cost, MicroUsd(5_000_000));
        assert_eq!(settle(&Config::default(), &input(2_000_000)).unwrap().max_cost, MicroUsd(2_000_000));
    }

    #[test]
    fn naming_one_lane_keeps_the_other_and_null_switches_one_off() {
        let names = |yaml: &str| {
            let config = crate::domain::config::parse("f", yaml).unwrap();
            let lanes = settle(&config, &Overrides::default()).unwrap().lanes;
            lanes.iter().map(|lane| format!("{} {}", lane.name.as_str(), lane.model)).collect::<Vec<_>>()
        };
        assert_eq!(
            names("lanes: {claude: {model: claude-opus-5-5}}"),
            ["claude claude-opus-5-5", "codex gpt-6.1-sol"]
        );
        assert_eq!(names("lanes: {codex: null}"), ["claude claude-sonnet-5-5"]);
    }

    #[test]
    fn a_budget_does_not_change_the_fingerprint_and_a_model_does() {
        let print = |overrides| settle(&Config::default(), &overrides).unwrap().fingerprint;
        let plain = print(Overrides::default());
        assert_eq!(plain, print(Overrides { max_cost: Some(MicroUsd(1)), ..Overrides::default() }));
        assert_ne!(
            plain,
            print(Overrides { codex_model: Some("gpt-6-luna".into()), ..Overrides::default() })
        );
    }

    #[test]
    fn what_is_read_changes_the_fingerprint() {
        let print = |yaml: &str| {
            let config = crate::domain::config::parse("f", yaml).unwrap();
            settle(&config, &Overrides::default()).unwrap().fingerprint
        };
        let prints = ["", "paths: {exclude: [a]}", "paths: {high_stakes: [a]}", "evidence: [a]"].map(print);
        assert_eq!(
            prints.iter().collect::<std::collections::BTreeSet<_>>().len(),
            prints.len(),
            "{prints:?}"
        );
    }
}
