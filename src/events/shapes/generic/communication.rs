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

/// Reads one in the place where it will stay.
pub(super) fn read(
    source: Source<'_>,
    lexer: &mut Lexer<'_>,
    media: Media,
    all: &mut Vec<Communication>,
) -> Read<()> {
    if lexer.peek()? != b'{' {
        return lexer.skip_value();
    }
    let mut sides = Sides::default();
    // Most have one of each medium, and room for four would be kept as long as the snapshot.
    all.reserve_exact(1);
    all.push(Communication::new(media));
    let Some(leg) = all.last_mut() else { return lexer.skip_value() };
    lexer.object(|lexer, member| {
        match member {
            Of::Id => source.text(lexer, &mut leg.id)?,
            Of::State => source.word(lexer, &mut leg.state)?,
            Of::InitialState => source.word(lexer, &mut leg.initial_state)?,
            Of::Direction => leg.direction = values::direction(lexer)?,
            Of::Held => leg.held = lexer.flag()?,
            Of::Muted => leg.muted = lexer.flag()?,
            Of::Recording => leg.recording = lexer.flag()?,
            Of::DisconnectType => source.disconnect_type(lexer, &mut leg.disconnect_type)?,
            Of::ConnectedTime => values::time(lexer, &mut leg.connected_time)?,
            Of::DisconnectedTime => values::time(lexer, &mut leg.disconnected_time)?,
            Of::StartHoldTime => values::time(lexer, &mut leg.start_hold_time)?,
            Of::AfterCallWork => after_call_work(source, lexer, leg)?,
            Of::Wrapup => source.wrapup_code(lexer, &mut leg.wrapup_code)?,
            Of::OurSide => endpoint(source, lexer, &mut sides.ours)?,
            Of::Other => endpoint(source, lexer, &mut sides.other)?,
            Of::ToAddress => endpoint(source, lexer, &mut sides.to)?,
            Of::FromAddress => endpoint(source, lexer, &mut sides.from)?,
            Of::Provider => source.text(lexer, &mut leg.provider)?,
            Of::ScriptId => source.text(lexer, &mut leg.script_id)?,
            Of::PeerId => source.text(lexer, &mut leg.peer_id)?,
            Of::Kind => source.word(lexer, &mut leg.message_type)?,
            Of::Messages => source.message_ids(lexer, &mut leg.message_ids)?,
            Of::Subject => source.text(lexer, &mut leg.subject)?,
            Of::CallbackNumbers => {
                source.each(lexer, &mut leg.callback_numbers, Source::address)?;
            }
            Of::CallbackUserName => source.text(lexer, &mut leg.callback_user_name)?,
        }
        Ok(())
    })?;
    sides.name(leg);
    Ok(())
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
            OfWork::State => source.word(lexer, &mut leg.after_call_work)?,
            OfWork::EndTime => values::time(lexer, &mut leg.after_call_work_ended)?,
        }
        Ok(())
    });
    read.map(drop)
}

fn endpoint(source: Source<'_>, lexer: &mut Lexer<'_>, place: &mut Option<Endpoint>) -> Read<()> {
    if lexer.peek()? != b'{' {
        return lexer.skip_value();
    }
    let Endpoint { name, address } = place.get_or_insert_default();
    let mut raw = None;
    lexer.object(|lexer, member| match member {
        OfEndpoint::Name => source.text(lexer, name),
        OfEndpoint::Normalized => source.address(lexer, address),
        OfEndpoint::Raw => {
            raw = lexer.text()?;
            Ok(())
        }
    })?;
    if address.is_none()
        && let Some(raw) = raw
    {
        source.address_of(raw, address);
    }
    Ok(())
}
