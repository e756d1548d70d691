//! Every way in which a request to a model can end, and what people read of it on the pull request.
//!
//! One lane talks to a server that plays a vendor's bytes, plain and streamed, chopped anywhere; the other lane finds the
//! expiry. Of every end three things are told: the outputs with the check, the sentence on the lane, and the lane's line in the
//! table of costs. Where the streamed answer is told like the plain one, it stands there once.

pub mod server;
pub mod wire;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use futures_util::future::join_all;

use self::server::{Played, Server, Then};
use self::wire::{Form, Wire, answer, error, plain};
use crate::shop::*;
use crate::world::*;

/// The lanes: in `chat` a server of one's own takes the place of Codex. Nobody waits longer than a second for a server to
/// begin or to go on.
fn config(wire: Wire, origin: &str) -> String {
    let impatient = "timeouts: {first_byte_seconds: 1, idle_seconds: 1}";
    let lanes = match wire {
        Wire::Messages | Wire::Responses => format!("  claude: {{{impatient}}}\n  codex: {{{impatient}}}\n"),
        Wire::Chat => format!(
            "  codex: null\n  local: {{provider: compatible, model: qwen3, base_url: \"{origin}/v1\", auth: bearer, \
             free: true, {impatient}}}\n"
        ),
    };
    format!("lanes:\n{lanes}")
}

/// The key of the server of one's own.
pub const LOCAL_KEY: &str = "world-local-key-c07d";

/// What an answer that is understood says. Its letters take one to four bytes.
fn good() -> String {
    reply([boundary().body("The comparison lets a token pass in the very second: é, ✓, 🦀.")])
        .value()
        .to_string()
}

/// A run in which the server of one lane plays these answers, and the other lane finds the expiry.
pub async fn run(world: &World, wire: Wire, answers: Vec<Played>) -> (Finished, Server) {
    let mut hasher = DefaultHasher::new();
    answers.iter().for_each(|answer| answer.bytes.hash(&mut hasher));
    let server = Server::play(answers, hasher.finish()).await;
    world.base_file(".github/counterpoint.yml", &config(wire, &server.origin));
    let run = opened(world);
    let (living, run) = match wire {
        Wire::Messages => (world.codex(), run.env("ANTHROPIC_BASE_URL", &server.origin)),
        Wire::Responses => (world.claude(), run.env("OPENAI_BASE_URL", format!("{}/v1", server.origin))),
        Wire::Chat => (world.claude(), run.env("OPENAI_COMPATIBLE_API_KEY", LOCAL_KEY)),
    };
    living.answers(reply([expiry()]));
    (run.finish().await, server)
}

/// What is told of a lane whose server plays these answers.
async fn published_of(wire: Wire, answers: Vec<Played>) -> String {
    let world = shop().await;
    let (run, _) = run(&world, wire, answers).await;
    world.assert_clean();
    let name = match wire {
        Wire::Messages => "Claude",
        Wire::Responses => "Codex",
        Wire::Chat => "Local",
    };
    let summary = told(&world);
    let both = summary.contains("found by both");
    let begin = if both { "Claude and ".to_owned() } else { format!("{name} did not finish") };
    let sentence = summary.lines().find(|line| line.starts_with(&begin)).unwrap_or("nothing is said");
    let costs = lines_with(&summary, &[&format!("| {name} |")]).join("\n");
    let found = if both { "found by both" } else { "found by one" };
    format!("{}, check {}; {found}\n{sentence}\n{costs}", end(&run), check(&world).0)
}

/// What is told of the lane of each wire format.
async fn published(script: impl Fn(Wire, Form) -> Vec<Played>) -> String {
    let forms = [Form::Plain, Form::Streamed];
    let runs = Wire::ALL.map(|wire| (wire, forms.map(|form| published_of(wire, script(wire, form)))));
    let all = runs.map(|(wire, runs)| async move { (wire, join_all(runs).await) });
    let mut text = String::new();
    for (wire, told) in join_all(all).await {
        let name = wire.name();
        match told.as_slice() {
            [plain, streamed] if plain == streamed => text.push_str(&format!("{name}: {plain}\n\n")),
            [plain, streamed] => {
                text.push_str(&format!("{name}, plain: {plain}\n\n{name}, streamed: {streamed}\n\n"))
            }
            _ => unreachable!(),
        }
    }
    text
}

// The model answered.

