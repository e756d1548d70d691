//! Keeps secrets out of prompts, comments, logs and records, and text out of the runner's command parser.
//!
//! Everything works line by line: a rule runs only on the lines that its hint names, so that clean text costs
//! one pass of one automaton. What spans lines (private keys) has its own small reader.

mod mask;
mod rules;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use regex::bytes::Regex;

pub use self::mask::{SHORTEST_KEY, Secrets, break_command, is_invisible, log_line};
use self::rules::{BASE64_RUN, HINTS, Place, RULES, compile, rank};

use crate::domain::diff::{Diff, FileDiff, Hunk, Line, LineKind};

/// Replaces every secret by `[redacted: KIND]`; text without one comes back as it is.
#[must_use]
pub fn text(input: &str) -> Cow<'_, str> {
    let mut lines: Vec<Cow<'_, [u8]>> = Vec::new();
    let mut hits = 0;
    let mut keys = false;
    for line in input.split('\n') {
        keys |= KEY_BLOCK.is_match(line.as_bytes());
        let clean = redact_line(line.as_bytes());
        hits += usize::from(clean.is_some());
        lines.push(clean.map_or(Cow::Borrowed(line.as_bytes()), Cow::Owned));
    }
    if keys {
        let views: Vec<&[u8]> = input.split('\n').map(str::as_bytes).collect();
        for (line, body) in lines.iter_mut().zip(key_bodies(&views, false)) {
            if let Some(clean) = body {
                hits += 1;
                *line = Cow::Owned(clean);
            }
        }
    }
    if hits == 0 {
        return Cow::Borrowed(input);
    }
    // Ranges start and end at ASCII, so this is UTF-8 still; `lossy` only spares a panic.
    Cow::Owned(String::from_utf8_lossy(&lines.join(&b'\n')).into_owned())
}

/// Replaces the secrets in the lines and section headings of a diff. Lines stay as many as they were.
/// Returns how many lines were changed.
pub fn diff(diff: &mut Diff) -> usize {
    diff.files.iter_mut().map(redact_file).sum()
}

/// Hides the keys and tokens of this run where a diff holds them, whatever their form. Returns how many lines
/// were changed.
pub fn known(diff: &mut Diff, secrets: &Secrets) -> usize {
    let lines = diff.files.iter_mut().flat_map(|file| &mut file.hunks).flat_map(|hunk| &mut hunk.lines);
    let mut changed = 0;
    for line in lines {
        let text = String::from_utf8_lossy(&line.text);
        if let Cow::Owned(masked) = secrets.mask(&text) {
            replace(line, masked.into_bytes());
            changed += 1;
        }
    }
    changed
}

/// A file in full, of which single lines are shown: what is secret in them is known only from the whole.
pub struct Whole<'a> {
    lines: &'a [&'a [u8]],
    bodies: Vec<Option<Vec<u8>>>,
    secrets: &'a Secrets,
}

impl<'a> Whole<'a> {
    /// The new version of a file by its lines, and the secrets whose values are known.
    #[must_use]
    pub fn new(file: &FileDiff, lines: &'a [&'a [u8]], secrets: &'a Secrets) -> Self {
        Self::named(is_key_file(file), lines, secrets)
    }

    /// A file that stands at a path, whatever is changed in it.
    #[must_use]
    pub fn of(path: &str, lines: &'a [&'a [u8]], secrets: &'a Secrets) -> Self {
        Self::named(KEY_FILE.is_match(path.as_bytes()), lines, secrets)
    }

    /// `named`: whether the file's name says that it holds a key.
    fn named(named: bool, lines: &'a [&'a [u8]], secrets: &'a Secrets) -> Self {
        let keys = named || lines.iter().any(|line| KEY_BLOCK.is_match(line));
        let bodies = if keys { key_bodies(lines, named) } else { Vec::new() };
        Self { lines, bodies, secrets }
    }

    /// A line, counted from 0, as [`diff()`] and [`known`] leave it; absent where the file has none.
    #[must_use]
    pub fn line(&self, at: usize) -> Option<Vec<u8>> {
        let line = *self.lines.get(at)?;
        let body = self.bodies.get(at).cloned().flatten();
        let clean = body.or_else(|| redact_line(line)).unwrap_or_else(|| line.to_vec());
        match self.secrets.mask(&String::from_utf8_lossy(&clean)) {
            Cow::Owned(masked) => Some(masked.into_bytes()),
            Cow::Borrowed(_) => Some(clean),
        }
    }
}

/// A file of this name holds nothing else, so a region that shows neither end of the key counts as well.
fn is_key_file(file: &FileDiff) -> bool {
    let paths = [Some(&file.path), file.old_path.as_ref()];
    paths.into_iter().flatten().any(|path| KEY_FILE.is_match(path.as_bytes()))
}

