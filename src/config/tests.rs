//! What a file is answered: the reference, ten mistakes at once, secrets, precedence.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use expect_test::{Expect, expect};

use super::entries::entries;
use super::problem::Problem;
use super::*;

const REFERENCE: &str = include_str!("../../systemd/attributed.toml");
const GOOD: &str = "[genesys]\nregion = \"mypurecloud.de\"\nclient_id = \"c\"\n\
                    client_secret_file = \"s\"\n[watch]\nall_users = true\n";

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    let look_up = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Config::parse(Path::new("/etc/attributed/attributed.toml"), text, &look_up)
}

fn good(text: &str) -> Config {
    let (config, warnings, _) = parse(text, &[]).unwrap();
    assert_eq!(warnings, []);
    config
}

/// Checks what is said of a file, one line for each problem.
#[track_caller]
fn check(text: &str, environment: &[(&str, &str)], expected: Expect) {
    let problems = match parse(text, environment) {
        Ok((_, warnings, _)) => warnings,
        Err(problems) => problems,
    };
    let line = |problem: &Problem| {
        let place = problem.place.as_ref().map(|p| format!("{}:{}", p.line, p.column));
        format!("{} {}\n", place.unwrap_or_else(|| "-".to_owned()), problem.message)
    };
    expected.assert_eq(&problems.iter().map(line).collect::<String>());
}

#[test]
fn the_reference_shows_every_key_with_its_default() {
    let with_secret =
        |text: &str| text.replace("[genesys]", "[genesys]\nclient_secret_file = \"s\"");
    let as_it_is = good(&with_secret(REFERENCE));
    let is_default = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line != "#";
    let uncommented: Vec<&str> =
        REFERENCE.lines().map(|line| if is_default(line) { &line[1..] } else { line }).collect();
    assert_eq!(good(&with_secret(&uncommented.join("\n"))), as_it_is);

    let mut section = String::new();
    let mut shown = BTreeSet::new();
    for line in uncommented {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((name, _)) = line.trim_start_matches("# e.g. ").split_once(" = ")
            && !name.starts_with('#')
        {
            shown.insert(format!("{section}{name}"));
        }
    }
    let known: BTreeSet<String> =
        entries(&as_it_is).into_iter().map(|(key, _)| key.to_owned()).collect();
    assert_eq!(shown, known);
}

#[test]
fn silence_means_the_defaults() {
    let config = good(GOOD);
    assert_eq!(config.rules, Path::new("/etc/attributed/rules.toml"));
    assert_eq!(config.genesys.login_url, "https://login.mypurecloud.de");
    assert_eq!(config.genesys.clients[0].secret, SecretSource::File("/etc/attributed/s".into()));
    assert_eq!(config.updates.max_age, default::MAX_AGE);
    assert_eq!(config.monitoring.listen.as_ref().unwrap().to_string(), default::LISTEN);
    assert_eq!(config.network, Network::default());
}

