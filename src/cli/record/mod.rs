//! `attributed record`: live events to a file, for `replay`.
//!
//! Reads only: it makes a channel of its own, by the daemon's own parts, and writes nothing to
//! Genesys Cloud. Whom to watch is asked once, at the start. Unless told otherwise, twice, the file
//! holds nothing by which somebody could be recognised (see `redact`).

mod consent;
mod pseudonym;
mod redact;
mod tape;

use crate::status::counted::counted;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::pseudonym::Pseudonyms;
use self::tape::Tape;
use super::exit::Exit;
use super::failure::Failure;
use super::patience::Patient;
use super::print::{eprint, eprint_problems};
use super::run::intents;
use super::terminal::Console;
use super::{load, runtime};
use crate::config::{Config, Log, LogFormat, LogLevel, duration};
use crate::events::channels::topics::TOPICS_PER_CHANNEL;
use crate::events::channels::{Channels, ChannelsState, Notice, QUEUE, Received};
use crate::events::recorded::About;
use crate::events::topic::Topic;
use crate::genesys::call::Api;
use crate::genesys::clients::Clients;
use crate::genesys::directory::{Known, Watching, refresh};
use crate::genesys::http::Internet;
use crate::genesys::names::NamesWanted;
use crate::signals::Intent;
use crate::status::counts::Counts;
use crate::status::logging;
use crate::status::pulse::Pulse;

/// Examples, and what it costs.
pub(super) const AFTER_HELP: &str = "\
Examples:
  attributed record events.jsonl --for 10m
  attributed replay events.jsonl --rules new-rules.toml

It makes notification channels of its own: one for each 1,000 topics, of the 20 that an OAuth client
may have. There is no way to delete a channel: it goes a day after its last use, and the next
recording uses it again. The requests of the start count against the budget. Nothing is written to
Genesys Cloud, and the daemon goes on undisturbed.

Ids, enumerations and times stay as they are; everything else becomes a pseudonym with a key that
nobody keeps. Pseudonyms keep the length, the first digits of numbers, and the domain of addresses.

Exit codes: 0 recorded; 1 declined; 2 usage; 69 not reachable, or the file cannot be written; 75 try
again; 77 not permitted; 78 bad configuration.";

/// Frames on their way to the file are written at once when there are no more, or so many.
const BATCH: usize = 64;
const NOTICES_WAITING: usize = 64;
/// Between two lines that say how far it is.
const PROGRESS: Duration = Duration::from_secs(10);
/// A recording without an end has this one: longer ones should say so.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, clap::Args)]
pub(super) struct RecordArguments {
    /// The file; it must not be there yet
    file: PathBuf,
    /// End after this time [default: at Ctrl-C, at the latest after a day]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    length: Option<Duration>,
    /// Write everything as it is: names, numbers, subjects and values of all who are in the
    /// conversations. Asks twice
    #[arg(long)]
    unredacted: bool,
    /// Do not ask; without a terminal `--unredacted` needs it twice
    #[arg(long, action = clap::ArgAction::Count)]
    yes: u8,
}

pub(super) fn record(file: Option<&Path>, arguments: &RecordArguments) -> Exit {
    let (config, warnings) = match load(file) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    eprint_problems(&warnings);
    match prepared(&config, arguments) {
        Ok(()) => Exit::Fine,
        Err(failure) => {
            eprint(&failure.to_string());
            failure.exit
        }
    }
}

