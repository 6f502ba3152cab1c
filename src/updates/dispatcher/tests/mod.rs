//! With paused time and a server that does as it is told.

mod ordered;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use expect_test::{Expect, expect};
use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;
use crate::genesys::call::{self, Call, Refusal};
use crate::genesys::{ConversationId, ParticipantId};
use crate::status::control::letters::{Filter, Page};
use crate::status::pulse::Pulse;
use crate::updates::push::Parcel;
use crate::updates::wish::{Seen, Wish, Write};

#[tokio::test(start_paused = true)]
async fn a_wish_is_pushed_after_the_merge_window() {
    let mut bench = Bench::start(Settings::for_tests(), &[]);
    bench.wish("p", "a", "1").await;
    bench.wish("p", "b", "2").await;
    sleep(Duration::from_secs(1)).await;
    bench
        .ends(expect![[r#"
            0.050 c/p {a=1 b=2}
            Drained after 1.002"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_participant_is_never_out_twice_and_the_newest_value_follows() {
    let mut bench = Bench::start(Settings::for_tests(), &[]);
    for value in ["1", "2", "3"] {
        bench.wish("p", "a", value).await;
        sleep(Duration::from_millis(70)).await;
    }
    bench.wish("q", "a", "1").await;
    bench
        .ends(expect![[r#"
            0.050 c/p {a=1}
            0.150 c/p {a=3}
            0.214 c/q {a=1}
            Drained after 0.314"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn updates_merge_while_they_wait_for_leave() {
    let mut bench = Bench::start(Settings::for_tests(), &[]);
    bench.api.every(Duration::from_secs(10));
    for value in 0..8 {
        bench.wish("p", "a", &value.to_string()).await;
        sleep(Duration::from_secs(1)).await;
    }
    bench
        .ends(expect![[r#"
        10.050 c/p {a=7}
        Drained after 10.150"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn no_more_pushes_at_once_than_workers() {
    let settings = Settings { workers: 2, ..Settings::for_tests() };
    let mut bench = Bench::start(settings, &[]);
    for participant in ["p", "q", "r"] {
        bench.wish(participant, "a", "1").await;
    }
    sleep(Duration::from_secs(1)).await;
    bench
        .ends(expect![[r#"
            0.050 c/p {a=1}
            0.051 c/q {a=1}
            0.150 c/r {a=1}
            Drained after 1.003"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_push_waits_for_as_long_as_it_is_told() {
    let mut bench = Bench::start(Settings::for_tests(), &[429]);
    bench.wish("p", "a", "1").await;
    sleep(Duration::from_secs(1)).await;
    bench
        .ends(expect![[r#"
        0.050 c/p {a=1}
        30.150 c/p {a=1}
        Drained after 30.250"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_pushed_before_the_end_and_windows_are_cut_short() {
    let settings = Settings { merge_window: Duration::from_secs(60), ..Settings::for_tests() };
    let mut bench = Bench::start(settings, &[]);
    bench.wish("p", "a", "1").await;
    bench
        .ends(expect![[r#"
        0.001 c/p {a=1}
        Drained after 0.101"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_no_longer_than_it_may() {
    let mut bench = Bench::start(Settings::for_tests(), &[]);
    bench.push.takes(Duration::from_secs(3600));
    bench.wish("p", "a", "1").await;
    bench
        .ends(expect![[r#"
        0.001 c/p {a=1}
        CutOff { left: 1, kept: true } after 45.001"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_flow_or_a_permission_does_not_hold_up_the_end() {
    let mut bench = Bench::start(Settings::for_tests(), &[403, 403, 403]);
    for participant in ["p", "q", "r", "s"] {
        bench.wish(participant, "a", "1").await;
        sleep(Duration::from_millis(200)).await;
    }
    let mut in_flow = bench.observation("t", "a", "1");
    in_flow.conversation = "d".into();
    in_flow.in_flow = true;
    bench.observe(in_flow).await;
    bench
        .ends(expect![[r#"
            0.050 c/p {a=1}
            0.251 c/q {a=1}
            0.452 c/r {a=1}
            CutOff { left: 5, kept: true } after 0.805"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_end_it() {
    let mut bench = Bench::start(Settings::for_tests(), &[1]);
    bench.wish("p", "a", "1").await;
    sleep(Duration::from_secs(1)).await;
    bench
        .ends(expect![[r#"
        0.050 c/p {a=1}
        Credentials { reason: "invalid_client" } after 0.150"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_confirmed_is_asked_for() {
    let mut bench = Bench::start(Settings::for_tests(), &[]);
    bench.wish("p", "a", "1").await;
    assert_eq!(bench.asked.recv().await, Some(Ask::Read("c".into())));
    assert_eq!(bench.start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn who_found_no_room_is_asked_for_when_there_is() {
    let settings = Settings { max_pending: 2, ..Settings::for_tests() };
    let mut bench = Bench::start(settings, &[]);
    for participant in ["p", "q", "r"] {
        bench.wish(participant, "a", "1").await;
    }
    assert_eq!(bench.asked.recv().await, Some(Ask::LookAgain("c".into())));
    bench.wish("r", "a", "1").await;
    sleep(Duration::from_secs(1)).await;
    bench
        .ends(expect![[r#"
            0.050 c/p {a=1}
            0.051 c/q {a=1}
            0.200 c/r {a=1}
            Drained after 1.151"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn other_settings_hold_for_what_waits_and_dead_letters_can_be_seen() {
    let settings = Settings { merge_window: Duration::from_secs(1), ..Settings::for_tests() };
    let mut bench = Bench::start(settings.clone(), &[]);
    bench.wish("p", "a", "1").await;
    bench.wish("p", "b", "1").await;
    let allowed_keys: super::super::settings::AllowedKeys = Arc::new(|key| key == "b");
    bench.send(Input::Settings(Settings { allowed_keys, ..settings })).await;
    let (answer, letters) = oneshot::channel();
    let question = Question::List { filter: Filter::default(), after: 0, values: false };
    let in_force = Arc::default();
    bench.send(Input::DeadLetters(LettersAsked { question, in_force, answer })).await;
    let Answer::DeadLetters(Page { letters, .. }) = letters.await.unwrap() else {
        panic!("that was the question")
    };
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].reason.as_str(), &*letters[0].keys.concat()), ("not-allowed", "a"));
    bench
        .ends(expect![[r#"
        0.004 c/p {b=1}
        Drained after 0.104"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_waits_for_leave_does_not_spin() {
    let mut bench = Bench::start(Settings::for_tests(), &[403]);
    bench.wish("p", "a", "1").await;
    sleep(Duration::from_secs(30)).await;
    // The account rests: leave comes long after the probe is due. A loop that span would keep paused
    // time from ever getting there.
    bench.api.every(Duration::from_secs(120));
    sleep(Duration::from_secs(200)).await;
    bench
        .ends(expect![[r#"
            0.050 c/p {a=1}
            180.150 c/p {a=1}
            Drained after 230.001"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn pushes_and_asks_that_nobody_takes_do_not_keep_it_from_going_round() {
    let settings = Settings { workers: 1, drain: Duration::from_secs(1), ..Settings::for_tests() };
    let mut bench = Bench::start(settings, &[]);
    bench.push.takes(Duration::from_secs(3600));
    for participant in ["p", "q"] {
        bench.wish(participant, "a", "1").await;
    }
    for _ in 0..10 {
        sleep(Duration::from_secs(30)).await;
        bench.wish("p", "a", "2").await;
        assert!(bench.pulse.silent(2 * IDLE_BEAT).is_empty());
    }
    bench
        .ends(expect![[r#"
            0.050 c/p {a=1}
            CutOff { left: 2, kept: true } after 301.012"#]])
        .await;
}

/// A dispatcher with everything around it.
struct Bench {
    input: Option<mpsc::Sender<Input>>,
    asked: mpsc::Receiver<Ask>,
    orders: watch::Sender<Arc<Orders>>,
    outlook: watch::Receiver<Outlook>,
    api: Arc<FakeApi>,
    push: Arc<FakePush>,
    start: Instant,
    pulse: Pulse,
    task: JoinHandle<(Ended, Instant)>,
}

impl Bench {
    /// `answers` are statuses, and 1 for refused credentials; after them all is accepted.
    fn start(settings: Settings, answers: &[u16]) -> Bench {
        let (start, pulse) = (Instant::now(), Pulse::default());
        let (input, receiver) = mpsc::channel(16);
        let (asks, asked) = mpsc::channel(1);
        let api = Arc::new(FakeApi { every: Mutex::new(Duration::ZERO) });
        let push = Arc::new(FakePush {
            start,
            takes: Mutex::new(Duration::from_millis(100)),
            answers: Mutex::new(answers.iter().copied().collect()),
            log: Mutex::new(Vec::new()),
        });
        let (orders, orders_receiver) = watch::channel(Arc::default());
        let (outlook_sender, outlook) = watch::channel(Outlook::default());
        let dispatcher = Dispatcher::new(Joints {
            input: receiver,
            asks,
            api: Arc::clone(&api) as Arc<dyn Api>,
            push: Arc::clone(&push) as Arc<dyn Push>,
            settings,
            orders: orders_receiver,
            outlook: outlook_sender,
            journal: Journal::for_tests(),
            recovered: Recovered::default(),
            calendar: Calendar::new(start, jiff::Timestamp::UNIX_EPOCH),
            story: Story::default(),
            traces: Traces::default(),
            counts: Arc::new(Counts::default()),
            beat: pulse.add("updates"),
            seed: 1,
        });
        #[expect(clippy::disallowed_methods, reason = "the runtime of a test ends with the test")]
        let task = tokio::spawn(dispatcher.run().map(|ended| (ended, Instant::now())));
        Bench { input: Some(input), asked, orders, outlook, api, push, start, pulse, task }
    }

    fn observation(&self, participant: &str, key: &str, value: &str) -> Observation {
        Observation {
            conversation: "c".into(),
            at: Instant::now(),
            received_at: jiff::Timestamp::UNIX_EPOCH,
            participants: vec![Seen {
                participant: participant.into(),
                ended: false,
                attributes: Arc::new(BTreeMap::<String, String>::new()),
            }],
            wishes: vec![Wish {
                participant: participant.into(),
                key: Arc::from(key),
                value: Arc::from(value),
                rule: Arc::from("r"),
                digest: 1,
                write: Write::Follow,
                dry_run: false,
                during_flow: false,
                useless_after: None,
                urgent: false,
            }],
            over: false,
            queue: None,
            in_flow: false,
            from_read: false,
            rules_hash: 1,
            in_force: Arc::new(BTreeSet::from([1])),
        }
    }

    async fn wish(&self, participant: &str, key: &str, value: &str) {
        self.observe(self.observation(participant, key, value)).await;
    }

    async fn observe(&self, observation: Observation) {
        self.send(Input::Observe(observation)).await;
    }

    async fn send(&self, input: Input) {
        self.input.as_ref().unwrap().send(input).await.unwrap();
        // Time to take it in.
        sleep(Duration::from_millis(1)).await;
    }

    /// Ends the input, and compares what was pushed and how it ended.
    async fn ends(&mut self, expected: Expect) {
        self.input = None;
        let (ended, at) = (&mut self.task).await.unwrap();
        let after = (at - self.start).as_secs_f64();
        let mut lines = self.push.log.lock().unwrap().clone();
        lines.push(format!("{ended:?} after {after:.3}"));
        expected.assert_eq(&lines.join("\n"));
    }
}

/// Gives leave a while after it is asked.
struct FakeApi {
    every: Mutex<Duration>,
}

impl FakeApi {
    fn every(&self, wait: Duration) {
        *self.every.lock().unwrap() = wait;
    }
}

impl Api for FakeApi {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        let wait = *self.every.lock().unwrap();
        Box::pin(async move {
            if !wait.is_zero() {
                sleep(wait).await;
            }
            Permit::of(class)
        })
    }

    fn call_with(&self, _: Permit, call: Call) -> BoxFuture<'_, Result<call::Answer, CallError>> {
        panic!("{} is not for the updates", call.operation)
    }
}

struct FakePush {
    start: Instant,
    takes: Mutex<Duration>,
    answers: Mutex<VecDeque<u16>>,
    log: Mutex<Vec<String>>,
}

impl FakePush {
    fn takes(&self, time: Duration) {
        *self.takes.lock().unwrap() = time;
    }
}

impl Push for FakePush {
    fn push<'a>(
        &'a self,
        permit: Permit,
        conversation: &'a ConversationId,
        participant: &'a ParticipantId,
        parcel: Parcel,
    ) -> BoxFuture<'a, Result<Pushed, CallError>> {
        assert_eq!(permit.class, Class::Update);
        let at = self.start.elapsed().as_secs_f64();
        let changes: Vec<String> =
            parcel.changes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let line = format!("{at:.3} {conversation}/{participant} {{{}}}", changes.join(" "));
        self.log.lock().unwrap().push(line);
        let takes = *self.takes.lock().unwrap();
        let status = self.answers.lock().unwrap().pop_front().unwrap_or(202);
        let refusal = Refusal { operation: "patch", status, ..Refusal::default() };
        Box::pin(async move {
            sleep(takes).await;
            match status {
                202 => Ok(Pushed::patched(status)),
                403 => Err(CallError::Forbidden(refusal)),
                429 => Err(CallError::Throttled(refusal, Duration::from_secs(30))),
                _ => Err(CallError::Credentials("invalid_client".to_owned())),
            }
        })
    }
}
