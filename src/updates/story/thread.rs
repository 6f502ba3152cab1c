//! The thread that writes the story down, and looks into it.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{Builder, park_timeout};
use std::time::Duration;

use tracing::{info, warn};

use super::files::Segments;
use super::handle::{Asked, Message};
use super::mark::Marker;
use super::read::in_folder;
use super::{Event, Record, Told, What};
use crate::machine;
use crate::updates::calendar::Calendar;
use crate::updates::journal::Millis;

/// Between two writes: what comes meanwhile wakes nobody, and is written at once.
const PACE: Duration = Duration::from_millis(250);
/// While nothing happens, what is too old is removed this often.
const REMOVE_EVERY: Duration = Duration::from_secs(600);
/// Of lines that wait to be written; as much as a full queue makes.
const BUFFER: usize = 4 * 1024 * 1024;

pub(super) struct Writer {
    messages: Receiver<Message>,
    segments: Segments,
    calendar: Calendar,
    marker: Marker,
    lines: Vec<u8>,
    /// Events in `lines`, and the newest of them.
    events: u64,
    at: Millis,
    /// Since the start.
    lost: u64,
    /// Those of which the story does not tell yet.
    unsaid: u64,
    failing: bool,
}

impl Writer {
    pub(super) fn new(
        messages: Receiver<Message>,
        segments: Segments,
        calendar: Calendar,
    ) -> Writer {
        Writer {
            messages,
            segments,
            calendar,
            marker: Marker::new(),
            lines: Vec::new(),
            events: 0,
            at: now(),
            lost: 0,
            unsaid: 0,
            failing: false,
        }
    }

    /// Until it is told to end, or nobody can tell it anything any more.
    pub(super) fn run(mut self) {
        self.about_all(What::Started);
        self.remove_old();
        loop {
            let ends = match self.messages.recv_timeout(REMOVE_EVERY) {
                Ok(message) => {
                    // A first one is seldom alone.
                    park_timeout(PACE);
                    self.take(message) || self.take_all()
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.remove_old();
                    false
                }
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.write();
            if ends {
                return;
            }
        }
    }

    /// Returns true if it was the last.
    fn take_all(&mut self) -> bool {
        while let Ok(message) = self.messages.try_recv() {
            if self.take(message) {
                return true;
            }
            if self.lines.len() >= BUFFER {
                return false;
            }
        }
        false
    }

    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Event(event) => self.event(event),
            Message::Lost(events) => {
                self.lost += events;
                self.about_all(What::Lost { events });
            }
            Message::Asked(asked) => self.answer(asked),
            Message::End => return true,
        }
        false
    }

    fn event(&mut self, event: Event) {
        let Event { at, target, key, rule, value, what } = event;
        self.add(&Record {
            at: self.calendar.millis(at),
            conversation: target.conversation,
            participant: target.participant,
            key,
            rule,
            mark: value.map(|value| self.marker.mark(&value)),
            what,
        });
    }

    /// They are not in the story, which says so before what comes next.
    fn lose(&mut self, events: u64) {
        self.lost += events;
        self.unsaid += events;
    }

    fn about_all(&mut self, what: What) {
        let record = Record {
            at: now(),
            conversation: "".into(),
            participant: "".into(),
            key: "".into(),
            rule: "".into(),
            mark: None,
            what,
        };
        self.add(&record);
    }

    fn add(&mut self, record: &Record) {
        if self.unsaid > 0 {
            let events = std::mem::take(&mut self.unsaid);
            self.about_all(What::Lost { events });
        }
        let before = self.lines.len();
        if serde_json::to_writer(&mut self.lines, record).is_err() {
            self.lines.truncate(before);
            return self.lose(1);
        }
        self.lines.push(b'\n');
        self.events += 1;
        self.at = record.at;
    }

    /// What cannot be written is lost, and said to be.
    fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let written = self.segments.append(&self.lines, self.at);
        let events = std::mem::take(&mut self.events);
        self.lines.clear();
        match written {
            Ok(()) if self.failing => {
                self.failing = false;
                info!("the story of the attributes is written down again");
            }
            Ok(()) => {}
            Err(error) => {
                self.lose(events);
                self.failed(&error);
            }
        }
    }

    fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            let folder = self.segments.folder().display();
            warn!(%folder, %error, "the story of the attributes cannot be written down: `attributed why` will not know of these hours; see to the disk");
        }
    }

    fn remove_old(&mut self) {
        if let Err(error) = self.segments.remove_old(now()) {
            self.failed(&error);
        }
    }

    /// What happened until now is told; the files are read by a thread that ends with it.
    fn answer(&mut self, asked: Asked) {
        self.write();
        let (folder, lost) = (self.segments.folder().to_owned(), self.lost);
        let reading = Builder::new().name("story reader".to_owned()).spawn(move || {
            let Asked { conversation, key, answer } = asked;
            let told = in_folder(&folder, &conversation, key.as_deref());
            let told = told.map(|told| Told { lost, ..told }).map_err(|error| error.to_string());
            answer(told);
        });
        if let Err(error) = reading {
            warn!(%error, "the story cannot be read for want of a thread");
        }
    }
}

fn now() -> Millis {
    machine::now().as_millisecond()
}
