//! Each exchange against a scripted token service: the exact form of its requests, and a sentence for each failure.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes as BodyBytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use secrecy::ExposeSecret as _;

use super::*;
use crate::adapters::actions::Environment;
use crate::adapters::clock::Clock;
use crate::adapters::http;
use crate::adapters::terminal::Terminal;

/// A token service that gives these answers in turn and remembers what it was asked.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    answers: VecDeque<(u16, String)>,
    asked: Vec<String>,
}

impl Service {
    async fn start(answers: &[(u16, &str)]) -> (Self, String) {
        let service = Self::default();
        service.0.lock().unwrap().answers =
            answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (service, url)
    }

    /// Requests as method and target, then the interesting headers and the body, each on a line of its own.
    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }
}

async fn answer(
    State(service): State<Service>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: BodyBytes,
) -> (axum::http::StatusCode, String) {
    let mut told = format!("{method} {uri}\n");
    for name in ["authorization", "content-type"] {
        if let Some(value) = headers.get(name) {
            told.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
    }
    told.push_str(&String::from_utf8_lossy(&body).replace('&', "\n&"));
    let Script { answers, asked } = &mut *service.0.lock().unwrap();
    asked.push(told);
    let (status, body) = answers.pop_front().unwrap_or((500, "nobody scripted this".to_owned()));
    (axum::http::StatusCode::from_u16(status).unwrap(), body)
}

/// What GitHub answers: an identity whose subject is the pull requests of `acme/shop`.
fn identity() -> String {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"repo:acme/shop:pull_request"}"#);
    format!(r#"{{"count":1,"value":"e30.{claims}.signature"}}"#)
}

fn token_of_job() -> String {
    serde_json::from_str::<Value>(&identity()).unwrap()["value"].as_str().unwrap().to_owned()
}

fn outside(vars: &[(&str, &str)]) -> Outside {
    Outside {
        env: vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Environment>(),
        terminal: Terminal::new(false),
        clock: Clock::start(),
        http: http::client().unwrap(),
    }
}

/// A job that may have an identity, with every service at `url`.
fn job(url: &str) -> Outside {
    let idtoken = format!("{url}/idtoken?api-version=2.0");
    let (sts, iam) = (format!("{url}/sts/v1"), format!("{url}/iam/v1"));
    outside(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", "1001"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &idtoken),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token-of-the-job"),
        ("AWS_ENDPOINT_URL_STS", url),
        ("AZURE_AUTHORITY_HOST", url),
        ("GHA_ENDPOINT_OVERRIDE_sts", &sts),
        ("GHA_ENDPOINT_OVERRIDE_iamcredentials", &iam),
    ])
}

fn aws() -> Auth {
    Auth::Aws {
        role: Some("arn:aws:iam::123456789012:role/review".to_owned()),
        region: "eu-central-1".to_owned(),
    }
}

fn azure() -> Auth {
    Auth::Azure { tenant: "tenant-1".to_owned(), client: "client-1".to_owned() }
}

const PROVIDER: &str = "projects/42/locations/global/workloadIdentityPools/github/providers/github";

fn google(service_account: Option<&str>) -> Auth {
    Auth::Google { provider: PROVIDER.to_owned(), service_account: service_account.map(str::to_owned) }
}

async fn exchange(outside: &Outside, auth: &Auth) -> Result<Credential, Refusal> {
    credential(outside, auth).await.unwrap()
}

/// What comes of an exchange in which the services answer so: a refusal.
async fn refusal(auth: Auth, answers: &[(u16, &str)]) -> Refusal {
    let (_, url) = Service::start(answers).await;
    let outside = job(&url);
    let refusal = exchange(&outside, &auth).await.unwrap_err();
    for secret in [&token_of_job(), "request-token-of-the-job"] {
        assert!(!refusal.why.contains(secret) && !refusal.advice.contains(secret), "{refusal:?}");
    }
    refusal
}

const ASSUMED: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
    <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>made/for/an+hour</SecretAccessKey>\
    <SessionToken>session==</SessionToken><Expiration>2026-11-22T13:00:00Z</Expiration></Credentials>\
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";

