//! The pieces that every shape of a conversation has in common, as Genesys writes them.

use super::keys::known;
use super::lexer::{Lexer, Read};
use super::values::{self, Source};
use crate::events::conversation::{Routing, Text};

known! { Membership { Division = "division", } }

known! { Wrapup { Code = "code", } }

known! {
    RoutingData { Queue = "queue", Language = "language", Skills = "skills", Priority = "priority", }
}

known! { ThreadMessage { MessageId = "messageId", Message = "message", } }

impl Source<'_> {
    pub(super) fn division_ids(self, lexer: &mut Lexer<'_>, ids: &mut Vec<Text>) -> Read<()> {
        self.each(lexer, ids, |source, lexer, id| {
            lexer.object(|lexer, Membership::Division| source.reference(lexer, id)).map(drop)
        })
    }

    pub(super) fn wrapup_code(self, lexer: &mut Lexer<'_>, code: &mut Option<Text>) -> Read<()> {
        lexer.object(|lexer, Wrapup::Code| self.text(lexer, code)).map(drop)
    }

    pub(super) fn routing(self, lexer: &mut Lexer<'_>, routing: &mut Routing) -> Read<()> {
        let read = lexer.object(|lexer, member| match member {
            RoutingData::Queue => values::reference_id(lexer, &mut routing.queue_id),
            RoutingData::Language => self.reference(lexer, &mut routing.language_id),
            RoutingData::Skills => self.each(lexer, &mut routing.skill_ids, Source::reference),
            RoutingData::Priority => {
                routing.priority = values::whole(lexer)?;
                Ok(())
            }
        });
        read.map(drop)
    }

    /// The messages of a thread: `messageId` in the generic shape, `message.id` in the media one
    /// (FACTS 2.4).
    pub(super) fn message_ids(self, lexer: &mut Lexer<'_>, ids: &mut Vec<Text>) -> Read<()> {
        self.each(lexer, ids, |source, lexer, id| {
            let mut of_media = None;
            lexer.object(|lexer, member| match member {
                ThreadMessage::MessageId => source.text(lexer, id),
                ThreadMessage::Message => source.reference(lexer, &mut of_media),
            })?;
            if id.is_none() {
                *id = of_media;
            }
            Ok(())
        })
    }
}
