//! Finds the file, reads it, and looks whether the files that it names are there.
//!
//! The only part of the configuration that touches the disk. No secret is read here: whether its
//! file can be opened is enough, since the value is read anew for every token.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::account::{CREDENTIAL, CREDENTIALS};
use super::check::{self, Checked};
use super::problem::{Problem, Problems, Severity};
use super::raw::Places;
use super::{Config, Environment, Loaded, SecretSource, default};
use crate::machine;

/// Far above any configuration; protects from a file that is something else.
const MAX_SIZE: u64 = 1 << 20;

impl Config {
    /// Reads and checks a configuration file, or without one the first of [`default::FILES`].
    ///
    /// # Errors
    ///
    /// If there is none, it cannot be read, or it has errors: all of them, and the warnings too.
    pub fn load(file: Option<&Path>, environment: Environment<'_>) -> Result<Loaded, Vec<Problem>> {
        let (path, text) = match file {
            Some(path) => {
                (path.to_owned(), read(path).map_err(|error| vec![unread(path, &error)])?)
            }
            None => read_first(&default::FILES.map(Path::new))?,
        };
        let raw = environment;
        let environment = |name: &str| {
            let value = raw(name)?;
            // A unit may have credentials, and this one not among them.
            let here = name != CREDENTIALS || Path::new(&value).join(CREDENTIAL).exists();
            here.then_some(value)
        };
        let mut checked = check::check(&path, &text, &environment)?;
        check_files(&mut checked, raw);
        finish(checked)
    }

    /// Checks the text of a configuration file; looks at nothing else. `path` says what the paths in
    /// it are relative to, and where problems are. A secret that is to come from
    /// `$CREDENTIALS_DIRECTORY` is taken to be there.
    ///
    /// # Errors
    ///
    /// If it has errors: all of them, and the warnings too.
    pub fn parse(
        path: &Path,
        text: &str,
        environment: Environment<'_>,
    ) -> Result<Loaded, Vec<Problem>> {
        finish(check::check(path, text, environment)?)
    }
}

fn finish(checked: Checked<'_>) -> Result<Loaded, Vec<Problem>> {
    let found = checked.problems.into_found();
    if found.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(found);
    }
    Ok((checked.config, found, checked.origins))
}

