//! Tokens against a login that we play.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use http::Request;
use tempfile::TempDir;

use super::*;
use crate::config::{Client, Dialect, SecretSource};
use crate::genesys::fake::{FakeOutside, logged, response};
use crate::genesys::outside::SendError;
use crate::genesys::pacer::Settings;

const REFUSED: &str = r#"{"error":"invalid_client","description":"authentication failed"}"#;

/// A login that gives `token-1`, `token-2`, … to whoever knows `wanted`.
#[derive(Default)]
struct Login {
    wanted: Mutex<String>,
    /// Instead, as often as there are any.
    script: Mutex<Vec<Result<(u16, String), SendError>>>,
    asked: Mutex<u32>,
    life: u64,
}

impl Login {
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        if let Some(next) = self.script.lock().unwrap().pop() {
            return next.map(|(status, body)| response(status, &body));
        }
        assert_eq!(request.uri(), "https://login.example/oauth/token");
        assert_eq!(request.body(), "grant_type=client_credentials");
        let wanted = format!("id:{}", self.wanted.lock().unwrap());
        let wanted = crate::genesys::http::basic(wanted.as_bytes());
        if request.headers().get("authorization") != wanted.as_ref() {
            return Ok(response(400, REFUSED));
        }
        let life = self.life;
        Ok(response(200, &format!(r#"{{"access_token":"token-{number}","expires_in":{life}}}"#)))
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }
}

fn set_mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

struct World {
    login: Arc<Login>,
    tokens: Tokens,
    file: PathBuf,
    _folder: TempDir,
}

fn world(life: u64, script: Vec<Result<(u16, String), SendError>>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client-secret");
    std::fs::write(&file, "s3cret\n").unwrap();
    set_mode(&file, 0o600);
    let login = Arc::new(Login {
        wanted: Mutex::new("s3cret".to_owned()),
        script: Mutex::new(script),
        life,
        ..Login::default()
    });
    let config = Genesys {
        domain: "example".to_owned(),
        login_url: "https://login.example".to_owned(),
        api_url: "https://api.example".to_owned(),
        clients: vec![Client {
            name: None,
            id: "id".to_owned(),
            secret: SecretSource::File(file.clone()),
            requests_per_minute: None,
        }],
        organization: None,
        dialect: Dialect::Patch,
    };
    let theirs = Arc::clone(&login);
    let answer = move |request: &Request<Bytes>| theirs.answer(request);
    let outside = Arc::new(FakeOutside { answer, latency: Duration::from_millis(100) });
    let number = |n| std::num::NonZeroU32::new(n).unwrap();
    let (requests_per_second, requests_per_minute) = (number(20), number(300));
    let pacer = Arc::new(Pacer::new(Settings { requests_per_second, requests_per_minute }));
    let tokens =
        Tokens::new(&config, &config.clients[0], outside, pacer, Arc::new(Counts::default()));
    World { login, tokens, file, _folder: folder }
}

fn text(token: &Token) -> String {
    token.authorization().to_str().unwrap().to_owned()
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn one_asks_for_all() {
    let world = world(86_399, Vec::new());
    let results = futures::future::join_all((0..10).map(|_| world.tokens.get())).await;
    assert!(results.into_iter().all(|token| text(&token.unwrap()) == "Bearer token-1"));
    assert_eq!(world.login.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_share_a_failure_too_and_a_dropped_one_passes_its_turn_on() {
    let broken = || Err(SendError::Broken { reason: "reset".to_owned() });
    let world = world(86_399, vec![broken()]);
    let results = futures::future::join_all((0..10).map(|_| world.tokens.get())).await;
    for result in results {
        let error = result.unwrap_err().to_string();
        assert_eq!(error, "no token: https://login.example: the connection broke: reset");
    }
    // Asked again a moment later: the same answer, and no request.
    assert!(world.tokens.get().await.is_err());
    assert_eq!(world.login.asked(), 1);
    seconds(3).await;
    let limit = Duration::from_millis(50);
    let (dropped, token) =
        tokio::join!(tokio::time::timeout(limit, world.tokens.get()), world.tokens.get());
    assert!(dropped.is_err());
    assert_eq!(text(&token.unwrap()), "Bearer token-2");
}

#[tokio::test(start_paused = true)]
async fn renewed_before_its_end_and_kept_when_that_fails() {
    let world = world(86_399, Vec::new());
    let first = world.tokens.get().await.unwrap();
    seconds(86_399 - 302).await;
    world.tokens.renew_in_time().await.unwrap();
    assert_eq!(text(&world.tokens.get().await.unwrap()), text(&first));
    assert_eq!(world.login.asked(), 1);
    let unavailable = || Ok((503, "<html>".to_owned()));
    world.login.script.lock().unwrap().extend([unavailable(), unavailable(), unavailable()]);
    seconds(3).await;
    // It is asked for in vain; nobody else waits for it.
    let begun = Instant::now();
    let other = async {
        let token = world.tokens.get().await;
        (text(&token.unwrap()), begun.elapsed())
    };
    let (kept, other) = tokio::join!(world.tokens.renew_in_time(), other);
    assert_eq!((kept.is_ok(), other), (true, (text(&first), Duration::ZERO)));
    assert_eq!(world.login.asked(), 2);
    world.tokens.renew_in_time().await.unwrap();
    assert_eq!(world.login.asked(), 2, "not tried again at once");
    seconds(21).await;
    world.tokens.renew_in_time().await.unwrap();
    assert_eq!(world.login.asked(), 3);
    seconds(302).await;
    let error = world.tokens.get().await.unwrap_err();
    assert!(matches!(&error, CallError::NoToken(text) if text.contains("503")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_short_life_has_a_short_margin() {
    for (life, margin) in [(300, 30), (10, 1), (0, 0), (u64::MAX, 300)] {
        let world = world(life, Vec::new());
        let token = world.tokens.get().await.unwrap();
        let left = token.0.ends_at - token.0.renew_at;
        assert_eq!(left.as_secs(), margin, "{life}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_read_again_before_a_refusal_is_believed() {
    let world = world(600, Vec::new());
    let rotate = |secret: &str| std::fs::write(&world.file, secret).unwrap();
    // Rotated between our reading it and their looking at it.
    let looked = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        "n3w".clone_into(&mut world.login.wanted.lock().unwrap());
        rotate("n3w");
    };
    let (token, ()) = tokio::join!(world.tokens.get(), looked);
    assert_eq!(text(&token.unwrap()), "Bearer token-2");
    // Rotated for good: one question, and what to check.
    "n3wer".clone_into(&mut world.login.wanted.lock().unwrap());
    world.tokens.revoked();
    let error = world.tokens.get().await.unwrap_err();
    let error = error.to_string().replace(&world.file.display().to_string(), "FILE");
    expect_test::expect!["the credentials are refused: invalid_client: authentication failed; check genesys.client_id, the secret (FILE), that genesys.region (example) is the organisation's, and that the client's grant type is Client Credentials"].assert_eq(&error);
    assert_eq!(world.login.asked(), 3);
    rotate("n3wer");
    seconds(3).await;
    assert_eq!(text(&world.tokens.get().await.unwrap()), "Bearer token-4");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_missing_is_the_end_at_the_start_only() {
    let lost = |error: CallError| error.to_string().contains("No such file");
    let world = world(600, Vec::new());
    std::fs::remove_file(&world.file).unwrap();
    let error = world.tokens.get().await.unwrap_err();
    assert!(matches!(error, CallError::Credentials(_)) && lost(error));
    std::fs::write(&world.file, "s3cret").unwrap();
    set_mode(&world.file, 0o600);
    seconds(3).await;
    world.tokens.get().await.unwrap();
    // Removed and not written yet: somebody is replacing it.
    std::fs::remove_file(&world.file).unwrap();
    world.tokens.revoked();
    let error = world.tokens.get().await.unwrap_err();
    assert!(matches!(error, CallError::NoToken(_)) && lost(error));
    std::fs::write(&world.file, "s3cret").unwrap();
    set_mode(&world.file, 0o600);
    seconds(3).await;
    world.tokens.get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_login_says_becomes_what_to_do() {
    let table = [
        (400, REFUSED),
        (400, r#"{"error":"unauthorized_client"}"#),
        (400, r#"{"error":"invalid_request","description":"token-1"}"#),
        (400, "not json"),
        (401, ""),
        (404, "<html><title>Not Found</title>"),
        (429, "{}"),
        (502, "<html><title>Bad Gateway</title>"),
        (200, ""),
        (200, r#"{"access_token":"","expires_in":60}"#),
        (200, r#"{"access_token":"a\nb","expires_in":60}"#),
        (200, r#"{"access_token":"a","expires_in":-1}"#),
    ];
    let mut told = Vec::new();
    for (status, body) in table {
        let world = world(600, vec![Ok((status, body.to_owned()))]);
        let error = world.tokens.get().await.unwrap_err().to_string();
        let error = error.split("; check").next().unwrap().to_owned();
        told.push(format!("{status}: {error}"));
    }
    expect_test::expect![[r#"
        400: the credentials are refused: invalid_client: authentication failed
        400: the credentials are refused: unauthorized_client
        400: no token: https://login.example answered 400 invalid_request: token-1
        400: no token: https://login.example: token answered 400: not json
        401: the credentials are refused: the login answered 401
        404: no token: https://login.example: token answered 404: Not Found
        429: no token: https://login.example: token answered 429; the account rests for 5 s
        502: no token: https://login.example: token answered 502: Bad Gateway
        200: no token: https://login.example: no access_token in the answer
        200: no token: https://login.example: no usable access_token in the answer
        200: no token: https://login.example: no usable access_token in the answer
        200: no token: https://login.example: no access_token in the answer"#]]
    .assert_eq(&told.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once() {
    let world = world(600, Vec::new());
    let token = world.tokens.get().await.unwrap();
    token.was_accepted();
    assert!(world.tokens.refused(&token) && world.tokens.refused(&token));
    let second = world.tokens.get().await.unwrap();
    assert!(world.tokens.refused(&token), "the old one, from a slower call");
    assert_eq!(text(&world.tokens.get().await.unwrap()), text(&second));
    // The second is refused before anything accepted it, and so is the third: it is not the token.
    assert!(world.tokens.refused(&second));
    let third = world.tokens.get().await.unwrap();
    assert!(!world.tokens.refused(&third));
    assert_eq!(text(&world.tokens.get().await.unwrap()), text(&third));
    assert_eq!(world.login.asked(), 3);
    seconds(31).await;
    assert!(world.tokens.refused(&third), "now and then one may try");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lasts_is_logged_once_a_minute() {
    let failures = (0..40).map(|_| Ok((503, String::new()))).collect();
    let world = world(600, failures);
    let (log, _guard) = logged();
    for _ in 0..45 {
        // Until it works again, and on.
        world.tokens.get().await.ok();
        seconds(3).await;
    }
    let log = log.text();
    assert_eq!(log.matches("no token could be obtained").count(), 2, "{log}");
    assert_eq!(log.matches("a token was obtained again").count(), 1, "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_everybody_can_read_is_not_used() {
    let world = world(600, Vec::new());
    let mode = |mode| set_mode(&world.file, mode);
    mode(0o640);
    world.tokens.get().await.unwrap();
    mode(0o644);
    world.tokens.revoked();
    let error = world.tokens.get().await.unwrap_err().to_string();
    assert!(error.contains("every user of this machine can read it; chmod 0400 it"), "{error}");
    mode(0o400);
    seconds(60).await;
    world.tokens.get().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_login_that_quotes_the_secret_is_not_quoted() {
    let said = r#"{"error":"x","description":"not s3cret, nor aWQ6czNjcmV0"}"#;
    let world = world(600, vec![Ok((503, said.to_owned()))]);
    let error = world.tokens.get().await.unwrap_err().to_string();
    assert!(error.ends_with("answered 503 x: not …, nor …"), "{error}");
}
