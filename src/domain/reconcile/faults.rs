//! Kinds of fault and the words that name them: two claims in different words meet where both speak of, say, races.
//!
//! From common usage (CWE names, error names of widespread languages), not from any comments. A word stands in one
//! kind only; words that name many kinds (`wrong`, `invalid`, `issue`) stand in none.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::text::stem;

/// Each kind as people know it, then the words for it.
const FAULTS: &[(&str, &str)] = &[
    ("null values", "null nil none undefined npe nullpointerexception nullable dereference optional unwrap"),
    (
        "races",
        "race racy concurrent concurrency thread goroutine atomic toctou simultaneous parallel interleave",
    ),
    ("locks", "lock mutex deadlock unlock contention synchronized semaphore"),
    (
        "leaks of resources",
        "leak close unclosed dispose release free freed cleanup descriptor dangling handle",
    ),
    ("bounds", "bounds boundary index range outofbounds inclusive exclusive slice negative truncate"),
    ("overflow", "overflow underflow wraparound saturate"),
    (
        "injection",
        "injection inject xss ssrf csrf sanitize sanitise escape unescaped untrusted interpolate malicious crafted attacker spoof traversal",
    ),
    (
        "access",
        "permission authorization authorisation unauthorized authenticate bypass privilege access forbidden allowed deny denied role scope",
    ),
    ("secrets", "secret password credential token plaintext expose disclosure sensitive"),
    ("spelling", "typo misspelled misspelt spelling spelled"),
    ("types", "type cast mismatch typeerror coercion incompatible isinstance"),
    ("dead code", "unused dead redundant unnecessary discard useless noop unreachable superfluous"),
    ("letter case", "casing lowercase uppercase insensitive capitalization"),
    ("time", "timezone utc timestamp date clock duration daylight"),
    ("waiting", "await async promise asynchronous awaited unawaited unhandled rejection"),
    ("speed", "slow performance quadratic expensive inefficient latency"),
    ("documentation", "docstring comment documentation javadoc misleading outdated"),
    ("names", "naming rename misnamed misnomer"),
    ("translation", "translation translate language locale localisation localization"),
    ("failure", "error exception throw thrown raise crash panic fail failure abort attributeerror keyerror"),
    ("silence", "swallow silent ignored suppress"),
    ("defaults", "default fallback"),
    ("validation", "validate validation unvalidated unchecked check verify guard"),
    ("constants", "hardcoded hardcode magic literal constant"),
    ("repetition", "duplicate twice repeated again"),
    ("loops", "loop infinite recursion recursive endless iterate iteration"),
    ("caches", "cache stale invalidation invalidate"),
    ("retries", "retry backoff timeout attempt"),
    ("transactions", "transaction rollback commit atomicity partial"),
    ("equality", "hash equals equality compare comparison identity"),
    ("order", "order sort ordering sequence nondeterministic"),
    ("memory", "memory allocation unbounded grow exhaustion"),
    ("compatibility", "migration schema backward compatibility breaking deprecated legacy"),
    ("arithmetic", "float rounding precision division zero"),
    ("emptiness", "empty blank missing absent"),
];

static KIND_OF: LazyLock<BTreeMap<String, &str>> = LazyLock::new(|| {
    let named = |(kind, words): &(&'static str, &'static str)| {
        let kind = *kind;
        words.split(' ').map(move |word| (stem(word), kind))
    };
    FAULTS.iter().flat_map(named).collect()
});

/// The kind of fault that the stem of a word names.
pub(super) fn kind_of(stem: &str) -> Option<&'static str> {
    KIND_OF.get(stem).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_one_kind_of_fault() {
        let mut seen = BTreeMap::new();
        for (kind, words) in FAULTS {
            for word in words.split(' ') {
                let before = seen.insert(stem(word), kind);
                assert!(before.is_none_or(|before| before == kind), "{word}: {before:?} and {kind}");
                assert_eq!(kind_of(&stem(word)), Some(*kind));
            }
        }
    }

    #[test]
    fn inflected_words_name_the_same_kind() {
        for (word, kind) in [("raced", "races"), ("leaks", "leaks of resources"), ("validated", "validation")]
        {
            assert_eq!(kind_of(&stem(word)), Some(kind), "{word}");
        }
        assert_eq!(kind_of("the"), None);
    }
}
