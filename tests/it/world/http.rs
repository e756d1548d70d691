//! One request as it came in, one answer as it goes out.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

/// A request with its path cut loose from the server it was sent to.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Sent to GitHub's REST interface, which stands under `/api`.
    pub rest: bool,
    /// For GitHub's REST without the `/api` in front, else as sent.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn accepts(&self, media_type: &str) -> bool {
        self.header("accept").is_some_and(|accept| accept.contains(media_type))
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The path's segments, with percent signs undone.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').skip(1).map(decode).collect()
    }
}

/// An answer before it becomes bytes on the wire.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Announce the whole body, send half of it and hang up.
    pub cut: bool,
    /// Send without a length, as event streams are.
    pub chunked: bool,
    /// Send in pieces of random sizes by this seed, without a length.
    pub chopped: Option<u64>,
}

impl Outgoing {
    pub fn json(status: u16, body: &Value) -> Self {
        let content_type = "application/json; charset=utf-8";
        Self::bytes(status, content_type, serde_json::to_vec(body).unwrap_or_default())
    }

    pub fn bytes(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            cut: false,
            chunked: false,
            chopped: None,
        }
    }

    pub fn empty(status: u16) -> Self {
        Self { headers: Vec::new(), ..Self::bytes(status, "", "") }
    }

    /// GitHub's plain refusal.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(
            status,
            &json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest",
                "status": status.to_string(),
            }),
        )
    }

    pub fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// A 422 with its `errors`, as a list of strings or of objects.
    pub fn unprocessable(message: &str, errors: &Value) -> Self {
        Self::json(
            422,
            &json!({
                "message": message,
                "errors": errors,
                "documentation_url": "https://docs.github.com/rest",
                "status": "422",
            }),
        )
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The body, where it is announced as JSON: a raw file may look like it.
    pub fn value(&self) -> Option<Value> {
        let json = self.headers.iter().any(|(_, value)| value.starts_with("application/json"));
        serde_json::from_slice(&self.body).ok().filter(|_| json)
    }

    pub fn into_response(self) -> Response {
        let whole = self.body.len();
        let body = if self.cut {
            cut_body(self.body)
        } else if let Some(seed) = self.chopped {
            chopped_body(self.body, seed)
        } else if self.chunked {
            let chunks: Vec<_> = self.body.chunks(64).map(Bytes::copy_from_slice).collect();
            let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
            Body::from_stream(futures_util::stream::iter(chunks))
        } else {
            Body::from(self.body)
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        if self.cut && !self.chunked {
            response.headers_mut().insert("content-length", HeaderValue::from(whole));
        }
        for (name, value) in self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// Pieces of 1 to 40 bytes.
fn chopped_body(body: Vec<u8>, seed: u64) -> Body {
    let body = Bytes::from(body);
    let stream = futures_util::stream::unfold((body, seed), |(mut rest, seed)| async move {
        if rest.is_empty() {
            return None;
        }
        // Knuth's generator; its high bits are the random ones.
        let seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = usize::try_from(seed >> 33).unwrap_or_default() % 40 + 1;
        let piece = rest.split_to(size.min(rest.len()));
        // What was given is written out before the next piece.
        tokio::task::yield_now().await;
        Some((Ok::<_, std::io::Error>(piece), (rest, seed)))
    });
    Body::from_stream(stream)
}

/// Half of the bytes, then a broken connection.
fn cut_body(body: Vec<u8>) -> Body {
    let half = body.get(..body.len() / 2).unwrap_or_default();
    let half = Bytes::copy_from_slice(half);
    let stream = futures_util::stream::unfold(Some(half), |rest| async {
        match rest {
            Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
            Some(_) => {
                // Without a pause the server drops what it has not yet flushed, headers included.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Err(std::io::Error::other("cut on purpose")), None))
            }
            None => None,
        }
    });
    Body::from_stream(stream)
}

/// Splits and decodes a query string.
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(&value.replace('+', " ")))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
