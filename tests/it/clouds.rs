//! Models in a cloud, with no long-lived key anywhere: the job's identity is exchanged for what the cloud accepts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::shop::*;
use crate::world::*;

const REQUEST_TOKEN: &str = "request-token-of-the-job";
const AWS_SECRET: &str = "secret/key+of/the/role";
const AWS_SESSION: &str = "session-token-of-the-role==";
const ENTRA: &str = "token-of-entra";
const FEDERATED: &str = "federated-token-of-google";
const GOOGLE: &str = "token-of-the-service-account";

/// What GitHub vouches for: a job on a pull request of `acme/shop`.
fn identity() -> String {
    let claims =
        json!({"sub": "repo:acme/shop:pull_request", "iss": "https://token.actions.githubusercontent.com"});
    format!("e30.{}.signature", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The world, with a configuration that may name it as `WORLD`.
async fn configured(yaml: &str) -> World {
    let world = shop().await;
    world.base_file(".github/counterpoint.yml", &yaml.replace("WORLD", &world.url()));
    world
}

/// A run with an identity and without a key.
fn keyless(world: &World) -> Run {
    let url = world.url();
    opened(world)
        .without("ANTHROPIC_API_KEY")
        .without("OPENAI_API_KEY")
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{url}/idtoken?api-version=2.0"))
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
        .env("AWS_ENDPOINT_URL_STS", format!("{url}/aws-sts"))
        .env("AZURE_AUTHORITY_HOST", format!("{url}/entra"))
        .env("GHA_ENDPOINT_OVERRIDE_sts", format!("{url}/google-sts/v1"))
        .env("GHA_ENDPOINT_OVERRIDE_iamcredentials", format!("{url}/google-iam/v1"))
        .env("COUNTERPOINT_LOG", "debug")
}

fn says(world: &World, pattern: &str, status: u16, body: &Value) {
    world.on(pattern).answer(Fault::Answer(Outgoing::json(status, body)));
}

fn vouches(world: &World) {
    says(world, "GET /idtoken", 200, &json!({"count": 1, "value": identity()}));
}

fn aws_assumes(world: &World) {
    let xml = format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
         <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>{AWS_SECRET}</SecretAccessKey>\
         <SessionToken>{AWS_SESSION}</SessionToken><Expiration>2026-11-22T13:00:00Z</Expiration></Credentials>\
         </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    );
    world.on("POST /aws-sts/").answer(Fault::Answer(Outgoing::bytes(200, "text/xml", xml)));
}

fn entra_gives(world: &World) {
    let token = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": ENTRA});
    says(world, "POST /entra/tenant-1/oauth2/v2.0/token", 200, &token);
}

fn google_gives(world: &World) {
    let federated = json!({"access_token": FEDERATED, "token_type": "Bearer", "expires_in": 3599});
    says(world, "POST /google-sts/v1/token", 200, &federated);
    let token = json!({"accessToken": GOOGLE, "expireTime": "2026-11-22T13:00:00Z"});
    says(world, "POST /google-iam/*", 200, &token);
}

/// An answer of Claude, plain.
fn message(findings: impl IntoIterator<Item = Finding>) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": reply(findings).value().to_string()}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10_000, "output_tokens": 1_000},
    })
}

/// An answer of OpenAI's Responses API, plain.
fn response(findings: impl IntoIterator<Item = Finding>) -> Value {
    let text = json!({"type": "output_text", "text": reply(findings).value().to_string(), "annotations": []});
    json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-6.1-sol",
        "output": [{"type": "message", "role": "assistant", "status": "completed", "content": [text]}],
        "usage": {"input_tokens": 10_000, "output_tokens": 1_000, "total_tokens": 11_000},
    })
}

/// No token and no key of this run in anything that it left behind, however much it was asked to log.
#[track_caller]
fn gives_nothing_away(world: &World, run: &Finished) {
    let log: String = run.stderr.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    let record = run.record().map(|record| record.to_string()).unwrap_or_default();
    let texts = [run.stdout.clone(), log, run.summary.clone(), told(world), record];
    let identity = identity();
    for secret in [&identity, REQUEST_TOKEN, AWS_SECRET, AWS_SESSION, ENTRA, FEDERATED, GOOGLE] {
        assert!(texts.iter().all(|text| !text.contains(secret)), "{secret} in {texts:#?}");
    }
}

