//! Claims about the same lines that exclude each other, and claims that only look as if they did, in the words that
//! reviewers use. Of the first, 84 of 90 are seen; of the others, none is taken for one.

use super::contradiction::Claims;
use super::place::Place;
use super::similarity::Subject;

/// One holds the code sound, the other calls it broken.
const SOUND_AND_BROKEN: &[(&str, &str)] = &[
    ("SQL injection through `name`", "Not injectable: `name` is a bound parameter"),
    ("Data race on the hit counter", "The counter is safe: every access holds the lock"),
    ("`user` may be null here", "`user` cannot be null here, the guard above returns early"),
    ("Null dereference of `session`", "`session` is never null at this point"),
    ("Path traversal via `file_name`", "No path traversal here: the name is reduced to its last part"),
    ("The index can run past the end", "The index cannot exceed the length, the loop bound is exclusive"),
    ("Unescaped output, XSS", "No XSS here, the template escapes by default"),
    ("Integer overflow in `total`", "`total` cannot overflow: both operands are at most 16 bits"),
    ("The file handle leaks on error", "No leak here, the handle is closed by the defer"),
    ("Deadlock between `a` and `b`", "A deadlock is not possible: both paths take `a` first"),
    ("The comparison is off by one", "The comparison is correct: the upper bound is inclusive"),
    ("Missing authorisation check", "This endpoint is already authorised by the middleware"),
    ("Retries are unbounded", "Works as intended: the client gives up after five attempts"),
    ("Timing attack on the token comparison", "Not vulnerable to timing: the comparison is constant-time"),
    (
        "Division by zero when the list is empty",
        "Division by zero cannot happen, the caller rejects empty lists",
    ),
    ("The password is logged", "False positive: the logger redacts the password"),
    ("Race between the check and the write", "Not a race: both run inside one transaction"),
    ("The promise is never awaited", "This is intentional: the promise is awaited by the caller"),
    ("`id` is interpolated into the query", "The query is fully parameterised, so no injection is possible"),
    ("Use after free of `node`", "`node` is sound: the arena outlives every borrow"),
    (
        "The regex is vulnerable to catastrophic backtracking",
        "The regex is not vulnerable, it has no nested quantifiers",
    ),
    ("Unvalidated redirect target", "The redirect target is already validated against the allow list"),
    ("Response body is not closed", "The body is properly closed by the deferred call"),
    ("Cache entries are never invalidated", "No bug here: entries are dropped by the write path"),
    ("Token never expires", "The expiry is correctly handled in `verify`"),
    ("Unsafe deserialisation of user input", "Deserialisation is harmless here: the type list is closed"),
    (
        "Stack overflow by deep recursion",
        "Recursion depth is bounded by 64, so a stack overflow is impossible",
    ),
    ("Wrong unit: milliseconds are expected", "The unit is right: the API takes seconds"),
    ("Concurrent map writes", "The map is thread-safe, it is a sync.Map"),
    ("Migration fails on existing rows", "The migration is fine: the column has a default"),
];

/// Opposite advice about one thing.
const OPPOSITE_ADVICE: &[(&str, &str)] = &[
    ("Missing null check on user", "Remove the null check on user, it cannot be null"),
    ("The retry timeout is too short", "The retry timeout is too long"),
    ("Increase the pool size", "The pool size should be reduced"),
    ("The lock is released too early", "The lock is released too late"),
    ("Enable certificate validation", "Certificate validation should be disabled"),
    ("Redirects should be allowed", "Do not follow or allow redirects"),
    ("Keep the legacy flag", "The legacy flag can be removed"),
    ("Move the flush before the commit", "The flush must run after the commit"),
    ("The email regex is too strict", "The email regex is too permissive"),
    ("Add a cache for the lookup", "The cache for the lookup is unnecessary"),
    ("Avoid the global lock", "Add a global lock"),
    ("The defensive copy is needed", "The defensive copy is redundant"),
    ("No need for the retry", "A retry is missing"),
    ("The index is not needed", "Add the index"),
    ("Tighten the rate limit", "The rate limit should be relaxed"),
    ("Bump the connect timeout", "Lower the connect timeout"),
    ("Widen the allowed range", "Narrow the allowed range"),
    ("Include the stack trace", "Omit the stack trace"),
    ("Turn on strict mode", "Turn off strict mode"),
    ("Activate the feature flag", "The feature flag should be deactivated"),
    ("The await on save is unnecessary", "Missing await on save"),
    ("Skip the checksum", "Keep the checksum"),
    ("The batch size is too large", "The batch size is too small"),
    ("The transaction is required", "The transaction is unnecessary"),
    ("Do not log the request id", "Log the request id"),
    ("Validate the header", "Do not validate the header"),
    ("The cache ttl is too high", "Raise the cache ttl"),
    ("Reject unknown fields", "Unknown fields should be accepted"),
    ("Call close before flush", "Call close after flush"),
    ("Restore the deprecated alias", "Delete the deprecated alias"),
];

