//! The asking side: one question, one answer, with an end to all waiting.
//!
//! Blocks, as only a command may that has nothing else to do.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Answer, MAX_ANSWER, Request};

/// A little longer than the service takes for its longest answer.
const PATIENCE: Duration = Duration::from_secs(90);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no service answers at {} ({error})", .path.display())]
    NobodyThere { path: PathBuf, error: io::Error },
    #[error("not allowed to ask at {}", .path.display())]
    NotAllowed { path: PathBuf },
    /// It may have been done all the same.
    #[error("the service at {} gave no answer: {error}", .path.display())]
    NoAnswer { path: PathBuf, error: io::Error },
    #[error("what answers at {} is another version of the service, or something else", .path.display())]
    NotUnderstood { path: PathBuf },
}

/// Asks the service whose control socket is at `path`.
///
/// # Errors
///
/// If no answer comes.
pub fn ask(path: &Path, request: &Request) -> Result<Answer, AskError> {
    let stream = UnixStream::connect(path).map_err(|error| {
        let path = path.to_owned();
        if error.kind() == io::ErrorKind::PermissionDenied {
            AskError::NotAllowed { path }
        } else {
            AskError::NobodyThere { path, error }
        }
    })?;
    let line = converse(stream, request)
        .map_err(|error| AskError::NoAnswer { path: path.to_owned(), error })?;
    serde_json::from_slice(&line)
        .map_err(|_not_ours| AskError::NotUnderstood { path: path.to_owned() })
}

fn converse(mut stream: UnixStream, request: &Request) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    // Whoever may not ask is told so before the question is read.
    let sent = stream.write_all(&line);
    let mut answer = Vec::new();
    BufReader::new(stream).take(MAX_ANSWER as u64).read_until(b'\n', &mut answer)?;
    if answer.is_empty() {
        sent?;
        let message = "it closed the connection, as it does when it stops";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
    }
    Ok(answer)
}
