//! Both ways to write, through the same suite: what differs is only what a write costs.

use std::collections::{BTreeMap, BTreeSet};

use attributed::simulator::world::Shape;
use attributed::simulator::{Door, Entry, Options, Scripted, Treatment};

use super::daemon::{Daemon, Setup, wait};
use super::judgement::judge;
use super::simulated::{Agent, Simulated, UNLIMITED, call, is_of, quiet, unlimited};

const RULES: &str = r#"
[[rule]]
name = "handled-by"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.handled_by" = "{{ participant.user_id }}"

[[rule]]
name = "tier"
match.participant.purpose = "agent"
match.customer.attributes."crm.tier".exists = true
set."cc.segment" = "{{ customer.attributes[\"crm.tier\"] }}"
"#;
const CUSTOMER: &str = "customer";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Patch,
    Put,
}

#[test]
fn the_suite_passes_in_the_patch_dialect() {
    suite(Dialect::Patch);
}

#[test]
fn the_suite_passes_in_the_put_dialect() {
    suite(Dialect::Put);
}

#[test]
fn traffic_is_right_in_the_patch_dialect() {
    traffic(Dialect::Patch);
}

#[test]
fn traffic_is_right_in_the_put_dialect() {
    traffic(Dialect::Put);
}

/// A simulator, a daemon of one dialect, and the users A and B.
struct Suite {
    dialect: Dialect,
    simulated: Simulated,
    daemon: Daemon,
    a: String,
    b: String,
}

fn suite(dialect: Dialect) {
    let simulated = Simulated::start(quiet(3));
    simulated.rules(RULES).unwrap();
    let (_setup, daemon) = start(dialect, &simulated, RULES);
    let (a, b) = (simulated.user(0), simulated.user(1));
    let suite = Suite { dialect, simulated, daemon, a, b };
    suite.deliver();
    suite.merge();
    suite.transfer();
    suite.other_writer();
    suite.drop();
    suite.conflict();
    judge(&suite.simulated).unwrap();
    if dialect == Dialect::Put {
        suite.put_back();
    }
    // From here on the simulator says no, and so its oracle finds keys missing.
    suite.one_key_refused();
    suite.not_found();
}

fn start(dialect: Dialect, simulated: &Simulated, rules: &str) -> (Setup, Daemon) {
    let word = match dialect {
        Dialect::Patch => "patch",
        Dialect::Put => "put",
    };
    let more = format!(
        "# genesys\ndialect = \"{word}\"\n\n[updates]\n{UNLIMITED}confirm_after = \"10m\"\n\
         merge_window = \"300ms\"\n\n[recovery]\nindex_lag = \"1h\"\n"
    );
    let setup = Setup::new(&simulated.url, "all_users = true", rules, &more);
    let daemon = setup.start();
    daemon.wait_ready();
    // What is under way at the start is read; what comes later is told by events alone.
    daemon.wait_log("gap looked into");
    (setup, daemon)
}

impl Suite {
    fn wait(&self, conversation: &str, key: &str, value: &str) {
        self.simulated.wait_attribute(&self.daemon, (conversation, CUSTOMER), key, value);
    }

    fn settled(&self) {
        self.simulated.wait_quiet(&self.daemon);
    }

