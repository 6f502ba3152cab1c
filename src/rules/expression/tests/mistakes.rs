//! What an administrator sees who has made a mistake: the place, what is wrong, what to do.

use expect_test::{Expect, expect};

use super::vocabulary;
use crate::rules::expression::{Expression, Wanted};

/// Each line is a condition with mistakes.
#[track_caller]
pub(super) fn check(table: &str, expected: Expect) {
    let mut shown = String::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        shown.push_str(&format!("{line}\n"));
        let found = match Expression::parse(line, Wanted::Condition, &vocabulary()) {
            Ok(expression) => expression.doubts().to_vec(),
            Err(mistakes) => mistakes,
        };
        for mistake in found {
            let before = line[..mistake.at.start].chars().count();
            let carets = "^".repeat(line[mistake.at].chars().count().max(1));
            let (message, help) = (mistake.message, mistake.help);
            shown.push_str(&format!("{}{carets} {message}\n    = {help}\n", " ".repeat(before)));
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn names() {
    check(
        r#"
        customr.number == "x"
        customer.numbr == "x"
        customer.conversation == "x"
        conversation.held
        held && state == "connected"
        customer && true
        has(customer.attributes)
        customer.attributes.crm.tier == "gold"
        customer.attributes[tier] == "gold"
        customer.attributes.case-id == "gold"
        customer.number == gold
        time == "office"
        now() > timestamp("2026-01-01T00:00:00Z")
        lists.vp.segment == "gold"
        lists.vip.segmnt == "gold"
        lists.vip == "gold"
        lookup("vip").segment == "gold"
        lookup(customer.name, "x").segment == "gold"
        lookup("vip", 3).segment == "gold"
        participants.exists(p, p.stat == "x")
        participants.exists(customer, true)
        participants.name == "x"
        participants[0] == "x"
        participant.purpose == "agnet" || participant.state in ["connectd"]
        "#,
        expect![[r#"
            customr.number == "x"
            ^^^^^^^ unknown name `customr`
                = did you mean `customer`?
            customer.numbr == "x"
                     ^^^^^ `customer` has no field `numbr`
                = did you mean `customer.number`?
            customer.conversation == "x"
                     ^^^^^^^^^^^^ `customer` has no field `conversation`
                = it has: id, purpose, name, user, user_id, user_name, queue, queue_id, team_id, group_id, role, ended, connected_time, end_time, connected_for, waiting, acw_start_time, acw_end_time, wrapup_required, wrapup_expected, number, address, external_contact_id, external_organization_id, flow, flow_id, wrapup, wrapup_code, skills, skill_ids, language, language_id, requested_queue_id, priority, consulted_by, monitors, coaches, barges, attributes, media, state, direction, held, muted, ani, dnis, disconnect_type, communication_id, initial_state, recording, held_for, after_call_work, self_address, other_address, other_name, provider, script_id, peer_id, callback_numbers, callback_name, message_type, subject
            conversation.held
                         ^^^^ `conversation` has no field `held`
                = that is a field of participant: participant.held
            held && state == "connected"
            ^^^^ unknown name `held`
                = whose? write participant.held, for example
                    ^^^^^ unknown name `state`
                = whose? write participant.state, for example
            customer && true
            ^^^^^^^^ a field of `customer` is missing here
                = say which: customer.number, for example
            has(customer.attributes)
                ^^^^^^^^^^^^^^^^^^^ one attribute is needed, not all of them
                = write which: attributes["name"]
            customer.attributes.crm.tier == "gold"
                                    ^^^^ attributes have no parts
                = names with dots stand in brackets: attributes["crm.tier"]
            customer.attributes[tier] == "gold"
                                ^^^^ a name is needed here, and not a value
                = write attributes["name"], with quotes and brackets
            customer.attributes.case-id == "gold"
                                     ^^ unknown name `id`
                = names with dashes stand in brackets: attributes["case-id"]
            customer.number == gold
                               ^^^^ unknown name `gold`
                = texts stand in quotes: "gold"; names are: conversation, participant, customer, agent, acd, watched, participants, now, raw, lists
            time == "office"
            ^^^^ unknown name `time`
                = write now; schedules are asked with match.time
            now() > timestamp("2026-01-01T00:00:00Z")
            ^^^ unknown function `now`
                = write now, without parentheses
            lists.vp.segment == "gold"
                  ^^ there is no list `vp`
                = did you mean `vip`?
            lists.vip.segmnt == "gold"
                      ^^^^^^ the list `vip` has no column `segmnt`
                = did you mean `segment`?
            lists.vip == "gold"
            ^^^^^^^^^ which column of the list `vip`?
                = write lists.vip.column
            lookup("vip").segment == "gold"
            ^^^^^^ `lookup` is given too few arguments
                = write lookup("vip", customer.number).segment, for example
            lookup(customer.name, "x").segment == "gold"
                   ^^^^^^^^^^^^^ which list? It has to be known beforehand
                = write its name in quotes: lookup("vip", customer.number)
            lookup("vip", 3).segment == "gold"
                          ^ the keys of lists are texts; this is a whole number
                = write string(…) around it
            participants.exists(p, p.stat == "x")
                                     ^^^^ `participant` has no field `stat`
                = did you mean `participant.state`?
            participants.exists(customer, true)
                                ^^^^^^^^ `customer` is a subject already
                = use another name, such as p
            participants.name == "x"
                         ^^^^ a list has no field `name`
                = ask its elements: list.exists(x, …), list.map(x, …), or list[0]
            participants[0] == "x"
            ^^^^^^^^^^^^^^^^^^^^^^ `==` compares a participant with a text
                = both sides have to be of one kind
            participant.purpose == "agnet" || participant.state in ["connectd"]
                                   ^^^^^^^ `participant.purpose` is not known to be "agnet"
                = did you mean `agent`?
                                                                    ^^^^^^^^^^ `participant.state` is not known to be "connectd"
                = did you mean `connected`?
        "#]],
    );
}

#[test]
fn kinds() {
    check(
        r#"
        customer.attributes.count > 3
        conversation.transfers > "3"
        participant.held == "true"
        participant.skills == "german"
        participant.skills in ["german"]
        customer.number in "+49"
        customer.number in []
        customer.name == ""
        customer.name
        conversation.transfers
        !customer.name
        customer.name && participant.held
        conversation.transfers ? true : false
        customer.name + 3 == "x"
        customer.name - 1 == 0
        conversation.transfers + "x" == "x"
        now > "2026-01-01"
        now - now > 30
        participant.skills.contains("german")
        customer.name.exists(c, c == "x")
        customer.name[0] == "K"
        -customer.name == "x"
        {1: 2}["a"] == 2
        [1, 2]["a"] == 2
        3u == 3
        b"x" == "x"
        "#,
        expect![[r#"
            customer.attributes.count > 3
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `>` compares a text with a whole number
                = attributes are texts: write int(…) around it, or the number in quotes
            conversation.transfers > "3"
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `>` compares a whole number with a text
                = attributes are texts: write int(…) around it, or the number in quotes
            participant.held == "true"
            ^^^^^^^^^^^^^^^^^^^^^^^^^^ `==` compares true or false with a text
                = fields of true or false are compared without quotes, attributes with: "true"
            participant.skills == "german"
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `==` compares a list with a text
                = ask for an element: "german" in participant.skills
            participant.skills in ["german"]
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a list is never in it: the list holds a text
                = both sides have to be of one kind
            customer.number in "+49"
                               ^^^^^ `in` asks a list; this is a text
                = write y.contains(x), or a list in brackets: x in ["a", "b"]
            customer.number in []
                               ^^ nothing is in an empty list
                = name a value
            customer.name == ""
                             ^^ `customer.name` is never empty: what is empty counts as absent
                = write !has(customer.name)
            customer.name
            ^^^^^^^^^^^^^ `when` asks for a condition; this is a text
                = write has(customer.name), or compare it: customer.name == "true"
            conversation.transfers
            ^^^^^^^^^^^^^^^^^^^^^^ `when` asks for a condition; this is a whole number
                = compare it, or write has(conversation.transfers)
            !customer.name
             ^^^^^^^^^^^^^ `!` asks for a condition; this is a text
                = write has(customer.name), or compare it: customer.name == "true"
            customer.name && participant.held
            ^^^^^^^^^^^^^ `&&` asks for a condition; this is a text
                = write has(customer.name), or compare it: customer.name == "true"
            conversation.transfers ? true : false
            ^^^^^^^^^^^^^^^^^^^^^^ `?` asks for a condition; this is a whole number
                = compare it, or write has(conversation.transfers)
            customer.name + 3 == "x"
            ^^^^^^^^^^^^^^^^^ `+` does not take a text and a whole number
                = write string(…) to join them as texts, or int(…) to add them
            customer.name - 1 == 0
            ^^^^^^^^^^^^^^^^^ `-` does not take a text and a whole number
                = attributes are texts: write int(…) around it
            conversation.transfers + "x" == "x"
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `+` does not take a whole number and a text
                = write string(…) to join them as texts, or int(…) to add them
            now > "2026-01-01"
            ^^^^^^^^^^^^^^^^^^ `>` compares a time with a text
                = times are written timestamp("2026-11-20T14:00:00Z")
            now - now > 30
            ^^^^^^^^^^^^^^ `>` compares a duration with a whole number
                = durations are written duration("30s")
            participant.skills.contains("german")
            ^^^^^^^^^^^^^^^^^^ `contains` takes a text here; this is a list
                = lists are asked with in: "a" in x
            customer.name.exists(c, c == "x")
            ^^^^^^^^^^^^^ a text has no elements
                = ask a list: participants, participant.skills, or ["a", "b"]
            customer.name[0] == "K"
            ^^^^^^^^^^^^^^^^ a text has no elements
                = write x.charAt(0), or x.substring(0, 3)
            -customer.name == "x"
            ^^^^^^^^^^^^^^ `-` cannot turn a text round
                = write a number or a duration after it
            {1: 2}["a"] == 2
             ^ the keys of a table are texts; this is a whole number
                = write it in quotes
            [1, 2]["a"] == 2
                   ^^^ a list is not asked by a text
                = lists are asked by a number from 0, tables by a text
            3u == 3
            ^^ all whole numbers are of one kind
                = write it without the u
            b"x" == "x"
            ^^^^ there are texts, and no bytes
                = write it without the b
        "#]],
    );
}

#[test]
fn functions() {
    check(
        r#"
        len(customer.name) > 3
        customer.name.startWith("K")
        frobnicate(customer.name)
        customer.name.replace("a") == "x"
        has() || has(1, 2)
        customer.name.upper(1) == "X"
        upper(3) == "X"
        exists(participants, true)
        participants.exists(p.name, true)
        participants.exists(p, p.name)
        customer.number.matches("[0-9")
        customer.number.matches("a{1000}{1000}")
        duration("5 minutes") < duration("5m")
        timestamp("tomorrow") < now
        now.getHours("Berlin") > 8
        now.getHours(customer.name) > 8
        "%y".format([1]) == "x"
        "%s %s".format([1]) == "x"
        default(customer.name) == "x"
        "#,
        expect![[r#"
            len(customer.name) > 3
            ^^^ unknown function `len`
                = write size
            customer.name.startWith("K")
                          ^^^^^^^^^ unknown function `startWith`
                = did you mean `startsWith`?
            frobnicate(customer.name)
            ^^^^^^^^^^ unknown function `frobnicate`
                = there are: startsWith, endsWith, contains, matches, size, lower, lowerAscii, upper, upperAscii, trim, replace, split, join, substring, indexOf, lastIndexOf, charAt, reverse, format, int, uint, double, string, bool, duration, timestamp, getFullYear, getMonth, getDate, getDayOfMonth, getDayOfWeek, getDayOfYear, getHours, getMinutes, getSeconds, getMilliseconds, has, default, type, dyn, lookup, exists, all, exists_one, existsOne, filter, map
            customer.name.replace("a") == "x"
                          ^^^^^^^ `replace` is given too few arguments
                = write x.replace("old", "new"), for example
            has() || has(1, 2)
            ^^^ `has` is given too few arguments
                = write has(customer.number), for example
                     ^^^ `has` is given too many arguments
                = write has(customer.number), for example
            customer.name.upper(1) == "X"
                          ^^^^^ `upper` is given too many arguments
                = write x.upper(), for example
            upper(3) == "X"
                  ^ `upper` takes a text here; this is a whole number
                = write string(…) around it; x.upper() is an example
            exists(participants, true)
            ^^^^^^ `exists` is asked of a list
                = write participants.exists(p, p.purpose == "agent")
            participants.exists(p.name, true)
                                ^^^^^^ a name for the element is needed here
                = write list.exists(x, …) with x in place of the element
            participants.exists(p, p.name)
                                   ^^^^^^ `exists` asks for a condition; this is a text
                = write has(p.name), or compare it: p.name == "true"
            customer.number.matches("[0-9")
                                    ^^^^^^ this pattern cannot be read: unclosed character class
                = write it as a raw text, so that backslashes stay: r"^\d+$"
            customer.number.matches("a{1000}{1000}")
                                    ^^^^^^^^^^^^^^^ this pattern cannot be read: Compiled regex exceeds size limit of 1048576 bytes.
                = write a shorter one; a list of words is asked with in
            duration("5 minutes") < duration("5m")
                     ^^^^^^^^^^^ this is no duration
                = write "90s", "5m" or "1h30m"
            timestamp("tomorrow") < now
                      ^^^^^^^^^^ this is no time
                = write "2026-11-20T14:00:00Z"
            now.getHours("Berlin") > 8
                         ^^^^^^^^ there is no time zone "Berlin"
                = write it as in "Europe/Berlin"
            now.getHours(customer.name) > 8
                         ^^^^^^^^^^^^^ the zone has to be known beforehand
                = write it in quotes: "Europe/Berlin"
            "%y".format([1]) == "x"
            ^^^^ `%y` is not known here
                = write %s, %d, %f, %.2f, %x, %o, %b, %e, or %% for a percent sign
            "%s %s".format([1]) == "x"
                           ^^^ 2 values are needed; here are 1
                = write one value for each % in the text
            default(customer.name) == "x"
            ^^^^^^^ `default` is given too few arguments
                = write default(customer.name, "unknown"), for example
        "#]],
    );
}
