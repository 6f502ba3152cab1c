//! Real sockets: what is trusted, and the way through a proxy, for requests and for WebSockets.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);
/// A name that only the proxy knows.
const HOST: &str = "genesys.test";

/// A TLS server and a proxy in front of it, until dropped.
struct World {
    folder: TempDir,
    server: SocketAddr,
    proxy: SocketAddr,
    /// First lines that they were sent.
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl World {
    /// The proxy lets pass who shows this header.
    async fn new(wanted: Option<&'static str>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let (acceptor, ca) = certificates();
        std::fs::write(folder.path().join("ca.pem"), ca).unwrap();
        std::fs::write(folder.path().join("proxy"), "me:hunter2\n").unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let log = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(acceptor.clone(), stream, Arc::clone(&log)));
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap();
        let log = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(pass(stream, server, wanted, Arc::clone(&log)));
            }
        });
        World { folder, server, proxy, seen, _tasks: tasks }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn network(&self) -> Network {
        Network { ca_file: Some(self.file("ca.pem")), ..Network::default() }
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// Asks by request and by socket; what came of each.
    async fn ask(&self, network: &Network, host: &str) -> [Result<String, SendError>; 2] {
        let internet = Internet::with(network, |_| None).unwrap();
        let port = self.server.port();
        let request = Request::get(format!("https://{host}:{port}/api?s3cret"));
        let answer = internet.send(request.body(Bytes::new()).unwrap(), LIMIT).await;
        let by_request = answer.map(|answer| String::from_utf8(answer.body().to_vec()).unwrap());
        let uri = ChannelUri::new(format!("wss://{host}:{port}/channels/s3cret"));
        let by_socket = match internet.connect(&uri).await {
            Ok(mut stream) => {
                stream.write_all(b"GET /channels HTTP/1.1\r\n\r\n").await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                Ok(answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
            }
            Err(error) => Err(error),
        };
        [by_request, by_socket]
    }

    async fn errors(&self, network: &Network, host: &str) -> [String; 2] {
        self.ask(network, host).await.map(|result| {
            let error = result.unwrap_err();
            assert!(matches!(error, SendError::Unreachable { .. }), "{error}");
            let text = format!("{error} {error:?}");
            assert!(!text.contains("s3cret") && !text.contains("hunter2"), "{text}");
            error.to_string()
        })
    }
}

fn certificates() -> (TlsAcceptor, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(params, ca_key);
    let names = vec![HOST.to_owned(), "localhost".to_owned()];
    let (params, key) = (CertificateParams::new(names).unwrap(), KeyPair::generate().unwrap());
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (TlsAcceptor::from(Arc::new(config)), ca.pem())
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), answer: &str) {
    // The client may have gone, which is its right.
    stream.write_all(answer.as_bytes()).await.ok();
    stream.shutdown().await.ok();
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, log: Arc<Mutex<Vec<String>>>) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let alpn =
        stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    let head = head(&mut stream).await;
    let first = head.lines().next().unwrap_or("").to_owned();
    log.lock().unwrap().push(format!("{first} over {}", alpn.unwrap_or_default()));
    say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        .await;
}

async fn pass(
    mut stream: TcpStream,
    server: SocketAddr,
    wanted: Option<&'static str>,
    log: Arc<Mutex<Vec<String>>>,
) {
    let head = head(&mut stream).await;
    let first = head.lines().next().unwrap_or("").replace(&server.port().to_string(), "PORT");
    log.lock().unwrap().push(first);
    let head = head.to_lowercase();
    let shown = head.lines().find_map(|line| line.strip_prefix("proxy-authorization: "));
    if wanted.is_some_and(|wanted| shown != Some(&wanted.to_lowercase())) {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        return say(&mut stream, answer).await;
    }
    let mut server = TcpStream::connect(server).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    copy_bidirectional(&mut stream, &mut server).await.ok();
}

