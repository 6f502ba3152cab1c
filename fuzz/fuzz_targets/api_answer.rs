//! Whatever the API answers: every question of the daemon comes to an end, with what was asked for
//! or an error, and no error shows the token.
//!
//! An input is a word that says what is asked, then answers, each after a line `%%`: a line with
//! the status, lines with headers, an empty line, the body. When no more are left, the connection
//! breaks. Tokens are given by themselves, unless they are what is asked for.

#![no_main]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{Debug, Display};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use attributed::config::{Config, Dialect, SecretSource};
use attributed::events::read_rest;
use attributed::genesys::account::Account;
use attributed::genesys::attributes::{self, Lost, Wanted};
use attributed::genesys::call::{Api, Class};
use attributed::genesys::directory::{Known, refresh};
use attributed::genesys::names::{Listed, ListedWanted, NamesWanted};
use attributed::genesys::notifications::{self, ChannelId};
use attributed::genesys::organization::check_organization;
use attributed::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use attributed::genesys::reading::{self, Whose};
use attributed::genesys::{ConversationId, ParticipantId};
use attributed::status::counts::Counts;
use bytes::Bytes;
use futures::future::{BoxFuture, ready};
use http::{Request, Response};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// In every token that is given by itself, and in nothing else.
const CANARY: &str = "canary-7f3a";

/// Time goes by at once here; a question that takes longer takes for ever.
const PATIENCE: Duration = Duration::from_secs(30 * 24 * 3600);

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let text = r#"
        rules = "rules.toml"
        [genesys]
        region = "mypurecloud.de"
        client_id = "id"
        client_secret_file = "secret"
        [watch]
        users = ["jane@example.com", "6b1d0a52-7a57-4a23-9a4e-0d3a7a6c1f11"]
        members_of_queues = ["Billing"]
        members_of_groups = ["Team"]
        all_users = true
        queues = ["Billing", "Sales"]
    "#;
    let parsed = Config::parse(Path::new("attributed.toml"), text, &|_| None);
    let (mut config, ..) = parsed.expect("the configuration is right");
    // Any variable that is set will do.
    config.genesys.clients[0].secret = SecretSource::Environment("PATH".into());
    config
});

fuzz_target!(|input: &[u8]| {
    let mut parts = parts(input).into_iter();
    let asked = parts.next().unwrap_or_default().trim_ascii();
    let script = Mutex::new(parts.map(answer).collect());
    let given = !asked.starts_with(b"token");
    let outside = Arc::new(Script { script, given });
    let counts = Arc::new(Counts::default());
    let account = Account::new(&CONFIG.genesys, &CONFIG.updates, outside, counts);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let told = runtime.expect("a runtime can be made").block_on(async {
        timeout(PATIENCE, ask(asked, &account)).await.expect("a question that never ends")
    });
    let repeated = input.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes());
    assert!(repeated || !told.contains(CANARY), "the token shows: {told}");
});

fn parts(input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in input.windows(4).enumerate().filter(|(_, bytes)| bytes == b"\n%%\n") {
        if at >= start {
            parts.push(&input[start..at]);
            start = at + 4;
        }
    }
    parts.push(&input[start..]);
    parts
}

fn answer(part: &[u8]) -> Response<Bytes> {
    let (head, body) = match part.windows(2).position(|bytes| bytes == b"\n\n") {
        Some(at) => (&part[..at], &part[at + 2..]),
        None => (part, &[][..]),
    };
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(200);
    let mut response = Response::builder().status(status);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = name.parse::<http::HeaderName>();
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_str(value)) {
            response = response.header(name, value);
        }
    }
    response.body(Bytes::copy_from_slice(body)).unwrap_or_default()
}

struct Script {
    script: Mutex<VecDeque<Response<Bytes>>>,
    /// Tokens are given by themselves.
    given: bool,
}

