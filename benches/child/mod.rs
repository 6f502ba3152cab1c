//! The real binary as a child of a benchmark, as systemd would run it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_attributed");
/// Nothing that is waited for takes so long on a machine that works at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// As an operator would have it: all users of the simulator there are watched. `more` goes to the
/// end of the configuration.
pub(crate) fn folder(simulator: SocketAddr, rules: &str, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("rules.toml"), rules).unwrap();
    fs::write(path("client-secret"), "demo\n").unwrap();
    fs::set_permissions(path("client-secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = format!(
        "rules = \"rules.toml\"\n\n[genesys]\nregion = \"mypurecloud.de\"\n\
         login_url = \"http://{simulator}\"\napi_url = \"http://{simulator}\"\n\
         client_id = \"demo\"\nclient_secret_file = \"client-secret\"\n\n\
         [watch]\nall_users = true\n\n[state]\ndir = \"state\"\n\n\
         [monitoring]\nlisten = \"\"\ncontrol = \"control.sock\"\n\n[log]\nformat = \"json\"\n{more}"
    );
    fs::write(path("attributed.toml"), configuration).unwrap();
    folder
}

/// The process; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    /// The last line of truth that systemd was told.
    told: Arc<Mutex<String>>,
}

impl Daemon {
    /// Returns when systemd would have heard that it is ready.
    pub(crate) fn start(folder: &Path) -> Daemon {
        let socket = folder.join("notify.sock");
        let notify = UnixDatagram::bind(&socket).unwrap();
        notify.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Command::new(BINARY)
            .args(["run", "--config"])
            .arg(folder.join("attributed.toml"))
            .env("NOTIFY_SOCKET", &socket)
            .env_remove("JOURNAL_STREAM")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Daemon { child, told: Arc::default() };
        let mut told = [0; 4096];
        loop {
            let length = notify.recv(&mut told).expect("it never was ready");
            if String::from_utf8_lossy(&told[..length]).lines().any(|line| line == "READY=1") {
                break;
            }
        }
        // As systemd does, hear everything: who tells would wait for that.
        let line = Arc::clone(&daemon.told);
        notify.set_read_timeout(None).unwrap();
        std::thread::spawn(move || {
            while let Ok(length) = notify.recv(&mut told) {
                let text = String::from_utf8_lossy(&told[..length]).into_owned();
                if let Some(status) = text.lines().find_map(|it| it.strip_prefix("STATUS=")) {
                    status.clone_into(&mut line.lock().unwrap());
                }
            }
        });
        daemon
    }

    /// The number before this word in what systemd was told last.
    pub(crate) fn told(&self, word: &str) -> Option<u64> {
        let told = self.told.lock().unwrap().clone();
        told.split(", ").find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
    }

    fn proc(&self, name: &str) -> String {
        let path = PathBuf::from(format!("/proc/{}/{name}", self.child.id()));
        fs::read_to_string(path).expect("the daemon runs")
    }

    /// A number of `/proc/PID/status`; sizes are in KiB.
    pub(crate) fn status(&self, key: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What each thread has spent, in nanoseconds: the first number of its `schedstat`.
    pub(crate) fn spent(&self) -> BTreeMap<OsString, u64> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let spent = tasks.map(|task| {
            let task = task.unwrap();
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap();
            (task.file_name(), text.split_whitespace().next().unwrap().parse().unwrap())
        });
        spent.collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
