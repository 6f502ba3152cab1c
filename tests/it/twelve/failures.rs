//! The twelve, each in a world of its own.

use std::fs;

use attributed::simulator::{ClientChange, Door, Permissions, Scripted, Treatment};

use super::{MENDING, Named, Scene, limit_files, start_with_limits};
use crate::command::says;
use crate::daemon::{Setup, wait_within};
use crate::reload::say;
use crate::stand_in::RULES;
use crate::world_at::ANSWERED;

const WRITE: &str = "PATCH /attributes";

fn answered(operation: &str, times: u32, status: u16) -> Scripted {
    Scripted { operation: operation.to_owned(), times, status: Some(status), ..Scripted::default() }
}

#[test]
fn a_wrong_secret() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.world.simulator.change_client(&ClientChange {
        client: "demo".to_owned(),
        secret: Some("another".to_owned()),
        revoke: true,
        ..ClientChange::default()
    });
    scene.named(&Named {
        failure: "wrong secret (rotated while it runs)",
        log: ("the credentials are refused", &["check genesys.client_id, the secret"]),
        check: "token",
        state: "failed",
        reason: "invalid_client",
        help: "check the client's id, secret and roles",
        alert: "AttributedTokenFailing",
    });
    scene.fires("AttributedTokenFailing", 12);
    fs::write(scene.setup.path("client-secret"), "another\n").unwrap();
    scene.mended("token");
}

#[test]
fn a_revoked_token() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.world.simulator.script([answered("POST /oauth/token", 1_000, 503)]);
    scene.world.simulator.revoke_tokens();
    scene.named(&Named {
        failure: "revoked token (and no other to be had)",
        log: ("token revoked, subscribing with a new one", &[]),
        check: "token",
        state: "failed",
        reason: "the token was revoked or refused, and there is no other",
        help: "it is tried again by itself",
        alert: "AttributedTokenFailing",
    });
    scene.fires("AttributedTokenFailing", 12);
    scene.world.simulator.clear_script();
    scene.mended("token");
}

#[test]
fn a_missing_permission_to_write() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.world.simulator.permit(Permissions {
        operations: vec![WRITE.to_owned()],
        permission: Some("conversation:participant:edit".to_owned()),
        ..Permissions::default()
    });
    for (user, id) in ["c0", "c1", "c2"].iter().enumerate() {
        scene.world.call(id, user);
    }
    scene.named(&Named {
        failure: "missing permission (to write)",
        log: ("forbidden: grant the permission", &["conversation:participant:edit"]),
        check: "writing",
        state: "warning",
        reason: "nothing can be written: Genesys answers 403",
        help: "give a role of the OAuth client conversation:participant:edit",
        alert: "AttributedForbidden",
    });
    assert_eq!(scene.told()["verdict"]["words"], "Attributes are NOT being written");
    scene.fires("AttributedForbidden", 13);
    scene.world.simulator.permit(Permissions::default());
    scene.mended("writing");
    for id in ["c0", "c1", "c2"] {
        scene.world.wait_written(&scene.daemon, id);
    }
}

#[test]
fn a_missing_permission_to_listen() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.world.simulator.permit(Permissions {
        topics: vec![format!("v2.users.{}.conversations*", scene.world.user(1).id)],
        ..Permissions::default()
    });
    scene.world.simulator.revoke_tokens();
    scene.named(&Named {
        failure: "missing permission (to listen)",
        log: ("topic refused", &["conversation:communication:view"]),
        check: "subscriptions",
        state: "warning",
        reason: "1 rejected",
        help: "give a role of the OAuth client the permissions that the log names, and restart",
        alert: "AttributedTopicsRejected",
    });
    scene.fires("AttributedTopicsRejected", 18);
    scene.world.simulator.permit(Permissions::default());
    scene.restart();
    scene.mended("subscriptions");
}

