//! Where a mistake hurts most, told from a path: what decides which files are read first.

use globset::GlobSet;

/// How much depends on a file, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// The configuration names it: `paths.high_stakes`.
    HighStakes,
    /// Who may do what, money, keys, stored data, and what builds, deploys and judges changes.
    Sensitive,
    /// Code, and whatever is not known to be something else.
    Source,
    /// How the code is built and configured.
    Build,
    /// Tests, and what only they use.
    Test,
    /// What people read, and data.
    Prose,
}

/// The risk of a changed file by its path. A test of something sensitive is a test, and a page about it prose.
#[must_use]
pub fn risk(path: &str, high_stakes: &GlobSet) -> Risk {
    if high_stakes.is_match(path) {
        return Risk::HighStakes;
    }
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let inside = |list: &[&str]| folders.split('/').any(|folder| list.contains(&folder));
    if inside(&TEST_FOLDERS) {
        Risk::Test
    } else if STEERING_NAMES.contains(&name) {
        Risk::Sensitive
    } else if PROSE_NAMES.contains(&name) || (PROSE_ENDS.contains(&end) && !BUILD_NAMES.contains(&name)) {
        Risk::Prose
    } else if STEERING_PLACES.iter().any(|place| lower.starts_with(place))
        || inside(&STEERING_FOLDERS)
        || STEERING_ENDS.contains(&end)
        || name.starts_with("dockerfile")
    {
        Risk::Sensitive
    } else if is_named_as_test(path) {
        Risk::Test
    } else if words(path).iter().any(|word| is_sensitive(word)) {
        Risk::Sensitive
    } else if BUILD_NAMES.contains(&name) || BUILD_ENDS.contains(&end) {
        Risk::Build
    } else if DATA_ENDS.contains(&end) {
        Risk::Prose
    } else {
        Risk::Source
    }
}

/// Beginnings of paths whose files run with the rights of the repository.
const STEERING_PLACES: [&str; 4] = [".github/workflows/", ".github/actions/", ".circleci/", ".buildkite/"];

/// Folders whose files change stored data or what runs in production.
const STEERING_FOLDERS: [&str; 9] =
    ["migrations", "migrate", "alembic", "terraform", "ansible", "helm", "k8s", "kubernetes", "deploy"];

/// Files that do the same, and those that decide how a change is judged.
const STEERING_NAMES: [&str; 16] = [
    "action.yml",
    "action.yaml",
    ".gitlab-ci.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "jenkinsfile",
    "procfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yaml",
    "codeowners",
    ".gitattributes",
    "agents.md",
    "claude.md",
    "counterpoint.yml",
];

const STEERING_ENDS: [&str; 5] = ["tf", "tfvars", "bicep", "dockerfile", "sql"];

const TEST_FOLDERS: [&str; 11] = [
    "test",
    "tests",
    "testdata",
    "spec",
    "specs",
    "e2e",
    "fixtures",
    "snapshots",
    "__tests__",
    "__mocks__",
    "__snapshots__",
];

/// Whether a file that lies among the code is a test: `a_test.go`, `test_a.py`, `a.spec.ts`, `ATest.java`.
fn is_named_as_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match words(name.rsplit_once('.').map_or(name, |(name, _)| name)).as_slice() {
        [_, .., last] if matches!(last.as_str(), "test" | "tests" | "spec") => true,
        [first, ..] => matches!(first.as_str(), "test" | "tests" | "conftest"),
        [] => false,
    }
}

const PROSE_ENDS: [&str; 6] = ["md", "mdx", "rst", "txt", "adoc", "tex"];

const PROSE_NAMES: [&str; 6] = ["license", "licence", "notice", "authors", "changelog", "readme"];

const DATA_ENDS: [&str; 10] = ["json", "jsonl", "ndjson", "csv", "tsv", "svg", "po", "pot", "ipynb", "snap"];

/// Files that say how to build although the end of their name does not.
const BUILD_NAMES: [&str; 13] = [
    "package.json",
    "tsconfig.json",
    "composer.json",
    "deno.json",
    "requirements.txt",
    "cmakelists.txt",
    "makefile",
    "justfile",
    "rakefile",
    "gemfile",
    "podfile",
    "build",
    "build.rs",
];

