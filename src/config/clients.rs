//! Checks `[[genesys.client]]`: several OAuth clients, for whom one is not enough.
//!
//! Pure. Each has a budget, tokens and channels of its own (FACTS 1.5, 3.1), so two that were the same
//! would each believe to have what there is once.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::ops::Range;

use super::account::no_secret;
use super::limits::PER_MINUTE;
use super::raw::{File, Placed};
use super::{Client, SecretSource};

const KEY: &str = "genesys.client";
/// What the one client of `[genesys]` itself is made of.
const SINGLE: [&str; 2] = ["genesys.client_id", "genesys.client_secret_file"];
/// As many as anybody will have: each is a role to keep and a secret to rotate.
const MOST: usize = 32;

/// The clients of `[[genesys.client]]`; `None` if there is none and the one of `[genesys]` counts.
pub(super) fn several(file: &mut File<'_>) -> Option<Vec<Client>> {
    let Some(clients) = file.tables(KEY, client) else {
        // What is there and is no list was reported, and is not to be taken for nothing.
        return file.places.contains_key(KEY).then(Vec::new);
    };
    let header = file.places.get(KEY).cloned().unwrap_or_default();
    if clients.is_empty() || clients.len() > MOST {
        let message = format!("`{KEY}` must list from 1 to {MOST} clients");
        file.problems.error(header, message).help("a single one may stand in `[genesys]` itself");
    }
    for key in SINGLE {
        // Asked for, so that it is known; what it says is of no use here.
        file.text(key);
        if let Some(place) = file.places.get(key).cloned() {
            let name = key.trim_start_matches("genesys.");
            let message = format!("`{key}` and `[[{KEY}]]` together");
            file.problems.error(place, message).help(format!(
                "move `{name}` below a `[[{KEY}]]` of its own, or write that one client into \
                 `[genesys]` and no list"
            ));
        }
    }
    no_secret(file, "genesys.client_secret");
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (client, place) in &clients {
        let name = client.name.clone().unwrap_or_default();
        if !client.id.is_empty() && !ids.insert(client.id.clone()) {
            let message = format!("the client `{}` is listed twice", client.id);
            file.problems
                .error(place.clone(), message)
                .help("its budget and its 20 channels are there once: list it once");
        } else if !name.is_empty() && !names.insert(name.clone()) {
            let message = format!("two clients have the name `{name}`");
            file.problems.error(place.clone(), message).help("logs tell them apart by it");
        }
    }
    Some(clients.into_iter().map(|(client, _)| client).collect())
}

/// Reads one; the keys are those of its own table.
fn client(file: &mut File<'_>, place: Range<usize>) -> (Client, Range<usize>) {
    let id = file.word("client_id");
    if id.is_none() && !file.places.contains_key("client_id") {
        file.problems
            .error(place.clone(), format!("a `[[{KEY}]]` without `client_id`"))
            .help("write the id of an OAuth client of the grant type client credentials");
    }
    let id = id.map(|id| id.value).unwrap_or_default();
    let name = file.word("name").map_or_else(|| id.clone(), |name| name.value);
    let requests_per_minute = file.number("requests_per_minute", PER_MINUTE.0, PER_MINUTE.1);
    let secret = secret(file, &place);
    let requests_per_minute = requests_per_minute.and_then(NonZeroU32::new);
    (Client { name: Some(name), id, secret, requests_per_minute }, place)
}

