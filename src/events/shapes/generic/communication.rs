//! One communication of a participant: all that any medium has.

use crate::events::conversation::{Communication, Direction, Media, Text};
use crate::events::shapes::keys::known;
use crate::events::shapes::lexer::{Lexer, Read};
use crate::events::shapes::values::{self, Source};

known! {
    Of {
        Id = "id",
        State = "state",
        InitialState = "initialState",
        Direction = "direction",
        Held = "held",
        Muted = "muted",
        Recording = "recording",
        DisconnectType = "disconnectType",
        ConnectedTime = "connectedTime",
        DisconnectedTime = "disconnectedTime",
        StartHoldTime = "startHoldTime",
        AfterCallWork = "afterCallWork",
        Wrapup = "wrapup",
        OurSide = "self",
        Other = "other",
        ToAddress = "toAddress",
        FromAddress = "fromAddress",
        Provider = "provider",
        ScriptId = "scriptId",
        PeerId = "peerId",
        Kind = "type",
        Messages = "messages",
        Subject = "subject",
        CallbackNumbers = "callbackNumbers",
        CallbackUserName = "callbackUserName",
    }
}

known! { OfWork { State = "state", EndTime = "endTime", } }

known! {
    OfEndpoint { Name = "name", Normalized = "addressNormalized", Raw = "addressRaw", }
}

/// One of the two sides, as calls and messages describe them.
#[derive(Default)]
struct Endpoint {
    name: Option<Text>,
    address: Option<Text>,
}

/// The sides of the communication, by either way to name them.
#[derive(Default)]
struct Sides {
    ours: Option<Endpoint>,
    other: Option<Endpoint>,
    to: Option<Endpoint>,
    from: Option<Endpoint>,
}

pub(super) fn read(
    source: Source<'_>,
    lexer: &mut Lexer<'_>,
    media: Media,
) -> Read<Option<Communication>> {
    let (mut read, mut sides) = (Communication::new(media), Sides::default());
    let leg = &mut read;
    let is_object = lexer.object(|lexer, member| {
        match member {
            Of::Id => leg.id = source.text(lexer)?,
            Of::State => leg.state = source.word(lexer)?,
            Of::InitialState => leg.initial_state = source.word(lexer)?,
            Of::Direction => leg.direction = values::direction(lexer)?,
            Of::Held => leg.held = lexer.flag()?,
            Of::Muted => leg.muted = lexer.flag()?,
            Of::Recording => leg.recording = lexer.flag()?,
            Of::DisconnectType => leg.disconnect_type = source.disconnect_type(lexer)?,
            Of::ConnectedTime => leg.connected_time = values::time(lexer)?,
            Of::DisconnectedTime => leg.disconnected_time = values::time(lexer)?,
            Of::StartHoldTime => leg.start_hold_time = values::time(lexer)?,
            Of::AfterCallWork => after_call_work(source, lexer, leg)?,
            Of::Wrapup => leg.wrapup_code = source.wrapup_code(lexer)?,
            Of::OurSide => sides.ours = endpoint(source, lexer)?,
            Of::Other => sides.other = endpoint(source, lexer)?,
            Of::ToAddress => sides.to = endpoint(source, lexer)?,
            Of::FromAddress => sides.from = endpoint(source, lexer)?,
            Of::Provider => leg.provider = source.text(lexer)?,
            Of::ScriptId => leg.script_id = source.text(lexer)?,
            Of::PeerId => leg.peer_id = source.text(lexer)?,
            Of::Kind => leg.message_type = source.word(lexer)?,
            Of::Messages => leg.message_ids = source.message_ids(lexer)?,
            Of::Subject => leg.subject = source.text(lexer)?,
            Of::CallbackNumbers => leg.callback_numbers = source.addresses(lexer)?,
            Of::CallbackUserName => leg.callback_user_name = source.text(lexer)?,
        }
        Ok(())
    })?;
    sides.name(&mut read);
    Ok(is_object.then_some(read))
}

impl Sides {
    /// Calls name the two sides; messages name sender and receiver, so that which of them is ours
    /// depends on the direction.
    fn name(self, leg: &mut Communication) {
        let (ours, other) = match leg.direction {
            Some(Direction::Outbound) => (self.from, self.to),
            Some(Direction::Inbound) | None => (self.to, self.from),
        };
        let ours = self.ours.or(ours).unwrap_or_default();
        let other = self.other.or(other).unwrap_or_default();
        leg.self_address = ours.address;
        leg.other_address = other.address;
        leg.other_name = other.name;
    }
}

fn after_call_work(source: Source<'_>, lexer: &mut Lexer<'_>, leg: &mut Communication) -> Read<()> {
    let read = lexer.object(|lexer, member| {
        match member {
            OfWork::State => leg.after_call_work = source.word(lexer)?,
            OfWork::EndTime => leg.after_call_work_ended = values::time(lexer)?,
        }
        Ok(())
    });
    read.map(drop)
}

fn endpoint(source: Source<'_>, lexer: &mut Lexer<'_>) -> Read<Option<Endpoint>> {
    let (mut name, mut normalized, mut raw) = (None, None, None);
    let is_object = lexer.object(|lexer, member| {
        match member {
            OfEndpoint::Name => name = source.text(lexer)?,
            OfEndpoint::Normalized => normalized = source.address(lexer)?,
            OfEndpoint::Raw => raw = source.address(lexer)?,
        }
        Ok(())
    })?;
    Ok(is_object.then(|| Endpoint { name, address: normalized.or(raw) }))
}
