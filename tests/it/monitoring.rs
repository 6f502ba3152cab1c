//! What listens at `monitoring.listen`: health, who is answered, and what is refused.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use attributed::simulator::{Door, Treatment};
use serde_json::Value;

use crate::bad_input::{run, says};
use crate::daemon::{Daemon, PATIENCE, Setup, message, restrict};
use crate::world_at::{ANSWERED, WorldAt};

/// An answer, as far as these tests look at it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Lets the daemon of this folder listen there.
pub(crate) fn listening(setup: &Setup, listen: &str) {
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    assert!(text.contains("listen = \"\""), "{text}");
    setup.configure(&text.replace("listen = \"\"", listen));
}

/// On any port of this machine.
pub(crate) const ANY: &str = "listen = \"127.0.0.1:0\"";

/// Where it listens.
pub(crate) fn address(daemon: &Daemon) -> String {
    let line = daemon.wait_log("monitoring listens");
    line["address"].as_str().unwrap().to_owned()
}

/// Asks by a request of one line and these headers.
pub(crate) fn ask(address: &str, path: &str, headers: &str) -> Answered {
    let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
    let request = format!("GET {path} HTTP/1.1\r\n{host}{headers}\r\n");
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    answered(stream, request.as_bytes()).unwrap()
}

/// `None` if the connection was closed without an answer.
fn answered(mut stream: impl Read + Write, request: &[u8]) -> Option<Answered> {
    // Who is refused may be so before all is sent, and find the connection reset.
    let _refused_early = stream.write_all(request);
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answered { status, head: head.to_lowercase(), body: body.to_owned() })
}

/// The state of a check, with whether all of it is ready.
fn check(address: &str, name: &str) -> (bool, String) {
    let Answered { status, body, .. } = ask(address, "/readyz", "");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["ready"] == true, status == 200, "{body}");
    let checks = body["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name).unwrap();
    assert!(!found["reason"].as_str().unwrap().is_empty(), "{found}");
    (body["ready"] == true, found["state"].as_str().unwrap().to_owned())
}

fn wait_check(daemon: &Daemon, address: &str, name: &str, ready: bool, state: &str) {
    daemon.wait(&format!("the check {name} to be {state}"), || {
        (check(address, name) == (ready, state.to_owned())).then_some(())
    });
}

#[test]
fn health_follows_the_token_the_rules_and_the_sockets() {
    let world = WorldAt::quiet(3);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let daemon = setup.start();
    let at = address(&daemon);
    daemon.wait_ready();
    wait_check(&daemon, &at, "sockets", true, "good");
    assert_eq!(ask(&at, "/livez", "").body, "{\"alive\":true,\"hanging\":[]}\n");

    world.logins_fail(1_000);
    world.simulator.revoke_tokens();
    wait_check(&daemon, &at, "token", false, "failed");
    world.simulator.clear_script();
    wait_check(&daemon, &at, "token", true, "good");

    setup.write_rules("[[rule]]\nname = \"broken");
    daemon.signal("HUP");
    wait_check(&daemon, &at, "rules", true, "warning");
    setup.write_rules(ANSWERED);
    daemon.signal("HUP");
    wait_check(&daemon, &at, "rules", true, "good");

    world.simulator.doors([Door::HangUp; 1_000]);
    world.simulator.treat(Treatment::Drop, None);
    wait_check(&daemon, &at, "sockets", false, "failed");
    assert_eq!(ask(&at, "/livez", "").status, 200, "the loops go round all the same");
}

#[test]
fn it_is_said_from_the_start_on_why_it_is_not_ready() {
    let world = WorldAt::quiet(1);
    world.logins_fail(1_000);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    fs::create_dir(setup.path("state")).unwrap();
    fs::write(setup.path("state/journal.redb"), "this is no journal\n".repeat(1_000)).unwrap();
    let daemon = setup.start();
    let at = address(&daemon);
    wait_check(&daemon, &at, "token", false, "failed");
    daemon
        .wait("the reason", || ask(&at, "/readyz", "").body.contains("answered 503").then_some(()));
    let metrics = ask(&at, "/metrics", "").body;
    for line in ["attributed_token_failing{client=\"main\"} 1.0", "attributed_writing 0.0"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    world.simulator.clear_script();
    daemon.wait_ready();
    wait_check(&daemon, &at, "journal", false, "failed");
    let metrics = ask(&at, "/metrics", "").body;
    for line in ["attributed_journal_suspended 1.0", "attributed_writing 1.0"] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[test]
fn who_watches_nobody_is_told_that_nothing_is_written() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("all_users = true", "members_of_queues = [\"Nowhere\"]"));
    let daemon = setup.start();
    let at = address(&daemon);
    daemon.wait_log("nothing is watched");
    // systemd is told that it has started: to begin it anew would find nobody either.
    daemon.wait_ready();
    wait_check(&daemon, &at, "subscriptions", false, "failed");
    wait_check(&daemon, &at, "writing", false, "warning");
    let metrics = ask(&at, "/metrics", "").body;
    assert!(metrics.contains("attributed_writing 0.0"), "{metrics}");
}

