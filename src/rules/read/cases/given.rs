//! Reading `given`: what a conversation is like, in a few words.

use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

use super::super::reader::{Key, Node};
use super::{Cases, Draft, among, in_order};
use crate::config::problem::did_you_mean;
use crate::rules::cases::given::Fields;
use crate::rules::cases::{CONVERSATION_WORDS, PARTY_WORDS, Place, Watched, Word, WordKind};
use crate::rules::field::Of;
use crate::rules::fields;
use crate::rules::words::PURPOSES;

/// Parties whose purpose their name says.
const SUBJECTS: [&str; 6] = ["participant", "customer", "agent", "acd", "ivr", "external"];

/// What `expect` says beside parties: none can be called so.
pub(super) const RESERVED: [&str; 6] = ["rules", "matches", "nothing", "only", "not", "dry_run"];

impl Cases<'_> {
    /// Takes in what is given. Returns true if that changes the conversation.
    pub(super) fn given(&mut self, node: &Node<'_>, draft: &mut Draft) -> bool {
        let Some(table) = self.reader.table("given", node) else { return false };
        let mut changes = false;
        for (key, node) in in_order(table) {
            let name = &**key.get_ref();
            match (name, node.get_ref()) {
                ("at", _) if draft.steps.is_empty() => {
                    draft.at = self.time("at", node).or(draft.at);
                }
                ("at", _) => {
                    let message = "only the first event says when it comes";
                    let help = "say after how long this one comes: after = \"30s\"";
                    self.reader.problems.error(key.span(), message).help(help);
                }
                ("watched", _) => self.watched(node, draft),
                ("customer", DeValue::Boolean(there)) => {
                    draft.given.no_customer = !there;
                    changes = true;
                }
                ("conversation", DeValue::Table(table)) => {
                    for (key, node) in in_order(table) {
                        self.of_conversation(key, node, draft);
                    }
                    changes = true;
                }
                (_, DeValue::Table(party)) => {
                    self.party(key, party, draft);
                    changes = true;
                }
                _ => {
                    self.of_conversation(key, node, draft);
                    changes = true;
                }
            }
        }
        if draft.given.customers() > 1 {
            let message = "two parties of this case have the purpose `customer`";
            let help = "write all that is given of the customer as given.customer.… ";
            self.reader.problems.error(node.span(), message).help(help.trim_end());
        }
        draft.drawn |= changes;
        changes
    }

    fn watched(&mut self, node: &Node<'_>, draft: &mut Draft) {
        if let DeValue::Boolean(all) = node.get_ref() {
            draft.watched = if *all { Watched::All } else { Watched::Nobody };
            return;
        }
        let users = self.texts("watched", node);
        let ids = users.iter().map(|(user, _)| self.suite.directory.user(user));
        draft.watched = Watched::Users(ids.collect());
    }

    fn of_conversation(&mut self, key: &Key<'_>, node: &Node<'_>, draft: &mut Draft) {
        let name = &**key.get_ref();
        if name == "number" {
            let Some(number) = self.reader.text("number", node) else { return };
            let number = json!(number);
            draft.given.party("customer").fields.insert("number", number);
            return;
        }
        let Some(word) = CONVERSATION_WORDS.iter().find(|word| word.name == name) else {
            let known = CONVERSATION_WORDS.iter().map(|word| word.name);
            let known: Vec<&str> =
                known.chain(["number", "at", "watched"]).chain(SUBJECTS).collect();
            return self.reader.unknown(key, "`given`", &known);
        };
        if let Some(value) = self.word_value(word, node) {
            draft.given.conversation.insert(word.name, value);
        }
    }

    fn party(&mut self, key: &Key<'_>, table: &DeTable<'_>, draft: &mut Draft) {
        let name = &**key.get_ref();
        if RESERVED.contains(&name) || name == "conversation" {
            let message = format!("nobody can be called `{name}`: `expect` needs that word");
            self.reader.problems.error(key.span(), message).help("choose another name");
            return;
        }
        let known = SUBJECTS.contains(&name) || PURPOSES.contains(&name);
        let told = draft.given.names().any(|told| told == name);
        if !known && !told && !table.contains_key("purpose") {
            let message = format!("nobody knows what `{name}` is");
            let help = match did_you_mean(name, SUBJECTS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("say what they are: given.{name}.purpose = \"agent\""),
            };
            self.reader.problems.error(key.span(), message).help(help);
            return;
        }
        draft.given.party(name);
        for (word, node) in in_order(table) {
            match &**word.get_ref() {
                "attributes" => self.attributes(name, node, draft),
                "communications" => {
                    if let Some(communications) = self.communications(node) {
                        draft.given.party(name).communications = communications;
                    }
                }
                "number" if !["customer", "external", "participant"].contains(&name) => {
                    let message = "`number` is the customer's, whoever looks at it";
                    let help = "write given.customer.number; our own side is given.dnis";
                    self.reader.problems.error(word.span(), message).help(help);
                }
                _ => {
                    let Some((word, value)) = self.field(word, node, &[]) else { continue };
                    draft.given.party(name).fields.insert(word.name, value);
                }
            }
        }
        // What a desktop shows; the directory has no other.
        let party = draft.given.party(name);
        if let (Some(user), false) = (table.get("user"), party.fields.contains_key("name"))
            && let Some(user) = user.get_ref().as_str()
        {
            party.fields.insert("name", json!(user));
        }
    }

    fn attributes(&mut self, party: &str, node: &Node<'_>, draft: &mut Draft) {
        let Some(table) = self.reader.table("attributes", node) else { return };
        for (key, node) in in_order(table) {
            if let Some(value) = self.plain(key.get_ref(), node) {
                draft.given.attribute(party, key.get_ref(), value);
            }
        }
    }

    fn communications(&mut self, node: &Node<'_>) -> Option<Vec<Fields>> {
        let DeValue::Array(items) = node.get_ref() else {
            self.reader.wrong_type(node, "communications", "a list: [ { media = \"call\" } ]");
            return None;
        };
        let mut communications = Vec::new();
        for item in items.iter() {
            let table = self.reader.table("communications", item)?;
            let mut fields = Fields::new();
            for (key, node) in in_order(table) {
                let Some((word, value)) = self.field(key, node, &[Place::Communication]) else {
                    continue;
                };
                fields.insert(word.name, value);
            }
            communications.push(fields);
        }
        Some(communications)
    }

    /// A word of a party, and its value; of these places, if any are named.
    fn field(
        &mut self,
        key: &Key<'_>,
        node: &Node<'_>,
        places: &[Place],
    ) -> Option<(&'static Word, Value)> {
        let words = PARTY_WORDS.iter();
        let mut words = words.filter(|word| places.is_empty() || places.contains(&word.place));
        let name = &**key.get_ref();
        // The same, as far as a test can tell.
        let name = match name {
            "user_id" => "user",
            "user_name" => "name",
            "queue_id" => "queue",
            name => name,
        };
        match words.clone().find(|word| word.name == name) {
            Some(word) => Some((word, self.word_value(word, node)?)),
            None => {
                let known: Vec<&str> = words.by_ref().map(|word| word.name).collect();
                let of = if places.is_empty() { "a participant" } else { "a communication" };
                self.reader.unknown(key, of, &known);
                None
            }
        }
    }

    fn word_value(&mut self, word: &Word, node: &Node<'_>) -> Option<Value> {
        match word.kind {
            WordKind::Flag => self.reader.flag(word.name, node).map(Value::from),
            WordKind::Number => {
                let number = node
                    .get_ref()
                    .as_integer()
                    .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
                if number.is_none() {
                    self.reader.wrong_type(node, word.name, "a whole number");
                }
                number.map(Value::from)
            }
            WordKind::Texts => {
                let texts = self.texts(word.name, node);
                Some(texts.into_iter().map(|(text, _)| text).collect())
            }
            WordKind::Queue => {
                let name = self.reader.text(word.name, node)?;
                Some(json!(self.suite.directory.queue(name)))
            }
            WordKind::User => {
                let name = self.reader.text(word.name, node)?;
                Some(json!(self.suite.directory.user(name)))
            }
            WordKind::Listed(of) => {
                let name = self.reader.text(word.name, node)?;
                Some(json!(self.suite.directory.listed(of, name)))
            }
            WordKind::AllListed(of) => {
                let names = self.texts(word.name, node);
                let names = names.into_iter();
                Some(names.map(|(name, _)| self.suite.directory.listed(of, &name)).collect())
            }
            WordKind::Text => {
                let text = self.reader.text(word.name, node)?.to_owned();
                self.known_word(word, &text, node);
                Some(json!(text))
            }
        }
    }

    /// Objects to words that Genesys does not send. New states and types may come; media not.
    fn known_word(&mut self, word: &Word, text: &str, node: &Node<'_>) {
        let of = [Of::Party, Of::Conversation];
        let known = of.into_iter().find_map(|of| fields::find(of, word.name));
        let known = known.map(|field| field.words).unwrap_or_default();
        if known.is_empty() || text.is_empty() || known.contains(&text) {
            return;
        }
        let help = among(text, known.iter().copied());
        if word.name == "media" {
            let message = format!("`media` cannot be {text:?}");
            self.reader.problems.error(node.span(), message).help(help);
        } else {
            let message = format!("`{}` is not known to be {text:?}", word.name);
            self.reader.problems.warning(node.span(), message).help(help);
        }
    }
}
