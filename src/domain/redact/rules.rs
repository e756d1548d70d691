//! What a secret looks like: one row a kind, and the second looks that keep code from being taken for one.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

pub(super) fn rank(kind: &str) -> usize {
    TABLE.iter().position(|row| row.0 == kind).unwrap_or(usize::MAX)
}

/// What a rule matched, and what stands around it.
pub(super) struct Place<'a> {
    pub(super) value: &'a [u8],
    /// What follows the key word in the name that is assigned to.
    pub(super) key: &'a [u8],
    pub(super) after: &'a [u8],
}

pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) pattern: Regex,
    pub(super) keep: fn(&Place<'_>) -> bool,
}

pub(super) type Row = (&'static str, &'static str, &'static str, fn(&Place<'_>) -> bool);

pub(super) const ANY: fn(&Place<'_>) -> bool = |_| true;

/// Kind, hint (what a line must match before the rule runs), pattern (group `v` is the secret, else the whole
/// match; `NAMES` stands for the key words), and a last look. From the most to the least specific.
pub(super) const TABLE: &[Row] = &[
    ("private key", "PRIVATE KEY", PEM_CLOSED, holds_key),
    ("private key", "PRIVATE KEY", PEM_OPEN, holds_key),
    ("age key", "(?i)AGE-SECRET-KEY-", "(?i)AGE-SECRET-KEY-1[0-9A-Z]{40,}", ANY),
    ("Anthropic key", "sk-ant-", r"\bsk-ant-[A-Za-z0-9_-]{16,}", ANY),
    (
        "OpenAI key",
        "sk-[a-zA-Z0-9]",
        r"\bsk-(?:(?:proj|svcacct|admin|service|or-v1|lf)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})",
        ANY,
    ),
    (
        "GitHub token",
        "gh[pousr]_|github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9_]{30,}[A-Za-z0-9_.-]*|github_pat_[A-Za-z0-9_]{22,})",
        ANY,
    ),
    (
        "GitLab token",
        "gl[a-z]{2,5}-|GR1348941",
        r"\b(?:gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_=.-]{20,}|GR1348941[A-Za-z0-9_-]{20,})",
        ANY,
    ),
    ("AWS key", "A(?:KIA|SIA|BIA|CCA)[A-Z0-9]", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", ANY),
    (
        "AWS secret",
        "(?i)secret[_-]?(?:access[_-]?)?key|aws",
        r#"(?i)(?:secret[_-]?(?:access[_-]?)?key|aws[\w.-]{0,30}(?:key|secret|sk))[\\"'`\])]{0,4}\s{0,4}(?:=>|:=|[=:,>])\s{0,4}\\?["'`]?(?P<v>[A-Za-z0-9/+=]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        |place| !all_hex(place.value),
    ),
    ("Google key", "AIza|GOCSPX-|ya29", r"\b(?:AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,})", ANY),
    (
        "Slack token",
        "xox[a-z]|xapp-",
        r"\b(?:xox[abeoprs](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})",
        ANY,
    ),
    (
        "webhook",
        "hooks[.]slack|api/webhooks/|webhook[.]office",
        r"(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/\d+/|webhook\.office\.com/webhookb2/)(?P<v>[\w/+@-]{20,})",
        ANY,
    ),
    (
        "Stripe key",
        "[sr]k_(?:live|test)_|whsec_",
        r"\b(?:[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{24,})",
        ANY,
    ),
    ("Twilio key", "SK[0-9a-f]{8}", r"\bSK[0-9a-f]{32}\b", ANY),
    ("SendGrid key", r"SG\.", r"\bSG\.[\w-]{16,}\.[\w-]{20,}", ANY),
    (
        "npm token",
        "npm_|_authToken",
        r"\bnpm_[A-Za-z0-9]{36,}|_authToken\s{0,4}=\s{0,4}(?P<v>[\w-]{16,})",
        ANY,
    ),
    ("PyPI token", "pypi-", r"\bpypi-[\w-]{50,}", ANY),
    ("crates.io token", "cio[A-Za-z0-9]{29}", r"\bcio[A-Za-z0-9]{32}\b", |place| {
        place.value.iter().any(u8::is_ascii_digit) && place.value.iter().any(u8::is_ascii_uppercase)
    }),
    ("Docker token", "dckr_", r"\bdckr_(?:pat|oat)_[\w-]{20,}", ANY),
    ("Hugging Face token", "hf_|api_org_", r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,}", ANY),
    (
        "Azure key",
        "(?i)(?:Account|AccessKey|AccessSignature)|sig=|Q~",
        r"(?i)(?:AccountKey|SharedAccessKey)\s{0,2}=\s{0,2}(?P<v>[A-Za-z0-9+/]{40,}={0,2})|[?&]sig=[A-Za-z0-9%/+]{40,}(?:%3D|=)*|\b[\w~.]{3}\dQ~[\w~.-]{31,}",
        ANY,
    ),
    ("Telegram token", ":AA", r"\b\d{8,10}:AA[\w-]{33}", ANY),
    ("Discord token", r"\.[\w-]{6}\.[\w-]{27}", r"\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}", |place| {
        place.value.iter().any(u8::is_ascii_digit)
    }),
    ("Shopify token", "shp[a-z]{2}_", r"\bshp(?:at|ca|pa|ss|tka)_[A-Fa-f0-9]{32,}", ANY),
    ("DigitalOcean token", "do[a-z]_v1_", r"\bdo[opr]_v1_[a-f0-9]{32,}", ANY),
    ("Vault token", r"hv[sbr]\.", r"\bhv[sbr]\.[\w-]{20,}", ANY),
    ("Databricks token", "dapi[a-f0-9]", r"\bdapi[a-f0-9]{32}(?:-\d)?", ANY),
    (
        "service token",
        "gl(?:sa|c)_|lin_api_|ntn_|NRAK-|dp[.]|pul-|PMAK-|pplx-|gsk_|xai-|rubygems_|HRKU-|pscale_|figd_|sbp_|ATATT3|ATCTT3|tskey-|key-[0-9a-f]|atlasv1|fm2_|sq0|CFPAT-|r8_|shippo_",
        r"\b(?:glsa_|glc_|lin_api_|ntn_|NRAK-|dp\.(?:pt|st|ct|sa|scim|audit)\.|pul-|PMAK-|pplx-|gsk_|xai-|rubygems_|HRKU-|pscale_(?:tkn|pw|oauth|otkn)_|figd_|sbp_|ATATT3|ATCTT3|tskey-|key-(?:[0-9a-f]{32}\b)|[A-Za-z0-9]{14}\.atlasv1\.|fm2_|sq0[a-z]{3}-|CFPAT-|r8_|shippo_(?:live|test)_)[\w=.+/-]{0,2000}",
        |place| place.value.len() >= 24 && place.value.iter().any(u8::is_ascii_digit),
    ),
    ("JWT", "eyJ", r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]+)*", ANY),
    (
        "password",
        r#"://[^\s/"'<>]*@"#,
        r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@"'<>`]*:(?P<v>[^\s/@"'<>`\[\]]{3,})@[\w\[%$\{]"#,
        |place| !is_template(place.value),
    ),
    // Without a colon the user itself is the token: `https://TOKEN@host/…`.
    ("token in a URL", r#"://[^\s/"'<>]*@"#, r"://(?P<v>[\w.~%-]{20,})@\w", |place| is_random(place.value)),
    (
        "credentials",
        "(?i)authorization|bearer",
        r#"(?i)(?:\bauthorization[\\"'`\])]{0,4}\s{0,4}[=:,(]{0,2}\s{0,4}[\\"'`]{0,2}\s{0,2}(?:bearer|basic|token|apikey|digest)|\bbearer)[\s:]{1,4}(?P<v>[A-Za-z0-9._~+/=-]{8,})"#,
        is_header_value,
    ),
    (
        "password",
        "curl|wget|http",
        r#"\s(?:-u|--user|--proxy-user)[\s=]{1,2}["']?[^\s:"'$]{1,80}:(?P<v>[^\s"'$\{<\[]{4,})"#,
        |place| !is_template(place.value),
    ),
    ("password", r"(?i)passw|passphrase|pwd", PASSWORD, is_password),
    ("secret", "(?i)NAMES", QUOTED, is_secret),
    ("secret", "(?i)NAMES", BARE, is_bare_secret),
    ("secret", "(?i)--[a-z-]*(?:pass|token|secret|key)", FLAG, is_bare_secret),
];

pub(super) const PEM_CLOSED: &str = r"-{4,5} ?BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}.*?-{4,5} ?END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?(?: ?-{4,5})?";
pub(super) const PEM_OPEN: &str = r"-{4,5} ?BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}[^-]{16,}";

/// The words in a name that make its value worth a look.
pub(super) const NAMES: &str = r"(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|credential|_auth|(?:api|access|auth|private|signing|encryption|master|shared|storage|account|client|app|admin|service|session|license|webhook)[_.-]?key)";

// Name, closing quote or bracket, perhaps a type, operator, opening quote, value.
pub(super) const QUOTED: &str = r#"(?i)NAMES(?P<key>[\w.-]{0,40})[\\"'`\])]{0,4}(?:\s{0,4}:\s{0,4}&?(?:'\w{1,20} )?[a-z][\w<>]{0,30})?\s{0,8}(?:=>|:=|\?=|\|\|=?|===?|!==?|[=:>,(])\s{0,4}(?:[a-z]{1,2}|[a-z:]{1,20}\()?\\?["'`](?P<v>[^"'`\s\\]{16,})"#;
pub(super) const BARE: &str = r#"(?i)NAMES(?P<key>[\w.-]{0,40})[\\"'`\])]{0,4}\s{0,8}(?:=>|:=|\?=|===?|[=:>])\s{0,4}(?P<v>[a-z0-9+/_=.~!%^*@#-]{16,})"#;
pub(super) const FLAG: &str =
    r#"(?i)--[a-z-]{0,30}NAMES(?P<key>[a-z-]{0,20})\s{1,4}(?P<v>[a-z0-9+/_=.~!%^*@#-]{16,})"#;
pub(super) const PASSWORD: &str = r#"(?i)(?:passw(?:or)?d|passphrase|passwd|pwd)(?P<key>[\w.-]{0,20})[\\"'`\])]{0,4}\s{0,8}(?:=>|:=|=|:)\s{0,4}\\?["'](?P<v>[^"'\s\\]{8,64})["'\\]"#;

/// What key material is written with.
pub(super) static BASE64_RUN: LazyLock<Regex> = LazyLock::new(|| compile(r"[A-Za-z0-9+/=]+"));

pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |&(kind, _, pattern, keep): &Row| Rule { kind, pattern: compile(pattern), keep };
    TABLE.iter().map(rule).collect()
});

