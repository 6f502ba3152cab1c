//! Wrap-up codes, which rules call by their names.

use expect_test::expect;

use super::*;

const RULES: &str = r#"
[[rule]]
name = "sold"
match.participant.wrapup = ["SALE", "w-unknown"]
set.sold = "{{ participant.wrapup }}"

[[rule]]
name = "later"
match.participant.ended = true
when = 'participant.wrapup == "Call Back" && participant.wrapup_code == "w-back"'
set.again = "{{ participant.wrapup }}"

[[rule]]
name = "no-sale"
match.participant.purpose = "agent"
match.participant.wrapup = { exists = true, not = "sale" }
set.lost = "yes"
"#;

#[test]
fn wrap_up_codes_are_called_by_their_names() {
    expect![[r#"
        0:
          c1 sold = Sale (sold)
        1:
          c1 again = Call back (later)
          c1 lost = yes (no-sale)
    "#]]
    .assert_eq(&play(
        &rules(RULES),
        "customer c1 at=0 | call connected
         agent a1 at=1 wrapup=w-sale | call connected
         ---
         customer c1 at=0 | call connected
         agent a1 at=1 ended=5 wrapup=w-back | call disconnected over=5
         agent a2 at=6 | call connected wrapup=w-other",
    ));
}

#[test]
fn what_the_directory_does_not_have_is_said() {
    let (file, _) = RuleFile::parse(Path::new("r"), RULES, &AllowedKeys::all()).unwrap();
    let wanted = file.names_wanted();
    let named: Vec<&str> = wanted.wrapup_codes.iter().map(String::as_str).collect();
    assert_eq!(named, ["Call Back", "SALE", "sale", "w-unknown"]);
    assert!(wanted.wrapup_names && wanted.wants_wrapup_codes());
    let (_, unknown) = file.bind(Arc::new(names()), &Tables::default());
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(unknown, ["wrap-up code \"w-unknown\" of rule sold"]);
}
