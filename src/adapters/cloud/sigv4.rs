//! AWS Signature Version 4 over one POST, as `docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html`
//! describes it. Written here because `aws-sigv4` brings nineteen crates for what these lines do.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use ring::hmac::{HMAC_SHA256, Key, Tag, sign as mac};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use super::aws::Keys;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What a path keeps as it is: RFC 3986's unreserved characters, and the slashes between segments.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Who signs, and for what: a signature is good for one service in one region.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The keys, temporary or not.
    pub keys: &'a Keys,
    /// Such as `eu-central-1`.
    pub region: &'a str,
    /// The service's name in signatures, which is not always that of its host.
    pub service: &'a str,
}

impl Scope<'_> {
    /// The headers that sign a POST of `body` to `url`, to be sent besides `headers`, all of which are signed. The
    /// address has no query. None when a key fits no header.
    #[must_use]
    pub fn sign(&self, url: &Url, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Option<HeaderMap> {
        let time = DateTime::<Utc>::from(now).format("%Y%m%dT%H%M%SZ").to_string();
        let day = time.get(..8)?;
        let mut added = HeaderMap::new();
        added.insert(DATE, HeaderValue::from_str(&time).ok()?);
        if let Some(token) = &self.keys.session {
            added.insert(TOKEN, secret(token.expose_secret())?);
        }
        let host = url.host_str()?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host = (HOST, HeaderValue::from_str(&host).ok()?);
        let mut signed: Vec<(&str, &str)> = Vec::new();
        for (name, value) in headers.iter().chain(&added).chain([(&host.0, &host.1)]) {
            signed.push((name.as_str(), value.to_str().ok()?.trim()));
        }
        signed.sort_unstable();
        let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();

        // The path is encoded a second time: every service but S3 wants it so.
        let path = utf8_percent_encode(url.path(), PATH);
        let request = format!("POST\n{path}\n\n{lines}\n{names}\n{}", hex(&Sha256::digest(body)));
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let key = format!("AWS4{}", self.keys.secret.expose_secret());
        let key = [day, self.region, self.service, "aws4_request"]
            .iter()
            .fold(Key::new(HMAC_SHA256, key.as_bytes()), |key, part| of_tag(&mac(&key, part.as_bytes())));
        let signature = hex(mac(&key, text.as_bytes()).as_ref());
        let credential = format!("{}/{scope}", self.keys.id);
        added.insert(
            AUTHORIZATION,
            secret(&format!(
                "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
            ))?,
        );
        Some(added)
    }
}

fn of_tag(tag: &Tag) -> Key {
    Key::new(HMAC_SHA256, tag.as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    /// The time of AWS's published test suite: 2015-08-30T12:36:00Z.
    fn then() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_440_938_160)
    }

    /// The signature over a request of that suite.
    fn signature(
        url: &str,
        headers: &[(&'static str, &'static str)],
        body: &str,
        token: Option<&str>,
    ) -> String {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let keys = Keys::new("AKIDEXAMPLE", secret, token);
        let scope = Scope { keys: &keys, region: "us-east-1", service: "service" };
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let signed = scope.sign(&url.parse().unwrap(), &headers, body.as_bytes(), then()).unwrap();
        signed[AUTHORIZATION].to_str().unwrap().to_owned()
    }

    const HOME: &str = "https://example.amazonaws.com/";

    #[test]
    fn the_published_test_suite_is_signed_as_published() {
        assert_eq!(
            signature(HOME, &[], "", None),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        let form = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", "13"),
            ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
        ];
        let signed = signature(HOME, &form, "Param1=value1", None);
        assert!(
            signed.ends_with("=d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"),
            "{signed}"
        );
        let signed = signature(HOME, &[("my-header1", "value1")], "", None);
        assert!(
            signed.ends_with("=c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
            "{signed}"
        );
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let signed = signature(HOME, &[], "", Some(token));
        assert!(signed.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"), "{signed}");
        assert!(
            signed.ends_with("=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
            "{signed}"
        );
    }

    #[test]
    fn a_path_is_encoded_twice_and_a_port_belongs_to_the_host() {
        // Computed with SigV4Auth of botocore 1.44.5.
        let url = "http://127.0.0.1:8080/model/anthropic.claude%3A0/invoke";
        let signed = signature(url, &[], "{}", None);
        assert!(
            signed.ends_with("=d6eff349e71c6823b10149d928998a992311e59f040bcaab20a9f111a22b987c"),
            "{signed}"
        );
    }

    #[test]
    fn keys_are_not_shown() {
        let keys = Keys::new("AKIDEXAMPLE", "hunter2hunter2", Some("session-of-mona"));
        let shown = format!("{keys:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("mona"), "{shown}");
    }
}
