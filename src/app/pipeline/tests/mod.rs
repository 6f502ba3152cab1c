//! Frames and answers in, observations out. Frames are written `a:gold` (stream `a`, the customer's
//! tier) or `a:held`; every call to the API waits for the answer that a test gives it.

mod audit;
mod copies;
mod doubts;
mod look_ups;
mod other_rules;
mod progress;

use std::path::Path;
use std::sync::Mutex;

use futures::future::BoxFuture;
use http::StatusCode;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::config::fence::AllowedKeys;
use crate::events::channels::ChannelsState;
use crate::events::read_generic;
use crate::events::topic::Topic;
use crate::events::tracker::Limits;
use crate::genesys::call::{Answer, Call, CallError, Class, Permit, Refusal};
use crate::genesys::names::Names;
use crate::rules::{RuleFile, Tables};
use crate::status::control::answer::Changes;
use crate::status::pulse::Pulse;
use crate::updates::wish::Observation;

const RULES: &str = r#"
[[rule]]
name = "tier"
match.customer.attributes.tier.exists = true
set.tier = "{{ customer.attributes.tier }}"

[[rule]]
name = "hold"
match.participant.held = true
set.hold = "true"
otherwise.hold = "false"
"#;
/// Nothing that comes at all takes so long, in paused time.
const PATIENCE: Duration = Duration::from_secs(60);

type Given = Result<String, u16>;

/// Each call takes the next of these, and waits for it.
#[derive(Default)]
struct Answers(Mutex<VecDeque<oneshot::Receiver<Given>>>);

impl Api for Answers {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(std::future::ready(Permit::of(class)))
    }

    fn call_with(&self, _: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move {
            let Some(next) = next else { panic!("{} was not expected", call.path) };
            let refusal = |status| Refusal { status, ..Refusal::default() };
            match next.await.unwrap() {
                Ok(body) => Ok(Answer {
                    status: StatusCode::OK,
                    correlation_id: None,
                    date: None,
                    body: body.into(),
                }),
                Err(404) => Err(CallError::NotFound(refusal(404))),
                Err(503) => Err(CallError::Unavailable(refusal(503))),
                Err(status) => Err(CallError::Forbidden(refusal(status))),
            }
        })
    }
}

struct Scene {
    frames: mpsc::Sender<Received>,
    asks: mpsc::Sender<Ask>,
    look_ups: mpsc::Sender<LookUp>,
    gaps_open: watch::Sender<usize>,
    _channels: watch::Sender<ChannelsState>,
    view: watch::Sender<View>,
    questions: mpsc::Sender<Question>,
    observations: mpsc::Receiver<Input>,
    counts: Arc<Counts>,
    doubts: u32,
    doubts_given_up: u32,
    /// What was wished in doubt.
    perhaps: Vec<String>,
    answers: Vec<oneshot::Sender<Given>>,
    pipeline: Option<Pipeline>,
    tasks: JoinSet<()>,
}

fn view(rules: &str) -> View {
    let parsed = RuleFile::parse(Path::new("rules.toml"), rules, &AllowedKeys::all());
    let (rules, _) = parsed.unwrap().0.bind(Arc::new(Names::default()), &Tables::default());
    View { rules: Arc::new(rules), watched: Arc::default(), acd_only: false, held_against: None }
}

impl Scene {
    /// With room for so many calls to the API.
    fn new(calls: usize) -> Scene {
        Scene::with(Limits::default(), calls)
    }

    fn with(limits: Limits, calls: usize) -> Scene {
        let (frames, frames_receiver) = mpsc::channel(16_384);
        let (asks, asks_receiver) = mpsc::channel(16);
        let (look_ups, look_ups_receiver) = mpsc::channel(16);
        let (_channels, channels) = watch::channel(ChannelsState::default());
        let (gaps_open, unheard) = Unheard::new(channels);
        gaps_open.send_replace(0);
        let (view, view_receiver) = watch::channel(view(RULES));
        let (questions, questions_receiver) = mpsc::channel(1);
        let (observations_sender, observations) = mpsc::channel(16_384);
        let counts = Arc::new(Counts::default());
        let (answers, waiting) = (0..calls).map(|_| oneshot::channel()).unzip();
        let pipeline = Pipeline::new(
            Joints {
                frames: frames_receiver,
                asks: asks_receiver,
                look_ups: look_ups_receiver,
                unheard,
                view: view_receiver,
                questions: questions_receiver,
                observations: observations_sender,
                api: Arc::new(Answers(Mutex::new(waiting))),
                counts: Arc::clone(&counts),
                beat: Pulse::default().add("pipeline"),
            },
            Tracker::new(limits),
            Standings::default(),
        );
        let (pipeline, tasks) = (Some(pipeline), JoinSet::new());
        let doubts = 0;
        Scene {
            frames,
            asks,
            look_ups,
            gaps_open,
            _channels,
            view,
            questions,
            observations,
            counts,
            doubts,
            doubts_given_up: 0,
            perhaps: Vec::new(),
            answers,
            pipeline,
            tasks,
        }
    }

