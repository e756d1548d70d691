//! The one HTTP client and what every caller needs around it: bounded reading, waiting, telling errors.

use std::error::Error;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// What to do about an error that says one of these words; the first that fits is told.
const ADVICE: [(&[&str], &str); 3] = [
    (
        // The last is what rustls says of a server that signed its own certificate.
        &["UnknownIssuer", "No CA certificates", "CaUsedAsEndEntity"],
        "this machine trusts no authority that signed the server's certificate: set SSL_CERT_FILE to a PEM file with \
         the authorities to trust, or install the package ca-certificates",
    ),
    (
        &["proxy authorization required"],
        "the proxy asks for a user and a password: set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT",
    ),
    (
        &[TUNNEL],
        "the proxy that HTTPS_PROXY names opened no connection: check that it runs and lets this host through, or \
         name the host in NO_PROXY",
    ),
];

/// How an error begins that a proxy made. What it says below that is of the proxy, not of the server.
const TUNNEL: &str = "tunnel error";

/// The longest wait that is told as such. A server that asks for more asks for "not today".
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// The longest error text that is kept, in characters.
const LONGEST_CAUSE: usize = 600;

/// The client for all servers: one TLS stack (rustls with ring), the machine's certificate authorities
/// (`SSL_CERT_FILE` and `SSL_CERT_DIR` replace them), the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`),
/// 10 s to connect, no redirects, and no overall timeout: callers hold deadlines and drop the future.
///
/// A machine without certificate authorities (an empty container) still gets a client, because plain HTTP to
/// loopback needs none: there the lack is logged once, and each HTTPS request fails with a sentence that says what
/// to do (see [`causes`]).
///
/// # Errors
/// When no client can be built at all.
pub fn client() -> anyhow::Result<reqwest::Client> {
    // reqwest is built without a crypto provider and panics when none is installed. A second call, or another part
    // of the process, may have installed one: any will do.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    match builder().build() {
        Ok(client) => Ok(client),
        Err(error) => {
            let client = without_authorities()
                .with_context(|| format!("the HTTP client cannot be set up: {}", causes(&error)))?;
            tracing::warn!("HTTPS will not work: {}", causes(&error));
            Ok(client)
        }
    }
}

/// A client that trusts nobody: plain HTTP works, HTTPS fails with the certificate sentence.
fn without_authorities() -> reqwest::Result<reqwest::Client> {
    builder().tls_certs_only([]).build()
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("counterpoint/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        // A redirect would carry a key, or turn a POST into a GET.
        .redirect(reqwest::redirect::Policy::none())
        // Every request is paid for: one call is one request, also below HTTP/2.
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(8)
        .pool_idle_timeout(Duration::from_secs(50))
        // A model may think for minutes without a byte: keep middleboxes from forgetting the connection, and find
        // out when it is dead.
        .tcp_keepalive(Duration::from_secs(20))
        .http2_keep_alive_interval(Duration::from_secs(30))
        .http2_keep_alive_timeout(Duration::from_secs(20))
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// More bytes than the caller takes.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The caller's limit in bytes.
        limit: usize,
    },
    /// The connection ended before the body did.
    #[error("the connection was cut in the middle of the answer: {why}")]
    Cut {
        /// The transport's error.
        why: String,
    },
}

/// Reads a body in pieces, never more than a limit.
#[derive(Debug)]
pub struct Capped {
    response: reqwest::Response,
    taken: usize,
    limit: usize,
}

impl Capped {
    /// Takes over `response`; all pieces together hold at most `limit` bytes.
    #[must_use]
    pub const fn new(response: reqwest::Response, limit: usize) -> Self {
        Self { response, taken: 0, limit }
    }

    /// The next piece, or none when the body is complete.
    ///
    /// # Errors
    /// [`ReadError`]; nothing can be read afterwards.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        match self.response.chunk().await {
            Ok(None) => Ok(None),
            Ok(Some(chunk)) => {
                self.taken = self.taken.saturating_add(chunk.len());
                if self.taken > self.limit {
                    return Err(ReadError::TooLarge { limit: self.limit });
                }
                Ok(Some(chunk))
            }
            Err(error) => Err(ReadError::Cut { why: reason(&error) }),
        }
    }
}