/// Whether a hunk seems to stand in the middle of a key that begins and ends outside of it: rows of base64 as wide as
/// keys are written, and nothing in sight that calls them public.
fn stands_in_key(file: &FileDiff) -> bool {
    let rows = |hunk: &Hunk, skipped: LineKind| {
        let mut rows = 0;
        hunk.lines.iter().filter(|line| line.kind != skipped).any(|line| {
            rows = if is_key_row(&line.text) { rows + 1 } else { 0 };
            rows == KEY_ROWS
        })
    };
    let mut hunks = file.hunks.iter();
    hunks.any(|hunk| rows(hunk, LineKind::Added) || rows(hunk, LineKind::Deleted))
        && !file.hunks.iter().any(|hunk| PUBLIC.is_match(&hunk.header))
        && !file.lines().any(|line| PUBLIC.is_match(&line.text))
}

/// A row of 64 characters (OpenSSL), 70 (OpenSSH) or 76 (MIME) that is not hexadecimal, as hashes are.
fn is_key_row(line: &[u8]) -> bool {
    (64..140).contains(&line.len())
        && key_body(line, 64).is_some()
        && BASE64_RUN.find_iter(line).any(|run| {
            matches!(run.len(), 64 | 70 | 76) && run.as_bytes().iter().any(|byte| !byte.is_ascii_hexdigit())
        })
}

fn redact_file(file: &mut FileDiff) -> usize {
    let named = is_key_file(file) || stands_in_key(file);
    let keys = named || file.lines().any(|line| KEY_BLOCK.is_match(&line.text));
    let mut changed = 0;
    // Each side is read on its own: in a key that was rotated, both bodies stand between one pair of ends.
    let mut bodies: Vec<Option<Vec<u8>>> = Vec::new();
    if keys {
        bodies = vec![None; file.lines().count()];
        for skipped in [LineKind::Added, LineKind::Deleted] {
            let (places, views): (Vec<usize>, Vec<&[u8]>) = file
                .lines()
                .enumerate()
                .filter(|(_, line)| line.kind != skipped)
                .map(|(place, line)| (place, line.text.as_ref()))
                .unzip();
            for (place, body) in places.into_iter().zip(key_bodies(&views, named)) {
                if let (Some(slot), Some(_)) = (bodies.get_mut(place), &body) {
                    *slot = body;
                }
            }
        }
    }
    let mut bodies = bodies.into_iter();
    for hunk in &mut file.hunks {
        if let Some(clean) = redact_heading(&hunk.header, keys) {
            hunk.header = clean.into();
        }
        for line in &mut hunk.lines {
            let body = bodies.next().flatten();
            if let Some(clean) = body.or_else(|| redact_line(&line.text)) {
                changed += 1;
                replace(line, clean);
            }
        }
    }
    changed
}

fn replace(line: &mut Line, clean: Vec<u8>) {
    line.text = Bytes::from(clean);
    line.redacted = true;
}

/// Git prints a line of the file behind the second `@@`, and in a `.env` file that line is an assignment.
fn redact_heading(header: &[u8], keys: bool) -> Option<Vec<u8>> {
    let numbers = HUNK_NUMBERS.find(header)?.end();
    let (numbers, heading) = header.split_at_checked(numbers)?;
    let body = keys.then(|| key_body(heading, 32)).flatten();
    let clean = body.or_else(|| redact_line(heading))?;
    Some([numbers, &clean].concat())
}

/// The line without its secrets, or nothing when it holds none.
fn redact_line(line: &[u8]) -> Option<Vec<u8>> {
    let mut found: Vec<(Range<usize>, &str)> = Vec::new();
    for index in &HINTS.matches(line) {
        let Some(rule) = RULES.get(index) else { continue };
        for captures in rule.pattern.captures_iter(line) {
            let Some(secret) = captures.name("v").or_else(|| captures.get(0)) else { continue };
            let place = Place {
                value: secret.as_bytes(),
                key: captures.name("key").map_or(&b""[..], |key| key.as_bytes()),
                after: line.get(secret.end()..).unwrap_or_default(),
            };
            if (rule.keep)(&place) {
                found.push((secret.range(), rule.kind));
            }
        }
    }
    // Where rules overlap, the first in the table names the kind, and all that any of them saw goes.
    found.sort_by_key(|(range, _)| range.start);
    let mut clean = Vec::new();
    let mut at = 0;
    let mut found = found.into_iter().peekable();
    while let Some((mut range, mut kind)) = found.next() {
        while let Some((more, other)) = found.next_if(|(more, _)| more.start < range.end) {
            range.end = range.end.max(more.end);
            if rank(other) < rank(kind) {
                kind = other;
            }
        }
        clean.extend_from_slice(line.get(at..range.start).unwrap_or_default());
        clean.extend_from_slice(b"[redacted: ");
        clean.extend_from_slice(kind.as_bytes());
        clean.push(b']');
        at = range.end;
    }
    if at == 0 {
        return None;
    }
    clean.extend_from_slice(line.get(at..).unwrap_or_default());
    Some(clean)
}

