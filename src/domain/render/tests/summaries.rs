use super::*;
use crate::domain::render::{check, summary, text};

fn markdown(review: &Review) -> String {
    visible(&summary::markdown(review, super::super::MAX_BODY))
}

/// The part of a summary between two headings or folds.
fn part(review: &Review, from: &str) -> String {
    let text = markdown(review);
    let Some(at) = text.find(from) else { panic!("{from} is not in\n{text}") };
    let rest = &text[at..];
    let end =
        ["\n\n#### ", "\n\n<details>", "\n\n<sub>"].iter().filter_map(|next| rest[1..].find(next)).min();
    rest[..end.map_or(rest.len(), |end| end + 1)].to_owned()
}

/// Three to fix, two to decide, two from one reviewer, one withdrawn.
fn everything() -> Review {
    let mut older = solo(Severity::High);
    older.members[0].lane = LaneName::new("claude");
    older.pre_existing = true;
    older.members[0].finding.title = "Ids are not checked".to_owned();
    let evidence = quoted("src/ids.rs", "pub fn id(text: &str) -> u64 {");
    older.votes = vec![cast(&older, "codex", Stance::PreExisting, "", evidence)];
    let mut unsure = solo(Severity::Medium);
    unsure.votes =
        vec![cast(&unsure, "claude", Stance::Plausible, "It depends on how ids are made.", Vec::new())];
    debated(vec![
        agreed(),
        narrowed(),
        contradiction(),
        confirmed(),
        dropped_error(),
        older,
        unsure,
        withdrawn(|issue| answered(issue, Answer::Withdraw, "", Vec::new())),
    ])
}