/// One line of code and two fixes of it of which only one can be applied.
const FIXES: &[(&str, &str, &str)] = &[
    ("while i < n {", "while i <= n {", "while i != n {"),
    ("timeout = 30", "timeout = 60", "timeout = 10"),
    ("if a > b {", "if a >= b {", "if a < b {"),
    ("let ttl = 3600;", "let ttl = 60;", "let ttl = 86400;"),
    ("verify=None", "verify=True", "verify=False"),
    ("return x + 1", "return x", "return x - 1"),
    ("for (i = 0; i <= n; i++)", "for (i = 0; i < n; i++)", "for (i = 1; i <= n; i++)"),
    ("if user and admin:", "if user or admin:", "if user and not admin:"),
    ("level = \"info\"", "level = \"debug\"", "level = \"warn\""),
    ("if (a && b) {", "if (a || b) {", "if (a ^ b) {"),
    ("retries: 3", "retries: 5", "retries: 0"),
    ("x << 2", "x << 3", "x << 1"),
    ("if len(xs) > 0", "if len(xs) > 1", "if len(xs) > 2"),
    ("mode: 0o777", "mode: 0o755", "mode: 0o700"),
    ("offset = page * size", "offset = (page - 1) * size", "offset = (page + 1) * size"),
    ("if (n > max)", "if (n >= max && strict)", "if (n <= max && strict)"),
    ("cache: true", "cache: false", "cache: null"),
    ("chunk(100)", "chunk(50)", "chunk(500)"),
    ("status == 200", "status >= 200", "status != 200"),
    ("end = start + len", "end = start + len - 1", "end = start + len + 1"),
    ("min(a, b)", "max(a, b)", "sum(a, b)"),
    ("port = 80", "port = 443", "port = 8080"),
    ("return false;", "return true;", "return null;"),
    ("sleep(1)", "sleep(5)", "sleep(0)"),
    ("a = b / c", "a = b % c", "a = b * c"),
    ("width: 16", "width: 32", "width: 8"),
    ("x >= 0 && x < n", "x >= 0 && x <= n", "x >= 0 && x != n"),
    ("seed(1)", "seed(2)", "seed(3)"),
    ("take(10)", "take(11)", "take(9)"),
    ("LOG_LEVEL=info", "LOG_LEVEL=error", "LOG_LEVEL=trace"),
];

/// The same, agreeing, or about different things: no contradiction.
const ONLY_ALIKE: &[(&str, &str)] = &[
    ("Data race on the counter", "The counter is not safe"),
    ("`user` may be null", "The code assumes that `user` cannot be null, but `find` returns null"),
    ("SQL injection through `name`", "`name` is not escaped, so injection is possible"),
    ("Missing null check on user", "Add a null check for user"),
    ("The timeout is too short", "Increase the timeout"),
    ("Redundant call to close()", "Remove the call to close()"),
    ("This removes the null check", "Add a null check"),
    ("Fails to remove the lock", "Missing removal of the lock; the lock is kept"),
    ("Add a null check", "Remove the length check"),
    ("Add a call to flush()", "Remove the call to close()"),
    ("Remove the lock here and add the lock there", "Add the lock"),
    ("Enable the cache", "Remove the cache"),
    ("`buffer` is already freed here", "Double free of `buffer`"),
    ("The handle is already closed when read() runs", "Read after close"),
    ("The comparison is correct only for ASCII", "Comparison breaks for umlauts"),
    ("The comment says the map is thread-safe, it is not", "Concurrent map writes"),
    ("The lock is safe only if `init` ran first", "`init` may not have run when the lock is taken"),
    ("If `user` is never null this is dead code", "`user` may be null"),
    ("It looks as if this is safe, but `getenv` races", "`getenv` races with `setenv`"),
    ("Overflow cannot be ruled out", "Integer overflow in `total`"),
    ("It is not correct to retry a POST", "POST is retried"),
    ("Nothing proves that this is safe", "Data race on `state`"),
    ("The test is fine, the code is not", "The code drops the last element"),
    ("Not a leak today, but one as soon as `open` fails", "The handle leaks if `open` fails"),
    ("The cache ttl is too high", "Lower the cache ttl"),
    ("The pool is too small for the load", "The pool is too small, raise its size"),
    ("Retry is missing for timeouts", "Do not retry on 400"),
    ("Add logging to the handler", "Remove the password from the log"),
    ("The lock is held too long", "The timeout is too short"),
    ("Call close before return", "Call close before exit"),
    ("Call flush before close", "Call close after flush"),
    ("Move the check before the write", "The write must come after the check"),
    ("Avoid the global lock", "The global lock is a bottleneck"),
    ("Avoid blocking calls in async code", "Blocking call in async code"),
    ("Validate the header", "The header is not validated"),
    ("The index is missing", "The index is not used"),
    ("Keep the connection open", "The connection should not be closed"),
    ("Increase the buffer", "The buffer should not be reduced"),
    ("Do not remove the guard", "Keep the guard"),
    ("Skip empty rows", "Empty rows should be dropped"),
    ("Reject negative amounts", "Do not accept negative amounts"),
    ("Allow only HTTPS", "Plain HTTP should be rejected"),
    ("Log the request id", "Do not log the password"),
    ("Strict mode is off", "Turn on strict mode"),
    ("The flag was removed", "Restore the flag"),
    ("The flag is no longer added", "Add the flag"),
    ("No test for the retry", "The retry is not needed after a 404"),
    ("The transaction is required for both writes", "Both writes need one transaction"),
    ("Unnecessary allocation in the loop", "Missing bounds check in the loop"),
    ("The default is too low for production", "The default should be raised for production"),
    ("Use a bounded queue", "The queue grows without bound"),
    ("Close the file in all cases", "The file is not closed on error"),
    ("This check is redundant with the one in `parse`", "The check in `parse` is missing a lower bound"),
    ("`getenv` is safe here, `setenv` is not", "`setenv` is unsafe with threads"),
    ("Deadlock if the callback locks again", "The callback may lock twice"),
    ("The error is intentionally swallowed, which hides failed writes", "Failed writes are silent"),
    ("The retry is correct but unbounded", "Retries never end"),
    ("The validation is fine for users, not for admins", "Admins bypass validation"),
    ("It should not be possible to overflow here, yet it is", "Overflow for large inputs"),
    ("The name is properly escaped in HTML but not in the header", "Header injection through the name"),
];

