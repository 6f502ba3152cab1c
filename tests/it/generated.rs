//! What a package installs beside the binary, and what the binary says of itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{attributed, says};

/// The names of the files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_version_tells_what_it_is_built_from() {
    let folder = tempfile::tempdir().unwrap();
    let long = attributed(folder.path(), &["--version"]);
    let number = env!("CARGO_PKG_VERSION");
    says(&long, 0, &[&format!("attributed {number}\ncommit: "), "\nfeatures: ", "simulator"]);
    let commit = long.out.lines().find_map(|line| line.strip_prefix("commit: ")).unwrap();
    let digits = commit.len() == 12 && commit.chars().all(|digit| digit.is_ascii_hexdigit());
    // Whoever builds may name it as they like.
    let named = option_env!("ATTRIBUTED_COMMIT").is_some_and(|named| named == commit);
    assert!(digits || named || commit.starts_with("unknown"), "{commit}");
    let short = attributed(folder.path(), &["-V"]);
    assert_eq!((short.code, short.out), (0, format!("attributed {number}\n")));
}

#[test]
fn each_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    says(&attributed(folder.path(), &["generate", "man", "man"]), 0, &["written to man"]);
    let pages = names(&folder.path().join("man"));
    for command in ["", "-run", "-check", "-set", "-rules", "-rules-rollback", "-config-show"] {
        assert!(pages.contains(&format!("attributed{command}.1")), "{command} in {pages:?}");
    }
    assert!(!pages.iter().any(|page| page.contains("generate")), "{pages:?}");
    for page in &pages {
        let text = fs::read_to_string(folder.path().join("man").join(page)).unwrap();
        assert!(text.contains(".TH attributed"), "{page} has no title");
        assert!(text.contains(".SH SYNOPSIS"), "{page} does not say how it is called");
    }
    let main = fs::read_to_string(folder.path().join("man/attributed.1")).unwrap();
    for part in [".SH FILES", ".SH SIGNALS", "\\-\\-config", "attributed\\-run"] {
        assert!(main.contains(part), "{part} is not in attributed.1");
    }
}

#[test]
fn the_shell_completes_commands_and_options() {
    let folder = tempfile::tempdir().unwrap();
    says(&attributed(folder.path(), &["generate", "completions", "."]), 0, &["written to ."]);
    assert_eq!(names(folder.path()), ["_attributed", "attributed.bash", "attributed.fish"]);
    for (typed, wanted) in
        [("rel", "reload"), ("reload --pl", "--plan"), ("rules roll", "rollback")]
    {
        let words: Vec<&str> = typed.split(' ').collect();
        let last = words[words.len() - 1];
        let asked = format!(
            "source ./attributed.bash; COMP_WORDS=(attributed {typed}); COMP_CWORD={}; \
             _attributed attributed {last} ''; echo \"${{COMPREPLY[@]}}\"",
            words.len()
        );
        let bash = Command::new("bash")
            .args(["--norc", "-c", &asked])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&bash.stdout).trim(), wanted, "{typed}: {bash:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for what in ["man", "completions"] {
        let said = attributed(folder.path(), &["generate", what, "file/below"]);
        says(&said, 69, &["cannot write to file/below"]);
    }
}
