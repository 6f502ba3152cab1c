//! What lists promise, and what they say of files that are wrong.

use std::fmt::Write;
use std::path::Path;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

const EXACT: Keying =
    Keying { matching: Matching::Exact, ignore_case: false, normalize: Normalize::No };

fn phone(matching: Matching) -> Keying {
    Keying { matching, normalize: Normalize::Phone, ..EXACT }
}

fn read(text: &str, key: Option<&str>, keying: Keying) -> List {
    let (list, warnings) = List::read(Path::new("x.csv"), text.as_bytes(), key, keying).unwrap();
    assert_eq!(warnings, []);
    list
}

fn problems(bytes: &[u8], key: Option<&str>, keying: Keying, expected: &Expect) {
    let found = match List::read(Path::new("vip.csv"), bytes, key, keying) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    let mut text = String::new();
    for problem in found {
        writeln!(text, "{problem}").unwrap();
    }
    expected.assert_eq(&text);
}

#[test]
fn columns_of_the_row_that_was_found() {
    let text = "\u{feff}phone;segment;\"manager\"\r\n+49 30 1234567;gold;\"Ann; Lee\"\r\n\r\n;;\r\n0049301234568;;Bo\r\n";
    let list = read(text, Some("phone"), phone(Matching::Exact));
    assert_eq!(list.len(), 2);
    let row = list.find("tel:+49 (0)30 1234567").unwrap();
    assert_eq!(row.key(), "+49301234567");
    assert_eq!((row.get("segment"), row.get("manager")), (Some("gold"), Some("Ann; Lee")));
    let row = list.find("+49301234568").unwrap();
    assert_eq!((row.get("segment"), row.get("manager"), row.get("x")), (None, Some("Bo"), None));
    for nobody in ["+49301234569", "030 1234567", "+4930", "", "casey@example.com"] {
        assert!(!list.contains(nobody), "{nobody}");
    }
}

#[test]
fn the_longest_prefix_wins() {
    let text = "prefix,area\n+49,Germany\n+4930,Berlin\n+493012,Mitte\n00 1,America\n";
    let list = read(text, Some("prefix"), phone(Matching::Prefix));
    for (number, area) in [
        ("+493012999", Some("Mitte")),
        ("+49301", Some("Berlin")),
        ("+4989123456", Some("Germany")),
        ("001 317 555-0142", Some("America")),
        ("+33123456789", None),
        ("+4", None),
    ] {
        assert_eq!(list.find(number).and_then(|row| row.get("area")), area, "{number}");
    }
}

#[test]
fn case_is_folded_where_it_is_asked_for() {
    let folded = Keying { ignore_case: true, matching: Matching::Prefix, ..EXACT };
    let list = read("# partners\nExample.COM\nÄrzte\n", None, folded);
    assert_eq!(list.find("EXAMPLE.com/x").map(Row::key), Some("example.com"));
    assert_eq!(list.find("ÄRZTEHAUS").and_then(|row| row.get(VALUE)), Some("ärzte"));
    assert!(!read("Gold\n", None, EXACT).contains("gold"));
}

#[test]
fn dates() {
    let list =
        read("2026-12-24\n26.12.2026\n", None, Keying { normalize: Normalize::Date, ..EXACT });
    let mut days: Vec<&str> = list.keys().collect();
    days.sort_unstable();
    assert_eq!(days, ["2026-12-24", "2026-12-26"]);
    assert!(list.contains("24.12.2026") && !list.contains("12/24/2026"));
    for none in ["2026-02-30", "24.12.26", "2026-12-24T00:00", "+2026-12-24", "1.2", "--", ".."] {
        assert_eq!(date(none), None, "{none}");
    }
}