#[test]
fn the_file_is_obeyed() {
    let text = format!(
        "rules = \"/srv/r.toml\"\n{GOOD}queues = [\"Billing\"]\n[updates]\ndrain = \"1m30s\"\n\
         workers = 0x10\n[monitoring]\nlisten = \"\"\n[log]\nlevel = \"debug\"\n"
    );
    let config = good(&text);
    assert_eq!(config.rules, Path::new("/srv/r.toml"));
    assert_eq!(config.watch.queues, ["Billing"]);
    assert_eq!(config.updates.drain, Duration::from_secs(90));
    assert_eq!(config.updates.workers, 16);
    assert_eq!(config.monitoring.listen, None);
    assert_eq!(config.log.level, LogLevel::Debug);
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = r#"rule = "rules.toml"
workers = 3

[genesys]
region = "eu-centrl-1"
api_url = "http://api.example.com"
client_id = ""
dialect = "pach"

[watch]
users = ["Jane", 7, ""]
refresh = 600

[channels]
copies = 3
max = 21
dead_after = "10s"

[updates]
worker = 3
workers = "8"
requests_per_minute = 5
max_age = "24"
allowed_keys = ["[a"]
drain = "2h"

[logs]
level = "info"

[log]
level = "verbose"
format = "jsn"

[monitoring]
listen = "localhost:9480"
"#;
    check(
        text,
        &[("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s")],
        expect![[r#"
        1:1 unknown key `rule`; did you mean `rules`?
        2:1 `workers` belongs to the section `[updates]`
        5:10 `eu-centrl-1` is neither a region nor the domain of one; did you mean `eu-central-1`?
        6:11 `genesys.api_url`: this is plain http, which is only for this machine: write https://
        7:13 `genesys.client_id` must not be empty
        8:11 `genesys.dialect` cannot be `pach`; did you mean `patch`?
        11:10 `Jane` is neither an e-mail address nor an id
        11:18 `watch.users` must be texts in quotes only, and this is a number
        11:21 `watch.users` holds an empty text
        12:11 `watch.refresh` must be a duration in quotes, such as "10s", and this is a number
        15:10 `channels.copies` must be from 1 to 2
        16:7 `channels.max` must be from 2 to 20
        17:14 `channels.dead_after` must be longer than `channels.ping_after`
        20:1 unknown key `worker`; did you mean `workers`?
        21:11 `updates.workers` must be a whole number without quotes, and this is a text
        22:23 `updates.requests_per_minute` must be from 10 to 60000
        23:11 `24` has no unit: write for example `24s` (ms, s, m, h and d are known)
        24:17 `[a` is not a glob: unclosed character class; missing ']'
        25:9 `updates.drain` must be from 0s to 1h
        27:2 unknown section `[logs]`; did you mean `[log]`?
        31:9 `log.level` cannot be `verbose`
        32:10 `log.format` cannot be `jsn`; did you mean `json`?
        35:10 `localhost:9480` is not an IP address with a port
    "#]],
    );
}

#[test]
fn a_share_is_a_number_from_0_to_1() {
    for (written, thousandths) in [("0.3", 300), ("0", 0), ("1", 1000), ("1e-1", 100)] {
        let config = good(&format!("{GOOD}[reload]\nmax_shrink = {written}\n"));
        assert_eq!(config.reload.max_shrink, thousandths, "{written}");
    }
    for (written, message) in [
        ("30", "9:14 `reload.max_shrink` must be from 0 to 1"),
        ("nan", "9:14 `reload.max_shrink` must be from 0 to 1"),
        ("\"30%\"", "9:14 `reload.max_shrink` must be a number from 0 to 1 without quotes"),
    ] {
        let problems = parse(&format!("{GOOD}\n[reload]\nmax_shrink = {written}\n"), &[]);
        let told = problems.unwrap_err()[0].clone();
        let place = told.place.unwrap();
        let told = format!("{}:{} {}", place.line, place.column, told.message);
        assert!(told.starts_with(message), "{told}");
    }
}

#[test]
fn what_is_missing_is_named_with_its_variable() {
    let problems = parse("", &[]).unwrap_err();
    let shown: Vec<String> = problems.iter().map(Problem::to_string).collect();
    expect![[r#"
        error: `genesys.region` is missing
          --> /etc/attributed/attributed.toml
           = write `region = "mypurecloud.de"` (yours) below `[genesys]`, or set GENESYSCLOUD_REGION; known are: mypurecloud.com, mypurecloud.ie, mypurecloud.com.au, mypurecloud.jp, mypurecloud.de, usw2.pure.cloud, cac1.pure.cloud, apne2.pure.cloud, euw2.pure.cloud, aps1.pure.cloud, use2.us-gov-pure.cloud, sae1.pure.cloud, mec1.pure.cloud, apne3.pure.cloud, euc2.pure.cloud, mxc1.pure.cloud, apse1.pure.cloud, edee1.eusc-pure.cloud
        error: `genesys.client_id` is missing
          --> /etc/attributed/attributed.toml
           = write the id of an OAuth client of the grant type client credentials below `[genesys]`, or set GENESYSCLOUD_OAUTHCLIENT_ID
        error: there is no client secret
          --> /etc/attributed/attributed.toml
           = name the file that holds it in `client_secret_file` below `[genesys]`, pass it on with systemd's `LoadCredential=client-secret:…`, or set GENESYSCLOUD_OAUTHCLIENT_SECRET
        error: there is nothing to watch
          --> /etc/attributed/attributed.toml
           = write below `[watch]` for example `users = ["jane@example.com"]`, `members_of_queues = ["Billing"]`, `queues = ["Billing"]` or `all_users = true`"#]].assert_eq(&shown.join("\n"));
}

#[test]
fn broken_toml_is_told_line_by_line() {
    check(
        "[genesys\nregion = \n[watch]\nall_users = yes\n",
        &[],
        expect![[r#"
        1:9 this is not TOML: unclosed table, expected `]`
        4:13 this is not TOML: string values must be quoted, expected literal string
    "#]],
    );
    check(
        "a = 1\na = 2\n",
        &[],
        expect![[r#"
        2:1 this is not TOML: duplicate key
    "#]],
    );
    check(
        "genesys = 3\n[[watch]]\nusers = []\n",
        &[],
        expect![[r#"
        - `genesys.region` is missing
        - `genesys.client_id` is missing
        - there is no client secret
        - there is nothing to watch
        1:1 `genesys` is a section
        2:3 `watch` is a section
    "#]],
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_shown() {
    for text in [
        GOOD.replace("client_secret_file = \"s\"", "client_secret = \"hunter2\""),
        GOOD.replace("client_secret_file = \"s\"", "client_secret = \"hunter2\nx = "),
        GOOD.replace("client_secret_file = \"s\"", "client_secrt = \"hunter2\""),
        format!("{GOOD}[network]\nproxy = \"http://user:hunter2@proxy:3128\"\n"),
        GOOD.replace("[genesys]", "[genesys]\napi_url = \"https://hunter2@host\""),
        format!("genesys = {{ client_secret = \"hunter2\", x = 1, {} }}", "y = 2"),
    ] {
        let problems = parse(&text, &[]).unwrap_err();
        for problem in &problems {
            assert!(!format!("{problem:?} {problem}").contains("hunter2"), "{problem}");
        }
    }
    let text = GOOD.replace("client_secret_file = \"s\"", "client_secret = \"hunter2\"");
    let problems = parse(&text, &[("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s")]).unwrap_err();
    expect![[r#"
        error: a secret does not belong in this file, which is copied, shown and kept in archives
          --> /etc/attributed/attributed.toml:4:1
           |
         4 | client_secret =**********
           | ^^^^^^^^^^^^^
           = write it to a file of its own (mode 0600), and that file's name to `client_secret_file`; then change the secret, because it has been seen"#]].assert_eq(&problems[0].to_string());
}

const ENVIRONMENT: [(&str, &str); 3] = [
    ("GENESYSCLOUD_REGION", "eu_central_1"),
    ("GENESYSCLOUD_OAUTHCLIENT_ID", "from-environment"),
    ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "hunter2"),
];

#[test]
fn the_environment_counts_where_the_file_is_silent() {
    let (config, ..) = parse("[watch]\nall_users = true\n", &ENVIRONMENT).unwrap();
    assert_eq!(config.genesys.domain, "mypurecloud.de");
    assert_eq!(config.genesys.clients[0].id, "from-environment");
    let (config, ..) = parse(GOOD, &ENVIRONMENT).unwrap();
    assert_eq!(config.genesys.clients[0].id, "c");
    assert!(matches!(config.genesys.clients[0].secret, SecretSource::File(_)));
}

#[test]
fn each_value_is_shown_with_its_origin() {
    let (config, _, origins) = parse("[watch]\nall_users = true\n", &ENVIRONMENT).unwrap();
    let shown = config.show(&origins);
    assert!(!shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    expect![[r##"
        # /etc/attributed/attributed.toml
        rules = "/etc/attributed/rules.toml"         # default

        [genesys]
        region = "mypurecloud.de"                    # GENESYSCLOUD_REGION
        login_url = "https://login.mypurecloud.de"   # from genesys.region
        api_url = "https://api.mypurecloud.de"       # from genesys.region
        client_id = "from-environment"               # GENESYSCLOUD_OAUTHCLIENT_ID
        # the client secret is redacted              # GENESYSCLOUD_OAUTHCLIENT_SECRET
        # organization is not set
        dialect = "patch"                            # default

        [watch]
        users = []                                   # default
        members_of_queues = []                       # default
        members_of_groups = []                       # default
        all_users = true                             # /etc/attributed/attributed.toml:2
        queues = []                                  # default
        acd_only = false                             # default
        refresh = "10m"                              # default

        [channels]
        copies = 1                                   # default
        max = 20                                     # default
        ping_after = "15s"                           # default
        dead_after = "40s"                           # default

        [updates]
        workers = 16                                 # default
        requests_per_second = 20                     # default
        requests_per_minute = 300                    # default
        # requests_per_month is not set
        max_age = "24h"                              # default
        max_pending = 100000                         # default
        allowed_keys = ["*"]                         # default
        dry_run = false                              # default
        drain = "45s"                                # default
        confirm_after = "30s"                        # default
        merge_window = "50ms"                        # default
        after_end = "30s"                            # default
        fight_key_writes = 5                         # default
        fight_conversation_writes = 50               # default
        fight_window = "10m"                         # default
        warn_value_length = 256                      # default
        max_value_length = 32000                     # default

        [reload]
        max_writes = 3000                            # default
        max_shrink = 0.3                             # default

        [network]
        # proxy is not set
        # no_proxy is not set
        # proxy_credentials_file is not set
        # ca_file is not set

        [recovery]
        lookback = "31d"                             # default
        index_lag = "1m"                             # default

        [state]
        dir = "/var/lib/attributed"                  # default
        keep = "7d"                                  # default
        story = "24h"                                # default

        [monitoring]
        listen = "127.0.0.1:9480"                    # default
        # token_file is not set
        rule_series = 500                            # default
        control = "/run/attributed/control.sock"     # default

        [log]
        format = "auto"                              # default
        level = "info"                               # default
    "##]]
    .assert_eq(&shown);
}

#[test]
fn each_value_is_shown_with_its_origin_to_programs_too() {
    let (config, _, origins) = parse("[watch]\nall_users = true\n", &ENVIRONMENT).unwrap();
    let client_id = config.show_json(&origins)["values"]["genesys.client_id"].to_string();
    assert_eq!(client_id, r#"{"from":"GENESYSCLOUD_OAUTHCLIENT_ID","value":"from-environment"}"#);
}

#[test]
fn regions_and_addresses() {
    let region = |region: &str| GOOD.replace("mypurecloud.de", region);
    check(
        &region("euc1.pure.cloud"),
        &[],
        expect![[r#"
        2:10 `euc1.pure.cloud` is not a region known here, but may be one; did you mean `euc2.pure.cloud`?
    "#]],
    );
    check(
        &region("https://api.mypurecloud.de"),
        &[],
        expect![[r#"
        2:10 `https://api.mypurecloud.de` is neither a region nor the domain of one; did you mean `mypurecloud.de`?
    "#]],
    );
    let local = "login_url = \"http://127.0.0.1:1/\"\napi_url = \"http://127.0.0.1:1/\"";
    let config = good(&GOOD.replace("region = \"mypurecloud.de\"", local));
    assert_eq!(config.genesys.api_url, "http://127.0.0.1:1");
    assert_eq!(config.genesys.domain, "127.0.0.1:1");
    let put = |text: &str| text.replace("client_id", "dialect = \"put\"\nclient_id");
    good(&put(&GOOD.replace("region = \"mypurecloud.de\"", local)));
    check(
        &put(GOOD),
        &[],
        expect![[r#"
        3:11 the dialect `put` replaces a participant's whole attribute map, and Genesys Cloud's public API does not have it
    "#]],
    );
}

#[test]
fn a_reload_says_what_must_wait() {
    let before = good(GOOD);
    let mut after = before.clone();
    after.watch.users = vec!["jane@example.com".to_owned()];
    after.log.level = LogLevel::Trace;
    after.updates.dry_run = true;
    after.rules = "other.toml".into();
    assert_eq!(changes_needing_restart(&before, &after), Vec::<&str>::new());
    after.updates.workers = 9;
    after.genesys.dialect = Dialect::Put;
    after.state.dir = "/tmp".into();
    let waiting = changes_needing_restart(&before, &after);
    assert_eq!(waiting, ["genesys.dialect", "updates.workers", "state.dir"]);
}

#[test]
fn what_is_shown_can_be_read_again() {
    let (config, _, origins) = parse(GOOD, &[]).unwrap();
    assert_eq!(good(&config.show(&origins)), config);
    let local = "login_url = \"http://[::1]:1\"\napi_url = \"http://[::1]:1\"";
    let (config, _, origins) =
        parse(&GOOD.replace("region = \"mypurecloud.de\"", local), &[]).unwrap();
    assert_eq!(good(&config.show(&origins)), config);
}

#[test]
fn what_listens_beyond_this_machine_needs_a_token() {
    let text = |monitoring: &str| {
        format!(
            "[genesys]\nregion = \"mypurecloud.de\"\nclient_id = \"x\"\n[watch]\nall_users = true\n[monitoring]\n{monitoring}\n"
        )
    };
    for listen in ["127.0.0.1:0", "127.8.8.8:1", "[::1]:9480", "unix:http.sock", ""] {
        let there = text(&format!("listen = \"{listen}\""));
        check(&there, &[("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s")], expect![""]);
    }
    for listen in ["0.0.0.0:9480", "10.0.0.1:9480", "[::]:9480"] {
        let with_token = text(&format!("listen = \"{listen}\"\ntoken_file = \"token\""));
        check(&with_token, &[("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s")], expect![""]);
    }
    check(
        &text("listen = \"0.0.0.0:9480\""),
        &[("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s")],
        expect![[r#"
            7:10 `0.0.0.0:9480` can be reached from other machines, and nobody is asked who they are
        "#]],
    );
}