#[test]
fn a_summary_tells_what_to_fix_then_what_to_decide_and_folds_the_rest() {
    let review = everything();
    insta::assert_snapshot!(markdown(&review), @"
    ### Counterpoint: 3 to fix, 2 for you to decide, 2 from one reviewer

    Claude and Codex both finished on `4444444`. 4 files, 17 changed lines read · 2 min 41 s · **$0.31 of $1.00**

    #### Fix: found by both
    | | where | what goes wrong |
    |---|---|---|
    | high (Codex: medium) | [`auth/session.rs:87`](https://github.com/acme/shop/pull/7#discussion_r0) | A token is accepted in the second it expires |
    | medium | [`api/refund.rs:141`](https://github.com/acme/shop/pull/7#discussion_r3) | A refund retried after a timeout is paid twice <sub>Claude, confirmed by Codex</sub> |
    | medium | [`api/refund.rs:142`](https://github.com/acme/shop/pull/7#discussion_r4) | The error is dropped; the caller sees success <sub>Codex, confirmed by Claude</sub> |

    #### Decide: the reviewers differ
    **[`db/pool.rs:54`](https://github.com/acme/shop/pull/7#discussion_r1) Connection leaks on early return** · high, now medium · disputed
    - **Codex:** `?` returns before `release()`: the pool loses one slot each time.
    - **Claude objects:** The `Guard` releases in `Drop` on every return path: `let guard = Guard::new(&self.pool);` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))
    - **Codex narrows it:** Only on retry, where `Drop` is defeated: `mem::forget(guard);` ([line 52](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L52)). Now about lines 51 to 54 only.
    - **Settle it:** does `let guard = Guard::new(&self.pool);` (line 49) rule this out, even with `mem::forget(guard);` (line 52)?

    **[`cache/key.rs:21`](https://github.com/acme/shop/pull/7#discussion_r2) Tenant missing from the cache key** · high · contradiction
    - **Claude:** Two tenants can share an entry.
    - **Codex checked it and holds it sound:** `prefix` already holds the tenant (line 19).
    - **Settle it:** can what Claude describes happen, or does Codex's reason rule it out?

    <details><summary>2 from one reviewer only, 1 withdrawn</summary>

    | | where | what goes wrong |
    |---|---|---|
    | high | [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) | Ids are not checked <sub>Claude; it was there before this change, as Codex shows</sub> |
    | medium | [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) | Ids of different lengths run together <sub>Codex; Claude checked it and could not tell</sub> |

    **Withdrawn**
    - [`db/pool.rs:50`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L50) `take` may return nothing · medium
      - Raised by Claude.
      - **Codex objects:** It waits until there is one: `fn take(&self) -> Slot {` (`src/pool.rs`)
      - **Claude withdraws it.**

    </details>

    <details><summary>2 findings without an inline comment, in full</summary>

    [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) **Ids are not checked** · high · one reviewer

    Tenant `a1` with id 2 and tenant `a` with id 12 share a key.

    > **Codex says it was there before this change:** `pub fn id(text: &str) -> u64 {` (`src/ids.rs`)

    <sub>Raised blind by Claude; it was there before this change, as Codex shows</sub>

    ---

    [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) **Ids of different lengths run together** · medium · one reviewer

    Tenant `a1` with id 2 and tenant `a` with id 12 share a key.

    > **Claude checked it and cannot tell:** It depends on how ids are made.

    <sub>Raised blind by Codex; Claude checked it and could not tell</sub>

    </details>

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review, challenge, answer | 75k (48k) / 7.5k | 2:30 | $0.15 |
    | Codex | `gpt-6.1-sol` | review, challenge, answer | 75k (48k) / 7.5k | 2:30 | $0.15 |

    Worst case planned: $0.94. List prices of 2026-11-22. This pull request so far: $0.31 of $3.00.

    </details>

    <sub>`/review` looks again · configuration from main@[zwsp]91be0d2 · v0.1.0</sub>
    ");
    assert_eq!(
        check::of(&review, &sha("4")).title,
        "3 to fix, 2 for you to decide, 2 from one reviewer · $0.31"
    );
}

#[test]
fn a_terminal_gets_the_same_without_markdown() {
    insta::assert_snapshot!(text::review(&everything()), @"
    Counterpoint: 3 to fix, 2 for you to decide, 2 from one reviewer

    high (Codex: medium) · both (Claude and Codex) · auth/session.rs:87
      A token is accepted in the second it expires
      `<` lets a token pass at `expires_at` itself; it was `<=` before.

    high, now medium · contested (Codex) · db/pool.rs:54
      Connection leaks on early return
      `?` returns before `release()`: the pool loses one slot each time.
      Claude objects: The `Guard` releases in `Drop` on every return path: `let guard = Guard::new(&self.pool);` (line 49)
      Codex narrows it: Only on retry, where `Drop` is defeated: `mem::forget(guard);` (line 52). Now about lines 51 to 54 only.
      To settle it: does `let guard = Guard::new(&self.pool);` (line 49) rule this out, even with `mem::forget(guard);` (line 52)?

    high · contested (Claude) · cache/key.rs:21
      Tenant missing from the cache key
      Two tenants can share an entry.
      Codex checked it and holds it sound: `prefix` already holds the tenant (line 19).
      To settle it: can what Claude describes happen, or does Codex's reason rule it out?

    medium · both (Claude) · api/refund.rs:141
      A refund retried after a timeout is paid twice
      `pay_once` knew the request's id; `pay` does not.
      Codex confirms it: Nothing else remembers the request: `fn pay(&mut self, amount: Money) {` (src/ledger.rs)

    medium · both (Codex) · api/refund.rs:142
      The error is dropped; the caller sees success
      A failed audit entry goes unnoticed.
      Claude confirms it: `let _ = audit.write(id)` (line 142)

    high · one reviewer (Claude) · cache/key.rs:20
      Ids are not checked
      Tenant `a1` with id 2 and tenant `a` with id 12 share a key.
      Codex says it was there before this change: `pub fn id(text: &str) -> u64 {` (src/ids.rs)

    medium · one reviewer (Codex) · cache/key.rs:20
      Ids of different lengths run together
      Tenant `a1` with id 2 and tenant `a` with id 12 share a key.
      Claude checked it and cannot tell: It depends on how ids are made.

    medium · withdrawn (Claude) · db/pool.rs:50
      `take` may return nothing
      An empty pool gives no slot.
      Codex objects: It waits until there is one: `fn take(&self) -> Slot {` (src/pool.rs)
      Claude withdraws it

    4 files read · 2 of 2 reviewers · 2 min 41 s · $0.31 of $1.00 (worst case planned $0.94)
    ");
}

#[test]
fn the_heading_says_independently_only_where_every_row_is() {
    assert!(markdown(&debated(vec![agreed()])).contains("#### Fix: found by both, independently\n"));
    assert!(markdown(&debated(vec![agreed(), confirmed()])).contains("#### Fix: found by both\n"));
}

#[test]
fn whoever_was_not_heard_is_not_overruled() {
    let asked = leak(|_| Some(Defended::NotHeard));
    let targets = [asked.clone()];
    let review = review(vec![asked], |lane| match lane.name.as_str() {
        "codex" => {
            let why = End::Unavailable { why: "overloaded".to_owned() };
            let pass = pass(lane, Purpose::Defend, &targets.each_ref(), why);
            vec![PassReport { attempts: 3, ..pass }]
        }
        _ => vec![pass(lane, Purpose::Challenge, &targets.each_ref(), End::Done)],
    });
    insta::assert_snapshot!(part(&review, "#### Decide"), @"
    #### Decide: the reviewers differ
    **[`db/pool.rs:54`](https://github.com/acme/shop/pull/7#discussion_r0) Connection leaks on early return** · high · disputed
    - **Codex:** `?` returns before `release()`: the pool loses one slot each time.
    - **Claude objects:** The `Guard` releases in `Drop` on every return path: `let guard = Guard::new(&self.pool);` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))
    - **Codex was not heard on this** (overloaded, 3 tries).
    - **Settle it:** does `let guard = Guard::new(&self.pool);` (line 49) rule this out?
    ");
    assert_eq!(
        summary::warnings(&review),
        ["Codex could not answer the objections to what it found (overloaded, 3 tries): 1 finding stays \
          disputed. Run it again later."]
    );
    let cost = part(&review, "<details><summary>Cost");
    assert!(cost.contains("| Codex | `gpt-6.1-sol` | review, answer: not available, 4 requests |"), "{cost}");
}

#[test]
fn a_check_that_failed_is_told_on_top_and_leaves_its_findings_unchecked() {
    let unchecked = |severity| Issue { verdict: Verdict::Unchecked, ..solo(severity) };
    let mut second = unchecked(Severity::Low);
    second.members[0].finding.id = "other".to_owned();
    let issues = [unchecked(Severity::Medium), second];
    let review = review(issues.to_vec(), |lane| match lane.name.as_str() {
        "claude" => {
            let pass = pass(lane, Purpose::Challenge, &issues.each_ref(), End::Limited);
            vec![PassReport { attempts: 3, ..pass }]
        }
        _ => Vec::new(),
    });
    insta::assert_snapshot!(markdown(&review), @"
    ### Counterpoint: 2 from one reviewer

    Claude and Codex both reviewed `4444444`. 4 files, 17 changed lines read · 2 min 41 s · **$0.31 of $1.00**

    Claude could not check what Codex found (rate limit, 3 tries): 2 findings are unchecked. Run it again later.

    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | medium | [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) | Ids of different lengths run together <sub>Codex; unchecked, because Claude could not check it (rate limit, 3 tries)</sub> |
    | low | [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) | Ids of different lengths run together <sub>Codex; unchecked, because Claude could not check it (rate limit, 3 tries)</sub> |

    <details><summary>2 findings without an inline comment, in full</summary>

    [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) **Ids of different lengths run together** · medium · one reviewer

    Tenant `a1` with id 2 and tenant `a` with id 12 share a key.

    <sub>Raised blind by Codex; unchecked, because Claude could not check it (rate limit, 3 tries)</sub>

    ---

    [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) **Ids of different lengths run together** · low · one reviewer

    Tenant `a1` with id 2 and tenant `a` with id 12 share a key.

    <sub>Raised blind by Codex; unchecked, because Claude could not check it (rate limit, 3 tries)</sub>

    </details>

    <details><summary>Cost, time, models</summary>

    | | model | passes | tokens in (cached) / out | time | cost |
    |---|---|---|---|---|---|
    | Claude | `claude-sonnet-5-5` | review, challenge: rate limit, 4 requests | 50k (32k) / 5.0k | 2:30 | $0.10 |
    | Codex | `gpt-6.1-sol` | review | 25k (16k) / 2.5k | 2:30 | $0.05 |

    Worst case planned: $0.94. List prices of 2026-11-22. This pull request so far: $0.31 of $3.00.

    </details>

    <sub>`/review` looks again · configuration from main@[zwsp]91be0d2 · v0.1.0</sub>
    ");
}

#[test]
fn what_blocks_the_merge_is_never_folded() {
    let mut review = debated(vec![agreed(), solo(Severity::High), {
        let mut low = solo(Severity::Low);
        low.members[0].finding.id = "low".to_owned();
        low
    }]);
    assert!(!markdown(&review).contains("#### From one reviewer"));
    review.settings.fail_on = vec![Gate::AnyHigh, Gate::Disputed];
    insta::assert_snapshot!(part(&review, "The gate"), @"The gate `any-high` tripped: 2 findings of high or critical severity.");
    insta::assert_snapshot!(part(&review, "#### From one reviewer"), @"
    #### From one reviewer
    | | where | what goes wrong |
    |---|---|---|
    | high, blocks | [`cache/key.rs:20`](https://github.com/acme/shop/pull/7#discussion_r1) | Ids of different lengths run together <sub>Codex</sub> |
    ");
    insta::assert_snapshot!(part(&review, "<details>"), @"
    <details><summary>1 more from one reviewer only</summary>

    | | where | what goes wrong |
    |---|---|---|
    | low | [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) | Ids of different lengths run together <sub>Codex</sub> |

    </details>
    ");
}

#[test]
fn a_withdrawn_finding_tells_who_refuted_it_with_what_and_how_it_ended() {
    let void = withdrawn(|issue| {
        Defended::Answered(Defence {
            target: issue.members[0].key(),
            answer: Answer::Stand,
            evidence: quoted("src/pool.rs", "this stands nowhere"),
            stands: false,
            severity: None,
            lines: None,
            claim: "I am sure.".to_owned(),
        })
    });
    let mut given_up = withdrawn(|issue| answered(issue, Answer::Withdraw, "It does wait.", Vec::new()));
    given_up.members[0].finding.id = "other".to_owned();
    let review = debated(vec![void, given_up]);
    assert_eq!(summary::headline(&review), "nothing found");
    insta::assert_snapshot!(part(&review, "<details>"), @"
    <details><summary>2 withdrawn</summary>

    **Withdrawn**
    - [`db/pool.rs:50`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L50) `take` may return nothing · medium
      - Raised by Claude.
      - **Codex objects:** It waits until there is one: `fn take(&self) -> Slot {` (`src/pool.rs`)
      - **Claude could show no code for it.**
    - [`db/pool.rs:50`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L50) `take` may return nothing · medium
      - Raised by Claude.
      - **Codex objects:** It waits until there is one: `fn take(&self) -> Slot {` (`src/pool.rs`)
      - **Claude withdraws it:** It does wait.

    </details>
    ");
}

#[test]
fn findings_that_are_possibly_the_same_are_named_once() {
    let (mut here, mut there) = (solo(Severity::Low), confirmed());
    let matched = Corpus::new(&[Subject::default(), Subject::default()]).compare(0, 1);
    let possibly = |of: &Issue| {
        let FindingKey { lane, id } = of.members[0].key();
        vec![Possibly { lane, id, matched: matched.clone() }]
    };
    (here.possibly, there.possibly) = (possibly(&there), possibly(&here));
    insta::assert_snapshot!(part(&debated(vec![there, here]), "<details>"), @"
    <details><summary>1 from one reviewer only, 1 pair possibly the same</summary>

    | | where | what goes wrong |
    |---|---|---|
    | low | [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) | Ids of different lengths run together <sub>Codex</sub> |

    **Possibly the same**
    - [`api/refund.rs:141`](https://github.com/acme/shop/pull/7#discussion_r0) A refund retried after a timeout is paid twice (Claude) and [`cache/key.rs:20`](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/cache/key.rs#L20) Ids of different lengths run together (Codex)

    </details>
    ");
}

#[test]
fn a_gate_says_what_trips_it_and_that_undecided_is_neither() {
    let found =
        crate::domain::outcome::Tally { disputed: 1, contradictions: 2, high: 1, ..Default::default() };
    let none = crate::domain::outcome::Tally::default();
    let say =
        |gates: &[Gate], outcome, tally| check::gate_sentence(gates, outcome, tally).unwrap_or_default();
    use crate::domain::outcome::Outcome;
    let sentences = [
        say(&[], Outcome::Reviewed, &found),
        say(&[Gate::AgreedHigh], Outcome::Reviewed, &found),
        say(&[Gate::AgreedHigh, Gate::Disputed], Outcome::Reviewed, &none),
        say(&[Gate::AnyHigh], Outcome::Reviewed, &found),
        say(&[Gate::Disputed, Gate::Contradiction, Gate::AgreedHigh], Outcome::Partial, &found),
        say(&[Gate::AnyHigh], Outcome::Partial, &none),
        say(&[Gate::AnyHigh, Gate::Disputed], Outcome::Partial, &none),
        say(&[Gate::AnyHigh, Gate::Incomplete], Outcome::Partial, &none),
    ];
    insta::assert_snapshot!(sentences.join("\n"), @"

    The gate `agreed-high` passed.
    The gates `agreed-high` and `disputed` passed.
    The gate `any-high` tripped: 1 finding of high or critical severity.
    The gates `disputed` and `contradiction` tripped: 1 disputed finding and 2 contradictions.
    The gate `any-high` is undecided, neither passed nor failed: nothing found so far trips it, but the review is not whole.
    The gates `any-high` and `disputed` are undecided, neither passed nor failed: nothing found so far trips them, but the review is not whole.
    The gate `incomplete` tripped: the review is not whole.
    ");
}

#[test]
fn hundreds_of_disagreements_still_fit_into_a_comment() {
    let long = "word ".repeat(3_000);
    let issues = (0..300).map(|number| {
        let mut issue = narrowed();
        issue.members[0].finding.id = format!("F{number}");
        issue.members[0].finding.body = long.clone();
        issue.votes[0].vote.reason = long.clone();
        issue
    });
    let text = summary::comment(&debated(issues.collect()));
    assert!(text.chars().count() <= super::super::MAX_BODY, "{}", text.chars().count());
    assert!(text.ends_with("-->"), "the marker is the end");
}

#[test]
fn whoever_goes_second_and_fails_neither_checks_nor_adds() {
    let issues = [Issue { verdict: Verdict::Unchecked, ..solo(Severity::High) }];
    let mut review = review(issues.to_vec(), |_| Vec::new());
    let lane = Lane::new("claude", Provider::Anthropic, "claude-sonnet-5-5");
    let passes = vec![pass(&lane, Purpose::Challenge, &issues.each_ref(), End::TimedOut)];
    review.reports[0] = LaneReport::new(&lane, passes, Duration::from_secs(9));
    assert_eq!(
        summary::warnings(&review),
        ["Claude could neither check what Codex found nor add to it (out of time): 1 finding is unchecked. \
          Raise `max-minutes` to give it longer."]
    );
    assert!(markdown(&review).contains("\n\nCodex finished on `4444444`."));
    assert!(markdown(&review).contains("| challenge: out of time |"));
}

#[test]
fn three_reviewers_are_told_apart() {
    let mut issue = narrowed();
    let evidence = quoted("db/pool.rs", "if slot.is_retry() {");
    issue.votes.push(cast(&issue, "gemini", Stance::Confirmed, "Retries happen.", evidence));
    issue.votes.insert(0, cast(&issue, "local", Stance::Plausible, "", Vec::new()));
    insta::assert_snapshot!(part(&debated(vec![issue.clone()]), "#### Decide"), @"
    #### Decide: the reviewers differ
    **[`db/pool.rs:54`](https://github.com/acme/shop/pull/7#discussion_r0) Connection leaks on early return** · high, now medium · disputed
    - **Codex:** `?` returns before `release()`: the pool loses one slot each time.
    - **Claude objects:** The `Guard` releases in `Drop` on every return path: `let guard = Guard::new(&self.pool);` ([line 49](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L49))
    - **Gemini confirms it:** Retries happen: `if slot.is_retry() {` ([line 51](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L51))
    - **Local checked it and cannot tell.**
    - **Codex narrows it:** Only on retry, where `Drop` is defeated: `mem::forget(guard);` ([line 52](https://github.com/acme/shop/blob/4444444444444444444444444444444444444444/db/pool.rs#L52)). Now about lines 51 to 54 only.
    - **Settle it:** does `let guard = Guard::new(&self.pool);` (line 49) rule this out, even with `mem::forget(guard);` (line 52)?
    ");
    let line = crate::domain::render::provenance::standing(&debated(Vec::new()), &issue);
    assert_eq!(line, "Raised blind by Codex, confirmed by Gemini, contested by Claude");
}
