//! What a call may cost, what it did cost, and whether another one may start.

mod clouds;
mod ledger;
mod prices;

pub use ledger::{Entry, Hold, Ledger, Reservation, Settlement, Unaffordable};
pub use prices::{PRICES_DATE, Price, PriceBasis, Prices, Rates};

use crate::domain::units::MicroUsd;

/// Tokens that a provider may add to a request of ours before it counts the input: its own chat
/// template, and the instructions it makes from the schema, whose bytes we have counted once already.
const TEMPLATE_MARGIN: u64 = 2_000;

/// The most that a call can cost: a byte-level tokenizer yields at most one token a byte, so the input
/// is at most the bytes of the serialised request plus the provider's own template; the output is at
/// most its cap; each at the dearest rate that could apply.
#[must_use]
pub fn bound(body_bytes: usize, max_output: u32, price: &Price) -> MicroUsd {
    let input = u64::try_from(body_bytes).unwrap_or(u64::MAX).saturating_add(TEMPLATE_MARGIN);
    price.dearest(input, u64::from(max_output))
}

/// What a call usually costs: three and a half bytes a token, and a fifth of the output cap. An
/// estimate for people; nothing is decided by it.
#[must_use]
pub fn estimate(body_bytes: usize, max_output: u32, price: &Price) -> MicroUsd {
    let input = u64::try_from(body_bytes).unwrap_or(u64::MAX).saturating_mul(2) / 7;
    let rates = price.at(input);
    rates.cost(input, 0, 0, u64::from(max_output) / 5)
}
