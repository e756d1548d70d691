//! Small values with one meaning each: money, commits, pull requests, lanes.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Money in integer micro-dollars (1 USD = 1 000 000). Arithmetic saturates: a sum that does not
/// fit can only make a budget stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

impl MicroUsd {
    /// Nothing spent.
    pub const ZERO: Self = Self(0);

    /// Reads a decimal amount of dollars such as `1`, `0.25` or `1.000001`, rounding nothing:
    /// more than six decimals, signs and exponents are errors.
    ///
    /// # Errors
    /// A sentence fragment naming what was expected.
    pub fn parse_usd(text: &str) -> Result<Self, String> {
        let expected = || format!("expected an amount in US dollars such as 0.50, got `{text}`");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return Err(expected());
        }
        if fraction.len() > 6 {
            return Err(expected());
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| expected())? };
        let micros: u64 = format!("{fraction:0<6}").parse().map_err(|_| expected())?;
        whole.checked_mul(1_000_000).and_then(|w| w.checked_add(micros)).map(Self).ok_or_else(expected)
    }

    /// The sum, at most `u64::MAX`.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Six decimals without a currency sign, as the output `cost-usd` wants it.
    #[must_use]
    pub fn six_decimals(self) -> String {
        format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Dollars and cents, rounded up to the cent so that a cost never reads as less than it was.
impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.0.div_ceil(10_000);
        write!(f, "${}.{:02}", cents / 100, cents % 100)
    }
}

impl Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}

/// A full git commit id: 40 or 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha(String);

impl Sha {
    /// All digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, as people read commits.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl FromStr for Sha {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        if hex && matches!(text.len(), 40 | 64) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!("`{}` is not a full commit id", text.chars().take(80).collect::<String>()))
        }
    }
}

impl TryFrom<String> for Sha {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Sha> for String {
    fn from(sha: Sha) -> Self {
        sha.0
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a pull request within its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PullNumber(pub u64);

impl FromStr for PullNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim().trim_start_matches('#');
        match digits.parse() {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(format!("expected the number of a pull request, got `{text}`")),
        }
    }
}

impl fmt::Display for PullNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// `OWNER/NAME` of a repository on one GitHub server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoName {
    owner: String,
    name: String,
}

impl RepoName {
    /// The account that owns the repository.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The repository's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for RepoName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // GitHub allows only these in logins and repository names, so a name is also a safe URL path.
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        match text.split_once('/') {
            Some((owner, name)) if plain(owner) && plain(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(format!("expected a repository as OWNER/NAME, got `{text}`")),
        }
    }
}

impl TryFrom<String> for RepoName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RepoName> for String {
    fn from(repo: RepoName) -> Self {
        repo.to_string()
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// The name of a lane as the configuration spells it: `claude`, `codex`, …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LaneName(String);

impl LaneName {
    /// Wraps a name that the configuration has checked.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LaneName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if text.is_empty() || text.len() > 30 || !plain {
            return Err(format!(
                "expected a lane's name of lower-case letters, digits and `-`, got `{text}`"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for LaneName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<LaneName> for String {
    fn from(name: LaneName) -> Self {
        name.0
    }
}

/// As people read it: the first letter upper-case.
impl fmt::Display for LaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.chars();
        match letters.next() {
            Some(first) => write!(f, "{}{}", first.to_uppercase(), letters.as_str()),
            None => Ok(()),
        }
    }
}

/// A duration as people read it: `0:41`, `2:30`, `1:02:03`.
#[must_use]
pub fn clock_time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_exactly_or_not_at_all() {
        assert_eq!(MicroUsd::parse_usd("1"), Ok(MicroUsd(1_000_000)));
        assert_eq!(MicroUsd::parse_usd("0.25"), Ok(MicroUsd(250_000)));
        assert_eq!(MicroUsd::parse_usd(".000001"), Ok(MicroUsd(1)));
        for wrong in ["", ".", "-1", "1e3", "0.0000001", "1,5", "$1", "99999999999999999999"] {
            assert!(MicroUsd::parse_usd(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cost_never_reads_as_less_than_it_was() {
        assert_eq!(MicroUsd(1).to_string(), "$0.01");
        assert_eq!(MicroUsd(310_001).to_string(), "$0.32");
        assert_eq!(MicroUsd(310_001).six_decimals(), "0.310001");
    }

    #[test]
    fn a_repository_name_cannot_hold_a_path() {
        assert!("octo/repo".parse::<RepoName>().is_ok());
        for wrong in ["octo", "octo/../x", "octo/", "a/b/c", "octo/re po", "octo/.."] {
            assert!(wrong.parse::<RepoName>().is_err(), "{wrong}");
        }
    }
}
