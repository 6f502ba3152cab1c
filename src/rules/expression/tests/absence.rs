//! The event as it was sent, and the law of what is absent.

use expect_test::expect;

use super::check;

#[test]
fn the_event_as_sent() {
    check(
        r#"
        raw.id
        raw["count"] + 1
        raw.big
        raw.yes && true
        raw.count && true
        raw.nothing
        raw.nowhere.deep[3].deeper
        raw.participants[0].calls[0].state
        raw.participants.exists(p, p.calls.exists(c, c.recording))
        raw.participants[0].calls
        size(raw.participants)
        has(raw.empty)
        raw.id.first
        raw.participants["0"]
        raw.count < "3"
        raw.count == "3"
        raw == raw
        "calls" in raw.participants[0]
        raw.id.upper()
        raw.count.upper()
        "#,
        expect![[r#"
            raw.id → "c1"
            raw["count"] + 1 → 4
            raw.big → 1e+300
            raw.yes && true → true
            raw.count && true → error at `raw.count`: a condition is needed; this is a whole number
            raw.nothing → null
            raw.nowhere.deep[3].deeper → null
            raw.participants[0].calls[0].state → "connected"
            raw.participants.exists(p, p.calls.exists(c, c.recording)) → true
            raw.participants[0].calls → [{"recording":true,"state":"connected"}]
            size(raw.participants) → 2
            has(raw.empty) → false
            raw.id.first → error at `raw.id.first`: a text has no field `first`
            raw.participants["0"] → error at `raw.participants["0"]`: a list has no field `0`
            raw.count < "3" → error at `raw.count < "3"`: `<` does not order a whole number and a text
            raw.count == "3" → false
            raw == raw → true
            "calls" in raw.participants[0] → true
            raw.id.upper() → "C1"
            raw.count.upper() → error at `raw.count.upper()`: a text is needed; this is a whole number
        "#]],
    );
}

#[test]
fn what_is_absent() {
    check(
        r#"
        agent.name
        agent.name == "x"
        agent.name != "x"
        !(agent.name == "x")
        agent.name == agent.name
        agent.priority < 5
        agent.priority >= 5
        !(agent.priority < 5)
        agent.name in ["x"]
        !(agent.name in ["x"])
        "x" in agent.skills
        agent.name == null
        agent.name != null
        customer.name == null
        has(agent)
        has(customer)
        customer != null
        has(agent.name)
        has(customer.attributes["crm.tier"])
        has(customer.attributes.blank.trim())
        default(customer.attributes.blank.trim(), "-")
        default(agent.name, default(agent.user_name, "nobody"))
        default(customer.name, 1 / 0 == 1 ? "x" : "y")
        agent.held
        agent.held && true
        !agent.held
        agent.held || participant.held
        agent.held ? "held" : "not"
        agent.priority + 1
        "x" + agent.name
        -agent.priority
        agent.name.upper()
        agent.name.startsWith("x")
        !agent.name.matches("x")
        size(agent.name)
        size(agent.skills)
        agent.skills.exists(s, s == "x")
        agent.skills.all(s, s == "x")
        agent.skills.map(s, s)
        agent.skills[0]
        int(agent.attributes.count)
        duration(agent.name)
        null
        has(null)
        customer.attributes.words != "x" && int(customer.attributes.words) > 3
        participant.held || int(customer.attributes.words) > 3
        int(customer.attributes.words) > 3 || participant.held
        !participant.held && int(customer.attributes.words) > 3
        "#,
        expect![[r#"
            agent.name → null
            agent.name == "x" → false
            agent.name != "x" → true
            !(agent.name == "x") → true
            agent.name == agent.name → false
            agent.priority < 5 → false
            agent.priority >= 5 → false
            !(agent.priority < 5) → true
            agent.name in ["x"] → false
            !(agent.name in ["x"]) → true
            "x" in agent.skills → false
            agent.name == null → true
            agent.name != null → false
            customer.name == null → false
            has(agent) → false
            has(customer) → true
            customer != null → true
            has(agent.name) → false
            has(customer.attributes["crm.tier"]) → true
            has(customer.attributes.blank.trim()) → false
            default(customer.attributes.blank.trim(), "-") → "-"
            default(agent.name, default(agent.user_name, "nobody")) → "nobody"
            default(customer.name, 1 / 0 == 1 ? "x" : "y") → "Käthe Kunde"
            agent.held → null
            agent.held && true → false
            !agent.held → true
            agent.held || participant.held → true
            agent.held ? "held" : "not" → "not"
            agent.priority + 1 → null
            "x" + agent.name → null
            -agent.priority → null
            agent.name.upper() → null
            agent.name.startsWith("x") → false
            !agent.name.matches("x") → true
            size(agent.name) → 0
            size(agent.skills) → 0
            agent.skills.exists(s, s == "x") → false
            agent.skills.all(s, s == "x") → true
            agent.skills.map(s, s) → []
            agent.skills[0] → null
            int(agent.attributes.count) → null
            duration(agent.name) → null
            null → null
            has(null) → false
            customer.attributes.words != "x" && int(customer.attributes.words) > 3 → error at `int(customer.attributes.words)`: a text does not say a whole number
            participant.held || int(customer.attributes.words) > 3 → true
            int(customer.attributes.words) > 3 || participant.held → true
            !participant.held && int(customer.attributes.words) > 3 → false
        "#]],
    );
}