#[expect(clippy::expect_used, reason = "the hints are constants, and every test runs through them")]
pub(super) static HINTS: LazyLock<RegexSet> = LazyLock::new(|| {
    let hints = TABLE.iter().map(|row| row.1.replace("NAMES", NAMES));
    RegexSetBuilder::new(hints).unicode(false).build().expect("the hints compile")
});

#[expect(clippy::expect_used, reason = "the patterns are constants, and every test runs through them")]
pub(super) fn compile(pattern: &str) -> Regex {
    let pattern = pattern.replace("NAMES", NAMES);
    RegexBuilder::new(&pattern).unicode(false).size_limit(1 << 24).build().expect("the pattern compiles")
}

pub(super) fn holds_key(place: &Place<'_>) -> bool {
    BASE64_RUN.find_iter(place.value).any(|run| run.len() >= 16)
}

pub(super) fn is_template(value: &[u8]) -> bool {
    let opens = value.first().is_some_and(|b| b"$%{<*".contains(b));
    opens || value.windows(2).any(|pair| pair == b"${" || pair == b"{{") || value.iter().all(|&b| b == b'*')
}

pub(super) fn is_header_value(place: &Place<'_>) -> bool {
    let digit = place.value.iter().any(u8::is_ascii_digit);
    let mixed =
        place.value.iter().any(u8::is_ascii_lowercase) && place.value.iter().any(u8::is_ascii_uppercase);
    let code = place.after.first().is_some_and(|b| b"([{".contains(b));
    !code && ((digit && place.value.len() >= 12) || (mixed && wordy(place.value) < 0.5))
}

