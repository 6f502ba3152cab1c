//! Gaps in, look-ups and queries out: what is asked for, in which order, and what is done about
//! refusals. The pipeline is played by the test.

use std::collections::BTreeSet;
use std::sync::Mutex;

use expect_test::{Expect, expect};
use futures::future::BoxFuture;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::app::pipeline::{Found, Which};
use crate::config::Dialect;
use crate::events::topic::Topic;
use crate::genesys::call::{Answer, Api, Call, CallError, Class, Permit, Refusal};
use crate::genesys::{ConversationId, QueueId, UserId};
use crate::status::pulse::Pulse;

const LAG: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(600);

/// Answers queries by a script of conversation ids, or of a status that says no.
#[derive(Default)]
struct Answers {
    script: Mutex<VecDeque<Result<Vec<&'static str>, u16>>>,
    asked: Mutex<Vec<String>>,
}

impl Api for Answers {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        assert_eq!(class, Class::Recovery);
        Box::pin(std::future::ready(Permit::of(class)))
    }

    fn call_with(&self, _: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        let body: Value =
            call.body.map_or(Value::Null, |body| serde_json::from_slice(&body).unwrap());
        let end = &body["conversationFilters"][0]["predicates"][0]["operator"];
        let whose = body["segmentFilters"][0]["predicates"].as_array().map_or(0, Vec::len);
        let asked = match end.as_str() {
            Some(end) => format!("{end} of {whose}"),
            None => call.path,
        };
        self.asked.lock().unwrap().push(asked);
        let next = self.script.lock().unwrap().pop_front().expect("one question too many");
        Box::pin(std::future::ready(match next {
            Ok(ids) => Ok(Answer {
                status: StatusCode::OK,
                correlation_id: None,
                date: None,
                body: found(&ids).to_string().into(),
            }),
            Err(403) => Err(CallError::Forbidden(Refusal { status: 403, ..Refusal::default() })),
            Err(status) => Err(CallError::Unavailable(Refusal { status, ..Refusal::default() })),
        }))
    }
}

/// All of them ended in the tenth second of the gaps below.
fn found(ids: &[&str]) -> Value {
    let one =
        |id: &&str| json!({ "conversationId": id, "conversationEnd": "2026-11-20T10:00:10Z" });
    json!({ "conversations": ids.iter().map(one).collect::<Vec<_>>() })
}

struct Scene {
    gaps: mpsc::Sender<Gap>,
    look_ups: mpsc::Receiver<LookUp>,
    answers: Arc<Answers>,
    counts: Arc<Counts>,
    open: watch::Receiver<usize>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    told: String,
}

impl Scene {
    fn new(dialect: Dialect, script: Vec<Result<Vec<&'static str>, u16>>) -> Scene {
        let (gaps, gaps_receiver) = mpsc::channel(16);
        let (look_ups_sender, look_ups) = mpsc::channel(1);
        let answers = Arc::new(Answers { script: Mutex::new(script.into()), ..Answers::default() });
        let counts = Arc::new(Counts::default());
        let settings = config::Recovery { lookback: Duration::from_hours(24), index_lag: LAG };
        let search = Search {
            api: Arc::clone(&answers) as Arc<dyn Api>,
            look_ups: look_ups_sender,
            settings: settings.clone(),
            dialect,
            requests_per_minute: 300,
        };
        let (open, open_receiver) = watch::channel(1);
        let recovery = Recovery::new(Joints {
            gaps: gaps_receiver,
            open,
            search: Arc::new(search),
            settings,
            counts: Arc::clone(&counts),
            beat: Pulse::default().add("recovery"),
        });
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(recovery.run(stop.clone()));
        Scene {
            gaps,
            look_ups,
            answers,
            counts,
            open: open_receiver,
            stop,
            tasks,
            told: String::new(),
        }
    }

    async fn open(&self, since: Option<&str>, topics: Vec<Topic>) {
        let until: Timestamp = "2026-11-20T10:00:30Z".parse().unwrap();
        let since = since.map(|since| since.parse().unwrap());
        let topics = topics.into_iter().collect();
        self.gaps.send(Gap { since, until, closed: Instant::now(), topics }).await.unwrap();
    }

    /// The next look-up, answered as if these conversations were known; what is to be read has changed.
    async fn look(&mut self, known: &[&str]) {
        let LookUp { which, done } =
            timeout(PATIENCE, self.look_ups.recv()).await.unwrap().unwrap();
        let (what, conversations, changed) = match which {
            Which::KnownOf(topics) => (
                format!("known of {} topics", topics.len()),
                known.iter().map(|id| ConversationId::from(*id)).collect(),
                0,
            ),
            Which::These(ids, _) => {
                let names: Vec<&str> = ids.iter().map(ConversationId::as_str).collect();
                (format!("read {}", names.join(" ")), ids.clone(), ids.len())
            }
        };
        self.told += &format!("{what}\n");
        done.send(Found { conversations, changed, ..Found::default() }).unwrap();
    }

