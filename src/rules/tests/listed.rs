//! What the directory lists, which rules call by its names: wrap-up codes, skills and so on.

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
    let named: Vec<&str> = wanted.names_listed(Listed::WrapupCode).map(String::as_str).collect();
    assert_eq!(named, ["Call Back", "SALE", "sale", "w-unknown"]);
    assert!(wanted.listed[&Listed::WrapupCode].shown && wanted.wants(Listed::WrapupCode));
    assert!(!wanted.wants(Listed::Skill));
    let (_, unknown) = file.bind(Arc::new(names()), &Tables::default());
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(unknown, ["wrap-up code \"w-unknown\" of rule sold"]);
}

const OTHERS: &str = r#"
[[rule]]
name = "patterns"
match.acd.skills = { has_all = ["german", "VIP"], has_any = ["Klingon", "vip"] }
match.acd.language = ["DEUTSCH", "English"]
match.conversation.divisions.has_any = "home"
match.participant.flow = "main menu"
set.skills = "{{ acd.skills }}"
set.said = "{{ acd.language }} of {{ participant.flow }}"

[[rule]]
name = "expressions"
match.participant.purpose = "ivr"
when = """
"GERMAN" in acd.skills && !("klingon" in acd.skills) && "s-vip" in acd.skill_ids
  && acd.language == "deutsch" && acd.language_id == "l-de"
  && acd.skills.exists(skill, skill == "VIP") && "Home" in conversation.divisions
  && participants.exists(p, "german" in p.skills)
"""
set.when = "{{ conversation.divisions[0] }}"
"#;

#[test]
fn skills_languages_divisions_and_flows_are_called_by_their_names() {
    expect![[r#"
        0:
          c1 said = Deutsch of Main menu (patterns)
          c1 skills = ["German","VIP"] (patterns)
          c1 when = Home (expressions)
        1:
    "#]]
    .assert_eq(&play(
        &rules(OTHERS),
        "division d-home
         customer c1 at=0 | call connected
         ivr i1 at=0 flow=f-main | call connected
         acd q1 at=1 skill=s-german skill=s-vip language=l-de | call connected
         ---
         division d-other
         customer c1 at=0 | call connected
         ivr i1 at=0 flow=f-other | call connected
         acd q1 at=1 skill=s-german language=l-en | call connected",
    ));
    let (file, _) = RuleFile::parse(Path::new("r"), OTHERS, &AllowedKeys::all()).unwrap();
    let wanted = file.names_wanted();
    assert!(
        [Listed::Skill, Listed::Language, Listed::Division, Listed::Flow]
            .into_iter()
            .all(|of| wanted.wants(of))
    );
    let (_, unknown) = file.bind(Arc::new(names()), &Tables::default());
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(
        unknown,
        [
            "skill \"klingon\" of rule expressions",
            "skill \"Klingon\" of rule patterns",
            "language \"English\" of rule patterns",
        ]
    );
}

#[test]
fn a_list_with_a_name_that_is_not_known_gives_no_value() {
    let text = "[[rule]]\nname = 'r'\nmatch.participant.purpose = 'acd'\n\
                set.names = '{{ acd.skills }}'\nset.ids = '{{ acd.skill_ids }}'\n";
    expect![[r#"
        0:
          c1 ids = ["s-german","s-new"] (r)
    "#]]
    .assert_eq(&play(
        &rules(text),
        "customer c1 at=0 | call connected
         acd q1 at=1 skill=s-german skill=s-new | call connected",
    ));
}