#[tokio::test]
async fn a_whole_answer_is_read() {
    let told = published(|wire, form| vec![answer(wire, form, "done", &good())]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Claude | `claude-sonnet-5-5` | review | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Codex | `gpt-6.1-sol` | review | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Local | `qwen3` | review | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_category() {
    let told = published(|wire, form| vec![answer(wire, form, "refused-with-category", "I will not.")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (the model refused: cyber, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    | Claude | `claude-sonnet-5-5` | refused | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (the model refused: content_filter, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    | Codex | `gpt-6.1-sol` | refused | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (the model refused: content_filter, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    | Local | `qwen3` | refused | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_refusal_without_a_category_is_a_refusal() {
    let told = published(|wire, form| vec![answer(wire, form, "refused", "I will not.")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (the model refused, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    | Claude | `claude-sonnet-5-5` | refused | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (the model refused, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    | Codex | `gpt-6.1-sol` | refused | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (the model refused, <m:ss>): this is one reviewer's view. Name a `fallback` model for the lane: it is asked where this one refuses.
    | Local | `qwen3` | refused | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_answer_that_is_cut_at_the_output_limit_again_and_again_is_told_as_cut() {
    let told = published(|wire, form| vec![answer(wire, form, "truncated", &good()[..200])]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (its answer was cut at the output limit, 2 tries, <m:ss>): this is one reviewer's view. Split the pull request, or lower the lane's effort.
    | Claude | `claude-sonnet-5-5` | cut at the output limit, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (its answer was cut at the output limit, 2 tries, <m:ss>): this is one reviewer's view. Split the pull request, or lower the lane's effort.
    | Codex | `gpt-6.1-sol` | cut at the output limit, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (its answer was cut at the output limit, 2 tries, <m:ss>): this is one reviewer's view. Split the pull request, or lower the lane's effort.
    | Local | `qwen3` | cut at the output limit, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_answer_that_is_cut_at_the_output_limit_is_asked_for_with_more_room() {
    let told = published(|wire, form| {
        vec![answer(wire, form, "truncated", &good()[..200]), answer(wire, form, "done", &good())]
    })
    .await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Claude | `claude-sonnet-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Codex | `gpt-6.1-sol` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Local | `qwen3` | review, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_repaired() {
    let told = published(|wire, form| {
        let prose = answer(wire, form, "done", "I would rather talk about the weather.");
        vec![prose, answer(wire, form, "done", &good())]
    })
    .await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Claude | `claude-sonnet-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Codex | `gpt-6.1-sol` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Local | `qwen3` | review, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_told_as_such() {
    let told =
        published(|wire, form| vec![answer(wire, form, "done", "I would rather talk about the weather.")])
            .await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
    | Claude | `claude-sonnet-5-5` | no readable answer, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
    | Codex | `gpt-6.1-sol` | no readable answer, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (the answer holds no list of findings, 2 tries, <m:ss>): this is one reviewer's view. Choose a model that keeps to a form, or name a `fallback` for the lane.
    | Local | `qwen3` | no readable answer, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

// The vendor asked for patience, or for money.

#[tokio::test]
async fn a_rate_limit_that_outlasts_three_tries_is_told() {
    let told = published(|wire, _| vec![error(wire, "limited")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (rate limit, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | rate limit, 3 requests | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (rate limit, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | rate limit, 3 requests | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (rate limit, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | rate limit, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_rate_limit_with_a_short_wait_is_waited_for() {
    let told = published(|wire, form| {
        vec![error(wire, "limited for a second"), answer(wire, form, "done", &good())]
    })
    .await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Claude | `claude-sonnet-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Codex | `gpt-6.1-sol` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Local | `qwen3` | review, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_rate_limit_with_a_wait_beyond_the_deadline_is_not_waited_for() {
    let told = published(|wire, _| vec![error(wire, "limited for an hour")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (rate limit, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | rate limit | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (rate limit, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | rate limit | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (rate limit, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | rate limit | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_spending_limit_is_not_asked_again() {
    let told = published(|wire, _| vec![error(wire, "spend limit")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> wants to be paid first (HTTP 429): rate_limit_error: enforced_spend_limit_reached: You have reached your specified API usage limits): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the input `anthropic-api-key` (or ANTHROPIC_API_KEY) belongs to.
    | Claude | `claude-sonnet-5-5` | could not be asked | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the input `openai-api-key` (or OPENAI_API_KEY) belongs to.
    | Codex | `gpt-6.1-sol` | could not be asked | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the variable OPENAI_COMPATIBLE_API_KEY belongs to.
    | Local | `qwen3` | could not be asked | unknown | <m:ss> | $0.00 |
    ");
}

// The server was not well.

#[tokio::test]
async fn a_server_that_stays_overloaded_is_told() {
    let told = published(|wire, _| vec![error(wire, "overloaded")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> is overloaded (HTTP 529): overloaded_error: Overloaded, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | not available, 3 requests | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> is overloaded (HTTP 503): server_error: The server is overloaded or not ready yet, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> is overloaded (HTTP 503): server_error: The server is overloaded or not ready yet, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | not available, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_server_that_is_overloaded_once_is_asked_again() {
    let told =
        published(|wire, form| vec![error(wire, "overloaded"), answer(wire, form, "done", &good())]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Claude | `claude-sonnet-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Codex | `gpt-6.1-sol` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> of $1.00**
    | Local | `qwen3` | review, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_bad_gateway_is_told() {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n";
    let told = published(|_, _| vec![plain(502, "text/html", &[], page)]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> ran into a time-out or a bad gateway (HTTP 502): an HTML page instead of an error, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | not available, 3 requests | unknown | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> ran into a time-out or a bad gateway (HTTP 502): an HTML page instead of an error, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> ran into a time-out or a bad gateway (HTTP 502): an HTML page instead of an error, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | not available, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_told() {
    let page = "<!doctype html><title>Sign in to the company network</title>";
    let told = published(|_, _| vec![plain(200, "text/html", &[], page)]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | not available, 3 requests | unknown | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> answered with an HTML page instead of JSON: is a proxy or a login page in between?, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | not available, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_told() {
    let told = published(|wire, form| vec![answer(wire, form, "done", &good()).half(Then::Close)]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port>: the connection was cut in the middle of the answer: end of file before message length reached, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | not available, 3 requests | unknown | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port>: the connection was cut in the middle of the answer: end of file before message length reached, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port>: the connection was cut in the middle of the answer: end of file before message length reached, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | not available, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_once_is_asked_for_again() {
    let told = published(|wire, form| {
        let whole = answer(wire, form, "done", &good());
        vec![whole.clone().half(Then::Close), whole]
    })
    .await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Claude | `claude-sonnet-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Codex | `gpt-6.1-sol` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Local | `qwen3` | review, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_told() {
    let told = published(|wire, _| vec![answer(wire, Form::Streamed, "broken", &good())]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> is overloaded (inside its answer): overloaded_error: Overloaded, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | not available, 3 requests | unknown | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> had an error (inside its answer): error: server_error: The server had an error while processing your request. Sorry about that!, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> had an error (inside its answer): server_error: The server had an error while processing your request, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | not available, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_asked_again() {
    let told = published(|wire, form| {
        vec![answer(wire, Form::Streamed, "broken", &good()), answer(wire, form, "done", &good())]
    })
    .await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Claude | `claude-sonnet-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Codex | `gpt-6.1-sol` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Local | `qwen3` | review, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

// Nothing comes.

#[tokio::test]
async fn a_server_that_never_begins_is_told() {
    let told = published(|_, _| vec![Played::silence()]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> was silent for 1 s before its first byte, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | not available, 3 requests | unknown | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> was silent for 1 s before its first byte, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> was silent for 1 s before its first byte, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | not available, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_server_that_does_not_begin_once_is_asked_again() {
    let told = published(|wire, form| vec![Played::silence(), answer(wire, form, "done", &good())]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Claude | `claude-sonnet-5-5` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    responses: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Codex both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Codex | `gpt-6.1-sol` | review, 2 requests | <in> / <out> | <m:ss> | <usd> |

    chat: exit 0: reviewed ok, gate off, lanes 2/2, check success; found by both
    Claude and Local both finished on `<head>`. 1 file, 4 changed lines read · <time> · **<usd> at most of $1.00**
    | Local | `qwen3` | review, 2 requests | <in> / <out> | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_server_that_falls_silent_in_the_middle_is_told() {
    let told = published(|wire, form| vec![answer(wire, form, "done", &good()).half(Then::Silence)]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> was silent for 1 s in the middle of its answer, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Claude | `claude-sonnet-5-5` | not available, 3 requests | unknown | <m:ss> | <usd> |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> was silent for 1 s in the middle of its answer, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Codex | `gpt-6.1-sol` | not available, 3 requests | unknown | <m:ss> | <usd> |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> was silent for 1 s in the middle of its answer, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.
    | Local | `qwen3` | not available, 3 requests | unknown | <m:ss> | $0.00 |
    ");
}

// Asking again cannot help.

#[tokio::test]
async fn a_wrong_key_is_told_with_what_to_do() {
    let told = published(|wire, _| vec![error(wire, "wrong key")]).await;
    insta::assert_snapshot!(told, @r"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): authentication_error: invalid x-api-key): this is one reviewer's view. Check the secret given to the input `anthropic-api-key` (or ANTHROPIC_API_KEY): it is wrong, revoked or of another provider.
    | Claude | `claude-sonnet-5-5` | could not be asked | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): invalid_request_error: invalid_api_key: Incorrect API key provided: world-co\*\*\*\*\*91ab. You can find your API key at https://platform.openai.com/account/api-keys): this is one reviewer's view. Check the secret given to the input `openai-api-key` (or OPENAI_API_KEY): it is wrong, revoked or of another provider.
    | Codex | `gpt-6.1-sol` | could not be asked | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): invalid_request_error: invalid_api_key: Incorrect API key provided: world-co\*\*\*\*\*91ab. You can find your API key at https://platform.openai.com/account/api-keys): this is one reviewer's view. Check the secret given to the variable OPENAI_COMPATIBLE_API_KEY: it is wrong, revoked or of another provider.
    | Local | `qwen3` | could not be asked | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_unknown_model_is_told_with_what_to_do() {
    let told = published(|wire, _| vec![error(wire, "unknown model")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> does not know the model (HTTP 404): not_found_error: model: claude-sonnet-5-5): this is one reviewer's view. Check the model's name (input `claude-model`, or `model` of the lane in .github/counterpoint.yml), and that the key in the input `anthropic-api-key` (or ANTHROPIC_API_KEY) may use it.
    | Claude | `claude-sonnet-5-5` | could not be asked | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> does not know the model (HTTP 400): invalid_request_error: model_not_found: The requested model 'gpt-6.1-sol' does not exist): this is one reviewer's view. Check the model's name (input `codex-model`, or `model` of the lane in .github/counterpoint.yml), and that the key in the input `openai-api-key` (or OPENAI_API_KEY) may use it.
    | Codex | `gpt-6.1-sol` | could not be asked | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> does not know the model (HTTP 404): invalid_request_error: model_not_found: The model `qwen3` does not exist or you do not have access to it): this is one reviewer's view. Check the model's name (`model` of the lane `local` in .github/counterpoint.yml), and that the key in the variable OPENAI_COMPATIBLE_API_KEY may use it.
    | Local | `qwen3` | could not be asked | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn an_account_without_credit_is_told_with_what_to_do() {
    let told = published(|wire, _| vec![error(wire, "no credit")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> wants to be paid first (HTTP 402): billing_error: Your credit balance is too low to access the Anthropic API. Please go to Plans &amp; Billing to upgrade or purchase credits): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the input `anthropic-api-key` (or ANTHROPIC_API_KEY) belongs to.
    | Claude | `claude-sonnet-5-5` | could not be asked | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the input `openai-api-key` (or OPENAI_API_KEY) belongs to.
    | Codex | `gpt-6.1-sol` | could not be asked | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> wants to be paid first (HTTP 429): insufficient_quota: insufficient_quota: You exceeded your current quota, please check your plan and billing details): this is one reviewer's view. Add credit, or raise the spending limit, of the account that the key in the variable OPENAI_COMPATIBLE_API_KEY belongs to.
    | Local | `qwen3` | could not be asked | unknown | <m:ss> | $0.00 |
    ");
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_told_with_what_to_do() {
    let told = published(|wire, _| vec![error(wire, "too long")]).await;
    insta::assert_snapshot!(told, @"
    messages: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Claude did not finish (127.0.0.1:<port> finds the request too long (HTTP 400): invalid_request_error: prompt is too long: 1048577 tokens &gt; 1000000 maximum): this is one reviewer's view. Leave files out with `paths.exclude` in .github/counterpoint.yml, or choose a model with a larger context (input `claude-model`, or `model` of the lane in .github/counterpoint.yml).
    | Claude | `claude-sonnet-5-5` | could not be asked | unknown | <m:ss> | $0.00 |

    responses: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Codex did not finish (127.0.0.1:<port> finds the request too long (HTTP 400): invalid_request_error: context_length_exceeded: Your input exceeds the context window of this model. Please adjust your input and try again): this is one reviewer's view. Leave files out with `paths.exclude` in .github/counterpoint.yml, or choose a model with a larger context (input `codex-model`, or `model` of the lane in .github/counterpoint.yml).
    | Codex | `gpt-6.1-sol` | could not be asked | unknown | <m:ss> | $0.00 |

    chat: exit 0: partial lane-failed, gate off, lanes 1/2, check neutral; found by one
    Local did not finish (127.0.0.1:<port> finds the request too long (HTTP 400): invalid_request_error: context_length_exceeded: Your input exceeds the context window of this model. Please adjust your input and try again): this is one reviewer's view. Leave files out with `paths.exclude` in .github/counterpoint.yml, or choose a model with a larger context (`model` of the lane `local` in .github/counterpoint.yml).
    | Local | `qwen3` | could not be asked | unknown | <m:ss> | $0.00 |
    ");
}
