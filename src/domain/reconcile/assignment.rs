//! The best one-to-one assignment between two lanes (Hungarian method with potentials, in whole numbers).

/// A table of gains: `gain(row, column)`, `None` where the two must not be paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gains {
    rows: usize,
    columns: usize,
    cells: Vec<Option<i64>>,
}

impl Gains {
    /// Fills the table. Gains at or below zero are never worth a pair.
    pub fn from_fn(rows: usize, columns: usize, gain: impl Fn(usize, usize) -> Option<i64>) -> Self {
        let cells =
            (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| gain(r, c)).collect();
        Self { rows, columns, cells }
    }

    /// The gain of a pair that may be made and is worth making.
    fn at(&self, row: usize, column: usize) -> Option<i64> {
        if row >= self.rows || column >= self.columns {
            return None;
        }
        self.cells.get(row * self.columns + column).copied().flatten().filter(|gain| *gain > 0)
    }

    /// The pairs with the largest total gain, by row. Among equal totals, findings of like rank are paired,
    /// which makes the answer the same whichever lane holds the rows.
    #[must_use]
    pub fn best(&self) -> Vec<(usize, usize)> {
        // Most findings have no partner at all; only the others are worth a search.
        let rows: Vec<usize> =
            (0..self.rows).filter(|r| (0..self.columns).any(|c| self.at(*r, c).is_some())).collect();
        let columns: Vec<usize> =
            (0..self.columns).filter(|c| (0..self.rows).any(|r| self.at(r, *c).is_some())).collect();
        let n = rows.len().max(columns.len());
        // The second sum is largest for pairs in rank order (rearrangement inequality), and `scale` keeps it
        // below one unit of gain.
        let rank = |i: usize| i64::try_from(i).unwrap_or(i64::MAX).saturating_add(1);
        let size = rank(self.rows.max(self.columns));
        let scale = size.saturating_mul(size).saturating_mul(size);
        let cost = |row: &usize, column: &usize| match self.at(*row, *column) {
            Some(gain) => {
                -gain.saturating_mul(scale).saturating_add(rank(*row).saturating_mul(rank(*column)))
            }
            None => 0,
        };
        let cell = |i: usize| rows.get(i / n).zip(columns.get(i % n)).map_or(0, |(r, c)| cost(r, c));
        let costs: Vec<i64> = (0..n * n).map(cell).collect();
        cheapest(n, &costs)
            .into_iter()
            .filter_map(|(r, c)| Some((*rows.get(r)?, *columns.get(c)?)))
            .filter(|(row, column)| self.at(*row, *column).is_some())
            .collect()
    }
}

/// A cheapest perfect matching of an `n` by `n` table, by row, in O(n³). Index 0 is the usual sentinel.
fn cheapest(n: usize, costs: &[i64]) -> Vec<(usize, usize)> {
    let (mut u, mut v) = (vec![0_i64; n + 1], vec![0_i64; n + 1]);
    let mut row_of = vec![0_usize; n + 1];
    for row in 1..=n {
        let (mut slack, mut seen, mut way) =
            (vec![i64::MAX; n + 1], vec![false; n + 1], vec![0_usize; n + 1]);
        set(&mut row_of, 0, row);
        let mut column = 0;
        loop {
            set(&mut seen, column, true);
            let here = get(&row_of, column);
            let (mut step, mut next) = (i64::MAX, 0);
            let row_costs = costs.get((here - 1) * n..here * n).unwrap_or_default();
            let potential = get(&u, here);
            for (j, cost) in (1..=n).zip(row_costs) {
                if get(&seen, j) {
                    continue;
                }
                let reduced = cost - potential - get(&v, j);
                if reduced < get(&slack, j) {
                    set(&mut slack, j, reduced);
                    set(&mut way, j, column);
                }
                if get(&slack, j) < step {
                    (step, next) = (get(&slack, j), j);
                }
            }
            for j in 0..=n {
                if get(&seen, j) {
                    let row = get(&row_of, j);
                    add(&mut u, row, step);
                    add(&mut v, j, -step);
                } else if get(&slack, j) != i64::MAX {
                    add(&mut slack, j, -step);
                }
            }
            column = next;
            if get(&row_of, column) == 0 {
                break;
            }
        }
        while column != 0 {
            let before = get(&way, column);
            let row = get(&row_of, before);
            set(&mut row_of, column, row);
            column = before;
        }
    }
    let mut pairs: Vec<(usize, usize)> = row_of
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, row)| **row > 0)
        .map(|(j, row)| (row - 1, j - 1))
        .collect();
    pairs.sort_unstable();
    pairs
}

