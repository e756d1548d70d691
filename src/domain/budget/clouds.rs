//! What a place charges for a listed model: never more than the factor here, by the price list that `prices.tsv` is made
//! of (`litellm` 1.109.1, which has the clouds' prices too). Where that cannot be known, there is no price.

use super::Price;
use crate::domain::lane::{Auth, Lane, Provider};

/// Under which name a lane's model stands in the list, and the most that is charged there, in percent of the list price.
/// None where the name does not tell which model it is, or nobody knows the price of that place.
pub(super) fn listed(lane: &Lane, model: &str) -> Option<(String, u64)> {
    let place = lane.base_url.as_deref().unwrap_or_default();
    match lane.provider {
        Provider::Bedrock => {
            let region = match &lane.auth {
                Auth::Aws { region, .. } => region,
                _ => place,
            };
            bedrock(model, region)
        }
        // A regional endpoint costs a tenth more than the global one.
        Provider::Vertex => {
            let model = model.strip_suffix("@default").unwrap_or(model).replace('@', "-");
            Some((model, if place.contains("/locations/global/") { 100 } else { 110 }))
        }
        // A deployment has any name; one with a model's own is taken for that model, at Azure's dearest data zone.
        Provider::Azure if [".azure.us", ".azure.cn"].iter().any(|cloud| place.contains(cloud)) => None,
        Provider::Azure => Some((model.to_owned(), 120)),
        // Processing in one region, at `eu.api.openai.com` and its like, costs a tenth more.
        Provider::Openai => Some((model.to_owned(), if is_regional(place) { 110 } else { 100 })),
        Provider::Anthropic | Provider::Github | Provider::Compatible => Some((model.to_owned(), 100)),
    }
}

