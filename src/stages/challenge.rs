//! What the other lanes are asked about a finding, with the code that may decide it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::adapters::tree::Tree;
use crate::domain::debate::{self, FindingKey, Purpose, Question, Target, Turn, code, shuffled};
use crate::domain::diff::{Diff, FileDiff};
use crate::domain::finding::Raised;
use crate::domain::pass::LaneReport;
use crate::domain::plan::{Plan, PlannedLane};
use crate::domain::prompt;
use crate::domain::prompt::debate::Shown;
use crate::domain::reconcile::Issue;
use crate::domain::redact::Secrets;

/// The most bytes of code in one question: enough for a handful of functions.
const MOST_CODE: usize = 24_000;

/// The bytes of code beside a text that is short: there it costs little, whatever its share.
const USUAL_CODE: usize = 16_000;

/// A text of more bytes is long: what is asked about it is to be a tenth of it at most, so that most of a question is
/// read from the cache.
const LONG: usize = 64_000;

/// The fewest bytes of code: a function and who calls it.
const LEAST_CODE: usize = 4_000;

/// The bytes of code beside a text of this length and a question that is this long without code.
fn room(shared: usize, question: usize) -> usize {
    match shared {
        0..LONG => USUAL_CODE,
        _ => (shared / 11).saturating_sub(question).clamp(LEAST_CODE, MOST_CODE),
    }
}

/// What was said so far.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// What was planned.
    pub plan: &'a Plan,
    /// What each lane did.
    pub reports: &'a [LaneReport],
    /// What that comes to.
    pub issues: &'a [Issue],
}

/// Words the questions of these turns. The code that may decide them is looked up once for all.
pub async fn questions(
    turns: Vec<Turn>,
    said: Said<'_>,
    diff: &Diff,
    tree: Option<&Tree>,
    secrets: &Secrets,
) -> Vec<Question> {
    let raised: BTreeMap<FindingKey, &Raised> = said
        .reports
        .iter()
        .flat_map(|report| report.passes.iter().flat_map(|pass| &pass.findings))
        .map(|raised| (raised.key(), raised))
        .collect();
    let about: BTreeSet<&FindingKey> = turns.iter().flat_map(|turn| &turn.targets).collect();
    let about: Vec<&Raised> = about.into_iter().filter_map(|key| raised.get(key).copied()).collect();
    let files = look_up(&about, tree).await;
    turns.into_iter().map(|turn| question(turn, said, &raised, diff, &files, secrets)).collect()
}

/// The files at the reviewed commit that the findings are about, and those that hold what they name.
async fn look_up(about: &[&Raised], tree: Option<&Tree>) -> BTreeMap<String, Bytes> {
    let Some(tree) = tree.filter(|_| !about.is_empty()) else { return BTreeMap::new() };
    let words: BTreeSet<String> = about.iter().flat_map(|raised| code::words(&raised.finding)).collect();
    let near: BTreeSet<String> = about.iter().map(|raised| raised.path().to_owned()).collect();
    tree.holding(&words.into_iter().collect::<Vec<_>>(), &near.into_iter().collect::<Vec<_>>()).await
}

fn question(
    turn: Turn,
    said: Said<'_>,
    raised: &BTreeMap<FindingKey, &Raised>,
    diff: &Diff,
    files: &BTreeMap<String, Bytes>,
    secrets: &Secrets,
) -> Question {
    let batch = said.plan.batches.get(turn.batch);
    let shared = batch.map(|batch| prompt::cache_key(&batch.prompt));
    let lane = said.plan.lanes.get(turn.lane).map_or("", |planned| planned.lane.name.as_str());
    let seed = debate::seed(&[shared.as_deref().unwrap_or_default(), lane, turn.purpose.as_str()]);
    let name = |prefix: char, keys: Vec<FindingKey>| -> Vec<Target> {
        let named = keys.into_iter().enumerate();
        named.map(|(at, finding)| Target { id: format!("{prefix}{}", at + 1), finding }).collect()
    };
    let targets = name('T', shuffled(turn.targets, seed));
    let own = name('O', turn.own);
    let shown = |target| Some(Shown { target, raised: raised.get(&target.finding).copied()? });
    let about: Vec<Shown<'_>> = targets.iter().filter_map(shown).collect();
    let findings: Vec<&Raised> = about.iter().map(|shown| shown.raised).collect();
    let known: Vec<&FileDiff> =
        batch.iter().flat_map(|batch| &batch.files).filter_map(|file| diff.file(&file.path)).collect();
    let task = |code: &str| match turn.purpose {
        Purpose::Review => String::new(),
        Purpose::Challenge => {
            let own: Vec<Shown<'_>> = own.iter().filter_map(shown).collect();
            prompt::debate::challenge(&about, &own, code, turn.adds)
        }
        Purpose::Defend => {
            let against = about.iter().map(|shown| (*shown, said.against(&shown.target.finding)));
            prompt::debate::defend(&against.collect::<Vec<_>>(), code)
        }
    };
    let (shared, bare) = (batch.map_or(0, |batch| batch.prompt.shared.len()), task("").len());
    let window = said.plan.lanes.get(turn.lane).map_or(usize::MAX, PlannedLane::window);
    let room = room(shared, bare).min(window.saturating_sub(shared + bare));
    let code = code::excerpts(&findings, files, &known, secrets, room);
    let task = task(&code::render(&code));
    let reads = turn.adds || turn.purpose == Purpose::Review;
    let (lane, batch, purpose) = (turn.lane, turn.batch, turn.purpose);
    Question { lane, batch, purpose, targets, own, reads, seed, code, task }
}

impl<'a> Said<'a> {
    /// The refutations of a finding that count.
    fn against(self, key: &FindingKey) -> Vec<&'a debate::Cast> {
        let holds = |issue: &&Issue| issue.members.iter().any(|member| member.key() == *key);
        let votes = self.issues.iter().filter(holds).flat_map(|issue| &issue.votes);
        votes.filter(|cast| cast.vote.stands && cast.vote.stance == debate::Stance::Refuted).collect()
    }
}