    /// What so many updates cost.
    fn cost(&self, updates: usize) -> Vec<&'static str> {
        match self.dialect {
            Dialect::Patch => ["PATCH 202"].repeat(updates),
            Dialect::Put => ["GET 200", "PUT 200"].repeat(updates),
        }
    }

    /// The next write is answered so, although it is not made.
    fn refuse(&self, status: u16, times: u32) {
        let operation = match self.dialect {
            Dialect::Patch => "PATCH /attributes",
            Dialect::Put => "PUT /participants",
        };
        let operation = operation.to_owned();
        let scripted = Scripted { operation, times, status: Some(status), ..Scripted::default() };
        assert!(self.simulated.script([scripted]));
    }

    fn deliver(&self) {
        let agents = [Agent::talking("agent", &self.a, 1)];
        let body = call("deliver", &[("theirs", "1"), ("crm.tier", "gold")], &agents);
        self.simulated.inject(body);
        self.wait("deliver", "cc.handled_by", &self.a);
        let is = self.simulated.attributes("deliver", CUSTOMER);
        let should = [
            ("cc.handled_by", self.a.as_str()),
            ("cc.segment", "gold"),
            ("crm.tier", "gold"),
            ("theirs", "1"),
        ];
        let should: BTreeMap<String, String> =
            should.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(is, should, "the others' keys are as they were");
        // The attributes are there a moment before the request is answered and noted.
        self.settled();
        let sent = self.simulated.accepted().pop().unwrap();
        match self.dialect {
            Dialect::Patch => assert_eq!(sent.keys, ["cc.handled_by", "cc.segment"]),
            Dialect::Put => assert_eq!(sent.keys, should.into_keys().collect::<Vec<_>>()),
        }

        // What changes nothing costs nothing.
        let mut agent = Agent::talking("agent", &self.a, 1);
        agent.held = true;
        self.simulated.inject(call("deliver", &[], &[agent]));
        self.settled();
        assert_eq!(self.simulated.requests_of("deliver"), self.cost(1));
    }

    /// Two changes in quick succession are one update, with the last values.
    fn merge(&self) {
        let agents = || [Agent::talking("agent", &self.a, 1)];
        self.simulated.inject(call("merge", &[("crm.tier", "silver")], &agents()));
        self.simulated.inject(call("merge", &[("crm.tier", "gold")], &agents()));
        self.wait("merge", "cc.segment", "gold");
        self.wait("merge", "cc.handled_by", &self.a);
        self.settled();
        assert_eq!(self.simulated.requests_of("merge"), self.cost(1));
    }

    /// From A to B and back.
    fn transfer(&self) {
        let inject = |agents: &[Agent<'_>], by: &str| {
            self.simulated.inject(call("transfer", &[], agents));
            self.wait("transfer", "cc.handled_by", by);
        };
        let left =
            |id, user, since, left| Agent { left: Some(left), ..Agent::talking(id, user, since) };
        inject(&[Agent::talking("1", &self.a, 1)], &self.a);
        inject(&[left("1", &self.a, 1, 5), Agent::talking("2", &self.b, 5)], &self.b);
        inject(
            &[left("1", &self.a, 1, 5), left("2", &self.b, 5, 9), Agent::talking("3", &self.a, 9)],
            &self.a,
        );
        self.settled();
        assert_eq!(self.simulated.requests_of("transfer"), self.cost(3));
    }

    /// What somebody else writes over ours is theirs until our value changes.
    fn other_writer(&self) {
        let id = "other";
        let write = |key: &str, value: &str| {
            let attributes = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            self.simulated.write_as_other(id, CUSTOMER, &attributes).unwrap();
        };
        let agents = [Agent::talking("agent", &self.a, 1)];
        self.simulated.inject(call(id, &[("crm.tier", "silver")], &agents));
        self.wait(id, "cc.segment", "silver");
        self.settled();
        write("cc.segment", "theirs");
        write("crm.case", "CS-1");
        self.settled();
        assert_eq!(self.simulated.attributes(id, CUSTOMER)["cc.segment"], "theirs");
        assert_eq!(self.simulated.requests_of(id), self.cost(1));
        write("crm.tier", "gold");
        self.wait(id, "cc.segment", "gold");
        self.settled();
        assert_eq!(self.simulated.attributes(id, CUSTOMER)["crm.case"], "CS-1");
        assert_eq!(self.simulated.requests_of(id), self.cost(2));
    }

    /// What changed while the socket was down is found by reading.
    fn drop(&self) {
        let id = "drop";
        let agents = [Agent::talking("agent", &self.a, 1)];
        self.simulated.inject(call(id, &[("crm.tier", "silver")], &agents));
        self.wait(id, "cc.segment", "silver");
        self.settled();
        self.simulated.doors([Door::Refuse, Door::HangUp]);
        let from = self.daemon.logged();
        assert_eq!(self.simulated.treat(Treatment::Drop, None), 1);
        wait("the socket to be gone", || {
            (self.simulated.overview()["channels"][0]["connected"] == false).then_some(())
        });
        self.simulated.inject(call(id, &[("crm.tier", "gold")], &agents));
        self.daemon.wait_log_from(from, "events may have been missed");
        self.wait(id, "cc.segment", "gold");
        // A channel that is up again, or no test after this one would hear of anything.
        wait("the socket to be back", || {
            let overview = self.simulated.overview();
            let mut channels = overview["channels"].as_array().unwrap().iter();
            channels.any(|channel| channel["connected"] == true).then_some(())
        });
        self.settled();
        let read = |entry: &Entry| {
            is_of(entry, id) && entry.path == "/api/v2/conversations/{conversationId}"
        };
        assert!(self.simulated.requests().iter().any(read), "{:?}", self.simulated.requests_of(id));
    }

    /// Another write came between: the conversation is read, and the write made again.
    fn conflict(&self) {
        self.refuse(409, 1);
        let agents = [Agent::talking("agent", &self.a, 1)];
        self.simulated.inject(call("conflict", &[], &agents));
        self.wait("conflict", "cc.handled_by", &self.a);
        self.settled();
        let mut requests = self.simulated.requests_of("conflict");
        let expected: &[&str] = match self.dialect {
            Dialect::Patch => &["PATCH 409", "GET 200", "PATCH 202"],
            Dialect::Put => &["GET 200", "PUT 409", "GET 200", "GET 200", "PUT 200"],
        };
        // The echo comes on another way than the read: which is newer may cost a read.
        let doubt = requests.split_off(expected.len());
        assert_eq!(requests, expected);
        assert!(doubt.iter().all(|request| request == "GET 200") && doubt.len() < 2, "{doubt:?}");
    }

    /// What somebody else writes between the read and the write is gone for a moment.
    fn put_back(&self) {
        let id = "between";
        let agents = [Agent::talking("agent", &self.a, 1)];
        self.simulated.inject(call(id, &[("crm.tier", "silver"), ("crm.case", "CS-1")], &agents));
        self.wait(id, "cc.segment", "silver");
        self.settled();
        let scripted = Scripted {
            operation: "GET /participants".to_owned(),
            times: 1,
            delay_ms: 1_000,
            ..Scripted::default()
        };
        assert!(self.simulated.script([scripted]));
        let from = self.daemon.logged();
        self.simulated.inject(call(id, &[("crm.tier", "gold")], &agents));
        wait("the read to have been answered", || {
            (self.simulated.requests_of(id).len() == 3).then_some(())
        });
        let theirs = BTreeMap::from([("crm.case".to_owned(), "CS-2".to_owned())]);
        self.simulated.write_as_other(id, CUSTOMER, &theirs).unwrap();
        let told = self
            .daemon
            .wait_log_from(from, "written by somebody else while we wrote, and put back");
        assert_eq!((&told["conversation_id"], &told["keys"]), (&id.into(), &"crm.case".into()));
        self.settled();
        let is = self.simulated.attributes(id, CUSTOMER);
        assert_eq!((is["cc.segment"].as_str(), is["crm.case"].as_str()), ("gold", "CS-2"));
        assert_eq!(self.simulated.requests_of(id), self.cost(3));
        let verdict = self.simulated.verdict();
        assert_eq!((verdict.untouched_violations, verdict.lost_by_client.len()), (2, 0));
    }

    /// One bad key does not take the other rule's with it.
    fn one_key_refused(&self) {
        // The write of both, and then the first of the two.
        self.refuse(400, 2);
        let from = self.daemon.logged();
        let agents = [Agent::talking("agent", &self.a, 1)];
        self.simulated.inject(call("refused", &[("crm.tier", "gold")], &agents));
        let split = self.daemon.wait_log_from(from, "each rule's keys will be pushed apart");
        assert_eq!(split["conversation_id"], "refused");
        let given_up = self.daemon.wait_log_from(from, "update given up");
        assert_eq!((&given_up["reason"], &given_up["status"]), (&"refused".into(), &400.into()));
        self.settled();
        let lost = given_up["keys"].as_str().unwrap();
        let is = self.simulated.attributes("refused", CUSTOMER);
        for key in ["cc.handled_by", "cc.segment"] {
            assert_eq!(is.contains_key(key), key != lost, "{key}, refused {lost}: {is:?}");
        }
        let writes =
            self.simulated.requests_of("refused").into_iter().filter(|r| !r.starts_with("GET"));
        let statuses: Vec<String> =
            writes.map(|r| r.split(' ').nth(1).unwrap().to_owned()).collect();
        let yes = if self.dialect == Dialect::Patch { "202" } else { "200" };
        assert_eq!(statuses, ["400", "400", yes]);

        // And it is not asked for again, whatever the next snapshot shows.
        let mut agent = Agent::talking("agent", &self.a, 1);
        agent.held = true;
        let requests = self.simulated.requests_of("refused");
        self.simulated.inject(call("refused", &[], &[agent]));
        self.settled();
        assert_eq!(self.simulated.requests_of("refused"), requests);
    }

    /// Nobody is there to be written to: a dead letter, and no second request.
    fn not_found(&self) {
        self.refuse(404, 1);
        let from = self.daemon.logged();
        let agents = [Agent::talking("agent", &self.a, 1)];
        self.simulated.inject(call("gone", &[], &agents));
        let given_up = self.daemon.wait_line_from(from, "the dead letter", |line| {
            line["message"] == "update given up" && line["conversation_id"] == "gone"
        });
        assert_eq!(given_up["status"], 404);
        assert_eq!(given_up["reason"], "participant-gone");
        assert_eq!(given_up["rule"], "handled-by");
        self.settled();
        let expected: &[&str] = match self.dialect {
            Dialect::Patch => &["PATCH 404"],
            Dialect::Put => &["GET 200", "PUT 404"],
        };
        assert_eq!(self.simulated.requests_of("gone"), expected);
    }
}

