//! The status page: what a browser shows of it, and what is answered at `/events`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use attributed::simulator::world::Shape;
use attributed::simulator::{Door, Options, Scripted, Treatment};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::daemon::{Daemon, PATIENCE, Setup, restrict, wait, wait_within};
use crate::monitoring::{ANY, address, ask, listening};
use crate::world_at::{ANSWERED, WorldAt};

/// A rule whose name wants to be markup.
const HOSTILE: &str = r#"
[[rule]]
name = "<img src=/x onerror=alert(1)><script>alert(2)</script>"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."<b>cc.hostile</b>" = "yes"
"#;

/// A stream of events that has been answered, and what it said first.
pub(crate) fn first_event(address: &str, headers: &str) -> (BufReader<TcpStream>, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").unwrap();
    let mut stream = BufReader::new(stream);
    let mut said = String::new();
    while !said.contains("data: ") && stream.read_line(&mut said).unwrap() > 0 {}
    (stream, said)
}

#[test]
fn events_are_for_who_may_ask_are_few_and_end_with_the_service() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace(ANY, &format!("{ANY}\ntoken_file = \"token\"")));
    fs::write(setup.path("token"), "canary-token-0123456789\n").unwrap();
    restrict(&setup.path("token"));
    let mut daemon = setup.start();
    let at = address(&daemon);
    daemon.wait_ready();
    for path in ["/", "/page.js", "/page.css", "/events"] {
        assert_eq!(ask(&at, path, "").status, 401, "{path}");
    }
    let token = "Authorization: Bearer canary-token-0123456789\r\n";
    assert!(ask(&at, "/", token).body.starts_with("<!doctype html>"));
    let mut streams: Vec<_> = (0..16).map(|_| first_event(&at, token)).collect();
    let (stream, said) = &mut streams[0];
    assert!(said.to_lowercase().contains("content-type: text/event-stream"), "{said}");
    assert!(said.contains("nosniff") && said.contains("retry: 1000"), "{said}");
    let refused = ask(&at, "/events", token);
    assert_eq!((refused.status, refused.body.contains("too many pages")), (503, true));
    assert_eq!(ask(&at, "/readyz", token).status, 200, "the others are answered all the same");

    let event = |line: &str| -> Value {
        serde_json::from_str(line.split("data: ").nth(1).unwrap_or_default()).unwrap_or_default()
    };
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    let update = wait("the update among the latest", || {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let latest = event(&line)["overview"]["latest"][0].clone();
        latest.is_object().then_some(latest)
    });
    let expected = ("answered".into(), json!(["cc.answered"]), "accepted".into(), 202.into());
    let told = &update;
    assert_eq!(
        (&told["rule"], &told["keys"], &told["outcome"], &told["status"]),
        (&expected.0, &expected.1, &expected.2, &expected.3)
    );
    assert!(!update.to_string().contains("c1"), "{update}");

    // A stop that has to wait for an answer.
    world.simulator.script([Scripted {
        operation: "PATCH /attributes".to_owned(),
        times: 1,
        delay_ms: 3_000,
        ..Scripted::default()
    }]);
    world.call("c2", 0);
    daemon.wait("a push under way", || (!world.writes("c2").is_empty()).then_some(()));
    daemon.signal("TERM");
    let mut last = Value::Null;
    let mut line = String::new();
    while matches!(stream.read_line(&mut line), Ok(1..)) {
        let event = event(&std::mem::take(&mut line));
        last = if event.is_null() { last } else { event };
    }
    assert_eq!(last["overview"]["stage"], "stopping", "the stop is worth being watched");
    assert!(daemon.wait_exit().success());
}

/// A daemon whose page is open in a browser.
fn opened(world: &WorldAt, rules: &str) -> Option<(Browser, Setup, Daemon, String)> {
    let browser = Browser::start()?;
    let setup = world.setup(rules, "");
    listening(&setup, ANY);
    let daemon = setup.start();
    let at = address(&daemon);
    daemon.wait_ready();
    let url = format!("http://{at}/");
    browser.open(&url);
    Some((browser, setup, daemon, url))
}

/// From now on the browser notes when it first shows each of these: name, selector, part of the text.
fn note(browser: &Browser, wanted: &[(&str, &str, &str)]) {
    browser.run(&format!(
        "window.seen = {{}};
        const look = () => {{
            for (const [name, selector, part] of {}) {{
                const text = document.querySelector(selector).textContent;
                if (!(name in seen) && text.includes(part)) seen[name] = Date.now();
            }}
        }};
        new MutationObserver(look).observe(
            document.body, {{ subtree: true, childList: true, characterData: true }});",
        json!(wanted)
    ));
}

/// How long after a line of the log the browser showed it, in milliseconds.
fn shown_after(browser: &Browser, name: &str, line: &Value) -> i64 {
    let seen = wait(&format!("{name} to be shown"), || {
        browser.run(&format!("return seen[{}] || null", json!(name))).as_i64()
    });
    let logged: Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
    seen - logged.as_millisecond()
}

