//! `/events`: how the daemon is, again and again, as server-sent events.
//!
//! Each event is the whole: the verdict, the sentence and the checks as `/readyz` has them, and the
//! overview. Who missed some has missed nothing. One comes whenever there is a newer overview, not
//! more often than every [`AT_MOST_EVERY`], and every [`AT_LEAST_EVERY`] even where the app says
//! nothing, because it may be the app that hangs.
//!
//! Bounded: [`MAX_STREAMS`] at a time, each for [`LASTS`], after which whoever still listens comes
//! again; so one that is never read does not keep its place.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::Source;
use super::routes::{Body, now, text};
use crate::status::overview::Overview;

/// At a time: a page in the browser of everybody on call, and a wall.
pub const MAX_STREAMS: usize = 16;
/// Of one stream, to its end by itself.
pub const LASTS: Duration = Duration::from_secs(600);
const AT_MOST_EVERY: Duration = Duration::from_millis(250);
const AT_LEAST_EVERY: Duration = Duration::from_secs(2);
/// When a browser comes again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Marks an answer that is no whole one, and takes its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaysOpen;

struct Open {
    source: Source,
    is_begun: bool,
    not_before: Instant,
    ends_at: Instant,
    _place: OwnedSemaphorePermit,
}

/// A stream, or why there is none now.
pub(super) fn answer(source: &Source, places: &Arc<Semaphore>) -> Response<Body> {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many pages listen already; close some, or ask /readyz",
        );
    };
    let start = Instant::now();
    let open = Open {
        source: source.clone(),
        is_begun: false,
        not_before: start,
        ends_at: start + LASTS,
        _place: place,
    };
    let body = StreamBody::new(stream::unfold(open, next)).boxed_unsync();
    let mut response = Response::new(body);
    response.extensions_mut().insert(StaysOpen);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // A proxy before us must not wait for the end of it.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    response
}

/// # Cancel safety
///
/// Dropping the future ends the stream.
async fn next(mut open: Open) -> Option<(Result<Frame<Bytes>, Infallible>, Open)> {
    if open.is_begun {
        sleep_until(open.not_before).await;
        // An error: there is no app any more that could tell.
        if let Ok(Err(_)) = timeout(AT_LEAST_EVERY, open.source.overview.changed()).await {
            return None;
        }
    }
    let sent_at = Instant::now();
    if sent_at >= open.ends_at {
        return None;
    }
    let begin =
        if open.is_begun { String::new() } else { format!("retry: {}\n", AGAIN_AFTER.as_millis()) };
    open.source.overview.mark_unchanged();
    let event = format!("{begin}data: {}\n\n", told(&now(&open.source)));
    let open = Open { is_begun: true, not_before: sent_at + AT_MOST_EVERY, ..open };
    Some((Ok(Frame::data(Bytes::from(event))), open))
}

/// On one line.
fn told(overview: &Overview) -> String {
    let whole = json!({
        "ready": overview.is_ready(),
        "verdict": overview.verdict(),
        "sentence": overview.sentence(),
        "checks": overview.checks(),
        "overview": overview,
    });
    whole.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tokio::sync::watch;

    use super::*;
    use crate::status::overview::Millis;
    use crate::status::pulse::{HUNG_AFTER, Pulse};

    fn source(pulse: &Pulse) -> (watch::Sender<Arc<Overview>>, Source) {
        let (sender, overview) = watch::channel(Arc::default());
        let (counts, journal_file) = (Arc::default(), "/nowhere".into());
        (sender, Source { overview, counts, pulse: pulse.clone(), journal_file })
    }

    fn at(at: Millis) -> Arc<Overview> {
        let hostile = "</script>\n\ndata: {}\u{2028}<img src=x>".to_owned();
        Arc::new(Overview { at, paused: vec![hostile], ..Overview::default() })
    }

    /// The next event as it is sent, and what is in it; `None` at the end.
    async fn event(body: &mut Body) -> Option<(String, Value)> {
        let data = body.frame().await?.unwrap().into_data().unwrap();
        let text = String::from_utf8(data.to_vec()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        assert_eq!(text.matches("data: ").count() - line.matches("data: ").count(), 1, "{text}");
        let value = serde_json::from_str(line).unwrap();
        Some((text, value))
    }

    #[tokio::test(start_paused = true)]
    async fn each_event_is_the_whole_and_comes_when_there_is_news() {
        let (pulse, places) = (Pulse::default(), Arc::new(Semaphore::new(1)));
        let (sender, source) = source(&pulse);
        sender.send_replace(at(1));
        let mut body = answer(&source, &places).into_body();
        let (text, first) = event(&mut body).await.unwrap();
        assert!(text.starts_with("retry: 1000\ndata: {"), "{text}");
        assert_eq!((&first["overview"]["at"], &first["ready"]), (&1.into(), &false.into()));
        assert!(!first["sentence"].as_str().unwrap().is_empty());

        // Several at once are one, and not too soon.
        let start = Instant::now();
        (2..9).for_each(|n| drop(sender.send_replace(at(n))));
        let (text, second) = event(&mut body).await.unwrap();
        assert_eq!((start.elapsed(), &second["overview"]["at"]), (AT_MOST_EVERY, &8.into()));
        assert!(text.starts_with("data: {"), "{text}");

        // The app says nothing: that is told as well.
        let _hung = pulse.add("app");
        tokio::time::advance(HUNG_AFTER + AT_MOST_EVERY).await;
        let (_, third) = event(&mut body).await.unwrap();
        assert_eq!(third["overview"]["silent_loops"], json!(["app"]));
        assert_eq!(third["verdict"]["state"], "failed");

        drop(sender);
        assert!(event(&mut body).await.is_none(), "nobody tells anything any more");
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_few_and_none_stays_for_ever() {
        let places = Arc::new(Semaphore::new(1));
        let (_sender, source) = source(&Pulse::default());
        let mut body = answer(&source, &places).into_body();
        let refused = answer(&source, &places);
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.extensions().get::<StaysOpen>().is_none());
        let start = Instant::now();
        while event(&mut body).await.is_some() {}
        let lasted = start.elapsed();
        assert!(lasted >= LASTS && lasted <= LASTS + AT_LEAST_EVERY * 2, "{lasted:?}");
        drop(body);
        assert_eq!(answer(&source, &places).status(), StatusCode::OK, "its place is free");
    }
}