#[tokio::test]
async fn aws_gives_temporary_keys_for_a_role() {
    let (service, url) = Service::start(&[(200, &identity()), (200, ASSUMED)]).await;
    let outside = job(&url);
    let Credential::Aws { keys, .. } = exchange(&outside, &aws()).await.unwrap() else { panic!("no keys") };
    assert_eq!(keys.id, "ASIAEXAMPLE");
    assert_eq!(keys.secret.expose_secret(), "made/for/an+hour");
    assert_eq!(keys.session.unwrap().expose_secret(), "session==");
    let [github, sts] = service.asked().try_into().unwrap();
    insta::assert_snapshot!(github, @r"
    GET /idtoken?api-version=2.0&audience=sts.amazonaws.com
    authorization: Bearer request-token-of-the-job
    ");
    insta::assert_snapshot!(sts.replace(&token_of_job(), "<identity>"), @r"
    POST /
    content-type: application/x-www-form-urlencoded
    Action=AssumeRoleWithWebIdentity
    &Version=2011-06-15
    &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Freview
    &RoleSessionName=counterpoint-1001
    &WebIdentityToken=<identity>
    ");
    let hidden = outside
        .terminal
        .secrets()
        .mask(&format!("{} made/for/an+hour session==", token_of_job()))
        .into_owned();
    assert_eq!(hidden, "*** *** ***");
}

#[tokio::test]
async fn azure_gives_a_token_for_an_application() {
    let given = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"entra-token"}"#;
    let (service, url) = Service::start(&[(200, &identity()), (200, given)]).await;
    let outside = job(&url);
    let Credential::Bearer(token) = exchange(&outside, &azure()).await.unwrap() else { panic!("no token") };
    assert_eq!(token.expose_secret(), "entra-token");
    assert_eq!(outside.terminal.secrets().mask("entra-token"), "***");
    let [github, entra] = service.asked().try_into().unwrap();
    insta::assert_snapshot!(github, @r"
    GET /idtoken?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange
    authorization: Bearer request-token-of-the-job
    ");
    insta::assert_snapshot!(entra.replace(&token_of_job(), "<identity>"), @r"
    POST /tenant-1/oauth2/v2.0/token
    content-type: application/x-www-form-urlencoded
    grant_type=client_credentials
    &client_id=client-1
    &scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default
    &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer
    &client_assertion=<identity>
    ");
}

#[tokio::test]
async fn google_gives_a_token_and_a_service_account_another() {
    let federated = r#"{"access_token":"federated-token","token_type":"Bearer","expires_in":3599}"#;
    let (_, url) = Service::start(&[(200, &identity()), (200, federated)]).await;
    let Credential::Bearer(token) = exchange(&job(&url), &google(None)).await.unwrap() else {
        panic!("no token")
    };
    assert_eq!(token.expose_secret(), "federated-token");

    let acted = r#"{"accessToken":"account-token","expireTime":"2026-11-22T13:00:00Z"}"#;
    let (service, url) = Service::start(&[(200, &identity()), (200, federated), (200, acted)]).await;
    let account = google(Some("review@shop.iam.gserviceaccount.com"));
    let outside = job(&url);
    let Credential::Bearer(token) = exchange(&outside, &account).await.unwrap() else { panic!("no token") };
    assert_eq!(token.expose_secret(), "account-token");
    assert_eq!(outside.terminal.secrets().mask("federated-token account-token"), "*** ***");
    let [github, sts, iam] = service.asked().try_into().unwrap();
    insta::assert_snapshot!(github, @r"
    GET /idtoken?api-version=2.0&audience=https%3A%2F%2Fiam.googleapis.com%2Fprojects%2F42%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fgithub%2Fproviders%2Fgithub
    authorization: Bearer request-token-of-the-job
    ");
    insta::assert_snapshot!(sts.replace(&token_of_job(), "<identity>"), @r"
    POST /sts/v1/token
    content-type: application/x-www-form-urlencoded
    grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange
    &audience=%2F%2Fiam.googleapis.com%2Fprojects%2F42%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fgithub%2Fproviders%2Fgithub
    &scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform
    &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token
    &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt
    &subject_token=<identity>
    ");
    insta::assert_snapshot!(iam, @r#"
    POST /iam/v1/projects/-/serviceAccounts/review@shop.iam.gserviceaccount.com:generateAccessToken
    authorization: Bearer federated-token
    content-type: application/json
    {"scope":["https://www.googleapis.com/auth/cloud-platform"],"lifetime":"3600s"}
    "#);
}

#[tokio::test]
async fn a_job_without_an_identity_is_told_which_permission_it_lacks() {
    for auth in [aws(), azure(), google(None)] {
        let refusal = exchange(&outside(&[("GITHUB_ACTIONS", "true")]), &auth).await.unwrap_err();
        assert_eq!(refusal.why, "the job has no identity to show to the cloud");
        assert!(refusal.advice.contains("`permissions: id-token: write`"), "{refusal:?}");
    }
    let refusal = exchange(&outside(&[]), &aws()).await.unwrap_err();
    assert!(refusal.advice.contains("Only jobs of GitHub Actions"), "{refusal:?}");
    let refusal = refusal_of_github(&[(403, r#"{"message":"not today"}"#)]).await;
    assert_eq!(refusal.why, "GitHub gave the job no identity (HTTP 403): not today");
    let refusal = refusal_of_github(&[(200, r#"{"value":""}"#)]).await;
    assert_eq!(refusal.why, "GitHub gave the job no identity (HTTP 200)");
}

async fn refusal_of_github(answers: &[(u16, &str)]) -> Refusal {
    refusal(aws(), answers).await
}

#[tokio::test]
async fn aws_that_refuses_is_told_with_the_subject_the_trust_policy_was_asked_for() {
    let told = |code: &str, message: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    };
    let denied = told("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let Refusal { why, advice } = refusal(aws(), &[(200, &identity()), (403, &denied)]).await;
    insta::assert_snapshot!(why, @"AWS does not let the job assume the role (AccessDenied): Not authorized to perform sts:AssumeRoleWithWebIdentity");
    insta::assert_snapshot!(advice, @"Check that the role arn:aws:iam::123456789012:role/review exists and that its trust policy allows `sts:AssumeRoleWithWebIdentity` with the audience `sts.amazonaws.com` and the subject `repo:acme/shop:pull_request`.");
    for (status, code, message, part) in [
        (
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account",
            "`token.actions.githubusercontent.com`",
        ),
        (400, "ExpiredTokenException", "Token expired: current date/time must be before", "clock"),
        (400, "ValidationError", "1 validation error &amp; more", "is not the ARN of a role"),
        (403, "RegionDisabledException", "STS is not activated in this region", "Check `region`"),
        (418, "Novelty", "", "Check `role`"),
    ] {
        let refusal = refusal(aws(), &[(200, &identity()), (status, &told(code, message))]).await;
        assert!(refusal.why.contains(code) && refusal.advice.contains(part), "{refusal:?}");
        assert!(!refusal.why.contains("&amp;"), "{refusal:?}");
    }
    // Half an answer is none.
    let half = ASSUMED.split("<SessionToken>").next().unwrap();
    let refusal = refusal(aws(), &[(200, &identity()), (200, half)]).await;
    assert!(refusal.why.contains("(HTTP 200)"), "{refusal:?}");
}

#[tokio::test]
async fn azure_that_refuses_is_told_with_what_the_federated_credential_must_say() {
    let told = |code: u64, text: &str| {
        format!(
            r#"{{"error":"invalid_client","error_description":"AADSTS{code}: {text}","error_codes":[{code}]}}"#
        )
    };
    let none = told(700_213, "No matching federated identity record found for presented assertion subject");
    let Refusal { why, advice } = refusal(azure(), &[(200, &identity()), (401, &none)]).await;
    insta::assert_snapshot!(why, @"Microsoft Entra gave the job no token (HTTP 401): AADSTS700213: No matching federated identity record found for presented assertion subject");
    insta::assert_snapshot!(advice, @"Give the application client-1 a federated credential with the issuer `https://token.actions.githubusercontent.com`, the audience `api://AzureADTokenExchange` and the subject `repo:acme/shop:pull_request`.");
    for (code, part) in [
        (700_016, "Check `client`"),
        (90002, "Check `tenant`"),
        (700_024, "clock"),
        (1, "Check `tenant` (tenant-1) and `client` (client-1)"),
    ] {
        let refusal = refusal(azure(), &[(200, &identity()), (400, &told(code, "no"))]).await;
        assert!(refusal.advice.contains(part), "{refusal:?}");
    }
}

#[tokio::test]
async fn google_that_refuses_is_told_with_the_setting_to_look_at() {
    let told = |error: &str| format!(r#"{{"error":"{error}","error_description":"because of {error}"}}"#);
    for (error, part) in [
        ("invalid_target", "Check `provider`"),
        ("unauthorized_client", "does not allow the identity `repo:acme/shop:pull_request`"),
        ("invalid_grant", "trusts the issuer"),
    ] {
        let refusal = refusal(google(None), &[(200, &identity()), (400, &told(error))]).await;
        assert!(refusal.why.ends_with(&format!("(HTTP 400): because of {error}")), "{refusal:?}");
        assert!(refusal.advice.contains(part), "{refusal:?}");
    }
    let denied = r#"{"error":{"code":403,"message":"Permission 'iam.serviceAccounts.getAccessToken' denied","status":"PERMISSION_DENIED"}}"#;
    let federated = r#"{"access_token":"federated-token"}"#;
    let answers = [(200, identity()), (200, federated.to_owned()), (403, denied.to_owned())];
    let answers: Vec<(u16, &str)> = answers.iter().map(|(status, body)| (*status, body.as_str())).collect();
    let Refusal { why, advice } = refusal(google(Some("bot@shop.iam.gserviceaccount.com")), &answers).await;
    insta::assert_snapshot!(why, @"Google did not let the job act as bot@shop.iam.gserviceaccount.com (HTTP 403): Permission 'iam.serviceAccounts.getAccessToken' denied");
    assert!(
        advice.contains("`roles/iam.workloadIdentityUser`") && advice.contains("repo:acme/shop"),
        "{advice}"
    );
}

#[tokio::test]
async fn a_service_that_repeats_a_token_in_its_error_gives_nothing_away() {
    let echo = format!(r#"{{"error":"invalid_grant","error_description":"bad token {}"}}"#, token_of_job());
    let refusal = refusal(google(None), &[(200, &identity()), (400, &echo)]).await;
    assert!(refusal.why.ends_with(": bad token ***"), "{refusal:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_unwell_is_asked_three_times() {
    let (service, url) = Service::start(&[(200, &identity()), (503, ""), (429, ""), (200, ASSUMED)]).await;
    assert!(exchange(&job(&url), &aws()).await.is_ok());
    assert_eq!(service.asked().len(), 4);

    let (service, url) = Service::start(&[(502, "<html>")]).await;
    let refusal = exchange(&job(&url), &aws()).await.unwrap_err();
    assert_eq!(refusal.why, "GitHub's identity service is unwell (HTTP 500)");
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_ends_with_the_time_of_the_run_and_each_identity_is_exchanged_once() {
    // Takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let outside = job(&format!("http://{}", silent.local_addr().unwrap()));
    let auths = [aws(), azure(), Auth::ApiKey, aws()];
    let until = Instant::now() + Duration::from_secs(5);
    let given = credentials(&outside, auths.iter(), until).await;
    let [(first, Err(late)), (second, Err(_))] = given.as_slice() else { panic!("{given:?}") };
    assert_eq!((*first, *second), (&auths[0], &auths[1]));
    assert!(late.why.contains("took all the time of this run"), "{late:?}");
}

#[tokio::test]
async fn keys_of_the_environment_are_taken_where_no_role_is_named() {
    let auth = Auth::Aws { role: None, region: "us-east-1".to_owned() };
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "of-the-environment")];
    let credential = |vars: Vec<(&'static str, &'static str)>| {
        let auth = auth.clone();
        async move { exchange(&outside(&vars), &auth).await }
    };
    assert!(matches!(
        credential(keys.to_vec()).await,
        Ok(Credential::Aws { keys: Keys { session: None, .. }, .. })
    ));
    let with_session = [&keys[..], &[("AWS_SESSION_TOKEN", "session")]].concat();
    assert!(matches!(
        credential(with_session).await,
        Ok(Credential::Aws { keys: Keys { session: Some(_), .. }, .. })
    ));
    let with_bearer = [&keys[..], &[("AWS_BEARER_TOKEN_BEDROCK", "bedrock-key")]].concat();
    assert!(matches!(credential(with_bearer).await, Ok(Credential::Bearer(_))));
    let refusal = credential(vec![keys[0]]).await.unwrap_err();
    assert!(
        refusal.why.contains("AWS_SECRET_ACCESS_KEY") && refusal.advice.contains("`role`"),
        "{refusal:?}"
    );
    let refusal = credential(vec![keys[0], keys[1], ("AWS_SESSION_TOKEN", "two words")]).await.unwrap_err();
    assert!(refusal.why.starts_with("AWS_SESSION_TOKEN holds a blank"), "{refusal:?}");
}
