//! How it looks.

use std::path::Path;

use expect_test::expect;

use super::*;
use crate::config::fence::AllowedKeys;
use crate::genesys::names::Names;
use crate::rules::lists::Tables;

const RULES: &str = r#"
[[rule]]
name = "answered"
match.participant.purpose = "agent"
match.participant.state = ["alerting", "connected"]
set."cc.number" = "{{ customer.number }}"
set."cc.language" = "{{ customer.attributes.language }}"

[[rule]]
name = "partner"
match.participant.purpose = "agent"
match.customer.number.prefix = "+49"
match.customer.attributes."crm.tier" = "gold"
set."cc.partner" = true
"#;

const EVENT: &str = r#"{"id":"c","participants":[
    {"id":"p1","purpose":"customer","attributes":{"crm.tier":"silver"},"address":"tel:+13175550142",
     "calls":[{"id":"1","state":"connected","direction":"inbound"}]},
    {"id":"p2","purpose":"acd","endTime":"2026-11-20T14:00:05Z",
     "calls":[{"id":"2","state":"disconnected"}]},
    {"id":"p3","purpose":"agent","userId":"u","calls":[{"id":"3","state":"alerting"}]}]}"#;

fn shown(paint: Paint) -> String {
    let (file, _) = RuleFile::parse(Path::new("r"), RULES, &AllowedKeys::all()).unwrap();
    let (rules, _) = file.bind(std::sync::Arc::new(Names::default()), &Tables::default());
    let conversation = Recorded::read(EVENT).unwrap().conversation;
    let watched = BTreeSet::from([UserId::new("u")]);
    let now = "2026-11-20T14:00:09Z".parse().unwrap();
    let context = Context { watched: &watched, now, raw: None };
    let explanation = rules.explain(&conversation, &context, &Standing::default());
    let remarks = vec!["a remark".to_owned()];
    let (conversation, watched) = (&conversation, &watched);
    let scope = Scope { conversation, now, watched, off: vec!["off"], remarks };
    let json = as_json(&explanation, &scope);
    assert_eq!(json["rules"][1]["tests"][2]["first_failed"], 0, "{json:#}");
    assert_eq!(json["rules"][0]["effects"][0]["fate"], "abstained");
    shown::explanation(&explanation, &scope, paint)
}

#[test]
fn a_person_sees_what_was_found() {
    expect![[r#"
        conversation c, alive, at 2026-11-20T14:00:09Z
          customer p1: call connected
          acd p2: call disconnected, ended
          agent p3: call alerting, watched
          ! a remark

        ✓ answered  holds
          ✗ customer p1, call connected
            ✗ participant.purpose  "agent"                         "customer"  ← the first that fails
            ✓ participant.state    any of "alerting", "connected"  "connected"
          - acd p2, call disconnected (ended): has ended, and the rule does not name `ended`: not looked at
          ✓ agent p3, call alerting
            ✓ participant.purpose  "agent"                         "agent"
            ✓ participant.state    any of "alerting", "connected"  "alerting"
          sets
            customer p1  cc.language = (no value)    not written: customer.attributes."language" is absent
            customer p1  cc.number = "+13175550142"  written; now absent

        ✗ partner  does not hold
          ✗ customer p1, call connected
            ✗ customer.attributes."crm.tier"  "gold"        "silver"  ← the first that fails
            ✗ customer.number                 prefix "+49"  "+13175550142"
            ✗ participant.purpose             "agent"       "customer"
          - acd p2, call disconnected (ended): has ended, and the rule does not name `ended`: not looked at
          ✗ agent p3, call alerting
            ✗ customer.attributes."crm.tier"  "gold"        "silver"  ← the first that fails
            ✗ customer.number                 prefix "+49"  "+13175550142"
            ✓ participant.purpose             "agent"       "agent"

        - off  not enabled: it is not looked at

        1 of 2 rules hold, 1 key would be written
        (what was written before is not known here: a key that somebody else has changed since is left to them, and write = "first" is done once)"#]].assert_eq(&shown(Paint::default()));
}

#[test]
fn a_name_that_is_almost_one_is_known() {
    let (file, _) = RuleFile::parse(Path::new("r"), RULES, &AllowedKeys::all()).unwrap();
    assert_eq!(chosen(&file, &[]).unwrap().len(), 2);
    assert_eq!(chosen(&file, &["partner".to_owned()]).unwrap().len(), 1);
    let failure = chosen(&file, &["partnr".to_owned()]).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert_eq!(failure.help.as_deref(), Some("did you mean \"partner\"?"));
}
