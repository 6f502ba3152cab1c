//! Reading the ring: the lines of one conversation, out of files that another may be writing.
//!
//! A line that cannot be read, such as the torn end of a process that was killed, is passed over.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::files::{self, STORY_FOLDER};
use super::{Record, Told, What};
use crate::genesys::ConversationId;

/// Of one answer. A conversation with more is told from its newest on.
const MAX_RECORDS: usize = 10_000;
/// Longer lines are none of ours.
const MAX_LINE: u64 = 64 * 1024;

/// The story of a conversation, or of one of its keys, in a state directory.
///
/// # Errors
///
/// If the files cannot be read.
pub fn at_rest(state: &Path, conversation: &ConversationId, key: Option<&str>) -> io::Result<Told> {
    in_folder(&state.join(STORY_FOLDER), conversation, key)
}

pub(super) fn in_folder(
    folder: &Path,
    conversation: &ConversationId,
    key: Option<&str>,
) -> io::Result<Told> {
    let mut found = Found::default();
    let segments = files::all(folder)?;
    let since = segments.first().map(|segment| segment.began);
    // As it stands in a line.
    let needle = serde_json::to_string(conversation)?;
    for segment in &segments {
        match File::open(&segment.path) {
            Ok(file) => read(file, &needle, |record| found.take(record, conversation, key))?,
            // It was the oldest, and is gone by now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Told { since, ..found.told() })
}

/// Gives what is about the conversation, or about all of them.
fn read(file: File, needle: &str, mut take: impl FnMut(Record)) -> io::Result<()> {
    let mut lines = BufReader::with_capacity(256 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        // Parsing all would take ten times as long.
        let Ok(text) = std::str::from_utf8(&line) else { continue };
        if !text.contains(needle) && !text.contains("\"c\":\"\"") {
            continue;
        }
        if let Ok(record) = serde_json::from_str(text) {
            take(record);
        }
    }
}

#[derive(Default)]
struct Found {
    records: VecDeque<Record>,
    left_out: u64,
    /// The newest start, which is told only if something follows.
    start: Option<Record>,
}

impl Found {
    fn take(&mut self, record: Record, conversation: &ConversationId, key: Option<&str>) {
        let about_all = record.key.is_empty();
        let of_another = record.conversation != *conversation;
        let unwanted = of_another || key.is_some_and(|key| key != &*record.key);
        // What was before the first event is of no interest.
        if (about_all && self.records.is_empty()) || (!about_all && unwanted) {
            return;
        }
        if record.what == What::Started {
            self.start = Some(record);
            return;
        }
        let start = self.start.take();
        for record in start.into_iter().chain([record]) {
            if self.records.len() == MAX_RECORDS {
                self.records.pop_front();
                self.left_out += 1;
            }
            self.records.push_back(record);
        }
    }

    fn told(self) -> Told {
        Told { records: self.records.into(), left_out: self.left_out, ..Told::default() }
    }
}
