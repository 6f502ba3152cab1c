//! The daemon, the simulator, and what joins them: for everybody who has a part in the hour.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attributed::app::{Options, Start};
use attributed::config::Config;
use attributed::signals::Intent;
use attributed::simulator::inside::InMemory;
use attributed::simulator::{RULES, Simulator};
use attributed::status::counts::Counts;
use attributed::updates::journal::Store;
use rand::rngs::StdRng;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::clients;
use crate::disk::Disk;
use crate::outcome::Tally;
use crate::told::RELOADED;
use crate::trace::Trace;

/// Enough in the mean, and not at all times: updates have to wait.
pub(crate) const REQUESTS_PER_MINUTE: u32 = 90;
/// All that the world has conversations in, but one.
pub(crate) const QUEUES: [&str; 4] = ["Billing", "Support", "Sales", "Claims"];

/// How the daemon dies.
pub(crate) struct Death {
    /// Nobody is there for so long.
    pub(crate) down: Duration,
    /// Decides what the disk keeps.
    pub(crate) dice: StdRng,
}

pub(crate) struct Scene {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) outside: Arc<InMemory>,
    pub(crate) dir: PathBuf,
    pub(crate) trace: Trace,
    pub(crate) tally: RefCell<Tally>,
    pub(crate) disk: Disk,
    /// When the daemon died, in microseconds since the start.
    pub(crate) deaths: RefCell<Vec<u64>>,
    begun: Instant,
    death: RefCell<Option<Death>>,
    dies: Notify,
    /// The daemon that runs now.
    daemon: RefCell<Option<mpsc::Sender<Intent>>>,
    config: Arc<Mutex<Config>>,
}

impl Scene {
    pub(crate) fn new(
        simulator: Arc<Simulator>,
        dir: PathBuf,
        trace: Trace,
        two_clients: bool,
    ) -> Scene {
        let config = Arc::new(Mutex::new(config(&dir, two_clients)));
        let outside = Arc::new(InMemory::start(Arc::clone(&simulator)));
        Scene {
            simulator,
            outside,
            dir,
            trace,
            tally: RefCell::default(),
            disk: Disk::default(),
            deaths: RefCell::default(),
            begun: Instant::now(),
            death: RefCell::default(),
            dies: Notify::new(),
            daemon: RefCell::default(),
            config,
        }
    }

    /// Kills the daemon, if it lives.
    pub(crate) fn kill(&self, death: Death) {
        // What it would write while it goes down never gets there.
        self.disk.fail_after(0);
        let at = u64::try_from(self.begun.elapsed().as_micros()).unwrap();
        self.deaths.borrow_mut().push(at);
        *self.death.borrow_mut() = Some(death);
        self.dies.notify_one();
    }

    /// Waits until the daemon is killed.
    pub(crate) async fn death(&self) -> Death {
        loop {
            if let Some(death) = self.death.borrow_mut().take() {
                return death;
            }
            self.dies.notified().await;
        }
    }

    /// A daemon that is ready to begin, and to hear.
    pub(crate) fn daemon(&self, counts: &Arc<Counts>) -> Start {
        let (sender, intents) = mpsc::channel(4);
        *self.daemon.borrow_mut() = Some(sender);
        let (now, later) = (self.config(), Arc::clone(&self.config));
        let disk = self.disk.clone();
        // Within the daemon's turn: no thread writes it.
        let journal = move || Store::on(disk.mount());
        let reread = move || Ok(later.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Start {
            config: now,
            options: Options { journal: Some(Box::new(journal)), ..Options::default() },
            outside: Arc::clone(&self.outside) as Arc<_>,
            counts: Arc::clone(counts),
            level: None,
            intents,
            reread: Box::new(reread),
        }
    }

    /// Nobody hears any more.
    pub(crate) fn daemon_is_gone(&self) {
        *self.daemon.borrow_mut() = None;
    }

    /// Tells the daemon that runs, if one does.
    pub(crate) async fn tell(&self, intent: Intent) {
        let daemon = self.daemon.borrow().clone();
        let Some(daemon) = daemon else { return };
        if intent == Intent::Reload {
            self.trace.note(RELOADED.to_owned());
        }
        if daemon.send(intent).await.is_err() {
            self.trace.note("nobody hears what the daemon is told".to_owned());
        }
    }

    /// Counts something that happens, and writes it into the story.
    pub(crate) fn note(&self, what: &'static str) {
        self.tally.borrow_mut().count(what, 1);
        self.trace.note(format!("* {what}"));
    }

    /// The configuration says so from now on.
    pub(crate) fn watch(&self, queues: &[&str]) {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        config.watch.queues = queues.iter().map(|&queue| queue.into()).collect();
    }

    /// Likewise, of users; all where no names are given.
    pub(crate) fn watch_users(&self, users: Option<&[String]>) {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        config.watch.all_users = users.is_none();
        config.watch.users = users.into_iter().flatten().map(|user| user.as_str().into()).collect();
    }

    fn config(&self) -> Config {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn config(dir: &std::path::Path, two_clients: bool) -> Config {
    fs::write(dir.join("rules.toml"), RULES).unwrap();
    let write_secret = |name: String, secret: &str| {
        let file = dir.join(name);
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write_secret("client-secret".to_owned(), "demo\n");
    let genesys = if two_clients {
        for (id, secret) in clients::BOTH {
            write_secret(format!("secret-of-{id}"), secret);
        }
        clients::configuration()
    } else {
        "client_id = \"demo\"\nclient_secret_file = \"client-secret\"\n".to_owned()
    };
    let file = dir.join("attributed.toml");
    let text = format!(
        r#"rules = "rules.toml"
[genesys]
login_url = "http://127.0.0.1:1"
api_url = "http://127.0.0.1:1"
{genesys}[watch]
all_users = true
queues = ["Billing", "Support", "Sales", "Claims"]
[updates]
requests_per_minute = {REQUESTS_PER_MINUTE}
[state]
dir = "state"
[monitoring]
listen = ""
control = "control.sock"
"#
    );
    fs::write(&file, text).unwrap();
    Config::load(Some(&file), &|_| None).unwrap().0
}
