//! Every request that the daemon makes, and every answer it gets, against the API's description.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attributed::app::{Ended, Options, Start};
use attributed::config::Config;
use attributed::simulator::inside::InMemory;
use attributed::simulator::world::Shape;
use attributed::simulator::{self, Faults, Scripted, Simulator};
use attributed::status::counts::Counts;
use tokio::sync::mpsc;

use crate::exchanges::{Exchange, Exemption, problems};
use crate::published::Published;

const OF_EACH_KIND: usize = 40;

const TOKEN: Exemption = Exemption {
    method: "POST",
    path: "/oauth/token",
    status: None,
    why: "tokens come from the login host, which the description leaves out",
};
/// The world's own trouble may put it before any call, so it is not bound to one.
const BAD_GATEWAY: Exemption = Exemption {
    method: "",
    path: "/api/v2/",
    status: Some(502),
    why: "a gateway's answer, which the description does not declare (FACTS 1.2)",
};
const CONVERSATIONS_OF_A_USER: Exemption = Exemption {
    method: "GET",
    path: "/api/v2/conversations/users/",
    status: None,
    why: "the tutorial's, by which a gap is looked into in the put dialect",
};
const READ_PARTICIPANT: Exemption = Exemption {
    method: "GET",
    path: "/api/v2/conversations/{conversationId}/participants/",
    status: None,
    why: "the tutorial's, in the put dialect",
};
const PUT_PARTICIPANT: Exemption = Exemption {
    method: "PUT",
    path: "/api/v2/conversations/{conversationId}/participants/",
    status: None,
    why: "the tutorial's, in the put dialect",
};

#[tokio::test(start_paused = true)]
async fn what_the_daemon_asks_in_the_patch_dialect_conforms() {
    let Some(published) = Published::find("what_the_daemon_asks (patch)") else { return };
    let log = exchanges("patch").await;
    let writes = log.iter().filter(|exchange| exchange.method == "PATCH").count();
    assert!(writes >= OF_EACH_KIND, "only {writes} writes");
    assert_eq!(problems(&published, &log, &[TOKEN, BAD_GATEWAY]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_the_daemon_asks_in_the_put_dialect_conforms() {
    let Some(published) = Published::find("what_the_daemon_asks (put)") else { return };
    let log = exchanges("put").await;
    let writes = log.iter().filter(|exchange| exchange.method == "PUT").count();
    assert!(writes >= OF_EACH_KIND, "only {writes} writes");
    let exemptions =
        [TOKEN, BAD_GATEWAY, CONVERSATIONS_OF_A_USER, READ_PARTICIPANT, PUT_PARTICIPANT];
    assert_eq!(problems(&published, &log, &exemptions), Vec::<String>::new());
}

/// A minute of a daemon that watches in every way there is, on a day with ordinary trouble.
async fn exchanges(dialect: &str) -> Vec<Exchange> {
    let folder = tempfile::tempdir().expect("a folder");
    let simulator = Simulator::new(simulator::Options {
        seed: 5,
        shape: Shape { rate: 2.0, ..Shape::default() },
        faults: Faults::Light,
        record_bodies: true,
        limits: simulator::Limits { requests: 3_000, ..simulator::Limits::default() },
        ..simulator::Options::default()
    });
    let write = if dialect == "put" { "PUT /participants" } else { "PATCH /attributes" };
    assert!(simulator.script([Scripted {
        operation: write.to_owned(),
        times: 3,
        skip: 5,
        status: Some(502),
        body: Some("<html><h1>Bad Gateway</h1></html>".into()),
        ..Scripted::default()
    }]));
    let outside = Arc::new(InMemory::start(Arc::clone(&simulator)));
    let (intents, receiver) = mpsc::channel(1);
    let config = configuration(folder.path(), dialect);
    let start = Start {
        config: config.clone(),
        options: Options::default(),
        outside,
        counts: Arc::new(Counts::default()),
        level: None,
        intents: receiver,
        reread: Box::new(move || Ok(config.clone())),
    };
    let app = start.begin().await.expect("a daemon that begins");
    let stop = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        intents.send(attributed::signals::Intent::Stop).await.expect("a daemon that runs");
    };
    let (ended, ()) = tokio::join!(app.run(), stop);
    // Whose flow still runs is left waiting.
    assert!(matches!(ended, Ended::Drained | Ended::CutOff { .. }), "{ended}");
    let log = simulator.requests();
    // Of each kind a few dozen are enough: making a validator for each takes its time.
    let mut seen: BTreeMap<(String, String, Option<u16>), usize> = BTreeMap::new();
    let answered = log.into_iter().filter_map(|entry| {
        let kind = (entry.method.clone(), entry.path.clone(), entry.status);
        let count = seen.entry(kind).or_default();
        *count += 1;
        if *count > OF_EACH_KIND {
            return None;
        }
        let query =
            if entry.query.is_empty() { String::new() } else { format!("?{}", entry.query) };
        Some(Exchange {
            status: entry.status?,
            method: entry.method,
            path: format!("{}{query}", entry.path),
            request: entry.request,
            answer: entry.answer,
        })
    });
    answered.collect()
}

fn configuration(folder: &Path, dialect: &str) -> Config {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
    };
    write("rules.toml", simulator::RULES);
    write("client-secret", "demo\n");
    let secret = folder.join("client-secret");
    std::fs::set_permissions(secret, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    let text = format!(
        r#"
rules = "rules.toml"
[genesys]
login_url = "http://127.0.0.1:1"
api_url = "http://127.0.0.1:1"
client_id = "demo"
client_secret_file = "client-secret"
organization = "Example Ltd"
dialect = "{dialect}"
[watch]
users = ["nobody@example.com"]
members_of_queues = ["Billing"]
members_of_groups = ["Nobody"]
all_users = true
queues = ["Billing", "Support", "Sales", "Claims"]
refresh = "1m"
[updates]
requests_per_second = 100
requests_per_minute = 3000
[state]
dir = "state"
[monitoring]
listen = ""
control = "control.sock"
"#
    );
    let file = folder.join("attributed.toml");
    let (config, ..) = Config::parse(&file, &text, &|_| None).expect("a good configuration");
    config
}
