use super::*;
use crate::domain::render::inline;

/// One issue's comment without its marker.
fn comment(review: &Review) -> String {
    let listed = &review.listed[0];
    let Shown::Inline { anchor, .. } = &listed.shown else { return "(not inline)".to_owned() };
    let body = inline::body(review, listed, anchor, &sha("4"));
    visible(body.rsplit_once("\n<!--").unwrap().0)
}

fn of(issue: Issue) -> String {
    comment(&debated(vec![issue]))
}

#[test]
fn a_dispute_shows_both_sides_their_code_and_what_would_settle_it() {
    insta::assert_snapshot!(of(narrowed()), @"
    **Connection leaks on early return** · high, now medium · the reviewers disagree

    `?` returns before `release()`: the pool loses one slot each time.

    > **Against (Claude):** The `Guard` releases in `Drop` on every return path: `let guard = Guard::new(&self.pool);` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))
    >
    > **For (Codex), who narrows it:** Only on retry, where `Drop` is defeated: `mem::forget(guard);` ([line 52](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L52)). Now about lines 51 to 54 only.

    **To settle it:** does `let guard = Guard::new(&self.pool);` (line 49) rule this out, even with `mem::forget(guard);` (line 52)?

    <sub>Raised blind by Codex, contested by Claude · `/counterpoint dismiss f1 reason`</sub>
    ");
    let mut gated = debated(vec![narrowed()]);
    gated.settings.fail_on = vec![Gate::AnyHigh];
    assert!(comment(&gated).contains("contested by Claude · does not block · "));
    gated.settings.fail_on = vec![Gate::Disputed];
    assert!(comment(&gated).contains("contested by Claude · blocks · "));
}

#[test]
fn one_who_stands_by_it_and_one_who_objects_may_rest_on_the_same_line() {
    let guard = || quoted("db/pool.rs", "let guard = Guard::new(&self.pool);");
    insta::assert_snapshot!(of(leak(|issue| Some(answered(issue, Answer::Stand, "It is dropped too late.", guard())))), @"
    **Connection leaks on early return** · high · the reviewers disagree

    `?` returns before `release()`: the pool loses one slot each time.

    > **Against (Claude):** The `Guard` releases in `Drop` on every return path: `let guard = Guard::new(&self.pool);` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))
    >
    > **For (Codex), who stands by it:** It is dropped too late: `let guard = Guard::new(&self.pool);` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))

    **To settle it:** Codex and Claude read `let guard = Guard::new(&self.pool);` (line 49) differently: does it rule this out?

    <sub>Raised blind by Codex, contested by Claude · `/counterpoint dismiss f1 reason`</sub>
    ");
}

#[test]
fn a_dispute_in_which_nobody_was_heard_again_rests_on_the_objection() {
    insta::assert_snapshot!(of(leak(|_| Some(Defended::NotHeard))), @"
    **Connection leaks on early return** · high · the reviewers disagree

    `?` returns before `release()`: the pool loses one slot each time.

    > **Against (Claude):** The `Guard` releases in `Drop` on every return path: `let guard = Guard::new(&self.pool);` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))
    >
    > **For (Codex):** was not heard on this.

    **To settle it:** does `let guard = Guard::new(&self.pool);` (line 49) rule this out?

    <sub>Raised blind by Codex, contested by Claude · `/counterpoint dismiss f1 reason`</sub>
    ");
}

