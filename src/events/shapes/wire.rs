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
    pub(super) fn division_ids(self, lexer: &mut Lexer<'_>) -> Read<Vec<Text>> {
        let mut ids = Vec::new();
        lexer.array(|lexer| {
            lexer
                .object(|lexer, Membership::Division| {
                    ids.extend(self.reference(lexer)?);
                    Ok(())
                })
                .map(drop)
        })?;
        Ok(ids)
    }

    pub(super) fn wrapup_code(self, lexer: &mut Lexer<'_>) -> Read<Option<Text>> {
        let mut code = None;
        lexer.object(|lexer, Wrapup::Code| {
            code = self.text(lexer)?;
            Ok(())
        })?;
        Ok(code)
    }

    pub(super) fn routing(self, lexer: &mut Lexer<'_>) -> Read<Routing> {
        let mut routing = Routing::default();
        lexer.object(|lexer, member| {
            match member {
                RoutingData::Queue => routing.queue_id = values::reference_id(lexer)?,
                RoutingData::Language => routing.language_id = self.reference(lexer)?,
                RoutingData::Priority => routing.priority = values::whole(lexer)?,
                RoutingData::Skills => lexer.array(|lexer| {
                    routing.skill_ids.extend(self.reference(lexer)?);
                    Ok(())
                })?,
            }
            Ok(())
        })?;
        Ok(routing)
    }

    /// The messages of a thread: `messageId` in the generic shape, `message.id` in the media one
    /// (FACTS 2.4).
    pub(super) fn message_ids(self, lexer: &mut Lexer<'_>) -> Read<Vec<Text>> {
        let mut ids = Vec::new();
        lexer.array(|lexer| {
            let (mut of_generic, mut of_media) = (None, None);
            lexer.object(|lexer, member| {
                match member {
                    ThreadMessage::MessageId => of_generic = self.text(lexer)?,
                    ThreadMessage::Message => of_media = self.reference(lexer)?,
                }
                Ok(())
            })?;
            ids.extend(of_generic.or(of_media));
            Ok(())
        })?;
        Ok(ids)
    }
}
