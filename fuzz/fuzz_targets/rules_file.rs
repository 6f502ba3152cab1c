//! Whatever an administrator saves as rules: it is read or refused with its problems, and never a
//! panic; what is read can be looked with.

#![no_main]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use attributed::config::fence::AllowedKeys;
use attributed::events::conversation::Conversation;
use attributed::events::read_generic;
use attributed::genesys::names::Names;
use attributed::rules::{Context, RuleFile, Standing, Tables};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

/// Somebody to look at.
static CALL: LazyLock<Conversation> = LazyLock::new(|| {
    let text = include_str!("../../tests/samples/events/voice-inbound-03-held.json");
    let frame: serde_json::Value = serde_json::from_str(text).expect("the sample is JSON");
    read_generic(&frame["eventBody"].to_string()).expect("the sample is a conversation")
});

fuzz_target!(|text: &str| {
    match RuleFile::parse(Path::new("rules.toml"), text, &AllowedKeys::all()) {
        Ok((file, warnings)) => {
            warnings.iter().for_each(|warning| drop(warning.to_string()));
            let tables = Tables::inline(&file.lists);
            let (rules, _unknown) = file.bind(Arc::new(Names::default()), &tables);
            let watched = BTreeSet::new();
            let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
            rules.look(&CALL, &context, &mut Standing::default());
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a word");
            problems.iter().for_each(|problem| drop(problem.to_string()));
        }
    }
});
