//! The daemon as a benchmark starts it: from a configuration of its own, against the other end.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use attributed::app::{Options, Start};
use attributed::config::Config;
use attributed::genesys::outside::Outside;
use attributed::signals::Intent;
use attributed::status::counts::Counts;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// More than any rate here needs.
const LIFTED: NonZeroU32 = NonZeroU32::new(100_000_000).unwrap();

/// Rules of which one in ten holds for the other end's frames, and copies an attribute. Each is of a
/// queue, as is usual.
pub(crate) fn rules() -> String {
    let mut rules = String::new();
    for n in 0..9 {
        writeln!(
            rules,
            "[[rule]]\nname = \"other-{n}\"\nmatch.participant.purpose = \"agent\"\n\
             match.participant.queue = \"40000000-0000-4000-8000-{n:012}\"\n\
             set.\"cc.other\" = \"{n}\"\n"
        )
        .unwrap();
    }
    rules
        + "[[rule]]\nname = \"copy\"\nmatch.participant.purpose = \"agent\"\n\
           match.participant.state = \"connected\"\n\
           match.participant.queue = \"d81980df-75e7-5974-bb04-2d4ccfad9b5d\"\n\
           set.\"cc.copy\" = \"{{ customer.attributes[\\\"bench.value\\\"] }}\"\n"
}

/// A configuration with these lines in `[updates]`, the address where somebody may look at it (empty:
/// nobody), and its rules. What is written is not read again by and by, and no write is one too many.
pub(crate) fn folder(other: SocketAddr, updates: &str, listen: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("rules.toml", &rules());
    write("client-secret", "demo\n");
    let secret = folder.path().join("client-secret");
    fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).unwrap();
    write(
        "attributed.toml",
        &format!(
            "rules = \"rules.toml\"\n\n[genesys]\nregion = \"mypurecloud.de\"\n\
             login_url = \"http://{other}\"\napi_url = \"http://{other}\"\n\
             client_id = \"demo\"\nclient_secret_file = \"client-secret\"\n\n\
             [watch]\nall_users = true\n\n\
             [updates]\n{updates}\nconfirm_after = \"1h\"\n\
             fight_key_writes = 10000\nfight_conversation_writes = 100000\n\n\
             [state]\ndir = \"state\"\n\n[monitoring]\nlisten = \"{listen}\"\ncontrol = \"control.sock\"\n"
        ),
    );
    folder
}

/// With the limits lifted.
pub(crate) fn start(
    folder: &Path,
    options: Options,
    outside: Arc<dyn Outside>,
    counts: Arc<Counts>,
    intents: mpsc::Receiver<Intent>,
) -> Start {
    let file = folder.join("attributed.toml");
    let (mut config, ..) = Config::load(Some(&file), &|_| None).unwrap();
    config.updates.requests_per_second = LIFTED;
    config.updates.requests_per_minute = LIFTED;
    let again = config.clone();
    let reread = Box::new(move || Ok(again.clone()));
    Start { config, options, outside, counts, level: None, intents, reread }
}
