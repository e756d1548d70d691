//! Which findings of all lanes are one issue: duplicates inside a lane first, then the best one-to-one
//! assignment between each two lanes.
//!
//! The answer does not depend on the order of lanes or findings: everything is decided by evidence, and
//! ties by content.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::assignment::Gains;
use super::place::Place;
use super::similarity::{Corpus, GREY, SAME, Subject, Zone};

/// Evidence, in thousandths, from which two findings of one lane are duplicates. High, because a reviewer who lists
/// two means two; the data cannot tell, as the judge gave each reference comment one partner of a tool.
const DUPLICATE: i64 = 6_000;

/// A pair of findings, by position among all subjects, of different lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The finding of the earlier lane.
    pub a: usize,
    /// The finding of the later lane.
    pub b: usize,
    /// Thousandths of log odds that the two are the same.
    pub evidence: i64,
}

/// One issue: findings of one or more lanes, by position among all subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Per lane that raised it, in the order of the lanes: the finding that stands for the lane, then its
    /// duplicates.
    pub groups: Vec<Vec<usize>>,
    /// What holds the lanes together.
    pub links: Vec<Link>,
}

/// All findings, each in exactly one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// The issues, by their content.
    pub clusters: Vec<Cluster>,
    /// Pairs of different clusters that are possibly the same, strongest first.
    pub maybe: Vec<Link>,
}

/// A set of duplicates of one lane, in order of content.
struct Group {
    lane: usize,
    members: Vec<usize>,
}

/// Sorts findings into issues. `lane_of` names each subject's lane; `opposed` tells whether two findings
/// on overlapping lines make claims that exclude each other, which ties them together where likeness alone
/// leaves doubt.
#[must_use]
pub fn align(corpus: &Corpus, subjects: &[Subject], lane_of: &[usize], opposed: &Opposed) -> Alignment {
    let rank = ranks(subjects);
    let groups = group(corpus, subjects, lane_of, &rank, opposed);
    let lanes = lane_of.iter().max().map_or(0, |last| last + 1);
    let links = best_links(corpus, &groups, &rank);
    let link = |x: usize, y: usize| links.get(&(x, y)).copied();

    let mut edges: Vec<(usize, usize, Link)> = Vec::new();
    for first in 0..lanes {
        for second in first + 1..lanes {
            edges.extend(assign(&groups, corpus, first, second, &rank, &link, opposed));
        }
    }
    let cluster_of = merge(&groups, corpus, &mut edges, &rank);
    let clusters = clusters(&groups, &cluster_of, &edges, &rank);
    let maybe = maybe(&cluster_of, &links, &rank);
    Alignment { clusters, maybe }
}

/// The test for claims that exclude each other, on positions.
pub type Opposed<'a> = dyn Fn(usize, usize) -> bool + 'a;

/// The rank of each subject by content.
fn ranks(subjects: &[Subject]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    order.sort_by_key(|i| {
        subjects.get(*i).map(|s| (s.path, s.lines, s.title, s.text, s.quote, s.suggestion, s.id))
    });
    let mut rank = vec![0; order.len()];
    for (place, i) in order.into_iter().enumerate() {
        if let Some(slot) = rank.get_mut(i) {
            *slot = place;
        }
    }
    rank
}

fn at(values: &[usize], i: usize) -> usize {
    values.get(i).copied().unwrap_or_default()
}

/// The order in which pairs are taken: by evidence, then by content.
fn strongest_first(link: &Link, rank: &[usize]) -> (Reverse<i64>, usize, usize) {
    let (a, b) = (at(rank, link.a), at(rank, link.b));
    (Reverse(link.evidence), a.min(b), a.max(b))
}

