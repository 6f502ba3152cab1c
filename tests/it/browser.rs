//! A headless Chromium, driven as `WebDriver` says: plain HTTP with JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::daemon::{PATIENCE, wait};

const DRIVER: &str = "chromedriver";
/// Its own tests run as root in a container, where there is no sandbox to be had; and nothing is
/// asked of anybody but what the page asks.
const SWITCHES: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
];

pub(crate) struct Browser {
    driver: Child,
    address: String,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// `None` if there is none on this machine, which is said, and is a failure where it has to be.
    pub(crate) fn start() -> Option<Browser> {
        let started = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                let required = std::env::var_os("ATTRIBUTED_BROWSER_REQUIRED").is_some();
                assert!(!required, "{DRIVER} is required and cannot be run: {error}");
                println!("skipped: {DRIVER} is not on this machine");
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let port = line.split("successfully on port ").nth(1)?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // What it says later on is read by nobody, but it has to be able to say it.
        std::thread::spawn(move || lines.count());
        let profile = tempfile::tempdir().unwrap();
        let (address, session) = (format!("127.0.0.1:{}", port.unwrap()), String::new());
        let mut browser = Browser { driver, address, session, profile };
        browser.begin();
        Some(browser)
    }

    fn begin(&mut self) {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut switches: Vec<&str> = SWITCHES.to_vec();
        switches.push(&profile);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "args": switches },
        } } });
        let begun = self.call("POST", "/session", &wanted);
        self.session = begun["sessionId"].as_str().unwrap().to_owned();
    }

    pub(crate) fn open(&self, url: &str) {
        self.ask("/url", &json!({ "url": url }));
    }

    /// Runs a script in the page, and gives what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The same for one that calls `done` in the end.
    pub(crate) fn run_until_done(&self, script: &str) -> Value {
        let script = format!("const done = arguments[0];\n{script}");
        self.ask("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// What is to be read in the first element that this selects.
    pub(crate) fn text(&self, selector: &str) -> String {
        let found = self.run(&format!(
            "const found = document.querySelector({}); return found ? found.textContent : ''",
            json!(selector)
        ));
        found.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn wait_text(&self, selector: &str, part: &str) -> String {
        wait(&format!("{part:?} in {selector}"), || {
            let text = self.text(selector);
            text.contains(part).then_some(text)
        })
    }

    /// A command of the developer tools' protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the browser logged of this kind since it was last asked.
    pub(crate) fn logged(&self, kind: &str) -> Vec<Value> {
        let log = self.ask("/se/log", &json!({ "type": kind }));
        log.as_array().unwrap().clone()
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.exchange(method, path, body).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer["value"].clone()
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE * 2))?;
        let (host, body) = (&self.address, body.to_string());
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while answer.read_line(&mut head)? > 2 {
            let last = head.lines().last().unwrap_or_default().to_lowercase();
            if let Some(value) = last.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok((status, serde_json::from_slice(&body)?))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        let _ended = self.exchange("DELETE", &path, &json!({}));
        let _gone = self.driver.kill();
        let _gone = self.driver.wait();
    }
}
