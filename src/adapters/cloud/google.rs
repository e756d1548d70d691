//! Google Cloud: the job's identity exchanged by workload identity federation, and if a service account is named, for
//! a token of that account. The endpoints can be overridden as those of `google-github-actions/auth` can.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::oidc::{self, Identity};
use super::{Answer, Outside, Refusal, ask};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// An access token, valid for an hour or so. `provider` is the full name of a workload identity provider:
/// `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
pub(super) async fn token(
    outside: &Outside,
    provider: &str,
    service_account: Option<&str>,
) -> Result<SecretString, Refusal> {
    let provider = provider.trim_start_matches('/');
    let identity = oidc::identity(outside, &format!("https://iam.googleapis.com/{provider}")).await?;
    let audience = format!("//iam.googleapis.com/{provider}");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", audience.as_str()),
        ("scope", SCOPE),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", identity.token.expose_secret()),
    ];
    let request = outside.http.post(format!("{}/token", endpoint(outside, "sts"))).form(&form);
    let answer = ask("Google's token service", request).await?;
    let federated = answer.token(outside, "access_token").filter(|_| answer.status.is_success());
    let federated = federated.ok_or_else(|| not_exchanged(outside, &answer, &identity, provider))?;
    match service_account {
        None => Ok(federated),
        Some(account) => impersonate(outside, &federated, &identity, account).await,
    }
}

/// Exchanges the job's token for one of the service account, for an hour.
async fn impersonate(
    outside: &Outside,
    federated: &SecretString,
    identity: &Identity,
    account: &str,
) -> Result<SecretString, Refusal> {
    let base = endpoint(outside, "iamcredentials");
    let url = format!("{base}/projects/-/serviceAccounts/{account}:generateAccessToken");
    let body = json!({"scope": [SCOPE], "lifetime": "3600s"}).to_string();
    let request = outside.http.post(url).bearer_auth(federated.expose_secret());
    let request = request.header("content-type", "application/json").body(body);
    let answer = ask("Google's service account credentials", request).await?;
    let token = answer.token(outside, "accessToken").filter(|_| answer.status.is_success());
    token.ok_or_else(|| {
        let advice = format!(
            "Check `service_account`: {account} must exist, and the job's identity {} needs the role \
             `roles/iam.workloadIdentityUser` on it. The IAM Credentials API must be enabled in its project.",
            identity.subject()
        );
        let ours = format!("Google did not let the job act as {account} (HTTP {})", answer.status.as_u16());
        Refusal::told(outside, &ours, &words(&answer.json()), advice)
    })
}

fn endpoint(outside: &Outside, service: &str) -> String {
    let usual = format!("https://{service}.googleapis.com/v1");
    let set = outside.env.var(&format!("GHA_ENDPOINT_OVERRIDE_{service}")).unwrap_or(&usual);
    set.trim_end_matches('/').to_owned()
}

fn not_exchanged(outside: &Outside, answer: &Answer, identity: &Identity, provider: &str) -> Refusal {
    let json = answer.json();
    let advice = match json.get("error").and_then(Value::as_str) {
        Some("invalid_target") => {
            format!("Check `provider`: {provider} does not exist, or it or its pool is disabled.")
        }
        Some("unauthorized_client") => format!(
            "Check the attribute condition of {provider}: it does not allow the identity {}.",
            identity.subject()
        ),
        _ => format!(
            "Check that {provider} trusts the issuer `https://token.actions.githubusercontent.com` and its default \
             audience; the job's identity is {}.",
            identity.subject()
        ),
    };
    let ours = format!("Google did not exchange the job's identity (HTTP {})", answer.status.as_u16());
    Refusal::told(outside, &ours, &words(&json), advice)
}

/// What Google says in either of its two forms of an error.
fn words(json: &Value) -> String {
    let error = json.get("error");
    let told = json.get("error_description").or_else(|| error?.get("message")).or(error);
    told.and_then(Value::as_str).unwrap_or_default().to_owned()
}
