//! Networks of companies: proxies that connections go through, and certificate authorities of their own.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::shop::*;
use crate::world::*;

/// A host that no name server knows: only the proxy can find it.
const HOST: &str = "models.internal";

const PASSWORD: &str = "pass-of-the-proxy";

/// The models' server behind TLS, with a certificate that only a company's own authority vouches for.
struct Company {
    port: u16,
    /// The authority's certificate as a file, and the folder it stands in under a name that OpenSSL would look for.
    authority: PathBuf,
    folder: tempfile::TempDir,
}

impl Company {
    async fn start(world: &World) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = [HOST.to_owned(), Ipv4Addr::LOCALHOST.to_string()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = key.serialize_der().try_into().unwrap();
        let config =
            config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("0a1b2c3d.0");
        std::fs::write(&file, authority.pem()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let models = world.url().replace("http://", "");
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, models) = (acceptor.clone(), models.clone());
                tokio::spawn(async move {
                    let Ok(mut encrypted) = acceptor.accept(socket).await else { return };
                    let mut plain = TcpStream::connect(models).await.unwrap();
                    let _ = copy_bidirectional(&mut encrypted, &mut plain).await;
                });
            }
        });
        Self { port, authority: file, folder }
    }
}

/// A proxy that opens tunnels to the company, or answers with this line instead; it remembers what it was asked.
#[derive(Clone)]
struct Proxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(company: &Company, refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap().to_string(), heads: Arc::default() };
        let (heads, port) = (proxy.heads.clone(), company.port);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(tunnel(socket, port, refusal, heads.clone()));
            }
        });
        proxy
    }

    /// Its address as people set it, with the user and password that it asks for.
    fn url(&self) -> String {
        format!("http://mona:{PASSWORD}@{}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(
    mut socket: TcpStream,
    port: u16,
    refusal: Option<&'static str>,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    heads.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    let said = refusal.unwrap_or("HTTP/1.1 200 Connection established\r\n");
    socket.write_all(format!("{said}\r\n").as_bytes()).await.unwrap();
    if refusal.is_none() {
        let mut company = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let _ = copy_bidirectional(&mut socket, &mut company).await;
    }
}

/// A run whose Claude is in the company's network, while everything else is where it always is.
fn to_company(world: &World, base: &str) -> Run {
    opened(world).env("ANTHROPIC_BASE_URL", format!("{base}/anthropic"))
}

/// The line that tells why Claude did not finish.
fn claude(world: &World) -> String {
    let told = told(world);
    lines_with(&told, &["Claude did not finish ("]).first().copied().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_certificate_of_a_private_authority_is_believed_once_it_is_named() {
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let world = shop().await;
        both_agree(&world);
        let company = Company::start(&world).await;
        let value = match variable {
            "SSL_CERT_FILE" => &company.authority,
            _ => company.folder.path(),
        };
        let run = to_company(&world, &format!("https://127.0.0.1:{}", company.port)).env(variable, value);
        let run = run.finish().await;
        assert_eq!(counts(&run), "1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 1 inline");
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_fails_the_lane_with_what_to_set() {
    let world = shop().await;
    world.codex().answers(reply([boundary()]));
    let company = Company::start(&world).await;
    let run = to_company(&world, &format!("https://127.0.0.1:{}", company.port)).finish().await;
    assert_eq!(end(&run), "exit 0: partial lane-failed, gate off, lanes 1/2");
    insta::assert_snapshot!(claude(&world), @"Claude did not finish (no connection to 127.0.0.1:<port>: invalid peer certificate: UnknownIssuer; this machine trusts no authority that signed the server's certificate: set SSL_CERT_FILE to a PEM file with the authorities to trust, or install the package ca-certificates, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.");
    world.assert_clean();
}

#[tokio::test]
async fn models_are_reached_through_a_proxy_that_asks_for_a_password() {
    for (https, http, no) in
        [("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"), ("https_proxy", "http_proxy", "no_proxy")]
    {
        let world = shop().await;
        both_agree(&world);
        let company = Company::start(&world).await;
        let proxy = Proxy::start(&company, None).await;
        // GitHub and Codex are plain HTTP on loopback: without the exception they would go through the proxy, too.
        let run = to_company(&world, &format!("https://{HOST}"))
            .env("SSL_CERT_FILE", &company.authority)
            .env("COUNTERPOINT_LOG", "debug")
            .env(https, proxy.url())
            .env(http, proxy.url())
            .env(no, "127.0.0.1");
        let run = run.finish().await;
        assert_eq!(counts(&run), "1 findings: 1 agreed, 0 contradictions, 0 solo, 0 unchecked; 1 inline");
        let [head] = proxy.heads().try_into().unwrap();
        assert!(head.starts_with(&format!("CONNECT {HOST}:443 HTTP/1.1\r\n")), "{head}");
        // mona:pass-of-the-proxy
        assert!(head.contains("Basic bW9uYTpwYXNzLW9mLXRoZS1wcm94eQ==\r\n"), "{head}");
        gives_no_password_away(&world, &run);
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_as_the_proxy() {
    let refusals = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n",
            "a user and a password",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n", "NO_PROXY"),
    ];
    for (refusal, advice) in refusals {
        let world = shop().await;
        world.codex().answers(reply([boundary()]));
        let company = Company::start(&world).await;
        let proxy = Proxy::start(&company, Some(refusal)).await;
        let run =
            to_company(&world, &format!("https://{HOST}")).env("HTTPS_PROXY", proxy.url()).finish().await;
        assert_eq!(end(&run), "exit 0: partial lane-failed, gate off, lanes 1/2");
        let claude = claude(&world);
        assert!(claude.contains(advice), "{claude}");
        gives_no_password_away(&world, &run);
        world.assert_clean();
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_not_taken_for_the_models_server() {
    let world = shop().await;
    world.codex().answers(reply([boundary()]));
    // Port 9 (discard): nobody listens there.
    let proxy = format!("http://mona:{PASSWORD}@127.0.0.1:9");
    let run = to_company(&world, &format!("https://{HOST}")).env("HTTPS_PROXY", proxy).finish().await;
    insta::assert_snapshot!(claude(&world), @"Claude did not finish (no connection to models.internal: tunnel error: failed to create underlying connection: tcp connect error: Connection refused (os error 111); the proxy that HTTPS_PROXY names opened no connection: check that it runs and lets this host through, or name the host in NO_PROXY, 3 tries, <m:ss>): this is one reviewer's view. Run it again later.");
    gives_no_password_away(&world, &run);
    world.assert_clean();
}

fn gives_no_password_away(world: &World, run: &Finished) {
    let log: String = run.stderr.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    let texts = [run.stdout.clone(), log, run.summary.clone(), told(world)];
    assert!(texts.iter().all(|text| !text.contains(PASSWORD)), "{texts:#?}");
}
