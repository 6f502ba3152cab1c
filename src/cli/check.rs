//! `attributed check`: every problem of the configuration and the rules, each with its place.
//!
//! Speaks as promtool does: `Checking FILE`, then `SUCCESS` with what was found, or every problem.
//! Problems go to standard error, the rest to standard output.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exit::Exit;
use super::print::{eprint_problems, print};
use super::{Output, online, reread};
use crate::config::Config;
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Severity};
use crate::rules::{self, RuleFile};

#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    /// Rules or configuration files; `-` is standard input. Without any: the configuration and the
    /// rules that it names
    files: Vec<PathBuf>,
    /// Ask Genesys Cloud too: credentials, organisation, and whether every name is known
    #[arg(long)]
    online: bool,
    /// Warnings are failures too (exit code 3)
    #[arg(long)]
    deny_warnings: bool,
    /// Print every subject and field that a rule can name, and do nothing else
    #[arg(long)]
    fields: bool,
}

/// What one file came to.
struct Checked {
    file: PathBuf,
    problems: Vec<Problem>,
    /// What is in it, such as `12 rules found`.
    found: String,
}

pub(super) fn check(config: Option<&Path>, output: Output, arguments: &CheckArguments) -> Exit {
    if arguments.fields {
        print(rules::field_table().trim_end());
        return Exit::Fine;
    }
    let mut checked = if arguments.files.is_empty() {
        check_all(config)
    } else {
        arguments.files.iter().map(|file| check_one(config, file)).collect()
    };
    if arguments.online {
        checked.push(check_online(config));
    }
    for one in &checked {
        tell(one, output);
    }
    if output == Output::Json {
        let problems: Vec<Value> =
            checked.iter().flat_map(|one| &one.problems).map(as_json).collect();
        print(&format!("{:#}", Value::Array(problems)));
    }
    let worst = checked.iter().flat_map(|one| &one.problems).map(|problem| problem.severity).max();
    match worst {
        Some(Severity::Error) => Exit::Failed,
        Some(Severity::Warning) if arguments.deny_warnings => Exit::Warnings,
        Some(Severity::Warning) | None => Exit::Fine,
    }
}

/// The configuration, and the rules that it names.
fn check_all(config: Option<&Path>) -> Vec<Checked> {
    match reread(config) {
        Ok((config, warnings, _)) => {
            let rules = check_rules(&config.rules, read(&config.rules), &fence(&config));
            let file = config.file;
            vec![
                Checked { file, problems: warnings, found: "configuration found".to_owned() },
                rules,
            ]
        }
        Err(problems) => {
            let file = problems.first().map_or_else(PathBuf::new, |problem| problem.file.clone());
            vec![Checked { file, problems, found: String::new() }]
        }
    }
}

/// A file that was named, by what is in it: rules, or a configuration.
fn check_one(config: Option<&Path>, file: &Path) -> Checked {
    let text = read(file);
    let configuration = text.as_ref().is_ok_and(|text| is_configuration(text));
    if configuration && let Ok(text) = &text {
        let found = "configuration found".to_owned();
        let problems = match Config::parse(file, text, &|name| std::env::var(name).ok()) {
            Ok((_, warnings, _)) => warnings,
            Err(problems) => problems,
        };
        return Checked { file: file.to_owned(), problems, found };
    }
    // Rules can be checked where there is no configuration; then every key is allowed.
    let fence = reread(config).map_or_else(|_| AllowedKeys::all(), |(config, ..)| fence(&config));
    check_rules(file, text, &fence)
}

fn check_rules(file: &Path, text: Result<String, Problem>, fence: &AllowedKeys) -> Checked {
    let (problems, found) = match text {
        Err(problem) => (vec![problem], String::new()),
        Ok(text) => match RuleFile::parse(file, &text, fence) {
            Ok((rules, warnings)) => (warnings, rules.inventory().to_string()),
            Err(problems) => (problems, String::new()),
        },
    };
    Checked { file: file.to_owned(), problems, found }
}

fn check_online(config: Option<&Path>) -> Checked {
    let file = PathBuf::from("(online)");
    match reread(config) {
        Err(problems) => Checked { file, problems, found: String::new() },
        Ok((config, ..)) => {
            let (problems, found) = online::check(&config);
            Checked { file, problems, found }
        }
    }
}

fn fence(config: &Config) -> AllowedKeys {
    AllowedKeys::new(&config.updates.allowed_keys).unwrap_or_else(|_| AllowedKeys::all())
}

fn read(file: &Path) -> Result<String, Problem> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    text.map_err(|error| Problem::of_file(file, format!("cannot be read: {error}")))
}

/// Configurations have tables that rules have not.
fn is_configuration(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| {
        ["[genesys]", "[watch]", "[updates]", "[channels]", "[state]"]
            .iter()
            .any(|table| line.starts_with(table))
    })
}

fn tell(checked: &Checked, output: Output) {
    let Checked { file, problems, found } = checked;
    eprint_problems(problems);
    if output == Output::Json {
        return;
    }
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let result = match (errors, warnings) {
        (0, 0) => format!("SUCCESS: {found}"),
        (0, warnings) => format!("SUCCESS: {found}, {}", plural(warnings, "warning")),
        (errors, 0) => format!("FAILED: {}", plural(errors, "problem")),
        (errors, warnings) => {
            format!("FAILED: {}, {}", plural(errors, "problem"), plural(warnings, "warning"))
        }
    };
    print(&format!("Checking {}\n  {result}", file.display()));
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

pub(super) fn as_json(problem: &Problem) -> Value {
    let place = problem.place.as_ref();
    json!({
        "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "file": problem.file,
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "message": problem.message,
        "help": problem.help,
    })
}