#[test]
#[ignore = "waits for two windows of a minute to end"]
fn the_budget_used_up_by_somebody_else() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.world.simulator.spend(300);
    scene.world.call("c0", 0);
    scene.named(&Named {
        failure: "429 by another consumer",
        log: ("throttled, the account rests", &["give the daemon a client of its own"]),
        check: "budget",
        state: "warning",
        reason: "429",
        help: "look for another program that uses the same OAuth client",
        alert: "AttributedBudgetUsedByOthers",
    });
    // It goes on in the window after that: somebody else is quicker once more.
    let written = |scene: &Scene, id: &str| {
        wait_within(MENDING, &format!("a write to {id}"), || {
            let all = scene.world.writes(id);
            all.iter().any(|write| write.status == Some(202)).then_some(())
        });
    };
    written(&scene, "c0");
    scene.world.simulator.spend(300);
    scene.world.call("c1", 1);
    scene.daemon.wait("the next rest", || {
        let reason = super::find(&scene.told()["checks"], "budget")["reason"].clone();
        reason.as_str().unwrap().contains("429").then_some(())
    });
    scene.scrape();
    scene.fires("AttributedBudgetUsedByOthers", 18);
    written(&scene, "c1");
    scene.mended("budget");
}

#[test]
fn a_half_open_socket() {
    let quick = "[channels]\nping_after = \"300ms\"\ndead_after = \"900ms\"\n";
    let mut scene = Scene::new(ANSWERED, quick);
    // As long as the way is gone, it cannot connect again either.
    scene.world.simulator.doors([Door::Refuse; 7]);
    assert_eq!(scene.world.simulator.treat(Treatment::HalfOpen, None), 1);
    scene.named(&Named {
        failure: "half-open socket",
        log: ("disconnected: it reconnects by itself", &["nothing came for 900ms"]),
        check: "sockets",
        state: "failed",
        reason: "nothing came on its socket any more (half-open)",
        help: "it reconnects by itself, and looks up what was missed",
        alert: "AttributedNotConnected",
    });
    scene.fires("AttributedNotConnected", 10);
    scene.mended("sockets");
}

#[test]
fn an_evicted_channel() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.world.simulator.treat(Treatment::Evict, None);
    // For a quarter of an hour, which a test of the checks is about.
    scene.named(&Named {
        failure: "evicted channel",
        log: ("channel was taken from us", &["give the daemon a client of its own"]),
        check: "sockets",
        state: "warning",
        reason: "a channel was taken from us",
        help: "give this service a client of its own",
        alert: "AttributedChannelEvicted",
    });
    scene.fires("AttributedChannelEvicted", 10);
    scene.world.call("c0", 0);
    scene.world.wait_written(&scene.daemon, "c0");
}

#[test]
fn a_broken_rules_file() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.setup.write_rules("[[rule]]\nname = \"broken");
    scene.daemon.signal("HUP");
    scene.named(&Named {
        failure: "broken rules file",
        log: ("the rules file cannot be used", &["mend it and reload"]),
        check: "rules",
        state: "warning",
        reason: "the rules file is refused, earlier rules are in force",
        help: "`attributed check` shows every problem",
        alert: "AttributedBadReload",
    });
    scene.fires("AttributedBadReload", 24);
    scene.setup.write_rules(ANSWERED);
    scene.daemon.signal("HUP");
    scene.mended("rules");
}

#[test]
fn an_unreadable_list() {
    let write = |setup: &Setup| {
        fs::write(setup.path("who.csv"), "purpose,mark\nagent,yes\n").unwrap();
    };
    let mut scene = Scene::of(RULES, "", write);
    // Root reads every file, but no directory as if it were one.
    fs::remove_file(scene.setup.path("who.csv")).unwrap();
    fs::create_dir(scene.setup.path("who.csv")).unwrap();
    scene.named(&Named {
        failure: "unreadable list",
        log: ("the list cannot be used: the earlier one stays; mend it", &["who"]),
        check: "lists",
        state: "warning",
        reason: "the list who is refused, the earlier one is in force",
        help: "mend its file",
        alert: "AttributedBadReload",
    });
    scene.fires("AttributedBadReload", 24);
    fs::remove_dir(scene.setup.path("who.csv")).unwrap();
    write(&scene.setup);
    scene.mended("lists");
}