fn secret(file: &mut File<'_>, place: &Range<usize>) -> SecretSource {
    no_secret(file, "client_secret");
    let path = file.path("client_secret_file").map(SecretSource::File);
    let credential = file.word("client_secret_credential").and_then(|Placed { value, span }| {
        if value.contains('/') {
            let message = "`client_secret_credential` is a name, not a path";
            file.problems.error(span, message).help(
                "the name that the unit gives it in `LoadCredential=NAME:…`; for a path there is \
                 `client_secret_file`",
            );
            return None;
        }
        Some(SecretSource::Credential(value))
    });
    let variable = file.word("client_secret_env");
    let variable = variable.map(|name| SecretSource::Environment(name.value.into()));
    let told = ["client_secret_file", "client_secret_credential", "client_secret_env"];
    let told = told.into_iter().filter(|key| file.places.contains_key(key)).count();
    if told != 1 {
        let message = match told {
            0 => "a client without a secret",
            _ => "a client with more than one secret",
        };
        file.problems.error(place.clone(), message).help(
            "name the file that holds it in `client_secret_file`, or what the unit passes on by \
             `LoadCredential=` in `client_secret_credential`, or a variable in `client_secret_env`",
        );
    }
    // Where there is none this was reported.
    path.or(credential).or(variable).unwrap_or(SecretSource::Credential(String::new()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::config::Config;
    use crate::config::problem::Problem;

    const START: &str = "[watch]\nall_users = true\n[genesys]\nregion = \"mypurecloud.de\"\n";

    fn parse(clients: &str) -> Result<crate::config::Loaded, Vec<Problem>> {
        let text = format!("{START}{clients}");
        Config::parse(Path::new("/etc/attributed/attributed.toml"), &text, &|_| None)
    }

    #[track_caller]
    fn check(clients: &str, expected: Expect) {
        let problems = parse(clients).map_or_else(|problems| problems, |(_, found, _)| found);
        let line = |problem: &Problem| {
            let place = problem.place.as_ref().map(|p| format!("{}:{}", p.line, p.column));
            format!("{} {}\n", place.unwrap_or_else(|| "-".to_owned()), problem.message)
        };
        expected.assert_eq(&problems.iter().map(line).collect::<String>());
    }

    const TWO: &str = "[[genesys.client]]\nclient_id = \"a\"\nclient_secret_file = \"s\"\n\
                       [[genesys.client]]\nclient_id = \"b\"\nname = \"second\"\n\
                       client_secret_credential = \"b-secret\"\nrequests_per_minute = 600\n";

    #[test]
    fn each_has_its_name_its_secret_and_its_budget() {
        let (config, warnings, origins) = parse(TWO).unwrap();
        assert_eq!(warnings, []);
        let [a, b] = &config.genesys.clients[..] else { panic!() };
        assert_eq!((a.name.as_deref(), a.id.as_str()), (Some("a"), "a"));
        assert_eq!(a.secret, SecretSource::File("/etc/attributed/s".into()));
        assert_eq!((b.name.as_deref(), b.id.as_str()), (Some("second"), "b"));
        assert_eq!(b.secret, SecretSource::Credential("b-secret".to_owned()));
        assert_eq!(config.requests_per_minute(), 900);
        let shown = config.show(&origins);
        let from = shown.find("[genesys]").unwrap();
        let to = shown.find("[watch]").unwrap();
        expect![[r##"
            [genesys]
            region = "mypurecloud.de"                    # /etc/attributed/attributed.toml:4
            login_url = "https://login.mypurecloud.de"   # from genesys.region
            api_url = "https://api.mypurecloud.de"       # from genesys.region
            # client_id is not set
            # client_secret_file is not set
            # organization is not set
            dialect = "patch"                            # default

            [[genesys.client]]
            client_id = "a"                              # /etc/attributed/attributed.toml:6
            name = "a"                                   # default
            client_secret_file = "/etc/attributed/s"     # /etc/attributed/attributed.toml:7
            requests_per_minute = 300                    # default

            [[genesys.client]]
            client_id = "b"                              # /etc/attributed/attributed.toml:9
            name = "second"                              # /etc/attributed/attributed.toml:10
            client_secret_credential = "b-secret"        # /etc/attributed/attributed.toml:11
            requests_per_minute = 600                    # /etc/attributed/attributed.toml:12

        "##]]
        .assert_eq(&shown[from..to]);
        let json = config.show_json(&origins);
        expect![[r#"{"client_id":{"from":"/etc/attributed/attributed.toml:9","value":"b"},"client_secret_credential":{"from":"/etc/attributed/attributed.toml:11","value":"b-secret"},"name":{"from":"/etc/attributed/attributed.toml:10","value":"second"},"requests_per_minute":{"from":"/etc/attributed/attributed.toml:12","value":600}}"#]].assert_eq(&json["values"]["genesys.client"]["value"][1].to_string());
        // And can be read again.
        let (again, ..) =
            Config::parse(&config.file, &shown, &|_| None).map_err(|p| p[0].to_string()).unwrap();
        assert_eq!(again.requests_per_minute(), 900);
    }

    #[test]
    fn the_list_and_the_single_one_exclude_each_other() {
        check(
            &format!("client_id = \"x\"\nclient_secret_file = \"s\"\n{TWO}"),
            expect![[r#"
                5:13 `genesys.client_id` and `[[genesys.client]]` together
                6:22 `genesys.client_secret_file` and `[[genesys.client]]` together
            "#]],
        );
    }

    #[test]
    fn every_mistake_has_its_place() {
        check(
            "[[genesys.client]]\nname = \"one\"\nclient_secret_env = \"S\"\nclient_secret_file = \"s\"\n\
             [[genesys.client]]\nclient_id = \"a\"\nname = \"one\"\nrequests_per_minute = 3\n\
             [[genesys.client]]\nclient_idd = \"a\"\nclient_secret_credential = \"a/b\"\n\
             [[genesys.client]]\nclient_id = \"a\"\nclient_secret = \"hunter2\"\n",
            expect![[r#"
                5:1 a `[[genesys.client]]` without `client_id`
                5:1 a client with more than one secret
                9:1 a client without a secret
                9:1 two clients have the name `one`
                12:23 `requests_per_minute` must be from 10 to 60000
                13:1 a `[[genesys.client]]` without `client_id`
                14:1 unknown key `client_idd`; did you mean `client_id`?
                15:28 `client_secret_credential` is a name, not a path
                16:1 a client without a secret
                16:1 the client `a` is listed twice
                18:1 a secret does not belong in this file, which is copied, shown and kept in archives
            "#]],
        );
        check(
            "client = []\n",
            expect![[r#"
            5:10 `genesys.client` must list from 1 to 32 clients
        "#]],
        );
        check(
            "[genesys.client]\nclient_id = \"a\"\n",
            expect![[r#"
            5:1 `genesys.client` must be a list of tables, each of which begins with `[[genesys.client]]`, and this is a section
        "#]],
        );
    }
}