/// Whether an address is one of OpenAI's in a region.
fn is_regional(place: &str) -> bool {
    let host = place.split_once("://").map_or(place, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    host.to_ascii_lowercase().ends_with(".api.openai.com")
}

/// `anthropic.MODEL`, perhaps with where it may be worked on before it and `-v1:0` behind it.
fn bedrock(model: &str, region: &str) -> Option<(String, u64)> {
    let (geography, model) = model.split_once("anthropic.")?;
    let percent = match geography.trim_end_matches('.') {
        "us-gov" => 120,
        "" if region.contains("us-gov-") => 120,
        "global" => 100,
        "" | "us" | "eu" | "apac" | "au" | "jp" => 110,
        _ => return None,
    };
    let version = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let model = match model.rsplit_once("-v") {
        Some((model, tail)) if version(tail) => model,
        _ => model,
    };
    // The one model that Bedrock sells at another factor.
    (model != "claude-mythos-preview").then(|| (model.to_owned(), percent))
}

impl Price {
    /// The price where all rates are this many percent of these, rounded up.
    pub(super) fn times(mut self, percent: u64) -> Self {
        let of = |rate: u64| rate.saturating_mul(percent).div_ceil(100);
        let tier = self.tier.as_mut().map(|(_, rates)| rates);
        for rates in std::iter::once(&mut self.base).chain(tier) {
            rates.input = of(rates.input);
            rates.output = of(rates.output);
            rates.cache_read = of(rates.cache_read);
            rates.cache_write = of(rates.cache_write);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::domain::budget::{Prices, Rates};

    fn lane(provider: Provider, base_url: &str) -> Lane {
        Lane { base_url: Some(base_url.to_owned()), ..Lane::new("lane", provider, "model") }
    }

    fn bedrock(region: &str) -> Lane {
        let auth = Auth::Aws { role: None, region: region.to_owned() };
        Lane { auth, ..Lane::new("lane", Provider::Bedrock, "model") }
    }

    fn vertex(location: &str) -> Lane {
        let base = format!(
            "https://{location}.example/v1/projects/p/locations/{location}/publishers/anthropic/models"
        );
        lane(Provider::Vertex, &base)
    }

    /// Dollars for a million tokens of input, in micro-dollars.
    fn input(lane: &Lane, model: &str) -> Option<u64> {
        Prices::default().in_lane(lane, model).map(|price| price.base.input)
    }

    #[test]
    fn names_of_clouds_find_the_price_of_their_model() {
        let europe = bedrock("eu-central-1");
        assert_eq!(input(&europe, "global.anthropic.claude-opus-5-5"), Some(4_000_000));
        assert_eq!(input(&europe, "anthropic.claude-opus-5-5"), Some(4_400_000));
        assert_eq!(input(&europe, "us.anthropic.claude-haiku-4-5-20251001-v1:0"), Some(1_100_000));
        assert_eq!(input(&europe, "us.anthropic.claude-opus-4-6-v1"), Some(5_500_000));
        assert_eq!(input(&bedrock("us-gov-west-1"), "anthropic.claude-opus-5-5"), Some(4_800_000));
        assert_eq!(input(&vertex("global"), "claude-sonnet-5-5@default"), Some(2_000_000));
        assert_eq!(input(&vertex("europe-west1"), "claude-haiku-4-5@20251001"), Some(1_100_000));
        let azure = lane(Provider::Azure, "https://shop.openai.azure.com/openai/v1");
        assert_eq!(input(&azure, "gpt-6.1-sol"), Some(2_400_000));
        assert_eq!(input(&Lane::new("codex", Provider::Openai, "m"), "gpt-6.1-sol"), Some(2_000_000));
    }

    #[test]
    fn openais_hosts_in_a_region_cost_a_tenth_more() {
        let at = |base_url: &str| input(&lane(Provider::Openai, base_url), "gpt-6.1-sol");
        for regional in
            ["https://eu.api.openai.com/v1", "https://US.api.openai.com:443/v1", "http://eu.api.openai.com"]
        {
            assert_eq!(at(regional), Some(2_200_000), "{regional}");
        }
        for other in [
            "",
            "https://api.openai.com/v1",
            "https://gateway.example/eu.api.openai.com",
            "https://eu.example",
        ] {
            assert_eq!(at(other), Some(2_000_000), "{other}");
        }
        assert_eq!(
            at("https://eu.api.openai.com/v1"),
            input(&lane(Provider::Openai, "https://eu.api.openai.com/v1"), "gpt-6.1-sol-2026-11-01")
        );
    }

    #[test]
    fn a_name_that_does_not_tell_its_model_has_no_price() {
        let europe = bedrock("eu-central-1");
        for model in [
            "anthropic.claude-mythos-preview",
            "mars.anthropic.claude-opus-5-5",
            "claude-opus-5-5",
            "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc",
            "anthropic.",
        ] {
            assert_eq!(input(&europe, model), None, "{model}");
        }
        let azure = lane(Provider::Azure, "https://shop.openai.azure.com/openai/v1");
        assert_eq!(input(&azure, "our-reviewer"), None);
        let government = lane(Provider::Azure, "https://shop.openai.azure.us/openai/v1");
        assert_eq!(input(&government, "gpt-6.1-sol"), None);
    }

    #[test]
    fn a_configured_price_is_taken_as_it_is() {
        let rates = Rates { input: 7, output: 8, cache_read: 7, cache_write: 7 };
        let prices = Prices::new(BTreeMap::from([("our-reviewer".to_owned(), rates)]));
        let azure = lane(Provider::Azure, "https://shop.openai.azure.us/openai/v1");
        assert_eq!(prices.in_lane(&azure, "our-reviewer").map(|price| price.base), Some(rates));
    }

    /// The lane in which a key of the public price list is asked for, and the model's name there.
    fn place_of(key: &str, provider: &str) -> Option<(Lane, String)> {
        let (folder, model) = key.rsplit_once('/').unwrap_or(("", key));
        let lane = match (provider, folder) {
            ("bedrock" | "bedrock_converse", "") | ("bedrock_mantle", "bedrock_mantle") => {
                bedrock("eu-central-1")
            }
            ("bedrock" | "bedrock_mantle", _) if folder.contains("/us-gov-") => {
                bedrock(folder.rsplit('/').next()?)
            }
            ("vertex_ai-anthropic_models", _) => vertex("global"),
            ("openai", "") => lane(Provider::Openai, ""),
            ("azure", _) if folder != "azure/us-gov" => {
                lane(Provider::Azure, "https://shop.openai.azure.com/openai/v1")
            }
            _ => return None,
        };
        Some((lane, model.to_owned()))
    }

    #[test]
    fn no_price_of_a_cloud_is_above_what_is_assumed() {
        let Ok(shared) = std::env::var("COUNTERPOINT_SHARED") else { return };
        let text = std::fs::read_to_string(format!("{shared}/prices/prices.json")).unwrap();
        let list: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        let mut checked = 0;
        for (key, entry) in &list {
            let provider = entry["litellm_provider"].as_str().unwrap();
            let Some((lane, model)) = place_of(key, provider) else { continue };
            let Some(assumed) = Prices::default().in_lane(&lane, &model) else { continue };
            let listed = |field: &str| entry[field].as_f64().map(|dollars| (dollars * 1e12).round() as u64);
            for (field, rate) in [
                ("input_cost_per_token", assumed.base.input),
                ("output_cost_per_token", assumed.base.output),
                ("cache_read_input_token_cost", assumed.base.cache_read),
                ("cache_creation_input_token_cost", assumed.base.cache_write),
            ] {
                assert!(listed(field).unwrap_or(0) <= rate, "{key}: {field} is dearer than {rate}");
            }
            for uplift in [
                "regional_endpoint_uplift_multiplier",
                "regional_processing_uplift_multiplier_eu",
                "regional_processing_uplift_multiplier_us",
            ] {
                assert!(entry[uplift].as_f64().unwrap_or(1.0) <= 1.1, "{key}: {uplift}");
            }
            checked += 1;
        }
        assert!(checked > 250, "only {checked} prices were compared");
    }
}