/// A line and two fixes that agree, or that can both be applied.
const FIXES_ALIKE: &[(&str, &str, &str)] = &[
    ("timeout = 30", "timeout = 60", "timeout = 60"),
    ("timeout = 30", "timeout  =  60", "timeout = 60"),
    ("timeout = 30", "timeout = 60", "deadline = 30"),
    ("timeout = 30", "timeout = 60", "timeout = 30 * 2"),
    ("foo(a, b)", "foo(a, b, c)", "foo(x, b)"),
    ("let x = y;", "let x = y.clone();", "let x = Arc::clone(&y);"),
    ("if (user.name == null)", "if (user == null || user.name == null)", "if (!user?.name)"),
    ("send(guests)", "send(unique)", "send(unique)"),
    ("x = a + b", "x = a - b", "x = a + c"),
    ("run(cmd)", "run(cmd, shell=False)", "run(shlex.split(cmd))"),
];

fn exclude(a: Subject<'_>, b: Subject<'_>) -> bool {
    let found = |subjects: &[Subject]| Claims::new(subjects).between(0, 1, Place::Overlapping(1)).is_some();
    let (forth, back) = (found(&[a, b]), found(&[b, a]));
    assert_eq!(forth, back, "{a:?} / {b:?}");
    forth
}

fn claims(a: &str, b: &str) -> bool {
    let claim = |title| Subject { title, ..Subject::default() };
    exclude(claim(a), claim(b))
}

fn fixes(quote: &str, a: &str, b: &str) -> bool {
    let fix = |suggestion| Subject { quote, suggestion: Some(suggestion), ..Subject::default() };
    exclude(fix(a), fix(b))
}

#[test]
fn what_only_looks_like_a_contradiction_is_none() {
    let wrong: Vec<_> = ONLY_ALIKE.iter().filter(|(a, b)| claims(a, b)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let wrong: Vec<_> = FIXES_ALIKE.iter().filter(|(line, a, b)| fixes(line, a, b)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is not seen, by the first of each row; nothing else may be missed. Precision comes first.
#[test]
fn most_contradictions_are_seen() {
    let unseen = |table: &[(&'static str, &'static str)]| {
        table.iter().filter(|(a, b)| !claims(a, b)).map(|(a, _)| *a).collect::<Vec<_>>()
    };
    // No word in common, and none that names the same kind of fault.
    assert_eq!(unseen(SOUND_AND_BROKEN), ["Retries are unbounded", "Token never expires"]);
    // A list of verbs.
    assert_eq!(unseen(OPPOSITE_ADVICE), ["Redirects should be allowed"]);
    // The lines differ in more than one place, or in length.
    let unseen: Vec<&str> =
        FIXES.iter().filter(|(line, a, b)| !fixes(line, a, b)).map(|(line, ..)| *line).collect();
    assert_eq!(unseen, ["return x + 1", "for (i = 0; i <= n; i++)", "if user and admin:"]);
}
