//! `attributed test`: cases against the rules, each event through the parts that run.
//!
//! Speaks as promtool and vector do: a line for each case, then what failed, expected and got. Exit
//! codes are part of the contract: 0 all passed; 1 a case failed, no case was run, or the coverage is
//! too low; 2 the command line makes no sense; 78 the rules or a test file cannot be used.

mod coverage;
mod judge;
mod junit;
mod play;
mod report;
mod why;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;

use self::coverage::Coverage;
use self::judge::Failure;
use super::exit::Exit;
use super::paint::Paint;
use super::print::{eprint, eprint_problems, print};
use super::{Output, reread};
use crate::app::{tables, texts};
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Severity};
use crate::rules::cases::{Case, Suite};
use crate::rules::{RuleFile, Rules, Tables};

/// What a test file looks like.
pub(super) const AFTER_HELP: &str = "\
A test file, such as rules.test.toml beside rules.toml:

  [[case]]
  name = \"gold customers are marked while the agent is alerted\"
  given.media = \"call\"
  given.customer.number = \"+4930123456\"
  given.customer.attributes.\"crm.tier\" = \"gold\"
  given.participant.state = \"alerting\"
  expect.customer.\"cc.segment\" = { value = \"vip\", rule = \"vip-pop\" }

  [[case.step]]                     # the next event
  after = \"30s\"
  given.participant.state = \"connected\"
  expect.nothing = true             # or rules, matches, only, not, dry_run

Exit codes: 0 all passed, 1 a case failed or there is none, 78 the rules or a test file are bad.";

#[derive(Debug, clap::Args)]
pub(super) struct TestArguments {
    /// Test files, such as rules.test.toml; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Run only cases whose name matches
    #[arg(long, value_name = "REGEX")]
    run: Option<String>,
    /// Write a JUnit report, for whatever runs the tests
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Name the rules that no case makes match; with a percentage, fail if fewer match
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, require_equals = true, default_missing_value = "0", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage: Option<u8>,
}

/// What one test file came to.
struct Tested {
    file: PathBuf,
    /// The rules that were tested.
    rules: PathBuf,
    /// Errors, if nothing could be run; else warnings.
    problems: Vec<Problem>,
    broken: bool,
    /// There is no case in it.
    empty: bool,
    cases: Vec<Ran>,
    coverage: Coverage,
}

/// What one case came to.
struct Ran {
    name: String,
    line: usize,
    failures: Vec<Failure>,
}

pub(super) fn test(config: Option<&Path>, output: Output, arguments: &TestArguments) -> Exit {
    let run = match arguments.run.as_deref().map(Regex::new).transpose() {
        Ok(run) => run,
        Err(error) => {
            eprint(&format!("error: --run is no regular expression: {error}"));
            return Exit::Usage;
        }
    };
    let files = arguments.files.iter();
    let tested: Vec<Tested> = files.map(|file| test_file(config, file, run.as_ref())).collect();
    for one in &tested {
        eprint_problems(&one.problems);
    }
    let coverage = arguments.coverage.map(|least| (Coverage::of(&tested), least));
    match output {
        Output::Text => print(&report::text(&tested, coverage.as_ref(), Paint::of_output())),
        Output::Json => print(&format!("{:#}", report::json(&tested, coverage.as_ref()))),
    }
    if let Some(file) = &arguments.junit
        && let Err(error) = fs::write(file, junit::report(&tested))
    {
        eprint(&format!("error: {}: {error}", file.display()));
        return Exit::Unavailable;
    }
    exit(&tested, coverage.as_ref())
}

fn exit(tested: &[Tested], coverage: Option<&(Coverage, u8)>) -> Exit {
    let cases = || tested.iter().flat_map(|one| &one.cases);
    let empty = cases().next().is_none() || tested.iter().any(|one| one.empty);
    let low = coverage.is_some_and(|(coverage, least)| coverage.percent() < usize::from(*least));
    if tested.iter().any(|one| one.broken) {
        Exit::BadConfig
    } else if cases().any(|case| !case.failures.is_empty()) || empty || low {
        Exit::Failed
    } else {
        Exit::Fine
    }
}

