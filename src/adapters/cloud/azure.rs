//! Azure: the job's identity as the assertion of an application that has a federated credential for it.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::oidc::{self, Identity};
use super::{Answer, Outside, Refusal, ask};

const AUDIENCE: &str = "api://AzureADTokenExchange";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token for Azure's models, valid for an hour or so.
pub(super) async fn token(outside: &Outside, tenant: &str, client: &str) -> Result<SecretString, Refusal> {
    let identity = oidc::identity(outside, AUDIENCE).await?;
    let authority = outside.env.var("AZURE_AUTHORITY_HOST").unwrap_or("https://login.microsoftonline.com");
    let authority = authority.trim_end_matches('/');
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("scope", scope(authority)),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", identity.token.expose_secret()),
    ];
    let request = outside.http.post(format!("{authority}/{tenant}/oauth2/v2.0/token")).form(&form);
    let answer = ask("Microsoft Entra", request).await?;
    let token = answer.token(outside, "access_token").filter(|_| answer.status.is_success());
    token.ok_or_else(|| refused(outside, &answer, &identity, tenant, client))
}

/// The models' own scope in the cloud that the authority belongs to.
fn scope(authority: &str) -> &'static str {
    match authority.rsplit('.').next() {
        Some("us") => "https://cognitiveservices.azure.us/.default",
        Some("cn") => "https://cognitiveservices.azure.cn/.default",
        _ => "https://cognitiveservices.azure.com/.default",
    }
}

fn refused(outside: &Outside, answer: &Answer, identity: &Identity, tenant: &str, client: &str) -> Refusal {
    let json = answer.json();
    let code = json.get("error_codes").and_then(|codes| codes.get(0)).and_then(Value::as_u64);
    let words = json.get("error_description").or_else(|| json.get("error")).and_then(Value::as_str);
    let advice = match code {
        // No federated credential matches: none at all, or another issuer, audience or subject.
        Some(70021 | 700_211..=700_213) => format!(
            "Give the application {client} a federated credential with the issuer \
             `https://token.actions.githubusercontent.com`, the audience `{AUDIENCE}` and the subject {}.",
            identity.subject()
        ),
        Some(700_016 | 7_000_229) => {
            format!(
                "Check `client`: the tenant {tenant} has no application {client} with a service principal."
            )
        }
        Some(90002 | 900_023) => format!("Check `tenant`: there is no tenant {tenant}."),
        Some(700_024) => {
            "The job's identity had expired: run the job again, and check the runner's clock.".to_owned()
        }
        _ => format!("Check `tenant` ({tenant}) and `client` ({client}) under `auth: {{azure: …}}`."),
    };
    let ours = format!("Microsoft Entra gave the job no token (HTTP {})", answer.status.as_u16());
    Refusal::told(outside, &ours, words.unwrap_or_default(), advice)
}