/// The runner is told to hide these in what later steps print.
#[track_caller]
fn masks(run: &Finished, secrets: &[&str]) {
    for secret in secrets {
        assert!(run.stderr.contains(&format!("::add-mask::{secret}\n")), "{secret} is not masked");
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What AWS would do: compute the signature again, from the request as it arrived.
#[track_caller]
fn is_signed(request: &Exchange, region: &str, service: &str) {
    let authorization = request.header("authorization").unwrap();
    let field = |name: &str| {
        let (_, rest) = authorization.split_once(&format!("{name}=")).unwrap();
        rest.split(',').next().unwrap().to_owned()
    };
    let date = request.header("x-amz-date").unwrap();
    let (day, names) = (&date[..8], field("SignedHeaders"));
    for name in ["host", "x-amz-date", "x-amz-security-token", "content-type", "anthropic-version"] {
        assert!(names.split(';').any(|signed| signed == name), "{name} is not signed: {names}");
    }
    let lines: String =
        names.split(';').map(|name| format!("{name}:{}\n", request.header(name).unwrap())).collect();
    let body = hex(&Sha256::digest(&request.body));
    let canonical = format!("{}\n{}\n\n{lines}\n{names}\n{body}", request.method, request.path);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(&canonical)));
    let key = format!("AWS4{AWS_SECRET}").into_bytes();
    let key = scope.split('/').fold(key, |key, part| hmac(&key, part.as_bytes()));
    assert_eq!(field("Credential"), format!("ASIAEXAMPLE/{scope}"));
    assert_eq!(field("Signature"), hex(&hmac(&key, text.as_bytes())), "{canonical}");
    assert_eq!(request.header("x-amz-security-token"), Some(AWS_SESSION));
    assert_eq!(request.header("x-api-key"), None);
}

const TWO_CLOUDS: &str = "
lanes:
  claude:
    provider: bedrock
    model: anthropic.claude-sonnet-5-5
    base_url: WORLD/bedrock
    auth: {aws: {role: 'arn:aws:iam::123456789012:role/review', region: eu-central-1}}
  codex:
    provider: azure
    model: gpt-6.1-sol
    base_url: WORLD/azure/openai/v1
    auth: {azure: {tenant: tenant-1, client: client-1}}
";