static KEY_BLOCK: LazyLock<Regex> = LazyLock::new(|| compile("PRIVATE KEY|Private-Lines:"));
static KEY_BEGIN: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}|^Private-Lines: ?\d")
});
static KEY_END: LazyLock<Regex> =
    LazyLock::new(|| compile(r"-{4,5} ?END [A-Z0-9 ]{0,30}PRIVATE KEY|^Private-MAC:"));
/// What may stand in a key block and is no part of the key: encapsulated headers, empty lines.
static KEY_HEADER: LazyLock<Regex> = LazyLock::new(|| {
    compile(r#"^\W*(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset)\s?:|^[\s"'`+#*/>|\\,;.nr()]*$"#)
});
static KEY_FILE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?i)(?:\.(?:pem|key|p8|ppk|pvk)|(?:^|[/_.-])id_(?:rsa|dsa|ecdsa|ed25519))$"));
/// What stands above base64 that everybody may read.
static PUBLIC: LazyLock<Regex> = LazyLock::new(|| compile("CERTIFICATE|PUBLIC KEY|SIGNATURE|PGP MESSAGE"));
/// So many rows of base64 one below the other are a block: three lines of context on each side of a changed row are
/// more.
const KEY_ROWS: usize = 5;
static HUNK_NUMBERS: LazyLock<Regex> = LazyLock::new(|| compile(r"^@@[^@]*@@"));

/// For each line, the line without the key material it holds as part of a private key block.
///
/// Code names these blocks without holding one, so only lines that look like base64 are taken, and the first
/// other line ends the block. An end without a beginning takes the lines above it. `named` says that the file
/// is a key file by its name: long base64 lines go wherever they stand.
fn key_bodies(lines: &[&[u8]], named: bool) -> Vec<Option<Vec<u8>>> {
    let mut bodies: Vec<Option<Vec<u8>>> = vec![None; lines.len()];
    let mut inside = false;
    let mut begun = None;
    let mut last_was_short = false;
    for (at, line) in lines.iter().enumerate() {
        if KEY_END.is_match(line) {
            if !inside {
                // Upwards as long as it looks like a key; the line just above the end may be short.
                for (above, line) in lines.iter().enumerate().take(at).rev() {
                    let shortest = if above + 1 == at { 1 } else { 32 };
                    let Some(slot) = bodies.get_mut(above).filter(|slot| slot.is_none()) else { break };
                    *slot = key_body(line, shortest);
                    if slot.is_none() {
                        break;
                    }
                }
            }
            inside = KEY_BEGIN.is_match(line) && ends_open(line);
            continue;
        }
        if KEY_BEGIN.is_match(line) {
            (inside, begun, last_was_short) = (true, Some(at), false);
            continue;
        }
        if inside && !KEY_HEADER.is_match(line) {
            let body = if last_was_short { None } else { key_body(line, 1) };
            inside = body.is_some();
            last_was_short = line.len() < 48;
            if let Some(slot) = bodies.get_mut(at) {
                *slot = body;
            }
            // The first line of a key that is really there goes too: scanners take it for the key.
            if let (true, Some(first)) = (inside, begun.take())
                && let (Some(line), Some(slot)) = (lines.get(first), bodies.get_mut(first))
            {
                *slot = Some(KEY_BEGIN.replace(line, &b"[redacted: private key]"[..]).into_owned());
            }
        } else if named && let Some(slot) = bodies.get_mut(at) {
            *slot = key_body(line, 48);
        }
    }
    bodies
}

/// Whether the last mark on a line that holds both an end and a beginning is the beginning.
fn ends_open(line: &[u8]) -> bool {
    let last = |pattern: &Regex| pattern.find_iter(line).last().map_or(0, |found| found.start());
    last(&KEY_BEGIN) > last(&KEY_END)
}

