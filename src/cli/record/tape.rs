//! The file of a recording: made anew, for its owner only, one line for each frame.

use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::pseudonym::Pseudonyms;
use super::redact::redact;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::events::channels::Received;
use crate::events::recorded::{About, Heading};

pub(super) struct Tape {
    file: BufWriter<File>,
    /// `None`: everything is written as it came.
    pseudonyms: Option<Pseudonyms>,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    /// Frames that could not be made unrecognisable.
    pub(super) left_out: u64,
}

impl Tape {
    /// Makes the file; one that is there already is left alone.
    pub(super) async fn create(
        path: &Path,
        pseudonyms: Option<Pseudonyms>,
    ) -> Result<Tape, Failure> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path).await;
        let file = file.map_err(|error| {
            let message = format!("{} cannot be made: {error}", path.display());
            if error.kind() == io::ErrorKind::AlreadyExists {
                Failure::usage(message).help("recordings are not overwritten: name another file")
            } else {
                Failure::new(Exit::Unavailable, message)
            }
        })?;
        let file = BufWriter::new(file);
        Ok(Tape { file, pseudonyms, frames: 0, bytes: 0, left_out: 0 })
    }

    /// The first line.
    pub(super) async fn head(&mut self, about: About) -> io::Result<()> {
        let line = serde_json::to_string(&Heading { recording: about })?;
        self.write(line).await
    }

    /// # Cancel safety
    ///
    /// When dropped, part of the line may have been written.
    pub(super) async fn take(&mut self, received: &Received) -> io::Result<()> {
        match line(received, self.pseudonyms.as_ref()) {
            Some(line) => {
                self.frames += 1;
                self.write(line).await
            }
            None => {
                self.left_out += 1;
                Ok(())
            }
        }
    }

    /// What was taken is in the file from now on.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.file.flush().await
    }

    async fn write(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        self.bytes += line.len() as u64;
        self.file.write_all(line.as_bytes()).await
    }
}

/// The frame, with when and on which channel it was received.
fn line(received: &Received, pseudonyms: Option<&Pseudonyms>) -> Option<String> {
    let mut frame: Map<String, Value> =
        serde_json::from_str(received.text.as_ref()?.as_str()).ok()?;
    if let Some(pseudonyms) = pseudonyms {
        redact(&mut frame, pseudonyms);
    }
    frame.insert("received_at".to_owned(), json!(received.received_at.to_string()));
    frame.insert("channel".to_owned(), json!(received.channel));
    Some(Value::Object(frame).to_string())
}
