//! Holds the source to what the crate documentation says of it.

use std::fs;
use std::path::{Path, PathBuf};

/// Longer files do not say where to look in them.
const LINES: usize = 450;

/// Who must not know whom: the files under the first name nothing of the others.
const STRANGERS: &[(&str, &[&str])] = &[
    ("src/genesys", &["crate::events", "crate::rules", "crate::updates", "crate::app"]),
    ("src/events", &["crate::rules", "crate::updates", "crate::app"]),
    (
        "src/rules",
        &[
            "crate::updates::dispatcher",
            "crate::updates::outbox",
            "crate::app",
            "crate::genesys::account",
        ],
    ),
    ("src/updates", &["crate::rules", "crate::events", "crate::app"]),
    // One mistake must not be in both: the simulator's truth is told by code of its own.
    ("src/simulator", &["crate::events", "crate::rules", "crate::updates", "crate::app"]),
];

/// Each outside crate, and the only places that know it.
const KNOWN_IN: &[(&str, &[&str])] = &[
    ("tungstenite", &["src/events/channels/socket", "src/simulator"]),
    ("reqwest", &["src/genesys/http"]),
    ("cel", &["src/rules/expression/syntax.rs"]),
    ("governor", &["src/genesys/pacer"]),
    ("signal_hook", &["src/signals.rs"]),
    ("sd_notify", &["src/status/systemd.rs"]),
    ("tracing_subscriber", &["src/status/logging"]),
    // The levels of faults are words of the command line.
    ("clap", &["src/cli", "src/simulator/faults.rs"]),
    ("clap_complete", &["src/cli/generate"]),
    ("clap_mangen", &["src/cli/generate"]),
    ("axum", &["src/simulator"]),
    ("rustix", &["src/machine.rs"]),
    ("ring", &["src/cli/record/pseudonym.rs"]),
    ("redb", &["src/updates/journal"]),
    ("prometheus_client", &["src/status/metrics"]),
    ("opentelemetry", &["src/app/otlp"]),
    ("opentelemetry_otlp", &["src/app/otlp"]),
    ("opentelemetry_sdk", &["src/app/otlp"]),
    ("hyper", &["src/status/http", "src/simulator"]),
];

/// Modules that decide and never do: no waiting, no clock, no I/O.
const PURE: &[&str] = &[
    "src/rules",
    "src/events/tracker",
    "src/events/shapes",
    "src/events/frame.rs",
    "src/updates/memory",
    "src/updates/outbox",
    "src/updates/decide.rs",
];

#[test]
fn every_module_says_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} begins without a `//!`", path.display());
    }
}

#[test]
fn files_stay_readable() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn parts_know_only_whom_they_may() {
    for (path, text) in sources() {
        for (part, strangers) in STRANGERS {
            if !path.starts_with(part) {
                continue;
            }
            for stranger in *strangers {
                assert!(!code(&text).contains(stranger), "{} knows {stranger}", path.display());
            }
        }
    }
}

#[test]
fn outside_crates_are_known_in_one_place() {
    for (path, text) in sources() {
        for (name, places) in KNOWN_IN {
            if is_test(&path) || places.iter().any(|place| path.starts_with(place)) {
                continue;
            }
            let used = [format!("use {name}::"), format!("tokio_{name}::"), format!(" {name}::")];
            for used in used {
                assert!(!code(&text).contains(&used), "{} knows `{used}`", path.display());
            }
        }
    }
}

#[test]
fn pure_modules_do_nothing() {
    for (path, text) in sources() {
        if is_test(&path) || !PURE.iter().any(|pure| path.starts_with(pure)) {
            continue;
        }
        for banned in [".await", "Instant::now", "Timestamp::now", "std::net", "tokio::net"] {
            assert!(
                !code(&text).contains(banned),
                "{} is pure, but has `{banned}`",
                path.display()
            );
        }
    }
}

/// What somebody who opens the house sees first. Settings of tools are hidden, and so is what a build
/// leaves behind.
const TOP: [&str; 14] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "build.rs",
    "fuzz",
    "monitoring",
    "packaging",
    "rules.example.toml",
    "src",
    "systemd",
    "tests",
];

#[test]
fn the_top_level_stays_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name());
    let mut visible: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    visible.retain(|name| !name.starts_with('.') && name != "target");
    visible.sort_unstable();
    assert_eq!(visible, TOP);
}

#[test]
fn no_room_is_called_after_nothing() {
    for (path, _) in sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let vague = ["util", "utils", "common", "types", "helpers", "manager", "service", "misc"];
        assert!(!vague.contains(&stem.as_str()), "{} says nothing by its name", path.display());
    }
}

/// The code itself: without tests and comments.
pub(crate) fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Returns true for files that are compiled for tests only.
pub(crate) fn is_test(path: &Path) -> bool {
    let named = path.file_stem().is_some_and(|stem| {
        ["tests", "fake", "rig", "played", "samples"].iter().any(|name| stem == *name)
    });
    named || ["tests", "trial"].iter().any(|folder| path.iter().any(|part| part == *folder))
}

/// The code of the daemon: the sources without the simulator, tests and comments.
pub(crate) fn daemons_code() -> Vec<(PathBuf, String)> {
    let only_for_tests = ["bench.rs", "model.rs", "rig.rs"];
    let mut sources = sources();
    sources.retain(|(path, _)| {
        let for_tests = only_for_tests.iter().any(|name| path.ends_with(name)) || is_test(path);
        !for_tests && !path.starts_with("src/simulator")
    });
    for (_, text) in &mut sources {
        let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
        *text = code(&shipped.replace("#[cfg(test)]", ""));
    }
    sources
}

/// Every source file, its path from the root of the crate on.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(found.len() > 10, "the sources were not found");
    found
}