#[test]
fn bad_lines_are_told_with_their_place() {
    let text = "phone,segment\n+49301234567,gold\n030 1234567,gold\n,silver\n+49301234568,\"a\"\n\n+49301234569\n+49301234560,\"b\nc\n";
    problems(
        text.as_bytes(),
        Some("phone"),
        phone(Matching::Exact),
        &expect![[r#"
            error: this cannot be a key of the list
              --> vip.csv:3:1
               |
             3 | 030 1234567,gold
               | ^^^^^^^^^^^
               = write the whole number with + and its country: +493012345678
            error: no `phone` in this line, which is the key
              --> vip.csv:4:1
               |
             4 | ,silver
               | ^^^^^^^
               = write the whole number with + and its country: +493012345678
            error: the columns are 2, the values of this line 1
              --> vip.csv:7:1
               |
             7 | +49301234569
               | ^^^^^^^^^^^^
               = write as many as there are columns; a value that holds a separator stands in quotes
            error: a value that goes on in the next line
              --> vip.csv:8:15
               |
             8 | +49301234560,"b
               |               ^
               = close the quote, or take the line break out
        "#]],
    );
}

#[test]
fn of_many_bad_lines_the_rest_is_counted() {
    let text = "x\n".repeat(25);
    let Err(found) = List::read(Path::new("x"), text.as_bytes(), None, phone(Matching::Prefix))
    else {
        panic!("no line is a number");
    };
    assert_eq!(found.len(), 11);
    assert_eq!(found[10].message, "15 more lines of the list are bad");
}

#[test]
fn files_that_are_no_lists() {
    for (bytes, expected) in [
        (
            &b"phone,segment\n+49301,M\xfcller\n"[..],
            expect![[r#"
            error: line 2 of the list is not UTF-8
              --> vip.csv
               = save it again as "CSV UTF-8", as spreadsheets call it
        "#]],
        ),
        (
            b"",
            expect![[r#"
            error: the list is empty
              --> vip.csv
               = its first line names the columns, `phone` among them
        "#]],
        ),
        (
            b"telephone,segment\n",
            expect![[r#"
            error: the list has no column `phone`, which is to be its key
              --> vip.csv:1:1
               |
             1 | telephone,segment
               | ^^^^^^^^^^^^^^^^^
               = its columns are: telephone, segment
        "#]],
        ),
        (
            b"phones,segment\n",
            expect![[r#"
            error: the list has no column `phone`, which is to be its key
              --> vip.csv:1:1
               |
             1 | phones,segment
               | ^^^^^^^^^^^^^^
               = did you mean `phones`? write key = "phones" in the rules
        "#]],
        ),
        (
            b"phone,x,x\n",
            expect![[r#"
            error: there are two columns named `x`
              --> vip.csv:1:7
               |
             1 | phone,x,x
               |       ^
               = give one of them another name
        "#]],
        ),
        (
            b"phone\n",
            expect![[r#"
            warning: the list has no entries: nothing is in it
              --> vip.csv
        "#]],
        ),
    ] {
        problems(bytes, Some("phone"), EXACT, &expected);
    }
}

#[test]
fn of_a_key_that_is_there_twice_the_last_counts() {
    let text = "k,v\na,1\nb,2\n\na,3\n";
    problems(
        text.as_bytes(),
        Some("k"),
        EXACT,
        &expect![[r#"
        warning: the key of this line is that of line 2, too
          --> vip.csv:5:1
           |
         5 | a,3
           | ^^^
           = the later line counts; delete one of them
    "#]],
    );
    let (list, _) = List::read(Path::new("x"), text.as_bytes(), Some("k"), EXACT).unwrap();
    assert_eq!((list.len(), list.find("a").and_then(|row| row.get("v"))), (2, Some("3")));
    assert_eq!(list.hash(), read("k,v\nb,2\na,3\n", Some("k"), EXACT).hash());
}

#[test]
fn the_digest_tells_what_the_list_says() {
    let list = |text| read(text, Some("k"), EXACT).hash();
    assert_eq!(list("k,v\na,1\nb,2\n"), list("k;v\r\n\"b\";2\r\na; 1\r\n"));
    for other in ["k,v\na,1\n", "k,v\na,2\nb,1\n", "k,w\na,1\nb,2\n", "v,k\n1,a\n2,b\n"] {
        assert_ne!(list("k,v\na,1\nb,2\n"), list(other), "{other}");
    }
    // Written down once: it must be the same in every build.
    expect!["4115a5128d308b47"].assert_eq(&format!("{:016x}", list("k,v\na,1\n")));
}

#[test]
fn rows_in_the_rules_file() {
    let columns = || vec![Arc::from("phone"), Arc::from("segment")];
    let rows = [vec!["+49301234567", "gold"], vec!["0049301234567", "silver"]];
    let (list, replaced) = List::of_rows(phone(Matching::Exact), columns(), 0, &rows).unwrap();
    assert_eq!(replaced, [0]);
    assert_eq!(list.find("+49301234567").and_then(|row| row.get("segment")), Some("silver"));
    let bad = List::of_rows(phone(Matching::Exact), columns(), 1, &rows).unwrap_err();
    assert_eq!(bad, [0, 1]);
}

proptest! {
    #[test]
    fn a_lookup_finds_what_a_search_finds(
        keys in proptest::collection::btree_set("[ab]{1,6}", 0..60),
        values in proptest::collection::vec("[abc]{0,8}", 20),
    ) {
        let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
        let list = |keying| List::read(Path::new("x"), text.as_bytes(), None, keying).unwrap().0;
        let (exact, prefix) = (list(EXACT), list(Keying { matching: Matching::Prefix, ..EXACT }));
        for value in values.iter().chain(&keys) {
            prop_assert_eq!(exact.contains(value), keys.contains(value));
            let longest = keys.iter().filter(|key| value.starts_with(&***key)).max_by_key(|key| key.len());
            prop_assert_eq!(prefix.find(value).map(Row::key), longest.map(String::as_str));
        }
    }

    #[test]
    fn no_bytes_and_no_values_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC*", value in "\\PC*") {
        for normalize in [Normalize::No, Normalize::Phone, Normalize::Date] {
            for matching in [Matching::Exact, Matching::Prefix] {
                let keying = Keying { matching, normalize, ignore_case: true };
                for (bytes, key) in [(&bytes[..], None), (&bytes[..], Some("a")), (text.as_bytes(), None)] {
                    if let Ok((list, _)) = List::read(Path::new("x"), bytes, key, keying) {
                        let _row = list.find(&value);
                    }
                }
                let csv = format!("a,b\n{text}\n{value},{text}\n");
                let _read = List::read(Path::new("x"), csv.as_bytes(), Some("a"), keying).map(|(list, _)| list.contains(&value));
            }
        }
    }
}