fn get<T: Copy + Default>(values: &[T], at: usize) -> T {
    values.get(at).copied().unwrap_or_default()
}

fn add(values: &mut [i64], at: usize, value: i64) {
    if let Some(slot) = values.get_mut(at) {
        *slot += value;
    }
}

fn set<T>(values: &mut [T], at: usize, value: T) {
    if let Some(slot) = values.get_mut(at) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The largest total, tried exhaustively.
    fn brute_force(gains: &Gains, row: usize, used: u32) -> i64 {
        if row == gains.rows {
            return 0;
        }
        let skip = brute_force(gains, row + 1, used);
        (0..gains.columns)
            .filter(|c| used & (1 << c) == 0)
            .filter_map(|c| gains.at(row, c).map(|gain| gain + brute_force(gains, row + 1, used | (1 << c))))
            .fold(skip, i64::max)
    }

    fn total(gains: &Gains, pairs: &[(usize, usize)]) -> i64 {
        pairs.iter().filter_map(|(r, c)| gains.at(*r, *c)).sum()
    }

    fn tables(largest: i64) -> impl Strategy<Value = Gains> {
        (0_usize..=6, 0_usize..=6).prop_flat_map(move |(rows, columns)| {
            let cell = prop_oneof![1 => Just(None), 3 => (-2..=largest).prop_map(Some)];
            prop::collection::vec(cell, rows * columns).prop_map(move |cells| Gains { rows, columns, cells })
        })
    }

    fn turned(gains: &Gains) -> Gains {
        let cell = |r: usize, c: usize| gains.cells[c * gains.columns + r];
        Gains::from_fn(gains.columns, gains.rows, cell)
    }

    proptest! {
        #[test]
        fn no_other_assignment_gains_more(gains in tables(30)) {
            prop_assert_eq!(total(&gains, &gains.best()), brute_force(&gains, 0, 0));
        }

        #[test]
        fn every_row_and_column_is_used_at_most_once(gains in tables(3)) {
            let pairs = gains.best();
            for (i, (r, c)) in pairs.iter().enumerate() {
                prop_assert!(pairs.iter().skip(i + 1).all(|(r2, c2)| r != r2 && c != c2));
                prop_assert!(gains.at(*r, *c).is_some());
            }
        }

        #[test]
        fn the_total_is_the_same_from_either_side(gains in tables(3)) {
            prop_assert_eq!(total(&gains, &gains.best()), total(&turned(&gains), &turned(&gains).best()));
        }
    }

    #[test]
    fn two_hundred_by_two_hundred_is_solved_at_once() {
        let gains = Gains::from_fn(200, 200, |r, c| {
            let mixed = (r * 7919 + c * 104_729 + r * c * 31) % 9973;
            (mixed > 6000).then_some(i64::try_from(mixed).unwrap_or_default())
        });
        let start = std::time::Instant::now();
        assert_eq!(gains.best().len(), 200);
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }

    #[test]
    fn equal_gains_pair_findings_of_like_rank() {
        let gains = Gains::from_fn(3, 3, |_, _| Some(5));
        assert_eq!(gains.best(), [(0, 0), (1, 1), (2, 2)]);
        // Three rows for one column: the same row whichever side it is asked from.
        let gains = Gains::from_fn(3, 1, |_, _| Some(5));
        assert_eq!((gains.best(), turned(&gains).best()), (vec![(2, 0)], vec![(0, 2)]));
    }
}
