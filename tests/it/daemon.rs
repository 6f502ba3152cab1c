//! The real binary, started, watched and stopped as an operator would.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Nothing that is waited for takes so long on a machine that works at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration, rules, a secret and a state directory.
pub(crate) struct Setup {
    pub(crate) dir: Arc<TempDir>,
}

impl Setup {
    /// `watch` and `more` are TOML; `more` may hold further tables.
    pub(crate) fn new(url: &str, watch: &str, rules: &str, more: &str) -> Setup {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup { dir: Arc::new(dir) };
        fs::write(setup.path("rules.toml"), rules).unwrap();
        fs::write(setup.path("client-secret"), "demo\n").unwrap();
        restrict(&setup.path("client-secret"));
        let (genesys, more) = match more.strip_prefix("# genesys\n") {
            Some(rest) => rest.split_once("\n\n").unwrap_or((rest, "")),
            None => ("", more),
        };
        setup.configure(&format!(
            "rules = \"rules.toml\"\n\n[genesys]\nregion = \"mypurecloud.de\"\nlogin_url = \"{url}\"\napi_url = \"{url}\"\nclient_id = \"demo\"\nclient_secret_file = \"client-secret\"\n{genesys}\n\n[watch]\n{watch}\n\n[state]\ndir = \"state\"\n\n[monitoring]\nlisten = \"\"\ncontrol = \"control.sock\"\n\n[log]\nformat = \"json\"\n\n{more}\n"
        ));
        setup
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("attributed.toml"), text).unwrap();
    }

    pub(crate) fn write_rules(&self, text: &str) {
        fs::write(self.path("rules.toml"), text).unwrap();
    }

    pub(crate) fn start(&self) -> Daemon {
        Daemon::start(self, &[])
    }
}

/// Secrets that everybody can read are warned of; tests that are not about that have none.
pub(crate) fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// What comes in, for whoever waits for it: lines of the log, or messages to systemd.
struct Heard<T> {
    all: Mutex<Vec<T>>,
    grown: Condvar,
}

impl<T> Default for Heard<T> {
    fn default() -> Heard<T> {
        Heard { all: Mutex::default(), grown: Condvar::new() }
    }
}

impl<T: Clone> Heard<T> {
    fn push(&self, new: T) {
        self.all.lock().unwrap().push(new);
        self.grown.notify_all();
    }

    /// Waits for one of which this is true, from the `from`th on; with its place.
    fn wait(&self, from: usize, is: impl Fn(&T) -> bool) -> Option<(usize, T)> {
        let all = self.all.lock().unwrap();
        let found = |all: &Vec<T>| {
            let place = all.iter().skip(from).position(&is)? + from;
            Some((place, all[place].clone()))
        };
        let (all, _) =
            self.grown.wait_timeout_while(all, PATIENCE, |all| found(all).is_none()).unwrap();
        found(&all)
    }
}

pub(crate) struct Daemon {
    child: Child,
    log: Arc<Heard<Value>>,
    /// What systemd was told. Read at once, as systemd does: the queue of such a socket is short,
    /// and who finds it full waits.
    told: Arc<Heard<String>>,
    /// How many of them were waited for already.
    read: AtomicUsize,
    /// Its folder lives as long as it does.
    _dir: Arc<TempDir>,
}

impl Daemon {
    pub(crate) fn start(setup: &Setup, arguments: &[&str]) -> Daemon {
        Daemon::start_by(Command::new(env!("CARGO_BIN_EXE_attributed")), setup, arguments)
    }

