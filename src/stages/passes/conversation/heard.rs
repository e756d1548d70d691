//! What a lane says in a debate, with its quotes checked against the code it was given.

use super::understood::understood;
use super::{Next, Pass};
use crate::domain::debate::supplied::Supplied;
use crate::domain::debate::{Answer, Defence, FindingKey, Question, Target, Vote};
use crate::domain::finding::Evidence;
use crate::domain::pass::End;
use crate::domain::reply;

impl Pass<'_> {
    /// What the lane was given to quote from: the files of its batch, the code of the question, what it looked up.
    fn supplied(&self, question: &Question) -> Supplied {
        let matter = &self.bench.matter;
        let files =
            self.task.files.iter().filter_map(|file| matter.diff.file(&file.path)).collect::<Vec<_>>();
        let mut supplied = Supplied::of(&files, matter.around, &question.code);
        for answer in self.lookups.iter().flat_map(|lookups| lookups.answers()) {
            supplied.also(answer);
        }
        supplied
    }

    pub(super) fn read_challenges(&mut self, question: &Question, text: &str) -> Next {
        let reply = reply::parse_challenges(text);
        if !reply.understood {
            return self.repair(text, "the answer holds no list of challenges");
        }
        self.report.problems.extend(reply.problems);
        let supplied = self.supplied(question);
        for said in reply.challenges {
            let Some(target) = named(&question.targets, &said.target) else {
                self.report
                    .problems
                    .push("a verdict on a finding that nobody asked about was left out".to_owned());
                continue;
            };
            self.report.votes.push(Vote {
                target,
                stance: said.stance,
                stands: supplied.vouches(&said.evidence),
                reason: said.reason,
                evidence: standing_first(&supplied, said.evidence),
                severity: said.severity,
                duplicate_of: said.duplicate_of.and_then(|own| named(&question.own, &own)),
                confidence: said.confidence,
            });
        }
        let added = reply::Reply { findings: reply.findings, understood: true, ..reply::Reply::default() };
        let added = understood(added, &self.lane().name, self.task.batch, &self.bench.matter);
        self.report.problems.extend(added.problems);
        self.report.findings = added.findings;
        for raised in &mut self.report.findings {
            raised.informed = true;
            // Its review of the same batch counts from the beginning too.
            raised.finding.id = format!("+{}", raised.finding.id);
        }
        Next::Over(End::Done)
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
            let Some(target) = named(&question.targets, &answer.target) else {
                self.report
                    .problems
                    .push("an answer for a finding that nobody asked about was left out".to_owned());
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
        // What was said before counts for whatever is left out now.
        let before = std::mem::take(&mut self.defences);
        let unsaid = |defence: &Defence| said.iter().all(|now| now.target != defence.target);
        let kept: Vec<Defence> = before.into_iter().filter(unsaid).collect();
        said.extend(kept);
        let is_void = |defence: &Defence| defence.answer != Answer::Withdraw && !defence.stands;
        let void = |target: &&Target| said.iter().any(|said| is_void(said) && said.target == target.finding);
        let void: Vec<&str> = question.targets.iter().filter(void).map(|target| target.id.as_str()).collect();
        if void.is_empty() {
            self.report.defences = said;
            return Next::Over(End::Done);
        }
        // Until the repair is read, only what stands is said.
        self.report.defences = said.iter().filter(|defence| !is_void(defence)).cloned().collect();
        if let Some(next) = self.with_standing_quotes(&void) {
            self.defences = said;
            return next;
        }
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
