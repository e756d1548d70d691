//! The identity of the job: a token that GitHub signs for one audience, valid for some minutes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Outside, Refusal, ask};
use crate::adapters::actions::Environment;
use crate::adapters::http::one_line;

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The longest subject that is told, in characters.
const LONGEST_SUBJECT: usize = 250;

/// The job as GitHub vouches for it.
#[derive(Debug)]
pub(super) struct Identity {
    /// The signed token. A secret: whoever has it is the job.
    pub(super) token: SecretString,
    /// Whom it speaks of (the claim `sub`), which is what trust policies are written for.
    subject: Option<String>,
}

impl Identity {
    /// The subject in a sentence, or what to say without one.
    pub(super) fn subject(&self) -> String {
        match &self.subject {
            Some(subject) => format!("`{subject}`"),
            None => "that of this job".to_owned(),
        }
    }
}

/// Whether the job may ask for its identity.
pub(super) fn has_identity(env: &Environment) -> bool {
    env.var(URL).is_some() && env.var(TOKEN).is_some()
}

/// Asks GitHub for the job's identity, for one audience.
///
/// # Errors
/// The job may not have one, or GitHub did not give it.
pub(super) async fn identity(outside: &Outside, audience: &str) -> Result<Identity, Refusal> {
    let env = &outside.env;
    let (Some(url), Some(token)) = (env.var(URL), env.var(TOKEN)) else {
        let advice = if env.in_actions() {
            "Give the job `permissions: id-token: write`. A pull request from a fork never has an identity."
        } else {
            "Only jobs of GitHub Actions have one: elsewhere set a key of the cloud's."
        };
        return Err(Refusal::new("the job has no identity to show to the cloud", advice));
    };
    let mut url: Url = url.parse().map_err(|_| Refusal::new(format!("{URL} is not a URL"), RUNNER_SETS))?;
    url.query_pairs_mut().append_pair("audience", audience);
    let answer = ask("GitHub's identity service", outside.http.get(url).bearer_auth(token)).await?;
    let given = answer.token(outside, "value");
    match given.filter(|_| answer.status.is_success()) {
        Some(token) => Ok(Identity { subject: subject(token.expose_secret()), token }),
        None => {
            let ours = format!("GitHub gave the job no identity (HTTP {})", answer.status.as_u16());
            let json = answer.json();
            let words = json.get("message").and_then(Value::as_str).unwrap_or_default();
            Err(Refusal::told(outside, &ours, words, RUNNER_SETS.to_owned()))
        }
    }
}

const RUNNER_SETS: &str =
    "The runner sets this where the job has `permissions: id-token: write`; run the job again.";

/// The claim `sub` of a token, on one line. The signature is for the cloud to check.
fn subject(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let subject = one_line(claims.get("sub")?.as_str()?, LONGEST_SUBJECT).replace('`', "'");
    (!subject.is_empty()).then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_subject_is_read_from_the_payload_and_from_nothing_else() {
        let token = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        let sub = |claims: &str| subject(&token(claims));
        assert_eq!(
            sub(r#"{"sub":"repo:acme/shop:pull_request","aud":"x"}"#).as_deref(),
            Some("repo:acme/shop:pull_request")
        );
        assert_eq!(sub(r#"{"sub":"a`b\nc"}"#).as_deref(), Some("a'b c"));
        assert_eq!(sub(r#"{"sub":7}"#), None);
        assert_eq!(subject("no token at all"), None);
    }

    proptest! {
        #[test]
        fn any_text_may_be_called_a_token(text in any::<String>()) {
            let _ = subject(&text);
            let _ = subject(&format!("e30.{}.x", URL_SAFE_NO_PAD.encode(&text)));
        }
    }
}
