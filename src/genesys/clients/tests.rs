//! Several clients against an outside that we play, in paused time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use expect_test::{Expect, expect};
use http::{Method, Request, Response};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{Client, Dialect, SecretSource};
use crate::genesys::fake::{FakeOutside, logged, response};
use crate::genesys::organization::OrganizationError;
use crate::genesys::outside::SendError;
use crate::status::pulse::Pulse;

/// How each client is answered: by the login, and by the API for each path.
#[derive(Default)]
struct World {
    logins: Mutex<BTreeMap<String, u16>>,
    answers: Mutex<BTreeMap<(String, String), u16>>,
    organizations: Mutex<BTreeMap<String, String>>,
    /// `client METHOD path status`, without the logins.
    seen: Mutex<Vec<String>>,
}

impl World {
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        let authorization = request.headers()["authorization"].to_str().unwrap();
        if request.uri().path() == "/oauth/token" {
            let client = match authorization {
                "Basic YTpz" => "a",
                "Basic YjpzMg==" => "b",
                other => panic!("{other}"),
            };
            return Ok(match self.logins.lock().unwrap().get(client).copied().unwrap_or(200) {
                200 => response(200, &format!(r#"{{"access_token":"t-{client}"}}"#)),
                status => response(status, r#"{"error":"invalid_client","description":"no"}"#),
            });
        }
        let client = authorization.strip_prefix("Bearer t-").unwrap().to_owned();
        let path = request.uri().path().to_owned();
        let status = self.answers.lock().unwrap().get(&(client.clone(), path.clone())).copied();
        let status = status.unwrap_or(200);
        self.seen.lock().unwrap().push(format!("{client} {} {path} {status}", request.method()));
        let organization = self.organizations.lock().unwrap().get(&client).cloned();
        let organization = organization.unwrap_or_else(|| "o".to_owned());
        let body = format!(r#"{{"organization":{{"id":"{organization}","name":"Example"}}}}"#);
        let mut response = response(status, &body);
        if status == 429 {
            response.headers_mut().insert("retry-after", 17.into());
        }
        Ok(response)
    }

    fn login(&self, client: &str, status: u16) {
        self.logins.lock().unwrap().insert(client.to_owned(), status);
    }

    fn answers(&self, client: &str, path: &str, status: u16) {
        self.answers.lock().unwrap().insert((client.to_owned(), path.to_owned()), status);
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

struct Scene {
    world: Arc<World>,
    clients: Arc<Clients>,
    _folder: tempfile::TempDir,
}

/// Clients `a`, with 10 requests a minute, and `b`, called `second`, with 20.
fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let client = |(id, name, secret, budget): (&str, &str, &str, u32)| {
        let file = folder.path().join(id);
        std::fs::write(&file, secret).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        Client {
            name: Some(name.to_owned()),
            id: id.to_owned(),
            secret: SecretSource::File(file),
            requests_per_minute: NonZeroU32::new(budget),
        }
    };
    let genesys = Genesys {
        domain: "example".to_owned(),
        login_url: "https://login.example".to_owned(),
        api_url: "https://api.example".to_owned(),
        clients: [("a", "a", "s", 10), ("b", "second", "s2", 20)].map(client).to_vec(),
        organization: None,
        dialect: Dialect::Patch,
    };
    let world = Arc::new(World::default());
    let theirs = Arc::clone(&world);
    let answer = move |request: &Request<Bytes>| theirs.answer(request);
    let outside = Arc::new(FakeOutside { answer, latency: Duration::from_millis(100) });
    let clients = Clients::new(&genesys, &updates(), outside, Arc::new(Counts::default()));
    Scene { world, clients, _folder: folder }
}

fn updates() -> Updates {
    let text = "[genesys]\nregion='mypurecloud.de'\nclient_id='c'\nclient_secret_file='s'\n\
                [watch]\nall_users=true\n";
    let parsed = crate::config::Config::parse("x".as_ref(), text, &|_| None);
    parsed.unwrap().0.updates
}

fn patch(path: &str) -> Call {
    Call {
        class: Class::Update,
        operation: "patch_attributes",
        method: Method::PATCH,
        path: path.to_owned(),
        body: None,
    }
}

impl Scene {
    async fn call(&self) -> Result<Answer, CallError> {
        self.clients.call(patch("/x")).await
    }

    /// Makes so many calls; who answered them, each as `client status`.
    async fn who(&self, calls: usize) -> String {
        self.world.seen();
        for _ in 0..calls {
            let _refused = self.call().await.is_err();
        }
        let short = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            format!("{}{}", words[0], if words[3] == "200" { "" } else { words[3] })
        };
        self.world.seen().iter().map(short).collect::<Vec<_>>().join(" ")
    }

    /// Does this while the loop runs that keeps the clients up.
    async fn while_kept_up(&self, act: impl Future<Output = ()>) {
        let (pulse, stop) = (Pulse::default(), CancellationToken::new());
        let work = Arc::clone(&self.clients).keep_up(stop.clone(), pulse.add("clients"));
        let act = async {
            act.await;
            stop.cancel();
        };
        tokio::join!(work, act);
    }

    fn check(&self, expected: Expect) {
        expected.assert_eq(&self.clients.troubles().join("\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_are_shared_out_and_the_budgets_add_up() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    assert_eq!(scene.who(4).await, "a b a b");
    assert_eq!(scene.clients.usage().allowed, 30);
    assert_eq!(scene.clients.usage().used, 6, "two tokens and four calls");
    // When the one budget is used up, the other goes on.
    let begun = Instant::now();
    let who = scene.who(18).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(who.ends_with("b b b b"), "{who}");
    assert_eq!(who.matches('a').count() + 2 + 1, 8, "two of ten are kept for tokens and channels");
    let usages = scene.clients.usages();
    assert_eq!((usages[0].0.as_str(), usages[1].0.as_str()), ("a", "second"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_hands_its_work_on_and_comes_back() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    let (log, _guard) = logged();
    let act = async {
        let mut standings = scene.clients.standings();
        scene.world.login("a", 400);
        scene.clients.token_revoked(0);
        // Meanwhile calls succeed all the same.
        for _ in 0..4 {
            scene.call().await.unwrap();
        }
        standings.changed().await.unwrap();
        assert_eq!(*standings.borrow_and_update(), [Standing::Refused, Standing::Well]);
        assert_eq!(scene.who(3).await, "b b b");
        assert_eq!(scene.clients.usage().allowed, 20);
        assert!(scene.clients.troubles()[0].starts_with("client a REFUSED (invalid_client: no;"));
        // It is tried once a minute, and by nobody else.
        tokio::time::sleep(Duration::from_secs(90)).await;
        scene.world.login("a", 200);
        assert_eq!(scene.world.seen(), Vec::<String>::new());
        standings.changed().await.unwrap();
        assert_eq!(*standings.borrow_and_update(), [Standing::Well, Standing::Well]);
        assert_eq!(scene.world.seen(), ["a GET /api/v2/tokens/me 200"]);
        assert!(scene.who(4).await.contains('a'));
        scene.check(expect![[""]]);
    };
    scene.while_kept_up(act).await;
    let log = log.text();
    for told in ["client=\"a\" error=the credentials", "the client works again"] {
        assert!(log.contains(told), "{told}: {log}");
    }
    assert!(!log.contains("s2") && !log.contains("t-b"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gets_its_token_late_is_asked_while_the_other_has_no_budget() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    let act = async {
        scene.world.login("b", 503);
        scene.clients.token_revoked(1);
        assert_eq!(scene.who(7).await, "a a a a a a a", "all that it may");
        let begun = Instant::now();
        let better = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            scene.world.login("b", 200);
            // Whoever keeps the tokens gets one.
            tokio::time::sleep(Duration::from_secs(30)).await;
        };
        let (answer, ()) = tokio::join!(scene.call(), better);
        assert!(answer.is_ok() && begun.elapsed() < Duration::from_secs(40));
        assert_eq!(scene.world.seen(), ["b PATCH /x 200"]);
    };
    scene.while_kept_up(act).await;
}

#[tokio::test(start_paused = true)]
async fn the_next_token_is_there_before_the_last_one_ends() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    let act = async {
        // Many lives of a token.
        tokio::time::sleep(Duration::from_secs(3 * 86_400)).await;
        let begun = Instant::now();
        scene.call().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_millis(100), "the call's own");
    };
    scene.while_kept_up(act).await;
}

#[tokio::test(start_paused = true)]
async fn only_when_all_are_refused_the_credentials_are() {
    let scene = scene();
    scene.world.login("a", 400);
    scene.clients.start().await.unwrap();
    assert_eq!(scene.who(2).await, "b b");
    scene.world.login("b", 400);
    scene.clients.token_revoked(1);
    let error = scene.call().await.unwrap_err();
    assert!(
        matches!(&error, CallError::Credentials(all) if all.contains("a: ") && all.contains("second: ")),
        "{error}"
    );

    let scene = self::scene();
    scene.world.login("a", 400);
    scene.world.login("b", 400);
    assert!(matches!(scene.clients.start().await, Err(CallError::Credentials(_))));
    // One that cannot be asked for now may still have good ones.
    let scene = self::scene();
    scene.world.login("a", 400);
    scene.world.login("b", 503);
    assert!(matches!(scene.clients.start().await, Err(CallError::NoToken(_))));
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_to_one_the_other_does() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    scene.world.answers("a", "/x", 403);
    // After three it is not asked any more, for a minute.
    let who = scene.who(9).await;
    assert_eq!(who.matches("a403").count(), 3, "{who}");
    assert_eq!(who.replace("a403", "").split_whitespace().count(), 9);
    scene.check(expect![[""]]);
    // Forbidden to both: that is the answer, and nobody is refused altogether.
    scene.world.answers("b", "/x", 403);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(matches!(scene.call().await, Err(CallError::Forbidden(_))));
    // The one that works says no, the other has no credentials: it is a no to the call.
    scene.world.login("a", 400);
    scene.clients.token_revoked(0);
    tokio::time::sleep(Duration::from_secs(61)).await;
    for _ in 0..4 {
        assert!(matches!(scene.call().await, Err(CallError::Forbidden(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_throttled_rests_alone() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    scene.world.answers("a", "/x", 429);
    let Err(CallError::Throttled(_, rest)) = scene.call().await else { panic!() };
    // The other may be asked at once.
    scene.world.answers("a", "/x", 200);
    assert_eq!(scene.clients.usage().resting_for, None);
    assert_eq!(rest, Duration::ZERO);
    assert_eq!(scene.who(3).await, "b b b");
    scene.check(expect!["client a rests for 16 s (429)"]);
    tokio::time::sleep(Duration::from_secs(17)).await;
    assert!(scene.who(2).await.contains('a'));
}

#[tokio::test(start_paused = true)]
async fn all_belong_to_one_organization() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    scene.clients.check_organization(None).await.unwrap();
    scene.clients.check_organization(Some("example")).await.unwrap();
    assert_eq!(scene.world.seen().len(), 4);
    let other = self::scene();
    other.world.organizations.lock().unwrap().insert("b".to_owned(), "p".to_owned());
    other.clients.start().await.unwrap();
    let error = other.clients.check_organization(None).await.unwrap_err();
    assert!(matches!(&error, OrganizationError::Other { found, .. } if found.id == "p"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_a_clients_own_goes_by_it_alone() {
    let scene = scene();
    scene.clients.start().await.unwrap();
    let bound = scene.clients.bound();
    for _ in 0..3 {
        bound[1].api.call(patch("/x")).await.unwrap();
    }
    assert_eq!(scene.world.seen(), ["b PATCH /x 200"; 3]);
    scene.world.login("b", 400);
    scene.clients.token_revoked(1);
    assert!(matches!(bound[1].api.call(patch("/x")).await, Err(CallError::Credentials(_))));
    assert_eq!(scene.clients.standings().borrow()[1], Standing::Refused);
}
