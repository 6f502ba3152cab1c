//! `attributed config show`: what is in force, and where each value is from.

use std::path::Path;

use super::exit::Exit;
use super::print::{eprint_problems, print};
use super::{Output, reread};

pub(super) fn show(file: Option<&Path>, output: Output) -> Exit {
    let (config, warnings, origins) = match reread(file) {
        Ok(loaded) => loaded,
        Err(problems) => {
            eprint_problems(&problems);
            return Exit::BadConfig;
        }
    };
    eprint_problems(&warnings);
    match output {
        Output::Text => print(config.show(&origins).trim_end()),
        Output::Json => print(&format!("{:#}", config.show_json(&origins))),
    }
    Exit::Fine
}