/// A whole body of at most `limit` bytes.
///
/// # Errors
/// [`ReadError`]: too large, or cut.
pub async fn read_capped(response: reqwest::Response, limit: usize) -> Result<Bytes, ReadError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).is_ok_and(|bytes| bytes > limit) {
        return Err(ReadError::TooLarge { limit });
    }
    let mut reader = Capped::new(response, limit);
    let mut body = BytesMut::new();
    while let Some(chunk) = reader.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// How long a server asks us to wait: `retry-after-ms`, else `retry-after` as seconds or as an HTTP date (RFC 9110,
/// 10.2.3; a date that has passed is no wait). None when it did not say, or said something else.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name).and_then(|value| value.parse::<f64>().ok());
    let wait = |seconds: f64| {
        let positive = seconds.is_finite() && seconds >= 0.0;
        positive.then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT))
    };
    if let Some(found) = number("retry-after-ms").and_then(|millis| wait(millis / 1000.0)) {
        return Some(found);
    }
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return wait(seconds);
    }
    let date = httpdate::parse_http_date(text(RETRY_AFTER.as_str())?).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO).min(LONGEST_WAIT))
}

/// The wait before attempt `attempt + 1` when the server named none: 0.5 s doubled each time, at most 8 s, less up
/// to a quarter so that two lanes do not knock together (the vendors' SDKs do the same). The same seed gives the same
/// waits.
#[must_use]
pub fn backoff(attempt: u32, seed: u64) -> Duration {
    let millis = 500_u64.saturating_mul(1_u64.checked_shl(attempt).unwrap_or(u64::MAX)).min(8_000);
    // splitmix64: enough to spread, and no dependency.
    let mut mixed = seed.wrapping_add(u64::from(attempt)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    Duration::from_millis(millis - mixed % (millis / 4 + 1))
}

/// The innermost cause of an error, which is what a person can act on, or all that a proxy's error says; see [`causes`]
/// for the others.
#[must_use]
pub fn reason(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        if innermost.to_string().starts_with(TUNNEL) {
            break;
        }
        innermost = cause;
    }
    causes(innermost)
}

/// An error with all its causes, outermost first, on one line. URLs lose user, password, query and fragment: that is
/// where secrets stand. An unknown certificate authority and a proxy that refuses get a sentence that says what to do.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut told = String::new();
    let mut next = Some(error);
    while let Some(current) = next {
        let text = current.to_string();
        // Many libraries repeat their cause in their own text.
        if !told.contains(&text) {
            if !told.is_empty() {
                told.push_str(": ");
            }
            told.push_str(&text);
        }
        next = current.source();
    }
    let mut line = one_line(&without_url_secrets(&told), LONGEST_CAUSE);
    if let Some((_, advice)) = ADVICE.iter().find(|(words, _)| words.iter().any(|word| line.contains(word))) {
        line.push_str("; ");
        line.push_str(advice);
    }
    line
}

/// White space and control characters become single blanks; at most `limit` characters, the cut marked by `…`.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            // A blank at the very end would be followed by the mark alone.
            if length + 1 >= limit {
                line.push('…');
                return line;
            }
            line.push(' ');
            length += 1;
        }
        for c in word.chars() {
            if length >= limit {
                line.push('…');
                return line;
            }
            line.push(c);
            length += 1;
        }
    }
    line
}