/// Joins duplicates inside each lane. All members of a group are duplicates of each other, so that no chain
/// of half-similar findings hides one. The same words at another place are another finding, and so is the
/// opposite advice.
fn group(
    corpus: &Corpus,
    subjects: &[Subject],
    lane_of: &[usize],
    rank: &[usize],
    opposed: &Opposed,
) -> Vec<Group> {
    let alike = |x: usize, y: usize| {
        let here = matches!(corpus.place(x, y), Place::Overlapping(_) | Place::SameFile | Place::Unknown);
        corpus.evidence(x, y).filter(|evidence| here && *evidence >= DUPLICATE && !opposed(x, y))
    };
    let mut pairs: Vec<(Reverse<i64>, usize, usize, usize, usize)> = Vec::new();
    for x in 0..subjects.len() {
        for y in x + 1..subjects.len() {
            if at(lane_of, x) == at(lane_of, y)
                && let Some(evidence) = alike(x, y)
            {
                let (rx, ry) = (at(rank, x), at(rank, y));
                pairs.push((Reverse(evidence), rx.min(ry), rx.max(ry), x, y));
            }
        }
    }
    pairs.sort_unstable();
    // Two groups may join while no pair across them was found unlike.
    let n = subjects.len();
    let mut joinable = vec![false; n * n];
    for (.., x, y) in &pairs {
        for cell in [x * n + y, y * n + x] {
            joinable.get_mut(cell).into_iter().for_each(|joinable| *joinable = true);
        }
    }
    let mut group_of: Vec<usize> = (0..n).collect();
    for (.., x, y) in pairs {
        let (kept, gone) = (at(&group_of, x), at(&group_of, y));
        if kept == gone || joinable.get(kept * n + gone) != Some(&true) {
            continue;
        }
        group_of.iter_mut().filter(|group| **group == gone).for_each(|group| *group = kept);
        for other in 0..n {
            let both = [kept, gone].iter().all(|group| joinable.get(group * n + other) == Some(&true));
            for cell in [kept * n + other, other * n + kept] {
                joinable.get_mut(cell).into_iter().for_each(|joinable| *joinable = both);
            }
        }
    }
    let mut groups: Vec<Group> = (0..subjects.len())
        .map(|g| {
            let mut members: Vec<usize> = (0..subjects.len()).filter(|i| at(&group_of, *i) == g).collect();
            members.sort_by_key(|i| at(rank, *i));
            Group { lane: at(lane_of, g), members }
        })
        .filter(|group| !group.members.is_empty())
        .collect();
    groups.sort_by_key(|group| group.members.first().map(|first| at(rank, *first)));
    groups
}

/// For each two groups of different lanes that are at least possibly the same, the pair of members with the
/// most evidence.
fn best_links(corpus: &Corpus, groups: &[Group], rank: &[usize]) -> BTreeMap<(usize, usize), Link> {
    let mut links = BTreeMap::new();
    for (x, first) in groups.iter().enumerate() {
        for (y, second) in groups.iter().enumerate().filter(|(_, second)| first.lane < second.lane) {
            let pairs = first.members.iter().flat_map(|a| second.members.iter().map(move |b| (*a, *b)));
            let known = pairs.filter_map(|(a, b)| Some(Link { a, b, evidence: corpus.evidence(a, b)? }));
            // Of equals, the first by content: which lane comes first must not matter.
            let best = known.min_by_key(|link| strongest_first(link, rank));
            if let Some(link) = best.filter(|link| link.evidence >= GREY) {
                links.insert((x, y), link);
            }
        }
    }
    links
}

/// The best one-to-one assignment between two lanes, as (group, group, link).
fn assign(
    groups: &[Group],
    corpus: &Corpus,
    first: usize,
    second: usize,
    rank: &[usize],
    link: &dyn Fn(usize, usize) -> Option<Link>,
    opposed: &Opposed,
) -> Vec<(usize, usize, Link)> {
    let of = |lane: usize| {
        groups.iter().enumerate().filter(|(_, g)| g.lane == lane).map(|(i, _)| i).collect::<Vec<usize>>()
    };
    let (rows, columns) = (of(first), of(second));
    let at_pair = |r: usize, c: usize| link(*rows.get(r)?, *columns.get(c)?);
    let gain = |r: usize, c: usize| {
        let link = at_pair(r, c)?;
        if link.evidence >= SAME {
            return Some(link.evidence - SAME + 1);
        }
        let here = corpus.place(link.a, link.b).overlaps();
        (link.evidence >= GREY && here && opposed(link.a, link.b)).then_some(1)
    };
    // The lane whose content comes first holds the rows, so that equal totals fall the same way when the
    // lanes swap.
    let leads = |list: &[usize]| {
        let member = list.first().and_then(|g| groups.get(*g)).and_then(|g| g.members.first());
        member.map_or(usize::MAX, |i| at(rank, *i))
    };
    let pairs = if leads(&rows) <= leads(&columns) {
        Gains::from_fn(rows.len(), columns.len(), gain).best()
    } else {
        let turned = Gains::from_fn(columns.len(), rows.len(), |c, r| gain(r, c)).best();
        turned.into_iter().map(|(c, r)| (r, c)).collect()
    };
    pairs.into_iter().filter_map(|(r, c)| Some((*rows.get(r)?, *columns.get(c)?, at_pair(r, c)?))).collect()
}

