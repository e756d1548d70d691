//! List prices, embedded with their date; a configured price comes first, an unknown one is never zero.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clouds;
use crate::domain::lane::Lane;
use crate::domain::pass::Usage;
use crate::domain::units::MicroUsd;

const TABLE: &str = include_str!("prices.tsv");

/// The date of the embedded list prices.
pub const PRICES_DATE: &str = match TABLE.as_bytes().split_at_checked(12) {
    Some((head, _)) => match head.split_at_checked(2) {
        Some((_, date)) => match std::str::from_utf8(date) {
            Ok(date) => date,
            Err(_) => "an unknown date",
        },
        None => "an unknown date",
    },
    None => "an unknown date",
};

/// Rates in micro-dollars per million tokens. `input` and `output` are never zero, except for what is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Fresh input.
    pub input: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// Input read from a cache.
    pub cache_read: u64,
    /// Input written to a cache.
    pub cache_write: u64,
}

impl Rates {
    /// The price of these tokens, each kind rounded up to the micro-dollar.
    #[must_use]
    pub fn cost(&self, input: u64, cache_read: u64, cache_write: u64, output: u64) -> MicroUsd {
        let part = |tokens: u64, rate: u64| {
            let micros = (u128::from(tokens) * u128::from(rate)).div_ceil(1_000_000);
            MicroUsd(u64::try_from(micros).unwrap_or(u64::MAX))
        };
        part(input, self.input)
            .plus(part(cache_read, self.cache_read))
            .plus(part(cache_write, self.cache_write))
            .plus(part(output, self.output))
    }
}

/// Where a price comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceBasis {
    /// The embedded list, of [`PRICES_DATE`].
    #[default]
    List,
    /// The configuration.
    Configured,
    /// Nobody: the lane is said to cost nothing.
    Free,
    /// The configured ceiling of a call, because nothing else bounds it.
    Ceiling,
}

/// What a model costs, with the tier that reprices the whole call above some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Where it comes from.
    pub basis: PriceBasis,
    /// The usual rates.
    pub base: Rates,
    /// Input tokens above which `Rates` apply to the whole call.
    pub tier: Option<(u64, Rates)>,
    /// The longest input the model takes, in tokens, when known.
    pub max_input: Option<u64>,
    /// The longest output the model gives, in tokens, when known.
    pub max_output: Option<u64>,
}

impl Price {
    /// The price of a lane whose calls cost nothing, with the limits of this model if it is known.
    #[must_use]
    pub fn free(model: Option<Self>) -> Self {
        let nothing = Rates { input: 0, output: 0, cache_read: 0, cache_write: 0 };
        Self {
            basis: PriceBasis::Free,
            base: nothing,
            tier: None,
            max_input: model.and_then(|price| price.max_input),
            max_output: model.and_then(|price| price.max_output),
        }
    }

    /// The rates for a call with this much input in all.
    #[must_use]
    pub fn at(&self, total_input: u64) -> Rates {
        match self.tier {
            Some((above, rates)) if total_input > above => rates,
            _ => self.base,
        }
    }

    /// What a call cost by its reported usage: never less than what the provider says it charged.
    #[must_use]
    pub fn settle(&self, usage: &Usage) -> MicroUsd {
        let rates = self.at(usage.total_input());
        let listed = rates.cost(usage.input, usage.cache_read, usage.cache_write, usage.output);
        usage.charged.map_or(listed, |charged| listed.max(charged))
    }

    /// The most a call with at most this input and output can cost: every input token at the dearest of
    /// fresh and cache write, base and tier alike.
    #[must_use]
    pub fn dearest(&self, input: u64, output: u64) -> MicroUsd {
        let at = |rates: &Rates| {
            rates.cost(0, 0, 0, output).plus(MicroUsd::ZERO.plus({
                let rate = rates.input.max(rates.cache_write).max(rates.cache_read);
                Rates { input: rate, ..*rates }.cost(input, 0, 0, 0)
            }))
        };
        match &self.tier {
            Some((above, rates)) if input > *above => at(rates).max(at(&self.base)),
            _ => at(&self.base),
        }
    }
}

/// All known prices.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    configured: BTreeMap<String, Rates>,
}

impl Prices {
    /// The embedded list with these configured rates before it.
    #[must_use]
    pub const fn new(configured: BTreeMap<String, Rates>) -> Self {
        Self { configured }
    }

    /// The price of a model where a lane has it served; `None` means unknown. A configured price is taken as it is, a
    /// listed one at the most that the place charges for it, as far as its address tells. What it does not tell, such as
    /// a workspace of Anthropic's that is held to the United States (a tenth more), needs a configured price.
    #[must_use]
    pub fn in_lane(&self, lane: &Lane, model: &str) -> Option<Price> {
        let (name, percent) = clouds::listed(lane, model).unzip();
        let listed = name.as_deref().and_then(dated_or_not).zip(percent);
        self.configured_or(model, listed.map(|(price, percent)| price.times(percent)))
    }

    fn configured_or(&self, model: &str, listed: Option<Price>) -> Option<Price> {
        let undated = || self.configured.get(without_date(model)?);
        match self.configured.get(model).or_else(undated) {
            Some(rates) => Some(Price {
                basis: PriceBasis::Configured,
                base: *rates,
                tier: None,
                max_input: listed.and_then(|price| price.max_input),
                max_output: listed.and_then(|price| price.max_output),
            }),
            None => listed,
        }
    }
}

