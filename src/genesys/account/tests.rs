//! The account against an outside that we play.

use std::sync::Mutex;

use http::{Method, Response};
use tokio::time::sleep;

use super::*;
use crate::config::{Client, Dialect, SecretSource, default};
use crate::genesys::call::CallError;
use crate::genesys::fake::{FakeOutside, logged, response};
use crate::genesys::outside::SendError;

/// Everything that must not be seen anywhere: the secret, the token, and `id:canary-s` in Base64.
const CANARIES: [&str; 3] = ["canary-s", "canary-t", "aWQ6Y2FuYXJ5"];

/// The outside: a login that gives `canary-t1`, `canary-t2`, …, and an API that answers by a script
/// and else accepts the newest token only.
#[derive(Default)]
struct World {
    tokens: Mutex<u32>,
    script: Mutex<Vec<Result<Response<Bytes>, SendError>>>,
    seen: Mutex<Vec<String>>,
}

impl World {
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        let mut tokens = self.tokens.lock().unwrap();
        if request.uri().path() == "/oauth/token" {
            *tokens += 1;
            return Ok(response(200, &format!(r#"{{"access_token":"canary-t{tokens}"}}"#)));
        }
        let header = |name| request.headers().get(name).map_or("", |v| v.to_str().unwrap());
        let line = format!(
            "{} {} {} {:?}",
            request.method(),
            request.uri(),
            header("content-type"),
            request.body()
        );
        self.seen.lock().unwrap().push(line);
        if let Some(next) = self.script.lock().unwrap().pop() {
            return next;
        }
        let good = header("authorization") == format!("Bearer canary-t{tokens}");
        Ok(response(if good { 200 } else { 401 }, ""))
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn account(world: &Arc<World>) -> (Arc<Account>, Arc<Counts>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "canary-s").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let genesys = Genesys {
        domain: "example".to_owned(),
        login_url: "https://login.example".to_owned(),
        api_url: "https://api.example".to_owned(),
        clients: vec![Client {
            name: None,
            id: "id".to_owned(),
            secret: SecretSource::File(file),
            requests_per_minute: None,
        }],
        organization: None,
        dialect: Dialect::Patch,
    };
    let theirs = Arc::clone(world);
    let answer = move |request: &Request<Bytes>| theirs.answer(request);
    let outside = Arc::new(FakeOutside { answer, latency: Duration::from_millis(100) });
    let counts = Arc::new(Counts::default());
    (Account::new(&genesys, &updates(), outside, Arc::clone(&counts)), counts, folder)
}

fn updates() -> Updates {
    Updates {
        workers: default::WORKERS,
        requests_per_second: default::REQUESTS_PER_SECOND,
        requests_per_minute: default::REQUESTS_PER_MINUTE,
        requests_per_month: None,
        max_age: default::MAX_AGE,
        max_pending: default::MAX_PENDING,
        allowed_keys: vec![default::ALLOWED_KEYS.to_owned()],
        dry_run: false,
        drain: default::DRAIN,
        confirm_after: default::CONFIRM_AFTER,
        merge_window: default::MERGE_WINDOW,
        after_end: default::AFTER_END,
        fight_key_writes: default::FIGHT_KEY_WRITES,
        fight_conversation_writes: default::FIGHT_CONVERSATION_WRITES,
        fight_window: default::FIGHT_WINDOW,
        warn_value_length: default::WARN_VALUE_LENGTH,
        max_value_length: default::MAX_VALUE_LENGTH,
    }
}

fn call(body: Option<&'static str>) -> Call {
    Call {
        class: Class::Update,
        operation: "test",
        method: if body.is_some() { Method::PATCH } else { Method::GET },
        path: "/api/v2/x?y=z".to_owned(),
        body: body.map(|body| Bytes::from_static(body.as_bytes())),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_made_once_with_all_it_needs() {
    let world = Arc::new(World::default());
    let (account, counts, _folder) = account(&world);
    account.start().await.unwrap();
    account.call(call(None)).await.unwrap();
    account.call(call(Some("{}"))).await.unwrap();
    assert_eq!(
        world.seen(),
        [
            r#"GET https://api.example/api/v2/x?y=z  b"""#,
            r#"PATCH https://api.example/api/v2/x?y=z application/json b"{}""#
        ]
    );
    assert_eq!(counts.requests()[&("test", 200)], 2);
    assert_eq!(counts.requests()[&("token", 200)], 1);
    assert_eq!(account.usage().used, 3, "the token counts, too");
}

#[tokio::test(start_paused = true)]
async fn two_401s_make_one_renewal() {
    let world = Arc::new(World::default());
    let (account, counts, _folder) = account(&world);
    account.call(call(None)).await.unwrap();
    // Somebody has asked for a token elsewhere, and so ours is void.
    *world.tokens.lock().unwrap() += 1;
    let (one, other) = tokio::join!(account.call(call(None)), account.call(call(None)));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(*world.tokens.lock().unwrap(), 3);
    assert_eq!(counts.requests()[&("token", 200)], 2);
    assert_eq!(counts.requests()[&("test", 401)], 2);

    // A frame on each channel tells of the same revocation, a little later.
    for _ in 0..2 {
        account.token_revoked();
        account.call(call(None)).await.unwrap();
        assert_eq!(*world.tokens.lock().unwrap(), 3);
        sleep(Duration::from_secs(4)).await;
    }
    // This is of another one.
    sleep(Duration::from_secs(10)).await;
    for _ in 0..2 {
        account.token_revoked();
        account.call(call(None)).await.unwrap();
        assert_eq!(*world.tokens.lock().unwrap(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_401_that_stays_is_told_and_asks_for_no_more_tokens() {
    let world = Arc::new(World::default());
    let (account, _, _folder) = account(&world);
    let refused = || Ok(response(401, r#"{"code":"ip.not.authorized"}"#));
    *world.script.lock().unwrap() = (0..4).map(|_| refused()).collect();
    for _ in 0..3 {
        let error = account.call(call(None)).await.unwrap_err();
        assert!(matches!(&error, CallError::Unauthorized(_)), "{error}");
    }
    assert_eq!(world.seen().len(), 4);
    assert_eq!(*world.tokens.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_429_rests_the_account() {
    let world = Arc::new(World::default());
    let (account, counts, _folder) = account(&world);
    let mut throttled = response(429, r#"{"code":"too.many.requests.retry.after"}"#);
    throttled.headers_mut().insert("retry-after", HeaderValue::from_static("17"));
    *world.script.lock().unwrap() = vec![Ok(throttled)];
    let error = account.call(call(None)).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled(_, rest) if rest.as_secs() == 17), "{error}");
    assert_eq!((counts.throttled.get(), account.usage().resting_for.unwrap().as_secs()), (1, 17));
    let start = Instant::now();
    account.call(call(None)).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 17);
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_begins_while_a_token_is_asked_for_is_kept() {
    let world = Arc::new(World::default());
    let (account, _, _folder) = account(&world);
    account.call(call(None)).await.unwrap();
    let mut throttled = response(429, "{}");
    throttled.headers_mut().insert("retry-after", HeaderValue::from_static("17"));
    *world.script.lock().unwrap() = vec![Ok(throttled)];
    let start = Instant::now();
    let other = async {
        // Its token is gone, and the other's answer comes before there is a new one.
        sleep(Duration::from_millis(50)).await;
        account.token_revoked();
        account.call(call(None)).await.unwrap();
        start.elapsed()
    };
    let (refused, took) = tokio::join!(account.call(call(None)), other);
    assert!(matches!(refused, Err(CallError::Throttled(..))));
    assert!(took >= Duration::from_secs(17), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn leave_for_an_update_comes_with_a_token() {
    let world = Arc::new(World::default());
    let (account, _, folder) = account(&world);
    let begun = Instant::now();
    let permit = account.permit(Class::Update).await;
    assert_eq!((begun.elapsed().as_millis(), account.usage().used), (100, 2));
    let answer = account.call_with(permit, call(Some("{}"))).await;
    assert!(answer.is_ok() && begun.elapsed().as_millis() == 200, "no wait between the two");
    // Where there is none the call says why.
    std::fs::remove_file(folder.path().join("secret")).unwrap();
    account.token_revoked();
    let permit = account.permit(Class::Update).await;
    let answer = account.call_with(permit, call(Some("{}"))).await;
    assert!(matches!(answer, Err(CallError::NoToken(_))), "{answer:?}");
    assert_eq!(account.usage().used, 2);
}

#[tokio::test(start_paused = true)]
async fn the_servers_count_is_noted() {
    let world = Arc::new(World::default());
    let (account, _, _folder) = account(&world);
    let mut answer = response(200, "");
    for (name, value) in [("count", "120"), ("allowed", "180"), ("reset", "40")] {
        let name = http::HeaderName::try_from(format!("inin-ratelimit-{name}")).unwrap();
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    *world.script.lock().unwrap() = vec![Ok(answer)];
    account.call(call(None)).await.unwrap();
    let usage = account.usage();
    assert_eq!((usage.used, usage.allowed), (120, 180));
    assert_eq!(usage.window_ends_in.unwrap().as_secs(), 41);
}

#[tokio::test(start_paused = true)]
async fn leave_that_was_of_no_use_is_given_back() {
    let world = Arc::new(World::default());
    let (account, counts, folder) = account(&world);
    std::fs::remove_file(folder.path().join("secret")).unwrap();
    for _ in 0..400 {
        assert!(account.call(call(None)).await.is_err());
    }
    assert_eq!((account.usage().used, counts.requests().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn values_that_would_have_to_wait_for_the_second_try_are_given_back() {
    let world = Arc::new(World::default());
    let (account, _, _folder) = account(&world);
    account.start().await.unwrap();
    let refused_and_resting = async |body| {
        *world.tokens.lock().unwrap() += 1;
        let rest = async {
            sleep(Duration::from_millis(50)).await;
            account.pacer.throttled(Some(Duration::from_secs(20)), None);
        };
        let (answer, ()) = tokio::join!(account.call(call(body)), rest);
        (answer, world.seen().len())
    };
    let (update, requests) = refused_and_resting(Some("{}")).await;
    assert!(matches!(update, Err(CallError::NoToken(_))), "{update:?}");
    assert_eq!(requests, 1, "the values are not sent again");
    account.call(call(Some("{}"))).await.unwrap();
    assert_eq!(world.seen().len(), 1);
    let (read, requests) = refused_and_resting(None).await;
    assert!(read.is_ok(), "a question stays the same: {read:?}");
    assert_eq!(requests, 2);
}

#[tokio::test(start_paused = true)]
async fn secrets_show_nowhere() {
    let (log, _guard) = logged();
    let world = Arc::new(World::default());
    let (account, _, folder) = account(&world);
    let mut told = format!("{:?}", account.tokens.get().await);
    let broken = SendError::Broken { reason: "reset".to_owned() };
    let late = SendError::TimedOut { limit: TIMEOUT };
    let answers = [
        Err(broken),
        Err(late),
        Ok(response(401, "")),
        Ok(response(401, "")),
        Ok(response(429, "")),
        Ok(response(502, "<html>")),
    ];
    *world.script.lock().unwrap() = answers.into_iter().rev().collect();
    while !world.script.lock().unwrap().is_empty() {
        let error = account.call(call(Some("{}"))).await.unwrap_err();
        told += &format!("{error} {error:?}\n");
    }
    std::fs::write(folder.path().join("secret"), "").unwrap();
    account.token_revoked();
    told += &format!("{:?}", account.call(call(None)).await);
    told += &log.text();
    assert!(told.contains("answered"), "the log is looked at: {told}");
    for canary in CANARIES {
        assert!(!told.contains(canary), "{canary}: {told}");
    }
}