/// Nothing was asked of anybody but this server, and the console is empty.
fn check_quiet(browser: &Browser, url: &str) {
    assert_eq!(browser.logged("browser"), Vec::<Value>::new(), "the console");
    let asked: Vec<String> = browser
        .logged("performance")
        .iter()
        .map(|entry| serde_json::from_str::<Value>(entry["message"].as_str().unwrap()).unwrap())
        .filter(|entry| entry["message"]["method"] == "Network.requestWillBeSent")
        // The tab that is empty at first is the browser's own, and loads this and that.
        .filter(|entry| entry["message"]["params"]["documentURL"] == url)
        .map(|entry| entry["message"]["params"]["request"]["url"].as_str().unwrap().to_owned())
        .collect();
    assert!(asked.contains(&format!("{url}events")), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.starts_with(url)), "{asked:?}");
}

#[test]
fn the_page_is_live_and_asks_nobody_else() {
    let world = WorldAt::quiet(3);
    let rules = format!("{ANSWERED}{HOSTILE}");
    let Some((browser, setup, daemon, url)) = opened(&world, &rules) else { return };
    browser.wait_text("#words", "Attributes are being written");
    browser.wait_text("#sentence", "All is well: 3 of 3 topics");
    assert_eq!(browser.run("return document.title"), "Attributes are being written – attributed");

    note(&browser, &[("written", "#latest", "cc.answered")]);
    world.call("c1", 0);
    let pushed = daemon.wait_log("pushed");
    assert!(shown_after(&browser, "written", &pushed) <= 2_000);
    browser.wait_text("#flow", "2 written");
    let shown = browser.wait_text("#rules", "s ago");
    let name = "<img src=/x onerror=alert(1)><script>alert(2)</script>";
    assert!(shown.contains(name), "{shown}");
    assert!(browser.text("#latest").contains("<b>cc.hostile</b>"));
    let made =
        browser.run("return document.querySelectorAll('main img, main script, main b').length");
    assert_eq!(made, 0, "text stays text");

    note(&browser, &[("broken", "#reload", "refused, earlier rules are in force")]);
    setup.write_rules("[[rule]]\nname = \"broken");
    daemon.signal("HUP");
    let refused = daemon.wait_log("the rules file cannot be used");
    let after = shown_after(&browser, "broken", &refused);
    assert!(after <= 2_000, "a broken reload was shown after {after} ms");
    browser.wait_text("#words", "something needs a look");
    browser.wait_text("#sentence", "the rules file is refused");
    browser.wait_text("#said", "rules warning");
    let ready: Value =
        serde_json::from_str(&ask(&url[7..url.len() - 1], "/readyz", "").body).unwrap();
    assert_eq!(browser.text("#sentence"), ready["sentence"].as_str().unwrap());
    setup.write_rules(&rules);
    daemon.signal("HUP");
    browser.wait_text("#reload", "as in force");

    note(&browser, &[("gap", "#gaps", "on no channel"), ("not", "#words", "NOT being written")]);
    world.simulator.doors([Door::HangUp; 3]);
    world.simulator.treat(Treatment::Drop, None);
    let lost = daemon.wait_log("disconnected");
    let after = shown_after(&browser, "gap", &lost).max(shown_after(&browser, "not", &lost));
    assert!(after <= 2_000, "an open gap was shown after {after} ms");
    browser.wait_text("#channels", "lost");
    browser.wait_text("#gaps", "No gap is open");
    browser.wait_text("#words", "Attributes are being written");
    check_quiet(&browser, &url);
    assert_eq!(daemon.log_count("panicked"), 0);
}

#[test]
fn without_news_the_page_says_so_and_finds_back() {
    let world = WorldAt::quiet(1);
    let Some((browser, setup, mut daemon, url)) = opened(&world, ANSWERED) else { return };
    browser.wait_text("#news", "live");
    assert_eq!(browser.run("return document.getElementById('cut').hidden"), true);
    daemon.kill();
    let said = browser.wait_text("#cut", "No news since ");
    assert!(said.contains("may be wrong by now"), "{said}");
    assert_eq!(browser.run("return document.getElementById('cut').hidden"), false);
    assert_eq!(browser.text("#news"), "no news");
    assert_eq!(browser.text("#said"), said);

    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("127.0.0.1:0", &url[7..url.len() - 1]));
    let daemon = setup.start();
    daemon.wait_ready();
    browser.wait_text("#news", "live");
    assert_eq!(browser.run("return document.getElementById('cut').hidden"), true);
}

/// Both themes at the widths of a telephone and of a desk.
const VIEWS: [(&str, u32, u32); 4] =
    [("light", 390, 844), ("dark", 390, 844), ("light", 1440, 900), ("dark", 1440, 900)];

/// Shows it so, and waits until it is.
fn view(browser: &Browser, (theme, width, height): (&str, u32, u32)) {
    let size = json!({
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
    });
    browser.devtools("Emulation.setDeviceMetricsOverride", &size);
    let theme = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
    browser.devtools("Emulation.setEmulatedMedia", &theme);
    wait("the view", || (browser.run("return innerWidth") == width).then_some(()));
}

