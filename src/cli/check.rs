//! `attributed check`: every problem of the configuration and the rules, each with its place.
//!
//! Speaks as promtool does: `Checking FILE`, then `SUCCESS` with what was found, or every problem.
//! Problems go to standard error, the rest to standard output.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::exit::Exit;
use super::print::{eprint_problems, print};
use super::{Output, online, reread};
use crate::app::{tables, texts};
use crate::config::Config;
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Severity};
use crate::events::channels::topics::Limits;
use crate::genesys::names::Names;
use crate::rules::Texts;
use crate::rules::{self, Inventory, RuleFile};
use crate::status::counted::counted;

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

/// So many keys and rules are named in the inventory; JSON has them all.
const NAMES_SHOWN: usize = 20;

/// Rules that the index cannot hold are named so far, in JSON too: there may be as many as rules.
const UNINDEXED_SHOWN: usize = 10;

/// What one file came to.
struct Checked {
    file: PathBuf,
    problems: Vec<Problem>,
    /// What is in it, such as `12 rules found`.
    found: String,
    /// Of rules that can be used.
    inventory: Option<Inventory>,
    /// Rules that are tested at every event, whatever it says.
    unindexed: Vec<Arc<str>>,
}

impl Checked {
    fn new(file: PathBuf, problems: Vec<Problem>, found: String) -> Checked {
        Checked { file, problems, found, inventory: None, unindexed: Vec::new() }
    }
}

pub(super) fn check(config: Option<&Path>, output: Output, arguments: &CheckArguments) -> Exit {
    if arguments.fields {
        match output {
            Output::Text => print(rules::field_table().trim_end()),
            Output::Json => print(&format!("{:#}", rules::field_table_json())),
        }
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
        let files: Vec<Value> = checked.iter().map(file_as_json).collect();
        print(&format!("{:#}", json!({ "problems": problems, "files": files })));
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
            let found = usable(&config);
            vec![Checked::new(config.file, warnings, found), rules]
        }
        Err(problems) => {
            let file = problems.first().map_or_else(PathBuf::new, |problem| problem.file.clone());
            vec![Checked::new(file, problems, String::new())]
        }
    }
}

/// A file that was named, by what is in it: rules, or a configuration.
fn check_one(config: Option<&Path>, file: &Path) -> Checked {
    let text = read(file);
    let configuration = text.as_ref().is_ok_and(|text| is_configuration(text));
    if configuration && let Ok(text) = &text {
        let (problems, found) = match Config::parse(file, text, &|name| std::env::var(name).ok()) {
            Ok((config, warnings, _)) => (warnings, usable(&config)),
            Err(problems) => (problems, String::new()),
        };
        return Checked::new(file.to_owned(), problems, found);
    }
    // Rules can be checked where there is no configuration; then every key is allowed.
    let fence = reread(config).map_or_else(|_| AllowedKeys::all(), |(config, ..)| fence(&config));
    check_rules(file, text, &fence)
}

/// What there is, and how many topics find room (SEMANTICS 6).
fn usable(config: &Config) -> String {
    let clients = config.genesys.clients.len();
    let limits = Limits::of_clients(clients, config.channels.max, config.channels.copies);
    let room = counted(limits.capacity(), "topic");
    let room = match clients {
        1 => room,
        clients => format!("{room} with {clients} clients"),
    };
    format!("configuration found, room for {room}")
}

fn check_rules(file: &Path, text: Result<String, Problem>, fence: &AllowedKeys) -> Checked {
    let mut unindexed = Vec::new();
    let (problems, inventory) = match text {
        Err(problem) => (vec![problem], None),
        Ok(text) => check_texts(file, &texts::with_included(file, text), fence, &mut unindexed),
    };
    let found = inventory.as_ref().map(Inventory::to_string).unwrap_or_default();
    Checked { file: file.to_owned(), problems, found, inventory, unindexed }
}