#[test]
fn hostile_requests_are_refused() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let daemon = setup.start();
    let at = address(&daemon);
    let connect = || {
        let stream = TcpStream::connect(&at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let send = |request: &str| answered(connect(), request.as_bytes());
    let status = |request: &str| send(request).map(|answer| answer.status);

    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    assert!(matches!(status(&long), None | Some(431)), "{:?}", status(&long));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000));
    assert!(matches!(status(&path), None | Some(414 | 431)), "{:?}", status(&path));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(100));
    assert_eq!(status(&many), Some(431));
    let post = "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000\r\n\r\n";
    assert_eq!(status(post), Some(405));
    let body = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(status(body), Some(413));
    assert_eq!(status("nonsense\r\n\r\n"), Some(400));
    assert_eq!(ask(&at, "/metrics", "Host: rebound.example.com\r\n").status, 421);
    for path in [
        "/nothing",
        "/metrics/",
        "/page.html",
        "/page.js/",
        "/events/",
        "/../../etc/passwd",
        "/%2e%2e/",
        "/livez/x",
    ] {
        let Answered { status, head, .. } = ask(&at, path, "");
        assert_eq!(status, 404, "{path}");
        for strict in ["content-security-policy: default-src 'none'", "nosniff", "no-store"] {
            assert!(head.contains(strict), "{head}");
        }
        assert!(!head.contains("server:"), "{head}");
    }
    // One request a connection.
    let two = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2);
    assert_eq!(send(&two).unwrap().body.matches("alive").count(), 1);

    // Who says half of it is not waited for …
    assert!(send("GET /livez HTTP/1.1\r\nHost: loc").is_none_or(|answer| answer.status == 408));
    // … and who takes all places keeps nobody waiting: a further one is closed at once.
    let livez = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    daemon.wait("a connection too many to be closed", || {
        let _idle: Vec<TcpStream> = (0..64).map(|_| connect()).collect();
        answered(connect(), livez).is_none().then_some(())
    });
    daemon.wait("a place", || answered(connect(), livez).map(|_| ()));
    assert_eq!(daemon.log_count("panicked"), 0);
}

#[test]
fn beyond_this_machine_a_token_is_needed() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, "listen = \"0.0.0.0:0\"");
    says(&run(&setup, &[]), 78, &["can be reached from other machines", "monitoring.token_file"]);

    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("\"0.0.0.0:0\"", "\"0.0.0.0:0\"\ntoken_file = \"token\""));
    says(&run(&setup, &[]), 78, &["monitoring.token_file", "cannot be read"]);
    fs::write(setup.path("token"), "short\n").unwrap();
    restrict(&setup.path("token"));
    says(&run(&setup, &[]), 78, &["at least 16 characters"]);
    fs::write(setup.path("token"), "canary-token-0123456789\n").unwrap();
    let daemon = setup.start();
    let at = address(&daemon).replace("0.0.0.0", "127.0.0.1");
    let refused = ask(&at, "/metrics", "");
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains("www-authenticate: bearer"), "{}", refused.head);
    assert_eq!(
        ask(&at, "/metrics", "Authorization: Bearer canary-token-012345678\r\n").status,
        401
    );
    let host = "Host: metrics.example.com\r\nAuthorization: Bearer canary-token-0123456789\r\n";
    assert_eq!(ask(&at, "/metrics", host).status, 200);
    assert!(!daemon.log_text().contains("canary-token"), "{}", daemon.log_text());
}

#[test]
fn a_unix_socket_is_for_its_owner_and_group() {
    use std::os::unix::fs::PermissionsExt;
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, "listen = \"unix:http.sock\"");
    let mut daemon = setup.start();
    assert!(address(&daemon).starts_with("unix:"));
    let path = setup.path("http.sock");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let stream = UnixStream::connect(&path).unwrap();
    let request = b"GET /livez HTTP/1.1\r\nHost: whatever\r\n\r\n";
    assert_eq!(answered(stream, request).unwrap().status, 200);
    daemon.wait_ready();
    daemon.signal("TERM");
    daemon.wait_exit();
    assert!(!path.exists(), "it is taken away");
}

#[test]
fn an_address_that_is_taken_does_not_keep_the_service_from_its_work() {
    let world = WorldAt::quiet(1);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let setup = world.setup(ANSWERED, "");
    listening(&setup, &format!("listen = \"{}\"", taken.local_addr().unwrap()));
    let daemon = setup.start();
    let line = daemon.wait_log("monitoring cannot listen");
    assert!(message(&line).contains("will retry"), "{line}");
    daemon.wait_ready();
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
}
