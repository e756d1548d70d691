//! What a lane says in a debate, with its quotes checked against the code it was given.

use super::understood::understood;
use super::{Next, Pass};
use crate::domain::debate::supplied::Supplied;
use crate::domain::debate::{Answer, Defence, FindingKey, Question, Stance, Target, Vote};
use crate::domain::diff::{FileDiff, LineKind};
use crate::domain::finding::{Evidence, Finding};
use crate::domain::pass::End;
use crate::domain::render::words::count;
use crate::domain::{prompt, reply};

impl Pass<'_> {
    /// What the lane was given to quote from: the files of its batch, the code of the question, what it looked up.
    fn supplied(&self, question: &Question) -> Supplied {
        let files: Vec<&FileDiff> = self.files().collect();
        self.supplied_of(&files, question)
    }

    /// What of that was there before the change.
    fn supplied_before(&self, question: &Question) -> Supplied {
        let mut files: Vec<FileDiff> = self.files().cloned().collect();
        for hunk in files.iter_mut().flat_map(|file| &mut file.hunks) {
            hunk.lines.retain(|line| line.kind != LineKind::Added);
        }
        self.supplied_of(&files.iter().collect::<Vec<_>>(), question)
    }

    fn files(&self) -> impl Iterator<Item = &FileDiff> {
        let diff = self.bench.matter.diff;
        self.task.files.iter().filter_map(|file| diff.file(&file.path))
    }

    fn supplied_of(&self, files: &[&FileDiff], question: &Question) -> Supplied {
        let mut supplied = Supplied::of(files, self.bench.matter.around, &question.code);
        for answer in self.lookups.iter().flat_map(|lookups| lookups.answers()) {
            supplied.also(answer);
        }
        supplied
    }

    /// Reads the verdicts on findings of others.
    pub(super) fn read_challenges(&mut self, question: &Question, text: &str) -> Next {
        let reply = reply::parse_challenges(text);
        if !reply.understood {
            return self.repair(text, "the answer holds no list of challenges");
        }
        self.report.problems.extend(reply.problems);
        let supplied = self.supplied(question);
        let older = reply.challenges.iter().any(|said| said.stance == Stance::PreExisting);
        let before = older.then(|| self.supplied_before(question));
        let mut votes: Vec<Vote> = Vec::new();
        for said in reply.challenges {
            let target = named(&question.targets, &said.target);
            let Some(target) = target.filter(|target| votes.iter().all(|vote| vote.target != *target)) else {
                self.note("a verdict on a finding that nobody asked about was left out");
                continue;
            };
            // What is older than the change is shown by code that is.
            let before = before.as_ref().filter(|_| said.stance == Stance::PreExisting);
            let known = before.unwrap_or(&supplied);
            votes.push(Vote {
                target,
                stance: said.stance,
                stands: known.vouches(&said.evidence),
                reason: said.reason,
                evidence: standing_first(known, said.evidence),
                severity: said.severity,
                duplicate_of: said.duplicate_of.and_then(|own| named(&question.own, &own)),
                confidence: said.confidence,
            });
        }
        self.count_open(question, question.targets.len().saturating_sub(votes.len()));
        self.report.votes = votes;
        self.add(question, reply.findings);
        Next::Over(End::Done)
    }

    /// Takes what a lane adds that has read the findings of others; who was not asked to add anything adds nothing.
    fn add(&mut self, question: &Question, findings: Vec<Finding>) {
        if !question.reads {
            if !findings.is_empty() {
                self.note("findings in an answer about findings were left out: the lane has reviewed before");
            }
            return;
        }
        let added = reply::Reply { findings, understood: true, ..reply::Reply::default() };
        let added = understood(added, &self.lane().name, self.task.batch, &self.bench.matter);
        self.report.problems.extend(added.problems);
        self.report.findings = added.findings;
        for raised in &mut self.report.findings {
            raised.informed = true;
            // Its review of the same batch counts from the beginning too.
            raised.finding.id = format!("+{}", raised.finding.id);
        }
    }

    /// Tells how many of the findings it was asked about an answer leaves out: on those the lane has said nothing.
    fn count_open(&mut self, question: &Question, open: usize) {
        if open > 0 {
            self.note(&format!(
                "the answer leaves out {open} of {}",
                count(question.targets.len(), "finding")
            ));
        }
    }

    fn note(&mut self, problem: &str) {
        self.report.problems.push(problem.to_owned());
    }

    /// Reads the answers to refutations. One that quotes what stands nowhere is asked for once more; where that cannot be
    /// had it was not heard.
    pub(super) fn read_defences(&mut self, question: &Question, text: &str) -> Next {
        let reply = reply::parse_defences(text);
        if !reply.understood {
            return self.repair(text, "the answer holds no list of defences");
        }
        self.report.problems.extend(reply.problems);
        let supplied = self.supplied(question);
        let mut said: Vec<Defence> = Vec::new();
        for answer in reply.defences {
            let target = named(&question.targets, &answer.target);
            let Some(target) = target.filter(|target| said.iter().all(|said| said.target != *target)) else {
                self.note("an answer for a finding that nobody asked about was left out");
                continue;
            };
            said.push(Defence {
                target,
                answer: answer.answer,
                stands: supplied.vouches(&answer.evidence),
                evidence: standing_first(&supplied, answer.evidence),
                severity: answer.severity,
                lines: answer.lines,
                claim: answer.claim,
            });
        }
        let is_void = |defence: &Defence| defence.answer != Answer::Withdraw && !defence.stands;
        // What was said before counts for whatever is left out now, and for what was better shown then.
        for before in std::mem::take(&mut self.defences) {
            match said.iter_mut().find(|now| now.target == before.target) {
                None => said.push(before),
                Some(now) if is_void(now) && !is_void(&before) => *now = before,
                Some(_) => {}
            }
        }
        let is_open = |target: &&Target| said.iter().all(|said| said.target != target.finding);
        let open = question.targets.iter().filter(is_open).count();
        let void = |target: &&Target| said.iter().any(|said| is_void(said) && said.target == target.finding);
        let void: Vec<&str> = question.targets.iter().filter(void).map(|target| target.id.as_str()).collect();
        // Until a repair is read, only what stands is said.
        self.report.defences = said.iter().filter(|defence| !is_void(defence)).cloned().collect();
        self.defences.clone_from(&said);
        if !void.is_empty() {
            let why = "the answer quotes code that does not stand";
            let end = End::Invalid { why: why.to_owned() };
            if let Some(next) = self.once_more(prompt::debate::void(&void), why, end) {
                return next;
            }
        }
        self.count_open(question, open);
        self.report.defences = said;
        Next::Over(End::Done)
    }
}

/// What stands before what does not: people are shown the code that counts.
fn standing_first(supplied: &Supplied, mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    evidence.sort_by_cached_key(|quoted| !supplied.holds(quoted));
    evidence
}

/// The finding that a lane means, in whatever case or brackets it writes the name.
fn named(targets: &[Target], name: &str) -> Option<FindingKey> {
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    targets.iter().find(|target| target.id.eq_ignore_ascii_case(name)).map(|target| target.finding.clone())
}
