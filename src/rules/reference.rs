//! The table of fields as it is shown to people and programs: `check --fields`. Beside it, every feature
//! of the language, as administrators find it in `rules.example.toml`:
//!
//! ```toml
#![doc = include_str!("../../rules.example.toml")]
//! ```

use serde_json::{Value, json};

use super::field::{Field, Of, Subject};
use super::fields;

/// The whole table as text.
pub fn field_table() -> String {
    let mut text = String::new();
    for (of, title) in [
        (Of::Conversation, "conversation"),
        (Of::Party, "participant, customer, agent, acd, watched"),
    ] {
        text.push_str(&format!("{title}\n"));
        for field in fields::all().iter().filter(|field| field.of == of) {
            let media = match media(field) {
                media if media.is_empty() => "all".to_owned(),
                media => media.join(", "),
            };
            text.push_str(&format!("  {:<25}{}\n", field.name, field.kind.name()));
            text.push_str(&format!("    media {media}; for example {}\n", field.example));
            text.push_str(&format!("    from {}\n", field.genesys));
            if field.running {
                text.push_str("    changes with time alone\n");
            }
            if !field.words.is_empty() {
                text.push_str(&format!("    words {}\n", field.words.join(", ")));
            }
        }
    }
    text
}

/// The whole table for programs: a list with one object for each subject and field.
pub fn field_table_json() -> Value {
    let of_subject = |subject: Subject| {
        let of = subject.of();
        let fields = fields::all().iter().filter(move |field| field.of == of);
        fields.map(move |field| {
            json!({
                "path": format!("{}.{}", subject.name(), field.name),
                "type": field.kind.name(),
                "media": media(field),
                "words": field.words,
                "genesys": field.genesys,
                "example": field.example,
                "changes_with_time": field.running,
            })
        })
    };
    Subject::ALL.into_iter().flat_map(of_subject).collect()
}

fn media(field: &Field) -> Vec<&'static str> {
    field.media.iter().map(|media| media.word()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_every_field() {
        let text = field_table();
        let json = field_table_json();
        let paths: Vec<&str> =
            json.as_array().unwrap().iter().filter_map(|row| row["path"].as_str()).collect();
        for field in fields::all() {
            assert!(text.contains(&format!("\n  {:<25}", field.name)), "{field:?}");
            let subject = if field.of == Of::Party { "watched" } else { "conversation" };
            assert!(paths.contains(&format!("{subject}.{}", field.name).as_str()), "{field:?}");
        }
    }
}
