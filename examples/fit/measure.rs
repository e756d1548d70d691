//! The protocol: 20 splits by pull request, weights and threshold fitted on one part, measured on the other.

use counterpoint::domain::reconcile::assignment::Gains;

use crate::data::{Case, Data};
use crate::regression::{self, Weights, log_odds};

const SPLITS: u64 = 20;

/// Of 25 pull requests, so many are fitted on.
const FITTED_ON: usize = 13;

/// One way to tell whether two comments are the same.
pub struct Method {
    pub name: &'static str,
    /// Per case, row by row, the signals of a pair.
    pub signals: Vec<Vec<Vec<f64>>>,
    /// How strongly weights are pulled to nothing.
    pub ridge: f64,
    /// A comment has at most one partner in the other list.
    pub one_to_one: bool,
}

/// What was called the same against what is.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    hits: f64,
    wrong: f64,
    missed: f64,
}

impl Tally {
    pub fn add(&mut self, called: bool, same: bool) {
        match (called, same) {
            (true, true) => self.hits += 1.0,
            (true, false) => self.wrong += 1.0,
            (false, true) => self.missed += 1.0,
            (false, false) => {}
        }
    }

    pub fn f1(self) -> f64 {
        2.0 * self.hits / (2.0 * self.hits + self.wrong + self.missed).max(1.0)
    }

    pub fn precision(self) -> f64 {
        self.hits / (self.hits + self.wrong).max(1.0)
    }

    pub fn recall(self) -> f64 {
        self.hits / (self.hits + self.missed).max(1.0)
    }
}

/// Which pull requests each split fits on.
pub fn splits(pulls: usize) -> Vec<Vec<bool>> {
    (0..SPLITS)
        .map(|seed| {
            let (mut state, mut order) = (seed, (0..pulls).collect::<Vec<_>>());
            for i in (1..pulls).rev() {
                let drawn = draw(&mut state) % (i as u64 + 1);
                order.swap(i, usize::try_from(drawn).expect("a position"));
            }
            let chosen = &order[..FITTED_ON.min(pulls)];
            (0..pulls).map(|pull| chosen.contains(&pull)).collect()
        })
        .collect()
}

/// SplitMix64.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Method {
    /// Weights for the cases that `on` picks; the threshold that is best for F1 there is part of the bias.
    pub fn fit(&self, data: &Data, on: &dyn Fn(&Case) -> bool) -> Weights {
        let picked: Vec<usize> = (0..data.cases.len()).filter(|i| on(&data.cases[*i])).collect();
        let rows: Vec<(&[f64], bool)> = picked
            .iter()
            .flat_map(|i| data.cases[*i].same.iter().zip(&self.signals[*i]))
            .filter_map(|(same, row)| Some((row.as_slice(), (*same)?)))
            .collect();
        let mut weights = regression::fit(&rows, self.ridge);
        let odds: Vec<Vec<f64>> = picked.iter().map(|i| self.odds(*i, &weights)).collect();
        let reached: Vec<(f64, f64)> = (-60..=60)
            .map(|step| f64::from(step) / 20.0)
            .map(|threshold| {
                let mut tally = Tally::default();
                for (i, odds) in picked.iter().zip(&odds) {
                    self.count(&data.cases[*i], odds, threshold, &mut tally);
                }
                (tally.f1(), threshold)
            })
            .collect();
        // The best alone is luck: the middle of those that are as good.
        let best = reached.iter().map(|(f1, _)| *f1).fold(0.0, f64::max);
        let good: Vec<f64> = reached.iter().filter(|(f1, _)| *f1 >= best - 0.004).map(|(_, t)| *t).collect();
        if let Some(bias) = weights.last_mut() {
            *bias -= good.iter().sum::<f64>() / good.len() as f64;
        }
        weights
    }

    /// Row by row, the log odds of a case's pairs.
    pub fn odds(&self, case: usize, weights: &Weights) -> Vec<f64> {
        self.signals[case].iter().map(|row| log_odds(weights, row)).collect()
    }

    /// Which pairs of a case are called the same.
    pub fn called(&self, case: &Case, odds: &[f64], threshold: f64) -> Vec<bool> {
        if !self.one_to_one {
            return odds.iter().map(|odds| *odds >= threshold).collect();
        }
        let columns = case.columns.len();
        let gain = |r: usize, c: usize| {
            let over = odds[r * columns + c] - threshold;
            (over >= 0.0).then(|| thousandths(over) + 1)
        };
        let mut called = vec![false; odds.len()];
        for (r, c) in Gains::from_fn(case.rows.len(), columns, gain).best() {
            called[r * columns + c] = true;
        }
        called
    }

    fn count(&self, case: &Case, odds: &[f64], threshold: f64, tally: &mut Tally) {
        for (called, same) in self.called(case, odds, threshold).into_iter().zip(&case.same) {
            if let Some(same) = same {
                tally.add(called, *same);
            }
        }
    }

    /// How these weights do on the cases that `on` picks.
    pub fn measure(&self, data: &Data, weights: &Weights, on: &dyn Fn(&Case) -> bool) -> Tally {
        let mut tally = Tally::default();
        for (i, case) in data.cases.iter().enumerate().filter(|(_, case)| on(case)) {
            self.count(case, &self.odds(i, weights), 0.0, &mut tally);
        }
        tally
    }
}

#[expect(clippy::cast_possible_truncation, reason = "log odds are small")]
fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

/// Mean and deviation.
#[derive(Clone, Copy)]
pub struct Spread {
    pub mean: f64,
    pub deviation: f64,
}

impl Spread {
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        Self { mean, deviation: variance.sqrt() }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} ± {:.3}", self.mean, self.deviation)
    }
}
