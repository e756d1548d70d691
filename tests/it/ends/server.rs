//! A server that plays bytes: one scripted HTTP answer to each request, in pieces that end anywhere.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of an answer, and what becomes of the connection after them.
#[derive(Clone, Debug)]
pub struct Played {
    pub bytes: Vec<u8>,
    pub then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is closed. When the answer is not over by then, it was cut.
    Close,
    /// It stays open, and nothing more comes.
    Silence,
}

impl Played {
    /// The first half of these bytes.
    pub fn half(mut self, then: Then) -> Self {
        self.bytes.truncate(self.bytes.len() / 2);
        Self { then, ..self }
    }

    /// No byte at all.
    pub fn silence() -> Self {
        Self { bytes: Vec::new(), then: Then::Silence }
    }
}

/// A playing server. It ends with the test's runtime.
pub struct Server {
    pub origin: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Plays these answers, one for each request, the last one again and again. `seed` decides where the pieces end.
    pub async fn play(answers: Vec<Played>, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let mut answers = VecDeque::from(answers);
        tokio::spawn(async move {
            let mut borders = Borders(seed | 1);
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read_request(&mut socket).await;
                // What a server can do is asked before anything else; this one does not tell.
                if request.starts_with("GET ") {
                    let _ = socket
                        .write_all(
                            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                        )
                        .await;
                    continue;
                }
                seen.lock().unwrap().push(request);
                let answer = match answers.len() {
                    1 => answers[0].clone(),
                    _ => answers.pop_front().unwrap(),
                };
                let borders = borders.fork();
                tokio::spawn(answered(socket, answer, borders));
            }
        });
        Self { origin, requests }
    }

    /// Head and body of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return text.into_owned();
            }
        }
        if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

async fn answered(mut socket: TcpStream, answer: Played, mut borders: Borders) {
    let _ = socket.set_nodelay(true);
    for piece in borders.split(&answer.bytes) {
        // Who asked may be gone.
        if socket.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    if answer.then == Then::Silence {
        std::future::pending::<()>().await;
    }
    let _ = socket.shutdown().await;
}

/// Where the pieces end: xorshift, the same for the same seed.
pub struct Borders(u64);

impl Borders {
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    const fn fork(&mut self) -> Self {
        Self::new(self.next())
    }

    /// Pieces of 1 to 64 bytes.
    pub fn split<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let (mut pieces, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let size = usize::try_from(self.next() % 64).unwrap() + 1;
            let (piece, more) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces
    }
}
