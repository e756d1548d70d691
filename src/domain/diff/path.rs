//! How git spells paths in a diff: prefixes, quotes, octal escapes.

/// The two names of a `diff --git` line, prefixes removed, when both halves of it name the same file.
///
/// The line separates its names by a space, which names may hold too; only equal halves are certain.
/// Where the names differ, git says them again in lines of their own.
pub(super) fn same_name_twice(line: &[u8]) -> Option<Vec<u8>> {
    let (old, new) = if line.starts_with(b"\"") {
        let (old, rest) = unquote(line)?;
        (old, name(rest.strip_prefix(b" ")?)?)
    } else {
        let (old, rest) = line.split_at_checked(line.len() / 2)?;
        (old.to_vec(), rest.strip_prefix(b" ")?.to_vec())
    };
    let (old, new) = without_prefixes(&old, &new);
    (old == new && !old.is_empty()).then(|| old.to_vec())
}

/// A name that stands alone on the rest of its line, quoted or not.
pub(super) fn name(text: &[u8]) -> Option<Vec<u8>> {
    if text.starts_with(b"\"") { unquote(text).map(|(name, _)| name) } else { Some(text.to_vec()) }
}

/// What a `---` or `+++` line names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SideName {
    /// `/dev/null`: the file is not there on this side.
    Nothing,
    /// A file, its prefix included.
    File(Vec<u8>),
}

/// Reads the rest of a `---` or `+++` line.
pub(super) fn side_name(text: &[u8]) -> Option<SideName> {
    // After a name with spaces git writes a tab, and other tools a date behind it; a tab in the name is quoted.
    let end = if text.starts_with(b"\"") { None } else { text.iter().position(|byte| *byte == b'\t') };
    let text = end.and_then(|end| text.get(..end)).unwrap_or(text);
    if text == b"/dev/null" { Some(SideName::Nothing) } else { name(text).map(SideName::File) }
}

/// Removes the prefixes that git puts before the names of the two sides, if both have theirs.
pub(super) fn without_prefixes<'a>(old: &'a [u8], new: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    const PAIRS: [(&[u8], &[u8]); 6] =
        [(b"a/", b"b/"), (b"i/", b"w/"), (b"c/", b"w/"), (b"c/", b"i/"), (b"o/", b"w/"), (b"1/", b"2/")];
    PAIRS.iter().find_map(|(a, b)| Some((old.strip_prefix(*a)?, new.strip_prefix(*b)?))).unwrap_or((old, new))
}

/// Reads a C-style quoted name; gives it and what follows the closing quote.
pub(in crate::domain) fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'"' => return Some((name, rest)),
            b'\\' => {
                let (escape, after) = rest.split_first()?;
                rest = after;
                if let b'0'..=b'3' = escape {
                    let (digits, after) = rest.split_at_checked(2)?;
                    rest = after;
                    let octal = |value: u8, digit: &u8| {
                        matches!(digit, b'0'..=b'7').then(|| (value << 3) | (digit - b'0'))
                    };
                    name.push(digits.iter().try_fold(escape - b'0', octal)?);
                } else {
                    name.push(ESCAPES.iter().find(|(letter, _)| letter == escape)?.1);
                }
            }
            byte => name.push(*byte),
        }
    }
}

/// The escapes with a letter of their own.
const ESCAPES: [(u8, u8); 9] = [
    (b'a', 0x07),
    (b'b', 0x08),
    (b't', b'\t'),
    (b'n', b'\n'),
    (b'v', 0x0b),
    (b'f', 0x0c),
    (b'r', b'\r'),
    (b'"', b'"'),
    (b'\\', b'\\'),
];

/// Writes a name as git does: quoted when a byte of it needs it.
pub(super) fn quoted(prefix: &str, path: &str) -> String {
    let plain = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
    if path.bytes().all(plain) {
        return format!("{prefix}{path}");
    }
    let mut out = format!("\"{prefix}");
    for byte in path.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else if let Some((letter, _)) = ESCAPES.iter().find(|(_, escaped)| *escaped == byte) {
            out.push('\\');
            out.push(char::from(*letter));
        } else {
            out.push_str(&format!("\\{byte:03o}"));
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_halves_are_found_around_spaces_and_prefixes() {
        let twice = |line: &str| same_name_twice(line.as_bytes()).map(|n| String::from_utf8(n).unwrap());
        assert_eq!(twice("a/x b/x b/x b/x").as_deref(), Some("x b/x"));
        assert_eq!(twice(r#""a/\303\251 \"q\"" "b/\303\251 \"q\"""#).as_deref(), Some("é \"q\""));
        assert_eq!(twice("i/src/x w/src/x").as_deref(), Some("src/x"));
        assert_eq!(twice("a/src/x a/src/x").as_deref(), Some("a/src/x"), "no prefixes are in use");
        for wrong in ["", " ", "a/ b/", "a/x b/y", "\"a/x", "\"a/\\q\" \"b/\\q\"", "\"a/\\777\" \"b/\\777\""]
        {
            assert_eq!(twice(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_side_name_ends_at_its_tab() {
        assert_eq!(side_name(b"a/two words\t"), Some(SideName::File(b"a/two words".to_vec())));
        assert_eq!(side_name(b"\"a/two\\twords\"\t"), Some(SideName::File(b"a/two\twords".to_vec())));
        assert_eq!(side_name(b"/dev/null"), Some(SideName::Nothing));
        assert_eq!(side_name(b"\"a/open"), None);
    }

    proptest! {
        #[test]
        fn every_name_survives_quoting(path in "[\\x01-\\u{3ff} \"\\\\]{1,12}") {
            let line = quoted("a/", &path);
            prop_assert!(!line.contains(|c: char| c.is_control() || !c.is_ascii()));
            prop_assert_eq!(name(line.as_bytes()), Some(format!("a/{path}").into_bytes()));
        }
    }
}
