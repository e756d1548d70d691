//! Simpler methods that need no model weights, for comparison.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::Data;
use crate::measure::Method;

/// A comment, taken apart once.
struct Words {
    counts: BTreeMap<String, f64>,
    all: BTreeSet<String>,
    names: BTreeSet<String>,
    pairs: BTreeSet<(String, String)>,
    grams: BTreeSet<String>,
    length: f64,
}

impl Words {
    fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let part = |c: char| !(c.is_alphanumeric() || c == '_');
        let words: Vec<String> = lower.split(part).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        let mut counts = BTreeMap::new();
        for word in &words {
            *counts.entry(word.clone()).or_insert(0.0) += 1.0;
        }
        let names = text.split(part).filter(|word| {
            let hump =
                word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
            hump || word.contains('_') || word.chars().any(|c| c.is_ascii_digit())
        });
        let chars: Vec<char> = lower.chars().collect();
        Self {
            all: words.iter().cloned().collect(),
            names: names.map(str::to_lowercase).collect(),
            pairs: words.iter().cloned().zip(words.iter().skip(1).cloned()).collect(),
            grams: chars.windows(4).map(|gram| gram.iter().collect()).collect(),
            length: words.len() as f64,
            counts,
        }
    }
}

/// How rare words are among all comments.
struct Rarity {
    comments: f64,
    length: f64,
    spread: BTreeMap<String, f64>,
}

impl Rarity {
    fn of(all: &[Words]) -> Self {
        let mut spread = BTreeMap::new();
        for word in all.iter().flat_map(|words| &words.all) {
            *spread.entry(word.clone()).or_insert(0.0) += 1.0;
        }
        let comments = all.len() as f64;
        Self { comments, length: all.iter().map(|words| words.length).sum::<f64>() / comments, spread }
    }

    fn tfidf(&self, words: &Words) -> BTreeMap<String, f64> {
        let idf = |word: &str| ((1.0 + self.comments) / (1.0 + self.spread[word])).ln() + 1.0;
        words.counts.iter().map(|(word, count)| (word.clone(), count * idf(word))).collect()
    }

    fn cosine(&self, a: &Words, b: &Words) -> f64 {
        let (a, b) = (self.tfidf(a), self.tfidf(b));
        let norm = |v: &BTreeMap<String, f64>| v.values().map(|x| x * x).sum::<f64>().sqrt();
        let dot: f64 = a.iter().filter_map(|(word, x)| Some(x * b.get(word)?)).sum();
        dot / (norm(&a) * norm(&b)).max(1e-9)
    }

    /// BM25 both ways, each against what a comment scores with itself.
    fn bm25(&self, a: &Words, b: &Words) -> f64 {
        let one_way = |query: &Words, text: &Words| {
            let of = |text: &Words, word: &String| {
                let count = text.counts.get(word).copied().unwrap_or_default();
                let spread = self.spread[word];
                let idf = ((self.comments - spread + 0.5) / (spread + 0.5) + 1.0).ln();
                idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * text.length / self.length))
            };
            let score = |text: &Words| query.all.iter().map(|word| of(text, word)).sum::<f64>();
            score(text) / score(query).max(1e-9)
        };
        f64::midpoint(one_way(a, b), one_way(b, a))
    }
}

fn jaccard<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
    let both = a.intersection(b).count() as f64;
    both / (a.len() as f64 + b.len() as f64 - both).max(1.0)
}

/// Every baseline, each as it is and with a one-to-one assignment.
pub fn all(data: &Data) -> Vec<Method> {
    let words: Vec<Words> = data.comments.iter().map(|comment| Words::of(&comment.text)).collect();
    let rarity = Rarity::of(&words);
    type Signals<'a> = Box<dyn Fn(&Words, &Words) -> Vec<f64> + 'a>;
    let lexical = |a: &Words, b: &Words| {
        let shorter = a.all.len().min(b.all.len()).max(1) as f64;
        vec![
            jaccard(&a.all, &b.all),
            rarity.cosine(a, b),
            rarity.bm25(a, b),
            jaccard(&a.grams, &b.grams),
            jaccard(&a.names, &b.names),
            jaccard(&a.pairs, &b.pairs),
            a.all.intersection(&b.all).count() as f64 / shorter,
            a.length.min(b.length) / a.length.max(b.length).max(1.0),
        ]
    };
    let methods: Vec<(&'static str, f64, Signals)> = vec![
        ("always yes", 0.0, Box::new(|_, _| Vec::new())),
        ("TF-IDF cosine", 0.0, Box::new(|a, b| vec![rarity.cosine(a, b)])),
        ("BM25", 0.0, Box::new(|a, b| vec![rarity.bm25(a, b)])),
        ("char 4-gram Jaccard", 0.0, Box::new(|a, b| vec![jaccard(&a.grams, &b.grams)])),
        ("8 lexical features, regression", 1.0, Box::new(lexical)),
    ];
    let mut found = Vec::new();
    for (name, ridge, signals) in methods {
        let of = |case: &crate::data::Case| {
            (0..case.same.len()).map(|at| case.pair(at)).map(|(a, b)| signals(&words[a], &words[b])).collect()
        };
        let signals: Vec<Vec<Vec<f64>>> = data.cases.iter().map(of).collect();
        for one_to_one in [false, true] {
            found.push(Method { name, signals: signals.clone(), ridge, one_to_one });
        }
    }
    found
}
