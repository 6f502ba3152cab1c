//! The command line: one file for each command, and the words that all of them share.

mod check;
mod config_show;
mod daemon;
mod dead_letters;
#[cfg(feature = "simulator")]
mod demo;
pub mod exit;
mod explain;
mod failure;
mod generate;
mod ground;
mod log_level;
mod online;
mod paint;
mod patience;
mod pause;
mod print;
mod record;
mod reload;
mod replay;
mod rules;
mod run;
mod set;
#[cfg(feature = "simulator")]
mod simulate;
mod status;
mod terminal;
mod test;
mod why;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::problem::Problem;
use crate::config::{Config, Loaded};
#[cfg(feature = "simulator")]
use crate::signals::Intent;
use exit::Exit;
use print::eprint_problems;

/// What `--version` says; `-V` leaves it at the number.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("ATTRIBUTED_COMMIT"),
    "\nfeatures: ",
    env!("ATTRIBUTED_FEATURES"),
);

/// Keeps participant attributes on live Genesys Cloud conversations as your rules say.
#[derive(Debug, Parser)]
#[command(name = "attributed", version, long_version = VERSION, propagate_version = true)]
pub struct Arguments {
    /// The configuration [default: ./attributed.toml, then /etc/attributed/attributed.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to print what a program may want to read
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon
    Run(run::RunArguments),
    /// Check the configuration and the rules; every problem with its place
    Check(check::CheckArguments),
    /// Test the rules: cases with events and what has to come of them
    #[command(after_help = test::AFTER_HELP)]
    Test(test::TestArguments),
    /// Why a rule matches a conversation, or does not, condition by condition
    #[command(after_help = explain::AFTER_HELP)]
    Explain(explain::ExplainArguments),
    /// Write live events to a file, names, numbers and values made unrecognisable
    #[command(after_help = record::AFTER_HELP)]
    Record(record::RecordArguments),
    /// Play recorded events through the rules, and show what would be written
    #[command(after_help = replay::AFTER_HELP)]
    Replay(replay::ReplayArguments),
    /// Merge attributes into one participant now
    #[command(after_help = set::AFTER_HELP)]
    Set(set::SetArguments),
    /// The running daemon in one screen: is all well, and if not, why and what to do
    #[command(after_help = status::AFTER_HELP)]
    Status(status::StatusArguments),
    /// Let the running daemon read its files again
    #[command(after_help = reload::AFTER_HELP)]
    Reload(reload::ReloadArguments),
    /// Let the running daemon push nothing for now, or nothing by one rule; what comes merges
    #[command(after_help = pause::AFTER_HELP)]
    Pause(pause::PauseArguments),
    /// Let it go on
    #[command(after_help = pause::AFTER_HELP)]
    Resume(pause::ResumeArguments),
    /// The good sets of rules that the running daemon keeps
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// What could not be delivered: list it, show it, wish it anew, forget it
    #[command(subcommand, after_help = dead_letters::AFTER_HELP)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Show how much the running daemon logs, or change it until its next start
    #[command(after_help = log_level::AFTER_HELP)]
    LogLevel(log_level::LogLevelArguments),
    /// What happened to an attribute: wished, sent, accepted, seen, overwritten, and by whom
    #[command(after_help = why::AFTER_HELP)]
    Why(why::WhyArguments),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// What a package installs beside the binary: man pages and completions
    #[command(subcommand, hide = true)]
    Generate(generate::GenerateCommand),
    /// A local Genesys Cloud to try things against
    #[cfg(feature = "simulator")]
    Simulate(simulate::Args),
    /// Simulator and daemon together, no account needed
    #[cfg(feature = "simulator")]
    Demo(demo::DemoArguments),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Effective values and where each is from, secrets redacted
    Show,
}

/// Does what the command line says, and tells how it went.
pub fn main() -> Exit {
    let Arguments { config, output, command } = Arguments::parse();
    let config = config.as_deref();
    match command {
        Command::Run(arguments) => run::run(config, &arguments),
        Command::Check(arguments) => check::check(config, output, &arguments),
        Command::Test(arguments) => test::test(config, output, &arguments),
        Command::Explain(arguments) => explain::explain(config, output, &arguments),
        Command::Record(arguments) => record::record(config, &arguments),
        Command::Replay(arguments) => replay::replay(config, output, &arguments),
        Command::Set(arguments) => set::set(config, output, &arguments),
        Command::Status(arguments) => status::status(config, output, &arguments),
        Command::Reload(arguments) => reload::reload(config, output, &arguments),
        Command::Pause(arguments) => pause::pause(config, output, &arguments),
        Command::Resume(arguments) => pause::resume(config, output, &arguments),
        Command::Rules(command) => rules::rules(config, output, &command),
        Command::DeadLetters(command) => dead_letters::dead_letters(config, output, &command),
        Command::LogLevel(arguments) => log_level::log_level(config, output, &arguments),
        Command::Why(arguments) => why::why(config, output, &arguments),
        Command::Config(ConfigCommand::Show) => config_show::show(config, output),
        Command::Generate(command) => generate::generate(&command),
        #[cfg(feature = "simulator")]
        Command::Simulate(arguments) => run_simulator(arguments),
        #[cfg(feature = "simulator")]
        Command::Demo(arguments) => demo::demo(&arguments),
    }
}

/// Reads the configuration, and shows why it cannot be used; its warnings are for the caller to tell.
fn load(file: Option<&std::path::Path>) -> Result<(Config, Vec<Problem>), Exit> {
    match reread(file) {
        Ok((config, warnings, _origins)) => Ok((config, warnings)),
        Err(problems) => {
            eprint_problems(&problems);
            Err(Exit::BadConfig)
        }
    }
}

/// Reads the configuration with the environment as it is.
fn reread(file: Option<&std::path::Path>) -> Result<Loaded, Vec<Problem>> {
    Config::load(file, &|name| std::env::var(name).ok())
}

/// Plays Genesys Cloud until it is interrupted.
#[cfg(feature = "simulator")]
fn run_simulator(arguments: simulate::Args) -> Exit {
    let (runtime, mut intents) = match (runtime(), run::intents()) {
        (Ok(runtime), Ok(intents)) => (runtime, intents),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let stop = tokio_util::sync::CancellationToken::new();
    let result = runtime.block_on(async {
        let playing = simulate::simulate(arguments, stop.clone());
        tokio::pin!(playing);
        loop {
            tokio::select! {
                result = &mut playing => return result,
                intent = intents.recv() => if intent != Some(Intent::Reload) {
                    stop.cancel();
                },
            }
        }
    });
    match result {
        Ok(()) => Exit::Fine,
        Err(error) => {
            print::eprint(&format!("error: {error}"));
            Exit::Unavailable
        }
    }
}

/// Everything waits on sockets and timers: two threads are plenty.
fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| {
        print::eprint(&format!("error: cannot start: {error}"));
        Exit::Unavailable
    })
}
