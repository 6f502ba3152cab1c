//! The program as a command: what it says, and with what code it ends.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::daemon::PATIENCE;

/// What came of one run.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it in a folder, whose path is then left out of what it said.
pub(crate) fn attributed(folder: &Path, arguments: &[&str]) -> Said {
    with(folder, arguments, &[], "")
}

/// The same with variables and with standard input.
pub(crate) fn with(
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    input: &str,
) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_attributed"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("JOURNAL_STREAM")
        .env_remove("NOTIFY_SOCKET")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input closes it; what it says tells more than that.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (out, err) = (reader(child.stdout.take().unwrap()), reader(child.stderr.take().unwrap()));
    let start = tokio::time::Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if start.elapsed() > PATIENCE => break None,
            None => std::thread::park_timeout(Duration::from_millis(20)),
        }
    };
    if status.is_none() {
        child.kill().unwrap();
    }
    let text = |text: JoinHandle<String>| {
        text.join().unwrap().replace(&folder.display().to_string(), "FOLDER")
    };
    let (out, err) = (text(out), text(err));
    let Some(status) = status else { panic!("{arguments:?} does not end:\n{out}\n{err}") };
    Said { code: status.code().unwrap(), out, err }
}

/// Holds what was said, on either stream, to these parts.
#[track_caller]
pub(crate) fn says(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, code, "{}\n{}", said.out, said.err);
    for part in parts {
        let there = said.out.contains(part) || said.err.contains(part);
        assert!(there, "{part:?} is not said:\n{}\n{}", said.out, said.err);
    }
}

fn reader(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}
