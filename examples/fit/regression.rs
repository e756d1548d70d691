//! Logistic regression with a ridge, by Newton's method: few signals, a strong prior, no surprises.

/// Weights in log odds, the bias last.
pub type Weights = Vec<f64>;

/// The log odds of a row of signals.
pub fn log_odds(weights: &Weights, row: &[f64]) -> f64 {
    let bias = weights[row.len()];
    row.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>() + bias
}

/// Fits weights to rows of signals. `ridge` pulls the weights of standardised signals to nothing, the bias is
/// free.
pub fn fit(rows: &[(&[f64], bool)], ridge: f64) -> Weights {
    let signals = rows.first().map_or(0, |(row, _)| row.len());
    let n = rows.len() as f64;
    let deviation: Vec<f64> = (0..signals)
        .map(|k| {
            let mean = rows.iter().map(|(row, _)| row[k]).sum::<f64>() / n;
            (rows.iter().map(|(row, _)| (row[k] - mean).powi(2)).sum::<f64>() / n).sqrt() + 1e-9
        })
        .collect();
    let size = signals + 1;
    let mut weights = vec![0.0; size];
    for _ in 0..30 {
        let (mut curve, mut slope) = (vec![vec![0.0; size]; size], vec![0.0; size]);
        for (row, same) in rows {
            let values: Vec<f64> =
                row.iter().zip(&deviation).map(|(value, deviation)| value / deviation).chain([1.0]).collect();
            let z: f64 = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
            let likely = 1.0 / (1.0 + (-z).exp());
            let miss = f64::from(u8::from(*same)) - likely;
            for (i, value) in values.iter().enumerate() {
                slope[i] += value * miss;
                for (j, other) in values.iter().enumerate() {
                    curve[i][j] += value * other * likely * (1.0 - likely);
                }
            }
        }
        for k in 0..size {
            let pull = if k < signals { ridge } else { 1e-6 };
            curve[k][k] += pull;
            slope[k] -= pull * weights[k];
        }
        let step = solve(curve, slope);
        weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight += step);
        if step.iter().all(|step| step.abs() < 1e-8) {
            break;
        }
    }
    weights.iter_mut().zip(&deviation).for_each(|(weight, deviation)| *weight /= deviation);
    weights
}

/// Solves a positive definite system by elimination.
fn solve(mut table: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for i in 0..size {
        let pivot = table[i][i];
        table[i].iter_mut().for_each(|cell| *cell /= pivot);
        right[i] /= pivot;
        for k in (0..size).filter(|k| *k != i) {
            let factor = table[k][i];
            let row = table[i].clone();
            table[k].iter_mut().zip(row).for_each(|(cell, above)| *cell -= factor * above);
            right[k] -= factor * right[i];
        }
    }
    right
}
