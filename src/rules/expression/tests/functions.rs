//! Every operator and function, once at least.

use expect_test::expect;

use super::check;

#[test]
fn operators() {
    check(
        r#"
        1 + 2 * 3 - 4 / 2 % 3
        -7 / 2
        7 % -3
        -conversation.transfers
        1 + 1.5
        10 / 4.0
        2 == 2.0
        1 < 1.5
        "a" + "b"
        [1] + [2, 3]
        "a" < "b"
        true && !false
        false || conversation.transfers >= 2
        participant.held ? "held" : "free"
        conversation.transfers != 2
        "billing" in participant.skills
        "GERMAN" in participant.skills
        "french" in participant.skills
        conversation.transfers in [1, 2.0]
        "x" in {"x": 1}
        {"a": [1, 2]}.a[1]
        [1, [2, null]] == [1, [2, null]]
        {"a": 1} == {"a": 1.0}
        participant.skills
        {"b": 1.5, "a": [true, null, "x\"y"]}
        type(raw.count) == int && type(raw.big) == double && type(raw.yes) == bool
        type(raw.id) == string && type(raw.empty) == list && type(raw.none) == null_type
        type(raw) == map && type(now) == google.protobuf.Timestamp
        type(participant.held) == string
        [[1], [2]].map(list, list[0])
        dyn(raw.id) == "c1" || dyn(1) == "x"
        uint("7") + uint(2.9)
        uint(-1)
        "it's" + 'a "b"' + r"\d" + "\u00e9\n"
        0x10
        "#,
        expect![[r#"
            1 + 2 * 3 - 4 / 2 % 3 → 5
            -7 / 2 → -3
            7 % -3 → 1
            -conversation.transfers → -2
            1 + 1.5 → 2.5
            10 / 4.0 → 2.5
            2 == 2.0 → true
            1 < 1.5 → true
            "a" + "b" → "ab"
            [1] + [2, 3] → [1,2,3]
            "a" < "b" → true
            true && !false → true
            false || conversation.transfers >= 2 → true
            participant.held ? "held" : "free" → "held"
            conversation.transfers != 2 → false
            "billing" in participant.skills → true
            "GERMAN" in participant.skills → true
            "french" in participant.skills → false
            conversation.transfers in [1, 2.0] → true
            "x" in {"x": 1} → true
            {"a": [1, 2]}.a[1] → 2
            [1, [2, null]] == [1, [2, null]] → true
            {"a": 1} == {"a": 1.0} → true
            participant.skills → ["german","billing"]
            {"b": 1.5, "a": [true, null, "x\"y"]} → {"a":[true,null,"x\"y"],"b":1.5}
            type(raw.count) == int && type(raw.big) == double && type(raw.yes) == bool → true
            type(raw.id) == string && type(raw.empty) == list && type(raw.none) == null_type → true
            type(raw) == map && type(now) == google.protobuf.Timestamp → true
            type(participant.held) == string → false
            [[1], [2]].map(list, list[0]) → [1,2]
            dyn(raw.id) == "c1" || dyn(1) == "x" → true
            uint("7") + uint(2.9) → 9
            uint(-1) → error at `uint(-1)`: a whole number does not say a whole number from 0 on
            "it's" + 'a "b"' + r"\d" + "\u00e9\n" → "it'sa \"b\"\\dé\n"
            0x10 → 16
        "#]],
    );
}

#[test]
fn texts() {
    check(
        r#"
        customer.number.startsWith("+49")
        startsWith(customer.number, "+43")
        customer.number.endsWith("456")
        customer.name.contains("the")
        customer.name.matches(r"^K.+e$")
        customer.number.matches("^\\+49[0-9]{8}$")
        customer.number.matches("[0-9]" + "{9}$")
        size(customer.name)
        participant.skills.size()
        size({"a": 1})
        customer.name.lower()
        lowerAscii("ABC")
        customer.name.upper()
        "  a b ".trim()
        "a-b-c".replace("-", "/")
        "a-b-c".replace("-", "", 1)
        "abc".replace("", "x")
        "a,b,,c".split(",")
        "a,b,c".split(",", 2)
        "äbc".split("")
        ["a", "b"].join(", ")
        [1, true, null, "x"].join()
        participant.skills.join("+")
        customer.name.substring(0, 5)
        customer.name.substring(6)
        customer.name.substring(20)
        customer.name.substring(3, 1)
        customer.name.indexOf("K")
        customer.name.lastIndexOf("K")
        customer.name.indexOf("x")
        customer.name.charAt(1)
        customer.name.charAt(99)
        "äbc".reverse()
        "%s is %d of %s%%".format(["x", 3, [1, "a"]])
        "%.2f %e %x %X %o %b %b".format([1.005, 1500.0, 255, -255, 8, 5, true])
        "%s".format([customer.attributes.nothing])
        "#,
        expect![[r#"
            customer.number.startsWith("+49") → true
            startsWith(customer.number, "+43") → false
            customer.number.endsWith("456") → true
            customer.name.contains("the") → true
            customer.name.matches(r"^K.+e$") → true
            customer.number.matches("^\\+49[0-9]{8}$") → true
            customer.number.matches("[0-9]" + "{9}$") → true
            size(customer.name) → 11
            participant.skills.size() → 2
            size({"a": 1}) → 1
            customer.name.lower() → "käthe kunde"
            lowerAscii("ABC") → "abc"
            customer.name.upper() → "KÄTHE KUNDE"
            "  a b ".trim() → "a b"
            "a-b-c".replace("-", "/") → "a/b/c"
            "a-b-c".replace("-", "", 1) → "ab-c"
            "abc".replace("", "x") → "abc"
            "a,b,,c".split(",") → ["a","b","","c"]
            "a,b,c".split(",", 2) → ["a","b,c"]
            "äbc".split("") → ["ä","b","c"]
            ["a", "b"].join(", ") → "a, b"
            [1, true, null, "x"].join() → "1truex"
            participant.skills.join("+") → "german+billing"
            customer.name.substring(0, 5) → "Käthe"
            customer.name.substring(6) → "Kunde"
            customer.name.substring(20) → null
            customer.name.substring(3, 1) → null
            customer.name.indexOf("K") → 0
            customer.name.lastIndexOf("K") → 6
            customer.name.indexOf("x") → -1
            customer.name.charAt(1) → "ä"
            customer.name.charAt(99) → null
            "äbc".reverse() → "cbä"
            "%s is %d of %s%%".format(["x", 3, [1, "a"]]) → "x is 3 of [1,\"a\"]%"
            "%.2f %e %x %X %o %b %b".format([1.005, 1500.0, 255, -255, 8, 5, true]) → "1.00 1.500000e3 ff -FF 10 101 1"
            "%s".format([customer.attributes.nothing]) → null
        "#]],
    );
}

#[test]
fn conversions() {
    check(
        r#"
        int(customer.attributes.count) + 1
        int(customer.attributes.words)
        int("12.5")
        int(12.9)
        int(-1e300)
        int(true)
        int(timestamp("1970-01-01T00:01:00Z"))
        double("1.5")
        double("inf")
        double(3)
        string(3)
        string(1.0)
        string(true)
        bool("true")
        bool("yes")
        string(duration("90m"))
        string(timestamp("2026-11-20T14:00:00+01:00"))
        timestamp(0)
        duration("5" + "m")
        duration("5" + "x")
        timestamp("2026" + "")
        "#,
        expect![[r#"
            int(customer.attributes.count) + 1 → 8
            int(customer.attributes.words) → error at `int(customer.attributes.words)`: a text does not say a whole number
            int("12.5") → error at `int("12.5")`: a text does not say a whole number
            int(12.9) → 12
            int(-1e300) → error at `int(-1e300)`: a number with a fraction does not say a whole number
            int(true) → 1
            int(timestamp("1970-01-01T00:01:00Z")) → 60
            double("1.5") → 1.5
            double("inf") → error at `double("inf")`: a text does not say a number
            double(3) → 3.0
            string(3) → "3"
            string(1.0) → "1.0"
            string(true) → "true"
            bool("true") → true
            bool("yes") → error at `bool("yes")`: a text does not say true or false
            string(duration("90m")) → "5400s"
            string(timestamp("2026-11-20T14:00:00+01:00")) → "2026-11-20T13:00:00Z"
            timestamp(0) → 1970-01-01T00:00:00Z
            duration("5" + "m") → 300s
            duration("5" + "x") → error at `duration("5" + "x")`: a text does not say a duration
            timestamp("2026" + "") → error at `timestamp("2026" + "")`: a text does not say a time
        "#]],
    );
}

#[test]
fn times() {
    check(
        r#"
        now
        now + duration("1h") - now
        now - timestamp("2026-11-20T23:00:00Z") > duration("30m")
        duration("1h") + duration("30m")
        -duration("1.5s")
        duration("90m").getHours()
        duration("90m").getMinutes()
        duration("1.25s").getMilliseconds()
        now.getFullYear()
        now.getMonth()
        now.getDate()
        now.getDate("Europe/Berlin")
        now.getDayOfMonth()
        now.getDayOfWeek()
        now.getDayOfWeek("Europe/Berlin")
        now.getDayOfYear()
        now.getHours("Europe/Berlin")
        now.getMinutes()
        now.getSeconds()
        now.getMilliseconds()
        now + duration("99999999h")
        "#,
        expect![[r#"
            now → 2026-11-20T23:30:15.25Z
            now + duration("1h") - now → 3600s
            now - timestamp("2026-11-20T23:00:00Z") > duration("30m") → true
            duration("1h") + duration("30m") → 5400s
            -duration("1.5s") → -1.5s
            duration("90m").getHours() → 1
            duration("90m").getMinutes() → 90
            duration("1.25s").getMilliseconds() → 250
            now.getFullYear() → 2026
            now.getMonth() → 10
            now.getDate() → 20
            now.getDate("Europe/Berlin") → 21
            now.getDayOfMonth() → 19
            now.getDayOfWeek() → 5
            now.getDayOfWeek("Europe/Berlin") → 6
            now.getDayOfYear() → 323
            now.getHours("Europe/Berlin") → 0
            now.getMinutes() → 30
            now.getSeconds() → 15
            now.getMilliseconds() → 250
            now + duration("99999999h") → error at `now + duration("99999999h")`: the result is too large
        "#]],
    );
}

#[test]
fn participants_and_macros() {
    check(
        r#"
        participants.exists(p, p.purpose == "agent" && p.held)
        participants.all(p, has(p.purpose))
        participants.exists_one(p, p.purpose == "agent")
        participants.existsOne(p, p.purpose == "customer")
        participants.filter(p, p.purpose == "agent").size()
        participants.map(p, p.name)
        participants.map(p, has(p.name), p.name.lower()).join(";")
        participants[1].name
        participants[1].queue
        participants[1].queue == "billing"
        participants[1].queue == "Sales"
        participants[9].name
        participants.filter(p, p.attributes["tier"] == "gold").map(p, p.name)[0]
        participants.exists(p, participants.exists(q, q != p && q.purpose == p.purpose))
        [1, 2, 3].map(x, [x, x * x])
        ["a", "b"].all(x, ["b", "a"].exists(y, x == y))
        {"b": 1, "a": 2}.map(k, k)
        [1, 2].exists(x, 1 / (x - 1) == 1)
        [1, 2].all(x, 1 / (x - 1) == 1)
        "#,
        expect![[r#"
            participants.exists(p, p.purpose == "agent" && p.held) → true
            participants.all(p, has(p.purpose)) → true
            participants.exists_one(p, p.purpose == "agent") → false
            participants.existsOne(p, p.purpose == "customer") → true
            participants.filter(p, p.purpose == "agent").size() → 2
            participants.map(p, p.name) → ["Käthe Kunde","Avery Agent",null]
            participants.map(p, has(p.name), p.name.lower()).join(";") → "käthe kunde;avery agent"
            participants[1].name → "Avery Agent"
            participants[1].queue → "Billing"
            participants[1].queue == "billing" → true
            participants[1].queue == "Sales" → false
            participants[9].name → null
            participants.filter(p, p.attributes["tier"] == "gold").map(p, p.name)[0] → "Käthe Kunde"
            participants.exists(p, participants.exists(q, q != p && q.purpose == p.purpose)) → true
            [1, 2, 3].map(x, [x, x * x]) → [[1,1],[2,4],[3,9]]
            ["a", "b"].all(x, ["b", "a"].exists(y, x == y)) → true
            {"b": 1, "a": 2}.map(k, k) → ["a","b"]
            [1, 2].exists(x, 1 / (x - 1) == 1) → true
            [1, 2].all(x, 1 / (x - 1) == 1) → error at `1 / (x - 1)`: division by zero
        "#]],
    );
}

#[test]
fn names_and_lists() {
    check(
        r#"
        participant.queue
        participant.queue == "billing"
        participant.queue != "billing"
        "Sales" == participant.queue
        participant.queue in ["Sales", "Billing"]
        participant.queue.lower()
        agent.queue == "Billing"
        lists.vip.segment
        lists.vip.manager
        lists["vip"]["segment"]
        lookup("vip", customer.number)
        lookup("vip", customer.number).manager
        lookup("vip", "+1").manager
        has(lookup("holidays", "2026-12-25"))
        lookup("holidays", customer.number).whatever
        "#,
        expect![[r#"
            participant.queue → "Billing"
            participant.queue == "billing" → true
            participant.queue != "billing" → false
            "Sales" == participant.queue → false
            participant.queue in ["Sales", "Billing"] → true
            participant.queue.lower() → "billing"
            agent.queue == "Billing" → false
            lists.vip.segment → "gold"
            lists.vip.manager → null
            lists["vip"]["segment"] → "gold"
            lookup("vip", customer.number) → "key of +4930123456"
            lookup("vip", customer.number).manager → "manager of +4930123456"
            lookup("vip", "+1").manager → null
            has(lookup("holidays", "2026-12-25")) → false
            lookup("holidays", customer.number).whatever → null
        "#]],
    );
}
