//! The files of lists: read beside the rules that name them, whole and before anything is swapped.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use crate::config::problem::Problem;
use crate::rules::RuleFile;
use crate::rules::lists::{List, ListSource, MAX_BYTES, Origin, Tables};

/// Gives another list in the place of one that is bad, where there is one. It is told what is wrong
/// with that.
pub(super) type StandIn<'s> = dyn FnMut(&ListSource, &[Problem]) -> Option<Arc<List>> + 's;

/// Reads every list of a rules file that is at `rules`. Beside the tables come the warnings.
///
/// # Errors
///
/// Every problem of every list: where one is bad there are no tables, so that the caller keeps those
/// that he has.
pub(crate) fn load(rules: &Path, file: &RuleFile) -> Result<(Tables, Vec<Problem>), Vec<Problem>> {
    load_or(rules, file, &mut |_, _| None)
}

/// The same, with what stands in for a list that is bad.
pub(super) fn load_or(
    rules: &Path,
    file: &RuleFile,
    other: &mut StandIn<'_>,
) -> Result<(Tables, Vec<Problem>), Vec<Problem>> {
    let folder = rules.parent().unwrap_or(Path::new(""));
    let mut tables = Tables::inline(&file.lists);
    let (mut warnings, mut problems) = (Vec::new(), Vec::new());
    for source in &file.lists {
        let Origin::File { path, .. } = &source.origin else { continue };
        let path = folder.join(path);
        let read = match read(&path) {
            Ok(bytes) => source.read(&path, &bytes),
            Err(error) => Err(vec![source.unreadable(&path, &error)]),
        };
        match read {
            Ok((list, found)) => {
                tables.put(Arc::clone(&source.name), list);
                warnings.extend(found);
            }
            Err(found) => match other(source, &found) {
                Some(list) => tables.put(Arc::clone(&source.name), list),
                None => problems.extend(found),
            },
        }
    }
    if problems.is_empty() { Ok((tables, warnings)) } else { Err(problems) }
}

/// The bytes of a file; of one that is too large, one more than a list may have.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::config::fence::AllowedKeys;

    fn loaded(list: Option<&str>) -> (tempfile::TempDir, Result<Tables, String>) {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.toml");
        let text = "[lists.vip]\nfile = \"vip.csv\"\nkey = \"phone\"\n\n[[rule]]\nname = \"r\"\n\
                    match.customer.number = { in_list = \"vip\" }\nset.x = \"y\"\n";
        if let Some(list) = list {
            std::fs::write(folder.path().join("vip.csv"), list).unwrap();
        }
        let (file, _) = RuleFile::parse(&rules, text, &AllowedKeys::all()).unwrap();
        let loaded = load(&rules, &file).map(|(tables, _)| tables).map_err(|problems| {
            let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
            shown.join("\n").replace(&format!("{}/", folder.path().display()), "")
        });
        (folder, loaded)
    }

    #[test]
    fn lists_stand_beside_the_rules() {
        let (_folder, tables) = loaded(Some("phone\n+4930\n"));
        assert!(tables.unwrap().list("vip").unwrap().contains("+4930"));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_told_where_the_rules_name_it() {
        expect![[r#"
            error: the list `vip` cannot be read: No such file or directory (os error 2)
              --> rules.toml:1:8
               |
             1 | [lists.vip]
               |        ^^^
               = there is no vip.csv; a list is looked for from the folder of the rules file"#]]
        .assert_eq(&loaded(None).1.unwrap_err());
        expect![[r#"
            error: the list has no column `phone`, which is to be its key
              --> vip.csv:1:1
               |
             1 | number
               | ^^^^^^
               = its columns are: number"#]]
        .assert_eq(&loaded(Some("number\n")).1.unwrap_err());
    }
    #[test]
    fn a_column_that_the_file_has_not_is_told_where_the_rules_take_it() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.toml");
        std::fs::write(folder.path().join("vip.csv"), "phone,segment\n+4930,gold\n").unwrap();
        let text = r#"[lists.vip]
file = "vip.csv"
key = "phone"

[[rule]]
name = "r"
match.customer.number = { in_list = "vip" }
when = 'lookup("vip", customer.address).segmnt == "gold"'
set.x = "of {{ lists.vip.segment }}, {{ lists.vip.manager }}"
set.y = "{{ lists.vip.manager }}"
"#;
        let (file, _) = RuleFile::parse(&rules, text, &AllowedKeys::all()).unwrap();
        let (_, warnings) = load(&rules, &file).unwrap();
        let shown: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        let shown = shown.join("\n").replace(&format!("{}/", folder.path().display()), "");
        expect![[r#"
            warning: the list `vip` has no column `manager`, named in one more place
              --> rules.toml:9:41
               |
             9 | set.x = "of {{ lists.vip.segment }}, {{ lists.vip.manager }}"
               |                                         ^^^^^^^^^^^^^^^^^
               = it has: phone, segment
            warning: the list `vip` has no column `segmnt`
              --> rules.toml:8:9
               |
             8 | when = 'lookup("vip", customer.address).segmnt == "gold"'
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = did you mean `segment`?"#]]
        .assert_eq(&shown);
    }
}