    /// By a command that becomes the daemon and takes its arguments.
    pub(crate) fn start_by(mut command: Command, setup: &Setup, arguments: &[&str]) -> Daemon {
        let socket = setup.path("notify.sock");
        let _gone = fs::remove_file(&socket);
        let notify = UnixDatagram::bind(&socket).unwrap();
        notify.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut child = command
            .args(["run", "--config"])
            .arg(setup.path("attributed.toml"))
            .args(arguments)
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", "60000000")
            .env_remove("JOURNAL_STREAM")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Heard::default());
        let told = Arc::new(Heard::default());
        let listener = Arc::downgrade(&told);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Some(told) = listener.upgrade() {
                if let Ok(length) = notify.recv(&mut buffer) {
                    told.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                }
            }
        });
        let (lines, sink) =
            (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if std::env::var_os("ATTRIBUTED_TEST_LOG").is_some() {
                    eprintln!("{line}");
                }
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                sink.push(value);
            }
        });
        let dir = Arc::clone(&setup.dir);
        Daemon { child, log, told, read: AtomicUsize::new(0), _dir: dir }
    }

    /// Waits until systemd has heard a message with a line that begins so. Each message is waited
    /// for once.
    pub(crate) fn wait_notified(&self, what: &str) -> String {
        self.wait_told(what, |text| text.lines().any(|line| line.starts_with(what)))
    }

    fn wait_told(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let told = self.told.wait(self.read.load(Ordering::Relaxed), |text: &String| is(text));
        let Some((place, text)) = told else {
            panic!("systemd was never told {what}\n{}", self.log_text());
        };
        self.read.store(place + 1, Ordering::Relaxed);
        text
    }

    pub(crate) fn wait_ready(&self) {
        self.wait_notified("READY=1");
    }

    /// Waits for a STATUS of which this is true, and returns it.
    pub(crate) fn wait_status_that(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let status = |text: &str| {
            text.lines().find_map(|line| line.strip_prefix("STATUS=")).map(str::to_owned)
        };
        let told = self.wait_told(what, |text| status(text).is_some_and(|status| is(&status)));
        status(&told).unwrap()
    }

    /// Waits for a log line whose message contains `what`, from the `from`th line on.
    pub(crate) fn wait_log_from(&self, from: usize, what: &str) -> Value {
        self.wait_line_from(from, what, |line| message(line).contains(what))
    }

    /// Waits for a log line of which this is true, from the `from`th line on.
    pub(crate) fn wait_line_from(
        &self,
        from: usize,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        match self.log.wait(from, is) {
            Some((_, line)) => line,
            None => panic!("never logged: {what}\n{}", self.log_text()),
        }
    }

    pub(crate) fn wait_log(&self, what: &str) -> Value {
        self.wait_log_from(0, what)
    }

    /// How many lines there are so far.
    pub(crate) fn logged(&self) -> usize {
        self.log.all.lock().unwrap().len()
    }

    pub(crate) fn log_text(&self) -> String {
        let lines = self.log.all.lock().unwrap();
        lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn log_count(&self, what: &str) -> usize {
        let lines = self.log.all.lock().unwrap();
        lines.iter().filter(|line| message(line).contains(what)).count()
    }

    /// The lines from the `from`th on whose message contains `what`.
    pub(crate) fn log_lines_from(&self, from: usize, what: &str) -> Vec<Value> {
        let lines = self.log.all.lock().unwrap();
        lines.iter().skip(from).filter(|line| message(line).contains(what)).cloned().collect()
    }

    /// All that systemd was told so far.
    pub(crate) fn notified(&self) -> Vec<String> {
        self.told.all.lock().unwrap().clone()
    }

    /// Asks again and again until there is an answer; shows the log if there never is one.
    #[track_caller]
    pub(crate) fn wait<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let start = tokio::time::Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            let patient = start.elapsed() < PATIENCE;
            assert!(patient, "waited in vain for {what}\n{}", self.log_text());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// The lines for which this is true.
    pub(crate) fn lines_that(&self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.log.all.lock().unwrap().iter().filter(|line| fits(line)).cloned().collect()
    }

    /// Waits until the line of status holds this.
    pub(crate) fn wait_status(&self, part: &str) -> String {
        self.wait_told(part, |text| {
            text.lines().any(|line| line.starts_with("STATUS=") && line.contains(part))
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status()
            .unwrap();
        assert!(status.success(), "the daemon is gone\n{}", self.log_text());
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// At once, without a shell between.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let start = tokio::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            let patient = start.elapsed() < PATIENCE;
            assert!(patient, "the daemon does not end\n{}", self.log_text());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Resident memory, in KiB, and processor time used so far.
    pub(crate) fn usage(&self) -> (u64, Duration) {
        let proc = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(proc.join("status")).unwrap();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let rss = rss.trim().trim_end_matches(" kB").parse().unwrap();
        let stat = fs::read_to_string(proc.join("stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        (rss, Duration::from_millis(ticks * 10))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

pub(crate) fn message(line: &Value) -> &str {
    line.get("message").and_then(Value::as_str).or(line.as_str()).unwrap_or_default()
}

/// Asks again and again until there is an answer.
#[track_caller]
pub(crate) fn wait<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, ask)
}

/// The same for what takes its time by nature.
#[track_caller]
pub(crate) fn wait_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl FnMut() -> Option<T>,
) -> T {
    let start = tokio::time::Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < patience, "waited in vain for {what}");
        // Not a wait for the thing itself but between two looks at it.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