    async fn frames(&mut self, script: &str) {
        if let Some(pipeline) = self.pipeline.take() {
            self.tasks.spawn(pipeline.run());
        }
        for word in script.split(' ') {
            let (stream, says) = word.split_once(':').unwrap();
            self.frames.send(frame(stream, body("c", says))).await.unwrap();
        }
        // Time to take them in.
        sleep(Duration::from_millis(1)).await;
    }

    async fn answer(&mut self, given: Given) {
        self.answers.remove(0).send(given).unwrap();
        sleep(Duration::from_millis(1)).await;
    }

    async fn next(&mut self) -> Observation {
        loop {
            match timeout(PATIENCE, self.observations.recv()).await {
                Ok(Some(Input::Observe(observation))) => return observation,
                Ok(Some(Input::Doubt(_))) => self.doubts += 1,
                Ok(Some(Input::Perhaps(perhaps))) => self.perhaps.push(told(&perhaps)),
                Ok(Some(Input::Through(_))) => {}
                other => panic!("no observation but {other:?}"),
            }
        }
    }

    /// What the next observation wishes.
    async fn wishes(&mut self) -> String {
        told(&self.next().await)
    }

    /// Whether it was told until when all was taken, beside which nothing has come.
    fn has_told_through(&mut self) -> bool {
        let mut told = false;
        while let Ok(input) = self.observations.try_recv() {
            assert!(matches!(input, Input::Through(_)), "{input:?}");
            told = true;
        }
        told
    }

    /// Nothing but doubts has come.
    fn is_quiet(&mut self) -> bool {
        while let Ok(input) = self.observations.try_recv() {
            match input {
                Input::Doubt(_) => self.doubts += 1,
                Input::Perhaps(perhaps) => self.perhaps.push(told(&perhaps)),
                Input::Through(_) => {}
                Input::DoubtGivenUp(_) => self.doubts_given_up += 1,
                Input::Observe(_) | Input::Settings(_) | Input::DeadLetters(_) => return false,
            }
        }
        true
    }
}

/// What an observation wishes.
fn told(observation: &Observation) -> String {
    let wishes = observation.wishes.iter().map(|wish| format!("{}={}", wish.key, wish.value));
    wishes.collect::<Vec<_>>().join(" ")
}

fn body(id: &str, says: &str) -> String {
    let held = says == "held";
    let tier = if matches!(says, "held" | "over" | "plain") { "" } else { says };
    let end = if says == "over" { r#","endTime":"2026-11-20T14:00:00Z""# } else { "" };
    format!(
        r#"{{"id":"{id}","participants":[{{"id":"p","purpose":"customer","attributes":{{"tier":"{tier}"}}{end},
            "calls":[{{"id":"l","state":"connected","held":{held}}}]}}]}}"#
    )
}