    /// Everything is done, and the loop stopped.
    async fn end(mut self, closed: u64, expected: Expect) {
        let done = async {
            while self.counts.gaps_closed.get() < closed {
                sleep(Duration::from_secs(1)).await;
            }
        };
        timeout(PATIENCE, done).await.unwrap();
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
        let asked = self.answers.asked.lock().unwrap().join("\n");
        expected.assert_eq(&format!("{}{asked}\n", self.told));
        assert!(self.answers.script.lock().unwrap().is_empty());
    }
}

fn users(names: &[&str]) -> Vec<Topic> {
    names.iter().map(|name| Topic::User(UserId::new(name))).collect()
}

#[tokio::test(start_paused = true)]
async fn the_known_are_read_then_the_open_and_the_index_is_asked_again() {
    let script = vec![Ok(vec!["a", "b", "c"]), Ok(vec!["a", "d"]), Ok(vec!["x", "y"])];
    let mut scene = Scene::new(Dialect::Patch, script);
    sleep(IDLE_BEAT * 2).await;
    assert_eq!(*scene.open.borrow(), 1, "the start is a gap, although nothing is known of it yet");
    let begun = Instant::now();
    let mut topics = users(&["u1", "u2"]);
    topics.push(Topic::Queue(QueueId::new("q")));
    scene.open(Some("2026-11-20T10:00:00Z"), topics).await;
    scene.look(&["a"]).await;
    for _ in ["a", "b c"] {
        scene.look(&[]).await;
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    sleep(LAG / 2).await;
    assert_eq!(*scene.open.borrow(), 0, "only the index is waited for");
    scene.look(&[]).await;
    assert_eq!(begun.elapsed(), LAG);
    let counts = Arc::clone(&scene.counts);
    assert_eq!((counts.gap_conversations.get(), counts.gap_changed.get()), (3, 3));
    scene
        .end(
            1,
            expect![[r#"
                known of 3 topics
                read a
                read b c
                read a d
                notExists of 3
                notExists of 3
                exists of 3
            "#]],
        )
        .await;
    assert_eq!((counts.gap_conversations.get(), counts.gap_ended.get()), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_now_is_tried_again_and_the_oldest_goes_first() {
    let mut script = vec![Err(503), Ok(vec!["a"])];
    script.extend((0..5).map(|_| Ok(vec![])));
    let mut scene = Scene::new(Dialect::Patch, script);
    let begun = Instant::now();
    scene.open(Some("2026-11-20T10:00:00Z"), users(&["u1"])).await;
    scene.look(&[]).await;
    // It begins after the first was closed, and waits for it.
    let later = Gap {
        since: Some("2026-11-20T10:01:00Z".parse().unwrap()),
        until: "2026-11-20T10:02:00Z".parse().unwrap(),
        closed: Instant::now(),
        topics: users(&["u1", "u2"]).into_iter().collect::<BTreeSet<_>>(),
    };
    scene.gaps.send(later).await.unwrap();
    scene.look(&[]).await;
    assert_eq!(begun.elapsed(), TRY_AGAIN);
    scene.look(&[]).await;
    scene.look(&[]).await;
    scene
        .end(
            2,
            expect![[r#"
                known of 1 topics
                known of 1 topics
                read a
                known of 2 topics
                notExists of 1
                notExists of 1
                notExists of 2
                notExists of 1
                exists of 1
                notExists of 2
                exists of 2
            "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_what_is_known_is_read_and_it_is_said() {
    let mut scene = Scene::new(Dialect::Patch, vec![Err(403)]);
    scene.open(None, users(&["u1"])).await;
    scene.look(&["a"]).await;
    scene.look(&[]).await;
    let counts = Arc::clone(&scene.counts);
    scene
        .end(
            1,
            expect![[r#"
                known of 1 topics
                read a
                notExists of 1
            "#]],
        )
        .await;
    assert_eq!(counts.gaps_not_permitted.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_tutorials_dialect_asks_for_each_user() {
    let listing = vec![Ok(vec!["a"]), Ok(vec![]), Ok(vec![]), Ok(vec![])];
    let mut scene = Scene::new(Dialect::Put, listing);
    scene.open(None, users(&["u1", "u2"])).await;
    scene.look(&[]).await;
    scene.look(&[]).await;
    scene
        .end(
            1,
            expect![[r#"
                known of 2 topics
                read a
                /api/v2/conversations/users/u1
                /api/v2/conversations/users/u2
                /api/v2/conversations/users/u1
                /api/v2/conversations/users/u2
            "#]],
        )
        .await;
}
