//! The texts that a set of rules is made of: a rules file, and the files it includes.
//!
//! Rules do no I/O. Whoever reads files asks [`Texts::wanted`] which ones a text includes, and brings
//! them. All are checked as one, the included ones first.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::de::DeTable;

/// A rules file and what it includes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Texts {
    pub main: String,
    /// In the order in which they are read, before the main one.
    pub included: Vec<Included>,
}

/// A file that is included.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Included {
    /// As it stands in `include`.
    pub glob: String,
    /// For messages.
    pub path: PathBuf,
    /// The text, or why it cannot be read.
    pub text: Result<String, String>,
}

impl Texts {
    /// A file without others.
    pub fn alone(main: impl Into<String>) -> Texts {
        Texts { main: main.into(), included: Vec::new() }
    }

    /// Every file that could be read, with where it is, in the order in which they count; the main one
    /// is at `main`.
    pub(super) fn each<'t>(&'t self, main: &'t Path) -> impl Iterator<Item = (&'t Path, &'t str)> {
        let included = self.included.iter();
        let included = included.filter_map(|one| Some((&*one.path, one.text.as_deref().ok()?)));
        included.chain([(main, &*self.main)])
    }

    /// The globs that a rules file includes; what is wrong with them is told when it is checked.
    pub fn wanted(main: &str) -> Vec<String> {
        let (document, _) = DeTable::parse_recoverable(main);
        let include = document.get_ref().get("include").and_then(|node| node.get_ref().as_array());
        let globs = include.into_iter().flatten();
        globs.filter_map(|node| node.get_ref().as_str()).map(str::to_owned).collect()
    }

    /// One text to keep for all of them: the file as it is, if it is alone.
    pub fn to_kept(&self) -> String {
        if self.included.is_empty() {
            return self.main.clone();
        }
        serde_json::json!(self).to_string()
    }

    /// What [`Texts::to_kept`] made. No rules file begins as several kept ones do, with a brace.
    pub fn from_kept(kept: &str) -> Texts {
        serde_json::from_str(kept).unwrap_or_else(|_| Texts::alone(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_comes_back() {
        let main = "include = [\"rules.d/*.toml\", 5]\n[[rule]]\nname = \"a\"\n";
        assert_eq!(Texts::wanted(main), ["rules.d/*.toml"]);
        assert!(Texts::wanted("include = \"x\"\n[[").is_empty());
        let alone = Texts::alone(main);
        assert_eq!(alone.to_kept(), main);
        let path = PathBuf::from("rules.d/a.toml");
        let glob = "rules.d/*.toml".to_owned();
        let included = Included { glob, path, text: Ok("# \"nothing\"".to_owned()) };
        let several = Texts { included: vec![included], ..alone.clone() };
        for texts in [alone, several] {
            assert_eq!(Texts::from_kept(&texts.to_kept()), texts);
        }
    }
}
