//! What people read of every class of finding, from values: no lane has to be played for it.

mod comments;
mod summaries;

use std::time::Duration;

use crate::domain::budget::{Ledger, Settlement};
use crate::domain::config::{Config, Gate, Overrides, Settings, Strategy, settle};
use crate::domain::debate::{Answer, Cast, Defence, FindingKey, Purpose, Stance, Target, Vote};
use crate::domain::diff::{Diff, Status, parse_patch};
use crate::domain::finding::{
    Anchor, Clearance, Cleared, Evidence, Finding, Placement, Raised, Resolution, Severity, Side, Verdict,
};
use crate::domain::lane::{Lane, Provider};
use crate::domain::pass::{End, LaneReport, PassReport, Usage};
use crate::domain::plan::{Coverage, Plan};
use crate::domain::pull::{Account, PullRequest};
use crate::domain::reconcile::contradiction::Why;
use crate::domain::reconcile::similarity::{Corpus, Subject};
use crate::domain::reconcile::{Against, Contradiction, Defended, Issue, Possibly};
use crate::domain::review::{Review, Shown, Standing, list};
use crate::domain::snapshot::{Earlier, Place, Snapshot};
use crate::domain::units::{LaneName, MicroUsd, Sha};

const SESSION: &str = "\
@@ -86,3 +86,3 @@ pub fn is_valid
     let now = clock.now();
