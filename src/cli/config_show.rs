//! `attributed config show`: what is in force, and where each value is from.

use std::path::Path;

use super::exit::Exit;
use super::print::{eprint_problems, print};
use super::{Output, reread};
use crate::config::show;

pub(super) fn show(file: Option<&Path>, output: Output) -> Exit {
    let loaded = match reread(file) {
        Ok(loaded) => loaded,
        Err(problems) => {
            eprint_problems(&problems);
            return Exit::BadConfig;
        }
    };
    eprint_problems(&loaded.warnings);
    print(match output {
        Output::Text => show::text(&loaded),
        Output::Json => show::json(&loaded),
    }.trim_end());
    Exit::Fine
}
