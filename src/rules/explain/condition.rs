//! One condition at one element, with the value that was found.

use super::Checked;
use super::words;
use crate::rules::field::{Kind, Path};
use crate::rules::file::Condition;
use crate::rules::subjects::{Scene, Tested};

/// Why a condition on a name holds for nobody.
const UNKNOWN: &str = "the directory does not know this name, so it equals nothing";

/// Tests it, as the rule names it (`named`) and with ids in place of names (`bound`).
pub(super) fn check(
    named: &Condition,
    bound: &Condition,
    scene: &Scene<'_>,
    tested: Tested,
) -> Checked {
    let value = scene.read(&bound.path, tested);
    let unknown = named.pattern.names().is_some_and(|names| !names.is_empty())
        && bound.pattern.names().is_some_and(<[_]>::is_empty);
    Checked {
        subject: named.path.to_string(),
        wanted: words::pattern(&named.pattern),
        holds: bound.pattern.holds(value.as_ref()),
        found: found(&bound.path, scene, tested),
        note: unknown.then_some(UNKNOWN),
        parts: Vec::new(),
    }
}

/// What is there: for a queue or a user its name, with the id that is compared.
fn found(path: &Path, scene: &Scene<'_>, tested: Tested) -> Option<String> {
    let value = scene.read(path, tested)?.into_text();
    match path.field.kind {
        Kind::Queue | Kind::User => {
            let name = scene.show(path, tested).map(|name| name.into_text());
            let name = name.filter(|name| *name != value);
            Some(name.map_or_else(|| value.clone(), |name| format!("{name} ({value})")))
        }
        Kind::Text | Kind::Flag | Kind::Number | Kind::Texts | Kind::Attributes => Some(value),
    }
}