#[tokio::test]
async fn claude_on_bedrock_and_codex_on_azure_review_with_no_stored_key() {
    let world = configured(TWO_CLOUDS).await;
    vouches(&world);
    aws_assumes(&world);
    entra_gives(&world);
    says(&world, "POST /bedrock/v1/messages", 200, &message([expiry()]));
    says(&world, "POST /azure/openai/v1/responses", 200, &response([boundary()]));
    let run = keyless(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2", "{}", run.stderr);
    assert_eq!(counts(&run), "1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 1 inline");

    let [bedrock] = world.requests_to("POST /bedrock/*").try_into().unwrap();
    is_signed(&bedrock, "eu-central-1", "bedrock-mantle");
    assert_eq!(bedrock.json()["model"], "anthropic.claude-sonnet-5-5");
    let [azure] = world.requests_to("POST /azure/*").try_into().unwrap();
    assert_eq!(azure.header("authorization"), Some(format!("Bearer {ENTRA}").as_str()));
    assert_eq!(azure.header("api-key"), None);
    assert_eq!(azure.json()["store"], false);
    // 10k in and 1k out at a tenth above the list price of $2 and $10, and at a fifth above that of the same.
    let record = run.record().unwrap();
    let cost =
        |lane: &str| record["ledger"].as_array().unwrap().iter().find(|entry| entry["lane"] == lane).cloned();
    assert_eq!(cost("claude").unwrap()["settled"], 33_000, "{}", record["ledger"]);
    assert_eq!(cost("codex").unwrap()["settled"], 36_000, "{}", record["ledger"]);
    gives_nothing_away(&world, &run);
    masks(&run, &[&identity(), AWS_SECRET, AWS_SESSION, ENTRA, REQUEST_TOKEN]);
    world.assert_clean();
}

const PROVIDER: &str = "projects/42/locations/global/workloadIdentityPools/github/providers/github";

#[tokio::test]
async fn claude_on_vertex_is_asked_in_its_own_form_and_one_identity_is_exchanged_once() {
    let world = configured(&format!(
        "
lanes:
  claude: ~
  codex: ~
  one: &vertex
    provider: vertex
    model: claude-haiku-4-5@20251001
    base_url: WORLD/v1/projects/p/locations/global/publishers/anthropic/models
    auth: {{google: {{provider: {PROVIDER}, service_account: review@shop.iam.gserviceaccount.com}}}}
  two: *vertex
"
    ))
    .await;
    vouches(&world);
    google_gives(&world);
    says(&world, "POST /v1/projects/*", 200, &message([expiry()]));
    let run = keyless(&world).finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2", "{}", run.stderr);
    for once in ["GET /idtoken", "POST /google-sts/v1/token", "POST /google-iam/*"] {
        assert_eq!(world.count(once), 1, "{once}");
    }
    let path = "/v1/projects/p/locations/global/publishers/anthropic/models/claude-haiku-4-5@20251001:streamRawPredict";
    for request in world.requests_to("POST /v1/projects/*") {
        assert_eq!(request.path, path);
        assert_eq!(request.header("authorization"), Some(format!("Bearer {GOOGLE}").as_str()));
        assert_eq!(request.header("anthropic-version"), None);
        let body = request.json();
        assert_eq!(body["anthropic_version"], "2026-10-21");
        assert_eq!((body.get("model"), &body["stream"]), (None, &json!(true)));
        assert_eq!(body["output_config"].get("format"), None);
        let task = body["messages"][0]["content"][1]["text"].as_str().unwrap();
        assert!(task.contains("Answer with JSON of this schema"), "{task}");
    }
    gives_nothing_away(&world, &run);
    masks(&run, &[FEDERATED, GOOGLE]);
    world.assert_clean();
}

#[tokio::test]
async fn a_job_that_may_not_have_an_identity_is_told_to_ask_for_it() {
    let world = configured(TWO_CLOUDS).await;
    let run = keyless(&world).without("ACTIONS_ID_TOKEN_REQUEST_URL").finish().await;
    assert_eq!(end(&run), "exit 0: failed no-lane, gate off, lanes 0/2");
    insta::assert_snapshot!(told(&world), @r"
    --- check Counterpoint neutral on <head>: Not reviewed (no-lane)
    No reviewer can be asked, so nothing was reviewed: the job has no identity to show to the cloud.

    Give the job `permissions: id-token: write`. A pull request from a fork never has an identity.

    <!-- counterpoint:v1 -->
    ");
    gives_nothing_away(&world, &run);
    world.assert_clean();
}

#[tokio::test]
async fn a_trust_policy_that_does_not_match_ends_its_lane_and_not_the_run() {
    let world = configured(TWO_CLOUDS).await;
    vouches(&world);
    entra_gives(&world);
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
        <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>";
    world.on("POST /aws-sts/").answer(Fault::Answer(Outgoing::bytes(403, "text/xml", denied)));
    says(&world, "POST /azure/openai/v1/responses", 200, &response([boundary()]));
    let run = keyless(&world).finish().await;
    assert_eq!(end(&run), "exit 0: partial lane-failed, gate off, lanes 1/2", "{}", run.stderr);
    let told = told(&world);
    insta::assert_snapshot!(lines_with(&told, &["Claude was not asked ("])[0], @"Claude was not asked (AWS does not let the job assume the role (AccessDenied): Not authorized to perform sts:AssumeRoleWithWebIdentity): this is one reviewer's view. Check that the role arn:aws:iam::123456789012:role/review exists and that its trust policy allows `sts:AssumeRoleWithWebIdentity` with the audience `sts.amazonaws.com` and the subject `repo:acme/shop:pull_request`.");
    gives_nothing_away(&world, &run);
    world.assert_clean();
}

#[tokio::test]
async fn a_role_that_may_not_use_the_model_is_told_by_its_name() {
    let world = configured(TWO_CLOUDS).await;
    vouches(&world);
    aws_assumes(&world);
    entra_gives(&world);
    let message =
        format!("User is not authorized to perform: bedrock-mantle:CreateInference ({AWS_SESSION})");
    says(&world, "POST /bedrock/v1/messages", 403, &json!({"message": message}));
    let lacks = "The principal lacks the required data action";
    let lacks = json!({"error": {"code": "PermissionDenied", "message": lacks}});
    says(&world, "POST /azure/openai/v1/responses", 401, &lacks);
    let run = keyless(&world).finish().await;
    assert_eq!(end(&run), "exit 0: failed no-lane, gate off, lanes 0/2");
    let told = told(&world);
    insta::assert_snapshot!(lines_with(&told, &["did not finish ("])[0], @r"Claude did not finish (127.0.0.1:<port> does not allow this to the key (HTTP 403): User is not authorized to perform: bedrock-mantle:CreateInference (\[key\])) and Codex did not finish (127.0.0.1:<port> did not accept the key (HTTP 401): PermissionDenied: The principal lacks the required data action). Check that `base_url` of the lane `claude` is of the same account and region, and that the role arn:aws:iam::123456789012:role/review may use this model. Check that `base_url` of the lane `codex` is of the same account and region, and that the application client-1 may use this model: it needs the role `Cognitive Services OpenAI User` on the resource.");
    gives_nothing_away(&world, &run);
    world.assert_clean();
}

#[tokio::test]
async fn the_exchange_is_in_flight_while_the_files_are_read() {
    let world = configured(TWO_CLOUDS).await;
    let gate = world.on("GET /idtoken").hold();
    vouches(&world);
    aws_assumes(&world);
    entra_gives(&world);
    says(&world, "POST /bedrock/v1/messages", 200, &message([expiry()]));
    says(&world, "POST /azure/openai/v1/responses", 200, &response([boundary()]));
    let run = keyless(&world).spawn();
    gate.reached().await;
    world.arrived_times("POST /graphql", 2).await;
    gate.open();
    let run = run.finish().await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2", "{}", run.stderr);
    world.assert_clean();
}

#[tokio::test]
async fn keys_of_a_cloud_do_as_well_as_an_identity() {
    let world = configured(
        "
lanes:
  claude: {provider: bedrock, model: global.anthropic.claude-sonnet-5-5, base_url: WORLD/bedrock}
  codex: {provider: azure, model: our-deployment, base_url: WORLD/azure/openai/v1}
prices:
  our-deployment: {input: 2, output: 10}
",
    )
    .await;
    says(&world, "POST /bedrock/v1/messages", 200, &message([expiry()]));
    says(&world, "POST /azure/openai/v1/responses", 200, &response([boundary()]));
    let run = opened(&world)
        .env("AWS_BEARER_TOKEN_BEDROCK", "a-bedrock-key")
        .env("AZURE_OPENAI_API_KEY", "an-azure-key")
        .finish()
        .await;
    assert_eq!(end(&run), "exit 0: reviewed ok, gate off, lanes 2/2", "{}", run.stderr);
    let [bedrock] = world.requests_to("POST /bedrock/*").try_into().unwrap();
    assert_eq!(bedrock.header("authorization"), Some("Bearer a-bedrock-key"));
    let [azure] = world.requests_to("POST /azure/*").try_into().unwrap();
    assert_eq!((azure.header("api-key"), azure.header("authorization")), (Some("an-azure-key"), None));
    masks(&run, &["a-bedrock-key", "an-azure-key"]);
    world.assert_clean();
}

#[tokio::test]
async fn the_doctor_exchanges_the_identity_too() {
    let world = configured(TWO_CLOUDS).await;
    vouches(&world);
    aws_assumes(&world);
    let wrong = json!({"error": "invalid_client", "error_description": "AADSTS700213: No matching record", "error_codes": [700_213]});
    says(&world, "POST /entra/tenant-1/oauth2/v2.0/token", 401, &wrong);
    says(&world, "POST /bedrock/v1/messages", 200, &message([]));
    let run = keyless(&world).arguments(["doctor", "acme/shop"]).finish().await;
    let (_, lanes) = run.stdout.split_once("ok   lane").unwrap();
    insta::assert_snapshot!(lanes, @r"
     claude: claude-sonnet-5-5 answers
    fix  lane codex: Microsoft Entra gave the job no token (HTTP 401): AADSTS700213: No matching record
          Give the application client-1 a federated credential with the issuer `https://token.actions.githubusercontent.com`, the audience `api://AzureADTokenExchange` and the subject `repo:acme/shop:pull_request`.

    One thing to fix.
    ");
    gives_nothing_away(&world, &run);
    world.assert_clean();
}
