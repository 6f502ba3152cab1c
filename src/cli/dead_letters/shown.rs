//! Dead letters in words.

use std::fmt::Write as _;

use crate::cli::exit::Exit;
use crate::cli::print::{eprint, print};
use crate::status::control::letters::{Dropped, Page, Retried, Shown};

pub(super) fn page(page: &Page) {
    for letter in &page.letters {
        print(&if letter.values.is_some() { whole(letter) } else { line(letter) });
    }
    if page.letters.is_empty() {
        let kept = page.kept;
        eprint(&if kept == 0 {
            "no dead letters".to_owned()
        } else {
            format!("none of {kept} dead letters is meant")
        });
    }
    if page.displaced > 0 {
        eprint(&format!("older ones had to give way since the start: {}", page.displaced));
    }
}

fn line(letter: &Shown) -> String {
    let Shown { number, at, conversation, participant, rule, reason, keys, .. } = letter;
    let keys = keys.join(" ");
    let status = letter.status.map_or_else(String::new, |status| format!(" ({status})"));
    format!("{number}  {at}  {reason}{status}  {rule}  {conversation} {participant}  {keys}")
}

fn whole(letter: &Shown) -> String {
    let mut lines = vec![
        format!("dead letter {}", letter.number),
        format!("  given up      {} ({})", letter.at, letter.reason),
        format!("  wished        {}", letter.wished_at),
        format!("  conversation  {}", letter.conversation),
        format!("  participant   {}", letter.participant),
        format!("  rule          {}", letter.rule),
    ];
    if letter.status.is_some() || letter.answer.is_some() {
        let status = letter.status.map_or_else(String::new, |status| format!("{status} "));
        let mut server = format!("{status}{}", letter.answer.as_deref().unwrap_or_default());
        if let Some(id) = &letter.correlation_id
            && !server.contains(id.as_str())
        {
            let _infallible = write!(server, " [correlation_id {id}]");
        }
        // What others wrote may hold what a terminal would obey.
        lines.push(format!("  server        {}", server.trim().escape_debug()));
    }
    let values = letter.values.iter().flatten();
    lines.extend(values.map(|(key, value)| format!("  {key} = {value:?}")));
    lines.join("\n")
}

pub(super) fn retried(retried: &Retried) -> Exit {
    let Retried { letters, keys, left, why } = retried;
    print(&format!("of {letters} dead letters: {keys} keys wished anew, {left} left"));
    for it in why {
        print(&format!("  {}  {}: {}", it.number, it.key, it.why));
    }
    if *left > why.len() {
        print(&format!("  and {} more", left - why.len()));
    }
    if retried.is_good() { Exit::Fine } else { Exit::Failed }
}

pub(super) fn dropped(dropped: &Dropped) {
    let Dropped { letters, waiting, left_alone } = dropped;
    let waiting = match waiting {
        0 => String::new(),
        keys => format!(", and {keys} keys that waited"),
    };
    print(&format!("forgotten: {letters} dead letters{waiting}"));
    if *left_alone {
        print("the conversation is not written to any more");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;

    use super::*;
    use crate::updates::dead_letters::Reason;

    #[test]
    fn a_line_has_no_value_and_a_terminal_obeys_none() {
        let value = ("cc.k".to_owned(), "a\u{1b}[2J \"b\"".to_owned());
        let letter = Shown {
            number: 17,
            at: "2026-11-20T14:00:00Z".to_owned(),
            wished_at: "2026-11-20T13:59:00Z".to_owned(),
            conversation: "c".to_owned(),
            participant: "p".to_owned(),
            rule: "vip".to_owned(),
            reason: Reason::Refused,
            keys: vec!["cc.k".to_owned()],
            values: Some(BTreeMap::from([value])),
            status: Some(400),
            correlation_id: Some("8e2a".to_owned()),
            answer: Some("bad\u{7} attribute".to_owned()),
        };
        expect![[r#"
            17  2026-11-20T14:00:00Z  refused (400)  vip  c p  cc.k
            dead letter 17
              given up      2026-11-20T14:00:00Z (refused)
              wished        2026-11-20T13:59:00Z
              conversation  c
              participant   p
              rule          vip
              server        400 bad\u{7} attribute [correlation_id 8e2a]
              cc.k = "a\u{1b}[2J \"b\"""#]]
        .assert_eq(&format!("{}\n{}", line(&letter), whole(&letter)));
    }
}
