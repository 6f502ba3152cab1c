//! Steps in, requests out: through the exporter, to something that stands for the network.

use std::sync::Mutex;

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::*;
use crate::genesys::outside::{ByteStream, ChannelUri, SendError};
use crate::updates::dead_letters::Reason;
use crate::updates::traces::{Answer, Done};

/// Takes every request, and answers as it is told.
#[derive(Default)]
struct Network {
    requests: Mutex<Vec<Request<Bytes>>>,
    is_down: Mutex<bool>,
}

impl Outside for Network {
    fn send(
        &self,
        request: Request<Bytes>,
        _: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        self.requests.lock().unwrap().push(request);
        let is_down = *self.is_down.lock().unwrap();
        let refused = || SendError::Unreachable { reason: "connection refused".to_owned() };
        let answer = if is_down { Err(refused()) } else { Ok(Response::new(Bytes::new())) };
        Box::pin(async { answer })
    }

    fn connect<'a>(
        &'a self,
        _: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        unreachable!("traces need no socket")
    }
}

fn step(began: Instant, done: Done) -> Step {
    Step {
        conversation: "c".into(),
        participant: "p".into(),
        keys: "cc.desk cc.tier".to_owned(),
        rules: "desk".to_owned(),
        began,
        ended: began + Duration::from_secs(3),
        done,
        dropped: 0,
    }
}

fn pushed(sent: Instant, attempt: u32, status: u16) -> Done {
    let answer = Answer { status: Some(status), correlation_id: Some(Arc::from("id-1")) };
    Done::Pushed { sent, attempt, answer, is_accepted: status == 202 }
}

fn collector(network: &Arc<Network>) -> Collector {
    let calendar = Calendar::new(Instant::now(), Timestamp::from_second(1_000).unwrap());
    Collector::new(Arc::clone(network) as Arc<_>, calendar).unwrap()
}

#[tokio::test(start_paused = true)]
async fn steps_go_to_the_collector_together_and_the_last_of_them_at_the_end() {
    let network = Arc::new(Network::default());
    let collector = collector(&network);
    let (mut traces, steps) = Traces::collected();
    let now = Instant::now();
    traces.note(|| step(now, pushed(now + Duration::from_secs(1), 1, 503)));
    traces.note(|| step(now, pushed(now + Duration::from_secs(2), 2, 202)));
    drop(traces);
    collector.run(steps).await;
    let requests = network.requests.lock().unwrap();
    let [request] = &requests[..] else { panic!("{} requests", requests.len()) };
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let has = |text: &str| request.body().windows(text.len()).any(|part| part == text.as_bytes());
    let said = ["attributed", "update", "push", "wait", "cc.desk cc.tier", "desk", "id-1"];
    assert!(said.iter().all(|text| has(text)), "{:?}", request.body());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_counted_and_forgotten() {
    let network = Arc::new(Network::default());
    let mut collector = collector(&network);
    let now = Instant::now();
    *network.is_down.lock().unwrap() = true;
    let dropped = Step { dropped: 5, ..step(now, Done::Seen) };
    collector.send(&[dropped]).await;
    collector.send(&[step(now, Done::Seen)]).await;
    assert_eq!((collector.lost, collector.failing), (7, true));
    // The first was told of.
    let unanswered = collector.unanswered.lock().unwrap().clone();
    assert_eq!(unanswered.as_deref(), Some("cannot connect: connection refused"));
    *network.is_down.lock().unwrap() = false;
    collector.send(&[step(now, Done::Seen)]).await;
    assert_eq!((collector.lost, collector.failing), (0, false));
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_one_update_are_one_trace_and_no_other_is_in_it() {
    let spans = collector(&Arc::default()).spans;
    let now = Instant::now();
    let at = |seconds| now + Duration::from_secs(seconds);
    let failed = spans.of(&step(now, pushed(at(1), 1, 503)));
    let accepted = spans.of(&step(now, pushed(at(2), 2, 202)));
    let given_up = spans.of(&step(at(9), Done::GivenUp { reason: Reason::TooOld }));
    let names = [&failed, &accepted, &given_up]
        .map(|spans| spans.iter().map(|span| span.name.to_string()).collect::<Vec<_>>().join(" "));
    assert_eq!(names, ["wait push", "push update", "update"]);
    let trace = |span: &opentelemetry_sdk::trace::SpanData| span.span_context.trace_id();
    let whole = &accepted[1];
    for part in failed.iter().chain(&accepted[..1]) {
        assert_eq!(
            (trace(part), part.parent_span_id),
            (trace(whole), whole.span_context.span_id())
        );
        assert!(part.start_time >= whole.start_time && part.end_time <= whole.end_time);
    }
    let mut ids: Vec<_> = [&failed, &accepted, &given_up]
        .into_iter()
        .flatten()
        .map(|span| span.span_context.span_id())
        .collect();
    ids.sort_unstable_by_key(|id| id.to_bytes());
    ids.dedup();
    assert_eq!(ids.len(), 5, "each has an id of its own");
    assert_ne!(trace(&given_up[0]), trace(whole));
    let lasted = whole.end_time.duration_since(whole.start_time).unwrap();
    assert_eq!(lasted, Duration::from_secs(3));
    assert!(whole.span_context.is_valid() && whole.span_context.is_sampled());
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_does_not_answer_holds_up_no_end() {
    let start = Instant::now();
    let ended = beside(Box::pin(std::future::pending()), async { 7 }).await;
    assert_eq!((ended, start.elapsed()), (7, AT_THE_END));
    // Nor does one that is not there.
    assert_eq!(beside(Box::pin(async {}), async { 7 }).await, 7);
}