-    if token.expires_at <= now {
+    if token.expires_at < now {
         return Err(Expired);
";
const REFUND: &str = "\
@@ -140,2 +140,3 @@ pub fn refund
     let id = request.id;
-    ledger.pay_once(id, amount)?;
+    ledger.pay(amount)?;
+    let _ = audit.write(id);
";
const POOL: &str = "\
@@ -48,6 +48,11 @@ pub fn connect
 pub fn connect(&self) -> Result<Connection> {
+    let guard = Guard::new(&self.pool);
     let slot = self.pool.take();
+    if slot.is_retry() {
+        mem::forget(guard);
+    }
+    let connection = slot.connect()?;
     self.pool.release(slot);
     Ok(connection)
 }
 // end
";
const KEY: &str = "\
@@ -18,3 +18,5 @@ pub fn key
 pub fn key(tenant: &str, id: u64) -> String {
+    let prefix = prefix(tenant);
+    let id = id.to_string();
+    format!(\"{prefix}{id}\")
-    format!(\"{tenant}{id}\")
 }
";

/// With what keeps mentions and links from working made visible.
fn visible(text: &str) -> String {
    text.replace('\u{200b}', "[zwsp]")
}

fn sha(letter: &str) -> Sha {
    letter.repeat(40).parse().unwrap()
}

/// A finding of a lane on the line that its quote stands on.
fn raised(lane: &str, severity: Severity, at: (&str, u32), quote: &str, title: &str, body: &str) -> Raised {
    let (path, line) = at;
    let anchor =
        Anchor { path: path.to_owned(), side: Side::New, start: line, end: line, how: Resolution::Exact };
    let finding = Finding {
        id: format!("{path}-{line}"),
        path: path.to_owned(),
        side: Side::New,
        line_start: line,
        line_end: line,
        quote: quote.to_owned(),
        evidence: Vec::new(),
        category: None,
        severity,
        confidence: None,
        title: title.to_owned(),
        body: body.to_owned(),
        failure_scenario: String::new(),
        suggestion: None,
    };
    Raised { lane: LaneName::new(lane), finding, placement: Placement::Anchored(anchor), informed: false }
}

fn issue(verdict: Verdict, members: Vec<Raised>) -> Issue {
    Issue {
        severity: members.iter().map(|member| member.finding.severity).max().unwrap(),
        members,
        verdict,
        matched: None,
        contradiction: None,
        was: None,
        votes: Vec::new(),
        defended: None,
        pre_existing: false,
        outside: Vec::new(),
        possibly: Vec::new(),
    }
}

fn quoted(path: &str, quote: &str) -> Vec<Evidence> {
    vec![Evidence { path: path.to_owned(), quote: quote.to_owned() }]
}

/// What a lane says of an issue's first finding.
fn cast(issue: &Issue, lane: &str, stance: Stance, reason: &str, evidence: Vec<Evidence>) -> Cast {
    let vote = Vote {
        target: issue.members[0].key(),
        stance,
        reason: reason.to_owned(),
        stands: !evidence.is_empty(),
        evidence,
        severity: None,
        duplicate_of: None,
        confidence: None,
    };
    Cast { lane: LaneName::new(lane), vote }
}

fn answered(issue: &Issue, answer: Answer, claim: &str, evidence: Vec<Evidence>) -> Defended {
    Defended::Answered(Defence {
        target: issue.members[0].key(),
        answer,
        stands: !evidence.is_empty(),
        evidence,
        severity: None,
        lines: None,
        claim: claim.to_owned(),
    })
}

const EXPIRY: &str = "    if token.expires_at < now {";

fn agreed() -> Issue {
    let claude = raised(
        "claude",
        Severity::High,
        ("auth/session.rs", 87),
        EXPIRY,
        "A token is accepted in the second it expires",
        "`<` lets a token pass at `expires_at` itself; it was `<=` before.",
    );
    let codex = raised(
        "codex",
        Severity::Medium,
        ("auth/session.rs", 87),
        EXPIRY,
        "Expired token accepted at the boundary",
        "The comparison accepts a token in the very second it expires.",
    );
    issue(Verdict::Agreed, vec![claude, codex])
}

fn confirmed() -> Issue {
    let mut issue = issue(
        Verdict::Confirmed,
        vec![raised(
            "claude",
            Severity::Medium,
            ("api/refund.rs", 141),
            "    ledger.pay(amount)?;",
            "A refund retried after a timeout is paid twice",
            "`pay_once` knew the request's id; `pay` does not.",
        )],
    );
    let reason = "Nothing else remembers the request.";
    issue.votes = vec![cast(
        &issue,
        "codex",
        Stance::Confirmed,
        reason,
        quoted("src/ledger.rs", "fn pay(&mut self, amount: Money) {"),
    )];
    issue
}

fn dropped_error() -> Issue {
    let mut issue = issue(
        Verdict::Confirmed,
        vec![raised(
            "codex",
            Severity::Medium,
            ("api/refund.rs", 142),
            "    let _ = audit.write(id);",
            "The error is dropped; the caller sees success",
            "A failed audit entry goes unnoticed.",
        )],
    );
    issue.members[0].informed = true;
    let evidence = quoted("api/refund.rs", "let _ = audit.write(id)");
    issue.votes = vec![cast(&issue, "claude", Stance::Confirmed, "", evidence)];
    issue
}

fn leak(defended: impl Fn(&Issue) -> Option<Defended>) -> Issue {
    let mut issue = issue(
        Verdict::Disputed,
        vec![raised(
            "codex",
            Severity::High,
            ("db/pool.rs", 54),
            "    let connection = slot.connect()?;",
            "Connection leaks on early return",
            "`?` returns before `release()`: the pool loses one slot each time.",
        )],
    );
    let evidence = quoted("db/pool.rs", "  49 +| let guard = Guard::new(&self.pool);");
    issue.votes = vec![cast(
        &issue,
        "claude",
        Stance::Refuted,
        "The `Guard` releases in `Drop` on every return path.",
        evidence,
    )];
    issue.defended = defended(&issue);
    issue
}

fn narrowed() -> Issue {
    let forget = || quoted("./db/pool.rs", "mem::forget(guard);");
    let mut issue = leak(|issue| {
        Some(answered(issue, Answer::Narrow, "Only on retry, where `Drop` is defeated.", forget()))
    });
    if let Some(Defended::Answered(defence)) = &mut issue.defended {
        defence.lines = Some((51, 54));
    }
    issue.was = Some(Severity::High);
    issue.severity = Severity::Medium;
    issue
}

fn contradiction() -> Issue {
    let quote = "    format!(\"{prefix}{id}\")";
    let mut issue = issue(
        Verdict::Contradiction,
        vec![raised(
            "claude",
            Severity::High,
            ("cache/key.rs", 21),
            quote,
            "Tenant missing from the cache key",
            "Two tenants can share an entry.",
        )],
    );
    let clearance = Clearance {
        path: "cache/key.rs".to_owned(),
        quote: quote.to_owned(),
        reason: "`prefix` already holds the tenant (line 19).".to_owned(),
    };
    let cleared =
        Cleared { lane: LaneName::new("codex"), clearance, placement: issue.members[0].placement.clone() };
    issue.contradiction =
        Some(Contradiction { claim: 0, against: Against::Clearance(cleared), why: Why::Cleared });
    issue
}

fn solo(severity: Severity) -> Issue {
    issue(
        Verdict::Solo,
        vec![raised(
            "codex",
            severity,
            ("cache/key.rs", 20),
            "    let id = id.to_string();",
            "Ids of different lengths run together",
            "Tenant `a1` with id 2 and tenant `a` with id 12 share a key.",
        )],
    )
}

fn withdrawn(defended: impl Fn(&Issue) -> Defended) -> Issue {
    let mut issue = issue(
        Verdict::Withdrawn,
        vec![raised(
            "claude",
            Severity::Medium,
            ("db/pool.rs", 50),
            "    let slot = self.pool.take();",
            "`take` may return nothing",
            "An empty pool gives no slot.",
        )],
    );
    let evidence = quoted("src/pool.rs", "fn take(&self) -> Slot {");
    issue.votes = vec![cast(&issue, "codex", Stance::Refuted, "It waits until there is one.", evidence)];
    issue.defended = Some(defended(&issue));
    issue
}

fn pass(lane: &Lane, purpose: Purpose, targets: &[&Issue], end: End) -> PassReport {
    let target = |(at, issue): (usize, &&Issue)| Target {
        id: format!("T{}", at + 1),
        finding: issue.members[0].key(),
    };
    PassReport {
        purpose,
        targets: targets.iter().enumerate().map(target).collect(),
        attempts: 1,
        usage: Some(Usage { input: 9_000, cache_read: 16_000, output: 2_500, ..Usage::default() }),
        cost: MicroUsd(50_000),
        ..PassReport::unasked(lane, Some(0), end)
    }
}

/// A run of Claude and Codex that found these issues; `more` are passes beside their reviews.
fn review(issues: Vec<Issue>, more: impl Fn(&Lane) -> Vec<PassReport>) -> Review {
    let lanes = [
        Lane::new("claude", Provider::Anthropic, "claude-sonnet-5-5"),
        Lane::new("codex", Provider::Openai, "gpt-6.1-sol"),
    ];
    let report = |lane: &Lane| {
        let passes = std::iter::once(pass(lane, Purpose::Review, &[], End::Done)).chain(more(lane)).collect();
        LaneReport::new(lane, passes, Duration::from_secs(150))
    };
    let files = [
        ("auth/session.rs", SESSION),
        ("api/refund.rs", REFUND),
        ("db/pool.rs", POOL),
        ("cache/key.rs", KEY),
    ];
    let read = |(path, patch): &(&str, &str)| {
        let (file, problems) = parse_patch(path, None, Status::Modified, patch);
        assert_eq!(problems, Vec::<String>::new());
        file
    };
    let bot = Account { login: "counterpoint[bot]".to_owned(), id: Some(1), bot: true };
    let pull = PullRequest {
        number: "7".parse().unwrap(),
        title: String::new(),
        body: String::new(),
        author: None,
        draft: false,
        closed: false,
        head: sha("4"),
        head_repo: None,
        base_ref: "main".to_owned(),
        base: sha("9"),
        changed_files: 4,
        url: "https://github.com/acme/shop/pull/7".to_owned(),
    };
    let place = Place { repo: "acme/shop".parse().unwrap(), pull, me: bot, earlier: Earlier::default() };
    let snapshot = Snapshot {
        place: Some(place),
        head: Some(sha("4")),
        base: Some(sha("9")),
        title: String::new(),
        description: String::new(),
        diff: Diff { files: files.iter().map(read).collect() },
        redacted: 0,
        unlisted: 0,
        config_from: "main@91be0d2".to_owned(),
        attributes: crate::domain::triage::Attributes::default(),
        guidelines: Vec::new(),
        evidence: Default::default(),
        notes: Vec::new(),
    };
    let coverage = Coverage {
        read: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
        lines_read: 17,
        lines_due: 17,
        ..Coverage::default()
    };
    let settings: Settings = settle(&Config::default(), &Overrides::default()).unwrap();
    let plan = Plan {
        strategy: Strategy::Adversarial,
        lanes: Vec::new(),
        absent: Vec::new(),
        batches: Vec::new(),
        strategies: std::collections::BTreeMap::new(),
        challenged: Severity::Medium,
        most_output: 16_000,
        left_out: Coverage::default(),
        unexplained: Vec::new(),
        bound: MicroUsd(940_000),
        estimate: MicroUsd::ZERO,
        time: Duration::from_secs(480),
    };
    let mut ledger = Ledger::new(MicroUsd(1_000_000));
    let call = ledger.reserve(&[(LaneName::new("claude"), "review".to_owned(), MicroUsd(940_000))]).unwrap();
    for call in call {
        ledger.settle(call, Settlement::Cost(MicroUsd(310_000)));
    }
    let mut listed = list(issues, &snapshot, &coverage, &settings.inline);
    for (at, listed) in listed.iter_mut().enumerate() {
        if let Shown::ToPost(anchor) = &listed.shown {
            let url = format!("https://github.com/acme/shop/pull/7#discussion_r{at}");
            listed.shown = Shown::Inline { anchor: anchor.clone(), url, earlier: false };
        }
    }
    Review {
        snapshot,
        settings,
        plan,
        reports: lanes.iter().map(report).collect(),
        coverage,
        listed,
        dismissed: Vec::new(),
        ledger,
        standing: Standing::default(),
        elapsed: Duration::from_secs(161),
    }
}

/// A whole debate: both were asked to check, both to answer.
fn debated(issues: Vec<Issue>) -> Review {
    review(issues, |lane| {
        [Purpose::Challenge, Purpose::Defend].map(|purpose| pass(lane, purpose, &[], End::Done)).to_vec()
    })
}
