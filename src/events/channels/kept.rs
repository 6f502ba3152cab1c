//! The file in which the channels outlive us.
//!
//! It holds the channels' addresses, which are secrets, so it is the owner's alone (0600), and it is
//! replaced whole, so that a crash leaves the old one or the new. Nothing is lost with it but a few
//! of the 20 channels until they expire.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::genesys::notifications::{Channel as Lease, ChannelId};
use crate::genesys::outside::ChannelUri;

/// Twenty channels are about 5 KB; anything much larger is not ours.
const LARGEST: u64 = 1 << 20;

/// What a channel is written as takes less: no buffer grows, which would leave a copy behind that
/// nobody wipes.
const ENTRY: usize = 1 << 10;

#[derive(Deserialize, Serialize)]
struct File<T> {
    channels: Vec<Entry<T>>,
}

/// Written as Genesys writes it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<T> {
    id: T,
    connect_uri: T,
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<T>,
}

/// A channel that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The OAuth client's id; `None` in a file of before there were several.
    pub(crate) client: Option<String>,
    pub(crate) lease: Lease,
}

/// The channels that were kept; none if there is no file.
pub(crate) fn load(file: &Path) -> io::Result<Vec<Kept>> {
    let mut text = Zeroizing::new(Vec::new());
    match fs::File::open(file) {
        Ok(open) => {
            let length = open.metadata()?.len().min(LARGEST);
            text.reserve_exact(usize::try_from(length).unwrap_or(0));
            open.take(LARGEST).read_to_end(&mut text)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // The error's own text could quote an address.
    let read: File<String> = serde_json::from_slice(&text).map_err(|error| {
        let at =
            format!("not a list of channels at line {} column {}", error.line(), error.column());
        io::Error::new(io::ErrorKind::InvalidData, at)
    })?;
    let kept = |entry: Entry<String>| {
        let id = ChannelId::new(&entry.id)?;
        let expires = entry.expires.and_then(|text| text.parse().ok());
        let lease = Lease { id, uri: ChannelUri::new(entry.connect_uri), expires };
        Some(Kept { client: entry.client, lease })
    };
    Ok(read.channels.into_iter().filter_map(kept).collect())
}

/// Replaces the file. Blocks.
pub(crate) fn save(file: &Path, kept: &[Kept]) -> io::Result<()> {
    let channels = kept.iter().map(|Kept { client, lease }| Entry {
        client: client.as_deref(),
        id: lease.id.expose(),
        connect_uri: lease.uri.expose(),
        expires: lease.expires.map(|time| time.to_string()),
    });
    let mut text = Zeroizing::new(Vec::with_capacity(ENTRY * (kept.len() + 1)));
    serde_json::to_writer(&mut *text, &File { channels: channels.collect() })?;
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let draft = Path::new(&name);
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut open = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    open.write_all(&text)?;
    open.sync_all()?;
    fs::rename(draft, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_nobody_else_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("channels.json");
        assert!(load(&file).unwrap().is_empty());
        let kept = |id: &str, expires: Option<&str>, client: Option<&str>| {
            let lease = Lease {
                id: ChannelId::new(id).unwrap(),
                uri: ChannelUri::new(format!("wss://example.test/channels/{id}")),
                expires: expires.map(|text| text.parse().unwrap()),
            };
            Kept { client: client.map(str::to_owned), lease }
        };
        let leases = [
            kept("streaming-1", Some("2026-11-21T14:00:00Z"), None),
            kept("streaming-2", None, Some("b")),
        ];
        for kept in [&leases[..], &leases[1..]] {
            save(&file, kept).unwrap();
            assert_eq!(load(&file).unwrap(), kept);
        }
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_broken_file_is_an_error_that_quotes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("channels.json");
        fs::write(&file, r#"{"channels":["wss://secret"]}"#).unwrap();
        let error = load(&file).unwrap_err().to_string();
        assert!(error.contains("line 1") && !error.contains("secret"), "{error}");
        assert!(save(&dir.path().join("none/channels.json"), &[]).is_err());
    }
}
