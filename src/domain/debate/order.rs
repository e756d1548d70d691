//! The order in which findings are shown: drawn, so that place tells nothing, and the same for the same run.

use sha2::{Digest, Sha256};

/// A number drawn from what a question is about.
#[must_use]
pub fn seed(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The items in the order that a seed gives them.
#[must_use]
pub fn shuffled<T>(items: Vec<T>, seed: u64) -> Vec<T> {
    let draw = |at: usize| {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(at.to_le_bytes());
        let drawn: [u8; 32] = hash.finalize().into();
        drawn
    };
    let mut drawn: Vec<([u8; 32], T)> =
        items.into_iter().enumerate().map(|(at, item)| (draw(at), item)).collect();
    drawn.sort_by_key(|(draw, _)| *draw);
    drawn.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_order_and_others_give_others() {
        let order = |seed| shuffled((0..8).collect::<Vec<u8>>(), seed);
        assert_eq!(order(1), order(1));
        let all: std::collections::BTreeSet<Vec<u8>> = (0..20).map(order).collect();
        assert!(all.len() > 15, "{all:?}");
        assert_ne!(seed(&["a", "bc"]), seed(&["ab", "c"]));
    }
}