#[test]
fn a_full_disk() {
    let mut scene = Scene::by(ANSWERED, "", |_| (), start_with_limits);
    limit_files(&scene.daemon, "0");
    scene.world.call("c0", 0);
    scene.named(&Named {
        failure: "full disk",
        log: ("the journal cannot be written", &["see to the disk and state.dir"]),
        check: "journal",
        state: "failed",
        reason: "suspended, a crash loses what waits",
        help: "see to the disk and state.dir; it is tried again every 30 s",
        alert: "AttributedJournalSuspended",
    });
    scene.world.wait_written(&scene.daemon, "c0");
    scene.fires("AttributedJournalSuspended", 10);
    limit_files(&scene.daemon, "unlimited");
    scene.mended("journal");
}

#[test]
fn a_slow_api() {
    let mut scene = Scene::new(ANSWERED, "");
    let slow = |skip: u32| Scripted {
        operation: WRITE.to_owned(),
        times: 2,
        skip,
        delay_ms: 5_500,
        ..Scripted::default()
    };
    for round in 0..2 {
        scene.world.simulator.script([slow(0)]);
        let ids = [format!("s{round}"), format!("t{round}")];
        for (user, id) in ids.iter().enumerate() {
            scene.world.call(id, user);
        }
        for id in &ids {
            scene.world.wait_written(&scene.daemon, id);
        }
        if round == 0 {
            scene.named(&Named {
                failure: "slow API",
                log: ("writes are answered slowly", &["updates.workers"]),
                check: "writing",
                state: "warning",
                reason: "Genesys answers slowly: a tenth of the writes take 5 s or longer",
                help: "nothing is lost, what waits merges",
                alert: "AttributedSlowApi",
            });
        } else {
            scene.scrape();
        }
    }
    scene.fires("AttributedSlowApi", 18);
    for number in 0..20 {
        let id = format!("q{number}");
        scene.world.call(&id, 0);
        scene.world.wait_written(&scene.daemon, &id);
    }
    scene.mended("writing");
    scene.daemon.wait_log("writes are answered quickly again");
}

#[test]
fn a_runaway_rule() {
    let rule = |name: &str, held: bool| {
        format!(
            "[[rule]]\nname = \"{name}\"\nmatch.participant.purpose = \"agent\"\nmatch.participant.held = {held}\nset.\"cc.held\" = \"{name}\"\n\n"
        )
    };
    let rules = [rule("held", true), rule("resumed", false)].concat();
    let more = "[updates]\nfight_key_writes = 2\nfight_window = \"30s\"\n";
    let mut scene = Scene::new(&rules, more);
    for (writes, held) in [(1, true), (2, false)] {
        scene.world.simulator.inject(scene.world.body("c0", 0, held));
        scene.daemon.wait("the write", || {
            let all = scene.world.writes("c0");
            (all.iter().filter(|one| one.status == Some(202)).count() >= writes).then_some(())
        });
    }
    scene.world.simulator.inject(scene.world.body("c0", 0, true));
    scene.named(&Named {
        failure: "runaway rule",
        log: ("written too often, rests", &["\"held\"", "cc.held", "mend the rule, or pause it"]),
        check: "outbox",
        state: "warning",
        reason: "the key cc.held of the rule held is written too often",
        help: "`attributed pause --rule`",
        alert: "AttributedRunawayRule",
    });
    scene.fires("AttributedRunawayRule", 10);
    scene.mended("outbox");
}

#[test]
fn dead_letters() {
    let mut scene = Scene::new(ANSWERED, "");
    scene.world.simulator.script([answered(WRITE, 1, 400)]);
    scene.world.call("c0", 0);
    scene.named(&Named {
        failure: "dead letters",
        log: ("update given up", &["refused", "`attributed dead-letters show`"]),
        check: "dead-letters",
        state: "warning",
        reason: "1 dead letter kept",
        help: "`attributed dead-letters list` says which and why; retry or drop them",
        alert: "AttributedDeadLetters",
    });
    scene.fires("AttributedDeadLetters", 10);
    says(&say(&scene.setup, &["dead-letters", "retry", "--all"]), 0, &["1 keys wished anew"]);
    scene.mended("dead-letters");
    scene.world.wait_written(&scene.daemon, "c0");
}
