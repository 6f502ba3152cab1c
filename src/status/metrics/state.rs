//! How the daemon is: the checks, the configuration, the rules as they are in force.

use std::fmt;

use super::sheet::Sheet;
use crate::status::overview::{Overview, State, seconds};

pub(super) fn write(sheet: &mut Sheet<'_>, overview: &Overview) -> fmt::Result {
    let build = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("commit", env!("ATTRIBUTED_COMMIT")),
        ("features", env!("ATTRIBUTED_FEATURES")),
    ];
    sheet.gauges("build_info", "Which program this is.", [(build, 1_u64)])?;
    checks(sheet, overview)?;
    sheet.gauge(
        "writing",
        "1 while what is heard is written, or held back on purpose; 0 while nothing is heard, or no write is accepted.",
        overview.is_writing(),
    )?;
    sheet.gauge("dry_run", "1 while everything is done but writing.", overview.dry_run)?;
    sheet.gauge("paused", "1 while something is paused.", !overview.paused.is_empty())?;
    let hanging = overview.silent_loops.len() as u64;
    sheet.gauge("loops_hanging", "Loops that have not gone round for 30 s.", hanging)?;
    files(sheet, overview)?;
    configuration(sheet, overview)?;
    rules(sheet, overview)
}

fn checks(sheet: &mut Sheet<'_>, overview: &Overview) -> fmt::Result {
    let checks = overview.checks();
    sheet.gauge("ready", "1 if /readyz says yes.", overview.is_ready())?;
    let each = checks.iter().flat_map(|check| {
        State::ALL.map(|state| {
            let labels = [("check", check.name.as_str()), ("state", state.word())];
            (labels, check.state == state)
        })
    });
    sheet.gauges("check_state", "The checks of /readyz: 1 for the state that each is in.", each)
}

fn files(sheet: &mut Sheet<'_>, overview: &Overview) -> fmt::Result {
    let rules = &overview.rules;
    let in_force = [
        ("rules", rules.are_as_in_the_file()),
        ("lists", rules.lists_refused.is_empty()),
        ("configuration", overview.configuration.problem.is_none()),
    ];
    let each = in_force.map(|(file, is)| ([("file", file)], is));
    let help = "1 while what is in force is what the files of this kind say.";
    sheet.gauges("file_in_force", help, each)
}

fn configuration(sheet: &mut Sheet<'_>, overview: &Overview) -> fmt::Result {
    let configuration = &overview.configuration;
    sheet.gauge(
        "config_last_reload_successful",
        "Whether the configuration file is what is in force.",
        configuration.problem.is_none(),
    )?;
    sheet.gauge(
        "config_last_reload_success_timestamp_seconds",
        "When the configuration came into force.",
        seconds(configuration.loaded_at),
    )?;
    let hash = [("hash", configuration.hash.as_str())];
    sheet.gauges("config_info", "The hash of the configuration in force.", [(hash, 1_u64)])
}

fn rules(sheet: &mut Sheet<'_>, overview: &Overview) -> fmt::Result {
    let rules = &overview.rules;
    sheet.gauge(
        "rules_last_reload_successful",
        "Whether the rules file is what is in force, or was stepped back from.",
        rules.problem.is_none(),
    )?;
    sheet.gauge(
        "rules_last_reload_success_timestamp_seconds",
        "When the rules came into force.",
        seconds(rules.loaded_at),
    )?;
    let hash = [("hash", rules.hash.as_str())];
    sheet.gauges("rules_info", "The hash of the rules in force.", [(hash, 1_u64)])?;
    sheet.gauge("rules", "Rules in force.", rules.count)?;
    let rolled_back = rules.rolled_back.is_some();
    sheet.gauge("rules_rolled_back", "1 while an earlier set is in force.", rolled_back)?;
    sheet.gauge(
        "rules_unconfirmed_writes",
        "Writes that wait for `attributed reload --confirm`.",
        rules.unconfirmed_writes.unwrap_or(0),
    )?;
    let refused = rules.lists_refused.len() as u64;
    sheet.gauge("lists_refused", "Lists that are not what their files say.", refused)
}
