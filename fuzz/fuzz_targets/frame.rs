//! Whatever a socket or the API sends: reading it gives a value or an error, and never a panic.
//!
//! What can be read is looked at by every rule that the simulator comes with, too.

#![no_main]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use attributed::config::fence::AllowedKeys;
use attributed::events::conversation::Conversation;
use attributed::events::frame::Frame;
use attributed::events::{read_generic, read_rest};
use attributed::genesys::names::Names;
use attributed::rules::{Context, RuleFile, Rules, Standing, Tables};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let text = include_str!("../../rules.example.toml");
    let (file, _) = RuleFile::parse(Path::new("rules.toml"), text, &AllowedKeys::all())
        .expect("the example is right");
    file.bind(Arc::new(Names::default()), &Tables::inline(&file.lists)).0
});

fuzz_target!(|text: &str| {
    if let Frame::Conversation { body, conversation, .. } = Frame::read(text)
        && let Ok(conversation) = conversation
    {
        look(&conversation, &text[body]);
    }
    if let Ok(conversation) = read_generic(text) {
        look(&conversation, text);
    }
    if let Ok(conversation) = read_rest(text.as_bytes()) {
        look(&conversation, text);
    }
});

fn look(conversation: &Conversation, body: &str) {
    let watched = BTreeSet::new();
    let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: Some(body) };
    RULES.look(conversation, &context, &mut Standing::default());
}
