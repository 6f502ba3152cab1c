//! Reading `expect`: what has to come of a case.

use toml::de::{DeTable, DeValue};

use super::super::reader::{Key, Node};
use super::given::RESERVED;
use super::{Cases, Draft, among, in_order};
use crate::rules::cases::{Expect, ExpectedAttribute};

/// How an attribute is spoken of.
#[derive(Clone, Copy, Default)]
struct Mood {
    not: bool,
    dry_run: bool,
}

impl Cases<'_> {
    pub(super) fn expect(&mut self, node: &Node<'_>, draft: &Draft) -> Expect {
        let mut expect = Expect::default();
        let Some(table) = self.reader.table("expect", node) else { return expect };
        let mood = Mood::default();
        for (key, node) in in_order(table) {
            match &**key.get_ref() {
                "nothing" => expect.nothing = self.only_true(key, node),
                "only" => expect.only = self.only_true(key, node),
                "rules" => expect.rules = Some(self.rule_names("rules", node).collect()),
                "matches" => expect.matches.extend(self.rule_names("matches", node)),
                "not" => self.expect_not(node, draft, &mut expect),
                "dry_run" => {
                    let Some(table) = self.reader.table("dry_run", node) else { continue };
                    for (key, node) in in_order(table) {
                        self.who(key, node, draft, Mood { dry_run: true, ..mood }, &mut expect);
                    }
                }
                _ => self.who(key, node, draft, mood, &mut expect),
            }
        }
        let positive = |one: &&ExpectedAttribute| !one.not && !one.dry_run && !one.value.is_empty();
        if expect.nothing && (expect.only || expect.rules.as_ref().is_some_and(|r| !r.is_empty())) {
            let message = "`nothing` is written, and something is: one of them cannot be";
            self.reader.problems.error(node.span(), message);
        }
        if expect.only && expect.attributes.iter().filter(positive).count() == 0 {
            let message = "`only` needs an attribute that is written";
            let help = "write expect.nothing = true if nothing is to be written";
            self.reader.problems.error(node.span(), message).help(help);
        }
        expect
    }

    fn expect_not(&mut self, node: &Node<'_>, draft: &Draft, expect: &mut Expect) {
        let Some(table) = self.reader.table("not", node) else { return };
        for (key, node) in in_order(table) {
            match &**key.get_ref() {
                "rules" => expect.not_rules.extend(self.rule_names("rules", node)),
                "matches" => expect.not_matches.extend(self.rule_names("matches", node)),
                _ => self.who(key, node, draft, Mood { not: true, dry_run: false }, expect),
            }
        }
    }

    /// A flag that says something only where it is true.
    fn only_true(&mut self, key: &Key<'_>, node: &Node<'_>) -> bool {
        let flag = self.reader.flag(key.get_ref(), node).unwrap_or(true);
        if !flag {
            let message = format!("`{} = false` says nothing", key.get_ref());
            self.reader.problems.error(node.span(), message).help("leave it out");
        }
        flag
    }

    fn rule_names(&mut self, name: &str, node: &Node<'_>) -> impl Iterator<Item = String> + use<> {
        let texts = self.texts(name, node);
        for (name, place) in &texts {
            self.suite.mention_rule(name.clone(), place.clone());
        }
        texts.into_iter().map(|(name, _)| name)
    }

    /// Attributes of one party: keys with values, or keys that have to be absent (`not`).
    fn who(
        &mut self,
        key: &Key<'_>,
        node: &Node<'_>,
        draft: &Draft,
        mood: Mood,
        expect: &mut Expect,
    ) {
        let who = &**key.get_ref();
        if draft.drawn && !draft.given.knows(who) {
            let message = format!("nobody in this case is called `{who}`");
            let known = draft.given.names().chain(["customer"]).chain(RESERVED);
            self.reader.problems.error(key.span(), message).help(among(who, known));
            return;
        }
        match node.get_ref() {
            DeValue::Table(table) => self.keys(who, table, mood, expect),
            DeValue::String(_) | DeValue::Array(_) if mood.not => {
                for (key, place) in self.texts(who, node) {
                    let line = self.reader.line(place.start);
                    self.suite.mention_key(key.clone(), place);
                    expect.attributes.push(ExpectedAttribute {
                        who: who.to_owned(),
                        key,
                        value: String::new(),
                        not: false,
                        rule: None,
                        dry_run: false,
                        line,
                    });
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                let name = format!("expect.{who}");
                self.reader.wrong_type(node, &name, "attributes: expect.customer.\"key\" = \"…\"");
            }
        }
    }

    fn keys(&mut self, who: &str, table: &DeTable<'_>, mood: Mood, expect: &mut Expect) {
        for (key, node) in in_order(table) {
            let name = key.get_ref().to_string();
            let (mut rule, mut value) = (None, None);
            match node.get_ref() {
                DeValue::Table(parts) if parts.contains_key("value") => {
                    for (part, node) in in_order(parts) {
                        match &**part.get_ref() {
                            "value" => value = self.plain("value", node),
                            "rule" => rule = self.rule_names("rule", node).next(),
                            _ => {
                                self.reader.unknown(part, "an attribute", &["value", "rule"]);
                            }
                        }
                    }
                }
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => value = self.plain(&name, node),
            }
            let Some(value) = value else { continue };
            if mood.not || value.is_empty() {
                self.suite.mention_key(name.clone(), key.span());
            }
            expect.attributes.push(ExpectedAttribute {
                who: who.to_owned(),
                key: name,
                value,
                not: mood.not,
                rule,
                dry_run: mood.dry_run,
                line: self.reader.line(key.span().start),
            });
        }
    }
}
