//! `attributed replay`: recorded events through the rules, and what would be written.
//!
//! The daemon's own reader, order and rules; nothing is asked and nothing is written. With
//! `--against` two rules files see the same events, and it is said which writes appear, disappear
//! and change. A line that cannot be read is shown with its number and never ends it.

mod compare;
mod ledger;
mod lines;
mod player;
mod session;
mod shown;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use self::compare::compare;
use self::lines::Lines;
use self::player::{Player, Written};
use self::session::Session;
use self::shown::{Report, Voice};
use super::exit::Exit;
use super::failure::Failure;
use super::ground::Ground;
use super::print::eprint;
use super::{Output, runtime};

/// Examples.
pub(super) const AFTER_HELP: &str = "\
Examples:
  attributed replay events.jsonl
  attributed replay events.jsonl --rules new-rules.toml --against rules.toml
  attributed replay events.jsonl --speed 10x

A line is a frame as it was received, with `received_at` and `channel` in it if they are known
(`attributed record` writes such files), or the body of an event. Each write is counted when its
value is first wished: requests of the daemon may hold several of them. The budget and the fight
guard have no part in it.

Exit codes: 0 played, whatever was written; 1 there was no event in it; 2 usage; 69 the file cannot
be read; 78 bad configuration or rules.";

#[derive(Debug, clap::Args)]
pub(super) struct ReplayArguments {
    /// The recording, one event a line; `-` is standard input
    file: PathBuf,
    /// Rules to try [default: the configuration's]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Say which writes appear, disappear and change, compared to these rules
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// So many times as fast as it was recorded, and show each write as it is made [default: as
    /// fast as possible]
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
}

/// From a thousandth to a million: what is beyond has no use, and would be too much for a clock.
const SPEEDS: RangeInclusive<f64> = 0.001..=1e6;

/// `10x`, or `10`.
fn speed(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix(['x', 'X']).unwrap_or(text);
    match number.parse::<f64>() {
        Ok(speed) if SPEEDS.contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err("write for example 10x or 0.5x; 0.001x to 1000000x".to_owned()),
    }
}

pub(super) fn replay(file: Option<&Path>, output: Output, arguments: &ReplayArguments) -> Exit {
    let ground = match Ground::new(file, arguments.rules.is_some()) {
        Ok(ground) => ground,
        Err(exit) => return exit,
    };
    let files = [arguments.rules.as_deref()].into_iter();
    let files = files.chain(arguments.against.as_deref().map(Some));
    let mut sessions = Vec::new();
    for rules in files {
        match ground.read_rules(rules) {
            Ok(rules) => {
                sessions.push(Session::new(ground.bind(&rules), arguments.against.is_some()));
            }
            Err(exit) => return exit,
        }
    }
    let player = Player::new(sessions, ground.watched(), Timestamp::now());
    match played(player, output, arguments) {
        Ok(exit) => exit,
        Err(failure) => {
            eprint(&failure.to_string());
            failure.exit
        }
    }
}

fn played(player: Player, output: Output, arguments: &ReplayArguments) -> Result<Exit, Failure> {
    let lines = Lines::new(open(&arguments.file)?);
    let runtime = runtime().map_err(|exit| Failure::new(exit, "the replay cannot be started"))?;
    let mut voice = Voice::new(&arguments.file, output, arguments.speed.is_some());
    let mut play = Play { player, speed: arguments.speed, begun: Instant::now(), first: None };
    runtime.block_on(play.all(lines, &mut voice)).map_err(|error| {
        Failure::missing(format!("{} cannot be read: {error}", arguments.file.display()))
    })?;
    let took = play.begun.elapsed();
    let Player { counts, mut sessions, .. } = play.player;
    let new = sessions.swap_remove(0);
    let report = Report { counts, took, paced: arguments.speed.is_some() };
    voice.rules(&new);
    if let Some(old) = sessions.pop() {
        voice.changes(&compare(old.into_history(), new.into_history()));
    }
    voice.end(&report);
    Ok(if counts.events == 0 { Exit::Failed } else { Exit::Fine })
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = File::open(file);
    let opened = opened
        .map_err(|error| Failure::missing(format!("{} cannot be read: {error}", file.display())))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// One run through a recording.
struct Play {
    player: Player,
    speed: Option<f64>,
    begun: Instant,
    first: Option<Timestamp>,
}

impl Play {
    async fn all(&mut self, mut lines: Lines, voice: &mut Voice) -> io::Result<()> {
        while let Some(line) = lines.next()? {
            let mut tell = |written: &Written| {
                // The old rules are only compared with.
                if written.session == 0 {
                    voice.written(written);
                }
            };
            let taken = match line.text {
                Ok(text) => self.player.take(&text, &mut tell),
                Err(reason) => Err(self.player.bad(reason)),
            };
            if let Err(bad) = taken {
                voice.bad_line(line.number, &bad);
            }
            self.keep_pace().await;
        }
        Ok(())
    }

    /// Waits until the recording would have come so far.
    async fn keep_pace(&mut self) {
        let Some(speed) = self.speed else { return };
        let now = self.player.now();
        let first = *self.first.get_or_insert(now);
        let since = now.duration_since(first).unsigned_abs();
        sleep_until(self.begun + since.div_f64(speed)).await;
    }
}