fn test_file(config: Option<&Path>, file: &Path, run: Option<&Regex>) -> Tested {
    let mut tested = Tested {
        file: file.to_owned(),
        rules: PathBuf::new(),
        problems: Vec::new(),
        broken: true,
        empty: false,
        cases: Vec::new(),
        coverage: Coverage::default(),
    };
    match read(config, file) {
        Err(problems) => tested.problems = problems,
        Ok(Ready { suite, rules_file, rule_file, tables, warnings }) => {
            tested.rules = rules_file;
            tested.problems = warnings;
            tested.broken = false;
            tested.empty = suite.cases.is_empty();
            let names = suite.directory.names(&rule_file.names_wanted());
            let rules = Arc::new(rule_file.bind(Arc::new(names), &tables).0);
            tested.coverage.add_rules(&tested.rules, &rule_file);
            let wanted = |case: &&Case| run.is_none_or(|run| run.is_match(&case.name));
            for case in suite.cases.iter().filter(wanted) {
                let ran = run_case(&rules, case, &mut tested.coverage);
                tested.cases.push(ran);
            }
        }
    }
    tested
}

fn run_case(rules: &Arc<Rules>, case: &Case, coverage: &mut Coverage) -> Ran {
    let failures = match play::play(rules, case) {
        Ok(played) => {
            coverage.add(played.iter().flat_map(|played| &played.came.matched));
            judge::judge(case, &played)
        }
        Err(why) => vec![Failure {
            line: case.line,
            after: None,
            about: "event".to_owned(),
            expected: "an event that can be read".to_owned(),
            got: why,
            matched: Vec::new(),
            notes: Vec::new(),
            explained: Vec::new(),
        }],
    };
    Ran { name: case.name.clone(), line: case.line, failures }
}

/// Everything that a test file needs.
struct Ready {
    suite: Suite,
    rules_file: PathBuf,
    rule_file: RuleFile,
    tables: Tables,
    warnings: Vec<Problem>,
}

fn read(config: Option<&Path>, file: &Path) -> Result<Ready, Vec<Problem>> {
    let text = text_of(file)?;
    let load = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
    let (suite, mut warnings) = Suite::parse(file, &text, &load)?;
    let configured = reread(config).map(|(config, ..)| config);
    let mut rules_file = suite.rules_file(file);
    // A test file for itself is for the rules that the daemon would run.
    if suite.rules.is_none()
        && !rules_file.is_file()
        && let Ok(config) = &configured
    {
        rules_file.clone_from(&config.rules);
    }
    let fence =
        configured.ok().and_then(|config| AllowedKeys::new(&config.updates.allowed_keys).ok());
    let fence = fence.unwrap_or_else(AllowedKeys::all);
    let rules_text = text_of(&rules_file).map_err(|mut problems| {
        let help = "say in the test file which rules it is for: rules = \"FILE\"";
        problems.iter_mut().for_each(|problem| problem.help(help));
        problems
    })?;
    // What is only odd about the rules is for `check` to say.
    let rules_texts = texts::with_included(&rules_file, rules_text);
    let (rule_file, _warnings) = RuleFile::parse_all(&rules_file, &rules_texts, &fence)?;
    let (tables, _warnings) = tables::load(&rules_file, &rule_file)?;
    let misfits = suite.misfits(file, &text, &rule_file);
    if misfits.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(misfits);
    }
    warnings.extend(misfits);
    Ok(Ready { suite, rules_file, rule_file, tables, warnings })
}

fn text_of(file: &Path) -> Result<String, Vec<Problem>> {
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        fs::read_to_string(file)
    };
    text.map_err(|error| vec![Problem::of_file(file, format!("cannot be read: {error}"))])
}