impl Outside for Script {
    fn send(
        &self,
        request: Request<Bytes>,
        _timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        if self.given && request.uri().path() == "/oauth/token" {
            let token = format!(r#"{{"access_token":"{CANARY}","expires_in":86400}}"#);
            return Box::pin(ready(Ok(Response::new(token.into()))));
        }
        let next = self.script.lock().expect("nobody panics with it").pop_front();
        let broken = || SendError::Broken { reason: "the script has ended".to_owned() };
        Box::pin(ready(next.ok_or_else(broken)))
    }

    fn connect<'a>(
        &'a self,
        _uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        let reason = "there are no channels here".to_owned();
        Box::pin(ready(Err(SendError::Unreachable { reason })))
    }
}

/// Asks, and returns all that could be told of the answer.
async fn ask(asked: &[u8], account: &Account) -> String {
    let api: &dyn Api = account;
    let channel = ChannelId::new("channel").expect("it fits");
    match asked {
        b"token" => told(account.start().await),
        b"create" => {
            let permit = api.permit(Class::Channel).await;
            told(notifications::create(api, permit).await)
        }
        b"list" => told(notifications::list(api).await),
        b"lives" => told(notifications::lives(api, &channel).await),
        b"subscribe" => {
            let topics = BTreeSet::from(["v2.users.u.conversations".to_owned()]);
            told(notifications::subscribe(api, &channel, &topics).await)
        }
        b"subscribed" => told(notifications::subscribed(api, &channel).await),
        b"unsubscribe" => told(notifications::unsubscribe(api, &channel).await),
        b"organization" => told(check_organization(api, Some("Example")).await),
        b"directory" => directory(api).await,
        b"patch" => write(api, Dialect::Patch).await,
        b"put" => write(api, Dialect::Put).await,
        _ => read(asked, api).await,
    }
}

async fn read(asked: &[u8], api: &dyn Api) -> String {
    let (class, conversation) = (Class::Recovery, ConversationId::new("c"));
    let whose = Whose { users: ["u".into()].into(), queues: ["q".into()].into() };
    let to = Timestamp::from_second(1_700_000_000).expect("it is a moment");
    let from = Timestamp::from_second(1_699_000_000).expect("it is a moment");
    match asked {
        b"participant" => {
            told(attributes::read(api, class, &conversation, &ParticipantId::new("p")).await)
        }
        b"user" => told(reading::user_conversations(api, class, &"u".into()).await),
        b"open" => told(reading::open_conversations(api, class, &whose, from, to).await),
        b"ended" => told(reading::ended_conversations(api, class, &whose, from, to).await),
        _ => match reading::conversation(api, class, &conversation).await {
            Ok(answer) => told(read_rest(&answer.body)),
            Err(error) => told(Err::<(), _>(error)),
        },
    }
}

async fn directory(api: &dyn Api) -> String {
    let wanted = NamesWanted {
        queues: ["Support".to_owned()].into(),
        users: ["Jane Doe".to_owned()].into(),
        listed: Listed::ALL.map(|of| (of, ListedWanted { shown: true, ..ListedWanted::default() })).into(),
    };
    let mut known = Known::default();
    let failed = refresh(api, &CONFIG.watch, &wanted, &mut known).await;
    let failed: String = failed.iter().map(ToString::to_string).collect();
    format!("{failed} {:?}", known.watching(&CONFIG.watch, &wanted))
}

async fn write(api: &dyn Api, dialect: Dialect) -> String {
    let lost = Lost { carried: Some("before".into()), value: Some("theirs".into()) };
    let wanted = Wanted {
        conversation: &ConversationId::new("c"),
        participant: &ParticipantId::new("p"),
        attributes: &BTreeMap::from([("cc.key".into(), "the value".into())]),
        lost: &BTreeMap::from([("their.key".into(), lost)]),
        status: Some("connected"),
    };
    let permit = api.permit(Class::Update).await;
    told(attributes::write(api, dialect, permit, wanted).await)
}

fn told<T: Debug, E: Debug + Display>(result: Result<T, E>) -> String {
    match result {
        Ok(found) => format!("{found:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}
