//! The reference file does what its comments say, against small conversations. That each of its
//! rules fires and keeps still where it should is in `tests/samples/rules.test.toml`.

use expect_test::{Expect, expect};

use super::*;

const EXAMPLE: &str = include_str!("../../../rules.example.toml");

#[test]
fn it_has_no_problems_inside_the_fence_that_the_documents_suggest() {
    let allowed = AllowedKeys::new(&["cc.*".to_owned()]).unwrap();
    let (file, warnings) = RuleFile::parse(Path::new("rules.toml"), EXAMPLE, &allowed).unwrap();
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.join("\n"), "");
    assert_eq!(file.inventory().to_string(), "45 rules found");
    let (rules, unknown) = file.bind(Arc::new(names()), &Tables::inline(&file.lists));
    assert_eq!((rules.len(), unknown), (44, vec![]));
}

#[test]
fn its_defaults_are_those_of_a_file_without_defaults() {
    let defaults = EXAMPLE.find("[defaults]").unwrap();
    let rules_begin = EXAMPLE.find("[[rule]]").unwrap();
    let without = [&EXAMPLE[..defaults], &EXAMPLE[rules_begin..]].concat();
    assert_eq!(rules(EXAMPLE).hash(), rules(&without).hash());
}

#[test]
fn gold_customers_are_marked_while_the_agent_is_alerted() {
    check(
        &["vip-pop", "segment", "domestic", "abroad", "language-default"],
        "
            customer c1 at=0 @crm.tier=gold @language=en | call connected other=+4930239
            agent a1 user=avery | call alerting
            ---
            customer c1 at=0 @crm.tier=silver | call connected other=+1317555
            agent a1 user=avery | call connected
            ---
            customer c1 at=0 @crm.tier=gold @language=en | email connected
            agent a1 user=avery ended=9 | email disconnected
            ---
            customer c1 at=0 | email connected
            agent a1 user=avery | email alerting
        ",
        expect![[r#"
            0:
              c1 cc.origin = domestic (domestic)
              c1 cc.segment = vip (vip-pop)
            1:
              c1 cc.language = de (language-default)
              c1 cc.origin = abroad (abroad)
              c1 cc.segment = silver (segment)
            2:
            3:
              c1 cc.language = de (language-default)
        "#]],
    );
}

#[test]
fn on_hold_and_off_again_twice() {
    let snapshot =
        |held: &str| format!("customer c1 at=0\nagent a1 at=1 | call connected {held}\n");
    let snapshots = ["", "held", "", "held", ""].map(snapshot).join("---\n");
    check(
        &["on-hold"],
        &snapshots,
        expect![[r#"
            0:
            1:
              c1 cc.on_hold = true (on-hold)
            2:
              c1 cc.on_hold = false (on-hold)
            3:
              c1 cc.on_hold = true (on-hold)
            4:
              c1 cc.on_hold = false (on-hold)
        "#]],
    );
}

#[test]
fn who_handled_it_over_a_transfer_and_back() {
    check(
        &["answered-by", "first-agent", "transferred"],
        "
            customer c1 at=0
            agent a1 at=1 user=avery queue=billing | call connected
            ---
            transfers 1
            customer c1 at=0
            agent a1 at=1 user=avery queue=billing | call connected
            agent a2 at=20 user=blake queue=support | call connected
            ---
            transfers 1
            customer c1 at=0
            agent a1 at=1 ended=21 user=avery queue=billing | call disconnected
            agent a2 at=20 user=blake queue=support | call connected
            ---
            transfers 2
            customer c1 at=0
            agent a1 at=1 ended=21 user=avery queue=billing | call disconnected
            agent a2 at=20 ended=40 user=blake queue=support | call disconnected
            agent a3 at=40 user=avery queue=billing | call connected
        ",
        expect![[r#"
            0:
              c1 cc.answered_by = Avery Agent (answered-by)
              c1 cc.answered_queue = q-billing (answered-by)
              c1 cc.first_agent = Avery Agent (first-agent)
            1:
              c1 cc.answered_by = Blake Agent (answered-by)
              c1 cc.answered_queue = q-support (answered-by)
              c1 cc.first_agent = Blake Agent (first-agent)
              c1 cc.transferred = true (transferred)
            2:
              c1 cc.answered_by = Blake Agent (answered-by)
              c1 cc.answered_queue = q-support (answered-by)
              c1 cc.first_agent = Blake Agent (first-agent)
              c1 cc.transferred = true (transferred)
            3:
              c1 cc.answered_by = Avery Agent (answered-by)
              c1 cc.answered_queue = q-billing (answered-by)
              c1 cc.first_agent = Avery Agent (first-agent)
              c1 cc.transferred = true (transferred)
        "#]],
    );
}

#[test]
fn waiting_in_a_queue_and_no_longer() {
    check(
        &["waiting", "queue-table"],
        "
            customer c1 at=0 | call connected
            acd q1 at=5 queue=billing priority=5 | call connected
            ---
            customer c1 at=0 | call connected
            acd q1 at=5 ended=9 queue=billing priority=5 | call disconnected
            agent a1 at=9 | call connected
            ---
            customer c1 at=0 | call connected
            acd q1 at=5 ended=9 queue=billing priority=5 | call disconnected
            acd q2 at=30 queue=claims | call connected
        ",
        expect![[r#"
            0:
              c1 cc.desk = service (queue-table)
              c1 cc.priority = 5 (waiting)
              c1 cc.script = invoice (queue-table)
              c1 cc.waiting = Billing (waiting)
            1:
              c1 cc.desk = service (queue-table)
              c1 cc.script = invoice (queue-table)
              c1 cc.waiting =  (waiting)
            2:
              c1 cc.desk = claims (queue-table)
              c1 cc.waiting = Claims (waiting)
        "#]],
    );
}

#[test]
fn the_wrap_up_is_in_the_last_frame() {
    check(
        &["wrap-up"],
        "
            customer c1 at=0 ended=60 | call disconnected over=60
            agent a1 at=1 | call disconnected over=60
            ---
            customer c1 at=0 ended=60 | call disconnected over=60
            agent a1 at=1 ended=90 wrapup=code-1 | call disconnected over=60
            ---
            customer c1 at=0 ended=60 | call disconnected over=60
            agent a1 at=1 ended=20 wrapup=code-1 | call disconnected over=20
            agent a2 at=20 ended=90 | call disconnected over=60 wrapup=code-2
        ",
        expect![[r#"
            0:
            1:
              c1 cc.wrapup = code-1 (wrap-up)
            2:
              c1 cc.wrapup = code-2 (wrap-up)
        "#]],
    );
}

#[test]
fn callbacks_messages_and_mails() {
    check(
        &["callback", "messenger", "partner-mail", "claim-mail"],
        "
            customer c1 at=0 contact=contact-1 | callback connected callback=+4930239
            agent a1 at=3 user=avery | callback connected callback=+4930239 | call alerting
            ---
            customer c1 at=0 | message connected type=whatsapp other=+4930239
            ---
            customer c1 at=0 | message connected type=webmessaging
            ---
            customer c1 at=0 address=orders@partner.example | email connected subject=Claim
            agent a1 at=3 user=avery | email alerting
        ",
        expect![[r#"
            0:
              c1 cc.callback_number = +4930239 (callback)
              c1 cc.contact = contact-1 (callback)
            1:
              c1 cc.messenger = whatsapp (messenger)
            2:
            3:
              c1 cc.partner = true (partner-mail)
        "#]],
    );
}

#[test]
fn agents_get_what_their_desktops_read() {
    check(
        &["copy-account", "menu-for-all", "desktop", "in-menu"],
        "
            customer c1 at=0 | call connected
            ivr i1 at=0 | call connected
            ---
            customer c1 at=0 @account.number=AC-1 @menu.choice=billing | call connected
            ivr i1 at=0 ended=5 | call disconnected
            agent a1 at=6 ended=9 user=avery | call disconnected
            agent a2 at=9 user=casey | call connected
            agent a3 at=12 user=blake | call connected
        ",
        expect![[r#"
            0:
              c1 cc.in_menu = true (in-menu, dry run)
            1:
              a2 cc.account = AC-1 (copy-account)
              a2 cc.menu = billing (menu-for-all)
              a3 cc.account = AC-1 (copy-account)
              a3 cc.desktop = Blake Agent, call (desktop)
              a3 cc.menu = billing (menu-for-all)
        "#]],
    );
}

/// Plays some of the example's rules, and only those, so that a case shows what it is about.
#[track_caller]
fn check(names: &[&str], snapshots: &str, expected: Expect) {
    let allowed = AllowedKeys::all();
    let (mut file, _) = RuleFile::parse(Path::new("rules.toml"), EXAMPLE, &allowed).unwrap();
    file.rules.retain(|rule| names.contains(&&*rule.name));
    assert_eq!(file.rules.len(), names.len());
    let tables = Tables::inline(&file.lists);
    expected.assert_eq(&play(&file.bind(Arc::new(self::names()), &tables).0, snapshots));
}