/// Some seconds of all media, with another writer.
fn traffic(dialect: Dialect) {
    let rules = attributed::simulator::RULES;
    let simulated = Simulated::start(Options {
        seed: 5,
        shape: Shape { users: 40, rate: 4.0, pace: 0.4, ..Shape::default() },
        limits: unlimited(),
        record_bodies: true,
        ..Options::default()
    });
    simulated.rules(rules).unwrap();
    // Long enough between a read and its write for others to write, too.
    let operation = "GET /participants".to_owned();
    let slow = Scripted { operation, times: u32::MAX, delay_ms: 150, ..Scripted::default() };
    assert!(simulated.script([slow]));
    let (_setup, daemon) = start(dialect, &simulated, rules);
    // Where a read has put in doubt which event is newer, the next may cost another.
    let of = |entry: &Entry| entry.ids.get("conversationId").cloned();
    let read_at_start: BTreeSet<_> = simulated.requests().iter().filter_map(of).collect();
    wait("some writes", || (daemon.log_count("pushed") >= 120).then_some(()));
    simulated.stop_world();
    wait("the last lives to end", || {
        simulated.look(|world| world.next_due().is_none()).then_some(())
    });
    simulated.wait_quiet(&daemon);
    match dialect {
        Dialect::Patch => judge(&simulated).unwrap(),
        // The whole map is replaced: what somebody else writes between the read and the write is
        // undone, however soon the one follows the other. It is put back when its event tells; here
        // none is lost or late, and so nothing stays lost.
        Dialect::Put => {
            let mut verdict = simulated.verdict();
            println!("{} times a key of others was touched", verdict.untouched_violations);
            assert!(verdict.lost_by_client.is_empty(), "{verdict:#?}");
            verdict.untouched_violations = 0;
            assert!(verdict.is_right() && verdict.redundant_writes == 0, "{verdict:#?}");
            assert!(simulated.overlaps().is_empty());
        }
    }
    // Who comes back to what was before is perhaps only late: which is the newer may cost a read.
    let (mut writes, mut reads) = (0, 0);
    let is_told_by_events =
        |entry: &&Entry| of(entry).is_some_and(|id| !read_at_start.contains(&id));
    for entry in simulated.requests().iter().filter(is_told_by_events) {
        let of_dialect = match dialect {
            Dialect::Patch => entry.method == "PATCH" && entry.path.ends_with("/attributes"),
            Dialect::Put => entry.path.ends_with("/participants/{participantId}"),
        };
        writes += usize::from(of_dialect && entry.method != "GET");
        if !of_dialect {
            assert_eq!(entry.path, "/api/v2/conversations/{conversationId}");
            reads += 1;
        }
    }
    assert!(reads * 10 <= writes, "{reads} reads beside {writes} writes");
}
