//! Tests of the world itself: what it refuses, and that it refuses nothing else.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that finds nothing there has failed"
)]

mod anchors;
mod caching;
mod debating;
mod faults;
mod reading;
mod recorded;
mod reviewers;
mod running;
mod writing;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Pull, World};

/// What a plain client got back.
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// Whether as much arrived as was announced.
    fn is_whole(&self) -> bool {
        match self.header("content-length") {
            Some(length) => length == self.body.len().to_string(),
            None => self.body.ends_with(b"0\r\n\r\n"),
        }
    }
}

/// One request over a connection of its own, by hand, so that no client library smooths anything over.
async fn send(world: &World, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
    let address = world.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.expect("the world listens");
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    request.push_str(&format!("content-length: {}\r\n", body.len()));
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let request = format!("{request}\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("the world reads");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Got { status: status.unwrap_or_default(), head, body: body.to_vec() }
}

/// As a well-behaved client of GitHub asks.
async fn github(world: &World, method: &str, path: &str, body: &Value) -> Got {
    github_as(world, method, path, "application/vnd.github+json", body).await
}

async fn github_as(world: &World, method: &str, path: &str, accept: &str, body: &Value) -> Got {
    let token = format!("Bearer {}", world.with(|state| state.token.clone()));
    let headers = [("user-agent", "test"), ("authorization", &token), ("accept", accept)];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(world, method, &format!("/api/repos/acme/shop{path}"), &headers, &body).await
}

async fn get(world: &World, path: &str) -> Got {
    github(world, "GET", path, &Value::Null).await
}

/// A world with pull request 7: two hunks in `a.txt`, one deletion in the first.
async fn two_hunks() -> World {
    let lines = |from: usize, to: usize| (from..=to).map(|n| format!("line {n}\n")).collect::<String>();
    let before = lines(1, 40);
    let after = before.replace("line 5\n", "").replace("line 30\n", "line thirty\nand more\n");
    let world = World::start().await;
    world.add(Pull::from_files(&[("a.txt", &before)], &[("a.txt", &after)]));
    world
}

fn review(comments: &Value) -> Value {
    json!({"event": "COMMENT", "body": "One finding.", "comments": comments})
}
