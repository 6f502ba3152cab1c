//! The control socket: nobody there, who may not ask, and nonsense.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use crate::command::says;
use crate::daemon::{PATIENCE, Setup};
use crate::reload::say;
use crate::world_at::{ANSWERED, WorldAt};

/// Sends bytes as they are, and returns the line that comes back.
fn raw(setup: &Setup, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(setup.path("control.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A request that is too long is answered before it is read whole.
    let _cut_off = stream.write_all(bytes);
    let mut line = String::new();
    let _reset = BufReader::new(stream).read_line(&mut line);
    line
}

#[test]
fn nobody_there_says_what_to_do() {
    let setup = Setup::new("http://127.0.0.1:9", "all_users = true", ANSWERED, "");
    for arguments in [&["reload"][..], &["rules", "history"], &["rules", "rollback"]] {
        let parts = ["no service answers at", "control.sock", "systemctl status attributed"];
        says(&say(&setup, arguments), 69, &parts);
    }
    let said = say(&setup, &["reload", "--socket", "elsewhere.sock"]);
    says(&said, 69, &["elsewhere.sock"]);
    says(&say(&setup, &["reload", "--plan", "--confirm"]), 2, &["--confirm"]);
    fs::write(setup.path("attributed.toml"), "nonsense").unwrap();
    says(&say(&setup, &["reload"]), 78, &["attributed.toml"]);
}

#[test]
fn a_second_daemon_leaves_the_socket_of_the_first_alone() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    let mut first = setup.start();
    first.wait_ready();
    let mode = fs::metadata(setup.path("control.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let other = world.setup(ANSWERED, "");
    let text = fs::read_to_string(other.path("attributed.toml")).unwrap();
    let taken = format!("control = \"{}\"", setup.path("control.sock").display());
    other.configure(&text.replace("control = \"control.sock\"", &taken));
    let mut second = other.start();
    second.wait_ready();
    let line = second.wait_log("no control socket");
    assert!(line["reason"].as_str().unwrap().contains("another service answers at"), "{line}");
    assert_eq!(line["level"], "WARN");
    second.signal("TERM");
    assert!(second.wait_exit().success());
    assert!(raw(&setup, b"{\"request\":\"ping\"}\n").contains("\"ready\":true"));
    // A daemon that was killed leaves its socket behind; the next one replaces it.
    first.signal("KILL");
    first.wait_exit();
    assert!(setup.path("control.sock").exists());
    let mut third = setup.start();
    third.wait_ready();
    assert!(raw(&setup, b"{\"request\":\"version\"}\n").contains(env!("CARGO_PKG_VERSION")));
    third.signal("TERM");
    assert!(third.wait_exit().success());
    assert!(!setup.path("control.sock").exists(), "it is gone with its daemon");
}

#[test]
fn nonsense_and_silence_at_the_socket_harm_nobody() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    let daemon = setup.start();
    daemon.wait_ready();
    for (bytes, expected) in [
        (&b"\n"[..], "not a request"),
        (b"GET / HTTP/1.1\r\n\r\n", "not a request"),
        (b"{\"request\":\"reboot\"}\n", "unknown variant"),
        (b"\xff\xfe\x00\n", "not a request"),
        (&[b'['; 100_000], "longer than 16384 bytes"),
    ] {
        let line = raw(&setup, bytes);
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        // Whoever sends far too much may find the connection closed before the answer.
        let cut_off = line.is_empty() && bytes.len() > 16_384;
        let told = answer["message"].as_str().unwrap_or_default().contains(expected);
        assert!(told || cut_off, "{line}");
    }
    // More than there are places for, and none of them says a word.
    let silent: Vec<UnixStream> =
        (0..40).map(|_| UnixStream::connect(setup.path("control.sock")).unwrap()).collect();
    let mut first = String::new();
    silent[0].set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(&silent[0]).read_line(&mut first).unwrap();
    assert!(first.contains("no request came in time"), "{first}");
    drop(silent);
    assert!(raw(&setup, b"{\"request\":\"ping\"}\n").contains("\"ready\":true"));
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    let (_, cpu) = daemon.usage();
    assert!(cpu < Duration::from_secs(10), "{cpu:?}");
}

#[test]
fn strangers_are_refused_whatever_the_mode_of_the_socket() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    let daemon = setup.start();
    daemon.wait_ready();
    let open = |path: &str, mode| {
        fs::set_permissions(setup.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    open("", 0o755);
    let as_nobody = || {
        let binary = env!("CARGO_BIN_EXE_attributed");
        let copy = setup.path("attributed");
        if !copy.exists() {
            fs::copy(binary, &copy).unwrap();
            open("attributed", 0o755);
        }
        std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&copy)
            .args(["rules", "history", "--socket"])
            .arg(setup.path("control.sock"))
            .output()
    };
    // Only root can play somebody else.
    let Some(said) = as_nobody().ok().filter(|said| !text(&said.stderr).contains("setpriv")) else {
        println!("skipped: nobody else can be played here");
        return;
    };
    assert_eq!(said.status.code(), Some(69), "{}", text(&said.stderr));
    assert!(text(&said.stderr).contains("not allowed to ask"), "{}", text(&said.stderr));
    // The kernel lets them in now, and they are told so.
    open("control.sock", 0o666);
    let said = as_nobody().unwrap();
    assert_eq!(said.status.code(), Some(1), "{}", text(&said.stderr));
    assert!(text(&said.stderr).contains("you may not ask"), "{}", text(&said.stderr));
    assert_eq!(daemon.wait_log("refused at the control socket")["uid"], 65_534);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