fn frame(stream: &str, body: String) -> Received {
    Received {
        channel: 1,
        topic: Topic::User(stream.into()),
        conversation: read_generic(&body).map(Box::new).map_err(Unread::from),
        body: 0..body.len(),
        text: Some(body.into()),
        at: Instant::now(),
        received_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_asked_for_during_a_read_is_made() {
    let mut scene = Scene::new(2);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    for _ in 0..2 {
        scene.asks.send(Ask::Read("c".into())).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    scene.answer(Ok(body("c", "gold"))).await;
    assert_eq!(scene.wishes().await, "tier=gold");
    scene.answer(Ok(body("c", "silver"))).await;
    assert_eq!(scene.wishes().await, "tier=silver");
}

#[tokio::test(start_paused = true)]
async fn whose_snapshot_is_not_kept_is_read_when_it_is_asked_for() {
    let mut scene = Scene::with(Limits { snapshots: 0, ..Limits::default() }, 1);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    scene.asks.send(Ask::LookAgain("c".into())).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert!(scene.is_quiet());
    scene.answer(Ok(body("c", "gold"))).await;
    assert_eq!(scene.wishes().await, "tier=gold");
}

#[tokio::test(start_paused = true)]
async fn other_rules_look_at_what_is_kept_and_at_the_others_with_their_next_event() {
    let mut scene = Scene::with(Limits { snapshots: 0, ..Limits::default() }, 0);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    let other = RULES.replace("set.tier", "set.level");
    let found = ask_for_changes(&mut scene, &other).await;
    let expected = Changes { not_kept: 1, ..Changes::default() };
    assert_eq!(found, expected, "nothing is written before the next event, and that is said");
    scene.view.send_replace(view(&other));
    sleep(Duration::from_millis(1)).await;
    assert!(scene.is_quiet());
    scene.frames("a:silver").await;
    assert_eq!(scene.wishes().await, "level=silver");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_found_is_over_unless_a_frame_came_meanwhile() {
    let mut scene = Scene::new(2);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    scene.asks.send(Ask::Read("c".into())).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    scene.frames("a:silver").await;
    assert_eq!(scene.wishes().await, "tier=silver");
    scene.answer(Err(404)).await;
    assert!(scene.is_quiet());
    scene.answer(Err(404)).await;
    let gone = scene.next().await;
    assert!(gone.over && gone.participants.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_frames_does_not_keep_new_rules_waiting() {
    let mut scene = Scene::new(0);
    let before = scene.view.borrow().rules.hash();
    scene.view.send_replace(view(&RULES.replace("otherwise.hold", "otherwise.unheld")));
    let flood: Vec<String> = (0..4 * BATCH).map(|n| format!("a:{n}")).collect();
    scene.frames(&flood.join(" ")).await;
    let mut by_old = 0;
    while let Ok(Input::Observe(observation)) = scene.observations.try_recv() {
        by_old += usize::from(observation.rules_hash == before);
    }
    assert!(by_old <= BATCH, "{by_old} frames were looked at by the old rules");
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_conversations_that_are_over_is_bounded() {
    let mut scene = Scene::new(0);
    let mut pipeline = scene.pipeline.take().unwrap();
    let mut most = 0;
    for n in 0..STANDINGS_OVER + 500 {
        let taken = pipeline.take(frame("a", body(&n.to_string(), "over"))).await;
        assert!(taken.is_continue());
        most = most.max(pipeline.standings.len());
        let _observed = scene.observations.try_recv();
    }
    assert!(most <= STANDINGS_OVER + 1 && pipeline.standings.len() < 1_000, "{most}");
}

/// Asks how much these rules change; with the conversations looked at and the wishes that came and
/// went.
async fn compare(scene: &mut Scene, rules: &str) -> [u64; 3] {
    let found = ask_for_changes(scene, rules).await;
    assert_eq!(found.not_kept, 0);
    [found.conversations, found.came, found.went]
}

async fn ask_for_changes(scene: &mut Scene, rules: &str) -> Changes {
    let (answer, answered) = oneshot::channel();
    let until = Instant::now() + PATIENCE;
    let question = Question { rules: view(rules).rules, until, answer };
    scene.questions.send(question).await.unwrap();
    let found = timeout(PATIENCE, answered).await.unwrap().unwrap();
    assert!(!found.changes.incomplete);
    found.changes
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_confirmation_is_what_no_event_asked_for() {
    let mut scene = Scene::new(0);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    let both = RULES.to_owned()
        + "[[rule]]\nname = \"new\"\nset.new = \"{{ customer.attributes.tier }}\"\ntarget = \"customer\"\n";
    let before = Arc::clone(&scene.view.borrow().rules);
    let held = View { held_against: Some(before), ..view(&both) };
    scene.view.send_replace(held.clone());
    assert_eq!(scene.wishes().await, "tier=gold", "what both make is looked at again");
    // It was not held against the new rules alone.
    assert_eq!(compare(&mut scene, &both).await, [1, 1, 0]);
    scene.frames("a:silver").await;
    assert_eq!(scene.wishes().await, "new=silver tier=silver", "live events are excepted");
    scene.view.send_replace(View { held_against: None, ..held });
    assert_eq!(scene.wishes().await, "new=silver tier=silver");
    assert!(scene.is_quiet());
}

const OFFICE: &str = r#"
[schedules.office]
zone = "UTC"
open = ["daily 00:00-00:10"]

[[rule]]
name = "closed"
match.time = { not = "office" }
match.customer.attributes.tier = "gold"
set.closed = "true"
otherwise.closed = "false"
"#;

#[tokio::test(start_paused = true)]
async fn what_changes_with_time_alone_is_looked_at_when_its_time_comes() {
    let mut scene = Scene::new(0);
    scene.pipeline.as_mut().unwrap().view = view(OFFICE);
    // Frames say that it is midnight.
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "");
    sleep(Duration::from_secs(599)).await;
    assert!(scene.is_quiet());
    let observation = scene.next().await;
    assert_eq!(&*observation.wishes[0].value, "true");
    assert_eq!(observation.received_at, Timestamp::from_second(600).unwrap());
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_its_time_where_time_alone_changes_nothing() {
    let mut scene = Scene::new(0);
    scene.pipeline.as_mut().unwrap().view = view(OFFICE);
    scene.frames("a:silver").await;
    assert_eq!(scene.wishes().await, "");
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "");
    // It is over before its time has come.
    scene.frames("a:over").await;
    assert!(scene.next().await.over);
    sleep(Duration::from_secs(3_600)).await;
    assert!(scene.is_quiet());
}