const BUILD_ENDS: [&str; 17] = [
    "toml",
    "yml",
    "yaml",
    "ini",
    "cfg",
    "conf",
    "properties",
    "xml",
    "gradle",
    "bazel",
    "bzl",
    "cmake",
    "mk",
    "nix",
    "mod",
    "csproj",
    "sln",
];

/// Words that speak of something sensitive, whole: who may do what, money, cryptography, deployment.
const WORDS: [&str; 43] = [
    "auth",
    "authn",
    "authz",
    "oauth",
    "oidc",
    "saml",
    "sso",
    "jwt",
    "login",
    "logout",
    "signin",
    "signup",
    "session",
    "sessions",
    "token",
    "tokens",
    "passwd",
    "rbac",
    "acl",
    "role",
    "roles",
    "csrf",
    "cors",
    "sandbox",
    "security",
    "payment",
    "payments",
    "payout",
    "payouts",
    "billing",
    "invoice",
    "invoices",
    "checkout",
    "refund",
    "refunds",
    "wallet",
    "cipher",
    "hmac",
    "tls",
    "ssl",
    "schema",
    "deployment",
    "ci",
];

/// The beginnings of words that have many ends.
const STEMS: [&str; 11] = [
    "authenti",
    "authoriz",
    "authoris",
    "password",
    "credential",
    "secret",
    "permission",
    "crypto",
    "encrypt",
    "decrypt",
    "certificate",
];

fn is_sensitive(word: &str) -> bool {
    let bare = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    WORDS.contains(&bare) || STEMS.iter().any(|stem| word.starts_with(stem))
}

/// The words of a path in lower case: parted where letters and digits end, and where capitals begin.
fn words(path: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = None;
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        let after_small = before.is_some_and(char::is_lowercase);
        let before_small = letters.peek().is_some_and(|next| next.is_lowercase());
        if !letter.is_alphanumeric() || (letter.is_uppercase() && (after_small || before_small)) {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        before = Some(letter);
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use globset::{Glob, GlobSetBuilder};

    use super::*;

    fn of(path: &str) -> Risk {
        risk(path, &GlobSet::empty())
    }

    #[test]
    fn a_path_tells_what_depends_on_the_file() {
        use Risk::{Build, Prose, Sensitive, Source, Test};
        for (path, expected) in [
            ("src/auth/token.rs", Sensitive),
            ("src/OAuth2Client.java", Sensitive),
            ("src/JWTParser.cs", Sensitive),
            ("lib/payment_gateway.rb", Sensitive),
            ("src/crypto/aes.c", Sensitive),
            ("db/migrate/20260101_add.rb", Sensitive),
            ("db/0001.sql", Sensitive),
            (".github/workflows/test_all.yml", Sensitive),
            ("Dockerfile", Sensitive),
            ("images/Dockerfile.alpine", Sensitive),
            ("infra/main.tf", Sensitive),
            ("config/permissions.json", Sensitive),
            ("AGENTS.md", Sensitive),
            (".gitattributes", Sensitive),
            ("src/author.rs", Source),
            ("src/workflows/order.ts", Source),
            ("src/parse.rs", Source),
            ("bin/run", Source),
            ("src/latest.rs", Source),
            ("api/spec.yaml", Build),
            ("src/tests.rs", Test),
            ("src/CartTest.java", Test),
            ("Cargo.toml", Build),
            ("web/package.json", Build),
            ("requirements.txt", Build),
            ("Makefile", Build),
            ("config/app.yml", Build),
            ("tests/auth.rs", Test),
            ("src/auth_test.go", Test),
            ("web/login.spec.ts", Test),
            ("tests/k8s/deploy.yml", Test),
            ("docs/authentication.md", Prose),
            ("deploy/README.md", Prose),
            ("LICENSE", Prose),
            ("locales/de.json", Prose),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
    }

    #[test]
    fn what_the_configuration_names_comes_before_everything() {
        let globs = GlobSetBuilder::new().add(Glob::new("docs/**").unwrap()).build().unwrap();
        assert_eq!(risk("docs/a.md", &globs), Risk::HighStakes);
        assert!(Risk::HighStakes < Risk::Sensitive && Risk::Sensitive < Risk::Source);
        assert!(Risk::Source < Risk::Build && Risk::Build < Risk::Test && Risk::Test < Risk::Prose);
    }
}
