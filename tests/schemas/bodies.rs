//! Every body that the world sends is valid.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::published::{Exceptions, Published};
use crate::traffic;

/// How many problems are shown; the rest are more of the same.
const SHOWN: usize = 10;

pub(crate) struct Check<'a> {
    published: &'a Published,
    validators: BTreeMap<String, Validator>,
    exceptions: Exceptions,
    pub(crate) problems: Vec<String>,
    checked: BTreeMap<String, usize>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(published: &'a Published) -> Check<'a> {
        Check {
            published,
            validators: BTreeMap::new(),
            exceptions: Exceptions::default(),
            problems: Vec::new(),
            checked: BTreeMap::new(),
        }
    }

    pub(crate) fn event(&mut self, topic: &str, body: &Value) {
        let Some(class) = self.published.class(topic) else {
            self.problems.push(format!("no such topic: {topic}"));
            return;
        };
        let published = self.published;
        let validator =
            self.validators.entry(class.clone()).or_insert_with(|| published.event(&class));
        let body = self.exceptions.smooth(body);
        problems(validator, &body, &class, &mut self.problems);
        *self.checked.entry(class).or_default() += 1;
    }

    fn rest(&mut self, body: &Value) {
        let published = self.published;
        let schema = json!({ "$ref": "#/definitions/Conversation" });
        let validator =
            self.validators.entry("REST".to_owned()).or_insert_with(|| published.of_api(&schema));
        let body = self.exceptions.smooth(body);
        problems(validator, &body, "REST", &mut self.problems);
        *self.checked.entry("REST".to_owned()).or_default() += 1;
    }
}

fn problems(validator: &Validator, body: &Value, class: &str, into: &mut Vec<String>) {
    if into.len() < SHOWN {
        into.extend(
            validator
                .iter_errors(body)
                .map(|error| format!("{class}{}: {error}", error.instance_path())),
        );
    }
}

#[test]
fn every_body_of_the_world_is_valid() {
    let Some(published) = Published::find("every_body_of_the_world_is_valid") else { return };
    let mut check = Check::new(&published);
    let mut checked = 0;
    traffic::play(|world, change| {
        // One user's and one queue's topics stand for all: their bodies are the same.
        let mut last = BTreeMap::new();
        for topic in &change.topics {
            last.insert(published.class(topic).unwrap_or_else(|| topic.clone()), topic.as_str());
        }
        for topic in last.into_values() {
            check.event(topic, &change.body(topic));
        }
        checked += 1;
        check.rest(&world.rest_body(&change.conversation).expect("a body"));
    });
    assert!(check.problems.is_empty(), "{}", check.problems.join("\n"));
    // Generic and four media, users' and queues', and the API's.
    assert_eq!(check.checked.len(), 11, "{:?}", check.checked);
    assert!(check.checked.values().all(|&n| n > 50) && checked > 1000, "{:?}", check.checked);
    check.exceptions.assert_used();
}

#[test]
fn the_samples_are_valid_by_the_same_measure() {
    let Some(published) = Published::find("the_samples_are_valid_by_the_same_measure") else {
        return;
    };
    let mut check = Check::new(&published);
    for frame in published.samples().values() {
        check.event(frame["topicName"].as_str().expect("a topic"), &frame["eventBody"]);
    }
    assert!(check.problems.is_empty(), "{}", check.problems.join("\n"));
    let system =
        check.checked.keys().filter(|class| class.contains("System") || class.contains("Channel"));
    assert_eq!(system.count(), 2, "the system frames are among them");
}

#[test]
fn the_measure_finds_what_is_wrong() {
    let Some(published) = Published::find("the_measure_finds_what_is_wrong") else { return };
    let topic = "v2.users.u.conversations";
    for body in [
        json!({ "id": 1 }),
        json!({ "misspelled": "x" }),
        json!({ "participants": [{ "calls": [{ "state": "ringing" }] }] }),
        json!({ "participants": [{ "connectedTime": "yesterday" }] }),
    ] {
        let mut check = Check::new(&published);
        check.event(topic, &body);
        assert_eq!(check.problems.len(), 1, "{body}");
    }
}