pub(super) fn is_password(place: &Place<'_>) -> bool {
    let has = |class: fn(&u8) -> bool| usize::from(place.value.iter().any(class));
    let classes = has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_digit)
        + has(u8::is_ascii_punctuation);
    let code = place.value.iter().any(|b| b"()[]{}<>|".contains(b)) || contains(place.value, b"://");
    classes >= 3
        && place.value.iter().any(u8::is_ascii_digit)
        && !code
        && !is_template(place.value)
        && !tells_about(place.key)
}

pub(super) fn is_secret(place: &Place<'_>) -> bool {
    !tells_about(place.key) && !contains(place.value, b"://") && is_random(place.value)
}

pub(super) fn is_bare_secret(place: &Place<'_>) -> bool {
    // What goes on as a call, an index, a path or a template is code; the end of an XML element is not.
    let code = place.after.first().is_some_and(|b| b"([{<:$".contains(b)) && !place.after.starts_with(b"</");
    let digits = place.value.iter().filter(|b| b.is_ascii_digit()).count();
    !code && (digits >= 2 || wordy(place.value) < 0.45) && is_secret(place)
}

/// Whether the name goes on to say that the value only describes the secret.
pub(super) fn tells_about(key: &[u8]) -> bool {
    const ABOUT: &[&str] = &[
        "hash",
        "sha1",
        "sha2",
        "sha5",
        "digest",
        "checksum",
        "fingerprint",
        "url",
        "uri",
        "path",
        "file",
        "name",
        "type",
        "count",
        "limit",
        "expir",
        "endpoint",
        "class",
        "regex",
        "pattern",
        "version",
        "public",
        "arn",
        "header",
        "label",
        "title",
        "message",
        "placeholder",
    ];
    let key = key.to_ascii_lowercase();
    ABOUT.iter().any(|word| contains(&key, word.as_bytes()))
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

pub(super) fn all_hex(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a value looks drawn by lot rather than written: enough entropy, and few syllables.
pub(super) fn is_random(value: &[u8]) -> bool {
    const INTEGRITY: &[&[u8]] =
        &[b"sha1-", b"sha256-", b"sha384-", b"sha512-", b"sha256:", b"sha512:", b"h1:"];
    if is_template(value) || INTEGRITY.iter().any(|algorithm| value.starts_with(algorithm)) {
        return false;
    }
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    if all_hex(value) {
        return letters >= 3 && digits >= 3 && entropy(value) >= 2.8;
    }
    let changes = value
        .windows(2)
        .filter(|pair| match pair {
            [a, b] => {
                a.is_ascii_digit() != b.is_ascii_digit()
                    && a.is_ascii_alphanumeric()
                    && b.is_ascii_alphanumeric()
            }
            _ => false,
        })
        .count();
    let written = wordy(value);
    let mixed = value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    letters >= 3
        && entropy(value) >= 3.2
        && ((digits > 0 && (written < 0.5 || changes >= (value.len() / 8).max(4)))
            || (mixed && written < 0.3))
}

/// Shannon entropy in bits a byte.
pub(super) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / total;
            -share * share.log2()
        })
        .sum()
}

