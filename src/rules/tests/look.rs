//! What the words of the rules language mean.

use expect_test::{Expect, expect};

use super::*;

#[test]
fn conditions_on_one_subject_hold_for_the_same_element() {
    check(
        r#"
            [[rule]]
            name = "held-message"
            match.participant.media = "message"
            match.participant.held = true
            set.k = "v"
        "#,
        "
            customer c1 at=0 | message connected
            agent a1 at=1 user=avery | call connected held | message connected
            ---
            customer c1 at=0 | message connected
            agent a1 at=1 user=avery | call connected | message connected held
        ",
        expect![[r#"
            0:
            1:
              c1 k = v (held-message)
        "#]],
    );
}

#[test]
fn what_has_ended_is_looked_at_only_by_rules_that_say_so() {
    check(
        r#"
            [[rule]]
            name = "live"
            match.participant.purpose = "agent"
            set.live = "{{ participant.state }}"
            [[rule]]
            name = "ended"
            match.participant.purpose = "agent"
            match.participant.ended = true
            set.ended = "{{ participant.state }}"
            [[rule]]
            name = "either"
            match.participant.purpose = "agent"
            match.participant.ended.exists = true
            set.either = "{{ participant.state }}"
        "#,
        "
            customer c1 at=0
            agent a1 at=1 | call connected
            ---
            customer c1 at=0
            agent a1 at=1 | call connected over=9
            ---
            customer c1 at=0 ended=9
            agent a1 at=1 ended=9 | call disconnected
            ---
            customer c1 at=0
            agent a1 at=1 ended=9 | call disconnected over=9
            agent a2 at=9 | call alerting
        ",
        expect![[r#"
            0:
              c1 either = connected (either)
              c1 live = connected (live)
            1:
              c1 either = connected (either)
              c1 ended = connected (ended)
            2:
              c1 either = disconnected (either)
              c1 ended = disconnected (ended)
            3:
              c1 either = alerting (either)
              c1 ended = disconnected (ended)
              c1 live = alerting (live)
        "#]],
    );
}

#[test]
fn targets_are_found_or_counted() {
    let rules: String =
        ["customer", "participant", "agent", "acd", "watched", "agents", "all", "ivr"]
            .map(|target| {
                format!(
                    "[[rule]]\nname = '{target}'\nmatch.participant.purpose = 'agent'\n\
                 target = '{target}'\nset.{target} = 'v'\n"
                )
            })
            .concat();
    check(
        &rules,
        "
            customer c1 at=0 ended=9
            ivr i1 at=0 ended=5
            ivr i2 at=2
            acd q1 at=5 ended=8
            agent a1 user=avery at=8 ended=9 | call disconnected
            agent a2 user=casey at=9 | call connected
            agent a3 user=blake | call alerting
            ---
            user u1 at=0 | call connected
            agent a1 user=casey | call alerting
        ",
        expect![[r#"
            0:
              c1 customer = v (customer)
              i2 all = v (all)
              i2 ivr = v (ivr)
              q1 acd = v (acd)
              a2 agent = v (agent)
              a2 agents = v (agents)
              a2 all = v (all)
              a2 participant = v (participant)
              a3 agents = v (agents)
              a3 all = v (all)
              a3 participant = v (participant)
              a3 watched = v (watched)
            1: missing 3
              u1 agent = v (agent)
              u1 agents = v (agents)
              u1 all = v (all)
              a1 agents = v (agents)
              a1 all = v (all)
              a1 participant = v (participant)
        "#]],
    );
}

#[test]
fn the_newest_element_gives_the_value() {
    check(
        r#"
            [[rule]]
            name = "by"
            match.participant.purpose = "agent"
            match.participant.ended.exists = true
            set.by = "{{ participant.user_name }}"
        "#,
        "
            customer c1 at=0
            agent a1 at=50 ended=60 user=avery
            agent a2 at=10 user=blake | call connected
            agent a3 at=5 user=casey | call connected
            ---
            customer c1 at=0
            agent a1 at=10 user=avery | call connected
            agent a2 user=blake | call alerting
            ---
            customer c1 at=0
            agent a1 at=10 user=avery ended=20
            agent a2 user=blake ended=19
            ---
            customer c1 at=0
            agent a1 at=10 user=avery
            agent a2 at=10 user=blake
            agent a3 at=11
        ",
        expect![[r#"
            0:
              c1 by = Blake Agent (by)
            1:
              c1 by = Blake Agent (by)
            2:
              c1 by = Avery Agent (by)
            3:
              c1 by = Blake Agent (by)
        "#]],
    );
}

#[test]
fn the_last_rule_that_has_a_value_wins_and_a_trial_gives_way() {
    check(
        r#"
            [[rule]]
            name = "first"
            match.customer.id.exists = true
            set.k = "one"
            set.only = "{{ customer.attributes.no }}"
            [[rule]]
            name = "second"
            match.customer.id.exists = true
            set.k = "{{ customer.attributes.tier }}"
            [[rule]]
            name = "trial"
            mode = "dry-run"
            match.customer.id.exists = true
            set.k = "three"
            set.t = 1.50
            [[rule]]
            name = "off"
            enabled = false
            match.customer.id.exists = true
            set.k = "four"
        "#,
        "
            customer c1 at=0
            ---
            customer c1 at=0 @tier=gold
        ",
        expect![[r#"
            0:
              c1 k = one (first)
              c1 t = 1.5 (trial, dry run)
            1:
              c1 k = gold (second)
              c1 t = 1.5 (trial, dry run)
        "#]],
    );
}

#[test]
fn otherwise_is_wished_as_long_as_the_match_is_gone() {
    check(
        r#"
            [[rule]]
            name = "hold"
            match.participant.purpose = "agent"
            match.participant.held = true
            target = "participant"
            set.held = true
            otherwise.held = "no, {{ participant.user_name }}"
        "#,
        "
            agent a1 at=1 user=avery | call connected
            agent a2 at=2 user=blake | call connected
            ---
            agent a1 at=1 user=avery | call connected held
            agent a2 at=2 user=blake | call connected
            ---
            agent a1 at=1 user=avery | call connected
            agent a2 at=2 user=blake | call connected held
            ---
            agent a1 at=1 user=avery ended=5 | call disconnected held
            agent a2 at=2 user=blake | call connected held
        ",
        expect![[r#"
            0:
            1:
              a1 held = true (hold)
            2:
              a1 held = no, Avery Agent (hold)
              a2 held = true (hold)
            3:
              a1 held = no, Avery Agent (hold)
              a2 held = true (hold)
        "#]],
    );
}

#[test]
fn watched_is_each_watched_participant_who_has_not_ended() {
    check(
        r#"
            [[rule]]
            name = "watched"
            match.conversation.direction = "inbound"
            match.watched.state = ["alerting", "connected"]
            target = "watched"
            set.w = "{{ watched.user_name }} {{ conversation.agents }}"
            [[rule]]
            name = "negative"
            match.watched.queue.not = "Billing"
            set.n = true
        "#,
        "
            customer c1 at=0 | call connected
            agent a1 at=1 user=avery queue=billing | call connected
            agent a2 user=blake queue=billing | call alerting
            agent a3 at=2 user=casey | call connected
            agent a4 at=2 ended=3 user=avery | call connected
            ---
            customer c1 at=0 | call connected
        ",
        expect![[r#"
            0:
              a1 w = Avery Agent 2 (watched)
              a2 w = Blake Agent 2 (watched)
            1:
        "#]],
    );
}

#[test]
fn queues_and_users_compare_by_id_and_unknown_ones_match_nothing() {
    let allowed = AllowedKeys::new(&["*".to_owned()]).unwrap();
    let text = r#"
        [[rule]]
        name = "known"
        match.participant.queue = ["billing", "Nowhere"]
        match.participant.user = "AVERY@example.com"
        set.q = "{{ participant.queue }} of {{ participant.user }}"
        [[rule]]
        name = "unknown"
        match.participant.queue = "Nowhere"
        set.u = "v"
        [[rule]]
        name = "not-unknown"
        match.participant.queue.not = "Nowhere"
        set.n = "v"
    "#;
    let (file, _) = RuleFile::parse(Path::new("rules.toml"), text, &allowed).unwrap();
    assert_eq!(file.names_wanted().queues.len(), 2);
    assert_eq!(file.names_wanted().users.len(), 1);
    let (rules, unknown) = file.bind(Arc::new(names()), &Tables::inline(&file.lists));
    let unknown: Vec<_> =
        unknown.iter().map(|one| (&*one.rule, one.what.word(), &*one.name)).collect();
    assert_eq!(
        unknown,
        [
            ("known", "queue", "Nowhere"),
            ("not-unknown", "queue", "Nowhere"),
            ("unknown", "queue", "Nowhere")
        ]
    );
    let snapshot = "
        customer c1 at=0
        agent a1 at=1 user=avery queue=billing | call connected
    ";
    expect![[r#"
        0:
          c1 n = v (not-unknown)
          c1 q = Billing of Avery Agent (known)
    "#]]
    .assert_eq(&play(&rules, snapshot));
}

#[test]
fn a_subject_that_is_not_there_is_absent() {
    check(
        r#"
            [[rule]]
            name = "no-tier"
            match.acd.priority.not = 5
            match.acd.skill_ids.exists = false
            target = "all"
            set.k = "v"
            [[rule]]
            name = "tier"
            match.acd.queue = "Billing"
            target = "all"
            set.p = "{{ acd.priority }}"
            set.s = "{{ acd.skill_ids }}"
        "#,
        "
            user u1 at=0 | call connected
            ---
            user u1 at=0 | call connected
            acd q1 at=1 queue=billing priority=5 skill=s1 skill=s2 ended=3 | call disconnected
        ",
        expect![[r#"
            0:
              u1 k = v (no-tier)
            1:
              u1 p = 5 (tier)
              u1 s = ["s1","s2"] (tier)
        "#]],
    );
}

#[test]
fn looking_twice_changes_nothing_and_looking_at_a_copy_leaves_the_standing_alone() {
    let rules = rules(
        "[[rule]]\nname = 'hold'\nmatch.participant.held = true\nset.k = 'v'\notherwise.k = 'w'\n",
    );
    let held = conversation("customer c1 at=0\nagent a1 at=1 | call connected held");
    let free = conversation("customer c1 at=0\nagent a1 at=1 | call connected");
    let watched = BTreeSet::new();
    let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
    let mut standing = Standing::default();
    assert_eq!(rules.look(&free, &context, &mut standing.clone()).wishes, []);
    rules.look(&held, &context, &mut standing.clone());
    assert_eq!(rules.look(&free, &context, &mut standing).wishes, []);
    rules.look(&held, &context, &mut standing);
    let once = rules.look(&free, &context, &mut standing);
    assert_eq!(once.wishes.len(), 1);
    assert_eq!(rules.look(&free, &context, &mut standing), once);
}

#[test]
fn the_standing_outlives_a_reload_by_the_name_of_the_rule() {
    let before = rules(
        "[[rule]]\nname = 'gone'\nmatch.participant.held = true\nset.g = 'v'\notherwise.g = 'w'\n\
         [[rule]]\nname = 'hold'\nmatch.participant.held = true\nset.k = 'v'\notherwise.k = 'w'\n",
    );
    let after = rules(
        "[[rule]]\nname = 'hold'\nmatch.participant.held = true\nset.k = 'v'\notherwise.k = 'x'\n",
    );
    assert_ne!(before.hash(), after.hash());
    let watched = BTreeSet::new();
    let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
    let mut standing = Standing::default();
    let held = conversation("customer c1 at=0\nagent a1 at=1 | call connected held");
    let free = conversation("customer c1 at=0\nagent a1 at=1 | call connected");
    before.look(&held, &context, &mut standing);
    let looked = after.look(&free, &context, &mut standing);
    let wishes: Vec<_> = looked.wishes.iter().map(|wish| (&*wish.key, &*wish.value)).collect();
    assert_eq!(wishes, [("k", "x")]);
    let mut again = standing.clone();
    assert_eq!(before.look(&free, &context, &mut again).wishes.len(), 1);
}

#[test]
fn the_digest_is_of_the_content() {
    let one =
        rules("[[rule]]\nname = 'r'\nmatch.participant.held = true\nset.k = 1\nset.a = 'b'\n");
    let other = rules(
        "# other words\n[[rule]]\nset.a = \"b\"\ndescription = 'd'\nset.k = '1'\nname = \"r\"\n\
         match = { participant = { held = true } }\n",
    );
    assert_eq!(one.hash(), other.hash());
}

#[track_caller]
fn check(text: &str, snapshots: &str, expected: Expect) {
    expected.assert_eq(&play(&rules(text), snapshots));
}