/// Joins groups along the assigned pairs, strongest first: at most one group of each lane to a cluster, and
/// no two files, not even by way of a finding that names none.
/// Pairs that would break this are taken out of `edges`.
fn merge(
    groups: &[Group],
    corpus: &Corpus,
    edges: &mut Vec<(usize, usize, Link)>,
    rank: &[usize],
) -> Vec<usize> {
    edges.sort_by_key(|(_, _, link)| strongest_first(link, rank));
    let mut cluster_of: Vec<usize> = (0..groups.len()).collect();
    edges.retain(|(x, y, _)| {
        let (cx, cy) = (at(&cluster_of, *x), at(&cluster_of, *y));
        let inside = |c: usize| {
            let cluster_of = &cluster_of;
            groups.iter().enumerate().filter(move |(g, _)| at(cluster_of, *g) == c).map(|(_, group)| group)
        };
        let apart = |a: &Group, b: &Group| {
            let other_file = |x: usize, y: usize| corpus.place(x, y) == Place::OtherFile;
            a.lane == b.lane || a.members.iter().any(|x| b.members.iter().any(|y| other_file(*x, *y)))
        };
        let fits = cx == cy || !inside(cx).any(|a| inside(cy).any(|b| apart(a, b)));
        if fits {
            cluster_of.iter_mut().filter(|c| **c == cy).for_each(|c| *c = cx);
        }
        fits
    });
    cluster_of
}

fn clusters(
    groups: &[Group],
    cluster_of: &[usize],
    edges: &[(usize, usize, Link)],
    rank: &[usize],
) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    for c in 0..groups.len() {
        let mut inside: Vec<&Group> =
            groups.iter().enumerate().filter(|(g, _)| at(cluster_of, *g) == c).map(|(_, g)| g).collect();
        if inside.is_empty() {
            continue;
        }
        inside.sort_by_key(|group| group.lane);
        let links: Vec<Link> =
            edges.iter().filter(|(x, _, _)| at(cluster_of, *x) == c).map(|(_, _, link)| *link).collect();
        let linked = |i: &usize| links.iter().any(|link| link.a == *i || link.b == *i);
        let stand = |group: &&Group| {
            let mut members = group.members.clone();
            // The member that the match rests on stands for its lane.
            members.sort_by_key(|i| (!linked(i), at(rank, *i)));
            members
        };
        clusters.push(Cluster { groups: inside.iter().map(stand).collect(), links });
    }
    clusters.sort_by_key(|cluster| cluster.groups.iter().flatten().map(|i| at(rank, *i)).min());
    clusters
}