fn check_texts(
    file: &Path,
    texts: &Texts,
    fence: &AllowedKeys,
    unindexed: &mut Vec<Arc<str>>,
) -> (Vec<Problem>, Option<Inventory>) {
    match RuleFile::parse_all(file, texts, fence) {
        Ok((rules, mut warnings)) => match tables::load(file, &rules) {
            Ok((tables, of_lists)) => {
                warnings.extend(of_lists);
                // What a name stands for makes no difference to what the index can hold.
                let (bound, _unknown) = rules.bind(Arc::new(Names::default()), &tables);
                unindexed.extend(bound.unindexed().map(Arc::clone));
                (warnings, Some(rules.inventory()))
            }
            Err(problems) => (warnings.into_iter().chain(problems).collect(), None),
        },
        Err(mut problems) => {
            problems.extend(
                tables::load(file, &RuleFile::lists(file, texts)).err().into_iter().flatten(),
            );
            (problems, None)
        }
    }
}

fn check_online(config: Option<&Path>) -> Checked {
    let file = PathBuf::from("(online)");
    match reread(config) {
        Err(problems) => Checked::new(file, problems, String::new()),
        Ok((config, ..)) => {
            let (problems, found) = online::check(&config);
            Checked::new(file, problems, found)
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
    let Checked { file, problems, found, inventory, unindexed } = checked;
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
    if let Some(inventory) = inventory {
        details(inventory, unindexed).iter().for_each(|line| print(&format!("    {line}")));
    }
}

/// What is in the rules, in a few lines.
fn details(inventory: &Inventory, unindexed: &[Arc<str>]) -> Vec<String> {
    let Inventory { rules, enabled, dry_run, conditions, lists, schedules, keys, raw } = inventory;
    let mut rest = vec![plural(*conditions, "condition")];
    rest.extend((*lists > 0).then(|| plural(*lists, "list")));
    rest.extend((*schedules > 0).then(|| plural(*schedules, "schedule")));
    if rules > enabled {
        rest.push(format!("{} not enabled", rules - enabled));
    }
    if *dry_run > 0 {
        rest.push(format!("{dry_run} in dry run"));
    }
    let mut lines = vec![rest.join(", ")];
    if !keys.is_empty() {
        lines.push(format!("writes {}", first(keys.iter(), NAMES_SHOWN)));
    }
    if !raw.is_empty() {
        let names = first(raw.iter(), NAMES_SHOWN);
        lines.push(format!(
            "for raw, parses each event that it asks once more, which takes about as long as \
             reading it: {names}"
        ));
    }
    if !unindexed.is_empty() {
        let names = first(unindexed.iter(), UNINDEXED_SHOWN);
        lines.push(format!(
            "tested at every event, as no condition names values of a field or how one begins or \
             ends (hundreds of them are felt): {names}"
        ));
    }
    lines
}

/// The first of them, and how many more there are.
fn first<'n>(names: impl ExactSizeIterator<Item = &'n Arc<str>>, shown: usize) -> String {
    let more = names.len().saturating_sub(shown);
    let shown: Vec<&str> = names.take(shown).map(|name| &**name).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn file_as_json(checked: &Checked) -> Value {
    let Checked { file, problems, inventory, unindexed, .. } = checked;
    let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
    let inventory = inventory.as_ref().map(|inventory| {
        let Inventory { rules, enabled, dry_run, conditions, lists, schedules, keys, raw } =
            inventory;
        let names = |names: &mut dyn Iterator<Item = &Arc<str>>| -> Vec<String> {
            names.map(|name| name.to_string()).collect()
        };
        json!({
            "rules": rules,
            "enabled": enabled,
            "dry_run": dry_run,
            "conditions": conditions,
            "lists": lists,
            "schedules": schedules,
            "keys": names(&mut keys.iter()),
            "raw": names(&mut raw.iter()),
            "unindexed": {
                "count": unindexed.len(),
                "first": names(&mut unindexed.iter().take(UNINDEXED_SHOWN)),
            },
        })
    });
    json!({ "file": file, "ok": !failed, "inventory": inventory })
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
