//! `attributed generate`: man pages and shell completions, from the words of the command line itself.
//!
//! For whoever makes a package: hidden, and asked for nothing but a folder. What it writes follows
//! from the program alone, so that a package can be made twice and be the same.

use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Arguments;
use super::exit::Exit;
use super::failure::Failure;
use super::print::{eprint, print};

/// What the page of the program itself says beyond its options.
const MORE: &str = include_str!("attributed.roff");

/// The shells that a Debian machine has completions for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

#[derive(Debug, clap::Subcommand)]
pub(super) enum GenerateCommand {
    /// A man page for the program and for each command
    Man(Folder),
    /// Completions for bash, fish and zsh
    Completions(Folder),
}

#[derive(Debug, clap::Args)]
pub(super) struct Folder {
    /// Where to write them; made where it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn generate(command: &GenerateCommand) -> Exit {
    let (folder, written) = match command {
        GenerateCommand::Man(Folder { folder }) => (folder, man(folder)),
        GenerateCommand::Completions(Folder { folder }) => (folder, completions(folder)),
    };
    match written {
        Ok(()) => {
            print(&format!("written to {}", folder.display()));
            Exit::Fine
        }
        Err(error) => {
            let message = format!("cannot write to {}: {error}", folder.display());
            let failure = Failure::missing(message);
            eprint(&failure.to_string());
            failure.exit
        }
    }
}

fn man(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command(), folder)?;
    std::fs::write(folder.join("attributed.1"), overview()?)
}

/// The page of the program itself: where its files are, how it ends, what signals do.
fn overview() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command()).render(&mut page)?;
    page.extend_from_slice(MORE.as_bytes());
    Ok(page)
}

fn completions(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut command(), "attributed", folder)?;
    }
    Ok(())
}

/// The command line as people see it.
fn command() -> clap::Command {
    // The command of a subcommand's help is known from `--help`, and would be a page for each.
    Arguments::command().disable_help_subcommand(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_how_it_ends() {
        let all = [
            Exit::Fine,
            Exit::Failed,
            Exit::Usage,
            Exit::Warnings,
            Exit::Unavailable,
            Exit::TryAgain,
            Exit::Refused,
            Exit::BadConfig,
        ];
        let page = String::from_utf8(overview().unwrap()).unwrap();
        let (_, codes) = page.split_once(".SH \"EXIT STATUS\"").unwrap();
        let (codes, _) = codes.split_once(".SH ").unwrap();
        for exit in all {
            let item = format!("\n.TP\n.B {}\n", exit.code());
            assert!(codes.contains(&item), "{} is not told", exit.code());
        }
        assert_eq!(codes.matches("\n.TP\n").count(), all.len());
    }
}
