//! Tells the program what it is built from, for `attributed --version`: the commit and the features.
//!
//! A release build asks git, and is built anew when the commit has changed. A development build does
//! not: a commit would compile it all once more, and it is rarely of what was committed. Outside of
//! git the commit is unknown, unless `ATTRIBUTED_COMMIT` names it. Changes that were not committed are
//! not seen.

use std::env;
use std::path::Path;
use std::process::Command;

/// As many digits as tell commits apart, and no more than a person reads out.
const DIGITS: &str = "--short=12";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ATTRIBUTED_COMMIT");
    println!("cargo::rustc-env=ATTRIBUTED_COMMIT={}", commit());
    println!("cargo::rustc-env=ATTRIBUTED_FEATURES={}", features());
}

fn commit() -> String {
    let named = env::var("ATTRIBUTED_COMMIT").ok().filter(|commit| !commit.is_empty());
    if let Some(commit) = named {
        return commit;
    }
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return "unknown, a development build".to_owned();
    }
    asked().unwrap_or_else(|| "unknown".to_owned())
}

/// What git says, where this folder is the root of a repository and not a part of another's.
fn asked() -> Option<String> {
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    let commit = git(&["rev-parse", DIGITS, "HEAD"])?;
    // The log of HEAD grows with each commit, also where the branch is a packed reference.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref()) {
        // What is not there would count as changed at each build.
        if let Some(path) = git(&["rev-parse", "--git-path", name])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    Some(commit)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}

/// All that are on, but the one that only names the others.
fn features() -> String {
    let all = env::var("CARGO_CFG_FEATURE").unwrap_or_default();
    let on: Vec<&str> =
        all.split(',').filter(|feature| !feature.is_empty() && *feature != "default").collect();
    if on.is_empty() { "none".to_owned() } else { on.join(", ") }
}
