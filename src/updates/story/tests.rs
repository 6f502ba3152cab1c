//! The story from the updates' end to that of who asks, over real files.

use std::sync::mpsc;
use std::time::Duration;

use jiff::Timestamp;

use super::handle::Message;
use super::*;
use crate::updates::calendar::Calendar;
use crate::updates::wish::Write;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn started(state: &std::path::Path) -> (Story, Reader) {
    Story::start(state, DAY, Calendar::new(Instant::now(), Timestamp::now()))
}

fn event(conversation: &str, key: &str, value: &str) -> Event {
    let what = What::Wished { write: Write::Follow, flow: false, instead: false };
    let target = Target::new(conversation, "p");
    let event = Event::new(Instant::now(), &target, &key.into(), &"r".into(), what);
    Event { value: Some(value.into()), ..event }
}

fn ask(reader: &Reader, conversation: &str, key: Option<&str>) -> Result<Told, String> {
    let (answers, answered) = mpsc::channel();
    let answer = Box::new(move |told| answers.send(told).unwrap());
    reader.ask(conversation.into(), key.map(str::to_owned), answer);
    answered.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[tokio::test]
async fn what_was_handed_over_is_told_while_it_runs_and_afterwards() {
    let state = tempfile::tempdir().unwrap();
    let (mut story, reader) = started(state.path());
    for (conversation, key, value) in
        [("c1", "a", "x"), ("c2", "a", "x"), ("c1", "b", "y"), ("c1", "a", "x")]
    {
        story.note(|| event(conversation, key, value));
    }
    let told = ask(&reader, "c1", None).unwrap();
    let keys: Vec<&str> = told.records.iter().map(|record| &*record.key).collect();
    assert_eq!((&keys[..], told.lost, told.left_out), (&["a", "b", "a"][..], 0, 0));
    let marks: Vec<_> = told.records.iter().map(|record| record.mark.unwrap()).collect();
    assert!(marks[0] == marks[2] && marks[0] != marks[1], "{marks:?}");
    assert_eq!(ask(&reader, "c1", Some("b")).unwrap().records.len(), 1);
    let nothing = ask(&reader, "c", None).unwrap();
    assert!(!nothing.is_known() && nothing.since.is_some());
    story.note(|| event("c1", "last", "z"));
    story.closed().await;
    let rested = at_rest(state.path(), &"c1".into(), None).unwrap();
    assert_eq!(rested.records.len(), 4);

    // The next process, and a start between its events and those before.
    let (mut story, reader) = started(state.path());
    story.note(|| event("c1", "a", "x"));
    let told = ask(&reader, "c1", Some("a")).unwrap();
    let starts = told.records.iter().filter(|record| record.what == What::Started).count();
    assert_eq!((told.records.len(), starts), (4, 1));
    assert_ne!(told.records[3].mark.unwrap(), marks[0], "another key");
    story.closed().await;
}

#[test]
fn what_comes_too_fast_is_dropped_and_counted_and_never_waited_for() {
    let state = tempfile::tempdir().unwrap();
    let (mut story, reader) = started(state.path());
    // The thread lets a quarter of a second go by after the first, and so has no hand in this.
    for number in 0..20_000 {
        story.note(|| event("c1", &number.to_string(), "x"));
    }
    let told = loop {
        let told = ask(&reader, "c1", None).unwrap_or_default();
        if told.records.iter().any(|record| record.key.parse() == Ok(8_000)) {
            break told;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    };
    assert!(told.records.len() < 20_000);
    story.note(|| event("c1", "later", "x"));
    let told = ask(&reader, "c1", None).unwrap();
    let lost = |record: &Record| {
        if let What::Lost { events } = record.what { events } else { 0 }
    };
    let said: u64 = told.records.iter().map(lost).sum();
    let kept = told.records.iter().filter(|record| !record.key.is_empty()).count() as u64;
    assert_eq!((kept + told.left_out + said, told.lost), (20_001, said));
    assert_eq!(told.records.last().map(|record| &*record.key), Some("later"));
}

#[test]
fn a_story_that_is_not_kept_costs_nothing_and_says_so() {
    let state = tempfile::tempdir().unwrap();
    let calendar = Calendar::new(Instant::now(), Timestamp::now());
    let (mut story, reader) = Story::start(state.path(), Duration::ZERO, calendar);
    story.note(|| panic!("nobody wants it"));
    assert!(ask(&reader, "c1", None).unwrap_err().contains("none is kept"));
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
    assert!(size_of::<Message>() <= 256, "{} bytes for each that waits", size_of::<Message>());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_no_reason_to_stop() {
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join(STORY_FOLDER), "somebody's file").unwrap();
    let (mut story, reader) = started(state.path());
    story.note(|| event("c1", "a", "x"));
    assert!(ask(&reader, "c1", None).is_err(), "it is no folder");
    std::fs::remove_file(state.path().join(STORY_FOLDER)).unwrap();
    story.note(|| event("c1", "b", "x"));
    let told = ask(&reader, "c1", None).unwrap();
    assert!(told.lost >= 1, "{told:?}");
    assert_eq!(told.records.last().map(|record| &*record.key), Some("b"));
    story.closed().await;
}