#[tokio::test]
async fn a_ca_of_ones_own_is_trusted_by_both() {
    let world = World::new(None).await;
    for answer in world.ask(&world.network(), "localhost").await {
        assert_eq!(answer.unwrap(), "hello");
    }
    assert_eq!(
        world.seen(),
        ["GET /api?s3cret HTTP/1.1 over http/1.1", "GET /channels HTTP/1.1 over http/1.1"]
    );
}

#[tokio::test]
async fn an_unknown_ca_is_refused_by_both() {
    let world = World::new(None).await;
    for error in world.errors(&Network::default(), "localhost").await {
        assert!(error.contains("UnknownIssuer; if something"), "{error}");
    }
    for error in world.errors(&world.network(), "127.0.0.1").await {
        assert!(error.contains("certificate not valid for name"), "{error}");
    }
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn both_go_through_the_proxy() {
    let world = World::new(None).await;
    let network = Network { proxy: Some(world.proxy.to_string()), ..world.network() };
    for answer in world.ask(&network, HOST).await {
        assert_eq!(answer.unwrap(), "hello");
    }
    assert_eq!(
        world.seen(),
        [
            "CONNECT genesys.test:PORT HTTP/1.1",
            "GET /api?s3cret HTTP/1.1 over http/1.1",
            "CONNECT genesys.test:PORT HTTP/1.1",
            "GET /channels HTTP/1.1 over http/1.1"
        ]
    );
    let without = Network { no_proxy: Some(HOST.to_owned()), ..network };
    world.errors(&without, HOST).await;
    assert!(world.seen().is_empty(), "the name is not looked up, and the proxy not asked");
}

#[tokio::test]
async fn both_show_the_proxy_its_credentials() {
    // me:hunter2
    let world = World::new(Some("Basic bWU6aHVudGVyMg==")).await;
    let network = Network { proxy: Some(world.proxy.to_string()), ..world.network() };
    let file = Some(world.file("proxy"));
    let with_file = Network { proxy_credentials_file: file, ..network.clone() };
    let in_address = Some(format!("http://me:hunter2@{}", world.proxy));
    let in_address = Network { proxy: in_address, ..network.clone() };
    for network in [with_file, in_address] {
        for answer in world.ask(&network, HOST).await {
            assert_eq!(answer.unwrap(), "hello");
        }
    }
    for error in world.errors(&network, HOST).await {
        assert!(error.contains("(407): set network.proxy_credentials_file"), "{error}");
    }
    let wrong = Some(format!("http://me:s3cret@{}", world.proxy));
    for error in world.errors(&Network { proxy: wrong, ..network }, HOST).await {
        assert!(error.contains("refuses the credentials (407)"), "{error}");
    }
}

#[tokio::test]
async fn failures_tell_whether_the_server_may_have_acted() {
    let internet = Internet::with(&Network::default(), |_| None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ask = |uri: String, ms| {
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        internet.send(request, Duration::from_millis(ms))
    };
    let silent = ask(format!("http://{address}/"), 100).await.unwrap_err();
    assert!(matches!(silent, SendError::TimedOut { .. }), "{silent}");
    drop(listener.accept().await.unwrap());
    let rude = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(head(&mut stream).await.starts_with("GET /"));
    };
    let (broken, ()) = tokio::join!(ask(format!("http://{address}/s3cret"), 5000), rude);
    let broken = broken.unwrap_err();
    assert!(matches!(broken, SendError::Broken { .. }), "{broken}");
    assert!(!broken.to_string().contains("s3cret"), "{broken}");
    drop(listener);
    let nobody = ask(format!("http://{address}/"), 5000).await.unwrap_err();
    assert!(matches!(nobody, SendError::Unreachable { .. }), "{nobody}");
    let plain = ask("http://api.example/".to_owned(), 5000).await.unwrap_err();
    assert!(plain.to_string().contains("loopback"), "{plain}");
}
