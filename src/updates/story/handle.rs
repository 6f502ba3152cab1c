//! The updates' end of the story, and the end of those who ask for it.

use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tracing::warn;

use super::files::{self, Segments};
use super::thread::Writer;
use super::{Event, Told};
use crate::genesys::ConversationId;
use crate::updates::calendar::Calendar;

/// Events that may wait: what a thousand conversations a second make in the quarter of a second after
/// which they are written; about 1 MiB.
const WAITING: usize = 8_192;

/// Where the updates write down what happens. Dropping it ends nothing that was handed over.
#[derive(Default)]
pub struct Story {
    writer: Option<By>,
    /// Events that found no room since the last one that did.
    dropped: u64,
}

struct By {
    messages: SyncSender<Message>,
    thread: JoinHandle<()>,
}

/// What is handed to the thread.
pub(super) enum Message {
    Event(Event),
    Lost(u64),
    Asked(Asked),
    End,
}

pub(super) struct Asked {
    pub conversation: ConversationId,
    pub key: Option<String>,
    pub answer: Answering,
}

/// What is done with the story, or with why it cannot be read. Not called where nobody writes one any
/// more.
pub type Answering = Box<dyn FnOnce(Result<Told, String>) + Send>;

/// Asks the running story.
#[derive(Clone, Default)]
pub struct Reader {
    messages: Option<SyncSender<Message>>,
}

impl Story {
    /// Keeps what happens in a state directory, for so long; for no time at all, nothing is kept, and
    /// what was is removed.
    pub fn start(state: &Path, keep: Duration, calendar: Calendar) -> (Story, Reader) {
        if keep.is_zero() {
            if let Err(error) = files::remove_all(state) {
                warn!(%error, "the story of earlier days cannot be removed");
            }
            return (Story::default(), Reader::default());
        }
        let (messages, received) = sync_channel(WAITING);
        let writer = Writer::new(received, Segments::new(state, keep), calendar);
        let thread = Builder::new().name("story".to_owned()).spawn(move || writer.run());
        match thread {
            Ok(thread) => {
                let reader = Reader { messages: Some(messages.clone()) };
                (Story { writer: Some(By { messages, thread }), dropped: 0 }, reader)
            }
            Err(error) => {
                warn!(%error, "no thread can be started for the story: `attributed why` knows nothing");
                (Story::default(), Reader::default())
            }
        }
    }

    /// Hands an event over, which is made only if anybody writes it down. Never waits.
    pub(crate) fn note(&mut self, event: impl FnOnce() -> Event) {
        let Some(By { messages, .. }) = &self.writer else { return };
        if self.dropped > 0 {
            match messages.try_send(Message::Lost(self.dropped)) {
                Ok(()) => self.dropped = 0,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    self.dropped += 1;
                    return;
                }
            }
        }
        match messages.try_send(Message::Event(event())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.dropped += 1,
        }
    }

    /// Whether anybody writes it down.
    pub(crate) fn is_kept(&self) -> bool {
        self.writer.is_some()
    }

    /// Writes what was handed over, and ends.
    pub async fn closed(self) {
        let Some(By { messages, thread }) = self.writer else { return };
        let ending = spawn_blocking(move || {
            // If it has ended by itself there is nobody to tell.
            let _ended_already = messages.send(Message::End).is_err();
            thread.thread().unpark();
            thread.join().is_ok()
        });
        if !matches!(ending.await, Ok(true)) {
            warn!("the end of the story is not written down");
        }
    }
}

impl Reader {
    /// Asks for the story of a conversation, or of one of its keys. Never waits.
    pub fn ask(&self, conversation: ConversationId, key: Option<String>, answer: Answering) {
        let Some(messages) = &self.messages else {
            return answer(Err("none is kept (state.story is 0s)".to_owned()));
        };
        let asked = Message::Asked(Asked { conversation, key, answer });
        if let Err(TrySendError::Full(Message::Asked(Asked { answer, .. }))) =
            messages.try_send(asked)
        {
            answer(Err("too much happens at this moment: ask again".to_owned()));
        }
    }
}

impl std::fmt::Debug for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Story").field("kept", &self.is_kept()).finish_non_exhaustive()
    }
}