#[test]
fn a_contradiction_tells_who_holds_the_code_sound() {
    insta::assert_snapshot!(of(contradiction()), @"
    **Tenant missing from the cache key** · high · the reviewers disagree

    Two tenants can share an entry.

    > **Against (Codex), who checked it and holds it sound:** `prefix` already holds the tenant (line 19).

    **To settle it:** can what Claude describes happen, or does Codex's reason rule it out?

    <sub>Raised blind by Claude, contradicted blind by Codex · `/counterpoint dismiss f1 reason`</sub>
    ");
}

#[test]
fn of_two_claims_the_one_that_denies_speaks_against_whichever_lane_comes_first() {
    let mut issue = agreed();
    issue.verdict = Verdict::Contradiction;
    issue.members[0].finding.title = "The comparison is safe".to_owned();
    issue.members[0].finding.body = "The expiry check is sound.".to_owned();
    let why = Why::Denial { words: "is safe".to_owned() };
    issue.contradiction = Some(Contradiction { claim: 0, against: Against::Member { index: 1 }, why });
    insta::assert_snapshot!(of(issue), @"
    **Expired token accepted at the boundary** · high (Codex: medium) · the reviewers disagree

    The comparison accepts a token in the very second it expires.

    > **Against (Claude):** The expiry check is sound.

    **To settle it:** can what Codex describes happen at `if token.expires_at < now {` (line 87), or is Claude right that it holds?

    <sub>Raised blind by Claude and Codex, who contradict each other · `/counterpoint dismiss f1 reason`</sub>
    ");
}

#[test]
fn a_confirmed_finding_names_both_and_the_code_that_confirms_it() {
    insta::assert_snapshot!(of(confirmed()), @"
    **A refund retried after a timeout is paid twice** · medium · found by one, confirmed by another

    `pay_once` knew the request's id; `pay` does not.

    > **For (Codex), who confirms it:** Nothing else remembers the request: `fn pay(&mut self, amount: Money) {` (`src/ledger.rs`)

    <sub>Raised blind by Claude, checked and confirmed by Codex · `/counterpoint dismiss f1 reason`</sub>
    ");
    let mut milder = confirmed();
    milder.votes[0].vote.severity = Some(Severity::Low);
    assert!(of(milder).contains("** · medium (Codex: low) · "));
}

#[test]
fn what_was_added_after_reading_others_is_not_called_blind() {
    insta::assert_snapshot!(of(dropped_error()), @"
    **The error is dropped; the caller sees success** · medium · found by one, confirmed by another

    A failed audit entry goes unnoticed.

    > **For (Claude), who confirms it:** `let _ = audit.write(id)` ([line 142](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/api/refund.rs#L142))

    <sub>Added by Codex, who had read what Claude found, checked and confirmed by Claude · `/counterpoint dismiss f1 reason`</sub>
    ");
}

#[test]
fn one_provenance_line_tells_what_the_other_made_of_a_finding_of_one() {
    let line = |issue: Issue| of(issue).lines().last().unwrap().to_owned();
    let voted = |stance, evidence: Vec<Evidence>| {
        let mut issue = solo(Severity::High);
        let mut vote = cast(&issue, "claude", stance, "Because.", evidence);
        vote.vote.stands = false;
        issue.votes = vec![vote];
        issue
    };
    let lines = [
        line(solo(Severity::High)),
        line(voted(Stance::Plausible, Vec::new())),
        line(voted(Stance::Refuted, quoted("a.rs", "it stands nowhere"))),
        line(voted(Stance::Confirmed, Vec::new())),
    ];
    insta::assert_snapshot!(lines.join("\n"), @"
    <sub>Raised blind by Codex; Claude read the same and did not raise it · `/counterpoint dismiss f1 reason`</sub>
    <sub>Raised blind by Codex; Claude checked it and could not tell · `/counterpoint dismiss f1 reason`</sub>
    <sub>Raised blind by Codex; Claude objected without code to show for it, which does not count · `/counterpoint dismiss f1 reason`</sub>
    <sub>Raised blind by Codex; Claude confirmed it without code to show for it, which does not count · `/counterpoint dismiss f1 reason`</sub>
    ");
    let mut alone = debated(vec![solo(Severity::High)]);
    alone.reports.remove(0);
    assert!(comment(&alone).contains("Raised blind by Codex; no other reviewer was asked · "));
}

#[test]
fn what_was_there_before_is_never_inline() {
    let mut older = solo(Severity::Critical);
    older.pre_existing = true;
    assert_eq!(of(older), "(not inline)");
    assert_eq!(of(withdrawn(|issue| answered(issue, Answer::Withdraw, "", Vec::new()))), "(not inline)");
}

#[test]
fn a_vote_without_code_that_stands_is_not_repeated() {
    let mut issue = solo(Severity::High);
    let mut vote =
        cast(&issue, "claude", Stance::Refuted, "Nonsense about guards.", quoted("a.rs", "invented()"));
    vote.vote.stands = false;
    issue.votes = vec![vote];
    let comment = of(issue);
    assert!(!comment.contains("Nonsense") && !comment.contains("invented"), "{comment}");
}

#[test]
fn code_is_shown_with_its_line_only_where_that_is_certain() {
    let claim = |quote: &str, path: &str| {
        let mut issue = leak(|_| None);
        issue.votes[0].vote.evidence = quoted(path, quote);
        let comment = of(issue);
        let line = comment.lines().find(|line| line.starts_with("> **Against")).unwrap();
        line.split_once("path: ").unwrap().1.to_owned()
    };
    let shown = [
        claim("let   slot = self.pool.take();", "db/pool.rs"),
        claim("mem::forget(guard)", "b/db/pool.rs"),
        claim("ledger.pay_once(id, amount)?;", "api/refund.rs"),
        claim("fn drop(&mut self) {", "src/guard.rs"),
        claim("fn drop(&mut self) {", ""),
        claim("&self.pool", "db/pool.rs"),
        claim("self.pool", "db/pool.rs"),
        claim("}\n\n    mem::forget(guard);\n", "db/pool.rs"),
    ];
    insta::assert_snapshot!(shown.join("\n"), @"
    `let slot = self.pool.take();` ([line 50](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L50))
    `mem::forget(guard)` ([line 52](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L52))
    `ledger.pay_once(id, amount)?;` ([`api/refund.rs:141` before the change](https://github.com/acme/shop/blob/9999999999999999999999999999999999999999/api/refund.rs#L141))
    `fn drop(&mut self) {` (`src/guard.rs`)
    `fn drop(&mut self) {`
    `&self.pool` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))
    `self.pool`
    `mem::forget(guard);` ([line 52](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L52))
    ");
}

#[test]
fn hostile_words_and_quotes_stay_words_and_quotes() {
    let bad = "@acme/admins </details> ![x](https://evil.example/x.png)\n```suggestion\nrm -rf /\n```\n<!-- x -->\n## h";
    let mut issue = narrowed();
    issue.votes[0].vote.reason = bad.to_owned();
    issue.votes[0].vote.evidence = quoted("a`b](https://evil.example)|\n@acme", bad);
    issue.defended =
        Some(answered(&issue, Answer::Narrow, bad, quoted("x\n</sub>", "`` `@acme/admins` ``|| <!-- -->")));
    let review = debated(vec![issue]);
    insta::assert_snapshot!(comment(&review), @r"
    **Connection leaks on early return** · high, now medium · the reviewers disagree

    `?` returns before `release()`: the pool loses one slot each time.

    > **Against (Claude):**
    >
    > @[zwsp]acme/admins &lt;/details&gt; x
    >
    > ```
    > rm -rf /
    > ```
    >
    > &lt;!-- x --&gt;
    >
    > **h**
    >
    > `@acme/admins </details> ![x](https://evil.example/x.png)` (``a`b](https://evil.example)\| @acme``)
    >
    > **For (Codex), who narrows it:**
    >
    > @[zwsp]acme/admins &lt;/details&gt; x
    >
    > ```
    > rm -rf /
    > ```
    >
    > &lt;!-- x --&gt;
    >
    > **h**
    >
    > ``` `` `@acme/admins` ``\|\| <[zwsp]!-- --[zwsp]> ``` (`x </sub>`)

    **To settle it:** does `@acme/admins </details> ![x](https://evil.example/x.png)` (``a`b](https://evil.example)\| @acme``) rule this out, even with ``` `` `@acme/admins` ``\|\| <[zwsp]!-- --[zwsp]> ``` (`x </sub>`)?

    <sub>Raised blind by Codex, contested by Claude · `/counterpoint dismiss f1 reason`</sub>
    ");
    insta::assert_snapshot!(crate::domain::render::text::review(&review), @"
    Counterpoint: 1 for you to decide

    high, now medium · contested (Codex) · db/pool.rs:54
      Connection leaks on early return
      `?` returns before `release()`: the pool loses one slot each time.
      Claude objects: @acme/admins </details> ![x](https://evil.example/x.png) ```suggestion rm -rf / ``` <!-- x --> ## h: `@acme/admins </details> ![x](https://evil.example/x.png)` (a`b](https://evil.example)| @acme)
      Codex narrows it: @acme/admins </details> ![x](https://evil.example/x.png) ```suggestion rm -rf / ``` <!-- x --> ## h: ``` `@acme/admins` ``|| <!-- -->` (x </sub>)
      To settle it: does `@acme/admins </details> ![x](https://evil.example/x.png)` (a`b](https://evil.example)| @acme) rule this out, even with ``` `@acme/admins` ``|| <!-- -->` (x </sub>)?

    4 files read · 2 of 2 reviewers · 2 min 41 s · $0.31 of $1.00 (worst case planned $0.94)
    ");
}

#[test]
fn a_reason_that_begins_with_code_keeps_it_code() {
    use pulldown_cmark::{Event, Parser, Tag, TagEnd};
    let mut issue = narrowed();
    issue.votes[0].vote.reason = "```\n@acme/admins <img src=https://evil.example/x.png>\n```".to_owned();
    let comment = of(issue);
    let mut in_code = false;
    for event in Parser::new(&comment) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if !in_code => assert!(!text.contains("@acme"), "{comment}"),
            Event::Html(html) | Event::InlineHtml(html) => assert!(!html.contains("img"), "{comment}"),
            _ => {}
        }
    }
}

#[test]
fn a_finding_raised_again_by_one_who_had_read_it_is_confirmed_and_not_independent() {
    let mut issue = agreed();
    issue.verdict = Verdict::Confirmed;
    issue.members[1].informed = true;
    assert!(of(issue).contains("Raised blind by Claude"));
}
