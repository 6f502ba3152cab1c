//! The operator's fence around attribute keys: what rules, and people, may write.
//!
//! It is given as globs (`cc.*`), in which `*` stands for any characters, dots included. It says yes
//! or no to a key and does nothing else.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The keys that may be written.
#[derive(Clone, Debug)]
pub struct AllowedKeys {
    globs: Vec<String>,
    set: Set,
}

#[derive(Clone, Debug)]
enum Set {
    All,
    Globs(GlobSet),
}

/// A glob that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the glob `{glob}` cannot be read: {reason}")]
pub struct BadGlob {
    pub glob: String,
    pub reason: String,
}

impl AllowedKeys {
    /// Allows the keys that at least one of the globs takes; none if there are no globs.
    ///
    /// # Errors
    ///
    /// If a glob cannot be read; the first such one.
    pub fn new(globs: &[String]) -> Result<AllowedKeys, BadGlob> {
        let mut set = GlobSetBuilder::new();
        let bad = |glob: &str, error: &globset::Error| BadGlob {
            glob: glob.to_owned(),
            reason: error.kind().to_string(),
        };
        for glob in globs {
            let read = GlobBuilder::new(glob).backslash_escape(true).build();
            set.add(read.map_err(|error| bad(glob, &error))?);
        }
        let set = set.build().map_err(|error| bad(&globs.join(" "), &error))?;
        Ok(AllowedKeys { globs: globs.to_owned(), set: Set::Globs(set) })
    }

    /// Allows every key.
    pub fn all() -> AllowedKeys {
        AllowedKeys { globs: vec!["*".to_owned()], set: Set::All }
    }

    pub fn allows(&self, key: &str) -> bool {
        match &self.set {
            Set::All => true,
            Set::Globs(globs) => globs.is_match(key),
        }
    }

    /// The globs as they were given.
    pub fn globs(&self) -> &[String] {
        &self.globs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_inside_the_fence_are_allowed() {
        for (globs, key, allowed) in [
            (&["*"][..], "anything at/all", true),
            (&["cc.*"], "cc.segment", true),
            (&["cc.*"], "cc.a.b", true),
            (&["cc.*"], "ccx", false),
            (&["cc.*", "page"], "page", true),
            (&["cc.*"], "CC.segment", false),
            (&[], "cc.segment", false),
        ] {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            assert_eq!(AllowedKeys::new(&globs).unwrap().allows(key), allowed, "{globs:?} {key}");
        }
    }

    #[test]
    fn a_glob_that_cannot_be_read_is_named() {
        let error = AllowedKeys::new(&["cc.*".to_owned(), "cc.[".to_owned()]).unwrap_err();
        assert_eq!(error.glob, "cc.[");
    }
}