/// Pairs across clusters that a person may want to join: both alone and in the grey zone, or one left alone
/// because another finding fitted better.
fn maybe(cluster_of: &[usize], links: &BTreeMap<(usize, usize), Link>, rank: &[usize]) -> Vec<Link> {
    let alone = |g: usize| cluster_of.iter().filter(|c| **c == at(cluster_of, g)).count() == 1;
    let worth = |x: usize, y: usize, link: &Link| {
        at(cluster_of, x) != at(cluster_of, y)
            && match Zone::of(link.evidence) {
                Zone::Same => alone(x) || alone(y),
                Zone::Grey => alone(x) && alone(y),
                Zone::Different => false,
            }
    };
    let mut found: Vec<Link> =
        links.iter().filter(|((x, y), link)| worth(*x, *y, link)).map(|(_, link)| *link).collect();
    found.sort_by_key(|link| strongest_first(link, rank));
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Claims that share words, names and kinds of fault in many ways.
    fn claims() -> impl Strategy<Value = Vec<(String, u32, usize)>> {
        let words = prop::sample::select(vec![
            "`pool`", "leaks", "race", "on", "`load()`", "early", "return", "null", "test", "missing", "too",
            "short", "long",
        ]);
        let text = prop::collection::vec(words, 0..7).prop_map(|words| words.join(" "));
        prop::collection::vec((text, 1_u32..30, 0_usize..3), 0..14)
    }

    fn subjects<'a>(claims: &'a [(String, u32, usize)], ids: &'a [String]) -> Vec<Subject<'a>> {
        let subject = |((text, line, _), id): (&'a (String, u32, usize), &'a String)| Subject {
            id,
            path: "a.rs",
            lines: Some((*line, *line)),
            text,
            ..Subject::default()
        };
        claims.iter().zip(ids).map(subject).collect()
    }

    /// Clusters and doubtful pairs, whatever their order.
    fn told(alignment: &Alignment) -> (BTreeSet<BTreeSet<usize>>, BTreeSet<BTreeSet<usize>>) {
        let clusters = alignment.clusters.iter().map(|c| c.groups.iter().flatten().copied().collect());
        let maybe = alignment.maybe.iter().map(|link| BTreeSet::from([link.a, link.b]));
        (clusters.collect(), maybe.collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_finding_has_at_most_one_partner_in_another_lane(claims in claims()) {
            let ids: Vec<String> = (0..claims.len()).map(|i| i.to_string()).collect();
            let subjects = subjects(&claims, &ids);
            let lane_of: Vec<usize> = claims.iter().map(|(.., lane)| *lane).collect();
            let alignment = align(&Corpus::new(&subjects), &subjects, &lane_of, &|_, _| false);
            let mut partners = BTreeSet::new();
            for cluster in &alignment.clusters {
                let lanes: BTreeSet<usize> = cluster.groups.iter().map(|group| lane_of[group[0]]).collect();
                prop_assert_eq!(lanes.len(), cluster.groups.len(), "one group of a lane: {:?}", cluster);
                for group in &cluster.groups {
                    prop_assert!(group.iter().all(|i| lane_of[*i] == lane_of[group[0]]));
                }
                for link in &cluster.links {
                    prop_assert!(link.evidence >= SAME && lane_of[link.a] != lane_of[link.b]);
                    prop_assert!(partners.insert((link.a, lane_of[link.b])), "{:?}", link);
                    prop_assert!(partners.insert((link.b, lane_of[link.a])), "{:?}", link);
                }
            }
        }

        #[test]
        fn which_lane_comes_first_does_not_matter(claims in claims()) {
            let ids: Vec<String> = (0..claims.len()).map(|i| i.to_string()).collect();
            let subjects = subjects(&claims, &ids);
            let corpus = Corpus::new(&subjects);
            let forth: Vec<usize> = claims.iter().map(|(.., lane)| *lane).collect();
            let back: Vec<usize> = forth.iter().map(|lane| 2 - lane).collect();
            let told = |lane_of: &[usize]| told(&align(&corpus, &subjects, lane_of, &|_, _| false));
            prop_assert_eq!(told(&forth), told(&back));
        }
    }

    #[test]
    fn findings_join_a_group_only_if_they_are_like_all_of_it() {
        // The first and the last share nothing; the middle one is like both.
        let texts = [
            "alpha beta gamma delta",
            "alpha beta gamma delta epsilon zeta eta theta",
            "epsilon zeta eta theta",
        ];
        let subjects =
            texts.map(|text| Subject { path: "a.rs", lines: Some((1, 1)), text, ..Subject::default() });
        let corpus = Corpus::new(&subjects);
        let evidence = |x, y| corpus.evidence(x, y).unwrap_or_default();
        assert!(evidence(0, 1) >= DUPLICATE && evidence(1, 2) >= DUPLICATE && evidence(0, 2) < DUPLICATE);
        let alignment = align(&corpus, &subjects, &[0, 0, 0], &|_, _| false);
        assert_eq!(alignment.clusters.len(), 2, "{alignment:?}");
    }
}
