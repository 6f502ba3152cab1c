//! `config show`: what is in force, and where each value comes from.
//!
//! Pure. There is no secret to redact: a [`Config`] holds none, and says where it is.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::entries::{Entries, Shown, entries};
use super::{Config, Origin, Origins, duration};

/// Where the remarks begin, if the line leaves room for them.
const REMARKS: usize = 44;
/// As much as of the rules.
const HASH_BYTES: usize = 6;

impl Config {
    /// The effective configuration as TOML that can be read again, each line with a remark on where
    /// its value comes from. Paths are as they are after reading, no longer relative to the file.
    pub fn show(&self, origins: &Origins) -> String {
        let mut text = String::new();
        let file = self.file.display().to_string();
        let mut section = "";
        writeln_to(&mut text, &format!("# {file}"));
        for (key, value) in entries(self) {
            let (of, name) = key.split_once('.').unwrap_or(("", key));
            if of != section {
                section = of;
                writeln_to(&mut text, &format!("\n[{section}]"));
            }
            if let Shown::Tables(tables) = &value {
                self.show_tables(&mut text, key, tables, origins);
                continue;
            }
            let remark = remark(origins.of(key), &file);
            let line = match (toml_value(&value), origins.of(key)) {
                (Some(value), _) => format!("{name} = {value}"),
                (None, Origin::Default) => {
                    writeln_to(&mut text, &format!("# {name} is not set"));
                    continue;
                }
                // The one value that never passes through here.
                (None, _) => "# the client secret is redacted".to_owned(),
            };
            writeln_to(&mut text, &format!("{line:REMARKS$} # {remark}"));
        }
        text
    }

    /// The beginning of the SHA-256 of what is in force: two services with the same have the same.
    pub fn hash(&self) -> String {
        let shown = entries(self);
        let lines =
            shown.iter().map(|(key, value)| format!("{key} = {}\n", json_value(value.clone())));
        let digest = Sha256::digest(lines.collect::<String>().as_bytes());
        digest.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    fn show_tables(&self, text: &mut String, key: &str, tables: &[Entries], origins: &Origins) {
        let file = self.file.display().to_string();
        for (n, entries) in tables.iter().enumerate() {
            writeln_to(text, &format!("\n[[{key}]]"));
            for (name, value) in entries {
                let Some(value) = toml_value(value) else { continue };
                let remark = remark(origins.of_table(key, n, name), &file);
                let line = format!("{name} = {value}");
                writeln_to(text, &format!("{line:REMARKS$} # {remark}"));
            }
        }
    }

    /// The same for programs: for each key its `value` and where it is `from`.
    pub fn show_json(&self, origins: &Origins) -> Value {
        let file = self.file.display().to_string();
        let mut values = Map::new();
        for (key, value) in entries(self) {
            let value = if let Shown::Tables(tables) = value {
                let table = |(n, entries)| {
                    let from = |name: &str| remark(origins.of_table(key, n, name), &file);
                    json_table(entries, from)
                };
                tables.into_iter().enumerate().map(table).collect()
            } else {
                json_value(value)
            };
            let entry = json!({ "value": value, "from": remark(origins.of(key), &file) });
            values.insert(key.to_owned(), entry);
        }
        json!({ "file": file, "values": values })
    }
}

fn json_table(entries: Entries, from: impl Fn(&str) -> String) -> Value {
    let entry = |(name, value): (&str, Shown)| {
        (name.to_owned(), json!({ "value": json_value(value), "from": from(name) }))
    };
    Value::Object(entries.into_iter().map(entry).collect())
}

fn remark(origin: Origin, file: &str) -> String {
    match origin {
        Origin::File { line } => format!("{file}:{line}"),
        Origin::Default | Origin::Environment(_) | Origin::Credentials | Origin::Region => {
            origin.to_string()
        }
    }
}

fn toml_value(value: &Shown) -> Option<String> {
    // A JSON string is a TOML basic string as well.
    let quoted = |text: &str| Value::from(text).to_string();
    match value {
        Shown::Text(text) => Some(quoted(text)),
        Shown::Texts(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            Some(format!("[{}]", texts.join(", ")))
        }
        Shown::Number(number) => Some(number.to_string()),
        Shown::Flag(flag) => Some(flag.to_string()),
        Shown::Share(share) => Some(format!("{:?}", f64::from(*share) / 1000.0)),
        Shown::Time(time) => Some(quoted(&duration::show(*time))),
        // Shown by themselves.
        Shown::Absent | Shown::Tables(_) => None,
    }
}

fn json_value(value: Shown) -> Value {
    match value {
        Shown::Text(text) => text.into(),
        Shown::Texts(texts) => texts.into(),
        Shown::Number(number) => number.into(),
        Shown::Flag(flag) => flag.into(),
        Shown::Share(share) => (f64::from(share) / 1000.0).into(),
        Shown::Time(time) => duration::show(time).into(),
        Shown::Absent | Shown::Tables(_) => Value::Null,
    }
}

fn writeln_to(text: &mut String, line: &str) {
    writeln!(text, "{}", line.trim_end()).expect("writing to a String does not fail");
}
