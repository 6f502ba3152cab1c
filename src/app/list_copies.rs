//! Copies of the lists in force, kept beside the rules in the state directory: for a start at which
//! a list's file cannot be used.
//!
//! A copy is named by the digest of what the list says, as a set of rules that is kept names it, and
//! is there whole or not at all (0600). Only the lists in force have one. One that cannot be read, or
//! says something else than its name, is none.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rules_history::write_whole;
use crate::rules::Tables;
use crate::rules::lists::{List, ListSource, Origin};

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct ListCopies {
    pub folder: PathBuf,
}

/// A list as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    columns: Vec<String>,
    /// The place of the key among them.
    key: usize,
    rows: Vec<Vec<String>>,
}

/// As a set of rules names a list by what it says.
pub(super) fn digest(list: &List) -> String {
    format!("{:016x}", list.hash())
}

impl ListCopies {
    /// Keeps the lists in force that are from files, and forgets all others.
    ///
    /// # Errors
    ///
    /// If one cannot be written. Others may be, and nothing is forgotten.
    pub(super) fn keep(&self, sources: &[ListSource], tables: &Tables) -> io::Result<()> {
        let mut names = BTreeSet::new();
        for source in sources.iter().filter(|source| matches!(source.origin, Origin::File { .. })) {
            let Some(list) = tables.list(&source.name) else { continue };
            let name = file_name(&digest(list));
            if !self.folder.join(&name).is_file() {
                write_whole(&self.folder, &name, &serde_json::to_vec(&Written::of(list))?)?;
            }
            names.insert(name);
        }
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(()) };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let is_kept = path.file_name().and_then(|name| name.to_str());
            if !is_kept.is_some_and(|name| names.contains(name)) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// The copy of a list that said this.
    pub(super) fn find(&self, source: &ListSource, said: &str) -> Option<Arc<List>> {
        let bytes = fs::read(self.folder.join(file_name(said))).ok()?;
        let Written { columns, key, rows } = serde_json::from_slice(&bytes).ok()?;
        let is_whole = key < columns.len() && rows.iter().all(|row| row.len() == columns.len());
        let rows: Vec<Vec<&str>> =
            rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let columns = columns.into_iter().map(Arc::from).collect();
        let list = is_whole.then(|| List::of_rows(source.keying, columns, key, &rows).ok())??.0;
        (digest(&list) == said).then(|| Arc::new(list))
    }
}

impl Written {
    fn of(list: &List) -> Written {
        let columns = list.columns().len();
        let row = |row: crate::rules::lists::Row<'_>| {
            (0..columns).map(|at| row.at(at).unwrap_or_default().to_owned()).collect()
        };
        Written {
            columns: list.columns().iter().map(ToString::to_string).collect(),
            key: list.column(list.key_column()).unwrap_or_default(),
            rows: list.rows().map(row).collect(),
        }
    }
}

fn file_name(said: &str) -> String {
    format!("{said}.json")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::fence::AllowedKeys;
    use crate::rules::RuleFile;

    const RULES: &str = "[lists.vip]\nfile = \"vip.csv\"\nkey = \"phone\"\nnormalize = \"phone\"\n\
         [lists.plain]\nfile = \"plain\"\n[lists.inline]\nrows = [\"x\"]\n\
         [[rule]]\nname = \"r\"\nmatch.customer.number = { in_list = [\"vip\", \"plain\", \"inline\"] }\n\
         set.x = \"y\"\n";

    fn tables(sources: &[ListSource], vip: &str) -> Tables {
        let mut tables = Tables::inline(sources);
        for source in sources {
            let text = match &*source.name {
                "vip" => vip,
                "plain" => "one\ntwo, or so\n",
                _ => continue,
            };
            let read = source.read(Path::new("x"), text.as_bytes());
            tables.put(Arc::clone(&source.name), read.unwrap().0);
        }
        tables
    }

    #[test]
    fn the_lists_in_force_come_back_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let copies = ListCopies { folder: folder.path().join("lists") };
        let file = RuleFile::parse(Path::new("r"), RULES, &AllowedKeys::all()).unwrap().0;
        let first =
            tables(&file.lists, "phone,segment\n+49 30 1234567,\"a \"\"b\"\"\"\n+4930765432,\n");
        let find = |tables: &Tables, name: &str| {
            let source = file.lists.iter().find(|list| *list.name == *name).unwrap();
            copies.find(source, &digest(tables.list(name).unwrap()))
        };
        assert_eq!(find(&first, "vip"), None);
        for _ in 0..2 {
            copies.keep(&file.lists, &first).unwrap();
        }
        for name in ["vip", "plain"] {
            assert_eq!(find(&first, name).unwrap().hash(), first.list(name).unwrap().hash());
        }
        let vip = find(&first, "vip").unwrap();
        assert_eq!(vip.find("0049301234567").unwrap().get("segment"), Some("a \"b\""));
        assert_eq!(find(&first, "inline"), None, "it stands in the rules");
        let second = tables(&file.lists, "phone,segment\n+49301234567,c\n");
        copies.keep(&file.lists, &second).unwrap();
        assert_eq!(find(&first, "vip"), None);
        assert!(find(&second, "vip").is_some() && find(&second, "plain").is_some());
        for entry in fs::read_dir(&copies.folder).unwrap() {
            fs::write(entry.unwrap().path(), r#"{"columns":["a"],"key":3,"rows":[["x","y"]]}"#)
                .unwrap();
        }
        assert_eq!(find(&second, "vip"), None, "what is damaged is none");
    }
}
