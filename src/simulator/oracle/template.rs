//! What a rule writes: a plain value, or text with `{{ subject.field }}` in it.

use serde_json::Value as Json;
use toml::Value as Toml;

use super::ruleset::Path;

#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Field(Path),
}

impl Template {
    pub(super) fn read(value: &Toml) -> Result<Template, String> {
        match value {
            Toml::String(text) => Template::parse(text),
            Toml::Integer(number) => Ok(Template(vec![Piece::Text(number.to_string())])),
            Toml::Float(number) => Ok(Template(vec![Piece::Text(Json::from(*number).to_string())])),
            Toml::Boolean(truth) => Ok(Template(vec![Piece::Text(truth.to_string())])),
            Toml::Datetime(_) | Toml::Array(_) | Toml::Table(_) => {
                Err("a value that is no text".to_owned())
            }
        }
    }

    fn parse(text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, after) =
                after.split_once("}}").ok_or_else(|| format!("`{text}` has no `}}}}`"))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Field(Path::parse(inside.trim())?));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Template(pieces))
    }

    pub(super) fn mentions(&self, subject: &str) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Field(path) if path.subject == subject))
    }

    /// The text to write; `None` when something it needs is absent.
    pub(super) fn fill(&self, read: impl Fn(&Path) -> Vec<Json>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Field(path) => {
                    let found = read(path);
                    text.push_str(&written(path, &found)?);
                }
            }
        }
        Some(text)
    }
}

/// Numbers and booleans in their JSON form, lists as JSON text; of several ways to say one thing,
/// the first.
fn written(path: &Path, found: &[Json]) -> Option<String> {
    if path.field == "skills" && !found.is_empty() {
        return Some(Json::from(found.to_vec()).to_string());
    }
    let first = found.first()?;
    Some(first.as_str().map_or_else(|| first.to_string(), str::to_owned))
}
