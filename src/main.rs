//! The life of the process: arguments, a command, an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    attributed::cli::main().into()
}
