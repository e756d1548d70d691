//! AWS: the job's identity exchanged for temporary keys (STS, `AssumeRoleWithWebIdentity`), or keys of the
//! environment. The variables are those that AWS's own tools read.

use secrecy::{ExposeSecret as _, SecretString};

use super::oidc::{self, Identity};
use super::{Answer, Credential, Outside, Refusal, ask, fits_header, hidden};
use crate::adapters::actions::Environment;

const AUDIENCE: &str = "sts.amazonaws.com";

/// The environment variable of a Bedrock API key.
const BEDROCK_KEY: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// What requests to AWS are signed with. `Debug` shows the id alone.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The access key's id, which is sent.
    pub(super) id: String,
    /// The secret, which is not.
    pub(super) secret: SecretString,
    /// What makes keys temporary ones.
    pub(super) session: Option<SecretString>,
}

impl Keys {
    /// Keys from their three parts.
    #[must_use]
    pub fn new(id: &str, secret: &str, session: Option<&str>) -> Self {
        Self { id: id.to_owned(), secret: secret.into(), session: session.map(SecretString::from) }
    }

    /// The parts that nobody may see.
    pub(in crate::adapters) fn secrets(&self) -> Vec<&SecretString> {
        [Some(&self.secret), self.session.as_ref()].into_iter().flatten().collect()
    }
}

/// The credential of the environment: a Bedrock API key, else keys to sign with.
pub(super) fn of_environment(env: &Environment, region: &str) -> Result<Credential, Refusal> {
    let unfit = |name: &str| {
        let why = format!("{name} holds a blank, a line break or another character that no key has");
        Refusal::new(why, "Copy it again.")
    };
    if let Some(key) = env.var(BEDROCK_KEY) {
        return if fits_header(key) { Ok(Credential::Bearer(key.into())) } else { Err(unfit(BEDROCK_KEY)) };
    }
    let (id, secret, session) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN");
    let (Some(key_id), Some(key_secret)) = (env.var(id), env.var(secret)) else {
        let why = format!("there are no keys for AWS: {id} and {secret} are not both set");
        let advice = "Name a `role` under `auth: {aws: …}` that the job may assume, or set these variables.";
        return Err(Refusal::new(why, advice));
    };
    if let Some(name) = [id, session].into_iter().find(|name| env.var(name).is_some_and(|v| !fits_header(v)))
    {
        return Err(unfit(name));
    }
    let keys = Keys::new(key_id, key_secret, env.var(session));
    Ok(Credential::Aws { keys, region: region.to_owned() })
}

/// Assumes `role` in `region` with the job's identity, for an hour (AWS's default).
pub(super) async fn assume(outside: &Outside, role: &str, region: &str) -> Result<Keys, Refusal> {
    let identity = oidc::identity(outside, AUDIENCE).await?;
    let env = &outside.env;
    let partition = if region.starts_with("cn-") { ".cn" } else { "" };
    let regional = format!("https://sts.{region}.amazonaws.com{partition}");
    let endpoint =
        env.var("AWS_ENDPOINT_URL_STS").or_else(|| env.var("AWS_ENDPOINT_URL")).unwrap_or(&regional);
    let session = format!("counterpoint-{}", env.var("GITHUB_RUN_ID").unwrap_or("run"));
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", &session),
        ("WebIdentityToken", identity.token.expose_secret()),
    ];
    let request = outside.http.post(format!("{}/", endpoint.trim_end_matches('/'))).form(&form);
    let answer = ask("AWS STS", request).await?;
    keys(outside, &answer).ok_or_else(|| refused(outside, &answer, &identity, role))
}

fn keys(outside: &Outside, answer: &Answer) -> Option<Keys> {
    let xml = std::str::from_utf8(&answer.body).ok().filter(|_| answer.status.is_success())?;
    let part = |name| element(xml, name).filter(|text| fits_header(text));
    Some(Keys {
        id: part("AccessKeyId")?,
        secret: hidden(outside, &part("SecretAccessKey")?),
        session: Some(hidden(outside, &part("SessionToken")?)),
    })
}

fn refused(outside: &Outside, answer: &Answer, identity: &Identity, role: &str) -> Refusal {
    let xml = String::from_utf8_lossy(&answer.body);
    let code = element(&xml, "Code").unwrap_or_default();
    let words = element(&xml, "Message").unwrap_or_default();
    let subject = identity.subject();
    let advice = match code.as_str() {
        "AccessDenied" | "AccessDeniedException" => format!(
            "Check that the role {role} exists and that its trust policy allows `sts:AssumeRoleWithWebIdentity` with \
             the audience `{AUDIENCE}` and the subject {subject}."
        ),
        "InvalidIdentityToken" | "IDPRejectedClaim" => format!(
            "Check the identity provider of that account: its URL is `token.actions.githubusercontent.com` and its \
             audience `{AUDIENCE}`; the subject is {subject}."
        ),
        "ExpiredToken" | "ExpiredTokenException" => {
            "The job's identity had expired: run the job again, and check the runner's clock.".to_owned()
        }
        "ValidationError" => format!("Check `role`: {role} is not the ARN of a role."),
        "RegionDisabledException" => "Check `region`: STS is switched off there in this account.".to_owned(),
        _ => format!("Check `role` ({role}) and `region` under `auth: {{aws: …}}`."),
    };
    let named = if code.is_empty() { format!("HTTP {}", answer.status.as_u16()) } else { code };
    Refusal::told(outside, &format!("AWS does not let the job assume the role ({named})"), &words, advice)
}

/// The text of the first element of that name. STS answers with plain elements: no attributes, nothing nested in a
/// text.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.trim();
    let marks =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    let text = marks.iter().fold(text.to_owned(), |text, (mark, sign)| text.replace(mark, sign));
    (!text.is_empty()).then_some(text)
}