fn prepared(config: &Config, arguments: &RecordArguments) -> Result<(), Failure> {
    let pseudonyms = if arguments.unredacted {
        consent::ask(&arguments.file, arguments.yes, &mut Console)?;
        None
    } else {
        let made = Pseudonyms::new();
        Some(made.map_err(|_| Failure::missing("the system gives no random numbers for a key"))?)
    };
    let log = Log { format: LogFormat::Text, level: LogLevel::Warn };
    logging::set_up(&log, None)
        .map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
    let internet = Internet::new(&config.network)
        .map_err(|error| Failure::new(Exit::BadConfig, error.to_string()))?;
    let intents =
        intents().map_err(|exit| Failure::new(exit, "the recording cannot be started"))?;
    let runtime =
        runtime().map_err(|exit| Failure::new(exit, "the recording cannot be started"))?;
    runtime.block_on(async {
        let internet = Arc::new(internet);
        let outside = Arc::clone(&internet);
        let counts = Arc::new(Counts::default());
        let clients = Clients::new(&config.genesys, &config.updates, internet, Arc::clone(&counts));
        let dialect = config.genesys.dialect;
        clients.start().await.map_err(|error| Failure::of_call(&error, dialect))?;
        let watching = watching(config, &Patient { api: Arc::clone(&clients) as _ }).await?;
        // Before anything is made at Genesys Cloud, and not before it is known that it works.
        let tape = Tape::create(&arguments.file, pseudonyms).await?;
        let (frames, received) = mpsc::channel(QUEUE);
        let (notices, heard) = mpsc::channel(NOTICES_WAITING);
        let (state, _) = watch::channel(ChannelsState::default());
        let channels = Channels {
            clients: clients.bound(),
            standings: clients.standings(),
            outside,
            settings: crate::config::Channels { copies: 1, ..config.channels.clone() },
            // Of its own: the daemon's channels are the daemon's.
            state_file: Some(config.state.dir.join("record-channels.json")),
            frames,
            whole_texts: true,
            notices,
            state,
            counts,
            beat: Pulse::default().add("channels"),
        };
        let joints = Joints { received, heard, intents };
        let recording = Recording { tape, joints, arguments };
        recording.run(channels, &watching).await
    })
}

/// Asks once who is to be watched.
async fn watching(config: &Config, api: &dyn Api) -> Result<Watching, Failure> {
    let mut known = Known::default();
    let wanted = NamesWanted::default();
    let failed = refresh(api, &config.watch, &wanted, &mut known).await;
    for failed in &failed {
        eprint(&format!("warning: {failed}"));
    }
    let watching = known.watching(&config.watch, &wanted);
    for unknown in &watching.unknown {
        eprint(&format!("warning: Genesys Cloud knows no {unknown}"));
    }
    if !watching.users.is_empty() || !watching.queues.is_empty() {
        return Ok(watching);
    }
    let exit = match failed.first() {
        Some(failed) if failed.temporary => Exit::TryAgain,
        Some(_) => Exit::Refused,
        None => Exit::BadConfig,
    };
    Err(Failure::new(exit, "there is nobody to watch, so nothing to record")
        .help("see [watch] in the configuration; `attributed check --online` tells more"))
}

/// The ends of what the channels are joined to.
struct Joints {
    received: mpsc::Receiver<Received>,
    heard: mpsc::Receiver<Notice>,
    intents: mpsc::Receiver<Intent>,
}

/// One recording under way.
struct Recording<'a> {
    tape: Tape,
    joints: Joints,
    arguments: &'a RecordArguments,
}

enum Event {
    Frames(usize),
    Notice(Notice),
    /// The time is over, or somebody wants it to end.
    End,
    Progress,
}