/// The line with its longest base64 run replaced, if next to nothing else stands on it.
fn key_body(line: &[u8], shortest: usize) -> Option<Vec<u8>> {
    let run = BASE64_RUN.find_iter(line).max_by_key(|run| run.len())?;
    let (before, after) = (line.get(..run.start())?, line.get(run.end()..)?);
    let beside = before.iter().chain(after).filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii()).count();
    // Quotes, comment signs, `+`, an escaped line end: decoration. A word more, and it is code.
    if run.len() < shortest || beside > 3 || line.len() - run.len() > 60 {
        return None;
    }
    Some([before, b"[redacted: private key]", after].concat())
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::diff::parse;

    const BASE62: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const HEX: &str = "0123456789abcdef";
    const DIGITS: &str = "0123456789";

    /// Characters drawn by a seed. Nothing that looks like a secret stands in this file.
    fn draw(alphabet: &str, len: usize, seed: u64) -> String {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
        (0..len)
            .filter_map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                alphabet.chars().nth(usize::try_from(state >> 33).unwrap_or(0) % alphabet.len())
            })
            .collect()
    }

    /// Lines with one drawn secret each (between `«` and `»`) and the kind that is to be named.
    fn leaks(seed: u64) -> Vec<(String, &'static str)> {
        let b62 = |len| draw(BASE62, len, seed);
        let b64 = |len| draw(BASE64, len, seed);
        let hex = |len| draw(HEX, len, seed);
        let upper = |len| draw(UPPER, len, seed);
        let num = |len| format!("7{}", draw(DIGITS, len, seed));
        vec![
            (format!("key: «sk-ant-api03-{}»", b62(93)), "Anthropic key"),
            (format!("key = \"«sk-proj-{}_{}»\"", b62(40), b62(30)), "OpenAI key"),
            (format!("('«sk-svcacct-{}»')", b62(60)), "OpenAI key"),
            (format!("x «sk-{}»", b62(48)), "OpenAI key"),
            (format!("git clone https://«ghp_{}»@github.com/o/r", b62(36)), "GitHub token"),
            (format!("«gho_{}»", b62(36)), "GitHub token"),
            (format!("«ghu_{}»", b62(36)), "GitHub token"),
            (format!("«ghs_{}»", b62(36)), "GitHub token"),
            (format!("«ghr_{}»", b62(76)), "GitHub token"),
            (format!("«github_pat_{}_{}»", b62(22), b62(59)), "GitHub token"),
            (format!("«glpat-{}»", b62(20)), "GitLab token"),
            (format!("aws_access_key_id = «AKIA{}»", upper(16)), "AWS key"),
            (format!("«ASIA{}»", upper(16)), "AWS key"),
            (format!("aws_secret_access_key = «{}/{}»", b64(30), b62(9)), "AWS secret"),
            (format!("\"SecretAccessKey\": \"«{}+{}»\"", b64(20), b62(19)), "AWS secret"),
            (format!("«AIza{}»", b62(35)), "Google key"),
            (
                format!(
                    r#""private_key": "«-----BEGIN PRIVATE {}-----\n{}\n-----END PRIVATE KEY-----»\n","#,
                    "KEY",
                    b64(64)
                ),
                "private key",
            ),
            (format!("«xoxb-{}-{}-{}»", num(11), num(11), b62(24)), "Slack token"),
            (
                format!("https://hooks.slack.com/services/«T{}/B{}/{}»", upper(8), upper(8), b62(24)),
                "webhook",
            ),
            (format!("«sk_live_{}»", b62(24)), "Stripe key"),
            (format!("«rk_live_{}»", b62(24)), "Stripe key"),
            (format!("«SK{}»", hex(32)), "Twilio key"),
            (format!("«SG.{}.{}»", b62(22), b62(43)), "SendGrid key"),
            (format!("«npm_{}»", b62(36)), "npm token"),
            (format!("//registry.npmjs.org/:_authToken=«{}»", hex(36)), "npm token"),
            (format!("«pypi-AgEIcHlwaS5vcmc{}»", b62(60)), "PyPI token"),
            (format!("token = \"«cio{}»\"", b62(32)), "crates.io token"),
            (format!("«dckr_pat_{}»", b62(27)), "Docker token"),
            (format!("«hf_{}»", b62(34)), "Hugging Face token"),
            (
                format!("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=«{}==»;", b64(86)),
                "Azure key",
            ),
            (format!("postgres://app:«{}»@db.internal:5432/app", b62(12)), "password"),
            (format!("mongodb+srv://app:«p%40{}»@cluster0.x.net", b62(5)), "password"),
            (format!("redis://:«{}»@cache:6379", b62(8)), "password"),
            (format!("https://bot:«{}»@git.example.com/x.git", b62(20)), "password"),
            (format!("curl -s -u admin:«{}» https://x.example.com", b62(12)), "password"),
            (format!("«eyJ{}.eyJ{}.{}»", b62(33), b62(60), b62(43)), "JWT"),
            (format!("Authorization: Bearer «{}»", b62(24)), "credentials"),
            (format!("Authorization: Bearer «{}»", hex(40)), "credentials"),
            (format!("-H 'Authorization: Basic «{}=='", b64(22)) + "»", "credentials"),
            (format!("headers[\"Authorization\"] = \"Token «{}»\"", b62(32)), "credentials"),
            (format!("«AGE-SECRET-KEY-1{}»", upper(58)), "age key"),
            (format!("«M{}.{}.{}»", b62(23), b62(6), b62(38)), "Discord token"),
            (format!("«{}:AA{}»", num(9), b62(33)), "Telegram token"),
            (format!("«shpat_{}»", hex(32)), "Shopify token"),
            (format!("«dop_v1_{}»", hex(64)), "DigitalOcean token"),
            (format!("«hvs.{}»", b62(90)), "Vault token"),
            (format!("«dapi{}»", hex(32)), "Databricks token"),
            (format!("«glsa_{}_{}»", b62(32), hex(8)), "service token"),
            (format!("password = \"«{}»\"", b62(20)), "password"),
            (format!("DB_PASSWORD=«{}»", b62(24)), "secret"),
            (format!("const API_KEY: &str = \"«{}»\";", hex(32)), "secret"),
            (format!("  api-key: «{}»", b62(32)), "secret"),
            (format!("\"clientSecret\" : '«{}»',", b62(40)), "secret"),
            (format!("<token>«{}»</token>", b62(40)), "secret"),
            (format!("config.setPassword(\"«{}»\")", b62(20)), "secret"),
            (format!(r#"{{\"token\":\"«{}»\"}}"#, b62(32)), "secret"),
            (format!("deploy --api-token «{}» now", b62(32)), "secret"),
            (
                format!("password: 'Aa1!{}'", b62(6)).replace("Aa1!", "«Aa1!").replace("',", "»'") + "",
                "password",
            ),
        ]
    }

    #[test]
    fn every_known_kind_of_secret_is_replaced_and_nothing_around_it() {
        let mut misses = Vec::new();
        for seed in 1..40 {
            for (line, kind) in leaks(seed) {
                let (before, rest) = line.split_once('«').expect("a secret begins");
                let (secret, after) = rest.split_once('»').unwrap_or((rest.trim_end_matches('\''), "'"));
                let (secret, after) = match secret.strip_suffix('\'') {
                    Some(inner) => (inner, "'"),
                    None => (secret, after),
                };
                let clean = text(&format!("{before}{secret}{after}")).into_owned();
                let expected = format!("{before}[redacted: {kind}]{after}");
                if clean != expected {
                    misses.push(format!("{seed} {line}\n    {clean}"));
                }
            }
        }
        assert!(misses.is_empty(), "{}:\n{}", misses.len(), misses.join("\n"));
    }

    #[test]
    fn ordinary_code_is_left_alone() {
        let sha = draw(HEX, 40, 5);
        let integrity = draw(BASE64, 86, 5);
        let lines = [
            "token = get_token()".to_owned(),
            "let token = get_installation_access_token_v2_1(self.client_id);".to_owned(),
            "password: String,".to_owned(),
            "password: Option<SecretString2048>,".to_owned(),
            "secret = config.secrets.stripe_v2_key1".to_owned(),
            "token: ${{ secrets.GITHUB_TOKEN }}".to_owned(),
            "password = \"${DB_PASSWORD_2}\"".to_owned(),
            "API_KEY=\"<your-api-key-0123>\"".to_owned(),
            "api_key: os.environ[\"STRIPE_API_KEY_V2\"]".to_owned(),
            "const TOKEN_URL = \"https://login.example.com/oauth2/v2.0/token\";".to_owned(),
            "token_path: /var/run/secrets/kubernetes.io/serviceaccount/token1".to_owned(),
            "it(\"rejects an expired token\", async () => {".to_owned(),
            "password_placeholder: \"Enter-Your-Password-123\"".to_owned(),
            "secret_name = \"prod/db/main-2024\"".to_owned(),
            "token_type = \"Bearer\"".to_owned(),
            "Authorization: Bearer <token>".to_owned(),
            "headers.insert(AUTHORIZATION, format!(\"Bearer {token}\"));".to_owned(),
            "uses Basic authentication_handler".to_owned(),
            "postgres://user:${PASSWORD}@db/app and http://localhost:8080/@scope/pkg".to_owned(),
            "-----BEGIN PRIVATE KEY-----".to_owned(),
            "let pem = /-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----/s;".to_owned(),
            format!("uses: actions/create-github-app-token@{sha} # v2"),
            format!("commit {sha}"),
            format!("index {}..{} 100644", &sha[..11], &sha[20..31]),
            format!("\"integrity\": \"sha512-{integrity}==\","),
            format!("js-tokens@4.0.0: {{integrity: sha512-{integrity}==}}"),
            format!("resolved \"https://registry.yarnpkg.com/js-tokens/-/js-tokens-4.0.0.tgz#{sha}\""),
            format!("github.com/x/token v1.0.0 h1:{}=", &integrity[..43]),
            format!("checksum = \"{}\"", draw(HEX, 64, 5)),
            format!("token_sha256: \"{}\"", draw(HEX, 64, 5)),
            ".task-skeleton-loading-placeholder-container-2 { color: red }".to_owned(),
            "self.assertEqual(splitpasswd('user+1:a+b'), ('http', 'joe', 'password', 'proxy.example.com:3128'))".to_owned(),
            "[redacted: GitHub token] = \"[redacted: secret]\"".to_owned(),
            "password = \"\"; // 🔑 ключ".to_owned(),
        ];
        for line in lines {
            assert_eq!(text(&line), line);
            assert!(matches!(text(&line), Cow::Borrowed(_)), "{line}");
        }
    }

    /// A private key block as PEM, its lines joined by what the language around it needs.
    fn pem(label: &str, lines: usize, seed: u64) -> Vec<String> {
        let mut block = vec![format!("-----BEGIN {label}PRIVATE {}-----", "KEY")];
        block.extend((0..lines).map(|line| draw(BASE64, 64, seed * 100 + line as u64)));
        block.push(format!("{}==", draw(BASE64, 10, seed)));
        block.push(format!("-----END {label}PRIVATE {}-----", "KEY"));
        block
    }

    #[test]
    fn no_line_of_a_private_key_survives_and_the_lines_around_it_do() {
        let block = pem("RSA ", 5, 1);
        let body: Vec<&String> = block[1..7].iter().collect();
        let styles: [fn(&str) -> String; 4] = [
            str::to_owned,
            |line| format!("    {line}"),
            |line| format!("  \"{line}\\n\" +"),
            |line| format!("# {line}\r"),
        ];
        for style in styles {
            let styled: Vec<String> = block.iter().map(|line| style(line)).collect();
            let source = format!("fn before() {{\n{}\nfn after() {{}}\n}}", styled.join("\n"));
            let clean = text(&source);
            assert!(body.iter().all(|line| !clean.contains(line.as_str())), "{clean}");
            assert_eq!(clean.matches("[redacted: private key]").count(), 7, "{clean}");
            assert_eq!(clean.lines().count(), source.lines().count());
            assert!(clean.starts_with("fn before() {\n") && clean.ends_with("\nfn after() {}\n}"), "{clean}");
        }
        // Cut off before its end, and then code.
        let source = format!("{}\nlet x = compute();\nreturnValue", block[..4].join("\n"));
        let clean = text(&source);
        assert!(clean.ends_with("\nlet x = compute();\nreturnValue"), "{clean}");
        assert_eq!(clean.matches("[redacted").count(), 4, "{clean}");
        // The certificate beside it is no secret.
        let certificate = source.replace("RSA PRIVATE KEY", "CERTIFICATE");
        assert_eq!(text(&certificate), certificate);
    }

    fn patch(path: &str, hunks: &[(&str, Vec<String>)]) -> Diff {
        let mut raw = format!(
            "diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
        );
        for (number, (heading, lines)) in hunks.iter().enumerate() {
            let count = |skipped| lines.iter().filter(|line| !line.starts_with(skipped)).count();
            let start = number * 100 + 1;
            raw += &format!("@@ -{start},{} +{start},{} @@{heading}\n", count('+'), count('-'));
            raw += &(lines.join("\n") + "\n");
        }
        let (diff, problems) = parse(raw.into());
        assert!(problems.is_empty(), "{problems:?}");
        diff
    }

    fn signed(sign: char, lines: &[String]) -> Vec<String> {
        lines.iter().map(|line| format!("{sign}{line}")).collect()
    }

    /// Redacts a diff, and asserts what holds for every one. Gives the diff as text and the count.
    fn redacted(diff: &Diff) -> (String, usize) {
        let mut clean = diff.clone();
        let changed = super::diff(&mut clean);
        let pairs =
            || diff.files.iter().flat_map(FileDiff::lines).zip(clean.files.iter().flat_map(FileDiff::lines));
        assert_eq!(diff.files.iter().flat_map(FileDiff::lines).count(), pairs().count());
        assert_eq!(pairs().filter(|(_, line)| line.redacted).count(), changed);
        for (before, after) in pairs() {
            assert_eq!(before.text != after.text, after.redacted);
            assert_eq!((before.kind, before.old, before.new), (after.kind, after.old, after.new));
            assert!(!after.text.contains(&b'\n'));
        }
        let raw = clean.to_bytes();
        assert_eq!(parse(raw.clone().into()).1, Vec::<String>::new());
        (String::from_utf8_lossy(&raw).into_owned(), changed)
    }

    #[test]
    fn a_diff_loses_its_secrets_and_not_its_lines() {
        let token = format!("ghp_{}", draw(BASE62, 36, 3));
        let lines =
            vec![" a".into(), format!("-T={token}"), format!("+U={token} {token}"), format!(" {token}\r")];
        let (clean, changed) = redacted(&patch("src/a.rs", &[("", lines)]));
        assert_eq!(changed, 3);
        assert!(!clean.contains(&token), "{clean}");
        assert!(clean.contains("\n+U=[redacted: GitHub token] [redacted: GitHub token]\n"), "{clean}");
        assert!(clean.contains("\n [redacted: GitHub token]\r\n"), "{clean}");

        let (clean, changed) =
            redacted(&patch("src/a.rs", &[("", vec![" a".into(), "+token = get_token()".into()])]));
        assert_eq!(changed, 0);
        assert!(clean.contains("+token = get_token()"), "{clean}");
    }

    #[test]
    fn a_hunk_heading_is_a_line_of_the_file_too() {
        let secret = draw(HEX, 32, 3);
        let heading = format!(" API_KEY={secret}");
        let (clean, changed) = redacted(&patch(".env", &[(&heading, vec![" A=1".into(), "+B=2".into()])]));
        assert_eq!(changed, 0);
        assert!(clean.contains("\n@@ -1,1 +1,2 @@ API_KEY=[redacted: secret]\n"), "{clean}");
    }

    #[test]
    fn a_hunk_in_the_middle_of_a_key_hides_its_rows_and_a_certificate_or_hashes_do_not() {
        let shown = |alphabet: &str, width: usize, first: &str| {
            let row = |n: usize| format!("{}\n", draw(alphabet, width, n as u64 + 7));
            let raw = format!(
                "diff --git a/deploy.py b/deploy.py\n--- a/deploy.py\n+++ b/deploy.py\n@@ -9,8 +9,8 @@ {first}\n {}-{}+{} {} end\n",
                (0..3).map(row).collect::<Vec<_>>().join(" "),
                row(3),
                row(4),
                (5..8).map(row).collect::<Vec<_>>().join(" "),
            );
            let raw = raw.replace("\n end\n", "\n").replace("-9,8 +9,8", "-9,7 +9,7");
            let (mut diff, problems) = parse(raw.into());
            assert_eq!(problems, Vec::<String>::new());
            super::diff(&mut diff)
        };
        assert_eq!(shown(BASE64, 64, "KEY = ["), 8);
        assert_eq!(shown(BASE64, 70, ""), 8);
        assert_eq!(shown(BASE64, 64, "-----BEGIN CERTIFICATE-----"), 0);
        assert_eq!(shown(HEX, 64, "sums"), 0);
        assert_eq!(shown(BASE64, 58, ""), 0);
    }

    #[test]
    fn a_private_key_is_found_on_both_sides_and_from_either_end() {
        let (old, new) = (pem("", 4, 1), pem("", 4, 2));
        let rotated = [
            vec![format!(" {}", old[0])],
            signed('-', &old[1..6]),
            signed('+', &new[1..6]),
            vec![format!(" {}", old[6])],
        ];
        // Side by side, the end of one key comes before the body of the other.
        let replaced = [vec![format!(" {}", old[0])], signed('-', &old[1..]), signed('+', &new[1..])];
        // What the new side says in the middle does not end the key of the old side.
        let woven = [
            format!(" {}", old[0]),
            format!("-{}", old[1]),
            "+from the vault".into(),
            format!("-{}", old[2]),
        ];
        let tail = [signed('+', &new[3..]), vec![" fn x() {}".into()]];
        let head = [vec![" fn x() {}".into()], signed(' ', &new[..3])];
        for (hunk, expected) in [
            (rotated.concat(), 11),
            (woven.to_vec(), 3),
            (replaced.concat(), 11),
            (tail.concat(), 3),
            (head.concat(), 3),
        ] {
            let diff = patch("deploy.yml", &[("", hunk)]);
            let (clean, changed) = redacted(&diff);
            assert_eq!(changed, expected, "{clean}");
            assert!(old[1..6].iter().chain(&new[1..6]).all(|line| !clean.contains(line.as_str())), "{clean}");
        }
        // Neither end is in sight: the name tells, and in the heading stands a line of the key.
        let heading = format!(" {}", new[1]);
        let middle = [signed(' ', &new[2..3]), signed('+', &new[3..5])].concat();
        let (clean, changed) = redacted(&patch("certs/server.key", &[(&heading, middle.clone())]));
        assert_eq!(changed, 3, "{clean}");
        assert!(new[1..5].iter().all(|line| !clean.contains(line.as_str())), "{clean}");
        assert_eq!(redacted(&patch("src/table.rs", &[("", middle)])).1, 0);
    }

    #[test]
    fn bytes_that_are_not_text_stay_as_they_are() {
        let token = format!("ghp_{}", draw(BASE62, 36, 3));
        let mut diff = patch("a", &[("", vec!["+x".into(), "+y".into()])]);
        let texts = [[b"\xff\xfe ", token.as_bytes(), b" \xf0\x9f"].concat(), b"\xff\x00token=\xfe".to_vec()];
        for (line, text) in diff.files[0].hunks[0].lines.iter_mut().zip(texts) {
            line.text = text.into();
        }
        assert_eq!(super::diff(&mut diff), 1);
        let lines = &diff.files[0].hunks[0].lines;
        assert_eq!(lines[0].text.as_ref(), b"\xff\xfe [redacted: GitHub token] \xf0\x9f");
        assert_eq!(lines[1].text.as_ref(), b"\xff\x00token=\xfe");
    }

    #[test]
    fn known_values_are_masked_wherever_they_stand() {
        let secrets = Secrets::new(
            ["abcdef", "abcdefgh", "efghij", "short", "first-line\nsecond-line", " padded-key\n", ""]
                .map(str::to_owned),
        );
        for (text, expected) in [
            ("abcdef", "***"),
            ("x abcdefgh y", "x *** y"),
            ("abcdefghij", "***"),
            ("abcdefabcdef", "******"),
            ("short", "short"),
            ("second-line padded-key", "*** ***"),
            ("é abcdefé", "é ***é"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(secrets.mask(text), expected, "{text}");
        }
        assert_eq!(Secrets::new(["aaaaaa".to_owned()]).mask("aaaaaaaa"), "***");
        assert!(!format!("{secrets:?} {secrets:#?}").contains("abc"), "{secrets:?}");
        assert_eq!(Secrets::default().mask("a b"), "a b");
    }

    #[test]
    fn no_line_of_output_is_a_command_for_the_runner() {
        for (text, expected) in [
            ("plain\ttext: a::b\nnext", "plain\ttext: a::b\nnext"),
            ("::error::x", ": :error::x"),
            ("a\n \t ::set-output name=x::y\n:: :", "a\n \t : :set-output name=x::y\n: : :"),
            (":::x", ": ::x"),
            ("a ##[error]b ##[", "a ## [error]b ## ["),
            ("###[x", "### [x"),
            ("a\r\nb\r::error::c", "a\nb::error::c"),
            ("\r::error::c", ": :error::c"),
            ("\u{1b}[31mred\u{7}\u{9b}", "\\u{1b}[31mred\\u{7}\\u{9b}"),
            ("\u{a0}\u{3000}::x", "\u{a0}\u{3000}: :x"),
            ("\u{200b}::x :\u{ad}:", "\\u{200b}::x :\\u{ad}:"),
            ("a\u{2028}::x\u{b}::y", "a\\u{2028}::x\\u{b}::y"),
            ("#\u{feff}#[x", "#\\u{feff}#[x"),
        ] {
            assert_eq!(log_line(text), expected, "{text:?}");
        }
        assert!(matches!(log_line("nothing to do"), Cow::Borrowed(_)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_can_be_printed(parts in proptest::collection::vec(prop_oneof![
            proptest::sample::select(vec!["::", ":", "##[", "#", "[", "\n", "\r", " ", "\t", "\u{200b}", "\u{a0}", "\u{2028}"])
                .prop_map(str::to_owned),
            any::<String>(),
        ], 0..12)) {
            let out = log_line(&parts.concat()).into_owned();
            prop_assert!(!out.contains("##[") && !out.contains('\r'));
            prop_assert!(out.lines().all(|line| !line.trim_start().starts_with("::")));
            prop_assert!(out.chars().all(|c| matches!(c, '\n' | '\t') || !is_invisible(c)));
            prop_assert_eq!(log_line(&out), out.as_str());
        }

        #[test]
        fn redacting_keeps_the_lines_and_finds_nothing_the_second_time(
            seed in any::<u64>(), picks in proptest::collection::vec((0_usize..60, any::<String>()), 0..6),
        ) {
            let leaks = leaks(seed % 1000);
            let input: String = picks
                .iter()
                .map(|(pick, noise)| leaks.get(*pick).map_or(String::new(), |leak| leak.0.replace(['«', '»'], "")) + "\n" + noise + "\n")
                .collect();
            let once = text(&input).into_owned();
            prop_assert_eq!(once.split('\n').count(), input.split('\n').count());
            prop_assert_eq!(text(&once), once.as_str());
        }
    }

    #[test]
    fn no_line_is_slow_to_redact() {
        for part in [
            "token=",
            "://a:",
            "-----BEGIN PRIVATE KEY-----",
            "eyJaaaaaaaaaaaa.",
            "Authorization: Bearer ",
            "--token ",
        ] {
            let text: String = part.chars().cycle().take(500_000).collect();
            let begun = std::time::Instant::now();
            let _ = super::text(&text);
            assert!(begun.elapsed().as_secs_f64() < 5.0, "{part:?}: {:?}", begun.elapsed());
        }
    }
}