/// `None` if axe is not there, which is said, and is a failure where it has to be.
fn axe() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fetched = root.join("target/axe/package/axe.min.js");
    let path = std::env::var_os("ATTRIBUTED_AXE").map_or(fetched, PathBuf::from);
    let read = fs::read_to_string(&path);
    if read.is_err() {
        let required = std::env::var_os("ATTRIBUTED_AXE_REQUIRED").is_some();
        assert!(!required, "axe is required and not at {}", path.display());
        println!("skipped: axe is not at {} (`npm pack axe-core`, unpacked)", path.display());
    }
    read.ok()
}

/// What axe finds, as `rule: element`.
fn violations(browser: &Browser) -> Vec<String> {
    let found = browser.run_until_done(
        "axe.run(document, { resultTypes: ['violations'] }).then((found) => done(
            found.violations.flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.html}`))));",
    );
    let found = found.as_array().unwrap().iter();
    found.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// A daemon with some traffic and some trouble: everything on the page has something to show.
fn busy(world: &WorldAt) -> Option<(Browser, Setup, Daemon, String)> {
    let more = "[[rule]]\nname = \"on-hold\"\nmode = \"dry-run\"\nmatch.participant.purpose = \"agent\"\nmatch.participant.held = true\nset.\"cc.on_hold\" = \"true\"\n\n[[rule]]\nname = \"queue\"\nmatch.participant.purpose = \"acd\"\nset.\"cc.queue\" = \"{{ participant.queue }}\"\nset.\"cc.segment\" = \"standard\"\n";
    world.simulator.script([Scripted {
        operation: "PATCH /attributes".to_owned(),
        times: 2,
        status: Some(400),
        ..Scripted::default()
    }]);
    let opened = opened(world, &format!("{ANSWERED}\n{more}"))?;
    opened.0.wait_text("#letters", "refused");
    opened.0.wait_text("#latest", "accepted");
    Some(opened)
}

#[test]
fn everybody_can_use_it_in_both_themes_and_at_both_widths() {
    let shape = Shape { users: 20, rate: 4.0, pace: 0.5, ..Shape::default() };
    let world = WorldAt::start(Options { seed: 11, shape, ..Options::default() });
    let Some((browser, setup, daemon, _)) = busy(&world) else { return };
    let axe = axe();
    for trouble in [false, true] {
        if trouble {
            setup.write_rules("[[rule]]\nname = \"broken");
            daemon.signal("HUP");
            browser.wait_text("#reload", "refused, earlier");
            browser.run("document.querySelector('details').open = true");
        }
        for size in VIEWS {
            view(&browser, size);
            let wide = "return document.documentElement.scrollWidth - innerWidth";
            assert_eq!(browser.run(wide), 0, "{size:?}: it is wider than the screen");
            if let Some(axe) = &axe {
                browser.run(axe);
                assert_eq!(violations(&browser), Vec::<String>::new(), "{size:?} {trouble}");
            }
        }
    }
    by_keyboard(&browser);
    assert_eq!(browser.logged("browser"), Vec::<Value>::new(), "the console");
}

/// The tabulator reaches everything that can be used, and it is seen where it is.
fn by_keyboard(browser: &Browser) {
    browser.run("document.activeElement.blur(); scrollTo(0, 0)");
    let mut reached = Vec::new();
    for _ in 0..5 {
        for kind in ["rawKeyDown", "keyUp"] {
            let key =
                json!({ "type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
            browser.devtools("Input.dispatchKeyEvent", &key);
        }
        let at = browser.run(
            "const at = document.activeElement;
            const outline = getComputedStyle(at).outlineStyle;
            return `${at.className || at.getAttribute('href') || at.localName} ${outline}`",
        );
        reached.push(at.as_str().unwrap().to_owned());
    }
    let expected =
        ["skip", "summary", "scroll", "readyz", "metrics"].map(|it| format!("{it} solid"));
    assert_eq!(reached, expected);
}

/// Pictures for the README, to `target/tmp`: `cargo test --test it -- --ignored pictures`.
#[test]
#[ignore = "takes minutes: the charts are to show something"]
fn pictures() {
    let shape = Shape { users: 60, rate: 3.0, ..Shape::default() };
    let world = WorldAt::start(Options { seed: 11, shape, ..Options::default() });
    let (browser, _setup, _daemon, _) = busy(&world).unwrap();
    wait_within(Duration::from_secs(300), "two minutes of traffic", || {
        browser.text("#flow").contains("2\u{a0}min").then_some(())
    });
    for size in VIEWS {
        view(&browser, size);
        let whole = json!({ "format": "webp", "quality": 80, "captureBeyondViewport": true });
        let taken = browser.devtools("Page.captureScreenshot", &whole);
        let picture = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            taken["data"].as_str().unwrap(),
        );
        let picture = picture.unwrap();
        assert!(picture.len() > 5_000, "{size:?}: an empty picture");
        let name = format!("page-{}-{}.webp", size.0, size.1);
        fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), picture).unwrap();
    }
}
