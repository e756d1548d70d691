//! The one server behind GitHub and the vendors.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::Router;
use axum::body::Body;
use axum::extract::State as AxumState;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::net::TcpListener;

use super::contract::Contract;
use super::faults::Fault;
use super::http::{Call, Outgoing, query_pairs};
use super::log::Log;
use super::models::Lane;
use super::state::State;
use super::vendors::Vendor;
use super::{Inner, World, github, graphql};

/// Binds a free port and answers until the world is dropped.
#[allow(clippy::expect_used, reason = "without a port there is no test")]
pub async fn start() -> World {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("a bound address").port();
    let state = State::new();
    let inner = Arc::new(Inner {
        port,
        claude: Lane::new(Vendor::Anthropic, "world-claude-key-5f1c"),
        codex: Lane::new(Vendor::OpenAi, "world-codex-key-91ab"),
        chat: Lane::new(Vendor::Chat, "world-chat-key-c3e7"),
        github_models: Lane::new(Vendor::Chat, &state.token),
        state: Mutex::new(state),
        log: Arc::new(Log::new()),
        rules: Mutex::default(),
        server: Mutex::default(),
    });
    // The server must not keep the world alive, for the world ends the server.
    let router = Router::new().fallback(answer).with_state(Arc::downgrade(&inner));
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    *inner.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.abort_handle());
    World(inner)
}

async fn answer(AxumState(world): AxumState<Weak<Inner>>, request: Request<Body>) -> Response {
    let Some(inner) = world.upgrade() else {
        return Outgoing::empty(503).into_response();
    };
    let world = World(inner);
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Outgoing::empty(400).into_response();
    };
    let path = parts.uri.path();
    let rest = path.strip_prefix("/api").filter(|rest| rest.starts_with('/'));
    let call = Call {
        method: parts.method.as_str().to_owned(),
        rest: rest.is_some(),
        path: rest.unwrap_or(path).to_owned(),
        query: query_pairs(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body: body.to_bytes(),
    };
    let visit = world.0.log.arrive(&call);
    world.look_for_leaks(&call);
    let outgoing = world.answer_with_faults(&call).await;
    visit.answered(outgoing.status);
    outgoing.into_response()
}

impl World {
    async fn answer_with_faults(&self, call: &Call) -> Outgoing {
        let mut instead = None;
        for fault in self.faults_for(call) {
            match fault {
                Fault::Delay(time) => tokio::time::sleep(time).await,
                Fault::Hold(gate) => gate.pass().await,
                Fault::Meanwhile(hook) => hook(self),
                other => instead = instead.or(Some(other)),
            }
        }
        match instead {
            None | Some(Fault::Delay(_) | Fault::Hold(_) | Fault::Meanwhile(_)) => self.answer(call).await,
            Some(Fault::Answer(outgoing)) => outgoing,
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Cut) => {
                let mut outgoing = self.answer(call).await;
                outgoing.cut = true;
                outgoing
            }
            Some(Fault::AfterCommit(then)) => {
                let outgoing = self.answer(call).await;
                match *then {
                    Fault::Answer(instead) => instead,
                    Fault::Hang => std::future::pending().await,
                    _ => Outgoing { cut: true, ..outgoing },
                }
            }
        }
    }

    fn faults_for(&self, call: &Call) -> Vec<Fault> {
        let mut rules = self.rules();
        let met = rules.iter_mut().filter_map(|rule| rule.meets(&call.method, &call.path));
        met.collect()
    }

    async fn answer(&self, call: &Call) -> Outgoing {
        if call.rest {
            let outgoing = self.with(|state| github::answer(state, call));
            self.check_contract(call, &outgoing);
            return outgoing;
        }
        for (_, prefix, lane) in self.lanes() {
            if let Some(path) = call.path.strip_prefix(prefix) {
                let mut violations = Vec::new();
                let outgoing = lane.serve(call, path, &mut violations).await;
                self.with(|state| state.violations.extend(violations));
                return outgoing;
            }
        }
        if call.path == "/graphql" {
            return self.graphql(call);
        }
        self.with(|state| state.violation(format!("nothing is served at {}", call.path)));
        Outgoing::not_found()
    }

    /// Knows two questions: who the token is, and what some files hold.
    fn graphql(&self, call: &Call) -> Outgoing {
        if let Some(refusal) = self.with(|state| github::unfit(state, call)) {
            return refusal;
        }
        let body = call.json().unwrap_or_default();
        let data = self.with(|state| graphql::viewer(state, &body).or_else(|| graphql::blobs(state, &body)));
        match data {
            Some(data) => Outgoing::json(200, &json!({"data": data})),
            None => {
                self.with(|state| state.violation(format!("GraphQL is asked what nobody knows: {body}")));
                Outgoing::json(200, &json!({"errors": [{"message": "not known to this world"}]}))
            }
        }
    }

    /// GitHub's own schema judges what came in and what went out, where it is at hand.
    fn check_contract(&self, call: &Call, outgoing: &Outgoing) {
        let Some(contract) = Contract::at_hand() else {
            return;
        };
        let mut problems = Vec::new();
        if let Some(body) = call.json() {
            problems.extend(contract.request(&call.method, &call.path, &body));
        }
        // Error bodies differ from the schema in GitHub's own answers.
        if let (200..300, Some(body)) = (outgoing.status, outgoing.value()) {
            let wrong = contract.response(&call.method, &call.path, outgoing.status, &body);
            problems.extend(wrong.iter().map(|problem| format!("the world's own answer: {problem}")));
        }
        self.with(|state| state.violations.extend(problems));
    }

    /// No key may travel in a body, nor in an address.
    fn look_for_leaks(&self, call: &Call) {
        let body = String::from_utf8_lossy(&call.body);
        let leaks = |secret: &&String| body.contains(*secret) || call.path.contains(*secret);
        if self.secrets().iter().any(|secret| leaks(&secret)) {
            self.with(|state| state.violation(format!("a secret in {} {}", call.method, call.path)));
        }
    }
}
