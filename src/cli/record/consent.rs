//! Whether somebody really wants personal data in a file: asked twice.

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;

/// Who says it so often on the command line is not asked.
const ENOUGH: u8 = 2;

/// Asks whoever sits there; where nobody does, `--yes` has to be given twice.
///
/// # Errors
///
/// If the answer is no, or there is none.
pub(super) fn ask(file: &Path, yes: u8, terminal: &mut dyn Terminal) -> Result<(), Failure> {
    if yes >= ENOUGH {
        return Ok(());
    }
    if !terminal.is_interactive() {
        return Err(Failure::usage("--unredacted asks twice, and nobody is there to answer")
            .help("give --yes twice, or leave out --unredacted: a redacted file replays, too"));
    }
    terminal.note(
        "The file will hold names, numbers, addresses, subjects and attribute values of everybody \
         in these conversations, as they are.",
    );
    let declined = || Failure::new(Exit::Failed, "nothing was recorded");
    if yes == 0 {
        match terminal.ask("Record them unredacted? [y/N]").as_deref().map(str::trim) {
            Some("y" | "Y" | "yes" | "Yes" | "YES") => {}
            Some(_) | None => return Err(declined()),
        }
    }
    let name = file.display().to_string();
    match terminal.ask(&format!("Then write the name of the file once more ({name}):")) {
        Some(answer) if answer.trim() == name => Ok(()),
        Some(_) | None => Err(declined()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::Played;

    #[test]
    fn it_takes_two_words() {
        let file = Path::new("events.jsonl");
        for (yes, answers, expected) in [
            (0, Some(&["y", "events.jsonl"][..]), Ok(())),
            (0, Some(&["y", "y"][..]), Err(Exit::Failed)),
            (0, Some(&["n"][..]), Err(Exit::Failed)),
            (0, Some(&[][..]), Err(Exit::Failed)),
            (1, Some(&["events.jsonl"][..]), Ok(())),
            (2, None, Ok(())),
            (1, None, Err(Exit::Usage)),
            (0, None, Err(Exit::Usage)),
        ] {
            let mut terminal = answers.map_or_else(Played::default, Played::answering);
            let result = ask(file, yes, &mut terminal).map_err(|failure| failure.exit);
            assert_eq!(result, expected, "{yes} {answers:?}\n{}", terminal.said);
        }
    }
}