/// A dated name such as `gpt-5.4-2026-03-05` that is not listed takes the price of its undated one.
fn dated_or_not(model: &str) -> Option<Price> {
    listed(model).or_else(|| listed(without_date(model)?))
}

fn without_date(model: &str) -> Option<&str> {
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let (rest, last) = model.rsplit_once('-')?;
    if digits(last, 8) {
        return Some(rest);
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (digits(last, 2) && digits(month, 2) && digits(year, 4)).then_some(rest)
}

fn listed(model: &str) -> Option<Price> {
    let row = TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .find(|line| line.split('\t').next() == Some(model))?;
    let cells: Vec<Option<u64>> = row.split('\t').skip(2).map(|cell| cell.parse().ok()).collect();
    let cell = |index: usize| cells.get(index).copied().flatten();
    let rates = |from: usize| {
        let (input, output) = (cell(from)?, cell(from + 1)?);
        // A list without a cache price gives no discount, and no surcharge either.
        let (read, write) = (cell(from + 2).unwrap_or(input), cell(from + 3).unwrap_or(input));
        (input > 0 && output > 0).then_some(Rates { input, output, cache_read: read, cache_write: write })
    };
    let tier = cell(4).and_then(|above| rates(5).map(|rates| (above, rates)));
    Some(Price { basis: PriceBasis::List, base: rates(0)?, tier, max_input: cell(9), max_output: cell(10) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lane::Provider;

    fn of(prices: &Prices, model: &str) -> Option<Price> {
        prices.in_lane(&Lane::new("lane", Provider::Openai, model), model)
    }

    fn price(model: &str) -> Price {
        of(&Prices::default(), model).unwrap()
    }

    #[test]
    fn the_list_has_a_date_and_both_default_models() {
        assert_eq!(PRICES_DATE.len(), 10, "{PRICES_DATE}");
        assert!(PRICES_DATE.starts_with("20"));
        assert_eq!(price("claude-sonnet-5-5").base.input, 2_000_000);
        assert_eq!(price("gpt-6.1-sol").base.output, 10_000_000);
    }

    #[test]
    fn what_a_provider_charged_counts_where_it_is_more_than_the_list_says() {
        let settled = |price: Price, charged| {
            price.settle(&Usage { input: 10_000, output: 2_000, charged, ..Usage::default() }).0
        };
        let listed = price("claude-sonnet-5-5");
        assert_eq!(settled(listed, Some(MicroUsd(1))), 40_000);
        assert_eq!(settled(listed, Some(MicroUsd(50_000))), 50_000);
        assert_eq!(settled(Price::free(None), Some(MicroUsd(7))), 7);
    }

    #[test]
    fn hand_computed_invoices_come_out_to_the_micro_dollar() {
        let invoice = |model: &str, input, cache_read, cache_write, output| {
            price(model).settle(&Usage { input, cache_read, cache_write, output, ..Usage::default() }).0
        };
        // 10k at $2, 2k at $10.
        assert_eq!(invoice("claude-sonnet-5-5", 10_000, 0, 0, 2_000), 20_000 + 20_000);
        // 1k fresh at $2, 50k read at $0.10, 20k written at $2.50, 1k out at $10.
        assert_eq!(
            invoice("claude-sonnet-5-5", 1_000, 50_000, 20_000, 1_000),
            2_000 + 5_000 + 50_000 + 10_000
        );
        // Haiku 5.5 is five times dearer for the whole call above 100k of input: $0.50 and $2.50.
        assert_eq!(invoice("claude-haiku-5-5", 100_000, 0, 0, 1_000), 10_000 + 500);
        assert_eq!(invoice("claude-haiku-5-5", 100_001, 0, 0, 1_000), 50_001 + 2_500);
        // One token is never free.
        assert_eq!(invoice("claude-haiku-5-5", 1, 0, 0, 0), 1);
    }

    #[test]
    fn an_unknown_model_has_no_price_and_a_configured_one_comes_first() {
        assert_eq!(of(&Prices::default(), "my-own-model"), None);
        let rates = Rates { input: 1, output: 2, cache_read: 3, cache_write: 4 };
        let prices = Prices::new(BTreeMap::from([("claude-sonnet-5-5".to_owned(), rates)]));
        assert_eq!(of(&prices, "claude-sonnet-5-5").map(|price| price.base), Some(rates));
    }

    #[test]
    fn a_dated_name_takes_the_price_of_its_undated_one() {
        assert_eq!(price("claude-sonnet-5-5-20261101"), price("claude-sonnet-5-5"));
        assert_eq!(price("gpt-6.1-sol-2026-11-01"), price("gpt-6.1-sol"));
        assert_eq!(of(&Prices::default(), "gpt-6.1"), None);
    }

    #[test]
    fn the_dearest_price_is_never_below_any_invoice_it_bounds() {
        for model in ["claude-sonnet-5-5", "claude-haiku-5-5", "gpt-6.1-sol", "gpt-5.3-codex"] {
            let price = price(model);
            for (input, cache_read, cache_write, output) in
                [(300_000, 0, 0, 9), (0, 0, 300_000, 9), (99_999, 1, 1, 0), (1, 272_000, 0, 16_000)]
            {
                let usage = Usage { input, cache_read, cache_write, output, ..Usage::default() };
                assert!(
                    price.dearest(usage.total_input(), output) >= price.settle(&usage),
                    "{model} {usage:?}"
                );
            }
        }
    }
}
