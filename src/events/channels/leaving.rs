//! The goodbye of a socket that another has replaced: what it still says is read, the server is told,
//! and the channel is given back.
//!
//! It promises that nothing is missed between its last word and the other's first. A socket may have
//! fallen silent before the other took over, and look as if it lived: so it is asked, and until it
//! shows that it lived at that moment, the channel counts as heard no later than it was. If it never
//! does, the time between is a gap.

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::channel::Channel;
use super::line::{Fate, GOODBYE, LINGER, Line};
use super::report::News;
use super::socket::{Lost, Text};
use crate::events::frame::Frame;
use crate::genesys::notifications::ChannelId;
use crate::machine;

/// A replaced channel whose last frames are read.
pub(super) struct Leaving {
    pub(super) line: Box<Line>,
    fate: Fate,
    /// When the next step of the goodbye is due.
    pub(super) until: Instant,
    /// Whether the server was told.
    told: bool,
    /// When another took over from it, until it is known to have lived then.
    in_question: Option<(Instant, Timestamp)>,
}

impl Leaving {
    fn note_life(&mut self) {
        let socket = &self.line.socket;
        self.in_question = self.in_question.filter(|(at, _)| !socket.has_told_all_until(*at));
    }
}

impl Channel {
    /// Another line carries from now on what this one did until now.
    pub(super) async fn take_over_from(&mut self, mut line: Box<Line>, fate: Fate) {
        line.socket.ask();
        self.leave_behind(line, fate, Some((Instant::now(), machine::now()))).await;
    }

    /// A line carries nothing any more.
    pub(super) async fn give_up(&mut self, line: Box<Line>, fate: Fate) {
        self.leave_behind(line, fate, None).await;
    }

    async fn leave_behind(
        &mut self,
        line: Box<Line>,
        fate: Fate,
        in_question: Option<(Instant, Timestamp)>,
    ) {
        self.end_leaving().await;
        let until = Instant::now() + LINGER;
        self.leaving = Some(Leaving { line, fate, until, told: false, in_question });
    }

    /// Whether the line that was there before may have been dead when this one took over.
    pub(super) fn is_in_question(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| leaving.in_question.is_some())
    }

    pub(super) fn handle_leaving_text(&mut self, text: Text) {
        let Some(leaving) = &mut self.leaving else { return };
        leaving.note_life();
        let stream = leaving.line.stream;
        if let Frame::Conversation { topic, body, conversation } = self.read(&text) {
            self.pass_on(stream, topic, text, body, conversation);
        }
    }

    pub(super) async fn handle_leaving_lost(&mut self, reason: &Lost) {
        debug!(channel = self.number, %reason, "the old socket is gone");
        if let (Some(leaving), Lost::Closed(_)) = (&mut self.leaving, reason) {
            leaving.note_life();
        }
        self.end_leaving().await;
    }

    /// The next step of the old socket's goodbye.
    pub(super) async fn see_off(&mut self) {
        let Some(leaving) = &mut self.leaving else { return };
        if leaving.told {
            self.end_leaving().await;
            return;
        }
        leaving.told = true;
        leaving.line.socket.finish().await;
        leaving.until = Instant::now() + GOODBYE;
    }

    pub(super) async fn end_leaving(&mut self) {
        let Some(leaving) = self.leaving.take() else { return };
        self.settle(&leaving.line.lease.id, leaving.fate);
        if let Some((_, at)) = leaving.in_question {
            self.report_silence(at).await;
        }
    }

    /// The line before this one fell silent, and this one took over at that time: what came between
    /// may have been missed.
    async fn report_silence(&mut self, at: Timestamp) {
        // A gap that is open since begins there already.
        let Some(since) = self.heard.gap_start().filter(|_| self.gap.is_none()) else { return };
        warn!(
            channel = self.number,
            "the old socket had fallen silent before the new one took over"
        );
        self.report(News::Lost { since }).await;
        let subscription = self.subscription.clone();
        // The wall's clock may have been set back.
        let (at, lost) = (at.max(since), Some(since));
        self.report(News::Subscribed { subscription, at, lost }).await;
    }

    pub(super) fn settle(&self, id: &ChannelId, fate: Fate) {
        match fate {
            Fate::Keep => self.owner().pool.give_back(id),
            Fate::Forget => self.owner().pool.forget(id),
        }
    }
}