/// The share of letters that stand in pronounceable runs: `getTokenForUser` 1.0, random base64 about 0.2, and
/// nothing where case and digits change after every other letter.
pub(super) fn wordy(value: &[u8]) -> f64 {
    let (mut letters, mut spoken, mut runs) = (0_u32, 0_u32, 0_u32);
    let (mut run, mut vowels) = (0_u32, 0_u32);
    let mut before = b' ';
    // The blank at the end closes the last run.
    for &byte in value.iter().chain(b" ") {
        let goes_on = byte.is_ascii_alphabetic()
            && before.is_ascii_alphabetic()
            && !(byte.is_ascii_uppercase() && before.is_ascii_lowercase())
            && !(byte.is_ascii_lowercase() && before.is_ascii_uppercase() && run > 1);
        if !goes_on {
            if run >= 3 && vowels > 0 && vowels < run && run <= vowels * 5 {
                spoken += run;
            }
            runs += u32::from(run > 0);
            (run, vowels) = (0, 0);
        }
        if byte.is_ascii_alphabetic() {
            letters += 1;
            run += 1;
            vowels += u32::from(b"aeiouy".contains(&byte.to_ascii_lowercase()));
        }
        before = byte;
    }
    if letters * 2 < runs * 5 { 0.0 } else { f64::from(spoken) / f64::from(letters.max(1)) }
}