fn without_url_secrets(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + "://".len());
        clean.push_str(head);
        let ends = |c: char| c.is_whitespace() || "\"'<>(){}`,".contains(c);
        let (url, after) = tail.split_at(tail.find(ends).unwrap_or(tail.len()));
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = url.split_at(url.find('/').unwrap_or(url.len()));
        clean.push_str(authority.rsplit('@').next().unwrap_or_default());
        clean.push_str(path);
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn noon() -> SystemTime {
        httpdate::parse_http_date("Sun, 22 Nov 2026 12:00:00 GMT").unwrap()
    }

    /// A server that says exactly `bytes` to whoever connects, once.
    async fn says(bytes: &'static [u8]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(bytes).await;
            let _ = socket.shutdown().await;
        });
        format!("http://{address}/")
    }

    #[test]
    fn a_wait_is_read_from_every_form_a_server_may_choose() {
        let wait = |pairs: &[_]| retry_after(&headers(pairs), noon());
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
        assert_eq!(
            wait(&[("retry-after", "7"), ("retry-after-ms", "120")]),
            Some(Duration::from_millis(120))
        );
        assert_eq!(wait(&[("retry-after", "7"), ("retry-after-ms", "soon")]), Some(Duration::from_secs(7)));
        let date = |text: &'static str| wait(&[("retry-after", text)]);
        assert_eq!(date("Sun, 22 Nov 2026 12:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(date("Sun, 22 Nov 2026 11:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(date("1e300"), Some(LONGEST_WAIT));
        for nonsense in ["", "-3", "NaN", "inf", "tomorrow"] {
            assert_eq!(wait(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }

    #[test]
    fn waits_double_up_to_eight_seconds_and_lose_at_most_a_quarter() {
        for seed in 0..200 {
            for (attempt, full) in [(0, 500), (1, 1000), (2, 2000), (3, 4000), (4, 8000), (70, 8000)] {
                let wait = backoff(attempt, seed);
                assert_eq!(wait, backoff(attempt, seed));
                assert!(wait <= Duration::from_millis(full) && wait >= Duration::from_millis(full * 3 / 4));
            }
        }
        assert_ne!(backoff(4, 1), backoff(4, 2));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn causes_are_told_once_each_and_without_the_secrets_of_urls() {
        let inner = Layer("connection\nrefused", None);
        let outer = Layer(
            "sending to https://user:pw@host.example:8443/v1/x?key=abc#d failed",
            Some(Box::new(inner)),
        );
        assert_eq!(causes(&outer), "sending to https://host.example:8443/v1/x failed: connection refused");
        let same = Layer("a: b", Some(Box::new(Layer("b", None))));
        assert_eq!(causes(&same), "a: b");
        let ip6 = Layer("error for url (http://[::1]:8080/a?secret=1)", None);
        assert_eq!(causes(&ip6), "error for url (http://[::1]:8080/a)");
    }

    #[test]
    fn an_unknown_certificate_authority_is_answered_with_what_to_do() {
        let said = causes(&Layer("invalid peer certificate: UnknownIssuer", None));
        assert!(said.contains("SSL_CERT_FILE") && said.contains("ca-certificates"), "{said}");
    }

    #[test]
    fn what_a_proxy_did_is_told_as_the_proxys() {
        let refused = Layer("tcp connect error", Some(Box::new(Layer("Connection refused", None))));
        let tunnel = Layer("tunnel error: failed to create underlying connection", Some(Box::new(refused)));
        let said = reason(&Layer("error sending request", Some(Box::new(tunnel))));
        let begin = "tunnel error: failed to create underlying connection: tcp connect error: Connection refused; the proxy";
        assert!(said.starts_with(begin), "{said}");
        let said = reason(&Layer("tunnel error: proxy authorization required", None));
        assert!(said.contains("USER:PASSWORD@HOST"), "{said}");
    }

    #[tokio::test]
    async fn plain_http_works_on_a_machine_without_certificate_authorities() {
        let _ = client().unwrap();
        let url = says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
        let response = without_authorities().unwrap().get(url).send().await.unwrap();
        assert_eq!(read_capped(response, 2).await, Ok(Bytes::from_static(b"hi")));
    }

    #[tokio::test]
    async fn a_body_is_bounded_whether_its_length_was_announced_or_not() {
        let http = client().unwrap();
        let announced = says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789").await;
        let response = http.get(announced).send().await.unwrap();
        assert_eq!(read_capped(response, 8).await, Err(ReadError::TooLarge { limit: 8 }));
        let chunked = says(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n",
        )
        .await;
        let response = http.get(chunked).send().await.unwrap();
        assert_eq!(read_capped(response, 8).await, Err(ReadError::TooLarge { limit: 8 }));
    }

    #[tokio::test]
    async fn a_connection_cut_inside_a_body_is_told_apart_from_a_short_body() {
        let http = client().unwrap();
        for cut in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n12345"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n",
        ] {
            let response = http.get(says(cut).await).send().await.unwrap();
            assert!(matches!(read_capped(response, 1000).await, Err(ReadError::Cut { .. })));
        }
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let url =
            says(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(client().unwrap().get(url).send().await.unwrap().status(), 302);
    }

    proptest! {
        #[test]
        fn one_line_is_one_line_and_holds_its_limit(text in any::<String>(), limit in 1_usize..50) {
            let line = one_line(&text, limit);
            prop_assert!(line.chars().count() <= limit + 1);
            prop_assert!(!line.chars().any(|c| c.is_control()));
        }

        #[test]
        fn url_secrets_are_removed_from_any_text(text in any::<String>()) {
            let planted = format!("{text} https://mona:hunter2@host.example/path?key=hunter2 {text}");
            proptest::prop_assume!(!text.contains("hunter2"));
            proptest::prop_assert!(!without_url_secrets(&planted).contains("hunter2"));
            let _ = without_url_secrets(&format!("{text}://{text}"));
        }
    }
}
