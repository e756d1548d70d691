//! Every verb against a server on loopback that answers whatever a test says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells how much it found"
)]

mod connection;
mod reading;
mod recorded;
mod writing;

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::GitHub;
use crate::domain::finding::{Anchor, Resolution, Side};
use crate::domain::pull::InlineComment;
use crate::domain::units::{PullNumber, RepoName, Sha};

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Asked {
    method: String,
    /// Path and query.
    target: String,
    head: String,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// An answer, byte for byte.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes announced beyond those sent.
    missing: usize,
}

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into(), missing: 0 }
        .with("content-type", "application/json; charset=utf-8")
}

impl Reply {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn cut(mut self) -> Self {
        self.missing = 10;
        self
    }
}

struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request by `answer`, which is told how many came before.
    async fn new(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(serve(stream, move |one| {
                    let before = seen.lock().unwrap().len();
                    seen.lock().unwrap().push(one.clone());
                    answer(&one, before)
                }));
            }
        });
        Self { url, asked }
    }

    /// The same answer every time.
    async fn always(answer: Reply) -> Self {
        Self::new(move |_, _| answer.clone()).await
    }

    fn github(&self) -> GitHub {
        github(&self.url, &format!("{}/graphql", self.url))
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }
}

/// One request a connection: the simplest server that can also break off.
async fn serve(mut stream: TcpStream, answer: impl FnOnce(Asked) -> Reply) {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut asked = Asked { method, target, head, body: String::new() };
    let length: usize = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + length {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "a request was cut");
    }
    asked.body = String::from_utf8(bytes[head_end..].to_vec()).unwrap();
    assert!(asked.header("transfer-encoding").is_none(), "requests announce their length");
    let reply = answer(asked);
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", reply.status);
    if reply.status != 204 {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len() + reply.missing));
    }
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&reply.body).await;
    let _ = stream.shutdown().await;
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

fn github(api: &str, graphql: &str) -> GitHub {
    GitHub::new(client(), api, graphql, Some(SecretString::from(" ghs_secret\n"))).unwrap()
}

fn repo() -> RepoName {
    "octo/repo".parse().unwrap()
}

fn sha() -> Sha {
    "0123456789abcdef0123456789abcdef01234567".parse().unwrap()
}

const NUMBER: PullNumber = PullNumber(7);

fn inline(path: &str, side: Side, start: u32, end: u32) -> InlineComment {
    let anchor = Anchor { path: path.to_owned(), side, start, end, how: Resolution::Exact };
    InlineComment { anchor, body: "text\n<!-- counterpoint:v1 -->".to_owned() }
}
