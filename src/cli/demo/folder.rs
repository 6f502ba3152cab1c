//! The demo's own folder: rules to edit, a configuration, a secret, the event log.
//!
//! It is kept after the end, so that one can look.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::simulator;

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(simulator: SocketAddr) -> io::Result<Folder> {
        let name = format!("attributed-demo-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.path())?;
        folder.write("rules.toml", simulator::RULES)?;
        folder.write("client-secret", "demo\n")?;
        folder.write("attributed.toml", &configuration(simulator))?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn config(&self) -> PathBuf {
        self.0.join("attributed.toml")
    }

    pub(super) fn rules(&self) -> PathBuf {
        self.0.join("rules.toml")
    }

    pub(super) fn event_log(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.0.join(name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())
    }
}

fn configuration(simulator: SocketAddr) -> String {
    format!(
        r#"# The demo's configuration; systemd/attributed.toml is the reference of every key.
rules = "rules.toml"

[genesys]
login_url = "http://{simulator}"
api_url = "http://{simulator}"
client_id = "demo"
client_secret_file = "client-secret"

[watch]
all_users = true
queues = ["Billing", "Support", "Sales", "Claims"]

[updates]
requests_per_minute = {requests}
requests_per_second = {burst}
# A life of minutes goes by in seconds here: what is an ordinary number of holds would look like two
# programs that fight over a key.
fight_key_writes = 100

[state]
dir = "state"

[monitoring]
listen = ""
control = "control.sock"

[log]
format = "text"
"#,
        requests = super::REQUESTS_PER_MINUTE,
        burst = super::REQUESTS_PER_SECOND,
    )
}