impl Recording<'_> {
    async fn run(mut self, channels: Channels, watching: &Watching) -> Result<(), Failure> {
        let topics = topics(watching);
        introduce(watching, topics.len(), self.arguments);
        let about = About {
            version: 1,
            started_at: Some(Timestamp::now().to_string()),
            redacted: !self.arguments.unredacted,
            watched: watching.users.iter().map(ToString::to_string).collect(),
        };
        self.tape.head(about).await.map_err(unwritten)?;
        let stop = CancellationToken::new();
        let (_keep, topics) = watch::channel(Arc::new(topics));
        let mut tasks = JoinSet::new();
        tasks.spawn(channels.run(topics, stop.clone()));
        let ended = self.listen().await;
        stop.cancel();
        // What is on its way still counts; the channels leave within a few seconds.
        let drained = self.drain(&mut tasks).await;
        let result = ended.and(drained);
        if result.is_err() && self.tape.frames == 0 {
            // Nothing is in it, and it would be in the way of the next try.
            let removed = tokio::fs::remove_file(&self.arguments.file).await;
            removed.map_err(unwritten)?;
        } else {
            self.conclude();
        }
        result
    }

    /// Writes down what comes until the end.
    async fn listen(&mut self) -> Result<(), Failure> {
        let end = Instant::now() + self.arguments.length.unwrap_or(LONGEST);
        let mut progress = Instant::now() + PROGRESS;
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let joints = &mut self.joints;
            let event = tokio::select! {
                biased;
                () = sleep_until(end) => Event::End,
                intent = joints.intents.recv() => match intent {
                    Some(Intent::Reload) => continue,
                    Some(Intent::Stop) | None => Event::End,
                },
                Some(notice) = joints.heard.recv() => Event::Notice(notice),
                count = joints.received.recv_many(&mut batch, BATCH) => Event::Frames(count),
                () = sleep_until(progress) => Event::Progress,
            };
            match event {
                Event::End => return Ok(()),
                Event::Frames(0) => {
                    return Err(Failure::missing("the channels have ended; see the lines above"));
                }
                Event::Frames(_) => self.write(&mut batch).await?,
                Event::Notice(notice) => heed(&notice)?,
                Event::Progress => {
                    progress = Instant::now() + PROGRESS;
                    eprint(&format!("{} frames, {} KB", self.tape.frames, self.tape.bytes / 1000));
                }
            }
        }
    }

    async fn drain(&mut self, tasks: &mut JoinSet<()>) -> Result<(), Failure> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                count = self.joints.received.recv_many(&mut batch, BATCH) => match count {
                    0 => break,
                    _ => self.write(&mut batch).await?,
                },
                Some(_) = self.joints.heard.recv() => {}
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|_| Failure::missing("internal failure: the channels panicked"))?;
        }
        Ok(())
    }

    async fn write(&mut self, batch: &mut Vec<Received>) -> Result<(), Failure> {
        for received in batch.drain(..) {
            self.tape.take(&received).await.map_err(unwritten)?;
        }
        self.tape.flush().await.map_err(unwritten)
    }

    fn conclude(&self) {
        let Tape { frames, bytes, left_out, .. } = &self.tape;
        let file = self.arguments.file.display();
        eprint(&format!("{frames} frames, {} KB in {file}", bytes / 1000));
        if *left_out > 0 {
            eprint(&format!("warning: {left_out} frames could not be redacted and are left out"));
        }
        if *frames == 0 {
            eprint("note: nothing happened in the conversations of those who are watched");
        }
    }
}

fn topics(watching: &Watching) -> BTreeSet<Topic> {
    let users = watching.users.iter().cloned().map(Topic::User);
    users.chain(watching.queues.iter().cloned().map(Topic::Queue)).collect()
}

/// What it does, and what that costs.
fn introduce(watching: &Watching, topics: usize, arguments: &RecordArguments) {
    let (users, queues) = (watching.users.len(), watching.queues.len());
    let channels = topics.div_ceil(TOPICS_PER_CHANNEL);
    let end = match arguments.length {
        Some(length) => format!("for {}", duration::show(length)),
        None => "until Ctrl-C".to_owned(),
    };
    let how = if arguments.unredacted { "as it is" } else { "redacted" };
    eprint(&format!(
        "recording {} and {}, {how}, {end}; this takes {channels} of the OAuth client's 20 \
         channels, for a day",
        counted(users, "user"),
        counted(queues, "queue")
    ));
}

/// What the channels have to say, as far as it matters here.
fn heed(notice: &Notice) -> Result<(), Failure> {
    match notice {
        Notice::Ready { permitted, rejected, .. } => {
            let permitted = counted(*permitted, "topic");
            eprint(&format!("listening to {permitted} ({rejected} rejected)"));
        }
        Notice::Gap { since, until, .. } => {
            eprint(&format!("warning: events may be missing from {since} to {until}"));
        }
        Notice::NoneAllowed { missing_permissions } => {
            let missing: Vec<&str> = missing_permissions.iter().map(String::as_str).collect();
            return Err(Failure::new(Exit::Refused, "not one topic is permitted")
                .help(format!("give a role of the OAuth client {}", missing.join(", "))));
        }
        // The channels log them, and subscribe again.
        Notice::TokenRevoked { .. } | Notice::Rejected { .. } => {}
    }
    Ok(())
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::missing(format!("the file cannot be written: {error}"))
        .help("what was written before is whole, but for the last line")
}