fn read_first(paths: &[&Path]) -> Result<(PathBuf, String), Vec<Problem>> {
    for path in paths {
        match read(path) {
            Ok(text) => return Ok(((*path).to_owned(), text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(vec![unread(path, &error)]),
        }
    }
    let names = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    let first = paths.first().copied().unwrap_or(Path::new(""));
    let mut problem = Problem::of_file(
        first,
        format!("no configuration: there is no {}", names.join(" and no ")),
    );
    problem.help("write one (the reference is systemd/attributed.toml), or name it: --config FILE");
    Err(vec![problem])
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_SIZE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SIZE {
        let message = format!("it is larger than {MAX_SIZE} bytes, which no configuration is");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

fn unread(path: &Path, error: &io::Error) -> Problem {
    let mut problem = Problem::of_file(path, format!("the configuration cannot be read: {error}"));
    problem.help("check the path after --config, and that this user may read it");
    problem
}

fn check_files(checked: &mut Checked<'_>, environment: Environment<'_>) {
    let Checked { config, problems, places, places_of_clients, .. } = checked;
    for (n, client) in config.genesys.clients.iter().enumerate() {
        let (of_client, prefix) = match places_of_clients.get(n) {
            Some(places) => (places, ""),
            None => (&*places, "genesys."),
        };
        match &client.secret {
            SecretSource::File(path) if prefix.is_empty() => {
                check_file(problems, of_client, "client_secret_file", path, true);
            }
            SecretSource::File(path) => {
                check_file(problems, of_client, "genesys.client_secret_file", path, true);
            }
            SecretSource::Credential(name) => {
                check_credential(problems, of_client, environment, name);
            }
            SecretSource::Environment(name) if !prefix.is_empty() || is_set(environment, name) => {}
            SecretSource::Environment(name) => {
                let place = of_client.get("client_secret_env").cloned().unwrap_or_default();
                let message = format!("`client_secret_env`: {name} is not set");
                problems.error(place, message).help("set it where the service is started");
            }
        }
    }
    let network = &config.network;
    let files = [
        ("network.proxy_credentials_file", network.proxy_credentials_file.clone(), true),
        ("network.ca_file", network.ca_file.clone(), false),
    ];
    for (key, path, secret) in files {
        if let Some(path) = path {
            check_file(problems, places, key, &path, secret);
        }
    }
}

fn is_set(environment: Environment<'_>, name: &str) -> bool {
    environment(name).is_some_and(|value| !value.trim().is_empty())
}

/// Notes if what the unit should pass on is not there.
fn check_credential(
    problems: &mut Problems<'_>,
    places: &Places,
    environment: Environment<'_>,
    name: &str,
) {
    const KEY: &str = "client_secret_credential";
    match environment(CREDENTIALS) {
        Some(folder) => check_file(problems, places, KEY, &Path::new(&folder).join(name), true),
        None => {
            let place = places.get(KEY).cloned().unwrap_or_default();
            let message = format!("`{KEY}`: ${CREDENTIALS} is not set");
            problems
                .error(place, message)
                .help(format!("the service manager sets it for `LoadCredential={name}:…`"));
        }
    }
}

/// Notes if a file that the configuration names is of no use, or a secret for everybody to read.
fn check_file(
    problems: &mut Problems<'_>,
    places: &Places,
    key: &'static str,
    path: &Path,
    secret: bool,
) {
    let shown = path.display();
    // Not opened before it is known to be a file: a pipe would make us wait for its writer.
    let found = fs::metadata(path).and_then(|found| {
        if found.is_file() {
            fs::File::open(path)?;
        }
        Ok(found)
    });
    let (severity, message, help) = match found {
        Err(error) => (
            Severity::Error,
            format!("`{key}`: {shown} cannot be read: {error}"),
            "paths are relative to this file's folder; this user must be able to read it"
                .to_owned(),
        ),
        Ok(found) if !found.is_file() => (
            Severity::Error,
            format!("`{key}`: {shown} is not a file"),
            "name an ordinary file: it is read more than once".to_owned(),
        ),
        Ok(found) if found.len() == 0 => (
            Severity::Error,
            format!("`{key}`: {shown} is empty"),
            "write what belongs there, and nothing else".to_owned(),
        ),
        Ok(found) if secret && machine::is_everybodys(&found) => (
            Severity::Error,
            format!("`{key}`: every user of this machine can read {shown}"),
            format!("chmod 0600 {shown} (0640 if the service reads it by its group)"),
        ),
        Ok(_) => return,
    };
    let problem = match (severity, places.get(key).cloned()) {
        (Severity::Error, Some(span)) => problems.error(span, message),
        (Severity::Error, None) => problems.error_of_file(message),
        (Severity::Warning, Some(span)) => problems.warning(span, message),
        (Severity::Warning, None) => problems.warning_of_file(message),
    };
    problem.help(help);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use expect_test::expect;

    use super::*;

    const TEXT: &str = "[genesys]\nregion = \"mypurecloud.de\"\nclient_id = \"c\"\n\
                        client_secret_file = \"secret\"\n[watch]\nall_users = true\n";

    fn load(secret: Option<(&str, u32)>, text: &str) -> Result<Loaded, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attributed.toml");
        fs::write(&path, text).unwrap();
        if let Some((content, mode)) = secret {
            let path = folder.path().join("secret");
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let root = folder.path().display().to_string();
        Config::load(Some(&path), &|_| None).map_err(|problems| {
            let shown: Vec<String> = problems.iter().map(Problem::to_string).collect();
            shown.join("\n").replace(&root, "/etc")
        })
    }

    #[test]
    fn the_secret_file_must_be_there_and_ours_alone() {
        let (config, warnings, _) = load(Some(("s", 0o600)), TEXT).unwrap();
        assert!(warnings.is_empty());
        assert!(
            matches!(&config.genesys.clients[0].secret, SecretSource::File(path) if path.is_absolute())
        );
        expect![[r#"
            error: `genesys.client_secret_file`: every user of this machine can read /etc/secret
              --> /etc/attributed.toml:4:22
               |
             4 | client_secret_file = "secret"
               |                      ^^^^^^^^
               = chmod 0600 /etc/secret (0640 if the service reads it by its group)"#]]
        .assert_eq(&load(Some(("s", 0o644)), TEXT).unwrap_err());
        expect![[r#"
            error: `genesys.client_secret_file`: /etc/secret is empty
              --> /etc/attributed.toml:4:22
               |
             4 | client_secret_file = "secret"
               |                      ^^^^^^^^
               = write what belongs there, and nothing else"#]]
        .assert_eq(&load(Some(("", 0o600)), TEXT).unwrap_err());
    }

    #[test]
    fn a_missing_secret_is_told_beside_other_mistakes() {
        let text = TEXT.replace("all_users", "al_users");
        let told = load(None, &text).unwrap_err();
        for part in ["No such file", "unknown key `al_users`", "nothing to watch"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn without_a_file_all_places_are_named() {
        let problems = read_first(&[Path::new("/nowhere/a"), Path::new("/nowhere/b")]).unwrap_err();
        expect![[r"
            error: no configuration: there is no /nowhere/a and no /nowhere/b
              --> /nowhere/a
               = write one (the reference is systemd/attributed.toml), or name it: --config FILE"]]
        .assert_eq(&problems[0].to_string());
        let problems = Config::load(Some(Path::new("/")), &|_| None).unwrap_err();
        assert!(problems[0].message.contains("cannot be read"));
    }

    #[test]
    fn a_credential_counts_only_if_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attributed.toml");
        fs::write(&path, TEXT.replace("client_secret_file = \"secret\"", "")).unwrap();
        let credentials = folder.path().display().to_string();
        let environment = |name: &str| match name {
            CREDENTIALS => Some(credentials.clone()),
            "GENESYSCLOUD_OAUTHCLIENT_SECRET" => Some("s".to_owned()),
            _ => None,
        };
        let secret =
            || Config::load(Some(&path), &environment).unwrap().0.genesys.clients[0].secret.clone();
        assert!(matches!(secret(), SecretSource::Environment(_)));
        let credential = folder.path().join(CREDENTIAL);
        fs::write(&credential, "s").unwrap();
        fs::set_permissions(&credential, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(secret(), SecretSource::File(credential));
    }
}
