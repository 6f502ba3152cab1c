//! The published schemas: where they are, and validators made from them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use attributed::simulator::world::{UNDOCUMENTED, UNKNOWN_STATE};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Schemas and samples as they were published.
pub(crate) struct Published {
    folder: PathBuf,
    events: Value,
    api: Value,
}

/// How often each exception from the schemas was needed.
#[derive(Debug, Default)]
pub(crate) struct Exceptions(BTreeMap<&'static str, usize>);

static RELATIVE_URIS: AtomicUsize = AtomicUsize::new(0);

impl Published {
    /// `None`, and a word about it, where the schemas are not there.
    pub(crate) fn find(test: &str) -> Option<Published> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = ["../shared/genesys", "../../shared/genesys"].map(|folder| here.join(folder));
        let Some(folder) =
            folders.into_iter().find(|folder| folder.join("event-schemas.json").exists())
        else {
            // Past the capture of the test harness, which would swallow it.
            writeln!(
                std::io::stderr(),
                "SKIPPED {test}: no ../shared/genesys, nothing was held against the schemas"
            )
            .expect("standard error");
            return None;
        };
        let [events, api] =
            ["event-schemas.json", "api-subset.json"].map(|file| read(&folder.join(file)));
        Some(Published { folder, events: closed(events, "$defs"), api: closed(api, "definitions") })
    }

    pub(crate) fn api(&self) -> &Value {
        &self.api
    }

    pub(crate) fn http_samples(&self) -> Value {
        read(&self.folder.join("http-samples.json"))
    }

    /// Sample frames by file name.
    pub(crate) fn samples(&self) -> BTreeMap<String, Value> {
        let files = std::fs::read_dir(self.folder.join("events")).expect("the samples");
        let files = files.map(|file| file.expect("a sample").path());
        files
            .map(|path| {
                (path.file_name().expect("a name").to_string_lossy().into_owned(), read(&path))
            })
            .collect()
    }

    /// The class of a topic's bodies, by `x-topics`.
    pub(crate) fn class(&self, topic: &str) -> Option<String> {
        let shape = |name: &str| name.split('.').map(str::to_owned).collect::<Vec<_>>();
        let wanted = shape(topic);
        let topics = self.events["x-topics"].as_array().into_iter().flatten();
        let found = topics.into_iter().find(|known| {
            let known = shape(known["topic"].as_str().unwrap_or_default());
            known.len() == wanted.len()
                && known.iter().zip(&wanted).all(|(k, w)| k == "{id}" || k == w)
        })?;
        found["class"].as_str().map(str::to_owned)
    }

    /// A validator of event bodies of a class, unknown properties refused.
    pub(crate) fn event(&self, class: &str) -> Validator {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/$defs/{class}"),
            "$defs": self.events["$defs"],
        });
        validator(&schema)
    }

    /// A validator for a schema of the API, unknown properties refused.
    pub(crate) fn of_api(&self, schema: &Value) -> Validator {
        validator(&json!({ "allOf": [schema], "definitions": self.api["definitions"] }))
    }
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a published file");
    serde_json::from_str(&text).expect("JSON")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .with_format("uri", |uri: &str| {
            // Genesys' own examples have `/api/v2/…` where the schema says a whole URI.
            RELATIVE_URIS.fetch_add(usize::from(uri.starts_with('/')), Ordering::Relaxed);
            !uri.contains(' ')
        })
        .build(schema)
        .expect("a usable schema")
}

/// The same schemas, refusing properties that they do not name.
fn closed(mut schemas: Value, definitions: &str) -> Value {
    for (_, class) in schemas[definitions].as_object_mut().expect("definitions") {
        let class = class.as_object_mut().expect("a class");
        let plain = class.contains_key("properties") && !class.contains_key("allOf");
        if plain && !class.contains_key("additionalProperties") {
            class.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
    schemas
}

impl Exceptions {
    /// The body without what real frames have and schemas do not allow.
    pub(crate) fn smooth(&mut self, body: &Value) -> Value {
        match body {
            Value::Object(fields) => Value::Object(self.smooth_fields(fields)),
            Value::Array(values) => {
                Value::Array(values.iter().map(|value| self.smooth(value)).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => body.clone(),
        }
    }

    fn smooth_fields(&mut self, fields: &Map<String, Value>) -> Map<String, Value> {
        let mut smooth = Map::new();
        for (name, value) in fields {
            let unknown =
                value.as_str().is_some_and(|word| word.eq_ignore_ascii_case(UNKNOWN_STATE));
            if value.is_null() {
                self.used("null: nothing is required, and absent may be said so (FACTS 2.5.7)");
            } else if UNDOCUMENTED.contains(&name.as_str()) {
                self.used("undocumented: real frames have such (FACTS 2.5.6)");
            } else if unknown {
                self.used("unknown word: enumerations are open");
            } else {
                smooth.insert(name.clone(), self.smooth(value));
            }
        }
        smooth
    }

    fn used(&mut self, why: &'static str) {
        *self.0.entry(why).or_default() += 1;
    }

    /// Every exception was needed, else it should go.
    pub(crate) fn assert_used(&self) {
        assert_eq!(self.0.len(), 3, "an exception from the schemas is not needed: {:?}", self.0);
        assert!(RELATIVE_URIS.load(Ordering::Relaxed) > 0, "relative URIs need no exception");
    }
}
